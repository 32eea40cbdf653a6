package evict_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

// kept is what preserve.Calculator.Keep returns for numbers in range.
func kept(size int, percent float64) int32 { return int32(float64(size) * percent) }

func TestLimitLeavesTheWholePartOfThePercent(t *testing.T) {
	for name, row := range map[string]struct {
		size    int
		percent float64
		want    int
	}{
		"no leases":                {0, 0.85, 0},
		"the only lease may go":    {1, 0.85, 1},
		"6 leases":                 {6, 0.85, 1},
		"7 leases":                 {7, 0.85, 2},
		"10 leases":                {10, 0.85, 2},
		"20 leases":                {20, 0.85, 3},
		"1000 leases":              {1000, 0.85, 150},
		"percent 0 lets all go":    {24, 0, 24},
		"percent -0 is 0":          {24, math.Copysign(0, -1), 24},
		"percent 1 lets none go":   {24, 1, 0},
		"percent 1 of none":        {0, 1, 0},
		"percent 1 of the most":    {math.MaxInt, 1, 0},
		"percent 0 of the most":    {math.MaxInt, 0, math.MaxInt},
		"half of the most":         {math.MaxInt, 0.5, math.MaxInt/2 + 1},
		"a billionth too little":   {10, 0.999999999, 1},
		"a billionth of a billion": {1_000_000_000, 1e-9, 999_999_999},
		"the tenth digit goes":     {10, 0.3000000004, 7},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := evict.Limit(row.size, row.percent); got != row.want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, row.want)
			}
		})
	}
}

func TestLimitRefusesWhatIsNoSizeOrPercent(t *testing.T) {
	for name, row := range map[string]struct {
		size    int
		percent float64
		want    []string // the arguments that the error names
	}{
		"negative size":     {-1, 0.85, []string{"size"}},
		"least size":        {math.MinInt, 0.85, []string{"size"}},
		"percent below 0":   {10, -0.01, []string{"percent"}},
		"percent above 1":   {10, math.Nextafter(1, 2), []string{"percent"}},
		"percent NaN":       {10, math.NaN(), []string{"percent"}},
		"percent +Inf":      {10, math.Inf(1), []string{"percent"}},
		"percent -Inf":      {10, math.Inf(-1), []string{"percent"}},
		"both, and both so": {-1, 2, []string{"size", "percent"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := evict.Limit(row.size, row.percent)
			if got != 0 || !errors.Is(err, evict.ErrInvalid) {
				t.Fatalf("got %d, %v, want 0 and ErrInvalid", got, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("got %d problems, want %d: %v", len(lines), len(row.want), err)
			}
			for i, argument := range row.want {
				if want := "evict: invalid argument: " + argument + " is "; !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want it to start with %q", lines[i], want)
				}
			}
		})
	}
}

// Quirk E1: the product of binary fractions is truncated, and so Eureka now
// and then evicts one lease more.
func TestEurekaLimitShowsBinaryFractions(t *testing.T) {
	for name, row := range map[string]struct {
		size          int
		percent       float64
		eureka, exact int
	}{
		"0.29 of 100": {100, 0.29, 72, 71},
		"0.57 of 100": {100, 0.57, 44, 43},
		"0.58 of 100": {100, 0.58, 43, 42},
		"0.58 of 50":  {50, 0.58, 22, 21},
		"0.35 of 180": {180, 0.35, 118, 117},
		"0.7 of 90":   {90, 0.7, 28, 27},
		"0.57 of 90":  {90, 0.57, 39, 39},
		"0.58 of 90":  {90, 0.58, 38, 38},
		"0.35 of 90":  {90, 0.35, 59, 59},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evict.EurekaLimit(int32(row.size), kept(row.size, row.percent)); int(got) != row.eureka {
				t.Errorf("Eureka: got %d, want %d", got, row.eureka)
			}
			if got, err := evict.Limit(row.size, row.percent); got != row.exact || err != nil {
				t.Errorf("exact: got %d, %v, want %d", got, err, row.exact)
			}
		})
	}
}

// Quirk E1: "0.85 never up to 200 000".
func TestEurekaLimitIsExactForTheDefaultPercent(t *testing.T) {
	for size := range 200_001 {
		want := int(evict.EurekaLimit(int32(size), kept(size, 0.85)))
		if got, err := evict.Limit(size, 0.85); got != want || err != nil {
			t.Fatalf("%d leases: got %d, %v, want %d", size, got, err, want)
		}
	}
}

// Property: for a percent of three digits the limit is the one that integers
// give, and somebody may go unless percent is 1 or nobody is there.
func TestLimitIsTheDecimalOne(t *testing.T) {
	for thousandths := range 1001 {
		for size := range 120 {
			want := size - size*thousandths/1000
			got, err := evict.Limit(size, float64(thousandths)/1000)
			if got != want || err != nil {
				t.Fatalf("%d of %d/1000: got %d, %v, want %d", size, thousandths, got, err, want)
			}
			if somebody := got > 0; somebody != (size > 0 && thousandths < 1000) {
				t.Fatalf("%d of %d/1000: got %d", size, thousandths, got)
			}
		}
	}
}

// Quirk E2: what is kept may be anything, and the subtraction overflows.
func TestEurekaLimitOverflows(t *testing.T) {
	for name, row := range map[string]struct{ size, kept, want int32 }{
		"truncated inside":                 {1, 0, 1}, // E1: a single lease goes
		"6 leases":                         {6, 5, 1},
		"10 leases":                        {10, 8, 2},
		"percent 1":                        {24, 24, 0},
		"percent 2 evicts nobody":          {24, 48, -24},
		"percent -1 evicts all":            {24, -24, 48},
		"NaN evicts all":                   {24, 0, 24},
		"NaN of nobody":                    {0, 0, 0},
		"infinity evicts nobody":           {24, math.MaxInt32, -2147483623},
		"-infinity overflows to nobody":    {252, math.MinInt32, -2147483396}, // as recorded
		"-infinity of none overflows too":  {0, math.MinInt32, math.MinInt32},
		"one above the least":              {0, math.MinInt32 + 1, math.MaxInt32},
		"one lease and one above the same": {1, math.MinInt32 + 1, math.MinInt32},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evict.EurekaLimit(row.size, row.kept); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}

// 1 000 expired leases of 1 000, preservation off: 34 passes.
func TestEverybodyIsGoneAfter34Passes(t *testing.T) {
	exact := func(size int) int {
		limit, err := evict.Limit(size, 0.85)
		if err != nil {
			t.Fatal(err)
		}
		return limit
	}
	eureka := func(size int) int { return int(evict.EurekaLimit(int32(size), kept(size, 0.85))) }
	for name, limit := range map[string]func(int) int{"exact": exact, "Eureka": eureka} {
		t.Run(name, func(t *testing.T) {
			left := positions(1000)
			evicted := make(map[int]int)
			passes := 0
			for ; len(left) > 0; passes++ {
				victims, err := evict.Pick(evict.NewJavaRandom(1_700_000_000_000+int64(passes)*60_000), left, limit(len(left)))
				if err != nil {
					t.Fatal(err)
				}
				for _, victim := range victims {
					evicted[victim]++
				}
				left = left[len(victims):]
			}
			if passes != 34 {
				t.Errorf("passes: got %d, want 34", passes)
			}
			for position := range 1000 {
				if evicted[position] != 1 {
					t.Errorf("lease %d: got %d evictions, want 1", position, evicted[position])
				}
			}
		})
	}
}

func TestErrorsNameTheArgumentTheValueAndTheRule(t *testing.T) {
	_, badLimit := evict.Limit(-1, 2)
	_, badCompensation := evict.NewCompensation(-time.Second)
	for want, err := range map[string]error{
		"size is -1: must not be negative\n" +
			"evict: invalid argument: percent is 2: must be a number from 0 to 1": badLimit,
		"interval is -1s: must be above 0": badCompensation,
	} {
		if want = "evict: invalid argument: " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestLimitAllocatesNothing(t *testing.T) {
	if got := testing.AllocsPerRun(100, func() {
		_, _ = evict.Limit(1000, 0.85)
		_ = evict.EurekaLimit(1000, 850)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
