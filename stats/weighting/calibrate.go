package weighting

import (
	"fmt"
	"math"
	"strconv"

	"chengyin/stats"
)

// Distance is how calibration measures the change of a weight, which fixes the
// form g = F(x'\lambda/q) of the factors.
type Distance int

const (
	Linear Distance = iota // F(u) = 1 + u, the regression estimator (GREG); cut to the bounds if there are any
	Raking                 // F(u) = exp u: factors stay above 0; cut to the bounds if there are any
	Logit                  // factors stay strictly between the bounds, which have to enclose 1
)

// CalibrateOptions choose the form of a calibration. The zero value is linear
// without bounds.
type CalibrateOptions struct {
	Options
	Distance     Distance
	Lower, Upper float64   // bounds of g, which enclose 1 and may be infinite except for Logit; both 0: none
	Q            []float64 // variance column, > 0, one per row; nil: 1 everywhere
	Names        []string  // of the auxiliaries, for messages; nil: their numbers
}

// Calibrate changes the design weights d as little as possible so that the
// auxiliaries add up to their totals T,
//
//	min \sum_k d_k q_k G(g_k)  under  \sum_k d_k g_k x_k = T,  g_k = F(x_k'\lambda / q_k)
//
// with one row x_k of auxiliaries (a column of ones among them, usually) for
// every d_k >= 0. It solves for \lambda by Newton steps, halved while the misfit
// grows, and returns the weights d g. Linear weights may be negative without
// bounds; prefer Raking or Logit.
//
// It panics when shapes differ or bounds do not enclose 1. It returns a
// *stats.ValueError for a number that is not finite or a negative weight, an
// *EmptySampleError, and a *ConvergenceError that names the total with the
// largest relative error when they cannot be met: contradictory totals or
// bounds too narrow.
//
// See Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382.
func Calibrate(d []float64, x [][]float64, totals []float64, opt CalibrateOptions) ([]float64, Report, error) {
	opt.Options = opt.filled()
	if err := checkCalibration(d, x, totals, opt); err != nil {
		return nil, Report{}, err
	}
	c := &calibration{d: d, x: x, totals: totals, opt: opt, scale: make([]float64, len(totals))}
	for j, t := range totals {
		c.scale[j] = math.Abs(t)
		if t == 0 {
			for k, row := range x {
				c.scale[j] += d[k] * math.Abs(row[j])
			}
		}
		if c.scale[j] == 0 {
			c.scale[j] = 1
		}
	}
	g, rep := c.solve()
	rep.summarise(d, g)
	if !(rep.Worst <= opt.Accept) {
		return nil, rep, &ConvergenceError{Sweeps: rep.Sweeps, Worst: rep.Worst, Margin: rep.WorstMargin}
	}
	w := make([]float64, len(d))
	for k := range w {
		w[k] = d[k] * g[k]
	}
	return w, rep, nil
}

func checkCalibration(d []float64, x [][]float64, totals []float64, opt CalibrateOptions) error {
	if len(x) != len(d) || opt.Q != nil && len(opt.Q) != len(d) {
		panic(fmt.Sprintf("weighting: %d weights, %d rows of auxiliaries, %d variances", len(d), len(x), len(opt.Q)))
	}
	bounded := opt.Lower != 0 || opt.Upper != 0
	finite := stats.IsFinite(opt.Lower) && stats.IsFinite(opt.Upper)
	if bounded && !(opt.Lower < 1 && 1 < opt.Upper) || opt.Distance == Logit && !(bounded && finite) {
		panic(fmt.Sprintf("weighting: bounds %g and %g do not enclose 1", opt.Lower, opt.Upper))
	}
	if err := stats.CheckWeights("design weight", d); err != nil {
		return err
	}
	if err := stats.CheckFinite("total", totals); err != nil {
		return err
	}
	sum := 0.0
	for k, row := range x {
		if len(row) != len(totals) {
			panic(fmt.Sprintf("weighting: row %d has %d auxiliaries for %d totals", k, len(row), len(totals)))
		}
		for j, v := range row {
			if !stats.IsFinite(v) {
				return &stats.ValueError{What: "auxiliary " + opt.name(j), Row: k, Value: v, Why: "is not finite"}
			}
		}
		if opt.Q != nil && (!(opt.Q[k] > 0) || !stats.IsFinite(opt.Q[k])) {
			return &stats.ValueError{What: "variance column", Row: k, Value: opt.Q[k], Why: "is not above 0"}
		}
		sum += d[k]
	}
	if !(sum > 0) {
		return &EmptySampleError{}
	}
	return nil
}

func (o CalibrateOptions) name(j int) string {
	if j < len(o.Names) {
		return o.Names[j]
	}
	return "total " + strconv.Itoa(j)
}

// calibration is the state of the Newton iteration.
type calibration struct {
	d      []float64
	x      [][]float64
	totals []float64
	scale  []float64 // of the totals, for relative errors
	opt    CalibrateOptions
}

func (c *calibration) q(k int) float64 {
	if c.opt.Q == nil {
		return 1
	}
	return c.opt.Q[k]
}

// f returns F(u) and its slope.
func (c *calibration) f(u float64) (g, slope float64) {
	lo, hi := c.opt.Lower, c.opt.Upper
	switch c.opt.Distance {
	case Raking:
		g = math.Exp(u)
		return cut(g, g, lo, hi)
	case Logit:
		a := (hi - lo) / ((1 - lo) * (hi - 1))
		// (lo(hi-1) + hi(1-lo)e^{au}) / (hi-1 + (1-lo)e^{au}), by the share s of the upper bound
		s := 1 / (1 + math.Exp(-a*u)*(hi-1)/(1-lo))
		return lo + (hi-lo)*s, (hi - lo) * a * s * (1 - s)
	}
	return cut(1+u, 1, lo, hi)
}

// cut keeps a factor within the bounds, where it no longer moves.
func cut(g, slope, lo, hi float64) (float64, float64) {
	switch {
	case lo == 0 && hi == 0:
		return g, slope
	case g <= lo:
		return lo, 0
	case g >= hi:
		return hi, 0
	}
	return g, slope
}

// misfit fills g and returns T - \sum d g x, the largest relative error and
// its place, and the sum of squared relative errors.
func (c *calibration) misfit(lambda, g []float64) (off []float64, worst float64, at int, norm float64) {
	off = append([]float64(nil), c.totals...)
	for k, row := range c.x {
		u := 0.0
		for j, v := range row {
			u += v * lambda[j]
		}
		g[k], _ = c.f(u / c.q(k))
		for j, v := range row {
			off[j] -= c.d[k] * g[k] * v
		}
	}
	for j, v := range off {
		e := math.Abs(v) / c.scale[j]
		norm += e * e
		if e > worst || math.IsNaN(e) {
			worst, at = e, j
		}
	}
	return off, worst, at, norm
}

func (c *calibration) solve() ([]float64, Report) {
	p := len(c.totals)
	lambda, g := make([]float64, p), make([]float64, len(c.d))
	off, worst, at, norm := c.misfit(lambda, g)
	var rep Report
	last := math.Inf(1)
	for rep.Sweeps = 0; rep.Sweeps < c.opt.MaxSweeps && worst > c.opt.Tolerance; rep.Sweeps++ {
		if worst <= 1e-11 && worst >= last {
			break // the rest is rounding
		}
		last = worst
		step := c.newton(lambda, off)
		better := false
		for range 40 {
			next := make([]float64, p)
			for j := range next {
				next[j] = lambda[j] + step[j]
			}
			o, w, a, n := c.misfit(next, g)
			if n < norm {
				lambda, off, worst, at, norm, better = next, o, w, a, n, true
				break
			}
			for j := range step {
				step[j] /= 2
			}
		}
		if !better {
			break
		}
	}
	c.misfit(lambda, g)
	rep.Worst = worst
	if p > 0 {
		rep.WorstMargin = c.opt.name(at)
	}
	return g, rep
}

// newton returns (\sum d F' x x'/q)^- off.
func (c *calibration) newton(lambda, off []float64) []float64 {
	p := len(c.totals)
	m := make([]float64, p*p)
	for k, row := range c.x {
		u := 0.0
		for j, v := range row {
			u += v * lambda[j]
		}
		_, slope := c.f(u / c.q(k))
		w := c.d[k] * slope / c.q(k)
		if w == 0 {
			continue
		}
		for i, a := range row {
			if a == 0 {
				continue
			}
			for j, b := range row {
				m[i*p+j] += w * a * b
			}
		}
	}
	return NewNormal(m, p).Solve(off)
}
