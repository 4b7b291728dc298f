package rank

import (
	"math"

	"chengyin/stats"
)

// RangeCDF returns P(Q <= q) for the studentized range Q of k independent
// standard normal variables over an independent estimate of their standard
// deviation with df degrees of freedom,
//
//	P(q; k, Inf) = k \int phi(z) [Phi(z) - Phi(z-q)]^{k-1} dz
//	P(q; k, df)  = \int f_df(s) P(q s; k, Inf) ds,  s = sqrt(chi^2_df / df)
//
// It is 0 for q <= 0, and NaN when q is NaN, k < 2 or df <= 0. Both integrands
// are analytic and fall off at both ends, so that the trapezoidal rule is exact
// to about 1e-14.
//
// See Tukey (1953), The problem of multiple comparisons; Copenhaver & Holland
// (1988), J. Statist. Comput. Simul. 30, 1-15.
func RangeCDF(q float64, k int, df float64) float64 {
	switch {
	case math.IsNaN(q) || k < 2 || !(df > 0):
		return math.NaN()
	case q <= 0:
		return 0
	case math.IsInf(q, 1):
		return 1
	case df > 1e9: // the spread of s no longer shows
		return rangeNormal(q, k)
	}
	// In u = log s, whose density is smooth also for df = 1.
	lgamma, _ := math.Lgamma(df / 2)
	logc := df/2*math.Log(df/2) - lgamma + math.Ln2
	logf := func(u float64) float64 { return logc + df*u - df/2*math.Exp(2*u) }
	h := min(0.1, 0.25/math.Sqrt(df))
	sum := 0.0
	for _, side := range []float64{-1, 1} {
		for i := 0; ; i++ {
			if i == 0 && side > 0 {
				continue
			}
			u := side * h * float64(i)
			l := logf(u)
			if l < -45 && i > 0 {
				break
			}
			sum += math.Exp(l) * rangeNormal(q*math.Exp(u), k)
		}
	}
	return min(1, h*sum)
}

// rangeNormal is the distribution function of the range itself.
func rangeNormal(q float64, k int) float64 {
	const h, end = 0.0625, 9.5
	sum := 0.0
	for i := -int(end / h); i <= int(end/h); i++ {
		z := h * float64(i)
		if z-q > end {
			continue
		}
		d := normalBetween(z-q, z)
		if d <= 0 {
			continue
		}
		sum += math.Exp(-z*z/2 + float64(k-1)*math.Log(d))
	}
	return min(1, float64(k)*h*sum/math.Sqrt(2*math.Pi))
}

// normalBetween is the chance of a standard normal between a and b, from the
// tail that loses no digits.
func normalBetween(a, b float64) float64 {
	if a > 0 {
		a, b = -b, -a
	}
	return 0.5 * (math.Erfc(-b/math.Sqrt2) - math.Erfc(-a/math.Sqrt2))
}

// RangeQuantile returns q with RangeCDF(q, k, df) = p. It is 0 at p = 0, +Inf
// at p = 1, and NaN when p is outside [0, 1], k < 2 or df <= 0.
func RangeQuantile(p float64, k int, df float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || k < 2 || !(df > 0):
		return math.NaN()
	case p == 0:
		return 0
	case p == 1:
		return math.Inf(1)
	}
	// Bonferroni over the pairs is an upper bound of the upper tail.
	pairs := float64(k) * float64(k-1) / 2
	hi := math.Sqrt2*stats.TQuantile(1-(1-p)/2/pairs, df) + 1e-9
	if !stats.IsFinite(hi) {
		hi = 1
	}
	for RangeCDF(hi, k, df) < p && hi < 1e300 {
		hi *= 2
	}
	lo := 0.0
	flo, fhi := -p, RangeCDF(hi, k, df)-p
	for side := 0; hi-lo > 1e-13*hi; { // false position that halves a stuck end
		mid := hi - fhi*(hi-lo)/(fhi-flo)
		if !(mid > lo && mid < hi) {
			mid = lo + (hi-lo)/2
		}
		f := RangeCDF(mid, k, df) - p
		switch {
		case math.Abs(f) < 1e-15 || mid == lo || mid == hi:
			return mid
		case f < 0:
			lo, flo = mid, f
			if side == -1 {
				fhi /= 2
			}
			side = -1
		default:
			hi, fhi = mid, f
			if side == 1 {
				flo /= 2
			}
			side = 1
		}
	}
	return lo + (hi-lo)/2
}
