package fuzz

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var (
	leaseLinearizable = law.New("lease-linearizable", "every concurrent history of a lease is one that its calls, one after the other, could have shown")
	meterLinearizable = law.New("meter-linearizable", "every concurrent history of increments and rotations is one that a single counter could have shown")
	judgeCondemns     = law.New("judge-condemns", "the judge condemns a history that no order of the calls explains")
)

const (
	// histories is how many are generated for each test.
	histories = 6000

	// historiesVariable is the environment variable that says otherwise, for all
	// tests.
	historiesVariable = "LEASEKERNEL_HISTORIES"

	// historySeed generates what is called. Who comes first is up to the
	// scheduler: the same seed makes the same calls, not the same history.
	historySeed = 20_240_229

	clients    = 4
	callsEach  = 5
	termLength = 10 // seconds
)

// A recorder notes the calls of a few clients and in which order they began
// and ended, by a counter instead of a clock: what had returned before another
// call began has the smaller number.
type recorder struct {
	moment          atomic.Int64
	calls           [clients][]porcupine.Operation // each written by its client only
	began, returned func()                         // called as a call begins and when it has returned, if not nil
}

func (r *recorder) record(client int, input any, call func() any) {
	var output any
	called, returned := r.during(func() { output = call() })
	r.calls[client] = append(r.calls[client], porcupine.Operation{
		ClientId: client, Input: input, Call: called, Output: output, Return: returned,
	})
}

// during makes a call and returns when it began and returned.
func (r *recorder) during(call func()) (called, returned int64) {
	if r.began != nil {
		r.began()
	}
	called = r.moment.Add(1)
	call()
	if r.returned != nil {
		r.returned()
	}
	return called, r.moment.Add(1)
}

func (r *recorder) history() []porcupine.Operation { return slices.Concat(r.calls[:]...) }

// race runs all clients at once and waits for them. They wait for each other
// before they begin: what they do takes less time than it takes to start them.
func race(client func(number int)) {
	var ready atomic.Int64
	var running sync.WaitGroup
	for number := range clients {
		running.Go(func() {
			for ready.Add(1); ready.Load() < clients; {
				runtime.Gosched()
			}
			client(number)
		})
	}
	running.Wait()
}

// processors are what histories are made on: one, where only calls interleave;
// two; and more than most machines have, where any call is interrupted.
var processors = []int{1, 2, 8}

// eachHistory makes so many histories, unless the environment says how many: as
// many on each number of processors.
func eachHistory(t *testing.T, name string, standard int, history func(t *testing.T, number uint64)) {
	eachLongHistory(t, name, standard, 1, history)
}

// eachLongHistory makes histories that are so many times as long as others, and
// so many times fewer if the environment says how many.
func eachLongHistory(t *testing.T, name string, standard, longer int, history func(t *testing.T, number uint64)) {
	if wanted := os.Getenv(historiesVariable); wanted != "" {
		n, err := strconv.Atoi(wanted)
		if err != nil || n < 1 {
			t.Fatalf("%s is %q: must be a number above 0", historiesVariable, wanted)
		}
		standard = (n + longer - 1) / longer
	}
	number := uint64(0)
	onProcessors(t, func(t *testing.T) {
		for range (standard + len(processors) - 1) / len(processors) {
			setWeather(number)
			history(t, number)
			number++
			law.Add(law.Histories, name, 1)
		}
	})
}

// randomOf generates what one client calls in one history.
func randomOf(history uint64, client int) *rand.Rand {
	return rand.New(rand.NewPCG(historySeed, history*clients+uint64(client)))
}

// describe prints a history in the order in which its calls began.
func describe(history []porcupine.Operation) string {
	ordered := slices.SortedFunc(slices.Values(history), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var text strings.Builder
	for _, call := range ordered {
		fmt.Fprintf(&text, "\n%3d to %3d: client %d: %+v = %v", call.Call, call.Return, call.ClientId, call.Input, call.Output)
	}
	return text.String()
}

// leaseCall is one call of a client. Instants are seconds after the
// registration.
type leaseCall struct {
	what string
	at   int64
	mark int // collect leaves its mark here, evict takes it from here
}

// leaseWord is what a mark is made of.
type leaseWord struct {
	last          int64
	renewed, live bool
}

// leaseState is a lease and the marks that it has handed out.
type leaseState struct {
	word  leaseWord
	ended int64
	marks [clients]leaseWord
}

const notEnded = -1

// leaseSpec is a lease that is called by one client at a time.
func leaseSpec(rule lease.Rule) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return leaseState{word: leaseWord{live: true}, ended: notEnded} },
		Step: func(state, input, output any) (bool, any) {
			s := state.(leaseState)
			answer := s.apply(rule, input.(leaseCall))
			return answer == output, s
		},
	}
}

func (s *leaseState) apply(rule lease.Rule, call leaseCall) (answer any) {
	switch call.what {
	case "renew":
		return s.renew(rule, call.at)
	case "cancel":
		return s.end(call.at)
	case "collect":
		expired := !s.word.live || call.at > s.word.last+termLength
		s.marks[call.mark] = leaseWord{}
		if expired {
			s.marks[call.mark] = s.word
		}
		return expired
	case "evict":
		return s.marks[call.mark] == s.word && s.end(call.at)
	case "ended":
		return s.ended
	}
	panic("unknown call " + call.what)
}

func (s *leaseState) renew(rule lease.Rule, at int64) bool {
	switch {
	case rule == lease.Eureka:
		s.word.last, s.word.renewed = at+termLength, true
	case s.word.live && (at > s.word.last || rule == lease.Nacos):
		s.word.last, s.word.renewed = at, true
	}
	return s.word.live
}

func (s *leaseState) end(at int64) bool {
	if !s.word.live {
		return false
	}
	s.word.live, s.ended = false, at
	return true
}

// leaseClients are the clients of one lease.
type leaseClients struct {
	recorder
	lease *lease.Lease[string]
	marks [clients]lease.Mark // each used by its client only
}

func newLeaseClients(t *testing.T, rule lease.Rule) *leaseClients {
	term := lease.Term{Duration: termLength * time.Second, Rule: rule}
	if rule == lease.Exact {
		term.Interval = time.Second
	}
	return &leaseClients{lease: mustGrant(t, secondsOn(0), term)}
}

func secondsOn(seconds int64) time.Time { return edges[0].Add(time.Duration(seconds) * time.Second) }

func (c *leaseClients) do(client int, what string, at int64) {
	c.record(client, leaseCall{what: what, at: at, mark: client}, func() any { return c.call(client, what, secondsOn(at)) })
}

func (c *leaseClients) call(client int, what string, now time.Time) any {
	switch what {
	case "renew":
		return c.lease.Renew(now)
	case "cancel":
		return c.lease.Cancel(now)
	case "collect":
		mark, expired := c.lease.Expired(now, 0)
		c.marks[client] = mark
		return expired
	case "evict":
		return c.lease.Evict(now, c.marks[client])
	case "ended":
		if at, ended := c.lease.Ended(); ended {
			return int64(at.Sub(secondsOn(0)) / time.Second)
		}
		return int64(notEnded)
	}
	panic("unknown call " + what)
}

// drawCalls draws one client's life: renewals, passes, now and then a cancel
// or a look at the end. Instants lie around the deadlines, not always in
// order.
func drawCalls(random *rand.Rand) (calls []leaseCall) {
	for len(calls) < callsEach {
		at := random.Int64N(4 * termLength)
		switch random.IntN(10) {
		case 0, 1:
			calls = append(calls, leaseCall{what: "cancel", at: at})
		case 2:
			calls = append(calls, leaseCall{what: "ended"})
		case 3, 4, 5:
			calls = append(calls, leaseCall{what: "renew", at: at})
		default:
			calls = append(calls, leaseCall{what: "collect", at: at}, leaseCall{what: "evict", at: at})
		}
	}
	return calls[:callsEach]
}

// Interleavings hunted:
//
//  1. A renewal completes between the collecting of a lease and its eviction:
//     the eviction must fail.
//  2. A renewal begins before an eviction and ends after it: either it says
//     true and the eviction fails, or it says false.
//  3. Two passes collected the same lease: one eviction succeeds.
//  4. A cancel and an eviction at once: one of them ends the lease, and the
//     end is at its instant.
//  5. A renewal with an older instant between collecting and evicting: the
//     exact lease is as expired as before, and the eviction succeeds.
//  6. A renewal of an ended Eureka lease moves its last update, as the
//     original's does: no mark made before may end it once more.
//  7. Somebody asks for the end between the two stores that make it: the
//     answer is the instant, not a guess.
//  8. A mark of an ended lease is used: it evicts nothing.
func checkLeaseHistories(t *testing.T, rule lease.Rule) {
	spec := leaseSpec(rule)
	eachHistory(t, fmt.Sprint("lease, ", rule), histories, func(t *testing.T, number uint64) {
		c := newLeaseClients(t, rule)
		race(func(client int) {
			for _, call := range drawCalls(randomOf(number, client)) {
				c.do(client, call.what, call.at)
			}
		})
		history := c.history()
		leaseLinearizable.Holds(t, porcupine.CheckOperations(spec, history), "seed %d, history %d:%s", historySeed, number, describe(history))
	})
}

func TestConcurrentExactLease(t *testing.T)  { checkLeaseHistories(t, lease.Exact) }
func TestConcurrentEurekaLease(t *testing.T) { checkLeaseHistories(t, lease.Eureka) }
func TestConcurrentNacosLease(t *testing.T)  { checkLeaseHistories(t, lease.Nacos) }

// heedless is a lease whose Evict does not look at the mark: the mistake of
// Eureka's passes, which remove by id what they collected before.
type heedless struct{ *lease.Lease[string] }

func (l heedless) Evict(now time.Time, _ lease.Mark) bool { return l.Cancel(now) }

// The judge has to be able to say no. Interleaving 1, made by hand: with the
// lease as it is the history is fine, with one that loses the renewal it is not.
func TestJudgeCondemnsALostRenewal(t *testing.T) {
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos} {
		for _, mutant := range []bool{false, true} {
			c := newLeaseClients(t, rule)
			c.do(0, "collect", 30)
			c.do(1, "renew", 30)
			c.record(0, leaseCall{what: "evict", at: 30, mark: 0}, func() any {
				if mutant {
					return heedless{c.lease}.Evict(secondsOn(30), c.marks[0])
				}
				return c.lease.Evict(secondsOn(30), c.marks[0])
			})
			legal := porcupine.CheckOperations(leaseSpec(rule), c.history())
			judgeCondemns.Holds(t, legal == !mutant, "rule %v, mutant %t, legal %t:%s", rule, mutant, legal, describe(c.history()))
		}
	}
}

// tornLease decides by loading and storing, where the lease compares and
// swaps.
type tornLease struct{ word leaseWord }

// renew returns the second half of a renewal that has done its first.
func (l *tornLease) renew(at int64) (store func() bool) {
	seen := l.word
	return func() bool {
		if seen.live {
			l.word = leaseWord{last: at, renewed: true, live: true}
		}
		return seen.live
	}
}

func (l *tornLease) evict() bool {
	was := l.word.live
	l.word.live = false
	return was
}

// Interleaving 2, made by hand: the renewal has loaded, the eviction ends the
// lease, the renewal stores. Both say true and the lease is alive again.
func TestJudgeCondemnsALostEviction(t *testing.T) {
	torn := &tornLease{word: leaseWord{live: true}}
	r := &recorder{}
	r.record(0, leaseCall{what: "collect", at: 30, mark: 0}, func() any { return true })
	r.record(1, leaseCall{what: "renew", at: 30}, func() any {
		store := torn.renew(30)
		r.record(0, leaseCall{what: "evict", at: 30, mark: 0}, func() any { return torn.evict() })
		return store()
	})
	judgeCondemns.Holds(t, torn.word.live, "the mutant is no mutant")
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos} {
		legal := porcupine.CheckOperations(leaseSpec(rule), r.history())
		judgeCondemns.Holds(t, !legal, "rule %v:%s", rule, describe(r.history()))
	}
}

const (
	increment = "increment"
	rotate    = "rotate"
)

// meterSpec is one counter: a rotation answers with what it held and empties
// it.
func meterSpec() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return int64(0) },
		Step: func(state, input, output any) (bool, any) {
			counted := state.(int64)
			if input == increment {
				return true, counted + 1
			}
			return output == counted, int64(0)
		},
	}
}

// rotator is the one client that rotates: only then is what Count says after
// a Tick what that Tick drained. Count is no call of the history by itself: it
// shows a window for a moment longer than increments are counted into it.
type rotator struct {
	meter *ratemeter.MeasuredRate
	now   time.Time
}

func (r *rotator) rotate() any {
	r.now = r.now.Add(time.Second)
	if !r.meter.Tick(r.now) {
		return "no rotation"
	}
	return r.meter.Count()
}

// Interleavings hunted:
//
//  1. An increment falls between the swaps of two stripes: it is in this
//     rotation or in the next one, whichever stripe it hit.
//  2. An increment hits a stripe at the moment of its swap: it is in one of
//     the two.
//  3. Increments by stripe and by Increment share a stripe.
//  4. Rotations follow each other with increments under way all the time: the
//     last one finds what all others missed.
func TestConcurrentMeasuredRate(t *testing.T) {
	eachHistory(t, "tumbling meter", histories, func(t *testing.T, number uint64) {
		r := &recorder{}
		turns := newRotator(t)
		race(func(client int) {
			random := randomOf(number, client)
			for range callsEach {
				if client == 0 {
					r.record(client, rotate, turns.rotate)
				} else {
					r.record(client, increment, incrementBy(turns.meter, random))
				}
			}
		})
		r.record(0, rotate, turns.rotate)
		history := r.history()
		meterLinearizable.Holds(t, porcupine.CheckOperations(meterSpec(), history), "seed %d, history %d:%s", historySeed, number, describe(history))
		countedOnce.Holds(t, drained(history) == (clients-1)*callsEach, "seed %d, history %d:%s", historySeed, number, describe(history))
	})
}

func newRotator(t *testing.T) *rotator {
	meter := ratemeter.NewMeasuredRate(time.Second)
	if err := meter.Start(secondsOn(0)); err != nil {
		t.Fatal(err)
	}
	return &rotator{meter: meter, now: secondsOn(0)}
}

// incrementBy increments as the two kinds of callers do.
func incrementBy(meter *ratemeter.MeasuredRate, random *rand.Rand) func() any {
	byStripe, hint := random.IntN(2) == 0, random.Uint64()
	return func() any {
		if byStripe {
			meter.Stripe(hint).Increment()
		} else {
			meter.Increment()
		}
		return nil
	}
}

// drained is the sum of what the rotations answered.
func drained(history []porcupine.Operation) (sum int64) {
	for _, call := range history {
		if call.Input == rotate {
			sum += call.Output.(int64)
		}
	}
	return sum
}

// A meter that drains by loading and storing 0 loses the increment in
// between, and the judge has to see it.
func TestJudgeCondemnsALostIncrement(t *testing.T) {
	counter := int64(0)
	r := &recorder{}
	r.record(0, rotate, func() any {
		loaded := counter
		r.record(1, increment, func() any { counter++; return nil })
		counter = 0
		return loaded
	})
	r.record(0, rotate, func() any { return counter })
	judgeCondemns.Holds(t, !porcupine.CheckOperations(meterSpec(), r.history()), "%s", describe(r.history()))
}
