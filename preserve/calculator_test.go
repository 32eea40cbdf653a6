package preserve_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

var t0 = time.UnixMilli(1_700_000_000_000)

// latest is the arithmetic of Eureka v2.0.6.
const latest = preserve.EurekaV1_9_17

// config returns the defaults of a release with another percent and interval.
func config(release preserve.Release, percent float64, interval time.Duration) preserve.Config {
	c := preserve.DefaultConfig(release)
	c.Percent, c.Interval = percent, interval
	return c
}

// opened returns a calculator that was opened at t0 with count clients.
func opened(t *testing.T, config preserve.Config, count int64) *preserve.Calculator {
	t.Helper()
	c, err := preserve.NewCalculator(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(t0, count); err != nil {
		t.Fatal(err)
	}
	return c
}

// check compares what is expected and the threshold.
func check(t *testing.T, c *preserve.Calculator, expected, threshold int64) {
	t.Helper()
	if got := c.Expected(); got != expected {
		t.Errorf("expected: got %d, want %d", got, expected)
	}
	if got := c.Threshold(); got != threshold {
		t.Errorf("threshold: got %d, want %d", got, threshold)
	}
}

// update offers count clients and compares the answer.
func update(t *testing.T, c *preserve.Calculator, count int64, want bool) {
	t.Helper()
	if got, err := c.Update(count); got != want || err != nil {
		t.Errorf("update with %d: got %v, %v, want %v", count, got, err, want)
	}
}

// decide compares the reason of the decision.
func decide(t *testing.T, c *preserve.Calculator, renewals int64, want preserve.Reason) {
	t.Helper()
	if got := c.Decide(renewals); got.Reason != want {
		t.Errorf("%d renewals: got %v, want %v (%v)", renewals, got.Reason, want, got)
	}
}

// repeat calls do n times.
func repeat(n int, do func()) {
	for range n {
		do()
	}
}

func TestDefaultsAreTheOriginals(t *testing.T) {
	want := preserve.Config{
		Release:           preserve.Spring,
		Percent:           0.85,
		Interval:          30 * time.Second,
		SelfPreservation:  true,
		WaitWhenSyncEmpty: 5 * time.Minute,
	}
	if got := preserve.DefaultConfig(preserve.Spring); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNewCalculatorTakesWhateverTheOriginalCanExpress(t *testing.T) {
	for name, change := range map[string]func(*preserve.Config){
		"defaults":          func(*preserve.Config) {},
		"greatest interval": func(c *preserve.Config) { c.Interval = 2147483647 * time.Second },
		"least interval":    func(c *preserve.Config) { c.Interval = -2147483648 * time.Second },
		"interval 0":        func(c *preserve.Config) { c.Interval = 0 },
		"percent NaN":       func(c *preserve.Config) { c.Percent = math.NaN() },
		"percent infinite":  func(c *preserve.Config) { c.Percent = math.Inf(-1) },
		"wait 0":            func(c *preserve.Config) { c.WaitWhenSyncEmpty = 0 },
		"negative wait":     func(c *preserve.Config) { c.WaitWhenSyncEmpty = -time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			for _, release := range preserve.Releases() {
				config := preserve.DefaultConfig(release)
				change(&config)
				c, err := preserve.NewCalculator(config)
				if err != nil {
					t.Fatalf("%v: got %v, want no error", release, err)
				}
				check(t, c, 0, 0)
			}
		})
	}
}

func TestNewCalculatorNamesAllProblems(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*preserve.Config)
		want   []string // the fields that the error names
	}{
		"no release":        {func(c *preserve.Config) { c.Release = 0 }, []string{"Release"}},
		"unknown release":   {func(c *preserve.Config) { c.Release = preserve.Nacos + 1 }, []string{"Release"}},
		"part of a second":  {func(c *preserve.Config) { c.Interval = 1500 * time.Millisecond }, []string{"Interval"}},
		"a nanosecond":      {func(c *preserve.Config) { c.Interval = 1 }, []string{"Interval"}},
		"beyond an int":     {func(c *preserve.Config) { c.Interval = 2147483648 * time.Second }, []string{"Interval"}},
		"below an int":      {func(c *preserve.Config) { c.Interval = -2147483649 * time.Second }, []string{"Interval"}},
		"part of a milli":   {func(c *preserve.Config) { c.WaitWhenSyncEmpty = 1500 * time.Microsecond }, []string{"WaitWhenSyncEmpty"}},
		"everything at one": {func(c *preserve.Config) { *c = preserve.Config{Interval: 1, WaitWhenSyncEmpty: 1} }, []string{"Release", "Interval", "WaitWhenSyncEmpty"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := preserve.DefaultConfig(latest)
			row.change(&config)
			c, err := preserve.NewCalculator(config)
			if c != nil || !errors.Is(err, preserve.ErrInvalid) {
				t.Fatalf("got %v, %v, want no calculator and ErrInvalid", c, err)
			}
			for _, field := range []string{"Release", "Interval", "WaitWhenSyncEmpty"} {
				want := false
				for _, named := range row.want {
					want = want || named == field
				}
				if got := strings.Contains(err.Error(), ": "+field+" is "); got != want {
					t.Errorf("%s is named: got %v, want %v: %v", field, got, want, err)
				}
			}
		})
	}
}

// Every release expects renewals (2 a client) or clients (1), and an eviction
// lowers them or not: quirk T15 follows from this table.
func TestCountedChangesOfEachRelease(t *testing.T) {
	type state struct{ expected, threshold int64 }
	for release, row := range map[preserve.Release]struct {
		open, registered, cancelled, evicted state
	}{
		preserve.EurekaV1_2_5:  {state{20, 17}, state{22, 18}, state{20, 17}, state{18, 15}},
		preserve.EurekaV1_3_0:  {state{20, 17}, state{22, 18}, state{20, 17}, state{18, 15}},
		preserve.EurekaV1_4_9:  {state{20, 17}, state{22, 18}, state{20, 17}, state{20, 17}},
		preserve.EurekaV1_9_3:  {state{20, 17}, state{22, 18}, state{20, 17}, state{20, 17}},
		preserve.EurekaV1_9_4:  {state{10, 17}, state{11, 18}, state{10, 17}, state{10, 17}},
		preserve.EurekaV1_9_17: {state{10, 17}, state{11, 18}, state{10, 17}, state{9, 15}},
		preserve.Spring:        {state{10, 17}, state{11, 18}, state{10, 17}, state{9, 15}},
		preserve.Bilibili:      {state{20, 17}, state{22, 18}, state{20, 17}, state{20, 17}},
		preserve.Nacos:         {},
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 10)
			check(t, c, row.open.expected, row.open.threshold)
			c.Registered()
			check(t, c, row.registered.expected, row.registered.threshold)
			c.Cancelled()
			check(t, c, row.cancelled.expected, row.cancelled.threshold)
			c.Evicted()
			check(t, c, row.evicted.expected, row.evicted.threshold)
		})
	}
}

// Quirk T1: any percent is taken, and the product is cast as Java does it.
func TestThresholdIsCastToAnInt(t *testing.T) {
	for name, row := range map[string]struct {
		count   int64
		percent float64
		want    int64
	}{
		"truncates":               {3, 0.85, 5},   // of 5.1
		"truncates negatives":     {3, -0.85, -5}, // of -5.1
		"not a number is 0":       {10, math.NaN(), 0},
		"infinity is the most":    {10, math.Inf(1), math.MaxInt32},
		"-infinity is the least":  {10, math.Inf(-1), math.MinInt32},
		"0 times infinity is 0":   {0, math.Inf(1), 0},
		"stops above":             {1 << 20, 1e300, math.MaxInt32},
		"stops below":             {1 << 20, -1e300, math.MinInt32},
		"a huge view (huge0)":     {1_100_000_000, 0.85, 1_870_000_000},
		"percent -1 as recorded":  {12, -1, -24},
		"more than all":           {10, 1.5, 30},
		"the least above nothing": {10, math.SmallestNonzeroFloat64, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, config(latest, row.percent, 30*time.Second), row.count)
			check(t, c, row.count, row.want)
		})
	}
}

// Quirk T2: expected * (60.0 / interval) * percent, from left to right.
func TestThresholdMultipliesFromLeftToRight(t *testing.T) {
	for name, row := range map[string]struct {
		count    int64
		interval time.Duration
		percent  float64
		want     int64
	}{
		"expected * (rate * percent) would make it 254": {50, 10 * time.Second, 0.85, 255},
		"expected * 60 / interval would make it 51":     {11, 11 * time.Second, 0.85, 50},
		"every other order would make it 54":            {11, 11 * time.Second, 0.9, 53},
		"as recorded, interval 7":                       {46, 7 * time.Second, 0.85, 335},
		"as recorded, interval 51":                      {91, 51 * time.Second, 0.85, 91},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, config(latest, row.percent, row.interval), row.count)
			check(t, c, row.count, row.want)
		})
	}
}

// Quirk T3: 60.0 / interval is a double, of whatever the interval is.
func TestIntervalIsTakenAsItIs(t *testing.T) {
	for name, row := range map[string]struct {
		count    int64
		interval time.Duration
		want     int64
	}{
		"7 s make 8.57 renewals":    {10, 7 * time.Second, 72},
		"50 s make 1.2 renewals":    {35, 50 * time.Second, 35},
		"90 s make 0.67 renewals":   {10, 90 * time.Second, 5},
		"greatest":                  {65, 2147483647 * time.Second, 0},
		"0 makes infinity":          {4440, 0, math.MaxInt32},
		"0 without clients":         {0, 0, 0},
		"-30 s make -2 renewals":    {10, -30 * time.Second, -17},
		"least":                     {65, -2147483648 * time.Second, 0},
		"1 s makes 60 renewals":     {10, time.Second, 510},
		"60 s make a whole renewal": {10, time.Minute, 8},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, config(latest, 0.85, row.interval), row.count)
			check(t, c, row.count, row.want)
		})
	}
}

// Quirk T3: a threshold out of reach or below zero never allows eviction.
func TestIntervalOfZeroOrBelowWithholdsEviction(t *testing.T) {
	zero := opened(t, config(latest, 0.85, 0), 4440)
	decide(t, zero, 2147483646, preserve.TooFewRenewals)
	decide(t, zero, math.MaxInt32, preserve.TooFewRenewals)
	negative := opened(t, config(latest, 0.85, -30*time.Second), 42)
	decide(t, negative, 0, preserve.NoThreshold)
	decide(t, negative, math.MaxInt64, preserve.NoThreshold)
}

func TestReleasesBeforeV1_9_4DoNotLookAtTheInterval(t *testing.T) {
	for _, release := range []preserve.Release{
		preserve.EurekaV1_2_5, preserve.EurekaV1_3_0, preserve.EurekaV1_4_9, preserve.EurekaV1_9_3, preserve.Bilibili,
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, config(release, 0.85, 0), 10)
			check(t, c, 20, 17)
			if err := c.SetInterval(7 * time.Second); err != nil {
				t.Fatal(err)
			}
			c.Registered()
			check(t, c, 22, 18)
		})
	}
}

// Quirk T4: both comparisons are strict.
func TestRenewalsMustExceedAThresholdAboveZero(t *testing.T) {
	for name, row := range map[string]struct {
		percent  float64
		renewals int64
		want     preserve.Reason
	}{
		"one below the threshold of 17":    {0.85, 16, preserve.TooFewRenewals},
		"the threshold of 17":              {0.85, 17, preserve.TooFewRenewals},
		"one above the threshold of 17":    {0.85, 18, preserve.EnoughRenewals},
		"negative renewals":                {0.85, -1, preserve.TooFewRenewals},
		"more renewals than an int":        {0.85, math.MaxInt64, preserve.EnoughRenewals},
		"percent 0":                        {0, math.MaxInt64, preserve.NoThreshold},
		"percent 0 without renewals":       {0, 0, preserve.NoThreshold},
		"percent 1, all renewals":          {1, 20, preserve.TooFewRenewals},
		"percent 1, one more than all":     {1, 21, preserve.EnoughRenewals},
		"negative percent":                 {-1, math.MaxInt64, preserve.NoThreshold},
		"percent NaN":                      {math.NaN(), math.MaxInt64, preserve.NoThreshold},
		"threshold of 1, as many renewals": {0.05, 1, preserve.TooFewRenewals},
		"threshold of 1, one more":         {0.05, 2, preserve.EnoughRenewals},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, config(latest, row.percent, 30*time.Second), 10)
			decide(t, c, row.renewals, row.want)
		})
	}
}

func TestSwitchedOffAllowsEvictionAlways(t *testing.T) {
	for _, release := range preserve.Releases() {
		if release == preserve.Nacos {
			continue // it has nothing to switch off
		}
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 10)
			decide(t, c, 0, preserve.TooFewRenewals)
			c.SetSelfPreservation(false)
			decide(t, c, 0, preserve.SwitchedOff)
			decide(t, c, 18, preserve.SwitchedOff)
			c.SetSelfPreservation(true)
			decide(t, c, 18, preserve.EnoughRenewals)
		})
	}
}

// Quirk T5: up to three clients one missing renewal withholds eviction.
func TestSmallRegistriesSuspectThemselvesOverOneRenewal(t *testing.T) {
	for i, row := range []struct {
		threshold  int64
		allMissOne preserve.Reason
	}{
		{1, preserve.TooFewRenewals}, // 1 of 2 renewals
		{3, preserve.TooFewRenewals}, // 3 of 4
		{5, preserve.TooFewRenewals}, // 5 of 6
		{6, preserve.EnoughRenewals}, // 7 of 8
	} {
		count := int64(i + 1)
		c := opened(t, preserve.DefaultConfig(latest), count)
		check(t, c, count, row.threshold)
		decide(t, c, 2*count, preserve.EnoughRenewals)
		decide(t, c, 2*count-1, row.allMissOne)
	}
}

// Quirk T5 goes on: up to six clients a single one that is gone does.
func TestOneMissingClientOfUpToSixWithholdsEviction(t *testing.T) {
	for count := int64(1); count <= 10; count++ {
		c := opened(t, preserve.DefaultConfig(latest), count)
		want := preserve.TooFewRenewals
		if count >= 7 {
			want = preserve.EnoughRenewals
		}
		decide(t, c, 2*(count-1), want)
	}
}

// Quirk T6.
func TestOpenedWithNobodyExpectsNothingUntilAnUpdate(t *testing.T) {
	for _, release := range []preserve.Release{
		preserve.EurekaV1_2_5, preserve.EurekaV1_3_0, preserve.EurekaV1_4_9,
		preserve.EurekaV1_9_3, preserve.EurekaV1_9_4, preserve.EurekaV1_9_17,
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 0)
			repeat(37, c.Registered)
			check(t, c, 0, 0)
			decide(t, c, 74, preserve.NoThreshold)
			update(t, c, 0, false) // the clients' view may stay empty for ever
			check(t, c, 0, 0)
			update(t, c, 37, true)
			decide(t, c, 63, preserve.EnoughRenewals)
			decide(t, c, 62, preserve.TooFewRenewals)
		})
	}
}

// Quirk G5: "last instance leaves, then 50 register: expected 0, threshold 0".
func TestExpectationOfZeroIsFrozen(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 2)
	c.Cancelled()
	check(t, c, 1, 1)
	c.Evicted()
	check(t, c, 0, 0)
	repeat(50, c.Registered)
	check(t, c, 0, 0)
	c.Cancelled()
	c.Evicted()
	check(t, c, 0, 0)
	if err := c.Open(t0, 50); err != nil {
		t.Fatal(err)
	}
	check(t, c, 50, 85)
}

func TestCalculatorThatWasNotOpenedCountsNothing(t *testing.T) {
	c, err := preserve.NewCalculator(preserve.DefaultConfig(latest))
	if err != nil {
		t.Fatal(err)
	}
	c.Registered()
	c.Cancelled()
	check(t, c, 0, 0)
	update(t, c, 51, true)
	check(t, c, 51, 86)
	c.Registered()
	check(t, c, 52, 88)
}

// Spring reads Open(0) as Open(1): a client that does not exist.
func TestSpringOpensWithOneClientThatNeedNotExist(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Spring), 0)
	check(t, c, 1, 1)
	c.Registered()
	check(t, c, 2, 3)
	if err := c.Open(t0, 4); err != nil {
		t.Fatal(err)
	}
	check(t, c, 4, 6)
	c.SetSelfPreservation(false)
	update(t, c, 0, true) // an update does not read 0 as 1
	check(t, c, 0, 0)
}

// Up to five healthy clients of a standalone Spring registry never renew
// enough, and up to twelve a single one that is gone withholds eviction.
func TestSpringStandaloneSuspectsItself(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Spring), 0)
	for clients := int64(1); clients <= 20; clients++ {
		c.Registered()
		healthy, oneGone := preserve.TooFewRenewals, preserve.TooFewRenewals
		if clients >= 6 {
			healthy = preserve.EnoughRenewals
		}
		if clients >= 13 {
			oneGone = preserve.EnoughRenewals
		}
		decide(t, c, 2*clients, healthy)
		decide(t, c, 2*(clients-1), oneGone)
	}
}

// Quirk T7: an update needs strictly more than percent.
func TestUpdateOfExactlyThePercentIsIgnored(t *testing.T) {
	for name, row := range map[string]struct {
		release preserve.Release
		percent float64
		open    int64
		equal   int64
	}{
		"as recorded from v1.9.4":    {latest, 0.85, 420, 357},
		"as recorded before":         {preserve.EurekaV1_4_9, 0.5, 80, 20}, // 40 of the threshold of 80
		"v1.9.3":                     {preserve.EurekaV1_9_3, 0.85, 100, 85},
		"percent 0 ignores nobody":   {latest, 0, 100, 0},
		"percent 1 ignores the same": {latest, 1, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, config(row.release, row.percent, 30*time.Second), row.open)
			expected, threshold := c.Expected(), c.Threshold()
			update(t, c, row.equal, false)
			check(t, c, expected, threshold)
			update(t, c, row.equal+1, true)
			if got := c.Expected() * row.open / expected; got != row.equal+1 {
				t.Errorf("clients: got %d, want %d", got, row.equal+1)
			}
		})
	}
}

// Quirk T8: percent of the threshold is percent^2 of what was expected, so
// that a shrink to 72.25 % is the border, and 85 % from v1.9.3 on.
func TestUpdateAcceptsAShrinkTo72Or85Percent(t *testing.T) {
	for release, least := range map[preserve.Release]int64{
		preserve.EurekaV1_2_5:  723,
		preserve.EurekaV1_3_0:  723,
		preserve.EurekaV1_4_9:  723,
		preserve.EurekaV1_9_3:  851,
		preserve.EurekaV1_9_4:  851,
		preserve.EurekaV1_9_17: 851,
		preserve.Spring:        851,
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 1000)
			update(t, c, least-1, false)
			check(t, c, opened(t, preserve.DefaultConfig(release), 1000).Expected(), 1700)
			update(t, c, least, true)
			want := opened(t, preserve.DefaultConfig(release), least)
			check(t, c, want.Expected(), want.Threshold())
		})
	}
}

// Quirk T9, with G5.
func TestUpdateIsAlwaysAdoptedWhileSwitchedOff(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 55)
	check(t, c, 55, 93)
	update(t, c, 0, false)
	c.SetSelfPreservation(false)
	update(t, c, 0, true)
	check(t, c, 0, 0)
	c.Registered()
	check(t, c, 0, 0)
	c.SetSelfPreservation(true)
	decide(t, c, 110, preserve.NoThreshold)
}

// Quirk T10: what was set acts at once, but the threshold follows later.
func TestThresholdFollowsOnlyTheNextCountedChange(t *testing.T) {
	c := opened(t, config(latest, 1, 7*time.Second), 24)
	check(t, c, 24, 205)
	c.Registered()
	check(t, c, 25, 214)

	c.SetPercent(0)
	check(t, c, 25, 214)
	if got, want := c.Keep(25), int32(0); got != want { // the limit follows at once
		t.Errorf("keep: got %d, want %d", got, want)
	}
	if got := c.Decide(214); got.Percent != 0 || got.Threshold != 214 || got.Allowed {
		t.Errorf("got %+v, want percent 0, threshold 214, withheld", got)
	}
	update(t, c, 1, true) // and so does the rule of updates
	check(t, c, 1, 0)

	c.SetPercent(0.85)
	if err := c.SetInterval(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	check(t, c, 1, 0)
	c.Registered()
	check(t, c, 2, 3)
	if err := c.SetInterval(7 * time.Second); err != nil {
		t.Fatal(err)
	}
	check(t, c, 2, 3)
	c.Cancelled()
	check(t, c, 1, 7)
}

func TestThresholdIgnoresChangesThatAreNotCounted(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.EurekaV1_9_4), 10)
	c.SetPercent(0.5)
	c.Evicted()
	update(t, c, 5, false)
	check(t, c, 10, 17)
	c.SetSelfPreservation(false)
	check(t, c, 10, 17)
	c.Registered()
	check(t, c, 11, 11)
}

// Quirk T11: two renewals a client overflow Java's int from 2^30 clients on,
// and then the guard against zero freezes what is expected.
func TestTwoRenewalsAClientOverflowFrom2To30(t *testing.T) {
	for _, release := range []preserve.Release{
		preserve.EurekaV1_2_5, preserve.EurekaV1_3_0, preserve.EurekaV1_4_9, preserve.EurekaV1_9_3,
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 1<<30-1)
			check(t, c, 2147483646, 1825361099)
			c.Registered()
			check(t, c, math.MinInt32, -1825361100)
			c.Registered()
			c.Cancelled()
			c.Evicted()
			check(t, c, math.MinInt32, -1825361100)
			decide(t, c, math.MaxInt64, preserve.NoThreshold)

			c = opened(t, preserve.DefaultConfig(release), 1<<30)
			check(t, c, math.MinInt32, -1825361100)
			c = opened(t, preserve.DefaultConfig(release), 2147483646)
			check(t, c, -4, -3)
		})
	}
}

// Quirk T11: the offered count overflows before it is compared.
func TestUpdateComparesTheOverflownCount(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.EurekaV1_4_9), 10)
	update(t, c, 1<<30, false)
	check(t, c, 20, 17)
	c.SetSelfPreservation(false)
	update(t, c, 1<<30, true)
	check(t, c, math.MinInt32, -1825361100)
	c = opened(t, preserve.DefaultConfig(latest), 10)
	update(t, c, 1_100_000_000, true)
	check(t, c, 1_100_000_000, 1_870_000_000)
}

// Quirk T11: from v1.9.4 one more than MAX_VALUE is MIN_VALUE, then frozen.
func TestClientsWrapAtTheGreatestInt(t *testing.T) {
	for _, release := range []preserve.Release{preserve.EurekaV1_9_4, preserve.EurekaV1_9_17, preserve.Spring} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, config(release, 0.2715826366239279, 10*time.Second), math.MaxInt32)
			check(t, c, math.MaxInt32, math.MaxInt32)
			c.Registered()
			check(t, c, math.MinInt32, math.MinInt32)
			c.Registered()
			c.Cancelled()
			c.Evicted()
			check(t, c, math.MinInt32, math.MinInt32)
			update(t, c, 16, true)
			check(t, c, 16, 26)
		})
	}
}

// Quirk T14: strict in time, not in renewals, and blind to the switch.
func TestBelowIsTheStatusPage(t *testing.T) {
	const wait = 5 * time.Minute
	for name, row := range map[string]struct {
		count    int64
		after    time.Duration
		renewals int64
		want     bool
	}{
		"before the wait is over":        {10, wait - time.Millisecond, 0, false},
		"when the wait is over":          {10, wait, 0, false},
		"parts of a millisecond are cut": {10, wait + 999*time.Microsecond, 0, false},
		"after the wait, none":           {10, wait + time.Millisecond, 0, true},
		"after the wait, as many":        {10, wait + time.Millisecond, 17, true},
		"after the wait, one more":       {10, wait + time.Millisecond, 18, false},
		"threshold 0, none":              {0, wait + time.Millisecond, 0, true},
		"threshold 0, one":               {0, wait + time.Millisecond, 1, false},
		"the clock was set back":         {10, -time.Hour, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(latest), row.count)
			for _, on := range []bool{true, false} {
				c.SetSelfPreservation(on)
				if got := c.Below(t0.Add(row.after), row.renewals); got != row.want {
					t.Errorf("self-preservation %v: got %v, want %v", on, got, row.want)
				}
			}
		})
	}
}

// Quirk T14: a start at 0 is none.
func TestBelowNeedsAnOpenAfterTheEpoch(t *testing.T) {
	for name, row := range map[string]struct {
		open func(*preserve.Calculator) error
		want bool
	}{
		"never opened":       {func(*preserve.Calculator) error { return nil }, false},
		"before the epoch":   {func(c *preserve.Calculator) error { return c.Open(time.UnixMilli(-1), 10) }, false},
		"at the epoch":       {func(c *preserve.Calculator) error { return c.Open(time.UnixMilli(0), 10) }, false},
		"one millisecond on": {func(c *preserve.Calculator) error { return c.Open(time.UnixMilli(1), 10) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := preserve.NewCalculator(preserve.DefaultConfig(latest))
			if err != nil {
				t.Fatal(err)
			}
			if err := row.open(c); err != nil {
				t.Fatal(err)
			}
			if got := c.Below(t0, 0); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestOpenAgainStartsTheWaitAgain(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 10)
	if err := c.Open(t0.Add(time.Hour), 20); err != nil {
		t.Fatal(err)
	}
	check(t, c, 20, 34)
	if c.Below(t0.Add(time.Hour+5*time.Minute), 0) {
		t.Error("below when the wait is over: got true, want false")
	}
	if !c.Below(t0.Add(time.Hour+5*time.Minute+time.Millisecond), 0) {
		t.Error("below after the wait: got false, want true")
	}
}

// Quirk T15 with the numbers of the scenario: 50 clients, 12 of which are
// evicted and register again, and 105 renewals.
func TestExpectationDriftsByEvictedClientsThatComeBack(t *testing.T) {
	for release, row := range map[preserve.Release]struct {
		expected, threshold int64
		reason              preserve.Reason
	}{
		preserve.EurekaV1_4_9:  {124, 105, preserve.TooFewRenewals},
		preserve.EurekaV1_9_3:  {124, 105, preserve.TooFewRenewals},
		preserve.EurekaV1_9_4:  {62, 105, preserve.TooFewRenewals},
		preserve.EurekaV1_9_17: {50, 85, preserve.EnoughRenewals},
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 50)
			repeat(12, func() {
				c.Evicted()
				c.Registered()
			})
			check(t, c, row.expected, row.threshold)
			decide(t, c, 105, row.reason)
		})
	}
}

// Quirk T15: a slow decay is followed all the way down from v1.9.17 on.
func TestEachEvictionLowersTheThreshold(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 100)
	for clients := int64(99); clients >= 7; clients-- {
		decide(t, c, 2*clients, preserve.EnoughRenewals)
		c.Evicted()
		check(t, c, clients, 2*clients*85/100)
	}
	frozen := opened(t, preserve.DefaultConfig(preserve.EurekaV1_9_4), 100)
	repeat(15, frozen.Evicted)
	check(t, frozen, 100, 170)
	decide(t, frozen, 170, preserve.TooFewRenewals)
}

// The worked example: 10 leases, 4 of them expired, preservation of 85 %.
func TestWorkedExampleOfTenLeases(t *testing.T) {
	for release, threshold := range map[preserve.Release]int64{
		preserve.EurekaV1_4_9:  17,
		preserve.EurekaV1_9_3:  17,
		preserve.EurekaV1_9_4:  17,
		preserve.EurekaV1_9_17: 13,
	} {
		t.Run(release.String(), func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(release), 10)
			decide(t, c, 18, preserve.EnoughRenewals)
			limit := 10 - int(c.Keep(10))
			if limit != 2 {
				t.Fatalf("limit: got %d, want 2", limit)
			}
			repeat(limit, c.Evicted)
			if got := c.Threshold(); got != threshold {
				t.Errorf("threshold: got %d, want %d", got, threshold)
			}
			decide(t, c, 12, preserve.TooFewRenewals) // of the 6 that are left
		})
	}
}

// Quirks E1 and E2: what a pass has to leave is cast as Java does it.
func TestKeepIsCastToAnInt(t *testing.T) {
	for name, row := range map[string]struct {
		size    int32
		percent float64
		want    int32
	}{
		"one lease is not kept":    {1, 0.85, 0},
		"6 leases":                 {6, 0.85, 5},
		"10 leases":                {10, 0.85, 8},
		"0.29 of 100 is 28.999":    {100, 0.29, 28},
		"0.57 of 100 is 56.999":    {100, 0.57, 56},
		"0.58 of 50 is 28.999":     {50, 0.58, 28},
		"0.35 of 180 is 62.999":    {180, 0.35, 62},
		"0.7 of 90 is 62.999":      {90, 0.7, 62},
		"0.57 of 90":               {90, 0.57, 51},
		"0.58 of 90":               {90, 0.58, 52},
		"0.35 of 90":               {90, 0.35, 31},
		"percent 1 keeps all":      {24, 1, 24},
		"percent 2 keeps more":     {24, 2, 48},
		"percent -1 keeps less":    {24, -1, -24},
		"NaN keeps nobody":         {24, math.NaN(), 0},
		"infinity keeps the most":  {24, math.Inf(1), math.MaxInt32},
		"0 times infinity is 0":    {0, math.Inf(1), 0},
		"-infinity keeps the rest": {252, math.Inf(-1), math.MinInt32},
		"-1e12 keeps the least":    {252, -1e12, math.MinInt32},
	} {
		t.Run(name, func(t *testing.T) {
			for _, release := range preserve.Releases() {
				c := opened(t, config(release, row.percent, 30*time.Second), 10)
				if got := c.Keep(row.size); got != row.want {
					t.Errorf("%v: got %d, want %d", release, got, row.want)
				}
			}
		})
	}
}

// Quirk N34: nothing withholds eviction, whatever is missing or switched.
func TestNacosIsUnprotected(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Nacos), 10)
	decide(t, c, 0, preserve.Unprotected)
	c.SetSelfPreservation(false)
	decide(t, c, 0, preserve.Unprotected)
	if c.Below(t0.Add(time.Hour), 0) {
		t.Error("below: got true, want false")
	}
	update(t, c, 1000, true)
	check(t, c, 0, 0)
}

// Quirk B1: as many renewals as the threshold are enough.
func TestBilibiliReachesItsThreshold(t *testing.T) {
	for i, threshold := range []int64{0, 1, 3, 5, 6} {
		c := opened(t, preserve.DefaultConfig(preserve.Bilibili), int64(i))
		check(t, c, int64(2*i), threshold)
		decide(t, c, threshold-1, preserve.TooFewRenewals)
		decide(t, c, threshold, preserve.EnoughRenewals)
		decide(t, c, threshold+1, preserve.EnoughRenewals)
	}
}

// Quirks B4 and B5: two for every new lease, from zero on, and an eviction
// lowers nothing.
func TestBilibiliCountsFromZero(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Bilibili), 0)
	c.Cancelled()
	check(t, c, 0, 0)
	for clients := int64(1); clients <= 4; clients++ {
		c.Registered()
		c.Evicted()
		check(t, c, 2*clients, 2*clients*85/100)
	}
	repeat(5, c.Cancelled)
	check(t, c, 0, 0)
	c.Registered()
	check(t, c, 2, 1)
}

// Quirk B8: every reset counts what is registered, fewer or none included.
func TestBilibiliAdoptsEveryUpdate(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Bilibili), 1000)
	update(t, c, 10, true)
	check(t, c, 20, 17)
	update(t, c, 0, true)
	check(t, c, 0, 0)
	decide(t, c, 0, preserve.EnoughRenewals)
}

func TestBilibiliHas64Bits(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(preserve.Bilibili), 1<<30)
	check(t, c, 2147483648, 1825361100)
	update(t, c, 1<<40, true)
	check(t, c, 1<<41, 1869169767219)
	c.SetPercent(1)
	update(t, c, 1<<52, true)
	check(t, c, 1<<53, 1<<53)
	update(t, c, -1<<52, true)
	check(t, c, -1<<53, -1<<53)
}

func TestCountsThatTheOriginalCannotHoldChangeNothing(t *testing.T) {
	for name, row := range map[string]struct {
		release preserve.Release
		counts  []int64
	}{
		"an int":           {preserve.EurekaV1_4_9, []int64{math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64, math.MinInt64}},
		"an int as well":   {latest, []int64{math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64, math.MinInt64}},
		"half of an int64": {preserve.Bilibili, []int64{math.MaxInt64/2 + 1, math.MinInt64/2 - 1, math.MaxInt64, math.MinInt64}},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, preserve.DefaultConfig(row.release), 10)
			c.SetSelfPreservation(false)
			expected, threshold := c.Expected(), c.Threshold()
			for _, count := range row.counts {
				if err := c.Open(t0.Add(time.Hour), count); !errors.Is(err, preserve.ErrInvalid) {
					t.Errorf("open with %d: got %v, want ErrInvalid", count, err)
				}
				if adopted, err := c.Update(count); adopted || !errors.Is(err, preserve.ErrInvalid) {
					t.Errorf("update with %d: got %v, %v, want false, ErrInvalid", count, adopted, err)
				}
			}
			check(t, c, expected, threshold)
			if !c.Below(t0.Add(time.Hour), 0) {
				t.Error("the refused open started the wait again")
			}
		})
	}
}

func TestNegativeCountsAreTaken(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), math.MinInt32)
	check(t, c, math.MinInt32, math.MinInt32)
	c = opened(t, preserve.DefaultConfig(preserve.EurekaV1_9_3), -10)
	check(t, c, -20, -17)
}

func TestRefusedIntervalChangesNothing(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 10)
	for _, interval := range []time.Duration{1, time.Millisecond, 2147483648 * time.Second, -2147483649 * time.Second} {
		if err := c.SetInterval(interval); !errors.Is(err, preserve.ErrInvalid) {
			t.Errorf("%v: got %v, want ErrInvalid", interval, err)
		}
	}
	c.Registered()
	check(t, c, 11, 18)
	for _, interval := range []time.Duration{2147483647 * time.Second, -2147483648 * time.Second} {
		if err := c.SetInterval(interval); err != nil {
			t.Errorf("%v: got %v, want no error", interval, err)
		}
	}
}

// Property: changes counted by many goroutines at once are all counted,
// whatever is decided and set meanwhile.
func TestCalculatorLosesNoChange(t *testing.T) {
	const goroutines, rounds = 8, 500
	c := opened(t, preserve.DefaultConfig(latest), 1_000_000)
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for round := range rounds {
				c.Registered()
				c.Registered()
				c.Registered()
				c.Cancelled()
				c.Evicted()
				c.SetPercent(float64(i*round%10) / 10)
				c.SetSelfPreservation(round%2 == 0)
				if err := c.SetInterval(time.Duration(1+i) * time.Second); err != nil {
					t.Error(err)
				}
				if d := c.Decide(int64(round)); d.Expected < 1_000_000 {
					t.Errorf("expected: got %v, want at least 1000000", d.Expected)
				}
				if got := c.Keep(10); got < 0 || got > 9 {
					t.Errorf("keep: got %d, want 0 to 9", got)
				}
				if c.Below(t0, 0) {
					t.Error("below at the open: got true, want false")
				}
				_, _ = c.Expected(), c.Threshold()
			}
		})
	}
	group.Wait()
	c.SetPercent(0.85)
	if err := c.SetInterval(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	c.Registered()
	check(t, c, 1_004_001, 1_706_801)
}

func TestErrorsNameTheFieldTheValueAndTheRule(t *testing.T) {
	c := opened(t, preserve.DefaultConfig(latest), 10)
	bilibili := opened(t, preserve.DefaultConfig(preserve.Bilibili), 10)
	e := expecting(t, 0.85, 0, 0)
	_, badCalculator := preserve.NewCalculator(preserve.Config{WaitWhenSyncEmpty: 1})
	_, badExpectation := preserve.NewExpectation(t0, preserve.ExpectationConfig{Percent: 2, Warmup: -1})
	for want, err := range map[string]error{
		"Release is Release(0): must be a constant of this package, such as EurekaV1_9_17\n" +
			"preserve: invalid argument: WaitWhenSyncEmpty is 1ns: must be whole milliseconds": badCalculator,
		"Interval is 1.5s: must be whole seconds between -2147483648 s and 2147483647 s":       c.SetInterval(1500 * time.Millisecond),
		"count is 2147483648: must fit Java's int":                                             c.Open(t0, 1<<31),
		"count is 9223372036854775807: must be between -4503599627370496 and 4503599627370496": bilibili.Open(t0, math.MaxInt64),
		"Window is 0s: must be above 0\n" +
			"preserve: invalid argument: Percent is 2: must be a number from 0 to 1\n" +
			"preserve: invalid argument: Warmup is -1ns: must not be negative": badExpectation,
		"interval is 1ns: must be at least 57.221µs in a window of 1m0s": e.Add(1),
	} {
		if want = "preserve: invalid argument: " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
