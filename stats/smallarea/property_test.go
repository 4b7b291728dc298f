package smallarea_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/smallarea"

	"pgregory.net/rapid"
)

var methods = []smallarea.Method{smallarea.REML, smallarea.ML, smallarea.Moments}

func near(a, b, rel float64) bool {
	return math.Abs(a-b) <= rel*max(math.Abs(a), math.Abs(b))+1e-300 || math.IsNaN(a) && math.IsNaN(b)
}

// sameModel compares two models whose figures differ by the factor unit, area i
// of the first being area order[i] of the second.
func sameModel(t *testing.T, what string, a, b *smallarea.Model, unit float64, order []int) {
	t.Helper()
	const rel = 1e-7
	if !near(a.A*unit*unit, b.A, rel) {
		t.Errorf("%s: A is %.12g, want %.12g", what, b.A, a.A*unit*unit)
	}
	for i, j := range order {
		p, q := a.Areas[i], b.Areas[j]
		for name, v := range map[string][2]float64{"estimate": {p.Estimate * unit, q.Estimate}, "MSE": {p.MSE * unit * unit, q.MSE}, "gamma": {p.Gamma, q.Gamma}} {
			if !near(v[0], v[1], rel) {
				t.Errorf("%s: %s of area %d is %.12g, want %.12g", what, name, i, v[1], v[0])
			}
		}
	}
}

// TestModelsDoNotCare about the order of areas, the unit of the figures, the
// units of covariates and how their space is spanned.
func TestModelsDoNotCare(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 1))
	const m = 40
	y, d, x, order := make([]float64, m), make([]float64, m), make([][]float64, m), src.Perm(m)
	for i := range m {
		u := src.NormFloat64()
		d[i] = 0.2 + 3*src.Float64()
		x[i] = []float64{1, u}
		y[i] = 70 + 2*u + src.NormFloat64() + math.Sqrt(d[i])*src.NormFloat64()
		if i%10 == 9 {
			y[i], d[i] = math.NaN(), math.Inf(1)
		}
	}
	const unit = 0.01
	y2, d2, x2 := make([]float64, m), make([]float64, m), make([][]float64, m)
	same := make([]int, m)
	for i, j := range order {
		y2[j], d2[j] = y[i]*unit, d[i]*unit*unit
		// The same space: a year, and the old covariate in other units beside it.
		x2[j] = []float64{2020 + 5*x[i][1], 1000 * (1 - x[i][1])}
		same[i] = i
	}
	for _, method := range methods {
		a, err := smallarea.Fit(y, d, x, smallarea.Options{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		b, err := smallarea.Fit(y2, d2, x2, smallarea.Options{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if a.A == 0 {
			t.Fatalf("%v: A = 0 tells nothing", method)
		}
		sameModel(t, method.String(), a, b, unit, order)
	}
}

// TestEqualVariances: with equal D and no covariate, A is the variance of the
// direct estimates less D, and the EBLUP the estimator of James and Stein.
func TestEqualVariances(t *testing.T) {
	y := []float64{3, 5, 8, 1, 9, 4, 7, 2, 6, 12}
	d, x := make([]float64, len(y)), make([][]float64, len(y))
	mean, ss := 0.0, 0.0
	for i := range y {
		d[i], x[i] = 4, []float64{1}
		mean += y[i] / 10
	}
	for _, v := range y {
		ss += (v - mean) * (v - mean)
	}
	for method, want := range map[smallarea.Method]float64{smallarea.REML: ss/9 - 4, smallarea.ML: ss/10 - 4, smallarea.Moments: ss/9 - 4} {
		m, err := smallarea.Fit(y, d, x, smallarea.Options{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if !near(m.A, want, 1e-12) || !near(m.Beta[0], mean, 1e-12) {
			t.Errorf("%v: A is %.15g, want %.15g; mean %.15g, want %.15g", method, m.A, want, m.Beta[0], mean)
		}
		for i, a := range m.Areas {
			if e := mean + want/(want+4)*(y[i]-mean); !near(a.Estimate, e, 1e-12) {
				t.Errorf("%v: estimate %.15g, want %.15g", method, a.Estimate, e)
			}
		}
		for i := range d {
			d[i] = 40
		}
		if m, _ := smallarea.Fit(y, d, x, smallarea.Options{Method: method}); m.A != 0 || m.Areas[0].Estimate != m.Areas[1].Estimate || !(m.Areas[0].MSE > 0) {
			t.Errorf("%v: A = %g with sampling variances larger than the scatter", method, m.A)
		}
		for i := range d {
			d[i] = 4
		}
	}
}

// TestNoHigherLikelihood looks for a better A than the one found.
func TestNoHigherLikelihood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(4, 25).Draw(t, "areas")
		y := rapid.SliceOfN(rapid.Float64Range(-5, 5), m, m).Draw(t, "y")
		logD := rapid.SliceOfN(rapid.Float64Range(-12, 3), m, m).Draw(t, "log D")
		d, x := make([]float64, m), make([][]float64, m)
		for i := range d {
			d[i], x[i] = math.Exp(logD[i]), []float64{1}
		}
		restricted := func(a float64) float64 {
			var s, sy, l float64
			for i := range y {
				s += 1 / (a + d[i])
				sy += y[i] / (a + d[i])
				l -= math.Log(a + d[i])
			}
			for i := range y {
				l -= (y[i] - sy/s) * (y[i] - sy/s) / (a + d[i])
			}
			return (l - math.Log(s)) / 2
		}
		fit, err := smallarea.Fit(y, d, x, smallarea.Options{})
		if err != nil {
			t.Fatal(err)
		}
		best := restricted(fit.A)
		for i := range 2000 {
			a := math.Exp(-14 + 20*float64(i)/2000)
			if i == 0 {
				a = 0
			}
			if l := restricted(a); l > best+1e-7*max(1, math.Abs(best)) {
				t.Fatalf("log-likelihood %.12g at A = %g, but %.12g at %g", best, fit.A, l, a)
			}
		}
	})
}

// TestMeanSquaredErrors draws areas from the model many times: the estimators of
// the mean squared error have to be right on average, for areas with and without
// data, and the intervals to cover.
func TestMeanSquaredErrors(t *testing.T) {
	const m, draws = 40, 1500
	for _, method := range methods {
		src := rand.New(rand.NewPCG(20240601, 7))
		d, x := make([]float64, m), make([][]float64, m)
		for i := range d {
			d[i] = []float64{0.5, 1, 1.5, 2}[i%4]
			x[i] = []float64{1, float64(i%7) - 3}
			if i%8 == 7 {
				d[i] = math.Inf(1)
			}
		}
		var off, said [2]float64
		covered := 0
		for range draws {
			truth, y := make([]float64, m), make([]float64, m)
			for i := range y {
				truth[i] = 2 + 0.5*x[i][1] + src.NormFloat64()
				y[i] = truth[i] + math.Sqrt(min(d[i], 1e6))*src.NormFloat64()
			}
			fit, err := smallarea.Fit(y, d, x, smallarea.Options{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			for i, a := range fit.Areas {
				kind := 0
				if math.IsInf(d[i], 1) {
					kind = 1
				}
				off[kind] += (a.Estimate - truth[i]) * (a.Estimate - truth[i]) / draws
				said[kind] += a.MSE / draws
				if in, _ := a.Interval(0.95); in.Lower <= truth[i] && truth[i] <= in.Upper {
					covered++
				}
			}
		}
		share := float64(covered) / (m * draws)
		t.Logf("%-4v with data: %.4f said %.4f; without: %.4f said %.4f; covered %.4f", method, off[0]/35, said[0]/35, off[1]/5, said[1]/5, share)
		if r := said[0] / off[0]; math.Abs(r-1) > 0.03 {
			t.Errorf("%v: MSE is %.3f of the truth", method, r)
		}
		if r := said[1] / off[1]; math.Abs(r-1) > 0.06 {
			t.Errorf("%v: MSE without data is %.3f of the truth", method, r)
		}
		if share < 0.93 || share > 0.965 {
			t.Errorf("%v: covered %.4f", method, share)
		}
	}
}

func TestRefusals(t *testing.T) {
	x := [][]float64{{1, 2}, {1, 3}, {1, 5}, {1, 6}, {1, 9}}
	y, d := []float64{1, 2, 3, 4, 5}, []float64{1, 1, 1, 1, 1}
	opt := smallarea.Options{Names: []string{"North", "South", "East", "West", "Centre"}, Covariates: []string{"1", "scans"}}
	set := func(v []float64, i int, to float64) []float64 {
		out := slices.Clone(v)
		out[i] = to
		return out
	}
	rows := func(i, j int, to float64) [][]float64 {
		out := slices.Clone(x)
		out[i] = set(x[i], j, to)
		return out
	}
	for _, c := range []struct {
		y, d []float64
		x    [][]float64
		what string
		row  int
	}{
		{set(y, 2, math.NaN()), d, x, "direct estimate of area East", 2},
		{set(y, 2, math.Inf(1)), d, x, "direct estimate of area East", 2},
		{y, set(d, 3, 0), x, "sampling variance of area West", 3},
		{y, set(d, 3, -1), x, "sampling variance of area West", 3},
		{y, set(d, 3, math.NaN()), x, "sampling variance of area West", 3},
		{y, set(d, 3, 1e-13), x, "sampling variance of area West", 3},
		{y, d, rows(1, 1, math.NaN()), "covariate scans of area South", 1},
	} {
		_, err := smallarea.Fit(c.y, c.d, c.x, opt)
		var fault *stats.ValueError
		if !errors.As(err, &fault) || fault.What != c.what || fault.Row != c.row {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	same := [][]float64{{1, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}}
	var dependent *smallarea.CollinearError
	if _, err := smallarea.Fit(y, d, same, opt); !errors.As(err, &dependent) || dependent.Covariate != "scans" {
		t.Errorf("constant covariate: %v", err)
	}
	inf := math.Inf(1)
	var few *smallarea.TooFewError
	if _, err := smallarea.Fit(y, []float64{1, 1, inf, inf, inf}, x, opt); !errors.As(err, &few) || few.Areas != 2 || few.Covariates != 2 {
		t.Errorf("two areas: %v", err)
	}
	if _, err := smallarea.Fit(y, []float64{inf, inf, inf, inf, inf}, x, opt); !errors.Is(err, smallarea.ErrNoData) {
		t.Errorf("no data: %v", err)
	}
	m, err := smallarea.Fit(y, d, x, opt)
	if err != nil || !m.Few() {
		t.Errorf("five areas are not few: %v", err)
	}
	var fault *stats.ValueError
	for name, err := range map[string]error{
		"rate of 0":        value(smallarea.RateVariances([]float64{0}, []float64{5}, 1)),
		"no design effect": value(smallarea.RateVariances([]float64{.5}, []float64{5}, 0)),
		"negative n":       value(smallarea.MeanVariances(4, []float64{-5}, 1)),
		"arcsine rate":     value(smallarea.FitArcsine([]float64{1.1}, []float64{5}, [][]float64{{1}}, opt)),
		"more yes than n":  value(smallarea.FitBetaBinomial([]float64{6}, []float64{5})),
		"NaN count":        value(smallarea.BetaBinomialMoments([]float64{math.NaN()}, []float64{5})),
		"opposite sign":    value(smallarea.Benchmark(smallarea.Ratio, []float64{1, 2}, []float64{1, 1}, -1)),
		"negative weight":  value(smallarea.Benchmark(smallarea.Difference, []float64{1, 2}, []float64{1, -1}, 1)),
	} {
		if !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d0, err := smallarea.RateVariances([]float64{math.NaN(), .5}, []float64{0, 10}, 2)
	if err != nil || !math.IsInf(d0[0], 1) || d0[1] != 0.05 {
		t.Errorf("variances %v, %v", d0, err)
	}
}

func value[T any](_ T, err error) error { return err }

// TestFitNeverPanics feeds the models anything that has the right shape.
func TestFitNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wild := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 1e-40, 1e40, 1e-300, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)}), rapid.Float64())
		number, positive := wild, wild
		if rapid.Bool().Draw(t, "sane") {
			number, positive = rapid.Float64Range(-100, 100), rapid.OneOf(rapid.Float64Range(1e-6, 100), rapid.Just(math.Inf(1)))
		}
		m, p := rapid.IntRange(0, 12).Draw(t, "areas"), rapid.IntRange(0, 3).Draw(t, "covariates")
		y, d := rapid.SliceOfN(number, m, m).Draw(t, "y"), rapid.SliceOfN(positive, m, m).Draw(t, "D")
		x := make([][]float64, m)
		for i := range x {
			x[i] = rapid.SliceOfN(number, p, p).Draw(t, "x")
		}
		for _, method := range methods {
			fit, err := smallarea.Fit(y, d, x, smallarea.Options{Method: method})
			if err != nil {
				continue
			}
			if !(fit.A >= 0) || math.IsInf(fit.A, 0) {
				t.Fatalf("%v: A = %g", method, fit.A)
			}
			for i, a := range fit.Areas {
				if !stats.IsFinite(a.Estimate) || !(a.MSE >= 0) {
					t.Fatalf("%v: area %d is %g with MSE %g", method, i, a.Estimate, a.MSE)
				}
			}
		}
		rate := rapid.SliceOfN(rapid.Float64Range(0, 1), m, m).Draw(t, "rate")
		if fit, err := smallarea.FitArcsine(rate, d, x, smallarea.Options{}); err == nil {
			for _, a := range fit.Rates {
				if !(a.Estimate >= 0 && a.Estimate <= 1) {
					t.Fatalf("rate %g", a.Estimate)
				}
			}
		}
		_, _ = smallarea.Benchmark(smallarea.Ratio, y, d, 0.5)
		_, _ = smallarea.Benchmark(smallarea.Difference, y, d, 0.5)
	})
}

func TestBenchmarksAreMet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 20).Draw(t, "areas")
		theta := rapid.SliceOfN(rapid.Float64Range(0.05, 0.95), m, m).Draw(t, "theta")
		w := rapid.SliceOfN(rapid.Float64Range(1, 1000), m, m).Draw(t, "w")
		target := rapid.Float64Range(0.1, 0.9).Draw(t, "target")
		for _, kind := range []smallarea.Adjustment{smallarea.Ratio, smallarea.Difference} {
			v, err := smallarea.Benchmark(kind, theta, w, target)
			if err != nil {
				t.Fatal(err)
			}
			if mean, _ := smallarea.WeightedMean(v, w); !near(mean, target, 1e-12) {
				t.Fatalf("%v: mean %g, want %g", kind, mean, target)
			}
		}
	})
}
