package estimate

import (
	"fmt"
	"math"
	"slices"
)

// Collector adds respondents up to cells, one after the other, so that the rows
// of a wave need never be in memory together.
type Collector struct {
	variables int
	pairs     [][2]int
	at        map[[4]int]int32
	cells     []Cell
	room      []Sums // for the Y of new cells
}

// NewCollector returns a collector for respondents with answers to the given
// number of variables. Each pair names two of them, the numerator first, for
// Tally.Ratio. It panics when the number is negative or a pair names another
// variable.
func NewCollector(variables int, pairs ...[2]int) *Collector {
	if variables < 0 {
		panic(fmt.Sprintf("estimate: %d variables", variables))
	}
	for _, p := range pairs {
		if min(p[0], p[1]) < 0 || max(p[0], p[1]) >= variables {
			panic(fmt.Sprintf("estimate: ratio of variables %d and %d of %d", p[0], p[1], variables))
		}
	}
	return &Collector{variables: variables, pairs: pairs, at: map[[4]int]int32{}}
}

// Add counts a respondent with design weight d, who answered y, NaN where an
// answer is missing; the numbers are those of Cell. What is wrong with them is
// found by NewTally. It does not keep y, and panics when y does not have a
// number per variable.
func (c *Collector) Add(stratum, psu, class, leaf int, d float64, y []float64) {
	if len(y) != c.variables {
		panic(fmt.Sprintf("estimate: %d answers to %d variables", len(y), c.variables))
	}
	key := [4]int{stratum, psu, class, leaf}
	i, known := c.at[key]
	if !known {
		i = int32(len(c.cells))
		c.at[key] = i
		if len(c.room) < c.variables {
			c.room = make([]Sums, 1024*c.variables)
		}
		c.cells = append(c.cells, Cell{Stratum: stratum, PSU: psu, Class: class, Leaf: leaf, Y: c.room[:c.variables:c.variables]})
		c.room = c.room[c.variables:]
		if len(c.pairs) > 0 {
			c.cells[i].Pairs = make([]Pair, len(c.pairs))
		}
	}
	cell := &c.cells[i]
	cell.All.Add(d, 0)
	for v, x := range y {
		if !math.IsNaN(x) {
			cell.Y[v].Add(d, x)
		}
	}
	for k, p := range c.pairs {
		if a, b := y[p[0]], y[p[1]]; !math.IsNaN(a) && !math.IsNaN(b) {
			cell.Pairs[k].Add(d, a, b)
		}
	}
}

// Cells returns the cells of everyone added, sorted by leaf, stratum, PSU and
// class, the order in which NewTally is fastest.
func (c *Collector) Cells() []Cell {
	order := orderBy(len(c.cells), 4, func(i int) [4]int {
		x := &c.cells[i]
		return [4]int{max(0, x.Leaf), max(0, x.Stratum), max(0, x.PSU+1), max(0, x.Class)}
	})
	out, y := make([]Cell, len(order)), make([]Sums, len(order)*c.variables)
	for k, i := range order {
		out[k] = c.cells[i]
		out[k].Y = y[:c.variables:c.variables]
		y = y[c.variables:]
		copy(out[k].Y, c.cells[i].Y)
		out[k].Pairs = slices.Clone(c.cells[i].Pairs)
	}
	return out
}
