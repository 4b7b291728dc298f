package analysis

import (
	"math"
	"slices"
)

// domain returns the rows that a query is restricted to, and whether it is.
func (f *Frame) domain(a Args) (in []bool, restricted bool) {
	if !a.has("domain") {
		return slices.Repeat([]bool{true}, f.Rows), false
	}
	in = make([]bool, f.Rows)
	for k, holds := range f.rowsWhere(a["domain"], 0) {
		in[k] = holds == 1
	}
	return in, true
}

// wrongDomain says how a domain is written.
func wrongDomain(v any) {
	fail("a domain is an expression, {\"var\", \"eq\"} (or ne, in, not_in, lt, le, gt, ge, na), {\"expr\"}, "+
		"or {\"and\"}, {\"or\"}, {\"not\"} of domains, not %s", shown(v))
}

// rowsWhere returns 1 for the rows in which a condition holds, 0 for the others
// and NaN where an answer that decides it is missing, as R does; a row of NaN is
// outside of the domain. A list of conditions means all of them.
func (f *Frame) rowsWhere(v any, depth int) []float64 {
	if depth > 20 {
		fail("the domain is nested too deeply")
	}
	switch v := v.(type) {
	case string:
		return f.logical(v)
	case []any:
		return f.combine(v, "&", depth)
	case map[string]any:
		if len(v) == 0 {
			wrongDomain(v)
		}
		in := slices.Repeat([]float64{1}, f.Rows)
		for _, key := range sortedKeys(v) {
			if key == "var" {
				if len(v) == 1 {
					wrongDomain(v)
				}
				continue
			}
			in = joined("&", in, f.where(Args(v), key, depth))
		}
		return in
	}
	wrongDomain(v)
	return nil
}

// where returns the rows for which one entry of a condition holds.
func (f *Frame) where(d Args, key string, depth int) []float64 {
	switch key {
	case "expr":
		return f.logical(d.text(key))
	case "and", "all":
		return f.combine(d[key], "&", depth)
	case "or", "any":
		return f.combine(d[key], "|", depth)
	case "not":
		in := f.rowsWhere(d[key], depth+1)
		for k := range in {
			in[k] = unary("!", in[k])
		}
		return in
	}
	name := d.text("var")
	if name == "" {
		wrongDomain(map[string]any(d))
	}
	switch key {
	case "eq", "in":
		return f.amongLevels(name, d, key, true)
	case "ne", "not_in":
		return f.amongLevels(name, d, key, false)
	case "na":
		in := make([]float64, f.Rows)
		v := f.value(name)
		for k := range in {
			in[k] = truth((v.textAt(k) == "") == d.flag(key))
		}
		return in
	case "lt", "le", "gt", "ge":
		return f.compared(name, d, key)
	}
	wrongDomain(map[string]any(d))
	return nil
}

// logical computes an expression that has to be a condition.
func (f *Frame) logical(expression string) []float64 {
	v := f.value(expression)
	if v.isText() {
		fail("%s is text, not a condition", expression)
	}
	out := make([]float64, len(v.x))
	for k, x := range v.x {
		if out[k] = x; !math.IsNaN(x) {
			out[k] = truth(x != 0)
		}
	}
	return out
}

// combine joins a list of conditions by & or |.
func (f *Frame) combine(v any, op string, depth int) []float64 {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		wrongDomain(v)
	}
	out := f.rowsWhere(list[0], depth+1)
	for _, c := range list[1:] {
		out = joined(op, out, f.rowsWhere(c, depth+1))
	}
	return out
}

func joined(op string, a, b []float64) []float64 {
	out := make([]float64, len(a))
	for k := range a {
		out[k] = binary(op, a[k], b[k])
	}
	return out
}

// amongLevels returns the rows with one of the values, or with another.
func (f *Frame) amongLevels(name string, d Args, key string, among bool) []float64 {
	g := f.factor(name)
	want := map[int]bool{}
	for _, level := range values(d, key) {
		at := g.index(level)
		if at < 0 && among && key == "eq" {
			fail("nobody has %s %q; it has %s", name, level, listed(g.levels))
		}
		want[at] = true
	}
	in := make([]float64, f.Rows)
	for k, c := range g.code {
		if in[k] = truth(want[c] == among); c < 0 {
			in[k] = math.NaN()
		}
	}
	return in
}

// values lists the texts, numbers or truth values of a setting as levels.
func values(d Args, key string) []string {
	list, ok := d[key].([]any)
	if !ok {
		list = []any{d[key]}
	}
	out := make([]string, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case string:
			out[i] = v
		case float64:
			out[i] = number(v)
		case bool:
			out[i] = map[bool]string{false: "FALSE", true: "TRUE"}[v]
		default:
			fail("%q has to be a text or a number or a list of them, not %s", key, shown(d[key]))
		}
	}
	return out
}

// compared returns the rows whose number is below or above a limit.
func (f *Frame) compared(name string, d Args, key string) []float64 {
	limit := d.number(key)
	in := make([]float64, f.Rows)
	for k, x := range f.number(name) {
		switch {
		case math.IsNaN(x) || math.IsNaN(limit):
			in[k] = math.NaN()
		case key == "lt":
			in[k] = truth(x < limit)
		case key == "le":
			in[k] = truth(x <= limit)
		case key == "gt":
			in[k] = truth(x > limit)
		default:
			in[k] = truth(x >= limit)
		}
	}
	return in
}
