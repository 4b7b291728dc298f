package driver

import (
	"fmt"
	"math"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// Correlations are those of some variables over the rows that have all of them.
type Correlations struct {
	N int           // rows used: every variable answered, weight > 0
	R *mat.SymDense // in the order of the variables
}

// VarianceError says that a variable has no variance, so that it has no
// correlation with any other.
type VarianceError struct {
	Variable int // 0-based
	N        int // rows used
}

// Error names the variable, counted from 0.
func (e *VarianceError) Error() string {
	return fmt.Sprintf("driver: variable %d does not vary over the %d complete rows", e.Variable, e.N)
}

// Correlate returns the correlations of the variables x, given column by column,
// under the weights w, one for each row (nil: all equal),
//
//	r_ij = \sum_k w_k (x_ki - xbar_i)(x_kj - xbar_j) / sqrt(...)
//
// where xbar is the weighted mean. A NaN is a missing answer; rows with any are
// left out. With design weights these are design-consistent estimates of the
// correlations in the population; it is cov.wt(x, wt, cor = TRUE) of R.
//
// It returns a *stats.ValueError for an infinite answer or a bad weight and a
// *VarianceError for a variable that does not vary, and panics when columns or
// weights differ in length.
func Correlate(x [][]float64, w []float64) (Correlations, error) {
	complete, err := completeRows(x, w)
	if err != nil {
		return Correlations{}, err
	}
	return correlate(x, w, complete)
}

// completeRows returns the rows that have all variables and checks the numbers.
func completeRows(x [][]float64, w []float64) ([]int, error) {
	if len(x) == 0 {
		return nil, nil
	}
	n := len(x[0])
	for j, col := range x {
		if len(col) != n {
			panic(fmt.Sprintf("driver: variable %d has %d rows and variable 0 has %d", j, len(col), n))
		}
		for i, v := range col {
			if math.IsInf(v, 0) {
				return nil, &stats.ValueError{What: fmt.Sprintf("variable %d", j), Row: i, Value: v, Why: "is not finite"}
			}
		}
	}
	if w != nil {
		if len(w) != n {
			panic(fmt.Sprintf("driver: %d weights for %d rows", len(w), n))
		}
		if err := stats.CheckWeights("weight", w); err != nil {
			return nil, err
		}
	}
	var rows []int
row:
	for i := range n {
		for _, col := range x {
			if math.IsNaN(col[i]) {
				continue row
			}
		}
		rows = append(rows, i)
	}
	return rows, nil
}

// correlate takes the means first, so that no digits cancel.
func correlate(x [][]float64, w []float64, rows []int) (Correlations, error) {
	p := len(x)
	if p == 0 {
		return Correlations{R: &mat.SymDense{}}, nil
	}
	weight := func(i int) float64 {
		if w == nil {
			return 1
		}
		return w[i]
	}
	c := Correlations{R: mat.NewSymDense(p, nil)}
	top := 0.0 // weights are scaled by the largest, so that no sum overflows
	for _, i := range rows {
		if v := weight(i); v > 0 {
			c.N++
			top = max(top, v)
		}
	}
	mean, scale := make([]float64, p), make([]float64, p)
	sum := 0.0
	for _, i := range rows {
		sum += weight(i) / top
	}
	for j, col := range x {
		for _, i := range rows {
			if weight(i) > 0 {
				mean[j] += weight(i) / top / sum * col[i]
			}
		}
		for _, i := range rows {
			if weight(i) > 0 {
				scale[j] = max(scale[j], math.Abs(col[i]-mean[j]))
			}
		}
		if !(scale[j] > 1e-13*math.Abs(mean[j])) || math.IsInf(scale[j], 1) {
			return Correlations{}, &VarianceError{Variable: j, N: c.N}
		}
	}
	d := make([]float64, p)
	sums := make([]float64, p*p)
	for _, i := range rows {
		v := weight(i) / top
		if v == 0 {
			continue
		}
		for j, col := range x {
			d[j] = (col[i] - mean[j]) / scale[j]
			for k := range j + 1 {
				sums[j*p+k] += v * d[j] * d[k]
			}
		}
	}
	for j := range p {
		for k := range j {
			r := sums[j*p+k] / math.Sqrt(sums[j*p+j]*sums[k*p+k])
			c.R.SetSym(j, k, max(-1, min(1, r)))
		}
		c.R.SetSym(j, j, 1)
	}
	return c, nil
}

// Replicates are weights that stand for other samples that might have been
// drawn: a jackknife or a bootstrap of the design.
type Replicates struct {
	Weights [][]float64 // a column of weights, one for each row, per replicate
	Scale   float64
	RScales []float64 // one for each replicate; nil: all 1
	MSE     bool      // around the full estimate instead of the replicates' mean
}

// Drivers are shares with their precision.
type Drivers struct {
	Shares
	N  int       // rows used
	SE []float64 // of Percent, in points; nil without replicates
	DF int       // replicates that entered the variance, less 1
}

// ReplicateError says which replicate gave no answer.
type ReplicateError struct {
	Replicate int
	Err       error
}

// Error names the replicate, counted from 0, and the reason.
func (e *ReplicateError) Error() string {
	return fmt.Sprintf("driver: replicate %d: %v", e.Replicate, e.Err)
}

// Unwrap returns the reason.
func (e *ReplicateError) Unwrap() error { return e.Err }

// FromRows divides R2 of the regression of the last column of x on the columns
// before it over the rows, weighted by w (nil: all equal), by the method given.
// Missing answers are NaN and leave their row out. With replicate weights,
//
//	SE_j^2 = scale \sum_r rscale_r (share_rj - c_j)^2
//
// where c is the mean over the replicates with rscale > 0, or the share itself
// with MSE; rep may be nil. The rows with a replicate weight of 0 are not in
// that replicate.
//
// It returns the errors of Correlate and FromCorrelations, a *ReplicateError
// around one of them for a replicate, and a *stats.ValueError for a scale that
// is negative or not finite. It panics for lengths that differ.
//
// See Wolter (2007), Introduction to Variance Estimation, 2nd ed., ch. 4; it is
// withReplicates of the R package survey.
func FromRows(x [][]float64, w []float64, m Method, rep *Replicates) (Drivers, error) {
	if len(x) < 2 {
		return Drivers{}, &ItemsError{Items: max(len(x)-1, 0), Min: 1, Max: MaxItems}
	}
	rows, err := completeRows(x, w)
	if err != nil {
		return Drivers{}, err
	}
	full, n, err := split(x, w, rows, m)
	if err != nil {
		return Drivers{}, err
	}
	d := Drivers{Shares: full, N: n}
	if rep == nil {
		return d, nil
	}
	if rep.RScales != nil && len(rep.RScales) != len(rep.Weights) {
		panic(fmt.Sprintf("driver: %d scales for %d replicates", len(rep.RScales), len(rep.Weights)))
	}
	if err := stats.CheckWeights("scale", append([]float64{rep.Scale}, rep.RScales...)); err != nil {
		return Drivers{}, err
	}
	err = d.errors(x, rows, m, rep)
	return d, err
}

func split(x [][]float64, w []float64, rows []int, m Method) (Shares, int, error) {
	c, err := correlate(x, w, rows)
	if err != nil {
		return Shares{}, 0, err
	}
	s, err := FromCorrelations(c.R, m)
	return s, c.N, err
}

// errors fills SE from the replicates.
func (d *Drivers) errors(x [][]float64, rows []int, m Method, rep *Replicates) error {
	rscale := func(r int) float64 {
		if rep.RScales == nil {
			return 1
		}
		return rep.RScales[r]
	}
	p := len(d.Percent)
	theta := make([][]float64, len(rep.Weights))
	center := make([]float64, p)
	used := 0
	for r, w := range rep.Weights {
		if len(w) != len(x[0]) {
			panic(fmt.Sprintf("driver: replicate %d has %d weights for %d rows", r, len(w), len(x[0])))
		}
		if rscale(r) == 0 {
			continue
		}
		if err := stats.CheckWeights("replicate weight", w); err != nil {
			return &ReplicateError{Replicate: r, Err: err}
		}
		s, _, err := split(x, w, rows, m)
		if err != nil {
			return &ReplicateError{Replicate: r, Err: err}
		}
		theta[r] = s.Percent
		used++
		for j, v := range s.Percent {
			center[j] += v
		}
	}
	d.SE = make([]float64, p)
	d.DF = max(used-1, 0)
	for j := range d.SE {
		c := center[j] / float64(used)
		if rep.MSE {
			c = d.Percent[j]
		}
		v := 0.0
		for r, t := range theta {
			if t != nil {
				v += rscale(r) * (t[j] - c) * (t[j] - c)
			}
		}
		d.SE[j] = math.Sqrt(rep.Scale * v)
		if used == 0 {
			d.SE[j] = math.NaN()
		}
	}
	return nil
}
