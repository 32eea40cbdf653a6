package heartbeat_test

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// FuzzHeartbeat drives every client of this package through any life, beside
// what its rules allow, and compares the arithmetic with big numbers.
func FuzzHeartbeat(f *testing.F) {
	const second = int64(time.Second)
	life := []byte("\x00\x00\x01\x1e\x00\x00\x01\x01\x01\x1c\x02\x00\x01\x02\x01\x0a\x03\x01\x05\x00\x01\x14\x00\x04\x05\x20\x01\x1e\x04\x0a\x01\x05\x01\x06\x01\x07\x00\x00\x08\x01\x01\x02\x03")
	f.Add(90*second, 30*second, int64(0), uint64(1), int64(3), int64(10), int64(100), int64(1000), life)
	f.Add(30*second, 5*second, 5*second, uint64(math.MaxUint64), int64(1), int64(1), int64(1), int64(0), slices.Concat(life[8:], life))
	f.Add(int64(3*time.Millisecond), int64(time.Millisecond), int64(1), uint64(0), int64(0), int64(0), int64(0), int64(-1), life[3:])
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64/3), int64(math.MaxInt64/6), uint64(7), int64(-1), int64(math.MaxInt32), int64(math.MaxInt64), int64(math.MaxInt64), life[5:])
	f.Add(int64(-1), int64(1), int64(-1), uint64(9), int64(2), int64(-3), int64(3), int64(1<<33), []byte{0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 2, 0xff})
	f.Add(90*second, 31*second, 16*second, uint64(5), int64(2), int64(2), int64(7), int64(6), []byte{2, 1, 2, 1, 2, 1, 2, 2, 2, 3, 2, 0})
	f.Fuzz(func(t *testing.T, duration, interval, timeout int64, seed uint64, threads, bound, rate, clients int64, life []byte) {
		config := heartbeat.PacerConfig{
			Duration: time.Duration(duration), Interval: time.Duration(interval), Timeout: time.Duration(timeout), Unregistered: seed%3 == 0, Seed: seed,
		}
		checkPacerConfig(t, config)
		newPacing(t, life, config).live()
		checkSupervisors(t, interval, int64(int(bound)), life)
		checkEurekaClient(t, time.Duration(uint64(interval)%(1<<50)+1), int(uint64(bound)%1000+1), life)
		newReacting(t, life, int(threads)).live()
		checkBeat(t, heartbeat.Beat{Known: seed&1 != 0, Full: seed&2 != 0, HasInterval: seed&4 != 0, IntervalMillis: timeout},
			heartbeat.BeatSwitch{IntervalMillis: interval, Light: seed&8 != 0})
		checkSpread(t, int(rate), life)
		advice := heartbeat.Advice{Rate: int(rate), Least: time.Duration(interval), Most: time.Duration(duration), Stagger: int(bound)}
		checkAdvice(t, advice, int(clients), seed)
		advice.Rate, advice.Stagger = int(uint64(rate)%1e6+1), int(uint64(bound)%101)
		advice.Least = max(advice.Least&math.MaxInt64, 1)
		if advice.Most = max(advice.Most, 0); advice.Most > 0 {
			advice.Most = max(advice.Most, advice.Least)
		}
		checkAdvice(t, advice, int(clients), seed)
	})
}

// blames checks that an error is one of this package about exactly these
// fields.
func blames(t *testing.T, err error, fields map[string]bool) bool {
	t.Helper()
	for field, wrong := range fields {
		if named := errors.Is(err, heartbeat.ErrInvalid) && strings.Contains(err.Error(), "argument: "+field+" is "); named != wrong {
			t.Fatalf("%s is wrong: %v, but the error is %v", field, wrong, err)
		}
	}
	return err != nil
}

func checkPacerConfig(t *testing.T, c heartbeat.PacerConfig) {
	times := func(n int64, d time.Duration) *big.Int {
		return new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(d)))
	}
	term := big.NewInt(int64(c.Duration))
	err := c.Validate()
	blames(t, err, map[string]bool{
		"Duration": c.Duration <= 0,
		"Interval": c.Interval < time.Millisecond || c.Duration > 0 && times(3, c.Interval).Cmp(term) > 0,
		"Timeout":  c.Timeout < 0 || c.Duration > 0 && times(6, c.Timeout).Cmp(term) > 0,
	})
	if _, made := heartbeat.NewPacer(begin, c); (made == nil) != (err == nil) {
		t.Fatalf("%+v: %v, but NewPacer: %v", c, err, made)
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

// number is of any size and sign, up to 2^most seven times.
func (t *tape) number(most byte) int64 {
	shift := t.next() % most
	return int64(int8(t.next())) << shift
}

// pacing is a Pacer with what its rules say, all but the jitter.
type pacing struct {
	*testing.T
	tape
	*heartbeat.Pacer
	config heartbeat.PacerConfig
	now    time.Time

	made, sent, until, perhaps time.Time
	least, most                time.Time // of the next request
	held, first                bool
	failures                   int
}

func newPacing(t *testing.T, life tape, config heartbeat.PacerConfig) *pacing {
	if config.Validate() != nil || config.Duration > 1<<60 {
		config.Duration = max(3*time.Millisecond, config.Duration&(1<<60-1))
		config.Interval = max(time.Millisecond, time.Duration(uint64(config.Interval)%uint64(config.Duration/3+1)))
		config.Timeout = time.Duration(uint64(config.Timeout) % uint64(config.Duration/6+1))
	}
	made, err := heartbeat.NewPacer(begin, config)
	if err != nil {
		t.Fatalf("%+v: %v", config, err)
	}
	p := &pacing{T: t, tape: life, Pacer: made, config: config, now: begin, made: begin, sent: begin, least: begin, most: begin, first: true}
	if !config.Unregistered {
		p.accept(0)
	}
	return p
}

func (p *pacing) live() {
	seen := begin
	for range 30 {
		if len(p.tape) == 0 {
			break
		}
		at, _ := p.ask()
		switch p.next() % 3 {
		case 0: // in time
			if at.After(p.now) {
				p.now = at
			}
		case 1:
			p.now = p.now.Add(time.Duration(p.next()) * time.Second)
		case 2: // a clock of any kind
			p.now = p.now.Add(time.Duration(p.number(50)))
		}
		_, request := p.ask()
		p.follow(seen)
		seen, p.sent = p.now, p.now
		if timeout := p.Sent(p.now); timeout != p.config.Timeout && p.config.Timeout != 0 || timeout <= 0 && p.config.Duration >= 9 {
			p.Fatalf("%+v: may take %v", p.config, timeout)
		}
		if request == heartbeat.Registration {
			p.held = false
		}
		p.now = p.now.Add(time.Duration(p.number(40)))
		p.follow(seen)
		seen = p.now
		p.hear(request)
	}
}

// follow moves all that is known with a clock that was set back.
func (p *pacing) follow(seen time.Time) {
	if back := p.now.Sub(seen); back < 0 {
		p.sent, p.until, p.perhaps = p.sent.Add(back), p.until.Add(back), p.perhaps.Add(back)
	}
}

// ask compares what comes next with what may.
func (p *pacing) ask() (at time.Time, request heartbeat.Request) {
	at, request = p.Next(p.now)
	if p.now.Before(p.made) {
		p.least, p.most = p.now, p.now
	}
	if at.Before(p.least) && !p.now.Before(p.made) || at.After(p.most) || at.Sub(p.now) > p.config.Duration/3 {
		p.Fatalf("%+v: at %v the next request is due at %v, want %v to %v", p.config, p.now, at, p.least, p.most)
	}
	when := at
	if p.now.After(at) {
		when = p.now
	}
	want := heartbeat.Registration
	if p.held && !when.After(p.perhaps) {
		want = heartbeat.Renewal
	}
	until, held := p.Until()
	if request != want || held != p.held || held && !until.Equal(p.until) {
		p.Fatalf("%+v: a %v at %v, want a %v; held: %v until %v, want %v, %v", p.config, request, at, want, held, until, p.held, p.until)
	}
	return at, request
}

// hear tells what became of the request, and reckons the next.
func (p *pacing) hear(request heartbeat.Request) {
	reply := heartbeat.Reply{Kind: heartbeat.ReplyKind(p.next() % 5)}
	if p.next()%4 == 0 {
		reply.Interval, reply.RetryAfter = time.Duration(p.number(57)), time.Duration(p.number(57))
	}
	p.Done(p.now, reply)
	p.made = p.now
	switch term := p.config.Duration; {
	case reply.Kind == heartbeat.Accepted:
		p.accept(reply.Interval)
	case reply.Kind == heartbeat.Unknown && request == heartbeat.Renewal:
		p.least, p.most = p.now, p.now
		if p.failures > 0 {
			p.least, p.most = p.now.Add(term/6), p.now.Add(term/6+term/6)
		}
		p.held, p.failures = false, 0
	default:
		p.failures++
		if may := p.now.Add(term); reply.Kind == heartbeat.Unanswered && may.After(p.perhaps) {
			p.perhaps = may
		}
		p.least, p.most = p.sent.Add(term/3-term/30), p.sent.Add(term/3)
		if p.failures <= 4 || p.held && !p.now.After(p.until) {
			p.least, p.most = p.sent.Add(term/6), p.sent.Add(term/6+term/18)
		}
	}
	silence := p.now.Add(max(0, min(reply.RetryAfter, p.config.Duration/3)))
	if p.least.Before(silence) {
		p.least = silence
	}
	if p.most.Before(silence) {
		p.most = silence
	}
}

func (p *pacing) accept(asked time.Duration) {
	p.held, p.failures = true, 0
	p.until, p.perhaps = p.sent.Add(p.config.Duration), p.now.Add(p.config.Duration)
	interval := p.config.Interval
	if asked > 0 {
		interval = min(max(asked, min(interval, p.config.Duration/30)), p.config.Duration/3)
	}
	p.least, p.most = p.sent.Add(interval-interval/10), p.sent.Add(interval)
	if p.first {
		p.first, p.least = false, p.sent
	}
}

// checkSupervisors compares both with numbers that do not overflow, and that
// wrap.
func checkSupervisors(t *testing.T, timeout, bound int64, life tape) {
	most := new(big.Int).Mul(big.NewInt(timeout), big.NewInt(bound))
	exact, err := heartbeat.NewSupervisor(time.Duration(timeout), int(bound))
	failed := blames(t, err, map[string]bool{"timeout": timeout <= 0, "bound": bound < 1 || timeout > 0 && !most.IsInt64()})
	eureka := heartbeat.NewEurekaSupervisor(timeout, int32(bound))
	eureka.AfterShutdown = timeout%2 == 0
	delay, javaDelay := big.NewInt(timeout), timeout
	javaMost := java(new(big.Int).Mul(big.NewInt(timeout), big.NewInt(int64(int32(bound)))))
	for range min(len(life), 20) {
		outcome := heartbeat.Outcome(life.next() % 5)
		switch outcome {
		case heartbeat.Success:
			delay, javaDelay = big.NewInt(timeout), timeout
		case heartbeat.Timeout:
			if delay = new(big.Int).Lsh(delay, 1); delay.Cmp(most) > 0 {
				delay = most
			}
			javaDelay = min(javaMost, java(new(big.Int).Lsh(big.NewInt(javaDelay), 1)))
		}
		if !failed {
			if got := exact.Next(outcome); got != exact.Delay() || big.NewInt(int64(got)).Cmp(delay) != 0 {
				t.Fatalf("timeout %d, bound %d: %d after a %v, want %v", timeout, bound, got, outcome, delay)
			}
		}
		shutdown := life.next()%8 == 0
		millis, again := eureka.Next(outcome, shutdown)
		if ends := shutdown && !eureka.AfterShutdown; again == ends || eureka.DelayMillis() != javaDelay || again && millis != javaDelay {
			t.Fatalf("timeout %d, bound %d: %d, %v after a %v, want %d", timeout, int32(bound), millis, again, outcome, javaDelay)
		}
	}
}

// java is a number as a long holds it, which wraps.
func java(n *big.Int) int64 {
	return int64(new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
}

// checkEurekaClient runs Eureka's loop beside its rules.
func checkEurekaClient(t *testing.T, interval time.Duration, bound int, life tape) {
	c, err := heartbeat.NewEurekaClient(begin, interval, bound)
	supervisor, same := heartbeat.NewSupervisor(interval, bound)
	if err != nil || same != nil {
		t.Fatalf("interval %v, bound %d: %v, %v", interval, bound, err, same)
	}
	now, request := begin.Add(interval), heartbeat.Renewal
	if at, _ := c.Next(begin); !at.Equal(now) {
		t.Fatalf("interval %v: the first renewal is due at %v", interval, at)
	}
	began := now
	for range min(len(life)/2, 20) {
		if request == heartbeat.Renewal {
			began = now
		}
		left := interval - now.Sub(began)
		if got := c.Sent(now); got != max(left, 0) {
			t.Fatalf("interval %v: a %v may take %v, want %v", interval, request, got, left)
		}
		kind, tenths := heartbeat.ReplyKind(life.next()%5), time.Duration(life.next()%16)
		now = now.Add(interval / 10 * tenths)
		c.Done(now, heartbeat.Reply{Kind: kind, Interval: 1, RetryAfter: 1})
		inTime := now.Sub(began) < interval
		wantAt, want := now, heartbeat.Registration
		if !inTime || kind != heartbeat.Unknown || request == heartbeat.Registration {
			outcome := heartbeat.Success
			if !inTime {
				outcome = heartbeat.Timeout
			}
			wantAt, want = now.Add(supervisor.Next(outcome)), heartbeat.Renewal
		}
		at, next := c.Next(now)
		if !at.Equal(wantAt) || next != want {
			t.Fatalf("interval %v: after %v a %v at %v, want a %v at %v", interval, kind, next, at, want, wantAt)
		}
		if early, _ := c.Next(now.Add(-1)); early.After(now) {
			t.Fatalf("interval %v: a clock that was set back makes it wait until %v", interval, early)
		}
		now, request = at, next
	}
}

// checkBeat answers as quirks N14 and N15 say.
func checkBeat(t *testing.T, beat heartbeat.Beat, s heartbeat.BeatSwitch) {
	verdict, answer := s.Handle(beat)
	want, millis := heartbeat.RegisterFromBeat, s.IntervalMillis
	if beat.Known {
		want = heartbeat.RenewLease
	} else if !beat.Full {
		want = heartbeat.AskToRegister
	}
	if beat.HasInterval && want != heartbeat.AskToRegister {
		millis = beat.IntervalMillis
	}
	ok := want != heartbeat.AskToRegister
	if verdict != want || (answer.Code == heartbeat.BeatOK) != ok || (answer.Code == heartbeat.BeatNotFound) == ok ||
		answer.IntervalMillis != millis || answer.HasLight != ok || answer.Light != (ok && s.Light) {
		t.Fatalf("%+v, %+v: got %v, %+v", s, beat, verdict, answer)
	}
}

// reacting is a Reactor beside one that goes through a list.
type reacting struct {
	*testing.T
	tape
	*heartbeat.Reactor[byte, int]
	now time.Time

	threads, order int
	light          bool
	beats, asking  []*beating // asking: in the order of their answers
	tasks          []heartbeat.BeatTask[byte, int]
	of             map[int]*beating // by number
	out            map[int]int      // the task of a number that is out, by its place in tasks
}

// beating is a beat that is planned, unless it is out.
type beating struct {
	key           byte
	number, order int
	period, delay time.Duration
	at            time.Time
	stopped, busy bool
}

func newReacting(t *testing.T, life tape, threads int) *reacting {
	_, err := heartbeat.NewReactor[byte, int](threads)
	blames(t, err, map[string]bool{"threads": threads < 1})
	if threads < 1 || threads > 3 {
		threads = 2
	}
	reactor, _ := heartbeat.NewReactor[byte, int](threads)
	return &reacting{T: t, tape: life, Reactor: reactor, now: begin, threads: threads, of: map[int]*beating{}, out: map[int]int{}}
}

func (r *reacting) live() {
	for range 40 {
		if len(r.tape) == 0 {
			return
		}
		switch op := r.next(); op % 8 {
		case 0:
			r.add(r.next()%3, time.Duration(int8(r.next()))*time.Second)
		case 1:
			r.now = r.now.Add(time.Duration(r.next()) * time.Second)
		case 2:
			key := r.next() % 3
			if got, want := r.Remove(key), r.stop(key); got != want {
				r.Fatalf("Remove %d is %v, want %v", key, got, want)
			}
		case 3, 4:
			r.due()
		case 5:
			r.now = r.now.Add(time.Duration(r.number(50)))
		default:
			r.report(op)
		}
		r.checkNext()
	}
}

func (r *reacting) plan(b *beating, delay time.Duration) {
	b.at, b.order = r.now.Add(max(delay, 0)), r.order
	r.order++
}

func (r *reacting) add(key byte, period time.Duration) {
	number := len(r.of)
	got, want := r.Add(r.now, key, number, period), r.stop(key)
	if got != want {
		r.Fatalf("Add %d replaced: %v, want %v", key, got, want)
	}
	b := &beating{key: key, number: number, period: period}
	r.of[number] = b
	r.beats = append(r.beats, b)
	r.plan(b, period)
}

func (r *reacting) stop(key byte) bool {
	for _, b := range r.beats {
		if b.key == key && !b.stopped {
			b.stopped = true
			return true
		}
	}
	return false
}

// earliest is the planned beat that is due first, stopped or not.
func (r *reacting) earliest() *beating {
	var first *beating
	for _, b := range r.beats {
		if !b.busy && (first == nil || b.at.Before(first.at) || b.at.Equal(first.at) && b.order < first.order) {
			first = b
		}
	}
	return first
}

func (r *reacting) isBusy() bool {
	busy := 0
	for _, b := range r.beats {
		if b.busy {
			busy++
		}
	}
	return busy >= r.threads
}

// due takes what is due, and what comes to nothing before it.
func (r *reacting) due() {
	var want *beating
	action := heartbeat.RegisterAgain
	if len(r.asking) > 0 {
		want, r.asking = r.asking[0], r.asking[1:]
	} else if !r.isBusy() {
		want = r.earliest()
		for want != nil && want.stopped && !want.at.After(r.now) {
			r.beats = slices.DeleteFunc(r.beats, func(b *beating) bool { return b == want })
			want = r.earliest()
		}
		if want != nil && want.at.After(r.now) {
			want = nil
		}
		if action = heartbeat.SendFull; r.light {
			action = heartbeat.SendLight
		}
	}
	task, ok := r.Due(r.now)
	if ok != (want != nil) || ok && (task.Action != action || task.Key != want.key || task.Value != want.number) {
		r.Fatalf("due is %+v, %v, want %v of %+v", task, ok, action, want)
	}
	if ok {
		if action != heartbeat.RegisterAgain {
			want.delay = want.period
		}
		want.busy = true
		r.out[task.Value] = len(r.tasks)
		r.tasks = append(r.tasks, task)
	}
}

// report ends a task in some way. One that is not out any more is refused.
func (r *reacting) report(op byte) {
	if len(r.tasks) == 0 {
		return
	}
	number := int(r.next()) % len(r.tasks)
	task := r.tasks[number]
	b, registration := r.of[task.Value], task.Action == heartbeat.RegisterAgain
	which, isOut := r.out[task.Value]
	isOut = isOut && which == number
	var err error
	wrong, again := !isOut, false
	switch op >> 3 % 4 {
	case 0:
		err = r.Failed(r.now, task)
	case 1:
		err = r.Registered(r.now, task)
		wrong = wrong || !registration
	default:
		answer := heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: r.number(57), Light: op&32 != 0}
		if again = op&64 != 0; again {
			answer.Code = heartbeat.BeatNotFound
		}
		err = r.Answered(r.now, task, answer)
		if wrong = wrong || registration; !wrong {
			r.light = answer.Light
			if answer.IntervalMillis > 0 {
				b.delay = math.MaxInt64 // the longest that there is
				if nanos := new(big.Int).Mul(big.NewInt(answer.IntervalMillis), big.NewInt(1e6)); nanos.IsInt64() {
					b.delay = time.Duration(nanos.Int64())
				}
			}
		}
	}
	if blames(r.T, err, map[string]bool{"task": wrong}) {
		return
	}
	delete(r.out, task.Value)
	if again {
		b.at = r.now
		r.asking = append(r.asking, b)
		return
	}
	b.busy = false
	r.plan(b, b.delay)
}

func (r *reacting) checkNext() {
	var want *beating
	if len(r.asking) > 0 {
		want = r.asking[0]
	} else if !r.isBusy() {
		want = r.earliest()
	}
	at, ok := r.Next()
	if ok != (want != nil) || ok && !at.Equal(want.at) {
		r.Fatalf("next is %v, %v, want %+v", at, ok, want)
	}
	running := 0
	for _, b := range r.beats {
		if !b.stopped {
			running++
		}
	}
	if r.Len() != running {
		r.Fatalf("%d keys beat, want %d", r.Len(), running)
	}
}

// checkSpread checks that an end comes as soon as its deadline and the gap to
// the one before allow.
func checkSpread(t *testing.T, rate int, life tape) {
	s, err := heartbeat.NewSpread(rate)
	if blames(t, err, map[string]bool{"rate": rate < 1}) {
		return
	}
	gap := time.Duration((1e9-1)/int64(rate) + 1)
	var previous time.Time
	for i := range min(len(life), 20) {
		deadline := begin.Add(time.Duration(life.number(40)))
		want := deadline
		if soonest := previous.Add(gap); i > 0 && soonest.After(want) {
			want = soonest
		}
		if previous = s.Next(deadline); !previous.Equal(want) {
			t.Fatalf("rate %d: the lease of %v ends at %v, want %v", rate, deadline, previous, want)
		}
	}
}

func checkAdvice(t *testing.T, a heartbeat.Advice, clients int, draw uint64) {
	wrong := map[string]bool{
		"Rate": a.Rate < 1, "Least": a.Least <= 0, "Most": a.Most < 0 || a.Most > 0 && a.Most < a.Least, "Stagger": a.Stagger < 0 || a.Stagger > 100,
	}
	failed := blames(t, a.Validate(), wrong)
	room, err := a.Clients()
	blames(t, err, wrong)
	wrong["clients"] = clients < 0
	interval, err := a.Interval(clients)
	blames(t, err, wrong)
	staggered, err := a.Staggered(clients, draw)
	if blames(t, err, wrong) || failed {
		return
	}
	longest := int64(a.Most)
	if longest == 0 {
		longest = math.MaxInt64
	}
	want := perRate(clients, a.Rate)
	if least := big.NewInt(int64(a.Least)); want.Cmp(least) < 0 {
		want = least
	}
	if want.Cmp(big.NewInt(longest)) > 0 {
		want = big.NewInt(longest)
	}
	if want.Cmp(big.NewInt(int64(interval))) != 0 {
		t.Fatalf("%+v: %d clients are told %d ns, want %v", a, clients, interval, want)
	}
	// Evenly from the interval up to Stagger percent more: the draw is a
	// fraction of 2^64.
	high, low := bits.Mul64(uint64(interval), uint64(a.Stagger))
	more, _ := bits.Div64(high, low, 100)
	parts := new(big.Int).SetUint64(min(more, uint64(longest-int64(interval))))
	parts.Add(parts, big.NewInt(1))
	parts.Mul(parts, new(big.Int).SetUint64(draw))
	parts.Rsh(parts, 64)
	if want := parts.Add(parts, big.NewInt(int64(interval))); want.Cmp(big.NewInt(int64(staggered))) != 0 {
		t.Fatalf("%+v: with draw %d %d clients are told %d ns, want %v", a, draw, clients, staggered, want)
	}
	// So many clients fit, and no more.
	fits := func(n int) bool {
		return perRate(n, a.Rate).Cmp(big.NewInt(longest)) <= 0
	}
	if !fits(room) || room < math.MaxInt && fits(room+1) {
		t.Fatalf("%+v: has room for %d clients", a, room)
	}
}

// perRate is n / rate seconds in nanoseconds, rounded up.
func perRate(n, rate int) *big.Int {
	nanos := new(big.Int).Mul(big.NewInt(int64(n)), big.NewInt(1e9))
	nanos.Add(nanos, big.NewInt(int64(rate)-1))
	return nanos.Quo(nanos, big.NewInt(int64(rate)))
}
