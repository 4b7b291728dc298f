package driver_test

import (
	"math"
	"testing"

	"chengyin/stats/driver"
	"chengyin/stats/internal/golden"
)

// FuzzDrivers: no answers make the split panic; the shares add up to R2.
func FuzzDrivers(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		p, n := b.Below(6), b.Below(20)
		x := b.Rows(p, n)
		var w []float64
		if b.Below(2) == 1 {
			w = b.Floats(n)
		}
		infinite := false
		for _, col := range x {
			for _, v := range col {
				infinite = infinite || math.IsInf(v, 0)
			}
		}
		if _, err := driver.Correlate(x, w); err == nil && (infinite || w != nil && p > 0 && !golden.Finite(w...)) {
			t.Fatal("a number that is not finite is not refused")
		}
		rep := &driver.Replicates{Weights: b.Rows(b.Below(3), n), Scale: b.Float(), MSE: b.Below(2) == 1}
		if b.Below(2) == 1 {
			rep.RScales = b.Floats(len(rep.Weights))
		}
		if len(rep.Weights) == 0 {
			rep = nil
		}
		for _, m := range []driver.Method{driver.RelativeWeights, driver.ShapleyShares} {
			d, err := driver.FromRows(x, w, m, rep)
			if err != nil {
				continue
			}
			sum := 0.0
			for _, r := range d.Raw {
				sum += r
			}
			if !(math.Abs(sum-d.R2) < 1e-6) || !(d.R2 > -1e-9 && d.R2 < 1+1e-6) {
				t.Fatalf("method %d: R2 is %g and the shares %v", m, d.R2, d.Raw)
			}
		}
	})
}
