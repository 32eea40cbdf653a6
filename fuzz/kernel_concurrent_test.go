package fuzz

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

const (
	kernelLinearizable law = "every concurrent history of a key is one that its calls, one after the other, could have shown"
	answeredIsAlive    law = "a renewal that was answered is never followed by the eviction of that lease at an instant up to its own + the term"
	departsOnce        law = "each lease begins once and leaves at most once, and the reports of all passes together tell it once"
	changesAddUp       law = "those who came less those who left are those who are there"
	expectationAddsUp  law = "what is expected is what those who are there promise"
	renewalsAddUp      law = "every renewal that was answered is counted once"
)

const kernelHistories = 1500

// kernelCall is a call of a client. Instants are seconds after the start; of
// is the number of the lease that a handle leads to.
type kernelCall struct {
	what string
	key  int
	at   int64
	of   int
}

// kernelAnswer is what a call shows: of the lease that it found, replaced,
// ended or evicted the number, and the last second before it expires.
type kernelAnswer struct {
	ok       bool
	number   int
	deadline int64
}

// keyLease is the lease of a key, if ok is set.
type keyLease = kernelAnswer

// kernelSpec is a kernel of which one client at a time uses one key. A pass is
// a call for each key, which evicts or does not: what it did not evict it may
// have seen before it expired, or while it was another lease.
func kernelSpec() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			keys := make([][]porcupine.Operation, historyKernelKeys)
			for _, call := range history {
				key := call.Input.(kernelCall).key
				keys[key] = append(keys[key], call)
			}
			return keys
		},
		Init: func() any { return keyLease{} },
		Step: func(state, input, output any) (bool, any) {
			s := state.(keyLease)
			legal := stepKey(&s, input.(kernelCall), output.(kernelAnswer))
			return legal, s
		},
	}
}

// stepKey makes a call, and reports whether it could have been answered so.
func stepKey(s *keyLease, call kernelCall, answer kernelAnswer) (legal bool) {
	was := *s
	switch call.what {
	case "register":
		*s = keyLease{ok: true, number: call.of, deadline: call.at + termLength}
		return answer == was
	case "renew", "renew by handle":
		alive := s.ok && (call.what == "renew" || s.number == call.of)
		if alive {
			s.deadline = max(s.deadline, call.at+termLength)
		}
		return answer.ok == alive
	case "cancel":
		*s = keyLease{}
		return answer == was
	case "get":
		return answer == was
	case "pass":
		if !answer.ok {
			return true
		}
		*s = keyLease{}
		return answer == was && call.at > was.deadline
	}
	panic("unknown call " + call.what)
}

// historyKernelKeys are so few that clients meet.
const historyKernelKeys = 2

// kernelClients are the clients of one kernel, of whom the first runs passes.
type kernelClients struct {
	recorder
	kernel  *intKernel
	numbers atomic.Int64
	handles [clients][]numberedHandle // each used by its client only
	reports []intKernelReport
}

// numberedHandle leads to the lease of a number, which its holder is.
type numberedHandle struct {
	leasekernel.Handle[int, int]
	of int
}

// bare is a kernel that withholds nothing and has no limit: it evicts whoever
// has expired. Leases last for termLength, and the meter is small.
func bare(config leasekernel.Config) leasekernel.Config {
	config.Term.Duration, config.Term.Interval = termLength*time.Second, termLength/2*time.Second
	config.SelfPreservation, config.Percent, config.Steps = false, 0, 1
	return config
}

func newKernelClients(t *testing.T, config leasekernel.Config, hooks leasekernel.Hooks[int, int]) *kernelClients {
	kernel, err := leasekernel.New(secondsOn(0), config, hooks)
	if err != nil {
		t.Fatal(err)
	}
	return &kernelClients{kernel: kernel}
}

func (c *kernelClients) do(client int, call kernelCall) {
	if call.what == "pass" {
		c.pass(client, call.at)
		return
	}
	if call.what == "register" {
		call.of = int(c.numbers.Add(1))
	}
	c.record(client, call, func() any { return c.call(client, call) })
}

func (c *kernelClients) call(client int, call kernelCall) kernelAnswer {
	now := secondsOn(call.at)
	switch call.what {
	case "register":
		granted, err := c.kernel.Register(now, call.key, call.of, lease.Term{})
		if err != nil {
			panic(err)
		}
		c.handles[client] = append(c.handles[client], numberedHandle{granted.Handle, call.of})
		return answerOf(granted.Change.Old, granted.Change.Kind == leasekernel.Replaced)
	case "renew":
		return kernelAnswer{ok: c.kernel.Renew(now, call.key)}
	case "renew by handle":
		handle := slices.IndexFunc(c.handles[client], func(h numberedHandle) bool { return h.of == call.of })
		return kernelAnswer{ok: c.handles[client][handle].Renew(now)}
	case "cancel":
		change, ok := c.kernel.Cancel(now, call.key)
		return answerOf(change.Lease, ok)
	case "get":
		return answerOf(c.kernel.Get(call.key))
	}
	panic("unknown call " + call.what)
}

func answerOf(held heldLease, ok bool) kernelAnswer {
	if !ok {
		return kernelAnswer{}
	}
	return kernelAnswer{true, held.Holder(), int64(held.Deadline().Sub(secondsOn(0)) / time.Second)}
}

// pass runs a pass, which is a call for each key.
func (c *kernelClients) pass(client int, at int64) {
	called := c.moment.Add(1)
	report := c.kernel.EvictForgiving(secondsOn(at), 0)
	returned := c.moment.Add(1)
	c.reports = append(c.reports, report)
	for key := range historyKernelKeys {
		answer := kernelAnswer{}
		for _, change := range report.Eviction.Evicted {
			if change.Key == key {
				answer = answerOf(change.Lease, true)
			}
		}
		c.calls[client] = append(c.calls[client], porcupine.Operation{
			ClientId: client, Input: kernelCall{what: "pass", key: key, at: at}, Call: called, Output: answer, Return: returned,
		})
	}
}

// live draws one client's calls and makes them. Instants lie around the
// deadlines, not always in order.
func (c *kernelClients) live(client int, random *rand.Rand) {
	for range callsEach {
		call := kernelCall{what: "pass", at: random.Int64N(4 * termLength), key: random.IntN(historyKernelKeys)}
		if client > 0 {
			call.what = []string{"register", "register", "renew", "renew", "renew by handle", "renew by handle", "cancel", "get"}[random.IntN(8)]
		}
		if call.what == "renew by handle" {
			if len(c.handles[client]) == 0 {
				continue
			}
			handle := c.handles[client][random.IntN(len(c.handles[client]))]
			call.of, call.key = handle.of, handle.Lease().Key()
		}
		c.do(client, call)
	}
}

// Interleavings hunted:
//
//  1. A renewal is answered between the collection of a lease and its
//     eviction, by key and by handle: the lease is rescued.
//  2. A lease is replaced between its collection and its eviction: the new one
//     stays, and the old one is not evicted a second time.
//  3. A lease is cancelled while a pass evicts it: one of both has it.
//  4. Two registrations of a key at once: each replaces what it says.
//  5. A renewal by handle while its lease is replaced: it renews the old one
//     before, or nobody.
//  6. Changes while a report is put together: each is in this one or in the
//     next, and none of them before one that it follows.
func TestKernelIsLinearizable(t *testing.T) {
	for preset, config := range map[string]leasekernel.Config{"exact": leasekernel.Exact(), "bilibili": leasekernel.Bilibili()} {
		t.Run(preset, func(t *testing.T) {
			onProcessors(t, func(t *testing.T) {
				for number := range uint64(kernelHistories / len(processors)) {
					c := newKernelClients(t, bare(config), leasekernel.Hooks[int, int]{Order: func(time.Time, []heldLease) { runtime.Gosched() }})
					race(func(client int) { c.live(client, randomOf(number, client)) })
					c.pass(0, 100) // and evicts all who are left
					history := c.history()
					kernelLinearizable.holds(t, porcupine.CheckOperations(kernelSpec(), history), "seed %d, history %d:%s", historySeed, number, describe(history))
					c.checkReports(t, history)
				}
			})
		})
	}
}

// checkReports compares what all reports tell with what the calls answered.
func (c *kernelClients) checkReports(t *testing.T, history []porcupine.Operation) {
	answered := make(map[leasekernel.Kind]int)
	for _, call := range history {
		answer := call.Output.(kernelAnswer)
		switch what := call.Input.(kernelCall).what; {
		case what == "register" && answer.ok:
			answered[leasekernel.Replaced]++
		case what == "register":
			answered[leasekernel.Registered]++
		case what == "cancel" && answer.ok:
			answered[leasekernel.Cancelled]++
		case what == "pass" && answer.ok:
			answered[leasekernel.Evicted]++
		}
	}
	told := make(map[leasekernel.Kind]int)
	began, sequence := make(map[int]bool), uint64(0)
	for _, report := range c.reports {
		for _, change := range report.Changes {
			told[change.Kind]++
			departsOnce.holds(t, change.Sequence > sequence, "number %d comes after %d:%s", change.Sequence, sequence, describe(history))
			sequence = change.Sequence
			number := change.Lease.Holder()
			begins := change.Kind == leasekernel.Registered || change.Kind == leasekernel.Replaced
			departsOnce.holds(t, began[number] != begins, "lease %d is %v:%s", number, change.Kind, describe(history))
			began[number] = begins
			if change.Kind == leasekernel.Replaced {
				departsOnce.holds(t, began[change.Old.Holder()], "lease %d is replaced:%s", change.Old.Holder(), describe(history))
				delete(began, change.Old.Holder())
			}
		}
	}
	departsOnce.holds(t, fmt.Sprint(told) == fmt.Sprint(answered), "%v are told, %v were answered:%s", told, answered, describe(history))
	changesAddUp.holds(t, c.kernel.Len() == 0, "%d are left", c.kernel.Len())
}

// The judge has to be able to say no. Interleavings 1 and 2, made by hand by a
// hook between collection and eviction: with the kernel as it is the history is
// fine; with one that evicts by key, as Eureka does (quirk E7), the renewal
// that was answered is lost, and so is the registration.
func TestJudgeCondemnsEvictionByKey(t *testing.T) {
	for _, meanwhile := range []string{"renew", "renew by handle", "register"} {
		for _, byKey := range []bool{false, true} {
			config := bare(leasekernel.Exact())
			config.EvictByKey = byKey
			var c *kernelClients
			c = newKernelClients(t, config, leasekernel.Hooks[int, int]{Order: func(time.Time, []heldLease) {
				c.do(1, kernelCall{what: meanwhile, at: 30, of: 1})
			}})
			c.do(1, kernelCall{what: "register", at: 0})
			c.do(0, kernelCall{what: "pass", at: 30})
			legal := porcupine.CheckOperations(kernelSpec(), c.history())
			judgeCondemns.holds(t, legal == !byKey, "%s, by key %t, legal %t:%s", meanwhile, byKey, legal, describe(c.history()))
		}
	}
}

// Each thing that the judge asks of a key is also answered with no.
func TestJudgeCondemnsWrongStoriesOfAKernel(t *testing.T) {
	alive := kernelAnswer{true, 1, termLength}
	for what, wrong := range map[string]struct {
		call   kernelCall
		answer kernelAnswer
	}{
		"evicted at its deadline":           {kernelCall{what: "pass", at: termLength}, alive},
		"evicted with another deadline":     {kernelCall{what: "pass", at: 30}, kernelAnswer{true, 1, 9}},
		"another lease is evicted":          {kernelCall{what: "pass", at: 30}, kernelAnswer{true, 2, termLength}},
		"renewed, and answered no":          {kernelCall{what: "renew", at: 1}, kernelAnswer{}},
		"a handle of nobody renews":         {kernelCall{what: "renew by handle", at: 1, of: 2}, kernelAnswer{ok: true}},
		"registered where somebody is":      {kernelCall{what: "register", at: 1, of: 2}, kernelAnswer{}},
		"cancelled, and nobody was there":   {kernelCall{what: "cancel", at: 1}, kernelAnswer{}},
		"nobody is found":                   {kernelCall{what: "get"}, kernelAnswer{}},
		"somebody is found who is not here": {kernelCall{what: "get"}, kernelAnswer{true, 2, termLength}},
	} {
		r := &recorder{}
		r.record(0, kernelCall{what: "register", of: 1}, func() any { return kernelAnswer{} })
		r.record(0, wrong.call, func() any { return wrong.answer })
		judgeCondemns.holds(t, !porcupine.CheckOperations(kernelSpec(), r.history()), "%s:%s", what, describe(r.history()))
	}
}

// tracked is what a lease is granted to: the lease itself remembers what was
// answered about it.
type tracked struct {
	last      atomic.Int64 // the latest renewal that was answered, in milliseconds
	interval  time.Duration
	begun     int // told by reports
	departed  int
	cancelled bool // answered to its owner
}

func (l *tracked) answered(at int64) {
	for {
		seen := l.last.Load()
		if at <= seen || l.last.CompareAndSwap(seen, at) {
			return
		}
	}
}

type (
	trackedKernel = leasekernel.Kernel[int, *tracked]
	trackedHandle = leasekernel.Handle[int, *tracked]
	trackedReport = leasekernel.Report[int, *tracked]
)

// crowd is many clients of one kernel whose clock moves on with every pass.
type crowd struct {
	kernel  *trackedKernel
	millis  atomic.Int64 // the clock
	over    atomic.Bool
	renewed atomic.Int64 // renewals that were answered and count
	granted atomic.Int64
	left    atomic.Int64 // cancels that were answered
	open    [crowdClients * keysOfOne]atomic.Pointer[trackedHandle]
	reports []trackedReport
}

const (
	crowdClients = 4
	keysOfOne    = 16
	crowdPasses  = 5000
	passStep     = 500 // milliseconds
)

func newCrowd(t *testing.T, config leasekernel.Config) *crowd {
	kernel, err := leasekernel.New(secondsOn(0), config, leasekernel.Hooks[int, *tracked]{
		Order: func(time.Time, []lease.Snapshot[int, *tracked]) { runtime.Gosched() }, // so that others come in between
	})
	if err != nil {
		t.Fatal(err)
	}
	if config.Opens() {
		if err := kernel.Open(secondsOn(0), 1); err != nil {
			t.Fatal(err)
		}
	}
	c := &crowd{kernel: kernel}
	c.millis.Store(1000) // the meter's window does not include its origin
	return c
}

func (c *crowd) now() (millis int64, now time.Time) {
	millis = c.millis.Load()
	return millis, secondsOn(0).Add(time.Duration(millis) * time.Millisecond)
}

// passes runs the passes, while all others run, and then a last one.
func (c *crowd) passes() {
	for range crowdPasses {
		c.millis.Add(passStep)
		_, now := c.now()
		c.reports = append(c.reports, c.kernel.Tick(now))
		runtime.Gosched()
	}
	c.over.Store(true)
}

// own is the life of those who register: nobody else registers or cancels
// their keys.
func (c *crowd) own(client int) {
	random := rand.New(rand.NewPCG(historySeed, uint64(client)))
	for !c.over.Load() {
		key := client*keysOfOne + random.IntN(keysOfOne)
		switch random.IntN(8) {
		case 0:
			c.register(random, key)
		case 1:
			if change, ok := c.kernel.Cancel(secondsOn(0).Add(time.Duration(c.millis.Load())*time.Millisecond), key); ok {
				change.Lease.Holder().cancelled = true
				c.left.Add(1)
			}
		default:
			c.renewOwn(random, key)
		}
		runtime.Gosched()
	}
}

func (c *crowd) register(random *rand.Rand, key int) {
	l := &tracked{interval: time.Duration(1+random.IntN(termLength-1)) * time.Second}
	millis, now := c.now()
	l.last.Store(millis)
	granted, err := c.kernel.Register(now, key, l, lease.Term{Duration: termLength * time.Second, Interval: l.interval})
	if err != nil {
		panic(err)
	}
	c.granted.Add(1)
	c.open[key].Store(&granted.Handle)
}

// renewOwn renews by key, alone or among others, or by handle. Nobody else
// registers the key, so that who is there is the one whom its handle knows.
func (c *crowd) renewOwn(random *rand.Rand, key int) {
	handle := c.open[key].Load()
	if handle == nil {
		return
	}
	millis, now := c.now()
	ok := false
	switch random.IntN(3) {
	case 0:
		ok = handle.Renew(now)
	case 1:
		ok = c.kernel.Renew(now, key)
	case 2:
		count, err := c.kernel.RenewAll(now, []int{key, -1}, nil)
		ok = count == 1 && err == nil
	}
	if ok {
		handle.Lease().Holder().answered(millis)
		c.renewed.Add(1)
	}
}

// help renews everybody's leases by their handles, some of which have long
// left.
func (c *crowd) help() {
	random := rand.New(rand.NewPCG(historySeed, crowdClients))
	for !c.over.Load() {
		if handle := c.open[random.IntN(len(c.open))].Load(); handle != nil {
			millis, now := c.now()
			runtime.Gosched() // so that it often comes late
			if handle.Renew(now) {
				handle.Lease().Holder().answered(millis)
				c.renewed.Add(1)
			}
		}
	}
}

// watch asks for all that can be asked.
func (c *crowd) watch() {
	for key := 0; !c.over.Load(); key = (key + 1) % len(c.open) {
		_, now := c.now()
		c.kernel.Explain(now, key)
		c.kernel.Status(now)
		c.kernel.Next()
		for range c.kernel.All() {
			break
		}
		runtime.Gosched()
	}
}

// Interleavings hunted, beside those above:
//
//  1. A renewal that began before a pass is answered while it runs.
//  2. A renewal with an older instant than another's: it shortens nothing.
//  3. An eviction lowers what is expected while a registration raises it.
//  4. A renewal is counted while the meter rotates or is read.
//  5. A shard gives memory back while leases in it are renewed and evicted.
func TestAnsweredRenewalsHoldWhilePassesRun(t *testing.T) {
	exact := bare(leasekernel.Exact())
	exact.EvictionInterval, exact.Window = time.Second, 2*time.Hour
	eureka := bare(leasekernel.Eureka(preserve.EurekaV1_9_17))
	eureka.EvictionInterval, eureka.Window = time.Second, 10*time.Second
	eureka.UpdateInterval = 24 * time.Hour
	for name, config := range map[string]leasekernel.Config{"exact": exact, "eureka": eureka} {
		t.Run(name, func(t *testing.T) {
			onProcessors(t, func(t *testing.T) {
				c := newCrowd(t, config)
				var running sync.WaitGroup
				for client := range crowdClients {
					running.Go(func() { c.own(client) })
				}
				if name == "exact" { // Eureka's renewals move deadlines back, too (quirk L8)
					running.Go(c.help)
				}
				running.Go(c.watch)
				c.passes()
				running.Wait()
				c.check(t)
			})
		})
	}
}

// check knows all laws, when all is over.
func (c *crowd) check(t *testing.T) {
	c.reports = append(c.reports, c.kernel.Rotate(secondsOn(0)))
	kinds := make(map[leasekernel.Kind]int)
	rotated := int64(0)
	for _, report := range c.reports {
		for _, change := range report.Changes {
			kinds[change.Kind]++
			c.checkChange(t, change)
		}
		if report.Rotation != nil {
			rotated += report.Rotation.Renewals
		}
	}
	came, left := kinds[leasekernel.Registered], kinds[leasekernel.Cancelled]+kinds[leasekernel.Evicted]
	changesAddUp.holds(t, came-left == c.kernel.Len(), "%d came, %d left, and %d are there", came, left, c.kernel.Len())
	departsOnce.holds(t, int64(came+kinds[leasekernel.Replaced]) == c.granted.Load(), "%v are told of %d that were granted", kinds, c.granted.Load())
	departsOnce.holds(t, int64(kinds[leasekernel.Cancelled]) == c.left.Load(), "%v are told of %d that were cancelled", kinds, c.left.Load())
	changesAddUp.holds(t, kinds[leasekernel.Evicted] > 0 && kinds[leasekernel.Replaced] > 0, "nothing happened: %v", kinds)

	status := c.kernel.Status(secondsOn(7200))
	changesAddUp.holds(t, status.Registered == uint64(came) && status.Evicted == uint64(kinds[leasekernel.Evicted]), "%+v", status)
	there, promised := 0, 0.0
	for _, held := range c.kernel.All() {
		there++
		promised += 7200 / held.Holder().interval.Seconds()
	}
	changesAddUp.holds(t, there == status.Leases, "%d are met of %d", there, status.Leases)
	if status.Decision.Clients {
		expectationAddsUp.holds(t, status.Decision.Expected == float64(there+1), "%v are expected of %d", status.Decision.Expected, there)
		_, now := c.now()
		last := c.kernel.Rotate(now.Add(time.Hour))
		renewalsAddUp.holds(t, rotated+last.Rotation.Renewals == c.renewed.Load(), "%d of %d", rotated+last.Rotation.Renewals, c.renewed.Load())
		return
	}
	off := status.Decision.Expected - promised
	expectationAddsUp.holds(t, off < 1e-6 && off > -1e-2, "%v are expected, and %v promised", status.Decision.Expected, promised)
	renewalsAddUp.holds(t, status.Renewals == c.renewed.Load(), "%d of %d", status.Renewals, c.renewed.Load())
}

func (c *crowd) checkChange(t *testing.T, change leasekernel.Change[int, *tracked]) {
	l := change.Lease.Holder()
	switch change.Kind {
	case leasekernel.Registered, leasekernel.Replaced:
		l.begun++
	default:
		l.departed++
	}
	if change.Kind == leasekernel.Replaced {
		old := change.Old.Holder()
		old.departed++
		departsOnce.holds(t, old.begun == 1 && old.departed == 1, "%d: replaced after %d beginnings and %d ends", change.Key, old.begun, old.departed)
	}
	departsOnce.holds(t, l.begun == 1 && l.departed <= 1, "%d: %v after %d beginnings and %d ends", change.Key, change.Kind, l.begun, l.departed)
	departsOnce.holds(t, l.cancelled == (change.Kind == leasekernel.Cancelled) || l.departed == 0, "%d is %v, and was answered %t", change.Key, change.Kind, l.cancelled)
	if change.Kind == leasekernel.Evicted {
		silence := change.At.Sub(secondsOn(0)) - time.Duration(l.last.Load())*time.Millisecond
		answeredIsAlive.holds(t, silence > termLength*time.Second, "%d is evicted %v after a renewal that was answered", change.Key, silence)
	}
}

// Interleaving hunted: any two methods at once. What comes out depends on who
// is first, but the counts agree in the end, and nobody waits for ever.
func TestAllMethodsAtOnce(t *testing.T) {
	for _, release := range []preserve.Release{0, preserve.EurekaV1_2_5, preserve.EurekaV1_9_17, preserve.Bilibili} {
		config := leasekernel.Exact()
		switch release {
		case 0:
		case preserve.Bilibili:
			config = leasekernel.Bilibili()
		default:
			config = leasekernel.Eureka(release)
		}
		onProcessors(t, func(t *testing.T) { checkAllMethods(t, bare(config)) })
	}
}

func checkAllMethods(t *testing.T, config leasekernel.Config) {
	kernel, err := leasekernel.New(secondsOn(0), config, leasekernel.Hooks[int, int]{View: func(time.Time) (int64, error) { return 1, errors.New("no view") }})
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Int64
	tell := func(report intKernelReport) { told.Add(int64(len(report.Changes))) }
	var running sync.WaitGroup
	for _, call := range []func(now time.Time, key int){
		func(now time.Time, key int) { _, _ = kernel.Register(now, key, 0, lease.Term{}) },
		func(now time.Time, key int) { _, _ = kernel.Load(now, key, 0, config.Term) },
		func(now time.Time, key int) { kernel.Renew(now, key) },
		func(now time.Time, key int) { kernel.RenewReplicated(now, key) },
		func(now time.Time, key int) { kernel.RenewUncounted(now, key) },
		func(now time.Time, key int) { _, _ = kernel.RenewAll(now, []int{key, key + 1}, nil) },
		func(now time.Time, key int) { kernel.Cancel(now, key) },
		func(now time.Time, _ int) { tell(kernel.Tick(now)) },
		func(now time.Time, _ int) { tell(kernel.Rotate(now)) },
		func(now time.Time, _ int) { tell(kernel.Evict(now)) },
		func(now time.Time, _ int) { tell(kernel.EvictForgiving(now, time.Second)) },
		func(now time.Time, _ int) { tell(kernel.Update(now)) },
		func(now time.Time, _ int) { _ = kernel.Open(now, 1) },
		func(now time.Time, key int) { kernel.Explain(now, key) },
		func(now time.Time, _ int) { kernel.Status(now) },
		func(_ time.Time, key int) { kernel.SetSelfPreservation(key%2 == 0) },
		func(_ time.Time, key int) { _ = kernel.SetPercent(float64(key) / kernelKeys) },
		func(time.Time, int) { kernel.Next() },
		func(time.Time, int) {
			for range kernel.All() {
				runtime.Gosched()
			}
		},
	} {
		running.Go(func() {
			for second := range int64(300) {
				call(secondsOn(second), int(second)%kernelKeys)
			}
		})
	}
	running.Wait()
	kernel.Stop()
	tell(kernel.Rotate(secondsOn(0)))
	status := kernel.Status(secondsOn(0))
	all := status.Registered + status.Replaced + status.Cancelled + status.Evicted
	departsOnce.holds(t, uint64(told.Load()) == all, "%d are told of %d", told.Load(), all)
	changesAddUp.holds(t, status.Registered-status.Cancelled-status.Evicted == uint64(kernel.Len()), "%+v", status)
	if status.Decision.Rule == "exact" {
		promise := (2 * config.Term.Interval).Seconds() / config.Term.Interval.Seconds()
		expectationAddsUp.holds(t, status.Decision.Expected == promise*float64(kernel.Len()), "%+v", status)
	}
}
