package fuzz

import (
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var (
	threadsBoundRequests = law.New("threads-bound-requests", "Nacos's client has no more requests out than threads")
	registersWhenAsked   = law.New("registers-when-asked", "Nacos's answer 20404 has the instance registered at once, before any beat, even if it was removed meanwhile")
	removedIsNotSent     = law.New("removed-is-not-sent", "an instance that was removed or replaced sends no beat any more")
	lightAsAnswered      = law.New("light-as-answered", "beats are light if and only if the answer that came last allowed it")
	sentInOrder          = law.New("sent-in-order", "a beat is sent as soon as it is due and a thread is free, those of one instant in the order of scheduling")
	wakesWhenDue         = law.New("wakes-when-due", "a beat follows the report of the last by the answered interval, or else its own, and Next names that instant")
	keyHasOneBeat        = law.New("key-has-one-beat", "a key has one beat from its first Add to its Remove")
	reportsOnce          = law.New("reports-once", "what became of a request is taken once, and any other report is refused and changes nothing")
	beatRenewsOrAsks     = law.New("beat-renews-or-asks", "a beat to Nacos's server renews what is known, registers what it describes, and is otherwise answered by asking for that")
	ownIntervalFirst     = law.New("own-interval-first", "Nacos's server answers a beat with the instance's own interval, or else, or to have it registered, with the one for all")
)

// The model is the original as its authors may have thought of it: threads
// that run tasks, and a list of tasks to be run.
type reactorModel struct {
	now     time.Time
	light   bool
	threads []*modelBeat // what each of them runs
	asking  []*modelBeat // of those, the answered ones that have to register, in order
	tasks   []modelTask  // in order of scheduling
	beats   map[int]*modelBeat
}

type modelTask struct {
	at   time.Time
	beat *modelBeat
}

type modelBeat struct {
	key, value int
	period     time.Duration
	stopped    bool

	delay    time.Duration
	answered time.Time
	task     heartbeat.BeatTask[int, int] // the request that is out
}

func (m *reactorModel) schedule(beat *modelBeat, delay time.Duration) {
	m.tasks = append(m.tasks, modelTask{m.now.Add(max(0, delay)), beat})
}

func (m *reactorModel) add(beat *modelBeat) (replaced bool) {
	replaced = m.remove(beat.key)
	m.beats[beat.key] = beat
	m.schedule(beat, beat.period)
	return replaced
}

func (m *reactorModel) remove(key int) bool {
	beat, ok := m.beats[key]
	if ok {
		beat.stopped = true
		delete(m.beats, key)
	}
	return ok
}

// earliest is the place of the task that is run next.
func (m *reactorModel) earliest() int {
	place := -1
	for i, task := range m.tasks {
		if place < 0 || task.at.Before(m.tasks[place].at) {
			place = i
		}
	}
	return place
}

// free is the place of a thread that runs nothing, or -1.
func (m *reactorModel) free() int { return slices.Index(m.threads, nil) }

func (m *reactorModel) due() (beat *modelBeat, action heartbeat.BeatAction) {
	if len(m.asking) > 0 {
		beat, m.asking = m.asking[0], m.asking[1:]
		return beat, heartbeat.RegisterAgain
	}
	for m.free() >= 0 {
		next := m.earliest()
		if next < 0 || m.tasks[next].at.After(m.now) {
			break
		}
		beat := m.tasks[next].beat
		m.tasks = slices.Delete(m.tasks, next, next+1)
		if beat.stopped {
			continue
		}
		m.threads[m.free()] = beat
		beat.delay = beat.period
		if m.light {
			return beat, heartbeat.SendLight
		}
		return beat, heartbeat.SendFull
	}
	return nil, 0
}

func (m *reactorModel) next() (time.Time, bool) {
	if len(m.asking) > 0 {
		return m.asking[0].answered, true
	}
	if next := m.earliest(); next >= 0 && m.free() >= 0 {
		return m.tasks[next].at, true
	}
	return time.Time{}, false
}

func (m *reactorModel) answered(beat *modelBeat, answer heartbeat.BeatAnswer) {
	m.light = answer.Light
	if answer.IntervalMillis > 0 {
		nanos := new(big.Int).Mul(big.NewInt(answer.IntervalMillis), big.NewInt(1e6))
		if beat.delay = math.MaxInt64; nanos.IsInt64() {
			beat.delay = time.Duration(nanos.Int64())
		}
	}
	if answer.Code == 20404 {
		beat.answered = m.now
		m.asking = append(m.asking, beat)
		return
	}
	m.ended(beat)
}

func (m *reactorModel) ended(beat *modelBeat) {
	m.threads[slices.Index(m.threads, beat)] = nil
	m.schedule(beat, beat.delay)
}

// out is what has a request out.
func (m *reactorModel) out() (out []*modelBeat) {
	for _, beat := range m.threads {
		if beat != nil && !slices.Contains(m.asking, beat) {
			out = append(out, beat)
		}
	}
	return out
}

// reactorMachine drives a reactor and its model through the same calls.
type reactorMachine struct {
	reactorModel
	reactor *heartbeat.Reactor[int, int]
	added   int
	over    []heartbeat.BeatTask[int, int] // tasks that are not out any more
}

var (
	drawReactorKey    = trace.IntRange(0, 4)
	drawReactorPeriod = trace.SampledFrom([]time.Duration{
		time.Second, 5 * time.Second, 5 * time.Second, 7 * time.Second, 0, -1, math.MinInt64, math.MaxInt64, 1,
	})
	drawAnsweredMillis = trace.OneOf(
		trace.SampledFrom([]int64{5000, 0, -1, 1, math.MinInt64, math.MaxInt64, math.MaxInt64 / 1_000_000, math.MaxInt64/1_000_000 + 1}),
		trace.Int64Range(1, 9000),
	)
)

func (m *reactorMachine) add(t *trace.T) {
	beat := &modelBeat{key: drawReactorKey.Draw(t, "key"), value: m.added, period: drawReactorPeriod.Draw(t, "period")}
	m.added++
	replaced := m.reactor.Add(m.now, beat.key, beat.value, beat.period)
	want := m.reactorModel.add(beat)
	keyHasOneBeat.Holds(t, replaced == want, "replaced %d: %t", beat.key, replaced)
}

func (m *reactorMachine) remove(t *trace.T) {
	key := drawReactorKey.Draw(t, "key")
	removed, want := m.reactor.Remove(key), m.reactorModel.remove(key)
	keyHasOneBeat.Holds(t, removed == want, "removed %d: %t", key, removed)
}

// wait moves the clock to where something happens, close to it, or anywhere,
// back too.
func (m *reactorMachine) wait(t *trace.T) {
	at, ok := m.reactor.Next()
	if ok && at.Sub(m.now) < time.Hour && trace.Bool().Draw(t, "until the next") {
		m.now = at.Add(time.Duration(trace.Int64Range(-1, 1).Draw(t, "off by")))
		return
	}
	m.now = m.now.Add(time.Duration(trace.Int64Range(int64(-time.Second), int64(9*time.Second)).Draw(t, "span")))
}

func (m *reactorMachine) due(t *trace.T) {
	noThread := m.free() < 0
	beat, action := m.reactorModel.due()
	task, ok := m.reactor.Due(m.now)
	switch {
	case action == heartbeat.RegisterAgain:
		registersWhenAsked.Holds(t, ok && task.Action == action && task.Value == beat.value, "%t: %v of %d, not of %d", ok, task.Action, task.Value, beat.value)
	case ok:
		threadsBoundRequests.Holds(t, !noThread, "%v of %d", task.Action, task.Value)
		added, there := m.beats[task.Key]
		removedIsNotSent.Holds(t, there && added.value == task.Value, "%v of %d", task.Action, task.Value)
		lightAsAnswered.Holds(t, (task.Action == heartbeat.SendLight) == m.light, "%v of %d", task.Action, task.Value)
	}
	sentInOrder.Holds(t, ok == (beat != nil) && (!ok || task.Value == beat.value && task.Action == action), "%t: %v of %d", ok, task.Action, task.Value)
	if ok {
		beat.task = task
	}
}

func (m *reactorMachine) report(t *trace.T) {
	out := m.out()
	if len(out) == 0 {
		t.Skip() // nothing is out
	}
	beat := trace.SampledFrom(out).Draw(t, "of")
	m.over = append(m.over, beat.task)
	if trace.IntRange(0, 3).Draw(t, "failure") == 0 {
		m.taken(t, m.reactor.Failed(m.now, beat.task))
		m.ended(beat)
		return
	}
	if beat.task.Action == heartbeat.RegisterAgain {
		m.taken(t, m.reactor.Registered(m.now, beat.task))
		m.ended(beat)
		return
	}
	answer := heartbeat.BeatAnswer{
		Code:           trace.SampledFrom([]int{10200, 20404, 0, 500}).Draw(t, "code"),
		IntervalMillis: drawAnsweredMillis.Draw(t, "interval"),
		Light:          trace.Bool().Draw(t, "light"),
		HasLight:       trace.Bool().Draw(t, "has light"),
	}
	m.taken(t, m.reactor.Answered(m.now, beat.task, answer))
	m.answered(beat, answer)
}

func (m *reactorMachine) taken(t *trace.T, err error) {
	reportsOnce.Holds(t, err == nil, "the only report is refused: %v", err)
}

// misreport tells what nobody waits for; whether it changed anything is seen
// by all that follows.
func (m *reactorMachine) misreport(t *trace.T) {
	wrong := []error{
		m.reactor.Failed(m.now, heartbeat.BeatTask[int, int]{}),
		m.reactor.Answered(m.now, heartbeat.BeatTask[int, int]{}, heartbeat.BeatAnswer{}),
	}
	if len(m.over) > 0 {
		over := trace.SampledFrom(m.over).Draw(t, "over")
		wrong = append(wrong, m.reactor.Failed(m.now, over), m.reactor.Registered(m.now, over),
			m.reactor.Answered(m.now, over, heartbeat.BeatAnswer{Light: true, Code: 20404}))
	}
	for _, beat := range m.out() {
		if beat.task.Action == heartbeat.RegisterAgain {
			wrong = append(wrong, m.reactor.Answered(m.now, beat.task, heartbeat.BeatAnswer{Light: true}))
		} else {
			wrong = append(wrong, m.reactor.Registered(m.now, beat.task))
		}
	}
	for i, err := range wrong {
		reportsOnce.Holds(t, err != nil, "number %d is taken", i)
	}
}

func (m *reactorMachine) check(t *trace.T) {
	keyHasOneBeat.Holds(t, m.reactor.Len() == len(m.beats), "%d beats, not %d", m.reactor.Len(), len(m.beats))
	at, ok := m.reactor.Next()
	want, any := m.next()
	due := wakesWhenDue
	if len(m.asking) > 0 {
		due = registersWhenAsked
	}
	due.Holds(t, ok == any && at.Equal(want), "%v, %t, not %v, %t", at, ok, want, any)
}

var driveReactor = trace.Machine{Name: "reactor", Start: func(t *trace.T) trace.Operations {
	threads := trace.IntRange(1, 3).Draw(t, "threads")
	reactor, err := heartbeat.NewReactor[int, int](threads)
	refusesOnlyBadInput.Holds(t, err == nil, "%d threads: %v", threads, err)
	m := &reactorMachine{reactor: reactor, reactorModel: reactorModel{
		now: drawEdge(t), threads: make([]*modelBeat, threads), beats: make(map[int]*modelBeat),
	}}
	return trace.Operations{
		"":          m.check,
		"add":       m.add,
		"remove":    m.remove,
		"wait":      m.wait,
		"due":       m.due,
		"due-again": m.due, // as often again
		"report":    m.report,
		"misreport": m.misreport,
	}
}}

var driveBeat = oneShot("beat", func(t *trace.T) {
	switches := heartbeat.BeatSwitch{IntervalMillis: drawAnsweredMillis.Draw(t, "switch"), Light: trace.Bool().Draw(t, "light")}
	beat := heartbeat.Beat{
		Known: trace.Bool().Draw(t, "known"), Full: trace.Bool().Draw(t, "full"),
		HasInterval: trace.Bool().Draw(t, "has interval"), IntervalMillis: drawAnsweredMillis.Draw(t, "interval"),
	}
	verdict, answer := switches.Handle(beat)

	want := heartbeat.BeatAnswer{Code: 10200, IntervalMillis: switches.IntervalMillis, Light: switches.Light, HasLight: true}
	wanted := map[[2]bool]heartbeat.BeatVerdict{
		{false, false}: heartbeat.AskToRegister, {false, true}: heartbeat.RegisterFromBeat,
		{true, false}: heartbeat.RenewLease, {true, true}: heartbeat.RenewLease,
	}[[2]bool{beat.Known, beat.Full}]
	if wanted == heartbeat.AskToRegister {
		want = heartbeat.BeatAnswer{Code: 20404, IntervalMillis: switches.IntervalMillis}
	} else if beat.HasInterval {
		want.IntervalMillis = beat.IntervalMillis
	}
	beatRenewsOrAsks.Holds(t, verdict == wanted && answer.Code == want.Code, "%+v: %v, %+v, not %v, %+v", beat, verdict, answer, wanted, want)
	ownIntervalFirst.Holds(t, answer == want, "%+v: %+v, not %+v", beat, answer, want)
})
