package sampling_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"chengyin/stats"
	"chengyin/stats/sampling"

	"pgregory.net/rapid"
)

// TestPublishedSizes: Cochran (1977), Sampling Techniques, 3rd ed., section 4.4:
// for p = 0.5 within 5 points at t = 2 (level 0.9545) 400 answers are needed.
func TestPublishedSizes(t *testing.T) {
	base := sampling.Plan{Margin: 0.05, P: 0.5, Population: math.Inf(1), Deff: 1, ResponseRate: 1, Level: 0.9544997361036416}
	n, err := sampling.Size(base)
	if err != nil || n.N != 400 || n.Invite != 400 {
		t.Errorf("%+v, %v", n, err)
	}
	half := base
	half.ResponseRate, half.Population = 0.5, 3200
	if n, err = sampling.Size(half); err != nil || n.N != 356 || n.Invite != 712 { // 400/(1+399/3200)
		t.Errorf("%+v, %v", n, err)
	}
	certain := base
	certain.P = 0
	if n, err = sampling.Size(certain); err != nil || n.N != 0 {
		t.Errorf("a proportion of 0 needs %+v, %v", n, err)
	}
	if e, err := sampling.Margin(400, 0.5, math.Inf(1), 1, base.Level); err != nil || math.Abs(e-0.05) > 1e-9 {
		t.Errorf("400 answers are good to %g, %v", e, err)
	}
	if e, err := sampling.Margin(400, 0.5, 400, 1, 0.95); err != nil || e != 0 {
		t.Errorf("everybody is asked: %g, %v", e, err)
	}
	// Fleiss, Levin & Paik (2003), without their continuity correction: 0.5
	// against 0.6 with power 0.8 needs 385 in each group.
	c := sampling.Change{P1: 0.5, P2: 0.6, Power: 0.8, Alpha: 0.05, Deff: 1}
	if n, err := sampling.ChangeSize(c); err != nil || n != 385 {
		t.Errorf("%d in each wave, %v", n, err)
	}
	if power, err := sampling.ChangePower(385, c); err != nil || math.Abs(power-0.8) > 2e-3 {
		t.Errorf("power %g, %v", power, err)
	}
}

// TestSizesFitTogether: what Size plans Margin finds again, and what ChangeSize
// plans has the power asked for, with one answer less not.
func TestSizesFitTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := sampling.Plan{Margin: rapid.Float64Range(0.01, 0.2).Draw(t, "e"), P: rapid.Float64Range(0.05, 0.95).Draw(t, "p"),
			Population: math.Inf(1), Deff: rapid.Float64Range(1, 4).Draw(t, "deff"), ResponseRate: 1, Level: rapid.Float64Range(0.5, 0.99).Draw(t, "level")}
		n, err := sampling.Size(p)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := sampling.Margin(n.N, p.P, p.Population, p.Deff, p.Level); err != nil || e > p.Margin*(1+1e-9) {
			t.Fatalf("%d answers are good to %g, want %g (%v)", n.N, e, p.Margin, err)
		}
		if n.N > 1 {
			if e, _ := sampling.Margin(n.N-1, p.P, p.Population, p.Deff, p.Level); e < p.Margin*(1-1e-9) {
				t.Fatalf("%d answers would do", n.N-1)
			}
		}
		c := sampling.Change{P1: p.P, P2: min(0.99, p.P+p.Margin), Power: rapid.Float64Range(0.5, 0.95).Draw(t, "power"), Alpha: 0.05,
			Deff: p.Deff, Overlap: rapid.Float64Range(0, 1).Draw(t, "overlap"), Rho: rapid.Float64Range(0, 0.9).Draw(t, "rho")}
		if c.P2-c.P1 < 0.005 {
			return
		}
		size, err := sampling.ChangeSize(c)
		if err != nil {
			t.Fatal(err)
		}
		if power, err := sampling.ChangePower(size, c); err != nil || power < c.Power-1e-6 {
			t.Fatalf("%d answers have the power %g, want %g (%v)", size, power, c.Power, err)
		}
	})
}

func TestPlansRefuse(t *testing.T) {
	plan := sampling.Plan{Margin: 0.05, P: 0.5, Population: 1000, Deff: 1, ResponseRate: 1, Level: 0.95}
	change := sampling.Change{P1: 0.5, P2: 0.6, Power: 0.8, Alpha: 0.05, Deff: 1}
	size := func(f func(*sampling.Plan)) error { p := plan; f(&p); _, err := sampling.Size(p); return err }
	power := func(f func(*sampling.Change)) error { c := change; f(&c); _, err := sampling.ChangeSize(c); return err }
	second := func(_ float64, err error) error { return err }
	for what, err := range map[string]error{
		"margin of error":               size(func(p *sampling.Plan) { p.Margin = 0 }),
		"population":                    size(func(p *sampling.Plan) { p.Population = 0 }),
		"response rate":                 size(func(p *sampling.Plan) { p.ResponseRate = 0 }),
		"level":                         size(func(p *sampling.Plan) { p.Level = 1 }),
		"number of invitations":         size(func(p *sampling.Plan) { p.Margin, p.Population = 1e-12, math.Inf(1) }),
		"first proportion":              power(func(c *sampling.Change) { c.P1 = math.NaN() }),
		"difference of the proportions": power(func(c *sampling.Change) { c.P2 = c.P1 }),
		"correlation":                   power(func(c *sampling.Change) { c.Rho = 2 }),
		"number of answers":             second(sampling.Margin(0, 0.5, 10, 1, 0.95)),
	} {
		var fault *stats.ValueError
		if !errors.As(err, &fault) || fault.What != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	var fault *stats.ValueError
	if err := power(func(c *sampling.Change) { c.P2 = c.P1 + 1e-12 }); !errors.As(err, &fault) || fault.What != "number of answers" {
		t.Error(err)
	}
	if _, err := sampling.ChangePower(0, change); !errors.As(err, &fault) {
		t.Error(err)
	}
	if _, err := sampling.ChangePower(5, sampling.Change{}); !errors.As(err, &fault) {
		t.Error(err)
	}
	if _, err := sampling.PlanDeff(0.5, 5, 0.1); !errors.As(err, &fault) || fault.What != "design effect of the weights" {
		t.Error(err)
	}
}

// TestWholeAllocationIsBest tries all others that are near.
func TestWholeAllocationIsBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 5).Draw(t, "strata")
		size, population := make([]float64, k), make([]int, k)
		least, most := 0, 0
		for h := range k {
			size[h], population[h] = rapid.Float64Range(0.1, 100).Draw(t, "size"), rapid.IntRange(2, 40).Draw(t, "population")
			least, most = least+2, most+population[h]
		}
		n := rapid.IntRange(least, most).Draw(t, "n")
		got, err := sampling.AllocateWhole(n, size, population, 2)
		if err != nil {
			t.Fatal(err)
		}
		sum := func(n []int) (s float64) {
			for h := range n {
				s += size[h] * size[h] / float64(n[h])
			}
			return s
		}
		for from := range k {
			for to := range k {
				if other := slices.Clone(got); from != to && other[from] > 2 && other[to] < population[to] {
					other[from]--
					other[to]++
					if sum(other) < sum(got)*(1-1e-12) {
						t.Fatalf("%v is better than %v", other, got)
					}
				}
			}
		}
	})
}

func TestAllocationsRefuse(t *testing.T) {
	var limits *sampling.AllocationError
	for _, n := range []int{3, 31} {
		if _, err := sampling.AllocateWhole(n, []float64{1, 1}, []int{10, 20}, 2); !errors.As(err, &limits) || limits.Least != 4 || limits.Most != 30 || limits.Error() == "" {
			t.Errorf("%d of 4 to 30: %v", n, err)
		}
	}
	var fault *stats.ValueError
	for what, f := range map[string]func() error{
		"size of the stratum":       func() error { _, err := sampling.AllocateWhole(3, []float64{-1}, []int{5}, 0); return err },
		"minimum":                   func() error { _, err := sampling.AllocateWhole(3, []float64{1}, []int{5}, -1); return err },
		"population of the stratum": func() error { _, err := sampling.AllocateWhole(3, []float64{1}, []int{-5}, 0); return err },
		"sample size":               func() error { _, err := sampling.Allocate(math.NaN(), []float64{1}); return err },
		"largest size of a stratum": func() error { _, err := sampling.Allocate(3, []float64{0}); return err },
	} {
		if err := f(); !errors.As(err, &fault) || fault.What != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := sampling.AllocateWhole(3, []float64{1}, []int{math.MaxInt64}, 0); !errors.As(err, &fault) {
		t.Errorf("people beyond counting: %v", err)
	}
	if _, err := sampling.Allocate(3, []float64{math.Inf(1)}); !errors.As(err, &fault) {
		t.Errorf("an infinite stratum: %v", err)
	}
	if n, err := sampling.AllocateWhole(3, []float64{0, 1}, []int{5, 2}, 0); err != nil || !slices.Equal(n, []int{1, 2}) {
		t.Errorf("a stratum of size 0 takes what is left over: %v, %v", n, err)
	}
}
