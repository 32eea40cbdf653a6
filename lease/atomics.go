//go:build !interleave

package lease

import (
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
)

// What goroutines share goes by these names, so that a build with the tag
// interleave can stop before each operation: see atomics_interleave.go. In all
// others they are what they stand for.
type (
	atomicBool           = atomic.Bool
	atomicInt64          = atomic.Int64
	atomicUint32         = atomic.Uint32
	atomicUint64         = atomic.Uint64
	atomicPointer[V any] = atomic.Pointer[V]
	mutex                = sync.Mutex
)

// giveWay lets others run who have to get on first.
func giveWay() { runtime.Gosched() }

// newSeed returns the seed of a table's hashes.
func newSeed() maphash.Seed { return maphash.MakeSeed() }

// shardBits is log2 of the number of a table's shards.
const shardBits = 6
