package rank_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats"
	"chengyin/stats/internal/golden"
	"chengyin/stats/rank"
)

// FuzzCompare: no estimates make a comparison panic; ranks lie in their
// intervals, tiers hold everybody once, adjusted p-values are not smaller.
func FuzzCompare(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := golden.Bytes(data)
		k := b.Below(12)
		est, se := b.Floats(k), b.Floats(k)
		opt := rank.Options{Method: rank.Method(b.Below(4)), Level: []float64{0, 0.5, 0.9, 0.99}[b.Below(4)], DF: []float64{0, 3, 40, math.Inf(1)}[b.Below(4)]}
		c, err := rank.Compare(est, se, opt)
		var fault *stats.ValueError
		if (!golden.Finite(est...) || !golden.Finite(se...)) && !errors.As(err, &fault) {
			t.Fatalf("%v +- %v: %v", est, se, err)
		}
		if err == nil {
			for i, r := range c.Ranks() {
				if !(1 <= r.Lower && r.Lower <= r.Rank && r.Rank <= r.Upper && r.Upper <= k) {
					t.Fatalf("rank %+v of %d", r, k)
				}
				for j := range k {
					if c.Sign(i, j) != -c.Sign(j, i) {
						t.Fatalf("%d and %d differ both ways", i, j)
					}
				}
			}
			seen := make([]int, k)
			for _, tier := range c.Tiers() {
				for _, i := range tier {
					seen[i]++
				}
			}
			for i, n := range seen {
				if n != 1 {
					t.Fatalf("%d is in %d tiers", i, n)
				}
			}
			c.Alike()
		}
		p := b.Floats(b.Below(12))
		for i := range p {
			p[i] /= 28
		}
		for a := rank.Holm; a <= rank.None; a++ {
			q, err := rank.Adjust(a, p)
			if err != nil {
				if !errors.As(err, &fault) {
					t.Fatalf("%v of %v: %v", a, p, err)
				}
				continue
			}
			for i := range q {
				if q[i] < p[i] || q[i] > 1 {
					t.Fatalf("%v of %v is %v", a, p, q)
				}
			}
		}
	})
}
