package peer

import (
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

const xsyncModule = "github.com/puzpuzpuz/xsync/v4"

var xsyncMap = Peer{
	Name:   "xsync",
	Module: xsyncModule,
	About:  "xsync's concurrent map of pointers to leases; a pass is its DeleteMatching, which locks one bucket at a time",
	Given:  true,
	New: func(now time.Time, _ int) (Registry, error) {
		return xsyncRegistry{now, xsync.NewMap[string, *mapLease[holder]]()}, nil
	},
}

// xsyncRegistry is what SyncMap is, in xsync's map.
//
// A lease costs an entry of its own (key and pointer), its part of a bucket and
// a mapLease. A look-up locks nothing.
type xsyncRegistry struct {
	epoch  time.Time
	leases *xsync.Map[string, *mapLease[holder]]
}

func (r xsyncRegistry) Register(now time.Time, key Key, term time.Duration) {
	r.leases.Store(key.Name, newMapLease(int64(now.Sub(r.epoch)), holder{}, term))
}

func (r xsyncRegistry) Renew(now time.Time, key Key) bool {
	l, ok := r.leases.Load(key.Name)
	return ok && l.renew(int64(now.Sub(r.epoch)))
}

func (r xsyncRegistry) Cancel(key Key) bool {
	_, ok := r.leases.LoadAndDelete(key.Name)
	return ok
}

func (r xsyncRegistry) Len() int { return r.leases.Size() }

func (r xsyncRegistry) Close() {}

func (r xsyncRegistry) Pass(now time.Time) (ended int) {
	at := int64(now.Sub(r.epoch))
	return r.leases.DeleteMatching(func(_ string, l *mapLease[holder]) (remove, stop bool) {
		renewed, ok := l.expired(at)
		return ok && l.end(renewed), false
	})
}
