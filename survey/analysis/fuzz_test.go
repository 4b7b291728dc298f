package analysis

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smallRows is the table that mutated cases are about: few rows, with whatever
// columns the reference cases name.
func smallRows(t testing.TB, path string, rows int) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	// Rows from all over the file, so that there is more than one stratum.
	out := slices.Clone(lines[0])
	step := max(1, (len(lines)-2)/rows)
	for i := 1; i < len(lines) && i <= rows*step; i += step {
		out = append(out, lines[i]...)
	}
	return out
}

// seedCases adds the reference cases with a part of the data of each.
func seedCases(t testing.TB, add func(spec, table []byte)) {
	t.Helper()
	files, err := filepath.Glob("../../stats/testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases: ", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(b)
		if err != nil {
			t.Fatal(file, err)
		}
		if len(c.Data.Names) == 0 {
			add(withoutExpected(t, b), []byte("a,b\n1,2\n3,4\n"))
			continue
		}
		for _, name := range c.Data.Names {
			add(withoutExpected(t, b), smallRows(t, filepath.Join("../../stats/testdata", c.Data.At[name]), 24))
		}
	}
}

// withoutExpected makes a case small: the answers are not needed, nor many
// generated rows.
func withoutExpected(t testing.TB, b []byte) []byte {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	for _, q := range c["queries"].([]any) {
		delete(q.(map[string]any), "expected")
		if args, ok := q.(map[string]any)["args"].(map[string]any); ok && q.(map[string]any)["stat"] == "generated_rows" {
			args["N"] = 400.0
		}
	}
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkAnswers runs a case on a table and fails when the program, not the case,
// is at fault, or when the answer cannot be printed.
func checkAnswers(t testing.TB, spec, table []byte) *Document {
	t.Helper()
	c, err := Parse(spec)
	if err != nil {
		return nil
	}
	doc := answerAll(c, func(path string) (*Frame, error) { return readCSV(bytes.NewReader(table), path) })
	for _, a := range doc.Designs {
		if a.Err != nil && strings.Contains(a.Err.Error(), "mistake in chengyin") {
			t.Errorf("design %q: %v", a.Name, a.Err)
		}
	}
	for i, a := range doc.Queries {
		if a.Err != nil && strings.Contains(a.Err.Error(), "mistake in chengyin") {
			t.Errorf("query %q (%s): %v", a.Name, c.Queries[i].Stat, a.Err)
		}
	}
	if out, err := json.Marshal(doc); err != nil {
		t.Errorf("the answer cannot be printed: %v", err)
	} else if !json.Valid(out) {
		t.Errorf("the answer is no JSON: %.200s", out)
	}
	return doc
}

// FuzzCase says that no case and no table makes the program panic: what is wrong
// with them is an error beside the design or the query.
func FuzzCase(f *testing.F) {
	seedCases(f, func(spec, table []byte) { f.Add(spec, table) })
	f.Fuzz(func(t *testing.T, spec, table []byte) {
		if len(spec) > 1<<18 || len(table) > 1<<15 {
			t.Skip("large inputs are slow, not new")
		}
		checkAnswers(t, spec, table)
	})
}

// wrong are values that take the place of a setting: of another type, empty, out
// of range.
var wrong = []any{nil, true, 0.0, -1.0, 2.5, 1e308, "", "x", "y ~ (", "Inf", "NaN", []any{}, []any{nil}, []any{"x", 1.0}, []any{[]any{1.0}, []any{}},
	[]any{1e308, -1.0}, map[string]any{}, map[string]any{"a": nil}, map[string]any{"var": "age", "eq": map[string]any{}}}

// TestWrongSettings puts wrong values in the place of every setting of every
// design and query, one at a time, and leaves each out.
func TestWrongSettings(t *testing.T) {
	seen := map[string]bool{}
	seedCases(t, func(spec, table []byte) {
		var c map[string]any
		if err := json.Unmarshal(spec, &c); err != nil {
			t.Fatal(err)
		}
		id := c["id"].(string)
		run := func(what string, parts map[string]any) {
			b, err := json.Marshal(parts)
			if err != nil {
				t.Fatal(err)
			}
			if checkAnswers(t, b, table); t.Failed() {
				t.Fatalf("%s, %s: %.2000s", id, what, b)
			}
		}
		// each changes one setting after the other and calls with the changed ones.
		each := func(settings map[string]any, with func(key string)) {
			for _, key := range sortedKeys(settings) {
				old := settings[key]
				for _, v := range wrong {
					settings[key] = v
					with(key)
				}
				delete(settings, key)
				with(key)
				settings[key] = old
			}
		}
		designs, _ := c["designs"].(map[string]any)
		for name, d := range designs {
			each(d.(map[string]any), func(key string) {
				run("design "+name+", "+key, map[string]any{"data": c["data"], "designs": needed(designs, name),
					"queries": []any{map[string]any{"stat": "mean", "design": name, "args": map[string]any{"vars": "aware"}}}})
			})
		}
		for _, q := range c["queries"].([]any) {
			q := q.(map[string]any)
			args, _ := q["args"].(map[string]any)
			kind := q["stat"].(string) + " " + strings.Join(sortedKeys(args), " ")
			if seen[kind] {
				continue
			}
			seen[kind] = true
			design, _ := q["design"].(string)
			one := map[string]any{"data": c["data"], "designs": needed(designs, design), "queries": []any{q}}
			each(args, func(key string) { run("query, "+key, one) })
			each(q, func(key string) { run("query, "+key, one) })
		}
	})
}

// needed returns a design and those it is made from.
func needed(designs map[string]any, name string) map[string]any {
	out := map[string]any{}
	for designs[name] != nil && out[name] == nil {
		out[name] = designs[name]
		name, _ = designs[name].(map[string]any)["from"].(string)
	}
	return out
}
