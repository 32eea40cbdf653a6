package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const recordings = "../testdata"

// documented is the number of cases in each file, as its README.md has it.
var documented = map[string]int{
	"bilibili.a.jsonl.gz":          340,
	"compensation.a.jsonl.gz":      400,
	"evict.a.jsonl.gz":             1053,
	"javarandom.a.jsonl.gz":        220,
	"lease.a.jsonl.gz":             1250,
	"nacosbeat.a.jsonl.gz":         450,
	"nacoscheck.a.jsonl.gz":        1100,
	"nacosreactor.a.jsonl.gz":      340,
	"nacosscenario.a.jsonl.gz":     120,
	"rate.a.jsonl.gz":              320,
	"scenario.v1.2.5.a.jsonl.gz":   30,
	"scenario.v1.4.8.a.jsonl.gz":   30,
	"scenario.v1.4.12.a.jsonl.gz":  155,
	"scenario.v1.9.3.a.jsonl.gz":   30,
	"scenario.v1.9.4.a.jsonl.gz":   155,
	"scenario.v1.9.17.a.jsonl.gz":  30,
	"scenario.v2.0.6.a.jsonl.gz":   155,
	"supervisor.a.jsonl.gz":        450,
	"threshold.v1.2.5.a.jsonl.gz":  1521,
	"threshold.v1.4.8.a.jsonl.gz":  1521,
	"threshold.v1.4.12.a.jsonl.gz": 1521,
	"threshold.v1.9.3.a.jsonl.gz":  1521,
	"threshold.v1.9.4.a.jsonl.gz":  1521,
	"threshold.v1.9.17.a.jsonl.gz": 1521,
	"threshold.v2.0.6.a.jsonl.gz":  1521,
}

func TestRecordings(t *testing.T) {
	for _, file := range recordedFiles(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := File(file)
			if err != nil {
				t.Fatal(err)
			}
			if result.Cases != documented[name] {
				t.Errorf("%d cases, documented are %d", result.Cases, documented[name])
			}
			if result.Checks < result.Cases {
				t.Errorf("only %d values compared in %d cases", result.Checks, result.Cases)
			}
			reportAll(t, result)
		})
	}
}

func recordedFiles(t *testing.T) []string {
	t.Helper()
	files, err := Files(Endings, recordings)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func reportAll(t *testing.T, result Result) {
	t.Helper()
	for _, mismatch := range result.First {
		t.Error(mismatch)
	}
	for _, skip := range result.Skipped {
		t.Errorf("%s is skipped: %s", skip.Case, skip.Reason)
	}
	if !result.OK() {
		t.Errorf("%d mismatches, %d skipped", result.Mismatches, len(result.Skipped))
	}
}

func TestRecordingsAreTheDocumentedOnes(t *testing.T) {
	var names []string
	kinds := map[string]bool{}
	for _, file := range recordedFiles(t) {
		name := filepath.Base(file)
		names = append(names, name)
		kind, _, _ := strings.Cut(name, ".")
		kinds[kind] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(documented)), slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("files (-documented +found)\n%s", diff)
	}
	if diff := cmp.Diff(Kinds(), slices.Sorted(maps.Keys(kinds))); diff != "" {
		t.Errorf("kinds (-replayed +recorded)\n%s", diff)
	}
}

// sampleEvery is the distance between the cases whose outputs are falsified.
const sampleEvery = 40

// A replay that compares nothing passes as well. So every recorded output is
// falsified, one at a time, and each has to be noticed.
func TestEveryRecordedOutputIsChecked(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long, and no two goroutines share anything in it")
	}
	for _, file := range recordedFiles(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			falsified := 0
			for i, line := range readLines(t, file) {
				if i%sampleEvery == 0 {
					falsified += falsifyCase(t, name, line)
				}
			}
			t.Logf("%d falsified outputs", falsified)
			if falsified < documented[name]/sampleEvery {
				t.Errorf("only %d outputs were falsified", falsified)
			}
		})
	}
}

func readLines(t *testing.T, path string) [][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(content), []byte("\n"))
}

// falsifyCase replays one case with each of its outputs falsified, and
// returns how many there were.
func falsifyCase(t *testing.T, name string, line []byte) int {
	t.Helper()
	fields := map[string]json.RawMessage{}
	mustDecode(t, line, &fields)
	var id string
	mustDecode(t, fields["id"], &id)
	var outputs any
	mustDecode(t, fields["outputs"], &outputs)
	delete(fields, "outputs")
	head := bytes.TrimSuffix(mustEncode(t, fields), []byte("}"))
	all := thinned(falsify(outputs))
	for _, wrong := range all {
		falsified := slices.Concat(head, []byte(`,"outputs":`), mustEncode(t, wrong.value), []byte("}"))
		result, err := Lines(name, bytes.NewReader(falsified))
		if err != nil {
			t.Errorf("%s: outputs%s: %v", id, wrong.what, err)
		} else if !names(result, id) {
			t.Errorf("%s: outputs%s goes unnoticed", id, wrong.what)
		}
	}
	return len(all)
}

// thinned returns all of a few falsehoods, and every 37th of many: those of a
// scenario are thousands, of which each takes the whole scenario to notice.
func thinned(all []falsehood) (kept []falsehood) {
	const many, every = 1000, 37
	if len(all) <= many {
		return all
	}
	for i := 0; i < len(all); i += every {
		kept = append(kept, all[i])
	}
	return kept
}

// names reports whether the result blames the case.
func names(result Result, id string) bool {
	return slices.ContainsFunc(result.First, func(m Mismatch) bool { return m.Case == id }) ||
		slices.ContainsFunc(result.Skipped, func(s Skip) bool { return s.Case == id })
}

// mustDecode keeps numbers as they were written: no float64 holds them all.
func mustDecode(t *testing.T, text []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func mustEncode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// falsehood is a value with one thing in it that was not recorded.
type falsehood struct {
	what  string // where it is, and what it says
	value any
}

// falsify returns the value with each of its leaves changed or made null, each
// of its fields left out, and each of its arrays cut short, one at a time.
func falsify(value any) (all []falsehood) {
	if value != nil {
		all = append(all, falsehood{" became null", nil})
	}
	switch value := value.(type) {
	case nil:
		return []falsehood{{": null became 1", json.Number("1")}}
	case json.Number:
		return append(all, falsifyNumber(value)...)
	case bool:
		return append(all, falsehood{fmt.Sprintf(": %t became %t", value, !value), !value})
	case string:
		return append(all, falsehood{": " + value + " got longer", value + "x"})
	case []any:
		return append(all, falsifyArray(value)...)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			for _, wrong := range falsify(value[key]) {
				changed := maps.Clone(value)
				changed[key] = wrong.value
				all = append(all, falsehood{"." + key + wrong.what, changed})
			}
			without := maps.Clone(value)
			delete(without, key)
			all = append(all, falsehood{" without " + key, without})
		}
		return all
	}
	panic("a value that no recording holds")
}

// falsifyNumber adds 1, or takes it away where there is nothing above. A 0 or
// a 1 may be a boolean, which is also flipped. A fraction gets a digit more.
func falsifyNumber(recorded json.Number) []falsehood {
	n, err := recorded.Int64()
	if err != nil {
		return []falsehood{{": " + recorded.String() + " became another fraction", recorded + "1"}}
	}
	wrong := []int64{n + 1}
	switch n {
	case math.MaxInt64:
		wrong = []int64{n - 1}
	case 1:
		wrong = append(wrong, 0)
	}
	var all []falsehood
	for _, n := range wrong {
		text := strconv.FormatInt(n, 10)
		all = append(all, falsehood{": " + recorded.String() + " became " + text, json.Number(text)})
	}
	return all
}

func falsifyArray(value []any) (all []falsehood) {
	for _, i := range sampled(len(value)) {
		for _, wrong := range falsify(value[i]) {
			changed := slices.Clone(value)
			changed[i] = wrong.value
			all = append(all, falsehood{"[" + strconv.Itoa(i) + "]" + wrong.what, changed})
		}
	}
	if n := len(value); n > 0 {
		all = append(all, falsehood{": the last element is missing", value[:n-1]})
	}
	return all
}

// sampled returns all places of a short array, and three of a long one.
func sampled(length int) []int {
	if length > 64 {
		return []int{0, length / 2, length - 1}
	}
	places := make([]int, length)
	for i := range places {
		places[i] = i
	}
	return places
}

// scenarioOf is a scenario with one instance and the given events.
func scenarioOf(events string) string {
	return `{"id":"x","dialect":"v2.0.6","inputs":{"t0":0,"nano0":0,"endMs":0,"percent":0.85,"interval":30,"selfPreservation":true,` +
		`"evictIntervalMs":60000,"rateIntervalMs":60000,"thresholdUpdateMs":900000,"waitMs":300000,"jitterMaxMs":0,"tie":0,"faults":"",` +
		`"instances":[["APP","host:1",90,30000]],"events":` + events + `},"outputs":{"ticks":[],"final":{"expected":0,"threshold":0,"size":0,` +
		`"lastMin":0,"below":0,"evicted":0,"hash":"cbf29ce484222325"},"events":0}}`
}

// A case that cannot be replayed to its end is skipped, by name and reason.
func TestSkipsAreNamed(t *testing.T) {
	for _, broken := range []struct{ name, kind, line, reason string }{
		{"unknown field", "compensation", `{"id":"x","inputs":{"intervalMs":1,"nanos":[],"extra":1},"outputs":[]}`, `unknown field "extra"`},
		{"null", "lease", `{"id":"x","inputs":{"t0":0,"ops":[["new",90]]},"outputs":[[0,null,0,0,0]]}`, "case.outputs[0][1] is null"},
		{"missing field", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["start"]]},"outputs":[{}]}`, `case.outputs[0] has no field "n"`},
		{"field in other letters", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["start"]]},"outputs":[{"n":0,"N":1}]}`, `unknown field "N"`},
		{"array instead of object", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["start"]]},"outputs":[[0]]}`, "cannot unmarshal array"},
		{"object instead of array", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["start"]]},"outputs":{}}`, "cannot unmarshal object"},
		{"unknown field of the case", "compensation", `{"id":"x","inputs":{"intervalMs":1,"nanos":[]},"outputs":[],"note":""}`, `unknown field "note"`},
		{"fewer outputs", "compensation", `{"id":"x","inputs":{"intervalMs":1,"nanos":[0,1]},"outputs":[0]}`, "2 operations but 1 outputs"},
		{"more outputs", "supervisor", `{"id":"x","dialect":"v2.0.6","inputs":{"timeout":1,"unit":"SECONDS","timeoutMs":1000,"bound":10,"outcomes":[]},"outputs":{"delaysMs":[1]}}`, "0 operations but 1 outputs"},
		{"unknown operation", "lease", `{"id":"x","inputs":{"t0":0,"ops":[["new",90],["sing"]]},"outputs":[[0,0,0,0,0],[0,0,0,0,0]]}`, `unknown operation "sing"`},
		{"unknown operation of a meter", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["sing"]]},"outputs":[{"n":0}]}`, `unknown operation "sing"`},
		{"unknown operation of a calculator", "threshold", `{"id":"x","dialect":"v2.0.6","inputs":{"percent":0.85,"interval":30,"selfPreservation":true,"waitMs":0,"t0":0,"ops":[["sing",1]]},"outputs":[[0,0]]}`, `unknown operation "sing"`},
		{"operation without a name", "lease", `{"id":"x","inputs":{"t0":0,"ops":[[]]},"outputs":[[]]}`, "without a name"},
		{"operation without its argument", "threshold", `{"id":"x","dialect":"v2.0.6","inputs":{"percent":0.85,"interval":30,"selfPreservation":true,"waitMs":0,"t0":0,"ops":[["open"]]},"outputs":[[0,0]]}`, `"open" has no argument 0`},
		{"argument that is no integer", "rate", `{"id":"x","inputs":{"interval":1,"t0":0,"ops":[["inc",1.5]]},"outputs":[{"n":0}]}`, `operation "inc"`},
		{"lease before the first", "lease", `{"id":"x","inputs":{"t0":0,"ops":[["renew"]]},"outputs":[[0,0,0,0,0]]}`, "before the first lease"},
		{"output of another length", "lease", `{"id":"x","inputs":{"t0":0,"ops":[["new",90]]},"outputs":[[0,0,0,0]]}`, "an output of 4 values, not 5"},
		{"unknown dialect", "threshold", `{"id":"x","dialect":"v0.1.0","inputs":{"percent":0.85,"interval":30,"selfPreservation":true,"waitMs":0,"t0":0,"ops":[]},"outputs":[]}`, `"v0.1.0"`},
		{"unknown dialect of a supervisor", "supervisor", `{"id":"x","dialect":"v0.1.0","inputs":{"timeout":1,"unit":"SECONDS","timeoutMs":1000,"bound":10,"outcomes":[]},"outputs":{"delaysMs":[]}}`, `unknown dialect "v0.1.0"`},
		{"unknown outcome", "supervisor", `{"id":"x","dialect":"v2.0.6","inputs":{"timeout":1,"unit":"SECONDS","timeoutMs":1000,"bound":10,"outcomes":["sung"]},"outputs":{"delaysMs":[1]}}`, `unknown outcome "sung"`},
		{"ids that do not match", "evict", `{"id":"x","inputs":{"percent":0.85,"registrySize":2,"candidates":2,"seedMillis":0,"ids":["a/b"]},"outputs":{"limit":1,"toEvict":1,"victims":[],"victimCount":0,"posHash":"","sizeAfter":2}}`, "1 ids for 2 candidates"},
		{"number that is none", "evict", `{"id":"x","inputs":{"percent":"many","registrySize":2,"candidates":2,"seedMillis":0},"outputs":{"limit":1,"toEvict":1,"victims":[],"victimCount":0,"posHash":"","sizeAfter":2}}`, `"many" is not a number`},
		{"event that is cut off", "scenario", scenarioOf(`[0,0,0]`), "cut off"},
		{"unknown event", "scenario", scenarioOf(`[0,19]`), "unknown event 19"},
		{"unknown instance", "scenario", scenarioOf(`[0,0,1,90,0]`), "no instance 1"},
		{"instance of another length", "scenario", strings.Replace(scenarioOf(`[]`), `90,30000`, `90`, 1), "3 values, not 4"},
		{"pass that was not recorded", "scenario", scenarioOf(`[0,6,0]`), "pass 0 comes as number 0 of 0"},
		{"unknown dialect of a scenario", "scenario", strings.Replace(scenarioOf(`[]`), "v2.0.6", "v0.1.0", 1), `"v0.1.0"`},
		{"value of another type", "javarandom", `{"id":"x","inputs":{"seed":"0","bound":1,"shuffleSize":1},"outputs":{"nextIntBound":[],"nextInt":[],"shuffleDraws":[]}}`, "cannot unmarshal string"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			sound := `{"id":"x0","inputs":{"intervalMs":1,"nanos":[]},"outputs":[]}` + "\n"
			if broken.kind != "compensation" {
				sound = ""
			}
			result, err := Lines(broken.kind+".a.jsonl", strings.NewReader(sound+broken.line))
			if err != nil {
				t.Fatal(err)
			}
			if result.OK() || len(result.Skipped) != 1 {
				t.Fatalf("it is not skipped: %+v", result)
			}
			if skip := result.Skipped[0]; skip.Case != "x" || !strings.Contains(skip.Reason, broken.reason) {
				t.Errorf("skipped is %q because of %q, which does not say %q", skip.Case, skip.Reason, broken.reason)
			}
		})
	}
}

// What is no recording at all is an error, not a skipped case.
func TestFilesThatAreNoRecordings(t *testing.T) {
	sound := `{"id":"x","inputs":{"intervalMs":1,"nanos":[]},"outputs":[]}` + "\n"
	for _, broken := range []struct{ name, content, says string }{
		{"melody.a.jsonl", sound, `"melody" is none of bilibili, compensation`},
		{"compensation.a.jsonl", sound + "{", "case 2: unexpected end of JSON input"},
		{"compensation.b.jsonl", sound + sound[:20] + "\n" + sound, "case 2"},
		{"compensation.c.jsonl", sound + `{"inputs":{}}`, "case 2: it has no id"},
		{"compensation.d.jsonl", `{"id":7}`, "case 1: json: cannot unmarshal number"},
		{"compensation.e.jsonl", strings.TrimSpace(sound) + " " + sound, "case 1: invalid character"},
		{"compensation.f.jsonl.gz", sound, "gzip: invalid header"},
		{"compensation.g.jsonl.gz", zipped(t, sound)[:20], "unexpected EOF"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			path := writeFile(t, t.TempDir(), broken.name, broken.content)
			result, err := File(path)
			if err == nil {
				t.Fatalf("it is replayed: %+v", result)
			}
			if !strings.Contains(err.Error(), broken.says) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("%q does not begin with the path and say %q", err, broken.says)
			}
		})
	}
}

func TestErrorsCanBeTold(t *testing.T) {
	if _, err := File("melody.a.jsonl"); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := Lines("melody.a.jsonl", strings.NewReader("")); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind of lines: %v", err)
	}
	if _, err := File(filepath.Join(t.TempDir(), "lease.a.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	directory := filepath.Join(t.TempDir(), "lease.jsonl")
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := File(directory); err == nil {
		t.Error("a directory is replayed")
	}
	if _, err := Lines("lease.a.jsonl", unreadable{}); !errors.Is(err, errUnreadable) {
		t.Errorf("unreadable lines: %v", err)
	}
}

var errUnreadable = errors.New("unreadable")

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errUnreadable }

func zipped(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := io.WriteString(writer, text); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func writeFile(t *testing.T, directory, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(directory, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Blank lines and a missing newline at the end are nothing; a mismatch says
// where it is.
func TestFileResult(t *testing.T) {
	content := "\n" +
		`{"id":"sound","inputs":{"intervalMs":1,"nanos":[1,5000001]},"outputs":[0,4]}` + "\n \n" +
		`{"id":"wrong","inputs":{"intervalMs":1,"nanos":[1,5000001]},"outputs":[0,3]}`
	want := Result{
		Name: "compensation.a.jsonl.gz", Cases: 2, Checks: 4, Mismatches: 1,
		First: []Mismatch{{Case: "wrong", Step: 1, What: "compensation", Want: "3", Got: "4"}},
	}
	got, err := File(writeFile(t, t.TempDir(), want.Name, zipped(t, content)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := got.First[0].String(); text != "wrong step 1: compensation is 4, recorded 3" {
		t.Errorf("the mismatch reads %q", text)
	}
}

// All are counted; the first twenty mismatches are kept, and all skips.
func TestManyMismatches(t *testing.T) {
	var lines strings.Builder
	for i := range 30 {
		fmt.Fprintf(&lines, `{"id":"wrong-%d","inputs":{"intervalMs":1,"nanos":[1]},"outputs":[7]}`+"\n", i)
		fmt.Fprintf(&lines, `{"id":"skipped-%d","inputs":{"intervalMs":1,"nanos":[1]},"outputs":[]}`+"\n", i)
	}
	result, err := Lines("compensation.a.jsonl", strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	if result.Cases != 60 || result.Mismatches != 30 || len(result.First) != 20 || len(result.Skipped) != 30 {
		t.Errorf("%d cases, %d mismatches (%d kept), %d skipped",
			result.Cases, result.Mismatches, len(result.First), len(result.Skipped))
	}
}

func TestARecordingWithoutCasesOrWithOneTwiceIsUnreadable(t *testing.T) {
	const once = `{"id":"x","inputs":{"intervalMs":1,"nanos":[]},"outputs":[]}` + "\n"
	for content, want := range map[string]string{
		"":          "it has no case",
		"\n \n":     "it has no case",
		once + once: `case 2: there was a case "x" before`,
	} {
		if _, err := Lines("compensation.a.jsonl", strings.NewReader(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error that says %s", content, err, want)
		}
	}
}

func TestFiles(t *testing.T) {
	top := t.TempDir()
	inner := writeFile(t, top, "b/c/lease.a.jsonl.gz", "")
	outer := writeFile(t, top, "a.jsonl", "")
	other := writeFile(t, top, "b/README.md", "")
	if err := os.MkdirAll(filepath.Join(top, "d", "directory.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"no path", nil, nil},
		{"directory at any depth, in lexical order", []string{top}, []string{outer, inner}},
		{"file of any name", []string{other}, []string{other}},
		{"paths in their order", []string{other, filepath.Join(top, "b"), outer}, []string{other, inner, outer}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Files(Endings, test.paths...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	for _, missing := range []string{filepath.Join(top, "d"), filepath.Join(top, "nowhere")} {
		if got, err := Files(Endings, outer, missing); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s has %v: %v", missing, got, err)
		}
	}
	if _, err := Files(Endings, filepath.Join(top, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing path: %v", err)
	}
}

func TestKindsAreSorted(t *testing.T) {
	if !slices.IsSorted(Kinds()) || len(Kinds()) != len(replayers) {
		t.Errorf("%v", Kinds())
	}
}
