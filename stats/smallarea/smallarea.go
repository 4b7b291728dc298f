// Package smallarea makes figures for areas with few answers of their own:
// Fay-Herriot models of direct estimates with their mean squared errors, the
// beta-binomial model of counts, benchmarking to a published figure, and the
// rules for what may be published of an area at all.
//
// A community with 5 to 30 answers has a direct rate that is mostly noise. The
// methods here replace it by a compromise between its own answers and what the
// other areas say, and tell how far the compromise can be off. What they assume
// and when they mislead is written in docs/methods/small-areas.md.
package smallarea

import (
	"errors"
	"fmt"
	"strconv"

	"chengyin/stats"
)

// FewAreas is the number of areas with data below which a model should not be
// published: too little is known of the spread between areas, and the direct
// estimates and the pooled rate are all there is to show.
const FewAreas = 15

// ErrNoData says that no area has an answer, so there is nothing to fit.
var ErrNoData = errors.New("smallarea: no area has data")

// TooFewError says that there are not more areas with data than coefficients,
// so that nothing is left to tell the spread between areas from.
type TooFewError struct {
	Areas      int // with data
	Covariates int // columns, the intercept among them
}

// Error says how many areas have data and how many coefficients there are.
func (e *TooFewError) Error() string {
	return fmt.Sprintf("smallarea: %d areas with data are too few for %d covariates", e.Areas, e.Covariates)
}

// CollinearError names a covariate that the ones before it explain completely
// over the areas with data: a constant beside an intercept, the last of a full
// set of indicators, or one that is 0 everywhere. Leaving it out mends it.
type CollinearError struct {
	Covariate string
}

// Error names the covariate.
func (e *CollinearError) Error() string {
	return fmt.Sprintf("smallarea: covariate %s is explained by the ones before it", e.Covariate)
}

// label returns the name of entry i, or its number.
func label(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i)
}

// valueError says what is wrong with a number of an area.
func valueError(what, area string, row int, v float64, why string) error {
	return &stats.ValueError{What: what + " of area " + area, Row: row, Value: v, Why: why}
}
