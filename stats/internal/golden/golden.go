// Package golden reads reference cases, numbers printed by R, for the tests of
// the packages beside it. Cases on made-up data lie in stats/testdata with the
// scripts that made them; those on data of R packages stay outside the project,
// in ../shared/reference/stats beside its root or in $CHENGYIN_REFERENCE.
package golden

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Case is one file of cases/. Designs stay unread, as few packages need them.
type Case struct {
	Dir     string `json:"-"` // the folder that Data and CSV files are relative to
	ID      string
	Data    map[string]string
	Designs map[string]json.RawMessage
	Queries []Query
}

// Query is a question to R with its answer.
type Query struct {
	Name, Stat, Design, Note string
	Args                     map[string]any
	RelTol                   float64 `json:"rel_tol"`
	Expected                 map[string]any
}

// Own returns a case that is part of the project.
func Own(t testing.TB, id string) *Case {
	t.Helper()
	return load(t, filepath.Join(root(t), "stats", "testdata"), id)
}

// Outside returns a case on data of R packages. Without their folder the test
// is skipped, or fails where everything has to run.
func Outside(t testing.TB, id string) *Case {
	t.Helper()
	return load(t, OutsideDir(t), id)
}

// OutsideDir returns the folder of the cases outside the project, on the terms
// of Outside.
func OutsideDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("CHENGYIN_REFERENCE"); dir != "" {
		return dir
	}
	dir := filepath.Join(root(t), "..", "shared", "reference", "stats")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("shared/reference/stats has to lie beside the project, or CHENGYIN_REFERENCE name it")
	}
	t.Skip("data of R packages is not part of the project: put shared/reference/stats beside it or set CHENGYIN_REFERENCE")
	return ""
}

// root returns the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}

func load(t testing.TB, dir, id string) *Case {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "cases", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{Dir: dir}
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	if len(c.Queries) == 0 {
		t.Fatalf("%s asks nothing", id)
	}
	return c
}

// Frame returns the data that the case calls by name.
func (c *Case) Frame(t testing.TB, name string) *Frame {
	t.Helper()
	path, ok := c.Data[name]
	if !ok {
		t.Fatalf("%s has no data %q", c.ID, name)
	}
	return c.CSV(t, path)
}

// CSV returns a file of the case, such as a long answer of expected/.
func (c *Case) CSV(t testing.TB, path string) *Frame {
	t.Helper()
	f, err := os.Open(filepath.Join(c.Dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := &Frame{Rows: len(all) - 1, path: path, col: map[string][]string{}}
	for j, name := range all[0] {
		for _, row := range all[1:] {
			out.col[name] = append(out.col[name], row[j])
		}
	}
	return out
}

// Frame is a table of text in which an empty cell is missing.
type Frame struct {
	Rows int
	path string
	col  map[string][]string
}

// Text returns a column.
func (f *Frame) Text(t testing.TB, name string) []string {
	t.Helper()
	c, ok := f.col[name]
	if !ok {
		t.Fatalf("%s has no column %q", f.path, name)
	}
	return c
}

// Number returns a column of numbers, NaN where they are missing.
func (f *Frame) Number(t testing.TB, name string) []float64 {
	t.Helper()
	v := make([]float64, 0, f.Rows)
	for i, s := range f.Text(t, name) {
		if s == "" {
			v = append(v, math.NaN())
			continue
		}
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s, row %d, column %s: %v", f.path, i+1, name, err)
		}
		v = append(v, x)
	}
	return v
}

// Numbers returns several columns of numbers.
func (f *Frame) Numbers(t testing.TB, names ...string) [][]float64 {
	t.Helper()
	v := make([][]float64, len(names))
	for j, n := range names {
		v[j] = f.Number(t, n)
	}
	return v
}

// Floats returns a list of numbers of a case, NaN where one is null.
func Floats(t testing.TB, v any) []float64 {
	t.Helper()
	list, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no list", v)
	}
	out := make([]float64, len(list))
	for i, e := range list {
		out[i] = Float(t, e)
	}
	return out
}

// Float returns a number of a case; null is NaN, "Inf" is a string.
func Float(t testing.TB, v any) float64 {
	t.Helper()
	switch x := v.(type) {
	case nil:
		return math.NaN()
	case float64:
		return x
	case string:
		if f, err := strconv.ParseFloat(x, 64); err == nil {
			return f
		}
	}
	t.Fatalf("%v is no number", v)
	return 0
}

// Strings returns a list of texts of a case.
func Strings(t testing.TB, v any) []string {
	t.Helper()
	list, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no list", v)
	}
	out := make([]string, len(list))
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			t.Fatalf("%v is no text", e)
		}
		out[i] = s
	}
	return out
}

// Near reports whether got is want within the tolerance of the cases,
//
//	|got - want| <= rel |want| + 1e-9 (the last if |want| < 1)
//
// NaN is near NaN, an infinity near itself.
func Near(got, want, rel float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return got == want || math.IsNaN(got) && math.IsNaN(want)
	}
	tol := rel * math.Abs(want)
	if math.Abs(want) < 1 {
		tol += 1e-9
	}
	return math.Abs(got-want) <= tol
}

// Check fails the test when got is not near want, a number of a case.
func Check(t testing.TB, what string, got float64, want any, rel float64) {
	t.Helper()
	Count(t)
	if w := Float(t, want); !Near(got, w, rel) {
		t.Errorf("%s is %.12g, want %.12g", what, got, w)
	}
}

// CheckList fails the test for every number of got that is not near the one of
// want at its place.
func CheckList(t testing.TB, what string, got []float64, want any, rel float64) {
	t.Helper()
	w := Floats(t, want)
	if len(got) != len(w) {
		t.Fatalf("%s has %d numbers, want %d", what, len(got), len(w))
	}
	for i, x := range got {
		Count(t)
		if !Near(x, w[i], rel) {
			t.Errorf("%s[%d] is %.12g, want %.12g", what, i, x, w[i])
		}
	}
}
