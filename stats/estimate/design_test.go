package estimate_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

// lonely is a sample whose second stratum has a single PSU.
var lonely = struct {
	h, p    []int
	w, y, n []float64
}{
	h: []int{1, 1, 1, 1, 2, 2, 3, 3, 3, 3}, p: []int{1, 1, 2, 3, 4, 4, 5, 5, 6, 7},
	w: []float64{1, 2, 3, 1, 2, 2, 5, 1, 2, 3}, y: []float64{3, 5, 2, 8, 1, 9, 4, 4, 7, 2},
	n: []float64{9, 9, 9, 9, 20, 20, 6, 6, 6, 6},
}

// TestLonelyRules compares with svymean, svymean with fpc, svymean of y > 2 and
// svytotal under options(survey.lonely.psu = ...) of survey 4.1-1. That version
// centres the total under "adjust" at 0, which later ones do not: not compared.
func TestLonelyRules(t *testing.T) {
	for _, c := range []struct {
		rule estimate.LonelyRule
		want [4]float64
	}{
		{estimate.Remove, [4]float64{0.631991663074, 0.477657918811, 0.857886582105, 16.8226038413}},
		{estimate.Certainty, [4]float64{0.631991663074, 0.477657918811, 0.857886582105, 16.8226038413}},
		{estimate.Adjust, [4]float64{0.651206762813, 0.50157854206, 0.992959912461, 0}},
		{estimate.Average, [4]float64{0.774028548112, 0.585009086343, 1.05069219167, 20.603397778}},
	} {
		t.Run(c.rule.String(), func(t *testing.T) {
			var d [2]*estimate.Design
			for i, size := range [][]float64{nil, lonely.n} {
				var err error
				d[i], err = estimate.NewDesign(estimate.Spec{Rows: 10, Weight: lonely.w, Lonely: c.rule,
					Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h, Size: size}}})
				if err != nil {
					t.Fatal(err)
				}
			}
			high := make([]bool, 10)
			for k, y := range lonely.y {
				high[k] = y > 2
			}
			se := func(d *estimate.Design, l estimate.Linear, err error) float64 {
				if err != nil {
					t.Fatal(err)
				}
				return d.Estimate(l).SE
			}
			mean, err := d[0].Mean(lonely.y, nil)
			checkNear(t, "SE of the mean", se(d[0], mean, err), c.want[0], 1e-10)
			mean, err = d[1].Mean(lonely.y, nil)
			checkNear(t, "SE of the mean with fpc", se(d[1], mean, err), c.want[1], 1e-10)
			mean, err = d[0].Mean(lonely.y, high)
			checkNear(t, "SE of the domain", se(d[0], mean, err), c.want[2], 1e-10)
			if c.want[3] > 0 {
				total, err := d[0].Total(lonely.y, nil)
				checkNear(t, "SE of the total", se(d[0], total, err), c.want[3], 1e-10)
			}
		})
	}
}

func TestDesignRefuses(t *testing.T) {
	ones := slices.Repeat([]float64{1}, 10)
	stage := func(change func(s *estimate.Stage)) []estimate.Stage {
		s := estimate.Stage{Unit: slices.Clone(lonely.p), Stratum: slices.Clone(lonely.h), Size: slices.Clone(lonely.n)}
		change(&s)
		return []estimate.Stage{s}
	}
	for name, c := range map[string]struct {
		spec estimate.Spec
		want string
	}{
		"a lonely stratum is named":            {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { s.Names = []string{"", "", "South"} })}, "estimate: only one unit at stage 1 in stratum South"},
		"a unit in two strata":                 {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { s.Unit[4] = 1 })}, "estimate: stage 1, stratum 2: unit 1 is also in stratum 1"},
		"a size that changes":                  {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { s.Size[1] = 8 })}, "estimate: stage 1, stratum 1: sizes 9 and 8 in the same stratum"},
		"more drawn than there are":            {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { copy(s.Size, []float64{2, 2, 2, 2}) })}, "estimate: stage 1, stratum 1: 3 units drawn from 2"},
		"a NaN size":                           {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { s.Size[3] = math.NaN() })}, "stats: size at stage 1 of row 3 is not above 0 (NaN)"},
		"a negative weight":                    {estimate.Spec{Weight: []float64{1, 1, -1, 1, 1, 1, 1, 1, 1, 1}, Stages: stage(func(*estimate.Stage) {})}, "stats: weight of row 2 is negative (-1)"},
		"a NaN weight":                         {estimate.Spec{Weight: append(slices.Clone(ones[:9]), math.NaN()), Stages: stage(func(*estimate.Stage) {})}, "stats: weight of row 9 is not finite (NaN)"},
		"neither weights nor sizes":            {estimate.Spec{}, "estimate: stage 1: neither weights nor sizes to make them from"},
		"sizes at the first of two stages":     {estimate.Spec{Weight: ones, Stages: append(stage(func(*estimate.Stage) {}), estimate.Stage{})}, "estimate: stage 2: no sizes although the first stage has some, which would make the variance too small"},
		"sizes at the second of two stages":    {estimate.Spec{Weight: ones, Stages: []estimate.Stage{{Unit: lonely.p}, {Size: lonely.n}}}, "estimate: stage 2: sizes although the first stage has none"},
		"no stratum to take the average from":  {estimate.Spec{Weight: ones, Lonely: estimate.Average, Stages: []estimate.Stage{{Unit: make([]int, 10)}}}, "estimate: only one unit at stage 1 in stratum 0"},
		"a stratum drawn completely is enough": {estimate.Spec{Weight: ones, Stages: stage(func(s *estimate.Stage) { s.Size[4], s.Size[5] = 1, 1 })}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec.Rows = 10
			_, err := estimate.NewDesign(c.spec)
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestValuesAreRefused(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 3, Weight: []float64{1, 0, 2}})
	if err != nil {
		t.Fatal(err)
	}
	var fault *stats.ValueError
	if _, err := d.Mean([]float64{1, 2, math.NaN()}, nil); !errors.As(err, &fault) || fault.Row != 2 {
		t.Errorf("error is %v", err)
	}
	if _, err := d.Mean([]float64{1, math.Inf(1), 2}, nil); err != nil {
		t.Errorf("a row of weight 0 counts: %v", err)
	}
	if _, err := d.Ratio([]float64{1, 2, 3}, []float64{2, 0, -1}, nil); !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	if _, err := d.Mean([]float64{1, 2, 3}, []bool{false, true, false}); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("error is %v", err)
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	d, _ := estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1, 1}})
	for name, f := range map[string]func(){
		"weights":   func() { _, _ = estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{1}}) },
		"units":     func() { _, _ = estimate.NewDesign(estimate.Spec{Rows: 2, Stages: []estimate.Stage{{Unit: []int{1}}}}) },
		"column":    func() { _, _ = d.Mean([]float64{1}, nil) },
		"domain":    func() { _, _ = d.Mean([]float64{1, 2}, []bool{true}) },
		"variables": func() { _, _ = estimate.NewTally([]estimate.Cell{{}}, 1, estimate.TallyOptions{}) },
		"contrast":  func() { estimate.Contrast([]float64{1}) },
		"level":     func() { _, _ = estimate.Proportion(estimate.Wald, 0.5, 0.1, 9, 9, 95) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || len(r.(string)) < 10 || r.(string)[:9] != "estimate:" {
					t.Errorf("panic is %v", r)
				}
			}()
			f()
		})
	}
}

// TestOneMarginIsPostStratification compares raking one margin with the
// textbook variance of post-strata: residuals from the weighted post-stratum means.
func TestOneMarginIsPostStratification(t *testing.T) {
	d, err := estimate.NewDesign(estimate.Spec{Rows: 10, Weight: lonely.w, Lonely: estimate.Remove,
		Stages: []estimate.Stage{{Unit: lonely.p, Stratum: lonely.h}}})
	if err != nil {
		t.Fatal(err)
	}
	class := []int{0, 1, 0, 1, 0, 1, 0, 1, 0, 1}
	m := weighting.Margin{Name: "sex", Categories: []string{"F", "M"}, Targets: []float64{40, 60}}
	ps, _, err := d.Rake(class, [][]int{{0}, {1}}, []weighting.Margin{m}, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	total, err := ps.Total(lonely.y, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sw, swy [2]float64
	for k, c := range class {
		sw[c] += lonely.w[k]
		swy[c] += lonely.w[k] * lonely.y[k]
	}
	want := 40*swy[0]/sw[0] + 60*swy[1]/sw[1]
	if math.Abs(total.Value-want) > 1e-12*want {
		t.Errorf("total is %v, want %v", total.Value, want)
	}
	e := make([]float64, 10)
	for k, c := range class {
		e[k] = (lonely.y[k] - swy[c]/sw[c]) * m.Targets[c] / sw[c] // so that w e is g d e
	}
	by, _ := d.Total(e, nil)
	if got, want := ps.Estimate(total).SE, d.Estimate(by).SE; math.Abs(got-want) > 1e-12*want {
		t.Errorf("SE is %v, want %v", got, want)
	}
}

func TestDesignInvariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		y := slices.Clone(s.y[1])
		for k := range y {
			if math.IsNaN(y[k]) {
				y[k] = 50
			}
		}
		se := func(s *sample, y []float64) (float64, float64) {
			d, err := s.design()
			if err != nil {
				t.Fatal(err)
			}
			r, _, err := d.Rake(s.class, s.cat, s.margins, weighting.Options{})
			if err != nil {
				t.Skip("margins that are hard to meet")
			}
			m, err := r.Mean(y, nil)
			if err != nil {
				t.Fatal(err)
			}
			e := r.Estimate(m)
			return e.Value, e.SE
		}
		v0, se0 := se(s, y)
		p := *s
		order := rapid.Permutation(s.order()).Draw(t, "order")
		p.stratum, p.psu, p.class, p.leaf, p.d = nil, nil, nil, nil, nil
		var py []float64
		for _, i := range order {
			p.stratum, p.psu, p.class = append(p.stratum, 5-s.stratum[i]), append(p.psu, s.psu[i]), append(p.class, s.class[i])
			p.leaf, p.d, py = append(p.leaf, s.leaf[i]), append(p.d, 3*s.d[i]), append(py, y[i])
		}
		v1, se1 := se(&p, py)
		if math.Abs(v0-v1) > 1e-9*(1+math.Abs(v0)) || math.Abs(se0-se1) > 1e-8*se0+1e-9 {
			t.Fatalf("%v +- %v becomes %v +- %v", v0, se0, v1, se1)
		}
	})
}
