package lease

import (
	"math"
	"time"
)

// Lease is a holder's right to be considered alive. Make one with [New]; the
// zero value is a lease that ended. A Lease must not be copied.
//
// Most callers want Renew on every heartbeat, and Expired with Evict in the
// pass that removes the silent.
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once. None waits
// for a lock; only Ended and Published, when they meet a lease that is just
// ending, wait for the single store that follows the decision.
//
// One atomic word decides. It holds the last update and the live flag, and
// nothing else that can change enters a decision: the term and the instant of
// registration are written before the lease is shared and never again. So the
// protocol is three moves on one word:
//
//   - Renew loads the word and replaces it by compare-and-swap with a later
//     last update, or reports false if the live flag is gone.
//   - Expired loads the word, judges it, and hands it out as a Mark.
//   - Evict replaces exactly the word in the Mark by one without the live
//     flag; Cancel clears the flag of whatever word is there.
//
// Go's atomics are sequentially consistent, so all operations on the word
// have one total order and each takes effect at its compare-and-swap (or its
// load, where it changes nothing). A renewal that is ordered before an
// eviction and has changed the word makes the eviction fail; a renewal ordered
// after it finds the flag gone and reports false. The word may also be what
// the pass saw although renewals came between: because they were not later
// than the last update (exact rule), or because the clock went forth and back
// (Eureka's). The eviction then succeeds, and rightly: expiry is a function of
// the word, the term and the pass's instant, so the same word is as expired as
// before, and a pass that came after those renewals would have seen the same.
// The live flag is never set again, so nothing brings a lease back.
//
// The instant of the end follows in a second word, written by the one call
// that cleared the flag. Whoever sees the flag cleared but the instant not
// yet written is between those two stores of another goroutine.
type Lease[V any] struct {
	word atomicWord
	end  atomicInt64 // instant of the end, see ending
	up   atomicInt64 // exact: offset or unset; Eureka: epoch ms or 0

	registered time.Time
	epoch      int64 // registered in epoch milliseconds
	millis     int64 // not Exact: the duration; Eureka's after overflow
	term       Term
	holder     V
}

// unset marks an exact lease's service-up instant that was never given. No
// instant has this offset: fromRegistration stops far above it.
const unset = math.MinInt64

// New grants a lease at instant now. It reports every rule that the term
// breaks, as [Term.Validate] does.
func New[V any](now time.Time, holder V, term Term) (*Lease[V], error) {
	if err := term.Validate(); err != nil {
		return nil, err
	}
	l := &Lease[V]{registered: now, epoch: now.UnixMilli(), term: term, holder: holder}
	l.end.Store(int64(noEnding))
	if term.Rule.wall() {
		l.registered = l.instant(0) // whole milliseconds
		l.millis = term.millis()
	}
	if term.Rule != Eureka {
		l.up.Store(unset)
	}
	l.word.store(newWord(0, live))
	return l, nil
}

// Renew records a heartbeat at instant now and reports whether the lease was
// alive to take it. On false the holder has to register again.
//
// A lease whose term is over but which no pass has evicted is still renewed.
//
// Exact: an older now than the last renewal's changes nothing and never
// shortens the lease. Renewals are taken for [MaxDuration] after the
// registration and refused after that.
//
// Eureka: the last update becomes now plus the duration, so that the next
// check adds the duration twice (quirk L1); it moves backwards with the clock
// or with a negative duration (L8), and also on a lease that has ended (L7).
// A last update more than 73 million years from the registration is refused.
//
// Nacos, Bilibili: the last update becomes now, also where the clock was set back (N10, B12),
// and is refused as far away.
func (l *Lease[V]) Renew(now time.Time) bool {
	switch l.term.Rule {
	case Eureka:
		return l.renewEureka(now.UnixMilli() + l.millis - l.epoch)
	case Nacos, Bilibili:
		return l.renewWall(now.UnixMilli() - l.epoch)
	}
	return l.renewExact(int64(now.Sub(l.registered)))
}

func (l *Lease[V]) renewExact(at int64) bool {
	for {
		seen := l.word.load()
		if seen&live == 0 || at > horizon {
			return false
		}
		if at <= seen.offset() || l.word.swapIf(seen, newWord(at, live|renewed)) {
			return true
		}
	}
}

func (l *Lease[V]) renewEureka(last int64) bool {
	if !fits(last) {
		return false
	}
	for {
		seen := l.word.load()
		if l.word.swapIf(seen, newWord(last, seen&live|renewed)) {
			return seen&live != 0
		}
	}
}

func (l *Lease[V]) renewWall(last int64) bool {
	for {
		seen := l.word.load()
		if seen&live == 0 || !fits(last) {
			return false
		}
		if l.word.swapIf(seen, newWord(last, live|renewed)) {
			return true
		}
	}
}

// Cancel ends the lease at instant now, as a holder that leaves does, and
// reports whether this call ended it.
//
// Eureka: at or before the Unix epoch the lease does not end. The instant is
// only published, until a later Cancel overwrites it (quirk L6), and the
// result is false.
func (l *Lease[V]) Cancel(now time.Time) bool {
	if l.term.Rule == Eureka && now.UnixMilli() <= 0 {
		l.publishVoidEnd(now)
		return false
	}
	if !l.word.endLife() {
		return false
	}
	l.end.Store(int64(newEnding(l.fromRegistration(now), final)))
	return true
}

// Evict ends the lease at instant now if it is still in the state that the
// pass saw, and reports whether this call ended it. False means that the
// lease was renewed, cancelled or evicted since, or that the mark is another
// lease's, and nothing has changed. Unlike Cancel it ends also an Eureka lease
// at or before the Unix epoch.
func (l *Lease[V]) Evict(now time.Time, seen Mark) bool {
	if seen.of != &l.word || seen.word&live == 0 || !l.word.swapIf(seen.word, seen.word&^live) {
		return false
	}
	l.end.Store(int64(newEnding(l.fromRegistration(now), final)))
	return true
}

// Holder returns what the lease was granted to.
func (l *Lease[V]) Holder() V { return l.holder }

// Term returns the term that the lease was granted for.
func (l *Lease[V]) Term() Term { return l.term }

// fromRegistration is an instant as an offset from the registration in the
// rule's unit, as facts are kept. It stops where an ending can hold no more:
// 146 years on either side in nanoseconds, 146 million in milliseconds.
func (l *Lease[V]) fromRegistration(now time.Time) int64 {
	offset := now.UnixMilli() - l.epoch
	if l.term.Rule == Exact {
		offset = int64(now.Sub(l.registered))
	}
	return min(max(offset, -maxEnding), maxEnding)
}

// instant is the instant of an offset.
func (l *Lease[V]) instant(offset int64) time.Time {
	if l.term.Rule.wall() {
		return time.UnixMilli(l.epoch + offset).In(l.registered.Location())
	}
	return l.registered.Add(time.Duration(offset))
}
