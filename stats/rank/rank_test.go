package rank_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/rank"

	"pgregory.net/rapid"
)

// TestStudentizedRange compares with the published table of Harter (1960), Ann.
// Math. Statist. 31, 1122-1147, to its three or four digits, and with R's ptukey
// and qtukey, which are good to about 1e-10 and 1e-4.
func TestStudentizedRange(t *testing.T) {
	for _, c := range []struct {
		p    float64
		k    int
		df   float64
		want float64
	}{
		{0.95, 2, 10, 3.151}, {0.95, 3, 10, 3.877}, {0.95, 5, 20, 4.232}, {0.99, 10, 20, 6.087}, {0.95, 3, math.Inf(1), 3.314},
		{0.95, 10, math.Inf(1), 4.474}, {0.99, 4, 5, 7.804}, {0.95, 20, 120, 5.126},
	} {
		if q := rank.RangeQuantile(c.p, c.k, c.df); math.Abs(q-c.want) > 6e-4 {
			t.Errorf("q(%g; %d, %g) is %.5f, want %.3f", c.p, c.k, c.df, q, c.want)
		}
	}
	for _, c := range [][4]float64{{3.5, 3, 10, 0.922896689161}, {2, 5, 4, 0.348489941471}, {4.1, 8, 20, 0.874496097493}, {6, 30, 60, 0.979440015642}} {
		if p := rank.RangeCDF(c[0], int(c[1]), c[2]); math.Abs(p-c[3]) > 1e-9 {
			t.Errorf("P(%g; %g, %g) is %.12f, want %.12f", c[0], c[1], c[2], p, c[3])
		}
	}
	t.Run("the range of two is a difference", func(t *testing.T) {
		for _, df := range []float64{1, 2, 7, 300, 1e10, math.Inf(1)} {
			q := rank.RangeQuantile(0.9, 2, df)
			if want := math.Sqrt2 * stats.TQuantile(0.95, df); math.Abs(q-want) > 1e-8*want {
				t.Errorf("with %g degrees of freedom %.12g, want %.12g", df, q, want)
			}
		}
	})
	t.Run("outside its domain it is nothing, and at the ends what it has to be", func(t *testing.T) {
		for _, x := range []float64{rank.RangeCDF(math.NaN(), 3, 5), rank.RangeCDF(1, 1, 5), rank.RangeCDF(1, 3, 0), rank.RangeQuantile(-0.1, 3, 5),
			rank.RangeQuantile(0.5, 1, 5), rank.RangeQuantile(0.5, 3, math.NaN()), rank.RangeQuantile(math.NaN(), 3, 5)} {
			if !math.IsNaN(x) {
				t.Errorf("%g, want NaN", x)
			}
		}
		if rank.RangeCDF(0, 3, 5) != 0 || rank.RangeCDF(-1, 3, 5) != 0 || rank.RangeCDF(math.Inf(1), 3, 5) != 1 ||
			rank.RangeQuantile(0, 3, 5) != 0 || !math.IsInf(rank.RangeQuantile(1, 3, 5), 1) {
			t.Error("ends")
		}
	})
}

func TestCriticalValues(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		m    rank.Method
		k    int
		want float64 // from qnorm and qtukey in R
	}{
		{rank.BonferroniPairs, 2, 1.959964}, {rank.OneAtATime, 2, 1.959964}, {rank.BonferroniPairs, 10, 3.260767},
		{rank.KleinWrightWieczorek, 1, 0}, {rank.KleinWrightWieczorek, 2, 2.236477}, {rank.Tukey, 10, 3.163684}, {rank.Tukey, 2, 1.959964},
	} {
		if got := rank.Critical(c.m, c.k, 0.95, inf); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%v of %d: %.6f, want %.6f", c.m, c.k, got, c.want)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an unknown method has a critical value")
			}
		}()
		rank.Critical(rank.Method(9), 3, 0.95, inf)
	}()
}

// TestAdjustedPValues compares with R's p.adjust.
func TestAdjustedPValues(t *testing.T) {
	p := []float64{.01, .02, .022, .09, .1, .5}
	for name, want := range map[string][]float64{
		"hommel":   {0.05, 0.08, 0.088, 0.18, 0.2, 0.5},
		"hochberg": {0.06, 0.088, 0.088, 0.2, 0.2, 0.5},
		"BY":       {0.1078, 0.1078, 0.1078, 0.294, 0.294, 1},
		"holm":     {0.06, 0.1, 0.1, 0.27, 0.27, 0.5},
		"fdr":      {0.044, 0.044, 0.044, 0.12, 0.12, 0.5}, "BH": {0.044, 0.044, 0.044, 0.12, 0.12, 0.5},
		"bonferroni": {0.06, 0.12, 0.132, 0.54, 0.6, 1},
		"none":       p,
	} {
		a, ok := rank.AdjustmentNamed(name)
		if !ok || name != "fdr" && a.String() != name {
			t.Fatalf("%s is %v, %v", name, a, ok)
		}
		// In any order, and with a test that could not be made.
		got, err := rank.Adjust(a, []float64{p[3], math.NaN(), p[0], p[5], p[1], p[4], p[2]})
		if err != nil {
			t.Fatal(err)
		}
		for i, j := range []int{3, -1, 0, 5, 1, 4, 2} {
			if j < 0 {
				if !math.IsNaN(got[i]) {
					t.Errorf("%s of NaN is %g", name, got[i])
				}
			} else if math.Abs(got[i]-want[j]) > 1e-12 {
				t.Errorf("%s of %g is %.12g, want %g", name, p[j], got[i], want[j])
			}
		}
		for _, few := range [][]float64{nil, {0.3}} {
			if got, err := rank.Adjust(a, few); err != nil || !slices.Equal(got, few) {
				t.Errorf("%s of %v is %v, %v", name, few, got, err)
			}
		}
	}
	var fault *stats.ValueError
	for _, bad := range []float64{-0.1, 1.1, math.Inf(1)} {
		if _, err := rank.Adjust(rank.Holm, []float64{0.5, bad}); !errors.As(err, &fault) || fault.Row != 1 || fault.What != "p-value" {
			t.Errorf("p = %g: %v", bad, err)
		}
	}
	if _, ok := rank.AdjustmentNamed("tukey"); ok {
		t.Error("there is an adjustment tukey")
	}
	if s := rank.Adjustment(-1).String(); s != "adjustment -1" {
		t.Error(s)
	}
}

// TestThreeGroups is the case that is seen at once: two that are alike, one that
// is far above.
func TestThreeGroups(t *testing.T) {
	for m := rank.Tukey; m <= rank.OneAtATime; m++ {
		c, err := rank.Compare([]float64{90, 50, 51}, []float64{1, 1, 1}, rank.Options{Method: m})
		if err != nil {
			t.Fatal(err)
		}
		if want := []rank.Interval{{Rank: 3, Lower: 3, Upper: 3}, {Rank: 1, Lower: 1, Upper: 2}, {Rank: 2, Lower: 1, Upper: 2}}; !slices.Equal(c.Ranks(), want) {
			t.Errorf("%v: ranks %v", m, c.Ranks())
		}
		if got := fmt.Sprint(c.Tiers(), c.Alike(), c.Sign(0, 1), c.Sign(1, 0), c.Sign(1, 2)); got != "[[1 2] [0]] [[1 2] [0]] 1 -1 0" {
			t.Errorf("%v: %s", m, got)
		}
	}
	t.Run("one in the middle that nobody can be told from makes groups overlap", func(t *testing.T) {
		c, err := rank.Compare([]float64{50, 55, 60}, []float64{1, 4, 1}, rank.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(c.Alike(), c.Tiers()); got != "[[0 1] [1 2]] [[0 1 2]]" {
			t.Error(got)
		}
	})
	t.Run("equal estimates share the lowest rank and never differ", func(t *testing.T) {
		c, err := rank.Compare([]float64{5, 5, 7}, []float64{0, 0, 0}, rank.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r := c.Ranks(); r[0].Rank != 1 || r[1].Rank != 1 || r[2].Rank != 3 || c.Sign(0, 1) != 0 || c.Sign(2, 0) != 1 {
			t.Errorf("ranks %v", r)
		}
	})
	t.Run("none and one have nothing to compare", func(t *testing.T) {
		none, err := rank.Compare(nil, nil, rank.Options{})
		if err != nil || len(none.Ranks())+len(none.Tiers())+len(none.Alike()) != 0 {
			t.Errorf("%v, %v", none, err)
		}
		one, err := rank.Compare([]float64{3}, []float64{1}, rank.Options{})
		if err != nil || one.Ranks()[0] != (rank.Interval{Rank: 1, Lower: 1, Upper: 1}) || one.Critical != 0 {
			t.Errorf("%v, %v", one, err)
		}
	})
}

func TestCompareRefuses(t *testing.T) {
	good := []float64{1, 2}
	for what, c := range map[string]struct {
		est, se []float64
		opt     rank.Options
	}{
		"estimate":           {[]float64{1, math.NaN()}, good, rank.Options{}},
		"standard error":     {good, []float64{1, -1}, rank.Options{}},
		"level":              {good, good, rank.Options{Level: 1}},
		"degrees of freedom": {good, good, rank.Options{DF: -1}},
	} {
		var fault *stats.ValueError
		if _, err := rank.Compare(c.est, c.se, c.opt); !errors.As(err, &fault) || fault.What != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	for name, f := range map[string]func(){
		"unequal lengths":    func() { _, _ = rank.Compare(good, good[:1], rank.Options{}) },
		"unknown method":     func() { _, _ = rank.Compare(good, good, rank.Options{Method: 7}) },
		"unknown adjustment": func() { _, _ = rank.Adjust(rank.Adjustment(9), good) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// TestCompareDoesNotCare about the order of places, the unit of the figures and
// their zero; smaller errors never tell fewer places apart.
func TestCompareDoesNotCare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 8).Draw(t, "places")
		est, se := make([]float64, k), make([]float64, k)
		for i := range k {
			est[i] = float64(rapid.IntRange(-50, 50).Draw(t, "estimate"))
			se[i] = rapid.Float64Range(0.1, 10).Draw(t, "error")
		}
		opt := rank.Options{Method: rank.Method(rapid.IntRange(0, 3).Draw(t, "method"))}
		compare := func(est, se []float64) *rank.Comparison {
			c, err := rank.Compare(est, se, opt)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		base := compare(est, se)
		order := rapid.Permutation(sequence(k)).Draw(t, "order")
		var pe, ps, fine, moved, far []float64
		for _, i := range order {
			pe, ps = append(pe, est[i]), append(ps, se[i])
		}
		for i := range k {
			fine = append(fine, se[i]/2)
			moved, far = append(moved, 4*est[i]+16), append(far, 4*se[i])
		}
		permuted, scaled, better := compare(pe, ps), compare(moved, far), compare(est, fine)
		for at, i := range order {
			if permuted.Ranks()[at] != base.Ranks()[i] {
				t.Fatalf("another order changes %v to %v", base.Ranks(), permuted.Ranks())
			}
		}
		if len(permuted.Tiers()) != len(base.Tiers()) || !slices.Equal(scaled.Ranks(), base.Ranks()) {
			t.Fatalf("%v becomes %v", base.Ranks(), scaled.Ranks())
		}
		for i := range k {
			for j := range k {
				if base.Sign(i, j) != 0 && better.Sign(i, j) != base.Sign(i, j) {
					t.Fatalf("%d and %d differ and with half the error no longer", i, j)
				}
			}
		}
	})
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// TestRanksCover draws ten places a thousand times: the joint intervals hold all
// true ranks in at least 95 % of them.
func TestRanksCover(t *testing.T) {
	const samples = 1000
	truth := []float64{0, 0.5, 1, 1, 2, 3, 3.5, 5, 8, 13}
	seed := uint64(20240601)
	normal := func() float64 { // by the sum of twelve, from splitmix
		s := -6.0
		for range 12 {
			seed += 0x9e3779b97f4a7c15
			z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			s += float64((z^z>>31)>>11) / (1 << 53)
		}
		return s
	}
	se := make([]float64, len(truth))
	for i := range se {
		se[i] = 0.5 + float64(i%3)/2
	}
	for m := rank.Tukey; m <= rank.KleinWrightWieczorek; m++ {
		held := 0
		for range samples {
			est := make([]float64, len(truth))
			for i := range est {
				est[i] = truth[i] + se[i]*normal()
			}
			c, err := rank.Compare(est, se, rank.Options{Method: m})
			if err != nil {
				t.Fatal(err)
			}
			all := true
			for i, r := range c.Ranks() {
				lowest, highest := 1, len(truth) // equal ones may have any of their ranks
				for _, x := range truth {
					if x < truth[i] {
						lowest++
					}
					if x > truth[i] {
						highest--
					}
				}
				all = all && r.Lower <= lowest && highest <= r.Upper
			}
			if all {
				held++
			}
		}
		t.Logf("%v holds all ranks in %d of %d", m, held, samples)
		if held < 935 {
			t.Errorf("%v holds all ranks in %d of %d", m, held, samples)
		}
	}
}
