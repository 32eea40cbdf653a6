package quirk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
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
			ID:    "E4",
			Title: "A pass decides once, though what it evicts takes the threshold away",
			Story: "20 clients, but the registry opens for 2. 17 clients send their 34 renewals of the first minute, 3 have leases of 45 s and fall silent. The first pass: what does it decide by, how many does it evict, and what would it decide then?",
			Facts: []Fact{
				upTo1_4_8.kernel("34 renewals, threshold 3: allowed; 3 evicted; 34 renewals, threshold 0: withheld", decidedOnce),
				v1_4_9to1_9_16.kernel("34 renewals, threshold 3: allowed; 3 evicted; 34 renewals, threshold 3: allowed", decidedOnce),
				from1_9_17.kernel("34 renewals, threshold 3: allowed; 3 evicted; 34 renewals, threshold 0: withheld", decidedOnce),
				exactKernel("34 renewals, threshold 34: allowed; 3 evicted; 34 renewals, threshold 28.9: allowed", decidedOnce),
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
		{
			ID:    "E6",
			Title: "Opened again, a registry plans its passes anew and forgets how late they are",
			Story: "10 clients send their 20 renewals of the first minute, and after 90 s the registry is opened again. What does the meter show then, when does it rotate next, and how much does the next pass forgive if it comes 30 s late? The exact rules have nothing to open: their passes go on, every 10 s.",
			Facts: []Fact{
				upTo1_4_8.kernel("0 renewals, rotates after 2m30s; the pass due after 2m30s forgives 0s", openedAgain),
				from1_4_9.kernel("20 renewals, rotates after 2m0s; the pass due after 2m30s forgives 0s", openedAgain),
				exactKernel("10 renewals, never rotates; the pass due after 1m40s forgives 30s", openedAgain),
			},
		},
		{
			ID:    "E7",
			Title: "A pass evicts by key what it has seen before, whatever came since",
			Story: "Three of four leases have expired, and as many may be evicted. When a pass has seen that, and before it evicts them, one client renews, one registers again and one cancels. Here Eureka's releases run with EvictByKey, which reproduces the race; the kernel's default under all rules is the exact one.",
			Facts: []Fact{
				from1_3_0.kernel("renewed: evicted with 3m0s left, registered again: evicted with 1m30s left, cancelled: gone", func(config leasekernel.Config) string {
					config.EvictByKey = true
					return changedDuringPass(config)
				}),
				{"v1.2.5", "no counterpart: a pass evicts each lease where it finds it", nil},
				exactKernel("renewed: lives with 1m30s left, registered again: lives with 1m30s left, cancelled: gone", changedDuringPass),
			},
		},
		{
			ID:    "E8",
			Title: "A pass that is called by hand forgives nothing, and the limit counts who came meanwhile",
			Story: "Passes every 60 s. 10 clients register after 40 s and fall silent; the second pass comes 20 s late, after 140 s. How many leases does it find expired, and how many does a pass without argument find in its place? While that one looks, 10 more clients register. Self-preservation is off.",
			Facts: []Fact{
				from1_4_9.kernel("planned: forgives 20s, finds 0; by hand: forgives 0s, finds 10, may evict 3 of 20", calledByHand),
				{"v1.2.5 - v1.4.8", "no counterpart: nothing is forgiven", nil},
				exactKernel("planned: forgives 20s, finds 0; by hand: forgives 0s, finds 10, may evict 3 of 20", calledByHand),
			},
		},
		{
			ID:    "E9",
			Title: "The oldest release wipes the whole registry in one pass",
			Story: "25 clients register and fall silent, self-preservation is off. How many does the first pass evict that finds them expired, how many such passes are there in an hour, and how many leases are left then?",
			Facts: []Fact{
				v1_2_5.kernel("first pass: 25 of 25, passes: 1, left: 0", wiped),
				from1_3_0.kernel("first pass: 4 of 25, passes: 12, left: 0", wiped),
				exactKernel("first pass: 4 of 25, passes: 12, left: 0", wiped),
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

func decidedOnce(config leasekernel.Config) string {
	alive, silent := clients(17), []string{"silent 1", "silent 2", "silent 3"}
	r := newRegistry(config, hooks{})
	r.load(alive, 90*time.Second)
	r.load(silent, 45*time.Second)
	r.open(0, 2)
	r.renewTwice(alive)
	r.until(time.Minute)
	pass := r.lastEviction()
	return fmt.Sprintf("%s; %d evicted; %s", weighed(pass.Decision), len(pass.Evicted), weighed(pass.After))
}

func openedAgain(config leasekernel.Config) string {
	again := func() *registry {
		r := registryOf(clients(10), config, hooks{})
		r.renewTwice(clients(10))
		r.until(90 * time.Second)
		r.open(90*time.Second, 10)
		r.reports = nil
		return r
	}
	onTime, late := again(), again()
	status := late.Status(at(90 * time.Second))
	onTime.until(150 * time.Second)
	pass := late.Tick(status.NextEviction.Add(30 * time.Second)).Eviction
	return fmt.Sprintf("%d renewals, %s; the pass due after %v forgives %v",
		status.Renewals, onTime.firstRotation(), status.NextEviction.Sub(t0), pass.Compensation)
}

func changedDuringPass(config leasekernel.Config) string {
	config.SelfPreservation, config.Percent = false, 0
	const now = 2 * time.Minute
	var r *registry
	r = registryOf([]string{"renewed", "registered again", "cancelled", "bystander"}, config, hooks{
		Order: func(time.Time, []snapshot) {
			r.renew(now, []string{"renewed"})
			r.register(now, "registered again")
			r.Cancel(at(now), "cancelled")
		},
	})
	r.renew(time.Minute, []string{"bystander"})
	pass := r.EvictForgiving(at(now), 0).Eviction
	left := func(s snapshot) time.Duration { return lasts(s, at(now)) }
	became := func(key string) string {
		for _, change := range pass.Evicted {
			if change.Lease.Key() == key {
				return fmt.Sprintf("evicted with %v left", left(change.Lease))
			}
		}
		if s, ok := r.Get(key); ok {
			return fmt.Sprintf("lives with %v left", left(s))
		}
		return "gone"
	}
	return fmt.Sprintf("renewed: %s, registered again: %s, cancelled: %s", became("renewed"), became("registered again"), became("cancelled"))
}

func calledByHand(config leasekernel.Config) string {
	config.SelfPreservation, config.EvictionInterval = false, time.Minute
	const late = 140 * time.Second
	silent := func() *registry {
		var r *registry
		r = registryOf(nil, config, hooks{Order: func(now time.Time, _ []snapshot) {
			if now.Equal(at(late)) {
				r.register(late, clients(20)[10:]...)
			}
		}})
		r.until(40 * time.Second)
		r.register(40*time.Second, clients(10)...)
		r.until(time.Minute)
		return r
	}
	planned := silent().Tick(at(late)).Eviction
	byHand := silent().EvictForgiving(at(late), 0).Eviction
	return fmt.Sprintf("planned: forgives %v, finds %d; by hand: forgives %v, finds %d, may evict %d of %d",
		planned.Compensation, planned.Candidates, byHand.Compensation, byHand.Candidates, byHand.Limit, byHand.Size)
}

func wiped(config leasekernel.Config) string {
	config.SelfPreservation = false
	r := registryOf(clients(25), config, hooks{})
	r.until(time.Hour)
	var evicted []int
	for _, report := range r.reports {
		if report.Eviction != nil && report.Eviction.Candidates > 0 {
			evicted = append(evicted, len(report.Eviction.Evicted))
		}
	}
	return fmt.Sprintf("first pass: %d of 25, passes: %d, left: %d", evicted[0], len(evicted), r.Len())
}
