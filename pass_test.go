package leasekernel_test

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// tickUntil runs every pass that is due up to and including an instant, each
// at the very instant for which it is planned.
func tickUntil(k *kernel, until time.Duration) (reports []report) {
	for next, ok := k.Next(); ok && !next.After(at(until)); next, ok = k.Next() {
		reports = append(reports, k.Tick(next))
	}
	return reports
}

func evictedBy(reports []report) (keys []int) {
	for _, report := range reports {
		if report.Eviction != nil {
			keys = append(keys, keysOf(report.Eviction.Evicted)...)
		}
	}
	return keys
}

// A lease is evicted by a pass strictly after its deadline: of the last
// renewal plus the term, of twice the term under Eureka's rule once it was
// renewed (quirk L1).
func TestNothingIsEvictedBeforeItsDeadline(t *testing.T) {
	const s = time.Second
	for name, row := range map[string]struct {
		config leasekernel.Config
		renew  []time.Duration
		last   time.Duration // at which it is not evicted
		tick   time.Duration
	}{
		"exact, registered":    {leasekernel.Exact(), nil, 90 * s, 1},
		"exact, renewed":       {leasekernel.Exact(), []time.Duration{30 * s, 60 * s}, 150 * s, 1},
		"exact, out of order":  {leasekernel.Exact(), []time.Duration{60 * s, 30 * s}, 150 * s, 1},
		"eureka, registered":   {leasekernel.Spring(), nil, 90 * s, time.Millisecond},
		"eureka, renewed":      {leasekernel.Spring(), []time.Duration{30 * s, 60 * s}, 240 * s, time.Millisecond},
		"eureka, out of order": {leasekernel.Spring(), []time.Duration{60 * s, 30 * s}, 210 * s, time.Millisecond},
		"bilibili, registered": {leasekernel.Bilibili(), nil, 90 * s, time.Millisecond},
		"bilibili, renewed":    {leasekernel.Bilibili(), []time.Duration{30 * s}, 120 * s, time.Millisecond},
		"bilibili, set back":   {leasekernel.Bilibili(), []time.Duration{60 * s, 30 * s}, 120 * s, time.Millisecond}, // quirk B12
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, limitless(row.config))
			if row.config.Release == preserve.Spring {
				open(t, k, 0, 1)
			}
			register(t, k, 0, 1)
			for _, after := range row.renew {
				renew(t, k, after, 1)
			}
			for _, early := range []time.Duration{0, s, row.last - s, row.last - 1, row.last, row.last + row.tick - 1} {
				if evicted := k.EvictForgiving(at(early), 0).Eviction.Evicted; len(evicted) != 0 {
					t.Fatalf("evicted after %v", early)
				}
			}
			same(t, "evicted", keysOf(k.EvictForgiving(at(row.last+row.tick), 0).Eviction.Evicted), []int{1})
			equal(t, "renewed", k.Renew(at(row.last+row.tick), 1), false)
		})
	}
}

// Ten clients, of which some fall silent after two minutes, and a pass every
// 10 s. What is expected falls with every eviction, and with it the threshold.
func TestEvictionIsWithheldWhileRenewalsAreMissing(t *testing.T) {
	for _, row := range []struct {
		silent  int
		evicted int
		reason  preserve.Reason // at the end
	}{
		{0, 0, preserve.EnoughRenewals},
		{1, 1, preserve.EnoughRenewals}, // 18 of 20 reach 17
		{2, 0, preserve.TooFewRenewals}, // 16 do not
		{10, 0, preserve.TooFewRenewals},
	} {
		t.Run(fmt.Sprint(row.silent), func(t *testing.T) {
			k := newKernel(t, leasekernel.Exact())
			register(t, k, 0, numbers(10)...)
			var reports []report
			for after := time.Duration(0); after <= 10*time.Minute; after += 30 * time.Second {
				keys := numbers(10)
				if after > 2*time.Minute {
					keys = keys[row.silent:]
				}
				renew(t, k, after, keys...)
				reports = append(reports, tickUntil(k, after)...)
			}
			equal(t, "passes", len(reports), 60)
			equal(t, "evicted", len(evictedBy(reports)), row.evicted)
			last := reports[len(reports)-1].Eviction
			equal(t, "reason", last.Decision.Reason, row.reason)
			equal(t, "size", last.Size, 10-row.evicted)
			if !last.Decision.Allowed && (last.Limit != 0 || last.Candidates != 0 || last.After != last.Decision) {
				t.Errorf("a pass that is withheld did something: %+v", last)
			}
			equal(t, "expected", last.After.Expected, float64(20-2*row.evicted))
		})
	}
}

// Until the meter has seen a window the exact rules evict nobody, unless
// preservation is off.
func TestWarmUp(t *testing.T) {
	short := lease.Term{Duration: 3 * time.Second, Interval: time.Second}
	for name, row := range map[string]struct {
		change func(*leasekernel.Config)
		after  time.Duration
		want   preserve.Reason
	}{
		"its last instant":      {func(*leasekernel.Config) {}, time.Minute - 1, preserve.WarmingUp},
		"its end":               {func(*leasekernel.Config) {}, time.Minute, preserve.TooFewRenewals},
		"percent 0, warming up": {func(c *leasekernel.Config) { c.Percent = 0 }, time.Minute - 1, preserve.WarmingUp},
		"percent 0, warm":       {func(c *leasekernel.Config) { c.Percent = 0 }, time.Minute, preserve.EnoughRenewals},
		"switched off":          {func(c *leasekernel.Config) { c.SelfPreservation = false }, 4 * time.Second, preserve.SwitchedOff},
		"longer than a window":  {func(c *leasekernel.Config) { c.Warmup = time.Hour }, time.Hour - 1, preserve.WarmingUp},
	} {
		t.Run(name, func(t *testing.T) {
			config := leasekernel.Exact()
			row.change(&config)
			k := newKernel(t, config)
			if _, err := k.Register(t0, 1, "", short); err != nil {
				t.Fatal(err)
			}
			eviction := k.Evict(at(row.after)).Eviction
			equal(t, "reason", eviction.Decision.Reason, row.want)
			equal(t, "the decision says until when", !eviction.Decision.WarmUntil.IsZero(), row.want == preserve.WarmingUp)
			equal(t, "evicted", len(eviction.Evicted) == 1, eviction.Decision.Allowed)
		})
	}
}

// All of a registry's leases have expired, and nobody withholds their
// eviction: so many go in each pass. 1000 take 34 passes.
func TestEachPassLeavesItsShare(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "eureka": leasekernel.Eureka(preserve.EurekaV1_9_17)} {
		passes := func(leases int) (evicted []int) {
			k := newKernel(t, unguarded(config))
			register(t, k, 0, numbers(leases)...)
			for now := 10 * time.Minute; k.Len() > 0; now += time.Minute {
				eviction := k.EvictForgiving(at(now), 0).Eviction
				equal(t, "limit", eviction.Limit, len(eviction.Evicted))
				equal(t, "candidates", eviction.Candidates, eviction.Size)
				evicted = append(evicted, len(eviction.Evicted))
			}
			return evicted
		}
		same(t, name+", 10 leases", passes(10), []int{2, 2, 1, 1, 1, 1, 1, 1})
		equal(t, name+", 1000 leases", len(passes(1000)), 34)
	}
	k := newKernel(t, unguarded(leasekernel.Eureka(preserve.EurekaV1_2_5)))
	register(t, k, 0, numbers(1000)...)
	first := k.EvictForgiving(at(10*time.Minute), 0).Eviction
	equal(t, "eureka v1.2.5, first pass", len(first.Evicted), 1000)
}

// bilibili's limit is Eureka's: a single lease may go (quirk B10), but nobody
// of an empty registry, and nobody where percent 1 leaves all.
func TestBilibiliLimitsAsEurekaDoes(t *testing.T) {
	for _, row := range []struct {
		leases  int
		percent float64
		want    int
	}{{0, 0.85, 0}, {1, 0.85, 1}, {16, 0.85, 3}, {10, 1, 0}} {
		config := unguarded(leasekernel.Bilibili())
		config.Percent = row.percent
		k := newKernel(t, config)
		register(t, k, 0, numbers(row.leases)...)
		name := fmt.Sprintf("%d leases, percent %v: ", row.leases, row.percent)
		equal(t, name+"limit of Explain", k.Explain(at(time.Hour), 0).Limit, row.want)
		eviction := k.EvictForgiving(at(time.Hour), 0).Eviction
		equal(t, name+"limit", eviction.Limit, row.want)
		equal(t, name+"evicted", len(eviction.Evicted), row.want)
	}
}

// The same calls and the same seed evict the same leases in the same order:
// each table has a hash seed of its own, and it does not matter.
func TestTheSameCallsEvictTheSameLeasesInTheSameOrder(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{
		"exact": leasekernel.Exact(), "eureka": leasekernel.Eureka(preserve.EurekaV1_9_17),
		"v1.2.5": leasekernel.Eureka(preserve.EurekaV1_2_5), "bilibili": leasekernel.Bilibili(),
	} {
		t.Run(name, func(t *testing.T) {
			config := unguarded(config)
			config.Seed = 42
			var first []string
			for range 5 {
				k, err := leasekernel.New(t0, config, leasekernel.Hooks[string, string]{})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 500 {
					if _, err := k.Register(t0, strconv.Itoa(i), "", lease.Term{}); err != nil {
						t.Fatal(err)
					}
				}
				var victims []string
				for minute := range 5 {
					for _, evicted := range k.EvictForgiving(at(time.Hour+time.Duration(minute)*time.Minute), 0).Eviction.Evicted {
						victims = append(victims, evicted.Lease.Key())
					}
				}
				if first == nil {
					first = victims
				}
				same(t, "victims", victims, first)
			}
		})
	}
}

// Candidates come in the order of their registration: one that was registered
// again is the last, one that was renewed stays where it is. Order has the last
// word, and victims are drawn from what it leaves.
func TestCandidatesComeInTheOrderOfTheirRegistration(t *testing.T) {
	var seen []int
	var when time.Time
	first := evict.SourceFunc(func(int) int { return 0 })
	k := newHooked(t, unguarded(leasekernel.Exact()), hooks{
		Source: first,
		Order: func(now time.Time, candidates []lived) {
			when, seen = now, nil
			for _, candidate := range candidates {
				seen = append(seen, candidate.Key())
			}
			slices.Reverse(candidates)
		},
	})
	register(t, k, 0, 5, 3, 8, 1, 9, 2, 7, 4, 6, 0)
	register(t, k, time.Second, 3)
	renew(t, k, time.Second, 8)
	eviction := k.Evict(at(time.Hour)).Eviction
	same(t, "candidates", seen, []int{5, 8, 1, 9, 2, 7, 4, 6, 0, 3})
	same(t, "victims", keysOf(eviction.Evicted), []int{3, 0})
	equal(t, "Order is told", when, at(time.Hour))
}

// A Source that draws outside its range evicts nobody, and the pass says so.
func TestASourceThatMisbehaves(t *testing.T) {
	var nobody *evict.JavaRandom
	for name, source := range map[string]evict.Source{
		"beyond": evict.SourceFunc(func(n int) int { return n }),
		"below":  evict.SourceFunc(func(int) int { return -1 }),
		"nil":    nobody,
		"later":  later(3),
	} {
		t.Run(name, func(t *testing.T) {
			k := newHooked(t, limitless(leasekernel.Exact()), hooks{Source: source})
			register(t, k, 0, numbers(10)...)
			tick := k.Evict(at(time.Hour))
			if !errors.Is(tick.Eviction.Err, evict.ErrInvalid) {
				t.Errorf("got %v, want evict.ErrInvalid", tick.Eviction.Err)
			}
			equal(t, "candidates", tick.Eviction.Candidates, 10)
			equal(t, "evicted", len(tick.Eviction.Evicted)+len(tick.Eviction.Rescued), 0)
			equal(t, "leases", k.Len(), 10)
		})
	}
	k := newHooked(t, limitless(leasekernel.Exact()), hooks{Source: rand.New(rand.NewSource(1))})
	register(t, k, 0, numbers(10)...)
	equal(t, "evicted by Go's generator", len(k.Evict(at(time.Hour)).Eviction.Evicted), 10)
}

// later draws well for so many times.
func later(good int) evict.Source {
	return evict.SourceFunc(func(n int) int {
		good--
		if good < 0 {
			return n
		}
		return n - 1
	})
}

// Silence beyond the ceiling evicts even while eviction is withheld, within
// the limit (quirk B3): of ten clients that fell silent at once, two.
func TestBeyondTheCeilingEvictionIsNotWithheld(t *testing.T) {
	exact := leasekernel.Exact()
	exact.Ceiling = time.Hour
	for name, config := range map[string]leasekernel.Config{"exact": exact, "bilibili": leasekernel.Bilibili()} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, config)
			register(t, k, 0, numbers(10)...)
			renew(t, k, time.Second, 0)
			before := k.Evict(at(time.Hour)).Eviction
			equal(t, "reason", before.Decision.Reason, preserve.TooFewRenewals)
			equal(t, "at the ceiling", before.Ceiling, false)
			equal(t, "candidates at the ceiling", before.Candidates, 0)
			equal(t, "limit at the ceiling", before.Limit, 0)
			after := k.Evict(at(time.Hour + 1)).Eviction
			equal(t, "reason", after.Decision.Reason, preserve.TooFewRenewals)
			equal(t, "beyond the ceiling", after.Ceiling, true)
			equal(t, "candidates beyond the ceiling", after.Candidates, 9)
			equal(t, "limit beyond the ceiling", after.Limit, 2)
			equal(t, "evicted beyond the ceiling", len(after.Evicted), 2)
			equal(t, "after an hour of nothing", len(k.Evict(at(2*time.Hour)).Eviction.Evicted), 2)
			k.SetSelfPreservation(false)
			off := k.EvictForgiving(at(2*time.Hour), 0).Eviction
			equal(t, "without preservation", off.Ceiling, false)
		})
	}
}

// Between the moment at which a pass collects its candidates and the moment at
// which their turn comes, something happens to one of them. It is rescued.
// With EvictByKey the pass does not look again, and evicts what it finds under
// the key (quirk E7): a lease that was renewed, one that began just now.
//
// What is expected moves with what really left, once.
func TestWhatChangesBetweenCollectionAndEvictionIsRescued(t *testing.T) {
	now := at(time.Hour)
	again := func(k *kernel) { must(k.Register(now, 1, "again", lease.Term{})) }
	cancel := func(k *kernel) { k.Cancel(now, 1) }
	for name, row := range map[string]struct {
		meanwhile       func(k *kernel)
		evicted, byKey  []int
		left, leftByKey int
	}{
		"nothing":                  {func(*kernel) {}, []int{0, 1, 2}, []int{0, 1, 2}, 0, 0},
		"a heartbeat":              {func(k *kernel) { k.Renew(now, 1) }, []int{0, 2}, []int{0, 1, 2}, 1, 0},
		"a heartbeat uncounted":    {func(k *kernel) { k.RenewUncounted(now, 1) }, []int{0, 2}, []int{0, 1, 2}, 1, 0},
		"one that is too old":      {func(k *kernel) { k.Renew(now.Add(-30*time.Minute), 1) }, []int{0, 2}, []int{0, 1, 2}, 1, 0},
		"a registration":           {again, []int{0, 2}, []int{0, 1, 2}, 1, 0},
		"a cancel":                 {cancel, []int{0, 2}, []int{0, 2}, 0, 0},
		"a cancel and a new lease": {func(k *kernel) { cancel(k); again(k) }, []int{0, 2}, []int{0, 1, 2}, 1, 0},
		"a new lease, cancelled":   {func(k *kernel) { again(k); cancel(k) }, []int{0, 2}, []int{0, 2}, 0, 0},
		"a newcomer":               {func(k *kernel) { must(k.Register(now, 3, "", lease.Term{})) }, []int{0, 1, 2}, []int{0, 1, 2}, 1, 1},
	} {
		for preset, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "eureka": leasekernel.Eureka(preserve.EurekaV1_9_17)} {
			for _, byKey := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, by key %t", name, preset, byKey), func(t *testing.T) {
					var k *kernel
					meanwhile := hooks{
						Source: evict.SourceFunc(func(int) int { return 0 }),
						Order:  func(time.Time, []lived) { row.meanwhile(k) },
					}
					config := limitless(config)
					config.EvictByKey = byKey
					k = newHooked(t, config, meanwhile)
					perLease := 2.0
					if preset == "eureka" {
						open(t, k, 0, 0)
						perLease = 1
					}
					register(t, k, 0, 0, 1, 2)
					if preset == "eureka" {
						open(t, k, 0, 3)
					}
					register(t, k, time.Hour, 9) // a bystander, so that the limit is never what saves
					before := k.Status(t0)
					tick := k.EvictForgiving(now, 0)
					want, left := row.evicted, row.left
					if byKey {
						want, left = row.byKey, row.leftByKey
					}
					eviction, status := tick.Eviction, k.Status(now)
					same(t, "evicted", keysOf(eviction.Evicted), want)
					equal(t, "candidates", eviction.Candidates, 3)
					equal(t, "rescued", len(eviction.Rescued), 3-len(want))
					for _, rescued := range eviction.Rescued {
						equal(t, "rescued key", rescued.Key(), 1)
						equal(t, "rescued as it was seen", rescued.Deadline(), at(90*time.Second))
					}
					equal(t, "leases", k.Len(), left+1)
					equal(t, "counted as evicted", status.Evicted-before.Evicted, uint64(len(want)))
					equal(t, "expected", status.Decision.Expected, perLease*float64(left+1))
					equal(t, "decision after", eviction.After, status.Decision)
					told := 0
					for _, change := range tick.Changes {
						if change.Kind == leasekernel.Evicted {
							told++
						}
					}
					equal(t, "told as evicted", told, len(want))
				})
			}
		}
	}
}

// A renewal that changes nothing rescues nobody: the lease is as expired as
// before. Eureka's rule knows no such renewal.
func TestARenewalThatIsOlderThanTheLastRescuesNobody(t *testing.T) {
	var k *kernel
	k = newHooked(t, limitless(leasekernel.Exact()), hooks{Order: func(time.Time, []lived) {
		equal(t, "renewed", k.Renew(at(29*time.Second), 1), true)
	}})
	register(t, k, 0, 1)
	renew(t, k, 30*time.Second, 1)
	same(t, "evicted", keysOf(k.Evict(at(time.Hour)).Eviction.Evicted), []int{1})
}

func TestPreservationIsSwitchedWhileTheRegistryRuns(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "eureka": leasekernel.Eureka(preserve.EurekaV1_9_17)} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, config)
			if config.Release != 0 {
				open(t, k, 0, 10)
			}
			register(t, k, 0, numbers(10)...)
			for _, row := range []struct {
				on      bool
				want    preserve.Reason
				evicted int
			}{
				{true, preserve.TooFewRenewals, 0},
				{false, preserve.SwitchedOff, 2},
				{true, preserve.TooFewRenewals, 0},
			} {
				k.SetSelfPreservation(row.on)
				eviction := k.EvictForgiving(at(time.Hour), 0).Eviction
				equal(t, "reason", eviction.Decision.Reason, row.want)
				equal(t, "evicted", len(eviction.Evicted), row.evicted)
			}
		})
	}
}

// A pass is due an interval after the last one ran, however late that was
// (quirk R2), and one that was due several times runs once.
func TestALatePassDelaysAllLaterOnes(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	for _, row := range []struct {
		now, next time.Duration // in seconds
		runs      bool
	}{
		{0, 10, false}, {9, 10, false}, {10, 20, true}, {10, 20, false}, {17, 20, false},
		{27, 37, true}, {30, 37, false}, {37, 47, true}, {1000, 1010, true}, {1000, 1010, false}, {1009, 1010, false},
		{500, 1010, false}, {1010, 1020, true},
	} {
		tick := k.Tick(at(row.now * time.Second))
		equal(t, fmt.Sprintf("run after %d s", row.now), tick.Eviction != nil, row.runs)
		equal(t, "Empty", tick.Empty(), !row.runs)
		next, ok := k.Next()
		equal(t, "planned", ok, true)
		equal(t, fmt.Sprintf("next after %d s", row.now), next, at(row.next*time.Second))
	}
}

// bilibili's tickers keep their phase and one tick (quirk B14): after a stall a
// pass and a rotation come at once, and the next when they would have come.
func TestBilibiliKeepsThePhase(t *testing.T) {
	k := newKernel(t, leasekernel.Bilibili())
	register(t, k, 0, 1)
	renew(t, k, 10*time.Second, 1)
	tickUntil(k, 5*time.Minute)
	renew(t, k, 6*time.Minute, 1)
	late := k.Tick(at(9*time.Minute + 27*time.Second)) // of five missed ticks one is left
	equal(t, "renewals", late.Rotation.Renewals, 1)
	same(t, "evicted", keysOf(late.Eviction.Evicted), []int{1})
	next, _ := k.Next()
	equal(t, "next", next.Sub(t0), 10*time.Minute)
	equal(t, "next eviction", k.Status(next).NextEviction.Sub(t0), 10*time.Minute)
	again := k.Tick(next)
	equal(t, "renewals", again.Rotation.Renewals, 0)
	k.Tick(at(13 * time.Minute)) // the tick of 11 minutes was kept, and that of 13 comes now
	next, _ = k.Next()
	equal(t, "next", next.Sub(t0), 13*time.Minute)
	k.Tick(next)
	k.Evict(at(13*time.Minute + 30*time.Second)) // by hand
	next, _ = k.Next()
	equal(t, "next", next.Sub(t0), 14*time.Minute)
}

// Before it is opened an Eureka registry has only its updates, planned from
// the start on. Opened after 10 s it rotates and evicts from there.
func TestNextIsTheEarliestOfAllPasses(t *testing.T) {
	const s, m = time.Second, time.Minute
	k := newKernel(t, leasekernel.Eureka(preserve.EurekaV1_9_17))
	next := func(want time.Duration) {
		t.Helper()
		got, ok := k.Next()
		equal(t, "planned", ok, true)
		equal(t, "next", got, at(want))
	}
	next(15 * m)
	open(t, k, 10*s, 1)
	next(70 * s)
	k.Evict(at(20 * s))
	next(70 * s) // the rotation
	tick := k.Tick(at(70 * s))
	equal(t, "rotated", tick.Rotation != nil, true)
	equal(t, "evicted", tick.Eviction == nil, true)
	next(80 * s)
	k.Update(at(60 * s))
	k.Rotate(at(100 * s)) // not due
	next(80 * s)
	early := k.Tick(at(15*m + 30*s)) // 15 minutes after the start, but not after the update
	equal(t, "updated early", early.Update == nil, true)
	k.Tick(at(20 * m)) // everything
	next(21 * m)
	tick = k.Tick(at(40 * m))
	equal(t, "updated", tick.Update != nil, true)
}

// Where two passes are due at once the meter comes first, so that the eviction
// goes by the new count (quirk R7): by themselves they come in any order.
func TestTheMeterRotatesBeforeTheEviction(t *testing.T) {
	for _, evictsFirst := range []bool{false, true} {
		k := eureka(t, preserve.EurekaV1_9_17, 1)
		register(t, k, 0, 1, 2)
		for range 10 {
			renew(t, k, 30*time.Second, 1)
		}
		var eviction *leasekernel.Eviction[int, string]
		want := preserve.EnoughRenewals
		if evictsFirst {
			eviction = k.Evict(at(time.Minute)).Eviction
			want = preserve.TooFewRenewals
			equal(t, "rotated", k.Rotate(at(time.Minute)).Rotation.Renewals, 10)
			equal(t, "rotated again", k.Rotate(at(time.Minute)).Rotation == nil, true)
		} else {
			tick := k.Tick(at(time.Minute))
			eviction = tick.Eviction
			equal(t, "rotation", *tick.Rotation, leasekernel.Rotation{Renewals: 10})
		}
		equal(t, "reason", eviction.Decision.Reason, want)
	}
}

// Passes after 10 s and 20 s, then one after 50 s: it comes 20 s late and
// forgives them, once. A lease of 25 s that was registered at 5 s had expired
// at 30 s, and is evicted only by a pass that comes in time.
func TestALatePassForgivesItsLateness(t *testing.T) {
	const s = time.Second
	eureka := func(release preserve.Release) leasekernel.Config {
		config := leasekernel.Eureka(release)
		config.EvictionInterval = 10 * s
		return config
	}
	for name, row := range map[string]struct {
		config   leasekernel.Config
		forgives time.Duration
	}{
		"exact":          {leasekernel.Exact(), 20 * s},
		"bilibili":       {changed(leasekernel.Bilibili(), func(c *leasekernel.Config) { c.EvictionInterval = 10 * s }), 0},
		"eureka v1.2.5":  {eureka(preserve.EurekaV1_2_5), 0},
		"eureka v1.3.0":  {eureka(preserve.EurekaV1_3_0), 0},
		"eureka v1.4.9":  {eureka(preserve.EurekaV1_4_9), 20 * s},
		"eureka v1.9.17": {eureka(preserve.EurekaV1_9_17), 20 * s},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, limitless(row.config))
			if row.config.Opens() {
				open(t, k, 0, 1)
			}
			if _, err := k.Register(at(5*s), 1, "", lease.Term{Duration: 25 * s, Interval: s}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, after := range []time.Duration{10 * s, 20 * s, 50 * s, 60 * s} {
				eviction := k.Tick(at(after)).Eviction
				got = append(got, fmt.Sprintf("%v %d", eviction.Compensation, len(eviction.Evicted)))
			}
			want := []string{"0s 0", "0s 0", "20s 0", "0s 1"}
			if row.forgives == 0 {
				want = []string{"0s 0", "0s 0", "0s 1", "0s 0"}
			}
			same(t, "forgiven and evicted", got, want)
		})
	}
}

// What a pass forgives is measured also by passes that are withheld, by Evict
// as by Tick, and not by EvictForgiving, which forgives what it is told (quirk
// E8).
func TestWhoMeasuresLateness(t *testing.T) {
	const s = time.Second
	k := newKernel(t, leasekernel.Exact())
	register(t, k, 0, 1)
	for _, row := range []struct {
		pass func(now time.Time) report
		now  time.Duration
		want time.Duration
	}{
		{k.Tick, 10 * s, 0},
		{k.Evict, 13 * s, 0},
		{k.Tick, 23 * s, 0}, // Evict planned it
		{k.Evict, 40 * s, 7 * s},
		{func(now time.Time) report { return k.EvictForgiving(now, -s) }, 45 * s, -s},
		{k.Tick, 51 * s, s},
	} {
		eviction := row.pass(at(row.now)).Eviction
		if eviction == nil {
			t.Fatalf("no pass at %v", row.now)
		}
		equal(t, fmt.Sprintf("forgiven at %v", row.now), eviction.Compensation, row.want)
		equal(t, "allowed", eviction.Decision.Allowed, false)
	}
}

// A negative grace expires a lease early under Eureka's rule only (quirk L5).
func TestAPassThatForgivesLessThanNothing(t *testing.T) {
	for name, row := range map[string]struct {
		config leasekernel.Config
		want   int
	}{"exact": {leasekernel.Exact(), 0}, "eureka": {leasekernel.Spring(), 1}} {
		k := newKernel(t, limitless(row.config))
		register(t, k, 0, 1)
		eviction := k.EvictForgiving(at(31*time.Second), -time.Minute).Eviction
		equal(t, name, len(eviction.Evicted), row.want)
	}
}

// Eureka reads another clock for its lateness, System.nanoTime, and takes 0
// for "never" (quirk E5). Without a hook it is the instants' own, which is not
// 0 at the first pass.
func TestEurekaReadsItsOwnClockForLateness(t *testing.T) {
	config := leasekernel.Eureka(preserve.EurekaV1_9_17)
	read := func(nanos func(time.Time) int64) (forgiven []time.Duration) {
		k := newHooked(t, config, hooks{Nanos: nanos})
		open(t, k, 0, 1)
		for _, minute := range []time.Duration{0, 5, 6, 8} {
			forgiven = append(forgiven, k.Evict(at(minute*time.Minute)).Eviction.Compensation)
		}
		return forgiven
	}
	same(t, "the instants'", read(nil), "[0s 4m0s 0s 1m0s]")
	k := newKernel(t, config)
	open(t, k, 0, 1)
	k.Evict(at(1)) // whose reading must not be 0 either
	equal(t, "after a pass within a nanosecond", k.Evict(at(5*time.Minute+1)).Eviction.Compensation, 4*time.Minute)
	readings := []int64{0, 1_000_000_000, 61_002_999_999, 500_000_000_000}
	same(t, "the hook's", read(func(time.Time) int64 {
		nanos := readings[0]
		readings = readings[1:]
		return nanos
	}), "[0s 0s 2ms 6m18.997s]")
}

// What is expected follows the view of the registry's own client (quirk T12),
// not the registry.
func TestUpdates(t *testing.T) {
	down := errors.New("the client is down")
	var count int64
	var viewErr error
	k := newHooked(t, leasekernel.Eureka(preserve.EurekaV1_9_17), hooks{
		View: func(now time.Time) (int64, error) { return count, viewErr },
	})
	open(t, k, 0, 20)
	for _, row := range []struct {
		count    int64
		err      error
		want     leasekernel.Update
		expected float64
	}{
		{17, nil, leasekernel.Update{Count: 17}, 20},
		{18, nil, leasekernel.Update{Count: 18, Adopted: true}, 18},
		{100, down, leasekernel.Update{Count: 100, Err: down}, 18},
		{0, nil, leasekernel.Update{}, 18},
		{100, nil, leasekernel.Update{Count: 100, Adopted: true}, 100},
	} {
		count, viewErr = row.count, row.err
		equal(t, "update", *k.Update(t0).Update, row.want)
		equal(t, "expected", k.Status(t0).Decision.Expected, row.expected)
	}
	count, viewErr = 1<<40, nil
	if update := k.Update(t0).Update; update.Adopted || !errors.Is(update.Err, preserve.ErrInvalid) {
		t.Errorf("got %+v, want preserve.ErrInvalid", update)
	}
	next, _ := k.Next()
	equal(t, "next", next, at(time.Minute))

	own := eureka(t, preserve.EurekaV1_9_17, 0)
	register(t, own, 0, numbers(7)...)
	equal(t, "without a hook", *own.Update(t0).Update, leasekernel.Update{Count: 7, Adopted: true})
	equal(t, "exact", newKernel(t, leasekernel.Exact()).Update(t0).Update == nil, true)
}

// The hooks that a pass calls may use the kernel.
func TestHooksUseTheKernelDuringAPass(t *testing.T) {
	var k *kernel
	used := 0
	use := func() {
		used++
		register(t, k, time.Hour, 100+used)
		renew(t, k, time.Hour, 100+used)
		k.Cancel(at(time.Hour), 100+used)
		k.Status(at(time.Hour))
		k.Explain(at(time.Hour), 1)
		k.Next()
		k.SetSelfPreservation(false)
	}
	config := limitless(leasekernel.Eureka(preserve.EurekaV1_9_17))
	config.UpdateInterval = time.Minute
	k = newHooked(t, config, hooks{
		Order:  func(time.Time, []lived) { use() },
		View:   func(time.Time) (int64, error) { use(); return 1, nil },
		Source: evict.SourceFunc(func(int) int { use(); return 0 }),
		Nanos:  func(time.Time) int64 { use(); return 1 },
	})
	open(t, k, 0, 1)
	register(t, k, 0, 1)
	tick := k.Tick(at(time.Hour))
	same(t, "evicted", keysOf(tick.Eviction.Evicted), []int{1})
	equal(t, "hooks that were called", used, 4)
	equal(t, "leases", k.Len(), 0)
}

// Netflix's own test of self-preservation plays 120 s in 120 s
// (TimeConsumingInstanceRegistryTest): an eviction pass every 10 s, an update
// every 5 s, leases of 30 s, and a threshold of 0.85 of two renewals a minute.
//
//	  0 s  the registry opens for one client, and 50 instances register:
//	       51 * 2 * 0.85 = 86.7, and the threshold is 86.
//	 15 s  45 of them renew for the first time.
//	 30 s  the other five expire: they were only registered.
//	 40 s  eviction is withheld: no window is over, 0 renewals do not exceed 86.
//	 45 s  45 renewals.
//	 60 s  the first window is over: 90 exceed 86, and the five are evicted.
//	       v1.9.17 and later expect 46 clients then: 46 * 2 * 0.85 = 78.2.
//	 75 s  45 renewals.
//	 80 s  eviction is allowed: 90 renewals.
//	 90 s  another region brings its client's view to 151 instances, and the
//	       update that comes next adopts it: 151 * 2 * 0.85 = 256.7.
//	105 s  45 renewals.
//	120 s  eviction is withheld: 90 renewals do not exceed 256.
//
// Until 90 s the view is one instance, which no update adopts.
func TestNetflixSelfPreservationTimeline(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		release preserve.Release
		lowered float64 // the threshold once the five have left
	}{
		{preserve.EurekaV1_4_9, 86}, {preserve.EurekaV1_9_3, 86}, {preserve.EurekaV1_9_4, 86},
		{preserve.EurekaV1_9_17, 78}, {preserve.Spring, 78},
	} {
		t.Run(row.release.String(), func(t *testing.T) {
			config := leasekernel.Eureka(row.release)
			config.Term.Duration, config.EvictionInterval, config.UpdateInterval = 30*s, 10*s, 5*s
			view := int64(1)
			k := newHooked(t, config, hooks{View: func(time.Time) (int64, error) { return view, nil }})
			open(t, k, 0, 1)
			register(t, k, 0, numbers(50)...)

			evicted := make(map[time.Duration]int)
			reasons := make(map[time.Duration]preserve.Reason)
			events := map[time.Duration]func(){90 * s: func() { view = 151 }}
			for _, after := range []time.Duration{15 * s, 45 * s, 75 * s, 105 * s} {
				events[after] = func() { renew(t, k, after, numbers(50)[5:]...) }
			}
			for after := s; after <= 120*s; after += s {
				if event := events[after]; event != nil {
					event()
				}
				for _, tick := range tickUntil(k, after) {
					if tick.Eviction != nil {
						reasons[after] = tick.Eviction.Decision.Reason
						if n := len(tick.Eviction.Evicted); n > 0 {
							evicted[after] = n
						}
					}
				}
				if want, ok := map[time.Duration]string{
					1 * s:   "threshold 86, 0 renewals, 50 leases, withheld",
					40 * s:  "threshold 86, 0 renewals, 50 leases, withheld",
					59 * s:  "threshold 86, 0 renewals, 50 leases, withheld",
					60 * s:  fmt.Sprintf("threshold %v, 90 renewals, 45 leases, allowed", row.lowered),
					80 * s:  fmt.Sprintf("threshold %v, 90 renewals, 45 leases, allowed", row.lowered),
					120 * s: "threshold 256, 90 renewals, 45 leases, withheld",
				}[after]; ok {
					equal(t, after.String(), minuteOf(k.Status(at(after))), want)
				}
			}
			same(t, "evicted", evicted, map[time.Duration]int{60 * s: 5})
			few, enough := preserve.TooFewRenewals, preserve.EnoughRenewals
			same(t, "passes", reasons, map[time.Duration]preserve.Reason{
				10 * s: few, 20 * s: few, 30 * s: few, 40 * s: few, 50 * s: few,
				60 * s: enough, 70 * s: enough, 80 * s: enough, 90 * s: enough,
				100 * s: few, 110 * s: few, 120 * s: few,
			})
		})
	}
}

// minuteOf is what Netflix's test prints.
func minuteOf(status leasekernel.Status) string {
	outcome := "withheld"
	if status.Decision.Allowed {
		outcome = "allowed"
	}
	return fmt.Sprintf("threshold %v, %d renewals, %d leases, %s", status.Decision.Threshold, status.Renewals, status.Leases, outcome)
}
