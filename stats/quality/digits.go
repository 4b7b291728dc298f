package quality

import (
	"math"
	"strconv"

	"chengyin/stats"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// GoodnessOfFit is Pearson's test of counts against given shares.
type GoodnessOfFit struct {
	N         int
	Counts    []int
	Statistic float64
	DF        int
	P         float64 // NaN without observations
}

// ChiSquare tests whether counts are a sample from the shares prob, which are
// scaled to the sum 1,
//
//	X2 = \sum_k (O_k - n p_k)^2 / (n p_k),  df = categories - 1
//
// The chi-square distribution holds when no n p_k is much below 5. It returns a
// *stats.ValueError for a negative count or a share that is not above 0, and
// panics for unequal lengths.
//
// See Pearson (1900), Philos. Mag. 50, 157-175; it is chisq.test of R.
func ChiSquare(counts []int, prob []float64) (GoodnessOfFit, error) {
	if len(counts) != len(prob) {
		panic("quality: counts and shares differ in length")
	}
	g := GoodnessOfFit{Counts: append([]int(nil), counts...), DF: len(counts) - 1, P: math.NaN()}
	sum := 0.0
	for i, c := range counts {
		switch {
		case c < 0:
			return g, &stats.ValueError{What: "count", Row: i, Value: float64(c), Why: "is negative"}
		case !(prob[i] > 0) || math.IsInf(prob[i], 1):
			return g, &stats.ValueError{What: "share", Row: i, Value: prob[i], Why: "is not positive"}
		}
		g.N += c
		sum += prob[i]
	}
	if g.N == 0 {
		g.Statistic = math.NaN()
		return g, nil
	}
	for i, c := range counts {
		e := float64(g.N) * prob[i] / sum
		g.Statistic += (float64(c) - e) * (float64(c) - e) / e
	}
	switch {
	case g.DF < 1:
	case g.Statistic == 0:
		g.P = 1
	default:
		g.P = distuv.ChiSquared{K: float64(g.DF)}.Survival(g.Statistic)
	}
	return g, nil
}

// whole returns x as a whole number from 0 to 2^53.
func whole(what string, i int, x float64) (int64, error) {
	switch {
	case !stats.IsFinite(x):
		return 0, &stats.ValueError{What: what, Row: i, Value: x, Why: "is not finite"}
	case x < 0:
		return 0, &stats.ValueError{What: what, Row: i, Value: x, Why: "is negative"}
	case x != math.Trunc(x) || x > 1<<53:
		return 0, &stats.ValueError{What: what, Row: i, Value: x, Why: "is not a whole number"}
	}
	return int64(x), nil
}

// LastDigit tests whether the last digits of whole scores are spread evenly
// over 0 to 9. People round scores to tens and fives by themselves, so that an
// uneven spread says that scores are rough; interviewers who round otherwise
// than the others are what to look for. NaN is a missing score. It returns a
// *stats.ValueError for a score that is negative or not whole.
//
// See Beber & Scacco (2012), Polit. Anal. 20, 211-234.
func LastDigit(scores []float64) (GoodnessOfFit, error) {
	counts, prob := make([]int, 10), make([]float64, 10)
	for d := range prob {
		prob[d] = 0.1
	}
	for i, x := range scores {
		if math.IsNaN(x) {
			continue
		}
		v, err := whole("score", i, x)
		if err != nil {
			return GoodnessOfFit{}, err
		}
		counts[v%10]++
	}
	return ChiSquare(counts, prob)
}

// Heap is how many scores sit on round numbers.
type Heap struct {
	N, Round int
	Share    float64 // NaN without scores
	P        float64 // exact binomial chance of as many or more
}

// Heaping tests whether more scores are multiples of base than 1/base of them,
// one-sided. NaN is a missing score. It returns a *stats.ValueError for a score
// that is negative or not whole and for a base below 2.
//
// See Clopper & Pearson (1934), Biometrika 26, 404-413; it is
// binom.test(alternative = "greater") of R.
func Heaping(scores []float64, base int) (Heap, error) {
	if base < 2 {
		return Heap{}, &stats.ValueError{What: "base", Row: -1, Value: float64(base), Why: "is below 2"}
	}
	var h Heap
	for i, x := range scores {
		if math.IsNaN(x) {
			continue
		}
		v, err := whole("score", i, x)
		if err != nil {
			return Heap{}, err
		}
		h.N++
		if v%int64(base) == 0 {
			h.Round++
		}
	}
	h.Share = float64(h.Round) / float64(h.N)
	h.P = BinomialTail(h.Round, h.N, 1/float64(base))
	return h, nil
}

// BinomialTail returns the chance that at least x of n independent trials
// succeed, each with probability p. It is 1 for x <= 0, 0 for x > n and NaN for
// a p outside [0, 1] or a negative n.
func BinomialTail(x, n int, p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || n < 0:
		return math.NaN()
	case x <= 0:
		return 1
	case x > n || p == 0:
		return 0
	case p == 1:
		return 1
	}
	return mathext.RegIncBeta(float64(x), float64(n-x)+1, p)
}

// Digits is a comparison of first digits with Benford's law.
type Digits struct {
	GoodnessOfFit         // Counts[d-1] of digit d
	MAD           float64 // mean |share - log10(1 + 1/d)|
	Verdict       string  // close, acceptable, marginal or none, after MAD
	Span          float64 // log10 of the largest over the smallest amount
}

// Benford compares the first significant digits of the amounts above 0 with
// Benford's law, P(d) = log10(1 + 1/d). It suits amounts that multiply and
// spread over several powers of ten, such as spending: look at Span, which has
// to be 2 at the very least. It must never be used for scores from 0 to 100,
// ages or answers on a scale, which do not follow the law when they are honest.
// Large samples reject for trifles, and MAD does not grow with them: below
// 0.006 the law is met closely, below 0.012 acceptably, below 0.015 marginally.
// Amounts of 0 and below and missing ones (NaN) are left out. It returns a
// *stats.ValueError for an infinite amount.
//
// See Nigrini (2012), Benford's Law, ch. 7; Judge & Schechter (2009), J. Human
// Resources 44, 1-24.
func Benford(amounts []float64) (Digits, error) {
	counts, prob := make([]int, 9), make([]float64, 9)
	lo, hi := math.Inf(1), 0.0
	for d := range prob {
		prob[d] = math.Log10(1 + 1/float64(d+1))
	}
	for i, x := range amounts {
		if math.IsInf(x, 0) {
			return Digits{}, &stats.ValueError{What: "amount", Row: i, Value: x, Why: "is not finite"}
		}
		if x > 0 {
			counts[strconv.FormatFloat(x, 'e', -1, 64)[0]-'1']++
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	g, err := ChiSquare(counts, prob)
	d := Digits{GoodnessOfFit: g, Verdict: "none", Span: math.NaN(), MAD: math.NaN()}
	if err != nil || g.N == 0 {
		return d, err
	}
	d.MAD = 0
	for k, c := range counts {
		d.MAD += math.Abs(float64(c)/float64(g.N)-prob[k]) / 9
	}
	d.Span = math.Log10(hi) - math.Log10(lo)
	switch {
	case d.MAD < 0.006:
		d.Verdict = "close"
	case d.MAD < 0.012:
		d.Verdict = "acceptable"
	case d.MAD < 0.015:
		d.Verdict = "marginal"
	}
	return d, nil
}
