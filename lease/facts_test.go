package lease_test

import (
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func TestRegisteredAndLastRenewalAreTheTrueInstants(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		sameInstant(t, "LastRenewal without any", l.LastRenewal(), t0)
		for _, now := range []time.Time{at(30 * time.Second), at(61 * time.Second)} {
			l.Renew(now)
			sameInstant(t, "LastRenewal", l.LastRenewal(), now)
		}
		sameInstant(t, "Registered", l.Registered(), t0)
	})
}

// The last renewal is told from the registration even where both lie at the
// same instant and the duration is negative.
func TestEurekaLastRenewalAtTheRegistration(t *testing.T) {
	l := grant(t, t0, eurekaSeconds(-90))
	l.Renew(t0)
	sameInstant(t, "LastRenewal", l.LastRenewal(), t0)
	equal(t, "published", l.Published().LastRenewal, at(-90*time.Second).UnixMilli())
}

func TestLiveLeaseHasNotEnded(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		l.Renew(at(time.Second))
		ended, ok := l.Ended()
		equal(t, "Ended", ok, false)
		equal(t, "Ended", ended, time.Time{})
	})
}

func TestExactEndStaysWithin146Years(t *testing.T) {
	const most = time.Duration(1<<62 - 1)
	tests := []struct {
		name string
		now  time.Time
		want time.Time
	}{
		{"before the registration", at(-time.Second), at(-time.Second)},
		{"latest", at(most), at(most)},
		{"a nanosecond later", at(most + 1), at(most)},
		{"centuries later", at(math.MaxInt64), at(most)},
		{"earliest", at(-most), at(-most)},
		{"a nanosecond earlier", at(-most - 1), at(-most)},
		{"the zero instant", time.Time{}, at(-most)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, exact90)
			equal(t, "Cancel", l.Cancel(tt.now), true)
			ended, ok := l.Ended()
			equal(t, "Ended", ok, true)
			sameInstant(t, "Ended", ended, tt.want)
			equal(t, "published eviction", l.Published().Eviction, tt.want.UnixMilli())
		})
	}
}

func TestServiceUpCountsOnce(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		never, ok := l.ServiceUpAt()
		equal(t, "ServiceUpAt before", ok, false)
		sameInstant(t, "ServiceUpAt before", never, time.Time{})
		equal(t, "ServiceUp", l.ServiceUp(t0), true)
		equal(t, "second ServiceUp", l.ServiceUp(at(time.Second)), false)
		up, ok := l.ServiceUpAt()
		equal(t, "ServiceUpAt", ok, true)
		sameInstant(t, "ServiceUpAt", up, t0)
	})
}

func TestSetServiceUpOverwrites(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		l.ServiceUp(t0)
		l.SetServiceUp(at(-time.Hour))
		equal(t, "ServiceUp", l.ServiceUp(at(time.Second)), false)
		up, ok := l.ServiceUpAt()
		equal(t, "ServiceUpAt", ok, true)
		sameInstant(t, "ServiceUpAt", up, at(-time.Hour))
	})
}

// No instant, however old, means "never" to an exact lease.
func TestExactServiceUpCenturiesAgoCounts(t *testing.T) {
	l := grant(t, t0, exact90)
	l.SetServiceUp(time.Time{})
	_, ok := l.ServiceUpAt()
	equal(t, "ServiceUpAt", ok, true)
	equal(t, "ServiceUp", l.ServiceUp(t0), false)
}

// Quirk L9: 0 stands for "never", negative values stick.
func TestEurekaServiceUpZeroMeansNever(t *testing.T) {
	epoch := time.UnixMilli(0)
	l := grant(t, t0, eureka90)
	equal(t, "ServiceUp at the epoch", l.ServiceUp(epoch), true)
	equal(t, "ServiceUp at the epoch again", l.ServiceUp(epoch), true)
	_, ok := l.ServiceUpAt()
	equal(t, "ServiceUpAt", ok, false)

	equal(t, "ServiceUp", l.ServiceUp(t0), true)
	equal(t, "ServiceUp again", l.ServiceUp(at(1)), false)
	l.SetServiceUp(epoch)
	equal(t, "ServiceUp re-armed", l.ServiceUp(at(time.Second)), true)
	up, ok := l.ServiceUpAt()
	equal(t, "ServiceUpAt", ok, true)
	sameInstant(t, "ServiceUpAt", up, at(time.Second))

	l.SetServiceUp(time.UnixMilli(-1))
	equal(t, "ServiceUp after a negative value", l.ServiceUp(t0), false)
	equal(t, "published", l.Published().ServiceUp, -1)
}

func TestPublished(t *testing.T) {
	type published = lease.Timestamps
	ms := func(d time.Duration) int64 { return at(d).UnixMilli() }
	nothing := func(*lease.Lease[string]) {}
	all := func(l *lease.Lease[string]) {
		l.Renew(at(30 * time.Second))
		l.ServiceUp(at(31 * time.Second))
		l.Cancel(at(32 * time.Second))
	}
	evicted := func(l *lease.Lease[string]) { l.Evict(at(100*time.Second), mustExpire(t, l, at(91*time.Second))) }
	tests := []struct {
		name string
		term lease.Term
		do   func(l *lease.Lease[string])
		want published
	}{
		{"exact: granted", exact90, nothing, published{Registration: ms(0), LastRenewal: ms(0)}},
		{
			"exact: renewed, up, cancelled", exact90, all,
			published{Registration: ms(0), LastRenewal: ms(30 * time.Second), Eviction: ms(32 * time.Second), ServiceUp: ms(31 * time.Second)},
		},
		{"exact: evicted", exact90, evicted, published{Registration: ms(0), LastRenewal: ms(0), Eviction: ms(100 * time.Second)}},
		{"eureka: granted", eureka90, nothing, published{Registration: ms(0), LastRenewal: ms(0)}},
		{
			"eureka: renewed, up, cancelled", eureka90, all,
			published{Registration: ms(0), LastRenewal: ms(120 * time.Second), Eviction: ms(32 * time.Second), ServiceUp: ms(31 * time.Second)},
		},
		{"eureka: evicted", eureka90, evicted, published{Registration: ms(0), LastRenewal: ms(0), Eviction: ms(100 * time.Second)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, tt.term)
			tt.do(l)
			equal(t, "Published", l.Published(), tt.want)
		})
	}
}

// Quirk L10: the published last renewal lies one duration in the future.
func TestEurekaPublishesTheLastRenewalInTheFuture(t *testing.T) {
	l := grant(t, t0, eureka90)
	now := at(30 * time.Second)
	l.Renew(now)
	equal(t, "published last renewal", l.Published().LastRenewal, now.UnixMilli()+90_000)
	sameInstant(t, "LastRenewal", l.LastRenewal(), now)
}

// Under the exact rule the registration is published too, with the instants
// truncated to milliseconds.
func TestExactPublishesTruncatedMilliseconds(t *testing.T) {
	l := grant(t, at(999_999), exact90)
	l.Renew(at(2*time.Millisecond - 1))
	l.ServiceUp(at(3*time.Millisecond - 1))
	l.Cancel(at(4*time.Millisecond - 1))
	ms := t0.UnixMilli()
	equal(t, "Published", l.Published(), lease.Timestamps{Registration: ms, LastRenewal: ms + 1, Eviction: ms + 3, ServiceUp: ms + 2})
}

func TestFactsStayAfterTheEnd(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		l := grant(t, t0, term)
		l.Renew(at(30 * time.Second))
		l.Cancel(at(40 * time.Second))
		equal(t, "Holder", l.Holder(), "holder")
		equal(t, "Term", l.Term(), term)
		sameInstant(t, "Registered", l.Registered(), t0)
		sameInstant(t, "LastRenewal", l.LastRenewal(), at(30*time.Second))
		equal(t, "ServiceUp", l.ServiceUp(at(50*time.Second)), true)
		up, ok := l.ServiceUpAt()
		equal(t, "ServiceUpAt", ok, true)
		sameInstant(t, "ServiceUpAt", up, at(50*time.Second))
	})
}

// Facts stop at 146 years (exact, in nanoseconds) and 146 million (Eureka, in
// milliseconds) from the registration, as their docs say.
func TestFactsStopAtTheirHorizon(t *testing.T) {
	const horizon = 1<<62 - 1
	tests := []struct {
		name     string
		term     lease.Term
		now      time.Time
		want     time.Time
		exceeded bool
	}{
		{"exact, within", exact90, t0.Add(horizon), t0.Add(horizon), false},
		{"exact, beyond", exact90, t0.Add(horizon).Add(1), t0.Add(horizon), true},
		{"eureka, within", eureka90, time.UnixMilli(horizon), time.UnixMilli(horizon), false},
		{"eureka, beyond", eureka90, time.UnixMilli(horizon + 1), time.UnixMilli(horizon), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			registered := t0
			if test.term.Rule == lease.Eureka {
				registered = time.UnixMilli(0)
			}
			l := grant(t, registered, test.term)
			equal(t, "Cancel", l.Cancel(test.now), true)
			ended, ok := l.Ended()
			equal(t, "Ended", ok, true)
			sameInstant(t, "Ended", ended, test.want)
			equal(t, "stopped", !ended.Equal(test.now), test.exceeded)
		})
	}
}
