package leasekernel_test

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/preserve"
)

// Three clients, of which one renews by way of a peer, at instants where the
// numbers change.
func TestStatusShowsTheNumbersOfItsInstant(t *testing.T) {
	const s = time.Second
	exact := newKernel(t, leasekernel.Exact())
	eureka := newKernel(t, leasekernel.Eureka(preserve.EurekaV1_9_17))
	for name, row := range map[string]struct {
		kernel *kernel
		want   []leasekernel.Status
	}{
		"exact": {exact, []leasekernel.Status{
			{At: at(0), Leases: 3, Opened: true, NextEviction: at(10 * s), Registered: 3},
			{At: at(59 * s), Leases: 3, Renewals: 3, Replicated: 1, Opened: true, NextEviction: at(60 * s), Registered: 3},
			{At: at(60 * s), Leases: 3, Renewals: 3, Replicated: 1, Below: true, Opened: true, NextEviction: at(70 * s), Registered: 3},
			{At: at(90 * s), Leases: 3, Below: true, Opened: true, NextEviction: at(100 * s), Registered: 3},
		}},
		// Below waits for five minutes, and knows neither preservation nor the
		// gate (quirk T14).
		"eureka": {eureka, []leasekernel.Status{
			{At: at(0), Leases: 3, Registered: 3, Opened: true, NextEviction: at(60 * s)},
			{At: at(59 * s), Leases: 3, Registered: 3, Opened: true, NextEviction: at(60 * s)},
			{At: at(60 * s), Leases: 3, Renewals: 3, Replicated: 1, Registered: 3, Opened: true, NextEviction: at(120 * s)},
			{At: at(300 * s), Leases: 3, Registered: 3, Opened: true, NextEviction: at(360 * s)},
			{At: at(301 * s), Leases: 3, Below: true, Registered: 3, Opened: true, NextEviction: at(360 * s)},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := row.kernel
			if name == "eureka" {
				open(t, k, 0, 3)
			}
			register(t, k, 0, 1, 2, 3)
			beat := func() {
				renew(t, k, 30*s, 1, 2)
				equal(t, "sent on", k.RenewReplicated(at(30*s), 3), true)
			}
			for _, want := range row.want {
				if want.At.After(at(30*s)) && beat != nil {
					beat()
					beat = nil
				}
				tickUntil(k, want.At.Sub(t0))
				got := k.Status(want.At)
				equal(t, "renewals decided by", got.Decision.Renewals, got.Renewals)
				got.Decision = preserve.Decision{}
				equal(t, "status", got, want)
			}
		})
	}
}

func TestStatusCountsEveryKindOfChange(t *testing.T) {
	k := newKernel(t, limitless(leasekernel.Exact()))
	register(t, k, 0, 1, 2, 3, 4)
	register(t, k, 0, 1, 1)
	k.Cancel(t0, 2)
	k.Cancel(t0, 2)
	k.Evict(at(time.Hour))
	register(t, k, 2*time.Hour, 2)
	status := k.Status(at(2 * time.Hour))
	status.Decision = preserve.Decision{}
	equal(t, "status", status, leasekernel.Status{
		At: at(2 * time.Hour), Leases: 1, Opened: true, NextEviction: at(time.Hour + 10*time.Second),
		Registered: 5, Replaced: 2, Cancelled: 1, Evicted: 3,
	})
}

// Before it is opened an Eureka kernel plans no eviction; and before the first
// Open of an old release there is no meter.
func TestStatusBeforeOpen(t *testing.T) {
	for _, release := range []preserve.Release{preserve.EurekaV1_2_5, preserve.EurekaV1_9_17} {
		k := newKernel(t, leasekernel.Eureka(release))
		register(t, k, 0, 1)
		status := k.Status(at(time.Hour))
		equal(t, "reason", status.Decision.Reason, preserve.NoThreshold)
		status.Decision = preserve.Decision{}
		equal(t, "status", status, leasekernel.Status{At: at(time.Hour), Leases: 1, Registered: 1})
	}
}

// The gate, the status, the verdict and the report give one Decision.
func TestOneDecisionIsShownEverywhere(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "bilibili": leasekernel.Bilibili()} {
		k := newKernel(t, config)
		register(t, k, 0, numbers(10)...)
		renew(t, k, 30*time.Second, numbers(9)...)
		now := at(time.Minute)
		eviction := k.Tick(now).Eviction
		equal(t, name+": report", eviction.Decision, k.Status(now).Decision)
		equal(t, name+": verdict", eviction.Decision, k.Explain(now, 1).Decision)
		equal(t, name+": after", eviction.After, eviction.Decision)
	}
}
