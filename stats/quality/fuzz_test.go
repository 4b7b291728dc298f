package quality_test

import (
	"testing"

	"chengyin/stats/internal/golden"
	"chengyin/stats/quality"
	"chengyin/stats/sampling"
)

// FuzzAnswers: no answers make a measure of quality panic.
func FuzzAnswers(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		k, n := 1+b.Below(5), b.Below(16)
		items := b.Rows(k, n)
		y, group := b.Floats(n), b.Ints(n, 4)
		if r, err := quality.Cronbach(items, 0.95); err == nil && !(r.Alpha <= 1+1e-9) {
			t.Fatalf("alpha is %g", r.Alpha)
		}
		if x, err := quality.Examine(items, y, quality.MatchOptions{Group: group}); err == nil {
			for _, r := range x.Flag(quality.UsualThresholds(k)) {
				if r.Review() != (r.Count() >= 2) {
					t.Fatalf("%b reviewed: %v with %d reasons", r, r.Review(), r.Count())
				}
			}
		}
		_, _ = quality.LongString(items)
		_, _ = quality.IRV(items)
		_, _ = quality.Mahalanobis(items)
		if m, err := quality.PercentMatch(items, quality.MatchOptions{}); err == nil {
			for _, s := range m.Share {
				if s < 0 || s > 1 {
					t.Fatalf("match %g", s)
				}
			}
		}
		for _, null := range []quality.Null{quality.LabelsExchangeable, quality.AnswersIndependent} {
			_, _ = quality.MatchTest(items, group, sampling.Seed{Lo: 1}, quality.MatchTestOptions{Null: null, Permutations: 9})
		}
		if a, err := quality.ICC(y, group); err == nil && !(a.ICC <= 1+1e-9) {
			t.Fatalf("ICC %+v", a)
		}
		fixed := b.Rows(b.Below(3), n)
		if m, err := quality.REML(y, fixed, []quality.Factor{{Name: "a", Level: group}}); err == nil && (!golden.Finite(m.Beta...) || m.Residual < 0 || m.Variance[0] < 0) {
			t.Fatalf("components %+v", m)
		}
		_, _ = quality.REML(y, fixed, []quality.Factor{{Name: "a", Level: group}, {Name: "b", Level: b.Ints(n, 5)}})
		_, _, _ = quality.Speed(y)
		_, _ = quality.LastDigit(y)
		_, _ = quality.Heaping(y, b.Below(12)-1)
		_, _ = quality.Benford(y)
		_, _ = quality.ChiSquare(b.Ints(3, 30), b.Floats(3))
		quality.Reverse(y, 1, 5)
		if p := quality.BinomialTail(b.Below(40)-5, b.Below(30), b.Float()/28); p < 0 || p > 1 {
			t.Fatalf("tail %g", p)
		}
	})
}
