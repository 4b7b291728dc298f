package estimate

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// Pair are the sums of two variables y and x over the respondents of a cell who
// answered both, for the ratio of their totals.
type Pair struct {
	Y, X Sums
	DYX  float64 // \sum d y x
	DDYX float64 // \sum d^2 y x
}

// Add puts one respondent with design weight d and answers y and x into the sums.
func (p *Pair) Add(d, y, x float64) {
	p.Y.Add(d, y)
	p.X.Add(d, x)
	p.DYX += d * y * x
	p.DDYX += d * d * y * x
}

func (p *Pair) plus(o *Pair) {
	if o.Y.N == 0 {
		return
	}
	p.Y.plus(&o.Y)
	p.X.plus(&o.X)
	p.DYX += o.DYX
	p.DDYX += o.DDYX
}

// centredPair is a pair about the means of the cell.
type centredPair struct {
	y, x     centred
	yx, ddyx float64 // \sum d (y-mean)(x-mean), \sum d^2 (y-my)(x-mx)
}

func centrePair(p *Pair) centredPair {
	c := centredPair{y: centre(&p.Y), x: centre(&p.X)}
	c.yx, c.ddyx = p.DYX-p.Y.DY*c.x.mean, p.DDYX-p.Y.DDY*c.x.my
	return c
}

// less returns the sums of y - r x.
func (c *centredPair) less(r float64) centred {
	e := centred{n: c.y.n, d: c.y.d, dd: c.y.dd, mean: c.y.mean - r*c.x.mean, my: c.y.my - r*c.x.my}
	square := func(yy, yx, xx float64) float64 {
		s := yy - 2*r*yx + r*r*xx
		if s <= rounding*(yy+r*r*xx) {
			return 0
		}
		return s
	}
	e.ss, e.ddss = square(c.y.ss, c.yx, c.x.ss), square(c.y.ddss, c.ddyx, c.x.ddss)
	return e
}

// checkPairs returns an error when the pairs of a cell cannot be sums of anything.
func checkPairs(i int, c *Cell) error {
	for k := range c.Pairs {
		p := &c.Pairs[k]
		for s, sums := range []*Sums{&p.Y, &p.X} {
			if err := checkSums(i, s, sums); err != nil {
				err.(*stats.ValueError).What = fmt.Sprintf("pair %d: %s", k, err.(*stats.ValueError).What)
				return err
			}
		}
		why := func(field string, v float64, why string) error {
			return &stats.ValueError{What: fmt.Sprintf("pair %d: cell: %s", k, field), Row: i, Value: v, Why: why}
		}
		const slack = 1 + 1e-9
		switch {
		case !stats.IsFinite(p.DYX):
			return why("DYX", p.DYX, "is not finite")
		case !stats.IsFinite(p.DDYX):
			return why("DDYX", p.DDYX, "is not finite")
		case p.Y.N != p.X.N || p.Y.N > 0 && math.Abs(p.Y.D-p.X.D) > 1e-9*p.Y.D:
			return why("N", p.X.N, "is not that of the other variable")
		case p.Y.N > c.All.N:
			return why("N", p.Y.N, "is larger than the N of everyone")
		case p.Y.N > 0 && math.Abs(p.DYX) > slack*math.Sqrt(p.Y.DYY)*math.Sqrt(p.X.DYY)+residue:
			return why("DYX", p.DYX, "is larger than its squares allow")
		}
	}
	return nil
}

// Ratio estimates the ratio of the totals of a pair over the people of the leaves
// for which in returns true (nil: everybody),
//
//	R = \sum w y / \sum w x
//
// over the respondents who answered both, with the linearised score
// u = (y - R x) / \sum w x in the place of Mean's; counts and variance are those
// of Mean. A design effect is not defined: Deff and VarSRS are NaN. It returns
// ErrEmptyDomain when nobody with weight answered both and a *stats.ValueError
// when the denominator is 0 or the sums are beyond all numbers. It panics when
// pair is not one of the cells' pairs.
//
// See Sarndal, Swensson & Wretman (1992), section 5.6.
func (t *Tally) Ratio(pair int, in func(leaf int) bool) (CellMean, error) {
	if len(t.cells) == 0 && pair >= 0 { // nobody says how many pairs there are
		return CellMean{}, ErrEmptyDomain
	}
	if pair < 0 || pair >= len(t.pairs) {
		panic(fmt.Sprintf("estimate: pair %d is not one of %d", pair, len(t.pairs)))
	}
	sums := t.pairs[pair]
	j := job{}
	var n, top, bottom float64
	for _, l := range t.leaves {
		if in != nil && !in(l.number) {
			continue
		}
		j.domain = append(j.domain, l)
		for i := l.from; i < l.to; i++ {
			if c := &sums[i]; c.y.n > 0 && c.y.d > 0 {
				g := t.g(i)
				n += c.y.n
				top += g * c.y.d * c.y.mean
				bottom += g * c.x.d * c.x.mean
			}
		}
	}
	if n == 0 {
		return CellMean{}, ErrEmptyDomain
	}
	r := top / bottom
	switch {
	case bottom == 0:
		return CellMean{}, &stats.ValueError{What: "denominator of the ratio", Row: -1, Value: bottom, Why: "is zero"}
	case !stats.IsFinite(r) || !stats.IsFinite(bottom):
		return CellMean{}, &stats.ValueError{What: "ratio", Row: -1, Value: r, Why: "is not finite"}
	}
	// With e = y - R x, whose mean is 0, the scores of R are those of the mean of
	// e times \sum w / \sum w x.
	j.y = make([]centred, len(sums))
	for _, l := range j.domain {
		for i := l.from; i < l.to; i++ {
			j.y[i] = sums[i].less(r)
		}
	}
	t.newWorker(1).run([]*job{&j})
	if j.empty {
		return CellMean{}, ErrEmptyDomain
	}
	scale := j.m.SumW / bottom
	j.m.Estimate = r
	j.m.Var *= scale * scale
	j.m.SE = math.Sqrt(j.m.Var)
	j.m.VarSRS, j.m.Deff = math.NaN(), math.NaN()
	return j.m, nil
}
