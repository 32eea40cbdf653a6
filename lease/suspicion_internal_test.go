package lease

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A chunk knows the longest warning of its leases only: what lies before it
// must be sorted out lease by lease, whichever came first. Of each term
// Duration and Suspect are in seconds.
func TestSuspectsOfMixedTermsInOneChunk(t *testing.T) {
	type term struct {
		duration, suspect time.Duration
	}
	terms := map[Rule][]term{
		Exact: {{90, 0}, {90, 60}, {90, 2}, {90, 89}, {10, 0}, {10, 5}, {300, 200}},
		Nacos: {{90, 60}, {90, 0}, {90, 90}, {90, 120}, {10, 5}, {0, 0}, {0, 200}, {300, 200}},
	}
	for rule, terms := range terms {
		for first := range terms {
			t.Run(fmt.Sprint(rule, " from ", first), func(t *testing.T) {
				table := tableWith(t, rule)
				_, keys := neighbours(table, len(terms))
				suspect := make(map[int]int64) // seconds of silence, -1: never
				for i, key := range keys {
					of := terms[(first+i)%len(terms)]
					suspect[key] = int64(of.suspect)
					if rule == Exact && of.suspect == 0 {
						suspect[key] = -1
					}
					granted := Term{Duration: of.duration * time.Second, Suspect: of.suspect * time.Second, Rule: rule}
					if rule == Exact {
						granted.Interval = time.Second
					}
					if _, err := table.Register(tableStart, key, "", granted); err != nil {
						t.Fatal(err)
					}
				}
				for _, seconds := range []int64{0, 1, 2, 3, 5, 6, 60, 61, 89, 90, 91, 120, 121, 200, 201, 1000, 4} {
					var want, got []int
					for key, after := range suspect {
						if after >= 0 && seconds > after {
							want = append(want, key)
						}
					}
					for _, seen := range table.AppendSuspect(nil, afterStart(seconds), 0) {
						got = append(got, seen.Key())
					}
					slices.Sort(want)
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("after %d s: got %v, want %v", seconds, got, want)
					}
				}
			})
		}
	}
}

// A chunk in which nobody can be suspect is not read, as with the expired.
func TestSuspectsOfChunksWithoutCandidatesAreNotLookedFor(t *testing.T) {
	table := tableWith(t, Exact)
	term := Term{Duration: 90 * time.Second, Suspect: 60 * time.Second, Interval: time.Second}
	if _, err := table.Register(tableStart, 0, "", term); err != nil {
		t.Fatal(err)
	}
	seen, _ := table.Get(0)
	seen.place().word().store(newSlotWord(-1, 0)) // behind the bound's back
	if found := table.AppendSuspect(nil, afterStart(60), 0); len(found) != 0 {
		t.Errorf("got %d, want the chunk skipped", len(found))
	}
	if found := table.AppendSuspect(nil, afterStart(61), 0); len(found) != 1 {
		t.Errorf("got %d, want the chunk read", len(found))
	}
}

// numbered pushes a healing that has drawn a number.
func numbered(h *healings[int, string], number uint64) *healing[int, string] {
	node := h.announce()
	node.sequence.Store(number)
	return node
}

func toldNumbers(h *healings[int, string], last uint64) (numbers []uint64) {
	for _, turn := range h.append(nil, last) {
		numbers = append(numbers, turn.Sequence)
	}
	return numbers
}

func tells(t *testing.T, h *healings[int, string], last uint64, want ...uint64) {
	t.Helper()
	if got := toldNumbers(h, last); !slices.Equal(got, want) {
		t.Errorf("up to %d: got %v, want %v", last, got, want)
	}
}

// The four states of a healing that is met on the stack, beside each other.
func TestHealingsAreToldWhenTheyAreDecided(t *testing.T) {
	var h healings[int, string]
	tells(t, &h, math.MaxUint64)
	late := numbered(&h, 9)
	numbered(&h, 4).fail()
	numbered(&h, 7).succeed(afterStart(7), Snapshot[int, string]{})
	numbered(&h, 3).succeed(afterStart(3), Snapshot[int, string]{})
	tells(t, &h, 2)
	tells(t, &h, 6, 3)
	tells(t, &h, 6)
	tells(t, &h, 8, 7) // and does not wait for the one that is not decided
	late.succeed(afterStart(9), Snapshot[int, string]{})
	tells(t, &h, 8)
	tells(t, &h, 9, 9)
	tells(t, &h, math.MaxUint64)
	if h.top.Load() != nil {
		t.Error("got healings left, want them forgotten when all are told or have failed")
	}
}

// A renewal that has announced itself draws its number at once, and may have
// drawn a lower one that it has not written yet: so it is waited for.
//
//  1. A renewal announces that it may heal a lease.
//  2. Another change, which is number 7, is to be told.
//  3. The renewal writes its number, and what came of it.
func TestHealingsWithoutANumberAreWaitedFor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for number, want := range map[uint64][]uint64{5: {5}, 9: nil} {
		var h healings[int, string]
		node := h.announce()
		go func() {
			node.sequence.Store(number)
			node.succeed(afterStart(5), Snapshot[int, string]{})
		}()
		tells(t, &h, 7, want...)
	}
}

// Somebody who has drawn a lower number is waited for. On one processor he runs
// only when the one that waits gives way.
//
//  1. A renewal draws the number 5.
//  2. Another change, which is number 7, is to be told.
//  3. The renewal says what came of it.
func TestHealingsThatAreUndecidedAreWaitedFor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	outcomes := map[string]struct {
		decide func(node *healing[int, string])
		now    []uint64
		then   []uint64
	}{
		"it succeeds": {func(node *healing[int, string]) { node.succeed(afterStart(5), Snapshot[int, string]{}) }, []uint64{5}, nil},
		"it fails":    {func(node *healing[int, string]) { node.fail() }, nil, nil},
		"it draws again and succeeds": {func(node *healing[int, string]) {
			node.sequence.Store(9)
			node.succeed(afterStart(5), Snapshot[int, string]{})
		}, nil, []uint64{9}},
		"it draws again": {func(node *healing[int, string]) { node.sequence.Store(9); node.fail() }, nil, nil},
	}
	for name, outcome := range outcomes {
		t.Run(name, func(t *testing.T) {
			var h healings[int, string]
			node := numbered(&h, 5)
			go outcome.decide(node)
			tells(t, &h, 7, outcome.now...)
			tells(t, &h, math.MaxUint64, outcome.then...)
		})
	}
}

// A renewal draws again while somebody waits for it:
//
//  1. The teller of number 7 reads that the healing's number is 5.
//  2. The renewal draws 9, and heals.
//  3. The teller reads that the healing succeeded: as number 9, of which
//     nothing is to be told yet.
//
// The teller has to be held up between its two loads, which takes many rounds.
func TestHealingsThatDrawAgainAreNotToldTooEarly(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("on one thread nobody interrupts a goroutine that spins")
	}
	var tried atomic.Pointer[healing[int, string]]
	var renewals sync.WaitGroup
	var done atomic.Bool
	renewals.Go(func() {
		for last := (*healing[int, string])(nil); !done.Load(); {
			node := tried.Load()
			if node == last {
				runtime.Gosched()
				continue
			}
			last = node
			node.sequence.Store(9)
			node.succeed(tableStart, Snapshot[int, string]{})
		}
	})
	for range 1_000_000 {
		node := new(healing[int, string])
		node.sequence.Store(5)
		tried.Store(node)
		if node.until(7) != undecided {
			t.Error("got number 9 told with those up to 7")
			break
		}
	}
	done.Store(true)
	renewals.Wait()
}

// Tellers and renewals meet at the top of the stack. Nobody is lost, and
// nobody is told twice.
func TestHealingsAreToldOnceByManyTellers(t *testing.T) {
	const renewals, each = 3, 5000
	var h healings[int, string]
	var numbers [2][]uint64
	var all, renewing sync.WaitGroup
	done := make(chan struct{})
	for from := range uint64(renewals) {
		renewing.Go(func() {
			for number := range uint64(each) {
				numbered(&h, 1+number*renewals+from).succeed(tableStart, Snapshot[int, string]{})
			}
		})
	}
	for teller := range numbers {
		all.Go(func() {
			for running := true; running; runtime.Gosched() {
				select {
				case <-done:
					running = false
				default:
				}
				numbers[teller] = append(numbers[teller], toldNumbers(&h, math.MaxUint64)...)
			}
		})
	}
	renewing.Wait()
	close(done)
	all.Wait()
	told := slices.Sorted(slices.Values(slices.Concat(append(numbers[:], toldNumbers(&h, math.MaxUint64))...)))
	for i, number := range told {
		if number != uint64(i+1) {
			t.Fatalf("got number %d where %d was to come", number, i+1)
		}
	}
	if len(told) != renewals*each {
		t.Errorf("got %d, want %d", len(told), renewals*each)
	}
}

// A snapshot of a suspect lease that was healed and then moved: where it is now
// nobody has been suspect.
func TestSuspectSinceOfALeaseThatMovedWhenHealed(t *testing.T) {
	table := tableWith(t, Exact, 1)
	seen, _ := table.Get(1)
	turn, _ := table.Suspect(afterStart(50), seen)
	table.Renew(afterStart(60), 1)
	s := seen.chunk.home
	s.mu.Lock()
	s.compact()
	s.mu.Unlock()
	if since, ok := turn.Lease.SuspectSince(); !ok || !since.Equal(afterStart(50)) {
		t.Errorf("got %v, %v, want what the snapshot saw", since, ok)
	}
	moved, _ := table.Get(1)
	table.Suspect(afterStart(110), moved)
	if since, _ := turn.Lease.SuspectSince(); !since.Equal(afterStart(110)) {
		t.Errorf("got %v, want the last time", since)
	}
}

// A renewal that announced that it may heal, for an earlier suspicion, is decided
// before there is a new one: with the lower number it must not heal that. On one
// processor it gets on only when Suspect gives way.
//
//  1. A renewal announces that it may heal a lease.
//  2. Somebody finds a lease suspect, and waits.
//  3. The renewal comes to nothing.
//  4. The suspicion draws its number.
func TestSuspicionWaitsForRenewalsThatMayHeal(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	table := tableWith(t, Exact, 1)
	decided := numbered(&table.healings, 1)
	decided.fail()
	node, before := table.healings.announce(), uint64(0)
	go func() {
		before = table.sequence.Load()
		node.fail()
	}()
	seen, _ := table.Get(1)
	turn, ok := table.Suspect(afterStart(50), seen)
	if !ok || before == 0 || turn.Sequence <= before {
		t.Errorf("got %v with number %d, want it after %d", ok, turn.Sequence, before)
	}
	if table.healings.settled != node {
		t.Error("got nothing settled, want that nobody waits for these again")
	}
	if turns := table.AppendHealed(nil, math.MaxUint64); len(turns) != 0 || table.healings.settled != nil {
		t.Errorf("got %v, want nothing told and nothing settled", turns)
	}
}
