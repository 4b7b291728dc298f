package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// NormalQuantile returns z with P(Z <= z) = p for a standard normal Z. It is
// -Inf at p = 0, +Inf at p = 1 and NaN outside [0, 1].
func NormalQuantile(p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1):
		return math.NaN()
	case p == 0:
		return math.Inf(-1)
	case p == 1:
		return math.Inf(1)
	}
	return distuv.UnitNormal.Quantile(p)
}

// TQuantile returns t with P(T <= t) = p for Student's t with df degrees of
// freedom, which need not be whole; df = +Inf is the normal distribution. It is
// NaN when df <= 0, when df is NaN and when p is outside [0, 1].
func TQuantile(p, df float64) float64 {
	switch {
	case !(df > 0) || !(p >= 0 && p <= 1):
		return math.NaN()
	case math.IsInf(df, 1) || p == 0 || p == 1:
		return NormalQuantile(p)
	case p == 0.5:
		return 0
	case df < 1e-300: // nearly all mass lies beyond all numbers
		return math.Inf(int(math.Copysign(1, p-0.5)))
	}
	if df > 1000 { // where the inverse beta function behind it loses digits
		return tExpansion(NormalQuantile(p), df)
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
}

// tExpansion is the expansion of Fisher & Cornish (1960), Technometrics 2,
// 209-225, of a t quantile in the normal one.
func tExpansion(z, df float64) float64 {
	s := z * z
	return z + z*((s+1)/4+(((5*s+16)*s+3)/96+
		((((3*s+19)*s+17)*s-15)/384+
			((((79*s+776)*s+1482)*s-1920)*s-945)/92160/df)/df)/df)/df
}

// BetaQuantile returns x with P(X <= x) = p for a beta variable with shapes
// a, b >= 0. A shape of 0 is the limit: all mass at 0 when a = 0, at 1 when
// b = 0. It is NaN when both are 0, when one is negative or NaN, and when p is
// outside [0, 1].
func BetaQuantile(p, a, b float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !(a >= 0) || !(b >= 0) || a == 0 && b == 0:
		return math.NaN()
	case a == 0 || p == 0:
		return 0
	case b == 0 || p == 1:
		return 1
	}
	x := mathext.InvRegIncBeta(a, b, p)
	return polishBeta(x, p, a, b)
}

// polishBeta improves a root of RegIncBeta(a, b, x) = p by bisection-guarded
// Newton steps; the series behind the start value loses digits in the tails.
func polishBeta(x, p, a, b float64) float64 {
	lbeta := mathext.Lbeta(a, b)
	lo, hi := 0.0, 1.0
	if !(x > 0 && x < 1) {
		x = a / (a + b)
	}
	for range 200 {
		f := mathext.RegIncBeta(a, b, x) - p
		switch {
		case f == 0:
			return x
		case f < 0:
			lo = x
		default:
			hi = x
		}
		slope := math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - lbeta)
		next := x - f/slope
		if !(next > lo && next < hi) {
			next = lo + (hi-lo)/2
		}
		if math.Abs(next-x) <= 1e-15*x || next == x {
			return next
		}
		x = next
	}
	return x
}
