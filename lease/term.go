package lease

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Rule says how a lease measures its term. The zero value is [Exact].
type Rule uint8

const (
	// Exact expires a lease one Duration after its last renewal.
	Exact Rule = iota
	// Eureka expires a lease as Netflix Eureka does, quirks L1 to L10 included.
	Eureka
	// Nacos suspects and expires a lease as Nacos 1.x does, by the wall clock in
	// milliseconds, quirks N1, N3, N7 and N10 included.
	Nacos
	// Bilibili expires a lease as bilibili/discovery does: one Duration after
	// its last renewal, by the wall clock in milliseconds (quirks B2, B12).
	Bilibili
)

// wall reports whether the rule measures in milliseconds of the wall clock.
func (r Rule) wall() bool { return r != Exact }

const rulesKnown = "must be Exact, Eureka, Nacos or Bilibili"

// String returns "exact", "eureka", "nacos" or "bilibili".
func (r Rule) String() string {
	switch r {
	case Exact:
		return "exact"
	case Eureka:
		return "eureka"
	case Nacos:
		return "nacos"
	case Bilibili:
		return "bilibili"
	}
	return fmt.Sprintf("Rule(%d)", uint8(r))
}

// MaxDuration is the longest Duration of an exact term, about 73 years. It is
// also how long after its registration an exact lease can be renewed.
const MaxDuration = time.Duration(horizon)

// ErrInvalid is wrapped by the errors for terms and arguments out of range.
var ErrInvalid = errors.New("lease: invalid")

// Term says how long a lease may stay silent. It is a plain value: copy it,
// compare it, share it between leases.
type Term struct {
	// Duration is the silence after which the lease expires.
	// Exact: above zero, at most [MaxDuration].
	// Eureka: whole seconds that fit Java's int, also zero and negative ones;
	// Eureka's default is 90 s.
	// Nacos: whole milliseconds, zero or more (N3); the default is 30 s.
	// Bilibili: whole milliseconds above zero; always 90 s in the original.
	Duration time.Duration

	// Suspect is the silence after which the lease is suspect, the warning
	// stage before it expires (Nacos calls it unhealthy). Zero means that the
	// term has no such stage. Exact: longer than Interval, shorter than
	// Duration. Eureka, Bilibili: zero, since they have no such stage. Nacos, whose
	// leases always have it: whole milliseconds, zero or more, and if it is
	// longer than Duration the lease leaves without having been suspect (N2,
	// N35); the default is 15 s.
	Suspect time.Duration

	// Interval is the pause between two renewals that the holder promises.
	// Exact: above zero and shorter than Duration. Eureka, Nacos, Bilibili: not looked at.
	Interval time.Duration

	// Rule selects the arithmetic.
	Rule Rule
}

// Validate returns every rule that the term breaks, joined in one error, or
// nil. Each problem names the field, its value and the rule, and wraps
// [ErrInvalid].
func (t Term) Validate() error {
	switch t.Rule {
	case Exact:
		return t.validateExact()
	case Eureka:
		return t.validateEureka()
	case Nacos:
		return t.validateNacos()
	case Bilibili:
		return t.validateBilibili()
	}
	return invalid("Rule", t.Rule, rulesKnown)
}

func (t Term) validateExact() error {
	var problems []error
	if t.Duration <= 0 || t.Duration > MaxDuration {
		problems = append(problems, invalid("Duration", t.Duration, fmt.Sprintf("must be above 0 and at most %v", MaxDuration)))
	}
	if t.Interval <= 0 {
		problems = append(problems, invalid("Interval", t.Interval, "must be above 0"))
	} else if t.Interval >= t.Duration {
		problems = append(problems, invalid("Interval", t.Interval, fmt.Sprintf("must be shorter than Duration (%v)", t.Duration)))
	}
	if t.Suspect != 0 && (t.Suspect < 0 || t.Suspect <= t.Interval || t.Suspect >= t.Duration) {
		problems = append(problems, invalid("Suspect", t.Suspect,
			fmt.Sprintf("must be 0, or longer than Interval (%v) and shorter than Duration (%v)", t.Interval, t.Duration)))
	}
	return errors.Join(problems...)
}

func (t Term) validateEureka() error {
	var problems []error
	seconds := t.Duration / time.Second
	if t.Duration%time.Second != 0 || seconds < math.MinInt32 || seconds > math.MaxInt32 {
		problems = append(problems, invalid("Duration", t.Duration, "must be whole seconds between -2147483648 s and 2147483647 s"))
	}
	if t.Suspect != 0 {
		problems = append(problems, invalid("Suspect", t.Suspect, "must be 0: rule eureka has no suspect stage"))
	}
	return errors.Join(problems...)
}

func (t Term) validateNacos() error {
	var problems []error
	check := func(field string, value time.Duration) {
		if value < 0 || value%time.Millisecond != 0 {
			problems = append(problems, invalid(field, value, "must be whole milliseconds, 0 or more"))
		}
	}
	check("Duration", t.Duration)
	check("Suspect", t.Suspect)
	return errors.Join(problems...)
}

func (t Term) validateBilibili() error {
	var problems []error
	if t.Duration <= 0 || t.Duration%time.Millisecond != 0 {
		problems = append(problems, invalid("Duration", t.Duration, "must be whole milliseconds above 0"))
	}
	if t.Suspect != 0 {
		problems = append(problems, invalid("Suspect", t.Suspect, "must be 0: rule bilibili has no suspect stage"))
	}
	return errors.Join(problems...)
}

// millis is the duration in milliseconds, as a rule of the wall clock takes it.
func (t Term) millis() int64 {
	if t.Rule == Eureka {
		return t.eurekaMillis()
	}
	return t.Duration.Milliseconds()
}

// eurekaMillis is the original's duration in milliseconds: an int times 1000,
// which overflows beyond 2 147 483 s (quirk L3).
func (t Term) eurekaMillis() int64 {
	return int64(int32(t.Duration/time.Second) * 1000)
}

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%w: %s is %v: %s", ErrInvalid, field, value, rule)
}
