//go:build interleave

package ratemeter

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// interleaver is a variable of the package, which only builds for tests have:
// who decides which goroutine goes on must be reached from every word, whatever
// meter it belongs to.
var interleaver func(operation string, word unsafe.Pointer)

// SetInterleaver sets what is called before each operation on what goroutines
// share: "load", "store", "swap", "add", "cas", "lock" or "unlock", and the
// address of the word. "failed" follows a "cas" that changed nothing. Set it
// before there are goroutines that share a word. Only builds with the tag
// interleave have it.
func SetInterleaver(step func(operation string, word unsafe.Pointer)) { interleaver = step }

func step(operation string, word unsafe.Pointer) {
	if interleaver != nil {
		interleaver(operation, word)
	}
}

// A number is an atomic variable whose operations are steps.
type number[V any, A any, P interface {
	*A
	Load() V
	Store(V)
	Swap(V) V
	CompareAndSwap(old, new V) bool
	Add(V) V
}] struct{ value A }

func (n *number[V, A, P]) Load() V {
	step("load", unsafe.Pointer(n))
	return P(&n.value).Load()
}

func (n *number[V, A, P]) Store(v V) {
	step("store", unsafe.Pointer(n))
	P(&n.value).Store(v)
}

func (n *number[V, A, P]) Swap(v V) V {
	step("swap", unsafe.Pointer(n))
	return P(&n.value).Swap(v)
}

func (n *number[V, A, P]) CompareAndSwap(old, new V) bool {
	step("cas", unsafe.Pointer(n))
	if P(&n.value).CompareAndSwap(old, new) {
		return true
	}
	step("failed", unsafe.Pointer(n))
	return false
}

func (n *number[V, A, P]) Add(v V) V {
	step("add", unsafe.Pointer(n))
	return P(&n.value).Add(v)
}

type (
	atomicInt64  = number[int64, atomic.Int64, *atomic.Int64]
	atomicUint64 = number[uint64, atomic.Uint64, *atomic.Uint64]
)

// A mutex is one whose operations are steps. The step before Lock returns when
// the mutex is free.
type mutex struct{ value sync.Mutex }

func (m *mutex) Lock() {
	step("lock", unsafe.Pointer(m))
	m.value.Lock()
}

func (m *mutex) Unlock() {
	step("unlock", unsafe.Pointer(m))
	m.value.Unlock()
}

// stripeBits gives two stripes, so that whoever reads all of them takes few
// steps.
const stripeBits = 1
