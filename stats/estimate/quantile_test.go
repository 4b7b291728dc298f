package estimate_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"

	"pgregory.net/rapid"
)

// TestQuantileRules compares with quantile(c(2, 3, 5, 7, 11, 13), p, type = 1..9)
// of R for equal weights; type 3 of survey goes to the next at equality.
func TestQuantileRules(t *testing.T) {
	x, w := []float64{7, 2, 13, 3, 11, 5}, []float64{1, 1, 1, 1, 1, 1}
	for rule, want := range map[estimate.QuantileRule][5]float64{
		estimate.Math: {2, 3, 5, 11, 13}, estimate.HF1: {2, 3, 5, 11, 13},
		estimate.School: {2, 3, 6, 11, 13}, estimate.HF2: {2, 3, 6, 11, 13},
		estimate.HF4: {2, 2.5, 5, 9, 13}, estimate.HF5: {2, 3, 6, 11, 13},
		estimate.HF6: {2, 2.75, 6, 11.5, 13}, estimate.HF7: {2, 3.5, 6, 10, 13},
		estimate.HF8: {2, 35.0 / 12, 6, 11 + 1.0/6, 13}, estimate.HF9: {2, 2.9375, 6, 11.125, 13},
	} {
		for i, p := range []float64{0, 0.25, 0.5, 0.75, 1} {
			got, err := estimate.Quantile(x, w, p, rule)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got-want[i]) > 1e-12 {
				t.Errorf("%s at %g is %v, want %v", rule, p, got, want[i])
			}
		}
	}
}

// TestQuantileTraps are places where R's survey 4.1 goes wrong or sums of
// weights are not exact.
func TestQuantileTraps(t *testing.T) {
	heavy := []float64{5, 1, 1}
	for _, rule := range []estimate.QuantileRule{estimate.Math, estimate.School, estimate.HF1, estimate.HF2, estimate.HF3, estimate.HF4} {
		if got, _ := estimate.Quantile([]float64{1, 2, 3}, heavy, 0.3, rule); got != 1 {
			t.Errorf("%s below the first step is %v, want the smallest value", rule, got)
		}
	}
	tenths := slices.Repeat([]float64{0.1}, 10)
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for i, p := range []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9} {
		if got, _ := estimate.Quantile(x, tenths, p, estimate.Math); got != float64(i+1) {
			t.Errorf("quantile %g of ten equal weights is %v", p, got)
		}
		if got, _ := estimate.Quantile(x, tenths, p, estimate.School); got != float64(i)+1.5 {
			t.Errorf("school quantile %g of ten equal weights is %v", p, got)
		}
	}
	if got, _ := estimate.Quantile([]float64{4, 9}, []float64{1, 0}, 0.99, estimate.HF7); got != 4 {
		t.Errorf("a value of weight 0 counts: %v", got)
	}
}

func TestQuantileProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "n")
		x, w := make([]float64, n), make([]float64, n)
		for k := range x {
			x[k] = float64(rapid.IntRange(0, 9).Draw(t, "x"))
			w[k] = float64(rapid.IntRange(1, 5).Draw(t, "w"))
		}
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		order := rapid.Permutation(sequence(n)).Draw(t, "order")
		var px, pw, sw []float64
		for _, k := range order {
			px, pw = append(px, x[k]), append(pw, w[k])
		}
		for _, v := range w {
			sw = append(sw, v*7.3)
		}
		for rule := estimate.Math; rule <= estimate.HF9; rule++ {
			got, err := estimate.Quantile(x, w, p, rule)
			if err != nil {
				t.Fatal(err)
			}
			if got < slices.Min(x) || got > slices.Max(x) {
				t.Fatalf("%s is %v, outside the values", rule, got)
			}
			if more, _ := estimate.Quantile(x, w, min(1, p+0.1), rule); more < got-1e-9 {
				t.Fatalf("%s falls from %v to %v", rule, got, more)
			}
			if scaled, _ := estimate.Quantile(x, sw, p, rule); math.Abs(scaled-got) > 1e-9 {
				t.Fatalf("%s of scaled weights is %v, not %v", rule, scaled, got)
			}
			if rule <= estimate.HF3 {
				if other, _ := estimate.Quantile(px, pw, p, rule); other != got {
					t.Fatalf("%s in another order is %v, not %v", rule, other, got)
				}
			}
		}
	})
}

func TestQuantilesRefuse(t *testing.T) {
	var fault *stats.ValueError
	if _, err := estimate.Quantile([]float64{1, math.NaN()}, []float64{1, 1}, 0.5, estimate.Math); !errors.As(err, &fault) || fault.Row != 1 {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.Quantile([]float64{1, 2}, []float64{1, -1}, 0.5, estimate.Math); !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.Quantile(nil, nil, 0.5, estimate.Math); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("error is %v", err)
	}
	d, err := estimate.NewDesign(estimate.Spec{Rows: 1, Weight: []float64{1}, Lonely: estimate.Remove})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Quantiles([]float64{4}, nil, []float64{0.5}, estimate.Math, estimate.Wald, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
		t.Errorf("error is %v", err)
	}
}
