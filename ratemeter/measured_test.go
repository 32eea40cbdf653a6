package ratemeter_test

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

// t0 has whole milliseconds and no monotonic reading.
var t0 = time.UnixMilli(1_700_000_000_000)

func at(sinceStart time.Duration) time.Time { return t0.Add(sinceStart) }

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// started returns a meter with windows of one minute, the first of which
// begins at t0.
func started(t *testing.T) *ratemeter.MeasuredRate {
	t.Helper()
	m := ratemeter.NewMeasuredRate(time.Minute)
	if err := m.Start(t0); err != nil {
		t.Fatal(err)
	}
	return m
}

func increment(m *ratemeter.MeasuredRate, n int) {
	for range n {
		m.Increment()
	}
}

func checkNextTick(t *testing.T, m *ratemeter.MeasuredRate, want time.Time) {
	t.Helper()
	next, running := m.NextTick()
	equal(t, "running", running, true)
	if !next.Equal(want) {
		t.Errorf("NextTick: got %v, want %v", next, want)
	}
}

// Quirk R1: a tumbling window, with a blind first window and a count that is
// up to one interval old.
func TestCountShowsTheLastWholeWindow(t *testing.T) {
	m := started(t)
	steps := []struct {
		name    string
		count   int // renewals before the tick
		tick    time.Duration
		rotates bool
		want    int64
	}{
		{"first window has begun", 3, 0, false, 0},
		{"first window, last nanosecond", 4, time.Minute - 1, false, 0},
		{"first window is over", 0, time.Minute, true, 7},
		{"second window: the count is old", 5, 2*time.Minute - 1, false, 7},
		{"second window is over", 0, 2 * time.Minute, true, 5},
		{"the same instant again", 0, 2 * time.Minute, false, 5},
		{"an empty window", 0, 3 * time.Minute, true, 0},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			increment(m, step.count)
			equal(t, "Tick", m.Tick(at(step.tick)), step.rotates)
			equal(t, "Count", m.Count(), step.want)
		})
	}
}

// Quirk R2: fixed delay. A late firing delays all later ones, and the longer
// window counts more.
func TestLateTickDelaysTheNextWindow(t *testing.T) {
	m := started(t)
	checkNextTick(t, m, at(time.Minute))
	increment(m, 2)
	equal(t, "Tick, 10 s late", m.Tick(at(70*time.Second)), true)
	equal(t, "Count", m.Count(), 2)
	checkNextTick(t, m, at(130*time.Second))
	increment(m, 3)
	equal(t, "Tick where a fixed rate would fire", m.Tick(at(120*time.Second)), false)
	equal(t, "Tick", m.Tick(at(130*time.Second)), true)
	equal(t, "Count", m.Count(), 3)
}

// Quirk R2: what was missed is not made up for.
func TestTwoWindowsLateRotateOnce(t *testing.T) {
	m := started(t)
	increment(m, 4)
	late := at(3*time.Minute + 30*time.Second)
	equal(t, "Tick", m.Tick(late), true)
	equal(t, "Tick at the same instant", m.Tick(late), false)
	equal(t, "Count", m.Count(), 4)
	checkNextTick(t, m, late.Add(time.Minute))
}

// Quirk R3, seen by an owner whose clock has no monotonic reading and who
// sleeps one minute before it calls Tick: after a step back it is called too
// early and told to wait for what is missing; after a step forward the window
// was as long as ever, and so is the next.
func TestWallClockSteps(t *testing.T) {
	tests := []struct {
		name    string
		step    time.Duration // while the owner sleeps
		rotates bool
		next    time.Duration
	}{
		{"none", 0, true, 2 * time.Minute},
		{"back", -10 * time.Second, false, time.Minute},
		{"back before the start", -time.Hour, false, time.Minute},
		{"forward", 30 * time.Second, true, 2*time.Minute + 30*time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := started(t)
			increment(m, 3)
			now := at(time.Minute + tt.step)
			equal(t, "Tick", m.Tick(now), tt.rotates)
			checkNextTick(t, m, at(tt.next))
			if !tt.rotates {
				equal(t, "Count", m.Count(), 0)
				equal(t, "Tick after what was missing", m.Tick(at(tt.next)), true)
			}
			equal(t, "Count", m.Count(), 3)
		})
	}
}

// Whole milliseconds decide, but no window is shorter than its interval.
func TestWindowBeginsWithinAMillisecond(t *testing.T) {
	m := ratemeter.NewMeasuredRate(time.Millisecond)
	start := at(999_999)
	if err := m.Start(start); err != nil {
		t.Fatal(err)
	}
	equal(t, "Tick a nanosecond early", m.Tick(start.Add(time.Millisecond-1)), false)
	equal(t, "Tick", m.Tick(start.Add(time.Millisecond)), true)
}

func TestMonotonicReadingsAreKept(t *testing.T) {
	base := time.Now()
	m := ratemeter.NewMeasuredRate(time.Minute)
	if err := m.Start(base); err != nil {
		t.Fatal(err)
	}
	next, _ := m.NextTick()
	equal(t, "NextTick", next, base.Add(time.Minute)) // == compares both readings
	equal(t, "Tick a nanosecond early", m.Tick(base.Add(time.Minute-1)), false)
	equal(t, "Tick", m.Tick(base.Add(time.Minute)), true)
}

// Quirk R4: the second start does nothing.
func TestStartTwiceIsOne(t *testing.T) {
	m := started(t)
	increment(m, 2)
	equal(t, "second Start", m.Start(at(30*time.Second)), nil)
	checkNextTick(t, m, at(time.Minute))
	equal(t, "Tick", m.Tick(at(time.Minute)), true)
	equal(t, "Count", m.Count(), 2)
}

// Quirk R4: stopped for good. Increments are accepted, the count stays.
func TestStartAfterStopFailsForGood(t *testing.T) {
	m := started(t)
	increment(m, 5)
	m.Tick(at(time.Minute))
	m.Stop()
	for range 2 {
		err := m.Start(at(2 * time.Minute))
		if !errors.Is(err, ratemeter.ErrTimerCancelled) {
			t.Fatalf("Start: got %v, want %v", err, ratemeter.ErrTimerCancelled)
		}
		equal(t, "Start", err.Error(), "ratemeter: start after stop: timer already cancelled")
		_, running := m.NextTick()
		equal(t, "running", running, false)
		increment(m, 1)
		equal(t, "Tick", m.Tick(at(time.Hour)), false)
		equal(t, "Count", m.Count(), 5)
		m.Stop()
	}
}

// Quirk R4: stop does nothing on a meter that is not running.
func TestStopBeforeStartDoesNothing(t *testing.T) {
	m := ratemeter.NewMeasuredRate(time.Minute)
	m.Stop()
	equal(t, "Start", m.Start(t0), nil)
	checkNextTick(t, m, at(time.Minute))
	equal(t, "Tick", m.Tick(at(time.Minute)), true)
}

func TestNewMeterIsNotRunning(t *testing.T) {
	m := ratemeter.NewMeasuredRate(time.Minute)
	_, running := m.NextTick()
	equal(t, "running", running, false)
	increment(m, 1)
	equal(t, "Tick", m.Tick(t0), false)
	equal(t, "Count", m.Count(), 0)
}

// Quirk R5: Start refuses what NewMeasuredRate took, in Java's order and for
// Java's reasons; the meter then counts but never rotates.
func TestStartRefuses(t *testing.T) {
	epoch := time.UnixMilli(0)
	tests := []struct {
		name     string
		interval time.Duration
		now      time.Time
		want     error
		message  string
	}{
		{"zero", 0, t0, ratemeter.ErrNonPositivePeriod, "interval is 0s: must not be zero"},
		{"negative", -time.Minute, t0, ratemeter.ErrNegativeDelay, "interval is -1m0s: must not be negative"},
		{"negative and fractional", -1, t0, ratemeter.ErrNegativeDelay, "interval is -1ns: must not be negative"},
		{"fractional", time.Second + 1, t0, ratemeter.ErrFractionalInterval, "interval is 1.000000001s: must be whole milliseconds"},
		{"below a millisecond", 1, t0, ratemeter.ErrFractionalInterval, "interval is 1ns: must be whole milliseconds"},
		{
			"before the epoch", time.Second, epoch.Add(-1001 * time.Millisecond), ratemeter.ErrIllegalExecutionTime,
			"now is -1001 ms and interval 1s: must not fire before the Unix epoch",
		},
		{
			"a sum that wraps", time.Second, time.UnixMilli(math.MaxInt64 - 999), ratemeter.ErrIllegalExecutionTime,
			"now is 9223372036854774808 ms and interval 1s: must not fire before the Unix epoch",
		},
		{"zero before the epoch", 0, epoch.Add(-time.Hour), ratemeter.ErrNonPositivePeriod, "interval is 0s: must not be zero"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := ratemeter.NewMeasuredRate(tt.interval)
			err := m.Start(tt.now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Start: got %v, want %v", err, tt.want)
			}
			equal(t, "ErrInvalid", errors.Is(err, ratemeter.ErrInvalid), true)
			equal(t, "Start", err.Error(), "ratemeter: invalid argument: "+tt.message)
			_, running := m.NextTick()
			equal(t, "running", running, false)
			increment(m, 1)
			equal(t, "Tick", m.Tick(at(time.Hour)), false)
			equal(t, "Count", m.Count(), 0)
		})
	}
}

// A refused start can be tried again, unlike one after a stop.
func TestStartCanFireAtTheEpoch(t *testing.T) {
	epoch := time.UnixMilli(0)
	m := ratemeter.NewMeasuredRate(time.Second)
	if err := m.Start(epoch.Add(-time.Second - time.Millisecond)); !errors.Is(err, ratemeter.ErrIllegalExecutionTime) {
		t.Fatalf("Start: got %v, want %v", err, ratemeter.ErrIllegalExecutionTime)
	}
	equal(t, "Start a millisecond later", m.Start(epoch.Add(-time.Second)), nil)
	equal(t, "Tick before the epoch", m.Tick(epoch.Add(-1)), false)
	equal(t, "Tick at the epoch", m.Tick(epoch), true)
	checkNextTick(t, m, epoch.Add(time.Second))
}

// Java checks the instant before it looks at the cancelled queue.
func TestStartAfterStopBeforeTheEpoch(t *testing.T) {
	m := started(t)
	m.Stop()
	if err := m.Start(time.UnixMilli(-60_001)); !errors.Is(err, ratemeter.ErrIllegalExecutionTime) {
		t.Errorf("Start: got %v, want %v", err, ratemeter.ErrIllegalExecutionTime)
	}
}

func TestErrorsTellThemselvesApart(t *testing.T) {
	all := []error{
		ratemeter.ErrNegativeDelay, ratemeter.ErrNonPositivePeriod, ratemeter.ErrFractionalInterval,
		ratemeter.ErrIllegalExecutionTime, ratemeter.ErrTimerCancelled,
	}
	for i, err := range all {
		for j, other := range all {
			equal(t, err.Error()+" is "+other.Error(), errors.Is(err, other), i == j)
			equal(t, err.Error()+" says "+other.Error(), strings.Contains(err.Error(), other.Error()), i == j)
		}
	}
}

// Quirk R6: renewals before the start fall into the first window.
func TestRenewalsBeforeStartFallIntoTheFirstWindow(t *testing.T) {
	m := ratemeter.NewMeasuredRate(time.Minute)
	increment(m, 10)
	m.Stripe(3).Increment()
	equal(t, "Start", m.Start(t0), nil)
	equal(t, "Count", m.Count(), 0)
	equal(t, "Tick", m.Tick(at(time.Minute)), true)
	equal(t, "Count", m.Count(), 11)
}

// Nothing is counted twice or lost, whatever the order of the stores:
//
//  1. Goroutines increment, some anywhere, some on a stripe of their own,
//     some on one that they share.
//  2. Meanwhile one goroutine rotates the windows, which takes the stripes
//     one after the other.
//  3. An increment lands before, between or after them.
//  4. A last rotation takes what is left: the counts of all windows add up to
//     the increments.
func TestEveryIncrementFallsIntoOneWindow(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("on one thread nobody interrupts a goroutine that spins")
	}
	const (
		goroutines = 6
		increments = 20_000
	)
	m := started(t)
	incrementers := [goroutines]func(){
		m.Increment, m.Increment,
		m.Stripe(0).Increment, m.Stripe(63).Increment,
		m.Stripe(7).Increment, m.Stripe(7).Increment,
	}
	var counting sync.WaitGroup
	var finished atomic.Bool
	for _, increment := range incrementers {
		counting.Go(func() {
			for range increments {
				increment()
			}
		})
	}
	var sum int64
	now := t0
	rotate := func() {
		now = now.Add(time.Minute)
		if !m.Tick(now) {
			t.Errorf("Tick at %v: got false, want true", now)
		}
		sum += m.Count()
	}
	var rotating sync.WaitGroup
	rotating.Go(func() {
		for !finished.Load() {
			rotate()
		}
	})
	counting.Wait()
	finished.Store(true)
	rotating.Wait()
	rotate()
	equal(t, "sum of all windows", sum, goroutines*increments)
	rotate()
	equal(t, "Count of a window without increments", m.Count(), 0)
}

// Several owners tick the same meter at the same instants:
//
//  1. All of them find that the window is over.
//  2. One rotates; the others are told that nothing was to be done, and the
//     count that it took is not taken again.
func TestOneOfManyTicksRotates(t *testing.T) {
	m := started(t)
	for n := 1; n <= 200; n++ {
		now := at(time.Duration(n) * time.Minute)
		increment(m, 1)
		var rotated atomic.Int64
		var owners sync.WaitGroup
		for range 4 {
			owners.Go(func() {
				if m.Tick(now) {
					rotated.Add(1)
				}
			})
		}
		owners.Wait()
		equal(t, "rotations", rotated.Load(), 1)
		equal(t, "Count", m.Count(), 1)
	}
}

// Owners start, stop and tick one meter at once. Every outcome is one of an
// order of the calls:
//
//  1. Stop before Start leaves the meter running, Start before Stop stopped.
//  2. Tick rotates only between Start and Stop, or after both in the first
//     order.
func TestStartStopAndTickInAnyOrder(t *testing.T) {
	for range 200 {
		m := ratemeter.NewMeasuredRate(time.Minute)
		m.Increment()
		var rotated bool
		var startErr error
		var owners sync.WaitGroup
		owners.Go(func() { startErr = m.Start(t0) })
		owners.Go(m.Stop)
		owners.Go(func() { rotated = m.Tick(at(time.Minute)) })
		owners.Wait()
		equal(t, "Start", startErr, nil)
		want := int64(0)
		if rotated {
			want = 1
		}
		equal(t, "Count", m.Count(), want)
		if _, running := m.NextTick(); running {
			equal(t, "Tick or the next one rotates", rotated != m.Tick(at(time.Minute)), true)
			continue
		}
		if err := m.Start(t0); !errors.Is(err, ratemeter.ErrTimerCancelled) {
			t.Errorf("Start: got %v, want %v", err, ratemeter.ErrTimerCancelled)
		}
	}
}

// Rotate needs no Start, and leaves the meter's own timer as it is.
func TestRotateEndsTheWindowAtOnce(t *testing.T) {
	m := ratemeter.NewMeasuredRate(time.Minute)
	m.Add(3)
	m.Rotate()
	if got := m.Count(); got != 3 {
		t.Errorf("count of a meter that was not started: got %d, want 3", got)
	}
	start := time.UnixMilli(1_700_000_000_000)
	if err := m.Start(start); err != nil {
		t.Fatal(err)
	}
	m.Increment()
	m.Rotate()
	if got := m.Count(); got != 1 {
		t.Errorf("count: got %d, want 1", got)
	}
	if next, _ := m.NextTick(); !next.Equal(start.Add(time.Minute)) {
		t.Errorf("next: got %v, want a minute after the start", next)
	}
	if !m.Tick(start.Add(time.Minute)) || m.Count() != 0 {
		t.Errorf("tick: got count %d, want an empty window", m.Count())
	}
}
