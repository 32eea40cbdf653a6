package evict_test

import (
	"errors"
	"fmt"
	"math"
	mathrand "math/rand"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/evict"
)

// positions returns n candidates that are numbered from 0 on.
func positions(n int) []int {
	candidates := make([]int, n)
	for i := range candidates {
		candidates[i] = i
	}
	return candidates
}

// checkComplete fails unless candidates are those of positions in any order.
func checkComplete(t *testing.T, candidates []int) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(candidates))
	if want := positions(len(candidates)); !slices.Equal(sorted, want) {
		t.Errorf("candidates: got %v, want all of %v", candidates, want)
	}
}

// script is a source that draws the given numbers, whatever it is asked for,
// and notes the bounds.
type script struct {
	draws, bounds []int
}

func (s *script) Intn(n int) int {
	drawn := s.draws[len(s.bounds)]
	s.bounds = append(s.bounds, n)
	return drawn
}

// sequences calls do with every sequence of draws for limit of n candidates.
func sequences(n, limit int, do func(draws []int)) {
	draws := make([]int, limit)
	var extend func(i int)
	extend = func(i int) {
		if i == limit {
			do(draws)
			return
		}
		for draws[i] = range n - i {
			extend(i + 1)
		}
	}
	extend(0)
}

// Property: over all draws every subset in every order is picked once. Since
// a uniform source makes all draws equally likely, so are all picks.
func TestPickIsUniform(t *testing.T) {
	for n := range 7 {
		for limit := range n + 1 {
			want := 1 // n! / (n-limit)!
			for i := range limit {
				want *= n - i
			}
			picks := make(map[string]int)
			sequences(n, limit, func(draws []int) {
				candidates := positions(n)
				source := &script{draws: draws}
				victims, err := evict.Pick(source, candidates, limit)
				if err != nil || len(victims) != limit {
					t.Fatalf("draws %v: got %v, %v, want %d victims", draws, victims, err, limit)
				}
				for i, bound := range source.bounds {
					if bound != n-i {
						t.Fatalf("draw %d: got a bound of %d, want %d", i, bound, n-i)
					}
				}
				checkComplete(t, candidates)
				picks[fmt.Sprint(victims)]++
			})
			if len(picks) != want {
				t.Errorf("%d of %d: got %d picks, want %d", limit, n, len(picks), want)
			}
			for pick, times := range picks {
				if times != 1 {
					t.Errorf("%d of %d: got %s %d times, want once", limit, n, pick, times)
				}
			}
		}
	}
}

// Quirk E3: next = i + nextInt(n - i), swap, take i.
func TestPickSwapsForwards(t *testing.T) {
	candidates := []string{"a", "b", "c", "d", "e"}
	victims, err := evict.Pick(&script{draws: []int{3, 3, 0}}, candidates, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"d", "e", "c"}; !slices.Equal(victims, want) {
		t.Errorf("victims: got %v, want %v", victims, want)
	}
	if want := []string{"d", "e", "c", "a", "b"}; !slices.Equal(candidates, want) {
		t.Errorf("candidates: got %v, want %v", candidates, want)
	}
}

// Quirk E3 as recorded: the wall clock's milliseconds seed each pass.
func TestPickIsEurekas(t *testing.T) {
	want := []int{18, 9, 12, 3, 0, 11, 23, 14, 20, 15, 19, 2, 1, 16, 22, 21, 7, 8, 13, 6, 5, 17, 4, 10}
	for limit := range len(want) + 1 {
		victims, err := evict.Pick(evict.NewJavaRandom(1700907356513), positions(24), limit)
		if err != nil || !slices.Equal(victims, want[:limit]) {
			t.Errorf("limit %d: got %v, %v, want %v", limit, victims, err, want[:limit])
		}
	}
}

func TestPickTakesAnyLimit(t *testing.T) {
	for name, row := range map[string]struct{ candidates, limit, want int }{
		"nobody of nobody":       {0, 0, 0},
		"some of nobody":         {0, 5, 0},
		"least":                  {5, math.MinInt, 0},
		"negative":               {5, -1, 0},
		"zero":                   {5, 0, 0},
		"one":                    {5, 1, 1},
		"one less than all":      {5, 4, 4},
		"all":                    {5, 5, 5},
		"one more than all":      {5, 6, 5},
		"many more than all":     {5, math.MaxInt, 5},
		"the only one":           {1, 1, 1},
		"negative of nobody":     {0, -1, 0},
		"Eureka's MIN_VALUE":     {5, math.MinInt32, 0}, // E2
		"more than the only one": {1, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			candidates := positions(row.candidates)
			victims, err := evict.Pick(evict.NewJavaRandom(1), candidates, row.limit)
			if err != nil || len(victims) != row.want {
				t.Errorf("got %v, %v, want %d victims", victims, err, row.want)
			}
			checkComplete(t, candidates)
		})
	}
}

func TestPickOfNobodyDrawsNothing(t *testing.T) {
	source := &script{}
	for _, limit := range []int{-1, 0} {
		if victims, err := evict.Pick(source, positions(3), limit); len(victims) != 0 || err != nil {
			t.Errorf("limit %d: got %v, %v, want nobody", limit, victims, err)
		}
	}
	if victims, err := evict.Pick[int](source, nil, 3); len(victims) != 0 || err != nil {
		t.Errorf("no candidates: got %v, %v, want nobody", victims, err)
	}
	if len(source.bounds) != 0 {
		t.Errorf("got draws from %v, want none", source.bounds)
	}
}

func TestVictimsAreTheFrontOfTheCandidates(t *testing.T) {
	candidates := positions(5)
	victims, err := evict.Pick(evict.NewJavaRandom(1), candidates, 2)
	if err != nil {
		t.Fatal(err)
	}
	if &victims[0] != &candidates[0] {
		t.Error("got a copy, want the front of candidates")
	}
	third := candidates[2]
	if grown := append(victims, -1); candidates[2] != third { // must not reach the survivors
		t.Errorf("appending to victims %v: got %d as the third candidate, want %d", grown, candidates[2], third)
	}
}

func TestPickFailsWithoutASource(t *testing.T) {
	candidates := positions(3)
	victims, err := evict.Pick(nil, candidates, 1)
	if victims != nil || !errors.Is(err, evict.ErrInvalid) {
		t.Errorf("got %v, %v, want no victims and ErrInvalid", victims, err)
	}
	if want := positions(3); !slices.Equal(candidates, want) {
		t.Errorf("candidates: got %v, want %v", candidates, want)
	}
}

func TestPickFailsOnADrawOutsideItsRange(t *testing.T) {
	for name, row := range map[string]struct {
		draws []int
		draw  int // how many were drawn at the failure
	}{
		"the bound at first":       {[]int{5}, 1},
		"negative at first":        {[]int{-1}, 1},
		"least at first":           {[]int{math.MinInt}, 1},
		"greatest at first":        {[]int{math.MaxInt}, 1},
		"the bound later":          {[]int{4, 0, 3}, 3},
		"negative later":           {[]int{4, 3, -1}, 3},
		"the whole length later":   {[]int{4, 3, 1, 4}, 4},
		"one of one left":          {[]int{0, 1, 2, 1, 1}, 5},
		"the least that is wrong":  {[]int{1, 1, 1, 2}, 4},
		"negative after a victim":  {[]int{1, -1}, 2},
		"the first bound at third": {[]int{1, 1, 5}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			candidates := positions(5)
			source := &script{draws: row.draws}
			victims, err := evict.Pick(source, candidates, 5)
			if victims != nil || !errors.Is(err, evict.ErrInvalid) {
				t.Errorf("got %v, %v, want no victims and ErrInvalid", victims, err)
			}
			if len(source.bounds) != row.draw {
				t.Errorf("got %d draws, want %d", len(source.bounds), row.draw)
			}
			left := 5 - row.draw + 1
			if want := fmt.Sprintf("must be in [0, %d)", left); err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %s", err, want)
			}
			checkComplete(t, candidates)
		})
	}
}

// The Rand of math/rand is a Source as it is, that of math/rand/v2 through
// SourceFunc; the same state picks the same victims.
func TestPickTakesGosGenerators(t *testing.T) {
	for name, source := range map[string]func(seed uint64) evict.Source{
		"math/rand":    func(seed uint64) evict.Source { return mathrand.New(mathrand.NewSource(int64(seed))) },
		"math/rand/v2": func(seed uint64) evict.Source { return evict.SourceFunc(rand.New(rand.NewPCG(seed, 0)).IntN) },
		"JavaRandom":   func(seed uint64) evict.Source { return evict.NewJavaRandom(int64(seed)) },
	} {
		t.Run(name, func(t *testing.T) {
			pick := func(seed uint64) []int {
				candidates := positions(1000)
				victims, err := evict.Pick(source(seed), candidates, 150)
				if err != nil || len(victims) != 150 {
					t.Fatalf("got %v, %v, want 150 victims", victims, err)
				}
				checkComplete(t, candidates)
				return victims
			}
			first, again, other := pick(1), pick(1), pick(2)
			if !slices.Equal(first, again) {
				t.Errorf("the same seed: got %v, want %v", again, first)
			}
			if slices.Equal(first, other) {
				t.Errorf("another seed: got %v again", other)
			}
		})
	}
}

func TestSourceFuncCallsItsFunction(t *testing.T) {
	double := evict.SourceFunc(func(n int) int { return 2 * n })
	if got, want := double.Intn(21), 42; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	candidates := positions(1000)
	java := evict.NewJavaRandom(1)
	v2 := evict.SourceFunc(rand.New(rand.NewPCG(1, 0)).IntN)
	if got := testing.AllocsPerRun(100, func() {
		_, _ = evict.Pick(java, candidates, 150)
		_, _ = evict.Pick(v2, candidates, 150)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestPickFailsOnTypedNilSources(t *testing.T) {
	for _, source := range []evict.Source{evict.SourceFunc(nil), (*evict.JavaRandom)(nil)} {
		victims, err := evict.Pick(source, []int{1, 2, 3}, 2)
		if victims != nil || !errors.Is(err, evict.ErrInvalid) {
			t.Errorf("%T: got %v, %v, want no victims and ErrInvalid", source, victims, err)
		}
	}
}
