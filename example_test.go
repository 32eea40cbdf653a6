package leasekernel_test

import (
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// One of ten clients falls silent, and a pass evicts its lease, because
// enough renewals arrived from the others for the registry to trust itself.
func Example() {
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	payments := must(lease.New(start, "PAYMENTS/i-0f3a9c12", term))
	expected := must(preserve.NewExpectation(start, preserve.ExpectationConfig{Window: time.Minute, Percent: 0.85}))
	for range 10 { // ten clients in all
		check(expected.Add(term.Interval))
	}
	payments.Renew(start.Add(30 * time.Second)) // a heartbeat, the last one
	now := start.Add(121 * time.Second)         // a pass, 91 s later
	seen, expired := payments.Expired(now, 0)
	decision := expected.Decide(now, 18) // 18 renewals were counted in the last minute
	fmt.Println(decision)
	if expired && decision.Allowed && payments.Evict(now, seen) {
		fmt.Println("evicted", payments.Holder(), "- renewed:", payments.Renew(now))
	}
	// Output:
	// eviction is allowed: 18 renewals reach the threshold of 17 (20 renewals expected, percent 0.85)
	// evicted PAYMENTS/i-0f3a9c12 - renewed: false
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
