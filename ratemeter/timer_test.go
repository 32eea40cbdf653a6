package ratemeter

import (
	"testing"
	"time"
)

// Quirk R3: the timer sleeps on the monotonic clock and decides by the wall
// clock. An instant whose two readings disagree cannot be made by hand, but
// only their difference matters: a step of the wall clock by d is the same as
// moving the wall-clock millisecond that decides by -d.
func (t *timer) stepWallClock(by time.Duration) { t.next -= by.Milliseconds() }

func TestTimerInWallClockSteps(t *testing.T) {
	t0 := time.UnixMilli(1_700_000_000_000)
	type event struct {
		step  time.Duration // of the wall clock, before the call
		now   time.Duration // since the start, on the monotonic clock
		fires bool
		wake  time.Duration // afterwards
	}
	tests := []struct {
		name   string
		events []event
	}{
		{"a step back delays the firing by the step", []event{
			{-10 * time.Second, time.Minute - 1, false, time.Minute},
			{0, time.Minute, false, 70 * time.Second},
			{0, 70*time.Second - 1, false, 70 * time.Second},
			{0, 70 * time.Second, true, 130 * time.Second},
			{0, 130 * time.Second, true, 190 * time.Second},
		}},
		{"a step forward does not bring it forward", []event{
			{30 * time.Second, time.Minute - 1, false, time.Minute},
			{0, time.Minute, true, 2 * time.Minute},
			{0, 2*time.Minute - 1, false, 2 * time.Minute},
			{0, 2 * time.Minute, true, 3 * time.Minute},
		}},
		{"a second step back delays it again", []event{
			{-10 * time.Second, time.Minute, false, 70 * time.Second},
			{-5 * time.Second, 70 * time.Second, false, 75 * time.Second},
			{0, 75 * time.Second, true, 135 * time.Second},
		}},
		{"a step back that is undone in time leaves no trace", []event{
			{-10 * time.Second, 59 * time.Second, false, time.Minute},
			{10 * time.Second, time.Minute, true, 2 * time.Minute},
		}},
		{"a step back that is undone too late does", []event{
			{-10 * time.Second, time.Minute, false, 70 * time.Second},
			{10 * time.Second, 65 * time.Second, false, 70 * time.Second},
			{0, 70 * time.Second, true, 130 * time.Second},
		}},
		{"a step back by a millisecond", []event{
			{-time.Millisecond, time.Minute, false, time.Minute + time.Millisecond},
			{0, time.Minute + time.Millisecond, true, 2*time.Minute + time.Millisecond},
		}},
		{"a step back that a late call has outlived", []event{
			{-10 * time.Second, 80 * time.Second, true, 140 * time.Second},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timer := timer{interval: time.Minute}
			if err := timer.start(t0); err != nil {
				t.Fatal(err)
			}
			for _, e := range tt.events {
				timer.stepWallClock(e.step)
				if got := timer.fire(t0.Add(e.now)); got != e.fires {
					t.Errorf("fire at %v: got %v, want %v", e.now, got, e.fires)
				}
				if got := timer.wake.Sub(t0); got != e.wake {
					t.Errorf("wake after %v: got %v, want %v", e.now, got, e.wake)
				}
			}
		})
	}
}
