package stats_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/internal/golden"
)

// FuzzNumbers: no number makes the common functions panic, and what is not
// finite is named.
func FuzzNumbers(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		v := b.Floats(b.Below(20))
		var fault *stats.ValueError
		if err := stats.CheckFinite("x", v); golden.Finite(v...) != (err == nil) || err != nil && !errors.As(err, &fault) {
			t.Fatalf("%v: %v", v, err)
		}
		if err := stats.CheckWeights("w", v); err == nil {
			if n := stats.EffectiveSize(v); !(n >= 0 && n <= float64(len(v))*(1+1e-9)) {
				t.Fatalf("effective size of %v is %g", v, n)
			}
			if e := stats.WeightingEffect(v); !(e > 1-1e-9) && !math.IsNaN(e) {
				t.Fatalf("effect of %v is %g", v, e)
			}
		} else if !errors.As(err, &fault) || fault.Value >= 0 && golden.Finite(fault.Value) {
			t.Fatalf("%v: %v", v, err)
		}
		stats.Median(v)
		p, x, y := b.Float()/28, b.Float(), b.Float()
		for _, q := range []float64{stats.BetaQuantile(p, x, y)} {
			if !math.IsNaN(q) && !(q >= 0 && q <= 1) {
				t.Fatalf("beta quantile %g of %g, %g is %g", p, x, y, q)
			}
		}
		if q := stats.TQuantile(p, x); p > 0.5 && p < 1 && x > 0.5 && !(q > 0) {
			t.Fatalf("t quantile %g with %g degrees of freedom is %g", p, x, q)
		}
		stats.NormalQuantile(x)
	})
}
