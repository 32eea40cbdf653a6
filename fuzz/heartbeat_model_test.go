package fuzz

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func TestSupervisorNamesEveryProblem(t *testing.T) {
	for _, timeout := range fields {
		for _, bound := range []int{1, 2, 3, 10, 0, -1, math.MinInt, math.MaxInt, math.MaxInt32} {
			product := new(big.Int).Mul(big.NewInt(int64(timeout)), big.NewInt(int64(bound)))
			var broken fieldsBroken
			broken.check("timeout", timeout <= 0)
			broken.check("bound", bound < 1 || product.Cmp(big.NewInt(math.MaxInt64)) > 0)
			_, err := heartbeat.NewSupervisor(timeout, bound)
			checkProblems(t, err, heartbeat.ErrInvalid, broken, fmt.Sprint(timeout, " ", bound))
		}
	}
}
