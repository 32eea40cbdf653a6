package load

import (
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// Every peer goes through every workload, which also checks that leases are
// there, expire and end as they should. How long it takes is not looked at.
func TestEveryPeerUnderEveryWorkload(t *testing.T) {
	for _, kind := range []Kind{Registries, Meters, Steps, Floors, Machine} {
		for _, name := range kind.Names() {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				job := Job{Kind: kind, Peer: name, Leases: 1000, Procs: []int{1, 2}, Time: time.Millisecond}
				samples, err := job.Measure()
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range samples {
					if s.Value < 0 || s.Peer != name || s.Workload == "" || s.Metric == "" || s.Procs == 0 {
						t.Errorf("a sample is %+v", s)
					}
				}
				for _, w := range Workloads {
					measured := slices.ContainsFunc(samples, func(s report.Sample) bool { return s.Workload == w.Name })
					if can := kind.Has(w.Name) && able(t, kind, name, w.Name); measured != can {
						t.Errorf("%s was measured: %v, want %v", w.Name, measured, can)
					}
				}
			})
		}
	}
}

// able says whether a peer can do a workload of its kind.
func able(t *testing.T, kind Kind, name, workload string) bool {
	if kind != Registries {
		return true
	}
	for _, p := range peer.All() {
		if p.Name != name {
			continue
		}
		registry, err := p.New(time.Now(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		defer registry.Close()
		_, holds := registry.(peer.Holder)
		_, passes := registry.(peer.Passer)
		_, ends := registry.(peer.Ender)
		switch workload {
		case "handle":
			return holds
		case "alive":
			return passes
		case "expired":
			return passes || ends
		}
	}
	return true
}

func TestBadJobs(t *testing.T) {
	good := Job{Kind: Steps, Peer: "ours", Leases: 100, Procs: []int{1}, Time: time.Millisecond}
	if _, err := good.Measure(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(j *Job){
		"kind":            func(j *Job) { j.Kind = "none" },
		"peer":            func(j *Job) { j.Peer = "none" },
		"leases":          func(j *Job) { j.Leases = 99 },
		"no procs":        func(j *Job) { j.Procs = nil },
		"procs 0":         func(j *Job) { j.Procs = []int{0} },
		"procs backwards": func(j *Job) { j.Procs = []int{2, 1} },
		"workload":        func(j *Job) { j.Workloads = []string{"none"} },
		"time":            func(j *Job) { j.Time = 0 },
	} {
		bad := good
		spoil(&bad)
		if _, err := bad.Measure(); err == nil {
			t.Errorf("%s: measured %+v", name, bad)
		}
	}
}

// The keys are different, and those that come are the leases'.
func TestKeys(t *testing.T) {
	const n = 10_000
	leases := make(map[peer.Key]bool)
	ids := make(map[int64]bool)
	for _, key := range uniform(n) {
		leases[key] = true
		ids[key.ID] = true
		if len(key.Name) < 15 || len(key.Name) > 19 {
			t.Fatalf("%q has %d bytes", key.Name, len(key.Name))
		}
	}
	if len(leases) != n || len(ids) != n || ids[0] {
		t.Errorf("%d keys and %d numbers, want %d, none of them 0", len(leases), len(ids), n)
	}
	most := make(map[peer.Key]int)
	for _, key := range zipf(n) {
		if most[key]++; !leases[key] {
			t.Fatalf("%v has no lease", key)
		}
	}
	popular := 0
	for _, times := range most {
		popular = max(popular, times)
	}
	if popular < n/20 {
		t.Errorf("of %d renewals the most popular lease gets %d", n, popular)
	}
}

func TestLatencies(t *testing.T) {
	var seen latencies
	for i := range 1000 {
		seen.add(time.Duration(i))
	}
	seen.add(time.Hour)
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 500, 0.99: 990, 1: time.Hour} {
		if got := seen.quantile(q); got != want {
			t.Errorf("the quantile of %v is %v, want %v", q, got, want)
		}
	}
}
