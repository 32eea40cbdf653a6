package quirk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// The exact fact of what a server answers is that of the kernel's Renew, and
// that of what a client does is the Pacer's, with the same term.

func nacosBeatQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "N14",
			Title: "A heartbeat of an unknown client registers it, if it describes it",
			Story: "A server that knows nobody gets a light heartbeat, which only names its client, and a full one. The switches stand at 10 s and light heartbeats allowed.",
			Facts: []Fact{
				nacosRule("light: ask to register, code 20404, next after 10000 ms; full: register, code 10200, next after 10000 ms, light true", unknownBeats),
				exact("renewed: false, of 0 leases", func() string {
					r := newRegistry(leasekernel.Exact(), hooks{})
					return fmt.Sprintf("renewed: %t, of %d leases", r.Renew(t0, "A"), r.Len())
				}),
			},
		},
		{
			ID:    "N15",
			Title: "Clients are told their own interval, also 0; and 5 s if it cannot be read, whatever the switch says",
			Story: `The switch stands at 10 s. Clients whose metadata say "3000", "0", "5s" and nothing send heartbeats: what are they told? And what is the last of them told when the switch stands at -1?`,
			Facts: []Fact{
				nacosRule(`"3000": 3000 ms, "0": 0 ms, "5s": 5000 ms; nothing: 10000 ms, then -1 ms`, toldIntervals),
				exact("for 10 clients 5s, for 1000 clients 10s", func() string {
					advice := heartbeat.Advice{Rate: 100, Least: 5 * time.Second}
					return fmt.Sprintf("for 10 clients %v, for 1000 clients %v", must(advice.Interval(10)), must(advice.Interval(1000)))
				}),
			},
		},
		{
			ID:    "N16",
			Title: "A heartbeat changes nothing about a client that is known, however much it says",
			Story: "A registers version 1 of its data. Its next heartbeat is a full one, of version 2.",
			Facts: []Fact{
				nacosKernel("renew: version 1, 0s since the last renewal", fullBeatOfAKnown),
				exactKernel("renew: version 1, 0s since the last renewal", fullBeatOfAKnown),
			},
		},
		{
			ID:    "N17",
			Title: "The same address in another cluster is another instance",
			Story: "10.0.0.1:8080 registers in cluster c1; then a full heartbeat of it says cluster c2. How many leases are there?",
			Facts: []Fact{
				nacosKernel("register: 2 leases", inAnotherCluster),
				exact("no counterpart: what makes up a key is the registry's choice", nil),
			},
		},
	}
}

// answered is an answer as it goes over the wire.
func answered(verdict heartbeat.BeatVerdict, answer heartbeat.BeatAnswer) string {
	text := fmt.Sprintf("%v, code %d, next after %d ms", verdict, answer.Code, answer.IntervalMillis)
	if answer.HasLight {
		text += fmt.Sprintf(", light %t", answer.Light)
	}
	return text
}

func unknownBeats() string {
	server := heartbeat.BeatSwitch{IntervalMillis: 10_000, Light: true}
	return fmt.Sprintf("light: %s; full: %s", answered(server.Handle(heartbeat.Beat{})), answered(server.Handle(heartbeat.Beat{Full: true})))
}

func toldIntervals() string {
	server := heartbeat.BeatSwitch{IntervalMillis: 10_000}
	var told []string
	for _, text := range []string{"3000", "0", "5s"} {
		term := must(leasekernel.NacosTerm(map[string]string{leasekernel.NacosIntervalKey: text}))
		_, answer := server.Handle(heartbeat.Beat{Known: true, HasInterval: true, IntervalMillis: term.Interval.Milliseconds()})
		told = append(told, fmt.Sprintf("%q: %d ms", text, answer.IntervalMillis))
	}
	_, first := server.Handle(heartbeat.Beat{Known: true})
	server.IntervalMillis = -1
	_, then := server.Handle(heartbeat.Beat{Known: true})
	return fmt.Sprintf("%s; nothing: %d ms, then %d ms", strings.Join(told, ", "), first.IntervalMillis, then.IntervalMillis)
}

// beatRegistry does what the answer to a heartbeat says.
type beatRegistry struct{ *registry }

func (r beatRegistry) beat(since time.Duration, key, holder string) heartbeat.BeatVerdict {
	_, known := r.Get(key)
	verdict, _ := heartbeat.BeatSwitch{}.Handle(heartbeat.Beat{Known: known, Full: holder != ""})
	switch verdict {
	case heartbeat.RenewLease:
		r.Renew(at(since), key)
	case heartbeat.RegisterFromBeat:
		must(r.Register(at(since), key, holder, r.term))
	}
	return verdict
}

func fullBeatOfAKnown(config leasekernel.Config) string {
	const second = 5 * time.Second
	r := beatRegistry{newRegistry(config, hooks{})}
	must(r.Register(t0, "A", "version 1", r.term))
	verdict := r.beat(second, "A", "version 2")
	s, _ := r.Get("A")
	return fmt.Sprintf("%v: %s, %v since the last renewal", verdict, s.Holder(), at(second).Sub(s.LastRenewal()))
}

func inAnotherCluster(config leasekernel.Config) string {
	r := beatRegistry{newRegistry(config, hooks{})}
	r.register(0, "10.0.0.1:8080@c1")
	verdict := r.beat(5*time.Second, "10.0.0.1:8080@c2", "described")
	return fmt.Sprintf("%v: %d leases", verdict, r.Len())
}

func nacosClientQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "N21",
			Title: "The first heartbeat comes after a whole period",
			Story: "A client is told to beat every 5 s. When does it first? The Pacer draws that, here with a thousand seeds.",
			Facts: []Fact{
				nacosRule("after 5s", func() string {
					r := newReactor(1)
					r.add(0, "A", 5*time.Second)
					return "after " + r.next()
				}),
				exact("after 0s to 5s", func() string {
					return "after " + spread(func(p *heartbeat.Pacer) time.Duration { return nextOf(p, 0) })
				}),
			},
		},
		{
			ID:    "N22",
			Title: "An answered interval holds once, and an error brings the client's own back",
			Story: "A client with a period of 5 s and a lease of 30 s is answered in no time: with an interval of 10 s, with an error, with 0 and with 3 s. After how long does it send the next heartbeat, each time?",
			Facts: []Fact{
				nacosRule("10s, 5s, 5s, 3s", reactorIntervals),
				exact("9s to 10s, 5s to 6.7s, 4.5s to 5s, 2.7s to 3s", pacerIntervals),
			},
		},
		{
			ID:    "N23",
			Title: "Whether heartbeats are light is one switch for all of a client's instances, and the last answer has the last word",
			Story: "Heartbeats of A and B are out; neither is light, at first. One answer allows light ones, the other asks for a registration, and says nothing of them. What is sent next, if the former comes last, and if it comes first?",
			Facts: []Fact{
				nacosRule("allowed last: send light; allowed first: send full", func() string {
					return fmt.Sprintf("allowed last: %v; allowed first: %v", afterAnswers(true), afterAnswers(false))
				}),
				exact("no counterpart: the Pacer's renewals only name the client, always", nil),
			},
		},
		{
			ID:    "N24",
			Title: "One slow answer makes all other heartbeats late",
			Story: "A and B are to beat every 5 s. The answer to A's first heartbeat takes 30 s. When does B send its first one, with one thread, and with two?",
			Facts: []Fact{
				nacosRule("one thread: after 35s, two threads: after 5s", func() string {
					return fmt.Sprintf("one thread: after %v, two threads: after %v", behindASlowOne(1), behindASlowOne(2))
				}),
				exact("no counterpart: each lease has a Pacer of its own", nil),
			},
		},
		{
			ID:    "N25",
			Title: "An instance that was removed while its heartbeat was out registers again",
			Story: "A's heartbeat leaves after 5 s; A is removed after 6 s; after 12 s the answer asks for a registration.",
			Facts: []Fact{
				nacosRule("after 12s: register again", ghost),
				exact("no counterpart: a Pacer that is not asked any more sends nothing", nil),
			},
		},
		{
			ID:    "N26",
			Title: "Adding an instance again begins a new period; the old task fires once more and does nothing",
			Story: "A is added with a period of 5 s, and again after 3 s. When does the reactor wake, and what does it send?",
			Facts: []Fact{
				nacosRule("after 5s: nothing, after 8s: send full", replacedBeat),
				exact("no counterpart: a Pacer that is not asked any more sends nothing", nil),
			},
		},
		{
			ID:    "N27",
			Title: "An answer without an interval is an error, whatever else it says",
			Story: "A client with a period of 5 s was answered that light heartbeats are allowed and the next is due after 10 s. The answer to that one says that they are not, and has no interval. What is sent next, and when?",
			Facts: []Fact{
				nacosRule("send light after 5s", withoutInterval),
				exact("no counterpart: the caller reads the answer, and tells the Pacer what it was", nil),
			},
		},
		{
			ID:    "N29",
			Title: "A period of 0 sends back to back",
			Story: "A client with a period of 0 is answered after 5 ms, 2 ms and 5 ms, without an interval of its own. When does it send?",
			Facts: []Fact{
				nacosRule("0s, 5ms, 7ms, 12ms", backToBack),
				exact("refused", func() string {
					_, err := heartbeat.NewPacer(t0, heartbeat.PacerConfig{Duration: 30 * time.Second})
					return accepted(err)
				}),
			},
		},
		{
			ID:    "N30",
			Title: "A registration that fails is not tried again before the next heartbeat asks for it",
			Story: "The first heartbeat, after 5 s, is answered that the client is unknown; it registers at once, which fails in no time. What comes next, and after how long?",
			Facts: []Fact{
				nacosRule("send full after 5s", failedRegistration),
				exact("registration after 5s to 6.7s", func() string {
					return "registration after " + spread(func(p *heartbeat.Pacer) time.Duration {
						nextOf(p, 0)
						first, _ := p.Next(t0)
						since := first.Sub(t0)
						answer(p, since, heartbeat.Reply{Kind: heartbeat.Unknown})
						answer(p, since, heartbeat.Reply{Kind: heartbeat.Refused})
						return nextOf(p, since)
					})
				}),
			},
		},
	}
}

// reactor is a Nacos client of which each request is answered by the story.
type reactor struct {
	*heartbeat.Reactor[string, string]
}

type task = heartbeat.BeatTask[string, string]

func newReactor(threads int) reactor {
	return reactor{must(heartbeat.NewReactor[string, string](threads))}
}

func (r reactor) add(since time.Duration, key string, period time.Duration) {
	r.Add(at(since), key, "", period)
}

// next is when the reactor wakes next.
func (r reactor) next() string {
	when, ok := r.Next()
	if !ok {
		return "never"
	}
	return when.Sub(t0).String()
}

// send is what is due at an instant; the story says that there is something.
func (r reactor) send(since time.Duration) task {
	task, _ := r.Due(at(since))
	return task
}

// planned is how long after an instant the next request is due.
func (r reactor) planned(since time.Duration) time.Duration {
	when, _ := r.Next()
	return when.Sub(at(since))
}

func reactorIntervals() string {
	r := newReactor(1)
	r.add(0, "A", 5*time.Second)
	now := 5 * time.Second
	var delays []string
	for _, millis := range []int64{10_000, -1, 0, 3_000} { // -1: an error
		beat := r.send(now)
		if millis < 0 {
			check(r.Failed(at(now), beat))
		} else {
			check(r.Answered(at(now), beat, heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: millis}))
		}
		delay := r.planned(now)
		delays = append(delays, delay.String())
		now += delay
	}
	return strings.Join(delays, ", ")
}

// pacers are so many that differ in their seeds.
const pacers = 1000

// spread is what comes of a story with many Pacers: the least and the most, to
// a tenth of a second.
func spread(story func(*heartbeat.Pacer) time.Duration) string {
	var all []time.Duration
	for seed := range uint64(pacers) {
		config := heartbeat.PacerConfig{Duration: 30 * time.Second, Interval: 5 * time.Second, Seed: seed}
		all = append(all, story(must(heartbeat.NewPacer(t0, config))).Round(100*time.Millisecond))
	}
	return fmt.Sprintf("%v to %v", slices.Min(all), slices.Max(all))
}

// nextOf is how long after an instant a Pacer's next request is due.
func nextOf(p *heartbeat.Pacer, since time.Duration) time.Duration {
	when, _ := p.Next(at(since))
	return when.Sub(at(since))
}

// answer sends the next request, and answers it in no time.
func answer(p *heartbeat.Pacer, since time.Duration, reply heartbeat.Reply) {
	p.Next(at(since))
	p.Sent(at(since))
	p.Done(at(since), reply)
}

func pacerIntervals() string {
	replies := []heartbeat.Reply{
		{Kind: heartbeat.Accepted, Interval: 10 * time.Second},
		{Kind: heartbeat.Refused},
		{Kind: heartbeat.Accepted},
		{Kind: heartbeat.Accepted, Interval: 3 * time.Second},
	}
	var spreads []string
	for i := range replies {
		spreads = append(spreads, spread(func(p *heartbeat.Pacer) time.Duration {
			now := nextOf(p, 0)
			for _, reply := range replies[:i] {
				answer(p, now, reply)
				now += nextOf(p, now)
			}
			answer(p, now, replies[i])
			return nextOf(p, now)
		}))
	}
	return strings.Join(spreads, ", ")
}

// afterAnswers is what a client sends next after two answers.
func afterAnswers(allowedLast bool) heartbeat.BeatAction {
	r := newReactor(2)
	r.add(0, "A", 5*time.Second)
	r.add(0, "B", 5*time.Second)
	a, b := r.send(5*time.Second), r.send(5*time.Second)
	allow := func(since time.Duration) {
		check(r.Answered(at(since), a, heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: 5_000, Light: true}))
	}
	if !allowedLast {
		allow(6 * time.Second)
	}
	check(r.Answered(at(7*time.Second), b, heartbeat.BeatAnswer{Code: heartbeat.BeatNotFound, IntervalMillis: 5_000}))
	check(r.Registered(at(7*time.Second), r.send(7*time.Second)))
	if allowedLast {
		allow(8 * time.Second)
	}
	return r.send(20 * time.Second).Action
}

// behindASlowOne is when B sends its first heartbeat.
func behindASlowOne(threads int) time.Duration {
	r := newReactor(threads)
	r.add(0, "A", 5*time.Second)
	r.add(0, "B", 5*time.Second)
	slow := r.send(5 * time.Second)
	if when, ok := r.Next(); ok {
		return when.Sub(t0)
	}
	const end = 35 * time.Second
	check(r.Answered(at(end), slow, heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: 5_000}))
	if r.send(end).Key == "B" {
		return end
	}
	return -1
}

func ghost() string {
	r := newReactor(1)
	r.add(0, "A", 5*time.Second)
	beat := r.send(5 * time.Second)
	r.Remove("A")
	check(r.Answered(at(12*time.Second), beat, heartbeat.BeatAnswer{Code: heartbeat.BeatNotFound, IntervalMillis: 5_000}))
	return fmt.Sprintf("after %s: %v", r.next(), r.send(12*time.Second).Action)
}

func replacedBeat() string {
	r := newReactor(1)
	r.add(0, "A", 5*time.Second)
	r.add(3*time.Second, "A", 5*time.Second)
	var told []string
	for range 2 {
		when, _ := r.Next()
		what := "nothing"
		if beat, ok := r.Due(when); ok {
			what = beat.Action.String()
		}
		told = append(told, fmt.Sprintf("after %v: %s", when.Sub(t0), what))
	}
	return strings.Join(told, ", ")
}

func withoutInterval() string {
	r := newReactor(1)
	r.add(0, "A", 5*time.Second)
	check(r.Answered(at(5*time.Second), r.send(5*time.Second), heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: 10_000, Light: true}))
	check(r.Failed(at(15*time.Second), r.send(15*time.Second)))
	delay := r.planned(15 * time.Second)
	return fmt.Sprintf("%v after %v", r.send(15*time.Second+delay).Action, delay)
}

func backToBack() string {
	r := newReactor(1)
	r.add(0, "A", 0)
	sent := []string{r.next()}
	now := time.Duration(0)
	for _, latency := range []time.Duration{5 * time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond} {
		beat := r.send(now)
		now += latency
		check(r.Answered(at(now), beat, heartbeat.BeatAnswer{Code: heartbeat.BeatOK}))
		sent = append(sent, r.next())
	}
	return strings.Join(sent, ", ")
}

func failedRegistration() string {
	r := newReactor(1)
	r.add(0, "A", 5*time.Second)
	now := 5 * time.Second
	check(r.Answered(at(now), r.send(now), heartbeat.BeatAnswer{Code: heartbeat.BeatNotFound, IntervalMillis: 5_000}))
	check(r.Failed(at(now), r.send(now)))
	delay := r.planned(now)
	return fmt.Sprintf("%v after %v", r.send(now+delay).Action, delay)
}
