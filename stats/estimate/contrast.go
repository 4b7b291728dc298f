package estimate

import (
	"fmt"
	"math"
)

// Test is a two-sided t test that a difference is 0.
type Test struct {
	Value, SE, DF float64
	T             float64 // Value/SE
	P             float64 // P(|t| >= |T|)
	Interval              // Value +- t SE, of the level asked for
}

// NewTest tests the difference value with standard error se and df degrees of
// freedom, which may be +Inf. It returns ErrNoInterval when df <= 0 or se is 0,
// and otherwise errors and panics as TInterval does.
func NewTest(value, se, df, level float64) (Test, error) {
	i, err := TInterval(value, se, df, level)
	if err != nil {
		return Test{}, err
	}
	if se == 0 {
		return Test{}, ErrNoInterval
	}
	t := Test{Value: value, SE: se, DF: df, T: value / se, Interval: i}
	t.P = tBothTails(t.T, df)
	return t, nil
}

// Test tests that a linear statistic of this design is 0 (a Contrast, usually)
// with the degrees of freedom of the whole design. Errors and panics are those
// of NewTest.
func (d *Design) Test(s Linear, level float64) (Test, error) {
	e := d.Estimate(s)
	return NewTest(e.Value, e.SE, float64(e.DesignDF), level)
}

// GroupTest compares the means of y in two groups of the domain, second minus
// first, of which second[k] is true in the second. It is the t test of the slope
// of a regression of y on the group, which takes one degree of freedom: PSUs
// less strata of the domain, less 1. The domain has to leave out missing
// answers. Errors are those of Mean and NewTest.
//
// It is svyttest of R's survey; Contrast with Test keeps the degree of freedom.
func (d *Design) GroupTest(y []float64, second, in []bool, level float64) (Test, error) {
	d.checkRows("group", len(second), false)
	l, err := d.domain(in, y)
	if err != nil {
		return Test{}, err
	}
	var mean [2]Linear
	for g := range mean {
		part := make([]bool, len(y))
		for k, in := range l.domain {
			part[k] = in && second[k] == (g == 1)
		}
		if mean[g], err = d.Mean(y, part); err != nil {
			return Test{}, err
		}
	}
	e := d.Estimate(Contrast([]float64{-1, 1}, mean[0], mean[1]))
	return NewTest(e.Value, e.SE, float64(e.DF-1), level)
}

// Groups estimates the mean of y in each of the groups 0..n-1 of the domain,
// where group[k] is the group of a row and negative in none of them. Covariance
// and Contrast of the results compare groups. A group without answers has a
// Linear of N = 0, Value NaN and a score of zeros. Errors are those of Mean, and
// it panics when a group is not below n.
func (d *Design) Groups(y []float64, group []int, n int, in []bool) ([]Linear, error) {
	d.checkRows("group", len(group), false)
	l, err := d.domain(in, y)
	if err != nil {
		return nil, err
	}
	parts := make([][]bool, n)
	for g := range parts {
		parts[g] = make([]bool, len(y))
	}
	for k, g := range group {
		switch {
		case g >= n:
			panic(fmt.Sprintf("estimate: group %d of row %d is not below %d", g, k, n))
		case g >= 0:
			parts[g][k] = l.domain[k]
		}
	}
	out := make([]Linear, n)
	for g := range out {
		out[g], err = d.Mean(y, parts[g])
		if err == ErrEmptyDomain {
			out[g] = Linear{Value: math.NaN(), Score: make([]float64, len(y)), domain: parts[g], srs: math.NaN(), srsReplace: math.NaN()}
			err = nil
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Change tests the difference later - earlier of two estimates from independent
// samples: variances and degrees of freedom of the two designs add up. Samples
// that share PSUs or people are not independent, and their covariance, usually
// positive, makes the change more precise than this says: take Stack. Errors and
// panics are those of NewTest.
//
// See Kish (1965), Survey Sampling, chapter 12.
func Change(earlier, later Estimate, level float64) (Test, error) {
	return NewTest(later.Value-earlier.Value, math.Sqrt(earlier.Var+later.Var), float64(earlier.DesignDF+later.DesignDF), level)
}

// Stacked are several waves as one sample, for changes between waves that share
// PSUs or people.
type Stacked struct {
	*Design           // of all rows, wave after wave, with their weights
	waves   []*Design // as they were
	first   []int     // row of the stacked design where each wave begins
}

// Stack puts waves under common strata and PSUs: those with the same numbers in
// the Specs are the same. A PSU that a wave did not visit counts in its variance
// as one with nobody, so n_h are all PSUs of any wave. Sizes are not honoured,
// which is cautious, and later stages do not matter. Statistics of a wave enter
// with Lift; those of stacked rows can also be made directly, but do not know of
// a calibration of the wave.
//
// It returns a *DesignError when a PSU changes its stratum, unless PSU numbers
// start anew in every stratum (nest), and a *LonelyError. It panics without
// waves.
//
// See Kish (1965), Survey Sampling, chapter 12.
func Stack(lonely LonelyRule, nest bool, waves ...*Design) (*Stacked, error) {
	if len(waves) == 0 {
		panic("estimate: no waves to stack")
	}
	s := &Stacked{waves: waves}
	spec := Spec{Nest: nest, Lonely: lonely}
	var st Stage
	names := map[int]string{}
	for _, d := range waves {
		s.first = append(s.first, spec.Rows)
		spec.Rows += len(d.w)
		l := &d.levels[0]
		for k, u := range l.unit {
			h := &l.strata[l.home[u]]
			st.Unit, st.Stratum = append(st.Unit, l.code[u]), append(st.Stratum, h.code)
			names[h.code] = h.name
			spec.Weight = append(spec.Weight, math.Abs(d.w[k]))
		}
	}
	// Names are a slice by number: only where numbers start at 0 without gaps.
	for h := 0; h < len(names); h++ {
		if _, known := names[h]; !known {
			st.Names = nil
			break
		}
		st.Names = append(st.Names, names[h])
	}
	spec.Stages = []Stage{st}
	var err error
	if s.Design, err = NewDesign(spec); err != nil {
		return nil, err
	}
	for i, d := range waves { // with their signs, should a calibration have made some negative
		copy(s.w[s.first[i]:], d.w)
	}
	_, _, s.df = s.count(nil)
	return s, nil
}

// Lift turns a statistic of a wave into one of the stacked rows, with the
// residuals of the wave's calibration, if there was one, as its score. It panics
// when the statistic is not of that wave.
func (s *Stacked) Lift(wave int, l Linear) Linear {
	d := s.waves[wave]
	d.checkRows("score", len(l.Score), false)
	out := l
	out.Score, out.domain = make([]float64, len(s.w)), make([]bool, len(s.w))
	copy(out.Score[s.first[wave]:], d.residuals(l.Score))
	copy(out.domain[s.first[wave]:], l.domain)
	return out
}
