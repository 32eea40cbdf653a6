package leasekernel

import (
	"math"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// guard is what preserves the registry: it knows which renewals to expect,
// and decides by it whether eviction is allowed.
type guard interface {
	// admit is asked before a lease is granted, and either granted or refused
	// told after. Replaced is the old lease's term, if there was one.
	admit(term lease.Term) error
	granted(replaced *lease.Term)
	refused(term lease.Term)
	cancelled(term lease.Term)
	evicted(term lease.Term)

	decide(now time.Time, renewals int64) preserve.Decision
	// below is what Eureka's status page shows.
	below(now time.Time, renewals int64) bool
	// limit is how many of size leases a pass may evict.
	limit(size int) int
	setSelfPreservation(on bool)
}

// exactGuard expects what the live leases promise.
type exactGuard struct {
	expectation *preserve.Expectation
	percent     float64
	off         atomicBool
}

func (g *exactGuard) admit(term lease.Term) error { return g.expectation.Add(term.Interval) }

func (g *exactGuard) granted(replaced *lease.Term) {
	if replaced != nil {
		g.remove(*replaced)
	}
}

func (g *exactGuard) refused(term lease.Term) { g.remove(term) }

func (g *exactGuard) cancelled(term lease.Term) { g.remove(term) }

func (g *exactGuard) evicted(term lease.Term) { g.remove(term) }

// remove cannot fail: the term was added.
func (g *exactGuard) remove(term lease.Term) { _ = g.expectation.Remove(term.Interval) }

func (g *exactGuard) decide(now time.Time, renewals int64) preserve.Decision {
	d := g.expectation.Decide(now, renewals)
	if g.off.Load() {
		d.Allowed, d.Reason, d.WarmUntil = true, preserve.SwitchedOff, time.Time{}
	}
	return d
}

func (g *exactGuard) below(now time.Time, renewals int64) bool {
	return g.expectation.Decide(now, renewals).Reason == preserve.TooFewRenewals
}

// limit cannot fail: the percent was validated.
func (g *exactGuard) limit(size int) int {
	limit, _ := evict.Limit(size, g.percent)
	return limit
}

func (g *exactGuard) setSelfPreservation(on bool) { g.off.Store(!on) }

// releaseGuard expects what a release's arithmetic makes of the changes.
type releaseGuard struct {
	*preserve.Calculator
}

func (g *releaseGuard) admit(lease.Term) error { return nil }

func (g *releaseGuard) granted(replaced *lease.Term) {
	if replaced == nil {
		g.Registered()
	}
}

func (g *releaseGuard) refused(lease.Term) {}

func (g *releaseGuard) cancelled(lease.Term) { g.Cancelled() }

func (g *releaseGuard) evicted(lease.Term) { g.Evicted() }

func (g *releaseGuard) decide(_ time.Time, renewals int64) preserve.Decision {
	return g.Decide(renewals)
}

func (g *releaseGuard) below(now time.Time, renewals int64) bool { return g.Below(now, renewals) }

func (g *releaseGuard) limit(size int) int {
	java := int32(min(size, math.MaxInt32))
	return int(evict.EurekaLimit(java, g.Keep(java)))
}

func (g *releaseGuard) setSelfPreservation(on bool) { g.SetSelfPreservation(on) }

func newGuard(now time.Time, config Config) (guard, error) {
	if config.Release == 0 {
		expectation, err := preserve.NewExpectation(now, preserve.ExpectationConfig{
			Window: config.Window, Percent: config.Percent, Warmup: config.Warmup,
		})
		g := &exactGuard{expectation: expectation, percent: config.Percent}
		g.off.Store(!config.SelfPreservation)
		return g, err
	}
	interval := config.Term.Interval
	if config.Release == preserve.Nacos {
		interval = 0 // any, and not looked at
	}
	calculator, err := preserve.NewCalculator(preserve.Config{
		Release:           config.Release,
		Percent:           config.Percent,
		Interval:          interval,
		SelfPreservation:  config.SelfPreservation,
		WaitWhenSyncEmpty: config.WaitWhenSyncEmpty,
	})
	return &releaseGuard{calculator}, err
}
