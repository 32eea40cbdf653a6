package fuzz

import (
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	eurekaRegisters = law.New("eureka-client-registers", "Eureka's client renews, and registers only where it is told in time that its lease is unknown")
	eurekaPaces     = law.New("eureka-client-paces", "Eureka's client renews an interval after the last run ended, and backs off only from runs that take that long")
	runIsInterval   = law.New("eureka-run-is-interval", "the renewal and the registration of one run of Eureka's client have one interval together")
)

// eurekaClientMachine has runs of one or two requests, and the delay that
// doubles after those which last an interval.
type eurekaClientMachine struct {
	client          *heartbeat.EurekaClient
	interval, delay time.Duration
	bound           int
	start           time.Time
	now             time.Duration // since the start
}

var driveEurekaClient = trace.Machine{Name: "eureka-client", Start: func(t *trace.T) trace.Operations {
	m := &eurekaClientMachine{start: time.Unix(0, 0)}
	m.interval = time.Duration(trace.Int64Range(1, int64(time.Hour)).Draw(t, "interval"))
	m.delay = m.interval
	m.bound = trace.IntRange(1, 12).Draw(t, "bound")
	var err error
	m.client, err = heartbeat.NewEurekaClient(m.start, m.interval, m.bound)
	refusesOnlyBadInput.Holds(t, err == nil, "interval %v, bound %d: %v", m.interval, m.bound, err)
	return trace.Operations{"run": m.run}
}}

func (m *eurekaClientMachine) run(t *trace.T) {
	began := m.now + m.delay
	reply := m.ask(t, heartbeat.Renewal, began, m.interval)
	if lasted := m.now - began; reply.Kind == heartbeat.Unknown && lasted < m.interval {
		m.ask(t, heartbeat.Registration, m.now, m.interval-lasted)
	}
	if m.now-began < m.interval {
		m.delay = m.interval
	} else {
		m.delay = min(2*m.delay, m.interval*time.Duration(m.bound))
	}
}

// ask sees to it that a request leaves at an instant and has so much time, and
// hears the reply.
func (m *eurekaClientMachine) ask(t *trace.T, want heartbeat.Request, wantAt, room time.Duration) heartbeat.Reply {
	at, request := m.client.Next(m.start.Add(m.now))
	eurekaRegisters.Holds(t, request == want, "a %v, not a %v", request, want)
	eurekaPaces.Holds(t, at.Sub(m.start) == wantAt, "at %v, not at %v", at.Sub(m.start), wantAt)
	timeout := m.client.Sent(at)
	runIsInterval.Holds(t, timeout == room, "%v, not %v", timeout, room)
	reply := anyReply.Draw(t, "reply")
	m.now = wantAt + room
	if reply.Kind != heartbeat.Unanswered {
		m.now = wantAt + time.Duration(trace.Int64Range(0, int64(room)).Draw(t, "latency"))
	}
	m.client.Done(m.start.Add(m.now), reply)
	return reply
}
