package main

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func BenchmarkSupervisorNext(b *testing.B) {
	b.ReportAllocs()
	supervisor, err := heartbeat.NewSupervisor(30*time.Second, 10)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		sinkInt = int(supervisor.Next(heartbeat.Outcome(i % 4)))
	}
}
