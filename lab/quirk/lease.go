package quirk

import (
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func leaseQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "L1",
			Title: "90 s is 180 s: a renewed lease lasts twice its duration",
			Story: "Grant two leases for 90 s, renew one of them after 30 s, let both fall silent, and look how long each lasts after its last sign of life.",
			Facts: []Fact{
				eureka("registered only: 1m30s, renewed: 3m0s", func() string { return lastsFor(lease.Eureka) }),
				exact("registered only: 1m30s, renewed: 1m30s", func() string { return lastsFor(lease.Exact) }),
			},
		},
		{
			ID:    "L2",
			Title: "At its deadline a lease is still alive",
			Story: "Grant a lease for 90 s and look at it exactly 90 s later, then 1 ms after that.",
			Facts: []Fact{
				eureka("at 1m30s: live, at 1m30.001s: expired", func() string { return atDeadline(lease.Eureka) }),
				exact("at 1m30s: live, at 1m30.001s: expired", func() string { return atDeadline(lease.Exact) }),
			},
		},
		{
			ID:    "L3",
			Title: "Durations overflow a 32-bit int of milliseconds",
			Story: "Grant a lease for 2147484 s (24.9 days), look at it 1 s later, and renew it.",
			Facts: []Fact{
				eureka("expired, the renewal moves the deadline by -596h31m22.296s", func() string { return longTerm(lease.Eureka) }),
				exact("live, the renewal moves the deadline by 1s", func() string { return longTerm(lease.Exact) }),
			},
		},
		{
			ID:    "L4",
			Title: "Sums of milliseconds wrap at 64 bits",
			Story: "Ask a fresh lease of 90 s whether it is expired with the greatest and with the least additional time that a Java long holds.",
			Facts: []Fact{
				eureka("with Long.MAX_VALUE: expired, with Long.MIN_VALUE: expired", func() string { return extremeAdditional(lease.Eureka) }),
				exact("with Long.MAX_VALUE: live, with Long.MIN_VALUE: live", func() string { return extremeAdditional(lease.Exact) }),
			},
		},
		{
			ID:    "L5",
			Title: "A negative additional time expires a lease early",
			Story: "Ask a lease of 90 s after 31 s whether it is expired with -60 s additional time.",
			Facts: []Fact{
				eureka("expired", func() string { return negativeAdditional(lease.Eureka) }),
				exact("live", func() string { return negativeAdditional(lease.Exact) }),
			},
		},
		{
			ID:    "L6",
			Title: "A cancel at or before the Unix epoch does not end the lease",
			Story: "Under a clock that starts before 1970 grant a lease at -10 ms, cancel it at -5 ms, at 0 ms and at 7 ms, and look at it each time.",
			Facts: []Fact{
				eureka("live (-5 published), live (0 published), ended (7 published)", func() string { return cancelAtEpoch(lease.Eureka) }),
				exact("ended (-5 published), ended (-5 published), ended (-5 published)", func() string { return cancelAtEpoch(lease.Exact) }),
			},
		},
		{
			ID:    "L7",
			Title: "A cancelled lease is still renewed, and stays ended",
			Story: "Cancel a lease of 90 s after 10 s, renew it after 20 s, and look how far its published last renewal moved.",
			Facts: []Fact{
				eureka("moved by 1m50s, ended", func() string { return renewCancelled(lease.Eureka) }),
				exact("moved by 0s, ended", func() string { return renewCancelled(lease.Exact) }),
			},
		},
		{
			ID:    "L8",
			Title: "A renewal under a clock that was set back shortens the lease",
			Story: "Renew a lease of 90 s after 60 s, set the clock back by 60 s, and renew it again: how far does its deadline move?",
			Facts: []Fact{
				eureka("-1m0s", func() string { return renewSetBack(lease.Eureka) }),
				exact("0s", func() string { return renewSetBack(lease.Exact) }),
			},
		},
		{
			ID:    "L9",
			Title: "Service-up is set once, but 0 means never",
			Story: "Record service-up twice at the Unix epoch, under a clock that starts there: which calls count?",
			Facts: []Fact{
				eureka("first: true, second: true", func() string { return serviceUpAtEpoch(lease.Eureka) }),
				exact("first: true, second: false", func() string { return serviceUpAtEpoch(lease.Exact) }),
			},
		},
		{
			ID:    "L10",
			Title: "The published last renewal lies in the future",
			Story: "Renew a lease of 90 s after 30 s: how far after that instant is the published last renewal, and how far the true one?",
			Facts: []Fact{
				eureka("published: 1m30s, true: 0s", func() string { return publishedRenewal(lease.Eureka) }),
				exact("published: 0s, true: 0s", func() string { return publishedRenewal(lease.Exact) }),
			},
		},
	}
}

// grant grants a lease that renews every 30 s. The stories' terms are valid.
func grant(at time.Time, duration time.Duration, rule lease.Rule) *lease.Lease[string] {
	term := lease.Term{Duration: duration, Interval: min(30*time.Second, duration/3), Rule: rule}
	return must(lease.New(at, "PAYMENTS/i-0f3a9c12", term))
}

func lastsFor(rule lease.Rule) string {
	registered, renewed := grant(t0, 90*time.Second, rule), grant(t0, 90*time.Second, rule)
	renewed.Renew(t0.Add(30 * time.Second))
	return fmt.Sprintf("registered only: %v, renewed: %v", lasts(registered, t0), lasts(renewed, t0.Add(30*time.Second)))
}

// lasts asks a lease when it expires, as a pass would: by looking.
func lasts(l expiring, since time.Time) time.Duration {
	millis := sort.Search(int(time.Hour/time.Millisecond), func(n int) bool {
		return l.IsExpired(since.Add(time.Duration(n+1)*time.Millisecond), 0)
	})
	return time.Duration(millis) * time.Millisecond
}

// expiring is a lease, of a table or by itself.
type expiring interface {
	IsExpired(now time.Time, additional time.Duration) bool
}

func atDeadline(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	at := func(d time.Duration) string { return fmt.Sprintf("at %v: %v", d, l.Stage(t0.Add(d), 0)) }
	return at(90*time.Second) + ", " + at(90*time.Second+time.Millisecond)
}

func longTerm(rule lease.Rule) string {
	l := grant(t0, 2_147_484*time.Second, rule)
	now := t0.Add(time.Second)
	stage, before := l.Stage(now, 0), l.Deadline()
	l.Renew(now)
	return fmt.Sprintf("%v, the renewal moves the deadline by %v", stage, l.Deadline().Sub(before))
}

func extremeAdditional(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	look := func(additional int64) lease.Stage {
		if l.IsExpiredMilli(t0, additional) {
			return lease.Expired
		}
		return lease.Live
	}
	return fmt.Sprintf("with Long.MAX_VALUE: %v, with Long.MIN_VALUE: %v", look(math.MaxInt64), look(math.MinInt64))
}

func negativeAdditional(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	return l.Stage(t0.Add(31*time.Second), -60*time.Second).String()
}

func cancelAtEpoch(rule lease.Rule) string {
	l := grant(time.UnixMilli(-10), 90*time.Second, rule)
	cancel := func(millis int64) string {
		now := time.UnixMilli(millis)
		l.Cancel(now)
		return fmt.Sprintf("%v (%d published)", l.Stage(now, 0), l.Published().Eviction)
	}
	return cancel(-5) + ", " + cancel(0) + ", " + cancel(7)
}

func renewCancelled(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	l.Cancel(t0.Add(10 * time.Second))
	before := l.Published().LastRenewal
	now := t0.Add(20 * time.Second)
	l.Renew(now)
	moved := time.Duration(l.Published().LastRenewal-before) * time.Millisecond
	return fmt.Sprintf("moved by %v, %v", moved, l.Stage(now, 0))
}

func renewSetBack(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	l.Renew(t0.Add(60 * time.Second))
	before := l.Deadline()
	l.Renew(t0)
	return l.Deadline().Sub(before).String()
}

func serviceUpAtEpoch(rule lease.Rule) string {
	epoch := time.UnixMilli(0)
	l := grant(epoch, 90*time.Second, rule)
	return fmt.Sprintf("first: %v, second: %v", l.ServiceUp(epoch), l.ServiceUp(epoch))
}

func publishedRenewal(rule lease.Rule) string {
	l := grant(t0, 90*time.Second, rule)
	now := t0.Add(30 * time.Second)
	l.Renew(now)
	return fmt.Sprintf("published: %v, true: %v", time.UnixMilli(l.Published().LastRenewal).Sub(now), l.LastRenewal().Sub(now))
}
