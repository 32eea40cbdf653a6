package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table prints the run for a terminal: the groups' tables, the cases in which
// we are not first, and how the run came about.
func Table(w io.Writer, run Run) error {
	var out strings.Builder
	for _, g := range Groups(run) {
		fmt.Fprintln(&out, text.Bold.Sprint(g.Title))
		say(&out, g.Says)
		for _, s := range run.sections(g) {
			fmt.Fprintf(&out, "\n%s\n", text.FgCyan.Sprint(s.caption))
			s.print(&out)
		}
		fmt.Fprintln(&out)
	}
	if lost := run.losses(); len(lost) > 0 {
		fmt.Fprintf(&out, "%s\n%s\n\n", text.Bold.Sprint("Where we are not first"), strings.Join(lost, "\n"))
	}
	say(&out, fmt.Sprintf("%s, and %s; * is the least of its column, floors aside.", medians, ratios))
	for _, note := range run.noise() {
		say(&out, note)
	}
	fmt.Fprintln(&out)
	for _, f := range run.facts() {
		fmt.Fprintf(&out, "%-8s %s\n", f.name, f.value)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// textWidth is how wide prose is, in columns.
const textWidth = 110

func say(out *strings.Builder, prose string) {
	for line := range strings.Lines(text.WrapSoft(prose, textWidth)) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}

func (s section) print(out *strings.Builder) {
	t := plain()
	header := table.Row{""}
	columns := []table.ColumnConfig{{Number: 1}}
	for i, head := range s.heads {
		header = append(header, strings.Join(head, "\n"))
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(columns)
	for _, r := range s.rows {
		line := table.Row{r.peer}
		for _, c := range r.cells {
			line = append(line, c.padded())
		}
		t.AppendRow(line)
	}
	render(out, t)
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
func render(out *strings.Builder, t table.Writer) {
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}
