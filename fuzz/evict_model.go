package fuzz

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
)

var (
	limitIsDecimal     = law.New("limit-is-decimal", "the limit is size minus the whole part of size * percent, percent read as a decimal number of nine digits")
	limitWrapsLikeJava = law.New("limit-wraps-like-java", "Eureka's limit is Java's int subtraction")
	picksAsModelled    = law.New("picks-as-modelled", "the victims are those that a forward shuffle draws, in its order")
	picksCandidates    = law.New("picks-candidates", "victims are distinct candidates, and no candidate is lost")
	picksAllAlike      = law.New("picks-all-alike", "every choice of victims, in every order, comes from exactly one sequence of draws")
	sourceKeepsToRange = law.New("source-keeps-to-range", "a source that draws outside its range is reported, and no candidate is lost")
	drawsLikeJava      = law.New("draws-like-java", "JavaRandom draws what java.util.Random does")
	forgivesLateness   = law.New("forgives-lateness", "a pass forgives what it comes later than planned, and nothing else")
	wallStepsNoPause   = law.New("wall-steps-no-pause", "a step of the wall clock is not mistaken for a pause")
)

var driveLimit = oneShot("limit", func(t *trace.T) {
	size := trace.OneOf(trace.IntRange(0, 200), trace.Just(1_000_000_000), trace.IntRange(0, math.MaxInt)).Draw(t, "size")
	billionths := trace.OneOf(
		// At 29 % and 57 % a product of float64 falls short of a whole
		// number of leases, at 15 and 63 billionths one of billionths.
		trace.SampledFrom([]int64{0, 1, 15, 63, 850_000_000, 290_000_000, 570_000_000, 999_999_999, 1_000_000_000}),
		trace.Int64Range(0, 1_000_000_000),
	).Draw(t, "percent in billionths")
	kept := new(big.Int).Mul(big.NewInt(int64(size)), big.NewInt(billionths))
	kept.Quo(kept, big.NewInt(1_000_000_000))

	limit, err := evict.Limit(size, float64(billionths)/1e9)
	limitIsDecimal.Holds(t, err == nil && int64(limit) == int64(size)-kept.Int64(),
		"%d of %d at %d billionths, %v kept: %v", limit, size, billionths, kept, err)
	mayGo := size > 0 && billionths < 1_000_000_000
	limitIsDecimal.Holds(t, limit > 0 || !mayGo, "nobody of %d may go at %d billionths", size, billionths)
})

// A percent of more than nine digits is rounded to nine, so that the limit is
// off by what half a billionth of the size can be.
var driveLimitOfAnyPercent = oneShot("limit-of-any-percent", func(t *trace.T) {
	size := trace.IntRange(0, math.MaxInt32).Draw(t, "size")
	percent := trace.Float64Range(0, 1).Draw(t, "percent")
	limit, err := evict.Limit(size, percent)
	ideal := float64(size) * (1 - percent)
	bound := 1 + float64(size)*0.5e-9 + 1e-6
	limitIsDecimal.Holds(t, err == nil && math.Abs(float64(limit)-ideal) <= bound, "%d of %d at %v: %v", limit, size, percent, err)
})

// fractions are numbers on both sides of what a percent from 0 to 1 accepts.
var fractions = []float64{
	0, 1, 0.85, math.Copysign(0, -1), math.Nextafter(1, 2), -math.SmallestNonzeroFloat64, -0.1, 100, math.NaN(), math.Inf(1), math.Inf(-1),
}

func isFraction(percent float64) bool { return percent >= 0 && percent <= 1 }

var driveEurekaLimit = oneShot("eureka-limit", func(t *trace.T) {
	size, kept := drawInt32(t, "size"), drawInt32(t, "kept")
	const range32 = 1 << 32
	want := int64(size) - int64(kept)
	switch {
	case want > math.MaxInt32:
		want -= range32
	case want < math.MinInt32:
		want += range32
	}
	got := evict.EurekaLimit(size, kept)
	limitWrapsLikeJava.Holds(t, int64(got) == want, "%d - %d = %d, not %d", size, kept, got, want)
})

func drawInt32(t *trace.T, name string) int32 {
	return trace.OneOf(trace.SampledFrom([]int32{0, 1, -1, math.MaxInt32, math.MinInt32}), trace.Int32()).Draw(t, name)
}

// drawSource draws one of the sources that callers have, and a second one
// that draws the same.
func drawSource(t *trace.T) (source, same evict.Source) {
	seed := trace.Int64().Draw(t, "seed")
	if trace.Bool().Draw(t, "java") {
		return evict.NewJavaRandom(seed), evict.NewJavaRandom(seed)
	}
	newRand := func() evict.Source {
		return evict.SourceFunc(rand.New(rand.NewPCG(uint64(seed), 0)).IntN)
	}
	return newRand(), newRand()
}

// pickModel takes the victims out of a row of candidates one by one, and
// moves whoever stood first to the place that became empty.
func pickModel(source evict.Source, candidates []int, limit int) []int {
	var victims []int
	row := slices.Clone(candidates)
	for len(victims) < limit && len(row) > 0 {
		i := source.Intn(len(row))
		victims = append(victims, row[i])
		row[i] = row[0]
		row = row[1:]
	}
	return victims
}

var drivePick = oneShot("pick", func(t *trace.T) {
	candidates := row(trace.IntRange(0, 80).Draw(t, "candidates"))
	limit := trace.OneOf(trace.IntRange(-2, 90), trace.SampledFrom([]int{math.MinInt, math.MaxInt})).Draw(t, "limit")
	source, same := drawSource(t)
	want := pickModel(same, candidates, limit)
	victims, err := evict.Pick(source, candidates, limit)
	picksAsModelled.Holds(t, err == nil && slices.Equal(victims, want), "%v instead of %v: %v", victims, want, err)
	checkPicked(t, candidates, victims)
})

// row returns n candidates, each named by its place.
func row(n int) []int {
	candidates := make([]int, n)
	for i := range candidates {
		candidates[i] = i
	}
	return candidates
}

// checkPicked is given the candidates as Pick left them.
func checkPicked(t law.T, candidates, victims []int) {
	t.Helper()
	picksCandidates.Holds(t, slices.Equal(candidates[:len(victims)], victims), "the victims %v are not the front of %v", victims, candidates)
	complete := slices.Equal(slices.Sorted(slices.Values(candidates)), row(len(candidates)))
	picksCandidates.Holds(t, complete, "the candidates became %v", candidates)
}

// countingSource draws the digits of a number, of a different base each.
func countingSource(number int) evict.Source {
	return evict.SourceFunc(func(n int) int {
		digit := number % n
		number /= n
		return digit
	})
}

// javaModel is the generator as Java's documentation has it, in unbounded
// integers.
type javaModel struct{ state *big.Int }

var javaModulus = new(big.Int).Lsh(big.NewInt(1), 48)

func newJavaModel(seed int64) *javaModel {
	scrambled := new(big.Int).Xor(new(big.Int).Mod(big.NewInt(seed), javaModulus), big.NewInt(0x5DEECE66D))
	return &javaModel{state: scrambled}
}

// next returns the top bits of the next state as a signed number.
func (m *javaModel) next(bits uint) int64 {
	m.state.Mul(m.state, big.NewInt(0x5DEECE66D)).Add(m.state, big.NewInt(11)).Mod(m.state, javaModulus)
	top := new(big.Int).Rsh(m.state, 48-bits).Int64()
	if top > math.MaxInt32 {
		top -= 1 << 32
	}
	return top
}

func (m *javaModel) intn(bound int64) int64 {
	drawn := m.next(31)
	if bound&(bound-1) == 0 {
		return bound * drawn >> 31
	}
	for drawn-drawn%bound+bound-1 > math.MaxInt32 { // of the last, incomplete multiple
		drawn = m.next(31)
	}
	return drawn % bound
}

var driveJavaRandom = trace.Machine{Name: "java-random", Start: func(t *trace.T) trace.Operations {
	seed := trace.Int64().Draw(t, "seed")
	random, model := evict.NewJavaRandom(seed), newJavaModel(seed)
	return trace.Operations{
		"nextInt": func(t *trace.T) {
			got, want := random.Int32(), model.next(32)
			drawsLikeJava.Holds(t, int64(got) == want, "%d, not %d", got, want)
		},
		"nextInt(bound)": func(t *trace.T) {
			bound := drawBound(t)
			got, want := random.Intn(bound), model.intn(int64(bound))
			drawsLikeJava.Holds(t, int64(got) == want, "%d, not %d below %d", got, want, bound)
		},
		"nextInt(bad bound)": func(t *trace.T) {
			bound := -trace.IntRange(0, math.MaxInt).Draw(t, "bound")
			drawsLikeJava.Holds(t, random.Intn(bound) == -1, "it accepts the bound %d", bound)
		},
		"seed": func(t *trace.T) {
			seed := trace.Int64().Draw(t, "seed")
			random.Seed(seed)
			model = newJavaModel(seed)
		},
	}
}}

// drawBound draws a bound, often a power of two, or one where almost every
// second number is rejected.
func drawBound(t *trace.T) int {
	return trace.OneOf(
		trace.IntRange(1, math.MaxInt32),
		trace.Map(trace.IntRange(0, 30), func(bits int) int { return 1 << bits }),
		trace.SampledFrom([]int{1<<30 + 1, math.MaxInt32, math.MaxInt32 - 1, 3}),
	).Draw(t, "bound")
}

var driveCompensation = oneShot("compensation", func(t *trace.T) {
	interval := drawPositive.Draw(t, "interval")
	compensation, err := evict.NewCompensation(interval)
	forgivesLateness.Holds(t, err == nil, "interval %v: %v", interval, err)
	now := drawEdge(t)
	var previous *time.Time
	for range trace.IntRange(1, 20).Draw(t, "passes") {
		now = drawInstant(t, now, now.Add(interval), now.Add(interval))
		got, want := compensation.Next(now), time.Duration(0)
		if previous != nil {
			// A time.Duration holds 292 years of silence, no more.
			elapsed := clampTo(nanosBetween(*previous, now), math.MinInt64, math.MaxInt64)
			want = max(time.Duration(elapsed), interval) - interval
		}
		forgivesLateness.Holds(t, got == want, "%v, not %v at %v after %v", got, want, now, previous)
		at := now
		previous = &at
	}
})

var driveCompensationUnderWallSteps = oneShot("compensation-under-wall-steps", func(t *trace.T) {
	steady, err := evict.NewCompensation(time.Minute)
	stepped, _ := evict.NewCompensation(time.Minute)
	wallStepsNoPause.Holds(t, err == nil, "%v", err)
	now, offset := monotonic, time.Duration(0)
	for range trace.IntRange(1, 20).Draw(t, "passes") {
		now = now.Add(time.Duration(trace.Int64Range(0, int64(5*time.Minute)).Draw(t, "span")))
		offset += drawStep(t)
		want, got := steady.Next(now), stepped.Next(stepWall(now, offset))
		wallStepsNoPause.Holds(t, got == want, "%v instead of %v after steps of %v in all", got, want, offset)
	}
})

// The model wraps by way of unbounded integers: what an int64 would hold of
// them.
var driveEurekaCompensation = oneShot("eureka-compensation", func(t *trace.T) {
	interval := trace.OneOf(
		trace.SampledFrom([]int64{60_000, 0, -5_000, math.MaxInt64, math.MinInt64}),
		trace.Int64Range(1, 200_000),
	).Draw(t, "interval ms")
	compensation := evict.EurekaCompensation{IntervalMillis: interval}
	stored := int64(0)
	nanos := drawNanos(t)
	for range trace.IntRange(1, 20).Draw(t, "passes") {
		want := int64(0)
		if stored != 0 { // a stored 0 is no pass, also after one at 0 (E5)
			elapsed := wrap64(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(stored)))
			late := new(big.Int).Quo(big.NewInt(elapsed), big.NewInt(1_000_000))
			want = max(wrap64(late.Sub(late, big.NewInt(interval))), 0)
		}
		got := compensation.Next(nanos)
		forgivesLateness.Holds(t, got == want, "%d ms, not %d, at %d after %d", got, want, nanos, stored)
		stored = nanos
		if trace.IntRange(0, 3).Draw(t, "jump") == 0 {
			nanos = drawNanos(t)
		} else {
			nanos += trace.Int64Range(-1_000_000_000, 200_000_000_000).Draw(t, "elapsed")
		}
	}
})

func drawNanos(t *trace.T) int64 {
	return trace.OneOf(trace.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}), trace.Int64()).Draw(t, "nanos")
}

// wrap64 is what is left of n in 64 bits.
func wrap64(n *big.Int) int64 {
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}

var drivePickFromABadSource = oneShot("pick-from-a-bad-source", func(t *trace.T) {
	candidates := row(trace.IntRange(1, 20).Draw(t, "candidates"))
	good := trace.IntRange(0, len(candidates)-1).Draw(t, "good draws")
	bad := trace.SampledFrom([]int{-1, 0, 1, math.MinInt, math.MaxInt}).Draw(t, "bad draw")
	calls := 0
	source := evict.SourceFunc(func(n int) int {
		if calls++; calls <= good {
			return n - 1
		}
		if bad < 0 {
			return bad
		}
		return max(n, bad)
	})
	victims, err := evict.Pick(source, candidates, len(candidates))
	sourceKeepsToRange.Holds(t, victims == nil && errors.Is(err, evict.ErrInvalid), "%v, %v", victims, err)
	checkPicked(t, candidates, nil)
})
