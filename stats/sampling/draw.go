package sampling

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// Sample is what was drawn from a list of N units.
type Sample struct {
	Units []int     // their 0-based places in the list, ascending
	Prob  []float64 // inclusion probability of each of them
}

// Weights returns the design weights 1/Prob.
func (s Sample) Weights() []float64 {
	w := make([]float64, len(s.Prob))
	for i, p := range s.Prob {
		w[i] = 1 / p
	}
	return w
}

// A draw is of places in a list. For the same people from the same seed the
// list has to be in the same order, so sort it by what never changes, such as
// the building's code; for another order, draw from that order and say so.

// SizeError says that a sample of n cannot be drawn from N units.
type SizeError struct {
	N, Units int
}

// Error says how many were to be drawn from how many.
func (e *SizeError) Error() string {
	return fmt.Sprintf("sampling: a sample of %d from %d units", e.N, e.Units)
}

func checkDraw(units, n int) error {
	if n < 0 || units < 0 || n > units {
		return &SizeError{N: n, Units: units}
	}
	return nil
}

// Simple draws n of N units without replacement: every set of n is exactly
// equally likely, and each unit is in with probability n/N. It passes through
// the list once and takes unit i when Below(units left) < units still wanted.
// It returns a *SizeError unless 0 <= n <= N.
//
// See Fan, Muller & Rezucha (1962), J. Am. Stat. Assoc. 57, 387-402, method 1.
func Simple(seed Seed, units, n int) (Sample, error) {
	if err := checkDraw(units, n); err != nil {
		return Sample{}, err
	}
	r := seed.Source()
	s := Sample{}
	for i := 0; len(s.Units) < n; i++ {
		if r.Below(uint64(units-i)) < uint64(n-len(s.Units)) {
			s.Units = append(s.Units, i)
			s.Prob = append(s.Prob, float64(n)/float64(units))
		}
	}
	return s, nil
}

// Systematic draws n of N units at equal steps through the list: with r =
// Below(N), units floor((r + k N)/n), k = 0..n-1. Each is in with probability
// n/N exactly, whether or not N is a multiple of n. In a list sorted by street
// or floor it spreads the sample, which makes it better than a simple one; in a
// list with a period near the step, such as corner flats, it is worse. The
// variance has no unbiased estimate; treating the sample as simple is cautious
// for a sorted list. It returns a *SizeError unless 0 <= n <= N.
//
// See Madow & Madow (1944), Ann. Math. Statist. 15, 1-24; Cochran (1977), ch. 8.
func Systematic(seed Seed, units, n int) (Sample, error) {
	if err := checkDraw(units, n); err != nil || n == 0 {
		return Sample{}, err
	}
	if units > math.MaxInt64/n {
		return Sample{}, &SizeError{N: n, Units: units}
	}
	r := int(seed.Source().Below(uint64(units)))
	s := Sample{}
	for k := range n {
		s.Units = append(s.Units, (r+k*units)/n)
		s.Prob = append(s.Prob, float64(n)/float64(units))
	}
	return s, nil
}

// Inclusion is with what probability each unit is in a sample of n drawn with
// probability proportional to size.
type Inclusion struct {
	N       int
	Prob    []float64 // n size_i / \sum size, 1 for the certain ones
	Certain []bool    // too large for the others: taken without drawing
	size    []int64
	drawn   int    // units left to draw
	total   uint64 // of the sizes of those that are not certain
}

// InclusionProbabilities returns with what probability each unit is in a sample
// of n. A unit with n size_i >= \sum size is taken for certain, and the rest of
// the sample drawn from the other units in the same way; a unit of size 0 is
// never taken. Sizes are whole numbers, households or adults, so that the draw
// needs integer arithmetic only.
//
// It returns a *SizeError when fewer than n units have a size above 0 and a
// *stats.ValueError for a negative size, or when n times the sum of the sizes
// exceeds 2^63.
//
// See Saerndal, Swensson & Wretman (1992), 3.6.
func InclusionProbabilities(size []int64, n int) (*Inclusion, error) {
	positive := 0
	var total uint64
	for i, m := range size {
		if m < 0 {
			return nil, &stats.ValueError{What: "size", Row: i, Value: float64(m), Why: "is negative"}
		}
		if m > 0 {
			positive++
		}
		if total += uint64(m); total > math.MaxInt64/uint64(max(n, 1)) {
			return nil, &stats.ValueError{What: "sum of the sizes", Row: i, Value: float64(total), Why: "times the sample size exceeds 2^63"}
		}
	}
	if n < 0 || n > positive {
		return nil, &SizeError{N: n, Units: positive}
	}
	p := &Inclusion{N: n, Prob: make([]float64, len(size)), Certain: make([]bool, len(size)), size: append([]int64(nil), size...), drawn: n, total: total}
	for again := p.drawn > 0; again; {
		again = false
		// All that are too large against the same rest, so that no order counts.
		rest, drawn := p.total, p.drawn
		for i, m := range size {
			if m > 0 && !p.Certain[i] && drawn > 0 && uint64(drawn)*uint64(m) >= rest {
				p.Certain[i] = true
				p.Prob[i] = 1
				p.drawn--
				p.total -= uint64(m)
				again = p.drawn > 0
			}
		}
	}
	for i, m := range size {
		if !p.Certain[i] && p.drawn > 0 {
			p.Prob[i] = float64(p.drawn) * float64(m) / float64(p.total)
		}
	}
	return p, nil
}

// sample adds the certain units to those drawn.
func (p *Inclusion) sample(in []bool) Sample {
	s := Sample{}
	for i, x := range in {
		if x || p.Certain[i] {
			s.Units = append(s.Units, i)
			s.Prob = append(s.Prob, p.Prob[i])
		}
	}
	return s
}

// Systematic draws the sample at equal steps through the sizes laid end to end
// in the order of the list. With T the sum of the sizes and r = Below(T), it
// takes the units that hold the points (r + k T)/n, k = 0..n-1. Each unit has
// the inclusion probability stated, but two units far apart may never be in one
// sample. It keeps what is said of the function Systematic.
//
// See Madow (1949), Ann. Math. Statist. 20, 333-354.
func (p *Inclusion) Systematic(seed Seed) Sample {
	order := make([]int, len(p.size))
	for i := range order {
		order[i] = i
	}
	return p.sample(p.systematic(seed.Source(), order))
}

// RandomSystematic puts the list in random order before it draws as Systematic
// does: the inclusion probabilities stay, nearly all pairs become possible, and
// the order of the list no longer counts, for better or worse.
//
// See Goodman & Kish (1950), J. Am. Stat. Assoc. 45, 350-372; Hartley & Rao
// (1962), Ann. Math. Statist. 33, 350-374.
func (p *Inclusion) RandomSystematic(seed Seed) Sample {
	order := make([]int, len(p.size))
	for i := range order {
		order[i] = i
	}
	r := seed.Source()
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return p.sample(p.systematic(r, order))
}

func (p *Inclusion) systematic(r *Source, order []int) []bool {
	in := make([]bool, len(p.size))
	if p.drawn == 0 {
		return in
	}
	n := uint64(p.drawn)
	point := r.Below(p.total) // the points r + k T on a line of length n T
	var end uint64
	for _, i := range order {
		if p.Certain[i] {
			continue
		}
		if end += n * uint64(p.size[i]); point < end {
			in[i] = true
			point += p.total
		}
	}
	return in
}

// sampfordTries bounds the attempts of Sampford.
const sampfordTries = 1_000_000

// RejectedError says that Sampford's method found no sample. Its chance to
// accept an attempt falls quickly with n; RandomSystematic needs none.
type RejectedError struct{ Tries int }

// Error says how many attempts were made.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("sampling: none of %d attempts of Sampford's method gave different units; use randomised systematic sampling", e.Tries)
}

// Sampford draws the sample by Sampford's method: the first unit with
// probability proportional to size, n-1 more, with replacement, with
// probability proportional to pi_i / (1 - pi_i), all over again until the n
// units are different. A sample s is then drawn with probability proportional
// to
//
//	\prod_{i in s} pi_i/(1-pi_i) * \sum_{i in s} (1 - pi_i)
//
// the inclusion probabilities are exactly those stated, and every pair is
// possible, which a variance estimate needs. It suits samples of up to a few
// tens of units per stratum and returns a *RejectedError when a million
// attempts fail. The sums of its second step are floating point, added and
// divided only, which every machine does alike.
//
// See Sampford (1967), Biometrika 54, 499-513.
func (p *Inclusion) Sampford(seed Seed) (Sample, error) {
	in := make([]bool, len(p.size))
	if p.drawn == 0 {
		return p.sample(in), nil
	}
	var units []int
	var first []uint64  // cumulated sizes
	var later []float64 // cumulated size / (T - n size)
	var sum uint64
	var odds float64
	for i, m := range p.size {
		if p.Certain[i] || m == 0 {
			continue
		}
		sum += uint64(m)
		odds += float64(m) / float64(p.total-uint64(p.drawn)*uint64(m))
		units, first, later = append(units, i), append(first, sum), append(later, odds)
	}
	r := seed.Source()
	picked := make([]int, 0, p.drawn)
	for range sampfordTries {
		at := searchUint(first, r.Below(p.total))
		for {
			if in[units[at]] {
				break
			}
			in[units[at]] = true
			picked = append(picked, units[at])
			if len(picked) == p.drawn {
				return p.sample(in), nil
			}
			u := float64(r.Uint64()>>11) * odds // exact up to the one rounding
			at = searchFloat(later, u/(1<<53))
		}
		for _, i := range picked {
			in[i] = false
		}
		picked = picked[:0]
	}
	return Sample{}, &RejectedError{Tries: sampfordTries}
}

// searchUint returns the first place whose cumulated size exceeds x.
func searchUint(cum []uint64, x uint64) int {
	lo, hi := 0, len(cum)-1
	for lo < hi {
		if mid := (lo + hi) / 2; cum[mid] > x {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func searchFloat(cum []float64, x float64) int {
	lo, hi := 0, len(cum)-1
	for lo < hi {
		if mid := (lo + hi) / 2; cum[mid] > x {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
