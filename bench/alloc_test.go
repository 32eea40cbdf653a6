package main

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/heartbeat"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"github.com/leasekernel/leasekernel/ratemeter"
)

// must is for arguments that are known to be valid.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Allocations, unlike times, are the same on every machine, so a test can
// assert that the hot operations have none.
func TestHotOperationsDoNotAllocate(t *testing.T) {
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	exact := must(lease.New(base, "PAYMENTS/i-0f3a9c12", term))
	eureka := must(lease.New(base, "PAYMENTS/i-0f3a9c12", lease.Term{Duration: 90 * time.Second, Rule: lease.Eureka}))
	meter := ratemeter.NewMeasuredRate(time.Minute)
	if err := meter.Start(base); err != nil {
		t.Fatal(err)
	}
	stripe := meter.Stripe(7)
	sliding := must(ratemeter.NewSliding(base, time.Minute, 60))
	slidingStripe := sliding.Stripe(7)
	calculator := must(preserve.NewCalculator(preserve.DefaultConfig(preserve.EurekaV1_9_17)))
	expectation := must(preserve.NewExpectation(base, preserve.ExpectationConfig{Window: time.Minute, Percent: 0.85}))
	random := evict.NewJavaRandom(1)
	candidates := make([]int, 100)
	compensation := must(evict.NewCompensation(time.Minute))
	supervisor := must(heartbeat.NewSupervisor(30*time.Second, 10))
	keys := append(stringKeys(100), hostKeys(100)...)
	table := tableOf(keys).Table
	handle := must(table.Register(base, "PAYMENTS/i-0f3a9c12", 0, term)).Lease.Handle
	expired := make([]lease.Snapshot[string, int], 0, table.Len())
	renewed := make([]bool, len(keys))

	now := base
	for name, operation := range map[string]func(){
		"Lease.Renew, exact":        func() { exact.Renew(now) },
		"Lease.Renew, Eureka":       func() { eureka.Renew(now) },
		"Lease.IsExpired, exact":    func() { exact.IsExpired(now, 0) },
		"Lease.IsExpired, Eureka":   func() { eureka.IsExpired(now, 0) },
		"Lease.Expired and Evict":   func() { mark, _ := exact.Expired(now, 0); exact.Evict(now, mark) },
		"MeasuredRate.Increment":    meter.Increment,
		"Stripe.Increment":          stripe.Increment,
		"MeasuredRate.Tick":         func() { meter.Tick(now) },
		"Sliding.Mark":              func() { sliding.Mark(now, 1) },
		"SlidingStripe.Mark":        func() { slidingStripe.Mark(now, 1) },
		"Sliding.Count":             func() { sinkInt = int(sliding.Count(now)) },
		"Calculator.Decide":         func() { calculator.Decide(18) },
		"Calculator.Registered":     calculator.Registered,
		"Expectation.Decide":        func() { expectation.Decide(now, 18) },
		"Expectation.Add":           func() { sinkBool = expectation.Add(30*time.Second) == nil },
		"JavaRandom.Intn":           func() { sinkInt = random.Intn(1000) },
		"Pick":                      func() { sinkInt = len(must(evict.Pick(random, candidates, 15))) },
		"Limit":                     func() { sinkInt = must(evict.Limit(1000, 0.85)) },
		"Compensation.Next":         func() { sinkBool = compensation.Next(now) > 0 },
		"Supervisor.Next":           func() { supervisor.Next(heartbeat.Timeout) },
		"Table.Renew":               func() { sinkBool = table.Renew(now, keys[0]) },
		"Table.Renew, long key":     func() { sinkBool = table.Renew(now, keys[150]) },
		"Handle.Renew":              func() { handle.Renew(now) },
		"RenewAll":                  func() { sinkInt = must(table.RenewAll(now, keys, renewed)) },
		"AppendExpired":             func() { sinkInt = len(table.AppendExpired(expired, now.Add(time.Hour), 0)) },
		"Table.Get":                 func() { _, sinkBool = table.Get(keys[0]) },
		"Lease.Published and facts": func() { eureka.Published(); exact.LastRenewal(); exact.Deadline() },
	} {
		if got := testing.AllocsPerRun(100, func() { now = now.Add(time.Second); operation() }); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}
