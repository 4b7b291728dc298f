package driver_test

import (
	"slices"
	"strings"
	"testing"

	"chengyin/stats/driver"
	"chengyin/stats/internal/golden"
)

func TestMain(m *testing.M) { golden.Main(m, "driver") }

var items = []string{"q1", "q2", "q3", "q4", "q5", "q6", "sat"}

// jackknife returns the JKn replicates of PSUs in strata: each leaves one out.
func jackknife(w []float64, stratum, psu []string) *driver.Replicates {
	in := map[string]map[string]bool{}
	for i, h := range stratum {
		if in[h] == nil {
			in[h] = map[string]bool{}
		}
		in[h][psu[i]] = true
	}
	rep := &driver.Replicates{Scale: 1}
	all := slices.Clone(psu)
	slices.Sort(all)
	for _, out := range slices.Compact(all) {
		h := stratum[slices.Index(psu, out)]
		n := float64(len(in[h]))
		r := slices.Clone(w)
		for i := range r {
			switch {
			case psu[i] == out:
				r[i] = 0
			case stratum[i] == h:
				r[i] *= n / (n - 1)
			}
		}
		rep.Weights = append(rep.Weights, r)
		rep.RScales = append(rep.RScales, (n-1)/n)
	}
	return rep
}

// TestReferenceCase is case p28: which item drives satisfaction, in R.
func TestReferenceCase(t *testing.T) {
	c := golden.Own(t, "p28-key-drivers")
	frames := map[string]*golden.Frame{"hh": c.Frame(t, "hh"), "qr": c.Frame(t, "qr")}
	c.Each(t, func(t *testing.T, q golden.Query) {
		sample, rest, _ := strings.Cut(q.Name, "_")
		if q.Stat == "function" {
			sample, rest = "hh", "weighted"
		}
		f := frames[sample]
		x := f.Numbers(t, items...)
		var w []float64
		if strings.HasPrefix(rest, "weighted") {
			w = f.Number(t, "w")
		}
		switch q.Stat {
		case "correlation":
			got, err := driver.Correlate(x, w)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "n", float64(got.N), q.Expected["n"], 0)
			for i, row := range q.Expected["matrix"].([]any) {
				for j, want := range row.([]any) {
					golden.Check(t, "r", got.R.At(i, j), want, q.RelTol)
				}
			}
		case "relative_weights", "shapley":
			m := driver.RelativeWeights
			if q.Stat == "shapley" {
				m = driver.ShapleyShares
			}
			got, err := driver.FromRows(x, w, m, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "r2", got.R2, q.Expected["r2"], q.RelTol)
			golden.CheckList(t, "raw", got.Raw, q.Expected["raw"], q.RelTol)
			golden.CheckList(t, "percent", got.Percent, q.Expected["pct"], q.RelTol)
		case "function":
			rep := jackknife(w, f.Text(t, "subdistrict"), f.Text(t, "building"))
			got, err := driver.FromRows(x, w, driver.RelativeWeights, rep)
			if err != nil {
				t.Fatal(err)
			}
			for j, row := range q.Expected["rows"].([]any) {
				want := row.(map[string]any)
				golden.Check(t, "share", got.Percent[j], want["estimate"], q.RelTol)
				golden.Check(t, "standard error", got.SE[j], want["se"], q.RelTol)
			}
		default:
			t.Fatalf("nothing computes %s", q.Stat)
		}
	})
}
