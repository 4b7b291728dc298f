package score

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/tally"
)

// respondent is an answer as the tallies know it.
type respondent struct {
	area, stratum, psu, age, sex string
	weight                       float64
	y                            []float64 // by indicator; NaN: no value
	dk                           []bool
}

// rows are what the respondent adds to the tallies.
func (r respondent) rows(recipe *indicator.Recipe) []tally.Row {
	mode := collector.Visited
	if r.stratum == collector.Scanned {
		mode = collector.Scanned
	}
	cell := tally.Row{WaveID: "w", Mode: mode, Stratum: r.stratum, PSU: r.psu, AreaCode: r.area, Age: r.age, Sex: r.sex, Moves: 1}
	d := r.weight
	base := cell
	base.N, base.D, base.DD = 1, d, d*d
	out := []tally.Row{base}
	for i, ind := range recipe.Indicators {
		x := cell
		x.Indicator = ind.Code
		if r.dk[i] {
			x.DK = d
		}
		if y := r.y[i]; !math.IsNaN(y) {
			x.N, x.D, x.DD, x.DY, x.DYY, x.DDY, x.DDYY = 1, d, d*d, d*y, d*y*y, d*d*y, d*d*y*y
		}
		out = append(out, x)
	}
	return out
}

// someone draws a respondent in one of the communities.
func someone(t *rapid.T, codes []string, recipe *indicator.Recipe) respondent {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	r := respondent{area: pick("area", codes...), stratum: collector.Scanned, age: pick("age", area.Ages...), sex: pick("sex", area.Sexes...), weight: 1}
	if rapid.Bool().Draw(t, "visited") {
		r.stratum = r.area
		r.psu = pick("psu", "b1", "b2", "b3", "") // the same names in every stratum, and some of none
		r.weight = rapid.Float64Range(0.5, 5000).Draw(t, "weight")
	}
	for _, ind := range recipe.Indicators {
		values := []float64{0, 100, math.NaN()}
		if ind.Kind == indicator.Mean {
			values = []float64{0, 25, 50, 75, 100, math.NaN()}
		}
		r.y = append(r.y, rapid.SampledFrom(values).Draw(t, "y"))
		r.dk = append(r.dk, rapid.Bool().Draw(t, "dk"))
	}
	return r
}

// someInput draws a whole wave: places of which some were merged, population of
// which some is missing, and answers.
func someInput(t *rapid.T, most int) input {
	in := input{areas: someTown().Draw(t, "town"), recipe: indicator.Default()}
	var codes []string
	for _, a := range in.areas {
		if a.Level == area.Community {
			codes = append(codes, a.Code)
		}
	}
	if len(codes) > 2 && rapid.Bool().Draw(t, "merged") {
		merge(in.areas, codes[0], codes[1])
	}
	for _, c := range codes {
		for _, age := range area.Ages {
			for _, sex := range area.Sexes {
				if n := rapid.SampledFrom([]int{100, 100, 1000, 7, 0}).Draw(t, "persons"); n > 0 {
					in.population = append(in.population, area.Population{AreaCode: c, Age: age, Sex: sex, Persons: n})
				}
			}
		}
	}
	for range rapid.IntRange(0, most).Draw(t, "answers") {
		in.rows = append(in.rows, someone(t, codes, in.recipe).rows(in.recipe)...)
	}
	in.rows = tally.Merge(in.rows)
	return in
}

// told is the score as JSON, with its numbers instead of their addresses.
func told(s Score) string {
	b, err := json.Marshal(s)
	return fmt.Sprint(string(b), err)
}

// checkScore holds for every score that may be read.
func checkScore(t interface{ Fatalf(string, ...any) }, s Score, minN int) {
	numbers := []*float64{s.Estimate, s.SE, s.Low, s.High, s.NEff, s.Deff, s.DF, s.DKShare}
	for _, x := range numbers {
		if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
			t.Fatalf("a number is none: %+v", s)
		}
	}
	if s.Suppressed() {
		if slices.ContainsFunc(numbers, func(x *float64) bool { return x != nil }) || s.Flags != "" && s.Flags != NWithheld {
			t.Fatalf("a suppressed score tells something: %+v", s)
		}
		return
	}
	if s.N < max(minN, least) {
		t.Fatalf("a score of %d answers is shown: %+v", s.N, s)
	}
	for what, x := range map[string]*float64{"estimate": s.Estimate, "se": s.SE, "low": s.Low, "high": s.High, "dk": s.DKShare} {
		if x == nil || *x < 0 || *x > 100 {
			t.Fatalf("%s is outside 0..100: %s", what, told(s))
		}
	}
	if !(*s.Low <= *s.Estimate && *s.Estimate <= *s.High) {
		t.Fatalf("the interval does not hold the estimate: %s", told(s))
	}
	if *s.Low == *s.High {
		t.Fatalf("the interval is a point: %s", told(s))
	}
	if s.Deff != nil && *s.Deff < 0 || s.NEff != nil && *s.NEff < 0 {
		t.Fatalf("%+v", s)
	}
}

func TestComputeOnAnyTallies(t *testing.T) {
	shown := 0
	rapid.Check(t, func(t *rapid.T) {
		in := someInput(t, 80)
		scores, weightings, err := compute(in)
		if err != nil {
			t.Fatalf("%v", err)
		}
		l := newLeafs(in.areas)
		standing := 0
		for _, a := range in.areas {
			if l.into[a.Code] == "" {
				standing++
			}
		}
		if want := standing * len(in.recipe.Indicators) * len(Modes); len(scores) != want {
			t.Fatalf("%d scores instead of %d", len(scores), want)
		}
		type key struct{ indicator, mode string }
		whole, parts := map[key]int{}, map[key]int{}
		for _, s := range scores {
			checkScore(t, s, in.recipe.MinN)
			if !s.Suppressed() {
				shown++
			}
			if s.Mode == Combined {
				continue
			}
			switch k := (key{s.Indicator, s.Mode}); s.Level {
			case area.City:
				whole[k] = s.N
			case area.Community:
				parts[k] += s.N
			}
		}
		for k, n := range whole {
			if parts[k] != n {
				t.Fatalf("the communities have %d answers of %v and the city %d", parts[k], k, n)
			}
		}
		people := 0.0
		for _, p := range in.population {
			people += float64(p.Persons)
		}
		for _, w := range weightings {
			if w.N > 0 && w.Problem == "" && math.Abs(w.Total-people) > 1e-6*people {
				t.Fatalf("the weights of %s add up to %v of %v people", w.Mode, w.Total, people)
			}
			if w.Problem == "" && (math.IsNaN(w.KishDeff) || w.N > 0 && !(w.KishDeff > 0 && w.KishNEff > 0)) {
				t.Fatalf("%+v", w)
			}
		}
	})
	if shown < 100 {
		t.Errorf("only %d scores were shown: the drawn tallies show nothing", shown)
	}
}

// TestComputeForgetsWhoWasTakenOut: answers that were taken out again leave the
// scores as if they had never come, to the rounding of their sums.
func TestComputeForgetsWhoWasTakenOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := someInput(t, 60)
		codes := newLeafs(in.areas).codes
		before, _, err := compute(in)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 10).Draw(t, "gone") {
			gone := someone(t, codes, in.recipe).rows(in.recipe)
			in.rows = tally.Merge(slices.Concat(in.rows, gone, tally.Negative(gone)))
		}
		after, _, err := compute(in)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range before {
			a := after[i]
			if a.N != b.N || a.Reason != b.Reason || (a.Estimate == nil) != (b.Estimate == nil) {
				t.Fatalf("%+v became %+v", b, a)
			}
			if a.Estimate != nil && (math.Abs(*a.Estimate-*b.Estimate) > 1e-6 || math.Abs(*a.Low-*b.Low) > 1e-4) {
				t.Fatalf("%v (%v) became %v (%v)", *b.Estimate, *b.Low, *a.Estimate, *a.Low)
			}
		}
	})
}

// crowd are answers in every age band and sex of each community, n each, of which
// the share yes says yes to everything.
func crowd(codes []string, n int, yes map[string]int, recipe *indicator.Recipe) []tally.Row {
	var rows []tally.Row
	for _, code := range codes {
		for _, age := range area.Ages {
			for _, sex := range area.Sexes {
				for i := range n {
					r := respondent{area: code, stratum: collector.Scanned, age: age, sex: sex, weight: 1, dk: make([]bool, len(recipe.Indicators))}
					for range recipe.Indicators {
						y := 0.0
						if i < yes[code] {
							y = 100
						}
						r.y = append(r.y, y)
					}
					rows = append(rows, r.rows(recipe)...)
				}
			}
		}
	}
	return tally.Merge(rows)
}

func everybody(codes []string, persons int) []area.Population {
	var out []area.Population
	for _, c := range codes {
		for _, age := range area.Ages {
			for _, sex := range area.Sexes {
				out = append(out, area.Population{AreaCode: c, Age: age, Sex: sex, Persons: persons})
			}
		}
	}
	return out
}

func find(t *testing.T, scores []Score, code, ind, mode string) Score {
	t.Helper()
	for _, s := range scores {
		if s.AreaCode == code && s.Indicator == ind && s.Mode == mode {
			return s
		}
	}
	t.Fatalf("no score of %s", code)
	return Score{}
}

func TestComputeWeighsByPopulation(t *testing.T) {
	areas := town([][]int{{2}})
	const city, a, b = "990100000000", "990101001001", "990101001002"
	recipe := indicator.Default()
	in := input{areas: areas, recipe: recipe, rows: crowd([]string{a, b}, 4, map[string]int{a: 4, b: 0}, recipe),
		population: slices.Concat(everybody([]string{a}, 300), everybody([]string{b}, 100))}
	scores, weightings, err := compute(in)
	if err != nil {
		t.Fatal(err)
	}
	// All of A know and none of B; three of four people live in A.
	if s := find(t, scores, city, "awareness", collector.Scanned); math.Abs(*s.Estimate-75) > 1e-6 {
		t.Errorf("%v", *s.Estimate)
	}
	if s := find(t, scores, a, "awareness", collector.Scanned); *s.Estimate != 100 || *s.High != 100 || *s.Low > 99 || s.Flags != ModelBased {
		t.Errorf("%v %v..%v %s", *s.Estimate, *s.Low, *s.High, s.Flags)
	}
	if s := find(t, scores, city, "awareness", collector.Visited); s.Reason != NoAnswers {
		t.Errorf("%+v", s)
	}
	if s := find(t, scores, city, "awareness", Combined); s.N != 96 || s.Method[:10] != "scan_only:" {
		t.Errorf("%+v", s)
	}
	if w := weightings[1]; w.Mode != collector.Scanned || w.N != 96 || math.Abs(w.Total-4800) > 1e-6 || math.Abs(w.MaxG-75) > 1e-6 || math.Abs(w.MinG-25) > 1e-6 {
		t.Errorf("%+v", w)
	}
}

func TestComputeFollowsMergers(t *testing.T) {
	const city, a, b, c = "990100000000", "990101001001", "990101001002", "990101001003"
	recipe := indicator.Default()
	in := input{areas: town([][]int{{3}}), recipe: recipe, rows: crowd([]string{a, b, c}, 2, map[string]int{a: 2, b: 0, c: 1}, recipe), population: everybody([]string{a, b, c}, 100)}
	before, _, err := compute(in)
	if err != nil {
		t.Fatal(err)
	}
	merge(in.areas, a, b)
	after, _, err := compute(in)
	if err != nil {
		t.Fatal(err)
	}
	one, other, both := find(t, before, a, "awareness", "scan"), find(t, before, b, "awareness", "scan"), find(t, after, b, "awareness", "scan")
	if both.N != one.N+other.N || math.Abs(*both.Estimate-(*one.Estimate+*other.Estimate)/2) > 1e-6 {
		t.Errorf("%v of %d and %v of %d became %v of %d", *one.Estimate, one.N, *other.Estimate, other.N, *both.Estimate, both.N)
	}
	if slices.ContainsFunc(after, func(s Score) bool { return s.AreaCode == a }) {
		t.Error("a place that is no more has scores")
	}
	if x, y := find(t, before, city, "awareness", "scan"), find(t, after, city, "awareness", "scan"); math.Abs(*x.Estimate-*y.Estimate) > 1e-6 || x.N != y.N {
		t.Errorf("the city went from %v to %v", *x.Estimate, *y.Estimate)
	}
}

func TestComputeSaysWhyThereIsNone(t *testing.T) {
	const city, a = "990100000000", "990101001001"
	recipe := indicator.Default()
	in := input{areas: town([][]int{{1}}), recipe: recipe, rows: crowd([]string{a}, 2, nil, recipe)}
	t.Run("without population nothing is weighed and nothing is shown", func(t *testing.T) {
		scores, weightings, err := compute(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{collector.Scanned, Combined} {
			if s := find(t, scores, city, "awareness", mode); s.Reason != NotWeighed || s.Estimate != nil {
				t.Errorf("%s: %+v", mode, s)
			}
		}
		if w := weightings[1]; w.Problem == "" || w.N != 24 {
			t.Errorf("%+v", w)
		}
	})
	t.Run("with it everything is", func(t *testing.T) {
		in.population = everybody([]string{a}, 10)
		scores, _, err := compute(in)
		if err != nil {
			t.Fatal(err)
		}
		if s := find(t, scores, city, "awareness", Combined); s.Suppressed() || *s.Estimate != 0 || *s.Low != 0 || !(*s.High > 0) {
			t.Errorf("%+v", s)
		}
	})
}

func TestScoreIsWithheldBelowTheLeast(t *testing.T) {
	a := area.Area{Code: "990101001001", Level: area.Community}
	for _, x := range []struct {
		n, minN int
		reason  string
	}{{4, 1, TooFew}, {5, 1, ""}, {9, 10, TooFew}, {10, 10, ""}} {
		f := figure{mode: Combined, ok: true, interval: true, n: x.n, p: 0.5, v: 0.01, lo: 0.3, hi: 0.7}
		if s := f.score(a, indicator.Indicator{}, x.minN); s.Reason != x.reason || s.N != x.n {
			t.Errorf("%d answers of at least %d: %q", x.n, x.minN, s.Reason)
		} else {
			checkScore(t, s, x.minN)
		}
	}
}

func TestHashNamesTheInput(t *testing.T) {
	const a, b = "990101001001", "990101001002"
	make := func() input {
		recipe := indicator.Default()
		return input{areas: town([][]int{{2}}), recipe: recipe, rows: crowd([]string{a}, 1, nil, recipe), population: everybody([]string{a, b}, 10)}
	}
	want := make().hash()
	if len(want) != 64 || make().hash() != want {
		t.Fatal(want)
	}
	for what, change := range map[string]func(*input){
		"an answer":               func(in *input) { in.rows[0].N++ },
		"a sum in the last digit": func(in *input) { in.rows[1].DY = math.Nextafter(in.rows[1].DY, 1e9) },
		"a population":            func(in *input) { in.population[0].Persons, in.population[1].Persons = 9, 11 },
		"a merger":                func(in *input) { merge(in.areas, a, b) },
		"the recipe":              func(in *input) { r := *in.recipe; r.Version++; in.recipe = &r },
	} {
		in := make()
		change(&in)
		if in.hash() == want {
			t.Errorf("%s changes nothing in the hash", what)
		}
	}
}

// TestInsideFollowsPrefixes guards the rule by which places are found below
// one another.
func TestInsideFollowsPrefixes(t *testing.T) {
	l := newLeafs(town([][]int{{2, 1}, {1}}))
	for _, code := range l.codes {
		for _, digits := range []int{4, 6, 9, 12} {
			up := code[:digits] + fmt.Sprintf("%0*d", 12-digits, 0)[:12-digits]
			for i, in := range l.inside(up) {
				if in != survey.Within(up, l.codes[i]) {
					t.Errorf("%s in %s: %v", l.codes[i], up, in)
				}
			}
		}
	}
}
