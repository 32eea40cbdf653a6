package replay

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// beatInputs is what was asked of a server, request by request.
type beatInputs struct {
	T0       int64    `json:"t0"`
	Interval int64    `json:"clientBeatInterval"`
	Light    bool     `json:"lightBeatEnabled"`
	Delays   []int64  `json:"delDelay"`
	Ops      []beatOp `json:"ops"`
}

// beatOp is an operation, of which what its kind needs is set.
type beatOp struct {
	mono               int64
	kind               string
	key                nacosKey
	instance           nacosInstance
	healthy, ephemeral int64
	setting            int64
	parameters         map[string]string
}

func (o *beatOp) UnmarshalJSON(text []byte) error {
	var metadata *map[string]any
	err := readNacosOp(text, &o.mono, &o.kind, func() ([]any, bool) {
		switch o.kind {
		case "reg":
			return []any{&o.key.ip, &o.key.port, &o.key.cluster, &metadata, &o.healthy, &o.ephemeral}, true
		case "beat":
			return []any{&o.parameters}, true
		case "unhealthy":
			return []any{&o.key.ip, &o.key.port, &o.key.cluster}, true
		case "interval", "light":
			return []any{&o.setting}, true
		case "check":
			return nil, true
		}
		return nil, false
	})
	if metadata != nil {
		o.instance.metadata = *metadata
	}
	o.instance.weight = 1
	return err
}

// beatOutput is what came of an operation. It is compared as the JSON that it
// is, but for the weights, which Java and Go write differently.
type beatOutput struct {
	answer any
	tokens string
	state  map[string]any // nil if it has not changed
}

func (o *beatOutput) UnmarshalJSON(text []byte) error {
	var answer, state *json.RawMessage
	if err := tuple(text, &answer, &o.tokens, &state); err != nil {
		return err
	}
	if answer != nil {
		if err := unmarshalExactly(*answer, &o.answer); err != nil {
			return err
		}
	}
	if state == nil {
		return nil
	}
	if err := unmarshalExactly(*state, &o.state); err != nil {
		return err
	}
	for _, instance := range o.state {
		if values, ok := instance.([]any); ok && len(values) > 2 {
			if weight, ok := values[2].(json.Number); ok {
				values[2] = parseDouble(weight.String())
			}
		}
	}
	return nil
}

// unmarshalExactly leaves numbers as they are written.
func unmarshalExactly(text []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func replayNacosBeat(line []byte, c *checker) error {
	var recorded caseOf[beatInputs, []beatOutput]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	if err := parallel(len(in.Ops), len(want)); err != nil {
		return err
	}
	server, err := newNacosServer(in.T0, in.Delays)
	if err != nil {
		return err
	}
	server.name = nacosKey.String
	run := &beatRun{
		nacosServer: server,
		settings:    heartbeat.BeatSwitch{IntervalMillis: in.Interval, Light: in.Light},
		services:    make(map[string]*nacosService),
		state:       make(map[string]any),
	}
	server.look = run.learnOrder
	for i, op := range in.Ops {
		c.step = i
		server.expect(want[i].tokens)
		answer, err := run.apply(op)
		if err != nil {
			return err
		}
		c.check(op.kind+"'s answer", answer, want[i].answer)
		c.check(op.kind+"'s tokens", server.told(), want[i].tokens)
		c.check("state after "+op.kind, run.changedState(), want[i].state)
	}
	return nil
}

// beatRun feeds requests to the kernels of a server's services.
type beatRun struct {
	*nacosServer
	settings heartbeat.BeatSwitch
	services map[string]*nacosService // by namespace/name
	state    map[string]any           // as it was told last
}

// theService is what operations are about that do not say it.
const theService = "public/DEFAULT_GROUP@@svc"

// learnOrder takes the order from the recording, which tells it before every
// pass, and before a write if it matters since an address is there twice.
func (r *beatRun) learnOrder(l *nacosList, before nacosMoment) {
	if before == beforePass || before == beforeWrite && l.sharesAddresses() {
		r.learn(l)
		r.tellOrder(l)
	}
}

func (r *beatRun) apply(op beatOp) (answer any, err error) {
	for next, ok := r.nextDelete(op.mono); ok; next, ok = r.nextDelete(op.mono) {
		next.service.delete(next.victim)
	}
	r.mono = op.mono
	switch op.kind {
	case "reg":
		thrown, err := r.register(theService, op.key, op.instance, boolean(op.healthy), boolean(op.ephemeral))
		if thrown == "" {
			return "ok", err
		}
		return thrown, err
	case "beat":
		return r.beat(op.parameters)
	case "check":
		if service := r.services[theService]; service != nil {
			service.check()
		}
	case "unhealthy":
		if service := r.services[theService]; service != nil {
			service.makeUnhealthy(service.ephemeral, op.key)
		}
	case "interval":
		r.settings.IntervalMillis = op.setting
	case "light":
		r.settings.Light = boolean(op.setting)
	}
	return nil, nil
}

// register registers an instance, and returns what is thrown if that fails.
func (r *beatRun) register(name string, key nacosKey, instance nacosInstance, healthy, ephemeral bool) (thrown string, err error) {
	service := r.services[name]
	if service == nil {
		if service, err = r.newService(5 * time.Second); err != nil {
			return "", err
		}
		r.services[name] = service
	}
	registered, err := service.register(service.list(ephemeral), key, instance, healthy)
	if !registered {
		return "NacosSerializationException", err
	}
	return "", err
}

// beat answers a beat.
func (r *beatRun) beat(parameters map[string]string) (any, error) {
	request, thrown := readBeat(parameters)
	if thrown != "" {
		return "!" + thrown, nil
	}
	known, instance := r.find(request.service, request.key)
	if !known {
		instance = request.instance
	}
	beat, unreadable := beatOf(instance)
	beat.Known, beat.Full = known, request.full
	verdict, answer := r.settings.Handle(beat)
	if verdict == heartbeat.RegisterFromBeat {
		thrown, err := r.register(request.service, request.key, instance, true, request.ephemeral)
		if thrown != "" || err != nil {
			return "!" + thrown, err
		}
	}
	if verdict != heartbeat.AskToRegister {
		r.services[request.service].renew(request.key)
		if unreadable != nil { // quirk N18
			return "!NumberFormatException", nil
		}
	}
	return written(answer), nil
}

// find looks for an instance, among the persistent ones first (quirk N19).
func (r *beatRun) find(service string, key nacosKey) (known bool, instance nacosInstance) {
	s := r.services[service]
	if s == nil {
		return false, instance
	}
	for _, l := range []*nacosList{s.persistent, s.ephemeral} {
		if found, ok := l.kernel.Get(key); ok {
			return true, found.Holder()
		}
	}
	return false, instance
}

// beatOf is a beat of an instance, as far as its metadata tell. It fails if the
// interval in them cannot be read.
func beatOf(instance nacosInstance) (beat heartbeat.Beat, err error) {
	_, beat.HasInterval = instance.metadata[leasekernel.NacosIntervalKey]
	beat.IntervalMillis, err = periodOf(instance.metadata)
	return beat, err
}

// written is an answer as JSON.
func written(answer heartbeat.BeatAnswer) map[string]any {
	text := map[string]any{
		"clientBeatInterval": json.Number(strconv.FormatInt(answer.IntervalMillis, 10)),
		"code":               json.Number(strconv.Itoa(answer.Code)),
	}
	if answer.HasLight {
		text["lightBeatEnabled"] = answer.Light
	}
	return text
}

// changedState is the state of all instances, if it has changed.
func (r *beatRun) changedState() map[string]any {
	state := make(map[string]any)
	for name, service := range r.services {
		for key, instance := range service.ephemeral.kernel.All() {
			state[fmt.Sprintf("%s/%v", name, key)] = stateOf(instance)
		}
		for key, instance := range service.persistent.kernel.All() {
			state[fmt.Sprintf("%s/%v/p", name, key)] = stateOf(instance)
		}
	}
	if reflect.DeepEqual(state, r.state) {
		return nil
	}
	r.state = state
	return state
}

// stateOf is an instance as it is recorded: whether it is healthy, its last
// beat, weight and metadata.
func stateOf(s nacosSnapshot) []any {
	var metadata any
	if s.Holder().metadata != nil {
		metadata = s.Holder().metadata
	}
	return []any{
		json.Number(strconv.FormatInt(recordedAs(!s.Suspected()), 10)),
		json.Number(strconv.FormatInt(s.LastRenewal().UnixMilli(), 10)),
		s.Holder().weight,
		metadata,
	}
}
