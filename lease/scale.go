package lease

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// scale is how a table measures instants: as offsets from one origin, in the
// unit of its rule. Exact: nanoseconds since the table was made, on the
// monotonic clock where instants have one. The other rules: milliseconds
// since the Unix epoch.
type scale struct {
	rule   Rule
	origin time.Time
}

// farthest is how far from the origin instants, terms and deadlines may lie:
// 9 years of nanoseconds, 9 million of milliseconds. Sums of three of them
// stay below the offsets that have a meaning of their own, see slotword.go.
const farthest = slotHorizon / 4

// A limit lies at most this far from the origin: farther than any deadline. With
// the longest warning added it does not pass the words of leases that left.
const farthestLimit = 3*farthest + 1

// MaxTableDuration is the longest Duration of an exact term in a [Table], about
// 9 years.
const MaxTableDuration = time.Duration(farthest)

// offset measures an instant, and reports whether it is near enough.
func (s *scale) offset(now time.Time) (at int64, ok bool) {
	if s.rule.wall() {
		at = now.UnixMilli()
	} else {
		at = int64(now.Sub(s.origin))
	}
	return at, near(at)
}

func near(at int64) bool { return uint64(at+farthest) <= 2*farthest }

// instant is the instant of an offset.
func (s *scale) instant(at int64) time.Time {
	if s.rule.wall() {
		return time.UnixMilli(at).In(s.origin.Location())
	}
	return s.origin.Add(time.Duration(at))
}

// span measures a duration.
func (s *scale) span(d time.Duration) int64 {
	if s.rule.wall() {
		return d.Milliseconds()
	}
	return int64(d)
}

// length measures a term's duration, with Eureka's overflow (quirk L3).
func (s *scale) length(term Term) int64 {
	if s.rule.wall() {
		return term.millis()
	}
	return int64(term.Duration)
}

// validate reports what a table of this scale cannot do with a registration.
func (s *scale) validate(now time.Time, term Term) (at int64, err error) {
	var problems []error
	if err := term.Validate(); err != nil {
		problems = append(problems, err)
	} else if term.Rule != s.rule {
		problems = append(problems, invalid("Rule", term.Rule, fmt.Sprintf("must be %v as the table's", s.rule)))
	} else if s.length(term) > farthest {
		problems = append(problems, invalid("Duration", term.Duration, fmt.Sprintf("must be at most %v in a table", MaxTableDuration)))
	}
	at, ok := s.offset(now)
	if !ok {
		problems = append(problems, invalid("now", now, fmt.Sprintf("must lie at most %d %s from %v", int64(farthest), s.unit(), s.instant(0))))
	}
	return at, errors.Join(problems...)
}

func (s *scale) unit() string {
	if s.rule.wall() {
		return "ms"
	}
	return "ns"
}

// limit is the offset before which a deadline has passed at instant now, with
// additional as in [Lease.IsExpired]. Further away than a deadline can be it
// makes no difference how far.
func (s *scale) limit(now time.Time, additional time.Duration) int64 {
	at, _ := s.offset(now)
	more := s.span(additional)
	if s.rule == Exact {
		more = max(more, 0)
	}
	limit := at - more
	if (at^more)&(at^limit) < 0 { // it does not fit, and has the sign of at
		limit = at>>63 ^ math.MaxInt64
	}
	return min(max(limit, -farthestLimit), farthestLimit)
}

// neverUp is the service-up instant of a lease whose service never came up.
// Eureka's is 0, the Unix epoch (quirk L9).
func (s *scale) neverUp() int64 {
	if s.rule == Eureka {
		return 0
	}
	return unset
}

func (s *scale) grant(term Term) *grant {
	g := &grant{term: term, length: s.length(term), wanders: s.rule.wall()}
	g.step = g.length
	if s.rule == Eureka {
		g.step *= 2
	}
	if g.staged = term.Suspect != 0 || s.rule == Nacos; g.staged {
		g.warning = g.length - s.span(term.Suspect)
	}
	return g
}
