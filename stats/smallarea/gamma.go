package smallarea

import "math"

// The likelihood of the beta-binomial model is made of differences of the gamma
// function at a and a + y where a grows without bounds as areas become alike, so
// they are computed as differences, which keeps all digits.

// far is from where the asymptotic series is exact to the last digits.
const far = 16

// lgammaDiff returns log Gamma(a+y) - log Gamma(a) for a > 0, y >= 0.
func lgammaDiff(a, y float64) float64 {
	if y == 0 {
		return 0
	}
	s := 0.0
	for ; a < far; a++ {
		s -= math.Log1p(y / a)
	}
	b := a + y
	// (b-1/2) log b - (a-1/2) log a - y, without cancellation
	s += (a-0.5)*math.Log1p(y/a) + y*math.Log(b) - y
	return s + (stirling(b) - stirling(a))
}

// stirling returns 1/12x - 1/360x^3 + 1/1260x^5 - 1/1680x^7 + 1/1188x^9.
func stirling(x float64) float64 {
	q := 1 / (x * x)
	return (1.0/12 - q*(1.0/360-q*(1.0/1260-q*(1.0/1680-q/1188)))) / x
}

// digammaDiff returns the derivative of lgammaDiff in a, psi(a+y) - psi(a).
func digammaDiff(a, y float64) float64 {
	if y == 0 {
		return 0
	}
	s := 0.0
	for ; a < far; a++ {
		s += y / a / (a + y)
	}
	b := a + y
	qa, qb := 1/(a*a), 1/(b*b)
	s += math.Log1p(y/a) + y/(2*a*b)
	// 1/12x^2 - 1/120x^4 + 1/252x^6 - 1/240x^8 + 1/132x^10 at a less at b
	return s + (qa-qb)/12 - (qa*qa-qb*qb)/120 + (qa*qa*qa-qb*qb*qb)/252 -
		(qa*qa*qa*qa-qb*qb*qb*qb)/240 + (qa*qa*qa*qa*qa-qb*qb*qb*qb*qb)/132
}
