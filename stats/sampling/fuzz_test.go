package sampling_test

import (
	"testing"

	"chengyin/stats/internal/golden"
	"chengyin/stats/sampling"
)

// FuzzPlans: no numbers make a plan, an allocation or a draw panic, and what
// comes out without an error is a plan.
func FuzzPlans(f *testing.F) {
	for _, b := range golden.Seeds() {
		f.Add(b, "0123456789abcdef0123456789abcdef")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		b := golden.Bytes(data)
		share := func() float64 { return b.Float() / 28 }
		p := sampling.Plan{Margin: share(), P: share(), Population: 1000 * b.Float(), Deff: b.Float(), ResponseRate: share(), Level: share()}
		if n, err := sampling.Size(p); err == nil && !(n.N >= 0 && n.Invite >= n.N && golden.Finite(n.Exact)) {
			t.Fatalf("%+v needs %+v", p, n)
		}
		if e, err := sampling.Margin(b.Below(256), share(), b.Float(), b.Float(), share()); err == nil && !(e >= 0) {
			t.Fatalf("margin %g", e)
		}
		c := sampling.Change{P1: share(), P2: share(), Power: share(), Alpha: share(), Deff: b.Float(), Overlap: share(), Rho: share()}
		if n, err := sampling.ChangeSize(c); err == nil && n < 0 {
			t.Fatalf("%+v needs %d", c, n)
		}
		if power, err := sampling.ChangePower(b.Below(256), c); err == nil && !(power >= 0 && power <= 1) {
			t.Fatalf("%+v has the power %g", c, power)
		}
		if d, err := sampling.PlanDeff(b.Float(), b.Float(), share()); err == nil && !golden.Finite(d.Total, d.Cluster) {
			t.Fatalf("design effect %+v", d)
		}
		k := b.Below(12)
		size, want := b.Floats(k), b.Float()
		if n, err := sampling.Allocate(want, size); err == nil && (len(n) != k || !golden.Finite(n...) || !golden.Finite(size...)) {
			t.Fatalf("%g over %v is %v", want, size, n)
		}
		whole, least, most := b.Below(200), b.Below(4), b.Ints(k, 100)
		if n, err := sampling.AllocateWhole(whole, size, most, least); err == nil {
			sum := 0
			for h, x := range n {
				if sum += x; x > most[h] {
					t.Fatalf("%d of %d in stratum %d", x, most[h], h)
				}
			}
			if sum != whole {
				t.Fatalf("%d allocated, want %d", sum, whole)
			}
		}
		sampling.NeymanSizes(size, size)
		sampling.CostSizes(size, size)
		sampling.PowerSizes(size, share())
		seed, err := sampling.ParseSeed(text)
		if err != nil {
			seed = sampling.Seed{Hi: uint64(whole), Lo: uint64(least)}
		} else if back, err := sampling.ParseSeed(seed.String()); err != nil || back != seed {
			t.Fatalf("%q becomes %v, %v", text, back, err)
		}
		units, n := b.Below(200)-20, b.Below(60)-5
		for _, draw := range []func(sampling.Seed, int, int) (sampling.Sample, error){sampling.Simple, sampling.Systematic} {
			if s, err := draw(seed.For(text), units, n); err == nil {
				checkSample(t, s, units, n)
			}
		}
		sizes := make([]int64, k)
		for i := range sizes {
			sizes[i] = int64(b.Byte()) - 3
			if b.Below(16) == 15 {
				sizes[i] <<= 55
			}
		}
		pps, err := sampling.InclusionProbabilities(sizes, n)
		if err != nil {
			return
		}
		checkSample(t, pps.Systematic(seed), k, n)
		checkSample(t, pps.RandomSystematic(seed), k, n)
		if s, err := pps.Sampford(seed); err == nil {
			checkSample(t, s, k, n)
		}
	})
}

// checkSample holds for all draws: n units in order, none twice.
func checkSample(t *testing.T, s sampling.Sample, units, n int) {
	t.Helper()
	if len(s.Units) != n || len(s.Prob) != n {
		t.Fatalf("%d units with %d probabilities, want %d", len(s.Units), len(s.Prob), n)
	}
	for i, u := range s.Units {
		if u < 0 || u >= units || i > 0 && u <= s.Units[i-1] || !(s.Prob[i] > 0 && s.Prob[i] <= 1) {
			t.Fatalf("units %v with %v", s.Units, s.Prob)
		}
	}
	for i, w := range s.Weights() {
		if w != 1/s.Prob[i] {
			t.Fatalf("weight %g for %g", w, s.Prob[i])
		}
	}
}
