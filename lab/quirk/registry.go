package quirk

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// registry is a kernel in virtual time, whose passes run when they are due.
type registry struct {
	*leasekernel.Kernel[string, string]
	term    lease.Term
	opens   bool     // the rules have something to open
	reports []report // of the passes that were due
}

type (
	hooks    = leasekernel.Hooks[string, string]
	report   = leasekernel.Report[string, string]
	snapshot = lease.Snapshot[string, string]
)

// kernel is the fact of all releases in the span, of a story about a kernel.
func (s span) kernel(documented string, story func(leasekernel.Config) string) Fact {
	return s.fact(documented, func(r preserve.Release) string {
		if r == preserve.Bilibili {
			return story(leasekernel.Bilibili())
		}
		return story(leasekernel.Eureka(r))
	})
}

// exactKernel is the fact of the exact rules, of the same story.
func exactKernel(documented string, story func(leasekernel.Config) string) Fact {
	return exact(documented, func() string { return story(leasekernel.Exact()) })
}

// newRegistry is a registry made at t0.
func newRegistry(config leasekernel.Config, hooks hooks) *registry {
	return &registry{
		Kernel: must(leasekernel.New(t0, config, hooks)),
		term:   config.Term,
		opens:  config.Opens(),
	}
}

// registryOf is a registry that at t0 gets the clients from its peer and opens
// for as many.
func registryOf(clients []string, config leasekernel.Config, hooks hooks) *registry {
	r := newRegistry(config, hooks)
	r.load(clients, config.Term.Duration)
	r.open(0, int64(len(clients)))
	return r
}

// clients are the names of so many.
func clients(count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("client %d", i+1)
	}
	return names
}

func (r *registry) load(keys []string, duration time.Duration) {
	term := r.term
	term.Duration = duration
	for _, key := range keys {
		must(r.Load(t0, key, "", term))
	}
}

func (r *registry) register(since time.Duration, keys ...string) {
	for _, key := range keys {
		must(r.Register(at(since), key, "", lease.Term{}))
	}
}

// renew sends a heartbeat of each client and returns how many were taken.
func (r *registry) renew(since time.Duration, keys []string) (taken int) {
	for _, key := range keys {
		if r.Renew(at(since), key) {
			taken++
		}
	}
	return taken
}

// renewTwice sends the heartbeats of the first minute.
func (r *registry) renewTwice(keys []string) int {
	return r.renew(20*time.Second, keys) + r.renew(50*time.Second, keys)
}

// open opens the registry, if its rules know that.
func (r *registry) open(since time.Duration, count int64) {
	if r.opens {
		check(r.Open(at(since), count))
	}
}

// until lets time pass.
func (r *registry) until(since time.Duration) {
	for next, ok := r.Next(); ok && !next.After(at(since)); next, ok = r.Next() {
		r.reports = append(r.reports, r.Tick(next))
	}
}

// lastEviction is the last eviction pass that was due.
func (r *registry) lastEviction() *leasekernel.Eviction[string, string] {
	var last *leasekernel.Eviction[string, string]
	for _, report := range r.reports {
		if report.Eviction != nil {
			last = report.Eviction
		}
	}
	return last
}

// firstRotation says when the meter first rotated.
func (r *registry) firstRotation() string {
	for _, report := range r.reports {
		if report.Rotation != nil {
			return fmt.Sprintf("rotates after %v", report.At.Sub(t0))
		}
	}
	return "never rotates"
}

// threshold is what renewals are compared with now.
func (r *registry) threshold() float64 { return r.Status(t0).Decision.Threshold }

// weighed is a decision with its numbers.
func weighed(d preserve.Decision) string {
	return fmt.Sprintf("%d renewals, threshold %v: %s", d.Renewals, d.Threshold, outcome(d))
}
