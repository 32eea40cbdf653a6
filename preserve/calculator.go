package preserve

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Config is what a [Calculator] starts with. [DefaultConfig] gives the
// original's values.
type Config struct {
	// Release selects the arithmetic.
	Release Release

	// Percent is the fraction of the expected renewals that must be exceeded.
	// As in the original any value is taken, NaN and infinities included
	// (quirks T1, T4).
	Percent float64

	// Interval is the pause between two renewals that every client is
	// expected to keep: whole seconds that fit Java's int, zero and below
	// included (quirk T3). Eureka before v1.9.4 and [Bilibili] do not look at
	// it.
	Interval time.Duration

	// SelfPreservation is whether missing renewals can withhold eviction.
	SelfPreservation bool

	// WaitWhenSyncEmpty is how long after Open [Calculator.Below] stays false:
	// whole milliseconds.
	WaitWhenSyncEmpty time.Duration
}

// DefaultConfig returns the original's defaults: 0.85, 30 s, self-preservation
// on, a wait of 5 min.
func DefaultConfig(release Release) Config {
	return Config{
		Release:           release,
		Percent:           0.85,
		Interval:          30 * time.Second,
		SelfPreservation:  true,
		WaitWhenSyncEmpty: 5 * time.Minute,
	}
}

// Calculator keeps what a registry expects of its clients, and decides by it
// whether eviction is allowed, exactly as the chosen [Release] does. Make one
// with [NewCalculator]; a Calculator must not be copied.
//
// The threshold is a stored number, recomputed only by Open, by an adopted
// Update and by counted changes: changing percent or interval has no effect
// on it until then (quirk T10).
//
// All methods may be called by any number of goroutines at once: they share a
// mutex. Renewals need none of them.
type Calculator struct {
	rules rules

	mu        sync.Mutex
	config    Config // needs mu, as all below
	expected  int64
	threshold int64
	opened    int64 // epoch milliseconds of the last Open, 0 before (quirk T14)
}

// NewCalculator returns a calculator that has not been opened and therefore
// expects nothing. It fails, naming all problems, if the release is unknown
// or a duration is not one that the original can express.
func NewCalculator(config Config) (*Calculator, error) {
	var problems []error
	if !config.Release.known() {
		problems = append(problems, invalid("Release", config.Release, "must be a constant of this package, such as EurekaV1_9_17"))
	}
	if err := checkInterval(config.Interval); err != nil {
		problems = append(problems, err)
	}
	if config.WaitWhenSyncEmpty%time.Millisecond != 0 {
		problems = append(problems, invalid("WaitWhenSyncEmpty", config.WaitWhenSyncEmpty, "must be whole milliseconds"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &Calculator{rules: families[config.Release], config: config}, nil
}

func checkInterval(interval time.Duration) error {
	seconds := interval / time.Second
	if interval%time.Second != 0 || seconds < math.MinInt32 || seconds > math.MaxInt32 {
		return invalid("Interval", interval, "must be whole seconds between -2147483648 s and 2147483647 s")
	}
	return nil
}

// Open starts the expectation with count clients at instant now: the number
// that the registry got from its peers. Opened with 0, Eureka's releases
// expect nothing until the first Update with more (quirk T6); [Spring] opens
// with 1 instead. It may be called again.
//
// It fails, changing nothing, if count does not fit Java's int ([Bilibili]:
// if it is beyond 2^52 on either side).
func (c *Calculator) Open(now time.Time, count int64) error {
	if err := c.checkCount(count); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = now.UnixMilli()
	if count == 0 {
		count = c.rules.openEmptyAs
	}
	c.adopt(count)
	return nil
}

// Registered counts a lease that was granted to a new holder, not one that
// replaced another. It is ignored while not more than 0 is expected, so that
// an expectation of 0 stays 0 (quirks T6, T9); [Bilibili] counts it always.
func (c *Calculator) Registered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expected > 0 || c.rules.countsFromZero {
		c.add(c.rules.perClient)
	}
}

// Cancelled counts a lease that its holder cancelled. It is ignored while not
// more than 0 is expected.
func (c *Calculator) Cancelled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expected > 0 {
		c.add(-c.rules.perClient)
	}
}

// Evicted counts a lease that a pass evicted. From v1.4.9 to v1.9.16 and in
// bilibili/discovery this changes nothing (quirk T15).
func (c *Calculator) Evicted() {
	if c.rules.evictionLowers {
		c.Cancelled()
	}
}

// Update offers count clients, the periodic view of the whole registry, and
// reports whether it was adopted: if it is strictly more than percent of what
// is expected (quirk T7), or, up to v1.9.2, than percent of the threshold
// (T8); or if self-preservation is off (T9). [Bilibili] always adopts it, and
// [Nacos], which expects nothing all the same.
//
// It fails, changing nothing, on the counts on which [Calculator.Open] does.
func (c *Calculator) Update(count int64) (adopted bool, err error) {
	if err := c.checkCount(count); err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	reference := c.expected
	if c.rules.ofThreshold {
		reference = c.threshold
	}
	offered := float64(c.wrap(count * c.rules.perClient))
	enough := offered > c.config.Percent*float64(reference)
	if !enough && c.config.SelfPreservation && !c.rules.adoptsAll {
		return false, nil
	}
	c.adopt(count)
	return true, nil
}

// SetPercent changes the percent. The threshold follows with the next Open,
// adopted Update or counted change, the rest at once (quirk T10).
func (c *Calculator) SetPercent(percent float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config.Percent = percent
}

// SetInterval changes the interval. The threshold follows with the next Open,
// adopted Update or counted change (quirk T10). It fails, changing nothing,
// on an interval that [NewCalculator] would refuse.
func (c *Calculator) SetInterval(interval time.Duration) error {
	if err := checkInterval(interval); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config.Interval = interval
	return nil
}

// SetSelfPreservation switches self-preservation on or off, at once.
func (c *Calculator) SetSelfPreservation(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config.SelfPreservation = on
}

// Expected returns what is expected: renewals per minute up to v1.9.3 and in
// bilibili/discovery, clients from v1.9.4 on.
func (c *Calculator) Expected() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expected
}

// Threshold returns the number of renewals per minute that must be exceeded
// ([Bilibili]: reached).
func (c *Calculator) Threshold() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.threshold
}

// Keep returns how many of size leases a pass has to leave in the registry,
// (int)(size * percent): evict.EurekaLimit subtracts it from size. It reads
// percent as it is now (quirks E1, E2, T10).
func (c *Calculator) Keep(size int32) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return JavaInt(float64(size) * c.config.Percent)
}

// Decide returns whether eviction is allowed after a last minute with the
// given renewals: if self-preservation is off, or if the threshold is above
// zero and the renewals exceed it (quirk T4). [Bilibili]: if they reach it.
// [Nacos]: always.
func (c *Calculator) Decide(renewals int64) Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := Decision{
		Rule:      c.rules.name,
		Renewals:  renewals,
		Threshold: float64(c.threshold),
		Expected:  float64(c.expected),
		Clients:   c.rules.clients,
		Percent:   c.config.Percent,
		reaching:  c.rules.reaching,
	}
	if c.rules.clients {
		d.Interval = c.config.Interval
	}
	return d.decided(c.reason(renewals))
}

func (c *Calculator) reason(renewals int64) Reason {
	switch {
	case c.rules.unprotected:
		return Unprotected
	case !c.config.SelfPreservation:
		return SwitchedOff
	case c.threshold <= 0 && !c.rules.reaching:
		return NoThreshold
	case renewals > c.threshold, renewals == c.threshold && c.rules.reaching:
		return EnoughRenewals
	}
	return TooFewRenewals
}

// Below is the original's isBelowRenewThresold, which its status page shows:
// whether the renewals do not exceed the threshold, once the registry has
// been open for longer than WaitWhenSyncEmpty. It is not the opposite of what
// [Calculator.Decide] allows: it knows neither whether self-preservation is
// on nor that a threshold has to be above 0 (quirk T14). An Open at or before
// the Unix epoch counts as none. [Nacos] has no such thing.
func (c *Calculator) Below(now time.Time, renewals int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.rules.unprotected && renewals <= c.threshold && c.opened > 0 &&
		now.UnixMilli() > c.opened+c.config.WaitWhenSyncEmpty.Milliseconds()
}

// adopt replaces the expectation by count clients. Needs mu.
func (c *Calculator) adopt(count int64) {
	c.expected = 0
	c.add(count * c.rules.perClient)
}

// add changes the expectation and recomputes the threshold. Java's products
// are evaluated from left to right, and so are these (quirk T2). Needs mu.
func (c *Calculator) add(change int64) {
	c.expected = c.wrap(c.expected + change)
	expected := float64(c.expected)
	if c.rules.clients {
		perMinute := 60.0 / float64(c.config.Interval/time.Second)
		c.threshold = int64(JavaInt(expected * perMinute * c.config.Percent))
		return
	}
	product := expected * c.config.Percent
	if c.rules.wide {
		c.threshold = truncated[int64](product, math.MinInt64, math.MaxInt64)
		return
	}
	c.threshold = int64(JavaInt(product))
}

// wrap lets a sum overflow as the original's integer does (quirk T11).
func (c *Calculator) wrap(sum int64) int64 {
	if c.rules.wide {
		return sum
	}
	return int64(int32(sum))
}

// maxWide bounds counts of 64 bits: their doubles are still whole float64s, in
// which thresholds are computed and decisions reported.
const maxWide int64 = 1 << 52

func (c *Calculator) checkCount(count int64) error {
	if c.rules.wide {
		if count < -maxWide || count > maxWide {
			return invalid("count", count, fmt.Sprintf("must be between %d and %d", -maxWide, maxWide))
		}
		return nil
	}
	if count < math.MinInt32 || count > math.MaxInt32 {
		return invalid("count", count, "must fit Java's int")
	}
	return nil
}
