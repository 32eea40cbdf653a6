package load

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

func measureRenew(r *registry) error {
	popular := zipf(r.job.Leases)
	for _, procs := range r.job.Procs {
		ns, load := r.timed(procs, r.renewing(r.beats, false))
		r.add(report.Case{Workload: "renew", Metric: "ns/op", Procs: procs, Variant: "uniform"}, ns, load)
		ns, load = r.timed(procs, r.renewing(popular, false))
		r.add(report.Case{Workload: "renew", Metric: "ns/op", Procs: procs, Variant: "zipf"}, ns, load)
		r.setNow(time.Now())
		ns, load = r.timed(procs, r.renewing(r.beats, true))
		r.add(report.Case{Workload: "renew", Metric: "ns/op", Procs: procs, Variant: "uniform", Clock: true}, ns, load)
		r.setNow(time.Now())
	}
	ns, _ := r.timed(1, r.renewing(r.beats, false))
	counted, err := count(int(float64(r.job.Time)/ns)+1, r.renewing(r.beats, false))
	if err != nil {
		return nil // this machine has no counters, or does not let us read them
	}
	for metric, each := range counted {
		r.add(report.Case{Workload: "renew", Metric: metric, Procs: 1, Variant: "uniform"}, each, 0)
	}
	return nil
}

func measureHandle(r *registry) error {
	holder, ok := r.Registry.(peer.Holder)
	if !ok {
		return nil
	}
	renew := holder.Hold(r.beats)
	for _, procs := range r.job.Procs {
		ns, load := r.timed(procs, r.doing(renew))
		r.add(report.Case{Workload: "handle", Metric: "ns/op", Procs: procs}, ns, load)
	}
	return nil
}

func measureMixed(r *registry) error {
	const oneIn = 100
	mixed := func(now time.Time, at int) bool {
		if at%oneIn == 0 {
			r.Register(now, r.beats[at], r.term)
			return true
		}
		return r.Renew(now, r.beats[at])
	}
	for _, procs := range r.job.Procs {
		ns, load := r.timed(procs, r.doing(mixed))
		r.add(report.Case{Workload: "mixed", Metric: "ns/op", Procs: procs}, ns, load)
	}
	return nil
}

// measureChurn takes keys that have no lease otherwise.
func measureChurn(r *registry) error {
	const each = 1 << 12 // keys of a goroutine
	for _, procs := range r.job.Procs {
		keys := r.strangers(procs * each)
		ns, load := r.timed(procs, func(goroutine, calls int) {
			mine := keys[goroutine*each:][:each]
			for i := range calls {
				key := mine[i%each]
				r.Register(r.now(), key, r.term)
				if !r.Cancel(key) {
					r.missed.Add(1)
				}
			}
		})
		r.add(report.Case{Workload: "churn", Metric: "ns/pair", Procs: procs}, ns, load)
	}
	if n := r.Len(); n != r.job.Leases {
		return fmt.Errorf("%d leases are left of %d", n, r.job.Leases)
	}
	return nil
}

// strangers are n keys that have no lease.
func (r *registry) strangers(n int) []peer.Key {
	keys := make([]peer.Key, n)
	for i := range keys {
		keys[i] = keyOf(r.job.Leases + i)
	}
	return keys
}
