package fuzz

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// kernelKeys are few, so that they are registered again and again.
const kernelKeys = 8

type (
	intKernel       = leasekernel.Kernel[int, int]
	intKernelChange = leasekernel.Change[int, int]
	intKernelReport = leasekernel.Report[int, int]
	heldLease       = lease.Snapshot[int, int]
)

// kernelLease is a lease as it was promised. Its number is its holder: each
// registration has another one.
type kernelLease struct {
	number, key int
	term        lease.Term
	registered  int64 // as all offsets on the scale of its rule, see kernelModel.offset
	since       int64 // when it was found suspect, if it was
	kernelWord
}

// String is the lease's key, in traces.
func (l *kernelLease) String() string { return strconv.Itoa(l.key) }

// kernelWord is what a pass compares of a lease.
type kernelWord struct {
	deadline                 int64
	renewed, suspect, exempt bool
}

// kernelRotation is a tumbling meter, or a sliding one.
type kernelRotation struct {
	current, last int64
	sliding       slidingModel
}

// kernelModel is a kernel in the plainest form: leases in a slice, as they
// registered, and everything that can be counted is counted when it is asked.
type kernelModel struct {
	config     leasekernel.Config
	start      time.Time
	leases     []*kernelLease
	calculator *calculatorModel // nil under the exact rules
	off        bool             // the exact rules' preservation
	switches   kernelSwitches
	foreign    [kernelKeys]bool // keys about which others decide
	hasMeter   bool
	all, sent  kernelRotation // renewals, and those that peers sent on
	random     *javaModel     // nil: a new one each pass
	stopped    bool

	rotation, eviction, update kernelTimer

	measures    bool       // what passes come late, since they are planned
	passedAt    *time.Time // the exact rules' last pass
	passedNanos int64      // Eureka's, 0 for none

	untold  []modelledChange
	history []leasekernel.Kind
	keys    []int // of the history
	totals  [leasekernel.Healed + 1]uint64
}

// kernelSwitches are those that are on at first.
type kernelSwitches struct{ evictionOff, suspicionOff bool }

type modelledChange struct {
	Kind     leasekernel.Kind
	Key, New int // its number, or the one of the lease that left
	Old      int
	At       time.Time
}

func newKernelModel(start time.Time, config leasekernel.Config) kernelModel {
	m := kernelModel{config: config, start: start, off: !config.SelfPreservation}
	if m.config.Window == 0 {
		m.config.Window = 2 * config.Term.Interval
	}
	if m.config.Warmup == 0 {
		m.config.Warmup = m.config.Window
	}
	m.rotation.interval, m.eviction.interval, m.update.interval = m.config.Window, config.EvictionInterval, config.UpdateInterval
	m.hasMeter = !m.before(preserve.EurekaV1_4_9)
	if !config.Opens() {
		m.random = newJavaModel(config.Seed)
		m.eviction.start(start)
		m.measures = true
	}
	if config.Release == 0 {
		step := m.config.Window / time.Duration(config.Steps)
		m.all.sliding, m.sent.sliding = newSlidingModel(m.config.Window, step), newSlidingModel(m.config.Window, step)
		return m
	}
	if config.Release != preserve.Nacos {
		m.update.start(start)
	}
	if !config.Opens() {
		m.rotation.start(start)
		m.rotation.ticks = true
	}
	m.eviction.ticks, m.update.ticks = m.bilibili(), m.bilibili()
	m.calculator = &calculatorModel{
		percent: config.Percent, interval: int32(config.Term.Interval / time.Second), selfPreservation: config.SelfPreservation,
		waitMillis: config.WaitWhenSyncEmpty.Milliseconds(), arithmetic: arithmetics[config.Release],
	}
	return m
}

// before reports whether the rules are those of an Eureka that is older.
func (m *kernelModel) before(release preserve.Release) bool {
	return m.config.Release != 0 && m.config.Release < release
}

func (m *kernelModel) eureka() bool { return m.config.Term.Rule == lease.Eureka }

func (m *kernelModel) nacos() bool { return m.config.Term.Rule == lease.Nacos }

func (m *kernelModel) bilibili() bool { return m.config.Term.Rule == lease.Bilibili }

// wall reports whether the rule measures in milliseconds of the wall clock.
func (m *kernelModel) wall() bool { return m.config.Term.Rule != lease.Exact }

// kernelReach is how far from its origin a kernel measures instants.
const kernelReach = (1<<60 - 1) / 4

// offset is an instant in nanoseconds from the start, or in milliseconds of
// the wall clock; it is not ok where a table ends.
func (m *kernelModel) offset(now time.Time) (at int64, ok bool) {
	at = clampTo(nanosBetween(m.start, now), math.MinInt64, math.MaxInt64)
	if m.wall() {
		at = now.UnixMilli()
	}
	return at, at >= -kernelReach && at <= kernelReach
}

func (m *kernelModel) instant(at int64) time.Time {
	if m.wall() {
		return time.UnixMilli(at)
	}
	return m.start.Add(time.Duration(at))
}

// span is a duration on the scale of the rule.
func (m *kernelModel) span(d time.Duration) int64 {
	if m.wall() {
		return d.Milliseconds()
	}
	return int64(d)
}

// length is a term's, with Java's overflow under Eureka's rule.
func (m *kernelModel) length(term lease.Term) int64 {
	if m.eureka() {
		return int64(int32(term.Duration/time.Second) * 1000)
	}
	return m.span(term.Duration)
}

// isStaged reports whether leases of a term become suspect by themselves.
func (m *kernelModel) isStaged(term lease.Term) bool { return term.Suspect > 0 || m.nacos() }

// dwell is how long a lease has to have been suspect before a pass evicts it,
// -1 if it need not have been.
func (m *kernelModel) dwell(term lease.Term) time.Duration {
	switch {
	case !m.isStaged(term):
		return -1
	case m.config.Dwell > 0:
		return m.config.Dwell
	case m.config.Release == 0:
		return term.Interval
	}
	return -1
}

func (m *kernelModel) find(key int) *kernelLease {
	for _, l := range m.leases {
		if l.key == key {
			return l
		}
	}
	return nil
}

func (m *kernelModel) lives(l *kernelLease) bool { return slices.Contains(m.leases, l) }

func (m *kernelModel) drop(l *kernelLease) {
	m.leases = slices.DeleteFunc(m.leases, func(o *kernelLease) bool { return o == l })
}

func (m *kernelModel) happened(kind leasekernel.Kind, now time.Time, l, old *kernelLease) {
	change := modelledChange{Kind: kind, Key: l.key, New: l.number, At: now}
	if old != nil {
		change.Old = old.number
	}
	m.untold = append(m.untold, change)
	m.history, m.keys = append(m.history, kind), append(m.keys, l.key)
	m.totals[kind]++
}

// register grants a lease that is known to be acceptable.
func (m *kernelModel) register(now time.Time, l *kernelLease) {
	at, _ := m.offset(now)
	l.registered, l.deadline = at, at+m.length(l.term)
	old := m.find(l.key)
	kind := leasekernel.Registered
	if old != nil {
		kind = leasekernel.Replaced
		m.drop(old)
		l.suspect, l.since = m.nacos() && old.suspect, old.since // quirk N7
	} else if m.calculator != nil {
		m.calculator.register(m.calculator)
	}
	m.leases = append(m.leases, l)
	m.happened(kind, now, l, old)
}

// renew renews a lease; with meters nil the renewal is not counted.
func (m *kernelModel) renew(now time.Time, l *kernelLease, meters ...*kernelRotation) bool {
	_, ok := m.renewTelling(now, l, meters...)
	return ok
}

// renewTelling also tells the stage from which it was renewed.
func (m *kernelModel) renewTelling(now time.Time, l *kernelLease, meters ...*kernelRotation) (healed, ok bool) {
	at, ok := m.offset(now)
	if !ok || !m.hasMeter || l == nil || !m.lives(l) {
		return false, false
	}
	deadline := at + m.length(l.term)
	if m.eureka() {
		deadline += m.length(l.term) // quirk L1
	}
	heals := m.wall() || deadline > l.deadline || at >= l.since
	if m.wall() || deadline >= l.deadline {
		l.deadline, l.renewed = deadline, true
	}
	for _, meter := range meters {
		m.mark(meter, now)
	}
	if !l.suspect || l.exempt || !heals {
		return false, true
	}
	l.suspect = false
	m.happened(leasekernel.Healed, m.instant(at), l, nil)
	return true, true
}

// suspect finds a lease suspect, whoever says so.
func (m *kernelModel) suspect(now time.Time, l *kernelLease) bool {
	at, ok := m.offset(now)
	if !ok || l == nil || l.suspect || l.exempt {
		return false
	}
	l.suspect, l.since = true, at
	m.happened(leasekernel.Suspected, now, l, nil)
	return true
}

func (m *kernelModel) mark(meter *kernelRotation, now time.Time) {
	if m.calculator != nil {
		meter.current++
		return
	}
	at := nanosBetween(m.start, now)
	if !meter.sliding.isDead(at) {
		meter.sliding.mark(at, 1)
		if !meter.sliding.isAlive(at) {
			meter.sliding.renewals[len(meter.sliding.renewals)-1].sure = false
		}
	}
}

// renewals are how many a meter shows: a number, or an interval where instants
// were so far from each other that it may have forgotten some.
func (m *kernelModel) renewals(meter *kernelRotation, now time.Time) (least, most int64) {
	if m.calculator != nil {
		return meter.last, meter.last
	}
	at := nanosBetween(m.start, now)
	end := meter.sliding.boundary(at)
	most, least = meter.sliding.in(less(end, meter.sliding.window), end)
	if !meter.sliding.isAlive(at) {
		least = 0
	}
	return least, most
}

// cancel ends a lease, for the reason of its kind.
func (m *kernelModel) leave(kind leasekernel.Kind, now time.Time, l *kernelLease) {
	m.drop(l)
	m.happened(kind, now, l, nil)
	if m.calculator == nil {
		return
	}
	if kind == leasekernel.Evicted {
		m.calculator.evict(m.calculator)
	} else {
		m.calculator.cancel(m.calculator)
	}
}

// isTerm reports whether the rule knows leases of a term.
func (m *kernelModel) isTerm(term lease.Term) bool {
	if m.bilibili() {
		return term.Duration > 0 && term.Duration%time.Millisecond == 0 && term.Suspect == 0
	}
	return len(brokenFields(term)) == 0
}
