package weight_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chengyin/stats"
	"chengyin/survey/weight"
)

// psu is one in a community, with weights that are numbers of households.
func psu(area, id string, drawn, eligible, not, unknown, answered float64) weight.PSU {
	return weight.PSU{Stratum: area, PSU: id, Area: area, Drawn: drawn, Settled: drawn, Eligible: eligible, NotEligible: not, Unknown: unknown, Answered: answered, N: int(answered)}
}

func factors(t testing.TB, opt weight.Options, psus ...weight.PSU) weight.Result {
	t.Helper()
	r, err := weight.Factors(psus, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	a = "990102001001"
	b = "990102001002"
	c = "990102002001"
)

func TestFactors(t *testing.T) {
	near := func(t *testing.T, r weight.Result, area, id string, want float64) {
		t.Helper()
		if got := r.Of(area, id); math.Abs(got-want) > 1e-12 {
			t.Errorf("PSU %s of %s has the factor %v, want %v", id, area, got, want)
		}
	}
	t.Run("where all answered the factor is 1", func(t *testing.T) {
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 8)), a, "1", 1)
	})
	t.Run("who answered stands for who refused", func(t *testing.T) {
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 6)), a, "1", 8.0/6)
	})
	t.Run("a reserve that answered in the place of a refusal makes no more of the building", func(t *testing.T) {
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 9, 0, 0, 8)), a, "1", 1)
	})
	t.Run("vacant homes are not stood for", func(t *testing.T) {
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 6, 2, 0, 6)), a, "1", 1)
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 8, 2, 0, 8)), a, "1", 0.8) // two of the reserve
	})
	t.Run("of the unknown the share e of the known is eligible", func(t *testing.T) {
		// e = 8/10, s = (8 + 0.8·2)/12
		near(t, factors(t, weight.Options{}, psu(a, "1", 12, 8, 2, 2, 8)), a, "1", 12*(8+1.6)/12/8)
	})
	t.Run("the buildings of a community share a factor", func(t *testing.T) {
		r := factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 8), psu(a, "2", 8, 8, 0, 0, 2))
		near(t, r, a, "1", 1.6)
		near(t, r, a, "2", 1.6)
	})
	t.Run("a building counts as far as it is done, and wholly at the end", func(t *testing.T) {
		idle := psu(a, "2", 8, 0, 0, 0, 0)
		idle.Settled, idle.Untouched = 0, 8
		half := psu(b, "3", 8, 5, 1, 0, 5)
		half.Settled, half.Waiting, half.Untouched = 6, 1, 1
		r := factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 8), idle, half)
		near(t, r, a, "1", 1)
		near(t, r, a, "2", 1)
		near(t, r, b, "3", 1)
		e := 14.0 / 15
		r = factors(t, weight.Options{Ended: true}, psu(a, "1", 8, 8, 0, 0, 8), idle, half)
		near(t, r, a, "1", (8+8*e)/8)
		near(t, r, b, "3", 8*(6+e)/8/5)
		if got := r.Report.RR3; math.Abs(got-13/(14+9*e)) > 1e-12 {
			t.Errorf("RR3 is %v", got)
		}
	})
	t.Run("a household is what its visits add up to", func(t *testing.T) {
		for _, c := range []struct {
			standing weight.Standing
			want     weight.PSU
		}{
			{weight.Standing{Outcome: "1.1", Visited: true, Answered: true}, weight.PSU{Drawn: 3, Settled: 3, Eligible: 3, Answered: 3, N: 1}},
			{weight.Standing{Outcome: "1.1", Visited: true}, weight.PSU{Drawn: 3, Settled: 3, Eligible: 3}},                 // deleted again
			{weight.Standing{Open: true, Answered: true}, weight.PSU{Drawn: 3, Settled: 3, Eligible: 3, Answered: 3, N: 1}}, // no record of a visit
			{weight.Standing{Outcome: "2.11", Visited: true}, weight.PSU{Drawn: 3, Settled: 3, Eligible: 3}},
			{weight.Standing{Outcome: "2.24", Visited: true, Open: true}, weight.PSU{Drawn: 3, Waiting: 3}},
			{weight.Standing{Outcome: "2.24", Visited: true}, weight.PSU{Drawn: 3, Settled: 3, Eligible: 3}},
			{weight.Standing{Outcome: "3.21", Visited: true, Open: true}, weight.PSU{Drawn: 3, Doubtful: 3}},
			{weight.Standing{Outcome: "3.18", Visited: true}, weight.PSU{Drawn: 3, Settled: 3, Unknown: 3}},
			{weight.Standing{Outcome: "4.61", Visited: true}, weight.PSU{Drawn: 3, Settled: 3, NotEligible: 3}},
			{weight.Standing{Outcome: "3.11", Open: true}, weight.PSU{Drawn: 3, Untouched: 3}},
			{weight.Standing{Open: true, Reserve: true}, weight.PSU{}},
			{weight.Standing{Outcome: "2.11", Visited: true, Reserve: true}, weight.PSU{Eligible: 3}},
		} {
			var got weight.PSU
			if got.Add(c.standing, 1, 3); got != c.want {
				t.Errorf("%+v adds %+v, want %+v", c.standing, got, c.want)
			}
		}
	})
	t.Run("few answers are joined in the subdistrict first", func(t *testing.T) {
		r := factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 2), psu(b, "2", 8, 8, 0, 0, 6), psu(c, "3", 8, 8, 0, 0, 8))
		near(t, r, a, "1", 2)
		near(t, r, b, "2", 2)
		near(t, r, c, "3", 1)
		if r.Report.Cells != 3 || r.Report.Classes != 2 || fmt.Sprint(r.Report.Joined) != "["+a+"+"+b+"]" || r.Report.Largest != 2 || r.Report.Smallest != 1 {
			t.Errorf("%+v", r.Report)
		}
	})
	t.Run("without field work it is 1", func(t *testing.T) {
		r := factors(t, weight.Options{})
		near(t, r, a, "1", 1)
		near(t, factors(t, weight.Options{}, psu(a, "1", 8, 8, 0, 0, 5)), a, "another", 1)
	})
	t.Run("numbers that cannot be are refused", func(t *testing.T) {
		var value *stats.ValueError
		if _, err := weight.Factors([]weight.PSU{psu(a, "1", math.Inf(1), 8, 0, 0, 8)}, weight.Options{}); !errors.As(err, &value) {
			t.Error(err)
		}
	})
}

// TestFactorsKeepWhatTheyStandFor: adjusted, those interviewed add up to all that
// should have been, whatever the order and the unit of weights.
func TestFactorsKeepWhatTheyStandFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var psus []weight.PSU
		should, eligible, known := 0.0, 0.0, 0.0
		for i := range rapid.IntRange(1, 20).Draw(t, "PSUs") {
			base := rapid.Float64Range(1, 200).Draw(t, "base")
			n := func(what string, most int) float64 { return float64(rapid.IntRange(0, most).Draw(t, what)) }
			area := rapid.SampledFrom([]string{a, b, c}).Draw(t, "area")
			answered, refused := n("answered", 9), n("refused", 5)
			p := weight.PSU{Stratum: area, PSU: fmt.Sprint(i), Area: area, Drawn: base * 20, Settled: base * (1 + n("settled", 9)), Eligible: base * (answered + refused),
				NotEligible: base * n("vacant", 3), Unknown: base * n("unknown", 3), Answered: base * answered, N: int(answered)}
			psus = append(psus, p)
			eligible, known = eligible+p.Eligible, known+p.Eligible+p.NotEligible
		}
		e := 1.0
		if known > 0 {
			e = eligible / known
		}
		some := 0
		for _, p := range psus {
			some += p.N
			if worked := p.Eligible + p.NotEligible + p.Unknown; worked > 0 {
				should += p.Settled * (p.Eligible + e*p.Unknown) / worked
			}
		}
		sum := func(psus []weight.PSU) float64 {
			r, err := weight.Factors(psus, weight.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := 0.0
			for _, p := range psus {
				s += r.Of(p.Stratum, p.PSU) * p.Answered
			}
			return s
		}
		if got := sum(psus); some > 0 && math.Abs(got-should) > 1e-9*should {
			t.Fatalf("those interviewed stand for %v of %v", got, should)
		}
		back := slices.Clone(psus)
		slices.Reverse(back)
		if x, y := sum(psus), sum(back); math.Abs(x-y) > 1e-9*x {
			t.Fatalf("in another order %v becomes %v", x, y)
		}
	})
}
