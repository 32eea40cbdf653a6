package heartbeat_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// ninety is a config whose T and I divide well: T/3 is 30 s, T/6 15 s, 2T/9 20 s.
func ninety(seed uint64) heartbeat.PacerConfig {
	return heartbeat.PacerConfig{Duration: 90 * time.Second, Interval: 30 * time.Second, Seed: seed}
}

func pacer(t testing.TB, config heartbeat.PacerConfig) *heartbeat.Pacer {
	t.Helper()
	p, err := heartbeat.NewPacer(begin, config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// span is from when to when something may happen.
type span struct{ least, most time.Duration }

func (s span) has(d time.Duration) bool { return s.least <= d && d <= s.most }

// step is a request that is expected, how long after the last was sent, and
// what is heard of it.
type step struct {
	after   span
	request heartbeat.Request
	heard
	hints heartbeat.Reply
}

// Rules of the Pacer: each step is due within its span for every seed, and the
// spans are used: the earliest and the latest of 400 seeds reach its outer
// twentieths.
func TestPacerRules(t *testing.T) {
	const s, m = time.Second, time.Minute
	const register = heartbeat.Registration
	first, usual := span{0, 30 * s}, span{27 * s, 30 * s}
	eager, late := span{15 * s, 20 * s}, span{27 * s, 30 * s}
	fine, no, out := heard{s, accepted}, heard{s, refused}, heard{10 * s, unanswered}
	gone := heard{s, unknown}
	for name, row := range map[string]struct {
		change func(*heartbeat.PacerConfig)
		steps  []step
	}{
		"the first renewal is spread, the others keep close to the interval": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: fine}, {after: usual, heard: fine}, {after: usual}}},
		"latency does not count": {nil, []step{
			{after: first, heard: heard{9 * s, accepted}}, {after: usual, heard: heard{26 * s, accepted}}, {after: usual}}},
		"an answer after the interval is followed at once": {nil, []step{
			{after: first, heard: heard{31 * s, accepted}}, {after: span{31 * s, 31 * s}}}},
		"not registered yet: at once, and then as usual": {func(c *heartbeat.PacerConfig) { c.Unregistered = true }, []step{
			{after: span{}, request: register, heard: fine}, {after: first, heard: fine}, {after: usual}}},
		"a first registration that fails": {func(c *heartbeat.PacerConfig) { c.Unregistered = true }, []step{
			{after: span{}, request: register, heard: no}, {after: eager, request: register, heard: out}, {after: eager, request: register, heard: no},
			{after: eager, request: register, heard: no}, {after: eager, request: register, heard: no}, {after: late, request: register, heard: no},
			{after: late, request: register, heard: fine}, {after: first, heard: fine}, {after: usual}}},
		"a failure is repeated early, an answer ends it": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: no}, {after: eager, heard: out}, {after: eager, heard: fine}, {after: usual, heard: fine}, {after: usual}}},
		"unanswered for a term, it may live": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: out}, {after: eager, heard: out}, {after: eager, heard: out}, {after: eager, heard: out},
			{after: eager, heard: out}, {after: late, heard: out}, {after: late, heard: fine}, {after: usual}}},
		"unknown: registers at once": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: gone}, {after: span{s, s}, request: register, heard: fine}, {after: usual}}},
		"unknown after an outage: waits for the others": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: no}, {after: eager, heard: gone},
			{after: span{16 * s, 31 * s}, request: register, heard: fine}, {after: usual}}},
		"an outage that is over is none any more": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: no}, {after: eager, heard: fine}, {after: usual, heard: gone}, {after: span{s, s}, request: register}}},
		"who was answered begins to count failures anew": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: out}, {after: eager, heard: out}, {after: eager, heard: out}, {after: eager, heard: out}, {after: eager, heard: gone},
			{after: span{16 * s, 31 * s}, request: register, heard: no}, {after: eager, request: register}}},
		"a lease that is denied is nothing to be eager for": {func(c *heartbeat.PacerConfig) { c.Interval = 5 * s }, []step{
			{after: span{0, 5 * s}, heard: fine}, {after: span{4500 * time.Millisecond, 5 * s}, heard: gone}, {after: span{s, s}, request: register, heard: no},
			{after: eager, request: register, heard: no}, {after: eager, request: register, heard: no}, {after: eager, request: register, heard: no},
			{after: eager, request: register, heard: no}, {after: late, request: register}}},
		"a registration that fails is a failure as any other": {nil, []step{
			{after: first, heard: fine}, {after: usual, heard: gone}, {after: span{s, s}, request: register, heard: no}, {after: eager, request: register, heard: out},
			{after: eager, request: register, heard: fine}, {after: usual}}},
		"a registration that is unknown was refused": {nil, []step{
			{after: first, heard: gone}, {after: span{s, s}, request: register, heard: gone}, {after: eager, request: register}}},
		"a kind that is none was refused": {nil, []step{
			{after: first, heard: heard{s, 77}}, {after: eager}}},
		"a longer interval, for one renewal": {nil, []step{
			{after: first, heard: fine, hints: heartbeat.Reply{Interval: 20 * s}}, {after: span{18 * s, 20 * s}, heard: fine}, {after: usual}}},
		"an interval beyond T/3 is T/3": {func(c *heartbeat.PacerConfig) { c.Interval = 5 * s }, []step{
			{after: span{0, 5 * s}, heard: fine, hints: heartbeat.Reply{Interval: m}}, {after: usual, heard: fine}, {after: span{4500 * time.Millisecond, 5 * s}}}},
		"an interval below T/30 is T/30": {nil, []step{
			{after: first, heard: fine, hints: heartbeat.Reply{Interval: 1}}, {after: span{2700 * time.Millisecond, 3 * s}}}},
		"unless one's own is shorter": {func(c *heartbeat.PacerConfig) { c.Interval = s }, []step{
			{after: span{0, s}, heard: heard{0, accepted}, hints: heartbeat.Reply{Interval: 1}}, {after: span{900 * time.Millisecond, s}}}},
		"an interval is asked for by who grants": {func(c *heartbeat.PacerConfig) { c.Unregistered = true }, []step{
			{after: span{}, request: register, heard: heard{0, accepted}, hints: heartbeat.Reply{Interval: 10 * s}}, {after: span{0, 10 * s}, heard: fine}, {after: usual}}},
		"silence that was asked for counts from the answer": {nil, []step{
			{after: first, heard: no, hints: heartbeat.Reply{RetryAfter: 25 * s}}, {after: span{26 * s, 26 * s}}}},
		"silence that was asked for is T/3 at most": {nil, []step{
			{after: first, heard: gone, hints: heartbeat.Reply{RetryAfter: math.MaxInt64}}, {after: span{31 * s, 31 * s}, request: register}}},
		"silence that is over anyway": {nil, []step{
			{after: first, heard: fine, hints: heartbeat.Reply{RetryAfter: s}}, {after: usual}}},
		"what is below zero was not said": {nil, []step{
			{after: first, heard: fine, hints: heartbeat.Reply{RetryAfter: -m, Interval: -m}}, {after: usual}}},
	} {
		t.Run(name, func(t *testing.T) {
			reached := make([]span, len(row.steps))
			for seed := range uint64(400) {
				config := ninety(seed)
				if row.change != nil {
					row.change(&config)
				}
				follow(t, pacer(t, config), row.steps, reached, seed == 0)
			}
			for i, step := range row.steps {
				edge := (step.after.most - step.after.least) / 20
				if r := reached[i]; r.least > step.after.least+edge || r.most < step.after.most-edge {
					t.Errorf("step %d: 400 seeds came after %v to %v only", i, r.least, r.most)
				}
			}
		})
	}
}

// follow checks the steps, and puts into reached how far they came.
func follow(t *testing.T, p *heartbeat.Pacer, steps []step, reached []span, first bool) {
	t.Helper()
	sent, now := begin, begin
	for i, step := range steps {
		at, request := p.Next(now)
		d := at.Sub(sent)
		if !step.after.has(d) || request != step.request {
			t.Fatalf("step %d: got a %v after %v, want a %v after %v to %v", i, request, d, step.request, step.after.least, step.after.most)
		}
		if first {
			reached[i] = span{d, d}
		}
		reached[i] = span{min(reached[i].least, d), max(reached[i].most, d)}
		p.Sent(at)
		sent, now = at, at.Add(step.latency)
		reply := step.hints
		reply.Kind = step.kind
		p.Done(now, reply)
	}
}

// Refused for a term, the lease is given up: what is sent later than that after
// the last answer is a registration, and those are far apart.
func TestPacerGivesUpALeaseThatIsOver(t *testing.T) {
	for seed := range uint64(200) {
		p := pacer(t, ninety(seed))
		p.Sent(begin)
		granted := after(time.Second)
		p.Done(granted, heartbeat.Reply{Kind: accepted})
		sent, now := begin, granted
		for range 12 {
			at, request := p.Next(now)
			over := at.After(granted.Add(90 * time.Second))
			if over != (request == heartbeat.Registration) {
				t.Fatalf("seed %d: a %v %v after the last answer", seed, request, at.Sub(granted))
			}
			if gap := at.Sub(sent); sent.After(after(90*time.Second)) && !(span{27 * time.Second, 30 * time.Second}).has(gap) {
				t.Fatalf("seed %d: %v apart, %v after the end", seed, gap, sent.Sub(after(90*time.Second)))
			}
			p.Sent(at)
			sent, now = at, at.Add(time.Millisecond)
			p.Done(now, heartbeat.Reply{Kind: refused})
		}
	}
}

// The request is chosen for the instant at which it is sent: a client that
// slept through its term registers.
func TestPacerThatSleptRegisters(t *testing.T) {
	p := pacer(t, ninety(1))
	for want, now := range map[heartbeat.Request]time.Time{heartbeat.Renewal: after(90 * time.Second), heartbeat.Registration: after(90*time.Second + 1)} {
		if at, got := p.Next(now); got != want || at.After(after(30*time.Second)) {
			t.Errorf("after %v: got %v, due after %v, want %v", now.Sub(begin), got, at.Sub(begin), want)
		}
	}
	p.Sent(begin)
	p.Done(after(10*time.Second), heartbeat.Reply{Kind: accepted}) // and may have been granted then
	for want, now := range map[heartbeat.Request]time.Time{heartbeat.Renewal: after(100 * time.Second), heartbeat.Registration: after(100*time.Second + 1)} {
		if _, got := p.Next(now); got != want {
			t.Errorf("after %v: got %v, want %v", now.Sub(begin), got, want)
		}
	}
	_, request := p.Next(after(2 * time.Minute))
	if _, held := p.Until(); request != heartbeat.Registration || !held {
		t.Errorf("got %v, held %v", request, held)
	}
	p.Sent(after(2 * time.Minute))
	if _, held := p.Until(); held {
		t.Error("a lease that is given up is held")
	}
	p.Done(after(2*time.Minute+time.Second), heartbeat.Reply{Kind: accepted})
	if until, held := p.Until(); !held || !until.Equal(after(210*time.Second)) {
		t.Errorf("got %v, %v, want 210s", until.Sub(begin), held)
	}
}

// A lease lives for certain for one term after the last request that was
// accepted had been sent.
func TestPacerUntil(t *testing.T) {
	config := ninety(1)
	config.Unregistered = true
	p := pacer(t, config)
	check := func(want time.Duration, wantHeld bool) {
		t.Helper()
		if until, held := p.Until(); held != wantHeld || held && !until.Equal(after(want)) {
			t.Errorf("got %v, %v, want %v, %v", until.Sub(begin), held, want, wantHeld)
		}
	}
	exchange := func(sent, heard time.Duration, kind heartbeat.ReplyKind) {
		p.Next(after(sent))
		p.Sent(after(sent))
		p.Done(after(heard), heartbeat.Reply{Kind: kind})
	}
	const s = time.Second
	check(0, false)
	exchange(0, s, refused)
	check(0, false)
	exchange(20*s, 25*s, accepted)
	check(110*s, true)
	exchange(50*s, 60*s, unanswered)
	check(110*s, true)
	exchange(70*s, 71*s, refused)
	check(110*s, true)
	exchange(85*s, 86*s, unknown)
	check(0, false)
}

// A server that answers for 2T/9 between the first failure and the end of the
// lease gets a renewal, whatever fails before and after, and however long
// failures take.
func TestPacerKeepsALeaseThatCanBeKept(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(5000) {
		config := ninety(seed)
		config.Interval = time.Millisecond + time.Duration(random.Int64N(int64(30*time.Second)))
		config.Timeout = 1 + time.Duration(random.Int64N(int64(15*time.Second)))
		p := pacer(t, config)
		last, _ := p.Next(begin)
		p.Sent(last)
		p.Done(last, heartbeat.Reply{Kind: accepted})
		// The lease ends at last + 90 s. The first failure is at last + Interval
		// at the latest.
		from := last.Add(config.Interval + time.Duration(random.Int64N(int64(70*time.Second-config.Interval)+1)))
		to := from.Add(20 * time.Second)
		for now := last; ; {
			at, request := p.Next(now)
			if at.After(to) {
				t.Fatalf("seed %d: nothing was sent from %v to %v after the last renewal", seed, from.Sub(last), to.Sub(last))
			}
			if !at.Before(from) {
				if request != heartbeat.Renewal {
					t.Fatalf("seed %d: a %v %v after the last renewal", seed, request, at.Sub(last))
				}
				break
			}
			timeout := p.Sent(at)
			if now = at; random.IntN(2) == 0 {
				now = at.Add(timeout)
				p.Done(now, heartbeat.Reply{Kind: unanswered})
			} else {
				p.Done(now, heartbeat.Reply{Kind: refused})
			}
		}
	}
}

// Whatever is heard, whatever the clock does: the next request is due at most
// T/3 after the last was sent, or after it was answered, and never in the past.
func TestPacerIsNeverSilentForLong(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	steps := []time.Duration{1, time.Second, 20 * time.Second, time.Hour, 1000 * time.Hour, math.MaxInt64}
	durations := []time.Duration{0, 1, -1, time.Millisecond, time.Second, 29 * time.Second, time.Minute, math.MaxInt64, math.MinInt64}
	pick := func(of []time.Duration) time.Duration { return of[random.IntN(len(of))] }
	for seed := range uint64(300) {
		config := ninety(seed)
		config.Unregistered = seed%2 == 0
		p := pacer(t, config)
		now := begin
		for range 200 {
			if random.IntN(4) == 0 { // the clock is set
				now = now.Add(pick(steps) * time.Duration(1-2*random.IntN(2)))
			}
			at, _ := p.Next(now)
			if d := at.Sub(now); d > 30*time.Second {
				t.Fatalf("seed %d: silent for %v", seed, d)
			}
			now = latest(now, at)
			p.Next(now)
			timeout := p.Sent(now)
			if random.IntN(8) == 0 {
				now = now.Add(-pick(steps))
			} else {
				now = now.Add(timeout / time.Duration(1+random.IntN(5)))
			}
			p.Done(now, heartbeat.Reply{Kind: heartbeat.ReplyKind(random.IntN(5)), Interval: pick(durations), RetryAfter: pick(durations)})
			if at, _ := p.Next(now); at.Before(now) {
				t.Fatalf("seed %d: due %v ago", seed, now.Sub(at))
			}
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// A clock that is set back by more than has passed makes the request due at
// once, one that is set back by less delays it by as much.
func TestPacerUnderAClockThatIsSetBack(t *testing.T) {
	const s = time.Second
	due, _ := pacer(t, ninety(1)).Next(begin)
	for _, row := range []struct {
		name      string
		now, want time.Time
	}{
		{"not set back", begin, due},
		{"by less than has passed", after(s), due},
		{"by a nanosecond more", after(-1), after(-1)},
		{"by an hour", after(-time.Hour), after(-time.Hour)},
		{"to long ago", time.UnixMilli(0), time.UnixMilli(0)},
	} {
		if at, request := pacer(t, ninety(1)).Next(row.now); !at.Equal(row.want) || request != heartbeat.Renewal {
			t.Errorf("%s: got a %v %v later", row.name, request, at.Sub(row.now))
		}
	}
}

// Nothing counts as elapsed when the clock is set back, so a lease does not
// seem to live for as long as it was set back.
func TestPacerForgetsNoLeaseUnderAClockThatIsSetBack(t *testing.T) {
	const s, hour = time.Second, time.Hour
	p := pacer(t, ninety(1))
	p.Sent(after(40 * s))
	p.Done(after(41*s), heartbeat.Reply{Kind: accepted})
	p.Sent(after(70*s - hour)) // set back by at least an hour less 29 s
	p.Done(after(71*s-hour), heartbeat.Reply{Kind: refused})
	until, held := p.Until()
	// 90 s, of which one second had passed, from the instant of the step.
	step := after(70*s - hour)
	if want := step.Add(89 * s); !held || !until.Equal(want) {
		t.Errorf("got %v, %v, want %v", until.Sub(begin), held, want.Sub(begin))
	}
	for want, now := range map[heartbeat.Request]time.Time{heartbeat.Renewal: step.Add(90 * s), heartbeat.Registration: step.Add(90*s + 1)} {
		if _, got := p.Next(now); got != want {
			t.Errorf("%v after the step: got %v, want %v", now.Sub(step), got, want)
		}
	}
}

// A clock that is set forth ends the lease by the client's count. That costs a
// registration that was not needed.
func TestPacerUnderAClockThatIsSetForth(t *testing.T) {
	p := pacer(t, ninety(1))
	at, request := p.Next(after(1000 * time.Hour))
	if at.After(after(30*time.Second)) || request != heartbeat.Registration {
		t.Errorf("got a %v, due after %v", request, at.Sub(begin))
	}
}

// Instant zero of a time.Time is an instant like any other.
func TestPacerThatBeginsWithTheZeroTime(t *testing.T) {
	var zero time.Time
	p, err := heartbeat.NewPacer(zero, ninety(1))
	if err != nil {
		t.Fatal(err)
	}
	if at, request := p.Next(zero); request != heartbeat.Renewal || !(span{0, 30 * time.Second}).has(at.Sub(zero)) {
		t.Errorf("got %v at %v", request, at)
	}
	if until, held := p.Until(); !held || until.Sub(zero) != 90*time.Second {
		t.Errorf("got %v, %v", until, held)
	}
}

// The same seed gives the same instants; neighbours have nothing in common.
func TestPacerSeeds(t *testing.T) {
	instants := func(seed uint64) (at []time.Time) {
		p := pacer(t, ninety(seed))
		now := begin
		for range 20 {
			now, _ = p.Next(now)
			at = append(at, now)
			p.Sent(now)
			p.Done(now, heartbeat.Reply{Kind: accepted})
		}
		return at
	}
	if !slices.Equal(instants(7), instants(7)) {
		t.Error("one seed gives different instants")
	}
	seen := make(map[time.Time]uint64)
	for seed := range uint64(50) {
		for _, at := range instants(seed) {
			if other, ok := seen[at]; ok {
				t.Fatalf("seeds %d and %d meet at %v", other, seed, at.Sub(begin))
			}
			seen[at] = seed
		}
	}
}

// The first renewals of a fleet that starts at once fill the interval evenly:
// of 30 000 clients a thousand a second, give or take five times the square
// root.
func TestPacersThatStartTogetherSpread(t *testing.T) {
	seconds := make([]int, 30)
	for seed := range uint64(30_000) {
		at, _ := pacer(t, ninety(seed)).Next(begin)
		seconds[min(29, at.Sub(begin)/time.Second)]++
	}
	for i, n := range seconds {
		if n < 842 || n > 1158 {
			t.Errorf("second %d has %d renewals", i, n)
		}
	}
}

// Clients that a stalled server answers all at once stay where they were.
func TestPacersThatAreAnsweredTogetherStayApart(t *testing.T) {
	for _, sent := range []time.Duration{30 * time.Second, 37 * time.Second, 49 * time.Second} {
		p := pacer(t, ninety(uint64(sent)))
		p.Sent(after(sent))
		p.Done(after(50*time.Second), heartbeat.Reply{Kind: accepted})
		if at, _ := p.Next(after(50 * time.Second)); !(span{27 * time.Second, 30 * time.Second}).has(at.Sub(after(sent))) {
			t.Errorf("sent after %v: got %v", sent, at.Sub(begin))
		}
	}
}

func TestPacerTimeout(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: 10 * time.Second, 1: 1, 15 * time.Second: 15 * time.Second} {
		config := ninety(1)
		config.Timeout = given
		if got := pacer(t, config).Sent(begin); got != want {
			t.Errorf("%v: got %v, want %v", given, got, want)
		}
	}
}

func TestPacerConfigNamesAllProblems(t *testing.T) {
	const s = time.Second
	for name, row := range map[string]struct {
		config heartbeat.PacerConfig
		want   []string
	}{
		"usual":             {heartbeat.PacerConfig{Duration: 90 * s, Interval: 30 * s}, nil},
		"shortest":          {heartbeat.PacerConfig{Duration: 3 * time.Millisecond, Interval: time.Millisecond, Timeout: 500 * time.Microsecond}, nil},
		"longest":           {heartbeat.PacerConfig{Duration: math.MaxInt64, Interval: math.MaxInt64 / 3, Timeout: math.MaxInt64 / 6, Seed: math.MaxUint64}, nil},
		"zero":              {heartbeat.PacerConfig{}, []string{"Duration is 0s: must be above 0", "Interval is 0s: must be at least 1ms"}},
		"no term":           {heartbeat.PacerConfig{Interval: s, Timeout: s}, []string{"Duration is 0s: must be above 0"}},
		"negative":          {heartbeat.PacerConfig{Duration: -s, Interval: -s, Timeout: -s}, []string{"Duration is -1s: must be above 0", "Interval is -1s: must be at least 1ms", "Timeout is -1s: must not be below 0"}},
		"interval too long": {heartbeat.PacerConfig{Duration: 90 * s, Interval: 30*s + 1}, []string{"Interval is 30.000000001s: must be at most a third of Duration (1m30s)"}},
		"timeout too long":  {heartbeat.PacerConfig{Duration: 90 * s, Interval: 30 * s, Timeout: 15*s + 1}, []string{"Timeout is 15.000000001s: must be at most a sixth of Duration (1m30s)"}},
		"too short a term":  {heartbeat.PacerConfig{Duration: 3*time.Millisecond - 1, Interval: time.Millisecond}, []string{"Interval is 1ms: must be at most a third of Duration (2.999999ms)"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := heartbeat.NewPacer(begin, row.config)
			if row.want == nil {
				if err != nil || p == nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			want := "heartbeat: invalid argument: " + strings.Join(row.want, "\nheartbeat: invalid argument: ")
			if p != nil || !errors.Is(err, heartbeat.ErrInvalid) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// The longest term works to the end of time.
func TestPacerOfTheLongestTerm(t *testing.T) {
	p := pacer(t, heartbeat.PacerConfig{Duration: math.MaxInt64, Interval: math.MaxInt64 / 3, Seed: 5})
	now := begin
	for _, kind := range []heartbeat.ReplyKind{accepted, refused, unanswered, refused, refused, refused, refused, unknown, refused, accepted} {
		at, _ := p.Next(now)
		if d := at.Sub(now); d < 0 || d > math.MaxInt64/3 {
			t.Fatalf("after %v: due in %v", kind, d)
		}
		p.Sent(at)
		p.Done(at, heartbeat.Reply{Kind: kind})
		now = at
	}
}

// decide is one decision: what is due, that it left, and what came of it.
func decide(client heartbeat.Client, now time.Time, i int) time.Time {
	at, _ := client.Next(now)
	client.Sent(at)
	client.Done(at, heartbeat.Reply{Kind: heartbeat.ReplyKind(i % 4)})
	return at
}

func TestClientsDoNotAllocate(t *testing.T) {
	for name, client := range map[string]heartbeat.Client{"Pacer": pacer(t, ninety(1)), "EurekaClient": eurekaClient(t)} {
		now, i := begin, 0
		if got := testing.AllocsPerRun(1000, func() { now = decide(client, now, i); i++ }); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}

func BenchmarkPacer(b *testing.B) {
	b.ReportAllocs()
	p, now := pacer(b, ninety(1)), begin
	for i := 0; b.Loop(); i++ {
		now = decide(p, now, i)
	}
}

// A step that no Duration holds: neither silences the client.
func TestPacerAfterAStepOfCenturies(t *testing.T) {
	for _, back := range []time.Time{{}, time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1<<40, 0)} {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, kind := range []heartbeat.ReplyKind{accepted, heartbeat.Unanswered, heartbeat.Refused} {
			p, err := heartbeat.NewPacer(start, ninety(1))
			if err != nil {
				t.Fatal(err)
			}
			p.Next(start)
			p.Sent(start)
			p.Done(back, heartbeat.Reply{Kind: kind})
			if at, _ := p.Next(back); at.Sub(back) > 30*time.Second {
				t.Errorf("set back to %v, %v: next after %v, want 30 s at most", back, kind, at.Sub(back))
			}
		}
	}
}
