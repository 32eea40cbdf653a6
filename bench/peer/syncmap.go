package peer

import (
	"sync"
	"time"
)

// SyncMap is the standard library's concurrent map with pointers to leases.
//
// A lease costs an entry of its own (key and pointer as interfaces, the key in
// memory of its own), its part of a tree and a mapLease. No lock keeps a pass
// from ending a lease while it is renewed: so a renewal swaps the word that the
// pass swaps, too.
type SyncMap[K comparable, V any] struct {
	epoch  time.Time
	leases sync.Map
}

// NewSyncMap returns an empty map that counts time from epoch.
func NewSyncMap[K comparable, V any](epoch time.Time) *SyncMap[K, V] {
	return &SyncMap[K, V]{epoch: epoch}
}

// Register begins a lease, in place of one that the key may have.
func (m *SyncMap[K, V]) Register(now time.Time, key K, holder V, term time.Duration) {
	m.leases.Store(key, newMapLease(int64(now.Sub(m.epoch)), holder, term))
}

// Renew says whether the key has a lease that is now renewed.
func (m *SyncMap[K, V]) Renew(now time.Time, key K) bool {
	l, ok := m.leases.Load(key)
	return ok && l.(*mapLease[V]).renew(int64(now.Sub(m.epoch)))
}

// Cancel ends a lease and says whether there was one.
func (m *SyncMap[K, V]) Cancel(key K) bool {
	_, ok := m.leases.LoadAndDelete(key)
	return ok
}

// Len counts the leases.
func (m *SyncMap[K, V]) Len() (n int) {
	for range m.leases.Range {
		n++
	}
	return n
}

// Pass ends what has expired.
func (m *SyncMap[K, V]) Pass(now time.Time) (ended int) {
	at := int64(now.Sub(m.epoch))
	for key, value := range m.leases.Range {
		l := value.(*mapLease[V])
		if renewed, ok := l.expired(at); ok && l.end(renewed) && m.leases.CompareAndDelete(key, l) {
			ended++
		}
	}
	return ended
}

var syncMap = Peer{
	Name:  "sync.Map",
	About: "the standard library's concurrent map of pointers to leases; a pass walks through it",
	Given: true,
	New: func(now time.Time, _ int) (Registry, error) {
		return syncRegistry{NewSyncMap[string, holder](now)}, nil
	},
}

type syncRegistry struct{ leases *SyncMap[string, holder] }

func (r syncRegistry) Register(now time.Time, key Key, term time.Duration) {
	r.leases.Register(now, key.Name, holder{}, term)
}

func (r syncRegistry) Renew(now time.Time, key Key) bool { return r.leases.Renew(now, key.Name) }

func (r syncRegistry) Cancel(key Key) bool { return r.leases.Cancel(key.Name) }

func (r syncRegistry) Len() int { return r.leases.Len() }

func (r syncRegistry) Close() {}

func (r syncRegistry) Pass(now time.Time) (ended int) { return r.leases.Pass(now) }
