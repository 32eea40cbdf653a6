package leasekernel

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"github.com/leasekernel/leasekernel/ratemeter"
)

// Severity is how bad a [Problem] is.
type Severity uint8

const (
	// Warning: the config works, but not as one would like.
	Warning Severity = iota + 1
	// Error: no kernel is made with such a config.
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// Problem is one thing that is wrong with a config.
type Problem struct {
	// Severity is whether New would refuse the config for it.
	Severity Severity
	// Field is the Config's field, or the most telling of several.
	Field string
	// Value is what it is.
	Value string
	// Rule is what it breaks, with the numbers.
	Rule string
}

// String returns the problem as one sentence.
func (p Problem) String() string {
	return fmt.Sprintf("%v: %s is %s: %s", p.Severity, p.Field, p.Value, p.Rule)
}

// Problems are all that [Config.Validate] found.
type Problems []Problem

// Err returns all errors among the problems as one, wrapping [ErrInvalid], or
// nil if there are only warnings.
func (p Problems) Err() error {
	var errs []error
	for _, problem := range p {
		if problem.Severity == Error {
			errs = append(errs, fmt.Errorf("%w: %s is %s: %s", ErrInvalid, problem.Field, problem.Value, problem.Rule))
		}
	}
	return errors.Join(errs...)
}

// String returns one line a problem.
func (p Problems) String() string {
	var lines []string
	for _, problem := range p {
		lines = append(lines, problem.String())
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(severity Severity, field string, value any, rule string, numbers ...any) {
	*p = append(*p, Problem{severity, field, fmt.Sprint(value), fmt.Sprintf(rule, numbers...)})
}

// resolved returns the config with what zero stands for written out.
func (c Config) resolved() Config {
	if c.Window == 0 {
		c.Window = 2 * c.Term.Interval
	}
	if c.Warmup == 0 {
		c.Warmup = c.Window
	}
	return c
}

// Validate returns all problems of the config at once: what no kernel can be
// made with, and what makes one unsafe or useless, with the numbers that show
// it. Instances is how many leases to expect; 0 if that is not known.
//
// The warnings are theorems about what the rules do, see ARCHITECTURE.md: that
// a partition which cuts off everybody evicts nobody before the meter notices,
// that one silent instance of so many can be evicted at all, and that a pass
// comes often enough.
func (c Config) Validate(instances int) Problems {
	c = c.resolved()
	var p Problems
	c.validateTerm(&p)
	c.validateMeter(&p)
	c.validatePasses(&p)
	c.validatePreservation(&p)
	if instances < 0 {
		p.add(Error, "instances", instances, "must not be negative")
	}
	if p.Err() == nil && c.SelfPreservation {
		c.warnOfSlowMeter(&p)
		c.warnOfFewInstances(&p, instances)
	}
	return p
}

// ValidateTerm is Validate for a registry whose leases all have the given term,
// with the meter as it is: what clients bring to [Kernel.Register] can be
// checked with it. The Rule need not be given.
func (c Config) ValidateTerm(term lease.Term) Problems {
	c = c.resolved()
	term.Rule = c.Term.Rule
	c.Term = term
	return c.Validate(0)
}

func (c Config) validateTerm(p *Problems) {
	value := fmt.Sprintf("%v every %v", c.Term.Duration, c.Term.Interval)
	problems := parts(c.Term.Validate())
	if len(problems) == 0 && c.Release == 0 && c.Window > 0 {
		problems = append(problems, parts(c.admits())...)
	}
	for _, err := range problems {
		p.add(Error, "Term", value, "%v", err)
	}
	if !slices.Contains(append(preserve.Releases(), 0), c.Release) {
		p.add(Error, "Release", c.Release, "must be 0 or a constant of the preserve package")
	} else if rule := rulesOf(c.Release).rule; c.Term.Rule != rule {
		p.add(Error, "Term.Rule", c.Term.Rule, "must be %v under %s", rule, c.rulesName())
	}
	if c.MaxLeases < 0 {
		p.add(Error, "MaxLeases", c.MaxLeases, "must not be negative")
	}
	if c.History < 0 {
		p.add(Error, "History", c.History, "must not be negative")
	}
}

// rulesName is what the problems call the Config's rules.
func (c Config) rulesName() string {
	if c.Release == 0 {
		return "the exact rules"
	}
	return c.Release.String()
}

// admits reports why no lease of the Config's term could be registered.
func (c Config) admits() error {
	if c.Term.Duration > lease.MaxTableDuration {
		return fmt.Errorf("its Duration must be at most %v in a table", lease.MaxTableDuration)
	}
	expectation, err := preserve.NewExpectation(time.Time{}, preserve.ExpectationConfig{Window: c.Window})
	if err != nil {
		return err
	}
	return expectation.Add(c.Term.Interval)
}

// parts returns the errors that one joins.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

func (c Config) validateMeter(p *Problems) {
	if c.Window <= 0 {
		p.add(Error, "Window", c.Window, "must be above 0")
		return
	}
	switch {
	case c.Release != 0:
		if c.Window%time.Millisecond != 0 {
			p.add(Error, "Window", c.Window, "must be whole milliseconds under a release")
		} else if c.Window != time.Minute && c.Release != preserve.Nacos {
			p.add(Warning, "Window", c.Window, "should be 1m0s under a release: its threshold is of renewals a minute")
		}
	case c.Steps <= 0 || c.Steps > ratemeter.MaxSteps || c.Window%time.Duration(c.Steps) != 0:
		p.add(Error, "Steps", c.Steps, "must be between 1 and %d and divide the Window (%v)", ratemeter.MaxSteps, c.Window)
	case c.Window < c.Term.Interval:
		p.add(Warning, "Window", c.Window, "should be at least the Term's Interval (%v): a lease is renewed less than once in it, so that the count tells little", c.Term.Interval)
	}
	if c.Release == 0 && c.Warmup < c.Window {
		p.add(Warning, "Warmup", c.Warmup, "should be at least the Window (%v): until then the meter has not seen all renewals, and the registry suspects itself", c.Window)
	}
}

func (c Config) validatePasses(p *Problems) {
	if c.EvictionInterval <= 0 || c.Release != 0 && c.EvictionInterval%time.Millisecond != 0 {
		p.add(Error, "EvictionInterval", c.EvictionInterval, "must be above 0, in whole milliseconds under a release")
	} else if c.Term.Duration > 0 && c.EvictionInterval > c.Term.Duration/2 {
		p.add(Warning, "EvictionInterval", c.EvictionInterval, "should be at most half the Term's Duration (%v): a dead lease stays up to %v longer than its term",
			c.Term.Duration, c.EvictionInterval)
	}
	if rulesOf(c.Release).updates && (c.UpdateInterval <= 0 || c.UpdateInterval%time.Millisecond != 0) {
		p.add(Error, "UpdateInterval", c.UpdateInterval, "must be above 0, in whole milliseconds")
	}
	if c.Ceiling < 0 {
		p.add(Error, "Ceiling", c.Ceiling, "must not be negative")
	} else if c.Ceiling > 0 && c.Ceiling <= c.Term.Duration {
		p.add(Warning, "Ceiling", c.Ceiling, "should be longer than the Term's Duration (%v): a registry that suspects itself evicts all the same", c.Term.Duration)
	}
	c.validateDwell(p)
}

// validateDwell checks that the warning does not make evictions late. Silent
// since 0, a lease is found suspect by the pass at S + P at the latest, and
// evicted by the first one that comes a dwell later, all in steps of P.
func (c Config) validateDwell(p *Problems) {
	if c.Dwell < 0 {
		p.add(Error, "Dwell", c.Dwell, "must not be negative")
		return
	}
	if c.Release != 0 && c.Dwell%time.Millisecond != 0 {
		p.add(Error, "Dwell", c.Dwell, "must be whole milliseconds under a release")
		return
	}
	dwell, ok := c.dwell(c.Term)
	if !ok {
		if c.Dwell > 0 {
			p.add(Warning, "Dwell", c.Dwell, "has no effect on the Config's term, which has no Suspect stage")
		}
		return
	}
	if c.EvictionInterval <= 0 || c.Term.Validate() != nil || max(dwell, c.EvictionInterval, c.Term.Suspect) > lease.MaxTableDuration {
		return // an error, or beyond what is worth a warning
	}
	passes := (dwell + c.EvictionInterval - 1) / c.EvictionInterval
	if latest := c.Term.Suspect + passes*c.EvictionInterval; latest > c.Term.Duration {
		p.add(Warning, "Dwell", dwell, "should end within the Term's Duration (%v): a dead lease stays up to %v, suspect after %v and a pass, and then for so many passes of %v",
			c.Term.Duration, latest+c.EvictionInterval, c.Term.Suspect, c.EvictionInterval)
	}
}

func (c Config) validatePreservation(p *Problems) {
	if c.Release == 0 {
		if !(c.Percent >= 0 && c.Percent <= 1) {
			p.add(Error, "Percent", c.Percent, "must be a number from 0 to 1")
		}
		if c.Warmup < 0 {
			p.add(Error, "Warmup", c.Warmup, "must not be negative")
		}
	} else if c.Release == preserve.Nacos {
		if c.SelfPreservation {
			p.add(Error, "SelfPreservation", c.SelfPreservation, "must be off: nacos has none (quirk N34)")
		}
	} else if !(c.Percent > 0 && c.Percent < 1) {
		p.add(Warning, "Percent", c.Percent, "should be between 0 and 1: with 0 or less no eviction is ever allowed (quirk T4), with 1 or more no pass may evict anybody (quirk E2)")
	}
	seconds := c.Term.Interval / time.Second
	if c.Release != 0 && c.Release != preserve.Nacos && (c.Term.Interval%time.Second != 0 || seconds < math.MinInt32 || seconds > math.MaxInt32) {
		p.add(Error, "Term.Interval", c.Term.Interval, "must be whole seconds under a release, as many as fit Java's int")
	}
	if c.Release != 0 && c.WaitWhenSyncEmpty%time.Millisecond != 0 {
		p.add(Error, "WaitWhenSyncEmpty", c.WaitWhenSyncEmpty, "must be whole milliseconds")
	}
	if !c.SelfPreservation {
		p.add(Warning, "SelfPreservation", c.SelfPreservation, "should be on: a partition that cuts the registry off evicts everybody")
	}
}

// warnOfSlowMeter checks that when all clients fall silent at once the meter
// shows it before the first lease can expire.
//
// The first to expire renewed at most an interval h before the silence began,
// so it expires L - h into it at the earliest, where L is the silence that a
// renewed lease survives: the Duration, and twice that under Eureka's rule
// (quirk L1). There one that was only registered expires after one Duration,
// which may be earlier. A sliding window W that ends at most a step before
// now shows fewer than p of the renewals once 1 - p of it lies in the silence.
// A tumbling one may have begun just before the silence, 1 - p of it, and is
// shown until the next one ends.
//
// It takes for granted that the expectation stands while the silence lasts. If
// most leases are cancelled at the moment at which the rest fall silent, the
// renewals of those that left still count for a window and can make up for it;
// only Window + step <= L - h is safe from that, too.
func (c Config) warnOfSlowMeter(p *Problems) {
	safe, first := c.Term.Duration-c.Term.Interval, "Duration - Interval"
	if c.Term.Rule == lease.Eureka {
		safe, first = safe+c.Term.Duration, "2 * Duration - Interval"
		if c.Term.Duration < safe {
			safe, first = c.Term.Duration, "Duration, of those that were only registered"
		}
	}
	if !(c.Percent >= 0 && c.Percent <= 1) {
		return // a release of which no number of renewals says anything
	}
	late, formula := c.Window, "(2 - Percent) * Window, as the meter tumbles"
	if c.Release == 0 {
		late, formula = c.Window/time.Duration(c.Steps), "(1 - Percent) * Window + one step"
	}
	missing := time.Duration(saturated((1 - c.Percent) * float64(c.Window)))
	blind := late + min(missing, math.MaxInt64-late)
	if blind >= safe {
		p.add(Warning, "Window", c.Window, "is too long for the lease: when everybody falls silent the meter shows it after %v (%s), but leases expire after %v (%s), so that some may be evicted before the registry suspects itself",
			blind, formula, safe, first)
	}
}

// warnOfFewInstances checks that one silent instance of so many leaves enough
// renewals for its own eviction.
func (c Config) warnOfFewInstances(p *Problems, instances int) {
	if instances > 0 && !c.survivesOne(instances) {
		p.add(Warning, "Percent", c.Percent, "withholds eviction as soon as one of %d in all falls silent: it takes %s", instances, c.fewestInstances(instances))
	}
}

// survivesOne reports whether the renewals of n - 1 instances are enough for
// an expectation of n.
func (c Config) survivesOne(n int) bool {
	if c.Release == 0 {
		return float64(n-1) >= c.Percent*float64(n)
	}
	if c.Term.Interval <= 0 {
		return false // promises no number of renewals
	}
	calculator, err := preserve.NewCalculator(preserve.Config{
		Release: c.Release, Percent: c.Percent, Interval: c.Term.Interval, SelfPreservation: true,
	})
	if err != nil || calculator.Open(time.Unix(0, 0), int64(n)) != nil {
		return false
	}
	if c.Release == preserve.Spring { // which opened for one that need not exist
		calculator.Registered()
	}
	return calculator.Decide(saturated(float64(n-1) * float64(c.Window) / float64(c.Term.Interval))).Allowed
}

// saturated is x, which must not be negative, as an integer. What Go's own
// conversion makes of what no int64 holds is the processor's affair.
func saturated(x float64) int64 {
	if x >= math.MaxInt64 { // which is 2^63 as a float64
		return math.MaxInt64
	}
	return int64(x)
}

// fewestInstances says how many instances it takes, more than there are: a
// release counts whole renewals, so that fewer may do as well.
func (c Config) fewestInstances(instances int) string {
	const most = 10_000
	for n := instances; n < most; n++ {
		if c.survivesOne(n + 1) {
			return fmt.Sprintf("at least %d", n+1)
		}
	}
	return fmt.Sprintf("more than %d", most)
}
