package estimate

import (
	"fmt"
	"math"
)

// CellMean is a weighted mean of one variable in a domain, with its precision.
type CellMean struct {
	N            int     // answers
	SumW, SumWW  float64 // \sum w, \sum w^2 of the answers
	Estimate     float64
	Var, SE      float64 // linearised variance of the estimate and its root
	PSUs, Strata int     // with answers of weight above 0 in the domain
	DF           int     // PSUs - Strata; an interval needs at least 1
	DesignDF     int     // of the whole design
	VarSRS       float64 // s^2/n, the variance of a simple random sample drawn with replacement
	Deff         float64 // Var/VarSRS, NaN if VarSRS is 0
	KishNeff     float64 // (\sum w)^2 / \sum w^2
}

// Mean estimates the mean of variable v over the people of the leaves for which
// in returns true (nil: everybody),
//
//	\bar y = \sum w y / \sum w
//
// over the answers, with the linearised score u = (y - \bar y) / \sum w inside
// the domain and 0 outside. Its variance is
//
//	V = \sum_h n_h/(n_h-1) \sum_i (t_hi - \bar t_h)^2,  t_hi = \sum_{k in hi} w_k u_k
//
// over strata h and PSUs i of the whole design, which enter with t = 0 when
// they have nobody in the domain; n_h counts all of them. After Rake the
// residuals of u take its place. VarSRS is
//
//	s^2/n,  s^2 = n/(n-1) \sum w (y - \bar y)^2 / \sum w
//
// and NaN when n = 1. People without an answer to v are outside the domain. It
// returns ErrEmptyDomain when there is no answer of weight above 0. It panics
// when v is not a variable. See docs/methods for the formulas and Sarndal,
// Swensson & Wretman (1992), Model Assisted Survey Sampling, chapters 5 and 6.
func (t *Tally) Mean(v int, in func(leaf int) bool) (CellMean, error) {
	if v < 0 || v >= t.variables {
		panic(fmt.Sprintf("estimate: variable %d is not one of %d", v, t.variables))
	}
	domain := make([]leaf, 0, len(t.leaves))
	for _, l := range t.leaves {
		if in == nil || in(l.number) {
			domain = append(domain, l)
		}
	}
	m := CellMean{DesignDF: t.df}
	n, wy := 0.0, 0.0
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			y := &c.y[v]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			g := t.g(c.class)
			n += y.n
			m.SumW += g * y.d
			m.SumWW += g * g * y.dd
			wy += g * y.d * y.mean
		}
	}
	if !(m.SumW > 0) {
		return CellMean{}, ErrEmptyDomain
	}
	m.N = int(math.Round(n))
	m.KishNeff = m.SumW * m.SumW / m.SumWW
	m.Estimate = wy / m.SumW
	t.polish(v, domain, &m)
	m.VarSRS = t.spread(v, domain, &m) / (n - 1) / m.SumW
	if n == 1 {
		m.VarSRS = math.NaN()
	}
	t.count(v, domain, &m)
	m.Var = t.variance(v, domain, &m)
	m.SE = math.Sqrt(m.Var)
	m.Deff = math.NaN()
	if m.VarSRS > 0 {
		m.Deff = m.Var / m.VarSRS
	}
	return m, nil
}

// polish adds the weighted mean of the deviations to the estimate, which gets
// back the digits the first sum lost.
func (t *Tally) polish(v int, domain []leaf, m *CellMean) {
	s := 0.0
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			if y := &c.y[v]; y.n > 0 && y.d > 0 {
				s += t.g(c.class) * y.d * (y.mean - m.Estimate)
			}
		}
	}
	m.Estimate += s / m.SumW
}

// spread returns \sum w (y - \bar y)^2.
func (t *Tally) spread(v int, domain []leaf, m *CellMean) float64 {
	s := 0.0
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			if y := &c.y[v]; y.n > 0 && y.d > 0 {
				off := y.mean - m.Estimate
				s += t.g(c.class) * (y.ss + y.d*off*off)
			}
		}
	}
	return s
}

// count fills in PSUs, Strata and DF of the domain.
func (t *Tally) count(v int, domain []leaf, m *CellMean) {
	seen := make([]bool, t.psus)
	in := make([]bool, len(t.strata))
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			y := &c.y[v]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			if !in[c.stratum] {
				in[c.stratum] = true
				m.Strata++
			}
			switch {
			case c.psu == Element:
				m.PSUs += int(math.Round(y.n))
			case !seen[c.psu]:
				seen[c.psu] = true
				m.PSUs++
			}
		}
	}
	m.DF = m.PSUs - m.Strata
}

// variance returns the linearised variance of the mean m.
func (t *Tally) variance(v int, domain []leaf, m *CellMean) float64 {
	total := make([]float64, t.psus)      // t_hi of numbered PSUs
	sum := make([]float64, len(t.strata)) // \sum_k z_k of strata of elements
	sqs := make([]float64, len(t.strata)) // \sum_k z_k^2 of them
	b := t.coefficients(v, domain, m)     // nil before Rake
	var outside []float64                 // \sum w^2 outside the domain, per slot
	if b != nil {
		outside = make([]float64, len(t.rake.element))
		for i, s := range t.rake.element {
			outside[i] = s.ww
		}
	}
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			y := &c.y[v]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			g := t.g(c.class)
			if c.psu != Element {
				total[c.psu] += g * y.d * (y.mean - m.Estimate) / m.SumW
				continue
			}
			sum[c.stratum] += g * y.d * (y.mean - m.Estimate) / m.SumW
			off := (y.my - m.Estimate) / m.SumW
			if b != nil {
				off -= t.rake.explained(c.class, b)
				outside[t.rake.slot[i]] -= g * g * y.dd
			}
			sqs[c.stratum] += g * g * (y.ddss/m.SumW/m.SumW + y.dd*off*off)
		}
	}
	if b != nil {
		for i, terms := range t.rake.psu {
			for _, x := range terms {
				total[i] -= x.wx * b[x.col]
			}
		}
		for i, s := range t.rake.element {
			a := t.rake.explained(s.class, b)
			sum[s.stratum] -= s.w * a
			if outside[i] > rounding*s.ww {
				sqs[s.stratum] += outside[i] * a * a
			}
		}
	}
	return t.combine(total, sum, sqs)
}

// coefficients returns B of the regression of the scores on the margins, or nil
// when the tally is not raked.
func (t *Tally) coefficients(v int, domain []leaf, m *CellMean) []float64 {
	if t.rake == nil {
		return nil
	}
	xu := make([]float64, t.rake.p)
	for _, l := range domain {
		for i := l.from; i < l.to; i++ {
			c := &t.cells[i]
			y := &c.y[v]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			du := y.d * (y.mean - m.Estimate) / m.SumW
			for _, col := range t.rake.cat[c.class] {
				xu[col] += du
			}
		}
	}
	return t.rake.normal.Solve(xu)
}

// combine adds the strata up to the variance. The lonely ones follow the rule.
func (t *Tally) combine(total, sum, sqs []float64) float64 {
	mean := 0.0
	if t.opt.Lonely == Adjust {
		n := 0.0
		for h, s := range t.strata {
			n += s.n
			mean += sum[h]
		}
		for _, x := range total {
			mean += x
		}
		mean /= n
	}
	v, usable := 0.0, 0
	for h, s := range t.strata {
		switch {
		case s.n == 0:
		case s.n == 1 && t.opt.Lonely == Adjust:
			one := sum[h]
			if !s.element {
				one = total[s.from]
			}
			v += (one - mean) * (one - mean)
			usable++
		case s.n == 1 && t.opt.Lonely == Average:
		case s.n == 1:
			usable++
		case s.element:
			v += s.n / (s.n - 1) * max(0, sqs[h]-sum[h]*sum[h]/s.n)
			usable++
		default:
			ss, bar := 0.0, 0.0
			for _, x := range total[s.from:s.to] {
				bar += x
			}
			bar /= s.n
			for _, x := range total[s.from:s.to] {
				ss += (x - bar) * (x - bar)
			}
			v += s.n / (s.n - 1) * ss
			usable++
		}
	}
	if t.opt.Lonely == Average && usable > 0 {
		strata := 0
		for _, s := range t.strata {
			if s.n > 0 {
				strata++
			}
		}
		v *= float64(strata) / float64(usable)
	}
	return v
}
