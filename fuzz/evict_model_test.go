package fuzz

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"pgregory.net/rapid"
)

const (
	limitIsDecimal     law = "the limit is size minus the whole part of size * percent, percent read as a decimal number of nine digits"
	limitWrapsLikeJava law = "Eureka's limit is Java's int subtraction"
	picksAsModelled    law = "the victims are those that a forward shuffle draws, in its order"
	picksCandidates    law = "victims are distinct candidates, and no candidate is lost"
	picksAllAlike      law = "every choice of victims, in every order, comes from exactly one sequence of draws"
	sourceKeepsToRange law = "a source that draws outside its range is reported, and no candidate is lost"
	drawsLikeJava      law = "JavaRandom draws what java.util.Random does"
	forgivesLateness   law = "a pass forgives what it comes later than planned, and nothing else"
	wallStepsNoPause   law = "a step of the wall clock is not mistaken for a pause"
)

func TestLimitModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 200), rapid.Just(1_000_000_000), rapid.IntRange(0, math.MaxInt)).Draw(t, "size")
		billionths := rapid.OneOf(
			// At 29 % and 57 % a product of float64 falls short of a whole
			// number of leases, at 15 and 63 billionths one of billionths.
			rapid.SampledFrom([]int64{0, 1, 15, 63, 850_000_000, 290_000_000, 570_000_000, 999_999_999, 1_000_000_000}),
			rapid.Int64Range(0, 1_000_000_000),
		).Draw(t, "percent in billionths")
		kept := new(big.Int).Mul(big.NewInt(int64(size)), big.NewInt(billionths))
		kept.Quo(kept, big.NewInt(1_000_000_000))

		limit, err := evict.Limit(size, float64(billionths)/1e9)
		limitIsDecimal.holds(t, err == nil && int64(limit) == int64(size)-kept.Int64(),
			"%d of %d at %d billionths, %v kept: %v", limit, size, billionths, kept, err)
		mayGo := size > 0 && billionths < 1_000_000_000
		limitIsDecimal.holds(t, limit > 0 || !mayGo, "nobody of %d may go at %d billionths", size, billionths)
	})
}

// A percent of more than nine digits is rounded to nine, so that the limit is
// off by what half a billionth of the size can be.
func TestLimitOfAnyPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, math.MaxInt32).Draw(t, "size")
		percent := rapid.Float64Range(0, 1).Draw(t, "percent")
		limit, err := evict.Limit(size, percent)
		ideal := float64(size) * (1 - percent)
		bound := 1 + float64(size)*0.5e-9 + 1e-6
		limitIsDecimal.holds(t, err == nil && math.Abs(float64(limit)-ideal) <= bound, "%d of %d at %v: %v", limit, size, percent, err)
	})
}

func TestLimitNamesEveryProblem(t *testing.T) {
	for _, size := range []int{0, 1, -1, math.MinInt, math.MaxInt} {
		for _, percent := range fractions {
			var broken fieldsBroken
			broken.check("size", size < 0)
			broken.check("percent", !isFraction(percent))
			_, err := evict.Limit(size, percent)
			checkProblems(t, err, evict.ErrInvalid, broken, fmt.Sprint(size, " ", percent))
		}
	}
}

// fractions are numbers on both sides of what a percent from 0 to 1 accepts.
var fractions = []float64{
	0, 1, 0.85, math.Copysign(0, -1), math.Nextafter(1, 2), -math.SmallestNonzeroFloat64, -0.1, 100, math.NaN(), math.Inf(1), math.Inf(-1),
}

func isFraction(percent float64) bool { return percent >= 0 && percent <= 1 }

func TestEurekaLimitModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
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
		limitWrapsLikeJava.holds(t, int64(got) == want, "%d - %d = %d, not %d", size, kept, got, want)
	})
}

func drawInt32(t *rapid.T, name string) int32 {
	return rapid.OneOf(rapid.SampledFrom([]int32{0, 1, -1, math.MaxInt32, math.MinInt32}), rapid.Int32()).Draw(t, name)
}

// drawSource draws one of the sources that callers have, and a second one
// that draws the same.
func drawSource(t *rapid.T) (source, same evict.Source) {
	seed := rapid.Int64().Draw(t, "seed")
	if rapid.Bool().Draw(t, "java") {
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

func TestPickModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := row(rapid.IntRange(0, 80).Draw(t, "candidates"))
		limit := rapid.OneOf(rapid.IntRange(-2, 90), rapid.SampledFrom([]int{math.MinInt, math.MaxInt})).Draw(t, "limit")
		source, same := drawSource(t)
		want := pickModel(same, candidates, limit)
		victims, err := evict.Pick(source, candidates, limit)
		picksAsModelled.holds(t, err == nil && slices.Equal(victims, want), "%v instead of %v: %v", victims, want, err)
		checkPicked(t, candidates, victims)
	})
}

// row returns n candidates, each named by its place.
func row(n int) []int {
	candidates := make([]int, n)
	for i := range candidates {
		candidates[i] = i
	}
	return candidates
}

// checkPicked is given the candidates as Pick left them.
func checkPicked(t rapid.TB, candidates, victims []int) {
	t.Helper()
	picksCandidates.holds(t, slices.Equal(candidates[:len(victims)], victims), "the victims %v are not the front of %v", victims, candidates)
	complete := slices.Equal(slices.Sorted(slices.Values(candidates)), row(len(candidates)))
	picksCandidates.holds(t, complete, "the candidates became %v", candidates)
}

func TestPickReportsABadSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := row(rapid.IntRange(1, 20).Draw(t, "candidates"))
		good := rapid.IntRange(0, len(candidates)-1).Draw(t, "good draws")
		bad := rapid.SampledFrom([]int{-1, 0, 1, math.MinInt, math.MaxInt}).Draw(t, "bad draw")
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
		sourceKeepsToRange.holds(t, victims == nil && errors.Is(err, evict.ErrInvalid), "%v, %v", victims, err)
		checkPicked(t, candidates, nil)
	})
	for _, missing := range []evict.Source{nil, evict.SourceFunc(nil)} {
		_, err := evict.Pick(missing, row(3), 1)
		sourceKeepsToRange.holds(t, errors.Is(err, evict.ErrInvalid), "no source: %v", err)
	}
}

// With all sequences of draws tried out, equal probability needs no
// statistics: there are as many sequences as outcomes, and no outcome comes
// twice.
func TestPickMakesEveryChoiceOnce(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for limit := 1; limit <= n; limit++ {
			outcomes := map[string]int{}
			sequences := 1
			for i := range limit {
				sequences *= n - i
			}
			for sequence := range sequences {
				victims, err := evict.Pick(countingSource(sequence), row(n), limit)
				if err != nil {
					t.Fatal(err)
				}
				outcomes[fmt.Sprint(victims)]++
			}
			picksAllAlike.holds(t, len(outcomes) == sequences, "%d of %d: %d outcomes of %d sequences", limit, n, len(outcomes), sequences)
		}
	}
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

func TestJavaRandomModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Int64().Draw(t, "seed")
		random, model := evict.NewJavaRandom(seed), newJavaModel(seed)
		t.Repeat(map[string]func(*rapid.T){
			"nextInt": func(t *rapid.T) {
				got, want := random.Int32(), model.next(32)
				drawsLikeJava.holds(t, int64(got) == want, "%d, not %d", got, want)
			},
			"nextInt(bound)": func(t *rapid.T) {
				bound := drawBound(t)
				got, want := random.Intn(bound), model.intn(int64(bound))
				drawsLikeJava.holds(t, int64(got) == want, "%d, not %d below %d", got, want, bound)
			},
			"nextInt(bad bound)": func(t *rapid.T) {
				bound := -rapid.IntRange(0, math.MaxInt).Draw(t, "bound")
				drawsLikeJava.holds(t, random.Intn(bound) == -1, "it accepts the bound %d", bound)
			},
			"seed": func(t *rapid.T) {
				seed := rapid.Int64().Draw(t, "seed")
				random.Seed(seed)
				model = newJavaModel(seed)
			},
		})
	})
}

// drawBound draws a bound, often a power of two, or one where almost every
// second number is rejected.
func drawBound(t *rapid.T) int {
	return rapid.OneOf(
		rapid.IntRange(1, math.MaxInt32),
		rapid.Map(rapid.IntRange(0, 30), func(bits int) int { return 1 << bits }),
		rapid.SampledFrom([]int{1<<30 + 1, math.MaxInt32, math.MaxInt32 - 1, 3}),
	).Draw(t, "bound")
}

func TestCompensationModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := drawPositive.Draw(t, "interval")
		compensation, err := evict.NewCompensation(interval)
		forgivesLateness.holds(t, err == nil, "interval %v: %v", interval, err)
		now := drawEdge(t)
		var previous *time.Time
		for range rapid.IntRange(1, 20).Draw(t, "passes") {
			now = drawInstant(t, now, now.Add(interval), now.Add(interval))
			got, want := compensation.Next(now), time.Duration(0)
			if previous != nil {
				// A time.Duration holds 292 years of silence, no more.
				elapsed := clampTo(nanosBetween(*previous, now), math.MinInt64, math.MaxInt64)
				want = max(time.Duration(elapsed), interval) - interval
			}
			forgivesLateness.holds(t, got == want, "%v, not %v at %v after %v", got, want, now, previous)
			at := now
			previous = &at
		}
	})
}

func TestCompensationNamesItsProblem(t *testing.T) {
	for _, interval := range fields {
		var broken fieldsBroken
		broken.check("interval", interval <= 0)
		_, err := evict.NewCompensation(interval)
		checkProblems(t, err, evict.ErrInvalid, broken, interval)
	}
}

func TestCompensationIgnoresStepsOfTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steady, err := evict.NewCompensation(time.Minute)
		stepped, _ := evict.NewCompensation(time.Minute)
		wallStepsNoPause.holds(t, err == nil, "%v", err)
		now, offset := monotonic, time.Duration(0)
		for range rapid.IntRange(1, 20).Draw(t, "passes") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(t, "span")))
			offset += drawStep(t)
			want, got := steady.Next(now), stepped.Next(stepWall(now, offset))
			wallStepsNoPause.holds(t, got == want, "%v instead of %v after steps of %v in all", got, want, offset)
		}
	})
}

// The model wraps by way of unbounded integers: what an int64 would hold of
// them.
func TestEurekaCompensationModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.OneOf(
			rapid.SampledFrom([]int64{60_000, 0, -5_000, math.MaxInt64, math.MinInt64}),
			rapid.Int64Range(1, 200_000),
		).Draw(t, "interval ms")
		compensation := evict.EurekaCompensation{IntervalMillis: interval}
		stored := int64(0)
		nanos := drawNanos(t)
		for range rapid.IntRange(1, 20).Draw(t, "passes") {
			want := int64(0)
			if stored != 0 { // a stored 0 is no pass, also after one at 0 (E5)
				elapsed := wrap64(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(stored)))
				late := new(big.Int).Quo(big.NewInt(elapsed), big.NewInt(1_000_000))
				want = max(wrap64(late.Sub(late, big.NewInt(interval))), 0)
			}
			got := compensation.Next(nanos)
			forgivesLateness.holds(t, got == want, "%d ms, not %d, at %d after %d", got, want, nanos, stored)
			stored = nanos
			if rapid.IntRange(0, 3).Draw(t, "jump") == 0 {
				nanos = drawNanos(t)
			} else {
				nanos += rapid.Int64Range(-1_000_000_000, 200_000_000_000).Draw(t, "elapsed")
			}
		}
	})
}

func drawNanos(t *rapid.T) int64 {
	return rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}), rapid.Int64()).Draw(t, "nanos")
}

// wrap64 is what is left of n in 64 bits.
func wrap64(n *big.Int) int64 {
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}
