package smallarea

import (
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// BetaBinomial is the distribution of rates over areas,
//
//	y_i ~ Binomial(n_i, p_i),  p_i ~ Beta(Mu Phi, (1-Mu) Phi)
type BetaBinomial struct {
	Mu  float64 // the mean rate
	Phi float64 // how alike areas are, > 0; +Inf when they do not differ at all
	// Rho is the correlation of two answers of an area, 1/(1+Phi). By moments
	// it may be negative, which stands for Phi = +Inf, or above 0.99, where Phi
	// stops.
	Rho float64
	// LogLik is the log-likelihood without the binomial coefficients, which do
	// not depend on the parameters and are not defined for fractions.
	LogLik float64
}

// EffectiveCounts returns y/deff and n/deff: what the counts of a sample with
// the design effect deff are worth in answers of a simple random sample. It
// panics when lengths differ and returns a *stats.ValueError for counts that are
// not finite, negative, or of more yes than answers, and for a deff that is not
// above 0.
func EffectiveCounts(y, n []float64, deff float64) (ye, ne []float64, err error) {
	if len(y) != len(n) {
		panic(fmt.Sprintf("smallarea: %d counts for %d areas", len(y), len(n)))
	}
	if err := checkSizes(n, deff); err != nil {
		return nil, nil, err
	}
	if err := checkCounts(y, n); err != nil {
		return nil, nil, err
	}
	ye, ne = make([]float64, len(y)), make([]float64, len(n))
	for i := range y {
		ye[i], ne[i] = y[i]/deff, n[i]/deff
	}
	return ye, ne, nil
}

// Phi is looked for between these; beyond the upper one areas do not differ.
var lowPhi, highPhi = math.Exp(-20), math.Exp(16)

// FitBetaBinomial fits the distribution of rates by maximum likelihood to counts
// y of yes among n answers, one pair per area, which may be fractions
// (EffectiveCounts). The likelihood is profiled over Phi; Phi = +Inf is a legal
// answer, found when areas differ no more than chance makes them, when all
// answers agree and when no area has more than one answer. Areas with n = 0 tell
// nothing and do no harm.
//
// It panics when lengths differ and returns ErrNoData when there are no answers
// and a *stats.ValueError for counts that are not finite, negative, or of more
// yes than answers.
//
// See Kleinman (1973), J. Am. Stat. Assoc. 68, 46-54; Rao & Molina (2015), Small
// Area Estimation, section 9.5.
func FitBetaBinomial(y, n []float64) (BetaBinomial, error) {
	c, err := newCounts(y, n)
	if err != nil {
		return BetaBinomial{}, err
	}
	pooled := c.pooled()
	if pooled.Mu == 0 || pooled.Mu == 1 || !c.several {
		return pooled, nil
	}
	const step = 0.25
	lo, hi := math.Log(lowPhi), math.Log(highPhi)
	steps := int(math.Round((hi - lo) / step))
	best, at := math.Inf(-1), 0
	grid := func(i int) float64 { return math.Exp(lo + (hi-lo)*float64(i)/float64(steps)) }
	mu := pooled.Mu
	for i := steps; i >= 0; i-- {
		phi := grid(i)
		mu = c.mu(phi, mu, 1e-7) // the likelihood is flat at its top
		if l := c.logLik(mu, phi); l > best {
			best, at = l, i
		}
	}
	if at == steps || best <= pooled.LogLik {
		return pooled, nil
	}
	// Along the profile only the direct derivative in Phi is left.
	slope := func(phi float64) float64 {
		mu = c.mu(phi, mu, exact)
		return c.slope(mu, phi)
	}
	out := BetaBinomial{Phi: grid(at)}
	if lo, hi := grid(max(at-1, 0)), grid(at+1); slope(lo) > 0 && slope(hi) < 0 {
		out.Phi = root(slope, lo, hi, exact)
	}
	out.Mu = c.mu(out.Phi, mu, exact)
	out.Rho = 1 / (1 + out.Phi)
	out.LogLik = c.logLik(out.Mu, out.Phi)
	return out, nil
}

// BetaBinomialMoments estimates the same by moments with weights n_i,
//
//	mu  = \sum y / \sum n,   p_i = y_i/n_i,   N = \sum n,   m areas
//	rho = (\sum n_i (p_i-mu)^2 - mu(1-mu)(m-1)) / (mu(1-mu) (N - \sum n_i^2/N - (m-1)))
//
// and Phi = 1/rho - 1; rho <= 0 gives Phi = +Inf and rho is taken to be at most
// 0.99. Areas with n = 0 do not count. It is quick, and less precise than
// FitBetaBinomial when the n differ a lot. Panics and errors are those of
// FitBetaBinomial.
//
// See Kleinman (1973), J. Am. Stat. Assoc. 68, 46-54.
func BetaBinomialMoments(y, n []float64) (BetaBinomial, error) {
	c, err := newCounts(y, n)
	if err != nil {
		return BetaBinomial{}, err
	}
	b := c.pooled()
	if b.Mu == 0 || b.Mu == 1 {
		return b, nil
	}
	var ss, sumSq float64
	for i, n := range c.n {
		off := c.y[i]/n - b.Mu
		ss += n * off * off
		sumSq += n * n
	}
	v, m := b.Mu*(1-b.Mu), float64(len(c.n))
	b.Rho = (ss - v*(m-1)) / (v * (c.sumN - sumSq/c.sumN - (m - 1)))
	if !stats.IsFinite(b.Rho) { // one area, or one answer in each
		b.Rho = 0
	}
	if b.Rho > 0 {
		b.Phi = 1/min(b.Rho, 0.99) - 1
		b.LogLik = c.logLik(b.Mu, b.Phi)
	}
	return b, nil
}

// Posterior is what the model says of the rate of one area after its answers.
type Posterior struct {
	Mean, SD     float64
	Lower, Upper float64 // interval of equal tails
	Gamma        float64 // share of the area's own answers in Mean, n/(n+Phi)
}

// Posteriors returns for each area the distribution
//
//	p_i | y_i ~ Beta(y_i + Mu Phi, n_i - y_i + (1-Mu) Phi)
//
// with its mean, standard deviation and the interval of the given level between
// its quantiles. An area without answers has the distribution over areas. The
// intervals take Mu and Phi as known, so they are a little short: of 95 % ones
// about 92 cover with 100 areas of 5 to 30 answers and Phi = 20. With Phi = +Inf all is Mu with an interval of length 0, and the interval to
// show is that of the pooled rate.
//
// It panics when lengths differ or level is not between 0 and 1, and returns a
// *stats.ValueError for bad counts (as FitBetaBinomial) or parameters.
func (b BetaBinomial) Posteriors(y, n []float64, level float64) ([]Posterior, error) {
	if len(y) != len(n) {
		panic(fmt.Sprintf("smallarea: %d counts for %d areas", len(y), len(n)))
	}
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("smallarea: level %g is not between 0 and 1", level))
	}
	if err := checkCounts(y, n); err != nil {
		return nil, err
	}
	if !(b.Mu >= 0 && b.Mu <= 1) {
		return nil, &stats.ValueError{What: "mean rate", Row: -1, Value: b.Mu, Why: "is not between 0 and 1"}
	}
	if !(b.Phi > 0) {
		return nil, &stats.ValueError{What: "phi", Row: -1, Value: b.Phi, Why: "is not above 0"}
	}
	out := make([]Posterior, len(y))
	for i := range y {
		if math.IsInf(b.Phi, 1) {
			out[i] = Posterior{Mean: b.Mu, Lower: b.Mu, Upper: b.Mu}
			continue
		}
		p, q := y[i]+b.Mu*b.Phi, max(0, n[i]-y[i])+(1-b.Mu)*b.Phi
		all := p + q
		out[i] = Posterior{
			Mean:  p / all,
			SD:    math.Sqrt(p / all * (q / all) / (all + 1)),
			Lower: stats.BetaQuantile((1-level)/2, p, q),
			Upper: stats.BetaQuantile(1-(1-level)/2, p, q),
			Gamma: n[i] / (n[i] + b.Phi),
		}
	}
	return out, nil
}

// Interval returns the interval of the posterior.
func (p Posterior) Interval() estimate.Interval {
	return estimate.Interval{Lower: p.Lower, Upper: p.Upper}
}

// counts are the areas with answers.
type counts struct {
	y, n       []float64
	sumY, sumN float64
	several    bool // some area has more than one answer
}

func newCounts(y, n []float64) (*counts, error) {
	if len(y) != len(n) {
		panic(fmt.Sprintf("smallarea: %d counts for %d areas", len(y), len(n)))
	}
	if err := checkCounts(y, n); err != nil {
		return nil, err
	}
	c := &counts{}
	for i := range y {
		switch {
		case n[i] > huge:
			return nil, &stats.ValueError{What: "number of answers", Row: i, Value: n[i], Why: "is too large"}
		case !(n[i] > tiny):
			continue
		}
		c.y, c.n = append(c.y, min(y[i], n[i])), append(c.n, n[i])
		c.sumY += min(y[i], n[i])
		c.sumN += n[i]
		c.several = c.several || n[i] > 1
	}
	if len(c.n) == 0 {
		return nil, ErrNoData
	}
	return c, nil
}

// pooled is the model in which areas do not differ.
func (c *counts) pooled() BetaBinomial {
	b := BetaBinomial{Mu: min(1, c.sumY/c.sumN), Phi: math.Inf(1)}
	if b.Mu > 0 && b.Mu < 1 {
		b.LogLik = c.sumY*math.Log(b.Mu) + (c.sumN-c.sumY)*math.Log1p(-b.Mu)
	}
	return b
}

// logLik returns \sum log B(y+a, n-y+b) - log B(a, b), a = mu phi, b = phi - a.
func (c *counts) logLik(mu, phi float64) float64 {
	a, b, l := mu*phi, (1-mu)*phi, 0.0
	for i, y := range c.y {
		l += lgammaDiff(a, y) + lgammaDiff(b, c.n[i]-y) - lgammaDiff(phi, c.n[i])
	}
	return l
}

// slope returns the derivative of logLik in phi.
func (c *counts) slope(mu, phi float64) float64 {
	a, b, s := mu*phi, (1-mu)*phi, 0.0
	for i, y := range c.y {
		s += mu*digammaDiff(a, y) + (1-mu)*digammaDiff(b, c.n[i]-y) - digammaDiff(phi, c.n[i])
	}
	return s
}

// mu returns the mean rate that maximises logLik at phi, which is concave in it,
// to the relative tolerance tol.
func (c *counts) mu(phi, near, tol float64) float64 {
	tilt := func(mu float64) float64 {
		a, b, s := mu*phi, (1-mu)*phi, 0.0
		for i, y := range c.y {
			s += digammaDiff(a, y) - digammaDiff(b, c.n[i]-y)
		}
		return s
	}
	// A bracket around a good guess saves most of the steps.
	lo, hi := near, near
	for w := 1e-3; lo > tiny && !(tilt(lo) >= 0); w *= 8 {
		lo = near * math.Exp(-w)
	}
	for w := 1e-3; 1-hi > 1e-16 && !(tilt(hi) <= 0); w *= 8 {
		hi = 1 - (1-near)*math.Exp(-w)
	}
	return root(tilt, lo, hi, tol)
}
