package mutant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// patience is how long a mutant may take, in lengths of the tests' own time and
// in addition: the machine has other things to do, too.
const (
	patienceFactor = 8
	patience       = 10 * time.Second
)

// memory is the address space that a mutant gets, in KiB: a loop that never
// ends may take all there is.
const memory = 8 << 20

// Judge runs the tests of one package against its mutants. Its method may be
// called from several goroutines.
type Judge struct {
	root, dir string
	scratch   string
	blocks    []block
	phases    []phase
}

// phase is a part of the tests.
type phase struct {
	args []string
	time time.Duration
}

// block is a part of a file that is run as a whole.
type block struct {
	file                       string
	line, column               int
	endLine, endColumn, counts int
}

// NewJudge runs the tests of a package as they are, which have to pass. Its
// files go below scratch, which belongs to the caller.
func NewJudge(ctx context.Context, root, dir, scratch string) (*Judge, error) {
	j := &Judge{root: root, dir: dir, scratch: scratch}
	profile := filepath.Join(scratch, "cover")
	out, err := j.command(ctx, "go", "test", "-v", "-count=1", "-vet=off", "-coverprofile", profile, "./"+dir).Output()
	if err != nil {
		return nil, fmt.Errorf("the tests of %s fail without a fault: %w\n%s", dir, err, out)
	}
	j.phases = phases(out)
	j.blocks, err = readProfile(profile)
	return j, err
}

func (j *Judge) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = j.root
	return command
}

var passed = regexp.MustCompile(`(?m)^--- PASS: (\S+) \((\d+\.\d+)s\)$`)

// phases returns the parts of the tests of which verbose output tells: the
// slow ones are the second part.
func phases(output []byte) []phase {
	var quickly, slowly time.Duration
	var names []string
	for _, match := range passed.FindAllSubmatch(output, -1) {
		seconds, _ := strconv.ParseFloat(string(match[2]), 64)
		took := time.Duration(seconds * float64(time.Second))
		if took < slow {
			quickly += took
			continue
		}
		slowly += took
		names = append(names, string(match[1]))
	}
	if len(names) == 0 {
		return []phase{{nil, quickly}}
	}
	pattern := "^(" + strings.Join(names, "|") + ")$"
	return []phase{{[]string{"-test.skip", pattern}, quickly}, {[]string{"-test.run", pattern}, slowly}}
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

// Try says what becomes of m, which is one of the package's mutants.
func (j *Judge) Try(ctx context.Context, m Mutant) (Verdict, error) {
	if j.uncovered(m) {
		return NotCovered, nil
	}
	scratch, err := os.MkdirTemp(j.scratch, "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	binary := filepath.Join(scratch, "tests")
	if err := j.build(ctx, m, scratch, binary); err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) && ctx.Err() == nil {
			return NotViable, nil
		}
		return "", err
	}
	for _, phase := range j.phases {
		if verdict, err := j.run(ctx, binary, phase); verdict != Survived || err != nil {
			return verdict, err
		}
	}
	return Survived, nil
}

// build compiles the tests of the package with m in it.
func (j *Judge) build(ctx context.Context, m Mutant, scratch, binary string) error {
	source := filepath.Join(scratch, "mutant.go")
	overlay := filepath.Join(scratch, "overlay.json")
	replace, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(j.root, filepath.FromSlash(m.File)): source},
	})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(source, m.source, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return err
	}
	return j.command(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w",
		"-overlay", overlay, "-o", binary, "./"+j.dir).Run()
}

// run runs a part of the tests in the package's directory.
func (j *Judge) run(ctx context.Context, binary string, p phase) (Verdict, error) {
	limited, cancel := context.WithTimeout(ctx, patienceFactor*p.time+patience)
	defer cancel()
	limit := fmt.Sprintf(`ulimit -v %d 2>/dev/null; exec "$0" "$@"`, memory)
	command := j.command(limited, "sh", append([]string{"-c", limit, binary, "-test.failfast"}, p.args...)...)
	command.Dir = filepath.Join(j.root, filepath.FromSlash(j.dir))
	err := command.Run()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case limited.Err() != nil:
		return TimedOut, nil
	case errors.As(err, &failed):
		return Killed, nil
	case err != nil:
		return "", err
	}
	return Survived, nil
}
