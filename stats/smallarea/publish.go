package smallarea

import (
	"math"

	"chengyin/stats/estimate"
)

// Flag is a reason not to show a rate as it is.
type Flag string

// The first four suppress a direct rate; the others send it to a person who
// decides.
const (
	FewAnswers   Flag = "few_answers"   // n < 30
	FewEffective Flag = "few_effective" // effective n < 30
	Wide         Flag = "wide"          // interval of 0.30 or wider
	WideForRate  Flag = "wide_for_rate" // interval wider than 0.05 and than 130 % of the rate
	WideForOther Flag = "wide_for_rest" // the same for 1 - p, the share of the others
	FewUnits     Flag = "few_units"     // less than 8 degrees of freedom
	AllAgree     Flag = "all_agree"     // the rate is 0 or 1
	Modelled     Flag = "modelled"      // the figure comes from the model, not from answers of the area alone
	NoAnswers    Flag = "no_answers"    // nobody answered: the figure is the regression value
	OtherMode    Flag = "model_based"   // the figure assumes how self-selected people take part
)

// suppresses reports whether the flag alone keeps a direct rate from being shown.
func (f Flag) suppresses() bool {
	return f == FewAnswers || f == FewEffective || f == Wide || f == WideForRate
}

// Limits of the publication rules.
const (
	MinAnswers  = 30   // answers, counted and effective
	WidestRate  = 0.30 // absolute width of the interval from which a rate is suppressed
	NarrowRate  = 0.05 // width up to which the relative width does not matter
	WidestShare = 1.30 // width over the rate
)

// RateFigure is a direct rate with what is needed to publish it.
type RateFigure struct {
	N        int
	Rate, SE float64
	// NEff is p(1-p)/V, which may be above N, and N when p is 0 or 1 or V is 0.
	NEff     float64
	DF       int
	Interval estimate.Interval // estimate.BetaCapped
	Flags    []Flag
}

// Suppressed reports whether the publication rules keep the rate back.
func (r RateFigure) Suppressed() bool {
	for _, f := range r.Flags {
		if f.suppresses() {
			return true
		}
	}
	return false
}

// PublishRate applies the presentation standards for proportions of the US
// National Center for Health Statistics to a direct rate: it is suppressed when
//
//	n < 30 or effective n < 30,
//	the width of its exact interval (estimate.BetaCapped) is 0.30 or more,
//	the width is above 0.05 and above 130 % of the rate,
//
// and flagged for a decision when it has less than 8 degrees of freedom, is 0 or
// 1, or only 1 - p fails the last rule. What is suppressed for an area may be
// shown smoothed, with the flag Modelled. The e is the estimate of the mean of a
// 0/1 variable and df the degrees of freedom to use: those of the domain for a
// subdistrict or community, of the design for a statement on the whole.
//
// Errors and panics are those of estimate.Proportion, estimate.ErrNoInterval for
// n < 2 or df <= 0 among them; flags are set nevertheless.
//
// See Parker et al. (2017), National Center for Health Statistics Data
// Presentation Standards for Proportions, Vital Health Stat 2(175).
func PublishRate(e estimate.Estimate, df int, level float64) (RateFigure, error) {
	r := RateFigure{N: e.N, Rate: e.Value, SE: e.SE, DF: df, NEff: float64(e.N)}
	agree := e.Value <= 0 || e.Value >= 1
	if !agree && e.Var > 0 {
		r.NEff = e.Value * (1 - e.Value) / e.Var
	}
	i, err := estimate.Proportion(estimate.BetaCapped, e.Value, e.Var, e.N, float64(df), level)
	if e.N < MinAnswers {
		r.Flags = append(r.Flags, FewAnswers)
	}
	if math.Min(r.NEff, float64(e.N)) < MinAnswers {
		r.Flags = append(r.Flags, FewEffective)
	}
	if err == nil {
		r.Interval = i
		r.Flags = append(r.Flags, widths(e.Value, i.Width())...)
	}
	if df < estimate.TrustedDF {
		r.Flags = append(r.Flags, FewUnits)
	}
	if agree {
		r.Flags = append(r.Flags, AllAgree)
	}
	return r, err
}

// widths judges an interval by its width, absolute and against p and 1 - p.
func widths(p, width float64) []Flag {
	switch {
	case width >= WidestRate:
		return []Flag{Wide}
	case width <= NarrowRate:
		return nil
	case width > WidestShare*p:
		return []Flag{WideForRate}
	case width > WidestShare*(1-p):
		return []Flag{WideForOther}
	}
	return nil
}
