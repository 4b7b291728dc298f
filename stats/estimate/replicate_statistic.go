package estimate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// Statistics as functions of the weights. Rows outside the domain in (nil: all
// rows) and rows of weight 0 do not count. A value that is not finite where it
// counts is a *stats.ValueError.

// MeansOf returns the weighted means of the columns y over the domain.
func MeansOf(in []bool, y ...[]float64) Statistic {
	checkColumns(in, y)
	return func(w []float64) ([]float64, error) {
		sums, all, err := sums(w, in, y)
		if err != nil {
			return nil, err
		}
		if all == 0 {
			return nil, ErrEmptyDomain
		}
		for j := range sums {
			sums[j] /= all
		}
		return sums, nil
	}
}

// TotalsOf returns the weighted totals of the columns y over the domain. The
// total of a domain without people is 0.
func TotalsOf(in []bool, y ...[]float64) Statistic {
	checkColumns(in, y)
	return func(w []float64) ([]float64, error) {
		t, _, err := sums(w, in, y)
		return t, err
	}
}

// RatioOf returns \sum w y / \sum w x over the domain. A denominator of 0 is
// ErrEmptyDomain.
func RatioOf(in []bool, y, x []float64) Statistic {
	checkColumns(in, [][]float64{y, x})
	return func(w []float64) ([]float64, error) {
		t, _, err := sums(w, in, [][]float64{y, x})
		switch {
		case err != nil:
			return nil, err
		case t[1] == 0:
			return nil, ErrEmptyDomain
		}
		return []float64{t[0] / t[1]}, nil
	}
}

// QuantilesOf returns the weighted quantiles of y over the domain, as Quantile
// defines them. The jackknife does not give the variance of a quantile, however
// large the sample; take the bootstrap or balanced repeated replication.
func QuantilesOf(in []bool, y []float64, rule QuantileRule, probs ...float64) Statistic {
	checkColumns(in, [][]float64{y})
	order := make([]int, 0, len(y))
	for k := range y {
		if in == nil || in[k] {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(y[a], y[b]) })
	return func(w []float64) ([]float64, error) {
		checkWeightRows(w, len(y))
		used := make([]int, 0, len(order))
		for _, k := range order {
			switch {
			case w[k] == 0:
				continue
			case !(w[k] > 0):
				return nil, &stats.ValueError{What: "weight", Row: k, Value: w[k], Why: "is negative, and a quantile needs weights above 0"}
			case !stats.IsFinite(y[k]):
				return nil, &stats.ValueError{What: "value", Row: k, Value: y[k], Why: "is not finite"}
			}
			used = append(used, k)
		}
		if len(used) == 0 {
			return nil, ErrEmptyDomain
		}
		s := sorted(y, w, used)
		q := make([]float64, len(probs))
		for j, p := range probs {
			q[j] = s.at(p, rule)
		}
		return q, nil
	}
}

// Join puts the results of several statistics one after the other, so that
// their covariance can be estimated.
func Join(s ...Statistic) Statistic {
	return func(w []float64) ([]float64, error) {
		var all []float64
		for _, f := range s {
			v, err := f(w)
			if err != nil {
				return nil, err
			}
			all = append(all, v...)
		}
		return all, nil
	}
}

// sums returns \sum w y of each column and \sum w over the domain.
func sums(w []float64, in []bool, y [][]float64) (t []float64, all float64, err error) {
	for k, x := range w {
		if in == nil || in[k] {
			all += x
		}
	}
	t = make([]float64, len(y))
	for j, col := range y {
		checkWeightRows(w, len(col))
		s := 0.0
		for k, x := range w {
			if x != 0 && (in == nil || in[k]) {
				s += x * col[k]
			}
		}
		if !stats.IsFinite(s) {
			for k, x := range w {
				if x != 0 && (in == nil || in[k]) && !stats.IsFinite(col[k]) {
					return nil, 0, &stats.ValueError{What: "value", Row: k, Value: col[k], Why: "is not finite"}
				}
			}
		}
		t[j] = s
	}
	return t, all, nil
}

func checkColumns(in []bool, y [][]float64) {
	for j, col := range y {
		if len(col) != len(y[0]) || in != nil && len(in) != len(col) {
			panic(fmt.Sprintf("estimate: column %d of %d numbers, the first has %d and the domain %d", j, len(col), len(y[0]), len(in)))
		}
	}
}

func checkWeightRows(w []float64, n int) {
	if len(w) != n {
		panic(fmt.Sprintf("estimate: %d weights for a column of %d numbers", len(w), n))
	}
}

// Spread is Design.Spread: the covariance matrix of the columns y in the
// population, from the weights of the full sample.
func (r *Replicates) Spread(y [][]float64, in []bool) (*mat.SymDense, error) {
	return (&Design{w: r.full}).Spread(y, in)
}

// GroupTest is Design.GroupTest with the variance that the replicates give.
func (r *Replicates) GroupTest(y []float64, second, in []bool, level float64) (Test, error) {
	var part [2][]bool
	domain := make([]bool, len(r.full))
	for g := range part {
		part[g] = make([]bool, len(r.full))
	}
	for k, w := range r.full {
		if domain[k] = w != 0 && (in == nil || in[k]); domain[k] {
			part[int(indicator(second[k]))][k] = true
		}
	}
	e, err := r.Estimate(Join(MeansOf(part[0], y), MeansOf(part[1], y)))
	if err != nil {
		return Test{}, err
	}
	v := e.Cov.At(0, 0) + e.Cov.At(1, 1) - 2*e.Cov.At(0, 1)
	return NewTest(e.Value[1]-e.Value[0], math.Sqrt(max(0, v)), float64(r.DF(domain)-1), level)
}
