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
	cells     []entry // sorted by leaf, stratum, PSU, class
	leaves    []leaf  // in order of their number
	strata    []stratum
	psus      int // numbered ones
	df        int // of the whole design
	classes   int // one more than the largest class
	rake      *raked
}

// entry is a cell ready for use: PSU and stratum are renumbered without gaps,
// values are centred.
type entry struct {
	stratum, psu, class int
	all                 Sums
	y                   []centred
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
// of variables is the length of every Cell.Y; strata and PSUs are those that
// occur in a cell.
//
// It panics on a cell with another number of variables or a negative number.
// It returns a *stats.ValueError naming cell and sum when one is negative or
// not finite or contradicts another, a *DesignError when a PSU lies in two
// strata or a stratum mixes Element with numbered PSUs, and a *LonelyError
// when strata have a single PSU and opt.Lonely is Fail, or is Average and no
// stratum has more. No cells are a tally
// whose every domain is empty.
func NewTally(cells []Cell, variables int, opt TallyOptions) (*Tally, error) {
	t := &Tally{variables: variables, opt: opt}
	order := make([]int, len(cells))
	for i, c := range cells {
		if len(c.Y) != variables {
			panic(fmt.Sprintf("estimate: cell %d has %d variables instead of %d", i, len(c.Y), variables))
		}
		if c.Stratum < 0 || c.PSU < Element || c.Class < 0 || c.Leaf < 0 {
			panic(fmt.Sprintf("estimate: cell %d has a negative number", i))
		}
		if err := checkCell(i, c); err != nil {
			return nil, err
		}
		order[i] = i
		t.classes = max(t.classes, c.Class+1)
	}
	key := func(c Cell) [4]int { return [4]int{c.Leaf, c.Stratum, c.PSU, c.Class} }
	slices.SortStableFunc(order, func(a, b int) int {
		ka, kb := key(cells[a]), key(cells[b])
		return slices.Compare(ka[:], kb[:])
	})
	number, err := t.design(cells)
	if err != nil {
		return nil, err
	}
	for from := 0; from < len(order); {
		first := cells[order[from]]
		to := from + 1
		for to < len(order) && key(cells[order[to]]) == key(first) {
			to++
		}
		e := entry{class: first.Class, y: make([]centred, variables)}
		e.stratum, e.psu = number(first)
		sums := make([]Sums, variables)
		for _, i := range order[from:to] {
			e.all.plus(cells[i].All)
			for v := range sums {
				sums[v].plus(cells[i].Y[v])
			}
		}
		for v := range sums {
			e.y[v] = centre(sums[v])
		}
		if k := len(t.leaves) - 1; k < 0 || t.leaves[k].number != first.Leaf {
			t.leaves = append(t.leaves, leaf{first.Leaf, len(t.cells), len(t.cells)})
		}
		t.cells = append(t.cells, e)
		t.leaves[len(t.leaves)-1].to = len(t.cells)
		from = to
	}
	return t, nil
}

// plus adds the sums of o, none when nobody is in it.
func (s *Sums) plus(o Sums) {
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
func centre(s Sums) centred {
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
func checkCell(i int, c Cell) error {
	if err := checkSums(i, "", c.All, true); err != nil {
		return err
	}
	for v, y := range c.Y {
		name := fmt.Sprintf("variable %d: ", v)
		if err := checkSums(i, name, y, false); err != nil {
			return err
		}
		const slack = 1 + 1e-9
		if y.N > c.All.N {
			return &stats.ValueError{What: "cell: " + name + "N", Row: i, Value: y.N, Why: "is larger than the N of everyone"}
		}
		if y.N > 0 && (y.D > c.All.D*slack || y.DD > c.All.DD*slack) {
			return &stats.ValueError{What: "cell: " + name + "D", Row: i, Value: y.D, Why: "is larger than the D of everyone"}
		}
	}
	return nil
}

func checkSums(i int, name string, s Sums, all bool) error {
	fault := func(field string, v float64, why string) error {
		return &stats.ValueError{What: "cell: " + name + field, Row: i, Value: v, Why: why}
	}
	type sum struct {
		field  string
		v      float64
		signed bool
	}
	list := []sum{{"N", s.N, false}, {"D", s.D, false}, {"DD", s.DD, false},
		{"DYY", s.DYY, false}, {"DDYY", s.DDYY, false}, {"DY", s.DY, true}, {"DDY", s.DDY, true}}
	if all {
		list = list[:3]
	}
	for _, x := range list {
		if !stats.IsFinite(x.v) {
			return fault(x.field, x.v, "is not finite")
		}
		if s.N > 0 && !x.signed && x.v < 0 || x.field == "N" && x.v < 0 {
			return fault(x.field, x.v, "is negative")
		}
	}
	switch {
	case s.N != math.Trunc(s.N):
		return fault("N", s.N, "is not a whole number")
	case s.N == 0 && math.Abs(s.D) > residue:
		return fault("D", s.D, "is not 0 although nobody is in the cell")
	case s.N > 0 && (s.D == 0) != (s.DD == 0):
		return fault("DD", s.DD, "does not go with D")
	case s.N > 0 && s.D*s.D > s.N*s.DD*(1+1e-9):
		return fault("DD", s.DD, "is smaller than D^2/N")
	}
	return nil
}

// design reads strata and PSUs off the cells and returns a function that gives
// the new numbers of a cell's stratum and PSU.
func (t *Tally) design(cells []Cell) (func(Cell) (int, int), error) {
	psu := make([]Cell, 0, len(cells)) // a cell per PSU, and Element cells
	for _, c := range cells {
		psu = append(psu, Cell{Stratum: c.Stratum, PSU: c.PSU, All: c.All})
	}
	slices.SortStableFunc(psu, func(a, b Cell) int {
		if a.Stratum != b.Stratum {
			return a.Stratum - b.Stratum
		}
		return a.PSU - b.PSU
	})
	strata, units := map[int]int{}, map[int]int{}
	home := map[int]int{}
	for i, c := range psu {
		same := i > 0 && psu[i-1].Stratum == c.Stratum
		if !same {
			strata[c.Stratum] = len(t.strata)
			t.strata = append(t.strata, stratum{name: t.name(c.Stratum), element: c.PSU == Element, from: t.psus, to: t.psus})
		}
		h := &t.strata[len(t.strata)-1]
		if (c.PSU == Element) != h.element {
			return nil, &DesignError{Stage: 1, Stratum: h.name, Why: "some respondents are their own PSU and others belong to a numbered one"}
		}
		if h.element {
			h.n += c.All.N
			continue
		}
		if other, known := home[c.PSU]; known && other != c.Stratum {
			return nil, &DesignError{Stage: 1, Stratum: h.name, Why: fmt.Sprintf("PSU %d is also in stratum %s", c.PSU, t.name(other))}
		}
		if _, known := units[c.PSU]; !known {
			home[c.PSU], units[c.PSU] = c.Stratum, t.psus
			t.psus++
			h.n++
			h.to = t.psus
		}
	}
	t.countDF(psu)
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
	return func(c Cell) (int, int) {
		if c.PSU == Element {
			return strata[c.Stratum], Element
		}
		return strata[c.Stratum], units[c.PSU]
	}, nil
}

// countDF sets the degrees of freedom of the whole design: PSUs with weight
// less strata with weight. The cells are sorted by stratum and PSU.
func (t *Tally) countDF(cells []Cell) {
	t.df = 0
	lastStratum, lastPSU := -1, -1
	for _, c := range cells {
		if !(c.All.N > 0 && c.All.D > 0) {
			continue
		}
		if c.Stratum != lastStratum {
			t.df--
			lastStratum, lastPSU = c.Stratum, -1
		}
		switch {
		case c.PSU == Element:
			t.df += int(math.Round(c.All.N))
		case c.PSU != lastPSU:
			t.df++
			lastPSU = c.PSU
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

// g returns the factor of a class, 1 before Rake.
func (t *Tally) g(class int) float64 {
	if t.rake == nil {
		return 1
	}
	return t.rake.g[class]
}

// Weights describes the weights of everyone in the weighting base.
func (t *Tally) Weights() WeightSummary {
	var s WeightSummary
	for _, c := range t.cells {
		g := t.g(c.class)
		s.N += int(math.Round(c.all.N))
		s.Sum += g * c.all.D
		s.SumSq += g * g * c.all.DD
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
