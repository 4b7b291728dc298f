package sampling

import (
	"container/heap"
	"fmt"
	"math"

	"chengyin/stats"
)

// ProportionalSizes, NeymanSizes, CostSizes and PowerSizes say what the share
// of a stratum in the sample should be proportional to; Allocate and
// AllocateWhole divide the sample.

// NeymanSizes returns N_h S_h, which gives the total over all strata its
// smallest variance, for strata of population pop whose answers have standard
// deviation sd, sqrt(p(1-p)) for a proportion. It panics for unequal lengths.
//
// See Neyman (1934), J. R. Stat. Soc. 97, 558-625; Cochran (1977), 5.5.
func NeymanSizes(pop, sd []float64) []float64 {
	return product(pop, sd, func(s float64) float64 { return s })
}

// CostSizes returns size_h / sqrt(c_h): the optimum when an interview costs c_h
// in stratum h and size is that of NeymanSizes. It panics for unequal lengths.
//
// See Cochran (1977), 5.5.
func CostSizes(size, cost []float64) []float64 {
	return product(size, cost, func(c float64) float64 { return 1 / math.Sqrt(c) })
}

// PowerSizes returns X_h^q, between equal sizes (q = 0) and proportional ones
// (q = 1), a compromise between figures for each stratum and one for all; q =
// 1/2 is usual. Times the stratum's coefficient of variation it is Bankier's
// allocation; without it they are taken as equal.
//
// See Bankier (1988), Am. Stat. 42, 174-177.
func PowerSizes(x []float64, q float64) []float64 {
	out := make([]float64, len(x))
	for h, v := range x {
		out[h] = math.Pow(v, q)
	}
	return out
}

func product(a, b []float64, f func(float64) float64) []float64 {
	if len(a) != len(b) {
		panic(fmt.Sprintf("sampling: %d and %d strata", len(a), len(b)))
	}
	out := make([]float64, len(a))
	for h := range a {
		out[h] = a[h] * f(b[h])
	}
	return out
}

// Allocate divides n in proportion to size, n size_h / \sum size, as real
// numbers. Sizes equal to the populations are proportional allocation. It
// returns a *stats.ValueError for an n or a size that is negative or not finite
// and for sizes of which none is above 0.
func Allocate(n float64, size []float64) ([]float64, error) {
	if err := check(limit{"sample size", n, n >= 0 && !math.IsInf(n, 1), "is not a size"}); err != nil {
		return nil, err
	}
	top, err := checkSizes(size)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, s := range size {
		sum += s / top
	}
	out := make([]float64, len(size))
	for h, s := range size {
		out[h] = n * (s / top) / sum
	}
	return out, nil
}

// checkSizes returns the largest.
func checkSizes(size []float64) (float64, error) {
	if err := stats.CheckWeights("size of the stratum", size); err != nil {
		return 0, err
	}
	top := 0.0
	for _, s := range size {
		top = max(top, s)
	}
	if top == 0 {
		return 0, &stats.ValueError{What: "largest size of a stratum", Row: -1, Value: 0, Why: "is zero"}
	}
	return top, nil
}

// AllocationError says that no allocation keeps to the limits.
type AllocationError struct {
	N           int // asked for
	Least, Most int // what the minimum and the populations allow
}

// Error says what was asked for and what the limits allow.
func (e *AllocationError) Error() string {
	return fmt.Sprintf("sampling: %d cannot be divided; the minimum per stratum takes %d and the populations give %d", e.N, e.Least, e.Most)
}

// AllocateWhole divides n into whole numbers that make
//
//	\sum_h size_h^2 / n_h
//
// as small as whole numbers between min (or the population, if that is smaller)
// and the population of each stratum can: the exact optimum, where rounding real
// numbers is only near it. With the sizes of NeymanSizes that sum is the
// variance of the estimated total but for a constant. Each unit goes in turn to
// the stratum with the largest priority size_h / sqrt(k(k+1)), k being what it
// has; the first of equal ones in the order given.
//
// It returns an *AllocationError when n does not fit the limits and a
// *stats.ValueError for a size that is negative or not finite, a population
// below 0 and a minimum below 0. It panics for unequal lengths. A minimum of 2
// is what a variance needs.
//
// See Wright (2012), The equivalence of Neyman optimum allocation for sampling
// and equal proportions for apportioning the U.S. House of Representatives, Am.
// Stat. 66, 217-224; Wright (2017), Stat. Probab. Lett. 129, 50-57.
func AllocateWhole(n int, size []float64, population []int, min int) ([]int, error) {
	if len(size) != len(population) {
		panic(fmt.Sprintf("sampling: %d sizes and %d populations", len(size), len(population)))
	}
	if err := stats.CheckWeights("size of the stratum", size); err != nil {
		return nil, err
	}
	if min < 0 {
		return nil, &stats.ValueError{What: "minimum", Row: -1, Value: float64(min), Why: "is negative"}
	}
	q := &priorities{n: make([]int, len(size)), size: size}
	have, most := 0, 0
	for h, p := range population {
		if p < 0 {
			return nil, &stats.ValueError{What: "population of the stratum", Row: h, Value: float64(p), Why: "is negative"}
		}
		q.n[h] = p
		if min < p {
			q.n[h] = min
		}
		have += q.n[h]
		if most += p; most < 0 || p > mostPeople {
			return nil, &stats.ValueError{What: "population of the stratum", Row: h, Value: float64(p), Why: "is beyond counting"}
		}
		if q.n[h] < p {
			q.open = append(q.open, h)
		}
	}
	if n < have || n > most {
		return nil, &AllocationError{N: n, Least: have, Most: most}
	}
	heap.Init(q)
	for ; have < n; have++ {
		h := q.open[0]
		if q.n[h]++; q.n[h] == population[h] {
			heap.Pop(q)
		} else {
			heap.Fix(q, 0)
		}
	}
	return q.n, nil
}

// priorities is a heap of the strata that can take more.
type priorities struct {
	n    []int
	size []float64
	open []int
}

func (q *priorities) value(h int) float64 {
	if q.size[h] == 0 {
		return 0
	}
	k := float64(q.n[h])
	return q.size[h] / math.Sqrt(k*(k+1))
}

func (q *priorities) Len() int { return len(q.open) }

func (q *priorities) Less(i, j int) bool {
	a, b := q.value(q.open[i]), q.value(q.open[j])
	if a != b {
		return a > b
	}
	return q.open[i] < q.open[j]
}

func (q *priorities) Swap(i, j int) { q.open[i], q.open[j] = q.open[j], q.open[i] }

func (q *priorities) Push(x any) { q.open = append(q.open, x.(int)) }

func (q *priorities) Pop() any {
	last := len(q.open) - 1
	h := q.open[last]
	q.open = q.open[:last]
	return h
}
