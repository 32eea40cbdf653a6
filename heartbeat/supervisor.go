package heartbeat

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Outcome is how one run of a supervised task ended.
type Outcome uint8

const (
	// Success: the task ended in time. A heartbeat that was answered with an
	// error counts too, as the original sees only that the task returned.
	Success Outcome = iota
	// Timeout: the task did not end within the timeout.
	Timeout
	// Rejected: the executor did not accept the task.
	Rejected
	// Failed: the task threw.
	Failed
)

// String returns "success", "timeout", "rejected" or "failed".
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Timeout:
		return "timeout"
	case Rejected:
		return "rejected"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("heartbeat: invalid argument")

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%w: %s is %v: %s", ErrInvalid, field, value, rule)
}

// Supervisor decides the delay before the next run of a supervised task. A
// timeout doubles the delay up to timeout * bound, a success resets it to the
// timeout, a rejected or failed task leaves it (quirks S1 and S4). The delay
// counts from the end of the run: fixed delay, so that latency lowers the
// rate. Make one with [NewSupervisor]; it belongs to one goroutine.
type Supervisor struct {
	timeout, most, delay time.Duration
}

// NewSupervisor returns the supervisor of a task that may take timeout, and
// whose delay is timeout at first and timeout * bound at most. It fails,
// naming all problems, if timeout is not above zero, bound below 1, or their
// product beyond a [time.Duration].
func NewSupervisor(timeout time.Duration, bound int) (*Supervisor, error) {
	var problems []error
	if timeout <= 0 {
		problems = append(problems, invalid("timeout", timeout, "must be above 0"))
	}
	if bound < 1 {
		problems = append(problems, invalid("bound", bound, "must be at least 1"))
	} else if timeout > math.MaxInt64/time.Duration(bound) {
		problems = append(problems, invalid("bound", bound, fmt.Sprintf("times timeout (%v) must fit a time.Duration", timeout)))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &Supervisor{timeout: timeout, most: timeout * time.Duration(bound), delay: timeout}, nil
}

// Delay returns the delay that stands: before the first run the timeout, then
// what Next returned last.
func (s *Supervisor) Delay() time.Duration { return s.delay }

// Next returns the delay before the next run, given how this one ended. An
// outcome that is none of the constants leaves the delay as it is.
func (s *Supervisor) Next(outcome Outcome) time.Duration {
	switch {
	case outcome == Success:
		s.delay = s.timeout
	case outcome == Timeout && s.delay > s.most/2:
		s.delay = s.most
	case outcome == Timeout:
		s.delay *= 2
	}
	return s.delay
}

// EurekaSupervisor is Eureka's TimedSupervisorTask in the original's units:
// milliseconds that no [time.Duration] need hold. Make one with
// [NewEurekaSupervisor]; it belongs to one goroutine.
type EurekaSupervisor struct {
	// AfterShutdown makes the task schedule itself again although the
	// scheduler was shut down, as up to v1.4.12; v1.5.0 and later do not
	// (quirk S3).
	AfterShutdown bool

	timeout, most, delay int64
}

// NewEurekaSupervisor returns a supervisor that takes any values, as the
// original does: with a bound of 0 a timeout is followed by a busy loop, with
// a negative one by a negative delay (quirk S2), and products wrap at 64
// bits. Eureka's defaults are 30000 and 10.
func NewEurekaSupervisor(timeoutMillis int64, bound int32) *EurekaSupervisor {
	return &EurekaSupervisor{timeout: timeoutMillis, most: timeoutMillis * int64(bound), delay: timeoutMillis}
}

// DelayMillis returns the delay that stands, in milliseconds: before the first
// run the timeout, then what the outcomes made of it.
func (s *EurekaSupervisor) DelayMillis() int64 { return s.delay }

// Next returns the delay in milliseconds before the next run, given how this
// one ended and whether the scheduler was shut down by then. The task is not
// run again if again is false. An outcome that is none of the constants leaves
// the delay as it is.
func (s *EurekaSupervisor) Next(outcome Outcome, shutdown bool) (millis int64, again bool) {
	switch outcome {
	case Success:
		s.delay = s.timeout
	case Timeout:
		s.delay = min(s.most, s.delay*2)
	}
	if shutdown && !s.AfterShutdown {
		return 0, false
	}
	return s.delay, true
}
