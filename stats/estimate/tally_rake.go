package estimate

import (
	"fmt"

	"chengyin/stats/weighting"
)

// raked is what calibration adds to a tally.
type raked struct {
	g      []float64 // per class
	cat    [][]int   // category of each class in each margin, as columns of x
	p      int       // columns of x: the categories of all margins
	normal *weighting.Normal
	// Sums over everyone, for the part -w x'B of the residuals. Numbered PSUs
	// need \sum w x, stored sparsely; strata of elements need \sum w and
	// \sum w^2 of each class, in one slot per stratum and class.
	psu     [][]term    // per numbered PSU
	element []classSums // per slot
	slot    []int       // of each cell, -1 for cells of numbered PSUs
}

type term struct {
	col int
	wx  float64 // \sum w over the PSU's people in the category
}

type classSums struct {
	stratum, class int
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
	for _, c := range t.cells {
		d[c.class] += c.all.D
	}
	g, rep, err := weighting.RakeClasses(d, cat, margins, opt)
	if err != nil {
		return nil, rep, err
	}
	r := &raked{g: g, cat: make([][]int, len(cat))}
	first := make([]int, len(margins))
	for m, mg := range margins {
		first[m] = r.p
		r.p += len(mg.Categories)
	}
	for c, row := range cat {
		r.cat[c] = make([]int, len(row))
		for m, k := range row {
			r.cat[c][m] = first[m] + k
		}
	}
	xx := make([]float64, r.p*r.p)
	for c, cols := range r.cat {
		for _, i := range cols {
			for _, j := range cols {
				xx[i*r.p+j] += d[c]
			}
		}
	}
	r.normal = weighting.NewNormal(xx, r.p)
	r.collect(t)
	out := *t
	out.rake = r
	return &out, rep, nil
}

// collect adds up the weights of everyone by PSU and category, and by class in
// strata of elements.
func (r *raked) collect(t *Tally) {
	r.psu = make([][]term, t.psus)
	r.slot = make([]int, len(t.cells))
	where := make([]map[int]int, t.psus)
	slots := map[[2]int]int{}
	for k, c := range t.cells {
		g := r.g[c.class]
		if c.psu == Element {
			key := [2]int{c.stratum, c.class}
			i, known := slots[key]
			if !known {
				i = len(r.element)
				slots[key] = i
				r.element = append(r.element, classSums{stratum: c.stratum, class: c.class})
			}
			r.slot[k] = i
			r.element[i].w += g * c.all.D
			r.element[i].ww += g * g * c.all.DD
			continue
		}
		r.slot[k] = -1
		if where[c.psu] == nil {
			where[c.psu] = map[int]int{}
		}
		for _, col := range r.cat[c.class] {
			i, known := where[c.psu][col]
			if !known {
				i = len(r.psu[c.psu])
				where[c.psu][col] = i
				r.psu[c.psu] = append(r.psu[c.psu], term{col: col})
			}
			r.psu[c.psu][i].wx += g * c.all.D
		}
	}
}

// explained returns x'B of a class: what the margins explain of its scores.
func (r *raked) explained(class int, b []float64) float64 {
	s := 0.0
	for _, col := range r.cat[class] {
		s += b[col]
	}
	return s
}
