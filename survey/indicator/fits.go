package indicator

import (
	"fmt"
	"maps"
	"slices"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

// Fits returns what keeps the recipe from being used on the answers to d: a
// question or an option that d does not have. A question that may be scored
// but is not asked would silently empty the base, so it is refused beforehand.
func (r *Recipe) Fits(d *questionnaire.Definition) []survey.Field {
	v := new(validator)
	if r.Base != nil {
		v.wrong = append(v.wrong, r.Base.Validate("base", d)...)
	}
	for i := range r.Indicators {
		for j := range r.Indicators[i].Items {
			v.fits(fmt.Sprintf("indicators[%d].items[%d]", i, j), &r.Indicators[i].Items[j], d)
		}
	}
	return v.wrong
}

func (v *validator) fits(path string, it *Item, d *questionnaire.Definition) {
	if g := it.Gate; g != nil {
		if q := v.choice(path+".gate.question", g.Question, d, questionnaire.Single, questionnaire.Scale); q != nil {
			v.options(path+".gate.pass", g.Pass, q)
			v.options(path+".gate.scores", sortedKeys(g.Scores), q)
		}
	}
	if it.Scores == nil {
		if q := v.choice(path+".question", it.Question, d, questionnaire.Multiple); q != nil {
			v.options(path+".any_of", it.AnyOf, q)
			v.options(path+".none_of", it.NoneOf, q)
		}
		return
	}
	q := v.choice(path+".question", it.Question, d, questionnaire.Single, questionnaire.Scale)
	if q == nil {
		return
	}
	v.options(path+".scores", sortedKeys(it.Scores), q)
}

// choice returns the question with that id when it is of one of the types.
func (v *validator) choice(path, id string, d *questionnaire.Definition, types ...questionnaire.Type) *questionnaire.Question {
	q := d.Question(id)
	switch {
	case q == nil:
		v.add(path, questionnaire.CodeUnknownQuestion)
	case !slices.Contains(types, q.Type):
		v.add(path, questionnaire.CodeWrongType)
	default:
		return q
	}
	return nil
}

func (v *validator) options(path string, codes []string, q *questionnaire.Question) {
	for _, code := range codes {
		if q.Option(code) == nil {
			v.add(path+"."+code, questionnaire.CodeUnknownOption)
		}
	}
}

func sortedKeys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
