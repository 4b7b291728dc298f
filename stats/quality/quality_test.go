package quality_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/quality"
	"chengyin/stats/sampling"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// TestBinomialTail compares with R's pbinom(lower = FALSE).
func TestBinomialTail(t *testing.T) {
	near(t, "7 of 20 at 0.1", quality.BinomialTail(7, 20, 0.1), 0.00238608940897, 1e-13)
	near(t, "300 of 1000 at 0.25", quality.BinomialTail(300, 1000, 0.25), 0.000193590321949, 1e-14)
	for _, c := range []struct {
		x, n int
		p, w float64
	}{{0, 5, .3, 1}, {-1, 5, .3, 1}, {6, 5, .3, 0}, {1, 5, 0, 0}, {5, 5, 1, 1}, {5, 5, .5, 1. / 32}, {1, -1, .5, math.NaN()}, {1, 3, 1.5, math.NaN()}} {
		near(t, fmt.Sprint(c), quality.BinomialTail(c.x, c.n, c.p), c.w, 1e-15)
	}
}

func TestChiSquareOfShares(t *testing.T) {
	g, err := quality.ChiSquare([]int{10, 20, 30}, []float64{.2, .3, .5}) // chisq.test of R
	if err != nil || g.DF != 2 || g.N != 60 {
		t.Fatalf("%+v, %v", g, err)
	}
	near(t, "X2", g.Statistic, 0.5555556, 1e-7)
	near(t, "p", g.P, 0.7574651, 1e-7)
	if g, err = quality.ChiSquare([]int{5, 5}, []float64{2, 2}); err != nil || g.P != 1 || g.Statistic != 0 {
		t.Errorf("equal shares: %+v, %v", g, err)
	}
	if g, err = quality.ChiSquare([]int{0, 0}, []float64{1, 1}); err != nil || !math.IsNaN(g.P) {
		t.Errorf("no observations: %+v, %v", g, err)
	}
	if g, err = quality.ChiSquare([]int{4}, []float64{1}); err != nil || !math.IsNaN(g.P) {
		t.Errorf("one category: %+v, %v", g, err)
	}
	refused(t, "count", func() error { _, err := quality.ChiSquare([]int{-1, 2}, []float64{1, 1}); return err })
	refused(t, "share", func() error { _, err := quality.ChiSquare([]int{1, 2}, []float64{1, 0}); return err })
	refused(t, "share", func() error { _, err := quality.ChiSquare([]int{1, 2}, []float64{1, math.NaN()}); return err })
}

func refused(t *testing.T, what string, f func() error) {
	t.Helper()
	var fault *stats.ValueError
	if err := f(); !errors.As(err, &fault) || what != "" && fault.What != what {
		t.Errorf("%s: %v", what, err)
	}
}

func TestDigitsOfScores(t *testing.T) {
	nan := math.NaN()
	if g, err := quality.LastDigit([]float64{10, 20, 35, nan, 99}); err != nil || g.N != 4 || g.Counts[0] != 2 || g.Counts[5] != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	if h, err := quality.Heaping([]float64{50, 60, nan, 61}, 10); err != nil || h.N != 3 || h.Round != 2 || math.Abs(h.P-0.028) > 1e-12 {
		t.Errorf("two of three on tens have p = 3 0.1^2 0.9 + 0.1^3: %+v, %v", h, err)
	}
	if h, err := quality.Heaping(nil, 5); err != nil || !math.IsNaN(h.Share) || h.P != 1 {
		t.Errorf("no scores: %+v, %v", h, err)
	}
	for _, bad := range []float64{-1, 0.5, math.Inf(1), 1e17} {
		refused(t, "score", func() error { _, err := quality.LastDigit([]float64{bad}); return err })
		refused(t, "score", func() error { _, err := quality.Heaping([]float64{bad}, 10); return err })
	}
	refused(t, "base", func() error { _, err := quality.Heaping(nil, 1); return err })
}

// TestBenford: the powers of two follow the law (Benford 1938, Proc. Am.
// Philos. Soc. 78), and scores of 0 to 100 do not.
func TestBenford(t *testing.T) {
	var powers, scores []float64
	for i := range 1000 {
		powers, scores = append(powers, math.Pow(2, float64(i)/2)), append(scores, float64(40+i%60))
	}
	powers = append(powers, 0, math.NaN())
	d, err := quality.Benford(powers)
	if err != nil || d.N != 1000 || d.Verdict != "close" || !(d.P > 0.9) || !(d.Span > 100) {
		t.Errorf("powers of two: %+v, %v", d, err)
	}
	if math.Abs(float64(d.Counts[0])-301) > 2 {
		t.Errorf("%d begin with 1, want about 301", d.Counts[0])
	}
	if d, err = quality.Benford(scores); err != nil || d.Verdict != "none" || d.P > 1e-10 {
		t.Errorf("scores: %+v, %v", d, err)
	}
	refused(t, "", func() error { _, err := quality.Benford([]float64{math.Inf(1)}); return err })
	if d, err = quality.Benford(nil); err != nil || d.N != 0 {
		t.Errorf("nothing: %+v, %v", d, err)
	}
}

// TestANOVA is anova(lm(y ~ factor(g))) of R.
func TestANOVA(t *testing.T) {
	y := []float64{9, 8, 7, 6, 5, 6, 8, 9, 10, 2, 3, 4, math.NaN(), 5}
	group := []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, -1}
	a, err := quality.ICC(y, group)
	if err != nil || a.K != 4 || a.N != 12 || a.N0 != 3 {
		t.Fatalf("%+v, %v", a, err)
	}
	near(t, "between", a.MSB, 64.25/3, 1e-12)
	near(t, "within", a.MSW, 20./3/8, 1e-12)
	near(t, "F", a.F, 25.7, 1e-12)
	near(t, "p", a.P, 0.0001848, 5e-8)
	near(t, "ICC", a.ICC, (a.MSB-a.MSW)/(a.MSB+2*a.MSW), 1e-15)
	near(t, "deff", a.Deff, 1+2*a.ICC, 1e-12)
	t.Run("equal groups make a negative ICC that costs nothing", func(t *testing.T) {
		if a, err := quality.ICC([]float64{1, 2, 1, 2}, []int{0, 0, 1, 1}); err != nil || a.ICC != -1 || a.Deff != 1 {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("REML of balanced groups is the ANOVA", func(t *testing.T) {
		m, err := quality.REML(y[:12], nil, []quality.Factor{{Name: "interviewer", Level: group[:12]}})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "residual", m.Residual, a.MSW, 1e-9)
		near(t, "between", m.Variance[0], (a.MSB-a.MSW)/3, 1e-8)
		near(t, "ICC", m.ICC[0], a.ICC, 1e-9)
		near(t, "mean", m.Beta[0], 77./12, 1e-9)
	})
	var few *quality.GroupError
	for name, c := range map[string]struct {
		y     []float64
		group []int
	}{"none": {nil, nil}, "one group": {[]float64{1, 2}, []int{0, 0}}, "groups of one": {[]float64{1, 2}, []int{0, 1}}} {
		if _, err := quality.ICC(c.y, c.group); !errors.As(err, &few) || few.Error() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused(t, "", func() error { _, err := quality.ICC([]float64{1, math.Inf(1)}, []int{0, 1}); return err })
	panics(t, func() { _, _ = quality.ICC([]float64{1}, nil) })
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

func TestREMLRefuses(t *testing.T) {
	y := []float64{1, 3, 2, 5, 4, 6, 9, 7}
	level := []int{0, 0, 1, 1, 2, 2, 3, 3}
	var same *quality.ConfoundedError
	if _, err := quality.REML(y, nil, []quality.Factor{{Name: "a", Level: level}, {Name: "b", Level: []int{5, 5, 7, 7, 1, 1, 0, 0}}}); !errors.As(err, &same) || same.A != "a" || same.B != "b" || same.Error() == "" {
		t.Errorf("two factors that are one: %v", err)
	}
	var dependent *quality.DependentError
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	if _, err := quality.REML(y, [][]float64{x, x}, []quality.Factor{{Name: "a", Level: level}}); !errors.As(err, &dependent) || dependent.Column != 1 || dependent.Error() == "" {
		t.Errorf("a column twice: %v", err)
	}
	refused(t, "", func() error {
		_, err := quality.REML([]float64{1, math.Inf(1), 2, 3, 4, 5, 6, 7}, nil, []quality.Factor{{Name: "a", Level: level}})
		return err
	})
	if _, err := quality.REML(nil, nil, []quality.Factor{{Name: "a"}}); err == nil {
		t.Error("nobody has components of variance")
	}
	panics(t, func() { _, _ = quality.REML(y, nil, nil) })
	panics(t, func() { _, _ = quality.REML(y, [][]float64{x[:2]}, []quality.Factor{{Level: level}}) })
	panics(t, func() { _, _ = quality.REML(y, nil, []quality.Factor{{Level: level[:3]}}) })
}

func TestReliabilityEdges(t *testing.T) {
	a, b, c := []float64{1, 2, 3, 4, 5}, []float64{2, 4, 6, 8, 10}, []float64{1, 1, 2, 2, 3}
	t.Run("parallel items are perfectly reliable", func(t *testing.T) {
		r, err := quality.Cronbach([][]float64{a, a, a}, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "alpha", r.Alpha, 1, 1e-12)
		near(t, "standardised", r.StdAlpha, 1, 1e-12)
	})
	t.Run("a missing answer leaves its row out, and reversing twice changes nothing", func(t *testing.T) {
		gap := slices.Clone(b)
		gap[4] = math.NaN()
		r, err := quality.Cronbach([][]float64{a, gap, c}, 0.95)
		want, err2 := quality.Cronbach([][]float64{a[:4], b[:4], c[:4]}, 0.95)
		if err != nil || err2 != nil || r.N != 4 {
			t.Fatal(err, err2)
		}
		near(t, "alpha", r.Alpha, want.Alpha, 1e-15)
		if got := quality.Reverse(quality.Reverse(a, 1, 5), 1, 5); !slices.Equal(got, a) {
			t.Errorf("%v", got)
		}
	})
	var scale *quality.ScaleError
	for name, items := range map[string][][]float64{"two items": {a, b}, "an item without variance": {a, b, {3, 3, 3, 3, 3}}, "one row": {{1}, {2}, {3}}, "none": nil} {
		if _, err := quality.Cronbach(items, 0.95); !errors.As(err, &scale) || scale.Error() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused(t, "", func() error {
		_, err := quality.Cronbach([][]float64{a, b, {1, 2, 3, 4, math.Inf(1)}}, 0.95)
		return err
	})
	panics(t, func() { _, _ = quality.Cronbach([][]float64{a, b[:2], c}, 0.95) })
	d, err := estimate.NewDesign(estimate.Spec{Rows: 5, Weight: []float64{1, 1, 1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := quality.WeightedAlpha(d, [][]float64{a, b, c}, nil)
	r, err2 := quality.Cronbach([][]float64{a, b, c}, 0.95)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	near(t, "alpha with equal weights", w.Value, r.Alpha, 1e-12)
	panics(t, func() { _, _ = quality.WeightedAlpha(d, [][]float64{a, b, c}, make([]bool, 2)) })
}

func TestCarelessness(t *testing.T) {
	nan := math.NaN()
	items := [][]float64{{3, 1, nan, 2}, {3, 2, nan, 2}, {3, 3, nan, nan}, {3, 3, nan, 2}}
	long, err := quality.LongString(items)
	if err != nil || !slices.Equal(long[:3], []int{4, 2, 0}) {
		t.Errorf("runs %v, %v", long, err)
	}
	irv, err := quality.IRV(items)
	if err != nil || irv[0] != 0 || math.Abs(irv[1]-math.Sqrt(11./12)) > 1e-12 || !math.IsNaN(irv[2]) {
		t.Errorf("spread %v, %v", irv, err)
	}
	t.Run("Mahalanobis of two items is mahalanobis() of R", func(t *testing.T) {
		d, err := quality.Mahalanobis([][]float64{{1, 2, 3, 4, 5}, {2, 3, 3, 5, 4}})
		if err != nil || d.DF != 2 || d.Pseudo {
			t.Fatalf("%+v, %v", d, err)
		}
		for i, want := range []float64{1.7, 0.5, 0.4, 2.9, 2.5} {
			near(t, fmt.Sprint("row ", i), d.D2[i], want, 1e-12)
			near(t, "p", d.P[i], math.Exp(-want/2), 1e-12)
		}
	})
	t.Run("items that are copies need a pseudo-inverse, which is said", func(t *testing.T) {
		x := []float64{1, 2, 3, 4, 6}
		d, err := quality.Mahalanobis([][]float64{x, x})
		if err != nil || !d.Pseudo || d.DF != 1 {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("speed is against the median", func(t *testing.T) {
		r, median, err := quality.Speed([]float64{10, 20, nan, 60})
		if err != nil || median != 20 || r[0] != 0.5 || !math.IsNaN(r[2]) || r[3] != 3 {
			t.Errorf("%v, %g, %v", r, median, err)
		}
		refused(t, "", func() error { _, _, err := quality.Speed([]float64{-1}); return err })
		refused(t, "", func() error { _, _, err := quality.Speed([]float64{math.Inf(1)}); return err })
	})
	t.Run("two reasons make a review, one does not", func(t *testing.T) {
		if r := quality.Straight | quality.Fast; !r.Review() || r.Count() != 2 || quality.Copied.Review() || quality.Reason(0).Count() != 0 {
			t.Error(r)
		}
	})
	t.Run("every sign is flagged", func(t *testing.T) {
		x := quality.Indices{LongString: []int{9, 1}, IRV: []float64{1, 1}, Speed: []float64{0.2, 1},
			Distances: quality.Distances{P: []float64{1e-5, 0.5}}, Matches: quality.Matches{Share: []float64{0.9, 0.1}}}
		if got := x.Flag(quality.UsualThresholds(10)); got[0].Count() != 4 || got[1] != 0 {
			t.Errorf("flags %v", got)
		}
	})
	panics(t, func() { quality.ByGroup([]int{1}, nil) })
	panics(t, func() { _, _ = quality.Examine(items, []float64{1}, quality.MatchOptions{}) })
	refused(t, "", func() error {
		_, err := quality.Examine([][]float64{{math.Inf(1), 1}}, nil, quality.MatchOptions{})
		return err
	})
}

// TestMatches: an interviewer who copied is told from the others under either
// null, from a seed that gives the same again.
func TestMatches(t *testing.T) {
	src := seedOf("answers").Source()
	const n, k = 60, 12
	items := make([][]float64, k)
	group, block := make([]int, n), make([]int, n)
	for j := range items {
		items[j] = make([]float64, n)
		for i := range n {
			items[j][i] = float64(src.Below(5))
		}
	}
	for i := range n {
		group[i], block[i] = i%6, i%2
	}
	for i := 6; i < n; i += 12 { // interviewer 0 copies a row each time
		for j := range k {
			items[j][i] = items[j][i-6]
		}
	}
	for _, opt := range []quality.MatchTestOptions{
		{Permutations: 199}, {Permutations: 199, Block: block}, {Null: quality.AnswersIndependent, Permutations: 199},
	} {
		got, err := quality.MatchTest(items, group, seedOf("test"), opt)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := quality.MatchTest(items, group, seedOf("test"), opt)
		if !slices.Equal(got, again) {
			t.Error("the same seed gives another result")
		}
		if got[0].Group != 0 || got[0].Pairs != 5 || got[0].P > 0.01 || got[0].Expected > 2.6 {
			t.Errorf("who copied: %+v", got[0])
		}
		for _, g := range got[1:] {
			if g.Pairs != 0 || g.P < 0.5 || g.Rows != 10 {
				t.Errorf("who did not: %+v", g)
			}
		}
	}
	refused(t, "", func() error {
		_, err := quality.MatchTest(items, group, seedOf(""), quality.MatchTestOptions{Threshold: 2})
		return err
	})
	refused(t, "", func() error {
		_, err := quality.MatchTest(items, group, seedOf(""), quality.MatchTestOptions{Permutations: -1})
		return err
	})
	refused(t, "", func() error { _, err := quality.PercentMatch(items, quality.MatchOptions{MinCommon: 2}); return err })
	panics(t, func() { _, _ = quality.MatchTest(items, group[:2], seedOf(""), quality.MatchTestOptions{}) })
	panics(t, func() { _, _ = quality.MatchTest(items, group, seedOf(""), quality.MatchTestOptions{Null: 7}) })
	panics(t, func() { _, _ = quality.PercentMatch(items, quality.MatchOptions{Group: group[:2]}) })
}

func seedOf(name string) sampling.Seed { return sampling.Seed{Hi: 2024, Lo: 601}.For(name) }

// TestQualityDoesNotCare about the order of rows, the scale of answers and the
// numbers of groups.
func TestQualityDoesNotCare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(8, 20).Draw(t, "rows")
		items := make([][]float64, 4)
		for j := range items {
			for range n {
				items[j] = append(items[j], float64(rapid.IntRange(1, 5).Draw(t, "answer")))
			}
		}
		group := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "group")
		order := rapid.Permutation(sequence(n)).Draw(t, "order")
		moved, scaled := make([][]float64, 4), make([][]float64, 4)
		renamed := make([]int, n)
		for j := range items {
			for _, i := range order {
				moved[j], scaled[j] = append(moved[j], items[j][i]), append(scaled[j], 10+4*items[j][i])
			}
		}
		for at, i := range order {
			renamed[at] = 7 - 3*group[i]
		}
		for _, g := range renamed {
			if g < 0 {
				t.Fatal("a group would be missing")
			}
		}
		for _, other := range [][][]float64{moved, scaled} {
			a, err1 := quality.Cronbach(items, 0.95)
			b, err2 := quality.Cronbach(other, 0.95)
			if (err1 == nil) != (err2 == nil) || err1 == nil && math.Abs(a.Alpha-b.Alpha) > 1e-9*(1+math.Abs(a.Alpha)) {
				t.Fatalf("alpha %v (%v) becomes %v (%v)", a.Alpha, err1, b.Alpha, err2)
			}
			x, err1 := quality.ICC(items[0], group)
			y, err2 := quality.ICC(other[0], renamed)
			if (err1 == nil) != (err2 == nil) || err1 == nil && !(math.Abs(x.ICC-y.ICC) <= 1e-9) && !(math.IsNaN(x.ICC) && math.IsNaN(y.ICC)) {
				t.Fatalf("ICC %v (%v) becomes %v (%v)", x.ICC, err1, y.ICC, err2)
			}
			d, err1 := quality.Mahalanobis(items)
			e, err2 := quality.Mahalanobis(other)
			if (err1 == nil) != (err2 == nil) {
				t.Fatal(err1, err2)
			}
			m, _ := quality.PercentMatch(items, quality.MatchOptions{})
			o, _ := quality.PercentMatch(other, quality.MatchOptions{})
			for at, i := range order {
				if err1 == nil && !d.Pseudo && math.Abs(d.D2[i]-e.D2[at]) > 1e-7*(1+d.D2[i]) || m.Share[i] != o.Share[at] {
					t.Fatalf("row %d: distance %g becomes %g, match %g becomes %g", i, d.D2[i], e.D2[at], m.Share[i], o.Share[at])
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
