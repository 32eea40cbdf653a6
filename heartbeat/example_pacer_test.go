package heartbeat_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// A server stops after two renewals. The client tries again a sixth of the term
// and a little more apart; when nobody has taken a request for a term, it
// registers, a third of the term apart.
func ExamplePacer() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	pacer, err := heartbeat.NewPacer(now, heartbeat.PacerConfig{
		Duration: 90 * time.Second,
		Interval: 30 * time.Second,
		Seed:     42, // a hash of the client's key, say
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, kind := range []heartbeat.ReplyKind{
		heartbeat.Accepted, heartbeat.Accepted,
		heartbeat.Refused, heartbeat.Refused, heartbeat.Refused, heartbeat.Refused, heartbeat.Refused,
		heartbeat.Accepted,
	} {
		at, request := pacer.Next(now)
		fmt.Printf("%v %v: %v\n", at.Format(time.TimeOnly), request, kind)
		pacer.Sent(at)
		now = at.Add(10 * time.Millisecond)
		pacer.Done(now, heartbeat.Reply{Kind: kind})
	}
	// Output:
	// 12:00:22 renewal: accepted
	// 12:00:51 renewal: accepted
	// 12:01:20 renewal: refused
	// 12:01:37 renewal: refused
	// 12:01:52 renewal: refused
	// 12:02:12 renewal: refused
	// 12:02:28 registration: refused
	// 12:02:55 registration: accepted
}

// server is a transport to one that knows nobody at first, and stops everything
// at the third renewal.
type server struct {
	clock    *ticking
	known    bool
	renewals int
	stop     context.CancelFunc
}

func (s *server) Renew(context.Context) heartbeat.Reply {
	if s.renewals++; s.renewals == 3 {
		s.stop()
	}
	if !s.known {
		return s.says("renewal", heartbeat.Unknown)
	}
	return s.says("renewal", heartbeat.Accepted)
}

func (s *server) Register(context.Context) heartbeat.Reply {
	s.known = true
	return s.says("registration", heartbeat.Accepted)
}

func (s *server) says(request string, kind heartbeat.ReplyKind) heartbeat.Reply {
	fmt.Printf("%v %v: %v\n", s.clock.now.Format(time.TimeOnly), request, kind)
	return heartbeat.Reply{Kind: kind}
}

// ticking is a clock on which no time passes but what is waited for.
type ticking struct{ now time.Time }

func (c *ticking) Now() time.Time { return c.now }

func (c *ticking) After(d time.Duration) <-chan time.Time {
	c.now = c.now.Add(d)
	elapsed := make(chan time.Time, 1)
	elapsed <- c.now
	return elapsed
}

// Run drives any client over any transport. A real clock is a type with two
// methods, which call time.Now and time.After.
func ExampleRun() {
	clock := &ticking{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	client, err := heartbeat.NewEurekaClient(clock.Now(), 30*time.Second, 10)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = heartbeat.Run(ctx, clock, client, &server{clock: clock, stop: cancel})
	fmt.Println(err)
	// Output:
	// 12:00:30 renewal: unknown
	// 12:00:30 registration: accepted
	// 12:01:00 renewal: accepted
	// 12:01:30 renewal: accepted
	// context canceled
}

// A server that wants 500 renewals a second at most, and leases of 10 seconds
// at least, asks its clients for longer intervals when there are more of them.
func ExampleAdvice() {
	advice := heartbeat.Advice{Rate: 500, Least: 10 * time.Second, Most: 5 * time.Minute, Stagger: 10}
	for _, clients := range []int{100, 5_000, 20_000, 150_000} {
		interval, err := advice.Interval(clients)
		if err != nil {
			log.Fatal(err)
		}
		staggered, err := advice.Staggered(clients, 1<<63) // half of what a draw can be
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d clients: %v, one of them %v\n", clients, interval, staggered)
	}
	// Output:
	// 100 clients: 10s, one of them 10.5s
	// 5000 clients: 10s, one of them 10.5s
	// 20000 clients: 40s, one of them 42s
	// 150000 clients: 5m0s, one of them 5m0s
}

// A new leader took over leases of which four would end within a millisecond,
// and can end two a second.
func ExampleSpread() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	spread, err := heartbeat.NewSpread(2)
	if err != nil {
		log.Fatal(err)
	}
	for _, remaining := range []time.Duration{30_000, 30_000, 30_001, 30_001, 40_000} {
		deadline := now.Add(remaining * time.Millisecond)
		fmt.Println(spread.Next(deadline).Sub(now))
	}
	// Output:
	// 30s
	// 30.5s
	// 31s
	// 31.5s
	// 40s
}
