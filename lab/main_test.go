package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/replay"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lab/quirk"
)

// lab runs a command line and returns its exit status and what it printed.
func lab(args ...string) (status int, stdout, stderr string) {
	var out, errOut strings.Builder
	status = run(args, &out, &errOut)
	return status, out.String(), errOut.String()
}

// recording writes a file of cases and returns its path.
func recording(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	faithful = `{"id":"compensation-x-0","inputs":{"intervalMs":60000,"nanos":[60000000000,420000000000]},"outputs":[0,300000]}` + "\n"
	falsely  = `{"id":"compensation-x-1","inputs":{"intervalMs":60000,"nanos":[60000000000,420000000000]},"outputs":[0,300001]}` + "\n"
	unequal  = `{"id":"compensation-x-2","inputs":{"intervalMs":60000,"nanos":[60000000000]},"outputs":[0,300001]}` + "\n"
)

func TestQuirksTellsThoseNamed(t *testing.T) {
	status, stdout, _ := lab("quirks", "L1")
	if status != exitOK {
		t.Fatalf("got status %d", status)
	}
	for _, want := range []string{
		"L1   90 s is 180 s: a renewed lease lasts twice its duration\n",
		"eureka              registered only: 1m30s, renewed: 3m0s",
		"exact               registered only: 1m30s, renewed: 1m30s",
		"quirks: 1, values observed: 2, not as documented: 0\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "L2") {
		t.Errorf("L2 was not asked for:\n%s", stdout)
	}
}

func TestQuirksAsJSON(t *testing.T) {
	status, stdout, _ := lab("quirks", "--json")
	var told []quirk.Told
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || status != exitOK {
		t.Fatalf("status %d: %v", status, err)
	}
	if len(told) != len(quirk.Catalogue()) || told[0].ID != "L1" || !told[0].Observations[0].OK {
		t.Errorf("got %d quirks, the first %+v", len(told), told[0])
	}
}

func TestQuirksRefusesUnknownIDsAndContradictoryFlags(t *testing.T) {
	for _, args := range [][]string{{"quirks", "L99"}, {"quirks", "--json", "--markdown"}, {"quirks", "--colour"}, {"whatever"}} {
		if status, stdout, stderr := lab(args...); status != exitUnusable || stdout != "" || !strings.HasPrefix(stderr, "lab: ") {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

func TestStoriesThatAreWrongAreShown(t *testing.T) {
	var out strings.Builder
	printStories(&out, []quirk.Told{{ID: "X1", Title: "title", Story: "story", Observations: []quirk.Observation{
		{Rule: "eureka", Documented: "1", Observed: "2", Executed: true},
	}}})
	for _, want := range []string{"WRONG", "documented: 1", "not as documented: 1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestReplayCountsEveryFileAndTheTotal(t *testing.T) {
	file := recording(t, "compensation.x.jsonl", faithful)
	status, stdout, stderr := lab("replay", file, file)
	want := "compensation.x.jsonl cases=1 checks=2 mismatches=0\n" +
		"compensation.x.jsonl cases=1 checks=2 mismatches=0\n" +
		"total files=2 cases=2 checks=4 mismatches=0\n"
	if status != exitOK || stdout != want || stderr != "" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestReplayNamesAMismatch(t *testing.T) {
	status, stdout, _ := lab("replay", recording(t, "compensation.x.jsonl", faithful+falsely))
	want := "compensation.x.jsonl cases=2 checks=4 mismatches=1\n" +
		"  compensation-x-1 step 1: compensation: expected 300001, got 300000\n" +
		"total files=1 cases=2 checks=4 mismatches=1\n"
	if status != exitFindings || stdout != want {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
}

func TestReplayNamesASkippedCase(t *testing.T) {
	status, stdout, _ := lab("replay", recording(t, "compensation.x.jsonl", unequal))
	want := "compensation.x.jsonl cases=1 checks=0 mismatches=0 skipped=1\n" +
		"  compensation-x-2 skipped: 1 operations but 2 outputs\n" +
		"total files=1 cases=1 checks=0 mismatches=0 skipped=1\n"
	if status != exitFindings || stdout != want {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
}

func TestReplayRunsATraceAgain(t *testing.T) {
	status, stdout, stderr := lab("replay", recording(t, "renewed.trace",
		"machine lease-exact\nstart edge=0 duration-from=0 duration=1m30s interval=1 suspects=false\nrenew clock=frozen\n"))
	want := "renewed.trace cases=1 checks=2 mismatches=0\ntotal files=1 cases=1 checks=2 mismatches=0\n"
	if status != exitOK || stdout != want || stderr != "" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestReplayNamesTheLawThatATraceViolates(t *testing.T) {
	var out strings.Builder
	violated := trace.Trace{Machine: "toy", Violated: "violated: below: it stays below: 3 of 2", Steps: make([]trace.Step, 4)}
	printResults(&out, []replay.Result{resultOf("toy.trace", violated)})
	want := "toy.trace cases=1 checks=4 mismatches=1\n" +
		"  toy step 3: below: expected kept, got violated: below: it stays below: 3 of 2\n"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
}

func TestReplayRefusesWhatItCannotRead(t *testing.T) {
	for name, path := range map[string]string{
		"unknown kind": recording(t, "weather.x.jsonl", faithful),
		"not gzip":     recording(t, "compensation.x.jsonl.gz", faithful),
		"not JSON":     recording(t, "compensation.x.jsonl", "{"),
		"no trace":     recording(t, "lease.trace", "renew"),
		"no machine":   recording(t, "lease.trace", "machine steam\nstart"),
		"unfit trace":  recording(t, "lease.trace", "machine lease-exact\nstart"),
		"no case":      recording(t, "compensation.x.jsonl", ""),
		"missing":      filepath.Join(t.TempDir(), "lease.a.jsonl"),
		"empty folder": t.TempDir(),
	} {
		if status, _, stderr := lab("replay", path); status != exitUnusable || !strings.Contains(stderr, path) {
			t.Errorf("%s: status %d, stderr %q", name, status, stderr)
		}
	}
	if status, _, _ := lab("replay"); status != exitUnusable {
		t.Errorf("without a file: status %d", status)
	}
}

// A file that cannot be read does not keep the others from being replayed.
func TestReplayGoesOnAfterAnUnusableFile(t *testing.T) {
	status, stdout, stderr := lab("replay",
		recording(t, "weather.x.jsonl", faithful), recording(t, "compensation.x.jsonl", faithful))
	if status != exitUnusable || !strings.Contains(stdout, "total files=1 cases=1 ") || !strings.Contains(stderr, "1 of 2 files") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
