package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/leasekernel/leasekernel/lab/verify"
	"github.com/spf13/cobra"
)

func fuzzCommand() *cobra.Command {
	var record, list bool
	wanted := time.Minute
	command := &cobra.Command{
		Use:   "fuzz [TARGET...]",
		Short: "Let Go's fuzzer look for inputs that break a parser, an arithmetic or a decoder",
		Long: `Runs each native fuzz target of the project, or those named, one after the other
and each with one worker, until it has used as much time of a processor as it
is given. The targets of ./fuzz, which let the fuzzer choose what a model's
machine does, are run only if they are named.

The exit status is 1 if an input broke something: it is then below testdata/fuzz,
beside the target, and every test run tries it again.`,
		RunE: func(command *cobra.Command, names []string) error {
			targets, err := fuzzTargets(command.Context(), names)
			if err != nil {
				return err
			}
			if list {
				return listTargets(command.OutOrStdout(), targets)
			}
			bar := barOf(command.ErrOrStderr(), "fuzzing", len(targets))
			var fuzzed []verify.Fuzzed
			for _, target := range targets {
				one, err := target.fuzz(command.Context(), wanted)
				if err != nil {
					return err
				}
				fuzzed = append(fuzzed, one)
				_ = bar.Add(1)
			}
			if record {
				if err := keepFuzzed(fuzzed); err != nil {
					return err
				}
			}
			printFuzzed(command.OutOrStdout(), fuzzed)
			if slices.ContainsFunc(fuzzed, func(f verify.Fuzzed) bool { return f.Crashers > 0 }) {
				return errFindings
			}
			return nil
		},
	}
	command.Flags().DurationVar(&wanted, "cpu", wanted, "how much time of a processor a target is given")
	command.Flags().BoolVar(&list, "list", false, "only print the targets' names, as JSON in one line")
	command.Flags().BoolVar(&record, "record", false, "add what was run to "+verify.FuzzedFile)
	return command
}

// fuzzTarget is a function FuzzX of a package.
type fuzzTarget struct{ Package, Name string }

// bridges is the package whose targets are run only by name.
const bridges = "github.com/leasekernel/leasekernel/fuzz"

func fuzzTargets(ctx context.Context, names []string) ([]fuzzTarget, error) {
	output, err := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "work").Output()
	if err != nil {
		return nil, fmt.Errorf("which targets are there: %w", err)
	}
	var all, found []fuzzTarget
	for _, line := range strings.Split(string(output), "\n") {
		if fields := strings.Fields(line); len(fields) == 1 {
			found = append(found, fuzzTarget{Name: fields[0]})
		} else if len(fields) > 1 { // ok package seconds: those before are its
			for _, target := range found {
				target.Package = fields[1]
				if len(names) == 0 && target.Package != bridges || slices.Contains(names, target.Name) {
					all = append(all, target)
				}
			}
			found = nil
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no target %s", strings.Join(names, " or "))
	}
	return all, nil
}

func listTargets(w io.Writer, targets []fuzzTarget) error {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = target.Name
	}
	return json.NewEncoder(w).Encode(names)
}

var (
	execsSaid       = regexp.MustCompile(`execs: (\d+)`)
	interestingSaid = regexp.MustCompile(`new interesting: (\d+)`)
)

// fuzz runs the target again and again until it has used the time wanted.
func (t fuzzTarget) fuzz(ctx context.Context, wanted time.Duration) (verify.Fuzzed, error) {
	fuzzed := verify.Fuzzed{Package: t.Package, Target: t.Name}
	for fuzzed.CPU < wanted && fuzzed.Crashers == 0 {
		left := max(wanted-fuzzed.CPU, time.Second).Round(time.Second)
		command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.Name+"$",
			"-fuzztime", left.String(), "-fuzzminimizetime", "1s", "-parallel", "1", t.Package)
		output, err := command.CombinedOutput()
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			if !endedLate(output) {
				fuzzed.Crashers++
				fuzzed.Output = string(output)
			}
		} else if err != nil {
			return fuzzed, err
		}
		fuzzed.CPU += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
		fuzzed.Inputs += lastNumber(execsSaid, output)
		fuzzed.Interesting += lastNumber(interestingSaid, output)
		if err := ctx.Err(); err != nil {
			return fuzzed, err
		}
	}
	return fuzzed, nil
}

// endedLate says that go test failed because its own time was up while a worker
// was busy, which it reports like a failure, with no input to blame.
func endedLate(output []byte) bool {
	return bytes.Contains(output, []byte("context deadline exceeded")) && !bytes.Contains(output, []byte("Failing input"))
}

func lastNumber(said *regexp.Regexp, output []byte) int {
	found := said.FindAllSubmatch(output, -1)
	if len(found) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(string(found[len(found)-1][1])) // digits only
	return n
}

func keepFuzzed(fuzzed []verify.Fuzzed) error {
	file, err := os.OpenFile(verify.FuzzedFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(file)
	for _, one := range fuzzed {
		if err := lines.Encode(one); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

func printFuzzed(w io.Writer, fuzzed []verify.Fuzzed) {
	rows := table.NewWriter()
	rows.SetOutputMirror(w)
	rows.SetStyle(table.StyleLight)
	rows.AppendHeader(table.Row{"target", "package", "CPU", "inputs", "new", "crashers"})
	inputs, crashers := 0, 0
	for _, f := range fuzzed {
		rows.AppendRow(table.Row{f.Target, f.Package, f.CPU.Round(time.Second), f.Inputs, f.Interesting, f.Crashers})
		inputs += f.Inputs
		crashers += f.Crashers
	}
	rows.Render()
	for _, f := range fuzzed {
		if f.Crashers > 0 {
			fmt.Fprintf(w, "\n%s:\n%s", f.Target, f.Output)
		}
	}
	fmt.Fprintf(w, "total targets=%d inputs=%d crashers=%d\n", len(fuzzed), inputs, crashers)
}
