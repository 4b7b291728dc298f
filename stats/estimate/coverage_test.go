package estimate_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// TestCoverage draws a thousand samples of 40 buildings whose answers depend on
// the building and on an age group that answers too often. The population mean
// is 60. The interval after raking has to cover it about 95 times in 100, and
// the standard error has to be as large as the estimates scatter.
func TestCoverage(t *testing.T) {
	const samples = 1000
	src := rand.New(rand.NewPCG(20240601, 1))
	margins := []weighting.Margin{{Name: "age", Categories: []string{"young", "old"}, Targets: []float64{500, 500}}}
	covered, biased := 0, 0
	var sum, sumSq, sumV float64
	for range samples {
		cells := []estimate.Cell{}
		for psu := range 40 {
			home := src.NormFloat64() * 6
			first := len(cells)
			for age := range 2 {
				cells = append(cells, estimate.Cell{Stratum: psu / 10, PSU: psu, Class: age, Y: make([]estimate.Sums, 1)})
			}
			for range 6 {
				age, mean := 0, 50.0
				if src.Float64() < 0.7 {
					age, mean = 1, 70
				}
				c := &cells[first+age]
				d := 1 + src.Float64()
				c.All.Add(d, 0)
				c.Y[0].Add(d, mean+home+src.NormFloat64()*10)
			}
		}
		tally, err := estimate.NewTally(cells, 1, estimate.TallyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hit := func(tally *estimate.Tally) (estimate.CellMean, bool) {
			m, err := tally.Mean(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			i, err := estimate.TInterval(m.Estimate, m.SE, float64(m.DF), 0.95)
			if err != nil {
				t.Fatal(err)
			}
			return m, i.Lower <= 60 && 60 <= i.Upper
		}
		if _, ok := hit(tally); ok {
			biased++
		}
		raked, _, err := tally.Rake([][]int{{0}, {1}}, margins, weighting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, ok := hit(raked)
		if ok {
			covered++
		}
		sum += m.Estimate
		sumSq += (m.Estimate - 60) * (m.Estimate - 60)
		sumV += m.Var
	}
	scatter, said := math.Sqrt(sumSq/samples), math.Sqrt(sumV/samples)
	t.Logf("covered %d of %d after raking and %d before; scatter %.3f, standard error %.3f", covered, samples, biased, scatter, said)
	if covered < 930 || covered > 970 {
		t.Errorf("covered %d of %d", covered, samples)
	}
	if biased > 500 {
		t.Errorf("unraked intervals cover %d of %d: the test has lost its point", biased, samples)
	}
	if math.Abs(said/scatter-1) > 0.06 || math.Abs(sum/samples-60) > 0.15 {
		t.Errorf("mean %.3f, scatter %.3f, standard error %.3f", sum/samples, scatter, said)
	}
}
