package fuzz

import (
	"errors"
	"math"
	"math/big"
	"slices"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
)

var (
	somebodyMayGo      = law.New("somebody-may-go", "a pass may evict at least one of the leases unless all of them have to stay")
	limitIsDecimal     = law.New("limit-is-decimal", "a pass leaves the whole part of size * percent, percent being the decimal number of nine digits that was written")
	limitWrapsLikeJava = law.New("limit-wraps-like-java", "Eureka's limit is Java's subtraction of two ints, which wraps around at 32 bits")
	picksCandidates    = law.New("picks-candidates", "victims are different candidates, as many as the limit lets go, and no candidate is lost")
	picksByShuffle     = law.New("picks-by-shuffle", "each victim is drawn from all candidates that are left, the first of which moves to its place")
	picksAllAlike      = law.New("picks-all-alike", "every choice of victims, in every order, comes from exactly one sequence of draws")
	refusesBadDraws    = law.New("refuses-bad-draws", "a source that is missing or draws outside its range is refused, and no candidate is lost")
)

const billion = 1_000_000_000

var driveLimit = oneShot("limit", func(t *trace.T) {
	size := trace.OneOf(trace.IntRange(0, 200), trace.Just(billion), trace.IntRange(0, math.MaxInt)).Draw(t, "size")
	percent := drawFraction(t)
	limit, err := evict.Limit(size, percent)
	refusesOnlyBadInput.Holds(t, err == nil, "%d at %v: %v", size, percent, err)

	decimals := decimalsOf(percent)
	allStay := size == 0 || slices.Contains(decimals, billion)
	somebodyMayGo.Holds(t, limit > 0 || allStay, "nobody of %d at %v", size, percent)
	right := slices.ContainsFunc(decimals, func(billionths int64) bool { return limit == limitModel(size, billionths) })
	limitIsDecimal.Holds(t, right, "%d of %d may go at %v", limit, size, percent)
})

// drawFraction draws a percent, often where a product of float64 goes wrong: at
// 29 % and 57 % it falls short of a whole number of leases, at 15 and 63
// billionths of one of billionths.
func drawFraction(t *trace.T) float64 {
	ofBillionths := func(n int64) float64 { return float64(n) / billion }
	return trace.OneOf(
		trace.Map(trace.SampledFrom([]int64{0, 1, 15, 63, 850_000_000, 290_000_000, 570_000_000, 999_999_999, billion}), ofBillionths),
		trace.Map(trace.Int64Range(0, billion), ofBillionths),
		trace.Float64Range(0, 1),
	).Draw(t, "percent")
}

// decimalsOf are the numbers of billionths that a percent can be rounded to: the
// nearest, or both where it lies in the middle, as near as float64s tell.
func decimalsOf(percent float64) (billionths []int64) {
	exact := new(big.Rat).SetFloat64(percent)
	exact.Mul(exact, big.NewRat(billion, 1))
	below := new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
	for _, n := range []int64{below, below + 1} {
		off := new(big.Rat).Sub(exact, big.NewRat(n, 1))
		if off.Abs(off).Cmp(big.NewRat(500_001, 1_000_000)) <= 0 {
			billionths = append(billionths, n)
		}
	}
	return billionths
}

func limitModel(size int, billionths int64) int {
	kept := new(big.Int).Mul(big.NewInt(int64(size)), big.NewInt(billionths))
	return size - int(kept.Quo(kept, big.NewInt(billion)).Int64())
}

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
	refusesOnlyBadInput.Holds(t, err == nil, "%d of %d: %v", limit, len(candidates), err)
	picked := len(victims) == len(want) && slices.Equal(candidates[:len(victims)], victims)
	picksCandidates.Holds(t, picked, "%d victims, not %d, %v, the front of %v", len(victims), len(want), victims, candidates)
	picksCandidates.Holds(t, complete(candidates), "the candidates became %v", candidates)
	picksByShuffle.Holds(t, slices.Equal(victims, want), "%v, not %v", victims, want)
})

// row returns n candidates, each named by its place.
func row(n int) []int {
	candidates := make([]int, n)
	for i := range candidates {
		candidates[i] = i
	}
	return candidates
}

// complete reports whether a row has all its candidates, in any order.
func complete(candidates []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(candidates)), row(len(candidates)))
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
	refusesBadDraws.Holds(t, victims == nil && errors.Is(err, evict.ErrInvalid), "%v, %v", victims, err)
	refusesBadDraws.Holds(t, complete(candidates), "the candidates became %v", candidates)
})
