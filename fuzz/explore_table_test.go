//go:build interleave

package fuzz

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
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
	others  int             // leases of other keys
	orderly bool            // changes are told one after the other, with the healings before
	met     [][]intSnapshot // by each loop over all
	up      bool            // the service came up
}

// tableActs is what a thread can do, in a word. The lease is registered at 0 s
// and again at 2 s, renewals come at 20 s, unless they are late, and passes at
// 25 s, when a lease that was not renewed has expired.
var tableActs = map[string]func(s *tableScene, client int){
	"register":        func(s *tableScene, client int) { s.register(client, 2) },
	"renew":           func(s *tableScene, client int) { s.make(client, "renew", 20) },
	"renew late":      func(s *tableScene, client int) { s.make(client, "renew", 0) },
	"renew telling":   func(s *tableScene, client int) { s.make(client, "renew telling", 20) },
	"renew by handle": func(s *tableScene, client int) { s.makeWith(client, "renew by handle", 20, s.first) },
	"cancel":          func(s *tableScene, client int) { s.left(s.make(client, "cancel", 0)) },
	"evict":           func(s *tableScene, client int) { s.left(s.makeWith(client, "evict", 0, s.first)) },
	"get":             func(s *tableScene, client int) { s.make(client, "get", 0) },
	"suspect":         func(s *tableScene, client int) { s.suspect(client, 15, s.first) },
	"suspect again":   func(s *tableScene, client int) { s.suspectAgain(client) },
	"exempt":          func(s *tableScene, client int) { s.make(client, "exempt", 0) },
	"exempt no more":  func(s *tableScene, client int) { s.make(client, "exempt no longer", 0) },
	"pass":            func(s *tableScene, client int) { s.pass(client, 25) },
	"warning pass":    func(s *tableScene, client int) { s.warningPass(client, 25) },
	"move":            func(s *tableScene, _ int) { s.table.Compact() },
	"all":             func(s *tableScene, _ int) { s.loop() },
	"service up":      func(s *tableScene, _ int) { s.up = s.first.ServiceUp(secondsOn(3)) || s.up },

	"register b": func(s *tableScene, client int) { mustRegister(s.table, 2, "b", 50+client, s.term) },

	"renew early and look": func(s *tableScene, client int) { s.renewAndLook(client) },
}

// tableStates is what the lease is at first. A lease that is suspect since its
// renewal gets the very same word again when it is healed by a late renewal and
// found suspect anew.
var tableStates = map[string]func(s *tableScene){
	"alive":                     func(*tableScene) {},
	"suspect":                   func(s *tableScene) { s.suspect(0, 12, s.seen[0][0]) },
	"suspect since its renewal": func(s *tableScene) { s.make(0, "renew", 0); s.suspectAgain(0) },
	"gone":                      func(s *tableScene) { s.left(s.make(0, "cancel", 0)) },
	"with another key":          func(s *tableScene) { mustRegister(s.table, 0, "b", 50, s.term); s.others++ },
	"bound raised":              func(s *tableScene) { s.make(0, "renew", 20); s.collect(0, "collect", 25) },
}

// commonActs are those that make sense in any scene.
func commonActs() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(tableActs)), func(act string) bool { return act == "renew early and look" || act == "register b" })
}

func (s *tableScene) make(client int, what string, at int64) tableAnswer {
	return s.do(client, tableCall{what: what, key: "a", at: at}, intSnapshot{})
}

// makeWith makes a call with a lease that was seen.
func (s *tableScene) makeWith(client int, what string, at int64, of intSnapshot) tableAnswer {
	return s.do(client, tableCall{what: what, key: "a", at: at, seen: shown(of)}, of)
}

// register registers, each time another holder.
func (s *tableScene) register(client int, at int64) {
	holder := 1 + 10*client + len(s.calls[client])
	answer := s.do(client, tableCall{what: "register", key: "a", at: at, holder: holder}, intSnapshot{})
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

// suspectAgain suspects whatever lease there is, at 0 s.
func (s *tableScene) suspectAgain(client int) {
	if answer := s.make(client, "get", 0); answer.ok {
		s.suspect(client, 0, s.seen[client][len(s.seen[client])-1])
	}
}

// renewAndLook renews a lease that has a deadline in the past, or far in the
// future by a renewal that is under way, and looks for it in a pass that is no
// call of the history.
func (s *tableScene) renewAndLook(client int) {
	if answer := s.make(client, "renew", 1); !answer.ok {
		return
	}
	s.x.Began()
	expired := s.table.AppendExpired(nil, secondsOn(29), 0)
	s.x.Returned()
	seen, ok := s.table.Get("a")
	passFindsExpired.Holds(judges{}, len(expired) == 1 || !ok || seen.Deadline().After(secondsOn(28)), "it is not found after %+v", s.calls[client])
}

// tell tells a change: in an orderly scene after the healings that came before
// it, and waiting for others who do so.
func (s *tableScene) tell(change chronicled) {
	if s.orderly {
		s.x.Step("lock", unsafe.Pointer(s))
		defer s.x.Step("unlock", unsafe.Pointer(s))
		s.tellHealings(change.number)
	}
	s.told = append(s.told, change)
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
		met = ofKeyA(met)
	})
	s.met = append(s.met, met)
}

// judge asks all laws when all threads have ended.
func (s *tableScene) judge(t law.T, sentences *sentences) {
	history := s.history()
	sentences.hold(t, tableLinearizable, history)
	seen, lives := s.table.Get("a")
	s.judgeLastPass(t, seen, lives)
	s.tellHealings(math.MaxUint64)
	if s.orderly {
		checkToldBefore(t, s.told)
	}
	suspect := checkStory(t, s.told)
	numbersTellTrue.Holds(t, suspect == (lives && seen.Suspected()), "it is suspect %t: %+v", !suspect, s.told)
	size, suspects := s.others, 0
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
	suspects := ofKeyA(s.table.AppendSuspect(nil, warned, 0))
	want := s.term.Suspect > 0 && !seen.Suspected() && !seen.Exempt()
	lastPassFindsAll.Holds(t, len(suspects) == 1 == want, "%d suspects", len(suspects))
	expired := ofKeyA(s.table.AppendExpired(nil, deadline, 0))
	lastPassFindsAll.Holds(t, len(expired) == 1 == !seen.Exempt(), "%d that have expired", len(expired))
}

func ofKeyA(leases []intSnapshot) []intSnapshot {
	return slices.DeleteFunc(leases, func(seen intSnapshot) bool { return seen.Key() != "a" })
}

// A tableCase is what scenes have in common that are judged by one model.
type tableCase struct {
	rule      lease.Rule
	state     string
	orderly   bool
	sentences *sentences
}

func (c tableCase) String() string {
	order := ""
	if c.orderly {
		order = ", orderly"
	}
	return fmt.Sprint(c.rule, ", ", c.state, order)
}

// explore explores a scene: what each thread does, in words.
func (c tableCase) explore(t *testing.T, scene [][]string) {
	x := newExploration(t, fmt.Sprintf("table, %v: %s", c, written(scene)))
	x.run(t, func() ([]func(), func(law.T)) {
		s := c.set(t, x)
		var threads []func()
		for client, words := range scene {
			threads = append(threads, func() {
				for _, word := range words {
					tableActs[word](s, client)
				}
			})
		}
		return threads, func(t law.T) { s.judge(t, c.sentences) }
	})
}

func (c tableCase) set(t *testing.T, x *exploration) *tableScene {
	s := &tableScene{tableClients: &tableClients{table: newIntTable(t, c.rule), term: shortTerm(c.rule)}, x: x, orderly: c.orderly}
	s.register(0, 0)
	s.first = s.seen[0][0]
	tableStates[c.state](s)
	if seen, ok := s.table.Get("a"); ok {
		s.first = seen
	}
	s.began, s.returned = x.Began, x.Returned
	return s
}

var tableRules = []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos}

// eachCase explores scenes for all rules and some states of the lease.
func eachCase(t *testing.T, orderly bool, rules []lease.Rule, states []string, scenes iter.Seq[[][]string]) {
	for _, rule := range rules {
		for _, state := range states {
			c := tableCase{rule, state, orderly, newSentences(tableSpec(rule))}
			for scene := range scenes {
				c.explore(t, scene)
			}
		}
	}
}

// atOnce are all scenes of some threads that do one thing each.
func atOnce(threads int, acts []string) iter.Seq[[][]string] {
	return func(yield func([][]string) bool) {
		var choose func(scene [][]string, from int) bool
		choose = func(scene [][]string, from int) bool {
			if len(scene) == threads {
				return yield(scene)
			}
			for i := from; i < len(acts); i++ {
				if !choose(append(scene, []string{acts[i]}), i) {
					return false
				}
			}
			return true
		}
		choose(nil, 0)
	}
}

// onePass are scenes with one pass at most: others take long.
func onePass(scenes iter.Seq[[][]string]) iter.Seq[[][]string] {
	return func(yield func([][]string) bool) {
		scenes(func(scene [][]string) bool {
			return strings.Count(written(scene), "pass") > 1 || yield(scene)
		})
	}
}

// Whatever two threads can do at once, one thing each.
func TestExploreTablePairs(t *testing.T) {
	states := []string{"alive", "suspect", "suspect since its renewal", "gone", "bound raised"}
	eachCase(t, false, tableRules, states, atOnce(2, commonActs()))
}

// Whatever three threads can do at once, but for more than one pass, and for what
// differs little from something else.
func TestExploreTableTriples(t *testing.T) {
	without := func(acts ...string) []string {
		return slices.DeleteFunc(commonActs(), func(act string) bool { return slices.Contains(acts, act) })
	}
	alive := without("suspect again", "renew telling", "exempt no more")
	eachCase(t, false, []lease.Rule{lease.Exact}, []string{"alive", "gone"}, onePass(atOnce(3, alive)))
	suspect := without("suspect again", "renew telling", "renew by handle", "renew late", "suspect", "service up", "exempt no more")
	eachCase(t, false, []lease.Rule{lease.Nacos}, []string{"suspect"}, onePass(atOnce(3, suspect)))
}

// Interleavings hunted:
//
//  1. A renewal heals a lease, and whoever ends it, replaces it, or finds it
//     suspect anew comes to tell so first: the healing must be told before.
//  2. A renewal has drawn the number under which it will heal; another heals the
//     lease, a third finds it suspect anew, and its word is what it was: the
//     first one must not succeed under its number.
//  3. Two renewals heal at once: one is told.
//  4. A suspect lease moves or is replaced between the parts of a healing.
//
// Where a word can come again nobody cancels the lease: see Table about the
// numbers of departures beside Suspect.
func TestExploreHealings(t *testing.T) {
	again := []string{"renew late", "suspect again", "register", "move"}
	eachCase(t, true, []lease.Rule{lease.Exact, lease.Eureka}, []string{"suspect since its renewal"}, atOnce(3, again))
	eachCase(t, true, []lease.Rule{lease.Nacos}, []string{"suspect since its renewal"}, atOnce(2, again))
	eachCase(t, true, tableRules, []string{"suspect"}, slices.Values([][][]string{
		{{"renew"}, {"cancel"}, {"suspect again"}},
		{{"renew"}, {"renew"}, {"cancel"}},
		{{"renew"}, {"register"}},
		{{"renew"}, {"move"}, {"cancel"}},
	}))
}

// One key is looked up while it is registered again, and then another one of the
// same shard:
//
//  1. The look-up reads which place the key has.
//  2. The key is registered again: its lease there has been replaced.
//  3. While the other key is registered again the shard names that one's
//     successor, which is of no use to the look-up.
func TestExploreTwoKeys(t *testing.T) {
	eachCase(t, false, tableRules, []string{"with another key"}, slices.Values([][][]string{
		{{"get"}, {"register", "register b"}},
		{{"renew"}, {"register", "register b"}},
		{{"cancel"}, {"register", "register b"}},
		{{"renew by handle"}, {"register b", "register"}},
		{{"all"}, {"register b"}, {"move"}},
		{{"get"}, {"register"}, {"register b"}},
	}))
}

// Deadlines go back and forth by the wall clock, while passes look at the bound
// of the block. Before, a pass has raised the bound to the deadline of a lease
// that was renewed at 20 s.
//
// Interleavings hunted:
//
//  1. A pass has raised the bound and read the word; it gets an earlier deadline,
//     of which the bound is told; the pass lowers the bound to what it has read,
//     but must not raise it.
//  2. One renewal moves the deadline back and has not told the bound yet; another
//     one moves it forward, and has. A pass that begins then finds the lease.
//  3. The same with a registration that replaces the lease.
func TestExploreBound(t *testing.T) {
	acts := []string{"renew late", "renew early and look", "register", "pass", "renew"}
	rules, states := []lease.Rule{lease.Eureka, lease.Nacos}, []string{"bound raised"}
	eachCase(t, false, rules, states, atOnce(2, acts))
	eachCase(t, false, rules, states, slices.Values([][][]string{
		{{"renew late"}, {"pass", "pass"}},
		{{"register"}, {"pass", "pass"}},
		{{"renew late"}, {"renew"}, {"pass"}},
		{{"renew late"}, {"register"}, {"pass"}},
		{{"renew late", "renew"}, {"renew late"}, {"pass"}},
	}))
}
