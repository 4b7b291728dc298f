package weighting_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"chengyin/stats"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

// deming is the 2 x 3 table of a textbook raking exercise.
func deming() (d []float64, cat [][]int, margins []weighting.Margin) {
	for a := range 2 {
		for b := range 3 {
			cat = append(cat, []int{a, b})
		}
	}
	return []float64{80, 40, 55, 30, 80, 35}, cat, []weighting.Margin{
		{Name: "sex", Categories: []string{"F", "M"}, Targets: []float64{150, 300}},
		{Name: "age", Categories: []string{"young", "middle", "old"}, Targets: []float64{150, 150, 150}},
	}
}

func sums(d, g []float64, cat [][]int, m, k int) float64 {
	s := 0.0
	for c := range d {
		if cat[c][m] == k {
			s += d[c] * g[c]
		}
	}
	return s
}

func TestRakeClasses(t *testing.T) {
	d, cat, margins := deming()
	g, rep, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for m, mg := range margins {
		for k, want := range mg.Targets {
			if got := sums(d, g, cat, m, k); math.Abs(got/want-1) > 1e-12 {
				t.Errorf("%s %s is %v, want %v", mg.Name, mg.Categories[k], got, want)
			}
		}
	}
	// Raking keeps the cross-product ratios of the table.
	cross := func(x []float64) float64 { return x[0] * x[4] / (x[1] * x[3]) }
	w := make([]float64, len(d))
	for c := range w {
		w[c] = d[c] * g[c]
	}
	if math.Abs(cross(w)/cross(d)-1) > 1e-12 {
		t.Errorf("cross-product ratio %v becomes %v", cross(d), cross(w))
	}
	if rep.Sweeps < 2 || rep.Worst > 1e-12 || math.Abs(rep.Total-450) > 1e-9 || !(rep.MinG <= rep.MedianG && rep.MedianG <= rep.MaxG) {
		t.Errorf("report is %+v", rep)
	}
}

func TestOneMarginIsPostStratification(t *testing.T) {
	d, cat, margins := deming()
	col := make([]int, len(cat))
	table := make([][]int, len(cat))
	for c := range cat {
		col[c], table[c] = cat[c][1], cat[c][1:]
	}
	ps, _, err := weighting.PostStratify(d, col, margins[1])
	if err != nil {
		t.Fatal(err)
	}
	raked, _, err := weighting.RakeClasses(d, table, margins[1:], weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for c := range d {
		want := 150 / (d[col[c]] + d[col[c]+3])
		if math.Abs(ps[c]-want) > 1e-15*want || raked[c] != ps[c] {
			t.Errorf("class %d: post-stratified %v, raked %v, want %v", c, ps[c], raked[c], want)
		}
	}
}

func TestRakeRows(t *testing.T) {
	d, cat, margins := deming()
	g, _, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rows []float64
	var class []int
	for c := range d {
		for _, share := range []float64{0.25, 0.75} {
			rows, class = append(rows, share*d[c]), append(class, c)
		}
	}
	w, _, err := weighting.Rake(rows, class, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range class {
		if math.Abs(w[i]-rows[i]*g[c]) > 1e-13*w[i] {
			t.Errorf("row %d weighs %v, want %v", i, w[i], rows[i]*g[c])
		}
	}
}

func TestRakeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d []float64, m []weighting.Margin)
		want   string
	}{
		"margins of different populations": {func(_ []float64, m []weighting.Margin) { m[0].Targets[0] = 151 },
			"weighting: margins add up to different populations: sex 451, age 450"},
		"a category without respondents": {func(d []float64, _ []weighting.Margin) { d[1], d[4] = 0, 0 },
			"weighting: margin age: category middle has a target of 150 but no respondents"},
		"a category without target": {func(_ []float64, m []weighting.Margin) { m[1].Targets = []float64{0, 300, 150} },
			"weighting: margin age: category young has respondents but no target"},
		"a negative target": {func(_ []float64, m []weighting.Margin) { m[1].Targets[2] = -1 },
			"stats: target of age old is negative (-1)"},
		"a target that is not a number": {func(_ []float64, m []weighting.Margin) { m[0].Targets[1] = math.NaN() },
			"stats: target of sex M is not finite (NaN)"},
		"an infinite weight": {func(d []float64, _ []weighting.Margin) { d[3] = math.Inf(1) },
			"stats: design weight of row 3 is not finite (+Inf)"},
		"a negative weight": {func(d []float64, _ []weighting.Margin) { d[5] = -2 },
			"stats: design weight of row 5 is negative (-2)"},
		"nobody": {func(d []float64, _ []weighting.Margin) { clear(d) },
			"weighting: nobody in the sample has a weight above 0"},
		"contradictory zeros": {func(d []float64, _ []weighting.Margin) { d[1], d[2] = 0, 0; d[3] = 0 },
			"weighting: margins not met after "},
	} {
		t.Run(name, func(t *testing.T) {
			d, cat, margins := deming()
			if name == "contradictory zeros" { // F are all young, M never: 150 and 300 against 200 and 250
				margins[1].Targets = []float64{200, 125, 125}
			}
			c.change(d, margins)
			_, _, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestContradictionNamesEmptyPairs(t *testing.T) {
	d, cat, margins := deming()
	margins[1].Targets = []float64{200, 125, 125}
	d[1], d[2], d[3] = 0, 0, 0
	_, rep, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
	var fault *weighting.ConvergenceError
	if !errors.As(err, &fault) {
		t.Fatalf("error is %v", err)
	}
	if fault.Worst < 0.1 || fault.Margin == "" || fault.Category == "" || rep.Sweeps != fault.Sweeps {
		t.Errorf("error is %+v", fault)
	}
	found := false
	for _, p := range fault.Empty {
		found = found || p == weighting.EmptyPair{Margin: "sex", Category: "M", OtherMargin: "age", OtherCategory: "young"}
	}
	if !found || len(fault.Empty) != 3 {
		t.Errorf("empty pairs are %v", fault.Empty)
	}
}

func TestNearlyEqualTotalsAreScaled(t *testing.T) {
	d, cat, margins := deming()
	margins[1].Targets = []float64{150, 150, 150.0001}
	if _, rep, err := weighting.RakeClasses(d, cat, margins, weighting.Options{}); err != nil || math.Abs(rep.Total-450) > 1e-9 {
		t.Errorf("total %v, error %v", rep.Total, err)
	}
}

func TestEmptyClassesGetAFactor(t *testing.T) {
	d, cat, margins := deming()
	d[4] = 0
	margins[0].Targets = []float64{250, 200}
	g, rep, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := g[3] / g[0] * g[1]; math.Abs(g[4]-want) > 1e-12*want {
		t.Errorf("factor of the empty class is %v, want %v", g[4], want)
	}
	if rep.MinG == g[4] || rep.MaxG == g[4] {
		t.Error("the report counts an empty class")
	}
	if g, _, err := weighting.RakeClasses([]float64{2, 3}, [][]int{{}, {}}, nil, weighting.Options{}); err != nil || g[0] != 1 || g[1] != 1 {
		t.Errorf("without margins g is %v, error %v", g, err)
	}
}

func TestRakeInvariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, cat, margins := deming()
		for c := range d {
			d[c] = rapid.Float64Range(1, 100).Draw(t, "d")
		}
		for m := range margins {
			clear(margins[m].Targets)
		}
		for c := range d {
			w := d[c] * rapid.Float64Range(0.2, 5).Draw(t, "g")
			for m, k := range cat[c] {
				margins[m].Targets[k] += w
			}
		}
		g, _, err := weighting.RakeClasses(d, cat, margins, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5}).Draw(t, "order")
		d2, cat2 := make([]float64, 6), make([][]int, 6)
		for i, c := range order { // other order of classes and margins, other scale
			d2[i], cat2[i] = 8.5*d[c], []int{cat[c][1], cat[c][0]}
		}
		g2, _, err := weighting.RakeClasses(d2, cat2, []weighting.Margin{margins[1], margins[0]}, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range order {
			if math.Abs(g2[i]*8.5-g[c]) > 1e-10*g[c] {
				t.Fatalf("class %d: factor %v becomes %v", c, g[c], g2[i]*8.5)
			}
		}
	})
}

// TestNothingPanicsOnBadNumbers feeds whatever numbers there are.
func TestNothingPanicsOnBadNumbers(t *testing.T) {
	bad := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e308, 1e-308, 1}))
	rapid.Check(t, func(t *rapid.T) {
		d, cat, margins := deming()
		d[rapid.IntRange(0, 5).Draw(t, "class")] = bad.Draw(t, "d")
		margins[1].Targets[rapid.IntRange(0, 2).Draw(t, "k")] = bad.Draw(t, "target")
		g, rep, err := weighting.RakeClasses(d, cat, margins, weighting.Options{MaxSweeps: 50})
		if err == nil && !(rep.Worst <= 1e-8) {
			t.Fatalf("margins off by %v came back as met", rep.Worst)
		}
		if err == nil {
			if e := stats.CheckWeights("g", g); e != nil {
				t.Fatal(e)
			}
		}
		x := make([][]float64, 6)
		for c := range x {
			x[c] = []float64{1, bad.Draw(t, "x")}
		}
		w, rep, err := weighting.Calibrate(d, x, []float64{100, bad.Draw(t, "total")},
			weighting.CalibrateOptions{Distance: weighting.Distance(rapid.IntRange(0, 2).Draw(t, "distance")), Lower: 0.2, Upper: 4, Options: weighting.Options{MaxSweeps: 50}})
		if err == nil && (!(rep.Worst <= 1e-8) || stats.CheckFinite("w", w) != nil) {
			t.Fatalf("totals off by %v came back as met", rep.Worst)
		}
	})
}
