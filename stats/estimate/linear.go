package estimate

import (
	"fmt"
	"math"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// Linear is a statistic together with its linearised score: to first order its
// error is that of the total \sum w_k u_k. Scores of several statistics give
// their covariance, and scores add up, so contrasts and changes between waves
// need nothing else.
//
// See Binder (1983), Int. Stat. Rev. 51, 279-292; Wolter (2007), chapter 6.
type Linear struct {
	Value float64
	Score []float64 // u_k of each row, 0 outside the domain
	N     int       // rows of weight above 0 in the domain
	SumW  float64   // their \sum w

	domain          []bool  // the rows of the domain
	rows            int     // their number, those of negative weight counted too
	srs, srsReplace float64 // variance under simple random sampling, NaN when not defined
}

// Mean returns the mean of y over the domain, \bar y = \sum w y / \sum w, with
// u = (y - \bar y) / \sum w. The domain are the rows for which in is true and
// the weight not 0; nil are all rows. A missing answer has to be left out of the
// domain. It returns ErrEmptyDomain when no row of the domain has a weight above
// 0 and a *stats.ValueError when y is not finite in it or so large that the
// estimate is not, or when negative weights of a linear calibration leave it no
// weight. It panics when there is not one y, or one in, per row.
//
// See Sarndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, chapter 5.
func (d *Design) Mean(y []float64, in []bool) (Linear, error) {
	s, err := d.domain(in, y)
	if err != nil {
		return Linear{}, err
	}
	if !(s.SumW > 0) {
		return Linear{}, &stats.ValueError{What: "sum of weights of the domain", Row: -1, Value: s.SumW, Why: "is not above 0"}
	}
	s.Value = d.mean(y, s.domain, s.SumW)
	for k := range y {
		if s.domain[k] {
			s.Score[k] = (y[k] - s.Value) / s.SumW
		}
	}
	s2 := d.population(y, y, s)
	n := float64(s.rows)
	s.srsReplace = s2 / n
	s.srs = (1 - n/s.SumW) * s2 / n
	return s, d.overflow(s)
}

// Total returns the total of y over the domain, \sum w y, with u = y inside it, in
// the units of y. Domain, panics and errors are those of Mean, except that a
// domain whose weights cancel out is none.
//
// See Sarndal, Swensson & Wretman (1992), section 2.8.
func (d *Design) Total(y []float64, in []bool) (Linear, error) {
	s, err := d.domain(in, y)
	if err != nil {
		return Linear{}, err
	}
	for k := range y {
		if s.domain[k] {
			s.Score[k] = y[k]
			s.Value += d.w[k] * y[k]
		}
	}
	s2 := d.population(y, y, s)
	n := float64(s.rows)
	s.srsReplace = s.SumW * s.SumW * s2 / n
	s.srs = (1 - n/s.SumW) * s.srsReplace
	return s, d.overflow(s)
}

// Ratio returns R = \sum w y / \sum w x over the domain, with
// u = (y - R x) / \sum w x. Domain, panics and errors are those of Mean; in
// addition a denominator of 0 is a *stats.ValueError. A design effect is not
// defined.
//
// See Cochran (1977), Sampling Techniques, 3rd ed., chapter 6; Sarndal, Swensson &
// Wretman (1992), section 5.6.
func (d *Design) Ratio(y, x []float64, in []bool) (Linear, error) {
	s, err := d.domain(in, y, x)
	if err != nil {
		return Linear{}, err
	}
	var top, bottom float64
	for k := range y {
		if s.domain[k] {
			top += d.w[k] * y[k]
			bottom += d.w[k] * x[k]
		}
	}
	if bottom == 0 {
		return Linear{}, &stats.ValueError{What: "denominator of the ratio", Row: -1, Value: bottom, Why: "is zero"}
	}
	s.Value = top / bottom
	for k := range y {
		if s.domain[k] {
			s.Score[k] = (y[k] - s.Value*x[k]) / bottom
		}
	}
	return s, d.overflow(s)
}

// overflow returns a *stats.ValueError when values and weights, though finite,
// give an estimate or squares of scores that are not.
func (d *Design) overflow(s Linear) error {
	if !stats.IsFinite(s.Value) {
		return &stats.ValueError{What: "estimate", Row: -1, Value: s.Value, Why: "is not finite: the values are too large"}
	}
	sum := 0.0
	for k, u := range s.Score {
		z := d.w[k] * u
		sum += z * z
	}
	if !stats.IsFinite(sum * float64(len(s.Score))) {
		return &stats.ValueError{What: "variance of the estimate", Row: -1, Value: sum, Why: "is not finite: the values are too large"}
	}
	return nil
}

// Contrast returns \sum_j coef_j s_j, a difference of two statistics, say, with
// its score. Its domain is the union of theirs. It panics when the numbers of
// coefficients and statistics differ, and when there are none.
func Contrast(coef []float64, s ...Linear) Linear {
	if len(coef) != len(s) || len(s) == 0 {
		panic(fmt.Sprintf("estimate: %d coefficients for %d statistics", len(coef), len(s)))
	}
	rows := len(s[0].Score)
	c := Linear{Score: make([]float64, rows), domain: make([]bool, rows), srs: math.NaN(), srsReplace: math.NaN(), SumW: math.NaN()}
	for j, x := range s {
		if len(x.Score) != rows {
			panic(fmt.Sprintf("estimate: statistics of designs with %d and %d rows", rows, len(x.Score)))
		}
		c.Value += coef[j] * x.Value
		for k, u := range x.Score {
			c.Score[k] += coef[j] * u
			if x.domain[k] && !c.domain[k] {
				c.domain[k] = true
				c.N++
			}
		}
	}
	return c
}

// Spread returns the covariance matrix of the columns y in the population as
// the sample estimates it,
//
//	S_ab = n/(n-1) \sum w (y_a - \bar y_a)(y_b - \bar y_b) / \sum w
//
// over the n rows of the domain. Domain, panics and errors are those of Mean;
// with a single row all is NaN. It is svyvar of R's survey.
func (d *Design) Spread(y [][]float64, in []bool) (*mat.SymDense, error) {
	s, err := d.domain(in, y...)
	if err != nil {
		return nil, err
	}
	v := mat.NewSymDense(len(y), nil)
	for a := range y {
		for b := a; b < len(y); b++ {
			v.SetSym(a, b, d.population(y[a], y[b], s))
		}
	}
	return v, nil
}

// domain starts a statistic: it finds the rows and checks the columns on them.
func (d *Design) domain(in []bool, columns ...[]float64) (Linear, error) {
	d.checkRows("domain", len(in), in == nil)
	s := Linear{Score: make([]float64, len(d.w)), domain: make([]bool, len(d.w)), srs: math.NaN(), srsReplace: math.NaN()}
	for k, w := range d.w {
		if w != 0 && (in == nil || in[k]) {
			s.domain[k] = true
			s.SumW += w
			s.rows++
			if w > 0 {
				s.N++
			}
		}
	}
	for _, y := range columns {
		d.checkRows("column", len(y), false)
		for k, in := range s.domain {
			if in && !stats.IsFinite(y[k]) {
				return Linear{}, &stats.ValueError{What: "value", Row: k, Value: y[k], Why: "is not finite"}
			}
		}
	}
	if s.N == 0 {
		return Linear{}, ErrEmptyDomain
	}
	return s, nil
}

// mean returns the weighted mean in two passes, which keeps all digits.
func (d *Design) mean(y []float64, domain []bool, sumW float64) float64 {
	m := 0.0
	for range 2 {
		s := 0.0
		for k, in := range domain {
			if in {
				s += d.w[k] * (y[k] - m)
			}
		}
		m += s / sumW
	}
	return m
}

// population returns n/(n-1) \sum w (y-\bar y)(x-\bar x) / \sum w.
func (d *Design) population(y, x []float64, s Linear) float64 {
	my, mx := d.mean(y, s.domain, s.SumW), d.mean(x, s.domain, s.SumW)
	ss := 0.0
	for k, in := range s.domain {
		if in {
			ss += d.w[k] * (y[k] - my) * (x[k] - mx)
		}
	}
	n := float64(s.rows)
	if n == 1 {
		return math.NaN()
	}
	return n / (n - 1) * ss / s.SumW
}
