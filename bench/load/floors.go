package load

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel/bench/report"
	"github.com/leasekernel/leasekernel/lease"
)

// floor is the name of what nobody can go below.
const floor = "floor"

func measureFloors(s *samples) error {
	if s.job.wants("renew") {
		measureChase(s)
	}
	if s.job.wants("handle") {
		measureStore(s)
	}
	return nil
}

// A node is as large as what processors fetch at once.
type node struct {
	next *node
	_    [64 - unsafe.Sizeof(uintptr(0))]byte
}

// measureChase follows pointers around all nodes in a random order: what a
// look-up costs at least that has to fetch one block of memory to know the
// next.
func measureChase(s *samples) {
	nodes := make([]node, s.job.Leases)
	order := rand.New(rand.NewPCG(9, 10)).Perm(len(nodes))
	for i, at := range order {
		nodes[at].next = &nodes[order[(i+1)%len(order)]]
	}
	for _, procs := range s.job.Procs {
		ns, load := s.timed(procs, func(_, calls int) {
			at := &nodes[rand.IntN(len(nodes))]
			for range calls {
				at = at.next
			}
			sink.Store(at)
		})
		s.add(report.Case{Workload: "renew", Metric: "ns/op", Procs: procs, Variant: "uniform"}, ns, load)
	}
}

// sink keeps the compiler from leaving out a chase.
var sink atomic.Pointer[node]

// A wordHandle is as large as a handle of ours: it is part of what a server
// keeps of a connection, which it has to read anyway.
type wordHandle struct {
	word *atomic.Int64
	_    [unsafe.Sizeof(lease.Handle[string, struct{}]{}) - unsafe.Sizeof(uintptr(0))]byte
}

// measureStore stores into words in a random order: the one access to memory
// that a renewal by handle cannot avoid.
func measureStore(s *samples) {
	words := make([]atomic.Int64, s.job.Leases)
	handles := make([]wordHandle, len(words))
	for i, at := range rand.New(rand.NewPCG(5, 6)).Perm(len(words)) {
		handles[i].word = &words[at]
	}
	began := time.Now()
	var read atomic.Int64
	for _, procs := range s.job.Procs {
		ns, load := s.timed(procs, func(_, calls int) {
			at := rand.IntN(len(handles))
			var now time.Time
			for i := range calls {
				if i%renewalsPerInstant == 0 {
					now = began.Add(time.Duration(read.Add(1)) * time.Microsecond)
				}
				handles[at].word.Store(int64(now.Sub(began)))
				if at++; at == len(handles) {
					at = 0
				}
			}
		})
		s.add(report.Case{Workload: "handle", Metric: "ns/op", Procs: procs}, ns, load)
	}
}

// A turn is a number of which two processors write every other one. Nothing
// else lies in its block of memory, nor in the next.
type turn struct {
	_ [128]byte
	n atomic.Int64
	_ [128]byte
}

// measureTransfer lets two processors write by turns, for as long as a
// measurement takes: whatever both write has to travel as often as it does.
func measureTransfer(s *samples) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const writes = 10_000 // of each at a time
	var took time.Duration
	var n int
	for ; took < s.job.Time; n += 2 * writes {
		var at turn
		var running sync.WaitGroup
		start := time.Now()
		for first := range int64(2) {
			running.Go(func() {
				for mine := first; mine < 2*writes; mine += 2 {
					for at.n.Load() != mine {
						// until the other one has written
					}
					at.n.Store(mine + 1)
				}
			})
		}
		running.Wait()
		took += time.Since(start)
	}
	s.add(report.Case{Workload: "transfer", Metric: "ns", Procs: 2}, float64(took)/float64(n), 0)
}
