package leasekernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
)

// fleet is a registry with clients in virtual time. Each renews every interval,
// registers again when it is told to, and is silent when silent says so. The
// server's passes stand still while stalled says so; the heartbeats go on.
type fleet struct {
	clients int
	silent  func(client int, after time.Duration) bool
	stalled func(after time.Duration) bool
}

// warnings is what became of the leases of a fleet.
type warnings struct {
	evicted  int
	unwarned int // of these, without having been suspect for an interval
}

// run lets the fleet live for so long, in steps of a tenth of an interval.
func (f fleet) run(t *testing.T, config leasekernel.Config, long time.Duration) (found warnings) {
	t.Helper()
	k := newKernel(t, config)
	suspected := make(map[int]time.Time)
	interval := config.Term.Interval
	for after := time.Duration(0); after < long; after += interval / 10 {
		now := at(after)
		for client := int(after * 10 / interval % 10); client < f.clients; client += 10 {
			if !f.silent(client, after) && !k.Renew(now, client) {
				register(t, k, after, client)
			}
		}
		if next, ok := k.Next(); !ok || next.After(now) || f.stalled(after) {
			continue
		}
		for _, change := range k.Tick(now).Changes {
			since, ok := suspected[change.Key]
			switch change.Kind {
			case leasekernel.Suspected:
				suspected[change.Key] = change.At
				continue
			case leasekernel.Evicted:
				found.evicted++
				if !ok || change.At.Sub(since) < interval {
					found.unwarned++
				}
			}
			delete(suspected, change.Key)
		}
	}
	return found
}

// A checker that stalls for two minutes, clients that flap and a partition, and
// all at once: by Nacos's rules leases go from healthy to deleted with no
// warning in between. By the exact rules each one that is evicted has been
// suspect for an interval at least, so that its holder could have been heard.
func TestNoLeaseLeavesWithoutAWarning(t *testing.T) {
	const s = time.Second
	never := func(time.Duration) bool { return false }
	stall := func(after time.Duration) bool { return after >= 60*s && after < 180*s }
	dead := func(client int, after time.Duration) bool { return client%20 == 0 && after >= 50*s }
	flapping := func(client int, after time.Duration) bool {
		period := time.Duration(32+client%40) * s
		return client%10 == 3 && after/period%2 == 1
	}
	cutOff := func(client int, after time.Duration) bool { return client%8 == 0 && after >= 60*s && after < 200*s }
	for _, row := range []struct {
		name    string
		fleet   fleet
		nacos   warnings
		exact   warnings
		dwelled warnings // Nacos's rules with a dwell
	}{
		{"a stalled checker", fleet{100, dead, stall}, warnings{5, 5}, warnings{5, 0}, warnings{5, 0}},
		{"flapping clients", fleet{100, flapping, never}, warnings{60, 0}, warnings{60, 0}, warnings{60, 0}},
		{"a partition", fleet{100, cutOff, never}, warnings{13, 0}, warnings{13, 0}, warnings{13, 0}},
		{"flapping clients and a stalled checker", fleet{100, flapping, stall}, warnings{47, 3}, warnings{44, 0}, warnings{44, 0}},
		{"a partition and a stalled checker", fleet{100, cutOff, stall}, warnings{13, 13}, warnings{13, 0}, warnings{13, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			exact := leasekernel.Exact()
			exact.Term, exact.EvictionInterval = staged().Term, staged().EvictionInterval
			dwelled := leasekernel.Nacos()
			dwelled.Dwell = dwelled.Term.Interval
			got := fmt.Sprint(row.fleet.run(t, leasekernel.Nacos(), 10*time.Minute),
				row.fleet.run(t, exact, 10*time.Minute), row.fleet.run(t, dwelled, 10*time.Minute))
			equal(t, "evicted and unwarned by nacos, exact, nacos with a dwell", got, fmt.Sprint(row.nacos, row.exact, row.dwelled))
		})
	}
}
