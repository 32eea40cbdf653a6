package evict_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

const greatest = time.Duration(math.MaxInt64)

func TestCompensationIsTheLatenessOfAPass(t *testing.T) {
	t0 := time.UnixMilli(1_700_000_000_000)
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	type pass struct {
		now  time.Time
		want time.Duration
	}
	const interval = time.Minute
	for name, passes := range map[string][]pass{
		"first":                  {{t0, 0}},
		"on time":                {{t0, 0}, {at(interval), 0}, {at(2 * interval), 0}},
		"early":                  {{t0, 0}, {at(interval - 1), 0}, {at(interval), 0}},
		"at once":                {{t0, 0}, {t0, 0}},
		"late by a nanosecond":   {{t0, 0}, {at(interval + 1), 1}},
		"late by 5.0003 s":       {{t0, 0}, {at(65*time.Second + 300*time.Microsecond), 5*time.Second + 300*time.Microsecond}},
		"forgiven only once":     {{t0, 0}, {at(4 * interval), 3 * interval}, {at(5 * interval), 0}, {at(6*interval + 7), 7}},
		"early, then on time":    {{t0, 0}, {at(interval / 2), 0}, {at(3 * interval / 2), 0}},
		"early, then late":       {{t0, 0}, {at(interval / 2), 0}, {at(2 * interval), interval / 2}},
		"the wall clock back":    {{t0, 0}, {at(-time.Hour), 0}, {at(interval - time.Hour), 0}},
		"back, and on from here": {{t0, 0}, {at(-30 * time.Second), 0}, {at(interval), 30 * time.Second}},
		"an hour forward":        {{t0, 0}, {at(time.Hour), time.Hour - interval}},
		"the zero time is a pass like any other": {
			{time.Time{}, 0}, {time.Time{}.Add(interval + 5), 5}, {time.Time{}, 0}, {time.Time{}.Add(3 * interval), 2 * interval}},
		"the epoch is one too":         {{time.Unix(0, 0), 0}, {time.Unix(61, 0), time.Second}},
		"farther than a duration":      {{time.Unix(-1<<40, 0), 0}, {time.Unix(1<<40, 0), greatest - interval}},
		"farther back than a duration": {{time.Unix(1<<40, 0), 0}, {time.Unix(-1<<40, 0), 0}},
		"from the zero time until now": {{time.Time{}, 0}, {t0, greatest - interval}},
		"from now until the zero time": {{t0, 0}, {time.Time{}, 0}, {time.Time{}.Add(interval), 0}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := evict.NewCompensation(interval)
			if err != nil {
				t.Fatal(err)
			}
			for i, pass := range passes {
				if got := c.Next(pass.now); got != pass.want {
					t.Errorf("pass %d: got %v, want %v", i, got, pass.want)
				}
			}
		})
	}
}

func TestNewCompensationNeedsAnInterval(t *testing.T) {
	for _, interval := range []time.Duration{0, -1, math.MinInt64} {
		if c, err := evict.NewCompensation(interval); c != nil || !errors.Is(err, evict.ErrInvalid) {
			t.Errorf("%v: got %v, %v, want none and ErrInvalid", interval, c, err)
		}
	}
}

func TestCompensationTakesEveryIntervalAboveZero(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		1:            greatest - 1,
		greatest - 1: 1,
		greatest:     0,
	} {
		c, err := evict.NewCompensation(interval)
		if err != nil {
			t.Fatal(err)
		}
		c.Next(time.Time{})
		if got := c.Next(time.Unix(1<<40, 0)); got != want {
			t.Errorf("%v: got %v, want %v", interval, got, want)
		}
	}
}

// Quirk E5: milliseconds that are truncated from nanoseconds, a stored 0 that
// means none yet, and 64 bits that wrap.
func TestEurekaCompensation(t *testing.T) {
	type pass struct{ nanos, want int64 }
	for name, row := range map[string]struct {
		interval int64
		passes   []pass
	}{
		"as recorded, interval 30000": {30000, []pass{
			{64339869474229, 0},
			{64369870671649, 1}, // 30001.197420 ms
			{64399870403415, 0}, // 29999.731766 ms
			{64429871392687, 0}, // 30000.989272 ms
			{64459871392687, 0},
			{7814799455052315130, 7814734965180},
			{7814799485052827428, 0},
			{7814799515053827427, 0}, // 30000.999999 ms
		}},
		"as recorded, the clock goes back and stands at 0": {60000, []pass{
			{53490906890922, 0}, {-2584844872714425016, 0}, {0, 2584844812714}, {119523192616, 0},
		}},
		"0 means none yet": {60000, []pass{
			{0, 0}, {900_000_000_000, 0}, {960_000_000_000, 0}, {1_021_000_000_000, 1000},
		}},
		"0 counts for the pass before, not for the one after": {1000, []pass{
			{-5_000_000_000, 0}, {0, 4000}, {9_000_000_000, 0}, {11_000_000_000, 1000},
		}},
		"truncated toward zero above": {-1, []pass{{1, 0}, {1_000_000, 1}, {2_000_000, 2}}},
		"truncated toward zero below": {-1, []pass{{2_000_000, 0}, {1_000_001, 1}, {1, 0}}},
		"a negative interval adds":    {-5000, []pass{{1, 0}, {1_000_001, 5001}, {1, 4999}}},
		"interval 0":                  {0, []pass{{1, 0}, {1_000_001, 1}, {2_000_001, 1}}},
		"the difference wraps to 1":   {-5, []pass{{math.MaxInt64, 0}, {math.MinInt64, 5}}},
		"the difference wraps below":  {0, []pass{{-2, 0}, {math.MaxInt64, 0}}},
		"the difference wraps above":  {0, []pass{{math.MaxInt64, 0}, {-2, 9223372036854}}},
		"the subtraction wraps":       {math.MinInt64, []pass{{1, 0}, {1_000_001, 0}, {1_000_000, 0}}},
		"the greatest interval":       {math.MaxInt64, []pass{{1, 0}, {math.MaxInt64, 0}}},
		"the least, and a step back":  {math.MinInt64, []pass{{2_000_000, 0}, {1, math.MaxInt64}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := evict.EurekaCompensation{IntervalMillis: row.interval}
			for i, pass := range row.passes {
				if got := c.Next(pass.nanos); got != pass.want {
					t.Errorf("pass %d: got %d, want %d", i, got, pass.want)
				}
			}
		})
	}
}

func TestZeroEurekaCompensationHasAnIntervalOfZero(t *testing.T) {
	var c evict.EurekaCompensation
	for i, want := range []int64{0, 60000, 60000} {
		if got := c.Next(1 + int64(i)*60_000_000_000); got != want {
			t.Errorf("pass %d: got %d, want %d", i, got, want)
		}
	}
}

// The two agree where both can express the instants: whole milliseconds that
// do not pass 0.
func TestCompensationsAgree(t *testing.T) {
	exact, err := evict.NewCompensation(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	eureka := evict.EurekaCompensation{IntervalMillis: 60000}
	millis := int64(1)
	for _, step := range []int64{0, 60000, 60001, 59999, 0, 1, 120000, 60000, 3_600_000, -30000, 90000, 60000} {
		millis += step
		got, want := exact.Next(time.UnixMilli(millis)), eureka.Next(millis*1_000_000)
		if got.Milliseconds() != want {
			t.Errorf("after %d ms: got %v, want %d ms", step, got, want)
		}
	}
}

func TestCompensationAllocatesNothing(t *testing.T) {
	exact, err := evict.NewCompensation(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	eureka := evict.EurekaCompensation{IntervalMillis: 60000}
	now := time.UnixMilli(1_700_000_000_000)
	if got := testing.AllocsPerRun(100, func() {
		now = now.Add(90 * time.Second)
		_, _ = exact.Next(now), eureka.Next(now.UnixNano())
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
