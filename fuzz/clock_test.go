package fuzz

import (
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
	"github.com/leasekernel/leasekernel/ratemeter"
)

// The kernels are given instants of a clock that knows nothing of them. It
// starts at the Unix epoch, so that whatever takes instant 0 for "unset" shows
// itself.

const (
	heartbeatEvery = 30 * time.Second
	passEvery      = 60 * time.Second
)

func termUnder(rule lease.Rule) lease.Term {
	term := lease.Term{Duration: 90 * time.Second, Rule: rule}
	if rule == lease.Exact {
		term.Interval = heartbeatEvery
	}
	return term
}

func TestKnownTermsOnAForeignClock(t *testing.T) {
	for _, known := range []struct {
		name    string
		rule    lease.Rule
		renewed bool          // at the instant of the registration
		lasts   time.Duration // the last instant at which it is not expired
		tick    time.Duration // the rule's resolution
	}{
		{"eureka, registered only", lease.Eureka, false, 90 * time.Second, time.Millisecond},
		{"eureka, renewed", lease.Eureka, true, 180 * time.Second, time.Millisecond},
		{"exact, registered only", lease.Exact, false, 90 * time.Second, time.Nanosecond},
		{"exact, renewed", lease.Exact, true, 90 * time.Second, time.Nanosecond},
	} {
		t.Run(known.name, func(t *testing.T) {
			mock := clock.NewMock()
			granted := mustGrant(t, mock.Now(), termUnder(known.rule))
			if known.renewed && !granted.Renew(mock.Now()) {
				t.Fatal("a renewal at instant 0 is refused")
			}
			mock.Add(known.lasts)
			if stage := granted.Stage(mock.Now(), 0); stage != lease.Live {
				t.Errorf("after %v it is %v", known.lasts, stage)
			}
			if deadline := granted.Deadline(); !deadline.Equal(mock.Now()) {
				t.Errorf("the deadline is %v, not %v", deadline, mock.Now())
			}
			mock.Add(known.tick)
			if stage := granted.Stage(mock.Now(), 0); stage != lease.Expired {
				t.Errorf("%v later it is %v", known.tick, stage)
			}
		})
	}
}

// registry is the smallest one that uses every kernel: a row of leases in the
// order of their registration, and one loop.
type registry struct {
	clock        *clock.Mock
	leases       []*lease.Lease[string]
	meter        *ratemeter.MeasuredRate
	calculator   *preserve.Calculator
	compensation *evict.Compensation
	silent       map[string]bool // the holders that renew no more
	passes       []pass
}

// pass is what one pass found and did.
type pass struct {
	At           time.Duration // since the epoch
	Decision     preserve.Decision
	Compensation time.Duration
	Candidates   int
	Victims      int
	Size         int   // after the pass
	Expected     int64 // after the pass
}

func newRegistry(t *testing.T, rule lease.Rule, holders ...string) *registry {
	r := &registry{clock: clock.NewMock(), meter: ratemeter.NewMeasuredRate(time.Minute), silent: map[string]bool{}}
	now := r.clock.Now()
	var err error
	if r.calculator, err = preserve.NewCalculator(preserve.DefaultConfig(preserve.EurekaV1_9_17)); err != nil {
		t.Fatal(err)
	}
	if r.compensation, err = evict.NewCompensation(passEvery); err != nil {
		t.Fatal(err)
	}
	if err := r.meter.Start(now); err != nil {
		t.Fatal(err)
	}
	if err := r.calculator.Open(now, int64(len(holders))); err != nil {
		t.Fatal(err)
	}
	for _, holder := range holders {
		granted, err := lease.New(now, holder, termUnder(rule))
		if err != nil {
			t.Fatal(err)
		}
		r.leases = append(r.leases, granted)
	}
	r.compensation.Next(now) // the first pass, before anything can expire
	return r
}

// run lets virtual time go by: heartbeats when they are due, then the meter,
// then the pass.
func (r *registry) run(t *testing.T, span time.Duration) {
	for end := r.clock.Now().Add(span); r.clock.Now().Before(end); {
		r.clock.Add(heartbeatEvery)
		r.heartbeats(t)
		r.meter.Tick(r.clock.Now())
		if r.sinceEpoch()%passEvery == 0 {
			r.pass(t)
		}
	}
}

func (r *registry) sinceEpoch() time.Duration { return r.clock.Now().Sub(time.Unix(0, 0)) }

func (r *registry) heartbeats(t *testing.T) {
	for _, l := range r.leases {
		if r.silent[l.Holder()] {
			continue
		}
		if !l.Renew(r.clock.Now()) {
			t.Fatalf("%s is refused at %v", l.Holder(), r.sinceEpoch())
		}
		r.meter.Increment()
	}
}

func (r *registry) pass(t *testing.T) {
	now := r.clock.Now()
	report := pass{
		At:           r.sinceEpoch(),
		Decision:     r.calculator.Decide(r.meter.Count()),
		Compensation: r.compensation.Next(now),
	}
	candidates := r.collect(now, report.Compensation)
	report.Candidates = len(candidates)
	if report.Decision.Allowed {
		report.Victims = r.evict(t, now, candidates)
	}
	report.Size, report.Expected = len(r.leases), r.calculator.Expected()
	r.passes = append(r.passes, report)
}

type candidate struct {
	lease *lease.Lease[string]
	mark  lease.Mark
}

func (r *registry) collect(now time.Time, grace time.Duration) (candidates []candidate) {
	for _, l := range r.leases {
		if mark, expired := l.Expired(now, grace); expired {
			candidates = append(candidates, candidate{l, mark})
		}
	}
	return candidates
}

func (r *registry) evict(t *testing.T, now time.Time, candidates []candidate) (victims int) {
	limit, err := evict.Limit(len(r.leases), 0.85)
	if err != nil {
		t.Fatal(err)
	}
	picked, err := evict.Pick(evict.NewJavaRandom(now.UnixMilli()), candidates, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, victim := range picked {
		if !r.silent[victim.lease.Holder()] {
			t.Errorf("%s is evicted at %v, though it renews", victim.lease.Holder(), r.sinceEpoch())
		}
		if victim.lease.Evict(now, victim.mark) {
			r.calculator.Evicted()
			victims++
		}
	}
	r.leases = living(now, r.leases)
	return victims
}

// living returns the leases that have not ended.
func living(now time.Time, leases []*lease.Lease[string]) (left []*lease.Lease[string]) {
	for _, l := range leases {
		if l.Stage(now, 0) != lease.Ended {
			left = append(left, l)
		}
	}
	return left
}

// decided is a decision of this registry, with the numbers that vary.
func decided(allowed bool, reason preserve.Reason, renewals int64, threshold, expected float64) preserve.Decision {
	return preserve.Decision{
		Allowed: allowed, Reason: reason, Rule: preserve.EurekaV1_9_17.String(), Renewals: renewals,
		Threshold: threshold, Expected: expected, Clients: true, Interval: heartbeatEvery, Percent: 0.85,
	}
}

// Ten leases, of which four fall silent at 120 s. Self-preservation withholds
// their eviction, because 12 renewals are not more than the threshold of 17;
// it is switched off at 300 s, and the limit lets two go in each pass. Then
// the whole registry pauses for five minutes, which no lease pays for: the
// pass forgives the four minutes that it comes late.
//
// What the rules change is from when on the four are candidates: at 120 + 90 s
// or at 120 + 180 s, and then from the next pass after that instant.
func TestRegistryOnAForeignClock(t *testing.T) {
	enough := func(renewals int64) preserve.Decision {
		return decided(true, preserve.EnoughRenewals, renewals, 17, 10)
	}
	tooFew := decided(false, preserve.TooFewRenewals, 12, 17, 10)
	off := func(renewals int64, threshold, expected float64) preserve.Decision {
		return decided(true, preserve.SwitchedOff, renewals, threshold, expected)
	}
	for _, known := range []struct {
		rule       lease.Rule
		candidates int // at 240 s and at 300 s
	}{
		{lease.Exact, 4},
		{lease.Eureka, 0}, // at 300 s exactly they are not expired yet
	} {
		t.Run(known.rule.String(), func(t *testing.T) {
			r := newRegistry(t, known.rule, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
			r.run(t, 120*time.Second)
			for _, holder := range []string{"b", "d", "f", "h"} {
				r.silent[holder] = true
			}
			r.run(t, 180*time.Second)
			r.calculator.SetSelfPreservation(false)
			r.run(t, 180*time.Second)
			r.clock.Add(5 * time.Minute)
			r.meter.Tick(r.clock.Now())
			r.pass(t) // before anybody had the chance to renew
			r.run(t, 60*time.Second)

			want := []pass{
				{At: 60 * time.Second, Decision: enough(20), Size: 10, Expected: 10},
				{At: 120 * time.Second, Decision: enough(20), Size: 10, Expected: 10},
				{At: 180 * time.Second, Decision: tooFew, Size: 10, Expected: 10},
				{At: 240 * time.Second, Decision: tooFew, Candidates: known.candidates, Size: 10, Expected: 10},
				{At: 300 * time.Second, Decision: tooFew, Candidates: known.candidates, Size: 10, Expected: 10},
				{At: 360 * time.Second, Decision: off(12, 17, 10), Candidates: 4, Victims: 2, Size: 8, Expected: 8},
				{At: 420 * time.Second, Decision: off(12, 13, 8), Candidates: 2, Victims: 2, Size: 6, Expected: 6},
				{At: 480 * time.Second, Decision: off(12, 10, 6), Size: 6, Expected: 6},
				{At: 780 * time.Second, Decision: off(0, 10, 6), Compensation: 4 * time.Minute, Size: 6, Expected: 6},
				{At: 840 * time.Second, Decision: off(12, 10, 6), Size: 6, Expected: 6},
			}
			if diff := cmp.Diff(want, r.passes, asPublished); diff != "" {
				t.Errorf("passes (-want +got)\n%s", diff)
			}
		})
	}
}

// What an exact kernel is told at instant 0 has happened, like at any other.
func TestInstantZeroIsAnOrdinaryInstant(t *testing.T) {
	zero := clock.NewMock().Now()
	if !zero.Equal(time.Unix(0, 0)) {
		t.Fatalf("the clock starts at %v", zero)
	}
	t.Run("lease", func(t *testing.T) {
		l := mustGrant(t, zero, termUnder(lease.Exact))
		if !l.Renew(zero) || !l.ServiceUp(zero) || l.ServiceUp(zero) || !l.Cancel(zero) || l.Cancel(zero) || l.Renew(zero) {
			t.Error("a call at instant 0 is not counted")
		}
		want := leaseFacts{
			Registered: zero, LastRenewal: zero, Deadline: zero.Add(90 * time.Second),
			EndedAt: zero, Ended: true, UpAt: zero, Up: true,
		}
		if diff := cmp.Diff(want, factsOf(l)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("meter", func(t *testing.T) {
		meter := ratemeter.NewMeasuredRate(time.Minute)
		if err := meter.Start(zero); err != nil || meter.Tick(zero) {
			t.Errorf("it starts with %v, or rotates at once", err)
		}
		meter.Increment()
		if !meter.Tick(zero.Add(time.Minute)) || meter.Count() != 1 {
			t.Errorf("the first window counts %d", meter.Count())
		}
	})
	t.Run("compensation", func(t *testing.T) {
		compensation, err := evict.NewCompensation(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		compensation.Next(zero)
		if forgiven := compensation.Next(zero.Add(3 * time.Minute)); forgiven != 2*time.Minute {
			t.Errorf("it forgives %v, as if there had been no pass at instant 0", forgiven)
		}
	})
	t.Run("expectation", func(t *testing.T) {
		config := preserve.ExpectationConfig{Window: time.Minute, Percent: 0.85, Warmup: time.Minute}
		expectation, err := preserve.NewExpectation(zero, config)
		if err != nil {
			t.Fatal(err)
		}
		want := preserve.Decision{Reason: preserve.WarmingUp, Rule: "exact", Percent: 0.85, WarmUntil: zero.Add(time.Minute)}
		if diff := cmp.Diff(want, expectation.Decide(zero, 0), asPublished); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Where the original takes 0 for "never", faithful means the same.
func TestInstantZeroMeansNeverWhereEurekaSaysSo(t *testing.T) {
	zero := clock.NewMock().Now()
	l := mustGrant(t, zero, termUnder(lease.Eureka))
	if l.Cancel(zero) || l.Stage(zero, 0) != lease.Live {
		t.Error("a cancel at instant 0 ends the lease (L6)")
	}
	for range 2 {
		if !l.ServiceUp(zero) {
			t.Error("the service has come up at instant 0 (L9)")
		}
	}
	calculator, err := preserve.NewCalculator(preserve.DefaultConfig(preserve.EurekaV1_9_17))
	if err != nil {
		t.Fatal(err)
	}
	if err := calculator.Open(zero, 10); err != nil || calculator.Below(zero.Add(time.Hour), 0) {
		t.Errorf("an Open at instant 0 counts (T14): %v", err)
	}
	compensation := evict.EurekaCompensation{IntervalMillis: 60_000}
	compensation.Next(0)
	if forgiven := compensation.Next((3 * time.Minute).Nanoseconds()); forgiven != 0 {
		t.Errorf("a pass at instant 0 counts (E5): %d ms are forgiven", forgiven)
	}
}
