package smallarea_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/smallarea"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func TestBetaBinomialEdges(t *testing.T) {
	for _, c := range []struct {
		name    string
		y, n    []float64
		mu, phi float64
	}{
		{"nobody says yes", []float64{0, 0, 0}, []float64{5, 9, 2}, 0, math.Inf(1)},
		{"everybody says yes", []float64{5, 9, 2}, []float64{5, 9, 2}, 1, math.Inf(1)},
		{"one answer an area tells nothing of the spread", []float64{1, 0, 1, 1}, []float64{1, 1, 1, 1}, 0.75, math.Inf(1)},
		{"one area", []float64{3}, []float64{10}, 0.3, math.Inf(1)},
		{"areas more alike than chance", []float64{5, 5, 5, 5}, []float64{10, 10, 10, 10}, 0.5, math.Inf(1)},
		{"areas without answers do not count", []float64{0, 5, 5, 0}, []float64{0, 10, 10, 0}, 0.5, math.Inf(1)},
	} {
		for name, fit := range map[string]func(y, n []float64) (smallarea.BetaBinomial, error){"ML": smallarea.FitBetaBinomial, "moments": smallarea.BetaBinomialMoments} {
			b, err := fit(c.y, c.n)
			if err != nil {
				t.Fatal(err)
			}
			if !near(b.Mu, c.mu, 1e-14) || b.Phi != c.phi {
				t.Errorf("%s by %s: mu %g, phi %g", c.name, name, b.Mu, b.Phi)
			}
		}
	}
	// Areas that agree inside and not between them.
	b, err := smallarea.FitBetaBinomial([]float64{0, 8, 0, 8}, []float64{8, 8, 8, 8})
	if err != nil || !(b.Phi < 1e-6) || !near(b.Mu, 0.5, 1e-9) {
		t.Errorf("mu %g, phi %g, %v", b.Mu, b.Phi, err)
	}
	b, err = smallarea.BetaBinomialMoments([]float64{0, 8, 0, 8}, []float64{8, 8, 8, 8})
	if err != nil || !near(b.Phi, 1/0.99-1, 1e-9) {
		t.Errorf("phi by moments %g, %v", b.Phi, err)
	}
	if _, err := smallarea.FitBetaBinomial([]float64{0}, []float64{0}); !errors.Is(err, smallarea.ErrNoData) {
		t.Errorf("no answers: %v", err)
	}
	post, err := smallarea.BetaBinomial{Mu: 0.3, Phi: 20}.Posteriors([]float64{0, 10}, []float64{0, 10}, 0.9)
	if err != nil || !near(post[0].Mean, 0.3, 1e-14) || post[0].Gamma != 0 || !near(post[1].Gamma, 1.0/3, 1e-14) {
		t.Errorf("posteriors %+v, %v", post, err)
	}
	for i, p := range post {
		a, b := 6+10*float64(i), 14.0
		if lo, hi := stats.BetaQuantile(0.05, a, b), stats.BetaQuantile(0.95, a, b); !near(p.Lower, lo, 1e-9) || !near(p.Upper, hi, 1e-9) {
			t.Errorf("interval %v, want %g to %g", p.Interval(), lo, hi)
		}
	}
}

// TestBetaBinomialDoesNotCare about the order of areas and which answer is yes.
func TestBetaBinomialDoesNotCare(t *testing.T) {
	src := rand.New(rand.NewPCG(2, 2))
	var y, n, no []float64
	for range 60 {
		p := 0.2 + 0.3*src.Float64()
		k, size := 0.0, float64(5+src.IntN(26))
		for range int(size) {
			if src.Float64() < p {
				k++
			}
		}
		y, n, no = append(y, k), append(n, size), append(no, size-k)
	}
	a, _ := smallarea.FitBetaBinomial(y, n)
	b, _ := smallarea.FitBetaBinomial(no, n)
	slices.Reverse(y)
	slices.Reverse(n)
	c, _ := smallarea.FitBetaBinomial(y, n)
	if math.IsInf(a.Phi, 1) || !near(a.Phi, b.Phi, 1e-7) || !near(a.Mu, 1-b.Mu, 1e-9) || !near(a.Phi, c.Phi, 1e-7) {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
}

func TestBetaBinomialNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(0, 6).Draw(t, "areas")
		wild := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, 1e-300, 1e300, 1e-9, 1e9, math.NaN(), math.Inf(1), -1}), rapid.Float64Range(0, 50))
		n := rapid.SliceOfN(wild, m, m).Draw(t, "n")
		y := rapid.SliceOfN(wild, m, m).Draw(t, "y")
		if rapid.Bool().Draw(t, "sane") {
			for i := range n {
				y[i] = n[i] * rapid.Float64Range(0, 1).Draw(t, "share")
			}
		}
		for _, fit := range []func(y, n []float64) (smallarea.BetaBinomial, error){smallarea.FitBetaBinomial, smallarea.BetaBinomialMoments} {
			b, err := fit(y, n)
			if err != nil {
				continue
			}
			if !(b.Mu >= 0 && b.Mu <= 1) || !(b.Phi > 0) {
				t.Fatalf("mu %g, phi %g", b.Mu, b.Phi)
			}
			post, err := b.Posteriors(y, n, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range post {
				if !(p.Mean >= 0 && p.Mean <= 1) {
					t.Fatalf("area %d has mean %g", i, p.Mean)
				}
			}
		}
	})
}

// TestPosteriorsCover draws counts from the model. Intervals at the fitted
// parameters are a little short, as the parameters are not known.
func TestPosteriorsCover(t *testing.T) {
	src := rand.New(rand.NewPCG(20240601, 3))
	rates := distuv.Beta{Alpha: 6, Beta: 14, Src: src}
	covered, all := 0, 0
	for range 60 {
		var y, n, truth []float64
		for range 100 {
			p := rates.Rand()
			k, size := 0.0, float64(5+src.IntN(26))
			for range int(size) {
				if src.Float64() < p {
					k++
				}
			}
			y, n, truth = append(y, k), append(n, size), append(truth, p)
		}
		b, err := smallarea.FitBetaBinomial(y, n)
		if err != nil {
			t.Fatal(err)
		}
		post, err := b.Posteriors(y, n, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range post {
			all++
			if p.Lower <= truth[i] && truth[i] <= p.Upper {
				covered++
			}
		}
	}
	if share := float64(covered) / float64(all); share < 0.905 || share > 0.955 {
		t.Errorf("covered %.4f", share)
	}
}

func TestPublishRate(t *testing.T) {
	for _, c := range []struct {
		name       string
		p, v       float64
		n, df      int
		flags      []smallarea.Flag
		suppressed bool
	}{
		{"a good rate", 0.5, 0.25 / 400, 400, 90, nil, false},
		{"few answers", 0.5, 0.25 / 29, 29, 28, []smallarea.Flag{smallarea.FewAnswers, smallarea.FewEffective, smallarea.Wide}, true},
		{"many answers worth few", 0.9, 0.09 / 20, 400, 90, []smallarea.Flag{smallarea.FewEffective, smallarea.Wide}, true},
		{"a wide interval", 0.5, 0.25 / 40, 100, 90, []smallarea.Flag{smallarea.Wide}, true},
		{"wide for a rare thing", 0.02, 0.02 * 0.98 / 100, 100, 90, []smallarea.Flag{smallarea.WideForRate}, true},
		{"its opposite", 0.98, 0.02 * 0.98 / 100, 100, 90, []smallarea.Flag{smallarea.WideForOther}, false},
		{"few buildings", 0.5, 0.25 / 400, 400, 5, []smallarea.Flag{smallarea.FewUnits}, false},
		{"all agree", 1, 0, 400, 90, []smallarea.Flag{smallarea.AllAgree}, false},
	} {
		r, err := smallarea.PublishRate(estimate.Estimate{N: c.n, Value: c.p, Var: c.v, SE: math.Sqrt(c.v)}, c.df, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Flags, c.flags) || r.Suppressed() != c.suppressed {
			t.Errorf("%s: %v, suppressed %v, interval %v", c.name, r.Flags, r.Suppressed(), r.Interval)
		}
	}
	r, err := smallarea.PublishRate(estimate.Estimate{N: 1, Value: 1}, 0, 0.95)
	if !errors.Is(err, estimate.ErrNoInterval) || !r.Suppressed() {
		t.Errorf("one answer: %v, %v", r.Flags, err)
	}
}
