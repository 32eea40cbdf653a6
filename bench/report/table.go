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
	widths := s.widths()
	for _, r := range s.rows {
		line := table.Row{r.peer}
		for i, c := range r.cells {
			p := c.parts()
			line = append(line, fmt.Sprintf("%*s %*s %*s", widths[i][0], p[0], widths[i][1], p[1], widths[i][2], p[2]))
		}
		t.AppendRow(line)
	}
	render(out, t)
}

// widths are those of the parts of each column, in columns of a terminal.
func (s section) widths() [][3]int {
	widths := make([][3]int, len(s.heads))
	for _, r := range s.rows {
		for i, c := range r.cells {
			for j, part := range c.parts() {
				widths[i][j] = max(widths[i][j], text.StringWidth(part))
			}
		}
	}
	return widths
}

// parts are the median, the spread and the ratio.
func (c cell) parts() (p [3]string) {
	if c.rounds == 0 {
		return p
	}
	p[0], p[1] = figure(c.median), "±"+percent(c.spread)
	if c.best {
		p[0] = "*" + p[0]
	}
	if c.ratio > 0 {
		p[2] = figure(c.ratio)
	}
	return p
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
