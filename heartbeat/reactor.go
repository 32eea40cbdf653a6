package heartbeat

import (
	"container/heap"
	"fmt"
	"math"
	"slices"
	"time"
)

// BeatAction is what a Nacos client does about one of its instances.
type BeatAction uint8

const (
	// SendFull: send a beat that describes the instance.
	SendFull BeatAction = iota
	// SendLight: send a beat that only names it.
	SendLight
	// RegisterAgain: the server does not know the instance. Register it,
	// healthy and enabled, whatever it was before (quirk N30).
	RegisterAgain
)

// String returns "send full", "send light" or "register again".
func (a BeatAction) String() string {
	switch a {
	case SendFull:
		return "send full"
	case SendLight:
		return "send light"
	case RegisterAgain:
		return "register again"
	}
	return fmt.Sprintf("BeatAction(%d)", uint8(a))
}

// BeatTask is a request that a [Reactor] wants made. How it ended has to be
// told, once, by Answered or Failed if it was a beat, and by Registered or
// Failed if it was a registration; until then it keeps a thread busy, so each
// needs a time-out.
type BeatTask[K comparable, V any] struct {
	// Action is what to send.
	Action BeatAction
	// Key is the instance's.
	Key K
	// Value is what was added with the key, even if it was replaced or
	// removed since.
	Value V

	beat *scheduled[K, V]
	turn uint64
}

// Reactor decides when a Nacos client sends which beats (BeatReactor of Nacos
// 1.4.2, quirks N21 to N30). V is what the caller needs to know of an instance
// to send its beat. The caller makes the requests and says how they ended:
//
//	for task, ok := reactor.Due(now); ok; task, ok = reactor.Due(now) {
//		go send(task) // and report how it ended to this goroutine
//	}
//	// Again at reactor.Next(), and after every report and Add.
//
// The rules are the original's:
//
//   - The first beat is due one period after Add, not at once.
//   - The next one is due after the end of the request, and of the
//     registration if the answer asked for one, by the answered interval if
//     that is above 0, otherwise by the period, as after a failure. So latency
//     lowers the rate, and there is no back-off.
//   - A period of 0 or less sends back to back while the answers name no
//     interval.
//   - Whether beats are light is one setting for all. It is full at first;
//     then what the answer that came last says, and full if it says nothing,
//     as all do that ask for a registration. A failure leaves it.
//   - At most as many requests as there are threads are out. What is due
//     meanwhile is late.
//   - What is removed or replaced while its request is out is still
//     registered again if the answer says so: an instance that has left may
//     come back, until its lease expires.
//
// What is removed stays in the queue until it was due, as in the original: keys
// that come and go with long periods take memory for as long.
//
// Instants should be monotonic, as those of [time.Now] are: with a clock that
// is set back every beat waits for as long as it was set back. Make one with
// [NewReactor]; it belongs to one goroutine. Reports and Due allocate nothing
// once every beat has been scheduled.
type Reactor[K comparable, V any] struct {
	threads, busy int
	light         bool
	order         uint64 // of the next to be scheduled
	beats         map[K]*scheduled[K, V]
	queue         queue[K, V]
	unregistered  []*scheduled[K, V] // each has a thread already
}

// scheduled is a beat with its timer. It is either in the queue or holds a
// thread, so one is enough for its whole life.
type scheduled[K comparable, V any] struct {
	reactor *Reactor[K, V]
	key     K
	value   V
	period  time.Duration
	stopped bool // removed or replaced

	at     time.Time     // when it is due
	order  uint64        // in which it was scheduled
	delay  time.Duration // from the end of what is out to the next beat
	turn   uint64        // of the task that is out; a report ends it
	action BeatAction    // of that task
}

// NewReactor returns a reactor without beats that has at most so many requests
// out at a time. Nacos takes half of the processors, but at least 1. It fails
// if threads is below 1.
func NewReactor[K comparable, V any](threads int) (*Reactor[K, V], error) {
	if threads < 1 {
		return nil, invalid("threads", threads, "must be at least 1")
	}
	return &Reactor[K, V]{threads: threads, beats: make(map[K]*scheduled[K, V])}, nil
}

// Add starts the beats of key, the first of them after one period; 0 or less
// means at once. If the key has beats already, they end and a new period
// begins; Add reports whether that was so. The one that was replaced stays
// scheduled and comes to nothing when it is due (quirk N26).
func (r *Reactor[K, V]) Add(now time.Time, key K, value V, period time.Duration) (replaced bool) {
	replaced = r.Remove(key)
	beat := &scheduled[K, V]{reactor: r, key: key, value: value, period: period}
	r.beats[key] = beat
	r.schedule(now, beat, period)
	return replaced
}

// Remove ends the beats of key and reports whether it had any. What is
// scheduled or out already stays so, and then comes to nothing, but for the
// registration that an answer may still ask for (quirk N25).
func (r *Reactor[K, V]) Remove(key K) bool {
	beat, ok := r.beats[key]
	if ok {
		beat.stopped = true
		delete(r.beats, key)
	}
	return ok
}

// Len returns the number of keys that have beats.
func (r *Reactor[K, V]) Len() int { return len(r.beats) }

// Due returns a request that is due at now, if there is one and a thread is
// free for it. Registrations come first, as they have their threads already;
// then beats, by the instants at which they were due, and by the order in
// which they were scheduled. Call it until it returns false.
func (r *Reactor[K, V]) Due(now time.Time) (task BeatTask[K, V], ok bool) {
	if len(r.unregistered) > 0 {
		beat := r.unregistered[0]
		r.unregistered = slices.Delete(r.unregistered, 0, 1)
		return r.give(beat, RegisterAgain), true
	}
	for r.busy < r.threads && len(r.queue) > 0 && !r.queue[0].at.After(now) {
		beat := heap.Pop(&r.queue).(*scheduled[K, V])
		if beat.stopped {
			continue
		}
		r.busy++
		beat.delay = beat.period
		if r.light {
			return r.give(beat, SendLight), true
		}
		return r.give(beat, SendFull), true
	}
	return task, false
}

// Next returns when Due has to be called next; an instant that has passed
// means at once. It returns false if nothing is scheduled or no thread is
// free, which only an Add or a report changes. At that instant a beat that
// was removed or replaced may come to nothing.
func (r *Reactor[K, V]) Next() (at time.Time, ok bool) {
	switch {
	case len(r.unregistered) > 0:
		return r.unregistered[0].at, true
	case r.busy < r.threads && len(r.queue) > 0:
		return r.queue[0].at, true
	}
	return at, false
}

// Answered says that a beat was answered. An answer that is empty, cannot be
// read or has no interval is none: that is a failure (quirk N27). It fails,
// and changes nothing, unless the task is a beat of this reactor that is out.
func (r *Reactor[K, V]) Answered(now time.Time, task BeatTask[K, V], answer BeatAnswer) error {
	if !r.isOut(task) || task.beat.action == RegisterAgain {
		return invalid("task", task.Action, "must be a beat of this reactor that is out")
	}
	r.light = answer.Light
	if answer.IntervalMillis > 0 {
		task.beat.delay = ofMillis(answer.IntervalMillis)
	}
	if answer.Code == BeatNotFound {
		task.beat.turn++
		task.beat.at = now
		r.unregistered = append(r.unregistered, task.beat)
		return nil
	}
	r.end(now, task.beat)
	return nil
}

// Failed says that a request failed. Neither a beat nor a registration is
// tried again before the next beat. It fails, and changes nothing, unless the
// task is one of this reactor that is out.
func (r *Reactor[K, V]) Failed(now time.Time, task BeatTask[K, V]) error {
	if !r.isOut(task) {
		return invalid("task", task.Action, "must be one of this reactor that is out")
	}
	r.end(now, task.beat)
	return nil
}

// Registered says that a registration succeeded, which makes no difference to
// one that failed. It fails, and changes nothing, unless the task is a
// registration of this reactor that is out.
func (r *Reactor[K, V]) Registered(now time.Time, task BeatTask[K, V]) error {
	if !r.isOut(task) || task.beat.action != RegisterAgain {
		return invalid("task", task.Action, "must be a registration of this reactor that is out")
	}
	r.end(now, task.beat)
	return nil
}

// give makes a task of a beat that has a thread.
func (r *Reactor[K, V]) give(beat *scheduled[K, V], action BeatAction) BeatTask[K, V] {
	beat.turn++
	beat.action = action
	return BeatTask[K, V]{Action: action, Key: beat.key, Value: beat.value, beat: beat, turn: beat.turn}
}

// isOut reports whether this reactor gave the task and has no report of it.
func (r *Reactor[K, V]) isOut(task BeatTask[K, V]) bool {
	return task.beat != nil && task.beat.reactor == r && task.beat.turn == task.turn
}

// end frees the thread of a beat and schedules its next one, removed or not.
func (r *Reactor[K, V]) end(now time.Time, beat *scheduled[K, V]) {
	beat.turn++
	r.busy--
	r.schedule(now, beat, beat.delay)
}

func (r *Reactor[K, V]) schedule(now time.Time, beat *scheduled[K, V], delay time.Duration) {
	beat.at = now.Add(max(delay, 0))
	beat.order = r.order
	r.order++
	heap.Push(&r.queue, beat)
}

// ofMillis saturates, as Java's TimeUnit does.
func ofMillis(millis int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	if millis > most {
		return math.MaxInt64
	}
	return time.Duration(millis) * time.Millisecond
}

// queue is a heap of beats by the order in which they are due.
type queue[K comparable, V any] []*scheduled[K, V]

func (q queue[K, V]) Len() int       { return len(q) }
func (q queue[K, V]) Swap(i, j int)  { q[i], q[j] = q[j], q[i] }
func (q *queue[K, V]) Push(beat any) { *q = append(*q, beat.(*scheduled[K, V])) }

func (q queue[K, V]) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].order < q[j].order
	}
	return q[i].at.Before(q[j].at)
}

func (q *queue[K, V]) Pop() any {
	last := len(*q) - 1
	beat := (*q)[last]
	*q = slices.Delete(*q, last, last+1)
	return beat
}
