package replay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// bilibiliInputs is the life of a registry of bilibili/discovery: every call
// that reached it, in order.
type bilibiliInputs struct {
	T0        int64              `json:"t0"` // wall clock
	EndMillis int64              `json:"endMs"`
	Seed      int64              `json:"randSeed"`
	Tie       int64              `json:"tie"`     // the events are in this order already
	Outages   *[][]int64         `json:"outages"` // for readers; null if there are none
	Stalls    *[][]int64         `json:"stalls"`  // from, to; null if there are none
	Instances []bilibiliInstance `json:"instances"`
	Events    []int64            `json:"events"`
}

// bilibiliInstance is an instance, and its heartbeat period.
type bilibiliInstance struct {
	application, environment, zone, host string
	heartbeatMillis                      int64
}

func (b *bilibiliInstance) UnmarshalJSON(text []byte) error {
	fields := []any{&b.application, &b.environment, &b.zone, &b.host, &b.heartbeatMillis}
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	if len(values) != len(fields) {
		return fmt.Errorf("an instance with %d values, not %d", len(values), len(fields))
	}
	for i, value := range values {
		if err := json.Unmarshal(value, fields[i]); err != nil {
			return err
		}
	}
	return nil
}

type bilibiliOutputs struct {
	Ticks []bilibiliTick `json:"ticks"`
	Final []int64        `json:"final"`
}

// bilibiliTick is the task of a minute: a rotation and an eviction pass.
type bilibiliTick struct {
	Mono          int64   `json:"t"`
	LastMinute    int64   `json:"fac"`
	Expected      int64   `json:"exp"`
	Threshold     int64   `json:"thr"`
	Protected     bool    `json:"protect"`
	Size          int64   `json:"size"`
	Candidates    []int64 `json:"cand"`
	Limit         int64   `json:"limit"`
	Chosen        int64   `json:"toEvict"`
	Victims       []int64 `json:"victims"` // positions in Candidates
	SizeAfter     int64   `json:"sizeAfter"`
	ExpectedAfter int64   `json:"expAfter"`
}

func replayBilibili(line []byte, c *checker) error {
	var recorded caseOf[bilibiliInputs, bilibiliOutputs]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	run := &bilibiliRun{
		checker: c,
		in:      recorded.Inputs,
		ticks:   recorded.Outputs.Ticks,
		wall:    recorded.Inputs.T0,
		dirty:   make(map[int64]int64),
	}
	if err := run.open(); err != nil {
		return err
	}
	if err := run.plan(); err != nil {
		return err
	}
	if err := run.play(); err != nil {
		return err
	}
	c.check("number of ticks", run.ticked, len(run.ticks))
	checkEach(c, "final values", run.final(), recorded.Outputs.Final)
	return nil
}

// bilibiliRun feeds one recorded life to a kernel.
type bilibiliRun struct {
	*checker
	in     bilibiliInputs
	ticks  []bilibiliTick
	kernel *leasekernel.Kernel[int64, bilibiliInstance]

	mono, wall int64
	ticked     int
	dirty      map[int64]int64 // when a registered instance last changed, as it says

	order     []int64 // of the next pass's candidates
	collected []int64 // the last pass's candidates in that order
}

type bilibiliSnapshot = lease.Snapshot[int64, bilibiliInstance]

func (r *bilibiliRun) open() error {
	var err error
	r.kernel, err = leasekernel.New(r.now(), leasekernel.Bilibili(), leasekernel.Hooks[int64, bilibiliInstance]{
		Order:  r.reorder,
		Source: rand.New(rand.NewSource(r.in.Seed)),
	})
	return err
}

// plan checks that the passes which the kernel plans, on the monotonic clock and
// late where the process stood still, are the recorded ticks (quirk B14). It is a
// kernel of its own, since instants in a test cannot follow two clocks.
func (r *bilibiliRun) plan() error {
	if r.in.Stalls != nil && slices.ContainsFunc(*r.in.Stalls, func(stall []int64) bool { return len(stall) != 2 }) {
		return errors.New("a stall that is not from one instant to another")
	}
	planner, err := leasekernel.New(time.UnixMilli(0), leasekernel.Bilibili(), leasekernel.Hooks[int64, bilibiliInstance]{})
	if err != nil {
		return err
	}
	var planned, recorded []int64
	for _, tick := range r.ticks {
		at := r.awake(planner.Status(time.UnixMilli(0)).NextEviction.UnixMilli())
		planned, recorded = append(planned, at), append(recorded, tick.Mono)
		planner.Tick(time.UnixMilli(at))
	}
	checkEach(r.checker, "planned ticks", planned, recorded)
	return nil
}

// awake is when what is due at an instant happens: when a stall is over.
func (r *bilibiliRun) awake(at int64) int64 {
	if r.in.Stalls == nil {
		return at
	}
	for _, stall := range *r.in.Stalls {
		if at >= stall[0] && at < stall[1] {
			return stall[1]
		}
	}
	return at
}

// now is the wall clock's instant, by which leases are judged.
func (r *bilibiliRun) now() time.Time { return time.UnixMilli(r.wall) }

// nextTick is the meter's time at the next tick. The original's ticker is
// monotonic, and keeps one tick that comes late; the wall clock, by which leases
// are judged, steps. So the meter gets a time of its own.
func (r *bilibiliRun) nextTick() time.Time {
	return time.UnixMilli(r.in.T0).Add(time.Duration(r.ticked+1) * time.Minute)
}

// reorder puts the candidates in the order in which the original collected
// them.
func (r *bilibiliRun) reorder(_ time.Time, candidates []bilibiliSnapshot) {
	place := func(s bilibiliSnapshot) int { return slices.Index(r.order, s.Key()) }
	slices.SortFunc(candidates, func(a, b bilibiliSnapshot) int { return cmp.Compare(place(a), place(b)) })
	r.collected = nil
	for _, candidate := range candidates {
		r.collected = append(r.collected, candidate.Key())
	}
}

// play makes every recorded call.
func (r *bilibiliRun) play() error {
	for rest := r.in.Events; len(rest) > 0; r.step++ {
		if len(rest) < 2 {
			return errors.New("an event is cut off")
		}
		r.mono += rest[0]
		r.wall += rest[0]
		op := rest[1]
		if op < 0 || int(op) >= len(bilibiliArguments) {
			return fmt.Errorf("unknown event %d", op)
		}
		end := 2 + bilibiliArguments[op]
		if len(rest) < end {
			return errors.New("an event is cut off")
		}
		if err := r.apply(op, rest[2:end]); err != nil {
			return err
		}
		rest = rest[end:]
	}
	r.mono, r.wall = r.in.EndMillis, r.wall+r.in.EndMillis-r.mono
	return nil
}

// The events, as they are numbered in the recordings.
const (
	bilibiliRegister = iota
	bilibiliRenewed
	bilibiliNotRenewed
	bilibiliCancelled
	bilibiliNotCancelled
	bilibiliMinute
	bilibiliReset
	bilibiliClockStep
	bilibiliStall
	bilibiliSet
)

// bilibiliArguments is how many arguments each event has.
var bilibiliArguments = [...]int{3, 1, 1, 1, 1, 1, 2, 1, 1, 3}

func (r *bilibiliRun) apply(op int64, args []int64) error {
	switch op {
	case bilibiliRegister:
		return r.register(args[0], args[1], args[2])
	case bilibiliRenewed, bilibiliNotRenewed:
		r.check("renewed", r.kernel.Renew(r.now(), args[0]), op == bilibiliRenewed)
	case bilibiliCancelled, bilibiliNotCancelled:
		_, cancelled := r.kernel.Cancel(r.now(), args[0])
		r.check("cancelled", cancelled, op == bilibiliCancelled)
	case bilibiliMinute:
		return r.minute(args[0])
	case bilibiliReset:
		if update := r.kernel.Update(r.now()).Update; update.Err != nil {
			return update.Err
		}
		decision := r.kernel.Status(r.now()).Decision
		r.check("expected after the reset", int64(decision.Expected), args[0])
		r.check("threshold after the reset", int64(decision.Threshold), args[1])
	case bilibiliClockStep:
		r.wall += args[0]
	case bilibiliSet:
		r.set(args[0], args[1], args[2])
	case bilibiliStall: // told by what follows
	}
	return nil
}

// register does what the original's handler and registry do. What says that it
// is older than what they have is dropped: the old lease stays, and is not
// renewed (quirk B6).
func (r *bilibiliRun) register(instance, dirty, first int64) error {
	if instance < 0 || int(instance) >= len(r.in.Instances) {
		return fmt.Errorf("no instance %d", instance)
	}
	if dirty == 0 {
		dirty = r.wall
	}
	if _, known := r.kernel.Get(instance); known && dirty < r.dirty[instance] {
		r.check("first registration", recordedAs(false), first)
		return nil
	}
	r.dirty[instance] = dirty
	registration, err := r.kernel.Register(r.now(), instance, r.in.Instances[instance], lease.Term{})
	r.check("first registration", recordedAs(registration.Change.Kind == leasekernel.Registered), first)
	return err
}

// set changes an instance's status. It is dated as registrations are, and
// renews nothing (quirk B13).
func (r *bilibiliRun) set(instance, dirty, applied int64) {
	_, known := r.kernel.Get(instance)
	r.check("status set", recordedAs(known), applied)
	if known {
		r.dirty[instance] = dirty
	}
}

// minute is the task of a minute.
func (r *bilibiliRun) minute(index int64) error {
	if index < 0 || int(index) >= len(r.ticks) || index != int64(r.ticked) {
		return fmt.Errorf("tick %d comes as number %d of %d", index, r.ticked, len(r.ticks))
	}
	want := r.ticks[index]
	r.order = want.Candidates
	r.kernel.Rotate(r.nextTick())
	r.ticked++
	limit := r.limit()
	pass := r.kernel.Evict(r.now()).Eviction
	r.check("monotonic clock", r.mono, want.Mono)
	r.check("last minute", pass.Decision.Renewals, want.LastMinute)
	r.check("expected", int64(pass.Decision.Expected), want.Expected)
	r.check("threshold", int64(pass.Decision.Threshold), want.Threshold)
	r.check("protected", !pass.Decision.Allowed, want.Protected)
	r.check("size", int64(pass.Size), want.Size)
	checkEach(r.checker, "candidates", r.collected, want.Candidates)
	r.check("limit", limit, want.Limit)
	if pass.Decision.Allowed || pass.Ceiling {
		r.check("limit of the pass", int64(pass.Limit), want.Limit)
	}
	r.check("chosen", int64(len(pass.Evicted)+len(pass.Rescued)), want.Chosen)
	var victims []int64
	for _, change := range pass.Evicted {
		victims = append(victims, int64(slices.Index(want.Candidates, change.Lease.Key())))
	}
	checkEach(r.checker, "victims", victims, want.Victims)
	r.check("size after", int64(r.kernel.Len()), want.SizeAfter)
	r.check("expected after", int64(pass.After.Expected), want.ExpectedAfter)
	return nil
}

// limit is how many a pass may evict now. The original computes it in every
// pass; a pass of the kernel tells it unless it is withheld and evicts nobody,
// a verdict in any case, whomever it is about.
func (r *bilibiliRun) limit() int64 { return int64(r.kernel.Explain(r.now(), 0).Limit) }

// final is the state at the end: what is expected, the threshold, the renewals
// of the minute that has not ended and of the last one, the leases, and the
// applications that have one, counted by environment.
func (r *bilibiliRun) final() []int64 {
	status := r.kernel.Status(r.now())
	applications := make(map[[2]string]bool)
	for _, instance := range r.kernel.All() {
		applications[[2]string{instance.Holder().application, instance.Holder().environment}] = true
	}
	// Nothing shows a window before its end.
	counted := r.kernel.Rotate(r.nextTick()).Rotation
	return []int64{
		int64(status.Decision.Expected), int64(status.Decision.Threshold), counted.Renewals, status.Renewals,
		int64(status.Leases), int64(len(applications)),
	}
}
