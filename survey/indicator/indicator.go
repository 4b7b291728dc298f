// Package indicator holds the recipes that turn answers into figures. Every
// city computes 知晓率, 参与率 and 满意度 in its own way, and the same answers
// give different figures under different recipes; so a recipe is data with a
// version, and every figure names the one it was made by.
//
// docs/methods/indicators.md explains the rules to those who publish figures.
package indicator

import (
	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

// Recipe is one version of a set of indicators over the answers to a
// questionnaire.
type Recipe struct {
	Code       string              `json:"code"`
	Version    int                 `json:"version"`
	Title      survey.Text         `json:"title"`
	Source     survey.Text         `json:"source,omitzero"` // where this way of counting was seen
	Base       *questionnaire.Cond `json:"base"`            // who is counted at all; nil: everybody
	MinN       int                 `json:"min_n"`           // figures on fewer responses are suppressed
	Indicators []Indicator         `json:"indicators"`
}

// The kinds of indicator. A share is the percentage of respondents who are
// positive, each of whom is 0 or 100; a mean averages a score from 0 to 100.
const (
	Share = "share"
	Mean  = "mean"
)

// What happens to "don't know".
const (
	Include  = "include"  // counts, with its score if the item gives one, otherwise with 0
	Exclude  = "exclude"  // as if the question had not been answered; leaves no trace
	Separate = "separate" // leaves the base, and its share is reported beside the figure
)

// How the items of an indicator combine.
const (
	Average = ""    // the mean by weight over the items that have a score
	All     = "all" // 100 when every item is 100: a verified share
	Any     = "any" // 100 when at least one item is 100
)

// Indicator is one figure.
type Indicator struct {
	Code      string      `json:"code"`
	Name      survey.Text `json:"name"`
	Kind      string      `json:"kind"`
	DK        string      `json:"dk"`
	Combine   string      `json:"combine,omitempty"`
	Items     []Item      `json:"items"`
	Companion string      `json:"companion,omitempty"` // code of the indicator beside which this one is shown
	Note      survey.Text `json:"note,omitzero"`       // what a reader of the figure has to know
}

// Item scores the answer to one question. Single choices and scales have
// Scores, multiple choices have AnyOf, NoneOf or both.
type Item struct {
	Question string             `json:"question"`
	Weight   float64            `json:"weight,omitempty"` // relative to the other items; 0 means 1
	Gate     *Gate              `json:"gate,omitempty"`
	Scores   map[string]float64 `json:"scores,omitempty"`  // option code -> 0..100
	AnyOf    []string           `json:"any_of,omitempty"`  // at least one of these chosen ...
	NoneOf   []string           `json:"none_of,omitempty"` // ... and none of these: 100
	Else     *float64           `json:"else,omitempty"`    // score of any other answer; nil: it is not in the base
}

// Gate is a question that is asked before the item's own and may settle its
// score: someone who took part in nothing is not asked in what.
type Gate struct {
	Question string             `json:"question"`
	Pass     []string           `json:"pass"`             // go on to the item's own question
	Scores   map[string]float64 `json:"scores,omitempty"` // settled: this is the score
}

// Value is what one response is worth to one indicator.
type Value struct {
	Y  float64 // 0 to 100; 0 unless OK
	OK bool    // false: not in the base of this indicator
	DK bool    // the answer was "don't know", included or kept apart
}

// InBase reports whether someone with the answers a is counted at all.
func (r *Recipe) InBase(d *questionnaire.Definition, a questionnaire.Answers) bool {
	return r.Base.Holds(d.Prune(a))
}

// Values returns what a response is worth to each indicator, in the order of
// r.Indicators. Answers to questions that were not asked count as absent. A
// response outside the recipe's base is in the base of no indicator.
func (r *Recipe) Values(d *questionnaire.Definition, a questionnaire.Answers) []Value {
	values := make([]Value, len(r.Indicators))
	a = d.Prune(a)
	if !r.Base.Holds(a) {
		return values
	}
	for i := range r.Indicators {
		values[i] = r.Indicators[i].value(d, a)
	}
	return values
}

// state says whether an item has a score.
type state int

const (
	absent   state = iota // not answered, or the answer is not in the base
	scored                // it has a score
	dontKnow              // "don't know"; it has a score only under Include
)

func (in *Indicator) value(d *questionnaire.Definition, a questionnaire.Answers) Value {
	var t tally
	for i := range in.Items {
		item := &in.Items[i]
		y, s := item.score(d, a)
		if s == dontKnow && in.DK == Exclude {
			s = absent
		}
		t.add(y, item.weight(), s, in.DK == Include)
	}
	return t.value(in.Combine)
}

func (it *Item) weight() float64 {
	if it.Weight == 0 {
		return 1
	}
	return it.Weight
}

// score returns the item's score for the answers a. Under dontKnow the score
// is the one that the recipe gives to that option, 0 when it gives none.
func (it *Item) score(d *questionnaire.Definition, a questionnaire.Answers) (float64, state) {
	if g := it.Gate; g != nil {
		y, s, pass := g.score(d, a)
		if !pass {
			return y, s
		}
	}
	q := d.Question(it.Question)
	chosen := questionnaire.Chosen(a[it.Question])
	if q == nil || len(chosen) == 0 {
		return 0, absent
	}
	if o := q.Option(chosen[0]); o != nil && o.DontKnow {
		return it.Scores[o.Code], dontKnow
	}
	if q.Type == questionnaire.Multiple {
		if (it.AnyOf == nil || overlap(chosen, it.AnyOf)) && !overlap(chosen, it.NoneOf) {
			return 100, scored
		}
	} else if y, ok := it.Scores[chosen[0]]; ok {
		return y, scored
	}
	if it.Else != nil {
		return *it.Else, scored
	}
	return 0, absent
}

// score returns the score that the gate settles; pass means it settles none.
func (g *Gate) score(d *questionnaire.Definition, a questionnaire.Answers) (y float64, s state, pass bool) {
	q := d.Question(g.Question)
	chosen := questionnaire.Chosen(a[g.Question])
	if q == nil || len(chosen) == 0 {
		return 0, absent, false
	}
	if overlap(chosen, g.Pass) {
		return 0, absent, true
	}
	y, ok := g.Scores[chosen[0]]
	if o := q.Option(chosen[0]); o != nil && o.DontKnow {
		return y, dontKnow, false
	}
	if ok {
		return y, scored, false
	}
	return 0, absent, false
}

func overlap(a, b []string) bool {
	for _, s := range a {
		for _, t := range b {
			if s == t {
				return true
			}
		}
	}
	return false
}

// tally adds up the items of one indicator for one response.
type tally struct {
	items       int
	sum, weight float64
	scored      int // items that have a score
	full        int // of those scored: with the full 100
	known       int // of those scored: not "don't know"
	dk          int
}

func (t *tally) add(y, w float64, s state, includeDK bool) {
	t.items++
	if s == dontKnow {
		t.dk++
	}
	if s == absent || s == dontKnow && !includeDK {
		return
	}
	t.sum += w * y
	t.weight += w
	t.scored++
	if s == scored {
		t.known++
	}
	if y == 100 {
		t.full++
	}
}

// value combines the items. Average renormalises the weights over the items
// that have a score. All and Any are decided as soon as these items decide
// them, whatever the others would have been; otherwise they need every item.
func (t *tally) value(combine string) Value {
	undecided := Value{DK: t.dk > 0}
	decided := Value{OK: true, DK: t.known == 0}
	switch {
	case t.scored == 0:
		return undecided
	case combine == All && t.full < t.scored:
		return decided
	case combine == Any && t.full > 0:
		decided.Y = 100
		return decided
	case combine != Average && t.scored < t.items:
		return undecided
	case combine == All:
		decided.Y = 100
		return decided
	case combine == Any:
		return decided
	}
	decided.Y = t.sum / t.weight
	return decided
}
