package questionnaire

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"chengyin/survey"
)

// Limits of a definition. They keep a page small enough for an old phone and
// the work of checking one response bounded.
const (
	maxDefinitionBytes = 60_000 // the column holds 65,535
	maxQuestions       = 100
	maxOptions         = 50
	maxSections        = 30
	maxDepth           = 5
	maxConditions      = 50 // in one question
	maxNotice          = 150
	maxText            = 500
	maxVersion         = 1_000_000
	maxNumber          = 1e9
)

// CodePattern is what an id of a question, a section, a questionnaire or a
// recipe looks like: it becomes a column's name in every statistics program.
var CodePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

var (
	optionPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,31}$`)
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
)

// reserved are the ids that no question can have: every object in JavaScript has
// the first already, and the page has fields of its own by the names of the rest.
var reserved = []string{"constructor", "id", "ticket", "household", "lang", "large"}

// Validate returns everything wrong with the definition, in reading order. Nil
// when it may be published.
//
// It does not ask for a certain order of options: a scale keeps its natural
// order, best first or worst first, for a scale out of order is misread; of
// other choices, Rotate keeps the first from always being the positive one.
func (d *Definition) Validate() []survey.Field {
	v := new(validator)
	if !namePattern.MatchString(d.Code) {
		v.add("code", CodeBadID)
	}
	if d.Version < 1 || d.Version > maxVersion {
		v.limits("version", CodeOutOfRange, 1, maxVersion)
	}
	v.text("title", d.Title, maxText)
	v.text("notice", d.Notice, maxNotice)
	v.text("thanks", d.Thanks, maxText)
	v.form(d.Form)
	v.sections(d)
	v.questions(d)
	return v.wrong
}

// validator collects what is wrong.
type validator struct{ wrong []survey.Field }

func (v *validator) add(path, code string) {
	v.wrong = append(v.wrong, survey.Field{Path: path, Code: code})
}

func (v *validator) max(path, code string, limit int) {
	v.wrong = append(v.wrong, survey.Field{Path: path, Code: code, Args: map[string]any{"max": limit}})
}

func (v *validator) min(path, code string, limit int) {
	v.wrong = append(v.wrong, survey.Field{Path: path, Code: code, Args: map[string]any{"min": limit}})
}

func (v *validator) limits(path, code string, low, high int) {
	v.wrong = append(v.wrong, survey.Field{Path: path, Code: code, Args: map[string]any{"min": low, "max": high}})
}

// text asks for both languages, each of at most limit characters (0: any).
func (v *validator) text(path string, t survey.Text, limit int) {
	for _, part := range []struct{ lang, text string }{{"zh", t.ZH}, {"en", t.EN}} {
		switch {
		case clean(part.text) == "":
			v.add(path+"."+part.lang, CodeMissing)
		case limit > 0 && utf8.RuneCountInString(part.text) > limit:
			v.max(path+"."+part.lang, CodeTooLong, limit)
		}
	}
}

func (v *validator) form(f *Form) {
	if f == nil {
		return
	}
	if f.Number == "" {
		v.add("form.number", CodeMissing)
	}
	v.text("form.authority", f.Authority, maxText)
	if f.Approval == "" {
		v.add("form.approval", CodeMissing)
	}
	if _, err := time.Parse(time.DateOnly, f.ValidUntil); err != nil {
		v.add("form.valid_until", CodeBadDate)
	}
}

func (v *validator) sections(d *Definition) {
	if len(d.Sections) == 0 {
		v.min("sections", CodeTooFew, 1)
	}
	if len(d.Sections) > maxSections {
		v.max("sections", CodeTooMany, maxSections)
		return
	}
	seen := make(map[string]bool)
	for i, s := range d.Sections {
		path := fmt.Sprintf("sections[%d]", i)
		switch {
		case !CodePattern.MatchString(s.ID):
			v.add(path+".id", CodeBadID)
		case seen[s.ID]:
			v.add(path+".id", CodeDuplicate)
		}
		seen[s.ID] = true
		v.text(path+".title", s.Title, maxText)
	}
}

func (v *validator) questions(d *Definition) {
	if len(d.Questions) == 0 {
		v.min("questions", CodeTooFew, 1)
	}
	if len(d.Questions) > maxQuestions {
		v.max("questions", CodeTooMany, maxQuestions)
		return
	}
	earlier := make(map[string]*Question, len(d.Questions))
	section := 0
	for i := range d.Questions {
		q := &d.Questions[i]
		path := fmt.Sprintf("questions[%d]", i)
		switch {
		case !CodePattern.MatchString(q.ID) || slices.Contains(reserved, q.ID):
			v.add(path+".id", CodeBadID)
		case earlier[q.ID] != nil:
			v.add(path+".id", CodeDuplicate)
		}
		at := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == q.Section })
		switch {
		case at < 0:
			v.add(path+".section", CodeUnknownSection)
		case at < section:
			v.add(path+".section", CodeSectionOrder) // the page shows section after section
		default:
			section = at
		}
		v.text(path+".text", q.Text, maxText)
		if q.Hint != nil {
			v.text(path+".hint", *q.Hint, maxText)
		}
		v.settings(path, q)
		if q.ShowIf != nil {
			budget := maxConditions
			v.condition(path+".show_if", q.ShowIf, earlier, 1, &budget)
		}
		if earlier[q.ID] == nil {
			earlier[q.ID] = q
		}
	}
}

// settings checks what depends on the type of question.
func (v *validator) settings(path string, q *Question) {
	switch q.Type {
	case Single, Multiple, Scale:
		v.options(path+".options", q)
	case Number, Text:
		if len(q.Options) > 0 {
			v.add(path+".options", CodeMisplaced)
		}
	default:
		v.add(path+".type", CodeUnknownType)
		return
	}
	if q.Integer && q.Type != Number {
		v.add(path+".integer", CodeMisplaced)
	}
	if q.Rotate && q.Type != Single && q.Type != Multiple {
		v.add(path+".rotate", CodeMisplaced)
	}
	v.bounds(path, q)
}

func (v *validator) bounds(path string, q *Question) {
	low, high := orElse(q.Min, 0), orElse(q.Max, 0)
	whole := low == float64(int(low)) && high == float64(int(high))
	switch q.Type {
	case Number:
		if q.Min == nil { // without limits a slip of the finger becomes an outlier
			v.add(path+".min", CodeMissing)
		}
		if q.Max == nil {
			v.add(path+".max", CodeMissing)
		}
		if q.Min != nil && q.Max != nil && !(low <= high && low >= -maxNumber && high <= maxNumber) {
			v.add(path+".max", CodeBadRange)
		}
	case Multiple:
		if q.Max == nil {
			high = float64(len(q.Options))
		}
		if !whole || low < 0 || high < max(low, 1) || high > float64(len(q.Options)) {
			v.add(path+".max", CodeBadRange)
		}
	case Text:
		if q.Min != nil {
			v.add(path+".min", CodeMisplaced)
		}
		if q.Max != nil && (!whole || high < 1 || high > longestText) {
			v.add(path+".max", CodeBadRange)
		}
	case Single, Scale:
		if q.Min != nil {
			v.add(path+".min", CodeMisplaced)
		}
		if q.Max != nil {
			v.add(path+".max", CodeMisplaced)
		}
	}
}

func (v *validator) options(path string, q *Question) {
	if len(q.Options) < 2 {
		v.min(path, CodeTooFew, 2)
	}
	if len(q.Options) > maxOptions {
		v.max(path, CodeTooMany, maxOptions)
		return
	}
	seen := make(map[string]bool)
	for i, o := range q.Options {
		path := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !optionPattern.MatchString(o.Code):
			v.add(path+".code", CodeBadID)
		case seen[o.Code]:
			v.add(path+".code", CodeDuplicate)
		}
		seen[o.Code] = true
		v.text(path+".text", o.Text, maxText)
		if o.Exclusive && q.Type != Multiple {
			v.add(path+".exclusive", CodeMisplaced)
		}
		if o.DontKnow && q.Type == Multiple && !o.Exclusive {
			v.add(path+".exclusive", CodeDKNotExclusive)
		}
		if o.DontKnow && i < len(q.Options)-1 && !q.Options[i+1].DontKnow {
			v.add(path+".dk", CodeDKNotLast)
		}
	}
}

// condition checks one node of a condition on the questions in earlier.
// budget is how many nodes the whole condition may still have.
func (v *validator) condition(path string, c *Cond, earlier map[string]*Question, depth int, budget *int) {
	if *budget--; depth > maxDepth || *budget < 0 {
		v.max(path, CodeTooDeep, maxDepth)
		return
	}
	kinds := 0
	for _, set := range []bool{c.All != nil, c.Any != nil, c.Not != nil, c.Question != ""} {
		if set {
			kinds++
		}
	}
	tests := c.In != nil || c.Answered != nil || c.GTE != nil || c.LTE != nil
	if kinds != 1 || tests != (c.Question != "") || c.All != nil && len(c.All) == 0 || c.Any != nil && len(c.Any) == 0 {
		v.add(path, CodeBadCondition)
		return
	}
	for i := range c.All {
		v.condition(fmt.Sprintf("%s.all[%d]", path, i), &c.All[i], earlier, depth+1, budget)
	}
	for i := range c.Any {
		v.condition(fmt.Sprintf("%s.any[%d]", path, i), &c.Any[i], earlier, depth+1, budget)
	}
	if c.Not != nil {
		v.condition(path+".not", c.Not, earlier, depth+1, budget)
	}
	if c.Question != "" {
		v.test(path, c, earlier[c.Question])
	}
}

// test checks the test of one question, nil when there is none with that id
// among the earlier ones.
func (v *validator) test(path string, c *Cond, q *Question) {
	if q == nil {
		v.add(path+".q", CodeNotEarlier)
		return
	}
	if c.In != nil && (!q.Type.choice() || len(c.In) == 0) {
		v.add(path+".in", CodeBadCondition)
	} else {
		for i, code := range c.In {
			if q.Option(code) == nil {
				v.add(fmt.Sprintf("%s.in[%d]", path, i), CodeUnknownOption)
			}
		}
	}
	if (c.GTE != nil || c.LTE != nil) && q.Type != Number {
		v.add(path, CodeBadCondition)
	}
}

// Validate returns what is wrong with a condition that stands outside a
// questionnaire and looks at the questions of d, for instance who belongs to
// the base of a figure. Without d only its shape is checked.
func (c *Cond) Validate(path string, d *Definition) []survey.Field {
	v := new(validator)
	known := make(map[string]*Question)
	if d != nil {
		for i := range d.Questions {
			known[d.Questions[i].ID] = &d.Questions[i]
		}
	}
	budget := maxConditions
	v.condition(path, c, known, 1, &budget)
	if d == nil {
		return slices.DeleteFunc(v.wrong, func(f survey.Field) bool { return f.Code == CodeNotEarlier })
	}
	for i := range v.wrong {
		if v.wrong[i].Code == CodeNotEarlier { // there is no order here, only a questionnaire without it
			v.wrong[i].Code = CodeUnknownQuestion
		}
	}
	return v.wrong
}
