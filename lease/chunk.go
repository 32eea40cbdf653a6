package lease

import "math"

// A grant is a term with its duration on the table's scale. Leases share it.
type grant struct {
	term   Term
	length int64 // of the term on the table's scale
	step   int64 // from a renewal to the deadline: Eureka's is twice as long (quirk L1)

	// staged is whether the term has a suspect stage, and warning how long
	// before the deadline it begins. Nacos lets it begin after the deadline, too.
	staged  bool
	warning int64

	// wanders is whether a renewal can move the deadline backwards (quirks L8,
	// N10).
	wanders bool
}

// A record is what a lease has beside its word and its key. It is written
// before the lease can be found and never again.
type record[V any] struct {
	registered int64 // on the table's scale
	sequence   uint64
	holder     V
}

// chunkSlots is how many leases a full-grown chunk has room for: the block
// whose earliest deadline a pass looks at before it looks at the leases. 64
// make a pass look at more chunks, 4096 make it look at more leases. A
// shard's first chunks are smaller, so that a small table is small.
const (
	chunkBits      = 9
	chunkSlots     = 1 << chunkBits
	fewestSlots    = 16
	slotOfNumber   = chunkSlots - 1
	leastDirectory = 8
	noDeadline     = math.MaxInt64
)

// A chunk is room for a fixed number of leases. It never moves, and each of
// its slots is the place of at most one lease, once: when a shard has become
// mostly empty, what lives moves to new chunks and the old ones are dropped.
//
// What few leases need is apart: as long as all have one grant the chunk
// keeps only that, and service-up instants and those of suspicion have room
// once there is one.
type chunk[K comparable, V any] struct {
	words   []atomicSlotWord     // apart from the rest, so that a pass reads 8 bytes a lease
	grant   atomicPointer[grant] // of all leases; nil once they differ
	keys    keys[K]
	records []record[V]
	home    *shard[K, V]
	grants  []*grant // of each lease; written before grant is nil
	ups     atomicPointer[[]atomicInt64]
	since   atomicPointer[[]atomicInt64] // when a suspect lease was found so
	bound   bound
	warning int64        // the longest of any lease that there was; needs the shard's mu
	used    atomicUint32 // slots that All and passes may look at
}

func newChunk[K comparable, V any](home *shard[K, V], slots int, first *K) *chunk[K, V] {
	c := &chunk[K, V]{
		home:    home,
		words:   make([]atomicSlotWord, slots),
		keys:    newKeys(slots, first),
		records: make([]record[V], slots),
	}
	c.bound.earliest.Store(noDeadline)
	return c
}

// setGrant says what the lease of an unpublished slot is granted. Needs mu.
func (c *chunk[K, V]) setGrant(slot uint32, g *grant) {
	c.warning = max(c.warning, g.warning)
	one := c.grant.Load()
	switch {
	case c.grants != nil:
		c.grants[slot] = g
	case one == nil || slot == 0:
		c.grant.Store(g)
	case *one != *g:
		grants := make([]*grant, len(c.words))
		for i := range grants[:slot] {
			grants[i] = one
		}
		grants[slot] = g
		c.grants = grants
		c.grant.Store(nil)
	}
}

func (c *chunk[K, V]) grantOf(slot uint32) *grant {
	if one := c.grant.Load(); one != nil {
		return one
	}
	return c.grants[slot]
}

// setServiceUp says when the service of the lease in a slot came up. Needs mu.
func (c *chunk[K, V]) setServiceUp(slot uint32, at int64) {
	ups, never := c.ups.Load(), c.home.table.scale.neverUp()
	if ups == nil {
		if at == never {
			return
		}
		all := make([]atomicInt64, len(c.words))
		for i := range all {
			all[i].Store(never)
		}
		ups = &all
		c.ups.Store(ups)
	}
	(*ups)[slot].Store(at)
}

// setSuspectSince says when the lease in a slot was found suspect, before its
// word says that it is. Needs mu.
func (c *chunk[K, V]) setSuspectSince(slot uint32, at int64) {
	since := c.since.Load()
	if since == nil {
		all := make([]atomicInt64, len(c.words))
		since = &all
		c.since.Store(since)
	}
	(*since)[slot].Store(at)
}

// suspectSince is when the lease in a slot, whose word says that it is suspect,
// was last found so.
func (c *chunk[K, V]) suspectSince(slot uint32) int64 { return (*c.since.Load())[slot].Load() }

func (c *chunk[K, V]) serviceUp(slot uint32) int64 {
	if ups := c.ups.Load(); ups != nil {
		return (*ups)[slot].Load()
	}
	return c.home.table.scale.neverUp()
}

// bound is a lower bound of the deadlines in a chunk. A renewal that moves a
// deadline forward leaves it alone, which is what makes renewals cheap; so it
// may be too low, and is corrected when a pass has looked.
//
// It must never be too high, or a pass would skip an expired lease. Whoever
// writes a deadline that may be earlier lowers the bound AFTER the word is
// written: registrations, moves, and all renewals by a rule of the wall clock, also
// one that moves a deadline forward, since the renewal that moved it backwards may
// not have come to lower the bound yet. The pass raises it to noDeadline BEFORE
// it reads the words and lowers it to the least that it found afterwards. Suppose
// that the pass did not see the earlier deadline: then it read the word before
// it was written, hence raised the bound before it was lowered, and the lowering
// stands.
type bound struct{ earliest atomicInt64 }

func (b *bound) lower(deadline int64) {
	for {
		seen := b.earliest.Load()
		if deadline >= seen || b.earliest.CompareAndSwap(seen, deadline) {
			return
		}
	}
}

// overdue calls found for each lease whose deadline lies before limit, if the
// bound says that there may be one. One pass at a time.
func (c *chunk[K, V]) overdue(limit int64, found func(slot uint32, seen slotWord)) {
	if c.bound.earliest.Load() >= limit {
		return
	}
	c.bound.earliest.Store(noDeadline)
	earliest := int64(noDeadline)
	before := limit << slotFlagBits
	words := c.words[:c.used.Load()]
	for from := uint32(0); len(words) > 0; from += sweepWords {
		some := words[:min(sweepWords, len(words))]
		words = words[len(some):]
		least := leastOf(some)
		earliest = min(earliest, least)
		if least >= before {
			continue
		}
		for i := range some {
			if seen := some[i].load(); int64(seen) < before {
				found(from+uint32(i), seen)
			}
		}
	}
	c.bound.lower(slotWord(earliest).deadline())
}

// sweepWords is how many words a pass takes together: a cache line.
const sweepWords = 8

// leastOf returns the least of up to sweepWords words. In a full line it goes
// by four at once, which do not have to wait for each other.
func leastOf(words []atomicSlotWord) int64 {
	if len(words) == sweepWords {
		a := min(int64(words[0].load()), int64(words[4].load()))
		b := min(int64(words[1].load()), int64(words[5].load()))
		c := min(int64(words[2].load()), int64(words[6].load()))
		d := min(int64(words[3].load()), int64(words[7].load()))
		return min(min(a, b), min(c, d))
	}
	least := int64(noDeadline)
	for i := range words {
		least = min(least, int64(words[i].load()))
	}
	return least
}

// A place is where a lease is.
type place[K comparable, V any] struct {
	chunk *chunk[K, V]
	slot  uint32
}

func (p place[K, V]) word() *atomicSlotWord { return &p.chunk.words[p.slot] }

func (p place[K, V]) key() K { return p.chunk.keys.get(p.slot) }

func (p place[K, V]) holds(key *K) bool { return p.chunk.keys.equal(p.slot, key) }

func (p place[K, V]) record() *record[V] { return &p.chunk.records[p.slot] }

func (p place[K, V]) grant() *grant { return p.chunk.grantOf(p.slot) }

// renew moves the deadline of the lease in p, whose last renewal is at, and
// returns the word that it found, which says that the lease left if there was
// nothing to renew, and whether it healed the lease.
//
// What usually happens is that the lease lives, is neither suspect nor exempt,
// and its deadline moves forward. One comparison tells whether it lives, since
// the words of leases that left are greater than any.
func (p place[K, V]) renew(at int64) (seen slotWord, healed bool) {
	grant := p.grant()
	next := newSlotWord(at+grant.step, slotRenewed)
	w := p.word()
	seen = w.load()
	if int64(seen) >= int64(next) || seen&slotUnusual != 0 || !w.swapIf(seen, next) {
		seen, healed = p.renewAgain(at, grant)
	}
	if grant.wanders {
		p.chunk.bound.lower(next.deadline())
	}
	return seen, healed
}

// renewAgain goes on after renew has met what is unusual: a lease that left or
// is suspect or exempt, another renewal at the same moment, or one whose
// deadline is not earlier.
func (p place[K, V]) renewAgain(at int64, grant *grant) (seen slotWord, healed bool) {
	t := p.chunk.home.table
	var healing *healing[K, V] // announced once, however often it is tried
	for {
		seen = p.word().load()
		next := p.renewed(seen, at, grant)
		healed = seen&slotSuspect != 0 && next&slotSuspect == 0
		if healed && healing == nil {
			healing = t.healings.announce()
			continue // and look again: until this is decided nobody finds the lease suspect anew
		}
		if healed {
			healing.sequence.Store(t.sequence.Add(1))
		}
		if next != seen && !p.word().swapIf(seen, next) {
			continue
		}
		if healed {
			t.suspects.Add(-1)
			healing.succeed(t.scale.instant(at), t.snapshot(p, next))
		} else if healing != nil {
			healing.fail()
		}
		return seen, healed
	}
}

// renewed is what a renewal at an instant makes of a word: a suspect lease is
// healed, unless it is exempt.
func (p place[K, V]) renewed(seen slotWord, at int64, grant *grant) slotWord {
	if seen.left() {
		return seen
	}
	next := newSlotWord(at+grant.step, slotRenewed|seen&slotUnusual)
	if next.deadline() < seen.deadline() && !grant.wanders {
		next = seen // a renewal that arrives late shortens nothing
	}
	if seen&slotExempt == 0 && seen&slotSuspect != 0 && p.heals(at, seen, next, grant) {
		next &^= slotSuspect
	}
	return next
}

// heals reports whether a renewal at an instant heals a suspect lease: unless
// it tells nothing that was not known when the lease was found suspect.
func (p place[K, V]) heals(at int64, seen, next slotWord, grant *grant) bool {
	return grant.wanders || next.deadline() > seen.deadline() || at >= p.chunk.suspectSince(p.slot)
}
