package lease

import (
	"fmt"
	"math"
	"time"
)

// Mark is the state in which a pass saw a lease expired: what [Lease.Evict]
// compares against. It evicts the lease that handed it out and no other, not
// even one that replaced it under the same key. The zero Mark evicts nothing.
type Mark struct {
	of   *atomicWord
	word word
}

// Stage is where a lease stands in its life.
type Stage uint8

const (
	// Live: within its term.
	Live Stage = iota
	// Suspect: silent for longer than the term's Suspect, not yet expired.
	Suspect
	// Expired: the term is over; the next pass may evict the lease, and until
	// then a renewal brings it back.
	Expired
	// Ended: cancelled or evicted, for good.
	Ended
)

// String returns "live", "suspect", "expired" or "ended".
func (s Stage) String() string {
	switch s {
	case Live:
		return "live"
	case Suspect:
		return "suspect"
	case Expired:
		return "expired"
	case Ended:
		return "ended"
	}
	return fmt.Sprintf("Stage(%d)", uint8(s))
}

// IsExpired reports whether the lease has expired at instant now: it has
// ended, or now lies strictly after its deadline plus additional (quirk L2),
// by at least a millisecond by the rules of the wall clock.
//
// Additional is the grace or compensation of the pass. Exact: a sum beyond
// what a [time.Duration] holds never expires, and an additional below zero
// counts as zero, since nothing may expire an exact lease before its term is
// over. Else it is truncated to milliseconds and may be negative (L5).
func (l *Lease[V]) IsExpired(now time.Time, additional time.Duration) bool {
	return l.expired(l.word.load(), now, additional)
}

// IsExpiredMilli is [Lease.IsExpired] with additional in milliseconds, for
// values that no [time.Duration] holds. Under the rules of the wall clock all
// sums wrap at 64 bits, as Java's do (quirk L4).
func (l *Lease[V]) IsExpiredMilli(now time.Time, additional int64) bool {
	seen := l.word.load()
	if l.term.Rule.wall() {
		return l.expiredWall(seen, now.UnixMilli(), additional)
	}
	return l.expired(seen, now, durationOfMilli(max(additional, 0)))
}

// Expired is [Lease.IsExpired] for a pass: on true it also returns the mark
// that [Lease.Evict] needs. On false the mark is zero.
func (l *Lease[V]) Expired(now time.Time, additional time.Duration) (Mark, bool) {
	seen := l.word.load()
	if !l.expired(seen, now, additional) {
		return Mark{}, false
	}
	return Mark{&l.word, seen}, true
}

// Stage returns the lease's stage at instant now. Additional delays both the
// suspect and the expired stage, as in [Lease.IsExpired].
func (l *Lease[V]) Stage(now time.Time, additional time.Duration) Stage {
	seen := l.word.load()
	switch {
	case seen&live == 0:
		return Ended
	case l.expired(seen, now, additional):
		return Expired
	case l.suspect(seen, now, additional):
		return Suspect
	}
	return Live
}

func (l *Lease[V]) suspect(seen word, now time.Time, additional time.Duration) bool {
	if l.term.Rule == Nacos {
		return now.UnixMilli() > l.epoch+seen.offset()+l.term.Suspect.Milliseconds()+additional.Milliseconds()
	}
	return l.term.Suspect != 0 && l.silentFor(seen, now, l.term.Suspect, additional)
}

// Deadline returns the last instant at which the lease, as it stands, is not
// expired without any grace; by the rules of the wall clock, which compare whole
// milliseconds, that millisecond. Of a lease that has ended it is the deadline
// that it had, which under Eureka's rule still moves with renewals (L7).
func (l *Lease[V]) Deadline() time.Time {
	last := l.word.load().offset()
	if l.term.Rule.wall() {
		return l.instant(last + l.millis)
	}
	return l.instant(last).Add(l.term.Duration)
}

func (l *Lease[V]) expired(seen word, now time.Time, additional time.Duration) bool {
	if l.term.Rule.wall() {
		return l.expiredWall(seen, now.UnixMilli(), additional.Milliseconds())
	}
	return seen&live == 0 || l.silentFor(seen, now, l.term.Duration, additional)
}

// expiredWall is the comparison of all rules but the exact one. Every sum of Eureka's wraps,
// hence absolute milliseconds: subtracting the registration on both sides would
// not be the same.
func (l *Lease[V]) expiredWall(seen word, now, additional int64) bool {
	return seen&live == 0 || now > l.epoch+seen.offset()+l.millis+additional
}

// silentFor reports whether an exact lease has been silent for strictly more
// than term plus additional. Offsets and terms stay below 2^61, so that only
// additional can carry the sum beyond 2^63.
func (l *Lease[V]) silentFor(seen word, now time.Time, term, additional time.Duration) bool {
	limit := seen.offset() + int64(term) + int64(max(additional, 0))
	if limit < 0 {
		limit = math.MaxInt64
	}
	return int64(now.Sub(l.registered)) > limit
}

// durationOfMilli converts milliseconds, 0 or more, stopping at the end of a
// [time.Duration].
func durationOfMilli(millis int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	if millis > most {
		return math.MaxInt64
	}
	return time.Duration(millis) * time.Millisecond
}
