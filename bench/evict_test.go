package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/evict"
)

// Bounds as a pass draws them: neighbours, few of them powers of two.
func BenchmarkIntn(b *testing.B) {
	b.Run("floor=pcg", func(b *testing.B) {
		b.ReportAllocs()
		random := rand.New(rand.NewPCG(1, 2))
		for i := 0; b.Loop(); i++ {
			sinkInt = random.IntN(1000 + i%1000)
		}
	})
	b.Run("ours=java", func(b *testing.B) {
		b.ReportAllocs()
		random := evict.NewJavaRandom(1)
		for i := 0; b.Loop(); i++ {
			sinkInt = random.Intn(1000 + i%1000)
		}
	})
}

// 15 % of 100 000 candidates, as Eureka's limit allows; ns per victim.
func BenchmarkPick(b *testing.B) {
	const candidates, limit = 100_000, 15_000
	positions := make([]int32, candidates)
	for i := range positions {
		positions[i] = int32(i)
	}
	pcg := rand.New(rand.NewPCG(1, 2))
	for name, source := range map[string]evict.Source{"pcg": evict.SourceFunc(pcg.IntN), "java": evict.NewJavaRandom(1)} {
		b.Run("source="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				victims, err := evict.Pick(source, positions, limit)
				if err != nil {
					b.Fatal(err)
				}
				sinkInt = len(victims)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/limit, "ns/victim")
		})
	}
}

func BenchmarkLimit(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		limit, err := evict.Limit(1_000_000+i%1000, 0.85)
		if err != nil {
			b.Fatal(err)
		}
		sinkInt = limit
	}
}

func BenchmarkCompensation(b *testing.B) {
	b.ReportAllocs()
	compensation, err := evict.NewCompensation(time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		sinkBool = compensation.Next(instants[i%64]) > 0
	}
}
