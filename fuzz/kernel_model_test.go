package fuzz

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"pgregory.net/rapid"
)

const (
	kernelAsModelled   law = "a kernel shows and answers what its model does"
	changesToldOnce    law = "every change is reported exactly once, in the order in which it happened"
	expectsWhatLives   law = "the exact rules expect the sum of what the live leases promise"
	gateIsOne          law = "the gate, the status and the verdict go by one decision"
	neverEvictedEarly  law = "an exact lease is never evicted before its last renewal + term + compensation"
	evictsWhoIsDrawn   law = "a pass evicts those whom its source draws from the expired, in the order of their registration"
	rescuesWhoChanged  law = "what was renewed, replaced or cancelled since the pass saw it is rescued, and counted once"
	passesKeepTheirDue law = "a pass runs if it is due, once, and is due again an interval after it ran"
	exactDeafToSteps   law = "a step of the wall clock changes nothing that an exact kernel does, if its instants carry a monotonic reading"
	passesLikeJava     law = "an eviction pass with the meter's interval runs when the meter rotates, whatever the wall clock does"
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
	deadline    int64
	renewed     bool
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
	due      time.Time
}

func (p *kernelTimer) plan(now time.Time) { p.due = now.Add(p.interval) }

func (p *kernelTimer) isDue(now time.Time) bool { return p.running && !now.Before(p.due) }

// kernelModel is a kernel in the plainest form: leases in a slice, as they
// registered, and everything that can be counted is counted when it is asked.
type kernelModel struct {
	config     leasekernel.Config
	start      time.Time
	leases     []*kernelLease
	calculator *calculatorModel // nil under the exact rules
	off        bool             // the exact rules' preservation
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
	totals  [leasekernel.Evicted + 1]uint64
}

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
	if config.Release == 0 || config.Release == preserve.Bilibili {
		m.random = newJavaModel(config.Seed)
		m.eviction.running, m.measures = true, true
		m.eviction.plan(start)
	}
	if config.Release == 0 {
		step := m.config.Window / time.Duration(config.Steps)
		m.all.sliding, m.sent.sliding = newSlidingModel(m.config.Window, step), newSlidingModel(m.config.Window, step)
		return m
	}
	m.update.running = true
	m.update.plan(start)
	m.rotation.running = config.Release == preserve.Bilibili
	m.rotation.plan(start)
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

// offset is an instant in nanoseconds from the start, or in milliseconds of
// the wall clock under Eureka's rule; it is not ok where a table ends.
func (m *kernelModel) offset(now time.Time) (at int64, ok bool) {
	at = clampTo(nanosBetween(m.start, now), math.MinInt64, math.MaxInt64)
	if m.eureka() {
		at = now.UnixMilli()
	}
	const end = (1<<61 - 1) / 4
	return at, at >= -end && at <= end
}

func (m *kernelModel) instant(at int64) time.Time {
	if m.eureka() {
		return time.UnixMilli(at)
	}
	return m.start.Add(time.Duration(at))
}

// length is a term's, with Java's overflow under Eureka's rule.
func (m *kernelModel) length(term lease.Term) int64 {
	if m.eureka() {
		return int64(int32(term.Duration/time.Second) * 1000)
	}
	return int64(term.Duration)
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
	} else if m.calculator != nil {
		m.calculator.register(m.calculator)
	}
	m.leases = append(m.leases, l)
	m.happened(kind, now, l, old)
}

// renew renews a lease; with meters nil the renewal is not counted.
func (m *kernelModel) renew(now time.Time, l *kernelLease, meters ...*kernelRotation) bool {
	at, ok := m.offset(now)
	if !ok || !m.hasMeter || l == nil || !m.lives(l) {
		return false
	}
	deadline := at + m.length(l.term)
	if m.eureka() {
		deadline += m.length(l.term) // quirk L1
	}
	if m.eureka() || deadline >= l.deadline {
		l.deadline, l.renewed = deadline, true
	}
	for _, meter := range meters {
		m.mark(meter, now)
	}
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
	if !m.measures {
		return 0
	}
	previous, previousNanos := m.passedAt, m.passedNanos
	m.passedAt, m.passedNanos = &now, nanos
	switch {
	case m.config.Release == preserve.Bilibili, m.before(preserve.EurekaV1_4_9):
		return 0
	case m.config.Release == 0 && previous != nil:
		elapsed := time.Duration(clampTo(nanosBetween(*previous, now), math.MinInt64, math.MaxInt64))
		return max(elapsed, m.config.EvictionInterval) - m.config.EvictionInterval
	case m.config.Release != 0 && previousNanos != 0: // quirk E5
		elapsed := wrap64(new(big.Int).Sub(big.NewInt(nanos), big.NewInt(previousNanos)))
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
		m.rotation.running = true
		m.rotation.plan(now)
	}
	m.eviction.running, m.measures = true, true
	m.eviction.plan(now)
	m.passedAt, m.passedNanos = nil, 0
	return true
}

// seenLease is a candidate as the pass saw it.
type seenLease struct {
	lease    *kernelLease
	deadline int64
	renewed  bool
}

// expired returns the candidates of a pass.
func (m *kernelModel) expired(now time.Time, additional time.Duration, withheld bool) (seen []seenLease) {
	at, _ := m.offset(now)
	more := big.NewInt(int64(max(additional, 0)))
	if m.eureka() {
		more = big.NewInt(additional.Milliseconds())
	}
	for _, l := range m.leases {
		limit := new(big.Int).Add(big.NewInt(l.deadline), more)
		if limit.Cmp(big.NewInt(at)) < 0 && (!withheld || m.silent(l, now).Cmp(sumOf(m.config.Ceiling)) > 0) {
			seen = append(seen, seenLease{l, l.deadline, l.renewed})
		}
	}
	return seen
}

// silent is how long ago a lease was renewed, as a time.Duration has it.
func (m *kernelModel) silent(l *kernelLease, now time.Time) *big.Int {
	return big.NewInt(clampTo(nanosBetween(m.instant(m.lastRenewal(l)), now), math.MinInt64, math.MaxInt64))
}

func (m *kernelModel) lastRenewal(l *kernelLease) int64 {
	last := l.deadline - m.length(l.term)
	if m.eureka() && l.renewed {
		last -= m.length(l.term)
	}
	return last
}

// evict evicts one victim, if it is still as the pass saw it, or else, by key,
// whoever has it now.
func (m *kernelModel) evict(now time.Time, seen seenLease) (*kernelLease, bool) {
	l := seen.lease
	if m.config.EvictByKey {
		l = m.find(l.key)
	} else if !m.lives(l) || l.deadline != seen.deadline || l.renewed != seen.renewed {
		return nil, false
	}
	if l == nil {
		return nil, false
	}
	m.leave(leasekernel.Evicted, now, l)
	return l, true
}

// kernelPass is an eviction pass under way.
type kernelPass struct {
	additional time.Duration
	decision   preserve.Decision
	reversed   bool // by Order
	meanwhile  int  // how much happens between collection and eviction
	collected  []seenLease
	ordered    bool // Order was called
}

// kernelMachine drives a kernel and its model through the same calls.
type kernelMachine struct {
	t        *rapid.T // of the action under way, for the hooks
	hostile  bool
	now      time.Time
	kernel   *intKernel
	model    kernelModel
	handles  []kernelHandle
	granted  int
	sequence uint64

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

func TestKernelModel(t *testing.T) {
	for _, release := range append(preserve.Releases(), 0) {
		name := "exact"
		if release != 0 {
			name = release.String()
		}
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			m := newKernelMachine(t, release)
			if m == nil {
				return
			}
			actions := map[string]func(*rapid.T){
				"":                    m.check,
				"move":                m.move,
				"register":            m.register,
				"register more":       func(t *rapid.T) { m.register(t); m.register(t); m.register(t) },
				"renew":               m.renew,
				"wait out":            m.waitOut,
				"renew all":           m.renewAll,
				"renew by handle":     m.renewHandle,
				"cancel":              m.cancel,
				"tick":                m.tick,
				"tick in time":        m.tickInTime,
				"rotate":              m.rotate,
				"evict":               m.evict,
				"evict forgiving":     m.evictForgiving,
				"update":              m.updateNow,
				"setSelfPreservation": m.setSelfPreservation,
				"setPercent":          m.setPercent,
				"explain":             m.explain,
				"open":                m.open,
				"stop":                m.stop,
			}
			t.Repeat(actions)
		}))
	}
}

func newKernelMachine(t *rapid.T, release preserve.Release) *kernelMachine {
	m := &kernelMachine{hostile: rapid.Bool().Draw(t, "hostile"), now: edges[0]}
	if m.hostile {
		m.now = drawEdge(t)
	}
	config := drawKernelConfig(t, release)
	hooks := leasekernel.Hooks[int, int]{
		Order: m.order,
		Nanos: func(time.Time) int64 { return m.nanos },
	}
	if rapid.Bool().Draw(t, "a view") {
		m.viewed = true
		hooks.View = func(time.Time) (int64, error) { return m.view, m.viewErr }
	}
	var err error
	m.kernel, err = leasekernel.New(m.now, config, hooks)
	startless := release == preserve.Bilibili && m.now.UnixMilli()+config.Window.Milliseconds() < 0
	kernelAsModelled.holds(t, (err != nil) == startless, "New at %v: %v", m.now, err)
	if err != nil {
		return nil
	}
	m.model = newKernelModel(m.now, config)
	return m
}

func drawKernelConfig(t *rapid.T, release preserve.Release) leasekernel.Config {
	const s = time.Second
	config := leasekernel.Exact()
	terms := []lease.Term{{Duration: 90 * s, Interval: 30 * s}, {Duration: 10 * s, Suspect: 7 * s, Interval: 5 * s}}
	switch release {
	case 0:
		config.Warmup = rapid.SampledFrom([]time.Duration{0, 1, 5 * time.Minute}).Draw(t, "warm-up")
		config.Steps = rapid.SampledFrom([]int{20, 1, 4}).Draw(t, "steps")
	case preserve.Bilibili:
		config = leasekernel.Bilibili()
	default:
		config = leasekernel.Eureka(release)
		terms = []lease.Term{{Duration: 90 * s, Interval: 30 * s}, {Duration: 10 * s, Interval: 10 * s}, {Duration: -s}}
		for i := range terms {
			terms[i].Rule = lease.Eureka
		}
	}
	config.Term = rapid.SampledFrom(terms).Draw(t, "term")
	config.Percent = rapid.SampledFrom([]float64{0.85, 0.85, 0, 0.29, 1}).Draw(t, "percent")
	config.SelfPreservation = rapid.Bool().Draw(t, "self-preservation")
	config.EvictionInterval = rapid.SampledFrom([]time.Duration{10 * s, time.Minute, time.Millisecond}).Draw(t, "eviction interval")
	config.Ceiling = rapid.SampledFrom([]time.Duration{0, 0, 5 * s, 2 * time.Minute}).Draw(t, "ceiling")
	config.MaxLeases = rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "most leases")
	config.History = rapid.SampledFrom([]int{0, 3, 1024}).Draw(t, "history")
	config.Seed = rapid.Int64().Draw(t, "seed")
	config.EvictByKey = rapid.IntRange(0, 3).Draw(t, "by key") == 0
	return config
}

// move lets time pass, or what a hostile clock takes for it.
func (m *kernelMachine) move(t *rapid.T) {
	var decisive []time.Time
	if next, ok := m.kernel.Next(); ok {
		decisive = append(decisive, next)
	}
	for _, l := range m.model.leases {
		decisive = append(decisive, m.model.instant(l.deadline))
	}
	if m.hostile {
		m.now = drawInstant(t, m.now, decisive...)
		return
	}
	to := m.now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
	if len(decisive) > 0 && rapid.Bool().Draw(t, "to an instant of decision") {
		at := rapid.SampledFrom(decisive).Draw(t, "at")
		to = at.Add(rapid.SampledFrom(besides).Draw(t, "beside"))
	}
	if to.After(m.now) && to.Before(m.now.Add(time.Hour)) {
		m.now = to
	}
}

// drawKey prefers, while a pass runs, those whom it is about to evict.
func (m *kernelMachine) drawKey(t *rapid.T) int {
	if m.pass != nil && len(m.pass.collected) > 0 && rapid.IntRange(0, 3).Draw(t, "stranger") > 0 {
		return rapid.SampledFrom(m.pass.collected).Draw(t, "candidate").lease.key
	}
	return rapid.IntRange(0, kernelKeys-1).Draw(t, "key")
}

// waitOut lets a lease expire, and some pass run then.
func (m *kernelMachine) waitOut(t *rapid.T) {
	if len(m.model.leases) == 0 {
		return
	}
	l := rapid.SampledFrom(m.model.leases).Draw(t, "lease")
	to := m.model.instant(l.deadline).Add(rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, time.Minute}).Draw(t, "beyond"))
	if to.After(m.now) && (m.hostile || to.Before(m.now.Add(time.Hour))) {
		m.now = to
	}
	rapid.SampledFrom([]func(*rapid.T){m.tick, m.evict, m.evictForgiving}).Draw(t, "pass")(t)
}

// kernelTerms are terms that are given, each good under some rules.
var kernelTerms = []lease.Term{
	{}, {}, {Duration: 90 * time.Second, Interval: 30 * time.Second}, {Duration: 10 * time.Second, Interval: 7 * time.Second, Rule: lease.Eureka},
	{Duration: 20 * time.Second, Suspect: 15 * time.Second, Interval: time.Second}, {Duration: 1, Interval: 1}, {Duration: 2, Interval: 1},
	{Interval: time.Second}, {Duration: -time.Second}, {Duration: 2_147_484 * time.Second, Interval: time.Hour}, {Duration: 1 << 60, Interval: time.Second},
}

func (m *kernelMachine) register(t *rapid.T) {
	key, given := m.drawKey(t), rapid.SampledFrom(kernelTerms).Draw(t, "term")
	term, grant := given, m.kernel.Load
	if rapid.IntRange(0, 3).Draw(t, "load") > 0 {
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
	kernelAsModelled.holds(t, (err == nil) == accepted, "%d is registered at %v for %+v: %v", key, m.now, term, err)
	kernelAsModelled.holds(t, !full || errors.Is(err, lease.ErrFull), "%d is registered for %+v in a full table: %v", key, term, err)
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
	if _, near := m.model.offset(m.now); !near || len(brokenFields(term)) > 0 || m.model.length(term) > (1<<61-1)/4 {
		return false, false
	}
	if m.model.calculator == nil && big.NewRat(int64(m.model.config.Window), int64(term.Interval)).Cmp(mostPerLease) > 0 {
		return false, false
	}
	most := m.model.config.MaxLeases
	full = most > 0 && len(m.model.leases) >= most && m.model.find(key) == nil
	return !full, full
}

func (m *kernelMachine) renew(t *rapid.T) {
	key := m.drawKey(t)
	var got, want bool
	l, all, sent := m.model.find(key), &m.model.all, &m.model.sent
	how := rapid.SampledFrom([]string{"Renew", "RenewReplicated", "RenewUncounted"}).Draw(t, "how")
	switch how {
	case "Renew":
		got, want = m.kernel.Renew(m.now, key), m.model.renew(m.now, l, all)
	case "RenewReplicated":
		got, want = m.kernel.RenewReplicated(m.now, key), m.model.renew(m.now, l, all, sent)
	case "RenewUncounted":
		got, want = m.kernel.RenewUncounted(m.now, key), m.model.renew(m.now, l)
	}
	kernelAsModelled.holds(t, got == want, "%s(%v, %d) = %t", how, m.now, key, got)
}

func (m *kernelMachine) renewAll(t *rapid.T) {
	keys := rapid.SliceOfN(rapid.IntRange(0, kernelKeys-1), 0, 12).Draw(t, "keys")
	renewed, want := make([]bool, len(keys)), make([]bool, len(keys))
	count, err := m.kernel.RenewAll(m.now, keys, renewed)
	for i, key := range keys {
		if want[i] = m.model.renew(m.now, m.model.find(key), &m.model.all); want[i] {
			count--
		}
	}
	kernelAsModelled.holds(t, err == nil && count == 0 && slices.Equal(renewed, want), "RenewAll(%v, %v): %v: %v, want %v", m.now, keys, err, renewed, want)
}

func (m *kernelMachine) renewHandle(t *rapid.T) {
	if len(m.handles) == 0 {
		return
	}
	handle := rapid.SampledFrom(m.handles).Draw(t, "handle")
	got, want := handle.Renew(m.now), m.model.renew(m.now, handle.of, &m.model.all)
	kernelAsModelled.holds(t, got == want, "lease %d of %d is renewed by its handle at %v: %t", handle.of.number, handle.of.key, m.now, got)
}

func (m *kernelMachine) cancel(t *rapid.T) {
	key := m.drawKey(t)
	change, ok := m.kernel.Cancel(m.now, key)
	l := m.model.find(key)
	kernelAsModelled.holds(t, ok == (l != nil), "Cancel(%d) = %t", key, ok)
	if ok {
		m.model.leave(leasekernel.Cancelled, m.now, l)
		m.checkChange(t, change, m.model.untold[len(m.model.untold)-1])
	}
}

// ready prepares what the hooks of the next pass do.
func (m *kernelMachine) ready(t *rapid.T) {
	m.t = t
	m.nanos = max(clampTo(nanosBetween(m.model.start, m.now), math.MinInt64, math.MaxInt64), 1)
	m.viewErr = nil
	m.view = rapid.Int64Range(0, 20).Draw(t, "view")
	if m.hostile && rapid.IntRange(0, 3).Draw(t, "strange hooks") == 0 {
		m.nanos = drawNanos(t)
		m.view = drawCount(t)
		m.viewErr = rapid.SampledFrom([]error{nil, errors.New("no view")}).Draw(t, "view's error")
	}
}

// begin is the model's half of an eviction pass before it collects. The exact
// meter's count may be one of several; it is what the kernel says.
func (m *kernelMachine) begin(t *rapid.T, additional time.Duration) *kernelPass {
	renewals := m.model.all.last
	if m.model.calculator == nil {
		renewals = m.kernel.Status(m.now).Renewals
	}
	m.pass = &kernelPass{additional: additional, decision: m.model.decide(m.now, renewals)}
	m.pass.reversed = rapid.IntRange(0, 3).Draw(t, "reversed") == 0
	if rapid.IntRange(0, 2).Draw(t, "race") == 0 {
		m.pass.meanwhile = rapid.IntRange(1, 4).Draw(t, "meanwhile")
	}
	return m.pass
}

// order is the kernel's hook between collection and eviction.
func (m *kernelMachine) order(now time.Time, candidates []heldLease) {
	p := m.pass
	p.ordered = true
	p.collected = m.model.expired(now, p.additional, !p.decision.Allowed)
	var got, want []int
	for _, candidate := range candidates {
		got = append(got, candidate.Holder())
	}
	for _, seen := range p.collected {
		want = append(want, seen.lease.number)
	}
	evictsWhoIsDrawn.holds(m.t, now.Equal(m.now) && slices.Equal(got, want), "the candidates at %v are %v, not %v", now, got, want)
	if p.reversed {
		slices.Reverse(candidates)
		slices.Reverse(p.collected)
	}
	for range p.meanwhile {
		rapid.SampledFrom([]func(*rapid.T){m.register, m.renew, m.renewAll, m.renewHandle, m.cancel}).Draw(m.t, "meanwhile")(m.t)
	}
}

// finish is its other half, and compares what both have done.
func (m *kernelMachine) finish(t *rapid.T, p *kernelPass, got *leasekernel.Eviction[int, int]) {
	want := leasekernel.Eviction[int, int]{Compensation: p.additional, Size: len(m.model.leases), Candidates: len(p.collected)}
	want.Ceiling = !p.decision.Allowed && len(p.collected) > 0
	passesKeepTheirDue.holds(t, p.ordered == (p.decision.Allowed || m.model.config.Ceiling > 0), "a pass that is %v collects: %t", p.decision, p.ordered)
	if !m.unlimited() && (p.decision.Allowed || want.Ceiling) {
		want.Limit = m.model.limit(want.Size)
	}
	m.checkKernelDecision(t, got.Decision, p.decision)
	kernelAsModelled.holds(t, got.Compensation == want.Compensation && got.Size == want.Size && got.Limit == want.Limit &&
		got.Candidates == want.Candidates && got.Ceiling == want.Ceiling && got.Err == nil, "%+v, want %+v", got, want)

	var evicted, rescued []int
	for _, victim := range m.victims(p, want.Limit) {
		if l, ok := m.model.evict(m.now, victim); ok {
			evicted = append(evicted, l.number)
			m.checkNotEarly(t, p, l)
		} else {
			rescued = append(rescued, victim.lease.number)
		}
	}
	evictsWhoIsDrawn.holds(t, slices.EqualFunc(got.Evicted, evicted, func(c intKernelChange, number int) bool { return c.Lease.Holder() == number }),
		"%d are evicted at %v, and should be %v", len(got.Evicted), m.now, evicted)
	rescuesWhoChanged.holds(t, slices.EqualFunc(got.Rescued, rescued, func(s heldLease, number int) bool { return s.Holder() == number }),
		"%d are rescued at %v, and should be %v", len(got.Rescued), m.now, rescued)
	renewals := p.decision.Renewals
	if m.model.calculator == nil {
		renewals = got.After.Renewals
		m.checkRenewals(t, &m.model.all, renewals)
	}
	m.checkKernelDecision(t, got.After, m.model.decide(m.now, renewals))
	m.pass = nil
}

func (m *kernelMachine) unlimited() bool { return m.model.config.Release == preserve.EurekaV1_2_5 }

// victims are drawn by a generator that was written for that.
func (m *kernelMachine) victims(p *kernelPass, limit int) (victims []seenLease) {
	if m.unlimited() {
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

func (m *kernelMachine) checkNotEarly(t *rapid.T, p *kernelPass, l *kernelLease) {
	if m.model.eureka() || m.model.config.EvictByKey {
		return
	}
	silence := nanosBetween(m.model.instant(m.model.lastRenewal(l)), m.now)
	neverEvictedEarly.holds(t, silence.Cmp(sumOf(l.term.Duration, max(p.additional, 0))) > 0,
		"%d is evicted after %v ns of silence, with a term of %v and %v forgiven", l.key, silence, l.term.Duration, p.additional)
}

func (m *kernelMachine) tick(t *rapid.T) {
	m.ready(t)
	want := m.rotates()
	var pass *kernelPass
	evicts := m.model.eviction.isDue(m.now)
	if evicts {
		m.model.eviction.plan(m.now)
		pass = m.begin(t, m.model.forgiven(m.now, m.nanos))
	}
	updates := m.model.update.isDue(m.now)
	got := m.kernel.Tick(m.now)
	passesKeepTheirDue.holds(t, (got.Eviction != nil) == evicts && (got.Update != nil) == updates, "at %v it evicts: %t, updates: %t",
		m.now, got.Eviction != nil, got.Update != nil)
	m.checkRotation(t, got, want)
	if evicts {
		m.finish(t, pass, got.Eviction)
	}
	if updates {
		m.model.update.plan(m.now)
		m.checkUpdate(t, got.Update)
	}
	m.checkTold(t, got)
}

// tickInTime ticks when the kernel says, a few times.
func (m *kernelMachine) tickInTime(t *rapid.T) {
	for range rapid.IntRange(1, 5).Draw(t, "ticks") {
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

func (m *kernelMachine) rotate(t *rapid.T) {
	want := m.rotates()
	got := m.kernel.Rotate(m.now)
	m.checkRotation(t, got, want)
	passesKeepTheirDue.holds(t, got.Eviction == nil && got.Update == nil, "Rotate does %+v", got)
	m.checkTold(t, got)
}

func (m *kernelMachine) checkRotation(t *rapid.T, got intKernelReport, want *leasekernel.Rotation) {
	if diff := cmp.Diff(want, got.Rotation); diff != "" {
		passesKeepTheirDue.holds(t, false, "rotation at %v (-model +kernel)\n%s", m.now, diff)
	}
}

func (m *kernelMachine) evict(t *rapid.T) {
	m.ready(t)
	m.model.eviction.plan(m.now)
	pass := m.begin(t, m.model.forgiven(m.now, m.nanos))
	got := m.kernel.Evict(m.now)
	m.finish(t, pass, got.Eviction)
	m.checkTold(t, got)
}

func (m *kernelMachine) evictForgiving(t *rapid.T) {
	m.ready(t)
	additional := time.Duration(0)
	if rapid.Bool().Draw(t, "graceful") {
		additional = drawGrace(t)
	}
	pass := m.begin(t, additional)
	got := m.kernel.EvictForgiving(m.now, additional)
	m.finish(t, pass, got.Eviction)
	m.checkTold(t, got)
}

func (m *kernelMachine) updateNow(t *rapid.T) {
	m.ready(t)
	m.model.update.plan(m.now)
	got := m.kernel.Update(m.now)
	m.checkUpdate(t, got.Update)
	m.checkTold(t, got)
}

func (m *kernelMachine) checkUpdate(t *rapid.T, got *leasekernel.Update) {
	if m.model.calculator == nil {
		kernelAsModelled.holds(t, got == nil, "the exact rules update: %+v", got)
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
	kernelAsModelled.holds(t, got.Count == want.Count && got.Adopted == want.Adopted && (got.Err != nil) == (want.Err != nil || !fits),
		"an update of %d: %+v", want.Count, got)
}

func (m *kernelMachine) setSelfPreservation(t *rapid.T) {
	on := rapid.Bool().Draw(t, "on")
	m.kernel.SetSelfPreservation(on)
	m.model.off = !on
	if m.model.calculator != nil {
		m.model.calculator.selfPreservation = on
	}
}

func (m *kernelMachine) setPercent(t *rapid.T) {
	percent := drawPercent(t)
	err := m.kernel.SetPercent(percent)
	kernelAsModelled.holds(t, (err == nil) == (m.model.calculator != nil), "SetPercent: %v", err)
	if err == nil {
		m.model.calculator.percent = percent
	}
}

func (m *kernelMachine) open(t *rapid.T) {
	count := rapid.Int64Range(0, 10).Draw(t, "clients")
	if m.hostile {
		count = drawCount(t)
	}
	err := m.kernel.Open(m.now, count)
	want := m.model.config.Opens() && m.model.calculator.fits(count) && m.model.open(m.now, count)
	kernelAsModelled.holds(t, (err == nil) == want, "Open(%v, %d): %v", m.now, count, err)
}

// stop is rare: nothing much happens after it.
func (m *kernelMachine) stop(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
		return
	}
	m.kernel.Stop()
	m.model.stopped = true
	m.model.rotation.running, m.model.eviction.running, m.model.update.running = false, false, false
}

func (m *kernelMachine) explain(t *rapid.T) {
	key := m.drawKey(t)
	v := m.kernel.Explain(m.now, key)
	l := m.model.find(key)
	status := m.kernel.Status(m.now)
	gateIsOne.holds(t, cmp.Equal(v.Decision, status.Decision, asPublished, cmpopts.EquateNaNs()), "the verdict has %v, the status %v", v.Decision, status.Decision)
	kernelAsModelled.holds(t, v.Limit == m.model.limit(len(m.model.leases)), "the limit is %d", v.Limit)
	kernelAsModelled.holds(t, v.Known == (l != nil) && v.At.Equal(m.now) && v.Key == key && v.String() != "", "%v", v)
	m.checkHistory(t, key, v.Last)
	if l == nil {
		kernelAsModelled.holds(t, v.Stage == lease.Ended && len(v.Obstacles) == 0 && v.Earliest.IsZero(), "%v", v)
		return
	}
	expired := slices.ContainsFunc(m.model.expired(m.now, 0, false), func(seen seenLease) bool { return seen.lease == l })
	kernelAsModelled.holds(t, (v.Stage == lease.Expired) == expired && v.Deadline.Equal(m.model.instant(l.deadline)), "%v", v)
	kernelAsModelled.holds(t, v.Earliest.IsZero() || !v.Earliest.Before(m.now), "at %v the earliest pass is %v", m.now, v.Earliest)
}

// checkHistory wants the last transitions of a key, as far as the history goes
// back.
func (m *kernelMachine) checkHistory(t *rapid.T, key int, got []leasekernel.Transition[int]) {
	var want []leasekernel.Kind
	for i := max(0, len(m.model.history)-m.model.config.History); i < len(m.model.history); i++ {
		if m.model.keys[i] == key {
			want = append(want, m.model.history[i])
		}
	}
	kernelAsModelled.holds(t, slices.EqualFunc(got, want, func(tr leasekernel.Transition[int], kind leasekernel.Kind) bool {
		return tr.Kind == kind && tr.Key == key
	}), "%d has %v, not %v", key, got, want)
}

// checkTold wants all changes since the last report.
func (m *kernelMachine) checkTold(t *rapid.T, got intKernelReport) {
	changesToldOnce.holds(t, len(got.Changes) == len(m.model.untold), "%d changes are told of %d", len(got.Changes), len(m.model.untold))
	for i, change := range got.Changes {
		m.checkChange(t, change, m.model.untold[i])
		changesToldOnce.holds(t, change.Sequence > m.sequence, "number %d comes after %d", change.Sequence, m.sequence)
		m.sequence = change.Sequence
	}
	m.model.untold = nil
	kernelAsModelled.holds(t, got.At.Equal(m.now), "a report of %v at %v", got.At, m.now)
}

func (m *kernelMachine) checkChange(t *rapid.T, got intKernelChange, want modelledChange) {
	same := got.Kind == want.Kind && got.Key == want.Key && got.At.Equal(want.At) && got.Lease.Holder() == want.New && got.Lease.Key() == want.Key
	if want.Kind == leasekernel.Replaced {
		same = same && got.Old.Holder() == want.Old && got.Old.Key() == want.Key
	}
	changesToldOnce.holds(t, same, "%v of %d at %v, want %+v", got.Kind, got.Key, got.At, want)
}

// check knows all laws.
func (m *kernelMachine) check(t *rapid.T) {
	kernelAsModelled.holds(t, m.kernel.Len() == len(m.model.leases), "%d leases instead of %d", m.kernel.Len(), len(m.model.leases))
	for key := range kernelKeys {
		held, ok := m.kernel.Get(key)
		l := m.model.find(key)
		kernelAsModelled.holds(t, ok == (l != nil), "Get(%d) = %t", key, ok)
		if ok {
			m.checkLease(t, held, l)
		}
	}
	met := 0
	for key, held := range m.kernel.All() {
		l := m.model.find(key)
		kernelAsModelled.holds(t, l != nil && l.number == held.Holder(), "All meets lease %d of %d", held.Holder(), key)
		met++
	}
	kernelAsModelled.holds(t, met == len(m.model.leases), "All meets %d of %d", met, len(m.model.leases))
	m.checkStatus(t)
	m.checkNext(t)
}

func (m *kernelMachine) checkLease(t *rapid.T, held heldLease, l *kernelLease) {
	same := held.Key() == l.key && held.Holder() == l.number && held.Term() == l.term && held.Renewed() == l.renewed &&
		held.Registered().Equal(m.model.instant(l.registered)) && held.Deadline().Equal(m.model.instant(l.deadline)) &&
		held.LastRenewal().Equal(m.model.instant(m.model.lastRenewal(l)))
	kernelAsModelled.holds(t, same, "lease %d of %d until %v, want %+v, until %v", held.Holder(), held.Key(), held.Deadline(), l, m.model.instant(l.deadline))
}

func (m *kernelMachine) checkStatus(t *rapid.T) {
	got := m.kernel.Status(m.now)
	m.checkRenewals(t, &m.model.all, got.Renewals)
	m.checkRenewals(t, &m.model.sent, got.Replicated)
	m.checkKernelDecision(t, got.Decision, m.model.decide(m.now, got.Renewals))
	totals := [...]uint64{0, got.Registered, got.Replaced, got.Cancelled, got.Evicted}
	kernelAsModelled.holds(t, totals == m.model.totals, "%v changes, want %v", totals, m.model.totals)
	lived := got.Registered - got.Cancelled - got.Evicted
	kernelAsModelled.holds(t, lived == uint64(got.Leases) && got.Leases == len(m.model.leases), "%+v", got)
	kernelAsModelled.holds(t, got.Below == m.model.below(m.now, got.Renewals) && got.At.Equal(m.now), "%+v", got)
	due := !got.Opened || got.NextEviction.Equal(m.model.eviction.due)
	passesKeepTheirDue.holds(t, got.Opened == m.model.eviction.running && due, "%+v, want %+v", got, m.model.eviction)
	if m.model.calculator == nil {
		sum := new(big.Rat).SetFrac(m.model.units(), big.NewInt(unit))
		want, _ := sum.Float64()
		expectsWhatLives.holds(t, got.Decision.Expected == want, "%v, want %v", got.Decision.Expected, want)
	}
}

func (m *kernelMachine) checkRenewals(t *rapid.T, meter *kernelRotation, got int64) {
	least, most := m.model.renewals(meter, m.now)
	kernelAsModelled.holds(t, got >= least && got <= most, "%d renewals at %v, want %d to %d", got, m.now, least, most)
}

// checkKernelDecision compares decisions; an exact one's threshold is judged by
// what it says itself.
func (m *kernelMachine) checkKernelDecision(t *rapid.T, got, want preserve.Decision) {
	if m.model.calculator == nil {
		want.Threshold = got.Threshold
	}
	if diff := cmp.Diff(want, got, asPublished, cmpopts.EquateNaNs()); diff != "" {
		gateIsOne.holds(t, false, "decision at %v (-model +kernel)\n%s", m.now, diff)
	}
	checkDecision(t, got, m.model.calculator == nil || m.model.calculator.reaching, got.Threshold*0x1p-50)
}

func (m *kernelMachine) checkNext(t *rapid.T) {
	var want *time.Time
	for _, timer := range []*kernelTimer{&m.model.rotation, &m.model.eviction, &m.model.update} {
		if timer.running && (want == nil || timer.due.Before(*want)) {
			want = &timer.due
		}
	}
	next, ok := m.kernel.Next()
	passesKeepTheirDue.holds(t, ok == (want != nil) && (!ok || next.Equal(*want)), "Next is %v, %t, want %v", next, ok, want)
}

// Two exact kernels live the same life; the wall clock of one of them is
// stepped again and again.
func TestExactKernelIgnoresStepsOfTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := leasekernel.Exact()
		config.SelfPreservation = rapid.Bool().Draw(t, "self-preservation")
		steady, steadyErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
		stepped, steppedErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
		exactDeafToSteps.holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
		now, offset := monotonic, time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
			offset += drawStep(t)
			key, shown := rapid.IntRange(0, kernelKeys-1).Draw(t, "key"), stepWall(now, offset)
			switch rapid.SampledFrom([]string{"register", "renew", "renew", "tick", "tick"}).Draw(t, "call") {
			case "register":
				_, steadyErr = steady.Register(now, key, 0, lease.Term{})
				_, steppedErr = stepped.Register(shown, key, 0, lease.Term{})
				exactDeafToSteps.holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
			case "renew":
				want, got := steady.Renew(now, key), stepped.Renew(shown, key)
				exactDeafToSteps.holds(t, got == want, "a renewal is answered %t", got)
			case "tick":
				want, got := sketch(steady.Tick(now)), sketch(stepped.Tick(shown))
				if diff := cmp.Diff(want, got, asPublished); diff != "" {
					exactDeafToSteps.holds(t, false, "after %v, with the wall clock off by %v (-steady +stepped)\n%s", now.Sub(monotonic), offset, diff)
				}
			}
		}
	})
}

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
func TestEurekaPassesAreTimedLikeTheMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kernel, err := leasekernel.New(monotonic, leasekernel.Eureka(preserve.EurekaV1_9_17), leasekernel.Hooks[int, int]{})
		passesLikeJava.holds(t, err == nil && kernel.Open(monotonic, 1) == nil, "%v", err)
		now, offset := monotonic, time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			offset += drawStep(t)
			if next, ok := kernel.Next(); ok && rapid.Bool().Draw(t, "as told") {
				now = now.Add(max(next.Sub(stepWall(now, offset)), 0))
			} else {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(90*time.Second)).Draw(t, "on")))
			}
			report := kernel.Tick(stepWall(now, offset))
			passesLikeJava.holds(t, (report.Rotation != nil) == (report.Eviction != nil), "after %v, with the wall clock off by %v: rotation %t, eviction %t",
				now.Sub(monotonic), offset, report.Rotation != nil, report.Eviction != nil)
		}
	})
}
