// Package verify runs what checks the laws, keeps what was counted, and makes
// VERIFICATION.md and docs/BUGS.md of it.
package verify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
)

// A Mode is how much is run.
type Mode string

// Quick is for each commit, Full for each day, and Long for each night: it is
// what takes hours.
const (
	Quick Mode = "quick"
	Full  Mode = "full"
	Long  Mode = "long"
)

// A Step is a command that checks something. It has to exit with 0.
type Step struct {
	Name string
	What string // one sentence
	// Command is run in the project's root.
	Command []string
	// Settings are environment variables of a mode; a step is run in the modes
	// that are there.
	Settings map[Mode][]string
	// Counted finds in the output what is counted: its groups are numbers,
	// and their sums over all lines are the step's count. What is a violation
	// makes the command fail.
	Counted *regexp.Regexp
	Unit    string
	// Detailed steps print JSON, which is kept.
	Detailed bool
}

const (
	stepsWanted     = "LEASEKERNEL_STEPS="
	historiesWanted = "LEASEKERNEL_HISTORIES="
	soakWanted      = "LEASEKERNEL_SOAK="
)

// Plan is all steps, in the order in which they are run.
func Plan() []Step {
	always := map[Mode][]string{Quick: nil, Full: nil}
	return []Step{
		{
			Name: "models", What: "Every kernel and a naive model of it live the same random life under hostile clocks; all laws are checked after each step.",
			Command:  goTest("-run", "TestModel", "./fuzz"),
			Settings: map[Mode][]string{Quick: {stepsWanted + "20000"}, Full: {stepsWanted + "1000000"}},
		},
		{
			Name: "traces", What: "The rest of the models' tests: terms and configs of all kinds, foreign clocks, histories without pauses, and each trace that once violated a law.",
			Command: goTest("-skip", "TestModel|TestExplore|TestSoak", "./fuzz", "./fuzz/interleave", "./fuzz/law", "./fuzz/seed", "./fuzz/trace"), Settings: always,
		},
		{
			Name: "explorer", What: "Every order of the atomic steps of the two hardest protocols is run, but for orders that differ in nothing.",
			Command: goTest("-tags", "interleave", "-run", "TestExplore", "./fuzz"), Settings: always,
		},
		{
			Name: "steps", What: "The tests of the build that can be stopped before each atomic step, some of them between two steps.",
			Command: goTest("-tags", "interleave", "-run", "BetweenTheSteps|NeverLess", ".", "./lease"), Settings: always,
		},
		{
			Name: "histories", What: "Concurrent calls with pauses at random between their atomic steps, under the race detector, on 1, 2 and 8 processors; a judge looks for an order that explains the answers.",
			Command:  goTest("-race", "-tags", "interleave", "-run", "Concurrent|RenewalBetween|SlotsLeaseLeft|BlockIsSwept|CarriedOver|TheStoryOf|AnsweredRenewals|AllMethods|TurnsAreTold", "./fuzz"),
			Settings: map[Mode][]string{Quick: {historiesWanted + "200"}, Full: {historiesWanted + "10000"}},
		},
		{
			Name: "soak", What: "Hours of a registry's life in virtual time; nothing is lost or early, and memory stays what it was.",
			Command:  goTest("-run", "TestSoak", "./fuzz"),
			Settings: map[Mode][]string{Quick: nil, Full: {soakWanted + "full"}},
		},
		{
			Name: "recordings", What: "Recordings of the real Eureka, Nacos and bilibili/discovery are replayed bit for bit.",
			Command: []string{"go", "run", "./lab", "replay", "fuzz/testdata"}, Settings: always,
			Counted: regexp.MustCompile(`(?m)^total .*checks=(\d+)`), Unit: "values",
		},
		{
			Name: "quirks", What: "The quirks of registries come out as documented.",
			Command: []string{"go", "run", "./lab", "quirks"}, Settings: always,
			Counted: regexp.MustCompile(`values observed: (\d+)`), Unit: "values",
		},
		{
			Name: "coverage", What: "The kernels' own tests reach every statement.",
			Command: []string{"go", "run", "./lab", "coverage"}, Settings: always,
			Counted: regexp.MustCompile(`(?m)^total statements=(\d+)`), Unit: "statements",
		},
		{
			Name: "house", What: "No kernel names a clock, starts a goroutine, prints or imports another one; nothing exported is undocumented; the module requires nothing.",
			Command: goTest("-v", "-run", "^TestHouse", "."), Settings: always,
			Counted: regexp.MustCompile(`(?m)^--- (PASS)`), Unit: "tests",
		},
		{
			Name: "seeds", What: "Each law is broken by a change of the source, and each change is found.",
			Command: []string{"go", "run", "./lab", "seeds", "--json"}, Settings: map[Mode][]string{Full: nil},
			Counted: regexp.MustCompile(`"found": (true)`), Unit: "seeds found", Detailed: true,
		},
		{
			Name: "mutants", What: "Small faults everywhere in the kernels, and whether their tests notice.",
			Command: []string{"go", "run", "./lab", "mutants", "--json"}, Settings: map[Mode][]string{Long: nil},
			Counted: regexp.MustCompile(`"killed": (\d+)`), Unit: "mutants killed", Detailed: true,
		},
		{
			Name: "fuzz", What: "Inputs that Go's coverage-guided fuzzer makes up, for every parser, arithmetic and decoder.",
			Command: []string{"go", "run", "./lab", "fuzz", "--cpu", "20m"}, Settings: map[Mode][]string{Long: nil},
			Counted: regexp.MustCompile(`(?m)^total .*inputs=(\d+)`), Unit: "inputs",
		},
	}
}

func goTest(arguments ...string) []string {
	return append([]string{"go", "test", "-count=1", "-timeout=50m"}, arguments...)
}

// In are the steps of a mode.
func In(mode Mode) (steps []Step) {
	for _, step := range Plan() {
		if _, ok := step.Settings[mode]; ok {
			steps = append(steps, step)
		}
	}
	return steps
}

// count adds up what the output says was counted. A group that is a word
// counts one.
func (s Step) count(output string) (sum int) {
	if s.Counted == nil {
		return 0
	}
	for _, found := range s.Counted.FindAllStringSubmatch(output, -1) {
		if n, err := strconv.Atoi(found[1]); err == nil {
			sum += n
		} else {
			sum++
		}
	}
	return sum
}

// A Result is what became of a step.
type Result struct {
	Step    string          `json:"step"`
	Command string          `json:"command"`          // as it can be typed
	Commit  string          `json:"commit,omitempty"` // if it was run later than the record's other steps
	Passed  bool            `json:"passed"`
	Count   int             `json:"count"`
	Took    time.Duration   `json:"took_ns"`
	Detail  json.RawMessage `json:"detail,omitempty"`
	Output  string          `json:"-"`
}

// A Record is what a mode's steps found.
type Record struct {
	Mode    Mode        `json:"mode"`
	Commit  string      `json:"commit"`
	Go      string      `json:"go"`
	Machine string      `json:"machine"`
	Results []Result    `json:"results"`
	Counts  []law.Count `json:"counts"`
}

// Passed reports whether all steps did.
func (r Record) Passed() bool {
	for _, result := range r.Results {
		if !result.Passed {
			return false
		}
	}
	return true
}

// Select are the steps of a mode, or of those the ones that are named.
func Select(mode Mode, names []string) ([]Step, error) {
	steps := In(mode)
	for _, name := range names {
		if !slices.ContainsFunc(steps, func(s Step) bool { return s.Name == name }) {
			return nil, fmt.Errorf("there is no step %q in mode %s", name, mode)
		}
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return len(names) > 0 && !slices.Contains(names, s.Name) }), nil
}
