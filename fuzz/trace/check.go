package trace

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"pgregory.net/rapid"
)

// StepsWanted is the environment variable that says how many random steps
// [Check] lets a machine take, at least. Without it, it is as many as rapid's
// flags say.
const StepsWanted = "LEASEKERNEL_STEPS"

// Failures is the directory, below the test's own, in which Check leaves what
// violated a law.
const Failures = "failures"

// A trace is what keeps a violation and makes it short, so rapid need not keep
// it, nor try for long. Flags on the command line come after this.
func init() {
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "1s"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// Check lets a machine take random steps and fails the test at the first
// violation of a law, which it writes to a file as short as it can be.
func Check(t *testing.T, m Machine) {
	t.Helper()
	wanted := 1
	if text, set := os.LookupEnv(StepsWanted); set {
		var err error
		if wanted, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s is %q: it has to be a number", StepsWanted, text)
		}
	}
	var violated Trace // the shortest that rapid finds is the last one
	t.Cleanup(func() { m.keep(t, violated) })
	for taken := 0; taken < wanted; {
		rapid.Check(t, func(source *rapid.T) {
			ran := m.random(source)
			taken += len(ran.done.Steps)
			law.Add(law.Steps, m.Name, len(ran.done.Steps))
			another := violated.Violated != "" && ran.done.Law() != violated.Law() // and rapid is at making the first one short
			if ran.done.Violated != "" && !another {
				violated = ran.done
				source.Fatalf("%s", violated.Violated)
			}
		})
	}
}

// keep writes down how a law was violated.
func (m Machine) keep(t *testing.T, violated Trace) {
	if violated.Violated == "" {
		return
	}
	parsed, err := Parse(violated.String())
	if err != nil {
		t.Errorf("a trace that cannot be read: %v\n%v", err, violated)
		return
	}
	again, err := m.Again(parsed)
	if err != nil || again.Violated == "" {
		t.Errorf("run again it ends with %q, %v:\n%v", again.Violated, err, violated)
		return
	}
	short := m.Shorten(again)
	path := filepath.Join(Failures, m.Name+".trace")
	if err := os.MkdirAll(Failures, 0o755); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(short.String()), 0o644); err != nil {
		t.Error(err)
	}
	t.Logf("in %d steps, to be run again by lab replay (%s):\n%v", len(short.Steps), path, short)
}

// Fuzz lets Go's coverage-guided fuzzer choose what a machine draws.
func Fuzz(f *testing.F, m Machine) {
	f.Fuzz(rapid.MakeFuzz(func(source *rapid.T) {
		if ran := m.random(source); ran.done.Violated != "" {
			source.Fatalf("%s\n%v", ran.done.Violated, ran.done)
		}
	}))
}
