package estimate_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// TestTallyRatio works a ratio out by hand; TestCellsEqualRows compares with
// Design.Ratio, which is compared with R.
func TestTallyRatio(t *testing.T) {
	collect := func(element bool) *estimate.Tally {
		c := estimate.NewCollector(2, [2]int{0, 1})
		for i, y := range []float64{2, 4, 3, 5, math.NaN(), 6} {
			psu := i
			if element {
				psu = estimate.Element
			}
			c.Add(0, psu, 0, i%2, 2, []float64{y, []float64{4, 7, 8, 9, 100, math.NaN()}[i]})
		}
		tally, err := estimate.NewTally(c.Cells(), 2, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return tally
	}
	for _, element := range []bool{false, true} {
		m, err := collect(element).Ratio(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		// By hand: R = 14/28, e = 0, 0.5, -1, 0.5, of six PSUs two have none, so
		// V = 6/5 (0.25 + 1 + 0.25) / 28^2.
		if m.N != 4 || m.Estimate != 0.5 || math.Abs(m.Var-1.2*1.5/784) > 1e-15 || m.DF != 3 || m.DesignDF != 5 || !math.IsNaN(m.Deff) {
			t.Errorf("ratio is %+v", m)
		}
	}
	t.Run("nobody who answered both is an empty domain", func(t *testing.T) {
		if _, err := collect(true).Ratio(0, func(int) bool { return false }); !errors.Is(err, estimate.ErrEmptyDomain) {
			t.Error(err)
		}
	})
	t.Run("a denominator of 0 has no ratio", func(t *testing.T) {
		c := estimate.NewCollector(2, [2]int{0, 1})
		c.Add(0, 0, 0, 0, 1, []float64{3, 0})
		c.Add(0, 1, 0, 0, 1, []float64{4, 0})
		tally, err := estimate.NewTally(c.Cells(), 2, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var fault *stats.ValueError
		if _, err := tally.Ratio(0, nil); !errors.As(err, &fault) || fault.What != "denominator of the ratio" {
			t.Error(err)
		}
	})
	t.Run("sums that contradict each other are refused by name", func(t *testing.T) {
		for what, spoil := range map[string]func(*estimate.Pair){
			"pair 0: cell: DYX":              func(p *estimate.Pair) { p.DYX = math.NaN() },
			"pair 0: cell: DDYX":             func(p *estimate.Pair) { p.DDYX = math.Inf(1) },
			"pair 0: cell: N":                func(p *estimate.Pair) { p.X.Add(1, 1) },
			"pair 0: cell: variable 1: DYY":  func(p *estimate.Pair) { p.X.DYY = math.Inf(1) },
			"pair 0: cell: variable 0: DDYY": func(p *estimate.Pair) { p.Y.DDYY = -1 },
		} {
			c := estimate.NewCollector(2, [2]int{0, 1})
			c.Add(0, 0, 0, 0, 1, []float64{3, 4})
			c.Add(0, 1, 0, 0, 1, []float64{4, 5})
			cells := c.Cells()
			spoil(&cells[1].Pairs[0])
			var fault *stats.ValueError
			if _, err := estimate.NewTally(cells, 2, estimate.TallyOptions{}); !errors.As(err, &fault) || fault.Row != 1 {
				t.Errorf("%s: %v", what, err)
			} else if fault.What != what {
				t.Errorf("%q is wrong, want %q", fault.What, what)
			}
		}
		cells := func() []estimate.Cell {
			c := estimate.NewCollector(2, [2]int{0, 1})
			c.Add(0, 0, 0, 0, 1, []float64{3, 4})
			c.Add(0, 1, 0, 0, 1, []float64{4, 5})
			return c.Cells()
		}
		var fault *stats.ValueError
		bad := cells()
		bad[0].Pairs[0].DYX = 1000
		if _, err := estimate.NewTally(bad, 2, estimate.TallyOptions{}); !errors.As(err, &fault) {
			t.Errorf("products larger than the squares: %v", err)
		}
		bad = cells()
		bad[0].Pairs[0].Add(1, 1, 1)
		if _, err := estimate.NewTally(bad, 2, estimate.TallyOptions{}); !errors.As(err, &fault) {
			t.Errorf("more pairs than people: %v", err)
		}
	})
	t.Run("wrong lengths and numbers panic", func(t *testing.T) {
		cells := []estimate.Cell{{PSU: 0, Pairs: make([]estimate.Pair, 1)}, {PSU: 1}}
		panics(t, func() { _, _ = estimate.NewTally(cells, 0, estimate.TallyOptions{}) })
		panics(t, func() { estimate.NewCollector(2, [2]int{0, 2}) })
		panics(t, func() { _, _ = collect(true).Ratio(1, nil) })
	})
}

func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
