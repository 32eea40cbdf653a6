package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/lab/fleet"
)

// The page is what the command prints now, and what it claims for the Pacer
// holds: the lowest peaks in every scenario, and no lease lost.
func TestThePageOfThePacersIsNotStale(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 54 fleets of 10000 clients")
	}
	want, err := os.ReadFile("../docs/PACERS.md")
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := lab("pacers", "--markdown")
	if status != exitOK || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if stdout != string(want) {
		t.Error("docs/PACERS.md is stale: run make docs")
	}
}

func TestPacersAsJSON(t *testing.T) {
	status, stdout, _ := lab("pacers", "--clients", "300", "--seed", "4", "--json")
	var measures []fleet.Measure
	if err := json.Unmarshal([]byte(stdout), &measures); err != nil {
		t.Fatal(err)
	}
	if want := len(fleet.Policies()) * len(fleet.Scenarios()); len(measures) != want || measures[0].Policy != "Eureka" || measures[0].Second == 0 {
		t.Errorf("got %d measures, want %d, the first %+v", len(measures), want, measures[0])
	}
	// With so few clients chance decides the peaks, and the status.
	if broken := fleet.Broken(measures); (len(broken) > 0) != (status == exitFindings) || (len(broken) == 0) != (status == exitOK) {
		t.Errorf("status %d with %d broken claims", status, len(broken))
	}
}

func TestMeasuresArePrintedUnderTheirScenario(t *testing.T) {
	var out strings.Builder
	measures := []fleet.Measure{
		{Policy: "Eureka", Scenario: "dead", Second: 1608, Tenth: 201, Back: 29134350024, Unheard: 200000, Expired: 10000, During: 200000},
		{Policy: "Nacos", Scenario: "dead", Never: true},
		{Policy: "Pacer", Scenario: "dead", Second: 411},
	}
	printMeasures(&out, measures, []string{"the claim"})
	want := ` scenario  policy  peak/s  peak/0.1 s  all back  errors  lost  expired  requests
 dead      Eureka    1608         201     29.1s  200000     0    10000    200000
           Nacos        0           0     never       0     0        0         0
           Pacer      411           0         -       0     0        0         0

NOT SO the claim
runs: 3, claims that do not hold: 1
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestPacersRefusesWhatItCannotRun(t *testing.T) {
	for want, args := range map[string][]string{
		"clients is 0: must be at least 1": {"--clients", "0"},
		"clients is -1: ":                  {"--clients", "-1"},
		"[json markdown]":                  {"--json", "--markdown"},
		"[even markdown]":                  {"--even", "--markdown"},
		"unknown command":                  {"again"},
	} {
		status, stdout, stderr := lab(append([]string{"pacers"}, args...)...)
		if status != exitUnusable || stdout != "" || !strings.HasPrefix(stderr, "lab: ") || !strings.Contains(stderr, want) {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}
