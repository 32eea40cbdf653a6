package main

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// base carries a monotonic reading, as instants of a server do.
var base = time.Now()

// instants are distinct, so that no conversion can be moved out of a loop.
var instants = func() (ring [64]time.Time) {
	for i := range ring {
		ring[i] = base.Add(time.Duration(i) * time.Second)
	}
	return ring
}()

// Results go here, so that no loop is optimised away.
var (
	sinkBool bool
	sinkInt  int
)

func granted(b *testing.B, rule lease.Rule) *lease.Lease[string] {
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second, Rule: rule}
	l, err := lease.New(base, "PAYMENTS/i-0f3a9c12", term)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// heartbeats are instants of a holder that renews every millisecond. They are
// made before the measurement: what is measured takes an instant, as a server
// does that reads its clock once for a batch.
var heartbeats = func() (instants [4096]time.Time) {
	for i := range instants {
		instants[i] = base.Add(time.Duration(i+1) * time.Millisecond)
	}
	return instants
}()

// Every renewal is later than the one before, so that each one really swaps
// the word; the lease is granted anew after 4096 of them. The floor swaps a
// word without an instant.
func BenchmarkLeaseRenew(b *testing.B) {
	b.Run("floor=load+cas", func(b *testing.B) {
		b.ReportAllocs()
		var word atomic.Uint64
		for i := uint64(1); b.Loop(); i++ {
			sinkBool = word.CompareAndSwap(word.Load(), i)
		}
	})
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka} {
		b.Run("ours="+rule.String(), func(b *testing.B) {
			b.ReportAllocs()
			l := granted(b, rule)
			for i := 0; b.Loop(); i++ {
				n := i % len(heartbeats)
				if n == 0 {
					l = granted(b, rule)
				}
				sinkBool = l.Renew(heartbeats[n])
			}
		})
	}
}

// The floors convert the instant as the rule has to: a difference of
// monotonic readings, or wall-clock milliseconds.
func BenchmarkLeaseIsExpired(b *testing.B) {
	var word atomic.Uint64
	b.Run("floor=load+sub", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sinkBool = instants[i%64].Sub(base) > time.Duration(word.Load())
		}
	})
	b.Run("ours=exact", func(b *testing.B) { benchmarkIsExpired(b, lease.Exact) })
	b.Run("floor=load+milli", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sinkBool = instants[i%64].UnixMilli() > int64(word.Load())
		}
	})
	b.Run("ours=eureka", func(b *testing.B) { benchmarkIsExpired(b, lease.Eureka) })
}

func benchmarkIsExpired(b *testing.B, rule lease.Rule) {
	b.ReportAllocs()
	l := granted(b, rule)
	for i := 0; b.Loop(); i++ {
		sinkBool = l.IsExpired(instants[i%64], 0)
	}
}

// A pass sees an expired lease and evicts it. A lease ends once only, so
// granting it is part of what is measured.
func BenchmarkLeaseGrantExpireEvict(b *testing.B) {
	b.ReportAllocs()
	late := base.Add(time.Hour)
	for b.Loop() {
		l := granted(b, lease.Exact)
		mark, _ := l.Expired(late, 0)
		sinkBool = l.Evict(late, mark)
	}
}
