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
	countedOnce      = law.New("counted-once", "every increment is counted in exactly one window")
	onlyTicksRotate  = law.New("only-ticks-rotate", "nothing but a rotation changes the count of the last window")
	neverRotatesSoon = law.New("never-rotates-soon", "a window lasts for at least one interval, unless its owner ends it")
	rotatesWhenOver  = law.New("rotates-when-over", "a tick after the end of a window begins the next one, at that tick")
	stoppedForGood   = law.New("stopped-for-good", "a meter that was stopped never rotates at a tick, as one that has not been started")
	startsAsJava     = law.New("starts-as-java", "a meter starts if and only if java.util.Timer would and the interval is whole milliseconds, and says why not, in the order of the original")
	tellsItsNextTick = law.New("tells-its-next-tick", "a running meter tells the end of its window as the instant of the next tick")
	firesLikeJava    = law.New("fires-like-java", "the windows change when java.util.Timer would have fired, also when the wall clock is stepped")
)

// meterModel is the number of increments, now and at each rotation.
type meterModel struct {
	increments int64
	cuts       []int64
}

func (m *meterModel) cut() { m.cuts = append(m.cuts, m.increments) }

// cutBefore is the cut so many before the last one, or the beginning: the first
// window begins with the first increment, before the start.
func (m *meterModel) cutBefore(ago int) int64 {
	if i := len(m.cuts) - 1 - ago; i >= 0 {
		return m.cuts[i]
	}
	return 0
}

// count is what fell between the last two cuts.
func (m *meterModel) count() int64 { return m.cutBefore(0) - m.cutBefore(1) }

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
		"rotate":    m.rotate,
		"drain":     m.drain,
	}
}}

func (m *meterMachine) move(t *trace.T) {
	next, _ := m.meter.NextTick()
	m.now = drawInstant(t, m.now, next, next, m.began)
}

func (m *meterMachine) increment(t *trace.T) {
	for range trace.IntRange(1, 5).Draw(t, "calls") {
		n := 1
		switch trace.SampledFrom([]string{"one", "stripe", "many", "many-stripe"}).Draw(t, "by") {
		case "one":
			m.meter.Increment()
		case "stripe":
			m.stripe(t).Increment()
		case "many":
			n = drawTimes(t)
			m.meter.Add(int64(n))
		case "many-stripe":
			n = drawTimes(t)
			m.stripe(t).Add(int64(n))
		}
		m.model.increments += int64(n)
	}
}

func (m *meterMachine) stripe(t *trace.T) *ratemeter.Stripe {
	return m.meter.Stripe(trace.Uint64().Draw(t, "hint"))
}

func drawTimes(t *trace.T) int { return trace.IntRange(0, 1000).Draw(t, "n") }

func (m *meterMachine) start(t *trace.T) {
	m.move(t)
	m.startNow(t)
}

func (m *meterMachine) startNow(t law.T) {
	err, want := m.meter.Start(m.now), m.refusal()
	startsAsJava.Holds(t, errors.Is(err, want), "Start(%v) with interval %v says %v, not %v", m.now, m.interval, err, want)
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
	switch over := !m.now.Before(m.began.Add(m.interval)); {
	case !m.running:
		stoppedForGood.Holds(t, !rotated, "it rotated at %v", m.now)
	case over:
		rotatesWhenOver.Holds(t, rotated, "begun %v, not rotated %v", m.began, m.now)
	default:
		neverRotatesSoon.Holds(t, !rotated, "begun %v, rotated %v", m.began, m.now)
	}
	if rotated {
		m.began = m.now // and not began + interval: fixed delay
		m.rotated()
	}
}

// rotate ends the window, whose tick is due when it was.
func (m *meterMachine) rotate(*trace.T) {
	m.meter.Rotate()
	m.rotated()
}

func (m *meterMachine) rotated() {
	m.model.cut()
	m.counted += m.meter.Count()
}

// check knows all laws that need no rotation.
func (m *meterMachine) check(t *trace.T) {
	countedOnce.Holds(t, m.counted == m.model.cutBefore(0), "%d counted of %d, before %d to come", m.counted, m.model.cutBefore(0), m.model.increments-m.model.cutBefore(0))
	got, want := m.meter.Count(), m.model.count()
	onlyTicksRotate.Holds(t, got == want, "Count is %d after %d rotations, not %d", got, len(m.model.cuts), want)
	next, running := m.meter.NextTick()
	end := m.began.Add(m.interval)
	tellsItsNextTick.Holds(t, running == m.running && (!running || next.Equal(end)), "%v, running %t; the window ends at %v, running %t", next, running, end, m.running)
}

// drain ends the window, if the meter still has a life ahead of it.
func (m *meterMachine) drain(t *trace.T) {
	m.startNow(t)
	if m.running {
		m.now, _ = m.meter.NextTick()
		m.tickNow(t)
	}
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
