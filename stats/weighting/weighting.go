// Package weighting moves design weights so that the sample reproduces known
// population totals: post-stratification, raking and calibration. It works on
// the table of weighting classes, so its cost does not grow with the number of
// respondents, and it refuses with a name what cannot be reproduced.
package weighting

import (
	"fmt"
	"math"
	"strings"

	"chengyin/stats"
)

// Margin is one way of dividing the population, with the number of people in
// every part: the census by age, say. Every class of the sample belongs to
// exactly one category of every margin.
type Margin struct {
	Name       string    // "age", for messages
	Categories []string  // "18-24", "25-34", ...
	Targets    []float64 // people in each category; same length, > 0 where the sample has weight
}

// Options say how exactly the margins must be met. The zero value is the
// recommended choice.
type Options struct {
	MaxSweeps int     // sweeps over all margins, or Newton steps; 0 is 1000
	Tolerance float64 // iterate until max |margin/target - 1| is below; 0 is 1e-13
	Accept    float64 // refuse the result when it is still above this at the end; 0 is 1e-8
}

func (o Options) filled() Options {
	if o.MaxSweeps <= 0 {
		o.MaxSweeps = 1000
	}
	if !(o.Tolerance > 0) {
		o.Tolerance = 1e-13
	}
	if !(o.Accept > 0) {
		o.Accept = 1e-8
	}
	return o
}

// Report tells how a weighting went. It belongs beside every weighted figure.
type Report struct {
	Sweeps        int     // sweeps over all margins, or Newton steps
	Worst         float64 // max |margin/target - 1| after the last of them
	WorstMargin   string  // where
	WorstCategory string
	Total         float64 // population the weights add up to
	// The factors by which design weights were multiplied, over the classes
	// (or rows) that have weight.
	MinG, MedianG, MaxG float64
}

// summarise fills in the range of g over the places where d > 0.
func (r *Report) summarise(d, g []float64) {
	used := make([]float64, 0, len(g))
	r.Total = 0
	for i, x := range g {
		if d[i] > 0 {
			used = append(used, x)
			r.Total += d[i] * x
		}
	}
	r.MinG, r.MedianG, r.MaxG = math.Inf(1), stats.Median(used), math.Inf(-1)
	for _, x := range used {
		r.MinG, r.MaxG = min(r.MinG, x), max(r.MaxG, x)
	}
}

// TotalsError says that margins describe populations of different sizes, so
// that no weights can meet them all.
type TotalsError struct {
	Margins []string
	Totals  []float64
}

// Error names the margins with their totals.
func (e *TotalsError) Error() string {
	parts := make([]string, len(e.Margins))
	for i := range parts {
		parts[i] = fmt.Sprintf("%s %.10g", e.Margins[i], e.Totals[i])
	}
	return "weighting: margins add up to different populations: " + strings.Join(parts, ", ")
}

// CategoryError says that a category of a margin has a target but nobody in
// the sample (Sample is 0), or people in the sample but no target (Target is
// 0). Joining it with a neighbour mends both.
type CategoryError struct {
	Margin, Category string
	Sample           float64 // sum of design weights
	Target           float64
}

// Error names the margin and the category and says what it lacks.
func (e *CategoryError) Error() string {
	if e.Sample > 0 {
		return fmt.Sprintf("weighting: margin %s: category %s has respondents but no target", e.Margin, e.Category)
	}
	return fmt.Sprintf("weighting: margin %s: category %s has a target of %.10g but no respondents", e.Margin, e.Category, e.Target)
}

// EmptySampleError says that there is no weight at all to work with.
type EmptySampleError struct{}

// Error says that nobody has a weight.
func (*EmptySampleError) Error() string {
	return "weighting: nobody in the sample has a weight above 0"
}

// ConvergenceError says that the margins contradict each other in this sample:
// after Sweeps sweeps the named category was still off by the share Worst.
// Empty lists pairs of categories nobody in the sample belongs to; they are
// where the contradiction comes from, if it does not come from the bounds.
type ConvergenceError struct {
	Sweeps           int
	Worst            float64
	Margin, Category string
	Empty            []EmptyPair // at most 20, those of the worst category first
}

// EmptyPair is a combination of two categories without respondents.
type EmptyPair struct {
	Margin, Category           string
	OtherMargin, OtherCategory string
}

// Error names the worst margin and category and how far they are off.
func (e *ConvergenceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "weighting: margins not met after %d sweeps: %s %s is off by %.3g", e.Sweeps, e.Margin, e.Category, e.Worst)
	for i, p := range e.Empty {
		if i == 3 {
			fmt.Fprintf(&b, " and %d more", len(e.Empty)-i)
			break
		}
		if i == 0 {
			b.WriteString("; nobody is")
		} else {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s %s with %s %s", p.Margin, p.Category, p.OtherMargin, p.OtherCategory)
	}
	return b.String()
}
