package load

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
)

// registry is a peer's registry while it is measured.
type registry struct {
	*samples
	peer peer.Peer
	peer.Registry

	term  time.Duration
	beats []peer.Key // all leases, in the order in which they come

	// The present of the peers to which it is given is base and a
	// microsecond for each reading.
	base time.Time
	read atomic.Int64

	emptyHeap float64 // bytes in use before there was a registry

	missed atomic.Int64 // renewals that said that there is no lease
}

// The term of peers that are given instants is Eureka's. Other peers' leases
// would expire while they are measured.
const (
	givenTerm = 90 * time.Second
	ownTerm   = 30 * time.Minute
)

func measureRegistry(s *samples) error {
	r := &registry{samples: s, base: time.Now(), term: ownTerm}
	for _, p := range peer.All() {
		if p.Name == s.job.Peer {
			r.peer = p
		}
	}
	if r.peer.Given {
		r.term = givenTerm
	}
	r.emptyHeap = heap()
	var err error
	if r.Registry, err = r.peer.New(r.base, s.job.Leases); err != nil {
		return err
	}
	defer r.Close()
	for _, w := range Workloads {
		if r.beats == nil && !w.alone {
			r.beats = uniform(s.job.Leases)
		}
		// Without leases nothing can be measured: so they are always
		// registered.
		if w.measure != nil && (s.job.wants(w.Name) || w.Name == "register") {
			if err := w.measure(r); err != nil {
				return fmt.Errorf("%s: %w", w.Name, err)
			}
		}
	}
	if n := r.missed.Load(); n > 0 {
		return fmt.Errorf("%d renewals of leases that should be there failed", n)
	}
	return nil
}

// now is later than every instant before, so that each renewal really moves
// its lease's deadline, as in a registry that runs.
func (r *registry) now() time.Time {
	return r.base.Add(time.Duration(r.read.Add(1)) * time.Microsecond)
}

// setNow lets time go on from an instant that is not before the present.
func (r *registry) setNow(now time.Time) {
	r.base = now
	r.read.Store(0)
}

// renewalsPerInstant is how many renewals share an instant that is given.
const renewalsPerInstant = 64

// renewing renews the keys, which go round, from a random one on.
func (r *registry) renewing(keys []peer.Key, clock bool) func(goroutine, calls int) {
	return func(_, calls int) {
		at := rand.IntN(len(keys))
		now := r.now()
		for i := range calls {
			switch {
			case clock:
				now = time.Now()
			case i%renewalsPerInstant == 0:
				now = r.now()
			}
			if !r.Renew(now, keys[at]) {
				r.missed.Add(1)
			}
			if at++; at == len(keys) {
				at = 0
			}
		}
	}
}

// doing does something with the beats, which go round, from a random one on.
func (r *registry) doing(something func(now time.Time, at int) bool) func(goroutine, calls int) {
	return func(_, calls int) {
		at := rand.IntN(len(r.beats))
		now := r.now()
		for i := range calls {
			if i%renewalsPerInstant == 0 {
				now = r.now()
			}
			if !something(now, at) {
				r.missed.Add(1)
			}
			if at++; at == len(r.beats) {
				at = 0
			}
		}
	}
}
