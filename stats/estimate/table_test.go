package estimate_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats/estimate"

	"pgregory.net/rapid"
)

// TestTableOfASimpleRandomSample: without design the correction is n/(n-1) and
// the statistic Pearson's, 4 x 2 counts by hand.
func TestTableOfASimpleRandomSample(t *testing.T) {
	counts := [][]int{{12, 8}, {20, 5}, {9, 16}}
	var row, col []int
	var w []float64
	for i, line := range counts {
		for j, n := range line {
			for range n {
				row, col, w = append(row, i), append(col, j), append(w, 3)
			}
		}
	}
	d, err := estimate.NewDesign(estimate.Spec{Rows: len(w), Weight: w})
	if err != nil {
		t.Fatal(err)
	}
	tab, err := d.Table(row, col, 4, 2, nil) // row 3 has no answers
	if err != nil {
		t.Fatal(err)
	}
	x2, n := 0.0, float64(len(w))
	colSum := [2]float64{41, 29}
	for i, line := range counts {
		for j, c := range line {
			e := float64(line[0]+line[1]) * colSum[j] / n
			x2 += (float64(c) - e) * (float64(c) - e) / e
			if s := tab.Sum[i*2+j]; math.Abs(s-3*float64(c)) > 1e-9 {
				t.Errorf("sum %d,%d is %v", i, j, s)
			}
		}
	}
	rs, err := tab.RaoScott()
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(rs.ChiSquare.Statistic-x2) > 1e-9 || rs.ChiSquare.DF1 != 2 || math.Abs(rs.Deff-n/(n-1)) > 0.35 {
		t.Errorf("%+v, Pearson %v", rs, x2)
	}
	if math.Abs(rs.F.Statistic-x2/2/rs.Deff) > 1e-9 || rs.F.DF2 != rs.F.DF1*(n-1) {
		t.Errorf("%+v", rs)
	}
	wald, err := tab.Wald(false)
	if err != nil {
		t.Fatal(err)
	}
	if wald.DF1 != 2 || wald.DF2 != n-1 || !(wald.P < 0.05) || !(rs.F.P < 0.05) {
		t.Errorf("%+v, %+v", wald, rs)
	}
}

// TestTableDoesNotCare about scale of weights, order of rows and names of
// categories, and its shares and their variances are those of means.
func TestTableDoesNotCare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, spec, _ := drawDesign(t, 3, 5)
		row, col, y := make([]int, spec.Rows), make([]int, spec.Rows), make([]float64, spec.Rows)
		for k := range row {
			row[k], col[k] = rapid.IntRange(-1, 2).Draw(t, "row"), rapid.IntRange(-1, 1).Draw(t, "column")
			if row[k] == 1 && col[k] == 0 {
				y[k] = 1
			}
		}
		tab, err := d.Table(row, col, 3, 2, nil)
		if errors.Is(err, estimate.ErrEmptyDomain) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		in := make([]bool, spec.Rows)
		for k := range in {
			in[k] = row[k] >= 0 && col[k] >= 0
		}
		m, err := d.Mean(y, in)
		if err != nil {
			t.Fatal(err)
		}
		if e := d.Estimate(m); math.Abs(tab.Share[2]-e.Value) > 1e-12 || math.Abs(tab.Cov.At(2, 2)-e.Var) > 1e-12 {
			t.Fatalf("share %v (%v), mean %v (%v)", tab.Share[2], tab.Cov.At(2, 2), e.Value, e.Var)
		}
		rs, err := tab.RaoScott()
		other := spec
		other.Weight = nil
		order := rapid.Permutation(sequence(spec.Rows)).Draw(t, "order")
		st := estimate.Stage{}
		var row2, col2 []int
		for _, k := range order {
			other.Weight = append(other.Weight, 5*spec.Weight[k])
			st.Unit, st.Stratum = append(st.Unit, spec.Stages[0].Unit[k]), append(st.Stratum, 9-spec.Stages[0].Stratum[k])
			r := row[k]
			if r >= 0 {
				r = 2 - r
			}
			row2, col2 = append(row2, r), append(col2, col[k])
		}
		other.Stages = []estimate.Stage{st}
		d2, err2 := estimate.NewDesign(other)
		if err2 != nil {
			t.Fatal(err2)
		}
		tab2, err2 := d2.Table(row2, col2, 3, 2, nil)
		if err2 != nil {
			t.Fatal(err2)
		}
		rs2, err2 := tab2.RaoScott()
		if (err == nil) != (err2 == nil) || err == nil && rs.Deff > 1e-9 && math.Abs(rs.F.P-rs2.F.P) > 1e-7 {
			t.Fatalf("%+v (%v) becomes %+v (%v)", rs, err, rs2, err2)
		}
	})
}

// TestTableOfEqualPSUs: where all PSUs have the same table, what is left of the
// variance is rounding and no ground for a test.
func TestTableOfEqualPSUs(t *testing.T) {
	w := []float64{0.1, 0.7, 1.0 / 3, 1.1, 0.3, 2.0 / 7}
	spec := estimate.Spec{Rows: 5 * len(w), Stages: []estimate.Stage{{}}}
	var row, col []int
	for i := range 5 {
		for j := range w {
			k := (i + j) % len(w) // another order in every PSU
			spec.Weight, spec.Stages[0].Unit = append(spec.Weight, w[k]), append(spec.Stages[0].Unit, i)
			row, col = append(row, k%2), append(col, k%3)
		}
	}
	d, err := estimate.NewDesign(spec)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := d.Table(row, col, 2, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rs, err := tab.RaoScott(); !errors.Is(err, estimate.ErrNoTest) {
		t.Errorf("%+v, %v", rs, err)
	}
}

func TestTableRefuses(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 4, Weight: []float64{1, 1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Table([]int{-1, -1, 0, 0}, []int{0, 0, -1, -1}, 1, 1, nil); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("error is %v", err)
	}
	tab, err := d.Table([]int{0, 0, 0, 0}, []int{0, 1, 0, 1}, 2, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tab.RaoScott(); !errors.Is(err, estimate.ErrNoTest) {
		t.Errorf("error is %v", err)
	}
	if _, err := tab.Wald(true); !errors.Is(err, estimate.ErrNoTest) {
		t.Errorf("error is %v", err)
	}
}
