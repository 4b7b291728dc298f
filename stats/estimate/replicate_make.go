package estimate

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
)

// ReplicateOptions say how replicates of a design are made. The zero value is
// the recommended choice.
type ReplicateOptions struct {
	MSE bool // centre at the full estimate instead of the mean of the replicates
	// Correction says what becomes of the sizes of a design with several stages,
	// of which a jackknife can only honour the first.
	Correction Correction
}

// Correction is the finite population correction of a jackknife.
type Correction int

const (
	// WholeCorrection takes 1 - n/N of the first stage and refuses designs whose
	// later stages add to the variance, which would come out too small.
	WholeCorrection Correction = iota
	// FirstStage takes 1 - n/N of the first stage and leaves out what later
	// stages add, as R's survey does with a warning.
	FirstStage
	// NoCorrection takes the PSUs as drawn with replacement: cautious.
	NoCorrection
)

// JK1 leaves out one PSU after the other and gives the others n/(n-1) times
// their weight, with scale (1-f)(n-1)/n. The design must have a single stratum;
// leaving out PSUs of strata is JKn.
//
// It returns a *DesignError when there are strata, when the weights have been
// calibrated (calibrate the replicates instead, with Rake or Calibrate), when
// later stages do not go with the Correction or when everyone was drawn.
//
// See Wolter (2007), chapter 4.
func (d *Design) JK1(opt ReplicateOptions) (*Replicates, error) {
	if n := len(d.levels[0].strata); n != 1 {
		return nil, &DesignError{Stage: 1, Why: fmt.Sprintf("JK1 of a design with %d strata; take JKn", n)}
	}
	r, err := d.jackknife(opt)
	if err != nil {
		return nil, err
	}
	if d.levels[0].prob == nil { // the same scale for all
		r.scale = r.rscales[0]
		for i := range r.rscales {
			r.rscales[i] = 1
		}
	}
	return r, nil
}

// JKn leaves out one PSU after the other and gives the others of its stratum
// n_h/(n_h-1) times their weight, with rscale (1-f_h)(n_h-1)/n_h. Strata drawn
// completely give no replicates. A lonely stratum gives none either under the
// rules Remove and Certainty; under Average the variance is scaled up by the
// share of PSUs without replicates; under Adjust it is left out as a whole
// against the H-1 others, which get H/(H-1) times their weight. Errors are those
// of JK1, except that a single stratum is allowed.
//
// See Wolter (2007), chapter 4; as.svrepdesign of R's survey.
func (d *Design) JKn(opt ReplicateOptions) (*Replicates, error) { return d.jackknife(opt) }

// left is what a jackknife replicate leaves out: a unit or a whole stratum.
type left struct{ unit, stratum int }

func (d *Design) jackknife(opt ReplicateOptions) (*Replicates, error) {
	if err := d.canReplicate(); err != nil {
		return nil, err
	}
	if opt.Correction == WholeCorrection {
		for i, l := range d.levels[1:] {
			for _, h := range l.strata {
				if h.fpc >= certain && h.share > 0 {
					return nil, &DesignError{Stage: i + 2, Why: "a jackknife leaves out the variance of this stage; choose the correction"}
				}
			}
		}
	}
	l := &d.levels[0]
	r := &Replicates{full: slices.Clone(d.w), scale: 1, mse: opt.MSE, design: d, df: d.df}
	var out []left
	strata, lonely := float64(len(l.strata)), 0.0
	for _, u := range l.canonical() {
		h := &l.strata[l.home[u]]
		f := l.correction(u)
		if opt.Correction == NoCorrection {
			f = 1
		}
		switch {
		case f < certain:
			continue
		case h.n > 1:
			out = append(out, left{u, l.home[u]})
			r.rscales = append(r.rscales, f*(h.n-1)/h.n)
			continue
		case d.lonely == Average:
			lonely++
		case d.lonely == Adjust && strata > 1:
			out = append(out, left{-1, l.home[u]})
			r.rscales = append(r.rscales, (strata-1)/strata)
		}
	}
	if len(out) == 0 {
		return nil, &DesignError{Stage: 1, Why: "no stratum varies, so there are no replicates"}
	}
	r.scale += lonely / float64(len(out))
	r.weight = func(i int, w []float64) {
		x := out[i]
		if x.unit < 0 {
			for k, u := range l.unit {
				w[k] = d.w[k] * strata / (strata - 1)
				if l.home[u] == x.stratum {
					w[k] = 0
				}
			}
			return
		}
		n := l.strata[x.stratum].n
		copy(w, d.w)
		for k, u := range l.unit {
			switch {
			case u == x.unit:
				w[k] = 0
			case l.home[u] == x.stratum:
				w[k] *= n / (n - 1)
			}
		}
	}
	return r, nil
}

// canReplicate refuses designs whose weights have been calibrated.
func (d *Design) canReplicate() error {
	if d.cal != nil {
		return &DesignError{Stage: 1, Why: "the weights have been calibrated; replicate the design before it and calibrate the replicates"}
	}
	return nil
}

// canonical returns the units by the numbers of stratum and unit in the Spec,
// whatever the order of the rows.
func (l *level) canonical() []int {
	order := make([]int, len(l.home))
	for u := range order {
		order[u] = u
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.strata[l.home[a]].code, l.strata[l.home[b]].code), cmp.Compare(l.code[a], l.code[b]))
	})
	return order
}

// PSU is a primary sampling unit by its numbers in the Spec.
type PSU struct{ Stratum, Unit int }

// PSUs lists the primary sampling units by stratum and number, whatever the
// order of the rows. Counts of the bootstrap are in this order.
func (d *Design) PSUs() []PSU {
	l := &d.levels[0]
	out := make([]PSU, 0, len(l.home))
	for _, u := range l.canonical() {
		out = append(out, PSU{l.strata[l.home[u]].code, l.code[u]})
	}
	return out
}

// DrawBootstrap draws how often each PSU (in the order of PSUs) is in each
// replicate: n_h - 1 times one of the n_h PSUs of the stratum, with replacement.
// The same seed gives the same counts for the same PSUs, and the first
// replicates of a longer draw are those of a shorter one. Strata with a single
// PSU and strata drawn completely do not vary and have counts of 1. It panics
// unless replicates > 1.
func (d *Design) DrawBootstrap(seed uint64, replicates int) [][]int {
	if replicates < 2 {
		panic(fmt.Sprintf("estimate: bootstrap of %d replicates", replicates))
	}
	l := &d.levels[0]
	src := rand.New(rand.NewPCG(seed, 0x52616f5775)) // "RaoWu"
	counts := make([][]int, replicates)
	strata := l.ranges()
	for r := range counts {
		counts[r] = make([]int, len(l.home))
		for _, s := range strata {
			n := s.to - s.from
			if !l.strata[s.stratum].varies() {
				for i := s.from; i < s.to; i++ {
					counts[r][i] = 1
				}
				continue
			}
			for range n - 1 {
				counts[r][s.from+src.IntN(n)]++
			}
		}
	}
	return counts
}

// varies reports whether the bootstrap draws from the stratum.
func (h *levelStratum) varies() bool { return h.n > 1 && h.fpc >= certain }

// stretch is the part [from, to) of the canonical order that is one stratum.
type stretch struct{ stratum, from, to int }

func (l *level) ranges() []stretch {
	var out []stretch
	for i, u := range l.canonical() {
		h := l.home[u]
		if n := len(out); n == 0 || out[n-1].stratum != h {
			out = append(out, stretch{h, i, i})
		}
		out[len(out)-1].to = i + 1
	}
	return out
}

// Bootstrap makes the rescaled bootstrap of Rao, Wu and Yue from counts, which
// say how often each PSU (in the order of PSUs) was drawn in each replicate:
// with m_h drawn from the n_h of a stratum, a PSU drawn r times gets
//
//	1 - sqrt(m_h/(n_h-1)) + sqrt(m_h/(n_h-1)) (n_h/m_h) r
//
// times its weight, which for the usual m_h = n_h - 1 is r n_h/(n_h-1). The scale
// is 1/(R-1). Stage-1 sizes are not honoured, which is cautious, except that
// strata drawn completely keep their weights, as those with a single PSU do: what
// a lonely stratum adds, none of the rules says here, so it is 0.
//
// It returns a *DesignError when a stratum's counts are negative or do not add up
// to 1..n_h-1, or the weights have been calibrated. It panics with fewer than two
// replicates or when one does not have a count per PSU.
//
// See Rao & Wu (1988), J. Am. Stat. Assoc. 83, 231-241; Rao, Wu & Yue (1992),
// Surv. Methodol. 18, 209-217.
func (d *Design) Bootstrap(counts [][]int, opt ReplicateOptions) (*Replicates, error) {
	if err := d.canReplicate(); err != nil {
		return nil, err
	}
	if len(counts) < 2 {
		panic(fmt.Sprintf("estimate: bootstrap of %d replicates", len(counts)))
	}
	l := &d.levels[0]
	order, strata := l.canonical(), l.ranges()
	factors := make([][]float64, len(counts)) // per unit
	for r, count := range counts {
		if len(count) != len(order) {
			panic(fmt.Sprintf("estimate: replicate %d has %d counts for %d PSUs", r, len(count), len(order)))
		}
		factors[r] = make([]float64, len(order))
		for _, s := range strata {
			if err := l.rescale(factors[r], count, order, s, r); err != nil {
				return nil, err
			}
		}
	}
	return d.unitReplicates(factors, BootstrapScale(len(counts)), opt.MSE), nil
}

// rescale fills in the factors of a stratum's units in replicate r.
func (l *level) rescale(factor []float64, count, order []int, s stretch, r int) error {
	h := &l.strata[s.stratum]
	if !h.varies() {
		for _, u := range order[s.from:s.to] {
			factor[u] = 1
		}
		return nil
	}
	m := 0
	for _, c := range count[s.from:s.to] {
		if c < 0 {
			return &DesignError{Stage: 1, Stratum: h.name, Why: fmt.Sprintf("a PSU was drawn %d times in replicate %d", c, r)}
		}
		m += c
	}
	if m < 1 || float64(m) > h.n-1 {
		return &DesignError{Stage: 1, Stratum: h.name, Why: fmt.Sprintf("%d of %g PSUs drawn in replicate %d", m, h.n, r)}
	}
	for i, u := range order[s.from:s.to] {
		factor[u] = rescaled(float64(count[s.from+i]), float64(m), h.n)
	}
	return nil
}

// unitReplicates makes replicates from a factor per unit.
func (d *Design) unitReplicates(factors [][]float64, scale float64, mse bool) *Replicates {
	unit := d.levels[0].unit
	return &Replicates{full: slices.Clone(d.w), scale: scale, mse: mse, design: d, df: d.df,
		rscales: slices.Repeat([]float64{1}, len(factors)),
		weight: func(r int, w []float64) {
			for k, u := range unit {
				w[k] = d.w[k] * factors[r][u]
			}
		}}
}

// BRR makes balanced repeated replicates of a design with two PSUs in every
// stratum: in each replicate one PSU of the stratum, chosen by a column of a
// Hadamard matrix, gets 2-rho times its weight and the other rho times. With
// rho = 0 half of the sample is left out; Fay's method with rho between 0 and 1
// (0.3 to 0.5) keeps everyone, which small domains and ratios need. Sizes are not
// honoured. The number of replicates is the smallest power of 2 above that of
// the strata, and the variance of a total is exactly the linearised one.
//
// It returns a *DesignError when a stratum does not have two PSUs or the weights
// have been calibrated, and panics unless 0 <= rho < 1.
//
// See McCarthy (1969), Rev. Int. Stat. Inst. 37, 239-264; Judkins (1990).
func (d *Design) BRR(rho float64, opt ReplicateOptions) (*Replicates, error) {
	if !(rho >= 0 && rho < 1) {
		panic(fmt.Sprintf("estimate: Fay's factor %g", rho))
	}
	if err := d.canReplicate(); err != nil {
		return nil, err
	}
	l := &d.levels[0]
	var odd []string
	for _, h := range l.strata {
		if h.n != 2 {
			odd = append(odd, h.name)
		}
	}
	if odd != nil {
		return nil, &DesignError{Stage: 1, Stratum: strings.Join(odd, ", "), Why: "balanced replicates need two PSUs"}
	}
	strata := l.ranges()
	n := 2
	for n <= len(strata) {
		n *= 2
	}
	order := l.canonical()
	factors := make([][]float64, n)
	for r := range factors {
		factors[r] = make([]float64, len(l.home))
		for i, s := range strata {
			first := rho
			if sylvester(r, i+1) {
				first = 2 - rho
			}
			factors[r][order[s.from]], factors[r][order[s.from+1]] = first, 2-first
		}
	}
	return d.unitReplicates(factors, FayScale(n, rho), opt.MSE), nil
}

// rescaled is the factor of a PSU drawn r times when m are drawn of n.
func rescaled(r, m, n float64) float64 {
	if m == n-1 {
		return r * n / (n - 1)
	}
	root := math.Sqrt(m / (n - 1))
	return 1 - root + root*n/m*r
}

// sylvester returns the sign of an element of Sylvester's Hadamard matrix.
func sylvester(row, column int) bool { return bits.OnesCount(uint(row&column))%2 == 0 }
