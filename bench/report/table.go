package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table prints the run for a terminal: the groups' tables, the cases in which
// we are not first, and how the run came about.
func Table(w io.Writer, run Run) {
	for _, g := range Groups(run) {
		fmt.Fprintln(w, text.Bold.Sprint(g.Title))
		if g.Says != "" {
			fmt.Fprintln(w, g.Says)
		}
		for _, s := range run.sections(g) {
			fmt.Fprintf(w, "\n%s\n", text.FgCyan.Sprint(s.caption))
			s.print(w)
		}
		fmt.Fprintln(w)
	}
	printLosses(w, run.losses())
	fmt.Fprintf(w, "%s, and %s; * is the least of its column, floors aside.\n", medians, ratios)
	for _, note := range run.noise() {
		fmt.Fprintln(w, note)
	}
	fmt.Fprintln(w)
	for _, f := range run.facts() {
		fmt.Fprintf(w, "%-8s %s\n", f.name, f.value)
	}
}

func printLosses(w io.Writer, losses []string) {
	if len(losses) == 0 {
		return
	}
	fmt.Fprintln(w, text.Bold.Sprint("Where we are not first"))
	for _, lost := range losses {
		fmt.Fprintln(w, lost)
	}
	fmt.Fprintln(w)
}

func (s section) print(w io.Writer) {
	t := plain()
	header := table.Row{""}
	columns := []table.ColumnConfig{{Number: 1}}
	for i, head := range s.heads {
		header = append(header, strings.Join(head, "\n"))
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	if slices.ContainsFunc(s.heads, func(head []string) bool { return len(head) > 0 }) {
		t.AppendHeader(header)
	}
	t.SetColumnConfigs(columns)
	for _, r := range s.rows {
		line := table.Row{r.peer}
		for _, c := range r.cells {
			line = append(line, c.padded())
		}
		t.AppendRow(line)
	}
	render(w, t)
}

// padded is the cell with its parts below those of the cell above.
func (c cell) padded() string {
	if c.rounds == 0 {
		return ""
	}
	mark, ratio := " ", ""
	if c.best {
		mark = "*"
	}
	if c.ratio > 0 {
		ratio = figure(c.ratio)
	}
	return fmt.Sprintf("%s%s ±%4s %5s", mark, figure(c.median), percent(c.spread), ratio)
}

func plain() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	return t
}

// render prints a table without blanks at the ends of lines.
func render(w io.Writer, t table.Writer) {
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}
