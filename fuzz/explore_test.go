//go:build interleave

package fuzz

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/interleave"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var allGetOn = law.New("all-get-on", "under every schedule that lets nobody wait for ever all calls return")

// exploration is every schedule of one scene.
type exploration struct {
	*interleave.Explorer
	name string
}

// newExploration returns one that all kernels ask at each step.
func newExploration(t *testing.T, name string) *exploration {
	x := &exploration{Explorer: &interleave.Explorer{}, name: name}
	collects := debug.SetGCPercent(1000) // what is made for each schedule is soon forgotten
	lease.SetInterleaver(x.Step)
	ratemeter.SetInterleaver(x.Step)
	leasekernel.SetInterleaver(x.Step)
	t.Cleanup(func() {
		debug.SetGCPercent(collects)
		lease.SetInterleaver(nil)
		ratemeter.SetInterleaver(nil)
		leasekernel.SetInterleaver(nil)
	})
	return x
}

// run explores a scene: Set it, up to its threads and who judges them.
func (x *exploration) run(t *testing.T, set func() (threads []func(), judge func(t law.T))) {
	t.Helper()
	x.Program = func() interleave.Program {
		threads, judge := set()
		return interleave.Program{Threads: threads, Judge: func() error { return verdictOf(judge) }}
	}
	result := x.Explore()
	family, _, _ := strings.Cut(x.name, ":")
	law.Add(law.Schedules, family, result.Executions)
	law.Add(law.Scenes, family, 1)
	t.Logf("%s: %v", x.name, result)
	var found verdict
	switch failure := result.Failure; {
	case failure == nil:
	case errors.As(failure, &found):
		t.Fatal(failure)
	default:
		allGetOn.Holds(t, false, "%v", failure)
	}
	allGetOn.KeptTimes(result.Executions)
}

// A verdict is what a law has to say against an execution.
type verdict string

func (v verdict) Error() string { return string(v) }

// judges are a law.T for what is judged: they stop at the first violation.
type judges struct{}

func (judges) Helper() {}

func (judges) Fatalf(format string, args ...any) { panic(verdict(fmt.Sprintf(format, args...))) }

func verdictOf(judge func(t law.T)) (err error) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case verdict:
			err = problem
		default:
			panic(problem)
		}
	}()
	judge(judges{})
	return nil
}

// longestHistory is how many calls a scene has at most.
const longestHistory = 20

// sentences remembers which histories were found legal: those of most schedules are
// the same.
type sentences struct {
	spec   porcupine.Model
	passed map[[longestHistory]porcupine.Operation]struct{}
}

func newSentences(spec porcupine.Model) *sentences {
	return &sentences{spec, make(map[[longestHistory]porcupine.Operation]struct{})}
}

// hold asks whether a law holds for a history.
func (s *sentences) hold(t law.T, l *law.Law, history []porcupine.Operation) {
	var key [longestHistory]porcupine.Operation
	if copy(key[:], history) < len(history) {
		panic("a history is too long")
	}
	if _, known := s.passed[key]; !known {
		l.Holds(t, porcupine.CheckOperations(s.spec, history), "%s", describe(history))
		s.passed[key] = struct{}{}
		return
	}
	l.Kept()
}
