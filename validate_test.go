package leasekernel_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// changed returns a preset with something changed.
func changed(config leasekernel.Config, change func(*leasekernel.Config)) leasekernel.Config {
	change(&config)
	return config
}

func TestWhatValidateSaysOfThePresets(t *testing.T) {
	const slowPass = "warning: EvictionInterval is 1m0s: should be at most half the Term's Duration (1m30s): a dead lease stays up to 1m0s longer than its term"
	const slowMeter = "\nwarning: Window is 1m0s: is too long for the lease: when everybody falls silent the meter shows it after 1m9s ((2 - Percent) * Window, as the meter tumbles), " +
		"but leases expire after 1m0s (Duration - Interval), so that some may be evicted before the registry suspects itself"
	few := func(instances, least int) string {
		return fmt.Sprintf("\nwarning: Percent is 0.85: withholds eviction as soon as one of %d in all falls silent: it takes at least %d", instances, least)
	}
	for name, row := range map[string]struct {
		config    leasekernel.Config
		instances int
		want      string
	}{
		"exact":           {leasekernel.Exact(), 0, ""},
		"exact, many":     {leasekernel.Exact(), 1_000_000, ""},
		"exact, 7":        {leasekernel.Exact(), 7, ""},
		"exact, 6":        {leasekernel.Exact(), 6, few(6, 7)[1:]},
		"exact, 1":        {leasekernel.Exact(), 1, few(1, 7)[1:]},
		"eureka":          {leasekernel.Eureka(preserve.EurekaV1_9_17), 0, slowPass},
		"eureka, 7":       {leasekernel.Eureka(preserve.EurekaV1_9_17), 7, slowPass},
		"eureka, 6":       {leasekernel.Eureka(preserve.EurekaV1_9_17), 6, slowPass + few(6, 7)},
		"eureka v1.2.5":   {leasekernel.Eureka(preserve.EurekaV1_2_5), 6, slowPass + few(6, 7)},
		"spring, 13":      {leasekernel.Spring(), 13, slowPass},
		"spring, 12":      {leasekernel.Spring(), 12, slowPass + few(12, 13)},
		"bilibili, 4":     {leasekernel.Bilibili(), 4, slowPass + slowMeter},
		"bilibili, 3":     {leasekernel.Bilibili(), 3, slowPass + slowMeter + few(3, 4)},
		"nacos, 1":        {leasekernel.Nacos(), 1, "warning: SelfPreservation is false: should be on: a partition that cuts the registry off evicts everybody"},
		"half of 2":       {changed(leasekernel.Exact(), func(c *leasekernel.Config) { c.Percent = 0.5 }), 2, ""},
		"minus one":       {leasekernel.Exact(), -1, "error: instances is -1: must not be negative"},
		"percent 1 of 50": {changed(leasekernel.Exact(), func(c *leasekernel.Config) { c.Percent = 1 }), 50, "warning: Percent is 1: withholds eviction as soon as one of 50 in all falls silent: it takes more than 10000"},
		// What a release counts is whole renewals: 7 instances of 45 s are
		// enough, 8 and 9 are not.
		"eureka, 7 of 45 s": {changed(leasekernel.Eureka(preserve.EurekaV1_9_17), every45s), 7, slowPass},
		"eureka, 8 of 45 s": {changed(leasekernel.Eureka(preserve.EurekaV1_9_17), every45s), 8, slowPass + few(8, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, "problems", row.config.Validate(row.instances).String(), row.want)
		})
	}
}

func every45s(c *leasekernel.Config) { c.Term.Interval = 45 * time.Second }

// Each theorem, where its condition just holds and where it just does not.
func TestEachWarningBeginsWhereItsTheoremEnds(t *testing.T) {
	type config = leasekernel.Config
	const s = time.Second
	exact, eureka := leasekernel.Exact(), leasekernel.Eureka(preserve.EurekaV1_9_17)
	eureka.EvictionInterval = s
	long := changed(eureka, func(c *config) { c.Term.Duration = 5 * time.Minute })
	half := changed(exact, func(c *config) { c.Percent = 0.5 })
	for name, row := range map[string]struct {
		base       config
		good, bad  func(*config)
		field, say string
	}{
		"a pass every half of the term": {exact,
			func(c *config) { c.EvictionInterval = 45 * s }, func(c *config) { c.EvictionInterval = 45*s + 1 },
			"EvictionInterval", "at most half the Term's Duration (1m30s): a dead lease stays up to 45.000000001s longer"},
		"a window of one interval": {exact,
			func(c *config) { c.Window = 30 * s }, func(c *config) { c.Window = 30*s - 20 },
			"Window", "at least the Term's Interval (30s)"},
		"a window of a minute": {eureka,
			func(*config) {}, func(c *config) { c.Window = time.Minute - time.Millisecond },
			"Window", "should be 1m0s under a release"},
		"a warm-up of one window": {exact,
			func(c *config) { c.Warmup = 60 * s }, func(c *config) { c.Warmup = 60*s - 1 },
			"Warmup", "at least the Window (1m0s)"},
		"a ceiling above the term": {exact,
			func(c *config) { c.Ceiling = 90*s + 1 }, func(c *config) { c.Ceiling = 90 * s },
			"Ceiling", "longer than the Term's Duration (1m30s)"},
		"a warning within the term": {exact,
			func(c *config) { c.Term.Suspect = 60 * s }, func(c *config) { c.Term.Suspect = 60*s + 1 },
			"Dwell", "should end within the Term's Duration (1m30s): a dead lease stays up to 1m40.000000001s"},
		"a dwell within the term": {changed(exact, func(c *config) { c.Term.Suspect = 60 * s }),
			func(c *config) { c.Dwell = 30 * s }, func(c *config) { c.Dwell = 30*s + 1 },
			"Dwell", "a dead lease stays up to 1m50s, suspect after 1m0s and a pass, and then for so many passes of 10s"},
		"a dwell of a stage": {changed(exact, func(c *config) { c.Dwell = 30 * s }),
			func(c *config) { c.Term.Suspect = 60 * s }, func(c *config) { c.Term.Suspect = 0 },
			"Dwell", "has no effect on the Config's term"},
		"preservation": {exact,
			func(*config) {}, func(c *config) { c.SelfPreservation = false },
			"SelfPreservation", "a partition that cuts the registry off evicts everybody"},
		"a percent above 0": {long,
			func(c *config) { c.Percent = math.SmallestNonzeroFloat64 }, func(c *config) { c.Percent = 0 },
			"Percent", "quirk T4"},
		"a percent below 1": {eureka,
			func(c *config) { c.Percent = math.Nextafter(1, 0) }, func(c *config) { c.Percent = 1 },
			"Percent", "quirk E2"},
		"a percent that is a number": {eureka,
			func(*config) {}, func(c *config) { c.Percent = math.NaN() },
			"Percent", "between 0 and 1"},
		// Half of 60 s and a step of 3 s are 33 s, as are 63 s less 30 s.
		"a meter faster than the lease": {half,
			func(c *config) { c.Term.Duration = 63*s + 1 }, func(c *config) { c.Term.Duration = 63 * s },
			"Window", "shows it after 33s ((1 - Percent) * Window + one step), but leases expire after 33s"},
		"a step faster than the lease": {half,
			func(c *config) { c.Term.Duration, c.Steps = 91*s, 2 }, func(c *config) { c.Term.Duration, c.Steps = 91*s, 1 },
			"Window", "shows it after 1m30s"},
		// 1.15 times 60 s are 69 s. A lease that was renewed at an interval of
		// 80 s has 2 * 75 s - 80 s = 70 s left, and one of 75 s 69 s...
		"a tumbling meter, renewed leases": {eureka,
			func(c *config) { c.Term.Duration, c.Term.Interval = 75*s, 80*s }, func(c *config) { c.Term.Duration, c.Term.Interval = 75*s, 81*s },
			"Window", "shows it after 1m9s ((2 - Percent) * Window, as the meter tumbles), but leases expire after 1m9s"},
		// ...and one that was only registered has 70 s or 69 s.
		"a tumbling meter, registered leases": {eureka,
			func(c *config) { c.Term.Duration = 70 * s }, func(c *config) { c.Term.Duration = 69 * s },
			"Window", "shows it after 1m9s ((2 - Percent) * Window, as the meter tumbles), but leases expire after 1m9s"},
		"a tumbling meter, exact leases": {changed(leasekernel.Bilibili(), func(c *config) { c.EvictionInterval = s }),
			func(c *config) { c.Term.Duration = 100 * s }, func(c *config) { c.Term.Duration = 99 * s },
			"Window", "shows it after 1m9s ((2 - Percent) * Window, as the meter tumbles), but leases expire after 1m9s"},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := changed(row.base, row.good).Validate(0); len(problems) != 0 {
				t.Errorf("good: got %v", problems)
			}
			problems := changed(row.base, row.bad).Validate(0)
			if len(problems) != 1 {
				t.Fatalf("bad: got %d problems, want one: %v", len(problems), problems)
			}
			equal(t, "severity", problems[0].Severity, leasekernel.Warning)
			equal(t, "field", problems[0].Field, row.field)
			if !strings.Contains(problems[0].Rule, row.say) {
				t.Errorf("got %q, want %q in it", problems[0].Rule, row.say)
			}
			equal(t, "error", problems.Err(), nil)
		})
	}
}

// What is wrong already is not warned of, too, and what is just right is not
// wrong.
func TestValidateAtTheEnds(t *testing.T) {
	const s = time.Second
	type config = leasekernel.Config
	suspecting := changed(leasekernel.Exact(), func(c *config) { c.Term.Suspect = 45 * s })
	spring := changed(leasekernel.Spring(), func(c *config) { c.SelfPreservation, c.EvictionInterval = false, 30*s })
	for name, row := range map[string]struct {
		config leasekernel.Config
		want   []string // the fields that have problems
	}{
		"most steps":            {changed(leasekernel.Exact(), func(c *config) { c.Window, c.Warmup, c.Steps = 1023*s/25, s*60, 1023 }), nil},
		"a step too many":       {changed(leasekernel.Exact(), func(c *config) { c.Window, c.Warmup, c.Steps = 1024*s/25, s*60, 1024 }), []string{"Steps"}},
		"no duration":           {changed(leasekernel.Exact(), func(c *config) { c.Term.Duration = 0 }), []string{"Term", "Term"}},
		"the longest dwell":     {changed(suspecting, func(c *config) { c.Dwell = lease.MaxTableDuration }), []string{"Dwell"}},
		"no term, but a dwell":  {changed(suspecting, func(c *config) { c.Term.Interval, c.Dwell = 50*s, 90*s }), []string{"Term"}},
		"a dwell beyond worth":  {changed(suspecting, func(c *config) { c.Dwell = lease.MaxTableDuration + 1 }), nil},
		"the longest interval":  {changed(spring, func(c *config) { c.Term.Interval = math.MaxInt32 * s }), []string{"SelfPreservation"}},
		"the least interval":    {changed(spring, func(c *config) { c.Term.Interval = math.MinInt32 * s }), []string{"SelfPreservation"}},
		"too long an interval":  {changed(spring, func(c *config) { c.Term.Interval = (math.MaxInt32 + 1) * s }), []string{"Term.Interval", "SelfPreservation"}},
		"all renewals needed":   {changed(spring, func(c *config) { c.SelfPreservation, c.Percent, c.Term.Duration = true, 1, 60*s }), []string{"Percent", "Window"}},
		"a dwell within a term": {changed(suspecting, func(c *config) { c.Dwell = 40 * s }), nil},
	} {
		var got []string
		for _, problem := range row.config.Validate(0) {
			got = append(got, problem.Field)
		}
		same(t, name, got, row.want)
	}
}

// 10 001 instances would do.
func TestValidateCountsToTenThousand(t *testing.T) {
	config := leasekernel.Exact()
	config.Percent = 0.999900005
	problems := config.Validate(1)
	if len(problems) != 1 || !strings.HasSuffix(problems[0].Rule, "it takes more than 10000") {
		t.Errorf("got %v", problems)
	}
}

// The rule of a term that a client brings is the Config's.
func TestValidateTermTakesTheRule(t *testing.T) {
	for _, config := range []leasekernel.Config{leasekernel.Exact(), leasekernel.Spring(), leasekernel.Bilibili(), leasekernel.Nacos()} {
		term := config.Term
		term.Rule = lease.Exact
		equal(t, config.Release.String(), fmt.Sprint(config.ValidateTerm(term)), fmt.Sprint(config.Validate(0)))
	}
}

func TestProblemsAreSentences(t *testing.T) {
	config := leasekernel.Exact()
	config.Window, config.Percent, config.EvictionInterval = time.Minute, 2, time.Minute
	problems := config.Validate(0)
	equal(t, "String", problems.String(),
		"warning: EvictionInterval is 1m0s: should be at most half the Term's Duration (1m30s): a dead lease stays up to 1m0s longer than its term\n"+
			"error: Percent is 2: must be a number from 0 to 1")
	err := problems.Err()
	if !errors.Is(err, leasekernel.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	equal(t, "Err", err.Error(), "leasekernel: invalid: Percent is 2: must be a number from 0 to 1")
	equal(t, "unknown severity", leasekernel.Severity(0).String(), "Severity(0)")
}

// The theorem of the small registry, asked of a kernel: n clients renew, and
// one of them falls silent. It is evicted if and only if Validate is content.
func TestOneSilentInstanceIsEvictedWhereValidateIsContent(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{
		"exact":          leasekernel.Exact(),
		"eureka v1.2.5":  leasekernel.Eureka(preserve.EurekaV1_2_5),
		"eureka v1.4.9":  leasekernel.Eureka(preserve.EurekaV1_4_9),
		"eureka v1.9.17": leasekernel.Eureka(preserve.EurekaV1_9_17),
		"spring":         leasekernel.Spring(),
		"bilibili":       leasekernel.Bilibili(),
	} {
		config.EvictionInterval = 10 * time.Second
		for n := 1; n <= 20; n++ {
			k := newKernel(t, config)
			switch name {
			case "exact", "bilibili":
				register(t, k, 0, numbers(n)...)
			case "spring": // opens for a client that does not exist
				open(t, k, 0, 0)
				register(t, k, 0, numbers(n)...)
			default:
				register(t, k, 0, numbers(n)...)
				open(t, k, 0, int64(n))
			}
			evicted := 0
			for after := time.Duration(0); after <= 10*time.Minute; after += 30 * time.Second {
				keys := numbers(n)
				if after > 2*time.Minute {
					keys = keys[1:]
				}
				renew(t, k, after, keys...)
				evicted += len(evictedBy(tickUntil(k, after)))
			}
			content := !slices.ContainsFunc(config.Validate(n), func(p leasekernel.Problem) bool { return p.Field == "Percent" })
			equal(t, fmt.Sprintf("%s, %d instances: evicted", name, n), evicted == 1, content)
		}
	}
}

// The theorem of the slow meter for a lease that was only registered, which
// Eureka's rule does not double (quirk L1): all of 1000 clients fall silent in
// the second in which one more has registered. A meter that tumbles takes up to
// 69 s to notice.
func TestANewLeaseInAPartitionIsEvictedWhereValidateWarns(t *testing.T) {
	const clients = 1000
	for _, row := range []struct {
		duration time.Duration
		warnings int
		evicted  int
	}{{70 * time.Second, 0, 0}, {60 * time.Second, 1, 1}} {
		config := leasekernel.Eureka(preserve.EurekaV1_9_17)
		config.Term.Duration, config.EvictionInterval = row.duration, time.Second
		equal(t, "warnings", len(config.Validate(clients)), row.warnings)
		worst := 0
		for phase := range 60 {
			silence := 3*time.Minute + time.Duration(phase)*time.Second
			worst = max(worst, cutOffAfter(t, config, clients, silence))
		}
		equal(t, fmt.Sprintf("evicted with leases of %v", row.duration), worst, row.evicted)
	}
}

// cutOffAfter lets clients renew one after the other, all of them in one
// interval, until one more registers and all fall silent.
func cutOffAfter(t *testing.T, config leasekernel.Config, clients int, silence time.Duration) (evicted int) {
	k := newKernel(t, config)
	step := config.Term.Interval / time.Duration(clients)
	for i := range clients {
		register(t, k, time.Duration(i)*step, i)
	}
	open(t, k, config.Term.Interval, int64(clients))
	client := 0
	for now := config.Term.Interval; now < silence; now += step {
		evicted += len(evictedBy(tickUntil(k, now)))
		renew(t, k, now, client)
		client = (client + 1) % clients
	}
	if _, err := k.Register(at(silence), clients, "", lease.Term{}); err != nil {
		t.Fatal(err)
	}
	return evicted + len(evictedBy(tickUntil(k, silence+5*time.Minute)))
}
