package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lab/script"
)

var update = flag.Bool("update", false, "write the golden files anew: go test ./lab -update")

// Every script in testdata tells what is recorded beside it, and all that it
// expects is met. A script that expects nothing would test nothing.
func TestScriptsTellWhatIsRecorded(t *testing.T) {
	for _, path := range scripts(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			status, stdout, stderr := lab("explain", path)
			if status != exitOK || stderr != "" || !strings.Contains(stdout, "as expected") {
				t.Errorf("status %d, stderr %q, stdout\n%s", status, stderr, stdout)
			}
			compare(t, strings.TrimSuffix(path, ".txt")+".golden", stdout)
		})
	}
}

func scripts(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d scripts: %v", len(paths), err)
	}
	return paths
}

// compare compares with a golden file, or writes it.
func compare(t *testing.T, path, got string) {
	t.Helper()
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

// A golden file whose script is gone would look as if it were tested.
func TestGoldenFilesHaveScripts(t *testing.T) {
	goldens, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(goldens) != len(scripts(t)) {
		t.Errorf("got %d golden files for %d scripts: %v", len(goldens), len(scripts(t)), err)
	}
}

// Without arguments the two scripts are told under headings, with nothing to
// be found in the working directory.
func TestExplainWithoutScripts(t *testing.T) {
	eureka, exact := "testdata/90s-is-180s-eureka", "testdata/90s-is-180s-exact"
	_, first, _ := lab("explain", eureka+".txt")
	_, second, _ := lab("explain", exact+".txt")
	t.Chdir(t.TempDir())
	status, stdout, stderr := lab("explain")
	want := "== 90s-is-180s-eureka ==\n" + first + "\n== 90s-is-180s-exact ==\n" + second
	if status != exitOK || stdout != want || stderr != "" {
		t.Errorf("status %d, stderr %q, stdout\n%s", status, stderr, stdout)
	}
}

// scriptOf writes a script and returns its path.
func scriptOf(t *testing.T, text string) string { return recording(t, "story.txt", text) }

func TestExplainReadsStdin(t *testing.T) {
	var out strings.Builder
	command := explainCommand()
	command.SetIn(strings.NewReader("tick\n"))
	command.SetOut(&out)
	command.SetArgs([]string{"-"})
	err := command.Execute()
	want := "t+0s       12:00:00   tick\n                        nothing is due before t+10s (12:00:10)\n"
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

func TestAFailedExpectationIsAFinding(t *testing.T) {
	path := scriptOf(t, "register a\nexpect a evicted\nexpect a live\nexpect b live\n")
	status, stdout, stderr := lab("explain", path)
	for _, want := range []string{"  EXPECTED evicted, but live: a\n", "  as expected\n", "  EXPECTED live, but absent: b\n", "\nexpectations that failed: 2\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if status != exitFindings || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

// All scripts are read before one of them is told.
func TestExplainRefusesWhatItCannotRead(t *testing.T) {
	good := scriptOf(t, "tick\n")
	for name, row := range map[string]struct{ path, want string }{
		"unknown command": {scriptOf(t, "tick\n\ntock\n"), `: line 3: command is "tock": must be rules, set, `},
		"no command":      {scriptOf(t, "# nothing\n"), ": there is no command in it"},
		"empty":           {scriptOf(t, ""), ": there is no command in it"},
		"missing":         {filepath.Join(t.TempDir(), "story.txt"), "no such file"},
	} {
		status, stdout, stderr := lab("explain", good, row.path)
		if status != exitUnusable || stdout != "" || !strings.HasPrefix(stderr, "lab: ") || !strings.Contains(stderr, row.path) || !strings.Contains(stderr, row.want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", name, status, stdout, stderr)
		}
	}
	if status, _, stderr := lab("explain", "--rules"); status != exitUnusable || !strings.Contains(stderr, "--rules") {
		t.Errorf("unknown flag: status %d, stderr %q", status, stderr)
	}
}

// What cannot be done ends the story there, after what came before was told.
func TestExplainRefusesWhatItCannotDo(t *testing.T) {
	path := scriptOf(t, "register a\nstop a\ntick\n")
	status, stdout, stderr := lab("explain", path)
	want := "lab: " + path + `: line 2: stop a: key is "a": must renew by itself, see beat` + "\n"
	if status != exitUnusable || stderr != want || !strings.Contains(stdout, "registered for 1m30s: a\n") || strings.Contains(stdout, "tick") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestHelpHasTheLanguage(t *testing.T) {
	status, stdout, _ := lab("explain", "--help")
	commands, settings := script.Usage()
	for _, want := range append(commands, settings...) {
		if !strings.Contains(stdout, "  "+want+"\n") {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if status != exitOK {
		t.Errorf("status %d", status)
	}
}

// Long sentences are wrapped below their own column, and no line has blanks at
// its end.
func TestEventsAreWrapped(t *testing.T) {
	var out strings.Builder
	e := script.Event{Kind: script.Happened, At: time.Unix(0, 0), Since: time.Second, Text: "a sentence of seven or eight words"}
	printEvent(&out, e, whatColumn+2+15)
	blank := strings.Repeat(" ", whatColumn+2)
	want := "t+1s       00:00:00     a sentence of\n" + blank + "seven or eight\n" + blank + "words\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
