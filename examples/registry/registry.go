// Command registry embeds the kernels in a small registry: a map under a lock,
// a pass, and no clock of its own. A renewal shares the lock with the pass's
// scan and waits only for registrations and for the removal of victims. It
// plays ten clients through six minutes of virtual time: one dies and is
// evicted, then the network cuts off all others, and the registry keeps them.
//
//	go run ./examples/registry
package main

import (
	"errors"
	"sync"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"github.com/leasekernel/leasekernel/ratemeter"
)

// percent of the expected renewals must arrive, and of the leases must stay.
const percent = 0.85

// registry composes the kernels. They meet through plain values only.
type registry struct {
	term     lease.Term
	meter    *ratemeter.Sliding
	expected *preserve.Expectation
	late     *evict.Compensation
	victims  evict.Source

	mu     sync.RWMutex
	leases map[string]*lease.Lease[string] // needs mu
	order  []string                        // keys as they registered; needs mu
}

func newRegistry(now time.Time, term lease.Term, passEvery time.Duration, victims evict.Source) (*registry, error) {
	const window = time.Minute
	expected, expectedErr := preserve.NewExpectation(now, preserve.ExpectationConfig{Window: window, Percent: percent, Warmup: window})
	late, lateErr := evict.NewCompensation(passEvery)
	meter, meterErr := ratemeter.NewSliding(now, window, 60)
	if err := errors.Join(expectedErr, lateErr, meterErr, term.Validate()); err != nil {
		return nil, err
	}
	return &registry{
		term: term, meter: meter, expected: expected, late: late, victims: victims,
		leases: make(map[string]*lease.Lease[string]),
	}, nil
}

func (r *registry) register(now time.Time, key string) error {
	granted, err := lease.New(now, key, r.term)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.leases[key]; !known {
		if err := r.expected.Add(r.term.Interval); err != nil {
			return err
		}
		r.order = append(r.order, key)
	}
	r.leases[key] = granted
	return nil
}

// renew reports false if the client has to register again.
func (r *registry) renew(now time.Time, key string) bool {
	r.mu.RLock()
	held := r.leases[key]
	r.mu.RUnlock()
	if held == nil || !held.Renew(now) {
		return false
	}
	r.meter.Mark(now, 1)
	return true
}

type candidate struct {
	lease *lease.Lease[string]
	seen  lease.Mark
}

// pass evicts what may be evicted, and returns the decision that it followed
// and the holders it evicted. One pass runs at a time.
func (r *registry) pass(now time.Time) (preserve.Decision, []string, error) {
	decision := r.expected.Decide(now, r.meter.Count(now))
	grace := r.late.Next(now) // also of a pass that may not evict
	if !decision.Allowed {
		return decision, nil, nil
	}
	candidates, size := r.candidates(now, grace)
	limit, err := evict.Limit(size, percent)
	if err != nil {
		return decision, nil, err
	}
	victims, err := evict.Pick(r.victims, candidates, limit)
	if err != nil {
		return decision, nil, err
	}
	evicted, err := r.remove(now, victims)
	return decision, evicted, err
}

// candidates returns the expired leases as the pass sees them, in the order
// of their registration, and the size of the registry.
func (r *registry) candidates(now time.Time, grace time.Duration) (candidates []candidate, size int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, key := range r.order {
		if seen, expired := r.leases[key].Expired(now, grace); expired {
			candidates = append(candidates, candidate{r.leases[key], seen})
		}
	}
	return candidates, len(r.leases)
}

// remove evicts the victims that nobody renewed since they were seen, and
// drops them. A victim that registered anew meanwhile has another lease under
// its key, which stays.
func (r *registry) remove(now time.Time, victims []candidate) (evicted []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, victim := range victims {
		key := victim.lease.Holder()
		if !victim.lease.Evict(now, victim.seen) || r.leases[key] != victim.lease {
			continue
		}
		delete(r.leases, key)
		evicted = append(evicted, key)
		err = errors.Join(err, r.expected.Remove(r.term.Interval))
	}
	kept := r.order[:0]
	for _, key := range r.order {
		if r.leases[key] != nil {
			kept = append(kept, key)
		}
	}
	r.order = kept
	return evicted, err
}
