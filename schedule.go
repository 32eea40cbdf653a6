package leasekernel

import (
	"math"
	"time"
)

// schedule is when a pass is due: an interval after the last one ran, however
// late that was.
//
// With wall it is a java.util.Timer's (quirk R3), as ratemeter's: asleep until
// wake, which is compared on the monotonic clock where instants have one, and
// then not before the wall clock shows next. With phase it is a ticker of Go's:
// a pass that comes late does not move those after it.
type schedule struct {
	interval time.Duration
	wall     bool
	phase    bool
	running  bool
	wake     time.Time
	next     int64 // epoch milliseconds
}

// evictionPlan is when the eviction passes come.
type evictionPlan struct {
	schedule
	compensates bool // the next one forgives what it comes late
}

func (s *schedule) start(now time.Time) {
	s.running = true
	s.plan(now)
}

func (s *schedule) stop() { s.running = false }

// ran plans the pass after the one at now.
func (s *schedule) ran(now time.Time) {
	switch {
	case !s.phase:
		s.plan(now)
	case !now.Before(s.wake): // the tick of now itself comes after the one that was kept
		s.wake = s.wake.Add(s.interval)
		s.wake = s.firstAfter(now.Add(-1))
	}
}

func (s *schedule) plan(now time.Time) {
	s.wake = now.Add(s.interval)
	s.next = now.UnixMilli() + s.interval.Milliseconds()
}

// longestMillis is what a Duration holds, 292 years. After a longer step of the
// wall clock a schedule wakes once more and sleeps on.
const longestMillis = math.MaxInt64 / int64(time.Millisecond)

// due reports whether the pass should run at instant now.
func (s *schedule) due(now time.Time) bool {
	if !s.running || now.Before(s.wake) {
		return false
	}
	if early := s.next - now.UnixMilli(); s.wall && early > 0 {
		s.wake = now.Add(time.Duration(min(early, longestMillis)) * time.Millisecond)
		return false
	}
	return true
}

// firstAfter is the first planned instant strictly after a deadline, of passes
// that all run in time.
func (s *schedule) firstAfter(deadline time.Time) time.Time {
	at := s.wake
	for behind := deadline.Sub(at); behind >= 0; behind = deadline.Sub(at) { // 292 years at most
		at = at.Add(behind / s.interval * s.interval).Add(s.interval) // the sum may not fit a Duration
	}
	return at
}
