// Package law names what the kernels promise. A test that hunts for violations
// states each promise as a [Law], which counts the cases in which it was found
// kept, and whose text is what a violation is reported as.
package law

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Law is one promise. It can be used by several goroutines at once.
type Law struct {
	name, text string
	cases      atomic.Uint64
}

// T is what a violation ends: a *testing.T, a *rapid.T, a *trace.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Laws are declared as variables of packages and tests, so the list of all of
// them is complete when the first test begins.
var (
	declaring sync.Mutex
	declared  = make(map[string]*Law)
)

// New declares a law. Its name is what seeds and reports call it by, and its
// text one sentence that says what is promised. Two laws of one name are an
// error in the program, for which New panics.
func New(name, text string) *Law {
	declaring.Lock()
	defer declaring.Unlock()
	if declared[name] != nil {
		panic(fmt.Sprintf("law: %q is declared twice", name))
	}
	law := &Law{name: name, text: text}
	declared[name] = law
	return law
}

// All are the laws that were declared, by name.
func All() []*Law {
	declaring.Lock()
	defer declaring.Unlock()
	laws := make([]*Law, 0, len(declared))
	for _, law := range declared {
		laws = append(laws, law)
	}
	slices.SortFunc(laws, func(a, b *Law) int { return cmp.Compare(a.name, b.name) })
	return laws
}

// Name is what seeds and reports call the law by.
func (l *Law) Name() string { return l.name }

// String is the law's text.
func (l *Law) String() string { return l.text }

// Cases is how often the law was found kept.
func (l *Law) Cases() uint64 { return l.cases.Load() }

// Holds counts one case, or ends the test with what was found instead.
func (l *Law) Holds(t T, kept bool, format string, args ...any) {
	if !kept {
		t.Helper()
		t.Fatalf("%s", l.violation(format, args...))
	}
	l.Kept()
}

// Kept counts one case. It is for tests that do not want to say what they
// found unless there is something to say.
func (l *Law) Kept() { l.KeptTimes(1) }

// KeptTimes counts n cases at once.
func (l *Law) KeptTimes(n int) { l.cases.Add(uint64(n)) }

func (l *Law) violation(format string, args ...any) string {
	return fmt.Sprintf("%s %s: %s", Violation(l.name), l.text, fmt.Sprintf(format, args...))
}

// Violation is what every report of a violation of the law of that name begins
// with, to be looked for in what a test prints.
func Violation(name string) string { return "violated: " + name + ":" }
