package lease

import (
	"fmt"
	"hash/maphash"
	"time"
)

// batchKeys is how many keys RenewAll looks up at once: enough for all the
// loads that a processor can have under way.
const batchKeys = 32

// RenewAll records a heartbeat at one instant for each key's lease, in their
// order, and returns how many were there to take it. Renewed, unless it is
// nil, gets for each key what [Table.Renew] would have returned.
//
// It is faster than one Renew after the other in a table that does not fit the
// processor's cache: it asks for the memory of many leases before it waits for
// any.
//
// It fails, renewing nothing, if renewed is neither nil nor as long as keys.
func (t *Table[K, V]) RenewAll(now time.Time, keys []K, renewed []bool) (count int, err error) {
	if renewed != nil && len(renewed) != len(keys) {
		return 0, invalid("the length of renewed", len(renewed), fmt.Sprintf("must be that of keys (%d)", len(keys)))
	}
	at, ok := t.scale.offset(now)
	if !ok {
		clear(renewed)
		return 0, nil
	}
	var batch batch[K, V]
	for len(keys) > 0 {
		n := min(len(keys), batchKeys)
		batch.look(t, keys[:n])
		for i := range n {
			ok := batch.renew(t, i, &keys[i], at)
			if ok {
				count++
			}
			if renewed != nil {
				renewed[i] = ok
			}
		}
		keys = keys[n:]
		if renewed != nil {
			renewed = renewed[n:]
		}
	}
	return count, nil
}

// batch is what is known of some keys before they are renewed.
type batch[K comparable, V any] struct {
	hashes [batchKeys]uint64
	views  [batchKeys]*view[K, V]
	likely [batchKeys]place[K, V] // without a chunk: not known
	loaded [batchKeys]bool        // so that nobody thinks the loads were for nothing
}

// look asks for the memory that the keys' renewals need, in steps, each for
// all keys before the next: so that their cache misses overlap.
func (b *batch[K, V]) look(t *Table[K, V], keys []K) {
	for i := range keys {
		hash := maphash.Comparable(t.seed, keys[i])
		v := t.shardOf(hash).view.Load()
		b.hashes[i], b.views[i] = hash, v
		b.loaded[i] = v.groups[v.homeOf(newFingerprint(hash))].tags.Load() == 0
	}
	for i := range keys {
		p, ok := b.views[i].first(newFingerprint(b.hashes[i]))
		if b.likely[i] = p; ok {
			b.loaded[i] = p.word().load() == 0 || p.chunk.keys.touch(p.slot)
		}
	}
}

// renew renews key number i: where it probably is, or wherever it is.
func (b *batch[K, V]) renew(t *Table[K, V], i int, key *K, at int64) bool {
	if p := b.likely[i]; p.chunk != nil && p.holds(key) {
		if seen, _ := p.renew(at); !seen.left() {
			return true
		}
	}
	_, ok := t.shardOf(b.hashes[i]).renewUnusual(newFingerprint(b.hashes[i]), key, at)
	return ok
}
