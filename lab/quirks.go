package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/leasekernel/leasekernel/lab/quirk"
	"github.com/spf13/cobra"
)

func quirksCommand() *cobra.Command {
	var asJSON, asMarkdown bool
	command := &cobra.Command{
		Use:   "quirks [ID...]",
		Short: "Tell the registries' quirks by running them in virtual time",
		Long: `Runs the story of each quirk, or of those named, in virtual time: what is
done, what the original makes of it, and what the exact rule makes of it. The
original is Netflix Eureka, whose ranges of releases have lines of their own
where they differ; for the quirks with a B it is bilibili/discovery, and for
those with an N it is Nacos.

The exit status is 1 if any value is not the documented one.`,
		RunE: func(command *cobra.Command, ids []string) error {
			quirks, err := quirk.Select(ids...)
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			if asMarkdown {
				return quirk.Markdown(out, quirks)
			}
			var stories []quirk.Told
			for _, q := range quirks {
				stories = append(stories, q.Tell())
			}
			if asJSON {
				err = printJSON(out, stories)
			} else {
				printStories(out, stories)
			}
			if err == nil && wrongIn(stories) > 0 {
				err = errFindings
			}
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.Flags().BoolVar(&asMarkdown, "markdown", false, "print the page docs/QUIRKS.md")
	command.MarkFlagsMutuallyExclusive("json", "markdown")
	return command
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Widths, in columns. Output that is no terminal gets pageWidth.
const (
	pageWidth  = 110
	leastWidth = 60
	indent     = 5
	ruleWidth  = 18
	markWidth  = 5
)

func printStories(w io.Writer, stories []quirk.Told) {
	width := max(leastWidth, widthOf(w, pageWidth)-1)
	observations := 0
	for _, told := range stories {
		fmt.Fprintf(w, "%s %s\n", text.Bold.Sprintf("%-*s", indent-1, told.ID), text.Bold.Sprint(told.Title))
		for line := range strings.Lines(text.WrapSoft(told.Story, width-indent)) {
			fmt.Fprintf(w, "%*s%s\n", indent, "", strings.TrimRight(line, " \n"))
		}
		printObservations(w, told.Observations, width)
		observations += told.Executed()
	}
	fmt.Fprintf(w, "quirks: %d, values observed: %d, not as documented: %d\n", len(stories), observations, wrongIn(stories))
}

// printObservations prints one line a rule, in columns that stand under each
// other from quirk to quirk.
func printObservations(w io.Writer, observations []quirk.Observation, width int) {
	valueWidth := width - 2*indent - ruleWidth - markWidth
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMin: indent},
		{Number: 2, WidthMin: ruleWidth, Colors: text.Colors{text.FgCyan}},
		{Number: 3, WidthMin: valueWidth, WidthMax: valueWidth, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, o := range observations {
		t.AppendRow(table.Row{"", o.Rule, valueOf(o), mark(o)})
	}
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(w)
}

func valueOf(o quirk.Observation) string {
	switch {
	case !o.Executed:
		return text.Faint.Sprint(o.Documented)
	case !o.OK:
		return text.FgRed.Sprint(o.Observed) + "\ndocumented: " + o.Documented
	}
	return o.Observed
}

func mark(o quirk.Observation) string {
	switch {
	case !o.Executed:
		return ""
	case !o.OK:
		return text.FgRed.Sprint("WRONG")
	}
	return text.FgGreen.Sprint("ok")
}

func wrongIn(stories []quirk.Told) int {
	wrong := 0
	for _, told := range stories {
		wrong += told.Wrong()
	}
	return wrong
}
