package peer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
)

var expirableLRU = Peer{
	Name:   "expirable",
	Module: "github.com/hashicorp/golang-lru/v2",
	About:  "an expirable.LRU without a limit, with one term for all leases: Get and Add renew, a goroutine ends what has expired",
	New:    func(time.Time, int) (Registry, error) { return new(expirableRegistry), nil },
}

// expirableRegistry is a cache whose entries are leases. All have the term of
// the first one: a cache has one.
//
// A lease costs an entry in a map, an element of a list and an entry in the map
// of one of 100 buckets. A renewal locks all of them twice and moves the
// element to the list's front and the lease to another bucket. An expired lease
// can no longer be renewed, though it is still there; one that is cancelled
// between Get and Add comes back.
type expirableRegistry struct {
	first sync.Once
	cache atomic.Pointer[expirable.LRU[string, holder]]
}

func (r *expirableRegistry) Register(_ time.Time, key Key, term time.Duration) {
	r.first.Do(func() { r.cache.Store(expirable.NewLRU[string, holder](0, nil, term)) })
	r.cache.Load().Add(key.Name, holder{})
}

func (r *expirableRegistry) Renew(_ time.Time, key Key) bool {
	cache := r.cache.Load()
	if cache == nil {
		return false
	}
	value, ok := cache.Get(key.Name)
	if ok {
		cache.Add(key.Name, value)
	}
	return ok
}

func (r *expirableRegistry) Cancel(key Key) bool {
	cache := r.cache.Load()
	return cache != nil && cache.Remove(key.Name)
}

func (r *expirableRegistry) Len() int {
	if cache := r.cache.Load(); cache != nil {
		return cache.Len()
	}
	return 0
}

// Close lets the leases go, but nothing ends the cache's goroutine.
func (r *expirableRegistry) Close() {
	if cache := r.cache.Load(); cache != nil {
		cache.Purge()
	}
}
