package preserve_test

import (
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// Ten clients renew every 30 seconds, then four of them stop. Eureka v1.9.17
// and later expect less after every eviction, but not little enough.
func ExampleCalculator() {
	release, err := preserve.ParseRelease("v2.0.6")
	if err != nil {
		log.Fatal(err)
	}
	calculator, err := preserve.NewCalculator(preserve.DefaultConfig(release))
	if err != nil {
		log.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := calculator.Open(start, 10); err != nil {
		log.Fatal(err)
	}

	// The last minute still holds most renewals of the four.
	decision := calculator.Decide(18)
	fmt.Println(decision)

	// The pass may evict 2 of them.
	for range 10 - calculator.Keep(10) {
		calculator.Evicted()
	}

	// One minute later only six clients renew.
	decision = calculator.Decide(12)
	fmt.Println(decision)
	fmt.Println(decision.Allowed, "because of", decision.Reason)
	// Output:
	// eviction is allowed: 18 renewals exceed the threshold of 17 (10 clients expected every 30s, percent 0.85)
	// eviction is withheld: 12 renewals did not exceed the threshold of 13 (8 clients expected every 30s, percent 0.85)
	// false because of too few renewals
}

// Every lease is expected at its own interval.
func ExampleExpectation() {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	expectation, err := preserve.NewExpectation(start, preserve.ExpectationConfig{
		Window:  time.Minute,
		Percent: 0.85,
		Warmup:  time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, interval := range []time.Duration{30 * time.Second, 30 * time.Second, 10 * time.Second} {
		if err := expectation.Add(interval); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(expectation.Expected(), "renewals a minute")

	fmt.Println(expectation.Decide(start.Add(20*time.Second), 3))
	fmt.Println(expectation.Decide(start.Add(60*time.Second), 9))
	fmt.Println(expectation.Decide(start.Add(80*time.Second), 8))

	// The lease that renewed every 10 seconds was cancelled: 8 are plenty.
	if err := expectation.Remove(10 * time.Second); err != nil {
		log.Fatal(err)
	}
	fmt.Println(expectation.Decide(start.Add(80*time.Second), 8))
	// Output:
	// 10 renewals a minute
	// eviction is withheld: the registry is warming up until 2026-01-01T00:01:00Z
	// eviction is allowed: 9 renewals reach the threshold of 8.5 (10 renewals expected, percent 0.85)
	// eviction is withheld: 8 renewals did not reach the threshold of 8.5 (10 renewals expected, percent 0.85)
	// eviction is allowed: 8 renewals reach the threshold of 3.4 (4 renewals expected, percent 0.85)
}
