package replay

import (
	"errors"
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

type rateOutput struct {
	Count   int64   `json:"n"`
	Firings []int64 `json:"f,omitempty"`
	Error   string  `json:"e,omitempty"`
}

func replayRate(line []byte, c *checker) error {
	var recorded caseOf[struct {
		Interval int64       `json:"interval"`
		T0       int64       `json:"t0"`
		Ops      []operation `json:"ops"`
	}, []rateOutput]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	interval := time.Duration(recorded.Inputs.Interval) * time.Millisecond
	run := rateRun{wall: recorded.Inputs.T0, meter: ratemeter.NewMeasuredRate(interval)}
	return eachOperation(c, recorded.Inputs.Ops, recorded.Outputs, func(op operation, want rateOutput) error {
		got, err := run.apply(op)
		if err != nil {
			return err
		}
		c.check("getCount()", got.Count, want.Count)
		c.check("exception", got.Error, want.Error)
		checkEach(c, "firings", got.Firings, want.Firings)
		return nil
	})
}

// rateRun is the meter with the thread that drives it: it sleeps on the
// monotonic clock for as long as NextTick says on the wall clock.
type rateRun struct {
	meter *ratemeter.MeasuredRate
	mono  int64 // milliseconds since the start
	wall  int64 // epoch milliseconds
	wake  int64 // mono until which the thread sleeps, if the meter runs
}

func (r *rateRun) now() time.Time { return time.UnixMilli(r.wall) }

func (r *rateRun) advance(millis int64) { r.mono, r.wall = r.mono+millis, r.wall+millis }

func (r *rateRun) apply(op operation) (rateOutput, error) {
	var out rateOutput
	argument, err := op.first()
	if err != nil {
		return out, err
	}
	switch op.name {
	case "start":
		out.Error = r.start()
	case "stop":
		r.meter.Stop()
	case "inc":
		for range argument {
			r.meter.Increment()
		}
	case "adv":
		for end := r.mono + argument; r.mono < end || r.due(); {
			if !r.due() {
				r.advance(r.untilWake(end))
			}
			out.Firings = r.tick(out.Firings)
		}
	case "pause":
		r.advance(argument)
		out.Firings = r.tick(out.Firings)
	case "step":
		r.wall += argument
	default:
		return out, op.unknown()
	}
	out.Count = r.meter.Count()
	return out, nil
}

func (r *rateRun) start() (exception string) {
	_, was := r.meter.NextTick()
	err := r.meter.Start(r.now())
	if err == nil && !was {
		r.sleep()
	}
	return javaException(err)
}

// due reports whether the thread is awake.
func (r *rateRun) due() bool {
	_, running := r.meter.NextTick()
	return running && r.mono >= r.wake
}

// untilWake returns the time that passes until the thread wakes, or until end
// if that is earlier.
func (r *rateRun) untilWake(end int64) int64 {
	if _, running := r.meter.NextTick(); running && r.wake < end {
		return r.wake - r.mono
	}
	return end - r.mono
}

// tick lets the thread look at the clock if it is awake.
func (r *rateRun) tick(firings []int64) []int64 {
	if !r.due() {
		return firings
	}
	if r.meter.Tick(r.now()) {
		firings = append(firings, r.mono)
	}
	r.sleep()
	return firings
}

func (r *rateRun) sleep() {
	at, _ := r.meter.NextTick()
	r.wake = r.mono + at.Sub(r.now()).Milliseconds()
}

// javaException is the recorded text of the exception behind an error.
func javaException(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ratemeter.ErrNegativeDelay):
		return "IllegalArgumentException: Negative delay."
	case errors.Is(err, ratemeter.ErrNonPositivePeriod):
		return "IllegalArgumentException: Non-positive period."
	case errors.Is(err, ratemeter.ErrIllegalExecutionTime):
		return "IllegalArgumentException: Illegal execution time."
	case errors.Is(err, ratemeter.ErrTimerCancelled):
		return "IllegalStateException: Timer already cancelled."
	}
	return err.Error()
}
