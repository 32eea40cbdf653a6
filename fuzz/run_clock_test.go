package fuzz

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"pgregory.net/rapid"
)

// The clocks of benbjohnson/clock are such as Run needs, as they are.
var (
	_ leasekernel.Clock = (*clock.Mock)(nil)
	_ leasekernel.Clock = clock.Clock(nil)
	_ leasekernel.Clock = clock.New()
)

// heard is a mock that tells when somebody has begun to wait, and for how
// long: only then may a test let time pass. A mock forgets nobody, but whoever
// comes after an Add waits from then on.
type heard struct {
	*clock.Mock
	waits chan time.Duration
}

func (c heard) After(d time.Duration) <-chan time.Time {
	elapsed := c.Mock.After(d)
	c.waits <- d
	return elapsed
}

// mockedRun is a Run on a mock, which starts at instant 0.
type mockedRun struct {
	clock   heard
	kernel  *leasekernel.Kernel[string, int]
	reports []string // written by Run, read while it waits
	end     context.CancelFunc
	ended   chan error
}

func startRun(t *testing.T, config leasekernel.Config) *mockedRun {
	r := &mockedRun{clock: heard{clock.NewMock(), make(chan time.Duration, 100)}, ended: make(chan error, 1)}
	var err error
	r.kernel, err = leasekernel.New(r.clock.Now(), config, leasekernel.Hooks[string, int]{Report: func(report leasekernel.Report[string, int]) {
		r.reports = append(r.reports, describeReport(report))
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	r.end = end
	go func() { r.ended <- r.kernel.Run(ctx, r.clock) }()
	return r
}

func describeReport(report leasekernel.Report[string, int]) string {
	text := fmt.Sprint(report.At.Sub(time.Unix(0, 0)))
	if report.Rotation != nil {
		text += fmt.Sprintf(", rotation of %d", report.Rotation.Renewals)
	}
	if report.Eviction != nil {
		text += fmt.Sprintf(", eviction %v", report.Eviction.Decision.Reason)
	}
	if report.Update != nil {
		text += fmt.Sprintf(", update to %d", report.Update.Count)
	}
	for _, change := range report.Changes {
		text += fmt.Sprintf(", %s %v", change.Key, change.Kind)
	}
	return text
}

// waits wants Run to wait for so long.
func (r *mockedRun) waits(t *testing.T, want time.Duration) {
	t.Helper()
	if got := <-r.clock.waits; got != want {
		t.Errorf("at %v it waits for %v, not %v", r.clock.Now(), got, want)
	}
}

// stop ends Run, which waits, and compares what it has reported.
func (r *mockedRun) stop(t *testing.T, want ...string) {
	t.Helper()
	r.end()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
	if diff := cmp.Diff(want, r.reports); diff != "" {
		t.Errorf("reports (-want +got)\n%s", diff)
	}
}

func (r *mockedRun) register(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, err := r.kernel.Register(r.clock.Now(), key, 0, lease.Term{}); err != nil {
			t.Fatal(err)
		}
	}
}

// Ten clients, of which one falls silent after its heartbeat at 15 s. Each pass
// is reported once, in order, and the one that evicts is the first after 105 s.
func TestRunOnAForeignClock(t *testing.T) {
	config := leasekernel.Exact()
	config.EvictionInterval = heartbeatEvery
	r := startRun(t, config)
	r.waits(t, heartbeatEvery)
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	r.register(t, keys...)
	for beat := range 4 {
		r.clock.Add(heartbeatEvery / 2)
		for _, key := range keys[min(beat, 1):] {
			if !r.kernel.Renew(r.clock.Now(), key) {
				t.Errorf("%s is not renewed at %v", key, r.clock.Now())
			}
		}
		r.clock.Add(heartbeatEvery / 2)
		r.waits(t, heartbeatEvery)
	}
	r.stop(t,
		"30s, eviction warming up, a registered, b registered, c registered, d registered, e registered, "+
			"f registered, g registered, h registered, i registered, j registered",
		"1m0s, eviction enough renewals",
		"1m30s, eviction enough renewals",
		"2m0s, eviction enough renewals, a evicted",
	)
}

// A client of Nacos's that falls silent, comes back for one heartbeat and is
// silent again. What a renewal healed is told by the pass after it.
func TestRunTellsOfTheSuspectStage(t *testing.T) {
	const s = time.Second
	r := startRun(t, leasekernel.Nacos())
	r.waits(t, 5*s)
	r.register(t, "a")
	for pass := range 11 {
		if pass == 4 {
			r.clock.Add(2 * s)
			if !r.kernel.Renew(r.clock.Now(), "a") {
				t.Error("a is not renewed")
			}
			r.clock.Add(3 * s)
		} else {
			r.clock.Add(5 * s)
		}
		r.waits(t, 5*s)
	}
	r.stop(t,
		"5s, eviction unprotected, a registered",
		"10s, eviction unprotected",
		"15s, eviction unprotected",
		"20s, eviction unprotected, a suspected",
		"25s, eviction unprotected, a healed", // at 22 s
		"30s, eviction unprotected",
		"35s, eviction unprotected",
		"40s, eviction unprotected, a suspected",
		"45s, eviction unprotected",
		"50s, eviction unprotected",
		"55s, eviction unprotected, a evicted",
	)
}

// Opened while Run waits for the update of quarter past: it wakes and waits
// for the first passes. All of it on a clock that begins where Eureka takes
// instants for "never".
func TestOpenWakesARunOnAForeignClock(t *testing.T) {
	r := startRun(t, leasekernel.Eureka(preserve.EurekaV1_9_17))
	r.waits(t, 15*time.Minute)
	r.clock.Add(10 * time.Second)
	r.register(t, "a")
	if err := r.kernel.Open(r.clock.Now(), 1); err != nil {
		t.Fatal(err)
	}
	r.waits(t, time.Minute)
	r.clock.Add(10 * time.Second)
	r.kernel.Renew(r.clock.Now(), "a")
	if err := r.kernel.Open(r.clock.Now(), 1); err != nil { // the meter keeps its phase
		t.Fatal(err)
	}
	r.waits(t, 50*time.Second)
	r.clock.Add(50 * time.Second)
	r.waits(t, 10*time.Second)
	r.clock.Add(10 * time.Second)
	r.waits(t, 50*time.Second)
	r.stop(t,
		"10s, a registered", // found when Open woke it
		"1m10s, rotation of 1",
		"1m20s, eviction too few renewals",
	)
}

// The real clock of the same module. How long it takes is not asked.
func TestRunOnTheRealClock(t *testing.T) {
	config := leasekernel.Exact()
	config.EvictionInterval = time.Millisecond
	ctx, end := context.WithCancel(t.Context())
	var passes []time.Time
	kernel, err := leasekernel.New(time.Now(), config, leasekernel.Hooks[string, int]{Report: func(report leasekernel.Report[string, int]) {
		if passes = append(passes, report.At); len(passes) == 3 {
			end()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := kernel.Run(ctx, clock.New()); !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
	for i := 1; i < len(passes); i++ {
		if pause := passes[i].Sub(passes[i-1]); pause < time.Millisecond {
			t.Errorf("a pass comes %v after the last one", pause)
		}
	}
}

var (
	runIsTicks     = law.New("run-is-ticks", "Run does what its caller would do who ticks whenever the clock wakes it, whatever that clock shows, and tells at its end what has changed")
	runHeedsNoStep = law.New("run-heeds-no-step", "no step of the wall clock moves a pass of an exact kernel's Run, or makes it forgive")
)

// puppetClock is a clock in the hands of rapid: nobody waits, and no two
// goroutines are needed. While Run believes that it waits, calls are made; then
// it is woken in time, early, late, or by a clock that was set. Beside the kernel
// goes a twin which is ticked by hand.
type puppetClock struct {
	*rapid.T
	kernel, twin *leasekernel.Kernel[string, int]
	now, ticked  time.Time
	looks        int // since the last wait
	waits        int
	end          func()
	reports      []string
	wanted       []string
}

func (c *puppetClock) Now() time.Time {
	if c.looks++; c.looks == 1 {
		c.ticked = c.now
	}
	return c.now
}

// After checks for how long Run wants to wait: until the twin's next pass by the
// clock as it is now, never less than a millisecond.
func (c *puppetClock) After(d time.Duration) <-chan time.Time {
	c.wants(c.twin.Tick(c.ticked))
	want := time.Second // when nothing is planned
	if next, ok := c.twin.Next(); ok {
		want = max(next.Sub(c.now), time.Millisecond)
	}
	runIsTicks.Holds(c, d == want, "at %v it waits for %v, not %v", c.now, d, want)
	for range rapid.IntRange(0, 3).Draw(c.T, "calls") {
		c.call()
	}
	c.pass(d)
	c.looks = 0
	if c.waits--; c.waits == 0 {
		c.end()
	}
	woken := make(chan time.Time, 1)
	woken <- c.now
	return woken
}

func (c *puppetClock) wants(report leasekernel.Report[string, int]) {
	if !report.Empty() {
		c.wanted = append(c.wanted, describeReport(report))
	}
}

// pass lets time go by, which is about as long as was asked for.
func (c *puppetClock) pass(d time.Duration) {
	switch rapid.SampledFrom([]string{"in time", "in time", "early", "late", "far too late", "set back", "frozen"}).Draw(c.T, "clock") {
	case "in time":
		c.now = c.now.Add(min(d, time.Hour))
	case "early":
		c.now = c.now.Add(time.Duration(rapid.Int64Range(0, int64(min(d, time.Hour))).Draw(c.T, "early")))
	case "late":
		c.now = c.now.Add(min(d, time.Hour) + time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(c.T, "late")))
	case "far too late":
		c.now = c.now.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(c.T, "far")))
	case "set back":
		c.now = c.now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(c.T, "back")))
	}
}

// call makes the same call to both.
func (c *puppetClock) call() {
	key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(c.T, "key")
	call := rapid.SampledFrom([]string{"register", "register", "renew", "renew", "cancel", "suspect", "open", "evict", "stop"}).Draw(c.T, "call")
	for _, k := range []*leasekernel.Kernel[string, int]{c.kernel, c.twin} {
		switch call {
		case "register":
			_, _ = k.Register(c.now, key, 0, lease.Term{})
		case "renew":
			k.Renew(c.now, key)
		case "cancel":
			k.Cancel(c.now, key)
		case "suspect":
			k.Suspect(c.now, key)
		case "open":
			_ = k.Open(c.now, int64(len(key)))
		case "evict":
			k.Evict(c.now) // whose report is the caller's
		case "stop":
			if key == "a" {
				k.Stop()
			}
		}
	}
}

// Run does what its caller would do who ticks whenever the clock wakes it, no
// more and no less, whatever that clock shows: the same reports at the same
// instants, and at its end what has changed since.
func TestRunUnderAnyClockIsATickAtATime(t *testing.T) {
	configs := []leasekernel.Config{
		leasekernel.Exact(), leasekernel.Nacos(), leasekernel.Bilibili(), leasekernel.Spring(),
		leasekernel.Eureka(preserve.EurekaV1_2_5), leasekernel.Eureka(preserve.EurekaV1_9_17),
	}
	rapid.Check(t, func(t *rapid.T) {
		config := rapid.SampledFrom(configs).Draw(t, "config")
		config.SelfPreservation = config.SelfPreservation && rapid.Bool().Draw(t, "self-preservation")
		ctx, end := context.WithCancel(context.Background())
		defer end()
		c := &puppetClock{T: t, now: time.Unix(0, 0), end: end, waits: rapid.IntRange(1, 50).Draw(t, "waits")}
		var err, twinErr error
		c.kernel, err = leasekernel.New(c.now, config, leasekernel.Hooks[string, int]{Report: func(report leasekernel.Report[string, int]) {
			c.reports = append(c.reports, describeReport(report))
		}})
		c.twin, twinErr = leasekernel.New(c.now, config, leasekernel.Hooks[string, int]{})
		if err != nil || twinErr != nil {
			t.Fatal(err, twinErr)
		}
		if err := c.kernel.Run(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run ends with %v", err)
		}
		c.wants(leasekernel.Report[string, int]{At: c.now, Changes: c.twin.Rotate(c.now).Changes})
		diff := cmp.Diff(c.wanted, c.reports)
		runIsTicks.Holds(t, diff == "", "reports (-want +got)\n%s", diff)
	})
}

// steppingClock has a monotonic reading, goes on by itself when somebody waits,
// and is set by so much each time. It ends Run after its last step.
type steppingClock struct {
	now   time.Time
	steps []time.Duration
	end   func()
}

func (c *steppingClock) Now() time.Time { return c.now }

func (c *steppingClock) After(d time.Duration) <-chan time.Time {
	c.now = stepWall(c.now.Add(d), c.steps[0])
	if c.steps = c.steps[1:]; len(c.steps) == 0 {
		c.end()
	}
	woken := make(chan time.Time, 1)
	woken <- c.now
	return woken
}

// What an exact kernel's Run plans and forgives goes by the monotonic readings:
// the wall clock may be set as one likes. The client renews with each pass but
// the last twelve.
func TestRunHeedsNoStepOfTheWallClock(t *testing.T) {
	steps := make([]time.Duration, 30)
	for i := range steps {
		steps[i] = []time.Duration{time.Hour, -2 * time.Hour, 0, time.Millisecond, -7 * time.Second}[i%5]
	}
	ctx, end := context.WithCancel(t.Context())
	clock := &steppingClock{now: monotonic, steps: steps, end: end}
	var kernel *leasekernel.Kernel[string, int]
	var reports []string
	report := func(report leasekernel.Report[string, int]) {
		if report.Eviction == nil {
			return
		}
		passed := report.At.Sub(monotonic)
		text := fmt.Sprintf("%v, forgiven %v", passed, report.Eviction.Compensation)
		for _, change := range report.Eviction.Evicted {
			text += fmt.Sprintf(", %s evicted", change.Key)
		}
		reports = append(reports, text)
		if passed <= 180*time.Second && !kernel.Renew(report.At, "a") {
			t.Errorf("a is not renewed after %v", passed)
		}
	}
	config := leasekernel.Exact()
	config.SelfPreservation, config.Percent = false, 0
	var err error
	if kernel, err = leasekernel.New(monotonic, config, leasekernel.Hooks[string, int]{Report: report}); err != nil {
		t.Fatal(err)
	}
	if _, err := kernel.Register(monotonic, "a", 0, lease.Term{}); err != nil {
		t.Fatal(err)
	}
	if err := kernel.Run(ctx, clock); !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
	var want []string
	for pass := range 29 {
		want = append(want, fmt.Sprintf("%v, forgiven 0s", time.Duration(pass+1)*10*time.Second))
	}
	want[27] += ", a evicted" // at 280 s, the first pass more than 90 s after 180 s
	diff := cmp.Diff(want, reports)
	runHeedsNoStep.Holds(t, diff == "", "passes (-want +got)\n%s", diff)
}
