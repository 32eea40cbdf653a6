// Package fleet runs thousands of clients of one policy against one server in
// virtual time, and measures what the server has to bear and what becomes of
// the leases. Equal settings give equal measures.
package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
	"github.com/leasekernel/leasekernel/lease"
)

// Settings are those of a run.
type Settings struct {
	Clients int
	Seed    uint64
	// Evenly is whether clients start evenly within an interval, rather than
	// half of them within the five seconds in its middle, as in a deployment.
	Evenly bool
}

// Measure is what a run has measured.
type Measure struct {
	Policy   string `json:"policy"`
	Scenario string `json:"scenario"`
	// Second and Tenth are the most requests that came to the server in one
	// second and in one tenth of a second while it answered, from its first
	// return on.
	Second int `json:"peakPerSecond"`
	Tenth  int `json:"peakPerTenth"`
	// Back is how long after the server's last return all clients had a lease
	// again, and kept it. Never: not within the run.
	Back  time.Duration `json:"allRegisteredAfterNanos"`
	Never bool          `json:"neverAllRegistered,omitempty"`
	// Unheard is how many requests no answer but an error came to.
	Unheard int `json:"requestsUnanswered"`
	// Lost is how many leases expired although the server had answered in
	// time: for patience at a stretch, later than an interval after the last
	// renewal. A client that lost its lease twice counts twice.
	Lost int `json:"leasesLost"`
	// Expired is how many leases expired in all.
	Expired int `json:"leasesExpired"`
	// During is how many requests were sent from the beginning of the
	// first fault to the end of the last.
	During int `json:"requestsDuring"`
}

const (
	// before is how long a fleet runs before its scenario begins: it starts, and
	// finds its rhythm.
	before = 2 * time.Minute
	// after is how long it runs when the server is back: longer than
	// Eureka's longest delay and a time-out.
	after = 6 * time.Minute
	// travel is how long a request and its answer are on the way in all.
	travel = 5 * time.Millisecond
	// patience is how long the server has to answer for a lease to count as
	// lost by its client.
	patience = 2 * Duration / 9
	// evictions are a second apart, so that a lease that expires goes at once.
	evictions = time.Second
	tenth     = 100 * time.Millisecond
)

// epoch is offset 0 of all runs. The instants have no monotonic reading.
var epoch = time.UnixMilli(1_700_000_000_000)

// run is a run that goes on.
type run struct {
	scenario Scenario
	queue    queue
	clients  []client
	leases   *lease.Table[int32, struct{}]
	expired  []lease.Snapshot[int32, struct{}]
	tenths   []int         // requests that came while the server answered, since its first return
	whole    time.Duration // since when all clients have had a lease; -1: they have not
	measure  Measure
}

type client struct {
	machine heartbeat.Client
	attempt int32
}

// Compare runs all policies through all scenarios: the measures come scenario
// by scenario, in the order of [Policies].
func Compare(scenarios []Scenario, settings Settings) ([]Measure, error) {
	policies := Policies()
	measures := make([]Measure, len(scenarios)*len(policies))
	errs := make([]error, len(measures))
	var runs sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range measures {
		slots <- struct{}{}
		runs.Go(func() {
			measures[i], errs[i] = Run(policies[i%len(policies)], scenarios[i/len(policies)], settings)
			<-slots
		})
	}
	runs.Wait()
	return measures, errors.Join(errs...)
}

// Run runs a fleet of the policy through the scenario.
func Run(policy Policy, scenario Scenario, settings Settings) (Measure, error) {
	r := &run{
		scenario: scenario,
		clients:  make([]client, settings.Clients),
		measure:  Measure{Policy: policy.Name, Scenario: scenario.ID},
		whole:    -1,
	}
	if err := r.forget(0); err != nil {
		return Measure{}, err
	}
	if err := r.start(policy, settings); err != nil {
		return Measure{}, err
	}
	end := before + scenario.last() + after
	for offset := time.Duration(0); offset < end; offset += evictions {
		r.queue.push(event{at: offset, action: pass})
	}
	for _, f := range scenario.Faults {
		if f.Forgets {
			r.queue.push(event{at: before + f.To, action: forget})
		}
	}
	for len(r.queue.events) > 0 && r.queue.events[0].at < end {
		if err := r.do(r.queue.pop()); err != nil {
			return Measure{}, fmt.Errorf("%s, %s: %w", policy.Name, scenario.ID, err)
		}
	}
	return r.measured(), nil
}

// start grants every client its lease at its start. Starts and seeds are the
// same for all policies.
func (r *run) start(policy Policy, settings Settings) (err error) {
	random := rand.New(rand.NewPCG(settings.Seed, 0))
	draw := func() time.Duration { return time.Duration(random.Int64N(int64(Interval))) }
	for i := range r.clients {
		start := (draw() + draw() + draw() + draw() + draw()) / 5
		if settings.Evenly {
			start = draw()
		}
		if r.clients[i].machine, err = policy.New(epoch.Add(start), random.Uint64()); err != nil {
			return err
		}
		r.queue.push(event{at: start, action: arrive, client: int32(i), attempt: -1, request: heartbeat.Registration})
		r.queue.push(event{at: start, action: wake, client: int32(i)})
	}
	return nil
}

func (r *run) do(e event) error {
	switch e.action {
	case wake:
		return r.wake(e.at, e.client)
	case arrive:
		return r.arrive(e)
	case answer:
		return r.answer(e)
	case forget:
		return r.forget(e.at)
	case pass:
		r.pass(e.at)
	}
	return nil
}

// wake lets a client send what is due, or look again when it will be.
func (r *run) wake(at time.Duration, i int32) error {
	c := &r.clients[i]
	due, request := c.machine.Next(instant(at))
	if due := due.Sub(epoch); due > at {
		r.queue.push(event{at: due, action: wake, client: i})
		return nil
	}
	c.attempt++
	timeout := c.machine.Sent(instant(at))
	return r.send(event{at: at, client: i, attempt: c.attempt, request: request}, timeout)
}

// send brings a request to the server as it is now. The client hears an answer
// or, when it waits no longer, that there is none.
func (r *run) send(e event, timeout time.Duration) error {
	offset := e.at - before
	if r.scenario.during(offset) {
		r.measure.During++
	}
	fault := r.scenario.at(offset)
	heard := e
	heard.action, heard.reply, heard.at = answer, heartbeat.Unanswered, e.at+timeout
	e.action = arrive
	switch fault.Kind {
	case Well:
		r.count(offset)
		return r.arrive(e)
	case Refuses:
		heard.reply, heard.at = heartbeat.Refused, e.at+travel
	case Slow:
		e.at += slowness
		r.queue.push(e)
	case Stalled:
		e.at = before + fault.To
		r.queue.push(e)
	}
	r.queue.push(heard)
	return nil
}

// count counts a request that came to a server that answers.
func (r *run) count(offset time.Duration) {
	if offset < r.scenario.first() {
		return
	}
	i := int((offset - r.scenario.first()) / tenth)
	if missing := i + 1 - len(r.tenths); missing > 0 {
		r.tenths = append(r.tenths, make([]int, missing)...)
	}
	r.tenths[i]++
}

// arrive does a request, also one whose client waits no longer.
func (r *run) arrive(e event) error {
	e.reply = heartbeat.Accepted
	if e.request == heartbeat.Registration {
		if _, err := r.leases.Register(instant(e.at), e.client, struct{}{}, term); err != nil {
			return err
		}
		r.counted(e.at)
	} else if !r.leases.Renew(instant(e.at), e.client) {
		e.reply = heartbeat.Unknown
	}
	e.action, e.at = answer, e.at+travel
	r.queue.push(e)
	return nil
}

// term is that of all leases.
var term = lease.Term{Duration: Duration, Interval: Interval}

func (r *run) answer(e event) error {
	c := &r.clients[e.client]
	if e.attempt != c.attempt {
		return nil // given up
	}
	c.attempt++ // heard
	if e.reply == heartbeat.Unanswered || e.reply == heartbeat.Refused {
		r.measure.Unheard++
	}
	c.machine.Done(instant(e.at), heartbeat.Reply{Kind: e.reply})
	return r.wake(e.at, e.client)
}

// forget begins a table without leases.
func (r *run) forget(at time.Duration) (err error) {
	r.leases, err = lease.NewTable[int32, struct{}](instant(at), lease.TableConfig{})
	r.counted(at)
	return err
}

// pass evicts all leases that have expired.
func (r *run) pass(at time.Duration) {
	r.expired = r.leases.AppendExpired(r.expired[:0], instant(at), 0)
	for _, seen := range r.expired {
		if _, ok := r.leases.Evict(seen); !ok {
			continue
		}
		r.measure.Expired++
		if r.inTime(seen) {
			r.measure.Lost++
		}
	}
	r.counted(at)
}

// inTime reports whether the server had answered in time to save a lease.
func (r *run) inTime(seen lease.Snapshot[int32, struct{}]) bool {
	start := epoch.Add(before)
	from, to := seen.LastRenewal().Add(Interval).Sub(start), seen.Deadline().Sub(start)
	return r.scenario.answered(from, to) >= patience
}

// counted keeps account of since when all clients have a lease.
func (r *run) counted(at time.Duration) {
	switch all := r.leases.Len() == len(r.clients); {
	case !all:
		r.whole = -1
	case r.whole < 0:
		r.whole = at
	}
}

func (r *run) measured() Measure {
	m := r.measure
	m.Back, m.Never = max(0, r.whole-before-r.scenario.last()), r.whole < 0
	for i, n := range r.tenths {
		m.Tenth = max(m.Tenth, n)
		if i%10 == 0 {
			second := 0
			for _, n := range r.tenths[i:min(i+10, len(r.tenths))] {
				second += n
			}
			m.Second = max(m.Second, second)
		}
	}
	return m
}

func instant(offset time.Duration) time.Time { return epoch.Add(offset) }
