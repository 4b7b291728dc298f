package estimate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"
	"chengyin/stats/weighting"

	"gonum.org/v1/gonum/mat"
)

// Replicates are a sample with replicate weights: R further sets of weights,
// made by leaving out or drawing again some of its units, whose estimates
// scatter as the estimate itself would from sample to sample,
//
//	V = scale \sum_r rscale_r (\theta_r - c)(\theta_r - c)'
//
// where c is the mean of the \theta_r with rscale_r > 0, or with MSE the estimate
// from the full sample. They give a variance to any statistic that is a function
// of the weights, and a weighting repeated in every replicate is accounted for.
// Replicates are read-only once made.
//
// See Wolter (2007), Introduction to Variance Estimation, chapters 3 to 5.
type Replicates struct {
	full    []float64
	weight  func(r int, w []float64) // fills in the weights of replicate r
	scale   float64
	rscales []float64
	mse     bool
	design  *Design // whose degrees of freedom count; nil for given weights
	df      int
}

// ReplicateSpec describes replicate weights that come with the data.
type ReplicateSpec struct {
	Weight    []float64   // of the full sample, one per row, >= 0
	Replicate [][]float64 // the R sets of replicate weights, each one per row
	Factors   bool        // Replicate are factors of Weight instead of weights
	Scale     float64     // > 0: see BRRScale, FayScale, BootstrapScale
	RScales   []float64   // one per replicate, >= 0; nil: 1
	MSE       bool
	Design    *Design // for the degrees of freedom; nil: the rank of the replicate weights less 1
}

// NewReplicates takes given replicate weights. It panics when there are no
// replicates or lengths differ, and returns a *stats.ValueError for a number
// that is not finite, a full weight or rscale that is negative or a scale that
// is not above 0.
func NewReplicates(s ReplicateSpec) (*Replicates, error) {
	n := len(s.Replicate)
	if n == 0 || s.RScales != nil && len(s.RScales) != n {
		panic(fmt.Sprintf("estimate: %d replicates and %d scales", n, len(s.RScales)))
	}
	if s.Design != nil {
		s.Design.checkRows("weights", len(s.Weight), false)
	}
	if err := stats.CheckWeights("weight", s.Weight); err != nil {
		return nil, err
	}
	if !(s.Scale > 0) || math.IsInf(s.Scale, 1) {
		return nil, &stats.ValueError{What: "scale of the replicates", Row: -1, Value: s.Scale, Why: "is not above 0"}
	}
	rscales := slices.Clone(s.RScales)
	if rscales == nil {
		rscales = slices.Repeat([]float64{1}, n)
	}
	if err := stats.CheckWeights("scale of a replicate", rscales); err != nil {
		return nil, err
	}
	given := make([][]float64, n)
	for r, w := range s.Replicate {
		if len(w) != len(s.Weight) {
			panic(fmt.Sprintf("estimate: replicate %d has %d weights for %d rows", r, len(w), len(s.Weight)))
		}
		if err := stats.CheckFinite(fmt.Sprintf("weight in replicate %d", r), w); err != nil {
			return nil, err
		}
		given[r] = slices.Clone(w)
		if s.Factors {
			for k := range w {
				given[r][k] *= s.Weight[k]
			}
		}
	}
	out := &Replicates{full: slices.Clone(s.Weight), scale: s.Scale, rscales: rscales, mse: s.MSE, design: s.Design,
		weight: func(r int, w []float64) { copy(w, given[r]) }}
	if s.Design != nil {
		out.df = s.Design.df
	} else {
		out.df = rank(given) - 1
	}
	return out, nil
}

// rank returns the number of linearly independent sets of weights.
func rank(sets [][]float64) int {
	n := len(sets)
	m := make([]float64, n*n)
	for i := range sets {
		for j := range i + 1 {
			s := 0.0
			for k, x := range sets[i] {
				s += x * sets[j][k]
			}
			m[i*n+j], m[j*n+i] = s, s
		}
	}
	return weighting.NewNormal(m, n).Rank()
}

// BRRScale returns the scale of balanced repeated replication, 1/R.
//
// See McCarthy (1969), Rev. Int. Stat. Inst. 37, 239-264.
func BRRScale(replicates int) float64 { return 1 / float64(replicates) }

// FayScale returns the scale of Fay's balanced repeated replication with factors
// rho and 2 - rho in the place of 0 and 2, 1/(R (1-rho)^2).
//
// See Judkins (1990), J. Off. Stat. 6, 223-239.
func FayScale(replicates int, rho float64) float64 {
	return 1 / (float64(replicates) * (1 - rho) * (1 - rho))
}

// BootstrapScale returns the scale of bootstrap replicates, 1/(R-1), which is
// only defined for R > 1.
//
// See Rao, Wu & Yue (1992), Surv. Methodol. 18, 209-217.
func BootstrapScale(replicates int) float64 { return 1 / float64(replicates-1) }

// Count returns the number R of replicates.
func (r *Replicates) Count() int { return len(r.rscales) }

// Rows returns the number of rows.
func (r *Replicates) Rows() int { return len(r.full) }

// Scales returns the scale and a copy of the scales of the replicates.
func (r *Replicates) Scales() (scale float64, rscales []float64) {
	return r.scale, slices.Clone(r.rscales)
}

// Weights returns a copy of the weights of the full sample.
func (r *Replicates) Weights() []float64 { return slices.Clone(r.full) }

// ReplicateWeights returns the weights of replicate i, counted from 0.
func (r *Replicates) ReplicateWeights(i int) []float64 {
	w := make([]float64, len(r.full))
	r.weight(i, w)
	return w
}

// DF returns the degrees of freedom of the domain, those of the design the
// replicates were made from: PSUs less strata. Where no design is known they
// are, for all domains, the number of independent replicates less 1.
func (r *Replicates) DF(in []bool) int {
	if r.design == nil {
		return r.df
	}
	return r.design.DF(in)
}

// Statistic is a function of the weights of all rows with one or more results.
// It must not change or keep the weights. A result of NaN and ErrEmptyDomain
// say that the statistic does not exist for these weights.
type Statistic func(w []float64) ([]float64, error)

// ReplicateError says in which replicate a computation failed, counted from 0,
// and why.
type ReplicateError struct {
	Replicate int
	Err       error
}

// Error names the replicate and the reason.
func (e *ReplicateError) Error() string {
	return fmt.Sprintf("estimate: replicate %d: %v", e.Replicate, e.Err)
}

// Unwrap returns the reason.
func (e *ReplicateError) Unwrap() error { return e.Err }

// ReplicateEstimate is what a statistic amounts to with replicate weights.
type ReplicateEstimate struct {
	Value []float64     // from the full sample
	Cov   *mat.SymDense // covariance matrix of the values
	// Theta are the results of the replicates for which the statistic exists,
	// and Dropped counts the others: a domain, for example, whose only PSU a
	// replicate leaves out. They count for nothing.
	Theta   [][]float64
	Dropped int
	DF      int // of the whole design
}

// SE returns the standard error of value j.
func (e ReplicateEstimate) SE(j int) float64 { return math.Sqrt(e.Cov.At(j, j)) }

// Interval returns the t interval of value j; errors and panics are those of
// TInterval.
func (e ReplicateEstimate) Interval(j int, level float64) (Interval, error) {
	return TInterval(e.Value[j], e.SE(j), float64(e.DF), level)
}

// Percentile returns the percentile interval of value j, the quantiles (1-level)/2
// and (1+level)/2 of its replicates by rule HF7. It is meant for bootstrap
// replicates, of which it takes some 500. It panics when the level is not
// between 0 and 1.
func (e ReplicateEstimate) Percentile(j int, level float64) Interval {
	checkLevel(level)
	x, w := make([]float64, len(e.Theta)), make([]float64, len(e.Theta))
	for r, t := range e.Theta {
		x[r], w[r] = t[j], 1
	}
	s, err := newSteps(x, w, nil)
	if err != nil {
		panic("estimate: " + err.Error()) // Estimate keeps finite results only
	}
	return Interval{s.at((1-level)/2, HF7), s.at((1+level)/2, HF7)}
}

// Estimate computes a statistic from the full sample and from every replicate.
// It returns the error of the statistic for the full sample, ErrEmptyDomain when
// it does not exist there or in none of the replicates that count, and a
// *ReplicateError for any other failure in a replicate. It panics when the
// number of results changes.
func (r *Replicates) Estimate(s Statistic) (ReplicateEstimate, error) {
	value, err := s(r.full)
	if err != nil {
		return ReplicateEstimate{}, err
	}
	if !finite(value) {
		return ReplicateEstimate{}, ErrEmptyDomain
	}
	p := len(value)
	if p == 0 {
		panic("estimate: statistic without a result")
	}
	e := ReplicateEstimate{Value: slices.Clone(value), DF: r.df, Cov: mat.NewSymDense(p, nil)}
	w, scales := make([]float64, len(r.full)), make([]float64, 0, len(r.rscales))
	for i, scale := range r.rscales {
		r.weight(i, w)
		theta, err := s(w)
		if err != nil && !errors.Is(err, ErrEmptyDomain) {
			return ReplicateEstimate{}, &ReplicateError{Replicate: i, Err: err}
		}
		if err != nil || !finite(theta) {
			e.Dropped++
			continue
		}
		if len(theta) != p {
			panic(fmt.Sprintf("estimate: statistic has %d results instead of %d", len(theta), p))
		}
		e.Theta, scales = append(e.Theta, slices.Clone(theta)), append(scales, scale)
	}
	if len(e.Theta) == 0 {
		return ReplicateEstimate{}, ErrEmptyDomain
	}
	c := e.Value
	if !r.mse {
		c = mean(e.Theta, scales, p)
	}
	for i, theta := range e.Theta {
		for a := range p {
			x := r.scale * scales[i] * (theta[a] - c[a])
			for b := a; b < p; b++ {
				e.Cov.SetSym(a, b, e.Cov.At(a, b)+x*(theta[b]-c[b]))
			}
		}
	}
	return e, nil
}

// mean returns the means of the p results over the replicates that count, in
// two passes.
func mean(theta [][]float64, scales []float64, p int) []float64 {
	c := make([]float64, p)
	for range 2 {
		off, n := make([]float64, p), 0.0
		for i, t := range theta {
			if scales[i] > 0 {
				n++
				for j := range off {
					off[j] += t[j] - c[j]
				}
			}
		}
		for j := range c {
			if n > 0 {
				c[j] += off[j] / n
			}
		}
	}
	return c
}

func finite(v []float64) bool {
	for _, x := range v {
		if !stats.IsFinite(x) {
			return false
		}
	}
	return true
}

// Rake returns the replicates with the weights of the full sample and those of
// every replicate raked to the margins, as Design.Rake does, so that the
// variance accounts for the raking. It returns the report of the full sample.
// Refusals are those of weighting.RakeClasses; in a replicate they come as a
// *ReplicateError, when a category lives in a single PSU, for example.
func (r *Replicates) Rake(class []int, cat [][]int, margins []weighting.Margin, opt weighting.Options) (*Replicates, weighting.Report, error) {
	full, rep, err := weighting.Rake(r.full, class, cat, margins, opt)
	if err != nil {
		return nil, rep, err
	}
	factor := make([][]float64, r.Count())
	w := make([]float64, len(r.full))
	for i := range factor {
		r.weight(i, w)
		if err := stats.CheckWeights("replicate weight", w); err != nil {
			return nil, rep, &ReplicateError{Replicate: i, Err: err}
		}
		sum := make([]float64, len(cat))
		for k, c := range class {
			sum[c] += w[k]
		}
		if factor[i], _, err = weighting.RakeClasses(sum, cat, margins, opt); err != nil {
			return nil, rep, &ReplicateError{Replicate: i, Err: err}
		}
	}
	out := *r
	out.full = full
	class = slices.Clone(class)
	before := r.weight
	out.weight = func(i int, w []float64) {
		before(i, w)
		for k, c := range class {
			w[k] *= factor[i][c]
		}
	}
	return &out, rep, nil
}

// Calibrate is Rake for auxiliaries: it calibrates the weights of the full
// sample and of every replicate by weighting.Calibrate.
func (r *Replicates) Calibrate(x [][]float64, totals []float64, opt weighting.CalibrateOptions) (*Replicates, weighting.Report, error) {
	full, rep, err := weighting.Calibrate(r.full, x, totals, opt)
	if err != nil {
		return nil, rep, err
	}
	sets := make([][]float64, r.Count())
	for i := range sets {
		if sets[i], _, err = weighting.Calibrate(r.ReplicateWeights(i), x, totals, opt); err != nil {
			return nil, rep, &ReplicateError{Replicate: i, Err: err}
		}
	}
	out := *r
	out.full = full
	out.weight = func(i int, w []float64) { copy(w, sets[i]) }
	return &out, rep, nil
}
