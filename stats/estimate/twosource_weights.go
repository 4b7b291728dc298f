package estimate

import (
	"errors"
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/weighting"
)

// ErrNoConvergence says that Newton's method found no solution although the
// sources overlap: covariates of very different size, or nearly dependent.
var ErrNoConvergence = errors.New("estimate: participation model does not converge")

// PseudoMethod is a way to find out how many people a row of A stands for.
type PseudoMethod int

const (
	ByChenLiWu        PseudoMethod = iota // logistic participation, population totals from B
	ByALP                                 // adjusted logistic propensity
	ByElliottValliant                     // unweighted comparison with B
	ByCalibration                         // exponential tilting to totals
)

// String names the method after its authors.
func (m PseudoMethod) String() string {
	names := [...]string{"Chen-Li-Wu", "ALP", "Elliott-Valliant", "calibration"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("PseudoMethod(%d)", int(m))
	}
	return names[m]
}

// Assumption says in plain words what has to be true for the weights to be
// right. It belongs beside every figure made with them.
func (m PseudoMethod) Assumption() string {
	const all = "Model-based. Assumes that, among people alike in the covariates, taking part has nothing to do with the answer; " +
		"that everybody could have taken part; that people take part independently of each other; and that "
	switch m {
	case ByALP:
		return all + "the rate of taking part is an exponential function of the covariates, small enough never to reach 1."
	case ByElliottValliant:
		return all + "the odds of being in this sample rather than the probability sample are logistic in the covariates, " +
			"with design weights that depend on the weighting cell alone."
	case ByCalibration:
		return all + "the chance of taking part is an exponential function of the covariates whose totals were met."
	}
	return all + "the chance of taking part is logistic in the covariates."
}

// PseudoWeights are weights for the rows of A, with what is needed for the
// variances of what is estimated with them.
type PseudoWeights struct {
	Method PseudoMethod
	// Coef are the coefficients of the model of participation: on the log odds,
	// on the log rate (ByALP) or on minus the log weight (ByCalibration).
	Coef    []float64
	Weights []float64 // of the rows of A, > 0
	N       float64   // their sum, which estimates the population

	t *TwoSources
	// The model solves \sum_A s_A x = \sum_B d s_B x with slope matrix H, and a
	// weight changes by -w q x with the coefficients.
	sA, sB, q []float64
	normal    *weighting.Normal
	cells     *evCells // of ByElliottValliant
}

// Assumption says in plain words what has to be true for the weights to be right.
func (p *PseudoWeights) Assumption() string { return p.Method.Assumption() }

// ChenLiWu models the chance pi(x) = expit(x'theta) that a member of the
// population is in A. It solves
//
//	\sum_A x = \sum_B d pi(x) x
//
// by Newton's method; weights are 1/pi. It returns an *OverlapError that names a
// covariate when there is no finite solution, and ErrNoConvergence.
//
// See Chen, Li & Wu (2020), J. Am. Stat. Assoc. 115, 2011-2021, equation (6).
func (t *TwoSources) ChenLiWu() (*PseudoWeights, error) {
	p := len(t.span.free)
	theta := make([]float64, p)
	at := func(theta []float64) (l float64, u, h []float64) {
		u, h = make([]float64, p), make([]float64, p*p)
		for _, x := range t.za {
			l += inner(x, theta)
			axpy(u, 1, x)
		}
		for k, x := range t.zb {
			d := t.d.w[k]
			if d == 0 {
				continue
			}
			eta := inner(x, theta)
			pi := expit(eta)
			l -= d * softplus(eta)
			axpy(u, -d*pi, x)
			outer(h, d*pi*(1-pi), x)
		}
		return l, u, h
	}
	h, err := t.newton(at, theta)
	if err != nil {
		return nil, err
	}
	w := t.start(ByChenLiWu, theta, h)
	for k, x := range t.za {
		pi := expit(inner(x, theta))
		w.Weights[k], w.sA[k], w.q[k] = 1/pi, 1, 1-pi
	}
	for k, x := range t.zb {
		w.sB[k] = expit(inner(x, theta))
	}
	return w.finish(), nil
}

// ALP fits one logistic regression of being in A, with weight 1, rather than in
// B, with weight d: its odds are the rate of participation, so weights are
// exp(-x'b) = (1-p)/p. Errors are those of ChenLiWu.
//
// See Wang, Valliant & Li (2021), Stat. Med. 40, 5237-5250.
func (t *TwoSources) ALP() (*PseudoWeights, error) {
	return t.stacked(ByALP, t.d.w)
}

// ElliottValliant fits one logistic regression of being in A rather than in B
// without weights; weights are those of B times the odds,
//
//	w = \bar d_c (1-p)/p
//
// with \bar d_c the mean design weight of the rows of B in the same cell: cellA
// and cellB number the cells of both (age by sex, say), names are theirs, nil
// their numbers. It panics when lengths differ; it returns an *OverlapError that
// names a cell with people of A and nobody of B, and the errors of ChenLiWu.
//
// See Elliott & Valliant (2017), Stat. Sci. 32, 249-264, equations (6) and (7).
func (t *TwoSources) ElliottValliant(cellA, cellB []int, names []string) (*PseudoWeights, error) {
	if len(cellA) != len(t.a) {
		panic(fmt.Sprintf("estimate: %d cells for %d rows", len(cellA), len(t.a)))
	}
	t.d.checkRows("cells", len(cellB), false)
	c := &evCells{a: cellA, b: cellB, n: map[int]float64{}, mean: map[int]float64{}}
	ones := make([]float64, len(t.b))
	for k, g := range cellB {
		if t.d.w[k] > 0 {
			ones[k] = 1
			c.n[g]++
			c.mean[g] += t.d.w[k]
		}
	}
	for g := range c.mean {
		c.mean[g] /= c.n[g]
	}
	for _, g := range cellA {
		if c.n[g] == 0 {
			name := fmt.Sprintf("cell %d", g)
			if g >= 0 && g < len(names) {
				name = names[g]
			}
			return nil, &OverlapError{Covariate: name, Source: "probability", Why: "has nobody there"}
		}
	}
	w, err := t.stacked(ByElliottValliant, ones)
	if err != nil {
		return nil, err
	}
	w.cells = c
	for k, g := range cellA {
		w.Weights[k] *= c.mean[g]
	}
	for k, d := range t.d.w {
		if d > 0 {
			w.sB[k] /= d // the sum over B had no weights
		}
	}
	return w.finish(), nil
}

// evCells are the cells of design weights.
type evCells struct {
	a, b    []int
	n, mean map[int]float64
}

// stacked fits the logistic regression of A, weight 1, against B, weight d.
func (t *TwoSources) stacked(m PseudoMethod, d []float64) (*PseudoWeights, error) {
	p := len(t.span.free)
	theta := make([]float64, p)
	at := func(theta []float64) (l float64, u, h []float64) {
		u, h = make([]float64, p), make([]float64, p*p)
		for _, x := range t.za {
			eta := inner(x, theta)
			q := expit(-eta)
			l -= softplus(-eta)
			axpy(u, q, x)
			outer(h, q*(1-q), x)
		}
		for k, x := range t.zb {
			if d[k] == 0 {
				continue
			}
			eta := inner(x, theta)
			q := expit(eta)
			l -= d[k] * softplus(eta)
			axpy(u, -d[k]*q, x)
			outer(h, d[k]*q*(1-q), x)
		}
		return l, u, h
	}
	h, err := t.newton(at, theta)
	if err != nil {
		return nil, err
	}
	w := t.start(m, theta, h)
	for k, x := range t.za {
		eta := inner(x, theta)
		w.Weights[k], w.sA[k], w.q[k] = math.Exp(-eta), expit(-eta), 1
	}
	for k, x := range t.zb {
		w.sB[k] = expit(inner(x, theta))
	}
	return w.finish(), nil
}

// Calibrate gives all rows of A the same weight and moves the weights as little
// as possible (weighting.Calibrate with weighting.Raking) until the covariates
// add up to the totals: of a census, which are taken as known, or with nil those
// that B estimates, whose uncertainty is then counted. The covariates should
// hold the 1 of an intercept. It panics when there is not one total a covariate;
// errors are those of weighting.Calibrate, and ErrNoConvergence when nothing but
// weights of 0 for some would meet the totals.
//
// See Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382; Kott (2006),
// Surv. Methodol. 32, 133-142, on the implied chances of taking part.
func (t *TwoSources) Calibrate(totals []float64) (*PseudoWeights, error) {
	p := len(t.b[0])
	if totals != nil && len(totals) != p {
		panic(fmt.Sprintf("estimate: %d totals for %d covariates", len(totals), p))
	}
	known := totals != nil
	people := 0.0
	if !known {
		totals = make([]float64, p)
	}
	for k, x := range t.b {
		people += t.d.w[k]
		if !known {
			axpy(totals, t.d.w[k], x)
		}
	}
	start := make([]float64, len(t.a))
	for k := range start {
		start[k] = people / float64(len(t.a))
	}
	weights, _, err := weighting.Calibrate(start, t.a, totals, weighting.CalibrateOptions{Distance: weighting.Raking, Names: t.names})
	if err != nil {
		return nil, err
	}
	p = len(t.span.free)
	h, logs := make([]float64, p*p), make([]float64, p)
	for k, z := range t.za {
		if !(weights[k] > 0) { // met only in the limit, where this answer stands for nobody
			return nil, ErrNoConvergence
		}
		outer(h, weights[k], z)
		axpy(logs, -weights[k]*math.Log(weights[k]), z)
	}
	w := t.start(ByCalibration, weighting.NewNormal(h, p).Solve(logs), h)
	for k := range t.a {
		w.Weights[k], w.sA[k], w.q[k] = weights[k], weights[k], 1
	}
	for k := range t.b {
		if !known {
			w.sB[k] = 1
		}
	}
	return w.finish(), nil
}

func (t *TwoSources) start(m PseudoMethod, coef, h []float64) *PseudoWeights {
	n := len(t.a)
	return &PseudoWeights{Method: m, Coef: t.span.coef(coef), t: t, normal: weighting.NewNormal(h, len(coef)),
		Weights: make([]float64, n), sA: make([]float64, n), q: make([]float64, n), sB: make([]float64, len(t.b))}
}

func (p *PseudoWeights) finish() *PseudoWeights {
	p.N = 0
	for _, w := range p.Weights {
		p.N += w
	}
	return p
}

// beyond is how far log odds may go: nobody's chance to take part is e^-30.
const beyond = 30

// newton climbs a concave likelihood from theta, which it changes, and returns
// the slope matrix at the top.
func (t *TwoSources) newton(at func([]float64) (float64, []float64, []float64), theta []float64) (h []float64, err error) {
	l, u, h := at(theta)
	for range 200 {
		step := weighting.NewNormal(h, len(theta)).Solve(u)
		change := 0.0
		for _, rows := range [][][]float64{t.za, t.zb} {
			for _, x := range rows {
				change = max(change, math.Abs(inner(x, step)))
			}
		}
		if !stats.IsFinite(change) {
			return nil, ErrNoConvergence
		}
		// Far steps overshoot where the likelihood is flat.
		scale := 1.0
		if change > 4 {
			scale = 4 / change
		}
		better := false
		next := make([]float64, len(theta))
		for range 40 {
			for j := range next {
				next[j] = theta[j] + scale*step[j]
			}
			l2, u2, h2 := at(next)
			if l2 >= l-1e-13*math.Abs(l) {
				copy(theta, next)
				l, u, h, better = l2, u2, h2, true
				break
			}
			scale /= 2
		}
		if err := t.tooFar(theta); err != nil {
			return nil, err
		}
		if change < 1e-13 || !better {
			if change < 1e-8 {
				return h, nil
			}
			return nil, ErrNoConvergence
		}
		if change < 1e-10 && scale == 1 { // quadratic: this step was the last that matters
			return h, nil
		}
	}
	return nil, ErrNoConvergence
}

// tooFar returns an *OverlapError when the log odds of a row leave the range of
// anything real: the likelihood then rises for ever along some covariate.
func (t *TwoSources) tooFar(z []float64) error {
	worst, odds := float64(beyond), 0.0
	var row []float64
	for k, x := range t.za {
		if eta := inner(x, z); math.Abs(eta) > worst {
			worst, odds, row = math.Abs(eta), eta, t.a[k]
		}
	}
	for k, x := range t.zb {
		if eta := inner(x, z); t.d.w[k] > 0 && math.Abs(eta) > worst {
			worst, odds, row = math.Abs(eta), eta, t.b[k]
		}
	}
	if row == nil {
		return nil
	}
	theta := t.span.coef(z)
	mean := make([]float64, len(theta))
	for _, x := range t.a {
		axpy(mean, 1/float64(len(t.a)), x)
	}
	blame, top := 0, -1.0
	for j := range theta {
		if part := math.Abs(theta[j] * (row[j] - mean[j])); part > top {
			blame, top = j, part
		}
	}
	if odds < 0 {
		return &OverlapError{Covariate: t.name(blame), Source: "nonprobability", Why: "has nobody like some of the population"}
	}
	return &OverlapError{Covariate: t.name(blame), Source: "probability", Why: "stands for fewer people than took part"}
}

// softplus returns log(1 + e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func inner(a, b []float64) float64 {
	s := 0.0
	for j, x := range a {
		s += x * b[j]
	}
	return s
}

// axpy adds f x to y.
func axpy(y []float64, f float64, x []float64) {
	for j, v := range x {
		y[j] += f * v
	}
}

// outer adds f x x' to h.
func outer(h []float64, f float64, x []float64) {
	p := len(x)
	for i, v := range x {
		if v == 0 {
			continue
		}
		for j, w := range x {
			h[i*p+j] += f * v * w
		}
	}
}
