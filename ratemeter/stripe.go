package ratemeter

import "unsafe"

const (
	stripeCount = 1 << stripeBits

	// stripeSize is two cache lines of 64 bytes, because processors fetch
	// lines in adjacent pairs. 64 stripes make 8 KiB per meter.
	stripeSize = 128
)

// Stripe is one part of a meter's count. Whoever counts often keeps one (see
// [MeasuredRate.Stripe]) and increments it without disturbing other cores.
// It is safe for concurrent use, but fastest when one goroutine, one shard or
// one handle has it to itself. A Stripe must not be copied.
type Stripe struct {
	count atomicInt64
	_     [stripeSize - 8]byte
}

// Increment counts one renewal.
func (s *Stripe) Increment() { s.count.Add(1) }

// Add counts n renewals.
func (s *Stripe) Add(n int64) { s.count.Add(n) }

// stripes is a count spread over cache lines.
//
// Each stripe is one atomic word: increments add to it, drain swaps it for
// zero. So an increment is in the stripe either before the swap, and then in
// this drain's sum, or after it, and then in the next one's: never in both,
// never in none. Stripes are swapped one after the other, hence two
// increments that run during a drain may be counted in the order in which
// they did not happen; the number counted is nevertheless one that a single
// atomic counter could have shown, as increments are all alike.
type stripes [stripeCount]Stripe

// own returns the stripe for a hint, such as a shard's number.
func (s *stripes) own(hint uint64) *Stripe { return &s[hint%stripeCount] }

// near returns a stripe that other running goroutines probably do not use.
func (s *stripes) near() *Stripe { return &s[nearStripe()] }

// drain takes everything that was counted out of the stripes.
func (s *stripes) drain() int64 {
	var sum int64
	for i := range s {
		sum += s[i].count.Swap(0)
	}
	return sum
}

// nearStripe returns the number of a stripe that other running goroutines
// probably do not use.
//
// Go tells nobody its processor, but every goroutine has a stack of its own,
// which begins and ends at multiples of 2 KiB (2^11): the address of a local
// variable, without its low 11 bits, differs between goroutines. Multiplying
// by 2^64 divided by the golden ratio spreads the addresses, and the top bits
// choose. A goroutine changes stripes with the depth of its calls and when its
// stack moves, which does no harm: the address is only hashed, never followed.
func nearStripe() uint64 {
	var local byte
	stack := uint64(uintptr(unsafe.Pointer(&local))) >> 11
	return stack * 0x9E3779B97F4A7C15 >> (64 - stripeBits)
}
