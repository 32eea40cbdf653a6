package fuzz

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/leasekernel/leasekernel/heartbeat"
	"pgregory.net/rapid"
)

const (
	delaysAsModelled law = "the delay is the timeout after a success, twice as long up to the most after a timeout, and otherwise as it was"
	delayWithinBound law = "a delay is never shorter than the timeout nor longer than timeout * bound"
	runsAgain        law = "a task runs again unless the scheduler was shut down and the release heeds it"
)

var anyOutcome = rapid.SampledFrom([]heartbeat.Outcome{
	heartbeat.Success, heartbeat.Timeout, heartbeat.Timeout, heartbeat.Rejected, heartbeat.Failed, heartbeat.Outcome(17),
})

func TestSupervisorModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		timeout := drawPositive.Draw(t, "timeout")
		most := int(min(math.MaxInt64/int64(timeout), math.MaxInt))
		bound := rapid.OneOf(rapid.IntRange(1, min(most, 12)), rapid.IntRange(1, most)).Draw(t, "bound")
		supervisor, err := heartbeat.NewSupervisor(timeout, bound)
		delaysAsModelled.holds(t, err == nil, "timeout %v, bound %d: %v", timeout, bound, err)

		longest := new(big.Int).Mul(big.NewInt(int64(timeout)), big.NewInt(int64(bound)))
		delay := sumOf(timeout)
		for range rapid.IntRange(1, 80).Draw(t, "runs") {
			outcome := anyOutcome.Draw(t, "outcome")
			switch outcome {
			case heartbeat.Success:
				delay = sumOf(timeout)
			case heartbeat.Timeout:
				if delay.Add(delay, delay); delay.Cmp(longest) > 0 {
					delay.Set(longest)
				}
			}
			got := supervisor.Next(outcome)
			delayWithinBound.holds(t, got >= timeout && sumOf(got).Cmp(longest) <= 0, "%v, timeout %v, bound %d", got, timeout, bound)
			delaysAsModelled.holds(t, sumOf(got).Cmp(delay) == 0, "%v after %v, not %v ns", got, outcome, delay)
		}
	})
}

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

// The model takes anything, as the original does, and wraps where it does.
func TestEurekaSupervisorModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		timeout := rapid.OneOf(
			rapid.SampledFrom([]int64{30_000, 0, 1, -1, math.MaxInt32 * 1000, math.MaxInt64, math.MinInt64}),
			rapid.Int64(),
		).Draw(t, "timeout ms")
		bound := rapid.OneOf(rapid.SampledFrom([]int32{10, 0, 1, -1, math.MaxInt32, math.MinInt32}), rapid.Int32()).Draw(t, "bound")
		supervisor := heartbeat.NewEurekaSupervisor(timeout, bound)
		supervisor.AfterShutdown = rapid.Bool().Draw(t, "after shutdown")

		longest := wrap64(new(big.Int).Mul(big.NewInt(timeout), big.NewInt(int64(bound))))
		delay := timeout
		for range rapid.IntRange(1, 80).Draw(t, "runs") {
			outcome, shutdown := anyOutcome.Draw(t, "outcome"), rapid.Bool().Draw(t, "shut down")
			switch outcome {
			case heartbeat.Success:
				delay = timeout
			case heartbeat.Timeout:
				delay = min(longest, wrap64(new(big.Int).Lsh(big.NewInt(delay), 1)))
			}
			got, again := supervisor.Next(outcome, shutdown)
			runsAgain.holds(t, again == (!shutdown || supervisor.AfterShutdown), "%t, shut down %t", again, shutdown)
			delaysAsModelled.holds(t, !again || got == delay, "%d ms after %v, not %d", got, outcome, delay)
		}
	})
}
