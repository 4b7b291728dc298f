package smallarea

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// The sampling variances of an area model are smoothed ones. The variance that
// the answers of a community of 5 to 30 give by themselves is 0 when they all
// agree, and then the model would take them for the truth. See Rao & Molina
// (2015), Small Area Estimation, section 6.4.1; Otto & Bell (1995), Proc. Surv.
// Res. Methods Sect. Am. Stat. Assoc., 160-165.

// RateVariances returns smoothed sampling variances of the rates of areas,
//
//	D_i = deff P_i (1-P_i) / n_i
//
// with rates P_i of larger groups the areas belong to (PooledRates), or one of
// everybody repeated, the numbers of answers n_i >= 0 and the design effect of
// the whole sample against drawing with replacement, deff > 0. An area without
// answers has +Inf, which Fit takes for an area without data.
//
// It panics when lengths differ and returns a *stats.ValueError when a number is
// not finite, n is negative, deff is not above 0, or P_i is not between 0 and 1:
// when all of a group agree, its areas have to be pooled with others.
//
// See Rao & Molina (2015), Small Area Estimation, section 6.4.1.
func RateVariances(p, n []float64, deff float64) ([]float64, error) {
	if len(p) != len(n) {
		panic(fmt.Sprintf("smallarea: %d rates for %d areas", len(p), len(n)))
	}
	if err := checkSizes(n, deff); err != nil {
		return nil, err
	}
	d := make([]float64, len(p))
	for i := range d {
		switch {
		case n[i] == 0:
			d[i] = math.Inf(1)
			continue
		case !(p[i] > 0 && p[i] < 1):
			return nil, &stats.ValueError{What: "pooled rate", Row: i, Value: p[i], Why: "is not between 0 and 1"}
		}
		d[i] = deff * p[i] * (1 - p[i]) / n[i]
	}
	return d, nil
}

// MeanVariances returns smoothed sampling variances of the mean scores of areas,
//
//	D_i = deff s^2 / n_i
//
// with the pooled variance s^2 > 0 of answers within areas (PooledVariance).
// Everything else is as in RateVariances.
//
// See Rao & Molina (2015), section 6.4.1.
func MeanVariances(s2 float64, n []float64, deff float64) ([]float64, error) {
	if !(s2 > 0) || !stats.IsFinite(s2) {
		return nil, &stats.ValueError{What: "pooled variance", Row: -1, Value: s2, Why: "is not a finite number above 0"}
	}
	if err := checkSizes(n, deff); err != nil {
		return nil, err
	}
	d := make([]float64, len(n))
	for i := range d {
		d[i] = deff * s2 / n[i]
	}
	return d, nil
}

// PooledRates returns for each area the rate of its group, \sum y / \sum n over
// the areas of the group, from the numbers y of those who say yes among n. An
// area whose group has no answers has NaN. It panics when lengths differ and
// returns a *stats.ValueError for counts that are not finite, negative, or of
// more yes than answers.
func PooledRates(y, n []float64, group []int) ([]float64, error) {
	if len(y) != len(n) || len(group) != len(n) {
		panic(fmt.Sprintf("smallarea: %d counts, %d sizes and %d groups", len(y), len(n), len(group)))
	}
	if err := checkCounts(y, n); err != nil {
		return nil, err
	}
	yes, all := map[int]float64{}, map[int]float64{}
	for i, g := range group {
		yes[g] += y[i]
		all[g] += n[i]
	}
	p := make([]float64, len(n))
	for i, g := range group {
		p[i] = yes[g] / all[g]
	}
	return p, nil
}

// PooledVariance returns the variance of answers within areas,
//
//	s^2 = \sum (n_i-1) s_i^2 / \sum (n_i-1)
//
// over the areas with n_i > 1 from their variances s_i^2 (divisor n_i - 1); the
// s_i^2 of other areas are not read. It panics when lengths differ and returns
// ErrNoData when no area has two answers and a *stats.ValueError for a number
// that is not finite or is negative.
func PooledVariance(s2, n []float64) (float64, error) {
	if len(s2) != len(n) {
		panic(fmt.Sprintf("smallarea: %d variances for %d areas", len(s2), len(n)))
	}
	if err := checkSizes(n, 1); err != nil {
		return 0, err
	}
	var ss, df float64
	for i, v := range s2 {
		if !(n[i] > 1) {
			continue
		}
		if !(v >= 0) || !stats.IsFinite(v) {
			return 0, &stats.ValueError{What: "variance within areas", Row: i, Value: v, Why: "is not a finite number >= 0"}
		}
		ss += (n[i] - 1) * v
		df += n[i] - 1
	}
	if df == 0 {
		return 0, ErrNoData
	}
	return ss / df, nil
}

func checkSizes(n []float64, deff float64) error {
	if !(deff > 0) || !stats.IsFinite(deff) {
		return &stats.ValueError{What: "design effect", Row: -1, Value: deff, Why: "is not a finite number above 0"}
	}
	return stats.CheckWeights("number of answers", n)
}

// checkCounts refuses what cannot be y yes among n answers.
func checkCounts(y, n []float64) error {
	if err := stats.CheckWeights("number of answers", n); err != nil {
		return err
	}
	if err := stats.CheckWeights("count", y); err != nil {
		return err
	}
	for i := range y {
		if y[i] > n[i]*(1+1e-12) {
			return &stats.ValueError{What: "count", Row: i, Value: y[i], Why: fmt.Sprintf("is more than the %g answers", n[i])}
		}
	}
	return nil
}
