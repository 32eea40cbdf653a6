package verify

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
)

const root = "../.."

// Pages are made of what is committed, so they can be compared with what is
// committed.
func TestPagesAreNotStale(t *testing.T) {
	var page, bugs strings.Builder
	if err := Page(&page, root); err != nil {
		t.Fatal(err)
	}
	if err := Bugs(&bugs, root); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"VERIFICATION.md": page.String(), "docs/BUGS.md": bugs.String()} {
		if got, err := os.ReadFile(filepath.Join(root, file)); err != nil || string(got) != want {
			t.Errorf("%s is stale: run make docs (%v)", file, err)
		}
	}
}

// judges are the laws that no change of a kernel can break: they are about what
// judges the kernels, whose own tests give them something to condemn.
var judges = []string{"judge-condemns", "judge-acquits", "toy-stays-below", "trace-round-trips"}

func TestEveryLawHasASeedAndEverySeedALaw(t *testing.T) {
	k, err := readAll(root)
	if err != nil {
		t.Fatal(err)
	}
	laws := k.laws()
	if len(laws) < 25 {
		t.Errorf("there are %d laws", len(laws))
	}
	for _, l := range laws {
		if seeds := k.seedsOf(l.Name); len(seeds) == 0 && !slices.Contains(judges, l.Name) {
			t.Errorf("nothing shows that %s can be violated: it has no seed", l.Name)
		}
	}
	known := func(name string) bool {
		return slices.ContainsFunc(laws, func(l law.Count) bool { return l.Name == name })
	}
	for _, s := range k.seeds {
		if s.Law != "" && !known(s.Law) {
			t.Errorf("seed %s breaks %s, which is no law that was ever counted", s.Name, s.Law)
		}
	}
	for _, h := range House() {
		for _, name := range h.Laws {
			if !known(name) {
				t.Errorf("%q names %s, which is no law that was ever counted", h.Text, name)
			}
		}
		for _, step := range h.Steps {
			if !slices.ContainsFunc(Plan(), func(s Step) bool { return s.Name == step }) {
				t.Errorf("%q names step %s, which is not in the plan", h.Text, step)
			}
		}
	}
}

// What was recorded is what the page claims.
func TestRecordsShowNoViolation(t *testing.T) {
	for _, mode := range []Mode{Quick, Full, Long} {
		record, err := Recall(root, mode)
		if errors.Is(err, fs.ErrNotExist) && mode != Quick {
			continue // the page says so
		}
		if err != nil {
			t.Errorf("%s: %v", mode, err)
			continue
		}
		if !record.Passed() || len(record.Results) != len(In(mode)) {
			t.Errorf("%s: %d of %d steps, passed %t", mode, len(record.Results), len(In(mode)), record.Passed())
		}
		for _, count := range record.Counts {
			if count.Cases == 0 {
				t.Errorf("%s: no case of %s %s was ever seen", mode, count.Kind, count.Name)
			}
		}
	}
}

func TestRunCountsAndGoesOnAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	count, err := json.Marshal(law.Count{Kind: law.Kept, Name: "a", Text: "a is a", Cases: 3})
	if err != nil {
		t.Fatal(err)
	}
	always := map[Mode][]string{Quick: {"WORD=two words"}}
	steps := []Step{
		{Name: "fails", Command: []string{"false"}, Settings: always},
		{Name: "counts", Command: []string{"sh", "-c", `printf '%s\n' "n=1 $WORD" "n=2" "n=x"`}, Settings: always, Counted: regexp.MustCompile(`n=(\w)`)},
		{Name: "reports", Command: []string{"sh", "-c", `echo '` + string(count) + `' >> $` + law.ReportFile + `; echo '{"detail":1}'; echo noise >&2`}, Settings: always, Detailed: true},
	}
	var told []string
	record, err := Run(context.Background(), dir, Quick, steps, func(r Result) { told = append(told, r.Step) })
	if err != nil {
		t.Fatal(err)
	}
	if record.Passed() || !slices.Equal(told, []string{"fails", "counts", "reports"}) {
		t.Errorf("passed %t, told of %v", record.Passed(), told)
	}
	if got := record.Results[1]; got.Count != 1+2+1 || !strings.Contains(got.Output, "two words") || !strings.HasPrefix(got.Command, "'WORD=two words' sh -c") {
		t.Errorf("got %+v", got)
	}
	if got := strings.TrimSpace(string(record.Results[2].Detail)); got != `{"detail":1}` || record.Results[0].Passed || !record.Results[2].Passed {
		t.Errorf("got %q and %+v", got, record.Results)
	}
	if len(record.Counts) != 1 || record.Counts[0].Cases != 3 {
		t.Errorf("counts are %+v", record.Counts)
	}
	missing := []Step{{Name: "missing", Command: []string{"no such command"}, Settings: always}}
	if _, err := Run(context.Background(), dir, Quick, missing, func(Result) {}); err == nil {
		t.Error("a command that does not exist is no error")
	}
}

func TestRecordsAreKept(t *testing.T) {
	dir := t.TempDir()
	want := Record{Mode: Full, Commit: "c", Results: []Result{{Step: "s", Passed: true, Took: time.Second, Detail: json.RawMessage("1")}}}
	if err := want.Keep(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Recall(dir, Full)
	if err != nil || got.Commit != "c" || !got.Passed() || string(got.Results[0].Detail) != "1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Recall(dir, Quick); err == nil {
		t.Error("a record that was never made is recalled")
	}
}

func TestSelectKnowsTheSteps(t *testing.T) {
	if steps, err := Select(Quick, []string{"models"}); err != nil || len(steps) != 1 || steps[0].Name != "models" {
		t.Errorf("got %v, %v", steps, err)
	}
	if _, err := Select(Quick, []string{"mutants"}); err == nil || !strings.Contains(err.Error(), `no step "mutants" in mode quick`) {
		t.Errorf("got %v", err)
	}
	if all, err := Select(Long, nil); err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d reads %q", n, got)
		}
	}
}

// A step that was run again takes the place of its old result; those that count
// laws do not, as their old counts would stay.
func TestARecordIsRenewed(t *testing.T) {
	old := Record{Mode: Full, Commit: "a", Counts: []law.Count{{Name: "l", Cases: 3}}, Results: []Result{
		{Step: "models", Passed: true, Count: 1}, {Step: "seeds", Count: 2},
	}}
	renewed, err := old.Renew(Record{Mode: Full, Commit: "b", Results: []Result{{Step: "seeds", Passed: true, Count: 3}, {Step: "quirks", Passed: true}}})
	if err != nil {
		t.Fatal(err)
	}
	want := old
	want.Results = []Result{{Step: "models", Passed: true, Count: 1}, {Step: "seeds", Commit: "b", Passed: true, Count: 3}, {Step: "quirks", Commit: "b", Passed: true}}
	if !reflect.DeepEqual(renewed, want) {
		t.Errorf("%+v, want %+v", renewed, want)
	}
	if got := renewed.later(); got != "; step seeds at b; step quirks at b" {
		t.Errorf("the page says %q", got)
	}
	if old.Passed() || !renewed.Passed() {
		t.Error("the old record has passed, or the new one has not")
	}
	if _, err := old.Renew(Record{Counts: []law.Count{{Name: "l", Cases: 1}}}); err == nil {
		t.Error("counts of a later record were taken")
	}
}
