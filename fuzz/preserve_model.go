package fuzz

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/preserve"
)

var (
	calculatorAsModelled = law.New("calculator-as-modelled", "a calculator shows and answers what its model does")
	decisionIsTrue       = law.New("decision-is-true", "a decision agrees with its own numbers")
	refusalChangesNought = law.New("refusal-changes-nought", "an argument that is refused changes nothing")
	sumWithinBound       = law.New("sum-within-bound", "what is expected is the sum of window / interval over the leases, and at most 1/720720 renewal per lease less")
	sumLeavesNoTrace     = law.New("sum-leaves-no-trace", "an expectation without leases expects exactly nothing")
	decidesBySum         = law.New("decides-by-sum", "eviction is allowed if and only if the renewals reach percent of what is expected")
	fullHouseIsEnough    = law.New("full-house-is-enough", "where every renewal arrives that the leases promise, eviction is allowed")
	withheldWhileWarming = law.New("withheld-while-warming", "eviction is withheld until the warm-up is over")
)

// checkDecision knows what every decision promises, whoever took it.
// Reaching says whether as many renewals as the threshold are enough, tolerance
// by how much the threshold, a float64, may lie off the number compared.
func checkDecision(t law.T, d preserve.Decision, reaching bool, tolerance float64) {
	t.Helper()
	renewals := float64(d.Renewals)
	switch d.Reason {
	case preserve.EnoughRenewals:
		enough := renewals > d.Threshold || (reaching && renewals >= d.Threshold-tolerance)
		decisionIsTrue.Holds(t, enough, "%+v", d)
	case preserve.TooFewRenewals:
		few := renewals < d.Threshold+tolerance || (!reaching && renewals == d.Threshold)
		decisionIsTrue.Holds(t, few, "%+v", d)
	case preserve.NoThreshold:
		decisionIsTrue.Holds(t, d.Threshold <= 0, "%+v", d)
	case preserve.SwitchedOff, preserve.WarmingUp, preserve.Unprotected, preserve.Disabled:
	default:
		decisionIsTrue.Holds(t, false, "it has no reason: %+v", d)
	}
	allowed := slices.Contains([]preserve.Reason{preserve.SwitchedOff, preserve.EnoughRenewals, preserve.Unprotected}, d.Reason)
	decisionIsTrue.Holds(t, d.Allowed == allowed, "%+v", d)
	decisionIsTrue.Holds(t, d.WarmUntil.IsZero() || d.Reason == preserve.WarmingUp, "it is warm: %+v", d)
	spoken := "eviction is withheld"
	if d.Allowed {
		spoken = "eviction is allowed"
	}
	decisionIsTrue.Holds(t, strings.HasPrefix(d.String(), spoken), "%+v reads %q", d, d)
}

// countedTo is by how much the float64 of a whole number may miss it: not at
// all up to 2^53.
func countedTo(n float64) float64 {
	if math.Abs(n) <= 1<<53 {
		return 0
	}
	return math.Abs(n) * 0x1p-52
}

// calculatorModel is one release's arithmetic over the state that all share.
type calculatorModel struct {
	percent          float64
	interval         int32 // seconds
	selfPreservation bool
	waitMillis       int64
	expected         int64
	threshold        int64
	opened           int64

	arithmetic
}

// arithmetic is what a release does, each step as its source has it.
type arithmetic struct {
	fits     func(count int64) bool
	open     func(m *calculatorModel, count int64)
	register func(m *calculatorModel)
	cancel   func(m *calculatorModel)
	evict    func(m *calculatorModel)
	update   func(m *calculatorModel, count int64) bool
	reason   func(m *calculatorModel, renewals int64) preserve.Reason
	clients  bool // expected counts clients
	reaching bool
	// unprotected: nothing is expected, and nothing is below it
	unprotected bool
}

var arithmetics = map[preserve.Release]arithmetic{
	preserve.EurekaV1_2_5: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: minusTwo,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_3_0: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: minusTwo,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_4_9: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: unchanged,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_9_3: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: unchanged,
		update: updateTwiceAgainstExpected, reason: eurekaReason,
	},
	preserve.EurekaV1_9_4: {
		fits: fitsJavaInt, open: openOnce, register: plusOne, cancel: minusOne, evict: unchanged,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.EurekaV1_9_17: {
		fits: fitsJavaInt, open: openOnce, register: plusOne, cancel: minusOne, evict: minusOne,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.Spring: {
		fits: fitsJavaInt, open: openAtLeastOne, register: plusOne, cancel: minusOne, evict: minusOne,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.Bilibili: {
		fits: fitsHalfInt64, open: bilibiliOpen, register: bilibiliRegister, cancel: bilibiliCancel, evict: unchanged,
		update: bilibiliUpdate, reason: bilibiliReason, reaching: true,
	},
	preserve.Nacos: {
		fits: fitsJavaInt, open: openNothing, register: unchanged, cancel: unchanged, evict: unchanged,
		update: adoptNothing, reason: noReason, unprotected: true,
	},
}

func fitsJavaInt(count int64) bool { return count == int64(int32(count)) }

func fitsHalfInt64(count int64) bool { return count >= math.MinInt64/2 && count <= math.MaxInt64/2 }

// javaIntOf is Java's cast of a double to int.
func javaIntOf(x float64) int64 { return castTo(x, math.MinInt32, math.MaxInt32) }

// castTo is a cast that stops at the ends of the type, by way of unbounded
// integers.
func castTo(x float64, low, high int64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case math.IsInf(x, 1):
		return high
	case math.IsInf(x, -1):
		return low
	}
	whole, _ := big.NewFloat(x).Int(nil)
	return clampTo(whole, low, high)
}

// setRenewals is the end of every change up to v1.9.3.
func (m *calculatorModel) setRenewals(expected int32) {
	m.expected = int64(expected)
	m.threshold = javaIntOf(float64(expected) * m.percent)
}

// setClients is the end of every change from v1.9.4.
func (m *calculatorModel) setClients(expected int32) {
	m.expected = int64(expected)
	m.threshold = javaIntOf(float64(expected) * (60.0 / float64(m.interval)) * m.percent)
}

func openTwice(m *calculatorModel, count int64) { m.setRenewals(int32(count) * 2) }
func openOnce(m *calculatorModel, count int64)  { m.setClients(int32(count)) }

func openAtLeastOne(m *calculatorModel, count int64) {
	if count == 0 {
		count = 1
	}
	m.setClients(int32(count))
}

func unchanged(*calculatorModel) {}

func plusTwo(m *calculatorModel) {
	if m.expected > 0 {
		m.setRenewals(int32(m.expected) + 2)
	}
}

func minusTwo(m *calculatorModel) {
	if m.expected > 0 {
		m.setRenewals(int32(m.expected) - 2)
	}
}

func plusOne(m *calculatorModel) {
	if m.expected > 0 {
		m.setClients(int32(m.expected) + 1)
	}
}

func minusOne(m *calculatorModel) {
	if m.expected > 0 {
		m.setClients(int32(m.expected) - 1)
	}
}

func updateAgainstThreshold(m *calculatorModel, count int64) bool {
	return m.adoptRenewals(int32(count)*2, m.percent*float64(m.threshold))
}

func updateTwiceAgainstExpected(m *calculatorModel, count int64) bool {
	return m.adoptRenewals(int32(count)*2, m.percent*float64(m.expected))
}

func (m *calculatorModel) adoptRenewals(renewals int32, least float64) bool {
	if float64(renewals) > least || !m.selfPreservation {
		m.setRenewals(renewals)
		return true
	}
	return false
}

func updateAgainstExpected(m *calculatorModel, count int64) bool {
	if float64(count) > m.percent*float64(m.expected) || !m.selfPreservation {
		m.setClients(int32(count))
		return true
	}
	return false
}

func eurekaReason(m *calculatorModel, renewals int64) preserve.Reason {
	switch {
	case !m.selfPreservation:
		return preserve.SwitchedOff
	case m.threshold > 0 && renewals > m.threshold:
		return preserve.EnoughRenewals
	case m.threshold > 0:
		return preserve.TooFewRenewals
	}
	return preserve.NoThreshold
}

func (m *calculatorModel) setBilibili(expected int64) {
	m.expected = expected
	m.threshold = castTo(float64(expected)*m.percent, math.MinInt64, math.MaxInt64)
}

func bilibiliOpen(m *calculatorModel, count int64) { m.setBilibili(2 * count) }
func bilibiliRegister(m *calculatorModel)          { m.setBilibili(m.expected + 2) }

func bilibiliCancel(m *calculatorModel) {
	if m.expected > 0 {
		m.setBilibili(m.expected - 2)
	}
}

func bilibiliUpdate(m *calculatorModel, count int64) bool {
	m.setBilibili(2 * count)
	return true
}

func bilibiliReason(m *calculatorModel, renewals int64) preserve.Reason {
	switch {
	case !m.selfPreservation:
		return preserve.SwitchedOff
	case renewals >= m.threshold:
		return preserve.EnoughRenewals
	}
	return preserve.TooFewRenewals
}

func openNothing(*calculatorModel, int64) {}

func adoptNothing(*calculatorModel, int64) bool { return true }

func noReason(*calculatorModel, int64) preserve.Reason { return preserve.Unprotected }

// below is the original's isBelowRenewThresold.
func (m *calculatorModel) below(now time.Time, renewals int64) bool {
	return !m.unprotected && renewals <= m.threshold && m.opened > 0 && now.UnixMilli() > m.opened+m.waitMillis
}

func (m *calculatorModel) decide(release preserve.Release, renewals int64) preserve.Decision {
	d := preserve.Decision{
		Reason:    m.reason(m, renewals),
		Rule:      release.String(),
		Renewals:  renewals,
		Threshold: float64(m.threshold),
		Expected:  float64(m.expected),
		Clients:   m.clients,
		Percent:   m.percent,
	}
	d.Allowed = d.Reason == preserve.SwitchedOff || d.Reason == preserve.EnoughRenewals || d.Reason == preserve.Unprotected
	if m.clients {
		d.Interval = time.Duration(m.interval) * time.Second
	}
	return d
}

func driveCalculator(release preserve.Release) trace.Machine {
	return trace.Machine{Name: "calculator-" + release.String(), Start: func(t *trace.T) trace.Operations {
		m := newCalculatorMachine(t, release)
		return trace.Operations{
			"":                      m.check,
			"open":                  m.open,
			"registered":            func(*trace.T) { m.calculator.Registered(); m.model.register(&m.model) },
			"cancelled":             func(*trace.T) { m.calculator.Cancelled(); m.model.cancel(&m.model) },
			"evicted":               func(*trace.T) { m.calculator.Evicted(); m.model.evict(&m.model) },
			"update":                m.update,
			"set-percent":           m.setPercent,
			"set-interval":          m.setInterval,
			"set-self-preservation": m.setSelfPreservation,
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
	m.model.interval = drawJavaSeconds(t)
	m.model.selfPreservation = trace.Bool().Draw(t, "self-preservation")
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
	calculatorAsModelled.Holds(t, err == nil, "a valid config is refused: %v", err)
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

func drawJavaSeconds(t *trace.T) int32 {
	return trace.OneOf(
		trace.SampledFrom([]int32{30, 0, -30, 1, 7, 60, 90, math.MaxInt32, math.MinInt32}),
		trace.Int32(),
	).Draw(t, "interval")
}

// drawCount leaves out the counts whose double is so near the end of an int64
// that a few registrations more would leave it.
func drawCount(t *trace.T) int64 {
	return trace.OneOf(trace.Int64Range(0, 20), trace.SampledFrom([]int64{
		-1, 1 << 30, 1<<30 - 1, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1,
		1 << 50, math.MaxInt64/2 + 1, math.MinInt64/2 - 1, math.MaxInt64, math.MinInt64,
	})).Draw(t, "count")
}

func (m *calculatorMachine) open(t *trace.T) {
	m.now = drawInstant(t, m.now, time.UnixMilli(m.model.opened+m.model.waitMillis))
	count := drawCount(t)
	err := m.calculator.Open(m.now, count)
	refusalChangesNought.Holds(t, (err == nil) == m.model.fits(count), "Open(%d): %v", count, err)
	if err == nil {
		m.model.opened = m.now.UnixMilli()
		m.model.open(&m.model, count)
	}
}

func (m *calculatorMachine) update(t *trace.T) {
	count := drawCount(t)
	adopted, err := m.calculator.Update(count)
	refusalChangesNought.Holds(t, (err == nil) == m.model.fits(count), "Update(%d): %v", count, err)
	if err == nil {
		want := m.model.update(&m.model, count)
		calculatorAsModelled.Holds(t, adopted == want, "Update(%d) = %t, not %t", count, adopted, want)
	}
}

func (m *calculatorMachine) setPercent(t *trace.T) {
	m.model.percent = drawPercent(t)
	m.calculator.SetPercent(m.model.percent)
}

func (m *calculatorMachine) setInterval(t *trace.T) {
	interval := trace.OneOf(
		trace.Map(trace.Int32(), func(s int32) time.Duration { return time.Duration(s) * time.Second }),
		trace.SampledFrom([]time.Duration{30 * time.Second, 0, 1, (math.MaxInt32 + 1) * time.Second, math.MinInt64}),
	).Draw(t, "interval")
	err := m.calculator.SetInterval(interval)
	refusalChangesNought.Holds(t, (err == nil) == fitsJavaSeconds(interval), "SetInterval(%v): %v", interval, err)
	if err == nil {
		m.model.interval = int32(interval / time.Second)
	}
}

func (m *calculatorMachine) setSelfPreservation(t *trace.T) {
	m.model.selfPreservation = trace.Bool().Draw(t, "on")
	m.calculator.SetSelfPreservation(m.model.selfPreservation)
}

// check knows all laws.
func (m *calculatorMachine) check(t *trace.T) {
	expected, threshold := m.calculator.Expected(), m.calculator.Threshold()
	calculatorAsModelled.Holds(t, expected == m.model.expected, "Expected is %d, not %d", expected, m.model.expected)
	calculatorAsModelled.Holds(t, threshold == m.model.threshold, "Threshold is %d, not %d", threshold, m.model.threshold)
	for _, renewals := range []int64{0, threshold - 1, threshold, threshold + 1, math.MaxInt64} {
		m.checkDecision(t, renewals)
	}
	for _, size := range []int32{0, 1, 6, 100, math.MaxInt32, math.MinInt32} {
		got, want := m.calculator.Keep(size), javaIntOf(float64(size)*m.model.percent)
		calculatorAsModelled.Holds(t, int64(got) == want, "Keep(%d) is %d, not %d", size, got, want)
	}
}

func (m *calculatorMachine) checkDecision(t *trace.T, renewals int64) {
	d := m.calculator.Decide(renewals)
	if diff := cmp.Diff(m.model.decide(m.release, renewals), d, asPublished, cmpopts.EquateNaNs()); diff != "" {
		calculatorAsModelled.Holds(t, false, "(-model +decision)\n%s", diff)
	}
	checkDecision(t, d, m.model.reaching, countedTo(d.Threshold))
	below := m.calculator.Below(m.now, renewals)
	calculatorAsModelled.Holds(t, below == m.model.below(m.now, renewals), "Below(%v, %d) is %t", m.now, renewals, below)
}

// asPublished compares what a decision shows; how it words itself is not
// part of it.
var asPublished = cmpopts.IgnoreUnexported(preserve.Decision{})

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
		"remove":          m.remove,
		"remove-all":      m.removeAll,
		"remove-stranger": m.removeStranger,
		"move":            func(t *trace.T) { m.now = drawInstant(t, m.now, m.warmUntil, m.warmUntil) },
	}
}}

func (m *expectationMachine) removeAll(t *trace.T) {
	for len(m.intervals) > 0 {
		m.removeAt(t, 0)
	}
	sumLeavesNoTrace.Holds(t, m.expectation.Expected() == 0, "it expects %v", m.expectation.Expected())
}

func newExpectationMachine(t *trace.T) *expectationMachine {
	m := &expectationMachine{now: drawEdge(t)}
	m.window = trace.OneOf(
		trace.SampledFrom([]time.Duration{time.Minute, time.Second, 1, 1<<21 - 1, 7 * time.Second, math.MaxInt64}),
		drawPositive,
	).Draw(t, "window")
	m.billionths = trace.OneOf(
		trace.SampledFrom([]int64{850_000_000, 550_000_000, 0, 1, 1_000_000_000, 999_999_999}),
		trace.Int64Range(0, 1_000_000_000),
	).Draw(t, "percent in billionths")
	warmup := trace.OneOf(trace.Just(time.Duration(0)), trace.Just(m.window), drawPositive).Draw(t, "warmup")
	m.warmUntil = m.now.Add(warmup)

	var err error
	m.expectation, err = preserve.NewExpectation(m.now, preserve.ExpectationConfig{
		Window: m.window, Percent: m.percent(), Warmup: warmup,
	})
	sumWithinBound.Holds(t, err == nil, "a valid config is refused: %v", err)
	return m
}

// drawPositive draws a duration above zero on any scale.
var drawPositive = trace.Custom(func(t *trace.T) time.Duration {
	most := int64(1) << trace.IntRange(1, 62).Draw(t, "bits")
	return time.Duration(trace.Int64Range(1, most).Draw(t, "ns"))
})

// percent is the decimal number of nine digits that the billionths write.
func (m *expectationMachine) percent() float64 { return float64(m.billionths) / 1e9 }

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
	valid := interval > 0 && m.promise(interval).Cmp(mostPerLease) <= 0
	err := m.expectation.Add(interval)
	refusalChangesNought.Holds(t, (err == nil) == valid, "Add(%v) in a window of %v: %v", interval, m.window, err)
	if err == nil {
		m.intervals = append(m.intervals, interval)
		return
	}
	m.checkRefused(t, m.expectation.Remove(interval), before, interval)
}

// removeStranger removes a lease that was never added and promises more than
// all leases that were.
func (m *expectationMachine) removeStranger(t *trace.T) {
	interval := m.drawInterval(t)
	promised, _ := m.sum()
	if interval > 0 && m.promise(interval).Cmp(promised.Add(promised, big.NewRat(1, unit))) <= 0 {
		return // for all that the sum tells, it could be one of them
	}
	before := m.expectation.Expected()
	m.checkRefused(t, m.expectation.Remove(interval), before, interval)
}

func (m *expectationMachine) checkRefused(t *trace.T, err error, before float64, interval time.Duration) {
	after := m.expectation.Expected()
	refusalChangesNought.Holds(t, err != nil && after == before, "Remove(%v), never added, made %v of %v: %v", interval, after, before, err)
}

func (m *expectationMachine) remove(t *trace.T) {
	if len(m.intervals) > 0 {
		m.removeAt(t, trace.IntRange(0, len(m.intervals)-1).Draw(t, "which"))
	}
}

func (m *expectationMachine) removeAt(t *trace.T, i int) {
	err := m.expectation.Remove(m.intervals[i])
	sumLeavesNoTrace.Holds(t, err == nil, "Remove(%v), which was added: %v", m.intervals[i], err)
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
	promised, slack := m.sum()
	m.checkSum(t, promised, slack)
	percent := big.NewRat(m.billionths, 1_000_000_000)
	most := new(big.Rat).Mul(promised, percent)
	least := new(big.Rat).Mul(new(big.Rat).Sub(promised, slack), percent)
	whole := new(big.Int).Quo(most.Num(), most.Denom()).Int64()
	for _, renewals := range []int64{0, whole - 1, whole, whole + 1, whole + 2, math.MaxInt64} {
		m.checkDecision(t, max(renewals, 0), least, most)
	}
	if promised.IsInt() && !m.now.Before(m.warmUntil) {
		full := promised.Num().Int64()
		fullHouseIsEnough.Holds(t, m.expectation.Decide(m.now, full).Allowed, "%d of %v", full, m.expectation.Expected())
	}
}

func (m *expectationMachine) checkSum(t *trace.T, promised, slack *big.Rat) {
	expected := m.expectation.Expected()
	sumLeavesNoTrace.Holds(t, len(m.intervals) > 0 || expected == 0, "it expects %v", expected)
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
	checkDecision(t, d, true, d.Threshold*0x1p-50)
	decisionIsTrue.Holds(t, d.Expected == m.expectation.Expected() && d.Renewals == renewals && d.Percent == m.percent() && d.Rule == "exact",
		"%+v", d)
	if m.now.Before(m.warmUntil) {
		withheldWhileWarming.Holds(t, d.Reason == preserve.WarmingUp && d.WarmUntil.Equal(m.warmUntil), "%+v at %v", d, m.now)
		return
	}
	have := new(big.Rat).SetInt64(renewals)
	decidesBySum.Holds(t, d.Allowed || have.Cmp(most) < 0, "%+v, the threshold is at most %v", d, most.FloatString(9))
	decidesBySum.Holds(t, !d.Allowed || have.Cmp(least) >= 0, "%+v, the threshold is at least %v", d, least.FloatString(9))
}
