package estimate_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

// TestTails compares with 2 pt(-|t|, df) of R, far out too.
func TestTails(t *testing.T) {
	for _, c := range []struct{ value, df, want float64 }{
		{1, 5, 0.363217467649}, {0.001, 5, 0.999240786772}, {-30, 5, 7.7186486205e-07}, {40, 88, 3.10939786539e-58}, {2, math.Inf(1), 0.0455002638964},
	} {
		got, err := estimate.NewTest(c.value, 1, c.df, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.P/c.want-1) > 1e-9 {
			t.Errorf("t of %g on %g: p is %.12g, want %.12g", c.value, c.df, got.P, c.want)
		}
	}
	if _, err := estimate.NewTest(1, 0, 5, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.NewTest(1, 1, 0, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
		t.Errorf("error is %v", err)
	}
}

// TestStackedWaves: people who answer the same twice have not changed, for sure;
// a wave raked on its own keeps what its raking gains.
func TestStackedWaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, spec, y := drawDesign(t, 2, 4)
		m, err := d.Mean(y, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := estimate.Stack(estimate.Fail, false, d, d)
		if err != nil {
			t.Fatal(err)
		}
		a, b := s.Lift(0, m), s.Lift(1, m)
		if e := s.Estimate(estimate.Contrast([]float64{-1, 1}, a, b)); e.Value != 0 || e.SE > 1e-12 || e.N != 2*spec.Rows {
			t.Fatalf("%+v", e)
		}
		if got, want := s.Estimate(a), d.Estimate(m); math.Abs(got.SE-want.SE) > 1e-10*(1+want.SE) || got.DesignDF != want.DesignDF {
			t.Fatalf("SE is %v, in its own design %v", got.SE, want.SE)
		}
		class := make([]int, spec.Rows)
		for k := range class {
			class[k] = k % 2
		}
		margin := weighting.Margin{Name: "sex", Categories: []string{"F", "M"}, Targets: []float64{400, 600}}
		if spec.Rows < 2 {
			return
		}
		raked, _, err := d.Rake(class, [][]int{{0}, {1}}, []weighting.Margin{margin}, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		women := make([]float64, spec.Rows)
		for k, c := range class {
			women[k] = float64(1 - c)
		}
		total, err := raked.Total(women, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err = estimate.Stack(estimate.Fail, false, d, raked)
		if err != nil {
			t.Fatal(err)
		}
		if e := s.Estimate(s.Lift(1, total)); math.Abs(e.Value-400) > 1e-7 || e.SE > 1e-7 {
			t.Fatalf("a calibrated margin is %v with SE %v", e.Value, e.SE)
		}
	})
}

func TestStackRefuses(t *testing.T) {
	wave := func(stratum int) *estimate.Design {
		d, err := estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1, 1}, Stages: []estimate.Stage{{Unit: []int{1, 2}, Stratum: []int{stratum, stratum}}}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var fault *estimate.DesignError
	if _, err := estimate.Stack(estimate.Fail, false, wave(0), wave(1)); !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	if s, err := estimate.Stack(estimate.Fail, true, wave(0), wave(1)); err != nil || s.DF(nil) != 2 {
		t.Errorf("error is %v", err)
	}
}

func TestGroups(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 5, Weight: []float64{1, 2, 1, 2, 0}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Groups([]float64{1, 2, 3, 4, 5}, []int{0, 0, 1, -1, 2}, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s[0].Value != 5.0/3 || s[1].Value != 3 || !math.IsNaN(s[2].Value) || s[2].N != 0 {
		t.Errorf("means are %v, %v, %v", s[0].Value, s[1].Value, s[2].Value)
	}
	if v := d.Covariance(s...); v.At(2, 2) != 0 || v.At(0, 2) != 0 {
		t.Error("an empty group varies")
	}
}

// TestLonelyTotals: under Adjust a lonely stratum adds the squared distance of
// its total from the mean unit total, as in survey 4.2 and later, at later stages
// from the mean inside its PSU.
func TestLonelyTotals(t *testing.T) {
	variance := func(rule estimate.LonelyRule, s estimate.Spec, y []float64) float64 {
		s.Lonely = rule
		d, err := estimate.NewDesign(s)
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.Total(y, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d.Estimate(l).Var
	}
	one := estimate.Spec{Rows: 10, Weight: lonely.w, Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h}}}
	all, alone := 0.0, 0.0
	for k, w := range lonely.w {
		all += w * lonely.y[k]
		if lonely.h[k] == 2 {
			alone += w * lonely.y[k]
		}
	}
	want := variance(estimate.Remove, one, lonely.y) + (alone-all/7)*(alone-all/7)
	if got := variance(estimate.Adjust, one, lonely.y); math.Abs(got-want) > 1e-9*want {
		t.Errorf("variance is %v, want %v", got, want)
	}
	// Two PSUs of four; inside each, stratum 0 has two of four units and stratum
	// 1 one of three.
	two := estimate.Spec{Rows: 6, Stages: []estimate.Stage{
		{Unit: []int{0, 0, 0, 1, 1, 1}, Size: slices.Repeat([]float64{4}, 6)},
		{Stratum: []int{0, 0, 1, 0, 0, 1}, Size: []float64{4, 4, 3, 4, 4, 3}},
	}}
	y := []float64{1, 2, 7, 4, 4, 9}
	want = variance(estimate.Remove, two, y)
	for _, t := range [][3]float64{{4, 8, 42}, {16, 16, 54}} { // weights 2*2 and 2*3
		off := t[2] - (t[0]+t[1]+t[2])/3
		want += 0.5 * (2.0 / 3) * off * off
	}
	if got := variance(estimate.Adjust, two, y); math.Abs(got-want) > 1e-9*want {
		t.Errorf("variance of two stages is %v, want %v", got, want)
	}
}

// TestBrewerIsSimpleRandomSampling where all probabilities are the same.
func TestBrewerIsSimpleRandomSampling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "n")
		y, p, size := make([]float64, n), make([]float64, n), make([]float64, n)
		for k := range y {
			y[k], p[k], size[k] = rapid.Float64Range(-10, 10).Draw(t, "y"), float64(n)/40, 40
		}
		var v [2]float64
		for i, st := range []estimate.Stage{{Size: size}, {Size: p, PPS: true}} {
			d, err := estimate.NewDesign(estimate.Spec{Rows: n, Stages: []estimate.Stage{st}})
			if err != nil {
				t.Fatal(err)
			}
			l, err := d.Mean(y, nil)
			if err != nil {
				t.Fatal(err)
			}
			v[i] = d.Estimate(l).Var
		}
		if math.Abs(v[0]-v[1]) > 1e-10*v[0] {
			t.Fatalf("variances are %v and %v", v[0], v[1])
		}
	})
}

func TestBrewer(t *testing.T) {
	design := func(p ...float64) (*estimate.Design, error) {
		return estimate.NewDesign(estimate.Spec{Rows: len(p), Stages: []estimate.Stage{{Size: p, PPS: true}}})
	}
	d, err := design(1, 0.5, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Total([]float64{3, 4, 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Totals 3, 8, 20 about their mean 31/3, corrections 0, 1/2, 3/4, times 3/2.
	m := 31.0 / 3
	if got, want := d.Estimate(l).Var, 1.5*(0.5*(8-m)*(8-m)+0.75*(20-m)*(20-m)); math.Abs(got-want) > 1e-9 || l.Value != 31 {
		t.Errorf("total %v, variance %v, want %v", l.Value, got, want)
	}
	for _, p := range []float64{0, -1, 1.5, math.NaN(), math.Inf(1)} {
		var fault *stats.ValueError
		if _, err := design(0.5, p); !errors.As(err, &fault) || fault.Row != 1 {
			t.Errorf("%g: error is %v", p, err)
		}
	}
	var fault *estimate.DesignError
	_, err = estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1, 1}, Stages: []estimate.Stage{{PPS: true}}})
	if !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	_, err = estimate.NewDesign(estimate.Spec{Rows: 3, Stages: []estimate.Stage{{Unit: []int{1, 1, 2}, Size: []float64{0.5, 0.4, 0.2}, PPS: true}}})
	if !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
}

func ExampleStack() {
	// Building 1 and 2 were visited in both waves, building 3 and 4 once.
	wave := func(buildings []int, sat []float64) (*estimate.Design, estimate.Linear) {
		d, err := estimate.NewDesign(estimate.Spec{Rows: len(sat), Weight: []float64{10, 10, 10, 10, 10, 10},
			Stages: []estimate.Stage{{Unit: buildings}}})
		if err != nil {
			panic(err)
		}
		m, err := d.Mean(sat, nil)
		if err != nil {
			panic(err)
		}
		return d, m
	}
	first, before := wave([]int{1, 1, 2, 2, 3, 3}, []float64{60, 62, 80, 78, 70, 70})
	second, after := wave([]int{1, 1, 2, 2, 4, 4}, []float64{66, 66, 85, 85, 76, 72})
	s, err := estimate.Stack(estimate.Fail, false, first, second)
	if err != nil {
		panic(err)
	}
	change, _ := s.Test(estimate.Contrast([]float64{-1, 1}, s.Lift(0, before), s.Lift(1, after)), 0.95)
	apart, _ := estimate.Change(first.Estimate(before), second.Estimate(after), 0.95)
	fmt.Printf("%+.1f, SE %.2f; as if independent %.2f\n", change.Value, change.SE, apart.SE)
	// Output: +5.0, SE 0.54; as if independent 7.57
}
