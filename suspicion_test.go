package leasekernel_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// staged are the exact rules with a suspect stage and Nacos's times, and
// nothing else that holds an eviction back.
func staged() leasekernel.Config {
	config := limitless(unguarded(leasekernel.Exact()))
	config.Term = lease.Term{Duration: 30 * time.Second, Suspect: 15 * time.Second, Interval: 5 * time.Second}
	config.EvictionInterval = 5 * time.Second
	return config
}

// told are the changes as words, such as "suspected 1 at 20s".
func told(reports ...report) (words []string) {
	for _, report := range reports {
		for _, c := range report.Changes {
			words = append(words, fmt.Sprintf("%v %d at %v", c.Kind, c.Key, c.At.Sub(t0)))
		}
	}
	return words
}

// Under Nacos's rule both borders are strict and lie in whole milliseconds
// (quirks N1, N32); the exact rules find suspect at the same instants, but
// evict only what has been suspect for an interval.
func TestSuspectedHealedAndEvicted(t *testing.T) {
	for name, row := range map[string]struct {
		config leasekernel.Config
		want   []string
	}{
		"nacos": {leasekernel.Nacos(), []string{
			"registered 1 at 0s", "suspected 1 at 20s", "healed 1 at 21s", "suspected 1 at 40s", "evicted 1 at 55s"}},
		"exact": {staged(), []string{
			"registered 1 at 0s", "suspected 1 at 20s", "healed 1 at 21s", "suspected 1 at 40s", "evicted 1 at 55s"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, row.config)
			register(t, k, 0, 1)
			reports := tickUntil(k, 20*time.Second) // at 15 s it is at the border
			equal(t, "suspects", k.Status(at(20*time.Second)).Suspects, 1)
			healed, ok := k.RenewTelling(at(21*time.Second), 1)
			same(t, "healed, renewed", []any{healed, ok}, []any{true, true})
			equal(t, "suspects", k.Status(at(21*time.Second)).Suspects, 0)
			healed, ok = k.RenewTelling(at(21*time.Second), 1)
			same(t, "healed, renewed again", []any{healed, ok}, []any{false, true})
			reports = append(reports, tickUntil(k, time.Minute)...)
			same(t, "changes", told(reports...), row.want)
			healed, ok = k.RenewTelling(at(time.Minute), 1)
			same(t, "healed, renewed at last", []any{healed, ok}, []any{false, false})
			status := k.Status(at(time.Minute))
			same(t, "totals", []uint64{status.Registered, status.Suspected, status.Healed, status.Evicted}, []uint64{1, 2, 1, 1})
			equal(t, "renewals", status.Renewals, map[string]int64{"nacos": 2, "exact": 0}[name])
		})
	}
}

// A checker that comes late: Nacos's suspects and evicts in one pass (quirk
// N2), so that nobody is warned; the exact rules let the warning last for an
// interval, or for as long as the Dwell says, in any case.
func TestALateCheckerWarnsAllTheSame(t *testing.T) {
	dwelling := leasekernel.Nacos()
	dwelling.Dwell = 12 * time.Second
	longer := staged()
	longer.Dwell = 7 * time.Second
	for name, row := range map[string]struct {
		config leasekernel.Config
		want   []string
	}{
		"nacos":              {leasekernel.Nacos(), []string{"suspected 1 at 1m40s", "evicted 1 at 1m40s"}},
		"nacos with a dwell": {dwelling, []string{"suspected 1 at 1m40s", "evicted 1 at 1m55s"}},
		"exact":              {staged(), []string{"suspected 1 at 1m40s", "evicted 1 at 1m45s"}},
		"exact, a dwell":     {longer, []string{"suspected 1 at 1m40s", "evicted 1 at 1m50s"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, row.config)
			register(t, k, 0, 1)
			k.Rotate(at(0)) // tells the registration
			first := k.EvictForgiving(at(100*time.Second), 0)
			equal(t, "suspected by the first pass", len(first.Eviction.Suspected), 1)
			reports := []report{first}
			for after := 105 * time.Second; after < 2*time.Minute; after += 5 * time.Second {
				reports = append(reports, k.EvictForgiving(at(after), 0))
			}
			same(t, "changes", told(reports...), row.want)
		})
	}
}

// What a pass forgives for coming late delays both stages: nobody could be
// heard meanwhile.
func TestALatePassForgivesSuspicionToo(t *testing.T) {
	k := newKernel(t, staged())
	register(t, k, 0, 1)
	k.Tick(at(5 * time.Second))
	report := k.Tick(at(100 * time.Second)) // 90 s late
	same(t, "changes", told(report), []string(nil))
	same(t, "changes", told(k.Tick(at(105*time.Second))), []string{"suspected 1 at 1m45s"})
	// It was suspect for 20 s when a pass comes that is 15 s late: for the 5 s
	// that it has to be in time.
	k = newKernel(t, staged())
	register(t, k, 0, 1)
	tickUntil(k, 30*time.Second) // suspected at 20 s
	same(t, "changes", told(k.Tick(at(50*time.Second))), []string{"evicted 1 at 50s"})
}

// Quirks N2 and N35: a delete timeout below the other one evicts without a
// warning, the exact rules refuse it.
func TestEvictedBeforeSuspect(t *testing.T) {
	k := newKernel(t, leasekernel.Nacos())
	term := lease.Term{Duration: 6 * time.Second, Suspect: 15 * time.Second}
	if _, err := k.Register(t0, 1, "", term); err != nil {
		t.Fatal(err)
	}
	report := k.Evict(at(6 * time.Second))
	same(t, "at the border", told(report), []string{"registered 1 at 0s"})
	same(t, "after it", told(k.Evict(at(6001*time.Millisecond))), []string{"evicted 1 at 6.001s"})
	if _, err := newKernel(t, staged()).Register(t0, 1, "", term); err == nil {
		t.Error("the exact rules: got no error, want one")
	}
}

// Quirk N7: a registration makes the lease fresh, but not healthy; by the exact
// rules it is a new lease.
func TestRegisteredAgainWhileSuspect(t *testing.T) {
	for name, row := range map[string]struct {
		config leasekernel.Config
		want   []string
	}{
		"nacos": {leasekernel.Nacos(), []string{"replaced 1 at 21s", "healed 1 at 22s"}},
		"exact": {staged(), []string{"replaced 1 at 21s"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, row.config)
			register(t, k, 0, 1)
			tickUntil(k, 20*time.Second)
			register(t, k, 21*time.Second, 1)
			renew(t, k, 22*time.Second, 1)
			same(t, "changes", told(k.Rotate(at(22*time.Second))), row.want)
		})
	}
}

// An exempt lease goes through passes untouched, and is renewed but not healed
// (quirk N11); when the exemption ends the rules hold again.
func TestExempt(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"nacos": leasekernel.Nacos(), "exact": staged()} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, config)
			register(t, k, 0, 1, 2)
			tickUntil(k, 20*time.Second)
			equal(t, "exempted", k.Exempt(1, true), true)
			equal(t, "exempted again", k.Exempt(1, true), false)
			equal(t, "nobody exempted", k.Exempt(3, true), false)
			renew(t, k, 30*time.Second, 1)
			equal(t, "suspects", k.Status(at(30*time.Second)).Suspects, 2)
			equal(t, "earliest", k.Explain(at(30*time.Second), 1).Earliest, time.Time{})
			same(t, "obstacles", obstacles(k.Explain(at(30*time.Second), 1))[:1], []string{"exempt"})
			same(t, "changes", told(tickUntil(k, 10*time.Minute)...), []string{"evicted 2 at 35s"})
			equal(t, "exempt no longer", k.Exempt(1, false), true)
			same(t, "changes", told(tickUntil(k, 11*time.Minute)...), []string{"evicted 1 at 10m5s"})
		})
	}
}

// A probe that fails makes suspect what has not been silent; a heartbeat heals.
func TestSomebodySaysThatALeaseIsSuspect(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{
		"nacos": leasekernel.Nacos(), "exact": staged(), "exact without the stage": leasekernel.Exact(), "bilibili": leasekernel.Bilibili(),
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, config)
			if _, ok := k.Suspect(at(0), 1); ok {
				t.Error("nobody: got true, want false")
			}
			register(t, k, 0, 1)
			change, ok := k.Suspect(at(time.Second), 1)
			same(t, "change", []any{change.Kind, change.Key, change.Lease.Suspected(), ok}, []any{leasekernel.Suspected, 1, true, true})
			since, ok := change.Lease.SuspectSince()
			same(t, "since", []any{since.Sub(t0), ok}, []any{time.Second, true})
			if _, ok := k.Suspect(at(2*time.Second), 1); ok {
				t.Error("again: got true, want false")
			}
			renew(t, k, 3*time.Second, 1)
			same(t, "changes", told(k.Rotate(at(3*time.Second))), []string{"registered 1 at 0s", "suspected 1 at 1s", "healed 1 at 3s"})
			k.Exempt(1, true)
			if _, ok := k.Suspect(at(4*time.Second), 1); ok {
				t.Error("exempt: got true, want false")
			}
			register(t, k, 5*time.Second, 1)
			if _, ok := k.Suspect(time.UnixMilli(math.MinInt64), 1); ok {
				t.Error("out of range: got true, want false")
			}
		})
	}
}

// Quirk N12: a pass leaves alone what others are responsible for.
func TestOthersAreResponsible(t *testing.T) {
	odd := true // this server is for the odd keys
	k := newHooked(t, staged(), hooks{Responsible: func(key int) bool { return key%2 == 1 == odd }})
	register(t, k, 0, 1, 2)
	same(t, "changes", told(tickUntil(k, time.Minute)...),
		[]string{"registered 1 at 0s", "registered 2 at 0s", "suspected 1 at 20s", "evicted 1 at 35s"})
	verdict := k.Explain(at(time.Minute), 2)
	same(t, "obstacles", obstacles(verdict)[:1], []string{"not responsible"})
	equal(t, "earliest", verdict.Earliest, time.Time{})
	odd = false
	same(t, "changes", told(tickUntil(k, 2*time.Minute)...), []string{"suspected 2 at 1m5s", "evicted 2 at 1m10s"})
}

// Quirk N12: the two switches.
func TestSwitchesOfAPass(t *testing.T) {
	for name, row := range map[string]struct {
		config              leasekernel.Config
		suspicion, eviction bool
		want                []string
	}{
		"nacos, both":         {leasekernel.Nacos(), true, true, []string{"suspected 1 at 20s", "evicted 1 at 35s"}},
		"nacos, no eviction":  {leasekernel.Nacos(), true, false, []string{"suspected 1 at 20s"}},
		"nacos, no suspicion": {leasekernel.Nacos(), false, true, []string{"evicted 1 at 35s"}},
		"nacos, none":         {leasekernel.Nacos(), false, false, nil},
		"exact, both":         {staged(), true, true, []string{"suspected 1 at 20s", "evicted 1 at 35s"}},
		"exact, no eviction":  {staged(), true, false, []string{"suspected 1 at 20s"}},
		"exact, no suspicion": {staged(), false, true, nil},
		"exact, none":         {staged(), false, false, nil},
		"no stage":            {limitless(unguarded(leasekernel.Exact())), false, true, []string{"evicted 1 at 1m40s"}},
	} {
		t.Run(name, func(t *testing.T) {
			row.config.Ceiling = time.Minute // switched off is switched off, beyond it, too
			k := newKernel(t, row.config)
			register(t, k, 0, 1)
			k.Rotate(t0)
			k.SetSuspicion(row.suspicion)
			k.SetEviction(row.eviction)
			same(t, "changes", told(tickUntil(k, 2*time.Minute)...), row.want)
			withheld := slices.ContainsFunc(k.Explain(at(2*time.Minute), 1).Obstacles, func(o leasekernel.Obstacle) bool {
				return o.Kind == leasekernel.Withheld && o.Until.IsZero()
			})
			equal(t, "withheld for good", withheld, !row.eviction)
			decision := k.Status(at(2 * time.Minute)).Decision
			equal(t, "allowed", decision.Allowed, row.eviction)
			equal(t, "disabled", decision.Reason == preserve.Disabled, !row.eviction)
			k.SetSuspicion(true)
			k.SetEviction(true)
			tickUntil(k, 3*time.Minute)
			equal(t, "leases in the end", k.Len(), 0)
		})
	}
}

// A pass that only proposes: what it proposes leaves when the caller says so,
// unless it was renewed since. Nacos's own request evicts by the key whatever
// has become of it (quirk N8).
func TestProposedVictims(t *testing.T) {
	for name, row := range map[string]struct {
		byKey bool
		want  []bool
	}{
		"as it was seen": {false, []bool{true, false, false, false}},
		"by key":         {true, []bool{true, true, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			config := leasekernel.Nacos()
			config.ProposeOnly, config.EvictByKey = true, row.byKey
			k := newKernel(t, config)
			register(t, k, 0, 1, 2, 3, 4)
			report := k.Evict(at(31 * time.Second))
			equal(t, "proposed", len(report.Eviction.Proposed), 4)
			equal(t, "candidates", report.Eviction.Candidates, 4)
			equal(t, "evicted", len(report.Eviction.Evicted), 0)
			renew(t, k, 32*time.Second, 2)
			register(t, k, 32*time.Second, 3)
			k.Cancel(at(32*time.Second), 4)
			for i, victim := range report.Eviction.Proposed {
				change, ok := k.EvictProposed(at(33*time.Second), victim)
				equal(t, fmt.Sprint("evicted ", victim.Key()), ok, row.want[i])
				if ok {
					same(t, "change", []any{change.Kind, change.Key}, []any{leasekernel.Evicted, victim.Key()})
				}
			}
		})
	}
}

// Order is asked for both halves of a pass.
func TestOrderOfSuspects(t *testing.T) {
	reversed := func(_ time.Time, leases []lived) {
		for i, j := 0, len(leases)-1; i < j; i, j = i+1, j-1 {
			leases[i], leases[j] = leases[j], leases[i]
		}
	}
	k := newHooked(t, leasekernel.Nacos(), hooks{Order: reversed})
	register(t, k, 0, 1, 2, 3)
	report := k.Evict(at(31 * time.Second))
	same(t, "suspected", keysOf(report.Eviction.Suspected), []int{3, 2, 1})
	same(t, "evicted", keysOf(report.Eviction.Evicted), []int{3, 2, 1})
}

// The suspect stage does not wait for enough renewals, the eviction does: a
// heartbeat takes the one back, nothing the other.
func TestSuspicionIsNotWithheld(t *testing.T) {
	config := leasekernel.Exact()
	config.Term = staged().Term
	config.EvictionInterval = 5 * time.Second
	k := newKernel(t, config)
	for after := time.Duration(0); after <= time.Minute; after += 5 * time.Second {
		for _, key := range numbers(10) {
			if !k.Renew(at(after), key) {
				register(t, k, after, key)
			}
		}
		k.Tick(at(after))
	}
	reports := tickUntil(k, 10*time.Minute)
	equal(t, "suspected", k.Status(at(10*time.Minute)).Suspects, 10)
	equal(t, "evicted", len(evictedBy(reports)), 0)
	equal(t, "reason", k.Status(at(10*time.Minute)).Decision.Reason, preserve.TooFewRenewals)
}

// A renewal that comes while the pass goes through those that it found silent
// rescues from suspicion.
//
//  1. The pass has seen 1 and 2 silent.
//  2. 1 is renewed.
//  3. The pass says that 1 is suspect, which it no longer is.
func TestARenewalDuringThePassIsNotSuspected(t *testing.T) {
	var k *kernel
	k = newHooked(t, leasekernel.Nacos(), hooks{Order: func(now time.Time, _ []lived) { k.Renew(now, 1) }})
	register(t, k, 0, 1, 2)
	same(t, "suspected", keysOf(k.Evict(at(16*time.Second)).Eviction.Suspected), []int{2})
}

// Explain knows what the warning delays, and that passes keep to it.
func TestExplainOfTheWarning(t *testing.T) {
	const s = time.Second
	config := staged()
	config.Dwell = 12 * s
	k := newKernel(t, config)
	register(t, k, 0, 1)
	verdict := func(after time.Duration) []any {
		v := k.Explain(at(after), 1)
		return []any{v.Stage, obstacles(v), v.Earliest.Sub(t0)}
	}
	same(t, "at 1 s", verdict(s), []any{lease.Live, []string{"not expired until 30s", "pass not due until 5s", "not warned until 32s"}, 35 * s})
	tickUntil(k, 20*s)
	same(t, "at 20 s", verdict(20*s), []any{lease.Suspect, []string{"not expired until 30s", "pass not due until 25s", "not warned until 32s"}, 35 * s})
	k.Suspect(at(20*s), 1)
	renew(t, k, 21*s, 1)
	k.Suspect(at(48*s), 1)
	same(t, "at 48 s", verdict(48*s), []any{lease.Suspect, []string{"not expired until 51s", "not warned until 1m0s", "forgiven until 48s"}, 63 * s})
	k.SetSuspicion(false)
	renew(t, k, 49*s, 1)
	same(t, "at 49 s", verdict(49*s), []any{lease.Live, []string{"not expired until 1m19s", "not warned"}, time.Time{}.Sub(t0)})
	k.Stop()
	k.SetSuspicion(true)
	same(t, "stopped", verdict(49*s), []any{lease.Live, []string{"not expired until 1m19s", "not open"}, time.Time{}.Sub(t0)})
}

// A pass at the very instant at which the warning has lasted long enough evicts.
func TestExplainOfAWarningThatEndsWithAPass(t *testing.T) {
	const s = time.Second
	config := staged()
	config.Dwell = 15 * s
	k := newKernel(t, config)
	register(t, k, 0, 1)
	tickUntil(k, 20*s)
	equal(t, "earliest", k.Explain(at(20*s), 1).Earliest.Sub(t0), 35*s)
	same(t, "changes", told(tickUntil(k, 40*s)...), "[evicted 1 at 35s]")
}

// A pass that was due at 31 s, and comes at 33 s, finds the lease expired since
// 30 s, but forgives its warning 2 of the 12 seconds.
func TestALatePassForgivesTheWarningAlone(t *testing.T) {
	const s = time.Second
	config := staged()
	config.Dwell = 12 * s
	k := newKernel(t, config)
	register(t, k, 0, 1)
	tickUntil(k, 20*s)
	k.Evict(at(26 * s))
	v := k.Explain(at(33*s), 1)
	same(t, "obstacles", obstacles(v), "[forgiven until 33s]")
	equal(t, "earliest", v.Earliest.Sub(t0), 38*s)
	same(t, "changes", told(k.Tick(at(33*s)), k.Tick(at(38*s))), "[evicted 1 at 38s]")
}

// What a renewal has healed is known before any pass tells it.
func TestAHealingIsKnownAtOnce(t *testing.T) {
	healed := func() *kernel {
		k := newKernel(t, staged())
		register(t, k, 0, 1)
		k.Suspect(at(time.Second), 1)
		renew(t, k, 2*time.Second, 1)
		return k
	}
	var kinds []leasekernel.Kind
	for _, transition := range healed().Explain(at(3*time.Second), 1).Last {
		kinds = append(kinds, transition.Kind)
	}
	same(t, "transitions", kinds, "[registered suspected healed]")
	equal(t, "healings", healed().Status(at(3*time.Second)).Healed, 1)
}

// A victim that looks as the pass saw it, and is not: its warning has begun
// anew. By the exact rules a renewal that arrives late, but after the suspicion,
// heals without moving the deadline.
//
//  1. The pass has seen the lease expired, and suspect for long enough.
//  2. A renewal of the instant of the suspicion arrives, and heals it.
//  3. Somebody says again that it is suspect: the word is that of 1.
//  4. The pass evicts what is as it saw it.
func TestAWarningThatBeganAnewRescues(t *testing.T) {
	var k *kernel
	now := at(100 * time.Second)
	k = newHooked(t, staged(), hooks{Order: func(at time.Time, candidates []lived) {
		if at.Equal(now) {
			k.Renew(t0, 1)
			k.Suspect(at, 1)
		}
	}})
	register(t, k, 0, 1)
	renew(t, k, 0, 1)
	k.Suspect(t0, 1)
	report := k.EvictForgiving(now, 0)
	equal(t, "candidates", report.Eviction.Candidates, 1)
	equal(t, "rescued", len(report.Eviction.Rescued), 1)
	same(t, "changes", told(report), []string{"registered 1 at 0s", "suspected 1 at 0s", "healed 1 at 0s", "suspected 1 at 1m40s"})
}

// A proposal outlives a move: the table has moved the lease to give memory back
// when its warning begins anew, and the proposal, which looks the same, does not
// count.
func TestAWarningThatBeganAnewElsewhereRescues(t *testing.T) {
	const s = time.Second
	config := limitless(unguarded(leasekernel.Exact()))
	config.Term.Suspect, config.ProposeOnly = 45*s, true
	k := newKernel(t, config)
	register(t, k, 0, 0)
	renew(t, k, 20*s, 0)
	k.Suspect(at(10*s), 0)
	proposed := k.EvictForgiving(at(200*s), 0).Eviction.Proposed
	equal(t, "proposed", len(proposed), 1)
	for key := 1; key < 20_000; key++ {
		register(t, k, 200*s, key)
		k.Cancel(at(200*s), key)
	}
	renew(t, k, 15*s, 0) // late, but after the suspicion
	seen, _ := k.Get(0)
	equal(t, "suspected", seen.Suspected(), false)
	k.Suspect(at(199*s), 0)
	if _, ok := k.EvictProposed(at(200*s), proposed[0]); ok {
		t.Error("evicted: got true after a second of warning, want false")
	}
	again := k.EvictForgiving(at(229*s), 0).Eviction.Proposed
	equal(t, "proposed again", len(again), 1)
	_, ok := k.EvictProposed(at(229*s), again[0])
	equal(t, "evicted", ok, true)
}

func TestProposalsOfOthersAreNotCarriedOut(t *testing.T) {
	for _, byKey := range []bool{false, true} {
		config := leasekernel.Nacos()
		config.ProposeOnly, config.EvictByKey = true, byKey
		k, other := newKernel(t, config), newKernel(t, config)
		register(t, k, 0, 1)
		register(t, other, 0, 1)
		for _, victim := range append(other.Evict(at(time.Minute)).Eviction.Proposed, lived{}) {
			if _, ok := k.EvictProposed(at(time.Minute), victim); ok {
				t.Error("evicted: got true, want false")
			}
		}
		equal(t, "leases", k.Len(), 1)
	}
}
