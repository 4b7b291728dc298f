package api

import (
	"bytes"
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/sample"
)

// plansView lists sampling plans.
type plansView struct {
	shell
	Rows []planRow
}

type planRow struct {
	Href, Wave, Place, Frame, Made, Drawn string
}

func decimals(x float64, n int) string { return strconv.FormatFloat(x, 'f', n, 64) }

func (a *API) plansPage(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	list, err := a.Samples.Plans(ctx, who, "")
	if err != nil {
		return err
	}
	v := plansView{}
	v.shell = a.newShell(c, "plans", a.static.T(lang, "plans.title"), nil)
	for _, p := range list {
		row, err := a.planRow(c, p)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, row)
	}
	return a.writeConsole(c, http.StatusOK, "console/plans", v)
}

func (a *API) planRow(c *gin.Context, p sample.Plan) (planRow, error) {
	ctx, lang := c.Request.Context(), a.lang(c)
	row := planRow{Href: "/plans/" + p.ID, Made: p.CreatedAt.In(static.China).Format("2006-01-02 15:04")}
	w, err := a.Waves.ByID(ctx, p.WaveID)
	if err != nil {
		return row, err
	}
	f, err := a.Samples.FrameOfPlan(ctx, p)
	if err != nil {
		return row, err
	}
	row.Wave, row.Frame = w.Name().In(lang), f.Name
	if p.DrawnAt != nil {
		row.Drawn = p.DrawnAt.In(static.China).Format("2006-01-02 15:04")
	}
	row.Place, err = a.placeName(c, p.AreaCode)
	return row, err
}

// onePlanPage is one plan: what it gives, its draw and the drawn households.
type onePlanPage struct {
	shell
	planRow
	ID, Seed, Hash string
	Spec           []planRow // name and value
	Sizes          *sizesView
	Problem, Done  string
	Replaced       bool // its households were taken back by another draw
	Communities    []planPlaceRow
	Listed         string // whose households are listed
	Homes          []planHomeRow
	Print          string // address of the lists
}

type planPlaceRow struct {
	Name, Href      string
	PSUs            int
	Visits, Reserve int
	Current         bool
}

type planHomeRow struct {
	Building, Unit, Room, Household, Adults, Weight string
	Position                                        int
	Reserve, First                                  bool
}

func (a *API) planPage(c *gin.Context) error { return a.showPlan(c, http.StatusOK, "", "") }

func (a *API) showPlan(c *gin.Context, status int, problem, done string) error {
	ctx, lang := c.Request.Context(), a.lang(c)
	p, err := a.Samples.Plan(ctx, a.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	spec, err := p.ParseSpec()
	if err != nil {
		return err
	}
	v := onePlanPage{ID: p.ID, Seed: p.Seed, Hash: p.ResultHash, Problem: problem, Done: done}
	if v.planRow, err = a.planRow(c, p); err != nil {
		return err
	}
	v.shell = a.newShell(c, "plans", a.static.T(lang, "plans.title")+" · "+v.planRow.Place, nil)
	sizes, err := a.Samples.SizesOfPlan(ctx, p)
	if err != nil {
		return err
	}
	if v.Sizes, err = a.viewSizes(c, sizes, spec); err != nil {
		return err
	}
	v.Spec = a.specRows(lang, spec)
	if p.DrawnAt != nil {
		if err := a.fillDraw(c, &v, p); err != nil {
			return err
		}
	}
	return a.writeConsole(c, status, "console/plan", v)
}

func (a *API) specRows(lang string, s sample.Spec) []planRow {
	row := func(key, value string) planRow {
		return planRow{Wave: a.static.T(lang, "plans.field."+key), Place: value}
	}
	word := func(key, value string) planRow { return row(key, a.static.T(lang, "plans."+key+"."+value)) }
	return []planRow{
		word("stratify", s.Stratify), word("stage", s.Stage), word("method", s.Method), word("allocation", s.Allocation),
		row("psus", group(s.PSUs)), row("take", group(s.Take)), row("reserve", group(s.Reserve)), row("visits", group(s.Rules.Visits)),
		word("replace", s.Rules.Replace), word("select", s.Rules.Select),
		row("margin", decimals(100*s.Expect.Margin, 1)), row("roh", decimals(s.Expect.Roh, 2)), row("response", decimals(100*s.Expect.Response, 0)),
	}
}

// fillDraw shows the drawn households: their number by community, and those of one.
func (a *API) fillDraw(c *gin.Context, v *onePlanPage, p sample.Plan) error {
	homes, err := a.Samples.PlanHomes(c.Request.Context(), p, "")
	if err != nil {
		return err
	}
	v.Replaced = len(homes) == 0
	names, err := a.namesBelow(c, p.AreaCode)
	if err != nil {
		return err
	}
	chosen := c.Query("area")
	psu, code := "", ""
	for _, h := range homes {
		if len(v.Communities) == 0 || code != h.Home.AreaCode {
			code, psu = h.Home.AreaCode, ""
			if chosen == "" {
				chosen = code
			}
			v.Communities = append(v.Communities, planPlaceRow{Name: cmp.Or(names[code], code), Href: "/plans/" + p.ID + "?area=" + url.QueryEscape(code) + "#homes", Current: code == chosen})
		}
		at := &v.Communities[len(v.Communities)-1]
		first := psu != h.Home.PSU
		if first {
			psu = h.Home.PSU
			at.PSUs++
		}
		if h.Reserve {
			at.Reserve++
		} else {
			at.Visits++
		}
		if at.Current {
			row := planHomeRow{Building: h.Building, Unit: h.Home.Unit, Room: h.Room, Household: h.Household, Adults: "–", Weight: decimals(h.Base, 2), Position: h.Position, Reserve: h.Reserve, First: first}
			if h.FrameAdults != nil {
				row.Adults = strconv.Itoa(*h.FrameAdults)
			}
			v.Listed, v.Homes = at.Name, append(v.Homes, row)
		}
	}
	v.Print = "/plans/" + p.ID + "/homes/list"
	return nil
}

// drawPlan draws, with the seed that was typed or a new one.
func (a *API) drawPlan(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	p, err := a.Samples.Draw(c.Request.Context(), a.actor(c), c.Param("id"), sample.DrawOptions{Seed: form.Get("seed"), Replace: form.Get("replace") != ""})
	if err != nil {
		if kind := survey.KindOf(err); kind != survey.Invalid && kind != survey.Conflict {
			return err
		}
		status, said, err := a.saidPlan(c, err)
		if err != nil {
			return err
		}
		return a.showPlan(c, status, said, "")
	}
	c.Redirect(http.StatusSeeOther, "/plans/"+p.ID+"#draw")
	return nil
}

// replayPlan draws again and says whether the result is the same.
func (a *API) replayPlan(c *gin.Context) error {
	r, err := a.Samples.Replay(c.Request.Context(), a.actor(c), c.Param("id"))
	if err != nil {
		if survey.KindOf(err) != survey.Conflict {
			return err
		}
		status, said, err := a.saidPlan(c, err)
		if err != nil {
			return err
		}
		return a.showPlan(c, status, said, "")
	}
	lang := a.lang(c)
	switch {
	case r.Same():
		return a.showPlan(c, http.StatusOK, "", a.static.T(lang, "plans.replay.same", "hash", r.Hash))
	case r.Hash == r.Want:
		return a.showPlan(c, http.StatusOK, a.static.T(lang, "plans.replay.changed", "hash", r.Hash, "stored", r.Stored), "")
	}
	return a.showPlan(c, http.StatusOK, a.static.T(lang, "plans.replay.other", "hash", r.Hash, "want", r.Want), "")
}

// planList is the list of drawn households as a file to be printed.
func (a *API) planList(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	p, err := a.Samples.Plan(ctx, who, c.Param("id"))
	if err != nil {
		return err
	}
	file := c.Param("file")
	if file != "list.csv" && file != "list.xlsx" {
		return survey.ErrNotFound
	}
	if p.DrawnAt == nil {
		return sample.ErrPlanOpen
	}
	place := c.Query("area")
	if place != "" && !survey.Within(p.AreaCode, place) {
		return area.ErrNotFound
	}
	homes, err := a.Samples.ExportHomes(ctx, who, p, place)
	if err != nil {
		return err
	}
	names, err := a.namesBelow(c, p.AreaCode)
	if err != nil {
		return err
	}
	row, err := a.planRow(c, p)
	if err != nil {
		return err
	}
	words := sample.Wording{Title: row.Wave + " · " + row.Place, Visit: a.static.T(lang, "plans.home.visit"), Reserve: a.static.T(lang, "plans.home.reserve"),
		Community: func(code string) string { return cmp.Or(names[code], code) }}
	for _, col := range sample.ListColumns {
		words.Columns = append(words.Columns, a.static.T(lang, "plans.list."+col))
	}
	var b bytes.Buffer
	kind, write := "text/csv; charset=utf-8", sample.WriteCSV
	if file == "list.xlsx" {
		kind, write = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", sample.WriteXLSX
	}
	if err := write(&b, homes, words); err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="chengyin-`+file+`"`)
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, kind, b.Bytes())
	return nil
}
