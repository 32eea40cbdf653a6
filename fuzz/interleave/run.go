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

	// A thread is a coroutine that runs one program's function after the other.
	do        func()
	abandoned bool
	failure   error
	resume    func() (struct{}, bool)
	end       func()
	yield     func(struct{}) bool
}

// A run is one execution of a program.
type run struct {
	threads    []*thread
	coroutines []*thread // for them and for those of later runs
	running    *thread
	events     []event
	locations  []location
	numbers    map[unsafe.Pointer]int // of the locations
	places     []int                  // room for about
	relation   *relation
	starting   bool
	failure    error
	tracing    bool
	lines      []string // of the steps, if the run is traced
}

// errAbandoned unwinds a thread whose schedule is given up.
var errAbandoned = errors.New("interleave: abandoned")

// start brings each thread before its first step.
func (r *run) start(threads []func()) {
	r.events, r.locations, r.failure = r.events[:0], r.locations[:0], nil
	if r.numbers == nil {
		r.numbers = make(map[unsafe.Pointer]int)
	}
	clear(r.numbers)
	for len(r.coroutines) < len(threads) {
		r.coroutines = append(r.coroutines, newThread(len(r.coroutines)))
	}
	r.threads = r.coroutines[:len(threads)]
	r.lines, r.starting = nil, true
	for number, t := range r.threads {
		t.do, t.done, t.abandoned, t.failure = threads[number], false, false, nil
		t.clock, t.looks = clock{}, t.looks[:0]
		r.advance(t)
	}
	r.starting = false
}

// newThread returns a thread that waits for something to do.
func newThread(number int) *thread {
	t := &thread{number: number}
	t.resume, t.end = iter.Pull(func(yield func(struct{}) bool) {
		for t.yield = yield; yield(struct{}{}); t.done = true {
			t.run()
		}
	})
	t.resume()
	return t
}

// run does what the thread has to do, or as much as it may.
func (t *thread) run() {
	defer func() {
		if problem := recover(); problem != nil && problem != errAbandoned {
			t.failure = fmt.Errorf("thread %d panics: %v", t.number, problem)
		}
	}()
	t.do()
}

// pause lets others go on. If the run is given up meanwhile the thread unwinds.
func (t *thread) pause() {
	if t.yield(struct{}{}); t.abandoned {
		panic(errAbandoned)
	}
}

// advance lets a thread run up to its next step, and on for as long as it is the
// one that takes it.
func (r *run) advance(t *thread) {
	r.running = t
	t.resume()
	r.running = nil
	if t.failure != nil {
		r.failure = t.failure
	}
}

// abandon gives up what the threads have not done.
func (r *run) abandon() {
	for _, t := range r.threads {
		if !t.done {
			t.abandoned = true
			t.resume()
		}
	}
}

// close ends the coroutines.
func (r *run) close() {
	for _, t := range r.coroutines {
		t.end()
	}
	r.coroutines = nil
}

// announce notes what a thread is about to do.
func (r *run) announce(t *thread, kind kind, word unsafe.Pointer) {
	t.next = operation{kind, word, r.locate(word)}
	if r.tracing {
		t.where = caller()
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

// begin begins the next step of a thread.
func (r *run) begin(t *thread) {
	r.events = append(r.events, event{thread: t.number, kind: t.next.kind, at: t.next.at})
	if r.tracing {
		r.lines = append(r.lines, fmt.Sprintf("thread %d: %-8v at %s", t.number, t.next.kind, t.where))
	}
}

// order orders the last step after those on which it depends. The clock of its
// thread is still that of before.
func (r *run) order() (*thread, *event) {
	last := &r.events[len(r.events)-1]
	t := r.threads[last.thread]
	last.clock = t.clock
	depends := r.relation.on(last.kind, last.failed)
	for class, depends := range depends {
		if !depends {
			continue
		}
		for _, at := range r.about(t, last) {
			r.join(&last.clock, at, class)
		}
	}
	last.clock[t.number] = moment(len(r.events))
	return t, last
}

// join joins the clocks of the last events of a class at a location.
func (r *run) join(c *clock, at, class int) {
	for _, m := range r.locations[at].last[class] {
		if m > 0 {
			c.join(&r.events[m-1].clock)
		}
	}
}

// about are the locations that an event is about: one, but a spin is about all
// that its thread has looked at.
func (r *run) about(t *thread, e *event) []int {
	r.places = r.places[:0]
	if e.kind != spin {
		return append(r.places, e.at)
	}
	for _, look := range t.looks {
		r.places = append(r.places, look.at)
	}
	return r.places
}

// settle notes what has become of an event, the last one.
func (r *run) settle(t *thread, e *event) {
	now, class := moment(len(r.events)), e.kind.class(e.failed)
	t.clock = e.clock
	for _, at := range r.about(t, e) {
		r.locations[at].last[class][t.number] = now
	}
	if e.failed && r.tracing {
		r.lines[len(r.lines)-1] += " fails"
	}
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
