package analysis

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chengyin/stats/rank"
	"chengyin/stats/smallarea"
)

// formula computes an expression for areas. Besides the columns it knows
// s2pool, the pooled variance of a score (from columns score_s2 and n), and
// D_aware, the smoothed sampling variance of a rate (from y_aware and n, with the
// rate of the subdistrict where there is one). Areas without data may come out as
// infinite or missing.
func (f *Frame) formula(expression string, more names) []float64 {
	if f.has(expression) {
		return f.numbers(expression)
	}
	e := try(parseExpr(expression))
	v, err := e.evaluate(func(name string) (value, bool) {
		if more != nil {
			if v, ok := more(name); ok {
				return v, true
			}
		}
		if v, ok := f.names(name); ok {
			return v, true
		}
		return f.smoothed(name)
	}, f.Rows)
	if err != nil {
		fail("%s: %w; %s has %s", expression, err, f.Path, listed(f.Names))
	}
	if v.isText() {
		fail("%s is text, not a number", expression)
	}
	if len(v.x) == 1 && f.Rows != 1 {
		return slices.Repeat(v.x, f.Rows)
	}
	return v.x
}

// smoothed computes the names that formula knows besides the columns.
func (f *Frame) smoothed(name string) (value, bool) {
	if v, ok := strings.CutPrefix(name, "D_"); ok && f.has("y_"+v) && f.has("n") {
		p := f.pooledRates(v)
		return value{x: try(smallarea.RateVariances(p, f.complete("n"), 1))}, true
	}
	if v, ok := strings.CutPrefix(name, "s2pool"); ok {
		for _, col := range f.Names {
			score, is := strings.CutSuffix(col, "_s2")
			if is && (v == "" || v == "_"+score) && f.has("n") {
				return value{x: []float64{try(smallarea.PooledVariance(f.varianceColumn(col), f.complete("n")))}}, true
			}
		}
	}
	return value{}, false
}

// varianceColumn reads variances, which areas with one answer do not have.
func (f *Frame) varianceColumn(name string) []float64 {
	n, v := f.complete("n"), slices.Clone(f.numbers(name))
	for k := range v {
		if n[k] <= 1 {
			v[k] = 0
		} else if math.IsNaN(v[k]) {
			f.refuse(k, name, "the variance is missing")
		}
	}
	return v
}

// larger returns the groups whose pooled rates areas borrow: the subdistrict, or
// all areas together.
func (f *Frame) larger() factor {
	if f.has("subdistrict") {
		return f.completeFactor("subdistrict")
	}
	return factor{code: make([]int, f.Rows), levels: []string{"all"}}
}

func (f *Frame) pooledRates(v string) []float64 {
	return try(smallarea.PooledRates(f.complete("y_"+v), f.complete("n"), f.larger().code))
}

// smoothedVariance answers the sampling variances that area models take.
func (r *run) smoothedVariance(q *Query) any {
	f := r.source(q, "n")
	out := object{}
	for _, col := range f.Names {
		if v, ok := strings.CutPrefix(col, "y_"); ok {
			g, p := f.larger(), f.pooledRates(v)
			pooled := object{}
			for i, level := range g.levels {
				pooled = append(pooled, level, p[slices.Index(g.code, i)])
			}
			d, _ := f.smoothed("D_" + v)
			out = append(out, "pooled_"+v, pooled, "D_"+v, d.x)
		}
		if v, ok := strings.CutSuffix(col, "_s2"); ok {
			s2, _ := f.smoothed("s2pool_" + v)
			out = append(out, "s2pool_"+v, s2.x[0])
		}
	}
	return out
}

var areaMethods = map[string]smallarea.Method{"": smallarea.REML, "REML": smallarea.REML, "ML": smallarea.ML, "FH": smallarea.Moments}

// covariates computes the rows of covariates of areas.
func (f *Frame) covariates(a Args) [][]float64 {
	names := a.texts("X")
	if len(names) == 0 {
		names = []string{"1"}
	}
	x := make([][]float64, f.Rows)
	for _, name := range names {
		v := f.formula(name, nil)
		for k := range x {
			if math.IsNaN(v[k]) {
				f.refuse(k, name, "the covariate is missing")
			}
			x[k] = append(x[k], v[k])
		}
	}
	return x
}

// areaFrame returns the data that an area model is about.
func (r *run) areaFrame(q *Query) *Frame {
	if q.Args.has("data") || q.Design != "" || len(r.c.Data.Names) != 1 {
		return r.source(q)
	}
	return r.data(r.c.Data.Names[0])
}

func areaMethod(a Args) smallarea.Method {
	m, ok := areaMethods[a.text("method")]
	if !ok {
		fail("method %q is not known; there are REML, ML and FH", a.text("method"))
	}
	return m
}

// withoutData marks areas that have no answers as the models want them.
func withoutData(y, d []float64) []float64 {
	d = slices.Clone(d)
	for k := range d {
		if math.IsNaN(y[k]) || math.IsNaN(d[k]) {
			d[k] = math.Inf(1)
		}
	}
	return d
}

// fayHerriot answers the area-level model.
func (r *run) fayHerriot(q *Query) any {
	f := r.areaFrame(q)
	y := f.formula(q.Args.text("y"), nil)
	d := withoutData(y, f.formula(q.Args.text("vardir"), nil))
	m := try(smallarea.Fit(y, d, f.covariates(q.Args), smallarea.Options{Method: areaMethod(q.Args), Covariates: q.Args.texts("X")}))
	if r.models == nil {
		r.models = map[string]*smallarea.Model{}
	}
	r.models[q.Name] = m
	var gamma, eblup, mse []float64
	for _, a := range m.Areas {
		gamma, eblup, mse = append(gamma, a.Gamma), append(eblup, a.Estimate), append(mse, a.MSE)
	}
	return object{"A", m.A, "beta", m.Beta, "beta_se", m.BetaSE, "loglik", m.LogLik, "gamma", gamma, "eblup", eblup, "mse", mse}
}

var arcsineOf = regexp.MustCompile(`^\s*asin\(sqrt\((.*)\)\)\s*$`)

// fayHerriotArcsine answers the model of transformed rates.
func (r *run) fayHerriotArcsine(q *Query) any {
	f := r.areaFrame(q)
	rate := q.Args.text("y")
	if m := arcsineOf.FindStringSubmatch(rate); m != nil {
		rate = m[1]
	}
	p, d := f.formula(rate, nil), f.formula(q.Args.text("vardir"), nil)
	n := make([]float64, len(d))
	for k := range d {
		if n[k] = 1 / (4 * d[k]); math.IsNaN(p[k]) {
			n[k] = 0
		}
	}
	m := try(smallarea.FitArcsine(p, n, f.covariates(q.Args), smallarea.Options{Method: areaMethod(q.Args)}))
	var z, mse, naive, rates []float64
	for _, a := range m.Rates {
		z, mse, naive, rates = append(z, a.Z.Estimate), append(mse, a.Z.MSE), append(naive, a.Naive), append(rates, a.Estimate)
	}
	return object{"A", m.A, "beta", m.Beta, "eblup_z", z, "mse_z", mse, "naive", naive, "bias_corrected", rates}
}

var weightedMeanOf = regexp.MustCompile(`^(\S+)-weighted mean of (?:direct )?(.+)$`)

// benchmark answers estimates that agree with a published figure.
func (r *run) benchmark(q *Query) any {
	f := r.areaFrame(q)
	name, _, _ := strings.Cut(q.Args.text("input"), " ")
	m := r.models[name]
	if m == nil {
		fail("there is no model %q before this query", name)
	}
	w := f.formula(q.Args.text("weights"), nil)
	theta := make([]float64, len(m.Areas))
	for i, a := range m.Areas {
		theta[i] = a.Estimate
	}
	var target float64
	if t, ok := asNumber(q.Args["target"]); ok {
		target = t
	} else if p := weightedMeanOf.FindStringSubmatch(q.Args.text("target")); p != nil {
		target = try(smallarea.WeightedMean(f.formula(p[2], nil), f.formula(p[1], nil)))
	} else {
		fail("\"target\" is a number or such as \"N-weighted mean of y/n\", not %s", shown(q.Args["target"]))
	}
	kind := smallarea.Ratio
	switch k := q.Args.text("kind"); k {
	case "", "ratio":
	case "difference":
		kind = smallarea.Difference
	default:
		fail("kind %q is not known; there are ratio and difference", k)
	}
	return object{"target", target, "values", try(smallarea.Benchmark(kind, theta, w, target))}
}

// rowsOf reads "1..90"; both ends count from 1.
func rowsOf(s string, rows int) (from, to int) {
	a, b, ok := strings.Cut(strings.TrimSpace(s), "..")
	x, err1 := strconv.Atoi(strings.TrimSpace(a))
	y, err2 := strconv.Atoi(strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || x < 1 || y < x || y > rows {
		fail("rows are written 1..%d, not %q", rows, s)
	}
	return x - 1, y
}

// syntheticPrediction answers the figures of areas that were not in the model.
func (r *run) syntheticPrediction(q *Query) any {
	f := r.areaFrame(q)
	y, d, x := f.formula(q.Args.text("y"), nil), f.formula(q.Args.text("vardir"), nil), f.covariates(q.Args)
	a, b := rowsOf(q.Args.text("fit_rows"), f.Rows)
	m := try(smallarea.Fit(y[a:b], withoutData(y, d)[a:b], x[a:b], smallarea.Options{Method: areaMethod(q.Args)}))
	a, b = rowsOf(q.Args.text("predict_rows"), f.Rows)
	var values, mse []float64
	for _, area := range try(m.Predict(x[a:b])) {
		values, mse = append(values, area.Estimate), append(mse, area.MSE)
	}
	return object{"A", m.A, "beta", m.Beta, "prediction", values, "mse", mse}
}

// betaBinomial answers smoothed rates without covariates.
func (r *run) betaBinomial(q *Query) any {
	f := r.areaFrame(q)
	deff := q.Args.numberOr("deff", 1)
	look := func(name string) (value, bool) {
		return value{x: []float64{deff}}, name == "deff"
	}
	y, n := f.formula(q.Args.text("y"), look), f.formula(q.Args.text("n"), look)
	ml, mm := try(smallarea.FitBetaBinomial(y, n)), try(smallarea.BetaBinomialMoments(y, n))
	var mean, sd, lower, upper, moments []float64
	for _, p := range try(ml.Posteriors(y, n, 0.95)) {
		mean, sd, lower, upper = append(mean, p.Mean), append(sd, p.SD), append(lower, p.Lower), append(upper, p.Upper)
	}
	for _, p := range try(mm.Posteriors(y, n, 0.95)) {
		moments = append(moments, p.Mean)
	}
	return object{"ml", object{"mu", ml.Mu, "phi", ml.Phi, "rho", ml.Rho, "loglik_kernel", ml.LogLik},
		"moments", object{"mu", mm.Mu, "phi", mm.Phi, "rho", mm.Rho},
		"post_mean", mean, "post_sd", sd, "lower95", lower, "upper95", upper, "post_mean_moments", moments}
}

// adjusted answers p-values adjusted for their number; null stays missing.
func (r *run) adjusted(q *Query) any {
	p := adjust(q.Args.numbers("p"), q.Args.text("method"))
	out := make([]any, len(p))
	for i, x := range p {
		if !math.IsNaN(x) {
			out[i] = num(x)
		}
	}
	return object{"values", out}
}

var someRows = regexp.MustCompile(`^(.*?)\s+rows\s+(\d+\.\.\d+)$`)

// estimatesOf reads a list of numbers, or an expression for the areas of a file
// with the rows it is meant for.
func (r *run) estimatesOf(q *Query, key, rows string) ([]float64, string) {
	if _, list := q.Args[key].([]any); list {
		return q.Args.numbers(key), rows
	}
	expression, _, _ := strings.Cut(q.Args.text(key), ", ")
	if m := someRows.FindStringSubmatch(expression); m != nil {
		expression, rows = m[1], m[2]
	}
	f := r.areaFrame(q)
	v := f.formula(expression, nil)
	if rows != "" {
		a, b := rowsOf(rows, f.Rows)
		v = v[a:b]
	}
	return v, rows
}

// rankIntervals answers the ranks that the estimates allow.
func (r *run) rankIntervals(q *Query) any {
	est, rows := r.estimatesOf(q, "est", "")
	se, _ := r.estimatesOf(q, "se", rows)
	if len(se) != len(est) {
		fail("there are %d estimates and %d standard errors", len(est), len(se))
	}
	if strings.HasPrefix(q.Args.text("order"), "desc") {
		est = slices.Clone(est)
		for i := range est {
			est[i] = -est[i]
		}
	}
	name := strings.ToLower(q.Args.text("method"))
	opt := rank.Options{Level: confidence(q.Args)}
	switch {
	case strings.Contains(name, "klein") || name == "kww":
		opt.Method = rank.KleinWrightWieczorek
	case strings.Contains(name, "one unit") || strings.Contains(name, "marginal"):
		opt.Method = rank.OneAtATime
	case strings.Contains(name, "bonferroni"):
		opt.Method = rank.BonferroniPairs
	case strings.Contains(name, "tukey") || name == "":
	default:
		fail("method %q is not known; there are Tukey, Bonferroni, Klein-Wright-Wieczorek and one unit at a time", q.Args.text("method"))
	}
	c := try(rank.Compare(est, se, opt))
	var place, lower, upper []int
	for _, i := range c.Ranks() {
		place, lower, upper = append(place, i.Rank), append(lower, i.Lower), append(upper, i.Upper)
	}
	return object{"rank", place, "lower", lower, "upper", upper, "critical", c.Critical}
}
