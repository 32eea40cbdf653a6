package lease

import (
	"hash/maphash"
	"iter"
	"math/bits"
)

// A shard is a part of the table that registrations lock.
type shard[K comparable, V any] struct {
	view atomicPointer[view[K, V]]
	live atomicInt64 // leases
	used atomicInt64 // slots taken, those of leases that left included

	table *Table[K, V]
	mu    mutex
	grant *grant // of the last registration, to share; needs mu
	_     [64]byte
}

// A view is what a look-up needs of a shard: an index and the chunks that its
// numbers refer to. Its entries change, one at a time; when it has become too
// small, or its chunks too empty, the whole view is replaced.
type view[K comparable, V any] struct {
	groups []group
	filled int // keys in the index; needs the shard's mu
	most   int // how many it may have

	// chunks is filled from the front, each chunk before the first entry
	// that refers to it.
	chunks []*chunk[K, V]
	count  atomicInt64

	// While a registration replaces a lease, replacing has the old slot's
	// number in its high half and the new one's, plus one, in its low half.
	replacing atomicUint64

	// While this view's leases move, that of the slot number n moves to
	// forwards[n] of next, which is written before the word says that the lease
	// moved. When all have moved, next is the shard's view, and forgotten here:
	// who still reads this one should not keep all later ones in memory.
	next     atomicPointer[view[K, V]]
	forwards []uint32
}

// A view's index is at most seven eighths full, and a new one is for three
// quarters more leases than there are: so that more than half as many again
// can be registered before the next one.
const (
	mostFull  = 0.875
	freshRoom = 1.75
)

// newView returns an empty view with room in its index for leases.
func newView[K comparable, V any](leases int) *view[K, V] {
	groups := int(float64(leases)*freshRoom)/groupSlots + 1
	return &view[K, V]{
		groups: make([]group, groups),
		most:   int(float64(groups*groupSlots) * mostFull),
		chunks: make([]*chunk[K, V], leastDirectory+4*leases/chunkSlots),
	}
}

func (v *view[K, V]) place(number uint32) place[K, V] {
	return place[K, V]{v.chunks[number>>chunkBits], number & slotOfNumber}
}

// successor is where to go on for a lease that the word says is gone, if this
// view knows.
func (v *view[K, V]) successor(number uint32, seen slotWord) (place[K, V], bool) {
	if seen == movedWord {
		next := v.next.Load()
		if next == nil {
			return place[K, V]{}, false
		}
		return next.place(v.forwards[number]), true
	}
	replacing := v.replacing.Load()
	if uint32(replacing>>32) != number || uint32(replacing) == 0 {
		return place[K, V]{}, false
	}
	return v.place(uint32(replacing) - 1), true
}

// find returns where the key's lease is. It was there, alive, at a moment
// during the call.
//
// It starts again only when it met a lease that is gone in a view that has
// been replaced, or in an entry that has been changed: so another goroutine
// has got on. (A view that no longer knows its next has been replaced, and one
// that no longer knows what replaced a lease has a new number in the entry.)
func (s *shard[K, V]) find(f fingerprint, key *K) (place[K, V], bool) {
	for {
		v := s.view.Load()
		_, number, p, ok := v.lookup(f, key)
		if !ok {
			return p, false
		}
		seen := p.word().load()
		if seen.gone() {
			if p, ok = v.successor(number, seen); !ok {
				continue
			}
			if seen = p.word().load(); seen.gone() {
				continue
			}
		}
		return p, !seen.left()
	}
}

// renew renews the key's lease. It is what find and place.renew do when all is
// as usual, written out: while a processor waits for memory it looks ahead a
// few hundred instructions, so that a path which is short enough lets it begin
// to load what the next renewal needs.
//
// Usual is: the first matching tag is the key's, the lease lives, is neither
// suspect nor exempt, its chunk has one grant, and its deadline moves forward or,
// because another renewal was later or at the same instant, stays.
func (s *shard[K, V]) renew(f fingerprint, key *K, at int64) bool {
	v := s.view.Load()
	group := &v.groups[v.homeOf(f)]
	if matches := zeroBytes(group.tags.Load() ^ f.tags); matches != 0 {
		number := group.numbers[bits.TrailingZeros64(matches)/8%groupSlots].Load()
		c, slot := v.chunks[number>>chunkBits], number&slotOfNumber
		w := &c.words[slot]
		seen := w.load()
		if grant := c.grant.Load(); grant != nil && c.keys.equal(slot, key) {
			next := newSlotWord(at+grant.step, slotRenewed)
			switch later := int64(seen) < int64(next); {
			case seen&slotUnusual != 0:
			case seen == next, later && w.swapIf(seen, next):
				if grant.wanders {
					c.bound.lower(next.deadline())
				}
				return true
			case !later && !seen.left() && !grant.wanders:
				return true // it arrives late, and shortens nothing
			}
		}
	}
	_, ok := s.renewUnusual(f, key, at)
	return ok
}

// renewUnusual renews the key's lease, whatever is the case, and reports
// whether that healed it.
func (s *shard[K, V]) renewUnusual(f fingerprint, key *K, at int64) (healed, ok bool) {
	for {
		p, ok := s.find(f, key)
		if !ok {
			return false, false
		}
		if seen, healed := p.renew(at); !seen.gone() {
			return healed, !seen.left()
		}
	}
}

// take returns the next free slot for a key, for the shard's lock's owner to
// write. It is seen by others when an entry or a successor refers to it, and by All and
// passes after publish.
func (s *shard[K, V]) take(v *view[K, V], key *K) (number uint32, p place[K, V]) {
	last := v.count.Load() - 1
	if last < 0 || int(v.chunks[last].used.Load()) == len(v.chunks[last].words) {
		last++
		slots := min(max(s.used.Load(), fewestSlots), chunkSlots)
		v.chunks[last] = newChunk(s, int(slots), key)
		v.count.Store(last + 1)
	}
	c := v.chunks[last]
	slot := c.used.Load()
	return uint32(last)<<chunkBits | slot, place[K, V]{c, slot}
}

func (s *shard[K, V]) publish(p place[K, V], deadline int64) {
	p.chunk.used.Store(p.slot + 1)
	p.chunk.bound.lower(deadline)
	s.used.Add(1)
}

// room returns a view in which one more lease can be registered. Needs mu.
func (s *shard[K, V]) room() *view[K, V] {
	v := s.view.Load()
	if s.wasteful() {
		s.compact()
		return s.view.Load()
	}
	last := v.count.Load() - 1
	exhausted := last+1 == int64(len(v.chunks)) && int(v.chunks[last].used.Load()) == len(v.chunks[last].words)
	if v.filled >= v.most || exhausted {
		s.reindex()
	}
	return s.view.Load()
}

// wasteful reports whether more slots belong to leases that left than to such
// that live. Then moving these pays: there are fewer than have left since the
// last time.
func (s *shard[K, V]) wasteful() bool { return s.used.Load() > 2*s.live.Load()+fewestSlots }

// reindex replaces the view by one that has the same chunks and a larger
// index. Needs mu.
func (s *shard[K, V]) reindex() {
	old := s.view.Load()
	v := newView[K, V](int(s.live.Load()) + 1)
	count := int(old.count.Load())
	if count >= len(v.chunks) {
		v.chunks = make([]*chunk[K, V], count+leastDirectory)
	}
	copy(v.chunks, old.chunks[:count])
	v.count.Store(int64(count))
	for number, p := range old.slots() {
		if !p.word().load().left() {
			v.insert(s.fingerprintOf(p), number)
		}
	}
	s.view.Store(v)
}

// compact moves all leases to new chunks, so that the old ones are given back.
// Needs mu.
//
// A renewal that meets the old word when the lease has moved finds the new
// place through forwards. Until then nobody can: so the new word may be
// written as often as it takes to move the very word that was seen.
func (s *shard[K, V]) compact() {
	old := s.view.Load()
	v := newView[K, V](int(s.live.Load()) + 1)
	old.forwards = make([]uint32, int(old.count.Load())<<chunkBits)
	old.next.Store(v)
	s.used.Store(0)
	for number, p := range old.slots() {
		if to, ok := s.move(old, number, p, v); ok {
			v.insert(s.fingerprintOf(p), to)
		}
	}
	s.view.Store(v)
	old.next.Store(nil)
}

// slots are the numbers and places of all published slots.
func (v *view[K, V]) slots() iter.Seq2[uint32, place[K, V]] {
	return func(yield func(uint32, place[K, V]) bool) {
		for i, c := range v.chunks[:v.count.Load()] {
			for slot := range c.used.Load() {
				if !yield(uint32(i)<<chunkBits|slot, place[K, V]{c, slot}) {
					return
				}
			}
		}
	}
}

func (s *shard[K, V]) fingerprintOf(p place[K, V]) fingerprint {
	return newFingerprint(maphash.Comparable(s.table.seed, p.key()))
}

// move moves one lease, if it lives. Needs mu.
func (s *shard[K, V]) move(old *view[K, V], from uint32, source place[K, V], v *view[K, V]) (number uint32, ok bool) {
	seen := source.word().load()
	if seen.left() {
		return 0, false
	}
	key := source.key()
	number, target := s.take(v, &key)
	target.chunk.keys.set(target.slot, key)
	*target.record() = *source.record()
	target.chunk.setGrant(target.slot, source.grant())
	target.chunk.setServiceUp(target.slot, source.chunk.serviceUp(source.slot))
	old.forwards[from] = number
	for !seen.left() {
		if seen&slotSuspect != 0 {
			target.chunk.setSuspectSince(target.slot, source.chunk.suspectSince(source.slot))
		}
		target.word().store(seen)
		if source.word().swapIf(seen, movedWord) {
			s.publish(target, seen.deadline())
			return number, true
		}
		seen = source.word().load()
	}
	return 0, false
}
