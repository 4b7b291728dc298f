package analysis

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"chengyin/stats"
)

// column is a variable of a query: a number per row, NaN when missing.
type column struct {
	name string
	v    []float64
}

// value computes an expression on the rows of a frame. What cannot be read in a
// column it uses stops it with the row; a result that is infinite does too.
func (f *Frame) value(expression string) value {
	if f.has(expression) { // whatever it is called
		return f.column(expression)
	}
	e := try(parseExpr(expression))
	v, err := e.evaluate(f.names, f.Rows)
	if err != nil {
		if e.op == "name" || strings.HasPrefix(err.Error(), "there is no column") {
			panic(fault{&DataError{File: f.Path, Column: expression, Why: err.Error() + "; the file has " + listed(f.Names)}})
		}
		fail("%s: %w", expression, err)
	}
	return f.spread(v, expression)
}

// spread gives a value a row for each row of the frame.
func (f *Frame) spread(v value, expression string) value {
	if v.set {
		fail("%s is a list, not a column", expression)
	}
	for k, x := range v.x {
		if math.IsInf(x, 0) {
			f.refuse(k, expression, "the value is infinite")
		}
	}
	if v.rows() == f.Rows {
		return v
	}
	if v.isText() {
		v.s = slices.Repeat(v.s, f.Rows)
	} else {
		v.x = slices.Repeat(v.x, f.Rows)
	}
	return v
}

// number computes an expression whose value has to be a number in every row.
func (f *Frame) number(expression string) []float64 {
	v := f.value(expression)
	if v.isText() {
		f.refuseText(expression, v)
	}
	return v.x
}

// refuseText stops at the first text of a column that should be numbers.
func (f *Frame) refuseText(expression string, v value) {
	if f.has(expression) {
		if n := f.read(expression); n.other >= 0 {
			f.refuse(n.other, expression, "%q is no number", f.text(expression)[n.other])
		}
	}
	if v.rows() == 0 {
		fail("%s is text, not a number", expression)
	}
	f.refuse(0, expression, "%q is no number", v.textAt(0))
}

// expand turns variables into columns: numbers as they are, texts into a 0/1
// column per level, a condition into one for FALSE and one for TRUE.
func (f *Frame) expand(vars []string) []column {
	if len(vars) == 0 {
		fail("the query names no variables")
	}
	var out []column
	for _, name := range vars {
		f.refuseMixed(name)
		v := f.value(name)
		if !v.isText() && !v.logical {
			out = append(out, column{f.spelled(name), v.x})
			continue
		}
		for _, level := range v.levels() {
			x := make([]float64, f.Rows)
			for k := range x {
				switch s := v.textAt(k); s {
				case "":
					x[k] = math.NaN()
				case level:
					x[k] = 1
				}
			}
			out = append(out, column{f.spelled(name) + level, x})
		}
	}
	return out
}

// levels returns the distinct values: numbers in order of size where all are,
// otherwise texts by byte; of a condition always FALSE and TRUE.
func (v value) levels() []string {
	if v.logical {
		return []string{"FALSE", "TRUE"}
	}
	all := make([]string, v.rows())
	for k := range all {
		all[k] = v.textAt(k)
	}
	f := &Frame{cells: map[string][]string{"": all}, num: map[string]numeric{}}
	return f.factor("").levels
}

// refuseMixed stops at a text in a column that is otherwise numbers: it is more
// likely a slip than a category.
func (f *Frame) refuseMixed(name string) {
	if !f.has(name) {
		return
	}
	if n := f.read(name); n.text > 0 && 2*n.text < n.given {
		for k, s := range f.text(name) {
			if t := strings.TrimSpace(s); t != "" && math.IsNaN(n.v[k]) {
				f.refuse(k, name, "%q is no number, while most of the column is; write factor(%s) to take them all as categories", s, name)
			}
		}
	}
}

// condition computes which rows a condition holds in; missing is not holding.
func (f *Frame) condition(expression string) []bool {
	v := f.logical(expression)
	out := make([]bool, len(v))
	for k, x := range v {
		out[k] = x == 1
	}
	return out
}

var eventOf = regexp.MustCompile(`^\s*([\p{L}_.][\p{L}\p{N}_.]*)\s*==?\s*(.*?)\s*$`)

// event returns the 0/1 column of a condition, NaN where it is missing. What
// stands after == need not be quoted.
func (f *Frame) event(expression string) []float64 {
	if m := eventOf.FindStringSubmatch(expression); m != nil && f.has(m[1]) && !f.has(m[2]) {
		want := strings.Trim(m[2], `"'`)
		g := f.factor(m[1])
		at := g.index(want)
		if _, err := parseExpr(m[2]); err != nil || at >= 0 {
			out := make([]float64, f.Rows)
			for k, c := range g.code {
				out[k] = truth(c == at)
				if c < 0 {
					out[k] = math.NaN()
				}
			}
			return out
		}
	}
	return f.logical(expression)
}

// answered leaves out the rows in which a column is missing, and stops at one
// when missing answers were not expected.
func (f *Frame) answered(cols []column, in []bool, drop bool) []bool {
	out := slices.Clone(in)
	for _, c := range cols {
		for k, x := range c.v {
			if !out[k] || stats.IsFinite(x) {
				continue
			}
			if !drop {
				panic(fault{&DataError{File: f.Path, Row: k + 1, Column: c.name, Why: "the answer is missing; with \"na_rm\": true such rows are left out"}})
			}
			out[k] = false
		}
	}
	return out
}

// group is a part of the rows: the values that make it and its members.
type group struct {
	by    object
	label string
	in    []bool
}

// groups divides the rows of a domain by columns, the first varying fastest.
func (f *Frame) groups(by []string, in []bool) []group {
	factors := make([]factor, len(by))
	for i, name := range by {
		factors[i] = f.factor(name)
	}
	code, cells := cross(f.Rows, factors)
	out := make([]group, len(cells))
	used := make([]bool, len(cells))
	for i, cell := range cells {
		var parts []string
		for j, g := range factors {
			out[i].by = append(out[i].by, g.name, g.levels[cell[j]])
			parts = append(parts, g.levels[cell[j]])
		}
		out[i].label = strings.Join(parts, ".")
		out[i].in = make([]bool, f.Rows)
	}
	for k, c := range code {
		if c >= 0 && in[k] {
			out[c].in[k], used[c] = true, true
		}
	}
	kept := out[:0]
	for i, g := range out {
		if used[i] {
			kept = append(kept, g)
		}
	}
	if len(kept) == 0 {
		fail("nobody is in any group of %s", fmt.Sprint(by))
	}
	return kept
}
