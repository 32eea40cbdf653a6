package load

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// measureRegister registers all leases. The keys are made a few at a time, so
// that afterwards nothing but the registry is on the heap.
func measureRegister(r *registry) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var took time.Duration
	keys := make([]peer.Key, 0, 4096)
	for from := 0; from < r.job.Leases; from += len(keys) {
		keys = keys[:0]
		for i := from; i < min(from+cap(keys), r.job.Leases); i++ {
			keys = append(keys, keyOf(i))
		}
		now, start := r.now(), time.Now()
		for _, key := range keys {
			r.Register(now, key, r.term)
		}
		took += time.Since(start)
	}
	if n := r.Len(); n != r.job.Leases {
		return fmt.Errorf("of %d leases that were registered there are %d", r.job.Leases, n)
	}
	if r.job.wants("register") {
		r.add(report.Case{Workload: "register", Metric: "ns/op", Procs: 1}, float64(took)/float64(r.job.Leases), 0)
	}
	return nil
}

// measureMemory is called when nothing but the registry is on the heap.
func measureMemory(r *registry) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r.add(report.Case{Workload: "memory", Metric: "B/lease", Procs: 1}, (heap()-r.emptyHeap)/float64(r.job.Leases), 0)
	const collections = 5
	before := readCollector()
	for range collections {
		runtime.GC()
	}
	after := readCollector()
	millions := float64(r.job.Leases) / 1e6
	r.add(report.Case{Workload: "memory", Metric: "gc-ms/million", Procs: 1},
		(after.seconds-before.seconds)*1e3/collections/millions, 0)
	r.add(report.Case{Workload: "memory", Metric: "gc-pause-us", Procs: 1}, after.longestSince(before)*1e6, 0)
	return nil
}

// heap returns how many bytes of the heap are in use.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and cleanups of the first one let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// collector is what the runtime says of its garbage collections.
type collector struct {
	seconds float64 // of processors
	pauses  *metrics.Float64Histogram
}

func readCollector() collector {
	read := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(read)
	return collector{read[0].Value.Float64(), read[1].Value.Float64Histogram()}
}

// longestSince returns the longest pause since before, in seconds: the upper
// end of the histogram's bucket in which it is.
func (c collector) longestSince(before collector) float64 {
	for i := len(c.pauses.Counts) - 1; i >= 0; i-- {
		if c.pauses.Counts[i] > before.pauses.Counts[i] {
			return c.pauses.Buckets[i+1]
		}
	}
	return 0
}
