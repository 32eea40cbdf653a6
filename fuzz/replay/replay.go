// Package replay feeds recordings of the real Eureka, bilibili/discovery and
// Nacos through the public API of the kernels and compares every recorded value.
//
// A recording is a file of JSON lines, one case a line, gzipped if its name
// ends in .gz. The name up to the first dot is its kind: lease.a.jsonl.gz has
// the kind "lease". The formats are described in ../testdata, by a README.md
// beside each original's recordings.
package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnknownKind is wrapped by the error for a file whose kind has no
// replayer.
var ErrUnknownKind = errors.New("unknown kind of recording")

// A replayer replays one case. An error says that the case could not be
// replayed, or not to its end; it is then skipped.
type replayer func(line []byte, c *checker) error

// replayers maps a kind to what replays its cases.
var replayers = map[string]replayer{
	"bilibili":      replayBilibili,
	"compensation":  replayCompensation,
	"evict":         replayEvict,
	"javarandom":    replayJavaRandom,
	"lease":         replayLease,
	"nacosbeat":     replayNacosBeat,
	"nacoscheck":    replayNacosCheck,
	"nacosreactor":  replayReactor,
	"nacosscenario": replayNacosScenario,
	"rate":          replayRate,
	"scenario":      replayScenario,
	"supervisor":    replaySupervisor,
	"threshold":     replayThreshold,
}

// Kinds returns the kinds that can be replayed, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(replayers)) }

// Mismatch is one value that came out differently from the recording.
type Mismatch struct {
	Case string // the case's id
	Step int    // index of the operation in the case, from 0
	What string // the value's name
	Want string // as recorded
	Got  string
}

func (m Mismatch) String() string {
	return fmt.Sprintf("%s step %d: %s is %s, recorded %s", m.Case, m.Step, m.What, m.Got, m.Want)
}

// Skip is a case that was not replayed to its end, and why.
type Skip struct {
	Case   string
	Reason string
}

// maxKept bounds the mismatches that a Result keeps; all are counted.
const maxKept = 20

// Result is what the replay of one file found.
type Result struct {
	Name       string // the file's base name
	Cases      int
	Checks     int // compared values
	Mismatches int
	First      []Mismatch // the first mismatches, 20 at most
	Skipped    []Skip     // all cases that were not replayed to their end
}

// OK reports whether everything was replayed and nothing differed.
func (r Result) OK() bool { return r.Mismatches == 0 && len(r.Skipped) == 0 }

// Endings are those of recordings.
var Endings = []string{".jsonl", ".jsonl.gz"}

// Files returns the files that the paths name: files as they are, and from
// directories, at any depth, those with one of the endings, in lexical order.
// It fails if a path cannot be read or a directory has none.
func Files(endings []string, paths ...string) ([]string, error) {
	wanted := func(file string) bool {
		return slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(file, ending) })
	}
	var files []string
	for _, path := range paths {
		before := len(files)
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if file == path || wanted(file) {
				if !entry.IsDir() {
					files = append(files, file)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no %s file in it", path, strings.Join(endings, " or "))
		}
	}
	return files, nil
}

// File replays one recording. It fails if the file cannot be read, holds no
// case, a line that is not a case, or two cases of one id, or if it is of an
// unknown kind.
func File(path string) (Result, error) {
	if _, err := replayerOf(path); err != nil {
		return Result{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	lines := io.Reader(file)
	if strings.HasSuffix(path, ".gz") {
		if lines, err = gzip.NewReader(file); err != nil {
			return Result{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return Lines(path, lines)
}

// Lines replays a recording that the caller has opened, and decompressed if it
// was gzipped. The base of name tells its kind, as a file's name would.
func Lines(name string, lines io.Reader) (Result, error) {
	replay, err := replayerOf(name)
	if err != nil {
		return Result{}, err
	}
	c := &checker{result: Result{Name: filepath.Base(name)}, seen: make(map[string]bool)}
	if err := c.replayAll(lines, replay); err != nil {
		return Result{}, fmt.Errorf("%s: %w", name, err)
	}
	return c.result, nil
}

// replayerOf returns what replays the cases of the recording at path.
func replayerOf(path string) (replayer, error) {
	kind, _, _ := strings.Cut(filepath.Base(path), ".")
	replay, ok := replayers[kind]
	if !ok {
		return nil, fmt.Errorf("%s: %w: %q is none of %s", path, ErrUnknownKind, kind, strings.Join(Kinds(), ", "))
	}
	return replay, nil
}

func (c *checker) replayAll(lines io.Reader, replay replayer) error {
	reader := bufio.NewReader(lines)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err // what was read of the line is not to blame
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if err := c.replayCase(line, replay); err != nil {
				return err
			}
		}
		if err != nil {
			break
		}
	}
	if c.result.Cases == 0 {
		return errors.New("it has no case")
	}
	return nil
}

func (c *checker) replayCase(line []byte, replay replayer) error {
	c.result.Cases++
	var header struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(line, &header); err != nil {
		return fmt.Errorf("case %d: %w", c.result.Cases, err)
	}
	if header.ID == "" {
		return fmt.Errorf("case %d: it has no id", c.result.Cases)
	}
	if c.seen[header.ID] {
		return fmt.Errorf("case %d: there was a case %q before", c.result.Cases, header.ID)
	}
	c.seen[header.ID] = true
	c.id, c.step = header.ID, 0
	if err := replay(line, c); err != nil {
		c.skip(err)
	}
	return nil
}
