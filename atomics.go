//go:build !interleave

package leasekernel

import (
	"sync"
	"sync/atomic"
)

// What goroutines share goes by these names, so that a build with the tag
// interleave can stop before each operation: see atomics_interleave.go. In all
// others they are what they stand for.
type (
	atomicBool           = atomic.Bool
	atomicPointer[V any] = atomic.Pointer[V]
	mutex                = sync.Mutex
)
