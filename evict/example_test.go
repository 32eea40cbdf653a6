package evict_test

import (
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

// One pass over ten leases. It is 7 seconds late and forgives every lease as
// much, which saves the holder d. As 85 % of the leases have to stay, it evicts
// two of the three candidates.
func Example() {
	compensation, err := evict.NewCompensation(time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	previous := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	compensation.Next(previous)
	now := previous.Add(67 * time.Second)
	forgiven := compensation.Next(now)

	const term = 90 * time.Second
	leases := []struct {
		holder string
		silent time.Duration // since the last renewal
	}{
		{"a", 12 * time.Second}, {"b", 200 * time.Second}, {"c", 3 * time.Second}, {"d", 95 * time.Second},
		{"e", 150 * time.Second}, {"f", 21 * time.Second}, {"g", 29 * time.Second}, {"h", 98 * time.Second},
		{"i", 8 * time.Second}, {"j", 17 * time.Second},
	}
	var candidates []string
	for _, lease := range leases {
		if lease.silent > term+forgiven {
			candidates = append(candidates, lease.holder)
		}
	}

	limit, err := evict.Limit(len(leases), 0.85)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("forgiven:", forgiven, "candidates:", candidates, "limit:", limit)

	victims, err := evict.Pick(evict.NewJavaRandom(now.UnixMilli()), candidates, limit)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("victims:", victims)
	// Output:
	// forgiven: 7s candidates: [b e h] limit: 2
	// victims: [h b]
}
