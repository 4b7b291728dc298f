package estimate_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats/estimate"
)

// waves returns the means of a variable in the levels of the grouping columns.
func (r *run) waves(t *testing.T, d *design, v string, by ...string) ([]estimate.Linear, []string) {
	y, _ := d.f.number(t, v)
	group, levels := d.f.codes(t, by...)
	in := make([]bool, len(y))
	for k := range y {
		in[k] = !math.IsNaN(y[k])
	}
	s, err := d.d.Groups(y, group, len(levels), in)
	if err != nil {
		t.Fatal(err)
	}
	return s, levels
}

func (r *run) groups(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	s, _ := r.waves(t, d, list(q.Args["vars"])[0], list(q.Args["by"])...)
	for i, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		e := d.d.Estimate(s[i])
		checkNear(t, fmt.Sprint("mean ", i), e.Value, want["estimate"], q.RelTol)
		checkNear(t, fmt.Sprint("SE ", i), e.SE, want["se"], q.RelTol)
	}
	v := d.d.Covariance(s...)
	for i, row := range q.Expected["vcov"].([]any) {
		for j, x := range row.([]any) {
			checkNear(t, fmt.Sprintf("covariance %d,%d", i, j), v.At(i, j), x, q.RelTol)
		}
	}
}

func (r *run) checkTest(t *testing.T, q refQuery, got estimate.Test, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	want := q.Expected
	checkNear(t, "difference", got.Value, want["estimate"], q.RelTol)
	checkNear(t, "t", got.T, want["t"], q.RelTol)
	checkNear(t, "df", got.DF, want["df"], q.RelTol)
	checkNear(t, "p-value", got.P, want["p_value"], q.RelTol)
	checkNear(t, "lower", got.Lower, want["ci95"].([]any)[0], q.RelTol)
	checkNear(t, "upper", got.Upper, want["ci95"].([]any)[1], q.RelTol)
	if se, ok := want["se"]; ok {
		checkNear(t, "SE", got.SE, se, q.RelTol)
	}
}

// change compares a change between waves, computed from the stacked rows, from
// waves with their own designs that are stacked afterwards, and, where the waves
// are independent, from the two estimates.
func (r *run) change(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	var of refQuery
	for _, x := range r.c.Queries {
		if x.Name == q.Args["of"] {
			of = x
		}
	}
	v := list(of.Args["vars"])[0]
	coef := []float64{}
	for _, c := range q.Args["coef"].([]any) {
		coef = append(coef, c.(float64))
	}
	s, _ := r.waves(t, d, v, list(of.Args["by"])...)
	got, err := d.d.Test(estimate.Contrast(coef, s...), 0.95)
	r.checkTest(t, q, got, err)

	var waves []*estimate.Design
	var lifted []estimate.Linear
	var es []estimate.Estimate
	y, _ := d.f.number(t, v)
	w, _ := d.f.number(t, d.spec.Weights)
	unit, _ := d.f.codes(t, d.spec.IDs[0])
	stratum, names := d.f.codes(t, d.spec.Strata[0])
	for _, level := range []string{"1", "2"} {
		st := estimate.Stage{Names: names}
		var wave, yw []float64
		var in []bool
		for k, x := range d.f.text(t, "wave") {
			if x == level {
				st.Unit, st.Stratum = append(st.Unit, unit[k]), append(st.Stratum, stratum[k])
				wave, yw, in = append(wave, w[k]), append(yw, y[k]), append(in, !math.IsNaN(y[k]))
			}
		}
		one, err := estimate.NewDesign(estimate.Spec{Rows: len(wave), Weight: wave, Stages: []estimate.Stage{st}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := one.Mean(yw, in)
		if err != nil {
			t.Fatal(err)
		}
		waves, lifted, es = append(waves, one), append(lifted, m), append(es, one.Estimate(m))
	}
	stack, err := estimate.Stack(estimate.Fail, false, waves...)
	if err != nil {
		t.Fatal(err)
	}
	got, err = stack.Test(estimate.Contrast(coef, stack.Lift(0, lifted[0]), stack.Lift(1, lifted[1])), 0.95)
	r.checkTest(t, q, got, err)
	if q.Design == "indep" {
		got, err = estimate.Change(es[0], es[1], 0.95)
		r.checkTest(t, q, got, err)
	}
}

func (r *run) tTest(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	y, _ := d.f.number(t, q.Args["y"].(string))
	group, _ := d.f.codes(t, q.Args["group"].(string))
	second, in := make([]bool, len(y)), make([]bool, len(y))
	for k := range y {
		second[k], in[k] = group[k] == 1, !math.IsNaN(y[k])
	}
	got, err := d.d.GroupTest(y, second, in, 0.95)
	r.checkTest(t, q, got, err)
}

func (r *run) changes(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	s, levels := r.waves(t, d, q.Args["var"].(string), append(list(q.Args["by"]), "wave")...)
	var p []float64
	for i, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		if levels[2*i] != fmt.Sprint(want["by"].(map[string]any)["subdistrict"], "|1") {
			t.Fatalf("groups are %v", levels)
		}
		got, err := d.d.Test(estimate.Contrast([]float64{-1, 1}, s[2*i], s[2*i+1]), 0.95)
		if err != nil {
			t.Fatal(err)
		}
		checkNear(t, "change", got.Value, want["estimate"], q.RelTol)
		checkNear(t, "SE", got.SE, want["se"], q.RelTol)
		checkNear(t, "p-value", got.P, want["p"], q.RelTol)
		checkNear(t, "df", got.DF, q.Expected["df"], q.RelTol)
		p = append(p, got.P)
	}
	holm, bh := adjust(p)
	for i, row := range q.Expected["rows"].([]any) {
		checkNear(t, "Holm", holm[i], row.(map[string]any)["p_holm"], q.RelTol)
		checkNear(t, "Benjamini-Hochberg", bh[i], row.(map[string]any)["p_bh"], q.RelTol)
	}
}

// adjust is here only so that the p-values of a whole query are compared.
func adjust(p []float64) (holm, bh []float64) {
	n := len(p)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, p[a]-p[b])) })
	holm, bh = make([]float64, n), make([]float64, n)
	top := 0.0
	for r, i := range order {
		top = max(top, min(1, float64(n-r)*p[i]))
		holm[i] = top
	}
	low := 1.0
	for r := n - 1; r >= 0; r-- {
		low = min(low, float64(n)/float64(r+1)*p[order[r]])
		bh[order[r]] = low
	}
	return holm, bh
}

func (r *run) table(t *testing.T, q refQuery) {
	d := r.design(t, q.Design)
	code := func(name string) ([]int, []string) {
		c, levels := d.f.codes(t, name)
		if levels[0] == "" {
			for k := range c {
				c[k]--
			}
			levels = levels[1:]
		}
		return c, levels
	}
	row, rows := code(q.Args["row"].(string))
	col, cols := code(q.Args["col"].(string))
	tab, err := d.d.Table(row, col, len(rows), len(cols), nil)
	if err != nil {
		t.Fatal(err)
	}
	if q.Stat == "table" {
		for i, line := range q.Expected["sums"].([]any) {
			for j, x := range line.([]any) {
				checkNear(t, fmt.Sprint(rows[i], cols[j]), tab.Sum[i*len(cols)+j], x, q.RelTol)
			}
		}
		return
	}
	var a estimate.Association
	switch kind := q.Args["statistic"]; kind {
	case "Wald", "adjWald":
		a, err = tab.Wald(kind == "adjWald")
	default:
		var rs estimate.RaoScott
		rs, err = tab.RaoScott()
		if a = rs.F; kind == "Chisq" {
			a = rs.ChiSquare
			a.Statistic *= float64(tab.All) / float64(tab.N) // R counts missing answers
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	checkNear(t, "statistic", a.Statistic, q.Expected["statistic"], q.RelTol)
	checkNear(t, "p-value", a.P, q.Expected["p_value"], q.RelTol)
	for i, df := range q.Expected["df"].([]any) {
		checkNear(t, "df", [2]float64{a.DF1, a.DF2}[i], df, q.RelTol)
	}
}
