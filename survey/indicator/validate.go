package indicator

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

// What can be wrong with a recipe, besides the codes of package questionnaire.
const (
	CodeUnknownKind      = "unknown_kind"
	CodeUnknownDK        = "unknown_dk"
	CodeUnknownCombine   = "unknown_combine"
	CodeUnknownIndicator = "unknown_indicator"
	CodeNotShare         = "not_share" // a share knows only 0 and 100
)

// Limits of a recipe.
const (
	maxRecipeBytes = 60_000
	maxIndicators  = 30
	maxItems       = 50
	maxText        = 500
	maxMinN        = 10_000
	maxVersion     = 1_000_000
)

var (
	tooLarge    = survey.Field{Path: "recipe", Code: questionnaire.CodeTooLarge, Args: map[string]any{"max": maxRecipeBytes}}
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
)

// Validate returns everything wrong with the recipe by itself, in reading
// order. Whether it fits a questionnaire is another matter: see Fits.
func (r *Recipe) Validate() []survey.Field {
	v := new(validator)
	if !namePattern.MatchString(r.Code) {
		v.add("code", questionnaire.CodeBadID)
	}
	v.between("version", float64(r.Version), 1, maxVersion)
	v.text("title", r.Title, true)
	v.text("source", r.Source, false)
	if r.Base != nil {
		v.wrong = append(v.wrong, r.Base.Validate("base", nil)...)
	}
	v.between("min_n", float64(r.MinN), 0, maxMinN)
	v.count("indicators", len(r.Indicators), maxIndicators)
	seen := make(map[string]bool)
	for i := range r.Indicators {
		seen[r.Indicators[i].Code] = true
	}
	before := make(map[string]bool)
	for i := range r.Indicators {
		in := &r.Indicators[i]
		path := fmt.Sprintf("indicators[%d]", i)
		switch {
		case !questionnaire.CodePattern.MatchString(in.Code):
			v.add(path+".code", questionnaire.CodeBadID)
		case before[in.Code]:
			v.add(path+".code", questionnaire.CodeDuplicate)
		}
		before[in.Code] = true
		if in.Companion != "" && (!seen[in.Companion] || in.Companion == in.Code) {
			v.add(path+".companion", CodeUnknownIndicator)
		}
		v.indicator(path, in)
	}
	return v.wrong
}

// validator collects what is wrong.
type validator struct{ wrong []survey.Field }

func (v *validator) add(path, code string) {
	v.wrong = append(v.wrong, survey.Field{Path: path, Code: code})
}

func (v *validator) between(path string, n, low, high float64) {
	if !(n >= low && n <= high) { // so that NaN is out of range too
		v.wrong = append(v.wrong, survey.Field{Path: path, Code: questionnaire.CodeOutOfRange, Args: map[string]any{"min": low, "max": high}})
	}
}

// count asks for at least one and at most limit of something.
func (v *validator) count(path string, n, limit int) {
	if n == 0 {
		v.wrong = append(v.wrong, survey.Field{Path: path, Code: questionnaire.CodeTooFew, Args: map[string]any{"min": 1}})
	}
	if n > limit {
		v.wrong = append(v.wrong, survey.Field{Path: path, Code: questionnaire.CodeTooMany, Args: map[string]any{"max": limit}})
	}
}

func (v *validator) text(path string, t survey.Text, needed bool) {
	if !needed && t.Empty() {
		return
	}
	for _, part := range []struct{ lang, text string }{{"zh", t.ZH}, {"en", t.EN}} {
		switch {
		case strings.TrimSpace(part.text) == "":
			v.add(path+"."+part.lang, questionnaire.CodeMissing)
		case len([]rune(part.text)) > maxText:
			v.wrong = append(v.wrong, survey.Field{Path: path + "." + part.lang, Code: questionnaire.CodeTooLong, Args: map[string]any{"max": maxText}})
		}
	}
}

func (v *validator) indicator(path string, in *Indicator) {
	v.text(path+".name", in.Name, true)
	if in.Kind != Share && in.Kind != Mean {
		v.add(path+".kind", CodeUnknownKind)
	}
	if in.DK != Include && in.DK != Exclude && in.DK != Separate {
		v.add(path+".dk", CodeUnknownDK)
	}
	if in.Combine != Average && in.Combine != All && in.Combine != Any {
		v.add(path+".combine", CodeUnknownCombine)
	}
	v.text(path+".note", in.Note, false)
	v.count(path+".items", len(in.Items), maxItems)
	if in.Kind == Share && in.Combine == Average && len(in.Items) > 1 {
		v.add(path+".kind", CodeNotShare) // the average of two items may be 50
	}
	for i := range in.Items {
		v.item(fmt.Sprintf("%s.items[%d]", path, i), &in.Items[i], in.Kind == Share)
	}
}

func (v *validator) item(path string, it *Item, share bool) {
	if !questionnaire.CodePattern.MatchString(it.Question) {
		v.add(path+".question", questionnaire.CodeBadID)
	}
	if it.Weight != 0 {
		v.between(path+".weight", it.Weight, 1e-6, 1e6)
	}
	multiple := it.AnyOf != nil || it.NoneOf != nil
	switch {
	case multiple && it.Scores != nil:
		v.add(path+".scores", questionnaire.CodeMisplaced)
	case !multiple && len(it.Scores) == 0:
		v.add(path+".scores", questionnaire.CodeMissing)
	}
	v.scores(path+".scores", it.Scores, share)
	if it.Else != nil {
		v.scores(path, map[string]float64{"else": *it.Else}, share)
	}
	if g := it.Gate; g != nil {
		if !questionnaire.CodePattern.MatchString(g.Question) {
			v.add(path+".gate.question", questionnaire.CodeBadID)
		}
		if len(g.Pass) == 0 {
			v.add(path+".gate.pass", questionnaire.CodeMissing)
		}
		v.scores(path+".gate.scores", g.Scores, share)
		for _, code := range g.Pass {
			if _, ok := g.Scores[code]; ok {
				v.add(path+".gate.scores."+code, questionnaire.CodeDuplicate)
			}
		}
	}
}

func (v *validator) scores(path string, scores map[string]float64, share bool) {
	for _, code := range sortedKeys(scores) {
		y := scores[code]
		switch {
		case !(y >= 0 && y <= 100) || math.IsNaN(y):
			v.between(path+"."+code, y, 0, 100)
		case share && y != 0 && y != 100:
			v.add(path+"."+code, CodeNotShare)
		}
	}
}
