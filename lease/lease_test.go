package lease_test

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// t0 has whole milliseconds, so that all rules see the same instants.
var t0 = time.UnixMilli(1_700_000_000_000)

var (
	exact90  = lease.Term{Duration: 90 * time.Second, Suspect: 60 * time.Second, Interval: 30 * time.Second}
	eureka90 = lease.Term{Duration: 90 * time.Second, Rule: lease.Eureka}
	nacos90  = lease.Term{Duration: 90 * time.Second, Suspect: 60 * time.Second, Rule: lease.Nacos}

	bilibili90 = lease.Term{Duration: 90 * time.Second, Rule: lease.Bilibili}
)

func at(sinceGrant time.Duration) time.Time { return t0.Add(sinceGrant) }

func grant(t testing.TB, now time.Time, term lease.Term) *lease.Lease[string] {
	t.Helper()
	l, err := lease.New(now, "holder", term)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func sameInstant(t testing.TB, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// mustExpire returns the mark of a lease that has expired at instant now.
func mustExpire(t testing.TB, l *lease.Lease[string], now time.Time) lease.Mark {
	t.Helper()
	mark, expired := l.Expired(now, 0)
	if !expired {
		t.Fatalf("at %v: got a lease that has not expired, want an expired one", now)
	}
	return mark
}

func everyRule(t *testing.T, test func(t *testing.T, term lease.Term)) {
	for _, term := range []lease.Term{exact90, eureka90, nacos90, bilibili90} {
		t.Run(term.Rule.String(), func(t *testing.T) { test(t, term) })
	}
}

func TestNewGrantsALiveLease(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		equal(t, "Holder", l.Holder(), "holder")
		equal(t, "Term", l.Term(), term)
		equal(t, "Stage", l.Stage(t0, 0), lease.Live)
		sameInstant(t, "Deadline", l.Deadline(), at(90*time.Second))
	})
}

func TestZeroLeaseHasEnded(t *testing.T) {
	var l lease.Lease[string]
	equal(t, "Stage", l.Stage(t0, 0), lease.Ended)
	equal(t, "IsExpired", l.IsExpired(t0, time.Hour), true)
	equal(t, "Renew", l.Renew(t0), false)
	equal(t, "Renew at its registration", l.Renew(time.Time{}), false)
	equal(t, "Cancel", l.Cancel(t0), false)
	equal(t, "Evict", l.Evict(t0, mustExpire(t, &l, t0)), false)
	ended, ok := l.Ended()
	equal(t, "Ended", ok, true)
	sameInstant(t, "Ended", ended, time.Time{})
	equal(t, "Published().Eviction", l.Published().Eviction, time.Time{}.UnixMilli())
}

// A client whose lease a pass has seen expired registers again:
//
//  1. The pass sees the old lease expired.
//  2. The client registers: a new lease takes its place under the same key.
//  3. The pass evicts what is under the key, with the mark of 1: it must not
//     hit the new lease, though both were never renewed.
func TestAMarkOfAnotherLeaseEvictsNothing(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		now := at(time.Hour)
		mark := mustExpire(t, grant(t, t0, term), now)
		replacement := grant(t, now, term)
		equal(t, "Evict", replacement.Evict(now, mark), false)
		equal(t, "Stage", replacement.Stage(now, 0), lease.Live)
		asOld := grant(t, t0, term)
		equal(t, "Evict one that has expired too", asOld.Evict(now, mark), false)
	})
}

func TestEurekaKeepsWholeMilliseconds(t *testing.T) {
	zone := time.FixedZone("+01:00", 3600)
	odd := t0.Add(999_999 * time.Nanosecond).In(zone)
	l := grant(t, odd, eureka90)
	sameInstant(t, "Registered", l.Registered(), t0)
	l.Renew(odd)
	sameInstant(t, "LastRenewal", l.LastRenewal(), t0)
	equal(t, "Location", l.Deadline().Location(), zone)
}

// Under Eureka's rule a clock that goes forth and back can leave the word as
// the pass saw it, although two renewals succeeded in between. The lease is
// then as expired as before, and the eviction is right.
func TestEurekaEvictsALeaseWhoseClockWentForthAndBack(t *testing.T) {
	l := grant(t, t0, eureka90)
	l.Renew(at(10 * time.Second))
	mark := mustExpire(t, l, at(191*time.Second))
	equal(t, "Renew", l.Renew(at(191*time.Second)), true)
	equal(t, "Renew with the clock set back", l.Renew(at(10*time.Second)), true)
	equal(t, "a pass that comes now", l.IsExpired(at(191*time.Second), 0), true)
	equal(t, "Evict", l.Evict(at(191*time.Second), mark), true)
}

func TestExactRenewGrantsOneDurationMore(t *testing.T) {
	l := grant(t, t0, exact90)
	for _, now := range []time.Time{at(1), at(30 * time.Second), at(80 * time.Second)} {
		equal(t, "Renew", l.Renew(now), true)
		sameInstant(t, "Deadline", l.Deadline(), now.Add(90*time.Second))
	}
}

func TestExactOlderNowNeverShortens(t *testing.T) {
	l := grant(t, t0, exact90)
	l.Renew(at(30 * time.Second))
	tests := []struct {
		name string
		now  time.Time
	}{
		{"the same instant", at(30 * time.Second)},
		{"a nanosecond older", at(30*time.Second - 1)},
		{"the registration", t0},
		{"before the registration", at(-time.Hour)},
		{"centuries before the registration", time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			equal(t, "Renew", l.Renew(tt.now), true)
			sameInstant(t, "LastRenewal", l.LastRenewal(), at(30*time.Second))
			sameInstant(t, "Deadline", l.Deadline(), at(120*time.Second))
		})
	}
}

func TestExactRenewBeforeTheRegistrationChangesNothing(t *testing.T) {
	l := grant(t, t0, exact90)
	equal(t, "Renew", l.Renew(at(-1)), true)
	sameInstant(t, "LastRenewal", l.LastRenewal(), t0)
	sameInstant(t, "Deadline", l.Deadline(), at(90*time.Second))
}

func TestRenewBringsAnExpiredLeaseBack(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l, now := grant(t, t0, term), at(time.Hour)
		mustExpire(t, l, now)
		equal(t, "Renew", l.Renew(now), true)
		equal(t, "Stage", l.Stage(now, 0), lease.Live)
	})
}

func TestExactRenewalsBeyondMaxDurationAreRefused(t *testing.T) {
	l, last := grant(t, t0, exact90), at(lease.MaxDuration)
	equal(t, "Renew at MaxDuration", l.Renew(last), true)
	equal(t, "Renew a nanosecond later", l.Renew(last.Add(1)), false)
	equal(t, "Renew centuries later", l.Renew(time.UnixMilli(1<<60)), false)
	sameInstant(t, "LastRenewal", l.LastRenewal(), last)
	equal(t, "Stage", l.Stage(last.Add(30*time.Second), 0), lease.Live)
}

// The longest term on the last renewal makes the longest life: 146 years.
func TestExactLongestLife(t *testing.T) {
	l := grant(t, t0, lease.Term{Duration: lease.MaxDuration, Interval: time.Second})
	l.Renew(at(lease.MaxDuration))
	end := at(lease.MaxDuration).Add(lease.MaxDuration)
	sameInstant(t, "Deadline", l.Deadline(), end)
	equal(t, "IsExpired at the deadline", l.IsExpired(end, 0), false)
	equal(t, "IsExpired a nanosecond later", l.IsExpired(end.Add(1), 0), true)
}

func TestExactRenewAfterTheEndChangesNothing(t *testing.T) {
	ends := map[string]func(l *lease.Lease[string]) bool{
		"cancel": func(l *lease.Lease[string]) bool { return l.Cancel(at(100 * time.Second)) },
		"evict": func(l *lease.Lease[string]) bool {
			return l.Evict(at(100*time.Second), mustExpire(t, l, at(91*time.Second)))
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			l := grant(t, t0, exact90)
			equal(t, name, end(l), true)
			equal(t, "Renew", l.Renew(at(101*time.Second)), false)
			equal(t, "Stage", l.Stage(at(101*time.Second), 0), lease.Ended)
			sameInstant(t, "LastRenewal", l.LastRenewal(), t0)
			sameInstant(t, "Deadline", l.Deadline(), at(90*time.Second))
		})
	}
}

// Quirk L1: a renewal stores now plus the duration, and the check adds the
// duration again.
func TestEurekaRenewDoublesTheTerm(t *testing.T) {
	l := grant(t, t0, eureka90)
	equal(t, "registered only: expired at 90 s", l.IsExpired(at(90*time.Second), 0), false)
	equal(t, "registered only: expired at 90.001 s", l.IsExpired(at(90_001*time.Millisecond), 0), true)
	equal(t, "Renew", l.Renew(t0), true)
	equal(t, "renewed: expired at 180 s", l.IsExpired(at(180*time.Second), 0), false)
	equal(t, "renewed: expired at 180.001 s", l.IsExpired(at(180_001*time.Millisecond), 0), true)
}

// Quirk L7: a renewal after the end still moves the last update, but the
// lease stays expired for ever.
func TestEurekaRenewAfterCancelMovesTheLastUpdate(t *testing.T) {
	l := grant(t, t0, eureka90)
	l.Cancel(at(time.Second))
	equal(t, "Renew", l.Renew(at(2*time.Second)), false)
	equal(t, "published last renewal", l.Published().LastRenewal, at(92*time.Second).UnixMilli())
	equal(t, "IsExpired", l.IsExpired(at(2*time.Second), time.Hour), true)
	equal(t, "Stage", l.Stage(at(2*time.Second), time.Hour), lease.Ended)
}

// Quirk L8: the last update moves backwards with the clock and with a
// negative duration; a duration of zero doubles to zero.
func TestEurekaRenewMovesBackwards(t *testing.T) {
	tests := []struct {
		name         string
		seconds      int64
		now          time.Time
		wantLast     time.Time // published
		wantDeadline time.Time
	}{
		{"clock set back", 90, at(-10 * time.Second), at(80 * time.Second), at(170 * time.Second)},
		{"before the epoch", 90, time.UnixMilli(-1), time.UnixMilli(89_999), time.UnixMilli(179_999)},
		{"negative duration", -90, t0, at(-90 * time.Second), at(-180 * time.Second)},
		{"zero duration", 0, t0, t0, t0},
		{"seconds that overflow (L3)", 2_147_484, t0, at(-2_147_483_296 * time.Millisecond), at(-2 * 2_147_483_296 * time.Millisecond)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, eurekaSeconds(tt.seconds))
			l.Renew(at(time.Hour))
			equal(t, "Renew", l.Renew(tt.now), true)
			equal(t, "published last renewal", l.Published().LastRenewal, tt.wantLast.UnixMilli())
			sameInstant(t, "LastRenewal", l.LastRenewal(), tt.now)
			sameInstant(t, "Deadline", l.Deadline(), tt.wantDeadline)
		})
	}
}

func TestEurekaRenewalsBeyond73MillionYearsAreRefused(t *testing.T) {
	const farthest = 1<<61 - 1 // of the last update, in milliseconds
	registered := t0.UnixMilli()
	tests := []struct {
		name  string
		last  int64
		taken bool
	}{
		{"latest", registered + farthest, true},
		{"a millisecond later", registered + farthest + 1, false},
		{"earliest", registered - farthest - 1, true},
		{"a millisecond earlier", registered - farthest - 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, eureka90)
			want := registered
			if tt.taken {
				want = tt.last
			}
			equal(t, "Renew", l.Renew(time.UnixMilli(tt.last-90_000)), tt.taken)
			equal(t, "published last renewal", l.Published().LastRenewal, want)
		})
	}
}

func TestCancelEndsOnce(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		equal(t, "Cancel", l.Cancel(at(time.Second)), true)
		equal(t, "second Cancel", l.Cancel(at(2*time.Second)), false)
		ended, ok := l.Ended()
		equal(t, "Ended", ok, true)
		sameInstant(t, "Ended", ended, at(time.Second))
		equal(t, "Stage", l.Stage(t0, time.Hour), lease.Ended)
	})
}

func TestCancelEndsAnExpiredLease(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		mustExpire(t, l, at(time.Hour))
		equal(t, "Cancel", l.Cancel(at(time.Hour)), true)
		equal(t, "Stage", l.Stage(at(time.Hour), 0), lease.Ended)
	})
}

// Quirk L6: a cancel at or before the epoch is only published; a later cancel
// overwrites it until one ends the lease, and that one stays.
func TestEurekaCancelAtTheEpochDoesNotEnd(t *testing.T) {
	epoch := time.UnixMilli(0)
	l := grant(t, epoch.Add(-time.Minute), eureka90)
	steps := []struct {
		name     string
		now      time.Time
		want     bool
		eviction int64
		stage    lease.Stage
	}{
		{"before the epoch", epoch.Add(-time.Second), false, -1000, lease.Live},
		{"at the epoch", epoch, false, 0, lease.Live},
		{"within the epoch's millisecond", epoch.Add(time.Millisecond - 1), false, 0, lease.Live},
		{"before the epoch again", epoch.Add(-2 * time.Second), false, -2000, lease.Live},
		{"after the epoch", epoch.Add(time.Millisecond), true, 1, lease.Ended},
		{"later", epoch.Add(time.Second), false, 1, lease.Ended},
		{"before the epoch, but ended", epoch.Add(-time.Second), false, 1, lease.Ended},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			equal(t, "Cancel", l.Cancel(step.now), step.want)
			equal(t, "published eviction", l.Published().Eviction, step.eviction)
			equal(t, "Stage", l.Stage(epoch, 0), step.stage)
			equal(t, "IsExpired", l.IsExpired(epoch, 0), step.stage == lease.Ended)
			_, ended := l.Ended()
			equal(t, "Ended", ended, step.stage == lease.Ended)
		})
	}
}

// A cancel that did not end the lease leaves it to renewals and evictions.
func TestEurekaLeaseLivesOnAfterAVoidCancel(t *testing.T) {
	epoch := time.UnixMilli(0)
	l := grant(t, epoch, eureka90)
	mark := mustExpire(t, l, epoch.Add(91*time.Second))
	l.Cancel(epoch.Add(-time.Second))
	equal(t, "Renew", l.Renew(epoch), true)
	equal(t, "Evict with the old mark", l.Evict(epoch.Add(92*time.Second), mark), false)
	mark = mustExpire(t, l, epoch.Add(181*time.Second))
	equal(t, "Evict", l.Evict(epoch.Add(182*time.Second), mark), true)
	equal(t, "published eviction", l.Published().Eviction, 182_000)
}

// Instant 0 means nothing special to an exact lease.
func TestExactEpochIsAnOrdinaryInstant(t *testing.T) {
	epoch := time.UnixMilli(0)
	l := grant(t, epoch.Add(-time.Second), exact90)
	equal(t, "Renew", l.Renew(epoch), true)
	sameInstant(t, "LastRenewal", l.LastRenewal(), epoch)
	equal(t, "ServiceUp", l.ServiceUp(epoch), true)
	equal(t, "second ServiceUp", l.ServiceUp(epoch), false)
	up, ok := l.ServiceUpAt()
	equal(t, "ServiceUpAt", ok, true)
	sameInstant(t, "ServiceUpAt", up, epoch)
	equal(t, "Cancel", l.Cancel(epoch), true)
	ended, ok := l.Ended()
	equal(t, "Ended", ok, true)
	sameInstant(t, "Ended", ended, epoch)
}

func TestEvictEndsWhatThePassSaw(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		mark := mustExpire(t, l, at(91*time.Second))
		equal(t, "Evict", l.Evict(at(92*time.Second), mark), true)
		equal(t, "Stage", l.Stage(at(92*time.Second), time.Hour), lease.Ended)
		ended, ok := l.Ended()
		equal(t, "Ended", ok, true)
		sameInstant(t, "Ended", ended, at(92*time.Second))
		equal(t, "Renew", l.Renew(at(93*time.Second)), false)
	})
}

// A cancel at the epoch is void under Eureka's rule, an eviction is not: the
// pass has decided.
func TestEvictAtTheEpochEnds(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		epoch := time.UnixMilli(0)
		l := grant(t, epoch.Add(-time.Hour), term)
		equal(t, "Evict", l.Evict(epoch, mustExpire(t, l, epoch)), true)
		ended, ok := l.Ended()
		equal(t, "Ended", ok, true)
		sameInstant(t, "Ended", ended, epoch)
		equal(t, "Cancel", l.Cancel(epoch.Add(-time.Second)), false)
		equal(t, "published eviction", l.Published().Eviction, 0)
	})
}

func TestZeroMarkEvictsNothing(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		mark, expired := l.Expired(t0, 0)
		equal(t, "Expired", expired, false)
		equal(t, "mark of a live lease", mark, lease.Mark{})
		equal(t, "Evict", l.Evict(at(time.Hour), mark), false)
		equal(t, "Stage", l.Stage(t0, 0), lease.Live)
		l.Cancel(t0)
		equal(t, "Evict after the end", l.Evict(at(time.Hour), lease.Mark{}), false)
	})
}

func TestMarkAfterTheEndEvictsNothing(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		l.Cancel(at(time.Second))
		mark := mustExpire(t, l, t0)
		equal(t, "Evict", l.Evict(at(time.Hour), mark), false)
		ended, _ := l.Ended()
		sameInstant(t, "Ended", ended, at(time.Second))
	})
}

// What happens between a pass's Expired (at 200 s) and its Evict (at 201 s)
// to a lease that was renewed at 10 s.
func TestMarkIsStaleAfterAnyChange(t *testing.T) {
	type change func(t *testing.T, l *lease.Lease[string])
	renew := func(now time.Time, want bool) change {
		return func(t *testing.T, l *lease.Lease[string]) { equal(t, "Renew", l.Renew(now), want) }
	}
	cancel := func(now time.Time, want bool) change {
		return func(t *testing.T, l *lease.Lease[string]) { equal(t, "Cancel", l.Cancel(now), want) }
	}
	evict := func(t *testing.T, l *lease.Lease[string]) {
		equal(t, "other Evict", l.Evict(at(150*time.Second), mustExpire(t, l, at(200*time.Second))), true)
	}
	serviceUp := func(t *testing.T, l *lease.Lease[string]) {
		equal(t, "ServiceUp", l.ServiceUp(t0), true)
	}
	tests := []struct {
		name   string
		term   lease.Term
		change change
		evicts bool
	}{
		{"exact: renewed", exact90, renew(at(200*time.Second), true), false},
		{"exact: renewed, but expired again", exact90, renew(at(10*time.Second+1), true), false},
		{"exact: cancelled", exact90, cancel(at(200*time.Second), true), false},
		{"exact: evicted", exact90, evict, false},
		{"exact: renewed at the same instant", exact90, renew(at(10*time.Second), true), true},
		{"exact: renewed at an older instant", exact90, renew(at(9*time.Second), true), true},
		{"exact: renewed beyond MaxDuration", exact90, renew(at(lease.MaxDuration+1), false), true},
		{"exact: service up", exact90, serviceUp, true},
		{"eureka: renewed", eureka90, renew(at(200*time.Second), true), false},
		{"eureka: renewed at an older instant", eureka90, renew(at(9*time.Second), true), false},
		{"eureka: cancelled", eureka90, cancel(at(200*time.Second), true), false},
		{"eureka: evicted", eureka90, evict, false},
		{"eureka: renewed at the same instant", eureka90, renew(at(10*time.Second), true), true},
		{"eureka: renewed within the same millisecond", eureka90, renew(at(10*time.Second+999_999), true), true},
		{"eureka: cancelled at the epoch", eureka90, cancel(time.UnixMilli(0), false), true},
		{"eureka: service up", eureka90, serviceUp, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, tt.term)
			l.Renew(at(10 * time.Second))
			mark := mustExpire(t, l, at(200*time.Second))
			tt.change(t, l)
			before, wasEnded := l.Ended()
			equal(t, "Evict", l.Evict(at(201*time.Second), mark), tt.evicts)
			ended, isEnded := l.Ended()
			if tt.evicts {
				sameInstant(t, "Ended", ended, at(201*time.Second))
				return
			}
			equal(t, "ended before and after", isEnded, wasEnded)
			sameInstant(t, "Ended", ended, before)
		})
	}
}

// Not even the first renewal changes an exact lease at its registration.
func TestExactRenewalAtTheRegistrationKeepsTheMark(t *testing.T) {
	l := grant(t, t0, exact90)
	mark := mustExpire(t, l, at(time.Hour))
	equal(t, "Renew", l.Renew(t0), true)
	equal(t, "Evict", l.Evict(at(time.Hour), mark), true)
}

// The first renewal always changes an Eureka lease, even at a duration of
// zero, where it moves nothing.
func TestEurekaFirstRenewalMakesTheMarkStale(t *testing.T) {
	l := grant(t, t0, eurekaSeconds(0))
	mark := mustExpire(t, l, at(time.Millisecond))
	equal(t, "Renew", l.Renew(t0), true)
	equal(t, "Evict", l.Evict(at(time.Millisecond), mark), false)
}
