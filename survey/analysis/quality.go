package analysis

import (
	"math"
	"regexp"
	"slices"

	"chengyin/stats/quality"
)

var reversed = regexp.MustCompile(`^\s*([\d.]+)\s*-\s*x\s*$`)

// cronbach answers how far items measure one thing.
func (r *run) cronbach(q *Query) any {
	names := q.Args.texts("items")
	f := r.source(q, names...)
	items := f.columnsOf(names)
	if rev := q.Args.texts("reversed"); len(rev) > 0 {
		m := reversed.FindStringSubmatch(q.Args.text("reverse_rule"))
		if m == nil {
			fail("\"reverse_rule\" is such as \"6 - x\", not %q", q.Args.text("reverse_rule"))
		}
		for _, name := range rev {
			j := slices.Index(names, name)
			if j < 0 {
				fail("%q is not among the items", name)
			}
			items[j] = f.number(m[1] + " - `" + name + "`")
		}
	}
	c := try(quality.Cronbach(items, 0.95))
	return object{"n", c.N, "k", c.K, "raw_alpha", c.Alpha, "std_alpha", c.StdAlpha, "mean_r", c.MeanR,
		"feldt95", []float64{c.Feldt.Lower, c.Feldt.Upper}, "alpha_if_dropped", c.IfDropped, "item_rest_r", c.ItemRest}
}

func (r *run) weightedCronbach(q *Query) any {
	d := r.design(q.Design)
	l := try(quality.WeightedAlpha(d.rows(), d.f.columnsOf(q.Args.texts("items")), nil))
	e := d.rows().Estimate(l)
	return object{"value", e.Value, "se", e.SE, "n", e.N}
}

// indices computes the quality of every row, as the nearest query with items asks.
func (r *run) indices(q *Query) (f *Frame, a Args, x quality.Indices) {
	a = q.Args
	if !a.has("items") {
		if a = r.inherit("items"); a == nil {
			fail("\"items\" are missing")
		}
	}
	names := a.texts("items")
	f = r.source(&Query{Args: a, Design: q.Design}, names...)
	var duration []float64
	if a.has("duration") {
		duration = f.number(a.text("duration"))
	}
	x = try(quality.Examine(f.columnsOf(names), duration, quality.MatchOptions{}))
	return f, a, x
}

func (r *run) qualityIndices(q *Query) any {
	f, a, x := r.indices(q)
	id := func(k int) any {
		if k < 0 {
			return nil
		}
		if a.has("id") {
			return f.text(a.text("id"))[k]
		}
		return k + 1
	}
	rows := make([]object, f.Rows)
	for k := range rows {
		rows[k] = object{"id", id(k), "longstring", x.LongString[k], "irv", x.IRV[k], "mahal_d2", x.Distances.D2[k], "mahal_p", x.Distances.P[k],
			"max_match", x.Matches.Share[k], "partner", id(x.Matches.Partner[k])}
		if x.Speed != nil {
			rows[k] = append(rows[k], "speed_ratio", x.Speed[k])
		}
	}
	return object{"rows", rows}
}

// qualityFlags counts the rows beyond the usual thresholds.
func (r *run) qualityFlags(q *Query) any {
	f, a, x := r.indices(q)
	usual := quality.UsualThresholds(len(a.texts("items")))
	matched := make([]bool, f.Rows)
	var straight, level, far, match, fast int
	for k := range matched {
		matched[k] = x.Matches.Share[k] >= usual.Match
		straight += int(truth(x.LongString[k] >= usual.LongString))
		level += int(truth(x.IRV[k] == 0))
		far += int(truth(x.Distances.P[k] < usual.D2P))
		match += int(truth(matched[k]))
		fast += int(truth(x.Speed != nil && x.Speed[k] < usual.Speed))
	}
	if q.Args.has("by") {
		g := f.completeFactor(q.Args.text("by"))
		counts := object{}
		flagged := make([]int, len(g.levels))
		for k, c := range g.code {
			flagged[c] += int(truth(matched[k]))
		}
		for i, name := range g.levels {
			counts = append(counts, name, flagged[i])
		}
		return object{"counts", counts}
	}
	return object{"longstring_ge_" + number(float64(usual.LongString)), straight, "irv_zero", level, "mahal_p_below_001", far,
		"match_ge_85", match, "speed_below_half", fast, "median_dur", x.Median}
}

// columnIn finds the data that an expression is about.
func (r *run) columnIn(q *Query, expression string) (*Frame, []float64) {
	if q.Args.has("data") || q.Design != "" {
		f := r.source(q)
		return f, f.number(expression)
	}
	if a := r.inherit("data"); a != nil && a.has("data") {
		f := r.data(a.text("data"))
		var v []float64
		if guard(func() { v = f.number(expression) }) == nil {
			return f, v
		}
	}
	for _, name := range r.c.Data.Names {
		f := r.data(name)
		var v []float64
		err := guard(func() { v = f.number(expression) })
		if err == nil {
			return f, v
		}
		if bad := dataError(err); bad != nil && bad.Row > 0 || len(r.c.Data.Names) == 1 {
			panic(fault{err})
		}
	}
	fail("no data have the columns of %s", expression)
	return nil, nil
}

var remainder = regexp.MustCompile(`^(.*?)\s*(?:mod|%%)\s*(\d+)(?:\s*==\s*0)?\s*$`)

// goodness answers whether remainders, such as last digits, are spread evenly.
func (r *run) goodness(q *Query) any {
	m := remainder.FindStringSubmatch(q.Args.text("var"))
	if m == nil {
		fail("\"var\" is such as \"score mod 10\", not %q", q.Args.text("var"))
	}
	f, v := r.columnIn(q, q.Args.text("var"))
	n := 0
	for _, c := range m[2] {
		if n = 10*n + int(c-'0'); n > 1000 {
			fail("the divisor of %q is too large", q.Args.text("var"))
		}
	}
	if n < 2 {
		fail("the divisor of %q is too small", q.Args.text("var"))
	}
	counts, prob := make([]int, n), make([]float64, n)
	for i := range prob {
		prob[i] = 1 / float64(n)
	}
	for k, x := range v {
		switch {
		case math.IsNaN(x):
		case x != math.Trunc(x) || x < 0 || x >= float64(n):
			f.refuse(k, m[1], "%g is no whole remainder of a division by %d", x, n)
		default:
			counts[int(x)]++
		}
	}
	g := try(quality.ChiSquare(counts, prob))
	return object{"statistic", g.Statistic, "df", []int{g.DF}, "p_value", g.P, "counts", counts}
}

// heaping answers whether more rows than p0 fulfil a condition.
func (r *run) heaping(q *Query) any {
	_, v := r.columnIn(q, q.Args.text("var"))
	p0 := q.Args.number("p0")
	if !(p0 >= 0 && p0 <= 1) {
		fail("\"p0\" is between 0 and 1, not %g", p0)
	}
	n, yes := 0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			n++
			yes += int(truth(x != 0))
		}
	}
	if n == 0 {
		fail("nobody has an answer")
	}
	return object{"share", float64(yes) / float64(n), "p_value", quality.BinomialTail(yes, n, p0), "n", n}
}

var firstDigit = regexp.MustCompile(`^first digit of (.+?)\s*(?:\(> 0\))?$`)

func (r *run) benford(q *Query) any {
	expression := q.Args.text("var")
	if m := firstDigit.FindStringSubmatch(expression); m != nil {
		expression = m[1]
	}
	_, v := r.columnIn(q, expression)
	b := try(quality.Benford(v))
	return object{"n", b.N, "counts", b.Counts, "chisq", b.Statistic, "df", b.DF, "p_value", b.P, "mad", b.MAD, "span", b.Span, "verdict", b.Verdict}
}

// anova answers how much of the spread lies between groups.
func (r *run) anova(q *Query) any {
	f := r.source(q, q.Args.text("group"))
	a := try(quality.ICC(f.number(q.Args.text("y")), f.factor(q.Args.text("group")).code))
	return object{"k", a.K, "N", a.N, "n0", a.N0, "msb", a.MSB, "msw", a.MSW, "F", a.F, "p_value", a.P, "icc", a.ICC, "m_bar", a.MeanLoad, "deff_int", a.Deff}
}

// reml answers variance components, of crossed factors too.
func (r *run) reml(q *Query) any {
	group := q.Args.text("group")
	f := r.source(q, group)
	y := f.number(q.Args.text("y"))
	factors := []quality.Factor{{Name: group, Level: f.factor(group).code}}
	for _, name := range columnNames(q.Args, "random") {
		factors = append(factors, quality.Factor{Name: name, Level: f.factor(name).code})
	}
	var x [][]float64
	for _, name := range columnNames(q.Args, "fixed") {
		if f.isNumber(name) {
			x = append(x, f.numbers(name))
			continue
		}
		for _, c := range f.expand([]string{name})[1:] {
			x = append(x, c.v)
		}
	}
	c := try(quality.REML(y, x, factors))
	parts := object{}
	for i, g := range factors {
		parts = append(parts, g.Name, c.Variance[i])
	}
	out := object{"var_between", c.Variance[0], "var_within", c.Residual, "icc", c.ICC[0], "mean", c.Beta[0], "reml_criterion", c.Criterion,
		"components", append(parts, "Residual", c.Residual), "n", c.N, "beta", c.Beta}
	for i, g := range factors {
		out = append(out, "icc_"+g.Name, c.ICC[i])
	}
	return out
}
