package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"golang.org/x/tools/cover"
)

// leastCovered is the share of a package's statements, in per cent, that its
// own tests have to reach.
func leastCovered(dir string) float64 {
	if dir == "." {
		return 95
	}
	return 100
}

func coverageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "coverage",
		Short: "Count the statements of the kernels that their own tests reach",
		Long: `Runs the tests of each kernel and of the root package and counts the statements
of that package that they reach.

The exit status is 1 if it is not every one in a kernel, or less than 95 % in
the root package.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var all []covered
			enough := true
			for _, dir := range kernelPackages {
				c, err := coverageOf(command.Context(), dir)
				if err != nil {
					return err
				}
				all = append(all, c)
				enough = enough && c.percent() >= leastCovered(dir)
			}
			printCovered(command.OutOrStdout(), all)
			if !enough {
				return errFindings
			}
			return nil
		},
	}
}

// covered counts the statements of a package.
type covered struct {
	dir          string
	all, reached int
	notReached   []string // file:line of blocks
}

func (c covered) percent() float64 { return 100 * float64(c.reached) / float64(max(c.all, 1)) }

// coverageOf runs the tests of one package.
func coverageOf(ctx context.Context, dir string) (covered, error) {
	c := covered{dir: dir}
	temporary, err := os.MkdirTemp("", "coverage")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(temporary)
	profile := filepath.Join(temporary, "profile")
	output, err := exec.CommandContext(ctx, "go", "test", "-coverprofile="+profile, "./"+dir).CombinedOutput()
	if err != nil {
		return c, fmt.Errorf("the tests of %s: %w\n%s", dir, err, output)
	}
	files, err := cover.ParseProfiles(profile)
	if err != nil {
		return c, err
	}
	for _, file := range files {
		for _, block := range file.Blocks {
			c.all += block.NumStmt
			if block.Count > 0 {
				c.reached += block.NumStmt
			} else {
				c.notReached = append(c.notReached, fmt.Sprintf("%s:%d", path.Base(file.FileName), block.StartLine))
			}
		}
	}
	return c, nil
}

func printCovered(w io.Writer, all []covered) {
	rows := table.NewWriter()
	rows.SetOutputMirror(w)
	rows.SetStyle(table.StyleLight)
	rows.AppendHeader(table.Row{"package", "statements", "reached", "%", "not reached"})
	total := covered{}
	for _, c := range all {
		rows.AppendRow(table.Row{c.dir, c.all, c.reached, fmt.Sprintf("%.1f", c.percent()), strings.Join(c.notReached, " ")})
		total.all += c.all
		total.reached += c.reached
	}
	rows.Render()
	fmt.Fprintf(w, "total statements=%d reached=%d\n", total.all, total.reached)
}
