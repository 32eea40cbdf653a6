package heartbeat_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// okAnswer is one that names the interval in milliseconds.
func okAnswer(interval int64, light bool) heartbeat.BeatAnswer {
	return heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: interval, Light: light}
}

// notFoundAnswer asks for a registration.
func notFoundAnswer(interval int64) heartbeat.BeatAnswer {
	return heartbeat.BeatAnswer{Code: heartbeat.BeatNotFound, IntervalMillis: interval}
}

type (
	beatTask = heartbeat.BeatTask[string, string]
	reactor  = heartbeat.Reactor[string, string]
)

// reactorPlayer plays a reactor whose instants are milliseconds, and knows the tasks
// that are out by their values.
type reactorPlayer struct {
	*testing.T
	*reactor
	out map[string]beatTask
}

func playReactor(t *testing.T, threads int) reactorPlayer {
	t.Helper()
	reactor, err := heartbeat.NewReactor[string, string](threads)
	if err != nil {
		t.Fatal(err)
	}
	return reactorPlayer{t, reactor, make(map[string]beatTask)}
}

func atMillis(millis int64) time.Time { return time.UnixMilli(millis) }

// add starts the beats of a key; the value is the key unless told otherwise.
func (p reactorPlayer) add(now int64, key string, period time.Duration) {
	p.Helper()
	if p.Add(atMillis(now), key, key, period) {
		p.Errorf("%d ms: %s was there", now, key)
	}
}

// due asserts what is due, as "send full a".
func (p reactorPlayer) due(now int64, want ...string) {
	p.Helper()
	var got []string
	for {
		task, ok := p.Due(atMillis(now))
		if !ok {
			break
		}
		got = append(got, fmt.Sprintf("%v %s", task.Action, task.Value))
		p.out[task.Value] = task
	}
	if !slices.Equal(got, want) {
		p.Errorf("%d ms: got %q due, want %q", now, got, want)
	}
}

// next asserts when Due is to be called next, -1 being never.
func (p reactorPlayer) next(want int64) {
	p.Helper()
	got := int64(-1)
	if at, ok := p.Next(); ok {
		got = at.UnixMilli()
	}
	if got != want {
		p.Errorf("next: got %d ms, want %d", got, want)
	}
}

// report makes a report of the task that is out with the value.
func (p reactorPlayer) report(how func(time.Time, beatTask) error, now int64, value string) {
	p.Helper()
	if err := how(atMillis(now), p.out[value]); err != nil {
		p.Errorf("%d ms: %v", now, err)
	}
}

func (p reactorPlayer) answered(now int64, value string, answer heartbeat.BeatAnswer) {
	p.Helper()
	p.report(func(now time.Time, task beatTask) error { return p.Answered(now, task, answer) }, now, value)
}

func (p reactorPlayer) failed(now int64, value string) { p.Helper(); p.report(p.Failed, now, value) }
func (p reactorPlayer) registered(now int64, value string) {
	p.Helper()
	p.report(p.Registered, now, value)
}

func TestBeatActionsAreWords(t *testing.T) {
	for action, want := range map[heartbeat.BeatAction]string{
		heartbeat.SendFull: "send full", heartbeat.SendLight: "send light", heartbeat.RegisterAgain: "register again", 3: "BeatAction(3)",
	} {
		if got := action.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReactorNeedsAThread(t *testing.T) {
	for _, threads := range []int{0, -1, math.MinInt} {
		reactor, err := heartbeat.NewReactor[string, string](threads)
		want := fmt.Sprintf("heartbeat: invalid argument: threads is %d: must be at least 1", threads)
		if reactor != nil || !errors.Is(err, heartbeat.ErrInvalid) || err.Error() != want {
			t.Errorf("got %v, %v, want %q", reactor, err, want)
		}
	}
	if _, err := heartbeat.NewReactor[string, string](math.MaxInt); err != nil {
		t.Error(err)
	}
}

// Quirk N21.
func TestFirstBeatIsDueOnePeriodAfterAdd(t *testing.T) {
	p := playReactor(t, 1)
	p.next(-1)
	p.add(0, "a", 5*time.Second) // instant 0 is one like any other
	p.next(5000)
	p.due(4999)
	p.due(5000, "send full a")
	p.next(-1)
}

// Quirk N22.
func TestAnsweredIntervalHoldsForTheNextDelayOnly(t *testing.T) {
	for name, row := range map[string]struct {
		answer heartbeat.BeatAnswer
		next   int64 // after the answer at 5000
	}{
		"longer":                  {okAnswer(10_000, false), 15_000},
		"shorter":                 {okAnswer(1, false), 5001},
		"0 is none":               {okAnswer(0, false), 10_000},
		"negative is none":        {okAnswer(-5000, false), 10_000},
		"an unknown code is fine": {heartbeat.BeatAnswer{Code: 500, IntervalMillis: 1000}, 6000},
		"no code is fine":         {heartbeat.BeatAnswer{IntervalMillis: 1000}, 6000},
	} {
		t.Run(name, func(t *testing.T) {
			p := playReactor(t, 1)
			p.add(0, "a", 5*time.Second)
			p.due(5000, "send full a")
			p.answered(5000, "a", row.answer)
			p.next(row.next)
			p.due(row.next - 1)
			p.due(row.next, "send full a")
			p.failed(row.next+7, "a")
			p.next(row.next + 7 + 5000)
		})
	}
}

// Quirks N23 and N27: answers decide in order of completion, a failure not at
// all.
func TestLightIsOneSettingForAll(t *testing.T) {
	p := playReactor(t, 4)
	for _, key := range []string{"a", "b", "c", "d"} {
		p.add(0, key, time.Second)
	}
	p.due(1000, "send full a", "send full b", "send full c", "send full d")
	p.answered(1100, "d", okAnswer(1000, true))
	p.answered(1200, "b", okAnswer(2000, false))
	p.answered(1300, "a", okAnswer(3000, true)) // the last one, though the first sent
	p.failed(1400, "c")
	p.due(2100, "send light d")
	p.due(2400, "send light c")
	p.answered(2500, "c", notFoundAnswer(1000)) // says nothing of light beats
	p.due(2500, "register again c")
	p.registered(2600, "c")
	p.due(3200, "send full b")
	p.due(3600, "send full c")
	p.answered(3700, "c", okAnswer(0, true))
	p.answered(3700, "d", okAnswer(0, true))
	p.answered(3700, "b", okAnswer(0, true))
	p.due(4300, "send light a")
}

// Quirk N24, first half.
func TestDelayCountsFromTheEndOfTheRegistration(t *testing.T) {
	p := playReactor(t, 1)
	p.add(0, "a", 5*time.Second)
	p.due(5000, "send full a")
	p.answered(6000, "a", notFoundAnswer(3000))
	p.next(6000)
	p.due(6010, "register again a")
	p.next(-1)
	p.registered(8000, "a")
	p.next(11_000)
	p.due(11_000, "send full a")
	p.answered(12_000, "a", notFoundAnswer(0))
	p.due(12_000, "register again a")
	p.failed(14_000, "a") // quirk N30: a failed one makes no difference
	p.next(19_000)
}

// Quirk N30: after a failed registration the interval that the beat's answer
// named still holds.
func TestFailedRegistrationKeepsTheAnsweredInterval(t *testing.T) {
	p := playReactor(t, 1)
	p.add(0, "a", 5*time.Second)
	p.due(5000, "send full a")
	p.answered(5000, "a", notFoundAnswer(700))
	p.due(5000, "register again a")
	p.failed(5100, "a")
	p.due(5799)
	p.due(5800, "send full a")
}

// Quirk N24, second half.
func TestBlockedThreadsMakeOthersLate(t *testing.T) {
	p := playReactor(t, 2)
	for i, key := range []string{"a", "b", "c", "d"} {
		p.add(int64(i), key, time.Second)
	}
	p.due(2000, "send full a", "send full b")
	p.due(2000)
	p.next(-1) // whatever the time, nothing can be done
	p.answered(31_000, "a", notFoundAnswer(1000))
	p.next(31_000)
	p.due(31_000, "register again a") // on the thread of its beat
	p.failed(32_000, "b")
	p.next(1002) // which has passed: at once
	p.due(32_000, "send full c")
	p.registered(33_000, "a")
	p.due(33_000, "send full d")
	p.answered(33_500, "c", okAnswer(100, false))
	p.due(33_600, "send full b") // due at 33 000, before c at 33 600
	p.failed(33_600, "d")
	p.due(33_600, "send full c")
}

// What is due at one instant goes in the order in which it was scheduled, and
// registrations in the order of their answers.
func TestOrderOfWhatIsDueAtOnce(t *testing.T) {
	p := playReactor(t, 5)
	p.add(0, "late", 3*time.Second)
	p.add(1000, "a", 2*time.Second)
	p.add(1000, "b", 2*time.Second)
	p.add(2000, "c", time.Second)
	p.add(2000, "first", time.Second-1)
	p.due(3000, "send full first", "send full late", "send full a", "send full b", "send full c")
	p.answered(4000, "b", okAnswer(500, true))
	p.answered(4000, "c", notFoundAnswer(0))
	p.answered(4000, "a", okAnswer(500, true))
	p.answered(4500, "first", notFoundAnswer(0))
	p.due(4500, "register again c", "register again first", "send full b", "send full a")
}

// Quirk N26.
func TestReplacingBeginsANewPeriod(t *testing.T) {
	p := playReactor(t, 1)
	p.add(0, "a", 5*time.Second)
	if !p.Add(atMillis(4000), "a", "a2", 3*time.Second) {
		t.Error("nothing was replaced")
	}
	if p.Len() != 1 {
		t.Errorf("%d beats, want 1", p.Len())
	}
	p.next(5000) // the old one, which comes to nothing
	p.due(5000)
	p.next(7000)
	p.due(7000, "send full a2")
}

// Quirk N25: what is out when it is removed or replaced is registered again
// all the same, as it was.
func TestRemovedBeatStillRegistersAgain(t *testing.T) {
	p := playReactor(t, 2)
	p.add(0, "a", 5*time.Second)
	p.add(0, "b", 5*time.Second)
	p.due(5000, "send full a", "send full b")
	if !p.Remove("a") || p.Remove("a") || p.Remove("nobody") {
		t.Error("Remove does not say what it removed")
	}
	p.Add(atMillis(5500), "b", "b2", 5*time.Second)
	if p.Len() != 1 {
		t.Errorf("%d beats, want 1", p.Len())
	}
	p.answered(6000, "a", notFoundAnswer(1000))
	p.answered(6000, "b", notFoundAnswer(1000))
	p.due(6000, "register again a", "register again b")
	p.registered(6500, "a")
	p.registered(6600, "b")
	p.next(7500) // both are scheduled once more, and come to nothing
	p.due(7599)
	p.next(7600)
	p.due(10_499)
	p.next(10_500)
	p.due(10_500, "send full b2")
	p.failed(10_500, "b2")
	p.next(15_500) // and nothing of a or b
}

// What is removed while it waits is forgotten by its key at once, and its key
// can be added anew.
func TestAddAfterRemove(t *testing.T) {
	p := playReactor(t, 1)
	p.add(0, "a", 5*time.Second)
	p.Remove("a")
	if p.Len() != 0 {
		t.Errorf("%d beats, want none", p.Len())
	}
	p.add(1000, "a", 5*time.Second)
	p.due(5000)
	p.due(6000, "send full a")
}

// Quirk N29.
func TestPeriodOfZeroSendsBackToBack(t *testing.T) {
	for _, period := range []time.Duration{0, -1, math.MinInt64} {
		p := playReactor(t, 1)
		p.add(0, "a", period)
		p.due(0, "send full a")
		for _, now := range []int64{5, 7} {
			p.answered(now, "a", okAnswer(0, false))
			p.next(now)
			p.due(now, "send full a")
		}
		p.answered(12, "a", okAnswer(5000, false))
		p.due(5011)
		p.due(5012, "send full a")
		p.failed(5013, "a")
		p.due(5013, "send full a")
	}
}

// An interval of more than 292 years is cut, as Java's TimeUnit does it, and
// neither it nor a period wraps.
func TestHugeIntervalsDoNotWrap(t *testing.T) {
	const most = math.MaxInt64 / 1_000_000 // milliseconds in a time.Duration
	for interval, want := range map[int64]time.Duration{
		most - 1:      (most - 1) * time.Millisecond,
		most:          most * time.Millisecond,
		most + 1:      math.MaxInt64,
		math.MaxInt64: math.MaxInt64,
	} {
		p := playReactor(t, 1)
		p.add(0, "a", 0)
		p.due(0, "send full a")
		p.answered(0, "a", okAnswer(interval, false))
		if got, ok := p.Next(); !ok || got.Sub(atMillis(0)) != want {
			t.Errorf("interval %d: got %v, want %v", interval, got.Sub(atMillis(0)), want)
		}
	}
	p := playReactor(t, 1)
	p.add(0, "a", math.MaxInt64)
	if got, ok := p.Next(); !ok || got.Sub(atMillis(0)) != math.MaxInt64 {
		t.Errorf("got %v, want 292 years", got.Sub(atMillis(0)))
	}
}

// With a clock that is set back, a beat waits until it shows the instant
// again; one that is set forward makes all of them due, once.
func TestReactorUnderAClockThatIsSet(t *testing.T) {
	p := playReactor(t, 2)
	p.add(100_000, "a", 5*time.Second)
	p.due(50_000)
	p.next(105_000)
	p.due(900_000, "send full a")
	p.answered(50_000, "a", okAnswer(0, false))
	p.next(55_000)
	p.due(55_000, "send full a")
}

// One instant in several time zones is one instant.
func TestReactorInManyTimeZones(t *testing.T) {
	p := playReactor(t, 4)
	for i, key := range []string{"a", "b", "c", "d"} {
		p.Add(atMillis(0).In(time.FixedZone("", i*3600)), key, key, time.Second)
	}
	p.due(1000, "send full a", "send full b", "send full c", "send full d")
}

// A report of what is not out is refused and changes nothing.
func TestReportsOfWhatIsNotOut(t *testing.T) {
	p := playReactor(t, 2)
	p.add(0, "a", 5*time.Second)
	p.add(0, "b", 5*time.Second)
	p.due(5000, "send full a", "send full b")
	beat := p.out["a"]
	p.answered(5000, "a", notFoundAnswer(3000))
	p.answered(5000, "b", okAnswer(60_000, true))

	other := playReactor(t, 1)
	other.add(0, "a", 5*time.Second)
	other.due(5000, "send full a")

	answered := func(now time.Time, task beatTask) error { return p.Answered(now, task, okAnswer(1, false)) }
	refuse := func(name string, how func(time.Time, beatTask) error, task beatTask, want string) {
		t.Helper()
		err := how(atMillis(5000), task)
		if want = "heartbeat: invalid argument: task is " + want; !errors.Is(err, heartbeat.ErrInvalid) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	const noBeat, noRegistration, noTask = "must be a beat of this reactor that is out",
		"must be a registration of this reactor that is out", "must be one of this reactor that is out"
	refuse("answered twice", answered, beat, "send full: "+noBeat)
	refuse("failed after the answer", p.Failed, beat, "send full: "+noTask)
	refuse("registered with the beat's task", p.Registered, beat, "send full: "+noRegistration)
	refuse("answered before it was made", answered, beatTask{}, "send full: "+noBeat)
	refuse("another reactor's", p.Failed, other.out["a"], "send full: "+noTask)

	p.due(5000, "register again a")
	registration := p.out["a"]
	refuse("the beat's task while the registration is out", p.Failed, beat, "send full: "+noTask)
	refuse("a registration is answered", answered, registration, "register again: "+noBeat)
	disguised := registration
	disguised.Action = heartbeat.SendFull
	refuse("a registration that says it is a beat", answered, disguised, "send full: "+noBeat)
	p.registered(6000, "a")
	refuse("registered twice", p.Registered, registration, "register again: "+noRegistration)
	refuse("failed after it", p.Failed, registration, "register again: "+noTask)

	p.next(9000)
	p.due(9000, "send light a")
	refuse("the registration's task while the next beat is out", p.Failed, registration, "register again: "+noTask)
	refuse("a beat is registered", p.Registered, p.out["a"], "send light: "+noRegistration)
	last := p.out["a"]
	p.failed(9000, "a")
	p.next(14_000)
	p.due(14_000, "send light a")
	refuse("a beat's task while the next one is out", p.Failed, last, "send light: "+noTask)
	other.failed(5000, "a")
}

// A due beat that was removed does not take a thread from the next.
func TestStoppedBeatsTakeNoThread(t *testing.T) {
	p := playReactor(t, 1)
	for i := range 10 {
		p.add(0, fmt.Sprint(i), time.Second)
	}
	for i := range 9 {
		p.Remove(fmt.Sprint(i))
	}
	p.due(1000, "send full 9")
}

func TestReactorAllocatesNothing(t *testing.T) {
	p := playReactor(t, 4)
	for i := range 1000 {
		p.add(int64(i), fmt.Sprint(i), 5*time.Second)
	}
	now, kinds := int64(0), [4]int{}
	step := func() {
		at, _ := p.Next()
		now = at.UnixMilli()
		task, _ := p.Due(at)
		var err error
		switch kind := now % 3; {
		case task.Action == heartbeat.RegisterAgain:
			kinds[3]++
			err = p.Registered(at, task)
		case kind == 0:
			kinds[0]++
			err = p.Failed(at, task)
		case kind == 1:
			kinds[1]++
			err = p.Answered(at, task, okAnswer(7000, true))
		default:
			kinds[2]++
			err = p.Answered(at, task, notFoundAnswer(100))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(5000, step); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
	if slices.Contains(kinds[:], 0) {
		t.Errorf("got %v failures, answers, refusals and registrations, want some of each", kinds)
	}
}
