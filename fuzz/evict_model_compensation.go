package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
)

var (
	forgivesLateness  = law.New("forgives-lateness", "a pass forgives what it comes later than an interval after the one before, and the first pass nothing")
	eurekaForgives    = law.New("eureka-forgives", "Eureka's compensation is in whole milliseconds, wraps at 64 bits, and takes a pass at nanosecond 0 for none")
	wallStepIsNoPause = law.New("wall-step-is-no-pause", "a step of the wall clock between two passes is not mistaken for a pause")
)

var driveCompensation = trace.Machine{Name: "compensation", Start: func(t *trace.T) trace.Operations {
	interval := drawPositive.Draw(t, "interval")
	compensation := newCompensation(t, interval)
	now := drawEdge(t)
	var previous *time.Time
	return trace.Operations{"pass": func(t *trace.T) {
		now = drawInstant(t, now, now.Add(interval), now.Add(interval))
		got, want := compensation.Next(now), time.Duration(0)
		if previous != nil {
			// A time.Duration holds 292 years of silence, no more.
			elapsed := clampTo(nanosBetween(*previous, now), math.MinInt64, math.MaxInt64)
			want = max(time.Duration(elapsed), interval) - interval
		}
		forgivesLateness.Holds(t, got == want, "%v, not %v, at %v after %v", got, want, now, previous)
		at := now
		previous = &at
	}}
}}

func newCompensation(t *trace.T, interval time.Duration) *evict.Compensation {
	compensation, err := evict.NewCompensation(interval)
	refusesOnlyBadInput.Holds(t, err == nil, "interval %v: %v", interval, err)
	return compensation
}

var driveCompensationUnderWallSteps = trace.Machine{Name: "compensation-under-wall-steps", Start: func(t *trace.T) trace.Operations {
	steady, stepped := newCompensation(t, time.Minute), newCompensation(t, time.Minute)
	now, offset := monotonic, time.Duration(0)
	return trace.Operations{
		"step": func(t *trace.T) { offset += drawStep(t) },
		"pass": func(t *trace.T) {
			now = now.Add(time.Duration(trace.Int64Range(0, int64(5*time.Minute)).Draw(t, "later")))
			want, got := steady.Next(now), stepped.Next(stepWall(now, offset))
			wallStepIsNoPause.Holds(t, got == want, "%v, not %v, after steps of %v in all", got, want, offset)
		},
	}
}}

// The model wraps by way of unbounded integers: what an int64 would hold of
// them.
var driveEurekaCompensation = trace.Machine{Name: "eureka-compensation", Start: func(t *trace.T) trace.Operations {
	interval := trace.OneOf(
		trace.SampledFrom([]int64{60_000, 0, -5_000, math.MaxInt64, math.MinInt64}),
		trace.Int64Range(1, 200_000),
	).Draw(t, "interval in ms")
	compensation := evict.EurekaCompensation{IntervalMillis: interval}
	stored, nanos := int64(0), int64(0)
	pass := func(t *trace.T) {
		want := int64(0)
		if stored != 0 { // a stored 0 is no pass, also after one at 0 (E5)
			elapsed := wrap64(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(stored)))
			late := new(big.Int).Quo(big.NewInt(elapsed), big.NewInt(1_000_000))
			want = max(wrap64(late.Sub(late, big.NewInt(interval))), 0)
		}
		got := compensation.Next(nanos)
		eurekaForgives.Holds(t, got == want, "%d ms, not %d, at %d after %d", got, want, nanos, stored)
		stored = nanos
	}
	return trace.Operations{
		"pass": func(t *trace.T) {
			nanos += trace.Int64Range(-1_000_000_000, 200_000_000_000).Draw(t, "later")
			pass(t)
		},
		"pass-at": func(t *trace.T) {
			nanos = drawNanos(t)
			pass(t)
		},
	}
}}

func drawNanos(t *trace.T) int64 {
	return trace.OneOf(trace.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}), trace.Int64()).Draw(t, "nanos")
}

// wrap64 is what is left of n in 64 bits.
func wrap64(n *big.Int) int64 {
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}
