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

// methods are intervals of a proportion by name.
var methods = map[string]estimate.Method{
	"mean": estimate.Wald, "wald": estimate.Wald, "logit": estimate.Logit, "xlogit": estimate.Logit, "asin": estimate.ArcSine, "arcsine": estimate.ArcSine,
	"beta": estimate.Beta, "wilson": estimate.Wilson, "kg_capped": estimate.BetaCapped, "wilson_capped": estimate.WilsonCapped,
	"clopper-pearson": estimate.BetaCapped,
}

func method(name string) estimate.Method {
	m, ok := methods[name]
	if !ok {
		fail("method %q of an interval is not known; there are %s", name, listed(sortedKeys(methods)))
	}
	return m
}

// confidence reads the level of an interval, 0.95 when it is not given.
func confidence(a Args) float64 {
	level := a.numberOr("level", 0.95)
	if !(level > 0 && level < 1) {
		fail("a level is between 0 and 1, not %g", level)
	}
	return level
}

// pair is an interval as a case writes it; without one both ends are NaN.
func pair(i estimate.Interval, err error) []float64 {
	if err != nil {
		return []float64{math.NaN(), math.NaN()}
	}
	return []float64{i.Lower, i.Upper}
}

// proportion answers ciprop.
func (r *run) proportion(q *Query) any {
	d := r.design(q.Design)
	m, level := method(q.Args.text("method")), confidence(q.Args)
	y := column{q.Args.text("event"), d.f.event(q.Args.text("event"))}
	in, _ := d.f.domain(q.Args)
	in = d.f.answered([]column{y}, in, true)
	one := func(in []bool) (object, error) {
		f := d.figures("mean", []column{y}, nil, in)[0]
		n, df := f.n, float64(f.df)
		if m == estimate.Beta {
			n = d.counted(in)
		}
		switch q.Args["df"] {
		case "Inf":
			df = math.Inf(1)
		case nil, "domain", "degf":
		default:
			df = q.Args.number("df")
		}
		i, err := estimate.Proportion(m, clip(f.value), f.variance, n, df, level)
		return object{"estimate", f.value, "se", f.se, "ci", pair(i, err), "n", f.n, "df", df}, err
	}
	by := q.Args.texts("by")
	if len(by) == 0 {
		return try(one(in))
	}
	var rows []object
	for _, g := range d.f.groups(by, in) {
		row, _ := one(g.in) // a group too small for an interval has none
		rows = append(rows, append(object{"by", g.by}, row...))
	}
	return object{"rows", rows}
}

// counted returns the number of rows that R takes a domain to have: those of
// weight 0 too, and all rows of the data when the design is calibrated.
func (d *design) counted(in []bool) int {
	if d.calibrated && d.d != nil {
		return d.f.Rows
	}
	n := 0
	for _, member := range in {
		n += int(truth(member))
	}
	return n
}

// clip takes off what rounding adds to a share.
func clip(p float64) float64 {
	if p > 1 && p < 1+1e-12 {
		return 1
	}
	if p < 0 && p > -1e-12 {
		return 0
	}
	return p
}

// intervals answers ci_function: for a table of p, se, n, df and level, for one
// p and n, or for the groups of a design.
func (r *run) intervals(q *Query) any {
	switch {
	case q.Args.has("input"):
		return r.intervalTable(r.frame(q.Args.text("input")))
	case q.Args.has("var"):
		return r.domainIntervals(q)
	}
	p, n := q.Args.number("p"), q.Args.number("n")
	if !(n >= 1) || n != math.Trunc(n) || n > 1e9 || !(p >= 0 && p <= 1) {
		fail("p is between 0 and 1 and n a whole number of at least 1, not %g and %g", p, n)
	}
	name := q.Args.text("method")
	m, df := method(name), n-1
	v := p * (1 - p) / n
	if !q.Args.has("se") && !q.Args.has("df") { // a simple random sample, as R's binom.test and prop.test take it
		switch name {
		case "clopper-pearson":
			return object{"ci", pair(try(estimate.ClopperPearson(p*n, n, confidence(q.Args))), nil)}
		case "wilson":
			return object{"ci", pair(try(estimate.WilsonScore(p*n, n, confidence(q.Args))), nil)}
		}
	}
	if name == "wilson" {
		df = math.Inf(1)
	}
	df = q.Args.numberOr("df", df)
	if q.Args.has("se") {
		v = q.Args.number("se") * q.Args.number("se")
	}
	return object{"ci", pair(try(estimate.Proportion(m, p, v, int(n), df, confidence(q.Args))), nil)}
}

func (r *run) intervalTable(f *Frame) any {
	col := map[string][]float64{}
	for _, name := range []string{"p", "se", "n", "level"} {
		col[name] = f.complete(name)
	}
	col["df"] = f.read("df").v // may be Inf
	var rows []object
	for k := range f.Rows {
		p, se, n, level := col["p"][k], col["se"][k], col["n"][k], col["level"][k]
		for _, name := range []string{"wald", "xlogit", "asin", "beta", "wilson", "kg_capped", "wilson_capped"} {
			m := methods[name]
			if inside := p > 0 && p < 1; !inside && m != estimate.Wald && m != estimate.BetaCapped && m != estimate.WilsonCapped {
				continue
			}
			if !(level > 0 && level < 1) {
				f.refuse(k, "level", "%g is not between 0 and 1", level)
			}
			i, err := estimate.Proportion(m, p, se*se, int(n), col["df"][k], level)
			ci := pair(i, err)
			rows = append(rows, object{"row", k + 1, "method", name, "lower", ci[0], "upper", ci[1]})
		}
	}
	return object{"rows", rows}
}

// domainIntervals answers what is published for small domains.
func (r *run) domainIntervals(q *Query) any {
	d := r.design(q.Design)
	y := column{q.Args.text("var"), d.f.number(q.Args.text("var"))}
	all, _ := d.f.domain(q.Args)
	in := d.f.answered([]column{y}, all, true)
	whole := d.figures("mean", []column{y}, nil, in)[0]
	df, level := d.df(), confidence(q.Args)
	var rows []object
	for _, g := range d.f.groups(q.Args.texts("by"), in) {
		f := d.figures("mean", []column{y}, nil, both(g.in, in))[0]
		p := clip(f.value)
		capped, err1 := estimate.Proportion(estimate.BetaCapped, p, f.variance, f.n, float64(df), level)
		wilson, err2 := estimate.Proportion(estimate.WilsonCapped, p, f.variance, f.n, float64(df), level)
		borrowed, err3 := estimate.Borrowed(p, f.variance, f.n, whole.deffReplace, level)
		published, err4 := estimate.PublishedProportion(p, f.variance, f.n, f.df, whole.deffReplace, level)
		rows = append(rows, object{"by", g.by, "n", f.n, "n_psu", f.psus, "p", f.value, "se", f.se,
			"kg_capped", pair(capped, err1), "wilson_capped", pair(wilson, err2), "borrowed", pair(borrowed, err3), "published", pair(published, err4)})
	}
	return object{"df", df, "deff_district", whole.deffReplace, "rows", rows}
}

// published answers the rates of a table to publish, with the intervals that
// "interval" names.
func (r *run) published(q *Query) any {
	d := r.design(q.Design)
	rule := q.Args.text("interval")
	if rule == "" {
		rule = "kg_capped"
	}
	var wanted []string
	for _, word := range strings.FieldsFunc(rule, func(c rune) bool { return c == ' ' || c == ',' || c == ';' }) {
		if _, ok := methods[word]; ok {
			wanted = append(wanted, word)
		}
	}
	if len(wanted) == 0 {
		fail("\"interval\" names no method; there are %s", listed(sortedKeys(methods)))
	}
	vars := q.Args.texts("vars")
	if len(vars) == 0 {
		vars = q.Args.texts("var")
	}
	own := strings.Contains(rule, "domain")
	level := confidence(q.Args)
	all, _ := d.f.domain(q.Args)
	var rows []object
	one := func(head object, y column, in []bool) {
		in = d.f.answered([]column{y}, in, q.Args.flag("na_rm"))
		f := d.figures("mean", []column{y}, nil, in)[0]
		df := d.df()
		if own {
			df = f.df
		}
		p := clip(f.value)
		row := append(head, "n", f.n, "df", df, "estimate", f.value, "se", f.se, "n_eff", p*(1-p)/f.variance)
		for _, name := range wanted {
			i, err := estimate.Proportion(methods[name], p, f.variance, f.n, float64(df), level)
			row = append(row, name, pair(i, err))
		}
		rows = append(rows, row)
	}
	for _, y := range d.f.expand(vars) {
		if by := q.Args.texts("by"); len(by) > 0 {
			for _, g := range d.f.groups(by, all) {
				one(object{"by", g.by, "var", y.name}, y, g.in)
			}
			continue
		}
		one(object{"var", y.name}, y, all)
	}
	return object{"df", d.df(), "rows", rows}
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
