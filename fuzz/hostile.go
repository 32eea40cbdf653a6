package fuzz

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
)

var namesEveryProblem = law.New("names-every-problem", "input gets an error if and only if it breaks a rule, and that names every field that does, and no other")

// checkProblems compares an error with the fields that it has to name.
func checkProblems(t law.T, err, sentinel error, broken []string, input any) {
	t.Helper()
	namesEveryProblem.Holds(t, (err == nil) == (len(broken) == 0), "%+v breaks %v: %v", input, broken, err)
	if err == nil {
		return
	}
	namesEveryProblem.Holds(t, errors.Is(err, sentinel), "%+v: %v is not %v", input, err, sentinel)
	namesEveryProblem.Holds(t, strings.Count(err.Error(), "\n") == len(broken)-1, "%+v breaks %v: %v", input, broken, err)
	for _, field := range broken {
		namesEveryProblem.Holds(t, strings.Contains(err.Error(), field+" is "), "%+v: %v does not name %s", input, err, field)
	}
}

// fieldsBroken collects names, in the order in which rules are asked.
type fieldsBroken []string

func (f *fieldsBroken) check(field string, broken bool) {
	if broken {
		*f = append(*f, field)
	}
}

// fields are durations on both sides of what fields of any kind accept.
var fields = []time.Duration{
	0, 1, 2, 3, -1, time.Second, 2 * time.Second, 90 * time.Second, 90*time.Second + 1, -time.Second,
	lease.MaxDuration, lease.MaxDuration + 1, math.MaxInt32 * time.Second, (math.MaxInt32 + 1) * time.Second,
	math.MinInt32 * time.Second, (math.MinInt32 - 1) * time.Second, math.MaxInt64, math.MinInt64,
}

// The instants at which implementations of time go wrong: where a sentinel 0
// hides, where milliseconds change sign, where nanoseconds since the epoch
// leave an int64, and so far away that only seconds can still be counted.
var edges = []time.Time{
	time.UnixMilli(1_700_000_000_000),
	time.Unix(0, 0),
	time.Unix(0, 1),
	time.Unix(0, -1),
	time.UnixMilli(1),
	time.UnixMilli(-1),
	time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.UTC),
	time.Unix(0, math.MaxInt64),     // 2262
	time.Unix(0, math.MaxInt64-999), // the last millisecond of int64 nanoseconds begins
	time.Unix(0, math.MinInt64),     // 1677
	time.Time{},                     // year 1
	time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	time.UnixMilli(farthestEdge),
	time.UnixMilli(-farthestEdge),
	monotonic,
}

// farthestEdge is 37 million years from the epoch, in milliseconds: two such
// edges are as far apart as a renewal may be from its registration.
const farthestEdge = 1 << 60

// monotonic carries a monotonic reading, as the instants of a real clock do.
// There is one for all tests: its wall clock and its reading go together, and
// those of two would not to the nanosecond.
var monotonic = monotonicInstant()

// drawEdge draws by number: a name would be the instant, of which monotonic
// has another one each time.
func drawEdge(t *trace.T) time.Time { return edges[trace.IntRange(0, len(edges)-1).Draw(t, "edge")] }

// drawInstant lets a hostile clock move on from now: it stands still, goes
// forwards or backwards, lands on or just beside one of the instants where
// something is decided, or jumps anywhere.
func drawInstant(t *trace.T, now time.Time, decisive ...time.Time) time.Time {
	switch trace.SampledFrom([]string{"frozen", "forward", "backward", "decisive", "far"}).Draw(t, "clock") {
	case "forward":
		return now.Add(drawSpan(t))
	case "backward":
		return now.Add(-drawSpan(t))
	case "decisive":
		at := trace.SampledFrom(append(decisive, now)).Draw(t, "at")
		return at.Add(trace.SampledFrom(besides).Draw(t, "beside"))
	case "far":
		return drawEdge(t)
	}
	return now
}

// besides are the distances from an instant of decision: on it, and one tick
// to either side in nanoseconds and in milliseconds.
var besides = []time.Duration{0, 1, -1, time.Millisecond, -time.Millisecond}

// drawSpan draws a duration that is not negative, on any scale up to 36 years.
func drawSpan(t *trace.T) time.Duration {
	most := trace.SampledFrom([]time.Duration{
		time.Millisecond, time.Second, 2 * time.Minute, time.Hour, 1 << 60,
	}).Draw(t, "scale")
	return time.Duration(trace.Int64Range(0, int64(most)).Draw(t, "span"))
}

// drawGrace draws what a pass may add to the terms, the absurd included.
func drawGrace(t *trace.T) time.Duration {
	if trace.Bool().Draw(t, "usual grace") {
		return drawSpan(t)
	}
	return trace.SampledFrom(graces).Draw(t, "grace")
}

var graces = []time.Duration{
	0, 1, -1, time.Millisecond, -time.Millisecond, -1_500_000, time.Hour, -time.Hour,
	math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1,
}

// nanosBetween is the time from one instant to another in nanoseconds, which
// no int64 need hold.
func nanosBetween(from, to time.Time) *big.Int {
	nanos := new(big.Int).Mul(big.NewInt(to.Unix()-from.Unix()), big.NewInt(int64(time.Second)))
	return nanos.Add(nanos, big.NewInt(int64(to.Nanosecond()-from.Nanosecond())))
}

// sumOf adds durations without overflow.
func sumOf(durations ...time.Duration) *big.Int {
	sum := new(big.Int)
	for _, d := range durations {
		sum.Add(sum, big.NewInt(int64(d)))
	}
	return sum
}

// clampTo returns n, or the end of [low, high] that it lies beyond.
func clampTo(n *big.Int, low, high int64) int64 {
	switch {
	case n.Cmp(big.NewInt(low)) < 0:
		return low
	case n.Cmp(big.NewInt(high)) > 0:
		return high
	}
	return n.Int64()
}

// monotonicInstant returns an instant that carries a monotonic reading, with a
// wall clock that does not depend on when the test runs. What the reading
// itself is does not matter: only differences are ever taken.
func monotonicInstant() time.Time {
	now := time.Now()
	return now.Add(time.UnixMilli(1_700_000_000_000).Sub(now.Round(0)))
}

// stepWall returns the instant that a real clock shows after its wall clock
// was stepped by d while no time passed. Package time has no way to make one,
// so the monotonic reading is put back by hand.
func stepWall(now time.Time, d time.Duration) time.Time {
	stepped := now.Add(d)
	layout := (*struct {
		wall      uint64
		monotonic int64
		location  *time.Location
	})(unsafe.Pointer(&stepped))
	layout.monotonic -= int64(d)
	return stepped
}
