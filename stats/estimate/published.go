package estimate

import (
	"fmt"

	"gonum.org/v1/gonum/mathext"

	"chengyin/stats"
)

// A domain's own variance is used for its interval from TrustedDF degrees of
// freedom (NCHS Vital Health Stat 2(175), 2017) and TrustedCount answers of
// either kind. With fewer it says little: when two of eighty buildings hold all
// who said no, the variance is as much chance as the rate.
const (
	TrustedDF    = 8
	TrustedCount = 10
)

// PublishedProportion returns the interval to publish for a proportion p with
// variance v from n answers with df degrees of freedom, in a larger domain whose
// design effect is deff: Wilson's score interval for m answers,
//
//	(p + z^2/2m +- z/2m sqrt(4 m p(1-p) + z^2)) / (1 + z^2/m)
//
// where m is Korn & Graubard's effective size, capped,
//
//	m = min(n, p(1-p)/v (t_{n-1}/t_df)^2)
//
// if df >= TrustedDF and n p and n (1-p) >= TrustedCount, and else, as in
// Borrowed,
//
//	m = p(1-p) / max(v, deff p(1-p)/n), or n/deff when p is 0 or 1.
//
// Next to 0 and 1 the limit on that side is at least as far out as the one that
// Brown, Cai & DasGupta give Wilson's interval there for a simple random sample:
// with x = n p up to 3 (2 for n <= 50) the lower limit is at most the 1-level
// quantile of Gamma(x, 1), divided by n.
//
// The interval covers the truth close to its level, where the exact ones cover
// it too often and m from the domain alone far too seldom for rare answers:
// docs/methods/coverage.md. Errors and panics are those of Borrowed.
//
// See Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; Brown, Cai & DasGupta
// (2001), Stat. Sci. 16, 101-133; Franco et al. (2019), J. Surv. Stat. Methodol.
// 7, 334-364; Korn & Graubard (1998), Surv. Methodol. 24, 193-201.
func PublishedProportion(p, v float64, n, df int, deff, level float64) (Interval, error) {
	p, err := checkProportion(p, v, level)
	if err != nil {
		return Interval{}, err
	}
	if !stats.IsFinite(deff) {
		return Interval{}, &stats.ValueError{What: "design effect", Row: -1, Value: deff, Why: "is not finite"}
	}
	if n < 2 {
		return Interval{}, ErrNoInterval
	}
	size := float64(n)
	var m float64
	switch {
	case df >= TrustedDF && size*min(p, 1-p) >= TrustedCount && v > 0:
		upper := 1 - (1-level)/2
		ratio := stats.TQuantile(upper, size-1) / stats.TQuantile(upper, float64(df))
		m = min(size, p*(1-p)/v*ratio*ratio)
	case p > 0 && p < 1:
		m = p * (1 - p) / BorrowedVariance(v, p*(1-p)/size, deff)
	default:
		m = size / max(1, deff)
	}
	i := wilson(p, m, stats.NormalQuantile(1-(1-level)/2))
	i.Lower = max(0, min(i.Lower, rareLimit(size*p, size, level)))
	i.Upper = min(1, max(i.Upper, 1-rareLimit(size*(1-p), size, level)))
	return i, nil
}

// rareLimit is the lower limit of Brown, Cai & DasGupta for x answers of n that
// are few, and 1, which limits nothing, for others.
func rareLimit(x, n, level float64) float64 {
	few := 3.0
	if n <= 50 {
		few = 2
	}
	switch {
	case x > few+1e-9:
		return 1
	case x < 0.01: // the quantile is below 1e-130
		return 0
	}
	return mathext.GammaIncRegInv(x, 1-level) / n
}

// ProportionInterval returns the interval to publish for the mean of a variable
// that is 0 or 1. It is that of PublishedProportion, with the design effect deff
// of a larger domain, usually the Deff of the whole wave.
func (m CellMean) ProportionInterval(deff, level float64) (Interval, error) {
	return PublishedProportion(m.Estimate, m.Var, m.N, m.DF, deff, level)
}

// ScoreInterval returns the interval to publish for the mean of a variable
// between lo and hi, 0 and 100, say. It never leaves them. With DF >= TrustedDF
// it is that of BoundedMean from the variance of the domain itself; with fewer
// the variance is
//
//	max(Var, deff VarSRS)
//
// with the design effect deff of a larger domain, and the degrees of freedom are
// those of the whole design. When all answers are equal, so that both variances
// say nothing, VarSRS is taken to be the largest it can be for answers with this
// mean, p(1-p)/n with p = (Estimate-lo)/(hi-lo); at lo and hi themselves the
// interval is that of Borrowed.
//
// It returns ErrNoInterval when N < 2 and a *stats.ValueError when the mean is
// outside lo and hi or deff not finite. It panics unless lo < hi and level is
// between 0 and 1.
func (m CellMean) ScoreInterval(lo, hi, deff, level float64) (Interval, error) {
	if !(lo < hi) {
		panic(fmt.Sprintf("estimate: a score between %g and %g", lo, hi))
	}
	span := hi - lo
	p, err := checkProportion((m.Estimate-lo)/span, m.Var, level)
	if err != nil {
		return Interval{}, err
	}
	if !stats.IsFinite(deff) {
		return Interval{}, &stats.ValueError{What: "design effect", Row: -1, Value: deff, Why: "is not finite"}
	}
	if m.N < 2 {
		return Interval{}, ErrNoInterval
	}
	v, df := m.Var/span/span, m.DF
	var i Interval
	switch {
	case p == 0 || p == 1:
		i, err = Borrowed(p, 0, m.N, deff, level)
	case df >= TrustedDF && v > 0:
		i, err = BoundedMean(p, v, m.N, float64(df), level)
	default:
		srs := m.VarSRS / span / span
		if !(srs > 0) {
			srs = p * (1 - p) / float64(m.N)
		}
		i, err = BoundedMean(p, BorrowedVariance(v, srs, deff), m.N, float64(max(m.DesignDF, df)), level)
	}
	if err != nil {
		return Interval{}, err
	}
	return Interval{lo + span*i.Lower, lo + span*i.Upper}, nil
}
