package weighting_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"chengyin/stats/weighting"
)

// TestNormalOfNearlySameColumns: where a column hardly varies the solution is
// uncertain, but has to solve the equations as well as numbers allow.
func TestNormalOfNearlySameColumns(t *testing.T) {
	m := []float64{
		9660.426194971233, 3605.5122072998947, 9.660399426482985e+09,
		3605.5122072998947, 3605.5122072998947, 3.605519635296472e+09,
		9.660399426482985e+09, 3.605519635296472e+09, 9.660372686261444e+15,
	}
	n := weighting.NewNormal(m, 3)
	if n.Rank() != 3 {
		t.Fatalf("rank is %d", n.Rank())
	}
	want := []float64{-226.86787331508907, 0.04583727823344155, 0.00022667951463736249}
	v := make([]float64, 3)
	for i := range v {
		for j, b := range want {
			v[i] += m[3*i+j] * b
		}
	}
	b := n.Solve(v)
	for i := range v {
		off, size := -v[i], 0.0
		for j := range b {
			off += m[3*i+j] * b[j]
			size += math.Abs(m[3*i+j] * b[j])
		}
		if math.Abs(off) > 1e-10*size {
			t.Errorf("equation %d is off by %g of %g", i, off, size)
		}
	}
}

// TestNormalOfMargins: the indicators of margins are dependent, and what they
// explain does not depend on which of them are left out.
func TestNormalOfMargins(t *testing.T) {
	const a, b = 120, 6
	src := rand.New(rand.NewPCG(5, 5))
	const p = a + b
	m := make([]float64, p*p)
	beta, v := make([]float64, p), make([]float64, p)
	for j := range beta {
		beta[j] = src.NormFloat64()
	}
	for i := range a {
		for j := range b {
			d := src.Float64() * 10
			for _, x := range [][2]int{{i, i}, {a + j, a + j}, {i, a + j}, {a + j, i}} {
				m[x[0]*p+x[1]] += d
			}
			u := beta[i] + beta[a+j]
			v[i] += d * u
			v[a+j] += d * u
		}
	}
	n := weighting.NewNormal(m, p)
	if n.Rank() != p-1 {
		t.Errorf("rank is %d, want %d", n.Rank(), p-1)
	}
	got := n.Solve(v)
	for i := range a {
		for j := range b {
			if want := beta[i] + beta[a+j]; math.Abs(got[i]+got[a+j]-want) > 1e-11 {
				t.Fatalf("class %d,%d: fitted %v, want %v", i, j, got[i]+got[a+j], want)
			}
		}
	}
}
