package heartbeat_test

import (
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// A client of a server that allows light beats, and forgets the instance
// after 20 seconds. An answer takes 100 ms.
func ExampleReactor() {
	reactor, err := heartbeat.NewReactor[string, string](1)
	if err != nil {
		log.Fatal(err)
	}
	switches := heartbeat.BeatSwitch{IntervalMillis: 5000, Light: true}
	registered := false // again

	start := time.UnixMilli(0)
	reactor.Add(start, "pay#10.0.0.1#8080", "weight 1", 5*time.Second)
	for {
		now, ok := reactor.Next()
		if !ok || now.Sub(start) > 30*time.Second {
			break
		}
		task, ok := reactor.Due(now)
		if !ok {
			continue // a beat that was removed
		}
		fmt.Printf("%v %v %s\n", now.Sub(start), task.Action, task.Key)

		now = now.Add(100 * time.Millisecond)
		if task.Action == heartbeat.RegisterAgain {
			registered = true
			err = reactor.Registered(now, task)
		} else {
			known := registered || now.Sub(start) < 20*time.Second
			_, answer := switches.Handle(heartbeat.Beat{Known: known, Full: task.Action == heartbeat.SendFull})
			err = reactor.Answered(now, task, answer)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 5s send full pay#10.0.0.1#8080
	// 10.1s send light pay#10.0.0.1#8080
	// 15.2s send light pay#10.0.0.1#8080
	// 20.3s send light pay#10.0.0.1#8080
	// 20.4s register again pay#10.0.0.1#8080
	// 25.5s send full pay#10.0.0.1#8080
}
