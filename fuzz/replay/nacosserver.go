package replay

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
)

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
		return nil, errors.New("nothing says how long a deletion takes")
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
