package estimate_test

import (
	"math"
	"slices"
	"testing"

	"chengyin/stats/estimate"

	"pgregory.net/rapid"
)

// figures are estimates of every kind from one sample.
type figures struct {
	mean, total, ratio, domain, calibrated, median, jackknife, ratioJackknife [2]float64 // value and standard error
}

// figuresOf estimates from the sample, with z as the denominator and x as the
// covariate that is calibrated.
func figuresOf(t *rapid.T, s *sample, y, z []float64, x [][]float64, g []float64) figures {
	d, err := s.design()
	if err != nil {
		t.Fatal(err)
	}
	in := make([]bool, len(y))
	for k := range in {
		in[k] = s.leaf[k] != 3
	}
	of := func(d *estimate.Design, l estimate.Linear, err error) [2]float64 {
		if err != nil {
			return [2]float64{math.NaN(), math.NaN()}
		}
		e := d.Estimate(l)
		return [2]float64{e.Value, e.SE}
	}
	var f figures
	l, err := d.Mean(y, nil)
	f.mean = of(d, l, err)
	l, err = d.Total(y, nil)
	f.total = of(d, l, err)
	l, err = d.Ratio(y, z, nil)
	f.ratio = of(d, l, err)
	l, err = d.Mean(y, in)
	f.domain = of(d, l, err)
	w := slices.Clone(s.d)
	for k := range w {
		w[k] *= g[k]
	}
	if c, err := d.Calibrated(w, x, nil); err == nil {
		l, err = c.Mean(y, nil)
		f.calibrated = of(c, l, err)
	}
	q, err := d.Quantiles(y, nil, []float64{0.5}, estimate.Math, estimate.Wald, 0.95)
	if err == nil {
		f.median = [2]float64{q[0].Value, 0}
	}
	if r, err := d.JKn(estimate.ReplicateOptions{}); err == nil {
		e, err := r.Estimate(estimate.Join(estimate.MeansOf(nil, y), estimate.RatioOf(nil, y, z)))
		if err == nil {
			f.jackknife, f.ratioJackknife = [2]float64{e.Value[0], e.SE(0)}, [2]float64{e.Value[1], e.SE(1)}
		}
	}
	return f
}

// TestEstimatesDoNotCare about the order of rows, the names of strata and PSUs
// and the scale of weights, which totals follow.
func TestEstimatesDoNotCare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		n := len(s.d)
		y := rapid.SliceOfN(rapid.IntRange(0, 100), n, n).Draw(t, "answers")
		v, z, g, x := make([]float64, n), make([]float64, n), make([]float64, n), make([][]float64, n)
		for k := range n {
			v[k], z[k] = float64(y[k]), 1+float64(k%7)
			g[k], x[k] = 1+float64(k%3)/4, []float64{1, float64(k % 5)}
		}
		base := figuresOf(t, s, v, z, x, g)
		const scale = 3.0
		p := *s
		order := rapid.Permutation(s.order()).Draw(t, "order")
		p.stratum, p.psu, p.leaf, p.d = nil, nil, nil, nil
		var pv, pz, pg []float64
		var px [][]float64
		for _, k := range order {
			unit := s.psu[k]
			if unit != estimate.Element {
				unit = 500 - 3*unit
			}
			p.stratum, p.psu, p.leaf, p.d = append(p.stratum, 9-2*s.stratum[k]), append(p.psu, unit), append(p.leaf, s.leaf[k]), append(p.d, scale*s.d[k])
			pv, pz, pg, px = append(pv, v[k]), append(pz, z[k]), append(pg, g[k]), append(px, x[k])
		}
		other := figuresOf(t, &p, pv, pz, px, pg)
		compare := func(what string, a, b [2]float64, factor float64) {
			for i := range a {
				if math.IsNaN(a[i]) && math.IsNaN(b[i]) {
					continue
				}
				if !(math.Abs(factor*a[i]-b[i]) <= 1e-9*math.Abs(factor*a[i])+1e-6*factor*(1+math.Abs(a[0]))*float64(i)) && !(i == 0 && math.Abs(factor*a[i]-b[i]) < 1e-9) {
					t.Fatalf("%s %v becomes %v", what, a, b)
				}
			}
		}
		compare("mean", base.mean, other.mean, 1)
		compare("total", base.total, other.total, scale)
		compare("ratio", base.ratio, other.ratio, 1)
		compare("domain", base.domain, other.domain, 1)
		compare("calibrated mean", base.calibrated, other.calibrated, 1)
		compare("median", base.median, other.median, 1)
		compare("jackknifed mean", base.jackknife, other.jackknife, 1)
		compare("jackknifed ratio", base.ratioJackknife, other.ratioJackknife, 1)
	})
}

// TestDoubledData: the same buildings once more change no estimate but totals of
// people, and every variance as n/(n-1) and 1/n say.
func TestDoubledData(t *testing.T) {
	s := &sample{}
	var y, z []float64
	add := func(offset int) {
		for i := range 60 {
			s.stratum, s.psu, s.leaf = append(s.stratum, i%3), append(s.psu, offset+i%15), append(s.leaf, 0)
			s.d = append(s.d, 1+float64(i%7))
			y, z = append(y, float64(i*i%23)), append(z, 2+float64(i%5))
		}
	}
	of := func() (v [3]estimate.Estimate, median float64) {
		d, err := s.design()
		if err != nil {
			t.Fatal(err)
		}
		for i, make := range []func() (estimate.Linear, error){
			func() (estimate.Linear, error) { return d.Mean(y, nil) },
			func() (estimate.Linear, error) { return d.Total(y, nil) },
			func() (estimate.Linear, error) { return d.Ratio(y, z, nil) },
		} {
			l, err := make()
			if err != nil {
				t.Fatal(err)
			}
			v[i] = d.Estimate(l)
		}
		q, err := estimate.Quantile(y, s.d, 0.5, estimate.Math)
		if err != nil {
			t.Fatal(err)
		}
		return v, q
	}
	add(0)
	once, median := of()
	add(15)
	twice, again := of()
	if median != again {
		t.Errorf("the median %g becomes %g", median, again)
	}
	for i, factor := range []float64{1, 2, 1} {
		// 5 PSUs a stratum become 10.
		want := once[i].Var * factor * factor / 2 * (10. / 9) / (5. / 4)
		if math.Abs(twice[i].Value-factor*once[i].Value) > 1e-12*math.Abs(twice[i].Value) || math.Abs(twice[i].Var-want) > 1e-11*want {
			t.Errorf("statistic %d: %g with variance %g becomes %g with %g, want %g", i, once[i].Value, once[i].Var, twice[i].Value, twice[i].Var, want)
		}
	}
}
