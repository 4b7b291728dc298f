package main

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestReadmeExample: the case in README.md is the one that is shipped, and what
// README.md prints of it is what the program answers.
func TestReadmeExample(t *testing.T) {
	readme := read(t, "README.md")
	for what, block := range map[string]string{
		"the case":          strings.TrimSpace(read(t, "docs/examples/survey.json")),
		"the first answers": strings.Join(strings.SplitN(read(t, "docs/examples/answers.csv"), "\n", 5)[:4], "\n"),
	} {
		if !strings.Contains(readme, block) {
			t.Errorf("README.md does not have %s as in docs/examples:\n%s", what, block)
		}
	}
	got := runProgram(t.Context(), nil, "estimate", "docs/examples/survey.json")
	if got.code != 0 {
		t.Fatal(got.code, got.err)
	}
	_, rest, ok := strings.Cut(readme, "<!-- answer -->\n```json\n")
	if !ok {
		t.Fatal("README.md shows no answer")
	}
	answer, _, _ := strings.Cut(rest, "\n```")
	var want any
	if err := json.Unmarshal([]byte(answer), &want); err != nil {
		t.Fatal(err)
	}
	var printed struct{ Queries []any }
	if err := json.Unmarshal([]byte(got.out), &printed); err != nil || len(printed.Queries) == 0 {
		t.Fatal(err, got.out)
	}
	if !alike(want, printed.Queries[0]) {
		t.Errorf("README.md has the answer\n%s\nthe program prints\n%s", answer, got.out)
	}
}

// alike compares JSON values, numbers to nine digits: machines round the last
// ones differently.
func alike(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			if w, ok := b[key]; !ok || !alike(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, alike)
	case float64:
		b, ok := b.(float64)
		return ok && math.Abs(a-b) <= 1e-9*math.Abs(a)
	}
	return a == b
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
