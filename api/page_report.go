package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/response"
)

// reportView asks a resident how the interview at the door was.
type reportView struct {
	frame
	Code, Action, Back string
	Arrived            bool // the interview is here
	Problem            string
	Groups             []reportGroup
	Note               string
	Most, MostNote     int
}

type reportGroup struct {
	Name  string
	Kinds []optionView
}

// reportPage asks what the resident has to say of an interview. It writes nothing,
// and never tells what was said before: others may have read the receipt.
func (a *API) reportPage(c *gin.Context) error {
	return a.askForReport(c, http.StatusOK, "", "", "")
}

func (a *API) askForReport(c *gin.Context, status int, kind, note, problem string) error {
	l := a.look(c)
	receipt, err := a.Responses.Receipt(c.Request.Context(), c.Param("receipt"))
	arrived := err == nil
	switch {
	case errors.Is(err, response.ErrNoReceipt) && response.WellFormed(c.Param("receipt")):
		receipt.Code = response.Pretty(collector.Normalise(c.Param("receipt")))
	case err != nil:
		return a.noReceipt(c, l, err)
	case receipt.Mode != collector.Visited: // nothing to say of it
		hide(c)
		c.Redirect(http.StatusSeeOther, receiptPath(receipt)+l.query())
		return nil
	}
	path := receiptPath(receipt)
	v := reportView{frame: newFrame(path+"/report", l), Code: receipt.Code, Action: path + "/report" + l.query(), Arrived: arrived,
		Problem: problem, Note: note, Most: response.MostReports, MostNote: response.LongestNote}
	if arrived {
		v.Place, v.About, v.Back = receipt.Area.Name().In(l.Lang), aboutWave(receipt.Wave, l.Lang), path+l.query()
		v.About.Until = ""
	}
	for _, g := range response.ReportGroups {
		group := reportGroup{Name: a.static.T(l.Lang, "report.group."+g)}
		for _, k := range response.ReportKinds {
			if k.Group == g {
				group.Kinds = append(group.Kinds, optionView{Code: k.Code, Text: a.static.T(l.Lang, "report.kind."+k.Code), Chosen: k.Code == kind})
			}
		}
		v.Groups = append(v.Groups, group)
	}
	return a.writePage(c, status, "respond/report", l, v)
}

// reportForm keeps what the resident says.
func (a *API) reportForm(c *gin.Context) error {
	l, ctx := a.look(c), c.Request.Context()
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		return a.unreadable(c, l, err)
	}
	net := infoOf(ctx).net
	if !a.reporting.may(net, a.Clock()) {
		f := newFrame(c.Request.URL.Path, l)
		return a.writePage(c, http.StatusTooManyRequests, "respond/state", l, newStateView(a.static, "too_many", f, l.Lang))
	}
	kind, note := c.Request.PostForm.Get("kind"), c.Request.PostForm.Get("note")
	arrived, err := a.Responses.Report(ctx, c.Param("receipt"), kind, note)
	var e *survey.Error
	switch {
	case errors.Is(err, response.ErrNotVisit):
		return a.reportPage(c) // leads back to the receipt
	case errors.Is(err, response.ErrManyReports):
		return a.askForReport(c, http.StatusTooManyRequests, kind, note, a.static.T(l.Lang, "error."+response.ErrManyReports.Code))
	case errors.As(err, &e) && e.Kind == survey.Invalid:
		problem := a.static.T(l.Lang, "report.choose")
		if e.Fields[0].Path != "kind" {
			problem = a.static.T(l.Lang, "field."+e.Fields[0].Code, e.Fields[0].Args)
		}
		return a.askForReport(c, http.StatusUnprocessableEntity, kind, note, problem)
	case err != nil:
		return a.noReceipt(c, l, err)
	}
	if !arrived {
		a.reporting.missed(net, a.Clock())
	}
	hide(c)
	c.Redirect(http.StatusSeeOther, "/r/"+response.Pretty(collector.Normalise(c.Param("receipt")))+"/reported"+l.query())
	return nil
}

// reportedPage says thanks, and what happens now. It says so whatever was sent.
func (a *API) reportedPage(c *gin.Context) error {
	l := a.look(c)
	if !response.WellFormed(c.Param("receipt")) {
		return a.noReceipt(c, l, response.ErrNoReceipt)
	}
	path := "/r/" + response.Pretty(collector.Normalise(c.Param("receipt")))
	v := newStateView(a.static, "reported", newFrame(path+"/reported", l), l.Lang)
	v.Back = path + l.query()
	return a.writePage(c, http.StatusOK, "respond/state", l, v)
}
