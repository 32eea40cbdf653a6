package fuzz

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

func (m *kernelMachine) explain(t *trace.T) { m.explainKey(t, m.drawKey(t)) }

func (m *kernelMachine) explainKey(t *trace.T, key int) {
	v := m.kernel.Explain(m.now, key)
	l := m.model.find(key)
	status := m.kernel.Status(m.now)
	diff := cmp.Diff(status.Decision, v.Decision, asShown)
	oneDecision.Holds(t, diff == "", "the verdict's is another than the status' at %v (-status +verdict)\n%s", m.now, diff)
	limitOfTheRules.Holds(t, v.Limit == m.model.limit(len(m.model.leases)), "it is %d of %d leases", v.Limit, len(m.model.leases))
	kernelAsModelled.Holds(t, v.Known == (l != nil) && v.At.Equal(m.now) && v.Key == key && v.String() != "", "%v", v)
	m.checkHistory(t, key, v.Last)
	if l == nil {
		kernelAsModelled.Holds(t, v.Stage == lease.Ended && len(v.Obstacles) == 0 && v.Earliest.IsZero(), "%v", v)
		return
	}
	kernelAsModelled.Holds(t, v.Stage == m.stage(l) && v.Deadline.Equal(m.model.instant(l.deadline)), "%v", v)
	for kind, want := range map[leasekernel.ObstacleKind]bool{leasekernel.Exempt: l.exempt, leasekernel.NotResponsible: m.model.foreign[key]} {
		got := slices.ContainsFunc(v.Obstacles, func(o leasekernel.Obstacle) bool { return o.Kind == kind })
		kernelAsModelled.Holds(t, got == want, "obstacle %d, %t: %v", kind, want, v)
	}
	m.checkEarliest(t, v, l)
}

func (m *kernelMachine) stage(l *kernelLease) lease.Stage {
	switch {
	case m.model.expired(l, m.now, 0):
		return lease.Expired
	case l.suspect, m.model.silent(l, m.now, 0):
		return lease.Suspect
	}
	return lease.Live
}

// checkHistory wants the last transitions of a key, as far as the history goes
// back.
func (m *kernelMachine) checkHistory(t *trace.T, key int, got []leasekernel.Transition[int]) {
	var want []leasekernel.Kind
	for i := max(0, len(m.model.history)-m.model.config.History); i < len(m.model.history); i++ {
		if m.model.keys[i] == key {
			want = append(want, m.model.history[i])
		}
	}
	lastTransitions.Holds(t, slices.EqualFunc(got, want, func(tr leasekernel.Transition[int], kind leasekernel.Kind) bool {
		return tr.Kind == kind && tr.Key == key
	}), "%d has %v, not %v", key, got, want)
}

// checkTold wants all changes since the last report.
func (m *kernelMachine) checkTold(t *trace.T, got intKernelReport) {
	m.checkSuspicions(t)
	for _, change := range got.Changes {
		m.checkEvicted(t, change, got.Eviction)
		m.told.follow(t, change)
	}
	changesToldOnce.Holds(t, len(got.Changes) == len(m.model.untold), "%d changes are told of %d", len(got.Changes), len(m.model.untold))
	for i, change := range got.Changes {
		m.checkChange(t, change, m.model.untold[i])
	}
	m.model.untold = nil
	kernelAsModelled.Holds(t, got.At.Equal(m.now), "a report of %v at %v", got.At, m.now)
}

// checkEvicted knows what passes do not do, unless they evict by key.
func (m *kernelMachine) checkEvicted(t *trace.T, change intKernelChange, pass *leasekernel.Eviction[int, int]) {
	byPass := pass != nil && slices.ContainsFunc(pass.Evicted, func(c intKernelChange) bool { return c.Sequence == change.Sequence })
	if !byPass || m.model.config.EvictByKey {
		return
	}
	exemptIsExempt.Holds(t, !change.Lease.Exempt(), "%d is evicted", change.Key)
	if term := change.Lease.Term(); m.model.config.Release == 0 && term.Suspect > 0 {
		m.told.followWarned(t, change, m.model.dwell(term))
	}
}

func (m *kernelMachine) checkChange(t *trace.T, got intKernelChange, want modelledChange) {
	same := got.Kind == want.Kind && got.Key == want.Key && got.At.Equal(want.At) && got.Lease.Holder() == want.New && got.Lease.Key() == want.Key
	if want.Kind == leasekernel.Replaced {
		same = same && got.Old.Holder() == want.Old && got.Old.Key() == want.Key
	}
	changesToldOnce.Holds(t, same, "%v of %d at %v, want %+v", got.Kind, got.Key, got.At, want)
}

// check comes to what is shown in general last, so that a law which says more
// is the one that is named.
func (m *kernelMachine) check(t *trace.T) {
	m.checkSuspicions(t)
	if trace.Bool().Draw(t, "status") { // which also looks whom renewals have healed
		m.checkStatus(t)
	}
	m.checkNext(t)
	m.checkLeases(t)
}

func (m *kernelMachine) checkSuspicions(t *trace.T) {
	for _, l := range m.model.leases {
		if held, ok := m.kernel.Get(l.key); ok {
			since, suspect := held.SuspectSince()
			healsAtOnce.Holds(t, suspect == l.suspect && (!suspect || since.Equal(m.model.instant(l.since))), "at %v the lease of %d is suspect, %t, since %v, want %t, %v",
				m.now, l.key, suspect, since, l.suspect, m.model.instant(l.since))
		}
	}
}

func (m *kernelMachine) checkLeases(t *trace.T) {
	kernelAsModelled.Holds(t, m.kernel.Len() == len(m.model.leases), "%d leases instead of %d", m.kernel.Len(), len(m.model.leases))
	for key := range kernelKeys {
		held, ok := m.kernel.Get(key)
		l := m.model.find(key)
		kernelAsModelled.Holds(t, ok == (l != nil), "Get(%d) = %t", key, ok)
		if ok {
			m.checkLease(t, held, l)
		}
	}
	met := 0
	for key, held := range m.kernel.All() {
		l := m.model.find(key)
		kernelAsModelled.Holds(t, l != nil && l.number == held.Holder(), "All meets lease %d of %d", held.Holder(), key)
		met++
	}
	kernelAsModelled.Holds(t, met == len(m.model.leases), "All meets %d of %d", met, len(m.model.leases))
}

func (m *kernelMachine) checkLease(t *trace.T, held heldLease, l *kernelLease) {
	same := held.Key() == l.key && held.Holder() == l.number && held.Term() == l.term && held.Renewed() == l.renewed &&
		held.Registered().Equal(m.model.instant(l.registered)) && held.Deadline().Equal(m.model.instant(l.deadline)) &&
		held.LastRenewal().Equal(m.model.instant(m.model.lastRenewal(l))) && held.Exempt() == l.exempt &&
		held.Stage(m.now, 0) == m.stage(l)
	kernelAsModelled.Holds(t, same, "lease %d of %d until %v, want %d, %+v, until %v", held.Holder(), held.Key(), held.Deadline(), l.number, l.kernelWord, m.model.instant(l.deadline))
}

func (m *kernelMachine) checkStatus(t *trace.T) {
	got := m.kernel.Status(m.now)
	suspects := 0
	for _, held := range m.kernel.All() {
		if held.Suspected() {
			suspects++
		}
	}
	suspectsAreCounted.Holds(t, got.Suspects == suspects, "%d, and there are %d", got.Suspects, suspects)
	m.checkRenewals(t, &m.model.all, got.Renewals)
	m.checkRenewals(t, &m.model.sent, got.Replicated)
	m.checkKernelDecision(t, got.Decision, m.model.decide(m.now, got.Renewals))
	due := !got.Opened || got.NextEviction.Equal(m.model.eviction.due)
	passesKeepTheirDue.Holds(t, got.Opened == m.model.eviction.running && due, "planned, %t, at %v, want %t, %v",
		got.Opened, got.NextEviction, m.model.eviction.running, m.model.eviction.due)
	totals := [...]uint64{0, got.Registered, got.Replaced, got.Cancelled, got.Evicted, got.Suspected, got.Healed}
	changesToldOnce.Holds(t, totals == m.model.totals, "Status counts %v by kind, want %v", totals, m.model.totals)
	lived := got.Registered - got.Cancelled - got.Evicted
	kernelAsModelled.Holds(t, lived == uint64(got.Leases) && got.Leases == len(m.model.leases), "%+v", got)
	kernelAsModelled.Holds(t, got.Below == m.model.below(m.now, got.Renewals) && got.At.Equal(m.now), "%+v", got)
}

func (m *kernelMachine) checkRenewals(t *trace.T, meter *kernelRotation, got int64) {
	least, most := m.model.renewals(meter, m.now)
	renewalsCounted.Holds(t, got >= least && got <= most, "%d at %v, want %d to %d", got, m.now, least, most)
}

// asShown compares all that a decision shows.
var asShown = cmp.Options{asPublished, cmpopts.EquateNaNs()}

// checkKernelDecision compares decisions; an exact one's threshold is judged by
// what it says itself.
func (m *kernelMachine) checkKernelDecision(t *trace.T, got, want preserve.Decision) {
	if m.model.calculator == nil {
		expectsWhatLives.Holds(t, got.Expected == want.Expected, "%v at %v, want %v", got.Expected, m.now, want.Expected)
		want.Threshold = got.Threshold
	}
	diff := cmp.Diff(want, got, asShown)
	oneDecision.Holds(t, diff == "", "at %v (-model +kernel)\n%s", m.now, diff)
	checkDecision(t, got, m.model.calculator == nil || m.model.calculator.reaching, got.Threshold*0x1p-50)
}

func (m *kernelMachine) checkNext(t *trace.T) {
	var want *time.Time
	for _, timer := range []*kernelTimer{&m.model.rotation, &m.model.eviction, &m.model.update} {
		if timer.running && (want == nil || timer.due.Before(*want)) {
			want = &timer.due
		}
	}
	next, ok := m.kernel.Next()
	passesKeepTheirDue.Holds(t, ok == (want != nil) && (!ok || next.Equal(*want)), "Next is %v, %t, want %v", next, ok, want)
}
