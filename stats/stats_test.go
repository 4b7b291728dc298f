package stats_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"

	"pgregory.net/rapid"
)

func TestEffectiveSize(t *testing.T) {
	for name, c := range map[string]struct {
		w    []float64
		want float64
	}{
		"equal weights are worth their number": {[]float64{3, 3, 3, 3}, 4},
		"two weights 1 and 3":                  {[]float64{1, 3}, 1.6},
		"weights of 0 are worth nothing":       {[]float64{2, 0, 2}, 2},
		"no weights":                           {nil, 0},
		"only zeros":                           {[]float64{0, 0}, 0},
		"huge weights":                         {[]float64{1e300, 1e300}, 2},
		"tiny weights":                         {[]float64{1e-300, 1e-300}, 2},
	} {
		if got := stats.EffectiveSize(c.w); math.Abs(got-c.want) > 1e-14 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := stats.WeightingEffect([]float64{1, 3, 0}); math.Abs(got-1.25) > 1e-15 {
		t.Errorf("weighting effect is %v, want 1.25", got)
	}
	if !math.IsNaN(stats.WeightingEffect(nil)) {
		t.Error("weighting effect of nobody is a number")
	}
}

func TestEffectiveSizeDoesNotDependOnScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SliceOfN(rapid.Float64Range(0.01, 100), 1, 50).Draw(t, "w")
		scaled := make([]float64, len(w))
		for i := range w {
			scaled[i] = 123.4 * w[i]
		}
		a, b := stats.EffectiveSize(w), stats.EffectiveSize(scaled)
		if math.Abs(a-b) > 1e-12*a || a > float64(len(w))*(1+1e-12) || a < 1-1e-12 {
			t.Fatalf("%v and %v of %d", a, b, len(w))
		}
	})
}

// TestQuantiles compares with qnorm, qt and qbeta of R 4.2.2.
func TestQuantiles(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"qnorm(.975)", stats.NormalQuantile(.975), 1.95996398454005},
		{"qt(.975, 14)", stats.TQuantile(.975, 14), 2.14478668791780},
		{"qt(.975, 1)", stats.TQuantile(.975, 1), 12.7062047361747},
		{"qt(.95, 2.5)", stats.TQuantile(.95, 2.5), 2.55821861413595},
		{"qt(.975, Inf)", stats.TQuantile(.975, math.Inf(1)), 1.95996398454005},
		{"qt(.95, 1e10)", stats.TQuantile(.95, 1e10), 1.64485362710385},
		{"qt(.5001, 1e4)", stats.TQuantile(.5001, 1e4), 0.000250669096737476},
		{"-qt(1e-12, 1e4)", -stats.TQuantile(1e-12, 1e4), 7.04337160205578},
		{"-qt(1e-12, 2e5)", -stats.TQuantile(1e-12, 2e5), 7.03492775996016},
		{"qbeta(.025, 13, 8)", stats.BetaQuantile(.025, 13, 8), 0.407811465467172},
		{"qbeta(.025, .03, 4)", stats.BetaQuantile(.025, .03, 4), 6.46416248571671e-55},
		{"qbeta(.975, 1e-3, 2)", stats.BetaQuantile(.975, 1e-3, 2), 3.7199595648382e-12},
		{"qbeta(.5, 2000, 3000)", stats.BetaQuantile(.5, 2000, 3000), 0.399986665626418},
	} {
		if !(math.Abs(c.got-c.want) <= 1e-9*c.want) {
			t.Errorf("%s is %.15g, want %.15g", c.name, c.got, c.want)
		}
	}
	for name, x := range map[string]float64{
		"t without df": stats.TQuantile(.9, 0), "t of NaN": stats.TQuantile(math.NaN(), 3), "normal above 1": stats.NormalQuantile(1.1),
		"beta without shape": stats.BetaQuantile(.5, 0, 0), "beta of a negative shape": stats.BetaQuantile(.5, -1, 2),
	} {
		if !math.IsNaN(x) {
			t.Errorf("%s is %v, want NaN", name, x)
		}
	}
	if stats.BetaQuantile(.3, 0, 2) != 0 || stats.BetaQuantile(.3, 2, 0) != 1 || stats.BetaQuantile(0, 2, 2) != 0 || stats.BetaQuantile(1, 2, 2) != 1 {
		t.Error("limits of the beta quantile")
	}
}

func TestChecks(t *testing.T) {
	var fault *stats.ValueError
	if err := stats.CheckWeights("weight", []float64{1, 0, -2}); !errors.As(err, &fault) || fault.Row != 2 {
		t.Errorf("error is %v", err)
	}
	if err := stats.CheckFinite("score", []float64{-1, math.Inf(-1)}); err == nil || err.Error() != "stats: score of row 1 is not finite (-Inf)" {
		t.Errorf("error is %v", err)
	}
	if err := stats.CheckFinite("score", nil); err != nil {
		t.Errorf("error is %v", err)
	}
}

func TestMedian(t *testing.T) {
	v := []float64{5, 1, 3}
	if stats.Median(v) != 3 || stats.Median([]float64{4, 1, 3, 2}) != 2.5 || !math.IsNaN(stats.Median(nil)) {
		t.Error("median is wrong")
	}
	if v[0] != 5 {
		t.Error("median sorted its argument")
	}
}

// TestWeightsAreRefusedByName: what cannot be a weight is named with its row.
func TestWeightsAreRefusedByName(t *testing.T) {
	for _, c := range []struct {
		w    []float64
		want string
	}{
		{[]float64{1, math.NaN()}, "stats: weight of row 1 is not finite (NaN)"},
		{[]float64{math.Inf(1)}, "stats: weight of row 0 is not finite (+Inf)"},
		{[]float64{0, 1, -2}, "stats: weight of row 2 is negative (-2)"},
	} {
		if err := stats.CheckWeights("weight", c.w); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.w, err, c.want)
		}
	}
	if err := (&stats.ValueError{What: "design effect", Row: -1, Value: -1, Why: "is negative"}).Error(); err != "stats: design effect is negative (-1)" {
		t.Error(err)
	}
	if !math.IsInf(stats.NormalQuantile(0), -1) || !math.IsInf(stats.NormalQuantile(1), 1) || stats.TQuantile(0.5, 3) != 0 ||
		!math.IsInf(stats.TQuantile(0.4, 1e-310), -1) || !math.IsInf(stats.TQuantile(0.6, 1e-310), 1) {
		t.Error("the ends of quantiles")
	}
}
