package fuzz

import (
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/preserve"
)

var (
	fullHouseIsEnough    = law.New("full-house-is-enough", "where every renewal arrives that the leases promise, eviction is allowed")
	sumLeavesNoTrace     = law.New("sum-leaves-no-trace", "who has left is not expected any more: without leases exactly nothing is")
	sumWithinBound       = law.New("sum-within-bound", "what is expected is the sum of window / interval over the leases, or at most 1/720720 renewal per lease less")
	withheldWhileWarming = law.New("withheld-while-warming", "eviction is withheld until the warm-up is over")
	decidesBySum         = law.New("decides-by-sum", "after the warm-up eviction is allowed if and only if the renewals reach percent of what is expected, without rounding")
)

// expectationMachine keeps the leases whose renewals are expected as what
// they are: a list of intervals.
type expectationMachine struct {
	window      time.Duration
	billionths  int64 // of percent
	warmUntil   time.Time
	now         time.Time
	expectation *preserve.Expectation
	intervals   []time.Duration
}

var driveExpectation = trace.Machine{Name: "expectation", Start: func(t *trace.T) trace.Operations {
	m := newExpectationMachine(t)
	return trace.Operations{
		"":                m.check,
		"add":             m.add,
		"add-house":       m.addHouse,
		"remove":          m.remove,
		"remove-all":      m.removeAll,
		"remove-stranger": m.removeStranger,
		"move":            func(t *trace.T) { m.now = drawInstant(t, m.now, m.warmUntil, m.warmUntil) },
	}
}}

func newExpectationMachine(t *trace.T) *expectationMachine {
	m := &expectationMachine{now: drawEdge(t)}
	m.window = trace.OneOf(
		trace.Just(time.Minute),
		trace.SampledFrom([]time.Duration{time.Second, 1, 1<<21 - 1, 7 * time.Second, math.MaxInt64}),
		drawPositive,
	).Draw(t, "window")
	m.billionths = trace.OneOf(
		trace.SampledFrom([]int64{850_000_000, 550_000_000}),
		trace.SampledFrom([]int64{0, 1, billion, billion - 1}),
		trace.Int64Range(0, billion),
	).Draw(t, "percent in billionths")
	warmup := trace.OneOf(trace.Just(time.Duration(0)), trace.Just(m.window), drawPositive).Draw(t, "warmup")
	m.warmUntil = m.now.Add(warmup)

	var err error
	m.expectation, err = preserve.NewExpectation(m.now, preserve.ExpectationConfig{
		Window: m.window, Percent: m.percent(), Warmup: warmup,
	})
	refusesOnlyBadInput.Holds(t, err == nil, "a valid config: %v", err)
	return m
}

// drawPositive draws a duration above zero on any scale.
var drawPositive = trace.Custom(func(t *trace.T) time.Duration {
	most := int64(1) << trace.IntRange(1, 62).Draw(t, "bits")
	return time.Duration(trace.Int64Range(1, most).Draw(t, "ns"))
})

// percent is the decimal number of nine digits that the billionths write.
func (m *expectationMachine) percent() float64 { return float64(m.billionths) / billion }

func (m *expectationMachine) drawInterval(t *trace.T) time.Duration {
	shortest := m.window / (1 << 20)
	return trace.OneOf(
		trace.SampledFrom([]time.Duration{30 * time.Second, 7 * time.Second, 45 * time.Second, 90 * time.Second, 10 * time.Millisecond}),
		trace.SampledFrom([]time.Duration{0, -1, math.MinInt64, 1, m.window, shortest, shortest + 1, shortest - 1, math.MaxInt64}),
		drawPositive,
	).Draw(t, "interval")
}

// promise is what one lease promises in a window.
func (m *expectationMachine) promise(interval time.Duration) *big.Rat {
	return big.NewRat(int64(m.window), int64(interval))
}

// mostPerLease is how many renewals one lease may promise.
var mostPerLease = big.NewRat(1<<20, 1)

func (m *expectationMachine) add(t *trace.T) {
	interval := m.drawInterval(t)
	before := m.expectation.Expected()
	if m.taken(t, m.expectation.Add(interval), m.isPromise(interval), interval, before) {
		m.intervals = append(m.intervals, interval)
	}
}

// addHouse adds as many leases as make a whole number of renewals together,
// though one of them may not.
func (m *expectationMachine) addHouse(t *trace.T) {
	n := trace.IntRange(2, 40).Draw(t, "leases")
	unit := new(big.Int).GCD(nil, nil, big.NewInt(int64(m.window)), big.NewInt(int64(time.Second))).Int64()
	interval := time.Duration(unit) * time.Duration(n)
	if !m.isPromise(interval) {
		t.Skip()
	}
	for range n {
		before := m.expectation.Expected()
		m.taken(t, m.expectation.Add(interval), true, interval, before)
		m.intervals = append(m.intervals, interval)
	}
}

func (m *expectationMachine) isPromise(interval time.Duration) bool {
	return interval > 0 && m.promise(interval).Cmp(mostPerLease) <= 0
}

// taken reports whether an interval was, if the rules say so.
func (m *expectationMachine) taken(t *trace.T, err error, valid bool, interval time.Duration, before float64) bool {
	refusesOnlyBadInput.Holds(t, (err == nil) == valid, "interval %v in a window of %v: %v", interval, m.window, err)
	if err != nil {
		after := m.expectation.Expected()
		refusalChangesNothing.Holds(t, after == before, "interval %v made %v of %v", interval, after, before)
	}
	return err == nil
}

// removeStranger removes a lease that was never added and promises more than
// all leases that were, or nothing that any could.
func (m *expectationMachine) removeStranger(t *trace.T) {
	interval := m.drawInterval(t)
	promised, _ := m.sum()
	if m.isPromise(interval) && m.promise(interval).Cmp(promised.Add(promised, big.NewRat(1, unit))) <= 0 {
		return // for all that the sum tells, it could be one of them
	}
	before := m.expectation.Expected()
	m.taken(t, m.expectation.Remove(interval), false, interval, before)
}

func (m *expectationMachine) remove(t *trace.T) {
	if len(m.intervals) == 0 {
		t.Skip()
	}
	m.removeAt(t, trace.IntRange(0, len(m.intervals)-1).Draw(t, "which"))
}

func (m *expectationMachine) removeAll(t *trace.T) {
	for len(m.intervals) > 0 {
		m.removeAt(t, 0)
	}
}

func (m *expectationMachine) removeAt(t *trace.T, i int) {
	before := m.expectation.Expected()
	m.taken(t, m.expectation.Remove(m.intervals[i]), true, m.intervals[i], before)
	m.intervals = slices.Delete(m.intervals, i, i+1)
}

// unit is the resolution of the sum, and rounding down to it is what one lease
// may cost, unless its promise is a fraction with a denominator up to 16.
const unit = 720720

// sum returns what the leases promise, and how much of it the kernel may miss.
func (m *expectationMachine) sum() (promised, slack *big.Rat) {
	promised, slack = new(big.Rat), new(big.Rat)
	for _, interval := range m.intervals {
		renewals := m.promise(interval)
		promised.Add(promised, renewals)
		if renewals.Denom().Cmp(big.NewInt(16)) > 0 {
			slack.Add(slack, big.NewRat(1, unit))
		}
	}
	return promised, slack
}

// check knows all laws.
func (m *expectationMachine) check(t *trace.T) {
	sumLeavesNoTrace.Holds(t, len(m.intervals) > 0 || m.expectation.Expected() == 0, "%v", m.expectation.Expected())
	promised, slack := m.sum()
	if promised.IsInt() && !m.now.Before(m.warmUntil) {
		full := promised.Num().Int64()
		fullHouseIsEnough.Holds(t, m.expectation.Decide(m.now, full).Allowed, "%d of %v", full, m.expectation.Expected())
	}
	m.checkSum(t, promised, slack)
	percent := big.NewRat(m.billionths, billion)
	most := new(big.Rat).Mul(promised, percent)
	least := new(big.Rat).Mul(new(big.Rat).Sub(promised, slack), percent)
	whole := new(big.Int).Quo(most.Num(), most.Denom()).Int64()
	for _, renewals := range []int64{0, whole - 1, whole, whole + 1, whole + 2, math.MaxInt64} {
		m.checkDecision(t, max(renewals, 0), least, most)
	}
}

func (m *expectationMachine) checkSum(t *trace.T, promised, slack *big.Rat) {
	expected := m.expectation.Expected()
	missed := new(big.Rat).Sub(promised, new(big.Rat).SetFloat64(expected))
	// Expected is a float64, whatever the kernel has inside.
	rounding := new(big.Rat).Mul(promised, big.NewRat(1, 1<<50))
	within := missed.Cmp(new(big.Rat).Neg(rounding)) >= 0 && missed.Cmp(rounding.Add(rounding, slack)) <= 0
	sumWithinBound.Holds(t, within, "%v for %v, %v missed", expected, promised.FloatString(9), missed.FloatString(9))
}

// checkDecision leaves open what is decided between the least that the
// threshold can be and the most.
func (m *expectationMachine) checkDecision(t *trace.T, renewals int64, least, most *big.Rat) {
	d := m.expectation.Decide(m.now, renewals)
	if m.now.Before(m.warmUntil) {
		withheldWhileWarming.Holds(t, d.Reason == preserve.WarmingUp && d.WarmUntil.Equal(m.warmUntil), "%+v at %v", d, m.now)
	} else {
		have := new(big.Rat).SetInt64(renewals)
		decidesBySum.Holds(t, d.Allowed || have.Cmp(most) < 0, "%+v, the threshold is at most %v", d, most.FloatString(9))
		decidesBySum.Holds(t, !d.Allowed || have.Cmp(least) >= 0, "%+v, the threshold is at least %v", d, least.FloatString(9))
	}
	checkDecision(t, d, true, countedTo(d.Threshold))
	decisionIsTrue.Holds(t, d.Expected == m.expectation.Expected() && d.Renewals == renewals && d.Percent == m.percent() && d.Rule == "exact",
		"%+v", d)
}
