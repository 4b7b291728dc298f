package analysis

import (
	"errors"
	"math"
	"slices"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// figure is an estimate with its precision, however that was computed.
type figure struct {
	name              string
	value, se         float64
	n, df             int // answers, degrees of freedom of the domain
	sumW              float64
	psus              int
	deff, deffReplace float64
	variance          float64
	linear            estimate.Linear
	statistic         estimate.Statistic
}

// figures estimates a mean, total or ratio of each column over the rows of in,
// from which missing answers have been left out.
func (d *design) figures(stat string, cols []column, den []float64, in []bool) []figure {
	d.varies(in)
	out := make([]figure, len(cols))
	for i, c := range cols {
		if d.d != nil {
			out[i] = d.linearised(stat, c, den, in)
		} else {
			out[i] = d.replicated(stat, c, den, in)
		}
	}
	return out
}

func (d *design) linearised(stat string, c column, den []float64, in []bool) figure {
	var l estimate.Linear
	var err error
	switch stat {
	case "mean":
		l, err = d.d.Mean(c.v, in)
	case "total":
		l, err = d.d.Total(c.v, in)
	case "ratio":
		l, err = d.d.Ratio(c.v, den, in)
	}
	if errors.Is(err, estimate.ErrEmptyDomain) {
		return figure{name: c.name, value: math.NaN(), se: math.NaN(), variance: math.NaN(), deff: math.NaN(), deffReplace: math.NaN(),
			linear: estimate.Linear{Score: make([]float64, d.f.Rows)}}
	}
	if bad := (*stats.ValueError)(nil); errors.As(err, &bad) && bad.Row < 0 && !stats.IsFinite(bad.Value) {
		tooLarge(c) // stats does not know the column's name
	}
	must(err)
	e := d.d.Estimate(l)
	if !stats.IsFinite(e.Value) || !stats.IsFinite(e.SumW) || math.IsInf(e.SE, 0) {
		tooLarge(c)
	}
	return figure{name: c.name, value: e.Value, se: e.SE, variance: e.Var, n: e.N, df: e.DF, sumW: e.SumW, psus: e.PSUs, deff: e.Deff, deffReplace: e.DeffReplace, linear: l}
}

func (d *design) replicated(stat string, c column, den []float64, in []bool) figure {
	var s estimate.Statistic
	switch stat {
	case "mean":
		s = estimate.MeansOf(in, c.v)
	case "total":
		s = estimate.TotalsOf(in, c.v)
	case "ratio":
		s = estimate.RatioOf(in, c.v, den)
	}
	f := figure{name: c.name, deff: math.NaN(), deffReplace: math.NaN(), statistic: s, df: d.domainDF(in)}
	for k, w := range d.reps.Weights() {
		if in[k] && w != 0 {
			f.sumW += w
			f.n++
		}
	}
	e, err := d.reps.Estimate(s)
	if errors.Is(err, estimate.ErrEmptyDomain) {
		f.value, f.se, f.variance = math.NaN(), math.NaN(), math.NaN()
		return f
	}
	must(err)
	if f.value, f.se, f.variance = e.Value[0], e.SE(0), e.Cov.At(0, 0); !stats.IsFinite(f.value) || !stats.IsFinite(f.se) {
		tooLarge(c)
	}
	return f
}

// tooLarge stops at numbers whose sums or squares overflow.
func tooLarge(c column) {
	fail("the numbers in %s or the weights are too large to add up", c.name)
}

// spread returns the population covariance matrix of columns.
func (d *design) spread(y [][]float64, in []bool) (mat, error) {
	if d.d != nil {
		return d.d.Spread(y, in)
	}
	return d.reps.Spread(y, in)
}

// mat is a matrix.
type mat interface{ At(i, j int) float64 }

// covariance returns the covariance matrix of figures of this design.
func (d *design) covariance(figs []figure) [][]float64 {
	var at func(i, j int) float64
	if d.d != nil {
		lin := make([]estimate.Linear, len(figs))
		for i, f := range figs {
			lin[i] = f.linear
		}
		at = d.d.Covariance(lin...).At
	} else {
		s := make([]estimate.Statistic, len(figs))
		for i, f := range figs {
			s[i] = f.statistic
		}
		at = try(d.reps.Estimate(estimate.Join(s...))).Cov.At
	}
	out := make([][]float64, len(figs))
	for i := range out {
		for j := range figs {
			out[i] = append(out[i], at(i, j))
		}
	}
	return out
}

// interval is value -+ t se; without degrees of freedom there is none.
func interval(value, se, df float64) []float64 {
	if math.IsNaN(value) || math.IsNaN(se) {
		return []float64{math.NaN(), math.NaN()}
	}
	i, err := estimate.TInterval(value, se, df, 0.95)
	if err != nil {
		return []float64{math.NaN(), math.NaN()}
	}
	return []float64{i.Lower, i.Upper}
}

// asked are the columns of a mean, total or ratio.
type asked struct {
	d          *design
	stat       string
	cols       []column
	den        []float64
	in         []bool // of the domain, missing answers left out
	whole      []bool // of the domain, missing answers in it
	restricted bool
}

// ask reads the columns, the domain and the treatment of missing answers.
func (r *run) ask(q *Query) asked {
	d := r.design(q.Design)
	a := asked{d: d, stat: q.Stat}
	if q.Stat == "ratio" {
		den := q.Args.text("den")
		if den == "" {
			fail("a ratio needs \"num\" and \"den\"")
		}
		for _, num := range q.Args.texts("num") {
			a.cols = append(a.cols, column{d.f.spelled(num) + "/" + d.f.spelled(den), d.f.number(num)})
		}
		if len(a.cols) == 0 {
			fail("a ratio needs \"num\" and \"den\"")
		}
		a.den = d.f.number(den)
	} else {
		a.cols = d.f.expand(q.Args.texts("vars"))
	}
	a.whole, a.restricted = d.f.domain(q.Args)
	check := a.cols
	if a.den != nil {
		check = append(slices.Clone(check), column{q.Args.text("den"), a.den})
	}
	a.in = d.f.answered(check, a.whole, q.Args.flag("na_rm"))
	if !slices.Contains(a.in, true) {
		fail("nobody in the domain has an answer")
	}
	return a
}

// both returns the rows of two domains.
func both(a, b []bool) []bool {
	out := make([]bool, len(a))
	for k := range a {
		out[k] = a[k] && b[k]
	}
	return out
}

// effect returns the design effect a query asks for, and whether it does.
func (f figure) effect(a Args) (float64, bool) {
	switch a["deff"] {
	case nil, false:
		return 0, false
	case true:
		return f.deff, true
	case "replace":
		return f.deffReplace, true
	}
	fail("\"deff\" is true, false or \"replace\", not %s", shown(a["deff"]))
	return 0, false
}
