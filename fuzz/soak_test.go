package fuzz

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

var (
	passesAsTallied       = law.New("passes-as-tallied", "for hours each pass forgives what it comes late, finds suspect all who are silent, and evicts only of those who have expired, to the number")
	noLeaseIsLost         = law.New("no-lease-is-lost", "for hours a heartbeat is taken if and only if no report has told the end of its lease")
	partitionEvictsNobody = law.New("partition-evicts-nobody", "who renews, but is cut off with many others or meets a server that stalls, is not evicted where the registry is preserved")
	countsForHours        = law.New("counts-add-up-for-hours", "after hours every count and every lease is what a tally of all calls and reports has")
	memoryStaysFlat       = law.New("memory-stays-flat", "memory in use stays as it was while leases come and go for hours, and is given back when they have left")
)

// TestSoak lets a registry live for hours of virtual time, with clients that
// come, leave, restart, fall silent and die, so that they have all been replaced
// several times at the end; with a partition and a stall of the server in each
// hour. Beside it goes a tally of one record a client, which foresees each pass
// to the number: how many are found suspect, how many have expired. No renewal
// is refused, nobody is evicted early, what is counted agrees, and memory stays
// as it was in the first half, and is given back at the end.
//
//	go test ./fuzz -run TestSoak                                          20 000 leases for 2 h
//	LEASEKERNEL_SOAK=full go test ./fuzz -run TestSoak -v -timeout 50m    1 000 000 leases for 6 h
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long, and no two goroutines share anything in it")
	}
	clients, span := 20_000, 2*time.Hour
	switch wanted := os.Getenv("LEASEKERNEL_SOAK"); wanted {
	case "":
	case "full":
		clients, span = 1_000_000, 6*time.Hour
	default:
		t.Fatalf("LEASEKERNEL_SOAK is %q: must be full or nothing", wanted)
	}
	exact := leasekernel.Exact()
	exact.Term = lease.Term{Duration: 180 * time.Second, Suspect: 120 * time.Second, Interval: soakInterval}
	eureka := leasekernel.Eureka(preserve.EurekaV1_9_17)
	eureka.Term.Duration, eureka.Term.Interval = 180*time.Second, soakInterval
	nacos := leasekernel.Nacos()
	nacos.Term = lease.Term{Duration: 240 * time.Second, Suspect: 120 * time.Second, Interval: soakInterval, Rule: lease.Nacos}
	nacos.EvictionInterval = 10 * time.Second
	for name, config := range map[string]leasekernel.Config{"exact": exact, "eureka": eureka, "nacos": nacos} {
		t.Run(name, func(t *testing.T) { soak(t, config, clients, span) })
	}
}

// soakInterval is between two heartbeats of a client, in whose seconds as many
// clients have their turn one after the other.
const soakInterval = time.Minute

// soaked is a registry and the tally beside it. Its time is in seconds.
type soaked struct {
	*testing.T
	config  leasekernel.Config
	kernel  *leasekernel.Kernel[uint64, uint32]
	start   time.Time
	now     int32
	random  *rand.Rand
	clients []soakedClient
	empty   int64 // bytes in use before there was a lease
	fresh   int64 // and the most that leases took: when hardly anybody had left
	first   int64 // in the first half
	second  int64 // and in the second

	keys     []uint64 // the batch of renewals of one second
	slots    []int
	renewed  []bool
	held     int // leases that there should be
	suspects int
	lastPass int32
	told     [leasekernel.Healed + 1]uint64 // changes, by kind
	made     [leasekernel.Healed + 1]uint64
	withheld int // passes
}

// soakedClient is what the tally knows of one client.
type soakedClient struct {
	key     uint64 // its number, and below 2^32 its slot
	since   int32  // its last renewal, or registration
	suspect int32  // since when, 0 if it is not
	back    int32  // it is silent until then, of its own
	client  bool   // somebody is there, and believes in a lease
	held    bool   // there is a lease
	renewed bool   // it has been renewed at least once
	missed  bool   // a heartbeat, of its own
}

const dead = math.MaxInt32

func soak(t *testing.T, config leasekernel.Config, clients int, span time.Duration) {
	s := &soaked{
		T: t, config: config, start: time.UnixMilli(1_700_000_000_000), random: rand.New(rand.NewPCG(1, 2)), clients: make([]soakedClient, clients),
		keys: make([]uint64, 0, clients), slots: make([]int, 0, clients), renewed: make([]bool, clients),
	}
	s.empty = inUse()
	var err error
	if s.kernel, err = leasekernel.New(s.start, config, leasekernel.Hooks[uint64, uint32]{}); err != nil {
		t.Fatal(err)
	}
	for s.now = 1; s.now <= int32(span/time.Second); s.now++ {
		if s.now%3600 == 2700 {
			s.now += 180 // the server stalls: nobody is heard, no pass runs
		}
		s.heartbeats()
		s.tick()
		switch {
		case s.now == 120:
			s.fresh = inUse() - s.empty
		case s.now == 60 && config.Opens():
			if err := s.kernel.Open(s.at(s.now), int64(s.held)); err != nil {
				t.Fatal(err)
			}
		case s.now%300 == 0:
			s.count()
			s.measure(span / 2)
		}
	}
	s.compareAll()
	s.leave()
	if config.Release != preserve.Nacos && s.withheld == 0 {
		t.Error("no pass was withheld: the partitions do nothing")
	}
	t.Logf("%d leases for %v: %d registered, %d replaced, %d cancelled, %d evicted, %d suspected, %d healed; %d passes withheld; bytes a lease: %.1f at first, at most %.1f in the first half and %.1f in the second",
		clients, span, s.made[leasekernel.Registered], s.made[leasekernel.Replaced], s.made[leasekernel.Cancelled], s.made[leasekernel.Evicted],
		s.made[leasekernel.Suspected], s.made[leasekernel.Healed], s.withheld, s.perLease(s.fresh), s.perLease(s.first), s.perLease(s.second))
}

func (s *soaked) at(second int32) time.Time { return s.start.Add(time.Duration(second) * time.Second) }

// heartbeats are those of the second.
func (s *soaked) heartbeats() {
	turns := int(soakInterval / time.Second)
	turn, all := int(s.now)%turns, len(s.clients)
	s.keys, s.slots = s.keys[:0], s.slots[:0]
	for slot := turn * all / turns; slot < (turn+1)*all/turns; slot++ {
		s.turn(slot)
	}
	s.renew()
}

// cut reports whether a client cannot reach the server: in ten minutes of each
// hour four in ten cannot.
func (s *soaked) cut(slot int) bool {
	minute := s.now / 60 % 60
	return minute >= 20 && minute < 30 && slot%10 < 4
}

// turn is one client's turn.
func (s *soaked) turn(slot int) {
	c := &s.clients[slot]
	switch {
	case s.cut(slot):
		return
	case s.now < c.back:
		c.missed = true
		return
	case !c.client:
		s.register(slot)
		return
	}
	if c.held {
		switch chance := s.random.Uint32N(1800); {
		case chance < 3:
			c.back, c.missed = dead, true
			return
		case chance < 9:
			c.back, c.missed = s.now+60*int32(1+chance%3), true // for one to three heartbeats
			return
		case chance < 39:
			s.cancel(c)
			return
		case chance < 41:
			s.restart(slot)
			return
		case chance < 45:
			s.taken(c, s.kernel.RenewReplicated(s.at(s.now), c.key))
			s.heard(c)
			return
		}
	}
	s.keys, s.slots = append(s.keys, c.key), append(s.slots, slot)
}

// renew renews the batch. Those that were evicted while they were silent learn
// it now, and register anew.
func (s *soaked) renew() {
	renewed := s.renewed[:len(s.keys)]
	if _, err := s.kernel.RenewAll(s.at(s.now), s.keys, renewed); err != nil {
		s.Fatal(err)
	}
	for i, slot := range s.slots {
		c := &s.clients[slot]
		s.taken(c, renewed[i])
		if c.held {
			s.heard(c)
		} else {
			s.register(slot)
		}
	}
}

// taken checks what a heartbeat was answered.
func (s *soaked) taken(c *soakedClient, renewed bool) {
	if renewed != c.held {
		noLeaseIsLost.Holds(s, false, "after %d s: %t is answered to the client %+v", s.now, renewed, *c)
	}
	noLeaseIsLost.Kept()
}

// heard notes a renewal.
func (s *soaked) heard(c *soakedClient) {
	if c.suspect != 0 {
		c.suspect = 0
		s.suspects--
		s.made[leasekernel.Healed]++
	}
	c.since, c.renewed, c.missed = s.now, true, false
}

// register grants a lease to a client that is new, or has lost its own.
func (s *soaked) register(slot int) {
	c := &s.clients[slot]
	*c = soakedClient{key: (c.key>>32+1)<<32 | uint64(slot), since: s.now, client: true, held: true}
	s.grant(slot)
	s.made[leasekernel.Registered]++
	s.held++
}

// restart registers a client's key again. Under Nacos's rule a lease that was
// suspect still is.
func (s *soaked) restart(slot int) {
	c := &s.clients[slot]
	if c.suspect != 0 && s.config.Release != preserve.Nacos {
		s.suspects--
		c.suspect = 0
	}
	c.since, c.renewed, c.missed = s.now, false, false
	s.grant(slot)
	s.made[leasekernel.Replaced]++
}

func (s *soaked) grant(slot int) {
	if _, err := s.kernel.Register(s.at(s.now), s.clients[slot].key, uint32(slot), lease.Term{}); err != nil {
		s.Fatal(err)
	}
}

func (s *soaked) cancel(c *soakedClient) {
	if _, ok := s.kernel.Cancel(s.at(s.now), c.key); !ok {
		s.Fatalf("after %d s: client %d has nothing to cancel", s.now, c.key)
	}
	s.made[leasekernel.Cancelled]++
	s.end(c)
	c.client = false
}

// end notes that a lease ended.
func (s *soaked) end(c *soakedClient) {
	if c.suspect != 0 {
		s.suspects--
	}
	c.held, c.suspect = false, 0
	s.held--
}

// tick runs the passes that are due, and compares what they did with what the
// tally foresees.
func (s *soaked) tick() {
	if next, ok := s.kernel.Next(); !ok || s.at(s.now).Before(next) {
		return
	}
	report := s.kernel.Tick(s.at(s.now))
	if pass := report.Eviction; pass != nil {
		s.foresee(pass)
	}
	for _, change := range report.Changes {
		s.told[change.Kind]++
		switch c := &s.clients[uint32(change.Key)]; change.Kind {
		case leasekernel.Suspected:
			c.suspect = s.now
			s.suspects++
			s.made[change.Kind]++
		case leasekernel.Evicted:
			s.evicted(c, change.Key, report.Eviction)
		}
	}
	countsForHours.Holds(s, s.told == s.made, "after %d s: changes told by kind are %d, made %d", s.now, s.told, s.made)
}

// foresee goes through all clients: how many has the pass to find suspect, and
// how many have expired?
func (s *soaked) foresee(pass *leasekernel.Eviction[uint64, uint32]) {
	additional := int32(pass.Compensation / time.Second)
	passesAsTallied.Holds(s, additional == s.late(), "after %d s: a pass forgives %d s, not %d", s.now, additional, s.late())
	s.lastPass = s.now
	suspected, candidates := 0, 0
	for i := range s.clients {
		c := &s.clients[i]
		if !c.held {
			continue
		}
		if s.silent(c, additional) {
			suspected++
		}
		if s.expired(c, additional) {
			candidates++
		}
	}
	if !pass.Decision.Allowed {
		candidates = 0
		s.withheld++
	}
	passesAsTallied.Holds(s, len(pass.Suspected) == suspected && pass.Candidates == candidates,
		"after %d s: %d found suspect and %d candidates, the tally has %d and %d: %v",
		s.now, len(pass.Suspected), pass.Candidates, suspected, candidates, pass.Decision)
}

// late is what a pass forgives for coming late. The first one never does.
func (s *soaked) late() int32 {
	if s.lastPass == 0 || s.config.Release == preserve.Nacos {
		return 0
	}
	return s.now - s.lastPass - int32(s.config.EvictionInterval/time.Second)
}

// silent reports whether a pass has to find the client suspect.
func (s *soaked) silent(c *soakedClient, additional int32) bool {
	stage := int32(s.config.Term.Suspect / time.Second)
	return stage != 0 && c.suspect == 0 && s.now-c.since > stage+additional
}

// expired reports whether a pass may evict the client.
func (s *soaked) expired(c *soakedClient, additional int32) bool {
	term := int32(s.config.Term.Duration / time.Second)
	switch s.config.Release {
	case 0: // also a warning of one interval
		return s.now-c.since > term+additional && c.suspect != 0 && s.now-c.suspect >= 60+additional
	case preserve.EurekaV1_9_17:
		if c.renewed {
			term *= 2
		}
	}
	return s.now-c.since > term+additional
}

// evicted notes an eviction: of a lease that had expired and, except under
// Nacos's rules, which preserve nothing, of a client that was silent of its own.
func (s *soaked) evicted(c *soakedClient, key uint64, pass *leasekernel.Eviction[uint64, uint32]) {
	passesAsTallied.Holds(s, c.held && c.key == key && s.expired(c, int32(pass.Compensation/time.Second)), "after %d s: %x is evicted: %+v", s.now, key, *c)
	if s.config.Release != preserve.Nacos {
		partitionEvictsNobody.Holds(s, c.missed, "after %d s: %x is evicted: %+v", s.now, key, *c)
	}
	s.made[leasekernel.Evicted]++
	s.end(c)
	if c.back == dead {
		c.back, c.client = 0, false
	}
}

// count compares what the kernel counts with the tally.
func (s *soaked) count() {
	status := s.kernel.Status(s.at(s.now))
	expected := float64(0)
	switch s.config.Release {
	case 0:
		expected = 2 * float64(s.held) // two in a window
	case preserve.EurekaV1_9_17:
		expected = float64(s.held)
	}
	got := fmt.Sprint(status.Leases, s.kernel.Len(), status.Suspects, status.Decision.Expected,
		status.Registered, status.Replaced, status.Cancelled, status.Evicted, status.Suspected, status.Healed)
	want := fmt.Sprint(s.held, s.held, s.suspects, expected,
		s.made[leasekernel.Registered], s.made[leasekernel.Replaced], s.made[leasekernel.Cancelled],
		s.made[leasekernel.Evicted], s.made[leasekernel.Suspected], s.made[leasekernel.Healed])
	countsForHours.Holds(s, got == want, "after %d s: the kernel counts %s, the tally %s", s.now, got, want)
}

// compareAll compares every lease with the tally.
func (s *soaked) compareAll() {
	met := 0
	for key, seen := range s.kernel.All() {
		met++
		c := s.clients[uint32(key)]
		since, suspect := seen.SuspectSince()
		same := c.held && c.key == key && seen.Holder() == uint32(key) && seen.LastRenewal().Equal(s.at(c.since)) &&
			suspect == (c.suspect != 0) && (!suspect || since.Equal(s.at(c.suspect)))
		countsForHours.Holds(s, same, "the lease of %x: renewed at %v, suspect (%t) since %v, the tally has %+v", key, seen.LastRenewal(), suspect, since, c)
	}
	countsForHours.Holds(s, met == s.held, "%d leases, the tally has %d", met, s.held)
}

// measure wants no more than two and a half times the memory that the leases
// took when hardly anybody had left or been suspect, since the table moves
// together when half of its slots are of leases that left, and keeps since when
// a lease is suspect only where one has been; and in the second half no more
// than in the first, and a tenth. Spare is what 64 shards have room for, and the
// runtime.
func (s *soaked) measure(half time.Duration) {
	leases, most := inUse()-s.empty, s.fresh*5/2
	if s.at(s.now).Sub(s.start) <= half {
		s.first = max(s.first, leases)
	} else {
		s.second = max(s.second, leases)
		most = min(most, s.first+s.first/10)
	}
	memoryStaysFlat.Holds(s, leases <= most+spare, "after %d s: %d bytes are in use, which should be at most %d", s.now, leases, most+spare)
}

// leave lets everybody leave, and wants their memory back, but for a tenth.
func (s *soaked) leave() {
	for slot := range s.clients {
		if c := &s.clients[slot]; c.held {
			s.cancel(c)
		}
	}
	s.kernel.Evict(s.at(s.now)) // passes give memory back
	left := inUse() - s.empty
	memoryStaysFlat.Holds(s, left <= s.fresh/10+spare, "%d bytes are in use when everybody has left, %d were at first", left, s.fresh)
	runtime.KeepAlive(s.kernel)
}

func (s *soaked) perLease(bytes int64) float64 { return float64(bytes) / float64(len(s.clients)) }

const spare = 1 << 20

// inUse are the bytes in use; what is in a sync.Pool outlives one collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}
