package analysis

import (
	"math"
	"slices"
	"strings"

	"chengyin/stats/estimate"
	"chengyin/stats/rank"
)

// contrast answers a difference of groups: of another query by its name, of
// "by_stype api00", or of two waves for every group.
func (r *run) contrast(q *Query) any {
	if q.Args.has("var") {
		return r.changes(q)
	}
	of := q.Args.text("of")
	figs, labels, d := r.groupFigures(q, of)
	coef := make([]float64, len(figs))
	switch c := q.Args["coef"].(type) {
	case []any:
		given := q.Args.numbers("coef")
		if len(given) != len(figs) {
			fail("%q has %d estimates and \"coef\" %d numbers", of, len(figs), len(given))
		}
		copy(coef, given)
	case map[string]any:
		for name := range c {
			i := slices.Index(labels, name)
			if i < 0 {
				fail("%q has no estimate %q; it has %s", of, name, listed(labels))
			}
			coef[i] = Args(c).number(name)
		}
	default:
		fail("\"coef\" is a list of numbers or an object of them by group")
	}
	value, variance := 0.0, 0.0
	v := d.covariance(figs)
	for i, f := range figs {
		value += coef[i] * f.value
		for j := range figs {
			variance += coef[i] * coef[j] * v[i][j]
		}
	}
	se, df := math.Sqrt(max(0, variance)), float64(d.df())
	z, t := interval(value, se, math.Inf(1)), interval(value, se, df)
	out := object{"df", int(df), "estimate", value, "se", se}
	if test, err := estimate.NewTest(value, se, df, 0.95); err == nil {
		out = append(out, "t", test.T, "p_value", test.P)
	} else {
		out = append(out, "t", math.NaN(), "p_value", math.NaN())
	}
	return append(out, "ci95", t, "rows", []object{{"name", "contrast", "estimate", value, "se", se, "ci95_z", z, "ci95_t", t}})
}

// groupFigures returns the estimates that a contrast is about, with the names
// of their groups.
func (r *run) groupFigures(q *Query, of string) ([]figure, []string, *design) {
	name, variable, _ := strings.Cut(of, " ")
	source := r.before(func(o *Query) bool { return o.Name == of })
	if source == nil {
		source = r.before(func(o *Query) bool { return o.Name == name })
	} else {
		variable = ""
	}
	if source == nil && strings.HasPrefix(name, "by_") && variable != "" {
		source = &Query{Name: name, Stat: "mean", Args: Args{"vars": variable, "by": strings.TrimPrefix(name, "by_")}}
	}
	if source == nil {
		fail("there is no query %q before this one to take the contrast of", of)
	}
	ask := *source
	if ask.Design == "" {
		ask.Design = q.Design
	}
	if variable != "" && ask.Stat != "ratio" {
		ask.Args = Args{}
		for k, v := range source.Args {
			ask.Args[k] = v
		}
		ask.Args["vars"] = variable
	}
	a := r.ask(&ask)
	by := ask.Args.texts("by")
	if len(by) == 0 {
		figs := a.d.figures(a.stat, a.cols, a.den, a.in)
		labels := make([]string, len(figs))
		for i, f := range figs {
			labels[i] = f.name
		}
		return figs, labels, a.d
	}
	var all [][]figure
	var labels []string
	groups := a.d.f.groups(by, a.whole)
	for i := range a.cols {
		for _, g := range groups {
			label := g.label
			if len(a.cols) > 1 {
				label += ":" + a.cols[i].name
			}
			labels = append(labels, label)
		}
	}
	for _, g := range groups {
		all = append(all, a.d.figures(a.stat, a.cols, a.den, both(g.in, a.in)))
	}
	return bySize(all), labels, a.d
}

// changes answers the change between the first and the last wave of every group.
func (r *run) changes(q *Query) any {
	d := r.design(q.Design)
	wave := q.Args.text("time")
	if wave == "" {
		wave = "wave"
	}
	y := column{q.Args.text("var"), d.f.number(q.Args.text("var"))}
	whole, _ := d.f.domain(q.Args)
	in := d.f.answered([]column{y}, whole, true)
	times := d.f.groups([]string{wave}, in)
	if len(times) < 2 {
		fail("column %s has one wave only", wave)
	}
	first, last := times[0], times[len(times)-1]
	var rows []object
	var p []float64
	for _, g := range d.f.groups(q.Args.texts("by"), in) {
		figs := []figure{d.figures("mean", []column{y}, nil, both(g.in, first.in))[0], d.figures("mean", []column{y}, nil, both(g.in, last.in))[0]}
		if math.IsNaN(figs[0].value) || math.IsNaN(figs[1].value) {
			fail("group %s has no answers in one of the waves", g.label)
		}
		v := d.covariance(figs)
		value, se := figs[1].value-figs[0].value, math.Sqrt(max(0, v[0][0]+v[1][1]-2*v[0][1]))
		pv := math.NaN()
		if test, err := estimate.NewTest(value, se, float64(d.df()), 0.95); err == nil {
			pv = test.P
		}
		p = append(p, pv)
		rows = append(rows, object{"by", g.by, "estimate", value, "se", se, "p", pv})
	}
	for _, name := range q.Args.texts("p_adjust") {
		adjusted := adjust(p, name)
		for i := range rows {
			rows[i] = append(rows[i], "p_"+strings.ToLower(name), adjusted[i])
		}
	}
	return object{"df", d.df(), "rows", rows}
}

// groupTest answers the t test between the two groups of a column.
func (r *run) groupTest(q *Query) any {
	d := r.design(q.Design)
	y := column{q.Args.text("y"), d.f.number(q.Args.text("y"))}
	g := d.f.factor(q.Args.text("group"))
	if len(g.levels) != 2 {
		fail("column %s has %d values; a t test compares two", g.name, len(g.levels))
	}
	in, _ := d.f.domain(q.Args)
	in = d.f.answered([]column{y}, in, true)
	second := make([]bool, len(in))
	for k, c := range g.code {
		in[k] = in[k] && c >= 0
		second[k] = c == 1
	}
	d.varies(in)
	t := try(d.groupTest(y.v, second, in))
	return object{"estimate", t.Value, "se", t.SE, "t", t.T, "df", t.DF, "p_value", t.P, "ci95", []float64{t.Lower, t.Upper}}
}

// groupTest compares two groups by whatever variance the design has.
func (d *design) groupTest(y []float64, second, in []bool) (estimate.Test, error) {
	if d.d != nil {
		return d.d.GroupTest(y, second, in, 0.95)
	}
	return d.reps.GroupTest(y, second, in, 0.95)
}

// table answers the weighted sums of a two-way table.
func (r *run) table(q *Query) any {
	t, rows, cols := r.twoWay(q)
	sums := make([][]float64, t.Rows)
	for i := range sums {
		sums[i] = t.Sum[i*t.Columns : (i+1)*t.Columns]
	}
	return object{"rows", rows, "cols", cols, "sums", sums, "n", t.N}
}

func (r *run) twoWay(q *Query) (*estimate.Table, []string, []string) {
	d := r.design(q.Design)
	row, col := d.f.factor(q.Args.text("row")), d.f.factor(q.Args.text("col"))
	in, _ := d.f.domain(q.Args)
	if len(row.levels)*len(col.levels) > 10000 {
		fail("a table of %d by %d cells is too large", len(row.levels), len(col.levels))
	}
	var t *estimate.Table
	if d.d != nil {
		t = try(d.d.Table(row.code, col.code, len(row.levels), len(col.levels), in))
	} else {
		t = try(d.reps.Table(row.code, col.code, len(row.levels), len(col.levels), in))
	}
	return t, row.levels, col.levels
}

// association answers tests of a two-way table.
func (r *run) association(q *Query) any {
	t, _, _ := r.twoWay(q)
	d := r.design(q.Design)
	in, _ := d.f.domain(q.Args)
	d.varies(in)
	var a estimate.Association
	switch name := q.Args.text("statistic"); name {
	case "", "F":
		a = try(t.RaoScott()).F
	case "Chisq":
		a = try(t.RaoScott()).ChiSquare
		a.Statistic *= float64(d.counted(in)) / float64(t.N) // R counts rows without answers
	case "Wald", "adjWald":
		a = try(t.Wald(name == "adjWald"))
	default:
		fail("statistic %q is not known; there are F, Chisq, Wald and adjWald", name)
	}
	df := []float64{a.DF1}
	if a.DF2 > 0 {
		df = append(df, a.DF2)
	}
	return object{"statistic", a.Statistic, "df", df, "p_value", a.P}
}

var rules = map[string]estimate.QuantileRule{
	"": estimate.Math, "math": estimate.Math, "school": estimate.School, "hf1": estimate.HF1, "hf2": estimate.HF2, "hf3": estimate.HF3, "hf4": estimate.HF4,
	"hf5": estimate.HF5, "hf6": estimate.HF6, "hf7": estimate.HF7, "hf8": estimate.HF8, "hf9": estimate.HF9,
}

// quantileOf reads the question for quantiles.
func (r *run) quantileOf(q *Query) (d *design, y column, in []bool, probs []float64, rule estimate.QuantileRule) {
	d = r.design(q.Design)
	y = column{q.Args.text("var"), d.f.number(q.Args.text("var"))}
	in, _ = d.f.domain(q.Args)
	in = d.f.answered([]column{y}, in, q.Args.flag("na_rm"))
	probs = q.Args.numbers("probs")
	for _, p := range probs {
		if !(p >= 0 && p <= 1) {
			fail("a probability is between 0 and 1, not %g", p)
		}
	}
	rule, ok := rules[strings.ToLower(q.Args.text("qrule"))]
	if !ok {
		fail("quantile rule %q is not known; there are %s", q.Args.text("qrule"), listed(sortedKeys(rules)))
	}
	return d, y, in, probs, rule
}

func (r *run) quantiles(q *Query) any {
	d, y, in, probs, rule := r.quantileOf(q)
	return r.eachGroup(q, d, in, func(in []bool) object {
		return object{"values", try(estimate.QuantilesOf(in, y.v, rule, probs...)(d.weights()))}
	})
}

// eachGroup answers for the domain, or for each group of it in "rows".
func (r *run) eachGroup(q *Query, d *design, in []bool, answer func(in []bool) object) any {
	by := q.Args.texts("by")
	if len(by) == 0 {
		return answer(in)
	}
	var rows []object
	for _, g := range d.f.groups(by, in) {
		rows = append(rows, append(object{"by", g.by}, answer(both(g.in, in))...))
	}
	return object{"rows", rows}
}

// quantileIntervals answers Woodruff's intervals, or those of replicates.
func (r *run) quantileIntervals(q *Query) any {
	d, y, in, probs, rule := r.quantileOf(q)
	return r.eachGroup(q, d, in, func(in []bool) object { return quantileInterval(q.Args, d, y, in, probs, rule) })
}

func quantileInterval(a Args, d *design, y column, in []bool, probs []float64, rule estimate.QuantileRule) object {
	d.varies(in)
	level := confidence(a)
	var rows []object
	name := a.text("interval")
	if d.reps != nil && !strings.HasPrefix(name, "woodruff") {
		e := try(d.reps.Estimate(estimate.QuantilesOf(in, y.v, rule, probs...)))
		for j, p := range probs {
			rows = append(rows, object{"p", p, "quantile", e.Value[j], "ci", pair(e.Interval(j, level)), "se", e.SE(j)})
		}
		return object{"rows", rows}
	}
	kind := strings.TrimLeft(strings.TrimPrefix(name, "woodruff"), "- ")
	if kind == "" {
		kind = "mean"
	}
	quantiles := d.reps.Quantiles
	if d.reps == nil {
		quantiles = d.d.Quantiles
	}
	for _, e := range try(quantiles(y.v, in, probs, rule, method(kind), level)) {
		rows = append(rows, object{"p", e.P, "quantile", e.Value, "ci", []float64{e.Lower, e.Upper}, "se", e.SE, "n", e.N})
	}
	return object{"rows", rows}
}

// adjust returns p-values adjusted for their number, by the name R gives the way.
func adjust(p []float64, name string) []float64 {
	a, ok := rank.AdjustmentNamed(name)
	if !ok {
		fail("adjustment %q is not known; there are holm, hochberg, hommel, bonferroni, BH, fdr, BY and none", name)
	}
	return try(rank.Adjust(a, p))
}
