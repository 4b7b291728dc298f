package estimate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

// drawDesign draws a stratified sample of PSUs with values, without sizes.
func drawDesign(t *rapid.T, atLeast, atMost int) (d *estimate.Design, spec estimate.Spec, y []float64) {
	var st estimate.Stage
	for h := range rapid.IntRange(1, 4).Draw(t, "strata") {
		for i := range rapid.IntRange(atLeast, atMost).Draw(t, "PSUs") {
			for range rapid.IntRange(1, 3).Draw(t, "rows") {
				st.Stratum, st.Unit = append(st.Stratum, h), append(st.Unit, 100*h+i)
				spec.Weight = append(spec.Weight, rapid.Float64Range(0.5, 20).Draw(t, "weight"))
				y = append(y, float64(rapid.IntRange(-50, 50).Draw(t, "y")))
			}
		}
	}
	spec.Rows, spec.Stages = len(y), []estimate.Stage{st}
	d, err := estimate.NewDesign(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d, spec, y
}

func sameVariance(t *rapid.T, name string, r *estimate.Replicates, d *estimate.Design, y []float64) {
	e, err := r.Estimate(estimate.TotalsOf(nil, y))
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Total(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := d.Estimate(l)
	if math.Abs(e.Value[0]-want.Value) > 1e-9*(1+math.Abs(want.Value)) || math.Abs(e.Cov.At(0, 0)-want.Var) > 1e-9*want.Var+1e-6 || e.DF != want.DesignDF {
		t.Fatalf("%s: %v (%v) on %d df, want %v (%v) on %d", name, e.Value[0], e.Cov.At(0, 0), e.DF, want.Value, want.Var, want.DesignDF)
	}
}

// TestReplicatesOfATotal: for a total every scheme but the bootstrap gives the
// linearised variance exactly.
func TestReplicatesOfATotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _, y := drawDesign(t, 2, 5)
		jkn, err := d.JKn(estimate.ReplicateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sameVariance(t, "JKn", jkn, d, y)
		if jk1, err := d.JK1(estimate.ReplicateOptions{}); err == nil {
			sameVariance(t, "JK1", jk1, d, y)
		}
		d, _, y = drawDesign(t, 2, 2)
		for _, rho := range []float64{0, 0.3} {
			brr, err := d.BRR(rho, estimate.ReplicateOptions{MSE: rho > 0})
			if err != nil {
				t.Fatal(err)
			}
			sameVariance(t, fmt.Sprint("BRR ", rho), brr, d, y)
		}
	})
}

// TestJackknifeOfALonelyStratum covers what R's rules add to the replicates.
func TestJackknifeOfALonelyStratum(t *testing.T) {
	for rule, want := range map[estimate.LonelyRule]int{estimate.Remove: 6, estimate.Certainty: 6, estimate.Average: 6, estimate.Adjust: 7} {
		d, err := estimate.NewDesign(estimate.Spec{Rows: 10, Weight: lonely.w, Lonely: rule, Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.JKn(estimate.ReplicateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Count() != want {
			t.Errorf("%s: %d replicates, want %d", rule, r.Count(), want)
		}
		scale, _ := r.Scales()
		if wantScale := map[estimate.LonelyRule]float64{estimate.Average: 7.0 / 6}[rule]; wantScale > 0 && math.Abs(scale-wantScale) > 1e-15 {
			t.Errorf("scale is %v", scale)
		}
	}
}

func TestBootstrapDrawIsReplayable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, spec, y := drawDesign(t, 2, 5)
		counts := d.DrawBootstrap(7, 40)
		for r, c := range d.DrawBootstrap(7, 12) {
			if !slices.Equal(c, counts[r]) {
				t.Fatal("a shorter draw is not the beginning of a longer one")
			}
		}
		psus := d.PSUs()
		for _, c := range counts {
			drawn, units := map[int]int{}, map[int]int{}
			for i, p := range psus {
				drawn[p.Stratum] += c[i]
				units[p.Stratum]++
			}
			for h, n := range units {
				if drawn[h] != n-1 {
					t.Fatalf("%d of %d drawn", drawn[h], n)
				}
			}
		}
		// Rows in another order are the same sample.
		order := rapid.Permutation(sequence(spec.Rows)).Draw(t, "order")
		other := estimate.Spec{Rows: spec.Rows, Stages: []estimate.Stage{{}}}
		var y2 []float64
		for _, k := range order {
			other.Weight, y2 = append(other.Weight, spec.Weight[k]), append(y2, y[k])
			other.Stages[0].Unit = append(other.Stages[0].Unit, spec.Stages[0].Unit[k])
			other.Stages[0].Stratum = append(other.Stages[0].Stratum, spec.Stages[0].Stratum[k])
		}
		d2, err := estimate.NewDesign(other)
		if err != nil {
			t.Fatal(err)
		}
		se := func(d *estimate.Design, y []float64) float64 {
			r, err := d.Bootstrap(d.DrawBootstrap(7, 40), estimate.ReplicateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			e, err := r.Estimate(estimate.Join(estimate.MeansOf(nil, y), estimate.QuantilesOf(nil, y, estimate.Math, 0.5)))
			if err != nil {
				t.Fatal(err)
			}
			return e.SE(0) + 1000*e.SE(1)
		}
		if a, b := se(d, y), se(d2, y2); math.Abs(a-b) > 1e-9*(1+a) {
			t.Fatalf("%v becomes %v in another order", a, b)
		}
	})
}

// TestBootstrapAgreesWithLinearisation with many replicates.
func TestBootstrapAgreesWithLinearisation(t *testing.T) {
	src := rand.New(rand.NewPCG(3, 3))
	spec := estimate.Spec{Rows: 400, Stages: []estimate.Stage{{}}}
	var y []float64
	for k := range 400 {
		spec.Stages[0].Stratum = append(spec.Stages[0].Stratum, k/100)
		spec.Stages[0].Unit = append(spec.Stages[0].Unit, k/5)
		spec.Weight = append(spec.Weight, 1+src.Float64())
		y = append(y, src.NormFloat64()+float64(k/5%7))
	}
	d, err := estimate.NewDesign(spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Bootstrap(d.DrawBootstrap(20240601, 2000), estimate.ReplicateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Estimate(estimate.MeansOf(nil, y))
	if err != nil {
		t.Fatal(err)
	}
	l, _ := d.Mean(y, nil)
	if want := d.Estimate(l).SE; math.Abs(e.SE(0)/want-1) > 0.06 {
		t.Errorf("SE is %v, linearised %v", e.SE(0), want)
	}
	i := e.Percentile(0, 0.95)
	if half := 1.96 * e.SE(0); math.Abs(i.Width()/2/half-1) > 0.06 {
		t.Errorf("percentile interval %v, SE %v", i, e.SE(0))
	}
}

func TestRakedReplicatesMeetTheMargins(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 10, Weight: lonely.w, Lonely: estimate.Remove, Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h}}})
	if err != nil {
		t.Fatal(err)
	}
	jk, err := d.JKn(estimate.ReplicateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	class := []int{0, 1, 0, 1, 0, 1, 0, 1, 0, 1}
	m := weighting.Margin{Name: "sex", Categories: []string{"F", "M"}, Targets: []float64{40, 60}}
	raked, _, err := jk.Rake(class, [][]int{{0}, {1}}, []weighting.Margin{m}, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([][]float64, 10)
	for k, c := range class {
		x[k] = make([]float64, 2)
		x[k][c] = 1
	}
	calibrated, _, err := jk.Calibrate(x, m.Targets, weighting.CalibrateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range raked.Count() {
		sum := 0.0
		a, b := raked.ReplicateWeights(i), calibrated.ReplicateWeights(i)
		for k, w := range a {
			sum += w * float64(class[k])
			if math.Abs(w-b[k]) > 1e-9 {
				t.Errorf("replicate %d: raking one margin gives %v, calibrating %v", i, w, b[k])
			}
		}
		if math.Abs(sum-60) > 1e-9 {
			t.Errorf("replicate %d: %v men", i, sum)
		}
	}
	// Category 1 lives in a single PSU, so the replicate without it has none.
	alone := []int{0, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	_, _, err = jk.Rake(alone, [][]int{{0}, {1}}, []weighting.Margin{m}, weighting.Options{})
	var in *estimate.ReplicateError
	var category *weighting.CategoryError
	if !errors.As(err, &in) || !errors.As(err, &category) || category.Category != "M" {
		t.Errorf("error is %v", err)
	}
}

func TestReplicatesWithoutTheDomainAreDropped(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 4, Weight: []float64{1, 2, 3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.JK1(estimate.ReplicateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	one := []bool{true, false, false, false}
	e, err := r.Estimate(estimate.MeansOf(one, []float64{5, 6, 7, 8}))
	if err != nil || e.Dropped != 1 || len(e.Theta) != 3 || e.Value[0] != 5 || e.SE(0) != 0 {
		t.Errorf("%+v, error %v", e, err)
	}
	if _, err := r.Estimate(estimate.MeansOf(make([]bool, 4), []float64{5, 6, 7, 8})); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("error is %v", err)
	}
	var fault *stats.ValueError
	if _, err := r.Estimate(estimate.TotalsOf(nil, []float64{5, math.NaN(), 7, 8})); !errors.As(err, &fault) || fault.Row != 1 {
		t.Errorf("error is %v", err)
	}
	boom := errors.New("boom")
	calls := 0
	_, err = r.Estimate(func([]float64) ([]float64, error) {
		if calls++; calls == 3 {
			return nil, boom
		}
		return []float64{1}, nil
	})
	var in *estimate.ReplicateError
	if !errors.As(err, &in) || in.Replicate != 1 || !errors.Is(err, boom) {
		t.Errorf("error is %v", err)
	}
}

func TestReplicatesRefuse(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 10, Weight: lonely.w, Lonely: estimate.Remove, Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h}}})
	if err != nil {
		t.Fatal(err)
	}
	census, err := estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1, 1}, Stages: []estimate.Stage{{Size: []float64{2, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	two, err := estimate.NewDesign(estimate.Spec{Rows: 4, Stages: []estimate.Stage{{Unit: []int{1, 1, 2, 2}, Size: slices.Repeat([]float64{5}, 4)}, {Size: slices.Repeat([]float64{9}, 4)}}})
	if err != nil {
		t.Fatal(err)
	}
	calibrated, _, err := d.Rake(make([]int, 10), [][]int{{0}}, []weighting.Margin{{Name: "all", Categories: []string{""}, Targets: []float64{50}}}, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	counts := d.DrawBootstrap(1, 2)
	counts[1][0] += 3
	ones := []float64{1, 1}
	for name, f := range map[string]func() error{
		"JK1 of strata":      func() error { _, err := d.JK1(estimate.ReplicateOptions{}); return err },
		"a census":           func() error { _, err := census.JK1(estimate.ReplicateOptions{}); return err },
		"two stages":         func() error { _, err := two.JKn(estimate.ReplicateOptions{}); return err },
		"calibrated weights": func() error { _, err := calibrated.JKn(estimate.ReplicateOptions{}); return err },
		"BRR of three PSUs":  func() error { _, err := d.BRR(0, estimate.ReplicateOptions{}); return err },
		"too many drawn":     func() error { _, err := d.Bootstrap(counts, estimate.ReplicateOptions{}); return err },
		"a scale that is not a number": func() error {
			_, err := estimate.NewReplicates(estimate.ReplicateSpec{Weight: ones, Replicate: [][]float64{ones}, Scale: math.NaN()})
			return err
		},
		"an infinite replicate weight": func() error {
			_, err := estimate.NewReplicates(estimate.ReplicateSpec{Weight: ones, Replicate: [][]float64{{1, math.Inf(1)}}, Scale: 1})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := f()
			var design *estimate.DesignError
			var value *stats.ValueError
			if !errors.As(err, &design) && !errors.As(err, &value) {
				t.Errorf("error is %v", err)
			}
		})
	}
	for _, c := range []estimate.Correction{estimate.FirstStage, estimate.NoCorrection} {
		if _, err := two.JKn(estimate.ReplicateOptions{Correction: c}); err != nil {
			t.Error(err)
		}
	}
}

func sequence(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
