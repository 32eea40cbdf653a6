package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/lab/mutant"
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
