package questionnaire

import "slices"

// Cond is a condition on answers. A node is either a list (All, Any), a
// negation (Not), or a test of one earlier question, in which every test that
// is set must hold. A question without an answer passes only Answered=false,
// and so does one that is not shown.
type Cond struct {
	All      []Cond   `json:"all,omitempty"`
	Any      []Cond   `json:"any,omitempty"`
	Not      *Cond    `json:"not,omitempty"`
	Question string   `json:"q,omitempty"`
	In       []string `json:"in,omitempty"` // the answer, or one of those chosen, is in the list
	Answered *bool    `json:"answered,omitempty"`
	GTE      *float64 `json:"gte,omitempty"`
	LTE      *float64 `json:"lte,omitempty"`
}

// Holds reports whether the condition is true of the answers a, which must not
// hold answers to hidden questions (see Prune). No condition is always true.
func (c *Cond) Holds(a Answers) bool {
	if c == nil {
		return true
	}
	switch {
	case c.All != nil:
		return !slices.ContainsFunc(c.All, func(c Cond) bool { return !c.Holds(a) })
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, func(c Cond) bool { return c.Holds(a) })
	case c.Not != nil:
		return !c.Not.Holds(a)
	}
	v := tidy(a[c.Question])
	if c.Answered != nil && *c.Answered != (v != nil) {
		return false
	}
	if c.In != nil && !slices.ContainsFunc(Chosen(v), func(code string) bool { return slices.Contains(c.In, code) }) {
		return false
	}
	if c.GTE == nil && c.LTE == nil {
		return true
	}
	n, ok := v.(float64)
	return ok && (c.GTE == nil || n >= *c.GTE) && (c.LTE == nil || n <= *c.LTE)
}

// Chosen returns the option codes in an answer: one of a single choice, all of
// a multiple one, none of anything else.
func Chosen(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

// Visible returns the ids of the questions that are asked of someone with the
// answers a, in order. An answer to a hidden question is as good as absent, so
// what depends on it is hidden too.
func (d *Definition) Visible(a Answers) []string {
	ids := make([]string, 0, len(d.Questions))
	d.walk(a, func(q *Question, shown bool) {
		if shown {
			ids = append(ids, q.ID)
		}
	})
	return ids
}

// Prune returns the answers to the questions that are asked, tidied, without
// all others. A page without script shows conditional questions to everybody;
// Prune keeps what counts.
func (d *Definition) Prune(a Answers) Answers {
	return d.walk(a, func(*Question, bool) {})
}

// walk visits the questions in order and says of each whether it is shown.
// One pass is enough because a condition looks only at earlier questions.
// Returns the answers to the shown questions.
func (d *Definition) walk(a Answers, visit func(q *Question, shown bool)) Answers {
	live := make(Answers, len(a))
	for i := range d.Questions {
		q := &d.Questions[i]
		shown := q.ShowIf.Holds(live)
		if v := tidy(a[q.ID]); shown && v != nil {
			live[q.ID] = v
		}
		visit(q, shown)
	}
	return live
}
