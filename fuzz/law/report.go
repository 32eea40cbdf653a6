package law

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
)

// ReportFile is the environment variable that names the file to which [Main]
// adds what was counted. Without it nothing is written.
const ReportFile = "LEASEKERNEL_LAW_REPORT"

// A Count is one line of a report: how many cases of what.
type Count struct {
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Text  string `json:"text,omitempty"` // a law's
	Cases uint64 `json:"cases"`
}

// Kind is what is counted.
type Kind string

// What is counted: cases in which a law was kept, steps of a machine under a
// random source, concurrent histories that were judged, schedules that were run
// to the end, and the scenes of which they are all.
const (
	Kept      Kind = "law"
	Steps     Kind = "steps"
	Histories Kind = "histories"
	Schedules Kind = "schedules"
	Scenes    Kind = "scenes"
)

var counts struct {
	sync.Mutex
	of []Count
}

// Add counts cases of something that is not a law.
func Add(kind Kind, name string, cases int) {
	counts.Lock()
	defer counts.Unlock()
	i := slices.IndexFunc(counts.of, func(c Count) bool { return c.Kind == kind && c.Name == name })
	if i < 0 {
		i = len(counts.of)
		counts.of = append(counts.of, Count{Kind: kind, Name: name})
	}
	counts.of[i].Cases += uint64(cases)
}

// Counts are all that was counted, the laws first.
func Counts() []Count {
	var all []Count
	for _, law := range All() {
		all = append(all, Count{Kind: Kept, Name: law.name, Text: law.text, Cases: law.Cases()})
	}
	counts.Lock()
	defer counts.Unlock()
	return append(all, counts.of...)
}

// Main runs the tests of a package, writes the report if one is asked for, and
// returns the exit status. It is what a TestMain does.
func Main(m *testing.M) int {
	status := m.Run()
	if path := os.Getenv(ReportFile); path != "" {
		if err := appendReport(path); err != nil {
			fmt.Fprintln(os.Stderr, "law:", err)
			return max(status, 1)
		}
	}
	return status
}

func appendReport(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(file)
	for _, count := range Counts() {
		if err := lines.Encode(count); err != nil {
			file.Close()
			return err
		}
	}
	return file.Close()
}

// ReadReport reads what one or more runs have written, and adds up what they
// have in common.
func ReadReport(r io.Reader) ([]Count, error) {
	var all []Count
	for lines := json.NewDecoder(r); ; {
		var one Count
		switch err := lines.Decode(&one); {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("law: count %d of the report: %w", len(all)+1, err)
		}
		i := slices.IndexFunc(all, func(c Count) bool { return c.Kind == one.Kind && c.Name == one.Name })
		if i < 0 {
			all = append(all, one)
		} else {
			all[i].Cases += one.Cases
		}
	}
}
