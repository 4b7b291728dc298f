package analysis

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	methodPages = "../../docs/methods"
	examples    = "../../docs/examples"
)

var (
	fenced   = regexp.MustCompile("(?s)```json\n(.*?)\n```")
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// baseCase is the case that the examples of the pages belong to.
func baseCase(t *testing.T) *Case {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(examples, "methods.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{Folder: examples}
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// example reads a block: a list of queries, a design on each line, or a case.
func example(t *testing.T, block string) *Case {
	t.Helper()
	c := baseCase(t)
	switch {
	case strings.HasPrefix(block, "["):
		if err := json.Unmarshal([]byte(block), &c.Queries); err != nil {
			t.Fatalf("%v in\n%s", err, block)
		}
	case strings.HasPrefix(block, `{"kind"`):
		for i, line := range strings.Split(block, "\n") {
			var spec Args
			if err := json.Unmarshal([]byte(line), &spec); err != nil {
				t.Fatalf("%v in\n%s", err, line)
			}
			name := fmt.Sprintf("line %d", i+1)
			c.Designs.Names = append(c.Designs.Names, name)
			c.Designs.At[name] = spec
		}
	default:
		t.Fatalf("a block is neither a list of queries nor designs:\n%.80s", block)
	}
	return c
}

func pageBlocks(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range fenced.FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	return out
}

// TestExamplesOfMethods runs every JSON example in docs/methods.
func TestExamplesOfMethods(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(methodPages, "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	ran := 0
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			for _, block := range pageBlocks(t, page) {
				c := example(t, block)
				doc := Run(c)
				for _, a := range doc.Designs {
					ran++
					if a.Err != nil {
						t.Errorf("design %s: %v", a.Name, a.Err)
					}
				}
				for i, a := range doc.Queries {
					ran++
					if refused := strings.HasSuffix(c.Queries[i].Stat, "_error"); refused != (a.Err != nil) {
						t.Errorf("query %s: %v, %v", a.Name, a.Result, a.Err)
					}
				}
			}
		})
	}
	if ran < 100 {
		t.Errorf("only %d examples", ran)
	}
}

// rowOf finds the row of a table of docs/methods/README.md that names a
// statistic or kind in its first cell; it returns the names in the other cells.
func rowOf(readme, name string) (given, answered []string, ok bool) {
	for _, line := range strings.Split(readme, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`"+name+"`") {
			continue
		}
		return spans(cells[2]), spans(cells[3]), true
	}
	return nil, nil, false
}

func spans(cell string) (out []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// named reports whether a word is in a list, in which pooled_* stands for any
// end.
func named(list []string, word string) bool {
	return slices.ContainsFunc(list, func(p string) bool { ok, _ := path.Match(p, word); return ok })
}

func readmeOf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(methodPages, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMethodsNameEveryStatistic keeps the tables of docs/methods/README.md
// true: every statistic and kind of design has a row and an example, the row
// names the settings of the examples and no others than the program reads, and
// it names all that is in the result.
func TestMethodsNameEveryStatistic(t *testing.T) {
	readme := readmeOf(t)
	source := sourceOf(t)
	seen := map[string]bool{}
	check := func(what string, settings []string) (answered []string) {
		seen[what] = true
		given, answered, ok := rowOf(readme, what)
		if !ok {
			t.Errorf("%s has no row", what)
			return nil
		}
		for _, key := range settings {
			if !named(given, key) {
				t.Errorf("the row of %s does not name %q", what, key)
			}
		}
		for _, key := range given {
			if !strings.Contains(source, `"`+key+`"`) {
				t.Errorf("the row of %s names %q, which the program does not read", what, key)
			}
		}
		return answered
	}
	for _, block := range pageBlocks(t, filepath.Join(methodPages, "README.md")) {
		c := example(t, block)
		for _, name := range c.Designs.Names {
			spec := c.Designs.At[name]
			var keys []string
			for key := range spec {
				if key != "kind" {
					keys = append(keys, key)
				}
			}
			check(spec.text("kind"), keys)
		}
		doc := Run(c)
		for i, q := range c.Queries {
			answered := check(q.Stat, slices.Collect(maps.Keys(q.Args)))
			for _, key := range resultKeys(t, doc.Queries[i].Result) {
				if !named(answered, key) && !binaryMean(c, q, key) {
					t.Errorf("the row of %s does not name the result %q", q.Stat, key)
				}
			}
		}
	}
	for _, name := range append(sortedKeys(answers), sortedKeys(kinds)...) {
		if !seen[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

// binaryMean reports whether a result is the mean of a column, which propensity
// statistics add for every column of 0 and 1.
func binaryMean(c *Case, q Query, key string) bool {
	f, err := ReadFrame(filepath.Join(c.Folder, c.Data.At["qr"]), "qr")
	return err == nil && strings.HasPrefix(q.Stat, "propensity") && f.has(key)
}

// resultKeys returns the names in a result.
func resultKeys(t *testing.T, result any) (out []string) {
	t.Helper()
	b, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		return nil // refused
	}
	return slices.Collect(maps.Keys(got))
}

// sourceOf returns the program text of the package.
func sourceOf(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// TestMethodPagesAreInTheIndex: every page is in the index, and every page named
// there exists.
func TestMethodPagesAreInTheIndex(t *testing.T) {
	readme := readmeOf(t)
	pages, _ := filepath.Glob(filepath.Join(methodPages, "*.md"))
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(readme, "]("+name+")") {
			t.Errorf("%s is not in the index", name)
		}
	}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([\w./-]+\.(?:md|json))\)`).FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat(filepath.Join(methodPages, m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", filepath.Base(page), m[1])
			}
		}
	}
}
