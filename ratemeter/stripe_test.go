package ratemeter

import (
	"math"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestStripesShareNoPairOfCacheLines(t *testing.T) {
	if got, want := unsafe.Sizeof(Stripe{}), uintptr(128); got != want {
		t.Errorf("stripe: got %v bytes, want %v", got, want)
	}
	if got, want := unsafe.Sizeof(stripes{}), uintptr(8<<10); got != want {
		t.Errorf("all stripes: got %v bytes, want %v", got, want)
	}
}

func TestMemoryOfASlidingMeter(t *testing.T) {
	for steps, want := range map[int]int{1: 8 << 10, 60: 64 << 10, MaxSteps: 1 << 20} {
		s, err := NewSliding(time.Unix(0, 0), time.Duration(steps), steps)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(s.words) * 8; got != want {
			t.Errorf("%d steps: got %d bytes, want %d", steps, got, want)
		}
	}
}

func TestHintsBelow64HaveDifferentStripes(t *testing.T) {
	m := NewMeasuredRate(time.Minute)
	hintOf := map[*Stripe]uint64{}
	for hint := range uint64(64) {
		stripe := m.Stripe(hint)
		if other, taken := hintOf[stripe]; taken {
			t.Errorf("hints %v and %v: got the same stripe, want different ones", other, hint)
		}
		hintOf[stripe] = hint
	}
}

func TestHintsWrap(t *testing.T) {
	m := NewMeasuredRate(time.Minute)
	for hint, want := range map[uint64]uint64{64: 0, 65: 1, 127: 63, 128: 0, 1 << 32: 0, math.MaxUint64: 63} {
		if m.Stripe(hint) != m.Stripe(want) {
			t.Errorf("hint %v: got another stripe, want that of hint %v", hint, want)
		}
	}
}

func TestStripesOfTwoMetersAreDifferent(t *testing.T) {
	first, second := NewMeasuredRate(time.Minute), NewMeasuredRate(time.Minute)
	if first.Stripe(1) == second.Stripe(1) {
		t.Error("got the same stripe, want different ones")
	}
}

// A stripe that is kept counts in every window, and so do all stripes.
func TestStripeStaysValid(t *testing.T) {
	m := NewMeasuredRate(time.Minute)
	now := time.UnixMilli(1_700_000_000_000)
	if err := m.Start(now); err != nil {
		t.Fatal(err)
	}
	kept := m.Stripe(5)
	for window := int64(1); window <= 3; window++ {
		for range window {
			kept.Increment()
		}
		for hint := range uint64(64) {
			m.Stripe(hint).Increment()
		}
		now = now.Add(time.Minute)
		if !m.Tick(now) {
			t.Fatal("Tick: got false, want true")
		}
		if got, want := m.Count(), window+64; got != want {
			t.Errorf("Count of window %d: got %v, want %v", window, got, want)
		}
	}
}

// Goroutines that exist at the same time have different stacks, and so few of
// them share a stripe. 256 goroutines fill 63 of 64 stripes if the addresses
// are spread at random; more than half of the stripes is asked for.
func TestGoroutinesSpreadOverStripes(t *testing.T) {
	const goroutines = 256
	var all stripes
	var chosen [goroutines]*Stripe
	var arrived, left sync.WaitGroup
	arrived.Add(goroutines)
	for i := range goroutines {
		left.Go(func() {
			chosen[i] = all.near()
			arrived.Done()
			arrived.Wait() // so that no stack is used twice
		})
	}
	left.Wait()
	different := map[*Stripe]bool{}
	for _, stripe := range chosen {
		different[stripe] = true
	}
	if got, want := len(different), 33; got < want {
		t.Errorf("stripes of %d goroutines: got %v, want at least %v", goroutines, got, want)
	}
}
