package fuzz

import (
	"math"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/preserve"
)

var (
	refusesOnlyBadInput   = law.New("refuses-only-bad-input", "an argument is refused if and only if it breaks a documented rule")
	refusalChangesNothing = law.New("refusal-changes-nothing", "an argument that is refused changes nothing")
	decisionIsTrue        = law.New("decision-is-true", "a decision agrees with its own numbers, and its sentence with both")
	expectsAsReleased     = law.New("expects-as-released", "what is expected of the clients is what the release's own arithmetic makes of the same events, overflow included")
	thresholdAsReleased   = law.New("threshold-as-released", "the threshold is what the release's arithmetic made of percent and interval when the expectation last changed")
	adoptsAsReleased      = law.New("adopts-as-released", "the periodic count of clients is adopted exactly when the release adopts it")
	decidesAsReleased     = law.New("decides-as-released", "eviction is allowed exactly when the release allows it, for its reason, and with its numbers")
	belowAsReleased       = law.New("below-as-released", "whether renewals are below the threshold, as a status page asks, is answered as by the release")
	keepsAsReleased       = law.New("keeps-as-released", "a pass leaves as many leases as Java's (int)(size * percent), whatever number percent is")
)

// checkDecision knows what every decision promises, whoever took it.
// Reaching says whether as many renewals as the threshold are enough, tolerance
// by how much the threshold, a float64, may lie off the number compared.
func checkDecision(t law.T, d preserve.Decision, reaching bool, tolerance float64) {
	t.Helper()
	renewals, numbers := float64(d.Renewals), true
	switch d.Reason {
	case preserve.EnoughRenewals:
		numbers = renewals > d.Threshold || (reaching && renewals >= d.Threshold-tolerance)
	case preserve.TooFewRenewals:
		numbers = renewals < d.Threshold+tolerance || (!reaching && renewals == d.Threshold)
	case preserve.NoThreshold:
		numbers = d.Threshold <= 0
	case preserve.SwitchedOff, preserve.WarmingUp, preserve.Unprotected, preserve.Disabled:
	default:
		numbers = false
	}
	decisionIsTrue.Holds(t, numbers, "%+v", d)
	decisionIsTrue.Holds(t, d.Allowed == allows(d.Reason), "%+v", d)
	decisionIsTrue.Holds(t, d.WarmUntil.IsZero() || d.Reason == preserve.WarmingUp, "it is warm: %+v", d)
	spoken := "eviction is withheld"
	if d.Allowed {
		spoken = "eviction is allowed"
	}
	decisionIsTrue.Holds(t, strings.HasPrefix(d.String(), spoken), "%+v reads %q", d, d)
}

func allows(reason preserve.Reason) bool {
	return reason == preserve.SwitchedOff || reason == preserve.EnoughRenewals || reason == preserve.Unprotected
}

// countedTo is by how much the float64s of a whole number and its neighbours
// may miss them: not at all below 2^53.
func countedTo(n float64) float64 {
	if math.Abs(n) < 1<<53 {
		return 0
	}
	return math.Abs(n) * 0x1p-52
}

// asPublished compares what a decision shows; how it words itself is not
// part of it.
var asPublished = cmpopts.IgnoreUnexported(preserve.Decision{})

// sameDecision is cmp.Equal with asPublished and NaNs that are equal, in
// a hundredth of the time.
func sameDecision(a, b preserve.Decision) bool {
	return a.Allowed == b.Allowed && a.Reason == b.Reason && a.Rule == b.Rule && a.Renewals == b.Renewals &&
		sameFloat(a.Threshold, b.Threshold) && sameFloat(a.Expected, b.Expected) && a.Clients == b.Clients &&
		a.Interval == b.Interval && sameFloat(a.Percent, b.Percent) && a.WarmUntil.Equal(b.WarmUntil)
}

func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func driveCalculator(release preserve.Release) trace.Machine {
	return trace.Machine{Name: "calculator-" + release.String(), Start: func(t *trace.T) trace.Operations {
		m := newCalculatorMachine(t, release)
		return trace.Operations{
			"":             m.check,
			"open":         m.open,
			"move":         m.move,
			"registered":   func(*trace.T) { m.calculator.Registered(); m.model.register(&m.model) },
			"cancelled":    func(*trace.T) { m.calculator.Cancelled(); m.model.cancel(&m.model) },
			"evicted":      func(*trace.T) { m.calculator.Evicted(); m.model.evict(&m.model) },
			"update":       m.update,
			"set-percent":  m.setPercent,
			"set-interval": m.setInterval,
			"switch":       m.switchSelfPreservation,
		}
	}}
}

// calculatorMachine drives a calculator and its model through the same calls.
type calculatorMachine struct {
	release    preserve.Release
	now        time.Time
	calculator *preserve.Calculator
	model      calculatorModel
}

func newCalculatorMachine(t *trace.T, release preserve.Release) *calculatorMachine {
	m := &calculatorMachine{release: release, now: drawEdge(t)}
	m.model = calculatorModel{arithmetic: arithmetics[release]}
	m.model.percent = drawPercent(t)
	m.model.interval = drawJavaSeconds.Draw(t, "seconds")
	m.model.selfPreservation = trace.Bool().Draw(t, "preserves")
	wait := trace.SampledFrom([]time.Duration{
		5 * time.Minute, 0, -time.Millisecond, math.MaxInt64 / 1_000_000 * time.Millisecond,
	}).Draw(t, "wait")
	m.model.waitMillis = wait.Milliseconds()

	var err error
	m.calculator, err = preserve.NewCalculator(preserve.Config{
		Release:           release,
		Percent:           m.model.percent,
		Interval:          time.Duration(m.model.interval) * time.Second,
		SelfPreservation:  m.model.selfPreservation,
		WaitWhenSyncEmpty: wait,
	})
	refusesOnlyBadInput.Holds(t, err == nil, "a valid config: %v", err)
	return m
}

// drawPercent draws anything, as the originals take it.
func drawPercent(t *trace.T) float64 {
	return trace.OneOf(
		trace.SampledFrom([]float64{
			0.85, 0, 1, -1, 1.5, 0.49, math.Copysign(0, -1), 1e9, 1e300, -1e12, math.NaN(), math.Inf(1), math.Inf(-1),
		}),
		trace.Float64Range(0, 1),
	).Draw(t, "percent")
}

// drawCount draws what fits no int of Java, too, or not bilibili's bounds.
func drawCount(t *trace.T) int64 {
	return trace.OneOf(trace.Int64Range(0, 20), trace.SampledFrom([]int64{
		-1, 1 << 30, 1<<30 - 1, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1,
		1 << 50, 1 << 52, -1 << 52, 1<<52 + 1, -1<<52 - 1, math.MaxInt64, math.MinInt64,
	})).Draw(t, "count")
}

var drawJavaSeconds = trace.OneOf(
	trace.SampledFrom([]int32{30, 0, -30, 1, 7, 60, 90, math.MaxInt32, math.MinInt32}),
	trace.Int32(),
)

// calculatorState is what a calculator shows to whoever does not ask about renewals.
type calculatorState struct{ expected, threshold int64 }

func (m *calculatorMachine) shows() calculatorState {
	return calculatorState{m.calculator.Expected(), m.calculator.Threshold()}
}

// taken reports whether an argument was, if the rules say so.
func (m *calculatorMachine) taken(t *trace.T, err error, valid bool, argument any, before calculatorState) bool {
	refusesOnlyBadInput.Holds(t, (err == nil) == valid, "%v: %v", argument, err)
	if err != nil {
		refusalChangesNothing.Holds(t, m.shows() == before, "%v made %+v of %+v", argument, m.shows(), before)
	}
	return err == nil
}

// move goes anywhere, often where the wait after the opening ends.
func (m *calculatorMachine) move(t *trace.T) {
	m.now = drawInstant(t, m.now, time.UnixMilli(m.model.opened+m.model.waitMillis))
}

func (m *calculatorMachine) open(t *trace.T) {
	count, before := drawCount(t), m.shows()
	if err := m.calculator.Open(m.now, count); m.taken(t, err, m.model.fits(count), count, before) {
		m.model.opened = m.now.UnixMilli()
		m.model.open(&m.model, count)
	}
}

func (m *calculatorMachine) update(t *trace.T) {
	count, before := drawCount(t), m.shows()
	adopted, err := m.calculator.Update(count)
	if m.taken(t, err, m.model.fits(count), count, before) {
		want := m.model.update(&m.model, count)
		adoptsAsReleased.Holds(t, adopted == want, "Update(%d) = %t, not %t", count, adopted, want)
	}
}

func (m *calculatorMachine) setPercent(t *trace.T) {
	m.model.percent = drawPercent(t)
	m.calculator.SetPercent(m.model.percent)
}

func (m *calculatorMachine) setInterval(t *trace.T) {
	interval := trace.OneOf(
		trace.Map(drawJavaSeconds, func(s int32) time.Duration { return time.Duration(s) * time.Second }),
		trace.SampledFrom([]time.Duration{30 * time.Second, 0, 1, (math.MaxInt32 + 1) * time.Second, math.MinInt64}),
	).Draw(t, "interval")
	before := m.shows()
	if err := m.calculator.SetInterval(interval); m.taken(t, err, fitsJavaSeconds(interval), interval, before) {
		m.model.interval = int32(interval / time.Second)
	}
}

func (m *calculatorMachine) switchSelfPreservation(t *trace.T) {
	m.model.selfPreservation = trace.Bool().Draw(t, "on")
	m.calculator.SetSelfPreservation(m.model.selfPreservation)
}

// check knows all laws.
func (m *calculatorMachine) check(t *trace.T) {
	expected, threshold := m.calculator.Expected(), m.calculator.Threshold()
	expectsAsReleased.Holds(t, expected == m.model.expected, "%d, not %d", expected, m.model.expected)
	thresholdAsReleased.Holds(t, threshold == m.model.threshold, "%d, not %d", threshold, m.model.threshold)
	for _, renewals := range []int64{0, threshold - 1, threshold, threshold + 1, math.MaxInt64} {
		m.checkDecision(t, renewals)
	}
	for _, size := range []int32{0, 1, 6, 100, math.MaxInt32, math.MinInt32} {
		got, want := m.calculator.Keep(size), javaIntOf(float64(size)*m.model.percent)
		keepsAsReleased.Holds(t, int64(got) == want, "Keep(%d) is %d, not %d", size, got, want)
	}
}

func (m *calculatorMachine) checkDecision(t *trace.T, renewals int64) {
	got, want := m.calculator.Decide(renewals), m.model.decide(m.release, renewals)
	checkDecision(t, got, m.model.reaching, countedTo(got.Threshold))
	decidesAsReleased.Holds(t, sameDecision(got, want), "%+v, not %+v", got, want)
	below := m.calculator.Below(m.now, renewals)
	belowAsReleased.Holds(t, below == m.model.below(m.now, renewals), "Below(%v, %d) is %t", m.now, renewals, below)
}
