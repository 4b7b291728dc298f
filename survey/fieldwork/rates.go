package fieldwork

import (
	"fmt"
	"math"
)

// Counts is how many households there are in each group: counted one by one, or as
// the sum of their weights.
type Counts map[Group]float64

// The ways in which e was set: which share of the households of unknown
// eligibility is taken for eligible.
const (
	EProportional = "proportional" // as many as among the known ones
	EGiven        = "given"        // by whoever reads the rates
)

// Rate is a rate with its formula. Value is nil where there is nothing to divide
// by, or where e is needed and nobody knows it.
type Rate struct {
	Name    string
	Formula string
	Value   *float64
}

// Rates are the outcome rates of a set of households.
type Rates struct {
	Cases Counts
	E     *float64 // nil while no household is known to be eligible or not
	HowE  string
	List  []Rate
}

// The rates in the order in which they are shown.
var rateFormulas = []struct{ name, formula string }{
	{"RR1", "I / (D + UH + UO)"},
	{"RR2", "(I + P) / (D + UH + UO)"},
	{"RR3", "I / (D + e (UH + UO))"},
	{"RR4", "(I + P) / (D + e (UH + UO))"},
	{"RR5", "I / D"},
	{"RR6", "(I + P) / D"},
	{"COOP1", "I / (I + P + R + O)"},
	{"REF1", "R / (D + UH + UO)"},
	{"CON1", "(I + P + R + O) / (D + UH + UO)"},
}

// RatesOf returns the outcome rates of households in person,
//
//	D   = (I + P) + (R + NC + O)
//	e   = D / (D + NE)                      unless it is given
//	RR1 = I / (D + UH + UO)        RR2 = (I + P) / (D + UH + UO)
//	RR3 = I / (D + e (UH + UO))    RR4 = (I + P) / (D + e (UH + UO))
//	RR5 = I / D                    RR6 = (I + P) / D
//	COOP1 = I / (I + P + R + O)
//	REF1  = R / (D + UH + UO)
//	CON1  = (I + P + R + O) / (D + UH + UO)
//
// each between 0 and 1. The counts are >= 0 and finite, with or without weights; a
// common factor makes no difference. e is set by proportional allocation (CASRO):
// among the households of unknown eligibility the share of eligible ones is that
// among the known ones. Households not visited yet are among the unknown, so that
// rates of a field that is still at work are lower bounds. A count below 0 and an e
// outside 0 to 1 are mistakes of the caller, and panic.
//
// See AAPOR (2023), Standard Definitions, 10th edition: in-person household surveys.
func RatesOf(c Counts, e *float64) Rates {
	for g, n := range c {
		if !(n >= 0) || math.IsInf(n, 1) {
			panic(fmt.Sprintf("fieldwork: %v households in group %s", n, g))
		}
	}
	out := Rates{Cases: c, HowE: EProportional}
	done, contacted := c[Complete]+c[Partial], c[Complete]+c[Partial]+c[Refusal]+c[Other]
	d := done + c[Refusal] + c[NonContact] + c[Other]
	unknown := c[UnknownHome] + c[UnknownPerson]
	switch {
	case e != nil:
		if !(*e >= 0 && *e <= 1) {
			panic(fmt.Sprintf("fieldwork: e = %v", *e))
		}
		given := *e
		out.E, out.HowE = &given, EGiven
	default:
		out.E = share(d, d+c[NotEligible])
	}
	// Without unknown ones e makes no difference, and need not be known.
	some := math.NaN()
	switch {
	case unknown == 0:
		some = 0
	case out.E != nil:
		some = *out.E * unknown
	}
	values := map[string]*float64{
		"RR1": share(c[Complete], d+unknown), "RR2": share(done, d+unknown),
		"RR3": share(c[Complete], d+some), "RR4": share(done, d+some),
		"RR5": share(c[Complete], d), "RR6": share(done, d),
		"COOP1": share(c[Complete], contacted),
		"REF1":  share(c[Refusal], d+unknown), "CON1": share(contacted, d+unknown),
	}
	for _, f := range rateFormulas {
		out.List = append(out.List, Rate{f.name, f.formula, values[f.name]})
	}
	return out
}

// Value returns the rate with that name, nil when there is no number.
func (r Rates) Value(name string) *float64 {
	for _, x := range r.List {
		if x.Name == name {
			return x.Value
		}
	}
	return nil
}

// share returns part of whole, nil when there is no whole to speak of.
func share(part, whole float64) *float64 {
	if !(whole > 0) {
		return nil
	}
	v := part / whole
	return &v
}
