package peer

import (
	"sync"
	"sync/atomic"
	"time"
)

var timers = Peer{
	Name:  "timers",
	About: "a map of time.Timers behind a lock, as Consul and Nomad keep their sessions and nodes: Reset renews. By handle: the timer, without the lock",
	Full:  true,
	New: func(time.Time, int) (Registry, error) {
		return &timerRegistry{timers: make(map[string]*sessionTimer)}, nil
	},
}

// timerRegistry is what Consul and Nomad keep of the sessions and nodes that
// have to be heard of.
//
// A lease costs an entry in the map, a timer with a function of its own, a
// place in the runtime's heap of timers, and its term. A renewal locks the map
// and then the runtime's heap. When a timer fires, a goroutine ends the lease.
type timerRegistry struct {
	mu     sync.Mutex
	timers map[string]*sessionTimer
	ended  atomic.Int64
}

type sessionTimer struct {
	*time.Timer
	term time.Duration
}

// renew says whether the timer had not fired yet.
func (t *sessionTimer) renew() bool {
	if t.Reset(t.term) {
		return true
	}
	t.Stop() // its function ends the lease
	return false
}

func (r *timerRegistry) Register(_ time.Time, key Key, term time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.timers[key.Name]; ok {
		old.Stop()
	}
	t := &sessionTimer{term: term}
	t.Timer = time.AfterFunc(term, func() { r.end(key.Name, t) })
	r.timers[key.Name] = t
}

func (r *timerRegistry) Renew(_ time.Time, key Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.timers[key.Name]
	return ok && t.renew()
}

func (r *timerRegistry) Cancel(key Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.timers[key.Name]
	if ok {
		t.Stop()
		delete(r.timers, key.Name)
	}
	return ok
}

// end ends a lease whose timer has fired, unless it has been replaced or
// cancelled since.
func (r *timerRegistry) end(key string, t *sessionTimer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timers[key] == t {
		delete(r.timers, key)
		r.ended.Add(1)
	}
}

func (r *timerRegistry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.timers)
}

func (r *timerRegistry) Ended() int { return int(r.ended.Load()) }

func (r *timerRegistry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.timers {
		t.Stop()
	}
}

// Hold returns what may renew a lease that just ends, if others do so at once.
func (r *timerRegistry) Hold(keys []Key) (renew func(now time.Time, i int) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := make([]*sessionTimer, len(keys))
	for i, key := range keys {
		held[i] = r.timers[key.Name]
	}
	return func(_ time.Time, i int) bool { return held[i].renew() }
}
