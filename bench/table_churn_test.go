package main

import (
	"testing"
	"time"
)

// BenchmarkTableRegister registers keys that were never there, in a registry
// of a million leases. In rounds of 100 000 as many leases, the oldest, are
// cancelled before, which is not measured. What the registry does now and
// then, growing or tidying up, is in ns/op where it happens. The median is
// that of every 16th operation, a reading of the clock included.
func BenchmarkTableRegister(b *testing.B) {
	churning(b, func(b *testing.B, c *churn, round span) {
		c.cancel(round)
		c.rename(round)
		c.measure(b, func() { c.register(round) })
	})
}

// BenchmarkTableCancel is the same with the cancels measured.
func BenchmarkTableCancel(b *testing.B) {
	churning(b, func(b *testing.B, c *churn, round span) {
		c.measure(b, func() { c.cancel(round) })
		c.rename(round)
		c.register(round)
	})
}

// BenchmarkTableReplace registers keys again that have a lease. It is the last
// one of these, so it lets go of the registries.
func BenchmarkTableReplace(b *testing.B) {
	defer func() { churningMap, churningTable = nil, nil }()
	churning(b, func(b *testing.B, c *churn, round span) {
		c.measure(b, func() { c.register(round) })
	})
}

var (
	churningMap   = once(func() *churn { return newChurn(lockedMapOf(names())) })
	churningTable = once(func() *churn { return newChurn(tableOf(names())) })
)

func churning(b *testing.B, round func(b *testing.B, c *churn, round span)) {
	b.Run("map=rwmutex64", func(b *testing.B) { churningMap().rounds(b, round) })
	b.Run("ours", func(b *testing.B) { churningTable().rounds(b, round) })
}

// A churn is a registry of a million leases that come and go.
type churn struct {
	registry registry[string]
	keys     []string // of the leases that there are, those of a round together
	next     int      // where the next round begins
	made     int      // keys so far
	samples  []time.Duration
	seen     *latencies
}

func newChurn(registry registry[string]) *churn {
	return &churn{
		registry: registry,
		keys:     arriving(names()),
		made:     million,
		samples:  make([]time.Duration, roundLength/sampled),
	}
}

// A span is a part of the keys.
type span struct{ from, to int }

const (
	roundLength = 100_000 // leases that leave before as many come
	sampled     = 16      // operations of which one is timed
)

// rounds runs rounds until b.N operations have been measured.
func (c *churn) rounds(b *testing.B, round func(b *testing.B, c *churn, round span)) {
	b.ReportAllocs()
	c.seen = new(latencies)
	b.StopTimer()
	b.ResetTimer()
	for left := b.N; left > 0; left -= roundLength {
		if c.next+roundLength > len(c.keys) {
			c.next = 0
		}
		part := span{c.next, c.next + min(left, roundLength)}
		round(b, c, part)
		c.next = part.to
	}
	b.ReportMetric(c.seen.quantile(0.5), "p50-ns")
}

// rename replaces keys by new ones.
func (c *churn) rename(part span) {
	for i := part.from; i < part.to; i++ {
		c.keys[i] = stringKey(c.made)
		c.made++
	}
}

func (c *churn) register(part span) {
	now := nextInstant()
	c.each(part, func(i int) { c.registry.Register(now, c.keys[i], i) })
}

func (c *churn) cancel(part span) {
	c.each(part, func(i int) {
		if !c.registry.Cancel(c.keys[i]) {
			panic("a lease is not there")
		}
	})
}

// each does something with each key, on all processors, and times samples.
func (c *churn) each(part span, do func(i int)) {
	share(part.to-part.from, func(_, from, to int) {
		for n := from; n < to; n++ {
			if n%sampled != 0 {
				do(part.from + n)
				continue
			}
			start := time.Now()
			do(part.from + n)
			c.samples[n/sampled] = time.Since(start)
		}
	})
}

// measure measures what each is called for.
func (c *churn) measure(b *testing.B, do func()) {
	clear(c.samples)
	b.StartTimer()
	do()
	b.StopTimer()
	for _, sample := range c.samples {
		if sample != 0 {
			c.seen.add(sample)
		}
	}
}
