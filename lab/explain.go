package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/leasekernel/leasekernel/lab/script"
	"github.com/spf13/cobra"
)

// The scripts that run if none is named: why is my dead instance still listed
// after 90 s?
var (
	//go:embed testdata/90s-is-180s-eureka.txt
	underEureka string
	//go:embed testdata/90s-is-180s-exact.txt
	underExact string
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [SCRIPT...]",
		Short: "Run a scripted registry in virtual time and say why it evicts or not",
		Long: `Runs scripts of a registry in virtual time, "-" being one from stdin, and tells
what happens and why. Without arguments it asks under two rules why a dead
instance is still listed after 90 s.

` + grammar() + `
The exit status is 0 if everything came as expected, 1 if it did not, and 2 if
a script could not be read or done.`,
		RunE: func(command *cobra.Command, names []string) error {
			stories, err := readStories(names, command.InOrStdin())
			if err != nil {
				return err
			}
			return tellStories(command.OutOrStdout(), stories)
		},
	}
}

// grammar is the help's page on the language.
func grammar() string {
	commands, settings := script.Usage()
	return `A script has one command a line; # begins a comment. KEYS are one key, or a
range such as orders-1..orders-20; a DURATION is one such as 90s or 1m30s.

  ` + strings.Join(commands, "\n  ") + `

"rules" comes first; without it they are the exact ones. "beat" lets n clients
renew by themselves until "stop" or "cancel", the i-th of them for the first
time i/n of the interval later; answered false they register again. "advance"
lets time pass: passes run when they are due, after the heartbeats of the same
instant. A key is "evicted" until it is registered again, and "absent" if it was
cancelled or never registered. Before anything happens these can be set, which
rules that do not look at them refuse:

  ` + strings.Join(settings, "\n  ") + "\n"
}

// story is a script with its name.
type story struct {
	name   string
	script script.Script
}

// readStories fails, naming all problems, before anything is told.
func readStories(names []string, stdin io.Reader) (stories []story, err error) {
	if len(names) == 0 {
		return parseStories([]string{"90s-is-180s-eureka", "90s-is-180s-exact"}, []string{underEureka, underExact})
	}
	var texts []string
	var errs []error
	for _, name := range names {
		text, err := readScript(name, stdin)
		texts, errs = append(texts, text), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return parseStories(names, texts)
}

func readScript(name string, stdin io.Reader) (string, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	return string(text), err
}

func parseStories(names, texts []string) (stories []story, err error) {
	var errs []error
	for i, text := range texts {
		parsed, err := script.Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", names[i], err))
		} else if !slices.ContainsFunc(parsed, func(l script.Line) bool { return l.Command != nil }) {
			errs = append(errs, fmt.Errorf("%s: there is no command in it", names[i]))
		}
		stories = append(stories, story{names[i], parsed})
	}
	return stories, errors.Join(errs...)
}

// tellStories runs the scripts one after the other, each from the start.
func tellStories(w io.Writer, stories []story) error {
	width := max(leastWidth, widthOf(w, pageWidth)-1)
	failed := 0
	for i, story := range stories {
		if len(stories) > 1 {
			fmt.Fprintf(w, "%s== %s ==\n", strings.Repeat("\n", min(i, 1)), story.name)
		}
		n, err := script.Run(story.script, func(e script.Event) { printEvent(w, e, width) })
		if failed += n; err != nil {
			return fmt.Errorf("%s: %w", story.name, err)
		}
	}
	if failed > 0 {
		fmt.Fprintf(w, "\nexpectations that failed: %d\n", failed)
		return errFindings
	}
	return nil
}

// whatColumn is where it stands what happens, after two columns of when.
const whatColumn = 22

var colors = map[script.Kind]text.Colors{
	script.Comment: {text.Faint},
	script.Warning: {text.FgYellow},
	script.Said:    {text.Bold},
	script.Met:     {text.FgGreen},
	script.Failed:  {text.FgRed},
}

// printEvent prints one event, wrapped, with its instant where that is news.
func printEvent(w io.Writer, e script.Event, width int) {
	first, margin := "", whatColumn+2
	switch e.Kind {
	case script.Comment, script.Setting, script.Warning:
		margin = 0
	case script.Said:
		first, margin = instant(e), whatColumn
	case script.Happened:
		first = instant(e)
	}
	for _, line := range wrapped(e.Text, width-margin) {
		fmt.Fprintf(w, "%-*s%s\n", margin, first, colors[e.Kind].Sprint(line))
		first = ""
	}
}

func instant(e script.Event) string {
	return fmt.Sprintf("t+%-8s %-8s  ", script.Short(e.Since), script.Clock(e.At))
}

// wrapped divides a sentence into lines, without the blanks with which each is
// filled up.
func wrapped(sentence string, width int) (lines []string) {
	for line := range strings.SplitSeq(text.WrapSoft(sentence, width), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
