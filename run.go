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
// empty; when the context ends, a last report tells what has changed since the
// last tick. One Run at a time.
func (k *Kernel[K, V]) Run(ctx context.Context, clock Clock) error {
	for ctx.Err() == nil {
		k.report(k.Tick(clock.Now()))
		select {
		case <-ctx.Done():
		case <-k.replanned:
		case <-k.due(clock):
		}
	}
	k.report(k.told(Report[K, V]{At: clock.Now()}))
	return ctx.Err()
}

func (k *Kernel[K, V]) report(report Report[K, V]) {
	if k.hooks.Report != nil && !report.Empty() {
		k.hooks.Report(report)
	}
}

// due delivers when Tick has something to do. It reads the clock anew, so that
// what a tick and its report took is not added. While nothing is planned there
// is still something to tell.
func (k *Kernel[K, V]) due(clock Clock) <-chan time.Time {
	next, ok := k.Next()
	if !ok {
		return clock.After(idlePause)
	}
	return clock.After(max(next.Sub(clock.Now()), shortestPause))
}

// idlePause is how long changes wait for a report of a kernel without passes.
const idlePause = time.Second

// shortestPause keeps Run from spinning on a clock that was set back.
const shortestPause = time.Millisecond

// replan wakes Run, which waits for what was planned before.
func (k *Kernel[K, V]) replan() {
	select {
	case k.replanned <- struct{}{}:
	default: // it has been told already
	}
}
