package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/leasekernel/leasekernel/fuzz"
	"github.com/leasekernel/leasekernel/fuzz/replay"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/spf13/cobra"
)

func replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE|DIR...",
		Short: "Replay recordings of the real registries, and traces of the models' runs",
		Long: `Feeds recordings of the real Eureka, bilibili/discovery and Nacos through the
kernels and compares every recorded value. A recording ends in .jsonl or
.jsonl.gz, and its name up to the first dot says what it records. A file that
ends in .trace is a run of a kernel beside its model, as a test writes it that
found a law violated; its steps are counted as checks. Directories are searched
at any depth.

The exit status is 0 if everything was replayed and agreed, 1 if a value
differed, a law was violated or a case was skipped, and 2 if a file could not be
read or is of an unknown kind ("go run" itself turns 2 into 1; a built lab does not).`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, paths []string) error {
			files, err := replay.Files(append([]string{traceEnding}, replay.Endings...), paths...)
			if err != nil {
				return err
			}
			results, unusable := replayAll(files, command.ErrOrStderr())
			printResults(command.OutOrStdout(), results)
			for _, err := range unusable {
				fmt.Fprintln(command.ErrOrStderr(), "lab:", err)
			}
			if len(unusable) > 0 {
				return fmt.Errorf("%d of %d files could not be replayed", len(unusable), len(files))
			}
			for _, result := range results {
				if !result.OK() {
					return errFindings
				}
			}
			return nil
		},
	}
}

// replayAll replays the files, with a progress bar if stderr is a terminal.
func replayAll(files []string, stderr io.Writer) (results []replay.Result, unusable []error) {
	bar := barOf(stderr, "replaying", len(files))
	for _, file := range files {
		result, err := replayFile(file)
		if err != nil {
			unusable = append(unusable, err)
		} else {
			results = append(results, result)
		}
		_ = bar.Add(1) // a bar that cannot be drawn is no reason to stop
	}
	return results, unusable
}

// traceEnding is that of a run of a machine of the models.
const traceEnding = ".trace"

func replayFile(file string) (replay.Result, error) {
	if !strings.HasSuffix(file, traceEnding) {
		return replay.File(file)
	}
	ran, err := fuzz.RunTrace(file)
	if err != nil {
		return replay.Result{}, err
	}
	return resultOf(filepath.Base(file), ran), nil
}

func resultOf(name string, ran trace.Trace) replay.Result {
	result := replay.Result{Name: name, Cases: 1, Checks: len(ran.Steps)}
	if ran.Violated != "" {
		result.Mismatches = 1
		result.First = []replay.Mismatch{{
			Case: ran.Machine, Step: len(ran.Steps) - 1, What: ran.Law(), Want: "kept", Got: ran.Violated,
		}}
	}
	return result
}

func printResults(w io.Writer, results []replay.Result) {
	total := replay.Result{Name: fmt.Sprintf("total files=%d", len(results))}
	for _, result := range results {
		printCounts(w, result)
		for _, mismatch := range result.First {
			fmt.Fprintf(w, "  %s step %d: %s: expected %s, got %s\n",
				mismatch.Case, mismatch.Step, mismatch.What, mismatch.Want, mismatch.Got)
		}
		if more := result.Mismatches - len(result.First); more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
		for _, skip := range result.Skipped {
			fmt.Fprintf(w, "  %s skipped: %s\n", skip.Case, skip.Reason)
		}
		total.Cases += result.Cases
		total.Checks += result.Checks
		total.Mismatches += result.Mismatches
		total.Skipped = append(total.Skipped, result.Skipped...)
	}
	printCounts(w, total)
}

func printCounts(w io.Writer, result replay.Result) {
	fmt.Fprintf(w, "%s cases=%d checks=%d mismatches=%d", result.Name, result.Cases, result.Checks, result.Mismatches)
	if skipped := len(result.Skipped); skipped > 0 {
		fmt.Fprintf(w, " skipped=%d", skipped)
	}
	fmt.Fprintln(w)
}
