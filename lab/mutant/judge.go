package mutant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Verdict is what has become of a mutant.
type Verdict string

// The verdicts.
const (
	Killed     Verdict = "killed"   // a test has failed
	Survived   Verdict = "survived" // all tests pass
	TimedOut   Verdict = "timed out"
	NotCovered Verdict = "not covered" // no test comes there
	NotViable  Verdict = "not viable"  // it does not compile
)

// slow is how long a test takes that is only run when all others have passed.
const slow = 100 * time.Millisecond

// A mutant has timed out when it has used several times the processor time of
// the tests as they are, and some seconds more. One that only waits has when
// several times the time has passed, and more: the machine may have other
// things to do.
const (
	patience     = 5 // times the tests' own
	moreOfCPU    = 3 * time.Second
	moreOfTheDay = time.Minute
)

// memory is the address space that a mutant gets, in KiB: a loop that never
// ends may take all there is.
const memory = 8 << 20

// Judge runs the tests of one package against its mutants.
type Judge struct {
	root, dir string
	scratch   string
	mutants   []Mutant
	blocks    []block
	phases    []phase
	together  string       // the tests with all mutants in them, but those that are
	alone     map[int]bool // outside of functions and are built one by one, and
	broken    map[int]bool // those that do not compile
}

// phase is a part of the tests.
type phase struct {
	args      []string
	cpu, took time.Duration // without a fault; 0: not known yet
}

// block is a part of a file that is run as a whole.
type block struct {
	file                       string
	line, column               int
	endLine, endColumn, counts int
}

// NewJudge returns the judge of mutants of the package in dir, whose tests have
// to pass without a fault. Its files go below scratch, which belongs to the
// caller.
func NewJudge(ctx context.Context, root, dir, scratch string, mutants []Mutant) (*Judge, error) {
	j := &Judge{root: root, dir: dir, scratch: scratch, mutants: mutants,
		together: filepath.Join(scratch, "tests"), alone: make(map[int]bool), broken: make(map[int]bool)}
	profile := filepath.Join(scratch, "cover")
	out, err := j.command(ctx, "go", "test", "-v", "-count=1", "-vet=off", "-coverprofile", profile, "./"+dir).Output()
	if err != nil {
		return nil, fmt.Errorf("the tests of %s fail without a fault: %w\n%s", dir, err, out)
	}
	parts := phases(out)
	if j.blocks, err = readProfile(profile); err != nil {
		return nil, err
	}
	if err := j.buildTogether(ctx); err != nil {
		return nil, err
	}
	for _, args := range parts {
		start := time.Now()
		verdict, cpu, err := j.run(ctx, j.together, none, phase{args: args})
		if err == nil && verdict != Survived {
			err = errors.New("the tests do not bear that functions are copied")
		}
		if err != nil {
			return nil, fmt.Errorf("%s without a fault: %w", dir, err)
		}
		j.phases = append(j.phases, phase{args, cpu, time.Since(start)})
	}
	return j, nil
}

// none is the number of no mutant.
const none = -1

// buildTogether builds one binary for all mutants, and finds out which of them
// do not compile.
func (j *Judge) buildTogether(ctx context.Context) error {
	for {
		overlay, err := j.schemata()
		if err != nil {
			return err
		}
		out, err := j.build(ctx, overlay, j.together)
		if err == nil {
			return nil
		}
		before := len(j.broken)
		for _, match := range complaint.FindAllSubmatch(out, -1) {
			if i, err := strconv.Atoi(string(match[1])); err == nil {
				j.broken[i] = true
			}
		}
		if len(j.broken) == before {
			return fmt.Errorf("%s with its mutants: %w\n%s", j.dir, err, out)
		}
	}
}

var complaint = regexp.MustCompile(`mutant(\d+)\.go:\d+`)

// schemata returns the sources of the package with all mutants in them that
// are neither broken nor outside of functions.
func (j *Judge) schemata() (map[string]string, error) {
	overlay := make(map[string]string)
	numbers := make(map[string]map[int]Mutant)
	for i, m := range j.mutants {
		if m.Func == "" {
			j.alone[i] = true
			continue
		}
		if numbers[m.File] == nil {
			numbers[m.File] = make(map[int]Mutant)
		}
		if !j.broken[i] {
			numbers[m.File][i] = m
		}
	}
	for file, mutants := range numbers {
		source, err := os.ReadFile(j.path(file))
		if err != nil {
			return nil, err
		}
		text, name, err := schema(file, source, mutants)
		if err != nil {
			return nil, err
		}
		overlay[file] = text
		overlay[filepath.ToSlash(filepath.Join(j.dir, active+".go"))] = activeFile(name)
	}
	return overlay, nil
}

func (j *Judge) path(file string) string { return filepath.Join(j.root, filepath.FromSlash(file)) }

func (j *Judge) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = j.root
	return command
}

var passed = regexp.MustCompile(`(?m)^--- PASS: (\S+) \((\d+\.\d+)s\)$`)

// phases returns the arguments that run the parts of the tests of which
// verbose output tells: the slow ones are the second part.
func phases(output []byte) [][]string {
	var names []string
	for _, match := range passed.FindAllSubmatch(output, -1) {
		if seconds, err := strconv.ParseFloat(string(match[2]), 64); err == nil && seconds >= slow.Seconds() {
			names = append(names, string(match[1]))
		}
	}
	if len(names) == 0 {
		return [][]string{nil}
	}
	pattern := "^(" + strings.Join(names, "|") + ")$"
	return [][]string{{"-test.skip", pattern}, {"-test.run", pattern}}
}

func readProfile(path string) ([]block, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var blocks []block
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var b block
		var statements int
		file, rest, found := strings.Cut(lines.Text(), ".go:")
		if !found {
			continue
		}
		b.file = file[strings.LastIndexByte(file, '/')+1:] + ".go"
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d",
			&b.line, &b.column, &b.endLine, &b.endColumn, &statements, &b.counts); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, lines.Text(), err)
		}
		blocks = append(blocks, b)
	}
	return blocks, lines.Err()
}

// uncovered reports whether no test comes to m. What is in no block, such as
// the condition of a case clause, counts as covered.
func (j *Judge) uncovered(m Mutant) bool {
	uncovered := false
	for _, b := range j.blocks {
		if b.file != filepath.Base(m.File) || !b.holds(m.pos.Line, m.pos.Column) {
			continue
		}
		if b.counts > 0 {
			return false
		}
		uncovered = true
	}
	return uncovered
}

func (b block) holds(line, column int) bool {
	afterStart := line > b.line || line == b.line && column >= b.column
	beforeEnd := line < b.endLine || line == b.endLine && column < b.endColumn
	return afterStart && beforeEnd
}

// Try says what becomes of mutant i. It may be called from several goroutines.
func (j *Judge) Try(ctx context.Context, i int) (Verdict, error) {
	switch m := j.mutants[i]; {
	case j.broken[i]:
		return NotViable, nil
	case j.uncovered(m):
		return NotCovered, nil
	case j.alone[i]:
		return j.tryAlone(ctx, i)
	}
	return j.runAll(ctx, j.together, i)
}

// tryAlone is Try for a mutant with a binary of its own.
func (j *Judge) tryAlone(ctx context.Context, i int) (Verdict, error) {
	m := j.mutants[i]
	source, err := os.ReadFile(j.path(m.File))
	if err != nil {
		return "", err
	}
	binary := filepath.Join(j.scratch, fmt.Sprintf("tests%d", i))
	defer os.Remove(binary)
	_, err = j.build(ctx, map[string]string{m.File: m.in(source, 0, len(source))}, binary)
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.As(err, &failed):
		return NotViable, nil
	case err != nil:
		return "", err
	}
	return j.runAll(ctx, binary, i)
}

// build compiles the tests of the package with other texts for some files. It
// returns what the compiler says.
func (j *Judge) build(ctx context.Context, texts map[string]string, binary string) ([]byte, error) {
	scratch, err := os.MkdirTemp(j.scratch, "build")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	replace := make(map[string]string)
	for file, text := range texts {
		path := filepath.Join(scratch, filepath.Base(file))
		replace[j.path(file)] = path
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		return nil, err
	}
	return j.command(ctx, "go", "test", "-c", "-vet=off", "-gcflags=-e", "-ldflags=-s -w",
		"-overlay", path, "-o", binary, "./"+j.dir).CombinedOutput()
}

// runAll runs the tests with mutant i alive.
func (j *Judge) runAll(ctx context.Context, binary string, i int) (Verdict, error) {
	for _, phase := range j.phases {
		if verdict, _, err := j.run(ctx, binary, i, phase); verdict != Survived || err != nil {
			return verdict, err
		}
	}
	return Survived, nil
}

// run runs a part of the tests in the package's directory. It also returns the
// processor time.
func (j *Judge) run(ctx context.Context, binary string, i int, p phase) (verdict Verdict, cpu time.Duration, err error) {
	most := "unlimited"
	if p.took > 0 {
		limited, cancel := context.WithTimeout(ctx, patience*p.took+moreOfTheDay)
		defer cancel()
		ctx = limited
		most = strconv.FormatFloat(math.Ceil((patience*p.cpu + moreOfCPU).Seconds()), 'f', 0, 64)
	}
	// Without a timeout of its own the runtime sees when all goroutines wait.
	limits := fmt.Sprintf(`ulimit -v %d 2>/dev/null; ulimit -t %s; exec "$0" "$@"`, memory, most)
	command := j.command(ctx, "sh", append([]string{"-c", limits, binary, "-test.failfast", "-test.timeout=0"}, p.args...)...)
	command.Dir = j.path(j.dir)
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", active, i))
	err = command.Run()
	if command.ProcessState != nil {
		cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	}
	var failed *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), p.took > 0 && cpu >= patience*p.cpu+moreOfCPU:
		return TimedOut, cpu, nil
	case ctx.Err() != nil:
		return "", cpu, ctx.Err()
	case errors.As(err, &failed) && failed.ExitCode() < 0: // by a signal: tests that fail exit
		return TimedOut, cpu, nil
	case errors.As(err, &failed):
		return Killed, cpu, nil
	case err != nil:
		return "", cpu, err
	}
	return Survived, cpu, nil
}
