//go:build interleave

package lease

import (
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// interleaver is a variable of the package, which only builds for tests have:
// who decides which goroutine goes on must be reached from every word, whatever
// lease or table it belongs to.
var interleaver func(operation string, word unsafe.Pointer)

// SetInterleaver sets what is called before each operation on what goroutines
// share: "load", "store", "swap", "add", "and", "cas", "lock", "trylock" or
// "unlock", and the address of the word. "failed" follows a "cas" or "trylock"
// that changed nothing, and "spin" is told, without an address, by who has read
// that somebody else has to get on first. Set it before there are goroutines
// that share a word. Only builds with the tag interleave have it.
func SetInterleaver(step func(operation string, word unsafe.Pointer)) { interleaver = step }

func step(operation string, word unsafe.Pointer) {
	if interleaver != nil {
		interleaver(operation, word)
	}
}

// A cell is an atomic variable whose operations are steps.
type cell[V any, A any, P interface {
	*A
	Load() V
	Store(V)
	Swap(V) V
	CompareAndSwap(old, new V) bool
}] struct{ value A }

func (c *cell[V, A, P]) Load() V {
	step("load", unsafe.Pointer(c))
	return P(&c.value).Load()
}

func (c *cell[V, A, P]) Store(v V) {
	step("store", unsafe.Pointer(c))
	P(&c.value).Store(v)
}

func (c *cell[V, A, P]) Swap(v V) V {
	step("swap", unsafe.Pointer(c))
	return P(&c.value).Swap(v)
}

func (c *cell[V, A, P]) CompareAndSwap(old, new V) bool {
	step("cas", unsafe.Pointer(c))
	if P(&c.value).CompareAndSwap(old, new) {
		return true
	}
	step("failed", unsafe.Pointer(c))
	return false
}

// A number is a cell that can be added to.
type number[V any, A any, P interface {
	*A
	Load() V
	Store(V)
	Swap(V) V
	CompareAndSwap(old, new V) bool
	Add(V) V
	And(V) V
}] struct{ cell[V, A, P] }

func (n *number[V, A, P]) Add(v V) V {
	step("add", unsafe.Pointer(n))
	return P(&n.value).Add(v)
}

func (n *number[V, A, P]) And(v V) V {
	step("and", unsafe.Pointer(n))
	return P(&n.value).And(v)
}

type (
	atomicBool           = cell[bool, atomic.Bool, *atomic.Bool]
	atomicInt64          = number[int64, atomic.Int64, *atomic.Int64]
	atomicUint32         = number[uint32, atomic.Uint32, *atomic.Uint32]
	atomicUint64         = number[uint64, atomic.Uint64, *atomic.Uint64]
	atomicPointer[V any] = cell[*V, atomic.Pointer[V], *atomic.Pointer[V]]
)

// A mutex is one whose operations are steps. The step before Lock returns when
// the mutex is free.
type mutex struct{ value sync.Mutex }

func (m *mutex) Lock() {
	step("lock", unsafe.Pointer(m))
	m.value.Lock()
}

func (m *mutex) TryLock() bool {
	step("trylock", unsafe.Pointer(m))
	if m.value.TryLock() {
		return true
	}
	step("failed", unsafe.Pointer(m))
	return false
}

func (m *mutex) Unlock() {
	step("unlock", unsafe.Pointer(m))
	m.value.Unlock()
}

func giveWay() {
	if step("spin", nil); interleaver == nil {
		runtime.Gosched()
	}
}

// seed is that of all tables: one by which the keys "a", "b" and "c" are in one
// shard and have fingerprints of their own, so that every run takes the same
// steps.
var seed = func() maphash.Seed {
	for {
		seed := maphash.MakeSeed()
		hash := func(key string) uint64 { return maphash.Comparable(seed, key) }
		a, b, c := hash("a"), hash("b"), hash("c")
		tags := [...]uint64{newFingerprint(a).tags, newFingerprint(b).tags, newFingerprint(c).tags}
		if tags[0] != tags[1] && tags[0] != tags[2] && tags[1] != tags[2] && (a|b|c)>>63 == 0 {
			return seed
		}
	}
}()

func newSeed() maphash.Seed { return seed }

// shardBits leaves a table two shards: shards have nothing in common but the
// table's counts, and a pass takes as many more steps as there are more.
const shardBits = 1

// Compact moves all leases of the table to new places, as a shard does that is
// mostly empty.
func (t *Table[K, V]) Compact() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		s.compact()
		s.mu.Unlock()
	}
}
