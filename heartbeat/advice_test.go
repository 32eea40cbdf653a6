package heartbeat_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func TestAdviceInterval(t *testing.T) {
	const s = time.Second
	longest, justTooLong := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	if math.MaxInt == math.MaxInt32 {
		longest, justTooLong = math.MaxInt32*s, 4*s
	}
	for name, row := range map[string]struct {
		advice  heartbeat.Advice
		clients int
		want    time.Duration
	}{
		"few clients":            {heartbeat.Advice{Rate: 50, Least: 10 * s}, 499, 10 * s},
		"just as many":           {heartbeat.Advice{Rate: 50, Least: 10 * s}, 500, 10 * s},
		"one more":               {heartbeat.Advice{Rate: 50, Least: 10 * s}, 501, 10*s + 20*time.Millisecond},
		"nobody":                 {heartbeat.Advice{Rate: 50, Least: 10 * s}, 0, 10 * s},
		"rounded up":             {heartbeat.Advice{Rate: 3, Least: 1}, 1, 333333334},
		"exactly, with no float": {heartbeat.Advice{Rate: 7, Least: 1}, math.MaxInt32, 306783378_142_857_143},
		"the most":               {heartbeat.Advice{Rate: 50, Least: 10 * s, Most: 60 * s}, 1_000_000, 60 * s},
		"just the most":          {heartbeat.Advice{Rate: 50, Least: 10 * s, Most: 60 * s}, 3000, 60 * s},
		"one below the most":     {heartbeat.Advice{Rate: 50, Least: 10 * s, Most: 60 * s}, 2999, 60*s - 20*time.Millisecond},
		"least and most":         {heartbeat.Advice{Rate: 50, Least: 10 * s, Most: 10 * s}, 3000, 10 * s},
		"less than a nanosecond": {heartbeat.Advice{Rate: math.MaxInt, Least: 1}, 1, 1},
		"as many as can be":      {heartbeat.Advice{Rate: math.MaxInt, Least: 1}, math.MaxInt, s},
		"just too long":          {heartbeat.Advice{Rate: 1, Least: 1}, math.MaxInt / 500_000_000, justTooLong},
		"too long to be told":    {heartbeat.Advice{Rate: 1, Least: 1}, math.MaxInt, longest},
	} {
		got, err := row.advice.Interval(row.clients)
		if err != nil || got != row.want {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, row.want)
		}
	}
}

// What is promised: so many clients at that interval renew at the Rate at most,
// by the nanosecond; and Clients is where that ends.
func TestAdviceKeepsTheRate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	number := func() int { return int(random.Uint64() >> 1 >> random.UintN(63) & math.MaxInt) }
	for range 20_000 {
		advice := heartbeat.Advice{Rate: max(1, number()), Least: 1 + time.Duration(random.Uint64N(1<<50)>>random.UintN(50))}
		if random.IntN(2) == 0 {
			advice.Most = advice.Least + time.Duration(random.Uint64N(1<<60)>>random.UintN(60))
		}
		clients := number()
		interval, err := advice.Interval(clients)
		if err != nil {
			t.Fatal(err)
		}
		room, err := advice.Clients()
		if err != nil {
			t.Fatal(err)
		}
		// clients / interval <= Rate / second
		kept := product(clients, int(time.Second)).Cmp(new(big.Int).Mul(big.NewInt(int64(advice.Rate)), big.NewInt(int64(interval)))) <= 0
		if kept != (clients <= room) {
			t.Fatalf("%+v: %d clients at %v, room for %d", advice, clients, interval, room)
		}
		if shorter := interval - 1; interval > advice.Least && product(clients, int(time.Second)).Cmp(new(big.Int).Mul(big.NewInt(int64(advice.Rate)), big.NewInt(int64(shorter)))) <= 0 {
			t.Fatalf("%+v: %d clients at %v, a nanosecond less would do", advice, clients, interval)
		}
	}
}

func product(a, b int) *big.Int {
	return new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b)))
}

func TestAdviceClients(t *testing.T) {
	for name, row := range map[string]struct {
		advice heartbeat.Advice
		want   int
	}{
		"some":     {heartbeat.Advice{Rate: 50, Least: 10 * time.Second, Most: time.Minute}, 3000},
		"rounded":  {heartbeat.Advice{Rate: 3, Least: 1, Most: 333_333_333}, 0},
		"just one": {heartbeat.Advice{Rate: 3, Least: 1, Most: 333_333_334}, 1},
		"no most":  {heartbeat.Advice{Rate: math.MaxInt, Least: 1}, math.MaxInt},
		"by one":   {heartbeat.Advice{Rate: 2_000_000_001, Least: 1}, math.MaxInt}, // 1 000 000 000 in the high word
		"too many": {heartbeat.Advice{Rate: math.MaxInt, Least: 1, Most: 2 * time.Second}, math.MaxInt},
	} {
		if got, err := row.advice.Clients(); err != nil || got != row.want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, row.want)
		}
	}
}

func TestAdviceStaggered(t *testing.T) {
	const s = time.Second
	advice := heartbeat.Advice{Rate: 50, Least: 10 * s, Most: 105 * s, Stagger: 10}
	for name, row := range map[string]struct {
		stagger, clients int
		draw             uint64
		want             time.Duration
	}{
		"the least draw":         {10, 500, 0, 10 * s},
		"half":                   {10, 500, 1 << 63, 10*s + 500*time.Millisecond},
		"the greatest draw":      {10, 500, math.MaxUint64, 11 * s},
		"none":                   {0, 500, math.MaxUint64, 10 * s},
		"twice as long":          {100, 500, math.MaxUint64, 20 * s},
		"of the clients' number": {10, 2500, math.MaxUint64, 55 * s},
		"within the most":        {10, 5000, math.MaxUint64, 105 * s},
		"half of what is left":   {10, 5000, 1 << 63, 102*s + 500*time.Millisecond},
		"nothing left":           {10, 50_000, math.MaxUint64, 105 * s},
	} {
		advice.Stagger = row.stagger
		if got, err := advice.Staggered(row.clients, row.draw); err != nil || got != row.want {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, row.want)
		}
	}
	long := heartbeat.Advice{Rate: 1, Least: math.MaxInt64 - 1, Stagger: 100}
	if got, err := long.Staggered(1, math.MaxUint64); err != nil || got != math.MaxInt64 {
		t.Errorf("the longest: got %v, %v", got, err)
	}
}

func TestAdviceNamesAllProblems(t *testing.T) {
	for want, advice := range map[string]heartbeat.Advice{
		"Rate is 0: must be at least 1;Least is 0s: must be above 0": {},
		"Rate is -1: must be at least 1;Least is -1ns: must be above 0;Most is -1ns: must not be below 0;Stagger is -1: must be in [0, 100]": {
			Rate: -1, Least: -1, Most: -1, Stagger: -1},
		"Most is 1s: must not be below Least (2s);Stagger is 101: must be in [0, 100]": {
			Rate: 1, Least: 2 * time.Second, Most: time.Second, Stagger: 101},
	} {
		want = "heartbeat: invalid argument: " + strings.ReplaceAll(want, ";", "\nheartbeat: invalid argument: ")
		_, room := advice.Clients()
		for _, err := range []error{advice.Validate(), room} {
			if err == nil || !errors.Is(err, heartbeat.ErrInvalid) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
		want += "\nheartbeat: invalid argument: clients is -5: must not be below 0"
		_, interval := advice.Interval(-5)
		_, staggered := advice.Staggered(-5, 0)
		for _, err := range []error{interval, staggered} {
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
	}
}

func spread(t *testing.T, rate int) *heartbeat.Spread {
	t.Helper()
	s, err := heartbeat.NewSpread(rate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpread(t *testing.T) {
	const ms = time.Millisecond
	s := spread(t, 4)
	for i, row := range []struct{ deadline, want time.Duration }{
		{-1000 * ms, -1000 * ms}, {0, 0}, {0, 250 * ms}, {100 * ms, 500 * ms}, {750 * ms, 750 * ms},
		{3000 * ms, 3000 * ms}, {3250*ms - 1, 3250 * ms}, {0, 3500 * ms}, {3750 * ms, 3750 * ms}, {4000*ms + 1, 4000*ms + 1},
	} {
		if got := s.Next(after(row.deadline)); !got.Equal(after(row.want)) {
			t.Errorf("%d: got %v, want %v", i, got.Sub(begin), row.want)
		}
	}
}

// The zero time is a deadline like any other.
func TestSpreadFromTheZeroTime(t *testing.T) {
	s, deadline := spread(t, 1), time.Time{}.Add(-time.Hour)
	if got := s.Next(deadline); !got.Equal(deadline) {
		t.Errorf("got %v", got)
	}
	if got := s.Next(deadline); !got.Equal(deadline.Add(time.Second)) {
		t.Errorf("got %v", got)
	}
}

// No lease ends early, and no second has more ends than the rate, also where a
// second does not divide by it.
func TestSpreadKeepsTheRate(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, rate := range []int{1, 2, 3, 7, 999, 1001} {
		s := spread(t, rate)
		var ends []time.Time
		deadline := begin
		for range 3 * rate {
			deadline = deadline.Add(time.Duration(random.Int64N(int64(time.Second) / int64(rate))))
			end := s.Next(deadline)
			if end.Before(deadline) {
				t.Fatalf("rate %d: an end %v early", rate, deadline.Sub(end))
			}
			if ends = append(ends, end); len(ends) > rate && end.Sub(ends[len(ends)-1-rate]) < time.Second {
				t.Fatalf("rate %d: %d ends within %v", rate, rate+1, end.Sub(ends[len(ends)-1-rate]))
			}
		}
	}
	if s, err := heartbeat.NewSpread(0); s != nil || err == nil || err.Error() != "heartbeat: invalid argument: rate is 0: must be at least 1" {
		t.Errorf("rate 0: got %v, %v", s, err)
	}
}
