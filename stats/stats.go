// Package stats turns numbers into numbers: what the survey methods of the
// packages below it share. It knows no database, no clock and no log, draws no
// random numbers of its own and changes none of its arguments, so the same
// input always gives the same output to the last bit.
//
// Slices of the wrong length are a programmer's mistake and panic with the name
// of the package. Bad luck in the data (a weight that is not a number, a margin
// that does not add up, one unit in a stratum) comes back as an error that can
// be matched with errors.As and names what has to be mended.
package stats

import (
	"fmt"
	"math"
	"slices"
)

// ValueError says which number of the data cannot be used, and why.
type ValueError struct {
	What  string  // the column, cell or target: "weight", "target of age 18-24"
	Row   int     // its 0-based place in the column, or -1 when it has none
	Value float64 // what was found there
	Why   string  // "is not finite"
}

// Error names the number, its place and what is wrong with it.
func (e *ValueError) Error() string {
	if e.Row < 0 {
		return fmt.Sprintf("stats: %s %s (%g)", e.What, e.Why, e.Value)
	}
	return fmt.Sprintf("stats: %s of row %d %s (%g)", e.What, e.Row, e.Why, e.Value)
}

// CheckFinite returns a *ValueError for the first of v that is NaN or infinite
// and nil when there is none. What names the column in the error.
func CheckFinite(what string, v []float64) error {
	for i, x := range v {
		if !IsFinite(x) {
			return &ValueError{What: what, Row: i, Value: x, Why: "is not finite"}
		}
	}
	return nil
}

// CheckWeights returns a *ValueError for the first of w that is not finite or
// is negative and nil when there is none. A weight of 0 is allowed: its unit
// belongs to the design and to no estimate.
func CheckWeights(what string, w []float64) error {
	for i, x := range w {
		switch {
		case !IsFinite(x):
			return &ValueError{What: what, Row: i, Value: x, Why: "is not finite"}
		case x < 0:
			return &ValueError{What: what, Row: i, Value: x, Why: "is negative"}
		}
	}
	return nil
}

// IsFinite reports whether x is neither NaN nor infinite.
func IsFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// EffectiveSize returns Kish's effective sample size of the weights w,
//
//	(\sum_i w_i)^2 / \sum_i w_i^2
//
// in respondents. It is what the sample is worth when the weights have nothing
// to do with the answers. The w need no scaling; those of a linear calibration
// may be negative. No weights, or only zeros, are worth 0.
//
// See Kish (1992), Weighting for unequal P_i, J. Official Statistics 8, 183-200.
func EffectiveSize(w []float64) float64 {
	top := 0.0
	for _, x := range w {
		top = max(top, math.Abs(x))
	}
	if top == 0 {
		return 0
	}
	// Scaled by the largest, so that no square overflows or vanishes.
	var s, ss float64
	for _, x := range w {
		x /= top
		s += x
		ss += x * x
	}
	return s * s / ss
}

// WeightingEffect returns Kish's design effect of unequal weighting,
//
//	1 + cv^2(w) = n \sum_i w_i^2 / (\sum_i w_i)^2
//
// where n counts the weights that are not 0: the factor by which weights that
// have nothing to do with the answers enlarge a variance. It is >= 1, and NaN
// when all weights are 0.
//
// See Kish (1965), Survey Sampling, section 11.7.
func WeightingEffect(w []float64) float64 {
	n := 0
	for _, x := range w {
		if x != 0 {
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return float64(n) / EffectiveSize(w)
}

// Median returns the middle of v, the mean of the two middle values when their
// number is even, and NaN when v is empty.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(v))
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return s[m-1] + (s[m]-s[m-1])/2
}
