package smallarea

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// Adjustment is a way to make the figures of areas agree with a published one.
type Adjustment int

const (
	// Ratio multiplies all by one factor: for figures away from 0, such as
	// rates near the middle. Areas with low figures move less.
	Ratio Adjustment = iota
	// Difference adds one number to all: also for figures that may be 0.
	Difference
)

// String names the adjustment in one word.
func (a Adjustment) String() string {
	names := [...]string{"ratio", "difference"}
	if a < 0 || int(a) >= len(names) {
		return fmt.Sprintf("Adjustment(%d)", int(a))
	}
	return names[a]
}

// Benchmark changes the figures theta of areas so that their mean with weights w
// (people) is the target, the published figure of the district, say:
//
//	Ratio       theta_i T / m
//	Difference  theta_i + T - m,   m = \sum w theta / \sum w
//
// It keeps a table of communities from contradicting the line above it, and
// guards against a wrong model, which would move all areas the same way. It adds
// to each mean squared error the variance of the change, which is small next to
// it and not in Area.MSE. Figures of a rate may leave [0, 1]: Clip them last.
//
// It panics when lengths differ and returns a *stats.ValueError when a number is
// not finite, a weight negative, all weights 0, or m is 0 or of another sign
// than the target under Ratio.
//
// See Rao & Molina (2015), Small Area Estimation, section 6.4.6; Steorts & Ghosh
// (2013), Stat. Sinica 23, 749-767.
func Benchmark(kind Adjustment, theta, w []float64, target float64) ([]float64, error) {
	if !stats.IsFinite(target) {
		return nil, &stats.ValueError{What: "benchmark", Row: -1, Value: target, Why: "is not finite"}
	}
	m, err := WeightedMean(theta, w)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(theta))
	switch kind {
	case Ratio:
		if m == target { // also when both are 0
			return append(out[:0], theta...), nil
		}
		f := target / m
		if !(f >= 0) || !stats.IsFinite(f) {
			return nil, &stats.ValueError{What: "mean of the areas", Row: -1, Value: m, Why: fmt.Sprintf("cannot be multiplied to reach %g", target)}
		}
		for i, v := range theta {
			out[i] = v * f
		}
	case Difference:
		for i, v := range theta {
			out[i] = v + (target - m)
		}
	default:
		panic("smallarea: unknown adjustment " + kind.String())
	}
	return out, nil
}

// WeightedMean returns \sum w theta / \sum w. Panics and errors are those of
// Benchmark.
func WeightedMean(theta, w []float64) (float64, error) {
	if len(theta) != len(w) {
		panic(fmt.Sprintf("smallarea: %d figures with %d weights", len(theta), len(w)))
	}
	if err := stats.CheckFinite("figure", theta); err != nil {
		return 0, err
	}
	if err := stats.CheckWeights("weight", w); err != nil {
		return 0, err
	}
	var top, sum float64
	for _, v := range w {
		top = max(top, v)
	}
	if top == 0 {
		return 0, ErrNoData
	}
	for _, v := range w {
		sum += v / top
	}
	m := 0.0
	for i, v := range theta {
		m += v * (w[i] / top / sum)
	}
	if !stats.IsFinite(m) {
		return 0, &stats.ValueError{What: "mean of the areas", Row: -1, Value: m, Why: "is not finite"}
	}
	return m, nil
}

// Clip returns v with every number below lo set to lo and above hi to hi.
func Clip(v []float64, lo, hi float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = math.Min(math.Max(x, lo), hi)
	}
	return out
}
