package estimate_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats/estimate"
)

// community is a tally of one PSU of five people beside a district of thirty.
func community(t *testing.T, scores ...float64) (small, district estimate.CellMean) {
	t.Helper()
	var cells []estimate.Cell
	for psu := range 31 {
		c := estimate.Cell{PSU: psu, Leaf: psu, Y: make([]estimate.Sums, 1)}
		y := scores
		if psu > 0 {
			y = []float64{float64(psu%7) * 10, 50, 90 - float64(psu%5)*10}
		}
		for _, x := range y {
			c.All.Add(1, 0)
			c.Y[0].Add(1, x)
		}
		cells = append(cells, c)
	}
	tally, err := estimate.NewTally(cells, 1, estimate.TallyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if small, err = tally.Mean(0, func(leaf int) bool { return leaf == 0 }); err != nil {
		t.Fatal(err)
	}
	if district, err = tally.Mean(0, nil); err != nil {
		t.Fatal(err)
	}
	return small, district
}

func TestScoreInterval(t *testing.T) {
	for name, scores := range map[string][]float64{
		"answers that differ": {60, 70, 80, 75, 65}, "answers that are equal": {70, 70, 70},
		"everybody at the top": {100, 100, 100, 100}, "everybody at the bottom": {0, 0}, "two answers": {55, 95},
	} {
		t.Run(name, func(t *testing.T) {
			small, district := community(t, scores...)
			if small.SE > 1e-12 {
				t.Fatalf("SE of a single PSU is %g", small.SE)
			}
			i, err := small.ScoreInterval(0, 100, district.Deff, 0.95)
			if err != nil || !(i.Lower >= 0 && i.Upper <= 100 && i.Lower <= small.Estimate && small.Estimate <= i.Upper && i.Width() > 5) {
				t.Errorf("mean %g has the interval %v, %v", small.Estimate, i, err)
			}
		})
	}
	one, district := community(t, 70)
	if i, err := one.ScoreInterval(0, 100, district.Deff, 0.95); !errors.Is(err, estimate.ErrNoInterval) {
		t.Errorf("one answer has the interval %v, %v", i, err)
	}
	if _, err := one.ScoreInterval(0, 1, 1, 0.95); err == nil {
		t.Error("a mean above its largest value has an interval")
	}
	i, err := district.ScoreInterval(0, 100, 1, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	// In the middle of the scale the logit interval is nearly the usual one.
	usual, _ := estimate.TInterval(district.Estimate, district.SE, float64(district.DF), 0.95)
	if math.Abs(i.Lower-usual.Lower) > 0.1 || math.Abs(i.Upper-usual.Upper) > 0.1 {
		t.Errorf("district %v, usual %v", i, usual)
	}
}

func TestProportionInterval(t *testing.T) {
	small, _ := community(t, 1, 1, 1, 1, 1)
	i, err := small.ProportionInterval(1.5, 0.95)
	want, _ := estimate.PublishedProportion(1, 0, 5, 0, 1.5, 0.95)
	if err != nil || i != want || i.Upper != 1 || i.Lower > 0.5 {
		t.Errorf("5 of 5 is %v, %v, want %v", i, err, want)
	}
}

// TestPublishedProportion compares with intervals computed by other means.
func TestPublishedProportion(t *testing.T) {
	near := func(t *testing.T, got estimate.Interval, err error, lower, upper, tol float64) {
		t.Helper()
		if err != nil || math.Abs(got.Lower-lower) > tol || math.Abs(got.Upper-upper) > tol {
			t.Errorf("got %v, %v, want %v to %v", got, err, lower, upper)
		}
	}
	srs := func(x, n int) (estimate.Interval, error) {
		p := float64(x) / float64(n)
		return estimate.PublishedProportion(p, p*(1-p)/float64(n), n, n-1, 1, 0.95)
	}
	t.Run("in a simple random sample it is Wilson's, as published by Newcombe (1998)", func(t *testing.T) {
		// Stat. Med. 17, 857-872, table I, method 3: 81/263, 15/148, 0/20.
		i, err := srs(81, 263)
		near(t, i, err, 0.2553, 0.3662, 5e-5)
		i, err = srs(15, 148)
		near(t, i, err, 0.0624, 0.1605, 5e-5)
		i, err = srs(0, 20)
		near(t, i, err, 0, 0.1611, 5e-5)
	})
	t.Run("for one and two of fifty the lower limit is a Poisson limit", func(t *testing.T) {
		// chi-square quantiles at 0.05: 0.102587 with 2 and 0.710723 with 4 degrees of freedom.
		i, err := srs(1, 50)
		near(t, i, err, 0.102587/2/50, 0.104954, 1e-6)
		i, err = srs(2, 50)
		near(t, i, err, 0.710723/2/50, 0.134601, 1e-6)
		i, err = srs(49, 50)
		near(t, i, err, 1-0.104954, 1-0.102587/2/50, 1e-6)
		i, err = srs(3, 50) // Wilson's own again
		near(t, i, err, 0.020615, 0.162171, 1e-6)
	})
	t.Run("with few degrees of freedom or few answers of a kind the wave's design effect counts", func(t *testing.T) {
		own, _ := estimate.PublishedProportion(0.3, 0.004, 100, 8, 3, 0.95)
		for name, x := range map[string]struct {
			p     float64
			n, df int
		}{"seven degrees of freedom": {0.3, 100, 7}, "nine who said yes": {0.09, 100, 50}, "nine who said no": {0.91, 100, 50}} {
			i, err := estimate.PublishedProportion(x.p, 1e-5, x.n, x.df, 3, 0.95)
			m, srs := float64(x.n)/3, x.p*(1-x.p)/float64(x.n)
			w, _ := estimate.Proportion(estimate.Wilson, x.p, 3*srs, x.n, math.Inf(1), 0.95)
			if err != nil || math.Abs(i.Lower-w.Lower) > 1e-12 || math.Abs(i.Upper-w.Upper) > 1e-12 {
				t.Errorf("%s: %v, %v, want %v for %.1f answers", name, i, err, w, m)
			}
		}
		if borrowed, _ := estimate.PublishedProportion(0.3, 0.004, 100, 7, 3, 0.95); borrowed == own {
			t.Error("eight degrees of freedom change nothing")
		}
	})
	t.Run("an effect below 1 does not make the sample larger", func(t *testing.T) {
		a, _ := estimate.PublishedProportion(0, 0, 30, 3, 0.2, 0.95)
		b, _ := estimate.PublishedProportion(0, 0, 30, 3, 1, 0.95)
		if a != b {
			t.Errorf("%v, want %v", a, b)
		}
	})
}
