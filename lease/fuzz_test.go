package lease_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// FuzzLease gives a term of any rule any life: a single lease beside one that
// is reckoned with big numbers, and a table of leases beside single ones.
func FuzzLease(f *testing.F) {
	const second = int64(time.Second)
	start := t0.UnixNano()
	f.Add(uint8(lease.Exact), 90*second, 60*second, 30*second, start, []byte("\x08\x00\x00\x08\x01\x01\x05\x3d\x09\x00\x0a\x00\x02\x0a\x01\x02\x09\x01\x00\x00\x03\x04\x00\x0c\x0a\x01\x02\x03\x01\x00"))
	f.Add(uint8(lease.Eureka), 90*second, int64(0), int64(0), start, []byte("\x08\x00\x00\x00\x00\x05\x7f\x00\x00\x05\x5a\x05\x5b\x02\x03\x09\x01\x07\x00\x01\x00\x04\x01\x04\x00\x0a\x01\x02\x03\x00\x00"))
	f.Add(uint8(lease.Eureka), 2_147_483_647*second, int64(0), int64(0), int64(0), []byte("\x08\x00\x00\x01\x00\x0a\x00\x06\x14\x01\x00\x00\x07\x01\x01\x00\x07\x02\x00\x00\x07\x07\x00\x00\x07\x09\x00\x00\x0a\x01\x01\x00"))
	f.Add(uint8(lease.Nacos), 30*second, 15*second, 5*second, start, []byte("\x08\x00\x00\x05\x10\x09\x00\x0b\x00\x09\x00\x00\x00\x0b\x00\x0c\x05\x7f\x09\x00\x08\x00\x01\x09\x01\x05\xff\x00\x00\x0a\x01"))
	f.Add(uint8(lease.Bilibili), 90*second, int64(0), int64(0), start, []byte("\x08\x02\x00\x05\x5b\x09\x01\x08\x02\x01\x05\xff\x00\x02\x09\x01\x0d\x1e\x03\x0a\x01\x02\x03"))
	f.Add(uint8(lease.Exact), int64(lease.MaxDuration), int64(lease.MaxDuration)-1, int64(lease.MaxDuration)-2, start, []byte("\x07\x04\x00\x00\x0a\x00\x0d\x0b\x07\x05\x08\x00\x00\x07\x06\x08\x00\x00\x00\x00\x0a\x00\x07\x00\x00\x00\x0a\x01"))
	f.Add(uint8(lease.Nacos), int64(0), 15*second, int64(0), start, []byte("\x08\x00\x00\x06\x14\x01\x09\x00\x0d\x09\x0a\x07\x03\x00\x00\x07\x09\x00\x00\x09\x01\x08\x01\x01\x07\x05\x08\x03\x00\x07\x06\x08\x02\x00"))
	// A grace of nearly 292 years, far before the beginning.
	f.Add(uint8(lease.Exact), 90*second, int64(0), 30*second, start, []byte("\x08\x00\x00\x06\x33\xc0\x0d\x38\x7f\x09\x01"))
	// Renewed, found suspect with the clock set back, and renewed between the two.
	f.Add(uint8(lease.Exact), 90*second, int64(0), 30*second, start, []byte("\x08\x00\x00\x05\x3c\x00\x00\x05\xec\x0e\x00\x05\x0a\x00\x00\x0e\x00\x05\xf0\x00\x00"))
	f.Add(uint8(9), int64(-1), int64(1), int64(math.MinInt64), int64(math.MaxInt64), []byte("\x08\x00\x0a"))
	f.Fuzz(func(t *testing.T, rule uint8, duration, suspect, interval, start int64, life []byte) {
		raw := lease.Term{Duration: time.Duration(duration), Suspect: time.Duration(suspect), Interval: time.Duration(interval), Rule: lease.Rule(rule)}
		checkTerm(t, raw)
		raw.Rule %= lease.Bilibili + 1
		checkTerm(t, raw)
		short := raw
		short.Duration /= 3
		l := &lives{T: t, tape: life, now: time.Unix(0, start), terms: []lease.Term{fitted(raw), fitted(short)}}
		l.live()
	})
}

// checkTerm checks that exactly the fields are named that are wrong.
func checkTerm(t *testing.T, term lease.Term) {
	d, s, i := int64(term.Duration), int64(term.Suspect), int64(term.Interval)
	seconds, millis := int64(time.Second), int64(time.Millisecond)
	wrong := map[string]bool{}
	switch term.Rule {
	case lease.Exact:
		wrong["Duration"] = d < 1 || d > 1<<61-1
		wrong["Interval"] = i < 1 || i >= d
		wrong["Suspect"] = s != 0 && (s < 0 || s <= i || s >= d)
	case lease.Eureka:
		wrong["Duration"] = d%seconds != 0 || d/seconds != int64(int32(d/seconds))
		wrong["Suspect"] = s != 0
	case lease.Nacos:
		wrong["Duration"] = d < 0 || d%millis != 0
		wrong["Suspect"] = s < 0 || s%millis != 0
	case lease.Bilibili:
		wrong["Duration"] = d < 1 || d%millis != 0
		wrong["Suspect"] = s != 0
	default:
		wrong["Rule"] = true
	}
	err := term.Validate()
	for _, field := range []string{"Duration", "Suspect", "Interval", "Rule"} {
		named := errors.Is(err, lease.ErrInvalid) && strings.Contains(err.Error(), "invalid: "+field+" is ")
		if named != wrong[field] {
			t.Fatalf("%+v: %v", term, err)
		}
	}
}

// fitted is a term that the rule takes, as like the one given as can be.
func fitted(term lease.Term) lease.Term {
	if term.Validate() == nil {
		return term
	}
	below := func(d, end time.Duration) time.Duration { return time.Duration(uint64(d) % uint64(end)) }
	whole := func(d time.Duration) time.Duration { return below(d, math.MaxInt64).Truncate(time.Millisecond) }
	fit := lease.Term{Rule: term.Rule}
	switch term.Rule {
	case lease.Exact:
		fit.Duration = 2 + below(term.Duration, lease.MaxDuration-1)
		fit.Interval = 1 + below(term.Interval, fit.Duration-1)
		if room := fit.Duration - 1 - fit.Interval; room > 0 && term.Suspect != 0 {
			fit.Suspect = fit.Interval + 1 + below(term.Suspect, room)
		}
	case lease.Eureka:
		fit.Duration = time.Duration(int32(term.Duration)) * time.Second
	case lease.Nacos:
		fit.Duration, fit.Suspect = whole(term.Duration), whole(term.Suspect)
	case lease.Bilibili:
		fit.Duration = max(whole(term.Duration), time.Millisecond)
	}
	return fit
}

// tape is what a life consists of. At its end it is all zeros.
type tape []byte

func (t *tape) next() byte {
	if len(*t) == 0 {
		return 0
	}
	first := (*t)[0]
	*t = (*t)[1:]
	return first
}

// number is of any size and sign.
func (t *tape) number() int64 {
	shift := t.next() % 57
	return int64(int8(t.next())) << shift
}

// instants are those at which something may overflow.
var instants = [...]int64{0, 1, -1, reach, reach + 1, -reach, -reach - 1, math.MaxInt64, math.MinInt64, 1 << 61, -1 << 61}

// lives are a single lease and a table, at one instant after the other.
type lives struct {
	*testing.T
	tape
	now        time.Time
	additional time.Duration
	terms      []lease.Term

	single *lease.Lease[string]
	mark   lease.Mark
	want   reckoned
	marked reckoned // as the mark saw it

	table   *table
	origin  time.Time
	shadows map[string]*shadow
}

var fuzzKeys = []string{"a", "b", "a key that is longer than a cell holds", ""}

func (l *lives) live() {
	term := l.terms[0]
	l.single = grant(l, l.now, term)
	l.want = newReckoned(l.now, term)
	l.table, _ = lease.NewTable[string, string](l.now, lease.TableConfig{Rule: term.Rule, MaxLeases: 3})
	l.origin, l.shadows = l.now, map[string]*shadow{}
	for range 40 {
		if len(l.tape) == 0 {
			break
		}
		switch l.next() % 15 {
		case 0:
			l.renew(l.key())
		case 1:
			l.cancel(l.key())
		case 2:
			if mark, ok := l.single.Expired(l.now, l.additional); ok {
				l.mark, l.marked = mark, l.want
			}
		case 3:
			l.evict()
		case 4:
			l.serviceUp(l.next()%2 == 0)
		case 5:
			l.now = l.now.Add(time.Duration(int8(l.next())) * time.Second)
		case 6:
			l.now = l.now.Add(time.Duration(l.number()))
		case 7:
			l.now = time.UnixMilli(instants[int(l.next())%len(instants)])
		case 8:
			l.register(l.key(), l.terms[l.next()%2])
		case 9:
			l.pass(l.next()%2 == 0)
		case 10: // to both sides of a deadline
			l.now = l.single.Deadline().Add(l.additional + time.Duration(int8(l.next())))
		case 11:
			l.exempt(l.key())
		case 12:
			l.renewAll()
		case 13:
			l.additional = time.Duration(l.number())
		case 14:
			l.suspect(l.key())
		}
		l.checkSingle()
		l.checkTable()
	}
}

func (l *lives) key() string { return fuzzKeys[l.next()%4] }

// near reports whether a table can measure the instant.
func (l *lives) near() bool {
	at := big.NewInt(l.now.UnixMilli())
	if l.terms[0].Rule == lease.Exact {
		at = between(l.origin, l.now)
	}
	return at.CmpAbs(big.NewInt(reach)) <= 0
}

// between is the time from one instant to another in nanoseconds.
func between(from, to time.Time) *big.Int {
	d := new(big.Int).Mul(big.NewInt(to.Unix()-from.Unix()), big.NewInt(1e9))
	return d.Add(d, big.NewInt(int64(to.Nanosecond()-from.Nanosecond())))
}

func (l *lives) renew(key string) {
	if got, want := l.single.Renew(l.now), l.want.renew(l.now); got != want {
		l.Fatalf("Renew at %v is %v, want %v", l.now, got, want)
	}
	s := l.shadows[key]
	wantHealed, want := l.renewShadow(s)
	if healed, ok := l.table.RenewTelling(l.now, key); ok != want || healed != wantHealed {
		l.Fatalf("RenewTelling %q at %v is %v, %v, want %v, %v", key, l.now, healed, ok, wantHealed, want)
	}
}

// renewShadow renews the single lease of a key. A suspect one is healed, unless
// it is exempt, or the renewal is older than the suspicion and than another.
func (l *lives) renewShadow(s *shadow) (healed, ok bool) {
	if s == nil || !l.near() {
		return false, false
	}
	last := s.lease.LastRenewal()
	s.lease.Renew(l.now)
	late := s.term.Rule == lease.Exact && !l.now.After(last) && l.now.Before(s.since)
	healed = s.suspect && !s.exempt && !late
	s.suspect = s.suspect && !healed
	return healed, true
}

func (l *lives) renewAll() {
	keys := []string{"", "b", "nobody", "b", "a"}
	want, renewed := make([]bool, len(keys)), make([]bool, len(keys))
	count := 0
	for i, key := range keys {
		if _, want[i] = l.renewShadow(l.shadows[key]); want[i] {
			count++
		}
	}
	got, err := l.table.RenewAll(l.now, keys, renewed)
	if got != count || err != nil || !slices.Equal(renewed, want) {
		l.Fatalf("RenewAll at %v is %d, %v, %v, want %d, %v", l.now, got, renewed, err, count, want)
	}
}

func (l *lives) cancel(key string) {
	if got, want := l.single.Cancel(l.now), l.want.cancel(l.now); got != want {
		l.Fatalf("Cancel at %v is %v, want %v", l.now, got, want)
	}
	departure, ok := l.table.Cancel(key)
	if want := l.shadows[key] != nil; ok != want || ok && departure.Lease.Key() != key {
		l.Fatalf("Cancel %q is %v, want %v", key, ok, want)
	}
	delete(l.shadows, key)
}

func (l *lives) evict() {
	want := l.mark != lease.Mark{} && l.want.live && l.want.renewed == l.marked.renewed && l.want.last.Cmp(l.marked.last) == 0
	if got := l.single.Evict(l.now, l.mark); got != want {
		l.Fatalf("Evict at %v is %v, want %v: %+v, seen as %+v", l.now, got, want, l.want, l.marked)
	}
	if want {
		l.want.end(l.now)
	}
}

func (l *lives) serviceUp(once bool) {
	if !once {
		l.single.SetServiceUp(l.now)
		l.want.setServiceUp(l.now)
		return
	}
	if got, want := l.single.ServiceUp(l.now), !l.want.isUp; got != want {
		l.Fatalf("ServiceUp at %v is %v, want %v", l.now, got, want)
	}
	if !l.want.isUp {
		l.want.setServiceUp(l.now)
	}
}

// checkSingle compares the single lease with the one that is reckoned.
func (l *lives) checkSingle() {
	w := &l.want
	expired, stage := w.expired(l.now, l.additional), w.stage(l.now, l.additional)
	if got := l.single.IsExpired(l.now, l.additional); got != expired {
		l.Fatalf("%+v at %v + %v: expired is %v, want %v", w, l.now, l.additional, got, expired)
	}
	if got := l.single.Stage(l.now, l.additional); got != stage {
		l.Fatalf("%+v at %v + %v is %v, want %v", w, l.now, l.additional, got, stage)
	}
	millis := int64(l.additional) // of any size
	if got, want := l.single.IsExpiredMilli(l.now, millis), w.expiredMilli(l.now, millis); got != want {
		l.Fatalf("%+v at %v + %v ms: expired is %v, want %v", w, l.now, millis, got, want)
	}
	ended, isEnded := l.single.Ended()
	up, isUp := l.single.ServiceUpAt()
	if isEnded != !w.live || isUp != w.isUp {
		l.Fatalf("%+v has ended: %v, is up: %v", w, isEnded, isUp)
	}
	for _, fact := range []struct {
		what      string
		got, want time.Time
		known     bool
	}{
		{"registered", l.single.Registered(), w.registered, true},
		{"renewed", l.single.LastRenewal(), w.lastRenewal(), true},
		{"deadline", l.single.Deadline(), w.deadline(), true},
		{"ended", ended, w.ended, isEnded},
		{"up", up, w.up, isUp},
	} {
		if fact.known && !fact.got.Equal(fact.want) {
			l.Fatalf("%+v: %s at %v, want %v", w, fact.what, fact.got, fact.want)
		}
	}
	if got, want := l.single.Published(), w.published(); got != want {
		l.Fatalf("%+v publishes %+v, want %+v", w, got, want)
	}
}

// shadow is the single lease of a key in the table.
type shadow struct {
	lease           *lease.Lease[string]
	term            lease.Term
	suspect, exempt bool
	since           time.Time
}

func (l *lives) register(key string, term lease.Term) {
	old := l.shadows[key]
	granted, err := l.table.Register(l.now, key, "holder", term)
	far := !l.near()
	long := term.Rule == lease.Exact && term.Duration > lease.MaxTableDuration
	full := old == nil && len(l.shadows) == 3
	if errors.Is(err, lease.ErrFull) != (full && !far && !long) || names(err, "now") != far || names(err, "Duration") != long {
		l.Fatalf("registered %q at %v for %+v: %v", key, l.now, term, err)
	}
	if err != nil {
		return
	}
	if granted.Again != (old != nil) {
		l.Fatalf("registered %q: again is %v", key, granted.Again)
	}
	s := &shadow{lease: grant(l, l.now, term), term: term}
	if old != nil && old.suspect && term.Rule == lease.Nacos {
		s.suspect, s.since = true, old.since
	}
	l.shadows[key] = s
}

func names(err error, field string) bool {
	return errors.Is(err, lease.ErrInvalid) && strings.Contains(err.Error(), "invalid: "+field+" is ")
}

func (l *lives) exempt(key string) {
	s := l.shadows[key]
	on := s == nil || !s.exempt
	if got := l.table.Exempt(key, on); got != (s != nil) {
		l.Fatalf("Exempt %q is %v", key, got)
	}
	if s != nil {
		s.exempt = on
	}
}

// suspect says that a lease is suspect, as a probe may find.
func (l *lives) suspect(key string) {
	s := l.shadows[key]
	seen, _ := l.table.Get(key)
	_, ok := l.table.Suspect(l.now, seen)
	if want := s != nil && l.near() && !s.suspect && !s.exempt; ok != want {
		l.Fatalf("Suspect %q at %v is %v, want %v", key, l.now, ok, want)
	}
	if ok {
		s.suspect, s.since = true, l.now
	}
}

// pass finds suspect, or evicts, what the single leases say.
func (l *lives) pass(suspicion bool) {
	if !l.near() {
		return
	}
	var want, got []string
	for key, s := range l.shadows {
		if due := s.expired(l.now, l.additional); !suspicion && due || suspicion && s.silent(l.now, l.additional) && !s.suspect {
			want = append(want, key)
		}
	}
	if suspicion {
		for _, seen := range l.table.AppendSuspect(nil, l.now, l.additional) {
			got = append(got, seen.Key())
			s := l.shadows[seen.Key()]
			if _, ok := l.table.Suspect(l.now, seen); !ok || s == nil {
				l.Fatalf("%q was not found suspect: %v", seen.Key(), ok)
			}
			s.suspect, s.since = true, l.now
		}
	} else {
		for _, seen := range l.table.AppendExpired(nil, l.now, l.additional) {
			got = append(got, seen.Key())
			if _, ok := l.table.Evict(seen); !ok {
				l.Fatalf("%q was not evicted", seen.Key())
			}
			delete(l.shadows, seen.Key())
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		l.Fatalf("at %v + %v the pass (suspicion: %v) found %q, want %q", l.now, l.additional, suspicion, got, want)
	}
}

func (s *shadow) expired(now time.Time, additional time.Duration) bool {
	return !s.exempt && s.lease.IsExpired(now, additional)
}

// silent reports whether the lease has been silent for longer than its term's
// Suspect, expired or not.
func (s *shadow) silent(now time.Time, additional time.Duration) bool {
	if s.exempt || s.term.Rule != lease.Nacos && s.term.Suspect == 0 {
		return false
	}
	if s.term.Rule == lease.Nacos {
		return now.UnixMilli() > s.lease.LastRenewal().UnixMilli()+s.term.Suspect.Milliseconds()+additional.Milliseconds()
	}
	silence := between(s.lease.LastRenewal(), now)
	return silence.Cmp(new(big.Int).Add(big.NewInt(int64(s.term.Suspect)), big.NewInt(int64(max(additional, 0))))) > 0
}

func (s *shadow) stage(now time.Time, additional time.Duration) lease.Stage {
	switch {
	case s.expired(now, additional):
		return lease.Expired
	case s.suspect, s.silent(now, additional):
		return lease.Suspect
	}
	return lease.Live
}

// checkTable compares the table with the single leases.
func (l *lives) checkTable() {
	suspects := 0
	for _, key := range fuzzKeys {
		s := l.shadows[key]
		seen, ok := l.table.Get(key)
		if ok != (s != nil) {
			l.Fatalf("Get %q is %v, want %v", key, ok, s != nil)
		}
		if !ok {
			continue
		}
		if s.suspect {
			suspects++
		}
		since, suspected := seen.SuspectSince()
		if suspected != s.suspect || seen.Exempt() != s.exempt || suspected && !since.Equal(l.whole(s.since)) {
			l.Fatalf("%q is suspect: %v since %v, exempt: %v, want %+v", key, suspected, since, seen.Exempt(), s)
		}
		if !seen.Deadline().Equal(s.lease.Deadline()) || !seen.LastRenewal().Equal(s.lease.LastRenewal()) || !seen.Registered().Equal(s.lease.Registered()) {
			l.Fatalf("%q: deadline %v, renewed %v, registered %v; want %v, %v, %v", key, seen.Deadline(), seen.LastRenewal(), seen.Registered(),
				s.lease.Deadline(), s.lease.LastRenewal(), s.lease.Registered())
		}
		if !l.near() {
			continue
		}
		if got, want := seen.IsExpired(l.now, l.additional), s.expired(l.now, l.additional); got != want {
			l.Fatalf("%q at %v + %v: expired is %v, want %v", key, l.now, l.additional, got, want)
		}
		if got, want := seen.Stage(l.now, l.additional), s.stage(l.now, l.additional); got != want {
			l.Fatalf("%q at %v + %v is %v, want %v", key, l.now, l.additional, got, want)
		}
	}
	if l.table.Len() != len(l.shadows) || l.table.Suspects() != suspects {
		l.Fatalf("%d leases and %d suspects, want %d and %d", l.table.Len(), l.table.Suspects(), len(l.shadows), suspects)
	}
}

// whole is an instant as the rule keeps it.
func (l *lives) whole(at time.Time) time.Time {
	if l.terms[0].Rule == lease.Exact {
		return at
	}
	return time.UnixMilli(at.UnixMilli())
}

// reckoned is a lease that is reckoned with big numbers: nanoseconds since the
// registration by the exact rule, by the others milliseconds since the epoch,
// which wrap as Java's long does.
type reckoned struct {
	term                lease.Term
	registered          time.Time
	epoch, length       int64
	last                *big.Int
	live, renewed, isUp bool
	ended, up           time.Time
	eviction            time.Time // the end, or what is published as such
	hasEviction         bool
}

func newReckoned(now time.Time, term lease.Term) reckoned {
	r := reckoned{term: term, registered: now, epoch: now.UnixMilli(), live: true, last: new(big.Int)}
	if r.wall() {
		r.registered, r.last = time.UnixMilli(r.epoch), big.NewInt(r.epoch)
		r.length = term.Duration.Milliseconds()
	}
	if term.Rule == lease.Eureka {
		millis := new(big.Int).Mul(big.NewInt(int64(term.Duration/time.Second)), big.NewInt(1000))
		r.length = wrapped(millis, 32).Int64()
	}
	return r
}

func (r *reckoned) wall() bool { return r.term.Rule != lease.Exact }

// wrapped is a number as Java's int or long holds it.
func wrapped(n *big.Int, bits uint) *big.Int {
	half, all := new(big.Int).Lsh(big.NewInt(1), bits-1), new(big.Int).Lsh(big.NewInt(1), bits)
	n = new(big.Int).Add(n, half)
	n.Mod(n, all)
	return n.Sub(n, half)
}

// sum is one of Java's longs.
func sum(terms ...int64) int64 {
	total := new(big.Int)
	for _, term := range terms {
		total.Add(total, big.NewInt(term))
	}
	return wrapped(total, 64).Int64()
}

// elapsed is the time since the registration, as far as a duration can tell.
func (r *reckoned) elapsed(now time.Time) *big.Int {
	d := between(r.registered, now)
	switch {
	case d.IsInt64():
		return d
	case d.Sign() > 0:
		return big.NewInt(math.MaxInt64)
	}
	return big.NewInt(math.MinInt64)
}

func (r *reckoned) renew(now time.Time) bool {
	if !r.wall() {
		at := r.elapsed(now)
		if !r.live || at.Cmp(big.NewInt(1<<61-1)) > 0 {
			return false
		}
		if at.Cmp(r.last) > 0 {
			r.last, r.renewed = at, true
		}
		return true
	}
	last := now.UnixMilli()
	if r.term.Rule == lease.Eureka {
		last = sum(last, r.length)
	}
	if offset := sum(last, -r.epoch); offset < -1<<61 || offset >= 1<<61 || !r.live && r.term.Rule != lease.Eureka {
		return false
	}
	r.last, r.renewed = big.NewInt(last), true
	return r.live
}

func (r *reckoned) cancel(now time.Time) bool {
	if r.term.Rule == lease.Eureka && now.UnixMilli() <= 0 {
		if r.live {
			r.eviction, r.hasEviction = r.kept(now), true
		}
		return false
	}
	ends := r.live
	if ends {
		r.end(now)
	}
	return ends
}

func (r *reckoned) end(now time.Time) {
	r.live = false
	r.ended = r.kept(now)
	r.eviction, r.hasEviction = r.ended, true
}

// kept is an instant as a lease keeps it: at most 2^62 - 1 of its units from
// the registration.
func (r *reckoned) kept(now time.Time) time.Time {
	const most = 1<<62 - 1
	if !r.wall() {
		d := r.elapsed(now).Int64()
		return r.registered.Add(time.Duration(min(max(d, -most), most)))
	}
	d := sum(now.UnixMilli(), -r.epoch)
	return time.UnixMilli(sum(r.epoch, min(max(d, -most), most)))
}

func (r *reckoned) setServiceUp(now time.Time) {
	if r.term.Rule == lease.Eureka {
		r.up, r.isUp = time.UnixMilli(now.UnixMilli()), now.UnixMilli() != 0
		return
	}
	r.up, r.isUp = r.kept(now), true
}

func (r *reckoned) expired(now time.Time, additional time.Duration) bool {
	if r.wall() {
		return r.expiredMilli(now, additional.Milliseconds())
	}
	return !r.live || r.silentFor(now, r.term.Duration, big.NewInt(int64(additional)))
}

// expiredMilli takes what no duration holds for the longest that there is.
func (r *reckoned) expiredMilli(now time.Time, additional int64) bool {
	if r.wall() {
		return !r.live || now.UnixMilli() > sum(r.last.Int64(), r.length, additional)
	}
	nanos := new(big.Int).Mul(big.NewInt(additional), big.NewInt(1e6))
	return !r.live || r.silentFor(now, r.term.Duration, nanos)
}

// silentFor reports whether an exact lease has been silent for so long. No
// silence is known to be longer than the longest duration.
func (r *reckoned) silentFor(now time.Time, term time.Duration, additional *big.Int) bool {
	limit := new(big.Int).Add(r.last, big.NewInt(int64(term)))
	if additional.Sign() > 0 {
		limit.Add(limit, additional)
	}
	return r.elapsed(now).Cmp(limit) > 0
}

func (r *reckoned) stage(now time.Time, additional time.Duration) lease.Stage {
	switch {
	case !r.live:
		return lease.Ended
	case r.expired(now, additional):
		return lease.Expired
	case r.term.Rule == lease.Nacos && now.UnixMilli() > sum(r.last.Int64(), r.term.Suspect.Milliseconds(), additional.Milliseconds()):
		return lease.Suspect
	case !r.wall() && r.term.Suspect != 0 && r.silentFor(now, r.term.Suspect, big.NewInt(int64(additional))):
		return lease.Suspect
	}
	return lease.Live
}

func (r *reckoned) instant(more int64) time.Time {
	if r.wall() {
		return time.UnixMilli(sum(r.last.Int64(), more))
	}
	return r.registered.Add(time.Duration(r.last.Int64())).Add(time.Duration(more))
}

func (r *reckoned) deadline() time.Time {
	if r.wall() {
		return r.instant(r.length)
	}
	return r.instant(int64(r.term.Duration))
}

func (r *reckoned) lastRenewal() time.Time {
	if r.term.Rule == lease.Eureka && r.renewed {
		return r.instant(-r.length)
	}
	return r.instant(0)
}

func (r *reckoned) published() lease.Timestamps {
	p := lease.Timestamps{Registration: r.epoch, LastRenewal: r.instant(0).UnixMilli()}
	if r.hasEviction {
		p.Eviction = r.eviction.UnixMilli()
	}
	if r.isUp {
		p.ServiceUp = r.up.UnixMilli()
	}
	return p
}
