package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

// maxForm bounds a posted form. Answers themselves are bounded more tightly.
const maxForm = 256 << 10

// respondPage shows the questions behind a code: all that is needed to answer
// them, in one response. It writes nothing, so that link previews and scanners
// do no harm. A known code that takes no answers is told so.
func (a *API) respondPage(c *gin.Context) error {
	l := a.look(c)
	sheet, err := a.Responses.Open(c.Request.Context(), c.Param("code"))
	if err != nil {
		return a.noSheet(c, l, err)
	}
	if sheet.State != collector.Open {
		return a.writePage(c, http.StatusOK, "respond/state", l, sheetState(a.static, sheet, l))
	}
	in := filled{Household: c.Query("household")}
	lighten(c.Writer.Header())
	return a.writePage(c, http.StatusOK, "respond/form", l, newFormView(a.static, sheet, l, in))
}

// respondForm takes the answers of a page without script. Whatever is wrong with
// them, they come back with the page.
func (a *API) respondForm(c *gin.Context) error {
	l := a.look(c)
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		return a.unreadable(c, l, err)
	}
	form := c.Request.PostForm
	if form.Get("lang") != "" {
		l.Lang = static.Language(form.Get("lang"))
	}
	l.Large = l.Large || form.Get("large") != ""
	sheet, err := a.Responses.Open(c.Request.Context(), c.Param("code"))
	if err != nil {
		return a.noSheet(c, l, err)
	}
	answers, wrong := questionnaire.FromForm(sheet.Questionnaire, form)
	if len(wrong) > 0 {
		return a.unreadable(c, l, survey.ErrMalformed.With(wrong...))
	}
	sent := filled{
		ID: form.Get("id"), Ticket: form.Get("ticket"), Household: form.Get("household"),
		Answers: answers, Posted: true,
	}
	receipt, _, err := a.submit(c.Request.Context(), response.Submission{
		Code: sheet.Collector.Code, ID: sent.ID, Ticket: sent.Ticket, Lang: l.Lang, Via: response.ViaForm,
		Answers: answers, Household: sent.Household, Net: infoOf(c.Request.Context()).net,
	})
	if err == nil {
		hide(c)
		c.Redirect(http.StatusSeeOther, receiptPath(receipt)+l.query())
		return nil
	}
	return a.refuseForm(c, l, sheet, sent, receipt, err)
}

// refuseForm shows the form again with its answers and what is wrong, or, when
// the answers have been stored before, says so.
func (a *API) refuseForm(c *gin.Context, l look, sheet response.Sheet, sent filled, first response.Receipt, err error) error {
	var e *survey.Error
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, response.ErrDiffers):
		f := newFrame("/q/"+sheet.Collector.Code, l)
		f.LangLink, f.LargeLink = "", "" // they would lead to an empty form
		f.Place, f.About = sheet.Area.Name().In(l.Lang), aboutSheet(a.static, sheet, l.Lang)
		v := newStateView(a.static, "conflict", f, l.Lang)
		v.Receipt = &receiptLink{Link: receiptPath(first) + l.query(), Code: first.Code}
		return a.writePage(c, http.StatusConflict, "respond/state", l, v)
	case errors.Is(err, response.ErrTooYoung):
		f := newFrame("/q/"+sheet.Collector.Code, l)
		f.LangLink, f.LargeLink = "", ""
		f.Place, f.About = sheet.Area.Name().In(l.Lang), aboutSheet(a.static, sheet, l.Lang)
		v := newStateView(a.static, "too_young", f, l.Lang)
		v.Again = "/q/" + sheet.Collector.Code + l.query()
		return a.writePage(c, http.StatusOK, "respond/state", l, v)
	case errors.Is(err, response.ErrErased):
		return a.erasedPage(c, l)
	case errors.Is(err, response.ErrTicket) && sheet.State != collector.Open:
		return a.writePage(c, http.StatusOK, "respond/state", l, sheetState(a.static, sheet, l))
	case errors.Is(err, response.ErrTicket):
		sent.ID, sent.Ticket = "", ""
		sent.Message = a.static.T(l.Lang, "respond.ticket")
	case errors.As(err, &e) && e.Kind == survey.Invalid:
		sent.Problems = e.Fields
	default:
		a.logFailure(c, err)
		status = http.StatusServiceUnavailable
		sent.Message = a.static.T(l.Lang, "respond.again")
	}
	return a.writePage(c, status, "respond/form", l, newFormView(a.static, sheet, l, sent))
}

// noSheet says that there is no such code, or that it cannot be looked up now.
func (a *API) noSheet(c *gin.Context, l look, err error) error {
	f := newFrame(c.Request.URL.Path, l)
	if survey.KindOf(err) == survey.NotFound {
		return a.writePage(c, http.StatusNotFound, "respond/state", l, newStateView(a.static, "unknown", f, l.Lang))
	}
	return a.trouble(c, l, err)
}

// trouble says that something went wrong on our side. What it was stands in the
// log, under the number on the page.
func (a *API) trouble(c *gin.Context, l look, err error) error {
	a.logFailure(c, err)
	v := newStateView(a.static, "trouble", frame{Large: l.Large}, l.Lang)
	v.Request = infoOf(c.Request.Context()).id
	v.Again = c.Request.URL.Path + l.query()
	return a.writePage(c, http.StatusServiceUnavailable, "respond/state", l, v)
}

func (a *API) unreadable(c *gin.Context, l look, err error) error {
	status := http.StatusBadRequest
	var long *http.MaxBytesError
	if errors.As(err, &long) || survey.KindOf(err) == survey.Malformed {
		status = http.StatusRequestEntityTooLarge
	}
	v := newStateView(a.static, "unreadable", frame{Large: l.Large}, l.Lang)
	return a.writePage(c, status, "respond/state", l, v)
}

// sheetState is the page of a known code that takes no answers now.
func sheetState(st *static.Static, s response.Sheet, l look) stateView {
	f := newFrame("/q/"+s.Collector.Code, l)
	f.Place, f.About = s.Area.Name().In(l.Lang), aboutSheet(st, s, l.Lang)
	closes := s.Wave.ClosesAt
	if s.Wave.ClosedAt != nil {
		closes = *s.Wave.ClosedAt
	}
	v := newStateView(st, string(s.State), f, l.Lang, "opens", when(s.Wave.OpensAt, l.Lang), "closes", when(closes, l.Lang))
	if s.State != collector.NotYet {
		v.About.Until = ""
	}
	return v
}

// receiptPage shows a receipt, however its number was typed.
func (a *API) receiptPage(c *gin.Context) error {
	l, ctx := a.look(c), c.Request.Context()
	receipt, err := a.Responses.Receipt(ctx, c.Param("receipt"))
	if err != nil {
		return a.noReceipt(c, l, err)
	}
	asked, err := a.Questionnaires.ByID(ctx, receipt.Wave.QuestionnaireID)
	if err != nil {
		return a.trouble(c, l, err)
	}
	return a.writePage(c, http.StatusOK, "respond/receipt", l, newReceiptView(receipt, asked, receipt.Area, l))
}

func newReceiptView(r response.Receipt, asked *questionnaire.Definition, place area.Area, l look) receiptView {
	v := receiptView{
		frame: newFrame(receiptPath(r), l), Code: r.Code, Time: when(r.ReceivedAt, l.Lang), Thanks: asked.Thanks.In(l.Lang),
		Area: place.Name().In(l.Lang), Counted: r.Status == response.Counted,
	}
	v.Place, v.About = v.Area, aboutWave(r.Wave, l.Lang)
	v.Contact = strings.TrimSpace(v.About.Owner + " " + v.About.Contact)
	v.About.Until, v.About.Form = "", asked.Form
	v.Delete = receiptPath(r) + "/delete" + l.query()
	if r.Mode == collector.Visited {
		v.Report = receiptPath(r) + "/report" + l.query()
	}
	return v
}

func receiptPath(r response.Receipt) string { return "/r/" + r.Code }

// when writes a time as people read it, in China.
func when(t time.Time, lang string) string {
	layout := "2006年1月2日 15:04"
	if lang == "en" {
		layout = "2 January 2006, 15:04"
	}
	return t.In(static.China).Format(layout)
}
