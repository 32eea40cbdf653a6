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
