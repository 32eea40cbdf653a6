package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/bench/load"
	"github.com/leasekernel/leasekernel/bench/report"
)

// The command measures in processes of itself: of this binary, here.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "measure" {
		main()
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	status = execute(context.Background(), args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// A run writes what it measured, and a run compared with itself is not slower.
func TestRunCompareAndPage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "run.json")
	status, stdout, stderr := command(t, "--leases", "100,200", "--scale", "150", "--peers", "ours,rwmutex64,atomic,by hand,floor",
		"--procs", "1,2", "--rounds", "4", "--time", "1ms", "--json", file, "--plots", dir)
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{"ours", "rwmutex64", "atomic", "by hand", "floor", "renew", "B/lease"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the tables do not name %s:\n%s", want, stdout)
		}
	}
	run, err := report.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range load.Workloads {
		found := false
		for _, s := range run.Samples {
			found = found || s.Workload == w.Name && s.Peer == by(w.Name)
		}
		if !found {
			t.Errorf("%s of %s was not measured", w.Name, by(w.Name))
		}
	}
	if plots, _ := filepath.Glob(filepath.Join(dir, "*.svg")); len(plots) == 0 {
		t.Error("nothing was drawn")
	}
	if status, stdout, stderr := command(t, "compare", file, file); status != exitOK {
		t.Errorf("compared with itself: status %d: %s%s", status, stdout, stderr)
	}
}

// by is one of the peers in the run above that a workload is of.
func by(workload string) string {
	switch workload {
	case "count":
		return "atomic"
	case "transfer":
		return "floor"
	}
	return "ours"
}

func TestUnusableCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"--peers", "nobody"},
		{"--workloads", "nothing"},
		{"--quick", "--large"},
		{"compare", "one.json"},
		{"compare", "no.json", "no.json"},
		{"page", "no.json"},
		{"measure"},
		{"something"},
	} {
		if status, _, stderr := command(t, args...); status != exitUnusable || stderr == "" {
			t.Errorf("bench %s: status %d, said %q", strings.Join(args, " "), status, stderr)
		}
	}
}

// In each round every peer has its turn, and not always after the same one.
func TestJobsTakeTurns(t *testing.T) {
	o := options{Leases: []int{1000}, Procs: []int{1}, Rounds: 6, Workloads: []string{"renew"}}
	turns := make(map[string]int)
	before := make(map[string]map[string]bool)
	var last load.Job
	for _, job := range o.jobs() {
		if job.Kind != load.Registries {
			continue
		}
		if turns[job.Peer]++; before[job.Peer] == nil {
			before[job.Peer] = make(map[string]bool)
		}
		if last.Round == job.Round {
			before[job.Peer][last.Peer] = true
		}
		last = job
	}
	for _, name := range load.Registries.Names() {
		if turns[name] != 6 || len(before[name]) < 2 {
			t.Errorf("%s had %d turns, and came after %v", name, turns[name], before[name])
		}
	}
}
