package mutant

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryOperatorMakesItsFaults(t *testing.T) {
	for line, want := range map[string][]string{
		"x = a + b":               {"_ = a + b", "x = a - b"},
		"x -= a * b":              {"x += a * b", "x = a * b", "x -= a / b"},
		"x++":                     {"x--"},
		"x |= a &^ b":             {"x &= a &^ b", "x = a &^ b", "x |= a & b"},
		"if a < b { f() }":        {"if a <= b { f() }", "if a >= b { f() }", "if a < b { }"},
		"if a == -b || p { f() }": {"if a == -b && p { f() }", "if a != -b || p { f() }", "if a == +b || p { f() }", "if a == -b || p { }"},
		"if !p { f() }":           {"if p { f() }", "if !p { }"},
		"if p { f() }":            {"if !p { f() }", "if p { }"},
		"for p { break }":         {"for !p { break }", "for p { continue }"},
		"defer f()":               {""},
		"_ = a + b":               {"_ = a - b"},
		"_, x = f()":              {"_, _ = f()"},
		"a, b = b, a":             {"_, _ = b, a"},
		"switch { case a > 1: }":  {"switch { case a >= 1: }", "switch { case a <= 1: }"},
	} {
		source := "package p\n\nfunc around() {\n\t" + line + "\n}\n"
		mutants, err := inFile("p.go", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range mutants {
			got = append(got, m.After)
			if m.Before != line || m.Func != "around" || m.Line != 4 {
				t.Errorf("%s: got %+v", line, m)
			}
			if whole := oneLine(m.in([]byte(source), 0, len(source))); whole != oneLine("package p func around() { "+m.After+" }") {
				t.Errorf("%s: the file is %s", line, whole)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// tested is a package whose mutants meet every end but the one that takes long.
const tested = `package tested

const size = 1 << 3

func Sign(x int) string {
	switch {
	case x > 0:
		return "+" + ""
	case x < 0:
		return "-"
	}
	return ""
}

func Count(x int64) (n int) {
	for ; x != 0; x-- {
		n++
	}
	return n
}

func Never(x int) int { return -x }
`

const itsTest = `package tested

import "testing"

func TestSign(t *testing.T) {
	if Sign(1) != "+" || Sign(-1) != "-" || Sign(-2) != "-" || size != 8 || Count(2) != 2 {
		t.Fail()
	}
}
`

func TestVerdicts(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module tested\n", "tested.go": tested, "tested_test.go": itsTest} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	mutants, err := Of(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	judge, err := NewJudge(ctx, root, ".", t.TempDir(), mutants)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, m := range mutants {
		verdict, err := judge.Try(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.After+" "+string(verdict))
	}
	want := []string{
		"const size = 1 >> 3 killed",
		"case x >= 0: survived",
		"case x <= 0: killed",
		`return "+" - "" not viable`,
		"case x <= 0: survived",
		"case x >= 0: killed",
		"for ; x == 0; x-- { killed",
		"for ; x != 0; x++ { timed out",
		"n-- killed",
		"func Never(x int) int { return +x } not covered",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSlowTestsComeLast(t *testing.T) {
	got := phases([]byte("--- PASS: TestA (0.01s)\n--- PASS: TestB (0.10s)\n    --- PASS: TestB/part (0.10s)\n--- PASS: TestC (2.00s)\n"))
	want := [][]string{{"-test.skip", "^(TestB|TestC)$"}, {"-test.run", "^(TestB|TestC)$"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v", got)
	}
}

func TestAListIsKeptHonest(t *testing.T) {
	mutants, err := inFile("p.go", []byte("package p\n\nfunc f() bool { return a < b }\n"))
	if err != nil {
		t.Fatal(err)
	}
	const boundary = "p.go\tf\tfunc f() bool { return a < b }\tfunc f() bool { return a <= b }\t"
	for text, rule := range map[string]string{
		"# a comment\n" + boundary + "never equal\n": "",
		boundary + "\n":                                                         "and a reason",
		boundary + "why\n" + boundary + "why\n":                                 "-1 more",
		strings.Replace(boundary, "a < b", "a < c", 1) + "why\n":                "-1 more",
		strings.Replace(boundary, "<=", ">=", 1) + "why\n" + boundary + "why\n": "must be sorted",
	} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := ReadList(path)
		if err == nil {
			err = list.Check(mutants)
		}
		if (err == nil) != (rule == "") || err != nil && !strings.Contains(err.Error(), rule) {
			t.Errorf("%q: got %v, want %q", text, err, rule)
		}
		if _, explained := list.Reason(mutants[0]); rule == "" && !explained {
			t.Errorf("%q: explains nothing", text)
		}
	}
}
