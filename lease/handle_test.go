package lease_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func TestHandleKnowsItsLease(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, at(time.Second), "key", term).Lease
		equal(t, "Key", granted.Key(), "key")
		equal(t, "Holder", granted.Holder(), "holder of key")
		equal(t, "Term", granted.Term(), term)
		equal(t, "Sequence", granted.Sequence(), mustGet(t, leases, "key").Sequence())
		sameInstant(t, "Registered", granted.Registered(), at(time.Second))
		sameInstant(t, "LastRenewal", granted.LastRenewal(), at(time.Second))
		equal(t, "Location", granted.Registered().Location(), t0.Location())
	})
}

func TestSnapshotStaysAsItIs(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		before := facts(granted)
		for what, change := range map[string]func(){
			"a renewal":     func() { granted.Renew(at(time.Minute)) },
			"a move":        leases.MoveAll,
			"a replacement": func() { register(t, leases, t0, "key", term) },
			"a cancel":      func() { leases.Cancel("key") },
		} {
			change()
			equal(t, "after "+what, facts(granted), before)
		}
	})
}

// Many things can happen to the places of a table while a holder keeps its
// handle. It leads to its lease through all of them.
func TestHandleFollowsItsLease(t *testing.T) {
	changes := map[string]func(t *testing.T, leases *table, term lease.Term){
		"nothing": func(*testing.T, *table, lease.Term) {},
		"a move":  func(_ *testing.T, leases *table, _ lease.Term) { leases.MoveAll() },
		"two moves": func(_ *testing.T, leases *table, _ lease.Term) {
			leases.MoveAll()
			leases.MoveAll()
		},
		"a larger index": func(t *testing.T, leases *table, term lease.Term) {
			for i := range 5000 {
				register(t, leases, t0, fmt.Sprint("other ", i), term)
			}
		},
		"memory given back": func(t *testing.T, leases *table, term lease.Term) {
			for i := range 5000 {
				register(t, leases, t0, fmt.Sprint("other ", i), term)
				mustCancel(t, leases, fmt.Sprint("other ", i))
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases := tableOf(t, term)
				granted := register(t, leases, t0, "key", term).Lease
				change(t, leases, term)
				equal(t, "Renew", granted.Renew(at(time.Second)), true)
				sameInstant(t, "LastRenewal", mustGet(t, leases, "key").LastRenewal(), at(time.Second))
				equal(t, "ServiceUp", granted.ServiceUp(at(time.Minute)), true)
				up, ok := granted.ServiceUpAt()
				equal(t, "up", ok, true)
				sameInstant(t, "ServiceUpAt", up, at(time.Minute))
				mustCancel(t, leases, "key")
				equal(t, "Renew after the end", granted.Renew(at(time.Second)), false)
			})
		})
	}
}

// A lease leaves, its place is given back or not, and others come. The old
// handle must say no to everything and touch nobody.
//
//  1. A holder keeps the handle of its lease.
//  2. The lease leaves, and the key may be registered again.
//  3. What lives may move, and others may be registered.
//  4. The handle is used.
func TestStaleHandleAfterItsSlotsLeaseLeftTouchesNothing(t *testing.T) {
	leaves := map[string]func(t *testing.T, leases *table, granted snapshot){
		"cancelled": func(t *testing.T, leases *table, _ snapshot) { mustCancel(t, leases, "key") },
		"evicted": func(t *testing.T, leases *table, granted snapshot) {
			_, ok := leases.Evict(granted)
			equal(t, "Evict", ok, true)
		},
		"replaced": func(t *testing.T, leases *table, granted snapshot) {
			register(t, leases, t0, "key", granted.Term())
		},
		"cancelled, registered again": func(t *testing.T, leases *table, granted snapshot) {
			mustCancel(t, leases, "key")
			register(t, leases, t0, "key", granted.Term())
		},
		"moved, replaced": func(t *testing.T, leases *table, granted snapshot) {
			leases.MoveAll()
			register(t, leases, t0, "key", granted.Term())
		},
		"moved, cancelled": func(t *testing.T, leases *table, _ snapshot) {
			leases.MoveAll()
			mustCancel(t, leases, "key")
		},
	}
	afterwards := map[string]func(t *testing.T, leases *table, term lease.Term){
		"nothing": func(*testing.T, *table, lease.Term) {},
		"a move":  func(_ *testing.T, leases *table, _ lease.Term) { leases.MoveAll() },
		"registrations": func(t *testing.T, leases *table, term lease.Term) {
			for i := range 2000 {
				register(t, leases, t0, fmt.Sprint("later ", i), term)
			}
		},
	}
	for leave, leaving := range leaves {
		for then, after := range afterwards {
			t.Run(leave+", then "+then, func(t *testing.T) {
				everyRule(t, func(t *testing.T, term lease.Term) {
					leases := tableOf(t, term)
					for i := range 200 {
						register(t, leases, t0, fmt.Sprint("other ", i), term)
					}
					granted := register(t, leases, t0, "key", term).Lease
					leaving(t, leases, granted)
					after(t, leases, term)
					before := everything(leases)

					equal(t, "Renew", granted.Renew(at(time.Minute)), false)
					equal(t, "ServiceUp", granted.ServiceUp(t0), false)
					equal(t, "SetServiceUp", granted.SetServiceUp(t0), false)
					_, ok := leases.Evict(granted)
					equal(t, "Evict", ok, false)
					_, ok = granted.ServiceUpAt()
					equal(t, "up", ok, false)
					equal(t, "Key", granted.Key(), "key")

					for key, seen := range leases.All() {
						equal(t, "the lease of "+key, facts(seen), before[key])
					}
					equal(t, "Len", leases.Len(), len(before))
				})
			})
		}
	}
}

// everything returns the facts of all leases by key.
func everything(leases *table) map[string]string {
	shown := make(map[string]string)
	for key, seen := range leases.All() {
		shown[key] = facts(seen)
	}
	return shown
}

func TestOnlyTheFirstServiceUpCounts(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		is := func(want time.Time) {
			t.Helper()
			up, ok := granted.ServiceUpAt()
			equal(t, "up", ok, true)
			sameInstant(t, "ServiceUpAt", up, want)
		}
		_, ok := granted.ServiceUpAt()
		equal(t, "up", ok, false)
		equal(t, "the first", granted.ServiceUp(at(time.Second)), true)
		equal(t, "the second", granted.ServiceUp(at(time.Minute)), false)
		is(at(time.Second))
		equal(t, "SetServiceUp", granted.SetServiceUp(at(time.Minute)), true)
		is(at(time.Minute))
		leases.MoveAll()
		is(at(time.Minute))
		equal(t, "SetServiceUp after a move", granted.SetServiceUp(at(time.Hour)), true)
		is(at(time.Hour))
	})
}

// Quirk L9: the Unix epoch means that the service never came up. Under the
// other rules it is an instant as any other.
func TestServiceUpAtTheEpoch(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		epoch := time.UnixMilli(0)
		leases, err := lease.NewTable[string, string](epoch, lease.TableConfig{Rule: term.Rule})
		equal(t, "error", err, nil)
		granted := register(t, leases, epoch, "key", term).Lease
		equal(t, "SetServiceUp", granted.SetServiceUp(epoch), true)
		_, ok := granted.ServiceUpAt()
		equal(t, "up", ok, term.Rule != lease.Eureka)
		equal(t, "ServiceUp", granted.ServiceUp(epoch.Add(time.Second)), term.Rule == lease.Eureka)
	})
}
