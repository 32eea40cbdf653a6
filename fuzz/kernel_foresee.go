package fuzz

import (
	"math/big"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/preserve"
)

// foreseeable is how far from now everything has to lie that foresee goes by.
const foreseeable = 200 * 365 * 24 * time.Hour

// foresee runs the planned passes from instant now on, in time, until one can
// evict a lease, as if nothing else happened and renewals were not missing. Ok
// is false if none can; known, if that is too far away to say.
func (m *kernelModel) foresee(now time.Time, l kernelLease, nanos func(time.Time) int64) (at time.Time, ok, known bool) {
	if !m.eviction.running || l.exempt || m.foreign[l.key] || !m.unlimited() && m.limit(len(m.leases)) <= 0 ||
		m.switches.suspicionOff && !l.suspect && m.dwell(l.term) >= 0 {
		return time.Time{}, false, true
	}
	at = m.eviction.due
	if at.Before(now) {
		at = now
	}
	if m.passedAt != nil && nanosBetween(*m.passedAt, at).Cmp(big.NewInt(nanos(at)-m.passedNanos)) != 0 {
		return at, false, false // the clock of a hook went astray, or to its end
	}
	additional := m.late(at, nanos(at))
	for timer := m.eviction; ; {
		ends := m.ends(&l)
		if slices.ContainsFunc(append(ends, at), func(end time.Time) bool {
			_, near := m.offset(end)
			return !near || nanosBetween(now, end).CmpAbs(sumOf(foreseeable)) > 0
		}) {
			return at, false, false
		}
		if !m.switches.suspicionOff && m.silent(&l, at, additional) {
			l.suspect, l.since = true, m.mustOffset(at)
		}
		if m.expired(&l, at, additional) && m.warned(&l, at, additional) && !m.warmsUp(&l, at) {
			return at, true, true
		}
		ends = m.ends(&l)
		if additional > 0 { // which the next pass does not forgive
			ends = append(ends, at)
		}
		timer.plan(at)
		at, additional = timer.passFor(at, ends), 0
	}
}

// ends are the instants at or after which something may be the case that was
// not before.
func (m *kernelModel) ends(l *kernelLease) []time.Time {
	last := m.instant(m.lastRenewal(l))
	ends := []time.Time{m.instant(l.deadline), last.Add(m.config.Ceiling)}
	if m.isStaged(l.term) {
		ends = append(ends, last.Add(l.term.Suspect))
	}
	if l.suspect {
		ends = append(ends, m.instant(l.since).Add(max(m.dwell(l.term), 0)))
	}
	if m.config.Release == 0 {
		ends = append(ends, m.start.Add(m.config.Warmup))
	}
	return ends
}

// passFor is the pass that is due after the one at an instant, or a later one if
// nothing can be new before: ends are up to two milliseconds late.
func (p *kernelTimer) passFor(at time.Time, ends []time.Time) time.Time {
	ends = slices.DeleteFunc(ends, func(end time.Time) bool { return end.Add(2 * time.Millisecond).Before(at) })
	if len(ends) == 0 {
		return p.due
	}
	wait := max(slices.MinFunc(ends, time.Time.Compare).Sub(p.due), 0)
	return p.due.Add((wait + p.interval - 1) / p.interval * p.interval)
}

// warmsUp reports whether the warm-up withholds the eviction of a lease.
func (m *kernelModel) warmsUp(l *kernelLease, at time.Time) bool {
	beyond := m.config.Ceiling > 0 && m.silentBeyond(m.config.Ceiling, l, at)
	return m.decide(at, 0).Reason == preserve.WarmingUp && !beyond
}

func (m *kernelModel) mustOffset(at time.Time) int64 {
	offset, ok := m.offset(at)
	if !ok {
		panic("not an instant of the model")
	}
	return offset
}

// promisedPass is the earliest one that Explain has named for a lease.
type promisedPass struct {
	of      *kernelLease
	at      time.Time
	warming bool
}

// comeLate takes back what Explain has named, if the pass does not forgive that
// it comes late, or the warm-up ends meanwhile.
func (m *kernelMachine) comeLate() {
	forgives := m.model.config.Release == 0 && m.model.passedAt != nil
	for key, promised := range m.promised {
		if !forgives || promised.warming {
			m.promised[key] = promisedPass{}
		}
	}
}

// checkEarliest wants the pass that is found by running all, and no obstacle if
// and only if that one comes now and is allowed to evict.
func (m *kernelMachine) checkEarliest(t *trace.T, v leasekernel.Verdict[int, int], l *kernelLease) {
	m.checkNext(t) // which it goes by
	explainsExactly.Holds(t, v.Earliest.IsZero() || !v.Earliest.Before(m.now), "at %v the earliest pass is %v", m.now, v.Earliest)
	want, ok, known := m.model.foresee(m.now, *l, m.steadyNanos)
	if !known {
		return
	}
	explainsExactly.Holds(t, v.Earliest.Equal(want), "at %v the earliest pass is %v, want %v, %t: %v", m.now, v.Earliest, want, ok, v)
	ceiling := m.model.config.Ceiling > 0 && v.Decision.Reason != preserve.Disabled && m.model.silentBeyond(m.model.config.Ceiling, l, m.now)
	free := ok && want.Equal(m.now) && (v.Decision.Allowed || ceiling)
	explainsExactly.Holds(t, free == (len(v.Obstacles) == 0), "at %v %d can be evicted, %t: %v", m.now, l.key, free, v)
	m.promised[l.key] = promisedPass{}
	if ok && !m.hostile {
		m.promised[l.key] = promisedPass{l, want, v.Decision.Reason == preserve.WarmingUp}
	}
}

// waitAsTold lets all passes run in time until the one that Explain names for a
// lease, if that is soon.
func (m *kernelMachine) waitAsTold(t *trace.T) {
	if len(m.model.leases) == 0 || m.hostile {
		return
	}
	l := trace.SampledFrom(m.model.leases).Draw(t, "lease")
	v := m.kernel.Explain(m.now, l.key)
	m.checkEarliest(t, v, l)
	if v.Earliest.IsZero() || v.Earliest.Sub(m.now) > 30*m.model.config.EvictionInterval {
		return
	}
	m.awaited = l
	for next, ok := m.kernel.Next(); ok && !next.After(v.Earliest); next, ok = m.kernel.Next() {
		if next.After(m.now) {
			m.now = next
		}
		m.tick(t)
	}
	m.awaited = nil
}

// checkPromises wants that no planned pass can evict whom Explain has promised
// a later one, and that one can that was waited for.
func (m *kernelMachine) checkPromises(t *trace.T, p *kernelPass) {
	for _, seen := range p.collected {
		promised := m.promised[seen.lease.key]
		explainsExactly.Holds(t, promised.of != seen.lease || !m.now.Before(promised.at), "%d can be evicted at %v, and Explain has named %v",
			seen.lease.key, m.now, promised.at)
	}
	if l := m.awaited; l != nil && p.decision.Allowed && m.now.Equal(m.promised[l.key].at) {
		can := slices.ContainsFunc(p.collected, func(seen seenLease) bool { return seen.lease == l })
		explainsExactly.Holds(t, can, "%d cannot be evicted at %v, which Explain has named", l.key, m.now)
	}
}
