package weighting_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

func TestCalibrateClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 30).Draw(t, "n")
		d, x, cluster, single := make([]float64, n), make([][]float64, n), make([]int, n), make([]int, n)
		totals := []float64{0, 0}
		for k := range d {
			d[k] = rapid.Float64Range(1, 5).Draw(t, "d")
			x[k] = []float64{1, rapid.Float64Range(0, 10).Draw(t, "x")}
			cluster[k], single[k] = 7*(k/3), k
			totals[0] += 1.1 * d[k]
			totals[1] += 1.12 * d[k] * x[k][1]
		}
		got, rep, err := weighting.CalibrateClusters(d, x, cluster, totals, weighting.WeightedMean, weighting.CalibrateOptions{})
		if err != nil {
			t.Skip("totals that cannot be met")
		}
		if rep.Worst > 1e-8 {
			t.Fatalf("totals are off by %g", rep.Worst)
		}
		var sum [2]float64
		for k, w := range got.W {
			if first := k / 3 * 3; math.Abs(w/d[k]-got.W[first]/d[first]) > 1e-12 {
				t.Fatalf("factors %v and %v in a cluster", w/d[k], got.W[first]/d[first])
			}
			sum[0] += w
			sum[1] += w * x[k][1]
		}
		for j := range sum {
			if math.Abs(sum[j]/totals[j]-1) > 1e-7 {
				t.Fatalf("total %d is %v, want %v", j, sum[j], totals[j])
			}
		}
		for _, how := range []weighting.ClusterMean{weighting.WeightedMean, weighting.PlainMean} {
			alone, _, err := weighting.CalibrateClusters(d, x, single, totals, how, weighting.CalibrateOptions{})
			if err != nil {
				t.Skip("totals that cannot be met")
			}
			want, _, err := weighting.Calibrate(d, x, totals, weighting.CalibrateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for k := range want {
				if math.Abs(alone.W[k]-want[k]) > 1e-8*(1+math.Abs(want[k])) {
					t.Fatalf("clusters of one: weight %v, without clusters %v", alone.W[k], want[k])
				}
			}
		}
	})
}

func TestCalibrateClustersRefuses(t *testing.T) {
	var fault *stats.ValueError
	_, _, err := weighting.CalibrateClusters([]float64{1, math.NaN()}, [][]float64{{1}, {1}}, []int{1, 1}, []float64{3}, weighting.WeightedMean, weighting.CalibrateOptions{})
	if !errors.As(err, &fault) || fault.Row != 1 {
		t.Errorf("error is %v", err)
	}
	var off *weighting.ConvergenceError
	_, _, err = weighting.CalibrateClusters([]float64{1, 1}, [][]float64{{1, 0}, {1, 1}}, []int{1, 1}, []float64{2, 2}, weighting.WeightedMean, weighting.CalibrateOptions{})
	if !errors.As(err, &off) {
		t.Errorf("error is %v", err)
	}
	c, _, err := weighting.CalibrateClusters([]float64{0, 0, 2}, [][]float64{{1}, {1}, {1}}, []int{1, 1, 2}, []float64{3}, weighting.WeightedMean, weighting.CalibrateOptions{})
	if err != nil || c.W[0] != 0 || math.Abs(c.W[2]-3) > 1e-12 {
		t.Errorf("weights %v, error %v", c.W, err)
	}
}
