//go:build interleave

package fuzz

import (
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
)

// meterScenes are what the threads of a tumbling meter do: increment one of its
// two stripes, or rotate it, which one thread does.
//
// Interleavings hunted are those of the concurrent histories: an increment
// falls between the swaps of two stripes, or hits a stripe at its swap.
var meterScenes = [][][]string{
	{{"first stripe", "last stripe"}, {"rotate", "rotate"}},
	{{"first stripe"}, {"last stripe"}, {"rotate", "rotate"}},
	{{"first stripe", "first stripe"}, {"first stripe"}, {"rotate", "rotate"}},
	{{"last stripe", "first stripe"}, {"first stripe", "last stripe"}, {"rotate"}},
}

func TestExploreMeasuredRate(t *testing.T) {
	sentences := newSentences(meterSpec())
	for _, scene := range meterScenes {
		x := newExploration(t, "tumbling meter: "+written(scene))
		x.run(t, func() ([]func(), func(law.T)) {
			r, turns := &recorder{began: x.Began, returned: x.Returned}, newRotator(t)
			increments := int64(0)
			var threads []func()
			for client, words := range scene {
				threads = append(threads, func() {
					for _, word := range words {
						if word == "rotate" {
							r.record(client, rotate, turns.rotate)
							continue
						}
						increments++
						stripe := turns.meter.Stripe(stripeNamed[word])
						r.record(client, increment, func() any { stripe.Increment(); return nil })
					}
				})
			}
			return threads, func(t law.T) {
				r.record(0, rotate, turns.rotate)
				history := r.history()
				sentences.hold(t, meterLinearizable, history)
				countedOnce.Holds(t, drained(history) == increments, "%d of %d", drained(history), increments)
			}
		})
	}
}

var stripeNamed = map[string]uint64{"first stripe": 0, "last stripe": 1}

// slidingScenes are what the threads of a sliding meter do. All words hold
// counts of an older turn at first.
//
// Interleavings hunted are those of the concurrent histories: two marks replace
// an old word at once, a count reads it meanwhile, marks fall between the words
// that a count reads.
var slidingScenes = [][][]string{
	{{"mark"}, {"mark"}, {"mark"}},
	{{"mark", "mark"}, {"mark", "count"}},
	{{"mark", "mark next"}, {"count", "count"}},
	{{"mark"}, {"mark last stripe"}, {"count"}},
	{{"mark", "mark last stripe"}, {"mark"}, {"count"}},
	{{"mark"}, {"mark next"}, {"count"}, {"count past"}},
}

var slidingScript = map[string]slidingCall{
	"mark":             {what: mark, at: 1},
	"mark next":        {what: mark, at: 3},
	"mark last stripe": {what: mark, at: 1, hint: 1},
	"count":            {what: count, at: windowLength},
	"count past":       {what: count, at: 2},
}

func TestExploreSliding(t *testing.T) {
	sentences := newSentences(slidingSpec())
	for _, scene := range slidingScenes {
		for name, weigh := range map[string]func(int) uint32{"single renewals": oneRenewal, "of different size": ownDigit} {
			x := newExploration(t, "sliding meter, "+name+": "+written(scene))
			x.run(t, func() ([]func(), func(law.T)) {
				c := newSlidingClients(t)
				c.began, c.returned = x.Began, x.Returned
				var threads []func()
				for client, words := range scene {
					threads = append(threads, func() {
						for i, word := range words {
							call := slidingScript[word]
							if call.what == mark {
								call.n = weigh(2*client + i)
							}
							c.do(client, call)
						}
					})
				}
				return threads, func(t law.T) {
					c.do(0, slidingCall{what: count, at: windowLength})
					history := c.history()
					if name == "single renewals" {
						sentences.hold(t, slidingLinearizable, history)
						return
					}
					wrong := judgeIntervals(history)
					slidingCountsDone.Holds(t, wrong == "", "%s", wrong)
				}
			})
		}
	}
}
