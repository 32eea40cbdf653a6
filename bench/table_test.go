package main

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel/lease"
)

// sinceBase is counted up for the next instant.
var sinceBase atomic.Int64

// nextInstant is later than the ones before, so that each renewal really moves
// its lease's deadline, as in a registry that runs. A server reads its clock
// once for a batch or a request; these loops ask once for 64 renewals.
func nextInstant() time.Time { return base.Add(time.Duration(sinceBase.Add(1)) * time.Microsecond) }

// BenchmarkTableRenew renews a million leases by key, in a random order, with
// an instant that is given to all peers alike. Every key comes as a copy, and
// these lie one after the other: reading them costs all peers the same little.
// The peers store the instant and no more; ours moves a deadline that may not
// go back and notices leases that left.
//
// The long keys need twice the room in our table, a whole cache line each.
func BenchmarkTableRenew(b *testing.B) {
	b.Run("keys=string", func(b *testing.B) {
		b.Run("map=rwmutex64", keyed(namesAsBeats, once(func() renewer[string] { return lockedMapOf(names()) })))
		b.Run("map=sync.Map", keyed(namesAsBeats, once(func() renewer[string] { return syncMapOf(names()) })))
		b.Run("ours", keyed(namesAsBeats, once(func() renewer[string] { return tableOf(names()).Table })))
	})
	b.Run("keys=long", func(b *testing.B) {
		hosts := once(func() []string { return hostKeys(million) })
		beats := once(func() []string { return arriving(hosts()) })
		b.Run("map=rwmutex64", keyed(beats, once(func() renewer[string] { return lockedMapOf(hosts()) })))
		b.Run("ours", keyed(beats, once(func() renewer[string] { return tableOf(hosts()).Table })))
	})
	b.Run("keys=[16]byte", func(b *testing.B) {
		arrays := once(func() [][16]byte { return arrayKeys(million) })
		beats := once(func() [][16]byte { return arriving(arrays()) })
		b.Run("map=rwmutex64", keyed(beats, once(func() renewer[[16]byte] { return lockedMapOf(arrays()) })))
		b.Run("ours", keyed(beats, once(func() renewer[[16]byte] { return tableOf(arrays()).Table })))
	})
}

// keyed renews what the keys, which go round, lead to.
func keyed[K comparable](keys func() []K, registry func() renewer[K]) func(b *testing.B) {
	return func(b *testing.B) {
		registry, keys := registry(), keys()
		inParallel(b, func(_ uint64, calls int) {
			at := rand.IntN(len(keys))
			now := nextInstant()
			for i := range calls {
				if i%64 == 0 {
					now = nextInstant()
				}
				if !registry.Renew(now, keys[at]) {
					panic("a lease is not there")
				}
				if at++; at == len(keys) {
					at = 0
				}
			}
		})
		runtime.KeepAlive(registry)
	}
}

// BenchmarkTableRenewHandle renews a million leases by handle, in a random
// order. The floor has pointers to words of its own, as many and in the same
// order, and stores into them: the one memory access that nobody can avoid.
// Each pointer lies in as much memory as a handle: both are part of what a
// server keeps of a connection, which it has to read anyway.
func BenchmarkTableRenewHandle(b *testing.B) {
	words := once(func() []wordHandle {
		all := make([]atomic.Int64, million)
		handles := make([]wordHandle, million)
		for i := range all {
			handles[i].word = &all[i]
		}
		return shuffled(handles)
	})
	handles := once(func() []lease.Handle[string, int] { return shuffled(handlesOf(names())) })
	b.Run("floor=store", func(b *testing.B) {
		words := words()
		inParallel(b, func(_ uint64, calls int) { storeInto(words, calls) })
	})
	b.Run("ours", func(b *testing.B) {
		handles := handles()
		inParallel(b, func(_ uint64, calls int) { renewHandles(handles, calls) })
	})
}

// handlesOf registers the keys in a table and returns the handles.
func handlesOf(keys []string) []lease.Handle[string, int] {
	table := must(lease.NewTable[string, int](base, lease.TableConfig{}))
	handles := make([]lease.Handle[string, int], len(keys))
	for i, key := range keys {
		handles[i] = must(table.Register(base, key, i, term)).Lease.Handle
	}
	return handles
}

// wordHandle is as large as a handle of ours.
type wordHandle struct {
	word *atomic.Int64
	_    [unsafe.Sizeof(lease.Handle[string, int]{}) - unsafe.Sizeof(uintptr(0))]byte
}

func storeInto(words []wordHandle, calls int) {
	at := rand.IntN(len(words))
	now := nextInstant()
	for i := range calls {
		if i%64 == 0 {
			now = nextInstant()
		}
		words[at].word.Store(int64(now.Sub(base)))
		if at++; at == len(words) {
			at = 0
		}
	}
}

func renewHandles(handles []lease.Handle[string, int], calls int) {
	at := rand.IntN(len(handles))
	now := nextInstant()
	for i := range calls {
		if i%64 == 0 {
			now = nextInstant()
		}
		if !handles[at].Renew(now) {
			panic("a lease is not there")
		}
		if at++; at == len(handles) {
			at = 0
		}
	}
}

// batchSize is how many keys come at once in the batch benchmark.
const batchSize = 64

// BenchmarkTableRenewAll renews batches of 64 keys at one instant, a result
// for each. Beside it are single renewals of the same keys at the same
// instant.
func BenchmarkTableRenewAll(b *testing.B) {
	b.Run("keys=string", func(b *testing.B) {
		benchmarkRenewAll(b, namesAsBeats, once(func() table[string] { return tableOf(names()) }))
	})
	b.Run("keys=[16]byte", func(b *testing.B) {
		arrays := once(func() [][16]byte { return arrayKeys(million) })
		beats := once(func() [][16]byte { return arriving(arrays()) })
		benchmarkRenewAll(b, beats, once(func() table[[16]byte] { return tableOf(arrays()) }))
	})
}

func benchmarkRenewAll[K comparable](b *testing.B, keys func() []K, table func() table[K]) {
	b.Run("floor=single", func(b *testing.B) {
		table, keys := table().Table, keys()
		inBatches(b, keys, func(now time.Time, keys []K, renewed []bool) {
			for i, key := range keys {
				renewed[i] = table.Renew(now, key)
			}
		})
	})
	b.Run("ours", func(b *testing.B) {
		table, keys := table().Table, keys()
		inBatches(b, keys, func(now time.Time, keys []K, renewed []bool) {
			must(table.RenewAll(now, keys, renewed))
		})
	})
}

// inBatches gives renew the keys, which go round, a batch for each iteration.
func inBatches[K comparable](b *testing.B, keys []K, renew func(now time.Time, keys []K, renewed []bool)) {
	inParallel(b, func(_ uint64, calls int) {
		var renewed [batchSize]bool
		at := rand.IntN(len(keys) - batchSize)
		for range calls {
			renew(nextInstant(), keys[at:at+batchSize], renewed[:])
			if renewed != allRenewed {
				panic("a lease is not there")
			}
			if at += batchSize; at+batchSize > len(keys) {
				at = 0
			}
		}
	})
	reportOnly(b, float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchSize, "ns/key")
}

var allRenewed = func() (all [batchSize]bool) {
	for i := range all {
		all[i] = true
	}
	return all
}()

// BenchmarkTableRenewDuringPasses measures single renewals, two readings of
// the clock included, while nobody looks for expired leases and while another
// goroutine looks at all of them, again and again, and finds none. It uses two
// processors whatever -cpu says: at one the two goroutines would take turns,
// and the scheduler would be measured.
func BenchmarkTableRenewDuringPasses(b *testing.B) {
	locked := once(func() lockedMap[string, int] { return lockedMapOf(names()) })
	b.Run("passes=none/map=rwmutex64", func(b *testing.B) { benchmarkLatency(b, locked().Renew, namesAsBeats(), nil) })
	b.Run("passes=looping/map=rwmutex64", func(b *testing.B) {
		locked := locked()
		benchmarkLatency(b, locked.Renew, namesAsBeats(), func() int { return len(locked.AppendExpired(nil, base)) })
	})
	due := once(func() *due { return newDue(names()) })
	beats := once(func() []string { return arriving(due().keys) })
	b.Run("passes=none/ours", func(b *testing.B) { benchmarkLatency(b, due().table.Renew, beats(), nil) })
	b.Run("passes=looping/ours", func(b *testing.B) {
		benchmarkLatency(b, due().table.Renew, beats(), func() int {
			due().prepare()
			return due().look()
		})
	})
}

// benchmarkLatency renews all the while, as late as the leases of due are
// renewed, and reports how long a renewal takes.
func benchmarkLatency(b *testing.B, renew func(now time.Time, key string) bool, keys []string, pass func() (found int)) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	passes := new(loop)
	if pass != nil {
		passes.begin(pass)
	}
	seen := new(latencies)
	at := rand.IntN(len(keys))
	b.ResetTimer()
	for range b.N {
		now := nextInstant().Add(farOff)
		start := time.Now()
		ok := renew(now, keys[at])
		seen.add(time.Since(start))
		if !ok {
			b.Fatal("a lease is not there")
		}
		if at++; at == len(keys) {
			at = 0
		}
	}
	b.StopTimer()
	passes.end(b)
	reportOnly(b, seen.quantile(0.5), "p50-ns")
	b.ReportMetric(seen.quantile(0.99), "p99-ns")
	b.ReportMetric(seen.quantile(0.999), "p99.9-ns")
}

// A loop passes again and again on a goroutine of its own.
type loop struct {
	stop          atomic.Bool
	running       chan struct{}
	passes, found int
}

// begin returns during the first pass.
func (l *loop) begin(pass func() (found int)) {
	l.running = make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(l.running)
		close(started)
		for ok := true; ok; ok = !l.stop.Load() {
			l.found += pass()
			l.passes++
		}
	}()
	<-started
}

// end ends the loop, if it was begun, and reports how many passes there were.
func (l *loop) end(b *testing.B) {
	if l.running == nil {
		return
	}
	l.stop.Store(true)
	<-l.running
	if l.found != 0 {
		b.Fatalf("%d leases have expired, want none", l.found)
	}
	b.ReportMetric(float64(l.passes)/b.Elapsed().Seconds(), "passes/s")
}
