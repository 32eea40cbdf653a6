package load

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// Of a virtual minute at least so many passes are measured, however long they
// take, and no more once they have taken patience.
const (
	fewestPasses = 5
	patience     = 2 * time.Second
)

// measureAlive has a first minute that is not measured: until its end the
// leases' deadlines are still those of their registrations.
func measureAlive(r *registry) error {
	passer, ok := r.Registry.(peer.Passer)
	if !ok {
		return nil
	}
	r.renewAll() // at one instant, wherever the deadlines were
	var passes []time.Duration
	var sum time.Duration
	for second := range 120 {
		measured := second >= 60
		if measured && len(passes) >= fewestPasses && sum > patience {
			break
		}
		now := r.base.Add(time.Second)
		r.setNow(now)
		part := second % 30
		for _, key := range r.beats[len(r.beats)*part/30 : len(r.beats)*(part+1)/30] {
			if !r.Renew(now, key) {
				r.missed.Add(1)
			}
		}
		if !measured && !r.peer.Given {
			continue // it has no deadlines that must settle
		}
		start := time.Now()
		ended := passer.Pass(now)
		took := time.Since(start)
		if ended != 0 {
			return fmt.Errorf("a pass ended %d leases, and all were alive", ended)
		}
		if measured {
			passes = append(passes, took)
			sum += took
		}
	}
	r.add(report.Case{Workload: "alive", Metric: "ms/pass", Procs: 1}, milliseconds(sum)/float64(len(passes)), 0)
	return nil
}

// renewAll renews all leases now.
func (r *registry) renewAll() {
	now := r.now()
	r.setNow(now)
	for _, key := range r.beats {
		if !r.Renew(now, key) {
			r.missed.Add(1)
		}
	}
}

// measureExpired leaves no lease.
func measureExpired(r *registry) error {
	switch registry := r.Registry.(type) {
	case peer.Passer:
		some := len(r.beats) / 100
		if err := r.endsAt(registry, "1%", some); err != nil {
			return err
		}
		now := r.now()
		for _, key := range r.beats[:some] {
			r.Register(now, key, r.term)
		}
		return r.endsAt(registry, "100%", len(r.beats))
	case peer.Ender:
		return measureEnding(r, registry)
	}
	return nil
}

// endsAt lets the first n beats' leases expire and measures the pass that
// ends them.
func (r *registry) endsAt(passer peer.Passer, variant string, n int) error {
	now := r.expire(n)
	used, start := processorTime(), time.Now()
	ended := passer.Pass(now)
	took := time.Since(start)
	used = processorTime() - used
	if ended != n {
		return fmt.Errorf("a pass ended %d leases, and %d had expired", ended, n)
	}
	r.add(report.Case{Workload: "expired", Metric: "ms/pass", Procs: 1, Variant: variant}, milliseconds(took), 0)
	r.addEnding(variant, used, n)
	return nil
}

// expire returns the instant of a pass for which the first n beats' leases
// have just expired, and the others have not.
func (r *registry) expire(n int) time.Time {
	if r.peer.Given {
		r.setNow(r.base.Add(r.term * 2 / 3))
		now := r.now()
		for _, key := range r.beats[n:] {
			if !r.Renew(now, key) {
				r.missed.Add(1)
			}
		}
		r.setNow(now.Add(r.term * 2 / 3))
		return r.now()
	}
	now := r.now()
	for _, key := range r.beats[:n] {
		r.Register(now, key, soon)
	}
	time.Sleep(2 * soon)
	return r.now()
}

// measureEnding lets 1 % more leases expire, by themselves.
func measureEnding(r *registry, ender peer.Ender) error {
	const limit = 5 * time.Minute
	term := time.Second + time.Duration(len(r.beats))*100 // until all are registered
	keys := r.strangers(len(r.beats) / 100)
	before := ender.Ended()
	for _, key := range keys {
		r.Register(r.now(), key, term)
	}
	used, started := processorTime(), time.Now()
	for ender.Ended()-before < len(keys) {
		if time.Since(started) > limit {
			return fmt.Errorf("after %v only %d of %d leases have ended", limit, ender.Ended()-before, len(keys))
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.addEnding("1%", processorTime()-used, len(keys))
	return nil
}

// addEnding notes the processor time that ending n leases took.
func (r *registry) addEnding(variant string, used time.Duration, n int) {
	r.add(report.Case{Workload: "expired", Metric: "cpu-ns/ended", Procs: 1, Variant: variant}, float64(used)/float64(n), 0)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
