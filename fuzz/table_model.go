package fuzz

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
)

var (
	lookUpFindsNewest    = law.New("look-up-finds-newest", "a look-up finds the newest lease of a key, and none if the key has none")
	everyLeaseOnce       = law.New("every-lease-once", "a loop over a table meets every lease exactly once, and Len counts them")
	tableFactsAreTrue    = law.New("table-facts-are-true", "a table shows the key, holder, term, renewals, deadline, suspicion and service of a lease as they are")
	snapshotsStay        = law.New("snapshots-stay", "what a snapshot says about renewals, deadline and suspicion stays as it was, whatever becomes of the lease; since when it is suspect, and its service, are as they are now")
	replacementTakesOver = law.New("replacement-takes-over", "a registration of a known key replaces its lease, and takes over when the service came up, under Nacos's rule the suspicion, and nothing else")
	fullTableRefuses     = law.New("full-table-refuses", "a table refuses a new key if and only if it has as many leases as it may")
	departureIsAnswered  = law.New("departure-is-answered", "a cancel ends the lease of its key, if it has one, and says so")
	batchRenewsEach      = law.New("batch-renews-each", "a batch does to each of its keys, in their order, what a single renewal does")
	numbersRise          = law.New("numbers-rise", "every registration, suspicion and departure has a higher number than all before it")
	staleHandlesAreNo    = law.New("stale-handles-are-no", "a handle or candidate whose lease left says false to everything, also if its key has a new lease")
	passFindsExpired     = law.New("pass-finds-expired", "a pass finds the leases that have expired, all of them and no others")
	passFindsSuspects    = law.New("pass-finds-suspects", "a pass finds the leases that have been silent for too long and that nobody has found suspect, all of them and no others")
	exemptAreSpared      = law.New("exempt-are-spared", "no pass finds an exempt lease, however long it has been silent")
	exemptionIsAnswered  = law.New("exemption-is-answered", "an exemption says whether it changed anything")
	suspectsWhatWasSeen  = law.New("suspects-what-was-seen", "a lease turns suspect if and only if it is still as it was seen, and neither suspect nor exempt")
	suspectsAreCounted   = law.New("suspects-are-counted", "the number of suspects is that of the leases that are suspect")
	healedAreTold        = law.New("healed-are-told", "every healing is told exactly once, in the order of all changes, before what comes after it")
)

// tableReach is how far from its origin a table measures instants: in
// nanoseconds 9 years, in milliseconds 9 million.
const tableReach = (1<<60 - 1) / 4

// tableLease is one lease of the model. Instants are offsets in the rule's
// unit, from the table's origin or the Unix epoch.
type tableLease struct {
	key, holder      string
	term             lease.Term
	sequence         uint64
	registered, last int64 // Eureka: last is future-dated after a renewal (L1)
	renewed, gone    bool
	up               int64
	isUp             bool

	suspect, exempt bool
	since           int64 // when it was found suspect

	met int // the last check that met it
}

func (l *tableLease) length() int64 {
	switch l.term.Rule {
	case lease.Eureka:
		return int64(int32(l.term.Duration/time.Second) * 1000) // L3
	case lease.Nacos, lease.Bilibili:
		return l.term.Duration.Milliseconds()
	}
	return int64(l.term.Duration)
}

func (l *tableLease) deadline() int64 { return l.last + l.length() }

// warning is the last offset at which the lease is not suspect, if its term
// has such a stage.
func (l *tableLease) warning() (at int64, ok bool) {
	switch l.term.Rule {
	case lease.Eureka, lease.Bilibili:
		return 0, false
	case lease.Nacos:
		return l.last + l.term.Suspect.Milliseconds(), true
	}
	return l.last + int64(l.term.Suspect), l.term.Suspect != 0
}

// renew reports whether it heals the lease: if it is not exempt (N11), and the
// renewal tells news, which under the wall clock's rules all do.
func (l *tableLease) renew(at int64) (heals bool) {
	news := true
	switch {
	case l.term.Rule == lease.Eureka:
		l.last, l.renewed = at+l.length(), true
	case l.term.Rule != lease.Exact, at > l.last: // N10, B12
		l.last, l.renewed = at, true
	default:
		l.renewed = l.renewed || at == l.last
		news = at >= l.since
	}
	heals = l.suspect && !l.exempt && news
	l.suspect = l.suspect && !heals
	return heals
}

// tableState is what a lease is compared with when it has been seen before.
type tableState struct {
	last                     int64
	renewed, suspect, exempt bool
}

func (l *tableLease) state() tableState {
	return tableState{l.last, l.renewed, l.suspect, l.exempt}
}

// serviceUp sets the instant. Eureka's epoch means that there is none (L9).
func (l *tableLease) serviceUp(at int64) {
	l.up, l.isUp = at, l.term.Rule != lease.Eureka || at != 0
}

// tableFacts is everything that a table shows of a lease.
type tableFacts struct {
	Key, Holder                       string
	Term                              lease.Term
	Sequence                          uint64
	Registered, Deadline, LastRenewal int64
	Renewed, Up                       bool
	UpAt                              int64
	Published                         lease.Timestamps
	Suspected, Exempt                 bool
	Since                             int64
}

type tableSnapshot = lease.Snapshot[string, string]

// tableCandidate is a lease as it was seen, with its model.
type tableCandidate struct {
	seen  tableSnapshot
	of    *tableLease
	state tableState
	facts tableFacts
}

// tableMachine drives a table and a map through the same calls.
type tableMachine struct {
	rule       lease.Rule
	origin     time.Time
	max        int
	now        time.Time
	table      *lease.Table[string, string]
	leases     map[string]*tableLease
	keys       []string // of the leases, sorted
	checks     int
	number     uint64 // the highest one that the table has given
	candidates []tableCandidate
	healed     []tableTurn // not told yet
	last       uint64      // the number of the one that was told last
}

// tableTurn is a healing that is to be told. Its number is between those of two
// other changes, of which the second may be yet to come.
type tableTurn struct {
	after, before uint64
	at            int64
	facts         tableFacts
}

// Few keys are registered again and again, so that places are used up, and
// many now and then, so that indexes have to grow: of those in 64 shards, the
// first has room for seven.
var (
	fewTableKeys  = []string{"", "a", strings.Repeat("31 bytes", 4)[1:], strings.Repeat("32 bytes", 4), strings.Repeat("long", 99)}
	manyTableKeys = numberedKeys(640)
)

func numberedKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprint("key ", i))
	}
	return keys
}

func driveTable(rule lease.Rule) trace.Machine {
	return trace.Machine{Name: "table-" + rule.String(), Start: func(t *trace.T) trace.Operations {
		m := newTableMachine(t, rule)
		return trace.Operations{
			"":           m.check,
			"register":   m.register,
			"again":      m.registerAgain,
			"grow":       m.grow,
			"shrink":     m.shrink,
			"renew":      m.renew,
			"renew-all":  m.renewAll,
			"cancel":     m.cancel,
			"keep":       m.keep,
			"pass":       m.pass,
			"evict":      m.evict,
			"handle":     m.renewByHandle,
			"service-up": m.serviceUp,
			"suspect":    m.suspect,
			"suspects":   m.suspectPass,
			"exempt":     m.exempt,
			"healed":     m.tellHealed,
		}
	}}
}

func newTableMachine(t *trace.T, rule lease.Rule) *tableMachine {
	m := &tableMachine{rule: rule, origin: drawEdge(t), leases: make(map[string]*tableLease)}
	m.now = m.origin
	m.max = trace.SampledFrom([]int{0, 3, 300}).Draw(t, "most leases")
	var err error
	m.table, err = lease.NewTable[string, string](m.origin, lease.TableConfig{Rule: rule, MaxLeases: m.max})
	namesEveryProblem.Holds(t, err == nil, "nothing is wrong with %v and %d: %v", rule, m.max, err)
	return m
}

// offset measures an instant and reports whether the table can.
func (m *tableMachine) offset(at time.Time) (int64, bool) {
	if m.rule != lease.Exact {
		return at.UnixMilli(), at.UnixMilli() >= -tableReach && at.UnixMilli() <= tableReach
	}
	nanos := at.Sub(m.origin) // or the farthest that there is
	return int64(nanos), nanos >= -tableReach && nanos <= tableReach
}

func (m *tableMachine) instant(offset int64) time.Time {
	if m.rule != lease.Exact {
		return time.UnixMilli(offset)
	}
	return m.origin.Add(time.Duration(offset))
}

func (m *tableMachine) factsOf(l *tableLease) tableFacts {
	f := tableFacts{
		Key: l.key, Holder: l.holder, Term: l.term, Sequence: l.sequence,
		Registered: l.registered, Deadline: l.deadline(), LastRenewal: l.last,
		Renewed: l.renewed, Up: l.isUp, Suspected: l.suspect, Exempt: l.exempt,
		Published: lease.Timestamps{
			Registration: m.instant(l.registered).UnixMilli(),
			LastRenewal:  m.instant(l.last).UnixMilli(),
		},
	}
	if m.rule == lease.Eureka && l.renewed {
		f.LastRenewal -= l.length()
	}
	if l.isUp {
		f.UpAt, f.Published.ServiceUp = l.up, m.instant(l.up).UnixMilli()
	}
	if l.suspect {
		f.Since = l.since
	}
	return f
}

func (m *tableMachine) factsSeen(seen tableSnapshot) tableFacts {
	f := tableFacts{
		Key: seen.Key(), Holder: seen.Holder(), Term: seen.Term(), Sequence: seen.Sequence(),
		Renewed: seen.Renewed(), Published: seen.Published(), Exempt: seen.Exempt(),
	}
	f.Registered, _ = m.offset(seen.Registered())
	f.Deadline, _ = m.offset(seen.Deadline())
	f.LastRenewal, _ = m.offset(seen.LastRenewal())
	up, ok := seen.ServiceUpAt()
	if f.Up = ok; ok {
		f.UpAt, _ = m.offset(up)
	}
	since, ok := seen.SuspectSince()
	if f.Suspected = ok && seen.Suspected(); ok {
		f.Since, _ = m.offset(since)
	}
	return f
}

// looksLike judges by a law whether a call showed a lease as it is.
func (m *tableMachine) looksLike(t *trace.T, by *law.Law, what string, seen tableSnapshot, l *tableLease) {
	got, want := m.factsSeen(seen), m.factsOf(l)
	if got != want {
		by.Holds(t, false, "%s shows\n%+v, not\n%+v", what, got, want)
	}
	by.Kept()
}

// move lets the clock move on. It comes back from where the table cannot
// follow.
func (m *tableMachine) move(t *trace.T) {
	if _, ok := m.offset(m.now); !ok {
		m.now = m.origin
	}
	decisive := []time.Time{m.origin, m.instant(tableReach), m.instant(-tableReach)}
	if len(m.keys) > 0 {
		l := m.leases[trace.SampledFrom(m.keys).Draw(t, "near")]
		decisive = append(decisive, m.instant(l.deadline()), m.instant(l.last), m.instant(l.registered))
		if warning, ok := l.warning(); ok {
			decisive = append(decisive, m.instant(warning))
		}
		if l.suspect {
			decisive = append(decisive, m.instant(l.since))
		}
	}
	m.now = drawInstant(t, m.now, decisive...)
}

// put gives a key a lease, in place of that which it has, if any.
func (m *tableMachine) put(l *tableLease) {
	if i, known := slices.BinarySearch(m.keys, l.key); !known {
		m.keys = slices.Insert(m.keys, i, l.key)
	}
	m.leases[l.key] = l
}

func (m *tableMachine) remove(l *tableLease) {
	i, _ := slices.BinarySearch(m.keys, l.key)
	m.keys = slices.Delete(m.keys, i, i+1)
	delete(m.leases, l.key)
	l.gone = true
}

func drawTableKey(t *trace.T) string {
	if trace.Bool().Draw(t, "of many") {
		return trace.SampledFrom(manyTableKeys).Draw(t, "key")
	}
	return trace.SampledFrom(fewTableKeys).Draw(t, "key")
}

func (m *tableMachine) register(t *trace.T) {
	m.move(t)
	m.registerNow(t, drawTableKey(t), drawTerm(t, m.rule))
}

func (m *tableMachine) registerNow(t *trace.T, key string, term lease.Term) {
	holder := fmt.Sprint("holder ", m.number)
	granted, err := m.table.Register(m.now, key, holder, term)
	at, near := m.offset(m.now)
	old, again := m.leases[key]
	fresh := &tableLease{key: key, holder: holder, term: term, registered: at, last: at}
	full := m.max > 0 && len(m.leases) == m.max && !again
	broken := fieldsBroken{}
	broken.check("now", !near)
	broken.check("Duration", fresh.length() > tableReach)
	switch {
	case len(broken) > 0:
		checkProblems(t, err, lease.ErrInvalid, broken, term)
		return
	case full:
		fullTableRefuses.Holds(t, errors.Is(err, lease.ErrFull), "%d leases, one more: %v", m.max, err)
		return
	}
	fullTableRefuses.Holds(t, !errors.Is(err, lease.ErrFull), "%d of %d leases, %q known %t: %v", len(m.leases), m.max, key, again, err)
	namesEveryProblem.Holds(t, err == nil, "nothing is wrong with %v and %+v: %v", m.now, term, err)
	replacementTakesOver.Holds(t, granted.Again == again, "%q: again %t, not %t", key, granted.Again, again)
	registers := tableFactsAreTrue
	if again {
		registers = replacementTakesOver
		m.looksLike(t, registers, "Replaced", granted.Replaced, old)
		old.gone = true
		if old.isUp {
			fresh.serviceUp(old.up) // G1
		}
		if m.rule == lease.Nacos {
			fresh.suspect, fresh.since = old.suspect, old.since // N7
		}
	}
	fresh.sequence = granted.Lease.Sequence()
	m.rises(t, fresh.sequence)
	m.put(fresh)
	m.looksLike(t, registers, "Register", granted.Lease, fresh)
	m.get(t, key)
}

func (m *tableMachine) rises(t *trace.T, number uint64) {
	numbersRise.Holds(t, number > m.number, "%d after %d", number, m.number)
	m.number = number
	for i := len(m.healed) - 1; i >= 0 && m.healed[i].before == 0; i-- {
		m.healed[i].before = number
	}
}

// registerAgain uses up the places of one shard.
func (m *tableMachine) registerAgain(t *trace.T) {
	key, term := drawTableKey(t), drawTerm(t, m.rule)
	for range trace.IntRange(2, 40).Draw(t, "times") {
		m.registerNow(t, key, term)
	}
}

func drawTableRun(t *trace.T) []string {
	from := trace.IntRange(0, len(manyTableKeys)).Draw(t, "from")
	to := trace.IntRange(from, len(manyTableKeys)).Draw(t, "to")
	return manyTableKeys[from:to]
}

func (m *tableMachine) grow(t *trace.T) {
	m.move(t)
	term := drawTerm(t, m.rule)
	for _, key := range drawTableRun(t) {
		m.registerNow(t, key, term)
	}
}

func (m *tableMachine) shrink(t *trace.T) {
	for _, key := range drawTableRun(t) {
		m.cancelKey(t, key)
	}
}

func (m *tableMachine) renew(t *trace.T) {
	m.move(t)
	key := drawTableKey(t)
	if trace.Bool().Draw(t, "tells") {
		want := m.stageRenewedFrom(m.leases[key])
		healed, ok := m.table.RenewTelling(m.now, key)
		renewalIsAnswered.Holds(t, healed == (want == lease.Suspect) && ok == (want != lease.Ended), "RenewTelling(%v, %q) = %t and %t, not from %v", m.now, key, healed, ok, want)
		return
	}
	got, want := m.table.Renew(m.now, key), m.renewModel(m.leases[key])
	renewalIsAnswered.Holds(t, got == want, "Renew(%v, %q) = %t, not %t", m.now, key, got, want)
}

// renewModel renews one lease of the model, or none.
func (m *tableMachine) renewModel(l *tableLease) bool { return m.stageRenewedFrom(l) != lease.Ended }

func (m *tableMachine) stageRenewedFrom(l *tableLease) lease.Stage {
	at, near := m.offset(m.now)
	switch {
	case !near || l == nil || l.gone:
		return lease.Ended
	case l.renew(at):
		m.healed = append(m.healed, tableTurn{after: m.number, at: at, facts: m.factsOf(l)})
		return lease.Suspect
	}
	return lease.Live
}

func (m *tableMachine) renewAll(t *trace.T) {
	m.move(t)
	keys := append(slices.Clone(drawTableRun(t)), fewTableKeys...)
	keys = append(keys, fewTableKeys[:2]...) // twice
	renewed, wanted := make([]bool, len(keys)), 0
	got, err := m.table.RenewAll(m.now, keys, renewed)
	for i, key := range keys {
		want := m.renewModel(m.leases[key])
		if want {
			wanted++
		}
		batchRenewsEach.Holds(t, renewed[i] == want, "RenewAll(%v): %q is %t, not %t", m.now, key, renewed[i], want)
	}
	batchRenewsEach.Holds(t, got == wanted && err == nil, "RenewAll = %d and %v, not %d", got, err, wanted)
}

func (m *tableMachine) cancel(t *trace.T) { m.cancelKey(t, drawTableKey(t)) }

func (m *tableMachine) cancelKey(t *trace.T, key string) {
	departure, got := m.table.Cancel(key)
	l, want := m.leases[key]
	departureIsAnswered.Holds(t, got == want, "Cancel(%q) = %t, not %t", key, got, want)
	if got {
		m.departed(t, "Cancel", departure, l)
	}
}

func (m *tableMachine) departed(t *trace.T, what string, departure lease.Departure[string, string], l *tableLease) {
	m.looksLike(t, tableFactsAreTrue, what, departure.Lease, l)
	m.rises(t, departure.Sequence)
	m.remove(l)
}

// keep remembers a lease that has not expired, to be renewed by its handle or
// evicted later.
func (m *tableMachine) keep(t *trace.T) {
	if len(m.keys) > 0 {
		m.remember(m.get(t, trace.SampledFrom(m.keys).Draw(t, "kept")))
	}
}

// get looks up a key that has a lease.
func (m *tableMachine) get(t *trace.T, key string) tableSnapshot {
	seen, ok := m.table.Get(key)
	lookUpFindsNewest.Holds(t, ok && seen.Sequence() == m.leases[key].sequence, "Get(%q): %t", key, ok)
	m.looksLike(t, tableFactsAreTrue, "Get", seen, m.leases[key])
	return seen
}

func (m *tableMachine) remember(seen tableSnapshot) {
	l := m.leases[seen.Key()]
	m.candidates = append(m.candidates, tableCandidate{seen: seen, of: l, state: l.state(), facts: m.factsOf(l)})
	m.candidates = m.candidates[max(0, len(m.candidates)-20):]
}

// pass collects candidates, which are evicted later, and some at once.
func (m *tableMachine) pass(t *trace.T) {
	m.move(t)
	for i, seen := range m.expired(t, drawGrace(t)) {
		m.remember(seen)
		if i%2 == 1 {
			m.evictNow(t, m.candidates[len(m.candidates)-1])
		}
	}
}

func (m *tableMachine) drawCandidate(t *trace.T) (tableCandidate, bool) {
	if len(m.candidates) == 0 {
		return tableCandidate{}, false
	}
	return trace.SampledFrom(m.candidates).Draw(t, "candidate"), true
}

func (m *tableMachine) evict(t *trace.T) {
	if c, ok := m.drawCandidate(t); ok {
		m.evictNow(t, c)
	}
}

func (m *tableMachine) evictNow(t *trace.T, c tableCandidate) {
	departure, got := m.table.Evict(c.seen)
	switch {
	case c.of.gone:
		staleHandlesAreNo.Holds(t, !got, "%q was evicted", c.of.key)
	case c.of.state() == c.state:
		evictsWhatWasSeen.Holds(t, got, "%q is as it was and is not evicted: %+v", c.of.key, c.state)
	default:
		renewalRescues.Holds(t, !got, "seen %+v, evicted as %+v", c.state, *c.of)
	}
	if got {
		m.departed(t, "Evict", departure, c.of)
	}
}

func (m *tableMachine) renewByHandle(t *trace.T) {
	m.move(t)
	if c, ok := m.drawCandidate(t); ok {
		got, want := c.seen.Renew(m.now), m.renewModel(c.of)
		m.saysHandle(t, renewalIsAnswered, "Renew", c, got, want)
	}
}

func (m *tableMachine) serviceUp(t *trace.T) {
	m.move(t)
	c, ok := m.drawCandidate(t)
	if !ok {
		return
	}
	overwrite := trace.Bool().Draw(t, "overwrite")
	set := c.seen.ServiceUp
	if overwrite {
		set = c.seen.SetServiceUp
	}
	at, near := m.offset(m.now)
	want := near && !c.of.gone && (overwrite || !c.of.isUp)
	got := set(m.now)
	m.saysHandle(t, serviceUpOnce, "ServiceUp", c, got, want)
	if want {
		c.of.serviceUp(at)
	}
}

// saysHandle judges what a handle answers: by a law, if its lease is there.
func (m *tableMachine) saysHandle(t *trace.T, by *law.Law, what string, c tableCandidate, got, want bool) {
	if c.of.gone {
		by = staleHandlesAreNo
	}
	by.Holds(t, got == want, "%s at %v by a handle of %q = %t, not %t: %+v", what, m.now, c.of.key, got, want, *c.of)
}

// suspect calls suspect what was seen before, now and then long before.
func (m *tableMachine) suspect(t *trace.T) {
	m.move(t)
	if c, ok := m.drawCandidate(t); ok {
		m.suspectNow(t, c)
	}
}

func (m *tableMachine) suspectNow(t *trace.T, c tableCandidate) {
	at, near := m.offset(m.now)
	want := near && !c.of.gone && c.of.state() == c.state && !c.state.suspect && !c.state.exempt
	turned, got := m.table.Suspect(m.now, c.seen)
	m.saysHandle(t, suspectsWhatWasSeen, "Suspect", c, got, want)
	if !got {
		return
	}
	c.of.suspect, c.of.since = true, at
	m.looksLike(t, suspectsWhatWasSeen, "Suspect", turned.Lease, c.of)
	suspectsWhatWasSeen.Holds(t, turned.At.Equal(m.now), "it turned suspect at %v, not %v", turned.At, m.now)
	m.rises(t, turned.Sequence)
}

// suspectPass is what a registry's pass does with those that have been silent
// for too long.
func (m *tableMachine) suspectPass(t *trace.T) {
	m.move(t)
	for i, seen := range m.silent(t, drawGrace(t)) {
		m.remember(seen)
		if i%3 != 0 {
			m.suspectNow(t, m.candidates[len(m.candidates)-1])
		}
	}
}

// silent compares what a pass for suspects finds with the model.
func (m *tableMachine) silent(t *trace.T, grace time.Duration) []tableSnapshot {
	limit := m.limit(grace)
	found := m.table.AppendSuspect(nil, m.now, grace)
	m.finds(t, passFindsSuspects, found, func(l *tableLease) bool { return l.silent(limit) })
	return found
}

// silent reports whether a pass has to find that the lease is suspect.
func (l *tableLease) silent(limit int64) bool {
	warning, staged := l.warning()
	return staged && warning < limit && !l.suspect && !l.exempt
}

func (l *tableLease) expired(limit int64) bool { return !l.exempt && l.deadline() < limit }

func (m *tableMachine) exempt(t *trace.T) {
	on, key := trace.Bool().Draw(t, "on"), ""
	if len(m.keys) > 0 && trace.Bool().Draw(t, "known") {
		key = trace.SampledFrom(m.keys).Draw(t, "key")
	} else {
		key = drawTableKey(t)
	}
	l, ok := m.leases[key]
	want := ok && l.exempt != on
	got := m.table.Exempt(key, on)
	exemptionIsAnswered.Holds(t, got == want, "Exempt(%q, %t) = %t, not %t", key, on, got, want)
	if ok {
		l.exempt = on
	}
}

// tellHealed asks for healings: those before some change, or all.
func (m *tableMachine) tellHealed(t *trace.T) {
	last := uint64(math.MaxUint64)
	if trace.Bool().Draw(t, "not all") {
		last = trace.Uint64Range(m.last, m.number).Draw(t, "up to")
	}
	turns := m.table.AppendHealed(nil, last)
	for _, turned := range turns {
		healedAreTold.Holds(t, len(m.healed) > 0 && turned.Sequence <= last, "%q as number %d, up to %d", turned.Lease.Key(), turned.Sequence, last)
		want := m.healed[0]
		inOrder := turned.Sequence > max(m.last, want.after) && (want.before == 0 || turned.Sequence < want.before)
		at, _ := m.offset(turned.At)
		facts := m.factsSeen(turned.Lease)
		want.facts.Up, want.facts.UpAt, want.facts.Published = facts.Up, facts.UpAt, facts.Published // of now, wherever it leads
		if !inOrder || at != want.at || facts != want.facts {
			healedAreTold.Holds(t, false, "number %d after %d, at %d:\n%+v, not\n%+v", turned.Sequence, m.last, at, facts, want)
		}
		m.healed, m.last = m.healed[1:], turned.Sequence
		m.number = max(m.number, turned.Sequence)
	}
	for _, left := range m.healed {
		late := last == math.MaxUint64 || left.before != 0 && left.before <= last
		healedAreTold.Holds(t, !late, "%+v is not told up to %d", left, last)
	}
}

// check knows all laws. A pass after each step would tidy up what the next one
// is to meet.
func (m *tableMachine) check(t *trace.T) {
	m.checks++
	m.checkAll(t)
	m.checkKeys(t)
	m.checkSnapshots(t)
	if m.checks%2 == 0 {
		m.expired(t, 0)
		m.silent(t, 0)
		grace := graces[m.checks/2%len(graces)]
		m.expired(t, grace)
		m.silent(t, grace)
	}
}

func (m *tableMachine) checkAll(t *trace.T) {
	met, suspects := 0, 0
	for key, seen := range m.table.All() {
		l := m.leases[key]
		once := l != nil && l.met != m.checks && seen.Sequence() == l.sequence
		if !once {
			everyLeaseOnce.Holds(t, false, "%q, number %d, is met twice or not there: %+v", key, seen.Sequence(), l)
		}
		m.looksLike(t, tableFactsAreTrue, "All", seen, l)
		if l.suspect {
			suspects++
		}
		l.met = m.checks
		met++
	}
	everyLeaseOnce.KeptTimes(met)
	everyLeaseOnce.Holds(t, met == len(m.leases), "%d of %d are met", met, len(m.leases))
	everyLeaseOnce.Holds(t, m.table.Len() == met, "Len is %d, not %d", m.table.Len(), met)
	suspectsAreCounted.Holds(t, m.table.Suspects() == suspects, "%d are suspect, not %d", m.table.Suspects(), suspects)
}

// keysChecked is how many of the many keys are looked up after each step.
const keysChecked = 64

// checkKeys looks up the few keys, and some of the many, each time others.
func (m *tableMachine) checkKeys(t *trace.T) {
	first := m.checks * keysChecked % len(manyTableKeys)
	for _, keys := range [][]string{fewTableKeys, manyTableKeys[first : first+keysChecked]} {
		for _, key := range keys {
			m.checkKey(t, key)
		}
	}
}

func (m *tableMachine) checkKey(t *trace.T, key string) {
	l := m.leases[key]
	if l == nil {
		_, got := m.table.Get(key)
		lookUpFindsNewest.Holds(t, !got, "Get(%q) finds one", key)
		return
	}
	stage, want := m.get(t, key).Stage(m.now, 0), m.stage(l)
	stageFollowsSilence.Holds(t, stage == want, "%q is %v at %v, not %v", key, stage, m.now, want)
}

func (m *tableMachine) stage(l *tableLease) lease.Stage {
	limit := m.limit(0)
	switch {
	case l.expired(limit):
		return lease.Expired
	case l.suspect, l.silent(limit):
		return lease.Suspect
	}
	return lease.Live
}

// checkSnapshots compares what was seen once with what it was. Since when a
// lease is suspect, and whether its service came up, is of now, as long as it
// is there, and then of some earlier moment.
func (m *tableMachine) checkSnapshots(t *trace.T) {
	for _, c := range m.candidates {
		seen, was := m.factsSeen(c.seen), c.facts
		now := seen
		if !c.of.gone {
			now = m.factsOf(c.of)
		}
		was.Up, was.UpAt, was.Published.ServiceUp = now.Up, now.UpAt, now.Published.ServiceUp
		if was.Since = seen.Since; was.Suspected && now.Suspected {
			was.Since = now.Since
		}
		if seen != was {
			snapshotsStay.Holds(t, false, "%+v, not %+v", seen, was)
		}
	}
	snapshotsStay.KeptTimes(len(m.candidates))
}

// limit is the offset before which a deadline has passed. It stops at the ends
// of an int64, which no deadline comes near.
func (m *tableMachine) limit(grace time.Duration) int64 {
	now, _ := m.offset(m.now)
	more := int64(max(grace, 0))
	if m.rule != lease.Exact {
		more = grace.Milliseconds()
	}
	return clampTo(new(big.Int).Sub(big.NewInt(now), big.NewInt(more)), math.MinInt64, math.MaxInt64)
}

// expired compares what a pass finds with the model.
func (m *tableMachine) expired(t *trace.T, grace time.Duration) []tableSnapshot {
	limit := m.limit(grace)
	found := m.table.AppendExpired(nil, m.now, grace)
	m.finds(t, passFindsExpired, found, func(l *tableLease) bool { return l.expired(limit) })
	for _, seen := range found {
		passFindsExpired.Holds(t, seen.IsExpired(m.now, grace), "%q is found at %v with grace %v, and says that it has not expired", seen.Key(), m.now, grace)
	}
	return found
}

// finds compares what a pass found with what is due, and sorts it in the order
// of the registrations.
func (m *tableMachine) finds(t *trace.T, by *law.Law, found []tableSnapshot, due func(*tableLease) bool) {
	slices.SortFunc(found, func(a, b tableSnapshot) int { return cmp.Compare(a.Sequence(), b.Sequence()) })
	for i, seen := range found {
		l := m.leases[seen.Key()]
		if l != nil && l.exempt {
			exemptAreSpared.Holds(t, false, "%q is found at %v", seen.Key(), m.now)
		}
		twice := i > 0 && found[i-1].Sequence() == seen.Sequence()
		if twice || l == nil || seen.Sequence() != l.sequence || !due(l) {
			by.Holds(t, false, "%q is found at %v, twice %t: %+v", seen.Key(), m.now, twice, l)
		}
	}
	wanted := 0
	for _, l := range m.leases {
		switch {
		case due(l):
			wanted++
		case l.exempt:
			exemptAreSpared.Kept()
		}
	}
	by.Holds(t, len(found) == wanted, "%d are found at %v, not %d", len(found), m.now, wanted)
	by.KeptTimes(len(m.leases))
}
