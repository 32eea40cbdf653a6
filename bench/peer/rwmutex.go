package peer

import (
	"hash/maphash"
	"sync"
	"time"
)

// LockedMap is 64 maps of pointers, each behind its RWMutex: what a good
// engineer writes first.
//
// A lease costs its entry in the map (key and pointer, with the room that maps
// leave) and a mapLease. A renewal reads the one and writes the other; of the
// lock it writes a word that all renewals of its shard write. Instants may be
// set back, and there is no more than the pass to learn of what ended.
type LockedMap[K comparable, V any] struct {
	epoch  time.Time
	seed   maphash.Seed
	shards [64]lockedShard[K, V]
}

type lockedShard[K comparable, V any] struct {
	sync.RWMutex
	leases map[K]*mapLease[V]
	_      [64]byte
}

// NewLockedMap returns an empty map that counts time from epoch.
func NewLockedMap[K comparable, V any](epoch time.Time) *LockedMap[K, V] {
	m := &LockedMap[K, V]{epoch: epoch, seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].leases = make(map[K]*mapLease[V])
	}
	return m
}

func (m *LockedMap[K, V]) shardOf(key K) *lockedShard[K, V] {
	return &m.shards[maphash.Comparable(m.seed, key)>>58]
}

// Register begins a lease, in place of one that the key may have.
func (m *LockedMap[K, V]) Register(now time.Time, key K, holder V, term time.Duration) {
	l := newMapLease(int64(now.Sub(m.epoch)), holder, term)
	shard := m.shardOf(key)
	shard.Lock()
	defer shard.Unlock()
	if old, ok := shard.leases[key]; ok {
		old.renewed.Store(left)
	}
	shard.leases[key] = l
}

// Renew says whether the key has a lease that is now renewed.
func (m *LockedMap[K, V]) Renew(now time.Time, key K) bool {
	shard := m.shardOf(key)
	shard.RLock()
	l, ok := shard.leases[key]
	if ok {
		l.renewed.Store(int64(now.Sub(m.epoch)))
	}
	shard.RUnlock()
	return ok
}

// Cancel ends a lease and says whether there was one.
func (m *LockedMap[K, V]) Cancel(key K) bool {
	shard := m.shardOf(key)
	shard.Lock()
	defer shard.Unlock()
	l, ok := shard.leases[key]
	if ok {
		l.renewed.Store(left)
		delete(shard.leases, key)
	}
	return ok
}

// Len is how many leases there are.
func (m *LockedMap[K, V]) Len() (n int) {
	for i := range m.shards {
		shard := &m.shards[i]
		shard.RLock()
		n += len(shard.leases)
		shard.RUnlock()
	}
	return n
}

// AppendExpired appends what has expired, as a pass by hand finds it: shard by
// shard.
func (m *LockedMap[K, V]) AppendExpired(found []Candidate[K, V], now time.Time) []Candidate[K, V] {
	at := int64(now.Sub(m.epoch))
	for i := range m.shards {
		shard := &m.shards[i]
		shard.RLock()
		for key, l := range shard.leases {
			if renewed, ok := l.expired(at); ok {
				found = append(found, Candidate[K, V]{key, l, renewed})
			}
		}
		shard.RUnlock()
	}
	return found
}

// Evict ends a lease if it has not been renewed or replaced since.
func (m *LockedMap[K, V]) Evict(seen Candidate[K, V]) bool {
	shard := m.shardOf(seen.key)
	shard.Lock()
	defer shard.Unlock()
	ok := seen.lease.end(seen.renewed)
	if ok {
		delete(shard.leases, seen.key)
	}
	return ok
}

var rwmutex64 = Peer{
	Name:  "rwmutex64",
	About: "64 maps of pointers to leases, each behind an RWMutex; a pass walks through all of them. By handle: the pointer, without a lock",
	Given: true,
	New: func(now time.Time, _ int) (Registry, error) {
		return &lockedRegistry{leases: NewLockedMap[string, holder](now)}, nil
	},
}

type lockedRegistry struct {
	leases *LockedMap[string, holder]
	found  []Candidate[string, holder] // of the last pass
}

func (r *lockedRegistry) Register(now time.Time, key Key, term time.Duration) {
	r.leases.Register(now, key.Name, holder{}, term)
}

func (r *lockedRegistry) Renew(now time.Time, key Key) bool { return r.leases.Renew(now, key.Name) }

func (r *lockedRegistry) Cancel(key Key) bool { return r.leases.Cancel(key.Name) }

func (r *lockedRegistry) Len() int { return r.leases.Len() }

func (r *lockedRegistry) Close() {}

func (r *lockedRegistry) Pass(now time.Time) (ended int) {
	r.found = r.leases.AppendExpired(r.found[:0], now)
	for _, seen := range r.found {
		if r.leases.Evict(seen) {
			ended++
		}
	}
	clear(r.found) // else they would keep the leases
	return ended
}

func (r *lockedRegistry) Hold(keys []Key) (renew func(now time.Time, i int) bool) {
	held := make([]*mapLease[holder], len(keys))
	for i, key := range keys {
		shard := r.leases.shardOf(key.Name)
		shard.RLock()
		held[i] = shard.leases[key.Name]
		shard.RUnlock()
	}
	return func(now time.Time, i int) bool { return held[i].renew(int64(now.Sub(r.leases.epoch))) }
}
