package lease

import (
	"math"
	"time"
)

// Registered returns the instant at which the lease was granted; by the rules
// of the wall clock in whole milliseconds, as all its facts.
func (l *Lease[V]) Registered() time.Time { return l.registered }

// LastRenewal returns the instant of the last renewal, or of the registration
// if there was none. It is the true instant also under Eureka's rule, which
// publishes one that lies a duration in the future (see [Lease.Published]);
// there it includes renewals that came after the end (L7).
func (l *Lease[V]) LastRenewal() time.Time {
	seen := l.word.load()
	if l.term.Rule == Eureka && seen&renewed != 0 {
		return l.instant(seen.offset() - l.millis)
	}
	return l.instant(seen.offset())
}

// Ended returns the instant at which the lease was cancelled or evicted, and
// whether it was. An exact lease keeps it to the nanosecond within 146 years
// of the registration, and Eureka's to the millisecond within 146 million.
func (l *Lease[V]) Ended() (at time.Time, ok bool) {
	if l.word.load()&live != 0 {
		return time.Time{}, false
	}
	return l.instant(l.finalEnding().offset()), true
}

// ServiceUp records that the holder's service came up at instant now. Only
// the first call counts; the result reports whether this was it. An exact
// lease keeps it within 146 years of the registration.
//
// Eureka: the value 0 stands for "never", so that at the Unix epoch, or after
// SetServiceUp with it, the next call counts again (quirk L9).
func (l *Lease[V]) ServiceUp(now time.Time) bool {
	never, at := l.serviceUpScale(now)
	return l.up.CompareAndSwap(never, at)
}

// SetServiceUp overwrites the instant at which the service came up. A
// registration that replaces a lease carries the old one's over with it.
func (l *Lease[V]) SetServiceUp(at time.Time) {
	_, value := l.serviceUpScale(at)
	l.up.Store(value)
}

// ServiceUpAt returns the instant at which the service came up, and whether
// it did.
func (l *Lease[V]) ServiceUpAt() (at time.Time, ok bool) {
	value := l.up.Load()
	switch {
	case l.term.Rule == Eureka && value != 0:
		return time.UnixMilli(value).In(l.registered.Location()), true
	case l.term.Rule != Eureka && value != unset:
		return l.instant(value), true
	}
	return time.Time{}, false
}

// serviceUpScale returns what stands for "never" and for the instant under
// the lease's rule.
func (l *Lease[V]) serviceUpScale(at time.Time) (never, value int64) {
	if l.term.Rule == Eureka {
		return 0, at.UnixMilli()
	}
	return unset, l.fromRegistration(at)
}

// Timestamps is what Eureka's REST interface publishes of a lease, in
// milliseconds since the Unix epoch. Zero stands for "has not happened".
type Timestamps struct {
	Registration int64 // when the lease was granted
	LastRenewal  int64 // of the last update; Eureka: in the future (L10)
	Eviction     int64 // when it was cancelled or evicted
	ServiceUp    int64 // when the holder's service came up
}

// Published returns the lease's timestamps as Eureka's clients expect them.
//
// Under Eureka's rule they are the original's fields to the bit, up to 73
// million years from the registration: after a renewal LastRenewal lies one
// duration in the future (quirk L10), and a cancel at or before the epoch
// shows in Eviction without having ended the lease (L6). Under the exact rule
// they are the true instants. The fields are read one after the other: of a
// lease that changes meanwhile they need not belong to one moment.
func (l *Lease[V]) Published() Timestamps {
	seen := l.word.load()
	published := Timestamps{
		Registration: l.epoch,
		LastRenewal:  l.instant(seen.offset()).UnixMilli(),
	}
	ended := ending(l.end.Load())
	if seen&live == 0 {
		ended = l.finalEnding()
	}
	if ended != noEnding {
		published.Eviction = l.instant(ended.offset()).UnixMilli()
	}
	if up, ok := l.ServiceUpAt(); ok {
		published.ServiceUp = up.UnixMilli()
	}
	return published
}

// An ending is the instant of the end as an offset from the registration (63
// bits) and a flag.
type ending int64

const (
	// final: the lease ended at this instant.
	final ending = 0
	// void: it did not, or not yet. The instant is only published: that of an
	// Eureka cancel without effect, or none at all.
	void ending = 1

	// maxEnding is the farthest offset that an ending holds, and noEnding one
	// that no instant has.
	maxEnding        = 1<<62 - 1
	noEnding  ending = math.MinInt64 | void
)

func newEnding(offset int64, flag ending) ending { return ending(offset)<<1 | flag }

func (e ending) offset() int64 { return int64(e) >> 1 }

// finalEnding returns the instant of the end, for which the caller has seen
// the live flag cleared. It waits for the goroutine that cleared the flag to
// store it, which is the next thing that goroutine does.
func (l *Lease[V]) finalEnding() ending {
	for {
		if e := ending(l.end.Load()); e&void == 0 {
			return e
		}
		giveWay()
	}
}

// publishVoidEnd publishes an Eureka cancel that does not end the lease. It
// never overwrites the final ending.
func (l *Lease[V]) publishVoidEnd(now time.Time) {
	next := newEnding(l.fromRegistration(now), void)
	for {
		seen := ending(l.end.Load())
		if seen&void == 0 || l.end.CompareAndSwap(int64(seen), int64(next)) {
			return
		}
	}
}
