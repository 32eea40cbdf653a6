package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/lab/mutant"
	"github.com/leasekernel/leasekernel/lab/verify"
)

func TestTheListOfSurvivorsSpeaksOfThisSource(t *testing.T) {
	list, err := mutant.ReadList(filepath.Join("..", survivors))
	if err != nil {
		t.Fatal(err)
	}
	var all []mutant.Mutant
	for _, dir := range kernelPackages {
		mutants, err := mutant.Of("..", dir)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mutants...)
	}
	if err := list.Check(all); err != nil {
		t.Error(err)
	}
}

func TestMutantsOfOneFunction(t *testing.T) {
	status, stdout, stderr := lab("mutants", "--only", "^evict/javarandom.go:28$", "evict")
	if status != exitOK || !strings.Contains(stdout, "100.0 %") {
		t.Errorf("status %d:\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := lab("mutants", "nowhere"); status != exitUnusable || stderr == "" {
		t.Errorf("nowhere: status %d, %q", status, stderr)
	}
}

// The record of the nightly run counts what is killed, and its page has a row
// for each package.
func TestScoresAreRecorded(t *testing.T) {
	scores := []score{
		{Package: "lease", Mutants: 7, Verdicts: map[mutant.Verdict]int{mutant.Killed: 4, mutant.Survived: 1, mutant.TimedOut: 2}},
		{Package: "evict", Mutants: 13, Verdicts: map[mutant.Verdict]int{mutant.Killed: 12, mutant.NotViable: 1}},
	}
	var printed bytes.Buffer
	if err := printJSON(&printed, scores); err != nil {
		t.Fatal(err)
	}
	steps := verify.In(verify.Long)
	counted := steps[slices.IndexFunc(steps, func(s verify.Step) bool { return s.Name == "mutants" })].Counted
	if got := counted.FindAllString(printed.String(), -1); !slices.Equal(got, []string{`"killed": 4`, `"killed": 12`}) {
		t.Errorf("got %q counted", got)
	}
	root := t.TempDir()
	record := verify.Record{Mode: verify.Long, Results: []verify.Result{{Step: "mutants", Detail: printed.Bytes()}}}
	if err := record.Keep(root); err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := verify.Page(&page, root); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| lease | 7 | 4 | 1 | 2 | 0 | 80.0 % |",
		"| evict | 13 | 12 | 0 | 0 | 1 | 100.0 % |",
		"| all | 20 | 16 | 1 | 2 | 1 | 94.1 % |",
	} {
		if !strings.Contains(page.String(), row) {
			t.Errorf("the page has no %s", row)
		}
	}
}
