// Package weight lets the households that were interviewed stand for those that
// were drawn with them and gave no interview. What it needs is what happened at the
// doors; what it gives is a factor for each PSU by which scores multiply its sums.
//
// docs/methods/field-weights.md explains the rules.
package weight

import (
	"cmp"
	"slices"
	"strings"

	"chengyin/stats/weighting"
	"chengyin/survey/fieldwork"
)

// PSU sums up what is known of the households drawn in a PSU. All but N are sums of
// base weights, 1/probability of the household.
type PSU struct {
	Stratum, PSU string
	Area         string  // community
	Drawn        float64 // the first households: those to be visited without the reserve
	Eligible     float64 // worked on, and somebody there should have been interviewed
	NotEligible  float64 // worked on: vacant, a business
	Unknown      float64 // worked on, and nobody knows
	Untouched    float64 // first households at whose door nobody has been
	Answered     float64 // whose interview counts; they are among the eligible
	N            int     // how many those are
}

// Add puts n households that stand alike into the sums, base being the sum of their
// base weights; answered are those whose interview counts, whatever their outcome.
func (p *PSU) Add(outcome string, reserve, visited, answered bool, n int, base float64) {
	if !reserve {
		p.Drawn += base
	}
	if answered { // by whatever way the interview came in
		p.Eligible += base
		p.Answered += base
		p.N += n
		return
	}
	if !visited {
		if !reserve {
			p.Untouched += base
		}
		return
	}
	o, _ := fieldwork.OutcomeOf(outcome)
	switch o.Group {
	case fieldwork.UnknownHome, fieldwork.UnknownPerson:
		p.Unknown += base
	case fieldwork.NotEligible:
		p.NotEligible += base
	default:
		p.Eligible += base
	}
}

// Key names a PSU.
type Key struct{ Stratum, PSU string }

// Options say how factors are made. The zero value is for a wave in the field.
type Options struct {
	Ended   bool // nobody is visited any more: what is untouched counts as unknown
	Classes weighting.ResponseOptions
}

// Result are the factors of a wave.
type Result struct {
	factor map[Key]float64
	Report Report
}

// Report tells how the factors came about.
type Report struct {
	Cells    int      `json:"cells"`    // communities in their strata that have drawn households
	Classes  int      `json:"classes"`  // what they were joined to
	Joined   []string `json:"joined"`   // codes of communities with "+" between them
	Largest  float64  `json:"largest"`  // factor
	Smallest float64  `json:"smallest"` // factor
	E        float64  `json:"e"`        // share of the eligible among the households of which that is known
	RR3      float64  `json:"rr3"`      // response rate 3 of the households worked on, by weight
}

// Of returns the factor of a PSU: 1 where no field work is known.
func (r Result) Of(stratum, psu string) float64 {
	if f, ok := r.factor[Key{stratum, psu}]; ok {
		return f
	}
	return 1
}

// Keys returns the PSUs that have a factor, in order.
func (r Result) Keys() []Key {
	out := make([]Key, 0, len(r.factor))
	for k := range r.factor {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Stratum, b.Stratum), cmp.Compare(a.PSU, b.PSU)) })
	return out
}

// Factors returns the factors of a wave. In a cell, a community in its stratum,
//
//	f = \sum_psu D_psu s_psu / \sum_psu A_psu,  s = (E + e U) / (E + X + U)
//
// where D are the base weights of the first households, A of those interviewed,
// and E, X and U of those worked on that are eligible, not eligible and unknown; e is
// E/(E + X) over the whole wave. Reserve households that were visited count as
// worked on, so that an interview in the place of a refusal does not count twice. A
// PSU in which nobody has worked says nothing: it is left out while the wave is in
// the field, and counts as unknown in the end. Cells are joined as
// weighting.NonResponse does, within the subdistrict, then the district, then all.
//
// It returns a *stats.ValueError for numbers that cannot be.
func Factors(psus []PSU, opt Options) (Result, error) {
	out := Result{factor: map[Key]float64{}}
	if len(psus) == 0 {
		return out, nil
	}
	psus = slices.Clone(psus)
	slices.SortStableFunc(psus, func(a, b PSU) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), cmp.Compare(a.Stratum, b.Stratum), cmp.Compare(a.PSU, b.PSU))
	})
	var all PSU
	for i := range psus {
		if opt.Ended {
			psus[i].Unknown += psus[i].Untouched
		}
		all.Eligible += psus[i].Eligible
		all.NotEligible += psus[i].NotEligible
		all.Unknown += psus[i].Unknown
		all.Answered += psus[i].Answered
	}
	e := 1.0
	if known := all.Eligible + all.NotEligible; known > 0 {
		e = all.Eligible / known
	}
	type cell struct{ area, stratum string }
	var names []cell
	var cells []weighting.ResponseCell
	at := make([]int, len(psus))
	for i, p := range psus {
		c := cell{p.Area, p.Stratum}
		if k := len(names) - 1; k < 0 || names[k] != c {
			names = append(names, c)
			cells = append(cells, weighting.ResponseCell{Path: []string{prefix(p.Area, 6), prefix(p.Area, 9), p.Area}})
		}
		at[i] = len(names) - 1
		x := &cells[at[i]]
		x.N += p.N
		x.Answered += p.Answered
		if worked := p.Eligible + p.NotEligible + p.Unknown; worked > 0 {
			x.Eligible += p.Drawn * (p.Eligible + e*p.Unknown) / worked
		}
	}
	classes, err := weighting.NonResponse(cells, opt.Classes)
	if err != nil {
		return Result{}, err
	}
	factor := make([]float64, len(cells))
	for i := range factor {
		factor[i] = 1
	}
	r := &out.Report
	r.Cells, r.Classes, r.E = len(cells), len(classes), e
	for k, c := range classes {
		if k == 0 {
			r.Smallest, r.Largest = c.Factor, c.Factor
		}
		r.Smallest, r.Largest = min(r.Smallest, c.Factor), max(r.Largest, c.Factor)
		var together []string
		for _, i := range c.Cells {
			factor[i] = c.Factor
			if !slices.Contains(together, names[i].area) {
				together = append(together, names[i].area)
			}
		}
		if len(together) > 1 {
			r.Joined = append(r.Joined, strings.Join(together, "+"))
		}
	}
	if should := all.Eligible + e*all.Unknown; should > 0 {
		r.RR3 = all.Answered / should
	}
	for i, p := range psus {
		out.factor[Key{p.Stratum, p.PSU}] = factor[at[i]]
	}
	return out, nil
}

func prefix(code string, n int) string { return code[:min(n, len(code))] }
