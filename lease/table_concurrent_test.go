package lease_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// A lease is renewed while it moves:
//
//  1. The move has read the word and written it to the new place.
//  2. A renewal replaces the old word.
//  3. The move fails to replace the word that it has read, and has to write the
//     new one.
//
// Or it is renewed after the move, through its old place. No renewal is
// refused, and none is lost.
func TestMovesLoseNoRenewal(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		renewal := func(round int) time.Time { return at(time.Duration(round) * time.Second) }
		race(rounds,
			func(round int) {
				if !leases.Renew(renewal(2*round), "key") || !granted.Renew(renewal(2*round+1)) {
					t.Errorf("round %d: got a refusal, want the lease renewed", round)
				}
				seen, ok := leases.Get("key")
				if !ok || !seen.LastRenewal().Equal(renewal(2*round+1)) {
					t.Errorf("round %d: got lease %v, want it renewed at %v", round, ok, renewal(2*round+1))
				}
			},
			func(int) { leases.MoveBeside("key") },
		)
	})
}

// All meets who stays once, whatever others do.
//
//  1. All has begun with a view.
//  2. The shard moves, once and again, and others come and leave.
//  3. All goes on with the old view, whose leases have all moved.
func TestAllMeetsEverybodyOnceWhileTheyMove(t *testing.T) {
	const stay = 50
	leases := newTable(t, lease.TableConfig{})
	for i := range stay {
		register(t, leases, t0, fmt.Sprint("stays ", i), exact90)
	}
	race(300,
		func(round int) {
			met := make(map[string]int)
			for key := range leases.All() {
				met[key]++
			}
			for i := range stay {
				if n := met[fmt.Sprint("stays ", i)]; n != 1 {
					t.Errorf("round %d: met %d times, want once", round, n)
				}
			}
		},
		func(int) { leases.MoveAll() },
		func(round int) {
			if _, err := leases.Register(t0, fmt.Sprint("comes ", round), "holder", exact90); err != nil {
				t.Error(err)
			}
			leases.Cancel(fmt.Sprint("comes ", round-9))
		},
	)
}
