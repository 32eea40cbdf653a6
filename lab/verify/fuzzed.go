package verify

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Fuzzed is what became of one run of a native fuzz target.
type Fuzzed struct {
	Package     string        `json:"package"`
	Target      string        `json:"target"`
	CPU         time.Duration `json:"cpu_ns"` // of all processes
	Inputs      int           `json:"inputs"`
	Interesting int           `json:"interesting"` // inputs that reached new code
	Crashers    int           `json:"crashers"`
	Output      string        `json:"-"`
}

// FuzzedFile is where runs are kept, one a line, from the project's root.
const FuzzedFile = Directory + "/fuzz.jsonl"

// recallFuzzed adds up the runs of each target.
func recallFuzzed(root string) (all []Fuzzed, err error) {
	file, err := os.Open(filepath.Join(root, FuzzedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := json.NewDecoder(file); ; {
		var one Fuzzed
		if err := lines.Decode(&one); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(f Fuzzed) bool { return f.Package == one.Package && f.Target == one.Target })
		if i < 0 {
			all = append(all, one)
			continue
		}
		all[i].CPU += one.CPU
		all[i].Inputs += one.Inputs
		all[i].Interesting += one.Interesting
		all[i].Crashers += one.Crashers
	}
}
