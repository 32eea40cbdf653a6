package replay

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzReplay replays any bytes as a recording of any kind, plain and gzipped.
// Its corpus has the shortest recorded case of each kind.
func FuzzReplay(f *testing.F) {
	f.Add(byte(0), []byte("\n \n"))
	f.Add(byte(1), []byte(`{"id":"a","inputs":{"intervalMs":60000,"nanos":[0]},"outputs":[0]}`+"\n"+`{"id":"a"}`))
	f.Add(byte(2), []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"))
	path := filepath.Join(f.TempDir(), "%s.jsonl.gz")
	packer, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	f.Fuzz(func(t *testing.T, kind byte, text []byte) {
		name := Kinds()[int(kind)%len(Kinds())]
		result, err := lines(name, text)
		checkResult(t, text, result, err)

		packed := bytes.NewBuffer(nil)
		if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
			packed.Write(text)
		} else {
			packer.Reset(packed)
			_, _ = packer.Write(text) // into memory
			_ = packer.Close()
		}
		path := fmt.Sprintf(path, name)
		if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		again, errAgain := File(path)
		if errAgain != nil && !strings.HasPrefix(errAgain.Error(), path+": ") {
			t.Errorf("the error does not name the file: %v", errAgain)
		}
		if again.Name = result.Name; packed.Len() != len(text) && ((err == nil) != (errAgain == nil) || !reflect.DeepEqual(again, result)) {
			t.Errorf("got %+v, %v, then gzipped %+v, %v", result, err, again, errAgain)
		}
		if err == nil && result.Cases == 1 && len(result.Skipped) == 0 {
			checkStrict(t, name, text, "more")
			checkStrict(t, name, text, "inputs")
			if _, err := lines(name, slices.Concat(text, []byte("\n"), text)); err == nil {
				t.Errorf("a case of one id is there twice: %s", text)
			}
		}
	})
}

func lines(kind string, text []byte) (Result, error) {
	return Lines(kind+".jsonl", bytes.NewReader(text))
}

// checkResult checks that every line counts, and that errors name theirs.
func checkResult(t *testing.T, text []byte, result Result, err error) {
	cases := 0
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			cases++
		}
	}
	if err != nil {
		_, message, _ := strings.Cut(err.Error(), ": ")
		var number int
		_, noNumber := fmt.Sscanf(message, "case %d: ", &number)
		if named := noNumber == nil && number >= 1 && number <= cases; named == (message == "it has no case") || named == (cases == 0) || !reflect.DeepEqual(result, Result{}) {
			t.Errorf("of %d cases: %v, with %+v", cases, err, result)
		}
		return
	}
	if result.Cases != cases || len(result.Skipped) > cases || result.Mismatches > result.Checks || len(result.First) != min(result.Mismatches, maxKept) {
		t.Errorf("of %d cases: %+v", cases, result)
	}
	for _, skip := range result.Skipped {
		if skip.Case == "" || skip.Reason == "" {
			t.Errorf("skipped without a reason: %+v", skip)
		}
	}
	if complete := result.Mismatches == 0 && len(result.Skipped) == 0; result.OK() != complete {
		t.Errorf("%+v is OK: %v", result, result.OK())
	}
}

// checkStrict gives a case that was replayed one more field: it is skipped, and
// the field is named.
func checkStrict(t *testing.T, kind string, text []byte, field string) {
	more := bytes.Replace(text, []byte("{"), fmt.Appendf(nil, `{%q:{},`, field), 1)
	result, err := lines(kind, more)
	if err != nil || len(result.Skipped) != 1 || !strings.Contains(result.Skipped[0].Reason, fmt.Sprintf("%q", field)) {
		t.Errorf("%s: got %+v, %v", more, result, err)
	}
}
