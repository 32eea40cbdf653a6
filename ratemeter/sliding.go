package ratemeter

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// MaxSteps is the greatest number of steps in a window: a meter of so many
// takes 1 MiB, one of 60 takes 64 KiB.
const MaxSteps = 1023

// Sliding counts renewals in a window that slides by steps, the exact rule's
// meter: Count(now) is the number of renewals whose instants lie in the
// window that ended at the last multiple of a step after the meter's origin,
//
//	(end - window, end]  with  end = the last step boundary at or before now.
//
// That number is exact. As a count of the window that ends at now it is up to
// one step old: off by the renewals of at most one step at either end. There
// is no blind first window, and nothing that rotates or has to be called in
// time: after any pause the next Count is right. Make one with [NewSliding];
// a Sliding must not be copied.
//
// Instants may come in any order within one window of each other. A renewal
// whose instant is two windows older than another's can displace what was
// counted at the later one, so that a clock which is set back is followed at
// once. But such a clock lives through the same instants twice, and renewals
// of both times may count when it does: more than there should be, which is
// the unsafe side. Instants with a monotonic reading are never set back; give
// it those.
//
// A meter lasts 292 years on either side of its origin, or 2^31 turns of its
// ring if that is less: the ring is longer than two windows, so a meter of one
// second lasts 136 years. Beyond that nothing is counted.
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once, and none
// waits. The count is striped as [MeasuredRate]'s is. Each stripe has a ring
// of words, one a step, and each word holds the number of the turn of the ring
// that it belongs to beside its count. Mark loads the word and replaces it by
// compare-and-swap: by a greater count if it is of this turn, else by a fresh
// one. So a renewal is added to the count of its own step, and emptying a word
// for the next turn needs no moment on which all agree. Count only loads, each
// word of its window once, and takes those of the right turn. A renewal that
// is marked while Count runs may be counted by the next one only.
type Sliding struct {
	window, step time.Duration
	steps        int64
	origin       time.Time
	ring         uint   // log2 of the words in a ring
	stride       uint64 // words from one stripe's ring to the next
	words        []atomicUint64
}

// NewSliding returns a meter of the renewals in the given window, which slides
// by window / steps. Now is its origin: an instant of the clock that it will
// be asked with, where the first step begins. 60 steps are plenty.
//
// It fails, naming all problems, if window is not above zero, if steps is not
// between 1 and [MaxSteps], or if it does not divide the window.
func NewSliding(now time.Time, window time.Duration, steps int) (*Sliding, error) {
	var problems []error
	if window <= 0 {
		problems = append(problems, invalid("window", window, "must be above 0"))
	}
	if steps < 1 || steps > MaxSteps {
		problems = append(problems, invalid("steps", steps, fmt.Sprintf("must be between 1 and %d", MaxSteps)))
	} else if window%time.Duration(steps) > 0 {
		problems = append(problems, invalid("steps", steps, fmt.Sprintf("must divide the window (%v)", window)))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	s := &Sliding{
		window: window,
		step:   window / time.Duration(steps),
		steps:  int64(steps),
		origin: now,
		ring:   uint(bits.Len(uint(2 * steps))), // more than two windows
	}
	s.stride = max(1<<s.ring, uint64(stripeSize/8))
	s.words = make([]atomicUint64, stripeCount*s.stride)
	return s, nil
}

// Window returns the window's length.
func (s *Sliding) Window() time.Duration { return s.window }

// Step returns by how much the window slides: how old a count may be.
func (s *Sliding) Step() time.Duration { return s.step }

// Mark counts n renewals at instant now, on a stripe that other cores
// probably do not use at this moment, and reports whether it did: not beyond
// the meter's end, and not more than 2^32 - 1 in one step of one stripe. A
// caller that owns something to tie a stripe to is faster with
// [Sliding.Stripe].
func (s *Sliding) Mark(now time.Time, n uint32) bool { return s.mark(nearStripe(), now, n) }

// SlidingStripe is one part of a [Sliding] meter's count: a value to copy and
// keep. The zero value belongs to no meter and must not be used.
type SlidingStripe struct {
	meter  *Sliding
	stripe uint64
}

// Stripe returns the part of the count that belongs to hint, for a caller that
// keeps it: a shard of a table, a connection, a handle. Different hints below
// 64 have different stripes.
func (s *Sliding) Stripe(hint uint64) SlidingStripe { return SlidingStripe{s, hint % stripeCount} }

// Mark counts n renewals at instant now, as [Sliding.Mark] does.
func (s SlidingStripe) Mark(now time.Time, n uint32) bool { return s.meter.mark(s.stripe, now, n) }

// Count returns the number of renewals in the window that ended at the last
// step boundary at or before now. It changes nothing.
func (s *Sliding) Count(now time.Time) int64 {
	last, over, ok := s.stepOf(now)
	if !ok {
		return 0
	}
	if !over {
		last--
	}
	var sum int64
	for stripe := range uint64(stripeCount) {
		for age := range s.steps {
			word, turn := s.wordOf(stripe, last-age)
			if seen := stepWord(word.Load()); seen.turn() == turn {
				sum += seen.count()
			}
		}
	}
	return sum
}

func (s *Sliding) mark(stripe uint64, now time.Time, n uint32) bool {
	number, _, ok := s.stepOf(now)
	if !ok {
		return false
	}
	word, turn := s.wordOf(stripe, number)
	for {
		seen := stepWord(word.Load())
		next := newStepWord(turn, int64(n))
		if seen.turn() == turn {
			next = newStepWord(turn, seen.count()+int64(n))
		}
		if next.count() < int64(n) { // the sum did not fit
			return false
		}
		if word.CompareAndSwap(uint64(seen), uint64(next)) {
			return true
		}
	}
}

// stepOf returns the number of the step that an instant belongs to, and
// whether that step is over then. A step includes its end: number n is the
// span (n-1, n] from the origin, in steps. It is not ok for an instant beyond
// the meter's end: so far away that the difference is not known, or that a
// word could not hold the turn.
func (s *Sliding) stepOf(now time.Time) (number int64, over, ok bool) {
	elapsed := now.Sub(s.origin)
	number, rest := int64(elapsed/s.step), elapsed%s.step
	if rest > 0 {
		number++
	}
	known := elapsed != math.MaxInt64 && elapsed != math.MinInt64
	turn := number >> s.ring
	return number, rest == 0, known && turn > math.MinInt32 && turn < math.MaxInt32
}

// wordOf returns the word that a stripe has for a step, and the turn of the
// ring in which it does.
func (s *Sliding) wordOf(stripe uint64, number int64) (word *atomicUint64, turn int32) {
	slot := uint64(number) & (1<<s.ring - 1)
	return &s.words[stripe*s.stride+slot], int32(number >> s.ring)
}

// A stepWord is what one stripe counted in one step: the number of the ring's
// turn in the high half, the count in the low one. The zero word has counted
// nothing in turn 0, which is as good as nothing in any other.
type stepWord uint64

func newStepWord(turn int32, count int64) stepWord {
	return stepWord(uint64(uint32(turn))<<32 | uint64(uint32(count)))
}

func (w stepWord) turn() int32 { return int32(w >> 32) }

func (w stepWord) count() int64 { return int64(uint32(w)) }
