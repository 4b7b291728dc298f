package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/wave"
)

// look is how a resident wants pages to look. It travels in the address, so
// that it needs neither a cookie nor a script.
type look struct {
	Lang  string
	Large bool
}

func (l look) query() string {
	q := url.Values{"lang": {l.Lang}}
	if l.Large {
		q.Set("large", "1")
	}
	return "?" + q.Encode()
}

// frame is what every page for residents has around its content.
type frame struct {
	Large     bool
	Place     string // whose poster this is
	LangLink  string // this page in the other language; "" where there is none
	LargeLink string // this page in the other size of type
	About     *aboutView
	Privacy   string // address of the full text
}

// aboutView tells residents who asks, and how to tell a true poster.
type aboutView struct {
	Owner, Contact, Wave, Until, Poster, Code string
	Form                                      *questionnaire.Form
}

func newFrame(path string, l look) frame {
	other := look{Lang: "en", Large: l.Large}
	if l.Lang == "en" {
		other.Lang = "zh"
	}
	return frame{
		Large:     l.Large,
		Privacy:   privacyPath(path, l),
		LangLink:  path + other.query(),
		LargeLink: path + look{Lang: l.Lang, Large: !l.Large}.query(),
	}
}

func aboutWave(w wave.Wave, lang string) *aboutView {
	return &aboutView{Owner: w.Owner().In(lang), Contact: w.Contact, Wave: w.Name().In(lang), Until: when(w.ClosesAt, lang)}
}

func aboutSheet(st *static.Static, s response.Sheet, lang string) *aboutView {
	v := aboutWave(s.Wave, lang)
	v.Code = collector.Pretty(s.Collector.Code)
	if s.Collector.Channel == collector.Poster {
		v.Poster = st.T(lang, "respond.poster_no", "area", s.Area.Name().In(lang), "slot", s.Collector.Slot)
	}
	v.Form = s.Questionnaire.Form
	return v
}

// formView is the page with the questions.
type formView struct {
	frame
	Title    string
	Notice   string
	Action   string
	Message  string // said above the problems
	Problems []problemView
	Hidden   []hiddenView
	Visit    *visitView
	Sections []sectionView
	Data     formData
}

type problemView struct{ ID, Question string }

type hiddenView struct{ Name, Value string }

type visitView struct{ Household string }

type sectionView struct {
	Title     string
	Questions []questionView
}

type questionView struct {
	ID, Text, Hint string
	OnlyIf         string // whom the question is for, read where no script hides it from others
	Class          string
	Describe       string // ids of what belongs to the question, for aria-describedby
	Required       bool
	Multiple       bool
	Number         bool
	Integer        bool
	Options        []optionView
	Value          string
	Problem        string
}

type optionView struct {
	Code, Text string
	Marks      string // classes, which the script reads, too
	Chosen     bool
}

// formData is what the script needs to know and cannot read off the page.
type formData struct {
	More  map[string]questionData `json:"more"` // by question, of those that have any
	Words map[string]string       `json:"words"`
}

// questionData is what a question's words and options do not show.
type questionData struct {
	Min     *float64            `json:"min,omitempty"`
	Max     *float64            `json:"max,omitempty"`
	Integer bool                `json:"integer,omitempty"`
	ShowIf  *questionnaire.Cond `json:"show_if,omitempty"`
}

// scriptWords returns the keys of what the script may have to say about the
// questions of d. {n}, {done} and the like are filled in by the script.
func scriptWords(d *questionnaire.Definition) []string {
	keys := []string{
		"respond.progress", "respond.listen", "respond.sending",
		"respond.retry", "respond.kept", "respond.retry_now", "respond.errors", "field.required",
	}
	for i := range d.Questions {
		q := &d.Questions[i]
		switch q.Type {
		case questionnaire.Multiple:
			// Choices that exclude each other and too many of them cannot be made
			// where the script runs.
			if q.Min != nil {
				keys = append(keys, "field.too_few")
			}
		case questionnaire.Number:
			keys = append(keys, "field.wrong_type", "field.not_integer", "field.out_of_range")
		case questionnaire.Text:
			keys = append(keys, "field.too_long")
		}
	}
	return keys
}

// filled is what a form was posted with, to be shown again.
type filled struct {
	ID, Ticket string // "" for those of the sheet
	Household  string
	Answers    questionnaire.Answers
	Problems   []survey.Field
	Message    string
	Posted     bool
}

func newFormView(st *static.Static, s response.Sheet, l look, in filled) formView {
	d, lang := s.Questionnaire, l.Lang
	if in.ID == "" {
		in.ID, in.Ticket = s.Ticket.ID, s.Ticket.Token
	}
	path := "/q/" + s.Collector.Code
	v := formView{frame: newFrame(path, l), Title: d.Title.In(lang), Notice: d.Notice.In(lang), Action: path + l.query(), Message: in.Message}
	v.Place, v.About = s.Area.Name().In(lang), aboutSheet(st, s, lang)
	v.Hidden = []hiddenView{{"id", in.ID}, {"ticket", in.Ticket}}
	if s.Collector.Mode() == collector.Visited {
		v.Visit = &visitView{Household: in.Household}
	}
	problems := map[string]string{}
	for _, f := range in.Problems {
		problems[f.Path] = st.T(lang, "field."+f.Code, f.Args)
	}
	shown := d.Visible(in.Answers)
	view := func(q *questionnaire.Question) questionView {
		return newQuestionView(st, d, q, lang, in, problems[q.ID], slices.Contains(shown, q.ID))
	}
	for _, section := range d.Sections {
		sv := sectionView{Title: section.Title.In(lang)}
		for i := range d.Questions {
			if q := &d.Questions[i]; q.Section == section.ID {
				sv.Questions = append(sv.Questions, view(q))
				if problems[q.ID] != "" {
					v.Problems = append(v.Problems, problemView{ID: q.ID, Question: q.Text.In(lang)})
				}
			}
		}
		v.Sections = append(v.Sections, sv)
	}
	v.Data = newFormData(st, d, lang)
	return v
}

func newQuestionView(st *static.Static, d *questionnaire.Definition, q *questionnaire.Question, lang string, in filled, problem string, shown bool) questionView {
	v := questionView{
		ID: q.ID, Text: q.Text.In(lang), Required: q.Required, Problem: problem,
		Multiple: q.Type == questionnaire.Multiple, Number: q.Type == questionnaire.Number, Integer: q.Integer,
	}
	if q.Hint != nil {
		v.Hint = q.Hint.In(lang)
	} else if v.Multiple && q.Max != nil {
		v.Hint = st.T(lang, "respond.choose_up_to", "max", *q.Max)
	}
	var describe []string
	if v.Hint != "" {
		describe = append(describe, "h-"+q.ID)
	}
	if problem != "" {
		describe = append(describe, "e-"+q.ID)
		v.Class += " bad"
	}
	v.Describe = strings.Join(describe, " ")
	if !q.Required {
		v.Class += " optional"
	}
	if q.ShowIf != nil {
		v.OnlyIf = onlyIf(st, d, q.ShowIf, lang)
		v.Class += " maybe"
		if shown {
			v.Class += " on"
		}
	}
	answer := in.Answers[q.ID]
	chosen := questionnaire.Chosen(answer)
	for _, o := range d.OptionsFor(q, in.ID) {
		v.Options = append(v.Options, optionView{Code: o.Code, Text: o.Text.In(lang), Marks: marks(o), Chosen: slices.Contains(chosen, o.Code)})
	}
	switch a := answer.(type) {
	case string:
		v.Value = a
	case float64:
		v.Value = strconv.FormatFloat(a, 'f', -1, 64)
	}
	return v
}

func marks(o questionnaire.Option) string {
	var list []string
	if o.DontKnow {
		list = append(list, "dk")
	}
	if o.Exclusive {
		list = append(list, "alone")
	}
	if o.Stop {
		list = append(list, "stop")
	}
	return strings.Join(list, " ")
}

// onlyIf says in words whom a question is for. A condition that is more than
// one test of one question's options would be a riddle in words: then it says
// only that the question is not for everybody.
func onlyIf(st *static.Static, d *questionnaire.Definition, c *questionnaire.Cond, lang string) string {
	q := d.Question(c.Question)
	if q == nil || len(c.In) == 0 || c.Answered != nil || c.GTE != nil || c.LTE != nil {
		return st.T(lang, "respond.if_apt")
	}
	var options []string
	for _, code := range c.In {
		if o := q.Option(code); o != nil {
			options = append(options, st.T(lang, "respond.quoted", "text", o.Text.In(lang)))
		}
	}
	return st.T(lang, "respond.only_if", "question", q.Text.In(lang), "options", strings.Join(options, st.T(lang, "respond.or")))
}

func newFormData(st *static.Static, d *questionnaire.Definition, lang string) formData {
	data := formData{More: map[string]questionData{}, Words: map[string]string{}}
	for _, q := range d.Questions {
		more := questionData{Min: q.Min, Max: q.Max, Integer: q.Integer, ShowIf: q.ShowIf}
		if more != (questionData{}) {
			data.More[q.ID] = more
		}
	}
	for _, key := range scriptWords(d) {
		_, short, _ := strings.Cut(key, ".")
		data.Words[short] = st.T(lang, key)
	}
	return data
}

// stateView is a page that says why there is nothing to answer, and what can
// be done.
type stateView struct {
	frame
	Title, Text, Do string
	Receipt         *receiptLink
	Back            string // address of the receipt
	Again           string
	Report          string // address of the page that asks how an interview was
	Request         string
}

type receiptLink struct{ Link, Code string }

// newStateView returns the page for a state: one of collector.State, "unknown",
// "conflict", "no_receipt", "reported", "unreadable", "trouble".
func newStateView(st *static.Static, state string, f frame, lang string, args ...any) stateView {
	key := "state." + state
	return stateView{
		frame: f,
		Title: st.T(lang, key+".title", args...), Text: st.T(lang, key+".text", args...), Do: st.T(lang, key+".do", args...),
	}
}

// receiptView is the page that a resident keeps.
type receiptView struct {
	frame
	Code    string
	Time    string
	Thanks  string
	Area    string
	Contact string // whom to ask for deletion
	Counted bool
	Delete  string // address of the page that asks whether to delete
	Report  string // of an interview at the door: address of the page that asks how it was
}
