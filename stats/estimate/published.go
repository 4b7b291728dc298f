package estimate

import (
	"fmt"

	"chengyin/stats"
)

// ProportionInterval returns the interval to publish for the mean of a variable
// that is 0 or 1. It is that of PublishedProportion, with the design effect deff
// of a larger domain, usually the Deff of the whole district.
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
