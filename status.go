package leasekernel

import (
	"math"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// Status is what a registry's status page shows.
type Status struct {
	// At is the instant that was asked about.
	At time.Time
	// Leases is their number, expired ones included.
	Leases int
	// Suspects is how many of them are suspect.
	Suspects int
	// Renewals were counted in the last window.
	Renewals int64
	// Replicated of them were sent on by peers.
	Replicated int64
	// Decision is what an eviction pass would go by now.
	Decision preserve.Decision
	// Below is Eureka's isBelowRenewThresold, which is not the opposite of
	// what the Decision allows (quirk T14); under the exact rules it is
	// whether renewals are missing. Under Bilibili's it is always false.
	Below bool
	// Opened is whether eviction passes are planned.
	Opened bool
	// NextEviction is when the next is due, if Opened.
	NextEviction time.Time
	// Registered, Replaced, Cancelled, Evicted, Suspected and Healed count the
	// changes since the start.
	Registered, Replaced, Cancelled, Evicted, Suspected, Healed uint64
}

// Status returns the registry's state at instant now. It is not one moment's
// while other goroutines change it.
func (k *Kernel[K, V]) Status(now time.Time) Status {
	renewals := k.rate.count(now)
	status := Status{
		At:         now,
		Leases:     k.table.Len(),
		Suspects:   k.table.Suspects(),
		Renewals:   renewals,
		Replicated: k.replicas.count(now),
		Decision:   k.decideBy(now, renewals),
		Below:      k.guard.below(now, renewals),
	}
	k.planning.Lock()
	status.Opened, status.NextEviction = k.eviction.running, k.eviction.wake
	k.planning.Unlock()
	k.changing.Lock()
	defer k.changing.Unlock()
	k.absorb(math.MaxUint64)
	totals := &k.changes.totals
	status.Registered, status.Replaced = totals[Registered], totals[Replaced]
	status.Cancelled, status.Evicted = totals[Cancelled], totals[Evicted]
	status.Suspected, status.Healed = totals[Suspected], totals[Healed]
	return status
}
