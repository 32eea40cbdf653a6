package replay

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// scenarioInputs is a registry's life as the original lived it: its settings
// and every call, in order.
type scenarioInputs struct {
	T0               int64    `json:"t0"`
	Nano0            int64    `json:"nano0"`
	EndMillis        int64    `json:"endMs"`
	Percent          number   `json:"percent"`
	Interval         int64    `json:"interval"`
	SelfPreservation bool     `json:"selfPreservation"`
	EvictMillis      int64    `json:"evictIntervalMs"`
	RateMillis       int64    `json:"rateIntervalMs"`
	UpdateMillis     int64    `json:"thresholdUpdateMs"`
	WaitMillis       int64    `json:"waitMs"`
	JitterMillis     int64    `json:"jitterMaxMs"`
	Tie              int64    `json:"tie"`    // the events are in this order already
	Faults           string   `json:"faults"` // for readers
	Instances        []client `json:"instances"`
	Events           []int64  `json:"events"`
}

// client is an instance: its application, its id, and its lease's duration and
// heartbeat period.
type client struct {
	app, id string
	seconds int64
}

func (c *client) UnmarshalJSON(text []byte) error {
	var op operation
	if err := op.UnmarshalJSON(text); err != nil {
		return err
	}
	c.app = op.name
	var err error
	if len(op.args) != 3 {
		return fmt.Errorf("an instance with %d values, not 4", len(op.args)+1)
	}
	c.id = string(op.args[0])
	c.seconds, err = op.integer(1)
	return err
}

type scenarioOutputs struct {
	Ticks  []scenarioTick `json:"ticks"`
	Final  scenarioFinal  `json:"final"`
	Events int            `json:"events"`
}

// scenarioTick is one eviction pass.
type scenarioTick struct {
	Wall           int64     `json:"t"`
	Mono           int64     `json:"m"`
	Compensation   int64     `json:"comp"`
	Enabled        int64     `json:"en"`
	LastMinute     int64     `json:"lm"`
	Threshold      int64     `json:"th"`
	Expected       int64     `json:"ex"`
	Size           int64     `json:"sz"`
	Limit          int64     `json:"lim,omitempty"`
	Candidates     []int64   `json:"cand,omitempty"`
	Victims        []int64   `json:"vict,omitempty"`
	Removed        [][]int64 `json:"rem,omitempty"`
	ThresholdAfter *int64    `json:"th2,omitempty"`
	ExpectedAfter  *int64    `json:"ex2,omitempty"`
	Hash           string    `json:"h"`
}

type scenarioFinal struct {
	Expected   int64  `json:"expected"`
	Threshold  int64  `json:"threshold"`
	Size       int64  `json:"size"`
	LastMinute int64  `json:"lastMin"`
	Below      int64  `json:"below"`
	Evicted    int64  `json:"evicted"`
	Hash       string `json:"hash"`
}

func replayScenario(line []byte, c *checker) error {
	var recorded caseOf[scenarioInputs, scenarioOutputs]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	release, err := preserve.ParseRelease(recorded.Dialect)
	if err != nil {
		return err
	}
	run := &scenarioRun{
		checker: c,
		in:      recorded.Inputs,
		ticks:   recorded.Outputs.Ticks,
		ordered: release != preserve.EurekaV1_2_5,
		wall:    recorded.Inputs.T0,
		touched: make(map[int64]touch),
	}
	if err := run.open(release); err != nil {
		return err
	}
	if err := run.play(); err != nil {
		return err
	}
	c.check("events", run.events, recorded.Outputs.Events)
	c.check("number of ticks", run.ticked, len(run.ticks))
	run.checkFinal(recorded.Outputs.Final)
	return nil
}

// scenarioRun feeds one recorded life to a kernel.
type scenarioRun struct {
	*checker
	in      scenarioInputs
	ticks   []scenarioTick
	ordered bool // the order of the candidates was recorded
	kernel  *leasekernel.Kernel[int64, client]

	mono, wall     int64
	events, ticked int
	evicted        int64
	touched        map[int64]touch // by instance

	view  func() (int64, error) // for the next update
	order []int64               // of the next pass's candidates
	wrong error                 // what the order hook met
}

// touch is the last thing that kept a lease alive.
type touch struct{ mono, kind int64 }

// Kinds of touches, as recorded.
const (
	byRegistration = 0
	byRenewal      = 1
	byStatus       = 2
)

func (r *scenarioRun) open(release preserve.Release) error {
	config := leasekernel.Eureka(release)
	config.Percent = float64(r.in.Percent)
	config.SelfPreservation = r.in.SelfPreservation
	config.Term.Interval = time.Duration(r.in.Interval) * time.Second
	config.Window = millis(r.in.RateMillis)
	config.EvictionInterval = millis(r.in.EvictMillis)
	config.UpdateInterval = millis(r.in.UpdateMillis)
	config.WaitWhenSyncEmpty = millis(r.in.WaitMillis)
	var err error
	r.kernel, err = leasekernel.New(r.now(), config, leasekernel.Hooks[int64, client]{
		Order: r.reorder,
		View:  func(time.Time) (int64, error) { return r.view() },
		Nanos: func(time.Time) int64 { return r.in.Nano0 + r.mono*int64(time.Millisecond) },
	})
	return err
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func (r *scenarioRun) now() time.Time { return time.UnixMilli(r.wall) }

// reorder puts the candidates in the order in which the original collected
// them. They must be the same ones.
func (r *scenarioRun) reorder(_ time.Time, candidates []lease.Snapshot[int64, client]) {
	byKey := make(map[int64]lease.Snapshot[int64, client], len(candidates))
	for _, candidate := range candidates {
		byKey[candidate.Key()] = candidate
	}
	if got, want := slices.Sorted(maps.Keys(byKey)), slices.Sorted(slices.Values(r.order)); !slices.Equal(got, want) {
		r.wrong = fmt.Errorf("candidates are %v, recorded %v", got, want)
		return
	}
	for i, key := range r.order {
		candidates[i] = byKey[key]
	}
}

// play makes every recorded call.
func (r *scenarioRun) play() error {
	for rest := r.in.Events; len(rest) > 0; r.events++ {
		if len(rest) < 2 {
			return errors.New("an event is cut off")
		}
		r.step = r.events
		r.mono += rest[0]
		r.wall += rest[0]
		op := rest[1]
		length := 0
		if op == opSyncUp && len(rest) > 2 {
			length = 1 + int(rest[2])
		} else if op >= 0 && int(op) < len(scenarioArguments) {
			length = scenarioArguments[op]
		} else {
			return fmt.Errorf("unknown event %d", op)
		}
		if length > len(rest)-2 || length < scenarioArguments[op] {
			return errors.New("an event is cut off")
		}
		if err := r.apply(op, rest[2:2+length]); err != nil {
			return err
		}
		rest = rest[2+length:]
	}
	r.mono, r.wall = r.in.EndMillis, r.wall+r.in.EndMillis-r.mono
	return nil
}

// The events, as they are numbered in the recordings.
const (
	opRegister = iota
	opRenewed
	opNotRenewed
	opCancelled
	opNotCancelled
	opRotate
	opEvict
	opUpdate
	opClockStep
	opPause
	opOpen
	opInit
	opSelfPreservation
	opPercent
	opStatus
	opSyncUp
	opUpdateFails
	opNoStatus
	opRenewThrows
)

// scenarioArguments is how many arguments each event has; a sync-up has as
// many more as its first one says.
var scenarioArguments = [...]int{3, 1, 1, 1, 1, 1, 1, 3, 1, 1, 3, 0, 1, 1, 2, 1, 0, 1, 1}

func (r *scenarioRun) apply(op int64, args []int64) error {
	switch op {
	case opRegister:
		return r.register(args[0], args[1], r.kernel.Register)
	case opRenewed, opNotRenewed, opRenewThrows:
		renewed := r.kernel.Renew(r.now(), args[0])
		r.touch(args[0], byRenewal, renewed)
		r.check("renewed", renewed, op == opRenewed)
	case opStatus, opNoStatus:
		renewed := r.kernel.RenewUncounted(r.now(), args[0])
		r.touch(args[0], byStatus, renewed)
		r.check("status changed", renewed, op == opStatus)
	case opCancelled, opNotCancelled:
		_, cancelled := r.kernel.Cancel(r.now(), args[0])
		r.check("cancelled", cancelled, op == opCancelled)
	case opSyncUp:
		for _, instance := range args[1:] {
			if instance < 0 || int(instance) >= len(r.in.Instances) {
				return fmt.Errorf("no instance %d", instance)
			}
			if err := r.register(instance, r.in.Instances[instance].seconds, r.kernel.Load); err != nil {
				return err
			}
		}
	case opClockStep:
		r.wall += args[0]
	case opSelfPreservation:
		r.kernel.SetSelfPreservation(boolean(args[0]))
	case opPercent:
		return r.kernel.SetPercent(float64(args[0]) / 1000)
	case opInit, opPause: // New did the one, and the other is told by what follows
	default:
		return r.pass(op, args)
	}
	return nil
}

// register does what the original's register does with an instance that is up.
func (r *scenarioRun) register(instance, seconds int64, how func(time.Time, int64, client, lease.Term) (leasekernel.Registration[int64, client], error)) error {
	if instance < 0 || int(instance) >= len(r.in.Instances) {
		return fmt.Errorf("no instance %d", instance)
	}
	term := lease.Term{Duration: time.Duration(seconds) * time.Second, Interval: 30 * time.Second}
	registration, err := how(r.now(), instance, r.in.Instances[instance], term)
	if err != nil {
		return err
	}
	registration.Handle.Lease().ServiceUp(r.now())
	r.touch(instance, byRegistration, true)
	return nil
}

func (r *scenarioRun) touch(instance, kind int64, did bool) {
	if did {
		r.touched[instance] = touch{r.mono, kind}
	}
}

// pass makes the calls of the timers, and of the operator.
func (r *scenarioRun) pass(op int64, args []int64) error {
	switch op {
	case opRotate:
		r.kernel.Rotate(r.now())
		r.check("last minute", r.kernel.Status(r.now()).Renewals, args[0])
		return nil
	case opEvict:
		return r.evict(args[0])
	case opOpen:
		if err := r.kernel.Open(r.now(), args[0]); err != nil {
			return err
		}
		return r.checkExpectation(args[1:])
	case opUpdate:
		r.view = func() (int64, error) { return args[0], nil }
		if update := r.kernel.Update(r.now()).Update; update.Err != nil {
			return update.Err
		}
		return r.checkExpectation(args[1:])
	}
	unreachable := errors.New("the client threw")
	r.view = func() (int64, error) { return 0, unreachable }
	r.check("update failed", r.kernel.Update(r.now()).Update.Err, unreachable)
	return nil
}

func (r *scenarioRun) checkExpectation(want []int64) error {
	decision := r.kernel.Status(r.now()).Decision
	r.check("expected", int64(decision.Expected), want[0])
	r.check("threshold", int64(decision.Threshold), want[1])
	return nil
}

func (r *scenarioRun) evict(index int64) error {
	if index < 0 || int(index) >= len(r.ticks) || index != int64(r.ticked) {
		return fmt.Errorf("pass %d comes as number %d of %d", index, r.ticked, len(r.ticks))
	}
	want := r.ticks[index]
	r.ticked++
	r.order = want.Candidates
	if !r.ordered {
		r.order = want.Victims
	}
	pass := r.kernel.Evict(r.now()).Eviction
	if r.wrong != nil {
		return r.wrong
	}
	r.check("wall clock", r.wall, want.Wall)
	r.check("monotonic clock", r.mono, want.Mono)
	r.check("compensation", pass.Compensation.Milliseconds(), want.Compensation)
	r.check("enabled", recordedAs(pass.Decision.Allowed), want.Enabled)
	r.check("last minute", pass.Decision.Renewals, want.LastMinute)
	r.check("threshold", int64(pass.Decision.Threshold), want.Threshold)
	r.check("expected", int64(pass.Decision.Expected), want.Expected)
	r.check("size", int64(pass.Size), want.Size)
	r.check("limit", int64(pass.Limit), want.Limit)
	r.check("number of candidates", pass.Candidates, len(r.order))
	r.checkVictims(pass, want)
	r.check("state", r.state(), want.Hash)
	return nil
}

// checkVictims compares who was evicted, and what became of the expectation.
func (r *scenarioRun) checkVictims(pass *leasekernel.Eviction[int64, client], want scenarioTick) {
	var victims []int64
	var removed [][]int64
	for _, change := range pass.Evicted {
		key := change.Lease.Key()
		victims = append(victims, key)
		last := r.touched[key]
		removed = append(removed, []int64{key, r.mono - last.mono, last.kind})
		r.check(fmt.Sprintf("%d was renewed", key), change.Lease.Renewed(), last.kind != byRegistration)
	}
	r.evicted += int64(len(victims))
	r.check("rescued", len(pass.Rescued), 0)
	checkEach(r.checker, "victims", victims, want.Victims)
	checkEach(r.checker, "removed", removed, want.Removed)
	if len(victims) > 0 {
		expected, threshold := int64(pass.After.Expected), int64(pass.After.Threshold)
		r.check("threshold after", &threshold, want.ThresholdAfter)
		r.check("expected after", &expected, want.ExpectedAfter)
	} else {
		r.check("nothing after", want.ThresholdAfter == nil && want.ExpectedAfter == nil, true)
	}
}

func (r *scenarioRun) checkFinal(want scenarioFinal) {
	status := r.kernel.Status(r.now())
	r.check("final expected", int64(status.Decision.Expected), want.Expected)
	r.check("final threshold", int64(status.Decision.Threshold), want.Threshold)
	r.check("final size", int64(status.Leases), want.Size)
	r.check("final last minute", status.Renewals, want.LastMinute)
	r.check("final below", recordedAs(status.Below), want.Below)
	r.check("evicted", r.evicted, want.Evicted)
	r.check("final state", r.state(), want.Hash)
}

// state is the hash of what the original publishes of all leases.
func (r *scenarioRun) state() string {
	leases := maps.Collect(r.kernel.All())
	hash := fnv.New64a()
	for _, key := range slices.Sorted(maps.Keys(leases)) {
		at := leases[key].Published()
		fmt.Fprintf(hash, "%d:%d:%d:%d:%d\n", key, at.Registration, at.LastRenewal, at.ServiceUp, at.Eviction)
	}
	return fmt.Sprintf("%016x", hash.Sum64())
}
