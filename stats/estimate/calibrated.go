package estimate

import (
	"fmt"
	"slices"

	"chengyin/stats"
	"chengyin/stats/weighting"
)

// regression explains scores by the auxiliaries of a calibration. Rows of the
// same class share their auxiliaries, of which only those that are not 0 are
// kept.
type regression struct {
	d       []float64   // weights before the calibration over q, per row
	after   []float64   // weights after it
	earlier *regression // that of the calibration before, nil when it is the first
	class   []int       // of each row
	col     [][]int     // per class
	val     [][]float64
	share   []float64 // of what is explained, per row; nil is 1, see CalibratedClusters
	normal  *weighting.Normal
	p       int
}

// Rake returns the design with weights raked to the margins; row k is in
// class[k], and cat[class][margin] is the category of a class. Its variances
// take the residuals of the scores on the categories, regressed with the
// weights before, as those of Calibrated do. Raking a calibrated design starts
// from its weights.
//
// It panics when there is no class per row; other refusals are those of
// weighting.RakeClasses.
func (d *Design) Rake(class []int, cat [][]int, margins []weighting.Margin, opt weighting.Options) (*Design, weighting.Report, error) {
	d.checkRows("classes", len(class), false)
	w, rep, err := weighting.Rake(slices.Clone(d.w), class, cat, margins, opt)
	if err != nil {
		return nil, rep, err
	}
	first, p := make([]int, len(margins)), 0
	for m, mg := range margins {
		first[m] = p
		p += len(mg.Categories)
	}
	r := &regression{d: slices.Clone(d.w), class: class, p: p}
	for _, row := range cat {
		col, val := make([]int, len(row)), make([]float64, len(row))
		for m, k := range row {
			col[m], val[m] = first[m]+k, 1
		}
		r.col, r.val = append(r.col, col), append(r.val, val)
	}
	return d.calibrated(w, r), rep, nil
}

// Calibrated returns the design with the weights w, which were calibrated to
// the totals of the auxiliaries x (rows of the same length p). Variances of its
// estimates take in place of the score u the residual
//
//	e_k = u_k - x_k'B,  B = (\sum d x x'/q)^- \sum d x u/q
//
// with the weights d before calibration: what the auxiliaries explain does not
// vary from sample to sample. A second calibration takes residuals of the
// residuals, as R's survey does, and leaves the totals of the first: give all at
// once where that can be done. The q are the variance column the calibration
// used, > 0; nil is 1 everywhere. The weights of a linear calibration may be
// negative, and then count as they are. After weighting.CalibrateClusters, x and
// q are the averages it returns. It panics when slices are not one per row and
// returns a *stats.ValueError when a number is not finite.
//
// See Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382, section 4.
func (d *Design) Calibrated(w []float64, x [][]float64, q []float64) (*Design, error) {
	d.checkRows("weights", len(w), false)
	d.checkRows("auxiliaries", len(x), false)
	d.checkRows("variance column", len(q), q == nil)
	if err := stats.CheckFinite("calibrated weight", w); err != nil {
		return nil, err
	}
	r := &regression{d: slices.Clone(d.w), class: make([]int, len(w)), col: make([][]int, len(w)), val: make([][]float64, len(w))}
	for k, row := range x {
		if k == 0 {
			r.p = len(row)
		}
		if len(row) != r.p {
			panic(fmt.Sprintf("estimate: row %d has %d auxiliaries instead of %d", k, len(row), r.p))
		}
		r.class[k] = k
		for j, v := range row {
			if !stats.IsFinite(v) {
				return nil, &stats.ValueError{What: fmt.Sprintf("auxiliary %d", j), Row: k, Value: v, Why: "is not finite"}
			}
			if v != 0 {
				r.col[k], r.val[k] = append(r.col[k], j), append(r.val[k], v)
			}
		}
		if q != nil {
			if !(q[k] > 0) || !stats.IsFinite(q[k]) {
				return nil, &stats.ValueError{What: "variance column", Row: k, Value: q[k], Why: "is not above 0"}
			}
			r.d[k] /= q[k]
		}
	}
	return d.calibrated(w, r), nil
}

// CalibratedClusters is Calibrated for the result of weighting.CalibrateClusters.
// With plain means a row has the average weight of its cluster not only in the
// calibration but also in what is explained of it: e = u - (\bar d/d) x'B. Summed
// over the cluster that makes no difference, at later stages it does. Errors are
// those of Calibrated.
func (d *Design) CalibratedClusters(c weighting.Clustered) (*Design, error) {
	out, err := d.Calibrated(c.W, c.X, c.Q)
	if err != nil || c.D == nil {
		return out, err
	}
	out.cal.share = make([]float64, len(c.D))
	for k, mean := range c.D {
		if d.w[k] != 0 {
			out.cal.share[k] = mean / d.w[k]
		}
	}
	return out, nil
}

// calibrated returns the design with new weights and the regression fitted.
func (d *Design) calibrated(w []float64, r *regression) *Design {
	sum := make([]float64, len(r.col))
	for k, c := range r.class {
		sum[c] += r.d[k]
	}
	xx := make([]float64, r.p*r.p)
	for c, col := range r.col {
		for a, i := range col {
			for b, j := range col {
				xx[i*r.p+j] += sum[c] * r.val[c][a] * r.val[c][b]
			}
		}
	}
	r.normal = weighting.NewNormal(xx, r.p)
	r.earlier, r.after = d.cal, append([]float64(nil), w...)
	out := *d
	out.w, out.cal = r.after, r
	_, _, out.df = out.count(nil)
	return &out
}

// residuals returns a copy of the scores u less what calibrations explain. Of
// several one after the other, each takes what the one before has left, as in
// R's survey: z = w e is divided by the weights after the calibration, reduced to
// its residual, and multiplied by them again.
func (d *Design) residuals(u []float64) []float64 {
	e := append([]float64(nil), u...)
	if d.cal == nil {
		return e
	}
	var all []*regression
	for r := d.cal; r != nil; r = r.earlier {
		all = append(all, r)
	}
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		if i > 0 {
			rescale(e, d.w, r.after)
		}
		r.reduce(e)
		if i > 0 {
			rescale(e, r.after, d.w)
		}
	}
	return e
}

// rescale multiplies e by w/v; where there is no weight nothing matters.
func rescale(e, w, v []float64) {
	for k := range e {
		if v[k] != 0 {
			e[k] *= w[k] / v[k]
		}
	}
}

// reduce takes off e what the regression explains of it.
func (r *regression) reduce(e []float64) {
	xu := make([]float64, r.p)
	for k, c := range r.class {
		if e[k] != 0 {
			for a, j := range r.col[c] {
				xu[j] += r.d[k] * r.val[c][a] * e[k]
			}
		}
	}
	b := r.normal.Solve(xu)
	for k, c := range r.class {
		share := 1.0
		if r.share != nil {
			share = r.share[k]
		}
		for a, j := range r.col[c] {
			e[k] -= share * r.val[c][a] * b[j]
		}
	}
}
