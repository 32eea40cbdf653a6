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
	for i := len(q.events) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.events[i].before(q.events[parent]) {
			return
		}
		q.events[i], q.events[parent] = q.events[parent], q.events[i]
		i = parent
	}
}

// pop takes the next event from a queue that is not empty.
func (q *queue) pop() event {
	next, last := q.events[0], len(q.events)-1
	q.events[0], q.events = q.events[last], q.events[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.events[child].before(q.events[least]) {
				least = child
			}
		}
		if least == i {
			return next
		}
		q.events[i], q.events[least] = q.events[least], q.events[i]
		i = least
	}
}
