package leasekernel_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// Quirk N3: a value counts if it is digits and nothing else.
func TestNacosTermReadsMetadata(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"7000": 7 * time.Second, "0": 0, "1": time.Millisecond, "00020000": 20 * time.Second,
		"9223372036854":       9223372036854 * time.Millisecond,
		"9223372036855":       9223372036854 * time.Millisecond, // what a Duration holds
		"9223372036854775807": 9223372036854 * time.Millisecond,
		"":                    -1, "-1": -1, "+15000": -1, " 15000": -1, "15000 ": -1, "15000\n": -1, "15000.0": -1, "1e4": -1, "abc": -1,
		"１５０００": -1, "٣": -1,
	} {
		missing := lease.Term{Interval: 5 * time.Second, Suspect: 15 * time.Second, Duration: 30 * time.Second, Rule: lease.Nacos}
		for _, field := range []struct {
			key  string
			want func(*lease.Term) *time.Duration
		}{
			{leasekernel.NacosIntervalKey, func(term *lease.Term) *time.Duration { return &term.Interval }},
			{leasekernel.NacosTimeoutKey, func(term *lease.Term) *time.Duration { return &term.Suspect }},
			{leasekernel.NacosDeleteKey, func(term *lease.Term) *time.Duration { return &term.Duration }},
		} {
			wanted := missing
			if want >= 0 {
				*field.want(&wanted) = want
			}
			got, err := leasekernel.NacosTerm(map[string]string{field.key: value, "version": "1"})
			if got != wanted || err != nil {
				t.Errorf("%s %q: got %+v, %v, want %+v", field.key, value, got, err, wanted)
			}
			if err := got.Validate(); err != nil {
				t.Errorf("%s %q: got a term that is refused: %v", field.key, value, err)
			}
		}
	}
	got, err := leasekernel.NacosTerm(nil)
	if want := leasekernel.Nacos().Term; got != want || err != nil {
		t.Errorf("no metadata: got %+v, %v, want %+v", got, err, want)
	}
}

// Quirk N4: the original takes these and fails later, in every pass.
func TestNacosTermRefusesWhatJavaCannotHold(t *testing.T) {
	got, err := leasekernel.NacosTerm(map[string]string{
		leasekernel.NacosIntervalKey: "9223372036854775808", leasekernel.NacosTimeoutKey: "1", leasekernel.NacosDeleteKey: strings.Repeat("9", 100),
	})
	if got != (lease.Term{}) || !errors.Is(err, leasekernel.ErrInvalid) {
		t.Fatalf("got %+v, %v, want the zero term and ErrInvalid", got, err)
	}
	want := "leasekernel: invalid: preserved.heart.beat.interval is 9223372036854775808: must be at most 9223372036854775807\n" +
		"leasekernel: invalid: preserved.ip.delete.timeout is " + strings.Repeat("9", 100) + ": must be at most 9223372036854775807"
	equal(t, "error", err.Error(), want)
}

// A step of the wall clock ages all leases at once (quirk N10): Nacos measures
// by it, whatever the monotonic clock says.
func TestNacosGoesByTheWallClock(t *testing.T) {
	k := newKernel(t, leasekernel.Nacos())
	register(t, k, 0, 1, 2)
	renew(t, k, 5*time.Second, 1, 2)
	k.Rotate(at(5 * time.Second))
	same(t, "set forward by 16 s", told(k.Evict(at(21001*time.Millisecond))), []string{"suspected 1 at 21.001s", "suspected 2 at 21.001s"})
	renew(t, k, -time.Hour, 1) // set back: the last renewal moves back with it
	same(t, "set back by an hour", told(k.Evict(at(-time.Hour+15*time.Second))), []string{"healed 1 at -1h0m0s"})
	same(t, "and forward again", told(k.Evict(at(6*time.Second))), []string{"suspected 1 at 6s", "evicted 1 at 6s"})
}

// The pause between two beats is the client's affair: nothing is expected that
// depends on it.
func TestNacosBeatsAtAnyInterval(t *testing.T) {
	for _, interval := range []time.Duration{-1, 0, 1, 1500 * time.Millisecond, math.MaxInt64} {
		config := leasekernel.Nacos()
		config.Term.Interval = interval
		k := newKernel(t, config)
		register(t, k, 0, 1)
		equal(t, interval.String(), k.Len(), 1)
	}
}
