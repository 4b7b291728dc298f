package sample

import (
	"errors"
	"fmt"
	"math"

	"chengyin/stats/sampling"
	"chengyin/survey"
)

// Sizes say before the draw how many will be visited, and how precise what they
// answer will be.
type Sizes struct {
	Strata []StratumSize // by code
	All    StratumSize
	// Enough is the smallest PSUs of the spec with which the interval aimed at is
	// reached; 0 when even all PSUs do not reach it.
	Enough int
	// Needed are the interviews for the interval aimed at under the design effect of
	// All, and Invite the households that have to be asked for them.
	Needed, Invite int
}

// StratumSize is what is expected of a stratum, or of all.
type StratumSize struct {
	Code       string
	PSUs       int     // in the frame
	Homes      int     // in the frame
	Adults     float64 // in the frame; households without a number count like the others; the households when none has one
	Draw       int     // PSUs to draw
	Certain    int     // of which are in every sample
	Small      int     // PSUs of the frame with fewer households than take and reserve
	Visits     float64 // expected households to be visited
	Reserve    float64 // expected households held in reserve
	Interviews float64 // expected
	Weights    float64 // design effect of the weights, 1 + cv²
	Cluster    float64 // design effect of the clusters, 1 + (b-1) roh; 1 where all PSUs are certain
	Deff       float64 // of both, over certain and drawn PSUs
	Margin     float64 // half the width of the interval of a proportion of one half; 0 when everybody answers
	Lonely     bool    // one PSU alone: no standard error can come from it
}

// part is the certain PSUs of a stratum, or the others.
type part struct {
	homes, visits, reserve, interviews, psus float64
	squares                                  float64 // expected sum of the squared weights
}

// SizesOf says what a plan gives for clusters as ClustersOf returns them for its
// stage.
//
// The weights of households are M/(pi b), so that 1 + cv² is
//
//	(\sum \pi_i b_i) \sum M_i^2/(\pi_i b_i) / (\sum M_i)^2
//
// times 1 + cv² of the adults in households, as far as the frame knows them. The
// cluster effect has b, the expected interviews in a PSU. Certain PSUs are strata of
// their own without a cluster effect; a stratum's variance is that of its certain and
// its drawn part, weighed by the squares of their shares, and so is that of all
// strata together.
//
// Returns what Draw returns.
//
// See Kish (1965), Survey Sampling, 5.4, 8.1 and 11.7; Kish (1992), J. Official
// Statistics 8, 183-200; Gabler, Haeder & Lahiri (1999), Surv. Methodol. 25, 105-106.
func SizesOf(clusters []Cluster, spec Spec) (Sizes, error) {
	out, err := sizesOf(clusters, spec)
	if err != nil {
		return out, err
	}
	if out.Enough, err = enough(clusters, spec); err != nil {
		return out, err
	}
	e := spec.Expect
	need, err := sampling.Size(sampling.Plan{Margin: e.Margin, P: half, Population: max(1, out.All.Adults), Deff: out.All.Deff, ResponseRate: e.Response, Level: e.Level})
	if err != nil {
		return out, fmt.Errorf("size of the plan: %w", err)
	}
	out.Needed, out.Invite = need.N, need.Invite
	return out, nil
}

// half is the proportion with the widest interval.
const half = 0.5

func sizesOf(clusters []Cluster, spec Spec) (Sizes, error) {
	strata, err := allocate(clusters, spec)
	if err != nil {
		return Sizes{}, err
	}
	var out Sizes
	all := StratumSize{Code: ""}
	for _, s := range strata {
		all.Homes += s.homes
	}
	known := adultsOf(clusters, nil)
	variance, squares := 0.0, 0.0
	for _, s := range strata {
		x, p, err := s.expect(clusters, spec, known)
		if err != nil {
			return Sizes{}, err
		}
		out.Strata = append(out.Strata, x)
		all.PSUs, all.Draw, all.Certain, all.Small = all.PSUs+x.PSUs, all.Draw+x.Draw, all.Certain+x.Certain, all.Small+x.Small
		all.Adults, all.Visits, all.Reserve, all.Interviews = all.Adults+x.Adults, all.Visits+x.Visits, all.Reserve+x.Reserve, all.Interviews+x.Interviews
		share := x.Margin * float64(x.Homes) / float64(all.Homes)
		variance += share * share
		squares += p.squares
	}
	all.Margin = math.Sqrt(variance)
	all.Weights = all.Visits * squares / square(float64(all.Homes)) * known.effect
	// What all of it is worth beside a simple random sample of as many, before the
	// finite population, which both have.
	simple, err := margin(all.Interviews, all.Adults, 1, spec.Expect.Level)
	if err != nil {
		return Sizes{}, err
	}
	all.Deff = 1
	if simple > 0 && all.Margin > 0 {
		all.Deff = square(all.Margin / simple)
	}
	all.Cluster = max(1, all.Deff/all.Weights)
	out.All = all
	return out, nil
}

// expect works out a stratum.
func (s stratum) expect(clusters []Cluster, spec Spec, known adults) (StratumSize, part, error) {
	x := StratumSize{Code: s.code, PSUs: len(s.clusters), Homes: s.homes, Draw: s.draw, Lonely: s.draw == 1}
	x.Adults = adultsOf(clusters, s.clusters).total(known)
	var certain, drawn, both part
	for i, at := range s.clusters {
		c := clusters[at]
		take, reserve := spec.within(c.Homes)
		if c.Homes < spec.Take+spec.Reserve {
			x.Small++
		}
		p := &drawn
		if s.prob[i] == 1 {
			p = &certain
			x.Certain++
		}
		pi, b, m := s.prob[i], float64(take), float64(c.Homes)
		p.psus += pi
		p.homes += m
		p.visits += pi * b
		p.reserve += pi * float64(reserve)
		p.interviews += pi * spec.interviews(b, float64(reserve))
		p.squares += m * m / (pi * b)
	}
	variance := 0.0
	for i, p := range []part{certain, drawn} {
		if p.homes == 0 {
			continue
		}
		d, err := sampling.PlanDeff(max(1, p.visits*p.squares/square(p.homes)*known.effect), 1, spec.Expect.Roh)
		if err == nil && i == 1 {
			d, err = sampling.PlanDeff(d.Total, max(1, p.interviews/p.psus), spec.Expect.Roh)
		}
		if err != nil {
			return x, part{}, fmt.Errorf("design effect of stratum %s: %w", s.code, err)
		}
		share := p.homes / float64(s.homes)
		e, err := margin(p.interviews, x.Adults*share, d.Total, spec.Expect.Level)
		if err != nil {
			return x, part{}, fmt.Errorf("margin of stratum %s: %w", s.code, err)
		}
		variance += square(share * e)
		both = part{both.homes + p.homes, both.visits + p.visits, both.reserve + p.reserve, both.interviews + p.interviews, both.psus + p.psus, both.squares + p.squares}
	}
	x.Visits, x.Reserve, x.Interviews, x.Margin = both.visits, both.reserve, both.interviews, math.Sqrt(variance)
	x.Weights = max(1, both.visits*both.squares/square(both.homes)*known.effect)
	x.Cluster = 1
	if drawn.homes > 0 {
		x.Cluster = 1 + max(0, drawn.interviews/drawn.psus-1)*spec.Expect.Roh
	}
	simple, err := margin(both.interviews, x.Adults, 1, spec.Expect.Level)
	if err != nil {
		return x, part{}, fmt.Errorf("margin of stratum %s: %w", s.code, err)
	}
	x.Deff = 1
	if simple > 0 && x.Margin > 0 {
		x.Deff = square(x.Margin / simple)
	}
	return x, both, nil
}

// interviews are those to expect of a PSU: households of the reserve take the place
// of others when the rules let them.
func (s Spec) interviews(take, reserve float64) float64 {
	r := s.Expect.Response
	if s.Rules.Replace == ReplaceClosed {
		return min(take, r*(take+reserve))
	}
	return r * take
}

// margin is half the width of the interval of one half, for expected interviews.
func margin(interviews, population, deff, level float64) (float64, error) {
	n := max(1, math.Round(interviews))
	return sampling.Margin(int(n), half, max(n, population), deff, level)
}

// adults are those of households whose number the frame knows.
type adults struct {
	homes, known int
	sum          float64
	effect       float64 // 1 + cv² of the adults in a household; 1 when none is known
}

func adultsOf(clusters []Cluster, only []int) adults {
	var a adults
	squares := 0.0
	add := func(c Cluster) {
		a.homes, a.known = a.homes+c.Homes, a.known+c.Known
		a.sum, squares = a.sum+float64(c.Adults), squares+float64(c.Squares)
	}
	if only == nil {
		for _, c := range clusters {
			add(c)
		}
	}
	for _, i := range only {
		add(clusters[i])
	}
	a.effect = 1
	if a.sum > 0 {
		a.effect = float64(a.known) * squares / square(a.sum)
	}
	return a
}

// total estimates the adults of all households by those of which they are known,
// here or else anywhere in the frame.
func (a adults) total(anywhere adults) float64 {
	switch {
	case a.known > 0 && a.sum > 0:
		return a.sum * float64(a.homes) / float64(a.known)
	case anywhere.sum > 0:
		return anywhere.sum * float64(a.homes) / float64(anywhere.known)
	}
	return float64(a.homes)
}

// enough finds the smallest PSUs that reach the interval aimed at, by halving.
func enough(clusters []Cluster, spec Spec) (int, error) {
	reached := func(psus int) (bool, error) {
		spec.PSUs = psus
		s, err := sizesOf(clusters, spec)
		if errors.Is(err, survey.ErrInvalid) { // fewer than the strata need
			return false, nil
		}
		return s.All.Margin <= spec.Expect.Margin, err
	}
	low, high := fewest, min(mostPSUs, max(fewest, len(clusters))) // in a stratum no more than in all
	if ok, err := reached(high); err != nil || !ok {
		return 0, err
	}
	for low < high {
		middle := (low + high) / 2
		ok, err := reached(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return high, nil
}

func square(x float64) float64 { return x * x }
