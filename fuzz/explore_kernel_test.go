//go:build interleave

package fuzz

import (
	"maps"
	"slices"
	"testing"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
)

// kernelScript is what a thread of a kernel can do, in a word. Key 0 is
// registered at 0 s, renewals come at 15 s, and the pass at 20 s, when the lease
// has expired.
var kernelScript = map[string]kernelCall{
	"register":        {what: "register", at: 12},
	"renew":           {what: "renew", at: 15},
	"renew by handle": {what: "renew by handle", at: 15, of: 1},
	"renew telling":   {what: "renew telling", at: 15},
	"cancel":          {what: "cancel", at: 16},
	"suspect":         {what: "suspect", at: 9},
	"exempt":          {what: "exempt"},
	"get":             {what: "get"},
	"pass":            {what: "pass", at: 20},
}

// Interleavings hunted are those of TestConcurrentKernel: whatever a client can
// do beside a pass, and any two of them beside each other.
func TestExploreKernel(t *testing.T) {
	presets := kernelPresets()
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		preset := presets[name]
		sentences := newSentences(kernelSpec(preset.rule))
		for scene := range atOnce(2, slices.Sorted(maps.Keys(kernelScript))) {
			exploreKernel(t, name, preset, sentences, scene)
		}
		for _, first := range []string{"register", "renew", "cancel"} {
			exploreKernel(t, name, preset, sentences, [][]string{{"pass"}, {first}, {"renew by handle"}})
		}
	}
}

func exploreKernel(t *testing.T, name string, preset kernelPreset, sentences *sentences, scene [][]string) {
	x := newExploration(t, "kernel, "+name+": "+written(scene))
	x.run(t, func() ([]func(), func(law.T)) {
		c := newKernelClients(judges{}, preset.config, leasekernel.Hooks[int, int]{})
		c.do(0, kernelCall{what: "register"})
		if preset.rule.staged {
			c.do(0, kernelCall{what: "suspect", at: 8})
		}
		for client := range c.handles {
			c.handles[client] = c.handles[0]
		}
		c.began, c.returned = x.Began, x.Returned
		var threads []func()
		for client, words := range scene {
			threads = append(threads, func() {
				for _, word := range words {
					c.do(client, kernelScript[word])
				}
			})
		}
		return threads, func(t law.T) {
			c.began, c.returned = nil, nil
			c.finish()
			history := c.history()
			sentences.hold(t, kernelLinearizable, history)
			c.checkReports(t, history, preset.rule)
		}
	})
}
