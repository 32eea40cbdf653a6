package load

import (
	"runtime"
	"sync"
	"time"
)

// timed does work until it takes about as long as the job wants, on as many
// goroutines and processors as procs says, and returns what a call costs then:
// wall time divided by the calls of all goroutines. What it did before to find
// the number of calls has warmed the caches.
//
// load is how many processors the process used on average.
func (s *samples) timed(procs int, work func(goroutine, calls int)) (ns, load float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	calls := procs * 64
	took := share(procs, calls, work)
	for took < s.job.Time/8 {
		more := min(max(int64(s.job.Time/4)/max(int64(took), 1), 2), 64)
		calls *= int(more)
		took = share(procs, calls, work)
	}
	calls = max(int(float64(calls)*float64(s.job.Time)/float64(took)), procs)
	used := processorTime()
	took = share(procs, calls, work)
	used = processorTime() - used
	return float64(took) / float64(calls), float64(used) / float64(took)
}

// share divides the calls among goroutines and returns how long they take.
func share(goroutines, calls int, work func(goroutine, calls int)) time.Duration {
	var running sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		running.Go(func() { work(g, calls*(g+1)/goroutines-calls*g/goroutines) })
	}
	running.Wait()
	return time.Since(start)
}
