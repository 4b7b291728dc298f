package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// order is the dependency rule: a package imports only packages above it. A new
// package gets its place here first.
var order = strings.Fields(`
stats stats/internal/golden stats/sampling stats/weighting stats/estimate stats/smallarea stats/rank stats/quality stats/driver
survey survey/mask survey/store survey/store/storetest survey/event
survey/area survey/account survey/questionnaire survey/indicator survey/wave survey/collector survey/sample
survey/tally survey/response survey/fieldwork survey/weight
survey/score survey/privacy
survey/poster survey/exchange survey/analysis
survey/app survey/demo survey/apptest
config static/chart static api .
`)

// only names the folders that may import a package, besides the program's own
// folder, which wires everything. A name that ends in "/" stands for everything
// below it.
var only = map[string]string{
	"gorm.io/":                        "survey",
	"github.com/gin-gonic/gin":        "api",
	"github.com/danielgtaylor/":       "api",
	"net/http":                        "api",
	"gonum.org/":                      "stats",
	"github.com/evanw/esbuild/":       "static",
	"github.com/xuri/excelize/":       "survey",
	"github.com/skip2/go-qrcode":      "survey/poster",
	"chengyin/config":                 ".",
	"testing":                         "survey/store/storetest survey/apptest stats/internal/golden",
	"chengyin/survey/apptest":         "",
	"net/http/httptest":               "",
	"github.com/google/go-cmp/":       "",
	"github.com/chromedp/":            "",
	"pgregory.net/rapid":              "",
	"chengyin/survey/store/storetest": "survey/apptest",
}

// statsNever are packages through which a number could depend on more than the
// numbers that went in.
var statsNever = strings.Fields("context crypto/rand database/sql log log/slog net os time")

func TestPackagesImportOnlyPackagesAboveThem(t *testing.T) {
	place := map[string]int{}
	for i, dir := range order {
		place[dir] = i
	}
	homeless := map[string]bool{}
	eachImport(t, func(file, dir, path string, test bool) {
		here, known := place[dir]
		if !known {
			if !homeless[dir] {
				t.Errorf("folder %q has no place in the order of arch_test.go", dir)
			}
			homeless[dir] = true
			return
		}
		target, ours := inside(path)
		if !ours || test { // a test may use whatever it needs
			return
		}
		there, known := place[target]
		if !known {
			t.Errorf("%s imports %s, which has no place in the order", file, path)
		} else if there >= here {
			t.Errorf("%s imports %s, which comes after it in the order", file, path)
		}
	})
}

func TestOutsidePackagesStayWhereTheyBelong(t *testing.T) {
	eachImport(t, func(file, dir, path string, test bool) {
		if test || dir == "." {
			return
		}
		for name, folders := range only {
			if path != name && !(strings.HasSuffix(name, "/") && strings.HasPrefix(path, name)) {
				continue
			}
			if !slices.ContainsFunc(strings.Fields(folders), func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") }) {
				t.Errorf("%s imports %s, which belongs in %q only", file, path, folders)
			}
		}
		if (dir == "stats" || strings.HasPrefix(dir, "stats/")) && dir != "stats/internal/golden" && slices.Contains(statsNever, path) {
			t.Errorf("%s imports %s: numbers in, numbers out", file, path)
		}
	})
}

// TestOrderHoldsNoLeftovers finds places for packages that are gone.
func TestOrderHoldsNoLeftovers(t *testing.T) {
	seen := map[string]bool{}
	eachImport(t, func(_, dir, path string, _ bool) {
		seen[dir] = true
	})
	for _, dir := range order {
		if !seen[dir] {
			t.Errorf("the order names %q, where there is no package", dir)
		}
	}
}

// eachImport calls f for every import of every Go file: the file, its folder,
// what it imports and whether it is a test. It reads the sources itself, since
// the test cache does not see what a child "go list" reads.
func eachImport(t *testing.T, f func(file, dir, path string, test bool)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if file != "." && (name == "node_modules" || name == "testdata" || name[0] == '.' || name[0] == '_') {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f(file, filepath.ToSlash(filepath.Dir(file)), path, strings.HasSuffix(file, "_test.go"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("read %d files; is this the top folder?", files)
	}
}

// inside returns the folder of one of the module's own packages.
func inside(path string) (dir string, ok bool) {
	if path == "chengyin" {
		return ".", true
	}
	return strings.CutPrefix(path, "chengyin/")
}
