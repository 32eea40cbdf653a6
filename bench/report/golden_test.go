package report

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

var update = flag.Bool("update", false, "write the golden files anew: go test ./bench/report -update")

func TestMain(m *testing.M) {
	flag.Parse()
	text.DisableColors()
	os.Exit(m.Run())
}

// compare compares with a golden file, or writes it.
func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has\n%s\ngot\n%s", path, want, got)
	}
}

// older is the run of the golden files.
func older() Run { return synthetic(1, 4, "ours", "ours-eureka", "rwmutex64", "etcd", "floor") }

// newer is older on another machine on which some things are otherwise.
func newer() Run {
	run := synthetic(2, 4, "ours", "ours-eureka", "rwmutex64", "etcd", "floor")
	run.Go, run.Command = "go1.26.0", "go run ./bench --quick"
	run.Modules["example.org/b"] = "v1.3.0"
	var kept []Sample
	for _, s := range run.Samples {
		switch {
		case s.Clock && s.Peer == ours:
			s.Value *= 1.3
		case s.Metric == "B/lease" && s.Peer == ours:
			s.Value *= 0.7
		case s.Metric == "B/lease" && s.Peer == "etcd":
			s.Value *= 1.5
		case s.Leases == 1000 && s.Procs == 1:
			s.Value *= 1.4
		case s.Leases == 1000 && s.Round > 0:
			continue
		case s.Workload == "juggle":
			s.Workload = "balance"
		}
		kept = append(kept, s)
	}
	run.Samples = kept
	return run
}

func TestGoldenRun(t *testing.T) {
	written, err := older().encode()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "run.json", string(written))
	read, err := Read("testdata/run.json")
	if err != nil || !reflect.DeepEqual(read, older()) {
		t.Errorf("got %v, %v", read, err)
	}
}

func TestGoldenTables(t *testing.T) {
	run := older()
	for name, print := range map[string]func(*strings.Builder) error{
		"table.golden":    func(out *strings.Builder) error { return Table(out, run) },
		"markdown.golden": func(out *strings.Builder) error { return Markdown(out, run, Groups(run)) },
		"notes.golden":    func(out *strings.Builder) error { return MarkdownNotes(out, run) },
		"losses.golden":   func(out *strings.Builder) error { return MarkdownLosses(out, run) },
		"short.golden": func(out *strings.Builder) error {
			lines := []Line{{"renew by key", Case{Workload: "renew", Metric: "ns/op", Leases: 1000, Procs: 1}}, {"nothing", Case{}}}
			return MarkdownShort(out, run, lines, []string{"ours", "etcd", "nobody"})
		},
	} {
		var out strings.Builder
		if err := print(&out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		compare(t, name, out.String())
	}
}

// Only ours count as slower, whoever is shown.
func TestGoldenComparisons(t *testing.T) {
	for name, all := range map[string]bool{"compare.golden": false, "compare-all.golden": true} {
		var out strings.Builder
		slower, err := Compare(&out, older(), newer(), all)
		if err != nil || slower != 1 {
			t.Errorf("%s: %d are slower, %v", name, slower, err)
		}
		compare(t, name, out.String())
	}
}
