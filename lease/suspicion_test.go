package lease_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

type turn = lease.Turn[string, string]

// suspects returns what a pass finds that looks for suspects, in the order of
// the registrations.
func suspects(leases *table, now time.Time, additional time.Duration) []snapshot {
	return slices.SortedFunc(slices.Values(leases.AppendSuspect(nil, now, additional)),
		func(a, b snapshot) int { return int(a.Sequence()) - int(b.Sequence()) })
}

func healed(leases *table) []turn { return leases.AppendHealed(nil, math.MaxUint64) }

func mustSuspect(t testing.TB, leases *table, now time.Time, key string) turn {
	t.Helper()
	turned, ok := leases.Suspect(now, mustGet(t, leases, key))
	if !ok {
		t.Fatalf("Suspect(%q): got false, want it suspect", key)
	}
	return turned
}

func renewsFrom(t testing.TB, leases *table, now time.Time, key string, want lease.Stage) {
	t.Helper()
	healed, ok := leases.RenewTelling(now, key)
	equal(t, "RenewTelling", ok, want != lease.Ended)
	equal(t, "RenewTelling, healed", healed, want == lease.Suspect)
}

func isSuspectSince(t testing.TB, seen snapshot, want time.Duration) {
	t.Helper()
	since, ok := seen.SuspectSince()
	equal(t, "SuspectSince", ok, true)
	sameInstant(t, "SuspectSince", since, at(want))
}

// keysHealed returns the keys of turns, in their order.
func keysHealed(turns []turn) (keys []string) {
	for _, one := range turns {
		keys = append(keys, one.Lease.Key())
	}
	return keys
}

// Suspect 60 s, Duration 90 s. Whether it has also expired makes no difference.
func TestExactSuspectsAreFound(t *testing.T) {
	tests := []struct {
		name       string
		renewals   []time.Duration
		now        time.Duration
		additional time.Duration
		found      bool
	}{
		{"granted", nil, 0, 0, false},
		{"before the registration", nil, -time.Hour, 0, false},
		{"at the border", nil, 60 * time.Second, 0, false},
		{"a nanosecond after the border", nil, 60*time.Second + 1, 0, true},
		{"at the deadline", nil, 90 * time.Second, 0, true},
		{"a nanosecond after the deadline", nil, 90*time.Second + 1, 0, true},
		{"long after", nil, reach, 0, true},
		{"as late as can be measured", nil, math.MaxInt64, 0, true},
		{"renewed, at the border", []time.Duration{30 * time.Second}, 90 * time.Second, 0, false},
		{"renewed, a nanosecond after", []time.Duration{30 * time.Second}, 90*time.Second + 1, 0, true},
		{"renewed late, which saves nothing", []time.Duration{30 * time.Second, time.Second}, 90*time.Second + 1, 0, true},
		{"additional, at the border", nil, 70 * time.Second, 10 * time.Second, false},
		{"additional, a nanosecond after", nil, 70*time.Second + 1, 10 * time.Second, true},
		{"additional beyond all instants", nil, reach, math.MaxInt64, false},
		{"additional below zero counts as zero", nil, 60 * time.Second, -time.Hour, false},
		{"additional below zero, a nanosecond after", nil, 60*time.Second + 1, math.MinInt64, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leases := tableOf(t, exact90)
			register(t, leases, t0, "key", exact90)
			for _, renewal := range tt.renewals {
				equal(t, "Renew", leases.Renew(at(renewal), "key"), true)
			}
			found := suspects(leases, at(tt.now), tt.additional)
			equal(t, "found", len(found) == 1, tt.found)
			if tt.found {
				equal(t, "what is found", facts(found[0]), facts(mustGet(t, leases, "key")))
				equal(t, "a pass makes it suspect", found[0].Suspected(), false)
			}
		})
	}
}

// The farthest terms and instants of a table: nothing wraps around.
func TestExactSuspectsAtTheEdges(t *testing.T) {
	term := lease.Term{Duration: reach, Suspect: 2, Interval: 1}
	leases := tableOf(t, term)
	register(t, leases, at(reach), "latest", term)
	register(t, leases, at(-reach), "earliest", term)
	mustCancel(t, leases, register(t, leases, t0, "left", term).Lease.Key())
	for _, tt := range []struct {
		now  time.Duration
		want []string
	}{
		{-reach + 2, nil},
		{-reach + 3, []string{"earliest"}},
		{reach + 2, []string{"earliest"}},
		{reach + 3, []string{"latest", "earliest"}},
		{math.MaxInt64, []string{"latest", "earliest"}},
		{math.MinInt64, nil},
	} {
		sameKeys(t, fmt.Sprint("after ", tt.now), keysOf(suspects(leases, at(tt.now), 0)), tt.want...)
	}
	sameKeys(t, "hastened", keysOf(suspects(leases, at(math.MaxInt64), math.MinInt64)), "latest", "earliest")
}

// Eureka's and bilibili's leases, and exact ones without such a stage, are
// never found. They can be said to be suspect, by whoever knows.
func TestTermsWithoutASuspectStage(t *testing.T) {
	unstaged := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	for _, term := range []lease.Term{unstaged, eureka90, bilibili90} {
		leases := tableOf(t, term)
		register(t, leases, t0, "key", term)
		sameKeys(t, "found", keysOf(suspects(leases, at(24*time.Hour), 0)))
		if term.Rule == lease.Exact { // beside one that has the stage, neither
			register(t, leases, t0, "staged", exact90)
			sameKeys(t, "found", keysOf(suspects(leases, at(24*time.Hour), 0)), "staged")
		}
		turned := mustSuspect(t, leases, at(time.Second), "key")
		equal(t, "Suspected", turned.Lease.Suspected(), true)
		equal(t, "Stage", turned.Lease.Stage(at(90*time.Second), 0), lease.Suspect)
		equal(t, "Stage after the deadline", turned.Lease.Stage(at(90*time.Second+time.Millisecond), 0), lease.Expired)
		renewsFrom(t, leases, at(2*time.Second), "key", lease.Suspect)
		equal(t, "Stage when renewed", mustGet(t, leases, "key").Stage(at(90*time.Second), 0), lease.Live)
	}
}

// Many leases, renewed a millisecond after each other. Passes for the expired
// and for suspects look at the same bounds; neither may hide anything from the
// other, whatever has moved or was looked at before.
func TestSuspectsOfManyChunks(t *testing.T) {
	const many = 20_000
	for _, term := range []lease.Term{exact90, nacos90} {
		t.Run(term.Rule.String(), func(t *testing.T) {
			leases := tableOf(t, term)
			for i := range many {
				key := fmt.Sprint("key ", i)
				register(t, leases, t0, key, term)
				leases.Renew(at(millis(int64(i))), key)
			}
			counts := func(now int64) {
				t.Helper()
				want := min(max(now-60_000, 0), many) // those renewed before
				equal(t, fmt.Sprint("suspect after ", now), len(leases.AppendSuspect(nil, at(millis(now)), 0)), int(want))
				want = min(max(now-90_000, 0), many)
				equal(t, fmt.Sprint("expired after ", now), len(leases.AppendExpired(nil, at(millis(now)), 0)), int(want))
			}
			steps := []int64{0, 60_000, 60_001, 61_000, 90_000, 90_001, 70_000, 110_000, 60_500, 79_999, 100_000}
			for range 2 {
				for _, now := range steps {
					counts(now)
				}
				leases.MoveAll()
			}
			for i := range 500 { // suspects are not found again
				mustSuspect(t, leases, at(time.Minute), fmt.Sprint("key ", i))
			}
			equal(t, "Suspects", leases.Suspects(), 500)
			equal(t, "the next pass", len(leases.AppendSuspect(nil, at(millis(61_000)), 0)), 500)
			leases.MoveAll()
			equal(t, "the next pass after a move", len(leases.AppendSuspect(nil, at(millis(61_000)), 0)), 500)
			equal(t, "Suspects", leases.Suspects(), 500)
		})
	}
}

func TestAppendSuspectAppends(t *testing.T) {
	leases := tableOf(t, exact90)
	first := register(t, leases, t0, "first", exact90).Lease
	sameKeys(t, "appended", keysOf(leases.AppendSuspect([]snapshot{first}, at(time.Hour), 0)), "first", "first")
	none := tableOf(t, exact90)
	sameKeys(t, "appended by an empty table", keysOf(none.AppendSuspect([]snapshot{first}, at(time.Hour), 0)), "first")
}

// A lease turns suspect once, is found suspect no more, and can turn suspect
// again when it has been healed.
func TestSuspicionAndHealing(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		granted := register(t, leases, t0, "key", term).Lease
		last := granted.Sequence()
		for _, second := range []time.Duration{61, 200, 400} {
			now := at(second * time.Second)
			before := mustGet(t, leases, "key")
			_, ok := before.SuspectSince()
			equal(t, "SuspectSince of a lease that is not suspect", ok, false)

			turned, ok := leases.Suspect(now, before)
			equal(t, "Suspect", ok, true)
			equal(t, "what Suspect returns", facts(turned.Lease), facts(mustGet(t, leases, "key")))
			equal(t, "At", turned.At, now)
			equal(t, "Suspected", turned.Lease.Suspected(), true)
			isSuspectSince(t, turned.Lease, second*time.Second)
			equal(t, "Suspects", leases.Suspects(), 1)
			sameInstant(t, "Deadline", turned.Lease.Deadline(), before.Deadline())
			equal(t, "Renewed", turned.Lease.Renewed(), before.Renewed())
			sameKeys(t, "found again", keysOf(suspects(leases, at(time.Hour), 0)))
			equal(t, "what was seen before", before.Suspected(), false)

			renewsFrom(t, leases, now.Add(time.Second), "key", lease.Suspect)
			seen := mustGet(t, leases, "key")
			equal(t, "Suspected when healed", seen.Suspected(), false)
			sameInstant(t, "LastRenewal", seen.LastRenewal(), now.Add(time.Second))
			equal(t, "Suspects", leases.Suspects(), 0)
			turns := healed(leases)
			sameKeys(t, "healed", keysHealed(turns), "key")
			sameInstant(t, "At of the healing", turns[0].At, now.Add(time.Second))
			equal(t, "the lease of the healing", facts(turns[0].Lease), facts(seen))
			equal(t, "numbers rise", last < turned.Sequence && turned.Sequence < turns[0].Sequence, true)
			last = turns[0].Sequence

			renewsFrom(t, leases, now.Add(2*time.Second), "key", lease.Live)
			equal(t, "healed again", len(healed(leases)), 0)
		}
		departure := mustCancel(t, leases, "key")
		equal(t, "numbers rise", last < departure.Sequence, true)
		renewsFrom(t, leases, at(time.Hour), "key", lease.Ended)
		renewsFrom(t, leases, at(time.Hour), "another key", lease.Ended)
	})
}

// Whichever way a renewal comes, it heals, and the healing is told.
func TestEveryRenewalHeals(t *testing.T) {
	ways := map[string]func(leases *table, granted snapshot, now time.Time) bool{
		"Renew":          func(leases *table, _ snapshot, now time.Time) bool { return leases.Renew(now, "key") },
		"Handle.Renew":   func(_ *table, granted snapshot, now time.Time) bool { return granted.Handle.Renew(now) },
		"Snapshot.Renew": func(_ *table, granted snapshot, now time.Time) bool { return granted.Renew(now) },
		"RenewTelling": func(leases *table, _ snapshot, now time.Time) bool {
			_, ok := leases.RenewTelling(now, "key")
			return ok
		},
		"RenewAll":        func(leases *table, _ snapshot, now time.Time) bool { return renewsAll(leases, now, make([]bool, 3)) },
		"RenewAll, mutes": func(leases *table, _ snapshot, now time.Time) bool { return renewsAll(leases, now, nil) },
	}
	for name, renew := range ways {
		for _, moved := range []string{"in its place", "moved when suspect", "moved before"} {
			t.Run(name+", "+moved, func(t *testing.T) {
				everyRule(t, func(t *testing.T, term lease.Term) {
					leases := tableOf(t, term)
					for _, key := range []string{"key", "other"} {
						register(t, leases, t0, key, term)
					}
					granted := mustGet(t, leases, "key")
					if moved == "moved before" {
						leases.MoveAll()
					}
					mustSuspect(t, leases, at(61*time.Second), "key")
					if moved == "moved when suspect" {
						leases.MoveAll()
					}
					now := at(70 * time.Second)
					equal(t, "renewed", renew(leases, granted, now), true)
					equal(t, "Suspects", leases.Suspects(), 0)
					seen := mustGet(t, leases, "key")
					equal(t, "Suspected", seen.Suspected(), false)
					sameInstant(t, "LastRenewal", seen.LastRenewal(), now)
					turns := healed(leases)
					sameKeys(t, "healed", keysHealed(turns), "key")
					equal(t, "the lease of the healing", facts(turns[0].Lease), facts(seen))
				})
			})
		}
	}
}

// renewsAll reports whether RenewAll renewed those that there are.
func renewsAll(leases *table, now time.Time, renewed []bool) bool {
	count, err := leases.RenewAll(now, []string{"other", "key", "nobody"}, renewed)
	return err == nil && count == 2 && (renewed == nil || slices.Equal(renewed, []bool{true, true, false}))
}

// A renewal that arrives late, and tells nothing that was not known when the
// lease was found suspect, does not heal it under the exact rule.
func TestLateRenewalsHealOnlyIfTheyTellNews(t *testing.T) {
	tests := []struct {
		name           string
		last           time.Duration // renewed before, unless 0
		suspect, renew time.Duration
		heals          bool
		lastThen       time.Duration
	}{
		{"later than all", 30 * time.Second, 100 * time.Second, 101 * time.Second, true, 101 * time.Second},
		{"at the suspicion", 30 * time.Second, 100 * time.Second, 100 * time.Second, true, 100 * time.Second},
		{"before the suspicion, later than the last", 30 * time.Second, 100 * time.Second, 30*time.Second + 1, true, 30*time.Second + 1},
		{"the last once more", 30 * time.Second, 100 * time.Second, 30 * time.Second, false, 30 * time.Second},
		{"older than the last", 30 * time.Second, 100 * time.Second, 30*time.Second - 1, false, 30 * time.Second},
		{"before the registration", 30 * time.Second, 100 * time.Second, -time.Hour, false, 30 * time.Second},
		{"the registration once more", 0, 100 * time.Second, 0, false, 0},
		{"suspect before the last, renewal before that", 30 * time.Second, 10 * time.Second, 10*time.Second - 1, false, 30 * time.Second},
		{"suspect before the last, renewal just then", 30 * time.Second, 10 * time.Second, 10 * time.Second, true, 30 * time.Second},
		{"suspect before the last, renewal in between", 30 * time.Second, 10 * time.Second, 20 * time.Second, true, 30 * time.Second},
		{"suspect and renewed at the last", 30 * time.Second, 30 * time.Second, 30 * time.Second, true, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leases := tableOf(t, exact90)
			register(t, leases, t0, "key", exact90)
			if tt.last != 0 {
				leases.Renew(at(tt.last), "key")
			}
			mustSuspect(t, leases, at(tt.suspect), "key")
			from := lease.Live
			if tt.heals {
				from = lease.Suspect
			}
			renewsFrom(t, leases, at(tt.renew), "key", from)
			seen := mustGet(t, leases, "key")
			equal(t, "Suspected", seen.Suspected(), !tt.heals)
			sameInstant(t, "LastRenewal", seen.LastRenewal(), at(tt.lastThen))
			equal(t, "Suspects", leases.Suspects() == 0, tt.heals)
			equal(t, "healed", len(healed(leases)) == 1, tt.heals)
			if !tt.heals {
				isSuspectSince(t, seen, tt.suspect)
			}
		})
	}
}

// Under the rules of the wall clock a beat is a beat, whatever it says.
func TestRenewalsOfTheWallClockHealAlways(t *testing.T) {
	for _, term := range []lease.Term{eureka90, nacos90, bilibili90} {
		for _, renewal := range []time.Duration{-time.Hour, 0, 30 * time.Second, 100 * time.Second, time.Hour} {
			leases := tableOf(t, term)
			register(t, leases, t0, "key", term)
			leases.Renew(at(30*time.Second), "key")
			mustSuspect(t, leases, at(100*time.Second), "key")
			renewsFrom(t, leases, at(renewal), "key", lease.Suspect)
			sameInstant(t, "LastRenewal", mustGet(t, leases, "key").LastRenewal(), at(renewal))
			equal(t, "Suspects", leases.Suspects(), 0)
		}
	}
}

// What a pass has seen becomes suspect only if it is still so. Otherwise
// nothing changes: not even since when a suspect lease is suspect.
func TestSuspectComparesWithWhatWasSeen(t *testing.T) {
	type change func(t *testing.T, leases *table, seen snapshot)
	tests := []struct {
		name     string
		meantime change
		turns    bool
	}{
		{"nothing", func(*testing.T, *table, snapshot) {}, true},
		{"a move", func(_ *testing.T, leases *table, _ snapshot) { leases.MoveAll() }, true},
		{"two moves", func(_ *testing.T, leases *table, _ snapshot) { leases.MoveAll(); leases.MoveAll() }, true},
		{"an exemption that is over", func(_ *testing.T, leases *table, _ snapshot) {
			leases.Exempt("key", true)
			leases.Exempt("key", false)
		}, true},
		{"a renewal", func(_ *testing.T, leases *table, _ snapshot) { leases.Renew(at(70*time.Second), "key") }, false},
		{"a renewal and a move", func(_ *testing.T, leases *table, _ snapshot) {
			leases.Renew(at(70*time.Second), "key")
			leases.MoveAll()
		}, false},
		{"a suspicion", func(t *testing.T, leases *table, _ snapshot) { mustSuspect(t, leases, at(61*time.Second), "key") }, false},
		{"a suspicion and a move", func(t *testing.T, leases *table, _ snapshot) {
			mustSuspect(t, leases, at(61*time.Second), "key")
			leases.MoveAll()
		}, false},
		{"a suspicion and a healing", func(t *testing.T, leases *table, _ snapshot) {
			mustSuspect(t, leases, at(61*time.Second), "key")
			leases.Renew(at(70*time.Second), "key")
		}, false},
		{"an exemption", func(_ *testing.T, leases *table, _ snapshot) { leases.Exempt("key", true) }, false},
		{"a replacement", func(t *testing.T, leases *table, seen snapshot) { register(t, leases, t0, "key", seen.Term()) }, false},
		{"a move and a replacement", func(t *testing.T, leases *table, seen snapshot) {
			leases.MoveAll()
			register(t, leases, t0, "key", seen.Term())
		}, false},
		{"a cancel", func(t *testing.T, leases *table, _ snapshot) { mustCancel(t, leases, "key") }, false},
		{"a cancel and a registration", func(t *testing.T, leases *table, seen snapshot) {
			mustCancel(t, leases, "key")
			register(t, leases, t0, "key", seen.Term())
		}, false},
		{"an eviction", func(t *testing.T, leases *table, seen snapshot) {
			_, ok := leases.Evict(seen)
			equal(t, "Evict", ok, true)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases := tableOf(t, term)
				register(t, leases, t0, "key", term)
				seen := mustGet(t, leases, "key")
				tt.meantime(t, leases, seen)
				before, suspected := everything(leases), leases.Suspects()
				turned, ok := leases.Suspect(at(100*time.Second), seen)
				equal(t, "Suspect", ok, tt.turns)
				if tt.turns {
					isSuspectSince(t, mustGet(t, leases, "key"), 100*time.Second)
					equal(t, "Suspects", leases.Suspects(), 1)
					return
				}
				equal(t, "the turn", turned, turn{})
				equal(t, "Suspects", leases.Suspects(), suspected)
				equal(t, "everything", fmt.Sprint(everything(leases)), fmt.Sprint(before))
			})
		})
	}
}

func TestSuspectRefuses(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, others := tableOf(t, term), tableOf(t, term)
		register(t, leases, t0, "key", term)
		foreign := register(t, others, t0, "key", term).Lease
		seen := mustGet(t, leases, "key")
		refused := func(what string, now time.Time, seen snapshot) {
			t.Helper()
			turned, ok := leases.Suspect(now, seen)
			equal(t, what, ok, false)
			equal(t, what+": the turn", turned, turn{})
		}
		refused("another table's", at(time.Minute), foreign)
		refused("the zero one", at(time.Minute), snapshot{})
		for _, now := range []time.Time{time.UnixMilli(reach + 1), time.UnixMilli(-reach - 1), time.UnixMilli(math.MaxInt64)} {
			refused(fmt.Sprint("at ", now), now, seen)
		}
		leases.Exempt("key", true)
		refused("an exempt one", at(time.Minute), mustGet(t, leases, "key"))
		leases.Exempt("key", false)
		refused("a suspect one", at(time.Hour), mustSuspect(t, leases, at(time.Minute), "key").Lease)
		isSuspectSince(t, mustGet(t, leases, "key"), time.Minute)
		equal(t, "Suspects", leases.Suspects(), 1)
		equal(t, "Suspects of the other table", others.Suspects(), 0)
	})
}

// Suspects counts those that are, whichever way they cease to be.
func TestSuspectsAreCounted(t *testing.T) {
	ways := map[string]func(t *testing.T, leases *table, term lease.Term) (left int){
		"healed": func(_ *testing.T, leases *table, _ lease.Term) int {
			leases.Renew(at(100*time.Second), "key")
			return 0
		},
		"cancelled": func(t *testing.T, leases *table, _ lease.Term) int {
			equal(t, "the lease was suspect", mustCancel(t, leases, "key").Lease.Suspected(), true)
			return 0
		},
		"evicted": func(t *testing.T, leases *table, _ lease.Term) int {
			departure, ok := leases.Evict(mustGet(t, leases, "key"))
			equal(t, "Evict", ok, true)
			equal(t, "the lease was suspect", departure.Lease.Suspected(), true)
			return 0
		},
		"evicted after a move": func(t *testing.T, leases *table, _ lease.Term) int {
			seen := mustGet(t, leases, "key")
			leases.MoveAll()
			_, ok := leases.Evict(seen)
			equal(t, "Evict", ok, true)
			return 0
		},
		"replaced": func(t *testing.T, leases *table, term lease.Term) int {
			again := register(t, leases, at(100*time.Second), "key", term)
			equal(t, "Replaced was suspect", again.Replaced.Suspected(), true)
			equal(t, "the new one is suspect", again.Lease.Suspected(), term.Rule == lease.Nacos)
			if term.Rule == lease.Nacos { // N7
				return 1
			}
			return 0
		},
		"replaced and cancelled": func(t *testing.T, leases *table, term lease.Term) int {
			register(t, leases, at(100*time.Second), "key", term)
			mustCancel(t, leases, "key")
			return 0
		},
		"not evicted": func(t *testing.T, leases *table, _ lease.Term) int {
			seen := mustGet(t, leases, "key")
			leases.Exempt("key", true)
			_, ok := leases.Evict(seen)
			equal(t, "Evict", ok, false)
			return 1
		},
		"exempt": func(_ *testing.T, leases *table, _ lease.Term) int {
			leases.Exempt("key", true)
			return 1
		},
		"exempt and renewed": func(_ *testing.T, leases *table, _ lease.Term) int {
			leases.Exempt("key", true)
			leases.Renew(at(100*time.Second), "key")
			return 1
		},
		"exempt and cancelled": func(t *testing.T, leases *table, _ lease.Term) int {
			leases.Exempt("key", true)
			mustCancel(t, leases, "key")
			return 0
		},
		"moved": func(_ *testing.T, leases *table, _ lease.Term) int { leases.MoveAll(); return 1 },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases := tableOf(t, term)
				for _, key := range []string{"key", "another suspect", "other"} {
					register(t, leases, t0, key, term)
				}
				equal(t, "Suspects at first", leases.Suspects(), 0)
				for i, key := range []string{"another suspect", "key"} {
					mustSuspect(t, leases, at(61*time.Second), key)
					equal(t, "Suspects", leases.Suspects(), i+1)
				}
				left := way(t, leases, term)
				equal(t, "Suspects then", leases.Suspects(), 1+left)
			})
		})
	}
}

// Since when a lease is suspect goes with it wherever it moves.
func TestSuspectSinceSurvivesMoves(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		for i := range 200 {
			key := fmt.Sprint("key ", i)
			register(t, leases, t0, key, term)
			if i%3 == 0 {
				mustSuspect(t, leases, at(time.Duration(i)*time.Second), key)
			}
		}
		for range 3 {
			leases.MoveAll()
			for i := range 200 {
				seen := mustGet(t, leases, fmt.Sprint("key ", i))
				if equal(t, "Suspected", seen.Suspected(), i%3 == 0); i%3 == 0 {
					isSuspectSince(t, seen, time.Duration(i)*time.Second)
				}
			}
		}
		equal(t, "Suspects", leases.Suspects(), 67)
		sameKeys(t, "found again", keysOf(slices.DeleteFunc(suspects(leases, at(time.Hour), 0), func(seen snapshot) bool { return !seen.Suspected() })))
	})
}

// Healings are told in order, once, and none before it is asked for.
func TestHealingsAreToldInOrderAndOnce(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		keys := []string{"a", "b", "c", "d"}
		for _, key := range keys {
			register(t, leases, t0, key, term)
			mustSuspect(t, leases, at(61*time.Second), key)
		}
		now := at(100 * time.Second)
		number := func() uint64 { return register(t, leases, now, "another", term).Lease.Sequence() }
		before := number()
		leases.Renew(now, "c")
		between := number()
		leases.Renew(now, "a")
		after := number()
		leases.Renew(now, "d")
		left := mustCancel(t, leases, "b").Sequence
		leases.Renew(now, "b")

		told := func(last uint64, want ...string) []turn {
			t.Helper()
			turns := leases.AppendHealed(nil, last)
			sameKeys(t, fmt.Sprint("up to ", last), keysHealed(turns), want...)
			return turns
		}
		told(0)
		told(before)
		first := told(between, "c")
		told(between)
		told(after-1, "a") // the number is a's own, or one that nobody has
		told(after)
		others := []turn{{Sequence: math.MaxUint64, Lease: first[0].Lease}}
		turns := leases.AppendHealed(others, left)
		sameKeys(t, "appended to others, whose order is their own", keysHealed(turns), "c", "d")
		equal(t, "numbers in order", before < first[0].Sequence && first[0].Sequence < between &&
			after < turns[1].Sequence && turns[1].Sequence < left, true)
		told(math.MaxUint64)

		mustSuspect(t, leases, at(200*time.Second), "a")
		mustSuspect(t, leases, at(200*time.Second), "c")
		leases.Renew(at(201*time.Second), "c")
		leases.Renew(at(201*time.Second), "a")
		mustCancel(t, leases, "c")
		turns = told(math.MaxUint64, "c", "a")
		equal(t, "a lease that left is told as it was healed", turns[0].Lease.Suspected(), false)
		told(math.MaxUint64)
	})
}

// Exempt leases neither expire nor become suspect, whatever was seen before.
func TestExempt(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, now := tableOf(t, term), at(time.Hour)
		register(t, leases, t0, "key", term)
		register(t, leases, t0, "other", term)
		before := mustGet(t, leases, "key")
		equal(t, "exempt at first", before.Exempt(), false)
		equal(t, "no longer, which it was not", leases.Exempt("key", false), false)
		equal(t, "of nobody", leases.Exempt("nobody", true), false)

		equal(t, "Exempt", leases.Exempt("key", true), true)
		equal(t, "Exempt again", leases.Exempt("key", true), false)
		seen := mustGet(t, leases, "key")
		equal(t, "exempt", seen.Exempt(), true)
		equal(t, "exempt, as seen before", before.Exempt(), false)
		equal(t, "IsExpired", seen.IsExpired(now, 0), false)
		equal(t, "Stage", seen.Stage(now, 0), lease.Live)
		sameInstant(t, "Deadline", seen.Deadline(), before.Deadline())
		sameKeys(t, "expired", keysOf(pass(leases, now, 0)), "other")
		var staged []string
		if term.Suspect != 0 {
			staged = []string{"other"}
		}
		sameKeys(t, "suspect", keysOf(suspects(leases, now, 0)), staged...)
		_, ok := leases.Evict(before)
		equal(t, "Evict of what was seen before", ok, false)
		_, ok = leases.Suspect(now, before)
		equal(t, "Suspect of what was seen before", ok, false)
		equal(t, "Suspects", leases.Suspects(), 0)

		renewsFrom(t, leases, at(time.Second), "key", lease.Live)
		renewed := mustGet(t, leases, "key")
		equal(t, "exempt when renewed", renewed.Exempt(), true)
		sameInstant(t, "LastRenewal", renewed.LastRenewal(), at(time.Second))
		leases.MoveAll()
		equal(t, "exempt when moved", mustGet(t, leases, "key").Exempt(), true)

		equal(t, "no longer", leases.Exempt("key", false), true)
		sameKeys(t, "expired", keysOf(pass(leases, now, 0)), "key", "other")
		equal(t, "Stage", mustGet(t, leases, "key").Stage(now, 0), lease.Expired)
		leases.Exempt("key", true)
		equal(t, "exempt when replaced", register(t, leases, t0, "key", term).Lease.Exempt(), false)
		leases.Exempt("key", true)
		equal(t, "exempt when cancelled", mustCancel(t, leases, "key").Lease.Exempt(), true)
		equal(t, "of a lease that left", leases.Exempt("key", false), false)
	})
}

// A renewal counts as one also at the instant of the registration, when an exact
// deadline does not move, and is not forgotten when another one comes late.
func TestRenewedAtTheRegistration(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		for _, key := range []string{"usual", "exempt"} {
			register(t, leases, t0, key, term)
			leases.Exempt(key, key == "exempt")
			equal(t, key+" before", mustGet(t, leases, key).Renewed(), false)
			renewsFrom(t, leases, t0, key, lease.Live)
			equal(t, key, mustGet(t, leases, key).Renewed(), true)
			renewsFrom(t, leases, at(-time.Second), key, lease.Live)
			equal(t, key+" when one came late", mustGet(t, leases, key).Renewed(), true)
		}
	})
}

// A lease that is both stays suspect, however often it is renewed (N11).
func TestExemptSuspects(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := tableOf(t, term)
		register(t, leases, t0, "key", term)
		mustSuspect(t, leases, at(61*time.Second), "key")
		equal(t, "Exempt", leases.Exempt("key", true), true)
		for _, renewal := range []time.Duration{70 * time.Second, 71 * time.Second, time.Second} {
			renewsFrom(t, leases, at(renewal), "key", lease.Live)
			seen := mustGet(t, leases, "key")
			equal(t, "Suspected", seen.Suspected(), true)
			isSuspectSince(t, seen, 61*time.Second)
			equal(t, "Stage", seen.Stage(at(100*time.Hour), 0), lease.Suspect)
		}
		equal(t, "Suspects", leases.Suspects(), 1)
		equal(t, "healed", len(healed(leases)), 0)
		equal(t, "Exempt no longer", leases.Exempt("key", false), true)
		equal(t, "Suspected", mustGet(t, leases, "key").Suspected(), true)
		renewsFrom(t, leases, at(72*time.Second), "key", lease.Suspect)
		equal(t, "Suspects", leases.Suspects(), 0)
		sameKeys(t, "healed", keysHealed(healed(leases)), "key")
	})
}

// The pass's law holds for suspicion, too: an eviction with what was seen
// before the lease turned suspect, or was healed, fails.
func TestSuspicionBetweenCollectionAndEviction(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, now := tableOf(t, term), at(time.Hour)
		register(t, leases, t0, "key", term)
		before := pass(leases, now, 0)[0]
		evicted := func(what string, seen snapshot, want bool) {
			t.Helper()
			_, ok := leases.Evict(seen)
			equal(t, what, ok, want)
		}
		suspect := mustSuspect(t, leases, now, "key").Lease
		evicted("seen before the suspicion", before, false)
		sameKeys(t, "the next pass", keysOf(pass(leases, now, 0)), "key")
		leases.Renew(at(-time.Second), "key") // tells nothing; under the wall clock's rules it heals
		evicted("seen suspect", suspect, term.Rule == lease.Exact)
		if term.Rule != lease.Exact {
			evicted("seen healed", pass(leases, now, 0)[0], true)
		}
		equal(t, "Suspects", leases.Suspects(), 0)
		equal(t, "Len", leases.Len(), 0)
	})
}

func TestATableOwnsItsLeases(t *testing.T) {
	made := func() *lease.Table[string, string] {
		table, err := lease.NewTable[string, string](t0, lease.TableConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := table.Register(t0, "key", "holder", lease.Term{Duration: 90 * time.Second, Interval: time.Second}); err != nil {
			t.Fatal(err)
		}
		return table
	}
	table := made()
	own, _ := table.Get("key")
	foreign, _ := made().Get("key")
	equal(t, "own", table.Owns(own), true)
	equal(t, "foreign", table.Owns(foreign), false)
	equal(t, "zero", table.Owns(lease.Snapshot[string, string]{}), false)
	table.Cancel("key")
	equal(t, "that left", table.Owns(own), true)
}
