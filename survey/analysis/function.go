package analysis

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"chengyin/stats/driver"
	"chengyin/stats/estimate"
)

// function answers any function of the weights, with the variance that
// replicates give it.
func (r *run) function(q *Query) any {
	d := r.design(q.Design)
	e := try(d.replicates().Estimate(r.statistic(d, q)))
	rows := make([]object, len(e.Value))
	for j, v := range e.Value {
		rows[j] = object{"name", "v" + number(float64(j+1)), "estimate", v, "se", e.SE(j),
			"ci95_z", interval(v, e.SE(j), math.Inf(1)), "ci95_t", interval(v, e.SE(j), float64(e.DF))}
	}
	return object{"df", e.DF, "rows", rows, "replicates", len(e.Theta), "dropped", e.Dropped}
}

// functionInterval answers the percentile interval of the replicates.
func (r *run) functionInterval(q *Query) any {
	d := r.design(q.Design)
	ask := *q
	fun := q.Args.text("fun")
	if !q.Args.has("var") && strings.Contains(fun, "median") && !aggregate.MatchString(fun) {
		source := r.before(func(o *Query) bool {
			return o.Stat == "function" && o.Design == q.Design && strings.Contains(o.Args.text("fun"), "median") && o.Args.has("var")
		})
		if source == nil {
			fail("\"var\" is missing: the column whose medians are meant")
		}
		ask.Args = source.Args
	}
	e := try(d.replicates().Estimate(r.statistic(d, &ask)))
	p := e.Percentile(0, confidence(q.Args))
	return object{"ci", []float64{p.Lower, p.Upper}, "replicates", len(e.Theta)}
}

var (
	amongThe  = regexp.MustCompile(`^(\S+) among the ([^\s,]+)`)
	aggregate = regexp.MustCompile(`\b(mean|total|median)\(([^()|]*(?:\([^()]*\)[^()|]*)*)(?:\|([^()]*(?:\([^()]*\)[^()]*)*))?\)`)
)

// statistic reads what a function computes: means, totals and medians of
// columns under a condition, mean(api00 | stype=E), joined by arithmetic; or
// one of the descriptions in words that the reference cases use.
func (r *run) statistic(d *design, q *Query) estimate.Statistic {
	fun := q.Args.text("fun")
	switch {
	case strings.HasPrefix(fun, "weighted median"):
		return r.median(d, q.Args.text("var"))
	case strings.HasPrefix(fun, "relative weights"):
		return r.driverShares(d, driver.RelativeWeights)
	case strings.HasPrefix(fun, "shapley"):
		return r.driverShares(d, driver.ShapleyShares)
	}
	if m := amongThe.FindStringSubmatch(fun); m != nil {
		y, x := d.f.number(d.f.alike(m[1])), d.f.number(d.f.alike(m[2]))
		in := d.f.answered([]column{{m[1], y}, {m[2], x}}, slices.Repeat([]bool{true}, d.f.Rows), true)
		top := make([]float64, len(y))
		for k := range y {
			top[k] = y[k] * x[k]
		}
		return estimate.RatioOf(in, top, x)
	}
	return r.formulaOfMeans(d, fun)
}

// alike returns the column whose name shares the longest beginning with a word:
// participate for "participation".
func (f *Frame) alike(word string) string {
	best, at := 3, ""
	for _, name := range f.Names {
		if name == word {
			return name
		}
		n := 0
		for n < len(name) && n < len(word) && name[n] == word[n] {
			n++
		}
		if n > best {
			best, at = n, name
		}
	}
	if at == "" {
		panic(fault{&DataError{File: f.Path, Column: word, Why: "there is no such column; the file has " + listed(f.Names)}})
	}
	return at
}

func (r *run) median(d *design, name string) estimate.Statistic {
	if name == "" {
		fail("\"var\" is missing: the column whose median is meant")
	}
	y := column{name, d.f.number(name)}
	in := d.f.answered([]column{y}, slices.Repeat([]bool{true}, d.f.Rows), true)
	return estimate.QuantilesOf(in, y.v, estimate.Math, 0.5)
}

// formulaOfMeans computes mean(), total() and median() first and then what is
// done with them.
func (r *run) formulaOfMeans(d *design, fun string) estimate.Statistic {
	var parts []estimate.Statistic
	rest := aggregate.ReplaceAllStringFunc(fun, func(s string) string {
		m := aggregate.FindStringSubmatch(s)
		in := slices.Repeat([]bool{true}, d.f.Rows)
		if m[3] != "" {
			in = d.f.condition(m[3])
		}
		y := column{m[2], d.f.number(strings.TrimSpace(m[2]))}
		in = d.f.answered([]column{y}, in, true)
		switch m[1] {
		case "mean":
			parts = append(parts, estimate.MeansOf(in, y.v))
		case "total":
			parts = append(parts, estimate.TotalsOf(in, y.v))
		default:
			parts = append(parts, estimate.QuantilesOf(in, y.v, estimate.Math, 0.5))
		}
		return "part" + number(float64(len(parts)))
	})
	if len(parts) == 0 {
		fail("\"fun\" is not understood: %q; write means, totals or medians of columns, such as mean(y | sex == \"F\") - mean(y | sex == \"M\")", fun)
	}
	e := try(parseExpr(rest))
	all := estimate.Join(parts...)
	return func(w []float64) ([]float64, error) {
		v, err := all(w)
		if err != nil {
			return nil, err
		}
		out, err := e.evaluate(func(name string) (value, bool) {
			for i, x := range v {
				if name == "part"+number(float64(i+1)) {
					return value{x: []float64{x}}, true
				}
			}
			return value{}, false
		}, 1)
		return out.x, err
	}
}

// driverShares returns the shares of the drivers named by the queries before.
func (r *run) driverShares(d *design, m driver.Method) estimate.Statistic {
	a := r.inherit("predictors")
	if a == nil {
		fail("\"predictors\" and \"outcome\" are missing")
	}
	x := d.f.columnsOf(append(a.texts("predictors"), a.text("outcome")))
	return func(w []float64) ([]float64, error) {
		c, err := driver.Correlate(x, w)
		if err != nil {
			return nil, err
		}
		s, err := driver.FromCorrelations(c.R, m)
		return s.Percent, err
	}
}

// columnsOf computes several expressions.
func (f *Frame) columnsOf(names []string) [][]float64 {
	if len(names) == 0 {
		fail("the query names no columns")
	}
	out := make([][]float64, len(names))
	for j, name := range names {
		out[j] = f.number(name)
	}
	return out
}

// source returns the data of a query that names no design: what it says itself,
// what the query before said, or the first data that have the columns.
func (r *run) source(q *Query, columns ...string) *Frame {
	if q.Args.has("data") {
		return r.data(q.Args.text("data"))
	}
	if q.Design != "" {
		return r.design(q.Design).f
	}
	if a := r.inherit("data"); a != nil {
		f := r.data(a.text("data"))
		if !slices.ContainsFunc(columns, func(c string) bool { return !f.has(c) }) {
			return f
		}
	}
	return r.data(r.dataWith(columns...))
}

// correlation answers weighted correlations.
func (r *run) correlation(q *Query) any {
	vars := q.Args.texts("vars")
	f := r.source(q, vars...)
	c := try(driver.Correlate(f.columnsOf(vars), givenWeights(f, q.Args)))
	out := make([][]float64, len(vars))
	for i := range out {
		for j := range vars {
			out[i] = append(out[i], c.R.At(i, j))
		}
	}
	return object{"n", c.N, "matrix", out}
}

// drivers answers relative weights and Shapley shares. The data and weights are
// those of the correlations before, unless the query says its own.
func (r *run) drivers(q *Query) any {
	names := append(slices.Clone(q.Args.texts("predictors")), q.Args.text("outcome"))
	from := q
	if !q.Args.has("data") && !q.Args.has("weights") {
		if c := r.before(func(o *Query) bool { return o.Stat == "correlation" }); c != nil {
			from = c
		}
	}
	f := r.source(from, names...)
	m := driver.RelativeWeights
	if q.Stat == "shapley" {
		m = driver.ShapleyShares
	}
	s := try(driver.FromRows(f.columnsOf(names), givenWeights(f, from.Args), m, nil))
	return object{"r2", s.R2, "raw", s.Raw, "pct", s.Percent, "n", s.N}
}
