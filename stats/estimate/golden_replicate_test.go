package estimate_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// replicates makes a design with replicate weights.
func (r *run) replicates(t *testing.T, out *design) {
	spec := out.spec
	opt := estimate.ReplicateOptions{MSE: spec.MSE}
	var err error
	switch {
	case spec.RepWeights != nil:
		out.f = r.frames[spec.From]
		s := estimate.ReplicateSpec{Weight: slices.Repeat([]float64{1}, out.f.rows), Factors: true, Scale: spec.Scale, RScales: spec.RScales, MSE: spec.MSE}
		for i := range spec.RepWeights[0] {
			var w []float64
			for _, row := range spec.RepWeights {
				w = append(w, row[i])
			}
			s.Replicate = append(s.Replicate, w)
		}
		out.rep, err = estimate.NewReplicates(s)
	case spec.Kind == "jackknife":
		from := r.design(t, spec.From)
		out.f, out.d = from.f, from.d
		if spec.Type == "JK1" {
			out.rep, err = from.d.JK1(opt)
		} else {
			out.rep, err = from.d.JKn(opt)
		}
	case spec.Kind == "rake_replicates":
		from := r.design(t, spec.From)
		out.f, out.d = from.f, from.d
		class, cat, margins := r.margins(t, out.f, spec)
		out.rep, _, err = from.rep.Rake(class, cat, margins, weighting.Options{})
	default:
		from := r.design(t, spec.From)
		out.f, out.d = from.f, from.d
		out.rep, err = from.d.Bootstrap(r.counts(t, from, spec), opt)
	}
	if err != nil {
		t.Fatal(err)
	}
	if scale, rscales := out.rep.Scales(); spec.Scale != 0 {
		checkNear(t, "scale", scale, spec.Scale, 1e-9)
		for i, s := range spec.RScales {
			checkNear(t, fmt.Sprint("rscale ", i), rscales[i], s, 1e-9)
		}
	}
}

// counts reads how often each PSU was drawn.
func (r *run) counts(t *testing.T, from *design, spec refDesign) [][]int {
	f := loadFrame(t, filepath.Join(r.c.dir, spec.Counts))
	_, names := from.f.codes(t, spec.Key)
	at := map[string]int{}
	for i, name := range f.text(t, spec.Key) {
		at[name] = i
	}
	psus := from.d.PSUs()
	var counts [][]int
	for i := 1; ; i++ {
		col, ok := f.col[fmt.Sprintf("r%03d", i)]
		if !ok {
			return counts
		}
		count := make([]int, len(psus))
		for j, p := range psus {
			count[j], _ = strconv.Atoi(col[at[names[p.Unit]]])
		}
		counts = append(counts, count)
	}
}

// replicateQuery compares a query on replicate weights.
func (r *run) replicateQuery(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	switch {
	case q.Stat == "replicate_scales":
		scale, rscales := d.rep.Scales()
		checkNear(t, "scale", scale, q.Expected["scale"], q.RelTol)
		slices.Sort(rscales)
		for i, s := range slices.Compact(rscales) {
			checkNear(t, "rscale", s, q.Expected["rscales_unique"].([]any)[i], q.RelTol)
		}
	case q.Stat == "function" || q.Stat == "function_ci":
		e, err := d.rep.Estimate(r.function(t, d, q))
		if err != nil {
			t.Fatal(err)
		}
		if q.Stat == "function_ci" {
			i := e.Percentile(0, 0.95)
			checkNear(t, "lower", i.Lower, q.Expected["ci"].([]any)[0], q.RelTol)
			checkNear(t, "upper", i.Upper, q.Expected["ci"].([]any)[1], q.RelTol)
			return
		}
		r.replicateRows(t, q, []string{"v1"}, e)
	case q.Args["by"] != nil:
		for _, row := range q.Expected["rows"].([]any) {
			want := row.(map[string]any)
			_, s := r.statistic(t, d, q, r.group(t, q, want, r.domain(t, q)))
			e, err := d.rep.Estimate(s)
			if err != nil {
				t.Fatal(err)
			}
			checkNear(t, fmt.Sprint(want["by"]), e.Value[0], want["estimate"], q.RelTol)
			checkNear(t, fmt.Sprint(want["by"], ": SE"), e.SE(0), want["se"], q.RelTol)
		}
	default:
		names, s := r.statistic(t, d, q, r.domain(t, q))
		e, err := d.rep.Estimate(s)
		if err != nil {
			t.Fatal(err)
		}
		r.replicateRows(t, q, names, e)
	}
}

func (r *run) replicateRows(t *testing.T, q refQuery, names []string, e estimate.ReplicateEstimate) {
	if want, ok := q.Expected["df"]; ok && float64(e.DF) != want {
		t.Errorf("df is %d, want %v", e.DF, want)
	}
	for i, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		if names[i] != want["name"] {
			t.Fatalf("row %d is %s, want %s", i, names[i], want["name"])
		}
		checkNear(t, names[i], e.Value[i], want["estimate"], q.RelTol)
		r.precision(t, names[i], q, estimate.Estimate{Value: e.Value[i], SE: e.SE(i)}, want, float64(e.DF))
	}
	if want, ok := q.Expected["vcov"].([]any); ok {
		for i, row := range want {
			for j, x := range row.([]any) {
				checkNear(t, fmt.Sprintf("covariance %d,%d", i, j), e.Cov.At(i, j), x, q.RelTol)
			}
		}
	}
}

// statistic builds a mean, total or ratio as a function of the weights.
func (r *run) statistic(t *testing.T, d *design, q refQuery, in []bool) ([]string, estimate.Statistic) {
	if q.Stat == "ratio" {
		num, den := q.Args["num"].(string), q.Args["den"].(string)
		return []string{num + "/" + den}, estimate.RatioOf(in, columns(t, d.f, num)[0].v, columns(t, d.f, den)[0].v)
	}
	var names []string
	var y [][]float64
	for _, v := range list(q.Args["vars"]) {
		for _, c := range columns(t, d.f, v) {
			names, y = append(names, c.name), append(y, c.v)
			for k := range in {
				in[k] = in[k] && !(q.Args["na_rm"] == true && math.IsNaN(c.v[k]))
			}
		}
	}
	if q.Stat == "total" {
		return names, estimate.TotalsOf(in, y...)
	}
	return names, estimate.MeansOf(in, y...)
}

// function builds the statistics that cases describe in words.
func (r *run) function(t *testing.T, d *design, q refQuery) estimate.Statistic {
	number := func(name string) []float64 {
		v, _ := d.f.number(t, name)
		return v
	}
	fun := q.Args["fun"].(string)
	name, _ := q.Args["var"].(string)
	switch {
	case strings.HasPrefix(fun, "weighted median"), strings.HasPrefix(fun, "percentile interval of the replicate medians"):
		if name == "" {
			name = "sat"
		}
		y := number(name)
		in := make([]bool, len(y))
		for k := range y {
			in[k] = !math.IsNaN(y[k])
		}
		return estimate.QuantilesOf(in, y, estimate.Math, 0.5)
	case strings.HasPrefix(fun, "mean(api00 | stype=E)"):
		y, e := number("api00"), event(t, d.f, "stype==E")
		in, out := make([]bool, len(y)), make([]bool, len(y))
		for k := range y {
			in[k], out[k] = e[k] == 1, e[k] == 0
		}
		both := estimate.Join(estimate.MeansOf(in, y), estimate.MeansOf(out, y))
		return func(w []float64) ([]float64, error) {
			m, err := both(w)
			if err != nil {
				return nil, err
			}
			return []float64{m[0] - m[1]}, nil
		}
	case strings.HasPrefix(fun, "participation among the aware"):
		y, x := number("participate"), number("aware")
		in := make([]bool, len(y))
		for k := range y {
			in[k] = !math.IsNaN(y[k])
			y[k] *= x[k]
		}
		return estimate.RatioOf(in, y, x)
	}
	t.Fatalf("function %q", fun)
	return nil
}

var rules = map[string]estimate.QuantileRule{
	"math": estimate.Math, "school": estimate.School, "hf1": estimate.HF1, "hf2": estimate.HF2, "hf3": estimate.HF3, "hf4": estimate.HF4,
	"hf5": estimate.HF5, "hf6": estimate.HF6, "hf7": estimate.HF7, "hf8": estimate.HF8, "hf9": estimate.HF9,
}

func (r *run) quantiles(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	y, _ := d.f.number(t, q.Args["var"].(string))
	in := make([]bool, len(y))
	for k := range y {
		in[k] = !math.IsNaN(y[k])
	}
	var probs []float64
	for _, p := range q.Args["probs"].([]any) {
		probs = append(probs, p.(float64))
	}
	got, err := d.d.Quantiles(y, in, probs, rules[q.Args["qrule"].(string)], estimate.Wald, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if q.Stat == "quantile" {
		for i, want := range q.Expected["values"].([]any) {
			checkNear(t, fmt.Sprint("quantile ", probs[i]), got[i].Value, want, q.RelTol)
		}
		return
	}
	for i, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		checkNear(t, "quantile", got[i].Value, want["quantile"], q.RelTol)
		checkNear(t, "lower", got[i].Lower, want["ci"].([]any)[0], q.RelTol)
		checkNear(t, "upper", got[i].Upper, want["ci"].([]any)[1], q.RelTol)
		checkNear(t, "SE", got[i].SE, want["se"], q.RelTol)
	}
}
