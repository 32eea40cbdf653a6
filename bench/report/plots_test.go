package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The plots are XML, name all peers that they show, and are the same again and
// again.
func TestPlots(t *testing.T) {
	run := synthetic(1, 4, "ours", "ours-eureka", "rwmutex64", "<etcd>", "floor")
	first := plots(t, run)
	for name, peers := range map[string][]string{
		"renew.svg": {"ours", "ours-eureka", "rwmutex64", "<etcd>", "floor"}, "cores.svg": {"ours", "ours-eureka", "rwmutex64", "<etcd>", "floor"},
		"latency.svg": {"ours", "ours-eureka", "rwmutex64", "<etcd>", "quiet", "passes", "p50", "p99", "p99.9", "max"}, "memory.svg": {"ours", "ours-eureka", "rwmutex64", "<etcd>"},
	} {
		texts := textsOf(t, name, first[name])
		for _, peer := range peers {
			if !slices.Contains(texts, peer) {
				t.Errorf("%s: %s is not in %q", name, peer, texts)
			}
		}
	}
	if len(first) != 4 {
		t.Errorf("%d files", len(first))
	}
	for range 5 {
		for name, svg := range plots(t, run) {
			if !bytes.Equal(svg, first[name]) {
				t.Errorf("%s is otherwise the next time", name)
			}
		}
	}
}

// plots are the files by name.
func plots(t *testing.T, run Run) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := Plots(dir, run); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = text
	}
	return files
}

// textsOf are the texts of a picture. All of them name a font that everybody
// has.
func textsOf(t *testing.T, name string, svg []byte) []string {
	t.Helper()
	var texts []string
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for within := false; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			within = token.Name.Local == "text"
			if within && !slices.ContainsFunc(token.Attr, func(a xml.Attr) bool {
				return strings.HasPrefix(a.Value, "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
			}) {
				t.Errorf("%s: no font in %v", name, token.Attr)
			}
		case xml.CharData:
			if within {
				texts = append(texts, string(token))
			}
		case xml.EndElement:
			within = false
		}
	}
}

// What a run does not have is not drawn; nor is a curve of one point, nor what
// a logarithm cannot show.
func TestPlotsOfLittle(t *testing.T) {
	renewal := Case{Workload: "renew", Metric: "ns/op", Leases: 1000, Procs: 1}
	bytes := Case{Workload: "memory", Metric: "B/lease", Leases: 1000, Procs: 1}
	latency := Case{Workload: "latency", Metric: "p50-ns", Leases: 1000, Procs: 2}
	more := renewal
	more.Leases = 2000
	for name, row := range map[string]struct {
		samples []Sample
		want    string
	}{
		"nothing":       {[]Sample{{Case: Case{Workload: "count", Metric: "ns/op"}, Peer: ours, Value: 1}}, ""},
		"one size":      {[]Sample{{Case: renewal, Peer: ours, Value: 1}, {Case: renewal, Peer: "etcd", Value: 2}}, ""},
		"two sizes":     {[]Sample{{Case: renewal, Peer: ours, Value: 1}, {Case: more, Peer: ours, Value: 1}}, "renew.svg"},
		"zero":          {[]Sample{{Case: renewal, Peer: ours, Value: 0}, {Case: more, Peer: ours, Value: 1}}, ""},
		"one zero":      {[]Sample{{Case: renewal, Peer: ours, Value: 1}, {Case: more, Peer: ours, Value: 1}, {Case: more, Peer: ours, Value: 0, Round: 1}, {Case: more, Peer: ours, Value: 1, Round: 2}}, ""},
		"one bar":       {[]Sample{{Case: bytes, Peer: ours, Value: 1}}, "memory.svg"},
		"an empty bar":  {[]Sample{{Case: bytes, Peer: ours, Value: 0}}, "memory.svg"},
		"one latency":   {[]Sample{{Case: latency, Peer: ours, Value: 5}}, "latency.svg"},
		"no latency":    {[]Sample{{Case: latency, Peer: ours, Value: 0}}, ""},
		"a lost row":    {[]Sample{{Case: latency, Peer: ours, Value: 0}, {Case: latency, Peer: "etcd", Value: 7}}, "latency.svg"},
		"many decades":  {[]Sample{{Case: latency, Peer: ours, Value: 1e-3}, {Case: latency, Peer: "etcd", Value: 1e12}}, "latency.svg"},
		"not a renewal": {[]Sample{{Case: Case{Workload: "renew", Metric: "misses/op", Procs: 1}, Peer: ours, Value: 1}}, ""},
	} {
		var names []string
		for name := range plots(t, Run{Samples: row.samples}) {
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != row.want {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
}

// The longest latency is one of millions: the quantile before it sorts.
func TestLatenciesAreSortedByTheirTail(t *testing.T) {
	var run Run
	for peer, values := range map[string][]float64{"a": {1, 30, 90}, "m": {5, 10, 900}, "k": {9, 20, 100}} {
		for i, quantile := range []string{"p50-ns", "p99-ns", "max-ns"} {
			run.Samples = append(run.Samples, Sample{Case: Case{Workload: "latency", Metric: quantile, Procs: 2}, Peer: peer, Value: values[i]})
		}
	}
	texts := textsOf(t, "latency.svg", plots(t, run)["latency.svg"])
	if first, second, third := slices.Index(texts, "m"), slices.Index(texts, "k"), slices.Index(texts, "a"); first < 0 || first > second || second > third {
		t.Errorf("got %q", texts)
	}
}

// Which number of leases is drawn: that with the most peers, then the most.
func TestPopular(t *testing.T) {
	of := func(n int) Case { return Case{Metric: "B/lease", Leases: n} }
	run := Run{Samples: []Sample{{Case: of(1), Peer: "a"}, {Case: of(1), Peer: "b"}, {Case: of(3), Peer: "a"}, {Case: of(3), Peer: "b"}, {Case: of(2), Peer: "a"}, {Case: of(2), Peer: "b"}, {Case: of(9), Peer: "a"}}}
	if got := run.popular([]Case{of(1), of(2), of(3), of(9)}); got != of(3) {
		t.Errorf("got %v", got)
	}
}

func TestPlotsNeedADirectory(t *testing.T) {
	if err := Plots(filepath.Join(t.TempDir(), "none"), older()); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

// Each peer looks like no other one.
func TestLooks(t *testing.T) {
	peers := []string{"floor", "ours", "ours-eureka", "ours-kernel"}
	for i := range 14 {
		peers = append(peers, string(rune('a'+i)))
	}
	type seen struct {
		color any
		dash  int
	}
	by := map[seen]string{}
	for peer, look := range synthetic(1, 1, peers...).looks() {
		dash := 0
		if len(look.line.Dashes) > 0 {
			dash = int(look.line.Dashes[0])
		}
		at := seen{look.line.Color, dash}
		if by[at] != "" {
			t.Errorf("%s looks like %s", peer, by[at])
		}
		by[at] = peer
	}
	if len(by) != len(peers) {
		t.Errorf("%d looks for %d peers", len(by), len(peers))
	}
}

func TestApart(t *testing.T) {
	for _, row := range []struct{ wanted, want []float64 }{
		{nil, nil},
		{[]float64{5}, []float64{5}},
		{[]float64{1, 3, 90}, []float64{1, 3, 90}},
		{[]float64{10, 10}, []float64{9, 11}},
		{[]float64{10, 10, 10, 50}, []float64{8, 10, 12, 50}},
		{[]float64{10, 11, 12.5}, []float64{9.166666666666666, 11.166666666666666, 13.166666666666666}},
		{[]float64{0, 0}, []float64{0, 2}},
		{[]float64{100, 100}, []float64{98, 100}},
	} {
		if got := apart(row.wanted, 2, 0, 100); !slices.Equal(got, row.want) {
			t.Errorf("%v: got %v, want %v", row.wanted, got, row.want)
		}
	}
}

func TestApartIsApartAndWithin(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		wanted := make([]float64, random.IntN(15))
		for i := range wanted {
			wanted[i] = 100 * random.Float64()
		}
		slices.Sort(wanted)
		places := apart(wanted, 5, 0, 100)
		below := math.Inf(-1)
		for _, place := range places {
			if place < below+5-1e-9 || place < 0 || place > 100+1e-9 {
				t.Errorf("%v: got %v", wanted, places)
			}
			below = place
		}
		if len(places) != len(wanted) {
			t.Errorf("%v: got %v", wanted, places)
		}
	}
}

func TestNanoseconds(t *testing.T) {
	for value, want := range map[float64]string{0.5: "0.5 ns", 5: "5 ns", 500: "500 ns", 1000: "1 us", 999.99999: "1 us", 20_000: "20 us", 1e6: "1 ms", 2e9: "2 s"} {
		if got := nanoseconds(value); got != want {
			t.Errorf("%v: got %q, want %q", value, got, want)
		}
	}
}
