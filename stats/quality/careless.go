package quality

import (
	"math"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// LongString returns for each row the length of its longest run of equal
// answers to consecutive items, missing answers skipped; 0 when it answered
// nothing. Items have to be in the order in which they were asked, and not
// reversed: a straight line through items that point both ways is what gives
// itself away.
//
// It returns a *stats.ValueError for an infinite answer and panics when columns
// differ in length.
//
// See Johnson (2005), J. Res. Personality 39, 103-129.
func LongString(items [][]float64) ([]int, error) {
	n, err := checkItems(items)
	if err != nil {
		return nil, err
	}
	out := make([]int, n)
	for i := range out {
		last, run := math.NaN(), 0
		for _, x := range items {
			v := x[i]
			if math.IsNaN(v) {
				continue
			}
			if v == last {
				run++
			} else {
				last, run = v, 1
			}
			out[i] = max(out[i], run)
		}
	}
	return out, nil
}

// IRV returns for each row the standard deviation (n-1) of its answers, the
// intra-individual response variability: 0 for a straight line, large for
// answers at random. It is NaN for a row with fewer than two answers. The items
// share one scale and are not reversed.
//
// It returns a *stats.ValueError for an infinite answer and panics when columns
// differ in length.
//
// See Dunn, Heggestad, Shanock & Theilgard (2018), J. Bus. Psychol. 33, 105-121.
func IRV(items [][]float64) ([]float64, error) {
	n, err := checkItems(items)
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	for i := range out {
		m, mean := 0.0, 0.0
		for _, x := range items {
			if !math.IsNaN(x[i]) {
				m++
				mean += (x[i] - mean) / m
			}
		}
		ss := 0.0
		for _, x := range items {
			if !math.IsNaN(x[i]) {
				ss += (x[i] - mean) * (x[i] - mean)
			}
		}
		out[i] = math.NaN()
		if m >= 2 {
			out[i] = math.Sqrt(ss / (m - 1))
		}
	}
	return out, nil
}

// Distances are Mahalanobis distances with what they rest on.
type Distances struct {
	D2     []float64 // of each row
	P      []float64 // chance of a larger one under chi-square
	DF     int       // of the chi-square: the rank of the covariance matrix
	Pseudo bool      // the covariance matrix is singular; its pseudo-inverse was taken
	// Indefinite: covariances from different rows contradict each other, so that
	// some D2 may be negative. Fill in the missing answers before trusting them.
	Indefinite bool
}

// Mahalanobis returns the squared distance of each row from the means of the k
// items,
//
//	D2_i = (x_i - xbar)' S^- (x_i - xbar)
//
// and its chi-square p-value. The means and the covariances S are those of the
// rows that answered the item, or both items of the pair; a missing answer then
// counts as the mean and adds nothing. A singular S, as when an item is the sum
// of others, is replaced by its pseudo-inverse, whose rank is the degrees of
// freedom. Large distances are unusual combinations of answers: careless ones,
// and honest ones of unusual people.
//
// It returns a *ScaleError when fewer than two rows answered both items of a
// pair, a *stats.ValueError for an infinite answer, and panics when columns
// differ in length. No items or rows have no distances.
//
// See Meade & Craig (2012), Psychol. Methods 17, 437-455; it is outlier of the
// R package psych.
func Mahalanobis(items [][]float64) (Distances, error) {
	n, err := checkItems(items)
	if err != nil || n == 0 {
		return Distances{}, err
	}
	k := len(items)
	center := make([][]float64, k)
	for j, x := range items {
		m, mean := 0.0, 0.0
		for _, v := range x {
			if !math.IsNaN(v) {
				m++
				mean += (v - mean) / m
			}
		}
		center[j] = make([]float64, n)
		for i, v := range x {
			center[j][i] = v - mean
		}
	}
	s := mat.NewSymDense(k, nil)
	for a := range k {
		for b := range a + 1 {
			c, ok := pairwise(center[a], center[b])
			if !ok {
				return Distances{}, &ScaleError{Item: a, N: n, K: k, Why: "was answered together with an earlier item by fewer than two rows"}
			}
			s.SetSym(a, b, c)
		}
	}
	d := Distances{D2: make([]float64, n), P: make([]float64, n)}
	inv, ok := d.inverse(s, k)
	if !ok {
		return Distances{}, &ScaleError{Item: -1, N: n, K: k, Why: "the covariances of the items cannot be inverted"}
	}
	chi := distuv.ChiSquared{K: float64(d.DF)}
	x := make([]float64, k)
	for i := range n {
		for j := range k {
			x[j] = center[j][i]
			if math.IsNaN(x[j]) {
				x[j] = 0
			}
		}
		for a := range k {
			row := 0.0
			for b := range k {
				row += inv[a*k+b] * x[b]
			}
			d.D2[i] += row * x[a]
		}
		d.P[i] = 1
		if d.D2[i] > 0 && d.DF > 0 {
			d.P[i] = chi.Survival(d.D2[i])
		}
	}
	return d, nil
}

// pairwise is the covariance of the rows that have both; ok is false for fewer
// than two.
func pairwise(a, b []float64) (c float64, ok bool) {
	m, ma, mb := 0.0, 0.0, 0.0
	for i := range a {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			m++
			ma += (a[i] - ma) / m
			mb += (b[i] - mb) / m
		}
	}
	for i := range a {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			c += (a[i] - ma) * (b[i] - mb)
		}
	}
	return c / (m - 1), m >= 2 && stats.IsFinite(c)
}

// inverse returns the inverse of s, or its pseudo-inverse, by eigenvectors
// after scaling the items to variance 1, row by row.
func (d *Distances) inverse(s *mat.SymDense, k int) ([]float64, bool) {
	scale := make([]float64, k) // 1 / SD, 0 for an item that does not vary
	r := mat.NewSymDense(k, nil)
	for a := range k {
		if v := s.At(a, a); v > 0 {
			scale[a] = 1 / math.Sqrt(v)
		}
		for b := range a + 1 {
			r.SetSym(a, b, s.At(a, b)*scale[a]*scale[b])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(r, true) {
		return nil, false
	}
	values := e.Values(nil)
	top := 0.0
	for _, l := range values {
		top = max(top, math.Abs(l))
	}
	var v mat.Dense
	e.VectorsTo(&v)
	inv := make([]float64, k*k)
	for t, l := range values {
		if math.Abs(l) <= 1e-12*top {
			d.Pseudo = true
			continue
		}
		d.DF++
		d.Indefinite = d.Indefinite || l < 0
		for a := range k {
			for b := range k {
				inv[a*k+b] += v.At(a, t) * v.At(b, t) / l * scale[a] * scale[b]
			}
		}
	}
	return inv, true
}

// Speed returns each duration over the median of all, so that 1 is usual and
// 0.3 is three times as fast. NaN is a duration that is not known. It returns a
// *stats.ValueError for a duration that is negative or infinite, or when the
// median is 0; no durations have no ratios.
//
// See Greszki, Meyer & Schoen (2015), Public Opin. Q. 79, 471-503.
func Speed(duration []float64) (ratio []float64, median float64, err error) {
	var known []float64
	for i, v := range duration {
		switch {
		case math.IsInf(v, 0):
			return nil, 0, &stats.ValueError{What: "duration", Row: i, Value: v, Why: "is not finite"}
		case v < 0:
			return nil, 0, &stats.ValueError{What: "duration", Row: i, Value: v, Why: "is negative"}
		case v >= 0:
			known = append(known, v)
		}
	}
	median = stats.Median(known)
	if median == 0 {
		return nil, 0, &stats.ValueError{What: "median duration", Row: -1, Value: 0, Why: "is zero"}
	}
	ratio = make([]float64, len(duration))
	for i, v := range duration {
		ratio[i] = v / median
	}
	return ratio, median, nil
}
