package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const securityDoc = "docs/security.md"

// quoted finds what the document puts between backticks: the names of things in
// this repository, and nothing else.
var quoted = regexp.MustCompile("`([^`\n]+)`")

// TestSecurityChecklist holds docs/security.md to the list of requirements and to
// the program: each requirement once, with a status that is one, and every test,
// file, setting, route and name in it there to be looked at.
func TestSecurityChecklist(t *testing.T) {
	raw, err := os.ReadFile(securityDoc)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	checkRequirements(t, doc)
	checkClassified(t, doc)
	known := readRepository(t)
	for i, line := range strings.Split(doc, "\n") {
		for _, q := range quoted.FindAllStringSubmatch(line, -1) {
			if problem := known.missing(q[1]); problem != "" {
				t.Errorf("%s:%d: `%s`: %s", securityDoc, i+1, q[1], problem)
			}
		}
		if strings.Count(line, "`")%2 != 0 {
			t.Errorf("%s:%d: a backtick is not closed", securityDoc, i+1)
		}
	}
}

// checkRequirements compares the lines of the checklist with the numbers and
// levels of ASVS 5.0.0.
func checkRequirements(t *testing.T, doc string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/asvs-5.0.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	levels, count := map[string]string{}, map[string]int{}
	for line := range strings.Lines(string(raw)) {
		number, level, _ := strings.Cut(strings.TrimSpace(line), " ")
		levels[number] = level
		count[level]++
	}
	if count["1"] != 70 || count["2"] != 183 || len(levels) != 253 {
		t.Fatalf("the list has %d requirements of level 1, %d of level 2, %d different ones", count["1"], count["2"], len(levels))
	}
	seen, tally := map[string]bool{}, map[string]int{}
	for _, cells := range rows(doc) {
		if !regexp.MustCompile(`^V[0-9]+\.`).MatchString(cells[0]) {
			continue
		}
		number := cells[0]
		switch {
		case len(cells) != 5:
			t.Errorf("%s: %d cells instead of 5", number, len(cells))
			continue
		case levels[number] == "":
			t.Errorf("%s is no requirement of level 1 or 2", number)
		case levels[number] != cells[1]:
			t.Errorf("%s: level %s, want %s", number, cells[1], levels[number])
		case seen[number]:
			t.Errorf("%s stands there twice", number)
		case cells[2] == "" || cells[4] == "":
			t.Errorf("%s: an empty cell", number)
		}
		seen[number] = true
		tally[cells[3]]++
		switch cells[3] {
		case "met":
			if !quoted.MatchString(cells[4]) {
				t.Errorf("%s is met, and nothing is named that meets it", number)
			}
		case "not met", "not applicable":
			if len(quoted.ReplaceAllString(cells[4], "")) < 15 {
				t.Errorf("%s is %s without a reason", number, cells[3])
			}
		default:
			t.Errorf("%s: status %q is none of met, not met, not applicable", number, cells[3])
		}
	}
	for number := range levels {
		if !seen[number] {
			t.Errorf("%s is missing", number)
		}
	}
	for _, status := range []string{"met", "not met", "not applicable"} {
		if want := fmt.Sprintf("| %s | %d |", status, tally[status]); !strings.Contains(doc, want) {
			t.Errorf("the summary lacks %q", want)
		}
	}
}

// checkClassified looks for the items of GB/T 22239-2019 and their statuses.
func checkClassified(t *testing.T, doc string) {
	t.Helper()
	items := strings.Fields("身份鉴别 访问控制 安全审计 入侵防范 数据完整性 数据保密性 数据备份恢复 剩余信息保护 个人信息保护 三员分立")
	found := map[string]bool{}
	for _, cells := range rows(doc) {
		i := slices.IndexFunc(items, func(item string) bool { return strings.HasPrefix(cells[0], item) })
		if i < 0 {
			continue
		}
		found[items[i]] = true
		if len(cells) != 4 || !slices.Contains([]string{"满足", "部分满足", "不满足"}, cells[1]) || cells[2] == "" || cells[3] == "" {
			t.Errorf("%s: %q", cells[0], cells)
		}
	}
	for _, item := range items {
		if !found[item] {
			t.Errorf("%s is missing", item)
		}
	}
}

// rows returns the cells of all lines of tables.
func rows(doc string) (out [][]string) {
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || !strings.HasSuffix(line, " |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

// repository is what a document may name.
type repository struct {
	tests    map[string]bool            // functions of tests
	declared map[string]map[string]bool // by file: names at its top
	routes   string                     // the file of policies
	settings string                     // the file of settings
	makefile string
	commands map[string]bool
}

func readRepository(t *testing.T) repository {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	r := repository{
		tests: map[string]bool{}, declared: map[string]map[string]bool{}, commands: map[string]bool{},
		routes: read("api/policy.go"), settings: read("config/config.go"), makefile: read("Makefile"),
	}
	for _, c := range commands {
		r.commands[c.name] = true
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		names := map[string]bool{}
		r.declared[filepath.ToSlash(path)] = names
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = true
				if strings.HasSuffix(path, "_test.go") {
					r.tests[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = true
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.tests) < 100 || len(r.declared) < 100 {
		t.Fatalf("only %d tests in %d files were found", len(r.tests), len(r.declared))
	}
	return r
}

// missing says why the repository has no such thing, "" when it has: a test, a
// setting, a command, a target of make, a route, "file.go: name", or a path.
func (r repository) missing(name string) string {
	file, declared, qualified := strings.Cut(name, ": ")
	command, rest, _ := strings.Cut(name, " ")
	switch {
	case regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`).MatchString(name):
		if !r.tests[name] {
			return "there is no such test"
		}
	case strings.HasPrefix(name, "CHENGYIN_"):
		if !strings.Contains(r.settings, `"`+name+`"`) {
			return "there is no such setting"
		}
	case command == "chengyin":
		if word, _, _ := strings.Cut(rest, " "); !r.commands[word] {
			return "there is no such command"
		}
	case command == "make":
		if !strings.Contains(r.makefile, "\n"+rest+":") {
			return "there is no such target"
		}
	case slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, command):
		if !strings.Contains(r.routes, `"`+name+`":`) {
			return "there is no such route"
		}
	case qualified:
		if !r.declared[file][declared] {
			return "there is no such name in that file"
		}
	default:
		if _, err := os.Stat(name); err != nil {
			return "there is no such file"
		}
	}
	return ""
}

// TestMissingThingsAreFound: a check that finds everything would prove nothing.
func TestMissingThingsAreFound(t *testing.T) {
	r := readRepository(t)
	for _, there := range []string{"TestSecurityChecklist", "CHENGYIN_SECRET", "chengyin config dump", "make test", "GET /board", "main.go: run", "docs/glossary.md", "api"} {
		if problem := r.missing(there); problem != "" {
			t.Errorf("%q: %s", there, problem)
		}
	}
	for _, gone := range []string{"TestNothing", "FuzzNothing", "CHENGYIN_NOTHING", "chengyin nothing", "make nothing", "GET /nothing", "main.go: nothing", "nothing.go: run", "docs/nothing.md"} {
		if r.missing(gone) == "" {
			t.Errorf("%q was found", gone)
		}
	}
}
