package quality_test

import (
	"math"
	"slices"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/quality"
)

func TestMain(m *testing.M) { golden.Main(m, "quality") }

// codes numbers the distinct texts in sorted order.
func codes(text []string) (code []int, names []string) {
	names = slices.Clone(text)
	slices.Sort(names)
	names = slices.Compact(names)
	for _, s := range text {
		i, _ := slices.BinarySearch(names, s)
		code = append(code, i)
	}
	return code, names
}

// TestReliabilityCase is case p29.
func TestReliabilityCase(t *testing.T) {
	c := golden.Own(t, "p29-reliability")
	c.Each(t, func(t *testing.T, q golden.Query) {
		names := golden.Strings(t, q.Args["items"])
		switch q.Stat {
		case "cronbach":
			items := c.Frame(t, q.Args["data"].(string)).Numbers(t, names...)
			if rev, ok := q.Args["reversed"]; ok {
				for _, name := range golden.Strings(t, rev) {
					j := slices.Index(names, name)
					items[j] = quality.Reverse(items[j], 1, 5)
				}
			}
			r, err := quality.Cronbach(items, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "n", float64(r.N), q.Expected["n"], 0)
			golden.Check(t, "k", float64(r.K), q.Expected["k"], 0)
			golden.Check(t, "alpha", r.Alpha, q.Expected["raw_alpha"], q.RelTol)
			golden.Check(t, "standardised alpha", r.StdAlpha, q.Expected["std_alpha"], q.RelTol)
			golden.Check(t, "mean r", r.MeanR, q.Expected["mean_r"], q.RelTol)
			golden.CheckList(t, "interval", []float64{r.Feldt.Lower, r.Feldt.Upper}, q.Expected["feldt95"], q.RelTol)
			golden.CheckList(t, "alpha if dropped", r.IfDropped, q.Expected["alpha_if_dropped"], q.RelTol)
			golden.CheckList(t, "item-rest r", r.ItemRest, q.Expected["item_rest_r"], q.RelTol)
		case "cronbach_weighted":
			f := c.Frame(t, "hh")
			a, err := quality.WeightedAlpha(design(t, f), f.Numbers(t, names...), nil)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "alpha", a.Value, q.Expected["value"], q.RelTol)
		default:
			t.Fatalf("nothing computes %s", q.Stat)
		}
	})
}

// design is buildings within subdistricts, as the door-to-door rows were drawn.
func design(t *testing.T, f *golden.Frame) *estimate.Design {
	t.Helper()
	stratum, _ := codes(f.Text(t, "subdistrict"))
	psu, _ := codes(f.Text(t, "building"))
	d, err := estimate.NewDesign(estimate.Spec{
		Rows: f.Rows, Weight: f.Number(t, "w"), Stages: []estimate.Stage{{Unit: psu, Stratum: stratum}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCarelessCase is case p30; the part on election counts needs data of R
// packages.
func TestCarelessCase(t *testing.T) { checkCareless(t, golden.Own(t, "p30-answers"), 5) }

func TestCarelessCaseWithAmounts(t *testing.T) {
	checkCareless(t, golden.Outside(t, "p30-data-quality"), 6)
}

func checkCareless(t *testing.T, c *golden.Case, queries int) {
	if len(c.Queries) != queries {
		t.Fatalf("%d queries, want %d", len(c.Queries), queries)
	}
	names := golden.Strings(t, c.Queries[0].Args["items"])
	f := c.Frame(t, "ql")
	x, err := quality.Examine(f.Numbers(t, names...), f.Number(t, "dur"), quality.MatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Each(t, func(t *testing.T, q golden.Query) {
		switch q.Name {
		case "indices":
			want := c.CSV(t, q.Expected["csv"].(string))
			checkIndices(t, x, f.Number(t, "id"), want, q.RelTol)
		case "flag_counts":
			checkFlags(t, x, q)
		case "match_by_interviewer":
			code, who := codes(f.Text(t, "interviewer"))
			flagged := make([]bool, len(code))
			for i, r := range x.Flag(quality.UsualThresholds(20)) {
				flagged[i] = r&quality.Copied != 0
			}
			counts := q.Expected["counts"].(map[string]any)
			got := quality.ByGroup(code, flagged)
			if len(got) != len(counts) {
				t.Errorf("%d interviewers, want %d", len(got), len(counts))
			}
			for _, g := range got {
				golden.Check(t, who[g.Group], float64(g.Flagged), counts[who[g.Group]], 0)
			}
		case "last_digit_chisq":
			g, err := quality.LastDigit(f.Number(t, "score"))
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "X2", g.Statistic, q.Expected["statistic"], q.RelTol)
			golden.CheckList(t, "df", []float64{float64(g.DF)}, q.Expected["df"], 0)
			golden.Check(t, "p", g.P, q.Expected["p_value"], q.RelTol)
		case "heaping_10":
			h, err := quality.Heaping(f.Number(t, "score"), 10)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "share", h.Share, q.Expected["share"], q.RelTol)
			golden.Check(t, "p", h.P, q.Expected["p_value"], q.RelTol)
		case "benford_votes":
			b, err := quality.Benford(c.Frame(t, "el").Number(t, "votes"))
			if err != nil {
				t.Fatal(err)
			}
			counts := make([]float64, 9)
			for d, k := range b.Counts {
				counts[d] = float64(k)
			}
			golden.Check(t, "n", float64(b.N), q.Expected["n"], 0)
			golden.CheckList(t, "counts", counts, q.Expected["counts"], 0)
			golden.Check(t, "X2", b.Statistic, q.Expected["chisq"], q.RelTol)
			golden.Check(t, "df", float64(b.DF), q.Expected["df"], 0)
			golden.Check(t, "p", b.P, q.Expected["p_value"], q.RelTol)
			golden.Check(t, "MAD", b.MAD, q.Expected["mad"], q.RelTol)
		default:
			t.Fatalf("nothing computes %s", q.Name)
		}
	})
}

func checkIndices(t *testing.T, x quality.Indices, id []float64, want *golden.Frame, tol float64) {
	t.Helper()
	if want.Rows != len(id) {
		t.Fatalf("%d rows, want %d", len(id), want.Rows)
	}
	check := func(name string, got func(i int) float64) {
		for i, w := range want.Number(t, name) {
			golden.Count(t)
			if !golden.Near(got(i), w, tol) {
				t.Errorf("%s of row %d is %.12g, want %.12g", name, i, got(i), w)
			}
		}
	}
	check("longstring", func(i int) float64 { return float64(x.LongString[i]) })
	check("irv", func(i int) float64 { return x.IRV[i] })
	check("mahal_d2", func(i int) float64 { return x.Distances.D2[i] })
	check("mahal_p", func(i int) float64 { return x.Distances.P[i] })
	check("max_match", func(i int) float64 { return x.Matches.Share[i] })
	check("partner", func(i int) float64 {
		if x.Matches.Partner[i] < 0 {
			return math.NaN()
		}
		return id[x.Matches.Partner[i]]
	})
	check("speed_ratio", func(i int) float64 { return x.Speed[i] })
	if x.Distances.DF != 20 || x.Distances.Pseudo || x.Distances.Indefinite {
		t.Errorf("the covariances are taken for singular: %+v", x.Distances.DF)
	}
}

func checkFlags(t *testing.T, x quality.Indices, q golden.Query) {
	t.Helper()
	flags := x.Flag(quality.UsualThresholds(20))
	count := func(r quality.Reason) float64 {
		n := 0
		for _, f := range flags {
			if f&r != 0 {
				n++
			}
		}
		return float64(n)
	}
	golden.Check(t, "straight by run", count(quality.Straight), q.Expected["longstring_ge_15"], 0)
	golden.Check(t, "straight by spread", count(quality.Straight), q.Expected["irv_zero"], 0)
	golden.Check(t, "unusual", count(quality.Unusual), q.Expected["mahal_p_below_001"], 0)
	golden.Check(t, "copied", count(quality.Copied), q.Expected["match_ge_85"], 0)
	golden.Check(t, "fast", count(quality.Fast), q.Expected["speed_below_half"], 0)
	golden.Check(t, "median duration", x.Median, q.Expected["median_dur"], 0)
}

// TestInterviewerCase is case p31.
func TestInterviewerCase(t *testing.T) {
	c := golden.Own(t, "p31-interviewer-effect")
	f := c.Frame(t, "hh")
	c.Each(t, func(t *testing.T, q golden.Query) {
		y := f.Number(t, q.Args["y"].(string))
		group, _ := codes(f.Text(t, q.Args["group"].(string)))
		if q.Stat == "icc_anova" {
			a, err := quality.ICC(y, group)
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string]float64{
				"k": float64(a.K), "N": float64(a.N), "n0": a.N0, "msb": a.MSB, "msw": a.MSW, "F": a.F,
				"p_value": a.P, "icc": a.ICC, "m_bar": a.MeanLoad, "deff_int": a.Deff,
			} {
				golden.Check(t, name, got, q.Expected[name], q.RelTol)
			}
			return
		}
		factors := []quality.Factor{{Name: "interviewer", Level: group}}
		var x [][]float64
		if _, crossed := q.Args["random"]; crossed {
			sub, _ := codes(f.Text(t, "subdistrict"))
			factors = append(factors, quality.Factor{Name: "subdistrict", Level: sub})
			x = append(indicators(f.Text(t, "age")), indicators(f.Text(t, "sex"))...)
		}
		m, err := quality.REML(y, x, factors)
		if err != nil {
			t.Fatal(err)
		}
		if len(factors) == 1 {
			golden.Check(t, "between", m.Variance[0], q.Expected["var_between"], q.RelTol)
			golden.Check(t, "within", m.Residual, q.Expected["var_within"], q.RelTol)
			golden.Check(t, "icc", m.ICC[0], q.Expected["icc"], q.RelTol)
			golden.Check(t, "mean", m.Beta[0], q.Expected["mean"], q.RelTol)
			golden.Check(t, "criterion", m.Criterion, q.Expected["reml_criterion"], q.RelTol)
			return
		}
		want := q.Expected["components"].(map[string]any)
		golden.Check(t, "interviewer", m.Variance[0], want["interviewer"], q.RelTol)
		golden.Check(t, "subdistrict", m.Variance[1], want["subdistrict"], q.RelTol)
		golden.Check(t, "residual", m.Residual, want["Residual"], q.RelTol)
		golden.Check(t, "icc", m.ICC[0], q.Expected["icc_interviewer"], q.RelTol)
	})
}

// indicators are the columns of all values but the first.
func indicators(text []string) [][]float64 {
	code, names := codes(text)
	x := make([][]float64, len(names)-1)
	for j := range x {
		x[j] = make([]float64, len(code))
		for i, c := range code {
			if c == j+1 {
				x[j][i] = 1
			}
		}
	}
	return x
}
