package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/lease"
)

// BenchmarkTableMemory fills a registry with a million leases that lead to
// nothing and reports what it keeps of the heap per lease, how much longer a
// full garbage collection takes because of it, and what it still keeps per
// lease there was when 90 % of them have been cancelled. A key is a string of
// its own: who keeps it is charged for it.
//
// This file comes early in the alphabet, so that no other registry is there.
func BenchmarkTableMemory(b *testing.B) {
	b.Run("map=rwmutex64", func(b *testing.B) {
		benchmarkMemory(b, func() keeper { return lockedMap[string, struct{}]{peer.NewLockedMap[string, struct{}](base)} })
	})
	b.Run("map=sync.Map", func(b *testing.B) {
		benchmarkMemory(b, func() keeper { return syncMap[string, struct{}]{peer.NewSyncMap[string, struct{}](base)} })
	})
	b.Run("ours", func(b *testing.B) {
		benchmarkMemory(b, func() keeper {
			return bareTable{must(lease.NewTable[string, struct{}](base, lease.TableConfig{}))}
		})
	})
}

// keeper is a registry of leases that lead to nothing.
type keeper interface {
	Register(now time.Time, key string, holder struct{})
	Cancel(key string) bool
}

type bareTable struct {
	*lease.Table[string, struct{}]
}

func (t bareTable) Register(now time.Time, key string, holder struct{}) {
	must(t.Table.Register(now, key, holder, term))
}

func (t bareTable) Cancel(key string) bool {
	_, ok := t.Table.Cancel(key)
	return ok
}

func benchmarkMemory(b *testing.B, empty func() keeper) {
	var full, left, collection []float64
	for range b.N {
		before, collectionBefore := heap(), collectionTime()
		registry := empty()
		for i := range million {
			registry.Register(base, stringKey(i), struct{}{})
		}
		full = append(full, (heap()-before)/million)
		collection = append(collection, collectionTime()-collectionBefore)
		for i := range million {
			if i%10 != 0 && !registry.Cancel(stringKey(i)) {
				b.Fatal("a lease is not there")
			}
		}
		left = append(left, (heap()-before)/million)
		runtime.KeepAlive(registry)
	}
	reportOnly(b, median(full), "B/lease")
	b.ReportMetric(median(collection), "gc-ms")
	b.ReportMetric(median(left), "B/lease-after-90%-gone")
}

// heap returns how many bytes of the heap are in use.
func heap() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// collectionTime returns how many milliseconds a full garbage collection
// takes, the median of five.
func collectionTime() float64 {
	var collections stopwatch
	for range 5 {
		collections.start()
		runtime.GC()
		collections.stop()
	}
	return collections.median() / 1e6
}
