package evict_test

import (
	"math"
	"slices"
	"testing"

	"github.com/leasekernel/leasekernel/evict"
)

// draw returns what n calls of Intn(bound) draw.
func draw(random *evict.JavaRandom, bound, n int) []int {
	drawn := make([]int, n)
	for i := range drawn {
		drawn[i] = random.Intn(bound)
	}
	return drawn
}

// Quirk E3: nextInt(bound) as recorded, of a fresh generator.
func TestIntnIsJavas(t *testing.T) {
	for name, row := range map[string]struct {
		seed  int64
		bound int
		want  []int
	}{
		"a bound that rejects almost never": {0, 65535, []int{47040, 4873, 1159, 1532, 13970, 8108}},
		"a power of two":                    {1, 64, []int{46, 6, 26, 26, 13, 2}},
		"2^30+1 rejects nearly every other": {0, 1<<30 + 1, []int{516548029, 663681053, 251269761, 715581077, 542832677, 827187473}},
		"only 48 bits of the seed count":    {1 << 48, 1<<30 + 1, []int{516548029, 663681053, 251269761}},
		"a bound of 1":                      {1, 1, []int{0, 0, 0}},
		"a bound of 2 takes the high bit":   {1, 2, []int{1, 0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := draw(evict.NewJavaRandom(row.seed), row.bound, len(row.want)); !slices.Equal(got, row.want) {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// Quirk E3: the draws of the first eight victims among 200 and among 64.
func TestIntnDrawsAShuffle(t *testing.T) {
	for _, row := range []struct {
		seed       int64
		candidates int
		want       []int
	}{
		{0, 200, []int{160, 139, 85, 31, 95, 113, 75, 166}},
		{1, 64, []int{46, 46, 47, 38, 14, 40, 56, 52}},
	} {
		random := evict.NewJavaRandom(row.seed)
		for i, want := range row.want {
			if got := random.Intn(row.candidates - i); got != want {
				t.Errorf("seed %d, draw %d: got %d, want %d", row.seed, i, got, want)
			}
		}
	}
}

// Intn rejects what is not below the greatest multiple of the bound in 31 bits
// and draws again. The second bound is a third of 2^31+1, where the sum by
// which Java finds out just overflows.
func TestIntnRejectsTheLastMultiple(t *testing.T) {
	for name, row := range map[string]struct{ bound, least, most int }{
		"2^30+1, rejects half":        {1<<30 + 1, 900, 1100},
		"(2^31+1)/3, rejects a third": {715827883, 450, 550},
		"65535, rejects hardly any":   {65535, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			bits, random := evict.NewJavaRandom(7), evict.NewJavaRandom(7)
			multiple := 1 << 31 / int64(row.bound) * int64(row.bound)
			rejected := 0
			for range 1000 {
				drawn := int64(uint32(bits.Int32()) >> 1)
				for drawn >= multiple {
					rejected++
					drawn = int64(uint32(bits.Int32()) >> 1)
				}
				if got, want := random.Intn(row.bound), int(drawn%int64(row.bound)); got != want {
					t.Fatalf("got %d, want %d", got, want)
				}
			}
			if rejected < row.least || rejected > row.most {
				t.Errorf("rejected: got %d, want %d to %d", rejected, row.least, row.most)
			}
		})
	}
}

// The greatest bound rejects only the greatest of 31 bits.
func TestIntnOfTheGreatestBound(t *testing.T) {
	bits, random := evict.NewJavaRandom(0), evict.NewJavaRandom(0)
	for range 1000 {
		if got, want := random.Intn(math.MaxInt32), int(uint32(bits.Int32())>>1); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestInt32IsNextInt(t *testing.T) {
	for seed, want := range map[int64][]int32{
		0:       {-1155484576, -723955400, 1033096058, -1690734402, -1557280266, 1327362106, -1930858313, 502539523},
		1:       {-1155869325, 431529176, 1761283695, 1749940626, 892128508, 155629808, 1429008869, -1465154083},
		1 << 48: {-1155484576, -723955400},
	} {
		random := evict.NewJavaRandom(seed)
		for i, want := range want {
			if got := random.Int32(); got != want {
				t.Errorf("seed %d, draw %d: got %d, want %d", seed, i, got, want)
			}
		}
	}
}

func TestIntnOutsideJavasBoundsDrawsNothing(t *testing.T) {
	beyond := math.MaxInt32
	beyond++ // 2^31, or where an int has 32 bits the least of them
	for name, bound := range map[string]int{
		"zero": 0, "negative": -1, "least int32": math.MinInt32, "2^31": beyond, "2^32, or 0": 2 * beyond, "least": math.MinInt,
	} {
		t.Run(name, func(t *testing.T) {
			random := evict.NewJavaRandom(1)
			before := *random
			if got := random.Intn(bound); got != -1 {
				t.Errorf("got %d, want -1", got)
			}
			if *random != before {
				t.Error("the state changed")
			}
			if got, want := random.Intn(64), 46; got != want {
				t.Errorf("next draw: got %d, want %d", got, want)
			}
		})
	}
}

func TestSeedStartsAgain(t *testing.T) {
	random := evict.NewJavaRandom(0)
	first := draw(random, 65535, 3)
	draw(random, 1000, 10)
	random.Seed(0)
	if again := draw(random, 65535, 3); !slices.Equal(again, first) {
		t.Errorf("got %v, want %v", again, first)
	}
	random.Seed(-1)
	if got, want := *random, *evict.NewJavaRandom(-1); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestZeroJavaRandomHasTheSeedOfTheMultiplier(t *testing.T) {
	var zero evict.JavaRandom
	if want := evict.NewJavaRandom(0x5DEECE66D); zero != *want {
		t.Errorf("got %v, want %v", zero, *want)
	}
	if got, want := zero.Int32(), int32(0); got != want { // the addend of 11 is not seen yet
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestJavaRandomAllocatesNothing(t *testing.T) {
	random := evict.NewJavaRandom(1)
	if got := testing.AllocsPerRun(100, func() {
		random.Seed(2)
		_ = random.Int32()
		_ = random.Intn(64) + random.Intn(1<<30+1) + random.Intn(0)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
