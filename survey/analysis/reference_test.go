package analysis_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chengyin/survey/analysis"
)

const own = "../../stats/testdata"

// outside returns the folder of the cases on data of R packages, which are not
// part of the project.
func outside(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHENGYIN_REFERENCE")
	if dir == "" {
		dir = "../../../shared/reference/stats"
	}
	if _, err := os.Stat(filepath.Join(dir, "cases")); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("shared/reference/stats has to lie beside the project, or CHENGYIN_REFERENCE name it")
	}
	t.Skip("data of R packages is not part of the project: put shared/reference/stats beside it or set CHENGYIN_REFERENCE")
	return ""
}

func TestOwnReferenceCases(t *testing.T) {
	if cases, queries := runCases(t, own); cases != 27 || queries != 288 {
		t.Errorf("there are %d cases with %d queries, want 27 with 288", cases, queries)
	}
}

func TestAllReferenceCases(t *testing.T) {
	dir := outside(t)
	if cases, queries := runCases(t, dir); cases != 35 || queries != 349 {
		t.Errorf("there are %d cases with %d queries, want 35 with 349", cases, queries)
	}
}

// reference is a case with what R printed.
type reference struct {
	ID      string
	Designs map[string]struct {
		N, NPSU       *int
		NStrata, DF   *int
		WeightsCSV    string         `json:"weights_csv"`
		WeightsRelTol float64        `json:"weights_rel_tol"`
		Summary       map[string]any `json:"weights_summary"`
		PSU           *int           `json:"n_psu"`
		Strata        *int           `json:"n_strata"`
	}
	Queries []struct {
		Name, Stat, Note string
		RelTol           float64 `json:"rel_tol"`
		Expected         map[string]any
	}
}

// printed is what the program printed.
type printed struct {
	ID      string
	Designs map[string]map[string]any
	Queries []struct {
		Name   string
		Result any
		Error  string
	}
}

// decode reads what the program prints of a document.
func decode(t *testing.T, doc *analysis.Document) (got printed) {
	t.Helper()
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func runCases(t *testing.T, dir string) (cases, queries int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases in ", dir, err)
	}
	passed, informative := 0, 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			cases++
			n, p, i := runCase(t, dir, file)
			queries, passed, informative = queries+n, passed+p, informative+i
		})
	}
	t.Logf("%d cases: %d of %d queries are within tolerance, %d more are for information only", cases, passed, queries, informative)
	return cases, queries
}

func runCase(t *testing.T, dir, file string) (queries, passed, informative int) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want reference
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	c, err := analysis.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	doc := analysis.Run(c)
	got := decode(t, doc)
	if got.ID != want.ID || len(got.Queries) != len(want.Queries) || len(got.Designs) != len(want.Designs) {
		t.Fatalf("%s with %d designs and %d queries became %s with %d and %d", want.ID, len(want.Designs), len(want.Queries), got.ID, len(got.Designs), len(got.Queries))
	}
	for name, w := range want.Designs {
		t.Run("design "+name, func(t *testing.T) {
			g := got.Designs[name]
			if g["error"] != nil {
				t.Fatal(g["error"])
			}
			for key, v := range map[string]*int{"n": w.N, "n_psu": w.PSU, "n_strata": w.Strata, "df": w.DF} {
				if v != nil && g[key] != float64(*v) {
					t.Errorf("%s is %v, want %d", key, g[key], *v)
				}
			}
			x := checker{rel: w.WeightsRelTol, dir: dir}
			if w.Summary != nil {
				x.compare("weights_summary", w.Summary, g["weights_summary"])
			}
			if w.WeightsCSV != "" {
				x.weights(w.WeightsCSV, doc, name)
			}
			x.report(t)
		})
	}
	for i, w := range want.Queries {
		g := got.Queries[i]
		t.Run(w.Name, func(t *testing.T) {
			queries++
			if w.Stat == "information" || strings.HasPrefix(w.Note, "information only") && g.Error != "" {
				informative++
				t.Skip("for information: ", g.Error)
			}
			if g.Name != w.Name {
				t.Fatalf("answer to %s stands in the place of %s", g.Name, w.Name)
			}
			if w.Expected["error"] == true || w.Expected["refuse"] == true {
				if g.Error == "" {
					t.Fatalf("is answered by %v instead of being refused", g.Result)
				}
				passed++
				return
			}
			if g.Error != "" {
				t.Fatal(g.Error)
			}
			x := checker{rel: w.RelTol, dir: dir, information: strings.HasPrefix(w.Note, "information only")}
			x.compare("", w.Expected, g.Result)
			if x.report(t); !t.Failed() {
				passed++
			}
		})
	}
	return queries, passed, informative
}

// checker compares by the rule of the cases' README.
type checker struct {
	rel         float64
	dir         string
	information bool // only the estimates have to agree
	faults      []string
}

func (x *checker) fault(format string, args ...any) {
	x.faults = append(x.faults, fmt.Sprintf(format, args...))
}

func (x *checker) report(t *testing.T) {
	t.Helper()
	for _, f := range x.faults[:min(5, len(x.faults))] {
		t.Error(f)
	}
	if len(x.faults) > 5 {
		t.Errorf("and %d more", len(x.faults)-5)
	}
}

// compare walks through what is expected; the program may say more.
func (x *checker) compare(at string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			x.fault("%s is %.80v, want an object", at, got)
			return
		}
		if path, ok := w["csv"].(string); ok {
			x.table(path, g["rows"])
			return
		}
		for key, v := range w {
			if x.information && (key == "se" || key == "vcov" || strings.HasPrefix(key, "ci95")) {
				continue
			}
			if key == "se" && x.zero(v, w["estimate"]) && x.zero(g[key], w["estimate"]) {
				continue
			}
			if key == "sae_converged" {
				continue // about another program
			}
			if key == "p_value" && small(v) && small(g[key]) {
				continue
			}
			if _, ok := g[key]; !ok {
				x.fault("%s.%s is not there", at, key)
				continue
			}
			x.compare(at+"."+key, v, g[key])
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			x.fault("%s is %.80v, want a list of %d", at, got, len(w))
			return
		}
		for i := range w {
			x.compare(fmt.Sprintf("%s[%d]", at, i), w[i], g[i])
		}
	case nil:
		if got != nil && got != "NaN" {
			x.fault("%s is %v, want nothing", at, got)
		}
	case string:
		if s, ok := got.(string); ok && s == w {
			return
		}
		if f, err := strconv.ParseFloat(w, 64); err == nil && x.near(f, got) {
			return
		}
		x.fault("%s is %v, want %q", at, got, w)
	case bool:
		if got != w {
			x.fault("%s is %v, want %v", at, got, w)
		}
	case float64:
		if !x.near(w, got) {
			x.fault("%s is %v, want %v", at, got, w)
		}
	}
}

func small(v any) bool {
	x, ok := v.(float64)
	return ok && x < 1e-10
}

// zero reports a standard error below 1e-9 of its estimate.
func (x *checker) zero(se, estimate any) bool {
	s, ok := se.(float64)
	e, ok2 := estimate.(float64)
	return ok && ok2 && math.Abs(s) <= 1e-9*math.Abs(e)
}

func (x *checker) near(want float64, got any) bool {
	var g float64
	switch v := got.(type) {
	case float64:
		g = v
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return false
		}
		g = f
	default:
		return false
	}
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return g == want || math.IsNaN(want) && math.IsNaN(g)
	}
	tol := x.rel * math.Abs(want)
	if math.Abs(want) < 1 {
		tol += 1e-9
	}
	return math.Abs(g-want) <= tol
}

func (x *checker) csv(path string) (rows []map[string]string) {
	f, err := os.Open(filepath.Join(x.dir, filepath.FromSlash(path)))
	if err != nil {
		x.fault("%v", err)
		return nil
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		x.fault("%v", err)
		return nil
	}
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, cell := range rec {
			row[all[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// table compares a long answer with a CSV file, column by column.
func (x *checker) table(path string, got any) {
	want := x.csv(path)
	rows, ok := got.([]any)
	if !ok || len(rows) != len(want) {
		x.fault("there are %d rows, want %d", len(rows), len(want))
		return
	}
	for i, w := range want {
		g, _ := rows[i].(map[string]any)
		for col, cell := range w {
			at := fmt.Sprintf("row %d, %s", i+1, col)
			switch f, err := strconv.ParseFloat(cell, 64); {
			case col == "mahal_p" && err == nil && f < 1e-10:
				if !small(g[col]) {
					x.fault("%s is %v, want %s", at, g[col], cell)
				}
			case cell == "":
				x.compare(at, nil, g[col])
			case err == nil && g[col] != cell:
				x.compare(at, f, g[col])
			case err != nil && fmt.Sprint(g[col]) != cell:
				x.fault("%s is %v, want %s", at, g[col], cell)
			}
		}
	}
}

// weights compares the weights of a design with a file.
func (x *checker) weights(path string, doc *analysis.Document, name string) {
	i := slices.IndexFunc(doc.Designs, func(a analysis.DesignAnswer) bool { return a.Name == name })
	want := x.csv(path)
	if i < 0 || len(want) != len(doc.Designs[i].Weights) {
		x.fault("there are no %d weights", len(want))
		return
	}
	for k, row := range want {
		f, _ := strconv.ParseFloat(row["w"], 64)
		if !x.near(f, doc.Designs[i].Weights[k]) {
			x.fault("weight of row %d is %v, want %v", k+1, doc.Designs[i].Weights[k], f)
		}
	}
}
