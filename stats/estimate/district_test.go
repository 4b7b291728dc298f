package estimate_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// TestDistrictFromCells computes case p17, the raked door-to-door sample, from
// cell sums and compares with what R says about the rows.
func TestDistrictFromCells(t *testing.T) {
	c := loadCase(t, ownReference, "p17-rake-district")
	hh := loadFrame(t, filepath.Join(c.dir, "data/syn_hh.csv"))
	vars := []string{"aware", "owner", "participate", "sat", "top2"}
	subdistrict, subNames := hh.codes(t, "subdistrict")
	building, _ := hh.codes(t, "building")
	community, names := hh.codes(t, "community")
	class, classes := hh.codes(t, "subdistrict", "age", "sex")
	w, _ := hh.number(t, "w")
	s := &sample{stratum: subdistrict, psu: building, class: class, leaf: community, d: w}
	for _, v := range vars {
		y, _ := hh.number(t, v)
		s.y = append(s.y, y)
	}
	s.cat = make([][]int, len(classes))
	census := loadFrame(t, filepath.Join(c.dir, "data/syn_census.csv"))
	people, _ := census.number(t, "N")
	for _, v := range []string{"subdistrict", "age", "sex"} {
		code, values := census.codes(t, v)
		m := weighting.Margin{Name: v, Categories: values, Targets: make([]float64, len(values))}
		for k, i := range code {
			m.Targets[i] += people[k]
		}
		s.margins = append(s.margins, m)
		mine, _ := hh.codes(t, v)
		seen := make([]bool, len(classes))
		for k, cl := range class {
			if !seen[cl] {
				seen[cl] = true
				s.cat[cl] = append(s.cat[cl], mine[k])
			}
		}
	}
	tally, err := estimate.NewTally(s.cells(s.order()), len(vars), estimate.TallyOptions{Strata: subNames})
	if err != nil {
		t.Fatal(err)
	}
	raked, _, err := tally.Rake(s.cat, s.margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	home := map[int]int{} // subdistrict of a community
	for k, leaf := range community {
		home[leaf] = subdistrict[k]
	}
	compare := func(v string, in func(int) bool, want map[string]any, rel float64) estimate.CellMean {
		t.Helper()
		for i, name := range vars {
			if name == v {
				m, err := raked.Mean(i, in)
				if err != nil {
					t.Fatal(err)
				}
				checkNear(t, v, m.Estimate, want["estimate"], rel)
				if se := want["se"].(float64); math.Abs(se) > 1e-9*m.Estimate || m.SE > 1e-9*m.Estimate {
					checkNear(t, v+": SE", m.SE, se, rel)
				}
				return m
			}
		}
		t.Fatalf("no variable %s", v)
		return estimate.CellMean{}
	}
	for _, q := range c.Queries {
		switch q.Name {
		case "district", "district_participate":
			for _, row := range q.Expected["rows"].([]any) {
				want := row.(map[string]any)
				m := compare(want["name"].(string), nil, want, q.RelTol)
				checkNear(t, "df", float64(m.DF), q.Expected["df"], 0)
			}
		case "by_subdistrict", "by_community":
			for _, row := range q.Expected["rows"].([]any) {
				want := row.(map[string]any)
				by := want["by"].(map[string]any)
				in := func(leaf int) bool { return names[leaf] == by["community"] }
				if by["subdistrict"] != nil {
					in = func(leaf int) bool { return subNames[home[leaf]] == by["subdistrict"] }
				}
				for _, st := range want["stat"].([]any) {
					st := st.(map[string]any)
					m := compare(st["name"].(string), in, st, q.RelTol)
					checkNear(t, fmt.Sprint(by, " n"), float64(m.N), want["n"], 0)
					checkNear(t, fmt.Sprint(by, " sum of weights"), m.SumW, want["sum_w"], q.RelTol)
					checkNear(t, fmt.Sprint(by, " df"), float64(m.DF), want["domain_df"], 0)
					if d, ok := st["deff"]; ok { // without replacement: 1 - n/W less
						checkNear(t, fmt.Sprint(by, " design effect"), m.Deff/(1-float64(m.N)/m.SumW), d, q.RelTol)
					}
				}
			}
		}
	}
}
