package preserve_test

import (
	"math"
	"testing"

	"github.com/leasekernel/leasekernel/preserve"
)

// Quirk T1.
func TestJavaIntTruncatesTowardZeroAndStopsAtTheEnds(t *testing.T) {
	for name, row := range map[string]struct {
		x    float64
		want int32
	}{
		"zero":                   {0, 0},
		"negative zero":          {math.Copysign(0, -1), 0},
		"below one":              {0.9999999999999999, 0},
		"above minus one":        {-0.9999999999999999, 0},
		"positive fraction":      {17.85, 17},
		"negative fraction":      {-17.85, -17},
		"whole":                  {1870000000, 1870000000},
		"last fraction below":    {2147483646.9, 2147483646},
		"greatest int":           {2147483647, math.MaxInt32},
		"fraction above the int": {2147483647.5, math.MaxInt32},
		"2^31":                   {2147483648, math.MaxInt32},
		"far above":              {1e300, math.MaxInt32},
		"infinity":               {math.Inf(1), math.MaxInt32},
		"last fraction above":    {-2147483647.9, -2147483647},
		"least int":              {-2147483648, math.MinInt32},
		"fraction below the int": {-2147483648.5, math.MinInt32},
		"far below":              {-1e300, math.MinInt32},
		"negative infinity":      {math.Inf(-1), math.MinInt32},
		"not a number":           {math.NaN(), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := preserve.JavaInt(row.x); got != row.want {
				t.Errorf("JavaInt(%v): got %d, want %d", row.x, got, row.want)
			}
		})
	}
}

// A percent that bilibili's own code never has: Go would leave the threshold
// to the processor.
func TestBilibilisThresholdIsTheSameOnAllProcessors(t *testing.T) {
	for percent, want := range map[float64]int64{
		math.Inf(1): math.MaxInt64, math.Inf(-1): math.MinInt64, 1e300: math.MaxInt64, 0.85: 17,
	} {
		check(t, opened(t, config(preserve.Bilibili, percent, 0), 10), 20, want)
	}
	check(t, opened(t, config(preserve.Bilibili, math.NaN(), 0), 10), 20, 0)
}
