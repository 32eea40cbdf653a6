package lease_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func nacosMillis(suspect, duration int64) lease.Term {
	return lease.Term{Duration: millis(duration), Suspect: millis(suspect), Rule: lease.Nacos}
}

// Quirk N1: both comparisons are strict. N3: a timeout of 0 is one, and over a
// millisecond after the beat. N2, N35: a lease that is deleted before it is
// suspect has never been suspect; a pass that comes later finds it to be both.
// N10: the last beat is what the wall clock says, forwards and backwards.
//
// Granted at 0; all figures are milliseconds.
func TestNacosStages(t *testing.T) {
	const (
		live    = lease.Live
		suspect = lease.Suspect
		expired = lease.Expired
	)
	tests := []struct {
		name              string
		suspect, duration int64
		beats             []int64
		now, additional   int64
		stage             lease.Stage
		found             bool // by a pass that looks for suspects
	}{
		{"a ms before it is suspect", 15_000, 30_000, nil, 14_999, 0, live, false},
		{"suspect, border", 15_000, 30_000, nil, 15_000, 0, live, false},
		{"suspect, a ms after the border", 15_000, 30_000, nil, 15_001, 0, suspect, true},
		{"a ms before it expires", 15_000, 30_000, nil, 29_999, 0, suspect, true},
		{"expired, border", 15_000, 30_000, nil, 30_000, 0, suspect, true},
		{"expired, a ms after the border", 15_000, 30_000, nil, 30_001, 0, expired, true},
		{"at the registration", 15_000, 30_000, nil, 0, 0, live, false},
		{"before the registration", 15_000, 30_000, nil, -1, 0, live, false},
		{"long before the registration", 15_000, 30_000, nil, -3_600_000, 0, live, false},

		{"renewed, suspect, border", 15_000, 30_000, []int64{5000, 10_000}, 25_000, 0, live, false},
		{"renewed, suspect, a ms after", 15_000, 30_000, []int64{5000, 10_000}, 25_001, 0, suspect, true},
		{"renewed, expired, border", 15_000, 30_000, []int64{5000, 10_000}, 40_000, 0, suspect, true},
		{"renewed, expired, a ms after", 15_000, 30_000, []int64{5000, 10_000}, 40_001, 0, expired, true},
		{"renewed when it had expired", 15_000, 30_000, []int64{60_000}, 75_000, 0, live, false},
		{"renewed at the registration", 15_000, 30_000, []int64{0, 0}, 15_001, 0, suspect, true},

		{"suspect at once, border", 0, 30_000, nil, 0, 0, live, false},
		{"suspect at once, a ms after", 0, 30_000, nil, 1, 0, suspect, true},
		{"deleted at once, border", 15_000, 0, nil, 0, 0, live, false},
		{"deleted at once, a ms after", 15_000, 0, nil, 1, 0, expired, false},
		{"both at once, border", 0, 0, []int64{7}, 7, 0, live, false},
		{"both at once, a ms after", 0, 0, []int64{7}, 8, 0, expired, true},

		{"deleted first, border", 20_000, 10_000, nil, 10_000, 0, live, false},
		{"deleted first, a ms after", 20_000, 10_000, nil, 10_001, 0, expired, false},
		{"deleted first, border of suspect", 20_000, 10_000, nil, 20_000, 0, expired, false},
		{"deleted first, and then suspect", 20_000, 10_000, nil, 20_001, 0, expired, true},
		{"deleted when suspect, border", 15_000, 15_000, nil, 15_000, 0, live, false},
		{"deleted when suspect, a ms after", 15_000, 15_000, nil, 15_001, 0, expired, true},

		{"clock set back, suspect, border", 15_000, 30_000, []int64{10_000, -5000}, 10_000, 0, live, false},
		{"clock set back, suspect, a ms after", 15_000, 30_000, []int64{10_000, -5000}, 10_001, 0, suspect, true},
		{"clock set back, expired, a ms after", 15_000, 30_000, []int64{10_000, -5000}, 25_001, 0, expired, true},
		{"clock set back and forward", 15_000, 30_000, []int64{10_000, -5000, 10_000}, 25_000, 0, live, false},
		{"beat in the future", 15_000, 30_000, []int64{600_000}, 0, 0, live, false},
		{"beat in the future, suspect, border", 15_000, 30_000, []int64{600_000}, 615_000, 0, live, false},
		{"beat in the future, suspect, a ms after", 15_000, 30_000, []int64{600_000}, 615_001, 0, suspect, true},
		{"step of 16 s", 15_000, 30_000, nil, 16_000, 0, suspect, true},
		{"step of 600 s", 15_000, 30_000, nil, 600_000, 0, expired, true},

		{"additional, suspect, border", 15_000, 30_000, nil, 20_000, 5000, live, false},
		{"additional, suspect, a ms after", 15_000, 30_000, nil, 20_001, 5000, suspect, true},
		{"additional, expired, border", 15_000, 30_000, nil, 35_000, 5000, suspect, true},
		{"additional, expired, a ms after", 15_000, 30_000, nil, 35_001, 5000, expired, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			term := nacosMillis(tt.suspect, tt.duration)
			alone, leases := grant(t, t0, term), tableOf(t, term)
			register(t, leases, t0, "key", term)
			for _, beat := range tt.beats {
				equal(t, "Renew", alone.Renew(at(millis(beat))), true)
				equal(t, "Renew in a table", leases.Renew(at(millis(beat)), "key"), true)
			}
			now, additional := at(millis(tt.now)), millis(tt.additional)
			checkExpired(t, alone, now, additional, tt.stage == expired)
			equal(t, "Stage", alone.Stage(now, additional), tt.stage)
			equal(t, "Stage in a table", mustGet(t, leases, "key").Stage(now, additional), tt.stage)
			equal(t, "expired, by a pass", len(pass(leases, now, additional)) == 1, tt.stage == expired)
			equal(t, "suspect, by a pass", len(suspects(leases, now, additional)) == 1, tt.found)
		})
	}
}

// Only whole milliseconds count, of the instants and of what is additional.
func TestNacosKeepsWholeMilliseconds(t *testing.T) {
	term := nacosMillis(15_000, 30_000)
	late := at(999_999)
	alone, leases := grant(t, late, term), tableOf(t, term)
	granted := register(t, leases, late, "key", term).Lease
	sameInstant(t, "Registered", alone.Registered(), t0)
	sameInstant(t, "Registered in a table", granted.Registered(), t0)
	for _, tt := range []struct {
		now        time.Duration
		additional time.Duration
		stage      lease.Stage
	}{
		{millis(15_000) + 999_999, 0, lease.Live},
		{millis(15_001), 0, lease.Suspect},
		{millis(15_001), 999_999, lease.Suspect},
		{millis(15_001), time.Millisecond, lease.Live},
		{millis(30_000) + 999_999, 0, lease.Suspect},
		{millis(30_001), 999_999, lease.Expired},
	} {
		what := fmt.Sprintf("after %v, additional %v", tt.now, tt.additional)
		equal(t, what, alone.Stage(at(tt.now), tt.additional), tt.stage)
		equal(t, what+", in a table", granted.Stage(at(tt.now), tt.additional), tt.stage)
	}
}

// What the last beat moves, it moves for everything that is shown.
func TestNacosShowsTheTrueInstants(t *testing.T) {
	term := nacosMillis(15_000, 30_000)
	alone, leases := grant(t, t0, term), tableOf(t, term)
	register(t, leases, t0, "key", term)
	for _, beat := range []time.Duration{0, time.Hour, -time.Hour, millis(1)} { // N10
		equal(t, "Renew", alone.Renew(at(beat)), true)
		equal(t, "Renew in a table", leases.Renew(at(beat), "key"), true)
		seen := mustGet(t, leases, "key")
		want := lease.Timestamps{Registration: t0.UnixMilli(), LastRenewal: at(beat).UnixMilli()}
		equal(t, "Published", alone.Published(), want)
		equal(t, "Published in a table", seen.Published(), want)
		sameInstant(t, "LastRenewal", alone.LastRenewal(), at(beat))
		sameInstant(t, "LastRenewal in a table", seen.LastRenewal(), at(beat))
		sameInstant(t, "Deadline", alone.Deadline(), at(beat+millis(30_000)))
		sameInstant(t, "Deadline in a table", seen.Deadline(), at(beat+millis(30_000)))
	}
}

// Eureka's quirks L6 and L7 are not Nacos's: a cancel at the epoch ends the
// lease, and a renewal after the end leaves it alone.
func TestNacosEndsForGood(t *testing.T) {
	ends := map[string]func(l *lease.Lease[string]) bool{
		"cancelled":              func(l *lease.Lease[string]) bool { return l.Cancel(at(time.Second)) },
		"cancelled at the epoch": func(l *lease.Lease[string]) bool { return l.Cancel(time.UnixMilli(0)) },
		"evicted": func(l *lease.Lease[string]) bool {
			mark, _ := l.Expired(at(time.Hour), 0)
			return l.Evict(at(time.Hour), mark)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			l := grant(t, t0, nacosMillis(15_000, 30_000))
			equal(t, "the end", end(l), true)
			equal(t, "Renew", l.Renew(at(time.Minute)), false)
			sameInstant(t, "LastRenewal", l.LastRenewal(), t0)
			sameInstant(t, "Deadline", l.Deadline(), at(30*time.Second))
			equal(t, "Stage", l.Stage(at(time.Second), 0), lease.Ended)
		})
	}
}

func TestNacosRenewalsBeyond73MillionYearsAreRefused(t *testing.T) {
	const farthest = 1<<61 - 1 // from the registration, in milliseconds
	registered := t0.UnixMilli()
	for _, tt := range []struct {
		name  string
		last  int64
		taken bool
	}{
		{"latest", registered + farthest, true},
		{"a millisecond later", registered + farthest + 1, false},
		{"earliest", registered - farthest - 1, true},
		{"a millisecond earlier", registered - farthest - 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, want := grant(t, t0, nacosMillis(15_000, 30_000)), t0
			if tt.taken {
				want = time.UnixMilli(tt.last)
			}
			equal(t, "Renew", l.Renew(time.UnixMilli(tt.last)), tt.taken)
			sameInstant(t, "LastRenewal", l.LastRenewal(), want)
		})
	}
}

func TestNacosTableReachesNineMillionYears(t *testing.T) {
	term := nacosMillis(15_000, 30_000)
	leases := tableOf(t, term)
	for _, from := range []int64{reach, -reach, 0, 1, -1} {
		granted := register(t, leases, time.UnixMilli(from), "key", term)
		equal(t, "Renew", leases.Renew(time.UnixMilli(from), "key"), true)
		sameInstant(t, "Registered", granted.Lease.Registered(), time.UnixMilli(from))
		sameInstant(t, "Deadline", mustGet(t, leases, "key").Deadline(), time.UnixMilli(from+30_000))
	}
	before := facts(mustGet(t, leases, "key"))
	for _, from := range []int64{reach + 1, -reach - 1, math.MaxInt64, math.MinInt64} {
		_, err := leases.Register(time.UnixMilli(from), "key", "holder", term)
		namesProblems(t, err, "now is", "must lie at most 288230376151711743 ms from 1970-01-01")
		equal(t, "Renew", leases.Renew(time.UnixMilli(from), "key"), false)
		healed, ok := leases.RenewTelling(time.UnixMilli(from), "key")
		equal(t, "RenewTelling", ok || healed, false)
	}
	equal(t, "the lease", facts(mustGet(t, leases, "key")), before)
}

// The longest and the shortest terms that there are have room in a table.
func TestNacosTermsOfAllLengths(t *testing.T) {
	const longest = math.MaxInt64 / int64(time.Millisecond)
	for _, tt := range []struct {
		term             lease.Term
		suspect, expired int64 // the last instants at which it is not
	}{
		{nacosMillis(0, longest), 0, longest},
		{nacosMillis(longest, 0), longest, 0},
		{nacosMillis(longest, longest), longest, longest},
		{nacosMillis(0, 0), 0, 0},
	} {
		alone, leases := grant(t, t0, tt.term), tableOf(t, tt.term)
		register(t, leases, t0, "key", tt.term)
		start := t0.UnixMilli()
		for after := range int64(2) {
			now := time.UnixMilli(start + tt.suspect + after)
			equal(t, "suspect, by a pass", len(suspects(leases, now, 0)) == 1, after == 1)
			now = time.UnixMilli(start + tt.expired + after)
			equal(t, "expired, by a pass", len(pass(leases, now, 0)) == 1, after == 1)
			equal(t, "IsExpired", alone.IsExpired(now, 0), after == 1)
		}
	}
}

// Quirk N7: who registers again is as suspect as before, and for as long,
// until a renewal. N11: the exemption does not last.
func TestNacosRegistrationsInheritSuspicion(t *testing.T) {
	leases := tableOf(t, nacos90)
	register(t, leases, t0, "key", nacos90)
	mustSuspect(t, leases, at(61*time.Second), "key")
	equal(t, "Exempt", leases.Exempt("key", true), true)

	again := register(t, leases, at(70*time.Second), "key", nacos90)
	equal(t, "Replaced was suspect", again.Replaced.Suspected(), true)
	equal(t, "Replaced was exempt", again.Replaced.Exempt(), true)
	equal(t, "exempt", again.Lease.Exempt(), false)
	equal(t, "suspect", again.Lease.Suspected(), true)
	equal(t, "Renewed", again.Lease.Renewed(), false)
	equal(t, "Stage", again.Lease.Stage(at(70*time.Second), 0), lease.Suspect)
	isSuspectSince(t, again.Lease, 61*time.Second)
	equal(t, "Suspects", leases.Suspects(), 1)
	sameInstant(t, "Deadline", again.Lease.Deadline(), at(160*time.Second))
	equal(t, "what Get returns", facts(mustGet(t, leases, "key")), facts(again.Lease))
	equal(t, "healed", len(healed(leases)), 0)

	renewsFrom(t, leases, at(71*time.Second), "key", lease.Suspect)
	equal(t, "suspect after a renewal", mustGet(t, leases, "key").Suspected(), false)
	equal(t, "healed", len(healed(leases)), 1)
	again = register(t, leases, at(72*time.Second), "key", nacos90)
	equal(t, "suspect after a healthy one", again.Lease.Suspected(), false)
}

// A lease that left bequeaths nothing.
func TestNacosRegistrationsAfterTheEndInheritNothing(t *testing.T) {
	leases := tableOf(t, nacos90)
	register(t, leases, t0, "key", nacos90)
	mustSuspect(t, leases, at(61*time.Second), "key")
	mustCancel(t, leases, "key")
	equal(t, "suspect", register(t, leases, t0, "key", nacos90).Lease.Suspected(), false)
	equal(t, "Suspects", leases.Suspects(), 0)
}
