package weighting

import (
	"cmp"
	"slices"

	"chengyin/stats"
)

// ResponseCell is a group of cases of which only some answered. Which cases are in
// a cell must be known of all of them, such as where they live.
type ResponseCell struct {
	Path     []string // the groups that hold it, the widest first: the district, the subdistrict
	N        int      // cases that answered
	Eligible float64  // \sum d of all cases that should have answered, known or estimated
	Answered float64  // \sum d of those that did
}

// ResponseOptions say when a cell can stand on its own. The zero value is the
// recommended choice.
type ResponseOptions struct {
	Fewest int     // answers that a class has at least; 0 is 5
	Most   float64 // its largest factor; 0 is 3
}

// ResponseClass are cells that are adjusted together.
type ResponseClass struct {
	Cells    []int // by number, ascending
	N        int
	Eligible float64
	Answered float64
	Factor   float64 // Eligible / Answered; 1 when nobody answered
}

// NonResponse adjusts for cases that did not answer, by weighting classes: in
// class c those that answered stand for all,
//
//	f_c = \sum_{c, should} d / \sum_{c, answered} d
//
// so that the adjusted weights f d of those that answered add up to the weights
// of all that should have. It removes the bias of non-response to the extent that
// within a class answering has nothing to do with the answers.
//
// A cell with fewer than Fewest answers, or a factor above Most, is joined with a
// neighbour in the same innermost group: the cell before or after it in the order
// given, whichever has fewer answers, and the one before when they have as many.
// When a group has become one class and that still cannot stand, the search goes on
// in the next wider group, and at last among all cells. Then the factor is what
// it is. A factor below 1 occurs where Eligible is an estimate.
//
// It returns one class for every set of joined cells, by their first; cells in
// which nobody should have answered and nobody did are in none. It panics when the
// paths differ in length and returns a *stats.ValueError for numbers that cannot
// be.
//
// See Lohr (2021), Sampling, 3rd ed., 8.5.1; Valliant, Dever & Kreuter (2018),
// Practical Tools for Designing and Weighting Survey Samples, 2nd ed., 13.5.
func NonResponse(cells []ResponseCell, opt ResponseOptions) ([]ResponseClass, error) {
	if opt.Fewest <= 0 {
		opt.Fewest = 5
	}
	if !(opt.Most > 0) {
		opt.Most = 3
	}
	depth := 0
	var classes []ResponseClass
	for i, c := range cells {
		if i == 0 {
			depth = len(c.Path)
		}
		if len(c.Path) != depth {
			panic("weighting: cells with paths of different length")
		}
		if err := checkResponse(i, c); err != nil {
			return nil, err
		}
		if c.N == 0 && c.Eligible == 0 {
			continue
		}
		classes = append(classes, ResponseClass{Cells: []int{i}, N: c.N, Eligible: c.Eligible, Answered: c.Answered})
	}
	stands := func(c ResponseClass) bool {
		return c.N >= opt.Fewest && c.Eligible <= opt.Most*c.Answered
	}
	for ; depth >= 0; depth-- {
		for at := 0; at < len(classes); {
			if stands(classes[at]) {
				at++
				continue
			}
			path := cells[classes[at].Cells[0]].Path[:depth]
			to := neighbour(classes, at, func(c ResponseClass) bool { return slices.Equal(cells[c.Cells[0]].Path[:depth], path) })
			if to < 0 {
				at++
				continue
			}
			into, from := min(at, to), max(at, to)
			a, b := &classes[into], classes[from]
			a.Cells = append(a.Cells, b.Cells...)
			slices.Sort(a.Cells)
			a.N, a.Eligible, a.Answered = a.N+b.N, a.Eligible+b.Eligible, a.Answered+b.Answered
			classes = slices.Delete(classes, from, from+1)
			at = into
		}
	}
	for i := range classes {
		c := &classes[i]
		c.Factor = 1
		if c.N > 0 {
			c.Factor = c.Eligible / c.Answered
		}
	}
	slices.SortFunc(classes, func(a, b ResponseClass) int { return cmp.Compare(a.Cells[0], b.Cells[0]) })
	return classes, nil
}

// neighbour returns the class beside the one at a place, among those of its group,
// or -1.
func neighbour(classes []ResponseClass, at int, same func(ResponseClass) bool) int {
	before, after := -1, -1
	for i := at - 1; i >= 0 && before < 0; i-- {
		if same(classes[i]) {
			before = i
		}
	}
	for i := at + 1; i < len(classes) && after < 0; i++ {
		if same(classes[i]) {
			after = i
		}
	}
	if before < 0 || after >= 0 && classes[after].N < classes[before].N {
		return after
	}
	return before
}

func checkResponse(i int, c ResponseCell) error {
	wrong := func(what string, v float64, why string) error {
		return &stats.ValueError{What: "response cell: " + what, Row: i, Value: v, Why: why}
	}
	switch {
	case c.N < 0:
		return wrong("answers", float64(c.N), "is negative")
	case !(c.Eligible >= 0) || !stats.IsFinite(c.Eligible):
		return wrong("weight of all", c.Eligible, "is negative or not finite")
	case !(c.Answered >= 0) || !stats.IsFinite(c.Answered):
		return wrong("weight of those that answered", c.Answered, "is negative or not finite")
	case (c.N == 0) != (c.Answered == 0):
		return wrong("weight of those that answered", c.Answered, "does not go with their number")
	}
	return nil
}
