package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
)

// peopleRoutes are the pages of those who manage people, grants and roles.
func (a *API) peopleRoutes(r *gin.Engine) {
	r.GET("/people", a.do(a.people))
	r.POST("/people", a.do(a.addPerson))
	r.GET("/people/who", a.do(a.whoSees))
	r.GET("/people/import", a.do(a.peopleImport))
	r.POST("/people/import", a.do(a.planPeople))
	r.POST("/people/import/apply", a.do(a.applyPeople))
	r.GET("/people/import/template.csv", a.do(a.peopleTemplate))
	r.POST("/people/slips", a.do(a.slipsCSV))
	r.GET("/people/:id", a.do(a.person))
	r.POST("/people/:id", a.do(a.changePerson))
	r.POST("/people/:id/disable", a.do(a.personDo(a.Accounts.Disable)))
	r.POST("/people/:id/enable", a.do(a.personDo(a.Accounts.Enable)))
	r.POST("/people/:id/password", a.do(a.resetPassword))
	r.POST("/people/:id/grants", a.do(a.askForGrant))
	r.GET("/grants", a.do(a.grants))
	r.POST("/grants/approve", a.do(a.approveGrants))
	r.POST("/grants/:id/end", a.do(a.endGrant))
	r.GET("/roles", a.do(a.roles))
	r.POST("/roles", a.do(a.createRole))
	r.POST("/roles/:code", a.do(a.changeRole))
	r.POST("/roles/:code/remove", a.do(a.removeRole))
}

// peoplePerPage is how many people a page lists.
const peoplePerPage = 50

// mostOffered is how many places a list offers to choose from without script; any
// other of one's own can be typed.
const mostOffered = 200

type peoplePage struct {
	shell
	Problem string
	Text    string
	Area    string
	Role    string
	State   string
	Rows    []personRow
	Next    string
	Roles   []choice
	Offered []choice
	MayAdd  bool
	In      newPersonForm
}

// choice is something to choose.
type choice struct {
	Value, Name string
	Chosen      bool
}

type personRow struct {
	Href, Login, Name, Place string
	Disabled                 bool
	Grants                   []grantLine
}

// grantLine is a grant as a page says it.
type grantLine struct {
	ID, Role, Where, Person, PersonHref, Home, AskedBy, AskedAt, GrantedBy string
	Waits, Own, MayEnd, MayApprove                                         bool
}

type newPersonForm struct{ Login, Name, Area, Role, Scope string }

func (a *API) people(c *gin.Context) error {
	return a.showPeople(c, http.StatusOK, newPersonForm{}, "")
}

func (a *API) showPeople(c *gin.Context, status int, in newPersonForm, problem string) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	p := peoplePage{Problem: problem, Text: c.Query("q"), Area: c.Query("area"), Role: c.Query("role"), State: c.Query("state"), MayAdd: who.Can(survey.ManageAccounts), In: in}
	f := account.PeopleFilter{Text: p.Text, Role: p.Role, State: p.State, After: c.Query("after"), Limit: peoplePerPage}
	if p.Area != "" {
		code, err := a.Accounts.PlaceNamed(ctx, who, "area", p.Area)
		if err != nil {
			return err
		}
		f.Area = code
	}
	list, err := a.Accounts.People(ctx, who, f)
	if err != nil {
		return err
	}
	for _, x := range list {
		row := personRow{Href: "/people/" + x.ID, Login: x.Login, Name: x.Name, Place: x.Area.In(lang), Disabled: x.Disabled}
		for _, g := range x.Grants {
			row.Grants = append(row.Grants, a.grantLine(who, lang, g))
		}
		p.Rows = append(p.Rows, row)
	}
	if len(list) == peoplePerPage {
		q := c.Request.URL.Query()
		q.Set("after", list[len(list)-1].Login)
		p.Next = "/people?" + q.Encode()
	}
	if p.Roles, err = a.roleChoices(ctx, who, lang, p.Role); err != nil {
		return err
	}
	if p.Offered, err = a.offered(ctx, who, lang); err != nil {
		return err
	}
	p.shell = a.newShell(c, "people", a.static.T(lang, "people.title"), nil)
	return a.writeConsole(c, status, "console/people", p)
}

func (a *API) roleChoices(ctx context.Context, who survey.Actor, lang, chosen string) ([]choice, error) {
	roles, err := a.Accounts.Roles(ctx, who)
	var out []choice
	for _, r := range roles {
		out = append(out, choice{r.Code, r.Name.In(lang), r.Code == chosen})
	}
	return out, err
}

// offered lists places of one's own to choose from, the highest first.
func (a *API) offered(ctx context.Context, who survey.Actor, lang string) ([]choice, error) {
	list, err := a.Accounts.FindPlaces(ctx, who, "", mostOffered)
	var out []choice
	for _, x := range list {
		out = append(out, choice{Value: x.Code, Name: x.Name().In(lang)})
	}
	return out, err
}

func (a *API) grantLine(who survey.Actor, lang string, g account.GrantView) grantLine {
	l := grantLine{ID: g.ID, Role: g.Role.In(lang), Where: g.Place.In(lang), Person: g.Name, PersonHref: "/people/" + g.AccountID, Home: g.HomeName.In(lang),
		AskedBy: g.AskedBy, AskedAt: chinaTime(g.AskedAt), GrantedBy: g.GrantedBy, Waits: g.State() == "asked"}
	if l.Person == "" {
		l.Person = g.Login
	}
	if g.UnitCode != nil {
		l.Where = g.UnitName.In(lang)
	}
	granting := who.Sees(survey.ManageGrants, g.At()) && who.Sees(survey.ManageGrants, g.Home)
	l.Own = g.AskedBy == who.Login || g.AccountID == who.Account
	l.MayApprove = l.Waits && granting && !l.Own
	l.MayEnd = granting || l.Waits && g.AskedBy == who.Login && who.Sees(survey.ManageAccounts, g.At())
	return l
}

// scope turns what was typed as the place or unit of a grant into codes: a place by
// code or name, or else a unit by its code.
func (a *API) scope(ctx context.Context, who survey.Actor, text string) (place, unit string, err error) {
	place, err = a.Accounts.PlaceNamed(ctx, who, "place", text)
	if err == nil {
		return place, "", nil
	}
	if ok, e := a.Accounts.HasUnit(ctx, who, strings.TrimSpace(text)); e != nil || ok {
		return "", strings.TrimSpace(text), e
	}
	return "", "", err
}

func (a *API) addPerson(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	who, ctx := a.actor(c), c.Request.Context()
	in := newPersonForm{Login: form.Get("login"), Name: form.Get("name"), Area: form.Get("area"), Role: form.Get("role"), Scope: strings.TrimSpace(form.Get("scope"))}
	n := account.NewPerson{Login: in.Login, Name: in.Name, Role: in.Role}
	if n.AreaCode, err = a.Accounts.PlaceNamed(ctx, who, "area", in.Area); err == nil && in.Scope != "" {
		n.Place, n.Unit, err = a.scope(ctx, who, in.Scope)
	}
	var m account.Made
	if err == nil {
		m, err = a.Accounts.Add(ctx, who, n)
	}
	if err != nil {
		status, said, err := a.said(c, err)
		if err != nil {
			return err
		}
		return a.showPeople(c, status, in, said)
	}
	return a.showSlips(c, []account.Slip{{Login: m.Login, Name: m.Name, Password: m.Password}}, "people.slips.made", "/people/"+m.ID)
}

// said words an error that is to be shown beside a form; others come back.
func (a *API) said(c *gin.Context, err error) (int, string, error) {
	switch survey.KindOf(err) {
	case survey.Invalid, survey.Conflict, survey.TooLarge:
	default:
		return 0, "", err
	}
	p := a.problem(c.Request.Context(), err)
	said := p.Title
	for _, f := range p.Errors {
		if name := "people.field." + f.Path; a.static.Has(a.lang(c), name) {
			said += " " + a.static.T(a.lang(c), "people.field.says", "field", a.static.T(a.lang(c), name), "what", f.Message)
		} else {
			said += " " + f.Message
		}
	}
	return p.Status, said, nil
}

// personPage is one person: who it is, what they may do, what that lets them see.
type personPage struct {
	shell
	Problem                string
	Person                 managedView
	Name, Place, Since     string
	Grants                 []grantLine
	Sights                 []sightLine
	Nothing                string   // what they do not see
	Pages                  []string // by name
	MayManage, Self, Apart bool
	MaySessions            bool // end their sessions, reset their second factor
	Roles, Offered         []choice
	In                     newPersonForm
}

type sightLine struct {
	Name, Means string
	Places      []placeLine
}

type placeLine struct{ Name, Href string }

func (a *API) person(c *gin.Context) error { return a.showPerson(c, http.StatusOK, "") }

func (a *API) showPerson(c *gin.Context, status int, problem string) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	v, err := a.Accounts.View(ctx, who, c.Param("id"))
	if err != nil {
		return err
	}
	x := v.Person
	p := personPage{Problem: problem, Person: viewManaged(x), Name: x.Name, Place: x.Area.In(lang), Since: chinaTime(x.CreatedAt), Self: x.ID == who.Account,
		MayManage: who.Sees(survey.ManageAccounts, x.AreaCode), MaySessions: x.ID != who.Account && who.Sees(survey.ManageSecurity, x.AreaCode)}
	all, err := a.Accounts.ManagesAll(ctx, who)
	if err != nil {
		return err
	}
	p.Apart = !all
	if p.Name == "" {
		p.Name = x.Login
	}
	p.In = newPersonForm{Name: x.Name, Area: x.AreaCode}
	for _, g := range x.Grants {
		p.Grants = append(p.Grants, a.grantLine(who, lang, g))
	}
	p.Sights = a.sightLines(lang, v)
	p.Nothing = a.unseen(lang, v.As)
	for _, n := range navigation {
		if v.As.CanAny(n.may...) {
			p.Pages = append(p.Pages, a.static.T(lang, "console.nav."+n.section))
		}
	}
	if p.MayManage {
		if p.Roles, err = a.roleChoices(ctx, who, lang, ""); err != nil {
			return err
		}
		if p.Offered, err = a.offered(ctx, who, lang); err != nil {
			return err
		}
	}
	p.shell = a.newShell(c, "people", p.Name, nil)
	return a.writeConsole(c, status, "console/person", p)
}

// sightLines say in words what each permission lets the person see and where.
func (a *API) sightLines(lang string, v account.View) []sightLine {
	var out []sightLine
	for _, s := range v.Sights {
		l := sightLine{Name: a.static.T(lang, "people.may."+string(s.Permission)), Means: a.static.T(lang, "people.means."+string(s.Permission))}
		for _, p := range s.Places {
			text := p.Name.In(lang)
			if p.Level != area.Community {
				text = a.static.T(lang, "people.with_communities", "place", text, "n", p.Communities)
			}
			l.Places = append(l.Places, placeLine{text, "/people/who?area=" + p.Code})
		}
		for _, u := range s.Units {
			l.Places = append(l.Places, placeLine{Name: u.Name.In(lang)})
		}
		out = append(out, l)
	}
	return out
}

// unseen names what most people want to know that somebody does not see.
func (a *API) unseen(lang string, as survey.Actor) string {
	var not []string
	for _, p := range []survey.Permission{survey.SeeScores, survey.SeeResponses, survey.ReadAnswers, survey.ExportResponses, survey.ReadAudit} {
		if !as.Can(p) {
			not = append(not, a.static.T(lang, "people.not."+string(p)))
		}
	}
	if len(not) == 0 {
		return ""
	}
	return a.static.T(lang, "people.sees_not", "what", strings.Join(not, a.static.T(lang, "people.comma")))
}

func (a *API) changePerson(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	who, ctx, name := a.actor(c), c.Request.Context(), form.Get("name")
	code, err := a.Accounts.PlaceNamed(ctx, who, "area", form.Get("area"))
	if err == nil {
		err = a.Accounts.Change(ctx, who, c.Param("id"), account.PersonChange{Name: &name, AreaCode: &code})
	}
	return a.backToPerson(c, err)
}

// backToPerson shows the person as they are now, or what was wrong.
func (a *API) backToPerson(c *gin.Context, err error) error {
	if err == nil {
		c.Redirect(http.StatusSeeOther, "/people/"+url.PathEscape(c.Param("id")))
		return nil
	}
	status, said, err := a.said(c, err)
	if err != nil {
		return err
	}
	return a.showPerson(c, status, said)
}

func (a *API) personDo(do func(context.Context, survey.Actor, string) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		return a.backToPerson(c, do(c.Request.Context(), a.actor(c), c.Param("id")))
	}
}

func (a *API) resetPassword(c *gin.Context) error {
	m, err := a.Accounts.NewPassword(c.Request.Context(), a.actor(c), c.Param("id"))
	if err != nil {
		return a.backToPerson(c, err)
	}
	return a.showSlips(c, []account.Slip{{Login: m.Login, Name: m.Name, Password: m.Password}}, "people.slips.reset", "/people/"+m.ID)
}

func (a *API) askForGrant(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	who, ctx := a.actor(c), c.Request.Context()
	place, unit, err := a.scope(ctx, who, form.Get("scope"))
	if err == nil {
		_, err = a.Accounts.Ask(ctx, who, c.Param("id"), form.Get("role"), place, unit)
	}
	return a.backToPerson(c, err)
}

// whoPage answers who sees a place.
type whoPage struct {
	shell
	Area, Place, Code, Problem string
	Offered                    []choice
	Rows                       []whoRow
	Apart                      bool
}

type whoRow struct {
	Href, Name, Home string
	Grants           []grantLine
	May              []string
}

func (a *API) whoSees(c *gin.Context) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	status := http.StatusOK
	all, err := a.Accounts.ManagesAll(ctx, who)
	if err != nil {
		return err
	}
	p := whoPage{Area: c.Query("area"), Apart: !all}
	if p.Offered, err = a.offered(ctx, who, lang); err != nil {
		return err
	}
	if p.Area != "" {
		p.Code, err = a.Accounts.PlaceNamed(ctx, who, "area", p.Area)
		if err != nil {
			if status, p.Problem, err = a.said(c, err); err != nil {
				return err
			}
		}
	}
	if p.Code != "" {
		list, err := a.Accounts.WhoSees(ctx, who, p.Code)
		if err != nil {
			return err
		}
		if at, err := a.Areas.ByCode(ctx, p.Code); err == nil {
			p.Place = at.Name().In(lang)
		}
		for _, x := range list {
			row := whoRow{Href: "/people/" + x.Person.ID, Name: x.Person.Name, Home: x.Person.Area.In(lang)}
			if row.Name == "" {
				row.Name = x.Person.Login
			}
			for _, g := range x.Through {
				row.Grants = append(row.Grants, a.grantLine(who, lang, g))
			}
			for _, m := range x.Permissions {
				row.May = append(row.May, a.static.T(lang, "people.may."+string(m)))
			}
			p.Rows = append(p.Rows, row)
		}
	}
	p.shell = a.newShell(c, "people", a.static.T(lang, "people.who.title"), nil)
	return a.writeConsole(c, status, "console/who", p)
}
