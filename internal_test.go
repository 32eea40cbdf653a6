package leasekernel

import (
	"math"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// stepWallClock is a step of the wall clock by d: an instant whose two readings
// disagree cannot be made by hand, but only their difference matters.
func (s *schedule) stepWallClock(by time.Duration) { s.next -= by.Milliseconds() }

// A pass of a release is a java.util.Timer's (quirk R3): it sleeps on the
// monotonic clock, and once awake it waits for the wall clock. The exact rules
// do not look at that one.
func TestPassesInWallClockSteps(t *testing.T) {
	const s, m, year = time.Second, time.Minute, 365 * 24 * time.Hour
	t0 := time.UnixMilli(1_700_000_000_000)
	type event struct {
		step time.Duration // of the wall clock, before the call
		now  time.Duration // since the start, on the monotonic clock
		runs bool
		wake time.Duration // afterwards
	}
	for name, row := range map[string]struct {
		wall   bool
		events []event
	}{
		"a step back delays the pass by the step":                   {true, []event{{-10 * s, m - 1, false, m}, {0, m, false, 70 * s}, {0, 70 * s, true, 130 * s}, {0, 130 * s, true, 190 * s}}},
		"a second step back delays it again":                        {true, []event{{-10 * s, m, false, 70 * s}, {-5 * s, 70 * s, false, 75 * s}, {0, 75 * s, true, 135 * s}}},
		"a step forward does not bring it forward":                  {true, []event{{30 * s, m - 1, false, m}, {0, m, true, 2 * m}}},
		"a step back that a late call has outlived":                 {true, []event{{-10 * s, 80 * s, true, 140 * s}}},
		"a step back that is undone in time":                        {true, []event{{-10 * s, 59 * s, false, m}, {10 * s, m, true, 2 * m}}},
		"steps back of 400 years in all are too long for one sleep": {true, []event{{-200 * year, 0, false, m}, {-200 * year, m, false, math.MaxInt64}}},
		"the exact rules do not wait for the wall clock":            {false, []event{{-10 * s, m - 1, false, m}, {0, m, true, 2 * m}, {-time.Hour, 2 * m, true, 3 * m}}},
		"the exact rules do not hurry after the wall clock":         {false, []event{{time.Hour, m - 1, false, m}, {0, m, true, 2 * m}}},
	} {
		t.Run(name, func(t *testing.T) {
			pass := schedule{interval: m, wall: row.wall}
			pass.start(t0)
			for _, e := range row.events {
				pass.stepWallClock(e.step)
				now := t0.Add(e.now)
				runs := pass.due(now)
				if runs {
					pass.ran(now)
				}
				if runs != e.runs || pass.wake.Sub(t0) != e.wake {
					t.Errorf("at %v: got %t and then %v, want %t and %v", e.now, runs, pass.wake.Sub(t0), e.runs, e.wake)
				}
			}
		})
	}
}

// What was told is not kept in memory by the room for it.
func TestTheRoomForHealingsKeepsNone(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	k, err := New(now, Exact(), Hooks[int, string]{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Register(now, 1, "holder", lease.Term{}); err != nil {
		t.Fatal(err)
	}
	k.Suspect(now, 1)
	k.Renew(now.Add(time.Second), 1)
	k.Tick(now.Add(time.Second))
	if len(k.turns) != 1 || k.turns[0] != (lease.Turn[int, string]{}) {
		t.Errorf("got %+v, want room for one", k.turns)
	}
}
