package fuzz

import (
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/heartbeat"
)

var wallStepMovesNoRequest = law.New("wall-step-moves-no-request", "a step of the wall clock changes neither what a client sends next nor how long it waits")

// Two clients hear the same; the wall clock of one is stepped.
var driveClientUnderWallSteps = trace.Machine{Name: "client-under-wall-steps", Start: func(t *trace.T) trace.Operations {
	now, offset := monotonic, time.Duration(0)
	newClient := drawClient(t)
	steady, stepped := newClient(now), newClient(now)
	return trace.Operations{
		"": func(t *trace.T) {
			at, request := steady.Next(now)
			steppedNow := stepWall(now, offset)
			steppedAt, steppedRequest := stepped.Next(steppedNow)
			wait, steppedWait := at.Sub(now), steppedAt.Sub(steppedNow)
			wallStepMovesNoRequest.Holds(t, request == steppedRequest && wait == steppedWait,
				"a %v in %v, not a %v in %v, after steps of %v in all", steppedRequest, steppedWait, request, wait, offset)
		},
		"step": func(t *trace.T) { offset += drawStep(t) },
		"wait": func(t *trace.T) {
			now = now.Add(time.Duration(trace.Int64Range(0, int64(time.Minute)).Draw(t, "span")))
		},
		"send": func(t *trace.T) {
			got, want := stepped.Sent(stepWall(now, offset)), steady.Sent(now)
			wallStepMovesNoRequest.Holds(t, got == want, "it has %v for a request, not %v", got, want)
			now = now.Add(time.Duration(trace.Int64Range(0, int64(want)).Draw(t, "latency")))
			offset += drawStep(t)
			reply := anyReply.Draw(t, "reply")
			steady.Done(now, reply)
			stepped.Done(stepWall(now, offset), reply)
		},
	}
}}

// drawClient draws what makes clients that are alike.
func drawClient(t *trace.T) func(now time.Time) heartbeat.Client {
	var err error
	seed := trace.Uint64().Draw(t, "seed")
	newClient := func(now time.Time) (client heartbeat.Client) {
		client, err = heartbeat.NewPacer(now, heartbeat.PacerConfig{Duration: 90 * time.Second, Interval: 30 * time.Second, Seed: seed})
		return client
	}
	if trace.Bool().Draw(t, "eureka") {
		newClient = func(now time.Time) (client heartbeat.Client) {
			client, err = heartbeat.NewEurekaClient(now, 30*time.Second, 10)
			return client
		}
	}
	newClient(monotonic)
	refusesOnlyBadInput.Holds(t, err == nil, "%v", err)
	return newClient
}
