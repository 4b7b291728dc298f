package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/sample"
	"chengyin/survey/wave"
)

// planForm is a new plan as it was typed.
type planForm struct {
	Wave, Frame, Area                                string
	Stratify, Stage, Method, Allocation              []option
	PSUs, Take, Reserve, Visits                      string
	Replace, Select                                  []option
	Margin, Level, Roh, Response                     string
	stratify, stage, method, alloc, replace, selects string
}

// newPlanPage takes a plan and shows what it would give before it is kept.
type newPlanPage struct {
	shell
	Waves, Frames, Areas []option
	In                   planForm
	Problem              string
	Sizes                *sizesView
	Keep                 []planRow // the values of the form, as Wave (name) and Place (value)
}

// sizesView is what a plan gives.
type sizesView struct {
	Rows          []sizeRow
	All           sizeRow
	Target, Roh   string
	Needed        string
	Invite        string
	Enough        int
	Reached       bool
	Lonely, Small bool
}

type sizeRow struct {
	Name                                                    string
	PSUs, Homes, Draw, Certain, Visits, Reserve, Interviews string
	Weights, Cluster, Deff, Margin                          string
	Lonely, Small                                           bool
}

// readPlanForm reads a plan out of a query or a form; what is missing is as usual.
func readPlanForm(q url.Values) planForm {
	u := sample.UsualSpec
	get := func(key, usual string) string { return strings.TrimSpace(cmp.Or(q.Get(key), usual)) }
	percent := func(x float64) string { return strconv.FormatFloat(100*x, 'g', 6, 64) }
	return planForm{
		Wave: q.Get("wave"), Frame: q.Get("frame"), Area: q.Get("area"),
		stratify: get("stratify", u.Stratify), stage: get("stage", u.Stage), method: get("method", u.Method), alloc: get("allocation", u.Allocation),
		PSUs: get("psus", strconv.Itoa(u.PSUs)), Take: get("take", strconv.Itoa(u.Take)), Reserve: get("reserve", strconv.Itoa(u.Reserve)),
		Visits: get("visits", strconv.Itoa(u.Rules.Visits)), replace: get("replace", u.Rules.Replace), selects: get("select", u.Rules.Select),
		Margin: get("margin", percent(u.Expect.Margin)), Level: get("level", percent(u.Expect.Level)), Roh: get("roh", decimals(u.Expect.Roh, 2)), Response: get("response", percent(u.Expect.Response)),
	}
}

// spec turns what was typed into a spec. What is no number is out of range.
func (f planForm) spec() sample.Spec {
	whole := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		if err != nil {
			return -1
		}
		return x
	}
	return sample.Spec{
		Stratify: f.stratify, Stage: f.stage, Method: f.method, Allocation: f.alloc, PSUs: whole(f.PSUs), Take: whole(f.Take), Reserve: whole(f.Reserve),
		Rules:  sample.Rules{Visits: whole(f.Visits), Replace: f.replace, Select: f.selects},
		Expect: sample.Expect{Margin: number(f.Margin) / 100, Level: number(f.Level) / 100, Roh: number(f.Roh), Response: number(f.Response) / 100},
	}
}

// values are the form's fields in their order, to be sent again.
func (f planForm) values() [][2]string {
	return [][2]string{
		{"wave", f.Wave}, {"frame", f.Frame}, {"area", f.Area}, {"stratify", f.stratify}, {"stage", f.stage}, {"method", f.method}, {"allocation", f.alloc},
		{"psus", f.PSUs}, {"take", f.Take}, {"reserve", f.Reserve}, {"visits", f.Visits}, {"replace", f.replace}, {"select", f.selects},
		{"margin", f.Margin}, {"level", f.Level}, {"roh", f.Roh}, {"response", f.Response},
	}
}

func (f planForm) plan() sample.NewPlan {
	return sample.NewPlan{Wave: f.Wave, Frame: f.Frame, Area: f.Area, Spec: f.spec()}
}

func (a *API) planOptions(lang, words string, values []string, now string) []option {
	var out []option
	for _, v := range values {
		out = append(out, option{v, a.static.T(lang, words+v), v == now})
	}
	return out
}

func (a *API) newPlan(c *gin.Context) error {
	return a.showNewPlan(c, http.StatusOK, readPlanForm(c.Request.URL.Query()), c.Query("preview") == "1", nil)
}

// showNewPlan shows the form, and, when all of it is there, what the plan gives.
func (a *API) showNewPlan(c *gin.Context, status int, f planForm, preview bool, wrong error) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	p := newPlanPage{}
	p.shell = a.newShell(c, "plans", a.static.T(lang, "plans.new"), nil)
	frames, err := a.Samples.Frames(ctx, who)
	if err != nil {
		return err
	}
	waves, err := a.Waves.List(ctx, who)
	if err != nil {
		return err
	}
	waves = slices.DeleteFunc(waves, func(w wave.Wave) bool { return w.Over(a.Clock()) })
	if f.Wave == "" && len(waves) > 0 {
		f.Wave = waves[0].ID
	}
	if f.Frame == "" && len(frames) > 0 {
		f.Frame = frames[0].ID
	}
	for _, w := range waves {
		p.Waves = append(p.Waves, option{w.ID, w.Name().In(lang), w.ID == f.Wave})
	}
	for _, x := range frames {
		p.Frames = append(p.Frames, option{x.ID, x.Name, x.ID == f.Frame})
		if x.ID != f.Frame {
			continue
		}
		if p.Areas, err = a.planAreas(c, x, &f.Area); err != nil {
			return err
		}
	}
	f.Stratify = a.planOptions(lang, "plans.stratify.", sample.Stratifications, f.stratify)
	f.Stage = a.planOptions(lang, "plans.stage.", sample.Stages, f.stage)
	f.Method = a.planOptions(lang, "plans.method.", sample.Methods, f.method)
	f.Allocation = a.planOptions(lang, "plans.allocation.", sample.Allocations, f.alloc)
	f.Replace = a.planOptions(lang, "plans.replace.", sample.Replacements, f.replace)
	f.Select = a.planOptions(lang, "plans.select.", sample.Selections, f.selects)
	p.In = f
	if wrong == nil && preview {
		var sizes sample.Sizes
		if sizes, wrong = a.Samples.Preview(ctx, who, f.plan()); wrong == nil {
			if p.Sizes, err = a.viewSizes(c, sizes, f.spec()); err != nil {
				return err
			}
			for _, kv := range f.values() {
				p.Keep = append(p.Keep, planRow{Wave: kv[0], Place: kv[1]})
			}
		}
	}
	if wrong != nil {
		if status, p.Problem, err = a.saidPlan(c, wrong); err != nil {
			return err
		}
	}
	return a.writeConsole(c, status, "console/plan_new", p)
}

// planAreas are the places of a list that the actor may draw in.
func (a *API) planAreas(c *gin.Context, f sample.Frame, now *string) ([]option, error) {
	who, lang := a.actor(c), a.lang(c)
	tree, err := a.Areas.Tree(c.Request.Context(), f.AreaCode)
	if err != nil {
		return nil, err
	}
	var out []option
	known := slices.ContainsFunc(tree, func(x area.Area) bool { return x.Code == *now })
	for _, x := range tree {
		if !who.Sees(survey.ManageSamples, x.Code) {
			continue
		}
		if !known {
			*now, known = x.Code, true
		}
		indent := map[area.Level]string{area.Subdistrict: "　", area.Community: "　　"}[x.Level]
		out = append(out, option{x.Code, indent + x.Name().In(lang), x.Code == *now})
	}
	return out, nil
}

// saidPlan words what is wrong with a plan, field by field.
func (a *API) saidPlan(c *gin.Context, err error) (int, string, error) {
	said := a.problem(c.Request.Context(), err)
	if said.Status >= http.StatusInternalServerError || survey.KindOf(err) == survey.Denied {
		return 0, "", err
	}
	text := said.Title
	for _, f := range said.Errors {
		text += " " + a.static.T(a.lang(c), "plans.wrong", "field", a.static.T(a.lang(c), "plans.field."+strings.ReplaceAll(f.Path, ".", "_")), "why", f.Message)
	}
	return said.Status, text, nil
}

func (a *API) viewSizes(c *gin.Context, s sample.Sizes, spec sample.Spec) (*sizesView, error) {
	codes := make([]string, len(s.Strata))
	for i, x := range s.Strata {
		codes[i] = x.Code
	}
	names, err := a.namesOf(c, codes)
	if err != nil {
		return nil, err
	}
	e := spec.Expect
	v := &sizesView{Target: decimals(100*e.Margin, 1), Roh: decimals(e.Roh, 2), Needed: group(s.Needed), Invite: group(s.Invite), Enough: s.Enough, Reached: s.All.Margin <= e.Margin}
	for i, x := range s.Strata {
		row := viewSize(x, names[i])
		v.Rows = append(v.Rows, row)
		v.Lonely, v.Small = v.Lonely || row.Lonely, v.Small || row.Small
	}
	v.All = viewSize(s.All, a.static.T(a.lang(c), "plans.all"))
	return v, nil
}

func viewSize(x sample.StratumSize, name string) sizeRow {
	return sizeRow{
		Name: name, PSUs: group(x.PSUs), Homes: group(x.Homes), Draw: group(x.Draw), Certain: group(x.Certain),
		Visits: decimals(x.Visits, 0), Reserve: decimals(x.Reserve, 0), Interviews: decimals(x.Interviews, 0),
		Weights: decimals(x.Weights, 2), Cluster: decimals(x.Cluster, 2), Deff: decimals(x.Deff, 2), Margin: decimals(100*x.Margin, 1),
		Lonely: x.Lonely, Small: x.Small > 0,
	}
}

// namesOf names places in the order of their codes.
func (a *API) namesOf(c *gin.Context, codes []string) ([]string, error) {
	names, err := a.namesBelow(c, sample.Smallest(codes))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = cmp.Or(names[code], code)
	}
	return out, nil
}

func (a *API) createPlan(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	f := readPlanForm(form)
	p, err := a.Samples.Create(c.Request.Context(), a.actor(c), f.plan())
	if err != nil {
		if kind := survey.KindOf(err); kind == survey.Invalid {
			return a.showNewPlan(c, http.StatusUnprocessableEntity, f, false, err)
		}
		return err
	}
	c.Redirect(http.StatusSeeOther, "/plans/"+p.ID)
	return nil
}
