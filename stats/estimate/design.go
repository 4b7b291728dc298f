package estimate

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"chengyin/stats"
)

// Spec describes how the rows of a sample were drawn.
type Spec struct {
	Rows int
	// Weight is the design weight of each row, >= 0. A row of weight 0 counts
	// as drawn (in n_h) and takes part in no estimate. nil makes the weights
	// from the sizes: \prod N/n over the stages, all of which need a Size.
	Weight []float64
	// Stages of the drawing, first the primary sampling units (PSUs). None are
	// a simple random sample of rows drawn with replacement.
	Stages []Stage
	// Nest says that the numbers of units start anew in every stratum. Without
	// it a unit number in two strata of the same stage is an error.
	Nest   bool
	Lonely LonelyRule
}

// Stage is one stage of drawing: from each stratum, some of its units.
type Stage struct {
	// Unit is the number of each row's unit; it has to be unique within the
	// unit of the stage before. nil: every row is its own unit.
	Unit []int
	// Stratum is the number of each row's stratum; nil: there is only one.
	Stratum []int
	// Size is, for each row, how many units there are in its stratum in the
	// population, or the sampling fraction when no value is above 1. It has to
	// be the same over the stratum. nil: units were drawn with replacement, or
	// from so many that it makes no difference, and later stages are ignored.
	Size []float64
	// PPS says that units were drawn without replacement with unequal
	// probabilities. Size then holds the inclusion probability of each row's
	// unit, 0 < \pi <= 1, and the variance is Brewer's. Units drawn with
	// replacement with unequal probabilities need only weights and no Size.
	PPS bool
	// Names of the strata for messages; nil: their numbers.
	Names []string
}

// Design is a sample of rows with its weights, ready for estimation. It is
// read-only once made, so any number of goroutines may use it.
type Design struct {
	w      []float64
	levels []level
	lonely LonelyRule
	cal    *regression // nil before calibration
	df     int
}

// level is a stage with strata and units numbered over the whole sample.
type level struct {
	unit   []int     // of each row
	home   []int     // stratum of each unit
	code   []int     // number of each unit in the Spec
	prob   []float64 // inclusion probability of each unit, nil without PPS
	strata []levelStratum
}

type levelStratum struct {
	name   string
	code   int     // number in the Spec
	parent int     // unit of the stage before, 0 at the first
	n      float64 // units drawn
	fpc    float64 // 1 - n/N; with PPS the largest 1 - \pi
	share  float64 // what its variance counts: \prod n/N of the stages before
}

// NewDesign checks a description and makes the design.
//
// It panics when slices are not Rows long. It returns a *stats.ValueError for a
// weight or size that is negative, missing or infinite, a *DesignError when a
// unit is in two strata, when a size changes within a stratum or is smaller
// than the number of units drawn, when a later stage has no size although the
// first has one (the variance would be too small) or has one although the first
// has none, and when weights have to come from sizes that are not there; and a
// *LonelyError when strata have a single unit and the rule does not know better.
// A stratum drawn completely is never lonely.
func NewDesign(s Spec) (*Design, error) {
	if s.Rows < 0 || s.Weight != nil && len(s.Weight) != s.Rows {
		panic(fmt.Sprintf("estimate: %d weights for %d rows", len(s.Weight), s.Rows))
	}
	stages := s.Stages
	if len(stages) == 0 {
		stages = []Stage{{}}
	}
	d := &Design{lonely: s.Lonely}
	for i, st := range stages {
		checkStage(i, st, s.Rows)
		if err := sizesFit(stages, i); err != nil {
			return nil, err
		}
		l, err := d.newLevel(st, i, s.Rows, s.Nest)
		if err != nil {
			return nil, err
		}
		d.levels = append(d.levels, l)
	}
	if s.Weight != nil {
		if err := stats.CheckWeights("weight", s.Weight); err != nil {
			return nil, err
		}
		d.w = slices.Clone(s.Weight)
	} else {
		if stages[0].Size == nil {
			return nil, &DesignError{Stage: 1, Why: "neither weights nor sizes to make them from"}
		}
		d.w = d.weightsFromSizes(s.Rows)
	}
	if stages[0].Size == nil {
		d.levels = d.levels[:1] // ultimate clusters
	}
	if err := d.checkLonely(); err != nil {
		return nil, err
	}
	_, _, d.df = d.count(nil)
	return d, nil
}

func checkStage(i int, st Stage, rows int) {
	for _, n := range []int{len(st.Unit), len(st.Stratum), len(st.Size)} {
		if n != rows && n != 0 {
			panic(fmt.Sprintf("estimate: stage %d has columns of %d numbers for %d rows", i+1, n, rows))
		}
	}
}

// sizesFit refuses sizes at some stages only.
func sizesFit(stages []Stage, i int) error {
	switch {
	case stages[0].Size != nil && stages[i].Size == nil:
		return &DesignError{Stage: i + 1, Why: "no sizes although the first stage has some, which would make the variance too small"}
	case stages[0].Size == nil && stages[i].Size != nil:
		return &DesignError{Stage: i + 1, Why: "sizes although the first stage has none"}
	case stages[i].PPS && stages[i].Size == nil:
		return &DesignError{Stage: i + 1, Why: "unequal probabilities without replacement, but no inclusion probabilities"}
	}
	return nil
}

// newLevel numbers the strata and units of stage i.
func (d *Design) newLevel(st Stage, i, rows int, nest bool) (level, error) {
	l := level{unit: make([]int, rows)}
	strata, units := map[[2]int]int{}, map[[3]int]int{}
	first := []int{} // a row of each stratum
	for k := range rows {
		parent, h, u := 0, 0, k
		if i > 0 {
			parent = d.levels[i-1].unit[k]
		}
		if st.Stratum != nil {
			h = st.Stratum[k]
		}
		if st.Unit != nil {
			u = st.Unit[k]
		}
		at, known := strata[[2]int{parent, h}]
		if !known {
			at = len(l.strata)
			strata[[2]int{parent, h}] = at
			l.strata = append(l.strata, levelStratum{name: stratumName(st, h), code: h, parent: parent, fpc: 1, share: 1})
			first = append(first, k)
		}
		id := [3]int{parent, 0, u}
		if nest {
			id[1] = at
		}
		n, known := units[id]
		if !known {
			n = len(l.home)
			units[id] = n
			l.home = append(l.home, at)
			l.code = append(l.code, u)
			l.strata[at].n++
		}
		if l.home[n] != at {
			return level{}, &DesignError{Stage: i + 1, Stratum: l.strata[at].name,
				Why: fmt.Sprintf("unit %d is also in stratum %s", u, l.strata[l.home[n]].name)}
		}
		l.unit[k] = n
	}
	var err error
	switch {
	case st.PPS:
		err = d.setProbabilities(&l, st, i)
	case st.Size != nil:
		err = d.setSizes(&l, st, i, first)
	}
	return l, err
}

func stratumName(st Stage, h int) string {
	if h >= 0 && h < len(st.Names) {
		return st.Names[h]
	}
	return strconv.Itoa(h)
}

// setSizes turns the sizes of a stage into the finite population correction of
// its strata; first holds a row of each stratum.
func (d *Design) setSizes(l *level, st Stage, i int, first []int) error {
	fractions := true
	for k, size := range st.Size {
		if !(size > 0) || math.IsInf(size, 0) {
			return &stats.ValueError{What: fmt.Sprintf("size at stage %d", i+1), Row: k, Value: size, Why: "is not above 0"}
		}
		fractions = fractions && size <= 1
	}
	for k, size := range st.Size {
		at := l.home[l.unit[k]]
		if h := &l.strata[at]; math.Abs(size-st.Size[first[at]]) > 1e-9*size {
			return &DesignError{Stage: i + 1, Stratum: h.name, Why: fmt.Sprintf("sizes %g and %g in the same stratum", st.Size[first[at]], size)}
		}
	}
	for at := range l.strata {
		h := &l.strata[at]
		f := st.Size[first[at]]
		if !fractions {
			if f < h.n*(1-1e-9) {
				return &DesignError{Stage: i + 1, Stratum: h.name, Why: fmt.Sprintf("%g units drawn from %g", h.n, f)}
			}
			f = min(1, h.n/f)
		}
		h.fpc = 1 - f
		h.share = d.share(i, h.parent)
	}
	return nil
}

// share returns what the variance inside unit parent of the stage before stage
// i counts: the product of the sampling fractions down to it.
func (d *Design) share(i, parent int) float64 {
	if i == 0 {
		return 1
	}
	up := &d.levels[i-1]
	return up.strata[up.home[parent]].share * up.fraction(parent)
}

// fraction returns the share of the units like this one that was drawn.
func (l *level) fraction(unit int) float64 {
	if l.prob != nil {
		return l.prob[unit]
	}
	return 1 - l.strata[l.home[unit]].fpc
}

// correction returns the finite population correction of a unit.
func (l *level) correction(unit int) float64 {
	if l.prob != nil {
		return 1 - l.prob[unit]
	}
	return l.strata[l.home[unit]].fpc
}

func (d *Design) weightsFromSizes(rows int) []float64 {
	w := make([]float64, rows)
	for k := range w {
		w[k] = 1
		for _, l := range d.levels {
			w[k] /= l.fraction(l.unit[k])
		}
	}
	return w
}

// certain is the correction below which a stratum counts as drawn completely.
const certain = 1e-7

// lone reports whether no variance can be computed from the stratum.
func (h *levelStratum) lone() bool { return h.n == 1 && h.fpc >= certain }

func (d *Design) checkLonely() error {
	for i, l := range d.levels {
		usable, lonely := map[int]bool{}, map[int][]string{}
		var names []string
		for _, h := range l.strata {
			if h.lone() {
				names = append(names, h.name)
				lonely[h.parent] = append(lonely[h.parent], h.name)
			} else {
				usable[h.parent] = true
			}
		}
		if names != nil && d.lonely == Fail {
			return &LonelyError{Stage: i + 1, Strata: names}
		}
		for _, h := range l.strata {
			if d.lonely == Average && lonely[h.parent] != nil && !usable[h.parent] {
				return &LonelyError{Stage: i + 1, Strata: lonely[h.parent]}
			}
		}
	}
	return nil
}

// Rows returns the number of rows.
func (d *Design) Rows() int { return len(d.w) }

// Weights returns a copy of the weights, after calibration if there was one.
func (d *Design) Weights() []float64 { return slices.Clone(d.w) }

// DF returns the degrees of freedom of the domain, the number of its PSUs less
// that of its strata, both counted over the rows of weight not 0 for which in is
// true (nil: all rows). It panics when there is not one in per row.
//
// See Korn & Graubard (1999), Analysis of Health Surveys; it is degf of R's survey.
func (d *Design) DF(in []bool) int {
	_, _, df := d.count(in)
	return df
}

// count returns PSUs, strata and degrees of freedom of a domain.
func (d *Design) count(in []bool) (psus, strata, df int) {
	d.checkRows("domain", len(in), in == nil)
	l := d.levels[0]
	unit, stratum := make([]bool, len(l.home)), make([]bool, len(l.strata))
	for k, w := range d.w {
		if w == 0 || in != nil && !in[k] {
			continue
		}
		u := l.unit[k]
		if !unit[u] {
			unit[u] = true
			psus++
		}
		if h := l.home[u]; !stratum[h] {
			stratum[h] = true
			strata++
		}
	}
	return psus, strata, psus - strata
}

func (d *Design) checkRows(what string, n int, absent bool) {
	if !absent && n != len(d.w) {
		panic(fmt.Sprintf("estimate: %s of %d numbers for %d rows", what, n, len(d.w)))
	}
}
