package report

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestWrittenRunIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	want := older()
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

const sampleText = `{"workload":"renew","metric":"ns/op","procs":1,"peer":"ours","round":0,"value":1}`

func TestReadRefuses(t *testing.T) {
	run := func(samples string) string { return `{"cores":2,"samples":[` + samples + `]}` }
	for name, row := range map[string]struct{ text, want string }{
		"nothing":             {"", "EOF"},
		"no JSON":             {"ns/op", "invalid character"},
		"two runs":            {run(sampleText) + run(sampleText), "there is something after the run"},
		"a field of a run":    {`{"cores":2,"kores":2,"samples":[` + sampleText + `]}`, `"kores"`},
		"a field of a sample": {run(strings.Replace(sampleText, "round", "raund", 1)), `"raund"`},
		"no samples":          {run(""), "samples: there is none"},
		"no cores":            {`{"samples":[` + sampleText + `]}`, "cores is 0: must be at least 1"},
		"time":                {`{"cores":2,"took_ns":-1,"samples":[` + sampleText + `]}`, "took_ns is -1: must not be negative"},
		"text for a number":   {run(strings.Replace(sampleText, `"value":1`, `"value":"1"`, 1)), "value"},
		"negative":            {run(strings.Replace(sampleText, `"value":1`, `"value":-1`, 1)), "samples[0].value is -1: must be a number of 0 or more"},
		"no name": {run(strings.Replace(sampleText, `"ours"`, `""`, 1)),
			`samples[0].peer is "": must be a name`},
		"no processors": {run(strings.Replace(sampleText, `"procs":1`, `"procs":0`, 1)), "samples[0].procs is 0: must be at least 1"},
		"the same twice": {run(strings.Replace(sampleText, "ours", "other", 1) + "," + sampleText + "," + sampleText),
			"samples[2]: samples[1] has the same case, peer and round"},
	} {
		path := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); !os.IsNotExist(err) {
		t.Errorf("no file: got %v", err)
	}
}

// Everything that is wrong is said at once, and nothing is written.
func TestWriteRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	run := Run{Cores: 1, Samples: []Sample{
		{Case: Case{Leases: -1, Procs: 1}, Peer: ours, Round: -1, Value: math.NaN(), Load: math.Inf(1)},
	}}
	err := run.Write(path)
	for _, want := range []string{path + ": ",
		`samples[0].workload is "": must be a name`, `samples[0].metric is "": must be a name`, "samples[0].leases is -1: must not be negative",
		"samples[0].round is -1: must not be negative", "samples[0].value is NaN: must be a number of 0 or more", "samples[0].load is +Inf: must be a number of 0 or more",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was written: %v", err)
	}
}
