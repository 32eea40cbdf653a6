//go:build interleave

package leasekernel

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// interleaver is a variable of the package, which only builds for tests have:
// who decides which goroutine goes on must be reached from every word, whatever
// kernel it belongs to.
var interleaver func(operation string, word unsafe.Pointer)

// SetInterleaver sets what is called before each operation on what goroutines
// share: "load", "store", "lock" or "unlock", and the address of the word. The
// kernel's table and meter have their own, in their packages. Set it before there
// are goroutines that share a word. Only builds with the tag interleave have it.
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
}] struct{ value A }

func (c *cell[V, A, P]) Load() V {
	step("load", unsafe.Pointer(c))
	return P(&c.value).Load()
}

func (c *cell[V, A, P]) Store(v V) {
	step("store", unsafe.Pointer(c))
	P(&c.value).Store(v)
}

type (
	atomicBool           = cell[bool, atomic.Bool, *atomic.Bool]
	atomicPointer[V any] = cell[*V, atomic.Pointer[V], *atomic.Pointer[V]]
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
