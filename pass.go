package leasekernel

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Tick runs the passes that are due at instant now, in this order: the meter's
// rotation, the eviction, the update of what is expected. Each is due an
// interval after it last ran, however late that was (quirk R2); one that was
// due several times runs once. Call it when [Kernel.Next] says, or more often.
//
// Where two are due at once their order matters: an eviction that comes before
// the rotation goes by an older count (quirk R7). Call the passes by
// themselves for another order.
func (k *Kernel[K, V]) Tick(now time.Time) Report[K, V] {
	k.passes.Lock()
	defer k.passes.Unlock()
	report := Report[K, V]{At: now, Rotation: k.rotate(now)}
	if k.isEvictionDue(now) {
		report.Eviction = k.evict(now, k.planEviction(now))
	}
	if k.isDue(&k.update, now) {
		report.Update = k.updateExpectation(now)
	}
	return k.told(report)
}

// Rotate ends the tumbling meter's window if it is over at instant now. The
// exact rules' meter has nothing to rotate.
func (k *Kernel[K, V]) Rotate(now time.Time) Report[K, V] {
	k.passes.Lock()
	defer k.passes.Unlock()
	return k.told(Report[K, V]{At: now, Rotation: k.rotate(now)})
}

// Evict runs the eviction pass at instant now, due or not, and plans the next
// one an interval later. Bilibili's keep their phase: one that is not due moves
// nothing.
func (k *Kernel[K, V]) Evict(now time.Time) Report[K, V] {
	k.passes.Lock()
	defer k.passes.Unlock()
	return k.told(Report[K, V]{At: now, Eviction: k.evict(now, k.planEviction(now))})
}

// EvictForgiving runs an eviction pass at instant now that forgives every lease
// the given time, whenever passes are planned: what Eureka's evict does with an
// argument, and without one that of 0 (quirk E8).
func (k *Kernel[K, V]) EvictForgiving(now time.Time, additional time.Duration) Report[K, V] {
	k.passes.Lock()
	defer k.passes.Unlock()
	return k.told(Report[K, V]{At: now, Eviction: k.evict(now, additional)})
}

// Update offers a release the number of clients that Hooks' View returns at
// instant now, due or not, and plans the next update an interval later. The
// exact rules have nothing to update.
func (k *Kernel[K, V]) Update(now time.Time) Report[K, V] {
	k.passes.Lock()
	defer k.passes.Unlock()
	k.ran(&k.update, now)
	return k.told(Report[K, V]{At: now, Update: k.updateExpectation(now)})
}

// Next returns the earliest instant at which Tick has something to do, if
// there is one.
func (k *Kernel[K, V]) Next() (at time.Time, ok bool) {
	at, ok = k.rate.nextRotation()
	k.planning.Lock()
	defer k.planning.Unlock()
	for _, s := range []*schedule{&k.rotation, &k.eviction.schedule, &k.update} {
		if s.running && (!ok || s.wake.Before(at)) {
			at, ok = s.wake, true
		}
	}
	return at, ok
}

// isDue reports whether a pass should run, and plans the next one if so.
func (k *Kernel[K, V]) isDue(s *schedule, now time.Time) bool {
	k.planning.Lock()
	defer k.planning.Unlock()
	due := s.due(now)
	if due {
		s.ran(now)
	}
	return due
}

func (k *Kernel[K, V]) ran(s *schedule, now time.Time) {
	k.planning.Lock()
	defer k.planning.Unlock()
	s.ran(now)
}

func (k *Kernel[K, V]) isEvictionDue(now time.Time) bool {
	k.planning.Lock()
	defer k.planning.Unlock()
	return k.eviction.due(now)
}

// planEviction returns what the eviction pass at instant now forgives, and plans
// the next one. Both are planned at once, for Explain.
func (k *Kernel[K, V]) planEviction(now time.Time) time.Duration {
	forgiven, compensates := k.compensation.next(now)
	k.planning.Lock()
	defer k.planning.Unlock()
	k.eviction.ran(now)
	k.eviction.compensates = compensates
	return forgiven
}

// told adds what changed to a report.
func (k *Kernel[K, V]) told(report Report[K, V]) Report[K, V] {
	k.changing.Lock()
	defer k.changing.Unlock()
	k.absorb(math.MaxUint64)
	report.Changes = k.changes.drain()
	return report
}

func (k *Kernel[K, V]) rotate(now time.Time) *Rotation {
	switch {
	case k.isDue(&k.rotation, now):
		k.rate.end()
		k.replicas.end()
	case k.rate.rotate(now):
		k.replicas.rotate(now)
	default:
		return nil
	}
	return &Rotation{Renewals: k.rate.count(now), Replicated: k.replicas.count(now)}
}

func (k *Kernel[K, V]) updateExpectation(now time.Time) *Update {
	release, ok := k.guard.(*releaseGuard)
	if !ok {
		return nil
	}
	update := &Update{Count: int64(k.table.Len())}
	if k.hooks.View != nil {
		update.Count, update.Err = k.hooks.View(now)
	}
	if update.Err == nil {
		update.Adopted, update.Err = release.Update(update.Count)
	}
	return update
}

// evict is one eviction pass: find suspect, collect, choose, evict. What is
// chosen was seen in a state, and is evicted only in that state. Needs passes.
func (k *Kernel[K, V]) evict(now time.Time, additional time.Duration) *Eviction[K, V] {
	pass := &Eviction[K, V]{Compensation: additional, Suspected: k.findSuspect(now, additional), Decision: k.decide(now)}
	pass.After = pass.Decision
	withheld := !pass.Decision.Allowed
	if withheld && (k.config.Ceiling == 0 || pass.Decision.Reason == preserve.Disabled) {
		pass.Size = k.table.Len()
		return pass
	}
	candidates := k.collect(now, additional, withheld)
	pass.Candidates = len(candidates)
	pass.Ceiling = withheld && len(candidates) > 0
	pass.Size = k.table.Len()
	if !k.rules.unlimited && (!withheld || pass.Ceiling) {
		pass.Limit = k.guard.limit(pass.Size)
	}
	victims, err := k.choose(now, candidates, pass.Limit)
	pass.Err = err
	if k.config.ProposeOnly {
		pass.Proposed = victims
		return pass
	}
	for _, victim := range victims {
		if change, ok := k.evictOne(now, victim, additional); ok {
			pass.Evicted = append(pass.Evicted, change)
		} else {
			pass.Rescued = append(pass.Rescued, victim)
		}
	}
	pass.After = k.decide(now)
	return pass
}

// collect returns the leases that may be evicted in the order from which
// victims are drawn: of a pass that is withheld only those beyond the ceiling.
func (k *Kernel[K, V]) collect(now time.Time, additional time.Duration, withheld bool) []lease.Snapshot[K, V] {
	candidates := k.table.AppendExpired(nil, now, additional)
	candidates = slices.DeleteFunc(candidates, func(s lease.Snapshot[K, V]) bool {
		return withheld && now.Sub(s.LastRenewal()) <= k.config.Ceiling || !k.warned(now, s, additional)
	})
	return k.inOrder(now, candidates)
}

// inOrder leaves out what others are responsible for, and puts the rest in the
// order in which the pass goes on.
func (k *Kernel[K, V]) inOrder(now time.Time, leases []lease.Snapshot[K, V]) []lease.Snapshot[K, V] {
	if k.hooks.Responsible != nil {
		leases = slices.DeleteFunc(leases, func(s lease.Snapshot[K, V]) bool { return !k.hooks.Responsible(s.Key()) })
	}
	slices.SortFunc(leases, func(a, b lease.Snapshot[K, V]) int { return cmp.Compare(a.Sequence(), b.Sequence()) })
	if k.hooks.Order != nil {
		k.hooks.Order(now, leases)
	}
	return leases
}

// choose draws the victims.
func (k *Kernel[K, V]) choose(now time.Time, candidates []lease.Snapshot[K, V], limit int) ([]lease.Snapshot[K, V], error) {
	if k.rules.unlimited {
		return candidates, nil
	}
	source := k.random
	if source == nil {
		source = evict.NewJavaRandom(now.UnixMilli())
	}
	return evict.Pick(source, candidates, limit)
}

// EvictProposed evicts a lease that a pass has proposed, see Config's
// ProposeOnly, at instant now: if it is still as the pass saw it, or with
// EvictByKey whatever has become of it. On false it was renewed, registered
// again, cancelled, exempted or evicted since, or is not of this kernel.
//
// It decides nothing: whether eviction is allowed, how many may go and who is
// responsible was up to the pass. Who takes long to agree should ask Status
// again, and not carry out the proposals of several passes as one.
func (k *Kernel[K, V]) EvictProposed(now time.Time, victim lease.Snapshot[K, V]) (Change[K, V], bool) {
	if !k.table.Owns(victim) {
		return Change[K, V]{}, false
	}
	return k.evictOne(now, victim, 0)
}

// evictOne evicts one victim, if it is still as the pass saw it. A lease that was
// healed and found suspect anew may look the same, if its renewal was a late
// one: hence the second look at since when.
func (k *Kernel[K, V]) evictOne(now time.Time, victim lease.Snapshot[K, V], additional time.Duration) (Change[K, V], bool) {
	k.changing.Lock()
	defer k.changing.Unlock()
	if !k.config.EvictByKey && !k.warned(now, victim, additional) {
		return Change[K, V]{}, false
	}
	departure, ok := k.end(victim)
	if !ok {
		return Change[K, V]{}, false
	}
	change := departed(Evicted, now, victim.Key(), departure)
	k.guard.evicted(change.Lease.Term())
	k.note(change)
	return change, true
}

func (k *Kernel[K, V]) end(victim lease.Snapshot[K, V]) (lease.Departure[K, V], bool) {
	if k.config.EvictByKey {
		return k.table.Cancel(victim.Key())
	}
	return k.table.Evict(victim)
}
