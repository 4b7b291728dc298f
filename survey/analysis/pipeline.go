package analysis

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"chengyin/stats"
	"chengyin/stats/smallarea"
)

// smoothedRates answers the rates of small areas: the weighted direct rates with
// smoothed sampling variances, a Fay-Herriot model on covariates from a file with
// a row per area or on the rate of people who chose to answer, and agreement with
// the weighted mean of the direct rates if "benchmark" asks for it. With the rate
// of another sample as a covariate all areas are answered, with others those that
// have answers.
func (r *run) smoothedRates(q *Query) any {
	d := r.design(q.Design)
	by := q.Args.text("by")
	y := column{q.Args.text("var"), d.f.number(q.Args.text("var"))}
	all, _ := d.f.domain(q.Args)
	in := d.f.answered([]column{y}, all, true)
	whole := d.figures("mean", []column{y}, nil, in)[0]

	direct, sumW := map[string]figure{}, map[string]float64{}
	var sampled []string
	weights := d.weights()
	for _, g := range d.f.groups([]string{by}, in) {
		direct[g.label] = d.figures("mean", []column{y}, nil, both(g.in, in))[0]
		sampled = append(sampled, g.label)
		for k, member := range g.in {
			if member {
				sumW[g.label] += weights[k]
			}
		}
	}
	x := r.areaCovariates(q, d, by, y.name)
	areas, scans := sampled, map[string]float64(nil)
	if x.everywhere != nil {
		areas, scans = x.everywhere, x.n
	}
	input := smallarea.RateInput{Rate: whole.value, Deff: whole.deffReplace, Covariates: x.names, Method: areaMethod(q.Args)}
	var targetWeights []float64
	for _, name := range areas {
		input.Names = append(input.Names, name)
		input.Direct = append(input.Direct, direct[name].value)
		input.N = append(input.N, direct[name].n)
		input.X = append(input.X, x.row(name))
		targetWeights = append(targetWeights, sumW[name])
	}
	model, dVar := r.fitRates(input)
	values := make([]float64, len(areas))
	for i, a := range model.Areas {
		values[i] = a.Estimate
	}
	out := object{"P", whole.value, "deff", whole.deffReplace, "A", model.A, "beta", model.Beta}
	var agreed []float64
	if rule := q.Args.text("benchmark"); rule != "" {
		target := try(smallarea.WeightedMean(input.Direct, targetWeights))
		kind := smallarea.Ratio
		if strings.Contains(rule, "difference") {
			kind = smallarea.Difference
		}
		agreed = try(smallarea.Benchmark(kind, values, targetWeights, target))
		out = append(out, "target", target)
	}
	rows := make([]object, len(areas))
	for i, name := range areas {
		a := model.Areas[i]
		rows[i] = object{by, name}
		if scans != nil {
			rows[i] = append(rows[i], "n_door", input.N[i], "n_qr", int(scans[name]), "qr_rate", x.last(name))
		}
		if f, ok := direct[name]; ok {
			rows[i] = append(rows[i], "n", input.N[i], "direct", f.value, "D", dVar[i])
		}
		rows[i] = append(rows[i], "eblup", a.Estimate, "estimate", a.Estimate, "rmse", a.RMSE(), "gamma", a.Gamma)
		if agreed != nil {
			rows[i] = append(rows[i], "benchmarked", agreed[i])
		}
	}
	return append(out, "rows", rows)
}

// fitRates fits the model; areas without answers take part as such.
func (r *run) fitRates(in smallarea.RateInput) (*smallarea.Model, []float64) {
	n, rate := make([]float64, len(in.N)), slices.Repeat([]float64{in.Rate}, len(in.N))
	for i, k := range in.N {
		n[i] = float64(k)
	}
	d := try(smallarea.RateVariances(rate, n, in.Deff))
	direct := slices.Clone(in.Direct)
	return try(smallarea.Fit(direct, d, in.X, smallarea.Options{Method: in.Method, Names: in.Names, Covariates: in.Covariates})), d
}

// covariatesOf are covariates by the name of the area.
type covariatesOf struct {
	names      []string
	value      []map[string]float64
	everywhere []string           // all areas, when a covariate is the rate of another sample
	n          map[string]float64 // answers behind that rate
	by         string
	file       string
}

func (c covariatesOf) row(area string) []float64 {
	out := make([]float64, len(c.value))
	for j, v := range c.value {
		x, ok := v[area]
		if v == nil {
			x, ok = 1, true
		}
		if !ok || math.IsNaN(x) {
			panic(fault{&DataError{File: c.file, Column: c.names[j], Why: "there is no value for " + c.by + " " + area}})
		}
		out[j] = x
	}
	return out
}

func (c covariatesOf) last(area string) float64 { return c.value[len(c.value)-1][area] }

// areaCovariates reads "1", a column of a file with a row per area, or
// "unweighted QR rate": the plain mean of the variable in the data qr.
func (r *run) areaCovariates(q *Query, d *design, by, y string) covariatesOf {
	c := covariatesOf{names: q.Args.texts("X"), by: by}
	if len(c.names) == 0 {
		c.names = []string{"1"}
	}
	for _, name := range c.names {
		if name == "1" {
			c.value = append(c.value, nil)
			continue
		}
		if m := unweightedRate.FindStringSubmatch(name); m != nil {
			f := r.dataAlike(m[1])
			rate, n := rateOf(f, by, y)
			c.value, c.n, c.file = append(c.value, rate), n, f.Path
			c.everywhere = r.allAreas(d, by)
			continue
		}
		f := r.perArea(d, by, name)
		v, at := f.formula(name, nil), map[string]float64{}
		g := f.completeFactor(by)
		for k, code := range g.code {
			at[g.levels[code]] = v[k]
		}
		c.value, c.file = append(c.value, at), f.Path
	}
	return c
}

// perArea finds the file that has a row per area and the column.
func (r *run) perArea(d *design, by, column string) *Frame {
	for _, name := range r.c.Data.Names {
		f := r.data(name)
		if f != d.f && f.has(by) && len(f.completeFactor(by).levels) == f.Rows &&
			(column == "" || guard(func() { f.formula(column, nil) }) == nil) {
			return f
		}
	}
	fail("no data have a row for each %s with %s", by, column)
	return nil
}

// allAreas lists the areas in the order of the file that has a row for each.
func (r *run) allAreas(d *design, by string) []string {
	f := r.perArea(d, by, "")
	g := f.completeFactor(by)
	out := make([]string, f.Rows)
	for k, c := range g.code {
		out[k] = g.levels[c]
	}
	return out
}

var unweightedRate = regexp.MustCompile(`(?i)^unweighted (\S+) rate$`)

// rateOf returns the mean of a column in each area of a file, and the number of
// answers.
func rateOf(f *Frame, by, y string) (mean, n map[string]float64) {
	mean, n = map[string]float64{}, map[string]float64{}
	g, v := f.factor(by), f.number(y)
	for k, c := range g.code {
		if c >= 0 && stats.IsFinite(v[k]) {
			mean[g.levels[c]] += v[k]
			n[g.levels[c]]++
		}
	}
	for name := range mean {
		mean[name] /= n[name]
	}
	return mean, n
}

// dataAlike returns the data called by a word, whatever its case.
func (r *run) dataAlike(word string) *Frame {
	for _, name := range r.c.Data.Names {
		if strings.EqualFold(name, word) {
			return r.data(name)
		}
	}
	return r.data(strings.ToLower(word))
}
