package api

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
)

// rolesPage lists roles with what they let people do.
type rolesPage struct {
	shell
	Problem   string
	Rows      []roleRow
	MayChange bool
	In        roleRow
}

type roleRow struct {
	Code, Name, NameZH, NameEN string
	Default                    bool
	Holders                    int
	May                        []string
	Boxes                      []choice
}

func (a *API) roles(c *gin.Context) error { return a.showRoles(c, http.StatusOK, survey.Role{}, "") }

func (a *API) showRoles(c *gin.Context, status int, in survey.Role, problem string) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	list, err := a.Accounts.Roles(ctx, who)
	if err != nil {
		return err
	}
	p := rolesPage{Problem: problem, In: a.roleRow(lang, in)}
	if p.MayChange, err = a.Accounts.MayChangeRoles(ctx, who); err != nil {
		return err
	}
	for _, r := range list {
		row := a.roleRow(lang, r.Role)
		row.Default, row.Holders = r.Default, r.Holders
		p.Rows = append(p.Rows, row)
	}
	p.shell = a.newShell(c, "roles", a.static.T(lang, "people.roles.title"), nil)
	return a.writeConsole(c, status, "console/roles", p)
}

func (a *API) roleRow(lang string, r survey.Role) roleRow {
	row := roleRow{Code: r.Code, Name: r.Name.In(lang), NameZH: r.Name.ZH, NameEN: r.Name.EN}
	for _, p := range survey.Permissions {
		name, has := a.static.T(lang, "people.may."+string(p)), slices.Contains(r.Permissions, p)
		if has {
			row.May = append(row.May, name)
		}
		row.Boxes = append(row.Boxes, choice{string(p), name, has})
	}
	return row
}

// roleForm reads what a form says a role is.
func (a *API) roleForm(c *gin.Context) (survey.Role, error) {
	form, err := a.form(c)
	if err != nil {
		return survey.Role{}, err
	}
	r := survey.Role{Code: form.Get("code"), Name: survey.Text{ZH: form.Get("name_zh"), EN: form.Get("name_en")}}
	for _, p := range form["may"] {
		r.Permissions = append(r.Permissions, survey.Permission(p))
	}
	return r, nil
}

func (a *API) createRole(c *gin.Context) error {
	r, err := a.roleForm(c)
	if err != nil {
		return err
	}
	return a.backToRoles(c, r, a.Accounts.CreateRole(c.Request.Context(), a.actor(c), r))
}

func (a *API) changeRole(c *gin.Context) error {
	r, err := a.roleForm(c)
	if err != nil {
		return err
	}
	change := account.RoleChange{Name: &r.Name, Permissions: &r.Permissions}
	return a.backToRoles(c, survey.Role{}, a.Accounts.ChangeRole(c.Request.Context(), a.actor(c), c.Param("code"), change))
}

func (a *API) removeRole(c *gin.Context) error {
	return a.backToRoles(c, survey.Role{}, a.Accounts.RemoveRole(c.Request.Context(), a.actor(c), c.Param("code")))
}

func (a *API) backToRoles(c *gin.Context, in survey.Role, err error) error {
	if err == nil {
		c.Redirect(http.StatusSeeOther, "/roles")
		return nil
	}
	status, said, err := a.said(c, err)
	if err != nil {
		return err
	}
	return a.showRoles(c, status, in, said)
}
