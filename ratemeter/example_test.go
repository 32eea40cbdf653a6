package ratemeter_test

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

// Three renewals in the first window, one in the second: the count is that of
// the last whole window.
func ExampleMeasuredRate() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	m := ratemeter.NewMeasuredRate(time.Minute)
	if err := m.Start(now); err != nil {
		fmt.Println(err)
		return
	}

	m.Increment()
	m.Increment()
	m.Stripe(7).Increment() // faster, for a caller that keeps its stripe
	fmt.Println("first window:", m.Count())

	now, _ = m.NextTick()
	m.Tick(now)
	fmt.Println(now.Format(time.TimeOnly), "renewals:", m.Count())

	m.Increment()
	now, _ = m.NextTick()
	m.Tick(now)
	fmt.Println(now.Format(time.TimeOnly), "renewals:", m.Count())
	// Output:
	// first window: 0
	// 12:01:00 renewals: 3
	// 12:02:00 renewals: 1
}

// Ten clients renew every 30 seconds; one minute after the start the count is
// right, and it follows at once when they fall silent.
func ExampleSliding() {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	meter, err := ratemeter.NewSliding(start, time.Minute, 60)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, seconds := range []int{30, 60, 90} {
		meter.Mark(start.Add(time.Duration(seconds)*time.Second), 10)
	}
	for _, seconds := range []int{30, 60, 90, 120, 150} {
		now := start.Add(time.Duration(seconds) * time.Second)
		fmt.Println(now.Format(time.TimeOnly), meter.Count(now))
	}
	// Output:
	// 12:00:30 10
	// 12:01:00 20
	// 12:01:30 20
	// 12:02:00 10
	// 12:02:30 0
}
