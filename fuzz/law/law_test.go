package law

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// failure is a T that remembers what it was ended with.
type failure struct{ what string }

func (f *failure) Helper() {}

func (f *failure) Fatalf(format string, args ...any) { f.what = fmt.Sprintf(format, args...); panic(f) }

func TestLawCountsItsCasesAndReportsItsText(t *testing.T) {
	l := New("test-law", "one is one")
	var f failure
	l.Holds(&f, true, "never said")
	l.KeptTimes(2)
	func() {
		defer func() { _ = recover() }()
		l.Holds(&f, false, "it is %d", 2)
	}()
	if want := "violated: test-law: one is one: it is 2"; f.what != want || !strings.HasPrefix(want, Violation("test-law")) {
		t.Errorf("the violation reads %q", f.what)
	}
	if l.Cases() != 3 || l.Name() != "test-law" || l.String() != "one is one" {
		t.Errorf("%v, %v, %d cases", l.Name(), l, l.Cases())
	}
}

func TestLawsHaveNamesOfTheirOwn(t *testing.T) {
	New("test-twin", "one")
	defer func() {
		if recover() == nil {
			t.Error("a second law of the name is declared")
		}
	}()
	New("test-twin", "two")
}

func TestReportsOfSeveralRunsAreAddedUp(t *testing.T) {
	l := New("test-reported", "it is reported")
	l.KeptTimes(5)
	Add(Steps, "machine", 7)
	Add(Steps, "machine", 1)
	path := filepath.Join(t.TempDir(), "report")
	for range 2 {
		if err := appendReport(path); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	counts, err := ReadReport(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Count{
		{Kind: Kept, Name: "test-reported", Text: "it is reported", Cases: 10},
		{Kind: Steps, Name: "machine", Cases: 16},
	} {
		found := 0
		for _, count := range counts {
			if count == want {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%+v is there %d times: %v", want, found, counts)
		}
	}
	if _, err := ReadReport(strings.NewReader("{}{")); err == nil || !strings.Contains(err.Error(), "count 2") {
		t.Errorf("a broken report: %v", err)
	}
}
