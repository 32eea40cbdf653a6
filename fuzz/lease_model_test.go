package fuzz

import (
	"testing"

	"github.com/leasekernel/leasekernel/lease"
)

func TestZeroLeaseHasEnded(t *testing.T) {
	var l lease.Lease[string]
	for _, now := range edges {
		endedForGood.Holds(t, l.Stage(now, 0) == lease.Ended, "it is %v at %v", l.Stage(now, 0), now)
		mark, expired := l.Expired(now, 0)
		endedForGood.Holds(t, expired && l.IsExpired(now, 0), "it has not expired at %v", now)
		endedForGood.Holds(t, !l.Renew(now) && !l.Cancel(now) && !l.Evict(now, mark), "it is alive at %v", now)
	}
	_, ended := l.Ended()
	endedForGood.Holds(t, ended, "it has no end")
	markIsItsLeases.Holds(t, !l.Evict(monotonic, lease.Mark{}), "the zero mark evicts")
}

// All terms that can be made of a few durations: few enough to need no luck.
func TestTermNamesEveryProblem(t *testing.T) {
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos, lease.Bilibili, 99, 255} {
		for _, duration := range fields {
			for _, interval := range fields {
				for _, suspect := range fields {
					checkTerm(t, lease.Term{Duration: duration, Suspect: suspect, Interval: interval, Rule: rule})
				}
			}
		}
	}
}

func checkTerm(t *testing.T, term lease.Term) {
	t.Helper()
	broken := brokenFields(term)
	checkProblems(t, term.Validate(), lease.ErrInvalid, broken, term)
	granted, err := lease.New(monotonic, "holder", term)
	checkProblems(t, err, lease.ErrInvalid, broken, term)
	namesEveryProblem.Holds(t, (granted == nil) == (err != nil), "%+v: a lease and %v", term, err)
}
