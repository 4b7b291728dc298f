package weighting_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats/weighting"
)

func TestRakingByNewtonIsRakingBySweeps(t *testing.T) {
	d, cat, margins := deming()
	g, _, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// All five indicator columns, one of them redundant.
	x := make([][]float64, len(d))
	for c := range x {
		x[c] = make([]float64, 5)
		x[c][cat[c][0]], x[c][2+cat[c][1]] = 1, 1
	}
	totals := append(append([]float64(nil), margins[0].Targets...), margins[1].Targets...)
	w, rep, err := weighting.Calibrate(d, x, totals, weighting.CalibrateOptions{Distance: weighting.Raking})
	if err != nil {
		t.Fatal(err)
	}
	for c := range d {
		if math.Abs(w[c]-d[c]*g[c]) > 1e-11*w[c] {
			t.Errorf("class %d weighs %v by Newton, %v by sweeps", c, w[c], d[c]*g[c])
		}
	}
	t.Logf("%d steps", rep.Sweeps)
}

func TestFarTotalsConverge(t *testing.T) {
	// From weights of 1 to totals a thousand times larger, which undamped
	// Newton steps of exp do not reach.
	d := []float64{1, 1, 1, 1}
	x := [][]float64{{1, 0.1}, {1, 0.5}, {1, 2}, {1, 7}}
	for _, dist := range []weighting.Distance{weighting.Linear, weighting.Raking} {
		w, _, err := weighting.Calibrate(d, x, []float64{4000, 20000}, weighting.CalibrateOptions{Distance: dist})
		if err != nil {
			t.Fatal(err)
		}
		var a, b float64
		for k := range w {
			a += w[k]
			b += w[k] * x[k][1]
		}
		if math.Abs(a-4000) > 1e-7 || math.Abs(b-20000) > 1e-7 {
			t.Errorf("totals are %v and %v", a, b)
		}
	}
}

func TestCalibrateRefuses(t *testing.T) {
	d := []float64{1, 2, 3}
	x := [][]float64{{1, 2}, {1, 3}, {1, 4}}
	opt := weighting.CalibrateOptions{Distance: weighting.Logit, Lower: 0.9, Upper: 1.1, Names: []string{"people", "income"}}
	_, rep, err := weighting.Calibrate(d, x, []float64{6, 30}, opt)
	var fault *weighting.ConvergenceError
	if !errors.As(err, &fault) || fault.Margin == "" || !(fault.Worst > 0.1) || rep.Worst != fault.Worst {
		t.Errorf("error is %v", err)
	}
	// Two totals for the same column.
	_, _, err = weighting.Calibrate(d, [][]float64{{1, 1}, {1, 1}, {1, 1}}, []float64{6, 7}, weighting.CalibrateOptions{})
	if !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	x[2][1] = math.NaN()
	if _, _, err = weighting.Calibrate(d, x, []float64{6, 20}, opt); err == nil || err.Error() != "stats: auxiliary income of row 2 is not finite (NaN)" {
		t.Errorf("error is %v", err)
	}
}

func TestNormal(t *testing.T) {
	// Columns 0 and 1 are independent on very different scales, column 2 is
	// their sum, column 3 is empty.
	x := [][]float64{{1e-6, 2e6, 0, 0}, {3e-6, 1e6, 0, 0}, {2e-6, 5e6, 0, 0}, {7e-6, 1e6, 0, 0}}
	for _, row := range x {
		row[2] = row[0] + row[1]
	}
	m := make([]float64, 16)
	for _, row := range x {
		for i := range 4 {
			for j := range 4 {
				m[i*4+j] += row[i] * row[j]
			}
		}
	}
	n := weighting.NewNormal(m, 4)
	if n.Rank() != 2 {
		t.Fatalf("rank is %d, want 2", n.Rank())
	}
	u := []float64{4, 5, 9, 9} // 1e6 times column 0, plus 1.5e-6 times column 1
	for k, row := range x {
		u[k] = 1e6*row[0] + 1.5e-6*row[1]
	}
	xu := make([]float64, 4)
	for k, row := range x {
		for j := range row {
			xu[j] += row[j] * u[k]
		}
	}
	b := n.Solve(xu)
	for k, row := range x {
		fit := 0.0
		for j := range row {
			fit += b[j] * row[j]
		}
		if math.Abs(fit-u[k]) > 1e-6*u[k] {
			t.Errorf("row %d: fitted %v, want %v", k, fit, u[k])
		}
	}
}
