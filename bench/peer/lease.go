package peer

import (
	"math"
	"sync/atomic"
	"time"
)

// A mapLease is what registries written by hand keep for a lease.
type mapLease[V any] struct {
	holder   V // in front: an empty one at the end would take 8 bytes
	renewed  atomic.Int64
	duration time.Duration
}

// left stands for an instant of renewal when the lease has ended.
const left = math.MinInt64

// newMapLease begins a lease, at nanoseconds since the registry's epoch.
func newMapLease[V any](at int64, holder V, duration time.Duration) *mapLease[V] {
	l := &mapLease[V]{holder: holder, duration: duration}
	l.renewed.Store(at)
	return l
}

// renew is for those who hold no lock against whoever ends the lease.
func (l *mapLease[V]) renew(at int64) bool {
	for {
		renewed := l.renewed.Load()
		if renewed == left {
			return false
		}
		if l.renewed.CompareAndSwap(renewed, at) {
			return true
		}
	}
}

// expired also returns the renewal that it went by, for end.
func (l *mapLease[V]) expired(at int64) (renewed int64, ok bool) {
	renewed = l.renewed.Load()
	return renewed, renewed != left && at-renewed > int64(l.duration)
}

// end ends the lease if it has not been renewed since.
func (l *mapLease[V]) end(renewed int64) bool { return l.renewed.CompareAndSwap(renewed, left) }

// A Candidate is an expired lease as a pass by hand saw it.
type Candidate[K comparable, V any] struct {
	key     K
	lease   *mapLease[V]
	renewed int64
}

// Holder returns what the lease was granted to.
func (c Candidate[K, V]) Holder() V { return c.lease.holder }
