package ratemeter

import (
	"fmt"
	"math"
	"time"
)

// timer is java.util.Timer with one task of fixed delay, as a state machine.
//
// The original compares wall-clock milliseconds but sleeps on the monotonic
// clock (quirk R3). Hence two notions of due: wake, the instant until which
// it sleeps, compared on the monotonic clock where the instants have one; and
// next, the wall-clock millisecond that decides, once awake, whether it fires
// or sleeps on.
type timer struct {
	interval  time.Duration
	running   bool
	cancelled bool
	wake      time.Time
	next      int64
}

func (t *timer) start(now time.Time) error {
	if t.running {
		return nil
	}
	if err := t.refuse(now.UnixMilli()); err != nil {
		return err
	}
	t.running = true
	t.sleep(now)
	return nil
}

// refuse checks in the original's order.
func (t *timer) refuse(now int64) error {
	switch {
	case t.interval < 0:
		return fmt.Errorf("%w: interval is %v: %w", ErrInvalid, t.interval, ErrNegativeDelay)
	case t.interval == 0:
		return fmt.Errorf("%w: interval is %v: %w", ErrInvalid, t.interval, ErrNonPositivePeriod)
	case t.interval%time.Millisecond != 0:
		return fmt.Errorf("%w: interval is %v: %w", ErrInvalid, t.interval, ErrFractionalInterval)
	case now+t.interval.Milliseconds() < 0:
		return fmt.Errorf("%w: now is %d ms and interval %v: %w", ErrInvalid, now, t.interval, ErrIllegalExecutionTime)
	case t.cancelled:
		return fmt.Errorf("ratemeter: start after stop: %w", ErrTimerCancelled)
	}
	return nil
}

func (t *timer) stop() {
	if t.running {
		t.running, t.cancelled = false, true
	}
}

// sleep schedules the next firing one interval after now: fixed delay, so a
// late firing delays all later ones (quirk R2).
func (t *timer) sleep(now time.Time) {
	t.next = now.UnixMilli() + t.interval.Milliseconds()
	t.wake = now.Add(t.interval)
}

// longestMillis is what a Duration holds, 292 years. After a longer step of the
// wall clock the timer wakes once more and sleeps on.
const longestMillis = math.MaxInt64 / int64(time.Millisecond)

// fire reports whether the task runs at instant now. Asleep, it does not
// look at the wall clock, so a forward step changes nothing; awake too early
// on the wall clock, after a backward step, it sleeps for what is missing.
func (t *timer) fire(now time.Time) bool {
	if !t.running || now.Before(t.wake) {
		return false
	}
	if early := t.next - now.UnixMilli(); early > 0 {
		t.wake = now.Add(time.Duration(min(early, longestMillis)) * time.Millisecond)
		return false
	}
	t.sleep(now)
	return true
}
