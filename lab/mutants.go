package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/leasekernel/leasekernel/lab/mutant"
	"github.com/spf13/cobra"
)

// kernelPackages are what is judged by default, the quickest first.
var kernelPackages = []string{"evict", "ratemeter", "preserve", "heartbeat", "lease", "."}

// survivors is the list of the survivors that are explained, below the root.
const survivors = "lab/testdata/mutants/survivors.txt"

// leastScore is the share of the mutants, in per cent, that has to be killed.
const leastScore = 95

func mutantsCommand() *cobra.Command {
	var asJSON bool
	var only string
	jobs := runtime.NumCPU()
	command := &cobra.Command{
		Use:   "mutants [PACKAGE...]",
		Short: "Make faults in the kernels and see whether their tests notice",
		Long: `Makes one small fault after the other in the kernels, or in the packages named,
and runs the tests of the package against each. A fault that no test notices is
a survivor. ` + survivors + ` explains those that no test can
notice; they count as survivors all the same.

The exit status is 1 if a survivor is not explained, or if fewer than 95 % of
the mutants are killed: of those that compile, that tests come to, and that end
in time.`,
		RunE: func(command *cobra.Command, packages []string) error {
			if len(packages) == 0 {
				packages = kernelPackages
			}
			pattern, err := regexp.Compile(only)
			if err != nil {
				return err
			}
			if jobs < 1 {
				return fmt.Errorf("jobs is %d: must be at least 1", jobs)
			}
			hunt, err := newHunt(pattern, jobs)
			if err != nil {
				return err
			}
			hunt.out, hunt.stderr = command.OutOrStdout(), command.ErrOrStderr()
			if asJSON {
				hunt.out = io.Discard
			}
			var scores []score
			for _, dir := range packages {
				s, err := hunt.in(command.Context(), filepath.ToSlash(filepath.Clean(dir)))
				if err != nil {
					return err
				}
				scores = append(scores, s)
			}
			if asJSON {
				err = printJSON(command.OutOrStdout(), scores)
			} else {
				printScores(command.OutOrStdout(), scores)
			}
			if total := sum(scores); err == nil && (len(total.New) > 0 || total.percent() < leastScore) {
				err = errFindings
			}
			return err
		},
	}
	command.Flags().StringVar(&only, "only", "", "judge only the mutants whose `file:line` matches this regular expression")
	command.Flags().IntVar(&jobs, "jobs", jobs, "how many mutants are judged at a time")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// hunt judges mutants.
type hunt struct {
	root   string
	only   *regexp.Regexp
	jobs   int
	list   mutant.List
	out    io.Writer // for what is told meanwhile
	stderr io.Writer // for the bar
}

func newHunt(only *regexp.Regexp, jobs int) (hunt, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/leasekernel/leasekernel").Output()
	if err != nil {
		return hunt{}, fmt.Errorf("where is the module: %w", err)
	}
	h := hunt{root: strings.TrimSpace(string(root)), only: only, jobs: jobs}
	h.list, err = mutant.ReadList(filepath.Join(h.root, survivors))
	return h, err
}

// score is what has become of the mutants of a package.
type score struct {
	Package  string                 `json:"package"`
	Mutants  int                    `json:"mutants"`
	Verdicts map[mutant.Verdict]int `json:"verdicts"`
	New      []mutant.Mutant        `json:"new,omitempty"`    // survivors that are not explained
	Caught   []mutant.Mutant        `json:"caught,omitempty"` // explained, but killed
	Hung     []mutant.Mutant        `json:"hung,omitempty"`   // timed out
	Missed   []mutant.Mutant        `json:"missed,omitempty"` // not covered
	Seconds  float64                `json:"seconds"`
}

// percent is the share of the killed ones.
func (s score) percent() float64 {
	judged := s.Verdicts[mutant.Killed] + s.Verdicts[mutant.Survived]
	if judged == 0 {
		return 100
	}
	return 100 * float64(s.Verdicts[mutant.Killed]) / float64(judged)
}

// add notes a verdict.
func (s *score) add(m mutant.Mutant, verdict mutant.Verdict, explained bool) {
	s.Mutants++
	s.Verdicts[verdict]++
	switch {
	case verdict == mutant.Survived && !explained:
		s.New = append(s.New, m)
	case verdict == mutant.Killed && explained:
		s.Caught = append(s.Caught, m)
	case verdict == mutant.TimedOut:
		s.Hung = append(s.Hung, m)
	case verdict == mutant.NotCovered:
		s.Missed = append(s.Missed, m)
	}
}

func sum(scores []score) score {
	total := score{Package: "all", Verdicts: make(map[mutant.Verdict]int)}
	for _, s := range scores {
		total.Mutants += s.Mutants
		total.Seconds += s.Seconds
		total.New = append(total.New, s.New...)
		for verdict, count := range s.Verdicts {
			total.Verdicts[verdict] += count
		}
	}
	return total
}

// mutants returns the mutants of the package in dir that are asked for.
func (h hunt) mutants(dir string) ([]mutant.Mutant, error) {
	all, err := mutant.Of(h.root, dir)
	return slices.DeleteFunc(all, func(m mutant.Mutant) bool {
		return !h.only.MatchString(fmt.Sprintf("%s:%d", m.File, m.Line))
	}), err
}

// in judges the mutants of the package in dir.
func (h hunt) in(ctx context.Context, dir string) (score, error) {
	start := time.Now()
	s := score{Package: dir, Verdicts: make(map[mutant.Verdict]int)}
	mutants, err := h.mutants(dir)
	if err != nil {
		return s, err
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(scratch)
	judge, err := mutant.NewJudge(ctx, h.root, dir, scratch, mutants)
	if err != nil {
		return s, err
	}
	bar := barOf(h.stderr, "judging "+dir, len(mutants))
	var problems []error
	var noting sync.Mutex // guards all that the goroutines below share
	var running sync.WaitGroup
	free := make(chan struct{}, h.jobs)
	for i, m := range mutants {
		free <- struct{}{}
		running.Go(func() {
			verdict, err := judge.Try(ctx, i)
			noting.Lock()
			defer noting.Unlock()
			problems = append(problems, err)
			_, explained := h.list.Reason(m)
			s.add(m, verdict, explained)
			h.tell(m, verdict, explained)
			_ = bar.Add(1)
			<-free
		})
	}
	running.Wait()
	s.Seconds = time.Since(start).Seconds()
	return s, errors.Join(problems...)
}

// tell prints at once what somebody may want to look into: a hunt takes long.
func (h hunt) tell(m mutant.Mutant, verdict mutant.Verdict, explained bool) {
	heading := string(verdict)
	switch {
	case verdict == mutant.Survived && !explained:
		heading = text.FgRed.Sprint("SURVIVED")
	case verdict == mutant.Killed && explained:
		heading = "killed, though it is on the list"
	case verdict != mutant.TimedOut && verdict != mutant.NotCovered:
		return
	}
	fmt.Fprintf(h.out, "%s: %s:%d %s\n    %s\n    %s\n", heading, m.File, m.Line, m.Rule, m.Before, m.After)
}

func printScores(w io.Writer, scores []score) {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"package", "mutants", "killed", "survived", "new", "timed out", "not covered", "not viable", "score"})
	var columns []table.ColumnConfig
	for number := 2; number <= 9; number++ {
		columns = append(columns, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, s := range append(scores, sum(scores)) {
		t.AppendRow(table.Row{
			s.Package, s.Mutants, s.Verdicts[mutant.Killed], s.Verdicts[mutant.Survived], len(s.New),
			s.Verdicts[mutant.TimedOut], s.Verdicts[mutant.NotCovered], s.Verdicts[mutant.NotViable],
			fmt.Sprintf("%.1f %%", s.percent()),
		})
	}
	for line := range strings.Lines(t.Render() + "\n") {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}
