package report

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the tables of the groups, each below a heading of the level
// 3. What they show together is said by MarkdownNotes.
func Markdown(w io.Writer, run Run, groups []Group) {
	for _, g := range groups {
		fmt.Fprintf(w, "### %s\n\n", g.Title)
		if g.Says != "" {
			fmt.Fprintf(w, "%s\n\n", g.Says)
		}
		for _, s := range run.sections(g) {
			s.markdown(w)
		}
	}
}

// MarkdownNotes writes how to read the tables, and how the run came about.
func MarkdownNotes(w io.Writer, run Run) {
	fmt.Fprintf(w, "%s; in brackets %s. The least of a column is bold, floors aside.\n", medians, ratios)
	for _, note := range run.noise() {
		fmt.Fprintf(w, "%s\n", note)
	}
	fmt.Fprintf(w, "\n| | |\n| --- | --- |\n")
	for _, f := range run.facts() {
		fmt.Fprintf(w, "| %s | %s |\n", f.name, code(f))
	}
}

func code(f fact) string {
	switch f.name {
	case "command", "module", "commit":
		return "`" + f.value + "`"
	}
	return f.value
}

// MarkdownLosses writes a list of the cases in which we are not first: ours,
// who is, and the ratio.
func MarkdownLosses(w io.Writer, run Run) {
	for _, lost := range run.losses() {
		fmt.Fprintf(w, "- %s\n", lost)
	}
}

func (s section) markdown(w io.Writer) {
	heads := make([]string, len(s.heads))
	for i, head := range s.heads {
		heads[i] = strings.Join(head, ", ")
	}
	fmt.Fprintf(w, "| %s | %s |\n|%s\n", s.caption, strings.Join(heads, " | "), " --- |"+strings.Repeat(" ---: |", len(heads)))
	for _, r := range s.rows {
		cells := make([]string, len(r.cells))
		for i, c := range r.cells {
			cells[i] = c.markdown()
		}
		fmt.Fprintf(w, "| %s | %s |\n", r.peer, strings.Join(cells, " | "))
	}
	fmt.Fprintln(w)
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

// MarkdownShort writes a table of a few cases: a row each, beside each other
// the medians of ours and of these peers, with their ratios to ours.
func MarkdownShort(w io.Writer, run Run, lines []Line, peers []string) {
	fmt.Fprintf(w, "| | %s |\n| --- |%s\n", strings.Join(peers, " | "), strings.Repeat(" ---: |", len(peers)))
	all := run.values()
	for _, line := range lines {
		cells := make([]string, len(peers))
		for i, peer := range peers {
			cells[i] = newCell(all[line.Case], peer).short()
		}
		fmt.Fprintf(w, "| %s | %s |\n", line.Title, strings.Join(cells, " | "))
	}
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
