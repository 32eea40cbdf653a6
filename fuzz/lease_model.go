package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
)

var (
	expiresAsTheOriginal = law.New("expires-as-the-original", "a lease under Eureka's, Nacos's or bilibili's rule expires at the millisecond that the original's arithmetic gives")
	neverExpiredEarly    = law.New("never-expired-early", "an exact lease never expires before its last renewal + term + grace")
	expiredWhenSilent    = law.New("expired-when-silent", "an exact lease that has been silent for longer than its term + grace has expired")
	stageFollowsSilence  = law.New("stage-follows-silence", "a lease is live, then suspect if its term has that stage, then expired, as its silence grows")
	neverShortened       = law.New("never-shortened", "an older now never shortens an exact lease")
	renewalIsAnswered    = law.New("renewal-is-answered", "a renewal is taken if and only if the lease lives and the instant is within its reach")
	cancelEnds           = law.New("cancel-ends", "a cancel ends a lease that lives; under Eureka's rule only after the Unix epoch")
	endedForGood         = law.New("ended-for-good", "a lease that ended stays ended, and says false to renewals")
	exactlyOneEnd        = law.New("exactly-one-end", "a lease is ended by exactly one call")
	renewalRescues       = law.New("renewal-rescues", "a lease that has changed since a pass saw it, by a renewal above all, is not evicted by that pass")
	evictsWhatWasSeen    = law.New("evicts-what-was-seen", "a lease that is still as a pass saw it, expired, can be evicted by that pass")
	markIsItsLeases      = law.New("mark-is-its-leases", "the mark of one lease evicts no other, and the zero mark none")
	serviceUpOnce        = law.New("service-up-once", "that a service came up is told once, until it is overwritten; under Eureka's rule the Unix epoch means never")
	leaseFactsAreTrue    = law.New("lease-facts-are-true", "a lease shows its holder, term, registration, last renewal, deadline, end and service as they are")
)

// leaseModel is what a lease under one rule has to be indistinguishable from.
type leaseModel interface {
	renew(now time.Time) bool
	cancel(now time.Time) bool
	evict(now time.Time)
	serviceUp(now time.Time) bool
	setServiceUp(at time.Time)
	expired(now time.Time, additional time.Duration) bool
	expiredMilli(now time.Time, additional int64) bool
	stage(now time.Time, additional time.Duration) lease.Stage
	facts() leaseFacts
	// update is what a pass sees of the lease, and an eviction compares.
	update() leaseUpdate
}

// leaseFacts is everything that a lease publishes without being told an
// instant.
type leaseFacts struct {
	Registered, LastRenewal, Deadline time.Time
	EndedAt                           time.Time
	Ended                             bool
	UpAt                              time.Time
	Up                                bool
	Published                         lease.Timestamps
}

func factsOf(l *lease.Lease[string]) leaseFacts {
	f := leaseFacts{
		Registered:  l.Registered(),
		LastRenewal: l.LastRenewal(),
		Deadline:    l.Deadline(),
		Published:   l.Published(),
	}
	f.EndedAt, f.Ended = l.Ended()
	f.UpAt, f.Up = l.ServiceUpAt()
	return f
}

type leaseUpdate struct {
	last    time.Time
	renewed bool
	live    bool
}

func (u leaseUpdate) equal(other leaseUpdate) bool {
	return u.last.Equal(other.last) && u.renewed == other.renewed && u.live == other.live
}

// exactModel is the exact rule in plain instants and unbounded integers.
type exactModel struct {
	term       lease.Term
	registered time.Time
	last       time.Time
	ended, up  *time.Time
}

// reach is how far from its registration an exact lease keeps instants that
// are only facts: 146 years.
const reach = 1<<62 - 1

func (m *exactModel) renew(now time.Time) bool {
	if m.ended != nil || nanosBetween(m.registered, now).Cmp(sumOf(lease.MaxDuration)) > 0 {
		return false
	}
	if now.After(m.last) {
		m.last = now
	}
	return true
}

func (m *exactModel) cancel(now time.Time) bool {
	was := m.ended == nil
	if was {
		m.evict(now)
	}
	return was
}

func (m *exactModel) evict(now time.Time) { m.ended = m.kept(now) }

func (m *exactModel) serviceUp(now time.Time) bool {
	was := m.up == nil
	if was {
		m.setServiceUp(now)
	}
	return was
}

func (m *exactModel) setServiceUp(at time.Time) { m.up = m.kept(at) }

// kept returns the instant, or the one at the end of the reach on its side.
func (m *exactModel) kept(at time.Time) *time.Time {
	offset := clampTo(nanosBetween(m.registered, at), -reach, reach)
	kept := m.registered.Add(time.Duration(offset))
	return &kept
}

func (m *exactModel) expired(now time.Time, additional time.Duration) bool {
	return m.ended != nil || m.silent(now, m.term.Duration, sumOf(max(additional, 0)))
}

func (m *exactModel) expiredMilli(now time.Time, additional int64) bool {
	nanos := new(big.Int).Mul(big.NewInt(max(additional, 0)), big.NewInt(int64(time.Millisecond)))
	return m.ended != nil || m.silent(now, m.term.Duration, nanos)
}

// silent is strict, and a sum that fills a time.Duration counts as one that
// it does not hold: it is never exceeded.
func (m *exactModel) silent(now time.Time, term time.Duration, additional *big.Int) bool {
	limit := nanosBetween(m.registered, m.last)
	limit.Add(limit, sumOf(term)).Add(limit, additional)
	return limit.Cmp(sumOf(math.MaxInt64)) < 0 && nanosBetween(m.registered, now).Cmp(limit) > 0
}

func (m *exactModel) stage(now time.Time, additional time.Duration) lease.Stage {
	switch {
	case m.ended != nil:
		return lease.Ended
	case m.expired(now, additional):
		return lease.Expired
	case m.term.Suspect > 0 && m.silent(now, m.term.Suspect, sumOf(max(additional, 0))):
		return lease.Suspect
	}
	return lease.Live
}

func (m *exactModel) facts() leaseFacts {
	f := leaseFacts{
		Registered:  m.registered,
		LastRenewal: m.last,
		Deadline:    m.last.Add(m.term.Duration),
		Published:   lease.Timestamps{Registration: m.registered.UnixMilli(), LastRenewal: m.last.UnixMilli()},
	}
	if m.ended != nil {
		f.EndedAt, f.Ended = *m.ended, true
		f.Published.Eviction = m.ended.UnixMilli()
	}
	if m.up != nil {
		f.UpAt, f.Up = *m.up, true
		f.Published.ServiceUp = m.up.UnixMilli()
	}
	return f
}

// update has no use for a renewed flag: the first renewal at the instant of
// the registration changes nothing about when the lease expires.
func (m *exactModel) update() leaseUpdate {
	return leaseUpdate{last: m.last, live: m.ended == nil}
}

// eurekaModel is the original's lease, written from its quirks: milliseconds
// of the wall clock in int64, all sums wrapping as Java's do.
type eurekaModel struct {
	registered                                       time.Time
	registration, last, eviction, serviceUpTimestamp int64
	duration                                         int64
	renewed, ended                                   bool
}

// farthestUpdate is how far from the registration a Eureka lease keeps its
// last update, in milliseconds: 73 million years.
const farthestUpdate = 1<<61 - 1

func newEurekaModel(now time.Time, term lease.Term) *eurekaModel {
	seconds := int32(term.Duration / time.Second)
	return &eurekaModel{
		registered:   time.UnixMilli(now.UnixMilli()), // all facts are whole milliseconds
		registration: now.UnixMilli(),
		last:         now.UnixMilli(),
		duration:     int64(seconds * 1000), // an int in Java too (L3)
	}
}

func (m *eurekaModel) renew(now time.Time) bool {
	last := now.UnixMilli() + m.duration // future-dated (L1), also backwards (L8)
	if distance := last - m.registration; distance < -farthestUpdate-1 || distance > farthestUpdate {
		return false
	}
	m.last, m.renewed = last, true // also after the end (L7)
	return !m.ended
}

func (m *eurekaModel) cancel(now time.Time) bool {
	if m.ended {
		return false
	}
	m.eviction = now.UnixMilli()
	m.ended = m.eviction > 0 // at or before the epoch it does not count (L6)
	return m.ended
}

func (m *eurekaModel) evict(now time.Time) { m.eviction, m.ended = now.UnixMilli(), true }

func (m *eurekaModel) serviceUp(now time.Time) bool {
	was := m.serviceUpTimestamp == 0 // 0 re-arms it (L9)
	if was {
		m.setServiceUp(now)
	}
	return was
}

func (m *eurekaModel) setServiceUp(at time.Time) { m.serviceUpTimestamp = at.UnixMilli() }

func (m *eurekaModel) expired(now time.Time, additional time.Duration) bool {
	return m.expiredMilli(now, int64(additional/time.Millisecond))
}

func (m *eurekaModel) expiredMilli(now time.Time, additional int64) bool {
	return m.ended || now.UnixMilli() > m.last+m.duration+additional // L2, L4, L5
}

func (m *eurekaModel) stage(now time.Time, additional time.Duration) lease.Stage {
	switch {
	case m.ended:
		return lease.Ended
	case m.expired(now, additional):
		return lease.Expired
	}
	return lease.Live
}

func (m *eurekaModel) facts() leaseFacts {
	f := leaseFacts{
		Registered:  m.registered,
		LastRenewal: m.registered,
		Deadline:    time.UnixMilli(m.last + m.duration),
		Published: lease.Timestamps{
			Registration: m.registration,
			LastRenewal:  m.last, // in the future after a renewal (L10)
			Eviction:     m.eviction,
			ServiceUp:    m.serviceUpTimestamp,
		},
	}
	if m.renewed {
		f.LastRenewal = time.UnixMilli(m.last - m.duration)
	}
	if m.ended {
		f.EndedAt, f.Ended = time.UnixMilli(m.eviction), true
	}
	if m.serviceUpTimestamp != 0 {
		f.UpAt, f.Up = time.UnixMilli(m.serviceUpTimestamp), true
	}
	return f
}

func (m *eurekaModel) update() leaseUpdate {
	return leaseUpdate{last: time.UnixMilli(m.last), renewed: m.renewed, live: !m.ended}
}

// nacosModel is Nacos's instance, written from its quirks: the last beat in
// milliseconds of the wall clock, and two timeouts that it is compared with.
// Bilibili's has only one of them.
type nacosModel struct {
	exactModel // for what it keeps and shows, not for what it does
	renewed    bool
}

func newNacosModel(now time.Time, term lease.Term) *nacosModel {
	registered := time.UnixMilli(now.UnixMilli())
	return &nacosModel{exactModel: exactModel{term: term, registered: registered, last: registered}}
}

// renew takes every beat, also one that the clock was set back for (N10).
func (m *nacosModel) renew(now time.Time) bool {
	distance := now.UnixMilli() - m.registered.UnixMilli()
	if m.ended != nil || distance < -farthestUpdate-1 || distance > farthestUpdate {
		return false
	}
	m.last, m.renewed = time.UnixMilli(now.UnixMilli()), true
	return true
}

func (m *nacosModel) cancel(now time.Time) bool {
	was := m.ended == nil
	if was {
		m.evict(now)
	}
	return was
}

func (m *nacosModel) evict(now time.Time) { m.ended = wholeMillis(now) }

func (m *nacosModel) serviceUp(now time.Time) bool {
	was := m.up == nil
	if was {
		m.setServiceUp(now)
	}
	return was
}

func (m *nacosModel) setServiceUp(at time.Time) { m.up = wholeMillis(at) }

func wholeMillis(at time.Time) *time.Time {
	whole := time.UnixMilli(at.UnixMilli())
	return &whole
}

func (m *nacosModel) expired(now time.Time, additional time.Duration) bool {
	return m.expiredMilli(now, additional.Milliseconds())
}

func (m *nacosModel) expiredMilli(now time.Time, additional int64) bool {
	return m.ended != nil || m.silentMillis(now, m.term.Duration, additional)
}

// silentMillis is strict (N1), at a timeout of 0 as well (N3). The sum wraps as
// Java's do.
func (m *nacosModel) silentMillis(now time.Time, timeout time.Duration, additional int64) bool {
	return now.UnixMilli() > m.last.UnixMilli()+timeout.Milliseconds()+additional
}

func (m *nacosModel) stage(now time.Time, additional time.Duration) lease.Stage {
	switch {
	case m.ended != nil:
		return lease.Ended
	case m.expired(now, additional): // whether or not it has been suspect (N2)
		return lease.Expired
	case m.term.Rule == lease.Nacos && m.silentMillis(now, m.term.Suspect, additional.Milliseconds()):
		return lease.Suspect
	}
	return lease.Live
}

func (m *nacosModel) facts() leaseFacts {
	f := m.exactModel.facts()
	f.Deadline = time.UnixMilli(m.last.UnixMilli() + m.term.Duration.Milliseconds())
	return f
}

// update tells the first renewal from none: it is stored, wherever it lies.
func (m *nacosModel) update() leaseUpdate {
	return leaseUpdate{last: m.last, renewed: m.renewed, live: m.ended == nil}
}

// leaseMachine drives a lease and its model through the same calls.
type leaseMachine struct {
	rule  lease.Rule
	now   time.Time
	lease *lease.Lease[string]
	model leaseModel

	mark     lease.Mark
	seen     leaseUpdate // what the mark was made from
	expired  bool        // and whether the lease had expired then
	foreign  lease.Mark  // of the lease before this one
	ends     int         // calls that reported to have ended the lease
	deadline time.Time   // at the last check
	endedAt  *time.Time  // at the first check after the end
}

func driveLease(rule lease.Rule) trace.Machine {
	return trace.Machine{Name: "lease-" + rule.String(), Start: func(t *trace.T) trace.Operations {
		m := &leaseMachine{rule: rule, now: drawEdge(t)}
		m.grant(t)
		return trace.Operations{
			"":           m.check,
			"grant":      m.grant,
			"renew":      m.renew,
			"cancel":     m.cancel,
			"collect":    m.collect,
			"evict":      m.evict,
			"pass":       m.pass,
			"service-up": m.serviceUp,
			"ask":        m.ask,
		}
	}}
}

func (m *leaseMachine) move(t *trace.T) {
	m.now = drawInstant(t, m.now, m.lease.Deadline(), m.lease.LastRenewal(), m.lease.Registered(), m.mostRenewed())
}

// mostRenewed is the last instant at which the lease can be renewed.
func (m *leaseMachine) mostRenewed() time.Time {
	switch model := m.model.(type) {
	case *eurekaModel:
		return time.UnixMilli(model.registration + farthestUpdate - model.duration)
	case *nacosModel:
		return time.UnixMilli(model.registered.UnixMilli() + farthestUpdate)
	}
	return m.lease.Registered().Add(lease.MaxDuration)
}

// grant replaces the lease by a new one, as a registration does. Beyond the
// edges it begins anew at one of them, lest the clock run away.
func (m *leaseMachine) grant(t *trace.T) {
	if distance := m.now.UnixMilli(); distance < -farthestEdge || distance > farthestEdge {
		m.now = drawEdge(t)
	}
	term := drawTerm(t, m.rule)
	granted := mustGrant(t, m.now, term)
	leaseFactsAreTrue.Holds(t, granted.Term() == term && granted.Holder() == "holder", "%q has the term %+v, not %+v", granted.Holder(), granted.Term(), term)
	*m = leaseMachine{rule: m.rule, now: m.now, lease: granted, foreign: m.mark, deadline: granted.Deadline()}
	switch m.rule {
	case lease.Exact:
		m.model = &exactModel{term: term, registered: m.now, last: m.now}
	case lease.Eureka:
		m.model = newEurekaModel(m.now, term)
	case lease.Nacos, lease.Bilibili:
		m.model = newNacosModel(m.now, term)
	}
}

func (m *leaseMachine) renew(t *trace.T) {
	m.move(t)
	m.renewNow(t)
}

func (m *leaseMachine) renewNow(t *trace.T) {
	got, want := m.lease.Renew(m.now), m.model.renew(m.now)
	if m.ends > 0 {
		endedForGood.Holds(t, !got, "it was renewed at %v", m.now)
	}
	m.checkDeadline(t)
	renewalIsAnswered.Holds(t, got == want, "Renew(%v) = %t, not %t", m.now, got, want)
}

func (m *leaseMachine) cancel(t *trace.T) {
	m.move(t)
	got, want := m.lease.Cancel(m.now), m.model.cancel(m.now)
	m.countEnd(t, got)
	cancelEnds.Holds(t, got == want, "Cancel(%v) = %t, not %t", m.now, got, want)
}

// collect is the first half of a pass: what it sees is evicted later, or not.
func (m *leaseMachine) collect(t *trace.T) {
	m.move(t)
	grace := drawGrace(t)
	want := m.model.expired(m.now, grace)
	m.mark, m.expired = m.lease.Expired(m.now, grace)
	m.seen = m.model.update()
	m.expires(t, m.expired, want, "Expired(%v, %v) = %t", m.now, grace, m.expired)
	if !m.expired {
		markIsItsLeases.Holds(t, m.mark == lease.Mark{}, "a lease that has not expired has a mark")
	}
}

func (m *leaseMachine) evict(t *trace.T) {
	m.move(t)
	markIsItsLeases.Holds(t, !m.lease.Evict(m.now, m.foreign), "that of the lease before evicts this one")
	got := m.lease.Evict(m.now, m.mark)
	m.countEnd(t, got)
	switch now := m.model.update(); {
	case !m.expired:
		markIsItsLeases.Holds(t, !got, "the zero mark evicts %+v", now)
	case !now.live:
		endedForGood.Holds(t, !got, "it is evicted")
	case m.seen.equal(now):
		evictsWhatWasSeen.Holds(t, got, "%+v is not evicted", now)
	default:
		renewalRescues.Holds(t, !got, "seen %+v, evicted as %+v", m.seen, now)
	}
	if got {
		m.model.evict(m.now)
	}
}

// pass collects and evicts, with or without a renewal in between, which may be
// one that was sent at the instant of the last.
func (m *leaseMachine) pass(t *trace.T) {
	m.collect(t)
	switch trace.SampledFrom([]string{"no", "again", "any"}).Draw(t, "renewed meanwhile") {
	case "again":
		m.now = m.lease.LastRenewal()
		m.renewNow(t)
	case "any":
		m.renew(t)
	}
	m.evict(t)
}

func (m *leaseMachine) countEnd(t *trace.T, ended bool) {
	if ended {
		m.ends++
	}
	exactlyOneEnd.Holds(t, m.ends <= 1, "%d calls ended it", m.ends)
}

func (m *leaseMachine) serviceUp(t *trace.T) {
	m.move(t)
	if trace.Bool().Draw(t, "overwrite") {
		m.lease.SetServiceUp(m.now)
		m.model.setServiceUp(m.now)
		return
	}
	got, want := m.lease.ServiceUp(m.now), m.model.serviceUp(m.now)
	serviceUpOnce.Holds(t, got == want, "ServiceUp(%v) = %t, not %t", m.now, got, want)
}

// ask asks with milliseconds that no time.Duration need hold.
func (m *leaseMachine) ask(t *trace.T) {
	m.move(t)
	additional := trace.OneOf(
		trace.Int64Range(-200_000, 200_000),
		trace.SampledFrom([]int64{
			math.MaxInt64, math.MinInt64, math.MinInt64 + 1,
			math.MaxInt64 / 1_000_000, math.MaxInt64/1_000_000 + 1,
			math.MinInt64 / 1_000_000, math.MinInt64/1_000_000 - 1,
		}),
		trace.Int64(),
	).Draw(t, "additional ms")
	got := m.lease.IsExpiredMilli(m.now, additional)
	m.expires(t, got, m.model.expiredMilli(m.now, additional), "IsExpiredMilli(%v, %d) = %t", m.now, additional, got)
}

// expires judges what the lease says about its expiry.
func (m *leaseMachine) expires(t *trace.T, got, want bool, format string, args ...any) {
	switch {
	case m.ends > 0:
		endedForGood.Holds(t, got, format, args...)
	case m.rule != lease.Exact:
		expiresAsTheOriginal.Holds(t, got == want, format, args...)
	case want:
		expiredWhenSilent.Holds(t, got, format, args...)
	default:
		neverExpiredEarly.Holds(t, !got, format, args...)
	}
}

// check knows all laws. The facts come last: most violations show in them, too.
func (m *leaseMachine) check(t *trace.T) {
	m.checkEnd(t)
	m.checkDeadline(t)
	for _, grace := range graces {
		m.checkExpiry(t, grace)
	}
	diff := cmp.Diff(m.model.facts(), factsOf(m.lease))
	leaseFactsAreTrue.Holds(t, diff == "", "(-model +lease)\n%s", diff)
}

func (m *leaseMachine) checkEnd(t *trace.T) {
	at, ended := m.lease.Ended()
	exactlyOneEnd.Holds(t, ended == (m.ends == 1), "%d calls ended it, Ended says %t", m.ends, ended)
	if !ended {
		return
	}
	if m.endedAt == nil {
		m.endedAt = &at
	}
	endedForGood.Holds(t, at.Equal(*m.endedAt), "the end moved from %v to %v", *m.endedAt, at)
	endedForGood.Holds(t, m.lease.Stage(m.now, math.MaxInt64) == lease.Ended, "it is %v", m.lease.Stage(m.now, math.MaxInt64))
}

func (m *leaseMachine) checkDeadline(t *trace.T) {
	deadline := m.lease.Deadline()
	if m.rule == lease.Exact {
		neverShortened.Holds(t, !deadline.Before(m.deadline), "the deadline went from %v to %v", m.deadline, deadline)
	}
	m.deadline = deadline
}

func (m *leaseMachine) checkExpiry(t *trace.T, grace time.Duration) {
	got := m.lease.IsExpired(m.now, grace)
	m.expires(t, got, m.model.expired(m.now, grace), "IsExpired(%v, %v) = %t", m.now, grace, got)
	stage, modelled := m.lease.Stage(m.now, grace), m.model.stage(m.now, grace)
	stageFollowsSilence.Holds(t, stage == modelled, "Stage(%v, %v) is %v, not %v", m.now, grace, stage, modelled)
}

// drawTerm draws a valid term, often one at the ends of what is valid.
func drawTerm(t *trace.T, rule lease.Rule) lease.Term {
	switch rule {
	case lease.Bilibili:
		return lease.Term{Duration: max(drawMillis(t, "duration"), time.Millisecond), Rule: rule}
	case lease.Nacos:
		return lease.Term{Duration: drawMillis(t, "duration"), Suspect: drawMillis(t, "suspect"), Rule: rule}
	case lease.Eureka:
		seconds := trace.OneOf(
			trace.SampledFrom([]int32{90, 0, -1, 1, 2_147_483, 2_147_484, math.MaxInt32, math.MinInt32}),
			trace.Int32(),
		).Draw(t, "seconds")
		return lease.Term{Duration: time.Duration(seconds) * time.Second, Rule: lease.Eureka}
	}
	term := lease.Term{Duration: trace.OneOf(
		trace.SampledFrom([]time.Duration{90 * time.Second, 2, time.Millisecond, lease.MaxDuration}),
		trace.Map(trace.Int64Range(2, int64(lease.MaxDuration)), func(n int64) time.Duration { return time.Duration(n) }),
	).Draw(t, "duration")}
	term.Interval = time.Duration(trace.Int64Range(1, int64(term.Duration)-1).Draw(t, "interval"))
	if term.Duration-term.Interval > 1 && trace.Bool().Draw(t, "suspects") {
		term.Suspect = time.Duration(trace.Int64Range(int64(term.Interval)+1, int64(term.Duration)-1).Draw(t, "suspect"))
	}
	return term
}

// drawMillis draws a timeout of Nacos's.
func drawMillis(t *trace.T, name string) time.Duration {
	const longest = math.MaxInt64 / int64(time.Millisecond)
	millis := trace.OneOf(
		trace.SampledFrom([]int64{15_000, 30_000, 0, 1, longest}),
		trace.Int64Range(0, 120_000),
		trace.Int64Range(0, longest),
	).Draw(t, name)
	return time.Duration(millis) * time.Millisecond
}

// brokenFields reads the fields' documentation literally.
func brokenFields(term lease.Term) (broken fieldsBroken) {
	switch term.Rule {
	case lease.Exact:
		broken.check("Duration", term.Duration <= 0 || term.Duration > lease.MaxDuration)
		broken.check("Interval", term.Interval <= 0 || term.Interval >= term.Duration)
		broken.check("Suspect", term.Suspect != 0 && (term.Suspect < 0 || term.Suspect <= term.Interval || term.Suspect >= term.Duration))
	case lease.Eureka:
		broken.check("Duration", !fitsJavaSeconds(term.Duration))
		broken.check("Suspect", term.Suspect != 0)
	case lease.Nacos:
		broken.check("Duration", !isMillis(term.Duration))
		broken.check("Suspect", !isMillis(term.Suspect))
	case lease.Bilibili:
		broken.check("Duration", term.Duration == 0 || !isMillis(term.Duration))
		broken.check("Suspect", term.Suspect != 0)
	default:
		broken.check("Rule", true)
	}
	return broken
}

// fitsJavaSeconds reports whether Java's int holds d in seconds.
func fitsJavaSeconds(d time.Duration) bool {
	return d == d.Truncate(time.Second) && d >= math.MinInt32*time.Second && d <= math.MaxInt32*time.Second
}

// isMillis reports whether d is whole milliseconds, none included.
func isMillis(d time.Duration) bool { return d >= 0 && d == d.Truncate(time.Millisecond) }

var deafToWallSteps = law.New("deaf-to-wall-steps", "a step of the wall clock neither ages nor rejuvenates an exact lease whose instants carry a monotonic reading")

// Two leases live the same life, but for one of them the wall clock is
// stepped now and then. Nothing that they decide may differ.
var driveLeaseUnderWallSteps = trace.Machine{Name: "lease-under-wall-steps", Start: func(t *trace.T) trace.Operations {
	term := lease.Term{Duration: 90 * time.Second, Suspect: 60 * time.Second, Interval: 30 * time.Second}
	steady, stepped := mustGrant(t, monotonic, term), mustGrant(t, monotonic, term)
	now, offset := monotonic, time.Duration(0)
	return trace.Operations{
		"pass": func(t *trace.T) {
			now = now.Add(time.Duration(trace.Int64Range(0, int64(2*time.Minute)).Draw(t, "span")))
		},
		"step":  func(t *trace.T) { offset += drawStep(t) },
		"renew": func(*trace.T) { steady.Renew(now); stepped.Renew(stepWall(now, offset)) },
		"": func(t *trace.T) {
			for _, grace := range []time.Duration{0, time.Second, time.Minute} {
				got, want := stepped.Stage(stepWall(now, offset), grace), steady.Stage(now, grace)
				deafToWallSteps.Holds(t, got == want, "%v instead of %v after steps of %v in all", got, want, offset)
			}
		},
	}
}}

// mustGrant grants a lease for a term that is valid.
func mustGrant(t law.T, now time.Time, term lease.Term) *lease.Lease[string] {
	t.Helper()
	granted, err := lease.New(now, "holder", term)
	namesEveryProblem.Holds(t, err == nil, "nothing is wrong with %+v: %v", term, err)
	return granted
}

// drawStep draws a step of the wall clock, up to an hour either way.
func drawStep(t *trace.T) time.Duration {
	return time.Duration(trace.Int64Range(int64(-time.Hour), int64(time.Hour)).Draw(t, "step"))
}
