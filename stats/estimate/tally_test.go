package estimate_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

// sample are random rows with everything the two doors of the package need.
type sample struct {
	stratum, psu, class, leaf []int // psu is estimate.Element or a number
	d                         []float64
	y                         [][]float64 // NaN where there is no answer
	cat                       [][]int
	margins                   []weighting.Margin
	lonely                    estimate.LonelyRule
	pairs                     [][2]int // ratios, numerator first
}

func drawSample(t *rapid.T) *sample {
	s := &sample{lonely: rapid.SampledFrom([]estimate.LonelyRule{estimate.Remove, estimate.Certainty, estimate.Adjust, estimate.Average}).Draw(t, "lonely")}
	ka, kb := rapid.IntRange(1, 4).Draw(t, "categories a"), rapid.IntRange(1, 3).Draw(t, "categories b")
	for a := range ka {
		for b := range kb {
			s.cat = append(s.cat, []int{a, b})
		}
	}
	s.y, s.pairs = make([][]float64, 3), [][2]int{{0, 1}, {2, 1}}
	psu := 0
	for h := range rapid.IntRange(1, 4).Draw(t, "strata") {
		units := rapid.IntRange(1, 4).Draw(t, "PSUs")
		if h == 0 {
			units = max(units, 2)
		}
		element := rapid.Bool().Draw(t, "element")
		for range units {
			rows := 1
			if !element || units > 1 {
				rows = rapid.IntRange(1, 12).Draw(t, "rows")
			}
			for range rows {
				id := psu
				if element {
					id = estimate.Element
				}
				s.stratum, s.psu = append(s.stratum, h), append(s.psu, id)
				s.class = append(s.class, rapid.IntRange(0, len(s.cat)-1).Draw(t, "class"))
				s.leaf = append(s.leaf, rapid.IntRange(0, 3).Draw(t, "leaf"))
				s.d = append(s.d, rapid.Float64Range(0.1, 20).Draw(t, "d"))
				for v, y := range []float64{float64(rapid.IntRange(0, 1).Draw(t, "yes")), float64(rapid.IntRange(0, 100).Draw(t, "score")), rapid.Float64Range(-5, 5).Draw(t, "y")} {
					if rapid.IntRange(0, 5).Draw(t, "missing") == 0 {
						y = math.NaN()
					}
					s.y[v] = append(s.y[v], y)
				}
			}
			psu++
		}
	}
	// Targets that some weights do meet, of categories that have respondents.
	s.margins = []weighting.Margin{{Name: "a"}, {Name: "b"}}
	for m, k := range []int{ka, kb} {
		s.margins[m].Targets = make([]float64, k)
		for i := range k {
			s.margins[m].Categories = append(s.margins[m].Categories, fmt.Sprint(i))
		}
	}
	for i, c := range s.class {
		w := s.d[i] * rapid.Float64Range(0.5, 3).Draw(t, "g")
		for m, k := range s.cat[c] {
			s.margins[m].Targets[k] += w
		}
	}
	return s
}

// cells adds the rows up, in the order given.
func (s *sample) cells(order []int) []estimate.Cell {
	at := map[[4]int]int{}
	var cells []estimate.Cell
	for _, i := range order {
		key := [4]int{s.stratum[i], s.psu[i], s.class[i], s.leaf[i]}
		k, known := at[key]
		if !known {
			k = len(cells)
			at[key] = k
			cells = append(cells, estimate.Cell{Stratum: key[0], PSU: key[1], Class: key[2], Leaf: key[3], Y: make([]estimate.Sums, len(s.y)), Pairs: make([]estimate.Pair, len(s.pairs))})
		}
		cells[k].All.Add(s.d[i], 0)
		for v := range s.y {
			if y := s.y[v][i]; !math.IsNaN(y) {
				cells[k].Y[v].Add(s.d[i], y)
			}
		}
		for p, pair := range s.pairs {
			if y, x := s.y[pair[0]][i], s.y[pair[1]][i]; !math.IsNaN(y + x) {
				cells[k].Pairs[p].Add(s.d[i], y, x)
			}
		}
	}
	return cells
}

func (s *sample) order() []int {
	order := make([]int, len(s.d))
	for i := range order {
		order[i] = i
	}
	return order
}

// design is the same sample as rows.
func (s *sample) design() (*estimate.Design, error) {
	unit := slices.Clone(s.psu)
	for i := range unit {
		if unit[i] == estimate.Element {
			unit[i] = 1000000 + i
		}
	}
	return estimate.NewDesign(estimate.Spec{Rows: len(s.d), Weight: s.d, Lonely: s.lonely,
		Stages: []estimate.Stage{{Unit: unit, Stratum: s.stratum}}})
}

func TestCellsEqualRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		design, err := s.design()
		if err != nil {
			t.Fatal(err)
		}
		tally, err := estimate.NewTally(s.cells(s.order()), len(s.y), estimate.TallyOptions{Lonely: s.lonely})
		if err != nil {
			t.Fatal(err)
		}
		compareDoors(t, s, design, tally)
		rd, _, err := design.Rake(s.class, s.cat, s.margins, weighting.Options{})
		if err != nil {
			var slow *weighting.ConvergenceError
			if errors.As(err, &slow) {
				t.Skip("margins that are hard to meet")
			}
			t.Fatal(err)
		}
		rt, _, err := tally.Rake(s.cat, s.margins, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareDoors(t, s, rd, rt)
	})
}

// compareDoors compares all means of leaf sets from rows and from cells.
func compareDoors(t *rapid.T, s *sample, d *estimate.Design, tally *estimate.Tally) {
	for set := range 16 {
		in := func(leaf int) bool { return set>>leaf&1 == 1 }
		if set == 15 {
			in = nil
		}
		compareRatios(t, s, d, tally, in)
		for v, y := range s.y {
			mask := make([]bool, len(y))
			for i := range y {
				mask[i] = !math.IsNaN(y[i]) && (in == nil || in(s.leaf[i]))
			}
			l, err := d.Mean(y, mask)
			m, err2 := tally.Mean(v, in)
			if err != nil || err2 != nil {
				if !errors.Is(err, estimate.ErrEmptyDomain) || !errors.Is(err2, estimate.ErrEmptyDomain) {
					t.Fatalf("errors %v and %v", err, err2)
				}
				continue
			}
			want := d.Estimate(l)
			if m.N != want.N || m.PSUs != want.PSUs || m.Strata != want.Strata || m.DF != want.DF || m.DesignDF != want.DesignDF {
				t.Fatalf("counts: cells %+v, rows %+v", m, want)
			}
			size := math.Abs(want.Value) + 1e-3
			same(t, "mean", m.Estimate, want.Value, 1e-10, 1e-12*size)
			same(t, "sum of weights", m.SumW, want.SumW, 1e-10, 0)
			same(t, "SE", m.SE, want.SE, 1e-10, 1e-7*size) // at 0 the root of rounding is left
			if want.SE > 1e-3*size {
				same(t, "SE", m.SE, want.SE, 1e-10, 0)
			}
			if m.VarSRS > 1e-9*size*size {
				same(t, "design effect", m.Deff, want.DeffReplace, 1e-9, 1e-7)
			}
		}
	}
}

// compareRatios does the same for ratios.
func compareRatios(t *rapid.T, s *sample, d *estimate.Design, tally *estimate.Tally, in func(leaf int) bool) {
	for p, pair := range s.pairs {
		y, x := s.y[pair[0]], s.y[pair[1]]
		mask, big := make([]bool, len(y)), 0.0
		for i := range y {
			if mask[i] = !math.IsNaN(y[i]+x[i]) && (in == nil || in(s.leaf[i])); mask[i] {
				big = max(big, math.Abs(y[i]))
			}
		}
		l, err := d.Ratio(y, x, mask)
		m, err2 := tally.Ratio(p, in)
		if err != nil || err2 != nil {
			var zero, zero2 *stats.ValueError // everybody has a score of 0
			if !(errors.Is(err, estimate.ErrEmptyDomain) && errors.Is(err2, estimate.ErrEmptyDomain) || errors.As(err, &zero) && errors.As(err2, &zero2)) {
				t.Fatalf("errors of a ratio %v and %v", err, err2)
			}
			continue
		}
		want := d.Estimate(l)
		if m.N != want.N || m.PSUs != want.PSUs || m.Strata != want.Strata || m.DF != want.DF || m.DesignDF != want.DesignDF || !math.IsNaN(m.Deff) {
			t.Fatalf("counts of a ratio: cells %+v, rows %+v", m, want)
		}
		// Next to the ratio of the largest numerator rounding is as large as it gets.
		mean, _ := d.Mean(x, mask)
		size := (big+1e-6)/math.Abs(mean.Value) + math.Abs(want.Value) // the squares of less vanish
		same(t, "ratio", m.Estimate, want.Value, 1e-10, 1e-12*size)
		same(t, "SE of a ratio", m.SE, want.SE, 1e-10, 1e-7*size)
		if want.SE > 1e-3*size {
			same(t, "SE of a ratio", m.SE, want.SE, 1e-10, 0)
		}
	}
}

func same(t *rapid.T, what string, got, want, rel, abs float64) {
	t.Helper()
	if math.IsNaN(got) && math.IsNaN(want) {
		return // a domain in lonely strata only
	}
	if !(math.Abs(got-want) <= rel*math.Abs(want)+abs) {
		t.Fatalf("%s is %.15g from cells and %.15g from rows", what, got, want)
	}
}

func TestTallyInvariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		opt := estimate.TallyOptions{Lonely: s.lonely}
		tally, err := estimate.NewTally(s.cells(s.order()), len(s.y), opt)
		if err != nil {
			t.Fatal(err)
		}
		base, err := tally.Mean(1, nil)
		if errors.Is(err, estimate.ErrEmptyDomain) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		again := func(what string, cells []estimate.Cell, abs float64) {
			other, err := estimate.NewTally(cells, len(s.y), opt)
			if err != nil {
				t.Fatal(err)
			}
			m, err := other.Mean(1, nil)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(m.Estimate-base.Estimate) > 1e-10*math.Abs(base.Estimate)+1e-10 || math.Abs(m.SE-base.SE) > 1e-9*base.SE+abs {
				t.Fatalf("%s: %v +- %v becomes %v +- %v", what, base.Estimate, base.SE, m.Estimate, m.SE)
			}
		}
		again("other order of rows", s.cells(rapid.Permutation(s.order()).Draw(t, "order")), 1e-6)
		again("other order of cells", rapid.Permutation(s.cells(s.order())).Draw(t, "cells"), 0)
		halves := s.cells(s.order()[:len(s.d)/2])
		again("cells in two parts", append(halves, s.cells(s.order()[len(s.d)/2:])...), 1e-6)
		scaled := *s
		scaled.d = slices.Clone(s.d)
		for i := range scaled.d {
			scaled.d[i] *= 37.5
		}
		again("scaled weights", scaled.cells(s.order()), 1e-6)
		named := *s
		named.stratum, named.leaf = slices.Clone(s.stratum), slices.Clone(s.leaf)
		for i := range named.stratum {
			named.stratum[i] = 9 - 2*s.stratum[i]
			named.leaf[i] = 70 - 5*s.leaf[i]
		}
		again("other numbers of strata and leaves", named.cells(s.order()), 1e-6)
	})
}

func TestTallyDoubled(t *testing.T) {
	s := &sample{cat: [][]int{{}}, y: [][]float64{{}}}
	for i := range 60 {
		s.stratum, s.psu = append(s.stratum, i%3), append(s.psu, i%15)
		s.class, s.leaf = append(s.class, 0), append(s.leaf, 0)
		s.d, s.y[0] = append(s.d, 1+float64(i%7)), append(s.y[0], float64(i*i%23))
	}
	mean := func() estimate.CellMean {
		tally, err := estimate.NewTally(s.cells(s.order()), 1, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := tally.Mean(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	once := mean()
	for i := range 60 { // the same people again, in other PSUs
		s.stratum, s.psu = append(s.stratum, s.stratum[i]), append(s.psu, 15+s.psu[i])
		s.class, s.leaf = append(s.class, 0), append(s.leaf, 0)
		s.d, s.y[0] = append(s.d, s.d[i]), append(s.y[0], s.y[0][i])
	}
	twice := mean()
	if math.Abs(once.Estimate-twice.Estimate) > 1e-12 {
		t.Errorf("mean %v becomes %v", once.Estimate, twice.Estimate)
	}
	// Every stratum has 5 PSUs, then 10: V falls by 2 and by n/(n-1).
	if want := once.Var / 2 * (10.0 / 9) / (5.0 / 4); math.Abs(twice.Var-want) > 1e-12*want {
		t.Errorf("variance %v becomes %v, want %v", once.Var, twice.Var, want)
	}
}

func TestRakedMarginHasNoError(t *testing.T) {
	for _, element := range []bool{false, true} {
		g := generatedRows(3000)
		for i := range g.w { // the answer is a category of a margin
			g.y[0][i] = float64(g.sex[i])
		}
		tally, err := estimate.NewTally(g.cells(element), 3, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cat, margins := g.margins()
		raked, _, err := tally.Rake(cat, margins, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := raked.Mean(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(m.Estimate-0.48) > 1e-12 || m.SE > 1e-9 {
			t.Errorf("share is %v +- %v, want 0.48 +- 0", m.Estimate, m.SE)
		}
	}
}

func TestTallyRefuses(t *testing.T) {
	good := func() estimate.Cell {
		c := estimate.Cell{Y: make([]estimate.Sums, 1)}
		for range 3 {
			c.All.Add(2, 0)
			c.Y[0].Add(2, 1)
		}
		return c
	}
	make2 := func(change func(c []estimate.Cell)) error {
		cells := []estimate.Cell{good(), good(), good()}
		cells[1].PSU, cells[2].PSU = 1, 2
		change(cells)
		_, err := estimate.NewTally(cells, 1, estimate.TallyOptions{Strata: []string{"North", "South"}})
		return err
	}
	if err := make2(func([]estimate.Cell) {}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(c []estimate.Cell)
		want   string
	}{
		"a NaN is named":               {func(c []estimate.Cell) { c[1].Y[0].DY = math.NaN() }, "stats: cell: variable 0: DY of row 1 is not finite (NaN)"},
		"an infinity is named":         {func(c []estimate.Cell) { c[2].All.D = math.Inf(1) }, "stats: cell: D of row 2 is not finite (+Inf)"},
		"a negative sum is named":      {func(c []estimate.Cell) { c[0].All.DD = -1 }, "stats: cell: DD of row 0 is negative (-1)"},
		"more answers than people":     {func(c []estimate.Cell) { c[0].Y[0].N = 4 }, "stats: cell: variable 0: D^2"},
		"weight without people":        {func(c []estimate.Cell) { c[0].All = estimate.Sums{D: 3, DD: 3} }, "stats: cell: D of row 0 is not 0 although nobody is in the cell (3)"},
		"squares too small":            {func(c []estimate.Cell) { c[0].All.DD = 3 }, "stats: cell: DD of row 0 is smaller than D^2/N (3)"},
		"a PSU in two strata is named": {func(c []estimate.Cell) { c[1].Stratum, c[2].Stratum, c[2].PSU = 1, 1, 0 }, "estimate: stage 1, stratum South: PSU 0 is also in stratum North"},
		"a mixed stratum is named":     {func(c []estimate.Cell) { c[0].PSU = estimate.Element }, "estimate: stage 1, stratum North: some respondents are their own PSU and others belong to a numbered one"},
		"a lonely PSU is named":        {func(c []estimate.Cell) { c[2].Stratum = 1 }, "estimate: only one unit at stage 1 in stratum South"},
	} {
		t.Run(name, func(t *testing.T) {
			err := make2(c.change)
			if err == nil {
				t.Fatal("no error")
			}
			if name == "more answers than people" {
				var fault *stats.ValueError
				if !errors.As(err, &fault) || fault.Row != 0 {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err.Error() != c.want {
				t.Errorf("error is %q, want %q", err, c.want)
			}
		})
	}
}

func TestTallyOfNobody(t *testing.T) {
	tally, err := estimate.NewTally(nil, 2, estimate.TallyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tally.Mean(1, nil); !errors.Is(err, estimate.ErrEmptyDomain) {
		t.Errorf("error is %v", err)
	}
	_, _, err = tally.Rake(nil, nil, weighting.Options{})
	var empty *weighting.EmptySampleError
	if !errors.As(err, &empty) {
		t.Errorf("error of raking is %v", err)
	}
}

func TestSilentPSUCounts(t *testing.T) {
	cell := func(psu int, y float64) estimate.Cell {
		c := estimate.Cell{PSU: psu, Y: make([]estimate.Sums, 1)}
		c.All.Add(1, 0)
		c.Y[0].Add(1, y)
		return c
	}
	cells := []estimate.Cell{cell(0, 0), cell(1, 1), {PSU: 2, Y: make([]estimate.Sums, 1)}}
	m := map[int]estimate.CellMean{}
	for n := 2; n <= 3; n++ {
		tally, err := estimate.NewTally(cells[:n], 1, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m[n], _ = tally.Mean(0, nil)
	}
	if m[2].DesignDF != 1 || m[3].DesignDF != 1 || m[3].PSUs != 2 {
		t.Errorf("degrees of freedom %d and %d", m[2].DesignDF, m[3].DesignDF)
	}
	if want := m[2].Var * (3.0 / 2) / (2.0 / 1); math.Abs(m[3].Var-want) > 1e-15 {
		t.Errorf("variance %v becomes %v, want %v", m[2].Var, m[3].Var, want)
	}
}

func BenchmarkTally(b *testing.B) {
	for _, rows := range []int{4000, 100000} {
		for _, element := range []bool{false, true} {
			g := generatedRows(rows)
			cells := g.cells(element)
			for i := range cells { // four variables
				cells[i].Y = append(cells[i].Y, cells[i].Y[0])
			}
			cat, margins := g.margins()
			b.Run(fmt.Sprintf("cells=%d/element=%v", len(cells), element), func(b *testing.B) {
				for b.Loop() {
					tally, err := estimate.NewTally(cells, 4, estimate.TallyOptions{})
					if err != nil {
						b.Fatal(err)
					}
					if tally, _, err = tally.Rake(cat, margins, weighting.Options{}); err != nil {
						b.Fatal(err)
					}
					for domain := range 130 { // 1 district, 9 subdistricts, 120 communities
						for v := range 4 {
							if _, err := tally.Mean(v, func(leaf int) bool {
								return domain == 0 || domain < 10 && leaf%9 == domain-1 || leaf == domain-10
							}); err != nil && !errors.Is(err, estimate.ErrEmptyDomain) {
								b.Fatal(err)
							}
						}
					}
				}
			})
		}
	}
}
