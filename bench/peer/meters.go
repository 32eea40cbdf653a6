package peer

import (
	"sync/atomic"
	"time"

	vm "github.com/VictoriaMetrics/metrics"
	"github.com/leasekernel/leasekernel/ratemeter"
	"github.com/paulbellamy/ratecounter"
	"github.com/puzpuzpuz/xsync/v4"
	"github.com/rcrowley/go-metrics"
)

// window is that of the meters that have one, and windowSteps by how many steps
// it slides if it does.
const (
	window      = time.Minute
	windowSteps = 20
)

// Meters returns the peers that count, ours first.
func Meters() []Meter {
	all := make([]Meter, len(meters))
	for i, m := range meters {
		all[i] = Meter{m.name, m.module, m.about, func(now time.Time, goroutines int) ([]func(time.Time), func()) {
			c := m.start(now, goroutines)
			return c.count, c.close
		}}
	}
	return all
}

var meters = []struct {
	name, module, about string
	start               func(now time.Time, goroutines int) counter
}{
	{"ours", "", "ratemeter.MeasuredRate, whose window tumbles: Increment, on a stripe that is drawn", startMeasured},
	{"ours-stripe", "", "ratemeter.MeasuredRate: Increment, on a stripe for each goroutine", startMeasuredStripes},
	{"ours-sliding", "", "ratemeter.Sliding, whose window slides by 20 steps: Mark, on a stripe that is drawn", startSliding},
	{"ours-sliding-stripe", "", "ratemeter.Sliding: Mark, on a stripe for each goroutine", startSlidingStripes},
	{"atomic", "", "one atomic number for all, without a window: Add", startAtomic},
	{"xsync", xsyncModule, "xsync's Counter, striped, without a window: Inc", startXsync},
	{"victoriametrics", "github.com/VictoriaMetrics/metrics", "VictoriaMetrics' Counter, without a window: Inc", startVictoria},
	{"go-metrics", "github.com/rcrowley/go-metrics", "go-metrics' Meter, of moving averages: Mark", startGoMetrics},
	{"ratecounter", "github.com/paulbellamy/ratecounter", "a RateCounter, whose window slides by 20 steps: Incr", startRateCounter},
}

// A counter is a meter at work.
type counter struct {
	count []func(now time.Time) // for each goroutine
	close func()

	// total is how many were counted in the window that ends now, or since the
	// start. It is what tells a test that they were.
	total func(now time.Time) int64
}

// newCounter calls count for each goroutine's function.
func newCounter(goroutines int, count func(goroutine int) func(time.Time), total func(now time.Time) int64) counter {
	c := counter{total: total, close: func() {}}
	for i := range goroutines {
		c.count = append(c.count, count(i))
	}
	return c
}

// newShared is newCounter for those whose goroutines all do the same.
func newShared(goroutines int, count func(now time.Time), total func() int64) counter {
	return newCounter(goroutines, func(int) func(time.Time) { return count }, func(time.Time) int64 { return total() })
}

func startMeasured(_ time.Time, goroutines int) counter {
	m := ratemeter.NewMeasuredRate(window)
	return newShared(goroutines, func(time.Time) { m.Increment() }, func() int64 { return rotated(m) })
}

func startMeasuredStripes(_ time.Time, goroutines int) counter {
	m := ratemeter.NewMeasuredRate(window)
	return newCounter(goroutines, func(goroutine int) func(time.Time) {
		stripe := m.Stripe(uint64(goroutine))
		return func(time.Time) { stripe.Increment() }
	}, func(time.Time) int64 { return rotated(m) })
}

// rotated ends the meter's window, and returns its count.
func rotated(m *ratemeter.MeasuredRate) int64 {
	m.Rotate()
	return m.Count()
}

func startSliding(now time.Time, goroutines int) counter {
	m, err := ratemeter.NewSliding(now, window, windowSteps)
	must(err)
	return newCounter(goroutines, func(int) func(time.Time) {
		return func(now time.Time) { m.Mark(now, 1) }
	}, m.Count)
}

func startSlidingStripes(now time.Time, goroutines int) counter {
	m, err := ratemeter.NewSliding(now, window, windowSteps)
	must(err)
	return newCounter(goroutines, func(goroutine int) func(time.Time) {
		stripe := m.Stripe(uint64(goroutine))
		return func(now time.Time) { stripe.Mark(now, 1) }
	}, m.Count)
}

func startAtomic(_ time.Time, goroutines int) counter {
	n := new(atomic.Int64)
	return newShared(goroutines, func(time.Time) { n.Add(1) }, n.Load)
}

func startXsync(_ time.Time, goroutines int) counter {
	c := xsync.NewCounter()
	return newShared(goroutines, func(time.Time) { c.Inc() }, c.Value)
}

func startVictoria(_ time.Time, goroutines int) counter {
	c := new(vm.Counter)
	return newShared(goroutines, func(time.Time) { c.Inc() }, func() int64 { return int64(c.Get()) })
}

func startGoMetrics(_ time.Time, goroutines int) counter {
	m := metrics.NewMeter()
	c := newShared(goroutines, func(time.Time) { m.Mark(1) }, m.Count)
	c.close = m.Stop
	return c
}

// startRateCounter starts a goroutine that ends when nothing has been counted
// for a window: nobody can end it sooner.
func startRateCounter(_ time.Time, goroutines int) counter {
	c := ratecounter.NewRateCounter(window).WithResolution(windowSteps)
	return newShared(goroutines, func(time.Time) { c.Incr(1) }, c.Rate)
}
