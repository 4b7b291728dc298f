package questionnaire

import (
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"chengyin/survey"
)

// longestText bounds a text whose question sets no Max.
const longestText = 2000

// Check returns what is wrong with the answers: one field for each wrong
// answer, all at once, in the order of the questions; answers to questions that
// do not exist come last, sorted. Path is the question's id. Nil when all is
// right.
func (d *Definition) Check(a Answers) []survey.Field {
	var wrong []survey.Field
	known := make(map[string]bool, len(d.Questions))
	d.walk(a, func(q *Question, shown bool) {
		known[q.ID] = true
		v := tidy(a[q.ID])
		var code string
		var args map[string]any
		switch {
		case v == nil && shown && q.Required:
			code = CodeRequired
		case v == nil:
		case !shown:
			code = CodeNotAsked
		default:
			code, args = q.check(v)
		}
		if code != "" {
			wrong = append(wrong, survey.Field{Path: q.ID, Code: code, Args: args})
		}
	})
	for _, id := range slices.Sorted(maps.Keys(a)) {
		if !known[id] && tidy(a[id]) != nil {
			wrong = append(wrong, survey.Field{Path: id, Code: CodeUnknownQuestion})
		}
	}
	return wrong
}

// check returns the first thing wrong with the answer v, or "".
func (q *Question) check(v any) (code string, args map[string]any) {
	switch v := v.(type) {
	case string:
		switch q.Type {
		case Single, Scale:
			if q.Option(v) == nil {
				return CodeUnknownOption, nil
			}
			return "", nil
		case Text:
			limit := orElse(q.Max, longestText)
			if float64(utf8.RuneCountInString(v)) > limit {
				return CodeTooLong, map[string]any{"max": plain(limit)}
			}
			return "", nil
		}
	case []string:
		if q.Type == Multiple {
			return q.checkMultiple(v)
		}
	case float64:
		if q.Type == Number {
			return q.checkNumber(v)
		}
	}
	return CodeWrongType, nil
}

func (q *Question) checkMultiple(codes []string) (string, map[string]any) {
	exclusive := false
	for i, code := range codes {
		o := q.Option(code)
		if o == nil {
			return CodeUnknownOption, nil
		}
		if slices.Contains(codes[:i], code) {
			return CodeDuplicateOption, nil
		}
		exclusive = exclusive || o.Exclusive
	}
	n := float64(len(codes))
	switch {
	case exclusive && n > 1:
		return CodeExclusive, nil
	case exclusive: // "none of these" is a whole answer, however many are asked for
	case n < orElse(q.Min, 0):
		return CodeTooFew, map[string]any{"min": plain(*q.Min)}
	case n > orElse(q.Max, n):
		return CodeTooMany, map[string]any{"max": plain(*q.Max)}
	}
	return "", nil
}

func (q *Question) checkNumber(n float64) (string, map[string]any) {
	switch {
	case q.Integer && n != math.Trunc(n):
		return CodeNotInteger, nil
	case n < orElse(q.Min, n) || n > orElse(q.Max, n):
		return CodeOutOfRange, map[string]any{"min": plain(orElse(q.Min, n)), "max": plain(orElse(q.Max, n))}
	}
	return "", nil
}

func orElse(p *float64, other float64) float64 {
	if p == nil {
		return other
	}
	return *p
}

// plain makes a whole number an int, which every formatter prints without an
// exponent.
func plain(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) <= maxNumber {
		return int(n)
	}
	return n
}
