package script

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzScript reads any text as a script, writes it, reads it again and runs
// both. The scripts of the lab are seeds.
func FuzzScript(f *testing.F) {
	for _, text := range scripts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		script, err := Parse(text)
		if err != nil {
			checkRefusal(t, script, err)
			return
		}
		written := script.String()
		again, err := Parse(written)
		if err != nil || !reflect.DeepEqual(again, script) {
			t.Fatalf("%q was read as %#v, written as %q and read again as %#v (%v)", text, script, written, again, err)
		}
		if mentioned(script) > 200 {
			return
		}
		first, second := follow(t, script), follow(t, again)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%q went differently the second time: %+v, then %+v", text, first, second)
		}
	})
}

// checkRefusal checks that every problem names its line, or that the settings
// are to blame.
func checkRefusal(t *testing.T, script Script, err error) {
	if script != nil {
		t.Errorf("a script came with the error %v", err)
	}
	for problem := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.HasPrefix(problem, "line ") && !strings.HasPrefix(problem, "settings: ") {
			t.Errorf("the problem names no line: %q", problem)
		}
	}
}

// follow runs a script and checks what it tells: lines and instants in their
// order, one answer to each expectation, and in the end as many leases as came
// and did not leave.
func follow(t *testing.T, script Script) (told []Event) {
	last, failed, met := Event{At: start}, 0, 0
	r := newRunner(func(e Event) {
		if e.Line < last.Line || e.At.Before(last.At) || e.Since != e.At.Sub(start) || e.Kind == 0 {
			t.Errorf("%+v was told after %+v", e, last)
		}
		switch last = e; e.Kind {
		case Met:
			met++
		case Failed:
			failed++
		}
		told = append(told, e)
	})
	r.left = 300
	err := r.run(script)
	if err != nil && !strings.HasPrefix(err.Error(), "line ") {
		t.Errorf("the error names no line: %v", err)
	}
	if r.failed != failed || err == nil && met+failed != expectations(script) {
		t.Errorf("%d expectations were met and %d not, of %d; the runner says %d", met, failed, expectations(script), r.failed)
	}
	if r.kernel == nil {
		return told
	}
	status := r.kernel.Status(r.now)
	if came, left := status.Registered, status.Cancelled+status.Evicted; uint64(status.Leases) != came-left {
		t.Errorf("%d leases, of %d that came and %d that left", status.Leases, came, left)
	}
	return told
}

func expectations(script Script) (n int) {
	for _, line := range script {
		if _, ok := line.Command.(Expect); ok {
			n++
		}
	}
	return n
}

// mentioned is how many keys the commands name: what a script takes.
func mentioned(script Script) (n int) {
	for _, line := range script {
		if line.Command == nil {
			continue
		}
		if keys := reflect.ValueOf(line.Command).FieldByName("Keys"); keys.IsValid() {
			n += sizeOf([]Keys{keys.Interface().(Keys)})
		}
	}
	return n
}

// scripts are those of the lab.
func scripts(t testing.TB) (texts []string) {
	paths, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d scripts: %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
