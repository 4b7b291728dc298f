package weighting

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// sameTotal is how far the totals of two margins may be apart, as a share.
const sameTotal = 1e-6

// RakeClasses fits the weights of a class table to any number of margins by
// iterative proportional fitting: margin after margin, the classes of each
// category are multiplied by target / current sum, until all margins hold. The
// answer is the one of the form
//
//	g_c = \prod_m f_m(cat[c][m])
//
// and minimises \sum_c d_c (g_c \log g_c - g_c + 1) under the margins.
//
// The d are the sums of design weights per class, >= 0; cat[c][m] is the
// category of class c in margin m, an index into margins[m]. It returns the
// factor g_c of every class, > 0, also of the classes without weight, by which
// each design weight of the class has to be multiplied. A single row per class
// is allowed, so rows can be raked directly.
//
// Refused are: a weight or target that is negative or not finite
// (*stats.ValueError), a sample without weight (*EmptySampleError), margins
// whose totals differ by more than a share of 1e-6 (*TotalsError; smaller
// differences are scaled away to the total of the first margin), a category
// with respondents but no target or the other way round (*CategoryError), and
// margins that still differ from their targets by more than opt.Accept at the
// end (*ConvergenceError). No margins at all give g = 1.
//
// See Deming & Stephan (1940), Ann. Math. Stat. 11, 427-444; Deville, Sarndal &
// Sautory (1993), J. Am. Stat. Assoc. 88, 1013-1020.
func RakeClasses(d []float64, cat [][]int, margins []Margin, opt Options) ([]float64, Report, error) {
	opt = opt.filled()
	checkClassTable(len(d), cat, margins)
	if err := stats.CheckWeights("design weight", d); err != nil {
		return nil, Report{}, err
	}
	t, err := targets(d, cat, margins)
	if err != nil {
		return nil, Report{}, err
	}
	g := make([]float64, len(d))
	for c := range g {
		g[c] = 1
	}
	sweeps := fit(d, cat, t, g, opt)
	off, m, k := worst(d, cat, t, g)
	rep := Report{Sweeps: sweeps, Worst: off}
	if m >= 0 {
		rep.WorstMargin, rep.WorstCategory = margins[m].Name, margins[m].Categories[k]
	}
	rep.summarise(d, g)
	if !(rep.Worst <= opt.Accept) {
		return nil, rep, &ConvergenceError{
			Sweeps: sweeps, Worst: rep.Worst, Margin: rep.WorstMargin, Category: rep.WorstCategory,
			Empty: emptyPairs(d, cat, margins, m, k),
		}
	}
	return g, rep, nil
}

// PostStratify fits the weights of a class table to one margin, in which
// cat[c] is the category of class c:
//
//	g_c = target(cat[c]) / \sum_{c' in cat[c]} d_c'
//
// It is RakeClasses with a single margin, and refuses the same.
//
// See Holt & Smith (1979), J. R. Stat. Soc. A 142, 33-46.
func PostStratify(d []float64, cat []int, m Margin) ([]float64, Report, error) {
	if len(cat) != len(d) {
		panic(fmt.Sprintf("weighting: %d classes but %d categories", len(d), len(cat)))
	}
	table := make([][]int, len(cat))
	for c := range cat {
		table[c] = cat[c : c+1 : c+1]
	}
	return RakeClasses(d, table, []Margin{m}, Options{})
}

// Rake is RakeClasses for rows: row i has the design weight d[i] and belongs to
// class[i], an index into cat. It returns the calibrated weight of every row.
func Rake(d []float64, class []int, cat [][]int, margins []Margin, opt Options) ([]float64, Report, error) {
	if len(class) != len(d) {
		panic(fmt.Sprintf("weighting: %d weights but %d classes", len(d), len(class)))
	}
	if err := stats.CheckWeights("design weight", d); err != nil {
		return nil, Report{}, err
	}
	sum := make([]float64, len(cat))
	for i, c := range class {
		sum[c] += d[i]
	}
	g, rep, err := RakeClasses(sum, cat, margins, opt)
	if err != nil {
		return nil, rep, err
	}
	w := make([]float64, len(d))
	for i, c := range class {
		w[i] = d[i] * g[c]
	}
	return w, rep, nil
}

// checkClassTable panics when the shapes of a class table do not fit together.
func checkClassTable(classes int, cat [][]int, margins []Margin) {
	if len(cat) != classes {
		panic(fmt.Sprintf("weighting: %d classes have weights but %d have categories", classes, len(cat)))
	}
	for _, m := range margins {
		if len(m.Categories) != len(m.Targets) {
			panic(fmt.Sprintf("weighting: margin %s has %d categories but %d targets", m.Name, len(m.Categories), len(m.Targets)))
		}
	}
	for c, row := range cat {
		if len(row) != len(margins) {
			panic(fmt.Sprintf("weighting: class %d has %d categories for %d margins", c, len(row), len(margins)))
		}
		for m, k := range row {
			if k < 0 || k >= len(margins[m].Categories) {
				panic(fmt.Sprintf("weighting: class %d: category %d of margin %s is not one of its %d", c, k, margins[m].Name, len(margins[m].Categories)))
			}
		}
	}
}

// targets checks the margins against the sample and returns their targets,
// all scaled to the total of the first.
func targets(d []float64, cat [][]int, margins []Margin) ([][]float64, error) {
	sum := 0.0
	for _, x := range d {
		sum += x
	}
	if !(sum > 0) {
		return nil, &EmptySampleError{}
	}
	if !stats.IsFinite(sum) {
		return nil, &stats.ValueError{What: "sum of design weights", Row: -1, Value: sum, Why: "is not finite"}
	}
	names, totals := make([]string, len(margins)), make([]float64, len(margins))
	differ := false
	for m, mg := range margins {
		names[m] = mg.Name
		for k, x := range mg.Targets {
			what := "target of " + mg.Name + " " + mg.Categories[k]
			if err := stats.CheckWeights(what, mg.Targets[k:k+1]); err != nil {
				return nil, &stats.ValueError{What: what, Row: -1, Value: x, Why: err.(*stats.ValueError).Why}
			}
			totals[m] += x
		}
		differ = differ || !(math.Abs(totals[m]-totals[0]) <= sameTotal*totals[0])
	}
	if differ {
		return nil, &TotalsError{Margins: names, Totals: totals}
	}
	t := make([][]float64, len(margins))
	for m, mg := range margins {
		have := make([]float64, len(mg.Targets))
		for c := range d {
			have[cat[c][m]] += d[c]
		}
		t[m] = make([]float64, len(mg.Targets))
		for k, x := range mg.Targets {
			if (x > 0) != (have[k] > 0) {
				return nil, &CategoryError{Margin: mg.Name, Category: mg.Categories[k], Sample: have[k], Target: x}
			}
			t[m][k] = x * (totals[0] / totals[m])
		}
	}
	return t, nil
}

// fit sweeps over the margins t until the factors g stop moving and returns the
// number of sweeps.
func fit(d []float64, cat [][]int, t [][]float64, g []float64, opt Options) int {
	ratio := make([][]float64, len(t))
	for m := range t {
		ratio[m] = make([]float64, len(t[m]))
	}
	last := math.Inf(1)
	for sweep := 1; sweep <= opt.MaxSweeps; sweep++ {
		off := 0.0
		for m := range t {
			sum := ratio[m]
			clear(sum)
			for c, k := range cat {
				sum[k[m]] += d[c] * g[c]
			}
			for k := range sum {
				if t[m][k] == 0 {
					sum[k] = 1 // nobody and nothing
					continue
				}
				r := t[m][k] / sum[k]
				off = max(off, math.Abs(r-1))
				sum[k] = r
			}
			for c, k := range cat {
				g[c] *= sum[k[m]]
			}
		}
		// Below 1e-11 the rest may be rounding, which no sweep removes.
		if off <= opt.Tolerance || off <= 1e-11 && off >= last || math.IsNaN(off) {
			return sweep
		}
		last = off
	}
	return opt.MaxSweeps
}

// worst returns the largest relative error of a margin and where it is; the
// margin is -1 when there are none.
func worst(d []float64, cat [][]int, t [][]float64, g []float64) (float64, int, int) {
	off, wm, wk := 0.0, -1, -1
	for m := range t {
		sum := make([]float64, len(t[m]))
		for c, k := range cat {
			sum[k[m]] += d[c] * g[c]
		}
		for k, s := range sum {
			if t[m][k] == 0 {
				continue
			}
			e := math.Abs(s/t[m][k] - 1)
			if wm < 0 || e > off || math.IsNaN(e) {
				off, wm, wk = e, m, k
			}
		}
	}
	return off, wm, wk
}

// emptyPairs lists combinations of categories with targets but without sample,
// those with category k of margin m first.
func emptyPairs(d []float64, cat [][]int, margins []Margin, m, k int) []EmptyPair {
	const most = 20
	var first, rest []EmptyPair
	for a := range margins {
		for b := a + 1; b < len(margins); b++ {
			nb := len(margins[b].Categories)
			seen := make([]bool, len(margins[a].Categories)*nb)
			for c, row := range cat {
				if d[c] > 0 {
					seen[row[a]*nb+row[b]] = true
				}
			}
			for i, s := range seen {
				ka, kb := i/nb, i%nb
				if s || margins[a].Targets[ka] == 0 || margins[b].Targets[kb] == 0 {
					continue
				}
				p := EmptyPair{margins[a].Name, margins[a].Categories[ka], margins[b].Name, margins[b].Categories[kb]}
				switch {
				case a == m && ka == k || b == m && kb == k:
					first = append(first, p)
				case len(rest) < most:
					rest = append(rest, p)
				}
			}
		}
	}
	all := append(first, rest...)
	return all[:min(len(all), most)]
}
