package weighting_test

import (
	"errors"
	"math"
	"strconv"
	"testing"

	"chengyin/stats"
	"chengyin/stats/internal/golden"
	"chengyin/stats/weighting"
)

// FuzzWeights: no weights, margins or totals make the package panic; weights
// without an error are numbers and meet what they were to meet.
func FuzzWeights(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		n := b.Below(16)
		d := b.Floats(n)
		var margins []weighting.Margin
		for m := range b.Below(4) {
			k := 1 + b.Below(4)
			margin := weighting.Margin{Name: strconv.Itoa(m), Targets: b.Floats(k)}
			for c := range k {
				margin.Categories = append(margin.Categories, strconv.Itoa(c))
			}
			margins = append(margins, margin)
		}
		classes := 1 + b.Below(6)
		cat := make([][]int, classes)
		for c := range cat {
			for _, m := range margins {
				cat[c] = append(cat[c], b.Below(len(m.Targets)))
			}
		}
		var fault *stats.ValueError
		class := b.Ints(n, classes)
		w, rep, err := weighting.Rake(d, class, cat, margins, weighting.Options{MaxSweeps: 1 + b.Below(50)})
		switch {
		case err == nil && (!golden.Finite(w...) || !golden.Finite(d...) || !(rep.Worst <= 1e-8)):
			t.Fatalf("%v becomes %v, worst %g", d, w, rep.Worst)
		case err != nil && !golden.Finite(d...) && !errors.As(err, &fault):
			t.Fatalf("%v: %v", d, err)
		}
		_, _, _ = weighting.RakeClasses(b.Floats(classes), cat, margins, weighting.Options{})
		if len(margins) > 0 {
			first := make([]int, n)
			for i, c := range class {
				first[i] = cat[c][0]
			}
			if w, _, err := weighting.PostStratify(d, first, margins[0]); err == nil && !golden.Finite(w...) {
				t.Fatalf("%v becomes %v", d, w)
			}
		}
		p := b.Below(4)
		x, totals := b.Rows(n, p), b.Floats(p)
		opt := weighting.CalibrateOptions{Distance: weighting.Distance(b.Below(3)), Options: weighting.Options{MaxSweeps: 1 + b.Below(50)}}
		if b.Below(2) == 1 || opt.Distance == weighting.Logit {
			opt.Lower, opt.Upper = 0.2, 5
		}
		if b.Below(3) == 0 {
			opt.Q = b.Floats(n)
		}
		w, _, err = weighting.Calibrate(d, x, totals, opt)
		finite := golden.Finite(d...) && golden.Finite(totals...)
		for _, row := range x {
			finite = finite && golden.Finite(row...)
		}
		if err == nil && (!golden.Finite(w...) || !finite) {
			t.Fatalf("%v becomes %v", d, w)
		}
		if c, _, err := weighting.CalibrateClusters(d, x, b.Ints(n, 5), totals, weighting.ClusterMean(b.Below(2)), opt); err == nil && !golden.Finite(c.W...) {
			t.Fatalf("%v becomes %v", d, c.W)
		}
		if w, _, err := weighting.Trim(d, 1, 1+float64(b.Below(20)), b.Below(2) == 1); err == nil {
			var before, after float64
			for i := range d {
				before += d[i] / 16
				after += w[i] / 16
			}
			if !(math.Abs(before-after) <= 1e-9*before) {
				t.Fatalf("%v becomes %v", d, w)
			}
		}
		weighting.NewNormal(b.Floats(p*p), p).Solve(totals)
	})
}
