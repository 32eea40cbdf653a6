package heartbeat

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Advice tells a server which interval to ask for, so that its clients renew no
// more often than it likes: Nomad's idea, where the number of clients decides.
// It is a value; anyone may copy and use it. A term that goes with the interval
// is three intervals long at least. Clients that renew a little sooner than asked
// need a lower Rate: a [Pacer] does so every 0.95 intervals on average.
type Advice struct {
	// Rate is how many renewals a second are enough, at least 1.
	Rate int
	// Least is the shortest interval, also for few clients: above 0.
	Least time.Duration
	// Most is the longest interval, also where Rate is then exceeded, see
	// [Advice.Clients]. Zero: there is none.
	Most time.Duration
	// Stagger is by how much of the interval a draw makes it longer at most,
	// in percent: 0 to 100. Nomad takes 100.
	Stagger int
}

// Validate returns every problem of the advice, nil if there is none.
func (a Advice) Validate() error {
	var problems []error
	if a.Rate < 1 {
		problems = append(problems, invalid("Rate", a.Rate, "must be at least 1"))
	}
	if a.Least <= 0 {
		problems = append(problems, invalid("Least", a.Least, "must be above 0"))
	}
	if a.Most < 0 {
		problems = append(problems, invalid("Most", a.Most, "must not be below 0"))
	} else if a.Most > 0 && a.Most < a.Least {
		problems = append(problems, invalid("Most", a.Most, fmt.Sprintf("must not be below Least (%v)", a.Least)))
	}
	if a.Stagger < 0 || a.Stagger > 100 {
		problems = append(problems, invalid("Stagger", a.Stagger, "must be in [0, 100]"))
	}
	return errors.Join(problems...)
}

// Interval returns the interval for so many clients: clients / Rate seconds,
// rounded up to the nanosecond, at least Least and at most Most. While there
// are no more than [Advice.Clients] of them, renewals that are an interval
// apart come at a mean rate of at most Rate. Nothing is said about a single
// second: clients that are in step still come together.
//
// It fails on an advice that Validate refuses and on a number below 0.
func (a Advice) Interval(clients int) (time.Duration, error) {
	problem := a.Validate()
	if clients < 0 {
		problem = errors.Join(problem, invalid("clients", clients, "must not be below 0"))
	}
	if problem != nil {
		return 0, problem
	}
	return min(max(a.Least, perRate(clients, a.Rate)), a.longest()), nil
}

// Staggered returns the interval for one of so many clients, longer by up to
// Stagger percent but never beyond Most: evenly so if the draw is a random
// number, and always the same for one client if it is a hash of its key. So
// the mean rate only falls.
//
// It fails on what [Advice.Interval] fails on.
func (a Advice) Staggered(clients int, draw uint64) (time.Duration, error) {
	interval, err := a.Interval(clients)
	if err != nil {
		return 0, err
	}
	room := min(share(uint64(interval), a.Stagger), uint64(a.longest()-interval))
	extra, _ := bits.Mul64(draw, room+1)
	return interval + time.Duration(extra), nil
}

// Clients returns the largest number of clients whose renewals Most leaves
// room for: with one more, Interval returns Most and Rate is exceeded. It fails
// on an advice that Validate refuses.
func (a Advice) Clients() (int, error) {
	if err := a.Validate(); err != nil {
		return 0, err
	}
	high, low := bits.Mul64(uint64(a.Rate), uint64(a.longest()))
	if high >= uint64(time.Second) {
		return math.MaxInt, nil
	}
	clients, _ := bits.Div64(high, low, uint64(time.Second))
	return int(min(clients, math.MaxInt)), nil
}

func (a Advice) longest() time.Duration {
	if a.Most == 0 {
		return math.MaxInt64
	}
	return a.Most
}

// perRate returns n / rate seconds, rounded up to the nanosecond. It saturates
// at the greatest Duration.
func perRate(n, rate int) time.Duration {
	high, low := bits.Mul64(uint64(n), uint64(time.Second))
	low, carry := bits.Add64(low, uint64(rate-1), 0) // so that the division rounds up
	high += carry
	if high >= uint64(rate) {
		return math.MaxInt64
	}
	whole, _ := bits.Div64(high, low, uint64(rate))
	return time.Duration(min(whole, math.MaxInt64))
}

// share returns so many percent of n, rounded down.
func share(n uint64, percent int) uint64 {
	high, low := bits.Mul64(n, uint64(percent))
	part, _ := bits.Div64(high, low, 100)
	return part
}

// Spread sets the ends of leases apart, so that a server that took them over,
// restored or newly elected, has no more of them to evict than so many a
// second: etcd's idea, whose leases all begin anew with a new leader. Make one
// with [NewSpread]; it belongs to one goroutine.
type Spread struct {
	gap  time.Duration
	next time.Time
	some bool
}

// NewSpread returns a Spread for at most rate ends a second. It fails if rate
// is below 1.
func NewSpread(rate int) (*Spread, error) {
	if rate < 1 {
		return nil, invalid("rate", rate, "must be at least 1")
	}
	return &Spread{gap: perRate(1, rate)}, nil
}

// Next returns the instant at which the next lease shall end instead of its
// deadline: not before the deadline, and not within 1 / rate seconds, rounded
// up to the nanosecond, after any that was returned before. So no second, its
// end excluded, has more than rate of them. Call it for one lease after the
// other, those with the earliest deadlines first; any other order keeps the
// promise too, but delays more than it has to.
func (s *Spread) Next(deadline time.Time) time.Time {
	end := deadline
	if s.some {
		end = latest(end, s.next)
	}
	s.next, s.some = end.Add(s.gap), true
	return end
}
