// Command lab shows and checks what the leasekernel does.
//
//	go run ./lab quirks            tell the registries' quirks by running them
//	go run ./lab replay FILE|DIR   replay recordings of the real registries
//	go run ./lab explain [SCRIPT]  run a scripted registry in virtual time, and say why
//	go run ./lab pacers            compare three ways of renewing while the server fails
//	go run ./lab seeds             plant violations in the kernels, and see whether each is found
//	go run ./lab mutants [PACKAGE] make faults in the kernels and see whether tests notice
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit statuses.
const (
	exitOK       = 0
	exitFindings = 1 // the command ran, and found something wrong
	exitUnusable = 2 // the command could not do what it was asked
)

// errFindings ends a command that found something wrong and has said what.
var errFindings = errors.New("something is not as it should be")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	if !isTerminal(stdout) {
		text.DisableColors()
	}
	root := &cobra.Command{
		Use:           "lab",
		Short:         "Shows and checks what the leasekernel does",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(quirksCommand(), replayCommand(), explainCommand(), pacersCommand(), mutantsCommand(), seedsCommand(), fuzzCommand(), coverageCommand(), verifyCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.Execute(); {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	default:
		fmt.Fprintln(stderr, "lab:", err)
		return exitUnusable
	}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// widthOf is the width of the terminal w, or fallback if w is none.
func widthOf(w io.Writer, fallback int) int {
	if isTerminal(w) {
		if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 0 {
			return width
		}
	}
	return fallback
}
