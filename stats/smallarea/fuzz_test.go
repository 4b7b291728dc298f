package smallarea_test

import (
	"math"
	"strconv"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/smallarea"
)

// FuzzAreas: no areas make a model panic; what is fitted without an error are
// numbers, and intervals have their estimate inside.
func FuzzAreas(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		k, p := b.Below(20), 1+b.Below(3)
		y, d, x := b.Floats(k), b.Floats(k), b.Rows(k, p)
		for i := range x {
			x[i][0] = 1
		}
		opt := smallarea.Options{Method: smallarea.Method(b.Below(3))}
		check := func(areas []smallarea.Area) {
			for i, a := range areas {
				if !golden.Finite(a.Estimate, a.MSE) || a.MSE < -1e-9*(1+math.Abs(a.MSE)) || a.Gamma < 0 || a.Gamma > 1 {
					t.Fatalf("area %d is %+v", i, a)
				}
			}
		}
		if m, err := smallarea.Fit(y, d, x, opt); err == nil {
			check(m.Areas)
			if areas, err := m.Predict(b.Rows(2, p)); err == nil {
				check(areas)
			}
		}
		rate, n, count := make([]float64, k), b.Floats(k), make([]float64, k)
		group := b.Ints(k, 4)
		for i := range rate {
			rate[i] = y[i] / 28
			count[i] = math.Floor(rate[i] * n[i])
		}
		if m, err := smallarea.FitArcsine(rate, n, x, opt); err == nil {
			for _, a := range m.Rates {
				if i, err := a.Interval(0.95); err == nil && !(i.Lower >= 0 && i.Upper <= 1) {
					t.Fatalf("%+v has the interval %v", a, i)
				}
			}
		}
		for _, fit := range []func(y, n []float64) (smallarea.BetaBinomial, error){smallarea.FitBetaBinomial, smallarea.BetaBinomialMoments} {
			bb, err := fit(count, n)
			if err != nil {
				continue
			}
			post, err := bb.Posteriors(count, n, 0.9)
			if err != nil {
				continue
			}
			for _, q := range post {
				if i := q.Interval(); !(q.Mean >= 0 && q.Mean <= 1 && i.Lower >= 0 && i.Upper <= 1 && i.Lower <= i.Upper) {
					t.Fatalf("%+v of %+v", q, bb)
				}
			}
		}
		deff := b.Float()
		_, _, _ = smallarea.EffectiveCounts(count, n, deff)
		_, _ = smallarea.MeanVariances(b.Float(), n, deff)
		_, _ = smallarea.RateVariances(rate, n, deff)
		_, _ = smallarea.PooledRates(count, n, group)
		_, _ = smallarea.PooledVariance(y, n)
		_, _ = smallarea.WeightedMean(rate, n)
		_, _ = smallarea.Benchmark(smallarea.Adjustment(b.Below(2)), rate, n, b.Float())
		smallarea.Clip(y, 0, 1)
		in := smallarea.RateInput{Rate: b.Float() / 28, Deff: deff, X: x, Direct: rate}
		for i := range k {
			in.Names, in.N = append(in.Names, strconv.Itoa(i)), append(in.N, b.Below(40))
		}
		_, _ = smallarea.SmoothRates(in)
		_, _ = smallarea.PublishRate(estimate.Estimate{Value: b.Float() / 28, Var: b.Float(), N: b.Below(99)}, b.Below(12)-2, 0.95)
	})
}
