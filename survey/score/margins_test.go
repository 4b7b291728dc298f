package score

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chengyin/survey/area"
)

// town makes the places of a city: communities[i][j] of them in subdistrict j of
// district i, by code.
func town(communities [][]int) []area.Area {
	const city = "990100000000"
	areas := []area.Area{{Code: city, Level: area.City}}
	add := func(level area.Level, format string, args ...any) {
		code := fmt.Sprintf(format, args...)
		parent := area.ParentOf(code)
		areas = append(areas, area.Area{Code: code, Level: level, ParentCode: &parent})
	}
	for d, subdistricts := range communities {
		add(area.District, "9901%02d000000", d+1)
		for s, n := range subdistricts {
			add(area.Subdistrict, "9901%02d%03d000", d+1, s+1)
			for c := range n {
				add(area.Community, "9901%02d%03d%03d", d+1, s+1, c+1)
			}
		}
	}
	slices.SortFunc(areas, func(a, b area.Area) int { return strings.Compare(a.Code, b.Code) })
	return areas
}

// merge ends a place and gives its results to another.
func merge(areas []area.Area, from, to string) {
	i := slices.IndexFunc(areas, func(a area.Area) bool { return a.Code == from })
	ended := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	areas[i].ValidTo, areas[i].SuccessorCode = &ended, &to
}

// someTown draws the places of a city.
func someTown() *rapid.Generator[[]area.Area] {
	return rapid.Custom(func(t *rapid.T) []area.Area {
		return town(rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3), 1, 3).Draw(t, "communities"))
	})
}

// someCounts draws n counts, many of them small or 0.
func someCounts(t *rapid.T, label string, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(rapid.SampledFrom([]int{0, 0, 1, 2, 4, 5, 6, 30, 200}).Draw(t, label))
	}
	return out
}

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

// checkMargin holds for every margin: each value is in exactly one category,
// whose target is the population of its values; where anybody answered at all,
// every category has enough answers and a population, or is the only one.
func checkMargin(t interface{ Fatalf(string, ...any) }, m margin, pop, n []float64) {
	if len(m.of) != len(n) || len(m.Categories) != len(m.Targets) {
		t.Fatalf("%d values, %d categories, %d targets: %+v", len(m.of), len(m.Categories), len(m.Targets), m)
	}
	people, answers := make([]float64, len(m.Targets)), make([]float64, len(m.Targets))
	used := make([]bool, len(m.Targets))
	for i, k := range m.of {
		people[k] += pop[i]
		answers[k] += n[i]
		used[k] = true
	}
	for k := range m.Targets {
		if !used[k] {
			t.Fatalf("category %s is of nothing: %+v", m.Categories[k], m)
		}
		if m.Targets[k] != people[k] {
			t.Fatalf("category %s aims at %v and its values have %v people", m.Categories[k], m.Targets[k], people[k])
		}
		if len(m.Targets) > 1 && (answers[k] < fewest || !(people[k] > 0)) {
			t.Fatalf("category %s has %v answers and %v people: %+v", m.Categories[k], answers[k], people[k], m)
		}
	}
	if math.Abs(sum(m.Targets)-sum(pop)) > 1e-9*sum(pop) {
		t.Fatalf("the targets add up to %v of %v", sum(m.Targets), sum(pop))
	}
	if names := slices.Compact(slices.Sorted(slices.Values(m.Categories))); len(names) != len(m.Categories) {
		t.Fatalf("two categories have one name: %v", m.Categories)
	}
}

func TestPlaceMargin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLeafs(someTown().Draw(t, "town"))
		pop, n := someCounts(t, "people", len(l.codes)), someCounts(t, "answers", len(l.codes))
		for _, digits := range []int{12, 9, 6, 0} {
			m := placeMargin(l, pop, n, nil, digits)
			checkMargin(t, m, pop, n)
			if digits == 0 && len(m.Categories) != 1 {
				t.Fatalf("everybody together are %d categories", len(m.Categories))
			}
			if again := placeMargin(l, pop, n, nil, digits); fmt.Sprint(again) != fmt.Sprint(m) {
				t.Fatalf("the same input gives %v and %v", m, again)
			}
		}
	})
}

func TestPlaceMarginStaysNear(t *testing.T) {
	areas := town([][]int{{3, 2}, {2}})
	l := newLeafs(areas)
	// 0..2 in the first subdistrict, 3..4 in the second, 5..6 in the other district
	for _, x := range []struct {
		name string
		n    []float64
		want string // the categories, each as the numbers of its communities
	}{
		{"enough everywhere", []float64{5, 5, 5, 5, 5, 5, 5}, "[0] [1] [2] [3] [4] [5] [6]"},
		{"the small of a subdistrict join each other", []float64{3, 2, 9, 9, 9, 9, 9}, "[0 1] [2] [3] [4] [5] [6]"},
		{"still too few, they join the smallest category of the subdistrict", []float64{1, 9, 9, 9, 9, 9, 9}, "[0 1] [2] [3] [4] [5] [6]"},
		{"a small subdistrict joins in its district", []float64{9, 9, 9, 1, 1, 9, 9}, "[0 3 4] [1] [2] [5] [6]"},
		{"a district without answers joins the city", []float64{9, 9, 9, 9, 9, 0, 0}, "[0 5 6] [1] [2] [3] [4]"},
		{"hardly any answers are one category", []float64{0, 0, 1, 0, 0, 0, 1}, "[0 1 2 3 4 5 6]"},
	} {
		t.Run(x.name, func(t *testing.T) {
			m := placeMargin(l, []float64{100, 200, 300, 400, 500, 600, 700}, x.n, nil, 12)
			groups := make([][]int, len(m.Categories))
			for i, k := range m.of {
				groups[k] = append(groups[k], i)
			}
			var got []string
			for _, g := range groups {
				got = append(got, fmt.Sprint(g))
			}
			if strings.Join(got, " ") != x.want {
				t.Errorf("%s instead of %s", strings.Join(got, " "), x.want)
			}
			joined := 0
			for _, g := range groups {
				if len(g) > 1 {
					joined++
				}
			}
			if len(m.collapsed) != joined {
				t.Errorf("%d joins are told of as %q", joined, m.collapsed)
			}
		})
	}
}

func TestBandMargin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pop, n := someCounts(t, "people", len(area.Ages)), someCounts(t, "answers", len(area.Ages))
		byAge := map[string]float64{}
		for i, a := range area.Ages {
			byAge[a] = pop[i]
		}
		m := bandMargin("age", area.Ages, byAge, n)
		checkMargin(t, m, pop, n)
		for i := 1; i < len(m.of); i++ {
			if d := m.of[i] - m.of[i-1]; d != 0 && d != 1 {
				t.Fatalf("bands that are not neighbours are joined: %v", m.of)
			}
		}
	})
}

func TestJoinLonely(t *testing.T) {
	t.Run("every stratum is estimated once, with two PSUs or alone with all", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			psus := rapid.MapOfN(rapid.StringMatching(`99010[12]00[12]00[1-9]`), rapid.IntRange(1, 3), 1, 12).Draw(t, "psus")
			into, joined := joinLonely(psus)
			if len(into) != len(psus) {
				t.Fatalf("%d strata became %d", len(psus), len(into))
			}
			size := map[string]int{}
			for s, to := range into {
				if into[to] != to {
					t.Fatalf("%s is estimated with %s, which is estimated with %s", s, to, into[to])
				}
				size[to] += psus[s]
			}
			for s, n := range size {
				if n < 2 && len(size) > 1 {
					t.Fatalf("%s has %d PSU", s, n)
				}
			}
			told := 0
			for _, j := range joined {
				told += strings.Count(j, "+")
			}
			if told != len(psus)-len(size) {
				t.Fatalf("%d joins are told of as %q", len(psus)-len(size), joined)
			}
		})
	})
	t.Run("the nearest by name is joined", func(t *testing.T) {
		into, joined := joinLonely(map[string]int{"990102001001": 4, "990102001002": 1, "990103001001": 1, "990103001002": 4})
		if into["990102001002"] != "990102001001" || into["990103001001"] != into["990103001002"] || len(joined) != 2 {
			t.Errorf("%v %v", into, joined)
		}
	})
}

func TestLeafsFollowMergers(t *testing.T) {
	areas := town([][]int{{3}, {1}})
	const a, b, c, d = "990101001001", "990101001002", "990101001003", "990102001001"
	merge(areas, a, b)
	merge(areas, b, d)
	l := newLeafs(areas)
	if fmt.Sprint(l.codes) != fmt.Sprint([]string{c, d}) {
		t.Fatal(l.codes)
	}
	for _, code := range []string{a, b, d} {
		if i, ok := l.of(code); !ok || l.codes[i] != d {
			t.Errorf("the results of %s go to %d", code, i)
		}
	}
	if _, ok := l.of("990199999999"); ok {
		t.Error("a place that is not there has results")
	}
	p := newPeople(l, []area.Population{{AreaCode: a, Age: "a18", Sex: "m", Persons: 3}, {AreaCode: d, Age: "a18", Sex: "f", Persons: 4}, {AreaCode: "990199999999", Age: "a18", Sex: "f", Persons: 100}})
	if fmt.Sprint(p.leaf) != "[0 7]" || p.age["a18"] != 7 || p.sex["m"] != 3 {
		t.Errorf("%+v", p)
	}
	if fmt.Sprint(l.inside("990101000000"), l.inside("990102000000"), l.inside(d), l.inside(a)) != "[true false] [false true] [false true] [false false]" {
		t.Error(l.inside("990101000000"))
	}
}

// TestPlacesThatTheDrawMade: a community is a category of its own when the draw made
// it one, or gave it many PSUs.
func TestPlacesThatTheDrawMade(t *testing.T) {
	l := newLeafs(town([][]int{{3, 2}}))
	n, pop := []float64{20, 20, 20, 20, 20}, []float64{100, 200, 300, 400, 500}
	for _, x := range []struct {
		name   string
		strata [5]string
		psus   [5]int
		want   string // category of each community
	}{
		{"strata are communities", [5]string{"a", "b", "c", "d", "e"}, [5]int{2, 2, 2, 2, 2}, "[0 1 2 3 4]"},
		{"strata are subdistricts", [5]string{"a", "a", "a", "b", "b"}, [5]int{2, 2, 3, 2, 2}, "[0 0 0 1 1]"},
		{"of which one has many buildings", [5]string{"a", "a", "a", "b", "b"}, [5]int{8, 4, 4, 2, 2}, "[0 1 1 2 2]"},
		{"one stratum with few buildings everywhere", [5]string{"a", "a", "a", "a", "a"}, [5]int{1, 1, 1, 1, 1}, "[0 0 0 0 0]"},
		{"one stratum with enough in each subdistrict", [5]string{"a", "a", "a", "a", "a"}, [5]int{3, 3, 3, 4, 4}, "[0 0 0 1 1]"},
		{"two strata in each community", [5]string{"", "b", "c", "d", "e"}, [5]int{2, 2, 2, 2, 2}, "[0 1 2 3 4]"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := &drawnIn{psus: make([]map[string]map[string]bool, 5), all: map[string]int{}}
			for leaf, stratum := range x.strata {
				names := []string{stratum}
				if stratum == "" {
					names = []string{"old", "new"}
				}
				for _, s := range names {
					for p := range x.psus[leaf] {
						d.add(leaf, s, fmt.Sprint(leaf, p))
						d.all[s]++
					}
				}
			}
			if m := placeMargin(l, pop, n, d, 12); fmt.Sprint(m.of) != x.want {
				t.Errorf("%v, want %s", m.of, x.want)
			}
		})
	}
}
