package fuzz

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// kernelMachine drives a kernel and its model through the same calls.
type kernelMachine struct {
	operations trace.Operations
	t          *trace.T // of the operation under way, for the hooks
	hostile    bool
	divided    bool // others decide about some keys
	now        time.Time
	kernel     *intKernel
	model      kernelModel
	handles    []kernelHandle
	granted    int
	told       *follower
	proposed   []proposedLease
	promised   [kernelKeys]promisedPass
	awaited    *kernelLease // whose eviction waitAsTold waits for

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

// String is the lease's number, in traces.
func (h kernelHandle) String() string { return strconv.Itoa(h.of.number) }

// driveKernel names the machine of a release such as kernel-eureka-v1.9.3.
func driveKernel(name string, release preserve.Release) trace.Machine {
	name = strings.ReplaceAll(strings.ReplaceAll(name, " - ", "-"), " ", "-")
	return trace.Machine{Name: "kernel-" + name, Start: func(t *trace.T) trace.Operations {
		m := newKernelMachine(t, release)
		m.operations = trace.Operations{
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
		return m.operations
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
	if trace.Bool().Draw(t, "view") {
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
	config.Term = drawTermOf(t, terms)
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
	m.operations[trace.SampledFrom([]string{
		"register", "renew", "renew-all", "renew-by-handle", "renew-telling", "cancel", "suspect", "exempt", "responsible", "switch", "evict-proposed",
	}).Draw(t, "meanwhile")](t)
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
	m.operations[trace.SampledFrom([]string{"tick", "evict", "evict-forgiving"}).Draw(t, "pass")](t)
}

// writtenTerm is a term as traces have it.
type writtenTerm lease.Term

func (w writtenTerm) String() string {
	return fmt.Sprintf("%v,%v,%v", w.Duration, w.Suspect, w.Interval)
}

func drawTermOf(t *trace.T, terms []lease.Term) lease.Term {
	var written []writtenTerm
	for _, term := range terms {
		written = append(written, writtenTerm(term))
	}
	return lease.Term(trace.SampledFrom(written).Draw(t, "term"))
}

// kernelTerms are terms that are given, each good under some rules.
var kernelTerms = []lease.Term{
	{}, {}, {Duration: 90 * time.Second, Interval: 30 * time.Second}, {Duration: 10 * time.Second, Interval: 7 * time.Second, Rule: lease.Eureka},
	{Duration: 20 * time.Second, Suspect: 15 * time.Second, Interval: time.Second}, {Duration: 1, Interval: 1}, {Duration: 2, Interval: 1},
	{Duration: 5 * time.Second, Suspect: 20 * time.Second}, {Suspect: 3 * time.Second},
	{Interval: time.Second}, {Duration: -time.Second}, {Duration: 2_147_484 * time.Second, Interval: time.Hour}, {Duration: 1 << 60, Interval: time.Second},
}

func (m *kernelMachine) register(t *trace.T) {
	key, given := m.drawKey(t), drawTermOf(t, kernelTerms)
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
	grantsInRange.Holds(t, (err == nil) == accepted, "%d is registered at %v for %+v: %v", key, m.now, term, err)
	grantsInRange.Holds(t, !full || errors.Is(err, lease.ErrFull), "%d is registered for %+v in a full table: %v", key, term, err)
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
	renewalsAnswered.Holds(t, got == want, "%s(%v, %d) = %t", how, m.now, key, got)
}

func (m *kernelMachine) renewAll(t *trace.T) {
	keys := make([]int, trace.IntRange(0, 12).Draw(t, "how many"))
	for i := range keys {
		keys[i] = trace.IntRange(0, kernelKeys-1).Draw(t, "key")
	}
	if trace.IntRange(0, 9).Draw(t, "wrong length") == 9 {
		_, err := m.kernel.RenewAll(m.now, keys, make([]bool, len(keys)+1))
		namesEveryProblem.Holds(t, errors.Is(err, leasekernel.ErrInvalid), "%d answers for %d keys: %v", len(keys)+1, len(keys), err)
		return
	}
	renewed, want := make([]bool, len(keys)), make([]bool, len(keys))
	count, err := m.kernel.RenewAll(m.now, keys, renewed)
	for i, key := range keys {
		if want[i] = m.model.renew(m.now, m.model.find(key), &m.model.all); want[i] {
			count--
		}
	}
	renewalsAnswered.Holds(t, err == nil && count == 0 && slices.Equal(renewed, want), "RenewAll(%v, %v): %v: %v, want %v", m.now, keys, err, renewed, want)
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
	renewalsAnswered.Holds(t, got == want, "lease %d of %d is renewed by its handle at %v: %t", handle.of.number, handle.of.key, m.now, got)
}

// renewTelling asks whether a renewal heals, which is seen at once.
func (m *kernelMachine) renewTelling(t *trace.T) {
	key := m.drawKey(t)
	healed, ok := m.kernel.RenewTelling(m.now, key)
	wantHealed, want := m.model.renewTelling(m.now, m.model.find(key), &m.model.all)
	renewalsAnswered.Holds(t, ok == want, "RenewTelling(%v, %d) = %t, %t", m.now, key, healed, ok)
	held, _ := m.kernel.Get(key)
	healsAtOnce.Holds(t, healed == wantHealed && !(healed && held.Suspected()), "a renewal of %d heals, %t, want %t", key, healed, wantHealed)
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
	if trace.IntRange(0, 9).Draw(t, "stops") > 0 {
		return
	}
	m.kernel.Stop()
	m.model.stopped = true
	m.model.rotation.running, m.model.eviction.running, m.model.update.running = false, false, false
}
