package seed

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
)

const root = "../.."

func readAll(t *testing.T) []Seed {
	t.Helper()
	seeds, err := Read(filepath.Join(root, "fuzz/testdata/seeds"))
	if err != nil || len(seeds) == 0 {
		t.Fatalf("%d seeds, %v", len(seeds), err)
	}
	return seeds
}

// A seed whose text has gone from the source would be noticed by planting it.
// This is quicker, and with each commit.
func TestEverySeedFitsTheSource(t *testing.T) {
	for _, s := range readAll(t) {
		if _, err := s.Source(root); err != nil {
			t.Error(err)
		}
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	const sections = "-- old --\na\n-- new --\nb\n"
	for text, why := range map[string]string{
		"law: l\nfile: f\nrun: go test .\n":                             "the sections are not old and new",
		"law: l\nfile: f\nrun: go test .\n-- new --\nb\n-- old --\na\n": "the sections are not old and new",
		"law: l\nrun: go test .\n" + sections:                           "file and run (a go test) have to be there",
		"law: l\nfile: f\nrun: rm -r .\n" + sections:                    "file and run (a go test) have to be there",
		"file: f\nrun: go test .\n" + sections:                          "it is neither against a law nor a bug",
		"law: l\nfile: f\nrun: go test .\nbug: b\n" + sections:          "bug and found have to be there both, or none",
		"law: l\nlaw: m\nfile: f\nrun: go test .\n" + sections:          `line "law: m": its key is unknown or there twice`,
		"law: l\nfile: f\nrun: go test .\ncolour: red\n" + sections:     `line "colour: red": its key is unknown or there twice`,
		"law: l\nfile: f\nrun: go test .\n-- old --\na\n-- new --\na\n": "old is empty, or new is the same",
		"law: l\nfile: f\nrun: go test .\n-- old --\n-- new --\na\n":    "old is empty, or new is the same",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.txtar"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "x.txtar: "+why) {
			t.Errorf("%q: %v, which does not say %q", text, err, why)
		}
	}
}

// project writes a module of one function and its test, and returns where.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module toy\n\ngo 1.25\n",
		"toy.go":    "package toy\n\nfunc two() int { return 2 }\n",
		"x_test.go": "package toy\n\nimport \"testing\"\n\nfunc TestTwo(t *testing.T) {\n\tif two() > 2 {\n\t\tt.Fatal(\"" + law.Violation("two") + " it is two\")\n\t}\n\tif two() < 2 {\n\t\tt.Fatal(\"something else\")\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A seed is found if its law is what is violated: not if the change goes
// unnoticed, is noticed for another reason, or does not compile.
func TestPlantFindsTheViolationOfTheLawAndNothingElse(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	t.Setenv("GOWORK", "off")
	dir := project(t)
	for changed, found := range map[string]bool{"3": true, "1": false, "1 + 1": false, "two": false} {
		s := Seed{Name: "x", Law: "two", File: "toy.go", Run: "go test .", Old: "return 2", New: "return " + changed}
		verdict, err := s.Plant(context.Background(), dir)
		if err != nil || verdict.Found != found {
			t.Errorf("return %s: found %t, %v\n%s", changed, verdict.Found, err, verdict.Output)
		}
	}
	bug := Seed{Name: "x", Bug: "one too few", File: "toy.go", Run: "go test .", Old: "return 2", New: "return 1"}
	if verdict, err := bug.Plant(context.Background(), dir); err != nil || !verdict.Found {
		t.Errorf("a bug that a test notices: found %t, %v\n%s", verdict.Found, err, verdict.Output)
	}
	gone := Seed{Name: "x", Law: "two", File: "toy.go", Run: "go test .", Old: "return 4", New: "return 5"}
	if _, err := gone.Plant(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "0 times instead of once") {
		t.Errorf("a seed that does not fit: %v", err)
	}
}
