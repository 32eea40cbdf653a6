package fuzz

import (
	"math"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	sentWithinItsSpan    = law.New("sent-within-its-span", "a request is due within the span that follows from the last one and its reply")
	requestFitsTheLease  = law.New("request-fits-the-lease", "a lease that may live is renewed, any other registered")
	neverSilentForLong   = law.New("never-silent-for-long", "no request is due more than a third of the term after now")
	untilAsModelled      = law.New("until-as-modelled", "a lease lives for certain until a term after the last accepted request was sent")
	timeoutAsConfigured  = law.New("timeout-as-configured", "a request may take as long as the config says")
	pacerOfAValidConfig  = law.New("pacer-of-a-valid-config", "every valid config makes a Pacer")
	clientAsModelled     = law.New("client-as-modelled", "Eureka's client does what its model does")
	registersWithinItRun = law.New("registers-within-it-run", "a registration comes at once, and has what is left of the interval")
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

// Histories of any length, with time that only passes: spans, requests and the
// certain end of the lease are the model's.
var drivePacer = oneShot("pacer", func(t *trace.T) {
	start := time.Unix(0, 0)
	term := trace.OneOf(trace.Just(90*time.Second), trace.Custom(func(t *trace.T) time.Duration {
		return time.Duration(trace.Int64Range(int64(3*time.Millisecond), int64(1000*time.Hour)).Draw(t, "ns"))
	})).Draw(t, "term")
	config := heartbeat.PacerConfig{
		Duration:     term,
		Interval:     time.Duration(trace.Int64Range(int64(time.Millisecond), int64(term/3)).Draw(t, "interval")),
		Timeout:      time.Duration(trace.Int64Range(1, int64(term/6)).Draw(t, "timeout")),
		Unregistered: trace.Bool().Draw(t, "unregistered"),
		Seed:         trace.Uint64().Draw(t, "seed"),
	}
	pacer, err := heartbeat.NewPacer(start, config)
	pacerOfAValidConfig.Holds(t, err == nil, "%+v: %v", config, err)
	model := &pacerModel{term: term, interval: config.Interval, first: true}
	if !config.Unregistered {
		model.answered(0, 0, heartbeat.Registration, heartbeat.Reply{Kind: heartbeat.Accepted})
	}
	now := time.Duration(0)
	for range trace.IntRange(1, 60).Draw(t, "requests") {
		at, _ := pacer.Next(start.Add(now))
		sent := at.Sub(start)
		neverSilentForLong.Holds(t, sent-now <= term/3, "%v", sent-now)
		sentWithinItsSpan.Holds(t, model.least <= sent && sent <= model.most, "%v, not %v to %v", sent, model.least, model.most)
		if trace.IntRange(0, 5).Draw(t, "sleeps") == 0 {
			sent += time.Duration(trace.Int64Range(0, int64(2*term)).Draw(t, "for"))
		}
		_, request := pacer.Next(start.Add(sent))
		renews := model.held && sent <= model.perhaps
		requestFitsTheLease.Holds(t, renews == (request == heartbeat.Renewal), "%v at %v, may live until %v, held %t", request, sent, model.perhaps, model.held)
		model.held = renews
		timeout := pacer.Sent(start.Add(sent))
		timeoutAsConfigured.Holds(t, timeout == config.Timeout, "%v", timeout)
		now = sent + time.Duration(trace.Int64Range(0, int64(timeout)).Draw(t, "latency"))
		reply := anyReply.Draw(t, "reply")
		pacer.Done(start.Add(now), reply)
		model.answered(sent, now, request, reply)
		until, held := pacer.Until()
		untilAsModelled.Holds(t, held == model.held && (!held || until.Sub(start) == model.accepted), "%v, %t", until, held)
	}
})

// A clock that is set at will: the Pacer is never silent for long.
var drivePacerUnderAnyClock = oneShot("pacer-under-any-clock", func(t *trace.T) {
	now := time.Unix(0, 0)
	pacer, err := heartbeat.NewPacer(now, heartbeat.PacerConfig{Duration: 90 * time.Second, Interval: 30 * time.Second, Seed: trace.Uint64().Draw(t, "seed")})
	pacerOfAValidConfig.Holds(t, err == nil, "%v", err)
	anyStep := trace.OneOf(trace.Int64Range(-int64(time.Minute), int64(time.Minute)), trace.Int64Range(math.MinInt64, math.MaxInt64), trace.Just(int64(0)))
	for range trace.IntRange(1, 60).Draw(t, "requests") {
		now = now.Add(time.Duration(anyStep.Draw(t, "step")))
		at, _ := pacer.Next(now)
		neverSilentForLong.Holds(t, at.Sub(now) <= 30*time.Second, "%v", at.Sub(now))
		now = now.Add(time.Duration(anyStep.Draw(t, "step")))
		pacer.Sent(now)
		now = now.Add(time.Duration(anyStep.Draw(t, "step")))
		pacer.Done(now, anyReply.Draw(t, "reply"))
	}
})

// The model of Eureka's client: runs of one or two requests, and the delay that
// doubles after those which last an interval.
var driveEurekaClient = oneShot("eureka-client", func(t *trace.T) {
	start := time.Unix(0, 0)
	interval := time.Duration(trace.Int64Range(1, int64(time.Hour)).Draw(t, "interval"))
	bound := trace.IntRange(1, 12).Draw(t, "bound")
	client, err := heartbeat.NewEurekaClient(start, interval, bound)
	clientAsModelled.Holds(t, err == nil, "%v", err)
	delay, now := interval, time.Duration(0)
	ask := func(want heartbeat.Request, wantAt, room time.Duration) (ended time.Duration, reply heartbeat.Reply) {
		at, request := client.Next(start.Add(now))
		clientAsModelled.Holds(t, request == want && at.Sub(start) == wantAt, "a %v at %v, not a %v at %v", request, at.Sub(start), want, wantAt)
		timeout := client.Sent(at)
		registersWithinItRun.Holds(t, timeout == room, "%v, not %v", timeout, room)
		reply = anyReply.Draw(t, "reply")
		ended = wantAt + room
		if reply.Kind != heartbeat.Unanswered {
			ended = wantAt + time.Duration(trace.Int64Range(0, int64(room)).Draw(t, "latency"))
		}
		client.Done(start.Add(ended), reply)
		return ended, reply
	}
	for range trace.IntRange(1, 40).Draw(t, "runs") {
		began := now + delay
		ended, reply := ask(heartbeat.Renewal, began, interval)
		if now = ended; reply.Kind == heartbeat.Unknown && ended-began < interval {
			now, _ = ask(heartbeat.Registration, ended, interval-(ended-began))
		}
		if now-began < interval {
			delay = interval
		} else {
			delay = min(2*delay, interval*time.Duration(bound))
		}
	}
})
