package analysis

import (
	"math"
	"slices"
	"strings"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// twoSources joins a design with the data of people who chose to answer, those
// with a missing answer y left out.
func (r *run) twoSources(q *Query, y string) (*estimate.TwoSources, *Frame, []bool) {
	b := r.design(q.Design)
	var columns []string
	if from := r.inherit("columns"); from != nil {
		columns = from.texts("columns")
	}
	a := r.otherSource(q, b, columns)
	t := try(estimate.NewTwoSources(auxiliaries(a, columns), b.rows(), auxiliaries(b.f, columns), columns))
	in := slices.Repeat([]bool{true}, a.Rows)
	if y != "" {
		in = a.answered([]column{{y, a.number(y)}}, in, true)
		t = try(t.Among(in))
	}
	return t, a, in
}

// otherSource finds the data of the people who chose to answer: those named by
// "source", or the first with the same columns that are not the design's.
func (r *run) otherSource(q *Query, b *design, columns []string) *Frame {
	if q.Args.has("source") {
		return r.data(q.Args.text("source"))
	}
	for _, name := range r.c.Data.Names {
		f := r.data(name)
		if f == b.f {
			continue
		}
		fits := guard(func() {
			auxiliaries(f, columns)
			if y := q.Args.text("y"); y != "" {
				f.number(y)
			}
		}) == nil
		if fits && len(columns) > 0 {
			return f
		}
	}
	fail("there are no data of people who chose to answer; name them in \"source\"")
	return nil
}

// kept returns the values of the rows of in.
func kept(v []float64, in []bool) []float64 {
	var out []float64
	for k, x := range v {
		if in[k] {
			out = append(out, x)
		}
	}
	return out
}

// propensity answers pseudo-weights of the people who chose to answer.
func (r *run) propensity(q *Query) any {
	t, a, _ := r.twoSources(q, "")
	var w *estimate.PseudoWeights
	switch q.Stat {
	case "propensity_clw":
		w = try(t.ChenLiWu())
	case "propensity_alp":
		w = try(t.ALP())
	default:
		vars := q.Args.texts("cell_vars")
		if len(vars) == 0 {
			fail("\"cell_vars\" are missing: the columns whose cells share a mean weight")
		}
		cellA, cellB, names := commonCells(a, r.design(q.Design).f, vars)
		w = try(t.ElliottValliant(cellA, cellB, names))
	}
	out := object{"coef", w.Coef, "theta", w.Coef, "N_hat", w.N, "weights_first10", w.Weights[:min(10, len(w.Weights))],
		"kish_deff", stats.WeightingEffect(w.Weights), "assumption", w.Assumption()}
	for _, y := range a.Names { // means of whatever both surveys asked as yes or no
		if v := a.read(y); v.other < 0 && v.given == a.Rows && binaryColumn(v.v) {
			out = append(out, y, try(w.Mean(v.v, estimate.EstimatedN)).Estimate)
		}
	}
	return out
}

func binaryColumn(v []float64) bool {
	zero, one := false, false
	for _, x := range v {
		switch {
		case x == 0:
			zero = true
		case x == 1:
			one = true
		case !math.IsNaN(x):
			return false
		}
	}
	return zero && one
}

// commonCells numbers the combinations of columns in two files alike.
func commonCells(a, b *Frame, vars []string) (ca, cb []int, names []string) {
	at := map[string]int{}
	number := func(f *Frame) []int {
		factors := make([]factor, len(vars))
		for i, v := range vars {
			factors[i] = f.completeFactor(v)
		}
		out := make([]int, f.Rows)
		for k := range out {
			parts := make([]string, len(vars))
			for i, g := range factors {
				parts[i] = g.levels[g.code[k]]
			}
			name := strings.Join(parts, " x ")
			if _, known := at[name]; !known {
				at[name] = len(names)
				names = append(names, name)
			}
			out[k] = at[name]
		}
		return out
	}
	ca = number(a)
	return ca, number(b), names
}

// pseudoMean answers means of the population from both sources.
func (r *run) pseudoMean(q *Query) any {
	name := q.Args.text("y")
	t, a, in := r.twoSources(q, name)
	y := kept(a.number(name), in)
	w := try(t.ChenLiWu())
	model := estimate.LinearOutcome
	switch q.Args.text("outcome") {
	case "logistic":
		model = estimate.LogisticOutcome
	case "":
		if binaryColumn(y) {
			model = estimate.LogisticOutcome
		}
	}
	if q.Stat == "ipw_dr_fixed_N" {
		ipw, dr := try(w.Mean(y, estimate.ReferenceN)), try(w.DoublyRobust(y, model, estimate.ReferenceN))
		return object{"N", ipw.N, "ipw1", ipw.Estimate, "dr1", dr.Estimate, "assumption", dr.Assumption()}
	}
	if q.Stat == "ipw_hajek" {
		m := try(w.Mean(y, estimate.EstimatedN))
		return object{"N_hat", m.N, "estimate", m.Estimate, "var_A", m.VarA, "var_B", m.VarB, "se", m.SE, "ci95", pair(m.Interval(0.95)), "assumption", m.Assumption()}
	}
	m := try(w.DoublyRobust(y, model, estimate.EstimatedN))
	return object{"estimate", m.Estimate, "residual_part", m.Residual, "model_part", m.Model, "var_A", m.VarA, "var_B", m.VarB, "se", m.SE,
		"outcome_coef", m.Outcome, "ci95", pair(m.Interval(0.95)), "assumption", m.Assumption()}
}
