package ratemeter

import "time"

// MeasuredRate counts renewals in tumbling windows of one interval: Count is
// the number of the last whole window. Make one with [NewMeasuredRate]; a
// MeasuredRate must not be copied.
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once. Increment
// and Count are one atomic operation each and wait for nobody; Start, Stop,
// Tick, Rotate and NextTick share a mutex. An increment that runs during a rotation
// falls into the window that ends or into the one that begins, into exactly
// one of them.
type MeasuredRate struct {
	current stripes
	last    atomicInt64

	mu    mutex
	timer timer // needs mu
}

// NewMeasuredRate returns a stopped meter with windows of the given interval:
// whole milliseconds, above zero. As in the original it is Start that refuses
// another interval (quirk R5).
func NewMeasuredRate(interval time.Duration) *MeasuredRate {
	return &MeasuredRate{timer: timer{interval: interval}}
}

// Start begins the first window at instant now. It does nothing if the meter
// is running. It fails if the interval is invalid, and for good once the
// meter has been stopped (quirk R4); the meter then counts but never rotates.
//
// What was counted before Start falls into the first window.
func (m *MeasuredRate) Start(now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.timer.start(now)
}

// Stop ends the rotation for good. Increments are still accepted, and Count
// keeps its last value. It does nothing on a meter that is not running.
func (m *MeasuredRate) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer.stop()
}

// Increment counts one renewal, on a stripe that other cores probably do not
// use at this moment. A caller that owns something to tie a stripe to is
// faster with [MeasuredRate.Stripe].
func (m *MeasuredRate) Increment() { m.current.near().Increment() }

// Add counts n renewals, as [MeasuredRate.Increment] counts one.
func (m *MeasuredRate) Add(n int64) { m.current.near().Add(n) }

// Stripe returns the part of the count that belongs to hint, for a caller
// that keeps it: a shard of a table, a connection, a handle. Different hints
// below 64 have different stripes. It stays valid as long as the meter.
func (m *MeasuredRate) Stripe(hint uint64) *Stripe { return m.current.own(hint) }

// Tick rotates the windows if one is over at instant now, and reports whether
// it did. It rotates at most once, however late it is called, and the next
// window ends one interval after now (quirk R2).
//
// Call it when [MeasuredRate.NextTick] says, or more often. Instants of
// time.Now make it behave as the original in every clock step (quirk R3):
// a step back delays the rotation, a step forward does not advance it.
// Instants without a monotonic reading cannot tell a step forward from time
// that passed; call Tick no earlier than told if that matters.
func (m *MeasuredRate) Tick(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.timer.fire(now) {
		return false
	}
	m.last.Store(m.current.drain())
	return true
}

// Rotate ends the window at once, for a caller that has a timer of its own: the
// meter need not have been started, and its next Tick is due when it was.
func (m *MeasuredRate) Rotate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last.Store(m.current.drain())
}

// NextTick returns the instant at which Tick has something to decide, and
// whether the meter is running; if it is not, the instant means nothing.
func (m *MeasuredRate) NextTick() (at time.Time, running bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.timer.wake, m.timer.running
}

// Count returns the renewals of the last whole window: 0 during the first
// one, and up to one interval old after that (quirk R1).
func (m *MeasuredRate) Count() int64 { return m.last.Load() }
