//go:build interleave

package leasekernel_test

import (
	"testing"
	"unsafe"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// A renewal that a peer sent on may come between any two steps of the first
// Open, which makes the meters of an old release one after the other.
func TestAReplicatedRenewalBetweenTheStepsOfOpen(t *testing.T) {
	k := newKernel(t, leasekernel.Eureka(preserve.EurekaV1_2_5))
	if _, err := k.Register(t0, 1, "", lease.Term{}); err != nil {
		t.Fatal(err)
	}
	renewing, answers := false, make(map[bool]int)
	leasekernel.SetInterleaver(func(string, unsafe.Pointer) {
		if !renewing {
			renewing = true
			answers[k.RenewReplicated(t0, 1)]++
			renewing = false
		}
	})
	defer leasekernel.SetInterleaver(nil)
	if err := k.Open(t0, 1); err != nil {
		t.Fatal(err)
	}
	if answers[false] == 0 || answers[true] == 0 {
		t.Errorf("got %v, want renewals before and after there are meters", answers)
	}
}
