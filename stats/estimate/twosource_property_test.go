package estimate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"

	"pgregory.net/rapid"
)

// twoSamples draws both sources from a population of people who live in 200
// buildings; x is an intercept, an indicator and a number.
type twoSamples struct {
	a, b   [][]float64
	ya, yb []float64
	d      *estimate.Design
}

// town is a population. Participation is logistic in x, or exponential.
type town struct {
	x        [][]float64
	y        []float64
	building []int
	chance   []float64
	mean     float64
}

func newTown(src *rand.Rand, exponential bool) *town {
	o := &town{}
	for b := range 200 {
		home := src.NormFloat64() * 0.4
		for range 40 {
			group := 0.0
			if src.Float64() < 0.4 {
				group = 1
			}
			v := src.NormFloat64() + home
			eta := -3.4 + 0.9*group + 0.4*v
			chance := 1 / (1 + math.Exp(-eta))
			if exponential {
				chance = min(1, math.Exp(eta))
			}
			y := 10 + 2*group + 3*v + 2*home + 2*src.NormFloat64()
			o.x = append(o.x, []float64{1, group, v})
			o.y, o.building, o.chance = append(o.y, y), append(o.building, b), append(o.chance, chance)
			o.mean += y / 8000
		}
	}
	return o
}

// draw lets people take part and draws 30 of the buildings with replacement and
// 10 people from each.
func (o *town) draw(t *testing.T, src *rand.Rand) *twoSamples {
	s := &twoSamples{}
	for k, p := range o.chance {
		if src.Float64() < p {
			s.a, s.ya = append(s.a, o.x[k]), append(s.ya, o.y[k])
		}
	}
	var unit []int
	var w []float64
	for i := range 30 {
		b := src.IntN(200)
		for _, j := range src.Perm(40)[:10] {
			k := 40*b + j
			s.b, s.yb = append(s.b, o.x[k]), append(s.yb, o.y[k])
			unit, w = append(unit, i), append(w, 8000.0/300)
		}
	}
	d, err := estimate.NewDesign(estimate.Spec{Rows: len(w), Weight: w, Stages: []estimate.Stage{{Unit: unit}}})
	if err != nil {
		t.Fatal(err)
	}
	s.d = d
	return s
}

// cells numbers the groups of both samples.
func (s *twoSamples) cells() (a, b []int) {
	for _, x := range s.a {
		a = append(a, int(x[1]))
	}
	for _, x := range s.b {
		b = append(b, int(x[1]))
	}
	return a, b
}

// weights makes the pseudo-weights of every method.
func (s *twoSamples) weights(t *testing.T) map[string]*estimate.PseudoWeights {
	t.Helper()
	src, err := estimate.NewTwoSources(s.a, s.d, s.b, []string{"1", "group", "v"})
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.cells()
	return map[string]*estimate.PseudoWeights{
		"clw": must(t)(src.ChenLiWu()), "alp": must(t)(src.ALP()),
		"ev": must(t)(src.ElliottValliant(a, b, nil)), "calibration": must(t)(src.Calibrate(nil)),
	}
}

var divisors = map[string]estimate.Population{
	"estimated N": estimate.EstimatedN, "reference N": estimate.ReferenceN, "known N": estimate.KnownN(8000),
}

// TestTwoSourceStandardErrors draws both samples two hundred times. The
// standard errors have to be as large as the estimates scatter, and the intervals
// to cover the truth, where the model of taking part is the one that holds.
func TestTwoSourceStandardErrors(t *testing.T) {
	const draws = 200
	for _, exponential := range []bool{false, true} {
		src := rand.New(rand.NewPCG(8, 20240601))
		o := newTown(src, exponential)
		type tale struct{ sum, sq, v, covered float64 }
		tales := map[string]*tale{}
		for range draws {
			s := o.draw(t, src)
			for name, w := range s.weights(t) {
				if right := map[string]bool{"clw": !exponential, "alp": exponential, "calibration": exponential, "ev": exponential}; !right[name] {
					continue
				}
				for by, n := range divisors {
					for _, dr := range []bool{false, true} {
						m, err := w.Mean(s.ya, n)
						if dr {
							m, err = w.DoublyRobust(s.ya, estimate.LinearOutcome, n)
						}
						if err != nil {
							t.Fatal(err)
						}
						key := fmt.Sprintf("%s, %s, doubly robust %v", name, by, dr)
						if tales[key] == nil {
							tales[key] = &tale{}
						}
						r := tales[key]
						off := m.Estimate - o.mean
						r.sum += off / draws
						r.sq += off * off / draws
						r.v += m.SE * m.SE / draws
						if i, _ := m.Interval(0.95); i.Lower <= o.mean && o.mean <= i.Upper {
							r.covered += 1.0 / draws
						}
					}
				}
			}
		}
		for key, r := range tales {
			said, scatter := math.Sqrt(r.v), math.Sqrt(r.sq-r.sum*r.sum)
			t.Logf("%-45s bias %7.4f  scatter %.4f  standard error %.4f  covered %.3f", key, r.sum, scatter, said, r.covered)
			if math.Abs(said/scatter-1) > 0.15 || r.covered < 0.90 || r.covered > 0.985 {
				t.Errorf("%s: bias %.4f, scatter %.4f, standard error %.4f, covered %.3f", key, r.sum, scatter, said, r.covered)
			}
		}
	}
}

// TestSaturatedModelsAgree shows that with a covariate for every cell all methods
// are post-stratification to the cells of B: the same weights, estimates and
// variances, though from four different equations.
func TestSaturatedModelsAgree(t *testing.T) {
	src := rand.New(rand.NewPCG(3, 3))
	s := newTown(src, false).draw(t, src)
	for _, rows := range [][][]float64{s.a, s.b} {
		for k, x := range rows {
			rows[k] = x[:2]
		}
	}
	all := s.weights(t)
	for by, n := range divisors {
		for _, dr := range []bool{false, true} {
			var first estimate.TwoSourceMean
			for i, name := range []string{"clw", "alp", "ev", "calibration"} {
				m, err := all[name].Mean(s.ya, n)
				if dr {
					m, err = all[name].DoublyRobust(s.ya, estimate.LinearOutcome, n)
				}
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = m
				}
				for what, v := range map[string][2]float64{"mean": {m.Estimate, first.Estimate}, "variance of A": {m.VarA, first.VarA}, "variance of B": {m.VarB, first.VarB}} {
					if !close(v[0], v[1], 1e-9) {
						t.Errorf("%s, %s, doubly robust %v: %s is %.12g, want %.12g", name, by, dr, what, v[0], v[1])
					}
				}
			}
			if dr {
				ipw, _ := all["clw"].Mean(s.ya, n)
				if !close(first.Estimate, ipw.Estimate, 1e-9) && by != "known N" {
					t.Errorf("%s: doubly robust %.12g, weighted %.12g", by, first.Estimate, ipw.Estimate)
				}
			}
		}
	}
}

func close(a, b, rel float64) bool { return math.Abs(a-b) <= rel*max(math.Abs(a), math.Abs(b))+1e-15 }

// TestPerfectOutcome: a mean that the covariates explain completely is that of B.
func TestPerfectOutcome(t *testing.T) {
	src := rand.New(rand.NewPCG(4, 4))
	s := newTown(src, false).draw(t, src)
	line := func(x []float64) float64 { return 3 + 2*x[1] - x[2] }
	var yb []float64
	for k, x := range s.a {
		s.ya[k] = line(x)
	}
	for _, x := range s.b {
		yb = append(yb, line(x))
	}
	direct, err := s.d.Mean(yb, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := s.d.Estimate(direct)
	for name, w := range s.weights(t) {
		m, err := w.DoublyRobust(s.ya, estimate.LinearOutcome, estimate.EstimatedN)
		if err != nil {
			t.Fatal(err)
		}
		if !close(m.Estimate, e.Value, 1e-10) || !close(m.SE, e.SE, 1e-8) {
			t.Errorf("%s: %.10g +- %.10g, want %.10g +- %.10g", name, m.Estimate, m.SE, e.Value, e.SE)
		}
	}
}

// TestTwoSourcesDoNotCare about the order of rows, the scale of weights and the
// units of covariates.
func TestTwoSourcesDoNotCare(t *testing.T) {
	src := rand.New(rand.NewPCG(5, 5))
	s := newTown(src, false).draw(t, src)
	turned := &twoSamples{}
	for _, k := range src.Perm(len(s.a)) {
		turned.a, turned.ya = append(turned.a, []float64{1, s.a[k][1], 1e6 + 50*s.a[k][2]}), append(turned.ya, s.ya[k])
	}
	var unit []int
	order := src.Perm(len(s.b))
	for _, k := range order {
		turned.b = append(turned.b, []float64{1, s.b[k][1], 1e6 + 50*s.b[k][2]})
		unit = append(unit, 1000-k/10)
	}
	w := make([]float64, len(order))
	for k := range w {
		w[k] = 8000.0 / 300
	}
	var err error
	if turned.d, err = estimate.NewDesign(estimate.Spec{Rows: len(w), Weight: w, Stages: []estimate.Stage{{Unit: unit}}}); err != nil {
		t.Fatal(err)
	}
	one, other := s.weights(t), turned.weights(t)
	for name := range one {
		for _, dr := range []bool{false, true} {
			get := func(w *estimate.PseudoWeights, y []float64) estimate.TwoSourceMean {
				m, err := w.Mean(y, estimate.EstimatedN)
				if dr {
					m, err = w.DoublyRobust(y, estimate.LinearOutcome, estimate.EstimatedN)
				}
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			a, b := get(one[name], s.ya), get(other[name], turned.ya)
			if !close(a.Estimate, b.Estimate, 1e-7) || !close(a.SE, b.SE, 1e-6) {
				t.Errorf("%s: %.12g +- %.12g becomes %.12g +- %.12g", name, a.Estimate, a.SE, b.Estimate, b.SE)
			}
		}
	}
}

func TestNoOverlap(t *testing.T) {
	design := func(w ...float64) *estimate.Design {
		d, err := estimate.NewDesign(estimate.Spec{Rows: len(w), Weight: w})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	names := []string{"1", "old", "net"}
	visits := [][]float64{{1, 0, 0}, {1, 0, 1}, {1, 1, 0}, {1, 1, 1}, {1, 0, 0}, {1, 0, 1}}
	d := design(10, 10, 10, 10, 10, 10)
	for _, c := range []struct {
		name, covariate, source string
		a, b                    [][]float64
		d                       *estimate.Design
	}{
		{"a group without a scan", "old", "nonprobability", [][]float64{{1, 0, 0}, {1, 0, 1}}, visits, d},
		{"only one group scans", "old", "nonprobability", [][]float64{{1, 1, 0}, {1, 1, 1}}, visits, d},
		{"a group without a visit", "old", "probability", visits, [][]float64{{1, 0, 0}, {1, 0, 1}}, design(30, 30)},
		{"a visit of weight 0 is none", "old", "probability", visits, [][]float64{{1, 0, 0}, {1, 0, 1}, {1, 1, 0}}, design(30, 30, 0)},
	} {
		_, err := estimate.NewTwoSources(c.a, c.d, c.b, names)
		var fault *estimate.OverlapError
		if !errors.As(err, &fault) || fault.Covariate != c.covariate || fault.Source != c.source {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Values that overlap nowhere, and more scans than people.
	far := func(from float64) (x [][]float64) {
		for i := range 6 {
			x = append(x, []float64{1, from + float64(i)})
		}
		return x
	}
	s, err := estimate.NewTwoSources(far(0), d, far(20), []string{"1", "distance"})
	if err != nil {
		t.Fatal(err)
	}
	crowd, err := estimate.NewTwoSources(visits, design(.5, .5, .5, .5, .5, .5), visits, names)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"clw": second(s.ChenLiWu()), "alp": second(s.ALP()), "ev": second(s.ElliottValliant(make([]int, 6), make([]int, 6), nil)), "crowd": second(crowd.ChenLiWu()),
	} {
		var fault *estimate.OverlapError
		if !errors.As(err, &fault) || name != "crowd" && fault.Covariate != "distance" {
			t.Errorf("%s: %v", name, err)
		}
	}
	both, err := estimate.NewTwoSources(visits, d, visits, names)
	if err != nil {
		t.Fatal(err)
	}
	_, err = both.ElliottValliant([]int{0, 0, 0, 1, 0, 0}, make([]int, 6), []string{"young", "old"})
	var fault *estimate.OverlapError
	if !errors.As(err, &fault) || fault.Covariate != "old" {
		t.Errorf("cell of scans only: %v", err)
	}
	if _, err := estimate.NewTwoSources(nil, d, visits, names); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("nobody scans: %v", err)
	}
}

func second(_ *estimate.PseudoWeights, err error) error { return err }

// TestCalibrationAtTheEdge: where only weights of 0 would do, there are none.
func TestCalibrationAtTheEdge(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1, 1.4901161193847656e-08}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := estimate.NewTwoSources([][]float64{{1, 3}, {1, 0.0625}, {1, 1.4901161193847656e-08}}, d, [][]float64{{1, 7.450580596923828e-09}, {1, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := s.Calibrate(nil); !errors.Is(err, estimate.ErrNoConvergence) {
		t.Errorf("%v, %v", w, err)
	}
}

// TestTwoSourcesNeverPanic feeds every method anything that has the right shape.
func TestTwoSourcesNeverPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 2, 1e-300, 1e300, math.NaN(), math.Inf(1)}), rapid.Float64())
		if rapid.Bool().Draw(t, "sane") {
			number = rapid.Float64Range(-3, 3)
		}
		p := rapid.IntRange(0, 3).Draw(t, "covariates")
		rows := func(n int, name string) [][]float64 {
			x := make([][]float64, n)
			for k := range x {
				x[k] = rapid.SliceOfN(number, p, p).Draw(t, name)
				if p > 0 {
					x[k][0] = 1
				}
			}
			return x
		}
		na, nb := rapid.IntRange(0, 12).Draw(t, "scans"), rapid.IntRange(2, 12).Draw(t, "visits")
		w := rapid.SliceOfN(rapid.Float64Range(0, 50), nb, nb).Draw(t, "weights")
		d, err := estimate.NewDesign(estimate.Spec{Rows: nb, Weight: w})
		if err != nil {
			t.Fatal(err)
		}
		s, err := estimate.NewTwoSources(rows(na, "a"), d, rows(nb, "b"), nil)
		if err != nil {
			return
		}
		y := rapid.SliceOfN(number, na, na).Draw(t, "y")
		for _, make := range []func() (*estimate.PseudoWeights, error){s.ChenLiWu, s.ALP,
			func() (*estimate.PseudoWeights, error) {
				return s.ElliottValliant(make([]int, na), make([]int, nb), nil)
			},
			func() (*estimate.PseudoWeights, error) { return s.Calibrate(nil) },
		} {
			ps, err := make()
			if err != nil {
				continue
			}
			for _, w := range ps.Weights {
				if !(w > 0) || !stats.IsFinite(w) {
					t.Fatalf("%v gives the weight %g", ps.Method, w)
				}
			}
			for _, n := range divisors {
				_, _ = ps.Mean(y, n)
				_, _ = ps.DoublyRobust(y, estimate.LinearOutcome, n)
				_, _ = ps.DoublyRobust(y, estimate.LogisticOutcome, n)
			}
		}
	})
}
