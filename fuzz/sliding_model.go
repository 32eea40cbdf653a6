package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var (
	slidingCountsAll  = law.New("sliding-counts-all", "a sliding meter counts all renewals of the window that ended at the last step boundary")
	countsNoOther     = law.New("counts-no-other", "a sliding meter never counts a renewal that lies outside of that window")
	recoversInAWindow = law.New("recovers-in-a-window", "a sliding meter has every renewal of the last window one window after the clock was set back, however far")
	refusesNoOther    = law.New("refuses-no-other", "a sliding meter refuses renewals only where it ends, or where a step has more than a word holds")
	endsAtItsHorizon  = law.New("ends-at-its-horizon", "a sliding meter counts nothing beyond its end")
)

// slidRenewals were marked at one instant, in nanoseconds after the origin.
type slidRenewals struct {
	at   *big.Int
	n    int64
	sure bool // that the meter still counts them
}

// slidingModel remembers every renewal. What it leaves open is only which ones
// the meter displaces: a mark may take the place of what was marked more than
// two windows away. To count takes nothing away.
type slidingModel struct {
	window, step *big.Int
	renewals     []slidRenewals
}

func newSlidingModel(window, step time.Duration) slidingModel {
	return slidingModel{window: sumOf(window), step: sumOf(step)}
}

func (m *slidingModel) mark(at *big.Int, n int64) {
	windows := more(m.window, m.window)
	from, to := less(at, windows), more(at, windows)
	for i, r := range m.renewals {
		if r.sure && (r.at.Cmp(from) < 0 || r.at.Cmp(to) > 0) {
			m.renewals[i].sure = false
		}
	}
	m.renewals = append(m.renewals, slidRenewals{at, n, true})
}

// mayRefuse reports whether a step has so much that more may not fit.
func (m *slidingModel) mayRefuse(at *big.Int, n int64) bool {
	begin := m.boundary(less(at, big.NewInt(1))) // a step includes its end, not its beginning
	all, _ := m.in(begin, more(begin, m.step))
	return all+n > math.MaxUint32
}

// isAlive reports whether an instant is one that the meter has to count at:
// 2^31 turns of its ring from the origin, and a turn takes two windows at
// least.
func (m *slidingModel) isAlive(at *big.Int) bool {
	turns := new(big.Int).Mul(more(m.window, m.window), big.NewInt(math.MaxInt32))
	return at.CmpAbs(turns) <= 0 && at.CmpAbs(big.NewInt(math.MaxInt64)) < 0
}

// isDead reports whether the meter has ended: a turn takes four windows at
// most, and no time.Duration holds what is beyond 292 years.
func (m *slidingModel) isDead(at *big.Int) bool {
	turns := new(big.Int).Lsh(m.window, 33)
	return at.CmpAbs(turns) > 0 || at.Cmp(sumOf(math.MaxInt64)) >= 0 || at.Cmp(sumOf(math.MinInt64)) <= 0
}

// boundary is the last multiple of a step at or before an instant.
func (m *slidingModel) boundary(at *big.Int) *big.Int {
	number := new(big.Int).Div(at, m.step) // rounds down, also below zero
	return number.Mul(number, m.step)
}

// in counts the renewals after begin, up to and including end: all, and those
// that are sure to be counted.
func (m *slidingModel) in(begin, end *big.Int) (all, sure int64) {
	for _, r := range m.renewals {
		if !between(begin, r.at, end) {
			continue
		}
		all += r.n
		if r.sure {
			sure += r.n
		}
	}
	return all, sure
}

func between(begin, at, end *big.Int) bool { return at.Cmp(begin) > 0 && at.Cmp(end) <= 0 }

func more(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }

func less(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }

func later(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// slidingMachine drives a meter and its model through the same calls.
type slidingMachine struct {
	origin, now  time.Time
	latest       *big.Int // instant since the clock jumped, of those before the end
	window, step time.Duration
	meter        *ratemeter.Sliding
	model        slidingModel
}

// slidingSteps are as many as anybody has, rarely as many as there can be.
var slidingSteps = trace.Custom(func(t *trace.T) int {
	if trace.IntRange(0, 19).Draw(t, "fineness") == 19 {
		return trace.IntRange(65, ratemeter.MaxSteps).Draw(t, "many steps")
	}
	return trace.IntRange(1, 64).Draw(t, "steps")
})

func drawSliding(t *trace.T) *slidingMachine {
	steps := slidingSteps.Draw(t, "number of steps")
	longest := trace.SampledFrom([]time.Duration{1, 10, time.Millisecond, 10 * time.Second, time.Hour, 1 << 50}).Draw(t, "scale")
	step := time.Duration(trace.Int64Range(1, int64(longest)).Draw(t, "step"))
	origin, window := drawEdge(t), step*time.Duration(steps)
	meter, err := ratemeter.NewSliding(origin, window, steps)
	namesEveryProblem.Holds(t, err == nil, "nothing is wrong with %d steps in %v: %v", steps, window, err)
	slidingCountsAll.Holds(t, meter.Window() == window && meter.Step() == step, "a meter of %v in steps of %v says %v and %v", window, step, meter.Window(), meter.Step())
	return &slidingMachine{
		origin: origin, now: origin, latest: new(big.Int), window: window, step: step,
		meter: meter, model: newSlidingModel(window, step),
	}
}

var driveSliding = trace.Machine{Name: "sliding", Start: func(t *trace.T) trace.Operations {
	m := drawSliding(t)
	return trace.Operations{
		"":          m.countNow,
		"mark":      m.mark,
		"mark-near": m.markNear,
		"count":     m.count,
		"pause":     m.pause,
		"far":       m.far,
		"fill":      m.fill,
		"set-back":  m.setBack,
		"recover":   m.recover,
	}
}}

func (m *slidingMachine) nanos() *big.Int { return nanosBetween(m.origin, m.now) }

// set moves the clock, up to where a time.Duration from the origin ends.
func (m *slidingMachine) set(nanos *big.Int) {
	m.now = m.origin.Add(time.Duration(clampTo(nanos, math.MinInt64, math.MaxInt64)))
}

// jump moves the clock anywhere. Where the meter has ended it does not stay.
func (m *slidingMachine) jump(nanos *big.Int) {
	m.set(nanos)
	if m.model.isAlive(m.nanos()) {
		m.latest = m.nanos()
	}
}

// near moves the clock within one window of the latest instant, or on by a
// step or two: there, nothing is displaced. It likes to land where a step or a
// window ends.
func (m *slidingMachine) near(t *trace.T) {
	latest, boundary := m.latest, m.model.boundary(m.latest)
	switch trace.SampledFrom([]string{"frozen", "on", "boundary", "back", "window"}).Draw(t, "clock") {
	case "frozen":
		m.set(latest)
	case "on":
		m.set(more(latest, sumOf(time.Duration(trace.Int64Range(0, int64(2*m.step)).Draw(t, "on")))))
	case "boundary":
		at := more(boundary, sumOf(m.step*time.Duration(trace.IntRange(0, 2).Draw(t, "steps on"))))
		m.set(more(at, sumOf(trace.SampledFrom(besides[:3]).Draw(t, "beside"))))
	case "back":
		m.set(less(latest, sumOf(time.Duration(trace.Int64Range(0, int64(m.window)).Draw(t, "back")))))
	case "window":
		m.set(less(latest, m.model.window))
	}
	if m.model.isAlive(m.nanos()) {
		m.latest = later(m.latest, m.nanos())
	}
}

func (m *slidingMachine) mark(t *trace.T) {
	m.near(t)
	m.markNow(t)
}

// markNear marks a few in a row, as the renewals of one pass of a holder come.
func (m *slidingMachine) markNear(t *trace.T) {
	for range trace.IntRange(2, 6).Draw(t, "marks") {
		m.mark(t)
	}
}

// renewed is how many renewals are marked at once, up to more than a step has
// room for.
var renewed = trace.SampledFrom([]uint32{1, 2, 3, 5, 0, 1000, 1 << 31, math.MaxUint32})

func (m *slidingMachine) markNow(t *trace.T) {
	n := renewed.Draw(t, "renewals")
	if trace.Bool().Draw(t, "by stripe") {
		stripe := m.meter.Stripe(hints.Draw(t, "hint"))
		m.marked(t, stripe.Mark(m.now, n), n)
	} else {
		m.marked(t, m.meter.Mark(m.now, n), n)
	}
}

// marked believes what the meter says of a mark, if it may say so.
func (m *slidingMachine) marked(t *trace.T, accepted bool, n uint32) {
	at := m.nanos()
	switch {
	case m.model.isDead(at):
		endsAtItsHorizon.Holds(t, !accepted, "Mark(%v) = true: %v", m.now, m)
	case m.model.isAlive(at) && !m.model.mayRefuse(at, int64(n)):
		refusesNoOther.Holds(t, accepted, "Mark(%v, %d) = false: %v", m.now, n, m)
	}
	if accepted {
		m.model.mark(at, int64(n))
	}
}

// hints are mostly those of one stripe, so that what another turn of its ring
// has left there is in the way.
var hints = trace.OneOf(trace.SampledFrom([]uint64{0, 64, 1, 63}), trace.Uint64())

func (m *slidingMachine) count(t *trace.T) {
	m.near(t)
	m.countNow(t)
}

// countNow judges what the meter counts. As a count of the window that ends now
// it is off by at most the renewals of one step at either end: that follows.
func (m *slidingMachine) countNow(t *trace.T) {
	got := m.meter.Count(m.now)
	if m.model.isDead(m.nanos()) {
		endsAtItsHorizon.Holds(t, got == 0, "Count(%v) = %d: %v", m.now, got, m)
	}
	end := m.model.boundary(m.nanos())
	most, least := m.model.in(less(end, m.model.window), end)
	countsNoOther.Holds(t, got <= most, "Count(%v) = %d of at most %d: %v", m.now, got, most, m)
	if m.model.isAlive(m.nanos()) {
		slidingCountsAll.Holds(t, got >= least, "Count(%v) = %d of at least %d: %v", m.now, got, least, m)
	}
}

// pause lets any time pass in which nobody calls.
func (m *slidingMachine) pause(t *trace.T) {
	m.jump(more(m.latest, m.drawWindows(t)))
	m.markOrCount(t)
}

// setBack takes the clock back by more than a window.
func (m *slidingMachine) setBack(t *trace.T) {
	m.back(t)
	m.markOrCount(t)
}

func (m *slidingMachine) back(t *trace.T) {
	m.jump(less(m.latest, more(m.drawWindows(t), m.model.window)))
}

// drawWindows draws a span of a few windows or of up to a meter's whole life.
func (m *slidingMachine) drawWindows(t *trace.T) *big.Int {
	windows := trace.OneOf(trace.Int64Range(0, 8), trace.Int64Range(0, 1<<34)).Draw(t, "windows")
	span := new(big.Int).Mul(m.model.window, big.NewInt(windows))
	return more(span, big.NewInt(trace.Int64Range(0, int64(m.step)).Draw(t, "more")))
}

// far takes the clock anywhere, beyond the meter's horizon too.
func (m *slidingMachine) far(t *trace.T) {
	m.now = drawInstant(t, m.now, m.origin, m.origin.Add(math.MaxInt64), m.origin.Add(math.MinInt64))
	m.markOrCount(t)
	m.jump(m.nanos())
}

func (m *slidingMachine) markOrCount(t *trace.T) {
	if trace.Bool().Draw(t, "marks") {
		m.markNow(t)
	} else {
		m.countNow(t)
	}
}

// fewSteps are those of a meter that is called in every step: with more it
// takes too long, and differs in nothing but in the number of words.
const fewSteps = 32

// fill marks in every step for four windows, so that every word of a stripe is
// taken.
func (m *slidingMachine) fill(t *trace.T) {
	if m.window/m.step > fewSteps {
		return
	}
	for range 4 * m.window / m.step {
		m.jump(more(m.latest, m.model.step))
		m.marked(t, m.meter.Stripe(0).Mark(m.now, 1), 1)
	}
}

// recover sets the clock back, by anything, and lives on for a window. The
// step in which it does has begun before: the window is counted from its end.
func (m *slidingMachine) recover(t *trace.T) {
	m.back(t)
	if m.window/m.step > fewSteps || !m.model.isAlive(m.nanos()) {
		return
	}
	m.jump(more(m.model.boundary(m.latest), m.model.step))
	for range m.window / m.step {
		m.beat(t)
	}
	if m.model.isAlive(m.nanos()) {
		since := int64(m.window / m.step) // one a step; more if it was there before
		got := m.meter.Count(m.now)
		recoversInAWindow.Holds(t, got >= since, "Count(%v) = %d, not %d: %v", m.now, got, since, m)
	}
}

// beat is one step in the life of a holder and of somebody who asks: a renewal
// in the step after now, and a Count at its end, which is not to disturb it.
func (m *slidingMachine) beat(t *trace.T) {
	end := more(m.latest, m.model.step)
	early := trace.Int64Range(0, min(int64(m.step)-1, 1<<20)).Draw(t, "early")
	m.set(less(end, big.NewInt(early)))
	m.marked(t, m.meter.Stripe(0).Mark(m.now, 1), 1)
	m.jump(end)
	m.meter.Count(m.now)
}

// String is what a violation says about the meter.
func (m *slidingMachine) String() string {
	return "a window of " + m.window.String() + " in steps of " + m.step.String() + " from " + m.origin.String()
}
