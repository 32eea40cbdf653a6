package quirk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
)

func registrationQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "G1",
			Title: "Registering again shortens a renewed lease",
			Story: "Two clients with leases of 90 s, whose services come up after 10 s, renew after 30 s. After 60 s one of them renews once more, and the other one registers again. How long does each lease last from then on, and when did its service come up?",
			Facts: []Fact{
				everyRelease.kernel("renewed: 3m0s, up after 10s; registered again: 1m30s, up after 10s", registeredAgain),
				exactKernel("renewed: 1m30s, up after 10s; registered again: 1m30s, up after 10s", registeredAgain),
			},
		},
		{
			ID:    "G2",
			Title: "An outdated registration keeps the newer holder, but not its term",
			Story: "A client registers version 2 of its data, changed after 20 s, for 90 s. Its registration of version 1, changed after 10 s, for 60 s, comes late. Whose data has the lease, and how long does it last? The kernel leaves the choice of both to the registry: up to v1.4.10 Eureka takes the outdated data with the newer time, then the newer data, and always the outdated term. Under the exact rules the registry here takes neither.",
			Facts: []Fact{
				upTo1_4_10.kernel("version 1, changed after 20s, lasts 1m0s", outdated(func(newer, late registration) registration {
					late.changed = newer.changed
					return late
				})),
				from1_4_11.kernel("version 2, changed after 20s, lasts 1m0s", outdated(func(newer, late registration) registration {
					newer.duration = late.duration
					return newer
				})),
				exactKernel("version 2, changed after 20s, lasts 1m30s", outdated(func(newer, _ registration) registration {
					return newer
				})),
			},
		},
		{
			ID:    "G3",
			Title: "A duration of 0 means 90 s from a client, and the end from a peer",
			Story: "A client registers for 0 s, and a peer sends the lease of another one, for 0 s. Self-preservation is off. Who is left after the first pass, after 60 s?",
			Facts: []Fact{
				everyRelease.kernel("registered: accepted, lasts 1m30s; loaded: accepted, evicted after 1m0s", withoutDuration),
				exactKernel("registered: refused; loaded: refused", withoutDuration),
			},
		},
		{
			ID:    "G4",
			Title: "What a peer sends on counts like what clients send",
			Story: "5 clients came from a peer, which sends their heartbeats on; 5 more register here. All send 2 heartbeats in the first minute. What does a pass at its end decide by, and how many renewals came from the peer?",
			Facts: []Fact{
				everyRelease.kernel("20 renewals, threshold 17: allowed; 10 from the peer", sentOn),
				exactKernel("20 renewals, threshold 17: allowed; 10 from the peer", sentOn),
			},
		},
		{
			ID:    "G5",
			Title: "When the last client has left, nobody is counted any more",
			Story: "The only client cancels. Then 50 clients register and send their 100 renewals of the first minute. What does a pass at its end decide by?",
			Facts: []Fact{
				everyRelease.kernel("100 renewals, threshold 0: withheld", afterTheLast),
				bilibili.kernel("100 renewals, threshold 85: allowed", afterTheLast),
				exactKernel("100 renewals, threshold 85: allowed", afterTheLast),
			},
		},
		{
			ID:    "G6",
			Title: "A change of status renews the lease, but does not count",
			Story: "10 clients send 2 signs of life in the first minute; the second one of 4 of them is a change of status. How long do their leases last from then on, and what does a pass at the end of the minute decide by?",
			Facts: []Fact{
				everyRelease.kernel("lasts 3m0s; 16 renewals, threshold 17: withheld", changedStatus),
				exactKernel("lasts 1m30s; 16 renewals, threshold 17: withheld", changedStatus),
			},
		},
		{
			ID:    "G7",
			Title: "Heartbeats of unknown clients do not count",
			Story: "A registry got 5 of its 10 clients from its peer. All 10 send 2 heartbeats in the first minute. How many are taken, and what does a pass at its end decide by?",
			Facts: []Fact{
				everyRelease.kernel("10 of 20 taken; 10 renewals, threshold 8: allowed", unknownClients),
				exactKernel("10 of 20 taken; 10 renewals, threshold 8.5: allowed", unknownClients),
			},
		},
		{
			ID:    "G8",
			Title: "Applications that left for good still decide the order of the candidates",
			Story: "Clients of ORDERS, STOCK, PAYMENTS and again ORDERS register and fall silent, and a pass that always draws the first candidate evicts them all. Then the same after 12 other applications had come and left. Eureka goes through two levels of Java's hash maps, of which the outer one never shrinks; the hook Order gives the kernel that order. Without it candidates come in the order of their registration.",
			Facts: []Fact{
				everyRelease.kernel("PAYMENTS/1 ORDERS/1 ORDERS/2 STOCK/1, then PAYMENTS/1 STOCK/1 ORDERS/1 ORDERS/2", func(config leasekernel.Config) string {
					return afterOthersLeft(config, hashMapOrder)
				}),
				exactKernel("ORDERS/1 STOCK/1 PAYMENTS/1 ORDERS/2, then ORDERS/1 STOCK/1 PAYMENTS/1 ORDERS/2", func(config leasekernel.Config) string {
					return afterOthersLeft(config, nil)
				}),
			},
		},
	}
}

func registeredAgain(config leasekernel.Config) string {
	r := registryOf([]string{"renewed", "again"}, config, hooks{})
	now := at(60 * time.Second)
	for key, s := range r.All() {
		s.ServiceUp(at(10 * time.Second))
		r.Renew(at(30*time.Second), key)
	}
	r.Renew(now, "renewed")
	r.register(60*time.Second, "again")
	look := func(key string) string {
		s, _ := r.Get(key)
		up, _ := s.ServiceUpAt()
		return fmt.Sprintf("%v, up after %v", lasts(s, now), up.Sub(t0))
	}
	return fmt.Sprintf("renewed: %s; registered again: %s", look("renewed"), look("again"))
}

// registration is what a client sends, and what a registry keeps of it.
type registration struct {
	version  int
	changed  time.Duration // since t0
	duration time.Duration
}

// outdated is the story of a late registration, with the registry's choice of
// what to grant.
func outdated(choose func(newer, late registration) registration) func(leasekernel.Config) string {
	return func(config leasekernel.Config) string {
		const key = "ORDERS/1"
		k := must(leasekernel.New(t0, config, leasekernel.Hooks[string, registration]{}))
		now := at(30 * time.Second)
		register := func(incoming registration) {
			if held, ok := k.Get(key); ok && held.Holder().changed > incoming.changed {
				incoming = choose(held.Holder(), incoming)
			}
			term := config.Term
			term.Duration = incoming.duration
			must(k.Register(now, key, incoming, term))
		}
		register(registration{version: 2, changed: 20 * time.Second, duration: 90 * time.Second})
		register(registration{version: 1, changed: 10 * time.Second, duration: 60 * time.Second})
		s, _ := k.Get(key)
		return fmt.Sprintf("version %d, changed after %v, lasts %v", s.Holder().version, s.Holder().changed, lasts(s, now))
	}
}

func withoutDuration(config leasekernel.Config) string {
	config.SelfPreservation = false
	r := newRegistry(config, hooks{})
	term := config.Term
	term.Duration = 0
	_, errLoaded := r.Load(t0, "loaded", "", term)
	r.open(0, 1)
	_, errRegistered := r.Register(t0, "registered", "", term)
	r.until(time.Minute)
	became := func(key string, err error) string {
		if s, ok := r.Get(key); ok {
			return fmt.Sprintf("%s: %s, lasts %v", key, accepted(err), lasts(s, t0))
		}
		for _, change := range r.Explain(at(time.Minute), key).Last {
			if change.Kind == leasekernel.Evicted {
				return fmt.Sprintf("%s: %s, evicted after %v", key, accepted(err), change.At.Sub(t0))
			}
		}
		return fmt.Sprintf("%s: %s", key, accepted(err))
	}
	return became("registered", errRegistered) + "; " + became("loaded", errLoaded)
}

func sentOn(config leasekernel.Config) string {
	all := clients(10)
	peers, own := all[:5], all[5:]
	r := registryOf(peers, config, hooks{})
	r.register(10*time.Second, own...)
	r.renewTwice(own)
	for _, since := range []time.Duration{20 * time.Second, 50 * time.Second} {
		for _, key := range peers {
			r.RenewReplicated(at(since), key)
		}
	}
	r.until(time.Minute)
	return fmt.Sprintf("%s; %d from the peer", weighed(r.lastEviction().Decision), r.Status(at(time.Minute)).Replicated)
}

func afterTheLast(config leasekernel.Config) string {
	r := registryOf(clients(1), config, hooks{})
	r.Cancel(at(10*time.Second), "client 1")
	r.register(10*time.Second, clients(50)...)
	r.renewTwice(clients(50))
	r.until(time.Minute)
	return weighed(r.lastEviction().Decision)
}

func changedStatus(config leasekernel.Config) string {
	all := clients(10)
	r := registryOf(all, config, hooks{})
	r.renew(20*time.Second, all)
	now := at(50 * time.Second)
	for _, key := range all[:4] {
		r.RenewUncounted(now, key)
	}
	r.renew(50*time.Second, all[4:])
	r.until(time.Minute)
	s, _ := r.Get(all[0])
	return fmt.Sprintf("lasts %v; %s", lasts(s, now), weighed(r.lastEviction().Decision))
}

func unknownClients(config leasekernel.Config) string {
	r := registryOf(clients(5), config, hooks{})
	taken := r.renewTwice(clients(10))
	r.until(time.Minute)
	return fmt.Sprintf("%d of 20 taken; %s", taken, weighed(r.lastEviction().Decision))
}

// afterOthersLeft is the order in which candidates are evicted, in a registry
// that never had other applications and in one that had.
func afterOthersLeft(config leasekernel.Config, order func(candidates []snapshot, applications int)) string {
	config.SelfPreservation, config.Percent = false, 0
	first := evict.SourceFunc(func(int) int { return 0 })
	evicted := func(others int) string {
		hooks := hooks{Source: first}
		if order != nil {
			hooks.Order = func(_ time.Time, candidates []snapshot) { order(candidates, others+3) }
		}
		r := newRegistry(config, hooks)
		for i := range others {
			key := fmt.Sprintf("OTHER-%d/1", i)
			r.register(0, key)
			r.Cancel(t0, key)
		}
		r.register(0, "ORDERS/1", "STOCK/1", "PAYMENTS/1", "ORDERS/2")
		var keys []string
		for _, change := range r.EvictForgiving(at(10*time.Minute), 0).Eviction.Evicted {
			keys = append(keys, change.Lease.Key())
		}
		return strings.Join(keys, " ")
	}
	return fmt.Sprintf("%s, then %s", evicted(0), evicted(12))
}

// hashMapOrder puts candidates in the order in which Eureka on OpenJDK goes
// through its ConcurrentHashMap of applications, of which there have been so
// many, and through the map of each application's clients: by their buckets.
func hashMapOrder(candidates []snapshot, applications int) {
	slices.SortStableFunc(candidates, func(a, b snapshot) int {
		appA, clientA, _ := strings.Cut(a.Key(), "/")
		appB, clientB, _ := strings.Cut(b.Key(), "/")
		return cmp.Or(
			cmp.Compare(bucket(appA, applications), bucket(appB, applications)),
			cmp.Compare(bucket(clientA, 2), bucket(clientB, 2)))
	})
}

// bucket is where a map that has had so many keys keeps this one.
func bucket(key string, keys int) uint32 {
	var hash uint32 // String.hashCode
	for _, char := range []byte(key) {
		hash = 31*hash + uint32(char)
	}
	buckets := uint32(16)
	for keys >= int(buckets)*3/4 {
		buckets *= 2
	}
	return (hash ^ hash>>16) & (buckets - 1)
}
