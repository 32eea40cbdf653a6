package peer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeromicro/go-zero/core/collection"
)

// The wheel turns by a slot a second, as that of go-zero's own cache, which has
// as many slots. Who needs longer terms gets more rounds.
const (
	wheelInterval = time.Second
	wheelSlots    = 300
)

var wheel = Peer{
	Name:   "wheel",
	Module: "github.com/zeromicro/go-zero",
	About:  "go-zero's TimingWheel, a slot a second, and the map of keys that its own cache keeps beside it: MoveTimer renews",
	New: func(time.Time, int) (Registry, error) {
		r := &wheelRegistry{leases: make(map[string]*wheelLease)}
		var err error
		r.wheel, err = collection.NewTimingWheel(wheelInterval, wheelSlots, r.end)
		return r, err
	},
}

// wheelRegistry is a wheel whose timers are leases, and a map, since the wheel
// does not tell whether it has a timer, nor for how long.
//
// A lease costs an entry in the map and in one of the wheel, a timer, an element
// of a list and a position. A renewal looks into the map and hands the key to
// the wheel's goroutine, which does the work. One that comes when the lease has
// just ended is told that it came in time.
type wheelRegistry struct {
	wheel *collection.TimingWheel
	ended atomic.Int64

	mu     sync.RWMutex
	leases map[string]*wheelLease
}

type wheelLease struct{ term time.Duration }

// Register makes a term of at least a slot: a shorter one, the wheel would end
// at once when it is renewed.
func (r *wheelRegistry) Register(_ time.Time, key Key, term time.Duration) {
	l := &wheelLease{max(term, wheelInterval)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases[key.Name] = l
	must(r.wheel.SetTimer(key.Name, l, l.term))
}

func (r *wheelRegistry) Renew(_ time.Time, key Key) bool {
	r.mu.RLock()
	l, ok := r.leases[key.Name]
	r.mu.RUnlock()
	return ok && r.wheel.MoveTimer(key.Name, l.term) == nil
}

func (r *wheelRegistry) Cancel(key Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.leases[key.Name]
	delete(r.leases, key.Name)
	return ok && r.wheel.RemoveTimer(key.Name) == nil
}

// end is called by the wheel when a lease's time is over.
func (r *wheelRegistry) end(key, value any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name := key.(string); r.leases[name] == value {
		delete(r.leases, name)
		r.ended.Add(1)
	}
}

func (r *wheelRegistry) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.leases)
}

func (r *wheelRegistry) Ended() int { return int(r.ended.Load()) }

func (r *wheelRegistry) Close() { r.wheel.Stop() }
