package leasekernel_test

import (
	"errors"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// FuzzKernel reads metadata, validates a config of any bits, and lets a kernel
// live with as much of it as is valid.
func FuzzKernel(f *testing.F) {
	const second, minute = int64(time.Second), int64(time.Minute)
	settings := "\x05\x00\x14\x00\x00\x00\x00\x24\x01\x00\x00\x00\x00\x00\x00\x05\x01\x00\x01"
	f.Add(byte(0), byte(lease.Exact), 90*second, int64(0), 30*second, minute, 10*second, 0.5, "5000", "15000", "30000",
		[]byte(settings+"\x00\x00\x00\x01\x01\x00\x05\x1e\x01\x00\x05\x1e\x01\x00\x03\x05\x5b\x03\x03\x03\x05\x28\x03\x02\x00"))
	f.Add(byte(0), byte(lease.Exact), 90*second, 60*second, 30*second, int64(0), 10*second, 0.0, "", "-1", "+30000",
		[]byte(settings+"\x00\x00\x00\x02\x05\x3d\x03\x07\x01\x05\x14\x03\x01\x00\x05\x3d\x03\x05\x0a\x03\x05\x1e\x03\x05\x3c\x03\x03"))
	f.Add(byte(preserve.EurekaV1_9_17), byte(lease.Eureka), 90*second, int64(0), 30*second, minute, minute, 0.2, "9223372036854775807", "9223372036854775808", "00",
		[]byte(settings+"\x09\x03\x00\x00\x00\x01\x00\x02\x05\x3c\x03\x01\x00\x05\x3c\x03\x05\x3c\x03\x05\x3c\x03\x08\x01\x05\x3c\x03"))
	f.Add(byte(preserve.Bilibili), byte(lease.Bilibili), 90*second, int64(0), 30*second, minute, minute, 0.85, "１", "1 ", " 1",
		[]byte(settings+"\x00\x00\x00\x01\x05\x7f\x03\x05\x7f\x03\x03\x06\x29\x7f\x03\x0a\x00\x0b\x00\x03"))
	f.Add(byte(preserve.Nacos), byte(lease.Nacos), 30*second, 15*second, 5*second, minute, 5*second, math.NaN(), "0", "0x1", "1e3",
		[]byte(settings+"\x00\x00\x00\x01\x05\x10\x03\x05\x0f\x03\x01\x01\x07\x00\x03\x05\x1f\x03\x0d\x00\x0c\x03"))
	// Next to what is allowed: digits, milliseconds, steps, and durations of -1 ns.
	f.Add(byte(0), byte(lease.Exact), int64(1)<<37, int64(0), int64(1)<<35, int64(1)<<36, 10*second, 1.0, "/", ":", "9223372036855",
		[]byte("\x00\x07\x08\x00\x00\x00\x00\x00\x00\x00\xff\x00\xff\x00\xff\x00\xff\x00\x01"))
	f.Add(byte(preserve.Spring), byte(lease.Eureka), 90*second, int64(1), 31*second/2, minute+1, minute+1, math.Inf(1), "9223372036854", "12345678901234567890", "０",
		[]byte("\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00\x01\x00\x01\x00\x01\x00\x01"))
	f.Add(byte(200), byte(9), int64(-1), int64(-1), int64(-1), int64(-1), int64(-1), -1.0, "", "", "",
		[]byte("\xff\x3f\x80\x3f\x80\x3f\x80\x3f\x80\x3f\x80\x3f\x80\x3f\x80\x3f\x80\x3f\x80"))
	f.Fuzz(func(t *testing.T, release, rule byte, duration, suspect, interval, window, every int64, percent float64, beats, timeout, delete string, rest []byte) {
		checkNacosTerm(t, map[string]string{leasekernel.NacosIntervalKey: beats, leasekernel.NacosTimeoutKey: timeout, leasekernel.NacosDeleteKey: delete})
		tape := tape(rest)
		config := leasekernel.Config{
			Release:          preserve.Release(release),
			Term:             lease.Term{Duration: time.Duration(duration), Suspect: time.Duration(suspect), Interval: time.Duration(interval), Rule: lease.Rule(rule)},
			Window:           time.Duration(window),
			Percent:          percent,
			EvictionInterval: time.Duration(every),
		}
		flags := tape.next()
		config.SelfPreservation, config.EvictByKey, config.ProposeOnly = flags&1 == 0, flags&2 != 0, flags&8 != 0
		config.Steps = int(tape.number())
		for _, field := range []*time.Duration{&config.Warmup, &config.WaitWhenSyncEmpty, &config.UpdateInterval, &config.Ceiling, &config.Dwell} {
			*field = time.Duration(tape.number())
		}
		config.MaxLeases, config.History, config.Seed = int(tape.number()), int(tape.number()), tape.number()
		checkConfig(t, config)
		(&fuzzed{T: t, tape: tape, config: mended(config), now: t0}).live()
	})
}

var javaDigits = regexp.MustCompile(`^[0-9]+$`)

// checkNacosTerm reads each value as quirk N3 says.
func checkNacosTerm(t *testing.T, metadata map[string]string) {
	refused := false
	read := func(key string, missing time.Duration) time.Duration {
		if !javaDigits.MatchString(metadata[key]) {
			return missing
		}
		millis, _ := new(big.Int).SetString(metadata[key], 10)
		refused = refused || !millis.IsInt64()
		if nanos := millis.Mul(millis, big.NewInt(1e6)); nanos.IsInt64() {
			return time.Duration(nanos.Int64())
		}
		return time.Duration(math.MaxInt64).Truncate(time.Millisecond)
	}
	want := lease.Term{
		Interval: read(leasekernel.NacosIntervalKey, 5*time.Second),
		Suspect:  read(leasekernel.NacosTimeoutKey, 15*time.Second),
		Duration: read(leasekernel.NacosDeleteKey, 30*time.Second),
		Rule:     lease.Nacos,
	}
	if refused {
		want = lease.Term{}
	}
	got, err := leasekernel.NacosTerm(metadata)
	if got != want || errors.Is(err, leasekernel.ErrInvalid) != refused || !refused && got.Validate() != nil {
		t.Errorf("%q: got %+v, %v, want %+v", metadata, got, err, want)
	}
	for key, text := range metadata {
		if n, ok := new(big.Int).SetString(text, 10); ok && refused && javaDigits.MatchString(text) && !n.IsInt64() && !strings.Contains(err.Error(), key+" is "+text) {
			t.Errorf("%q: %v", metadata, err)
		}
	}
}

// checkConfig checks that Validate finds errors in exactly the fields that the
// Config's documentation forbids, and that New fails for them.
func checkConfig(t *testing.T, config leasekernel.Config) {
	named := map[string]bool{}
	for _, problem := range config.Validate(0) {
		if problem.Severity == leasekernel.Error {
			named[problem.Field] = true
		}
		if problem.Value == "" || problem.Rule == "" || strings.Contains(problem.Rule, "%!") {
			t.Errorf("%+v: problem %+v", config, problem)
		}
	}
	if want := wrongFields(config); !maps.Equal(named, want) {
		t.Fatalf("%#v: wrong are %v, want %v:\n%v", config, slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(want)), config.Validate(0))
	}
	if len(named) == 0 {
		return // live makes a kernel of it
	}
	if k, err := leasekernel.New(t0, config, hooks{}); k != nil || !errors.Is(err, leasekernel.ErrInvalid) {
		t.Errorf("%#v: a kernel was made, %v", config, err)
	}
}

// ruleOf is the rule of leases under each release.
func ruleOf(release preserve.Release) lease.Rule {
	switch release {
	case 0:
		return lease.Exact
	case preserve.Bilibili:
		return lease.Bilibili
	case preserve.Nacos:
		return lease.Nacos
	}
	return lease.Eureka
}

func wrongFields(c leasekernel.Config) map[string]bool {
	wrong := map[string]bool{}
	note := func(field string, is bool) {
		if is {
			wrong[field] = true
		}
	}
	fraction := func(d, unit time.Duration) bool { return d%unit != 0 }
	exact, known, unprotected := c.Release == 0, c.Release <= preserve.Nacos, c.Release == preserve.Nacos
	window, warmup := c.Window, c.Warmup
	if window == 0 {
		window = 2 * c.Term.Interval
	}
	if warmup == 0 {
		warmup = window
	}
	seconds := c.Term.Interval / time.Second
	note("Term", c.Term.Validate() != nil)
	if exact && window > 0 && c.Term.Validate() == nil {
		promised := new(big.Int).Mul(big.NewInt(int64(c.Term.Interval)), big.NewInt(1<<20))
		note("Term", c.Term.Duration > lease.MaxTableDuration || promised.Cmp(big.NewInt(int64(window))) < 0)
	}
	note("Release", !known)
	note("Term.Rule", known && c.Term.Rule != ruleOf(c.Release))
	note("Term.Interval", !exact && !unprotected && (fraction(c.Term.Interval, time.Second) || seconds != time.Duration(int32(seconds))))
	note("Window", window <= 0 || !exact && fraction(window, time.Millisecond))
	note("Steps", exact && window > 0 && (c.Steps < 1 || c.Steps > 1023 || fraction(window, time.Duration(max(c.Steps, 1)))))
	note("Percent", exact && !(c.Percent >= 0 && c.Percent <= 1))
	note("SelfPreservation", unprotected && c.SelfPreservation)
	note("Warmup", exact && warmup < 0)
	note("WaitWhenSyncEmpty", !exact && fraction(c.WaitWhenSyncEmpty, time.Millisecond))
	note("EvictionInterval", c.EvictionInterval <= 0 || !exact && fraction(c.EvictionInterval, time.Millisecond))
	note("UpdateInterval", !exact && known && !unprotected && (c.UpdateInterval <= 0 || fraction(c.UpdateInterval, time.Millisecond)))
	note("Ceiling", c.Ceiling < 0)
	note("Dwell", c.Dwell < 0 || !exact && fraction(c.Dwell, time.Millisecond))
	note("MaxLeases", c.MaxLeases < 0)
	note("History", c.History < 0)
	return wrong
}

// mended is a preset with as many of the config's fields as are valid, of a
// size that a test can make room for.
func mended(c leasekernel.Config) leasekernel.Config {
	release := c.Release % (preserve.Nacos + 1)
	mended := leasekernel.Eureka(release)
	switch release {
	case 0:
		mended = leasekernel.Exact()
	case preserve.Bilibili:
		mended = leasekernel.Bilibili()
	case preserve.Nacos:
		mended = leasekernel.Nacos()
	}
	c.Term.Rule = mended.Term.Rule
	c.Steps, c.History = c.Steps%50, c.History%100
	mended.EvictByKey, mended.ProposeOnly, mended.Seed = c.EvictByKey, c.ProposeOnly, c.Seed
	for _, change := range []func(*leasekernel.Config){
		func(m *leasekernel.Config) { m.Term, m.Window, m.Steps = c.Term, c.Window, c.Steps },
		func(m *leasekernel.Config) { m.Term, m.Window = c.Term, 0 },
		func(m *leasekernel.Config) { m.Window = c.Window },
		func(m *leasekernel.Config) { m.Steps = c.Steps },
		func(m *leasekernel.Config) { m.Percent = c.Percent },
		func(m *leasekernel.Config) { m.SelfPreservation = c.SelfPreservation },
		func(m *leasekernel.Config) { m.Warmup = c.Warmup },
		func(m *leasekernel.Config) { m.WaitWhenSyncEmpty = c.WaitWhenSyncEmpty },
		func(m *leasekernel.Config) { m.EvictionInterval = c.EvictionInterval },
		func(m *leasekernel.Config) { m.UpdateInterval = c.UpdateInterval },
		func(m *leasekernel.Config) { m.Ceiling = c.Ceiling },
		func(m *leasekernel.Config) { m.Dwell = c.Dwell },
		func(m *leasekernel.Config) { m.MaxLeases = c.MaxLeases },
		func(m *leasekernel.Config) { m.History = c.History },
	} {
		before := mended
		if change(&mended); len(wrongFields(mended)) > 0 {
			mended = before
		}
	}
	return mended
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

// fuzzed is a kernel, with what its reports have told.
type fuzzed struct {
	*testing.T
	tape
	config   leasekernel.Config
	now      time.Time
	kernel   *kernel
	told     map[leasekernel.Kind]uint64
	last     uint64 // Sequence
	proposed []lived
}

func (f *fuzzed) live() {
	var err error
	if f.kernel, err = leasekernel.New(f.now, f.config, hooks{}); err != nil {
		f.Fatalf("%#v: %v", f.config, err)
	}
	f.told = map[leasekernel.Kind]uint64{}
	for range 40 {
		if len(f.tape) == 0 {
			break
		}
		f.do(f.next() % 15)
	}
	f.tick()
}

func (f *fuzzed) do(op byte) {
	k := f.kernel
	switch op {
	case 0:
		f.register(f.key(), f.next())
	case 1:
		key := f.key()
		if _, known := k.Get(key); k.Renew(f.now, key) && !known {
			f.Fatalf("%d was renewed without a lease", key)
		}
	case 2:
		key := f.key()
		_, known := k.Get(key)
		if _, ok := k.Cancel(f.now, key); ok != known {
			f.Fatalf("Cancel %d is %v", key, ok)
		}
	case 3: // the next pass, in time
		if at, ok := k.Next(); ok && at.After(f.now) {
			f.now = at
		}
		f.tick()
	case 4:
		f.tick()
	case 5:
		f.now = f.now.Add(time.Duration(int8(f.next())) * time.Second)
	case 6:
		f.now = f.now.Add(time.Duration(f.number()))
	case 7:
		k.Suspect(f.now, f.key())
	case 8:
		k.Exempt(f.key(), f.next()%2 == 0)
	case 9: // it may fail, see Open
		_ = k.Open(f.now, int64(f.next()))
	case 10:
		k.SetSelfPreservation(f.next()%2 == 0)
	case 11:
		k.SetEviction(f.next()%2 == 0)
	case 12:
		f.carryOut()
	case 13:
		k.SetSuspicion(f.next()%2 == 0)
	case 14:
		f.now = time.UnixMilli(f.number())
	}
}

func (f *fuzzed) key() int { return int(f.next() % 4) }

func (f *fuzzed) register(key int, short byte) {
	term := lease.Term{}
	if short > 127 {
		term = f.config.Term
		term.Duration = time.Duration(short) * time.Second
	}
	_, known := f.kernel.Get(key)
	registration, err := f.kernel.Register(f.now, key, "", term)
	if full := f.config.MaxLeases > 0 && f.kernel.Len() >= f.config.MaxLeases; err != nil {
		if !errors.Is(err, leasekernel.ErrInvalid) && !(errors.Is(err, lease.ErrFull) && full && !known) {
			f.Fatalf("registered %d: %v", key, err)
		}
		return
	}
	if again := registration.Change.Kind == leasekernel.Replaced; again != known {
		f.Fatalf("registered %d, which had a lease: %v, and was %v", key, known, registration.Change.Kind)
	}
}

// tick runs what is due, and compares what becomes of each lease with what
// Explain said just before.
func (f *fuzzed) tick() {
	verdicts := map[int]leasekernel.Verdict[int, string]{}
	for key := range 4 {
		verdicts[key] = f.explain(key)
	}
	report := f.kernel.Tick(f.now)
	f.checkChanges(report)
	if pass := report.Eviction; pass != nil {
		f.checkPass(pass, verdicts)
		f.proposed = pass.Proposed
	}
	if again := f.kernel.Tick(f.now); again.Eviction != nil && f.config.Release != preserve.Bilibili {
		f.Fatalf("two passes at %v", f.now)
	} else {
		f.checkChanges(again)
	}
}

func (f *fuzzed) explain(key int) leasekernel.Verdict[int, string] {
	v := f.kernel.Explain(f.now, key)
	snapshot, known := f.kernel.Get(key)
	if v.Known != known || v.Key != key || known && (v.Stage != snapshot.Stage(f.now, 0) || !v.Deadline.Equal(snapshot.Deadline())) {
		f.Fatalf("%d has a lease: %v; %+v", key, known, v)
	}
	if !v.Earliest.IsZero() && v.Earliest.Before(f.now) {
		f.Fatalf("at %v a pass at %v can evict %d", f.now, v.Earliest, key)
	}
	for i, transition := range v.Last {
		if transition.Key != key || i > 0 && transition.Sequence <= v.Last[i-1].Sequence {
			f.Fatalf("the transitions of %d are %+v", key, v.Last)
		}
	}
	text := v.String()
	if strings.Contains(text, "not registered") == known || strings.Count(text, "not evicted: ") != len(v.Obstacles) {
		f.Fatalf("%+v says %q", v, text)
	}
	return v
}

// checkChanges checks that the reports have told all changes in their order.
func (f *fuzzed) checkChanges(report report) {
	for _, change := range report.Changes {
		if change.Sequence <= f.last || change.Lease.Key() != change.Key {
			f.Fatalf("%+v was told after %d", change.Transition, f.last)
		}
		f.last = change.Sequence
		f.told[change.Kind]++
	}
	s := f.kernel.Status(f.now)
	for kind, total := range map[leasekernel.Kind]uint64{
		leasekernel.Registered: s.Registered, leasekernel.Replaced: s.Replaced, leasekernel.Cancelled: s.Cancelled,
		leasekernel.Evicted: s.Evicted, leasekernel.Suspected: s.Suspected, leasekernel.Healed: s.Healed,
	} {
		if f.told[kind] != total {
			f.Fatalf("%d %v were told, of %d", f.told[kind], kind, total)
		}
	}
	if want := s.Registered - s.Cancelled - s.Evicted; uint64(s.Leases) != want || f.config.MaxLeases > 0 && s.Leases > f.config.MaxLeases {
		f.Fatalf("%d leases, want %d, and %d at most", s.Leases, want, f.config.MaxLeases)
	}
}

func (f *fuzzed) checkPass(pass *leasekernel.Eviction[int, string], verdicts map[int]leasekernel.Verdict[int, string]) {
	victims := pass.Proposed
	for _, change := range pass.Evicted {
		victims = append(victims, change.Lease)
	}
	unlimited := f.config.Release == preserve.Nacos || f.config.Release == preserve.EurekaV1_2_5
	if len(victims) > max(pass.Limit, 0) && !unlimited || len(victims) > 0 && !pass.Decision.Allowed && !pass.Ceiling {
		f.Fatalf("%d victims of %d, %v, ceiling: %v", len(victims), pass.Limit, pass.Decision, pass.Ceiling)
	}
	if f.config.ProposeOnly && len(pass.Evicted) > 0 || pass.Err != nil {
		f.Fatalf("%d evicted, though only to be proposed: %v", len(pass.Evicted), pass.Err)
	}
	for _, victim := range victims {
		v := verdicts[victim.Key()]
		if !victim.IsExpired(f.now, pass.Compensation) || !victim.IsExpired(f.now, 0) {
			f.Fatalf("%d was evicted at %v, but lives until %v", victim.Key(), f.now, victim.Deadline())
		}
		if !v.Known || v.Earliest.IsZero() || v.Earliest.After(f.now) {
			f.Fatalf("%#v: %d was evicted at %v, forgiving %v, but Explain said:\n%v", f.config, victim.Key(), f.now, pass.Compensation, v)
		}
	}
	for _, change := range pass.Suspected {
		if v := verdicts[change.Key]; v.Stage == lease.Live || v.Lease.Suspected() {
			f.Fatalf("%d was found suspect, but Explain said:\n%v", change.Key, v)
		}
	}
}

// carryOut evicts what the last pass has proposed, or tries a lease as it is
// not any more.
func (f *fuzzed) carryOut() {
	for _, victim := range f.proposed {
		now, known := f.kernel.Get(victim.Key())
		same := known && now.Sequence() == victim.Sequence() && now.Deadline().Equal(victim.Deadline()) &&
			now.Suspected() == victim.Suspected() && now.Exempt() == victim.Exempt()
		if _, ok := f.kernel.EvictProposed(f.now, victim); ok && !same && !f.config.EvictByKey {
			f.Fatalf("%d was evicted, but had changed", victim.Key())
		}
	}
}
