package sampling_test

import (
	"math"
	"slices"
	"testing"

	"chengyin/stats/internal/golden"
	"chengyin/stats/sampling"
)

func TestMain(m *testing.M) { golden.Main(m, "sampling") }

// TestReferenceCase is case p32: sizes, changes and allocations in R.
func TestReferenceCase(t *testing.T) {
	c := golden.Own(t, "p32-planning")
	com := c.Frame(t, "com")
	c.Each(t, func(t *testing.T, q golden.Query) {
		num := func(name string) float64 { return golden.Float(t, q.Args[name]) }
		switch q.Stat {
		case "sample_size":
			n, err := sampling.Size(sampling.Plan{
				Margin: num("e"), P: num("p"), Population: num("N"), Deff: num("deff"),
				ResponseRate: num("response_rate"), Level: num("level"),
			})
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "n0", n.N0, q.Expected["n0"], q.RelTol)
			golden.Check(t, "exact", n.Exact, q.Expected["n_exact"], q.RelTol)
			golden.Check(t, "n", float64(n.N), q.Expected["n"], 0)
			golden.Check(t, "invite", float64(n.Invite), q.Expected["invite"], 0)
		case "moe":
			e, err := sampling.Margin(int(num("n")), num("p"), num("N"), num("deff"), 0.95)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "margin", e, q.Expected["value"], q.RelTol)
		case "sample_size_difference":
			n, err := sampling.ChangeSize(sampling.Change{
				P1: num("p1"), P2: num("p2"), Power: num("power"), Alpha: num("alpha"),
				Deff: num("deff"), Overlap: num("overlap"), Rho: num("rho"),
			})
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "n", float64(n), q.Expected["value"], 0)
		case "deff_planning":
			d, err := sampling.PlanDeff(num("kish"), num("b"), num("roh"))
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "cluster", d.Cluster, q.Expected["cluster"], q.RelTol)
			golden.Check(t, "total", d.Total, q.Expected["total"], q.RelTol)
		case "allocation":
			checkAllocation(t, com, q)
		default:
			t.Fatalf("nothing computes %s", q.Stat)
		}
	})
}

// subdistricts returns the adults of each and the standard deviation of a rate.
func subdistricts(t *testing.T, com *golden.Frame) (pop, sd []float64) {
	name := com.Text(t, "subdistrict")
	names := slices.Clone(name)
	slices.Sort(names)
	names = slices.Compact(names)
	pop, sd = make([]float64, len(names)), make([]float64, len(names))
	n, p := com.Number(t, "N"), com.Number(t, "true_aware")
	for i, s := range name {
		h, _ := slices.BinarySearch(names, s)
		pop[h] += n[i]
		sd[h] += n[i] * p[i]
	}
	for h := range sd {
		p := sd[h] / pop[h]
		sd[h] = math.Sqrt(p * (1 - p))
	}
	return pop, sd
}

func checkAllocation(t *testing.T, com *golden.Frame, q golden.Query) {
	t.Helper()
	pop, sd := subdistricts(t, com)
	adults, rate := com.Number(t, "N"), com.Number(t, "true_aware")
	spread := make([]float64, len(rate))
	for i, p := range rate {
		spread[i] = math.Sqrt(p * (1 - p))
	}
	n := golden.Float(t, q.Args["n"])
	inReals := func(size []float64) {
		got, err := sampling.Allocate(n, size)
		if err != nil {
			t.Fatal(err)
		}
		golden.CheckList(t, "n", got, q.Expected["n_real"], q.RelTol)
	}
	inWhole := func(size, population []float64, least int) {
		cap := make([]int, len(population))
		for h, v := range population {
			cap[h] = int(v)
		}
		got, err := sampling.AllocateWhole(int(n), size, cap, least)
		if err != nil {
			t.Fatal(err)
		}
		real := make([]float64, len(got))
		for h, v := range got {
			real[h] = float64(v)
		}
		golden.CheckList(t, "n", real, q.Expected["n"], 0)
	}
	neyman := sampling.NeymanSizes(pop, sd)
	switch q.Name {
	case "proportional_1000":
		golden.CheckList(t, "N", pop, q.Expected["N"], 0)
		inReals(pop)
	case "neyman_1000":
		golden.CheckList(t, "S", sd, q.Expected["S"], q.RelTol)
		inReals(neyman)
	case "neyman_1000_integer":
		inWhole(neyman, pop, 2)
	case "neyman_cost":
		inReals(sampling.CostSizes(neyman, golden.Floats(t, q.Args["cost"])))
	case "communities_2400_min10":
		inWhole(sampling.NeymanSizes(adults, spread), adults, 10)
	case "power_half_2400":
		inReals(sampling.PowerSizes(adults, 0.5))
	case "capped_small_strata":
		inWhole(golden.Floats(t, q.Args["size"]), golden.Floats(t, q.Args["N"]), int(golden.Float(t, q.Args["min"])))
	default:
		t.Fatalf("nothing computes %s", q.Name)
	}
}
