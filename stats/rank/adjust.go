// Package rank says how much of an order of places is more than chance:
// p-values adjusted for the number of questions asked, rank intervals that hold
// for all places at once, and the groups of places that cannot be told apart.
package rank

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"
)

// Adjustment is a way of allowing for several tests at once.
type Adjustment int

// Holm holds the chance of any false claim below the level whatever the
// dependence of the tests; it is the rule for headline claims. Hochberg and
// Hommel are sharper and need independent or positively dependent tests.
// BenjaminiHochberg bounds the expected share of false claims among the claims,
// for screening; BenjaminiYekutieli does so under any dependence.
const (
	Holm Adjustment = iota
	Hochberg
	Hommel
	Bonferroni
	BenjaminiHochberg
	BenjaminiYekutieli
	None
)

var adjustments = []string{"holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "none"}

// String returns the name that R's p.adjust has for a.
func (a Adjustment) String() string {
	if a < 0 || int(a) >= len(adjustments) {
		return fmt.Sprintf("adjustment %d", int(a))
	}
	return adjustments[a]
}

// AdjustmentNamed returns the adjustment that R's p.adjust calls name; "fdr" is
// another name of "BH".
func AdjustmentNamed(name string) (Adjustment, bool) {
	if name == "fdr" {
		return BenjaminiHochberg, true
	}
	i := slices.Index(adjustments, name)
	return Adjustment(i), i >= 0
}

// Adjust returns the adjusted p-values of m tests, in the order of p: a test
// may be called significant at level a when its adjusted p-value is at most a.
// With p_(1) <= ... <= p_(m),
//
//	bonferroni  min(1, m p_(i))
//	holm        max_{j<=i} min(1, (m-j+1) p_(j))
//	hochberg    min_{j>=i} (m-j+1) p_(j)
//	BH          min_{j>=i} min(1, m/j p_(j))
//	BY          min_{j>=i} min(1, m/j p_(j) \sum_k 1/k)
//	hommel      the smallest level at which Hommel's closed test rejects i
//
// A NaN is a test that could not be made: it stays NaN and does not count in m.
// No p-values give none. It returns a *stats.ValueError for a p-value outside
// [0, 1] and panics for an unknown adjustment.
//
// See Holm (1979), Scand. J. Statist. 6, 65-70; Hochberg (1988), Biometrika 75,
// 800-802; Hommel (1988), Biometrika 75, 383-386, in the form of Wright (1992),
// Biometrics 48, 1005-1013; Benjamini & Hochberg (1995), JRSS-B 57, 289-300;
// Benjamini & Yekutieli (2001), Ann. Statist. 29, 1165-1188.
func Adjust(a Adjustment, p []float64) ([]float64, error) {
	if a < 0 || int(a) >= len(adjustments) {
		panic(fmt.Sprintf("rank: unknown adjustment %d", int(a)))
	}
	out := slices.Clone(p)
	var order []int // of the tests that were made, by ascending p-value
	for i, x := range p {
		switch {
		case math.IsNaN(x):
			continue
		case x < 0 || x > 1:
			return nil, &stats.ValueError{What: "p-value", Row: i, Value: x, Why: "is not between 0 and 1"}
		}
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	m := len(order)
	if m <= 1 || a == None {
		return out, nil
	}
	if a == Hommel {
		hommel(out, order)
		return out, nil
	}
	factor := func(j int) float64 { return float64(m - j) } // of the j-th smallest, from 0
	switch a {
	case Bonferroni:
		factor = func(int) float64 { return float64(m) }
	case BenjaminiHochberg:
		factor = func(j int) float64 { return float64(m) / float64(j+1) }
	case BenjaminiYekutieli:
		h := 0.0
		for k := 1; k <= m; k++ {
			h += 1 / float64(k)
		}
		factor = func(j int) float64 { return h * float64(m) / float64(j+1) }
	}
	for j, i := range order {
		out[i] = min(1, factor(j)*p[i])
	}
	switch a {
	case Holm: // never below a smaller p-value
		for j := 1; j < m; j++ {
			out[order[j]] = max(out[order[j]], out[order[j-1]])
		}
	case Hochberg, BenjaminiHochberg, BenjaminiYekutieli: // never above a larger one
		for j := m - 2; j >= 0; j-- {
			out[order[j]] = min(out[order[j]], out[order[j+1]])
		}
	}
	return out, nil
}

// hommel replaces the p-values that order points to by Hommel's adjusted ones.
func hommel(p []float64, order []int) {
	n := len(order)
	s := make([]float64, n)
	least := math.Inf(1)
	for j, i := range order {
		s[j] = p[i]
		least = min(least, float64(n)*p[i]/float64(j+1))
	}
	q, out := make([]float64, n), make([]float64, n)
	for j := range out {
		q[j], out[j] = least, least
	}
	for m := n - 1; m >= 2; m-- {
		// The n-m+1 smallest, and the m-1 largest of which the least ratio counts.
		head := n - m + 1
		least := math.Inf(1)
		for j := head; j < n; j++ {
			least = min(least, float64(m)*s[j]/float64(j-head+2))
		}
		for j := range q {
			if j < head {
				q[j] = min(float64(m)*s[j], least)
			} else {
				q[j] = q[head-1]
			}
			out[j] = max(out[j], q[j])
		}
	}
	for j, i := range order {
		p[i] = max(out[j], s[j])
	}
}
