package leasekernel

import (
	"context"
	"time"
)

// Clock is what [Kernel.Run] needs of a clock. Those of
// github.com/benbjohnson/clock are such as they are, the mock included.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Run ticks when passes are due, until the context ends, and returns the
// context's error. It is the only part of the kernel that has a clock; it
// starts no goroutine. What a tick returns goes to Hooks' Report, unless it is
// empty. One Run at a time.
func (k *Kernel[K, V]) Run(ctx context.Context, clock Clock) error {
	for ctx.Err() == nil {
		if report := k.Tick(clock.Now()); k.hooks.Report != nil && !report.Empty() {
			k.hooks.Report(report)
		}
		select {
		case <-ctx.Done():
		case <-k.replanned:
		case <-k.due(clock):
		}
	}
	return ctx.Err()
}

// due delivers when Tick has something to do: never if nothing is planned. It
// reads the clock anew, so that what a tick and its report took is not added.
func (k *Kernel[K, V]) due(clock Clock) <-chan time.Time {
	next, ok := k.Next()
	if !ok {
		return nil
	}
	return clock.After(max(next.Sub(clock.Now()), shortestPause))
}

// shortestPause keeps Run from spinning on a clock that was set back.
const shortestPause = time.Millisecond

// replan wakes Run, which waits for what was planned before.
func (k *Kernel[K, V]) replan() {
	select {
	case k.replanned <- struct{}{}:
	default: // it has been told already
	}
}
