package estimate

import (
	"errors"
	"fmt"
	"math"

	"chengyin/stats"
)

// ErrNoInterval says that there are too few answers, or no degrees of freedom,
// or no variance, for an interval of this kind.
var ErrNoInterval = errors.New("estimate: too little data for an interval")

// Interval is a confidence interval.
type Interval struct{ Lower, Upper float64 }

// Width returns Upper - Lower.
func (i Interval) Width() float64 { return i.Upper - i.Lower }

// Method is a way to make an interval for a proportion p with variance V from n
// answers with df degrees of freedom; t is the t quantile and m an effective
// sample size, p(1-p)/V if not said otherwise.
type Method int

const (
	// Wald is p +- t sqrt V. It may leave [0, 1]; not to be published for
	// p < 0.1 or p > 0.9.
	Wald Method = iota
	// Logit is expit(logit p +- t sqrt V / (p(1-p))), the rule of SUDAAN and Stata.
	Logit
	// ArcSine is sin^2(asin sqrt p +- t sqrt V / (2 sqrt(p(1-p)))). It folds
	// back at 0 and 1 and is only good inside models.
	ArcSine
	// Wilson is the score interval with m for n: Wilson (1927), J. Am. Stat.
	// Assoc. 22, 209-212; Franco et al. (2019), J. Surv. Stat. Methodol. 7.
	Wilson
	// Beta is the exact binomial interval with m (t_{n-1}/t_df)^2 answers:
	// Korn & Graubard (1998), Surv. Methodol. 24, 193-201.
	Beta
	// BetaCapped is Beta with at most n answers, and with n before the t-ratio
	// when p is 0 or 1 or V is 0: NCHS Vital Health Stat 2(175), 2017. It is
	// Clopper-Pearson for a simple random sample, never too narrow there and
	// mostly too wide; PublishedProportion is the one to publish.
	BetaCapped
	// WilsonCapped is Wilson with at most n answers, and with n when p is 0 or
	// 1 or V is 0, cut to [0, 1].
	WilsonCapped
)

// String names the method in one word.
func (m Method) String() string {
	names := [...]string{"wald", "logit", "arcsine", "wilson", "beta", "beta capped", "wilson capped"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("Method(%d)", int(m))
	}
	return names[m]
}

// Proportion returns the interval of the given level (0.95, say) for a
// proportion p with variance v, estimated from n answers with df degrees of
// freedom, which may be +Inf.
//
// It returns ErrNoInterval when n < 2 or df <= 0, and, for the methods that are
// not capped except Wald, when p is 0 or 1 or v is 0, where they say nothing;
// a *stats.ValueError when p is outside [0, 1], v negative, or one not finite.
// It panics when the level is not between 0 and 1 or the method is unknown.
func Proportion(m Method, p, v float64, n int, df, level float64) (Interval, error) {
	p, err := checkProportion(p, v, level)
	if err != nil {
		return Interval{}, err
	}
	if n < 2 || !(df > 0) {
		return Interval{}, ErrNoInterval
	}
	size := float64(n)
	t := stats.TQuantile(1-(1-level)/2, df)
	silent := p == 0 || p == 1 || v == 0
	eff := size
	if !silent {
		eff = p * (1 - p) / v
	}
	ratio := stats.TQuantile(1-(1-level)/2, size-1) / t
	switch m {
	case Wald:
		h := t * math.Sqrt(v)
		return Interval{p - h, p + h}, nil
	case BetaCapped:
		return exact(p, min(size, eff*ratio*ratio), level), nil
	case WilsonCapped:
		i := wilson(p, min(size, eff), t)
		return Interval{max(0, i.Lower), min(1, i.Upper)}, nil
	case Logit, ArcSine, Wilson, Beta:
		if silent {
			return Interval{}, ErrNoInterval
		}
	default:
		panic("estimate: unknown interval method " + m.String())
	}
	switch m {
	case Logit:
		return logit(p, v, t), nil
	case ArcSine:
		a, h := math.Asin(math.Sqrt(p)), t*math.Sqrt(v)/(2*math.Sqrt(p*(1-p)))
		lo, hi := math.Sin(a-h), math.Sin(a+h)
		return Interval{lo * lo, hi * hi}, nil
	case Wilson:
		return wilson(p, eff, t), nil
	}
	return exact(p, eff*ratio*ratio, level), nil
}

// Borrowed returns an interval for the proportion of a small domain whose own
// variance cannot be trusted, from the design effect of a larger one (its
// district): the exact binomial interval with
//
//	p(1-p) / max(v, deff p(1-p)/n)
//
// answers, or n/deff when p is 0 or 1. A deff below 1 counts as 1. The domain of
// a single PSU needs it, because there v is 0 whatever the answers were, and so
// do domains with few PSUs. Errors and panics are those of Proportion, without
// its df; a deff that is not finite is a *stats.ValueError.
func Borrowed(p, v float64, n int, deff, level float64) (Interval, error) {
	p, err := checkProportion(p, v, level)
	if err != nil {
		return Interval{}, err
	}
	if !stats.IsFinite(deff) {
		return Interval{}, &stats.ValueError{What: "design effect", Row: -1, Value: deff, Why: "is not finite"}
	}
	if n < 2 {
		return Interval{}, ErrNoInterval
	}
	deff = max(1, deff)
	m := float64(n) / deff
	if p > 0 && p < 1 {
		m = p * (1 - p) / BorrowedVariance(v, p*(1-p)/float64(n), deff)
	}
	return exact(p, m, level), nil
}

// BorrowedVariance returns max(v, deff srs): the variance v of a small domain,
// or if larger the variance srs of a simple random sample of its size times the
// design effect of a larger domain. A deff below 1 counts as 1.
func BorrowedVariance(v, srs, deff float64) float64 {
	return max(v, max(1, deff)*srs)
}

// BoundedMean returns an interval for a mean p of values between 0 and 1, such
// as a score of 0 to 100 divided by 100, that stays inside: the logit interval
// of Proportion. At 0 and 1, where all answers are equal, it is the interval of
// a proportion, BetaCapped. Errors and panics are those of Proportion; v = 0
// with p between 0 and 1 has no interval, a domain in a single PSU should come
// with its BorrowedVariance.
func BoundedMean(p, v float64, n int, df, level float64) (Interval, error) {
	p, err := checkProportion(p, v, level)
	if err != nil {
		return Interval{}, err
	}
	if p == 0 || p == 1 {
		return Proportion(BetaCapped, p, v, n, df, level)
	}
	return Proportion(Logit, p, v, n, df, level)
}

// TInterval returns value +- t se with df degrees of freedom, for means and
// totals without bounds. It returns ErrNoInterval when df <= 0 and a
// *stats.ValueError when value or se is not finite or se negative. It panics
// when the level is not between 0 and 1.
//
// See Korn & Graubard (1999), Analysis of Health Surveys.
func TInterval(value, se, df, level float64) (Interval, error) {
	checkLevel(level)
	if !stats.IsFinite(value) {
		return Interval{}, &stats.ValueError{What: "estimate", Row: -1, Value: value, Why: "is not finite"}
	}
	if !stats.IsFinite(se) || se < 0 {
		return Interval{}, &stats.ValueError{What: "standard error", Row: -1, Value: se, Why: "is not a finite number >= 0"}
	}
	if !(df > 0) {
		return Interval{}, ErrNoInterval
	}
	h := stats.TQuantile(1-(1-level)/2, df) * se
	return Interval{value - h, value + h}, nil
}

// ClopperPearson returns the exact interval for yes of n independent answers of
// the same probability, R's binom.test. It returns a *stats.ValueError unless
// 0 <= yes <= n and n > 0, and panics when the level is not between 0 and 1.
//
// See Clopper & Pearson (1934), Biometrika 26, 404-413.
func ClopperPearson(yes, n, level float64) (Interval, error) {
	p, err := share(yes, n, level)
	if err != nil {
		return Interval{}, err
	}
	return exact(p, n, level), nil
}

// WilsonScore returns the score interval for yes of n independent answers of the
// same probability, R's prop.test without continuity correction. Errors and
// panics are those of ClopperPearson.
//
// See Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.
func WilsonScore(yes, n, level float64) (Interval, error) {
	p, err := share(yes, n, level)
	if err != nil {
		return Interval{}, err
	}
	i := wilson(p, n, stats.TQuantile(1-(1-level)/2, math.Inf(1)))
	return Interval{max(0, i.Lower), min(1, i.Upper)}, nil
}

// share returns yes/n of answers of a simple random sample.
func share(yes, n, level float64) (float64, error) {
	if !(n > 0) || math.IsInf(n, 0) {
		return 0, &stats.ValueError{What: "number of answers", Row: -1, Value: n, Why: "is not above 0"}
	}
	return checkProportion(yes/n, 0, level)
}

// exact is the Clopper-Pearson interval with m answers, of which m p are yes.
func exact(p, m, level float64) Interval {
	a := (1 - level) / 2
	i := Interval{0, 1}
	if p > 0 {
		i.Lower = stats.BetaQuantile(a, m*p, m*(1-p)+1)
	}
	if p < 1 {
		i.Upper = stats.BetaQuantile(1-a, m*p+1, m*(1-p))
	}
	return i
}

// wilson is the score interval with m answers.
func wilson(p, m, t float64) Interval {
	t2 := t * t
	mid := p + t2/(2*m)
	h := t / (2 * m) * math.Sqrt(4*m*p*(1-p)+t2)
	return Interval{(mid - h) / (1 + t2/m), (mid + h) / (1 + t2/m)}
}

// logit is the interval on the log odds.
func logit(p, v, t float64) Interval {
	mid, h := math.Log(p)-math.Log1p(-p), t*math.Sqrt(v)/(p*(1-p))
	return Interval{expit(mid - h), expit(mid + h)}
}

func expit(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func checkLevel(level float64) {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("estimate: level %g is not between 0 and 1", level))
	}
}

// checkProportion returns p, with the rounding of a weighted mean at 0 and 1
// taken off.
func checkProportion(p, v, level float64) (float64, error) {
	checkLevel(level)
	const edge = 1e-12
	if !(p >= -edge && p <= 1+edge) {
		return 0, &stats.ValueError{What: "proportion", Row: -1, Value: p, Why: "is not between 0 and 1"}
	}
	if !(v >= 0) || math.IsInf(v, 0) {
		return 0, &stats.ValueError{What: "variance", Row: -1, Value: v, Why: "is not a finite number >= 0"}
	}
	switch {
	case p < edge:
		return 0, nil
	case p > 1-edge:
		return 1, nil
	}
	return p, nil
}
