package fuzz

import (
	"fmt"
	"math"
	"testing"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func TestReactorNamesEveryProblem(t *testing.T) {
	for _, threads := range []int{1, 2, 0, -1, math.MinInt, math.MaxInt} {
		var broken fieldsBroken
		broken.check("threads", threads < 1)
		_, err := heartbeat.NewReactor[int, int](threads)
		checkProblems(t, err, heartbeat.ErrInvalid, broken, fmt.Sprint(threads))
	}
}
