package lease_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// rounds is how often the goroutines of a test meet, and block how many of
// these rounds they take in one go: enough for each of the interleavings
// below to happen where the code permits it, and few enough meetings to be
// quick on a busy machine.
const (
	rounds = 4000
	block  = 100
)

// race runs the actions at the same time, each of them in a goroutine of its
// own, which spins before every block until all have come to it.
func race(rounds int, actions ...func(round int)) {
	var arrived atomic.Int64
	var done sync.WaitGroup
	for _, action := range actions {
		done.Go(func() {
			for round := range rounds {
				if round%block == 0 {
					arrived.Add(1)
					everybody := int64((round/block + 1) * len(actions))
					for spins := 1; arrived.Load() < everybody; spins++ {
						if spins%128 == 0 {
							runtime.Gosched()
						}
					}
				}
				action(round)
			}
		})
	}
	done.Wait()
}

func grantEachRound(t *testing.T, term lease.Term) []*lease.Lease[string] {
	leases := make([]*lease.Lease[string], rounds)
	for i := range leases {
		leases[i] = grant(t, t0, term)
	}
	return leases
}

// The pass's law, step by step and without goroutines:
//
//  1. The pass sees the lease expired.
//  2. A renewal completes, whether or not it saves the lease.
//  3. Evict with the mark of 1 fails, however often it is tried.
//  4. The next pass judges the renewed lease afresh.
func TestRenewalBetweenExpiredAndEvictWins(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		for _, renewal := range []time.Duration{time.Millisecond, 90 * time.Second, time.Hour} {
			l, now := grant(t, t0, term), at(time.Hour)
			mark := mustExpire(t, l, now)
			equal(t, "Renew", l.Renew(at(renewal)), true)
			equal(t, "Evict", l.Evict(now, mark), false)
			equal(t, "Evict again", l.Evict(now, mark), false)
			if fresh, expired := l.Expired(now, 0); expired {
				equal(t, "Evict by the next pass", l.Evict(now, fresh), true)
			} else {
				equal(t, "Stage", l.Stage(now, 0), lease.Live)
			}
		}
	})
}

// A renewal that saves the lease, against the pass that evicts it:
//
//  1. The pass sees the lease expired.
//  2. The holder renews, before, during or after Evict.
//  3. Either the renewal or the eviction succeeds: both would mean that a
//     lease was evicted within its term, neither that the holder has to
//     register again for no reason.
func TestRenewalOrEvictionNeverBoth(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, now := grantEachRound(t, term), at(time.Hour)
		var renewed, evicted [rounds]bool
		race(rounds,
			func(i int) { renewed[i] = leases[i].Renew(now) },
			func(i int) {
				mark, _ := leases[i].Expired(now, 0)
				evicted[i] = leases[i].Evict(now, mark)
			},
		)
		for i, l := range leases {
			if renewed[i] == evicted[i] {
				t.Fatalf("round %d: got renewed %v and evicted %v, want one of them", i, renewed[i], evicted[i])
			}
			if _, ended := l.Ended(); ended != evicted[i] {
				t.Fatalf("round %d: got ended %v, want %v", i, ended, evicted[i])
			}
		}
	})
}

// The same with a renewal too old to save the lease:
//
//  1. The pass sees the lease expired.
//  2. The renewal completes.
//  3. Evict has to fail: its mark is stale.
//
// If both succeed, the renewal was before 1 and has left its instant; if only
// the eviction does, the renewal has left nothing (exact rule; under Eureka's
// it still moves the last update, quirk L7).
func TestRenewalThatSavesNothingIsNotLost(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases, pass, renewal := grantEachRound(t, term), at(time.Hour), at(time.Second)
		var renewed, evicted [rounds]bool
		race(rounds,
			func(i int) { renewed[i] = leases[i].Renew(renewal) },
			func(i int) {
				mark, _ := leases[i].Expired(pass, 0)
				evicted[i] = leases[i].Evict(pass, mark)
			},
		)
		for i, l := range leases {
			want := t0
			if renewed[i] || term.Rule == lease.Eureka {
				want = renewal
			}
			if !renewed[i] && !evicted[i] {
				t.Fatalf("round %d: got neither renewed nor evicted, want one of them", i)
			}
			if got := l.LastRenewal(); !got.Equal(want) {
				t.Fatalf("round %d, renewed %v, evicted %v: got last renewal %v, want %v", i, renewed[i], evicted[i], got, want)
			}
		}
	})
}

// Many goroutines renew one lease, never enough to save it, while a pass
// tries to evict it until it succeeds:
//
//  1. Evict returns true.
//  2. A Renew starts after that: it returns false.
//  3. A Renew that returned true was before the eviction: the latest of them
//     is the last renewal for ever (exact rule).
func TestNoRenewalAfterEvict(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		const (
			leases   = 300
			renewers = 4
			renewals = 50
		)
		pass := at(time.Hour)
		for range leases {
			l := grant(t, t0, term)
			var evicted atomic.Bool
			var latest [renewers]time.Duration
			actions := []func(int){func(int) {
				for !evicted.Load() {
					mark, _ := l.Expired(pass, 0)
					evicted.Store(l.Evict(pass, mark))
				}
			}}
			for i := range renewers {
				actions = append(actions, func(int) {
					for n := range renewals {
						now := time.Duration(n*renewers+i+1) * time.Millisecond
						tooLate := evicted.Load()
						if !l.Renew(at(now)) {
							continue
						}
						if tooLate {
							t.Errorf("Renew at %v, after Evict: got true, want false", now)
						}
						latest[i] = now
					}
				})
			}
			race(1, actions...)
			equal(t, "Stage", l.Stage(pass, 0), lease.Ended)
			if term.Rule == lease.Exact {
				sameInstant(t, "LastRenewal", l.LastRenewal(), at(max(latest[0], latest[1], latest[2], latest[3])))
			}
		}
	})
}

// Renewals arrive out of order:
//
//  1. A Renew loads the last update.
//  2. Another one with a later instant replaces it.
//  3. The first has to look again and leave the later one alone: the last
//     renewal never moves backwards.
func TestExactConcurrentRenewalsKeepTheLatest(t *testing.T) {
	const renewers = 3
	l := grant(t, t0, exact90)
	var actions []func(int)
	for i := range renewers {
		last := t0
		actions = append(actions, func(round int) {
			now := at(time.Duration(round*renewers + i))
			if !l.Renew(now) {
				t.Error("Renew: got false, want true")
			}
			seen := l.LastRenewal()
			if seen.Before(now) || seen.Before(last) {
				t.Errorf("LastRenewal after Renew at %v: got %v, want no older instant than that and %v", now, seen, last)
			}
			last = seen
		})
	}
	race(rounds, actions...)
	sameInstant(t, "LastRenewal", l.LastRenewal(), at(renewers*rounds-1))
}

// Two ways to end a lease:
//
//  1. Both calls see the lease live.
//  2. One clears the live flag; the other has to notice, and fails.
//  3. The one that cleared the flag has its instant kept.
func TestOneOfCancelAndEvictWins(t *testing.T) {
	type end func(l *lease.Lease[string], now time.Time, seen lease.Mark) bool
	cancel := func(l *lease.Lease[string], now time.Time, _ lease.Mark) bool { return l.Cancel(now) }
	evict := func(l *lease.Lease[string], now time.Time, seen lease.Mark) bool { return l.Evict(now, seen) }
	tests := []struct {
		name          string
		first, second end
	}{
		{"two cancels", cancel, cancel},
		{"cancel and evict", cancel, evict},
		{"two evictions", evict, evict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyRule(t, func(t *testing.T, term lease.Term) {
				leases := grantEachRound(t, term)
				var marks [rounds]lease.Mark
				for i, l := range leases {
					marks[i] = mustExpire(t, l, at(time.Hour))
				}
				instants := [2]time.Time{at(61 * time.Minute), at(62 * time.Minute)}
				var won [2][rounds]bool
				race(rounds,
					func(i int) { won[0][i] = tt.first(leases[i], instants[0], marks[i]) },
					func(i int) { won[1][i] = tt.second(leases[i], instants[1], marks[i]) },
				)
				for i, l := range leases {
					if won[0][i] == won[1][i] {
						t.Fatalf("round %d: got %v and %v, want one winner", i, won[0][i], won[1][i])
					}
					want := instants[0]
					if won[1][i] {
						want = instants[1]
					}
					if ended, ok := l.Ended(); !ok || !ended.Equal(want) {
						t.Fatalf("round %d: got ended %v at %v, want at %v", i, ok, ended, want)
					}
				}
			})
		})
	}
}

// Readers watch a lease end:
//
//  1. Cancel or Evict clears the live flag.
//  2. A reader finds it cleared.
//  3. The instant is stored, a little later.
//  4. The reader has waited for it, and Published shows no other one.
func TestReadersSeeTheWinnersInstant(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := grantEachRound(t, term)
		mark := mustExpire(t, leases[0], at(time.Hour)) // all leases are in the same state
		cancelled, evicted := at(61*time.Minute), at(62*time.Minute)
		var won [2][rounds]bool
		var seen [rounds]time.Time
		var published [rounds]int64
		race(rounds,
			func(i int) { won[0][i] = leases[i].Cancel(cancelled) },
			func(i int) { won[1][i] = leases[i].Evict(evicted, mark) },
			func(i int) {
				for {
					if ended, ok := leases[i].Ended(); ok {
						seen[i], published[i] = ended, leases[i].Published().Eviction
						return
					}
					runtime.Gosched()
				}
			},
		)
		for i := range leases {
			if won[0][i] == won[1][i] {
				t.Fatalf("round %d: got %v and %v, want one winner", i, won[0][i], won[1][i])
			}
			want := cancelled
			if won[1][i] {
				want = evicted
			}
			if !seen[i].Equal(want) || published[i] != want.UnixMilli() {
				t.Fatalf("round %d: got Ended %v and published %v, want %v", i, seen[i], published[i], want)
			}
		}
	})
}

// Quirk L6 among goroutines. Void cancels race with one that ends the lease:
//
//  1. A void cancel loads what is published.
//  2. The real one ends the lease and stores the final instant.
//  3. The void one has to look again and leave the final instant alone.
//
// A reader sees nothing, then void instants, then the final one for ever.
func TestEurekaVoidCancelNeverOverwritesTheEnd(t *testing.T) {
	leases, end := grantEachRound(t, eureka90), at(time.Second)
	const void, nothing = -1, 0
	var cancelled, voided [rounds]bool
	race(rounds,
		func(i int) { cancelled[i] = leases[i].Cancel(end) },
		func(i int) { voided[i] = leases[i].Cancel(time.UnixMilli(void)) },
		func(i int) {
			for ended, seen := false, int64(nothing); !ended; {
				_, ended = leases[i].Ended()
				published := leases[i].Published().Eviction
				switch {
				case published == end.UnixMilli():
				case published == void && !ended && seen <= nothing:
				case published == nothing && !ended && seen == nothing:
				default:
					t.Errorf("round %d: got %v published after %v, ended %v", i, published, seen, ended)
				}
				seen = published
				runtime.Gosched()
			}
		},
	)
	for i, l := range leases {
		if !cancelled[i] || voided[i] {
			t.Fatalf("round %d: got Cancel %v, before the epoch %v, want true and false", i, cancelled[i], voided[i])
		}
		if got := l.Published().Eviction; got != end.UnixMilli() {
			t.Fatalf("round %d: got published eviction %v, want %v", i, got, end.UnixMilli())
		}
	}
}

// Quirk L7 among goroutines: under Eureka's rule a renewal also changes a
// lease that has ended, but never makes it live.
//
//  1. Renew loads the word of a live lease.
//  2. Cancel ends the lease.
//  3. Renew must not store the live word that it has made from 1, and must
//     not forget its renewal either.
func TestEurekaRenewNeverUndoesTheEnd(t *testing.T) {
	leases, renewal := grantEachRound(t, eureka90), at(2*time.Second)
	var cancelled [rounds]bool
	race(rounds,
		func(i int) { leases[i].Renew(renewal) },
		func(i int) { cancelled[i] = leases[i].Cancel(at(time.Second)) },
	)
	for i, l := range leases {
		if !cancelled[i] || l.Stage(t0, 0) != lease.Ended {
			t.Fatalf("round %d: got Cancel %v and stage %v, want an ended lease", i, cancelled[i], l.Stage(t0, 0))
		}
		if got := l.LastRenewal(); !got.Equal(renewal) {
			t.Fatalf("round %d: got last renewal %v, want %v", i, got, renewal)
		}
	}
}

// Two goroutines report that the service came up:
//
//  1. Both find that it has not.
//  2. One stores its instant and is told so; the other is not.
func TestOneServiceUpCounts(t *testing.T) {
	everyRule(t, func(t *testing.T, term lease.Term) {
		leases := grantEachRound(t, term)
		instants := [2]time.Time{at(time.Second), at(2 * time.Second)}
		var counted [2][rounds]bool
		race(rounds,
			func(i int) { counted[0][i] = leases[i].ServiceUp(instants[0]) },
			func(i int) { counted[1][i] = leases[i].ServiceUp(instants[1]) },
		)
		for i, l := range leases {
			if counted[0][i] == counted[1][i] {
				t.Fatalf("round %d: got %v and %v, want one that counts", i, counted[0][i], counted[1][i])
			}
			want := instants[0]
			if counted[1][i] {
				want = instants[1]
			}
			if up, ok := l.ServiceUpAt(); !ok || !up.Equal(want) {
				t.Fatalf("round %d: got service up %v at %v, want at %v", i, ok, up, want)
			}
		}
	})
}
