package leasekernel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// A key that cannot be hashed panics, as it does in a map. A server that
// recovers has lost nothing: nobody is expected, and no lock is held.
func TestAKeyThatPanicsLeavesNothingBehind(t *testing.T) {
	k, err := leasekernel.New(t0, leasekernel.Exact(), leasekernel.Hooks[any, string]{})
	if err != nil {
		t.Fatal(err)
	}
	key, done := []int{1}, make(chan struct{})
	go func() {
		defer close(done)
		for name, call := range map[string]func(){
			"Register": func() { _, _ = k.Register(t0, key, "", lease.Term{}) },
			"Renew":    func() { k.Renew(t0, key) },
			"Cancel":   func() { k.Cancel(t0, key) },
			"Explain":  func() { k.Explain(t0, key) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: it does not panic", name)
					}
				}()
				call()
			}()
		}
		if _, err := k.Register(t0, 1, "", lease.Term{}); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("one left a lock behind")
	}
	if got := k.Status(t0).Decision.Expected; got != 2 {
		t.Errorf("expected: got %v, want 2 of the one lease", got)
	}
}

// An instant that no table holds is refused, not tried again and again.
func TestSuspectBeyondTheReachReturns(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	register(t, k, 0, 1)
	endless := time.AfterFunc(20*time.Second, func() { k.Cancel(t0, 1) }) // which would end it
	_, ok := k.Suspect(t0.AddDate(400, 0, 0), 1)
	if returned := endless.Stop(); ok || !returned {
		t.Errorf("got %t, and it returned by itself: %t", ok, returned)
	}
}

// Whatever a kernel refuses is its ErrInvalid too, and names every field.
func TestRefusalsAreTheKernels(t *testing.T) {
	k := newKernel(t, leasekernel.Exact())
	_, err := k.Register(t0, 1, "", lease.Term{Duration: -time.Second})
	if !errors.Is(err, leasekernel.ErrInvalid) || !errors.Is(err, lease.ErrInvalid) {
		t.Errorf("a term: got %v, want both ErrInvalid", err)
	}
	for _, field := range []string{"Duration is -1s", "Interval is 0s"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got %v, which does not say %q", err, field)
		}
	}
	if _, err := k.RenewAll(t0, []int{1}, make([]bool, 2)); !errors.Is(err, leasekernel.ErrInvalid) {
		t.Errorf("a batch: got %v, want ErrInvalid", err)
	}
	config := leasekernel.Exact()
	config.MaxLeases = 1
	full := newKernel(t, config)
	_, first := full.Register(t0, 1, "", lease.Term{})
	_, second := full.Register(t0, 2, "", lease.Term{})
	if first != nil || !errors.Is(second, lease.ErrFull) || errors.Is(second, leasekernel.ErrInvalid) {
		t.Errorf("a full table: got %v, %v, want that only the second is refused, with ErrFull alone", first, second)
	}
}

// The config's own term has to be one that can be registered.
func TestAConfigWhoseTermNobodyCouldRegisterIsRefused(t *testing.T) {
	for name, change := range map[string]func(*leasekernel.Config){
		"longer than a table can keep": func(c *leasekernel.Config) { c.Term.Duration = 20 * 365 * 24 * time.Hour },
		"renewed too often to expect":  func(c *leasekernel.Config) { c.Term.Interval, c.Window = time.Millisecond, 20*time.Minute },
	} {
		config := leasekernel.Exact()
		change(&config)
		if _, err := leasekernel.New(t0, config, leasekernel.Hooks[int, string]{}); !errors.Is(err, leasekernel.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// A client's own term can be too short for the meter: the theorem of the
// config does not hold for it, and ValidateTerm says so.
func TestATermThatIsTooShortForTheMeterIsNamed(t *testing.T) {
	config := leasekernel.Exact()
	if problems := config.ValidateTerm(lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}); len(problems) != 0 {
		t.Errorf("the default term: got %v", problems)
	}
	problems := config.ValidateTerm(lease.Term{Duration: 10 * time.Second, Interval: 5 * time.Second})
	if text := problems.String(); !strings.Contains(text, "warning: Window is 1m0s: is too long for the lease") || problems.Err() != nil {
		t.Errorf("a short term: got %q", text)
	}
}

// Beyond the ceiling nothing is withheld any more, and Explain knows.
func TestExplainKnowsTheCeiling(t *testing.T) {
	config := leasekernel.Exact()
	config.Ceiling = 10 * time.Minute
	k := newKernel(t, config)
	for key := range 2 {
		if _, err := k.Register(t0, key, "", lease.Term{}); err != nil {
			t.Fatal(err)
		}
	}
	for pass := 10 * time.Second; pass <= 10*time.Minute; pass += 10 * time.Second {
		k.Tick(at(pass))
	}
	before, after := k.Explain(at(599*time.Second), 0), k.Explain(at(605*time.Second), 0)
	withheld := func(v leasekernel.Verdict[int, string]) (found *leasekernel.Obstacle) {
		for _, obstacle := range v.Obstacles {
			if obstacle.Kind == leasekernel.Withheld {
				found = &obstacle
			}
		}
		return found
	}
	if got := withheld(before); got == nil || !got.Until.Equal(at(10*time.Minute)) {
		t.Errorf("before: got %v, want withheld until the ceiling", before)
	}
	if got := withheld(after); got != nil || strings.Contains(after.String(), "if eviction is allowed") {
		t.Errorf("after: got %v, want nothing withheld", after)
	}
	if pass := k.Tick(at(610 * time.Second)).Eviction; !pass.Ceiling || len(pass.Evicted) == 0 || !after.Earliest.Equal(at(610*time.Second)) {
		t.Errorf("the pass: got %+v, and Explain named %v", pass, after.Earliest.Sub(t0))
	}
}

// A kernel without passes still tells what changes, to whoever runs it.
func TestRunOfAStoppedKernelStillReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told int
		ctx, stop := context.WithTimeout(t.Context(), time.Hour) // if it waits for ever
		defer stop()
		k, err := leasekernel.New(t0, leasekernel.Exact(), leasekernel.Hooks[int, string]{
			Report: func(report leasekernel.Report[int, string]) {
				if told += len(report.Changes); told == 1 {
					stop()
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		k.Stop()
		clock := &skippingClock{t0}
		registering := clockThat{clock, func() { _, _ = k.Register(clock.now, 1, "", lease.Term{}) }}
		if err := k.Run(ctx, registering); !errors.Is(err, context.Canceled) || told == 0 {
			t.Errorf("got %v after %d changes, want that it tells", err, told)
		}
	})
}

// clockThat does something whenever somebody waits.
type clockThat struct {
	*skippingClock
	do func()
}

func (c clockThat) After(d time.Duration) <-chan time.Time {
	c.do()
	return c.skippingClock.After(d)
}
