package api

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
)

// maxUpload bounds an uploaded sheet, with the form around it.
const maxUpload = 20<<20 + 64<<10

// importView is the panel for sheets: what may be uploaded, what a file that was
// uploaded would do, and what the last one did.
type importView struct {
	Kinds   []importKind
	Parent  string
	Problem string
	Done    string
	Plan    *planView
}

type importKind struct {
	Code, Name, Why, Template string
	Current                   bool
}

// planView is the dry run of a file, to be confirmed.
type planView struct {
	Token, Kind, File                    string
	Rows, New, Changed, Same, Bad, Total string
	Problems                             []problemRow
	More                                 bool // there are more problems than are listed
	Nothing                              bool // nothing would change
	Wrong                                bool // there are problems
	Sheets                               bool // the file has worksheets with names
	MaySkip                              bool // there are good rows besides
	Skipped                              []string
}

type problemRow struct {
	Sheet               string
	Row                 int
	Column, What, Value string
}

// newImport is the panel for whoever may import.
func (a *API) newImport(c *gin.Context, parent string) *importView {
	if !a.actor(c).Can(survey.ManageAreas) {
		return nil
	}
	lang := a.lang(c)
	v := &importView{Parent: parent}
	for _, k := range area.Kinds {
		v.Kinds = append(v.Kinds, importKind{
			Code: string(k), Name: a.static.T(lang, "import.kind."+string(k)), Why: a.static.T(lang, "console.import.why."+string(k)),
			Template: "/areas/template/" + string(k) + ".csv", Current: c.Query("kind") == string(k),
		})
	}
	if kind := c.Query("imported"); slices.Contains(area.Kinds, area.Kind(kind)) {
		v.Done = a.static.T(lang, "console.import.done", "kind", a.static.T(lang, "import.kind."+kind))
	}
	return v
}

// importTemplate answers with an example of a sheet.
func (a *API) importTemplate(c *gin.Context) error {
	name := c.Param("file")
	kind := area.Kind(name[:len(name)-len(filepath.Ext(name))])
	if filepath.Ext(name) != ".csv" || !slices.Contains(area.Kinds, kind) {
		return survey.ErrNotFound
	}
	if !a.actor(c).Can(survey.ManageAreas) {
		return survey.ErrDenied
	}
	c.Header("Content-Disposition", `attachment; filename="chengyin-`+string(kind)+`.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", area.Template(kind))
	return nil
}

// planImport reads an uploaded sheet and shows what it would do. Nothing is
// stored until it is confirmed.
func (a *API) planImport(c *gin.Context) error {
	who := a.actor(c)
	if !who.Can(survey.ManageAreas) {
		return survey.ErrDenied
	}
	refuse := func(err error) error { return a.showImport(c, err) }
	return takeUpload(c, maxUpload, area.ErrImportTooLarge, "required", refuse, func(name string, sheet io.Reader) error {
		plan, err := a.Areas.Plan(c.Request.Context(), who, area.Kind(c.PostForm("kind")), name, sheet)
		if err != nil {
			return refuse(err)
		}
		p, err := a.newAreasPage(c)
		if err != nil {
			return err
		}
		p.Import.Plan = a.viewPlan(a.lang(c), plan)
		p.Import.Plan.Token = a.plans.keep(who.Account, plan, a.Clock())
		return a.writeConsole(c, http.StatusOK, "console/areas", p)
	})
}

// showImport shows the panel with what is wrong with the file as a whole.
func (a *API) showImport(c *gin.Context, err error) error {
	said := a.problem(c.Request.Context(), err)
	if said.Status >= http.StatusInternalServerError || survey.KindOf(err) == survey.Denied {
		return err
	}
	p, err := a.newAreasPage(c)
	if err != nil {
		return err
	}
	p.Import.Problem = said.Title
	for _, f := range said.Errors {
		p.Import.Problem += " " + f.Message
	}
	return a.writeConsole(c, said.Status, "console/areas", p)
}

func (a *API) viewPlan(lang string, plan area.Plan) *planView {
	v := &planView{
		Kind: a.static.T(lang, "import.kind."+string(plan.Kind)), File: plan.File, Rows: group(plan.Rows), New: group(plan.New), Changed: group(plan.Changed),
		Same: group(plan.Unchanged), Bad: group(plan.Bad), Total: group(plan.Total), More: plan.Total > len(plan.Problems), Nothing: plan.New+plan.Changed == 0,
		Wrong: plan.Total > 0, MaySkip: plan.Total > 0 && plan.New+plan.Changed > 0, Skipped: plan.Skipped,
	}
	for _, p := range plan.Problems {
		row := problemRow{Sheet: p.Sheet, Row: p.Row, What: a.static.T(lang, "import."+p.Code), Value: p.Value}
		if p.Column != "" {
			row.Column = a.static.T(lang, "import.column."+p.Column)
		}
		v.Problems = append(v.Problems, row)
		v.Sheets = v.Sheets || row.Sheet != ""
	}
	return v
}

// applyImport stores the plan that was shown.
func (a *API) applyImport(c *gin.Context) error {
	who := a.actor(c)
	if !who.Can(survey.ManageAreas) {
		return survey.ErrDenied
	}
	form, err := a.form(c)
	if err != nil {
		return err
	}
	plan, ok := a.plans.take(who.Account, form.Get("plan"), a.Clock())
	if !ok {
		return a.showImport(c, area.ErrImportStale)
	}
	if err := a.Areas.Apply(c.Request.Context(), who, plan, area.ImportOptions{SkipBad: form.Get("skip") != ""}); err != nil {
		return a.showImport(c, err)
	}
	to := "/areas?imported=" + string(plan.Kind)
	if parent := c.Query("parent"); parent != "" {
		to += "&parent=" + queryEscape(parent)
	}
	c.Redirect(http.StatusSeeOther, to+"#import")
	return nil
}
