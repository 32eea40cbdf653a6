package fuzz

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/leasekernel/leasekernel/evict"
)

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

func TestPickReportsAMissingSource(t *testing.T) {
	for _, missing := range []evict.Source{nil, evict.SourceFunc(nil)} {
		_, err := evict.Pick(missing, row(3), 1)
		refusesBadDraws.Holds(t, errors.Is(err, evict.ErrInvalid), "no source: %v", err)
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
			picksAllAlike.Holds(t, len(outcomes) == sequences, "%d of %d: %d outcomes of %d sequences", limit, n, len(outcomes), sequences)
		}
	}
}

func TestCompensationNamesItsProblem(t *testing.T) {
	for _, interval := range fields {
		var broken fieldsBroken
		broken.check("interval", interval <= 0)
		_, err := evict.NewCompensation(interval)
		checkProblems(t, err, evict.ErrInvalid, broken, interval)
	}
}
