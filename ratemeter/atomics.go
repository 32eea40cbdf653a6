//go:build !interleave

package ratemeter

import (
	"sync"
	"sync/atomic"
)

// What goroutines share goes by these names, so that a build with the tag
// interleave can stop before each operation: see atomics_interleave.go. In all
// others they are what they stand for.
type (
	atomicInt64  = atomic.Int64
	atomicUint64 = atomic.Uint64
	mutex        = sync.Mutex
)

// stripeBits gives 64 stripes: two goroutines that count at the same moment
// share one with a probability of 1/64.
const stripeBits = 6
