package main

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

func BenchmarkDecide(b *testing.B) {
	b.Run("rule=eureka", func(b *testing.B) {
		b.ReportAllocs()
		calculator, err := preserve.NewCalculator(preserve.DefaultConfig(preserve.EurekaV1_9_17))
		if err != nil {
			b.Fatal(err)
		}
		if err := calculator.Open(base, 1_000_000); err != nil {
			b.Fatal(err)
		}
		for i := int64(0); b.Loop(); i++ {
			sinkBool = calculator.Decide(1_700_000 + i%2).Allowed
		}
	})
	b.Run("rule=exact", func(b *testing.B) {
		b.ReportAllocs()
		expectation := expecting(b)
		for i := int64(0); b.Loop(); i++ {
			sinkBool = expectation.Decide(base, i%2).Allowed
		}
	})
}

// One lease comes and goes: what registering and cancelling cost here.
func BenchmarkExpectationChange(b *testing.B) {
	b.ReportAllocs()
	expectation := expecting(b)
	for b.Loop() {
		if expectation.Add(30*time.Second) != nil || expectation.Remove(30*time.Second) != nil {
			b.Fatal("refused")
		}
	}
}

func expecting(b *testing.B) *preserve.Expectation {
	expectation, err := preserve.NewExpectation(base, preserve.ExpectationConfig{Window: time.Minute, Percent: 0.85})
	if err != nil {
		b.Fatal(err)
	}
	return expectation
}
