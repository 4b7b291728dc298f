package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// estimateCase writes files to a folder and returns its path.
func estimateCase(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	estimateTable = "h,b,w,y\nA,1,2,3\nA,2,2,4\nB,3,1.5,5\nB,4,0.1,6\n"
	estimateJSON  = `{"id":"one","data":{"d":"data/d.csv"},"designs":{"s":{"kind":"svydesign","data":"d","ids":["b"],"strata":["h"],"weights":"w"},
	"bad":{"kind":"magic"}},"queries":[
	{"name":"mean","stat":"mean","design":"s","args":{"vars":["y"]},"expected":{"rows":[{"name":"y","estimate":99}]}},
	{"name":"missing","stat":"p_adjust","args":{"p":[0.01,null],"method":"BH"}},
	{"name":"none","stat":"mean","design":"s","args":{"vars":["y"],"domain":{"var":"b","eq":4}}},
	{"name":"unknown","stat":"magic"}]}`
)

func TestEstimatePrintsWhatOthersRelyOn(t *testing.T) {
	dir := estimateCase(t, map[string]string{"cases/one.json": estimateJSON, "data/d.csv": estimateTable})
	weights := filepath.Join(dir, "w")
	got := runProgram(t.Context(), nil, "estimate", "--weights", weights, filepath.Join(dir, "cases", "one.json"))
	if got.code != 0 || got.err != "" {
		t.Fatalf("%d: %s", got.code, got.err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc) != 3 || string(doc["id"]) != `"one"` {
		t.Errorf("the document has other members: %s", got.out)
	}
	var designs map[string]map[string]any
	if err := json.Unmarshal(doc["designs"], &designs); err != nil {
		t.Fatal(err)
	}
	s := designs["s"]
	if s["n"] != 4.0 || s["n_psu"] != 4.0 || s["n_strata"] != 2.0 || s["df"] != 2.0 || s["weights_summary"].(map[string]any)["sum"] != 5.6 {
		t.Errorf("design s is described as %v", s)
	}
	if why, _ := designs["bad"]["error"].(string); len(designs["bad"]) != 1 || !strings.Contains(why, "magic") {
		t.Errorf("design bad is described as %v", designs["bad"])
	}
	var queries []map[string]any
	if err := json.Unmarshal(doc["queries"], &queries); err != nil {
		t.Fatal(err)
	}
	if len(queries) != 4 || len(queries[0]) != 2 || queries[3]["error"] == nil || queries[3]["result"] != nil {
		t.Fatalf("queries are answered by %v", queries)
	}
	row := queries[0]["result"].(map[string]any)["rows"].([]any)[0].(map[string]any)
	// weighted.mean(c(3, 4, 5, 6), c(2, 2, 1.5, 0.1)): what the case expects is not read.
	if want := 22.1 / 5.6; math.Abs(row["estimate"].(float64)/want-1) > 1e-14 {
		t.Errorf("the mean is %v, want %v", row["estimate"], want)
	}
	if values := queries[1]["result"].(map[string]any)["values"].([]any); values[0] != 0.01 || values[1] != nil {
		t.Errorf("a missing value is printed as %v", values)
	}
	none := queries[2]["result"].(map[string]any)
	if row := none["rows"].([]any)[0].(map[string]any); none["df"] != 0.0 || row["ci95_t"].([]any)[0] != "NaN" {
		t.Errorf("an interval without degrees of freedom is printed as %v", none)
	}
	b, err := os.ReadFile(filepath.Join(weights, "one.s.weights.csv"))
	if err != nil || string(b) != "row,w\n1,2\n2,2\n3,1.5\n4,0.1\n" {
		t.Errorf("weights are written as %q, %v", b, err)
	}
	if entries, _ := os.ReadDir(weights); len(entries) != 1 {
		t.Errorf("%d files of weights", len(entries))
	}
}

func TestEstimateOfSeveralCasesIsAList(t *testing.T) {
	dir := estimateCase(t, map[string]string{"one.json": strings.Replace(estimateJSON, "data/", "", 1), "d.csv": estimateTable})
	path := filepath.Join(dir, "one.json")
	got := runProgram(t.Context(), nil, "estimate", path, path)
	var docs []struct{ ID string }
	if err := json.Unmarshal([]byte(got.out), &docs); err != nil || got.code != 0 || len(docs) != 2 || docs[1].ID != "one" {
		t.Errorf("%d, %v: %s", got.code, err, got.out)
	}
}

func TestEstimateSaysWhatFailed(t *testing.T) {
	dir := estimateCase(t, map[string]string{"one.json": strings.Replace(estimateJSON, "data/", "", 1), "d.csv": estimateTable + "B,5,-1,2\n", "broken.json": "{"})
	for what, x := range map[string]struct {
		args []string
		code int
		err  string
		out  bool
	}{
		"no case":                  {nil, 2, "name a case", false},
		"an unknown flag":          {[]string{"--weigths", dir}, 2, "weigths", false},
		"help":                     {[]string{"--help"}, 0, "", true},
		"a case that is not there": {[]string{filepath.Join(dir, "none.json")}, 1, "none.json", false},
		"a case that is no JSON":   {[]string{filepath.Join(dir, "broken.json")}, 1, "broken.json: line 1", false},
		"wrong data":               {[]string{filepath.Join(dir, "one.json")}, 1, "one.json: d.csv, row 5, column w: a weight of -1 is negative", true},
	} {
		t.Run(what, func(t *testing.T) {
			got := runProgram(t.Context(), nil, append([]string{"estimate"}, x.args...)...)
			if got.code != x.code || !strings.Contains(got.err, x.err) || (got.out != "") != x.out {
				t.Errorf("%d\nstdout: %.300s\nstderr: %s", got.code, got.out, got.err)
			}
		})
	}
}
