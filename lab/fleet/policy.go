package fleet

import (
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// What all policies keep to, and all servers.
const (
	Duration = 90 * time.Second
	Interval = 30 * time.Second
)

// Policy is a rule by which clients renew.
type Policy struct {
	Name string
	// New returns the machine of one client, which has a lease since now.
	New func(now time.Time, seed uint64) (heartbeat.Client, error)
}

// Policies returns those that are compared: Eureka's client, Nacos's and the
// Pacer.
func Policies() []Policy {
	return []Policy{
		{"Eureka", func(now time.Time, _ uint64) (heartbeat.Client, error) {
			return heartbeat.NewEurekaClient(now, Interval, 10)
		}},
		{"Nacos", newNacos},
		{"Pacer", func(now time.Time, seed uint64) (heartbeat.Client, error) {
			return heartbeat.NewPacer(now, heartbeat.PacerConfig{Duration: Duration, Interval: Interval, Seed: seed})
		}},
	}
}

// nacos is a Nacos client of one instance. A full beat counts as a registration
// here: one request that does for an unknown lease what a registration does,
// and for a known one what a renewal does.
type nacos struct {
	reactor *heartbeat.Reactor[struct{}, struct{}]
	task    heartbeat.BeatTask[struct{}, struct{}]
	taken   bool // the task, from the reactor
}

func newNacos(now time.Time, _ uint64) (heartbeat.Client, error) {
	reactor, err := heartbeat.NewReactor[struct{}, struct{}](1)
	if err != nil {
		return nil, err
	}
	reactor.Add(now, struct{}{}, struct{}{}, Interval)
	return &nacos{reactor: reactor}, nil
}

func (n *nacos) Next(now time.Time) (at time.Time, request heartbeat.Request) {
	if !n.taken {
		n.task, n.taken = n.reactor.Due(now)
	}
	switch {
	case !n.taken:
		at, _ = n.reactor.Next()
		return at, heartbeat.Renewal
	case n.task.Action == heartbeat.SendLight:
		return now, heartbeat.Renewal
	}
	return now, heartbeat.Registration
}

// Sent waits as long as Eureka's client: how long the original does is a
// setting of its transport.
func (n *nacos) Sent(time.Time) time.Duration { return Interval }

func (n *nacos) Done(now time.Time, reply heartbeat.Reply) {
	var err error
	switch {
	case reply.Kind == heartbeat.Unknown:
		err = n.reactor.Answered(now, n.task, heartbeat.BeatAnswer{Code: heartbeat.BeatNotFound})
	case reply.Kind != heartbeat.Accepted:
		err = n.reactor.Failed(now, n.task)
	case n.task.Action == heartbeat.RegisterAgain:
		err = n.reactor.Registered(now, n.task)
	default:
		err = n.reactor.Answered(now, n.task, heartbeat.BeatAnswer{Code: heartbeat.BeatOK, Light: true})
	}
	if err != nil {
		panic(err) // the fleet told it twice
	}
	n.taken = false
}
