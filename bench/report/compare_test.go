package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// scaled is the run with some values times a factor.
func (r Run) scaled(factor float64, is func(Sample) bool) Run {
	r.Samples = slices.Clone(r.Samples)
	for i := range r.Samples {
		if is(r.Samples[i]) {
			r.Samples[i].Value *= factor
		}
	}
	return r
}

func (s Sample) ofOurs() bool { return isOurs(s.Peer) }

var everyPeer = []string{"ours", "ours-eureka", "rwmutex64", "etcd", "floor"}

func TestNothingDiffersFromItself(t *testing.T) {
	for seed := range uint64(20) {
		run := synthetic(seed, 6, everyPeer...)
		for _, c := range Changes(run, run, true) {
			if c.Verdict != Same {
				t.Errorf("seed %d: %+v", seed, c)
			}
		}
	}
}

// Twice the time is found, of ours and of nobody else, and in no other
// direction; as is half of it.
func TestTwiceTheTimeIsFound(t *testing.T) {
	for seed := range uint64(20) {
		run := synthetic(seed, 6, everyPeer...)
		slow := synthetic(seed+100, 6, everyPeer...).scaled(2, Sample.ofOurs)
		for _, row := range []struct {
			old, new Run
			want     Verdict
		}{{run, slow, Slower}, {slow, run, Faster}} {
			for _, c := range Changes(row.old, row.new, false) {
				if c.Verdict != row.want || !isOurs(c.Peer) {
					t.Errorf("seed %d: want %s: %+v", seed, row.want, c)
				}
			}
		}
	}
}

// On a machine that is twice as slow nobody has become slower, as far as there
// is a reference.
func TestASlowMachineMakesNobodySlower(t *testing.T) {
	run := synthetic(1, 6, everyPeer...)
	slow := run.scaled(2, func(Sample) bool { return true })
	for _, c := range Changes(run, slow, true) {
		want := Machine
		if c.Reference == "" {
			want = Slower
		}
		if c.Verdict != want || c.Reference == c.Peer || (c.Reference == "") != (c.Ratio == nil) {
			t.Errorf("want %s: %+v", want, c)
		}
		if isOurs(c.Peer) && c.Workload != "juggle" && c.Reference != "rwmutex64" {
			t.Errorf("no reference: %+v", c)
		}
	}
	// A disturbed reference is no progress of ours.
	disturbed := run.scaled(2, func(s Sample) bool { return s.Peer == "rwmutex64" })
	for _, c := range Changes(run, disturbed, false) {
		if c.Verdict != Same || c.Ratio != nil && c.Ratio.beyond() != -1 {
			t.Errorf("%+v", c)
		}
	}
}

// Three samples of each could lie by chance as they do, however far apart;
// four could not, nor five and two... but a third one of them could.
func TestTooFewSamplesAreSaid(t *testing.T) {
	for _, row := range []struct {
		old, new int
		want     Verdict
	}{{1, 1, TooFew}, {3, 3, TooFew}, {1, 30, TooFew}, {2, 5, TooFew}, {4, 4, Slower}, {3, 5, Slower}, {8, 2, Slower}} {
		old := synthetic(1, row.old, "ours")
		slow := synthetic(2, row.new, "ours").scaled(2, Sample.ofOurs)
		for _, c := range Changes(old, slow, false) {
			if c.Verdict != row.want {
				t.Errorf("%d and %d: want %s: %+v", row.old, row.new, row.want, c)
			}
		}
	}
}

// A reference with too few rounds is none.
func TestReferenceNeedsRounds(t *testing.T) {
	old, slow := synthetic(1, 6, everyPeer...), synthetic(2, 6, everyPeer...).scaled(2, Sample.ofOurs)
	slow.Samples = slices.DeleteFunc(slow.Samples, func(s Sample) bool { return s.Peer == "rwmutex64" && s.Round > 1 && s.Workload == "memory" })
	found := 0
	for _, c := range Changes(old, slow, false) {
		if c.Workload == "memory" {
			found++
			if c.Reference != "" || c.Verdict != Slower {
				t.Errorf("%+v", c)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d changes", found)
	}
}

func TestLeastP(t *testing.T) {
	for _, row := range []struct {
		n, m int
		want float64
	}{{0, 0, 1}, {0, 5, 1}, {1, 1, 1}, {2, 2, 1. / 3}, {3, 3, 0.1}, {4, 4, 2. / 70}, {3, 6, 2. / 84}, {6, 3, 2. / 84}} {
		if got := leastP(row.n, row.m); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%d and %d: got %v, want %v", row.n, row.m, got, row.want)
		}
	}
	// It is what the test returns if nothing overlaps.
	for n := 1; n < 7; n++ {
		for m := 1; m < 7; m++ {
			var a, b []float64
			for i := range n {
				a = append(a, float64(i))
			}
			for i := range m {
				b = append(b, float64(100+i))
			}
			if got, want := differ(a, b), leastP(n, m); math.Abs(got-want) > 1e-9 {
				t.Errorf("%d and %d: got %v, want %v", n, m, got, want)
			}
		}
	}
}

func TestComparisonWarns(t *testing.T) {
	old := older()
	for name, change := range map[string]func(*Run){
		"CPU: old A processor, new B":                 func(r *Run) { r.CPU = "B" },
		"cores: old 2, new 3":                         func(r *Run) { r.Cores = 3 },
		"system: old plan9/mips, new plan9/arm":       func(r *Run) { r.Arch = "arm" },
		"Go: old go1.25.0, new go1.26.0":              func(r *Run) { r.Go = "go1.26.0" },
		"command: old go run ./bench, new go run ./b": func(r *Run) { r.Command = "go run ./b" },
		"example.org/a: old v0.1.0, new v0.2.0":       func(r *Run) { r.Modules = map[string]string{"example.org/a": "v0.2.0"} },
	} {
		other := older()
		change(&other)
		if got := fmt.Sprint(warnings(old, other)); got != "["+name+"]" {
			t.Errorf("want %s, got %s", name, got)
		}
	}
	var out strings.Builder
	if _, err := Compare(&out, old, old, false); err != nil || strings.Contains(out.String(), "WARNING") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
