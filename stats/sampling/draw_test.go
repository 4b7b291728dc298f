package sampling_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/sampling"

	"pgregory.net/rapid"
)

var seed = sampling.Seed{Hi: 0x0123456789abcdef, Lo: 0xfedcba9876543210}

func TestSeeds(t *testing.T) {
	const text = "0123456789abcdeffedcba9876543210"
	if s, err := sampling.ParseSeed(text); err != nil || s != seed || s.String() != text {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "0", text + "0", text[:31] + "g", "g" + text[1:], "+" + text[1:]} {
		if s, err := sampling.ParseSeed(bad); !errors.Is(err, sampling.ErrSeed) {
			t.Errorf("%q is the seed %v, %v", bad, s, err)
		}
	}
	if seed.For("north") == seed.For("south") || seed.For("north") == seed || seed.For("") == seed {
		t.Error("parts of a draw have the same seed")
	}
}

// TestDrawsCanBeReplayed pins what a published seed draws: another result after
// a change of the program would mean that nobody can verify an old draw.
func TestDrawsCanBeReplayed(t *testing.T) {
	simple, _ := sampling.Simple(seed, 20, 5)
	steps, _ := sampling.Systematic(seed, 20, 5)
	pps, err := sampling.InclusionProbabilities([]int64{5, 1, 0, 30, 8, 2, 9, 4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	sampford, err := pps.Sampford(seed)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(simple.Units, steps.Units, pps.Systematic(seed).Units, pps.RandomSystematic(seed).Units, sampford.Units)
	if want := "[9 10 12 13 15] [2 6 10 14 18] [3 4 6] [3 4 6] [3 4 6]"; got != want {
		t.Errorf("the seed draws %s, want %s", got, want)
	}
	// PCG-DXSM as math/rand/v2 fixes it for all times.
	if x := (sampling.Seed{Hi: 1, Lo: 2}).Source().Uint64(); x != 0xc4f5a58656eef510 {
		t.Errorf("the first number is %#x", x)
	}
}

// TestInclusionProbabilitiesHold draws many times: every unit is in as often as
// is stated.
func TestInclusionProbabilitiesHold(t *testing.T) {
	const draws = 20000
	size := []int64{5, 1, 0, 30, 8, 2, 9, 4}
	pps, err := sampling.InclusionProbabilities(size, 3)
	if err != nil {
		t.Fatal(err)
	}
	// 30 of 59 is certain; two more from 29.
	for i, want := range []float64{10. / 29, 2. / 29, 0, 1, 16. / 29, 4. / 29, 18. / 29, 8. / 29} {
		if math.Abs(pps.Prob[i]-want) > 1e-15 || pps.Certain[i] != (i == 3) {
			t.Errorf("unit %d is in with probability %g, want %g", i, pps.Prob[i], want)
		}
	}
	equal := slices.Repeat([]float64{3. / 8}, 8)
	for name, c := range map[string]struct {
		prob []float64
		draw func(sampling.Seed) sampling.Sample
	}{
		"simple":     {equal, func(s sampling.Seed) sampling.Sample { x, _ := sampling.Simple(s, 8, 3); return x }},
		"systematic": {equal, func(s sampling.Seed) sampling.Sample { x, _ := sampling.Systematic(s, 8, 3); return x }},
		"PPS":        {pps.Prob, pps.Systematic}, "random PPS": {pps.Prob, pps.RandomSystematic},
		"Sampford": {pps.Prob, func(s sampling.Seed) sampling.Sample { x, _ := pps.Sampford(s); return x }},
	} {
		t.Run(name, func(t *testing.T) {
			count := make([]int, 8)
			for r := range draws {
				s := c.draw(seed.For(fmt.Sprint(r)))
				checkSample(t, s, 8, 3)
				for i, u := range s.Units {
					count[u]++
					if s.Prob[i] != c.prob[u] {
						t.Fatalf("unit %d has the probability %g, want %g", u, s.Prob[i], c.prob[u])
					}
				}
			}
			for u, p := range c.prob {
				if got, slack := float64(count[u])/draws, 4.5*math.Sqrt(p*(1-p)/draws); math.Abs(got-p) > slack {
					t.Errorf("unit %d is in %.4f of the samples, want %.4f", u, got, p)
				}
			}
		})
	}
}

// TestHorvitzThompson: with weights 1/pi the sum of the sizes is known without
// error, whatever is drawn.
func TestHorvitzThompson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SliceOfN(rapid.Int64Range(1, 1000), 1, 30).Draw(t, "size")
		n := rapid.IntRange(0, len(size)).Draw(t, "n")
		pps, err := sampling.InclusionProbabilities(size, n)
		if err != nil {
			t.Fatal(err)
		}
		sum, expected := 0.0, 0.0
		for i, p := range pps.Prob {
			expected += p
			sum += float64(size[i])
		}
		if math.Abs(expected-float64(n)) > 1e-9 {
			t.Fatalf("probabilities add up to %g, want %d", expected, n)
		}
		if n == 0 {
			return
		}
		s := pps.RandomSystematic(sampling.Seed{Lo: rapid.Uint64().Draw(t, "seed")})
		got := 0.0
		for i, w := range s.Weights() {
			got += w * float64(size[s.Units[i]])
		}
		if len(s.Units) != n || math.Abs(got-sum) > 1e-9*sum {
			t.Fatalf("%v of %v estimate %g, want %g", s.Units, size, got, sum)
		}
	})
}

func TestDrawsRefuse(t *testing.T) {
	for _, draw := range []func(sampling.Seed, int, int) (sampling.Sample, error){sampling.Simple, sampling.Systematic} {
		for _, c := range [][2]int{{3, 4}, {3, -1}, {-1, 0}} {
			var fault *sampling.SizeError
			if _, err := draw(seed, c[0], c[1]); !errors.As(err, &fault) || fault.N != c[1] || fault.Error() == "" {
				t.Errorf("%d of %d: %v", c[1], c[0], err)
			}
		}
		if s, err := draw(seed, 0, 0); err != nil || len(s.Units) != 0 {
			t.Errorf("none of nothing: %v, %v", s, err)
		}
		if s, err := draw(seed, 4, 4); err != nil || !slices.Equal(s.Units, []int{0, 1, 2, 3}) || s.Weights()[0] != 1 {
			t.Errorf("all: %v, %v", s, err)
		}
	}
	var tooFew *sampling.SizeError
	if _, err := sampling.InclusionProbabilities([]int64{1, 0, 2}, 3); !errors.As(err, &tooFew) || tooFew.Units != 2 {
		t.Errorf("a unit of size 0: %v", err)
	}
	if _, err := sampling.Systematic(seed, math.MaxInt64, 2); !errors.As(err, &tooFew) {
		t.Errorf("too many units: %v", err)
	}
	var fault *stats.ValueError
	if _, err := sampling.InclusionProbabilities([]int64{1, -1}, 1); !errors.As(err, &fault) || fault.Row != 1 {
		t.Errorf("negative size: %v", err)
	}
	if _, err := sampling.InclusionProbabilities([]int64{math.MaxInt64, 1}, 2); !errors.As(err, &fault) {
		t.Errorf("sizes beyond counting: %v", err)
	}
	all, err := sampling.InclusionProbabilities([]int64{7, 7}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := all.Sampford(seed); err != nil || len(s.Units) != 2 {
		t.Errorf("everybody is certain: %v, %v", s, err)
	}
	// Fifty of fifty-one: an attempt succeeds once in more than 1e20.
	size := slices.Repeat([]int64{1000}, 51)
	size[0] = 999
	hard, err := sampling.InclusionProbabilities(size, 50)
	if err != nil {
		t.Fatal(err)
	}
	var rejected *sampling.RejectedError
	if _, err := hard.Sampford(seed); !errors.As(err, &rejected) || rejected.Error() == "" {
		t.Errorf("Sampford of nearly all: %v", err)
	}
	for name, f := range map[string]func(){
		"a number below 0":       func() { seed.Source().Below(0) },
		"a shuffle of less":      func() { seed.Source().Shuffle(-1, nil) },
		"strata of two lengths":  func() { _, _ = sampling.AllocateWhole(1, []float64{1}, nil, 0) },
		"sizes of two lengths":   func() { sampling.NeymanSizes([]float64{1}, nil) },
		"costs of another count": func() { sampling.CostSizes([]float64{1}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			f()
		}()
	}
}
