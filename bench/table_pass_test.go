package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/lease"
)

// BenchmarkTablePassEverySecond is a virtual minute of a registry where
// everybody is alive: in each second a thirtieth of the leases is renewed, and
// then a pass looks for expired ones. Only the passes are measured. Leases that
// are renewed in one second were not registered together: so in every block of
// leases there are old deadlines and new ones, and none is left alone for long.
// By hand a pass looks at all leases; since each takes the same, only one in
// ten is made, and counted ten times.
func BenchmarkTablePassEverySecond(b *testing.B) {
	b.Run("leases=1M", func(b *testing.B) {
		b.Run("map=rwmutex64", everySecond(once(func() *crowd { return mapCrowd(names(), namesAsBeats()) })))
		b.Run("ours", everySecond(once(func() *crowd { return tableCrowd(names(), namesAsBeats()) })))
		b.Run("ours/stage=suspect", everySecond(once(func() *crowd { return stagedCrowd(names(), namesAsBeats()) })))
	})
	b.Run("leases=10M/ours", func(b *testing.B) {
		large(b)
		everySecond(once(func() *crowd {
			keys := stringKeys(10 * million)
			return tableCrowd(keys, shuffled(keys))
		}))(b)
	})
}

func everySecond(crowd func() *crowd) func(b *testing.B) {
	return func(b *testing.B) {
		crowd := crowd()
		b.ResetTimer()
		var minutes, longest []float64
		for range b.N {
			passes := crowd.minute(b)
			minutes = append(minutes, sum(passes.laps)*float64(crowd.every))
			longest = append(longest, slices.Max(passes.laps))
		}
		reportOnly(b, median(minutes)/1e6, "ms/min")
		b.ReportMetric(median(longest)/1e6, "ms/longest-pass")
	}
}

// A crowd is a registry whose holders are all alive.
type crowd struct {
	seconds int
	every   int      // seconds from one pass to the next
	beats   []string // the keys in the order in which they come within 30 seconds
	renew   func(now time.Time, keys []string)
	pass    func(now time.Time) (found int)
}

func mapCrowd(keys, beats []string) *crowd {
	m := lockedMapOf(keys)
	return &crowd{
		every: 10,
		beats: beats,
		renew: func(now time.Time, keys []string) {
			for _, key := range keys {
				m.Renew(now, key)
			}
		},
		pass: func(now time.Time) int { return len(m.AppendExpired(nil, now)) },
	}
}

// tableCrowd has settled when it is returned: in the first two minutes all the
// leases' deadlines are still the ones of their registrations.
func tableCrowd(keys, beats []string) *crowd {
	t := tableOf(keys).Table
	c := &crowd{
		every: 1,
		beats: beats,
		renew: func(now time.Time, keys []string) { must(t.RenewAll(now, keys, nil)) },
		pass:  func(now time.Time) int { return len(t.AppendExpired(nil, now, 0)) },
	}
	for range 2 {
		c.minute(nil)
	}
	return c
}

// minute lets a virtual minute go by and measures the passes.
func (c *crowd) minute(b *testing.B) (passes stopwatch) {
	for range 60 {
		now := base.Add(time.Duration(c.seconds) * time.Second)
		share := c.seconds % 30
		c.renew(now, c.beats[len(c.beats)*share/30:len(c.beats)*(share+1)/30])
		c.seconds++
		if c.seconds%c.every != 0 {
			continue
		}
		passes.start()
		found := c.pass(now)
		passes.stop()
		if found != 0 {
			b.Fatalf("%d leases have expired, want none", found)
		}
	}
	return passes
}

func sum[T int64 | float64](values []T) (sum T) {
	for _, value := range values {
		sum += value
	}
	return sum
}

// A swept is a registry that is swept now and then, after more than a term.
type swept interface {
	// wait lets a term and a second go by.
	wait()
	renew(keys []string)
	// look finds what has expired and returns how many these are.
	look() int
	// sort brings what was found into the order of the registrations.
	sort()
	// evict evicts what was found and returns how many were still expired.
	evict() int
	// register registers the keys, numbered from 0.
	register(keys []string)
}

// sweptTable is a table of ours. After wait and renew, a pass has to look at
// every block of leases, whose earliest deadline is, as far as it knows, the
// one before.
type sweptTable struct {
	table table[string]
	now   time.Time
	found []lease.Snapshot[string, int]
}

func newSweptTable(keys []string) swept {
	return &sweptTable{table: tableOf(keys), now: base, found: make([]lease.Snapshot[string, int], 0, len(keys))}
}

func (s *sweptTable) wait() { s.now = s.now.Add(term.Duration + time.Second) }

func (s *sweptTable) renew(keys []string) {
	must(s.table.RenewAll(s.now, keys, nil))
}

func (s *sweptTable) look() int {
	s.found = s.table.AppendExpired(s.found[:0], s.now, 0)
	return len(s.found)
}

func (s *sweptTable) sort() {
	slices.SortFunc(s.found, func(x, y lease.Snapshot[string, int]) int { return cmp.Compare(x.Sequence(), y.Sequence()) })
}

func (s *sweptTable) evict() (evicted int) {
	for _, seen := range s.found {
		if _, ok := s.table.Evict(seen); ok {
			evicted++
		}
	}
	return evicted
}

func (s *sweptTable) register(keys []string) {
	for i, key := range keys {
		s.table.Register(s.now, key, i)
	}
}

// sweptMap is a registry by hand, whose leases are numbered by their holders.
type sweptMap struct {
	leases lockedMap[string, int]
	now    time.Time
	found  []peer.Candidate[string, int]
}

func newSweptMap(keys []string) swept {
	return &sweptMap{leases: lockedMapOf(keys), now: base, found: make([]peer.Candidate[string, int], 0, len(keys))}
}

func (s *sweptMap) wait() { s.now = s.now.Add(term.Duration + time.Second) }

func (s *sweptMap) renew(keys []string) {
	for _, key := range keys {
		s.leases.Renew(s.now, key)
	}
}

func (s *sweptMap) look() int {
	s.found = s.leases.AppendExpired(s.found[:0], s.now)
	return len(s.found)
}

func (s *sweptMap) sort() {
	slices.SortFunc(s.found, func(x, y peer.Candidate[string, int]) int { return cmp.Compare(x.Holder(), y.Holder()) })
}

func (s *sweptMap) evict() (evicted int) {
	for _, seen := range s.found {
		if s.leases.Evict(seen) {
			evicted++
		}
	}
	return evicted
}

func (s *sweptMap) register(keys []string) {
	for i, key := range keys {
		s.leases.Register(s.now, key, i)
	}
}

// BenchmarkTablePassFull is a pass that looks at every lease and finds none
// expired. The floor sums as many words up.
//
// Either all leases have just been renewed in a random order, and the floor's
// words were written one by one meanwhile, so that they are as far from the
// processor; or a pass follows upon a pass, and a sum upon a sum.
func BenchmarkTablePassFull(b *testing.B) {
	ours := once(func() swept { return newSweptTable(names()) })
	b.Run("after=renewals/floor=sum", benchmarkSum(ours))
	b.Run("after=renewals/map=rwmutex64", benchmarkPassFull(once(func() swept { return newSweptMap(names()) })))
	b.Run("after=renewals/ours", benchmarkPassFull(ours))
	b.Run("after=pass/floor=sum", benchmarkWarmSum)
	b.Run("after=pass/ours", benchmarkWarmPass(once(func() *due { return newDue(names()) })))
}

func benchmarkSum(registry func() swept) func(b *testing.B) {
	return func(b *testing.B) {
		registry, beats := registry(), namesAsBeats()
		words := make([]int64, million)
		order := rand.New(rand.NewPCG(7, 8)).Perm(million)
		b.ResetTimer()
		var sums stopwatch
		for range b.N {
			registry.wait()
			for from := 0; from < million; from += 1000 {
				registry.renew(beats[from : from+1000])
				for _, position := range order[from : from+1000] {
					words[position]++
				}
			}
			sums.start()
			sinkInt = int(sum(words))
			sums.stop()
		}
		reportOnly(b, sums.median()/million, "ns/lease")
	}
}

func benchmarkWarmSum(b *testing.B) {
	words := make([]int64, million)
	for i := range words {
		words[i] = int64(i)
	}
	var sums stopwatch
	for range b.N {
		sums.start()
		sinkInt = int(sum(words))
		sums.stop()
	}
	reportOnly(b, sums.median()/million, "ns/lease")
}

func benchmarkWarmPass(due func() *due) func(b *testing.B) {
	return func(b *testing.B) {
		due := due()
		b.ResetTimer()
		var passes stopwatch
		for range b.N {
			due.prepare()
			passes.start()
			found := due.look()
			passes.stop()
			if found != 0 {
				b.Fatalf("%d leases have expired, want none", found)
			}
		}
		reportOnly(b, passes.median()/million, "ns/lease")
	}
}

func benchmarkPassFull(registry func() swept) func(b *testing.B) {
	return func(b *testing.B) {
		registry, beats := registry(), namesAsBeats()
		b.ResetTimer()
		var passes stopwatch
		for range b.N {
			lookInVain(b, registry, beats, &passes)
		}
		reportOnly(b, passes.median()/million, "ns/lease")
	}
}

// lookInVain makes a pass when everybody has just been renewed.
func lookInVain(b *testing.B, registry swept, beats []string, pass *stopwatch) {
	registry.wait()
	registry.renew(beats)
	pass.start()
	found := registry.look()
	pass.stop()
	if found != 0 {
		b.Fatalf("%d leases have expired, want none", found)
	}
}

// BenchmarkTablePassExpired is a pass that finds 1 % of a million leases
// expired, others each time and anywhere, or all of them; it brings what it
// found into the order of the registrations and evicts it. The metric is the
// median of what that takes per evicted lease, less what the same pass takes when nobody has
// expired. The parts are metrics of their own. Registering again is not
// measured.
func BenchmarkTablePassExpired(b *testing.B) {
	locked := once(func() swept { return newSweptMap(names()) })
	ours := once(func() swept { return newSweptTable(names()) })
	for _, percent := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d%%/map=rwmutex64", percent), benchmarkPassExpired(locked, percent))
		b.Run(fmt.Sprintf("%d%%/ours", percent), benchmarkPassExpired(ours, percent))
	}
}

func benchmarkPassExpired(registry func() swept, percent int) func(b *testing.B) {
	return func(b *testing.B) {
		registry, beats := registry(), namesAsBeats()
		b.ResetTimer()
		var pass sweep
		count := million * percent / 100
		for i := range b.N {
			from := i * count % million
			silent := beats[from : from+count]
			registry.wait()
			registry.renew(beats[:from])
			registry.renew(beats[from+count:])
			pass.run(b, registry, count)
			registry.register(silent)
			lookInVain(b, registry, beats, &pass.inVain)
		}
		pass.report(b, float64(count))
	}
}

// A sweep is what a pass does, part by part.
type sweep struct{ look, sort, evict, inVain stopwatch }

func (s *sweep) run(b *testing.B, registry swept, expired int) {
	s.look.start()
	found := registry.look()
	s.look.stop()
	s.sort.start()
	registry.sort()
	s.sort.stop()
	s.evict.start()
	evicted := registry.evict()
	s.evict.stop()
	if found != expired || evicted != expired {
		b.Fatalf("found %d and evicted %d leases, want %d", found, evicted, expired)
	}
}

// report reports what the parts take for each of the leases that are evicted
// in an iteration.
func (s *sweep) report(b *testing.B, evicted float64) {
	look := (s.look.median() - s.inVain.median()) / evicted
	sort := s.sort.median() / evicted
	evict := s.evict.median() / evicted
	reportOnly(b, look+sort+evict, "ns/evicted")
	b.ReportMetric(look, "look-ns/evicted")
	b.ReportMetric(sort, "sort-ns/evicted")
	b.ReportMetric(evict, "evict-ns/evicted")
}

// due is a table in which a pass can look at every lease again and again, and
// find none expired, while the leases of keys are renewed. The others are
// those that make it look: one in each block of leases (all but the smallest)
// whose deadline is the earliest there.
type due struct {
	table  *lease.Table[string, int]
	keys   []string
	others []lease.Handle[string, int]
	now    time.Time // when the others were renewed last
}

// farOff is when the leases of due's keys are renewed.
const farOff = 24 * time.Hour

// everyBlock is such that of so many leases in the table's order one is in
// each block.
const everyBlock = 64

func newDue(keys []string) *due {
	d := &due{table: tableOf(keys).Table, now: base}
	n := 0
	for key, seen := range d.table.All() {
		if n%everyBlock == 0 {
			d.others = append(d.others, seen.Handle)
		} else {
			d.keys = append(d.keys, key)
			seen.Renew(base.Add(farOff))
		}
		n++
	}
	return d
}

// prepare renews the others by a millisecond more.
func (d *due) prepare() {
	d.now = d.now.Add(time.Millisecond)
	for _, other := range d.others {
		other.Renew(d.now)
	}
}

// look looks when all the deadlines that the others had are over.
func (d *due) look() (found int) {
	return len(d.table.AppendExpired(nil, d.now.Add(term.Duration), 0))
}
