package lease

import "math/bits"

// groupSlots is how many keys a group leads to: as many as their tags can be
// compared at once.
const groupSlots = 8

// A group is a part of a view's index. A key's group follows from its hash; if
// it is full, the key is in the next one that is not.
//
// tags has a byte for each of its keys: some bits of the hash, or 0 for none.
// They are filled from the front and do not change: so a look-up may stop at a
// group with an empty place. numbers are those of the slots with the keys'
// newest leases; a number is written before its tag, and changed when its key
// is registered again. The number of a lease that left stays: its word says
// so.
type group struct {
	tags    atomicUint64
	numbers [groupSlots]atomicUint32
}

// fingerprint is what the index takes from a key's hash.
type fingerprint struct {
	tags uint64 // the tag in each byte
	home uint32 // which part of the index
}

const everyByte = 0x0101010101010101

func newFingerprint(hash uint64) fingerprint {
	tag := hash & 0xFF
	tag += (tag - 1) >> 63 // 1 instead of 0, which is none
	return fingerprint{tags: tag * everyByte, home: uint32(hash >> 8)}
}

// zeroBytes has the highest bit set of each byte that is zero.
func zeroBytes(x uint64) uint64 {
	const low = 0x7F * everyByte
	return ^(x&low + low | x | low)
}

// homeOf is the group where the look-up of a key begins.
func (v *view[K, V]) homeOf(f fingerprint) int {
	return int(uint64(f.home) * uint64(len(v.groups)) >> 32)
}

// first is the place that the first matching tag of a key's group leads to:
// nearly always that of its newest lease, if it has one.
func (v *view[K, V]) first(f fingerprint) (p place[K, V], ok bool) {
	g := &v.groups[v.homeOf(f)]
	matches := zeroBytes(g.tags.Load() ^ f.tags)
	if matches == 0 {
		return place[K, V]{}, false
	}
	return v.place(g.numbers[bits.TrailingZeros64(matches)/8%groupSlots].Load()), true
}

// lookup returns the entry of a key and the place of its newest lease.
func (v *view[K, V]) lookup(f fingerprint, key *K) (entry *atomicUint32, number uint32, p place[K, V], ok bool) {
	for i := v.homeOf(f); ; i++ {
		if i == len(v.groups) {
			i = 0
		}
		g := &v.groups[i]
		tags := g.tags.Load()
		for matches := zeroBytes(tags ^ f.tags); matches != 0; matches &= matches - 1 {
			entry := &g.numbers[bits.TrailingZeros64(matches)/8%groupSlots]
			number := entry.Load()
			if p := v.place(number); p.holds(key) {
				return entry, number, p, true
			}
		}
		if tags>>56 == 0 { // the last place is empty
			return nil, 0, place[K, V]{}, false
		}
	}
}

// insert adds a key that the view does not have yet. Needs the shard's mu.
func (v *view[K, V]) insert(f fingerprint, number uint32) {
	for i := v.homeOf(f); ; i++ {
		if i == len(v.groups) {
			i = 0
		}
		g := &v.groups[i]
		tags := g.tags.Load()
		if at := (bits.Len64(tags) + 7) / 8; at < groupSlots {
			g.numbers[at].Store(number)
			g.tags.Store(tags | f.tags&0xFF<<(8*at))
			v.filled++
			return
		}
	}
}
