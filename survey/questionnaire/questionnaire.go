// Package questionnaire holds what is asked: versions of a questionnaire, their
// questions, which question is shown to whom, and whether answers are right.
//
// The rules of showing, checking and ordering exist a second time, for the
// browser, in static/src/engine; testdata/cases.json is run by both.
package questionnaire

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"chengyin/survey"
)

// Definition is one version of a questionnaire. A published version never
// changes: figures of years ago must stay explicable by what was asked then.
type Definition struct {
	Code      string      `json:"code"`
	Version   int         `json:"version"`
	Title     survey.Text `json:"title"`
	Notice    survey.Text `json:"notice"` // read before question 1: who asks, why, what happens with it
	Thanks    survey.Text `json:"thanks"`
	Form      *Form       `json:"form,omitempty"`
	Sections  []Section   `json:"sections"`
	Questions []Question  `json:"questions"`
}

// Form is the header that a filed statistical survey has to carry.
type Form struct {
	Number     string      `json:"number"`      // 表号
	Authority  survey.Text `json:"authority"`   // 制定机关
	Approval   string      `json:"approval"`    // 批准或备案文号
	ValidUntil string      `json:"valid_until"` // 有效期至, a date such as 2027-12-31
}

// Section groups neighbouring questions under a heading.
type Section struct {
	ID    string      `json:"id"`
	Title survey.Text `json:"title"`
}

// Type says what an answer looks like.
type Type string

// The types of question.
const (
	Single   Type = "single"   // one option's code
	Multiple Type = "multiple" // a list of option codes
	Scale    Type = "scale"    // one option's code; the options stand in their natural order and are never turned
	Number   Type = "number"
	Text     Type = "text"
)

// choice reports whether the answer is one or more option codes.
func (t Type) choice() bool { return t == Single || t == Multiple || t == Scale }

// Question is one question and the limits of its answer.
type Question struct {
	ID       string       `json:"id"`
	Section  string       `json:"section"`
	Type     Type         `json:"type"`
	Text     survey.Text  `json:"text"`
	Hint     *survey.Text `json:"hint,omitempty"`
	Required bool         `json:"required"`
	Options  []Option     `json:"options,omitempty"` // single, multiple, scale
	Min      *float64     `json:"min,omitempty"`     // number: its value; multiple: how many are chosen
	Max      *float64     `json:"max,omitempty"`     // as Min; text: its length in characters
	Integer  bool         `json:"integer,omitempty"` // number without a fraction
	Rotate   bool         `json:"rotate,omitempty"`  // the response's id decides the order of the options
	ShowIf   *Cond        `json:"show_if"`           // nil when always shown
}

// Option is one answer to choose.
type Option struct {
	Code      string      `json:"code"`
	Text      survey.Text `json:"text"`
	Exclusive bool        `json:"exclusive,omitempty"` // cannot be chosen together with others
	DontKnow  bool        `json:"dk,omitempty"`        // "说不清": last, and set apart from the others
	Fixed     bool        `json:"fixed,omitempty"`     // keeps its place when the others turn
	Stop      bool        `json:"stop,omitempty"`      // "不满14岁": whoever chooses it is asked nothing more, and nothing is kept
}

// Stops reports whether the answers say that the person must not be asked.
func (d *Definition) Stops(a Answers) bool {
	for i := range d.Questions {
		q := &d.Questions[i]
		for _, code := range Chosen(tidy(a[q.ID])) {
			if o := q.Option(code); o != nil && o.Stop {
				return true
			}
		}
	}
	return false
}

// Question returns the question with that id, or nil.
func (d *Definition) Question(id string) *Question {
	for i := range d.Questions {
		if d.Questions[i].ID == id {
			return &d.Questions[i]
		}
	}
	return nil
}

// Option returns the option with that code, or nil.
func (q *Question) Option(code string) *Option {
	for i := range q.Options {
		if q.Options[i].Code == code {
			return &q.Options[i]
		}
	}
	return nil
}

// Parse reads a definition and validates it. Returns survey.ErrMalformed when
// raw is not one JSON object with known fields, survey.ErrInvalid with the
// wrong fields when it breaks a rule.
func Parse(raw []byte) (*Definition, error) {
	if len(raw) > maxDefinitionBytes {
		return nil, survey.ErrInvalid.With(survey.Field{Path: "definition", Code: CodeTooLarge, Args: map[string]any{"max": maxDefinitionBytes}})
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // a misspelt show_if must not become "always shown"
	d := new(Definition)
	if err := dec.Decode(d); err != nil {
		return nil, survey.ErrMalformed.Because(fmt.Errorf("read questionnaire: %w", err))
	}
	if dec.More() {
		return nil, survey.ErrMalformed.Because(fmt.Errorf("read questionnaire: more than one object"))
	}
	if wrong := d.Validate(); len(wrong) > 0 {
		return nil, survey.ErrInvalid.With(wrong...)
	}
	return d, nil
}

//go:embed definitions/civility-v2.json
var civility []byte

var parseDefault = sync.OnceValue(func() *Definition {
	d, err := Parse(civility)
	if err != nil {
		panic("questionnaire: the built-in definition: " + err.Error())
	}
	return d
})

// Default returns the questionnaire that ships with the platform. It is shared:
// read it, do not change it.
func Default() *Definition { return parseDefault() }
