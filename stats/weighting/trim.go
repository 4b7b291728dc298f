package weighting

import (
	"fmt"

	"chengyin/stats"
)

// TrimError says that no weight was left to take the mass that was cut off.
type TrimError struct {
	Lower, Upper float64
	Mass         float64 // what could not be placed
}

// Error names the bounds and what could not be placed.
func (e *TrimError) Error() string {
	return fmt.Sprintf("weighting: no weight is left between %g and %g to take the trimmed %g", e.Lower, e.Upper, e.Mass)
}

// Trim cuts the weights w to lower <= w <= upper and adds what was cut off, in
// equal amounts, to the weights that have never been cut, so that the sum stays.
// The addition may lift a weight over the bound; strict repeats until none is
// outside. Trimming takes variance out and bias in, and undoes a calibration,
// which has to be done again. It returns the new weights and the number cut.
//
// It panics unless 0 <= lower <= upper, and returns a *stats.ValueError for a
// weight that is negative or not finite and a *TrimError when all weights have
// been cut. No weights outside the bounds are no change.
//
// See Potter (1990), Proc. Survey Research Methods Section, ASA, 225-230; it is
// trimWeights of the R package survey 4.2.
func Trim(w []float64, lower, upper float64, strict bool) ([]float64, int, error) {
	if !(0 <= lower && lower <= upper) {
		panic(fmt.Sprintf("weighting: bounds %g and %g", lower, upper))
	}
	if err := stats.CheckWeights("weight", w); err != nil {
		return nil, 0, err
	}
	out := append([]float64(nil), w...)
	cut := make([]bool, len(w))
	n := 0
	for {
		mass, outside := 0.0, false
		for i, x := range out {
			if x >= lower && x <= upper {
				continue
			}
			outside = true
			if !cut[i] {
				cut[i] = true
				n++
			}
			out[i] = max(lower, min(upper, x))
			mass += x - out[i]
		}
		if !stats.IsFinite(mass) {
			return nil, n, &stats.ValueError{What: "sum of what was cut off the weights", Row: -1, Value: mass, Why: "is not finite"}
		}
		if !outside {
			return out, n, nil
		}
		if n == len(w) {
			return nil, n, &TrimError{Lower: lower, Upper: upper, Mass: mass}
		}
		share := mass / float64(len(w)-n)
		for i := range out {
			if !cut[i] {
				out[i] += share
			}
		}
		if !strict {
			return out, n, nil
		}
	}
}
