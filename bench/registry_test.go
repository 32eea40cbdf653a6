package bench

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// million is how many leases a registry of these benchmarks has.
const million = 1_000_000

// term is that of every lease in these benchmarks.
var term = lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}

// services name the leases' keys, such as PAYMENTS/i-0f3a9c12.
var services = strings.Fields("PAYMENTS ORDERS CATALOG SEARCH CART USERS INVOICE SHIPPING PRICING REVIEWS")

// stringKeys are n keys as registries have them.
func stringKeys(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s/i-%08x", services[r.IntN(len(services))], uint32(i)*2654435761)
	}
	return keys
}

// arrayKeys are n keys of a fixed size, such as UUIDs.
func arrayKeys(n int) [][16]byte {
	r := rand.New(rand.NewPCG(3, 4))
	keys := make([][16]byte, n)
	for i := range keys {
		for j := range keys[i] {
			keys[i][j] = byte(r.Uint32())
		}
	}
	return keys
}

// arriving are the keys in another order, as copies: a heartbeat brings its
// key in a buffer of its own, which is in the processor's cache, while the
// registry's copy is not.
func arriving[K comparable](keys []K) []K {
	r := rand.New(rand.NewPCG(5, 6))
	order := r.Perm(len(keys))
	arriving := make([]K, len(keys))
	for i, from := range order {
		arriving[i] = keys[from]
		if text, ok := any(keys[from]).(string); ok {
			arriving[i] = any(strings.Clone(text)).(K)
		}
	}
	return arriving
}

// once makes a registry at its first use and keeps it, so that every count of
// every benchmark measures the same one.
func once[T any](fill func() T) func() T { return sync.OnceValue(fill) }

// tableOf returns a table of ours in which all keys are registered.
func tableOf[K comparable](keys []K) *lease.Table[K, int] {
	table := must(lease.NewTable[K, int](base, lease.TableConfig{}))
	for i, key := range keys {
		must(table.Register(base, key, i, term))
	}
	return table
}

// A mapLease is what registries written by hand keep for a lease.
type mapLease struct {
	renewed  atomic.Int64 // nanoseconds since base
	duration time.Duration
	holder   int
}

// lockedMap is 64 maps of pointers, each behind its RWMutex: what a good
// engineer writes first.
type lockedMap[K comparable] struct {
	seed   maphash.Seed
	shards [64]struct {
		sync.RWMutex
		leases map[K]*mapLease
		_      [64]byte
	}
}

func lockedMapOf[K comparable](keys []K) *lockedMap[K] {
	m := &lockedMap[K]{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].leases = make(map[K]*mapLease)
	}
	for i, key := range keys {
		m.shards[maphash.Comparable(m.seed, key)>>58].leases[key] = &mapLease{duration: term.Duration, holder: i}
	}
	return m
}

func (m *lockedMap[K]) Renew(now time.Time, key K) bool {
	shard := &m.shards[maphash.Comparable(m.seed, key)>>58]
	shard.RLock()
	lease, ok := shard.leases[key]
	if ok {
		lease.renewed.Store(int64(now.Sub(base)))
	}
	shard.RUnlock()
	return ok
}

// expired appends what has expired, as a pass by hand does: shard by shard.
func (m *lockedMap[K]) expired(keys []K, now time.Time) []K {
	at := now.Sub(base)
	for i := range m.shards {
		shard := &m.shards[i]
		shard.RLock()
		for key, lease := range shard.leases {
			if at > time.Duration(lease.renewed.Load())+lease.duration {
				keys = append(keys, key)
			}
		}
		shard.RUnlock()
	}
	return keys
}

// syncMap is the standard library's concurrent map.
type syncMap[K comparable] struct{ leases sync.Map }

func syncMapOf[K comparable](keys []K) *syncMap[K] {
	m := new(syncMap[K])
	for i, key := range keys {
		m.leases.Store(key, &mapLease{duration: term.Duration, holder: i})
	}
	return m
}

func (m *syncMap[K]) Renew(now time.Time, key K) bool {
	lease, ok := m.leases.Load(key)
	if ok {
		lease.(*mapLease).renewed.Store(int64(now.Sub(base)))
	}
	return ok
}
