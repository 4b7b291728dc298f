package estimate

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Covariance returns the covariance matrix of linear statistics of this design,
//
//	V = \sum_h (1-f_h) n_h/(n_h-1) \sum_i (t_hi - \bar t_h)(t_hi - \bar t_h)'
//	    + \sum_h f_h \sum_i V_i
//
// over the strata h and PSUs i of the first stage, with t_hi = \sum w_k u_k,
// f_h = n_h/N_h, and V_i the same formula inside PSU i with the strata and units
// of the second stage, and so on. Without sizes f is 0 and later stages do not
// matter. With PPS the correction is the unit's own, 1 - \pi_hi, and V_i counts
// \pi_hi. After calibration the residuals of u take the place of u.
//
// It returns nil when no statistic is given.
//
// See Sarndal, Swensson & Wretman (1992), result 4.3.1; Deville & Sarndal (1992).
func (d *Design) Covariance(s ...Linear) *mat.SymDense {
	if len(s) == 0 {
		return nil
	}
	z := make([][]float64, len(s))
	for j, x := range s {
		d.checkRows("score", len(x.Score), false)
		z[j] = d.residuals(x.Score)
		for k := range z[j] {
			z[j][k] *= d.w[k]
		}
	}
	v := mat.NewSymDense(len(z), nil)
	for i := range d.levels {
		d.levels[i].add(v, z, d.lonely, d.reach(i, s))
	}
	return v
}

// reach marks the strata of a stage that the statistics are about when all have
// the same domain: those that Average counts. A calibration and unequal
// probabilities without replacement tie all rows together, and then, as without
// a common domain, nil stands for all strata.
//
// R's survey counts so, because subset() drops the rows outside.
func (d *Design) reach(stage int, s []Linear) []bool {
	if d.lonely != Average || d.cal != nil || d.levels[0].prob != nil || s[0].domain == nil {
		return nil
	}
	for _, x := range s[1:] {
		if !slices.Equal(x.domain, s[0].domain) {
			return nil
		}
	}
	l := &d.levels[stage]
	in := make([]bool, len(l.strata))
	for k, u := range l.unit {
		if s[0].domain[k] {
			in[l.home[u]] = true
		}
	}
	return in
}

// add adds the part of one stage to v. Average counts the strata of reach, all
// when it is nil; when none of them can be used the variance is NaN.
func (l *level) add(v *mat.SymDense, z [][]float64, rule LonelyRule, reach []bool) {
	p := len(z)
	total := make([][]float64, p) // of each unit
	for j := range z {
		total[j] = make([]float64, len(l.home))
		for k, u := range l.unit {
			total[j][u] += z[j][k]
		}
	}
	center := make([][]float64, p) // of each stratum
	for j := range center {
		center[j] = make([]float64, len(l.strata))
		for u, h := range l.home {
			center[j][h] += total[j][u]
		}
		for h := range l.strata {
			center[j][h] /= l.strata[h].n
		}
	}
	factor := make([]float64, len(l.strata))            // without the correction
	all, usable := map[int]float64{}, map[int]float64{} // strata by parent
	for h := range l.strata {
		s := &l.strata[h]
		if reach != nil && !reach[h] {
			continue // nobody of the domain
		}
		all[s.parent]++
		switch {
		case s.fpc < certain:
			usable[s.parent]++
		case s.n > 1:
			factor[h] = s.share * s.n / (s.n - 1)
			usable[s.parent]++
		case rule == Adjust:
			factor[h] = s.share
			usable[s.parent]++
		case rule != Average:
			usable[s.parent]++
		}
	}
	if rule == Average {
		for h := range l.strata {
			if reach == nil || reach[h] {
				factor[h] *= all[l.strata[h].parent] / usable[l.strata[h].parent]
			}
		}
	}
	if rule == Adjust {
		l.recenter(center, total)
	}
	for u, h := range l.home {
		if factor[h] == 0 { // 0 times Inf is NaN: no stratum to learn from
			continue
		}
		for a := range p {
			x := factor[h] * l.correction(u) * (total[a][u] - center[a][h])
			for b := a; b < p; b++ {
				v.SetSym(a, b, v.At(a, b)+x*(total[b][u]-center[b][h]))
			}
		}
	}
}

// recenter moves the centre of lonely strata to the mean of all unit totals, at
// later stages of those inside the same unit of the stage before.
func (l *level) recenter(center, total [][]float64) {
	n := map[int]float64{} // units by parent
	for h := range l.strata {
		n[l.strata[h].parent] += l.strata[h].n
	}
	for j := range center {
		sum := map[int]float64{}
		for u, x := range total[j] {
			sum[l.strata[l.home[u]].parent] += x
		}
		for h := range l.strata {
			if s := &l.strata[h]; s.lone() {
				center[j][h] = sum[s.parent] / n[s.parent]
			}
		}
	}
}

// Estimate is a figure with its precision. Its design effects compare Var with the
// variance of a simple random sample of the N rows,
//
//	Deff         Var / ((1 - N/W) s^2/N)
//	DeffReplace  Var / (s^2/N),   s^2 = N/(N-1) \sum w (y - \bar y)^2 / W
//
// for a mean, with W = SumW; for a total s^2 is multiplied by W^2. Deff says
// something only when weights are scaled to the population.
//
// See Kish (1965), Survey Sampling, section 8.2.
type Estimate struct {
	N                 int     // rows of weight above 0 behind it
	SumW              float64 // their \sum w
	Value, Var, SE    float64
	PSUs, Strata      int     // of the domain, weight above 0
	DF                int     // PSUs - Strata; an interval needs at least 1
	DesignDF          int     // of the whole design
	Deff, DeffReplace float64 // against simple random sampling without and with replacement, NaN when not defined
}

// Estimate computes the precision of a linear statistic of this design: its
// variance by Covariance, its degrees of freedom by DF. It panics when the
// statistic is of a design with another number of rows.
func (d *Design) Estimate(s Linear) Estimate {
	e := Estimate{N: s.N, SumW: s.SumW, Value: s.Value, DesignDF: d.df}
	e.Var = d.Covariance(s).At(0, 0)
	e.SE = math.Sqrt(e.Var)
	e.PSUs, e.Strata, e.DF = d.count(s.domain)
	e.Deff, e.DeffReplace = math.NaN(), math.NaN()
	if s.srs > 0 {
		e.Deff = e.Var / s.srs
	}
	if s.srsReplace > 0 {
		e.DeffReplace = e.Var / s.srsReplace
	}
	return e
}
