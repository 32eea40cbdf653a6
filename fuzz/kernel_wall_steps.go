package fuzz

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Two exact kernels live the same life; the wall clock of one of them is
// stepped again and again.
var driveKernelUnderWallSteps = oneShot("kernel-under-wall-steps", func(t *trace.T) {
	config := leasekernel.Exact()
	config.SelfPreservation = trace.Bool().Draw(t, "self-preservation")
	config.Term.Suspect = trace.SampledFrom([]time.Duration{0, 45 * time.Second}).Draw(t, "suspect after")
	steady, steadyErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	stepped, steppedErr := leasekernel.New(monotonic, config, leasekernel.Hooks[int, int]{})
	exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
	now, offset := monotonic, time.Duration(0)
	for range trace.IntRange(1, 40).Draw(t, "calls") {
		now = now.Add(time.Duration(trace.Int64Range(0, int64(40*time.Second)).Draw(t, "on")))
		offset += drawStep(t)
		key, shown := trace.IntRange(0, kernelKeys-1).Draw(t, "key"), stepWall(now, offset)
		switch trace.SampledFrom([]string{"register", "renew", "renew", "tick", "tick"}).Draw(t, "call") {
		case "register":
			_, steadyErr = steady.Register(now, key, 0, lease.Term{})
			_, steppedErr = stepped.Register(shown, key, 0, lease.Term{})
			exactDeafToSteps.Holds(t, steadyErr == nil && steppedErr == nil, "%v, %v", steadyErr, steppedErr)
		case "renew":
			want, got := steady.Renew(now, key), stepped.Renew(shown, key)
			exactDeafToSteps.Holds(t, got == want, "a renewal is answered %t", got)
		case "tick":
			want, got := sketch(steady.Tick(now)), sketch(stepped.Tick(shown))
			if diff := cmp.Diff(want, got, asPublished); diff != "" {
				exactDeafToSteps.Holds(t, false, "after %v, with the wall clock off by %v (-steady +stepped)\n%s", now.Sub(monotonic), offset, diff)
			}
		}
	}
})

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
var driveKernelTimers = oneShot("kernel-timers", func(t *trace.T) {
	kernel, err := leasekernel.New(monotonic, leasekernel.Eureka(preserve.EurekaV1_9_17), leasekernel.Hooks[int, int]{})
	passesLikeJava.Holds(t, err == nil && kernel.Open(monotonic, 1) == nil, "%v", err)
	now, offset := monotonic, time.Duration(0)
	for range trace.IntRange(1, 60).Draw(t, "calls") {
		offset += drawStep(t)
		if next, ok := kernel.Next(); ok && trace.Bool().Draw(t, "as told") {
			now = now.Add(max(next.Sub(stepWall(now, offset)), 0))
		} else {
			now = now.Add(time.Duration(trace.Int64Range(0, int64(90*time.Second)).Draw(t, "on")))
		}
		report := kernel.Tick(stepWall(now, offset))
		passesLikeJava.Holds(t, (report.Rotation != nil) == (report.Eviction != nil), "after %v, with the wall clock off by %v: rotation %t, eviction %t",
			now.Sub(monotonic), offset, report.Rotation != nil, report.Eviction != nil)
	}
})
