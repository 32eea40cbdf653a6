package lease_test

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// A holder renews twice and falls silent.
func ExampleLease() {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	l, err := lease.New(t0, "orders-1", lease.Term{
		Duration: 90 * time.Second,
		Suspect:  60 * time.Second,
		Interval: 30 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	l.Renew(t0.Add(30 * time.Second))
	l.Renew(t0.Add(60 * time.Second))

	for _, seconds := range []int{90, 121, 150, 151} {
		now := t0.Add(time.Duration(seconds) * time.Second)
		fmt.Println(now.Format(time.TimeOnly), l.Holder(), l.Stage(now, 0))
	}
	fmt.Println("deadline", l.Deadline().Format(time.TimeOnly))
	// Output:
	// 12:01:30 orders-1 live
	// 12:02:01 orders-1 suspect
	// 12:02:30 orders-1 suspect
	// 12:02:31 orders-1 expired
	// deadline 12:02:30
}

// The 180 s surprise: Eureka's default duration is 90 s, but one renewal
// doubles it (quirk L1), and the renewal is published in the future (L10).
func ExampleLease_eureka() {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	l, err := lease.New(t0, "orders-1", lease.Term{Duration: 90 * time.Second, Rule: lease.Eureka})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("registered: expires", l.Deadline().Sub(t0), "after the registration")

	now := t0.Add(30 * time.Second)
	l.Renew(now)
	fmt.Println("renewed: expires", l.Deadline().Sub(now), "after the renewal")
	published := time.UnixMilli(l.Published().LastRenewal)
	fmt.Println("published: renewed", published.Sub(now), "in the future")
	// Output:
	// registered: expires 1m30s after the registration
	// renewed: expires 3m0s after the renewal
	// published: renewed 1m30s in the future
}

// A pass first collects its candidates and then evicts them. A holder that
// renews in between keeps its lease.
func ExampleLease_Evict() {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	var leases []*lease.Lease[string]
	for _, holder := range []string{"orders-1", "orders-2", "orders-3"} {
		l, err := lease.New(t0, holder, term)
		if err != nil {
			fmt.Println(err)
			return
		}
		leases = append(leases, l)
	}
	leases[0].Renew(t0.Add(60 * time.Second))

	type candidate struct {
		lease *lease.Lease[string]
		mark  lease.Mark
	}
	var candidates []candidate
	now := t0.Add(2 * time.Minute)
	for _, l := range leases {
		if mark, expired := l.Expired(now, 0); expired {
			candidates = append(candidates, candidate{l, mark})
		}
	}

	fmt.Println("orders-2 renews:", leases[1].Renew(now))
	for _, c := range candidates {
		fmt.Println(c.lease.Holder(), "evicted:", c.lease.Evict(now, c.mark))
	}
	fmt.Println("orders-3 renews:", leases[2].Renew(now))
	// Output:
	// orders-2 renews: true
	// orders-2 evicted: false
	// orders-3 evicted: true
	// orders-3 renews: false
}

// A table keeps the leases of many holders by key. What a pass found expired
// is evicted only if nobody has renewed it since.
func ExampleTable() {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	table, err := lease.NewTable[string, string](t0, lease.TableConfig{MaxLeases: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"orders-1", "orders-2"} {
		if _, err := table.Register(t0, key, "10.0.0.7:8080", term); err != nil {
			fmt.Println(err)
			return
		}
	}
	now := t0.Add(91 * time.Second)
	expired := table.AppendExpired(nil, now, 0)
	table.Renew(now, "orders-2") // its heartbeat arrives just now
	for _, seen := range expired {
		_, evicted := table.Evict(seen)
		fmt.Println(seen.Key(), "evicted:", evicted)
	}
	fmt.Println(table.Len(), "left")
	// Unordered output:
	// orders-1 evicted: true
	// orders-2 evicted: false
	// 1 left
}

// A handle renews without a look-up. It never touches another lease, also not
// the next one of its key.
func ExampleHandle() {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	table, err := lease.NewTable[string, string](t0, lease.TableConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _ := table.Register(t0, "orders-1", "10.0.0.7:8080", term)
	again, _ := table.Register(t0, "orders-1", "10.0.0.8:8080", term)
	now := t0.Add(30 * time.Second)
	fmt.Println(first.Lease.Handle.Renew(now), again.Lease.Handle.Renew(now))
	// Output: false true
}
