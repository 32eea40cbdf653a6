// Package seed plants violations: each [Seed] is a small change of a kernel's
// source that breaks one law, and the command that has to notice. A law that
// no seed can make fail is checked by nobody.
package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"golang.org/x/tools/txtar"
)

// A Seed is read from a file of txtar's format: lines of the form "key: value",
// then sections "old" and "new".
type Seed struct {
	Name string
	Law  string // the name of the law that it breaks; empty if a plain test notices
	File string // the source that it changes, from the project's root
	Run  string // the command that has to notice, there
	Bug  string // what users saw, if the change was there once; else empty
	// Found says by what such a bug was found.
	Found string

	Old, New string // the text, which is in the file once
}

// Read reads all seeds of a directory, in the order of their names.
func Read(dir string) ([]Seed, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var seeds []Seed
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		seed, err := parse(archive)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		seed.Name = strings.TrimSuffix(filepath.Base(file), ".txtar")
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

func parse(archive *txtar.Archive) (s Seed, err error) {
	fields := map[string]*string{"law": &s.Law, "file": &s.File, "run": &s.Run, "bug": &s.Bug, "found": &s.Found}
	for _, line := range strings.Split(strings.TrimSpace(string(archive.Comment)), "\n") {
		key, value, _ := strings.Cut(line, ":")
		field := fields[key]
		if field == nil || *field != "" {
			return s, fmt.Errorf("line %q: its key is unknown or there twice", line)
		}
		*field = strings.TrimSpace(value)
	}
	if len(archive.Files) != 2 || archive.Files[0].Name != "old" || archive.Files[1].Name != "new" {
		return s, fmt.Errorf("the sections are not old and new")
	}
	s.Old, s.New = string(archive.Files[0].Data), string(archive.Files[1].Data)
	switch {
	case s.File == "" || !strings.HasPrefix(s.Run, "go test "):
		return s, fmt.Errorf("file and run (a go test) have to be there")
	case s.Law == "" && s.Bug == "":
		return s, fmt.Errorf("it is neither against a law nor a bug")
	case (s.Bug == "") != (s.Found == ""):
		return s, fmt.Errorf("bug and found have to be there both, or none")
	case s.Old == "" || s.Old == s.New:
		return s, fmt.Errorf("old is empty, or new is the same")
	}
	return s, nil
}

// Source is the file that the seed changes, as it is then. It is an error if
// the old text is not there exactly once.
func (s Seed) Source(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, s.File))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), s.Old); n != 1 {
		return "", fmt.Errorf("seed %s: its old text is in %s %d times instead of once", s.Name, s.File, n)
	}
	return strings.Replace(string(source), s.Old, s.New, 1), nil
}

// A Verdict is what became of a seed.
type Verdict struct {
	Found  bool
	Output string // of the command
}

// sign is what the command prints that finds the seed.
func (s Seed) sign() string {
	if s.Law == "" {
		return "--- FAIL: "
	}
	return law.Violation(s.Law)
}

// testTakes is how long a seed's test may take: a change can make it wait for
// ever.
const testTakes = "4m"

// Plant runs the seed's command with the source changed, which nobody else
// notices: the changed file is elsewhere. The seed is found if the command
// fails and prints the violation of its law.
func (s Seed) Plant(ctx context.Context, root string) (Verdict, error) {
	changed, err := s.Source(root)
	if err != nil {
		return Verdict{}, err
	}
	dir, err := os.MkdirTemp("", "seed")
	if err != nil {
		return Verdict{}, err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeOverlay(dir, filepath.Join(root, s.File), changed)
	if err != nil {
		return Verdict{}, err
	}
	arguments := append([]string{"test", "-overlay=" + overlay, "-count=1", "-vet=off", "-timeout=" + testTakes}, strings.Fields(s.Run)[2:]...)
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = root
	command.Env = append(os.Environ(), law.ReportFile+"=") // what is kept under a planted change is no case of the law
	output, err := command.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		return Verdict{}, err
	}
	return Verdict{Found: err != nil && strings.Contains(string(output), s.sign()), Output: string(output)}, ctx.Err()
}

// writeOverlay writes the changed file, and the file that tells go where it is.
func writeOverlay(dir, original, changed string) (overlay string, err error) {
	original, err = filepath.Abs(original)
	if err != nil {
		return "", err
	}
	replacement := filepath.Join(dir, filepath.Base(original))
	overlay = filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(replacement, []byte(changed), 0o644); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replaced, 0o644)
}
