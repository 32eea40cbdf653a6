package mutant

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// active is the name of the variable that says which mutant lives, and of the
// environment variable that it comes from.
const active = "mutantActive"

// activeFile declares the variable in the package called name.
func activeFile(name string) string {
	return "package " + name + "\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\n" +
		"var " + active + ", _ = strconv.Atoi(os.Getenv(\"" + active + "\"))\n"
}

// schema returns a source that holds all mutants of one file in their own
// copies of the functions, so that one build serves them all: each function
// begins by calling the copy whose number is active. The numbers are the keys
// of mutants. Those outside of functions are left out.
func schema(name string, source []byte, mutants map[int]Mutant) (text, packageName string, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return "", "", err
	}
	var whole, copies strings.Builder
	written := 0
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		f := newTwin(files, source, function)
		var cases strings.Builder
		for number, m := range mutants {
			if f.body <= m.pos.Offset && m.end.Offset <= f.end {
				fmt.Fprintf(&cases, "case %d: %s;", number, f.call(number))
				copies.WriteString(f.copy(number, m))
			}
		}
		if cases.Len() > 0 {
			whole.Write(source[written:f.start])
			whole.WriteString(f.signature(function.Name.Name) + "{ switch " + active + " {" + cases.String() + "}; ")
			written = f.body + 1
		}
	}
	whole.Write(source[written:])
	return whole.String() + copies.String(), file.Name.Name, nil
}

// twin is a function that gets copies.
type twin struct {
	function         *ast.FuncDecl
	source           []byte
	offset           func(token.Pos) int
	start, body, end int      // offsets of func, {, and what follows }
	names            []string // of the parameters, which must have some
	edits            []edit   // that give names to those that have none
}

// edit replaces the source from start to end.
type edit struct {
	start, end int
	text       string
}

func newTwin(files *token.FileSet, source []byte, function *ast.FuncDecl) *twin {
	offset := func(pos token.Pos) int { return files.Position(pos).Offset }
	f := &twin{
		function: function, source: source, offset: offset,
		start: offset(function.Pos()), body: offset(function.Body.Lbrace), end: offset(function.End()),
	}
	if function.Recv != nil {
		f.name(function.Recv)
	}
	f.name(function.Type.Params)
	return f
}

// name notes the names of parameters and makes up those that are missing.
func (f *twin) name(fields *ast.FieldList) {
	for _, field := range fields.List {
		if len(field.Names) == 0 {
			at := f.offset(field.Type.Pos())
			f.made(at, at, " ")
		}
		for _, ident := range field.Names {
			if ident.Name == "_" {
				f.made(f.offset(ident.Pos()), f.offset(ident.End()), "")
				continue
			}
			f.names = append(f.names, ident.Name)
		}
	}
}

func (f *twin) made(start, end int, suffix string) {
	name := fmt.Sprintf("mutantUnnamed%d", len(f.names))
	f.names = append(f.names, name)
	f.edits = append(f.edits, edit{start, end, name + suffix})
}

// signature returns what stands before the body, under another name.
func (f *twin) signature(name string) string {
	ident := f.function.Name
	var text strings.Builder
	written := f.start
	replace := func(e edit) {
		text.Write(f.source[written:e.start])
		text.WriteString(e.text)
		written = e.end
	}
	renamed := edit{f.offset(ident.Pos()), f.offset(ident.End()), name}
	for _, e := range f.edits {
		if renamed.text != "" && e.start > renamed.start {
			replace(renamed)
			renamed.text = ""
		}
		replace(e)
	}
	if renamed.text != "" {
		replace(renamed)
	}
	text.Write(f.source[written:f.body])
	return text.String()
}

func (f *twin) copyName(number int) string {
	return fmt.Sprintf("%sMutant%d", f.function.Name.Name, number)
}

// copy returns the function with the fault in it. What the compiler says about
// it names the mutant as the file.
func (f *twin) copy(number int, m Mutant) string {
	return fmt.Sprintf("\n//line mutant%d.go:1\n%s%s\n", number, f.signature(f.copyName(number)), m.in(f.source, f.body, f.end))
}

// call returns the statements that call a copy and leave.
func (f *twin) call(number int) string {
	name, names := f.copyName(number), f.names
	if f.function.Recv != nil {
		name, names = names[0]+"."+name, names[1:]
	}
	if parameters := f.function.Type.TypeParams; parameters != nil {
		var types []string
		for _, field := range parameters.List {
			for _, ident := range field.Names {
				types = append(types, ident.Name)
			}
		}
		name += "[" + strings.Join(types, ", ") + "]"
	}
	arguments := strings.Join(names, ", ")
	if list := f.function.Type.Params.List; len(list) > 0 {
		if _, variadic := list[len(list)-1].Type.(*ast.Ellipsis); variadic {
			arguments += "..."
		}
	}
	if f.function.Type.Results != nil {
		return "return " + name + "(" + arguments + ")"
	}
	return name + "(" + arguments + "); return"
}
