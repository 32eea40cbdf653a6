package lease_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// RenewAll does what as many Renews do: for keys that live, have left, have
// never been, come twice, have moved, and more of them than it takes at once.
func TestRenewAllIsManyRenews(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		for _, moved := range []bool{false, true} {
			single, many := tableOf(t, term), tableOf(t, term)
			var keys []string
			for i := range 200 {
				key := fmt.Sprint("key ", i)
				keys = append(keys, key)
				for _, leases := range []*table{single, many} {
					if i%4 != 0 {
						register(t, leases, t0, key, term)
					}
					if i%4 == 1 {
						mustCancel(t, leases, key)
					}
				}
			}
			if moved {
				single.MoveAll()
				many.MoveAll()
			}
			keys = append(keys, keys[:70]...)
			for _, now := range []time.Time{at(time.Minute), at(time.Minute), at(time.Second)} {
				checkRenewAll(t, single, many, now, keys)
			}
		}
	})
}

func checkRenewAll(t *testing.T, single, many *table, now time.Time, keys []string) {
	t.Helper()
	want, wanted := make([]bool, len(keys)), 0
	for i, key := range keys {
		if want[i] = single.Renew(now, key); want[i] {
			wanted++
		}
	}
	got := make([]bool, len(keys))
	for _, renewed := range [][]bool{got, nil} { // the second time changes nothing
		count, err := many.RenewAll(now, keys, renewed)
		equal(t, "error", err, nil)
		equal(t, "count", count, wanted)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for key, seen := range single.All() {
		sameInstant(t, "Deadline", mustGet(t, many, key).Deadline(), seen.Deadline())
	}
}

func TestRenewAllWantsAnAnswerForEachKey(t *testing.T) {
	leases := newTable(t, lease.TableConfig{})
	before := facts(register(t, leases, t0, "key", exact90).Lease)
	for _, length := range []int{0, 2} {
		count, err := leases.RenewAll(at(time.Second), []string{"key"}, make([]bool, length))
		namesProblems(t, err, fmt.Sprintf("the length of renewed is %d: must be that of keys (1)", length))
		equal(t, "count", count, 0)
	}
	equal(t, "the lease", facts(mustGet(t, leases, "key")), before)
	count, err := leases.RenewAll(t0, nil, []bool{})
	equal(t, "count of none", count, 0)
	equal(t, "error of none", err, nil)
}

// A heartbeat makes no garbage, however it comes.
func TestRenewalsDoNotAllocate(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		var keys []string
		for i := range 100 {
			keys = append(keys, fmt.Sprintf("a key that is long enough to be kept apart %d", i), fmt.Sprint("short ", i))
		}
		for _, key := range keys {
			register(t, leases, t0, key, term)
		}
		leases.MoveAll()
		direct, _ := leases.Get(keys[0])
		renewed := make([]bool, len(keys))
		now := t0
		for what, renew := range map[string]func(){
			"Renew a short key":        func() { leases.Renew(now, keys[1]) },
			"Renew a long key":         func() { leases.Renew(now, keys[0]) },
			"Renew late":               func() { leases.Renew(t0, keys[0]) },
			"Renew by handle":          func() { direct.Renew(now) },
			"RenewTelling":             func() { leases.RenewTelling(now, keys[1]) },
			"RenewTelling late":        func() { leases.RenewTelling(t0, keys[0]) },
			"Renew of nobody":          func() { leases.Renew(now, "nobody") },
			"RenewAll":                 func() { leases.RenewAll(now, keys, renewed) },
			"RenewAll without answers": func() { leases.RenewAll(now, keys, nil) },
		} {
			equal(t, what, testing.AllocsPerRun(100, func() { now = now.Add(time.Millisecond); renew() }), 0)
		}
	})
}
