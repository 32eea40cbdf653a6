package main

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// inParallel runs count in as many goroutines as there are processors, each
// with its number and its share of b.N calls. The parallel loop of package
// testing will not do: its own counters can share a cache line, which then
// costs more than what is measured.
func inParallel(b *testing.B, count func(goroutine uint64, calls int)) {
	b.ReportAllocs()
	b.ResetTimer()
	share(b.N, func(goroutine, from, to int) { count(uint64(goroutine), to-from) })
}

// share divides n calls among as many goroutines as there are processors.
func share(n int, work func(goroutine, from, to int)) {
	goroutines := runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	for goroutine := range goroutines {
		running.Go(func() { work(goroutine, n*goroutine/goroutines, n*(goroutine+1)/goroutines) })
	}
	running.Wait()
}

// A stopwatch measures a part of each iteration. The benchmark's own timer
// reads the memory statistics whenever it stops, and the number of iterations
// would be chosen by what it measured, however long the rest takes.
type stopwatch struct {
	started time.Time
	laps    []float64 // in nanoseconds
}

func (w *stopwatch) start() { w.started = time.Now() }

func (w *stopwatch) stop() { w.laps = append(w.laps, float64(time.Since(w.started))) }

// median is that of the laps: what else the machine does meanwhile makes some
// of them long, but none short.
func (w *stopwatch) median() float64 { return median(w.laps) }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// reportOnly reports a metric instead of ns/op, which would include what only
// prepares an iteration.
func reportOnly(b *testing.B, value float64, unit string) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(value, unit)
}

// latencies counts how often each number of nanoseconds came, the longest
// ones together: so that a sample costs the same whatever their number.
type latencies struct {
	counts [1 << 20]uint32
	n      int
}

func (l *latencies) add(latency time.Duration) {
	l.counts[min(max(latency, 0), time.Duration(len(l.counts)-1))]++
	l.n++
}

// quantile returns the latency that q of all do not exceed.
func (l *latencies) quantile(q float64) float64 {
	rest := int(q * float64(l.n))
	for latency, count := range l.counts {
		if rest -= int(count); rest < 0 {
			return float64(latency)
		}
	}
	return float64(len(l.counts))
}
