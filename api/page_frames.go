package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/sample"
)

// maxFrame bounds an uploaded list, with the form around it.
const maxFrame = 48<<20 + 64<<10

// samplingRoutes are the pages of lists of households and of sampling plans.
func (a *API) samplingRoutes(r *gin.Engine) {
	r.GET("/frames", a.do(a.frames))
	r.POST("/frames/import", a.do(a.beginFrame))
	r.GET("/frames/template.csv", a.do(a.frameTemplate))
	r.GET("/frames/imports/:id", a.do(a.frameImport))
	r.POST("/frames/imports/:id", a.do(a.confirmFrame))
	r.GET("/frames/lists/:id", a.do(a.frame))
	r.GET("/plans", a.do(a.plansPage))
	r.GET("/plans/new", a.do(a.newPlan))
	r.POST("/plans", a.do(a.createPlan))
	r.GET("/plans/:id", a.do(a.planPage))
	r.POST("/plans/:id/draw", a.do(a.drawPlan))
	r.POST("/plans/:id/replay", a.do(a.replayPlan))
	r.GET("/plans/:id/homes/:file", a.do(a.planList))
}

// framesPage lists the versions of lists and takes another.
type framesPage struct {
	shell
	Problem string
	Rows    []frameRow
}

type frameRow struct {
	ID, Name, Source, Place, Homes, When, Hash string
}

func (a *API) frames(c *gin.Context) error { return a.showFrames(c, http.StatusOK, "") }

func (a *API) showFrames(c *gin.Context, status int, problem string) error {
	list, err := a.Samples.Frames(c.Request.Context(), a.actor(c))
	if err != nil {
		return err
	}
	p := framesPage{Problem: problem}
	p.shell = a.newShell(c, "plans", a.static.T(a.lang(c), "frames.title"), nil)
	for _, f := range list {
		row, err := a.frameRow(c, f)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	return a.writeConsole(c, status, "console/frames", p)
}

func (a *API) frameRow(c *gin.Context, f sample.Frame) (frameRow, error) {
	place, err := a.placeName(c, f.AreaCode)
	return frameRow{ID: f.ID, Name: f.Name, Source: f.Source, Place: place, Homes: group(f.Homes), When: f.CreatedAt.In(static.China).Format("2006-01-02 15:04"), Hash: f.Hash}, err
}

// placeName names a place, by its code when it is gone.
func (a *API) placeName(c *gin.Context, code string) (string, error) {
	x, err := a.Areas.ByCode(c.Request.Context(), code)
	if errors.Is(err, area.ErrNotFound) {
		return code, nil
	}
	return x.Name().In(a.lang(c)), err
}

func (a *API) frameTemplate(c *gin.Context) error {
	c.Header("Content-Disposition", `attachment; filename="chengyin-households.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", sample.FrameTemplate())
	return nil
}

// beginFrame takes a list, whose reading goes on by itself, and leads to the page
// that tells how far it is.
func (a *API) beginFrame(c *gin.Context) error {
	refuse := func(err error) error { return a.refuseFrame(c, err) }
	return takeUpload(c, maxFrame, sample.ErrFrameTooLarge, "file_missing", refuse, func(name string, list io.Reader) error {
		raw, err := io.ReadAll(list)
		if err != nil {
			return survey.ErrMalformed.Because(err)
		}
		id, err := a.Samples.BeginImport(c.Request.Context(), a.actor(c), name, raw)
		if err != nil {
			return refuse(err)
		}
		c.Redirect(http.StatusSeeOther, "/frames/imports/"+id)
		return nil
	})
}

func (a *API) refuseFrame(c *gin.Context, err error) error {
	status, said, err := a.said(c, err)
	if err != nil {
		return err
	}
	return a.showFrames(c, status, said)
}

// frameImportPage tells how far an import is, what is wrong with the list, and what
// can be done.
type frameImportPage struct {
	shell
	ID, File          string
	Working           string // what is going on; "" when nothing is
	Done, All         int
	Told              string // "12,000 of 200,000"
	Problem           string
	Plan              *sample.Import
	Problems          []problemRow
	More              bool
	Rows, Good, Bad   string
	Communities       string
	Buildings, Adults string
	Total             string
	Stored            string // address of the list
	NewPlan           string
	Homes             string
}

func (a *API) frameImport(c *gin.Context) error { return a.showImportState(c, http.StatusOK, "") }

func (a *API) showImportState(c *gin.Context, status int, problem string) error {
	lang := a.lang(c)
	s, err := a.Samples.ImportState(a.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	p := frameImportPage{ID: s.ID, File: s.File, Done: s.Done, All: s.All, Problem: problem}
	p.shell = a.newShell(c, "plans", a.static.T(lang, "frames.import.title"), nil)
	switch s.Stage {
	case sample.Reading, sample.Storing:
		p.Working = a.static.T(lang, "frames.import."+s.Stage)
		if p.Told = group(s.Done); s.All > 0 {
			p.Told = a.static.T(lang, "frames.import.of", "done", group(s.Done), "all", group(s.All))
		}
		c.Header("Refresh", "1") // tells how far it is without a script
	case sample.Failed:
		var said string
		if status, said, err = a.said(c, s.Err); err != nil {
			return err
		}
		p.Problem = said
	case sample.Stored:
		p.Stored, p.NewPlan, p.Homes = "/frames/lists/"+s.Frame.ID, "/plans/new?frame="+url.QueryEscape(s.Frame.ID), group(s.Frame.Homes)
	case sample.Checked:
		x := s.Import
		p.Plan, p.Problems, p.More = x, a.sampleProblems(lang, x.Problems), x.Total > len(x.Problems)
		p.Rows, p.Good, p.Bad, p.Communities, p.Buildings, p.Adults, p.Total = group(x.Rows), group(x.Good), group(x.Bad), group(x.Communities), group(x.Buildings), group(x.Adults), group(x.Total)
	}
	c.Header("Cache-Control", "no-store")
	return a.writeConsole(c, status, "console/frame_import", p)
}

func (a *API) sampleProblems(lang string, list []area.RowProblem) []problemRow {
	var out []problemRow
	for _, p := range list {
		row := problemRow{Sheet: p.Sheet, Row: p.Row, What: a.static.T(lang, "import."+p.Code), Value: p.Value}
		if p.Column != "" {
			row.Column = a.static.T(lang, "import.column."+p.Column)
		}
		out = append(out, row)
	}
	return out
}

// confirmFrame stores the list that was checked; that goes on by itself too.
func (a *API) confirmFrame(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	err = a.Samples.ConfirmImport(c.Request.Context(), a.actor(c), c.Param("id"), form.Get("name"), form.Get("skip") != "")
	if err != nil && survey.KindOf(err) != survey.NotFound {
		status, said, err := a.said(c, err)
		if err != nil {
			return err
		}
		return a.showImportState(c, status, said)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/frames/imports/"+url.PathEscape(c.Param("id")))
	return nil
}

// framePage shows one list by community.
type framePage struct {
	shell
	frameRow
	NewPlan string
	Places  []framePlaceRow
}

type framePlaceRow struct {
	Name, Code, Buildings, Homes, Known, Mean string
}

func (a *API) frame(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	f, err := a.Samples.Frame(ctx, who, c.Param("id"))
	if err != nil {
		return err
	}
	places, err := a.Samples.FramePlaces(ctx, who, f)
	if err != nil {
		return err
	}
	names, err := a.namesBelow(c, f.AreaCode)
	if err != nil {
		return err
	}
	p := framePage{NewPlan: "/plans/new?frame=" + url.QueryEscape(f.ID)}
	if p.frameRow, err = a.frameRow(c, f); err != nil {
		return err
	}
	p.shell = a.newShell(c, "plans", a.static.T(lang, "frames.title")+" · "+f.Name, nil)
	for _, x := range places {
		row := framePlaceRow{Name: names[x.AreaCode], Code: x.AreaCode, Buildings: group(x.Buildings), Homes: group(x.Homes), Known: group(x.Known), Mean: "–"}
		if x.Known > 0 {
			row.Mean = decimals(float64(x.Adults)/float64(x.Known), 2)
		}
		p.Places = append(p.Places, row)
	}
	return a.writeConsole(c, http.StatusOK, "console/frame", p)
}

// namesBelow names a place and all below it.
func (a *API) namesBelow(c *gin.Context, code string) (map[string]string, error) {
	tree, err := a.Areas.Tree(c.Request.Context(), code)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, x := range tree {
		names[x.Code] = x.Name().In(a.lang(c))
	}
	return names, nil
}
