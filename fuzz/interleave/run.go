package interleave

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unsafe"
)

// A moment is one more than the number of an event; zero is before all.
type moment int32

// A clock has for each thread the moment of its last event that happened
// before.
type clock [MaxThreads]moment

func (c *clock) join(other *clock) {
	for i, m := range other {
		c[i] = max(c[i], m)
	}
}

// An event is a step that was taken.
type event struct {
	thread int
	kind   kind
	failed bool // it has changed nothing
	at     int  // the location of its word
	clock  clock
}

// A location is what is known of a word.
type location struct {
	last   [classes]clock // of each class's events the last one of each thread
	locked clock          // the last lock of each thread
	held   bool
	wrote  moment // the last loud event
}

// A look is that a thread has read a word.
type look struct {
	at   int
	when moment
}

// A thread is one goroutine of a program.
type thread struct {
	number int
	next   operation // unless it is done
	where  string    // that is, if the run is traced
	done   bool
	clock  clock
	looks  []look // since it last changed anything

	resume func() (struct{}, bool)
	close  func()
	yield  func(struct{}) bool
}

// A run is one execution of a program.
type run struct {
	threads   []*thread
	running   *thread
	events    []event
	locations []location
	numbers   map[unsafe.Pointer]int // of the locations
	relation  *relation
	tracing   bool
	failure   error
}

// errAbandoned unwinds a thread whose schedule is given up.
var errAbandoned = errors.New("interleave: abandoned")

// start brings each thread before its first step.
func (r *run) start(threads []func()) {
	r.events, r.locations, r.threads, r.failure = r.events[:0], r.locations[:0], r.threads[:0], nil
	if r.numbers == nil {
		r.numbers = make(map[unsafe.Pointer]int)
	}
	clear(r.numbers)
	for number, do := range threads {
		t := &thread{number: number}
		t.resume, t.close = iter.Pull(r.body(t, do))
		r.threads = append(r.threads, t)
		r.advance(t)
	}
}

func (r *run) body(t *thread, do func()) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		defer func() {
			if problem := recover(); problem != nil && problem != errAbandoned {
				r.failure = fmt.Errorf("thread %d panics: %v", t.number, problem)
			}
		}()
		t.yield = yield
		do()
	}
}

// advance lets a thread run up to its next step.
func (r *run) advance(t *thread) {
	r.running = t
	_, more := t.resume()
	r.running = nil
	t.done = !more
}

// close ends the threads that have not ended.
func (r *run) close() {
	for _, t := range r.threads {
		t.close()
	}
}

// stop is called by the running thread before its next step, and returns when
// it is to take it.
func (r *run) stop(kind kind, word unsafe.Pointer) {
	t := r.running
	t.next = operation{kind, word, r.locate(word)}
	if r.tracing {
		t.where = caller()
	}
	if !t.yield(struct{}{}) {
		panic(errAbandoned)
	}
}

// locate returns the number of a word's location.
func (r *run) locate(word unsafe.Pointer) int {
	number, ok := r.numbers[word]
	if !ok {
		number = len(r.locations)
		r.numbers[word] = number
		r.locations = append(r.locations, location{})
	}
	return number
}

// enabled are the threads that can take their next step.
func (r *run) enabled() (able set) {
	for _, t := range r.threads {
		if r.able(t) {
			able.add(t.number)
		}
	}
	return able
}

func (r *run) able(t *thread) bool {
	switch {
	case t.done:
		return false
	case t.next.kind == lock:
		return !r.locations[t.next.at].held
	case t.next.kind == spin:
		for _, look := range t.looks {
			if r.locations[look.at].wrote > look.when {
				return true
			}
		}
		return false
	}
	return true
}

// blocked says what the threads wait for that have not ended.
func (r *run) blocked() string {
	var waiting []string
	for _, t := range r.threads {
		if !t.done {
			waiting = append(waiting, fmt.Sprintf("thread %d waits to %v", t.number, t.next.kind))
		}
	}
	return strings.Join(waiting, ", ")
}

// take makes a thread take its next step, and returns its event. The thread's
// own clock is still that of before.
func (r *run) take(t *thread) *event {
	r.events = append(r.events, event{thread: t.number, kind: t.next.kind, at: t.next.at})
	r.advance(t)
	taken := &r.events[len(r.events)-1]
	taken.clock = t.clock
	depends := r.relation.on(taken.kind, taken.failed)
	r.eachLocation(t, taken, func(at int) {
		for class, depends := range depends {
			if depends {
				r.join(&taken.clock, at, class)
			}
		}
	})
	taken.clock[t.number] = moment(len(r.events))
	return taken
}

// join joins the clocks of the last events of a class at a location.
func (r *run) join(c *clock, at, class int) {
	for _, m := range r.locations[at].last[class] {
		if m > 0 {
			c.join(&r.events[m-1].clock)
		}
	}
}

// eachLocation calls f for what an event is about: one word, but a spin is about
// all that its thread has looked at.
func (r *run) eachLocation(t *thread, e *event, f func(at int)) {
	if e.kind != spin {
		f(e.at)
		return
	}
	for _, look := range t.looks {
		f(look.at)
	}
}

// settle notes what has become of an event, the last one.
func (r *run) settle(t *thread, e *event) {
	now, class := moment(len(r.events)), e.kind.class(e.failed)
	t.clock = e.clock
	r.eachLocation(t, e, func(at int) { r.locations[at].last[class][t.number] = now })
	l := &r.locations[e.at]
	switch {
	case e.kind == spin:
		t.looks = t.looks[:0]
		return
	case class == quiet:
		t.looks = append(t.looks, look{e.at, now})
		return
	}
	l.wrote = now
	t.looks = t.looks[:0]
	switch e.kind {
	case lock, trylock:
		l.held, l.locked[t.number] = true, now
	case unlock:
		l.held = false
	}
}

// dependsOnLast reports whether a thread's next step depends on the last one,
// of another thread.
func (r *run) dependsOnLast(t *thread) bool {
	last := &r.events[len(r.events)-1]
	class := last.kind.class(last.failed)
	switch {
	case last.kind == spin: // has looked at more than one word
		return t.next.kind.class(false) == loud
	case t.next.kind == spin:
		return class == loud && slices.ContainsFunc(t.looks, func(l look) bool { return l.at == last.at })
	}
	return t.next.at == last.at && r.relation[t.next.kind][class]
}
