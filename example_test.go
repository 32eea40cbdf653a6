package leasekernel_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// One of ten clients falls silent and is evicted. Then the network cuts off
// all of them, and the registry keeps every one: it suspects itself.
func Example() {
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	kernel := must(leasekernel.New(start, leasekernel.Exact(), leasekernel.Hooks[string, string]{}))
	var clients []string
	for i := range 10 {
		clients = append(clients, fmt.Sprintf("PAYMENTS/i-%d", i))
		must(kernel.Register(start, clients[i], "10.0.0.7:8080", lease.Term{}))
	}
	for elapsed := time.Duration(0); elapsed <= 10*time.Minute; elapsed += 10 * time.Second {
		now := start.Add(elapsed) // a server takes time.Now, once per request or batch
		if elapsed%(30*time.Second) == 0 && elapsed <= 5*time.Minute {
			kernel.RenewAll(now, clients, nil) // until the network fails
		}
		if elapsed == time.Minute {
			clients = append(clients[:3], clients[4:]...) // i-3 falls silent
		}
		if report := kernel.Tick(now); report.Eviction != nil {
			for _, evicted := range report.Eviction.Evicted {
				fmt.Println(elapsed, "evicted", evicted.Lease.Key())
			}
		}
	}
	fmt.Println(kernel.Len(), "left:", kernel.Status(start.Add(10*time.Minute)).Decision)
	// Output:
	// 2m40s evicted PAYMENTS/i-3
	// 9 left: eviction is withheld: 0 renewals did not reach the threshold of 15.3 (18 renewals expected, percent 0.85)
}

// Explain answers why an instance is still listed.
func ExampleKernel_Explain() {
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	kernel := must(leasekernel.New(start, leasekernel.Eureka(preserve.EurekaV1_9_17), leasekernel.Hooks[string, string]{}))
	check(kernel.Open(start, 1))
	must(kernel.Register(start, "PAYMENTS/i-1", "", lease.Term{}))
	kernel.Renew(start.Add(30*time.Second), "PAYMENTS/i-1") // the last heartbeat
	fmt.Println(kernel.Explain(start.Add(2*time.Minute), "PAYMENTS/i-1"))
	// Output:
	// PAYMENTS/i-1 is live: silent for 1m30s
	// not evicted: its term ends at 12:03:30, in 1m30s
	// not evicted: eviction is withheld: 0 renewals did not exceed the threshold of 3 (2 clients expected every 30s, percent 0.85)
	// the first pass that can evict it is planned at 12:04:00, in 2m0s, if eviction is allowed by then
	// registered at 12:00:00
}

// Validate says what a config means before it is in production.
func ExampleConfig_Validate() {
	config := leasekernel.Eureka(preserve.EurekaV1_9_17)
	config.Term.Duration, config.Term.Interval = 30*time.Second, 10*time.Second
	fmt.Println(config.Validate(5))
	// Output:
	// warning: EvictionInterval is 1m0s: should be at most half the Term's Duration (30s): a dead lease stays up to 1m0s longer than its term
	// warning: Window is 1m0s: is too long for the lease: when everybody falls silent the meter shows it after 1m9s ((2 - Percent) * Window, as the meter tumbles), but leases expire after 30s (Duration, of those that were only registered), so that some may be evicted before the registry suspects itself
	// warning: Percent is 0.85: withholds eviction as soon as one of 5 in all falls silent: it takes at least 7
}

// A server that has nothing else to do in time lets Run tick, with the real
// clock or any other that has Now and After.
func ExampleKernel_Run() {
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	ctx, stop := context.WithCancel(context.Background())
	kernel := must(leasekernel.New(start, leasekernel.Exact(), leasekernel.Hooks[string, string]{
		Report: func(report leasekernel.Report[string, string]) {
			fmt.Println(report.Eviction.Decision.Reason)
			stop()
		},
	}))
	fmt.Println(kernel.Run(ctx, &skippingClock{start}))
	// Output:
	// warming up
	// context canceled
}

// skippingClock is a clock on which all waiting is over at once.
type skippingClock struct{ now time.Time }

func (c *skippingClock) Now() time.Time { return c.now }

func (c *skippingClock) After(d time.Duration) <-chan time.Time {
	c.now = c.now.Add(d)
	over := make(chan time.Time, 1)
	over <- c.now
	return over
}

// The connection of a client keeps its handle: its heartbeats need no look-up.
func ExampleHandle() {
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	kernel := must(leasekernel.New(start, leasekernel.Exact(), leasekernel.Hooks[string, string]{}))
	connection := must(kernel.Register(start, "PAYMENTS/i-1", "10.0.0.7:8080", lease.Term{})).Handle
	fmt.Println(connection.Renew(start.Add(30 * time.Second)))
	kernel.Cancel(start.Add(40*time.Second), "PAYMENTS/i-1")
	fmt.Println(connection.Renew(start.Add(60 * time.Second)))
	// Output:
	// true
	// false
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}
