//go:build interleave

package fuzz

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/ratemeter"
)

// weather is how the steps of one history pause: one in so many on average, and
// for how many turns of an empty loop at most, or by letting others run.
//
// It is generated from the history's number. Which steps pause is not: the
// generator that knows would have to be shared, and whoever shares something is
// ordered by it, which would hide races from the race detector.
var weather struct {
	oneIn uint32
	turns uint32
}

func setWeather(history uint64) {
	random := rand.New(rand.NewPCG(historySeed, history))
	weather.oneIn = 1 << random.IntN(7)
	weather.turns = 1 << random.IntN(12)
}

// pausing makes the steps of all kernels pause until the test ends.
func pausing(t *testing.T) {
	for _, set := range []func(func(string, unsafe.Pointer)){lease.SetInterleaver, ratemeter.SetInterleaver, leasekernel.SetInterleaver} {
		set(pause)
		t.Cleanup(func() { set(nil) })
	}
}

func pause(operation string, _ unsafe.Pointer) {
	draw := rand.Uint64()
	switch {
	case operation == "spin":
		runtime.Gosched()
	case uint32(draw)%weather.oneIn != 0:
	case draw>>63 == 0:
		runtime.Gosched()
	default:
		for turns := draw >> 32 % uint64(weather.turns); turns > 0; turns-- {
			runtime.KeepAlive(turns)
		}
	}
}
