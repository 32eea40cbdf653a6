package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/leasekernel/leasekernel/lab/verify"
	"github.com/spf13/cobra"
)

func verifyCommand() *cobra.Command {
	var quick, long, record, page, bugs bool
	command := &cobra.Command{
		Use:   "verify [STEP...]",
		Short: "Check every law, and count the cases",
		Long: `Runs the steps of VERIFICATION.md, or those named, in full: a million random
steps of each machine, ten thousand histories of each concurrent test, every
seed. It runs in the project's root.

The exit status is 1 if a step fails.`,
		RunE: func(command *cobra.Command, names []string) error {
			switch out := command.OutOrStdout(); {
			case page:
				return verify.Page(out, ".")
			case bugs:
				return verify.Bugs(out, ".")
			}
			mode := verify.Full
			if quick {
				mode = verify.Quick
			} else if long {
				mode = verify.Long
			}
			return verifySteps(command, mode, names, record)
		},
	}
	command.Flags().BoolVar(&quick, "quick", false, "run the same in small, in a few minutes")
	command.Flags().BoolVar(&long, "long", false, "run what takes hours instead: mutation testing and the fuzz targets")
	command.Flags().BoolVar(&record, "record", false, "keep what was found in "+verify.Directory+"; some steps only if these count no laws")
	command.Flags().BoolVar(&page, "page", false, "print VERIFICATION.md, made of the records")
	command.Flags().BoolVar(&bugs, "bugs", false, "print docs/BUGS.md, made of the seeds and the records")
	command.MarkFlagsMutuallyExclusive("quick", "long", "page", "bugs")
	command.MarkFlagsMutuallyExclusive("record", "page", "bugs")
	return command
}

func verifySteps(command *cobra.Command, mode verify.Mode, names []string, record bool) error {
	steps, err := verify.Select(mode, names)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	found, err := verify.Run(command.Context(), ".", mode, steps, func(r verify.Result) { printResult(out, r) })
	if err != nil {
		return err
	}
	if record {
		if err := keepRecord(found, len(names) > 0); err != nil {
			return err
		}
	}
	printRecord(out, found)
	if !found.Passed() {
		return errFindings
	}
	return nil
}

// keepRecord keeps what was found, beside what is known of the mode's other
// steps if it is of some only.
func keepRecord(found verify.Record, some bool) error {
	if some {
		old, err := verify.Recall(".", found.Mode)
		switch {
		case err == nil:
			if found, err = old.Renew(found); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return found.Keep(".")
}

func printResult(w io.Writer, r verify.Result) {
	if !r.Passed {
		fmt.Fprintf(w, "%s\n%s FAILED: %s\n", r.Output, r.Step, r.Command)
		return
	}
	fmt.Fprintf(w, "%-12s passed in %6s  %s\n", r.Step, r.Took.Round(100*time.Millisecond), r.Command)
}

// printRecord says how many cases there were of each kind.
func printRecord(w io.Writer, r verify.Record) {
	laws, sums := 0, make(map[string]uint64)
	for _, count := range r.Counts {
		if count.Kind == "law" {
			laws++
		}
		sums[string(count.Kind)] += count.Cases
	}
	fmt.Fprintf(w, "total laws=%d cases=%d steps=%d histories=%d schedules=%d\n",
		laws, sums["law"], sums["steps"], sums["histories"], sums["schedules"])
}
