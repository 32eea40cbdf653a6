package leasekernel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/preserve"
)

// bubble is the clock of a synctest bubble: virtual time, which passes when
// all goroutines wait. A test in a bubble fails if a goroutine is left behind.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) After(d time.Duration) <-chan time.Time { return time.After(d) }

// running is a Run in a goroutine of a bubble.
type running struct {
	kernel  *kernel
	start   time.Time
	cancel  context.CancelFunc
	done    chan error
	reports []report // read after stop
}

// run starts a Run whose reports are kept; report is called with each. Run has
// ticked once and waits when it returns.
func run(t *testing.T, config leasekernel.Config, report func(*kernel, report)) *running {
	t.Helper()
	r := &running{start: time.Now(), done: make(chan error, 1)}
	var err error
	r.kernel, err = leasekernel.New(r.start, config, hooks{Report: func(told leasekernel.Report[int, string]) {
		r.reports = append(r.reports, told)
		if report != nil {
			report(r.kernel, told)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(t.Context())
	go func() { r.done <- r.kernel.Run(ctx, bubble{}) }()
	synctest.Wait() // until it waits
	return r
}

// stop ends the run and returns what its reports tell of the passes.
func (r *running) stop(t *testing.T) (passes []string) {
	t.Helper()
	r.cancel()
	if err := <-r.done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: got %v, want context.Canceled", err)
	}
	for _, report := range r.reports {
		passes = append(passes, r.told(report))
	}
	return passes
}

func (r *running) told(report report) string {
	text := fmt.Sprint(report.At.Sub(r.start))
	if report.Rotation != nil {
		text += " rotation"
	}
	if report.Eviction != nil {
		text += " eviction"
	}
	if report.Update != nil {
		text += " update"
	}
	for _, change := range report.Changes {
		text += fmt.Sprintf(" %v %d", change.Kind, change.Key)
	}
	return text
}

func TestRunTicksWhenPassesAreDueAndReportsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, limitless(leasekernel.Exact()), nil)
		if _, err := r.kernel.Register(r.start, 1, "", leasekernel.Exact().Term); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if _, err := r.kernel.Register(time.Now(), 2, "", leasekernel.Exact().Term); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Second)
		same(t, "reports", r.stop(t), []string{
			"10s eviction registered 1", "20s eviction registered 2", "30s eviction", "40s eviction", "50s eviction", "1m0s eviction",
			"1m10s eviction", "1m20s eviction", "1m30s eviction", "1m40s eviction evicted 1", "1m50s eviction evicted 2",
		})
	})
}

// What is there when Run begins is told at once; nothing is told of nothing.
func TestRunTellsWhatItFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var told []report
		k, err := leasekernel.New(start, leasekernel.Spring(), hooks{Report: func(report report) { told = append(told, report) }})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []int{1, 2} {
			if _, err := k.Register(start, key, "", leasekernel.Spring().Term); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			equal(t, "Run", k.Run(ctx, bubble{}), context.DeadlineExceeded)
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
			equal(t, "Run", k.Run(ctx, bubble{}), context.DeadlineExceeded)
			cancel()
			equal(t, "reports", len(told), key)
			same(t, "changes", keysOf(told[key-1].Changes), []int{key})
		}
	})
}

// What changed is told also when no tick comes any more.
func TestRunTellsAtItsEndWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("never mind"))
		var told []report
		k := newHooked(t, leasekernel.Exact(), hooks{Report: func(r report) { told = append(told, r) }})
		register(t, k, 0, 1)
		equal(t, "Run", k.Run(ctx, bubble{}), context.Canceled)
		equal(t, "reports", len(told), 1)
		same(t, "changes", keysOf(told[0].Changes), []int{1})
		if told[0].Eviction != nil {
			t.Error("a pass ran")
		}
		equal(t, "changes that are still to be told", len(k.Rotate(t0).Changes), 0)
	})
}

// Run needs nobody who listens.
func TestRunWithoutAReportHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, err := leasekernel.New(time.Now(), limitless(leasekernel.Exact()), hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Register(time.Now(), 1, "", leasekernel.Exact().Term); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		equal(t, "Run", k.Run(ctx, bubble{}), context.DeadlineExceeded)
		equal(t, "leases", k.Len(), 0)
	})
}

// An Open while Run waits for the update of quarter past plans the first
// passes anew, and Run wakes for them. Opened again, it wakes for the new ones.
func TestOpenWhileRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := leasekernel.Eureka(preserve.EurekaV1_9_17)
		config.EvictionInterval = 20 * time.Second
		r := run(t, config, nil)
		time.Sleep(10 * time.Second)
		for range 2 { // as often as anybody likes
			if err := r.kernel.Open(time.Now(), 1); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(35 * time.Second)
		if err := r.kernel.Open(time.Now(), 1); err != nil {
			t.Error(err)
		}
		time.Sleep(35 * time.Second)
		same(t, "reports", r.stop(t), []string{"30s eviction", "1m5s eviction", "1m10s rotation"})
	})
}

// An exact kernel that is stopped while Run waits has nothing to wait for but
// the end of the context.
func TestStopWhileRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), nil)
		time.Sleep(15 * time.Second)
		r.kernel.Stop()
		time.Sleep(time.Hour)
		same(t, "reports", r.stop(t), []string{"10s eviction"})
	})
}

// A report that takes its time delays itself, and not the passes after it. One
// that takes longer than their pause makes the next one late, which forgives.
func TestASlowReportDelaysNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), func(_ *kernel, report report) {
			time.Sleep(3 * time.Second)
			if report.At.Sub(report.Eviction.Decision.WarmUntil) == -20*time.Second { // after 40 s
				time.Sleep(22 * time.Second)
			}
		})
		time.Sleep(80 * time.Second)
		same(t, "reports", r.stop(t), []string{
			"10s eviction", "20s eviction", "30s eviction", "40s eviction", "1m5.001s eviction", "1m15.001s eviction",
		})
		late := r.reports[4].Eviction
		equal(t, "forgiven", late.Compensation, 15*time.Second+time.Millisecond)
	})
}

// A report is told without a lock: it may use the kernel, and start a pass.
func TestAReportMayStartAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), func(k *kernel, report report) {
			k.Tick(report.At)
			k.Status(report.At)
			k.Evict(report.At.Add(5 * time.Second)) // plans anew
		})
		time.Sleep(30 * time.Second)
		same(t, "reports", r.stop(t), []string{"10s eviction", "25s eviction"})
	})
}

// backwards is a clock without a monotonic reading that is set back by an hour
// with every look.
type backwards struct {
	now    time.Time
	pauses []time.Duration
	cancel context.CancelFunc
}

func (c *backwards) Now() time.Time {
	c.now = c.now.Add(-time.Hour)
	return c.now
}

func (c *backwards) After(d time.Duration) <-chan time.Time {
	c.pauses = append(c.pauses, d)
	if len(c.pauses) == 3 {
		c.cancel()
	}
	elapsed := make(chan time.Time, 1)
	elapsed <- c.now
	return elapsed
}

// A clock that is set back makes Run wait for as long, and never spin.
func TestRunUnderAClockThatIsSetBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	clock := &backwards{now: t0, cancel: cancel}
	k := newKernel(t, leasekernel.Exact())
	equal(t, "Run", k.Run(ctx, clock), context.Canceled)
	h, s := time.Hour, 10*time.Second
	same(t, "pauses", clock.pauses, []time.Duration{2*h + s, 4*h + s, 6*h + s})
}

// hasty is a clock that stands still where the pass is overdue.
type hasty struct{ backwards }

func (c *hasty) Now() time.Time { return c.now }

// The shortest pause is a millisecond, also where a pass is due that the wall
// clock does not show yet.
func TestRunDoesNotSpin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	clock := &hasty{backwards{now: at(time.Minute), cancel: cancel}}
	k := newHooked(t, leasekernel.Exact(), hooks{Report: func(report report) {
		clock.now = clock.now.Add(time.Hour) // the report took it
	}})
	equal(t, "Run", k.Run(ctx, clock), context.Canceled)
	ms := time.Millisecond
	same(t, "pauses", clock.pauses, []time.Duration{ms, ms, ms})
}
