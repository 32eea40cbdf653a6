package main

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

// padded is an atomic word that shares no cache line.
type padded struct {
	n atomic.Int64
	_ [120]byte
}

// Run with -cpu 1,2: the shared word is what a meter without stripes costs.
func BenchmarkIncrement(b *testing.B) {
	b.Run("floor=shared", func(b *testing.B) {
		var n atomic.Int64
		inParallel(b, func(_ uint64, calls int) {
			for range calls {
				n.Add(1)
			}
		})
	})
	b.Run("floor=padded", func(b *testing.B) {
		var words [64]padded
		inParallel(b, func(goroutine uint64, calls int) {
			word := &words[goroutine%64]
			for range calls {
				word.n.Add(1)
			}
		})
	})
	b.Run("ours=stripe", func(b *testing.B) {
		meter := ratemeter.NewMeasuredRate(time.Minute)
		inParallel(b, func(goroutine uint64, calls int) {
			stripe := meter.Stripe(goroutine)
			for range calls {
				stripe.Increment()
			}
		})
	})
	b.Run("ours=plain", func(b *testing.B) {
		meter := ratemeter.NewMeasuredRate(time.Minute)
		inParallel(b, func(_ uint64, calls int) {
			for range calls {
				meter.Increment()
			}
		})
	})
}

// Two other ways for a caller without a stripe, which ARCHITECTURE.md refuses:
// tokens pooled per processor, and a stripe drawn at random.
func BenchmarkIncrementAlternatives(b *testing.B) {
	b.Run("pool", func(b *testing.B) {
		var words [64]padded
		var next atomic.Uint64
		tokens := sync.Pool{New: func() any { token := next.Add(1) % 64; return &token }}
		inParallel(b, func(_ uint64, calls int) {
			for range calls {
				token := tokens.Get().(*uint64)
				words[*token].n.Add(1)
				tokens.Put(token)
			}
		})
	})
	b.Run("random", func(b *testing.B) {
		var words [64]padded
		inParallel(b, func(_ uint64, calls int) {
			for range calls {
				words[rand.Uint64()%64].n.Add(1)
			}
		})
	})
}

// What time as an argument saves.
func BenchmarkTimeNow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sinkBool = time.Now().After(base)
	}
}

// A rotation swaps all stripes; it happens once a minute.
func BenchmarkRotate(b *testing.B) {
	b.ReportAllocs()
	meter := ratemeter.NewMeasuredRate(time.Minute)
	now := base
	if err := meter.Start(now); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		now = now.Add(time.Minute)
		sinkBool = meter.Tick(now)
	}
}

// The sliding meter takes an instant and swaps a word, where the tumbling one
// adds to it. Instants are a millisecond apart: a new step every thousand.
func BenchmarkMark(b *testing.B) {
	b.Run("ours=stripe", func(b *testing.B) {
		meter := must(ratemeter.NewSliding(base, time.Minute, 60))
		inParallel(b, func(goroutine uint64, calls int) {
			stripe := meter.Stripe(goroutine)
			for i := range calls {
				stripe.Mark(heartbeats[i%len(heartbeats)], 1)
			}
		})
	})
	b.Run("ours=plain", func(b *testing.B) {
		meter := must(ratemeter.NewSliding(base, time.Minute, 60))
		inParallel(b, func(_ uint64, calls int) {
			for i := range calls {
				meter.Mark(heartbeats[i%len(heartbeats)], 1)
			}
		})
	})
}

// A pass asks once: 64 stripes of 60 steps.
func BenchmarkSlidingCount(b *testing.B) {
	b.ReportAllocs()
	meter := must(ratemeter.NewSliding(base, time.Minute, 60))
	for i := 0; b.Loop(); i++ {
		sinkInt = int(meter.Count(heartbeats[i%len(heartbeats)]))
	}
}
