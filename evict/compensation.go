package evict

import "time"

// Compensation is how much a pass that comes late forgives the leases: the
// time since the previous pass beyond the interval between passes. It is
// added to every lease's term in that one pass. Make one with
// [NewCompensation]; it belongs to the one goroutine that runs the passes.
type Compensation struct {
	interval time.Duration
	previous time.Time
	started  bool
}

// NewCompensation returns the compensation for passes that are planned one
// interval apart. It fails if the interval is not above zero.
func NewCompensation(interval time.Duration) (*Compensation, error) {
	if interval <= 0 {
		return nil, invalid("interval", interval, "must be above 0")
	}
	return &Compensation{interval: interval}, nil
}

// Next returns the compensation of the pass at instant now, to the
// nanosecond: 0 for the first pass, and never below 0. The lateness is
// measured on the monotonic clock where the instants carry one, so that a
// step of the wall clock is not mistaken for a pause.
func (c *Compensation) Next(now time.Time) time.Duration {
	elapsed := now.Sub(c.previous)
	first := !c.started
	c.previous, c.started = now, true
	if first {
		return 0
	}
	return max(elapsed, c.interval) - c.interval
}

// EurekaCompensation is the compensation of Eureka's EvictionTask (v1.4.9 and
// later) in the original's units. The zero value is one for an interval of 0;
// it belongs to the one goroutine that runs the passes.
type EurekaCompensation struct {
	// IntervalMillis is the pause between two passes, in milliseconds. As in
	// the original any value is taken; Eureka's default is 60000.
	IntervalMillis int64

	previous int64
}

// Next returns the compensation in milliseconds of the pass that runs when
// System.nanoTime() is nanos. A stored 0 means "no pass yet", also when a
// pass really ran at 0; nanoseconds are truncated to milliseconds before the
// interval is subtracted; differences wrap at 64 bits (quirk E5).
func (c *EurekaCompensation) Next(nanos int64) (millis int64) {
	previous := c.previous
	c.previous = nanos
	if previous == 0 {
		return 0
	}
	return max((nanos-previous)/int64(time.Millisecond)-c.IntervalMillis, 0)
}
