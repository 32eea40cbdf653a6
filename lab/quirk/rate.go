package quirk

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/ratemeter"
)

func rateQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "R1",
			Title: "The window tumbles: blind for its first minute, stale for the rest",
			Story: "One renewal a second for 60 s, then silence. Read the meter after 30 s, 60 s, 119 s and 120 s.",
			Facts: []Fact{
				eureka("0, 60, 60, 0", func() string {
					m := newMeterRun()
					return fmt.Sprintf("%d, %d, %d, %d", m.countAt(30), m.countAt(60), m.silent().countAt(119), m.countAt(120))
				}),
				exact("30, 60, 1, 0", func() string {
					m := newMeterRun()
					return fmt.Sprintf("%d, %d, %d, %d", m.slidingAt(30), m.slidingAt(60), m.silent().slidingAt(119), m.slidingAt(120))
				}),
			},
		},
		{
			ID:    "R2",
			Title: "Fixed delay: a late timer delays all later ones and counts more than a minute",
			Story: "One renewal a second. The timer that is due after 60 s gets to run after 80 s only. How many renewals does the meter show then, and when does it rotate next? A sliding meter has nothing that could rotate late.",
			Facts: []Fact{
				eureka("80 renewals, next rotation after 140 s", func() string {
					m := newMeterRun()
					m.pauseUntil(80)
					return fmt.Sprintf("%d renewals, next rotation after %d s", m.meter.Count(), m.wakesAt())
				}),
				exact("60 renewals", func() string {
					return fmt.Sprintf("%d renewals", newMeterRun().slidingAt(80))
				}),
			},
		},
		{
			ID:    "R3",
			Title: "A clock set back delays the rotation, a clock set forward does not advance it",
			Story: "One renewal a second, and instants of the wall clock only. After 30 s it is set back by 30 s, in a second run forward by 30 s. When does Eureka's meter rotate first, and what does it show then? What does the sliding one show after 90 s? (It counts the 30 s that were lived twice; instants with a monotonic reading know no steps.)",
			Facts: []Fact{
				eureka("set back: 90 renewals after 90 s, set forward: 60 renewals after 60 s", func() string {
					return fmt.Sprintf("set back: %s, set forward: %s", firstRotation(-30), firstRotation(30))
				}),
				exact("set back: 90 renewals, set forward: 60 renewals", func() string {
					return fmt.Sprintf("set back: %d renewals, set forward: %d renewals", slidingAfterStep(-30), slidingAfterStep(30))
				}),
			},
		},
		{
			ID:    "R4",
			Title: "A stopped meter cannot be started again, and keeps its last count for ever",
			Story: "One renewal a second for 60 s, stop, start again, and 60 s more of renewals.",
			Facts: []Fact{
				eureka("start: ratemeter: start after stop: timer already cancelled, count after 120 s: 60", func() string {
					m := newMeterRun()
					m.countAt(60)
					m.meter.Stop()
					err := m.meter.Start(m.now())
					return fmt.Sprintf("start: %v, count after 120 s: %d", err, m.countAt(120))
				}),
				exact("no counterpart: a sliding meter has no timer to start or stop", nil),
			},
		},
		{
			ID:    "R5",
			Title: "An impossible interval is refused by start, not by the constructor",
			Story: "Make a meter with an interval of 0, and one of -1 s, and start them; make sliding meters with such windows.",
			Facts: []Fact{
				eureka("ratemeter: invalid argument: interval is 0s: must not be zero; ratemeter: invalid argument: interval is -1s: must not be negative", func() string {
					return fmt.Sprintf("%v; %v", startRefuses(0), startRefuses(-time.Second))
				}),
				exact("ratemeter: invalid argument: window is 0s: must be above 0; ratemeter: invalid argument: window is -1s: must be above 0", func() string {
					return fmt.Sprintf("%v; %v", windowRefused(0), windowRefused(-time.Second))
				}),
			},
		},
		{
			ID:    "R6",
			Title: "What is renewed before the registry opens counts in its first minute",
			Story: "A client registers 5 minutes before the registry opens for it, sends 10 heartbeats until then, and none after. May its lease be evicted a minute after the opening? The exact rules have no opening.",
			Facts: []Fact{
				upTo1_4_8.kernel("0 of 10 renewed; 0 renewals, threshold 1: withheld", renewedBeforeOpen),
				from1_4_9.kernel("10 of 10 renewed; 10 renewals, threshold 1: allowed", renewedBeforeOpen),
				exactKernel("10 of 10 renewed; 0 renewals, threshold 1.7: withheld", renewedBeforeOpen),
			},
		},
		{
			ID:    "R7",
			Title: "Meter and eviction are due at the same millisecond, and their order decides",
			Story: "10 clients send all their 20 renewals of the first minute. At its end the meter rotates and a pass runs, in this order; then in the other one.",
			Facts: []Fact{
				everyRelease.kernel("20 renewals, threshold 17: allowed; the pass first: 0 renewals, threshold 17: withheld", passAndRotation),
				exactKernel("20 renewals, threshold 17: allowed; the pass first: 20 renewals, threshold 17: allowed", passAndRotation),
			},
		},
		{
			ID:    "R8",
			Title: "Opened after its shutdown, a registry expects clients and never evicts",
			Story: "Open with 10 clients, stop, and open again with 20. Nobody renews, and self-preservation is off: how many leases are left after an hour? The exact rules have nothing to open; they do not evict either once they are stopped.",
			Facts: []Fact{
				from1_4_9.kernel("refused, threshold 34, 10 leases left", openedAfterStop),
				exactKernel("refused, threshold 17, 10 leases left", openedAfterStop),
			},
		},
	}
}

// meterRun is Eureka's meter with windows of 60 s under one renewal a second,
// and the thread that drives it: asleep on the monotonic clock, comparing wall
// clock when awake. Beside it a sliding meter of 60 s, which takes the same
// instants, of the wall clock.
type meterRun struct {
	meter   *ratemeter.MeasuredRate
	sliding *ratemeter.Sliding
	second  int           // monotonic seconds since the start
	steps   time.Duration // of the wall clock
	wake    time.Duration // monotonic
	stopped int           // second after which renewals stop, 0 never
	rotated []int         // the seconds at which the meter rotated
}

func newMeterRun() *meterRun {
	m := &meterRun{
		meter:   ratemeter.NewMeasuredRate(time.Minute),
		sliding: must(ratemeter.NewSliding(t0, time.Minute, 60)),
	}
	check(m.meter.Start(m.now()))
	m.sleep()
	return m
}

func (m *meterRun) mono() time.Duration { return time.Duration(m.second) * time.Second }

func (m *meterRun) now() time.Time { return t0.Add(m.mono() + m.steps) }

func (m *meterRun) sleep() {
	at, _ := m.meter.NextTick()
	m.wake = m.mono() + at.Sub(m.now())
}

func (m *meterRun) wakesAt() int { return int(m.wake / time.Second) }

func (m *meterRun) silent() *meterRun {
	m.stopped = m.second
	return m
}

func (m *meterRun) step(seconds int) { m.steps += time.Duration(seconds) * time.Second }

// passSecond lets one second pass, at whose end a renewal arrives.
func (m *meterRun) passSecond() {
	m.second++
	if m.stopped == 0 {
		m.meter.Increment()
		m.sliding.Mark(m.now(), 1)
	}
}

// tick lets the thread run if it is awake.
func (m *meterRun) tick() {
	if m.mono() < m.wake {
		return
	}
	if m.meter.Tick(m.now()) {
		m.rotated = append(m.rotated, m.second)
	}
	m.sleep()
}

// countAt is what the meter shows at the given second.
func (m *meterRun) countAt(second int) int64 {
	for m.second < second {
		m.passSecond()
		m.tick()
	}
	return m.meter.Count()
}

// slidingAt is what the sliding meter shows at the given second.
func (m *meterRun) slidingAt(second int) int64 {
	m.countAt(second)
	return m.sliding.Count(m.now())
}

// pauseUntil lets time pass without letting the thread run before its end.
func (m *meterRun) pauseUntil(second int) {
	for m.second < second {
		m.passSecond()
	}
	m.tick()
}

// afterStep is a run whose wall clock stepped after 30 s.
func afterStep(seconds int) *meterRun {
	m := newMeterRun()
	m.countAt(30)
	m.step(seconds)
	return m
}

// firstRotation tells what the meter shows when it first rotates if the wall
// clock stepped after 30 s, and when that is.
func firstRotation(step int) string {
	m := afterStep(step)
	for len(m.rotated) == 0 {
		m.countAt(m.second + 1)
	}
	return fmt.Sprintf("%d renewals after %d s", m.meter.Count(), m.rotated[0])
}

// slidingAfterStep is what the sliding meter shows after 90 s if the wall
// clock stepped after 30 s.
func slidingAfterStep(step int) int64 { return afterStep(step).slidingAt(90) }

func startRefuses(interval time.Duration) error {
	return ratemeter.NewMeasuredRate(interval).Start(t0)
}

func windowRefused(window time.Duration) error {
	_, err := ratemeter.NewSliding(t0, window, 60)
	return err
}

func renewedBeforeOpen(config leasekernel.Config) string {
	r := newRegistry(config, hooks{})
	r.register(0, "early")
	renewed := 0
	for i := range 10 {
		renewed += r.renew(time.Duration(15+30*i)*time.Second, []string{"early"})
	}
	r.open(5*time.Minute, 1)
	r.until(6 * time.Minute)
	return fmt.Sprintf("%d of 10 renewed; %s", renewed, weighed(r.lastEviction().Decision))
}

func passAndRotation(config leasekernel.Config) string {
	atTheMinute := func(passFirst bool) string {
		r := registryOf(clients(10), config, hooks{})
		r.renewTwice(clients(10))
		if !passFirst {
			r.Rotate(at(time.Minute))
		}
		pass := r.Evict(at(time.Minute))
		r.Rotate(at(time.Minute))
		return weighed(pass.Eviction.Decision)
	}
	return fmt.Sprintf("%s; the pass first: %s", atTheMinute(false), atTheMinute(true))
}

func openedAfterStop(config leasekernel.Config) string {
	config.SelfPreservation = false
	r := registryOf(clients(10), config, hooks{})
	r.Stop()
	err := r.Open(at(time.Minute), 20)
	r.until(time.Hour)
	return fmt.Sprintf("%s, threshold %v, %d leases left", accepted(err), r.threshold(), r.Len())
}
