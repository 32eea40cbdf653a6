package fuzz

import (
	"math"
	"math/big"
	"math/rand/v2"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
)

var drawsLikeJava = law.New("draws-like-java", "JavaRandom draws what java.util.Random's published algorithm does, from any seed and below any bound")

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

// javaModel is the generator as Java's documentation has it, in unbounded
// integers.
type javaModel struct{ state *big.Int }

var (
	javaModulus    = new(big.Int).Lsh(big.NewInt(1), 48)
	javaMultiplier = big.NewInt(0x5DEECE66D)
)

func newJavaModel(seed int64) *javaModel {
	scrambled := new(big.Int).Xor(new(big.Int).Mod(big.NewInt(seed), javaModulus), javaMultiplier)
	return &javaModel{state: scrambled}
}

// next returns the top bits of the next state as a signed number.
func (m *javaModel) next(bits uint) int64 {
	m.state.Mul(m.state, javaMultiplier).Add(m.state, big.NewInt(11)).Mod(m.state, javaModulus)
	top := new(big.Int).Rsh(m.state, 48-bits).Int64()
	if top > math.MaxInt32 {
		top -= 1 << 32
	}
	return top
}

// intn is -1, and draws nothing, where Java throws or has no such int.
func (m *javaModel) intn(bound int64) int64 {
	if bound <= 0 || bound > math.MaxInt32 {
		return -1
	}
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
		"next-int": func(t *trace.T) {
			got, want := random.Int32(), model.next(32)
			drawsLikeJava.Holds(t, int64(got) == want, "%d, not %d", got, want)
		},
		"next-int-below": func(t *trace.T) {
			bound := drawBound.Draw(t, "bound")
			got, want := random.Intn(bound), model.intn(int64(bound))
			drawsLikeJava.Holds(t, int64(got) == want, "%d, not %d, below %d", got, want, bound)
		},
		"seed": func(t *trace.T) {
			seed := trace.Int64().Draw(t, "seed")
			random.Seed(seed)
			model = newJavaModel(seed)
		},
	}
}}

// drawBound draws a bound, often a power of two, or one where almost every
// second number is rejected, or none at all.
var drawBound = trace.OneOf(
	trace.IntRange(1, math.MaxInt32),
	trace.Map(trace.IntRange(0, 30), func(bits int) int { return 1 << bits }),
	trace.SampledFrom([]int{1<<30 + 1, math.MaxInt32, math.MaxInt32 - 1, 3}),
	trace.SampledFrom([]int{0, -1, math.MinInt, math.MinInt + 1, math.MaxInt}),
)
