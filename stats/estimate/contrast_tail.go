package estimate

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// The upper tails of t, F and chi-square, computed from the tail itself so that
// small probabilities keep their digits.

// tBothTails returns P(|T| >= |t|) for df degrees of freedom, +Inf the normal.
func tBothTails(t, df float64) float64 {
	switch {
	case math.IsNaN(t) || !(df > 0):
		return math.NaN()
	case math.IsInf(t, 0):
		return 0
	case math.IsInf(df, 1):
		return math.Erfc(math.Abs(t) / math.Sqrt2)
	case df < 1e-300: // nearly all mass lies beyond all numbers
		return 1
	case t*t < df: // from the middle, where the share below is the small one
		return 1 - mathext.RegIncBeta(0.5, df/2, t*t/(df+t*t))
	}
	return mathext.RegIncBeta(df/2, 0.5, df/(df+t*t))
}

// fTail returns P(F >= x) for d1 and d2 degrees of freedom, which need not be
// whole.
func fTail(x, d1, d2 float64) float64 {
	switch {
	case math.IsNaN(x) || !(d1 > 0) || !(d2 > 0):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	return mathext.RegIncBeta(d2/2, d1/2, d2/(d2+d1*x))
}

// chiSquareTail returns P(X >= x) for df degrees of freedom.
func chiSquareTail(x, df float64) float64 {
	switch {
	case math.IsNaN(x) || !(df > 0):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}
