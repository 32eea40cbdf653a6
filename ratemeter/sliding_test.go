package ratemeter_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/ratemeter"
)

func sliding(t testing.TB, origin time.Time, window time.Duration, steps int) *ratemeter.Sliding {
	t.Helper()
	s, err := ratemeter.NewSliding(origin, window, steps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// renewals are marks with their exact instants: what a meter with unbounded
// memory would keep.
type renewals []struct {
	at time.Time
	n  uint32
}

// in counts the renewals after begin, up to and including end.
func (r renewals) in(begin, end time.Time) (sum int64) {
	for _, renewal := range r {
		if renewal.at.After(begin) && !renewal.at.After(end) {
			sum += int64(renewal.n)
		}
	}
	return sum
}

// One renewal a second, then silence: no blind first window, and no count
// that is a window old (compare quirk R1).
func TestSlidingCountsTheLastWindow(t *testing.T) {
	s := sliding(t, t0, time.Minute, 60)
	for second := 1; second <= 60; second++ {
		s.Mark(at(time.Duration(second)*time.Second), 1)
	}
	for _, row := range []struct {
		now  time.Duration
		want int64
	}{
		{0, 0}, {time.Second - 1, 0}, {time.Second, 1}, {30 * time.Second, 30},
		{60 * time.Second, 60}, {61*time.Second - 1, 60}, {61 * time.Second, 59},
		{119 * time.Second, 1}, {120*time.Second - 1, 1}, {120 * time.Second, 0}, {time.Hour, 0},
	} {
		equal(t, fmt.Sprint("Count after ", row.now), s.Count(at(row.now)), row.want)
	}
}

// Law: Count is exact for the window that ended at the last step boundary, and
// differs from the window that ends now by the renewals of one step at either
// end. Instants come in any order within one window; pauses may be long.
func TestSlidingAgreesWithExactInstants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		steps := 1 + random.IntN(70)
		step := time.Duration(1 + random.Int64N(int64(10*time.Second)))
		window := step * time.Duration(steps)
		origin := at(time.Duration(random.Int64N(int64(time.Hour))))
		s, exact := sliding(t, origin, window, steps), renewals{}
		latest := origin
		for range 200 {
			switch random.IntN(12) {
			case 0: // a pause
				latest = latest.Add(time.Duration(random.Int64N(int64(5 * window))))
			default:
				latest = latest.Add(time.Duration(random.Int64N(int64(step))))
			}
			now := latest.Add(-time.Duration(random.Int64N(int64(window) + 1)))
			if random.IntN(8) > 0 {
				n := uint32(random.IntN(5))
				s.Mark(now, n)
				exact = append(exact, struct {
					at time.Time
					n  uint32
				}{now, n})
				continue
			}
			end := origin.Add(floor(now.Sub(origin), step))
			got, want := s.Count(now), exact.in(end.Add(-window), end)
			if got != want {
				t.Fatalf("window %v of %d steps, %v after the origin: got %d, want %d", window, steps, now.Sub(origin), got, want)
			}
			bound := exact.in(end.Add(-window), end.Add(step-window)) + exact.in(end, now)
			if off := got - exact.in(now.Add(-window), now); off > bound || -off > bound {
				t.Fatalf("window %v of %d steps: off by %d, want at most %d", window, steps, off, bound)
			}
		}
	}
}

// floor rounds down to a multiple of step, also below zero.
func floor(d, step time.Duration) time.Duration {
	rest := d % step
	if rest < 0 {
		rest += step
	}
	return d - rest
}

func TestSlidingIsRightAfterAnyPause(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, pause := range []time.Duration{time.Minute, 128 * time.Second, 129 * time.Second, year, 250 * year} {
		s := sliding(t, t0, time.Minute, 60)
		s.Mark(at(time.Second), 7)
		equal(t, fmt.Sprint("Count after a pause of ", pause), s.Count(at(time.Second+pause)), 0)
		s.Mark(at(2*time.Second+pause), 3)
		equal(t, fmt.Sprint("Count a second later, ", pause), s.Count(at(2*time.Second+pause)), 3)
	}
}

// The clock is set back by less than a window: what was marked before counts
// at its instants, as if the meter had remembered each.
func TestSlidingTakesASmallStepBack(t *testing.T) {
	s := sliding(t, t0, time.Minute, 60)
	for second := 1; second <= 100; second++ {
		s.Mark(at(time.Duration(second)*time.Second), 1)
	}
	equal(t, "Count before", s.Count(at(100*time.Second)), 60)
	equal(t, "Count, set back by 60 s", s.Count(at(40*time.Second)), 40)
	s.Mark(at(41*time.Second), 1)
	equal(t, "Count, one second later", s.Count(at(41*time.Second)), 42)
}

// The clock is set back, or was ahead for a while, by more than the meter
// remembers: its words are of turns that lie in the future. It follows at
// once, whether or not somebody counts meanwhile.
func TestSlidingFollowsAClockThatIsSetBack(t *testing.T) {
	for _, back := range []time.Duration{5 * time.Minute, 10 * time.Minute, 24 * time.Hour} {
		s := sliding(t, t0, time.Minute, 60)
		now := at(back + time.Minute)
		beat := func(seconds int) {
			for range seconds {
				now = now.Add(time.Second)
				for hint := range uint64(64) {
					s.Stripe(hint).Mark(now, 1)
				}
			}
		}
		beat(200) // every word of every ring is taken
		now = now.Add(-back)
		for _, want := range []int64{10, 20, 30, 40, 50, 60, 60} {
			beat(10)
			equal(t, fmt.Sprint("Count, set back by ", back), s.Count(now), 64*want)
		}
	}
}

// Whoever asks about another time changes nothing.
func TestSlidingCountChangesNothing(t *testing.T) {
	s := sliding(t, t0, time.Minute, 60)
	for second := 1; second <= 60; second++ {
		s.Mark(at(time.Duration(second)*time.Second), 1)
	}
	for _, elsewhere := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute, 1000 * time.Hour} {
		equal(t, fmt.Sprint("Count at ", elsewhere), s.Count(at(elsewhere)), 0)
		equal(t, "Count", s.Count(at(time.Minute)), 60)
	}
}

func TestSlidingTakesInstantsBeforeItsOrigin(t *testing.T) {
	s := sliding(t, time.UnixMilli(0), time.Minute, 60)
	for second := -90; second <= 0; second++ {
		now := time.Unix(int64(second), 0)
		s.Count(now)
		s.Mark(now, 1)
	}
	equal(t, "Count at instant 0", s.Count(time.UnixMilli(0)), 60)
	equal(t, "Count half a second before", s.Count(time.UnixMilli(-500)), 60)

	early := sliding(t, at(time.Hour), time.Minute, 60)
	early.Mark(at(time.Second), 7)
	equal(t, "Count an hour before the origin", early.Count(at(time.Minute)), 7)
}

func TestSlidingMarksOnStripes(t *testing.T) {
	s := sliding(t, t0, time.Minute, 60)
	for hint := range uint64(200) {
		s.Stripe(hint).Mark(at(time.Second), uint32(hint))
	}
	equal(t, "Count", s.Count(at(time.Second)), 199*200/2)
}

// A word holds 2^32 - 1 renewals. What does not fit is refused whole.
func TestSlidingRefusesWhatDoesNotFit(t *testing.T) {
	s := sliding(t, t0, time.Minute, 60)
	stripe := s.Stripe(7)
	for _, row := range []struct {
		n    uint32
		want bool
	}{{math.MaxUint32 - 1, true}, {2, false}, {math.MaxUint32, false}, {1, true}, {1, false}, {0, true}} {
		equal(t, fmt.Sprint("Mark ", row.n), stripe.Mark(at(time.Second), row.n), row.want)
	}
	equal(t, "Mark in the next step", stripe.Mark(at(2*time.Second), 5), true)
	equal(t, "Count", s.Count(at(2*time.Second)), math.MaxUint32+5)
}

// Goroutines mark while another counts:
//
//  1. Two of them find the same word of an older revolution, and both replace
//     it: one has to look again and add to the other's count.
//  2. Count empties an old word which a renewal is about to replace, or has
//     just replaced: the renewal stays.
//
// Whatever happens, each renewal is counted in its own step in the end.
func TestSlidingLosesNoRenewal(t *testing.T) {
	const goroutines, seconds, perSecond = 4, 60, 200
	s := sliding(t, t0, time.Minute, 60)
	s.Mark(at(-time.Hour), 9) // an older revolution
	var done sync.WaitGroup
	for g := range goroutines {
		done.Go(func() {
			stripe := s.Stripe(uint64(g / 2)) // each shared by two
			for second := 1; second <= seconds; second++ {
				for range perSecond {
					stripe.Mark(at(time.Duration(second)*time.Second), 1)
					s.Mark(at(time.Duration(second)*time.Second), 1)
				}
			}
		})
	}
	done.Go(func() {
		for range 60 {
			if got := s.Count(at(time.Minute)); got > 2*goroutines*seconds*perSecond {
				t.Errorf("got %d, more than was marked", got)
			}
		}
	})
	done.Wait()
	for second := 1; second <= seconds; second++ {
		equal(t, fmt.Sprint("Count after ", second, " s"), s.Count(at(time.Duration(second)*time.Second)), int64(2*goroutines*second*perSecond))
	}
}

func TestNewSlidingNamesAllProblems(t *testing.T) {
	for _, row := range []struct {
		window time.Duration
		steps  int
		want   []string
	}{
		{time.Minute, 60, nil},
		{time.Minute, 1, nil},
		{ratemeter.MaxSteps, ratemeter.MaxSteps, nil},
		{time.Minute, 0, []string{"steps is 0: must be between 1 and 1023"}},
		{0, ratemeter.MaxSteps + 1, []string{"window is 0s: must be above 0", "steps is 1024: must be between 1 and 1023"}},
		{-time.Second, 7, []string{"window is -1s: must be above 0"}},
		{time.Minute, 7, []string{"steps is 7: must divide the window (1m0s)"}},
	} {
		_, err := ratemeter.NewSliding(t0, row.window, row.steps)
		if len(row.want) == 0 {
			equal(t, fmt.Sprint("error for ", row.window, row.steps), err, nil)
			continue
		}
		if !errors.Is(err, ratemeter.ErrInvalid) {
			t.Errorf("%v, %d: got %v, want ErrInvalid", row.window, row.steps, err)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		equal(t, "problems", len(lines), len(row.want))
		for i, line := range lines {
			equal(t, "problem", line, "ratemeter: invalid argument: "+row.want[i])
		}
	}
}

func TestSlidingTellsItsWindowAndStep(t *testing.T) {
	s := sliding(t, t0, 90*time.Second, 45)
	equal(t, "Window", s.Window(), 90*time.Second)
	equal(t, "Step", s.Step(), 2*time.Second)
}

// A meter of one step, the coarsest: the last whole window, as MeasuredRate's,
// but anchored at its origin and without a timer.
func TestSlidingOfOneStepTumbles(t *testing.T) {
	s := sliding(t, t0, time.Minute, 1)
	s.Mark(at(10*time.Second), 5)
	equal(t, "Count in the first window", s.Count(at(59*time.Second)), 0)
	equal(t, "Count at its end", s.Count(at(time.Minute)), 5)
	equal(t, "Count in the second", s.Count(at(2*time.Minute-1)), 5)
	equal(t, "Count at its end", s.Count(at(2*time.Minute)), 0)
}

// A meter ends 292 years from its origin, or where its ring has turned 2^31
// times, and says so.
func TestSlidingEndsAtItsHorizon(t *testing.T) {
	tests := []struct {
		name         string
		window       time.Duration
		within, over time.Duration
	}{
		{"a minute, after", time.Minute, math.MaxInt64 - 1, math.MaxInt64},
		{"a minute, before", time.Minute, math.MinInt64 + 1, math.MinInt64},
		{"a nanosecond, after", 1, 4*math.MaxInt32 - 1, 4 * math.MaxInt32},
		{"a nanosecond, before", 1, 4 * (math.MinInt32 + 1), 4*(math.MinInt32+1) - 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sliding(t, t0, test.window, 1)
			now := at(test.within).Add(0)
			equal(t, "Mark within", s.Mark(now, 5), true)
			if test.window == 1 {
				equal(t, "Count within", s.Count(now), 5)
			}
			for _, beyond := range []time.Time{at(test.over), at(test.over).Add(test.over)} {
				equal(t, "Mark beyond", s.Mark(beyond, 5), false)
				equal(t, "Count beyond", s.Count(beyond), 0)
			}
		})
	}
}

// No word is taken for current by a turn that has the same number: 2^32 turns
// would have to pass, and the meter ends before.
func TestSlidingIsRightAfterManyTurns(t *testing.T) {
	s := sliding(t, t0, time.Millisecond, 1)
	s.Mark(t0, 7)
	for power := range 31 {
		pause := 4 * time.Millisecond << power
		if got := s.Count(at(pause)); got != 0 {
			t.Errorf("after %v: got %d, want 0", pause, got)
		}
	}
}
