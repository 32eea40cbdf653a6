package peer

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

var otterCache = Peer{
	Name:   "otter",
	Module: "github.com/maypok86/otter/v2",
	About:  "an otter.Cache with ExpiryAccessing and a clock that is set to the instants given: GetIfPresent renews, if that is more than a second, CleanUp is the pass",
	Given:  true,
	Full:   true,
	New: func(now time.Time, _ int) (Registry, error) {
		r := &otterRegistry{clock: &setClock{epoch: now}}
		var err error
		r.cache, err = otter.New(&otter.Options[string, time.Duration]{
			ExpiryCalculator: otter.ExpiryAccessingFunc(func(e otter.Entry[string, time.Duration]) time.Duration { return e.Value }),
			Clock:            r.clock,
			OnAtomicDeletion: r.deleted,
		})
		return r, err
	},
}

// otterRegistry is a cache whose entries are leases; the value of an entry is
// its term.
//
// A lease costs an entry in a hash table and a node, which lies in a wheel of
// timers. A renewal reads both, and writes the node's deadline only if it moves
// by more than a second; the wheel learns of it in the pass. An expired lease
// can be neither renewed nor cancelled, though it is still there. The pass
// takes up to a second more to find it.
type otterRegistry struct {
	cache *otter.Cache[string, time.Duration]
	clock *setClock
	ended atomic.Int64
}

func (r *otterRegistry) deleted(e otter.DeletionEvent[string, time.Duration]) {
	if e.Cause == otter.CauseExpiration {
		r.ended.Add(1)
	}
}

// Register gives a lease whose instant is before the clock's what is left of
// its term.
func (r *otterRegistry) Register(now time.Time, key Key, term time.Duration) {
	late := r.clock.set(now)
	r.cache.Set(key.Name, max(term-late, 1))
}

func (r *otterRegistry) Renew(now time.Time, key Key) bool {
	r.clock.set(now)
	_, ok := r.cache.GetIfPresent(key.Name)
	return ok
}

func (r *otterRegistry) Cancel(key Key) bool {
	_, ok := r.cache.Invalidate(key.Name)
	return ok
}

func (r *otterRegistry) Len() int { return r.cache.EstimatedSize() }

func (r *otterRegistry) Close() { r.cache.StopAllGoroutines() }

func (r *otterRegistry) Pass(now time.Time) (ended int) {
	r.clock.set(now)
	before := r.ended.Load()
	r.cache.CleanUp()
	return int(r.ended.Load() - before)
}

// setClock is a clock that somebody sets, forwards only.
type setClock struct {
	epoch time.Time
	nanos atomic.Int64 // since the epoch
}

// set returns by how much the clock is ahead. It mostly finds the clock as it
// should be: a store each time would cost more.
func (c *setClock) set(now time.Time) (ahead time.Duration) {
	at := int64(now.Sub(c.epoch))
	for {
		before := c.nanos.Load()
		if before >= at {
			return time.Duration(before - at)
		}
		if c.nanos.CompareAndSwap(before, at) {
			return 0
		}
	}
}

func (c *setClock) NowNano() int64 { return c.nanos.Load() }

// Tick never ticks: the cache cleans up in passes only.
func (c *setClock) Tick(time.Duration) <-chan time.Time { return nil }
