package smallarea

import (
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// RateInput is what a table of smoothed rates is made from. All slices have one
// entry per area.
type RateInput struct {
	Names  []string
	Direct []float64 // weighted direct rates; not read where N is 0
	N      []int     // answers behind them, 0 for an area nobody answered in
	// X are the covariates of the areas, the 1 of an intercept among them. A
	// rate of self-selected answers is a good one: the regression absorbs their
	// bias instead of adding them to the sample. It should rest on many answers
	// or be the same for areas without: its own error is not accounted for.
	X          [][]float64
	Covariates []string // names of the columns of X, for messages
	// Rate and Deff are the rate P of the whole sample and its design effect
	// against drawing with replacement (estimate.Estimate.DeffReplace), from
	// which come the sampling variances D = Deff P(1-P)/n.
	Rate, Deff float64
	Method     Method
	Benchmark  *Target // nil: none
	Level      float64 // of the intervals; 0 is 0.95
}

// Target is a figure the rates are made to agree with.
type Target struct {
	Kind   Adjustment
	Weight []float64 // of each area, people or sums of weights
	// Value is the published figure. NaN stands for the mean of the direct
	// rates, with Weight, over the areas that have one; then only these areas
	// enter the adjustment's factor or difference.
	Value float64
}

// RateTable is a table of smoothed rates.
type RateTable struct {
	Model  *Model
	Target float64 // what the rates were made to agree with; NaN without a benchmark
	Rows   []RateRow
}

// RateRow is one area of the table. Show the direct rate, the smoothed one and
// Gamma side by side.
type RateRow struct {
	Name string
	N    int
	Area         // of the model, not adjusted
	Rate float64 // the figure to publish: Estimate adjusted to the benchmark, cut to [0, 1]
	// Interval is Rate +- z RMSE, cut to [0, 1].
	Interval estimate.Interval
	Flags    []Flag
}

// SmoothRates makes the table of smoothed rates of small areas: sampling
// variances from the rate and design effect of the whole sample, the
// Fay-Herriot model (Fit), the regression value where nobody answered, and
// agreement with a published figure (Benchmark). Every row is flagged Modelled,
// and NoAnswers where there were none. With fewer than FewAreas areas that have
// answers the table should not be published (Model.Few).
//
// It panics when lengths differ and returns the errors of RateVariances, Fit
// and Benchmark.
func SmoothRates(in RateInput) (*RateTable, error) {
	if len(in.Direct) != len(in.N) || len(in.X) != len(in.N) || in.Names != nil && len(in.Names) != len(in.N) {
		panic(fmt.Sprintf("smallarea: %d names, %d rates, %d sizes and %d rows of covariates",
			len(in.Names), len(in.Direct), len(in.N), len(in.X)))
	}
	level := in.Level
	if level == 0 {
		level = 0.95
	}
	n, p := make([]float64, len(in.N)), make([]float64, len(in.N))
	for i, k := range in.N {
		n[i], p[i] = float64(k), in.Rate
	}
	d, err := RateVariances(p, n, in.Deff)
	if err != nil {
		return nil, err
	}
	m, err := Fit(in.Direct, d, in.X, Options{Method: in.Method, Names: in.Names, Covariates: in.Covariates})
	if err != nil {
		return nil, err
	}
	out := &RateTable{Model: m, Target: math.NaN(), Rows: make([]RateRow, len(n))}
	rates := make([]float64, len(n))
	for i, a := range m.Areas {
		rates[i] = a.Estimate
	}
	if in.Benchmark != nil {
		if rates, out.Target, err = in.Benchmark.adjust(rates, in.Direct, in.N); err != nil {
			return nil, err
		}
	}
	rates = Clip(rates, 0, 1)
	for i, a := range m.Areas {
		r := RateRow{Name: label(in.Names, i), N: in.N[i], Area: a, Rate: rates[i], Flags: []Flag{Modelled}}
		if in.N[i] == 0 {
			r.Flags = append(r.Flags, NoAnswers)
		}
		if r.Interval, err = estimate.TInterval(r.Rate, a.RMSE(), math.Inf(1), level); err != nil {
			return nil, err
		}
		r.Interval.Lower, r.Interval.Upper = max(0, r.Interval.Lower), min(1, r.Interval.Upper)
		out.Rows[i] = r
	}
	return out, nil
}

// adjust returns the rates made to agree with the target, and the target.
func (t *Target) adjust(rates, direct []float64, n []int) ([]float64, float64, error) {
	if len(t.Weight) != len(rates) {
		panic(fmt.Sprintf("smallarea: %d weights for %d areas", len(t.Weight), len(rates)))
	}
	if err := stats.CheckWeights("weight", t.Weight); err != nil {
		return nil, 0, err
	}
	w, target := t.Weight, t.Value
	if math.IsNaN(target) {
		w = make([]float64, len(rates))
		y := make([]float64, len(rates))
		for i, k := range n {
			if k > 0 {
				w[i], y[i] = t.Weight[i], direct[i]
			}
		}
		var err error
		if target, err = WeightedMean(y, w); err != nil {
			return nil, 0, err
		}
	}
	out, err := Benchmark(t.Kind, rates, w, target)
	return out, target, err
}
