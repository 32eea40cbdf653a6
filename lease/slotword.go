package lease

// A slotWord is the whole state of a lease in a [Table] that a decision
// depends on: its deadline on the table's scale (61 bits, two's complement)
// and three flags. It holds the deadline where the word of a single [Lease]
// holds the last update: then a pass decides by comparing one word with one
// number, and reads nothing else of the leases that live on.
//
// The word of a lease that left says in the place of the deadline how. These
// offsets are greater than any deadline, so that the comparison of a pass
// skips them, too.
type slotWord uint64

const (
	// slotRenewed is set by the first renewal. Eureka's rule needs it to know
	// how far the deadline lies from the last one.
	slotRenewed slotWord = 1 << iota
	// slotSuspect is set by whoever finds the lease suspect, and cleared by the
	// renewal that heals it.
	slotSuspect
	// slotExempt is set while the lease is exempt from suspicion and eviction.
	slotExempt

	// slotUnusual are the flags that a renewal has to look at.
	slotUnusual = slotSuspect | slotExempt

	slotFlagBits = 3

	// slotHorizon is the farthest offset that a slotWord holds.
	slotHorizon = 1<<(63-slotFlagBits) - 1
)

const (
	endedWord    = slotWord(slotHorizon << slotFlagBits)       // cancelled or evicted
	replacedWord = slotWord((slotHorizon - 1) << slotFlagBits) // by a registration of the same key
	movedWord    = slotWord((slotHorizon - 2) << slotFlagBits) // to another chunk, alive
)

func newSlotWord(deadline int64, flags slotWord) slotWord {
	return slotWord(deadline)<<slotFlagBits | flags
}

func (w slotWord) deadline() int64 { return int64(w) >> slotFlagBits }

// left reports whether the lease is no longer where the word is.
func (w slotWord) left() bool { return int64(w) >= int64(movedWord) }

// gone reports whether the lease is no longer where the word is, but its key
// may well have one: elsewhere, or a newer one.
func (w slotWord) gone() bool { return w == movedWord || w == replacedWord }

// atomicSlotWord is a slotWord that goroutines share.
type atomicSlotWord struct{ bits atomicUint64 }

func (a *atomicSlotWord) load() slotWord { return slotWord(a.bits.Load()) }

func (a *atomicSlotWord) store(w slotWord) { a.bits.Store(uint64(w)) }

func (a *atomicSlotWord) swapIf(seen, next slotWord) bool {
	return a.bits.CompareAndSwap(uint64(seen), uint64(next))
}
