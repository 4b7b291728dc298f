package estimate_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// TestMeansByIsMean to the last digit, with and without raking, for numbered
// PSUs and for respondents who are their own, with missing answers.
func TestMeansByIsMean(t *testing.T) {
	g := generatedRows(30000)
	src := rand.New(rand.NewPCG(9, 9))
	for _, element := range []bool{false, true} {
		c := estimate.NewCollector(3)
		for i, w := range g.w {
			psu := g.psu[i]
			if element && g.subdistrict[i] > 3 {
				psu = estimate.Element
			}
			y := []float64{g.y[0][i], g.y[1][i], g.y[2][i]}
			if g.community[i] == 7 || src.Float64() < 0.05 {
				y[1] = math.NaN()
			}
			c.Add(g.subdistrict[i], psu, g.class(i), g.community[i], w, y)
		}
		tally, err := estimate.NewTally(c.Cells(), 3, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cat, margins := g.margins()
		raked, _, err := tally.Rake(cat, margins, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		group := func(leaf int) int { return leaf%31 - 1 } // every 31st in none
		for _, tally := range []*estimate.Tally{tally, raked} {
			by := tally.MeansBy(120, func(leaf int) int { return leaf })
			joined := tally.MeansBy(30, group)
			for v := range 3 {
				for i := range 120 {
					want, err := tally.Mean(v, func(leaf int) bool { return leaf == i })
					if errors.Is(err, estimate.ErrEmptyDomain) {
						if got := by[v][i]; got.N != 0 || !math.IsNaN(got.Estimate) {
							t.Errorf("an empty domain is %+v", got)
						}
						continue
					}
					if err != nil || by[v][i] != want {
						t.Fatalf("variable %d of community %d: %+v, want %+v (%v)", v, i, by[v][i], want, err)
					}
				}
				for i := range 30 {
					want, err := tally.Mean(v, func(leaf int) bool { return group(leaf) == i })
					if err != nil || joined[v][i] != want {
						t.Fatalf("variable %d of group %d: %+v, want %+v (%v)", v, i, joined[v][i], want, err)
					}
				}
			}
		}
	}
}

// TestCollectorDoesNotCare about the order of respondents, and large numbers are
// sorted as small ones are.
func TestCollectorDoesNotCare(t *testing.T) {
	g := generatedRows(5000)
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(g.w))
	collect := func(order []int, far int) []estimate.Cell {
		c := estimate.NewCollector(1)
		for _, i := range order {
			c.Add(g.subdistrict[i]+far, g.psu[i]+far, g.class(i), g.community[i]+far, 1, []float64{g.y[0][i]})
		}
		return c.Cells()
	}
	a, b := collect(sequence(len(g.w)), 0), collect(order, 0)
	c := collect(order, math.MaxInt32*1000)
	same := func(a, b estimate.Cell) bool {
		return a.Class == b.Class && a.All == b.All && slices.Equal(a.Y, b.Y)
	}
	if !slices.EqualFunc(a, b, same) || !slices.EqualFunc(a, c, same) {
		t.Error("cells differ")
	}
	for _, cells := range [][]estimate.Cell{b, c} {
		tally, err := estimate.NewTally(cells, 1, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := tally.Mean(0, nil)
		if err != nil || m.N != len(g.w) || m.DF != m.PSUs-8 {
			t.Errorf("%+v, error %v", m, err)
		}
	}
}

func TestCollectorRefusesLater(t *testing.T) {
	for name, d := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(1), "negative": -1} {
		c := estimate.NewCollector(1)
		c.Add(0, 1, 0, 0, 1, []float64{1})
		c.Add(0, 2, 0, 0, d, []float64{1})
		if _, err := estimate.NewTally(c.Cells(), 1, estimate.TallyOptions{}); err == nil {
			t.Errorf("a weight that is %s is taken", name)
		}
	}
}
