package lease

import "time"

// Handle leads to one lease in a [Table] without a look-up: a value to copy
// and keep, beside the connection of the holder for example. When the lease
// has left it leads nowhere, also if its key has been registered again. The
// zero Handle belongs to no table and must not be used.
//
// A handle keeps the memory of up to 512 leases from being given back. When
// the table has moved the lease, which it does to give memory back, the
// handle's methods look its key up first; Get returns a direct one.
type Handle[K comparable, V any] struct {
	table *Table[K, V]
	chunk *chunk[K, V]
	slot  uint32
}

func (h Handle[K, V]) place() place[K, V] { return place[K, V]{h.chunk, h.slot} }

// Key returns the lease's key.
func (h Handle[K, V]) Key() K { return h.place().key() }

// Holder returns what the lease was granted to.
func (h Handle[K, V]) Holder() V { return h.place().record().holder }

// Term returns the term that the lease was granted for.
func (h Handle[K, V]) Term() Term { return h.place().grant().term }

// Sequence returns the number of the registration. Leases in the order of
// their numbers are in the order in which they were registered, whatever
// order the table keeps them in.
func (h Handle[K, V]) Sequence() uint64 { return h.place().record().sequence }

// Registered returns the instant at which the lease was granted.
func (h Handle[K, V]) Registered() time.Time {
	return h.table.scale.instant(h.place().record().registered)
}

// Renew records a heartbeat at instant now, as [Table.Renew] does, and reports
// whether the lease was there to take it: not if it was replaced, either.
func (h Handle[K, V]) Renew(now time.Time) bool {
	at, ok := h.table.scale.offset(now)
	if !ok {
		return false
	}
	for p := h.place(); ; {
		seen, _ := p.renew(at)
		if !seen.gone() {
			return !seen.left()
		}
		if p, ok = h.moved(p); !ok {
			return false
		}
	}
}

// moved returns where the lease is if it has moved away from p.
func (h Handle[K, V]) moved(p place[K, V]) (place[K, V], bool) {
	if p.word().load() != movedWord {
		return p, false
	}
	key := h.Key()
	s, f := h.table.locate(&key)
	p, ok := s.find(f, &key)
	return p, ok && p.record().sequence == h.Sequence()
}

// ServiceUp records that the holder's service came up at instant now, as
// [Lease.ServiceUp] does: only the first call counts, and the result reports
// whether this was it. It is false also if the lease has left.
func (h Handle[K, V]) ServiceUp(now time.Time) bool {
	return h.setServiceUp(now, func(seen int64) bool { return seen == h.table.scale.neverUp() })
}

// SetServiceUp overwrites the instant at which the service came up, and
// reports whether the lease was there to take it.
func (h Handle[K, V]) SetServiceUp(at time.Time) bool {
	return h.setServiceUp(at, func(int64) bool { return true })
}

// setServiceUp locks the lease's shard, so that a registration which replaces
// the lease carries the instant over, and a move takes it along.
func (h Handle[K, V]) setServiceUp(at time.Time, may func(seen int64) bool) bool {
	offset, ok := h.table.scale.offset(at)
	if !ok {
		return false
	}
	key := h.Key()
	s, f := h.table.locate(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.find(f, &key)
	if !ok || p.record().sequence != h.Sequence() || !may(p.chunk.serviceUp(p.slot)) {
		return false
	}
	p.chunk.setServiceUp(p.slot, offset)
	return true
}

// ServiceUpAt returns the instant at which the service came up, and whether it
// did, as far as the handle still leads: of a lease that has left, what was
// known where the handle leads to.
func (h Handle[K, V]) ServiceUpAt() (at time.Time, ok bool) {
	p := h.place()
	if now, ok := h.moved(p); ok {
		p = now
	}
	value := p.chunk.serviceUp(p.slot)
	if value == h.table.scale.neverUp() {
		return time.Time{}, false
	}
	return h.table.scale.instant(value), true
}

// Snapshot is a lease as it was at one moment. Its renewals, deadline and stage
// stay as they were, whatever becomes of the lease; its Handle leads to the
// lease itself, as does what it says about the service. The zero Snapshot
// belongs to no table and must not be used.
type Snapshot[K comparable, V any] struct {
	Handle[K, V]
	word slotWord
}

// Suspected reports whether the lease was suspect: found so by a pass, or by
// whoever called [Table.Suspect], and not renewed since. Stage also tells what
// no pass has found yet.
func (s Snapshot[K, V]) Suspected() bool { return s.word&slotSuspect != 0 }

// SuspectSince returns the instant at which the lease was last found suspect,
// if it was Suspected, as far as the handle still leads.
func (s Snapshot[K, V]) SuspectSince() (at time.Time, ok bool) {
	if !s.Suspected() {
		return time.Time{}, false
	}
	p := s.place()
	if now, ok := s.moved(p); ok && now.word().load()&slotSuspect != 0 {
		p = now
	}
	return s.table.scale.instant(p.chunk.suspectSince(p.slot)), true
}

// Exempt reports whether the lease was exempt from suspicion and eviction, see
// [Table.Exempt].
func (s Snapshot[K, V]) Exempt() bool { return s.word&slotExempt != 0 }

// Deadline returns the last instant at which the lease, as it was, is not
// expired without any grace; by a rule of the wall clock that millisecond.
func (s Snapshot[K, V]) Deadline() time.Time { return s.table.scale.instant(s.word.deadline()) }

// LastRenewal returns the true instant of the last renewal, or of the
// registration if there was none.
func (s Snapshot[K, V]) LastRenewal() time.Time {
	length := s.place().grant().length
	last := s.word.deadline() - length
	if s.table.scale.rule == Eureka && s.word&slotRenewed != 0 {
		last -= length
	}
	return s.table.scale.instant(last)
}

// Renewed reports whether the lease was renewed since its registration.
func (s Snapshot[K, V]) Renewed() bool { return s.word&slotRenewed != 0 }

// IsExpired reports whether the lease, as it was, has expired at instant now,
// as [Lease.IsExpired] does. An exempt lease does not.
func (s Snapshot[K, V]) IsExpired(now time.Time, additional time.Duration) bool {
	return !s.Exempt() && s.word.deadline() < s.table.scale.limit(now, additional)
}

// Stage returns the stage at instant now of the lease as it was: never Ended.
// It is Suspect as soon as the lease has been silent for so long or was found
// suspect; an exempt one is that only if it was found so before.
func (s Snapshot[K, V]) Stage(now time.Time, additional time.Duration) Stage {
	grant := s.place().grant()
	switch {
	case s.IsExpired(now, additional):
		return Expired
	case s.Suspected(), !s.Exempt() && grant.staged && s.word.deadline()-grant.warning < s.table.scale.limit(now, additional):
		return Suspect
	}
	return Live
}

// Published returns the timestamps that Eureka's clients expect, as
// [Lease.Published] does. Eviction is always 0: a lease that left is no longer
// published.
func (s Snapshot[K, V]) Published() Timestamps {
	published := Timestamps{
		Registration: s.Registered().UnixMilli(),
		LastRenewal:  s.table.scale.instant(s.word.deadline() - s.place().grant().length).UnixMilli(),
	}
	if up, ok := s.ServiceUpAt(); ok {
		published.ServiceUp = up.UnixMilli()
	}
	return published
}
