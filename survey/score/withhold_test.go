package score

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chengyin/survey/area"
)

// village makes a tree of places with the numbers of answers to visits and scans
// in each community, and the scores that compute would hold before withhold.
func village(visits, scans [][]int) ([]area.Area, []Score) {
	const top = "990102000000"
	areas := []area.Area{{Code: top, Level: area.District}}
	type number struct{ visit, scan int }
	n := map[string]number{}
	for i := range visits {
		sub, parent := fmt.Sprintf("990102%03d000", i+1), top
		areas = append(areas, area.Area{Code: sub, Level: area.Subdistrict, ParentCode: &parent})
		for j := range visits[i] {
			code, up := fmt.Sprintf("990102%03d%03d", i+1, j+1), sub
			areas = append(areas, area.Area{Code: code, Level: area.Community, ParentCode: &up})
			n[code] = number{visits[i][j], scans[i][j]}
			for _, at := range []string{sub, top} {
				n[at] = number{n[at].visit + visits[i][j], n[at].scan + scans[i][j]}
			}
		}
	}
	var scores []Score
	for _, a := range areas {
		x := n[a.Code]
		both := x.visit + x.scan
		switch { // as combine does
		case x.visit < least && x.scan >= least:
			both = x.scan
		case x.scan < least && x.visit > 0:
			both = x.visit
		}
		for mode, k := range map[string]int{"visit": x.visit, "scan": x.scan, Combined: both} {
			scores = append(scores, Score{AreaCode: a.Code, Mode: mode, Indicator: "awareness", N: k})
		}
	}
	slices.SortFunc(scores, func(a, b Score) int { return strings.Compare(a.AreaCode+a.Mode, b.AreaCode+b.Mode) })
	return areas, scores
}

// guess is what a reader works out of all that is shown: the least and the most
// that each number can be, from what every place's number is the sum of and from
// what the combined number is the sum of.
func guess(areas []area.Area, scores []Score) map[[2]string][2]int {
	const much = 1 << 20
	range_, few, up := map[[2]string][2]int{}, map[[2]string]bool{}, map[string]string{}
	for _, a := range areas {
		if a.ParentCode != nil {
			up[a.Code] = *a.ParentCode
		}
	}
	for _, s := range scores {
		few[[2]string{s.AreaCode, s.Mode}] = s.N < least && (s.N > 0 || strings.Contains(s.Flags, NWithheld))
	}
	for _, s := range scores {
		k := [2]string{s.AreaCode, s.Mode}
		switch {
		case s.N < least && (s.N > 0 || strings.Contains(s.Flags, NWithheld)):
			range_[k] = [2]int{1, least - 1}
			if few[[2]string{up[s.AreaCode], s.Mode}] { // there, none looks the same
				range_[k] = [2]int{0, least - 1}
			}
		case strings.Contains(s.Flags, NWithheld):
			range_[k] = [2]int{least, much}
		default:
			range_[k] = [2]int{s.N, s.N}
		}
	}
	below := map[string][]string{}
	for _, a := range areas {
		if a.ParentCode != nil {
			below[*a.ParentCode] = append(below[*a.ParentCode], a.Code)
		}
	}
	// whole is the sum of parts: each bounds the others.
	narrow := func(whole [2]string, parts [][2]string) (changed bool) {
		set := func(k [2]string, lo, hi int) {
			r := range_[k]
			if to := [2]int{max(r[0], lo), min(r[1], hi)}; to != r {
				range_[k], changed = to, true
			}
		}
		lo, hi := 0, 0
		for _, p := range parts {
			lo, hi = lo+range_[p][0], min(much, hi+range_[p][1])
		}
		set(whole, lo, hi)
		for _, p := range parts {
			r, w := range_[p], range_[whole]
			high := much
			if w[1] < much {
				high = w[1] - (lo - r[0])
			}
			low := 0
			if hi < much {
				low = w[0] - (hi - r[1])
			}
			set(p, low, high)
		}
		return changed
	}
	for rounds := 0; rounds < 200; rounds++ {
		changed := false
		for _, mode := range []string{"visit", "scan"} {
			for p, children := range below {
				var parts [][2]string
				for _, c := range children {
					parts = append(parts, [2]string{c, mode})
				}
				changed = narrow([2]string{p, mode}, parts) || changed
			}
		}
		for _, a := range areas {
			v, s, c := [2]string{a.Code, "visit"}, [2]string{a.Code, "scan"}, [2]string{a.Code, Combined}
			if range_[v][0] >= least && range_[s][0] >= least { // both are in the combined figure
				changed = narrow(c, [][2]string{v, s}) || changed
			}
		}
		if !changed {
			break
		}
	}
	return range_
}

// TestNobodyWorksOutASmallNumber: whatever the numbers are, none from 1 to 4
// follows from those that are shown.
func TestNobodyWorksOutASmallNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.OneOf(rapid.IntRange(0, 6), rapid.IntRange(0, 40))
		var visits, scans [][]int
		for range rapid.IntRange(1, 5).Draw(t, "subdistricts") {
			k := rapid.IntRange(1, 6).Draw(t, "communities")
			visits = append(visits, rapid.SliceOfN(some, k, k).Draw(t, "visits"))
			scans = append(scans, rapid.SliceOfN(some, k, k).Draw(t, "scans"))
		}
		areas, scores := village(visits, scans)
		withhold(scores, areas)
		told, children := map[[2]string]int{}, map[string][]string{} // n of each place as it is shown
		for _, s := range scores {
			if (s.N == 0 || s.N >= least) && !strings.Contains(s.Flags, NWithheld) {
				told[[2]string{s.AreaCode, s.Mode}] = s.N
			}
		}
		for _, a := range areas {
			if a.ParentCode != nil {
				children[*a.ParentCode] = append(children[*a.ParentCode], a.Code)
			}
		}
		for p, below := range children {
			for _, mode := range []string{"visit", "scan"} {
				rest, shown := told[[2]string{p, mode}]
				for _, c := range below {
					rest -= told[[2]string{c, mode}]
				}
				if shown && rest > 0 && rest < least {
					t.Fatalf("%s %s: %d answers are left for those that are not shown, from %v %v", p, mode, rest, visits, scans)
				}
			}
		}
		known := guess(areas, scores)
		for _, s := range scores {
			if r := known[[2]string{s.AreaCode, s.Mode}]; s.N > 0 && s.N < least && r[0] == r[1] {
				t.Fatalf("%s %s follows to be %d from %v %v", s.AreaCode, s.Mode, r[0], visits, scans)
			}
		}
	})
}

func TestWithhold(t *testing.T) {
	withheld := func(visits, scans [][]int) (out []string) {
		areas, scores := village(visits, scans)
		withhold(scores, areas)
		for _, s := range scores {
			if strings.Contains(s.Flags, NWithheld) && s.Mode == Combined {
				out = append(out, s.AreaCode)
			}
		}
		return out
	}
	none := [][]int{{0, 0, 0}}
	for name, x := range map[string]struct {
		scans [][]int
		want  []string
	}{
		"nothing small, nothing withheld":                        {[][]int{{10, 20, 30}}, nil},
		"the smallest neighbour that will do":                    {[][]int{{3, 20, 10}}, []string{"990102001003"}},
		"two small ones protect each other":                      {[][]int{{3, 2, 10}}, nil},
		"but not when together they are fewer than five":         {[][]int{{2, 2, 10}}, []string{"990102001003"}},
		"and not when their sum says both":                       {[][]int{{1, 1, 10}}, []string{"990102001003"}},
		"a neighbour of 5 beside a 1 gives both away":            {[][]int{{1, 5, 10}}, []string{"990102001002", "990102001003"}},
		"without a neighbour the place above is withheld itself": {[][]int{{3, 0, 0}, {20, 30, 40}}, []string{"990102001002", "990102001003", "990102002000", "990102002001"}},
	} {
		t.Run(name, func(t *testing.T) {
			zeros := make([][]int, len(x.scans))
			for i := range zeros {
				zeros[i] = none[0]
			}
			if got := withheld(zeros, x.scans); !slices.Equal(got, x.want) {
				t.Errorf("%v", got)
			}
		})
	}
	t.Run("the same numbers give the same flags", func(t *testing.T) {
		visits, scans := [][]int{{3, 9, 9, 12}, {1, 7, 7}}, [][]int{{30, 2, 8, 8}, {9, 9, 4}}
		first := withheld(visits, scans)
		for range 20 {
			if again := withheld(visits, scans); !slices.Equal(again, first) {
				t.Fatal(first, again)
			}
		}
	})
}
