package estimate

import (
	"fmt"
	"slices"

	"chengyin/stats/weighting"
)

// raked is what calibration adds to a tally.
type raked struct {
	g      []float64 // per class
	of     []float64 // the same per cell
	cat    []int32   // columns of x of each class, margins of them per class
	width  int       // number of margins
	p      int       // columns of x: the categories of all margins
	normal *weighting.Normal
	// Sums over everyone, for the part -w x'B of the residuals. Numbered PSUs
	// need \sum w x, the terms from[i]:from[i+1] of PSU i; strata of elements
	// need \sum w and \sum w^2 of each class, in one slot per stratum and class.
	from    []int32
	terms   []term
	element []classSums // per slot
	slot    []int32     // of each cell, -1 for cells of numbered PSUs; nil when there are no others
}

type term struct {
	wx  float64 // \sum w over the PSU's people in the category
	col int32
}

type classSums struct {
	stratum, class int32
	w, ww          float64
}

// Rake calibrates the tally to the margins, where cat[class][margin] is the
// category of a class, and returns a new Tally whose weights are w = d g. Its
// means take the weights w; its variances take, as the calibrated estimator's
// do, the residuals
//
//	e_k = u_k - x_k'B,  B = (\sum d x x')^- \sum d x u
//
// of the linearised scores u on the indicators x of all categories, regressed
// with the initial weights d, in the place of the scores. Rake always starts
// from the design weights, also on a tally that has been raked before.
//
// It panics when cat has no row for a class in use; other refusals are those of
// weighting.RakeClasses.
//
// See Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382, section 4.
func (t *Tally) Rake(cat [][]int, margins []weighting.Margin, opt weighting.Options) (*Tally, weighting.Report, error) {
	if len(cat) < t.classes {
		panic(fmt.Sprintf("estimate: class %d of a cell is not one of the %d in the class table", t.classes-1, len(cat)))
	}
	d := make([]float64, len(cat))
	for i := range t.cells {
		c := &t.cells[i]
		d[c.class] += c.d
	}
	g, rep, err := weighting.RakeClasses(d, cat, margins, opt)
	if err != nil {
		return nil, rep, err
	}
	r := &raked{g: g, of: make([]float64, len(t.cells)), width: len(margins), cat: make([]int32, 0, len(cat)*len(margins))}
	for i := range t.cells {
		r.of[i] = g[t.cells[i].class]
	}
	first := make([]int, len(margins))
	for m, mg := range margins {
		first[m] = r.p
		r.p += len(mg.Categories)
	}
	for _, row := range cat {
		for m, k := range row {
			r.cat = append(r.cat, int32(first[m]+k))
		}
	}
	xx := make([]float64, r.p*r.p)
	for c := range cat {
		cols := r.columns(int32(c))
		for _, i := range cols {
			for _, j := range cols {
				xx[int(i)*r.p+int(j)] += d[c]
			}
		}
	}
	r.normal = weighting.NewNormal(xx, r.p)
	r.collect(t)
	out := *t
	out.rake = r
	return &out, rep, nil
}

// columns returns the categories of a class, as columns of x.
func (r *raked) columns(class int32) []int32 {
	return r.cat[int(class)*r.width : int(class+1)*r.width]
}

// collect adds up the weights of everyone by PSU and category, and by class in
// strata of elements.
func (r *raked) collect(t *Tally) {
	slots := map[[2]int32]int32{}
	r.from = make([]int32, t.psus+1)
	for i := range t.cells {
		c := &t.cells[i]
		if c.psu != Element {
			r.from[c.psu+1]++
			continue
		}
		if r.slot == nil {
			r.slot = slices.Repeat([]int32{-1}, len(t.cells))
		}
		key := [2]int32{c.stratum, c.class}
		at, known := slots[key]
		if !known {
			at = int32(len(r.element))
			slots[key] = at
			r.element = append(r.element, classSums{stratum: c.stratum, class: c.class})
		}
		r.slot[i] = at
		r.element[at].w += r.of[i] * c.d
		r.element[at].ww += r.of[i] * r.of[i] * c.dd
	}
	for i := range t.psus {
		r.from[i+1] += r.from[i]
	}
	byPSU, next := make([]int32, r.from[t.psus]), slices.Clone(r.from)
	for i := range t.cells {
		if psu := t.cells[i].psu; psu != Element {
			byPSU[next[psu]] = int32(i)
			next[psu]++
		}
	}
	// seen is one more than the place of a column among the terms of the PSU.
	seen := make([]int32, r.p)
	for psu := range t.psus {
		cells := byPSU[r.from[psu]:r.from[psu+1]]
		start := int32(len(r.terms))
		r.from[psu] = start
		for _, i := range cells {
			w := r.of[i] * t.cells[i].d
			for _, col := range r.columns(t.cells[i].class) {
				if seen[col] <= start {
					r.terms = append(r.terms, term{col: col})
					seen[col] = int32(len(r.terms))
				}
				r.terms[seen[col]-1].wx += w
			}
		}
	}
	r.from[t.psus] = int32(len(r.terms))
}

// explained returns x'B of a class: what the margins explain of its scores. The
// coefficients of a column are stride apart.
func (r *raked) explained(class int32, b []float64, stride int) float64 {
	s := 0.0
	for _, col := range r.columns(class) {
		s += b[int(col)*stride]
	}
	return s
}
