package api

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/static/chart"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/fieldwork"
)

// fieldworkRoutes are the pages of those who manage the work from door to door.
func (a *API) fieldworkRoutes(r *gin.Engine) {
	r.GET("/fieldwork", a.do(a.fieldwork))
	r.GET("/fieldwork/export", a.do(a.exportFieldwork))
	r.GET("/fieldwork/building", a.do(a.building))
	r.POST("/fieldwork/building", a.do(a.assignForm))
	r.GET("/fieldwork/review", a.do(a.fieldReview))
	r.POST("/fieldwork/phones/:phone/lock", a.do(a.lockPhone))
	r.POST("/fieldwork/phones/:phone/unlock", a.do(a.unlockPhone))
	r.GET("/fieldwork/list", a.do(a.paperList))
	r.GET("/fieldwork/questionnaire", a.do(a.paperQuestionnaire))
	r.GET("/fieldwork/paper", a.do(a.paperPage))
	r.POST("/fieldwork/paper", a.do(a.paperForm))
}

// fieldworkPage shows how far the work of a place is.
type fieldworkPage struct {
	shell
	Place     string
	Crumbs    []navLink
	Waves     []navLink
	Wave      waveLine
	Community bool
	Total     fieldwork.Progress
	TotalBar  template.HTML
	Rows      []workRow
	Nobody    int // households to be visited that nobody has
	Rates     rateBox
	Calls     []string
	Phones    []phoneRow
	Now       time.Time
	Doubts    bool
	Review    string
	CSV, XLSX string
	List      string
	Blank     string
	Action    string // where the form for e goes
	Hidden    []hiddenView
}

// workRow is a place or a building in the table of progress.
type workRow struct {
	Name, Code, Href string
	fieldwork.Progress
	Bar template.HTML
}

// rateBox is the outcome rates with how they were computed.
type rateBox struct {
	Cases  []caseRow
	E      string
	GivenE string
	HowE   string
	Rows   []rateRow
}

type caseRow struct {
	Group, Name     string
	Plain, Weighted string
}

type rateRow struct{ Name, Meaning, Formula, Plain, Weighted string }

// phoneRow is a phone, to see which one needs help.
type phoneRow struct {
	ID, Worker, Login, Name, State, StateName, Seen, Offset string
	Waiting                                                 int
	Locked, OffsetBad                                       bool
}

// readE reads e from an address: nil when nobody gives one.
func readE(text string) (*float64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	e, err := strconv.ParseFloat(text, 64)
	if err != nil || !(e >= 0 && e <= 1) {
		return nil, survey.ErrInvalid.With(survey.Field{Path: "e", Code: "field_not_between", Args: map[string]any{"min": 0, "max": 1}})
	}
	return &e, nil
}

func (a *API) fieldwork(c *gin.Context) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	at, err := a.whereabouts(c, survey.ManageFieldwork)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "fieldwork")
	}
	e, err := readE(c.Query("e"))
	if err != nil {
		return err
	}
	w, err := a.Field.Work(ctx, who, at.wave, at.place.Code, e)
	if err != nil {
		return err
	}
	tree, err := a.Areas.Tree(ctx, at.place.Code)
	if err != nil {
		return err
	}
	phones, err := a.Field.Phones(ctx, who)
	if err != nil {
		return err
	}
	doubts, _, err := a.Field.Doubts(ctx, who, at.wave, at.place.Code, nil, 1)
	if err != nil {
		return err
	}
	p := fieldworkPage{Place: at.place.Name().In(lang), Community: at.place.Level == area.Community, Total: w.Total, Now: a.Clock(), Doubts: len(doubts) > 0}
	p.shell = a.newShell(c, "fieldwork", a.static.T(lang, "console.nav.fieldwork")+" · "+p.Place, at.query)
	p.Crumbs, p.Waves, p.Wave = a.crumbs(c, at, "/fieldwork"), a.waveLinks(lang, at, "/fieldwork"), a.waveLine(lang, at)
	p.Contact = at.wave.Contact
	p.TotalBar = a.workBar(lang, w.Total)
	p.Nobody = w.Total.Unassigned
	p.Rows = a.workRows(at, w, tree, lang)
	p.Rates = a.rateBox(lang, w, c.Query("e"))
	p.Calls = a.callBacks(lang, w.Total.CallBacks)
	for _, x := range phones {
		if survey.Within(at.place.Code, x.AreaCode) {
			p.Phones = append(p.Phones, a.phoneRow(lang, x, p.Now))
		}
	}
	slices.SortStableFunc(p.Phones, func(x, y phoneRow) int {
		return cmp.Or(strings.Compare(x.Worker, y.Worker), strings.Compare(x.Login, y.Login))
	})
	p.Review, p.List, p.Blank = at.href("/fieldwork/review"), at.href("/fieldwork/list"), at.href("/fieldwork/questionnaire")
	p.CSV, p.XLSX = at.with("format", "csv").href("/fieldwork/export"), at.with("format", "xlsx").href("/fieldwork/export")
	p.Action = "/fieldwork"
	p.Hidden = []hiddenView{{"wave", at.wave.ID}, {"area", at.place.Code}}
	return a.writeConsole(c, http.StatusOK, "console/fieldwork", p)
}

// workRows are the buildings of a community, or the places one level down.
func (a *API) workRows(at whereabouts, w fieldwork.Work, tree []area.Area, lang string) []workRow {
	var out []workRow
	if at.place.Level == area.Community {
		for _, b := range w.Buildings {
			out = append(out, workRow{Name: cmp.Or(b.Name, b.PSU), Href: at.with("psu", b.PSU).href("/fieldwork/building"), Progress: b.Progress, Bar: a.workBar(lang, b.Progress)})
		}
		return out
	}
	for _, x := range tree {
		if x.ParentCode == nil || *x.ParentCode != at.place.Code {
			continue
		}
		p := w.Within(x.Code)
		if p.Drawn+p.Reserve == 0 {
			continue
		}
		out = append(out, workRow{Name: x.Name().In(lang), Code: x.Code, Href: at.with("area", x.Code).href("/fieldwork"), Progress: p, Bar: a.workBar(lang, p)})
	}
	return out
}

// workBar draws how much of the work is done.
func (a *API) workBar(lang string, p fieldwork.Progress) template.HTML {
	label := a.static.T(lang, "fieldwork.bar", "closed", p.Closed(), "due", p.Due())
	return chart.Bar(label, chart.Part{Class: "complete", Size: p.Complete + p.Partial}, chart.Part{Class: "closed", Size: p.Closed() - p.Complete - p.Partial}, chart.Part{Class: "left", Size: p.Left})
}

// groups are the groups of outcomes in the order of the formulas.
var groups = []fieldwork.Group{fieldwork.Complete, fieldwork.Partial, fieldwork.Refusal, fieldwork.NonContact, fieldwork.Other, fieldwork.UnknownHome, fieldwork.UnknownPerson, fieldwork.NotEligible}

func (a *API) rateBox(lang string, w fieldwork.Work, given string) rateBox {
	none := a.static.T(lang, "fieldwork.rates.none")
	box := rateBox{GivenE: strings.TrimSpace(given), HowE: a.static.T(lang, "fieldwork.rates.e."+w.Plain.HowE), E: none}
	if w.Plain.E != nil {
		box.E = decimal(*w.Plain.E, 3)
	}
	if w.Weighted.E != nil && w.Weighted.HowE == fieldwork.EProportional {
		box.E += " / " + decimal(*w.Weighted.E, 3)
	}
	for _, g := range groups {
		box.Cases = append(box.Cases, caseRow{string(g), a.static.T(lang, "fieldwork.group."+string(g)), decimal(w.Plain.Cases[g], 0), decimal(w.Weighted.Cases[g], 1)})
	}
	for i, r := range w.Plain.List {
		box.Rows = append(box.Rows, rateRow{r.Name, a.static.T(lang, "fieldwork.rate."+r.Name), r.Formula, percent(r.Value, none), percent(w.Weighted.List[i].Value, none)})
	}
	return box
}

func decimal(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// percent writes a share, or what stands for none.
func percent(x *float64, none string) string {
	if x == nil {
		return none
	}
	return decimal(100**x, 1) + "%"
}

// callBacks says when households were visited again.
func (a *API) callBacks(lang string, c fieldwork.CallBacks) []string {
	var out []string
	if c.Again > 0 {
		out = append(out, a.static.T(lang, "fieldwork.calls.again", "n", c.Again, "same", c.SameDay, "share", decimal(100*float64(c.SameDay)/float64(c.Again), 0)))
	}
	if c.Waiting > 0 {
		out = append(out, a.static.T(lang, "fieldwork.calls.waiting", "n", c.Waiting, "none", c.NoLate, "share", decimal(100*float64(c.NoLate)/float64(c.Waiting), 0)))
	}
	return out
}

// offsetTold is from which difference on a phone's clock is said to be wrong.
const offsetTold = 2 * time.Minute

func (a *API) phoneRow(lang string, x fieldwork.OwnedPhone, now time.Time) phoneRow {
	r := phoneRow{ID: x.ID, Worker: cmp.Or(x.Worker, x.Login), Login: x.Login, Name: cmp.Or(x.Name, a.static.T(lang, "fieldwork.phones.unnamed")), Waiting: x.Waiting, Seen: a.ago(lang, now.Sub(x.SeenAt))}
	switch {
	case x.LockedAt != nil:
		r.State, r.Locked = "locked", true
	case x.SignedOutAt != nil:
		r.State = "out"
	case now.After(x.LeaseUntil):
		r.State = "over"
	default:
		r.State = "in"
	}
	r.StateName = a.static.T(lang, "fieldwork.phones.state."+r.State)
	off := time.Duration(x.OffsetMS) * time.Millisecond
	r.OffsetBad = off.Abs() >= offsetTold
	switch {
	case !r.OffsetBad:
		r.Offset = a.static.T(lang, "fieldwork.phones.clock_right")
	case off > 0:
		r.Offset = a.static.T(lang, "fieldwork.phones.clock_fast", "time", a.span(lang, off))
	default:
		r.Offset = a.static.T(lang, "fieldwork.phones.clock_slow", "time", a.span(lang, -off))
	}
	return r
}

// ago says how long ago something was.
func (a *API) ago(lang string, d time.Duration) string {
	if d < time.Minute {
		return a.static.T(lang, "fieldwork.now")
	}
	return a.static.T(lang, "fieldwork.ago", "time", a.span(lang, d))
}

// span writes a length of time in the unit that suits it.
func (a *API) span(lang string, d time.Duration) string {
	switch {
	case d < time.Hour:
		return a.static.T(lang, "fieldwork.minutes", "n", int(d/time.Minute))
	case d < 48*time.Hour:
		return a.static.T(lang, "fieldwork.hours", "n", int(d/time.Hour))
	}
	return a.static.T(lang, "fieldwork.days", "n", int(d/(24*time.Hour)))
}

func (a *API) lockPhone(c *gin.Context) error {
	if err := a.Field.Lock(c.Request.Context(), a.actor(c), c.Param("phone")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, cameFrom(c.Request, "/fieldwork")+"#phones")
	return nil
}

func (a *API) unlockPhone(c *gin.Context) error {
	if err := a.Field.Unlock(c.Request.Context(), a.actor(c), c.Param("phone")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, cameFrom(c.Request, "/fieldwork")+"#phones")
	return nil
}
