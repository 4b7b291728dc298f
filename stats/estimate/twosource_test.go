package estimate_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
)

// pair is the two samples of case p23.
type pair struct {
	qr, hh *golden.Frame
	d      *estimate.Design
	t      *estimate.TwoSources
}

// indicators returns the columns of a model matrix, "age25-34" being the
// indicator of a value of a text column.
func indicators(t *testing.T, f *golden.Frame, columns []string) [][]float64 {
	t.Helper()
	x := make([][]float64, f.Rows)
	for _, c := range columns {
		var v []float64
		switch {
		case c == "(Intercept)":
			v = slices.Repeat([]float64{1}, f.Rows)
		case strings.HasPrefix(c, "age") || strings.HasPrefix(c, "sex"):
			for _, s := range f.Text(t, c[:3]) {
				yes := 0.0
				if s == c[3:] {
					yes = 1
				}
				v = append(v, yes)
			}
		default:
			v = f.Number(t, c)
		}
		for k := range x {
			x[k] = append(x[k], v[k])
		}
	}
	return x
}

func numbered(text []string) []int {
	code := make([]int, len(text))
	for k, s := range text {
		code[k] = slices.Index(text, s)
	}
	return code
}

func loadPair(t *testing.T, c *golden.Case, columns []string) *pair {
	t.Helper()
	o := &pair{qr: c.Frame(t, "qr"), hh: c.Frame(t, "hh")}
	var err error
	o.d, err = estimate.NewDesign(estimate.Spec{Rows: o.hh.Rows, Weight: o.hh.Number(t, "w"), Stages: []estimate.Stage{
		{Unit: numbered(o.hh.Text(t, "building")), Stratum: numbered(o.hh.Text(t, "subdistrict"))}}})
	if err != nil {
		t.Fatal(err)
	}
	o.t, err = estimate.NewTwoSources(indicators(t, o.qr, columns), o.d, indicators(t, o.hh, columns), columns)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cells numbers age by sex in both samples alike.
func (o *pair) cells(t *testing.T) (a, b []int) {
	var keys []string
	for _, f := range []*golden.Frame{o.qr, o.hh} {
		sex := f.Text(t, "sex")
		for k, age := range f.Text(t, "age") {
			keys = append(keys, age+"|"+sex[k])
		}
	}
	code := numbered(keys)
	return code[:o.qr.Rows], code[o.qr.Rows:]
}

// answered returns the sources and answers of those who answered.
func (o *pair) answered(t *testing.T, column string) (*estimate.TwoSources, []float64) {
	t.Helper()
	y := o.qr.Number(t, column)
	in := make([]bool, len(y))
	var kept []float64
	for k, v := range y {
		if in[k] = !math.IsNaN(v); in[k] {
			kept = append(kept, v)
		}
	}
	s, err := o.t.Among(in)
	if err != nil {
		t.Fatal(err)
	}
	return s, kept
}

func TestTwoSources(t *testing.T) {
	c := golden.Own(t, "p23-nonprob-propensity")
	columns := golden.Strings(t, c.Queries[1].Args["columns"])
	o := loadPair(t, c, columns)
	c.Each(t, func(t *testing.T, q golden.Query) {
		want := q.Expected
		switch q.Stat {
		case "information":
			t.Skip("for information")
		case "propensity_clw":
			w := must(t)(o.t.ChenLiWu())
			golden.CheckList(t, "theta", w.Coef, want["theta"], q.RelTol)
			golden.Check(t, "N", w.N, want["N_hat"], q.RelTol)
			golden.CheckList(t, "weights", w.Weights[:10], want["weights_first10"], q.RelTol)
			golden.Check(t, "design effect", stats.WeightingEffect(w.Weights), want["kish_deff"], q.RelTol)
		case "propensity_alp":
			o.checkWeights(t, q, must(t)(o.t.ALP()))
		case "propensity_ev":
			a, b := o.cells(t)
			o.checkWeights(t, q, must(t)(o.t.ElliottValliant(a, b, nil)))
		case "ipw_hajek", "doubly_robust", "ipw_dr_fixed_N":
			o.checkMean(t, q)
		default:
			t.Fatalf("statistic %q", q.Stat)
		}
	})
}

func must(t *testing.T) func(*estimate.PseudoWeights, error) *estimate.PseudoWeights {
	return func(w *estimate.PseudoWeights, err error) *estimate.PseudoWeights {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Assumption()) < 100 {
			t.Errorf("%v says of its assumption: %s", w.Method, w.Assumption())
		}
		return w
	}
}

func (o *pair) checkWeights(t *testing.T, q golden.Query, w *estimate.PseudoWeights) {
	t.Helper()
	golden.CheckList(t, "coefficients", w.Coef, q.Expected["coef"], q.RelTol)
	golden.Check(t, "N", w.N, q.Expected["N_hat"], q.RelTol)
	for _, v := range []string{"aware", "participate"} {
		m, err := w.Mean(o.qr.Number(t, v), estimate.EstimatedN)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, v, m.Estimate, q.Expected[v], q.RelTol)
		// Like Chen-Li-Wu's, which is .0113 and .0102.
		if !(m.SE > 0.009 && m.SE < 0.013) {
			t.Errorf("SE of %s is %g", v, m.SE)
		}
	}
}

func (o *pair) checkMean(t *testing.T, q golden.Query) {
	t.Helper()
	s, y := o.answered(t, q.Args["y"].(string))
	w := must(t)(s.ChenLiWu())
	model := estimate.LogisticOutcome
	if q.Args["y"] == "sat" {
		model = estimate.LinearOutcome
	}
	mean := func(dr bool, n estimate.Population) estimate.TwoSourceMean {
		var m estimate.TwoSourceMean
		var err error
		if dr {
			m, err = w.DoublyRobust(y, model, n)
		} else {
			m, err = w.Mean(y, n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := q.Expected
	if q.Stat == "ipw_dr_fixed_N" {
		ipw, dr := mean(false, estimate.ReferenceN), mean(true, estimate.ReferenceN)
		golden.Check(t, "N", ipw.N, want["N"], q.RelTol)
		golden.Check(t, "IPW", ipw.Estimate, want["ipw1"], q.RelTol)
		golden.Check(t, "DR", dr.Estimate, want["dr1"], q.RelTol)
		return
	}
	m := mean(q.Stat == "doubly_robust", estimate.EstimatedN)
	golden.Check(t, "mean", m.Estimate, want["estimate"], q.RelTol)
	golden.Check(t, "variance of A", m.VarA, want["var_A"], q.RelTol)
	golden.Check(t, "variance of B", m.VarB, want["var_B"], q.RelTol)
	golden.Check(t, "SE", m.SE, want["se"], q.RelTol)
	i, err := m.Interval(0.95)
	if err != nil {
		t.Fatal(err)
	}
	golden.CheckList(t, "interval", []float64{i.Lower, i.Upper}, want["ci95"], q.RelTol)
	if want["N_hat"] != nil {
		golden.Check(t, "N", m.N, want["N_hat"], q.RelTol)
	}
	if q.Stat == "doubly_robust" {
		golden.Check(t, "residual part", m.Residual, want["residual_part"], q.RelTol)
		golden.Check(t, "model part", m.Model, want["model_part"], q.RelTol)
		golden.CheckList(t, "outcome model", m.Outcome, want["outcome_coef"], q.RelTol)
	}
	if dr := strings.HasPrefix(m.Assumption(), "Doubly robust"); dr != (q.Stat == "doubly_robust") {
		t.Errorf("assumption: %s", m.Assumption())
	}
}
