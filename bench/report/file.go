package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// Read reads a run that Write has written. It refuses fields that it does not
// know, and a run that a table could not be made of; the error names the file
// and everything that is wrong with it.
func Read(path string) (Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Run{}, err
	}
	run, err := decode(text)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w", path, err)
	}
	return run, nil
}

func decode(text []byte) (Run, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var run Run
	if err := decoder.Decode(&run); err != nil {
		return Run{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Run{}, errors.New("there is something after the run")
	}
	return run, run.check()
}

// Write writes the run as JSON, a sample a line. It refuses what Read would.
func (r Run) Write(path string) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text, err := r.encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o644)
}

func (r Run) encode() ([]byte, error) {
	samples := r.Samples
	r.Samples = nil
	head, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	text := append(bytes.TrimSuffix(head, []byte("null\n}")), '[')
	separator := "\n    "
	for _, s := range samples {
		line, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		text = append(append(text, separator...), line...)
		separator = ",\n    "
	}
	return append(text, "\n  ]\n}\n"...), nil
}

func (r Run) check() error {
	var errs []error
	if r.Took < 0 {
		errs = append(errs, invalid("took_ns", int64(r.Took), "must not be negative"))
	}
	if r.Cores < 1 {
		errs = append(errs, invalid("cores", r.Cores, "must be at least 1"))
	}
	if len(r.Samples) == 0 {
		errs = append(errs, errors.New("samples: there is none"))
	}
	type place struct {
		Case
		peer  string
		round int
	}
	seen := map[place]int{}
	for i, s := range r.Samples {
		field := fmt.Sprintf("samples[%d]", i)
		errs = append(errs, s.check(field))
		at := place{s.Case, s.Peer, s.Round}
		if first, ok := seen[at]; ok {
			errs = append(errs, fmt.Errorf("%s: samples[%d] has the same case, peer and round", field, first))
			continue
		}
		seen[at] = i
	}
	return errors.Join(errs...)
}

func (s Sample) check(field string) error {
	var errs []error
	for _, row := range []struct{ name, value string }{{"workload", s.Workload}, {"metric", s.Metric}, {"peer", s.Peer}} {
		if row.value == "" {
			errs = append(errs, invalid(field+"."+row.name, `""`, "must be a name"))
		}
	}
	if s.Leases < 0 {
		errs = append(errs, invalid(field+".leases", s.Leases, "must not be negative"))
	}
	if s.Procs < 1 {
		errs = append(errs, invalid(field+".procs", s.Procs, "must be at least 1"))
	}
	if s.Round < 0 {
		errs = append(errs, invalid(field+".round", s.Round, "must not be negative"))
	}
	if !measured(s.Value) {
		errs = append(errs, invalid(field+".value", s.Value, "must be a number of 0 or more"))
	}
	if !measured(s.Load) {
		errs = append(errs, invalid(field+".load", s.Load, "must be a number of 0 or more"))
	}
	return errors.Join(errs...)
}

// measured says whether a value can be a measured one: no NaN, for one.
func measured(value float64) bool { return value >= 0 && !math.IsInf(value, 1) }

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%s is %v: %s", field, value, rule)
}
