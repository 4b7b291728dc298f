package estimate

import (
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/weighting"
)

// TwoSourceMean is the mean of the population from two sources.
type TwoSourceMean struct {
	Estimate float64
	N        float64 // number of people it was divided by
	VarA     float64 // what chance of taking part adds
	VarB     float64 // what the drawing of the probability sample adds
	SE       float64 // square root of both
	// Of the doubly robust estimates Estimate = Model + Residual: the mean of
	// what the outcome model predicts for B, and the weighted mean of what it
	// misses in A. Both are NaN without an outcome model.
	Model, Residual float64
	Outcome         []float64 // coefficients of the outcome model

	method PseudoMethod
}

// Interval returns Estimate +- z SE with the normal quantile z of the level. It
// holds under Assumption alone, which has to stand beside it. It panics when the
// level is not between 0 and 1.
func (m TwoSourceMean) Interval(level float64) (Interval, error) {
	return TInterval(m.Estimate, m.SE, math.Inf(1), level)
}

// Assumption says in plain words what has to be true for the estimate to be
// right. No interval covers its being false.
func (m TwoSourceMean) Assumption() string {
	if m.Outcome == nil {
		return m.method.Assumption()
	}
	return "Doubly robust: right if the model of taking part is right, or if the model of the answer is right among those who took part " +
		"and holds for those who did not. Its standard error is that under the first. Taking part: " + m.method.Assumption()
}

// Population is how many people a sum over the population is divided by to give
// a mean.
type Population struct {
	kind int
	size float64
}

var (
	// EstimatedN divides each sum by the sum of its own weights (Hajek). It is
	// the default and the steadiest.
	EstimatedN = Population{}
	// ReferenceN divides by the sum of the design weights of B.
	ReferenceN = Population{kind: 1}
)

// KnownN divides by a number of people that is known.
func KnownN(people float64) Population { return Population{kind: 2, size: people} }

// Mean estimates the mean of y, given for the rows of A, with the pseudo-weights
// w = 1/pi: \sum w y / N with N of the given kind,
//
//	V_A = \sum_A (1-pi_k) z_k^2 / N^2,  z_k = w_k (y_k - mu) - s_A b'x_k
//	V_B = V(\sum_B d s_B b'x) / N^2 under the design of B
//	b'  = [\sum_A w q (y - mu) x'] H^-1
//
// where s_A, s_B, q and H belong to the equation that the weights solve,
//
//	                 equation                            s_A  s_B  q     H
//	ChenLiWu         \sum_A x = \sum_B d pi x            1    pi   1-pi  \sum_B d pi(1-pi) xx'
//	ALP              \sum_A (1-p)x = \sum_B d p x        1-p  p    1     \sum_A p(1-p)xx' + \sum_B d p(1-p)xx'
//	ElliottValliant  the same with 1 for d               1-p  p/d  1     the same
//	Calibrate        \sum_A w x = T                      w    1    1     \sum_A w xx'
//
// and s_B = 0 for known totals. Elliott-Valliant weights add to V_B the drawing
// of the mean design weights of their cells. With a known N the term - mu is
// missing from z; with ReferenceN it goes to the scores of B instead. For
// ChenLiWu this is the plug-in variance of Chen, Li & Wu (2020), section 3; for
// the others it is the same linearisation of their equation. People of A are
// taken to take part independently of each other; a chance above 1 counts as 1.
//
// It panics when there is not one y per row of A and returns a
// *stats.ValueError when a y or the size is not finite, or the size is not above
// 0. Leave out those who did not answer with TwoSources.Among first.
func (p *PseudoWeights) Mean(y []float64, n Population) (TwoSourceMean, error) {
	if err := p.check(y, n); err != nil {
		return TwoSourceMean{}, err
	}
	return p.combine(y, nil, nil, n), nil
}

// OutcomeModel is how the answer depends on the covariates.
type OutcomeModel int

const (
	LinearOutcome   OutcomeModel = iota // least squares
	LogisticOutcome                     // for y between 0 and 1
)

// DoublyRobust estimates the mean of y from both models,
//
//	\sum_A w (y - m) / N_A + \sum_B d m / N_B
//
// with m the prediction of an outcome model fitted to A without weights, N_A the
// sum of w and N_B that of d; other kinds of N replace both. Its variance is that
// of Mean with y - m for y, and b'x s_B + m - \bar m for the scores of B. A
// logistic model that fits some answers perfectly is used as far as it goes.
//
// Errors are those of Mean; under LogisticOutcome also a y outside [0, 1] is a
// *stats.ValueError.
//
// See Chen, Li & Wu (2020), J. Am. Stat. Assoc. 115, 2011-2021, equation (14).
func (p *PseudoWeights) DoublyRobust(y []float64, model OutcomeModel, n Population) (TwoSourceMean, error) {
	if err := p.check(y, n); err != nil {
		return TwoSourceMean{}, err
	}
	var coef []float64
	var err error
	link := func(eta float64) float64 { return eta }
	switch model {
	case LinearOutcome:
		coef = p.t.leastSquares(y)
	case LogisticOutcome:
		link = expit
		if coef, err = p.t.logistic(y); err != nil {
			return TwoSourceMean{}, err
		}
	default:
		panic(fmt.Sprintf("estimate: unknown outcome model %d", int(model)))
	}
	left, m := make([]float64, len(y)), make([]float64, len(p.t.b))
	for k, x := range p.t.za {
		left[k] = y[k] - link(inner(x, coef))
	}
	for k, x := range p.t.zb {
		m[k] = link(inner(x, coef))
	}
	return p.combine(left, m, p.t.span.coef(coef), n), nil
}

func (p *PseudoWeights) check(y []float64, n Population) error {
	if len(y) != len(p.Weights) {
		panic(fmt.Sprintf("estimate: %d values for %d rows", len(y), len(p.Weights)))
	}
	if n.kind == 2 && (!(n.size > 0) || !stats.IsFinite(n.size)) {
		return &stats.ValueError{What: "population size", Row: -1, Value: n.size, Why: "is not a finite number above 0"}
	}
	return stats.CheckFinite("value", y)
}

// combine estimates from y of A, and predictions m for B if there are any.
func (p *PseudoWeights) combine(y, m, coef []float64, n Population) TwoSourceMean {
	out := TwoSourceMean{Outcome: coef, method: p.Method, Model: math.NaN(), Residual: math.NaN()}
	people, sum, predicted := 0.0, 0.0, 0.0
	for k, w := range p.Weights {
		sum += w * y[k]
	}
	for k, d := range p.t.d.w {
		people += d
		if m != nil && d > 0 {
			predicted += d * m[k]
		}
	}
	// Divisors of the sums over A and B, what a person of A has to be compared
	// with, and what is left of the estimate in the scores of B.
	nA, nB := p.N, people
	var center, fromB float64
	switch n.kind {
	case 0:
		center = sum / nA
		if m != nil {
			fromB = predicted / nB
		}
	case 1:
		nA = people
		fromB = (sum + predicted) / people
	case 2:
		nA, nB = n.size, n.size
	}
	out.N = nA
	out.Estimate = sum/nA + predicted/nB
	if m != nil {
		out.Model, out.Residual = predicted/nB, sum/nA
	}
	p.variance(&out, y, m, center, fromB, nA, nB)
	out.SE = math.Sqrt(out.VarA + out.VarB)
	return out
}

// variance fills VarA and VarB. The part of B is divided by the size that its own
// sum has, or that of A when it has none.
func (p *PseudoWeights) variance(out *TwoSourceMean, y, m []float64, center, fromB, nA, nB float64) {
	if m == nil {
		nB = nA
	}
	pull := make([]float64, len(p.t.span.free))
	for k, x := range p.t.za {
		axpy(pull, p.Weights[k]*p.q[k]*(y[k]-center), x)
	}
	b := p.normal.Solve(pull)
	for k, x := range p.t.za {
		z := p.Weights[k]*(y[k]-center) - p.sA[k]*inner(x, b)
		out.VarA += max(0, 1-1/p.Weights[k]) * z * z
	}
	out.VarA /= nA * nA
	score := make([]float64, len(p.t.b))
	for k, x := range p.t.zb {
		if !(p.t.d.w[k] > 0) {
			continue
		}
		score[k] = p.sB[k]*inner(x, b) - fromB
		if m != nil {
			score[k] += m[k]
		}
	}
	p.cells.add(score, p, y, center)
	out.VarB = p.t.d.Covariance(Linear{Score: score}).At(0, 0) / (nB * nB)
}

// add adds to the scores of B what the mean design weights of the cells do to
// the weights of A.
func (c *evCells) add(score []float64, p *PseudoWeights, y []float64, center float64) {
	if c == nil {
		return
	}
	lean := map[int]float64{} // change of the sum over A with the mean of a cell
	for k, g := range c.a {
		lean[g] += p.Weights[k] * (y[k] - center) / c.mean[g]
	}
	for k, g := range c.b {
		if d := p.t.d.w[k]; d > 0 {
			score[k] += lean[g] * (d - c.mean[g]) / c.n[g] / d
		}
	}
}

// leastSquares regresses y on the covariates of A.
func (t *TwoSources) leastSquares(y []float64) []float64 {
	p := len(t.span.free)
	h, coef, left := make([]float64, p*p), make([]float64, p), append([]float64(nil), y...)
	for _, x := range t.za {
		outer(h, 1, x)
	}
	normal := weighting.NewNormal(h, p)
	for range 3 { // refined on the residuals
		xy := make([]float64, p)
		for k, x := range t.za {
			axpy(xy, left[k], x)
		}
		axpy(coef, 1, normal.Solve(xy))
		for k, x := range t.za {
			left[k] = y[k] - inner(x, coef)
		}
	}
	return coef
}

// logistic fits a logistic regression of y to A. When answers are separated, it
// stops where the fitted chances of some are within e^-30 of 0 or 1.
func (t *TwoSources) logistic(y []float64) ([]float64, error) {
	for k, v := range y {
		if !(v >= 0 && v <= 1) {
			return nil, &stats.ValueError{What: "value", Row: k, Value: v, Why: "is not between 0 and 1"}
		}
	}
	p := len(t.span.free)
	coef := make([]float64, p)
	value := func(coef []float64) float64 {
		l := 0.0
		for k, x := range t.za {
			eta := inner(x, coef)
			l += y[k]*eta - softplus(eta)
		}
		return l
	}
	l := value(coef)
	for range 100 {
		h, u := make([]float64, p*p), make([]float64, p)
		for k, x := range t.za {
			m := expit(inner(x, coef))
			axpy(u, y[k]-m, x)
			outer(h, m*(1-m), x)
		}
		step := weighting.NewNormal(h, p).Solve(u)
		change, far := 0.0, 0.0
		for _, x := range t.za {
			change = max(change, math.Abs(inner(x, step)))
			far = max(far, math.Abs(inner(x, coef)))
		}
		if !stats.IsFinite(change) || far > beyond {
			break
		}
		scale := min(1, 4/change)
		for i := 0; ; i++ {
			next := append([]float64(nil), coef...)
			axpy(next, scale, step)
			if l2 := value(next); l2 >= l-1e-13*math.Abs(l) {
				coef, l = next, l2
				break
			}
			if scale /= 2; i == 40 {
				return coef, nil
			}
		}
		if change < 1e-12 {
			break
		}
	}
	return coef, nil
}
