package lease

import (
	"math"
	"testing"
	"time"
)

// A limit is what is left of an instant without additional, whether or not the
// difference fits, and then as far away as a limit can be.
func TestLimits(t *testing.T) {
	const longest = math.MaxInt64 / int64(time.Millisecond) // of a time.Duration, in milliseconds
	for _, tt := range []struct {
		rule           Rule
		at, additional int64 // in the rule's unit
		want           int64
	}{
		{Exact, 0, 0, 0},
		{Exact, 5, 2, 3},
		{Exact, 5, -2, 5},
		{Exact, -5, 2, -7},
		{Exact, -10, math.MaxInt64, -farthestLimit},
		{Exact, 10, math.MaxInt64, -farthestLimit},
		{Exact, math.MaxInt64, math.MaxInt64, 0},
		{Exact, math.MinInt64, 1, -farthestLimit},
		{Exact, math.MinInt64, -1, -farthestLimit},
		{Exact, math.MaxInt64, 0, farthestLimit},
		{Eureka, 5, 2, 3},
		{Eureka, 5, -2, 7},
		{Eureka, -5, -5, 0},
		{Eureka, math.MaxInt64, -1, farthestLimit},
		{Eureka, math.MinInt64, 1, -farthestLimit},
		{Eureka, math.MinInt64, -longest, -farthestLimit},
		{Eureka, math.MaxInt64, longest, farthestLimit},
	} {
		s := scale{rule: tt.rule, origin: tableStart}
		now, additional := tableStart.Add(time.Duration(tt.at)), time.Duration(tt.additional)
		if tt.rule == Eureka {
			now, additional = time.UnixMilli(tt.at), additional*time.Millisecond
		}
		if got := s.limit(now, additional); got != tt.want {
			t.Errorf("%v at %d with %d: got %d, want %d", tt.rule, tt.at, tt.additional, got, tt.want)
		}
	}
}

// The farthest limit lies beyond every deadline, and with the longest warning
// not beyond the words of leases that left.
func TestNoLimitIsTooFarOrTooNear(t *testing.T) {
	var s scale
	limit := s.limit(s.instant(math.MaxInt64), 0)
	if latest := int64(farthest + 2*farthest); limit <= latest {
		t.Errorf("got limit %d, want it beyond the latest deadline (%d)", limit, latest)
	}
	for _, left := range []slotWord{movedWord, replacedWord, endedWord} {
		if int64(left) < (limit+farthest)<<slotFlagBits {
			t.Errorf("got %d below the limit %d with the longest warning", left.deadline(), limit)
		}
	}
}
