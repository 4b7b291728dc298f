package smallarea_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"chengyin/stats/internal/golden"
	"chengyin/stats/smallarea"
)

func TestMain(m *testing.M) { golden.Main(m, "smallarea") }

// TestMilk is the published example of Fay-Herriot models, expenditure on fresh
// milk in 43 areas: Arora & Lahiri (1997), Stat. Sinica 7; Molina & Marhuenda
// (2015), The R Journal 7.
func TestMilk(t *testing.T) {
	c := golden.Outside(t, "p20-fay-herriot-milk")
	f := c.Frame(t, "milk")
	major := f.Text(t, "MajorArea")
	d := f.Number(t, "SD")
	x := make([][]float64, f.Rows)
	for i := range x {
		d[i] *= d[i]
		x[i] = []float64{1, 0, 0, 0}
		if k := slices.Index([]string{"2", "3", "4"}, major[i]); k >= 0 {
			x[i][k+1] = 1
		}
	}
	c.Each(t, func(t *testing.T, q golden.Query) { checkFit(t, q, f.Number(t, "yi"), d, x) })
}

var fits = map[string]smallarea.Method{"REML": smallarea.REML, "ML": smallarea.ML, "FH": smallarea.Moments}

// checkFit fits the model of a query and compares everything R says of it.
func checkFit(t *testing.T, q golden.Query, y, d []float64, x [][]float64) *smallarea.Model {
	t.Helper()
	m, err := smallarea.Fit(y, d, x, smallarea.Options{Method: fits[q.Args["method"].(string)]})
	if err != nil {
		t.Fatal(err)
	}
	want := q.Expected
	golden.Check(t, "A", m.A, want["A"], q.RelTol)
	golden.CheckList(t, "beta", m.Beta, want["beta"], q.RelTol)
	if want["beta_se"] != nil {
		golden.CheckList(t, "SE of beta", m.BetaSE, want["beta_se"], q.RelTol)
		golden.Check(t, "log-likelihood", m.LogLik, want["loglik"], q.RelTol)
	}
	golden.CheckList(t, "gamma", each(m.Areas, func(a smallarea.Area) float64 { return a.Gamma }), want["gamma"], q.RelTol)
	golden.CheckList(t, "EBLUP", estimates(m.Areas), want["eblup"], q.RelTol)
	golden.CheckList(t, "MSE", each(m.Areas, func(a smallarea.Area) float64 { return a.MSE }), want["mse"], q.RelTol)
	return m
}

func each[T any](v []T, f func(T) float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

func estimates(a []smallarea.Area) []float64 {
	return each(a, func(a smallarea.Area) float64 { return a.Estimate })
}

// communities is the data of case p21.
type communities struct {
	n, people, x1, x2, sat     []float64
	aware, participate         []float64 // rates
	dAware, dParticipate, dSat []float64
}

func loadCommunities(t *testing.T, c *golden.Case) *communities {
	t.Helper()
	f := c.Frame(t, "area")
	o := &communities{n: f.Number(t, "n"), people: f.Number(t, "N"), x1: f.Number(t, "x1"), x2: f.Number(t, "x2"), sat: f.Number(t, "sat_mean")}
	names := f.Text(t, "subdistrict")
	group := make([]int, len(names))
	for i, s := range names {
		group[i] = slices.Index(names, s)
	}
	rates := func(column string) (rate, d []float64) {
		y := f.Number(t, column)
		p, err := smallarea.PooledRates(y, o.n, group)
		if err != nil {
			t.Fatal(err)
		}
		if d, err = smallarea.RateVariances(p, o.n, 1); err != nil {
			t.Fatal(err)
		}
		for i := range y {
			rate = append(rate, y[i]/o.n[i])
		}
		return rate, d
	}
	o.aware, o.dAware = rates("y_aware")
	o.participate, o.dParticipate = rates("y_participate")
	s2, err := smallarea.PooledVariance(f.Number(t, "sat_s2"), o.n)
	if err != nil {
		t.Fatal(err)
	}
	if o.dSat, err = smallarea.MeanVariances(s2, o.n, 1); err != nil {
		t.Fatal(err)
	}
	return o
}

func with(columns ...[]float64) [][]float64 {
	x := make([][]float64, len(columns[0]))
	for i := range x {
		x[i] = []float64{1}
		for _, c := range columns {
			x[i] = append(x[i], c[i])
		}
	}
	return x
}

func TestCommunities(t *testing.T) {
	c := golden.Own(t, "p21-fay-herriot-communities")
	o := loadCommunities(t, c)
	x1 := with(o.x1)
	one := make([][]float64, len(o.n))
	for i := range one {
		one[i] = []float64{1}
	}
	c.Each(t, func(t *testing.T, q golden.Query) {
		switch {
		case q.Stat == "information":
			t.Skip("for information")
		case q.Stat == "smoothed_variance":
			golden.CheckList(t, "D of aware", o.dAware, q.Expected["D_aware"], q.RelTol)
			golden.CheckList(t, "D of participate", o.dParticipate, q.Expected["D_participate"], q.RelTol)
			golden.Check(t, "pooled variance", o.dSat[0]*o.n[0], q.Expected["s2pool_sat"], q.RelTol)
		case q.Name == "aware_A_zero":
			d := each(o.dAware, func(d float64) float64 { return 12 * d })
			checkFit(t, q, o.aware, d, x1)
		case strings.HasPrefix(q.Name, "aware_nocov"):
			checkFit(t, q, o.aware, o.dAware, one)
		case q.Name == "participate_reml":
			checkFit(t, q, o.participate, o.dParticipate, with(o.x2))
		case q.Name == "sat_reml":
			checkFit(t, q, o.sat, o.dSat, one)
		case q.Stat == "fay_herriot":
			checkFit(t, q, o.aware, o.dAware, x1)
		case q.Stat == "fay_herriot_arcsine":
			o.arcsine(t, q, x1)
		case q.Stat == "benchmark":
			o.benchmark(t, q, x1)
		case q.Stat == "synthetic_prediction":
			o.unsampled(t, q, x1)
		default:
			t.Fatalf("statistic %q", q.Stat)
		}
	})
}

func (o *communities) arcsine(t *testing.T, q golden.Query, x [][]float64) {
	m, err := smallarea.FitArcsine(o.aware, o.n, x, smallarea.Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "A", m.A, q.Expected["A"], q.RelTol)
	golden.CheckList(t, "beta", m.Beta, q.Expected["beta"], q.RelTol)
	for name, f := range map[string]func(smallarea.ArcsineArea) float64{
		"eblup_z":        func(a smallarea.ArcsineArea) float64 { return a.Z.Estimate },
		"mse_z":          func(a smallarea.ArcsineArea) float64 { return a.Z.MSE },
		"naive":          func(a smallarea.ArcsineArea) float64 { return a.Naive },
		"bias_corrected": func(a smallarea.ArcsineArea) float64 { return a.Estimate },
	} {
		golden.CheckList(t, name, each(m.Rates, f), q.Expected[name], q.RelTol)
	}
}

func (o *communities) benchmark(t *testing.T, q golden.Query, x [][]float64) {
	m, err := smallarea.Fit(o.aware, o.dAware, x, smallarea.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := smallarea.WeightedMean(o.aware, o.people)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "target", target, q.Expected["target"], q.RelTol)
	kind := map[string]smallarea.Adjustment{"ratio": smallarea.Ratio, "difference": smallarea.Difference}[q.Args["kind"].(string)]
	v, err := smallarea.Benchmark(kind, estimates(m.Areas), o.people, target)
	if err != nil {
		t.Fatal(err)
	}
	golden.CheckList(t, "figures", v, q.Expected["values"], q.RelTol)
}

// unsampled predicts areas both ways, afterwards and as areas without data.
func (o *communities) unsampled(t *testing.T, q golden.Query, x [][]float64) {
	const in = 90
	m, err := smallarea.Fit(o.aware[:in], o.dAware[:in], x[:in], smallarea.Options{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := m.Predict(x[in:])
	if err != nil {
		t.Fatal(err)
	}
	d := slices.Clone(o.dAware)
	for i := in; i < len(d); i++ {
		d[i] = math.Inf(1)
	}
	all, err := smallarea.Fit(o.aware, d, x, smallarea.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, areas := range map[string][]smallarea.Area{"Predict": after, "Fit": all.Areas[in:]} {
		golden.CheckList(t, name, estimates(areas), q.Expected["prediction"], q.RelTol)
		golden.CheckList(t, name+": MSE", each(areas, func(a smallarea.Area) float64 { return a.MSE }), q.Expected["mse"], q.RelTol)
	}
	for _, m := range []*smallarea.Model{m, all} {
		golden.Check(t, "A", m.A, q.Expected["A"], q.RelTol)
		golden.CheckList(t, "beta", m.Beta, q.Expected["beta"], q.RelTol)
		if m.Sampled != in {
			t.Errorf("%d areas have data, want %d", m.Sampled, in)
		}
	}
}

func TestBetaBinomial(t *testing.T) {
	c := golden.Own(t, "p22-beta-binomial")
	f := c.Frame(t, "area")
	c.Each(t, func(t *testing.T, q golden.Query) {
		column, _, _ := strings.Cut(q.Args["y"].(string), "/")
		y, n, err := smallarea.EffectiveCounts(f.Number(t, column), f.Number(t, "n"), golden.Float(t, q.Args["deff"]))
		if err != nil {
			t.Fatal(err)
		}
		ml, err := smallarea.FitBetaBinomial(y, n)
		if err != nil {
			t.Fatal(err)
		}
		mm, err := smallarea.BetaBinomialMoments(y, n)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string]smallarea.BetaBinomial{"ml": ml, "moments": mm} {
			want := q.Expected[name].(map[string]any)
			golden.Check(t, name+": mu", b.Mu, want["mu"], q.RelTol)
			golden.Check(t, name+": phi", b.Phi, want["phi"], q.RelTol)
			golden.Check(t, name+": rho", b.Rho, want["rho"], q.RelTol)
			if want["loglik_kernel"] != nil {
				golden.Check(t, name+": log-likelihood", b.LogLik, want["loglik_kernel"], q.RelTol)
			}
		}
		post, err := ml.Posteriors(y, n, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		for name, get := range map[string]func(smallarea.Posterior) float64{
			"post_mean": func(p smallarea.Posterior) float64 { return p.Mean },
			"post_sd":   func(p smallarea.Posterior) float64 { return p.SD },
			"lower95":   func(p smallarea.Posterior) float64 { return p.Lower },
			"upper95":   func(p smallarea.Posterior) float64 { return p.Upper },
		} {
			golden.CheckList(t, name, each(post, get), q.Expected[name], q.RelTol)
		}
		post, err = mm.Posteriors(y, n, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		golden.CheckList(t, "mean by moments", each(post, func(p smallarea.Posterior) float64 { return p.Mean }), q.Expected["post_mean_moments"], q.RelTol)
	})
}

// TestFitsAreStationary looks beside the fitted parameters: nowhere is the
// likelihood higher.
func TestFitsAreStationary(t *testing.T) {
	c := golden.Own(t, "p22-beta-binomial")
	f := c.Frame(t, "area")
	y, n := f.Number(t, "y_aware"), f.Number(t, "n")
	b, err := smallarea.FitBetaBinomial(y, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []float64{-1e-6, 1e-6} {
		for _, at := range []smallarea.BetaBinomial{{Mu: b.Mu * (1 + h), Phi: b.Phi}, {Mu: b.Mu, Phi: b.Phi * (1 + 100*h)}} {
			if l := kernel(at, y, n); l > b.LogLik+1e-10 {
				t.Errorf("the likelihood is higher at %v: %.15g, not %.15g", at, l, b.LogLik)
			}
		}
	}
	if l := kernel(b, y, n); math.Abs(l-b.LogLik) > 1e-9 {
		t.Errorf("log-likelihood %.15g, want %.15g", b.LogLik, l)
	}
}

// kernel is the log-likelihood by plain log-gammas.
func kernel(b smallarea.BetaBinomial, y, n []float64) float64 {
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	p, q, l := b.Mu*b.Phi, (1-b.Mu)*b.Phi, 0.0
	for i := range y {
		l += lg(y[i]+p) + lg(n[i]-y[i]+q) - lg(n[i]+p+q) - lg(p) - lg(q) + lg(p+q)
	}
	return l
}

func ExampleFit() {
	// Rates of eight communities with their smoothed sampling variances, and a
	// covariate; the last one has no answers.
	y := []float64{0.35, 0.42, 0.51, 0.44, 0.58, 0.66, 0.61, math.NaN()}
	d := []float64{0.012, 0.008, 0.02, 0.01, 0.012, 0.015, 0.008, math.Inf(1)}
	x := [][]float64{{1, 0}, {1, 1}, {1, 2}, {1, 2}, {1, 3}, {1, 4}, {1, 4}, {1, 3}}
	m, err := smallarea.Fit(y, d, x, smallarea.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("A = %.3g, rate = %.3f + %.3f x\n", m.A, m.Beta[0], m.Beta[1])
	last := m.Areas[7]
	fmt.Printf("without answers: %.3f, root mean squared error %.3f\n", last.Estimate, last.RMSE())
	// Output:
	// A = 0, rate = 0.343 + 0.071 x
	// without answers: 0.556, root mean squared error 0.045
}
