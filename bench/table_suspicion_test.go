package main

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// stagedTerm is the usual term with a suspect stage in its middle.
var stagedTerm = lease.Term{Duration: 90 * time.Second, Suspect: 45 * time.Second, Interval: 30 * time.Second}

func stagedTableOf(keys []string) *lease.Table[string, int] {
	t := must(lease.NewTable[string, int](base, lease.TableConfig{}))
	for i, key := range keys {
		must(t.Register(base, key, i, stagedTerm))
	}
	return t
}

// stagedCrowd is a tableCrowd whose leases have a suspect stage: each pass looks
// for suspect ones and then for expired ones.
func stagedCrowd(keys, beats []string) *crowd {
	t := stagedTableOf(keys)
	c := &crowd{
		every: 1,
		beats: beats,
		renew: func(now time.Time, keys []string) { must(t.RenewAll(now, keys, nil)) },
		pass: func(now time.Time) int {
			return len(t.AppendSuspect(nil, now, 0)) + len(t.AppendExpired(nil, now, 0))
		},
	}
	for range 2 {
		c.minute(nil)
	}
	return c
}

// BenchmarkTableSuspicion is what becomes of 1 % of a million leases that have
// been silent: each is found suspect, then healed by a renewal, and then the
// healings are told. Renewals of as many leases that are not suspect are beside
// it. The pass that finds them is that of the other benchmarks.
func BenchmarkTableSuspicion(b *testing.B) {
	table := once(func() *lease.Table[string, int] { return stagedTableOf(names()) })
	b.Run("suspect", benchmarkSuspicion(table, func(laps *suspicion) float64 { return laps.suspect.median() }))
	b.Run("heal", benchmarkSuspicion(table, func(laps *suspicion) float64 { return laps.heal.median() }))
	b.Run("renew", benchmarkSuspicion(table, func(laps *suspicion) float64 { return laps.renew.median() }))
	b.Run("tell", benchmarkSuspicion(table, func(laps *suspicion) float64 { return laps.tell.median() }))
}

// suspicion is how long the parts took.
type suspicion struct{ suspect, heal, renew, tell stopwatch }

func benchmarkSuspicion(table func() *lease.Table[string, int], of func(*suspicion) float64) func(b *testing.B) {
	return func(b *testing.B) {
		t, beats := table(), namesAsBeats()
		const share = million / 100
		now := base
		var laps suspicion
		var turns []lease.Turn[string, int]
		b.ResetTimer()
		for i := range b.N {
			silent := beats[share*(2*i%100) : share*(2*i%100+1)]
			others := beats[share*(2*i%100+1) : share*(2*i%100+2)]
			now = now.Add(time.Second)
			seen := make([]lease.Snapshot[string, int], 0, share)
			for _, key := range silent {
				snapshot, _ := t.Get(key)
				seen = append(seen, snapshot)
			}
			laps.suspect.start()
			for _, snapshot := range seen {
				t.Suspect(now, snapshot)
			}
			laps.suspect.stop()
			now = now.Add(time.Second)
			laps.heal.start()
			for _, key := range silent {
				t.Renew(now, key)
			}
			laps.heal.stop()
			laps.renew.start()
			for _, key := range others {
				t.Renew(now, key)
			}
			laps.renew.stop()
			laps.tell.start()
			turns = t.AppendHealed(turns[:0], 1<<63)
			laps.tell.stop()
			if len(turns) != share {
				b.Fatalf("%d leases were healed, want %d", len(turns), share)
			}
		}
		reportOnly(b, of(&laps)/share, "ns/lease")
	}
}
