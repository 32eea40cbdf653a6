package mutant

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one fault in one file.
type Mutant struct {
	File   string `json:"file"` // slash-separated, relative to the module's root
	Line   int    `json:"line"`
	Func   string `json:"func"` // the function or method around it; empty outside of functions
	Rule   string `json:"rule"`
	Before string `json:"before"` // the lines of the source that change, without indentation
	After  string `json:"after"`

	pos, end token.Position // what is replaced
	text     string         // the replacement
}

// swap is one way of changing a token.
type swap struct {
	rule string
	to   string
}

// swaps are the usual operators of mutation testers.
var swaps = map[token.Token][]swap{
	token.ADD: {{"arithmetic", "-"}},
	token.SUB: {{"arithmetic", "+"}},
	token.MUL: {{"arithmetic", "/"}},
	token.QUO: {{"arithmetic", "*"}},
	token.REM: {{"arithmetic", "*"}},

	token.EQL: {{"negation", "!="}},
	token.NEQ: {{"negation", "=="}},
	token.LSS: {{"boundary", "<="}, {"negation", ">="}},
	token.LEQ: {{"boundary", "<"}, {"negation", ">"}},
	token.GTR: {{"boundary", ">="}, {"negation", "<="}},
	token.GEQ: {{"boundary", ">"}, {"negation", "<"}},

	token.LAND: {{"logical", "||"}},
	token.LOR:  {{"logical", "&&"}},
	token.NOT:  {{"logical", ""}},

	token.AND:     {{"bitwise", "|"}},
	token.OR:      {{"bitwise", "&"}},
	token.XOR:     {{"bitwise", "&"}},
	token.AND_NOT: {{"bitwise", "&"}},
	token.SHL:     {{"bitwise", ">>"}},
	token.SHR:     {{"bitwise", "<<"}},

	token.INC: {{"increment", "--"}},
	token.DEC: {{"increment", "++"}},

	token.ADD_ASSIGN:     {{"assignment", "-="}, {"assignment", "="}},
	token.SUB_ASSIGN:     {{"assignment", "+="}, {"assignment", "="}},
	token.MUL_ASSIGN:     {{"assignment", "/="}, {"assignment", "="}},
	token.QUO_ASSIGN:     {{"assignment", "*="}, {"assignment", "="}},
	token.REM_ASSIGN:     {{"assignment", "*="}, {"assignment", "="}},
	token.AND_ASSIGN:     {{"assignment", "|="}, {"assignment", "="}},
	token.OR_ASSIGN:      {{"assignment", "&="}, {"assignment", "="}},
	token.XOR_ASSIGN:     {{"assignment", "&="}, {"assignment", "="}},
	token.AND_NOT_ASSIGN: {{"assignment", "&="}, {"assignment", "="}},
	token.SHL_ASSIGN:     {{"assignment", ">>="}, {"assignment", "="}},
	token.SHR_ASSIGN:     {{"assignment", "<<="}, {"assignment", "="}},

	token.BREAK:    {{"loop", "continue"}},
	token.CONTINUE: {{"loop", "break"}},
}

// Of returns the mutants of a package: dir is relative to root, the directory
// of its module. They are in the order of the files and of the places in them.
func Of(root, dir string) ([]Mutant, error) {
	pkg, err := build.ImportDir(filepath.Join(root, dir), 0)
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, name := range pkg.GoFiles {
		source, err := os.ReadFile(filepath.Join(pkg.Dir, name))
		if err != nil {
			return nil, err
		}
		mutants, err := inFile(filepath.ToSlash(filepath.Join(dir, name)), source)
		if err != nil {
			return nil, err
		}
		all = append(all, mutants...)
	}
	return all, nil
}

// inFile returns the mutants of one file.
func inFile(name string, source []byte) ([]Mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := faults{name: name, source: source, files: files}
	for _, decl := range file.Decls {
		var part ast.Node = decl
		f.within = ""
		if function, ok := decl.(*ast.FuncDecl); ok {
			if function.Body == nil {
				continue
			}
			part, f.within = function.Body, function.Name.Name
		}
		ast.Inspect(part, func(node ast.Node) bool {
			f.visit(node)
			return true
		})
	}
	return f.mutants, nil
}

// faults gathers the mutants of one file.
type faults struct {
	name    string
	within  string
	source  []byte
	files   *token.FileSet
	mutants []Mutant
}

func (f *faults) visit(node ast.Node) {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		f.swap(n.OpPos, n.Op)
	case *ast.UnaryExpr:
		if n.Op == token.SUB || n.Op == token.NOT {
			f.swap(n.OpPos, n.Op)
		}
	case *ast.IncDecStmt:
		f.swap(n.TokPos, n.Tok)
	case *ast.BranchStmt:
		f.swap(n.TokPos, n.Tok)
	case *ast.AssignStmt:
		if n.Tok == token.ASSIGN {
			blanks := strings.TrimSuffix(strings.Repeat("_, ", len(n.Lhs)), ", ")
			f.put("removed", n.Pos(), n.TokPos, blanks+" ")
		}
		f.swap(n.TokPos, n.Tok)
	case *ast.ExprStmt:
		f.put("removed", n.Pos(), n.End(), "")
	case *ast.DeferStmt:
		f.put("removed", n.Pos(), n.End(), "")
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		f.negate(n.Cond)
	}
}

// negate changes a condition that has no operator of its own to be swapped.
func (f *faults) negate(condition ast.Expr) {
	switch condition.(type) {
	case *ast.CallExpr, *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		f.put("logical", condition.Pos(), condition.Pos(), "!")
	}
}

func (f *faults) swap(pos token.Pos, from token.Token) {
	for _, s := range swaps[from] {
		f.put(s.rule, pos, pos+token.Pos(len(from.String())), s.to)
	}
}

// put adds the mutant that has text in place of what stands from pos to end,
// unless that is the same.
func (f *faults) put(rule string, pos, end token.Pos, text string) {
	from, to := f.files.Position(pos), f.files.Position(end)
	if string(f.source[from.Offset:to.Offset]) == text {
		return
	}
	head := string(f.source[:from.Offset])
	tail := string(f.source[to.Offset:])
	firstLine := strings.LastIndexByte(head, '\n') + 1
	lastLine, _, _ := strings.Cut(tail, "\n")
	f.mutants = append(f.mutants, Mutant{
		File:   f.name,
		Line:   from.Line,
		Func:   f.within,
		Rule:   rule,
		Before: oneLine(head[firstLine:] + string(f.source[from.Offset:to.Offset]) + lastLine),
		After:  oneLine(head[firstLine:] + text + lastLine),
		pos:    from,
		end:    to,
		text:   text,
	})
}

// in returns the part of the source from offset start to end, with the fault.
func (m Mutant) in(source []byte, start, end int) string {
	return string(source[start:m.pos.Offset]) + m.text + string(source[m.end.Offset:end])
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
