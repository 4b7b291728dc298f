package demo

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/tally"
	"chengyin/survey/weight"
)

// fieldwave is one wave in the field: whose doors were knocked on, and what came of
// it.
type fieldwave struct {
	rows     []tally.Row
	psus     []weight.PSU
	outcomes map[string]int
	plain    []float64 // values of those interviewed, without weights: sums by indicator
	squares  []float64
	n        []float64
}

// The chance that an adult is at home, by time of day, under sixty and over.
var atHome = map[string][2]float64{
	fieldwork.Morning: {0.20, 0.70}, fieldwork.Afternoon: {0.22, 0.65}, fieldwork.Evening: {0.62, 0.88},
}

// refuses is the logit of refusing an interview, by age.
var refuses = [6]float64{-0.6, -0.7, -0.9, -1.1, -1.4, -1.5}

// interviewers knock on the doors that were drawn, by the rules of the field.
func (x *residents) interviewers(r *rand.Rand, d sample.Drawn) (fieldwave, error) {
	k := len(x.recipe.Indicators)
	w := fieldwave{outcomes: map[string]int{}, plain: make([]float64, k), squares: make([]float64, k), n: make([]float64, k)}
	rest := d.Homes
	for _, psu := range d.PSUs {
		drawn := rest[:psu.Take+psu.Reserve]
		rest = rest[len(drawn):]
		p := weight.PSU{Stratum: psu.Stratum, PSU: psu.ID, Area: drawn[0].AreaCode}
		homes, visits := make([]fieldwork.Standing, len(drawn)), make([]int, len(drawn))
		for i, h := range drawn {
			homes[i] = fieldwork.Standing{ID: h.Household, Reserve: h.Reserve, Open: true, Outcome: fieldwork.NotVisited}
		}
		for again := true; again; {
			again = false
			turn := fieldwork.Turn(homes, fieldwork.UsualRules)
			for i := range homes {
				h := &homes[i]
				if !h.Open || h.Reserve && !slices.Contains(turn, h.ID) {
					continue
				}
				again = true
				at, err := strconv.Atoi(h.ID)
				if err != nil {
					return w, err
				}
				state, chosen, err := x.door(r, at, drawn[i].Picks)
				if err != nil {
					return w, err
				}
				h.Open, h.Outcome, visits[i] = state.Open, state.Outcome, state.Visits
				if h.Outcome == fieldwork.Interviewed {
					adults := x.homes[at].people[1] - x.homes[at].people[0]
					w.ask(x, chosen, sample.Unit{AreaCode: p.Area, Stratum: p.Stratum, PSU: p.PSU, Weight: drawn[i].Base() * float64(adults)})
				}
			}
		}
		for i, h := range homes {
			p.Add(weight.Standing{Outcome: h.Outcome, Reserve: h.Reserve, Visited: visits[i] > 0, Open: h.Open, Answered: h.Outcome == fieldwork.Interviewed}, 1, drawn[i].Base())
			if visits[i] > 0 {
				w.outcomes[h.Outcome]++
			}
		}
		w.psus = append(w.psus, p)
	}
	w.rows = tally.Merge(w.rows)
	return w, nil
}

// ask takes an interview down.
func (w *fieldwave) ask(x *residents, who int, u sample.Unit) {
	answers := x.answersOf(who)
	w.rows = append(w.rows, tally.Of(tally.Answer{Mode: collector.Visited, AreaCode: u.AreaCode, Unit: &u, Answers: answers}, x.d, x.recipe)...)
	for v, y := range x.recipe.Values(x.d, answers) {
		if y.OK {
			w.plain[v] += y.Y
			w.squares[v] += y.Y * y.Y
			w.n[v]++
		}
	}
}

// door visits an address until it is closed. It returns what that adds up to, and who
// was asked.
func (x *residents) door(r *rand.Rand, at int, picks string) (s fieldwork.State, pick int, err error) {
	h := x.homes[at]
	if adults := int(h.people[1] - h.people[0]); adults > 0 {
		chosen, err := strconv.ParseInt(picks[adults-1:adults], 36, 8)
		if err != nil {
			return s, 0, err
		}
		pick = int(h.people[0]) + int(chosen) - 1
	}
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, fieldwork.China)
	hours := map[string]int{fieldwork.Morning: 10, fieldwork.Afternoon: 15, fieldwork.Evening: 19}
	var visits []fieldwork.Visit
	appointed := false
	period := []string{fieldwork.Morning, fieldwork.Afternoon, fieldwork.Evening}[draw(r, []float64{0.2, 0.3, 0.5})]
	for s = fieldwork.StateOf(visits, fieldwork.UsualRules); s.Open; s = fieldwork.StateOf(visits, fieldwork.UsualRules) {
		outcome := x.knock(r, h, pick, period, appointed)
		appointed = outcome == "2.25"
		visits = append(visits, fieldwork.Visit{ID: strconv.Itoa(len(visits)), At: day.AddDate(0, 0, 2*len(visits)).Add(time.Duration(hours[period]) * time.Hour), Outcome: outcome, Period: period})
		if appointed {
			period = fieldwork.Evening
		} else { // at another time of day
			others := slices.DeleteFunc([]string{fieldwork.Evening, fieldwork.Morning, fieldwork.Afternoon}, func(p string) bool { return p == period })
			period = others[draw(r, []float64{0.7, 0.3})]
		}
	}
	return s, pick, nil
}

// knock is one visit.
func (x *residents) knock(r *rand.Rand, h home, pick int, period string, appointed bool) string {
	b := x.blocks[h.block]
	if r.Float64() < b.locked {
		return "2.23"
	}
	switch {
	case h.kind == business:
		return "4.51"
	case h.kind == vacant && r.Float64() < 0.6: // the neighbours say so
		return "4.61"
	case h.kind == vacant:
		return "2.24"
	}
	here := func(i int) bool {
		chance := atHome[period][0]
		if x.people[i].cell/2 >= 4 {
			chance = atHome[period][1]
		}
		if appointed && i == pick {
			chance = 0.85
		}
		return r.Float64() < chance
	}
	someone, them := false, false
	for i := int(h.people[0]); i < int(h.people[1]); i++ {
		if here(i) {
			someone = true
			them = them || i == pick
		}
	}
	age := x.people[pick].cell / 2
	switch {
	case !someone:
		return "2.24"
	case r.Float64() < 0.03:
		return "3.21"
	case r.Float64() < 0.10*logistic(b.refuses)/logistic(0): // before anybody knows who is asked
		return "2.11"
	case !them:
		return "2.25"
	case r.Float64() < logistic(refuses[age]+b.refuses):
		return "2.11"
	case age >= 4 && r.Float64() < 0.04:
		return "2.32"
	case r.Float64() < 0.01:
		return "2.33"
	case r.Float64() < 0.01:
		return "2.12"
	}
	return "1.1"
}
