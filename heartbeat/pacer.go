package heartbeat

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// PacerConfig is what a [Pacer] keeps to.
type PacerConfig struct {
	// Duration is the term: how long the lease lasts without a renewal.
	Duration time.Duration
	// Interval is how far apart renewals are at most while they are accepted:
	// from a millisecond to a third of Duration, so that a lease outlives
	// two renewals that are lost.
	Interval time.Duration
	// Timeout is how long a request may take, at most a sixth of Duration, so
	// that one that hangs does not cost the next its time. Zero: a ninth of
	// Duration.
	Timeout time.Duration
	// Unregistered is whether there is no lease yet. Then a registration is
	// due at once; otherwise the lease is taken to begin with the Pacer.
	Unregistered bool
	// Seed makes the jitter. Clients of one seed march in step, so give each
	// its own: a hash of its key, or a random number.
	Seed uint64
}

// Validate returns every problem of the config, nil if there is none.
func (c PacerConfig) Validate() error {
	var problems []error
	if c.Duration <= 0 {
		problems = append(problems, invalid("Duration", c.Duration, "must be above 0"))
	}
	if c.Interval < leastInterval {
		problems = append(problems, invalid("Interval", c.Interval, fmt.Sprintf("must be at least %v", leastInterval)))
	} else if c.Interval > c.Duration/3 && c.Duration > 0 {
		problems = append(problems, invalid("Interval", c.Interval, fmt.Sprintf("must be at most a third of Duration (%v)", c.Duration)))
	}
	if c.Timeout < 0 {
		problems = append(problems, invalid("Timeout", c.Timeout, "must not be below 0"))
	} else if c.Timeout > c.Duration/6 && c.Duration > 0 {
		problems = append(problems, invalid("Timeout", c.Timeout, fmt.Sprintf("must be at most a sixth of Duration (%v)", c.Duration)))
	}
	return errors.Join(problems...)
}

// leastInterval keeps every part of an interval or a term, down to a
// hundredth, well above the resolution of clocks and timers.
const leastInterval = time.Millisecond

// eagerTries is after how many failures in a row a client without a lease
// thinks that the server is down rather than unlucky.
const eagerTries = 4

// Pacer is the heartbeat loop that this package recommends. Make one with
// [NewPacer] for each lease; drive it as [Client] says, or by [Run]. It
// belongs to one goroutine and allocates nothing.
//
// With the lease's term T (Duration) and the interval I these are its rules;
// what lies between two values is drawn evenly from them.
//
//   - The first renewal comes 0 to I after the start. A deployment starts
//     thousands of clients within seconds, and those who wait a full interval
//     from there on would keep that peak for good.
//   - Then renewals are 9/10 I to I apart, drawn anew each time, so that
//     clients which fell into step fall out of it again. Never more than I:
//     the server expects one an interval.
//   - They are counted from the instant at which the last was sent, not from
//     its answer. So latency does not lower the rate, and clients that a
//     stalled server answers all at once are not in step afterwards.
//   - A failed request is followed by the next one T/6 to 2T/9 after it was
//     sent, while the lease lives for certain (see [Pacer.Until]) and for four
//     failures in a row in any case. That makes two more tries at least before
//     the lease ends, mostly three, and a server that answers for 2T/9 in that
//     time gets one of them. Not sooner, since in the second in which a server
//     is back these tries come on top of the renewals of clients that have
//     noticed nothing.
//   - After that requests are 3T/10 to T/3 apart. Not farther: a client
//     without a lease is not found, and the fleet sends no more than on a good
//     day as it is.
//   - A lease that is over by the client's own count, because nobody took a
//     request for a term, is not renewed but registered: a renewal would only
//     be answered with Unknown, and a whole fleet that comes back would send
//     two requests each. A request without an answer may have been taken, and
//     counts as taken here. A server that kept the lease for longer replaces it
//     by an equal one.
//   - Who is answered Unknown registers at once. If that ends an outage, all
//     others hear the same within seconds, and the registration comes T/6 to
//     T/3 after the answer: the server has heard most of the fleet once before
//     it hears anybody twice. Registrations that fail are retried as renewals
//     are.
//   - One answer ends all back-off.
//   - The server may ask for another interval in a [Reply], for the next
//     renewal: it is followed as I is. Asked for silence (RetryAfter) the
//     client keeps it, counted from the answer. Both are bounded by the lease,
//     whatever the server says: neither is longer than T/3. And no interval is
//     shorter than T/30, or I if that is less, so that no answer makes a client
//     spin. A server that asks for silence over and over again lets the lease
//     run out.
//
// So, whatever happens, the client sends again T/3 after it last sent at the
// latest, or at once if it hears later than that what became of the request.
// Silence that was asked for and the registration after an outage count from
// the answer instead. What a clock that is set back does is said at [Client];
// one that is set forth can end the lease by the client's count, which costs a
// registration that was not needed.
//
// A suspect stage of the term is not looked at: after one request that failed
// the lease may have been silent for I + 2T/9, and the time-out more. A Suspect
// that is longer spares such a client the suspicion.
//
// Not promised: that a fleet has no peaks. Clients do not know of each other:
// where r requests a second are the mean, there are seconds with several times
// the square root of r more. A server that wants less asks for longer
// intervals, see [Advice].
type Pacer struct {
	duration, interval, timeout time.Duration
	random                      splitMix

	plan     plan
	seen     time.Time // the latest of the caller's instants
	sent     time.Time // when the last request left
	until    time.Time // the lease lives until then, if anything is held
	perhaps  time.Time // and may live until then
	held     bool      // a lease was granted that nobody has denied
	first    bool      // the next renewal is the first
	failures int       // in a row
}

// NewPacer returns a Pacer that starts at instant now. It fails with every
// problem that [PacerConfig.Validate] finds.
func NewPacer(now time.Time, config PacerConfig) (*Pacer, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = config.Duration / 9
	}
	p := &Pacer{
		duration: config.Duration, interval: config.Interval, timeout: config.Timeout,
		random: splitMix(config.Seed), seen: now, sent: now, first: true,
	}
	if config.Unregistered {
		p.plan = plan{made: now, at: now, request: Registration}
		return p, nil
	}
	p.plan = plan{made: now, at: now.Add(p.accepted(now, 0))}
	return p, nil
}

// Next returns the request that comes next and when it is due, see [Client].
func (p *Pacer) Next(now time.Time) (at time.Time, request Request) {
	at, request = p.plan.due(now), Registration
	if p.held && !latest(now, at).After(p.perhaps) {
		request = Renewal
	}
	p.plan.request = request
	return at, request
}

// Sent tells that the request which Next returned last leaves, and returns the
// Timeout.
func (p *Pacer) Sent(now time.Time) (timeout time.Duration) {
	p.follow(now)
	p.sent = now
	if p.plan.request == Registration {
		p.held = false // given up
	}
	return p.timeout
}

// Done plans the next request.
func (p *Pacer) Done(now time.Time, reply Reply) {
	p.follow(now)
	var at time.Time
	switch {
	case reply.Kind == Accepted:
		at = p.sent.Add(p.accepted(now, reply.Interval))
	case reply.Kind == Unknown && p.plan.request == Renewal:
		at = now.Add(p.unknown())
	default:
		at = p.sent.Add(p.failed(reply.Kind == Unanswered))
	}
	silence := max(0, min(reply.RetryAfter, p.duration/3))
	p.plan = plan{made: now, at: latest(at, now.Add(silence))}
}

// Until returns the instant until which the lease lives for certain, if the
// server keeps to the term: one Duration after the last request that was
// accepted had left. False: there is no lease, as far as the client knows.
func (p *Pacer) Until() (at time.Time, held bool) { return p.until, p.held }

// accepted returns the time from the request to the next.
func (p *Pacer) accepted(now time.Time, asked time.Duration) time.Duration {
	p.held, p.failures = true, 0
	p.until, p.perhaps = p.sent.Add(p.duration), now.Add(p.duration)
	interval := p.interval
	if asked > 0 {
		interval = min(max(asked, min(p.interval, p.duration/30)), p.duration/3)
	}
	if p.first {
		p.first = false
		return p.random.upTo(interval)
	}
	return interval - p.random.upTo(interval/10)
}

// unknown returns the time from the answer to the registration.
func (p *Pacer) unknown() time.Duration {
	outage := p.failures > 0
	p.held, p.failures = false, 0
	if !outage {
		return 0
	}
	return p.duration/6 + p.random.upTo(p.duration/6)
}

// failed returns the time from the request to the next try.
func (p *Pacer) failed(unanswered bool) time.Duration {
	p.failures++
	if unanswered {
		p.perhaps = latest(p.perhaps, p.seen.Add(p.duration))
	}
	if p.failures <= eagerTries || p.held && !p.seen.After(p.until) {
		return p.duration/6 + p.random.upTo(p.duration/18)
	}
	return p.duration/3 - p.random.upTo(p.duration/30)
}

// follow keeps up with the clock. If it was set back, nothing counts as elapsed
// since the instant before.
func (p *Pacer) follow(now time.Time) {
	if now.Before(p.seen) {
		p.sent, p.until, p.perhaps = p.moved(now, p.sent), p.moved(now, p.until), p.moved(now, p.perhaps)
	}
	p.seen = now
}

// moved is as far from now as an instant was from the one before. What no
// Duration holds is longer ago, or ahead, than anything that counts here.
func (p *Pacer) moved(now, at time.Time) time.Time { return now.Add(at.Sub(p.seen)) }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// splitMix is Steele, Lea and Flood's generator: every seed is as good as any
// other, neighbours too, and eight bytes a client are enough.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// upTo draws evenly from [0, most), which must not be negative.
func (s *splitMix) upTo(most time.Duration) time.Duration {
	drawn, _ := bits.Mul64(s.next(), uint64(most))
	return time.Duration(drawn)
}
