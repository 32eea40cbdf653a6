package fuzz

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var (
	meterAsModelled  = law.New("meter-as-modelled", "a meter shows and answers what its model does")
	countedOnce      = law.New("counted-once", "every increment is counted in exactly one window")
	onlyTicksRotate  = law.New("only-ticks-rotate", "nothing but a rotation changes the count")
	neverRotatesSoon = law.New("never-rotates-soon", "a window lasts for at least one interval")
	stoppedForGood   = law.New("stopped-for-good", "a meter that was stopped never rotates again")
	firesLikeJava    = law.New("fires-like-java", "the windows change when java.util.Timer would have fired")
)

// meterModel is a list of timestamped increments, cut into windows.
type meterModel struct {
	increments []time.Time
	cuts       []int // how many increments there were at each rotation
}

func (m *meterModel) cut() { m.cuts = append(m.cuts, len(m.increments)) }

// count is what fell between the last two cuts; the first window begins with
// the first increment, before the start.
func (m *meterModel) count() int64 {
	switch n := len(m.cuts); n {
	case 0:
		return 0
	case 1:
		return int64(m.cuts[0])
	default:
		return int64(m.cuts[n-1] - m.cuts[n-2])
	}
}

// meterMachine drives a meter with instants that mean nothing to anybody.
type meterMachine struct {
	interval           time.Duration
	now                time.Time
	meter              *ratemeter.MeasuredRate
	model              meterModel
	running, cancelled bool
	began              time.Time // of the current window
	counted            int64     // the sum of all windows that were shown
}

var driveMeasuredRate = trace.Machine{Name: "measured-rate", Start: func(t *trace.T) trace.Operations {
	interval := trace.SampledFrom([]time.Duration{
		time.Minute, time.Millisecond, time.Second, math.MaxInt64 / 1_000_000 * time.Millisecond,
		0, 1, -1, 1_500_000, -time.Minute, math.MinInt64,
	}).Draw(t, "interval")
	m := &meterMachine{interval: interval, now: drawEdge(t), meter: ratemeter.NewMeasuredRate(interval)}
	return trace.Operations{
		"":          m.check,
		"increment": m.increment,
		"start":     m.start,
		"stop":      m.stop,
		"tick":      m.tick,
		"drain":     m.drain,
	}
}}

func (m *meterMachine) move(t *trace.T) {
	next, _ := m.meter.NextTick()
	m.now = drawInstant(t, m.now, next, next, m.began)
}

func (m *meterMachine) increment(t *trace.T) {
	for range trace.IntRange(1, 5).Draw(t, "renewals") {
		if trace.Bool().Draw(t, "by stripe") {
			m.meter.Stripe(trace.Uint64().Draw(t, "hint")).Increment()
		} else {
			m.meter.Increment()
		}
		m.model.increments = append(m.model.increments, m.now)
	}
}

func (m *meterMachine) start(t *trace.T) {
	m.move(t)
	m.startNow(t)
}

func (m *meterMachine) startNow(t law.T) {
	err, want := m.meter.Start(m.now), m.refusal()
	meterAsModelled.Holds(t, errors.Is(err, want), "Start(%v) with interval %v says %v, not %v", m.now, m.interval, err, want)
	if err == nil && !m.running {
		m.running, m.began = true, m.now
	}
}

// refusal is the reason for which a meter does not start, in the order in
// which java.util.Timer finds them.
func (m *meterMachine) refusal() error {
	switch {
	case m.running:
		return nil
	case m.interval < 0:
		return ratemeter.ErrNegativeDelay
	case m.interval == 0:
		return ratemeter.ErrNonPositivePeriod
	case m.interval != m.interval.Truncate(time.Millisecond):
		return ratemeter.ErrFractionalInterval
	case m.now.UnixMilli()+m.interval.Milliseconds() < 0:
		return ratemeter.ErrIllegalExecutionTime
	case m.cancelled:
		return ratemeter.ErrTimerCancelled
	}
	return nil
}

func (m *meterMachine) stop(t *trace.T) {
	if trace.IntRange(0, 3).Draw(t, "reluctance") > 0 {
		return // a stopped meter has little left to show
	}
	m.meter.Stop()
	m.cancelled = m.cancelled || m.running
	m.running = false
}

func (m *meterMachine) tick(t *trace.T) {
	m.move(t)
	m.tickNow(t)
}

func (m *meterMachine) tickNow(t law.T) {
	rotated := m.meter.Tick(m.now)
	over := m.running && !m.now.Before(m.began.Add(m.interval))
	stoppedForGood.Holds(t, !rotated || !m.cancelled, "it rotated at %v", m.now)
	neverRotatesSoon.Holds(t, !rotated || over, "begun %v, rotated %v", m.began, m.now)
	meterAsModelled.Holds(t, rotated == over, "Tick(%v) = %t, the window began at %v", m.now, rotated, m.began)
	if rotated {
		m.model.cut()
		m.began = m.now // and not began + interval: fixed delay
		m.counted += m.meter.Count()
	}
}

// check knows all laws that need no rotation.
func (m *meterMachine) check(t *trace.T) {
	got, want := m.meter.Count(), m.model.count()
	onlyTicksRotate.Holds(t, got == want, "Count is %d after %d rotations, not %d", got, len(m.model.cuts), want)
	countedOnce.Holds(t, m.counted+m.pending() == int64(len(m.model.increments)),
		"%d counted, %d to come, of %d", m.counted, m.pending(), len(m.model.increments))
	next, running := m.meter.NextTick()
	meterAsModelled.Holds(t, running == m.running, "running is %t", running)
	meterAsModelled.Holds(t, !running || next.Equal(m.began.Add(m.interval)), "next tick %v in a window begun %v", next, m.began)
}

func (m *meterMachine) pending() int64 {
	counted := 0
	if n := len(m.model.cuts); n > 0 {
		counted = m.model.cuts[n-1]
	}
	return int64(len(m.model.increments) - counted)
}

// drain ends the last window, if the meter still has a life ahead of it, so
// that also what was counted last is accounted for.
func (m *meterMachine) drain(t *trace.T) {
	m.startNow(t)
	if !m.running {
		return
	}
	next, _ := m.meter.NextTick()
	m.now = next
	m.tickNow(t)
	m.check(t)
	countedOnce.Holds(t, m.counted == int64(len(m.model.increments)), "%d counted of %d", m.counted, len(m.model.increments))
}

// scriptedTimer is java.util.Timer, millisecond by millisecond: a thread that
// sleeps on the monotonic clock, and on waking compares the wall clock.
type scriptedTimer struct {
	interval           int64
	mono, wall         int64
	running, cancelled bool
	asleepUntil        int64 // monotonic
	due                int64 // wall
	firings            []int64
}

func (s *scriptedTimer) start() {
	if s.running || s.cancelled {
		return
	}
	s.running = true
	s.schedule()
}

func (s *scriptedTimer) schedule() { s.due, s.asleepUntil = s.wall+s.interval, s.mono+s.interval }

func (s *scriptedTimer) stop() { s.cancelled, s.running = s.cancelled || s.running, false }

// run lets the thread have the processor.
func (s *scriptedTimer) run() {
	switch {
	case !s.running || s.mono < s.asleepUntil:
	case s.wall < s.due:
		s.asleepUntil = s.mono + s.due - s.wall
	default:
		s.firings = append(s.firings, s.mono)
		s.schedule()
	}
}

// meterDriver is one of the two ways in which an owner may call Tick.
type meterDriver interface {
	// now returns the instant that the owner has.
	now(s *scriptedTimer) time.Time
	// calls reports whether the owner calls Tick at this moment.
	calls(s *scriptedTimer) bool
	// asked is told what NextTick says after each call.
	asked(s *scriptedTimer, next time.Time)
}

// obedientDriver has no monotonic readings and therefore calls no earlier
// than told, measured by a sleep.
type obedientDriver struct{ asleepUntil int64 }

func (d *obedientDriver) now(s *scriptedTimer) time.Time { return time.UnixMilli(s.wall) }

func (d *obedientDriver) calls(s *scriptedTimer) bool { return s.mono >= d.asleepUntil }

func (d *obedientDriver) asked(s *scriptedTimer, next time.Time) {
	d.asleepUntil = s.mono + next.Sub(d.now(s)).Milliseconds()
}

// eagerDriver calls whenever it can, with the instants of a real clock.
type eagerDriver struct{}

func (eagerDriver) now(s *scriptedTimer) time.Time {
	passed := time.Duration(s.mono) * time.Millisecond
	stepped := time.Duration(s.wall-s.mono)*time.Millisecond - time.Duration(monotonic.UnixMilli())*time.Millisecond
	return stepWall(monotonic.Add(passed), stepped)
}

func (eagerDriver) calls(*scriptedTimer) bool { return true }

func (eagerDriver) asked(*scriptedTimer, time.Time) {}

// timedMeter is a meter beside the timer that it replaces.
type timedMeter struct {
	timer   scriptedTimer
	driver  meterDriver
	meter   *ratemeter.MeasuredRate
	firings []int64
	windows []int // of each increment, the number of firings before it
}

var (
	driveMeterAsTold     = driveTimedMeter("meter-as-told", func() meterDriver { return &obedientDriver{asleepUntil: math.MaxInt64} })
	driveMeterAllTheTime = driveTimedMeter("meter-all-the-time", func() meterDriver { return eagerDriver{} })
)

func driveTimedMeter(name string, newDriver func() meterDriver) trace.Machine {
	return trace.Machine{Name: name, Start: func(t *trace.T) trace.Operations {
		interval := trace.Int64Range(1, 20).Draw(t, "interval ms")
		m := &timedMeter{
			timer:  scriptedTimer{interval: interval, wall: monotonic.UnixMilli()},
			driver: newDriver(),
			meter:  ratemeter.NewMeasuredRate(time.Duration(interval) * time.Millisecond),
		}
		return trace.Operations{
			"":          m.check,
			"start":     m.start,
			"stop":      m.stop,
			"increment": m.increment,
			"advance":   m.advance,
			"pause":     m.pause,
			"step":      m.step,
		}
	}}
}

func (m *timedMeter) start(t *trace.T) {
	was := m.timer.running
	m.timer.start()
	err := m.meter.Start(m.driver.now(&m.timer))
	firesLikeJava.Holds(t, (err != nil) == (m.timer.cancelled && !was), "Start says %v", err)
	if m.timer.running && !was {
		m.ask()
	}
}

func (m *timedMeter) stop(t *trace.T) {
	if trace.IntRange(0, 7).Draw(t, "reluctance") == 0 {
		m.timer.stop()
		m.meter.Stop()
	}
}

func (m *timedMeter) increment(t *trace.T) {
	m.meter.Increment()
	m.windows = append(m.windows, len(m.timer.firings))
}

func (m *timedMeter) advance(t *trace.T) {
	for range trace.Int64Range(0, 3*m.timer.interval).Draw(t, "ms") {
		m.pass(1)
	}
}

// pause lets time pass in which nobody runs: the firing is late.
func (m *timedMeter) pause(t *trace.T) { m.pass(trace.Int64Range(0, 5*m.timer.interval).Draw(t, "ms")) }

func (m *timedMeter) step(t *trace.T) {
	m.timer.wall += trace.Int64Range(-3*m.timer.interval, 3*m.timer.interval).Draw(t, "ms")
}

func (m *timedMeter) pass(millis int64) {
	m.timer.mono += millis
	m.timer.wall += millis
	m.timer.run()
	if !m.driver.calls(&m.timer) {
		return
	}
	if m.meter.Tick(m.driver.now(&m.timer)) {
		m.firings = append(m.firings, m.timer.mono)
	}
	m.ask()
}

func (m *timedMeter) ask() {
	if next, running := m.meter.NextTick(); running {
		m.driver.asked(&m.timer, next)
	}
}

// check knows when the timer fired and what was counted before.
func (m *timedMeter) check(t *trace.T) {
	firesLikeJava.Holds(t, slices.Equal(m.firings, m.timer.firings), "rotated at %v ms, the timer fires at %v ms", m.firings, m.timer.firings)
	want := 0
	for _, window := range m.windows {
		if window == len(m.timer.firings)-1 {
			want++
		}
	}
	countedOnce.Holds(t, m.meter.Count() == int64(want), "Count is %d after firing %d, not %d", m.meter.Count(), len(m.firings), want)
}
