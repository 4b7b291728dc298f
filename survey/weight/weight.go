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
// base weights, 1/probability of the household. A household is settled when it was
// interviewed or nobody goes there again.
type PSU struct {
	Stratum, PSU string
	Area         string  // community
	Drawn        float64 // the first households: those to be visited without the reserve
	Settled      float64 // of these, the settled ones
	Eligible     float64 // settled, and somebody there should have been interviewed
	NotEligible  float64 // settled: vacant, a business
	Unknown      float64 // settled, and nobody knows
	Waiting      float64 // eligible and to be visited again
	Doubtful     float64 // unknown and to be visited again
	Untouched    float64 // first households at whose door nobody has been
	Answered     float64 // whose interview counts; they are among the eligible
	N            int     // how many those are
}

// Standing is where households stand that are alike.
type Standing struct {
	Outcome  string // what their visits add up to
	Reserve  bool
	Visited  bool
	Open     bool // to be visited again
	Answered bool // the interview counts, by whatever way it came in
}

// Add puts n households into the sums, base being the sum of their base weights.
func (p *PSU) Add(s Standing, n int, base float64) {
	settled := s.Answered || s.Visited && !s.Open
	if !s.Reserve {
		p.Drawn += base
		if settled {
			p.Settled += base
		}
	}
	if s.Answered {
		p.Eligible += base
		p.Answered += base
		p.N += n
		return
	}
	if !s.Visited {
		if !s.Reserve {
			p.Untouched += base
		}
		return
	}
	o, _ := fieldwork.OutcomeOf(s.Outcome)
	unknown := o.Group == fieldwork.UnknownHome || o.Group == fieldwork.UnknownPerson
	switch {
	case o.Group == fieldwork.NotEligible:
		p.NotEligible += base
	case unknown && settled:
		p.Unknown += base
	case unknown:
		p.Doubtful += base
	case settled:
		p.Eligible += base
	default:
		p.Waiting += base
	}
}

// ended returns the sums when nobody is visited any more: who was to be visited
// again has not answered, and of whom nobody has been to nothing is known.
func (p PSU) ended() PSU {
	p.Settled = p.Drawn
	p.Eligible += p.Waiting
	p.Unknown += p.Doubtful + p.Untouched
	p.Waiting, p.Doubtful, p.Untouched = 0, 0, 0
	return p
}

// Key names a PSU.
type Key struct{ Stratum, PSU string }

// Options say how factors are made. The zero value is for a wave in the field.
type Options struct {
	Ended   bool // nobody is visited any more
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
	RR3      float64  `json:"rr3"`      // response rate 3 of the settled households, by weight
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
// and E, X and U of those settled that are eligible, not eligible and unknown; e is
// E/(E + X) over the whole wave. Reserve households count among the settled as the
// first do, so that an interview in the place of a refusal does not count twice.
//
// While the wave is in the field D are the first households that are settled, so
// that a building counts as far as it is done. In the end it is all of them: those to be
// visited again have not answered, and those never visited are unknown. Cells are joined as
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
			psus[i] = psus[i].ended()
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
		if settled := p.Eligible + p.NotEligible + p.Unknown; settled > 0 {
			x.Eligible += p.Settled * (p.Eligible + e*p.Unknown) / settled
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
