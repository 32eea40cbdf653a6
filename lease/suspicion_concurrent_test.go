package lease_test

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// told is one change of a key, as whoever made it or AppendHealed tells it.
type told struct {
	number uint64
	what   string
	was    bool // the lease that left was suspect
	is     bool // the new lease is suspect
}

// tellsAStory reports whether the changes, in the order of their numbers, are
// one that can have happened, and whether the key's lease lives and is suspect
// at its end.
func tellsAStory(suspect bool, changes []told) (lives, isSuspect, ok bool) {
	slices.SortFunc(changes, func(a, b told) int { return cmp.Compare(a.number, b.number) })
	lives, ok = true, true
	for _, change := range changes {
		switch change.what {
		case "suspect":
			ok = ok && lives && !suspect
			suspect = true
		case "healed":
			ok = ok && lives && suspect
			suspect = false
		case "left":
			ok = ok && lives && suspect == change.was
			lives, suspect = false, false
		case "replaced":
			ok = ok && lives && suspect == change.was
			suspect = change.is
		}
	}
	return lives, suspect, ok
}

// One lease after the other is met by two goroutines at once:
//
//  1. A renewal has seen it suspect and announced that it heals it.
//  2. It is cancelled, evicted, replaced, moved, exempted or healed.
//  3. The renewal finds another word, and gives up or tries again.
//
// And by a pass that calls it suspect while it is renewed, cancelled or found
// by another pass. Whatever wins, the numbers tell a story that can have
// happened, to whose end the table agrees.
func TestSuspicionMeetsEverythingElse(t *testing.T) {
	now, later := at(100*time.Second), at(101*time.Second)
	type action func(leases *table, seen snapshot) []told
	renew := func(leases *table, seen snapshot) []told { leases.RenewTelling(later, seen.Key()); return nil }
	move := func(leases *table, seen snapshot) []told { leases.MoveBeside(seen.Key()); return nil }
	cancel := func(leases *table, seen snapshot) []told {
		departure, ok := leases.Cancel(seen.Key())
		return left(departure, ok)
	}
	evict := func(leases *table, seen snapshot) []told {
		departure, ok := leases.Evict(seen)
		return left(departure, ok)
	}
	replace := func(leases *table, seen snapshot) []told {
		again, err := leases.Register(now, seen.Key(), "holder", seen.Term())
		if err != nil || !again.Again {
			return nil
		}
		return []told{{again.Lease.Sequence(), "replaced", again.Replaced.Suspected(), again.Lease.Suspected()}}
	}
	suspect := func(leases *table, seen snapshot) []told {
		turned, ok := leases.Suspect(now, seen)
		if !ok {
			return nil
		}
		return []told{{number: turned.Sequence, what: "suspect"}}
	}
	exempt := func(leases *table, seen snapshot) []told {
		leases.Exempt(seen.Key(), true)
		leases.Exempt(seen.Key(), false)
		return nil
	}
	tests := []struct {
		name    string
		suspect bool // at first
		actions []action
	}{
		{"healed and cancelled", true, []action{renew, cancel}},
		{"healed and evicted", true, []action{renew, evict}},
		{"healed and replaced", true, []action{renew, replace}},
		{"healed and moved", true, []action{renew, move}},
		{"healed and exempted", true, []action{renew, exempt}},
		{"healed twice", true, []action{renew, renew}},
		{"renewed and suspect", false, []action{renew, suspect}},
		{"cancelled and suspect", false, []action{cancel, suspect}},
		{"suspect twice", false, []action{suspect, suspect}},
		{"suspect and moved", false, []action{suspect, move}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases, granted := tableOf(t, term), make([]snapshot, rounds)
				for i := range granted {
					key := fmt.Sprint("key ", i)
					granted[i] = register(t, leases, t0, key, term).Lease
					if tt.suspect {
						granted[i] = mustSuspect(t, leases, at(61*time.Second), key).Lease
					}
				}
				changes := make([][][]told, len(tt.actions))
				var actions []func(int)
				for by, action := range tt.actions {
					changes[by] = make([][]told, rounds)
					actions = append(actions, func(round int) { changes[by][round] = action(leases, granted[round]) })
				}
				race(rounds, actions...)
				byKey := make(map[string][]told)
				for _, changes := range changes {
					for round, changes := range changes {
						key := granted[round].Key()
						byKey[key] = append(byKey[key], changes...)
					}
				}
				checkStories(t, leases, tt.suspect, granted, byKey)
			})
		})
	}
}

func left(departure lease.Departure[string, string], ok bool) []told {
	if !ok {
		return nil
	}
	return []told{{number: departure.Sequence, what: "left", was: departure.Lease.Suspected()}}
}

// checkStories adds the healings to the changes that are known of each key.
func checkStories(t *testing.T, leases *table, suspect bool, granted []snapshot, changes map[string][]told) {
	t.Helper()
	for _, turned := range leases.AppendHealed(nil, math.MaxUint64) {
		key := turned.Lease.Key()
		changes[key] = append(changes[key], told{number: turned.Sequence, what: "healed"})
	}
	suspects := 0
	for _, one := range granted {
		lives, isSuspect, ok := tellsAStory(suspect, changes[one.Key()])
		seen, found := leases.Get(one.Key())
		if !ok || found != lives || found && seen.Suspected() != isSuspect {
			t.Fatalf("%s: got a lease %v, suspect %v, want what %+v tells", one.Key(), found, found && seen.Suspected(), changes[one.Key()])
		}
		if isSuspect {
			suspects++
		}
	}
	equal(t, "Suspects", leases.Suspects(), suspects)
}

// A lease is renewed all the time, by many, and called suspect all the time:
//
//  1. Suspect compares the word with what was seen, which it still is.
//  2. A renewal replaces it.
//  3. Suspect must not: the renewal was later.
//
// And:
//
//  1. A renewal has seen the lease suspect, and has drawn a number.
//  2. Another one heals it, and it turns suspect once more.
//  3. The first renewal heals it, under a number that it draws now.
//
// By their numbers suspicions and healings take turns. More processors than
// there are hold a renewal up where it is.
func TestSuspicionsAndHealingsTakeTurns(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("on one thread nobody interrupts a goroutine that spins")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	const suspicions, most = 5000, 1_000_000
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		var changes []told
		var done atomic.Bool
		var moment atomic.Int64
		renew := func(int) {
			for !done.Load() { // at instants that do not come again
				leases.Renew(at(time.Duration(moment.Add(1))*time.Millisecond), "key")
			}
		}
		race(1, renew, renew, renew, func(int) {
			defer done.Store(true)
			for tries := 0; len(changes) < suspicions && tries < most; tries++ {
				seen, ok := leases.Get("key")
				if turned, suspect := leases.Suspect(at(reach), seen); ok && suspect {
					changes = append(changes, told{number: turned.Sequence, what: "suspect"})
				}
			}
		})
		if len(changes) == 0 {
			t.Error("got no suspicion that met its lease, want some")
		}
		checkStories(t, leases, false, []snapshot{granted}, map[string][]told{"key": changes})
	})
}
