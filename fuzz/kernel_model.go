package fuzz

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

var (
	kernelAsModelled   = law.New("kernel-as-modelled", "a kernel shows and answers what its model does")
	changesToldOnce    = law.New("changes-told-once", "every change is reported exactly once, in the order in which it happened")
	expectsWhatLives   = law.New("expects-what-lives", "the exact rules expect the sum of what the live leases promise")
	gateIsOne          = law.New("gate-is-one", "the gate, the status and the verdict go by one decision")
	neverEvictedEarly  = law.New("never-evicted-early", "an exact lease is never evicted before its last renewal + term + compensation")
	warnsBefore        = law.New("warns-before", "an exact lease with a suspect stage is evicted only after it was reported suspect and stayed so for its dwell")
	turnsAlternate     = law.New("turns-alternate", "the turns of a key alternate: suspected, healed, suspected")
	healsAtOnce        = law.New("heals-at-once", "a renewal heals at once, and is told once")
	exemptIsExempt     = law.New("exempt-is-exempt", "an exempt lease is neither found suspect nor evicted")
	othersDecide       = law.New("others-decide", "what others are responsible for is neither found suspect nor evicted by a pass")
	suspectsAreCounted = law.New("suspects-are-counted", "Status counts the suspects")
	findsWhoIsSilent   = law.New("finds-who-is-silent", "a pass finds suspect those who are silent beyond their term's suspect stage, in the order of their registration")
	explainsExactly    = law.New("explains-exactly", "the earliest pass that Explain names is the first planned one that can evict the lease")
	evictsWhoIsDrawn   = law.New("evicts-who-is-drawn", "a pass evicts, or proposes, those whom its source draws from the expired, in the order of their registration")
	rescuesWhoChanged  = law.New("rescues-who-changed", "what was renewed, replaced or cancelled since the pass saw it is rescued, and counted once")
	passesKeepTheirDue = law.New("passes-keep-their-due", "a pass runs if it is due, once, and is due again an interval after it ran")
	exactDeafToSteps   = law.New("exact-deaf-to-steps", "a step of the wall clock changes nothing that an exact kernel does, if its instants carry a monotonic reading")
	passesLikeJava     = law.New("passes-like-java", "an eviction pass with the meter's interval runs when the meter rotates, whatever the wall clock does")
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
	units, _ := new(big.Float).SetInt(m.units()).Float64()
	d.Expected = units / unit
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

// follower follows what reports tell of each key, and goes by nothing else.
type follower struct {
	inherits bool // the key of a suspect lease gets a suspect one (quirk N7)
	sequence uint64
	kinds    map[leasekernel.Kind]int
	keys     map[int]toldKey
}

// toldKey is what has been told of a key.
type toldKey struct {
	there, suspect bool
	number         int
	since          time.Time
}

func newFollower(inherits bool) *follower {
	return &follower{inherits: inherits, kinds: make(map[leasekernel.Kind]int), keys: make(map[int]toldKey)}
}

func (f *follower) follow(t law.T, change intKernelChange) {
	t.Helper()
	changesToldOnce.Holds(t, change.Sequence > f.sequence, "number %d comes after %d", change.Sequence, f.sequence)
	f.sequence = change.Sequence
	f.kinds[change.Kind]++
	told, seen := f.keys[change.Key], change.Lease
	is := func(which *law.Law, kept bool) {
		t.Helper()
		which.Holds(t, kept, "%v of %d, lease %d, suspect %t, number %d; told so far: %+v",
			change.Kind, change.Key, seen.Holder(), seen.Suspected(), change.Sequence, told)
	}
	switch change.Kind {
	case leasekernel.Registered:
		is(turnsAlternate, !told.there && !seen.Suspected())
		told = toldKey{there: true, number: seen.Holder()}
	case leasekernel.Replaced:
		is(turnsAlternate, told.there && change.Old.Holder() == told.number && change.Old.Suspected() == told.suspect)
		is(turnsAlternate, seen.Suspected() == (f.inherits && told.suspect))
		told.number, told.suspect = seen.Holder(), seen.Suspected()
	case leasekernel.Suspected:
		is(turnsAlternate, told.there && seen.Holder() == told.number && !told.suspect && seen.Suspected())
		is(exemptIsExempt, !seen.Exempt())
		told.suspect, told.since = true, change.At
	case leasekernel.Healed:
		is(turnsAlternate, told.there && seen.Holder() == told.number && told.suspect && !seen.Suspected())
		is(healsAtOnce, !seen.Exempt())
		told.suspect = false
	case leasekernel.Cancelled, leasekernel.Evicted:
		is(turnsAlternate, told.there && seen.Holder() == told.number && told.suspect == seen.Suspected())
		told = toldKey{}
	}
	f.keys[change.Key] = told
}

// followWarned follows an eviction by a pass of a lease that has to have been
// suspect for a dwell.
func (f *follower) followWarned(t law.T, change intKernelChange, dwell time.Duration) {
	t.Helper()
	told := f.keys[change.Key]
	warnsBefore.Holds(t, told.suspect && passed(told.since, change.At).Cmp(sumOf(dwell)) >= 0, "%d is evicted at %v, with a dwell of %v: %+v",
		change.Key, change.At, dwell, told)
}

// kernelMachine drives a kernel and its model through the same calls.
type kernelMachine struct {
	t        *trace.T // of the action under way, for the hooks
	hostile  bool
	divided  bool // others decide about some keys
	now      time.Time
	kernel   *intKernel
	model    kernelModel
	handles  []kernelHandle
	granted  int
	told     *follower
	proposed []proposedLease
	promised [kernelKeys]promisedPass
	awaited  *kernelLease // whose eviction waitAsTold waits for

	pass    *kernelPass
	nanos   int64
	view    int64
	viewErr error
	viewed  bool
}

type kernelHandle struct {
	leasekernel.Handle[int, int]
	of *kernelLease
}

// promisedPass is the earliest one that Explain has named for a lease.
type promisedPass struct {
	of      *kernelLease
	at      time.Time
	warming bool
}

func driveKernel(name string, release preserve.Release) trace.Machine {
	return trace.Machine{Name: "kernel-" + name, Start: func(t *trace.T) trace.Operations {
		m := newKernelMachine(t, release)
		return trace.Operations{
			"":                      m.check,
			"move":                  m.move,
			"register":              m.register,
			"register-more":         func(t *trace.T) { m.register(t); m.register(t); m.register(t) },
			"renew":                 m.renew,
			"wait-out":              m.waitOut,
			"live-on":               m.liveOn,
			"renew-all":             m.renewAll,
			"renew-by-handle":       m.renewHandle,
			"renew-telling":         m.renewTelling,
			"cancel":                m.cancel,
			"suspect":               m.suspect,
			"exempt":                m.exempt,
			"responsible":           m.responsible,
			"evict-proposed":        m.evictProposed,
			"tick":                  m.tick,
			"tick-in-time":          m.tickInTime,
			"rotate":                m.rotate,
			"evict":                 m.evict,
			"evict-forgiving":       m.evictForgiving,
			"update":                m.updateNow,
			"set-self-preservation": m.setSelfPreservation,
			"set-percent":           m.setPercent,
			"switch":                m.flip,
			"explain":               m.explain,
			"wait-as-told":          m.waitAsTold,
			"open":                  m.open,
			"stop":                  m.stop,
		}
	}}
}

func newKernelMachine(t *trace.T, release preserve.Release) *kernelMachine {
	m := &kernelMachine{hostile: trace.Bool().Draw(t, "hostile"), now: edges[0]}
	if m.hostile {
		m.now = drawEdge(t)
	}
	config := drawKernelConfig(t, release)
	hooks := leasekernel.Hooks[int, int]{
		Order: m.order,
		Nanos: func(time.Time) int64 { return m.nanos },
	}
	if trace.Bool().Draw(t, "a view") {
		m.viewed = true
		hooks.View = func(time.Time) (int64, error) { return m.view, m.viewErr }
	}
	divided := trace.Bool().Draw(t, "divided")
	if divided {
		hooks.Responsible = func(key int) bool { return !m.model.foreign[key] }
	}
	var err error
	m.kernel, err = leasekernel.New(m.now, config, hooks)
	kernelAsModelled.Holds(t, err == nil, "New at %v: %v", m.now, err)
	m.model = newKernelModel(m.now, config)
	m.divided, m.told = divided, newFollower(m.model.nacos())
	return m
}

func drawKernelConfig(t *trace.T, release preserve.Release) leasekernel.Config {
	const s = time.Second
	config := leasekernel.Exact()
	terms := []lease.Term{
		{Duration: 90 * s, Interval: 30 * s}, {Duration: 90 * s, Suspect: 45 * s, Interval: 30 * s}, {Duration: 10 * s, Suspect: 7 * s, Interval: 5 * s},
	}
	switch release {
	case 0:
		config.Warmup = trace.SampledFrom([]time.Duration{0, 1, 5 * time.Minute}).Draw(t, "warm-up")
		config.Steps = trace.SampledFrom([]int{20, 1, 4}).Draw(t, "steps")
	case preserve.Bilibili:
		config = leasekernel.Bilibili()
		terms = []lease.Term{config.Term, {Duration: 10 * s, Interval: 10 * s, Rule: lease.Bilibili}}
	case preserve.Nacos:
		config = leasekernel.Nacos()
		terms = []lease.Term{config.Term, {Rule: lease.Nacos}, {Duration: 10 * s, Suspect: 20 * s, Rule: lease.Nacos}}
	default:
		config = leasekernel.Eureka(release)
		terms = []lease.Term{{Duration: 90 * s, Interval: 30 * s}, {Duration: 10 * s, Interval: 10 * s}, {Duration: -s}}
		for i := range terms {
			terms[i].Rule = lease.Eureka
		}
	}
	config.Term = trace.SampledFrom(terms).Draw(t, "term")
	config.Percent = trace.SampledFrom([]float64{0.85, 0.85, 0, 0.29, 1}).Draw(t, "percent")
	config.SelfPreservation = release != preserve.Nacos && trace.IntRange(0, 2).Draw(t, "self-preservation") == 0
	config.EvictionInterval = trace.SampledFrom([]time.Duration{10 * s, 7 * s, time.Minute, time.Millisecond}).Draw(t, "eviction interval")
	config.Ceiling = trace.SampledFrom([]time.Duration{0, 0, 5 * s, 2 * time.Minute}).Draw(t, "ceiling")
	config.MaxLeases = trace.SampledFrom([]int{0, 0, 3}).Draw(t, "most leases")
	config.History = trace.SampledFrom([]int{0, 3, 1024}).Draw(t, "history")
	config.Seed = trace.Int64().Draw(t, "seed")
	config.EvictByKey = trace.IntRange(0, 3).Draw(t, "by key") == 0
	config.Dwell = trace.SampledFrom([]time.Duration{0, 0, time.Millisecond, 20 * s, 2 * time.Minute}).Draw(t, "dwell")
	config.ProposeOnly = trace.IntRange(0, 3).Draw(t, "propose only") == 0
	return config
}

// move lets time pass, or what a hostile clock takes for it.
func (m *kernelMachine) move(t *trace.T) {
	var decisive []time.Time
	if next, ok := m.kernel.Next(); ok {
		decisive = append(decisive, next)
	}
	for _, l := range m.model.leases {
		decisive = append(decisive, m.model.ends(l)...)
	}
	if m.hostile {
		m.now = drawInstant(t, m.now, decisive...)
		return
	}
	to := m.now.Add(time.Duration(trace.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
	if len(decisive) > 0 && trace.Bool().Draw(t, "to an instant of decision") {
		at := trace.SampledFrom(decisive).Draw(t, "at")
		to = at.Add(trace.SampledFrom(besides).Draw(t, "beside"))
	}
	if to.After(m.now) && to.Before(m.now.Add(time.Hour)) {
		m.now = to
	}
}

// drawKey prefers, while a pass runs, those whom it is about to find suspect or
// to evict.
func (m *kernelMachine) drawKey(t *trace.T) int {
	if m.pass != nil {
		if met := append(m.pass.silent, m.pass.collected...); len(met) > 0 && trace.IntRange(0, 3).Draw(t, "stranger") > 0 {
			return trace.SampledFrom(met).Draw(t, "candidate").lease.key
		}
	}
	return trace.IntRange(0, kernelKeys-1).Draw(t, "key")
}

// liveOn is a longer story: leases become all that they can become, while little
// else happens.
func (m *kernelMachine) liveOn(t *trace.T) {
	m.register(t)
	for range trace.IntRange(1, 12).Draw(t, "waits") {
		m.waitOut(t)
		if trace.IntRange(0, 2).Draw(t, "something") == 0 {
			m.meanwhile(t)
		}
	}
}

// meanwhile is what may happen while a pass runs.
func (m *kernelMachine) meanwhile(t *trace.T) {
	trace.SampledFrom([]func(*trace.T){
		m.register, m.renew, m.renewAll, m.renewHandle, m.renewTelling, m.cancel, m.suspect, m.exempt, m.responsible, m.flip, m.evictProposed,
	}).Draw(t, "meanwhile")(t)
}

// waitOut lets a lease expire, or become what it may before, and some pass run
// then.
func (m *kernelMachine) waitOut(t *trace.T) {
	if len(m.model.leases) == 0 {
		return
	}
	l := trace.SampledFrom(m.model.leases).Draw(t, "lease")
	ends := m.model.ends(l)
	slices.SortFunc(ends, time.Time.Compare)
	if coming := slices.IndexFunc(ends, m.now.Before); coming >= 0 {
		ends = ends[coming:]
	}
	to := ends[trace.IntRange(0, len(ends)-1).Draw(t, "end")]
	to = to.Add(trace.SampledFrom([]time.Duration{0, 1, time.Millisecond, time.Minute}).Draw(t, "beyond"))
	if to.After(m.now) && (m.hostile || to.Before(m.now.Add(time.Hour))) {
		m.now = to
	}
	if trace.Bool().Draw(t, "explained") {
		m.explainKey(t, l.key)
	}
	trace.SampledFrom([]func(*trace.T){m.tick, m.evict, m.evictForgiving}).Draw(t, "pass")(t)
}

// kernelTerms are terms that are given, each good under some rules.
var kernelTerms = []lease.Term{
	{}, {}, {Duration: 90 * time.Second, Interval: 30 * time.Second}, {Duration: 10 * time.Second, Interval: 7 * time.Second, Rule: lease.Eureka},
	{Duration: 20 * time.Second, Suspect: 15 * time.Second, Interval: time.Second}, {Duration: 1, Interval: 1}, {Duration: 2, Interval: 1},
	{Duration: 5 * time.Second, Suspect: 20 * time.Second}, {Suspect: 3 * time.Second},
	{Interval: time.Second}, {Duration: -time.Second}, {Duration: 2_147_484 * time.Second, Interval: time.Hour}, {Duration: 1 << 60, Interval: time.Second},
}

func (m *kernelMachine) register(t *trace.T) {
	key, given := m.drawKey(t), trace.SampledFrom(kernelTerms).Draw(t, "term")
	term, grant := given, m.kernel.Load
	if trace.IntRange(0, 3).Draw(t, "load") > 0 {
		grant = m.kernel.Register
		if term == (lease.Term{}) {
			term = m.model.config.Term
		}
		if m.model.eureka() && term.Duration <= 0 { // quirk G3
			term.Duration = m.model.config.Term.Duration
		}
	}
	term.Rule = m.model.config.Term.Rule
	m.granted++
	granted, err := grant(m.now, key, m.granted, given)
	accepted, full := m.accepts(key, term)
	kernelAsModelled.Holds(t, (err == nil) == accepted, "%d is registered at %v for %+v: %v", key, m.now, term, err)
	kernelAsModelled.Holds(t, !full || errors.Is(err, lease.ErrFull), "%d is registered for %+v in a full table: %v", key, term, err)
	if err != nil {
		return
	}
	l := &kernelLease{number: m.granted, key: key, term: term}
	m.model.register(m.now, l)
	m.checkChange(t, granted.Change, m.model.untold[len(m.model.untold)-1])
	m.handles = append(m.handles, kernelHandle{granted.Handle, l})
}

// accepts reports whether a lease is granted for a term, and whether it is not
// only because of the number of leases.
func (m *kernelMachine) accepts(key int, term lease.Term) (accepted, full bool) {
	if _, near := m.model.offset(m.now); !near || !m.model.isTerm(term) || m.model.length(term) > kernelReach {
		return false, false
	}
	if m.model.calculator == nil && big.NewRat(int64(m.model.config.Window), int64(term.Interval)).Cmp(mostPerLease) > 0 {
		return false, false
	}
	most := m.model.config.MaxLeases
	full = most > 0 && len(m.model.leases) >= most && m.model.find(key) == nil
	return !full, full
}

// isTerm reports whether the rule knows leases of a term.
func (m *kernelModel) isTerm(term lease.Term) bool {
	if m.bilibili() {
		return term.Duration > 0 && term.Duration%time.Millisecond == 0 && term.Suspect == 0
	}
	return len(brokenFields(term)) == 0
}

func (m *kernelMachine) renew(t *trace.T) {
	key := m.drawKey(t)
	var got, want bool
	l, all, sent := m.model.find(key), &m.model.all, &m.model.sent
	how := trace.SampledFrom([]string{"Renew", "RenewReplicated", "RenewUncounted"}).Draw(t, "how")
	switch how {
	case "Renew":
		got, want = m.kernel.Renew(m.now, key), m.model.renew(m.now, l, all)
	case "RenewReplicated":
		got, want = m.kernel.RenewReplicated(m.now, key), m.model.renew(m.now, l, all, sent)
	case "RenewUncounted":
		got, want = m.kernel.RenewUncounted(m.now, key), m.model.renew(m.now, l)
	}
	kernelAsModelled.Holds(t, got == want, "%s(%v, %d) = %t", how, m.now, key, got)
}

func (m *kernelMachine) renewAll(t *trace.T) {
	keys := make([]int, trace.IntRange(0, 12).Draw(t, "how many"))
	for i := range keys {
		keys[i] = trace.IntRange(0, kernelKeys-1).Draw(t, "key")
	}
	renewed, want := make([]bool, len(keys)), make([]bool, len(keys))
	count, err := m.kernel.RenewAll(m.now, keys, renewed)
	for i, key := range keys {
		if want[i] = m.model.renew(m.now, m.model.find(key), &m.model.all); want[i] {
			count--
		}
	}
	kernelAsModelled.Holds(t, err == nil && count == 0 && slices.Equal(renewed, want), "RenewAll(%v, %v): %v: %v, want %v", m.now, keys, err, renewed, want)
}

func (m *kernelMachine) renewHandle(t *trace.T) {
	if len(m.handles) == 0 {
		return
	}
	handle := trace.SampledFrom(m.handles).Draw(t, "handle")
	var got, want bool
	if trace.IntRange(0, 3).Draw(t, "uncounted") > 0 {
		got, want = handle.Renew(m.now), m.model.renew(m.now, handle.of, &m.model.all)
	} else if m.model.hasMeter { // else the table would renew what the kernel does not
		got, want = handle.Lease().Renew(m.now), m.model.renew(m.now, handle.of)
	}
	kernelAsModelled.Holds(t, got == want, "lease %d of %d is renewed by its handle at %v: %t", handle.of.number, handle.of.key, m.now, got)
}

// renewTelling asks whether a renewal heals, which is seen at once.
func (m *kernelMachine) renewTelling(t *trace.T) {
	key := m.drawKey(t)
	healed, ok := m.kernel.RenewTelling(m.now, key)
	wantHealed, want := m.model.renewTelling(m.now, m.model.find(key), &m.model.all)
	kernelAsModelled.Holds(t, ok == want && healed == wantHealed, "RenewTelling(%v, %d) = %t, %t, want %t, %t", m.now, key, healed, ok, wantHealed, want)
	held, _ := m.kernel.Get(key)
	healsAtOnce.Holds(t, !healed || !held.Suspected(), "%d was healed and is still suspect", key)
}

func (m *kernelMachine) suspect(t *trace.T) {
	key := m.drawKey(t)
	at := m.now.Add(-trace.SampledFrom([]time.Duration{0, 0, time.Second, time.Minute}).Draw(t, "ago"))
	change, got := m.kernel.Suspect(at, key)
	want := m.model.suspect(at, m.model.find(key))
	kernelAsModelled.Holds(t, got == want, "Suspect(%v, %d) = %t", at, key, got)
	if got {
		m.checkChange(t, change, m.model.untold[len(m.model.untold)-1])
		m.promised[key] = promisedPass{}
	}
}

func (m *kernelMachine) exempt(t *trace.T) {
	key, on := m.drawKey(t), trace.Bool().Draw(t, "on")
	l := m.model.find(key)
	got, want := m.kernel.Exempt(key, on), l != nil && l.exempt != on
	kernelAsModelled.Holds(t, got == want, "Exempt(%d, %t) = %t", key, on, got)
	if want {
		l.exempt = on
	}
}

// responsible gives a key to other servers, or takes it back.
func (m *kernelMachine) responsible(t *trace.T) {
	if m.divided {
		key := m.drawKey(t)
		m.model.foreign[key] = !m.model.foreign[key]
	}
}

// evictProposed evicts, soon or late, what a pass has proposed.
func (m *kernelMachine) evictProposed(t *trace.T) {
	if len(m.proposed) == 0 {
		return
	}
	victim := trace.SampledFrom(m.proposed).Draw(t, "victim")
	change, got := m.kernel.EvictProposed(m.now, victim.held)
	_, want := m.model.evict(m.now, victim.seen, 0)
	rescuesWhoChanged.Holds(t, got == want, "lease %d of %d, proposed until %v, is evicted at %v: %t",
		victim.held.Holder(), victim.held.Key(), victim.held.Deadline(), m.now, got)
	if got {
		m.checkChange(t, change, m.model.untold[len(m.model.untold)-1])
	}
}

func (m *kernelMachine) flip(t *trace.T) {
	on := trace.Bool().Draw(t, "on")
	if trace.Bool().Draw(t, "suspicion") {
		m.kernel.SetSuspicion(on)
		m.model.switches.suspicionOff = !on
	} else {
		m.kernel.SetEviction(on)
		m.model.switches.evictionOff = !on
	}
}

func (m *kernelMachine) cancel(t *trace.T) {
	key := m.drawKey(t)
	change, ok := m.kernel.Cancel(m.now, key)
	l := m.model.find(key)
	kernelAsModelled.Holds(t, ok == (l != nil), "Cancel(%d) = %t", key, ok)
	if ok {
		m.model.leave(leasekernel.Cancelled, m.now, l)
		m.checkChange(t, change, m.model.untold[len(m.model.untold)-1])
	}
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

	ceiling := !p.decision.Allowed && m.model.config.Ceiling > 0 && p.decision.Reason != preserve.Disabled
	passesKeepTheirDue.Holds(t, p.ordered == (p.decision.Allowed || ceiling), "a pass that is %v collects: %t", p.decision, p.ordered)
	want := leasekernel.Eviction[int, int]{Compensation: p.additional, Size: len(m.model.leases), Candidates: len(p.collected)}
	want.Ceiling = !p.decision.Allowed && len(p.collected) > 0
	if !m.model.unlimited() && (p.decision.Allowed || want.Ceiling) {
		want.Limit = m.model.limit(want.Size)
	}
	kernelAsModelled.Holds(t, got.Compensation == want.Compensation && got.Size == want.Size && got.Limit == want.Limit &&
		got.Candidates == want.Candidates && got.Ceiling == want.Ceiling && got.Err == nil, "%+v, want %+v", got, want)

	victims := m.victims(p, want.Limit)
	if !p.ordered || m.model.config.ProposeOnly {
		m.propose(t, victims, got)
		m.checkKernelDecision(t, got.After, p.decision)
	} else {
		m.depart(t, p, victims, got)
	}
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
			m.checkNotEarly(t, p, l)
		} else {
			rescued = append(rescued, victim.lease.number)
		}
	}
	evictsWhoIsDrawn.Holds(t, numbersAre(got.Evicted, evicted) && len(got.Proposed) == 0, "%d are evicted at %v, and should be %v", len(got.Evicted), m.now, evicted)
	rescuesWhoChanged.Holds(t, slices.EqualFunc(got.Rescued, rescued, func(s heldLease, number int) bool { return s.Holder() == number }),
		"%d are rescued at %v, and should be %v", len(got.Rescued), m.now, rescued)
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

func (m *kernelMachine) checkNotEarly(t *trace.T, p *kernelPass, l *kernelLease) {
	if m.model.wall() || m.model.config.EvictByKey {
		return
	}
	silence := nanosBetween(m.model.instant(m.model.lastRenewal(l)), m.now)
	neverEvictedEarly.Holds(t, silence.Cmp(sumOf(l.term.Duration, max(p.additional, 0))) > 0,
		"%d is evicted after %v ns of silence, with a term of %v and %v forgiven", l.key, silence, l.term.Duration, p.additional)
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
	if diff := cmp.Diff(want, got.Rotation); diff != "" {
		passesKeepTheirDue.Holds(t, false, "rotation at %v (-model +kernel)\n%s", m.now, diff)
	}
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

func (m *kernelMachine) setSelfPreservation(t *trace.T) {
	on := trace.Bool().Draw(t, "on")
	m.kernel.SetSelfPreservation(on)
	clear(m.promised[:]) // it may have been warming up
	m.model.off = !on
	if m.model.calculator != nil {
		m.model.calculator.selfPreservation = on
	}
}

func (m *kernelMachine) setPercent(t *trace.T) {
	percent := drawPercent(t)
	err := m.kernel.SetPercent(percent)
	kernelAsModelled.Holds(t, (err == nil) == (m.model.calculator != nil), "SetPercent: %v", err)
	if err == nil {
		m.model.calculator.percent = percent
	}
}

func (m *kernelMachine) open(t *trace.T) {
	count := trace.Int64Range(0, 10).Draw(t, "clients")
	if m.hostile {
		count = drawCount(t)
	}
	err := m.kernel.Open(m.now, count)
	clear(m.promised[:])
	want := m.model.config.Opens() && m.model.calculator.fits(count) && m.model.open(m.now, count)
	kernelAsModelled.Holds(t, (err == nil) == want, "Open(%v, %d): %v", m.now, count, err)
}

// stop is rare: nothing much happens after it.
func (m *kernelMachine) stop(t *trace.T) {
	if trace.IntRange(0, 9).Draw(t, "really") > 0 {
		return
	}
	m.kernel.Stop()
	m.model.stopped = true
	m.model.rotation.running, m.model.eviction.running, m.model.update.running = false, false, false
}

func (m *kernelMachine) explain(t *trace.T) { m.explainKey(t, m.drawKey(t)) }

func (m *kernelMachine) explainKey(t *trace.T, key int) {
	v := m.kernel.Explain(m.now, key)
	l := m.model.find(key)
	status := m.kernel.Status(m.now)
	gateIsOne.Holds(t, cmp.Equal(v.Decision, status.Decision, asPublished, cmpopts.EquateNaNs()), "the verdict has %v, the status %v", v.Decision, status.Decision)
	kernelAsModelled.Holds(t, v.Limit == m.model.limit(len(m.model.leases)), "the limit is %d", v.Limit)
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

// checkEarliest wants the pass that is found by running all, and no obstacle if
// and only if that one comes now and is allowed to evict.
func (m *kernelMachine) checkEarliest(t *trace.T, v leasekernel.Verdict[int, int], l *kernelLease) {
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

// checkHistory wants the last transitions of a key, as far as the history goes
// back.
func (m *kernelMachine) checkHistory(t *trace.T, key int, got []leasekernel.Transition[int]) {
	var want []leasekernel.Kind
	for i := max(0, len(m.model.history)-m.model.config.History); i < len(m.model.history); i++ {
		if m.model.keys[i] == key {
			want = append(want, m.model.history[i])
		}
	}
	kernelAsModelled.Holds(t, slices.EqualFunc(got, want, func(tr leasekernel.Transition[int], kind leasekernel.Kind) bool {
		return tr.Kind == kind && tr.Key == key
	}), "%d has %v, not %v", key, got, want)
}

// checkTold wants all changes since the last report.
func (m *kernelMachine) checkTold(t *trace.T, got intKernelReport) {
	changesToldOnce.Holds(t, len(got.Changes) == len(m.model.untold), "%d changes are told of %d", len(got.Changes), len(m.model.untold))
	for i, change := range got.Changes {
		m.checkChange(t, change, m.model.untold[i])
		m.checkEvicted(t, change, got.Eviction)
		m.told.follow(t, change)
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

// check knows all laws.
func (m *kernelMachine) check(t *trace.T) {
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
	if trace.Bool().Draw(t, "status") { // which also looks whom renewals have healed
		m.checkStatus(t)
	}
	m.checkNext(t)
}

func (m *kernelMachine) checkLease(t *trace.T, held heldLease, l *kernelLease) {
	same := held.Key() == l.key && held.Holder() == l.number && held.Term() == l.term && held.Renewed() == l.renewed &&
		held.Registered().Equal(m.model.instant(l.registered)) && held.Deadline().Equal(m.model.instant(l.deadline)) &&
		held.LastRenewal().Equal(m.model.instant(m.model.lastRenewal(l))) && held.Suspected() == l.suspect && held.Exempt() == l.exempt &&
		held.Stage(m.now, 0) == m.stage(l)
	since, suspect := held.SuspectSince()
	same = same && suspect == l.suspect && (!suspect || since.Equal(m.model.instant(l.since)))
	kernelAsModelled.Holds(t, same, "lease %d of %d until %v, want %+v, until %v", held.Holder(), held.Key(), held.Deadline(), l, m.model.instant(l.deadline))
}

func (m *kernelMachine) checkStatus(t *trace.T) {
	got := m.kernel.Status(m.now)
	m.checkRenewals(t, &m.model.all, got.Renewals)
	m.checkRenewals(t, &m.model.sent, got.Replicated)
	m.checkKernelDecision(t, got.Decision, m.model.decide(m.now, got.Renewals))
	totals := [...]uint64{0, got.Registered, got.Replaced, got.Cancelled, got.Evicted, got.Suspected, got.Healed}
	kernelAsModelled.Holds(t, totals == m.model.totals, "%v changes, want %v", totals, m.model.totals)
	lived := got.Registered - got.Cancelled - got.Evicted
	kernelAsModelled.Holds(t, lived == uint64(got.Leases) && got.Leases == len(m.model.leases), "%+v", got)
	kernelAsModelled.Holds(t, got.Below == m.model.below(m.now, got.Renewals) && got.At.Equal(m.now), "%+v", got)
	suspects := 0
	for _, held := range m.kernel.All() {
		if held.Suspected() {
			suspects++
		}
	}
	suspectsAreCounted.Holds(t, got.Suspects == suspects, "%d, and there are %d", got.Suspects, suspects)
	due := !got.Opened || got.NextEviction.Equal(m.model.eviction.due)
	passesKeepTheirDue.Holds(t, got.Opened == m.model.eviction.running && due, "%+v, want %+v", got, m.model.eviction)
	if m.model.calculator == nil {
		sum := new(big.Rat).SetFrac(m.model.units(), big.NewInt(unit))
		want, _ := sum.Float64()
		expectsWhatLives.Holds(t, got.Decision.Expected == want, "%v, want %v", got.Decision.Expected, want)
	}
}

func (m *kernelMachine) checkRenewals(t *trace.T, meter *kernelRotation, got int64) {
	least, most := m.model.renewals(meter, m.now)
	kernelAsModelled.Holds(t, got >= least && got <= most, "%d renewals at %v, want %d to %d", got, m.now, least, most)
}

// checkKernelDecision compares decisions; an exact one's threshold is judged by
// what it says itself.
func (m *kernelMachine) checkKernelDecision(t *trace.T, got, want preserve.Decision) {
	if m.model.calculator == nil {
		want.Threshold = got.Threshold
	}
	if diff := cmp.Diff(want, got, asPublished, cmpopts.EquateNaNs()); diff != "" {
		gateIsOne.Holds(t, false, "decision at %v (-model +kernel)\n%s", m.now, diff)
	}
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

// Two exact kernels live the same life; the wall clock of one of them is
// stepped again and again.
var driveKernelUnderWallSteps = oneShot("kernel-under-wall-steps", func(t *trace.T) {
	config := leasekernel.Exact()
	config.SelfPreservation = trace.Bool().Draw(t, "self-preservation")
	config.Term.Suspect = trace.SampledFrom([]time.Duration{0, 45 * time.Second}).Draw(t, "suspect after")
	steady, steadyErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	stepped, steppedErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
	now, offset := monotonic, time.Duration(0)
	for range trace.IntRange(1, 40).Draw(t, "calls") {
		now = now.Add(time.Duration(trace.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
		offset += drawStep(t)
		key, shown := trace.IntRange(0, kernelKeys-1).Draw(t, "key"), stepWall(now, offset)
		switch trace.SampledFrom([]string{"register", "renew", "renew", "tick", "tick"}).Draw(t, "call") {
		case "register":
			_, steadyErr = steady.Register(now, key, 0, lease.Term{})
			_, steppedErr = stepped.Register(shown, key, 0, lease.Term{})
			exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
		case "renew":
			want, got := steady.Renew(now, key), stepped.Renew(shown, key)
			exactDeafToSteps.Holds(t, got == want, "a renewal is answered %t", got)
		case "tick":
			want, got := sketch(steady.Tick(now)), sketch(stepped.Tick(shown))
			if diff := cmp.Diff(want, got, asPublished); diff != "" {
				exactDeafToSteps.Holds(t, false, "after %v, with the wall clock off by %v (-steady +stepped)\n%s", now.Sub(monotonic), offset, diff)
			}
		}
	}
})

// passSketch is of a report what does not show the wall clock.
type passSketch struct {
	Kinds        []leasekernel.Kind
	Keys         []int
	Passed       bool
	Compensation time.Duration
	Reason       preserve.Reason
	Renewals     int64
}

func sketch(report intKernelReport) (s passSketch) {
	for _, change := range report.Changes {
		s.Kinds, s.Keys = append(s.Kinds, change.Kind), append(s.Keys, change.Key)
	}
	if e := report.Eviction; e != nil {
		s.Passed, s.Compensation, s.Reason, s.Renewals = true, e.Compensation, e.Decision.Reason, e.Decision.Renewals
	}
	return s
}

// The meter's timer is checked against java.util.Timer elsewhere. Here the
// passes' is checked against it.
var driveKernelTimers = oneShot("kernel-timers", func(t *trace.T) {
	kernel, err := leasekernel.New(monotonic, leasekernel.Eureka(preserve.EurekaV1_9_17), leasekernel.Hooks[int, int]{})
	passesLikeJava.Holds(t, err == nil && kernel.Open(monotonic, 1) == nil, "%v", err)
	now, offset := monotonic, time.Duration(0)
	for range trace.IntRange(1, 60).Draw(t, "calls") {
		offset += drawStep(t)
		if next, ok := kernel.Next(); ok && trace.Bool().Draw(t, "as told") {
			now = now.Add(max(next.Sub(stepWall(now, offset)), 0))
		} else {
			now = now.Add(time.Duration(trace.Int64Range(0, int64(90*time.Second)).Draw(t, "on")))
		}
		report := kernel.Tick(stepWall(now, offset))
		passesLikeJava.Holds(t, (report.Rotation != nil) == (report.Eviction != nil), "after %v, with the wall clock off by %v: rotation %t, eviction %t",
			now.Sub(monotonic), offset, report.Rotation != nil, report.Eviction != nil)
	}
})
