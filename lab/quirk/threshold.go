package quirk

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/preserve"
)

func thresholdQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "T1",
			Title: "The threshold is truncated to an int, as Java truncates",
			Story: "Open a registry with one client of 30 s, at 0.85, at NaN and at 1e300 percent. The exact value is what an expectation of the same lease says.",
			Facts: []Fact{
				everyRelease.fact("1; 0; 2147483647", func(r preserve.Release) string {
					return fmt.Sprintf("%d; %d; %d", thresholdOf(r, 0.85), thresholdOf(r, math.NaN()), thresholdOf(r, 1e300))
				}),
				exact("1.7; must be a number from 0 to 1; must be a number from 0 to 1", func() string {
					return fmt.Sprintf("%s; %s; %s", exactThreshold(1, 0.85), exactThreshold(1, math.NaN()), exactThreshold(1, 1e300))
				}),
			},
		},
		{
			ID:    "T2",
			Title: "The order of a floating-point product decides the last renewal",
			Story: "Open a registry with 25 clients of 45 s at 0.9, which makes exactly 30 renewals a minute.",
			Facts: []Fact{
				from1_9_4.fact("29", func(r preserve.Release) string {
					return fmt.Sprint(opened(preserve.Config{Release: r, Percent: 0.9, Interval: 45 * time.Second}, 25).Threshold())
				}),
				exact("30", func() string {
					return fmt.Sprint(expecting(0.9, 25, 45*time.Second).Decide(t0, 0).Threshold)
				}),
			},
		},
		{
			ID:    "T3",
			Title: "An interval of 0 makes the threshold infinite, a negative one forbids eviction for ever",
			Story: "Open a registry with 10 clients whose expected interval is 0, with none, and with 10 of -30 s.",
			Facts: []Fact{
				from1_9_4.fact("2147483647; 0; -17", func(r preserve.Release) string {
					threshold := func(interval time.Duration, clients int64) int64 {
						return opened(preserve.Config{Release: r, Percent: 0.85, Interval: interval}, clients).Threshold()
					}
					return fmt.Sprintf("%d; %d; %d", threshold(0, 10), threshold(0, 0), threshold(-30*time.Second, 10))
				}),
				exact("0s: refused, -30s: refused", func() string {
					e := expecting(0.85, 0, 0)
					return fmt.Sprintf("0s: %s, -30s: %s", accepted(e.Add(0)), accepted(e.Add(-30*time.Second)))
				}),
			},
		},
		{
			ID:    "T4",
			Title: "Percent 0 never evicts, percent 1 asks for more than every renewal",
			Story: "10 clients send all their 20 renewals of a minute. May expired leases be evicted at 0, at 0.85 and at 1 percent?",
			Facts: []Fact{
				everyRelease.fact("0: withheld, 0.85: allowed, 1: withheld", func(r preserve.Release) string {
					return fmt.Sprintf("0: %s, 0.85: %s, 1: %s", allowed(r, 10, 0, 20), allowed(r, 10, 0.85, 20), allowed(r, 10, 1, 20))
				}),
				exact("0: allowed, 0.85: allowed, 1: allowed", func() string {
					return fmt.Sprintf("0: %s, 0.85: %s, 1: %s", exactAllowed(10, 0, 20), exactAllowed(10, 0.85, 20), exactAllowed(10, 1, 20))
				}),
			},
		},
		{
			ID:    "T5",
			Title: "In a small registry one missed heartbeat stops eviction",
			Story: "1, 2, 3 and 4 clients of 30 s, and one heartbeat of the last minute is missing.",
			Facts: []Fact{
				everyRelease.fact("withheld, withheld, withheld, allowed", func(r preserve.Release) string {
					return oneMissing(func(clients, renewals int64) string { return allowed(r, clients, 0.85, renewals) })
				}),
				exact("withheld, withheld, withheld, allowed", func() string {
					return oneMissing(func(clients, renewals int64) string { return exactAllowed(clients, 0.85, renewals) })
				}),
			},
		},
		{
			ID:    "T6",
			Title: "A registry opened without peers evicts nobody until its first threshold update",
			Story: "Open with 0 clients, let 10 register and send 20 renewals a minute; then update with 10 clients.",
			Facts: []Fact{
				everyRelease.fact("withheld; after the update: allowed", openedEmpty),
				spring.fact("allowed; after the update: allowed", openedEmpty),
				bilibili.fact("allowed; after the update: allowed", openedEmpty),
				exact("allowed", func() string { return exactAllowed(10, 0.85, 20) }),
			},
		},
		{
			ID:    "T7",
			Title: "An update with exactly percent of what is expected is ignored",
			Story: "Open with 20 clients and update with 17, then with 18. An expectation of 20 leases follows them: how many renewals does it expect once three have left?",
			Facts: []Fact{
				from1_9_3.fact("17 ignored, 18 adopted", func(r preserve.Release) string {
					c := opened(preserve.DefaultConfig(r), 20)
					return fmt.Sprintf("17 %s, 18 %s", updated(c, 17), updated(c, 18))
				}),
				exact("34", func() string {
					e := expecting(0.85, 20, 30*time.Second)
					for range 3 {
						check(e.Remove(30 * time.Second))
					}
					return fmt.Sprint(e.Expected())
				}),
			},
		},
		{
			ID:    "T8",
			Title: "Old releases accept a registry that lost a quarter of its clients at once",
			Story: "Open with 100 clients: what is the smallest update that is adopted?",
			Facts: []Fact{
				upTo1_9_2.fact("73", smallestUpdate),
				from1_9_3.fact("86", smallestUpdate),
				exact("no counterpart: an expectation is never updated, it follows its leases", nil),
			},
		},
		{
			ID:    "T9",
			Title: "With self-preservation off an update to 0 is adopted, and freezes the count there",
			Story: "Switch self-preservation off, open with 10 clients, update with 0, and let 5 register.",
			Facts: []Fact{
				everyRelease.fact("expected after the update: 0, after 5 registrations: 0", updatedToNothing),
				bilibili.fact("expected after the update: 0, after 5 registrations: 10", updatedToNothing),
				exact("expected without leases: 0, after 5 registrations: 10", func() string {
					return fmt.Sprintf("expected without leases: %v, after 5 registrations: %v",
						expecting(0.85, 0, 0).Expected(), expecting(0.85, 5, 30*time.Second).Expected())
				}),
			},
		},
		{
			ID:    "T10",
			Title: "A changed percent changes the limit at once, the threshold only with the next change of the count",
			Story: "Open with 10 clients at 0.85 and change the percent to 0.5. Read threshold and limit, let one client register, and read the threshold again.",
			Facts: []Fact{
				everyRelease.fact("threshold 17, limit 5; after a registration: threshold 11", func(r preserve.Release) string {
					c := opened(preserve.DefaultConfig(r), 10)
					c.SetPercent(0.5)
					before, limit := c.Threshold(), evict.EurekaLimit(10, c.Keep(10))
					c.Registered()
					return fmt.Sprintf("threshold %d, limit %d; after a registration: threshold %d", before, limit, c.Threshold())
				}),
				exact("threshold 10, limit 5; after a registration: threshold 11", func() string {
					threshold := func(leases int) string { return exactThreshold(leases, 0.5) }
					return fmt.Sprintf("threshold %s, limit %d; after a registration: threshold %s", threshold(10), must(evict.Limit(10, 0.5)), threshold(11))
				}),
			},
		},
		{
			ID:    "T11",
			Title: "Expectations overflow a 32-bit int and freeze",
			Story: "Update a registry to 2^30 clients (up to v1.9.3), or to 2^31 - 1 (from v1.9.4), and let one more register, twice. The exact value: 100000 leases that renew every millisecond.",
			Facts: []Fact{
				upTo1_9_3.fact("-2147483648, then -2147483648, then -2147483648", func(r preserve.Release) string { return overflow(r, 1<<30) }),
				from1_9_4.fact("2147483647, then -2147483648, then -2147483648", func(r preserve.Release) string { return overflow(r, math.MaxInt32) }),
				exact("expected 6000000000", func() string {
					return fmt.Sprintf("expected %.0f", expecting(0.85, 100_000, time.Millisecond).Expected())
				}),
			},
		},
		{
			ID:    "T12",
			Title: "An update takes the number of clients from somewhere else",
			Story: "10 clients, as opened. The first update, after 15 minutes, counts what the server's own client has cached of all registries: 100. The second one, after 30 minutes, finds that the cache cannot be read. The threshold after each:",
			Facts: []Fact{
				everyRelease.kernel("170, 170", updatedFromElsewhere),
				exactKernel("17, 17", updatedFromElsewhere),
			},
		},
		{
			ID:    "T13",
			Title: "Opening again overrides what an update has refused, and does not wait for one",
			Story: "100 clients, as opened. An update with 10, then an opening with 10, then an update with 100, then an opening with 10: the threshold after each. Eureka's opening does not take the updates' lock, so that those of one moment come in either order, and the last one decides. The steps here are one after the other, on purpose. The exact rules have nothing to open and nothing to update.",
			Facts: []Fact{
				everyRelease.kernel("170, 17, 170, 17", openedAndUpdated),
				exactKernel("170, 170, 170, 170", openedAndUpdated),
			},
		},
		{
			ID:    "T14",
			Title: "The status page and the gate disagree",
			Story: "Self-preservation is off, nothing is expected, no renewal arrives, and the registry has been open for 6 minutes. May leases be evicted, and does the page say that renewals are below the threshold? The exact rule has one decision for both.",
			Facts: []Fact{
				everyRelease.fact("eviction: allowed, below the threshold: true", func(r preserve.Release) string {
					config := preserve.DefaultConfig(r)
					config.SelfPreservation = false
					c := opened(config, 0)
					return fmt.Sprintf("eviction: %s, below the threshold: %v", outcome(c.Decide(0)), c.Below(t0.Add(6*time.Minute), 0))
				}),
				exact("eviction: allowed", func() string {
					return "eviction: " + exactAllowed(0, 0.85, 0)
				}),
			},
		},
		{
			ID:    "T15",
			Title: "Evicted clients that come back are counted twice, or not, by release",
			Story: "Open with 10 clients; five times one lease is evicted and its client registers again. What is expected then?",
			Facts: []Fact{
				upTo1_4_8.fact("20 renewals", evictedAndBack("renewals")),
				v1_4_9to1_9_3.fact("30 renewals", evictedAndBack("renewals")),
				v1_9_4to1_9_16.fact("15 clients", evictedAndBack("clients")),
				from1_9_17.fact("10 clients", evictedAndBack("clients")),
				bilibili.fact("30 renewals", evictedAndBack("renewals")),
				exact("20 renewals", func() string {
					e := expecting(0.85, 10, 30*time.Second)
					for range 5 {
						check(e.Remove(30 * time.Second))
						check(e.Add(30 * time.Second))
					}
					return fmt.Sprintf("%v renewals", e.Expected())
				}),
			},
		},
	}
}

// opened is a calculator opened at t0. The stories' configs are valid.
func opened(config preserve.Config, clients int64) *preserve.Calculator {
	c := must(preserve.NewCalculator(config))
	check(c.Open(t0, clients))
	return c
}

// thresholdOf is the threshold of one client.
func thresholdOf(release preserve.Release, percent float64) int64 {
	config := preserve.DefaultConfig(release)
	config.Percent = percent
	return opened(config, 1).Threshold()
}

// expecting is an expectation per minute of leases with one interval.
func expecting(percent float64, leases int, interval time.Duration) *preserve.Expectation {
	e := must(preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: time.Minute, Percent: percent}))
	for range leases {
		check(e.Add(interval))
	}
	return e
}

func exactThreshold(leases int, percent float64) string {
	e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: time.Minute, Percent: percent})
	if err != nil {
		_, rule, _ := strings.Cut(err.Error(), fmt.Sprintf("Percent is %v: ", percent))
		return rule
	}
	for range leases {
		check(e.Add(30 * time.Second))
	}
	return fmt.Sprint(e.Decide(t0, 0).Threshold)
}

func outcome(d preserve.Decision) string {
	if d.Allowed {
		return "allowed"
	}
	return "withheld"
}

func updated(c *preserve.Calculator, count int64) string {
	if must(c.Update(count)) {
		return "adopted"
	}
	return "ignored"
}

func allowed(release preserve.Release, clients int64, percent float64, renewals int64) string {
	config := preserve.DefaultConfig(release)
	config.Percent = percent
	return outcome(opened(config, clients).Decide(renewals))
}

func exactAllowed(clients int64, percent float64, renewals int64) string {
	return outcome(expecting(percent, int(clients), 30*time.Second).Decide(t0, renewals))
}

func oneMissing(allowed func(clients, renewals int64) string) string {
	var outcomes []string
	for clients := int64(1); clients <= 4; clients++ {
		outcomes = append(outcomes, allowed(clients, 2*clients-1))
	}
	return strings.Join(outcomes, ", ")
}

func openedEmpty(release preserve.Release) string {
	c := opened(preserve.DefaultConfig(release), 0)
	for range 10 {
		c.Registered()
	}
	before := outcome(c.Decide(20))
	must(c.Update(10))
	return fmt.Sprintf("%s; after the update: %s", before, outcome(c.Decide(20)))
}

func smallestUpdate(release preserve.Release) string {
	for count := int64(0); ; count++ {
		if must(opened(preserve.DefaultConfig(release), 100).Update(count)) {
			return fmt.Sprint(count)
		}
	}
}

func updatedToNothing(release preserve.Release) string {
	config := preserve.DefaultConfig(release)
	config.SelfPreservation = false
	c := opened(config, 10)
	must(c.Update(0))
	before := c.Expected()
	for range 5 {
		c.Registered()
	}
	return fmt.Sprintf("expected after the update: %d, after 5 registrations: %d", before, c.Expected())
}

func overflow(release preserve.Release, count int64) string {
	config := preserve.DefaultConfig(release)
	config.SelfPreservation = false
	c := opened(config, 0)
	must(c.Update(count))
	expected := []any{c.Expected()}
	for range 2 {
		c.Registered()
		expected = append(expected, c.Expected())
	}
	return fmt.Sprintf("%d, then %d, then %d", expected...)
}

func evictedAndBack(unit string) func(preserve.Release) string {
	return func(release preserve.Release) string {
		c := opened(preserve.DefaultConfig(release), 10)
		for range 5 {
			c.Evicted()
			c.Registered()
		}
		return fmt.Sprintf("%d %s", c.Expected(), unit)
	}
}

func updatedFromElsewhere(config leasekernel.Config) string {
	r := registryOf(clients(10), config, hooks{View: func(now time.Time) (int64, error) {
		if now.After(at(20 * time.Minute)) {
			return 200, errors.New("the cache cannot be read")
		}
		return 100, nil
	}})
	r.until(15 * time.Minute)
	first := r.threshold()
	r.until(30 * time.Minute)
	return fmt.Sprintf("%v, %v", first, r.threshold())
}

func openedAndUpdated(config leasekernel.Config) string {
	var view int64
	r := registryOf(clients(100), config, hooks{View: func(time.Time) (int64, error) { return view, nil }})
	var thresholds []string
	step := func() { thresholds = append(thresholds, fmt.Sprint(r.threshold())) }
	for _, view = range []int64{10, 100} {
		r.Update(at(time.Minute))
		step()
		r.open(time.Minute, 10)
		step()
	}
	return strings.Join(thresholds, ", ")
}
