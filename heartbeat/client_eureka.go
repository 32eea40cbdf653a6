package heartbeat

import (
	"errors"
	"time"
)

// EurekaClient is the heartbeat loop of Netflix Eureka's client, one run of
// its supervised task after the other. It assumes that the client registers by
// itself when it starts, as the original does elsewhere. Make one with
// [NewEurekaClient].
//
// A run is one renewal, and a registration at once if the server does not know
// the lease; the run may last one interval in all. Whatever else is answered
// is swallowed, a failed registration too, and is a success to the
// supervisor: no back-off. Only a run that does not end in time is a time-out,
// which doubles the delay up to bound intervals (quirks S1 and S4). The delay
// counts from the end of the run, so that clients which are answered together
// stay together.
//
// What a server asks for in a [Reply] is not looked at: the original's has no
// way of asking.
type EurekaClient struct {
	supervisor *Supervisor
	interval   time.Duration
	began      time.Time // the run
	plan       plan
}

// NewEurekaClient returns the loop that starts at instant now; the first
// renewal is due an interval later. Eureka's defaults are 30 seconds and a
// bound of 10. It fails, naming all problems, if interval is not above zero,
// bound below 1, or their product beyond a [time.Duration].
func NewEurekaClient(now time.Time, interval time.Duration, bound int) (*EurekaClient, error) {
	var problem error
	timeout := interval
	if interval <= 0 {
		problem = invalid("interval", interval, "must be above 0")
		timeout = 1 // to hear about the bound
	}
	supervisor, err := NewSupervisor(timeout, bound)
	if err := errors.Join(problem, err); err != nil {
		return nil, err
	}
	return &EurekaClient{supervisor: supervisor, interval: interval, plan: plan{made: now, at: now.Add(interval)}}, nil
}

// Next returns the request that comes next and when it is due, see [Client].
func (c *EurekaClient) Next(now time.Time) (at time.Time, request Request) {
	return c.plan.due(now), c.plan.request
}

// Sent begins a run with a renewal, or goes on with the registration, and
// returns what is left of the run's time: the interval at first.
func (c *EurekaClient) Sent(now time.Time) (timeout time.Duration) {
	if c.plan.request == Renewal || now.Before(c.began) {
		c.began = now
	}
	return max(0, c.interval-now.Sub(c.began))
}

// Done goes on with the registration if the lease is unknown, and else ends
// the run.
func (c *EurekaClient) Done(now time.Time, reply Reply) {
	inTime := now.Sub(c.began) < c.interval
	if inTime && c.plan.request == Renewal && reply.Kind == Unknown {
		c.plan = plan{made: now, at: now, request: Registration}
		return
	}
	outcome := Success
	if !inTime {
		outcome = Timeout
	}
	c.plan = plan{made: now, at: now.Add(c.supervisor.Next(outcome))}
}
