package estimate_test

import (
	"slices"
	"strings"
	"testing"

	"chengyin/stats/weighting"
)

// auxiliaries returns the model matrix of R's columns.
func auxiliaries(t *testing.T, f *frame, names []string) [][]float64 {
	x := make([][]float64, f.rows)
	for _, name := range names {
		var v []float64
		switch level, text := strings.CutPrefix(name, "stype"); {
		case name == "(Intercept)":
			v = slices.Repeat([]float64{1}, f.rows)
		case text:
			v = event(t, f, "stype=="+level)
		default:
			v, _ = f.number(t, name)
		}
		for k := range x {
			x[k] = append(x[k], v[k])
		}
	}
	return x
}

func (r *run) calibrate(t *testing.T, from, out *design) {
	spec := out.spec
	x := auxiliaries(t, from.f, spec.Columns)
	opt := weighting.CalibrateOptions{Names: spec.Columns}
	switch spec.Calfun {
	case "raking":
		opt.Distance = weighting.Raking
	case "logit":
		opt.Distance = weighting.Logit
	}
	if spec.Bounds != nil {
		opt.Lower, opt.Upper = spec.Bounds[0], spec.Bounds[1]
	}
	if strings.HasPrefix(spec.Variance, "proportional") {
		opt.Q, _ = from.f.number(t, spec.Columns[0])
	}
	w, rep, err := weighting.Calibrate(from.d.Weights(), x, spec.Totals, opt)
	if spec.AggregateStage > 0 {
		cluster, _ := from.f.codes(t, from.spec.IDs[spec.AggregateStage-1])
		var c weighting.Clustered
		c, rep, err = weighting.CalibrateClusters(from.d.Weights(), x, cluster, spec.Totals, weighting.PlainMean, opt)
		w, x = c.W, c.X
	}
	if err != nil {
		t.Fatal(err)
	}
	if !(rep.Worst <= 1e-11) {
		t.Errorf("totals are off by %g after %d steps", rep.Worst, rep.Sweeps)
	}
	out.d, err = from.d.Calibrated(w, x, opt.Q)
	if err != nil {
		t.Fatal(err)
	}
}
