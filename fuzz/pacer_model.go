package fuzz

import (
	"math"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	neverSilentForLong  = law.New("never-silent-for-long", "no request of a Pacer is due more than a third of the term after now, whatever clocks and servers do")
	sentWithinItsSpan   = law.New("sent-within-its-span", "a Pacer's next request is due within the span that its rules give, from the last request and its reply")
	askingChangesNought = law.New("asking-changes-nothing", "a Pacer that is asked again what is due, and when, says the same")
	requestFitsTheLease = law.New("request-fits-the-lease", "a Pacer renews a lease that may live, and registers otherwise")
	livesForCertain     = law.New("lives-for-certain", "a lease lives for certain until a term after the last accepted request was sent")
	timeoutAsConfigured = law.New("timeout-as-configured", "a request may take as long as the config says, by default a ninth of the term")
)

var anyReply = trace.Custom(func(t *trace.T) heartbeat.Reply {
	hint := trace.OneOf(trace.Just(time.Duration(0)), drawPositive, trace.SampledFrom(fields))
	return heartbeat.Reply{
		Kind:       heartbeat.ReplyKind(trace.IntRange(0, 4).Draw(t, "kind")),
		Interval:   hint.Draw(t, "interval asked for"),
		RetryAfter: hint.Draw(t, "silence asked for"),
	}
})

// pacerModel knows no instant but only the spans in which the Pacer's have to
// lie. Time is that since the start.
type pacerModel struct {
	term, interval    time.Duration
	held, first       bool
	failures          int
	accepted, perhaps time.Duration // until when the lease lives, and may live
	least, most       time.Duration
}

// answered works out the span of the next request.
func (m *pacerModel) answered(sent, now time.Duration, request heartbeat.Request, reply heartbeat.Reply) {
	switch {
	case reply.Kind == heartbeat.Accepted:
		interval := m.interval
		if reply.Interval > 0 {
			interval = min(m.term/3, max(reply.Interval, min(m.term/30, m.interval)))
		}
		m.least, m.most = sent+interval-interval/10, sent+interval
		if m.first {
			m.least = sent
		}
		m.first, m.held, m.failures = false, true, 0
		m.accepted, m.perhaps = sent+m.term, now+m.term
	case reply.Kind == heartbeat.Unknown && request == heartbeat.Renewal:
		m.least, m.most = now, now
		if m.failures > 0 {
			m.least, m.most = now+m.term/6, now+m.term/6+m.term/6
		}
		m.held, m.failures = false, 0
	default:
		m.failures++
		if reply.Kind == heartbeat.Unanswered {
			m.perhaps = max(m.perhaps, now+m.term)
		}
		m.least, m.most = sent+m.term/6, sent+m.term/6+m.term/18
		if m.failures > 4 && !(m.held && now <= m.accepted) {
			m.least, m.most = sent+m.term/3-m.term/30, sent+m.term/3
		}
	}
	quiet := now + max(0, min(reply.RetryAfter, m.term/3))
	m.least, m.most = max(m.least, quiet), max(m.most, quiet)
}

// pacerMachine drives a Pacer and its model through the same requests, with
// time that only passes.
type pacerMachine struct {
	pacer   *heartbeat.Pacer
	model   pacerModel
	timeout time.Duration
	start   time.Time
	now     time.Duration // since the start
}

var drivePacer = trace.Machine{Name: "pacer", Start: func(t *trace.T) trace.Operations {
	m := newPacerMachine(t)
	return trace.Operations{
		"request": func(t *trace.T) { m.request(t, m.due(t)) },
		"oversleep": func(t *trace.T) {
			m.request(t, m.due(t)+time.Duration(trace.Int64Range(0, int64(2*m.model.term)).Draw(t, "for")))
		},
	}
}}

func newPacerMachine(t *trace.T) *pacerMachine {
	term := trace.OneOf(
		trace.Just(90*time.Second),
		trace.Map(trace.Int64Range(int64(3*time.Millisecond), int64(1000*time.Hour)), func(ns int64) time.Duration { return time.Duration(ns) }),
	).Draw(t, "term")
	config := heartbeat.PacerConfig{
		Duration:     term,
		Interval:     time.Duration(trace.Int64Range(int64(time.Millisecond), int64(term/3)).Draw(t, "interval")),
		Timeout:      time.Duration(trace.Int64Range(0, int64(term/6)).Draw(t, "timeout")),
		Unregistered: trace.Bool().Draw(t, "unregistered"),
		Seed:         trace.Uint64().Draw(t, "seed"),
	}
	m := &pacerMachine{start: time.Unix(0, 0), timeout: config.Timeout}
	if m.timeout == 0 {
		m.timeout = term / 9
	}
	var err error
	m.pacer, err = heartbeat.NewPacer(m.start, config)
	refusesOnlyBadInput.Holds(t, err == nil, "%+v: %v", config, err)
	m.model = pacerModel{term: term, interval: config.Interval, first: true}
	if !config.Unregistered {
		m.model.answered(0, 0, heartbeat.Registration, heartbeat.Reply{Kind: heartbeat.Accepted})
	}
	return m
}

// due is when the next request is.
func (m *pacerMachine) due(t *trace.T) time.Duration {
	at, request := m.pacer.Next(m.start.Add(m.now))
	sent := at.Sub(m.start)
	neverSilentForLong.Holds(t, sent-m.now <= m.model.term/3, "%v", sent-m.now)
	sentWithinItsSpan.Holds(t, m.model.least <= sent && sent <= m.model.most, "%v, not %v to %v", sent, m.model.least, m.model.most)
	again, same := m.pacer.Next(m.start.Add(m.now))
	askingChangesNought.Holds(t, again.Equal(at) && request == same, "a %v at %v, then a %v at %v", request, at, same, again)
	return sent
}

// request sends what is due then, and hears the reply.
func (m *pacerMachine) request(t *trace.T, sent time.Duration) {
	_, request := m.pacer.Next(m.start.Add(sent))
	renews := m.model.held && sent <= m.model.perhaps
	requestFitsTheLease.Holds(t, renews == (request == heartbeat.Renewal), "a %v at %v, held %t until %v", request, sent, m.model.held, m.model.perhaps)
	m.model.held = renews
	timeout := m.pacer.Sent(m.start.Add(sent))
	timeoutAsConfigured.Holds(t, timeout == m.timeout, "%v, not %v", timeout, m.timeout)

	m.now = sent + time.Duration(trace.Int64Range(0, int64(timeout)).Draw(t, "latency"))
	reply := anyReply.Draw(t, "reply")
	m.pacer.Done(m.start.Add(m.now), reply)
	m.model.answered(sent, m.now, request, reply)
	until, held := m.pacer.Until()
	livesForCertain.Holds(t, held == m.model.held && (!held || until.Sub(m.start) == m.model.accepted), "%t until %v", held, until)
}

// A clock that is set at will between any two calls.
var drivePacerUnderAnyClock = trace.Machine{Name: "pacer-under-any-clock", Start: func(t *trace.T) trace.Operations {
	now := time.Unix(0, 0)
	config := heartbeat.PacerConfig{Duration: 90 * time.Second, Interval: 30 * time.Second, Seed: trace.Uint64().Draw(t, "seed")}
	pacer, err := heartbeat.NewPacer(now, config)
	refusesOnlyBadInput.Holds(t, err == nil, "%v", err)
	drawAnyStep := trace.OneOf(trace.Int64Range(-int64(time.Minute), int64(time.Minute)), trace.Int64Range(math.MinInt64, math.MaxInt64), trace.Just(int64(0)))
	step := func(t *trace.T) { now = now.Add(time.Duration(drawAnyStep.Draw(t, "step"))) }
	return trace.Operations{
		"": func(t *trace.T) {
			at, _ := pacer.Next(now)
			neverSilentForLong.Holds(t, at.Sub(now) <= config.Duration/3, "%v", at.Sub(now))
		},
		"wait": step,
		"request": func(t *trace.T) {
			pacer.Sent(now)
			step(t)
			pacer.Done(now, anyReply.Draw(t, "reply"))
		},
	}
}}
