package preserve_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// expecting returns an expectation of one minute without a warm-up, with n
// leases of the given interval.
func expecting(t *testing.T, percent float64, n int, interval time.Duration) *preserve.Expectation {
	t.Helper()
	e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: time.Minute, Percent: percent})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := e.Add(interval); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestNewExpectationNamesAllProblems(t *testing.T) {
	type config = preserve.ExpectationConfig
	for name, row := range map[string]struct {
		config config
		want   []string // the fields that the error names
	}{
		"window 0":        {config{Window: 0, Percent: 0.85}, []string{"Window"}},
		"negative window": {config{Window: -1, Percent: 0.85}, []string{"Window"}},
		"percent below 0": {config{Window: 1, Percent: -0.01}, []string{"Percent"}},
		"percent above 1": {config{Window: 1, Percent: math.Nextafter(1, 2)}, []string{"Percent"}},
		"percent NaN":     {config{Window: 1, Percent: math.NaN()}, []string{"Percent"}},
		"percent +Inf":    {config{Window: 1, Percent: math.Inf(1)}, []string{"Percent"}},
		"percent -Inf":    {config{Window: 1, Percent: math.Inf(-1)}, []string{"Percent"}},
		"negative warmup": {config{Window: 1, Percent: 0.85, Warmup: -1}, []string{"Warmup"}},
		"all at once":     {config{Window: 0, Percent: 2, Warmup: -1}, []string{"Window", "Percent", "Warmup"}},
		"least":           {config{Window: 1, Percent: 0, Warmup: 0}, nil},
		"greatest":        {config{Window: math.MaxInt64, Percent: 1, Warmup: math.MaxInt64}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := preserve.NewExpectation(t0, row.config)
			if row.want == nil {
				if err != nil || e.Expected() != 0 {
					t.Fatalf("got %v, want an expectation of 0", err)
				}
				return
			}
			if e != nil || !errors.Is(err, preserve.ErrInvalid) {
				t.Fatalf("got %v, %v, want no expectation and ErrInvalid", e, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("got %d problems, want %d: %v", len(lines), len(row.want), err)
			}
			for i, field := range row.want {
				if want := "preserve: invalid argument: " + field + " is "; !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want it to start with %q", lines[i], want)
				}
			}
		})
	}
}

func TestEveryLeasePromisesWindowOverInterval(t *testing.T) {
	for name, row := range map[string]struct {
		n        int
		interval time.Duration
		want     float64
	}{
		"nobody":                   {0, 30 * time.Second, 0},
		"one lease of 30 s":        {1, 30 * time.Second, 2},
		"10 leases of 30 s":        {10, 30 * time.Second, 20},
		"one lease of the window":  {1, time.Minute, 1},
		"one lease of two windows": {1, 2 * time.Minute, 0.5},
		"8 leases of 8 hours":      {8, 8 * time.Hour, 8.0 / 480},
		"7 leases of 7 s":          {7, 7 * time.Second, 60},
		"13 leases of 13 ms":       {13, 13 * time.Millisecond, 60000},
		"1000 leases of 7 s":       {1000, 7 * time.Second, 60000.0 / 7},
		"the longest":              {1, math.MaxInt64, 0},
		"one lease of 60 s + 1 ns": {1, time.Minute + 1, 1 - 1e-11},
		"one lease of 60 µs":       {1, 60 * time.Microsecond, 1e6},
	} {
		t.Run(name, func(t *testing.T) {
			e := expecting(t, 0.85, row.n, row.interval)
			// Rounding down costs less than a unit per lease.
			if got := e.Expected(); got > row.want || row.want-got >= float64(row.n+1)/720720 {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// Property: whatever the window and the interval, rounding costs less than a
// unit, and never adds anything (1e-9 is what the test's own division may).
func TestPromiseIsRoundedDownToAUnit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		window := time.Duration(1 + random.Int64()>>random.IntN(63))
		interval := max(window>>random.IntN(20), 1+time.Duration(random.Int64()>>random.IntN(63)))
		e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: window, Percent: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Add(interval); err != nil {
			t.Fatal(err)
		}
		got, want := e.Expected(), float64(window)/float64(interval)
		if got > want+1e-9 || want-got >= 1.0/720720+1e-9 {
			t.Fatalf("window %d, interval %d: got %v, want %v", window, interval, got, want)
		}
	}
}

func TestLeasesOfDifferentIntervalsAddUp(t *testing.T) {
	e := expecting(t, 0.85, 3, 30*time.Second)
	for _, interval := range []time.Duration{10 * time.Second, 20 * time.Second, time.Minute} {
		if err := e.Add(interval); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := e.Expected(), 16.0; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := e.Remove(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got, want := e.Expected(), 13.0; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRefusedIntervalsAreNotExpected(t *testing.T) {
	window := (1 << 20) * time.Microsecond // the shortest interval is 1 µs
	e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: window, Percent: 0.85})
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		interval time.Duration
		ok       bool
	}{
		"negative":                {-time.Second, false},
		"least":                   {math.MinInt64, false},
		"zero":                    {0, false},
		"a nanosecond":            {1, false},
		"just too short":          {999, false},
		"the shortest that is in": {time.Microsecond, true},
		"longer than the window":  {24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(time.Duration) error{e.Add, e.Remove} {
				switch err := change(row.interval); {
				case row.ok && err != nil:
					t.Errorf("got %v, want no error", err)
				case !row.ok && !errors.Is(err, preserve.ErrInvalid):
					t.Errorf("got %v, want ErrInvalid", err)
				}
			}
			if got := e.Expected(); got != 0 {
				t.Errorf("got %v, want 0", got)
			}
		})
	}
	if err := e.Add(time.Microsecond); err != nil {
		t.Fatal(err)
	}
	if got, want := e.Expected(), 1048576.0; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if e, err = preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: 1}); err != nil {
		t.Fatal(err)
	}
	if err := e.Add(0); !errors.Is(err, preserve.ErrInvalid) {
		t.Errorf("interval 0 in the shortest window: got %v, want ErrInvalid", err)
	}
}

// The sum is exact where window / interval has a denominator of up to 16: the
// n leases of n seconds promise 60 renewals, and 60 renewals reach them.
func TestCommonIntervalsAreNotRounded(t *testing.T) {
	for n := 1; n <= 16; n++ {
		e := expecting(t, 1, n, time.Duration(n)*time.Second)
		if got := e.Expected(); got != 60 {
			t.Errorf("%d leases of %d s: got %v, want exactly 60", n, n, got)
		}
		if got := e.Decide(t0, 60); !got.Allowed {
			t.Errorf("%d leases of %d s: got %v, want it allowed", n, n, got)
		}
		if got := e.Decide(t0, 59); got.Allowed {
			t.Errorf("%d leases of %d s: got %v, want it withheld", n, n, got)
		}
	}
	for interval, n := range map[time.Duration]int{45 * time.Second: 3, 90 * time.Second: 3} {
		e := expecting(t, 1, n, interval)
		if got, want := e.Expected(), float64(n)*60/interval.Seconds(); got != want {
			t.Errorf("%d leases of %v: got %v, want exactly %v", n, interval, got, want)
		}
	}
}

// Property: awkward leases, after a million changes in all, leave exactly
// nothing behind, in whatever order they are removed.
func TestExpectationDoesNotDrift(t *testing.T) {
	const leases = 166_667
	intervals := []time.Duration{
		7 * time.Second, 13 * time.Millisecond, 11 * time.Second, 29999 * time.Millisecond,
		3 * time.Second, 90 * time.Second, 60*time.Second + 1, 17 * time.Minute, 333333333,
	}
	for name, order := range map[string]func(i int) int{
		"first come, first gone": func(i int) int { return i },
		"last come, first gone":  func(i int) int { return leases - 1 - i },
		"in large steps":         func(i int) int { return i * 5003 % leases },
	} {
		t.Run(name, func(t *testing.T) {
			e := expecting(t, 1, 0, 0)
			for i := range leases {
				if err := e.Add(intervals[i%len(intervals)]); err != nil {
					t.Fatal(err)
				}
			}
			if e.Expected() < leases {
				t.Fatalf("got %v, want more than %d", e.Expected(), leases)
			}
			for i := range leases {
				if err := e.Remove(intervals[order(i)%len(intervals)]); err != nil {
					t.Fatal(err)
				}
			}
			if got := e.Expected(); got != 0 {
				t.Errorf("got %v, want exactly 0", got)
			}
		})
	}
}

// Floating point denies that 55 reach 0.55 of 100, and 7 both 0.07 of 100 and
// 0.14 of 50: its products are a bit more.
func TestExactComparisonIsMadeInIntegers(t *testing.T) {
	for name, row := range map[string]struct {
		leases  int // of one renewal each
		percent float64
		enough  int64 // the least number of renewals that is
	}{
		"0.55 of 100":          {100, 0.55, 55},
		"0.07 of 100":          {100, 0.07, 7},
		"0.14 of 50":           {50, 0.14, 7},
		"0.29 of 100":          {100, 0.29, 29},
		"0.57 of 100":          {100, 0.57, 57},
		"0.85 of 20":           {20, 0.85, 17},
		"0.85 of 10 is 8.5":    {10, 0.85, 9},
		"1 of 1":               {1, 1, 1},
		"1 of 100":             {100, 1, 100},
		"a billionth of 10":    {10, 1e-9, 1},
		"nine digits of 1000":  {1000, 0.999999999, 1000},
		"nine digits of 1":     {1, 0.000000001, 1},
		"the tenth digit goes": {10, 0.3000000004, 3},
	} {
		t.Run(name, func(t *testing.T) {
			e := expecting(t, row.percent, row.leases, time.Minute)
			if got := e.Decide(t0, row.enough); !got.Allowed || got.Reason != preserve.EnoughRenewals {
				t.Errorf("%d renewals: got %v, want enough renewals", row.enough, got)
			}
			if got := e.Decide(t0, row.enough-1); got.Allowed || got.Reason != preserve.TooFewRenewals {
				t.Errorf("%d renewals: got %v, want too few renewals", row.enough-1, got)
			}
		})
	}
}

// The products of the comparison have 128 bits.
func TestExactComparisonHoldsLargeNumbers(t *testing.T) {
	fast := func(t *testing.T, leases int) *preserve.Expectation { // a million renewals each
		return expecting(t, 1, leases, 60*time.Microsecond)
	}
	for name, row := range map[string]struct {
		leases   int
		renewals int64
		want     bool
	}{
		"both high words 0, too few":  {1, 1_000, false},
		"equal high words, as many":   {1000, 1_000_000_000, true},
		"equal high words, one less":  {1000, 999_999_999, false},
		"greater high word":           {1000, math.MaxInt64, true},
		"smaller high word":           {1000, 1, false},
		"negative renewals":           {1000, -1, false},
		"least renewals":              {1000, math.MinInt64, false},
		"no leases, none is enough":   {0, 0, true},
		"no leases, negative renewal": {0, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fast(t, row.leases).Decide(t0, row.renewals); got.Allowed != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestPercentZeroAlwaysAllowsEviction(t *testing.T) {
	e := expecting(t, 0, 100, 30*time.Second)
	for _, renewals := range []int64{0, 1, 1000} {
		if got := e.Decide(t0, renewals); !got.Allowed || got.Reason != preserve.EnoughRenewals {
			t.Errorf("%d renewals: got %v, want enough renewals", renewals, got)
		}
	}
}

// A lease of 500 days promises a single unit, and no renewal does not reach it.
func TestLeastExpectationCounts(t *testing.T) {
	e := expecting(t, 1, 1, 500*24*time.Hour)
	if got := e.Decide(t0, 0); got.Allowed {
		t.Errorf("0 renewals: got %v, want it withheld", got)
	}
	if got := e.Decide(t0, 1); !got.Allowed {
		t.Errorf("1 renewal: got %v, want it allowed", got)
	}
}

func TestNobodyExpectedAllowsEviction(t *testing.T) {
	e := expecting(t, 1, 1, 30*time.Second)
	if got := e.Decide(t0, 0); got.Allowed {
		t.Errorf("got %v, want it withheld", got)
	}
	if err := e.Remove(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := e.Decide(t0, 0); !got.Allowed || got.Expected != 0 || got.Threshold != 0 {
		t.Errorf("got %v, want it allowed", got)
	}
}

func TestEvictionIsWithheldDuringTheWarmup(t *testing.T) {
	for name, row := range map[string]struct {
		warmup time.Duration
		at     time.Duration
		want   preserve.Reason
	}{
		"at the start":                 {time.Minute, 0, preserve.WarmingUp},
		"one nanosecond before":        {time.Minute, time.Minute - 1, preserve.WarmingUp},
		"when it ends":                 {time.Minute, time.Minute, preserve.EnoughRenewals},
		"after":                        {time.Minute, time.Hour, preserve.EnoughRenewals},
		"without, at the start":        {0, 0, preserve.EnoughRenewals},
		"without, before the start":    {0, -1, preserve.WarmingUp},
		"the clock goes back below it": {time.Minute, -time.Hour, preserve.WarmingUp},
	} {
		t.Run(name, func(t *testing.T) {
			for _, percent := range []float64{0, 0.85} {
				e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{
					Window: time.Minute, Percent: percent, Warmup: row.warmup,
				})
				if err != nil {
					t.Fatal(err)
				}
				got := e.Decide(t0.Add(row.at), 0)
				if got.Reason != row.want || got.Allowed != (row.want == preserve.EnoughRenewals) {
					t.Errorf("percent %v: got %v, want %v", percent, got, row.want)
				}
				var until time.Time
				if row.want == preserve.WarmingUp {
					until = t0.Add(row.warmup)
				}
				if !got.WarmUntil.Equal(until) {
					t.Errorf("warm until: got %v, want %v", got.WarmUntil, until)
				}
			}
		})
	}
}

func TestExactDecisionCarriesEveryNumber(t *testing.T) {
	got := expecting(t, 0.75, 10, 30*time.Second).Decide(t0, 14)
	if got.Allowed || got.Reason != preserve.TooFewRenewals || got.Rule != "exact" || got.Renewals != 14 ||
		got.Threshold != 15 || got.Expected != 20 || got.Percent != 0.75 || got.Interval != 0 || !got.WarmUntil.IsZero() {
		t.Errorf("got %+v, want 14 renewals of 0.75 * 20 = 15 by the exact rule", got)
	}
}

// Property: goroutines that add and remove at once leave exactly nothing
// behind, and nobody sees less than is there all the time.
func TestExpectationLosesNoLease(t *testing.T) {
	const goroutines, rounds = 8, 2000
	e := expecting(t, 0.85, 10, 30*time.Second)
	intervals := []time.Duration{7 * time.Second, 13 * time.Millisecond, 11 * time.Second}
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for round := range rounds {
				interval := intervals[(i+round)%len(intervals)]
				if err := e.Add(interval); err != nil {
					t.Error(err)
				}
				if got := e.Expected(); got < 20 {
					t.Errorf("got %v, want at least 20", got)
				}
				if d := e.Decide(t0, 16); d.Allowed {
					t.Errorf("got %v, want it withheld", d)
				}
				if err := e.Remove(interval); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got, want := e.Expected(), 20.0; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 10 {
		if err := e.Remove(30 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if got := e.Expected(); got != 0 {
		t.Errorf("got %v, want exactly 0", got)
	}
}

// A registry whose every renewal arrives is never withheld by rounding: 19
// leases of 19 s promise 60 renewals, and so do 23 of 23 s.
func TestEveryRenewalIsAlwaysEnough(t *testing.T) {
	for n := 1; n <= 120; n++ {
		e := expecting(t, 1, n, time.Duration(n)*time.Second)
		if d := e.Decide(t0, 60); !d.Allowed {
			t.Errorf("%d leases of %d s: %v", n, n, d)
		}
	}
}

func TestRemovingWhatWasNotAddedIsRefused(t *testing.T) {
	e := expecting(t, 0.85, 1, 30*time.Second)
	err := e.Remove(20 * time.Second)
	if want := "preserve: invalid argument: interval is 20s: must be of a lease that was added, but only 2 renewals are expected"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := e.Expected(); got != 2 {
		t.Errorf("expected: got %v, want 2", got)
	}
}

// Eight million leases at the greatest rate fill the sum; the next one is
// refused, and nothing changes.
func TestASumThatWouldOverflowIsRefused(t *testing.T) {
	const window = 1 << 20
	e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: window, Percent: 1})
	if err != nil {
		t.Fatal(err)
	}
	added := 0
	for ; err == nil; added++ {
		err = e.Add(1)
	}
	added--
	if !errors.Is(err, preserve.ErrInvalid) || !strings.Contains(err.Error(), "beyond 2^63 units") {
		t.Errorf("got %v, want ErrInvalid, beyond 2^63 units", err)
	}
	if want := math.MaxInt64 / (window * 720720); added != want {
		t.Errorf("got %d leases, want %d", added, want)
	}
	if got, want := e.Expected(), float64(added)*window; got != want {
		t.Errorf("expected: got %v, want %v", got, want)
	}
}

// The shortest interval promises exactly as many renewals as a lease may.
func TestTheShortestIntervalIsABound(t *testing.T) {
	for _, window := range []time.Duration{time.Minute, 1 << 20, 1<<21 - 1, 1, math.MaxInt64} {
		e, err := preserve.NewExpectation(t0, preserve.ExpectationConfig{Window: window, Percent: 1})
		if err != nil {
			t.Fatal(err)
		}
		shortest := (window-1)>>20 + 1
		if err := e.Add(shortest); err != nil {
			t.Errorf("window %d, interval %d: got %v, want no error", window, shortest, err)
		}
		if err := e.Add(shortest - 1); !errors.Is(err, preserve.ErrInvalid) {
			t.Errorf("window %d, interval %d: got %v, want ErrInvalid", window, shortest-1, err)
		}
		if got := e.Expected(); got > 1<<20 {
			t.Errorf("window %d: got %v renewals, want at most 2^20", window, got)
		}
	}
}

// Law: the published threshold is reached by the same counts as allow
// eviction, however the fraction is rounded for publishing.
func TestThePublishedThresholdAgreesWithTheDecision(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		percent := float64(random.IntN(1001)) / 1000
		interval := time.Duration(1+random.IntN(600)) * 100 * time.Millisecond
		e := expecting(t, percent, 1+random.IntN(40), interval)
		threshold := e.Decide(t0, 0).Threshold
		for _, renewals := range []int64{int64(threshold), int64(threshold) + 1} {
			if d := e.Decide(t0, renewals); d.Allowed != (float64(renewals) >= threshold) {
				t.Fatalf("threshold %v: %v", threshold, d)
			}
		}
	}
}
