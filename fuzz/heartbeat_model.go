package fuzz

import (
	"math"
	"math/big"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	delaysAsModelled = law.New("delays-as-modelled", "the delay is the timeout after a success, twice as long up to the most after a timeout, and otherwise as it was")
	delayWithinBound = law.New("delay-within-bound", "a delay is never shorter than the timeout nor longer than timeout * bound")
	runsAgain        = law.New("runs-again", "a task runs again unless the scheduler was shut down and the release heeds it")
)

var anyOutcome = trace.SampledFrom([]heartbeat.Outcome{
	heartbeat.Success, heartbeat.Timeout, heartbeat.Timeout, heartbeat.Rejected, heartbeat.Failed, heartbeat.Outcome(17),
})

var driveSupervisor = oneShot("supervisor", func(t *trace.T) {
	timeout := drawPositive.Draw(t, "timeout")
	most := int(min(math.MaxInt64/int64(timeout), math.MaxInt))
	bound := trace.OneOf(trace.IntRange(1, min(most, 12)), trace.IntRange(1, most)).Draw(t, "bound")
	supervisor, err := heartbeat.NewSupervisor(timeout, bound)
	delaysAsModelled.Holds(t, err == nil, "timeout %v, bound %d: %v", timeout, bound, err)

	longest := new(big.Int).Mul(big.NewInt(int64(timeout)), big.NewInt(int64(bound)))
	delay := sumOf(timeout)
	for range trace.IntRange(1, 80).Draw(t, "runs") {
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
		delayWithinBound.Holds(t, got >= timeout && sumOf(got).Cmp(longest) <= 0, "%v, timeout %v, bound %d", got, timeout, bound)
		delaysAsModelled.Holds(t, sumOf(got).Cmp(delay) == 0, "%v after %v, not %v ns", got, outcome, delay)
	}
})

// The model takes anything, as the original does, and wraps where it does.
var driveEurekaSupervisor = oneShot("eureka-supervisor", func(t *trace.T) {
	timeout := trace.OneOf(
		trace.SampledFrom([]int64{30_000, 0, 1, -1, math.MaxInt32 * 1000, math.MaxInt64, math.MinInt64}),
		trace.Int64(),
	).Draw(t, "timeout ms")
	bound := trace.OneOf(trace.SampledFrom([]int32{10, 0, 1, -1, math.MaxInt32, math.MinInt32}), trace.Int32()).Draw(t, "bound")
	supervisor := heartbeat.NewEurekaSupervisor(timeout, bound)
	supervisor.AfterShutdown = trace.Bool().Draw(t, "after shutdown")

	longest := wrap64(new(big.Int).Mul(big.NewInt(timeout), big.NewInt(int64(bound))))
	delay := timeout
	for range trace.IntRange(1, 80).Draw(t, "runs") {
		outcome, shutdown := anyOutcome.Draw(t, "outcome"), trace.Bool().Draw(t, "shut down")
		switch outcome {
		case heartbeat.Success:
			delay = timeout
		case heartbeat.Timeout:
			delay = min(longest, wrap64(new(big.Int).Lsh(big.NewInt(delay), 1)))
		}
		got, again := supervisor.Next(outcome, shutdown)
		runsAgain.Holds(t, again == (!shutdown || supervisor.AfterShutdown), "%t, shut down %t", again, shutdown)
		delaysAsModelled.Holds(t, !again || got == delay, "%d ms after %v, not %d", got, outcome, delay)
	}
})
