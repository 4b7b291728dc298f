package questionnaire

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chengyin/survey"
)

// How much is read at most. Whoever sends more is not answering a questionnaire.
const (
	maxAnswers     = 200
	maxAnswerBytes = 64 << 10
)

// Answers maps a question's id to its answer: a string (single, scale, text), a
// []string (multiple) or a float64 (number). No entry, nil, "" and an empty
// list all mean that the question is unanswered.
type Answers map[string]any

// Unfit stands for an answer of a shape that no question takes: true, {},
// [1, "a"]. It is kept so that Check can name the question.
type Unfit struct{}

// ParseAnswers reads a JSON object of answers. What cannot be used as a whole
// (not an object, too large) is reported and gives no answers; a single answer
// of a strange shape becomes Unfit and is reported by Check, in its place.
// Of a repeated key the last value counts.
func ParseAnswers(raw []byte) (Answers, []survey.Field) {
	if len(raw) > maxAnswerBytes {
		return nil, wholly(CodeTooLarge, maxAnswerBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // 1e999 is one bad answer, not an unreadable document
	var read map[string]any
	if err := dec.Decode(&read); err != nil || read == nil {
		return nil, wholly(CodeMalformed, 0)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, wholly(CodeMalformed, 0)
	}
	if len(read) > maxAnswers {
		return nil, wholly(CodeTooLarge, maxAnswers)
	}
	a := make(Answers, len(read))
	for id, v := range read {
		if v = tidy(v); v != nil {
			a[id] = v
		}
	}
	return a, nil
}

func wholly(code string, limit int) []survey.Field {
	f := survey.Field{Path: "answers", Code: code}
	if limit > 0 {
		f.Args = map[string]any{"max": limit}
	}
	return []survey.Field{f}
}

// UnmarshalJSON reads answers as ParseAnswers does, so that answers inside a
// larger document, or read back from storage, have the same types.
func (a *Answers) UnmarshalJSON(raw []byte) error {
	read, wrong := ParseAnswers(raw)
	if wrong != nil {
		return survey.ErrMalformed.With(wrong...)
	}
	*a = read
	return nil
}

// Canonical returns the one form of these answers, whose hash tells a second
// sending of the same answers from other answers under the same id: a JSON
// object with sorted keys, tidied texts, multiple choices sorted by code, and
// nothing for what is unanswered. Unicode is left as it was typed, since a
// client that repeats itself repeats the same characters.
func (a Answers) Canonical() []byte {
	sorted := make(map[string]any, len(a))
	for id, v := range a {
		switch v := tidy(v).(type) {
		case nil:
		case []string:
			sorted[id] = slices.Sorted(slices.Values(v))
		default:
			sorted[id] = v
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(sorted); err != nil {
		panic("questionnaire: canonical answers: " + err.Error()) // strings, finite numbers and lists always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// tidy brings one answer into its stored shape: nil when unanswered, string,
// []string, float64, or Unfit. Doing it twice changes nothing.
func tidy(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v = clean(v); v != "" {
			return v
		}
		return nil
	case []string:
		if len(v) > 0 {
			return v
		}
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
		list := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return Unfit{}
			}
			list[i] = s
		}
		return list
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return Unfit{}
		}
		return tidy(n)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Unfit{}
		}
		return v + 0 // -0 is 0
	}
	return Unfit{}
}

// clean drops what nobody types on purpose: control characters except tab and
// line feed (so a form's \r\n equals JSON's \n), invisible direction marks that
// would turn a table upside down, the byte order mark; then the white space at
// both ends. The engine's clean does the same.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < ' ' && r != '\t' && r != '\n', r >= 0x7f && r <= 0x9f,
			r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return -1
		}
		return r
	}, s))
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$`)

// halfWidth turns the digits that a Chinese keyboard gives in full-width mode
// into those a number is made of.
var halfWidth = strings.NewReplacer("０", "0", "１", "1", "２", "2", "３", "3", "４", "4",
	"５", "5", "６", "6", "７", "7", "８", "8", "９", "9", "．", ".", "。", ".", "－", "-", "＋", "+")

// FromForm reads the answers out of a form that was posted without script: a
// field for each question, named by its id; other fields belong to the page.
// A page without script shows conditional questions to everybody, so answers
// to questions that the other answers hide are dropped without complaint.
// A number that is none stays a text, which Check calls the wrong type.
// The fields returned say that the form as a whole is too large.
func FromForm(d *Definition, form map[string][]string) (Answers, []survey.Field) {
	a := make(Answers)
	size := 0
	for i := range d.Questions {
		q := &d.Questions[i]
		values := make([]string, 0, 1)
		for _, v := range form[q.ID] {
			if size += len(v); size > maxAnswerBytes {
				return nil, wholly(CodeTooLarge, maxAnswerBytes)
			}
			if v = clean(strings.ToValidUTF8(v, "\uFFFD")); v != "" {
				values = append(values, v)
			}
		}
		switch {
		case len(values) == 0:
		case q.Type == Multiple || len(values) > 1:
			a[q.ID] = values
		case q.Type == Number:
			a[q.ID] = number(values[0])
		default:
			a[q.ID] = values[0]
		}
	}
	return d.Prune(a), nil
}

func number(s string) any {
	plain := halfWidth.Replace(s)
	if n, err := strconv.ParseFloat(plain, 64); err == nil && plainNumber.MatchString(plain) {
		return n
	}
	return s
}
