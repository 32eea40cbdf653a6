package ratemeter

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// FuzzRatemeter drives both meters through the same life and compares them
// with lists of renewals: the sliding one by its instants, the tumbling one by
// java.util.Timer with its two clocks.
func FuzzRatemeter(f *testing.F) {
	f.Add(int64(time.Minute), int64(60), int64(time.Minute), int64(1_700_000_000_000), []byte("\x00\x01\x01\x05\x02\x07\x05\x3c\x00\x01\x06\x01\x03\x01\x09\x05\x7f\x00\x08\x00"))
	f.Add(int64(7), int64(7), int64(time.Millisecond), int64(0), []byte("\x08\x08\x01\x00\x00\x05\xff\x02\x01\x02\x03\x06\x3f\xff\x00\x01\x01\x06\x3f\x7f\x01\x00\x02"))
	f.Add(int64(-1), int64(0), int64(0), int64(-61_000), []byte("\x08\x01\x07\x09\x09\x08\x0a\x08"))
	f.Add(int64(time.Minute), int64(7), int64(-1), int64(0), []byte("\x08\x09\x08"))
	f.Add(int64(time.Hour), int64(1), int64(1500*time.Microsecond), int64(math.MaxInt64), []byte("\x08\x04\x03\xff\xff\xff\xff\x04\x03\xff\xff\xff\xff"))
	f.Add(int64(math.MaxInt64), int64(1023), int64(time.Hour), int64(-3_600_001), []byte("\x08\x07\x10\x85\x09\x05\x01\x00\x09\x07\x10\x05\x09"))
	// Steps of a second, as long as the interval; the wall clock goes back by a millisecond.
	f.Add(int64(16*time.Second), int64(15), int64(time.Second), int64(1_700_000_000_000), []byte("\x00\x07\x08\x07\x00\xff\x05\x01\x00\x09\x06\x14\x01\x09\x00\x01\x08\x0a\x00\x05\x10\x01\x09\x0a\x01\x08"))
	f.Add(int64(16*time.Second), int64(15), int64(time.Second), int64(0), []byte("\x08\x01\x06\x05\x09\x05\x20\x00\x01\x06\x05\x02\x05\xe0\x00\x05\x01\x01\x00\x03\x05\x0f\xff\x05\x00\x01\x05\x01\x00\x09"))
	f.Add(int64(time.Second), int64(0), int64(time.Second), int64(-1000), []byte("\x08\x02\x00\x01\x02\x01\x01\x05\x01\x00\x09\x04\x37\x01\x02\x00\x01\x04\x37\x7f\x02\x00\x01"))
	// The wall clock goes back by more than the longest duration.
	f.Add(int64(16*time.Second), int64(15), int64(time.Second), int64(1_700_000_000_000), []byte("\x08\x07\x24\x81\x07\x24\x81\x05\x01\x00\x09\x05\x01\x00\x09"))
	f.Fuzz(func(t *testing.T, window, steps, interval, start int64, life []byte) {
		origin := time.UnixMilli(start)
		checkNewSliding(t, origin, time.Duration(window), int(steps))
		width := time.Duration(uint64(steps)%16 + 1)
		step := max(time.Duration(uint64(window)%(1<<52))/width, 1)
		sliding, err := NewSliding(origin, step*width, int(width))
		if err != nil {
			t.Fatal(err)
		}
		l := &meters{T: t, origin: origin, now: origin, step: step, tape: life, sliding: sliding}
		l.tumbling = NewMeasuredRate(time.Duration(interval))
		l.timer.interval = time.Duration(interval)
		l.live()
	})
}

func checkNewSliding(t *testing.T, now time.Time, window time.Duration, steps int) {
	wrongWindow, wrongSteps := window <= 0, steps < 1 || steps > MaxSteps
	if !wrongWindow && !wrongSteps {
		wrongSteps = window/time.Duration(steps)*time.Duration(steps) != window
	}
	s, err := NewSliding(now, window, steps)
	names := func(field string) bool {
		return errors.Is(err, ErrInvalid) && strings.Contains(err.Error(), "argument: "+field+" is ")
	}
	if names("window") != wrongWindow || names("steps") != wrongSteps || (err == nil) != (s != nil) {
		t.Errorf("NewSliding(%v, %d) failed with %v", window, steps, err)
	}
	if s != nil && (s.Window() != window || s.Step()*time.Duration(steps) != window) {
		t.Errorf("NewSliding(%v, %d) has %v and steps of %v", window, steps, s.Window(), s.Step())
	}
}

// tape is what a life consists of. At its end it is all zeros.
type tape []byte

func (t *tape) next() byte {
	if len(*t) == 0 {
		return 0
	}
	first := (*t)[0]
	*t = (*t)[1:]
	return first
}

// number is of any size and sign.
func (t *tape) number(most byte) int64 {
	shift := t.next() % most
	return int64(int8(t.next())) << shift
}

// meters are both, with what they should know.
type meters struct {
	*testing.T
	tape
	origin, now time.Time
	step        time.Duration

	sliding  *Sliding
	renewals []renewal

	tumbling *MeasuredRate
	timer    javaTimer
	counted  int64 // since the last rotation
	last     int64 // before it
}

// renewal is what a sliding meter was told.
type renewal struct {
	at     time.Time
	n      uint32
	stripe uint64
}

const anyStripe = math.MaxUint64

func (m *meters) live() {
	for range 64 {
		if len(m.tape) == 0 {
			return
		}
		switch m.next() % 11 {
		case 0:
			m.mark(uint32(m.next()), anyStripe)
		case 1:
			m.mark(uint32(m.next()), uint64(m.number(56)))
		case 2:
			m.mark(math.MaxUint32-uint32(m.next()), uint64(m.next()))
		case 3:
			m.mark(uint32(m.number(25)), 0)
		case 4: // far, also beyond the meter's end
			m.now = m.now.Add(time.Duration(m.number(56)) * 128)
		case 5: // by steps, and to both sides of a boundary
			m.now = m.now.Add(m.step*time.Duration(int8(m.next())) + time.Duration(int8(m.next())%2))
		case 6:
			m.now = m.now.Add(time.Duration(m.number(56)))
		case 7: // the wall clock is stepped
			by := time.Duration(m.number(37)) * time.Millisecond
			m.tumbling.timer.stepWallClock(by)
			m.timer.offset += by.Milliseconds()
		case 8:
			m.start()
		case 9:
			m.tick()
		case 10:
			m.stopOrRotate()
		}
		m.checkSliding()
		m.checkTumbling()
	}
}

// mark renews with both meters.
func (m *meters) mark(n uint32, stripe uint64) {
	m.counted += int64(n)
	taken := false
	if stripe == anyStripe {
		m.tumbling.Add(int64(n))
		taken = m.sliding.Mark(m.now, n)
	} else {
		m.tumbling.Stripe(stripe).Add(int64(n))
		taken = m.sliding.Stripe(stripe).Mark(m.now, n)
	}
	if n == 1 {
		m.counted += 2
		m.tumbling.Increment()
		m.tumbling.Stripe(stripe).Increment()
	}
	r := renewal{m.now, n, stripe % 64}
	if stripe == anyStripe {
		r.stripe = anyStripe
	}
	within, beyond := m.lifetime()
	full := m.inStep(r)+int64(n) > math.MaxUint32
	if taken && beyond || !taken && within && !full {
		m.Fatalf("at %v from the origin a renewal of %d on stripe %d was taken: %v", m.now.Sub(m.origin), n, stripe, taken)
	}
	if taken {
		m.renewals = append(m.renewals, r)
	}
}

// lifetime is whether now is surely within the meter's life, or surely not.
func (m *meters) lifetime() (within, beyond bool) {
	ring := time.Duration(1)
	for ring <= 2*m.sliding.Window()/m.step {
		ring *= 2
	}
	elapsed := m.now.Sub(m.origin)
	turns := elapsed.Abs() / m.step / ring
	unknown := elapsed == math.MinInt64 || elapsed == math.MaxInt64 // or farther
	return turns < math.MaxInt32-1 && !unknown, turns > math.MaxInt32 || unknown
}

// inStep is what may have been counted in the step of a renewal, on its stripe.
func (m *meters) inStep(r renewal) (sum int64) {
	for _, other := range m.renewals {
		same := other.stripe == r.stripe || other.stripe == anyStripe || r.stripe == anyStripe
		if same && m.end(other.at).Equal(m.end(r.at)) {
			sum += int64(other.n)
		}
	}
	return sum
}

// end is the end of the step that an instant belongs to.
func (m *meters) end(at time.Time) time.Time {
	floor := m.floor(at)
	if floor.Before(at) {
		return floor.Add(m.step)
	}
	return floor
}

// floor is the last step boundary at or before an instant.
func (m *meters) floor(at time.Time) time.Time {
	elapsed := at.Sub(m.origin)
	whole := elapsed / m.step
	if whole*m.step > elapsed {
		whole--
	}
	return at.Add(whole*m.step - elapsed)
}

// checkSliding compares the count with the list: all renewals in the window
// count, but one that lies two windows from a later one may not.
func (m *meters) checkSliding() {
	got := m.sliding.Count(m.now)
	if _, beyond := m.lifetime(); beyond {
		if got != 0 {
			m.Fatalf("%d are counted beyond the meter's end", got)
		}
		return
	}
	end := m.floor(m.now)
	begin := end.Add(-m.sliding.Window())
	least, most := int64(0), int64(0)
	for i, r := range m.renewals {
		if !r.at.After(begin) || r.at.After(end) {
			continue
		}
		most += int64(r.n)
		if !m.displaced(r, m.renewals[i+1:]) {
			least += int64(r.n)
		}
	}
	if within, _ := m.lifetime(); got > most || within && got < least {
		m.Fatalf("window %v, step %v, %v after the origin: %d are counted, want %d to %d of %v", m.sliding.Window(), m.step, m.now.Sub(m.origin), got, least, most, m.renewals)
	}
}

func (m *meters) displaced(r renewal, later []renewal) bool {
	for _, other := range later {
		if apart := other.at.Sub(r.at).Abs(); apart >= 2*m.sliding.Window() {
			return true
		}
	}
	return false
}

// longest is how long a timer can sleep at once.
const longest = time.Duration(math.MaxInt64)

// javaTimer is java.util.Timer: it sleeps on the clock of the instants, and
// decides by a wall clock in milliseconds.
type javaTimer struct {
	interval           time.Duration
	offset             int64 // of the wall clock, in milliseconds
	next               int64 // by the wall clock
	wake               time.Time
	running, cancelled bool
}

func (j *javaTimer) wall(now time.Time) int64 { return now.UnixMilli() + j.offset }

func (j *javaTimer) plan(now time.Time) {
	j.next = j.wall(now) + j.interval.Milliseconds()
	j.wake = now.Add(j.interval)
}

func (j *javaTimer) fires(now time.Time) bool {
	switch wall := j.wall(now); {
	case !j.running, now.Before(j.wake):
		return false
	case wall < j.next:
		j.wake = now.Add(time.Duration(min(j.next-wall, longest.Milliseconds())) * time.Millisecond)
		return false
	}
	j.plan(now)
	return true
}

// start starts at an instant whose two readings agree.
func (m *meters) start() {
	j := &m.timer
	var want error
	switch {
	case j.running:
	case j.interval < 0:
		want = ErrNegativeDelay
	case j.interval == 0:
		want = ErrNonPositivePeriod
	case j.interval.Milliseconds()*1e6 != int64(j.interval):
		want = ErrFractionalInterval
	case m.now.UnixMilli()+j.interval.Milliseconds() < 0: // also one that wraps
		want = ErrIllegalExecutionTime
	case j.cancelled:
		want = ErrTimerCancelled
	default:
		j.running, j.offset = true, 0
		j.plan(m.now)
	}
	argument := want != nil && want != ErrTimerCancelled
	if err := m.tumbling.Start(m.now); !errors.Is(err, want) || errors.Is(err, ErrInvalid) != argument {
		m.Fatalf("Start failed with %v, want %v", err, want)
	}
}

func (m *meters) tick() {
	fires := m.timer.fires(m.now)
	if fires {
		m.last, m.counted = m.counted, 0
	}
	if got := m.tumbling.Tick(m.now); got != fires {
		m.Fatalf("Tick at %v is %v, want %v", m.now, got, fires)
	}
}

func (m *meters) stopOrRotate() {
	if m.next()%2 == 0 {
		m.tumbling.Rotate()
		m.last, m.counted = m.counted, 0
		return
	}
	m.tumbling.Stop()
	m.timer.cancelled = m.timer.cancelled || m.timer.running
	m.timer.running = false
}

func (m *meters) checkTumbling() {
	if got := m.tumbling.Count(); got != m.last {
		m.Fatalf("%d renewals in the last window, want %d", got, m.last)
	}
	at, running := m.tumbling.NextTick()
	if running != m.timer.running || running && !at.Equal(m.timer.wake) {
		m.Fatalf("NextTick is %v, %v, want %v, %v", at, running, m.timer.wake, m.timer.running)
	}
}
