package questionnaire_test

import (
	"fmt"

	"pgregory.net/rapid"

	"chengyin/survey/questionnaire"
)

var (
	optionCodes = []string{"a", "b", "c", "5", "other", "dk"}
	// texts holds what the two languages might see differently: white space,
	// control and direction characters, characters outside the basic plane.
	texts = []string{"", " ", "a", " a", "b\u3000", "\u0085", "\ufeffa", "\u202edk", "a\u200db", "\u2028", "\x00c\x07", "a\r\n", "x\ty",
		"停车", "𠮷", "🚗🚗", "e\u0301", "\u1680\u205f\u00a0", "\u200b", "long enough to be refused"}
	numbers = []float64{0, 1, 2, 3, 3.5, -1, 1e3, 1e9, -0.1, 0.1, 1e-7, 12345678901234567890, 1e300}
)

func drawDefinition(t *rapid.T) *questionnaire.Definition {
	types := []questionnaire.Type{questionnaire.Single, questionnaire.Multiple, questionnaire.Scale, questionnaire.Number, questionnaire.Text}
	d := new(questionnaire.Definition)
	for i := range rapid.IntRange(1, 7).Draw(t, "questions") {
		q := questionnaire.Question{
			ID: fmt.Sprintf("q%d", i), Type: rapid.SampledFrom(types).Draw(t, "type"),
			Required: rapid.Bool().Draw(t, "required"), Rotate: rapid.Bool().Draw(t, "rotate"), Integer: rapid.Bool().Draw(t, "integer"),
			Min: drawLimit(t, "min"), Max: drawLimit(t, "max"),
		}
		if q.Type != questionnaire.Number && q.Type != questionnaire.Text {
			for _, code := range rapid.SliceOfNDistinct(rapid.SampledFrom(optionCodes), 2, 6, rapid.ID[string]).Draw(t, "options") {
				q.Options = append(q.Options, questionnaire.Option{
					Code: code, DontKnow: code == "dk",
					Exclusive: rapid.IntRange(0, 4).Draw(t, "exclusive") == 0, Fixed: rapid.IntRange(0, 4).Draw(t, "fixed") == 0,
				})
			}
		}
		if i > 0 && rapid.Bool().Draw(t, "conditional") {
			c := drawCond(t, i, 3)
			q.ShowIf = &c
		}
		d.Questions = append(d.Questions, q)
	}
	return d
}

func drawLimit(t *rapid.T, label string) *float64 {
	if rapid.Bool().Draw(t, label+" unset") {
		return nil
	}
	n := rapid.SampledFrom([]float64{0, 1, 2, 3, 10, 0.5}).Draw(t, label)
	return &n
}

// drawCond draws a condition on the first n questions.
func drawCond(t *rapid.T, n, depth int) questionnaire.Cond {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind = 5
	}
	switch kind {
	case 0, 1:
		list := make([]questionnaire.Cond, rapid.IntRange(1, 3).Draw(t, "list"))
		for i := range list {
			list[i] = drawCond(t, n, depth-1)
		}
		if kind == 0 {
			return questionnaire.Cond{All: list}
		}
		return questionnaire.Cond{Any: list}
	case 2:
		c := drawCond(t, n, depth-1)
		return questionnaire.Cond{Not: &c}
	}
	c := questionnaire.Cond{Question: fmt.Sprintf("q%d", rapid.IntRange(0, n-1).Draw(t, "question"))}
	switch rapid.IntRange(0, 2).Draw(t, "test") {
	case 0:
		c.In = rapid.SliceOfN(rapid.SampledFrom(optionCodes), 1, 4).Draw(t, "in")
	case 1:
		answered := rapid.Bool().Draw(t, "answered")
		c.Answered = &answered
	default:
		c.GTE, c.LTE = drawLimit(t, "gte"), drawLimit(t, "lte")
	}
	return c
}

// drawAnswers draws answers of which most suit their question.
func drawAnswers(t *rapid.T, d *questionnaire.Definition) map[string]any {
	a := make(map[string]any)
	for _, q := range d.Questions {
		codes := []string{"nobody"}
		for _, o := range q.Options {
			codes = append(codes, o.Code)
		}
		switch rapid.IntRange(0, 9).Draw(t, "fitness") {
		case 0: // no answer
		case 1:
			a[q.ID] = rapid.SampledFrom([]any{nil, "", true, false, map[string]any{"a": 1}, []any{}, []any{"a", 1}, []any{nil}, []any{[]any{"a"}}}).Draw(t, "strange")
		case 2:
			a[q.ID] = drawAnswer(t, rapid.SampledFrom([]questionnaire.Type{questionnaire.Single, questionnaire.Multiple, questionnaire.Number, questionnaire.Text}).Draw(t, "other type"), codes)
		default:
			a[q.ID] = drawAnswer(t, q.Type, codes)
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "strangers") == 0 {
		a[rapid.SampledFrom([]string{"constructor", "__proto__", "zz", "Q1", ""}).Draw(t, "stranger")] = rapid.SampledFrom(texts).Draw(t, "text")
	}
	return a
}

func drawAnswer(t *rapid.T, typ questionnaire.Type, codes []string) any {
	switch typ {
	case questionnaire.Multiple:
		return rapid.SliceOfN(rapid.SampledFrom(codes), 0, 4).Draw(t, "chosen")
	case questionnaire.Number:
		return rapid.SampledFrom(numbers).Draw(t, "number")
	case questionnaire.Text:
		return rapid.SampledFrom(texts).Draw(t, "text")
	}
	return rapid.SampledFrom(codes).Draw(t, "code")
}
