package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
)

// tokensPage lists the tokens of other systems and makes new ones.
type tokensPage struct {
	shell
	Home    string // the place that is proposed
	May     []survey.Permission
	Rows    []tokenRow
	Fresh   string // a new token, shown this once
	Name    string
	Problem string
}

type tokenRow struct {
	account.OwnedToken
	State                  string
	Permissions            []survey.Permission
	Created, Expires, Used string
}

func (a *API) tokensPage(c *gin.Context) error { return a.showTokens(c, http.StatusOK, tokensPage{}) }

func (a *API) showTokens(c *gin.Context, status int, v tokensPage) error {
	who, lang := a.actor(c), a.lang(c)
	list, err := a.Accounts.Tokens(c.Request.Context(), who)
	if err != nil {
		return err
	}
	for _, t := range list {
		row := tokenRow{OwnedToken: t, State: t.State(a.Clock()), Permissions: t.May(), Created: chinaTime(t.CreatedAt), Expires: chinaTime(t.ExpiresAt)}
		if t.UsedAt != nil {
			row.Used = chinaTime(*t.UsedAt)
		}
		v.Rows = append(v.Rows, row)
	}
	for _, p := range account.TokenPermissions {
		if who.Can(p) {
			v.May = append(v.May, p)
		}
	}
	if v.Home == "" {
		v.Home = who.Home(survey.ManageTokens)
	}
	v.shell = a.newShell(c, "tokens", a.static.T(lang, "console.nav.tokens"), nil)
	return a.writeConsole(c, status, "console/tokens", v)
}

func (a *API) createToken(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(form.Get("days"))
	if err != nil {
		days = 0
	}
	in := account.NewAPIToken{Name: form.Get("name"), Area: strings.TrimSpace(form.Get("area")), Days: days}
	for _, p := range form["permission"] {
		in.Permissions = append(in.Permissions, survey.Permission(p))
	}
	token, _, err := a.Accounts.CreateToken(c.Request.Context(), a.actor(c), in)
	if err != nil {
		p := a.problem(c.Request.Context(), err)
		if p.Status != http.StatusUnprocessableEntity {
			return err
		}
		v := tokensPage{Problem: p.Title, Name: in.Name, Home: in.Area}
		var what []string
		for _, e := range p.Errors {
			what = append(what, a.static.T(a.lang(c), "console.tokens.field."+e.Path)+": "+e.Message)
		}
		if len(what) > 0 {
			v.Problem = strings.Join(what, " ")
		}
		return a.showTokens(c, p.Status, v)
	}
	return a.showTokens(c, http.StatusOK, tokensPage{Fresh: token})
}

func (a *API) revokeToken(c *gin.Context) error {
	if err := a.Accounts.RevokeToken(c.Request.Context(), a.actor(c), c.Param("token")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/tokens")
	return nil
}
