package fuzz

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/preserve"
)

// kernelPass is an eviction pass under way.
type kernelPass struct {
	additional time.Duration
	reversed   bool // by Order
	meanwhile  int  // how much happens when Order is called

	warns     bool // somebody is silent
	found     bool // Order was called for those who are
	silent    []seenLease
	suspected []int // their numbers

	ordered   bool // Order was called for the expired
	decision  preserve.Decision
	collected []seenLease
}

// proposedLease is a victim of a pass that only proposes.
type proposedLease struct {
	held heldLease
	seen seenLease
}

// ready prepares what the hooks of the next pass do.
func (m *kernelMachine) ready(t *trace.T) {
	m.t = t
	m.nanos = m.steadyNanos(m.now)
	m.viewErr = nil
	m.view = trace.Int64Range(0, 20).Draw(t, "view")
	if m.hostile && trace.IntRange(0, 3).Draw(t, "strange hooks") == 0 {
		m.nanos = drawNanos(t)
		m.view = drawCount(t)
		m.viewErr = trace.SampledFrom([]error{nil, errors.New("no view")}).Draw(t, "view's error")
	}
}

// steadyNanos is the reading of a clock that goes as it should, and is not 0 at
// the start.
func (m *kernelMachine) steadyNanos(now time.Time) int64 {
	return clampTo(nanosBetween(m.model.start.Add(-time.Hour), now), math.MinInt64, math.MaxInt64)
}

// begin is the model's half of an eviction pass before it looks at leases.
func (m *kernelMachine) begin(t *trace.T, additional time.Duration) *kernelPass {
	m.pass = &kernelPass{additional: additional}
	m.pass.warns = !m.model.switches.suspicionOff &&
		slices.ContainsFunc(m.model.leases, func(l *kernelLease) bool { return m.model.silent(l, m.now, additional) })
	m.pass.reversed = trace.IntRange(0, 3).Draw(t, "reversed") == 0
	if m.awaited == nil && trace.IntRange(0, 2).Draw(t, "race") == 0 {
		m.pass.meanwhile = trace.IntRange(1, 4).Draw(t, "meanwhile")
	}
	return m.pass
}

// order is the kernel's hook: for those whom it is about to find suspect, if
// there are any, and then for those who may be evicted.
func (m *kernelMachine) order(now time.Time, candidates []heldLease) {
	p := m.pass
	passesKeepTheirDue.Holds(m.t, p != nil, "a pass runs at %v that is not due", now)
	for _, candidate := range candidates {
		exemptIsExempt.Holds(m.t, !candidate.Exempt(), "%d is a candidate at %v", candidate.Key(), now)
		othersDecide.Holds(m.t, !m.model.foreign[candidate.Key()], "%d is a candidate at %v", candidate.Key(), now)
	}
	if p.warns && !p.found {
		p.found = true
		p.silent = m.model.see(func(l *kernelLease) bool { return m.model.silent(l, now, p.additional) })
		m.reorder(findsWhoIsSilent, now, candidates, p.silent)
		return
	}
	// The exact meter's count may be one of several; it is what the kernel says.
	m.warn(p)
	m.decide(p, m.kernel.Status(now).Renewals)
	p.ordered = true
	for _, candidate := range candidates {
		m.checkNotEarly(m.t, p, candidate)
		m.checkWarned(m.t, p, candidate)
	}
	p.collected = m.model.see(func(l *kernelLease) bool {
		return m.model.expired(l, now, p.additional) && m.model.warned(l, now, p.additional) &&
			(p.decision.Allowed || m.model.silentBeyond(m.model.config.Ceiling, l, now))
	})
	m.reorder(evictsWhoIsDrawn, now, candidates, p.collected)
}

// reorder compares candidates, reverses them perhaps, and lets something happen
// before the pass goes on.
func (m *kernelMachine) reorder(whom *law.Law, now time.Time, candidates []heldLease, want []seenLease) {
	same := slices.EqualFunc(candidates, want, func(got heldLease, seen seenLease) bool { return got.Holder() == seen.lease.number })
	whom.Holds(m.t, now.Equal(m.now) && same, "at %v there are %d candidates, not %d: %v, want %v", now, len(candidates), len(want), candidates, want)
	if m.pass.reversed {
		slices.Reverse(candidates)
		slices.Reverse(want)
	}
	for range m.pass.meanwhile {
		m.meanwhile(m.t)
	}
}

// warn finds suspect who is still as Order met him.
func (m *kernelMachine) warn(p *kernelPass) {
	for _, seen := range p.silent {
		if m.model.isAs(seen) && m.model.suspect(m.now, seen.lease) {
			p.suspected = append(p.suspected, seen.lease.number)
		}
	}
	p.silent = nil
}

func (m *kernelMachine) decide(p *kernelPass, renewals int64) {
	if m.model.calculator != nil {
		renewals = m.model.all.last
	}
	p.decision = m.model.decide(m.now, renewals)
}

// finish is its other half, and compares what both have done.
func (m *kernelMachine) finish(t *trace.T, p *kernelPass, got *leasekernel.Eviction[int, int]) {
	findsWhoIsSilent.Holds(t, p.found == p.warns, "somebody is silent at %v and a pass that forgives %v finds nobody", m.now, p.additional)
	if !p.ordered {
		m.warn(p)
		m.checkRenewals(t, &m.model.all, got.Decision.Renewals)
		m.decide(p, got.Decision.Renewals)
	}
	findsWhoIsSilent.Holds(t, numbersAre(got.Suspected, p.suspected), "%d are found suspect at %v, and should be %v", len(got.Suspected), m.now, p.suspected)
	m.checkKernelDecision(t, got.Decision, p.decision)
	latenessForgiven.Holds(t, got.Compensation == p.additional, "a pass at %v forgives %v, want %v", m.now, got.Compensation, p.additional)

	ceiling := !p.decision.Allowed && m.model.config.Ceiling > 0 && p.decision.Reason != preserve.Disabled
	passesKeepTheirDue.Holds(t, p.ordered == (p.decision.Allowed || ceiling), "a pass that is %v collects: %t", p.decision, p.ordered)
	size, beyond, limit := len(m.model.leases), !p.decision.Allowed && len(p.collected) > 0, 0
	if !m.model.unlimited() && (p.decision.Allowed || beyond) {
		limit = m.model.limit(size)
	}
	limitOfTheRules.Holds(t, got.Limit == limit, "it is %d of %d leases, want %d", got.Limit, size, limit)
	victims := m.victims(p, limit)
	if !p.ordered || m.model.config.ProposeOnly {
		m.propose(t, victims, got)
		m.checkKernelDecision(t, got.After, p.decision)
	} else {
		m.depart(t, p, victims, got)
	}
	kernelAsModelled.Holds(t, got.Size == size && got.Candidates == len(p.collected) && got.Ceiling == beyond && got.Err == nil,
		"of %d leases %d may go, beyond the ceiling %t: %+v", size, len(p.collected), beyond, got)
	m.pass = nil
}

func numbersAre(changes []intKernelChange, want []int) bool {
	return slices.EqualFunc(changes, want, func(c intKernelChange, number int) bool { return c.Lease.Holder() == number })
}

// propose wants of a pass that nobody left by it, but is proposed.
func (m *kernelMachine) propose(t *trace.T, victims []seenLease, got *leasekernel.Eviction[int, int]) {
	same := slices.EqualFunc(got.Proposed, victims, func(s heldLease, seen seenLease) bool { return s.Holder() == seen.lease.number })
	evictsWhoIsDrawn.Holds(t, same && len(got.Evicted)+len(got.Rescued) == 0, "%+v at %v, and %v should be proposed", got, m.now, victims)
	for i, victim := range victims {
		m.proposed = append(m.proposed, proposedLease{got.Proposed[i], victim})
	}
	m.proposed = m.proposed[max(0, len(m.proposed)-20):]
}

// depart evicts the victims.
func (m *kernelMachine) depart(t *trace.T, p *kernelPass, victims []seenLease, got *leasekernel.Eviction[int, int]) {
	var evicted, rescued []int
	for _, victim := range victims {
		if l, ok := m.model.evict(m.now, victim, p.additional); ok {
			evicted = append(evicted, l.number)
		} else {
			rescued = append(rescued, victim.lease.number)
		}
	}
	for _, change := range got.Evicted {
		if !m.model.config.EvictByKey {
			m.checkNotEarly(t, p, change.Lease)
		}
	}
	rescuesWhoChanged.Holds(t, slices.EqualFunc(got.Rescued, rescued, func(s heldLease, number int) bool { return s.Holder() == number }),
		"%d are rescued at %v, and should be %v", len(got.Rescued), m.now, rescued)
	evictsWhoIsDrawn.Holds(t, numbersAre(got.Evicted, evicted) && len(got.Proposed) == 0, "%d are evicted at %v, and should be %v", len(got.Evicted), m.now, evicted)
	renewals := p.decision.Renewals
	if m.model.calculator == nil {
		renewals = got.After.Renewals
		m.checkRenewals(t, &m.model.all, renewals)
	}
	m.checkKernelDecision(t, got.After, m.model.decide(m.now, renewals))
}

// victims are drawn by a generator that was written for that.
func (m *kernelMachine) victims(p *kernelPass, limit int) (victims []seenLease) {
	if m.model.unlimited() {
		return p.collected
	}
	random := m.model.random
	if random == nil {
		random = newJavaModel(m.now.UnixMilli()) // quirk E3
	}
	source := modelledSource{random}
	for _, i := range pickModel(source, row(len(p.collected)), limit) {
		victims = append(victims, p.collected[i])
	}
	return victims
}

type modelledSource struct{ *javaModel }

func (s modelledSource) Intn(n int) int { return int(s.intn(int64(n))) }

// checkNotEarly goes by what the kernel itself says of a lease that may be
// evicted, or was.
func (m *kernelMachine) checkNotEarly(t *trace.T, p *kernelPass, held heldLease) {
	if m.model.wall() {
		return
	}
	silence := nanosBetween(held.LastRenewal(), m.now)
	neverEvictedEarly.Holds(t, silence.Cmp(sumOf(held.Term().Duration, max(p.additional, 0))) > 0,
		"%d may go after %v ns of silence, with a term of %v and %v forgiven", held.Key(), silence, held.Term().Duration, p.additional)
}

func (m *kernelMachine) checkWarned(t *trace.T, p *kernelPass, held heldLease) {
	dwell := m.model.dwell(held.Term())
	if m.model.wall() || dwell < 0 {
		return
	}
	since, suspect := held.SuspectSince()
	warnedBefore.Holds(t, suspect && passed(since, m.now).Cmp(sumOf(dwell, max(p.additional, 0))) >= 0,
		"%d may go at %v, suspect %t, since %v, with a dwell of %v and %v forgiven", held.Key(), m.now, suspect, since, dwell, p.additional)
}

func (m *kernelMachine) tick(t *trace.T) {
	m.ready(t)
	want := m.rotates()
	var pass *kernelPass
	evicts := m.model.eviction.isDue(m.now)
	if evicts {
		if m.now.After(m.model.eviction.due) {
			m.comeLate()
		}
		m.model.eviction.plan(m.now)
		pass = m.begin(t, m.model.forgiven(m.now, m.nanos))
	}
	updates := m.model.update.isDue(m.now)
	got := m.kernel.Tick(m.now)
	passesKeepTheirDue.Holds(t, (got.Eviction != nil) == evicts && (got.Update != nil) == updates, "at %v it evicts: %t, updates: %t",
		m.now, got.Eviction != nil, got.Update != nil)
	m.checkRotation(t, got, want)
	if evicts {
		m.finish(t, pass, got.Eviction)
		m.checkPromises(t, pass)
	}
	if updates {
		m.model.update.plan(m.now)
		m.checkUpdate(t, got.Update)
	}
	m.checkTold(t, got)
}

// tickInTime ticks when the kernel says, a few times.
func (m *kernelMachine) tickInTime(t *trace.T) {
	for range trace.IntRange(1, 5).Draw(t, "ticks") {
		next, ok := m.kernel.Next()
		if !ok || !m.hostile && next.Before(m.now) {
			return
		}
		m.now = next
		m.tick(t)
	}
}

// rotates ends a tumbling window if it is over, and returns what it counted.
func (m *kernelMachine) rotates() *leasekernel.Rotation {
	if !m.model.rotation.isDue(m.now) {
		return nil
	}
	m.model.rotation.plan(m.now)
	for _, meter := range []*kernelRotation{&m.model.all, &m.model.sent} {
		meter.current, meter.last = 0, meter.current
	}
	return &leasekernel.Rotation{Renewals: m.model.all.last, Replicated: m.model.sent.last}
}

func (m *kernelMachine) rotate(t *trace.T) {
	want := m.rotates()
	got := m.kernel.Rotate(m.now)
	m.checkRotation(t, got, want)
	passesKeepTheirDue.Holds(t, got.Eviction == nil && got.Update == nil, "Rotate does %+v", got)
	m.checkTold(t, got)
}

func (m *kernelMachine) checkRotation(t *trace.T, got intKernelReport, want *leasekernel.Rotation) {
	passesKeepTheirDue.Holds(t, (got.Rotation != nil) == (want != nil), "it rotates at %v: %+v, want %+v", m.now, got.Rotation, want)
	renewalsCounted.Holds(t, want == nil || *got.Rotation == *want, "%+v at %v, want %+v", got.Rotation, m.now, want)
}

func (m *kernelMachine) evict(t *trace.T) {
	m.ready(t)
	m.model.eviction.plan(m.now)
	pass := m.begin(t, m.model.forgiven(m.now, m.nanos))
	got := m.kernel.Evict(m.now)
	m.finish(t, pass, got.Eviction)
	clear(m.promised[:])
	m.checkTold(t, got)
}

func (m *kernelMachine) evictForgiving(t *trace.T) {
	m.ready(t)
	additional := time.Duration(0)
	if trace.Bool().Draw(t, "graceful") {
		additional = drawGrace(t)
	}
	pass := m.begin(t, additional)
	got := m.kernel.EvictForgiving(m.now, additional)
	m.finish(t, pass, got.Eviction)
	clear(m.promised[:])
	m.checkTold(t, got)
}

func (m *kernelMachine) updateNow(t *trace.T) {
	m.ready(t)
	m.model.update.plan(m.now)
	got := m.kernel.Update(m.now)
	m.checkUpdate(t, got.Update)
	m.checkTold(t, got)
}

func (m *kernelMachine) checkUpdate(t *trace.T, got *leasekernel.Update) {
	if m.model.calculator == nil {
		kernelAsModelled.Holds(t, got == nil, "the exact rules update: %+v", got)
		return
	}
	want := leasekernel.Update{Count: int64(len(m.model.leases))}
	if m.viewed {
		want.Count, want.Err = m.view, m.viewErr
	}
	fits := m.model.calculator.fits(want.Count)
	if want.Err == nil && fits {
		want.Adopted = m.model.calculator.update(m.model.calculator, want.Count)
	}
	kernelAsModelled.Holds(t, got.Count == want.Count && got.Adopted == want.Adopted && (got.Err != nil) == (want.Err != nil || !fits),
		"an update of %d: %+v", want.Count, got)
}
