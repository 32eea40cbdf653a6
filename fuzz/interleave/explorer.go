package interleave

import (
	"errors"
	"fmt"
	"math/bits"
	"unsafe"
)

// A Program is what is run under one schedule, made anew for each.
type Program struct {
	// Threads run at once, at most [MaxThreads]. They wait for each other by
	// steps only, and do the same whenever the schedule is the same.
	Threads []func()
	// Judge returns what is wrong when all have ended, or nil.
	Judge func() error
}

// MaxThreads is how many threads a [Program] can have.
const MaxThreads = 8

// An Explorer runs a program under every schedule. Set Program, and what else
// should not be as it is at first, and call Explore. All of it is for one
// goroutine.
type Explorer struct {
	// Program returns the program, ready to run. Steps that it takes by itself,
	// or that its Judge takes, are not scheduled.
	Program func() Program

	// Most is how many schedules are run at most; zero means all.
	Most int

	// Plain is whether all schedules are run, not only one of those that are
	// equivalent.
	Plain bool

	// Preemptions is how often at most a thread is stopped that could have gone
	// on, if the search is Plain; zero means as often as there are steps.
	Preemptions int

	relation *relation // nil: the true one
	path     []node    // the schedule that is run, and what is left to try beside it
	planned  int       // how much of the path was there before
	run      run
	due      *thread // takes the next step
	over     error   // why nobody does
	result   Result
}

// Result is what an exploration has come to.
type Result struct {
	// Executions is the number of schedules that were run to their end.
	Executions int
	// Redundant is how many were given up since they had become equivalent to
	// others.
	Redundant int
	// Steps is how many were taken in all of them.
	Steps int
	// Complete is whether every schedule was run, or an equivalent one.
	Complete bool
	// Failure is the first schedule whose outcome is wrong, or nil.
	Failure *Failure
}

// String returns the numbers.
func (r Result) String() string {
	text := fmt.Sprintf("%d executions, %d redundant ones, %d steps", r.Executions, r.Redundant, r.Steps)
	if !r.Complete {
		text += ", not complete"
	}
	return text
}

// A set is a set of threads.
type set uint8

func (s set) has(thread int) bool { return s>>thread&1 != 0 }

func (s *set) add(thread int) { *s |= 1 << thread }

func (s set) first() int { return bits.TrailingZeros8(uint8(s)) }

// A node is a state on the path, and the step that is taken from it.
type node struct {
	enabled     set
	todo        set // tried or to be tried
	asleep      set // need not be tried: what begins with them is, or has been, elsewhere
	thread      int // that takes the step
	kind        kind
	preemptions int // up to here
}

// mostSteps is more than any program needs that comes to an end.
const mostSteps = 20_000

// Explore runs the program under every schedule, or until one fails.
func (x *Explorer) Explore() Result {
	x.result, x.path = Result{}, x.path[:0]
	x.run.relation = x.relation
	if x.relation == nil {
		x.run.relation = dependence()
	}
	defer x.run.close()
	for {
		switch err := x.execute(); err {
		case nil:
			x.result.Executions++
		case errRedundant:
			x.result.Redundant++
		default:
			x.result.Failure = x.explain(err)
			return x.result
		}
		if !x.turnBack() {
			x.result.Complete = true
			return x.result
		}
		if x.Most > 0 && x.result.Executions >= x.Most {
			return x.result
		}
	}
}

// turnBack goes back to the last state from which something is left to try.
func (x *Explorer) turnBack() bool {
	for len(x.path) > 0 {
		last := &x.path[len(x.path)-1]
		last.asleep.add(last.thread)
		if left := last.todo &^ last.asleep; left != 0 {
			last.thread = left.first()
			return true
		}
		x.path = x.path[:len(x.path)-1]
	}
	return false
}

// execute runs the program along the path, and on from its end as long as that
// is not redundant.
func (x *Explorer) execute() error {
	r := &x.run
	x.planned, x.over = len(x.path), nil
	program := x.Program()
	r.start(program.Threads)
	defer r.abandon()
	for x.choose(); x.due != nil; {
		t := x.due
		r.begin(t)
		if r.advance(t); t.done {
			x.finish()
			x.choose()
		}
	}
	if x.over == errEnded {
		return x.judge(program)
	}
	return x.over
}

// Why an execution is over, unless it is a failure.
var (
	errEnded     = errors.New("interleave: nobody has anything to do")
	errRedundant = errors.New("interleave: all that follows is done elsewhere")
)

// choose says who takes the next step, or that the execution is over. It is
// called by the threads themselves, most of which go on after most steps.
func (x *Explorer) choose() {
	x.due = nil
	if x.over = x.proceed(); x.over == nil {
		x.due = x.run.threads[x.path[len(x.run.events)].thread]
	}
}

func (x *Explorer) proceed() error {
	r := &x.run
	depth, enabled := len(r.events), r.enabled()
	switch {
	case r.failure != nil:
		return r.failure
	case enabled == 0:
		return errEnded
	case depth == mostSteps:
		return fmt.Errorf("nobody gets on in %d steps", depth)
	case depth == len(x.path) && !x.extend(enabled):
		return errRedundant
	}
	n := &x.path[depth]
	next := r.threads[n.thread].next.kind
	if depth < x.planned-1 && (n.enabled != enabled || n.kind != next) {
		return fmt.Errorf("the program does not do the same again: step %d", depth)
	}
	n.kind = next
	return nil
}

// finish notes what has become of the last step.
func (x *Explorer) finish() {
	r := &x.run
	x.result.Steps++
	t, last := r.order()
	if !x.Plain && len(r.events) >= x.planned {
		x.findRaces(t, last)
	}
	r.settle(t, last)
}

// judge judges an execution that has ended.
func (x *Explorer) judge(program Program) error {
	if blocked := x.run.blocked(); blocked != "" {
		return fmt.Errorf("nobody can go on: %s", blocked)
	}
	return program.Judge()
}

// extend adds a state to the path. It is false if all that can be done there
// is done elsewhere.
func (x *Explorer) extend(enabled set) bool {
	n := node{enabled: enabled}
	goesOn := set(0) // the thread of the last step, if it can
	if depth := len(x.path); depth > 0 {
		before := &x.path[depth-1]
		goesOn = enabled & (1 << before.thread)
		n.preemptions = before.preemptions
		if depth > 1 {
			if last := x.path[depth-2].thread; last != before.thread && before.enabled.has(last) {
				n.preemptions++
			}
		}
		if !x.Plain {
			n.asleep = x.stillAsleep(before)
		}
	}
	able := enabled &^ n.asleep
	if able == 0 {
		return false
	}
	if able&goesOn != 0 {
		able = goesOn
	}
	n.thread = able.first()
	n.todo.add(n.thread)
	if x.Plain && (x.Preemptions == 0 || n.preemptions < x.Preemptions || goesOn == 0) {
		n.todo = enabled
	}
	x.path = append(x.path, n)
	return true
}

// stillAsleep are the threads that slept before the last step, or had been
// tried in its place, and do not depend on it.
func (x *Explorer) stillAsleep(before *node) (still set) {
	for asleep := before.asleep; asleep != 0; asleep &= asleep - 1 {
		if thread := asleep.first(); !x.run.dependsOnLast(x.run.threads[thread]) {
			still.add(thread)
		}
	}
	return still
}

// Step is to be called by the code under test before each operation on a word
// or mutex that threads share, with the operation: "load", "store", "swap",
// "add", "and", "cas", "lock", "trylock" or "unlock"; with "failed" after a
// "cas" or "trylock" that changed nothing; and with "spin", and no word, by a
// loop that has read that another thread has to get on first. The step before
// a "lock" returns when the mutex is free. What is called outside of a
// Program's threads is let through.
func (x *Explorer) Step(operation string, word unsafe.Pointer) {
	switch {
	case x.run.running == nil:
	case operation == "failed":
		x.run.events[len(x.run.events)-1].failed = true
	default:
		x.stop(kindOf(operation), word)
	}
}

// stop is called by the running thread before its next step, and returns when
// it is to take it.
func (x *Explorer) stop(kind kind, word unsafe.Pointer) {
	r := &x.run
	t := r.running
	r.announce(t, kind, word)
	if !r.starting {
		x.finish()
		x.choose()
		if x.due == t {
			r.begin(t)
			return
		}
	}
	t.pause()
}

// Began is a step with which a thread begins a call.
func (x *Explorer) Began() { x.Step("begin", unsafe.Pointer(x)) }

// Returned is a step with which a thread has returned from a call, before those
// that begin afterwards.
func (x *Explorer) Returned() { x.Step("return", unsafe.Pointer(x)) }
