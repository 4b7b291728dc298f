package api

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/poster"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/wave"
)

// mostPrinted is how many households one print has: a list of more, or that many
// questionnaires, is for several printers.
const (
	mostPrinted = 500
	mostForms   = 100
)

// paperListPage is the households of a place, a building or a worker on paper.
type paperListPage struct {
	shell
	Back      string
	Wave      string
	Place     string
	Owner     string
	Day       time.Time
	TooMany   bool
	Lists     []paperBuilding
	Workers   []navLink
	Outcomes  []choice
	VisitCols []int
}

type paperBuilding struct {
	Name, Place string
	Rows        []paperHome
}

type paperHome struct{ Order, Door, Whom, Adults, State string }

// homesToPrint returns the households of the building, or of the place and worker,
// that the address names: those to be worked on.
func (a *API) homesToPrint(c *gin.Context, at *whereabouts) (wave.Wave, []fieldwork.Household, error) {
	ctx, who := c.Request.Context(), a.actor(c)
	var w wave.Wave
	var homes []fieldwork.Household
	var err error
	switch {
	case c.Query("unit") != "":
		if w, err = a.fieldWave(c); err == nil {
			var h fieldwork.Household
			h, err = a.Field.Household(ctx, who, w, c.Query("unit"))
			return w, []fieldwork.Household{h}, err
		}
	case c.Query("psu") != "":
		w, homes, err = a.seenBuilding(c)
	default:
		if *at, err = a.whereabouts(c, survey.ManageFieldwork); err != nil {
			return w, nil, err
		}
		if len(at.waves) == 0 {
			return w, nil, wave.ErrNotFound
		}
		w = at.wave
		homes, err = a.Field.HouseholdsOf(ctx, who, w, at.place.Code, c.Query("worker"))
	}
	if err != nil {
		return w, nil, err
	}
	return w, slices.DeleteFunc(homes, func(h fieldwork.Household) bool { return !h.Due() || !h.Open }), nil
}

func (a *API) paperList(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	var at whereabouts
	w, homes, err := a.homesToPrint(c, &at)
	if err != nil {
		return err
	}
	if err := a.printed(c, w, "list", homes); err != nil {
		return err
	}
	p := paperListPage{Back: cameFrom(c.Request, "/fieldwork"), Wave: w.Name().In(lang), Owner: w.Owner().In(lang), Day: a.Clock(), TooMany: len(homes) > mostPrinted}
	p.shell = a.newShell(c, "fieldwork", a.static.T(lang, "fieldwork.print_list"), nil)
	p.Contact = w.Contact
	homes = homes[:min(len(homes), mostPrinted)]
	visits := fieldwork.UsualRules.Visits
	for _, h := range homes {
		visits = max(visits, h.Rules.Visits)
	}
	for i := range min(visits, 5) {
		p.VisitCols = append(p.VisitCols, i+1)
	}
	for from := 0; from < len(homes); {
		to := from
		for to < len(homes) && homes[to].PSU == homes[from].PSU {
			to++
		}
		place, err := a.Areas.ByCode(ctx, homes[from].AreaCode)
		if err != nil {
			return err
		}
		b := paperBuilding{Name: buildingName(homes[from:to]), Place: place.Name().In(lang)}
		for _, h := range homes[from:to] {
			row := a.paperHome(lang, h)
			row.Door = strings.TrimPrefix(row.Door, b.Name+" ") // it stands above the list
			b.Rows = append(b.Rows, row)
		}
		p.Lists = append(p.Lists, b)
		from = to
	}
	if at.query != nil {
		p.Place = at.place.Name().In(lang)
		workers, err := a.Field.Workers(ctx, who, at.place.Code)
		if err != nil {
			return err
		}
		p.Workers = append(p.Workers, navLink{Name: a.static.T(lang, "fieldwork.list.everybody"), Href: at.href("/fieldwork/list"), Current: c.Query("worker") == ""})
		for _, x := range workers {
			p.Workers = append(p.Workers, navLink{Name: workerName(x.Name, x.Login), Href: at.with("worker", x.ID).href("/fieldwork/list"), Current: c.Query("worker") == x.ID})
		}
	}
	for _, o := range fieldwork.Outcomes {
		p.Outcomes = append(p.Outcomes, choice{Value: o.Code, Name: a.static.T(lang, "field.outcome."+o.Code)})
	}
	return a.writeConsole(c, http.StatusOK, "console/paper_list", p)
}

// printed notes that doors leave the platform on paper. A blank form tells of none.
func (a *API) printed(c *gin.Context, w wave.Wave, what string, homes []fieldwork.Household) error {
	if len(homes) == 0 {
		return nil
	}
	at := homes[0].AreaCode
	for _, h := range homes[1:] {
		for at != "" && !survey.Within(at, h.AreaCode) {
			at = area.ParentOf(at)
		}
	}
	return a.Field.HandedOut(c.Request.Context(), a.actor(c), w, at, what, len(homes))
}

func (a *API) paperHome(lang string, h fieldwork.Household) paperHome {
	r := paperHome{Door: h.Door(), Whom: a.whom(lang, h, 6)}
	if h.Position > 0 {
		r.Order = strconv.Itoa(h.Position)
	}
	if h.Reserve {
		r.Order += " " + a.static.T(lang, "fieldwork.list.reserve")
	}
	if h.Visits > 0 {
		r.State = a.static.T(lang, "fieldwork.visits", "n", h.Visits)
	}
	return r
}

// whom says on paper which adult is asked.
func (a *API) whom(lang string, h fieldwork.Household, upTo int) string {
	if h.Rules.Select == fieldwork.SelectBirthday {
		return a.static.T(lang, "fieldwork.list.birthday")
	}
	var parts []string
	for n, pick := range h.Picks() {
		if n >= upTo {
			break
		}
		if v, err := strconv.ParseInt(string(pick), 36, 8); err == nil {
			parts = append(parts, strconv.Itoa(n+1)+"→"+strconv.FormatInt(v, 10))
		}
	}
	return strings.Join(parts, ", ")
}

// paperSheetsPage is the questionnaire on paper, once for each household, or once
// without.
type paperSheetsPage struct {
	shell
	Back    string
	Heading string
	Wave    string
	Owner   string
	Notice  string
	Form    *questionnaire.Form
	Author  string // of the form's header
	Sheets  []paperSheet
	TooMany bool
	Content []paperSection
}

type paperSheet struct {
	Door, Order, Whom string
	Receipt           string // its code, grouped
	Link              string
	QR                template.HTML
}

type paperSection struct {
	Title     string
	Questions []paperQuestion
}

type paperQuestion struct {
	Number                  int
	Text, Hint, OnlyIf      string
	Multiple, Written, Long bool
	Options                 []string
}

func (a *API) paperQuestionnaire(c *gin.Context) error {
	ctx, lang := c.Request.Context(), a.lang(c)
	var w wave.Wave
	var homes []fieldwork.Household
	var err error
	if c.Query("unit") == "" && c.Query("psu") == "" {
		at, err := a.whereabouts(c, survey.ManageFieldwork)
		if err != nil {
			return err
		}
		if len(at.waves) == 0 {
			return wave.ErrNotFound
		}
		w = at.wave
	} else if w, homes, err = a.homesToPrint(c, nil); err != nil {
		return err
	}
	if err := a.printed(c, w, "questionnaires", homes); err != nil {
		return err
	}
	d, err := a.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return err
	}
	p := paperSheetsPage{Back: cameFrom(c.Request, "/fieldwork"), Heading: d.Title.In(lang), Wave: w.Name().In(lang), Owner: w.Owner().In(lang),
		Notice: d.Notice.In(lang), Form: d.Form, Author: w.Owner().In(lang), TooMany: len(homes) > mostForms}
	p.shell = a.newShell(c, "fieldwork", a.static.T(lang, "fieldwork.print_sheets"), nil)
	p.Contact = w.Contact
	if d.Form != nil {
		p.Author = d.Form.Authority.In(lang)
	}
	for _, h := range homes[:min(len(homes), mostForms)] {
		s := paperSheet{Door: h.Door(), Whom: a.whom(lang, h, 12)}
		if h.Position > 0 {
			s.Order = strconv.Itoa(h.Position)
		}
		p.Sheets = append(p.Sheets, s)
	}
	if len(homes) == 0 {
		p.Sheets = []paperSheet{{}}
	}
	for i := range p.Sheets {
		if err := a.slipOf(&p.Sheets[i]); err != nil {
			return err
		}
	}
	p.Content = a.paperContent(d, lang)
	return a.writeConsole(c, http.StatusOK, "console/paper_sheets", p)
}

// slipOf makes the receipt that the resident tears off.
func (a *API) slipOf(s *paperSheet) error {
	code, err := response.NewReceipt()
	if err != nil {
		return err
	}
	s.Receipt = response.Pretty(code)
	s.Link = strings.TrimRight(a.publicURL, "/") + "/r/" + s.Receipt
	svg, err := poster.SVG(s.Link)
	s.QR = template.HTML(svg)
	return err
}

// paperContent writes the questions for paper: numbered, their options in the order
// of the definition, and in words for whom a question is.
func (a *API) paperContent(d *questionnaire.Definition, lang string) []paperSection {
	var out []paperSection
	n := 0
	for _, section := range d.Sections {
		s := paperSection{Title: section.Title.In(lang)}
		for i := range d.Questions {
			q := &d.Questions[i]
			if q.Section != section.ID {
				continue
			}
			n++
			v := newQuestionView(a.static, d, q, lang, filled{}, "", true)
			x := paperQuestion{Number: n, Text: v.Text, Hint: v.Hint, OnlyIf: v.OnlyIf, Multiple: v.Multiple, Written: len(q.Options) == 0, Long: q.Type == questionnaire.Text}
			for _, o := range q.Options {
				x.Options = append(x.Options, o.Text.In(lang))
			}
			s.Questions = append(s.Questions, x)
		}
		out = append(out, s)
	}
	return out
}

// paperPage is the form into which a visit on paper is entered.
type paperEntryPage struct {
	shell
	Back, Door, Place, Action string
	ID                        string
	In                        paperEntry
	Outcomes                  []outcomeChoice
	Modes, Helpers            []choice
	Whom                      string
	Problem                   string
	Problems                  map[string]string
	Wrong                     []problemView
	Sections                  []sectionView
}

// paperEntry is what the form holds, as it was typed.
type paperEntry struct {
	At, Outcome, Note, Adults, Chosen, Mode, Helper, Receipt string
	Dialect                                                  bool
}

type outcomeChoice struct {
	Group   string
	Choices []choice
}

func (a *API) paperPage(c *gin.Context) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	return a.showPaper(c, http.StatusOK, id.String(), paperEntry{Mode: fieldwork.Asked}, nil, nil)
}

func (a *API) showPaper(c *gin.Context, status int, id string, in paperEntry, answers questionnaire.Answers, wrong *Problem) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	w, err := a.fieldWave(c)
	if err != nil {
		return err
	}
	h, err := a.Field.Household(ctx, who, w, c.Query("unit"))
	if err != nil {
		return err
	}
	place, err := a.Areas.ByCode(ctx, h.AreaCode)
	if err != nil {
		return err
	}
	d, err := a.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return err
	}
	p := paperEntryPage{ID: id, In: in, Door: h.Door(), Place: place.Name().In(lang), Back: "/fieldwork/building?" + url.Values{"wave": {w.ID}, "psu": {h.PSU}}.Encode(),
		Action: "/fieldwork/paper?" + url.Values{"wave": {w.ID}, "unit": {h.UnitID}}.Encode(), Whom: a.whom(lang, h, 12), Problems: map[string]string{}}
	p.shell = a.newShell(c, "fieldwork", a.static.T(lang, "fieldwork.entry.title")+" · "+p.Door, url.Values{"wave": {w.ID}, "area": {place.Code}})
	p.Contact = w.Contact
	if wrong != nil {
		p.Problem = wrong.Title
		for _, f := range wrong.Errors {
			p.Problems[strings.TrimPrefix(f.Path, "answers.")] = f.Message
		}
	}
	for _, name := range []string{"at", "outcome", "note", "adults", "chosen", "mode", "helper", "receipt"} {
		if p.Problems[name] != "" {
			p.Wrong = append(p.Wrong, problemView{ID: name, Question: a.static.T(lang, "fieldwork.entry."+name)})
		}
	}
	for _, o := range fieldwork.Outcomes {
		group := a.static.T(lang, "fieldwork.group."+string(o.Group))
		if n := len(p.Outcomes); n == 0 || p.Outcomes[n-1].Group != group {
			p.Outcomes = append(p.Outcomes, outcomeChoice{Group: group})
		}
		g := &p.Outcomes[len(p.Outcomes)-1]
		g.Choices = append(g.Choices, choice{Value: o.Code, Name: o.Code + " " + a.static.T(lang, "field.outcome."+o.Code), Chosen: in.Outcome == o.Code})
	}
	for _, m := range fieldwork.Modes {
		p.Modes = append(p.Modes, choice{m, a.static.T(lang, "fieldwork.mode."+m), in.Mode == m})
	}
	for _, x := range fieldwork.Helpers {
		p.Helpers = append(p.Helpers, choice{x, a.static.T(lang, "fieldwork.helper."+x), in.Helper == x})
	}
	for _, section := range d.Sections {
		sv := sectionView{Title: section.Title.In(lang)}
		for i := range d.Questions {
			q := &d.Questions[i]
			if q.Section != section.ID {
				continue
			}
			v := newQuestionView(a.static, d, q, lang, filled{Answers: answers}, p.Problems[q.ID], true)
			v.Options = nil // as they stand on the paper: in the order of the definition
			for _, o := range q.Options {
				v.Options = append(v.Options, optionView{Code: o.Code, Text: o.Text.In(lang), Chosen: slices.Contains(questionnaire.Chosen(answers[q.ID]), o.Code)})
			}
			sv.Questions = append(sv.Questions, v)
			if v.Problem != "" {
				p.Wrong = append(p.Wrong, problemView{ID: q.ID, Question: v.Text})
			}
		}
		p.Sections = append(p.Sections, sv)
	}
	return a.writeConsole(c, status, "console/paper_entry", p)
}

// paperForm stores what was on paper. Fields of the visit have a dot in their name,
// which no question's id has.
func (a *API) paperForm(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	form, err := a.form(c)
	if err != nil {
		return err
	}
	w, err := a.fieldWave(c)
	if err != nil {
		return err
	}
	h, err := a.Field.Household(ctx, who, w, c.Query("unit"))
	if err != nil {
		return err
	}
	d, err := a.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return err
	}
	text := func(name string) string { return strings.TrimSpace(form.Get("visit." + name)) }
	in := paperEntry{At: text("at"), Outcome: text("outcome"), Note: text("note"), Adults: text("adults"), Chosen: text("chosen"), Mode: text("mode"), Helper: text("helper"),
		Receipt: text("receipt"), Dialect: form.Get("visit.dialect") == "1"}
	p := fieldwork.Paper{ID: form.Get("visit.id"), Unit: h.UnitID, Outcome: in.Outcome, Note: in.Note, Mode: in.Mode, Helper: in.Helper, Dialect: in.Dialect, Lang: lang,
		Receipt: collector.Normalise(in.Receipt)}
	p.At, _ = time.ParseInLocation("2006-01-02T15:04", in.At, static.China) // what is none is missing
	p.Adults, _ = strconv.Atoi(in.Adults)
	p.Chosen, _ = strconv.Atoi(in.Chosen)
	answers, tooLarge := questionnaire.FromForm(d, form)
	p.Answers = answers
	var r fieldwork.Result
	if err = survey.ErrInvalid.With(tooLarge...); len(tooLarge) == 0 {
		r, err = a.Field.EnterPaper(ctx, who, w, p)
	}
	var e *survey.Error
	if errors.As(err, &e) && e.Kind == survey.Invalid && !slices.ContainsFunc(e.Fields, func(f survey.Field) bool { return f.Path == "id" }) {
		problem := a.problem(ctx, err)
		return a.showPaper(c, problem.Status, p.ID, in, answers, problem)
	}
	if err != nil {
		return err
	}
	q := url.Values{"wave": {w.ID}, "psu": {h.PSU}, "done": {r.Status}}
	if r.Status == fieldwork.Quarantined {
		q.Set("reason", r.Reason)
	}
	c.Redirect(http.StatusSeeOther, "/fieldwork/building?"+q.Encode())
	return nil
}
