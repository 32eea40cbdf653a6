//go:build interleave

package lease_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel/lease"
)

// betweenSteps runs something, and something else once, before its step number
// at. It reports whether there was such a step.
func betweenSteps(at int, something, meanwhile func()) bool {
	step := 0
	lease.SetInterleaver(func(string, unsafe.Pointer) {
		if step++; step == at+1 {
			meanwhile()
		}
	})
	something()
	lease.SetInterleaver(nil)
	return step > at
}

// A renewal heals a lease as soon as it is found suspect, and before whoever
// found it has returned.
func TestSuspectsAreNeverLessThanNone(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	for at, there := 0, true; there; at++ {
		table, _ := lease.NewTable[int, string](start, lease.TableConfig{})
		granted, err := table.Register(start, 1, "", lease.Term{Duration: 10 * time.Second, Interval: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		there = betweenSteps(at, func() { table.Suspect(start, granted.Lease) }, func() {
			table.Renew(start.Add(time.Second), 1)
			if suspects := table.Suspects(); suspects < 0 {
				t.Errorf("before step %d: %d suspects", at, suspects)
			}
		})
	}
}

// By Eureka's rule a renewal can move a deadline backwards, and another one
// moves it forwards again before the first has returned: the pass after that
// finds the lease.
func TestAPassFindsWhatWasRenewedBetweenTheStepsOfARenewal(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	after := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for at, there := 0, true; there; at++ {
		table, _ := lease.NewTable[int, string](start, lease.TableConfig{Rule: lease.Eureka})
		if _, err := table.Register(start, 1, "", lease.Term{Duration: 10 * time.Second, Rule: lease.Eureka}); err != nil {
			t.Fatal(err)
		}
		table.Renew(after(20), 1)              // until 40 s
		table.AppendExpired(nil, after(15), 0) // which learns that
		there = betweenSteps(at, func() { table.Renew(after(0), 1) }, func() {
			table.Renew(after(2), 1) // until 22 s
			if found := table.AppendExpired(nil, after(30), 0); len(found) != 1 {
				t.Errorf("before step %d: the pass finds %d", at, len(found))
			}
		})
	}
}

// A registration takes over when the service came up only from the lease that it
// replaces: not from one that ended before it could be replaced.
func TestServiceUpOfALeaseThatEndedBetweenTheStepsOfARegistration(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	term := lease.Term{Duration: 10 * time.Second, Interval: time.Second}
	for at, there := 0, true; there; at++ {
		table, _ := lease.NewTable[int, string](start, lease.TableConfig{})
		first, err := table.Register(start, 1, "", term)
		if err != nil {
			t.Fatal(err)
		}
		first.Lease.ServiceUp(start)
		var second lease.Registration[int, string]
		cancelled := false
		there = betweenSteps(at, func() { second, err = table.Register(start, 1, "", term) }, func() {
			departure, ok := table.Cancel(1)
			cancelled = ok && departure.Lease.Sequence() == first.Lease.Sequence()
		})
		if _, up := second.Lease.ServiceUpAt(); err != nil || second.Again == cancelled || up != second.Again {
			t.Errorf("before step %d: got %v, with a lease replaced %v after it was cancelled %v, and its service up %v",
				at, err, second.Again, cancelled, up)
		}
	}
}
