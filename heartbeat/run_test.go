package heartbeat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// bubble is the clock of a synctest bubble: virtual time, which passes when
// all goroutines wait. A test in a bubble fails if a goroutine is left behind.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) After(d time.Duration) <-chan time.Time {
	if d <= 0 {
		panic("waits for nothing, which takes a mock for ever")
	}
	return time.After(d)
}

// transport answers what answer says, and writes down what was asked and when.
type transport struct {
	start  time.Time
	log    []string
	answer func(ctx context.Context, request heartbeat.Request) heartbeat.Reply
}

func (t *transport) Renew(ctx context.Context) heartbeat.Reply {
	return t.ask(ctx, heartbeat.Renewal)
}

func (t *transport) Register(ctx context.Context) heartbeat.Reply {
	return t.ask(ctx, heartbeat.Registration)
}

func (t *transport) ask(ctx context.Context, request heartbeat.Request) heartbeat.Reply {
	sent := time.Now()
	reply := t.answer(ctx, request)
	t.log = append(t.log, fmt.Sprintf("%v %v %v after %v", sent.Sub(t.start), request, reply.Kind, time.Since(sent)))
	return reply
}

// hang answers when the request's context ends.
func hang(ctx context.Context, _ heartbeat.Request) heartbeat.Reply {
	<-ctx.Done()
	return heartbeat.Reply{}
}

// at once answers everything with one kind.
func atOnce(kind heartbeat.ReplyKind) func(context.Context, heartbeat.Request) heartbeat.Reply {
	return func(context.Context, heartbeat.Request) heartbeat.Reply { return heartbeat.Reply{Kind: kind} }
}

func eurekaSince(t *testing.T, start time.Time) heartbeat.Client {
	t.Helper()
	c, err := heartbeat.NewEurekaClient(start, 30*time.Second, 10)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// runs drives a client in a bubble for as long, and returns what it asked.
func runs(t *testing.T, client heartbeat.Client, d time.Duration, tr *transport) []string {
	t.Helper()
	tr.start = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := heartbeat.Run(ctx, bubble{}, client, tr); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the deadline is exceeded", err)
	}
	if took := time.Since(tr.start); took != d {
		t.Errorf("Run took %v, want %v", took, d)
	}
	return tr.log
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRunSendsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := false
		tr := &transport{answer: func(_ context.Context, request heartbeat.Request) heartbeat.Reply {
			<-time.After(time.Second)
			if request == heartbeat.Renewal && !known {
				return heartbeat.Reply{Kind: unknown}
			}
			known = true
			return heartbeat.Reply{Kind: accepted}
		}}
		same(t, runs(t, eurekaSince(t, time.Now()), 100*time.Second, tr),
			"30s renewal unknown after 1s", "31s registration accepted after 1s", "1m2s renewal accepted after 1s", "1m33s renewal accepted after 1s")
	})
}

// Each request has the client's time-out for a deadline: for Eureka's what is left
// of the run.
func TestRunEndsRequestsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		tr := &transport{answer: func(ctx context.Context, request heartbeat.Request) heartbeat.Reply {
			if asked++; asked == 1 {
				<-time.After(10 * time.Second)
				return heartbeat.Reply{Kind: unknown}
			}
			return hang(ctx, request)
		}}
		same(t, runs(t, eurekaSince(t, time.Now()), 4*time.Minute+time.Second, tr),
			"30s renewal unknown after 10s", "40s registration unanswered after 20s",
			"2m0s renewal unanswered after 30s") // the next one at 4m30s
	})
	synctest.Test(t, func(t *testing.T) {
		config := ninety(1)
		config.Unregistered, config.Timeout = true, 7*time.Second
		p, err := heartbeat.NewPacer(time.Now(), config)
		if err != nil {
			t.Fatal(err)
		}
		same(t, runs(t, p, 10*time.Second, &transport{answer: hang}), "0s registration unanswered after 7s")
	})
}

// A context that ends while Run waits, or while a request is out, ends Run at
// once. An unanswered request of a Run that ends is nothing to tell the client.
func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &told{Client: eurekaSince(t, time.Now())}
		runs(t, client, 29*time.Second, &transport{answer: atOnce(accepted)})
		same(t, client.log)
		same(t, runs(t, client, 11*time.Second, &transport{answer: hang}), "1s renewal unanswered after 10s")
		same(t, client.log, "sent")
	})
}

// A lease that was granted while Run was ending is the client's all the same.
func TestRunTellsAnAnswerThatCameWithTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		config := ninety(1)
		config.Unregistered = true
		p, err := heartbeat.NewPacer(time.Now(), config)
		if err != nil {
			t.Fatal(err)
		}
		granting := &transport{start: time.Now(), answer: func(context.Context, heartbeat.Request) heartbeat.Reply {
			cancel()
			return heartbeat.Reply{Kind: accepted}
		}}
		if err := heartbeat.Run(ctx, bubble{}, p, granting); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		if until, held := p.Until(); !held || !until.Equal(time.Now().Add(90*time.Second)) {
			t.Errorf("got %v, %v, want a lease of 90 s", until, held)
		}
	})
}

func TestRunWithAContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr := &transport{answer: atOnce(accepted)}
	config := ninety(1)
	config.Unregistered = true // due at once
	if err := heartbeat.Run(ctx, bubble{}, pacer(t, config), tr); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	same(t, tr.log)
}

// told writes down what a client is told.
type told struct {
	heartbeat.Client
	log []string
}

func (c *told) Sent(now time.Time) time.Duration {
	c.log = append(c.log, "sent")
	return c.Client.Sent(now)
}

func (c *told) Done(now time.Time, reply heartbeat.Reply) {
	c.log = append(c.log, "done")
	c.Client.Done(now, reply)
}

// An answer that is there when the context of its request has ended counts.
func TestRunTakesAnAnswerAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{answer: func(ctx context.Context, _ heartbeat.Request) heartbeat.Reply {
			<-ctx.Done()
			return heartbeat.Reply{Kind: accepted}
		}}
		config := ninety(1)
		config.Unregistered = true
		p, err := heartbeat.NewPacer(time.Now(), config)
		if err != nil {
			t.Fatal(err)
		}
		runs(t, p, 10*time.Second+1, tr)
		if _, held := p.Until(); !held {
			t.Error("the lease was granted, but is not held")
		}
	})
}

// A server that is away for ten minutes: the Pacer's lease is registered again
// within half a minute, by one request.
func TestRunOfAPacerThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p, err := heartbeat.NewPacer(start, ninety(1))
		if err != nil {
			t.Fatal(err)
		}
		tr := &transport{answer: func(context.Context, heartbeat.Request) heartbeat.Reply {
			if d := time.Since(start); d >= time.Minute && d < 11*time.Minute {
				return heartbeat.Reply{Kind: refused}
			}
			return heartbeat.Reply{Kind: accepted}
		}}
		log := runs(t, p, 11*time.Minute+30*time.Second, tr)
		if last := log[len(log)-1]; !strings.Contains(last, "registration accepted") {
			t.Errorf("the last request is %q", last)
		}
		if n := len(log); n < 20 || n > 30 {
			t.Errorf("got %d requests, want one every 15 to 30 s", n)
		}
	})
}

// stepped is a clock that is set back by a day whenever somebody waits.
type stepped struct {
	now   time.Time
	waits []time.Duration
}

func (c *stepped) Now() time.Time { return c.now }

func (c *stepped) After(d time.Duration) <-chan time.Time {
	c.waits = append(c.waits, d)
	c.now = c.now.Add(d - 24*time.Hour)
	elapsed := make(chan time.Time, 1)
	elapsed <- c.now
	return elapsed
}

// frozen is a clock that shows one instant for ever.
type frozen struct{ stepped }

func (c *frozen) After(d time.Duration) <-chan time.Time {
	c.waits = append(c.waits, d)
	elapsed := make(chan time.Time, 1)
	elapsed <- c.now
	return elapsed
}

// Run waits once for a request, whatever the clock shows then: neither a clock
// that is set back nor one that stands still silences a client, or makes it spin.
func TestRunUnderBadClocks(t *testing.T) {
	back, still := &stepped{now: begin}, &frozen{stepped{now: begin}}
	for name, row := range map[string]struct {
		clock heartbeat.Clock
		waits *[]time.Duration
	}{"set back": {back, &back.waits}, "frozen": {still, &still.waits}} {
		for client, c := range map[string]heartbeat.Client{"Pacer": pacer(t, ninety(1)), "EurekaClient": eurekaClient(t)} {
			t.Run(name+"/"+client, func(t *testing.T) {
				*row.waits = nil
				row.clock.(interface{ set(time.Time) }).set(begin)
				ctx, cancel := context.WithCancel(t.Context())
				tr := &transport{}
				tr.answer = func(context.Context, heartbeat.Request) heartbeat.Reply {
					if len(tr.log) == 5 {
						cancel()
					}
					return heartbeat.Reply{Kind: accepted}
				}
				_ = heartbeat.Run(ctx, row.clock, c, tr)
				if len(*row.waits) != 6 {
					t.Fatalf("waited %v for 6 renewals", *row.waits)
				}
				for _, wait := range (*row.waits)[1:] {
					if !(span{27 * time.Second, 30 * time.Second}).has(wait) {
						t.Errorf("waited %v", wait)
					}
				}
			})
		}
	}
}

func (c *stepped) set(now time.Time) { c.now = now }

// delayed is the bubble's clock where it wakes whoever waits later, or never
// if that is negative.
type delayed struct {
	bubble
	by func() time.Duration
}

func (c delayed) After(d time.Duration) <-chan time.Time {
	by := c.by()
	if by < 0 {
		return nil
	}
	return time.After(d + by)
}

// A clock that slept over many requests owes one, not many: the next comes an
// interval after it.
func TestRunUnderAClockThatWakesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := []time.Duration{0, 10 * time.Minute, 0, 0}
		clock := delayed{by: func() (by time.Duration) {
			by, late = late[0], late[1:]
			return by
		}}
		tr := &transport{start: time.Now(), answer: atOnce(accepted)}
		ctx, cancel := context.WithTimeout(t.Context(), 11*time.Minute+45*time.Second)
		defer cancel()
		if err := heartbeat.Run(ctx, clock, eurekaSince(t, time.Now()), tr); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the deadline is exceeded", err)
		}
		same(t, tr.log, "30s renewal accepted after 0s", "11m0s renewal accepted after 0s", "11m30s renewal accepted after 0s")
	})
}

// A clock that wakes nobody silences the client, but does not keep Run.
func TestRunUnderAClockThatNeverWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		tr := &transport{answer: atOnce(accepted)}
		_ = heartbeat.Run(ctx, delayed{by: func() time.Duration { return -1 }}, eurekaSince(t, start), tr)
		if took := time.Since(start); took != time.Hour || len(tr.log) != 0 {
			t.Errorf("Run took %v and made %d requests, want 1h and none", took, len(tr.log))
		}
	})
}

// ending is a client and its transport, whose context ends at one of the points
// at which Run comes to them.
type ending struct {
	heartbeat.Client
	point string
	end   func()
	log   []string
}

func (e *ending) comesTo(point string) {
	e.log = append(e.log, point)
	if point == e.point {
		e.end()
	}
}

func (e *ending) Next(now time.Time) (time.Time, heartbeat.Request) {
	e.comesTo("next")
	return e.Client.Next(now)
}

func (e *ending) Sent(now time.Time) time.Duration {
	e.comesTo("sent")
	return e.Client.Sent(now)
}

func (e *ending) Done(now time.Time, reply heartbeat.Reply) {
	e.comesTo("done")
	e.Client.Done(now, reply)
}

func (e *ending) Renew(ctx context.Context) heartbeat.Reply {
	e.comesTo("renew")
	if ctx.Err() != nil {
		return heartbeat.Reply{}
	}
	return heartbeat.Reply{Kind: accepted}
}

func (e *ending) Register(context.Context) heartbeat.Reply { panic("registers") }

// Wherever Run is when its context ends, it makes no further request, waits for
// nothing, and tells the client what it knows.
func TestRunEndsWhereverItsContextEnds(t *testing.T) {
	for point, want := range map[string]struct {
		after time.Duration
		calls string
	}{
		"next":  {0, "next"},
		"sent":  {30 * time.Second, "next next sent renew"}, // a request without an answer, since it had no time
		"renew": {30 * time.Second, "next next sent renew"},
		"done":  {30 * time.Second, "next next sent renew done"},
	} {
		t.Run(point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				e := &ending{Client: eurekaSince(t, start), point: point, end: cancel}
				if err := heartbeat.Run(ctx, bubble{}, e, e); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				if took := time.Since(start); took != want.after {
					t.Errorf("Run took %v, want %v", took, want.after)
				}
				same(t, e.log, strings.Fields(want.calls)...)
			})
		})
	}
}
