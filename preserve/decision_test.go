package preserve_test

import (
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

func TestReasonsAreWords(t *testing.T) {
	for reason, want := range map[preserve.Reason]string{
		0:                       "Reason(0)",
		preserve.SwitchedOff:    "switched off",
		preserve.EnoughRenewals: "enough renewals",
		preserve.TooFewRenewals: "too few renewals",
		preserve.NoThreshold:    "no threshold",
		preserve.WarmingUp:      "warming up",
		preserve.Unprotected:    "unprotected",
		preserve.Disabled:       "disabled",
		8:                       "Reason(8)",
	} {
		if got := reason.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestZeroDecisionWithholdsAndSaysSo(t *testing.T) {
	var zero preserve.Decision
	if zero.Allowed {
		t.Error("allowed: got true, want false")
	}
	if got, want := zero.String(), "no decision"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDisabledDecisionSaysSo(t *testing.T) {
	d := preserve.Decision{Reason: preserve.Disabled}
	if got, want := d.String(), "eviction is withheld: it is switched off"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecisionCarriesEveryNumber(t *testing.T) {
	clients := opened(t, preserve.DefaultConfig(latest), 10)
	renewals := opened(t, preserve.DefaultConfig(preserve.EurekaV1_9_3), 10)
	off := opened(t, preserve.DefaultConfig(preserve.Spring), 10)
	off.SetSelfPreservation(false)
	for name, row := range map[string]struct{ got, want preserve.Decision }{
		"clients": {clients.Decide(18), preserve.Decision{
			Allowed: true, Reason: preserve.EnoughRenewals, Rule: "eureka v1.9.17 - v2.0.6",
			Renewals: 18, Threshold: 17, Expected: 10, Percent: 0.85, Clients: true, Interval: 30 * time.Second,
		}},
		"renewals per minute": {renewals.Decide(17), preserve.Decision{
			Allowed: false, Reason: preserve.TooFewRenewals, Rule: "eureka v1.9.3",
			Renewals: 17, Threshold: 17, Expected: 20, Percent: 0.85,
		}},
		"switched off": {off.Decide(3), preserve.Decision{
			Allowed: true, Reason: preserve.SwitchedOff, Rule: "spring",
			Renewals: 3, Threshold: 17, Expected: 10, Percent: 0.85, Clients: true, Interval: 30 * time.Second,
		}},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %+v, want %+v", name, row.got, row.want)
		}
	}
}

func TestDecisionDoesNotFollowItsCalculator(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 10)
	before := c.Decide(18)
	want := before
	c.SetPercent(0.5)
	c.SetSelfPreservation(false)
	c.Registered()
	if before != want || before == c.Decide(18) {
		t.Errorf("got %+v, want %+v, another than %+v", before, want, c.Decide(18))
	}
}

func TestDecisionIsOneSentence(t *testing.T) {
	const withheld, allowed = "eviction is withheld: ", "eviction is allowed: "
	every := func(release preserve.Release) preserve.Config { return preserve.DefaultConfig(release) }
	off := every(latest)
	off.SelfPreservation = false
	for name, row := range map[string]struct {
		config          preserve.Config
		count, renewals int64
		want            string
	}{
		"v1.2.5 enough": {every(preserve.EurekaV1_2_5), 10, 18,
			allowed + "18 renewals exceed the threshold of 17 (20 renewals expected, percent 0.85)"},
		"v1.2.5 too few": {every(preserve.EurekaV1_2_5), 10, 17,
			withheld + "17 renewals did not exceed the threshold of 17 (20 renewals expected, percent 0.85)"},
		"v1.3.0 enough": {every(preserve.EurekaV1_3_0), 10, 18,
			allowed + "18 renewals exceed the threshold of 17 (20 renewals expected, percent 0.85)"},
		"v1.4.9 too few": {every(preserve.EurekaV1_4_9), 10, 0,
			withheld + "0 renewals did not exceed the threshold of 17 (20 renewals expected, percent 0.85)"},
		"v1.9.3 too few, one": {every(preserve.EurekaV1_9_3), 10, 1,
			withheld + "1 renewal did not exceed the threshold of 17 (20 renewals expected, percent 0.85)"},
		"v1.9.4 enough": {every(preserve.EurekaV1_9_4), 10, 18,
			allowed + "18 renewals exceed the threshold of 17 (10 clients expected every 30s, percent 0.85)"},
		"v1.9.4 too few": {every(preserve.EurekaV1_9_4), 10, 12,
			withheld + "12 renewals did not exceed the threshold of 17 (10 clients expected every 30s, percent 0.85)"},
		"v1.9.17 enough": {config(latest, 0.5, 90*time.Second), 1000, 334,
			allowed + "334 renewals exceed the threshold of 333 (1000 clients expected every 1m30s, percent 0.5)"},
		"v1.9.17 no threshold": {every(latest), 0, 74,
			withheld + "the threshold has to be above 0 and is 0 (0 clients expected every 30s, percent 0.85)"},
		"v1.9.3 overflown": {every(preserve.EurekaV1_9_3), 1 << 30, 74,
			withheld + "the threshold has to be above 0 and is -1825361100 (-2147483648 renewals expected, percent 0.85)"},
		"v1.9.17 percent NaN": {config(latest, math.NaN(), 30*time.Second), 10, 20,
			withheld + "the threshold has to be above 0 and is 0 (10 clients expected every 30s, percent NaN)"},
		"v1.9.17 percent infinite": {config(latest, math.Inf(1), 30*time.Second), 10, 20,
			withheld + "20 renewals did not exceed the threshold of 2147483647 (10 clients expected every 30s, percent +Inf)"},
		"v1.9.17 percent of many digits": {config(latest, 0.2715826366239279, 10*time.Second), 58, 95,
			allowed + "95 renewals exceed the threshold of 94 (58 clients expected every 10s, percent 0.2715826366239279)"},
		"v1.9.17 switched off": {off, 10, 0,
			allowed + "self-preservation is off"},
		"spring too few": {every(preserve.Spring), 6, 10,
			withheld + "10 renewals did not exceed the threshold of 10 (6 clients expected every 30s, percent 0.85)"},
		"bilibili enough": {every(preserve.Bilibili), 10, 17,
			allowed + "17 renewals reach the threshold of 17 (20 renewals expected, percent 0.85)"},
		"nacos": {every(preserve.Nacos), 10, 0,
			allowed + "the rule has no self-preservation"},
		"bilibili too few": {every(preserve.Bilibili), 10, 16,
			withheld + "16 renewals did not reach the threshold of 17 (20 renewals expected, percent 0.85)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, row.config, row.count)
			if got := c.Decide(row.renewals).String(); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestExactDecisionIsOneSentence(t *testing.T) {
	zurich := time.FixedZone("+01:00", 3600)
	for name, row := range map[string]struct {
		at       time.Time
		renewals int64
		want     string
	}{
		"warming up": {t0.In(zurich), 18,
			"eviction is withheld: the registry is warming up until 2023-11-14T22:14:20.5Z"},
		"enough": {t0.Add(time.Hour), 26,
			"eviction is allowed: 26 renewals reach the threshold of 25.5 (30 renewals expected, percent 0.85)"},
		"too few": {t0.Add(time.Hour), 25,
			"eviction is withheld: 25 renewals did not reach the threshold of 25.5 (30 renewals expected, percent 0.85)"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{
				Window: time.Minute, Percent: 0.85, Warmup: 60*time.Second + 500*time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if err := e.Add(20 * time.Second); err != nil {
					t.Fatal(err)
				}
			}
			if got := e.Decide(row.at, row.renewals).String(); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestOneIsSingular(t *testing.T) {
	const want = "eviction is allowed: 1 renewal reaches the threshold of 0.85 (1 renewal expected, percent 0.85)"
	if got := expecting(t, 0.85, 1, time.Minute).Decide(t0, 1).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What the sentence compares has to compare as it says.
func TestTheSentenceRoundsNothingAway(t *testing.T) {
	const almost = "eviction is withheld: 18 renewals did not reach the threshold of 18.00000002 (20 renewals expected, percent 0.900000001)"
	if got := expecting(t, 0.900000001, 10, 30*time.Second).Decide(t0, 18).String(); got != almost {
		t.Errorf("got  %s\nwant %s", got, almost)
	}
	const thirds = "eviction is withheld: 0 renewals did not reach the threshold of 0.667 (1 renewal expected, percent 0.6666)"
	if got := expecting(t, 0.6666, 1, time.Minute).Decide(t0, 0).String(); got != thirds {
		t.Errorf("got  %s\nwant %s", got, thirds)
	}
	const most = "eviction is allowed: 9223372036854775806 renewals reach the threshold of 17 (20 renewals expected, percent 0.85)"
	if got := expecting(t, 0.85, 10, 30*time.Second).Decide(t0, math.MaxInt64-1).String(); got != most {
		t.Errorf("got  %s\nwant %s", got, most)
	}
}
