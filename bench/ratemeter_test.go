package bench

import (
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
		b.ReportAllocs()
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n.Add(1)
			}
		})
	})
	b.Run("floor=padded", func(b *testing.B) {
		b.ReportAllocs()
		var words [64]padded
		var next atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			word := &words[next.Add(1)%64]
			for pb.Next() {
				word.n.Add(1)
			}
		})
	})
	b.Run("ours=stripe", func(b *testing.B) {
		b.ReportAllocs()
		meter := ratemeter.NewMeasuredRate(time.Minute)
		var next atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			stripe := meter.Stripe(next.Add(1))
			for pb.Next() {
				stripe.Increment()
			}
		})
	})
	b.Run("ours=plain", func(b *testing.B) {
		b.ReportAllocs()
		meter := ratemeter.NewMeasuredRate(time.Minute)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				meter.Increment()
			}
		})
	})
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
	for _, plain := range []bool{false, true} {
		name := "stripe"
		if plain {
			name = "plain"
		}
		b.Run("ours="+name, func(b *testing.B) {
			b.ReportAllocs()
			meter := must(ratemeter.NewSliding(base, time.Minute, 60))
			var next atomic.Uint64
			b.RunParallel(func(pb *testing.PB) {
				stripe := meter.Stripe(next.Add(1))
				for i := 0; pb.Next(); i++ {
					now := heartbeats[i%len(heartbeats)]
					if plain {
						meter.Mark(now, 1)
					} else {
						stripe.Mark(now, 1)
					}
				}
			})
		})
	}
}

// A pass asks once: 64 stripes of 60 steps.
func BenchmarkSlidingCount(b *testing.B) {
	b.ReportAllocs()
	meter := must(ratemeter.NewSliding(base, time.Minute, 60))
	for i := 0; b.Loop(); i++ {
		sinkInt = int(meter.Count(heartbeats[i%len(heartbeats)]))
	}
}
