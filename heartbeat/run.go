package heartbeat

import (
	"context"
	"time"
)

// Clock is what [Run] needs of a clock. Those of
// github.com/benbjohnson/clock are such as they are, the mock included.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Transport makes a client's requests. Each call has to return when its
// context ends; a reply that was there by then counts all the same.
type Transport interface {
	// Renew asks the server to renew the lease.
	Renew(ctx context.Context) Reply
	// Register asks the server to grant a lease.
	Register(ctx context.Context) Reply
}

// Run makes the client's requests when they are due, one at a time, until the
// context ends, and returns the context's error. It starts no goroutine, and so
// returns no sooner than the transport does. The lease is left as it is: a
// holder that leaves cancels it after Run has returned.
//
// Each request has a deadline of its own, after the client's time-out. It is
// always measured in real time, as networks are, also with a clock that is
// not: a mock never ends a request.
func Run(ctx context.Context, clock Clock, client Client, transport Transport) error {
	for await(ctx, clock, client) {
		now := clock.Now()
		_, request := client.Next(now)
		timeout := client.Sent(now)
		reply := send(ctx, timeout, request, transport)
		if ctx.Err() == nil || reply.Kind != Unanswered { // else Run's end is why
			client.Done(clock.Now(), reply)
		}
	}
	return ctx.Err()
}

// await waits until a request is due and returns true, or false when the
// context ends. It waits once: a clock that was set back meanwhile, or stands
// still, makes nobody wait again.
func await(ctx context.Context, clock Clock, client Client) bool {
	if ctx.Err() != nil {
		return false
	}
	now := clock.Now()
	at, _ := client.Next(now)
	if wait := at.Sub(now); wait > 0 {
		select {
		case <-ctx.Done():
		case <-clock.After(wait):
		}
	}
	return ctx.Err() == nil
}

func send(ctx context.Context, timeout time.Duration, request Request, transport Transport) Reply {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if request == Registration {
		return transport.Register(ctx)
	}
	return transport.Renew(ctx)
}
