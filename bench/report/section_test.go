package report

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every case is in one group and, once, in one of its tables.
func TestEveryCaseIsShownOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	oneOf := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 200 {
		var run Run
		for range 1 + random.IntN(40) {
			run.Samples = append(run.Samples, Sample{Peer: ours, Value: 1, Case: Case{
				Workload: oneOf("renew", "memory", "latency", "expired", "juggle"), Metric: oneOf("ns/op", "B/lease", "p99-ns", "p99.9-ns"),
				Leases: random.IntN(3) * 1000, Procs: 1 + random.IntN(3), Clock: random.IntN(2) == 0, Variant: oneOf("", "zipf", "quiet"),
			}})
		}
		shown, columns := map[Case]int{}, 0
		for _, g := range Groups(run) {
			for _, c := range run.cases(g.Is) {
				shown[c]++
			}
			for _, s := range run.sections(g) {
				columns += len(s.heads)
				if len(s.heads) > widest {
					t.Errorf("%d columns in %s", len(s.heads), s.caption)
				}
			}
		}
		for _, s := range run.Samples {
			if shown[s.Case] != 1 {
				t.Errorf("%v is in %d groups", s.Case, shown[s.Case])
			}
		}
		if columns != len(shown) {
			t.Errorf("%d columns for %d cases", columns, len(shown))
		}
	}
}

// Quantiles come in any order; the tables have them in theirs.
func TestCasesAreSorted(t *testing.T) {
	var run Run
	for _, variant := range []string{"quiet", "passing"} {
		for _, metric := range []string{"max-ns", "p99.9-ns", "p50-ns", "p99-ns", "p50-ns"} {
			run.Samples = append(run.Samples, Sample{Case: Case{Variant: variant, Metric: metric}})
		}
	}
	var got []string
	for _, c := range run.cases(func(Case) bool { return true }) {
		got = append(got, c.Variant+" "+c.Metric)
	}
	want := []string{"quiet p50-ns", "quiet p99-ns", "quiet p99.9-ns", "quiet max-ns", "passing p50-ns", "passing p99-ns", "passing p99.9-ns", "passing max-ns"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRows(t *testing.T) {
	c := Case{Workload: "renew", Metric: "ns/op", Procs: 1}
	var run Run
	for peer, rounds := range map[string][]float64{
		"slow": {30, 50, 40}, "fast": {9, 8}, "floor": {1}, "ours-x": {20}, "ours": {10, 12, 11}, "quick": {9, 8.5},
	} {
		for round, value := range rounds {
			run.Samples = append(run.Samples, Sample{Case: c, Peer: peer, Round: round, Value: value})
		}
	}
	all := run.sections(Group{Is: isRenewal})
	if len(all) != 1 || len(all[0].heads) != 1 {
		t.Fatalf("got %+v", all)
	}
	want := []row{
		{"ours", []cell{{3, 11, 1. / 11, 0, false}}},
		{"ours-x", []cell{{1, 20, 0, 20. / 11, false}}},
		{"fast", []cell{{2, 8.5, 0.5 / 8.5, 8.5 / 11, true}}},
		{"quick", []cell{{2, 8.75, 0.25 / 8.75, 8.75 / 11, false}}},
		{"slow", []cell{{3, 40, 0.25, 40. / 11, false}}},
		{"floor", []cell{{1, 1, 0, 1. / 11, false}}},
	}
	if !reflect.DeepEqual(all[0].rows, want) {
		t.Errorf("got %v", all[0].rows)
	}
	if got, want := run.losses(), []string{"renew, ns/op, 1 core: ours 11.0, fast 8.50 (0.77)"}; !slices.Equal(got, want) {
		t.Errorf("losses: got %q", got)
	}
}

// What explains other values is not lost, nor is what nobody else has.
func TestNoLosses(t *testing.T) {
	counted := Case{Workload: "renew", Metric: "instructions/op", Procs: 1}
	alone := Case{Workload: "pick", Metric: "ns/victim", Procs: 1}
	run := Run{Samples: []Sample{
		{Case: counted, Peer: ours, Value: 2}, {Case: counted, Peer: "etcd", Value: 1},
		{Case: alone, Peer: ours, Value: 2}, {Case: alone, Peer: floor, Value: 1},
	}}
	if got := run.losses(); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if least(map[string][]float64{ours: {2}, floor: {1}}) != "" {
		t.Error("the only one is the least")
	}
}

func TestFigure(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.00123: "0.0012", 0.0999: "0.10", 0.42: "0.42", 0.94: "0.94", 0.997: "1.0", 1: "1.00", 9.996: "10.0", 12.34: "12.3", 99.96: "100", 131.4: "131",
		2336: "2336", 9999.4: "9999", 9999.6: "10 000", 46_000_000: "46 000 000",
	} {
		if got := figure(value); got != want {
			t.Errorf("%v: got %q, want %q", value, got, want)
		}
	}
}

func TestCaseInWords(t *testing.T) {
	for want, c := range map[string]Case{
		"renew, zipf, ns/op, 10k leases, 2 cores, clock read": {Workload: "renew", Metric: "ns/op", Leases: 10_000, Procs: 2, Clock: true, Variant: "zipf"},
		"latency, p99.9 ns, 3M leases, 1 core":                {Workload: "latency", Metric: "p99.9-ns", Leases: 3_000_000, Procs: 1},
		"count, ns/op, 1 core":                                {Workload: "count", Metric: "ns/op", Procs: 1},
		"memory, B/lease, 1234 leases, 1 core":                {Workload: "memory", Metric: "B/lease", Leases: 1234, Procs: 1},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A peer that never gets its cores is no noise; one that sometimes does is.
func TestNoise(t *testing.T) {
	var run Run
	add := func(peer string, procs int, loads ...float64) {
		for round, load := range loads {
			run.Samples = append(run.Samples, Sample{Case: Case{Procs: procs}, Peer: peer, Round: round, Load: load})
		}
	}
	add("not known", 2, 0, 0)
	if got := run.noise(); got != nil {
		t.Errorf("got %q", got)
	}
	add("free", 2, 1.6, 2)
	if got := strings.Join(run.noise(), " "); !strings.HasPrefix(got, "Of 2 samples whose load is known 0 are noisy") || strings.Contains(got, "They are") {
		t.Errorf("got %q", got)
	}
	add("one core", 1, 0.2, 1)
	add("disturbed", 2, 1.59, 2, 1.6, 1)
	add("blocking", 2, 1, 1.59)
	add("of four", 4, 3.1, 3.3)
	got := strings.Join(run.noise(), "\n")
	for _, want := range []string{"Of 12 samples whose load is known 4 are noisy", "They are of disturbed 2, of four 1, one core 1.", "In 1 of 5 cells no round", "They are of blocking 1."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestRounds(t *testing.T) {
	run := Run{Samples: []Sample{{Peer: "a"}, {Peer: "b"}, {Peer: "b", Round: 1}}}
	if got := run.rounds(); got != "1 to 2" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(Run{Samples: run.Samples[1:]}.rounds()); got != "2" {
		t.Errorf("got %s", got)
	}
}
