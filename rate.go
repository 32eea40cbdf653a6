package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

// rate is one meter: the exact rules' sliding one, or the tumbling one of a
// release, which a release may replace or not have yet.
type rate struct {
	sliding  *ratemeter.Sliding
	tumbling atomicPointer[ratemeter.MeasuredRate]
}

func newRate(now time.Time, config Config, rules rules) (*rate, error) {
	r := new(rate)
	if config.Release != 0 {
		if !rules.meterAtOpen {
			r.tumbling.Store(ratemeter.NewMeasuredRate(config.Window))
		}
		return r, nil
	}
	var err error
	r.sliding, err = ratemeter.NewSliding(now, config.Window, config.Steps)
	return r, err
}

// ready reports whether renewals can be counted.
func (r *rate) ready() bool { return r.sliding != nil || r.tumbling.Load() != nil }

func (r *rate) mark(now time.Time, n int) {
	if r.sliding != nil {
		r.sliding.Mark(now, uint32(n))
		return
	}
	if meter := r.tumbling.Load(); n == 1 {
		meter.Increment()
	} else {
		meter.Add(int64(n))
	}
}

func (r *rate) count(now time.Time) int64 {
	if r.sliding != nil {
		return r.sliding.Count(now)
	}
	if meter := r.tumbling.Load(); meter != nil {
		return meter.Count()
	}
	return 0
}

// rotate ends the tumbling meter's window if it is over.
func (r *rate) rotate(now time.Time) bool {
	meter := r.tumbling.Load()
	return meter != nil && meter.Tick(now)
}

// end ends the tumbling meter's window at once.
func (r *rate) end() { r.tumbling.Load().Rotate() }

func (r *rate) nextRotation() (at time.Time, ok bool) {
	if meter := r.tumbling.Load(); meter != nil {
		return meter.NextTick()
	}
	return time.Time{}, false
}

// open starts the tumbling meter, a new one if the release makes one.
func (r *rate) open(now time.Time, window time.Duration, anew bool) error {
	if anew {
		r.tumbling.Store(ratemeter.NewMeasuredRate(window))
	}
	return r.tumbling.Load().Start(now)
}

func (r *rate) stop() {
	if meter := r.tumbling.Load(); meter != nil {
		meter.Stop()
	}
}
