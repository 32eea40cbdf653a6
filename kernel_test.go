package leasekernel_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// kernel, hooks and report are those of most tests: keys are numbers.
type (
	kernel = leasekernel.Kernel[int, string]
	hooks  = leasekernel.Hooks[int, string]
	report = leasekernel.Report[int, string]
	change = leasekernel.Change[int, string]
	lived  = lease.Snapshot[int, string]
)

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// same compares what has no ==, as it prints.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	equal(t, what, fmt.Sprint(got), fmt.Sprint(want))
}

func newHooked(t *testing.T, config leasekernel.Config, hooks hooks) *kernel {
	t.Helper()
	k, err := leasekernel.New(t0, config, hooks)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// eureka returns a kernel of a release that was opened at t0 for clients.
func eureka(t *testing.T, release preserve.Release, clients int64) *kernel {
	t.Helper()
	k := newKernel(t, leasekernel.Eureka(release))
	open(t, k, 0, clients)
	return k
}

func open(t *testing.T, k *kernel, after time.Duration, clients int64) {
	t.Helper()
	if err := k.Open(at(after), clients); err != nil {
		t.Fatal(err)
	}
}

// register grants keys a lease of the config's term.
func register(t *testing.T, k *kernel, after time.Duration, keys ...int) {
	t.Helper()
	for _, key := range keys {
		if _, err := k.Register(at(after), key, "", lease.Term{}); err != nil {
			t.Fatal(err)
		}
	}
}

func renew(t *testing.T, k *kernel, after time.Duration, keys ...int) {
	t.Helper()
	for _, key := range keys {
		if !k.Renew(at(after), key) {
			t.Fatalf("after %v: %d is not renewed", after, key)
		}
	}
}

// numbers are the keys from 0 to n - 1.
func numbers(n int) []int {
	keys := make([]int, n)
	for i := range keys {
		keys[i] = i
	}
	return keys
}

// unguarded is a config that evicts whatever has expired, within the limit.
func unguarded(config leasekernel.Config) leasekernel.Config {
	config.SelfPreservation = false
	return config
}

// limitless is one without the limit, too.
func limitless(config leasekernel.Config) leasekernel.Config {
	config.Percent = 0
	return unguarded(config)
}

func keysOf(changes []change) (keys []int) {
	for _, change := range changes {
		keys = append(keys, change.Lease.Key())
	}
	return keys
}

func TestPresetsAreWhatTheyAreNamedAfter(t *testing.T) {
	eureka := leasekernel.Config{
		Term:              lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second, Rule: lease.Eureka},
		Window:            time.Minute,
		Percent:           0.85,
		SelfPreservation:  true,
		WaitWhenSyncEmpty: 5 * time.Minute,
		EvictionInterval:  time.Minute,
		UpdateInterval:    15 * time.Minute,
		History:           1024,
	}
	of := func(release preserve.Release) leasekernel.Config {
		config := eureka
		config.Release = release
		return config
	}
	bilibili := of(preserve.Bilibili)
	bilibili.Term.Rule, bilibili.Ceiling = lease.Bilibili, time.Hour
	for name, row := range map[string]struct{ got, want leasekernel.Config }{
		"exact": {leasekernel.Exact(), leasekernel.Config{
			Term:             lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second},
			Steps:            20,
			Percent:          0.85,
			SelfPreservation: true,
			EvictionInterval: 10 * time.Second,
			History:          1024,
		}},
		"eureka v1.2.5":  {leasekernel.Eureka(preserve.EurekaV1_2_5), of(preserve.EurekaV1_2_5)},
		"eureka v1.3.0":  {leasekernel.Eureka(preserve.EurekaV1_3_0), of(preserve.EurekaV1_3_0)},
		"eureka v1.4.9":  {leasekernel.Eureka(preserve.EurekaV1_4_9), of(preserve.EurekaV1_4_9)},
		"eureka v1.9.3":  {leasekernel.Eureka(preserve.EurekaV1_9_3), of(preserve.EurekaV1_9_3)},
		"eureka v1.9.4":  {leasekernel.Eureka(preserve.EurekaV1_9_4), of(preserve.EurekaV1_9_4)},
		"eureka v1.9.17": {leasekernel.Eureka(preserve.EurekaV1_9_17), of(preserve.EurekaV1_9_17)},
		"spring":         {leasekernel.Spring(), of(preserve.Spring)},
		"bilibili":       {leasekernel.Bilibili(), bilibili},
		"nacos": {leasekernel.Nacos(), leasekernel.Config{
			Release:          preserve.Nacos,
			Term:             lease.Term{Duration: 30 * time.Second, Suspect: 15 * time.Second, Interval: 5 * time.Second, Rule: lease.Nacos},
			Window:           time.Minute,
			EvictionInterval: 5 * time.Second,
			History:          1024,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, "preset", row.got, row.want)
			equal(t, "leases of a new kernel", newKernel(t, row.got).Len(), 0)
		})
	}
}

func TestNewRefusesWithAllProblemsAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		base   leasekernel.Config
		change func(*leasekernel.Config)
		want   []string // what the error's lines begin with
	}{
		"a lease shorter than its interval": {leasekernel.Exact(), func(c *leasekernel.Config) { c.Term.Duration = time.Second }, []string{"Term is 1s every 30s: lease: invalid: Interval is 30s"}},
		"an unknown release":                {leasekernel.Spring(), func(c *leasekernel.Config) { c.Release, c.History = 99, -1 }, []string{"Release is Release(99)", "History is -1"}},
		"a lease of nothing at all":         {leasekernel.Exact(), func(c *leasekernel.Config) { c.Term.Duration, c.Term.Interval, c.Window = 0, -1, time.Minute }, []string{"Term is 0s every -1ns: lease: invalid: Duration is 0s", "Term is 0s every -1ns: lease: invalid: Interval is -1ns"}},
		"exact leases under Eureka":         {leasekernel.Spring(), func(c *leasekernel.Config) { c.Term.Rule = lease.Exact }, []string{"Term.Rule is exact"}},
		"Eureka's leases under bilibili":    {leasekernel.Bilibili(), func(c *leasekernel.Config) { c.Term.Rule = lease.Eureka }, []string{"Term.Rule is eureka"}},
		"Eureka's leases without a release": {leasekernel.Exact(), func(c *leasekernel.Config) { c.Term.Rule = lease.Eureka }, []string{"Term.Rule is eureka"}},
		"half a second under a release":     {leasekernel.Bilibili(), func(c *leasekernel.Config) { c.Term.Interval = time.Second / 2 }, []string{"Term.Interval is 500ms"}},
		"70 years under a release":          {leasekernel.Spring(), func(c *leasekernel.Config) { c.Term.Interval = 70 * 365 * 24 * time.Hour }, []string{"Term.Interval is 613200h0m0s"}},
		"neither interval nor window":       {leasekernel.Exact(), func(c *leasekernel.Config) { c.Term.Interval, c.Window = 0, 0 }, []string{"Term is 1m30s every 0s: lease: invalid: Interval is 0s", "Window is 0s"}},
		"a dwell without passes":            {staged(), func(c *leasekernel.Config) { c.EvictionInterval = 0 }, []string{"EvictionInterval is 0s"}},
		"no steps":                          {leasekernel.Exact(), func(c *leasekernel.Config) { c.Steps = 0 }, []string{"Steps is 0"}},
		"steps that divide nothing":         {leasekernel.Exact(), func(c *leasekernel.Config) { c.Steps = 7 }, []string{"Steps is 7"}},
		"more steps than a meter has":       {leasekernel.Exact(), func(c *leasekernel.Config) { c.Steps = 2000 }, []string{"Steps is 2000"}},
		"a percent of 85":                   {leasekernel.Exact(), func(c *leasekernel.Config) { c.Percent = 85 }, []string{"Percent is 85"}},
		"no number for a percent":           {leasekernel.Exact(), func(c *leasekernel.Config) { c.Percent = math.NaN() }, []string{"Percent is NaN"}},
		"half a millisecond under a release": {leasekernel.Spring(), func(c *leasekernel.Config) {
			c.Window, c.EvictionInterval, c.UpdateInterval, c.WaitWhenSyncEmpty = 500_000, 500_000, 500_000, 500_000
		}, []string{"Window is 500µs", "EvictionInterval is 500µs", "UpdateInterval is 500µs", "WaitWhenSyncEmpty is 500µs"}},
		"everything negative, exact": {leasekernel.Exact(), func(c *leasekernel.Config) {
			c.Window, c.Warmup, c.EvictionInterval, c.UpdateInterval, c.Ceiling, c.MaxLeases, c.History, c.Percent, c.Dwell = -1, -1, -1, -1, -1, -1, -1, -1, -1
		}, []string{"MaxLeases is -1", "History is -1", "Window is -1ns", "EvictionInterval is -1ns", "Ceiling is -1ns", "Dwell is -1ns", "Percent is -1", "Warmup is -1ns"}},
		"everything negative, Eureka": {leasekernel.Spring(), func(c *leasekernel.Config) {
			c.Window, c.EvictionInterval, c.UpdateInterval, c.Ceiling, c.MaxLeases, c.History = -1, -1, -1, -1, -1, -1
		}, []string{"MaxLeases is -1", "History is -1", "Window is -1ns", "EvictionInterval is -1ns", "UpdateInterval is -1ns", "Ceiling is -1ns"}},
		"nacos protected":              {leasekernel.Nacos(), func(c *leasekernel.Config) { c.SelfPreservation = true }, []string{"SelfPreservation is true: must be off"}},
		"nacos, a nanosecond of dwell": {leasekernel.Nacos(), func(c *leasekernel.Config) { c.Dwell = 1 }, []string{"Dwell is 1ns: must be whole milliseconds under a release"}},
		"nacos, mixed":                 {leasekernel.Nacos(), func(c *leasekernel.Config) { c.Term.Rule, c.Dwell = lease.Eureka, -1 }, []string{"Term is 30s every 5s: lease: invalid: Suspect is 15s", "Term.Rule is eureka: must be nacos under nacos", "Dwell is -1ns"}},
		"no intervals": {leasekernel.Spring(), func(c *leasekernel.Config) { c.EvictionInterval, c.UpdateInterval = 0, 0 },
			[]string{"EvictionInterval is 0s", "UpdateInterval is 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := row.base
			row.change(&config)
			k, err := leasekernel.New(t0, config, hooks{})
			if k != nil || !errors.Is(err, leasekernel.ErrInvalid) {
				t.Fatalf("got %v, %v, want no kernel and ErrInvalid", k, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(lines), len(row.want), err)
			}
			for i, want := range row.want {
				if want = "leasekernel: invalid: " + want; !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want it to start with %q", lines[i], want)
				}
			}
		})
	}
}

// What a config may have at most costs nothing until it is used.
func TestALongHistoryIsNoReasonToPanic(t *testing.T) {
	config := leasekernel.Exact()
	config.History, config.MaxLeases = math.MaxInt, math.MaxInt
	k := newKernel(t, config)
	register(t, k, 0, 1)
	equal(t, "remembered", len(k.Explain(t0, 1).Last), 1)
}

// Only Eureka's meters have java.util.Timer, which refuses to fire before the
// Unix epoch.
func TestAKernelBeforeTheEpoch(t *testing.T) {
	for _, config := range []leasekernel.Config{leasekernel.Exact(), leasekernel.Bilibili(), leasekernel.Nacos()} {
		start := time.UnixMilli(-3_600_000)
		k, err := leasekernel.New(start, config, hooks{})
		if err != nil {
			t.Fatal(err)
		}
		must(k.Register(start, 1, "", lease.Term{}))
		k.Renew(start.Add(time.Second), 1)
		equal(t, "renewals", func() int64 {
			if config.Release != 0 {
				return k.Rotate(start.Add(time.Minute)).Rotation.Renewals
			}
			return k.Status(start.Add(time.Minute)).Renewals
		}(), 1)
	}
}

// Whoever registers, leaves or is evicted is told once, in the order in which
// it happened, by whichever pass comes next.
func TestEveryChangeIsReportedOnceAndInOrder(t *testing.T) {
	k := newKernel(t, limitless(leasekernel.Exact()))
	register(t, k, 0, 1, 2)
	short := lease.Term{Duration: 5 * time.Second, Interval: time.Second}
	again, err := k.Register(at(time.Second), 1, "second", short)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, ok := k.Cancel(at(2*time.Second), 2)
	equal(t, "Cancel", ok, true)
	_, ok = k.Cancel(at(3*time.Second), 2)
	equal(t, "Cancel again", ok, false)
	_, ok = k.Cancel(at(3*time.Second), 3)
	equal(t, "Cancel of nobody", ok, false)

	type told struct {
		kind leasekernel.Kind
		key  int
		at   time.Duration
	}
	var all []told
	var sequence uint64
	collect := func(report report) {
		for _, change := range report.Changes {
			all = append(all, told{change.Kind, change.Lease.Key(), change.At.Sub(t0)})
			if change.Sequence <= sequence {
				t.Errorf("number %d comes after %d", change.Sequence, sequence)
			}
			sequence = change.Sequence
			switch change.Kind {
			case leasekernel.Replaced:
				equal(t, "the new lease's holder", change.Lease.Holder(), "second")
				equal(t, "the old lease's holder", change.Old.Holder(), "")
				equal(t, "the change", change, again.Change)
			case leasekernel.Cancelled:
				equal(t, "the change", change, cancelled)
			}
		}
	}
	collect(k.Rotate(at(3 * time.Second)))
	collect(k.Rotate(at(4 * time.Second)))
	register(t, k, 5*time.Second, 3)
	collect(k.Tick(at(10 * time.Second)))
	collect(k.Tick(at(20 * time.Second)))
	want := []told{
		{leasekernel.Registered, 1, 0},
		{leasekernel.Registered, 2, 0},
		{leasekernel.Replaced, 1, time.Second},
		{leasekernel.Cancelled, 2, 2 * time.Second},
		{leasekernel.Registered, 3, 5 * time.Second},
		{leasekernel.Evicted, 1, 10 * time.Second},
	}
	if !slices.Equal(all, want) {
		t.Errorf("got %v\nwant %v", all, want)
	}
}

func TestKindsAreNamedInWords(t *testing.T) {
	for kind, want := range map[leasekernel.Kind]string{
		leasekernel.Registered: "registered",
		leasekernel.Replaced:   "replaced",
		leasekernel.Cancelled:  "cancelled",
		leasekernel.Evicted:    "evicted",
		0:                      "Kind(0)",
	} {
		equal(t, "String", kind.String(), want)
	}
}

// What is expected moves once with each change: by what the lease promises
// under the exact rules, by one client under Eureka's.
func TestEveryChangeMovesTheExpectationOnce(t *testing.T) {
	fast := lease.Term{Duration: 90 * time.Second, Interval: 10 * time.Second}
	refused := lease.Term{Duration: time.Second + 1, Interval: time.Second, Suspect: 1}
	for name, row := range map[string]struct {
		kernel *kernel
		want   []float64
	}{
		"exact":    {newKernel(t, leasekernel.Exact()), []float64{2, 4, 8, 8, 6, 6}},
		"eureka":   {eureka(t, preserve.EurekaV1_9_17, 1), []float64{2, 3, 3, 3, 2, 2}},
		"bilibili": {newKernel(t, leasekernel.Bilibili()), []float64{2, 4, 4, 4, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			k := row.kernel
			var got []float64
			expected := func() { got = append(got, k.Status(t0).Decision.Expected) }
			register(t, k, 0, 1)
			expected()
			register(t, k, 0, 2)
			expected()
			if _, err := k.Register(t0, 1, "", fast); err != nil { // replaced
				t.Fatal(err)
			}
			expected()
			if _, err := k.Register(t0, 3, "", refused); err == nil {
				t.Error("a suspect stage of 1 ns is accepted")
			}
			expected()
			k.Cancel(t0, 2)
			expected()
			k.Cancel(t0, 2)
			expected()
			same(t, "expected", got, row.want)
		})
	}
}

func TestARefusedRegistrationChangesNothing(t *testing.T) {
	minute := lease.Term{Duration: 3 * time.Minute, Interval: time.Minute}
	tooFast := lease.Term{Duration: time.Minute, Interval: time.Microsecond}
	for name, row := range map[string]struct {
		config leasekernel.Config
		now    time.Time
		key    int
		term   lease.Term
		want   error
		says   string
	}{
		"full":                      {leasekernel.Exact(), t0, 3, minute, lease.ErrFull, "the number of leases is 2: must not exceed MaxLeases"},
		"full, Eureka":              {leasekernel.Spring(), t0, 3, lease.Term{}, lease.ErrFull, "the number of leases is 2: must not exceed MaxLeases"},
		"an interval of 1 µs":       {leasekernel.Exact(), t0, 1, tooFast, preserve.ErrInvalid, "interval is 1µs: must be at least 57.221µs"},
		"a lease without a length":  {leasekernel.Exact(), t0, 1, lease.Term{Interval: time.Second}, lease.ErrInvalid, "Duration is 0s: must be above 0"},
		"an instant 19 years later": {leasekernel.Exact(), t0.AddDate(19, 0, 0), 1, lease.Term{}, lease.ErrInvalid, "now is "},
		"half a second, Eureka":     {leasekernel.Spring(), t0, 1, lease.Term{Duration: time.Second / 2}, lease.ErrInvalid, "Duration is 500ms: must be whole seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			config := row.config
			config.MaxLeases = 2
			k := newKernel(t, config)
			if config.Release != 0 {
				open(t, k, 0, 1)
			}
			register(t, k, 0, 1, 2)
			k.Rotate(t0)
			before := k.Status(t0)
			got, err := k.Register(row.now, row.key, "stranger", row.term)
			if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
			same(t, "the registration", got, leasekernel.Registration[int, string]{})
			equal(t, "the status", k.Status(t0), before)
			equal(t, "the changes", len(k.Rotate(t0).Changes), 0)
			if held, _ := k.Get(1); held.Holder() != "" {
				t.Errorf("1 has a new lease: %v", held.Holder())
			}
		})
	}
}

// A full table still takes a key that it has.
func TestAFullTableReplaces(t *testing.T) {
	config := leasekernel.Exact()
	config.MaxLeases = 1
	k := newKernel(t, config)
	register(t, k, 0, 1)
	register(t, k, time.Second, 1)
	k.Cancel(at(2*time.Second), 1)
	register(t, k, 3*time.Second, 2)
	equal(t, "leases", k.Len(), 1)
}

// Under Eureka's rule only Register takes a length of zero or below for the
// default (quirk G3): what a peer sent at the start is taken as it is.
func TestTermsThatAreNotGiven(t *testing.T) {
	const s = time.Second
	type grant func(k *kernel, term lease.Term) (leasekernel.Registration[int, string], error)
	registering := func(k *kernel, term lease.Term) (leasekernel.Registration[int, string], error) {
		return k.Register(t0, 1, "", term)
	}
	loading := func(k *kernel, term lease.Term) (leasekernel.Registration[int, string], error) {
		return k.Load(t0, 1, "", term)
	}
	for name, row := range map[string]struct {
		config leasekernel.Config
		grant  grant
		term   lease.Term
		want   lease.Term // zero: refused
	}{
		"exact, zero":             {leasekernel.Exact(), registering, lease.Term{}, lease.Term{Duration: 90 * s, Interval: 30 * s}},
		"exact, only a length":    {leasekernel.Exact(), registering, lease.Term{Duration: 60 * s}, lease.Term{}},
		"exact, another rule":     {leasekernel.Exact(), registering, lease.Term{Duration: 60 * s, Interval: s, Rule: lease.Eureka}, lease.Term{Duration: 60 * s, Interval: s}},
		"exact, loaded zero":      {leasekernel.Exact(), loading, lease.Term{}, lease.Term{}},
		"exact, loaded":           {leasekernel.Exact(), loading, lease.Term{Duration: 60 * s, Interval: s}, lease.Term{Duration: 60 * s, Interval: s}},
		"eureka, zero":            {leasekernel.Spring(), registering, lease.Term{}, lease.Term{Duration: 90 * s, Interval: 30 * s, Rule: lease.Eureka}},
		"eureka, only a length":   {leasekernel.Spring(), registering, lease.Term{Duration: 60 * s}, lease.Term{Duration: 60 * s, Rule: lease.Eureka}},
		"eureka, length 0":        {leasekernel.Spring(), registering, lease.Term{Interval: s}, lease.Term{Duration: 90 * s, Interval: s, Rule: lease.Eureka}},
		"eureka, below 0":         {leasekernel.Spring(), registering, lease.Term{Duration: -s}, lease.Term{Duration: 90 * s, Rule: lease.Eureka}},
		"eureka, loaded zero":     {leasekernel.Spring(), loading, lease.Term{}, lease.Term{Rule: lease.Eureka}},
		"eureka, loaded below 0":  {leasekernel.Spring(), loading, lease.Term{Duration: -s}, lease.Term{Duration: -s, Rule: lease.Eureka}},
		"bilibili, zero":          {leasekernel.Bilibili(), registering, lease.Term{}, lease.Term{Duration: 90 * s, Interval: 30 * s, Rule: lease.Bilibili}},
		"bilibili, length 0":      {leasekernel.Bilibili(), registering, lease.Term{Interval: s}, lease.Term{}},
		"bilibili, Eureka's term": {leasekernel.Bilibili(), registering, leasekernel.Spring().Term, lease.Term{Duration: 90 * s, Interval: 30 * s, Rule: lease.Bilibili}},
		"nacos, zero":             {leasekernel.Nacos(), registering, lease.Term{}, leasekernel.Nacos().Term},
		"nacos, length 0":         {leasekernel.Nacos(), registering, lease.Term{Suspect: s}, lease.Term{Suspect: s, Rule: lease.Nacos}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := row.grant(newKernel(t, row.config), row.term)
			if row.want == (lease.Term{}) {
				if !errors.Is(err, lease.ErrInvalid) && !errors.Is(err, preserve.ErrInvalid) {
					t.Errorf("got %v, want a refusal", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "term", got.Change.Lease.Term(), row.want)
		})
	}
}

// Which renewals count (quirks G4, G6, G7), seen after the window in which
// they came.
func TestOnlyRenewalsOfLeasesCount(t *testing.T) {
	for name, row := range map[string]struct {
		renew                func(k *kernel, now time.Time) bool
		want                 bool
		renewals, replicated int64
	}{
		"a heartbeat":                     {func(k *kernel, now time.Time) bool { return k.Renew(now, 1) }, true, 1, 0},
		"a heartbeat of nobody":           {func(k *kernel, now time.Time) bool { return k.Renew(now, 2) }, false, 0, 0},
		"a heartbeat sent on":             {func(k *kernel, now time.Time) bool { return k.RenewReplicated(now, 1) }, true, 1, 1},
		"a heartbeat of nobody sent on":   {func(k *kernel, now time.Time) bool { return k.RenewReplicated(now, 2) }, false, 0, 0},
		"a change of status":              {func(k *kernel, now time.Time) bool { return k.RenewUncounted(now, 1) }, true, 0, 0},
		"a change of status of nobody":    {func(k *kernel, now time.Time) bool { return k.RenewUncounted(now, 2) }, false, 0, 0},
		"a batch of three with a twin":    {batch(1, 2, 1), true, 2, 0},
		"a batch of strangers":            {batch(2, 3), false, 0, 0},
		"a batch of one":                  {batch(1), true, 1, 0},
		"no batch":                        {batch(), false, 0, 0},
		"an instant beyond the table":     {func(k *kernel, now time.Time) bool { return k.Renew(now.AddDate(30_000_000, 0, 0), 1) }, false, 0, 0},
		"a heartbeat that comes too late": {func(k *kernel, now time.Time) bool { return k.Renew(now.Add(-time.Second), 1) }, true, 1, 0},
	} {
		for preset, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "eureka": leasekernel.Spring(), "bilibili": leasekernel.Bilibili()} {
			t.Run(name+", "+preset, func(t *testing.T) {
				k := newKernel(t, config)
				if preset == "eureka" {
					open(t, k, 0, 1)
				}
				register(t, k, 0, 1)
				equal(t, "renewed", row.renew(k, at(30*time.Second)), row.want)
				k.Tick(at(time.Minute))
				status := k.Status(at(time.Minute))
				equal(t, "renewals", status.Renewals, row.renewals)
				equal(t, "replicated", status.Replicated, row.replicated)
			})
		}
	}
}

// batch renews keys in one call and checks that it says the same of each as it
// says of all.
func batch(keys ...int) func(k *kernel, now time.Time) bool {
	return func(k *kernel, now time.Time) bool {
		renewed := make([]bool, len(keys))
		count, err := k.RenewAll(now, keys, renewed)
		trues := len(slices.DeleteFunc(renewed, func(ok bool) bool { return !ok }))
		if err != nil || count != trues {
			panic(fmt.Sprintf("%d of %d renewed, %v", count, trues, err))
		}
		return count > 0
	}
}

func TestRenewAllTakesOneAnswerForEachKey(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	register(t, k, 0, 1)
	for _, length := range []int{1, 3} {
		count, err := k.RenewAll(at(30*time.Second), []int{1, 1}, make([]bool, length))
		if count != 0 || err == nil {
			t.Errorf("got %d, %v for two keys and %d answers, want an error", count, err, length)
		}
	}
	count, err := k.RenewAll(at(30*time.Second), []int{1, 1}, nil)
	if count != 2 || err != nil {
		t.Errorf("got %d, %v without room for answers, want 2", count, err)
	}
	equal(t, "renewals", k.Status(at(time.Minute)).Renewals, 2)
}

// Up to v1.4.8 there is no meter before the first Open, and the original
// throws at a renewal. From v1.4.9 on what came before falls into the first
// window.
func TestRenewalsBeforeTheFirstOpen(t *testing.T) {
	for _, row := range []struct {
		release preserve.Release
		taken   bool
	}{
		{preserve.EurekaV1_2_5, false}, {preserve.EurekaV1_3_0, false},
		{preserve.EurekaV1_4_9, true}, {preserve.EurekaV1_9_17, true}, {preserve.Spring, true},
	} {
		t.Run(row.release.String(), func(t *testing.T) {
			k := newKernel(t, leasekernel.Eureka(row.release))
			granted, err := k.Register(t0, 1, "", lease.Term{})
			if err != nil {
				t.Fatal(err)
			}
			renewed := []bool{true}
			count, err := k.RenewAll(at(time.Second), []int{1}, renewed)
			same(t, "RenewAll", []any{count == 1, renewed[0], err}, []any{row.taken, row.taken, nil})
			count, err = k.RenewAll(at(time.Second), []int{1}, nil)
			same(t, "RenewAll without room for answers", []any{count == 1, err}, []any{row.taken, nil})
			if _, err = k.RenewAll(at(time.Second), []int{1}, make([]bool, 2)); !errors.Is(err, leasekernel.ErrInvalid) {
				t.Errorf("RenewAll with room for one answer too many: got %v, want ErrInvalid", err)
			}
			equal(t, "Renew", k.Renew(at(time.Second), 1), row.taken)
			equal(t, "RenewUncounted", k.RenewUncounted(at(time.Second), 1), row.taken)
			equal(t, "RenewReplicated", k.RenewReplicated(at(time.Second), 1), row.taken)
			healed, ok := k.RenewTelling(at(time.Second), 1)
			equal(t, "RenewTelling", ok && !healed, row.taken)
			equal(t, "Handle.Renew", granted.Handle.Renew(at(time.Second)), row.taken)
			equal(t, "renewals before Open", k.Status(t0).Renewals, 0)
			open(t, k, 2*time.Second, 1)
			k.Tick(at(62 * time.Second))
			want := int64(0)
			if row.taken {
				want = 6
			}
			equal(t, "renewals of the first window", k.Status(at(62*time.Second)).Renewals, want)
		})
	}
}

// A renewal that a peer sent on arrives while the registry of an old release
// is being opened for the first time.
//
// Interleaving hunted: the meter of all renewals is there, so that they are
// taken, and the one of the replicated ones is not.
func TestAReplicatedRenewalDuringTheFirstOpen(t *testing.T) {
	for range 2000 {
		k := newKernel(t, leasekernel.Eureka(preserve.EurekaV1_2_5))
		register(t, k, 0, 1)
		var renewing atomic.Bool
		var peer sync.WaitGroup
		peer.Go(func() {
			for renewing.Store(true); !k.RenewReplicated(at(time.Second), 1); {
				runtime.Gosched()
			}
		})
		for !renewing.Load() {
			runtime.Gosched()
		}
		open(t, k, 0, 1)
		peer.Wait()
	}
}

// A handle is of one lease: it does not follow its key.
func TestAHandleRenewsItsLeaseAndNoOther(t *testing.T) {
	k := newKernel(t, limitless(leasekernel.Exact()))
	grant := func(after time.Duration) leasekernel.Handle[int, string] {
		granted, err := k.Register(at(after), 1, "holder", lease.Term{})
		if err != nil {
			t.Fatal(err)
		}
		return granted.Handle
	}
	first := grant(0)
	equal(t, "key", first.Lease().Key(), 1)
	equal(t, "holder", first.Lease().Holder(), "holder")
	equal(t, "renewed", first.Renew(at(time.Second)), true)
	second := grant(2 * time.Second)
	equal(t, "renewed after it was replaced", first.Renew(at(3*time.Second)), false)
	equal(t, "renewed", second.Renew(at(3*time.Second)), true)
	k.Cancel(at(4*time.Second), 1)
	equal(t, "renewed after it was cancelled", second.Renew(at(5*time.Second)), false)
	third := grant(6 * time.Second)
	k.Evict(at(97 * time.Second))
	equal(t, "renewed after it was evicted", third.Renew(at(97*time.Second)), false)
	equal(t, "renewals", k.Status(at(30*time.Second)).Renewals, 2)
}

func TestLeasesAreFoundByKeyAndAllTogether(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	register(t, k, 0, numbers(100)...)
	held, ok := k.Get(42)
	if !ok || held.Key() != 42 || !held.Deadline().Equal(at(90*time.Second)) {
		t.Errorf("got %v, %t until %v", held.Key(), ok, held.Deadline())
	}
	_, ok = k.Get(100)
	equal(t, "Get of nobody", ok, false)
	var keys []int
	for key, held := range k.All() {
		equal(t, "key", held.Key(), key)
		keys = append(keys, key)
	}
	slices.Sort(keys)
	same(t, "All", keys, numbers(100))
	equal(t, "Len", k.Len(), 100)
}

func TestOnlyEurekaIsOpened(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "bilibili": leasekernel.Bilibili()} {
		k := newKernel(t, config)
		if err := k.Open(t0, 1); !errors.Is(err, leasekernel.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
		equal(t, "Opened", k.Status(t0).Opened, true)
	}
	k := newKernel(t, leasekernel.Spring())
	if err := k.Open(t0, math.MaxInt32+1); !errors.Is(err, preserve.ErrInvalid) {
		t.Errorf("got %v, want preserve.ErrInvalid", err)
	}
	equal(t, "Opened", k.Status(t0).Opened, false)
}

// What Open does not manage leaves no passes behind: the meter comes first, as
// in the original.
func TestAnOpenThatFailsPlansNothing(t *testing.T) {
	for _, release := range []preserve.Release{preserve.EurekaV1_2_5, preserve.EurekaV1_9_17} {
		k := newKernel(t, leasekernel.Eureka(release))
		before := time.UnixMilli(-3_600_000)
		if err := k.Open(before, 1); err == nil {
			t.Errorf("%v: a meter fires before the Unix epoch", release)
		}
		equal(t, "Opened", k.Status(before).Opened, false)
		open(t, k, 0, 1)
		equal(t, "Opened", k.Status(t0).Opened, true)
	}
}

// Opened again 100 s after the first time (quirk E6): the expectation and the
// passes begin anew, and the first of them forgives nothing. The meter keeps
// its phase and its count; up to v1.4.8 there is a new one.
func TestOpenedAgain(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		release  preserve.Release
		renewals int64
		rotation time.Duration
	}{
		{preserve.EurekaV1_2_5, 0, 160 * s},
		{preserve.EurekaV1_3_0, 0, 160 * s},
		{preserve.EurekaV1_4_9, 1, 120 * s},
		{preserve.EurekaV1_9_17, 1, 120 * s},
	} {
		t.Run(row.release.String(), func(t *testing.T) {
			k := eureka(t, row.release, 10)
			register(t, k, 0, 1)
			renew(t, k, 30*s, 1)
			k.Tick(at(60 * s))
			renew(t, k, 90*s, 1)
			open(t, k, 100*s, 3)
			status := k.Status(at(100 * s))
			equal(t, "renewals", status.Renewals, row.renewals)
			equal(t, "next eviction", status.NextEviction, at(160*s))
			next, ok := k.Next()
			equal(t, "planned", ok, true)
			equal(t, "next rotation", next, at(row.rotation))
			k.Tick(at(120 * s))
			late := k.Tick(at(1000 * s))
			equal(t, "forgiven by the first pass", late.Eviction.Compensation, 0)
		})
	}
	k := eureka(t, preserve.EurekaV1_9_17, 10)
	register(t, k, 0, 1)
	equal(t, "expected", k.Status(t0).Decision.Expected, 11)
	open(t, k, s, 3)
	equal(t, "expected", k.Status(t0).Decision.Expected, 3)
}

// Stop is for good (quirk R8): the expectation of a later Open counts, its
// passes do not.
func TestStoppedForGood(t *testing.T) {
	k := eureka(t, preserve.EurekaV1_9_17, 10)
	register(t, k, 0, 1, 2)
	renew(t, k, 30*time.Second, 1)
	k.Tick(at(time.Minute))
	k.Stop()
	k.Stop()
	_, ok := k.Next()
	equal(t, "planned", ok, false)
	if err := k.Open(at(61*time.Second), 3); !errors.Is(err, leasekernel.ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	k.Tick(at(61 * time.Second)) // takes what changed
	register(t, k, 61*time.Second, 3)
	renew(t, k, 62*time.Second, 1)
	status := k.Status(at(time.Hour))
	equal(t, "Opened", status.Opened, false)
	equal(t, "expected", status.Decision.Expected, 4)
	equal(t, "renewals", status.Renewals, 1)
	tick := k.Tick(at(time.Hour))
	if tick.Rotation != nil || tick.Eviction != nil || tick.Update != nil || len(tick.Changes) != 1 {
		t.Errorf("got %+v, want the one change", tick)
	}

	bilibili := newKernel(t, leasekernel.Bilibili())
	bilibili.Stop()
	equal(t, "bilibili's rotations", bilibili.Tick(at(time.Hour)).Rotation == nil, true)
	exact := newKernel(t, limitless(leasekernel.Exact()))
	register(t, exact, 0, 1)
	exact.Stop()
	equal(t, "passes", exact.Tick(at(time.Hour)).Eviction == nil, true)
	equal(t, "renewed", exact.Renew(at(time.Hour), 1), true)
}

// A stopped registry can still be told to evict, by hand.
func TestAPassByHandRunsAlsoWhenNoneIsPlanned(t *testing.T) {
	for name, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "eureka": leasekernel.Spring()} {
		k := newKernel(t, limitless(config))
		register(t, k, 0, 1)
		k.Stop()
		evicted := k.Evict(at(time.Hour)).Eviction.Evicted
		same(t, name, keysOf(evicted), []int{1})
		_, ok := k.Next()
		equal(t, "planned", ok, false)
	}
}

// A changed percent changes the limit at once and the threshold with the next
// change of what is expected (quirk T10).
func TestAChangedPercent(t *testing.T) {
	k := eureka(t, preserve.EurekaV1_9_17, 0)
	register(t, k, 0, numbers(10)...)
	open(t, k, 0, 10)
	read := func() string {
		verdict := k.Explain(t0, 0)
		return fmt.Sprintf("threshold %v, limit %d", verdict.Decision.Threshold, verdict.Limit)
	}
	equal(t, "at 0.85", read(), "threshold 17, limit 2")
	equal(t, "SetPercent", k.SetPercent(0.5), nil)
	equal(t, "at 0.5", read(), "threshold 17, limit 5")
	register(t, k, 0, 10)
	equal(t, "after a registration", read(), "threshold 11, limit 6")
	for _, percent := range []float64{0, 2, -1, math.NaN()} {
		equal(t, "SetPercent", k.SetPercent(percent), nil)
	}
	if err := newKernel(t, leasekernel.Exact()).SetPercent(0.5); !errors.Is(err, leasekernel.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

// Under Eureka's rules a pass is seeded by the wall clock, and Config's Seed
// is not looked at (quirk E3); elsewhere it is one generator that goes on.
func TestTheSeedOfTheVictims(t *testing.T) {
	victims := func(config leasekernel.Config, seed int64) (all []int) {
		config = unguarded(config)
		config.Seed = seed
		k := newKernel(t, config)
		register(t, k, 0, numbers(100)...)
		for _, after := range []time.Duration{1000, 1100} {
			eviction := k.EvictForgiving(at(after*time.Second), 0).Eviction
			all = append(all, keysOf(eviction.Evicted)...)
		}
		return all
	}
	for name, row := range map[string]struct {
		config leasekernel.Config
		seeded bool
	}{
		"exact":    {leasekernel.Exact(), true},
		"bilibili": {leasekernel.Bilibili(), true},
		"eureka":   {leasekernel.Eureka(preserve.EurekaV1_9_17), false},
		"v1.3.0":   {leasekernel.Eureka(preserve.EurekaV1_3_0), false},
	} {
		first, second := victims(row.config, 1), victims(row.config, 2)
		equal(t, name+": the seed matters", !slices.Equal(first, second), row.seeded)
		same(t, name+": the same seed", victims(row.config, 1), first)
		var want []int
		random := evict.NewJavaRandom(1)
		left := numbers(100)
		for _, after := range []time.Duration{1000, 1100} {
			if !row.seeded {
				random.Seed(at(after * time.Second).UnixMilli())
			}
			limit := len(left) - len(left)*85/100
			picked, err := evict.Pick(random, slices.Clone(left), limit)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, picked...)
			left = slices.DeleteFunc(left, func(key int) bool { return slices.Contains(picked, key) })
		}
		same(t, name+": the victims", first, want)
	}
}
