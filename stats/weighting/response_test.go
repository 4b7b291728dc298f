package weighting_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"chengyin/stats"
	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

func nonResponse(t testing.TB, cells []weighting.ResponseCell, opt weighting.ResponseOptions) []weighting.ResponseClass {
	t.Helper()
	classes, err := weighting.NonResponse(cells, opt)
	if err != nil {
		t.Fatal(err)
	}
	return classes
}

// joined returns the cells of each class.
func joined(classes []weighting.ResponseClass) [][]int {
	var out [][]int
	for _, c := range classes {
		out = append(out, c.Cells)
	}
	return out
}

// TestNonResponseEqualsR compares with the weights that survey::postStratify makes
// (stats/testdata/r/nonresponse.R).
func TestNonResponseEqualsR(t *testing.T) {
	f, err := os.Open("testdata/nonresponse.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	var cells []weighting.ResponseCell
	for _, r := range rows[1:] {
		cells = append(cells, weighting.ResponseCell{Path: r[:2], N: int(number(r[2])), Eligible: number(r[3]), Answered: number(r[4])})
	}
	for k, c := range nonResponse(t, cells, weighting.ResponseOptions{}) {
		for _, i := range c.Cells {
			if want := rows[1+i][5]; strconv.Itoa(k+1) != want {
				t.Errorf("cell %d is in class %d, want %s", i, k+1, want)
			}
			if want := number(rows[1+i][6]); math.Abs(c.Factor/want-1) > 1e-12 {
				t.Errorf("cell %d has the factor %.15g, R has %.15g", i, c.Factor, want)
			}
		}
	}
	if len(cells) != 9 {
		t.Errorf("%d cells were compared", len(cells))
	}
}

func TestNonResponse(t *testing.T) {
	at := func(n int, eligible, answered float64, path ...string) weighting.ResponseCell {
		return weighting.ResponseCell{Path: path, N: n, Eligible: eligible, Answered: answered}
	}
	for _, c := range []struct {
		name   string
		cells  []weighting.ResponseCell
		want   [][]int
		factor []float64
	}{
		{"a cell that can stand is left alone", []weighting.ResponseCell{at(8, 100, 80, "a"), at(5, 90, 30, "a")}, [][]int{{0}, {1}}, []float64{1.25, 3}},
		{"few answers join the neighbour with fewer", []weighting.ResponseCell{at(9, 90, 90, "a"), at(4, 40, 40, "a"), at(6, 120, 60, "a")}, [][]int{{0}, {1, 2}}, []float64{1, 1.6}},
		{"neighbours that are as small: the one before", []weighting.ResponseCell{at(6, 60, 60, "a"), at(4, 80, 40, "a"), at(6, 60, 60, "a")}, [][]int{{0, 1}, {2}}, []float64{1.4, 1}},
		{"too large a factor is joined", []weighting.ResponseCell{at(10, 310, 100, "a"), at(10, 110, 100, "a")}, [][]int{{0, 1}}, []float64{2.1}},
		{"the own group comes first, however far", []weighting.ResponseCell{at(4, 4, 4, "a"), at(5, 5, 5, "b"), at(6, 12, 6, "a")}, [][]int{{0, 2}, {1}}, []float64{1.6, 1}},
		{"and then the wider one", []weighting.ResponseCell{at(9, 9, 9, "a", "x"), at(4, 8, 4, "a", "y"), at(5, 5, 5, "b", "z")}, [][]int{{0, 1}, {2}}, []float64{17.0 / 13, 1}},
		{"at last all", []weighting.ResponseCell{at(3, 12, 3, "a", "x"), at(1, 4, 1, "b", "y")}, [][]int{{0, 1}}, []float64{4}},
		{"where nobody answered others stand for them", []weighting.ResponseCell{at(0, 20, 0, "a"), at(10, 10, 10, "a")}, [][]int{{0, 1}}, []float64{3}},
		{"nobody anywhere", []weighting.ResponseCell{at(0, 20, 0, "a")}, [][]int{{0}}, []float64{1}},
		{"where there is nobody there is no class", []weighting.ResponseCell{at(0, 0, 0, "a"), at(5, 5, 5, "a")}, [][]int{{1}}, []float64{1}},
		{"an estimate of those who should answer may be smaller", []weighting.ResponseCell{at(5, 4, 5, "a")}, [][]int{{0}}, []float64{0.8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := nonResponse(t, c.cells, weighting.ResponseOptions{})
			if fmt.Sprint(joined(got)) != fmt.Sprint(c.want) {
				t.Fatalf("joined %v, want %v", joined(got), c.want)
			}
			for i, x := range got {
				if math.Abs(x.Factor-c.factor[i]) > 1e-12 {
					t.Errorf("class %d has the factor %v, want %v", i, x.Factor, c.factor[i])
				}
			}
		})
	}
	t.Run("numbers that cannot be are refused", func(t *testing.T) {
		for _, c := range []weighting.ResponseCell{at(-1, 1, 1), at(1, -1, 1), at(1, math.NaN(), 1), at(1, 1, math.Inf(1)), at(0, 1, 1), at(1, 1, 0)} {
			var value *stats.ValueError
			if _, err := weighting.NonResponse([]weighting.ResponseCell{at(5, 5, 5), c}, weighting.ResponseOptions{}); !errors.As(err, &value) || value.Row != 1 {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}

func TestNonResponseIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "cells")
		cells := make([]weighting.ResponseCell, n)
		full := rapid.Bool().Draw(t, "everybody answers")
		for i := range cells {
			c := &cells[i]
			c.Path = []string{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "district"), rapid.SampledFrom([]string{"s", "t", "u"}).Draw(t, "subdistrict")}
			c.N = rapid.IntRange(0, 12).Draw(t, "n")
			c.Answered = float64(c.N) * rapid.Float64Range(1, 50).Draw(t, "d")
			c.Eligible = c.Answered
			if !full {
				c.Eligible += rapid.Float64Range(0, 500).Draw(t, "others")
			}
		}
		opt := weighting.ResponseOptions{Fewest: rapid.IntRange(1, 8).Draw(t, "fewest"), Most: rapid.Float64Range(1, 5).Draw(t, "most")}
		classes, err := weighting.NonResponse(cells, opt)
		if err != nil {
			t.Fatal(err)
		}
		all, adjusted, answered := 0.0, 0.0, 0
		seen := map[int]bool{}
		for _, c := range classes {
			for _, i := range c.Cells {
				if seen[i] {
					t.Fatalf("cell %d is in two classes", i)
				}
				seen[i] = true
				adjusted += c.Factor * cells[i].Answered
				all += cells[i].Eligible
				answered += cells[i].N
			}
			if full && c.Factor != 1 {
				t.Fatalf("everybody answered, and a factor is %v", c.Factor)
			}
			if len(classes) > 1 && (c.N < opt.Fewest || c.Factor > opt.Most*(1+1e-12)) {
				t.Fatalf("class %+v cannot stand and has neighbours", c)
			}
		}
		if answered > 0 && math.Abs(adjusted-all) > 1e-9*max(1, all) {
			t.Fatalf("those who answered stand for %v of %v", adjusted, all)
		}
		for i, c := range cells {
			if !seen[i] && (c.N > 0 || c.Eligible > 0) {
				t.Fatalf("cell %d is in no class", i)
			}
		}
		// The unit of weights does not count.
		scaled := slices.Clone(cells)
		for i := range scaled {
			scaled[i].Eligible *= 4
			scaled[i].Answered *= 4
		}
		again, err := weighting.NonResponse(scaled, opt)
		if err != nil {
			t.Fatal(err)
		}
		for i := range again {
			if fmt.Sprint(again[i].Cells) != fmt.Sprint(classes[i].Cells) || math.Abs(again[i].Factor-classes[i].Factor) > 1e-12*classes[i].Factor {
				t.Fatalf("class %+v becomes %+v", classes[i], again[i])
			}
		}
	})
}
