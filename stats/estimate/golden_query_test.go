package estimate_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/weighting"
)

// query compares one answer of R.
func (r *run) query(t *testing.T, q refQuery) {
	if q.Design != "" && r.design(t, q.Design).rep != nil {
		r.replicateQuery(t, q)
		return
	}
	switch q.Stat {
	case "mean", "total", "ratio":
		switch {
		case q.Args["covmat"] == true:
			r.groups(t, q)
		case q.Args["by"] != nil:
			r.byGroup(t, q)
		default:
			r.rows(t, q)
		}
	case "contrast":
		switch {
		case q.Args["by"] != nil:
			r.changes(t, q)
		case strings.Contains(q.Args["of"].(string), "_waves_"):
			r.change(t, q)
		default:
			r.contrast(t, q)
		}
	case "ttest":
		r.tTest(t, q)
	case "quantile", "quantile_ci":
		r.quantiles(t, q)
	case "rao_scott", "table":
		r.table(t, q)
	case "variance":
		r.variance(t, q)
	case "ciprop":
		r.ciprop(t, q)
	case "ci_function":
		r.ciFunction(t, q)
	case "composite":
		r.composite(t, q)
	case "kish":
		w := r.design(t, q.Design).d.Weights()
		n := float64(len(w))
		got := map[string]float64{"n": n, "deff": stats.WeightingEffect(w), "neff": stats.EffectiveSize(w), "cv": math.Sqrt(stats.WeightingEffect(w) - 1)}
		for name, v := range got {
			checkNear(t, name, v, q.Expected[name], q.RelTol)
		}
	case "weights":
		for k, w := range r.design(t, q.Design).d.Weights() {
			checkNear(t, fmt.Sprint("weight ", k), w, q.Expected["values"].([]any)[k], q.RelTol)
		}
	case "g_weights":
		d := r.design(t, q.Design)
		w, w0 := d.d.Weights(), r.design(t, d.spec.From).d.Weights()
		lo, hi := math.Inf(1), math.Inf(-1)
		for k := range w {
			lo, hi = min(lo, w[k]/w0[k]), max(hi, w[k]/w0[k])
		}
		checkNear(t, "smallest g", lo, q.Expected["min"], q.RelTol)
		checkNear(t, "largest g", hi, q.Expected["max"], q.RelTol)
	case "design_error":
		f := r.frames["fpc"]
		unit, _ := f.codes(t, list(q.Args["ids"])[0])
		stratum, names := f.codes(t, list(q.Args["strata"])[0])
		_, err := estimate.NewDesign(estimate.Spec{Rows: f.rows, Stages: []estimate.Stage{{Unit: unit, Stratum: stratum, Names: names}}, Weight: slices.Repeat([]float64{1}, f.rows)})
		golden.Count(t)
		var fault *estimate.DesignError
		if !errors.As(err, &fault) {
			t.Errorf("error is %v", err)
		}
	case "calibrate_error":
		from := r.design(t, q.Design)
		x := auxiliaries(t, from.f, list(q.Args["columns"]))
		bounds := q.Args["bounds"].([]any)
		_, _, err := weighting.Calibrate(from.d.Weights(), x, []float64{6194, 755, 1018, 3914069},
			weighting.CalibrateOptions{Distance: weighting.Logit, Lower: bounds[0].(float64), Upper: bounds[1].(float64)})
		golden.Count(t)
		var fault *weighting.ConvergenceError
		if !errors.As(err, &fault) || !(fault.Worst > 1e-3) {
			t.Errorf("error is %v", err)
		}
	default:
		t.Fatalf("statistic %q", q.Stat)
	}
}

// statistics builds the linear statistics of a query on a domain.
func (r *run) statistics(t *testing.T, q refQuery, in []bool) (names []string, s []estimate.Linear) {
	t.Helper()
	d := r.design(t, q.Design)
	var cols []column
	if q.Stat == "ratio" {
		for _, num := range list(q.Args["num"]) {
			cols = append(cols, column{num + "/" + q.Args["den"].(string), columns(t, d.f, num)[0].v})
		}
	} else {
		for _, v := range list(q.Args["vars"]) {
			cols = append(cols, columns(t, d.f, v)...)
		}
	}
	dom := slices.Clone(in)
	var den []float64
	if q.Stat == "ratio" {
		den = columns(t, d.f, q.Args["den"].(string))[0].v
	}
	if q.Args["na_rm"] == true {
		for k := range dom {
			for _, c := range cols {
				dom[k] = dom[k] && !math.IsNaN(c.v[k])
			}
			dom[k] = dom[k] && (den == nil || !math.IsNaN(den[k]))
		}
	}
	for _, c := range cols {
		var l estimate.Linear
		var err error
		switch q.Stat {
		case "mean":
			l, err = d.d.Mean(c.v, dom)
		case "total":
			l, err = d.d.Total(c.v, dom)
		case "ratio":
			l, err = d.d.Ratio(c.v, den, dom)
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		names, s = append(names, c.name), append(s, l)
	}
	return names, s
}

func (r *run) domain(t *testing.T, q refQuery) []bool {
	d := r.design(t, q.Design)
	in := slices.Repeat([]bool{true}, d.f.rows)
	dom, ok := q.Args["domain"].(map[string]any)
	switch expr, isExpr := dom["expr"].(string); {
	case isExpr:
		for k, x := range event(t, d.f, expr) {
			in[k] = x == 1
		}
	case ok:
		for k, s := range d.f.text(t, dom["var"].(string)) {
			in[k] = s == dom["eq"]
		}
	}
	return in
}

func (r *run) rows(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	// survey::rake() takes unweighted residuals: with unequal weights only its
	// estimates have to agree.
	information := strings.HasPrefix(q.Note, "information only") && strings.HasSuffix(q.Design, "_uneq")
	names, s := r.statistics(t, q, r.domain(t, q))
	for i, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		if names[i] != want["name"] {
			t.Fatalf("row %d is %s, want %s", i, names[i], want["name"])
		}
		e := d.d.Estimate(s[i])
		checkNear(t, names[i], e.Value, want["estimate"], q.RelTol)
		if information || want["se"] == nil {
			continue
		}
		df := e.DesignDF // also when answers are missing
		if q.Args["domain"] != nil {
			df = e.DF
		}
		if want, ok := q.Expected["df"]; ok && float64(df) != want {
			t.Errorf("%s: df is %d, want %v", names[i], df, want)
		}
		r.precision(t, names[i], q, e, want, float64(df))
	}
	if want, ok := q.Expected["vcov"].([]any); ok && !information {
		v := d.d.Covariance(s...)
		for i, row := range want {
			for j, x := range row.([]any) {
				checkNear(t, fmt.Sprintf("covariance %d,%d", i, j), v.At(i, j), x, q.RelTol)
			}
		}
	}
}

// precision compares SE, design effect and intervals.
func (r *run) precision(t *testing.T, name string, q refQuery, e estimate.Estimate, want map[string]any, df float64) {
	t.Helper()
	rel := q.RelTol
	if se, ok := want["se"].(float64); ok && math.Abs(se) <= 1e-9*math.Abs(e.Value) {
		golden.Count(t)
		if e.SE > 1e-9*math.Abs(e.Value) {
			t.Errorf("%s: SE is %g, want 0", name, e.SE)
		}
	} else {
		checkNear(t, name+": SE", e.SE, want["se"], rel)
	}
	if deff, ok := want["deff"]; ok {
		got := e.Deff
		if q.Args["deff"] == "replace" {
			got = e.DeffReplace
		}
		checkNear(t, name+": design effect", got, deff, rel)
	}
	for key, df := range map[string]float64{"ci95_z": math.Inf(1), "ci95_t": df} {
		if ci, ok := want[key].([]any); ok {
			i, err := estimate.TInterval(e.Value, e.SE, df, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			checkNear(t, name+": "+key+" lower", i.Lower, ci[0], rel)
			checkNear(t, name+": "+key+" upper", i.Upper, ci[1], rel)
		}
	}
}

// group returns the rows of the group that an expected row is about.
func (r *run) group(t *testing.T, q refQuery, row map[string]any, in []bool) []bool {
	f := r.design(t, q.Design).f
	out := slices.Clone(in)
	for name, value := range row["by"].(map[string]any) {
		for k, s := range f.text(t, name) {
			out[k] = out[k] && s == value
		}
	}
	return out
}

func (r *run) byGroup(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	in := r.domain(t, q)
	for _, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		_, s := r.statistics(t, q, r.group(t, q, want, in))
		label := fmt.Sprint(want["by"])
		e := d.d.Estimate(s[0])
		if want["stat"] == nil {
			checkNear(t, label, e.Value, want["estimate"], q.RelTol)
			r.precision(t, label, q, e, want, 0)
			continue
		}
		checkNear(t, label+": n", float64(e.N), want["n"], 0)
		checkNear(t, label+": sum of weights", e.SumW, want["sum_w"], q.RelTol)
		checkNear(t, label+": domain df", float64(e.DF), want["domain_df"], 0)
		for i, st := range want["stat"].([]any) {
			st := st.(map[string]any)
			e := d.d.Estimate(s[i])
			checkNear(t, label, e.Value, st["estimate"], q.RelTol)
			r.precision(t, label, q, e, st, float64(e.DesignDF))
		}
	}
}

func (r *run) contrast(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	of := strings.Fields(q.Args["of"].(string))
	y, _ := d.f.number(t, of[1])
	var coef []float64
	var s []estimate.Linear
	for _, level := range []string{"E", "H", "M"} {
		c, ok := q.Args["coef"].(map[string]any)[level]
		if !ok {
			continue
		}
		in := make([]bool, d.f.rows)
		for k, v := range d.f.text(t, strings.TrimPrefix(of[0], "by_")) {
			in[k] = v == level
		}
		l, err := d.d.Mean(y, in)
		if err != nil {
			t.Fatal(err)
		}
		coef, s = append(coef, c.(float64)), append(s, l)
	}
	e := d.d.Estimate(estimate.Contrast(coef, s...))
	want := q.Expected["rows"].([]any)[0].(map[string]any)
	checkNear(t, "contrast", e.Value, want["estimate"], q.RelTol)
	r.precision(t, "contrast", q, e, want, float64(e.DesignDF))
}

func (r *run) variance(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	var y [][]float64
	for _, v := range list(q.Args["vars"]) {
		y = append(y, columns(t, d.f, v)[0].v)
	}
	v, err := d.d.Spread(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range q.Expected["estimate"].([]any) {
		for j, x := range row.([]any) {
			checkNear(t, fmt.Sprint("variance ", i, j), v.At(i, j), x, q.RelTol)
		}
	}
}

var methods = map[string]estimate.Method{
	"mean": estimate.Wald, "wald": estimate.Wald, "logit": estimate.Logit, "xlogit": estimate.Logit, "asin": estimate.ArcSine,
	"beta": estimate.Beta, "wilson": estimate.Wilson, "kg_capped": estimate.BetaCapped, "wilson_capped": estimate.WilsonCapped,
	"clopper-pearson": estimate.BetaCapped,
}

func (r *run) ciprop(t *testing.T, q refQuery) {
	method, ok := methods[q.Args["method"].(string)]
	if !ok {
		t.Skip("for information: " + q.Note)
	}
	d := r.design(t, q.Design)
	y := event(t, d.f, q.Args["event"].(string))
	one := func(want map[string]any, in []bool) {
		for k := range in {
			in[k] = in[k] && !math.IsNaN(y[k])
		}
		l, err := d.d.Mean(y, in)
		if err != nil {
			t.Fatal(err)
		}
		e := d.d.Estimate(l)
		checkNear(t, "proportion", e.Value, want["estimate"], q.RelTol)
		if want["se"] != nil {
			checkNear(t, "SE", e.SE, want["se"], q.RelTol)
		}
		n, df := e.N, float64(e.DF)
		if d.calibrated {
			n = d.f.rows // R counts the rows of a calibrated design, not those of the domain
		}
		if q.Args["df"] == "Inf" {
			df = math.Inf(1)
		}
		i, err := estimate.Proportion(method, e.Value, e.Var, n, df, q.Args["level"].(float64))
		if err != nil {
			t.Fatal(err)
		}
		ci := want["ci"].([]any)
		checkNear(t, "lower limit", i.Lower, ci[0], q.RelTol)
		checkNear(t, "upper limit", i.Upper, ci[1], q.RelTol)
	}
	in := r.domain(t, q)
	if q.Args["by"] == nil {
		one(q.Expected, in)
		return
	}
	for _, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		one(want, r.group(t, q, want, in))
	}
}

func (r *run) ciFunction(t *testing.T, q refQuery) {
	switch {
	case q.Args["input"] != nil:
		r.ciTable(t, q)
	case q.Args["by"] != nil:
		r.ciCommunities(t, q)
	default:
		p, n := q.Args["p"].(float64), q.Args["n"].(float64)
		name := q.Args["method"].(string)
		df := n - 1
		if name == "wilson" {
			df = math.Inf(1)
		}
		i, err := estimate.Proportion(methods[name], p, p*(1-p)/n, int(n), df, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		ci := q.Expected["ci"].([]any)
		checkNear(t, "lower limit", i.Lower, ci[0], q.RelTol)
		checkNear(t, "upper limit", i.Upper, ci[1], q.RelTol)
	}
}

func (r *run) ciTable(t *testing.T, q refQuery) {
	in := loadFrame(t, filepath.Join(r.c.dir, q.Args["input"].(string)))
	col := map[string][]float64{}
	for _, name := range []string{"p", "se", "n", "df", "level"} {
		col[name], _ = in.number(t, name)
	}
	out := loadFrame(t, filepath.Join(r.c.dir, q.Expected["csv"].(string)))
	for k, m := range out.text(t, "method") {
		i, _ := strconv.Atoi(out.text(t, "row")[k])
		i--
		se := col["se"][i]
		got, err := estimate.Proportion(methods[m], col["p"][i], se*se, int(col["n"][i]), col["df"][i], col["level"][i])
		if err != nil {
			t.Fatalf("row %d, %s: %v", i+1, m, err)
		}
		lo, _ := strconv.ParseFloat(out.text(t, "lower")[k], 64)
		hi, _ := strconv.ParseFloat(out.text(t, "upper")[k], 64)
		checkNear(t, fmt.Sprintf("row %d, %s: lower limit", i+1, m), got.Lower, lo, q.RelTol)
		checkNear(t, fmt.Sprintf("row %d, %s: upper limit", i+1, m), got.Upper, hi, q.RelTol)
	}
}

// ciCommunities compares what the product publishes for small domains.
func (r *run) ciCommunities(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	y, _ := d.f.number(t, q.Args["var"].(string))
	answered := make([]bool, len(y))
	for k := range y {
		answered[k] = !math.IsNaN(y[k])
	}
	all, err := d.d.Mean(y, answered)
	if err != nil {
		t.Fatal(err)
	}
	district := d.d.Estimate(all)
	checkNear(t, "design effect of the district", district.DeffReplace, q.Expected["deff_district"], q.RelTol)
	for _, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		label := fmt.Sprint(want["by"])
		l, err := d.d.Mean(y, r.group(t, q, want, answered))
		if err != nil {
			t.Fatal(err)
		}
		e := d.d.Estimate(l)
		checkNear(t, label+": p", e.Value, want["p"], q.RelTol)
		checkNear(t, label+": SE", e.SE, want["se"], q.RelTol)
		checkNear(t, label+": n", float64(e.N), want["n"], 0)
		checkNear(t, label+": PSUs", float64(e.PSUs), want["n_psu"], 0)
		for _, m := range []string{"kg_capped", "wilson_capped", "borrowed"} {
			var i estimate.Interval
			if m == "borrowed" {
				i, err = estimate.Borrowed(e.Value, e.Var, e.N, district.DeffReplace, 0.95)
			} else {
				i, err = estimate.Proportion(methods[m], e.Value, e.Var, e.N, float64(e.DesignDF), 0.95)
			}
			if err != nil {
				t.Fatal(err)
			}
			ci := want[m].([]any)
			checkNear(t, label+": "+m+" lower", i.Lower, ci[0], q.RelTol)
			checkNear(t, label+": "+m+" upper", i.Upper, ci[1], q.RelTol)
		}
	}
}

func (r *run) composite(t *testing.T, q refQuery) {
	a := func(name string) float64 { return q.Args[name].(float64) }
	c, err := estimate.Composite(a("prob"), a("var_prob"), a("nonprob"), a("var_nonprob"))
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]float64{"bias2": c.Bias2, "weight_prob": c.WeightProb, "estimate": c.Estimate, "mse": c.MSE} {
		checkNear(t, name, got, q.Expected[name], q.RelTol)
	}
}
