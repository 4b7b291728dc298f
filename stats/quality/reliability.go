// Package quality asks whether answers can be believed: whether a scale
// measures one thing, which rows look careless or copied, whether figures were
// invented, and how much of the spread belongs to the interviewers. It only
// ever raises a question about a row; nothing here removes one.
//
// Items are columns: items[j][i] is the answer of row i to item j, and NaN is a
// missing answer.
package quality

import (
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/estimate"

	"gonum.org/v1/gonum/mathext"
)

// Reliability is how far the sum of some items is free of noise.
type Reliability struct {
	N, K      int               // complete rows, items
	Alpha     float64           // Cronbach's, from covariances
	StdAlpha  float64           // of standardised items, from correlations
	MeanR     float64           // mean correlation of two items
	Feldt     estimate.Interval // of Alpha
	IfDropped []float64         // Alpha of the other items, item by item
	ItemRest  []float64         // correlation of the item with the sum of the others
	Mean, SD  []float64         // of each item
}

// ScaleError says why a set of items has no reliability.
type ScaleError struct {
	Item int // 0-based, or -1 when it is not one item's fault
	N, K int // complete rows, items
	Why  string
}

// Error names the item, counted from 0, and what is wrong.
func (e *ScaleError) Error() string {
	if e.Item >= 0 {
		return fmt.Sprintf("quality: item %d %s (%d complete rows)", e.Item, e.Why, e.N)
	}
	return fmt.Sprintf("quality: %s (%d items, %d complete rows)", e.Why, e.K, e.N)
}

// Reverse turns an item round that was asked the other way: lo + hi - x. It has
// to be done before anything that adds items up. Missing stays missing.
func Reverse(x []float64, lo, hi float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = lo + hi - v
	}
	return out
}

// Cronbach returns the reliability of k items over the rows that answered all
// of them,
//
//	alpha     = k/(k-1) (1 - \sum_j s_j^2 / s_T^2)
//	std alpha = k rbar / (1 + (k-1) rbar)
//
// with s_j^2 the variance of item j, s_T^2 that of the sum, and Feldt's interval
//
//	1 - (1 - alpha) F_{p; n-1, (n-1)(k-1)},  p = (1 + level)/2 and (1 - level)/2
//
// Alpha supposes that all items point the same way, so reverse the others
// first. It is a lower bound of the reliability when the items measure one
// thing, and no proof that they do. The interval takes the rows as independent
// and the answers as normal; it is too narrow for a cluster sample.
//
// It returns a *ScaleError for fewer than three items or two complete rows, for
// an item that does not vary and for a sum that does not, and a
// *stats.ValueError for an infinite answer or a level outside (0, 1). It panics
// when columns differ in length.
//
// See Cronbach (1951), Psychometrika 16, 297-334; Feldt (1965), Psychometrika
// 30, 357-370; it is alpha of the R package psych.
func Cronbach(items [][]float64, level float64) (Reliability, error) {
	if !(level > 0 && level < 1) {
		return Reliability{}, &stats.ValueError{What: "level", Row: -1, Value: level, Why: "is not between 0 and 1"}
	}
	rows, err := completeRows(items)
	if err != nil {
		return Reliability{}, err
	}
	k, n := len(items), len(rows)
	switch {
	case k < 3:
		return Reliability{}, &ScaleError{Item: -1, N: n, K: k, Why: "a scale needs three items"}
	case n < 2:
		return Reliability{}, &ScaleError{Item: -1, N: n, K: k, Why: "a scale needs two rows that answer all items"}
	}
	r := Reliability{N: n, K: k, Mean: make([]float64, k), SD: make([]float64, k)}
	c := covariance(items, rows, r.Mean)
	row := make([]float64, k) // sums of the rows of c
	diag, all := 0.0, 0.0
	for i := range k {
		for j := range k {
			row[i] += c[i*k+j]
		}
		v := c[i*k+i]
		if !(v > 0) || !stats.IsFinite(v) {
			return Reliability{}, &ScaleError{Item: i, N: n, K: k, Why: "does not vary"}
		}
		r.SD[i] = math.Sqrt(v)
		diag += v
		all += row[i]
	}
	if !(all > 1e-13*diag) {
		return Reliability{}, &ScaleError{Item: -1, N: n, K: k, Why: "the sum of the items does not vary"}
	}
	r.Alpha = alpha(k, diag, all)
	for i := range k {
		v := c[i*k+i]
		for j := range i {
			r.MeanR += c[i*k+j] / (r.SD[i] * r.SD[j])
		}
		restVar := all - 2*row[i] + v
		r.IfDropped = append(r.IfDropped, alpha(k-1, diag-v, restVar))
		r.ItemRest = append(r.ItemRest, (row[i]-v)/math.Sqrt(v*restVar))
	}
	r.MeanR /= float64(k*(k-1)) / 2
	r.StdAlpha = float64(k) * r.MeanR / (1 + float64(k-1)*r.MeanR)
	d1 := float64(n - 1)
	d2 := d1 * float64(k-1)
	r.Feldt = estimate.Interval{
		Lower: 1 - (1-r.Alpha)*fQuantile((1+level)/2, d1, d2),
		Upper: 1 - (1-r.Alpha)*fQuantile((1-level)/2, d1, d2),
	}
	return r, nil
}

// alpha is NaN when the sum does not vary.
func alpha(k int, diag, all float64) float64 {
	if !(all > 0) {
		return math.NaN()
	}
	return float64(k) / float64(k-1) * (1 - diag/all)
}

// fQuantile is that of the F distribution, through the beta distribution.
func fQuantile(p, d1, d2 float64) float64 {
	x := stats.BetaQuantile(p, d1/2, d2/2)
	return d2 * x / (d1 * (1 - x))
}

// fSurvival is P(F > x), to full relative precision in the tail.
func fSurvival(x, d1, d2 float64) float64 {
	switch {
	case math.IsInf(x, 1):
		return 0
	case !(x > 0):
		return 1
	}
	return mathext.RegIncBeta(d2/2, d1/2, d2/(d2+d1*x))
}

// completeRows returns the rows with an answer to every item, and refuses
// infinite answers.
func completeRows(items [][]float64) ([]int, error) {
	n, err := checkItems(items)
	if err != nil {
		return nil, err
	}
	var rows []int
row:
	for i := range n {
		for _, x := range items {
			if math.IsNaN(x[i]) {
				continue row
			}
		}
		rows = append(rows, i)
	}
	return rows, nil
}

// checkItems returns the number of rows.
func checkItems(items [][]float64) (int, error) {
	if len(items) == 0 {
		return 0, nil
	}
	n := len(items[0])
	for j, x := range items {
		if len(x) != n {
			panic(fmt.Sprintf("quality: item %d has %d rows and item 0 has %d", j, len(x), n))
		}
		for i, v := range x {
			if math.IsInf(v, 0) {
				return 0, &stats.ValueError{What: fmt.Sprintf("item %d", j), Row: i, Value: v, Why: "is not finite"}
			}
		}
	}
	return n, nil
}

// covariance returns the covariances (n-1) of the items over the rows, row by
// row, and fills their means.
func covariance(items [][]float64, rows []int, mean []float64) []float64 {
	k := len(items)
	c := make([]float64, k*k)
	for j, x := range items {
		for _, i := range rows {
			mean[j] += x[i] / float64(len(rows))
		}
	}
	d := make([]float64, k)
	for _, i := range rows {
		for j, x := range items {
			d[j] = x[i] - mean[j]
			for l := range j + 1 {
				c[j*k+l] += d[j] * d[l]
			}
		}
	}
	for j := range k {
		for l := range j + 1 {
			c[j*k+l] /= float64(len(rows) - 1)
			c[l*k+j] = c[j*k+l]
		}
	}
	return c
}

// WeightedAlpha returns Cronbach's alpha of the population, estimated under the
// design d from the rows that answered all items, within the domain in (nil:
// all rows). Its value is
//
//	k/(k-1) (1 - \sum_j v_j / v_T),  v = \sum w (x - xbar)^2 / \sum w
//
// which is svycralpha of the R package survey, and its linearised score lets
// d.Estimate give a standard error that allows for clusters and strata,
//
//	u = k/(k-1) (S u_T / T^2 - u_S / T),  u_v = ((x - xbar)^2 - v) / \sum w
//
// It returns the errors of Cronbach, and those of d.Mean for a domain without
// weight.
func WeightedAlpha(d *estimate.Design, items [][]float64, in []bool) (estimate.Linear, error) {
	rows, err := completeRows(items)
	if err != nil {
		return estimate.Linear{}, err
	}
	k := len(items)
	if k < 3 {
		return estimate.Linear{}, &ScaleError{Item: -1, N: len(rows), K: k, Why: "a scale needs three items"}
	}
	n := len(items[0])
	if in != nil && len(in) != n {
		panic(fmt.Sprintf("quality: domain of %d rows for %d", len(in), n))
	}
	domain, total := make([]bool, n), make([]float64, n)
	for _, i := range rows {
		domain[i] = in == nil || in[i]
		for _, x := range items {
			total[i] += x[i]
		}
	}
	var diag, all estimate.Linear
	for j := range k + 1 {
		x := total
		if j < k {
			x = items[j]
		}
		v, err := variance(d, x, domain)
		switch {
		case err != nil:
			return estimate.Linear{}, err
		case j < k && !(v.Value > 0):
			return estimate.Linear{}, &ScaleError{Item: j, N: v.N, K: k, Why: "does not vary"}
		case j == 0:
			diag = v
		case j < k:
			diag = estimate.Contrast([]float64{1, 1}, diag, v)
		default:
			all = v
		}
	}
	if !(all.Value > 1e-13*diag.Value) {
		return estimate.Linear{}, &ScaleError{Item: -1, N: all.N, K: k, Why: "the sum of the items does not vary"}
	}
	f := float64(k) / float64(k-1)
	a := estimate.Contrast([]float64{-f / all.Value, f * diag.Value / (all.Value * all.Value)}, diag, all)
	a.Value = alpha(k, diag.Value, all.Value)
	a.N, a.SumW = all.N, all.SumW
	return a, nil
}

// variance is the weighted variance of x over the domain: the mean of the
// squared distances from the mean, whose own error adds nothing to first order.
func variance(d *estimate.Design, x []float64, domain []bool) (estimate.Linear, error) {
	m, err := d.Mean(x, domain)
	if err != nil {
		return estimate.Linear{}, err
	}
	sq := make([]float64, len(x))
	for i, v := range x {
		if domain[i] {
			sq[i] = (v - m.Value) * (v - m.Value)
		}
	}
	return d.Mean(sq, domain)
}
