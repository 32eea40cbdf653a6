package lease

import "time"

// AppendSuspect appends to leases those that nobody has found suspect yet
// though they have been silent for longer than their term's Suspect at instant
// now, whether or not they have also expired, in no order that means anything.
// Additional is the grace or compensation of the pass. What it appends is as
// the pass saw it, which is what [Table.Suspect] compares with. Exempt leases
// do not become suspect.
func (t *Table[K, V]) AppendSuspect(leases []Snapshot[K, V], now time.Time, additional time.Duration) []Snapshot[K, V] {
	if !t.staged.Load() {
		return leases
	}
	limit := t.scale.limit(now, additional)
	t.sweep(func(c *chunk[K, V]) {
		c.overdue(limit+c.warning, func(slot uint32, seen slotWord) {
			g := c.grantOf(slot)
			if seen&slotUnusual == 0 && g.staged && seen.deadline()-g.warning < limit {
				leases = append(leases, t.snapshot(place[K, V]{c, slot}, seen))
			}
		})
	})
	return leases
}

// Suspect says at instant now that a lease is suspect, if it is still as it was
// seen, and returns what changed. On false it was renewed, replaced, cancelled
// or evicted since, is suspect already, or is exempt; a lease of another table
// is not changed, either, nor the zero one.
//
// It stays suspect until a renewal heals it, which [Table.AppendHealed] tells.
// The term need not have a suspect stage: who probes services by himself may
// know more than their heartbeats tell.
func (t *Table[K, V]) Suspect(now time.Time, seen Snapshot[K, V]) (turn Turn[K, V], ok bool) {
	at, ok := t.scale.offset(now)
	if !ok || seen.table != t || seen.word&slotUnusual != 0 {
		return turn, false
	}
	key := seen.Key()
	s, f := t.locate(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.find(f, &key)
	if !ok || p.record().sequence != seen.Sequence() || p.word().load() != seen.word {
		return turn, false
	}
	p.chunk.setSuspectSince(p.slot, at)
	next := seen.word | slotSuspect
	t.healings.settle()
	sequence := t.sequence.Add(1)
	t.suspects.Add(1) // before it can be healed
	if ok = p.word().swapIf(seen.word, next); !ok {
		t.suspects.Add(-1)
		return turn, false
	}
	return Turn[K, V]{sequence, now, t.snapshot(p, next)}, true
}

// Owns reports whether a snapshot is of a lease of this table, which the zero one
// is not.
func (t *Table[K, V]) Owns(seen Snapshot[K, V]) bool { return seen.table == t }

// Suspects returns the number of suspect leases.
func (t *Table[K, V]) Suspects() int { return int(t.suspects.Load()) }

// forgetSuspect counts one suspect lease less if the word of one that left says
// that it was.
func (t *Table[K, V]) forgetSuspect(left slotWord) {
	if left&slotSuspect != 0 {
		t.suspects.Add(-1)
	}
}

// inherited is the first word of the lease in p, which is about to replace
// another: suspect if that one is and the rule is Nacos's (quirk N7).
func (t *Table[K, V]) inherited(fresh slotWord, p, old place[K, V], seen slotWord) slotWord {
	if t.scale.rule != Nacos || seen&slotSuspect == 0 {
		return fresh
	}
	p.chunk.setSuspectSince(p.slot, old.chunk.suspectSince(old.slot))
	return fresh | slotSuspect
}

// AppendHealed appends to turns the leases that renewals have healed, in the
// order of their Sequence, each to one call only: those up to the Sequence last
// of another change, so that it can be told after all that came before it, or
// all if last is math.MaxUint64. Whoever calls Suspect has to call it now and
// then, as they are kept until then.
func (t *Table[K, V]) AppendHealed(turns []Turn[K, V], last uint64) []Turn[K, V] {
	return t.healings.append(turns, min(last, t.sequence.Load()))
}

// Exempt exempts the key's lease from becoming suspect and from expiring, or no
// longer, and reports whether that is new. It is still renewed, but a renewal
// does not heal it (Nacos's mark, quirk N11).
func (t *Table[K, V]) Exempt(key K, on bool) bool {
	s, f := t.locate(&key)
	for {
		p, ok := s.find(f, &key)
		if !ok {
			return false
		}
		seen := p.word().load()
		next := seen &^ slotExempt
		if on {
			next |= slotExempt
		}
		switch {
		case seen.left():
		case next == seen:
			return false
		case p.word().swapIf(seen, next):
			return true
		}
	}
}

// RenewTelling is [Table.Renew], and tells whether the renewal healed the lease.
func (t *Table[K, V]) RenewTelling(now time.Time, key K) (healed, ok bool) {
	at, ok := t.scale.offset(now)
	if !ok {
		return false, false
	}
	s, f := t.locate(&key)
	return s.renewUnusual(f, &key, at)
}
