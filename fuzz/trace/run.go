package trace

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"pgregory.net/rapid"
)

// T is what a machine is driven by. It belongs to one run, and to the
// goroutine that runs it.
type T struct {
	random *rapid.T // nil: a trace is run again
	done   Trace    // so far

	draws []Draw // left of the step that is run again
	cut   bool   // it may end for want of draws
}

// Helper is there so that a T can be used where a testing.TB's methods are.
func (t *T) Helper() {}

// A violation is why a run ended.
type violation struct{ what string }

// over is why a run ended for want of draws, where it ended before.
type over struct{}

// unfit is what a trace is that the machine cannot have done.
type unfit struct{ why string }

// Fatalf ends the run: a law was violated.
func (t *T) Fatalf(format string, args ...any) {
	panic(violation{fmt.Sprintf(format, args...)})
}

// Skip ends an operation that cannot be done in this state, as if it had not
// been drawn.
func (t *T) Skip() {
	if t.random == nil {
		t.unfit("the operation cannot be done in this state")
	}
	t.done.Steps = t.done.Steps[:len(t.done.Steps)-1]
	t.random.SkipNow()
}

func (t *T) unfit(format string, args ...any) {
	panic(unfit{fmt.Sprintf("step %d, %s: %s", len(t.done.Steps), t.done.Steps[len(t.done.Steps)-1].Operation, fmt.Sprintf(format, args...))})
}

func (t *T) begin(operation string) {
	t.done.Steps = append(t.done.Steps, Step{Operation: operation})
}

func (t *T) record(draw Draw) {
	step := &t.done.Steps[len(t.done.Steps)-1]
	step.Draws = append(step.Draws, draw)
}

// next is the next value of the step that is run again.
func (t *T) next(label string) string {
	label = labelled(label)
	if len(t.draws) == 0 && t.cut {
		panic(over{})
	}
	if len(t.draws) == 0 {
		t.unfit("nothing is left for %q", label)
	}
	draw := t.draws[0]
	if t.draws = t.draws[1:]; draw.Label != label {
		t.unfit("it has %q where the machine draws %q", draw.Label, label)
	}
	t.record(draw)
	return draw.text()
}

// catch turns the end of a run into what it ended with: a violation, or the
// panic of a kernel, which is one too. Other panics go on.
func (t *T) catch(recovered any) error {
	switch r := recovered.(type) {
	case nil, over:
	case violation:
		t.violated(r.what)
	case unfit:
		return errors.New(r.why)
	case error: // of the runtime
		t.violated(fmt.Sprintf("%s %v", law.Violation("nothing-panics"), r))
	default:
		panic(r)
	}
	return nil
}

func (t *T) violated(what string) {
	t.done.Violated = what
	t.done.Steps[len(t.done.Steps)-1].Cut = true
}

// random runs a machine with rapid as the source of all that is drawn.
func (m Machine) random(source *rapid.T) (t *T) {
	t = &T{random: source, done: Trace{Machine: m.Name}}
	defer func() {
		if err := t.catch(recover()); err != nil {
			panic(err)
		}
	}()
	t.begin(start)
	source.Repeat(m.Start(t).forRapid(t))
	return t
}

// forRapid are the operations as rapid draws them.
func (ops Operations) forRapid(t *T) map[string]func(*rapid.T) {
	actions := make(map[string]func(*rapid.T), len(ops))
	for name, operation := range ops {
		actions[name] = func(*rapid.T) {
			if name != "" {
				t.begin(name)
			}
			operation(t)
		}
	}
	return actions
}

// ErrUnfit is what Again returns for a trace that the machine cannot have
// done: an operation or a value that it does not have, or not in that state.
var ErrUnfit = errors.New("the trace does not fit the machine")

// Again runs a trace again and returns it with what it ended with this time. An
// error is ErrUnfit, with the step and the reason.
func (m Machine) Again(trace Trace) (ran Trace, err error) {
	t := &T{done: Trace{Machine: m.Name}}
	defer func() {
		if e := t.catch(recover()); e != nil {
			err = fmt.Errorf("%w: %w", ErrUnfit, e)
		}
		ran = t.done
	}()
	var operations Operations
	for i, step := range trace.Steps {
		t.begin(step.Operation)
		t.draws, t.cut = step.Draws, step.Cut
		if i == 0 {
			operations = m.Start(t)
		} else if do := operations[step.Operation]; do != nil && step.Operation != "" {
			do(t)
		} else {
			t.unfit("the machine has no such operation")
		}
		if check := operations[""]; check != nil {
			check(t)
		}
		if len(t.draws) > 0 {
			t.unfit("%q is left over", t.draws[0].Label)
		}
	}
	return t.done, nil
}

// Shorten leaves out of a trace that violates a law every step without which
// the same one is violated.
func (m Machine) Shorten(trace Trace) Trace {
	law := trace.Law()
	for size := len(trace.Steps) / 2; size > 0; size /= 2 {
		for from := len(trace.Steps) - size; from >= 1; from -= size {
			shorter := trace
			shorter.Steps = slices.Delete(slices.Clone(trace.Steps), from, from+size)
			if ran, err := m.Again(shorter); err == nil && ran.Violated != "" && ran.Law() == law {
				trace = ran
				from = min(from, len(trace.Steps))
			}
		}
	}
	return trace
}

// Law is the name of the law that a trace violates, as its report says.
func (t Trace) Law() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(t.Violated, "violated: "), ":")
	return name
}
