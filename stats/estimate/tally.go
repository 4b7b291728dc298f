package estimate

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"chengyin/stats"
)

// Sums are sums over the respondents of a cell, with d the design weight and y
// the value of a variable. In Cell.All, which has no variable, the sums with Y
// are not read.
type Sums struct {
	N    float64 // \sum 1
	D    float64 // \sum d
	DD   float64 // \sum d^2
	DY   float64 // \sum d y
	DYY  float64 // \sum d y^2
	DDY  float64 // \sum d^2 y
	DDYY float64 // \sum d^2 y^2
}

// Add puts one respondent with design weight d and value y into the sums.
func (s *Sums) Add(d, y float64) {
	s.N++
	s.D += d
	s.DD += d * d
	s.DY += d * y
	s.DYY += d * y * y
	s.DDY += d * d * y
	s.DDYY += d * d * y * y
}

// Element as Cell.PSU says that every respondent of the cell was drawn on his
// own and is his own PSU.
const Element = -1

// Cell holds the sums of respondents that share stratum, PSU, weighting class
// and leaf. Several cells may have the same four; they are added up. A cell
// with All.N = 0 and a numbered PSU says that the PSU was drawn and nobody in
// it answered: it counts in the variance and not in the degrees of freedom.
type Cell struct {
	Stratum int    // 0-based
	PSU     int    // 0-based within the whole tally (unique over strata), or Element
	Class   int    // weighting class: index into the class table
	Leaf    int    // finest domain (community), 0-based
	All     Sums   // N, D, DD of everyone in the weighting base (calibration uses these)
	Y       []Sums // one per variable: the respondents with an answer to it
	Pairs   []Pair // one per ratio: the respondents with an answer to both variables
}

// TallyOptions describe what the cells cannot say themselves.
type TallyOptions struct {
	Lonely LonelyRule
	Strata []string // names of the strata for messages; nil: their numbers
}

// residue is what adding and taking away weights may leave in the sums of a
// cell that has become empty.
const residue = 1e-6

// rounding is the share of a sum of squares below which what is left of it
// after subtraction cannot be told from rounding, and is taken as 0.
const rounding = 1e-13

// Tally estimates means from cells. It is read-only once made, so any number
// of goroutines may use it.
type Tally struct {
	variables int
	opt       TallyOptions
	cells     []entry     // sorted by leaf, stratum, PSU, class
	y         [][]centred // per variable and cell
	pairs     [][]centredPair
	leaves    []leaf // in order of their number
	strata    []stratum
	psus      int // numbered ones
	df        int // of the whole design
	classes   int // one more than the largest class
	rake      *raked
}

// entry is a cell ready for use: PSU and stratum are renumbered without gaps.
type entry struct {
	stratum, psu, class int32
	n, d, dd            float64 // of everyone
}

// centred are sums of a variable about the mean of the cell, which keeps the
// digits that differences of raw sums lose.
type centred struct {
	n, d, dd float64
	mean, my float64 // \sum d y / \sum d, \sum d^2 y / \sum d^2
	ss, ddss float64 // \sum d (y-mean)^2, \sum d^2 (y-my)^2
}

type leaf struct{ number, from, to int } // cells[from:to]

type stratum struct {
	name     string
	element  bool
	from, to int     // numbered PSUs [from, to)
	n        float64 // n_h: PSUs of the whole design
}

// NewTally checks the cells and adds up those that belong together. The number
// of variables is the length of every Cell.Y, the number of pairs that of every
// Cell.Pairs; strata and PSUs are those that occur in a cell.
//
// It panics on a cell with another number of variables or pairs or a negative
// number.
// It returns a *stats.ValueError naming cell and sum when one is negative or
// not finite or contradicts another, a *DesignError when a PSU lies in two
// strata or a stratum mixes Element with numbered PSUs, and a *LonelyError
// when strata have a single PSU and opt.Lonely is Fail, or is Average and no
// stratum has more. No cells are a tally
// whose every domain is empty.
func NewTally(cells []Cell, variables int, opt TallyOptions) (*Tally, error) {
	t := &Tally{variables: variables, opt: opt, y: make([][]centred, variables)}
	keys := make([]cellKey, len(cells))
	if len(cells) > 0 {
		t.pairs = make([][]centredPair, len(cells[0].Pairs))
	}
	err := inParts(len(cells), func(from, to int) error {
		for i := from; i < to; i++ {
			c := &cells[i]
			if len(c.Y) != variables {
				panic(fmt.Sprintf("estimate: cell %d has %d variables instead of %d", i, len(c.Y), variables))
			}
			if len(c.Pairs) != len(t.pairs) {
				panic(fmt.Sprintf("estimate: cell %d has %d pairs instead of %d", i, len(c.Pairs), len(t.pairs)))
			}
			if c.Stratum < 0 || c.PSU < Element || c.Class < 0 || c.Leaf < 0 {
				panic(fmt.Sprintf("estimate: cell %d has a negative number", i))
			}
			if err := checkCell(i, c); err != nil {
				return err
			}
			keys[i] = cellKey{c.Leaf, c.Stratum, c.PSU, c.Class}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	place, err := t.design(cells, keys)
	if err != nil {
		return nil, err
	}
	order := orderBy(len(cells), 4, func(i int) [4]int { k := &keys[i]; return [4]int{k.leaf, k.stratum, k.psu + 1, k.class} })
	first := make([]int32, 0, len(order)+1) // where in order each cell of the tally begins
	for at, i := range order {
		if at == 0 || keys[i] != keys[order[at-1]] {
			first = append(first, int32(at))
			if k := len(t.leaves) - 1; k < 0 || t.leaves[k].number != keys[i].leaf {
				t.leaves = append(t.leaves, leaf{keys[i].leaf, len(first) - 1, 0})
			}
			t.leaves[len(t.leaves)-1].to = len(first)
			t.classes = max(t.classes, keys[i].class+1)
		}
	}
	n := len(first)
	first = append(first, int32(len(order)))
	t.cells = make([]entry, n)
	for v := range t.y {
		t.y[v] = make([]centred, n)
	}
	for p := range t.pairs {
		t.pairs[p] = make([]centredPair, n)
	}
	return t, inParts(n, func(from, to int) error {
		for k := from; k < to; k++ {
			t.merge(k, cells, order[first[k]:first[k+1]], place, &keys[order[first[k]]])
		}
		return nil
	})
}

// cellKey are the numbers of a cell.
type cellKey struct{ leaf, stratum, psu, class int }

// merge makes cell k of the tally from the cells that belong together.
func (t *Tally) merge(k int, cells []Cell, same []int32, place []place, key *cellKey) {
	at := place[same[0]]
	one := &cells[same[0]]
	for p := range t.pairs {
		var sum Pair
		for _, i := range same {
			sum.plus(&cells[i].Pairs[p])
		}
		t.pairs[p][k] = centrePair(&sum)
	}
	if len(same) == 1 && one.All.N > 0 {
		t.cells[k] = entry{stratum: at.stratum, psu: at.psu, class: int32(key.class), n: one.All.N, d: one.All.D, dd: one.All.DD}
		for v := range t.y {
			if one.Y[v].N > 0 {
				t.y[v][k] = centre(&one.Y[v])
			}
		}
		return
	}
	var all Sums
	for _, i := range same {
		all.plus(&cells[i].All)
	}
	t.cells[k] = entry{stratum: at.stratum, psu: at.psu, class: int32(key.class), n: all.N, d: all.D, dd: all.DD}
	for v := range t.y {
		var y Sums
		for _, i := range same {
			y.plus(&cells[i].Y[v])
		}
		t.y[v][k] = centre(&y)
	}
}

// plus adds the sums of o, none when nobody is in it.
func (s *Sums) plus(o *Sums) {
	if o.N == 0 {
		return
	}
	s.N += o.N
	s.D += o.D
	s.DD += o.DD
	s.DY += o.DY
	s.DYY += o.DYY
	s.DDY += o.DDY
	s.DDYY += o.DDYY
}

// centre moves the sums of a variable to the mean of the cell. Spread that
// cannot be told from the rounding of the sums is none.
func centre(s *Sums) centred {
	c := centred{n: s.N, d: s.D, dd: s.DD}
	if s.D > 0 && s.DD > 0 {
		c.mean, c.my = s.DY/s.D, s.DDY/s.DD
		c.ss, c.ddss = s.DYY-s.DY*c.mean, s.DDYY-s.DDY*c.my
	}
	if c.ss <= rounding*s.DYY {
		c.ss = 0
	}
	if c.ddss <= rounding*s.DDYY {
		c.ddss = 0
	}
	return c
}

// checkCell returns an error when the sums of a cell cannot be sums of anything.
func checkCell(i int, c *Cell) error {
	if err := checkSums(i, everyone, &c.All); err != nil {
		return err
	}
	for v := range c.Y {
		y := &c.Y[v]
		if err := checkSums(i, v, y); err != nil {
			return err
		}
		const slack = 1 + 1e-9
		if y.N > c.All.N {
			return sumError(i, v, "N", y.N, "is larger than the N of everyone")
		}
		if y.N > 0 && (y.D > c.All.D*slack || y.DD > c.All.DD*slack) {
			return sumError(i, v, "D", y.D, "is larger than the D of everyone")
		}
	}
	return checkPairs(i, c)
}

// everyone stands for the sums without a variable.
const everyone = -1

func sumError(i, variable int, field string, v float64, why string) error {
	if variable != everyone {
		field = fmt.Sprintf("variable %d: %s", variable, field)
	}
	return &stats.ValueError{What: "cell: " + field, Row: i, Value: v, Why: why}
}

func checkSums(i, variable int, s *Sums) error {
	// The usual case, in a hurry: what is not finite makes the total so.
	total := s.N + s.D + s.DD
	low := min(s.N, s.D, s.DD)
	if variable != everyone {
		total += s.DYY + s.DDYY + math.Abs(s.DY) + math.Abs(s.DDY)
		low = min(low, s.DYY, s.DDYY)
	}
	if low >= 0 && s.N > 0 && s.D > 0 && s.DD > 0 && total < math.MaxFloat64 && s.N == math.Trunc(s.N) && s.D*s.D <= s.N*s.DD*(1+1e-9) {
		return nil
	}
	fields := [...]string{"N", "D", "DD", "DYY", "DDYY", "DY", "DDY"}
	sums := [...]float64{s.N, s.D, s.DD, s.DYY, s.DDYY, s.DY, s.DDY}
	n := len(sums)
	if variable == everyone {
		n = 3
	}
	for j, v := range sums[:n] {
		switch {
		case !stats.IsFinite(v):
			return sumError(i, variable, fields[j], v, "is not finite")
		case v < 0 && (s.N > 0 && j < 5 || j == 0):
			return sumError(i, variable, fields[j], v, "is negative")
		}
	}
	switch {
	case s.N != math.Trunc(s.N):
		return sumError(i, variable, "N", s.N, "is not a whole number")
	case s.N == 0 && math.Abs(s.D) > residue:
		return sumError(i, variable, "D", s.D, "is not 0 although nobody is in the cell")
	case s.N > 0 && (s.D == 0) != (s.DD == 0):
		return sumError(i, variable, "DD", s.DD, "does not go with D")
	case s.N > 0 && s.D*s.D > s.N*s.DD*(1+1e-9):
		return sumError(i, variable, "DD", s.DD, "is smaller than D^2/N")
	}
	return nil
}

// place is where a cell lies: its stratum and PSU, renumbered.
type place struct{ stratum, psu int32 }

// design reads strata and PSUs off the cells and returns the place of each.
func (t *Tally) design(cells []Cell, keys []cellKey) ([]place, error) {
	order := orderBy(len(cells), 2, func(i int) [4]int { return [4]int{keys[i].stratum, keys[i].psu + 1} })
	places := make([]place, len(cells))
	home := map[int]int{} // stratum of each PSU
	var last *cellKey
	for _, i := range order {
		c := &keys[i]
		if last == nil || last.stratum != c.stratum {
			t.strata = append(t.strata, stratum{name: t.name(c.stratum), element: c.psu == Element, from: t.psus, to: t.psus})
		}
		h := &t.strata[len(t.strata)-1]
		if (c.psu == Element) != h.element {
			return nil, &DesignError{Stage: 1, Stratum: h.name, Why: "some respondents are their own PSU and others belong to a numbered one"}
		}
		if h.element {
			h.n += cells[i].All.N
			places[i] = place{int32(len(t.strata) - 1), Element}
			last = c
			continue
		}
		if last == nil || last.stratum != c.stratum || last.psu != c.psu {
			if other, known := home[c.psu]; known {
				return nil, &DesignError{Stage: 1, Stratum: h.name, Why: fmt.Sprintf("PSU %d is also in stratum %s", c.psu, t.name(other))}
			}
			home[c.psu] = c.stratum
			t.psus++
			h.n++
			h.to = t.psus
		}
		places[i] = place{int32(len(t.strata) - 1), int32(t.psus - 1)}
		last = c
	}
	t.countDF(cells, keys, order)
	var lonely []string
	usable := 0
	for _, h := range t.strata {
		switch {
		case h.n == 1:
			lonely = append(lonely, h.name)
		case h.n > 1:
			usable++
		}
	}
	if lonely != nil && (t.opt.Lonely == Fail || t.opt.Lonely == Average && usable == 0) {
		return nil, &LonelyError{Stage: 1, Strata: lonely}
	}
	return places, nil
}

// countDF sets the degrees of freedom of the whole design: PSUs with weight
// less strata with weight. The order is by stratum and PSU.
func (t *Tally) countDF(cells []Cell, keys []cellKey, order []int32) {
	t.df = 0
	lastStratum, lastPSU := -1, -1
	for _, i := range order {
		k, all := &keys[i], &cells[i].All
		if !(all.N > 0 && all.D > 0) {
			continue
		}
		if k.stratum != lastStratum {
			t.df--
			lastStratum, lastPSU = k.stratum, -1
		}
		switch {
		case k.psu == Element:
			t.df += int(math.Round(all.N))
		case k.psu != lastPSU:
			t.df++
			lastPSU = k.psu
		}
	}
}

func (t *Tally) name(stratum int) string {
	if stratum < len(t.opt.Strata) {
		return t.opt.Strata[stratum]
	}
	return strconv.Itoa(stratum)
}

// Factor returns the calibration factor g of each class (nil before Rake).
func (t *Tally) Factor() []float64 {
	if t.rake == nil {
		return nil
	}
	return slices.Clone(t.rake.g)
}

// g returns the factor of a cell, 1 before Rake.
func (t *Tally) g(cell int) float64 {
	if t.rake == nil {
		return 1
	}
	return t.rake.of[cell]
}

// Weights describes the weights of everyone in the weighting base.
func (t *Tally) Weights() WeightSummary {
	var s WeightSummary
	for i := range t.cells {
		c, g := &t.cells[i], t.g(i)
		s.N += int(math.Round(c.n))
		s.Sum += g * c.d
		s.SumSq += g * g * c.dd
	}
	if s.SumSq > 0 {
		s.KishNeff = s.Sum * s.Sum / s.SumSq
		s.KishDeff = float64(s.N) / s.KishNeff
	}
	return s
}

// WeightSummary is what a set of weights amounts to.
type WeightSummary struct {
	N          int     // respondents
	Sum, SumSq float64 // \sum w, \sum w^2
	KishNeff   float64 // Kish's effective size, 0 when nobody has weight
	KishDeff   float64 // N / KishNeff, 0 when nobody has weight
}
