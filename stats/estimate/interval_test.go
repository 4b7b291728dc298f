package estimate_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"

	"pgregory.net/rapid"
)

var everyMethod = []estimate.Method{estimate.Wald, estimate.Logit, estimate.ArcSine, estimate.Wilson, estimate.Beta, estimate.BetaCapped, estimate.WilsonCapped}

func TestNoAnswersNoInterval(t *testing.T) {
	for _, m := range everyMethod {
		for _, c := range []struct {
			n  int
			df float64
		}{{0, 5}, {1, 5}, {20, 0}, {20, -1}} {
			if i, err := estimate.Proportion(m, 0.5, 0.01, c.n, c.df, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
				t.Errorf("%v with n = %d, df = %g: %v, %v", m, c.n, c.df, i, err)
			}
		}
	}
	for n := range 2 {
		if _, err := estimate.Borrowed(0.5, 0.01, n, 1.5, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
			t.Errorf("borrowed with n = %d: %v", n, err)
		}
		if _, err := estimate.PublishedProportion(0.5, 0.01, n, 3, 1.5, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
			t.Errorf("published with n = %d: %v", n, err)
		}
	}
}

func TestNobodyAndEverybodyAreNeverCertain(t *testing.T) {
	for _, p := range []float64{0, 1, 1 - 1e-16, 1 + 1e-16, -1e-17} {
		for _, n := range []int{2, 5, 100} {
			silent := []struct {
				name string
				i    estimate.Interval
				err  error
			}{}
			add := func(name string, i estimate.Interval, err error) {
				silent = append(silent, struct {
					name string
					i    estimate.Interval
					err  error
				}{name, i, err})
			}
			i, err := estimate.Proportion(estimate.BetaCapped, p, 0, n, 8, 0.95)
			add("beta capped", i, err)
			i, err = estimate.Proportion(estimate.WilsonCapped, p, 0, n, 8, 0.95)
			add("wilson capped", i, err)
			i, err = estimate.Borrowed(p, 0, n, 1.8, 0.95)
			add("borrowed", i, err)
			i, err = estimate.PublishedProportion(p, 0, n, 8, 1.8, 0.95)
			add("published", i, err)
			i, err = estimate.BoundedMean(p, 0, n, 8, 0.95)
			add("bounded mean", i, err)
			for _, s := range silent {
				if s.err != nil || !(s.i.Lower >= 0 && s.i.Upper <= 1 && s.i.Width() > 0.01) || p < 0.5 && s.i.Lower != 0 || p > 0.5 && s.i.Upper != 1 {
					t.Errorf("%s of p = %g, n = %d is %v, %v", s.name, p, n, s.i, s.err)
				}
			}
		}
		for _, m := range []estimate.Method{estimate.Logit, estimate.ArcSine, estimate.Wilson, estimate.Beta} {
			if _, err := estimate.Proportion(m, p, 0, 50, 8, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
				t.Errorf("%v of p = %g: %v", m, p, err)
			}
		}
	}
	// Nobody of five, in a simple random sample: up to one half.
	i, err := estimate.Proportion(estimate.BetaCapped, 0, 0, 5, 4, 0.95)
	if err != nil || math.Abs(i.Upper-0.5218237503) > 1e-9 {
		t.Errorf("0 of 5 is %v, %v", i, err)
	}
}

func TestBadNumbersAreRefusedByName(t *testing.T) {
	var fault *stats.ValueError
	for _, m := range everyMethod {
		for _, x := range [][2]float64{{math.NaN(), 1}, {-0.1, 1}, {1.1, 1}, {0.5, -1}, {0.5, math.NaN()}, {0.5, math.Inf(1)}} {
			if i, err := estimate.Proportion(m, x[0], x[1], 10, 9, 0.95); !errors.As(err, &fault) {
				t.Errorf("%v of p = %g, V = %g is %v, %v", m, x[0], x[1], i, err)
			}
		}
	}
	if _, err := estimate.Borrowed(0.5, 0.01, 10, math.NaN(), 0.95); !errors.As(err, &fault) || fault.What != "design effect" {
		t.Errorf("error is %v", err)
	}
	for _, x := range [][3]float64{{0.5, 0.01, math.NaN()}, {0.5, 0.01, math.Inf(1)}, {math.NaN(), 0.01, 1}, {0.5, -1, 1}} {
		if _, err := estimate.PublishedProportion(x[0], x[1], 10, 9, x[2], 0.95); !errors.As(err, &fault) {
			t.Errorf("p = %g, V = %g, design effect %g: %v", x[0], x[1], x[2], err)
		}
	}
	if _, err := estimate.TInterval(math.NaN(), 1, 5, 0.95); !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.TInterval(1, -1, 5, 0.95); !errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.TInterval(1, 1, 0, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
		t.Errorf("error is %v", err)
	}
}

func TestIntervalsAreSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		n := rapid.IntRange(2, 3000).Draw(t, "n")
		v := p * (1 - p) / float64(n) * rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.01, 5)).Draw(t, "deff")
		df := float64(rapid.IntRange(1, min(200, n-1)).Draw(t, "df")) // a design has no more than n - 1
		for _, m := range []estimate.Method{estimate.BetaCapped, estimate.WilsonCapped, estimate.Logit, estimate.Wilson, estimate.Beta} {
			i, err := estimate.Proportion(m, p, v, n, df, 0.95)
			if errors.Is(err, estimate.ErrNoInterval) && m != estimate.BetaCapped && m != estimate.WilsonCapped {
				continue
			}
			if err != nil || !(i.Lower >= -1e-12 && i.Lower <= p+1e-9 && p-1e-9 <= i.Upper && i.Upper <= 1+1e-12) {
				t.Fatalf("%v is %v, %v", m, i, err)
			}
			wide, err := estimate.Proportion(m, p, v, n, df, 0.99)
			if err != nil || wide.Lower > i.Lower+1e-9 || wide.Upper < i.Upper-1e-9 {
				t.Fatalf("%v at 0.99 is %v inside %v, %v", m, wide, i, err)
			}
			// The mirror image of the answers has the mirror image of the interval.
			if q, err := estimate.Proportion(m, 1-p, v, n, df, 0.95); err == nil && p > 1e-6 && p < 1-1e-6 &&
				(math.Abs(q.Lower-(1-i.Upper)) > 1e-8 || math.Abs(q.Upper-(1-i.Lower)) > 1e-8) {
				t.Fatalf("%v is %v, and mirrored %v", m, i, q)
			}
		}
		pub, err := estimate.PublishedProportion(p, v, n, int(df), 1.8, 0.95)
		if err != nil || !(pub.Lower >= 0 && pub.Lower <= p && p <= pub.Upper && pub.Upper <= 1) {
			t.Fatalf("published is %v, %v", pub, err)
		}
		wide, err := estimate.PublishedProportion(p, v, n, int(df), 1.8, 0.99)
		if err != nil || wide.Lower > pub.Lower+1e-9 || wide.Upper < pub.Upper-1e-9 {
			t.Fatalf("published at 0.99 is %v inside %v, %v", wide, pub, err)
		}
		b, err := estimate.Borrowed(p, v, n, 1.8, 0.95)
		if err != nil || !(b.Lower >= 0 && b.Lower <= p && p <= b.Upper && b.Upper <= 1) {
			t.Fatalf("borrowed is %v, %v", b, err)
		}
	})
}

func TestCompositeEdges(t *testing.T) {
	if c, err := estimate.Composite(0.4, 0, 0.4, 0); err != nil || c.Estimate != 0.4 || c.WeightProb != 1 || c.MSE != 0 {
		t.Errorf("two certain equal estimates give %+v, %v", c, err)
	}
	var fault *stats.ValueError
	if _, err := estimate.Composite(0.4, -1, 0.4, 0); !errors.As(err, &fault) || fault.What != "variance of the probability estimate" {
		t.Errorf("error is %v", err)
	}
	if _, err := estimate.Composite(0.4, 1, math.Inf(1), 0); !errors.As(err, &fault) || fault.What != "nonprobability estimate" {
		t.Errorf("error is %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		va, vb := rapid.Float64Range(0, 0.1).Draw(t, "va"), rapid.Float64Range(0, 0.1).Draw(t, "vb")
		c, err := estimate.Composite(a, va, b, vb)
		if err != nil || c.MSE > va+1e-15 || c.Estimate < min(a, b)-1e-15 || c.Estimate > max(a, b)+1e-15 {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}

// TestConstructorsNeverPanicOnBadNumbers feeds whatever numbers there are.
func TestConstructorsNeverPanicOnBadNumbers(t *testing.T) {
	bad := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, 2, math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e308, 1e-308}))
	rapid.Check(t, func(t *rapid.T) {
		s := estimate.Sums{N: bad.Draw(t, "N"), D: bad.Draw(t, "D"), DD: bad.Draw(t, "DD"), DY: bad.Draw(t, "DY"), DYY: bad.Draw(t, "DYY"), DDY: bad.Draw(t, "DDY"), DDYY: bad.Draw(t, "DDYY")}
		var one estimate.Sums
		one.Add(2, 3)
		tally, err := estimate.NewTally([]estimate.Cell{{PSU: 0, All: s, Y: []estimate.Sums{s}}, {PSU: 1, All: one, Y: []estimate.Sums{one}}}, 1, estimate.TallyOptions{})
		if err == nil {
			if m, err := tally.Mean(0, nil); err == nil && s.N == 0 && m.Estimate != 3 {
				t.Fatalf("mean of one answer is %+v", m)
			}
		}
		d, err := estimate.NewDesign(estimate.Spec{Rows: 2, Weight: []float64{bad.Draw(t, "w"), 1},
			Stages: []estimate.Stage{{Size: []float64{bad.Draw(t, "size"), bad.Draw(t, "size")}}}})
		if err != nil {
			return
		}
		_, _ = d.Mean([]float64{bad.Draw(t, "y"), 1}, nil)
	})
}
