package static

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"
)

func load(t *testing.T) *Static {
	t.Helper()
	s, err := New(false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var hole = regexp.MustCompile(`\{\w+\}`)

func TestWordsAreTheSameInBothLanguages(t *testing.T) {
	all := load(t).built.Load().words
	if len(all["zh"]) < 50 {
		t.Fatalf("%d keys; are the files where they belong?", len(all["zh"]))
	}
	for _, pair := range [][2]string{{"zh", "en"}, {"en", "zh"}} {
		for key, text := range all[pair[0]] {
			other, ok := all[pair[1]][key]
			if !ok {
				t.Errorf("%s: key %q is missing", pair[1], key)
				continue
			}
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: key %q is empty", pair[0], key)
			}
			a, b := hole.FindAllString(text, -1), hole.FindAllString(other, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
				t.Errorf("key %q: %s has %v, %s has %v", key, pair[0], a, pair[1], b)
			}
		}
	}
}

func TestKeyIsInOneFileOnly(t *testing.T) {
	files := fstest.MapFS{
		"locale/zh/a.json": {Data: []byte(`{"k": "一"}`)},
		"locale/zh/b.json": {Data: []byte(`{"k": "二"}`)},
	}
	if _, err := readWords(files); err == nil || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("a key in two files: %v", err)
	}
}

func TestWordsAreFilledIn(t *testing.T) {
	all := words{"zh": {"k": "{n} 题，{n} 次，{who}"}, "en": {"k": "{n} of {who}"}}
	for _, c := range []struct {
		name, lang string
		args       []any
		want       string
	}{
		{"by name", "zh", []any{"n", 2, "who", "{n}"}, "2 题，2 次，{n}"},
		{"by a map", "en", []any{map[string]any{"n": 1.5, "who": "us"}}, "1.5 of us"},
		{"an unknown language is Chinese", "fr", []any{"n", 1, "who", "我"}, "1 题，1 次，我"},
	} {
		if got := all.say(c.lang, "k", c.args); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTemplatesUseKnownKeys reads every key that a template names outright.
func TestTemplatesUseKnownKeys(t *testing.T) {
	s := load(t)
	found := 0
	for name, p := range s.built.Load().pages {
		if !strings.HasPrefix(name, "zh ") {
			continue
		}
		for _, part := range p.template.Templates() {
			if part.Tree == nil {
				continue
			}
			eachCall(part.Tree.Root, func(call *parse.CommandNode) {
				f, ok := call.Args[0].(*parse.IdentifierNode)
				if !ok || f.Ident != "t" || len(call.Args) < 2 {
					return
				}
				if key, ok := call.Args[1].(*parse.StringNode); ok {
					found++
					if !s.Has("zh", key.Text) {
						t.Errorf("%s: key %q has no words", name, key.Text)
					}
				}
			})
		}
	}
	if found < 50 {
		t.Errorf("found only %d keys in templates", found)
	}
}

// eachCall visits every function call below a node of a template.
func eachCall(n parse.Node, visit func(*parse.CommandNode)) {
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			for _, c := range p.Cmds {
				eachCall(c, visit)
			}
		}
	}
	branch := func(p *parse.PipeNode, lists ...*parse.ListNode) {
		pipe(p)
		for _, l := range lists {
			if l != nil {
				eachCall(l, visit)
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				eachCall(c, visit)
			}
		}
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.PipeNode:
		pipe(n)
	case *parse.IfNode:
		branch(n.Pipe, n.List, n.ElseList)
	case *parse.RangeNode:
		branch(n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		branch(n.Pipe, n.List, n.ElseList)
	case *parse.CommandNode:
		visit(n)
		for _, a := range n.Args {
			eachCall(a, visit)
		}
	}
}

// TestCodesHaveWords finds every code of an error or of a wrong field that the
// sources name, and every key asked for outright, and looks for its words.
func TestCodesHaveWords(t *testing.T) {
	s := load(t)
	keys := map[string][]string{} // key -> where
	for _, file := range sources(t) {
		for key, at := range file.keys() {
			keys[key] = append(keys[key], at)
		}
	}
	for _, one := range []string{"error.response_differs", "error.not_found", "error.too_large", "field.ticket_invalid", "respond.ticket"} {
		if keys[one] == nil {
			t.Errorf("the sources name no %q; is the search broken?", one)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		for _, lang := range Languages {
			if !s.Has(lang, key) {
				t.Errorf("%s: %q of %s has no words", lang, key, keys[key][0])
			}
		}
	}
}

// source is a file of a package.
type source struct {
	fset *token.FileSet
	file *ast.File
	// constants of the package, by name
	constants map[string]string
}

// sources parses the platform's own packages, without tests.
func sources(t *testing.T) []source {
	t.Helper()
	byDir := map[string][]source{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base == "testdata" || len(base) > 2 && base[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return err
		}
		byDir[filepath.Dir(name)] = append(byDir[filepath.Dir(name)], source{fset, file, nil})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	for _, files := range byDir {
		constants := map[string]string{}
		for _, f := range files {
			for _, d := range f.file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
					for _, spec := range g.Specs {
						v := spec.(*ast.ValueSpec)
						for i, name := range v.Names {
							if i < len(v.Values) {
								if text, ok := literal(v.Values[i]); ok {
									constants[name.Name] = text
								}
							}
						}
					}
				}
			}
		}
		for _, f := range files {
			f.constants = constants
			all = append(all, f)
		}
	}
	if len(all) < 20 {
		t.Fatalf("read %d files; where are the others?", len(all))
	}
	return all
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// keys returns the keys that a file names: error.CODE for a survey.Error,
// field.CODE for a survey.Field, and those it asks words for. A constant of
// package questionnaire whose name begins with Code is the code of a field.
func (s source) keys() map[string]string {
	out := map[string]string{}
	note := func(at ast.Node, prefix string, e ast.Expr) {
		text, ok := literal(e)
		if id, is := e.(*ast.Ident); is {
			text, ok = s.constants[id.Name]
		}
		if ok && text != "" && !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "_") {
			out[prefix+text] = s.fset.Position(at.Pos()).String()
		}
	}
	var composite func(*ast.CompositeLit, string)
	composite = func(c *ast.CompositeLit, kind string) {
		for i, e := range c.Elts {
			switch e := e.(type) {
			case *ast.KeyValueExpr:
				if k, ok := e.Key.(*ast.Ident); ok && k.Name == "Code" {
					note(e, kind, e.Value)
				}
			case *ast.CompositeLit: // of a list, whose elements leave their type out
				if e.Type == nil {
					composite(e, kind)
				}
			default:
				if i == 1 { // Field{path, code, args}
					note(e, kind, e)
				}
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if strings.HasPrefix(name.Name, "Code") && i < len(n.Values) && strings.Contains(s.fset.Position(n.Pos()).Filename, "survey/questionnaire") {
					note(n, "field.", n.Values[i])
				}
			}
		case *ast.CompositeLit:
			if kind := s.kindOf(n.Type); kind != "" {
				composite(n, kind)
			}
		case *ast.AssignStmt: // e.Code = …, f.Code = …, by the habit of their names
			for i, to := range n.Lhs {
				if f, ok := to.(*ast.SelectorExpr); ok && f.Sel.Name == "Code" && len(n.Rhs) == len(n.Lhs) {
					if id, ok := f.X.(*ast.Ident); ok {
						prefix := map[string]string{"e": "error.", "f": "field."}[id.Name]
						if prefix != "" {
							note(n, prefix, n.Rhs[i])
						}
					}
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "T" && len(n.Args) >= 2 {
				note(n, "", n.Args[1])
			}
		}
		return true
	})
	return out
}

// kindOf returns the prefix of the keys that values of a type name, "" for all
// other types.
func (s source) kindOf(t ast.Expr) string {
	if list, ok := t.(*ast.ArrayType); ok {
		t = list.Elt
	}
	name := ""
	switch t := t.(type) {
	case *ast.SelectorExpr:
		if p, ok := t.X.(*ast.Ident); ok && p.Name == "survey" {
			name = t.Sel.Name
		}
	case *ast.Ident:
		if s.file.Name.Name == "survey" {
			name = t.Name
		}
	}
	switch name {
	case "Error":
		return "error."
	case "Field":
		return "field."
	}
	return ""
}
