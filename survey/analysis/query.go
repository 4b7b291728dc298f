package analysis

import (
	"math"
	"slices"
	"strings"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// answers are the statistics by the name a query calls them.
var answers map[string]func(r *run, q *Query) any

func init() {
	answers = map[string]func(r *run, q *Query) any{
		"mean": (*run).estimates, "total": (*run).estimates, "ratio": (*run).estimates,
		"variance": (*run).variance, "contrast": (*run).contrast, "ttest": (*run).groupTest,
		"ciprop": (*run).proportion, "ci_function": (*run).intervals, "published_rate": (*run).published,
		"quantile": (*run).quantiles, "quantile_ci": (*run).quantileIntervals, "rao_scott": (*run).association, "table": (*run).table,
		"kish": (*run).kish, "weights": (*run).weights, "g_weights": (*run).factors, "replicate_scales": (*run).scales,
		"design_error": (*run).refusedDesign, "calibrate_error": (*run).refusedCalibration,
		"function": (*run).function, "function_ci": (*run).functionInterval,
		"composite": (*run).composite, "generated_rows": (*run).generatedRows,
		"correlation": (*run).correlation, "relative_weights": (*run).drivers, "shapley": (*run).drivers,
		"smoothed_variance": (*run).smoothedVariance, "fay_herriot": (*run).fayHerriot, "fay_herriot_arcsine": (*run).fayHerriotArcsine,
		"benchmark": (*run).benchmark, "synthetic_prediction": (*run).syntheticPrediction, "beta_binomial": (*run).betaBinomial, "pipeline_sae": (*run).smoothedRates,
		"p_adjust": (*run).adjusted, "rank_ci": (*run).rankIntervals,
		"propensity_clw": (*run).propensity, "propensity_alp": (*run).propensity, "propensity_ev": (*run).propensity,
		"ipw_hajek": (*run).pseudoMean, "doubly_robust": (*run).pseudoMean, "ipw_dr_fixed_N": (*run).pseudoMean,
		"cronbach": (*run).cronbach, "cronbach_weighted": (*run).weightedCronbach, "quality_indices": (*run).qualityIndices, "quality_flags": (*run).qualityFlags,
		"chisq_gof": (*run).goodness, "binomial": (*run).heaping, "benford": (*run).benford, "icc_anova": (*run).anova, "icc_reml": (*run).reml,
		"sample_size": (*run).sampleSize, "moe": (*run).margin, "sample_size_difference": (*run).changeSize, "allocation": (*run).allocation, "deff_planning": (*run).planDeff,
	}
}

// Statistics that answer for groups and for a domain. Others refuse these
// settings: an answer for everybody would pass for one for some.
const (
	takesGroups = "mean total ratio ciprop ci_function contrast published_rate pipeline_sae quality_flags quantile quantile_ci"
	takesDomain = "mean total ratio variance ciprop ci_function contrast published_rate pipeline_sae quantile quantile_ci rao_scott table ttest kish cronbach_weighted"
)

func (r *run) query(q *Query) any {
	must(q.wrong)
	f := answers[q.Stat]
	for key, takers := range map[string]string{"by": takesGroups, "domain": takesDomain} {
		if f != nil && q.Args.has(key) && !slices.Contains(strings.Fields(takers), q.Stat) {
			fail("statistic %s takes no %q; those that do are %s", q.Stat, key, strings.ReplaceAll(takers, " ", ", "))
		}
	}
	if f == nil {
		if q.Stat == "information" {
			fail("this query is for information only and asks for nothing that can be computed")
		}
		fail("statistic %q is not known; there are %s", q.Stat, listed(sortedKeys(answers)))
	}
	return f(r, q)
}

// estimates answers mean, total and ratio.
func (r *run) estimates(q *Query) any {
	if q.Design == "" && len(r.c.Designs.Names) == 0 && r.hasGenerated() {
		return r.generatedEstimates(q)
	}
	a := r.ask(q)
	if by := q.Args.texts("by"); len(by) > 0 {
		return r.byGroup(q, a, by)
	}
	figs := a.d.figures(a.stat, a.cols, a.den, a.in)
	df := a.d.df() // also when answers are missing
	if a.restricted {
		df = a.d.domainDF(a.whole)
	}
	rows := make([]object, len(figs))
	for i, f := range figs {
		rows[i] = object{"name", f.name, "estimate", f.value, "se", f.se}
		if deff, ok := f.effect(q.Args); ok {
			rows[i] = append(rows[i], "deff", deff)
		}
		rows[i] = append(rows[i], "ci95_z", interval(f.value, f.se, math.Inf(1)), "ci95_t", interval(f.value, f.se, float64(df)),
			"n", f.n, "sum_w", f.sumW)
	}
	out := object{"df", df, "rows", rows}
	if len(figs) <= 200 {
		out = append(out, "vcov", a.d.covariance(figs))
	}
	return out
}

// byGroup answers for every group. The interval takes the degrees of freedom of
// the whole design, as those of pooled statements do; domain_df says how many
// the group has itself.
func (r *run) byGroup(q *Query, a asked, by []string) any {
	df := a.d.df()
	var rows []object
	var all [][]figure
	for _, g := range a.d.f.groups(by, a.whole) {
		figs := a.d.figures(a.stat, a.cols, a.den, both(g.in, a.in))
		all = append(all, figs)
		row := object{"by", g.by, "n", figs[0].n, "sum_w", figs[0].sumW, "domain_df", figs[0].df, "n_psu", figs[0].psus}
		var each []object
		for _, f := range figs {
			s := object{"name", f.name, "estimate", f.value, "se", f.se}
			if deff, ok := f.effect(q.Args); ok {
				s = append(s, "deff", deff)
			}
			each = append(each, append(s, "ci95_t", interval(f.value, f.se, float64(df))))
		}
		row = append(row, "stat", each)
		if len(figs) == 1 {
			row = append(row, "estimate", figs[0].value, "se", figs[0].se)
		}
		rows = append(rows, row)
	}
	out := object{"df", df, "rows", rows}
	if q.Args.flag("covmat") {
		out = append(out, "vcov", a.d.covariance(bySize(all)))
	}
	return out
}

// bySize puts the figures of groups in the order of a covariance matrix: all
// groups of the first variable, then of the second.
func bySize(all [][]figure) []figure {
	var out []figure
	for i := range all[0] {
		for _, figs := range all {
			if math.IsNaN(figs[i].value) {
				fail("a group has no answers, so there is no covariance with it")
			}
			out = append(out, figs[i])
		}
	}
	return out
}

// variance answers the population covariance matrix.
func (r *run) variance(q *Query) any {
	a := r.ask(q)
	y := make([][]float64, len(a.cols))
	for i, c := range a.cols {
		y[i] = c.v
	}
	a.d.varies(a.in)
	v := try(a.d.spread(y, a.in))
	out := make([][]float64, len(y))
	for i := range out {
		for j := range y {
			out[i] = append(out[i], v.At(i, j))
		}
	}
	return object{"estimate", out}
}

// kish answers what unequal weights cost.
func (r *run) kish(q *Query) any {
	var w []float64
	d := r.design(q.Design)
	in, _ := d.f.domain(q.Args)
	for k, x := range d.weights() {
		if x != 0 && in[k] {
			w = append(w, x)
		}
	}
	deff := stats.WeightingEffect(w)
	return object{"n", len(w), "deff", deff, "neff", stats.EffectiveSize(w), "cv", math.Sqrt(max(0, deff-1))}
}

// weights answers the weights themselves.
func (r *run) weights(q *Query) any {
	var w []float64
	if q.Design == "" && len(r.c.Designs.Names) == 0 && r.hasGenerated() {
		w = r.generated().d.Weights()
	} else {
		w = r.design(q.Design).weights()
	}
	return append(summary(w), "first5", w[:min(5, len(w))], "values", w)
}

// factors answers the range of what calibration did to the weights.
func (r *run) factors(q *Query) any {
	d := r.design(q.Design)
	if d.from == nil {
		fail("design %q is not made from another, so there are no factors", q.Design)
	}
	after, before := d.weights(), d.from.weights()
	lo, hi := math.Inf(1), math.Inf(-1)
	for k, w := range before {
		if w != 0 {
			lo, hi = min(lo, after[k]/w), max(hi, after[k]/w)
		}
	}
	return object{"min", lo, "max", hi}
}

// scales answers the scales of replicates.
func (r *run) scales(q *Query) any {
	scale, each := r.design(q.Design).replicates().Scales()
	distinct := make([]float64, 0, len(each))
	for _, x := range each {
		distinct = append(distinct, signif(x, 12))
	}
	slices.Sort(distinct)
	return object{"scale", scale, "rscales_unique", slices.Compact(distinct), "replicates", len(each)}
}

// signif rounds to significant digits.
func signif(x float64, digits int) float64 {
	if x == 0 || !stats.IsFinite(x) {
		return x
	}
	p := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(x))))
	return math.RoundToEven(x*p) / p
}

// refusedDesign tries a design that is expected to be wrong. The error is the
// answer; that it went well is one, too.
func (r *run) refusedDesign(q *Query) any {
	spec := Args{}
	for k, v := range q.Args {
		spec[k] = v
	}
	if !spec.has("data") {
		spec["data"] = r.dataWith(append(columnNames(spec, "ids"), columnNames(spec, "strata")...)...)
	}
	d := &design{name: q.Name, spec: spec}
	if len(columnNames(spec, "weights")) == 0 && len(columnNames(spec, "probs")) == 0 && len(columnNames(spec, "fpc")) == 0 {
		r.sample(d, spec, slices.Repeat([]float64{1}, r.data(spec.text("data")).Rows))
	} else {
		r.sample(d, spec, nil)
	}
	return object{"error", false}
}

// refusedCalibration tries a calibration that is expected to be impossible.
func (r *run) refusedCalibration(q *Query) any {
	spec := Args{"from": q.Design}
	for k, v := range q.Args {
		spec[k] = v
	}
	d := &design{name: q.Name, spec: spec, kind: "calibrate"}
	if spec.has("margins") || spec.has("margins_from") {
		r.rake(d)
	} else {
		r.calibrate(d)
	}
	return object{"error", false}
}

// dataWith returns the name of the first data that have all the columns.
func (r *run) dataWith(columns ...string) string {
	for _, name := range r.c.Data.Names {
		f := r.data(name)
		if !slices.ContainsFunc(columns, func(c string) bool { return !f.has(c) }) {
			return name
		}
	}
	fail("no data have the columns %s", listed(columns))
	return ""
}

// before returns the nearest query up to this one for which ok holds; questions
// that follow each other leave out what the one before has said.
func (r *run) before(ok func(q *Query) bool) *Query {
	for i := r.at; i >= 0; i-- {
		if q := &r.c.Queries[i]; ok(q) {
			return q
		}
	}
	return nil
}

// inherit returns a setting of this query or of the nearest before it.
func (r *run) inherit(key string) Args {
	if q := r.before(func(q *Query) bool { return q.Args.has(key) }); q != nil {
		return q.Args
	}
	return nil
}

func (r *run) composite(q *Query) any {
	a := q.Args
	c := try(estimate.Composite(a.number("prob"), a.number("var_prob"), a.number("nonprob"), a.number("var_nonprob")))
	return object{"bias2", c.Bias2, "weight_prob", c.WeightProb, "estimate", c.Estimate, "mse", c.MSE}
}
