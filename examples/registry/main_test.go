package main

import (
	"log"
	"os"
)

func Example() {
	if err := play(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 12:01:00 eviction is allowed: 20 renewals reach the threshold of 17 (20 renewals expected, percent 0.85), evicted []
	// 12:02:00 eviction is allowed: 18 renewals reach the threshold of 17 (20 renewals expected, percent 0.85), evicted []
	// 12:03:00 eviction is allowed: 18 renewals reach the threshold of 17 (20 renewals expected, percent 0.85), evicted [PAYMENTS/i-3]
	// 12:04:00 eviction is allowed: 18 renewals reach the threshold of 15.3 (18 renewals expected, percent 0.85), evicted []
	// 12:05:00 eviction is withheld: 0 renewals did not reach the threshold of 15.3 (18 renewals expected, percent 0.85), evicted []
	// 12:06:00 eviction is withheld: 0 renewals did not reach the threshold of 15.3 (18 renewals expected, percent 0.85), evicted []
}
