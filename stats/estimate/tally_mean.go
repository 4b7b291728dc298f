package estimate

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
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
	j := job{variable: v, y: t.y[v]}
	for _, l := range t.leaves {
		if in == nil || in(l.number) {
			j.domain = append(j.domain, l)
		}
	}
	t.newWorker(1).run([]*job{&j})
	if j.empty {
		return CellMean{}, ErrEmptyDomain
	}
	return j.m, nil
}

// MeansBy estimates the means of all variables in groups of leaves, as Mean does
// one by one and to the same last digit, but faster: group says which of the
// groups 0..n-1 a leaf belongs to, negative for none. The result is by variable
// and group; where nobody in the group has an answer, it has an N of 0 and an
// Estimate of NaN. It works on several goroutines, and panics when a group is
// not below n.
func (t *Tally) MeansBy(n int, group func(leaf int) int) [][]CellMean {
	domain := make([][]leaf, n)
	for _, l := range t.leaves {
		g := group(l.number)
		if g >= n {
			panic(fmt.Sprintf("estimate: leaf %d is in group %d of %d", l.number, g, n))
		}
		if g >= 0 {
			domain[g] = append(domain[g], l)
		}
	}
	jobs := make([]*job, 0, n*t.variables)
	for g := range domain {
		for v := range t.variables {
			jobs = append(jobs, &job{variable: v, group: g, domain: domain[g], y: t.y[v]})
		}
	}
	chunks := make(chan []*job)
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(jobs)+lanes-1)/lanes) {
		all.Go(func() {
			w := t.newWorker(lanes)
			for c := range chunks {
				w.run(c)
			}
		})
	}
	for c := range slices.Chunk(jobs, lanes) {
		chunks <- c
	}
	close(chunks)
	all.Wait()
	out := make([][]CellMean, t.variables)
	for v := range out {
		out[v] = make([]CellMean, n)
	}
	for _, j := range jobs {
		if j.empty {
			j.m = CellMean{Estimate: math.NaN(), Var: math.NaN(), SE: math.NaN(), VarSRS: math.NaN(), Deff: math.NaN(), DesignDF: t.df}
		}
		out[j.variable][j.group] = j.m
	}
	return out
}

// job is a mean to estimate.
type job struct {
	variable, group int
	y               []centred // per cell
	domain          []leaf
	m               CellMean
	lonely          int // strata of the domain with a single PSU
	empty           bool
}

// lanes is how many means are worked on together: the sums over all PSUs are
// what costs, and their data are read once for all of them.
const lanes = 8

// worker holds the sums of the means being worked on, those of one PSU, stratum
// or column next to each other.
type worker struct {
	t        *Tally
	width    int
	total    []float64 // t_hi of numbered PSUs
	sum, sqs []float64 // \sum_k z_k and \sum_k z_k^2 of strata of elements
	b        []float64 // coefficients of the columns of x
	xu       []float64 // \sum d x u of one mean
	outside  []float64 // \sum w^2 outside the domain of one mean, per slot
	psu, in  []int32   // the last mean that had people in the PSU, the stratum
	count    int32     // means so far
	elements bool      // some strata are of elements
}

func (t *Tally) newWorker(width int) *worker {
	w := &worker{t: t, width: width, total: make([]float64, width*t.psus), sum: make([]float64, width*len(t.strata)),
		sqs: make([]float64, width*len(t.strata)), psu: make([]int32, t.psus), in: make([]int32, len(t.strata))}
	for _, h := range t.strata {
		w.elements = w.elements || h.element
	}
	if r := t.rake; r != nil {
		w.b, w.xu, w.outside = make([]float64, width*r.p), make([]float64, r.p), make([]float64, len(r.element))
	}
	return w
}

// run estimates at most width means.
func (w *worker) run(jobs []*job) {
	clear(w.total)
	clear(w.sum)
	clear(w.sqs)
	clear(w.b)
	for lane, j := range jobs {
		w.locate(j)
		if !j.empty {
			w.spread(j, lane)
		}
	}
	if w.t.rake != nil {
		w.explain()
	}
	for lane, j := range jobs {
		if j.empty {
			continue
		}
		if w.elements {
			w.square(j, lane)
		}
		j.m.Var = w.combine(j, lane)
		j.m.SE = math.Sqrt(j.m.Var)
		j.m.Deff = math.NaN()
		if j.m.VarSRS > 0 {
			j.m.Deff = j.m.Var / j.m.VarSRS
		}
	}
}

// locate computes the mean itself, from the distances to a value of the domain,
// which keeps the digits that a sum of large values loses.
func (w *worker) locate(j *job) {
	t, y := w.t, j.y
	m := &j.m
	m.DesignDF = t.df
	n, off, from := 0.0, 0.0, math.NaN()
	for _, l := range j.domain {
		for i := l.from; i < l.to; i++ {
			y := &y[i]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			if n == 0 {
				from = y.mean
			}
			g := t.g(i)
			n += y.n
			m.SumW += g * y.d
			m.SumWW += g * g * y.dd
			off += g * y.d * (y.mean - from)
		}
	}
	if !(m.SumW > 0) {
		j.empty = true
		return
	}
	m.N = int(math.Round(n))
	m.KishNeff = m.SumW * m.SumW / m.SumWW
	m.Estimate = from + off/m.SumW
}

// spread fills in what the scores of the domain say: the variance of a simple
// random sample, PSUs and degrees of freedom, and their totals by PSU.
func (w *worker) spread(j *job, lane int) {
	t, y, m := w.t, j.y, &j.m
	w.count++
	clear(w.xu)
	ss := 0.0
	for _, l := range j.domain {
		for i := l.from; i < l.to; i++ {
			c, y := &t.cells[i], &y[i]
			if !(y.n > 0 && y.d > 0) {
				continue
			}
			g, off := t.g(i), y.mean-m.Estimate
			ss += g * (y.ss + y.d*off*off)
			u := off / m.SumW
			if w.in[c.stratum] != w.count {
				w.in[c.stratum] = w.count
				m.Strata++
				if t.strata[c.stratum].n == 1 {
					j.lonely++
				}
			}
			switch {
			case c.psu == Element:
				m.PSUs += int(math.Round(y.n))
				w.sum[int(c.stratum)*w.width+lane] += g * y.d * u
			default:
				if w.psu[c.psu] != w.count {
					w.psu[c.psu] = w.count
					m.PSUs++
				}
				w.total[int(c.psu)*w.width+lane] += g * y.d * u
			}
			if t.rake != nil {
				for _, col := range t.rake.columns(c.class) {
					w.xu[col] += y.d * u
				}
			}
		}
	}
	m.DF = m.PSUs - m.Strata
	m.VarSRS = ss / float64(m.N-1) / m.SumW
	if m.N == 1 {
		m.VarSRS = math.NaN()
	}
	if t.rake != nil {
		for col, b := range t.rake.normal.Solve(w.xu) {
			w.b[col*w.width+lane] = b
		}
	}
}

// explain takes what the margins explain off the totals of all PSUs.
func (w *worker) explain() {
	r := w.t.rake
	if w.width == 1 {
		for psu := range w.total {
			s := w.total[psu]
			for _, x := range r.terms[r.from[psu]:r.from[psu+1]] {
				s -= x.wx * w.b[x.col]
			}
			w.total[psu] = s
		}
		return
	}
	for psu := range w.t.psus {
		s := (*[lanes]float64)(w.total[psu*lanes:])
		s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
		for _, x := range r.terms[r.from[psu]:r.from[psu+1]] {
			b := (*[lanes]float64)(w.b[int(x.col)*lanes:])
			s0 -= x.wx * b[0]
			s1 -= x.wx * b[1]
			s2 -= x.wx * b[2]
			s3 -= x.wx * b[3]
			s4 -= x.wx * b[4]
			s5 -= x.wx * b[5]
			s6 -= x.wx * b[6]
			s7 -= x.wx * b[7]
		}
		s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7] = s0, s1, s2, s3, s4, s5, s6, s7
	}
}

// square fills in \sum z^2 of strata of elements, and takes what the margins
// explain off their \sum z.
func (w *worker) square(j *job, lane int) {
	t, y, m := w.t, j.y, &j.m
	for i := range w.outside {
		w.outside[i] = t.rake.element[i].ww
	}
	for _, l := range j.domain {
		for i := l.from; i < l.to; i++ {
			c, y := &t.cells[i], &y[i]
			if c.psu != Element || !(y.n > 0 && y.d > 0) {
				continue
			}
			g := t.g(i)
			off := (y.my - m.Estimate) / m.SumW
			if t.rake != nil {
				off -= t.rake.explained(c.class, w.b[lane:], w.width)
				w.outside[t.rake.slot[i]] -= g * g * y.dd
			}
			w.sqs[int(c.stratum)*w.width+lane] += g * g * (y.ddss/m.SumW/m.SumW + y.dd*off*off)
		}
	}
	for i, out := range w.outside {
		s := &t.rake.element[i]
		a := t.rake.explained(s.class, w.b[lane:], w.width)
		at := int(s.stratum)*w.width + lane
		w.sum[at] -= s.w * a
		if out > rounding*s.ww {
			w.sqs[at] += out * a * a
		}
	}
}

// combine adds the strata up to the variance of a mean. The lonely ones follow
// the rule; Average counts the strata of the domain, or after raking all, as
// Design.Covariance does.
func (w *worker) combine(j *job, lane int) float64 {
	t, width := w.t, w.width
	mean := 0.0
	if t.opt.Lonely == Adjust {
		n := 0.0
		for h, s := range t.strata {
			n += s.n
			mean += w.sum[h*width+lane]
		}
		for i := lane; i < len(w.total); i += width {
			mean += w.total[i]
		}
		mean /= n
	}
	v, usable := 0.0, 0
	for h, s := range t.strata {
		sum := w.sum[h*width+lane]
		switch {
		case s.n == 0:
		case s.n == 1 && t.opt.Lonely == Adjust:
			one := sum
			if !s.element {
				one = w.total[s.from*width+lane]
			}
			v += (one - mean) * (one - mean)
			usable++
		case s.n == 1 && t.opt.Lonely == Average:
		case s.n == 1:
			usable++
		case s.element:
			v += s.n / (s.n - 1) * max(0, w.sqs[h*width+lane]-sum*sum/s.n)
			usable++
		default:
			ss, bar := 0.0, 0.0
			for i := s.from*width + lane; i < s.to*width; i += width {
				bar += w.total[i]
			}
			bar /= s.n
			for i := s.from*width + lane; i < s.to*width; i += width {
				off := w.total[i] - bar
				ss += off * off
			}
			v += s.n / (s.n - 1) * ss
			usable++
		}
	}
	switch {
	case t.opt.Lonely != Average:
	case t.rake == nil:
		v *= float64(j.m.Strata) / float64(j.m.Strata-j.lonely) // NaN when all are lonely
	case usable > 0:
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
