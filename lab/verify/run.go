package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/fuzz/law"
)

// Run runs the steps one after the other, in the project's root, and tells of
// each when it is over. A step that fails does not keep the others from being
// run. An error says that a step could not be run at all.
func Run(ctx context.Context, root string, mode Mode, steps []Step, tell func(Result)) (Record, error) {
	record := Record{Mode: mode, Commit: commitOf(ctx, root), Go: runtime.Version(),
		Machine: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		return record, err
	}
	defer os.RemoveAll(dir)
	report := filepath.Join(dir, "report")
	for _, step := range steps {
		result, err := step.run(ctx, root, mode, report)
		if err != nil {
			return record, err
		}
		record.Results = append(record.Results, result)
		tell(result)
	}
	record.Counts, err = readReport(report)
	return record, err
}

func (s Step) run(ctx context.Context, root string, mode Mode, report string) (Result, error) {
	command := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	command.Dir = root
	command.Env = append(os.Environ(), law.ReportFile+"="+report)
	command.Env = append(command.Env, s.Settings[mode]...)
	var output, detail bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if s.Detailed {
		command.Stdout = &detail
	}
	began := time.Now()
	err := command.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) || ctx.Err() != nil {
		return Result{}, errors.Join(err, ctx.Err())
	}
	output.Write(detail.Bytes())
	return Result{
		Step: s.Name, Command: s.line(mode), Passed: err == nil, Count: s.count(output.String()),
		Took: time.Since(began), Detail: detail.Bytes(), Output: output.String(),
	}, nil
}

// line is the command as one types it.
func (s Step) line(mode Mode) string {
	words := slices.Concat(s.Settings[mode], s.Command)
	for i, word := range words {
		if strings.ContainsAny(word, "|^$ ") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

func readReport(path string) ([]law.Count, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no step has laws
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	counts, err := law.ReadReport(file)
	slices.SortFunc(counts, func(a, b law.Count) int {
		return strings.Compare(string(a.Kind)+" "+a.Name, string(b.Kind)+" "+b.Name)
	})
	return counts, err
}

// commitOf is the commit that is checked out, with a + if there is more.
func commitOf(ctx context.Context, root string) string {
	commit, err := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changes, err := exec.CommandContext(ctx, "git", "-C", root, "status", "--porcelain", "--", "*.go").Output()
	if err != nil || len(changes) > 0 {
		return strings.TrimSpace(string(commit)) + "+"
	}
	return strings.TrimSpace(string(commit))
}

// Directory is where records are kept, from the project's root.
const Directory = "docs/verification"

// Keep writes a record where the pages are made from.
func (r Record) Keep(root string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, Directory), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, Directory, string(r.Mode)+".json"), append(text, '\n'), 0o644)
}

// Renew returns the record with the results of a later one in place of its own.
// It has to be one of steps that count no laws, such as the seeds: of others
// nobody knows which part of the old counts was theirs.
func (r Record) Renew(later Record) (Record, error) {
	if len(later.Counts) > 0 {
		return r, errors.New("steps that count laws are recorded all at once")
	}
	r.Results = slices.Clone(r.Results)
	for _, result := range later.Results {
		result.Commit = later.Commit
		if i := slices.IndexFunc(r.Results, func(old Result) bool { return old.Step == result.Step }); i >= 0 {
			r.Results[i] = result
		} else {
			r.Results = append(r.Results, result)
		}
	}
	return r, nil
}

// Recall reads a mode's record.
func Recall(root string, mode Mode) (r Record, err error) {
	text, err := os.ReadFile(filepath.Join(root, Directory, string(mode)+".json"))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}
