package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/leasekernel/leasekernel/lab/fleet"
	"github.com/spf13/cobra"
)

func pacersCommand() *cobra.Command {
	var asJSON, asMarkdown bool
	settings := fleet.Settings{Clients: 10_000, Seed: 1}
	command := &cobra.Command{
		Use:   "pacers",
		Short: "Compare three ways of renewing while the server fails",
		Long: `Runs a fleet of clients in virtual time against a server that fails in several
ways, once with each of three policies: Eureka's client, Nacos's beat reactor
and the Pacer. It measures what the server has to bear when it is back, and
what becomes of the leases. docs/PACERS.md says how to read it.

The exit status is 1 if the Pacer has lost a lease that could be kept, or if
another policy's peak is as low as its own. That is claimed for 10000 clients
which start as in a deployment; with few of them, chance decides the peaks.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if settings.Clients < 1 {
				return fmt.Errorf("clients is %d: must be at least 1", settings.Clients)
			}
			if asMarkdown {
				return printPage(command.OutOrStdout(), settings)
			}
			measures, err := fleet.Compare(fleet.Scenarios(), settings)
			if err != nil {
				return err
			}
			broken := fleet.Broken(measures)
			if asJSON {
				err = printJSON(command.OutOrStdout(), measures)
			} else {
				printMeasures(command.OutOrStdout(), measures, broken)
			}
			if err == nil && len(broken) > 0 {
				err = errFindings
			}
			return err
		},
	}
	command.Flags().IntVar(&settings.Clients, "clients", settings.Clients, "how many clients a fleet has")
	command.Flags().Uint64Var(&settings.Seed, "seed", settings.Seed, "the seed of starts and jitter")
	command.Flags().BoolVar(&settings.Evenly, "even", false, "let clients start evenly within an interval")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.Flags().BoolVar(&asMarkdown, "markdown", false, "print the page docs/PACERS.md")
	command.MarkFlagsMutuallyExclusive("json", "markdown")
	command.MarkFlagsMutuallyExclusive("even", "markdown")
	return command
}

func printPage(w io.Writer, settings fleet.Settings) error {
	deployed, err := fleet.Compare(fleet.Scenarios(), settings)
	if err != nil {
		return err
	}
	settings.Evenly = true
	even, err := fleet.Compare(fleet.Scenarios(), settings)
	if err != nil {
		return err
	}
	if err := fleet.Markdown(w, deployed, even, settings.Clients); err != nil {
		return err
	}
	if len(fleet.Broken(deployed)) > 0 {
		return errFindings
	}
	return nil
}

// printMeasures prints a line a policy, under the scenario's heading.
func printMeasures(w io.Writer, measures []fleet.Measure, broken []string) {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	header := table.Row{"scenario", "policy"}
	columns := []table.ColumnConfig{{Number: 2, Colors: text.Colors{text.FgCyan}}}
	for i, name := range fleet.Columns() {
		header = append(header, name)
		columns = append(columns, table.ColumnConfig{Number: i + 3, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(columns)
	for i, m := range measures {
		row := table.Row{"", m.Policy}
		if i%len(fleet.Policies()) == 0 {
			row[0] = m.Scenario
		}
		for _, value := range m.Row() {
			row = append(row, value)
		}
		t.AppendRow(row)
	}
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(w)
	for _, claim := range broken {
		fmt.Fprintln(w, text.FgRed.Sprint("NOT SO"), claim)
	}
	fmt.Fprintf(w, "runs: %d, claims that do not hold: %d\n", len(measures), len(broken))
}
