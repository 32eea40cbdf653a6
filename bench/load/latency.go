package load

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// measureLatency takes two processors: with one, the renewals and the passes
// would take turns, and the scheduler would be measured.
func measureLatency(r *registry) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	r.renewAll()
	r.addLatencies("quiet", nil)
	passer, passes := r.Registry.(peer.Passer)
	if passes {
		still := r.now()
		r.addLatencies("passing", func() { passer.Pass(still) })
	}
	strangers := r.strangers(len(r.beats) / 100)
	r.addLatencies("ending", func() {
		start := time.Now()
		if passes {
			passer.Pass(r.now())
		}
		now, term := r.soonOver()
		for _, key := range strangers {
			r.Register(now, key, term)
		}
		time.Sleep(100*time.Millisecond - time.Since(start))
	})
	for _, key := range strangers {
		r.Cancel(key)
	}
	if passes { // some do not cancel what has expired
		time.Sleep(2 * soon)
		passer.Pass(r.now())
	}
	return nil
}

// soonOver returns the instant and the term of a registration that will have
// expired within a tenth of a second.
func (r *registry) soonOver() (now time.Time, term time.Duration) {
	if r.peer.Given {
		return r.now().Add(-2 * r.term), r.term
	}
	return r.now(), soon
}

// soon is the term of leases that expire at once by a peer's own clock, whose
// step may be a millisecond.
const soon = 2 * time.Millisecond

// addLatencies renews while another goroutine does something again and again,
// and notes how long the renewals took.
func (r *registry) addLatencies(variant string, beside func()) {
	var stop atomic.Bool
	var running sync.WaitGroup
	if beside != nil {
		running.Go(func() {
			for !stop.Load() {
				beside()
			}
		})
	}
	seen := new(latencies)
	at := rand.IntN(len(r.beats))
	for until := time.Now().Add(4 * r.job.Time); ; {
		now := r.now()
		start := time.Now()
		ok := r.Renew(now, r.beats[at])
		seen.add(time.Since(start))
		if !ok {
			r.missed.Add(1)
		}
		if at++; at == len(r.beats) {
			at = 0
		}
		if start.After(until) {
			break
		}
	}
	stop.Store(true)
	running.Wait()
	for metric, value := range map[string]time.Duration{
		"p50-ns": seen.quantile(0.5), "p99-ns": seen.quantile(0.99), "p99.9-ns": seen.quantile(0.999), "max-ns": seen.longest,
	} {
		r.add(report.Case{Workload: "latency", Metric: metric, Procs: 2, Variant: variant}, float64(value), 0)
	}
}

// latencies counts how often each number of nanoseconds came, the longest
// ones together: so that a sample costs the same whatever their number.
type latencies struct {
	counts  [1 << 20]uint32
	n       int
	longest time.Duration
}

func (l *latencies) add(latency time.Duration) {
	latency = max(latency, 0)
	l.counts[min(latency, time.Duration(len(l.counts)-1))]++
	l.longest = max(l.longest, latency)
	l.n++
}

// quantile returns the latency that q of all do not exceed.
func (l *latencies) quantile(q float64) time.Duration {
	rest := int(q * float64(l.n))
	for latency, count := range l.counts[:len(l.counts)-1] {
		if rest -= int(count); rest < 0 {
			return time.Duration(latency)
		}
	}
	return l.longest
}
