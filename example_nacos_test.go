package leasekernel_test

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// The server's side of Nacos's heartbeats: an instance registers by a beat, is
// late and heals, falls silent and is evicted, and is asked to register again.
func ExampleNacos() {
	type instance struct {
		ip   string
		port int
	}
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	kernel := must(leasekernel.New(start, leasekernel.Nacos(), leasekernel.Hooks[instance, string]{}))
	switches := heartbeat.BeatSwitch{IntervalMillis: 5000, Light: true}
	pay := instance{"10.0.0.7", 8080}

	beat := func(now time.Time, full bool) {
		known := kernel.Renew(now, pay)
		verdict, answer := switches.Handle(heartbeat.Beat{Known: known, Full: full})
		if verdict == heartbeat.RegisterFromBeat {
			must(kernel.Register(now, pay, "zone a", must(leasekernel.NacosTerm(nil)))) // of its metadata
		}
		fmt.Printf("%v beat: %v, code %d\n", now.Sub(start), verdict, answer.Code)
	}
	for elapsed := time.Duration(0); elapsed <= 65*time.Second; elapsed += time.Second {
		now := start.Add(elapsed)
		switch elapsed {
		case 1 * time.Second, 63 * time.Second:
			beat(now, true) // a full one describes the instance
		case 6 * time.Second, 27 * time.Second, 61 * time.Second:
			beat(now, false) // a light one only names it
		}
		for _, change := range kernel.Tick(now).Changes {
			fmt.Println(elapsed, change.Kind, change.Key.ip)
		}
	}
	// Output:
	// 1s beat: register, code 10200
	// 1s registered 10.0.0.7
	// 6s beat: renew, code 10200
	// 25s suspected 10.0.0.7
	// 27s beat: renew, code 10200
	// 27s healed 10.0.0.7
	// 45s suspected 10.0.0.7
	// 1m0s evicted 10.0.0.7
	// 1m1s beat: ask to register, code 20404
	// 1m3s beat: register, code 10200
	// 1m3s registered 10.0.0.7
}
