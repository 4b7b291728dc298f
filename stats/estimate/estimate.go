// Package estimate turns weighted answers into figures with their precision:
// means, totals and ratios of a domain, their linearised variances under
// stratified, clustered and multi-stage designs before and after calibration,
// and intervals for proportions.
//
// It has two doors. Design works on rows, for any design and any statistic.
// Tally works on sums over cells of respondents, for means of a wave; its cost
// depends on the number of cells and not on the number of respondents. Both
// give the same numbers.
package estimate

import (
	"errors"
	"fmt"
	"strings"
)

// ErrEmptyDomain says that nobody with a weight above 0 in the domain gave an
// answer, so there is nothing to estimate.
var ErrEmptyDomain = errors.New("estimate: nobody in the domain has an answer")

// LonelyRule says what a stratum with a single primary sampling unit (PSU) adds
// to a variance. From one unit no variance can be computed, so every rule but
// Fail is an assumption.
type LonelyRule int

const (
	Fail      LonelyRule = iota // refuse with a *LonelyError, the default
	Remove                      // add nothing: too small a variance
	Certainty                   // add nothing: the unit was certain to be drawn
	Adjust                      // take the squared distance from the mean unit total over all strata: cautious
	Average                     // give the stratum the average variance of the others
)

// String returns the name that R's option survey.lonely.psu has for the rule.
func (r LonelyRule) String() string {
	names := [...]string{"fail", "remove", "certainty", "adjust", "average"}
	if r < 0 || int(r) >= len(names) {
		return fmt.Sprintf("LonelyRule(%d)", int(r))
	}
	return names[r]
}

// LonelyError lists the strata that have a single PSU, so that their part of
// the variance cannot be computed. Joining such a stratum with a neighbour or
// choosing another LonelyRule mends it.
type LonelyError struct {
	Stage  int      // 1 is the stage of the PSUs
	Strata []string // names, or numbers where the design has no names
}

// Error names the stage and the strata.
func (e *LonelyError) Error() string {
	return fmt.Sprintf("estimate: only one unit at stage %d in stratum %s", e.Stage, strings.Join(e.Strata, ", "))
}

// DesignError says what contradicts itself in the description of a design.
type DesignError struct {
	Stage   int    // 1 is the stage of the PSUs
	Stratum string // where, or "" when no stratum is to blame
	Why     string
}

// Error names the stage, the stratum and the contradiction.
func (e *DesignError) Error() string {
	if e.Stratum == "" {
		return fmt.Sprintf("estimate: stage %d: %s", e.Stage, e.Why)
	}
	return fmt.Sprintf("estimate: stage %d, stratum %s: %s", e.Stage, e.Stratum, e.Why)
}
