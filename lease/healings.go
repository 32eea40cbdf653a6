package lease

import (
	"cmp"
	"slices"
	"time"
)

// Turn is that a lease turned suspect, or that a renewal healed it.
type Turn[K comparable, V any] struct {
	// Sequence is the number of this change, of the same count as those of
	// registrations and departures. Those of one lease are in the order in which
	// it turned.
	Sequence uint64
	// At is when, as the caller said.
	At time.Time
	// Lease is the lease after it.
	Lease Snapshot[K, V]
}

// healings are the turns of renewals that healed a lease, until somebody asks
// for them.
//
// A renewal waits for nobody, yet whoever ends a lease, or finds it suspect
// again, must be able to tell first that it had been healed. So a renewal
// announces that it may heal a lease BEFORE it does: it pushes a node on a
// stack, looks at the lease again, draws the sequence number, replaces the word
// and says in the node whether that succeeded. Suppose that a change with number
// n is to be told together with all healings before it. A healing with a lower
// number drew it earlier and pushed its node before that, so it is on the stack.
// If it has not said yet whether it succeeded, the teller waits: for the draw and
// one compare-and-swap of another goroutine. Healings with a higher number are
// left for the next time.
//
// A lease that is found suspect anew may have the very word that it had when it
// was suspect before. A renewal that drew its number then must not heal it now:
// its number is lower than that of the suspicion. So whoever finds a lease suspect
// waits, before he draws his number, until all renewals that have announced
// themselves are decided. Those that do so later look at the lease after that.
type healings[K comparable, V any] struct {
	top     atomicPointer[healing[K, V]]
	telling mutex          // held by who follows the nodes
	settled *healing[K, V] // it and all below are decided; needs telling
}

type healing[K comparable, V any] struct {
	next     *healing[K, V]
	sequence atomicUint64 // 0: to be drawn at once
	outcome  atomicUint32
	at       time.Time // as lease, written before the outcome
	lease    Snapshot[K, V]
}

// The outcomes of a healing.
const (
	undecided uint32 = iota
	healed
	failed
)

// announce pushes a healing that is about to be tried.
func (h *healings[K, V]) announce() *healing[K, V] {
	node := new(healing[K, V])
	h.push(node)
	return node
}

func (h *healings[K, V]) push(node *healing[K, V]) {
	for {
		top := h.top.Load()
		node.next = top
		if h.top.CompareAndSwap(top, node) {
			return
		}
	}
}

// succeed says that the healing succeeded.
func (n *healing[K, V]) succeed(at time.Time, lease Snapshot[K, V]) {
	n.at, n.lease = at, lease
	n.outcome.Store(healed)
}

// fail says that something else happened to the lease.
func (n *healing[K, V]) fail() { n.outcome.Store(failed) }

// append appends the turns up to a number that has been drawn, sorted.
func (h *healings[K, V]) append(turns []Turn[K, V], last uint64) []Turn[K, V] {
	if h.top.Load() == nil {
		return turns
	}
	h.telling.Lock()
	defer h.telling.Unlock()
	h.settled = nil
	from := len(turns)
	for node := h.top.Swap(nil); node != nil; {
		n := node
		node = n.next
		switch n.until(last) {
		case healed:
			turns = append(turns, Turn[K, V]{n.sequence.Load(), n.at, n.lease})
		case undecided:
			h.push(n)
		}
	}
	slices.SortFunc(turns[from:], func(a, b Turn[K, V]) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return turns
}

// settle waits until all healings that have been announced are decided.
func (h *healings[K, V]) settle() {
	h.telling.Lock()
	defer h.telling.Unlock()
	top := h.top.Load()
	for node := top; node != h.settled; node = node.next {
		for node.outcome.Load() == undecided {
			giveWay()
		}
	}
	h.settled = top
}

// until returns the outcome of a healing up to a number, for which it waits;
// that of a later one is undecided.
func (n *healing[K, V]) until(last uint64) uint32 {
	for {
		outcome := n.outcome.Load() // before the number, which may change until there is one
		switch sequence := n.sequence.Load(); {
		case outcome == failed:
			return failed // perhaps without a number
		case sequence > last:
			return undecided
		case sequence != 0 && outcome != undecided:
			return outcome
		}
		giveWay()
	}
}
