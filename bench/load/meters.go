package load

import (
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// measureMeter counts renewals, at one instant: what moves a meter's window on
// is the same work once in a while.
func measureMeter(s *samples) error {
	for _, m := range peer.Meters() {
		if m.Name != s.job.Peer {
			continue
		}
		for _, procs := range s.job.Procs {
			now := time.Now()
			count, close := m.New(now, procs)
			ns, load := s.timed(procs, func(goroutine, calls int) {
				count := count[goroutine]
				for range calls {
					count(now)
				}
			})
			close()
			s.add(report.Case{Workload: "count", Metric: "ns/op", Procs: procs}, ns, load)
		}
	}
	return nil
}
