package rank

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"
)

// Method says which places a Comparison calls different.
type Method int

// Tukey compares all pairs with the studentized range (Tukey-Kramer), and is
// the default: the narrowest of the simultaneous methods. BonferroniPairs
// compares all pairs with a normal quantile and holds under any dependence of
// the estimates. KleinWrightWieczorek calls two places different when intervals
// that jointly hold for all places do not overlap, which readers can check with
// a ruler; it takes the estimates as independent. OneAtATime holds for one
// place that was named before the figures were seen, and not for all at once.
const (
	Tukey Method = iota
	BonferroniPairs
	KleinWrightWieczorek
	OneAtATime
)

var methods = []string{"tukey", "bonferroni", "kww", "one-at-a-time"}

// String names m in one word.
func (m Method) String() string {
	if m < 0 || int(m) >= len(methods) {
		return fmt.Sprintf("method %d", int(m))
	}
	return methods[m]
}

// Options of Compare. The zero value is Tukey at 95 % with known variances.
type Options struct {
	Method Method
	Level  float64 // 0 means 0.95
	DF     float64 // degrees of freedom of the standard errors; 0 means infinite
}

// Interval is what is known of a place's position; rank 1 is the smallest
// estimate. For rank 1 to be the largest, compare the negative estimates.
type Interval struct {
	Rank         int // of the estimate itself; equal estimates share the lowest
	Lower, Upper int // the ranks that its true value may have
}

// Comparison holds for each pair of places whether they can be told apart.
type Comparison struct {
	Critical float64 // what a difference over its standard error has to exceed; for kww, the half width of an interval over its standard error
	sign     [][]int8
	rank     []int
	order    []int
}

// Critical returns the critical value of the method for k places at the level
// given, with df degrees of freedom (+Inf for known variances):
//
//	tukey         q_{level; k, df} / sqrt 2
//	bonferroni    t_{1-a/(k(k-1))}, a = 1 - level
//	one-at-a-time t_{1-a/(2(k-1))}
//	kww           t_{(1+level^{1/k})/2}
//
// It is 0 for fewer than two places.
func Critical(m Method, k int, level, df float64) float64 {
	a := 1 - level
	n := float64(k)
	switch {
	case k < 2:
		return 0
	case m == Tukey:
		return RangeQuantile(level, k, df) / math.Sqrt2
	case m == BonferroniPairs:
		return -stats.TQuantile(a/(n*(n-1)), df)
	case m == OneAtATime:
		return -stats.TQuantile(a/(2*(n-1)), df)
	case m == KleinWrightWieczorek:
		// 1 - level^{1/k} without the loss of digits.
		return -stats.TQuantile(-math.Expm1(math.Log1p(-a)/n)/2, df)
	}
	panic(fmt.Sprintf("rank: unknown method %d", int(m)))
}

// Compare compares the places with the estimates est and standard errors se, of
// the same length. Places j and k differ when
//
//	|est_j - est_k| > c sqrt(se_j^2 + se_k^2)
//
// with c from Critical; by KleinWrightWieczorek, when est_j + c se_j <= est_k -
// c se_k. All statements "j is below k" that follow are true together with
// probability at least the level (for OneAtATime, those about one place).
// Estimates that share their sample, such as figures of one raked sample, are
// only nearly independent; positive correlation makes the statements cautious.
// Use direct estimates with their own errors, not smoothed ones, whose errors
// move together.
//
// A standard error of 0 is taken at its word, which for a place with few
// answers, or with answers from one building, it never deserves: borrow a
// variance first. No places give an empty comparison. Compare returns a
// *stats.ValueError for an estimate or error that is not finite, a negative
// error, a level outside (0, 1) or negative degrees of freedom, and panics for
// unequal lengths or an unknown method.
//
// See Klein, Wright & Wieczorek (2020), JRSS-A 183, 589-606; Al Mohamad,
// Goeman & van Zwet (2022), Biometrics 78; Kramer (1956), Biometrics
// 12, 307-310; Hayter (1984), Ann. Statist. 12, 61-75.
func Compare(est, se []float64, opt Options) (*Comparison, error) {
	if len(est) != len(se) {
		panic(fmt.Sprintf("rank: %d estimates and %d standard errors", len(est), len(se)))
	}
	if opt.Method < 0 || int(opt.Method) >= len(methods) {
		panic(fmt.Sprintf("rank: unknown method %d", int(opt.Method)))
	}
	if opt.Level == 0 {
		opt.Level = 0.95
	}
	if opt.DF == 0 {
		opt.DF = math.Inf(1)
	}
	switch {
	case !(opt.Level > 0 && opt.Level < 1):
		return nil, &stats.ValueError{What: "level", Row: -1, Value: opt.Level, Why: "is not between 0 and 1"}
	case !(opt.DF > 0):
		return nil, &stats.ValueError{What: "degrees of freedom", Row: -1, Value: opt.DF, Why: "are not positive"}
	}
	if err := stats.CheckFinite("estimate", est); err != nil {
		return nil, err
	}
	if err := stats.CheckWeights("standard error", se); err != nil {
		return nil, err
	}
	return compare(est, se, opt.Method, Critical(opt.Method, len(est), opt.Level, opt.DF)), nil
}

func compare(est, se []float64, m Method, crit float64) *Comparison {
	k := len(est)
	c := &Comparison{Critical: crit, sign: make([][]int8, k), rank: make([]int, k), order: make([]int, k)}
	for i := range k {
		c.sign[i] = make([]int8, k)
		c.order[i] = i
	}
	below := func(i, j int) bool { // i certainly below j
		switch {
		case !(est[i] < est[j]):
			return false
		case m == KleinWrightWieczorek:
			return est[i]+crit*se[i] <= est[j]-crit*se[j]
		}
		s := math.Hypot(se[i], se[j])
		return s == 0 || (est[j]-est[i])/s > crit
	}
	for i := range k {
		for j := range k {
			if est[j] < est[i] {
				c.rank[i]++
			}
			if below(i, j) {
				c.sign[i][j], c.sign[j][i] = -1, 1
			}
		}
		c.rank[i]++
	}
	slices.SortStableFunc(c.order, func(i, j int) int { return cmp.Compare(est[i], est[j]) })
	return c
}

// Sign returns -1 when place i is certainly below place j, 1 when it is
// certainly above and 0 when the two cannot be told apart.
func (c *Comparison) Sign(i, j int) int { return int(c.sign[i][j]) }

// Ranks returns the rank interval of each place: from 1 + the number of places
// certainly below it to k - the number certainly above.
func (c *Comparison) Ranks() []Interval {
	out := make([]Interval, len(c.rank))
	for i, row := range c.sign {
		out[i] = Interval{Rank: c.rank[i], Lower: 1, Upper: len(row)}
		for _, s := range row {
			switch {
			case s > 0:
				out[i].Lower++
			case s < 0:
				out[i].Upper--
			}
		}
	}
	return out
}

// Alike returns the groups of places that cannot be told apart: the longest
// runs, in ascending order of the estimates, in which no two places differ.
// Groups overlap, and a place may be in several; two places in one group must
// never be reported as better and worse. Two places that share no group may
// still not differ, when one between them is known so well that it differs from
// either.
//
// See Piepho (2004), J. Comput. Graph. Statist. 13, 456-466, for the letters
// that such groups are usually shown by.
func (c *Comparison) Alike() [][]int {
	var out [][]int
	from, end := 0, 0 // the run before ended before end
	for to := 1; to <= len(c.order); to++ {
		for i := to - 2; i >= from; i-- { // the newcomer against the run
			if c.sign[c.order[i]][c.order[to-1]] != 0 {
				if to-1 > end {
					out, end = append(out, slices.Clone(c.order[from:to-1])), to-1
				}
				from = i + 1
			}
		}
	}
	if len(c.order) > end {
		out = append(out, slices.Clone(c.order[from:]))
	}
	return out
}

// Tiers returns the finest division of the places, in ascending order, in which
// every place of a tier certainly differs from every place of the others. It is
// what may be published as "first group, second group"; often there is but one
// tier, and then there is no order to publish.
func (c *Comparison) Tiers() [][]int {
	var out [][]int
	from := 0
	for to := 1; to <= len(c.order); to++ {
		if to < len(c.order) && !c.separated(to) {
			continue
		}
		out = append(out, slices.Clone(c.order[from:to]))
		from = to
	}
	return out
}

// separated reports whether the first to places all differ from the rest.
func (c *Comparison) separated(to int) bool {
	for _, i := range c.order[:to] {
		for _, j := range c.order[to:] {
			if c.sign[i][j] == 0 {
				return false
			}
		}
	}
	return true
}
