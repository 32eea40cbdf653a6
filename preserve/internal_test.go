package preserve

import (
	"math"
	"testing"
)

// 2^63 is the float64 of the greatest int64, and no int64 itself: Go would
// leave it to the processor.
func TestTruncatedStopsWhereTheFloatIsOneBeyond(t *testing.T) {
	for x, want := range map[float64]int64{
		1 << 63: math.MaxInt64, 1<<63 - 1024: 1<<63 - 1024, -1 << 63: math.MinInt64, -1<<63 - 2048: math.MinInt64,
	} {
		if got := truncated[int64](x, math.MinInt64, math.MaxInt64); got != want {
			t.Errorf("%v: got %d, want %d", x, got, want)
		}
	}
}

// A fraction that is above a whole number by less than a float64 can show is
// published as the next float64, so that the whole number does not reach it.
func TestAFractionTooSmallToShowIsNotRoundedAway(t *testing.T) {
	for _, whole := range []uint64{1, 16, 1 << 40} {
		for _, rest := range []uint64{0, 1, partsPerRenewal / 2, partsPerRenewal - 1} {
			f := fraction{whole, rest}
			published := f.rounded()
			for count := whole - 1; count <= whole+1; count++ {
				if got, want := float64(count) >= published, f.reachedBy(int64(count)); got != want {
					t.Errorf("%+v, published as %v: %d reaches it: got %v, want %v", f, published, count, got, want)
				}
			}
		}
	}
}
