package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// findSuspect is the first half of a pass: it finds suspect what has been
// silent for so long. Needs passes.
func (k *Kernel[K, V]) findSuspect(now time.Time, additional time.Duration) (found []Change[K, V]) {
	if k.suspicionOff.Load() {
		return nil
	}
	silent := k.table.AppendSuspect(nil, now, additional)
	if len(silent) == 0 {
		return nil
	}
	for _, seen := range k.inOrder(now, silent) {
		if change, ok := k.suspectOne(now, seen); ok {
			found = append(found, change)
		}
	}
	return found
}

// suspectOne says that a lease is suspect, if it is still as it was seen.
func (k *Kernel[K, V]) suspectOne(now time.Time, seen lease.Snapshot[K, V]) (Change[K, V], bool) {
	k.changing.Lock()
	defer k.changing.Unlock()
	turn, ok := k.table.Suspect(now, seen)
	if !ok {
		return Change[K, V]{}, false
	}
	change := turned(Suspected, turn)
	k.note(change)
	return change, true
}

// dwell is how long a lease of the term has to have been suspect before it is
// evicted, and whether it has to have been at all.
func (c Config) dwell(term lease.Term) (time.Duration, bool) {
	staged := term.Suspect != 0 || term.Rule == lease.Nacos
	switch {
	case staged && c.Dwell > 0:
		return c.Dwell, true
	case staged && c.Release == 0:
		return term.Interval, true
	}
	return 0, false
}

// warned reports whether a lease has been suspect for as long as it has to be.
// What the pass forgives for coming late it forgives here, too.
func (k *Kernel[K, V]) warned(now time.Time, s lease.Snapshot[K, V], additional time.Duration) bool {
	dwell, ok := k.config.dwell(s.Term())
	if !ok {
		return true
	}
	since, ok := s.SuspectSince()
	lasted := now.Sub(since)
	return ok && lasted >= dwell && lasted-dwell >= additional
}
