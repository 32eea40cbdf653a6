package replay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// What all recordings of Nacos's server share: services whose instances have
// leases in a kernel, and what the original does around them. What is no rule
// of its heartbeats but an accident lives here, by the quirk's number.

// nacosKey is an instance in a service.
type nacosKey struct {
	nacosAddress
	cluster string
}

type nacosAddress struct {
	ip   string
	port int64
}

func (k nacosKey) String() string { return fmt.Sprintf("%s:%d@%s", k.ip, k.port, k.cluster) }

// nacosInstance is what a service keeps of an instance beside its lease.
type nacosInstance struct {
	weight   float64
	metadata map[string]any // nil if the beat had none
}

type (
	nacosKernel   = leasekernel.Kernel[nacosKey, nacosInstance]
	nacosSnapshot = lease.Snapshot[nacosKey, nacosInstance]
)

// hasUnreadable reports whether one of the metadata is a number that Java's
// parseLong throws at: nothing that reads it gets any further (quirk N4).
func (i nacosInstance) hasUnreadable(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		_, err := leasekernel.NacosTerm(map[string]string{key: i.text(key)})
		return err != nil
	})
}

// cannotBeWritten reports whether Jackson fails to write the instance as JSON,
// since that calls all three getters (quirks N5 and N6).
func (i nacosInstance) cannotBeWritten() bool {
	return i.hasUnreadable(leasekernel.NacosIntervalKey, leasekernel.NacosTimeoutKey, leasekernel.NacosDeleteKey)
}

func (i nacosInstance) text(key string) string {
	text, _ := i.metadata[key].(string)
	return text
}

// term is the term of the instance's lease. What cannot be read is never over:
// the original does not get to judge it.
func (i nacosInstance) term() (lease.Term, error) {
	metadata := make(map[string]string)
	for _, key := range []string{leasekernel.NacosIntervalKey, leasekernel.NacosTimeoutKey, leasekernel.NacosDeleteKey} {
		metadata[key] = i.text(key)
		if i.hasUnreadable(key) {
			metadata[key] = "9223372036854775807"
		}
	}
	return leasekernel.NacosTerm(metadata)
}

// nacosServer is a server's clocks and switches, and what has been told of it.
type nacosServer struct {
	t0, mono, stepped int64
	delays            []int64 // of the requests for deletion, over and over; -1 is lost
	requests          int
	deletes           []nacosDelete // by their time, and as they were asked for

	responsible, healthChecks, expires bool

	name     func(nacosKey) string
	look     func(l *nacosList, before nacosMoment) // at the order of a list
	tokens   []string                               // told since the last reset
	recorded []string                               // what the recording has for them
}

// nacosDelete is a request for deletion, which is made by a pass, on its way
// from the server to itself (quirk N8).
type nacosDelete struct {
	due     int64
	service *nacosService
	victim  nacosSnapshot
}

// nacosMoment is before what a recording may tell the order of the original's
// hash maps.
type nacosMoment uint8

const (
	beforePass nacosMoment = iota
	beforeWrite
	beforeDelete
)

func newNacosServer(t0 int64, delays []int64) (*nacosServer, error) {
	if len(delays) == 0 {
		return nil, fmt.Errorf("nothing says how long a delete takes")
	}
	return &nacosServer{t0: t0, delays: delays, responsible: true, healthChecks: true, expires: true}, nil
}

func (n *nacosServer) now() time.Time { return time.UnixMilli(n.t0 + n.stepped + n.mono) }

// expect begins the tokens anew, with what was recorded of them.
func (n *nacosServer) expect(recorded string) {
	n.tokens, n.recorded = nil, strings.Fields(recorded)
}

func (n *nacosServer) tell(tokens ...string) { n.tokens = append(n.tokens, tokens...) }

// told is the tokens as they are recorded.
func (n *nacosServer) told() string { return strings.Join(n.tokens, " ") }

// tellChanges tells what the changes of a kernel do in the original: it pushes
// each to the subscribers by itself (quirk N13).
func (n *nacosServer) tellChanges(changes []leasekernel.Change[nacosKey, nacosInstance]) {
	for _, change := range changes {
		name := n.name(change.Key)
		switch change.Kind {
		case leasekernel.Suspected:
			n.tell("U"+name, "P", "E"+name)
		case leasekernel.Healed:
			n.tell("H"+name, "P")
		default: // a write
			n.tell("P")
		}
	}
}

// recordedOrder is the order of the original's hash map, if the recording tells
// it next.
func (n *nacosServer) recordedOrder() (names []string, ok bool) {
	if len(n.tokens) >= len(n.recorded) {
		return nil, false
	}
	list, ok := strings.CutPrefix(n.recorded[len(n.tokens)], "O")
	if !ok || list == "" {
		return nil, ok
	}
	return strings.Split(list, ","), true
}

// learn takes the order of a list from the recording, if that tells it next.
func (n *nacosServer) learn(l *nacosList) {
	if names, ok := n.recordedOrder(); !ok || !l.adopt(names, n.name) {
		l.settle()
	}
}

// tellOrder tells the order of a list.
func (n *nacosServer) tellOrder(l *nacosList) {
	var names []string
	for _, key := range l.order {
		names = append(names, n.name(key))
	}
	n.tell("O" + strings.Join(names, ","))
}

// request asks for the deletion of what a pass has proposed.
func (n *nacosServer) request(service *nacosService, victim nacosSnapshot) {
	delay := n.delays[n.requests%len(n.delays)]
	n.requests++
	if delay < 0 {
		return
	}
	n.deletes = append(n.deletes, nacosDelete{n.mono + delay, service, victim})
	slices.SortStableFunc(n.deletes, func(a, b nacosDelete) int { return cmp.Compare(a.due, b.due) })
}

// nextDelete takes the next request that is due.
func (n *nacosServer) nextDelete(until int64) (next nacosDelete, ok bool) {
	if len(n.deletes) == 0 || n.deletes[0].due > until {
		return next, false
	}
	next = n.deletes[0]
	n.deletes = n.deletes[1:]
	return next, true
}

// nacosList is the instances of a service of one sort: the ephemeral ones, or
// the persistent ones, whose leases no pass looks at (quirk N19).
type nacosList struct {
	kernel *nacosKernel
	order  []nacosKey // in which the original goes through them
}

// keys are those of all instances, in an order of their own.
func (l *nacosList) keys() []nacosKey {
	var keys []nacosKey
	for key := range l.kernel.All() {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b nacosKey) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// adopt takes over an order if it is one of all the instances.
func (l *nacosList) adopt(names []string, name func(nacosKey) string) bool {
	byName := make(map[string]nacosKey)
	for key := range l.kernel.All() {
		byName[name(key)] = key
	}
	order := make([]nacosKey, 0, len(names))
	for _, name := range names {
		key, ok := byName[name]
		if !ok {
			return false
		}
		delete(byName, name)
		order = append(order, key)
	}
	if len(byName) > 0 {
		return false
	}
	l.order = order
	return true
}

// settle makes the order one of all the instances: what has left is left out,
// what is not in it comes last.
func (l *nacosList) settle() {
	order := slices.DeleteFunc(slices.Clone(l.order), func(key nacosKey) bool {
		_, ok := l.kernel.Get(key)
		return !ok
	})
	for _, key := range l.keys() {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	l.order = order
}

// place is where the original comes to an instance.
func (l *nacosList) place(key nacosKey) int {
	if place := slices.Index(l.order, key); place >= 0 {
		return place
	}
	return len(l.order)
}

// firstOf is the place of the first instance for which the condition holds,
// the end if there is none.
func (l *nacosList) firstOf(holds func(nacosSnapshot) bool) int {
	for i, key := range l.order {
		if instance, ok := l.kernel.Get(key); ok && holds(instance) {
			return i
		}
	}
	return len(l.order)
}

// sharesAddresses reports whether one address is there in two clusters.
func (l *nacosList) sharesAddresses() bool {
	addresses := make(map[nacosAddress]bool)
	for key := range l.kernel.All() {
		addresses[key.nacosAddress] = true
	}
	return len(addresses) < l.kernel.Len()
}

// mergeAddresses does what every write of a service begins with: health and
// last beat are kept by address, so that those of the last instance become
// those of all at its address, marked or not, in whatever cluster (quirk N9).
func (l *nacosList) mergeAddresses(now time.Time) {
	last := make(map[nacosAddress]nacosSnapshot)
	for _, key := range l.order {
		if instance, ok := l.kernel.Get(key); ok {
			last[key.nacosAddress] = instance
		}
	}
	for _, key := range l.order {
		if from, ok := last[key.nacosAddress]; ok && from.Key() != key {
			l.copyState(now, key, from)
		}
	}
	l.kernel.Rotate(now) // nobody is told
}

func (l *nacosList) copyState(now time.Time, key nacosKey, from nacosSnapshot) {
	instance, ok := l.kernel.Get(key)
	if !ok {
		return
	}
	l.kernel.Exempt(key, false)
	l.kernel.Renew(from.LastRenewal(), key)
	if from.Suspected() {
		l.kernel.Suspect(now, key)
	}
	l.kernel.Exempt(key, instance.Exempt())
}

// nacosService is a service.
type nacosService struct {
	*nacosServer
	clusters              map[string]bool
	ephemeral, persistent *nacosList
	unjudged              map[nacosKey]bool // to which the pass does not get (quirk N4)
}

// newService makes a service, whose passes begin an interval later.
func (n *nacosServer) newService(interval time.Duration) (*nacosService, error) {
	s := &nacosService{nacosServer: n, clusters: make(map[string]bool), ephemeral: &nacosList{}, persistent: &nacosList{}}
	config := leasekernel.Nacos()
	config.EvictionInterval = interval
	config.ProposeOnly = true
	config.EvictByKey = true
	hooks := leasekernel.Hooks[nacosKey, nacosInstance]{
		Responsible: func(key nacosKey) bool { return n.responsible && !s.unjudged[key] },
		Order: func(_ time.Time, leases []nacosSnapshot) {
			slices.SortStableFunc(leases, func(a, b nacosSnapshot) int {
				return cmp.Compare(s.ephemeral.place(a.Key()), s.ephemeral.place(b.Key()))
			})
		},
	}
	var err error
	if s.ephemeral.kernel, err = leasekernel.New(n.now(), config, hooks); err != nil {
		return nil, err
	}
	s.persistent.kernel, err = leasekernel.New(n.now(), leasekernel.Nacos(), leasekernel.Hooks[nacosKey, nacosInstance]{})
	return s, err
}

func (s *nacosService) list(ephemeral bool) *nacosList {
	if ephemeral {
		return s.ephemeral
	}
	return s.persistent
}

// register registers an instance and reports whether that came to anything. It
// does not if the cluster is new and the instance cannot be written to the log,
// but then the cluster is not new any more (quirk N6).
func (s *nacosService) register(l *nacosList, key nacosKey, instance nacosInstance, healthy bool) (bool, error) {
	s.look(l, beforeWrite)
	l.mergeAddresses(s.now())
	if !s.clusters[key.cluster] {
		s.clusters[key.cluster] = true
		if instance.cannotBeWritten() {
			return false, nil
		}
	}
	term, err := instance.term()
	if err != nil {
		return false, err
	}
	registration, err := l.kernel.Register(s.now(), key, instance, term)
	if err != nil {
		return false, err
	}
	s.tellChanges(l.kernel.Rotate(s.now()).Changes)
	if !healthy && registration.Change.Kind == leasekernel.Registered {
		s.makeUnhealthy(l, key)
	}
	return true, nil
}

// makeUnhealthy makes an instance so without telling anybody.
func (s *nacosService) makeUnhealthy(l *nacosList, key nacosKey) {
	l.kernel.Suspect(s.now(), key)
	l.kernel.Rotate(s.now())
}

// renew is what a beat does to an ephemeral instance; others it leaves alone
// (quirk N19).
func (s *nacosService) renew(key nacosKey) bool {
	from, renewed := s.ephemeral.kernel.RenewFrom(s.now(), key)
	if from == lease.Suspect {
		s.tellChanges(s.ephemeral.kernel.Rotate(s.now()).Changes)
	}
	return renewed
}

// leave takes an instance away, as its client asks. Subscribers are told also
// if it was not there.
func (s *nacosService) leave(key nacosKey) {
	s.write(func(now time.Time) bool {
		_, ok := s.ephemeral.kernel.Cancel(now, key)
		return ok
	})
}

// delete takes an instance away, as a pass has asked, whatever has become of it
// since (quirk N8).
func (s *nacosService) delete(victim nacosSnapshot) {
	s.look(s.ephemeral, beforeDelete)
	s.tell("X" + s.name(victim.Key()))
	s.write(func(now time.Time) bool {
		_, ok := s.ephemeral.kernel.EvictProposed(now, victim)
		return ok
	})
}

func (s *nacosService) write(remove func(now time.Time) bool) {
	s.look(s.ephemeral, beforeWrite)
	s.ephemeral.mergeAddresses(s.now())
	if remove(s.now()) {
		s.tellChanges(s.ephemeral.kernel.Rotate(s.now()).Changes)
	} else {
		s.tell("P")
	}
}

// check is a pass. It ends at the first instance whose timeout cannot be read;
// then nobody is deleted, either (quirk N4).
func (s *nacosService) check() {
	l := s.ephemeral
	s.look(l, beforePass)
	works := s.healthChecks && s.responsible
	end := l.firstOf(func(i nacosSnapshot) bool { return i.Holder().hasUnreadable(leasekernel.NacosTimeoutKey) })
	thrown := works && end < len(l.order)
	s.unjudged = make(map[nacosKey]bool)
	if thrown {
		for _, key := range l.order[end:] {
			s.unjudged[key] = true
		}
	}
	l.kernel.SetSuspicion(s.healthChecks)
	l.kernel.SetEviction(s.healthChecks && s.expires)
	report := l.kernel.Evict(s.now())
	s.tellChanges(report.Changes)
	if thrown {
		s.tell("!")
	} else if works && s.expires {
		s.requestDeletes(report.Eviction.Proposed)
	}
}

// requestDeletes asks for what the pass has proposed, up to the first instance
// whose timeout cannot be read, unless it is marked (quirk N4), or that is one
// of them and cannot be written to the log (quirk N5).
func (s *nacosService) requestDeletes(proposed []nacosSnapshot) {
	l := s.ephemeral
	end := l.firstOf(func(i nacosSnapshot) bool {
		return !i.Exempt() && i.Holder().hasUnreadable(leasekernel.NacosDeleteKey)
	})
	for _, victim := range proposed {
		if l.place(victim.Key()) > end || victim.Holder().cannotBeWritten() {
			s.tell("!")
			return
		}
		s.tell("D" + s.name(victim.Key()))
		s.request(s, victim)
	}
	if end < len(l.order) {
		s.tell("!")
	}
}

// nacosOp is the frame of an operation: when, what, and its arguments.
type nacosOp struct {
	mono int64
	kind string
	args []any
}

// readNacosOp reads an operation whose arguments are to be read as its kind
// says.
func readNacosOp(text []byte, arguments func(kind string) (into []any, ok bool)) (op nacosOp, err error) {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return op, err
	}
	if len(values) < 2 {
		return op, fmt.Errorf("an operation of %d values", len(values))
	}
	if err := json.Unmarshal(values[1], &op.kind); err != nil {
		return op, err
	}
	args, ok := arguments(op.kind)
	if !ok {
		return op, fmt.Errorf("unknown operation %q", op.kind)
	}
	op.args = args
	return op, tuple(text, append([]any{&op.mono, &op.kind}, args...)...)
}
