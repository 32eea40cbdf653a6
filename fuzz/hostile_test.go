package fuzz

import (
	"testing"
	"time"
)

// If package time ever changes its layout, this fails first and says so.
func TestStepWallMovesOnlyTheWallClock(t *testing.T) {
	for _, step := range []time.Duration{0, time.Nanosecond, time.Hour, -time.Hour} {
		stepped := stepWall(monotonic, step)
		if passed := stepped.Sub(monotonic); passed != 0 {
			t.Errorf("a step of %v lets %v pass on the monotonic clock", step, passed)
		}
		if moved := stepped.Round(0).Sub(monotonic.Round(0)); moved != step {
			t.Errorf("a step of %v moves the wall clock by %v", step, moved)
		}
	}
}
