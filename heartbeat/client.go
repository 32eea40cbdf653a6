package heartbeat

import (
	"fmt"
	"time"
)

// Request is what a client sends next.
type Request uint8

const (
	// Renewal: renew the lease.
	Renewal Request = iota
	// Registration: register, to be granted a lease.
	Registration
)

// String returns "renewal" or "registration".
func (r Request) String() string {
	switch r {
	case Renewal:
		return "renewal"
	case Registration:
		return "registration"
	}
	return fmt.Sprintf("Request(%d)", uint8(r))
}

// ReplyKind is what became of a request.
type ReplyKind uint8

const (
	// Unanswered: there was no answer in time. Nobody knows whether the server
	// took the request.
	Unanswered ReplyKind = iota
	// Accepted: the lease was renewed or granted.
	Accepted
	// Unknown: the server has no such lease, and asks for a registration.
	Unknown
	// Refused: the connection was refused, or the answer was an error. The
	// server did not take the request.
	Refused
)

// String returns "unanswered", "accepted", "unknown" or "refused".
func (k ReplyKind) String() string {
	switch k {
	case Unanswered:
		return "unanswered"
	case Accepted:
		return "accepted"
	case Unknown:
		return "unknown"
	case Refused:
		return "refused"
	}
	return fmt.Sprintf("ReplyKind(%d)", uint8(k))
}

// Reply is what became of a request, with what the server asks for. The zero
// Reply is that of a request without an answer.
type Reply struct {
	// Kind is what became of the request. One that is none of the constants
	// counts as Refused.
	Kind ReplyKind
	// Interval is how far apart the server wants renewals. Zero or below: it
	// did not say.
	Interval time.Duration
	// RetryAfter is how long the server wants to hear nothing. Zero or below:
	// it did not say.
	RetryAfter time.Duration
}

// Client is a state machine that says what to send and when: a [Pacer] or an
// [EurekaClient]. [Run] drives it; who has another loop calls, over and over,
// Next until the instant has come, Sent when the request leaves, and Done
// when it is answered or given up. A Client belongs to one goroutine.
//
// Instants may come from any clock. One that is set back silences no client:
// if it shows less than when the request was planned, the request is due at
// once; a smaller step is waited for a second time. Instants with a monotonic
// reading, as time.Now returns them, know no such steps.
type Client interface {
	// Next returns the request that comes next and the instant at which it is
	// to be sent, which may have passed. It can be asked any number of times,
	// and should be asked again when that instant has come: a lease that is
	// over by then is no longer renewed but registered.
	Next(now time.Time) (at time.Time, request Request)
	// Sent tells that the request of Next leaves at instant now. It returns how
	// long to wait for the answer at most; then it has to be given up as
	// Unanswered.
	Sent(now time.Time) (timeout time.Duration)
	// Done tells what became of that request by instant now.
	Done(now time.Time, reply Reply)
}

// plan is a request to be sent at an instant, and when that was planned.
type plan struct {
	made, at time.Time
	request  Request
}

// due returns the instant of the request, which is now if the clock was set
// back since it was planned: how long ago that was nobody can tell, and a
// request too many costs less than a lease.
func (p plan) due(now time.Time) time.Time {
	if now.Before(p.made) {
		return now
	}
	return p.at
}
