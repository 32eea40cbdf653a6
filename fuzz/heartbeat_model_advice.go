package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	adviceKeepsItsRate   = law.New("advice-keeps-its-rate", "clients that follow an advice renew no more often than its rate if and only if it has room for so many")
	adviceAsksNoMore     = law.New("advice-asks-no-more", "an advised interval is no longer than the rate needs, within the shortest and the longest")
	staggersWithinBounds = law.New("staggers-within-bounds", "a staggered interval is longer by a part of its percentage that is the draw's, and never beyond the longest")
	endsApart            = law.New("ends-apart", "leases that are spread end no sooner than they would, and never more a second than the rate")
	endsSoon             = law.New("ends-soon", "leases that are spread end as soon as the rate allows")
)

var driveAdvice = oneShot("advice", func(t *trace.T) {
	advice := drawAdvice(t)
	room, err := advice.Clients()
	refusesOnlyBadInput.Holds(t, err == nil, "%+v: %v", advice, err)
	clients := trace.OneOf(trace.IntRange(0, 1000), trace.IntRange(0, math.MaxInt), trace.Map(trace.IntRange(-1, 1), func(by int) int {
		if by > math.MaxInt-room {
			return room
		}
		return max(0, room+by)
	})).Draw(t, "clients")
	interval, err := advice.Interval(clients)
	refusesOnlyBadInput.Holds(t, err == nil, "%+v for %d: %v", advice, clients, err)

	second := big.NewInt(int64(time.Second))
	due := new(big.Int).Mul(big.NewInt(int64(clients)), second)
	taken := new(big.Int).Mul(big.NewInt(int64(advice.Rate)), big.NewInt(int64(interval)))
	adviceKeepsItsRate.Holds(t, (clients <= room) == (due.Cmp(taken) <= 0), "%+v has room for %d: %d every %v", advice, room, clients, interval)

	longest := time.Duration(math.MaxInt64)
	if advice.Most > 0 {
		longest = advice.Most
	}
	sooner := taken.Sub(taken, big.NewInt(int64(advice.Rate))) // by a nanosecond
	needed := interval == advice.Least || due.Cmp(sooner) > 0
	adviceAsksNoMore.Holds(t, needed && advice.Least <= interval && interval <= longest, "%v for %d under %+v", interval, clients, advice)
	checkStaggered(t, advice, clients, interval, longest)
})

func drawAdvice(t *trace.T) heartbeat.Advice {
	advice := heartbeat.Advice{
		Rate:    trace.OneOf(trace.IntRange(1, 100), trace.IntRange(1, math.MaxInt)).Draw(t, "rate"),
		Least:   drawPositive.Draw(t, "least"),
		Stagger: trace.IntRange(0, 100).Draw(t, "stagger"),
	}
	if trace.Bool().Draw(t, "has most") {
		advice.Most = time.Duration(trace.Int64Range(int64(advice.Least), math.MaxInt64).Draw(t, "most"))
	}
	return advice
}

// checkStaggered draws, and draws the least and the most there is.
func checkStaggered(t *trace.T, advice heartbeat.Advice, clients int, interval, longest time.Duration) {
	part := new(big.Int).Mul(big.NewInt(int64(interval)), big.NewInt(int64(advice.Stagger)))
	part.Quo(part, big.NewInt(100))
	room := min(clampTo(part, 0, math.MaxInt64), int64(longest-interval))
	for _, draw := range []uint64{0, math.MaxUint64, trace.Uint64().Draw(t, "draw")} {
		got, err := advice.Staggered(clients, draw)
		extra := new(big.Int).Mul(new(big.Int).SetUint64(draw), new(big.Int).Add(big.NewInt(room), big.NewInt(1)))
		want := interval + time.Duration(extra.Rsh(extra, 64).Int64())
		staggersWithinBounds.Holds(t, err == nil && got == want, "%v, %v, not %v, of %v for %d under %+v by %d", got, err, want, interval, clients, advice, draw)
	}
}

// driveSpread keeps all ends that were given.
var driveSpread = trace.Machine{Name: "spread", Start: func(t *trace.T) trace.Operations {
	rate := trace.OneOf(trace.IntRange(1, 5), trace.IntRange(1, math.MaxInt)).Draw(t, "rate")
	spread, err := heartbeat.NewSpread(rate)
	refusesOnlyBadInput.Holds(t, err == nil, "%d: %v", rate, err)
	gap := time.Duration((int64(time.Second)-1)/int64(rate) + 1)
	deadline := drawEdge(t)
	var ends []time.Time
	return trace.Operations{
		"move": func(t *trace.T) { deadline = drawInstant(t, deadline) },
		"end": func(t *trace.T) {
			deadline = deadline.Add(time.Duration(trace.Int64Range(-int64(gap), int64(2*gap)).Draw(t, "later")))
			end, soonest := spread.Next(deadline), deadline
			inSecond := 1
			for _, other := range ends {
				if end.Sub(other).Abs() < time.Second {
					inSecond++
				}
				if after := other.Add(gap); after.After(soonest) {
					soonest = after
				}
			}
			endsApart.Holds(t, !end.Before(deadline) && inSecond <= rate, "the deadline %v ends at %v, one of %d within a second", deadline, end, inSecond)
			endsSoon.Holds(t, end.Equal(soonest), "the deadline %v ends at %v, not at %v", deadline, end, soonest)
			ends = append(ends, end)
		},
	}
}}
