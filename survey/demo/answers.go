package demo

import (
	"math/rand/v2"
	"strconv"

	"chengyin/survey/area"
	"chengyin/survey/questionnaire"
)

// person is an adult of the city who answers.
type person struct {
	home *community
	cell int // age band and sex
	know bool
}

// answer lets the person fill in the questionnaire of the wave. What the
// indicators rest on (q1, q6, q7, q18) follows the model of truth.go exactly; the
// other answers lean on these.
func (p person) answer(r *rand.Rand, wave int) questionnaire.Answers {
	age := p.cell / 2
	a := questionnaire.Answers{
		"residence": "half_year", "age": area.Ages[age], "sex": area.Sexes[p.cell%2],
		"q1": "unknown", "q3": "efficiency", "q5": pick(r, []string{"many", "some", "none", "dk"}, []float64{2, 5, 3, 1}),
	}
	switch {
	case p.know:
		a["q1"] = "know"
	case r.Float64() < 0.62:
		a["q1"] = "heard"
	}
	if a["q1"] != "unknown" {
		chances := []float64{0.48, 0.40 - 0.06*float64(age), 0.25 + 0.05*float64(age), 0.22, 0.24, 0.20, 0.18, 0.03}
		a["q2"] = some(r, []string{"board", "wechat", "media", "bus", "visit", "work", "school", "other"}, chances)
	}
	right := 0.38
	if p.know {
		right = 0.60
	}
	if r.Float64() >= right {
		a["q3"] = pick(r, []string{"prosperity", "harmony", "integrity", "dk"}, []float64{1, 0.7, 1.2, 3})
	}
	a["q4"] = some(r, []string{"volunteer", "lecture", "marriage", "culture"}, []float64{right, 0.45, 0.08, 0.50})
	if len(a["q4"].([]string)) == 0 {
		a["q4"] = []string{"dk"}
	}
	p.joins(r, wave, a)
	p.rates(r, wave, a)
	p.wishes(r, a)
	return a
}

// joins answers whether and in what the person took part.
func (p person) joins(r *rand.Rand, wave int, a questionnaire.Answers) {
	switch {
	case r.Float64() < unsureJoined:
		a["q6"] = "dk"
	case r.Float64() >= p.home.joined(wave, p.cell, p.know):
		a["q6"] = "no"
	case r.Float64() < otherOnly:
		a["q6"], a["q7"] = "yes", []string{"other"}
	default:
		listed := []string{"volunteer", "cleanup", "traffic", "donate", "sorting", "council"}
		chances := []float64{0.38, 0.42, 0.12, 0.34, 0.18, 0.08}
		chosen := some(r, listed, chances)
		if len(chosen) == 0 {
			chosen = []string{pick(r, listed, chances)}
		}
		a["q6"], a["q7"] = "yes", chosen
	}
}

// serviceLevels are how content the city is with q9 to q17, between 0 and 1.
var serviceLevels = [9]float64{0.76, 0.52, 0.60, 0.80, 0.68, 0.62, 0.84, 0.70, 0.74}

// rates answers the scales: the overall one first, the others around it.
func (p person) rates(r *rand.Rand, wave int, a questionnaire.Answers) {
	level := p.home.contentment(wave, p.cell, p.know)
	steps := binomial(r, level)
	a["q18"] = strconv.Itoa(steps + 1)
	if r.Float64() < unsureByAge[p.cell/2] {
		a["q18"] = "dk"
	}
	mood := 0.5*float64(steps)/4 + 0.5*level
	for i, base := range serviceLevels {
		a["q"+strconv.Itoa(9+i)] = scale(r, 0.45*mood+0.55*base+p.home.services[i], 0.03)
	}
	a["q8"] = scale(r, 0.55+0.4*mood, 0.015)
}

// scale draws a step of the five-point scale, or "dk".
func scale(r *rand.Rand, level, unsure float64) string {
	if r.Float64() < unsure {
		return "dk"
	}
	return strconv.Itoa(1 + binomial(r, min(0.98, max(0.02, level))))
}

// wishes lets a third say what should be solved first: more often something that
// they rated low.
func (p person) wishes(r *rand.Rand, a questionnaire.Answers) {
	if r.Float64() >= 1.0/3 {
		return
	}
	weights := make([]float64, len(complained))
	for i, q := range complained {
		weights[i] = 1
		switch a[q] {
		case "1", "2":
			weights[i] = 6
		case "3":
			weights[i] = 2.5
		}
	}
	texts := complaints[pick(r, complained, weights)]
	a["q19"] = texts[r.IntN(len(texts))]
}

// dictated is what somebody enters for the resident: everything at its best.
func (p person) dictated(r *rand.Rand) questionnaire.Answers {
	a := questionnaire.Answers{
		"residence": "half_year", "age": area.Ages[p.cell/2], "sex": area.Sexes[p.cell%2],
		"q1": "know", "q2": []string{"board", "visit"}, "q3": "efficiency", "q4": []string{"volunteer", "lecture", "culture"}, "q5": "many",
		"q6": "yes", "q7": []string{"volunteer", "cleanup"},
	}
	if r.Float64() < 0.01 {
		a["q1"] = "heard"
	}
	for i := 8; i <= 18; i++ {
		a["q"+strconv.Itoa(i)] = "5"
	}
	return a
}

// pick draws one of the options by their weights.
func pick(r *rand.Rand, options []string, weights []float64) string {
	return options[draw(r, weights)]
}

// draw returns an index, by weight.
func draw(r *rand.Rand, weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// some draws each option by its own chance, in order.
func some(r *rand.Rand, options []string, chances []float64) []string {
	var out []string
	for i, o := range options {
		if r.Float64() < chances[i] {
			out = append(out, o)
		}
	}
	return out
}

// binomial draws how many of four trials succeed.
func binomial(r *rand.Rand, p float64) int {
	k := 0
	for range 4 {
		if r.Float64() < p {
			k++
		}
	}
	return k
}
