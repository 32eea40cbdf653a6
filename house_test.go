package leasekernel_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/leasekernel/leasekernel"

// kernels import only the standard library, and not each other.
var kernels = []string{"lease", "ratemeter", "preserve", "evict", "heartbeat"}

// rootImports are the kernels that the root package may import.
var rootImports = []string{"lease", "ratemeter", "preserve", "evict"}

// dependencies returns the packages outside the standard library that pkg
// depends on, itself excluded, as the module alone sees them.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	if runtime.GOOS == "js" {
		t.Skip("no commands run there")
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
	list.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	self := strings.TrimSuffix(module+"/"+strings.TrimPrefix(pkg, "./"), "/.")
	return slices.DeleteFunc(strings.Fields(string(out)), func(dependency string) bool { return dependency == self })
}

func TestHouseKernelsImportOnlyTheStandardLibrary(t *testing.T) {
	for _, kernel := range kernels {
		if got := dependencies(t, "./"+kernel); len(got) != 0 {
			t.Errorf("%s depends on %v", kernel, got)
		}
	}
}

func TestHouseRootImportsOnlyItsKernels(t *testing.T) {
	for _, dependency := range dependencies(t, "./.") {
		if kernel := strings.TrimPrefix(dependency, module+"/"); !slices.Contains(rootImports, kernel) {
			t.Errorf("the root package depends on %s", dependency)
		}
	}
}

func TestHouseRootModuleRequiresNothing(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(mod), "module "+module+"\n\ngo 1.25\n"; got != want {
		t.Errorf("go.mod is %q, want %q", got, want)
	}
	if _, err := os.Stat("go.sum"); !os.IsNotExist(err) {
		t.Errorf("go.sum: got %v, want that it does not exist", err)
	}
}

// A goroutine, a clock, a sleep or a line of output in a kernel would break the
// law that time is an argument and that nothing is logged. They are found by
// name, so no import of a kernel may be renamed.
func TestHouseKernelsReadNoClockAndPrintNothing(t *testing.T) {
	names := strings.Fields("time.Now time.Since time.Until time.Sleep time.After time.AfterFunc time.Tick time.NewTimer time.NewTicker " +
		"fmt.Print fmt.Printf fmt.Println")
	imports := []string{`"log"`, `"log/slog"`, `"os"`, `"math/rand"`, `"math/rand/v2"`}
	for _, kernel := range append(kernels, ".") {
		for name, file := range sources(t, token.NewFileSet(), kernel) {
			ast.Inspect(file, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine", name)
				case *ast.SelectorExpr:
					if pkg, ok := node.X.(*ast.Ident); ok && slices.Contains(names, pkg.Name+"."+node.Sel.Name) {
						t.Errorf("%s uses %s.%s", name, pkg.Name, node.Sel.Name)
					}
				case *ast.CallExpr:
					if function, ok := node.Fun.(*ast.Ident); ok && strings.HasPrefix(function.Name, "print") {
						t.Errorf("%s calls %s", name, function.Name)
					}
				case *ast.ImportSpec:
					if node.Name != nil || slices.Contains(imports, node.Path.Value) {
						t.Errorf("%s imports %v %s", name, node.Name, node.Path.Value)
					}
				}
				return true
			})
		}
	}
}

// sources parses the files of a package, tests excluded.
func sources(t *testing.T, positions *token.FileSet, dir string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(positions, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = file
	}
	if len(files) == 0 {
		t.Fatalf("%s: no Go files", dir)
	}
	return files
}

func TestHouseEveryExportedNameIsDocumented(t *testing.T) {
	for _, kernel := range append(kernels, ".") {
		positions := token.NewFileSet()
		files := slices.Collect(maps.Values(sources(t, positions, kernel)))
		pkg, err := doc.NewFromFiles(positions, files, module+"/"+kernel)
		if err != nil {
			t.Fatal(err)
		}
		if pkg.Doc == "" {
			t.Errorf("package %s has no doc", kernel)
		}
		undocumented := func(name, text string) {
			if text == "" {
				t.Errorf("%s: %s is not documented", kernel, name)
			}
		}
		values := append(pkg.Consts, pkg.Vars...)
		functions := pkg.Funcs
		for _, typ := range pkg.Types {
			undocumented(typ.Name, typ.Doc)
			values = append(append(values, typ.Consts...), typ.Vars...)
			functions = append(append(functions, typ.Funcs...), typ.Methods...)
			undocumentedFields(typ, undocumented)
		}
		for _, function := range functions {
			undocumented(function.Name, function.Doc)
		}
		for _, value := range values {
			undocumentedValues(value, undocumented)
		}
	}
}

// undocumentedFields reports exported fields without a comment.
func undocumentedFields(typ *doc.Type, report func(name, text string)) {
	structure, ok := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			if name.IsExported() {
				report(typ.Name+"."+name.Name, field.Doc.Text()+field.Comment.Text())
			}
		}
	}
}

// undocumentedValues reports exported constants and variables without a
// comment of their own, or of their group if it is the only one in it.
func undocumentedValues(value *doc.Value, report func(name, text string)) {
	for _, spec := range value.Decl.Specs {
		spec := spec.(*ast.ValueSpec)
		text := spec.Doc.Text() + spec.Comment.Text()
		if len(value.Decl.Specs) == 1 {
			text += value.Doc
		}
		for _, name := range spec.Names {
			if name.IsExported() {
				report(name.Name, text)
			}
		}
	}
}

// The embedding code in the README is the body of Example, to the letter.
func TestHouseReadmeShowsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func Example() {\n")
	body, output, _ := strings.Cut(body, "\t// Output:\n")
	output, _, _ = strings.Cut(output, "\n}\n")
	body = strings.TrimPrefix(strings.ReplaceAll("\n"+body, "\n\t", "\n"), "\n")
	if !strings.Contains(string(readme), "```go\n"+body+"```") {
		t.Errorf("README.md does not show the body of Example:\n%s", body)
	}
	for line := range strings.Lines(output) {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "// "); !strings.Contains(string(readme), line) {
			t.Errorf("README.md does not show the example's output %q", line)
		}
	}
}

// Every nested module finds the root by its replace directive, not only by
// the workspace, so that each can be used from a checkout alone.
func TestHouseNestedModulesReplaceTheRoot(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "go.mod" || path == "go.mod" {
			return err
		}
		mod, err := os.ReadFile(path)
		if strings.Contains(string(mod), module+" v0.0.0") && !strings.Contains(string(mod), module+" => ../") {
			t.Errorf("%s requires the root without replacing it", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
