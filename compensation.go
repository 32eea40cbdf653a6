package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

// compensation is what the next pass forgives: by the exact rule, by Eureka's,
// or nothing.
type compensation struct {
	exact  *evict.Compensation
	eureka *evict.EurekaCompensation
	nanos  func(now time.Time) int64
}

func newCompensation(now time.Time, config Config, rules rules, nanos func(time.Time) int64) compensation {
	switch {
	case !rules.compensates:
		return compensation{}
	case config.Release == 0:
		// The interval was validated.
		exact, _ := evict.NewCompensation(config.EvictionInterval)
		return compensation{exact: exact}
	}
	if nanos == nil {
		// Not 0 at the first pass, which would mean that there was none.
		nanos = func(at time.Time) int64 { return int64(at.Sub(now)) + 1 }
	}
	eureka := &evict.EurekaCompensation{IntervalMillis: config.EvictionInterval.Milliseconds()}
	return compensation{eureka: eureka, nanos: nanos}
}

// next returns what the pass at instant now forgives, and whether the one after
// it will forgive anything: Eureka's does not after one that read 0 nanoseconds
// (quirk E5).
func (c *compensation) next(now time.Time) (forgiven time.Duration, goesOn bool) {
	switch {
	case c.exact != nil:
		return c.exact.Next(now), true
	case c.eureka != nil:
		nanos := c.nanos(now)
		return time.Duration(c.eureka.Next(nanos)) * time.Millisecond, nanos != 0
	}
	return 0, false
}
