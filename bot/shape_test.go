package bot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// The whole process stays one switch that fits on a screen, with a case for each state.
func TestStepFitsOnAScreen(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "step.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != "Step" {
			continue
		}
		switches, states := 0, 0
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SwitchStmt:
				switches++
			case *ast.CaseClause:
				states += len(n.List)
			}
			return true
		})
		lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
		if lines > 60 || switches != 1 || states != len(States) {
			t.Errorf("Step has %d lines, %d switches and cases for %d states, want at most 60, 1 and %d", lines, switches, states, len(States))
		}
		return
	}
	t.Error("there is no Step in step.go")
}
