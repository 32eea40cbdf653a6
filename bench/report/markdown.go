package report

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the tables of the groups, each below a heading of level 3.
// MarkdownNotes says how to read them.
func Markdown(w io.Writer, run Run, groups []Group) error {
	var out strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&out, "### %s\n\n", g.Title)
		if g.Says != "" {
			fmt.Fprintf(&out, "%s\n\n", g.Says)
		}
		for _, s := range run.sections(g) {
			s.markdown(&out)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// MarkdownNotes writes how to read the tables, and how the run came about.
func MarkdownNotes(w io.Writer, run Run) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s; in brackets %s. The least of a column is bold, floors aside.\n", medians, ratios)
	for _, note := range run.noise() {
		fmt.Fprintln(&out, note)
	}
	fmt.Fprint(&out, "\n| | |\n| --- | --- |\n")
	for _, f := range run.facts() {
		fmt.Fprintf(&out, "| %s | %s |\n", f.name, code(f))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func code(f fact) string {
	switch f.name {
	case "command", "module", "commit":
		return "`" + f.value + "`"
	}
	return f.value
}

// MarkdownLosses writes a list of the cases in which we are not first: our
// median, whose is less, and its ratio to ours.
func MarkdownLosses(w io.Writer, run Run) error {
	var out strings.Builder
	for _, lost := range run.losses() {
		fmt.Fprintf(&out, "- %s\n", lost)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (s section) markdown(out *strings.Builder) {
	heads := make([]string, len(s.heads))
	for i, head := range s.heads {
		heads[i] = strings.Join(head, ", ")
	}
	fmt.Fprintf(out, "| %s | %s |\n|%s\n", s.caption, strings.Join(heads, " | "), " --- |"+strings.Repeat(" ---: |", len(heads)))
	for _, r := range s.rows {
		cells := make([]string, len(r.cells))
		for i, c := range r.cells {
			cells[i] = c.markdown()
		}
		fmt.Fprintf(out, "| %s | %s |\n", r.peer, strings.Join(cells, " | "))
	}
	fmt.Fprintln(out)
}

func (c cell) markdown() string {
	if c.rounds == 0 {
		return ""
	}
	text := figure(c.median)
	if c.best {
		text = "**" + text + "**"
	}
	text += " ±" + percent(c.spread)
	if c.ratio > 0 {
		text += " (" + figure(c.ratio) + ")"
	}
	return text
}

// A Line is a line of the short table: a case, and what to call it.
type Line struct {
	Title string
	Case  Case
}

// MarkdownShort writes a table of a few cases, a row each: the medians of these
// peers, with their ratios to ours.
func MarkdownShort(w io.Writer, run Run, lines []Line, peers []string) error {
	var out strings.Builder
	fmt.Fprintf(&out, "| | %s |\n| --- |%s\n", strings.Join(peers, " | "), strings.Repeat(" ---: |", len(peers)))
	all := run.values()
	for _, line := range lines {
		cells := make([]string, len(peers))
		for i, peer := range peers {
			cells[i] = newCell(all[line.Case], peer).short()
		}
		fmt.Fprintf(&out, "| %s | %s |\n", line.Title, strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c cell) short() string {
	switch {
	case c.rounds == 0:
		return "-"
	case c.ratio == 0:
		return "**" + figure(c.median) + "**"
	}
	return figure(c.median) + " (" + figure(c.ratio) + ")"
}
