package lease

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"time"
)

// ErrFull is wrapped by the error for a registration beyond
// [TableConfig].MaxLeases.
var ErrFull = errors.New("lease: table is full")

// TableConfig is what a [Table] starts with. Its zero value is that of a table
// of exact leases without a limit.
type TableConfig struct {
	// Rule is the rule of all leases in the table.
	Rule Rule
	// MaxLeases is the number of leases beyond which registrations are
	// refused, so that memory is bounded: about 100 bytes a lease plus the
	// holder, and twice that until those that left are forgotten. Zero: no
	// limit.
	MaxLeases int
}

// Table keeps the leases of a registry by key. Make one with [NewTable]; a
// Table must not be copied.
//
// Most callers want Register, Renew and Cancel for what clients send, and in
// the pass AppendExpired and then Evict. A key has at most one lease;
// registering it again replaces the lease by a new one. Where leases have a
// suspect stage the pass begins with AppendSuspect and Suspect, and AppendHealed
// tells whom renewals have healed since.
//
// Exact leases are kept to the nanosecond within 9 years of the instant at
// which the table was made, the others' to the millisecond within 9
// million of 1970; terms are as long at most. Keys must equal themselves, which a
// floating-point NaN does not; an interface that holds what cannot be compared
// panics, as it does as a map's key.
//
// Memory: room is given back when more than half of a shard's leases have
// left, by the next registration, cancel or pass that comes across it.
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once. Renew,
// RenewAll, Get, All and Exempt take no lock, also when a renewal heals a lease.
// AppendHealed and Suspect wait for renewals that are just doing so, and share a
// lock that these do not need.
// Cancel and Evict take none to end a lease; Cancel then tidies up if the
// shard's lock is free. Register, AppendSuspect, AppendExpired, Suspect and a
// handle's ServiceUp lock one of 64 shards at a time. So nothing that a pass or a
// registration does makes a renewal wait.
//
// Each lease has one atomic word, as a [Lease] does, with its deadline, whether
// it lives, and whether it is suspect or exempt. Whatever changes a lease replaces
// that word by compare-and-swap, and so exactly one of them does:
//
//   - Renew: a later deadline (the wall clock's rules: any), no longer suspect.
//   - Suspect: the same deadline, suspect. It names the word that the pass saw,
//     so that a renewal in between makes it fail. Since when is written before.
//   - Exempt: the same deadline, exempt or no longer.
//   - Cancel, Evict: ended. Evict names the word that the pass saw. If a renewal
//     has changed it since, the eviction fails. If the word is the same, because
//     the renewal was not later or a wall clock went forth and back, the lease
//     is as expired as the pass saw it, and the eviction is right.
//   - Register of the same key: replaced. The new lease is complete before,
//     and the shard names it as the successor, so that whoever looks the key
//     up finds the old lease or the new one at any moment, never none.
//   - A shard that gives memory back: moved. The new place has the same word
//     before, and the view names it as the successor.
//
// A slot that anybody has been able to reach belongs to that one lease and is
// never used again. So a handle whose lease has left can never touch another
// one: there is no generation to run out of.
//
// Everything else that a look-up reads is written before what leads to it:
// key, record and first word before the number in the index, the number before
// its tag, the chunk before the first number that refers to it, a successor
// before the word that sends to it. What leads there is stored and loaded
// atomically, and Go's atomics order the rest by it.
//
// Sequence numbers are drawn after the word, or its absence, has been seen on
// which the change depends, and before the change takes effect. So those of one
// key are in the order of its changes, but for one case: while a Cancel or an
// Evict runs, the lease turns suspect and is healed, or the other way round, by
// a renewal that does not move its deadline, and so its word is again what it
// was. Then it leaves under a lower number than it turned. Whoever tells both
// calls Suspect, Cancel and Evict under one lock, as a Kernel does.
type Table[K comparable, V any] struct {
	scale    scale
	max      int64
	seed     maphash.Seed
	size     atomicInt64
	sequence atomicUint64
	suspects atomicInt64
	staged   atomicBool // there has been a term with a suspect stage
	healings healings[K, V]
	shards   [shardCount]shard[K, V]
}

// shardCount is how many registrations can run at once. It is also how many
// stripes a meter has, so that each shard can own one.
const shardCount = 1 << shardBits

// NewTable returns an empty table. Now is an instant of the clock that its
// leases will be measured with. It fails if MaxLeases is negative or Rule
// unknown.
func NewTable[K comparable, V any](now time.Time, config TableConfig) (*Table[K, V], error) {
	var problems []error
	if config.Rule > Bilibili {
		problems = append(problems, invalid("Rule", config.Rule, rulesKnown))
	}
	if config.MaxLeases < 0 {
		problems = append(problems, invalid("MaxLeases", config.MaxLeases, "must not be negative"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	t := &Table[K, V]{
		scale: scale{rule: config.Rule, origin: now},
		max:   int64(config.MaxLeases),
		seed:  newSeed(),
	}
	for i := range t.shards {
		t.shards[i].view.Store(newView[K, V](0))
		t.shards[i].table = t
	}
	return t, nil
}

// Registration is what came of a Register.
type Registration[K comparable, V any] struct {
	// Lease is the new lease.
	Lease Snapshot[K, V]
	// Replaced is the lease that it replaced, as it was last, if Again is set.
	Replaced Snapshot[K, V]
	// Again is whether the key had a lease until now.
	Again bool
}

// Register grants a lease at instant now. If the key has one it is replaced: a
// new lease begins, for the new term and holder, and only the instant at which
// the service came up is carried over (Eureka's quirk G1). It is neither exempt
// nor suspect, except that under Nacos's rule the key of a suspect lease gets a
// suspect one (quirk N7).
//
// It fails, changing nothing, on a term that [Term.Validate] refuses or whose
// Rule is not the table's, on instants and durations that are too far away,
// on a key that does not equal itself, and with [ErrFull] if the table is full
// and the key is new.
func (t *Table[K, V]) Register(now time.Time, key K, holder V, term Term) (Registration[K, V], error) {
	at, err := t.scale.validate(now, term)
	if key != key {
		err = errors.Join(err, invalid("key", key, "must equal itself"))
	}
	if err != nil {
		return Registration[K, V]{}, err
	}
	s, f := t.locate(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.register(s, f, key, record[V]{registered: at, holder: holder}, s.granted(term))
}

// granted returns the term as a grant, the last one's if it is the same.
// Needs mu.
func (s *shard[K, V]) granted(term Term) *grant {
	if s.grant == nil || s.grant.term != term {
		s.grant = s.table.scale.grant(term)
		if s.grant.staged {
			s.table.staged.Store(true)
		}
	}
	return s.grant
}

// register writes the new lease into a free slot and then makes it known, by
// the entry of its key or as the successor of the lease that it replaces.
// Needs s.mu.
func (t *Table[K, V]) register(s *shard[K, V], f fingerprint, key K, r record[V], g *grant) (Registration[K, V], error) {
	v := s.room()
	number, p := s.take(v, &key)
	fresh := newSlotWord(r.registered+g.length, 0)
	p.chunk.keys.set(p.slot, key)
	*p.record() = r
	p.chunk.setGrant(p.slot, g)
	entry, oldNumber, old, known := v.lookup(f, &key)

	for known {
		seen := old.word().load()
		if seen.left() {
			break
		}
		first := t.inherited(fresh, p, old, seen)
		p.word().store(first)
		p.record().sequence = t.sequence.Add(1)
		p.chunk.setServiceUp(p.slot, old.chunk.serviceUp(old.slot))
		v.replacing.Store(uint64(oldNumber)<<32 | uint64(number+1))
		replaced := old.word().swapIf(seen, replacedWord)
		if replaced {
			entry.Store(number)
			s.publish(p, first.deadline())
		}
		v.replacing.Store(0)
		if replaced {
			t.forgetSuspect(seen &^ first)
			return Registration[K, V]{Lease: t.snapshot(p, first), Replaced: t.snapshot(old, seen), Again: true}, nil
		}
	}
	p.word().store(fresh)
	if !t.reserve() {
		return Registration[K, V]{}, fmt.Errorf("%w: the number of leases is %d: must not exceed MaxLeases", ErrFull, t.max)
	}
	p.record().sequence = t.sequence.Add(1)
	p.chunk.setServiceUp(p.slot, t.scale.neverUp())
	s.live.Add(1)
	if known {
		entry.Store(number)
	} else {
		v.insert(f, number)
	}
	s.publish(p, fresh.deadline())
	return Registration[K, V]{Lease: t.snapshot(p, fresh)}, nil
}

// reserve counts one more lease, unless the table is full.
func (t *Table[K, V]) reserve() bool {
	for {
		size := t.size.Load()
		if t.max > 0 && size >= t.max {
			return false
		}
		if t.size.CompareAndSwap(size, size+1) {
			return true
		}
	}
}

// Renew records a heartbeat at instant now for the key's lease and reports
// whether there was one to take it. On false the holder has to register again.
// It does to the lease what [Lease.Renew] does.
func (t *Table[K, V]) Renew(now time.Time, key K) bool {
	at, ok := int64(0), true
	if t.scale.rule == Exact { // scale.offset, written out as shard.renew is
		at = int64(now.Sub(t.scale.origin))
		ok = near(at)
	} else {
		at, ok = t.scale.offset(now)
	}
	if !ok {
		return false
	}
	hash := maphash.Comparable(t.seed, key)
	return t.shardOf(hash).renew(newFingerprint(hash), &key, at)
}

// Cancel ends the key's lease, as a holder that leaves does, and returns it as
// it was last.
func (t *Table[K, V]) Cancel(key K) (Departure[K, V], bool) {
	s, f := t.locate(&key)
	for {
		p, ok := s.find(f, &key)
		if !ok {
			return Departure[K, V]{}, false
		}
		if departure, ok := t.end(p); ok {
			if s.wasteful() {
				s.tidy()
			}
			return departure, true
		}
	}
}

// end ends the lease in p, if it is there and lives.
func (t *Table[K, V]) end(p place[K, V]) (Departure[K, V], bool) {
	for {
		seen := p.word().load()
		if seen.left() {
			return Departure[K, V]{}, false
		}
		if departure, ok := t.endSeen(p, seen); ok {
			return departure, true
		}
	}
}

// endSeen ends the lease in p, if its word is still the one that was seen.
func (t *Table[K, V]) endSeen(p place[K, V], seen slotWord) (Departure[K, V], bool) {
	sequence := t.sequence.Add(1)
	if !p.word().swapIf(seen, endedWord) {
		return Departure[K, V]{}, false
	}
	p.chunk.home.live.Add(-1)
	t.size.Add(-1)
	t.forgetSuspect(seen)
	return Departure[K, V]{Sequence: sequence, Lease: t.snapshot(p, seen)}, true
}

// tidy gives memory back, unless somebody has the shard: then the next one
// will, and a cancel need not wait for a pass.
func (s *shard[K, V]) tidy() {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if s.wasteful() {
		s.compact()
	}
}

// Departure is a lease that left, as it was last.
type Departure[K comparable, V any] struct {
	// Sequence is the number of this change. Numbers rise, and those of one
	// key are in the order in which it was registered and left; registrations
	// take theirs from the same count. Some are left out.
	Sequence uint64
	// Lease is the lease when it ended.
	Lease Snapshot[K, V]
}

// Get returns the key's lease as it is now.
func (t *Table[K, V]) Get(key K) (Snapshot[K, V], bool) {
	s, f := t.locate(&key)
	for {
		p, ok := s.find(f, &key)
		if !ok {
			return Snapshot[K, V]{}, false
		}
		if seen := p.word().load(); !seen.left() {
			return t.snapshot(p, seen), true
		}
	}
}

// Len returns the number of leases, expired ones that no pass has evicted
// included.
func (t *Table[K, V]) Len() int { return int(t.size.Load()) }

// All returns the leases in no order that means anything. It takes no lock,
// and the loop may change the table. A lease that lives during the whole loop
// is met exactly once; one that comes or leaves meanwhile is met or not.
func (t *Table[K, V]) All() iter.Seq2[K, Snapshot[K, V]] {
	return func(yield func(K, Snapshot[K, V]) bool) {
		for i := range t.shards {
			v := t.shards[i].view.Load()
			for _, c := range v.chunks[:v.count.Load()] {
				for slot := range c.used.Load() {
					lease, ok := t.current(place[K, V]{c, slot})
					if ok && !yield(lease.Key(), lease) {
						return
					}
				}
			}
		}
	}
}

// current returns the lease of the slot p as it is now, wherever it is.
func (t *Table[K, V]) current(p place[K, V]) (Snapshot[K, V], bool) {
	seen := p.word().load()
	if seen != movedWord {
		return t.snapshot(p, seen), !seen.left()
	}
	lease, ok := t.Get(p.key())
	return lease, ok && lease.Sequence() == p.record().sequence
}

// AppendExpired appends to leases those that have expired at instant now, in
// no order that means anything: sort them by Sequence before you choose among
// them. Additional is the grace or compensation of the pass, as in
// [Lease.IsExpired]. What it appends is as the pass saw it, which is what
// Evict compares with. Exempt leases do not expire.
//
// It looks only at the chunks of 512 leases in which one can have expired. While
// nobody falls silent it comes to each chunk about once in the time that a lease
// outlives its renewal, however often it is called.
func (t *Table[K, V]) AppendExpired(leases []Snapshot[K, V], now time.Time, additional time.Duration) []Snapshot[K, V] {
	limit := t.scale.limit(now, additional)
	t.sweep(func(c *chunk[K, V]) {
		c.overdue(limit, func(slot uint32, seen slotWord) {
			if seen&slotExempt == 0 {
				leases = append(leases, t.snapshot(place[K, V]{c, slot}, seen))
			}
		})
	})
	return leases
}

// sweep calls look for each chunk, one shard locked after the other.
func (t *Table[K, V]) sweep(look func(c *chunk[K, V])) {
	for i := range t.shards {
		t.shards[i].sweep(look)
	}
}

func (s *shard[K, V]) sweep(look func(c *chunk[K, V])) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wasteful() {
		s.compact()
	}
	v := s.view.Load()
	for _, c := range v.chunks[:v.count.Load()] {
		look(c)
	}
}

// Evict ends a lease if it is still as it was seen, and returns it. On false
// it was renewed, replaced, cancelled or evicted since: it is rescued, or has
// left already. A lease of another table is not evicted, nor the zero one.
func (t *Table[K, V]) Evict(seen Snapshot[K, V]) (Departure[K, V], bool) {
	if seen.table != t {
		return Departure[K, V]{}, false
	}
	p := seen.place()
	for {
		if departure, ok := t.endSeen(p, seen.word); ok {
			return departure, true
		}
		var ok bool
		if p, ok = seen.moved(p); !ok {
			return Departure[K, V]{}, false
		}
	}
}

// locate returns the shard of a key and its fingerprint there. The seed is the
// table's own, so that nobody can choose keys that collide.
func (t *Table[K, V]) locate(key *K) (*shard[K, V], fingerprint) {
	hash := maphash.Comparable(t.seed, *key)
	return t.shardOf(hash), newFingerprint(hash)
}

func (t *Table[K, V]) shardOf(hash uint64) *shard[K, V] { return &t.shards[hash>>(64-shardBits)] }

func (t *Table[K, V]) snapshot(p place[K, V], seen slotWord) Snapshot[K, V] {
	return Snapshot[K, V]{Handle: Handle[K, V]{table: t, chunk: p.chunk, slot: p.slot}, word: seen}
}
