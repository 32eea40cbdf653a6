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
