package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/leasekernel/leasekernel/bench/load"
	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// Where the runs are kept that the project shows, from the project's root, and
// what is drawn of them.
const (
	showDirectory = "docs/bench"
	standardFile  = showDirectory + "/run.json"
	largeFile     = showDirectory + "/large.json"
)

// kept are the runs that the project shows.
type kept struct{ standard, large report.Run }

// shown are the pages that have parts made of these runs.
var shown = map[string]func(w io.Writer, runs kept) error{
	"BENCHMARKS.md": writeBenchmarks,
	"README.md":     writeShort,
}

// writePages makes the parts of the pages and the plots below root anew.
func writePages(root string) error {
	var runs kept
	for file, run := range map[string]*report.Run{standardFile: &runs.standard, largeFile: &runs.large} {
		var err error
		if *run, err = report.Read(filepath.Join(root, file)); err != nil {
			return err
		}
	}
	for name, write := range shown {
		if err := rewrite(filepath.Join(root, name), func(w io.Writer) error { return write(w, runs) }); err != nil {
			return err
		}
	}
	all := runs.standard
	all.Samples = slices.Concat(runs.standard.Samples, runs.large.Samples)
	return report.Plots(filepath.Join(root, showDirectory), all)
}

// plots are what package report draws of these runs.
var plots = []struct{ file, title string }{
	{"renew.svg", "The cost of a renewal by key against the number of leases"},
	{"latency.svg", "How long a renewal takes, quiet and beside passes"},
	{"memory.svg", "Bytes a lease"},
	{"cores.svg", "The cost of a renewal by key against the number of cores"},
}

// What lies between these lines is generated.
var (
	begin = []byte("<!-- begin: written by `go run ./bench page`, do not edit -->\n")
	end   = []byte("<!-- end -->\n")
)

// rewrite replaces the generated part of a page.
func rewrite(file string, write func(w io.Writer) error) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(page, begin)
	_, after, ends := bytes.Cut(rest, end)
	if !begins || !ends {
		return fmt.Errorf("%s: want the lines %q and %q", file, begin, end)
	}
	var part bytes.Buffer
	if err := write(&part); err != nil {
		return err
	}
	return os.WriteFile(file, bytes.Join([][]byte{before, begin, part.Bytes(), end, after}, nil), 0o644)
}

func writeBenchmarks(w io.Writer, runs kept) error {
	fmt.Fprintf(w, "## What was measured, and why\n\n| workload | |\n| --- | --- |\n")
	for _, workload := range load.Workloads {
		fmt.Fprintf(w, "| %s | %s |\n", workload.Name, workload.Why)
	}
	fmt.Fprintf(w, "\n## Who was measured\n\n| peer | what it is |\n| --- | --- |\n")
	for _, p := range peer.All() {
		fmt.Fprintf(w, "| %s | %s. |\n", p.Name, p.About)
	}
	fmt.Fprintf(w, "\n| meter | what it is |\n| --- | --- |\n")
	for _, m := range peer.Meters() {
		fmt.Fprintf(w, "| %s | %s. |\n", m.Name, m.About)
	}
	fmt.Fprintf(w, "\n## The run\n\n")
	err := report.MarkdownNotes(w, runs.standard)
	for _, plot := range plots {
		fmt.Fprintf(w, "\n![%s](%s/%s)\n", plot.title, showDirectory, plot.file)
	}
	fmt.Fprintf(w, "\n## The figures\n\n")
	err = errors.Join(err, report.Markdown(w, runs.standard, report.Groups(runs.standard)))
	fmt.Fprintf(w, "## Ten million leases\n\n")
	err = errors.Join(err, report.MarkdownNotes(w, runs.large))
	fmt.Fprintln(w)
	err = errors.Join(err, report.Markdown(w, runs.large, report.Groups(runs.large)))
	fmt.Fprintf(w, "## Where we are not first\n\n")
	return errors.Join(err, report.MarkdownLosses(w, runs.standard), report.MarkdownLosses(w, runs.large))
}

// writeShort is for the README: a row for each thing a user asks first, and the
// plot of the first.
func writeShort(w io.Writer, runs kept) error {
	const million = 1_000_000
	at := func(workload, metric string, procs int, variant string) report.Case {
		return report.Case{Workload: workload, Metric: metric, Leases: million, Procs: procs, Variant: variant}
	}
	clock := at("renew", "ns/op", 1, "uniform")
	clock.Clock = true
	lines := []report.Line{
		{Title: "renewal by key, ns, 1 core", Case: at("renew", "ns/op", 1, "uniform")},
		{Title: "the same, 2 cores", Case: at("renew", "ns/op", 2, "uniform")},
		{Title: "the same, 1 core, a clock read for each", Case: clock},
		{Title: "renewal by handle, ns, 1 core", Case: at("handle", "ns/op", 1, "")},
		{Title: "pass, all alive, ms", Case: at("alive", "ms/pass", 1, "")},
		{Title: "pass that ends 1 %, ms", Case: at("expired", "ms/pass", 1, "1%")},
		{Title: "p99.9 of a renewal beside passes, ns", Case: at("latency", "p99.9-ns", 2, "passing")},
		{Title: "bytes a lease", Case: at("memory", "B/lease", 1, "")},
	}
	err := report.MarkdownShort(w, runs.standard, lines, []string{"ours", "rwmutex64", "sync.Map", "etcd", "ttlcache", "otter"})
	fmt.Fprintf(w, "\n![%s](%s/%s)\n", plots[0].title, showDirectory, plots[0].file)
	return err
}
