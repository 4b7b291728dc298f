package smallarea

import (
	"fmt"
	"math"
	"strconv"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// Method is a way to estimate the variance A between areas.
type Method int

const (
	// REML maximises the restricted likelihood on A >= 0,
	//
	//	-1/2 [ \sum log(A+D_i) + log det \sum x_i x_i'/(A+D_i) + \sum r_i^2/(A+D_i) ]
	//
	// with the residuals r_i of the weighted regression. It is the default.
	REML Method = iota
	// ML maximises the likelihood, the same without the determinant. It is a
	// little too small on average, which its mean squared error makes good.
	ML
	// Moments solves \sum r_i^2/(A+D_i) = m - p, the estimator of Fay and
	// Herriot, which needs no normal distribution.
	Moments
)

// String names the method as the literature does.
func (m Method) String() string {
	names := [...]string{"REML", "ML", "FH"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("Method(%d)", int(m))
	}
	return names[m]
}

// Options choose how a Fay-Herriot model is fitted. The zero value is REML.
type Options struct {
	Method     Method
	Names      []string // of the areas, for messages; nil: their numbers
	Covariates []string // names of the columns of x, for messages; nil: their numbers
}

// Area is what a Fay-Herriot model says of one area.
type Area struct {
	Direct    float64 // the direct estimate y, NaN without data
	D         float64 // its sampling variance, +Inf without data
	Synthetic float64 // the regression value x'b
	Gamma     float64 // the share of the area's own data in Estimate, 0 to 1
	Estimate  float64 // the EBLUP, x'b + Gamma (y - x'b)
	G1        float64 // uncertainty when b and A are known
	G2        float64 // what estimating b adds
	G3        float64 // what estimating A adds
	MSE       float64 // mean squared error of Estimate
}

// RMSE returns the square root of the mean squared error.
func (a Area) RMSE() float64 { return math.Sqrt(a.MSE) }

// Interval returns Estimate +- z RMSE with the normal quantile z of the level
// (0.95, say). It does not know the bounds of a rate or score: cut it to them.
// It panics when the level is not between 0 and 1.
func (a Area) Interval(level float64) (estimate.Interval, error) {
	return estimate.TInterval(a.Estimate, a.RMSE(), math.Inf(1), level)
}

// Model is a fitted Fay-Herriot model. It is read-only once made.
type Model struct {
	Method Method
	A      float64   // variance between areas around the regression, >= 0
	Beta   []float64 // coefficients of the covariates
	BetaSE []float64 // their standard errors, with A taken as known
	// LogLik is -1/2 \sum [log(2 pi (A+D_i)) + r_i^2/(A+D_i)], also after REML.
	LogLik  float64
	Sampled int    // areas with data
	Areas   []Area // one per row given

	basis *basis
	state *state
}

// Few reports that fewer than FewAreas areas had data: such a model is not to
// be published.
func (m *Model) Few() bool { return m.Sampled < FewAreas }

// Fit fits the area-level model of Fay and Herriot
//
//	y_i = x_i'b + v_i + e_i,  v_i ~ N(0, A),  e_i ~ N(0, D_i)
//
// to direct estimates y with known sampling variances D, one row x_i of
// covariates each (the 1 of an intercept among them), and returns the empirical
// best linear unbiased predictions (EBLUP) with their mean squared errors,
//
//	Gamma = A/(A+D)                     g1 = Gamma D
//	B = D/(A+D)                         g2 = B^2 x'Qx,  Q = (\sum x x'/(A+D))^-1
//	g3 = B^2 V(A)/(A+D)
//	REML     MSE = g1 + g2 + 2 g3           V(A) = 2 / \sum (A+D)^-2
//	ML       MSE = g1 + g2 + 2 g3 - b B^2   the same V(A), b = -tr(Q \sum x x'/(A+D)^2) / \sum (A+D)^-2
//	Moments  MSE = g1 + g2 + 2 g3 - b B^2   V(A) = 2m / (\sum 1/(A+D))^2,
//	         b = 2 (m \sum (A+D)^-2 - (\sum 1/(A+D))^2) / (\sum 1/(A+D))^3
//
// where b is the bias of A. MSE is not taken below g2.
//
// An area without data has D = +Inf; its y is not read. It gets the regression
// value with MSE = A + x'Qx - b (b = 0 for REML), the limit of the above, and does
// not touch the fit.
// A = 0 is a legal answer, found when the areas scatter no more than their
// sampling variances say; then every estimate is the regression value.
//
// The D have to be smoothed, see RateVariances and PooledVariance: variances
// estimated from the few answers of the area itself make the model useless.
//
// Fit panics when slices differ in length. It returns a *stats.ValueError that
// names the area for a number that is not finite, or a D that is not above 0 or
// below 1e-12 of the largest; ErrNoData; a *TooFewError without more areas with
// data than covariates; a *CollinearError that names a superfluous covariate.
//
// See Fay & Herriot (1979), J. Am. Stat. Assoc. 74, 269-277; Prasad & Rao
// (1990), J. Am. Stat. Assoc. 85, 163-171; Datta & Lahiri (2000), Stat. Sinica
// 10, 613-627; Datta, Rao & Smith (2005), Biometrika 92, 183-196; Rao & Molina
// (2015), Small Area Estimation, sections 6.1 and 6.2.
func Fit(y, d []float64, x [][]float64, opt Options) (*Model, error) {
	if len(d) != len(y) || len(x) != len(y) {
		panic(fmt.Sprintf("smallarea: %d estimates, %d variances and %d rows of covariates", len(y), len(d), len(x)))
	}
	if opt.Method < REML || opt.Method > Moments {
		panic("smallarea: unknown method " + opt.Method.String())
	}
	p, err := checkCovariates(x, opt)
	if err != nil {
		return nil, err
	}
	sampled, err := checkAreas(y, d, opt.Names)
	if err != nil {
		return nil, err
	}
	if len(sampled) == 0 {
		return nil, ErrNoData
	}
	if p == 0 || len(sampled) <= p {
		return nil, &TooFewError{Areas: len(sampled), Covariates: p}
	}
	f := &fit{}
	rows := make([][]float64, 0, len(sampled))
	for _, i := range sampled {
		f.y, f.d, rows = append(f.y, y[i]), append(f.d, d[i]), append(rows, x[i])
	}
	b, z, dependent := newBasis(rows, p)
	if dependent >= 0 {
		return nil, &CollinearError{Covariate: label(opt.Covariates, dependent)}
	}
	f.z, f.p = z, p
	return f.model(b, opt.Method, y, d, x), nil
}

// Predict returns what the model says of areas that were not in the fit and have
// no data of their own: the regression value with its mean squared error, as Fit
// gives for areas with D = +Inf. It panics when a row of x is not as long as those
// of the fit and returns a *stats.ValueError when a covariate is not finite or so
// large that the result is not.
func (m *Model) Predict(x [][]float64) ([]Area, error) {
	out := make([]Area, len(x))
	for i, row := range x {
		if len(row) != m.basis.p {
			panic(fmt.Sprintf("smallarea: row %d has %d covariates for a model of %d", i, len(row), m.basis.p))
		}
		if err := stats.CheckFinite("covariate", row); err != nil {
			return nil, err
		}
		out[i] = m.area(math.NaN(), math.Inf(1), row)
		if !stats.IsFinite(out[i].Estimate) || !stats.IsFinite(out[i].MSE) {
			return nil, valueError("regression value", strconv.Itoa(i), i, out[i].Estimate, "is beyond all numbers: a covariate is too large")
		}
	}
	return out, nil
}

// model puts the fitted model together.
func (f *fit) model(b *basis, method Method, y, d []float64, x [][]float64) *Model {
	m := &Model{Method: method, Sampled: len(f.y), basis: b}
	m.A = f.variance(method)
	m.state = f.at(m.A)
	m.Beta = b.back(m.state.beta)
	m.BetaSE = make([]float64, f.p)
	unit := make([]float64, f.p)
	for j := range m.BetaSE {
		// beta_j = c'b with c'R the j-th unit vector.
		clear(unit)
		unit[j] = 1
		m.BetaSE[j] = math.Sqrt(m.state.quad(b.row(unit)))
	}
	for i, v := range m.state.v {
		m.LogLik -= (math.Log(2*math.Pi*v) + m.state.r[i]*m.state.r[i]/v) / 2
	}
	m.Areas = make([]Area, len(y))
	for i := range y {
		m.Areas[i] = m.area(y[i], d[i], x[i])
	}
	return m
}

// area predicts one area.
func (m *Model) area(y, d float64, x []float64) Area {
	z := m.basis.row(x)
	a := Area{Direct: y, D: d, Synthetic: dot(z, m.state.beta)}
	leverage := m.state.quad(z)
	varA, bias := m.state.uncertainty(m.Method)
	if math.IsInf(d, 1) {
		a.Direct, a.Estimate = math.NaN(), a.Synthetic
		a.G1, a.G2 = m.A, leverage
		a.MSE = max(a.G2, a.G1+a.G2-bias)
		return a
	}
	v := m.A + d
	share := d / v // of the model
	a.Gamma = m.A / v
	a.Estimate = a.Synthetic + a.Gamma*(y-a.Synthetic)
	a.G1 = a.Gamma * d
	a.G2 = share * share * leverage
	a.G3 = share * share * varA / v
	a.MSE = max(a.G2, a.G1+a.G2+2*a.G3-bias*share*share)
	return a
}

// Numbers beyond these would overflow when squared; no survey has them.
const (
	tiny = 1e-50
	huge = 1e50
)

// checkCovariates returns the number of covariates.
func checkCovariates(x [][]float64, opt Options) (int, error) {
	p := 0
	for i, row := range x {
		if i == 0 {
			p = len(row)
		}
		if len(row) != p {
			panic(fmt.Sprintf("smallarea: row %d has %d covariates instead of %d", i, len(row), p))
		}
		for j, v := range row {
			what := "covariate " + label(opt.Covariates, j)
			switch {
			case !stats.IsFinite(v):
				return 0, valueError(what, label(opt.Names, i), i, v, "is not finite")
			case math.Abs(v) > huge:
				return 0, valueError(what, label(opt.Names, i), i, v, "is too large")
			}
		}
	}
	return p, nil
}

// checkAreas returns the areas with data.
func checkAreas(y, d []float64, names []string) (sampled []int, err error) {
	top := 0.0
	for i, v := range d {
		name := label(names, i)
		switch {
		case math.IsInf(v, 1):
			continue
		case !stats.IsFinite(v):
			return nil, valueError("sampling variance", name, i, v, "is not a number")
		case !(v > 0):
			return nil, valueError("sampling variance", name, i, v, "is not above 0")
		case v < tiny || v > huge:
			return nil, valueError("sampling variance", name, i, v, "is out of range")
		case !stats.IsFinite(y[i]):
			return nil, valueError("direct estimate", name, i, y[i], "is not finite")
		case math.Abs(y[i]) > huge:
			return nil, valueError("direct estimate", name, i, y[i], "is too large")
		}
		top = max(top, v)
		sampled = append(sampled, i)
	}
	for _, i := range sampled {
		if d[i] < 1e-12*top {
			return nil, valueError("sampling variance", label(names, i), i, d[i], "is nothing against the largest")
		}
	}
	return sampled, nil
}
