package fuzz

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// steppedClock is a monotonic clock whose wall clock is stepped again and again.
type steppedClock struct {
	now    time.Time
	offset time.Duration
}

// shown is what the clock shows now.
func (c *steppedClock) shown() time.Time { return stepWall(c.now, c.offset) }

// pass lets time pass, and steps the wall clock.
func (c *steppedClock) pass(t *trace.T) {
	c.now = c.now.Add(time.Duration(trace.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
	c.offset += drawStep(t)
}

// kernelTwins are two exact kernels that live the same life, one of them by a
// clock that is stepped.
type kernelTwins struct {
	clock           steppedClock
	steady, stepped *intKernel
}

var driveKernelUnderWallSteps = trace.Machine{Name: "kernel-under-wall-steps", Start: func(t *trace.T) trace.Operations {
	m := &kernelTwins{clock: steppedClock{now: monotonic}}
	config := leasekernel.Exact()
	config.SelfPreservation = trace.Bool().Draw(t, "self-preservation")
	config.Term.Suspect = trace.SampledFrom([]time.Duration{0, 45 * time.Second}).Draw(t, "suspect after")
	var steadyErr, steppedErr error
	m.steady, steadyErr = leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	m.stepped, steppedErr = leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
	return trace.Operations{"register": m.register, "renew": m.renew, "tick": m.tick}
}}

func (m *kernelTwins) register(t *trace.T) {
	m.clock.pass(t)
	key := trace.IntRange(0, kernelKeys-1).Draw(t, "key")
	_, steadyErr := m.steady.Register(m.clock.now, key, 0, lease.Term{})
	_, steppedErr := m.stepped.Register(m.clock.shown(), key, 0, lease.Term{})
	exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
}

func (m *kernelTwins) renew(t *trace.T) {
	m.clock.pass(t)
	key := trace.IntRange(0, kernelKeys-1).Draw(t, "key")
	want, got := m.steady.Renew(m.clock.now, key), m.stepped.Renew(m.clock.shown(), key)
	exactDeafToSteps.Holds(t, got == want, "a renewal is answered %t", got)
}

func (m *kernelTwins) tick(t *trace.T) {
	m.clock.pass(t)
	want, got := sketch(m.steady.Tick(m.clock.now)), sketch(m.stepped.Tick(m.clock.shown()))
	diff := cmp.Diff(want, got)
	exactDeafToSteps.Holds(t, diff == "", "after %v, with the wall clock off by %v (-steady +stepped)\n%s", m.clock.now.Sub(monotonic), m.clock.offset, diff)
}

// passSketch is of a report what does not show the wall clock.
type passSketch struct {
	Kinds        []leasekernel.Kind
	Keys         []int
	Passed       bool
	Compensation time.Duration
	Reason       preserve.Reason
	Renewals     int64
}

func sketch(report intKernelReport) (s passSketch) {
	for _, change := range report.Changes {
		s.Kinds, s.Keys = append(s.Kinds, change.Kind), append(s.Keys, change.Key)
	}
	if e := report.Eviction; e != nil {
		s.Passed, s.Compensation, s.Reason, s.Renewals = true, e.Compensation, e.Decision.Reason, e.Decision.Renewals
	}
	return s
}

// The meter's timer is checked against java.util.Timer elsewhere. Here the
// passes' is checked against it.
var driveKernelTimers = trace.Machine{Name: "kernel-timers", Start: func(t *trace.T) trace.Operations {
	clock := &steppedClock{now: monotonic}
	kernel, err := leasekernel.New(monotonic, leasekernel.Eureka(preserve.EurekaV1_9_17), leasekernel.Hooks[int, int]{})
	passesLikeJava.Holds(t, err == nil && kernel.Open(monotonic, 1) == nil, "%v", err)
	return trace.Operations{
		"tick":         func(t *trace.T) { clock.pass(t); tickLikeJava(t, kernel, clock) },
		"tick-as-told": func(t *trace.T) { clock.passUntilNext(t, kernel); tickLikeJava(t, kernel, clock) },
	}
}}

// passUntilNext steps the wall clock, and then waits for as long as it says.
func (c *steppedClock) passUntilNext(t *trace.T, kernel *intKernel) {
	c.offset += drawStep(t)
	if next, ok := kernel.Next(); ok {
		c.now = c.now.Add(max(next.Sub(c.shown()), 0))
	}
}

func tickLikeJava(t *trace.T, kernel *intKernel, clock *steppedClock) {
	report := kernel.Tick(clock.shown())
	passesLikeJava.Holds(t, (report.Rotation != nil) == (report.Eviction != nil), "after %v, with the wall clock off by %v: rotation %t, eviction %t",
		clock.now.Sub(monotonic), clock.offset, report.Rotation != nil, report.Eviction != nil)
}
