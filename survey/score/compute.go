package score

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/tally"
	"chengyin/survey/weight"
)

// input is all that the scores of a wave follow from.
type input struct {
	areas      []area.Area // of the wave's place, by code
	population []area.Population
	recipe     *indicator.Recipe
	rows       []tally.Row // by key
	field      weight.Result
}

// Input is what the scores of a wave follow from, for those who have it from
// elsewhere than a database.
type Input struct {
	Areas      []area.Area // of the wave's place, by code
	Population []area.Population
	Recipe     *indicator.Recipe
	Rows       []tally.Row   // by key
	Field      weight.Result // how those interviewed stand for the others
}

// Compute estimates every indicator for every place in every mode, as a refresh
// does. It is a pure function of its input.
func Compute(in Input) ([]Score, []Weighting, error) {
	return compute(input{areas: in.Areas, population: in.Population, recipe: in.Recipe, rows: in.Rows, field: in.Field})
}

// level is the confidence level of all intervals.
const level = 0.95

// least is the number below which a cell is never shown, and a mode is not used.
const least = 5

// compute estimates every indicator for every place in every mode. It is a pure
// function of its input.
func compute(in input) ([]Score, []Weighting, error) {
	l := newLeafs(in.areas)
	pop := newPeople(l, in.population)
	by := map[string]*sampleOf{}
	var weightings []Weighting
	for _, mode := range []string{collector.Visited, collector.Scanned} {
		s, err := weigh(mode, l, pop, in)
		if err != nil {
			return nil, nil, fmt.Errorf("weight the answers of mode %s: %w", mode, err)
		}
		by[mode] = s
		weightings = append(weightings, s.report)
	}
	var scores []Score
	for _, a := range in.areas {
		if l.into[a.Code] != "" {
			continue
		}
		inside := l.inside(a.Code)
		for v, ind := range in.recipe.Indicators {
			visit := by[collector.Visited].estimate(inside, v, ind)
			scan := by[collector.Scanned].estimate(inside, v, ind)
			scan.flag(ModelBased)
			for _, s := range []figure{combine(visit, scan, ind), visit, scan} {
				scores = append(scores, s.score(a, ind, in.recipe.MinN))
			}
		}
	}
	withhold(scores, in.areas)
	return scores, weightings, nil
}

// sampleOf is the weighted sample of one mode.
type sampleOf struct {
	mode   string
	tally  *estimate.Tally // nil: nobody answered, or the weighting failed
	report Weighting
	deff   []float64 // of the whole sample, by indicator
	dk     []doubters

	strata  map[string]string // the stratum that each is estimated in
	margins []margin          // place, age, sex
	class   map[class]int
}

// class is a weighting class: community, age band and sex by number.
type class struct{ leaf, age, sex int }

// doubters are the weighted answers of a community that are or are not "don't
// know", by indicator.
type doubters struct{ dk, all []float64 }

// weigh makes the cells of a mode, joins strata and categories that are too
// small, and rakes to the population.
func weigh(mode string, l leafs, pop people, in input) (*sampleOf, error) {
	s := &sampleOf{mode: mode, report: Weighting{Mode: mode}}
	if mode == collector.Visited && in.field.Report.Cells > 0 {
		s.report.Field = &in.field.Report
	}
	number := map[string]int{}
	for i, ind := range in.recipe.Indicators {
		number[ind.Code] = i
	}
	k := len(in.recipe.Indicators)
	leafN, ageN, sexN := make([]float64, len(l.codes)), make([]float64, len(area.Ages)), make([]float64, len(area.Sexes))
	psusOf := map[string]map[string]bool{}
	type place struct {
		stratum, psu string
		leaf         int
		age, sex     int
	}
	at := map[place]int{}
	var cells []estimate.Cell
	var places []place
	var dk [][]float64
	for _, r := range in.rows {
		leaf, ok := l.of(r.AreaCode)
		if r.Mode != mode || !ok {
			continue
		}
		r = standing(r, in.field.Of(r.Stratum, r.PSU))
		p := place{r.Stratum, r.PSU, leaf, slices.Index(area.Ages, r.Age), slices.Index(area.Sexes, r.Sex)}
		c, ok := at[p]
		if !ok {
			c = len(cells)
			at[p] = c
			cells = append(cells, estimate.Cell{Leaf: leaf, Y: make([]estimate.Sums, k)})
			places = append(places, p)
			dk = append(dk, make([]float64, k))
		}
		if r.Indicator == tally.Base {
			cells[c].All = estimate.Sums{N: cells[c].All.N + float64(r.N), D: cells[c].All.D + r.D, DD: cells[c].All.DD + r.DD}
			leafN[leaf] += float64(r.N)
			ageN[p.age] += float64(r.N)
			sexN[p.sex] += float64(r.N)
			s.report.N += int(r.N)
			continue
		}
		v, ok := number[r.Indicator]
		if !ok {
			continue
		}
		y := &cells[c].Y[v]
		y.N, y.D, y.DD = y.N+float64(r.N), y.D+r.D, y.DD+r.DD
		y.DY, y.DYY, y.DDY, y.DDYY = y.DY+r.DY, y.DYY+r.DYY, y.DDY+r.DDY, y.DDYY+r.DDYY
		dk[c][v] += r.DK
	}
	// Cells out of which everybody was taken again are no part of the sample.
	kept := 0
	for c := range cells {
		if cells[c].All = possible(cells[c].All); cells[c].All.N > 0 {
			cells[kept], places[kept], dk[kept] = cells[c], places[c], dk[c]
			for v, y := range cells[c].Y {
				if y.N == cells[c].All.N {
					y.D, y.DD = cells[c].All.D, cells[c].All.DD // the same people
				}
				cells[kept].Y[v] = possible(y)
			}
			kept++
		}
	}
	cells, places, dk = cells[:kept], places[:kept], dk[:kept]
	if len(cells) == 0 {
		return s, nil
	}

	// The design.
	for _, p := range places {
		if psusOf[p.stratum] == nil {
			psusOf[p.stratum] = map[string]bool{}
		}
		psusOf[p.stratum][p.psu] = true
	}
	sizes := map[string]int{}
	for st, set := range psusOf {
		sizes[st] = len(set)
		if set[""] {
			sizes[st] = s.report.N // every answer is a PSU
		}
	}
	into, joined := joinLonely(sizes)
	s.strata = into
	s.report.Collapsed = append(s.report.Collapsed, joined...)
	// Where answers in PSUs are estimated together with answers that are their own,
	// the latter of a stratum count as one PSU: that never makes it look surer.
	inPSUs := map[string]bool{}
	for _, p := range places {
		if p.psu != "" {
			inPSUs[into[p.stratum]] = true
		}
	}
	var drawn *drawnIn
	if len(inPSUs) > 0 {
		drawn = &drawnIn{psus: make([]map[string]map[string]bool, len(l.codes)), all: map[string]int{}}
	}
	strata, psus := numbering{}, numbering{}
	for c, p := range places {
		cells[c].Stratum = strata.of(into[p.stratum])
		cells[c].PSU = estimate.Element
		if inPSUs[into[p.stratum]] {
			psu := p.stratum + "\x00" + p.psu
			cells[c].PSU = psus.of(psu)
			drawn.add(p.leaf, into[p.stratum], psu)
		}
	}

	for psu := range psus {
		stratum, _, _ := strings.Cut(psu, "\x00")
		drawn.all[into[stratum]]++
	}

	// The margins. When they cannot be met together, places are taken together.
	age := bandMargin("age", area.Ages, pop.age, ageN)
	sex := bandMargin("sex", area.Sexes, pop.sex, sexN)
	s.class = map[class]int{}
	var keys []class
	for c, p := range places {
		key := class{p.leaf, p.age, p.sex}
		id, known := s.class[key]
		if !known {
			id = len(keys)
			s.class[key] = id
			keys = append(keys, key)
		}
		cells[c].Class = id
	}
	base, err := estimate.NewTally(cells, k, estimate.TallyOptions{Lonely: estimate.Remove})
	if err != nil {
		return nil, err
	}
	for _, digits := range []int{12, 9, 6, 0} {
		m := placeMargin(l, pop.leaf, leafN, drawn, digits)
		cat := make([][]int, len(keys))
		for id, key := range keys {
			cat[id] = []int{m.of[key.leaf], age.of[key.age], sex.of[key.sex]}
		}
		raked, rep, err := base.Rake(cat, []weighting.Margin{m.Margin, age.Margin, sex.Margin}, weighting.Options{})
		if err != nil {
			s.report.Problem = err.Error()
			continue
		}
		s.tally, s.margins = raked, []margin{m, age, sex}
		s.report.Problem = ""
		s.report.Total, s.report.Sweeps, s.report.Worst = rep.Total, rep.Sweeps, rep.Worst
		s.report.MinG, s.report.MedianG, s.report.MaxG = rep.MinG, rep.MedianG, rep.MaxG
		for _, m := range s.margins {
			s.report.Collapsed = append(s.report.Collapsed, m.collapsed...)
		}
		if digits < 12 {
			s.report.Collapsed = append(s.report.Collapsed, fmt.Sprintf("places to %d digits", digits))
		}
		break
	}
	if s.tally == nil {
		return s, nil
	}
	s.finish(cells, dk, in.recipe, l)
	return s, nil
}

// standing returns the row of a PSU whose people stand, each, for f.
func standing(r tally.Row, f float64) tally.Row {
	if f == 1 {
		return r
	}
	r.D, r.DY, r.DYY, r.DK = f*r.D, f*r.DY, f*r.DYY, f*r.DK
	r.DD, r.DDY, r.DDYY = f*f*r.DD, f*f*r.DDY, f*f*r.DDYY
	return r
}

// possible takes off what rounding leaves in sums from which answers were taken
// out again: the least of the changes after which they are the sums of N values
// in 0..100.
func possible(s estimate.Sums) estimate.Sums {
	if s.N <= 0 || s.D <= 0 {
		return estimate.Sums{}
	}
	s.DD = max(s.DD, s.D*s.D/s.N)
	s.DY, s.DDY = min(max(s.DY, 0), 100*s.D), min(max(s.DDY, 0), 100*s.DD)
	s.DYY = min(max(s.DYY, s.DY*s.DY/s.D), 100*s.DY)
	s.DDYY = min(max(s.DDYY, s.DDY*s.DDY/s.DD), 100*s.DDY)
	return s
}

// finish computes what estimates of places need of the whole sample.
func (s *sampleOf) finish(cells []estimate.Cell, dk [][]float64, recipe *indicator.Recipe, l leafs) {
	g := s.tally.Factor()
	k := len(recipe.Indicators)
	s.deff = make([]float64, k)
	var w, ww float64
	for _, c := range cells {
		w += g[c.Class] * c.All.D
		ww += g[c.Class] * g[c.Class] * c.All.DD
	}
	s.report.KishNEff = w * w / ww
	s.report.KishDeff = float64(s.report.N) / s.report.KishNEff
	for v := range s.deff {
		m, err := s.tally.Mean(v, nil)
		s.deff[v] = s.report.KishDeff
		if err == nil && m.Deff > 0 && m.DF > 0 {
			s.deff[v] = m.Deff
		}
	}
	s.dk = make([]doubters, len(l.codes))
	for i := range s.dk {
		s.dk[i] = doubters{make([]float64, k), make([]float64, k)}
	}
	for c, x := range cells {
		for v, ind := range recipe.Indicators {
			all := x.Y[v].D
			if ind.DK != indicator.Include {
				all += dk[c][v]
			}
			s.dk[x.Leaf].dk[v] += g[x.Class] * dk[c][v]
			s.dk[x.Leaf].all[v] += g[x.Class] * all
		}
	}
}

// estimate returns the figure of indicator v in the given communities.
func (s *sampleOf) estimate(inside []bool, v int, ind indicator.Indicator) figure {
	f := figure{mode: s.mode, reason: NoAnswers}
	if s.tally == nil {
		if s.report.Problem != "" {
			f.reason = NotWeighed
		}
		return f
	}
	m, err := s.tally.Mean(v, func(leaf int) bool { return inside[leaf] })
	if errors.Is(err, estimate.ErrEmptyDomain) {
		return f
	}
	if err != nil {
		f.reason = NotWeighed
		return f
	}
	f.ok, f.reason, f.method = true, "", "raked"
	f.n, f.p, f.v, f.whole = m.N, share(m.Estimate/100), m.Var/1e4, s.deff[v]
	var dk, all float64
	for i, in := range inside {
		if in {
			dk += s.dk[i].dk[v]
			all += s.dk[i].all[v]
		}
	}
	if all > 0 {
		f.dk = share(dk / all)
	}
	f.settle(m, ind)
	return f
}

// numbering gives each name a number, in the order of asking.
type numbering map[string]int

func (n numbering) of(name string) int {
	i, ok := n[name]
	if !ok {
		i = len(n)
		n[name] = i
	}
	return i
}
