package leasekernel

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Kind says what a [Change] did.
type Kind uint8

const (
	// Registered: a key got a lease that had none.
	Registered Kind = iota + 1
	// Replaced: a key with a lease was registered again, so that a new lease
	// took the old one's place.
	Replaced
	// Cancelled: the holder ended its lease.
	Cancelled
	// Evicted: a pass ended a lease that had expired.
	Evicted
	// Suspected: a pass found a lease suspect, or somebody said so.
	Suspected
	// Healed: a renewal came for a suspect lease.
	Healed
)

// String returns the kind as a word, such as "registered".
func (k Kind) String() string {
	switch k {
	case Registered:
		return "registered"
	case Replaced:
		return "replaced"
	case Cancelled:
		return "cancelled"
	case Evicted:
		return "evicted"
	case Suspected:
		return "suspected"
	case Healed:
		return "healed"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Transition is that the lease of a key began, ended, or changed its stage.
type Transition[K comparable] struct {
	// Sequence rises from one transition to the next, with gaps.
	Sequence uint64
	// Kind is what happened.
	Kind Kind
	// At is when, as the caller said; of a Healed in whole milliseconds, where the
	// rules measure in these.
	At time.Time
	// Key is whose lease it was.
	Key K
}

// Change is a transition with the leases that it was about. They keep memory
// from being given back, see [lease.Handle]: whoever remembers changes for long
// should keep the Transition. A renewal by their handles is not counted.
type Change[K comparable, V any] struct {
	Transition[K]
	// Lease is the lease that began, as it was after the change of its stage, or
	// that left as it was last.
	Lease lease.Snapshot[K, V]
	// Old is the lease that left, as it was last, if the Kind is Replaced; else
	// it must not be used.
	Old lease.Snapshot[K, V]
}

// Report is what a call of Tick, or of one of its passes, found and did.
//
// The Changes of all reports together are all changes, each exactly once, in
// the order in which they happened: those that callers made since the last
// report, and those of the passes. They are kept until then, so some pass has
// to be called now and then.
type Report[K comparable, V any] struct {
	// At is the instant of the call.
	At time.Time
	// Changes since the last report.
	Changes []Change[K, V]
	// Rotation is what the meter's pass did, nil if it was not due.
	Rotation *Rotation
	// Eviction is what the eviction pass did, nil if it was not due.
	Eviction *Eviction[K, V]
	// Update is what the update of the expectation did, nil if it was not due.
	Update *Update
}

// Empty reports whether nothing was due and nothing changed.
func (r Report[K, V]) Empty() bool {
	return len(r.Changes) == 0 && r.Rotation == nil && r.Eviction == nil && r.Update == nil
}

// Rotation is a tumbling meter's change of windows.
type Rotation struct {
	// Renewals were counted in the window that ended.
	Renewals int64
	// Replicated of them came from peers.
	Replicated int64
}

// Eviction is one pass that evicts.
type Eviction[K comparable, V any] struct {
	// Compensation is what the pass forgave every lease, for coming late.
	Compensation time.Duration
	// Decision is whether eviction was allowed, and why.
	Decision preserve.Decision
	// Size is the number of leases when the candidates had been collected, or
	// when the pass was withheld.
	Size int
	// Limit is how many leases the pass was allowed to evict. It is 0 if
	// eviction was withheld, the Ceiling apart, and also under Eureka v1.2.5
	// (quirk E9) and Nacos, which have no limit. It can be negative (quirk E2).
	Limit int
	// Suspected are the leases that the pass found suspect, in that order, as in
	// the Changes. That is not withheld: it can be taken back by a heartbeat. A
	// registry that suspects itself, see Decision, should go on to list them.
	Suspected []Change[K, V]
	// Candidates is how many leases had expired and might be evicted, beyond the
	// Ceiling if it is for that.
	Candidates int
	// Ceiling is whether eviction was withheld and leases were evicted all the
	// same, for having been silent beyond the Config's Ceiling.
	Ceiling bool
	// Evicted are the leases that the pass evicted, in that order, as in the
	// Changes.
	Evicted []Change[K, V]
	// Proposed are the victims, in that order, if the Config says ProposeOnly.
	Proposed []lease.Snapshot[K, V]
	// Rescued are the victims, as the pass saw them, that were renewed,
	// registered again, cancelled or exempted before their turn came, or whose
	// warning began anew.
	Rescued []lease.Snapshot[K, V]
	// Err is why nobody could be drawn: the Source drew outside its range.
	Err error
	// After is the decision after the pass: what is expected may have changed
	// by it.
	After preserve.Decision
}

// Update is one update of what a release expects.
type Update struct {
	// Count is the number of clients that was offered.
	Count int64
	// Adopted is whether the expectation became this number.
	Adopted bool
	// Err is why there was no number, or why it was refused.
	Err error
}
