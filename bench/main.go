package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/leasekernel/leasekernel/bench/load"
	"github.com/leasekernel/leasekernel/bench/report"
	"github.com/spf13/cobra"
	console "golang.org/x/term" // the tests have leases with a term
)

// Exit statuses.
const (
	exitOK       = 0
	exitFindings = 1 // something has become slower
	exitUnusable = 2 // the command could not do what it was asked
)

// errSlower ends a comparison that has said what became slower.
var errSlower = errors.New("something has become slower")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute executes one command line and returns the exit status.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if !isTerminal(stdout) {
		text.DisableColors()
	}
	root := runCommand()
	root.AddCommand(compareCommand(), pageCommand(), measureCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return exitOK
	case errors.Is(err, errSlower):
		return exitFindings
	default:
		fmt.Fprintln(stderr, "bench:", err)
		return exitUnusable
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && console.IsTerminal(int(file.Fd()))
}

func runCommand() *cobra.Command {
	o := standard
	var quick, large bool
	var file, plots string
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measures leasekernel beside what a user would pick instead",
		Long: `Measures leasekernel beside what a user would pick instead: every peer in a
process of its own, one after the other, and that again for each round, so that
what the machine does meanwhile hits them all. Prints medians, their spread and
their ratios to ours.

Standard output gets the tables; what is going on is told on standard error.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			switch {
			case quick && large:
				return errors.New("--quick and --large exclude each other")
			case quick:
				o = o.butFor(command.Flags(), quickly)
			case large:
				o = o.butFor(command.Flags(), largely)
			}
			run, err := o.run(command.Context(), command.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := report.Table(command.OutOrStdout(), run); err != nil {
				return err
			}
			if file != "" {
				if err := run.Write(file); err != nil {
					return err
				}
			}
			if plots != "" {
				return report.Plots(plots, run)
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.BoolVar(&quick, "quick", false, "less of everything, within three minutes")
	flags.BoolVar(&large, "large", false, "how costs grow to ten million leases, which needs 12 GB of memory")
	flags.StringVar(&file, "json", "", "write what was measured to a `file`")
	flags.StringVar(&plots, "plots", "", "draw what was measured into a `directory`, as SVG")
	o.define(flags)
	return command
}

func compareCommand() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "compare OLD.json NEW.json",
		Short: "Say what became slower beyond the noise from one run to another",
		Long: `Compares two files of bench --json by the U test that benchstat uses.

The exit status is 1 if something of ours has become slower.`,
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, files []string) error {
			older, err := report.Read(files[0])
			if err != nil {
				return err
			}
			newer, err := report.Read(files[1])
			if err != nil {
				return err
			}
			slower, err := report.Compare(command.OutOrStdout(), older, newer, all)
			if err == nil && slower > 0 {
				err = errSlower
			}
			return err
		},
	}
	command.Flags().BoolVar(&all, "all", false, "compare the peers too")
	return command
}

func pageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "page",
		Short: "Write the tables and plots of the runs in " + showDirectory + " into the project's pages",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return writePages(".") },
	}
}

// measureCommand is how the command calls itself.
func measureCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "measure",
		Short:  "Do the job on standard input and answer with its samples on standard output",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var job load.Job
			if err := json.NewDecoder(command.InOrStdin()).Decode(&job); err != nil {
				return fmt.Errorf("reading the job: %w", err)
			}
			samples, err := job.Measure()
			if err != nil {
				return err
			}
			return json.NewEncoder(command.OutOrStdout()).Encode(samples)
		},
	}
}
