package lease_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

type (
	table    = lease.Table[string, string]
	snapshot = lease.Snapshot[string, string]
)

// reach is how far from the table's beginning instants and terms may lie: 9
// years of nanoseconds, 9 million of milliseconds.
const reach = (1<<60 - 1) / 4

func newTable(t testing.TB, config lease.TableConfig) *table {
	t.Helper()
	made, err := lease.NewTable[string, string](t0, config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func tableOf(t testing.TB, term lease.Term) *table {
	t.Helper()
	return newTable(t, lease.TableConfig{Rule: term.Rule})
}

func register(t testing.TB, leases *table, now time.Time, key string, term lease.Term) lease.Registration[string, string] {
	t.Helper()
	granted, err := leases.Register(now, key, "holder of "+key, term)
	if err != nil {
		t.Fatal(err)
	}
	return granted
}

func mustGet(t testing.TB, leases *table, key string) snapshot {
	t.Helper()
	seen, ok := leases.Get(key)
	if !ok {
		t.Fatalf("Get(%q): got no lease, want one", key)
	}
	return seen
}

func mustCancel(t testing.TB, leases *table, key string) lease.Departure[string, string] {
	t.Helper()
	departure, ok := leases.Cancel(key)
	if !ok {
		t.Fatalf("Cancel(%q): got no lease, want one", key)
	}
	return departure
}

// pass returns what a pass finds, in the order of the registrations.
func pass(leases *table, now time.Time, additional time.Duration) []snapshot {
	return slices.SortedFunc(slices.Values(leases.AppendExpired(nil, now, additional)),
		func(a, b snapshot) int { return int(a.Sequence()) - int(b.Sequence()) })
}

func keysOf(found []snapshot) (keys []string) {
	for _, seen := range found {
		keys = append(keys, seen.Key())
	}
	return keys
}

// all returns the keys that All meets, each as often as it does.
func all(leases *table) (keys []string) {
	for key := range leases.All() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func sameKeys(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// facts is everything that a lease shows, as text to compare.
func facts(seen snapshot) string {
	up, isUp := seen.ServiceUpAt()
	since, isSuspect := seen.SuspectSince()
	return fmt.Sprint(seen.Key(), seen.Holder(), seen.Term(), seen.Sequence(), seen.Registered(), seen.Deadline(),
		seen.LastRenewal(), seen.Renewed(), up, isUp, seen.Published(), since, isSuspect, seen.Exempt())
}

func namesProblems(t testing.TB, err error, problems ...string) {
	t.Helper()
	if (err != nil) != (len(problems) > 0) || err != nil && !errors.Is(err, lease.ErrInvalid) {
		t.Errorf("got error %v, want one that is ErrInvalid and names %q", err, problems)
	}
	for _, problem := range problems {
		if err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("got error %v, want %q in it", err, problem)
		}
	}
}

func TestNewTableNamesWhatIsWrong(t *testing.T) {
	const rule, most = "Rule is Rule(4): must be Exact, Eureka, Nacos or Bilibili", "MaxLeases is -1: must not be negative"
	tests := []struct {
		config   lease.TableConfig
		problems []string
	}{
		{lease.TableConfig{}, nil},
		{lease.TableConfig{Rule: lease.Eureka, MaxLeases: 1}, nil},
		{lease.TableConfig{Rule: lease.Nacos}, nil},
		{lease.TableConfig{Rule: lease.Bilibili}, nil},
		{lease.TableConfig{Rule: 4}, []string{rule}},
		{lease.TableConfig{MaxLeases: -1}, []string{most}},
		{lease.TableConfig{Rule: 4, MaxLeases: -1}, []string{rule, most}},
	}
	for _, tt := range tests {
		made, err := lease.NewTable[string, string](t0, tt.config)
		namesProblems(t, err, tt.problems...)
		equal(t, "a table", made != nil, err == nil)
	}
}

func TestRegisterNamesWhatIsWrongAndChangesNothing(t *testing.T) {
	longest := lease.Term{Duration: reach, Interval: time.Second}
	tooLong := lease.Term{Duration: reach + 1, Interval: time.Second}
	tests := []struct {
		name     string
		now      time.Time
		term     lease.Term
		problems []string
	}{
		{"no term", t0, lease.Term{}, []string{"Duration is 0s: must be above 0", "Interval is 0s: must be above 0"}},
		{"an unknown rule", t0, lease.Term{Rule: 4}, []string{"Rule is Rule(4): must be Exact, Eureka, Nacos or Bilibili"}},
		{"another rule", t0, eureka90, []string{"Rule is eureka: must be exact as the table's"}},
		{"the longest term", t0, longest, nil},
		{"a term too long", t0, tooLong, []string{"must be at most " + longest.Duration.String() + " in a table"}},
		{"as late as can be", at(reach), exact90, nil},
		{"too late", at(reach + 1), exact90, []string{"now is", "must lie at most 288230376151711743 ns from"}},
		{"as early as can be", at(-reach), exact90, nil},
		{"too early", at(-reach - 1), exact90, []string{"now is"}},
		{"centuries too late", time.UnixMilli(1 << 60), exact90, []string{"now is"}},
		{"all at once", time.Time{}, lease.Term{Suspect: -1}, []string{"Duration is", "Interval is", "Suspect is", "now is"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leases := tableOf(t, exact90)
			before := facts(register(t, leases, t0, "key", exact90).Lease)
			granted, err := leases.Register(tt.now, "key", "another holder", tt.term)
			namesProblems(t, err, tt.problems...)
			equal(t, "Again", granted.Again, err == nil)
			equal(t, "the lease is as it was", facts(mustGet(t, leases, "key")) == before, err != nil)
			equal(t, "Len", leases.Len(), 1)
		})
	}
}

func TestEurekaTableReachesNineMillionYears(t *testing.T) {
	leases := tableOf(t, eureka90)
	for _, millis := range []int64{reach, -reach, 0, 1, -1} {
		granted := register(t, leases, time.UnixMilli(millis), "key", eureka90)
		sameInstant(t, "Registered", granted.Lease.Registered(), time.UnixMilli(millis))
		sameInstant(t, "Deadline", granted.Lease.Deadline(), time.UnixMilli(millis+90_000))
	}
	for _, millis := range []int64{reach + 1, -reach - 1, math.MaxInt64, math.MinInt64} {
		_, err := leases.Register(time.UnixMilli(millis), "key", "holder", eureka90)
		namesProblems(t, err, "now is", "must lie at most 288230376151711743 ms from 1970-01-01")
		equal(t, "Renew", leases.Renew(time.UnixMilli(millis), "key"), false)
	}
}

// A lease must not be renewed at an instant that the table cannot measure: it
// says so, and changes nothing.
func TestRenewalsBeyondTheReachAreRefused(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		before := facts(granted)
		for _, now := range []time.Time{time.UnixMilli(reach + 1), time.UnixMilli(math.MaxInt64), time.UnixMilli(-reach - 1)} {
			equal(t, "Renew", leases.Renew(now, "key"), false)
			equal(t, "Renew by handle", granted.Renew(now), false)
			equal(t, "ServiceUp", granted.ServiceUp(now), false)
			equal(t, "SetServiceUp", granted.SetServiceUp(now), false)
			renewed := []bool{true}
			count, err := leases.RenewAll(now, []string{"key"}, renewed)
			equal(t, "RenewAll", count, 0)
			equal(t, "RenewAll's error", err, nil)
			equal(t, "RenewAll's answer", renewed[0], false)
		}
		equal(t, "the lease", facts(mustGet(t, leases, "key")), before)
	})
}

func TestFullTableTakesReplacementsOnly(t *testing.T) {
	leases := newTable(t, lease.TableConfig{MaxLeases: 2})
	register(t, leases, t0, "a", exact90)
	register(t, leases, t0, "b", exact90)
	refused := func(key string, term lease.Term) {
		t.Helper()
		granted, err := leases.Register(t0, key, "holder", term)
		if !errors.Is(err, lease.ErrFull) || err.Error() != "lease: table is full: the number of leases is 2: must not exceed MaxLeases" {
			t.Errorf("got error %v, want ErrFull that names the number and the rule", err)
		}
		equal(t, "Lease", granted.Lease == snapshot{}, true)
		equal(t, "Len", leases.Len(), 2)
		_, ok := leases.Get(key)
		equal(t, "Get", ok, false)
		sameKeys(t, "All", all(leases), "a", "b")
		sameKeys(t, "AppendExpired", keysOf(pass(leases, at(time.Hour), 0)), "a", "b")
	}
	refused("c", exact90)
	refused("c", lease.Term{Duration: time.Second, Interval: 1}) // what it has left is not found later
	refused(strings.Repeat("c", 50), exact90)

	equal(t, "Again", register(t, leases, t0, "a", exact90).Again, true)
	mustCancel(t, leases, "a")
	register(t, leases, t0, "c", exact90)
	sameKeys(t, "All", all(leases), "b", "c")
	_, err := leases.Register(t0, "a", "holder", exact90) // a key that had a lease is new
	equal(t, "ErrFull", errors.Is(err, lease.ErrFull), true)
	sameInstant(t, "Deadline", mustGet(t, leases, "c").Deadline(), at(90*time.Second))
}

// An exact lease gets one duration from its last renewal, an Eureka lease one
// from its registration and two from a renewal (L1), in 32 bits of
// milliseconds (L3).
func TestTableExpiresLeasesAfterTheirDeadline(t *testing.T) {
	overflown := lease.Term{Duration: 2_147_484 * time.Second, Rule: lease.Eureka}
	negative := lease.Term{Duration: -time.Second, Rule: lease.Eureka}
	tests := []struct {
		name     string
		term     lease.Term
		renewals []time.Duration
		deadline time.Duration
		tick     time.Duration
	}{
		{"exact, registered", exact90, nil, 90 * time.Second, 1},
		{"exact, renewed", exact90, []time.Duration{30 * time.Second}, 120 * time.Second, 1},
		{"exact, renewed to the nanosecond", exact90, []time.Duration{1, 2, 3}, 90*time.Second + 3, 1},
		{"exact, late renewal", exact90, []time.Duration{30 * time.Second, 30*time.Second - 1, -time.Hour}, 120 * time.Second, 1},
		{"exact, renewed at the registration", exact90, []time.Duration{0, 0}, 90 * time.Second, 1},
		{"exact, renewed when it has expired", exact90, []time.Duration{time.Hour}, time.Hour + 90*time.Second, 1},
		{"exact, the farthest", lease.Term{Duration: reach, Interval: 1}, []time.Duration{reach}, 2 * reach, 1},
		{"eureka, registered", eureka90, nil, 90 * time.Second, time.Millisecond},
		{"eureka, renewed", eureka90, []time.Duration{30 * time.Second}, 210 * time.Second, time.Millisecond},
		{"eureka, late renewal", eureka90, []time.Duration{30 * time.Second, 29 * time.Second, -time.Hour}, 180*time.Second - time.Hour, time.Millisecond},
		{"eureka, whole milliseconds", eureka90, []time.Duration{time.Second + 999_999}, 181 * time.Second, time.Millisecond},
		{"eureka, overflow", overflown, nil, -2_147_483_296 * time.Millisecond, time.Millisecond},
		{"eureka, overflow twice", overflown, []time.Duration{0}, -4_294_966_592 * time.Millisecond, time.Millisecond},
		{"eureka, negative", negative, []time.Duration{time.Second}, -time.Second, time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leases := tableOf(t, tt.term)
			register(t, leases, t0, "key", tt.term)
			for _, renewal := range tt.renewals {
				equal(t, "Renew", leases.Renew(at(renewal), "key"), true)
			}
			seen := mustGet(t, leases, "key")
			sameInstant(t, "Deadline", seen.Deadline(), at(tt.deadline))
			equal(t, "Renewed", seen.Renewed(), tt.renewals != nil)
			for _, after := range []time.Duration{0, tt.tick} {
				now, expired := at(tt.deadline+after), after > 0
				equal(t, "IsExpired", seen.IsExpired(now, 0), expired)
				equal(t, "Expired", seen.Stage(now, 0) == lease.Expired, expired)
				equal(t, "found by a pass", len(pass(leases, now, 0)) == 1, expired)
			}
		})
	}
}

// Whatever is asked of a table's lease, the answer is that of a lease alone.
func TestTableDecidesAsALeaseDoes(t *testing.T) {
	instants := []time.Time{t0, at(time.Second), at(time.Minute), at(-time.Hour), at(61 * time.Second), at(90 * time.Second), at(90*time.Second + 1),
		at(91 * time.Second), at(time.Hour), at(reach), at(3 * reach), at(7 * reach), at(-7 * reach), {},
		time.UnixMilli(1 << 60), time.UnixMilli(-1 << 60), time.UnixMilli(math.MaxInt64), time.UnixMilli(math.MinInt64)}
	additionals := []time.Duration{0, 1, -1, time.Millisecond, -time.Millisecond, time.Hour, -time.Hour, reach, 3 * reach, -3 * reach,
		math.MaxInt64 - 1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	everyRule(t, func(t *testing.T, term lease.Term) {
		for _, renewal := range instants[:4] {
			leases, alone := tableOf(t, term), grant(t, t0, term)
			register(t, leases, t0, "key", term)
			equal(t, "Renew", leases.Renew(renewal, "key"), alone.Renew(renewal))
			seen := mustGet(t, leases, "key")
			sameInstant(t, "Deadline", seen.Deadline(), alone.Deadline())
			sameInstant(t, "LastRenewal", seen.LastRenewal(), alone.LastRenewal())
			equal(t, "Published", seen.Published(), alone.Published())
			for _, now := range instants {
				for _, additional := range additionals {
					what := fmt.Sprintf("renewed at %v, at %v, additional %v", renewal, now, additional)
					equal(t, what, seen.IsExpired(now, additional), alone.IsExpired(now, additional))
					equal(t, what, seen.Stage(now, additional), alone.Stage(now, additional))
					equal(t, what, len(pass(leases, now, additional)) == 1, alone.IsExpired(now, additional))
				}
			}
		}
	})
}

func TestTableWithoutSuspectHasNoSuchStage(t *testing.T) {
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	seen := register(t, tableOf(t, term), t0, "key", term).Lease
	equal(t, "Stage", seen.Stage(at(90*time.Second), 0), lease.Live)
}

// A chunk whose leases have one term keeps it once; that must not be noticed.
func TestTermsMayDiffer(t *testing.T) {
	leases := newTable(t, lease.TableConfig{})
	terms := make(map[string]lease.Term)
	for i := range 2000 {
		key := fmt.Sprint("key ", i)
		terms[key] = lease.Term{Duration: time.Duration(1+i%7) * time.Minute, Interval: time.Second}
		register(t, leases, t0, key, terms[key])
	}
	check := func(renewed time.Duration) {
		t.Helper()
		for key, term := range terms {
			seen := mustGet(t, leases, key)
			equal(t, "Term", seen.Term(), term)
			sameInstant(t, "Deadline", seen.Deadline(), at(renewed+term.Duration))
			sameInstant(t, "LastRenewal", seen.LastRenewal(), at(renewed))
		}
	}
	check(0)
	leases.MoveAll()
	check(0)
	for key := range terms {
		equal(t, "Renew", leases.Renew(at(time.Second), key), true)
	}
	check(time.Second)
}

// An Eureka lease can get an earlier deadline than a pass has seen. Its chunk
// has to be looked at again.
func TestPassFindsALeaseWhoseDeadlineMovedBack(t *testing.T) {
	leases := tableOf(t, eureka90)
	register(t, leases, t0, "key", eureka90)
	leases.Renew(at(time.Hour), "key")
	now := at(2 * time.Minute)
	sameKeys(t, "a pass", keysOf(pass(leases, now, 0)))
	leases.Renew(at(-time.Hour), "key")
	sameKeys(t, "the next pass", keysOf(pass(leases, now, 0)), "key")
}

func TestAdditionalDelaysOrHastensThePass(t *testing.T) {
	tests := []struct {
		term       lease.Term
		now        time.Duration
		additional time.Duration
		found      bool
	}{
		{exact90, 100 * time.Second, 10 * time.Second, false},
		{exact90, 100*time.Second + 1, 10 * time.Second, true},
		{exact90, 90 * time.Second, -time.Hour, false}, // nothing hastens an exact lease
		{exact90, 90*time.Second + 1, -time.Hour, true},
		{exact90, time.Hour, math.MaxInt64, false},
		{exact90, 2 * reach, reach, true},
		{exact90, 2 * reach, 3 * reach, false},
		{eureka90, 80 * time.Second, -10 * time.Second, false},
		{eureka90, 80*time.Second + time.Millisecond, -10 * time.Second, true},
		{eureka90, 80*time.Second + time.Millisecond, -10*time.Second + 1, false}, // 9999 whole milliseconds
		{eureka90, 0, math.MinInt64, true},
		{eureka90, time.Hour, math.MaxInt64, false},
	}
	for _, tt := range tests {
		leases := tableOf(t, tt.term)
		register(t, leases, t0, "key", tt.term)
		what := fmt.Sprintf("%v after %v, additional %v", tt.term.Rule, tt.now, tt.additional)
		equal(t, what, len(pass(leases, at(tt.now), tt.additional)) == 1, tt.found)
	}
}

func TestReplacementBeginsANewLease(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, longer := tableOf(t, term), term
		longer.Duration = time.Hour
		first := register(t, leases, t0, "key", term)
		equal(t, "Again", first.Again, false)
		equal(t, "Replaced", first.Replaced == snapshot{}, true)
		leases.Renew(at(time.Minute), "key")
		before := facts(mustGet(t, leases, "key"))

		second, err := leases.Register(at(2*time.Minute), "key", "another holder", longer)
		equal(t, "error", err, nil)
		equal(t, "Again", second.Again, true)
		equal(t, "Replaced", facts(second.Replaced), before)
		equal(t, "the new one", facts(mustGet(t, leases, "key")), facts(second.Lease))
		equal(t, "Holder", second.Lease.Holder(), "another holder")
		equal(t, "Term", second.Lease.Term(), longer)
		equal(t, "Renewed", second.Lease.Renewed(), false)
		sameInstant(t, "Registered", second.Lease.Registered(), at(2*time.Minute))
		sameInstant(t, "Deadline", second.Lease.Deadline(), at(62*time.Minute))
		equal(t, "Len", leases.Len(), 1)
		sameKeys(t, "All", all(leases), "key")
		sameKeys(t, "a pass", keysOf(pass(leases, at(3*time.Hour), 0)), "key")
	})
}

// Quirk G1: a replacement keeps the instant at which the service came up, and
// nothing else does.
func TestServiceUpIsCarriedOver(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		up := func(want bool) {
			t.Helper()
			seen := mustGet(t, leases, "key")
			got, ok := seen.ServiceUpAt()
			equal(t, "up", ok, want)
			if want {
				sameInstant(t, "ServiceUpAt", got, at(time.Second))
				equal(t, "published", seen.Published().ServiceUp, at(time.Second).UnixMilli())
			} else {
				equal(t, "published", seen.Published().ServiceUp, 0)
			}
		}
		register(t, leases, t0, "key", term)
		register(t, leases, t0, "key", term)
		up(false)
		equal(t, "ServiceUp", mustGet(t, leases, "key").ServiceUp(at(time.Second)), true)
		up(true)
		register(t, leases, t0, "key", term)
		up(true)
		leases.MoveAll()
		up(true)
		register(t, leases, t0, "key", term)
		up(true)
		sameKeys(t, "others are up", upKeys(t, leases, term), "key")

		mustCancel(t, leases, "key")
		register(t, leases, t0, "key", term)
		up(false)
	})
}

// upKeys registers more leases beside those that are there and returns the
// keys of all whose service is up.
func upKeys(t *testing.T, leases *table, term lease.Term) (keys []string) {
	t.Helper()
	for i := range 1000 {
		register(t, leases, t0, fmt.Sprint("other ", i), term)
	}
	for key, seen := range leases.All() {
		if _, ok := seen.ServiceUpAt(); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// What happens to one key, registrations and departures, has rising numbers.
func TestSequencesRise(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, last := tableOf(t, term), uint64(0)
		rises := func(what string, number uint64) {
			t.Helper()
			if number <= last {
				t.Errorf("%s: got number %d after %d, want a higher one", what, number, last)
			}
			last = number
		}
		for range 30 { // more than a shard keeps without moving
			rises("registered", register(t, leases, t0, "key", term).Lease.Sequence())
			rises("replaced", register(t, leases, t0, "key", term).Lease.Sequence())
			if seen := mustGet(t, leases, "key").Sequence(); seen != last {
				t.Errorf("Get: got number %d, want %d", seen, last)
			}
			rises("cancelled", mustCancel(t, leases, "key").Sequence)
			rises("registered again", register(t, leases, t0, "key", term).Lease.Sequence())
			departure, ok := leases.Evict(mustGet(t, leases, "key"))
			equal(t, "Evict", ok, true)
			rises("evicted", departure.Sequence)
		}
	})
}

func TestKeysWithoutALease(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		none := func(key string) {
			t.Helper()
			equal(t, "Renew", leases.Renew(t0, key), false)
			_, ok := leases.Get(key)
			equal(t, "Get", ok, false)
			_, ok = leases.Cancel(key)
			equal(t, "Cancel", ok, false)
		}
		none("key")
		register(t, leases, t0, "key", term)
		before := facts(mustGet(t, leases, "key"))
		none("another key")
		equal(t, "Len", leases.Len(), 1)
		equal(t, "what Cancel returns", facts(mustCancel(t, leases, "key").Lease), before)
		none("key")
		equal(t, "Len", leases.Len(), 0)
		equal(t, "All", len(all(leases)), 0)
		equal(t, "AppendExpired", len(pass(leases, at(time.Hour), 0)), 0)
	})
}

// The pass's law: between 1 and 3 the lease is the holder's.
//
//  1. The pass sees the lease expired.
//  2. Something happens to it.
//  3. Evict succeeds if and only if it is still as it was seen.
func TestRenewalBetweenCollectionAndEvictionRescues(t *testing.T) {
	now := at(time.Hour)
	tests := []struct {
		name     string
		meantime func(t *testing.T, leases *table)
		evicted  bool
		remains  bool // a lease of the key, after Evict
	}{
		{"nothing", func(*testing.T, *table) {}, true, false},
		{"a renewal", func(_ *testing.T, leases *table) { leases.Renew(now, "key") }, false, true},
		{"a renewal that saves nothing", func(_ *testing.T, leases *table) { leases.Renew(at(time.Millisecond), "key") }, false, true},
		{"a renewal by handle", func(t *testing.T, leases *table) { mustGet(t, leases, "key").Renew(now) }, false, true},
		{"renewals of many", func(_ *testing.T, leases *table) { leases.RenewAll(now, []string{"other", "key"}, nil) }, false, true},
		{"a replacement", func(t *testing.T, leases *table) { register(t, leases, t0, "key", mustGet(t, leases, "key").Term()) }, false, true},
		{"a cancel", func(t *testing.T, leases *table) { mustCancel(t, leases, "key") }, false, false},
		{"a cancel and a registration", func(t *testing.T, leases *table) {
			term := mustCancel(t, leases, "key").Lease.Term()
			register(t, leases, t0, "key", term)
		}, false, true},
		{"a move", func(_ *testing.T, leases *table) { leases.MoveAll() }, true, false},
		{"two moves", func(_ *testing.T, leases *table) { leases.MoveAll(); leases.MoveAll() }, true, false},
		{"a move and a renewal", func(_ *testing.T, leases *table) { leases.MoveAll(); leases.Renew(now, "key") }, false, true},
		{"a renewal and a move", func(_ *testing.T, leases *table) { leases.Renew(now, "key"); leases.MoveAll() }, false, true},
		{"a move and a replacement", func(t *testing.T, leases *table) {
			leases.MoveAll()
			register(t, leases, t0, "key", mustGet(t, leases, "key").Term())
		}, false, true},
		{"a move and a cancel", func(t *testing.T, leases *table) { leases.MoveAll(); mustCancel(t, leases, "key") }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases := tableOf(t, term)
				register(t, leases, t0, "key", term)
				found := pass(leases, now, 0)
				sameKeys(t, "the pass", keysOf(found), "key")
				tt.meantime(t, leases)
				departure, ok := leases.Evict(found[0])
				equal(t, "Evict", ok, tt.evicted)
				if ok {
					equal(t, "the lease", facts(departure.Lease), facts(found[0]))
				}
				_, ok = leases.Evict(found[0])
				equal(t, "Evict again", ok, false)
				_, ok = leases.Get("key")
				equal(t, "Get", ok, tt.remains)
				equal(t, "Len", leases.Len() == 1, tt.remains)
			})
		})
	}
}

func TestEvictLeavesOtherTablesAlone(t *testing.T) {
	leases, others := tableOf(t, exact90), tableOf(t, exact90)
	seen := register(t, others, t0, "key", exact90).Lease
	for _, seen := range []snapshot{seen, {}} {
		_, ok := leases.Evict(seen)
		equal(t, "Evict", ok, false)
	}
	equal(t, "Len", leases.Len(), 0)
	sameKeys(t, "the other table", all(others), "key")
}

// The loop may do to the table what it likes. Who is there from its beginning
// to its end is met once.
func TestAllMeetsOnceWhoIsThereAllTheTime(t *testing.T) {
	const stay = 300
	bodies := map[string]func(leases *table, key string, i int){
		"nothing": func(*table, string, int) {},
		"move":    func(leases *table, _ string, i int) { leases.MoveAll() },
		"renew":   func(leases *table, key string, _ int) { leases.Renew(t0, key) },
		"register others": func(leases *table, _ string, i int) {
			leases.Register(t0, fmt.Sprint("comes ", i), "holder", exact90)
		},
		"cancel others": func(leases *table, _ string, i int) { leases.Cancel(fmt.Sprint("goes ", i)) },
		"replace others": func(leases *table, _ string, i int) {
			leases.Register(t0, fmt.Sprint("goes ", i%9), "holder", exact90)
		},
		"pass": func(leases *table, _ string, i int) { leases.AppendExpired(nil, at(time.Hour), 0) },
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			leases := newTable(t, lease.TableConfig{})
			for i := range stay {
				register(t, leases, t0, fmt.Sprint("stays ", i), exact90)
				register(t, leases, t0, fmt.Sprint("goes ", i), exact90)
			}
			met, i := make(map[string]int), 0
			for key, seen := range leases.All() {
				equal(t, "Key", seen.Key(), key)
				met[key]++
				body(leases, key, i)
				i++
			}
			for i := range stay {
				equal(t, "met", met[fmt.Sprint("stays ", i)], 1)
			}
		})
	}
}

// A lease that leaves after its shard has moved is not met in the place that it
// had, not even if its key has a new one.
func TestAllMeetsNobodyWhoLeft(t *testing.T) {
	leases := newTable(t, lease.TableConfig{})
	for i := range 1000 {
		register(t, leases, t0, fmt.Sprint("key ", i), exact90)
	}
	first := true
	for key, seen := range leases.All() {
		if first {
			first = false
			leases.MoveAll()
			for i := range 500 {
				mustCancel(t, leases, fmt.Sprint("key ", i))
				register(t, leases, t0, fmt.Sprint("key ", 500+i), exact90)
			}
			continue
		}
		if now, ok := leases.Get(key); !ok || now.Sequence() != seen.Sequence() {
			t.Fatalf("got %q after its lease had left", key)
		}
	}
}

func TestAllCanBeLeft(t *testing.T) {
	leases := newTable(t, lease.TableConfig{})
	for i := range 100 {
		register(t, leases, t0, fmt.Sprint("key ", i), exact90)
	}
	met := 0
	for range leases.All() {
		if met++; met == 3 {
			break
		}
	}
	equal(t, "met", met, 3)
}

// AppendExpired appends, and finds what it has found until it is evicted.
func TestAppendExpiredAppends(t *testing.T) {
	leases := newTable(t, lease.TableConfig{})
	first := register(t, leases, t0, "first", exact90).Lease
	found := leases.AppendExpired([]snapshot{first}, at(time.Hour), 0)
	sameKeys(t, "appended", keysOf(found), "first", "first")
	sameKeys(t, "the next pass", keysOf(pass(leases, at(time.Hour), 0)), "first")
	sameKeys(t, "before the deadline", keysOf(pass(leases, at(time.Minute), 0)))
	sameKeys(t, "after it, again", keysOf(pass(leases, at(time.Hour), 0)), "first")
}

// A pass gives memory back before it looks, and finds what it has moved.
func TestPassFindsWhatItMoves(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		var stay []string
		for i := range 4000 {
			key := fmt.Sprintf("key %04d", i)
			register(t, leases, t0, key, term)
			if i%10 == 0 {
				stay = append(stay, key)
				leases.Renew(at(time.Minute), key)
			}
		}
		for _, seen := range pass(leases, at(91*time.Second), 0) {
			leases.Evict(seen)
		}
		sameKeys(t, "too early", keysOf(pass(leases, at(2*time.Minute), 0)))
		sameKeys(t, "All", all(leases), stay...)
		sameKeys(t, "a pass", keysOf(pass(leases, at(time.Hour), 0)), stay...)
	})
}

// The hash is another one in each table and each run. What is decided must not
// depend on it.
func TestResultsDoNotDependOnTheHash(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		var shown [2][]string
		for i := range shown {
			leases := tableOf(t, term)
			for n := range 2000 {
				key, now := fmt.Sprint("key ", n*7919%600), at(time.Duration(n)*time.Second)
				switch n % 5 {
				case 0, 1:
					register(t, leases, now, key, term)
				case 2:
					leases.Renew(now, key)
				case 3:
					leases.Cancel(key)
				case 4:
					if found := pass(leases, now, 0); len(found) > 3 {
						leases.Evict(found[1])
					}
				}
			}
			for _, seen := range pass(leases, at(2000*time.Second), 0) {
				shown[i] = append(shown[i], facts(seen))
			}
		}
		if len(shown[0]) == 0 || !slices.Equal(shown[0], shown[1]) {
			t.Errorf("got %d and %d leases, want the same, and some", len(shown[0]), len(shown[1]))
		}
	})
}
