package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/preserve"
)

// kernelTimer is when a pass is due.
type kernelTimer struct {
	interval time.Duration
	running  bool
	ticks    bool // keeps its phase, as a ticker of Go's
	due      time.Time
}

func (p *kernelTimer) start(now time.Time) { p.running, p.due = true, now.Add(p.interval) }

// plan plans the pass after the one at instant now.
func (p *kernelTimer) plan(now time.Time) {
	if !p.ticks {
		p.due = now.Add(p.interval)
		return
	}
	for far := foreseeable / p.interval * p.interval; !p.due.Add(far).After(now); {
		p.due = p.due.Add(far)
	}
	if behind := now.Sub(p.due); behind >= 0 {
		missed := behind / p.interval // the one of now itself is not among them
		if missed == 0 || behind%p.interval != 0 {
			missed++
		}
		p.due = p.due.Add(missed * p.interval)
	}
}

func (p *kernelTimer) isDue(now time.Time) bool { return p.running && !now.Before(p.due) }

// units are what the live leases promise, in 1/720720 renewal.
func (m *kernelModel) units() *big.Int {
	sum := new(big.Int)
	for _, l := range m.leases {
		promise := new(big.Int).Mul(sumOf(m.config.Window), big.NewInt(unit))
		sum.Add(sum, promise.Quo(promise, sumOf(l.term.Interval)))
	}
	return sum
}

// billionths is the percent as nine digits.
func (m *kernelModel) billionths() *big.Int {
	return big.NewInt(int64(math.Round(m.config.Percent * 1e9)))
}

// exactReason is the exact rules' decision, were preservation on.
func (m *kernelModel) exactReason(now time.Time, renewals int64) preserve.Reason {
	need := new(big.Int).Mul(m.units(), m.billionths())
	have := new(big.Int).Mul(big.NewInt(renewals), big.NewInt(unit*1_000_000_000))
	switch {
	case now.Before(m.start.Add(m.config.Warmup)):
		return preserve.WarmingUp
	case have.Cmp(need) >= 0:
		return preserve.EnoughRenewals
	}
	return preserve.TooFewRenewals
}

// decide leaves out an exact decision's threshold.
func (m *kernelModel) decide(now time.Time, renewals int64) preserve.Decision {
	d := m.preserves(now, renewals)
	if m.switches.evictionOff {
		d.Allowed, d.Reason, d.WarmUntil = false, preserve.Disabled, time.Time{}
	}
	return d
}

func (m *kernelModel) preserves(now time.Time, renewals int64) preserve.Decision {
	if m.calculator != nil {
		return m.calculator.decide(m.config.Release, renewals)
	}
	d := preserve.Decision{Reason: m.exactReason(now, renewals), Rule: "exact", Renewals: renewals, Percent: m.config.Percent}
	d.Expected, _ = new(big.Rat).SetFrac(m.units(), big.NewInt(unit)).Float64()
	if m.off {
		d.Reason = preserve.SwitchedOff
	}
	if d.Reason == preserve.WarmingUp {
		d.WarmUntil = m.start.Add(m.config.Warmup)
	}
	d.Allowed = d.Reason == preserve.SwitchedOff || d.Reason == preserve.EnoughRenewals
	return d
}

func (m *kernelModel) below(now time.Time, renewals int64) bool {
	if m.calculator != nil {
		return m.calculator.below(now, renewals)
	}
	return m.exactReason(now, renewals) == preserve.TooFewRenewals
}

// limit is how many of so many leases a pass may evict.
func (m *kernelModel) limit(size int) int {
	if m.calculator == nil {
		kept := new(big.Int).Mul(big.NewInt(int64(size)), m.billionths())
		return size - int(kept.Quo(kept, big.NewInt(1_000_000_000)).Int64())
	}
	return int(int32(int64(size) - javaIntOf(float64(size)*m.calculator.percent)))
}

// forgiven is the compensation of the pass at instant now.
func (m *kernelModel) forgiven(now time.Time, nanos int64) time.Duration {
	forgiven := m.late(now, nanos)
	if m.measures {
		m.passedAt, m.passedNanos = &now, nanos
	}
	return forgiven
}

// late is how late a pass at instant now would come, as it measures that.
func (m *kernelModel) late(now time.Time, nanos int64) time.Duration {
	switch {
	case !m.measures, m.config.Release >= preserve.Bilibili, m.before(preserve.EurekaV1_4_9):
		return 0
	case m.config.Release == 0 && m.passedAt != nil:
		elapsed := time.Duration(clampTo(nanosBetween(*m.passedAt, now), math.MinInt64, math.MaxInt64))
		return max(elapsed, m.config.EvictionInterval) - m.config.EvictionInterval
	case m.config.Release != 0 && m.passedNanos != 0: // quirk E5
		elapsed := wrap64(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(m.passedNanos)))
		late := elapsed/1_000_000 - m.config.EvictionInterval.Milliseconds()
		return time.Duration(max(late, 0)) * time.Millisecond
	}
	return 0
}

// open is Open with a count that the release takes. It reports whether passes
// run from now on.
func (m *kernelModel) open(now time.Time, count int64) bool {
	m.calculator.opened = now.UnixMilli()
	m.calculator.open(m.calculator, count)
	if m.stopped {
		return false
	}
	if m.before(preserve.EurekaV1_4_9) { // a new meter (quirk E6)
		m.hasMeter, m.rotation.running = true, false
		m.all, m.sent = kernelRotation{}, kernelRotation{}
	}
	if !m.rotation.running {
		if now.UnixMilli()+m.config.Window.Milliseconds() < 0 {
			return false
		}
		m.rotation.start(now)
	}
	m.eviction.start(now)
	m.measures = true
	m.passedAt, m.passedNanos = nil, 0
	return true
}

// seenLease is a lease as a pass saw it.
type seenLease struct {
	lease *kernelLease
	kernelWord
}

// String is the lease's key, in traces.
func (s seenLease) String() string { return s.lease.String() }

// isAs reports whether a lease is still as it was seen.
func (m *kernelModel) isAs(seen seenLease) bool {
	return m.lives(seen.lease) && seen.lease.kernelWord == seen.kernelWord
}

// see returns the leases of which something is true and about which this
// server decides.
func (m *kernelModel) see(is func(l *kernelLease) bool) (seen []seenLease) {
	for _, l := range m.leases {
		if is(l) && !m.foreign[l.key] {
			seen = append(seen, seenLease{l, l.kernelWord})
		}
	}
	return seen
}

// silent reports whether a pass finds a lease suspect.
func (m *kernelModel) silent(l *kernelLease, now time.Time, additional time.Duration) bool {
	return m.isStaged(l.term) && !l.suspect && !l.exempt && m.isPast(m.lastRenewal(l)+m.span(l.term.Suspect), now, additional)
}

// expired reports whether a lease has expired for a pass.
func (m *kernelModel) expired(l *kernelLease, now time.Time, additional time.Duration) bool {
	return !l.exempt && m.isPast(l.deadline, now, additional)
}

// isPast reports whether now lies strictly after an end and what is forgiven.
func (m *kernelModel) isPast(end int64, now time.Time, additional time.Duration) bool {
	at, _ := m.offset(now)
	more := big.NewInt(int64(max(additional, 0)))
	if m.wall() {
		more = big.NewInt(additional.Milliseconds())
	}
	return more.Add(more, big.NewInt(end)).Cmp(big.NewInt(at)) < 0
}

// warned reports whether a lease has been suspect for as long as it has to be.
func (m *kernelModel) warned(l *kernelLease, now time.Time, additional time.Duration) bool {
	dwell := m.dwell(l.term)
	return dwell < 0 || l.suspect && passed(m.instant(l.since), now).Cmp(sumOf(dwell, max(additional, 0))) >= 0
}

// silentBeyond reports whether a lease has been silent for longer than d.
func (m *kernelModel) silentBeyond(d time.Duration, l *kernelLease, now time.Time) bool {
	return passed(m.instant(m.lastRenewal(l)), now).Cmp(sumOf(d)) > 0
}

// passed is the time between two instants, as a time.Duration has it.
func passed(from, to time.Time) *big.Int {
	return big.NewInt(clampTo(nanosBetween(from, to), math.MinInt64, math.MaxInt64))
}

func (m *kernelModel) lastRenewal(l *kernelLease) int64 {
	last := l.deadline - m.length(l.term)
	if m.eureka() && l.renewed {
		last -= m.length(l.term)
	}
	return last
}

// evict evicts one victim, if it is still as the pass saw it and warned, or
// else, by key, whoever has it now.
func (m *kernelModel) evict(now time.Time, seen seenLease, additional time.Duration) (*kernelLease, bool) {
	l := seen.lease
	if m.config.EvictByKey {
		l = m.find(l.key)
	} else if !m.isAs(seen) || !m.warned(l, now, additional) {
		return nil, false
	}
	if l == nil {
		return nil, false
	}
	m.leave(leasekernel.Evicted, now, l)
	return l, true
}

// unlimited reports whether a pass evicts all candidates.
func (m *kernelModel) unlimited() bool {
	return m.config.Release == preserve.EurekaV1_2_5 || m.config.Release == preserve.Nacos
}
