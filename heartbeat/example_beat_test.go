package heartbeat_test

import (
	"fmt"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// What a server does about known and unknown instances, light and full beats.
func ExampleBeatSwitch() {
	switches := heartbeat.BeatSwitch{IntervalMillis: 5000, Light: true}
	for _, beat := range []heartbeat.Beat{
		{Known: true},
		{Known: true, Full: true, HasInterval: true, IntervalMillis: 60_000},
		{Full: true, HasInterval: true, IntervalMillis: heartbeat.DefaultBeatIntervalMillis}, // one that cannot be read
		{},
	} {
		verdict, answer := switches.Handle(beat)
		fmt.Printf("%v: code %d, next beat in %d ms", verdict, answer.Code, answer.IntervalMillis)
		if answer.HasLight {
			fmt.Printf(", light %t", answer.Light)
		}
		fmt.Println()
	}
	// Output:
	// renew: code 10200, next beat in 5000 ms, light true
	// renew: code 10200, next beat in 60000 ms, light true
	// register: code 10200, next beat in 5000 ms, light true
	// ask to register: code 20404, next beat in 5000 ms
}
