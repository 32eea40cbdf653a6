package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// nacosLife is the life of a service and its clients.
type nacosLife struct {
	T0           int64          `json:"t0"`
	EndMillis    int64          `json:"endMs"`
	InitialDelay int64          `json:"checkInitialDelayMs"`
	Delay        int64          `json:"checkDelayMs"`
	Tie          int64          `json:"tie"`
	FullBeats    bool           `json:"fullBeats"`
	Delays       []int64        `json:"delDelay"`
	Clients      []nacosClient  `json:"instances"`
	Outages      []nacosOutage  `json:"outages"`
	Stalls       []nacosStall   `json:"stalls"`
	Controls     []nacosControl `json:"controls"`
}

type nacosClient struct {
	key                 nacosKey
	metadata            map[string]any
	registers, interval int64
}

func (n *nacosClient) UnmarshalJSON(text []byte) error {
	return tuple(text, &n.key.ip, &n.key.port, &n.key.cluster, &n.metadata, &n.registers, &n.interval)
}

// nacosOutage is a span in which a client is away; to is -1 if that is for
// good.
type nacosOutage struct{ client, from, to, kind int64 }

func (n *nacosOutage) UnmarshalJSON(text []byte) error {
	return tuple(text, &n.client, &n.from, &n.to, &n.kind)
}

// The kinds of outages.
const (
	partition = iota // it beats on, but nothing arrives
	crash
	cleanLeave
)

// nacosStall is a span in which the server, or only its checker, stands still.
type nacosStall struct{ from, to, kind int64 }

func (n *nacosStall) UnmarshalJSON(text []byte) error { return tuple(text, &n.from, &n.to, &n.kind) }

// The kinds of stalls.
const (
	wholeServer = iota
	checkerOnly
)

// nacosControl is a step of the clock, or a switch.
type nacosControl struct{ mono, kind, value int64 }

func (n *nacosControl) UnmarshalJSON(text []byte) error {
	return tuple(text, &n.mono, &n.kind, &n.value)
}

// The kinds of controls.
const (
	clockStep = iota
	switchHealthChecks
	switchExpiry
	switchResponsibility
)

type nacosLifeOutputs struct {
	Events   []nacosEvent     `json:"events"`
	Passes   int              `json:"passes"`
	Beats    int              `json:"beats"`
	NotFound int              `json:"notFound"`
	Final    []*scenarioState `json:"final"`
}

// nacosEvent is an event as the JSON that it is, without blanks.
type nacosEvent string

func (e *nacosEvent) UnmarshalJSON(text []byte) error {
	var compact bytes.Buffer
	err := json.Compact(&compact, text)
	*e = nacosEvent(compact.String())
	return err
}

// scenarioState is an instance at the end.
type scenarioState struct{ healthy, lastBeat int64 }

func (s *scenarioState) UnmarshalJSON(text []byte) error {
	return tuple(text, &s.healthy, &s.lastBeat)
}

func replayNacosScenario(line []byte, c *checker) error {
	var recorded caseOf[nacosLife, nacosLifeOutputs]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	server, err := newNacosServer(in.T0, in.Delays)
	if err != nil {
		return err
	}
	run := &nacosLifeRun{nacosServer: server, checker: c, in: in, want: want.Events, numbers: make(map[nacosKey]int), due: math.MaxInt64}
	for i, client := range in.Clients {
		run.numbers[client.key] = i
	}
	server.name = func(key nacosKey) string { return strconv.Itoa(run.numbers[key]) }
	server.look = run.learnOrder
	if err := run.play(); err != nil {
		return err
	}
	c.check("number of events", run.events, len(want.Events))
	c.check("passes", run.passes, want.Passes)
	c.check("beats", run.beats, want.Beats)
	c.check("not found", run.notFound, want.NotFound)
	checkEach(c, "final", run.final(), want.Final)
	return nil
}

// nacosLifeRun plays the clients, the network and the clocks around a kernel.
type nacosLifeRun struct {
	*nacosServer
	*checker
	in      nacosLife
	want    []nacosEvent
	numbers map[nacosKey]int

	service *nacosService // nil until the first registration
	due     int64         // when the next pass is planned
	order   []nacosKey    // the last that was told; nil if there was none

	events, passes, beats, notFound int
}

// nacosInput is what a client sends.
type nacosInput struct {
	arrives, scheduled int64
	client             int
	kind               nacosInputKind
}

type nacosInputKind uint8

const (
	sendRegistration nacosInputKind = iota
	sendBeat
	sendLeave
)

// play lets everything happen, one millisecond after the other in which there
// is something.
func (r *nacosLifeRun) play() error {
	if r.in.InitialDelay != r.in.Delay {
		return fmt.Errorf("the first pass comes after %d ms, not after %d like the others", r.in.InitialDelay, r.in.Delay)
	}
	inputs, err := r.inputs()
	if err != nil {
		return err
	}
	controls := slices.Clone(r.in.Controls)
	slices.SortStableFunc(controls, func(a, b nacosControl) int { return cmp.Compare(a.mono, b.mono) })
	for {
		r.mono = r.nextMono(inputs, controls)
		if r.mono > r.in.EndMillis {
			break
		}
		for len(controls) > 0 && controls[0].mono == r.mono {
			if err := r.control(controls[0]); err != nil {
				return err
			}
			controls = controls[1:]
		}
		now := 0
		for now < len(inputs) && inputs[now].arrives == r.mono {
			now++
		}
		if err := r.settle(inputs[:now]); err != nil {
			return err
		}
		if inputs = inputs[now:]; r.passes > mostSent {
			return fmt.Errorf("more than %d passes", mostSent)
		}
	}
	r.mono = r.in.EndMillis
	return nil
}

// nextMono is when something happens next.
func (r *nacosLifeRun) nextMono(inputs []nacosInput, controls []nacosControl) int64 {
	next := r.deferred(r.due, wholeServer, checkerOnly)
	if len(inputs) > 0 {
		next = min(next, inputs[0].arrives)
	}
	if len(controls) > 0 {
		next = min(next, controls[0].mono)
	}
	if len(r.deletes) > 0 {
		next = min(next, r.deferred(r.deletes[0].due, wholeServer))
	}
	return next
}

// deferred is when something happens that is due at an instant, with stalls of
// these kinds.
func (r *nacosLifeRun) deferred(mono int64, kinds ...int64) int64 {
	for again := true; again; {
		again = false
		for _, stall := range r.in.Stalls {
			if slices.Contains(kinds, stall.kind) && stall.from <= mono && mono < stall.to {
				mono, again = stall.to, true
			}
		}
	}
	return mono
}

// settle does what is due in this millisecond, in the recordings' order. What a
// pass asks for without a delay is due in the same one, when it comes round
// again.
func (r *nacosLifeRun) settle(inputs []nacosInput) error {
	r.deleteAll()
	if r.in.Tie == 0 {
		r.pass()
	}
	for _, input := range inputs {
		if err := r.arrive(input); err != nil {
			return err
		}
	}
	if r.in.Tie != 0 {
		r.pass()
	}
	return nil
}

func (r *nacosLifeRun) deleteAll() {
	for len(r.deletes) > 0 && r.deferred(r.deletes[0].due, wholeServer) <= r.mono {
		next, _ := r.nextDelete(r.mono)
		r.expect("")
		next.service.delete(next.victim)
		r.event("delete", r.told())
	}
}

// event compares what happened with what was recorded next.
func (r *nacosLifeRun) event(kind string, values ...any) {
	text, _ := json.Marshal(append([]any{r.mono, kind}, values...)) // numbers and texts cannot fail
	var want nacosEvent
	if r.events < len(r.want) {
		want = r.want[r.events]
	}
	r.step = r.events
	r.check("event", nacosEvent(text), want)
	r.events++
}

// control steps the clock, or turns a switch. A stall does not keep it waiting.
func (r *nacosLifeRun) control(control nacosControl) error {
	switch control.kind {
	case clockStep:
		r.stepped += control.value
	case switchHealthChecks:
		r.healthChecks = boolean(control.value)
	case switchExpiry:
		r.expires = boolean(control.value)
	case switchResponsibility:
		r.responsible = boolean(control.value)
	default:
		return fmt.Errorf("unknown control %d", control.kind)
	}
	r.event("ctl", control.kind, control.value)
	return nil
}

// pass runs the periodic check if it is due, and tells it, with the order of
// the instances if that is not the last one, if it did anything.
func (r *nacosLifeRun) pass() {
	if r.deferred(r.due, wholeServer, checkerOnly) != r.mono {
		return
	}
	r.passes++
	r.expect(r.recordedPass())
	r.service.check()
	r.plan()
	if len(r.tokens) == 0 {
		return
	}
	tokens := r.told()
	if order := r.service.ephemeral.order; !slices.Equal(order, r.order) {
		r.order = order
		r.tokens = nil
		r.tellOrder(r.service.ephemeral)
		tokens = r.told() + " " + tokens
	}
	r.event("check", tokens)
}

// recordedPass is what was recorded of a pass in this millisecond.
func (r *nacosLifeRun) recordedPass() string {
	var mono int64
	var kind, tokens string
	if r.events >= len(r.want) || tuple([]byte(r.want[r.events]), &mono, &kind, &tokens) != nil || kind != "check" || mono != r.mono {
		return ""
	}
	return tokens
}

// learnOrder takes the order from the recording where that tells it. The last
// one holds until then; no two instances have one address, so that writes do
// not depend on it.
func (r *nacosLifeRun) learnOrder(l *nacosList, before nacosMoment) {
	if before == beforePass {
		l.order = r.order
		r.learn(l)
	}
}

// plan takes over when the kernel has planned the next pass. The original's
// timer is monotonic, and so its distance counts, whatever becomes of the wall
// clock.
func (r *nacosLifeRun) plan() {
	next := r.service.ephemeral.kernel.Status(r.now()).NextEviction
	r.due = r.mono + next.Sub(r.now()).Milliseconds()
}

// inputs are what the clients send, as it arrives.
func (r *nacosLifeRun) inputs() ([]nacosInput, error) {
	var all []nacosInput
	for i, client := range r.in.Clients {
		if client.interval < 1 {
			return nil, fmt.Errorf("client %d beats every %d ms", i, client.interval)
		}
		outages := slices.DeleteFunc(slices.Clone(r.in.Outages), func(o nacosOutage) bool { return o.client != int64(i) })
		slices.SortStableFunc(outages, func(a, b nacosOutage) int { return cmp.Compare(a.from, b.from) })
		sent, err := r.inputsOf(i, client, outages)
		if err != nil {
			return nil, err
		}
		all = append(all, sent...)
	}
	slices.SortStableFunc(all, func(a, b nacosInput) int {
		return cmp.Or(cmp.Compare(a.arrives, b.arrives), cmp.Compare(a.scheduled, b.scheduled), cmp.Compare(a.client, b.client))
	})
	return all, nil
}

// mostSent keeps a life that nobody recorded from taking all day: so many
// requests of one client, or passes.
const mostSent = 1 << 18

// inputsOf are what a client sends: after each start a registration and then
// beats, until it crashes or leaves.
func (r *nacosLifeRun) inputsOf(number int, client nacosClient, outages []nacosOutage) (all []nacosInput, err error) {
	send := func(kind nacosInputKind, at int64) {
		all = append(all, nacosInput{r.deferred(at, wholeServer), at, number, kind})
	}
	for start := client.registers; start >= 0 && start <= r.in.EndMillis; {
		end := nacosOutage{from: r.in.EndMillis + 1, to: -1}
		for _, outage := range slices.Backward(outages) {
			if outage.kind != partition && outage.from >= start {
				end = outage
			}
		}
		if end.to >= 0 && end.to <= end.from {
			return nil, fmt.Errorf("client %d is away from %d ms to %d ms", number, end.from, end.to)
		}
		if (end.from-start)/client.interval > mostSent {
			return nil, fmt.Errorf("client %d beats more than %d times", number, mostSent)
		}
		send(sendRegistration, start)
		for at := start; end.from-at > client.interval; {
			at += client.interval
			if !partitioned(outages, at) {
				send(sendBeat, at)
			}
		}
		if end.kind == cleanLeave {
			send(sendLeave, end.from)
		}
		start = end.to
	}
	return all, nil
}

func partitioned(outages []nacosOutage, at int64) bool {
	return slices.ContainsFunc(outages, func(o nacosOutage) bool { return o.kind == partition && o.from <= at && at < o.to })
}

// arrive does what a client has sent.
func (r *nacosLifeRun) arrive(input nacosInput) error {
	client := r.in.Clients[input.client]
	r.expect("")
	switch input.kind {
	case sendRegistration:
		err := r.register(client)
		r.event("reg", input.client, r.told())
		return err
	case sendBeat:
		return r.beat(input.client, client)
	}
	r.service.leave(client.key)
	r.event("leave", input.client, r.told())
	return nil
}

func (r *nacosLifeRun) register(client nacosClient) error {
	if r.service == nil {
		var err error
		if r.service, err = r.newService(millis(r.in.Delay)); err != nil {
			return err
		}
		r.plan()
	}
	registered, err := r.service.register(r.service.ephemeral, client.key, nacosInstance{metadata: client.metadata}, true)
	if err == nil && !registered {
		err = fmt.Errorf("%v could not be registered", client.key)
	}
	return err
}

// beat does what a beat asks for. A client that is not known registers at once.
func (r *nacosLifeRun) beat(number int, client nacosClient) (err error) {
	r.beats++
	_, known := r.service.ephemeral.kernel.Get(client.key)
	verdict, _ := heartbeat.BeatSwitch{}.Handle(heartbeat.Beat{Known: known, Full: r.in.FullBeats})
	kind := "beat"
	switch verdict {
	case heartbeat.AskToRegister:
		r.notFound++
		kind = "beat404"
		err = r.register(client)
	case heartbeat.RegisterFromBeat:
		err = r.register(client)
		r.service.renew(client.key)
	case heartbeat.RenewLease:
		r.service.renew(client.key)
	}
	if len(r.tokens) > 0 {
		r.event(kind, number, r.told())
	}
	return err
}

func (r *nacosLifeRun) final() []*scenarioState {
	all := make([]*scenarioState, len(r.in.Clients))
	for i, client := range r.in.Clients {
		if r.service == nil {
			break
		}
		if s, ok := r.service.ephemeral.kernel.Get(client.key); ok {
			all[i] = &scenarioState{recordedAs(!s.Suspected()), s.LastRenewal().UnixMilli()}
		}
	}
	return all
}
