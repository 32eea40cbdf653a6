//go:build interleave

package fuzz

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
)

// The calls of each thread of a single lease. A pass collects it at 30 s and
// evicts what it saw; renewals come at 20 s, and late ones, which exact leases
// take without moving, at 0 s.
//
// Interleavings hunted are those of checkLeaseHistories; here none is left out:
// with the step between a pass's load and its compare-and-swap, between a
// renewal's, and between the two words that an end is written to.
var leaseScenes = [][][]string{
	{{"renew"}, {"pass"}, {"cancel"}},
	{{"renew"}, {"pass"}, {"pass"}},
	{{"renew", "renew late"}, {"pass"}, {"ended"}},
	{{"renew"}, {"renew late"}, {"pass"}, {"cancel"}},
	{{"pass"}, {"cancel"}, {"ended", "ended"}},
	{{"cancel"}, {"cancel"}, {"renew"}, {"ended"}},
	{{"renew", "pass"}, {"pass", "renew"}, {"cancel"}},
}

// leaseScript is what a word of a scene stands for.
var leaseScript = map[string][]leaseCall{
	"renew":      {{what: "renew", at: 20}},
	"renew late": {{what: "renew", at: 0}},
	"cancel":     {{what: "cancel", at: 7}},
	"pass":       {{what: "collect", at: 30}, {what: "evict", at: 31}},
	"ended":      {{what: "ended"}},
}

func TestExploreLease(t *testing.T) {
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos} {
		sentences := newSentences(leaseSpec(rule))
		for _, scene := range leaseScenes {
			x := newExploration(t, fmt.Sprint("lease, ", rule, ": ", written(scene)))
			x.run(t, func() ([]func(), func(law.T)) {
				c := newLeaseClients(t, rule)
				c.began, c.returned = x.Began, x.Returned
				var threads []func()
				for client, words := range scene {
					threads = append(threads, func() {
						for _, word := range words {
							for _, call := range leaseScript[word] {
								c.do(client, call.what, call.at)
							}
						}
					})
				}
				return threads, func(t law.T) { sentences.hold(t, leaseLinearizable, c.history()) }
			})
		}
	}
}

// written is a scene as one line.
func written(scene [][]string) string {
	var threads []string
	for _, calls := range scene {
		threads = append(threads, strings.Join(calls, ", "))
	}
	return strings.Join(threads, " | ")
}
