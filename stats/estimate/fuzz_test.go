package estimate_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/weighting"
)

// FuzzDesign: no rows make a design or what is estimated from it panic.
func FuzzDesign(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		n := b.Below(16)
		spec := estimate.Spec{Rows: n, Weight: b.Floats(n), Nest: b.Below(2) == 1, Lonely: estimate.LonelyRule(b.Below(5))}
		for range 1 + b.Below(2) {
			s := estimate.Stage{}
			if b.Below(4) > 0 {
				s.Unit = b.Ints(n, 6)
			}
			if b.Below(4) > 0 {
				s.Stratum = b.Ints(n, 3)
			}
			if b.Below(4) == 0 {
				s.Size, s.PPS = b.Floats(n), b.Below(2) == 1
			}
			spec.Stages = append(spec.Stages, s)
		}
		d, err := estimate.NewDesign(spec)
		var fault *stats.ValueError
		if !golden.Finite(spec.Weight...) {
			if !errors.As(err, &fault) {
				t.Fatalf("weights %v: %v", spec.Weight, err)
			}
			return
		}
		if err != nil {
			return
		}
		y, x, in := b.Floats(n), b.Floats(n), b.Bools(n)
		use := func(d *estimate.Design) {
			var known []estimate.Linear
			for _, make := range []func() (estimate.Linear, error){
				func() (estimate.Linear, error) { return d.Mean(y, in) },
				func() (estimate.Linear, error) { return d.Total(y, in) },
				func() (estimate.Linear, error) { return d.Ratio(y, x, in) },
			} {
				l, err := make()
				if err != nil {
					continue
				}
				known = append(known, l)
				if e := d.Estimate(l); math.IsNaN(e.Value) || e.Var < 0 {
					t.Fatalf("%v in %v is %+v", y, in, e)
				}
				_, _ = d.Test(l, 0.95)
			}
			if len(known) > 1 {
				d.Estimate(estimate.Contrast([]float64{1, -1}, known[0], known[1]))
			}
			_, _ = d.Spread([][]float64{y, x}, in)
			if second := b.Bools(n); second != nil {
				_, _ = d.GroupTest(y, second, in, 0.95)
			}
			_, _ = d.Groups(y, b.Ints(n, 3), 3, in)
			for rule := range estimate.HF9 + 1 {
				_, _ = d.Quantiles(y, in, []float64{0, 0.5, 1}, rule, estimate.Wald, 0.95)
			}
			if table, err := d.Table(b.Ints(n, 2), b.Ints(n, 3), 2, 3, in); err == nil {
				if r, err := table.RaoScott(); err == nil && !(r.F.P >= 0 && r.F.P <= 1) {
					t.Fatalf("Rao-Scott %+v", r)
				}
				_, _ = table.Wald(true)
			}
		}
		use(d)
		class := b.Ints(n, 4)
		margins := []weighting.Margin{{Name: "a", Categories: []string{"0", "1"}, Targets: b.Floats(2)}}
		if raked, _, err := d.Rake(class, [][]int{{0}, {1}, {0}, {1}}, margins, weighting.Options{MaxSweeps: 30}); err == nil {
			use(raked)
		}
		if cal, err := d.Calibrated(spec.Weight, b.Rows(n, 2), nil); err == nil {
			use(cal)
		}
		for _, make := range []func() (*estimate.Replicates, error){
			func() (*estimate.Replicates, error) { return d.JK1(estimate.ReplicateOptions{}) },
			func() (*estimate.Replicates, error) { return d.JKn(estimate.ReplicateOptions{}) },
			func() (*estimate.Replicates, error) { return d.BRR(0, estimate.ReplicateOptions{}) },
			func() (*estimate.Replicates, error) {
				return d.Bootstrap(d.DrawBootstrap(1, 5), estimate.ReplicateOptions{MSE: true})
			},
			func() (*estimate.Replicates, error) {
				return estimate.NewReplicates(estimate.ReplicateSpec{Weight: spec.Weight, Replicate: b.Rows(2, n), Scale: b.Float()})
			},
		} {
			r, err := make()
			if err != nil {
				continue
			}
			all := estimate.Join(estimate.MeansOf(in, y), estimate.TotalsOf(in, y), estimate.RatioOf(in, y, x), estimate.QuantilesOf(in, y, 0, 0.5))
			if e, err := r.Estimate(all); err == nil {
				for j := range 4 {
					_, _ = e.Interval(j, 0.95)
					e.Percentile(j, 0.9)
				}
			}
		}
	})
}

// FuzzTally: no cells make a tally panic.
func FuzzTally(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		c := estimate.NewCollector(2, [2]int{0, 1})
		for range b.Below(30) {
			c.Add(b.Below(3), b.Below(7)-1, b.Below(4), b.Below(3), b.Float(), b.Floats(2))
		}
		cells := c.Cells()
		if len(cells) > 0 && b.Below(3) == 0 { // sums that are no sums
			v := b.Floats(7)
			cells[0].Y[0] = estimate.Sums{N: v[0], D: v[1], DD: v[2], DY: v[3], DYY: v[4], DDY: v[5], DDYY: v[6]}
			cells[0].Pairs[0].DYX = b.Float()
		}
		tally, err := estimate.NewTally(cells, 2, estimate.TallyOptions{Lonely: estimate.LonelyRule(b.Below(5))})
		if err != nil {
			return
		}
		use := func(tally *estimate.Tally) {
			tally.MeansBy(3, func(leaf int) int { return leaf })
			if m, err := tally.Mean(1, nil); err == nil && (math.IsNaN(m.Estimate) || m.Var < 0) {
				t.Fatalf("mean %+v", m)
			}
			if r, err := tally.Ratio(0, func(leaf int) bool { return leaf != 1 }); err == nil && (math.IsNaN(r.Estimate) || r.Var < 0) {
				t.Fatalf("ratio %+v", r)
			}
			tally.Weights()
		}
		use(tally)
		margins := []weighting.Margin{{Name: "a", Categories: []string{"0", "1"}, Targets: b.Floats(2)}}
		if raked, _, err := tally.Rake([][]int{{0}, {1}, {0}, {1}}, margins, weighting.Options{MaxSweeps: 30}); err == nil {
			use(raked)
		}
	})
}

// FuzzIntervals: no figures make an interval panic; all have their estimate
// inside and what is not finite is named.
func FuzzIntervals(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		p, v, n, df, deff := b.Float()/28, b.Float()/28, b.Below(256)-2, b.Below(100)-2, b.Float()
		level := []float64{0.5, 0.9, 0.95, 0.99}[b.Below(4)]
		var fault *stats.ValueError
		check := func(what string, i estimate.Interval, err error, numbers ...float64) {
			if !golden.Finite(numbers...) && !errors.As(err, &fault) {
				t.Fatalf("%s of %v: %v, %v", what, numbers, i, err)
			}
			if err == nil && !(i.Lower >= 0 && i.Lower <= p+1e-9 && p-1e-9 <= i.Upper && i.Upper <= 1) {
				t.Fatalf("%s of p = %g, V = %g, n = %d, df = %d, deff = %g: %v", what, p, v, n, df, deff, i)
			}
		}
		i, err := estimate.PublishedProportion(p, v, n, df, deff, level)
		check("published", i, err, p, v, deff)
		i, err = estimate.Borrowed(p, v, n, deff, level)
		check("borrowed", i, err, p, v, deff)
		i, err = estimate.Proportion(estimate.BetaCapped, p, v, n, float64(df), level)
		check("beta", i, err, p, v)
		i, err = estimate.BoundedMean(p, v, n, float64(df), level)
		check("bounded", i, err, p, v)
		for m := estimate.Wald; m <= estimate.WilsonCapped; m++ {
			_, _ = estimate.Proportion(m, p, v, n, b.Float(), level)
		}
		value, se := b.Float(), b.Float()
		if _, err := estimate.TInterval(value, se, b.Float(), level); !golden.Finite(value, se) && !errors.As(err, &fault) {
			t.Fatalf("%g +- %g: %v", value, se, err)
		}
		if _, err := estimate.Composite(value, se, p, v); !golden.Finite(value, se, p, v) && !errors.As(err, &fault) {
			t.Fatalf("composite of %g, %g, %g, %g: %v", value, se, p, v, err)
		}
		_, _ = estimate.NewTest(value, se, b.Float(), level)
		w := b.Floats(b.Below(9))
		_, _ = estimate.Quantile(b.Floats(len(w)), w, float64(b.Below(9))/8, estimate.QuantileRule(b.Below(11)))
	})
}
