package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// changes is what changed: what the next report has to tell, and for Explain
// the last ones.
type changes[K comparable, V any] struct {
	pending []Change[K, V]
	history int             // how many are remembered
	recent  []Transition[K] // a ring, the oldest at next once it is full
	next    int
	totals  [Healed + 1]uint64 // by kind
}

func (c *changes[K, V]) add(change Change[K, V]) {
	c.pending = append(c.pending, change)
	c.totals[change.Kind]++
	switch {
	case len(c.recent) < c.history:
		c.recent = append(c.recent, change.Transition)
	case len(c.recent) > 0:
		c.recent[c.next] = change.Transition
		c.next = (c.next + 1) % len(c.recent)
	}
}

// drain returns what no report has told yet.
func (c *changes[K, V]) drain() []Change[K, V] {
	pending := c.pending
	c.pending = nil
	return pending
}

// of returns the remembered transitions of a key, the oldest first.
func (c *changes[K, V]) of(key K) (found []Transition[K]) {
	for i := range c.recent {
		if transition := c.recent[(c.next+i)%len(c.recent)]; transition.Key == key {
			found = append(found, transition)
		}
	}
	return found
}

func departed[K comparable, V any](kind Kind, at time.Time, key K, departure lease.Departure[K, V]) Change[K, V] {
	return Change[K, V]{Transition: Transition[K]{departure.Sequence, kind, at, key}, Lease: departure.Lease}
}

func turned[K comparable, V any](kind Kind, turn lease.Turn[K, V]) Change[K, V] {
	return Change[K, V]{Transition: Transition[K]{turn.Sequence, kind, turn.At, turn.Lease.Key()}, Lease: turn.Lease}
}
