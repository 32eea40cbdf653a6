package preserve

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// ExpectationConfig is what an [Expectation] starts with.
type ExpectationConfig struct {
	// Window is the span in which the meter counts renewals: above zero.
	Window time.Duration
	// Percent is the fraction of the expected renewals that must be reached,
	// from 0 to 1, read as a decimal number of nine digits. With 0 eviction is
	// always allowed once the warm-up is over.
	Percent float64
	// Warmup is how long after the start eviction is withheld, since the
	// meter has not seen a whole window yet: usually Window, not negative.
	Warmup time.Duration
}

// Expectation is the exact rule of self-preservation: it expects of every
// live lease the renewals that the lease's own interval promises, window /
// interval each, and nothing of leases that do not exist. Eviction is allowed
// while the renewals reach percent of the sum. There is nothing to open and
// nothing to update. Make one with [NewExpectation]; it must not be copied.
//
// The sum is kept in whole units of 1/720720 renewal. Adding a lease and
// removing it change it by the same integer, so that it cannot drift, and an
// Expectation without leases expects exactly 0. Rounding down to the unit
// costs at most 1/720720 renewal per lease, so that a registry whose every
// renewal arrives always reaches what is expected; it costs nothing where
// window / interval is a fraction with a denominator up to 16, as it is of a
// minute and 7, 30, 45 or 90 seconds. The comparison is made in integers, so
// that 55 renewals reach 0.55 of 100, which floating point denies.
//
// All methods may be called by any number of goroutines at once. The sum is
// one atomic word, changed by compare-and-swap; the rest never changes.
type Expectation struct {
	config    ExpectationConfig
	percent   uint64        // in billionths
	shortest  time.Duration // interval that promises at most maxPerLease
	warmUntil time.Time
	units     atomic.Int64
}

// unitsPerRenewal is the resolution of the sum: the least number that 1 to 16
// all divide. A lease adds at most maxPerLease renewals, fewer than 2^40
// units, so that eight million of the fastest leases and far more usual ones
// stay below 2^63.
const (
	unitsPerRenewal = 720720
	maxPerLease     = 1 << 20
	billion         = 1_000_000_000
)

// NewExpectation returns an expectation without leases, which starts to warm
// up at instant now. It fails, naming all problems, on a config out of range.
func NewExpectation(now time.Time, config ExpectationConfig) (*Expectation, error) {
	var problems []error
	if config.Window <= 0 {
		problems = append(problems, invalid("Window", config.Window, "must be above 0"))
	}
	if !(config.Percent >= 0 && config.Percent <= 1) {
		problems = append(problems, invalid("Percent", config.Percent, "must be a number from 0 to 1"))
	}
	if config.Warmup < 0 {
		problems = append(problems, invalid("Warmup", config.Warmup, "must not be negative"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &Expectation{
		config:    config,
		percent:   uint64(math.Round(config.Percent * billion)),
		shortest:  (config.Window-1)/maxPerLease + 1,
		warmUntil: now.Add(config.Warmup),
	}, nil
}

// Add expects the renewals of one more lease with the given interval. It
// fails, changing nothing, if interval is so short that it promises more than
// 1048576 renewals in a window, or not above zero, or if the sum would
// overflow.
func (e *Expectation) Add(interval time.Duration) error {
	return e.change(interval, 1)
}

// Remove no longer expects the renewals of a lease that was added with this
// interval. It fails, changing nothing, where [Expectation.Add] does, and if
// less is expected than this lease promises: it was not added.
func (e *Expectation) Remove(interval time.Duration) error {
	return e.change(interval, -1)
}

func (e *Expectation) change(interval time.Duration, sign int64) error {
	if interval < e.shortest {
		return invalid("interval", interval, fmt.Sprintf("must be at least %v in a window of %v", e.shortest, e.config.Window))
	}
	change := sign * e.unitsOf(interval)
	for {
		units := e.units.Load()
		switch next := units + change; {
		case next < 0 && sign == -1:
			return invalid("interval", interval, fmt.Sprintf("must be of a lease that was added, but only %s are expected", counted(renewalsOf(units), "renewal")))
		case next < 0:
			return invalid("interval", interval, fmt.Sprintf("must not carry the %s expected beyond 2^63 units", counted(renewalsOf(units), "renewal")))
		case e.units.CompareAndSwap(units, next):
			return nil
		}
	}
}

// unitsOf is window / interval in units, rounded down.
func (e *Expectation) unitsOf(interval time.Duration) int64 {
	hi, lo := bits.Mul64(uint64(e.config.Window), unitsPerRenewal)
	units, _ := bits.Div64(hi, lo, uint64(interval))
	return int64(units)
}

// Expected returns the renewals that the leases promise in one window.
func (e *Expectation) Expected() float64 { return renewalsOf(e.units.Load()) }

// Decide returns whether eviction is allowed at instant now after a window
// with the given renewals.
func (e *Expectation) Decide(now time.Time, renewals int64) Decision {
	units := e.units.Load()
	threshold := e.thresholdOf(units)
	d := Decision{
		Rule:      "exact",
		Renewals:  renewals,
		Threshold: threshold.rounded(),
		Expected:  renewalsOf(units),
		Percent:   e.config.Percent,
		reaching:  true,
	}
	switch {
	case now.Before(e.warmUntil):
		d.WarmUntil = e.warmUntil
		return d.decided(WarmingUp)
	case threshold.reachedBy(renewals):
		return d.decided(EnoughRenewals)
	}
	return d.decided(TooFewRenewals)
}

// fraction is a threshold without rounding: whole renewals and rest parts of
// one, of which partsPerRenewal make a whole one.
type fraction struct{ whole, rest uint64 }

const partsPerRenewal = unitsPerRenewal * billion

// thresholdOf is percent of the units: units * percent parts, divided.
func (e *Expectation) thresholdOf(units int64) fraction {
	hi, lo := bits.Mul64(uint64(units), e.percent)
	whole, rest := bits.Div64(hi, lo, partsPerRenewal)
	return fraction{whole, rest}
}

func (f fraction) reachedBy(renewals int64) bool {
	return renewals >= 0 && (uint64(renewals) > f.whole || uint64(renewals) == f.whole && f.rest == 0)
}

// rounded is the nearest float64, or the next one above a whole number that is
// exceeded by too little: it is reached by the same counts as the fraction.
func (f fraction) rounded() float64 {
	x := float64(f.whole) + float64(f.rest)/partsPerRenewal
	if f.rest > 0 && x == float64(f.whole) {
		return math.Nextafter(x, math.Inf(1))
	}
	return x
}

func renewalsOf(units int64) float64 { return float64(units) / unitsPerRenewal }
