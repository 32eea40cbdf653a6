package replay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// reactorInputs is a Nacos client's life: what it was told to do, and how its
// requests ended. Answers, delays and failures begin anew when they are used
// up.
type reactorInputs struct {
	T0        int64           `json:"t0"` // of no matter: the timers are monotonic
	Threads   int             `json:"threads"`
	Answers   []reactorAnswer `json:"answers"`
	RegDelays []int64         `json:"regDelay"`
	RegFails  []bool          `json:"regFail"`
	Ops       []reactorOp     `json:"ops"`
}

// reactorAnswer is an answer to a beat, and how long it took.
type reactorAnswer struct {
	millis int64
	text   string
}

func (a *reactorAnswer) UnmarshalJSON(text []byte) error { return tuple(text, &a.millis, &a.text) }

// reactorOp is a call of the application's.
type reactorOp struct {
	mono     int64
	kind     string
	beat     beatInfo // of "add"; "remove" has its key only
	override *int64   // the period that is put in the place of the beat's own
}

// beatInfo is an instance as the client's beats describe it.
type beatInfo struct {
	number      int64 // in order of adding
	service, ip string
	port        int64
	cluster     string
	weight      float64
	metadata    map[string]any
}

// key is the original's buildKey.
func (b beatInfo) key() string { return fmt.Sprintf("%s#%s#%d", b.service, b.ip, b.port) }

func (o *reactorOp) UnmarshalJSON(text []byte) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	if len(values) < 2 {
		return fmt.Errorf("an operation of %d values", len(values))
	}
	if err := json.Unmarshal(values[1], &o.kind); err != nil {
		return err
	}
	b, fields := &o.beat, []any{&o.mono, &o.kind}
	switch o.kind {
	case "add":
		fields = append(fields, &b.service, &b.ip, &b.port, &b.cluster, &b.weight, &b.metadata)
		if len(values) > len(fields) {
			fields = append(fields, &o.override)
		}
	case "remove":
		fields = append(fields, &b.service, &b.ip, &b.port)
	case "end":
	default:
		return fmt.Errorf("unknown operation %q", o.kind)
	}
	return tuple(text, fields...)
}

type reactorOutputs struct {
	Ops    []string          `json:"ops"`
	Events []reactorEvent    `json:"events"`
	Thrown []json.RawMessage `json:"thrown"`
}

// reactorEvent is a request.
type reactorEvent struct {
	mono int64
	kind string

	key           string // of "send", as the next two
	light, number int64

	group                       string // of "register", as all that follow
	ephemeral, healthy, enabled int64
	beat                        beatInfo // without its number
}

func (e *reactorEvent) UnmarshalJSON(text []byte) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	if len(values) < 2 {
		return fmt.Errorf("an event of %d values", len(values))
	}
	if err := json.Unmarshal(values[1], &e.kind); err != nil {
		return err
	}
	switch b := &e.beat; e.kind {
	case "send":
		return tuple(text, &e.mono, &e.kind, &e.key, &e.light, &e.number)
	case "register":
		return tuple(text, &e.mono, &e.kind, &b.service, &e.group, &b.ip, &b.port, &b.cluster, &b.weight,
			&e.ephemeral, &e.healthy, &e.enabled, &b.metadata)
	}
	return fmt.Errorf("unknown event %q", e.kind)
}

// tuple reads an array of exactly these values, strictly as decode does.
func tuple(text []byte, into ...any) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	if len(values) != len(into) {
		return fmt.Errorf("%d values, not %d", len(values), len(into))
	}
	for i, value := range values {
		if err := checkShape(value, reflect.TypeOf(into[i]).Elem(), fmt.Sprintf("value %d", i)); err != nil {
			return err
		}
		if err := json.Unmarshal(value, into[i]); err != nil {
			return err
		}
	}
	return nil
}

func replayReactor(line []byte, c *checker) error {
	var recorded caseOf[reactorInputs, reactorOutputs]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	if len(in.Answers) == 0 || len(in.RegDelays) == 0 || len(in.RegFails) == 0 {
		return errors.New("nothing says how requests end")
	}
	if err := parallel(len(in.Ops), len(want.Ops)); err != nil {
		return err
	}
	reactor, err := heartbeat.NewReactor[string, beatInfo](in.Threads)
	if err != nil {
		return err
	}
	run := &reactorRun{checker: c, in: in, want: want.Events, reactor: reactor}
	for i, op := range in.Ops {
		c.step = i
		if err := run.advance(op.mono); err != nil {
			return err
		}
		c.check(op.kind, run.apply(op), want.Ops[i])
	}
	c.check("number of events", run.events, len(want.Events))
	c.check("number of thrown", 0, len(want.Thrown))
	return nil
}

// reactorRun plays the threads, the network and the server of a reactor.
type reactorRun struct {
	*checker
	in      reactorInputs
	want    []reactorEvent
	reactor *heartbeat.Reactor[string, beatInfo]

	mono   int64
	out    []request // by their ends, and those of one end as they began
	added  int64
	sent   int
	asked  int // registrations
	events int
}

// request is one that is out.
type request struct {
	task heartbeat.BeatTask[string, beatInfo]
	ends int64
	end  func(now time.Time, task heartbeat.BeatTask[string, beatInfo]) error
}

func (r *reactorRun) now() time.Time { return time.UnixMilli(r.mono) }

// advance lets pass what happens up to and at an instant.
func (r *reactorRun) advance(to int64) error {
	for {
		next, ok := r.next()
		if !ok || next > to {
			break
		}
		r.mono = max(r.mono, next)
		if err := r.settle(); err != nil {
			return err
		}
	}
	r.mono = max(r.mono, to)
	return nil
}

// next is when something happens next.
func (r *reactorRun) next() (mono int64, ok bool) {
	at, ok := r.reactor.Next()
	mono = at.UnixMilli()
	if len(r.out) > 0 && (!ok || r.out[0].ends < mono) {
		return r.out[0].ends, true
	}
	return mono, ok
}

// settle ends the requests whose time has come, and then begins those that
// are due.
func (r *reactorRun) settle() error {
	for len(r.out) > 0 && r.out[0].ends <= r.mono {
		ended := r.out[0]
		r.out = r.out[1:]
		if err := ended.end(r.now(), ended.task); err != nil {
			return err
		}
	}
	for task, ok := r.reactor.Due(r.now()); ok; task, ok = r.reactor.Due(r.now()) {
		if r.events == len(r.want) {
			return fmt.Errorf("more than the %d events that were recorded", len(r.want))
		}
		begun, event, err := r.begin(task)
		if err != nil {
			return err
		}
		r.out = append(r.out, begun)
		slices.SortStableFunc(r.out, func(a, b request) int { return cmp.Compare(a.ends, b.ends) })
		r.check(fmt.Sprintf("event %d", r.events), event, r.want[r.events])
		r.events++
	}
	return nil
}

// begin makes a request, which blocks its thread.
func (r *reactorRun) begin(task heartbeat.BeatTask[string, beatInfo]) (request, reactorEvent, error) {
	if task.Action == heartbeat.RegisterAgain {
		k := r.asked
		r.asked++
		end := r.reactor.Registered
		if r.in.RegFails[k%len(r.in.RegFails)] {
			end = r.reactor.Failed
		}
		event := reactorEvent{mono: r.mono, kind: "register", group: groupOf(task.Value.service), beat: task.Value,
			ephemeral: 1, healthy: 1, enabled: 1}
		event.beat.number = 0
		return request{task, r.mono + r.in.RegDelays[k%len(r.in.RegDelays)], end}, event, nil
	}
	answer := r.in.Answers[r.sent%len(r.in.Answers)]
	r.sent++
	end, err := r.answered(answer.text)
	event := reactorEvent{mono: r.mono, kind: "send", key: task.Key, number: task.Value.number,
		light: recordedAs(task.Action == heartbeat.SendLight)}
	return request{task, r.mono + answer.millis, end}, event, err
}

// answered returns how a beat ends that is answered with the text.
func (r *reactorRun) answered(text string) (func(time.Time, heartbeat.BeatTask[string, beatInfo]) error, error) {
	if text == "nacos" || text == "runtime" { // what the call threw
		return r.reactor.Failed, nil
	}
	answer, usable, err := readAnswer(text)
	if !usable {
		return r.reactor.Failed, err
	}
	return func(now time.Time, task heartbeat.BeatTask[string, beatInfo]) error {
		return r.reactor.Answered(now, task, answer)
	}, nil
}

// apply makes the application's call and returns what was recorded of it.
func (r *reactorRun) apply(op reactorOp) string {
	switch op.kind {
	case "add":
		period, err := periodOf(op.beat.metadata)
		if err != nil {
			return "NumberFormatException"
		}
		if op.override != nil {
			period = *op.override
		}
		op.beat.number = r.added
		r.added++
		r.reactor.Add(r.now(), op.beat.key(), op.beat, saturated(period))
		return fmt.Sprintf("%d/%d", period, r.reactor.Len())
	case "remove":
		r.reactor.Remove(op.beat.key())
	}
	return fmt.Sprintf("/%d", r.reactor.Len())
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// periodOf is the beat interval in an instance's metadata, in milliseconds.
// One that is not all digits is as none, but too many digits fail (quirks N3
// and N31).
func periodOf(metadata map[string]any) (int64, error) {
	text, _ := metadata["preserved.heart.beat.interval"].(string)
	if !digits.MatchString(text) {
		return heartbeat.DefaultBeatIntervalMillis, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// saturated is what Java's TimeUnit makes of milliseconds.
func saturated(n int64) time.Duration {
	most := int64(time.Duration(1<<63-1) / time.Millisecond)
	return millis(min(max(n, -most), most))
}

// groupOf is the original's NamingUtils.getGroupName.
func groupOf(service string) string {
	group, _, found := strings.Cut(service, "@@")
	if !found {
		return "DEFAULT_GROUP"
	}
	return group
}
