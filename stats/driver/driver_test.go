package driver_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/driver"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

var bothMethods = []driver.Method{driver.RelativeWeights, driver.ShapleyShares}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// TestKnownShares are shares that can be worked out by hand.
func TestKnownShares(t *testing.T) {
	for _, m := range bothMethods {
		t.Run("independent items get their squared correlations", func(t *testing.T) {
			s, err := driver.FromCorrelations(mat.NewSymDense(3, []float64{1, 0, .6, 0, 1, .3, .6, .3, 1}), m)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "R2", s.R2, 0.45, 1e-12)
			near(t, "first", s.Raw[0], 0.36, 1e-12)
			near(t, "percent of the second", s.Percent[1], 20, 1e-10)
		})
		t.Run("twins share evenly", func(t *testing.T) {
			s, err := driver.FromCorrelations(mat.NewSymDense(3, []float64{1, .8, .5, .8, 1, .5, .5, .5, 1}), m)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "R2", s.R2, 2*.25/1.8, 1e-12) // 2 r^2 / (1 + r_12)
			near(t, "first", s.Raw[0], s.R2/2, 1e-12)
		})
		t.Run("one item explains what it explains", func(t *testing.T) {
			s, err := driver.FromCorrelations(mat.NewSymDense(2, []float64{1, -.4, -.4, 1}), m)
			if err != nil || math.Abs(s.R2-.16) > 1e-12 || math.Abs(s.Percent[0]-100) > 1e-9 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	t.Run("Shapley of two is the mean of first and last", func(t *testing.T) {
		r1, r2, r12 := 0.5, 0.4, 0.3
		r2all := (r1*r1 + r2*r2 - 2*r1*r2*r12) / (1 - r12*r12)
		s, err := driver.FromCorrelations(mat.NewSymDense(3, []float64{1, r12, r1, r12, 1, r2, r1, r2, 1}), driver.ShapleyShares)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "first", s.Raw[0], (r1*r1+r2all-r2*r2)/2, 1e-12)
	})
	t.Run("items that explain nothing have no percent", func(t *testing.T) {
		s, err := driver.FromCorrelations(mat.NewSymDense(2, []float64{1, 0, 0, 1}), driver.RelativeWeights)
		if err != nil || s.R2 != 0 || !math.IsNaN(s.Percent[0]) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestCorrelationsRefuse(t *testing.T) {
	var items *driver.ItemsError
	var matrix *driver.MatrixError
	var dependent *driver.DependentError
	for _, m := range bothMethods {
		for name, r := range map[string]*mat.SymDense{"no items": mat.NewSymDense(1, []float64{1}), "nothing": {}} {
			if _, err := driver.FromCorrelations(r, m); !errors.As(err, &items) || items.Error() == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		for why, r := range map[string][]float64{"is not finite": {1, math.NaN(), math.NaN(), 1}, "is not 1": {2, .1, .1, 1}, "is not between -1 and 1": {1, 1.1, 1.1, 1}} {
			if _, err := driver.FromCorrelations(mat.NewSymDense(2, r), m); !errors.As(err, &matrix) || matrix.Why != why || matrix.Error() == "" {
				t.Errorf("%s: %v", why, err)
			}
		}
		if _, err := driver.FromCorrelations(mat.NewSymDense(3, []float64{1, 1, .5, 1, 1, .5, .5, .5, 1}), m); !errors.As(err, &dependent) || dependent.Item != 1 || dependent.Error() == "" {
			t.Errorf("an item twice: %v", err)
		}
		if _, err := driver.FromCorrelations(mat.NewSymDense(3, []float64{1, -.9, .9, -.9, 1, .9, .9, .9, 1}), m); !errors.As(err, &matrix) {
			t.Errorf("correlations that no answers have: %v", err)
		}
	}
	if s := (&driver.DependentError{Item: -1}).Error(); s == "" {
		t.Error("an error without words")
	}
	wide := mat.NewSymDense(driver.MaxItems+2, nil)
	for i := range driver.MaxItems + 2 {
		wide.SetSym(i, i, 1)
	}
	if _, err := driver.FromCorrelations(wide, driver.ShapleyShares); !errors.As(err, &items) || items.Max != driver.MaxItems {
		t.Errorf("too many items for subsets: %v", err)
	}
	if _, err := driver.FromCorrelations(wide, driver.RelativeWeights); err != nil {
		t.Errorf("relative weights of %d items: %v", driver.MaxItems+1, err)
	}
	panics(t, func() { _, _ = driver.FromCorrelations(mat.NewSymDense(2, []float64{1, 0, 0, 1}), driver.Method(5)) })
}

func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

func TestRowsRefuse(t *testing.T) {
	x := [][]float64{{1, 2, 3, 4, 7}, {2, 1, 4, 3, 1}, {1, 3, 2, 5, 4}}
	var fault *stats.ValueError
	var flat *driver.VarianceError
	var rep *driver.ReplicateError
	var items *driver.ItemsError
	if _, err := driver.Correlate([][]float64{{1, math.Inf(1)}}, nil); !errors.As(err, &fault) || fault.Row != 1 || fault.What != "variable 0" {
		t.Errorf("an infinite answer: %v", err)
	}
	if _, err := driver.Correlate(x, []float64{1, 1, 1, 1, -1}); !errors.As(err, &fault) || fault.What != "weight" {
		t.Errorf("a negative weight: %v", err)
	}
	for name, x := range map[string][][]float64{"no rows": {{}, {}}, "a constant": {{1, 1}, {1, 2}}, "one row": {{1}, {2}}, "nobody answered both": {{1, math.NaN()}, {math.NaN(), 1}}} {
		if _, err := driver.Correlate(x, nil); !errors.As(err, &flat) || flat.Error() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := driver.Correlate(nil, nil); err != nil || c.N != 0 {
		t.Errorf("nothing: %v, %v", c, err)
	}
	if _, err := driver.FromRows(x[:1], nil, driver.RelativeWeights, nil); !errors.As(err, &items) {
		t.Errorf("no items: %v", err)
	}
	if _, err := driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Scale: math.NaN()}); !errors.As(err, &fault) || fault.What != "scale" {
		t.Errorf("a scale that is no number: %v", err)
	}
	for name, w := range map[string][]float64{"a negative weight": {1, 1, 1, 1, -1}, "one row left": {1, 0, 0, 0, 0}} {
		if _, err := driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Weights: [][]float64{{1, 1, 1, 1, 1}, w}, Scale: 1}); !errors.As(err, &rep) || rep.Replicate != 1 || rep.Unwrap() == nil || rep.Error() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := []float64{1, 1, 1, 1, 1}
	d, err := driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Weights: [][]float64{one, one}, RScales: []float64{0, 0}, Scale: 1})
	if err != nil || !math.IsNaN(d.SE[0]) || d.DF != 0 {
		t.Errorf("no replicate counts: %+v, %v", d, err)
	}
	d, err = driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Weights: [][]float64{one, one}, Scale: 1, MSE: true})
	if err != nil || d.SE[0] != 0 || d.DF != 1 {
		t.Errorf("replicates that are the sample: %+v, %v", d, err)
	}
	panics(t, func() { _, _ = driver.Correlate([][]float64{{1}, {1, 2}}, nil) })
	panics(t, func() { _, _ = driver.Correlate(x, []float64{1}) })
	panics(t, func() {
		_, _ = driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Weights: [][]float64{one}, RScales: []float64{1, 1}})
	})
	panics(t, func() {
		_, _ = driver.FromRows(x, nil, driver.RelativeWeights, &driver.Replicates{Weights: [][]float64{{1}}})
	})
}

// TestDriversDoNotCare about the order of rows and items, the scale of weights
// and answers, and doubled data; the shares add up and are not negative.
func TestDriversDoNotCare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, n := rapid.IntRange(1, 5).Draw(t, "items"), rapid.IntRange(12, 30).Draw(t, "rows")
		x := make([][]float64, p+1)
		for j := range x {
			x[j] = rapid.SliceOfN(rapid.Float64Range(-10, 10), n, n).Draw(t, "answers")
		}
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 5), n, n).Draw(t, "weights")
		m := rapid.SampledFrom(bothMethods).Draw(t, "method")
		base, err := driver.FromRows(x, w, m, nil)
		if err != nil {
			t.Skip(err)
		}
		if c, err := driver.Correlate(x, w); err != nil || mat.Det(c.R.SliceSym(0, p)) < 1e-3 {
			t.Skip("items that nearly determine each other")
		}
		sum := 0.0
		for _, v := range base.Raw {
			if v < -1e-12 {
				t.Fatalf("a share of %g", v)
			}
			sum += v
		}
		if math.Abs(sum-base.R2) > 1e-9 || base.R2 > 1+1e-9 {
			t.Fatalf("shares add up to %g, R2 is %g", sum, base.R2)
		}
		rows, items := rapid.Permutation(sequence(n)).Draw(t, "order"), rapid.Permutation(sequence(p)).Draw(t, "order of items")
		other := make([][]float64, p+1)
		var ow []float64
		for _, i := range append(rows, rows...) { // doubled, in another order
			ow = append(ow, 7*w[i])
			for j, from := range append(items, p) {
				other[j] = append(other[j], 3-2*x[from][i])
			}
		}
		got, err := driver.FromRows(other, ow, m, nil)
		if err != nil || got.N != 2*n {
			t.Fatal(got.N, err)
		}
		for at, j := range items {
			if math.Abs(got.Raw[at]-base.Raw[j]) > 1e-8 {
				t.Fatalf("share %g becomes %g", base.Raw[j], got.Raw[at])
			}
		}
	})
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}
