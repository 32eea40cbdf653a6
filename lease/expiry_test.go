package lease_test

import (
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func TestStageString(t *testing.T) {
	for stage, want := range map[lease.Stage]string{
		lease.Live:    "live",
		lease.Suspect: "suspect",
		lease.Expired: "expired",
		lease.Ended:   "ended",
		4:             "Stage(4)",
		255:           "Stage(255)",
	} {
		equal(t, "String", stage.String(), want)
	}
}

// checkExpired asks the same question in all four ways.
func checkExpired(t *testing.T, l *lease.Lease[string], now time.Time, additional time.Duration, want bool) {
	t.Helper()
	mark, expired := l.Expired(now, additional)
	equal(t, "Expired", expired, want)
	equal(t, "zero mark", mark == lease.Mark{}, !want)
	equal(t, "IsExpired", l.IsExpired(now, additional), want)
	equal(t, "Stage is Expired", l.Stage(now, additional) == lease.Expired, want)
	if additional%time.Millisecond == 0 {
		equal(t, "IsExpiredMilli", l.IsExpiredMilli(now, additional.Milliseconds()), want)
	}
}

// All rows: Duration 90 s, granted at 0 s, renewed at 10 s.
func TestExactExpires(t *testing.T) {
	const deadline = 100 * time.Second
	tests := []struct {
		name       string
		now        time.Duration
		additional time.Duration
		want       bool
	}{
		{"at the renewal", 10 * time.Second, 0, false},
		{"at the deadline", deadline, 0, false},
		{"a nanosecond after the deadline", deadline + 1, 0, true},
		{"at the end of the grace", deadline + time.Minute, time.Minute, false},
		{"a nanosecond after the grace", deadline + time.Minute + 1, time.Minute, true},
		{"a grace of one nanosecond", deadline + 1, 1, false},
		{"negative additional at the deadline", deadline, -time.Minute, false},
		{"negative additional a nanosecond after", deadline + 1, -time.Minute, true},
		{"least additional at the deadline", deadline, math.MinInt64, false},
		{"least additional a nanosecond after", deadline + 1, math.MinInt64, true},
		{"before the renewal", 9 * time.Second, 0, false},
		{"before the registration", -time.Second, 0, false},
		{"long before the registration", math.MinInt64, 0, false},
		{"long after", math.MaxInt64, 0, true},
		{"long after, with the greatest additional", math.MaxInt64, math.MaxInt64, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, exact90)
			l.Renew(at(10 * time.Second))
			checkExpired(t, l, at(tt.now), tt.additional, tt.want)
		})
	}
}

func TestExactHugeAdditionalNeverExpires(t *testing.T) {
	const fits = math.MaxInt64 - 90*time.Second // the last that Duration plus additional can hold
	never := time.UnixMilli(1 << 60)
	tests := []struct {
		name       string
		additional time.Duration
		want       bool
	}{
		{"sum within a time.Duration", fits - 1, true},
		{"sum one beyond", fits + 1, false},
		{"greatest additional", math.MaxInt64, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, exact90)
			checkExpired(t, l, never, tt.additional, tt.want)
		})
	}
}

func TestExactAdditionalInMilliseconds(t *testing.T) {
	const most = math.MaxInt64 / int64(time.Millisecond) // the most that a time.Duration holds
	term := lease.Term{Duration: 2, Interval: 1}
	never := time.UnixMilli(1 << 60)
	tests := []struct {
		name       string
		now        time.Time
		additional int64
		want       bool
	}{
		{"end of the grace", at(2 + time.Millisecond), 1, false},
		{"a nanosecond after the grace", at(3 + time.Millisecond), 1, true},
		{"most that fits", never, most, true},
		{"beyond what fits", never, most + 1, false},
		{"greatest", never, math.MaxInt64, false},
		{"negative counts as zero, at the deadline", at(2), -1, false},
		{"negative counts as zero, after the deadline", at(3), -1, true},
		{"least that fits", at(3), -most, true},
		{"below what fits", at(3), -most - 1, true},
		{"least", at(3), math.MinInt64, true},
		{"least, at the deadline", at(2), math.MinInt64, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, term)
			equal(t, "IsExpiredMilli", l.IsExpiredMilli(tt.now, tt.additional), tt.want)
		})
	}
}

// Quirk L2: the comparison is strict, for a lease that was only registered
// and for a renewed one (deadline 10 s + 2 x 90 s, quirk L1).
func TestEurekaExpires(t *testing.T) {
	const deadline = 190 * time.Second
	tests := []struct {
		name       string
		now        time.Duration
		additional time.Duration
		want       bool
	}{
		{"at the deadline", deadline, 0, false},
		{"a millisecond after the deadline", deadline + time.Millisecond, 0, true},
		{"within the deadline's millisecond", deadline + time.Millisecond - 1, 0, false},
		{"at the end of the grace", deadline + time.Minute, time.Minute, false},
		{"a millisecond after the grace", deadline + time.Minute + time.Millisecond, time.Minute, true},
		{"additional below a millisecond is nothing", deadline + time.Millisecond, time.Millisecond - 1, true},
		{"negative additional below a millisecond is nothing", deadline, -time.Millisecond + 1, false},
		{"before the registration", -time.Second, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, eureka90)
			l.Renew(at(10 * time.Second))
			checkExpired(t, l, at(tt.now), tt.additional, tt.want)
		})
	}
}

// Quirk L5: additional may be negative and is not clamped.
func TestEurekaNegativeAdditionalExpiresEarlier(t *testing.T) {
	l := grant(t, t0, eureka90)
	checkExpired(t, l, t0, -90*time.Second, false)
	checkExpired(t, l, t0, -90*time.Second-time.Millisecond, true)
	equal(t, "IsExpiredMilli", l.IsExpiredMilli(t0, -t0.UnixMilli()), true)
}

// Quirk L4: last update plus duration plus additional wraps at 64 bits.
func TestEurekaSumsWrapAt64Bits(t *testing.T) {
	sum := t0.UnixMilli() + 90_000 // last update plus duration
	beforeEpoch := time.UnixMilli(-t0.UnixMilli())
	tests := []struct {
		name       string
		now        time.Time
		additional int64
		want       bool
	}{
		{"greatest additional wraps to the past", t0, math.MaxInt64, true},
		{"least additional is the past", t0, math.MinInt64, true},
		{"last sum that does not wrap", t0, math.MaxInt64 - sum, false},
		{"first sum that wraps", t0, math.MaxInt64 - sum + 1, true},
		{"before the epoch: greatest additional does not wrap", beforeEpoch, math.MaxInt64, false},
		{"before the epoch: least additional wraps to the future", beforeEpoch, math.MinInt64, false},
		{"before the epoch: last sum that does not wrap", beforeEpoch, math.MinInt64 + t0.UnixMilli() - 90_000, true},
		{"before the epoch: first sum that wraps", beforeEpoch, math.MinInt64 + t0.UnixMilli() - 90_001, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, tt.now, eureka90)
			equal(t, "IsExpiredMilli", l.IsExpiredMilli(tt.now, tt.additional), tt.want)
		})
	}
}

func TestEndedLeaseIsExpiredAtAnyInstant(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		l.Cancel(at(time.Second))
		for _, now := range []time.Time{at(-time.Hour), t0, at(time.Hour)} {
			equal(t, "IsExpired", l.IsExpired(now, math.MaxInt64), true)
			equal(t, "IsExpiredMilli", l.IsExpiredMilli(now, 0), true)
			_, expired := l.Expired(now, math.MaxInt64)
			equal(t, "Expired", expired, true)
			equal(t, "Stage", l.Stage(now, math.MaxInt64), lease.Ended)
		}
	})
}

// Suspect 60 s, Duration 90 s, granted at 0 s.
func TestExactStages(t *testing.T) {
	tests := []struct {
		name       string
		now        time.Duration
		additional time.Duration
		want       lease.Stage
	}{
		{"before the registration", -time.Hour, 0, lease.Live},
		{"granted", 0, 0, lease.Live},
		{"at the suspect boundary", 60 * time.Second, 0, lease.Live},
		{"a nanosecond after the suspect boundary", 60*time.Second + 1, 0, lease.Suspect},
		{"at the deadline", 90 * time.Second, 0, lease.Suspect},
		{"a nanosecond after the deadline", 90*time.Second + 1, 0, lease.Expired},
		{"additional delays suspect", 70 * time.Second, 10 * time.Second, lease.Live},
		{"additional delays suspect, a nanosecond after", 70*time.Second + 1, 10 * time.Second, lease.Suspect},
		{"additional delays expired", 100 * time.Second, 10 * time.Second, lease.Suspect},
		{"additional delays expired, a nanosecond after", 100*time.Second + 1, 10 * time.Second, lease.Expired},
		{"negative additional makes nothing suspect earlier", 60 * time.Second, -10 * time.Second, lease.Live},
		{"huge additional", math.MaxInt64, math.MaxInt64, lease.Live},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, exact90)
			equal(t, "Stage", l.Stage(at(tt.now), tt.additional), tt.want)
		})
	}
}

func TestRenewEndsTheSuspectStage(t *testing.T) {
	l := grant(t, t0, exact90)
	now := at(61 * time.Second)
	equal(t, "Stage", l.Stage(now, 0), lease.Suspect)
	l.Renew(now)
	equal(t, "Stage", l.Stage(now, 0), lease.Live)
	equal(t, "Stage", l.Stage(now.Add(60*time.Second+1), 0), lease.Suspect)
}

func TestTermWithoutSuspectHasNoSuchStage(t *testing.T) {
	exact := exact90
	exact.Suspect = 0
	for _, term := range []lease.Term{exact, eureka90} {
		t.Run(term.Rule.String(), func(t *testing.T) {
			l := grant(t, t0, term)
			equal(t, "Stage at the deadline", l.Stage(at(90*time.Second), 0), lease.Live)
			equal(t, "Stage after it", l.Stage(at(90*time.Second+time.Millisecond), 0), lease.Expired)
		})
	}
}

// The step is the rule's resolution: a nanosecond or a millisecond.
func TestDeadlineIsTheLastInstantNotExpired(t *testing.T) {
	steps := map[lease.Rule]time.Duration{lease.Exact: 1, lease.Eureka: time.Millisecond, lease.Nacos: time.Millisecond, lease.Bilibili: time.Millisecond}
	everyRule(t, func(t *testing.T, term lease.Term) {
		l, step := grant(t, t0, term), steps[term.Rule]
		check := func(state string) {
			t.Helper()
			deadline := l.Deadline()
			equal(t, state+": IsExpired at the deadline", l.IsExpired(deadline, 0), false)
			equal(t, state+": IsExpired after it", l.IsExpired(deadline.Add(step), 0), true)
		}
		check("granted")
		l.Renew(at(30 * time.Second))
		check("renewed")
		l.Renew(at(20 * time.Second))
		check("renewed at an older instant")
	})
}

func TestDeadlineStaysAfterTheEnd(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		cancelled, evicted := grant(t, t0, term), grant(t, t0, term)
		equal(t, "Cancel", cancelled.Cancel(at(time.Second)), true)
		equal(t, "Evict", evicted.Evict(at(time.Hour), mustExpire(t, evicted, at(time.Hour))), true)
		sameInstant(t, "Deadline once cancelled", cancelled.Deadline(), at(90*time.Second))
		sameInstant(t, "Deadline once evicted", evicted.Deadline(), at(90*time.Second))
	})
}

// With and without a monotonic reading, and with nanoseconds that are no
// whole milliseconds, an exact lease expires to the nanosecond.
func TestExactInstantsWithAndWithoutMonotonicReading(t *testing.T) {
	monotonic := time.Now()
	tests := []struct {
		name string
		base time.Time
	}{
		{"monotonic", monotonic},
		{"wall clock only", monotonic.Round(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := tt.base
			l := grant(t, base, exact90)
			equal(t, "Renew", l.Renew(base.Add(1)), true)
			// == compares the readings of both clocks.
			equal(t, "Registered", l.Registered(), base)
			equal(t, "LastRenewal", l.LastRenewal(), base.Add(1))
			equal(t, "Deadline", l.Deadline(), base.Add(90*time.Second+1))
			checkExpired(t, l, base.Add(90*time.Second+1), 0, false)
			checkExpired(t, l, base.Add(90*time.Second+2), 0, true)
		})
	}
}
