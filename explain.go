package leasekernel

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Verdict says why a key's lease is, or is not, evicted.
type Verdict[K comparable, V any] struct {
	// At is the instant that was asked about.
	At time.Time
	// Key is the key that was asked about.
	Key K
	// Known is whether it has a lease.
	Known bool
	// Lease is the lease as it is, if Known; else it must not be used.
	Lease lease.Snapshot[K, V]
	// Stage is the lease's stage, lease.Ended if it is not Known.
	Stage lease.Stage
	// Deadline is the last instant at which the lease has not expired, if
	// Known.
	Deadline time.Time
	// Obstacles are what holds the eviction back. Without any it can still take
	// several passes: each evicts at most Limit leases, drawn at random.
	Obstacles []Obstacle
	// Earliest is the first planned pass that can evict the lease: if it is
	// not renewed any more, every pass runs in time, and what else holds it
	// back has gone by then. No pass evicts it before, unless it is registered
	// again for a shorter term, somebody says that it is suspect, preservation is
	// switched off, Open plans other passes, one comes late that does not forgive
	// it, or a caller runs one by itself. It is zero if no pass can as things stand.
	Earliest time.Time
	// Decision is what an eviction pass would go by now.
	Decision preserve.Decision
	// Limit is how many leases such a pass may evict, if it is allowed to.
	Limit int
	// Last are the key's last transitions, the oldest first, as far as the
	// Config's History goes back.
	Last []Transition[K]

	withheld bool // nor does the ceiling allow it
	never    bool // no pass can evict it as things stand
}

// ObstacleKind is the kind of an [Obstacle].
type ObstacleKind uint8

const (
	// NotExpired: the lease's term is not over.
	NotExpired ObstacleKind = iota + 1
	// NotOpen: no eviction pass is planned.
	NotOpen
	// PassNotDue: the next eviction pass comes later.
	PassNotDue
	// Withheld: too few renewals, or another reason to suspect oneself.
	Withheld
	// Limited: a pass may evict nobody.
	Limited
	// Forgiven: the next pass comes late, and forgives the lease as much.
	Forgiven
	// NotWarned: the lease has not been suspect for as long as it has to be, see
	// Config's Dwell.
	NotWarned
	// Exempt: the lease is exempt, see [Kernel.Exempt].
	Exempt
	// NotResponsible: another server decides about it, see Hooks' Responsible.
	NotResponsible
)

// Obstacle is one thing that holds an eviction back.
type Obstacle struct {
	// Kind is what it is.
	Kind ObstacleKind
	// Until is when it is gone by itself. Zero: that is not known.
	Until time.Time
	// Text is a sentence with the numbers.
	Text string
}

// Explain returns why key's lease is not evicted at instant now, or what
// became of it, with the numbers.
func (k *Kernel[K, V]) Explain(now time.Time, key K) Verdict[K, V] {
	v := Verdict[K, V]{At: now, Key: key, Stage: lease.Ended, Decision: k.decide(now), Limit: k.guard.limit(k.table.Len())}
	v.Lease, v.Known = k.table.Get(key)
	if v.Last = k.remembered(key); !v.Known {
		return v
	}
	v.Stage, v.Deadline = v.Lease.Stage(now, 0), v.Lease.Deadline()
	if v.Lease.Exempt() {
		v.hinderForGood(Exempt, "it is exempt from suspicion and eviction")
	}
	if k.hooks.Responsible != nil && !k.hooks.Responsible(key) {
		v.hinderForGood(NotResponsible, "another server is responsible for it")
	}
	k.planning.Lock()
	plan := k.eviction
	k.planning.Unlock()
	v.weigh(plan, k.config, k.rules, !k.suspicionOff.Load())
	return v
}

func (k *Kernel[K, V]) remembered(key K) []Transition[K] {
	k.changing.Lock()
	defer k.changing.Unlock()
	k.absorb(math.MaxUint64)
	return k.changes.of(key)
}

// weigh finds the obstacles and the earliest pass.
func (v *Verdict[K, V]) weigh(plan evictionPlan, config Config, rules rules, suspicion bool) {
	if v.Stage != lease.Expired && !v.Lease.Exempt() {
		v.hinder(NotExpired, v.Deadline, "its term ends %s, in %v", clockTime(v.Deadline), v.Deadline.Sub(v.At))
	}
	if !plan.running {
		v.hinderForGood(NotOpen, "no eviction pass is planned: the registry is not open, or stopped")
	} else if v.At.Before(plan.wake) {
		v.hinder(PassNotDue, plan.wake, "the next eviction pass is due %s, in %v", clockTime(plan.wake), plan.wake.Sub(v.At))
	}
	v.weighDecision(config.Ceiling)
	if !rules.unlimited && v.Limit <= 0 {
		v.hinderForGood(Limited, "a pass may evict %d leases", v.Limit)
	}
	warned, warns := v.weighWarning(plan, config, suspicion)
	if v.never {
		return
	}
	forgives := plan.forgives(v.At, v.expiry())
	v.Earliest = plan.firstAfter(v.At, v.ripe(config.Ceiling), v.expiry())
	if warns {
		last := warned.Add(-1)
		forgives = forgives || plan.forgives(v.At, last)
		if after := plan.firstAfter(v.At, last, last); after.After(v.Earliest) {
			v.Earliest = after
		}
	}
	if forgives {
		v.hinder(Forgiven, v.At, "the eviction pass is overdue by %v, which it forgives", v.At.Sub(plan.wake))
	}
}

// weighDecision finds whether eviction is withheld.
func (v *Verdict[K, V]) weighDecision(ceiling time.Duration) {
	if v.withheld = !v.Decision.Allowed; !v.withheld {
		return
	}
	if v.Decision.Reason == preserve.Disabled {
		ceiling = 0
	}
	until := v.Decision.WarmUntil
	silent := v.Lease.LastRenewal().Add(ceiling)
	if v.withheld = ceiling == 0 || !silent.Before(v.At); ceiling > 0 && (until.IsZero() || silent.Before(until)) {
		until = silent
	}
	if v.withheld {
		v.hinder(Withheld, until, "%v", v.Decision)
	}
}

// weighWarning finds whether the lease has to be suspect for longer, and
// returns when it has been for long enough if nobody renews it, if it has to be.
func (v *Verdict[K, V]) weighWarning(plan evictionPlan, config Config, suspicion bool) (warned time.Time, warns bool) {
	dwell, ok := config.dwell(v.Lease.Term())
	if !ok {
		return time.Time{}, false
	}
	since, ok := v.Lease.SuspectSince()
	switch {
	case !ok && !suspicion:
		v.hinderForGood(NotWarned, "it has not been found suspect, and suspicion is switched off")
		return time.Time{}, false
	case !ok && !plan.running:
		return time.Time{}, false
	case !ok:
		late := v.lastOf(v.Deadline.Add(v.Lease.Term().Suspect - v.Lease.Term().Duration))
		since = plan.firstAfter(v.At, late, late)
		v.hinder(NotWarned, since.Add(dwell), "it has to be suspect for %v before, which a pass can find %s", dwell, clockTime(since))
	case v.At.Before(since.Add(dwell)):
		v.hinder(NotWarned, since.Add(dwell), "it has to be suspect for %v and became so %s", dwell, clockTime(since))
	}
	return since.Add(dwell), true
}

// forgives reports whether a pass that is overdue at instant now forgives what
// has been over since a deadline: what it comes late, so that it sees only what
// had been over when it was due. Eureka's rule measures whole milliseconds.
func (p evictionPlan) forgives(now, deadline time.Time) bool {
	late := now.Sub(p.wake)
	if p.wall {
		late = late.Truncate(time.Millisecond)
	}
	return late > 0 && p.compensates && !deadline.Before(now.Add(-late))
}

// firstAfter is the first pass from instant now on that comes strictly after
// ripe and does not forgive the deadline. Those after an overdue one move with it.
func (p evictionPlan) firstAfter(now, ripe, deadline time.Time) time.Time {
	forgives := p.forgives(now, deadline)
	switch overdue := p.wake.Before(now); {
	case overdue && p.phase && !ripe.Before(now):
	case overdue && p.phase:
		return now
	case overdue:
		p.wake = now
	}
	if forgives {
		p.wake = now.Add(p.interval)
	}
	return p.schedule.firstAfter(ripe)
}

// expiry is the instant strictly after which the lease has expired.
func (v *Verdict[K, V]) expiry() time.Time { return v.lastOf(v.Deadline) }

// lastOf is the last instant that a rule takes for a deadline: most compare
// whole milliseconds.
func (v *Verdict[K, V]) lastOf(deadline time.Time) time.Time {
	if v.Lease.Term().Rule != lease.Exact {
		return deadline.Add(time.Millisecond - 1)
	}
	return deadline
}

// ripe is the instant strictly after which a pass can evict the lease, if
// renewals are not missing by then.
func (v *Verdict[K, V]) ripe(ceiling time.Duration) time.Time {
	ripe := v.expiry()
	if v.Decision.Reason != preserve.WarmingUp {
		return ripe
	}
	// At WarmUntil itself eviction is allowed again; beyond the ceiling it is
	// in any case.
	free := v.Decision.WarmUntil.Add(-1)
	if silent := v.Lease.LastRenewal().Add(ceiling); ceiling > 0 && silent.Before(free) {
		free = silent
	}
	if free.After(ripe) {
		return free
	}
	return ripe
}

func (v *Verdict[K, V]) hinderForGood(kind ObstacleKind, text string, numbers ...any) {
	v.never = true
	v.hinder(kind, time.Time{}, text, numbers...)
}

func (v *Verdict[K, V]) hinder(kind ObstacleKind, until time.Time, text string, numbers ...any) {
	v.Obstacles = append(v.Obstacles, Obstacle{kind, until, fmt.Sprintf(text, numbers...)})
}

// String returns the verdict in words, a line a fact.
func (v Verdict[K, V]) String() string {
	lines := []string{fmt.Sprintf("%v is %s", v.Key, v.state())}
	for _, obstacle := range v.Obstacles {
		lines = append(lines, "not evicted: "+obstacle.Text)
	}
	switch {
	case v.Known && v.Earliest.IsZero():
		lines = append(lines, "no pass can evict it as things stand")
	case v.Known:
		lines = append(lines, fmt.Sprintf("the first pass that can evict it is planned %s, in %v%s", clockTime(v.Earliest), v.Earliest.Sub(v.At), v.condition()))
	}
	for _, transition := range v.Last {
		lines = append(lines, fmt.Sprintf("%v %s", transition.Kind, clockTime(transition.At)))
	}
	return strings.Join(lines, "\n")
}

// condition is what the earliest pass depends on beside time.
func (v Verdict[K, V]) condition() string {
	if !v.withheld || v.Decision.Reason == preserve.WarmingUp {
		return ""
	}
	return ", if eviction is allowed by then"
}

func (v Verdict[K, V]) state() string {
	if v.Known {
		return fmt.Sprintf("%v: silent for %v", v.Stage, v.At.Sub(v.Lease.LastRenewal()))
	}
	if len(v.Last) == 0 {
		return "not registered, and no transition of it is remembered"
	}
	return "not registered: " + v.Last[len(v.Last)-1].Kind.String()
}

// clockTime is an instant as people read it.
func clockTime(at time.Time) string { return "at " + at.UTC().Format("15:04:05.999") }
