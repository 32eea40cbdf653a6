package leasekernel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
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
	return runOn(t, bubble{}, config, report)
}

func runOn(t *testing.T, clock leasekernel.Clock, config leasekernel.Config, report func(*kernel, report)) *running {
	t.Helper()
	r := &running{start: clock.Now(), done: make(chan error, 1)}
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
	go func() { r.done <- r.kernel.Run(ctx, clock) }()
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
		<-time.After(15 * time.Second)
		if _, err := r.kernel.Register(time.Now(), 2, "", leasekernel.Exact().Term); err != nil {
			t.Fatal(err)
		}
		<-time.After(100 * time.Second)
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
		if len(told) != 1 {
			t.Fatalf("%d reports instead of 1", len(told))
		}
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
		<-time.After(10 * time.Second)
		for range 2 { // as often as anybody likes
			if err := r.kernel.Open(time.Now(), 1); err != nil {
				t.Error(err)
			}
		}
		<-time.After(35 * time.Second)
		if err := r.kernel.Open(time.Now(), 1); err != nil {
			t.Error(err)
		}
		<-time.After(35 * time.Second)
		same(t, "reports", r.stop(t), []string{"30s eviction", "1m5s eviction", "1m10s rotation"})
	})
}

// An exact kernel that is stopped while Run waits has nothing to wait for but
// the end of the context.
func TestStopWhileRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), nil)
		<-time.After(15 * time.Second)
		r.kernel.Stop()
		<-time.After(time.Hour)
		same(t, "reports", r.stop(t), []string{"10s eviction"})
	})
}

// A report that takes its time delays itself, and not the passes after it. One
// that takes longer than their pause makes the next one late, which forgives.
func TestASlowReportDelaysNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), func(_ *kernel, report report) {
			<-time.After(3 * time.Second)
			if report.At.Sub(report.Eviction.Decision.WarmUntil) == -20*time.Second { // after 40 s
				<-time.After(22 * time.Second)
			}
		})
		<-time.After(80 * time.Second)
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
		<-time.After(30 * time.Second)
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

// unpunctual is the bubble's clock where it wakes whoever waits after as long
// as wakes says, and never where that is negative.
type unpunctual struct {
	bubble
	wakes func(d time.Duration) time.Duration
}

func (c unpunctual) After(d time.Duration) <-chan time.Time {
	if d = c.wakes(d); d < 0 {
		return nil
	}
	return time.After(d)
}

// However many passes were due while the clock slept, one runs. It forgives
// where the rules do so, and the one after it is an interval later, or at the
// next tick of Bilibili's ticker.
func TestAClockThatWakesLateRunsOnePass(t *testing.T) {
	eureka := leasekernel.Eureka(preserve.EurekaV1_9_17)
	eureka.UpdateInterval = time.Hour
	const late = 6*time.Minute + 50*time.Second
	for name, row := range map[string]struct {
		config   leasekernel.Config
		passes   []string
		forgiven time.Duration
	}{
		"exact": {leasekernel.Exact(), []string{
			"10s eviction registered 1", "20s eviction", "7m20s eviction", "7m30s eviction evicted 1",
		}, late},
		"eureka": {eureka, []string{ // silent for 30 s more than the term and what is forgiven
			"0s registered 1", "1m0s rotation eviction", "8m50s rotation eviction evicted 1", "9m50s rotation eviction",
		}, late},
		"bilibili": {leasekernel.Bilibili(), []string{
			"1m0s rotation eviction registered 1", "2m0s rotation eviction evicted 1", "9m50s rotation eviction", "10m0s rotation eviction",
		}, 0},
		"nacos": {leasekernel.Nacos(), []string{
			"5s eviction registered 1", "10s eviction", "7m5s rotation eviction suspected 1 evicted 1", "7m10s eviction",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waits := 0
				sleepy := unpunctual{wakes: func(d time.Duration) time.Duration {
					if waits++; waits == 3 {
						d += late
					}
					return d
				}}
				config := limitless(row.config)
				r := runOn(t, sleepy, config, nil)
				if _, err := r.kernel.Register(r.start, 1, "", config.Term); err != nil {
					t.Fatal(err)
				}
				if config.Opens() {
					if err := r.kernel.Open(r.start, 1); err != nil {
						t.Fatal(err)
					}
				}
				<-time.After(8*time.Minute + config.EvictionInterval*3)
				told := r.stop(t)
				same(t, "reports", told[:min(len(told), len(row.passes))], row.passes)
				var forgiven time.Duration
				for _, report := range r.reports {
					if report.Eviction != nil {
						forgiven += report.Eviction.Compensation
					}
				}
				equal(t, "forgiven", forgiven, row.forgiven)
			})
		})
	}
}

// Woken too early, Run finds nothing to do, tells nothing and waits again.
func TestAClockThatWakesEarlyRunsNoPassEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runOn(t, unpunctual{wakes: func(d time.Duration) time.Duration { return min(d, 3*time.Second) }}, leasekernel.Exact(), nil)
		<-time.After(35 * time.Second)
		same(t, "reports", r.stop(t), []string{"10s eviction", "20s eviction", "30s eviction"})
	})
}

// A clock that wakes nobody holds nobody up: an Open and the end of the context
// do, and what has changed is told.
func TestAClockThatNeverWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runOn(t, unpunctual{wakes: func(time.Duration) time.Duration { return -1 }}, leasekernel.Spring(), nil)
		<-time.After(time.Hour)
		if err := r.kernel.Open(time.Now(), 1); err != nil { // after the update was due
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := r.kernel.Register(time.Now(), 1, "", leasekernel.Spring().Term); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		same(t, "reports", r.stop(t), []string{"1h0m0s update", "2h0m0s registered 1"})
	})
}

// wallClock is the bubble's clock without a monotonic reading. Others set it.
type wallClock struct {
	bubble
	stepped *atomic.Int64
}

func (c wallClock) Now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.stepped.Load()))
}

// Instants that have only a wall clock's reading take a step of it for time
// that passed, or did not: set forth by an hour, the clock owes one pass, which
// forgives the hour; set back, passes wait until it shows the planned instant.
func TestTheWallClockIsSetWhileRunWaits(t *testing.T) {
	for name, row := range map[string]struct {
		step  time.Duration
		after time.Duration
		want  []string
	}{
		"forth": {time.Hour, 20 * time.Second, []string{"10s eviction registered 1", "1h0m20s eviction", "1h0m30s eviction evicted 1"}},
		"back":  {-time.Hour, time.Hour + 72*time.Second, []string{"10s eviction registered 1", "20s eviction", "30s eviction", "40s eviction", "50s eviction", "1m0s eviction", "1m10s eviction", "1m20s eviction"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := wallClock{stepped: new(atomic.Int64)}
				r := runOn(t, clock, limitless(leasekernel.Exact()), nil)
				if _, err := r.kernel.Register(r.start, 1, "", leasekernel.Exact().Term); err != nil {
					t.Fatal(err)
				}
				<-time.After(15 * time.Second)
				clock.stepped.Store(int64(row.step))
				<-time.After(row.after)
				same(t, "reports", r.stop(t), row.want)
			})
		})
	}
}

// Whatever Run is about when its context ends, it brings to an end: a pass with
// all its victims, and its report. Then it returns at once.
func TestTheContextEndsInAHook(t *testing.T) {
	for _, hook := range []string{"Order", "Responsible", "View", "Source", "Nanos", "Report"} {
		t.Run(hook, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var end time.Time
				ended := func(in string) {
					if in == hook && ctx.Err() == nil {
						cancel()
						end = time.Now()
					}
				}
				start := time.Now()
				var told []change
				k, err := leasekernel.New(start, unguarded(leasekernel.Eureka(preserve.EurekaV1_9_17)), hooks{
					Order: func(_ time.Time, candidates []lived) {
						if len(candidates) > 0 {
							ended("Order")
						}
					},
					Responsible: func(int) bool { ended("Responsible"); return true },
					View:        func(time.Time) (int64, error) { ended("View"); return 10, nil },
					Source:      evict.SourceFunc(func(int) int { ended("Source"); return 0 }),
					Nanos:       func(now time.Time) int64 { ended("Nanos"); return now.UnixNano() },
					Report: func(report report) {
						ended("Report")
						told = append(told, report.Changes...)
						if report.Eviction != nil && len(report.Eviction.Evicted) != min(report.Eviction.Candidates, report.Eviction.Limit) {
							t.Errorf("the pass evicts %d of %d candidates, of whom %d may go", len(report.Eviction.Evicted), report.Eviction.Candidates, report.Eviction.Limit)
						}
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				for key := range 100 {
					if _, err := k.Register(start, key, "", leasekernel.Spring().Term); err != nil {
						t.Fatal(err)
					}
				}
				if err := k.Open(start, 100); err != nil {
					t.Fatal(err)
				}
				equal(t, "Run", k.Run(ctx, bubble{}), context.Canceled)
				equal(t, "Run's end, after the context's", time.Since(end), 0)
				status := k.Status(time.Now())
				equal(t, "changes told", len(told), int(status.Registered+status.Evicted))
				victims := map[string]uint64{"Order": 15, "Responsible": 15, "Source": 15, "View": 93} // the first update comes after 15 passes
				equal(t, "evicted", status.Evicted, victims[hook])
			})
		})
	}
}

// A context that ends while a report is being told ends Run after it, and what
// changed meanwhile is told, too.
func TestTheContextEndsDuringASlowReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, leasekernel.Exact(), func(_ *kernel, report report) {
			if report.Eviction != nil {
				<-time.After(time.Minute)
			}
		})
		<-time.After(20 * time.Second)
		r.cancel()
		<-time.After(20 * time.Second)
		if _, err := r.kernel.Register(time.Now(), 1, "", leasekernel.Exact().Term); err != nil {
			t.Fatal(err)
		}
		same(t, "reports", r.stop(t), []string{"10s eviction", "1m10s registered 1"})
	})
}

// Run after Run, each for as long as chance has it, while leases come and go:
// each change is told once, in order, and nothing is left for the next but what
// changed since.
func TestRunsOneAfterTheOtherTellEveryChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []change
		k, err := leasekernel.New(time.Now(), limitless(leasekernel.Exact()), hooks{Report: func(report report) {
			told = append(told, report.Changes...)
		}})
		if err != nil {
			t.Fatal(err)
		}
		everybody, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		clients.Go(func() {
			for key := 0; everybody.Err() == nil; key++ {
				if _, err := k.Register(time.Now(), key, "", leasekernel.Exact().Term); err != nil {
					t.Error(err)
				}
				<-time.After(7 * time.Millisecond)
				if key%3 == 0 {
					k.Cancel(time.Now(), key)
				}
			}
		})
		random := evict.NewJavaRandom(1)
		for range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Intn(2000))*time.Millisecond)
			equal(t, "Run", k.Run(ctx, bubble{}), context.DeadlineExceeded)
			cancel()
		}
		stop()
		clients.Wait()
		told = append(told, k.Rotate(time.Now()).Changes...)
		status := k.Status(time.Now())
		equal(t, "changes", uint64(len(told)), status.Registered+status.Cancelled+status.Evicted)
		if status.Evicted == 0 {
			t.Error("nobody was evicted")
		}
		for i := 1; i < len(told); i++ {
			if told[i].Sequence <= told[i-1].Sequence {
				t.Fatalf("change %d is told after %d", told[i].Sequence, told[i-1].Sequence)
			}
		}
	})
}
