package peer

import (
	"time"

	"github.com/jellydator/ttlcache/v3"
)

var ttlCache = Peer{
	Name:   "ttlcache",
	Module: "github.com/jellydator/ttlcache/v3",
	About:  "a ttlcache.Cache: Get renews an item for its own time to live, DeleteExpired is the pass",
	Full:   true,
	New: func(time.Time, int) (Registry, error) {
		return ttlRegistry{ttlcache.New[string, holder]()}, nil
	},
}

// ttlRegistry is a cache whose items are leases. Its own clean-up in the
// background is not started: that is the pass.
//
// A lease costs an entry in a map, an item, an element of a list and a place in
// a heap. A renewal locks all of them, moves the element to the list's front
// and the item within the heap. An expired lease can be neither renewed nor
// cancelled, though it is still there.
type ttlRegistry struct {
	cache *ttlcache.Cache[string, holder]
}

func (r ttlRegistry) Register(_ time.Time, key Key, term time.Duration) {
	r.cache.Set(key.Name, holder{}, term)
}

// Renew calls Get, as Touch does not tell whether there was an item.
func (r ttlRegistry) Renew(_ time.Time, key Key) bool { return r.cache.Get(key.Name) != nil }

func (r ttlRegistry) Cancel(key Key) bool {
	_, ok := r.cache.GetAndDelete(key.Name, ttlcache.WithDisableTouchOnHit[string, holder]())
	return ok
}

// Len includes expired leases, which the cache's own does not.
func (r ttlRegistry) Len() int {
	metrics := r.cache.Metrics()
	return int(metrics.Insertions - metrics.Evictions)
}

func (r ttlRegistry) Close() {}

// Pass also counts what was cancelled meanwhile.
func (r ttlRegistry) Pass(time.Time) (ended int) {
	before := r.cache.Metrics().Evictions
	r.cache.DeleteExpired()
	return int(r.cache.Metrics().Evictions - before)
}
