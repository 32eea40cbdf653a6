package bench

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// registry is what every peer in these benchmarks does.
type registry[K comparable] interface {
	Renew(now time.Time, key K) bool
}

var (
	names        = once(func() []string { return stringKeys(million) })
	namesAsBeats = once(func() []string { return arriving(names()) })
	arrays       = once(func() [][16]byte { return arrayKeys(million) })
	arraysBeats  = once(func() [][16]byte { return arriving(arrays()) })

	namedTable  = once(func() *lease.Table[string, int] { return tableOf(names()) })
	namedLocked = once(func() *lockedMap[string] { return lockedMapOf(names()) })
	namedSync   = once(func() *syncMap[string] { return syncMapOf(names()) })
	arrayTable  = once(func() *lease.Table[[16]byte, int] { return tableOf(arrays()) })
	arrayLocked = once(func() *lockedMap[[16]byte] { return lockedMapOf(arrays()) })
)

// instant is what all heartbeats of one microsecond are given: a server reads
// its clock once for a batch or a request.
var sinceBase atomic.Int64

func nextInstant() time.Time { return base.Add(time.Duration(sinceBase.Add(1)) * time.Microsecond) }

// BenchmarkTableRenew renews a million leases by key, in a random order, with
// an instant that is given to all peers alike.
func BenchmarkTableRenew(b *testing.B) {
	b.Run("keys=string/map=rwmutex64", func(b *testing.B) { benchmarkRenew[string](b, namedLocked(), namesAsBeats()) })
	b.Run("keys=string/map=sync.Map", func(b *testing.B) { benchmarkRenew[string](b, namedSync(), namesAsBeats()) })
	b.Run("keys=string/ours", func(b *testing.B) { benchmarkRenew[string](b, namedTable(), namesAsBeats()) })
	b.Run("keys=[16]byte/map=rwmutex64", func(b *testing.B) { benchmarkRenew[[16]byte](b, arrayLocked(), arraysBeats()) })
	b.Run("keys=[16]byte/ours", func(b *testing.B) { benchmarkRenew[[16]byte](b, arrayTable(), arraysBeats()) })
}

func benchmarkRenew[K comparable](b *testing.B, registry registry[K], keys []K) {
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
}
