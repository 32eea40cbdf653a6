package quirk

import (
	"fmt"
	"math/rand"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// bilibiliQuirks are those of bilibili/discovery. Two numbers are left out,
// since no story can show them: B9, that a cancel leaves an expectation of 0 as
// it is, though there is none while somebody has a lease; and B17, that a pass
// reads the clock anew for each lease, where the kernel's has one instant.
func bilibiliQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "B1",
			Title: "As many renewals as the threshold are enough",
			Story: "A registry of 1, 2, 3 and 4 clients: the thresholds. Then the 4 send 6 renewals of their first minute. What does a pass at its end decide by?",
			Facts: []Fact{
				bilibili.kernel("1, 3, 5, 6; 6 renewals, threshold 6: allowed", reached),
				everyRelease.kernel("1, 3, 5, 6; 6 renewals, threshold 6: withheld", reached),
				exactKernel("1.7, 3.4, 5.1, 6.8; 6 renewals, threshold 6.8: withheld", reached),
			},
		},
		{
			ID:    "B2",
			Title: "A lease of 90 s lasts 90 s, renewed or not",
			Story: "A client registers, another one also renews after 30 s. A pass comes after the longest silence that makes it no candidate, and another one a millisecond later: how many candidates do they find?",
			Facts: []Fact{
				bilibili.kernel("registered: 0 after 1m30s, then 1; renewed: 0 after 1m30s, then 1", borderOfCandidates),
				everyRelease.kernel("registered: 0 after 1m30s, then 1; renewed: 0 after 3m0s, then 1", borderOfCandidates),
				exactKernel("registered: 0 after 1m30s, then 1; renewed: 0 after 1m30s, then 1", borderOfCandidates),
			},
		},
		{
			ID:    "B3",
			Title: "After an hour of silence preservation protects nobody",
			Story: "10 clients register, and only one of them renews, once, a second later. A pass comes after an hour, and another one a millisecond later. Then 22 clients, which all renew after 50 s; after 65 s the clock is set forward by 59 minutes, 4 renew once more, and the pass that is due after 2 minutes comes. All these passes are withheld.",
			Facts: []Fact{
				bilibili.kernel("after an hour: 0 candidates, 0 evicted; a millisecond later: 9 candidates, 2 evicted; clock set forward: 18 candidates, 4 evicted", beyondTheHour),
				everyRelease.kernel("after an hour: 0 candidates, 0 evicted; a millisecond later: 0 candidates, 0 evicted; clock set forward: 0 candidates, 0 evicted", beyondTheHour),
				exactKernel("after an hour: 0 candidates, 0 evicted; a millisecond later: 0 candidates, 0 evicted; clock set forward: 0 candidates, 0 evicted", beyondTheHour),
			},
		},
		{
			ID:    "B4",
			Title: "Evicted clients that come back are counted twice, until the next reset",
			Story: "32 clients, of which 8 are evicted and register again. Then everybody is in time and 67 renewals arrive in a minute. What would a pass decide by, and what after the update that is due every 15 minutes?",
			Facts: []Fact{
				bilibili.kernel("67 renewals, threshold 68: withheld; updated: 67 renewals, threshold 54: allowed", evictedAndInTime),
				from1_9_17.kernel("67 renewals, threshold 54: allowed; updated: 67 renewals, threshold 54: allowed", evictedAndInTime),
				exactKernel("67 renewals, threshold 54.4: allowed; updated: 67 renewals, threshold 54.4: allowed", evictedAndInTime),
			},
		},
		{
			ID:    "B5",
			Title: "Fast clients make up for dead ones",
			Story: "22 clients register. 11 of them renew every 10 s, and said so; the others fall silent. What does the pass after 2 minutes decide by, and how many does it find expired?",
			Facts: []Fact{
				bilibili.kernel("66 renewals, threshold 37: allowed; 11 candidates", fastAndDead),
				everyRelease.kernel("66 renewals, threshold 37: allowed; 11 candidates", fastAndDead),
				exactKernel("66 renewals, threshold 74.8: withheld; 0 candidates", fastAndDead),
			},
		},
		{
			ID:    "B6",
			Title: "An outdated registration renews nothing",
			Story: "A client registers and falls silent. After 80 s it registers again: with data that is a second older than that of the first time, with the same, and with newer data. How long does its lease last from then on? The kernel leaves it to the registry which registration to take: bilibili's drops an outdated one, lease and all. Under the exact rules the registry here takes it for a sign of life.",
			Facts: []Fact{
				bilibili.kernel("older: 10s, same: 1m30s, newer: 1m30s", datedAgain),
				exactKernel("older: 1m30s, same: 1m30s, newer: 1m30s", datedAgain),
			},
		},
		{
			ID:    "B7",
			Title: "Registrations are no renewals: after a mass registration a registry suspects itself",
			Story: "10 clients register after 35 s, and would renew 30 s later. What does the pass after a minute decide by?",
			Facts: []Fact{
				bilibili.kernel("0 renewals, threshold 17: withheld", registeredTogether),
				exactKernel("0 renewals, threshold 17: withheld", registeredTogether),
			},
		},
		{
			ID:    "B8",
			Title: "The reset counts the dead with the living, and forgets only whom a pass evicted",
			Story: "10 clients, of which 4 have fallen silent, are counted anew, before and after a pass that evicts 2 of them. What is expected each time, of how many leases?",
			Facts: []Fact{
				bilibili.kernel("20 of 10; evicted: 20 of 8; reset: 16 of 8", resetWithTheDead),
				exactKernel("20 of 10; evicted: 16 of 8; reset: 16 of 8", resetWithTheDead),
			},
		},
		{
			ID:    "B10",
			Title: "A single lease may always go",
			Story: "Registries of 0, 1, 6 and 16 leases, all of which have expired. How many does one pass evict, with self-preservation off?",
			Facts: []Fact{
				bilibili.kernel("0, 1, 1, 3", evictedOfAll),
				from1_3_0.kernel("0, 1, 1, 3", evictedOfAll),
				exactKernel("0, 1, 1, 3", evictedOfAll),
			},
		},
		{
			ID:    "B11",
			Title: "Heartbeats of unknown clients do not count",
			Story: "5 clients register, and 10 send 2 heartbeats in the first minute. How many are taken, and what does a pass at its end decide by?",
			Facts: []Fact{
				bilibili.kernel("10 of 20 taken; 10 renewals, threshold 8: allowed", unknownClients),
				exactKernel("10 of 20 taken; 10 renewals, threshold 8.5: allowed", unknownClients),
			},
		},
		{
			ID:    "B12",
			Title: "A clock that is set forward evicts who is in time",
			Story: "16 clients send 32 renewals in a minute. 10 s before its end the clock is set forward by 95 s, and 4 of them renew again. What does the pass decide by, how many leases does it find expired, and how many does it evict? Instants are those of the wall clock; with a monotonic reading the exact rules would not see the step.",
			Facts: []Fact{
				bilibili.kernel("36 renewals, threshold 27: allowed; 12 candidates, 3 evicted", setForward),
				everyRelease.kernel("36 renewals, threshold 27: allowed; 0 candidates, 0 evicted", setForward),
				exactKernel("4 renewals, threshold 27.2: withheld; 0 candidates, 0 evicted", setForward),
			},
		},
		{
			ID:    "B13",
			Title: "A status from the future makes the client's next registrations outdated",
			Story: "A client registers; after 20 s its status is set, by a clock that is 10 minutes fast. It falls silent and registers again after 80 s. How long does its lease last from then on?",
			Facts: []Fact{
				bilibili.kernel("10s", statusFromTheFuture),
				exactKernel("1m30s", statusFromTheFuture),
			},
		},
		{
			ID:    "B14",
			Title: "A stall makes a minute of hardly any renewals, and one of too many",
			Story: "13 clients send 26 renewals a minute. From 2 minutes 5 s on, when 3 of the third minute have come, the process stands still until 5 minutes 38 s. It takes the tick that it has missed, then the 77 heartbeats that have queued up, and 22 s later the next tick: the ticker keeps its phase, and the kernel's meter does if it is given the instants at which ticks were due. Eureka's timer would run again a minute after it was late. What would the two passes decide by?",
			Facts: []Fact{
				bilibili.kernel("3 renewals, threshold 22: withheld; 77 renewals, threshold 22: allowed", stalled(3*time.Minute)),
				everyRelease.kernel("3 renewals, threshold 22: withheld; 3 renewals, threshold 22: withheld", stalled(stallEnds)),
				exactKernel("0 renewals, threshold 22.1: withheld; 77 renewals, threshold 22.1: allowed", stalled(stallEnds)),
			},
		},
		{
			ID:    "B15",
			Title: "All passes draw from one stream of Go's random numbers",
			Story: "Passes evict 1 of 1 candidate, 4 of 18, 3 of 12 and 3 of 9, with Go's math/rand and the seed 364740531473: the places of their victims. The exact rules take any source.",
			Facts: []Fact{
				bilibili.kernel("[0], [15 8 3 12], [6 9 5], [3 6 8]", drawnFromOneStream),
				exactKernel("[0], [15 8 3 12], [6 9 5], [3 6 8]", drawnFromOneStream),
			},
		},
		{
			ID:    "B16",
			Title: "A pass decides first, and evicts by key in the end",
			Story: "4 of 8 clients have expired, the others have sent 14 renewals in a minute. When a pass has seen that, and before it evicts, those 4 register again, and so does a new client, with which too many renewals are missing. Here bilibili's rules run with EvictByKey, which reproduces the race; the kernel's default under all rules is the exact one. (Read in the source: recordings of one thread show no race.)",
			Facts: []Fact{
				bilibili.kernel("14 renewals, threshold 13: allowed; 2 evicted with 1m30s left, 0 rescued; 14 renewals, threshold 15: withheld", func(config leasekernel.Config) string {
					config.EvictByKey = true
					return decidedBefore(config)
				}),
				exactKernel("14 renewals, threshold 13.6: allowed; 0 evicted, 2 rescued; 14 renewals, threshold 15.3: withheld", decidedBefore),
			},
		},
	}
}

// decisionAt is what a pass would go by.
func (r *registry) decisionAt(since time.Duration) string {
	return weighed(r.Status(at(since)).Decision)
}

// found is what a pass found and did.
func found(pass *leasekernel.Eviction[string, string]) string {
	return fmt.Sprintf("%d candidates, %d evicted", pass.Candidates, len(pass.Evicted))
}

func reached(config leasekernel.Config) string {
	var thresholds []string
	for n := 1; n <= 4; n++ {
		thresholds = append(thresholds, fmt.Sprint(registryOf(clients(n), config, hooks{}).threshold()))
	}
	r := registryOf(clients(4), config, hooks{})
	r.renew(20*time.Second, clients(4))
	r.renew(50*time.Second, clients(2))
	r.until(time.Minute)
	return fmt.Sprintf("%s; %s", strings.Join(thresholds, ", "), weighed(r.lastEviction().Decision))
}

func borderOfCandidates(config leasekernel.Config) string {
	config.SelfPreservation = false
	candidates := func(renewed, silence time.Duration) int {
		r := registryOf(clients(1), config, hooks{})
		if renewed > 0 {
			r.renew(renewed, clients(1))
		}
		return r.EvictForgiving(at(renewed+silence), 0).Eviction.Candidates
	}
	border := func(renewed time.Duration) string {
		for silence := 30 * time.Second; silence <= time.Hour; silence += 30 * time.Second {
			if later := candidates(renewed, silence+time.Millisecond); later > 0 {
				return fmt.Sprintf("%d after %v, then %d", candidates(renewed, silence), silence, later)
			}
		}
		return "never"
	}
	return fmt.Sprintf("registered: %s; renewed: %s", border(0), border(30*time.Second))
}

func beyondTheHour(config leasekernel.Config) string {
	r := registryOf(clients(10), config, hooks{})
	r.renew(time.Second, clients(1))
	border := r.EvictForgiving(at(time.Hour), 0).Eviction
	beyond := r.EvictForgiving(at(time.Hour+time.Millisecond), 0).Eviction

	const step = 59 * time.Minute
	stepped := registryOf(clients(22), config, hooks{})
	stepped.renew(50*time.Second, clients(22))
	stepped.Rotate(at(time.Minute))
	stepped.renew(70*time.Second+step, clients(4))
	stepped.Rotate(at(2*time.Minute + step))
	forward := stepped.EvictForgiving(at(2*time.Minute+step), 0).Eviction
	return fmt.Sprintf("after an hour: %s; a millisecond later: %s; clock set forward: %s", found(border), found(beyond), found(forward))
}

func evictedAndInTime(config leasekernel.Config) string {
	all := clients(32)
	back := all[24:]
	r := registryOf(all, config, hooks{})
	r.renew(4*time.Minute, all[:24])
	r.SetSelfPreservation(false)
	for range 2 { // 5, and the other 3
		r.EvictForgiving(at(5*time.Minute), 0)
	}
	r.SetSelfPreservation(true)
	r.register(5*time.Minute, back...)
	r.Rotate(at(6 * time.Minute))
	r.renew(6*time.Minute+10*time.Second, all)
	r.renew(6*time.Minute+40*time.Second, all)
	r.renew(6*time.Minute+50*time.Second, all[:3])
	r.Rotate(at(7 * time.Minute))
	before := r.decisionAt(7 * time.Minute)
	r.Update(at(7 * time.Minute))
	return fmt.Sprintf("%s; updated: %s", before, r.decisionAt(7*time.Minute))
}

func fastAndDead(config leasekernel.Config) string {
	all := clients(22)
	fast := all[:11]
	r := newRegistry(config, hooks{})
	for i, key := range all {
		term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
		if i < len(fast) {
			term.Interval = 10 * time.Second
		}
		must(r.Load(t0, key, "", term))
	}
	r.open(0, int64(len(all)))
	for since := 5 * time.Second; since < 2*time.Minute; since += 10 * time.Second {
		r.until(since)
		r.renew(since, fast)
	}
	r.until(2 * time.Minute)
	pass := r.lastEviction()
	return fmt.Sprintf("%s; %d candidates", weighed(pass.Decision), pass.Candidates)
}

// datedRegistry is a registry whose clients date their data.
type datedRegistry struct {
	*registry
	dates map[string]time.Duration // of what it has, since t0
	drops bool                     // outdated registrations
}

func newDatedRegistry(config leasekernel.Config) datedRegistry {
	return datedRegistry{newRegistry(config, hooks{}), make(map[string]time.Duration), config.Release == preserve.Bilibili}
}

func (r datedRegistry) registerDated(since time.Duration, key string, date time.Duration) {
	if _, known := r.Get(key); known && date < r.dates[key] {
		if r.drops {
			return
		}
		date = r.dates[key]
	}
	r.dates[key] = date
	r.register(since, key)
}

func (r datedRegistry) lasts(since time.Duration, key string) time.Duration {
	s, _ := r.Get(key)
	return lasts(s, at(since))
}

func datedAgain(config leasekernel.Config) string {
	again := func(change time.Duration) time.Duration {
		const key, first, second = "ORDERS/1", 0, 80 * time.Second
		r := newDatedRegistry(config)
		r.registerDated(first, key, first)
		r.registerDated(second, key, first+change)
		return r.lasts(second, key)
	}
	return fmt.Sprintf("older: %v, same: %v, newer: %v", again(-time.Second), again(0), again(time.Second))
}

func statusFromTheFuture(config leasekernel.Config) string {
	const key, second = "ORDERS/1", 80 * time.Second
	r := newDatedRegistry(config)
	r.registerDated(0, key, 0)
	r.dates[key] = 20*time.Second + 10*time.Minute // its status was set, which renews nothing
	r.registerDated(second, key, second)
	return r.lasts(second, key).String()
}

func registeredTogether(config leasekernel.Config) string {
	r := newRegistry(config, hooks{})
	r.register(35*time.Second, clients(10)...)
	r.until(time.Minute)
	return weighed(r.lastEviction().Decision)
}

func resetWithTheDead(config leasekernel.Config) string {
	config.SelfPreservation = false
	r := registryOf(clients(10), config, hooks{})
	r.renew(80*time.Second, clients(6))
	expected := func() string {
		return fmt.Sprintf("%v of %d", r.Status(at(2*time.Minute)).Decision.Expected, r.Len())
	}
	r.Update(at(2 * time.Minute))
	before := expected()
	r.EvictForgiving(at(2*time.Minute), 0)
	evicted := expected()
	r.Update(at(2 * time.Minute))
	return fmt.Sprintf("%s; evicted: %s; reset: %s", before, evicted, expected())
}

func evictedOfAll(config leasekernel.Config) string {
	config.SelfPreservation = false
	var evicted []string
	for _, size := range []int{0, 1, 6, 16} {
		pass := registryOf(clients(size), config, hooks{}).EvictForgiving(at(10*time.Minute), 0).Eviction
		evicted = append(evicted, fmt.Sprint(len(pass.Evicted)))
	}
	return strings.Join(evicted, ", ")
}

func setForward(config leasekernel.Config) string {
	const step = 95 * time.Second
	all := clients(16)
	r := registryOf(all, config, hooks{})
	r.Rotate(at(time.Minute))
	r.renew(70*time.Second, all)
	r.renew(100*time.Second, all)
	r.renew(115*time.Second+step, all[:4])
	r.Rotate(at(2*time.Minute + step))
	pass := r.EvictForgiving(at(2*time.Minute+step), 0).Eviction
	return fmt.Sprintf("%s; %s", weighed(pass.Decision), found(pass))
}

// stallEnds is when the process goes on in the story of B14.
const stallEnds = 5*time.Minute + 38*time.Second

// stalled is the story of a stall in which a tick was missed that is taken at
// its end. The meter is told the given instant of it.
func stalled(missed time.Duration) func(leasekernel.Config) string {
	return func(config leasekernel.Config) string {
		all := clients(13)
		r := registryOf(all, config, hooks{})
		r.Rotate(at(time.Minute))
		r.renew(70*time.Second, all)
		r.renew(100*time.Second, all)
		r.Rotate(at(2 * time.Minute))
		r.renew(124*time.Second, all[:3])
		r.Rotate(at(missed))
		late := r.decisionAt(stallEnds)
		for range 5 {
			r.renew(stallEnds, all)
		}
		r.renew(stallEnds, all[:12])
		r.Rotate(at(6 * time.Minute))
		return fmt.Sprintf("%s; %s", late, r.decisionAt(6*time.Minute))
	}
}

func drawnFromOneStream(config leasekernel.Config) string {
	config.SelfPreservation = false
	stream := rand.New(rand.NewSource(364740531473))
	var victims []string
	for _, row := range []struct{ size, candidates int }{{1, 1}, {22, 18}, {20, 12}, {17, 9}} {
		places := make(map[string]int)
		r := registryOf(clients(row.size), config, hooks{Source: stream, Order: func(_ time.Time, candidates []snapshot) {
			for place, candidate := range candidates {
				places[candidate.Key()] = place
			}
		}})
		r.renew(80*time.Second, clients(row.size)[row.candidates:])
		var drawn []int
		for _, change := range r.EvictForgiving(at(2*time.Minute), 0).Eviction.Evicted {
			drawn = append(drawn, places[change.Key])
		}
		victims = append(victims, fmt.Sprint(drawn))
	}
	return strings.Join(victims, ", ")
}

func decidedBefore(config leasekernel.Config) string {
	const now = 2 * time.Minute
	all := clients(9)
	alive, silent, newcomer := all[:4], all[4:8], all[8]
	var r *registry
	r = registryOf(all[:8], config, hooks{Order: func(time.Time, []snapshot) {
		r.register(now, append([]string{newcomer}, silent...)...)
	}})
	r.Rotate(at(time.Minute))
	for _, since := range []time.Duration{70, 90, 110} {
		r.renew(since*time.Second, alive)
	}
	r.renew(115*time.Second, alive[:2])
	r.Rotate(at(now))
	pass := r.EvictForgiving(at(now), 0).Eviction
	left := ""
	for _, change := range pass.Evicted {
		left = fmt.Sprintf(" with %v left", lasts(change.Lease, at(now)))
	}
	return fmt.Sprintf("%s; %d evicted%s, %d rescued; %s", weighed(pass.Decision), len(pass.Evicted), left, len(pass.Rescued), weighed(pass.After))
}
