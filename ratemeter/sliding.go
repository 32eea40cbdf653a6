package ratemeter

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// ErrInvalid is wrapped by every error of [NewSliding].
var ErrInvalid = errors.New("ratemeter: invalid argument")

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%w: %s is %v: %s", ErrInvalid, field, value, rule)
}

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
// Instants may come in any order within one window of each other: the count
// is still right. If the clock is set back by more, what the meter holds lies
// in the future, and renewals may go uncounted until the next Count, which
// forgets it; the window then fills anew. The same happens after a Count with
// an instant far in the future. At 292 years from the origin the meter ends:
// renewals go uncounted, and the count is 0. Too few renewals withhold
// eviction, which is the safe side.
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once, and none
// waits. The count is striped as [MeasuredRate]'s is. Each stripe has a ring
// of words, one a step, and each word holds the number of the revolution that
// it belongs to beside its count. Mark loads the word and replaces it by
// compare-and-swap: by a greater count if the word is of this revolution, by
// a fresh count if it is of an older one, and not at all if it is of a newer
// one. So a renewal is added to the count of its own step or not at all, and
// emptying a word for the next revolution needs no moment on which all agree.
// Count reads each word of its window once, and empties, by compare-and-swap
// too, those that are of another revolution: what a word held is lost only if
// it lies a ring, two windows, away from what is being counted. A renewal that
// is marked while Count runs may be counted by the next one only.
type Sliding struct {
	window, step time.Duration
	steps        int64
	origin       time.Time
	ring         uint   // log2 of the words in a ring
	stride       uint64 // words from one stripe's ring to the next
	words        []atomic.Uint64
}

// NewSliding returns a meter of the renewals in the given window, which slides
// by window / steps. Now is its origin: any instant of the clock that it will
// be asked with. 60 steps are plenty.
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
	} else if window > 0 && window%time.Duration(steps) != 0 {
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
	s.words = make([]atomic.Uint64, stripeCount*s.stride)
	for i := range s.words { // older than anything within a window of the origin
		s.words[i].Store(uint64(newStepWord(longAgo, 0)))
	}
	return s, nil
}

// Window returns the window's length.
func (s *Sliding) Window() time.Duration { return s.window }

// Step returns by how much the window slides: how old a count may be.
func (s *Sliding) Step() time.Duration { return s.step }

// Mark counts n renewals at instant now, on a stripe that other cores
// probably do not use at this moment. A caller that owns something to tie a
// stripe to is faster with [Sliding.Stripe].
//
// One stripe holds up to 68 719 476 735 renewals a step; what would exceed
// that is not counted.
func (s *Sliding) Mark(now time.Time, n uint32) { s.mark(nearStripe(), now, n) }

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
func (s SlidingStripe) Mark(now time.Time, n uint32) { s.meter.mark(s.stripe, now, n) }

// Count returns the number of renewals in the window that ended at the last
// step boundary at or before now.
func (s *Sliding) Count(now time.Time) int64 {
	number, rest, ok := s.stepOf(now)
	if !ok {
		return 0
	}
	last := number
	if rest > 0 {
		last-- // the step of now is not over yet
	}
	var sum int64
	for stripe := range uint64(stripeCount) {
		for age := range s.steps {
			sum += s.read(stripe, last-age)
		}
		s.read(stripe, last+1) // to forget the future where the next renewal goes
	}
	return sum
}

// stepOf returns the number of the step that an instant belongs to, and how
// far after the step's beginning it lies. A step includes its end: number n is
// the span (n-1, n] from the origin, in steps; at its end the rest is 0. It is
// not ok for an instant so far away that the difference is not known.
func (s *Sliding) stepOf(now time.Time) (number int64, rest time.Duration, ok bool) {
	elapsed := now.Sub(s.origin)
	if elapsed == math.MaxInt64 || elapsed == math.MinInt64 {
		return 0, 0, false
	}
	number, rest = int64(elapsed/s.step), elapsed%s.step
	if rest > 0 {
		number++
	} else if rest < 0 {
		rest += s.step
	}
	return number, rest, true
}

func (s *Sliding) mark(stripe uint64, now time.Time, n uint32) {
	number, _, ok := s.stepOf(now)
	if !ok {
		return
	}
	word, revolution := s.wordOf(stripe, number)
	for {
		seen := stepWord(word.Load())
		next := seen.plus(n)
		switch age := seen.age(revolution); {
		case age < 0:
			return
		case age > 0:
			next = newStepWord(revolution, uint64(n))
		}
		if word.CompareAndSwap(uint64(seen), uint64(next)) {
			return
		}
	}
}

// read returns what a stripe counted in a step. A word of another revolution
// is emptied: left alone, one from the past would be taken for current when
// the revolution's number comes round, and one from the future would refuse
// the renewals of this step.
func (s *Sliding) read(stripe uint64, number int64) int64 {
	word, revolution := s.wordOf(stripe, number)
	seen := stepWord(word.Load())
	if seen.age(revolution) != 0 {
		word.CompareAndSwap(uint64(seen), uint64(newStepWord(revolution, 0)))
		return 0
	}
	return seen.count()
}

// wordOf returns the word that a stripe has for a step, and the revolution of
// the ring in which it does.
func (s *Sliding) wordOf(stripe uint64, number int64) (word *atomic.Uint64, revolution uint64) {
	slot := uint64(number) & (1<<s.ring - 1)
	return &s.words[stripe*s.stride+slot], uint64(number >> s.ring)
}

// A stepWord is what one stripe counted in one step: the low 28 bits of the
// number of the ring's revolution, and the count in the low 36 bits of the
// word.
type stepWord uint64

const (
	countBits = 36
	maxCount  = 1<<countBits - 1

	// longAgo is the revolution -2: the origin is in 0, a window before it in -1.
	longAgo = 1<<64 - 2
)

func newStepWord(revolution, count uint64) stepWord {
	return stepWord(revolution<<countBits | count)
}

func (w stepWord) count() int64 { return int64(w & maxCount) }

// plus adds to the count, up to what it can hold.
func (w stepWord) plus(n uint32) stepWord {
	return w&^maxCount | min(w&maxCount+stepWord(n), maxCount)
}

// age is how many revolutions ago the word was current: negative if it is of
// a later one. Numbers wrap at 28 bits, so the nearer direction counts.
func (w stepWord) age(revolution uint64) int64 {
	return int64((revolution-uint64(w>>countBits))<<countBits) >> countBits
}
