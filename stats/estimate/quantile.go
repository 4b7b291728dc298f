package estimate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"
)

// QuantileRule says which value stands for a quantile that falls on a step or
// between two answers. The names are those of R's svyquantile.
type QuantileRule int

const (
	// Math is the smallest x whose cumulated weight is at least p W.
	Math QuantileRule = iota
	// School is Math, but the middle of the two values when the cumulated
	// weight is exactly p W: the median of the schoolbook.
	School
	// HF1 to HF9 are the nine definitions of Hyndman & Fan (1996), Am. Stat.
	// 50, 361-365, with weights in the place of counts. HF1 is Math and HF2 is
	// School; HF3 takes the value of even rank at equality. HF4 to HF9
	// interpolate between neighbours; HF7 is the default of R's quantile.
	HF1
	HF2
	HF3
	HF4
	HF5
	HF6
	HF7
	HF8
	HF9
)

// String returns the name that R's svyquantile has for the rule.
func (r QuantileRule) String() string {
	names := [...]string{"math", "school", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"}
	if r < 0 || int(r) >= len(names) {
		return fmt.Sprintf("QuantileRule(%d)", int(r))
	}
	return names[r]
}

// same is the share of the total weight within which two cumulated weights are
// the same; sums in another order differ by less.
const same = 1e-12

// Quantile returns the weighted quantile of x for 0 <= p <= 1. Only values of
// weight above 0 count. Below the first and above the last step of the
// cumulated weights it is the smallest and the largest x.
//
// The rules Math to HF3 do not depend on the order of x. Those that interpolate
// do where values are equal and their weights are not: like R they take equal
// values in the order they come.
//
// It returns ErrEmptyDomain when no weight is above 0 and a *stats.ValueError
// for a value or weight that is not finite, or a negative weight. It panics when
// lengths differ, p is outside [0, 1] or the rule is unknown.
func Quantile(x, w []float64, p float64, rule QuantileRule) (float64, error) {
	if len(x) != len(w) {
		panic(fmt.Sprintf("estimate: %d values but %d weights", len(x), len(w)))
	}
	s, err := newSteps(x, w, nil)
	if err != nil {
		return 0, err
	}
	return s.at(p, rule), nil
}

// steps are values in ascending order with their cumulated weights.
type steps struct{ x, w, cum []float64 }

// newSteps sorts the values of weight above 0 for which in is true.
func newSteps(x, w []float64, in []bool) (*steps, error) {
	if err := stats.CheckWeights("weight", w); err != nil {
		return nil, err
	}
	order := make([]int, 0, len(x))
	for k := range x {
		if !(w[k] > 0) || in != nil && !in[k] {
			continue
		}
		if !stats.IsFinite(x[k]) {
			return nil, &stats.ValueError{What: "value", Row: k, Value: x[k], Why: "is not finite"}
		}
		order = append(order, k)
	}
	if len(order) == 0 {
		return nil, ErrEmptyDomain
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	return sorted(x, w, order), nil
}

// sorted makes the steps of rows in ascending order of x.
func sorted(x, w []float64, order []int) *steps {
	s := &steps{x: make([]float64, len(order)), w: make([]float64, len(order)), cum: make([]float64, len(order))}
	sum := 0.0
	for i, k := range order {
		sum += w[k]
		s.x[i], s.w[i], s.cum[i] = x[k], w[k], sum
	}
	return s
}

// at returns the quantile.
func (s *steps) at(p float64, rule QuantileRule) float64 {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("estimate: quantile %g is not between 0 and 1", p))
	}
	n := len(s.x)
	if n == 1 {
		return s.x[0]
	}
	all, last := s.cum[n-1], s.w[n-1]
	// part returns the positions in [0, 1] of the values: the cumulated weight
	// before each plus a share of its own, over the total.
	part := func(share, total float64) func(i int) float64 {
		return func(i int) float64 { return (s.cum[i] - (1-share)*s.w[i]) / total }
	}
	switch rule {
	case Math, HF1, School, HF2:
		return s.step(p, rule == School || rule == HF2)
	case HF3:
		return s.even(p)
	case HF4:
		return s.between(p, part(1, all))
	case HF5:
		return s.between(p, part(0.5, all))
	case HF6:
		return s.between(p, part(1, all+last))
	case HF7:
		return s.between(p, part(0, s.cum[n-2]))
	case HF8:
		return s.between(p, part(2.0/3, all+last/3))
	case HF9:
		return s.between(p, part(5.0/8, all+last/4))
	}
	panic("estimate: unknown quantile rule " + rule.String())
}

// step returns the smallest x with cumulated weight of at least p W; at equality
// its middle with the next when both are asked for.
func (s *steps) step(p float64, both bool) float64 {
	n := len(s.x)
	all := s.cum[n-1]
	i, _ := slices.BinarySearchFunc(s.cum, (p-same)*all, func(c, t float64) int { return cmp.Compare(c, t) })
	i = min(i, n-1)
	if both && i+1 < n && s.cum[i] <= (p+same)*all {
		return s.x[i] + (s.x[i+1]-s.x[i])/2
	}
	return s.x[i]
}

// even is HF3: equal values count as one, and at equality the value of even
// rank is taken.
func (s *steps) even(p float64) float64 {
	rank, all := 0, s.cum[len(s.x)-1]
	for i := 0; i < len(s.x); i++ {
		if i+1 < len(s.x) && s.x[i+1] == s.x[i] {
			continue
		}
		rank++
		if s.cum[i] < (p-same)*all {
			continue
		}
		if s.cum[i] <= (p+same)*all && rank%2 == 1 && i+1 < len(s.x) {
			return s.x[i+1]
		}
		return s.x[i]
	}
	return s.x[len(s.x)-1]
}

// between interpolates between the values whose positions are around p.
func (s *steps) between(p float64, position func(i int) float64) float64 {
	n := len(s.x)
	lo, hi := 0, n-1
	if p <= position(lo) {
		return s.x[lo]
	}
	if p >= position(hi) {
		return s.x[hi]
	}
	for hi-lo > 1 {
		mid := int(uint(lo+hi) / 2)
		if position(mid) <= p {
			lo = mid
		} else {
			hi = mid
		}
	}
	a, b := position(lo), position(hi)
	if !(b > a) {
		return s.x[hi]
	}
	return s.x[lo] + (s.x[hi]-s.x[lo])*((p-a)/(b-a))
}

// QuantileEstimate is a quantile with its precision.
type QuantileEstimate struct {
	P, Value float64
	// The Woodruff interval. A limit is NaN where the interval of the share
	// below Value leaves [0, 1]: too few answers lie on that side.
	Interval
	SE float64 // its width over 2t, NaN with a limit
	N  int     // answers of weight above 0
	DF int     // of the answers
}

// Quantiles estimates quantiles of y over the domain with Woodruff's interval:
// the interval of the given level for the share of people with at most the
// estimated quantile, whose limits are turned into values by the same rule,
//
//	F = \sum w [y <= q_p] / \sum w,  [q(F_lower), q(F_upper)],
//	SE = (q(F_upper) - q(F_lower)) / 2 t_{1-(1-level)/2, df}
//
// with the degrees of freedom df of the domain. The method of the interval is
// one of Proportion; Wald is Woodruff's. For a median the bootstrap is the
// better choice, Woodruff's SE of heaped answers jumps.
//
// The domain and errors are those of Mean; in addition ErrNoInterval without
// degrees of freedom or where the method says nothing. It panics when a p is
// outside [0, 1], the level not between 0 and 1, or rule or method unknown.
//
// See Woodruff (1952), J. Am. Stat. Assoc. 47, 635-646; svyquantile of R's
// survey.
func (d *Design) Quantiles(y []float64, in []bool, probs []float64, rule QuantileRule, method Method, level float64) ([]QuantileEstimate, error) {
	checkLevel(level)
	l, err := d.domain(in, y)
	if err != nil {
		return nil, err
	}
	s, err := newSteps(y, d.w, l.domain)
	if err != nil {
		return nil, err
	}
	share := func(below []float64) (p, v float64, err error) {
		m, err := d.Mean(below, l.domain)
		if err != nil {
			return 0, 0, err
		}
		return m.Value, d.Covariance(m).At(0, 0), nil
	}
	return woodruff(s, y, l.domain, l.N, d.DF(l.domain), probs, rule, method, level, share)
}

// Quantiles is Design.Quantiles with the variance of the shares from the
// replicates. Unlike the scatter of the replicates' own quantiles it holds for
// the jackknife.
func (r *Replicates) Quantiles(y []float64, in []bool, probs []float64, rule QuantileRule, method Method, level float64) ([]QuantileEstimate, error) {
	checkLevel(level)
	domain, n := make([]bool, len(r.full)), 0
	for k, w := range r.full {
		if domain[k] = w != 0 && (in == nil || in[k]); domain[k] {
			n++
		}
	}
	s, err := newSteps(y, r.full, domain)
	if err != nil {
		return nil, err
	}
	share := func(below []float64) (p, v float64, err error) {
		e, err := r.Estimate(MeansOf(domain, below))
		if err != nil {
			return 0, 0, err
		}
		return e.Value[0], e.Cov.At(0, 0), nil
	}
	return woodruff(s, y, domain, n, r.DF(domain), probs, rule, method, level, share)
}

// woodruff inverts the interval of the share of the n people of the domain at or
// below each quantile; share estimates it and its variance.
func woodruff(s *steps, y []float64, domain []bool, n, df int, probs []float64, rule QuantileRule, method Method, level float64,
	share func(below []float64) (p, v float64, err error)) ([]QuantileEstimate, error) {
	if df <= 0 {
		return nil, ErrNoInterval
	}
	t := stats.TQuantile(1-(1-level)/2, float64(df))
	out := make([]QuantileEstimate, len(probs))
	below := make([]float64, len(y))
	for j, p := range probs {
		q := QuantileEstimate{P: p, Value: s.at(p, rule), N: n, DF: df}
		for k, in := range domain {
			below[k] = indicator(in && y[k] <= q.Value)
		}
		at, v, err := share(below)
		if err != nil {
			return nil, err
		}
		i, err := Proportion(method, min(1, at), v, n, float64(df), level)
		if err != nil {
			return nil, err
		}
		limit := func(p float64) float64 {
			if !(p >= 0 && p <= 1) {
				return math.NaN()
			}
			return s.at(p, rule)
		}
		q.Interval = Interval{limit(i.Lower), limit(i.Upper)}
		q.SE = q.Width() / (2 * t)
		out[j] = q
	}
	return out, nil
}
