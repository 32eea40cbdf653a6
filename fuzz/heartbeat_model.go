package fuzz

import (
	"math"
	"math/big"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	delayWithinBound = law.New("delay-within-bound", "the delay between two runs of a supervised task is never shorter than the timeout nor longer than timeout * bound")
	backsOff         = law.New("backs-off", "a timeout doubles the delay up to timeout * bound, a success ends that, and a failure leaves it")
	backsOffAsEureka = law.New("backs-off-as-eureka", "the delay is TimedSupervisorTask's for any numbers, negative ones and those that overflow included")
	endsAsEureka     = law.New("ends-as-eureka", "a supervised task runs again unless the scheduler was shut down and the release heeds that")
)

var anyOutcome = trace.SampledFrom([]heartbeat.Outcome{
	heartbeat.Success, heartbeat.Timeout, heartbeat.Timeout, heartbeat.Rejected, heartbeat.Failed, heartbeat.Outcome(17),
})

var driveSupervisor = trace.Machine{Name: "supervisor", Start: func(t *trace.T) trace.Operations {
	timeout := drawPositive.Draw(t, "timeout")
	most := int(min(math.MaxInt64/int64(timeout), math.MaxInt))
	bound := trace.OneOf(trace.IntRange(1, min(most, 12)), trace.IntRange(1, most)).Draw(t, "bound")
	supervisor, err := heartbeat.NewSupervisor(timeout, bound)
	refusesOnlyBadInput.Holds(t, err == nil, "timeout %v, bound %d: %v", timeout, bound, err)

	longest := new(big.Int).Mul(big.NewInt(int64(timeout)), big.NewInt(int64(bound)))
	delay := sumOf(timeout)
	return trace.Operations{
		"": func(t *trace.T) {
			got := supervisor.Delay()
			delayWithinBound.Holds(t, got >= timeout && sumOf(got).Cmp(longest) <= 0, "%v, timeout %v, bound %d", got, timeout, bound)
			backsOff.Holds(t, sumOf(got).Cmp(delay) == 0, "%v, not %v ns", got, delay)
		},
		"run": func(t *trace.T) {
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
			backsOff.Holds(t, got == supervisor.Delay(), "%v after %v, and then %v", got, outcome, supervisor.Delay())
		},
	}
}}

// The model takes anything, as the original does, and wraps where it does.
var driveEurekaSupervisor = trace.Machine{Name: "eureka-supervisor", Start: func(t *trace.T) trace.Operations {
	timeout := trace.OneOf(
		trace.SampledFrom([]int64{30_000, 0, 1, -1, math.MaxInt32 * 1000, math.MaxInt64, math.MinInt64}),
		trace.Int64(),
	).Draw(t, "timeout in ms")
	bound := trace.OneOf(trace.SampledFrom([]int32{10, 0, 1, -1, math.MaxInt32, math.MinInt32}), trace.Int32()).Draw(t, "bound")
	supervisor := heartbeat.NewEurekaSupervisor(timeout, bound)
	supervisor.AfterShutdown = trace.Bool().Draw(t, "after shutdown")

	longest := wrap64(new(big.Int).Mul(big.NewInt(timeout), big.NewInt(int64(bound))))
	delay := timeout
	return trace.Operations{
		"": func(t *trace.T) {
			got := supervisor.DelayMillis()
			backsOffAsEureka.Holds(t, got == delay, "%d ms, not %d", got, delay)
		},
		"run": func(t *trace.T) {
			outcome, shutdown := anyOutcome.Draw(t, "outcome"), trace.Bool().Draw(t, "shut down")
			switch outcome {
			case heartbeat.Success:
				delay = timeout
			case heartbeat.Timeout:
				delay = min(longest, wrap64(new(big.Int).Lsh(big.NewInt(delay), 1)))
			}
			got, again := supervisor.Next(outcome, shutdown)
			endsAsEureka.Holds(t, again == (!shutdown || supervisor.AfterShutdown), "%t, shut down %t", again, shutdown)
			backsOffAsEureka.Holds(t, !again || got == delay, "%d ms after %v, not %d", got, outcome, delay)
		},
	}
}}
