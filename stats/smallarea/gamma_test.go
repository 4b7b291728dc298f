package smallarea

import (
	"math"
	"math/big"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// TestDifferencesOfGamma: for whole y they are sums of logs and of reciprocals.
func TestDifferencesOfGamma(t *testing.T) {
	for _, a := range []float64{1e-9, 0.3, 1, 7.5, 15.9, 16, 100, 1e6, 1e12} {
		for _, y := range []int{0, 1, 2, 17, 400} {
			logs, sum := new(big.Float).SetPrec(200).SetInt64(1), 0.0
			for j := range y {
				sum += 1 / (a + float64(j))
				logs.Mul(logs, new(big.Float).SetFloat64(a+float64(j)))
			}
			var m big.Float
			exp := logs.MantExp(&m)
			frac, _ := m.Float64()
			want := math.Log(frac) + float64(exp)*math.Ln2
			if got := lgammaDiff(a, float64(y)); math.Abs(got-want) > 1e-13*max(1, math.Abs(want)) {
				t.Errorf("lgammaDiff(%g, %d) = %.16g, want %.16g", a, y, got, want)
			}
			if got := digammaDiff(a, float64(y)); math.Abs(got-sum) > 1e-13*sum {
				t.Errorf("digammaDiff(%g, %d) = %.16g, want %.16g", a, y, got, sum)
			}
		}
		const y = 3.7
		v, _ := math.Lgamma(a + y)
		w, _ := math.Lgamma(a)
		if got := lgammaDiff(a, y); a < 1e3 && math.Abs(got-(v-w)) > 1e-12*max(1, math.Abs(v)) {
			t.Errorf("lgammaDiff(%g, %g) = %.16g, want %.16g", a, y, got, v-w)
		}
		if got, want := digammaDiff(a, y), mathext.Digamma(a+y)-mathext.Digamma(a); a < 1e3 && math.Abs(got-want) > 1e-10*max(1, math.Abs(want)) {
			t.Errorf("digammaDiff(%g, %g) = %.16g, want %.16g", a, y, got, want)
		}
	}
}
