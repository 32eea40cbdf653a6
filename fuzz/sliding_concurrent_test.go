package fuzz

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var (
	slidingLinearizable = law.New("sliding-linearizable", "every concurrent history of single renewals and counts is one that a list of renewals could have shown")
	slidingCountsDone   = law.New("sliding-counts-done", "a count has every renewal of its window that was marked before it began, none that was marked after it ended, and each once")
	judgeAcquits        = law.New("judge-acquits", "the judge of intervals acquits what the meter does by design")
)

const (
	slidingHistories = 2500

	// The meter of the histories has four steps of one second. All instants
	// are in half seconds after its origin: marks lie in its first window,
	// counts there or less than a window later.
	windowLength = 8
	stepLength   = 2

	// oneRing before an instant is the same word's last turn: of the powers of
	// two the first above two windows.
	oneRing = 32

	// digit is the distance in bits of what two marks of a history add: each
	// has a digit of its own in a count, which says how often it was counted.
	digit = 2
)

// slidingCall is a call of a client. What a mark adds is 1 in the histories of
// single renewals, and 4 to the power of its number in the others.
type slidingCall struct {
	what string
	at   int64
	n    uint32
	hint uint64
}

const (
	mark  = "mark"
	count = "count"
)

// inWindow reports whether a renewal at an instant lies in the window of a
// count at another.
func inWindow(at, counted int64) bool {
	end := counted - counted%stepLength
	return at > end-windowLength && at <= end
}

// marksState is what was marked at each half second.
type marksState [windowLength + 1]int64

// slidingSpec is a list of renewals that is used by one client at a time.
func slidingSpec() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return marksState{} },
		Step: func(state, input, output any) (bool, any) {
			s, call := state.(marksState), input.(slidingCall)
			if call.what == mark {
				s[call.at] += int64(call.n)
				return output == true, s
			}
			return output == s.count(call.at), s
		},
	}
}

func (s marksState) count(at int64) (sum int64) {
	for marked, n := range s {
		if inWindow(int64(marked), at) {
			sum += n
		}
	}
	return sum
}

// slidingClients are the clients of one meter.
type slidingClients struct {
	recorder
	meter *ratemeter.Sliding
}

// newSlidingClients leaves renewals of the last turn in each word that
// the clients are about to use. They are three on a stripe: were they taken
// for new ones, they would show in any digit.
func newSlidingClients(t *testing.T) *slidingClients {
	meter, err := ratemeter.NewSliding(halvesOn(0), windowLength*time.Second/2, windowLength/stepLength)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(stepLength); at <= windowLength; at += stepLength {
		for hint := range uint64(slidingHints) {
			meter.Stripe(stripeOf(hint)).Mark(halvesOn(at-oneRing), 3)
		}
	}
	return &slidingClients{meter: meter}
}

// slidingHints are few, so that clients meet at the same word. The first
// stripe is what a count reads first, the last what it reads last.
const slidingHints = 2

func stripeOf(hint uint64) uint64 { return hint * 63 }

func halvesOn(halves int64) time.Time {
	return secondsOn(0).Add(time.Duration(halves) * time.Second / 2)
}

func (c *slidingClients) do(client int, call slidingCall) {
	c.record(client, call, func() any {
		now := halvesOn(call.at)
		switch {
		case call.what == count:
			return c.meter.Count(now)
		case call.hint < slidingHints:
			return c.meter.Stripe(stripeOf(call.hint)).Mark(now, call.n)
		}
		return c.meter.Mark(now, call.n)
	})
}

// drawMeterCalls draws one client's life. The first client only counts, the
// others do now and then: the digits of their 15 marks take 30 bits.
func drawMeterCalls(random *rand.Rand, client int, weigh func(number int) uint32) (calls []slidingCall) {
	for number := range callsEach {
		if client == 0 || random.IntN(6) == 0 {
			calls = append(calls, slidingCall{what: count, at: random.Int64N(2 * windowLength)})
			continue
		}
		calls = append(calls, slidingCall{
			what: mark,
			at:   1 + random.Int64N(windowLength),
			n:    weigh((client-1)*callsEach + number),
			hint: random.Uint64N(slidingHints + 1),
		})
	}
	return calls
}

func oneRenewal(int) uint32 { return 1 }

func ownDigit(number int) uint32 { return 1 << (number * digit) }

// raceSliding makes one history, which ends with a count of the whole window
// that nobody disturbs: whatever was lost before is missing there.
func raceSliding(t *testing.T, number uint64, weigh func(int) uint32) []porcupine.Operation {
	c := newSlidingClients(t)
	race(func(client int) {
		for _, call := range drawMeterCalls(randomOf(number, client), client, weigh) {
			c.do(client, call)
		}
	})
	c.do(0, slidingCall{what: count, at: windowLength})
	return c.history()
}

// A count reads the words one after the other. Of two marks that run one after
// the other during a count, on two words, it may therefore have the later and
// not the earlier. With marks of one renewal each that cannot be told from the
// opposite, and there is more: the words only grow, by one at a time, so
// between the beginning and the end of a count there is a moment at which
// their sum was what the count says. Hence single renewals are linearizable,
// for any number of counts at once. Marks of different size are not, and not
// by mistake: see TestMarksOfDifferentSizeAreNotLinearizable.
//
// Interleavings hunted:
//
//  1. Two markers find the same word of an older turn and replace it at once:
//     one has to look again and add to the other's.
//  2. A count reads a word of an older turn while a renewal replaces it: it has
//     the renewal or not, and nothing of the older turn.
//  3. Two markers add to the same word at once, one of them by Mark and one by
//     a stripe.
//  4. One marker replaces an old word, and another adds to it what a third had
//     wanted to replace it with.
//  5. Two counts run at once, or one after the other, with a mark in between:
//     the later has what the earlier had.
//  6. A count of an instant in the past or in the future runs beside marks and
//     changes nothing. Were it to empty old words, it could empty one that a
//     renewal is replacing.
func TestConcurrentSlidingSingleRenewals(t *testing.T) {
	eachHistory(t, "sliding meter, single renewals", slidingHistories, func(t *testing.T, number uint64) {
		history := raceSliding(t, number, oneRenewal)
		slidingLinearizable.Holds(t, porcupine.CheckOperations(slidingSpec(), history),
			"seed %d, history %d:%s", historySeed, number, describe(history))
	})
}

// For marks of different size this is what is promised, and judged by
// intervals: a count has each mark of its window that ended before it began,
// and no other than those that began before it ended, each once; and what one
// count has, every later one of a window with it has too.
//
// The interleavings are those above, and a seventh:
//
//  7. Two markers follow each other on two words of which a count reads the
//     later one's last.
func TestConcurrentSlidingCountsWhatIsDone(t *testing.T) {
	eachHistory(t, "sliding meter, of different size", slidingHistories, func(t *testing.T, number uint64) {
		history := raceSliding(t, number, ownDigit)
		wrong := judgeIntervals(history)
		slidingCountsDone.Holds(t, wrong == "", "%s; seed %d, history %d:%s", wrong, historySeed, number, describe(history))
	})
}

// judgeIntervals says what is wrong with a history of marks that have a digit
// each, or nothing.
func judgeIntervals(history []porcupine.Operation) (wrong string) {
	for _, counted := range history {
		if counted.Input.(slidingCall).what != count {
			continue
		}
		rest := counted.Output.(int64)
		for _, marked := range history {
			if call := marked.Input.(slidingCall); call.what == mark {
				rest -= timesCounted(marked, counted) * int64(call.n)
				wrong += judgePair(marked, counted) + judgeMemory(history, marked, counted)
			}
		}
		if rest != 0 {
			wrong += fmt.Sprintf("a count of %d has %d that nobody marked; ", counted.Output, rest)
		}
	}
	return wrong
}

// timesCounted is the digit of a mark in what a count says.
func timesCounted(marked, counted porcupine.Operation) int64 {
	return counted.Output.(int64) / int64(marked.Input.(slidingCall).n) % (1 << digit)
}

// judgePair compares one mark with one count.
func judgePair(marked, counted porcupine.Operation) (wrong string) {
	times := timesCounted(marked, counted)
	in := inWindow(marked.Input.(slidingCall).at, counted.Input.(slidingCall).at)
	switch {
	case times > 1:
		return fmt.Sprintf("%+v is counted %d times; ", marked.Input, times)
	case times == 1 && !in:
		return fmt.Sprintf("%+v is counted by %+v; ", marked.Input, counted.Input)
	case times == 1 && counted.Return < marked.Call:
		return fmt.Sprintf("%+v is counted before it was marked; ", marked.Input)
	case times == 0 && in && marked.Return < counted.Call:
		return fmt.Sprintf("%+v is not counted; ", marked.Input)
	}
	return ""
}

// judgeMemory compares what a count says of a mark with what later ones say.
func judgeMemory(history []porcupine.Operation, marked, counted porcupine.Operation) (wrong string) {
	if timesCounted(marked, counted) == 0 {
		return ""
	}
	for _, later := range history {
		call := later.Input.(slidingCall)
		if call.what != count || later.Call < counted.Return || !inWindow(marked.Input.(slidingCall).at, call.at) {
			continue
		}
		if timesCounted(marked, later) == 0 {
			wrong += fmt.Sprintf("%+v was counted and is no more; ", marked.Input)
		}
	}
	return wrong
}

// tornMeter is two words of the current window that a test reads and writes in
// any order it likes.
type tornMeter struct {
	recorder
	words [2]int64
}

// mark is the call of a client that does all at once.
func (m *tornMeter) mark(client, number int) {
	m.record(client, tornMark(number), func() any { m.words[number] += int64(ownDigit(number)); return true })
}

func tornMark(number int) slidingCall {
	return slidingCall{what: mark, at: 1, n: ownDigit(number), hint: uint64(number)}
}

var tornCount = slidingCall{what: count, at: windowLength}

// count is what a meter says that reads one word, lets others in, and reads
// the other one.
func (m *tornMeter) count(between func()) {
	m.record(0, tornCount, func() any {
		first := m.words[0]
		between()
		return first + m.words[1]
	})
}

// Interleaving 7, made by hand: the count reads the first word, both words are
// marked, the first one first, and the count reads the second. No order of the
// calls explains that it has the later mark only. It is what is promised.
func TestMarksOfDifferentSizeAreNotLinearizable(t *testing.T) {
	m := &tornMeter{}
	m.count(func() { m.mark(1, 0); m.mark(1, 1) })
	history := m.history()
	judgeCondemns.Holds(t, !porcupine.CheckOperations(slidingSpec(), history), "%s", describe(history))
	judgeAcquits.Holds(t, judgeIntervals(history) == "", "%s%s", judgeIntervals(history), describe(history))
}

// Interleaving 1, made by hand: both have seen the old word, and both store a
// fresh count. Interleaving 6 looks the same: the second to store is a count
// that empties the old word, and stores 0.
func TestJudgesCondemnALostRenewalOfAMeter(t *testing.T) {
	for _, stored := range []int64{int64(ownDigit(1)), 0} {
		m := &tornMeter{}
		m.record(1, tornMark(1), func() any {
			m.mark(2, 0)
			m.words[0] = stored
			return true
		})
		m.count(func() {})
		condemned(t, m.history())
	}
}

// condemned wants a history condemned by both judges. The marks may be of
// different size, because none of them runs during a count.
func condemned(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	judgeCondemns.Holds(t, !porcupine.CheckOperations(slidingSpec(), history), "linearizable:%s", describe(history))
	judgeCondemns.Holds(t, judgeIntervals(history) != "", "by intervals:%s", describe(history))
}

// Each thing that the judge of intervals asks is also answered with no.
func TestJudgesCondemnWrongCounts(t *testing.T) {
	for what, outputs := range map[string][]int64{
		"counted twice":        {2},
		"not counted":          {0},
		"counted, and no more": {1, 0},
		"of the last window":   {4, 4},
	} {
		m := &tornMeter{}
		m.mark(1, 0)
		for _, output := range outputs {
			m.record(0, tornCount, func() any { return output })
		}
		t.Log(what)
		condemned(t, m.history())
	}
	tooSoon := &tornMeter{}
	tooSoon.record(0, tornCount, func() any { return int64(1) })
	tooSoon.mark(1, 0)
	condemned(t, tooSoon.history())
	outside := &tornMeter{}
	outside.mark(1, 0)
	outside.record(0, slidingCall{what: count, at: 1}, func() any { return int64(1) })
	condemned(t, outside.history())
}
