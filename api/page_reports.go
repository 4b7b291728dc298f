package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/response"
)

// reportsPage lists what residents say of interviews.
type reportsPage struct {
	shell
	Place   string
	Crumbs  []navLink
	Waves   []navLink
	Wave    waveLine
	Filters []filterLinks
	Rows    []reportRow
	Counts  []reportCountRow
	More    string // address of the next page
	MostOf  int    // characters of a word
	Done    string
	Problem string
}

type reportRow struct {
	ID, Interview               string
	When                        time.Time
	Place, Said, Note           string
	Group, State, StateOf, Word string
	Action                      string
	New, Open                   bool
}

type reportCountRow struct {
	Place, Href                                string
	Interviews, Confirmed, Disputed, Pressured int64
}

func (a *API) reports(c *gin.Context) error { return a.showReports(c, http.StatusOK, "") }

func (a *API) showReports(c *gin.Context, status int, problem string) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "reports")
	}
	before, err := readMark(c.Query("cursor"))
	if err != nil {
		return err
	}
	f := response.ReportFilter{Area: at.place.Code, Group: c.Query("kind"), State: c.Query("state"), Before: before}
	list, more, err := a.Responses.Reports(ctx, who, at.wave, f)
	if err != nil {
		return err
	}
	counts, err := a.Responses.ReportCounts(ctx, who, at.wave, at.place.Code)
	if err != nil {
		return err
	}
	top := at.place
	if top.Level == area.Community && len(at.path) > 1 {
		top = at.path[len(at.path)-2] // a report of a community may name the subdistrict
	}
	tree, err := a.Areas.Tree(ctx, top.Code)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, x := range tree {
		names[x.Code] = x.Name().In(lang)
	}
	p := reportsPage{Place: at.place.Name().In(lang), MostOf: response.LongestWord, Problem: problem}
	p.shell = a.newShell(c, "reports", a.static.T(lang, "console.nav.reports")+" · "+p.Place, at.query)
	p.Crumbs, p.Waves, p.Wave = a.crumbs(c, at, "/reports"), a.waveLinks(lang, at, "/reports"), a.waveLine(lang, at)
	p.Contact = at.wave.Contact
	p.Filters = []filterLinks{
		a.reportFilter(lang, at, "kind", f.Group, "state", f.State, "console.reports.by_kind", "report.group.", response.ReportGroups),
		a.reportFilter(lang, at, "state", f.State, "kind", f.Group, "console.reports.by_state", "console.reports.state.", response.ReportStates),
	}
	now := at.with("kind", f.Group).with("state", f.State)
	for _, r := range list {
		p.Rows = append(p.Rows, a.reportRow(lang, r, names, now))
	}
	for _, n := range counts {
		row := reportCountRow{names[n.AreaCode], "", n.Interviews, n.Confirmed, n.Disputed, n.Pressured}
		if n.AreaCode != at.place.Code {
			row.Href = at.with("area", n.AreaCode).href("/reports")
		}
		p.Counts = append(p.Counts, row)
	}
	if more {
		p.More = now.with("cursor", writeMark(list[len(list)-1].MarkOf())).href("/reports")
	}
	if c.Query("done") == "1" && problem == "" {
		p.Done = a.static.T(lang, "console.reports.done")
	}
	return a.writeConsole(c, status, "console/reports", p)
}

// reportFilter offers the values of one filter and keeps the other.
func (a *API) reportFilter(lang string, at whereabouts, key, now, otherKey, other, name, words string, values []string) filterLinks {
	f := filterLinks{Name: a.static.T(lang, name)}
	if other != "" {
		at = at.with(otherKey, other)
	}
	f.Links = append(f.Links, navLink{Name: a.static.T(lang, "console.reports.all"), Href: at.href("/reports"), Current: now == ""})
	for _, v := range values {
		f.Links = append(f.Links, navLink{Name: a.static.T(lang, words+v), Href: at.with(key, v).href("/reports"), Current: now == v})
	}
	return f
}

func (a *API) reportRow(lang string, r response.Report, names map[string]string, at whereabouts) reportRow {
	row := reportRow{
		ID: r.ID, Interview: r.ResponseID, When: hour(r.At), Place: names[r.AreaCode], Said: a.static.T(lang, "report.kind."+r.Kind), Note: r.Note, Group: r.Group(),
		State: r.State(), StateOf: a.static.T(lang, "console.reports.state."+r.State()), Word: r.Word,
		Action: at.href("/reports/" + url.PathEscape(r.ID)), New: r.State() == response.ReportNew, Open: r.State() != response.ReportHandled,
	}
	if row.Place == "" {
		row.Place = r.AreaCode
	}
	return row
}

// handleReport notes that a report was seen or handled, and shows the list again.
func (a *API) handleReport(c *gin.Context) error {
	lang := a.lang(c)
	err := a.Responses.HandleReport(c.Request.Context(), a.actor(c), c.Param("id"), c.PostForm("state"), c.PostForm("word"))
	if err != nil && survey.KindOf(err) == survey.Invalid {
		p := a.problem(c.Request.Context(), err)
		text := p.Title
		if len(p.Errors) > 0 {
			text = a.static.T(lang, "console.reports.wrong", "why", p.Errors[0].Message)
		}
		return a.showReports(c, http.StatusUnprocessableEntity, text)
	}
	if err != nil {
		return err
	}
	q := c.Request.URL.Query()
	q.Del("lang")
	q.Set("done", "1")
	c.Redirect(http.StatusSeeOther, "/reports?"+q.Encode())
	return nil
}
