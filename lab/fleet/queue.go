package fleet

import (
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// action is what happens at an offset.
type action uint8

const (
	wake   action = iota // a client looks what is due
	arrive               // the server does a request
	answer               // a client hears what became of its request
	forget               // the server loses its leases
	pass                 // the server evicts what has expired
)

// event is an action at an offset. Those of one offset happen in the order in
// which they were planned.
type event struct {
	at      time.Duration
	order   uint64
	client  int32
	attempt int32 // of the client; an answer to an older one is not heard
	action  action
	request heartbeat.Request
	reply   heartbeat.ReplyKind
}

func (e event) before(other event) bool {
	if e.at == other.at {
		return e.order < other.order
	}
	return e.at < other.at
}

// queue is a binary heap of events, the next one in front. It is written out
// because container/heap allocates for each event.
type queue struct {
	events  []event
	planned uint64
}

func (q *queue) push(e event) {
	e.order = q.planned
	q.planned++
	q.events = append(q.events, e)
	i := len(q.events) - 1
	for parent := (i - 1) / 2; i > 0 && e.before(q.events[parent]); parent = (i - 1) / 2 {
		q.events[i], i = q.events[parent], parent
	}
	q.events[i] = e
}

// pop takes the next event from a queue that is not empty, and sinks the last
// one from its place.
func (q *queue) pop() event {
	next, last := q.events[0], len(q.events)-1
	e := q.events[last]
	q.events = q.events[:last]
	if last == 0 {
		return next
	}
	i := 0
	for child := 1; child < last; child = 2*i + 1 {
		if child+1 < last && q.events[child+1].before(q.events[child]) {
			child++
		}
		if !q.events[child].before(e) {
			break
		}
		q.events[i], i = q.events[child], child
	}
	q.events[i] = e
	return next
}
