package lease

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// MoveAll moves all leases, which a shard does by itself now and then.
func (t *Table[K, V]) MoveAll() {
	for i := range t.shards {
		t.shards[i].moveAll()
	}
}

// MoveBeside moves the leases of the key's shard.
func (t *Table[K, V]) MoveBeside(key K) {
	s, _ := t.locate(&key)
	s.moveAll()
}

func (s *shard[K, V]) moveAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compact()
}

var tableStart = time.UnixMilli(1_700_000_000_000)

func afterStart(seconds int64) time.Time {
	return tableStart.Add(time.Duration(seconds) * time.Second)
}

func termOf(rule Rule) Term {
	if rule.wall() {
		return Term{Duration: 90 * time.Second, Rule: rule}
	}
	return Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
}

func tableWith(t *testing.T, rule Rule, keys ...int) *Table[int, string] {
	t.Helper()
	table, err := NewTable[int, string](tableStart, TableConfig{Rule: rule})
	if err != nil {
		t.Fatal(err)
	}
	registerAll(t, table, keys...)
	return table
}

func registerAll(t *testing.T, table *Table[int, string], keys ...int) {
	t.Helper()
	for _, key := range keys {
		if _, err := table.Register(tableStart, key, fmt.Sprint("holder of ", key), termOf(table.scale.rule)); err != nil {
			t.Fatal(err)
		}
	}
}

func upTo(n int) (keys []int) {
	for key := range n {
		keys = append(keys, key)
	}
	return keys
}

// neighbours returns n keys that are in one shard, and that shard.
func neighbours(table *Table[int, string], n int) (s *shard[int, string], keys []int) {
	for key := 0; len(keys) < n; key++ {
		if at, _ := table.locate(&key); at == &table.shards[0] {
			keys = append(keys, key)
		}
	}
	return &table.shards[0], keys
}

// slotsOf returns how many slots the table has memory for, and how many of
// them were taken.
func slotsOf(table *Table[int, string]) (room, used int) {
	for i := range table.shards {
		v := table.shards[i].view.Load()
		for _, c := range v.chunks[:v.count.Load()] {
			room += len(c.words)
			used += int(c.used.Load())
		}
	}
	return room, used
}

// bounded fails if the table has memory for more than it may: twice the
// leases and a little for each shard, in chunks that are as large as all before
// them at most.
func bounded(t *testing.T, table *Table[int, string]) {
	t.Helper()
	room, used := slotsOf(table)
	mostUsed := 2*table.Len() + shardCount*(fewestSlots+1)
	mostRoom := 2*mostUsed + shardCount*fewestSlots
	if used > mostUsed || room > mostRoom {
		t.Fatalf("%d leases: got room for %d, of which %d used, want at most %d and %d", table.Len(), room, used, mostRoom, mostUsed)
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	ways := map[string]func(t *testing.T, table *Table[int, string]){
		"by cancels": func(t *testing.T, table *Table[int, string]) {
			for key := range 18_000 {
				table.Cancel(key)
			}
		},
		"by the pass after evictions": func(t *testing.T, table *Table[int, string]) {
			for key := 18_000; key < 20_000; key++ {
				table.Renew(afterStart(600), key)
			}
			for _, seen := range table.AppendExpired(nil, afterStart(600), 0) {
				table.Evict(seen)
			}
			if room, _ := slotsOf(table); room < 20_000 {
				t.Errorf("got room for %d, want it given back by the next pass and not before", room)
			}
			table.AppendExpired(nil, afterStart(600), 0)
		},
		"by registrations after evictions": func(t *testing.T, table *Table[int, string]) {
			for key := range 18_000 {
				seen, _ := table.Get(key)
				table.Evict(seen)
			}
			registerAll(t, table, upTo(2000)...)
			for key := range 2000 {
				table.Cancel(key)
			}
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			table := tableWith(t, Exact, upTo(20_000)...)
			bounded(t, table)
			way(t, table)
			if table.Len() != 2000 {
				t.Fatalf("got %d leases, want 2000", table.Len())
			}
			bounded(t, table)
			for key := 18_000; key < 20_000; key++ {
				if seen, ok := table.Get(key); !ok || seen.Holder() != fmt.Sprint("holder of ", key) {
					t.Fatalf("%d: got %v, want its lease", key, ok)
				}
			}
		})
	}
}

// Registering anew all the time takes a slot each time, and needs no memory.
func TestAMillionRegistrationsOfFewKeysNeedNoMemory(t *testing.T) {
	table := tableWith(t, Exact)
	for i := range 1_000_000 {
		if _, err := table.Register(tableStart, i%100, "", termOf(Exact)); err != nil {
			t.Fatal(err)
		}
		if i%10_000 == 0 {
			bounded(t, table)
		}
	}
	bounded(t, table)
	if table.Len() != 100 {
		t.Errorf("got %d leases, want 100", table.Len())
	}
}

// Keys come, leave and come again in one shard, which the others do not hide.
func TestOneShardGrowsAndShrinks(t *testing.T) {
	table := tableWith(t, Exact)
	s, keys := neighbours(table, 3000)
	for _, key := range keys {
		registerAll(t, table, key, key)
	}
	for _, key := range keys[10:] {
		table.Cancel(key)
	}
	bounded(t, table)
	registerAll(t, table, keys...)
	for _, key := range keys {
		if _, ok := table.Get(key); !ok {
			t.Fatalf("%d: got no lease, want one", key)
		}
	}
	if v := s.view.Load(); v.filled > v.most || v.filled != len(keys) {
		t.Errorf("got %d keys in an index for %d, want %d", v.filled, v.most, len(keys))
	}
}

// A directory that is full is replaced by a larger one. Chunks are so large
// that this does not come to pass, unless a shard believes to be empty.
func TestDirectoryGrows(t *testing.T) {
	table := tableWith(t, Exact)
	s, keys := neighbours(table, 300)
	for i, key := range keys {
		s.used.Store(0)
		registerAll(t, table, key)
		if _, ok := table.Get(keys[i/2]); !ok {
			t.Fatalf("%d: got no lease, want one", keys[i/2])
		}
	}
	if chunks := s.view.Load().count.Load(); chunks != 300/fewestSlots+1 {
		t.Errorf("got %d chunks, want all of them small", chunks)
	}
}

// The bound of a chunk while it is swept, step by step:
//
//  1. The pass raises the bound of the chunk and reads its first words.
//  2. A lease is registered in the chunk, or a renewal moves the deadline of
//     one back that has been read.
//  3. The pass reads the last words and lowers the bound to the least that it
//     found, which is later.
//  4. The next pass must look at the chunk again and find the lease, also at an
//     instant at which it is the only one that has expired.
func TestRegistrationWhileItsBlockIsSweptIsFound(t *testing.T) {
	meantime := map[string]func(t *testing.T, table *Table[int, string], keys []int){
		"a registration": func(t *testing.T, table *Table[int, string], keys []int) {
			registerAll(t, table, keys[2])
		},
		"a registration and a renewal that moves back": func(t *testing.T, table *Table[int, string], keys []int) {
			registerAll(t, table, keys[2])
			table.Renew(afterStart(-500), keys[2])
		},
		"a renewal that moves back": func(t *testing.T, table *Table[int, string], keys []int) {
			table.Renew(afterStart(-500), keys[0])
		},
	}
	for name, change := range meantime {
		t.Run(name, func(t *testing.T) {
			table := tableWith(t, Eureka)
			s, keys := neighbours(table, 3)
			registerAll(t, table, keys[:2]...)
			table.Renew(afterStart(5000), keys[0]) // to be read first, and not expired
			table.Renew(afterStart(600), keys[1])
			swept := 0
			s.view.Load().chunks[0].overdue(s.table.scale.limit(afterStart(1000), 0), func(slot uint32, _ slotWord) {
				if swept++; slot == 1 { // slot 0 has been read
					change(t, table, keys)
				}
			})
			first := len(table.AppendExpired(nil, afterStart(100), 0))
			both := len(table.AppendExpired(nil, afterStart(1000), 0))
			if swept != 1 || first != 1 || both != 2 {
				t.Errorf("got %d swept, then %d and %d expired, want 1, 1 and 2", swept, first, both)
			}
		})
	}
}

// Whoever has read the bound when a deadline becomes an earlier one does not
// know better than who lowers it.
func TestBoundOnlyFallsUntilItIsSwept(t *testing.T) {
	var b bound
	b.earliest.Store(noDeadline)
	for _, step := range []struct{ deadline, want int64 }{{7, 7}, {9, 7}, {7, 7}, {-3, -3}, {noDeadline, -3}} {
		if b.lower(step.deadline); b.earliest.Load() != step.want {
			t.Errorf("lowered to %d: got %d, want %d", step.deadline, b.earliest.Load(), step.want)
		}
	}
}

// A chunk in which nobody can have expired is not read: only a pass that reads
// it would see the word that was changed behind its back.
func TestPassSkipsChunksWithoutCandidates(t *testing.T) {
	table := tableWith(t, Exact, 0)
	table.AppendExpired(nil, afterStart(60), 0)
	seen, _ := table.Get(0)
	seen.place().word().store(newSlotWord(-1, 0))
	if found := table.AppendExpired(nil, afterStart(60), 0); len(found) != 0 {
		t.Errorf("got %d, want the chunk skipped", len(found))
	}
	if found := table.AppendExpired(nil, afterStart(91), 0); len(found) != 1 {
		t.Errorf("got %d, want the chunk read", len(found))
	}
}

// Who is beside an expired lease is looked at, too, and has not expired at the
// deadline.
func TestTheDeadlineBesideAnExpiredLease(t *testing.T) {
	table := tableWith(t, Exact)
	_, keys := neighbours(table, 2)
	registerAll(t, table, keys[0])
	if _, err := table.Register(afterStart(1), keys[1], "", termOf(Exact)); err != nil {
		t.Fatal(err)
	}
	if found := table.AppendExpired(nil, afterStart(91), 0); len(found) != 1 || found[0].Key() != keys[0] {
		t.Errorf("got %d expired, want the first alone", len(found))
	}
}

// A pass that has read a chunk knows its earliest deadline, so that those after
// it skip the chunk again.
func TestAPassThatHasReadAChunkRaisesItsBound(t *testing.T) {
	table := tableWith(t, Exact, 0)
	table.Renew(afterStart(60), 0)
	table.AppendExpired(nil, afterStart(91), 0)
	seen, _ := table.Get(0)
	seen.place().word().store(newSlotWord(-1, 0)) // behind the bound's back
	if found := table.AppendExpired(nil, afterStart(150), 0); len(found) != 0 {
		t.Errorf("got %d, want the chunk skipped", len(found))
	}
	if found := table.AppendExpired(nil, afterStart(151), 0); len(found) != 1 {
		t.Errorf("got %d, want the chunk read", len(found))
	}
}

// The grant of a registration that failed does not make a chunk keep one for
// each lease.
func TestAGrantThatWasNeverPublishedIsForgotten(t *testing.T) {
	c := newChunk[int, string](nil, chunkSlots, new(int))
	c.setGrant(0, &grant{length: 1})
	c.setGrant(0, &grant{length: 2})
	c.setGrant(1, &grant{length: 2})
	if c.grants != nil || c.grantOf(1).length != 2 {
		t.Errorf("got %d grants, want one for all", len(c.grants))
	}
}

// The first key says how long the keys of a chunk are: narrow cells, or wide
// ones if that makes the difference.
func TestCellsAreAsWideAsTheFirstKeyNeeds(t *testing.T) {
	for length, want := range map[int]int{1: 32, 31: 32, 32: 64, 63: 64, 64: 32, 1000: 32} {
		first := strings.Repeat("k", length)
		k := newKeys(fewestSlots, &first)
		if got := len(k.cell(1)); got != want || len(k.narrow)+len(k.wide) != fewestSlots {
			t.Errorf("first key of %d bytes: got %d cells of %d bytes, want %d of %d", length, len(k.narrow)+len(k.wide), got, fewestSlots, want)
		}
		k.set(1, first)
		if apart := length >= 64; k.get(1) != first || apart != (len(k.plain) == fewestSlots) || !apart && k.plain != nil {
			t.Errorf("first key of %d bytes: got room for %d apart, and %q", length, len(k.plain), k.get(1))
		}
	}
}

// Touch reads the key: the first byte of a string, and else all of it.
func TestTouchReadsTheKey(t *testing.T) {
	first := "a"
	texts, numbers := newKeys(fewestSlots, &first), newKeys(fewestSlots, new(int))
	texts.set(0, "\x00")
	texts.set(1, "a")
	numbers.set(1, 7)
	for slot, zero := range []bool{true, false, true} {
		if text, number := texts.touch(uint32(slot)), numbers.touch(uint32(slot)); text != zero || number != zero {
			t.Errorf("slot %d: got %v of the string and %v of the number, want %v", slot, text, number, zero)
		}
	}
}

// A batch has read what the renewals need: the index, and of those that seem to
// be there the word and the key.
func TestABatchReadsAhead(t *testing.T) {
	for _, row := range []struct {
		key          int
		there, zeros bool
	}{{0, true, true}, {1, true, false}, {1, false, true}} {
		table := tableWith(t, Exact)
		var p place[int, string]
		if row.there {
			registerAll(t, table, row.key)
			seen, _ := table.Get(row.key)
			p = seen.place()
		}
		var b batch[int, string]
		b.look(table, []int{row.key})
		if b.likely[0] != p || b.loaded[0] != row.zeros {
			t.Errorf("key %d, there %v: got slot %d and %v, want slot %d and %v", row.key, row.there, b.likely[0].slot, b.loaded[0], p.slot, row.zeros)
		}
	}
}

// An index has room for three quarters more leases than there are, and is then
// full at seven eighths.
func TestRoomOfAnIndex(t *testing.T) {
	for leases, want := range map[int][2]int{0: {1, 7}, 1: {1, 7}, 8: {2, 14}, 1000: {219, 1533}} {
		v := newView[int, string](leases)
		if got := [2]int{len(v.groups), v.most}; got != want {
			t.Errorf("%d leases: got groups and most %d, want %d", leases, got, want)
		}
	}
}

// A directory is replaced when its last chunk is full, and not before: no
// registration but that one begins a new view.
func TestAFullDirectoryIsReplacedAndNoOther(t *testing.T) {
	table := tableWith(t, Exact, 1)
	seen, _ := table.Get(1)
	s := seen.chunk.home
	old := s.view.Load()
	old.chunks = old.chunks[:1]
	for range fewestSlots - 1 {
		registerAll(t, table, 1)
	}
	if s.view.Load() != old {
		t.Error("got a new view, want none while the only chunk had room")
	}
	registerAll(t, table, 1)
	if v := s.view.Load(); v == old || v.count.Load() != 2 || v.chunks[0] != old.chunks[0] {
		t.Errorf("got %d chunks, want the one that is full, and another one", v.count.Load())
	}
}

// Of so many leases each shard has some: one has none once in 10^66 times.
func TestShardsShareTheLeases(t *testing.T) {
	table := tableWith(t, Exact, upTo(10_000)...)
	for i := range table.shards {
		if table.shards[i].live.Load() == 0 {
			t.Errorf("got no lease in shard %d", i)
		}
	}
}

// Slots are wasted when more than half of them are, and more than a small
// shard's.
func TestWasteful(t *testing.T) {
	s := new(shard[int, string])
	s.live.Store(10)
	for used, want := range map[int64]bool{10: false, 2*10 + fewestSlots: false, 2*10 + fewestSlots + 1: true} {
		if s.used.Store(used); s.wasteful() != want {
			t.Errorf("10 leases in %d slots: got %v, want %v", used, s.wasteful(), want)
		}
	}
}

// A new view is for one lease more than there are: the one that it is made
// for. The old one forgets what came after it.
func TestANewViewHasRoomForOneMore(t *testing.T) {
	for name, renew := range map[string]func(s *shard[int, string]){
		"reindex": (*shard[int, string]).reindex,
		"compact": (*shard[int, string]).compact,
	} {
		table := tableWith(t, Exact)
		s, keys := neighbours(table, 4)
		registerAll(t, table, keys...)
		old := s.view.Load()
		renew(s)
		if got, want := len(s.view.Load().groups), len(newView[int, string](5).groups); got != want || want == len(newView[int, string](4).groups) {
			t.Errorf("%s of 4 leases: got %d groups, want %d, as for 5", name, got, want)
		}
		if s.view.Load() == old || old.next.Load() != nil {
			t.Errorf("%s: got the old view, or one that it still knows", name)
		}
	}
}

// A view knows the successor of one slot at a time, and of all once they move.
func TestSuccessors(t *testing.T) {
	v, next := newView[int, string](0), newView[int, string](0)
	v.chunks[0], next.chunks[0] = new(chunk[int, string]), new(chunk[int, string])
	knows := func(number uint32, seen slotWord, of *view[int, string], slot uint32) {
		t.Helper()
		want := place[int, string]{}
		if of != nil {
			want = of.place(slot)
		}
		if p, ok := v.successor(number, seen); ok != (of != nil) || p != want {
			t.Errorf("successor of %d: got slot %d and %v, want slot %d and %v", number, p.slot, ok, slot, of != nil)
		}
	}
	knows(0, replacedWord, nil, 0)
	v.replacing.Store(3<<32 | (4 + 1))
	knows(3, replacedWord, v, 4)
	knows(0, replacedWord, nil, 0)
	knows(5, replacedWord, nil, 0)
	v.replacing.Store(3<<32 | (0 + 1))
	knows(3, replacedWord, v, 0)
	knows(3, movedWord, nil, 0)
	v.forwards = []uint32{7, 6}
	v.next.Store(next)
	knows(1, movedWord, next, 6)
	knows(3, replacedWord, v, 0)
}

// halfway is a table with a lease that is just being replaced or moved, by
// hand: the old word is gone and the index still leads there.
type halfway struct {
	table  *Table[int, string]
	shard  *shard[int, string]
	before Snapshot[int, string] // with a handle of the old place
	new    place[int, string]
	entry  func() // stores the index entry, or the view
}

const halfwayKey = 5

// halfReplaced stops a registration after the swap of the old word.
//
//  1. The new lease is written, the shard names it as the successor.
//  2. The old word is replaced.
//  3. The index entry is changed: not yet.
func halfReplaced(t *testing.T) halfway {
	table := tableWith(t, Exact, halfwayKey, halfwayKey) // whose slot is not number 0
	key := halfwayKey
	s, f := table.locate(&key)
	v := s.view.Load()
	entry, oldNumber, old, _ := v.lookup(f, &key)
	number, p := s.take(v, &key)
	p.chunk.keys.set(p.slot, key)
	p.record().sequence, p.record().holder = 99, "successor"
	p.chunk.setGrant(p.slot, old.grant())
	p.word().store(old.word().load())
	v.replacing.Store(uint64(oldNumber)<<32 | uint64(number+1))
	before := table.snapshot(old, old.word().load())
	old.word().store(replacedWord)
	return halfway{table: table, shard: s, before: before, new: p, entry: func() { entry.Store(number) }}
}

// halfMoved stops a move after the swap of the old word.
//
//  1. The new place is written, and the old view knows it.
//  2. The old word says that the lease moved.
//  3. The shard gets its new view: not yet.
func halfMoved(t *testing.T) halfway {
	table := tableWith(t, Exact, halfwayKey)
	key := halfwayKey
	s, f := table.locate(&key)
	old := s.view.Load()
	_, from, source, _ := old.lookup(f, &key)
	before := table.snapshot(source, source.word().load())
	v := newView[int, string](1)
	old.forwards = make([]uint32, chunkSlots)
	old.next.Store(v)
	number, _ := s.move(old, from, source, v)
	v.insert(f, number)
	return halfway{table: table, shard: s, before: before, new: v.place(number), entry: func() { s.view.Store(v); old.next.Store(nil) }}
}

// There is no moment at which a key that has a lease cannot be found.
func TestLeasesAreFoundWhileTheyAreReplacedOrMoved(t *testing.T) {
	for name, stop := range map[string]func(*testing.T) halfway{"replaced": halfReplaced, "moved": halfMoved} {
		t.Run(name, func(t *testing.T) {
			h := stop(t)
			if seen, ok := h.table.Get(halfwayKey); !ok || seen.place() != h.new {
				t.Errorf("Get: got %v, want the new place", ok)
			}
			if !h.table.Renew(afterStart(10), halfwayKey) || h.new.word().load().deadline() != int64(100*time.Second) {
				t.Errorf("Renew: got deadline %d, want the new place renewed", h.new.word().load().deadline())
			}
			if count, _ := h.table.RenewAll(afterStart(20), []int{halfwayKey}, nil); count != 1 {
				t.Errorf("RenewAll: got %d, want 1", count)
			}
			if same := h.before.Renew(afterStart(30)); same != (name == "moved") {
				t.Errorf("Renew by the old handle: got %v, want it only if it is the same lease", same)
			}
			departure, ok := h.table.Cancel(halfwayKey)
			if !ok || departure.Lease.place() != h.new {
				t.Errorf("Cancel: got %v, want the new place", ok)
			}
			for _, step := range []func(){func() {}, h.entry} {
				step()
				if _, ok := h.table.Get(halfwayKey); ok {
					t.Error("Get after Cancel: got a lease, want none")
				}
			}
		})
	}
}

// Who comes when the successor is no longer named looks again, until the
// index or the view has changed. On one processor the other goroutine runs
// only when the one that looks is made to stop.
func TestLookUpsBeginAgainUntilTheIndexIsChanged(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("on one thread nobody interrupts a goroutine that spins")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Run("replaced, no longer named", func(t *testing.T) {
		h := halfReplaced(t)
		h.shard.view.Load().replacing.Store(0)
		findsAfter(t, h, h.entry)
	})
	t.Run("replaced, another is named", func(t *testing.T) {
		h := halfReplaced(t)
		h.shard.view.Load().replacing.Store(7<<32 | 1)
		findsAfter(t, h, h.entry)
	})
	t.Run("replaced, and so is the successor", func(t *testing.T) {
		h := halfReplaced(t)
		seen := h.new.word().load()
		h.new.word().store(replacedWord)
		findsAfter(t, h, func() { h.new.word().store(seen) })
	})
	t.Run("moved, seen from an older view", func(t *testing.T) {
		h := halfMoved(t)
		v := h.shard.view.Load()
		v.next.Store(nil)
		findsAfter(t, h, h.entry)
	})
}

func findsAfter(t *testing.T, h halfway, step func()) {
	t.Helper()
	go step()
	if seen, ok := h.table.Get(halfwayKey); !ok || seen.place() != h.new {
		t.Errorf("Get: got %v, want the new place", ok)
	}
}

// What happens only when two goroutines meet, asked for one by one.
func TestWordsThatChangeInBetween(t *testing.T) {
	table := tableWith(t, Exact, 1)
	seen, _ := table.Get(1)
	p := seen.place()
	if table.end(p); p.word().load() != endedWord {
		t.Fatal("got a lease that lives, want one that ended")
	}
	if _, ok := table.end(p); ok {
		t.Error("end of a lease that ended: got true, want false")
	}
	if got, _ := p.renew(int64(time.Hour)); got != endedWord {
		t.Errorf("renew of a lease that ended: got %x, want its word", got)
	}
	registerAll(t, table, 2)
	batch := new(batch[int, string])
	batch.look(table, []int{2})
	registerAll(t, table, 2)
	if key := 2; !batch.renew(table, 0, &key, int64(time.Hour)) {
		t.Error("renewal of a batch whose lease was replaced since: got false, want the new lease renewed")
	}
	batch.look(table, []int{2})
	table.Cancel(2)
	registerAll(t, table, 2)
	if key := 2; !batch.renew(table, 0, &key, int64(time.Hour)) {
		t.Error("renewal of a batch whose lease left since: got false, want the new lease renewed")
	}
}

// A renewal returns the word that it found, and does not look at its own.
func TestARenewalReturnsTheWordThatItFound(t *testing.T) {
	table := tableWith(t, Exact, 1)
	granted, _ := table.Get(1)
	p := granted.place()
	for _, at := range []int64{0, 10, 10, 5, 20} {
		before := p.word().load()
		if seen, healed := p.renew(at); seen != before || healed {
			t.Errorf("at %d: got %x and healed %v, want %x", at, seen, healed, before)
		}
	}
}

// Two renewals at once, and the one that compares last is the earlier one.
func TestARenewalThatIsOvertakenLooksAgain(t *testing.T) {
	tests := []struct {
		rule Rule
		want int64
	}{{Exact, int64(3690 * time.Second)}, {Eureka, tableStart.Add(190 * time.Second).UnixMilli()}}
	for _, tt := range tests {
		table := tableWith(t, tt.rule, 1)
		granted, _ := table.Get(1)
		p := granted.place()
		table.Renew(afterStart(3600), 1) // has come between
		at, _ := table.scale.offset(afterStart(10))
		if seen, _ := p.renewAgain(at, p.grant()); seen.left() {
			t.Errorf("%v: got %x, want a word that lives", tt.rule, seen)
		}
		if got := p.word().load().deadline(); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.rule, got, tt.want)
		}
	}
}

// A lease leaves while it moves:
//
//  1. The move has read the word, which lives, and written it to the new place.
//  2. Cancel ends the lease.
//  3. The move fails to replace the word, and gives the new place to another
//     lease.
func TestMovesBringNobodyBack(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("on one thread nobody interrupts a goroutine that spins")
	}
	table := tableWith(t, Exact)
	s, keys := neighbours(table, 200)
	for range 100 {
		registerAll(t, table, keys...)
		var cancelled atomic.Bool
		var mover sync.WaitGroup
		moving := make(chan bool)
		mover.Go(func() {
			for close(moving); !cancelled.Load(); {
				s.moveAll()
			}
		})
		<-moving
		for _, key := range keys {
			_, first := table.Cancel(key)
			_, again := table.Cancel(key)
			_, ok := table.Get(key)
			if !first || again || ok {
				t.Fatalf("got %v from the first Cancel, %v from the second and %v from Get, want only the first", first, again, ok)
			}
		}
		cancelled.Store(true)
		mover.Wait()
		s.moveAll()
		if _, used := slotsOf(table); used != 0 || table.Len() != 0 || s.view.Load().filled != 0 {
			t.Fatalf("got %d leases in %d slots after all have left", table.Len(), used)
		}
	}
}

func TestSlotsCanBeLeft(t *testing.T) {
	table := tableWith(t, Exact)
	s, keys := neighbours(table, 3)
	registerAll(t, table, keys...)
	for number := range s.view.Load().slots() {
		if number == 1 {
			break
		}
		if number > 1 {
			t.Fatalf("got slot %d after the loop was left", number)
		}
	}
}

// Slots that were taken for a registration that failed are taken again, and
// nothing of what was written there is seen.
func TestSlotsOfRefusedRegistrationsAreTakenAgain(t *testing.T) {
	table, err := NewTable[string, int](tableStart, TableConfig{MaxLeases: 1})
	if err != nil {
		t.Fatal(err)
	}
	const long = "a key that is too long for a cell of half a line, and for one of a whole line, too"
	register := func(key string, term Term) error {
		_, err := table.Register(tableStart, key, 0, term)
		return err
	}
	if err := register("key", termOf(Exact)); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if register(long, Term{Duration: 9, Interval: 1}) == nil {
			t.Fatal("got a registration, want ErrFull")
		}
	}
	used := int64(0)
	for i := range table.shards {
		used += table.shards[i].used.Load()
	}
	if used != 1 {
		t.Errorf("got %d slots used, want 1", used)
	}
	table.Cancel("key")
	if err := register(long, termOf(Exact)); err != nil {
		t.Fatal(err)
	}
	if seen, ok := table.Get(long); !ok || seen.Term() != termOf(Exact) || seen.Key() != long {
		t.Errorf("got %v, want the lease as it was registered at last", ok)
	}
}

// Keys whose hash is the same crowd in one group, which is here the last one,
// and then in the next, which is the first one.
func TestCrowdedGroupsOverflowIntoTheNext(t *testing.T) {
	v := newView[int, string](20)
	v.chunks[0] = newChunk[int, string](nil, chunkSlots, new(int))
	f := fingerprint{tags: 0xFF * everyByte, home: 1<<32 - 1}
	for key := range 2*groupSlots - 1 {
		if _, _, _, ok := v.lookup(f, &key); ok {
			t.Errorf("%d: got it before it was inserted", key)
		}
		v.chunks[0].keys.set(uint32(key), key)
		v.insert(f, uint32(key))
	}
	if first, last := v.groups[0].tags.Load(), v.groups[len(v.groups)-1].tags.Load(); first != 1<<56-1 || last != 1<<64-1 {
		t.Errorf("got tags %x in the first group and %x in the last, want 7 and 8 of them", first, last)
	}
	for key := range 2*groupSlots - 1 {
		if _, number, p, ok := v.lookup(f, &key); !ok || number != uint32(key) || p.key() != key {
			t.Errorf("%d: got number %d and %v, want it", key, number, ok)
		}
	}
	absent := 99
	if _, _, _, ok := v.lookup(fingerprint{tags: everyByte}, &absent); ok {
		t.Error("got a key that was never inserted")
	}
}

// Each key of a group has a tag of its own, mostly: then the first that matches
// is the key's.
func TestFirstMatchOfAGroup(t *testing.T) {
	v := newView[int, string](0)
	v.chunks[0] = new(chunk[int, string])
	tagged := func(n uint64) fingerprint { return fingerprint{tags: n * everyByte} }
	for n := range uint32(groupSlots - 1) {
		v.insert(tagged(uint64(n+1)), n)
	}
	for n := range uint32(groupSlots - 1) {
		if p, ok := v.first(tagged(uint64(n + 1))); !ok || p != v.place(n) {
			t.Errorf("tag %d: got slot %d and %v, want slot %d", n+1, p.slot, ok, n)
		}
	}
	if p, ok := v.first(tagged(groupSlots)); ok {
		t.Errorf("a tag that is not there: got slot %d", p.slot)
	}
}

// The bits that make the tag, or choose the shard, do not choose the group, too:
// or keys of one group would have the same tag.
func TestGroupsAreChosenByBitsOfTheirOwn(t *testing.T) {
	for bit := range 64 {
		own := bit >= 8 && bit < 64-shardBits
		if home := newFingerprint(1 << bit).home; home != 0 && !own {
			t.Errorf("bit %d of the hash: got home %x, want 0", bit, home)
		}
	}
	if home := newFingerprint(math.MaxUint64).home; home != math.MaxUint32 {
		t.Errorf("all bits of the hash: got home %x, want all bits", home)
	}
}

// A tag is never 0, which is an empty place's, and a byte that is zero is told
// from one that only looks like it beside another.
func TestTags(t *testing.T) {
	for hash := range uint64(1 << 10) {
		if tags := newFingerprint(hash).tags; zeroBytes(tags) != 0 {
			t.Fatalf("hash %x: got tags %x, want none that is 0", hash, tags)
		}
	}
	for x, want := range map[uint64]uint64{
		0:                         0x80 * everyByte,
		0x01_00_01_00_80_00_FF_7F: 0x00_80_00_80_00_80_00_00,
		0x00_01_01_01_01_01_01_01: 0x80_00_00_00_00_00_00_00,
		0x01_01_01_01_01_01_01_00: 0x80,
	} {
		if got := zeroBytes(x); got != want {
			t.Errorf("%x: got %x, want %x", x, got, want)
		}
	}
}
