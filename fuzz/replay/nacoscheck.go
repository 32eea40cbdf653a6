package replay

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// checkInputs is a service's life, pass by pass.
type checkInputs struct {
	T0        int64           `json:"t0"`
	Delays    []int64         `json:"delDelay"`
	Instances []checkInstance `json:"instances"`
	Ops       []checkOp       `json:"ops"`
}

type checkInstance struct {
	IP       string         `json:"ip"`
	Port     int64          `json:"port"`
	Cluster  string         `json:"cluster"`
	Healthy  bool           `json:"healthy"`
	Metadata map[string]any `json:"meta"`
}

func (i checkInstance) key() nacosKey { return nacosKey{nacosAddress{i.IP, i.Port}, i.Cluster} }

// checkOp is an operation, of which argument and flag mean what its kind says.
type checkOp struct {
	mono, argument, flag int64
	kind                 string
}

func (o *checkOp) UnmarshalJSON(text []byte) error {
	return readNacosOp(text, &o.mono, &o.kind, func() ([]any, bool) {
		switch o.kind {
		case "check", "noservice", "end":
			return nil, true
		case "reg", "beat", "step", "health", "expire", "resp":
			return []any{&o.argument}, true
		case "mark":
			return []any{&o.argument, &o.flag}, true
		}
		return nil, false
	})
}

type checkOutputs struct {
	Ops   []string      `json:"ops"`
	Final []*checkFinal `json:"final"`
}

// checkFinal is an instance at the end.
type checkFinal struct{ healthy, marked, lastBeat int64 }

func (f *checkFinal) UnmarshalJSON(text []byte) error {
	return tuple(text, &f.healthy, &f.marked, &f.lastBeat)
}

func replayNacosCheck(line []byte, c *checker) error {
	var recorded caseOf[checkInputs, checkOutputs]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	if err := parallel(len(in.Ops), len(want.Ops)); err != nil {
		return err
	}
	server, err := newNacosServer(in.T0, in.Delays)
	if err != nil {
		return err
	}
	run := &checkRun{nacosServer: server, in: in, numbers: make(map[nacosKey]int)}
	for i, instance := range in.Instances {
		run.numbers[instance.key()] = i
	}
	server.name = func(key nacosKey) string { return strconv.Itoa(run.numbers[key]) }
	server.look = run.learnOrder
	for i, op := range in.Ops {
		c.step = i
		server.expect(want.Ops[i])
		if err := run.apply(op); err != nil {
			return err
		}
		c.check(op.kind, server.told(), want.Ops[i])
	}
	checkEach(c, "final", run.final(), want.Final)
	return nil
}

// checkRun feeds one service's life to a kernel.
type checkRun struct {
	*nacosServer
	in      checkInputs
	numbers map[nacosKey]int
	service *nacosService // nil until the first registration
	order   []nacosKey    // the last that was told; nil if there was none
}

// learnOrder takes the order from the recording where that tells it, which it
// does when it differs from the last one.
func (r *checkRun) learnOrder(l *nacosList, _ nacosMoment) {
	r.learn(l)
	if r.order == nil || !slices.Equal(l.order, r.order) {
		r.tellOrder(l)
		r.order = l.order
	}
}

func (r *checkRun) apply(op checkOp) error {
	for {
		next, ok := r.nextDelete(op.mono)
		if !ok {
			break
		}
		r.mono = next.due
		next.service.delete(next.victim)
	}
	r.mono = op.mono
	switch op.kind {
	case "check":
		if r.service != nil {
			r.service.check()
		}
	case "step":
		r.stepped += op.argument
	case "health":
		r.healthChecks = boolean(op.argument)
	case "expire":
		r.expires = boolean(op.argument)
	case "resp":
		r.responsible = boolean(op.argument)
	case "reg", "beat", "mark":
		return r.applyTo(op)
	}
	return nil
}

// applyTo makes a call that is about an instance.
func (r *checkRun) applyTo(op checkOp) error {
	if op.argument < 0 || op.argument >= int64(len(r.in.Instances)) {
		return fmt.Errorf("no instance %d", op.argument)
	}
	instance := r.in.Instances[op.argument]
	switch op.kind {
	case "reg":
		return r.register(instance)
	case "beat":
		r.beat(instance)
	case "mark":
		if r.service != nil {
			r.service.ephemeral.kernel.Exempt(instance.key(), boolean(op.flag))
		}
	}
	return nil
}

func (r *checkRun) register(instance checkInstance) error {
	if r.service == nil {
		var err error
		if r.service, err = r.newService(5 * time.Second); err != nil {
			return err
		}
	}
	name := r.name(instance.key())
	registered, err := r.service.register(r.service.ephemeral, instance.key(), nacosInstance{metadata: instance.Metadata}, instance.Healthy)
	if registered {
		r.tell("R" + name)
	} else {
		r.tell("R" + name + "!")
	}
	return err
}

// beat is a light one. Its answer fails if the interval cannot be read, after
// it was taken (quirk N18).
func (r *checkRun) beat(instance checkInstance) {
	known := r.service != nil && r.service.renew(instance.key())
	beat, err := beatOf(nacosInstance{metadata: instance.Metadata})
	beat.Known = known
	verdict, answer := heartbeat.BeatSwitch{}.Handle(beat)
	if err != nil && verdict == heartbeat.RenewLease {
		r.tell("B!NumberFormatException")
	} else {
		r.tell(fmt.Sprintf("B%d", answer.Code))
	}
}

func (r *checkRun) final() []*checkFinal {
	all := make([]*checkFinal, len(r.in.Instances))
	for i, instance := range r.in.Instances {
		if r.service == nil {
			break
		}
		if s, ok := r.service.ephemeral.kernel.Get(instance.key()); ok {
			all[i] = &checkFinal{recordedAs(!s.Suspected()), recordedAs(s.Exempt()), s.LastRenewal().UnixMilli()}
		}
	}
	return all
}
