package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/lease"
)

// million is how many leases a registry of these benchmarks has.
const million = 1_000_000

// large skips a benchmark with ten million leases unless it is asked for: it
// needs 4 GB of memory and a minute.
func large(b *testing.B) {
	if os.Getenv("LEASEKERNEL_BENCH_LARGE") == "" {
		b.Skip("set LEASEKERNEL_BENCH_LARGE=1 for ten million leases")
	}
}

// term is that of every lease in these benchmarks.
var term = lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}

// services name the leases' keys, such as PAYMENTS/i-0f3a9c12.
var services = strings.Fields("PAYMENTS ORDERS CATALOG SEARCH CART USERS INVOICE SHIPPING PRICING REVIEWS")

// stringKey is a key as registries have them: number i's, of its own.
func stringKey(i int) string {
	scattered := uint32(i) * 2654435761
	return fmt.Sprintf("%s/i-%08x", services[scattered>>8%uint32(len(services))], scattered)
}

// stringKeys are n keys as registries have them.
func stringKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = stringKey(i)
	}
	return keys
}

// hostKeys are n keys as Eureka's clients choose them if nobody tells them
// otherwise: host, application and port, which take the table's wide cells.
func hostKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("PAYMENTS/ip-10-%d-%d-%d.ec2.internal:payments:8080", i>>16, i>>8&255, i&255)
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
	arriving := shuffled(keys)
	for i := range arriving {
		if text, ok := any(arriving[i]).(string); ok {
			arriving[i] = any(strings.Clone(text)).(K)
		}
	}
	return arriving
}

// shuffled returns the values in an order that is random and always the same.
func shuffled[T any](values []T) []T {
	shuffled := slices.Clone(values)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	return shuffled
}

// once makes a registry at its first use and keeps it, so that every count of
// a benchmark measures the same one. Package testing calls a benchmark that
// has sub-benchmarks once; so what such a benchmark keeps in a variable of its
// own is garbage before the next one.
func once[T any](fill func() T) func() T { return sync.OnceValue(fill) }

// names are shared, since making them takes as long as registering them.
var names = once(func() []string { return stringKeys(million) })

var namesAsBeats = once(func() []string { return arriving(names()) })

// renewer is what every peer in these benchmarks does.
type renewer[K comparable] interface {
	Renew(now time.Time, key K) bool
}

// registry is what those do whose leases come and go.
type registry[K comparable] interface {
	renewer[K]
	Register(now time.Time, key K, holder int)
	Cancel(key K) bool
}

// table is a table of ours as a registry.
type table[K comparable] struct{ *lease.Table[K, int] }

func (t table[K]) Register(now time.Time, key K, holder int) {
	must(t.Table.Register(now, key, holder, term))
}

func (t table[K]) Cancel(key K) bool {
	_, ok := t.Table.Cancel(key)
	return ok
}

// tableOf returns a table of ours in which all keys are registered; a lease's
// holder is its key's number.
func tableOf[K comparable](keys []K) table[K] {
	t := table[K]{must(lease.NewTable[K, int](base, lease.TableConfig{}))}
	for i, key := range keys {
		t.Register(base, key, i)
	}
	return t
}

// lockedMap is 64 maps as a registry whose leases all have the usual term.
type lockedMap[K comparable, V any] struct{ *peer.LockedMap[K, V] }

func (m lockedMap[K, V]) Register(now time.Time, key K, holder V) {
	m.LockedMap.Register(now, key, holder, term.Duration)
}

func lockedMapOf[K comparable](keys []K) lockedMap[K, int] {
	m := lockedMap[K, int]{peer.NewLockedMap[K, int](base)}
	for i, key := range keys {
		m.Register(base, key, i)
	}
	return m
}

// syncMap is the standard library's concurrent map as such a registry.
type syncMap[K comparable, V any] struct{ *peer.SyncMap[K, V] }

func (m syncMap[K, V]) Register(now time.Time, key K, holder V) {
	m.SyncMap.Register(now, key, holder, term.Duration)
}

func syncMapOf[K comparable](keys []K) syncMap[K, int] {
	m := syncMap[K, int]{peer.NewSyncMap[K, int](base)}
	for i, key := range keys {
		m.Register(base, key, i)
	}
	return m
}
