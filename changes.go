package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// changes is what changed: what the next report has to tell, and for Explain
// the last ones.
type changes[K comparable, V any] struct {
	pending []Change[K, V]
	recent  []Change[K, V] // a ring, the oldest at next once it is full
	next    int
	totals  [Evicted + 1]uint64 // by kind
}

func (c *changes[K, V]) add(change Change[K, V]) {
	c.pending = append(c.pending, change)
	c.totals[change.Kind]++
	switch {
	case len(c.recent) < cap(c.recent):
		c.recent = append(c.recent, change)
	case len(c.recent) > 0:
		c.recent[c.next] = change
		c.next = (c.next + 1) % len(c.recent)
	}
}

// drain returns what no report has told yet.
func (c *changes[K, V]) drain() []Change[K, V] {
	pending := c.pending
	c.pending = nil
	return pending
}

// of returns the remembered changes of a key, the oldest first.
func (c *changes[K, V]) of(key K) (found []Change[K, V]) {
	for i := range c.recent {
		if change := c.recent[(c.next+i)%len(c.recent)]; change.Lease.Key() == key {
			found = append(found, change)
		}
	}
	return found
}

func departed[K comparable, V any](kind Kind, at time.Time, departure lease.Departure[K, V]) Change[K, V] {
	return Change[K, V]{Sequence: departure.Sequence, Kind: kind, At: at, Lease: departure.Lease}
}
