package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/leasekernel/leasekernel/fuzz/seed"
	"github.com/leasekernel/leasekernel/lab/verify"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// plantingTakes is how long a seed's command may take, compiling included. What
// takes longer was not found.
const plantingTakes = 5 * time.Minute

func seedsCommand() *cobra.Command {
	var asJSON, loud bool
	at := 2
	command := &cobra.Command{
		Use:   "seeds [NAME...]",
		Short: "Plant violations in the kernels, and see whether each is found",
		Long: `Plants every seed, or those named, each by itself: a small change of a
kernel's source that breaks one law, in a copy that only the compiler sees. The
seed's test has to fail and to name the law. Seeds with a bug bring back what was
wrong once. The seeds are in ` + verify.Seeds + `; the command runs in the project's root.

The exit status is 1 if a seed was not found, and 2 if one does not fit the source
any more ("go run" itself turns 2 into 1).`,
		RunE: func(command *cobra.Command, names []string) error {
			seeds, err := readSeeds(".", names)
			if err != nil {
				return err
			}
			planted, err := plant(command.Context(), ".", seeds, at, command.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(command.OutOrStdout(), planted)
			} else {
				printPlanted(command.OutOrStdout(), planted, loud)
			}
			if err == nil && slices.ContainsFunc(planted, func(p planting) bool { return !p.Found }) {
				err = errFindings
			}
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.Flags().BoolVar(&loud, "output", false, "print what the command printed, of those not found")
	command.Flags().IntVar(&at, "at-once", at, "how many to plant at once")
	return command
}

// readSeeds reads those named, or all.
func readSeeds(root string, names []string) ([]seed.Seed, error) {
	seeds, err := seed.Read(filepath.Join(root, verify.Seeds))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(seeds, func(s seed.Seed) bool { return s.Name == name }) {
			return nil, fmt.Errorf("there is no seed %q in %s", name, verify.Seeds)
		}
	}
	return slices.DeleteFunc(seeds, func(s seed.Seed) bool { return len(names) > 0 && !slices.Contains(names, s.Name) }), nil
}

// planting is one seed, and whether it was found.
type planting struct {
	Seed   string        `json:"seed"`
	Law    string        `json:"law,omitempty"`
	Bug    string        `json:"bug,omitempty"`
	Found  bool          `json:"found"`
	Took   time.Duration `json:"took_ns"`
	Output string        `json:"-"`
}

func plant(ctx context.Context, root string, seeds []seed.Seed, atOnce int, stderr io.Writer) ([]planting, error) {
	bar := barOf(stderr, "planting", len(seeds))
	planted := make([]planting, len(seeds))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, atOnce))
	for i, s := range seeds {
		group.Go(func() error {
			began := time.Now()
			one, cancel := context.WithTimeout(ctx, plantingTakes)
			defer cancel()
			verdict, err := s.Plant(one, root)
			planted[i] = planting{Seed: s.Name, Law: s.Law, Bug: s.Bug, Found: verdict.Found, Took: time.Since(began), Output: verdict.Output}
			_ = bar.Add(1)
			if one.Err() != nil && ctx.Err() == nil {
				return nil
			}
			return err
		})
	}
	return planted, group.Wait()
}

// barOf is a progress bar, if stderr is a terminal.
func barOf(stderr io.Writer, what string, steps int) *progressbar.ProgressBar {
	if !isTerminal(stderr) {
		return progressbar.DefaultSilent(int64(steps))
	}
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish())
}

func printPlanted(w io.Writer, planted []planting, loud bool) {
	rows := table.NewWriter()
	rows.SetOutputMirror(w)
	rows.SetStyle(table.StyleLight)
	rows.AppendHeader(table.Row{"seed", "law", "found", "s"})
	found := 0
	for _, p := range planted {
		verdict := "NOT FOUND"
		if p.Found {
			verdict = "found"
			found++
		}
		rows.AppendRow(table.Row{p.Seed, p.Law, verdict, fmt.Sprintf("%.1f", p.Took.Seconds())})
	}
	rows.Render()
	for _, p := range planted {
		if !p.Found && loud {
			fmt.Fprintf(w, "\n%s:\n%s", p.Seed, p.Output)
		}
	}
	fmt.Fprintf(w, "total seeds=%d found=%d not-found=%d\n", len(planted), found, len(planted)-found)
}
