package estimate_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"chengyin/stats/internal/golden"
)

// Reference cases are numbers printed by R. Those on made-up data lie in
// stats/testdata with the scripts that made them; those on data of R packages
// stay outside the project, in ../shared/reference/stats beside its root or in
// $CHENGYIN_REFERENCE.

const ownReference = "../testdata"

// outsideReference returns the folder of the cases outside the project. Without
// it the test is skipped, or fails where everything has to run.
func outsideReference(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("CHENGYIN_REFERENCE"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
	dir = filepath.Join(dir, "..", "shared", "reference", "stats")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("shared/reference/stats has to lie beside the project, or CHENGYIN_REFERENCE name it")
	}
	t.Skip("data of R packages is not part of the project: put shared/reference/stats beside it or set CHENGYIN_REFERENCE")
	return ""
}

type refCase struct {
	dir     string
	ID      string
	Data    map[string]string
	Designs map[string]refDesign
	Queries []refQuery
}

type refDesign struct {
	Kind, From, Data    string
	IDs, Strata         []string
	FPC                 any // columns, or whether a jackknife has them
	Weights, Probs, PPS string
	Nest                bool
	Variance            string
	Margins             []refMargin
	MarginsFrom         *struct {
		File, Value string
		Vars        []string
	} `json:"margins_from"`
	N               int
	NPSU            int                `json:"n_psu"`
	NStrata         int                `json:"n_strata"`
	DF              int                `json:"df"`
	WeightsSummary  map[string]float64 `json:"weights_summary"`
	WeightsCSV      string             `json:"weights_csv"`
	WeightsRelTol   float64            `json:"weights_rel_tol"`
	Calfun, Formula string
	Columns         []string
	Totals, Bounds  []float64
	AggregateStage  int `json:"aggregate_stage"`
	Lower, Upper    float64
	Strict          bool
	// of replicates
	Type, Counts, Key string
	MSE               bool
	RepWeights        [][]float64
	Scale             float64
	RScales           []float64
}

type refMargin struct {
	Vars  []string
	Cells []map[string]any
}

type refQuery struct {
	Name, Stat, Design, Note string
	Args                     map[string]any
	RelTol                   float64 `json:"rel_tol"`
	Expected                 map[string]any
}

func loadCase(t testing.TB, dir, id string) *refCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "cases", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	c := &refCase{dir: dir}
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return c
}

// frame is a table of text; empty is missing.
type frame struct {
	rows int
	col  map[string][]string
}

func loadFrame(t testing.TB, path string) *frame {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := &frame{rows: len(all) - 1, col: map[string][]string{}}
	for j, name := range all[0] {
		for _, row := range all[1:] {
			out.col[name] = append(out.col[name], row[j])
		}
	}
	return out
}

// text returns a column.
func (f *frame) text(t testing.TB, name string) []string {
	t.Helper()
	c, ok := f.col[name]
	if !ok {
		t.Fatalf("no column %q", name)
	}
	return c
}

// number returns a column of numbers, NaN where they are missing; ok is false
// when it holds text.
func (f *frame) number(t testing.TB, name string) (v []float64, ok bool) {
	t.Helper()
	for _, s := range f.text(t, name) {
		if s == "" {
			v = append(v, math.NaN())
			continue
		}
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, false
		}
		v = append(v, x)
	}
	return v, true
}

// codes numbers the distinct values of the columns, taken together, in sorted
// order and returns them with the code of every row.
func (f *frame) codes(t testing.TB, names ...string) (code []int, values []string) {
	t.Helper()
	key := make([]string, f.rows)
	for i, name := range names {
		for k, s := range f.text(t, name) {
			if i > 0 {
				key[k] += "|"
			}
			key[k] += s
		}
	}
	values = slices.Compact(slices.Sorted(slices.Values(key)))
	for _, s := range key {
		i, _ := slices.BinarySearch(values, s)
		code = append(code, i)
	}
	return code, values
}

// near reports whether got is want within the tolerance of the cases.
func near(got float64, want any, rel float64) bool {
	switch w := want.(type) {
	case nil:
		return math.IsNaN(got)
	case string:
		x, err := strconv.ParseFloat(w, 64)
		return err == nil && (x == got || math.IsNaN(x) && math.IsNaN(got))
	case float64:
		tol := rel * math.Abs(w)
		if math.Abs(w) < 1 {
			tol += 1e-9
		}
		return math.Abs(got-w) <= tol
	}
	return false
}

func checkNear(t testing.TB, what string, got float64, want any, rel float64) {
	t.Helper()
	golden.Count(t)
	if !near(got, want, rel) {
		t.Errorf("%s is %.12g, want %v", what, got, want)
	}
}

func TestMain(m *testing.M) { golden.Main(m, "estimate") }

func list(v any) []string {
	var out []string
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			out = append(out, e.(string))
		}
	case string:
		out = append(out, x)
	}
	return out
}
