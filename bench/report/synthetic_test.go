package report

import (
	"math"
	"math/rand/v2"
	"time"
)

// synthetic is a run of peers that do not exist as measured on a machine that
// does not either. Peers cost the more the later they are named, but for etcd,
// which juggles best. The noise depends on the seed alone.
func synthetic(seed uint64, count int, peers ...string) Run {
	run := Run{
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 90 * time.Second,
		Command: "go run ./bench", Commit: "0123456", Go: "go1.25.0", OS: "plan9", Arch: "mips", CPU: "A processor", Cores: 2,
		Modules: map[string]string{"example.org/b": "v1.2.3", "example.org/a": "v0.1.0"},
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range count {
		for i, peer := range peers {
			for _, c := range syntheticCases() {
				if isFloor(peer) && (c.Workload != "renew" || c.Clock) || peer == "rwmutex64" && c.Workload == "juggle" {
					continue
				}
				s := Sample{Case: c, Peer: peer, Round: round}
				s.Value = float64(i+1) * height(c) * (1 + 0.1*random.Float64())
				if peer == "etcd" && c.Workload == "juggle" {
					s.Value /= 10
				}
				s.Value = math.Round(s.Value*100) / 100
				if c.Procs > 1 {
					s.Load = syntheticLoad(peer, round)
				}
				run.Samples = append(run.Samples, s)
			}
		}
	}
	return run
}

func syntheticCases() []Case {
	var cases []Case
	for _, n := range []int{1000, 1_000_000} {
		cases = append(cases,
			Case{Workload: "renew", Metric: "ns/op", Leases: n, Procs: 1},
			Case{Workload: "renew", Metric: "ns/op", Leases: n, Procs: 2})
	}
	const n = 1_000_000
	cases = append(cases, Case{Workload: "renew", Metric: "ns/op", Leases: n, Procs: 1, Clock: true})
	for _, variant := range []string{"quiet", "passes"} {
		for _, quantile := range []string{"p50-ns", "p99-ns", "p99.9-ns", "max-ns"} {
			cases = append(cases, Case{Workload: "latency", Metric: quantile, Leases: n, Procs: 2, Variant: variant})
		}
	}
	return append(cases, Case{Workload: "memory", Metric: "B/lease", Leases: n, Procs: 1}, Case{Workload: "juggle", Metric: "ms", Procs: 1})
}

// height is what the fastest peer measures, more or less.
func height(c Case) float64 {
	value := 30 * math.Sqrt(float64(c.Leases)/1000+1) / float64(c.Procs)
	switch c.Metric {
	case "p99-ns":
		value *= 3
	case "p99.9-ns":
		value *= 10
	case "max-ns":
		value *= 1000
	}
	if c.Variant == "passes" {
		value *= 1.2
	}
	return value
}

// syntheticLoad has peer etcd block, and others disturbed in the second round.
func syntheticLoad(peer string, round int) float64 {
	switch {
	case peer == "etcd":
		return 1.2
	case round == 1:
		return 1.5
	}
	return 1.95
}
