package evict_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

// FuzzEvict compares everything that this package computes with big numbers
// and with the algorithms as they are published.
func FuzzEvict(f *testing.F) {
	f.Add(int64(10), 0.85, int64(1), int64(65535), int64(3), int64(60_000), int64(1), int64(65_300_000_000), []byte{3, 1, 2, 0})
	f.Add(int64(math.MaxInt64), 0.999999999, int64(-1), int64(1<<30+1), int64(-1), int64(0), int64(math.MinInt64), int64(math.MaxInt64), []byte{0, 0, 0})
	f.Add(int64(100), 0.29, int64(1<<48), int64(64), int64(200), int64(1), int64(0), int64(-1), []byte{255})
	f.Add(int64(-1), math.NaN(), int64(0), int64(math.MaxInt32), int64(0), int64(-1), int64(-1), int64(0), []byte{})
	f.Add(int64(1<<60), 0.1234567896, int64(9), int64(715827883), int64(70), int64(1), int64(7), int64(9), []byte{0, 1, 2}) // (2^31+1)/3 rejects a third
	f.Add(int64(12), 1.0, int64(42), int64(1), int64(12), int64(1), int64(0), int64(2), []byte{1, 200})
	f.Add(int64(7), 0.0000000005, int64(0x5DEECE66D), int64(0), int64(7), int64(math.MaxInt64), int64(5), int64(5), []byte{7})
	f.Fuzz(func(t *testing.T, size int64, percent float64, seed, bound, limit, interval, first, second int64, draws []byte) {
		checkLimit(t, int(size), percent)
		checkEurekaLimit(t, int32(size), int32(limit))
		checkRandom(t, seed, int(bound))
		checkPick(t, seed, int(uint64(size)%64), int(limit))
		checkSource(t, int(uint64(size)%64), int(limit), draws)
		instants := []int64{first, second, second - first, 0, first}
		checkCompensation(t, time.Duration(interval), instants)
		checkEurekaCompensation(t, interval, instants)
	})
}

func checkLimit(t *testing.T, size int, percent float64) {
	limit, err := evict.Limit(size, percent)
	badSize, badPercent := size < 0, !(percent >= 0 && percent <= 1)
	if names(err, "size") != badSize || names(err, "percent") != badPercent {
		t.Fatalf("Limit(%d, %v) failed with %v", size, percent, err)
	}
	if err != nil {
		return
	}
	// Percent is one of two decimals of nine digits if it lies in the middle.
	billionths := new(big.Rat).SetFloat64(percent)
	billionths.Mul(billionths, big.NewRat(1e9, 1))
	below := new(big.Int).Quo(billionths.Num(), billionths.Denom()).Int64()
	most := big.NewRat(1<<20+1, 1<<21)
	for decimal := below; decimal <= below+1; decimal++ {
		off := new(big.Rat).Sub(billionths, big.NewRat(decimal, 1))
		kept := new(big.Int).Mul(big.NewInt(int64(size)), big.NewInt(decimal))
		kept.Quo(kept, big.NewInt(1e9))
		if off.Abs(off).Cmp(most) <= 0 && int64(limit) == int64(size)-kept.Int64() {
			return
		}
	}
	t.Errorf("Limit(%d, %v) is %d", size, percent, limit)
}

// names reports whether an error is one of this package about a field.
func names(err error, field string) bool {
	return errors.Is(err, evict.ErrInvalid) && strings.Contains(err.Error(), "argument: "+field+" is ")
}

func checkEurekaLimit(t *testing.T, size, kept int32) {
	want := int64(size) - int64(kept)
	if want > math.MaxInt32 {
		want -= 1 << 32
	} else if want < math.MinInt32 {
		want += 1 << 32
	}
	if got := evict.EurekaLimit(size, kept); int64(got) != want {
		t.Errorf("EurekaLimit(%d, %d) is %d, want %d", size, kept, got, want)
	}
}

// published is the generator that Java's documentation specifies, with numbers
// that cannot overflow.
type published struct{ state *big.Int }

func newPublished(seed int64) published {
	state := new(big.Int).SetUint64(uint64(seed) ^ 0x5DEECE66D)
	return published{state.Mod(state, twoTo(48))}
}

func twoTo(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// bits draws the top n of 48 bits.
func (p published) bits(n uint) int64 {
	p.state.Mul(p.state, big.NewInt(0x5DEECE66D))
	p.state.Add(p.state, big.NewInt(0xB))
	p.state.Mod(p.state, twoTo(48))
	return new(big.Int).Rsh(p.state, 48-n).Int64()
}

// below draws a number below a bound: what 31 bits hold is cut into parts of
// equal size, by the high bits if the bound is a power of two, otherwise by
// the rest of what lies below its greatest multiple.
func (p published) below(bound int64) int64 {
	const all = 1 << 31
	if all%bound == 0 {
		return p.bits(31) / (all / bound)
	}
	drawn := p.bits(31)
	for drawn >= all/bound*bound {
		drawn = p.bits(31)
	}
	return drawn % bound
}

func checkRandom(t *testing.T, seed int64, bound int) {
	random, want := evict.NewJavaRandom(seed), newPublished(seed)
	for i := range 6 {
		if bound < 1 || int64(bound) > math.MaxInt32 {
			if got := random.Intn(bound); got != -1 {
				t.Errorf("seed %d: Intn(%d) is %d", seed, bound, got)
			}
		} else if got, want := random.Intn(bound), want.below(int64(bound)); int64(got) != want {
			t.Errorf("seed %d, draw %d: Intn(%d) is %d, want %d", seed, i, bound, got, want)
		}
		if got, want := random.Int32(), int32(want.bits(32)); got != want {
			t.Errorf("seed %d, draw %d: Int32 is %d, want %d", seed, i, got, want)
		}
	}
}

// checkPick draws from a list that gets shorter: of who is left the one at a
// drawn place leaves, and the first takes that place.
func checkPick(t *testing.T, seed int64, n, limit int) {
	candidates := positions(n)
	victims, err := evict.Pick(evict.NewJavaRandom(seed), candidates, limit)
	random, left := newPublished(seed), positions(n)
	want := []int{}
	for len(left) > 0 && len(want) < limit {
		drawn := random.below(int64(len(left)))
		want = append(want, left[drawn])
		left[drawn] = left[0]
		left = left[1:]
	}
	if err != nil || !slices.Equal(victims, want) || cap(victims) != len(victims) {
		t.Errorf("of %d with seed %d: got %v of capacity %d, %v, want %v", n, seed, victims, cap(victims), err, want)
	}
	if !slices.Equal(candidates[len(victims):], left) {
		t.Errorf("of %d with seed %d: %v are left, want %v", n, seed, candidates[len(victims):], left)
	}
}

// checkSource picks by draws that anybody could have made up.
func checkSource(t *testing.T, n, limit int, draws []byte) {
	candidates, asked, refused := positions(n), 0, false
	source := evict.SourceFunc(func(left int) int {
		if left != n-asked || refused {
			t.Errorf("draw %d of %d: asked for one of %d", asked, n, left)
		}
		drawn := -1
		if asked < len(draws) {
			drawn = int(int8(draws[asked]))
		}
		asked, refused = asked+1, drawn < 0 || drawn >= left
		return drawn
	})
	victims, err := evict.Pick(source, candidates, limit)
	if names(err, "the source's draw") != refused || (err != nil) != refused || refused != (victims == nil) {
		t.Errorf("draws %v of %d: got %v, %v", draws, n, victims, err)
	}
	if err == nil && len(victims) != max(0, min(limit, n)) {
		t.Errorf("draws %v of %d: got %d victims, want %d", draws, n, len(victims), limit)
	}
	checkComplete(t, candidates)
}

func checkCompensation(t *testing.T, interval time.Duration, instants []int64) {
	c, err := evict.NewCompensation(interval)
	if names(err, "interval") != (interval <= 0) {
		t.Fatalf("interval %d: %v", interval, err)
	}
	if err != nil {
		return
	}
	for i, nanos := range instants {
		want := int64(0)
		if i > 0 {
			late := new(big.Int).Sub(big.NewInt(nanos), big.NewInt(instants[i-1]))
			if !late.IsInt64() && late.Sign() > 0 {
				late.SetInt64(math.MaxInt64) // the longest that instants can be apart
			}
			if late.Sub(late, big.NewInt(int64(interval))); late.Sign() > 0 {
				want = late.Int64()
			}
		}
		if got := c.Next(time.Unix(0, nanos)); int64(got) != want {
			t.Errorf("pass %d at %d ns, interval %d ns: forgives %d ns, want %d", i, nanos, interval, got, want)
		}
	}
}

func checkEurekaCompensation(t *testing.T, interval int64, instants []int64) {
	c := evict.EurekaCompensation{IntervalMillis: interval}
	previous := int64(0)
	for i, nanos := range instants {
		want := int64(0)
		if previous != 0 {
			late := java(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(previous)))
			late.Quo(late, big.NewInt(1e6))
			want = max(0, java(late.Sub(late, big.NewInt(interval))).Int64())
		}
		if got := c.Next(nanos); got != want {
			t.Errorf("pass %d at %d ns, interval %d ms: forgives %d ms, want %d", i, nanos, interval, got, want)
		}
		previous = nanos
	}
}

// java is a number as a long holds it, which wraps.
func java(n *big.Int) *big.Int {
	n.Add(n, twoTo(63))
	n.Mod(n, twoTo(64))
	return n.Sub(n, twoTo(63))
}
