package lease

// A word is the whole state of a lease that a decision depends on: the last
// update as an offset from the registration (62 bits, two's complement) and
// two flags. What expires, what a renewal replaces and what an eviction
// compares is this one value.
type word uint64

const (
	// live is set until the lease ends. A word without it never becomes live
	// again, and the zero word is not live, so a zero Mark evicts nothing.
	live word = 1 << iota
	// renewed is set by the first renewal. Eureka's rule needs it to tell the
	// true last renewal from the future-dated one that it stores.
	renewed

	flagBits = 2

	// horizon is the farthest offset that a word holds: 2^61 - 1 nanoseconds
	// are 73 years (exact rule), as many milliseconds 73 million (Eureka's).
	horizon = 1<<(63-flagBits) - 1
)

func newWord(offset int64, flags word) word { return word(offset)<<flagBits | flags }

func (w word) offset() int64 { return int64(w) >> flagBits }

// fits reports whether a word can hold the offset.
func fits(offset int64) bool { return offset >= -horizon-1 && offset <= horizon }

// atomicWord is a word that goroutines share.
type atomicWord struct{ bits atomicUint64 }

func (a *atomicWord) load() word { return word(a.bits.Load()) }

func (a *atomicWord) store(w word) { a.bits.Store(uint64(w)) }

func (a *atomicWord) swapIf(seen, next word) bool {
	return a.bits.CompareAndSwap(uint64(seen), uint64(next))
}

// endLife clears the live flag and reports whether this call was the one.
func (a *atomicWord) endLife() bool {
	return word(a.bits.And(^uint64(live)))&live != 0
}
