package script

import (
	"container/heap"
	"time"
)

// client renews a key by itself.
type client struct {
	key   string
	every time.Duration
	next  time.Time
	order int // of the start: who was started first renews first
	index int // in the queue
}

// clients are those that renew by themselves, with a queue of who is next.
type clients struct {
	byKey   map[string]*client
	queue   queue
	started int
}

// start lets a client renew from the given instant on, and no more as it did
// before.
func (c *clients) start(key string, next time.Time, every time.Duration) {
	c.stop(key)
	c.started++
	started := &client{key: key, every: every, next: next, order: c.started}
	c.byKey[key] = started
	heap.Push(&c.queue, started)
}

// stop reports whether there was a client to stop.
func (c *clients) stop(key string) bool {
	stopped, ok := c.byKey[key]
	if ok {
		heap.Remove(&c.queue, stopped.index)
		delete(c.byKey, key)
	}
	return ok
}

// due returns when the next client renews, if there is one.
func (c *clients) due() (at time.Time, ok bool) {
	if len(c.queue) == 0 {
		return time.Time{}, false
	}
	return c.queue[0].next, true
}

// beat returns the key that renews now, and plans its next renewal.
func (c *clients) beat() (key string) {
	first := c.queue[0]
	first.next = first.next.Add(first.every)
	heap.Fix(&c.queue, 0)
	return first.key
}

// queue is a heap.
type queue []*client

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if !q[i].next.Equal(q[j].next) {
		return q[i].next.Before(q[j].next)
	}
	return q[i].order < q[j].order
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	added := x.(*client)
	added.index = len(*q)
	*q = append(*q, added)
}

func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
