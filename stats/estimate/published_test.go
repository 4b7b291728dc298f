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
	want, _ := estimate.Borrowed(1, 0, 5, 1.5, 0.95)
	if err != nil || i != want || i.Upper != 1 || i.Lower > 0.5 {
		t.Errorf("5 of 5 is %v, %v, want %v", i, err, want)
	}
}
