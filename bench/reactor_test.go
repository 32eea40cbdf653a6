package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// One beat: the next instant, what is due then, and the answer.
func BenchmarkReactorBeat(b *testing.B) {
	for _, instances := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("instances=%d", instances), func(b *testing.B) {
			b.ReportAllocs()
			reactor, err := heartbeat.NewReactor[string, int](4)
			if err != nil {
				b.Fatal(err)
			}
			for i, key := range stringKeys(instances) {
				reactor.Add(base.Add(time.Duration(i)*time.Microsecond), key, i, 5*time.Second)
			}
			answer := heartbeat.BeatAnswer{Code: heartbeat.BeatOK, IntervalMillis: 5000, Light: true}
			for b.Loop() {
				now, _ := reactor.Next()
				task, _ := reactor.Due(now)
				if err := reactor.Answered(now, task, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBeatSwitchHandle(b *testing.B) {
	b.ReportAllocs()
	switches := heartbeat.BeatSwitch{IntervalMillis: 5000, Light: true}
	for i := 0; b.Loop(); i++ {
		verdict, _ := switches.Handle(heartbeat.Beat{Known: i%2 == 0, Full: i%3 == 0})
		sinkInt = int(verdict)
	}
}
