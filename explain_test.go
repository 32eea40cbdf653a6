package leasekernel_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

type verdict = leasekernel.Verdict[int, string]

// obstacles are a verdict's, each with the time until which it lasts.
func obstacles(v verdict) (all []string) {
	names := map[leasekernel.ObstacleKind]string{
		leasekernel.NotExpired: "not expired", leasekernel.NotOpen: "not open", leasekernel.PassNotDue: "pass not due",
		leasekernel.Withheld: "withheld", leasekernel.Limited: "limited",
		leasekernel.Forgiven: "forgiven", leasekernel.NotWarned: "not warned", leasekernel.Exempt: "exempt", leasekernel.NotResponsible: "not responsible",
	}
	for _, obstacle := range v.Obstacles {
		text := names[obstacle.Kind]
		if !obstacle.Until.IsZero() {
			text += fmt.Sprint(" until ", obstacle.Until.Sub(t0))
		}
		all = append(all, text)
	}
	return all
}

func TestEachObstacleIsNamedWithItsEnd(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	exact, spring := leasekernel.Exact(), leasekernel.Spring()
	off, patient := unguarded(exact), changed(exact, func(c *leasekernel.Config) { c.Ceiling = h })
	keepsAll := changed(exact, func(c *leasekernel.Config) { c.Percent = 1 })
	for name, row := range map[string]struct {
		config   leasekernel.Config
		opened   bool
		stopped  bool
		ticks    time.Duration // how long passes have run
		now      time.Duration
		want     []string
		earliest time.Duration // -1: none
	}{
		"in its warm-up":            {exact, false, false, 0, s, []string{"not expired until 1m30s", "pass not due until 10s", "withheld until 1m0s"}, 100 * s},
		"its pass is due":           {exact, false, false, 50 * s, m, []string{"not expired until 1m30s", "withheld"}, 100 * s},
		"at its deadline":           {exact, false, false, 80 * s, 90 * s, []string{"not expired until 1m30s", "withheld"}, 100 * s},
		"expired, nobody renews":    {exact, false, false, 100 * s, 105 * s, []string{"pass not due until 1m50s", "withheld"}, 110 * s},
		"expired, no preservation":  {off, false, false, 0, 95 * s, nil, 95 * s},
		"overdue, not expired":      {off, false, false, 0, 15 * s, []string{"not expired until 1m30s"}, 95 * s},
		"a pass that keeps all":     {keepsAll, false, false, 100 * s, 105 * s, []string{"pass not due until 1m50s", "withheld", "limited"}, -1},
		"stopped":                   {off, false, true, 0, 95 * s, []string{"not open"}, -1},
		"waiting for the ceiling":   {patient, false, false, h, h, []string{"pass not due until 1h0m10s", "withheld until 1h0m0s"}, h + 10*s},
		"in its warm-up, a ceiling": {patient, false, false, 0, s, []string{"not expired until 1m30s", "pass not due until 10s", "withheld until 1m0s"}, 100 * s},
		"a warm-up, a near ceiling": {changed(patient, func(c *leasekernel.Config) { c.Warmup = 2 * h }), false, false, m, m, []string{"not expired until 1m30s", "pass not due until 1m10s", "withheld until 1h0m0s"}, h + 10*s},
		"eureka, not open":          {spring, false, false, 0, 30 * s, []string{"not expired until 1m30s", "not open", "withheld"}, -1},
		"eureka, nothing expected":  {leasekernel.Eureka(preserve.EurekaV1_9_17), true, false, 0, 30 * s, []string{"not expired until 1m30s", "pass not due until 1m0s", "withheld"}, 2 * m},
		"eureka, a window is over":  {spring, true, false, m, 91 * s, []string{"pass not due until 2m0s", "withheld"}, 2 * m},
		"eureka, at its deadline":   {unguarded(spring), true, false, m, 90*s + 999*time.Microsecond, []string{"not expired until 1m30s", "pass not due until 2m0s"}, 2 * m},
		"v1.2.5 has no limit":       {changed(leasekernel.Eureka(preserve.EurekaV1_2_5), func(c *leasekernel.Config) { c.Percent = 2 }), true, false, m, 91 * s, []string{"pass not due until 2m0s", "withheld"}, 2 * m},
		"v1.3.0 has one below zero": {changed(leasekernel.Eureka(preserve.EurekaV1_3_0), func(c *leasekernel.Config) { c.Percent = 2 }), true, false, m, 91 * s, []string{"pass not due until 2m0s", "withheld", "limited"}, -1},
		"bilibili":                  {leasekernel.Bilibili(), false, false, m, 91 * s, []string{"pass not due until 2m0s", "withheld until 1h0m0s"}, 2 * m},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, row.config)
			if row.opened {
				open(t, k, 0, 0)
			}
			register(t, k, 0, 1)
			if row.ticks > 0 {
				tickUntil(k, row.ticks)
			}
			if row.stopped {
				k.Stop()
			}
			v := k.Explain(at(row.now), 1)
			same(t, "obstacles", obstacles(v), row.want)
			switch {
			case row.earliest < 0:
				equal(t, "earliest", v.Earliest, time.Time{})
			default:
				equal(t, "earliest", v.Earliest.Sub(t0), row.earliest)
			}
			equal(t, "deadline", v.Deadline, at(90*s))
			equal(t, "at", v.At, at(row.now))
			equal(t, "decision", v.Decision, k.Status(at(row.now)).Decision)
		})
	}
}

// The whole life of a key, as Explain tells it.
func TestAVerdictInWords(t *testing.T) {
	const s = time.Second
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	now := func(d time.Duration) time.Time { return start.Add(d) }
	config := unguarded(leasekernel.Exact())
	config.Term.Suspect = 45 * s
	k, err := leasekernel.New(start, config, leasekernel.Hooks[string, int]{})
	if err != nil {
		t.Fatal(err)
	}
	says := func(after time.Duration, want ...string) {
		t.Helper()
		equal(t, fmt.Sprint("after ", after), k.Explain(now(after), "A/1").String(), strings.Join(want, "\n"))
	}
	says(0, "A/1 is not registered, and no transition of it is remembered")
	must(k.Register(now(s), "A/1", 0, lease.Term{}))
	says(2*s,
		"A/1 is live: silent for 1s",
		"not evicted: its term ends at 12:01:31, in 1m29s",
		"not evicted: the next eviction pass is due at 12:00:10, in 8s",
		"not evicted: it has to be suspect for 30s before, which a pass can find at 12:00:50",
		"the first pass that can evict it is planned at 12:01:40, in 1m38s",
		"registered at 12:00:01")
	k.Renew(now(30500*time.Millisecond), "A/1")
	k.Evict(now(80 * s))
	says(80*s,
		"A/1 is suspect: silent for 49.5s",
		"not evicted: its term ends at 12:02:00.5, in 40.5s",
		"not evicted: the next eviction pass is due at 12:01:30, in 10s",
		"not evicted: it has to be suspect for 30s and became so at 12:01:20",
		"the first pass that can evict it is planned at 12:02:10, in 50s",
		"registered at 12:00:01",
		"suspected at 12:01:20")
	k.Evict(now(120 * s))
	says(125*s,
		"A/1 is expired: silent for 1m34.5s",
		"not evicted: the next eviction pass is due at 12:02:10, in 5s",
		"the first pass that can evict it is planned at 12:02:10, in 5s",
		"registered at 12:00:01", "suspected at 12:01:20")
	k.Evict(now(130 * s))
	says(131*s, "A/1 is not registered: evicted", "registered at 12:00:01", "suspected at 12:01:20", "evicted at 12:02:10")
	must(k.Register(now(132*s), "A/1", 0, lease.Term{}))
	must(k.Register(now(133*s), "A/1", 0, lease.Term{}))
	k.Cancel(now(134*s), "A/1")
	says(135*s, "A/1 is not registered: cancelled", "registered at 12:00:01", "suspected at 12:01:20", "evicted at 12:02:10",
		"registered at 12:02:12", "replaced at 12:02:13", "cancelled at 12:02:14")
	k.Stop()
	must(k.Register(now(136*s), "B/1", 0, lease.Term{}))
	equal(t, "B/1", k.Explain(now(136*s), "B/1").String(), "B/1 is live: silent for 0s\n"+
		"not evicted: its term ends at 12:03:46, in 1m30s\n"+
		"not evicted: no eviction pass is planned: the registry is not open, or stopped\n"+
		"no pass can evict it as things stand\n"+
		"registered at 12:02:16")
}

func TestTheVerdictOnAKeyThatHasNoLease(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	v := k.Explain(at(time.Second), 1)
	equal(t, "known", v.Known, false)
	equal(t, "stage", v.Stage, lease.Ended)
	equal(t, "key", v.Key, 1)
	equal(t, "reason", v.Decision.Reason, preserve.WarmingUp)
	if len(v.Obstacles) != 0 || len(v.Last) != 0 || !v.Earliest.IsZero() {
		t.Errorf("got %+v, want nothing about nobody", v)
	}
}

// As much as the History says, of all keys together, the oldest first.
func TestExplainRemembersTheLastTransitions(t *testing.T) {
	for _, row := range []struct {
		history int
		want    string
	}{
		{0, "[]"}, {1, "[]"}, {2, "[registered]"}, {3, "[cancelled registered]"}, {4, "[replaced cancelled registered]"},
		{5, "[replaced cancelled registered]"}, {6, "[registered replaced cancelled registered]"}, {7, "[registered replaced cancelled registered]"},
	} {
		config := leasekernel.Exact()
		config.History = row.history
		k := newKernel(t, config)
		register(t, k, 0, 1)
		register(t, k, 0, 2)
		register(t, k, 0, 1)
		k.Cancel(t0, 1)
		register(t, k, 0, 1)
		register(t, k, 0, 2)
		var kinds []leasekernel.Kind
		for _, transition := range k.Explain(t0, 1).Last {
			equal(t, "key", transition.Key, 1)
			kinds = append(kinds, transition.Kind)
		}
		same(t, fmt.Sprintf("history %d", row.history), kinds, row.want)
	}
}

// Property: in a registry of which one client is silent, and every pass runs
// in time, the pass that evicts it is the one that Explain has named all
// along, and no other.
//
// The others renew every 30 s, so that eviction is allowed once the meter has
// seen them.
func TestEarliestIsThePassThatEvicts(t *testing.T) {
	const s, m = time.Second, time.Minute
	type config = leasekernel.Config
	warm := func(ceiling, duration time.Duration) config {
		return changed(leasekernel.Exact(), func(c *config) { c.Warmup, c.Ceiling, c.Term.Duration = 10*m, ceiling, duration })
	}
	opened := func(release preserve.Release) config {
		return changed(leasekernel.Eureka(release), func(c *config) { c.Term.Duration = 150 * s })
	}
	for name, config := range map[string]config{
		"exact":                     leasekernel.Exact(),
		"exact, pass of 7 s":        changed(leasekernel.Exact(), func(c *config) { c.EvictionInterval = 7 * s }),
		"exact, warming up":         warm(0, 90*s),
		"exact, ceiling above":      warm(5*m, 90*s),
		"exact, ceiling far above":  warm(time.Hour, 90*s),
		"exact, ceiling below term": warm(60*s, 90*s),
		"v1.2.5":                    opened(preserve.EurekaV1_2_5),
		"v1.3.0":                    opened(preserve.EurekaV1_3_0),
		"v1.4.9":                    opened(preserve.EurekaV1_4_9),
		"v1.9.17":                   opened(preserve.EurekaV1_9_17),
		"v1.9.17, pass of 7 s":      changed(opened(preserve.EurekaV1_9_17), func(c *config) { c.EvictionInterval = 7 * s }),
		"spring":                    opened(preserve.Spring),
		"bilibili":                  changed(leasekernel.Bilibili(), func(c *config) { c.Term.Duration = 150 * s }),
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				checkEarliest(t, config, rand.New(rand.NewPCG(seed, 0)))
			}
		})
	}
}

func checkEarliest(t *testing.T, config leasekernel.Config, random *rand.Rand) {
	t.Helper()
	const silent, others = 0, 20
	k := newKernel(t, config)
	if config.Opens() {
		open(t, k, 0, 1)
	}
	register(t, k, 0, numbers(others + 1)[1:]...)
	registered := time.Duration(random.IntN(3_000)) * 10 * time.Millisecond
	register(t, k, registered, silent)
	heartbeats := make(map[time.Duration]bool) // of the one that falls silent
	for range random.IntN(4) {
		heartbeats[registered+time.Duration(random.IntN(6_000))*10*time.Millisecond] = true
	}
	var last time.Duration
	for after := range heartbeats {
		last = max(last, after)
	}
	last = max(last, registered)

	var named time.Time
	for after := time.Duration(0); after <= 20*time.Minute; after += 10 * time.Millisecond {
		if after%(30*time.Second) == 0 {
			renew(t, k, after, numbers(others + 1)[1:]...)
		}
		if heartbeats[after] {
			renew(t, k, after, silent)
		}
		if after >= last && random.IntN(300) == 0 || after == last {
			v := k.Explain(at(after), silent)
			if named.IsZero() {
				named = v.Earliest
			}
			if !v.Earliest.Equal(named) {
				t.Fatalf("after %v: Explain names %v, and named %v", after, v.Earliest.Sub(t0), named.Sub(t0))
			}
		}
		next, _ := k.Next()
		if next.After(at(after)) {
			continue
		}
		if tick := k.Tick(next); tick.Eviction != nil && len(tick.Eviction.Evicted) > 0 {
			same(t, "evicted", keysOf(tick.Eviction.Evicted), []int{silent})
			if !next.Equal(named) {
				t.Fatalf("evicted after %v by the pass at %v, and Explain named %v", after, next.Sub(t0), named.Sub(t0))
			}
			return
		}
	}
	t.Fatalf("never evicted, and Explain named %v", named.Sub(t0))
}

// A pass that is overdue runs now at the earliest, moves the ones after it, and
// forgives its lateness: it evicts only what had expired when it was due.
func TestEarliestWhenPassesAreLate(t *testing.T) {
	const s = time.Second
	bilibili := changed(leasekernel.Bilibili(), func(c *leasekernel.Config) { c.EvictionInterval = 10 * s })
	for _, row := range []struct {
		registered, now time.Duration // the last pass was at 80 s, so that one was due at 90 s
		want            time.Duration // Explain's instant, and that of the eviction
		strict          time.Duration // where nothing is forgiven
		phased          time.Duration // nor does a late pass move those after it
	}{
		{0, 97 * s, 107 * s, 97 * s, 97 * s},              // the deadline is 90 s
		{-s, 97 * s, 97 * s, 97 * s, 97 * s},              // 89 s
		{2 * s, 97 * s, 107 * s, 97 * s, 97 * s},          // 92 s
		{7 * s, 97 * s, 107 * s, 107 * s, 100 * s},        // 97 s
		{12 * s, 97 * s, 107 * s, 107 * s, 110 * s},       // 102 s
		{17 * s, 97 * s, 117 * s, 117 * s, 110 * s},       // 107 s
		{17*s - 1, 97 * s, 107 * s, 107 * s, 110 * s},     // just before
		{10 * s, 250 * s, 260 * s, 250 * s, 250 * s},      // 100 s
		{500 * s, 597 * s, 607 * s, 597 * s, 597 * s},     // 590 s
		{510 * s, 597 * s, 607 * s, 607 * s, 610 * s},     // 600 s
		{1000 * s, 597 * s, 1097 * s, 1097 * s, 1100 * s}, // 1090 s
	} {
		for name, known := range map[string]struct {
			config leasekernel.Config
			passes []time.Duration
			want   time.Duration
		}{
			"exact":                 {leasekernel.Exact(), []time.Duration{70 * s, 80 * s}, row.want},
			"exact, no pass so far": {leasekernel.Exact(), nil, row.strict},
			"bilibili":              {bilibili, []time.Duration{70 * s, 80 * s}, row.phased},
		} {
			k := newHooked(t, limitless(known.config), hooks{Source: evict.SourceFunc(func(int) int { return 0 })})
			for _, pass := range known.passes {
				k.Evict(at(pass))
			}
			register(t, k, row.registered, 1)
			what := fmt.Sprintf("%s, registered at %v: ", name, row.registered)
			equal(t, what+"earliest", k.Explain(at(row.now), 1).Earliest.Sub(t0), known.want)
			now, evicted := at(row.now), 0
			for evicted == 0 {
				if eviction := k.Tick(now).Eviction; eviction != nil {
					evicted = len(eviction.Evicted)
				}
				if evicted == 0 {
					now, _ = k.Next()
				}
			}
			equal(t, what+"evicted", now.Sub(t0), known.want)
		}
	}
}

// Eureka's rule compares whole milliseconds: a pass in the millisecond of the
// deadline comes too early, and one in the next is the first.
func TestEarliestUnderEurekasRuleIsOfWholeMilliseconds(t *testing.T) {
	for _, row := range []struct{ opened, want time.Duration }{
		{30 * time.Second, 150 * time.Second},
		{30*time.Second + 999*time.Microsecond, 150*time.Second + 999*time.Microsecond},
		{30*time.Second + time.Millisecond, 90*time.Second + time.Millisecond},
	} {
		k := newKernel(t, limitless(leasekernel.Spring()))
		open(t, k, row.opened, 1)
		register(t, k, 0, 1)
		equal(t, "earliest", k.Explain(at(time.Second), 1).Earliest.Sub(t0), row.want)
		for _, tick := range tickUntil(k, 200*time.Second) {
			if tick.Eviction != nil && len(tick.Eviction.Evicted) > 0 {
				equal(t, "evicted", tick.At.Sub(t0), row.want)
			}
		}
		equal(t, "leases", k.Len(), 0)
	}
}

// A pass by Eureka's rule that comes 1.3 ms late forgives 1 ms, and one by the
// exact rule what it is late: each time the lease has been over for 1.2 ms.
func TestEarliestWhenAPassIsLateByAFraction(t *testing.T) {
	const s, us = time.Second, time.Microsecond
	for _, row := range []struct {
		config                        leasekernel.Config
		begins, registered, now, want time.Duration
	}{
		{leasekernel.Eureka(preserve.EurekaV1_9_17), 900 * us, 30 * s, 120*s + 2200*us, 120*s + 2200*us},
		{leasekernel.Exact(), 900 * us, 1000 * us, 90*s + 2200*us, 100*s + 2200*us},
	} {
		k := newKernel(t, limitless(row.config))
		if row.config.Opens() {
			open(t, k, row.begins, 1)
		} else {
			k.Evict(at(row.begins))
		}
		register(t, k, row.registered, 1)
		tickUntil(k, row.now-5*s)
		name := row.config.Term.Rule.String()
		equal(t, name+" earliest", k.Explain(at(row.now), 1).Earliest.Sub(t0), row.want)
		equal(t, name+" evicted, late", len(k.Tick(at(row.now)).Eviction.Evicted) == 1, row.now == row.want)
		k.Tick(at(row.want))
		equal(t, name+" leases", k.Len(), 0)
	}
}

// Deadlines that lie further away than a Duration is long are not near by
// accident.
func TestEarliestOfADeadlineInTheYear3000(t *testing.T) {
	k := eureka(t, preserve.EurekaV1_9_17, 1)
	register(t, k, 0, 1)
	equal(t, "renewed", k.Renew(t0.AddDate(1000, 0, 0), 1), true)
	v := k.Explain(at(time.Second), 1)
	if v.Earliest.Before(t0.AddDate(200, 0, 0)) {
		t.Errorf("got %v, want an instant in centuries", v.Earliest)
	}
}
