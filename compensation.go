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

func (c *compensation) next(now time.Time) time.Duration {
	switch {
	case c.exact != nil:
		return c.exact.Next(now)
	case c.eureka != nil:
		return time.Duration(c.eureka.Next(c.nanos(now))) * time.Millisecond
	}
	return 0
}
