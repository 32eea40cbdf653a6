package leasekernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// t0 is when most tests begin.
var t0 = time.UnixMilli(1_700_000_000_000)

// at is an instant of a test.
func at(d time.Duration) time.Time { return t0.Add(d) }

func newKernel(t *testing.T, config leasekernel.Config) *leasekernel.Kernel[int, string] {
	t.Helper()
	k, err := leasekernel.New(t0, config, leasekernel.Hooks[int, string]{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A total partition: all of 1000 clients, whose heartbeats are spread over
// their interval, fall silent at one instant, in each of 100 phases of the
// passes, and stay away for as long as it would take to evict them all.
//
// The exact rules evict nobody: the sliding meter notices before the first
// lease can expire (see Config.Validate). What Eureka does is written beside it
// as it comes out: its doubled lease is what makes its tumbling meter safe, and
// only with the default term.
func TestTotalPartitionEvictsNobodyUnderTheExactRules(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long, and runs on one goroutine")
	}
	const clients, phases = 1000, 100
	for _, row := range []struct {
		duration, interval, pass time.Duration
		eureka                   int // evicted in the worst phase
	}{
		{90 * time.Second, 30 * time.Second, 60 * time.Second, 0},
		{30 * time.Second, 10 * time.Second, 10 * time.Second, 150},
		{10 * time.Second, 5 * time.Second, 5 * time.Second, 806},
		{6 * time.Second, 2 * time.Second, time.Second, 1000},
	} {
		t.Run(fmt.Sprintf("%v/%v/%v", row.duration, row.interval, row.pass), func(t *testing.T) {
			exact, eureka := 0, 0
			for phase := range phases {
				exact = max(exact, partitioned(t, leasekernel.Exact(), row.duration, row.interval, row.pass, clients, phase, phases))
				eureka = max(eureka, partitioned(t, leasekernel.Eureka(preserve.EurekaV1_9_17), row.duration, row.interval, row.pass, clients, phase, phases))
			}
			if exact != 0 || eureka != row.eureka {
				t.Errorf("evicted: got %d by the exact rules and %d by Eureka's, want 0 and %d", exact, eureka, row.eureka)
			}
		})
	}
}

func partitioned(t *testing.T, config leasekernel.Config, duration, interval, pass time.Duration, clients, phase, phases int) (evicted int) {
	config.Term.Duration, config.Term.Interval, config.EvictionInterval = duration, interval, pass
	k := newKernel(t, config)
	healthy := 3*time.Minute + time.Minute*time.Duration(phase)/time.Duration(phases)
	silent := 2*duration + 2*time.Minute
	step := interval / time.Duration(clients)
	ticks := func(now time.Time) {
		for next, ok := k.Next(); ok && !next.After(now); next, ok = k.Next() {
			if report := k.Tick(next); report.Eviction != nil {
				evicted += len(report.Eviction.Evicted)
			}
		}
	}
	for i := range clients {
		if _, err := k.Register(at(time.Duration(i)*step), i, "", lease.Term{}); err != nil {
			t.Fatal(err)
		}
	}
	if config.Opens() {
		if err := k.Open(at(interval), int64(clients)); err != nil {
			t.Fatal(err)
		}
	}
	client := 0
	for now := interval; now < healthy; now += step {
		ticks(at(now))
		k.Renew(at(now), client)
		client = (client + 1) % clients
	}
	ticks(at(healthy + silent))
	return evicted
}
