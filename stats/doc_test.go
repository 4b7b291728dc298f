package stats_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestEverythingIsExplained: each exported function, method and type has a
// comment that begins with its name, and each exported constant and variable
// has one of its own or of its group.
func TestEverythingIsExplained(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal") {
			return err
		}
		files++
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		explained := func(name *ast.Ident, comments ...*ast.CommentGroup) {
			for _, c := range comments {
				if c != nil {
					return
				}
			}
			if name.IsExported() {
				t.Errorf("%s: %s has no comment", set.Position(name.Pos()), name.Name)
			}
		}
		for _, decl := range f.Decls {
			switch x := decl.(type) {
			case *ast.FuncDecl:
				if !ofExported(x) {
					continue
				}
				explained(x.Name, x.Doc)
				if x.Name.IsExported() && !strings.HasPrefix(x.Doc.Text(), x.Name.Name+" ") {
					t.Errorf("%s: the comment of %s does not begin with its name", set.Position(x.Pos()), x.Name.Name)
				}
			case *ast.GenDecl:
				group := x.Doc // names after an explained one go on counting from it
				for _, s := range x.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						explained(s.Name, x.Doc, s.Doc)
					case *ast.ValueSpec:
						for _, c := range []*ast.CommentGroup{s.Doc, s.Comment} {
							if c != nil && x.Tok == token.CONST {
								group = c
							}
						}
						for _, name := range s.Names {
							explained(name, group, s.Doc, s.Comment)
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil || files < 40 {
		t.Fatal(files, err)
	}
}

// ofExported reports whether a function is a method of an exported type, or of
// none.
func ofExported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	switch r := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		id, ok := r.X.(*ast.Ident)
		return ok && id.IsExported()
	case *ast.Ident:
		return r.IsExported()
	}
	return false
}
