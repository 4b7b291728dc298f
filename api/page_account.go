package api

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/poster"
)

// accountPage is a person's own account: password, second factor, sessions.
type accountPage struct {
	shell
	Login    string
	Must     string // what has to be done before anything else
	Rules    account.Policy
	Factor   account.Factor
	QR       template.HTML // of the enrolment
	Secret   string        // the same to be typed
	Recovery []string      // fresh recovery codes, shown this once
	Sessions []sessionRow
	Tokens   bool // this person may let other systems in
	Done     string
	Problem  string
	At       string // the part of the page that Done and Problem belong to
}

type sessionRow struct {
	account.OpenSession
	BeganAt, SeenAt string
}

func (a *API) account(c *gin.Context) error { return a.showAccount(c, http.StatusOK, accountPage{}) }

func (a *API) showAccount(c *gin.Context, status int, v accountPage) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	var err error
	if v.Rules, err = a.Accounts.Policy(ctx); err != nil {
		return err
	}
	if v.Factor, err = a.Accounts.Factor(ctx, who); err != nil {
		return err
	}
	if v.Factor.Since == nil && who.Must != "password" {
		e, err := a.Accounts.Enrol(ctx, who)
		if err != nil {
			return err
		}
		code, err := poster.SVG(e.URL)
		if err != nil {
			return err
		}
		v.QR = template.HTML(code) // drawn here, from squares
		for part := range slices.Chunk([]byte(e.Secret), 4) {
			v.Secret += string(part) + " "
		}
		v.Secret = strings.TrimSpace(v.Secret)
	}
	open, err := a.Accounts.Sessions(ctx, who, a.cookieOf(c.Request, sessionCookie), false)
	if err != nil {
		return err
	}
	v.Sessions = sessionRows(open)
	v.Login, v.Must, v.Tokens = who.Login, who.Must, who.Can(survey.ManageTokens)
	v.shell = a.newShell(c, "account", a.static.T(lang, "console.account.title"), nil)
	return a.writeConsole(c, status, "console/account", v)
}

func sessionRows(open []account.OpenSession) []sessionRow {
	out := make([]sessionRow, len(open))
	for i, s := range open {
		out[i] = sessionRow{s, chinaTime(s.Began), chinaTime(s.Seen)}
	}
	return out
}

// accountRefused shows the page again with what was wrong beside the form.
func (a *API) accountRefused(c *gin.Context, at string, err error) error {
	p := a.problem(c.Request.Context(), err)
	if p.Status >= http.StatusInternalServerError {
		return err
	}
	v := accountPage{At: at, Problem: p.Title}
	if len(p.Errors) > 0 {
		v.Problem = p.Errors[0].Message
	}
	return a.showAccount(c, p.Status, v)
}

// refresh reads the actor anew after a change of what they must do.
func (a *API) refresh(c *gin.Context, token string) error {
	who, err := a.Accounts.Actor(c.Request.Context(), token)
	if err != nil {
		return err
	}
	who.From, who.Request = originOf(c.Request.Context()).From, infoOf(c.Request.Context()).id
	c.Request = c.Request.WithContext(withActor(c.Request.Context(), who))
	return nil
}

func (a *API) changePassword(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	if form.Get("password") != form.Get("again") {
		return a.accountRefused(c, "password", survey.ErrInvalid.With(survey.Field{Path: "again", Code: "field_password_differs"}))
	}
	token, err := a.Accounts.ChangePassword(c.Request.Context(), a.actor(c), form.Get("old"), form.Get("password"), originOf(c.Request.Context()))
	if err != nil {
		return a.accountRefused(c, "password", err)
	}
	a.setCookie(c, sessionCookie, token, 0)
	c.Redirect(http.StatusSeeOther, "/account?done=password")
	return nil
}

func (a *API) confirmTOTP(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	codes, err := a.Accounts.ConfirmTOTP(c.Request.Context(), a.actor(c), form.Get("code"))
	if err != nil {
		return a.accountRefused(c, "totp", err)
	}
	if err := a.refresh(c, a.cookieOf(c.Request, sessionCookie)); err != nil {
		return err
	}
	return a.showAccount(c, http.StatusOK, accountPage{At: "totp", Recovery: codes})
}

func (a *API) renewRecovery(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	codes, err := a.Accounts.RenewRecoveryCodes(c.Request.Context(), a.actor(c), form.Get("code"), originOf(c.Request.Context()))
	if err != nil {
		return a.accountRefused(c, "totp", err)
	}
	return a.showAccount(c, http.StatusOK, accountPage{At: "totp", Recovery: codes})
}

func (a *API) dropTOTP(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	if err := a.Accounts.DropTOTP(c.Request.Context(), a.actor(c), form.Get("code"), originOf(c.Request.Context())); err != nil {
		return a.accountRefused(c, "totp", err)
	}
	c.Redirect(http.StatusSeeOther, "/account")
	return nil
}

// revokeOwn ends one of the person's sessions, or all of them.
func (a *API) revokeOwn(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	if err := a.Accounts.RevokeOwn(c.Request.Context(), a.actor(c), form.Get("session")); err != nil {
		return err
	}
	_, err = a.Accounts.Actor(c.Request.Context(), a.cookieOf(c.Request, sessionCookie))
	if errors.Is(err, survey.ErrUnauthorized) {
		a.setCookie(c, sessionCookie, "", 0)
		c.Redirect(http.StatusSeeOther, "/signin")
		return nil
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/account#sessions")
	return nil
}
