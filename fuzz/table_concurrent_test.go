package fuzz

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
)

var (
	tableLinearizable = law.New("table-linearizable", "every concurrent history of a table is, key by key, one that a map's calls, one after the other, could have shown")
	rescuedOrEvicted  = law.New("rescued-or-evicted", "a lease that was collected is either renewed or evicted, never both and never neither")
	nothingTouched    = law.New("nothing-touched", "nothing that is done with the handles of leases that left touches one that lives")
	serviceUpIsKept   = law.New("service-up-is-kept", "a service that came up is up for every lease that replaces the one it came up for")
	healedBefore      = law.New("healed-before", "a healing is told once, and before whatever happened to its key afterwards")
	numbersTellTrue   = law.New("numbers-tell-true", "by their numbers, registrations, suspicions, healings and departures of a key are a story that can have happened")
	lastPassFindsAll  = law.New("last-pass-finds-all", "a pass after everything has come to rest finds every expired lease, and no other")
)

const (
	// tableHistories are made for each rule.
	tableHistories = 1500

	tableCallsEach = 12

	// usedPlaces is how many places of a shard may belong to leases that left
	// before it moves the others: the next departure makes it do so.
	usedPlaces = 16

	// warningLength is how long before they expire leases are suspect, in seconds.
	warningLength = 6
)

// tableCall is one call for one key. Instants are seconds after the origin.
type tableCall struct {
	what, key string
	at        int64
	holder    int       // who registers
	seen      shownSeen // the handle's or the candidate's lease
}

// shownSeen is a lease as a snapshot shows it. Each registration has a holder
// of its own; 0 is nobody.
type shownSeen struct {
	holder          int
	deadline        int64
	renewed         bool
	suspect, exempt bool
}

// tableAnswer is what came of a call, and the lease that it returned or ended.
type tableAnswer struct {
	ok      bool
	lease   shownSeen
	number  uint64 // of a registration, a suspicion or a departure
	suspect bool   // that a registration's new lease is, or that a renewal healed
}

// keyState is what a map holds for one key, and the number of its last change.
type keyState struct {
	lease  shownSeen
	since  int64 // when it turned suspect
	number uint64
}

// tableSpec is a map that is used by one client at a time. Its keys have
// nothing to do with each other.
func tableSpec(rule lease.Rule) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
			byKey := make(map[string][]porcupine.Operation)
			for _, call := range history {
				key := call.Input.(tableCall).key
				byKey[key] = append(byKey[key], call)
			}
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() any { return keyState{} },
		Step: func(state, input, output any) (bool, any) {
			s := state.(keyState)
			legal := s.apply(rule, input.(tableCall), output.(tableAnswer))
			return legal, s
		},
	}
}

// apply makes one call and reports whether the answer is right.
func (s *keyState) apply(rule lease.Rule, call tableCall, answer tableAnswer) bool {
	lives, was := s.lease.holder != 0, s.lease
	switch call.what {
	case "register":
		s.lease = shownSeen{holder: call.holder, deadline: call.at + termLength, suspect: rule == lease.Nacos && was.suspect}
		return answer.is(lives, was) && answer.suspect == s.lease.suspect && s.rises(answer.number)
	case "renew":
		return answer.ok == (lives && s.renew(rule, call.at))
	case "renew by handle":
		return answer.ok == (lives && was.holder == call.seen.holder && s.renew(rule, call.at))
	case "renew telling":
		return answer.ok == (lives && s.renew(rule, call.at)) && answer.suspect == (was.suspect && !s.lease.suspect)
	case "suspect":
		same := lives && was == call.seen && !was.suspect && !was.exempt
		if same {
			s.lease.suspect, s.since = true, call.at
		}
		return answer.is(same, s.lease)
	case "exempt", "exempt no longer":
		s.lease.exempt = lives && call.what == "exempt"
		return answer.ok == (s.lease != was)
	case "get":
		return answer.is(lives, was)
	case "cancel":
		return answer.is(lives, was) && (!lives || s.ends(answer.number))
	case "evict":
		same := lives && was == call.seen
		return answer.ok == same && (!same || answer.lease == was && s.ends(answer.number))
	case "collect":
		return s.found(rule, answer, lives && !was.exempt && was.deadline < call.at)
	case "collect suspects":
		silent := rule != lease.Eureka && lives && was.deadline-warningLength < call.at
		return s.found(rule, answer, silent && !was.exempt && !was.suspect)
	}
	panic("unknown call " + call.what)
}

// found reports whether a pass was right about the key. Renewals by the wall
// clock move deadlines back, and tell the pass afterwards.
func (s *keyState) found(rule lease.Rule, answer tableAnswer, want bool) bool {
	return rule != lease.Exact && !answer.ok || answer.is(want, s.lease)
}

func (a tableAnswer) is(ok bool, seen shownSeen) bool {
	return a.ok == ok && (!ok || a.lease == seen)
}

func (s *keyState) rises(number uint64) bool {
	before := s.number
	s.number = number
	return number > before
}

func (s *keyState) ends(number uint64) bool {
	s.lease = shownSeen{}
	return s.rises(number)
}

func (s *keyState) renew(rule lease.Rule, at int64) bool {
	before, news := s.lease.deadline, true
	switch deadline := at + termLength; {
	case rule == lease.Eureka:
		s.lease.deadline, s.lease.renewed = deadline+termLength, true
	case rule == lease.Nacos, deadline >= before:
		s.lease.deadline, s.lease.renewed = deadline, true
	}
	if rule == lease.Exact {
		news = s.lease.deadline > before || at >= s.since
	}
	s.lease.suspect = s.lease.suspect && (s.lease.exempt || !news)
	return true
}

type intSnapshot = lease.Snapshot[string, int]

// tableClients are the clients of one table.
type tableClients struct {
	recorder
	table *lease.Table[string, int]
	term  lease.Term
	seen  [clients][]intSnapshot // each used by its client only
}

// historyKeys are few, so that the clients meet, and of both kinds of strings.
var historyKeys = []string{"a", "b", "a key that is too long to be kept in a place of 32 bytes"}

// newTableClients leaves the shards of all keys about to move what they have.
func newTableClients(t *testing.T, rule lease.Rule) *tableClients {
	c := &tableClients{table: newIntTable(t, rule), term: shortTerm(rule)}
	for range usedPlaces {
		for _, key := range historyKeys {
			mustRegister(c.table, 0, key, 1, c.term)
			c.table.Cancel(key)
		}
	}
	return c
}

func newIntTable(t *testing.T, rule lease.Rule) *lease.Table[string, int] {
	table, err := lease.NewTable[string, int](secondsOn(0), lease.TableConfig{Rule: rule})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func shortTerm(rule lease.Rule) lease.Term {
	term := lease.Term{Duration: termLength * time.Second, Rule: rule}
	if rule == lease.Exact {
		term.Interval = time.Second
	}
	if rule != lease.Eureka {
		term.Suspect = (termLength - warningLength) * time.Second
	}
	return term
}

// mustRegister may be called by any goroutine, hence the panic.
func mustRegister(table *lease.Table[string, int], at int64, key string, holder int, term lease.Term) lease.Registration[string, int] {
	granted, err := table.Register(secondsOn(at), key, holder, term)
	if err != nil {
		panic(err)
	}
	return granted
}

func shown(seen intSnapshot) shownSeen {
	return shownSeen{
		holder:   seen.Holder(),
		deadline: int64(seen.Deadline().Sub(secondsOn(0)) / time.Second),
		renewed:  seen.Renewed(),
		suspect:  seen.Suspected(),
		exempt:   seen.Exempt(),
	}
}

func departed(departure lease.Departure[string, int], ok bool) tableAnswer {
	if !ok {
		return tableAnswer{}
	}
	return tableAnswer{ok: true, lease: shown(departure.Lease), number: departure.Sequence}
}

// do makes a call for one key.
func (c *tableClients) do(client int, call tableCall, of intSnapshot) (answer tableAnswer) {
	c.record(client, call, func() any { answer = c.call(client, call, of); return answer })
	return answer
}

func (c *tableClients) call(client int, call tableCall, of intSnapshot) tableAnswer {
	now := secondsOn(call.at)
	switch call.what {
	case "register":
		granted := mustRegister(c.table, call.at, call.key, call.holder, c.term)
		c.know(client, granted.Lease)
		answer := tableAnswer{ok: granted.Again, number: granted.Lease.Sequence(), suspect: granted.Lease.Suspected()}
		if granted.Again {
			answer.lease = shown(granted.Replaced)
		}
		return answer
	case "renew":
		return tableAnswer{ok: c.table.Renew(now, call.key)}
	case "renew by handle":
		return tableAnswer{ok: of.Renew(now)}
	case "renew telling":
		healed, ok := c.table.RenewTelling(now, call.key)
		return tableAnswer{ok: ok, suspect: healed}
	case "suspect":
		turned, ok := c.table.Suspect(now, of)
		if !ok {
			return tableAnswer{}
		}
		c.know(client, turned.Lease)
		return tableAnswer{ok: true, lease: shown(turned.Lease), number: turned.Sequence}
	case "exempt", "exempt no longer":
		return tableAnswer{ok: c.table.Exempt(call.key, call.what == "exempt")}
	case "get":
		seen, ok := c.table.Get(call.key)
		if !ok {
			return tableAnswer{}
		}
		c.know(client, seen)
		return tableAnswer{ok: true, lease: shown(seen)}
	case "cancel":
		return departed(c.table.Cancel(call.key))
	case "evict":
		return departed(c.table.Evict(of))
	}
	panic("unknown call " + call.what)
}

// know keeps a handle and candidate for later.
func (c *tableClients) know(client int, seen intSnapshot) {
	c.seen[client] = append(c.seen[client], seen)
}

// doAll makes one call for all keys: for each it may have happened at another
// moment of the same time.
func (c *tableClients) doAll(client int, what string, at int64, call func(answers map[string]tableAnswer)) {
	answers := make(map[string]tableAnswer)
	called, returned := c.during(func() { call(answers) })
	for _, key := range historyKeys {
		c.calls[client] = append(c.calls[client], porcupine.Operation{
			ClientId: client, Input: tableCall{what: what, key: key, at: at}, Call: called, Output: answers[key], Return: returned,
		})
	}
}

func (c *tableClients) renewAll(client int, at int64) {
	c.doAll(client, "renew", at, func(answers map[string]tableAnswer) {
		renewed := make([]bool, len(historyKeys))
		if _, err := c.table.RenewAll(secondsOn(at), historyKeys, renewed); err != nil {
			panic(err)
		}
		for i, key := range historyKeys {
			answers[key] = tableAnswer{ok: renewed[i]}
		}
	})
}

// collect asks for those that have expired, or for suspects.
func (c *tableClients) collect(client int, what string, at int64) (collected []intSnapshot) {
	found := c.table.AppendExpired
	if what == "collect suspects" {
		found = c.table.AppendSuspect
	}
	c.doAll(client, what, at, func(answers map[string]tableAnswer) {
		for _, seen := range found(nil, secondsOn(at), 0) {
			if slices.Contains(historyKeys, seen.Key()) {
				collected = append(collected, seen)
				c.know(client, seen)
				answers[seen.Key()] = tableAnswer{ok: true, lease: shown(seen)}
			}
		}
	})
	return collected
}

// live is one client's life: everything that holders and passes do, now and
// then with what it has come to know before. Instants lie around the
// deadlines, not always in order.
func (c *tableClients) live(client int, random *rand.Rand) {
	for number := range tableCallsEach {
		call := tableCall{key: historyKeys[random.IntN(len(historyKeys))], at: random.Int64N(4 * termLength)}
		var of intSnapshot
		if known := c.seen[client]; len(known) > 0 {
			of = known[random.IntN(len(known))]
		}
		switch draw := random.IntN(24); {
		case draw == 0:
			c.renewAll(client, call.at)
			continue
		case draw == 1:
			c.collect(client, "collect", call.at)
			continue
		case draw == 16:
			c.collect(client, "collect suspects", call.at)
			continue
		case draw == 17:
			call.what = "exempt"
		case draw == 18:
			call.what = "exempt no longer"
		case draw > 21:
			call.what = "renew telling"
		case draw < 5:
			call.what, call.holder = "register", 1+client*tableCallsEach+number
		case draw < 7:
			call.what = "renew"
		case draw < 9:
			call.what = "cancel"
		case draw < 11 || len(c.seen[client]) == 0: // all that follow want one that was seen
			call.what = "get"
		case draw < 14:
			call.what, call.key, call.seen = "renew by handle", of.Key(), shown(of)
		case draw > 18:
			call.what, call.key, call.seen = "suspect", of.Key(), shown(of)
		default:
			call.what, call.key, call.seen = "evict", of.Key(), shown(of)
		}
		c.do(client, call, of)
		if random.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

// churn registers other keys, so that indexes are replaced, and cancels them,
// so that the leases of the history move, until the others are done.
func churn(table *lease.Table[string, int], term lease.Term, done *atomic.Bool) {
	for number := 0; !done.Load(); number++ {
		mustRegister(table, 0, manyTableKeys[number%len(manyTableKeys)], number, term)
		table.Cancel(manyTableKeys[(number+len(manyTableKeys)-100)%len(manyTableKeys)])
		if number%64 == 0 {
			runtime.Gosched()
		}
	}
}

// moveAll registers other keys and cancels them until every shard has moved what
// lives.
func moveAll(table *lease.Table[string, int], term lease.Term) {
	for range 4 {
		for number, key := range manyTableKeys {
			mustRegister(table, 0, key, number, term)
			table.Cancel(key)
		}
	}
}

// beside runs the churn beside something, until that is done.
func beside(table *lease.Table[string, int], term lease.Term, something func()) {
	var done atomic.Bool
	var churning sync.WaitGroup
	churning.Go(func() { churn(table, term, &done) })
	something()
	done.Store(true)
	churning.Wait()
}

// onProcessors runs a test on each number of processors. Under the tag interleave
// steps pause at random.
func onProcessors(t *testing.T, test func(t *testing.T)) {
	for i, n := range processors {
		t.Run(fmt.Sprint(n, " processors"), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			pausing(t)
			setWeather(uint64(i))
			test(t)
		})
	}
}

// Interleavings hunted:
//
//  1. A renewal completes between the collecting of a lease and its eviction:
//     the eviction must fail, also if the lease has moved in between.
//  2. A lease is replaced while it is looked up: the look-up finds the old one
//     or the new one, and never none.
//  3. A lease is replaced while it is renewed: the renewal hits the old one,
//     and the registration says so in what it replaced, or the new one.
//  4. A lease moves while it is renewed, cancelled, evicted or looked up, by
//     key and by handle: nothing is lost, and nothing happens twice.
//  5. A lease leaves while it moves: it does not come back.
//  6. A look-up has begun with an index that was replaced, or with places that
//     were given back, once or more often, since.
//  7. A lease leaves and its key is registered again: the handle and the
//     candidate of the old one are of no use, wherever the new one is.
//  8. Two registrations of a key at once: one replaces the other, and the
//     numbers say which.
//  9. Two departures at once: one of them ends the lease, and its number is
//     between those of the registrations before and after.
//  10. A key's first registration, which takes a new entry of the index, is met
//     by look-ups that read the tags and the numbers one after the other.
//  11. A lease is renewed, replaced, or leaves, between the pass that finds it
//     silent and Suspect: it must not become suspect.
//  12. A lease turns suspect, or is exempted, between the pass that finds it
//     expired and its eviction: the eviction must fail.
//  13. A suspect lease is renewed while it leaves, is replaced, exempted or
//     renewed by another: one renewal heals, or none.
//  14. A suspect lease moves while it is healed: it is suspect in its new place
//     if and only if it was in the old one, and for as long.
//  15. A suspect lease is replaced while it is healed: under Nacos's rule the new
//     one is suspect if and only if the one that it replaced was.
func checkTableHistories(t *testing.T, rule lease.Rule) {
	spec := tableSpec(rule)
	eachHistory(t, fmt.Sprint("table, ", rule), tableHistories, func(t *testing.T, number uint64) {
		c := newTableClients(t, rule)
		beside(c.table, c.term, func() {
			race(func(client int) { c.live(client, randomOf(number, client)) })
		})
		history := c.history()
		tableLinearizable.Holds(t, porcupine.CheckOperations(spec, history), "seed %d, history %d:%s", historySeed, number, describe(history))
	})
}

func TestConcurrentExactTable(t *testing.T)  { checkTableHistories(t, lease.Exact) }
func TestConcurrentEurekaTable(t *testing.T) { checkTableHistories(t, lease.Eureka) }
func TestConcurrentNacosTable(t *testing.T)  { checkTableHistories(t, lease.Nacos) }

// tableStory is a history of one key, made by hand: one call after the other.
func tableStory(steps ...porcupine.Operation) []porcupine.Operation {
	for i := range steps {
		steps[i].Call, steps[i].Return = int64(2*i), int64(2*i+1)
	}
	return steps
}

func told(call tableCall, answer tableAnswer) porcupine.Operation {
	call.key = "a"
	return porcupine.Operation{Input: call, Output: answer}
}

// The judge has to be able to say no. Each story is told with what the table
// answers and with what one would that has made a mistake.
func TestJudgeCondemnsWrongStoriesOfATable(t *testing.T) {
	first, second := shownSeen{holder: 1, deadline: 10}, shownSeen{holder: 2, deadline: 12}
	suspect := shownSeen{holder: 1, deadline: 10, suspect: true}
	renewed := map[lease.Rule]shownSeen{}
	for rule, deadline := range map[lease.Rule]int64{lease.Exact: 30, lease.Eureka: 40, lease.Nacos: 30} {
		renewed[rule] = shownSeen{holder: 1, deadline: deadline, renewed: true}
	}
	begin := told(tableCall{what: "register", holder: 1}, tableAnswer{number: 1})
	again := func(number uint64) porcupine.Operation {
		return told(tableCall{what: "register", holder: 2, at: 2}, tableAnswer{ok: true, lease: first, number: number})
	}
	left := told(tableCall{what: "cancel"}, tableAnswer{ok: true, lease: first, number: 2})
	handle := tableCall{what: "renew by handle", at: 20, seen: first}
	suspected := told(tableCall{what: "suspect", at: 15, seen: first}, tableAnswer{ok: true, lease: suspect})
	for name, story := range map[string]func(rule lease.Rule, mistake bool) []porcupine.Operation{
		"an eviction that does not see the renewal": func(rule lease.Rule, mistake bool) []porcupine.Operation {
			answer := tableAnswer{}
			if mistake {
				answer = tableAnswer{ok: true, lease: renewed[rule], number: 2}
			}
			return tableStory(begin,
				told(tableCall{what: "collect", at: 20}, tableAnswer{ok: true, lease: first}),
				told(tableCall{what: "renew", at: 20}, tableAnswer{ok: true}),
				told(tableCall{what: "evict", seen: first}, answer))
		},
		"a handle that renews the lease which replaced its own": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, again(2), told(handle, tableAnswer{ok: mistake}))
		},
		"a handle that renews a lease which left": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, left, told(handle, tableAnswer{ok: mistake}))
		},
		"a lease that is not found while it is replaced": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, again(2), told(tableCall{what: "get"}, tableAnswer{ok: !mistake, lease: second}))
		},
		"a renewal that the replacement does not show": func(rule lease.Rule, mistake bool) []porcupine.Operation {
			replaced := renewed[rule]
			if mistake {
				replaced = first
			}
			return tableStory(begin,
				told(tableCall{what: "renew", at: 20}, tableAnswer{ok: true}),
				told(tableCall{what: "register", holder: 2, at: 2}, tableAnswer{ok: true, lease: replaced, number: 2}))
		},
		"a lease that leaves twice": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			answer := tableAnswer{}
			if mistake {
				answer = tableAnswer{ok: true, lease: first, number: 3}
			}
			return tableStory(begin, left, told(tableCall{what: "evict", seen: first}, answer))
		},
		"a number that does not rise": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			if mistake {
				return tableStory(begin, again(1))
			}
			return tableStory(begin, again(2))
		},
		"a suspicion that does not see the renewal": func(rule lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin,
				told(tableCall{what: "renew", at: 20}, tableAnswer{ok: true}),
				told(tableCall{what: "suspect", at: 20, seen: first}, tableAnswer{ok: mistake, lease: suspect}))
		},
		"an eviction that does not see the suspicion": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			answer := tableAnswer{}
			if mistake {
				answer = tableAnswer{ok: true, lease: suspect, number: 2}
			}
			return tableStory(begin, suspected, told(tableCall{what: "evict", seen: first}, answer))
		},
		"an exempt lease that is evicted": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			answer := tableAnswer{}
			if mistake {
				answer = tableAnswer{ok: true, lease: first, number: 2}
			}
			return tableStory(begin, told(tableCall{what: "exempt"}, tableAnswer{ok: true}), told(tableCall{what: "evict", seen: first}, answer))
		},
		"two renewals that heal": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, suspected,
				told(tableCall{what: "renew telling", at: 20}, tableAnswer{ok: true, suspect: true}),
				told(tableCall{what: "renew telling", at: 21}, tableAnswer{ok: true, suspect: mistake}))
		},
		"a renewal that heals an exempt lease": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, suspected,
				told(tableCall{what: "exempt"}, tableAnswer{ok: true}),
				told(tableCall{what: "renew telling", at: 20}, tableAnswer{ok: true, suspect: mistake}))
		},
		"a suspicion that is lost, or that is made up": func(rule lease.Rule, mistake bool) []porcupine.Operation {
			inherits := (rule == lease.Nacos) != mistake
			return tableStory(begin, suspected,
				told(tableCall{what: "register", holder: 2, at: 2}, tableAnswer{ok: true, lease: suspect, number: 2, suspect: inherits}))
		},
		"a suspect that is found again": func(_ lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, suspected, told(tableCall{what: "collect suspects", at: 20}, tableAnswer{ok: mistake, lease: suspect}))
		},
		"a pass that finds a lease which has not expired": func(rule lease.Rule, mistake bool) []porcupine.Operation {
			return tableStory(begin, told(tableCall{what: "collect", at: 10}, tableAnswer{ok: mistake, lease: first}))
		},
	} {
		for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos} {
			for _, mistake := range []bool{false, true} {
				history := story(rule, mistake)
				legal := porcupine.CheckOperations(tableSpec(rule), history)
				judgeCondemns.Holds(t, legal == !mistake, "%s, rule %v, mistake %t, legal %t:%s", name, rule, mistake, legal, describe(history))
			}
		}
	}
}

// manyTables runs a test on some tables of each rule and number of processors.
func manyTables(t *testing.T, test func(t *testing.T, table *lease.Table[string, int], term lease.Term)) {
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos} {
		t.Run(rule.String(), func(t *testing.T) {
			onProcessors(t, func(t *testing.T) {
				for number := range uint64(10) {
					setWeather(number)
					test(t, newIntTable(t, rule), shortTerm(rule))
				}
			})
		})
	}
}

// rescued are the keys of the tests below: enough of them for each shard to
// have some. The churn has others.
var rescued = func() (keys []string) {
	for _, key := range manyTableKeys {
		keys = append(keys, "rescued "+key)
	}
	return keys
}()

// All leases have been collected. Three clients renew them, each in its own
// way, and one evicts them, all in the same order, while they move:
//
//  1. The pass collects the lease.
//  2. A renewal completes, in the place where the lease is now.
//  3. The eviction, with the word of 1, must fail.
func TestRenewalBetweenCollectionAndEvictionRescues(t *testing.T) {
	manyTables(t, func(t *testing.T, table *lease.Table[string, int], term lease.Term) {
		for i, key := range rescued {
			mustRegister(table, 0, key, i, term)
		}
		collected := table.AppendExpired(nil, secondsOn(20), 0)
		passFindsExpired.Holds(t, len(collected) == len(rescued), "%d of %d", len(collected), len(rescued))
		slices.SortFunc(collected, func(a, b intSnapshot) int { return a.Holder() - b.Holder() })
		evicted, renewed := make([]bool, len(rescued)), [3][]bool{}
		for by := range renewed {
			renewed[by] = make([]bool, len(rescued))
		}
		beside(table, term, func() {
			race(func(client int) {
				for i, seen := range collected {
					switch client {
					case 0:
						_, evicted[i] = table.Evict(seen)
					case 1:
						renewed[0][i] = table.Renew(secondsOn(20), rescued[i])
					case 2:
						renewed[1][i] = seen.Renew(secondsOn(20))
					case 3:
						if _, err := table.RenewAll(secondsOn(20), rescued[i:i+1], renewed[2][i:i+1]); err != nil {
							panic(err)
						}
					}
				}
			})
		})
		for i, key := range rescued {
			_, lives := table.Get(key)
			rescuedOrEvicted.Holds(t, lives == !evicted[i], "%q lives %t, was evicted %t", key, lives, evicted[i])
			for by := range renewed {
				rescuedOrEvicted.Holds(t, renewed[by][i] == !evicted[i], "%q was renewed %t, evicted %t", key, renewed[by][i], evicted[i])
			}
		}
	})
}

// Leases come and go, and the handles of those that went are used all the
// time, with instants that would show:
//
//  1. A holder keeps the handle of its lease.
//  2. The lease moves, so that the handle has to look its key up.
//  3. The lease leaves, and its key is registered again.
//  4. The shard moves what lives, and others take its places.
//  5. The handle is used.
func TestStaleHandleAfterItsSlotsLeaseLeftTouchesNothing(t *testing.T) {
	const late = 1_000_000
	manyTables(t, func(t *testing.T, table *lease.Table[string, int], term lease.Term) {
		var stale []intSnapshot
		for i, key := range rescued {
			stale = append(stale, mustRegister(table, 0, key, i, term).Lease)
		}
		moveAll(table, term)
		for i, key := range rescued {
			if i%2 == 0 {
				table.Cancel(key)
			}
			mustRegister(table, 0, key, i, term)
		}
		var touched atomic.Int64
		beside(table, term, func() {
			race(func(client int) {
				for i, seen := range stale {
					switch {
					case client == 0: // one more that left, and a live one
						mustRegister(table, 0, seen.Key(), i, term)
					case client == 1 && seen.Renew(secondsOn(late)),
						client == 2 && seen.SetServiceUp(secondsOn(late)):
						touched.Add(1)
					case client == 3:
						if _, ok := table.Evict(seen); ok {
							touched.Add(1)
						}
					}
				}
			})
		})
		nothingTouched.Holds(t, touched.Load() == 0, "%d calls said true", touched.Load())
		for key, seen := range table.All() {
			_, up := seen.ServiceUpAt()
			nothingTouched.Holds(t, !seen.Renewed() && !up, "%q: renewed %t, up %t", key, seen.Renewed(), up)
		}
		for _, key := range rescued {
			_, ok := table.Get(key)
			nothingTouched.Holds(t, ok, "%q is gone", key)
		}
	})
}

// Passes look at all leases, again and again, while deadlines move back to
// where they have passed, and leases are registered that are as late:
//
//  1. A pass has raised the bound of a block and has read a word.
//  2. That word gets an earlier deadline, or a lease is registered.
//  3. The pass lowers the bound to the least that it has read.
//  4. Passes look at the bound, and only below it at the block.
//
// Two clients move the same deadlines, so that one of them finds what the other
// has not yet told the pass. A pass may then miss the lease; when both are done
// it may not.
func TestRegistrationWhileItsBlockIsSweptIsFound(t *testing.T) {
	onProcessors(t, func(t *testing.T) {
		table, term := newIntTable(t, lease.Eureka), shortTerm(lease.Eureka)
		for round := range uint64(30) {
			setWeather(round)
			for i, key := range rescued {
				mustRegister(table, 1000, key, i, term)
			}
			passFindsExpired.Holds(t, len(table.AppendExpired(nil, secondsOn(500), 0)) == 0, "round %d: before any has expired", round)
			var moved atomic.Int64
			race(func(client int) {
				switch client {
				case 0:
					for moved.Load() < 3 {
						table.AppendExpired(nil, secondsOn(500), 0)
						runtime.Gosched()
					}
					return
				case 1, 2:
					for _, key := range rescued[len(rescued)/2:] {
						table.Renew(secondsOn(int64(100+100*client)), key)
					}
				case 3:
					for i, key := range rescued[:len(rescued)/2] {
						mustRegister(table, 100, key, i, term)
					}
				}
				moved.Add(1)
			})
			found := make(map[string]bool)
			for _, seen := range table.AppendExpired(nil, secondsOn(500), 0) {
				found[seen.Key()] = true
			}
			for _, key := range rescued {
				lastPassFindsAll.Holds(t, found[key], "round %d: %q is missed", round, key)
			}
			lastPassFindsAll.Holds(t, len(found) == len(rescued), "round %d: %d of %d", round, len(found), len(rescued))
		}
	})
}

// Services come up while their leases are replaced and move, in the same order:
//
//  1. A registration, or a move, has read that the service is not up.
//  2. The service comes up, in the old place, and is told so.
//  3. The new place must have it: 2 has to wait, and find the new place.
func TestServiceUpIsCarriedOver(t *testing.T) {
	manyTables(t, func(t *testing.T, table *lease.Table[string, int], term lease.Term) {
		up := make([]bool, len(rescued))
		for i, key := range rescued {
			mustRegister(table, 0, key, i, term)
		}
		beside(table, term, func() {
			race(func(client int) {
				for i, key := range rescued {
					if seen, ok := table.Get(key); ok && client == 0 {
						up[i] = seen.ServiceUp(secondsOn(1))
					} else {
						mustRegister(table, 0, key, i, term)
					}
				}
			})
		})
		for i, key := range rescued {
			seen, _ := table.Get(key)
			_, isUp := seen.ServiceUpAt()
			serviceUpIsKept.Holds(t, isUp == up[i], "%q is up %t, came up %t", key, isUp, up[i])
		}
	})
}

// Registrations and departures of one key are numbered in their order:
//
//  1. A lease leaves.
//  2. Its key is registered again, and gets a number.
//  3. The departure must have got its number before.
func TestNumbersTellTheStoryOfAKey(t *testing.T) {
	type event struct {
		number        uint64
		holder        int
		again, leaves bool
	}
	manyTables(t, func(t *testing.T, table *lease.Table[string, int], term lease.Term) {
		const registrations = 2000
		var events [clients][]event
		race(func(client int) {
			for i := range registrations {
				if client < 2 {
					granted := mustRegister(table, 0, "key", 1+client*registrations+i, term)
					events[client] = append(events[client], event{granted.Lease.Sequence(), granted.Lease.Holder(), granted.Again, false})
				} else if departure, ok := table.Cancel("key"); ok {
					events[client] = append(events[client], event{departure.Sequence, departure.Lease.Holder(), false, true})
				}
			}
		})
		story, holder := slices.Concat(events[:]...), 0
		slices.SortFunc(story, func(a, b event) int { return cmp.Compare(a.number, b.number) })
		for i, next := range story {
			if next.leaves {
				numbersRise.Holds(t, next.holder == holder, "%d leaves when the lease is %d's: %+v", next.holder, holder, story[max(0, i-3):i+1])
				holder = 0
			} else {
				numbersRise.Holds(t, next.again == (holder != 0), "%+v when the lease is %d's: %+v", next, holder, story[max(0, i-3):i+1])
				holder = next.holder
			}
		}
	})
}

// A chronicle is what happened to the keys of a table, in the order in which it
// was told: each change after the healings that came before it.
type chronicle struct {
	mu      sync.Mutex
	table   *lease.Table[string, int]
	entries []chronicled
}

// chronicled is one change of a key's lease, which was suspect before or not,
// and is then.
type chronicled struct {
	key, what string
	number    uint64
	was, is   bool
}

// tell waits for others who tell something: the healings that one of them has
// asked for are told when it is done.
func (c *chronicle) tell(change chronicled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellHealings(change.number)
	c.entries = append(c.entries, change)
}

func (c *chronicle) tellHealings(last uint64) {
	for _, turned := range c.table.AppendHealed(nil, last) {
		c.entries = append(c.entries, chronicled{turned.Lease.Key(), "healed", turned.Sequence, true, turned.Lease.Suspected()})
	}
}

// check reads what was told of each key twice: as it was told, and by numbers.
func (c *chronicle) check(t *testing.T) {
	c.tellHealings(math.MaxUint64)
	byKey := make(map[string][]chronicled)
	for _, entry := range c.entries {
		byKey[entry.key] = append(byKey[entry.key], entry)
	}
	suspects := 0
	for key, story := range byKey {
		checkToldBefore(t, story)
		suspect := checkStory(t, story)
		if seen, ok := c.table.Get(key); ok {
			numbersTellTrue.Holds(t, seen.Suspected() == suspect, "%q is suspect %t: %+v", key, seen.Suspected(), story)
		}
		if suspect {
			suspects++
		}
	}
	numbersTellTrue.Holds(t, c.table.Suspects() == suspects, "%d are suspect, not %d", c.table.Suspects(), suspects)
}

// checkToldBefore compares each change with the healings that were told later.
func checkToldBefore(t law.T, story []chronicled) {
	for i, entry := range story {
		for _, later := range story[i+1:] {
			healedBefore.Holds(t, later.what != "healed" || later.number > entry.number, "%+v is told after %+v", later, entry)
		}
	}
}

// checkStory returns whether the key's lease is suspect at the end.
func checkStory(t law.T, story []chronicled) (suspect bool) {
	story, lives := slices.Clone(story), false
	slices.SortFunc(story, func(a, b chronicled) int { return cmp.Compare(a.number, b.number) })
	for i, entry := range story {
		begins := entry.what == "registered"
		possible := lives != begins && entry.was == suspect && (i == 0 || story[i-1].number < entry.number)
		numbersTellTrue.Holds(t, possible, "%+v, when the lease lives %t and is suspect %t:\n%+v", entry, lives, suspect, story[max(0, i-4):i+1])
		lives, suspect = entry.what != "left", entry.is
	}
	return suspect
}

// chroniclers are clients who do what can make a lease suspect, heal it, or
// end it, and tell it.
type chroniclers struct {
	chronicle
	term   lease.Term
	second atomic.Int64 // of the next renewal, which no other has: no word comes again
}

func (c *chroniclers) register(key string, holder int) {
	at := c.second.Add(1)
	granted := mustRegister(c.table, at, key, holder, c.term)
	change := chronicled{key: key, what: "registered", number: granted.Lease.Sequence(), is: granted.Lease.Suspected()}
	if granted.Again {
		change.what, change.was = "replaced", granted.Replaced.Suspected()
	}
	c.tell(change)
}

// renew heals, and whoever tells the next change, or the last one, tells it.
func (c *chroniclers) renew(key string, seen intSnapshot, way int) {
	now := secondsOn(c.second.Add(1))
	switch {
	case way == 0:
		c.table.Renew(now, key)
	case way == 1:
		c.table.RenewTelling(now, key)
	case way == 2:
		if _, err := c.table.RenewAll(now, []string{key}, nil); err != nil {
			panic(err)
		}
	default:
		seen.Renew(now)
	}
}

// suspect says so at an instant after all renewals, so that only later ones
// heal under the exact rule.
func (c *chroniclers) suspect(seen intSnapshot) {
	if turned, ok := c.table.Suspect(secondsOn(farSeconds), seen); ok {
		c.tell(chronicled{turned.Lease.Key(), "suspect", turned.Sequence, false, turned.Lease.Suspected()})
	}
}

const farSeconds = 1_000_000

func (c *chroniclers) left(departure lease.Departure[string, int], ok bool) {
	if ok {
		c.tell(chronicled{departure.Lease.Key(), "left", departure.Sequence, departure.Lease.Suspected(), false})
	}
}

// live renews most of the time, and mostly what is suspect.
func (c *chroniclers) live(client int, random *rand.Rand) {
	for number := range 150 {
		key := historyKeys[random.IntN(len(historyKeys))]
		seen, ok := c.table.Get(key)
		switch draw := random.IntN(20); {
		case !ok || draw == 0:
			c.register(key, 1+client*1000+number)
		case draw == 1:
			c.left(c.table.Cancel(key))
		case draw == 2:
			c.left(c.table.Evict(seen))
		case draw == 3:
			c.table.Exempt(key, true)
			c.table.Exempt(key, false)
		case draw < 12:
			c.suspect(seen)
		default:
			c.renew(key, seen, draw%4)
		}
		if random.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

// Interleavings hunted:
//
//  1. A renewal heals a lease, and another change of it follows before the
//     renewal has said that it did: whoever tells that change has to wait, and
//     to tell the healing first.
//  2. The same, before the renewal has put the healing on the list, or has
//     drawn its number: that must not be possible.
//  3. A renewal has drawn its number, and something else happens to the lease:
//     if the renewal heals after all, it does so under a higher number.
//  4. Two renewals have announced that they heal the lease: one of them does, and
//     the other one is not told.
//  5. A healing is met, and left for the next time, by one who tells a change
//     with a lower number: it is not lost.
//  6. A suspect lease moves, or is replaced, while it is healed: what was replaced
//     was suspect or healed, and the healing has a lower number.
//  7. A lease turns suspect while it is renewed: the healing has a higher number
//     than the suspicion, or there is none.
//
// Instants do not come again, and so no word does, which is what numbers in the
// order of the changes rest upon.
func checkChronicles(t *testing.T, rule lease.Rule) {
	eachLongHistory(t, fmt.Sprint("healings, ", rule), chronicles, 40, func(t *testing.T, number uint64) {
		c := &chroniclers{term: shortTerm(rule)}
		c.table = newIntTable(t, rule)
		beside(c.table, c.term, func() {
			race(func(client int) { c.live(client, randomOf(number, client)) })
		})
		c.check(t)
	})
}

// chronicles are written for each rule.
const chronicles = 180

func TestConcurrentExactHealings(t *testing.T)  { checkChronicles(t, lease.Exact) }
func TestConcurrentEurekaHealings(t *testing.T) { checkChronicles(t, lease.Eureka) }
func TestConcurrentNacosHealings(t *testing.T)  { checkChronicles(t, lease.Nacos) }
