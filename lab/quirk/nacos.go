package quirk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
)

// nacosQuirks are those of Nacos 1.4.2 that are rules of its heartbeats. The
// numbers that are left out are accidents of its parsing, its logging and its
// store. Recordings of them are replayed all the same, around the kernel:
//
//   - N4 to N6: a timeout beyond Java's long ends the whole pass, or the log
//     line of an eviction or of a registration. NacosTerm refuses it.
//   - N9: a write copies health and last beat between the instances of one
//     address in several clusters.
//   - N18: the answer to a beat fails after the beat was taken. N20: what is
//     thrown at malformed requests.
//   - N19: beats of persistent instances are answered, and renew nothing.
//   - N28: Jackson makes numbers of texts. N31: a client cannot be made with
//     an interval beyond Java's long.
func nacosQuirks() []Quirk {
	return slices.Concat(nacosStageQuirks(), nacosBeatQuirks(), nacosClientQuirks(), nacosFleetQuirks())
}

// nacosRule is the fact of Nacos 1.4.2.
func nacosRule(documented string, observe func() string) Fact {
	return Fact{Rule: "nacos", Documented: documented, Observe: observe}
}

// nacosKernel is the fact of Nacos's rules, of a story about a kernel.
func nacosKernel(documented string, story func(leasekernel.Config) string) Fact {
	return nacosRule(documented, func() string { return story(leasekernel.Nacos()) })
}

// stagedKernel is the fact of the exact rules with Nacos's times and a suspect
// stage, of the same story. Nothing else withholds or limits evictions.
func stagedKernel(documented string, story func(leasekernel.Config) string) Fact {
	return exact(documented, func() string { return story(staged()) })
}

func staged() leasekernel.Config {
	config := leasekernel.Exact()
	config.Term = lease.Term{Duration: 30 * time.Second, Suspect: 15 * time.Second, Interval: 5 * time.Second}
	config.EvictionInterval = 5 * time.Second
	config.SelfPreservation = false
	config.Percent = 0
	return config
}

func nacosStageQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "N1",
			Title: "At its border a lease is not yet suspect, and not yet evicted",
			Story: "A falls silent. Passes come after exactly 15 s and 30 s of silence, and a millisecond after each.",
			Facts: []Fact{
				nacosKernel("15s: nothing, 15.001s: suspected A, 30s: nothing, 30.001s: evicted A", strictBorders),
				stagedKernel("15s: nothing, 15.001s: suspected A, 30s: nothing, 30.001s: evicted A", strictBorders),
			},
		},
		{
			ID:    "N2",
			Title: "A late pass warns of what it evicts in the same moment",
			Story: "A and B fall silent, and no pass comes until 40 s have passed. The next one comes 5 s later. (Neither forgives anything, see N33.)",
			Facts: []Fact{
				nacosKernel("40s: suspected A, suspected B, evicted A, evicted B, 45s: nothing", suspectedAndEvicted),
				stagedKernel("40s: suspected A, suspected B, 45s: evicted A, evicted B", suspectedAndEvicted),
			},
		},
		{
			ID:    "N3",
			Title: "A timeout counts if it is all digits, else it is as if it were not there; 0 counts",
			Story: "Instances with these texts as their heartbeat timeout register: after which silence are they suspect? The last one then falls silent: what does a pass a millisecond later do?",
			Facts: []Fact{
				nacosRule(`"20000": 20s, "007000": 7s, "-1": 15s, "+20000": 15s, " 20000": 15s, "20000\n": 15s, "20000.0": 15s, "2e4": 15s, "２００００": 15s, "": 15s, "0": 0s; suspected A`, timeoutTexts),
				exact("no counterpart: terms are durations; 0 means that there is no suspect stage", nil),
			},
		},
		{
			ID:    "N7",
			Title: "Registering again makes a suspect lease fresh, but not healthy",
			Story: "A falls silent, registers again after 21 s, and sends a heartbeat after 31 s; a pass comes every 5 s.",
			Facts: []Fact{
				nacosKernel("20s: suspected A, 21s: replaced A, suspect; 31s: healed A", registeredWhileSuspect),
				stagedKernel("20s: suspected A, 21s: replaced A, live; 31s: nothing", registeredWhileSuspect),
			},
		},
		{
			ID:    "N8",
			Title: "Who is heard while a request to evict is on its way is evicted all the same",
			Story: "A falls silent. Two passes, after 35 s and 40 s, find that it has to go, and ask for it by a request each. It sends a heartbeat after 41 s; the first request arrives after 42 s. It registers again after 43 s; the other request arrives after 44 s. Here Nacos's rules run with EvictByKey, which reproduces the race; the kernel's default under all rules is the exact one.",
			Facts: []Fact{
				nacosKernel("heartbeat taken: true, evicted with 29s left; registered A, evicted with 29s left", func(config leasekernel.Config) string {
					config.EvictByKey = true
					return evictedByRequest(config)
				}),
				stagedKernel("heartbeat taken: true, not evicted; replaced A, not evicted", evictedByRequest),
			},
		},
		{
			ID:    "N10",
			Title: "A clock that is set forward makes everybody suspect, or evicts them",
			Story: "12 clients renew after 9 s, in time. Then the clock is set forward by 16 s, or by 10 minutes, and the pass of 10 s comes. Or else the clock is set back by a minute after 12 s, everybody falls silent, and a pass comes every 5 s: when does one find them suspect, in true time? Instants are those of the wall clock; with a monotonic reading the exact rules would not see a step. Here they take the one for a pass that comes late.",
			Facts: []Fact{
				nacosKernel("16s: 12 suspected, 0 evicted; 10m0s: 12 suspected, 12 evicted; -1m0s: suspected after 1m25s", clockSteps),
				stagedKernel("16s: 0 suspected, 0 evicted; 10m0s: 0 suspected, 0 evicted; -1m0s: suspected after 1m25s", clockSteps),
			},
		},
		{
			ID:    "N11",
			Title: "Who is marked stays as it is, whatever happens, until it registers again",
			Story: "A is marked at once, B after a pass has found it suspect; both fall silent for an hour, and a pass comes. Then B sends a heartbeat, and A registers again. (The kernel calls a marked lease exempt.)",
			Facts: []Fact{
				nacosKernel("after an hour: nothing; B, heard: suspect; A, registered again: not marked", marked),
				stagedKernel("after an hour: nothing; B, heard: suspect; A, registered again: not marked", marked),
			},
		},
		{
			ID:    "N12",
			Title: "Whose server is not responsible is not judged; one switch stops all, one the evictions only",
			Story: "A falls silent. Passes come after 40 s, while the server is not responsible for it; after 41 s, without health checks; after 42 s and 50 s, without expiry; and after 51 s, with everything switched on.",
			Facts: []Fact{
				nacosKernel("not responsible: nothing; no health checks: nothing; no expiry: suspected A, then nothing; all on: evicted A", switches),
				stagedKernel("not responsible: nothing; no health checks: nothing; no expiry: suspected A, then nothing; all on: evicted A", switches),
			},
		},
		{
			ID:    "N13",
			Title: "Every single change is pushed to the subscribers",
			Story: "A, B and C fall silent, and A is heard again after 21 s; passes come after 20 s and 35 s. What changes, each with a push of its own in Nacos? Whoever pushes here gets the changes of a pass in one report, in their order.",
			Facts: []Fact{
				nacosKernel("20s: suspected A, suspected B, suspected C; 21s: healed A; 35s: evicted B, evicted C", eachChange),
				stagedKernel("20s: suspected A, suspected B, suspected C; 21s: healed A; 35s: evicted B, evicted C", eachChange),
			},
		},
	}
}

// happened are changes as words, such as "suspected A, evicted B".
func happened(changes []leasekernel.Change[string, string]) string {
	var words []string
	for _, change := range changes {
		words = append(words, fmt.Sprintf("%v %s", change.Kind, change.Key))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// changedBy is what has changed by an instant and was not told yet.
func (r *registry) changedBy(since time.Duration) string {
	return happened(r.Rotate(at(since)).Changes)
}

// passAt is what a pass changes that forgives nothing.
func (r *registry) passAt(since time.Duration) string {
	r.Rotate(at(since))
	return happened(r.EvictForgiving(at(since), 0).Changes)
}

// passesAt are several passes, as "15s: nothing".
func (r *registry) passesAt(times ...time.Duration) string {
	var told []string
	for _, since := range times {
		told = append(told, fmt.Sprintf("%v: %s", since, r.passAt(since)))
	}
	return strings.Join(told, ", ")
}

// registeredAt0 is a registry whose clients register at t0. It evicts in their
// order, where the exact rules would draw.
func registeredAt0(config leasekernel.Config, keys ...string) *registry {
	r := newRegistry(config, hooks{Source: evict.SourceFunc(func(int) int { return 0 })})
	r.register(0, keys...)
	return r
}

func strictBorders(config leasekernel.Config) string {
	return registeredAt0(config, "A").passesAt(15*time.Second, 15001*time.Millisecond, 30*time.Second, 30001*time.Millisecond)
}

func suspectedAndEvicted(config leasekernel.Config) string {
	return registeredAt0(config, "A", "B").passesAt(40*time.Second, 45*time.Second)
}

func timeoutTexts() string {
	var told []string
	var last lease.Term
	for _, text := range []string{"20000", "007000", "-1", "+20000", " 20000", "20000\n", "20000.0", "2e4", "２００００", "", "0"} {
		last = must(leasekernel.NacosTerm(map[string]string{leasekernel.NacosTimeoutKey: text}))
		told = append(told, fmt.Sprintf("%q: %v", text, last.Suspect))
	}
	r := newRegistry(leasekernel.Nacos(), hooks{})
	must(r.Register(t0, "A", "", last))
	return fmt.Sprintf("%s; %s", strings.Join(told, ", "), r.passAt(time.Millisecond))
}

// stageOf is whether a lease was found suspect.
func (r *registry) stageOf(key string) string {
	if s, _ := r.Get(key); s.Suspected() {
		return "suspect"
	}
	return "live"
}

func registeredWhileSuspect(config leasekernel.Config) string {
	r := registeredAt0(config, "A")
	suspected := r.passesAt(20 * time.Second)
	r.register(21*time.Second, "A")
	again := r.changedBy(21 * time.Second)
	stage := r.stageOf("A")
	r.passesAt(25*time.Second, 30*time.Second)
	r.renew(31*time.Second, []string{"A"})
	return fmt.Sprintf("%s, 21s: %s, %s; 31s: %s", suspected, again, stage, r.changedBy(31*time.Second))
}

func evictedByRequest(config leasekernel.Config) string {
	config.ProposeOnly = true
	r := registeredAt0(config, "A")
	r.passAt(20 * time.Second)
	var requests []snapshot
	for _, since := range []time.Duration{35 * time.Second, 40 * time.Second} {
		requests = append(requests, r.EvictForgiving(at(since), 0).Eviction.Proposed...)
	}
	arrives := func(since time.Duration, request snapshot) string {
		change, ok := r.EvictProposed(at(since), request)
		if !ok {
			return "not evicted"
		}
		return fmt.Sprintf("evicted with %v left", change.Lease.Deadline().Sub(at(since)))
	}
	taken := r.Renew(at(41*time.Second), "A")
	first := arrives(42*time.Second, requests[0])
	r.changedBy(42 * time.Second)
	r.register(43*time.Second, "A")
	again := r.changedBy(43 * time.Second)
	return fmt.Sprintf("heartbeat taken: %t, %s; %s, %s", taken, first, again, arrives(44*time.Second, requests[1]))
}

func clockSteps(config leasekernel.Config) string {
	var told []string
	for _, step := range []time.Duration{16 * time.Second, 10 * time.Minute} {
		r := registeredAt0(config, clients(12)...)
		r.until(5 * time.Second)
		r.renew(9*time.Second, clients(12))
		pass := r.Evict(at(10*time.Second + step)).Eviction
		told = append(told, fmt.Sprintf("%v: %d suspected, %d evicted", step, len(pass.Suspected), len(pass.Evicted)))
	}
	r := registeredAt0(config, clients(12)...)
	r.renew(9*time.Second, clients(12))
	const step = -time.Minute
	after := 15 * time.Second
	for len(r.Evict(at(after+step)).Eviction.Suspected) == 0 {
		after += 5 * time.Second
	}
	return fmt.Sprintf("%s; %v: suspected after %v", strings.Join(told, "; "), step, after)
}

func marked(config leasekernel.Config) string {
	r := registeredAt0(config, "A", "B")
	r.Exempt("A", true)
	r.passAt(20 * time.Second)
	r.Exempt("B", true)
	hour := r.passAt(time.Hour)
	r.renew(time.Hour, []string{"B"})
	heard := r.stageOf("B")
	r.register(time.Hour, "A")
	again := "not marked"
	if s, _ := r.Get("A"); s.Exempt() {
		again = "marked"
	}
	return fmt.Sprintf("after an hour: %s; B, heard: %s; A, registered again: %s", hour, heard, again)
}

func switches(config leasekernel.Config) string {
	responsible := false
	r := newRegistry(config, hooks{Responsible: func(string) bool { return responsible }})
	r.register(0, "A")
	others := r.passAt(40 * time.Second)
	responsible = true
	r.SetSuspicion(false)
	r.SetEviction(false)
	off := r.passAt(41 * time.Second)
	r.SetSuspicion(true)
	first, then := r.passAt(42*time.Second), r.passAt(50*time.Second)
	r.SetEviction(true)
	return fmt.Sprintf("not responsible: %s; no health checks: %s; no expiry: %s, then %s; all on: %s",
		others, off, first, then, r.passAt(51*time.Second))
}

func eachChange(config leasekernel.Config) string {
	r := registeredAt0(config, "A", "B", "C")
	first := r.passAt(20 * time.Second)
	r.renew(21*time.Second, []string{"A"})
	heard := r.changedBy(21 * time.Second)
	return fmt.Sprintf("20s: %s; 21s: %s; 35s: %s", first, heard, r.passAt(35*time.Second))
}

func nacosFleetQuirks() []Quirk {
	return []Quirk{
		{
			ID:    "N32",
			Title: "Suspect after 15 s to 20 s, evicted after 30 s to 35 s; a late pass makes all later ones late",
			Story: "5000 clients register a millisecond after each other and fall silent; a pass comes every 5 s. After which silence are they suspected, and evicted? Then a pass is 1.5 s late: when do the next two come?",
			Facts: []Fact{
				nacosKernel("suspected after 15.001s to 20s, evicted after 30.001s to 35s; 5s, 11.5s, 16.5s, 21.5s", everyPhase),
				stagedKernel("suspected after 15.001s to 20s, evicted after 30.001s to 35s; 5s, 11.5s, 16.5s, 21.5s", everyPhase),
			},
		},
		{
			ID:    "N33",
			Title: "After a stall the first pass may suspect everybody, a moment before the heartbeats that have queued up",
			Story: "20 clients renew after 8 s. The server stands still from 9 s until 30 s; then the pass comes that was due after 10 s, and after it the heartbeats.",
			Facts: []Fact{
				nacosKernel("20 suspected, then 20 healed", afterAStall),
				stagedKernel("0 suspected, then 0 healed", afterAStall),
			},
		},
		{
			ID:    "N34",
			Title: "A partition evicts whom it cuts off, however many: there is no self-preservation",
			Story: "40 clients send heartbeats every 5 s. After a minute a partition cuts 36 of them off, for a minute. How many are suspected, how many are evicted, and in how many passes? The exact rules preserve themselves here, as by default.",
			Facts: []Fact{
				nacosKernel("36 suspected; 36 evicted in 1 pass", partitioned),
				exact("36 suspected; 0 evicted in 0 passes", func() string {
					config := staged()
					config.SelfPreservation, config.Percent = true, leasekernel.Exact().Percent
					return partitioned(config)
				}),
			},
		},
		{
			ID:    "N35",
			Title: "Timeouts that contradict each other are taken",
			Story: "A says that it beats every 20 s, is suspect after 60 s and evicted after 1 s. It registers; a pass comes after 5 s.",
			Facts: []Fact{
				nacosKernel("accepted, 5s: evicted A", contradiction),
				stagedKernel("refused", contradiction),
			},
		},
	}
}

func everyPhase(config leasekernel.Config) string {
	r := newRegistry(config, hooks{})
	for i, key := range clients(5000) {
		r.register(time.Duration(i+1)*time.Millisecond, key)
	}
	r.until(time.Minute)
	after := make(map[leasekernel.Kind][]time.Duration)
	for _, report := range r.reports {
		for _, change := range report.Changes {
			after[change.Kind] = append(after[change.Kind], change.At.Sub(change.Lease.Registered()))
		}
	}
	span := func(kind leasekernel.Kind) string {
		return fmt.Sprintf("%v to %v", slices.Min(after[kind]), slices.Max(after[kind]))
	}
	return fmt.Sprintf("suspected after %s, evicted after %s; %s", span(leasekernel.Suspected), span(leasekernel.Evicted), passesAfterALateOne(config))
}

func passesAfterALateOne(config leasekernel.Config) string {
	r := newRegistry(config, hooks{})
	r.until(5 * time.Second)
	r.reports = append(r.reports, r.Tick(at(11500*time.Millisecond)))
	r.until(25 * time.Second)
	var times []string
	for _, report := range r.reports {
		if report.Eviction != nil {
			times = append(times, report.At.Sub(t0).String())
		}
	}
	return strings.Join(times, ", ")
}

func afterAStall(config leasekernel.Config) string {
	r := registeredAt0(config, clients(20)...)
	r.until(5 * time.Second)
	r.renew(8*time.Second, clients(20))
	pass := r.Tick(at(30 * time.Second)).Eviction
	r.renew(30*time.Second, clients(20))
	return fmt.Sprintf("%d suspected, then %d healed", len(pass.Suspected), len(r.Rotate(at(30*time.Second)).Changes))
}

func partitioned(config leasekernel.Config) string {
	all := clients(40)
	r := registeredAt0(config, all...)
	for since := 4 * time.Second; since < 2*time.Minute; since += 5 * time.Second {
		r.until(since)
		if since < time.Minute {
			r.renew(since, all)
		} else {
			r.renew(since, all[36:])
		}
	}
	suspected, evicted, passes := 0, 0, 0
	for _, report := range r.reports {
		if pass := report.Eviction; pass != nil {
			suspected += len(pass.Suspected)
			evicted += len(pass.Evicted)
			if len(pass.Evicted) > 0 {
				passes++
			}
		}
	}
	plural := "es"
	if passes == 1 {
		plural = ""
	}
	return fmt.Sprintf("%d suspected; %d evicted in %d pass%s", suspected, evicted, passes, plural)
}

func contradiction(config leasekernel.Config) string {
	r := newRegistry(config, hooks{})
	term := lease.Term{Duration: time.Second, Suspect: time.Minute, Interval: 20 * time.Second}
	if _, err := r.Register(t0, "A", "", term); err != nil {
		return accepted(err)
	}
	return "accepted, " + r.passesAt(5*time.Second)
}
