package script

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// Kind is what an [Event] tells.
type Kind uint8

const (
	// Comment: a line without a command, maybe an empty one.
	Comment Kind = iota + 1
	// Setting: a command before anything happens.
	Setting
	// Warning: what is unwise about the settings.
	Warning
	// Said: a command.
	Said
	// Came: what came of the command.
	Came
	// Happened: something that happened while time passed.
	Happened
	// Met: an expectation that is met.
	Met
	// Failed: an expectation that is not.
	Failed
)

// Event is one thing to tell about a script that runs.
type Event struct {
	Kind  Kind
	Line  int           // of the script
	At    time.Time     // when
	Since time.Duration // the start
	Text  string        // a sentence without a full stop
}

// start is when every script begins.
var start = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// Bounds of a script, so that a slip of the finger does not take all day. No
// lease can be granted that far away from the start, anyway.
const (
	mostEvents = 1_000_000
	longest    = 9 * 365 * 24 * time.Hour
)

type kernel = leasekernel.Kernel[string, struct{}]

// runner is a script that runs.
type runner struct {
	config  leasekernel.Config
	kernel  *kernel
	tell    func(Event)
	line    int
	now     time.Time
	clients clients
	terms   map[string]lease.Term // for which a key was last registered
	evicted map[string]bool       // and not registered since
	waiting []*gathering
	told    map[string]string // the last news of each topic
	left    int               // events that may still happen
	passes  int               // evictions of this Advance
	beats   int               // heartbeats of this Advance
	failed  int               // expectations
}

// Run lets a script happen in virtual time and tells about it. It returns how
// many expectations failed. It fails, naming the line, where a command cannot
// be done at all; what came before has then been told.
func Run(s Script, tell func(Event)) (failed int, err error) {
	r := newRunner(tell)
	err = r.run(s)
	return r.failed, err
}

func newRunner(tell func(Event)) *runner {
	return &runner{
		tell:    tell,
		now:     start,
		clients: clients{byKey: make(map[string]*client)},
		terms:   make(map[string]lease.Term),
		evicted: make(map[string]bool),
		told:    make(map[string]string),
		left:    mostEvents,
	}
}

func (r *runner) run(s Script) (err error) {
	if r.config, err = s.config(); err != nil {
		return err
	}
	for i, line := range s {
		r.line = i + 1
		if err := r.do(s, line); err != nil {
			return fmt.Errorf("line %d: %v: %w", r.line, line.Command, err)
		}
	}
	return nil
}

func (r *runner) do(s Script, line Line) error {
	switch line.Command.(type) {
	case nil:
		r.say(Comment, line.String())
		return nil
	case Rules, Set:
		r.say(Setting, line.String())
		return nil
	}
	if r.kernel == nil {
		if err := r.begin(s.instances()); err != nil {
			return err
		}
	}
	r.say(Said, line.String())
	return line.Command.run(r)
}

// begin makes the kernel, when the settings are over.
func (r *runner) begin(instances int) (err error) {
	for _, problem := range r.config.Validate(instances) {
		r.say(Warning, problem.String())
	}
	r.kernel, err = leasekernel.New(r.now, r.config, leasekernel.Hooks[string, struct{}]{})
	return err
}

func (r *runner) say(kind Kind, text string) { r.sayAt(r.now, kind, text) }

func (r *runner) sayAt(at time.Time, kind Kind, text string) {
	r.tell(Event{Kind: kind, Line: r.line, At: at, Since: at.Sub(start), Text: text})
}

// came tells what came of the command.
func (r *runner) came(text string, numbers ...any) { r.say(Came, fmt.Sprintf(text, numbers...)) }

// The settings were read before anything happened.

func (Rules) run(*runner) error { return nil }
func (Set) run(*runner) error   { return nil }

func (c Open) run(r *runner) error {
	if err := r.kernel.Open(r.now, c.Count); err != nil {
		return err
	}
	decision := r.kernel.Status(r.now).Decision
	unit := "renewals a minute"
	if decision.Clients {
		unit = "clients"
	}
	r.came("open: %v %s are expected, the threshold is %v renewals a minute", decision.Expected, unit, decision.Threshold)
	return nil
}

func (c Register) run(r *runner) error {
	term := r.term(c.Term)
	if len(c.Term) == 2 && r.config.Release != 0 && term.Interval != r.config.Term.Interval {
		r.came("the interval is without effect: %v expects the same of all clients", r.config.Release)
	}
	var outcome outcome
	for _, key := range c.Keys.All() {
		registration, err := r.register(key, term)
		switch {
		case errors.Is(err, lease.ErrFull):
			outcome.add(r.full(), key)
		case err != nil:
			return err
		default:
			granted := registration.Change
			outcome.add(fmt.Sprintf("%v for %s", granted.Kind, Short(granted.Lease.Term().Duration)), key)
			r.terms[key] = term
		}
	}
	r.came("%v", outcome)
	return nil
}

// term is what a script's durations mean: what is not given is the Config's.
func (r *runner) term(given Spans) lease.Term {
	if len(given) == 0 {
		return lease.Term{}
	}
	term := r.config.Term
	term.Duration = given[0]
	if len(given) == 2 {
		term.Interval = given[1]
	}
	return term
}

// full is why a registration was refused with lease.ErrFull.
func (r *runner) full() string {
	return fmt.Sprintf("refused, since MaxLeases is %d", r.config.MaxLeases)
}

func (r *runner) register(key string, term lease.Term) (leasekernel.Registration[string, struct{}], error) {
	registration, err := r.kernel.Register(r.now, key, struct{}{}, term)
	if err == nil {
		delete(r.evicted, key)
	}
	return registration, err
}

func (c Renew) run(r *runner) error {
	var outcome outcome
	for _, key := range c.Keys.All() {
		switch healed, ok := r.kernel.RenewTelling(r.now, key); {
		case healed:
			outcome.add("renewed, and healed", key)
		case ok:
			outcome.add("renewed", key)
		default:
			outcome.add("answered false", key)
		}
	}
	r.came("%v", outcome)
	return nil
}

func (c Suspect) run(r *runner) error {
	var outcome outcome
	for _, key := range c.Keys.All() {
		if _, ok := r.kernel.Suspect(r.now, key); ok {
			outcome.add("suspect", key)
		} else {
			outcome.add("nothing to suspect", key)
		}
	}
	r.came("%v", outcome)
	return nil
}

func (c Exempt) run(r *runner) error {
	words := map[Switch]string{true: "exempt", false: "no longer exempt"}
	var outcome outcome
	for _, key := range c.Keys.All() {
		if r.kernel.Exempt(key, bool(c.On)) {
			outcome.add(words[c.On], key)
		} else {
			outcome.add("nothing to change", key)
		}
	}
	r.came("%v", outcome)
	return nil
}

func (c Stop) run(r *runner) error {
	keys := c.Keys.All()
	for _, key := range keys {
		if !r.clients.stop(key) {
			return invalid("key", key, "must renew by itself, see beat")
		}
	}
	r.came("silent from now on")
	return nil
}

func (c Cancel) run(r *runner) error {
	var outcome outcome
	for _, key := range c.Keys.All() {
		r.clients.stop(key)
		if _, ok := r.kernel.Cancel(r.now, key); ok {
			outcome.add("cancelled", key)
		} else {
			outcome.add("had no lease", key)
		}
	}
	r.came("%v", outcome)
	return nil
}

func (Tick) run(r *runner) error {
	report := r.kernel.Tick(r.now)
	if report.Eviction == nil && report.Rotation == nil && report.Update == nil {
		r.came("nothing is due%s", r.nextDue())
	}
	r.report(Came, report)
	return nil
}

func (r *runner) nextDue() string {
	if next, ok := r.kernel.Next(); ok {
		return " before " + r.when(next)
	}
	return ", nor is anything planned"
}

func (c Expect) run(r *runner) error {
	var others outcome
	keys := c.Keys.All()
	for _, key := range keys {
		if state := r.state(key); state != c.State {
			others.add(string(state), key)
		}
	}
	if len(others) == 0 {
		r.say(Met, "as expected")
		return nil
	}
	r.failed++
	r.say(Failed, fmt.Sprintf("EXPECTED %s, but %v", c.State, others))
	return nil
}

// state is what has become of a key.
func (r *runner) state(key string) State {
	snapshot, ok := r.kernel.Get(key)
	if !ok && r.evicted[key] {
		return StateEvicted
	}
	if !ok {
		return StateAbsent
	}
	switch snapshot.Stage(r.now, 0) {
	case lease.Expired:
		return StateExpired
	case lease.Suspect:
		return StateSuspect
	}
	return StateLive
}

// outcome is which keys something became of.
type outcome []*group

type group struct {
	what string
	keys []string
}

func (o *outcome) add(what, key string) {
	for _, g := range *o {
		if g.what == what {
			g.keys = append(g.keys, key)
			return
		}
	}
	*o = append(*o, &group{what, []string{key}})
}

// String names the keys.
func (o outcome) String() string {
	var parts []string
	for _, g := range o {
		parts = append(parts, g.what+": "+names(g.keys))
	}
	return strings.Join(parts, "; ")
}

// when is an instant in words, relative and by the clock.
func (r *runner) when(at time.Time) string {
	return fmt.Sprintf("t+%s (%s)", Short(at.Sub(start)), Clock(at))
}

// Clock is an instant as a wall clock shows it.
func Clock(at time.Time) string { return at.UTC().Format("15:04:05.999") }
