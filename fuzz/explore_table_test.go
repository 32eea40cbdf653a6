//go:build interleave

package fuzz

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
)

var (
	allMeetsOnce = law.New("all-meets-once", "a loop over all leases meets each that lives meanwhile once, and none twice")
	countsAgree  = law.New("counts-agree", "when all calls have returned a table counts the leases that are there, and those that are suspect")
)

// tableScene is what the threads of a table do. They share the key "a", whose
// lease was granted at 0 s and expires after 10 s.
type tableScene struct {
	*tableClients
	x       *exploration
	first   intSnapshot // the lease as the threads find it
	told    []chronicled
	telling struct{ locked bool } // the address of a mutex
	met     [][]intSnapshot       // by each loop over all
	up      bool                  // the service came up
}

// tableActs is what a thread can do, in a word. Renewals come at 20 s, unless
// they are late, and passes at 25 s, when a lease that was not renewed has
// expired.
var tableActs = map[string]func(s *tableScene, client int){
	"register":        func(s *tableScene, client int) { s.register(client) },
	"renew":           func(s *tableScene, client int) { s.make(client, "renew", 20) },
	"renew late":      func(s *tableScene, client int) { s.make(client, "renew", 1) },
	"renew telling":   func(s *tableScene, client int) { s.make(client, "renew telling", 20) },
	"renew by handle": func(s *tableScene, client int) { s.makeWith(client, "renew by handle", 20, s.first) },
	"cancel":          func(s *tableScene, client int) { s.left(s.make(client, "cancel", 0)) },
	"evict":           func(s *tableScene, client int) { s.left(s.makeWith(client, "evict", 0, s.first)) },
	"get":             func(s *tableScene, client int) { s.make(client, "get", 0) },
	"suspect":         func(s *tableScene, client int) { s.suspect(client, 15, s.first) },
	"exempt":          func(s *tableScene, client int) { s.make(client, "exempt", 0) },
	"exempt no more":  func(s *tableScene, client int) { s.make(client, "exempt no longer", 0) },
	"pass":            func(s *tableScene, client int) { s.pass(client, 25) },
	"warning pass":    func(s *tableScene, client int) { s.warningPass(client, 25) },
	"move":            func(s *tableScene, _ int) { s.table.Compact() },
	"all":             func(s *tableScene, _ int) { s.loop() },
	"tell":            func(s *tableScene, _ int) { s.tellHealings(math.MaxUint64) },
	"service up":      func(s *tableScene, _ int) { s.up = s.first.ServiceUp(secondsOn(3)) || s.up },
}

// tableStates is what the lease is at first.
var tableStates = map[string]func(s *tableScene){
	"alive":   func(*tableScene) {},
	"suspect": func(s *tableScene) { s.suspect(0, 12, s.first) },
	"gone":    func(s *tableScene) { s.left(s.make(0, "cancel", 0)) },
}

func setTableScene(t *testing.T, x *exploration, rule lease.Rule, state string) *tableScene {
	s := &tableScene{tableClients: &tableClients{table: newIntTable(t, rule), term: shortTerm(rule)}, x: x}
	s.register(0)
	s.first = s.seen[0][0]
	tableStates[state](s)
	if seen, ok := s.table.Get("a"); ok {
		s.first = seen
	}
	s.began, s.returned = x.Began, x.Returned
	return s
}

func (s *tableScene) make(client int, what string, at int64) tableAnswer {
	return s.do(client, tableCall{what: what, key: "a", at: at}, intSnapshot{})
}

// makeWith makes a call with a lease that was seen.
func (s *tableScene) makeWith(client int, what string, at int64, of intSnapshot) tableAnswer {
	return s.do(client, tableCall{what: what, key: "a", at: at, seen: shown(of)}, of)
}

// register registers at 2 s, each time another holder.
func (s *tableScene) register(client int) {
	holder := 1 + 10*client + len(s.calls[client])
	answer := s.do(client, tableCall{what: "register", key: "a", at: 2, holder: holder}, intSnapshot{})
	change := chronicled{key: "a", what: "registered", number: answer.number, is: answer.suspect}
	if answer.ok {
		change.what, change.was = "replaced", answer.lease.suspect
	}
	s.tell(change)
}

func (s *tableScene) left(answer tableAnswer) {
	if answer.ok {
		s.tell(chronicled{"a", "left", answer.number, answer.lease.suspect, false})
	}
}

func (s *tableScene) suspect(client int, at int64, of intSnapshot) {
	if answer := s.makeWith(client, "suspect", at, of); answer.ok {
		s.tell(chronicled{"a", "suspect", answer.number, false, true})
	}
}

// tell tells a change after the healings that came before it, and waits for
// others who do so.
func (s *tableScene) tell(change chronicled) {
	s.x.Step("lock", unsafe.Pointer(&s.telling))
	s.tellHealings(change.number)
	s.told = append(s.told, change)
	s.x.Step("unlock", unsafe.Pointer(&s.telling))
}

func (s *tableScene) tellHealings(last uint64) {
	for _, turned := range s.table.AppendHealed(nil, last) {
		s.told = append(s.told, chronicled{turned.Lease.Key(), "healed", turned.Sequence, true, turned.Lease.Suspected()})
	}
}

// pass evicts what has expired.
func (s *tableScene) pass(client int, at int64) {
	for _, seen := range s.collect(client, "collect", at) {
		s.left(s.makeWith(client, "evict", at, seen))
	}
}

// warningPass finds suspect what has been silent.
func (s *tableScene) warningPass(client int, at int64) {
	for _, seen := range s.collect(client, "collect suspects", at) {
		s.suspect(client, at, seen)
	}
}

// loop meets all leases.
func (s *tableScene) loop() {
	var met []intSnapshot
	s.during(func() {
		for _, seen := range s.table.All() {
			met = append(met, seen)
		}
	})
	s.met = append(s.met, met)
}

// judge asks all laws when all threads have ended.
func (s *tableScene) judge(t law.T, sentences *sentences) {
	history := s.history()
	tableLinearizable.Holds(t, sentences.legal(history), "%s", describe(history))
	seen, lives := s.table.Get("a")
	s.judgeLastPass(t, seen, lives)
	s.tellHealings(math.MaxUint64)
	checkToldBefore(t, s.told)
	suspect := checkStory(t, s.told)
	numbersTellTrue.Holds(t, suspect == (lives && seen.Suspected()), "it is suspect %t: %+v", !suspect, s.told)
	size, suspects := 0, 0
	if lives {
		size++
	}
	if suspect {
		suspects++
	}
	countsAgree.Holds(t, s.table.Len() == size && s.table.Suspects() == suspects, "%d and %d, not %d and %d", s.table.Len(), s.table.Suspects(), size, suspects)
	s.judgeLoops(t)
	left := slices.ContainsFunc(s.told, func(c chronicled) bool { return c.what == "left" })
	if lives && !left {
		_, up := seen.ServiceUpAt()
		serviceUpIsKept.Holds(t, up == s.up, "it is up %t, came up %t", up, s.up)
	}
}

// judgeLoops wants the first lease met if nobody ended it.
func (s *tableScene) judgeLoops(t law.T) {
	stayed := !slices.ContainsFunc(s.told, func(c chronicled) bool { return c.what == "left" || c.what == "replaced" })
	for _, met := range s.met {
		times := make(map[uint64]int)
		for _, seen := range met {
			times[seen.Sequence()]++
		}
		for number, n := range times {
			allMeetsOnce.Holds(t, n == 1, "number %d is met %d times", number, n)
		}
		allMeetsOnce.Holds(t, !stayed || len(met) == 1, "%d are met", len(met))
	}
}

// judgeLastPass looks for the lease at the first instant at which it has
// expired, when a bound that is too high by anything hides it.
func (s *tableScene) judgeLastPass(t law.T, seen intSnapshot, lives bool) {
	if !lives {
		return
	}
	deadline := seen.Deadline().Add(time.Millisecond)
	warned := deadline.Add(-warningLength * time.Second)
	suspects := s.table.AppendSuspect(nil, warned, 0)
	want := s.term.Suspect > 0 && !seen.Suspected() && !seen.Exempt()
	lastPassFindsAll.Holds(t, len(suspects) == 1 == want, "%d suspects", len(suspects))
	expired := s.table.AppendExpired(nil, deadline, 0)
	lastPassFindsAll.Holds(t, len(expired) == 1 == !seen.Exempt(), "%d that have expired", len(expired))
}

// exploreTable explores a scene: what each thread does, in words.
func exploreTable(t *testing.T, rule lease.Rule, state string, sentences *sentences, scene [][]string) {
	x := newExploration(t, fmt.Sprintf("table, %v, %s: %s", rule, state, written(scene)))
	x.run(t, func() ([]func(), func(law.T)) {
		s := setTableScene(t, x, rule, state)
		var threads []func()
		for client, words := range scene {
			threads = append(threads, func() {
				for _, word := range words {
					tableActs[word](s, client)
				}
			})
		}
		return threads, func(t law.T) { s.judge(t, sentences) }
	})
}

var tableRules = []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos}

// Whatever two threads can do at once, each one thing.
func TestExploreTablePairs(t *testing.T) {
	acts := slices.Sorted(maps.Keys(tableActs))
	for _, rule := range tableRules {
		sentences := newSentences(tableSpec(rule))
		for _, state := range slices.Sorted(maps.Keys(tableStates)) {
			for i, first := range acts {
				for _, second := range acts[i:] {
					exploreTable(t, rule, state, sentences, [][]string{{first}, {second}})
				}
			}
		}
	}
}
