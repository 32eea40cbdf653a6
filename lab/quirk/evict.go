package quirk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/preserve"
)

func evictQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "E1",
			Title: "Binary fractions decide how many may go, and a single lease always may",
			Story: "The limit of one pass at 0.29 over 100 leases, at 0.7 over 90, at 0.85 over 6 and over 1.",
			Facts: []Fact{
				{"v1.3.0 - v2.0.6", "72, 28, 1, 1", func() string {
					return fmt.Sprintf("%d, %d, %d, %d", eurekaLimit(100, 0.29), eurekaLimit(90, 0.7), eurekaLimit(6, 0.85), eurekaLimit(1, 0.85))
				}},
				{"v1.2.5", "no counterpart: a pass evicts every expired lease", nil},
				exact("71, 27, 1, 1", func() string {
					return fmt.Sprintf("%d, %d, %d, %d", must(evict.Limit(100, 0.29)), must(evict.Limit(90, 0.7)), must(evict.Limit(6, 0.85)), must(evict.Limit(1, 0.85)))
				}),
			},
		},
		{
			ID:    "E2",
			Title: "A percent out of range evicts everybody or nobody",
			Story: "10 leases, all expired. How many does one pass evict at percent 2, -1, NaN, +Inf, -Inf and -1e12?",
			Facts: []Fact{
				{"v1.3.0 - v2.0.6", "2: 0, -1: 10, NaN: 10, +Inf: 0, -Inf: 0, -1e+12: 0", func() string {
					return atStrangePercents(func(percent float64) string {
						expired := make([]int, 10)
						return fmt.Sprint(len(must(evict.Pick(evict.NewJavaRandom(0), expired, int(eurekaLimit(10, percent))))))
					})
				}},
				exact("2: refused, -1: refused, NaN: refused, +Inf: refused, -Inf: refused, -1e+12: refused", func() string {
					return atStrangePercents(func(percent float64) string {
						_, err := evict.Limit(10, percent)
						return accepted(err)
					})
				}),
			},
		},
		{
			ID:    "E3",
			Title: "The wall clock's millisecond chooses the victims",
			Story: "Pick 5 of 24 candidates at 1700907356513 ms, then 1 ms later. The exact rule takes any source, here the PCG of math/rand/v2 with the seed (1, 2), and the clock does not matter.",
			Facts: []Fact{
				{"v1.3.0 - v2.0.6", "[18 9 12 3 0], then [14 21 13 9 12]", func() string {
					return fmt.Sprintf("%v, then %v", victims(evict.NewJavaRandom(1700907356513)), victims(evict.NewJavaRandom(1700907356514)))
				}},
				exact("[18 15 19 2 8], then [18 15 19 2 8]", func() string {
					source := func() evict.Source { return evict.SourceFunc(rand.New(rand.NewPCG(1, 2)).IntN) }
					return fmt.Sprintf("%v, then %v", victims(source()), victims(source()))
				}),
			},
		},
		{
			ID:    "E5",
			Title: "A late pass forgives its lateness, unless it ran at nanosecond 0",
			Story: "Passes every 60 s, then one 300 s after the last; then passes at nanosecond 0 and 300 s after that. How much time does each late pass forgive?",
			Facts: []Fact{
				{"v1.4.9 - v2.0.6", "on time: 0s, late: 4m0s, after a pass at nanosecond 0: 0s", func() string {
					c := evict.EurekaCompensation{IntervalMillis: 60_000}
					return latePasses(func(at time.Duration) time.Duration {
						return time.Duration(c.Next(int64(at))) * time.Millisecond
					})
				}},
				{"v1.2.5 - v1.4.8", "no counterpart: nothing is forgiven", nil},
				exact("on time: 0s, late: 4m0s, after a pass at nanosecond 0: 4m0s", func() string {
					c := must(evict.NewCompensation(time.Minute))
					return latePasses(func(at time.Duration) time.Duration { return c.Next(time.Unix(0, int64(at))) })
				}),
			},
		},
	}
}

func eurekaLimit(size int32, percent float64) int32 {
	c := must(preserve.NewCalculator(preserve.Config{Release: preserve.EurekaV1_9_17, Percent: percent}))
	return evict.EurekaLimit(size, c.Keep(size))
}

func atStrangePercents(evicted func(percent float64) string) string {
	var values []string
	for _, percent := range []float64{2, -1, math.NaN(), math.Inf(1), math.Inf(-1), -1e12} {
		values = append(values, fmt.Sprintf("%v: %s", percent, evicted(percent)))
	}
	return strings.Join(values, ", ")
}

func victims(source evict.Source) []int {
	candidates := make([]int, 24)
	for i := range candidates {
		candidates[i] = i
	}
	return must(evict.Pick(source, candidates, 5))
}

func latePasses(compensation func(at time.Duration) time.Duration) string {
	compensation(1 * time.Minute)
	onTime := compensation(2 * time.Minute)
	late := compensation(7 * time.Minute)
	compensation(0)
	afterZero := compensation(5 * time.Minute)
	return fmt.Sprintf("on time: %v, late: %v, after a pass at nanosecond 0: %v", onTime, late, afterZero)
}
