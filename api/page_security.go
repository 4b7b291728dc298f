package api

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
)

// securityPage shows the rules of signing in to who sets them.
type securityPage struct {
	shell
	Rules   account.Policy
	May     bool // this person may change the rules
	Numbers []ruleRow
	Done    bool
	Problem string
}

// ruleRow is one rule that is a number.
type ruleRow struct {
	account.Limit
	Value   int
	Problem string
}

func (a *API) security(c *gin.Context) error {
	p, err := a.Accounts.Policy(c.Request.Context())
	if err != nil {
		return err
	}
	return a.showSecurity(c, http.StatusOK, p, nil)
}

func (a *API) showSecurity(c *gin.Context, status int, p account.Policy, wrong *Problem) error {
	v := securityPage{Rules: p, May: a.actor(c).Sees(survey.ManageSecurity, survey.Everywhere), Done: wrong == nil && c.Query("done") == "1"}
	for _, l := range account.Limits {
		row := ruleRow{Limit: l, Value: *p.Number(l.Name)}
		if wrong != nil {
			v.Problem = wrong.Title
			for _, f := range wrong.Errors {
				if f.Path == l.Name {
					row.Problem = f.Message
				}
			}
		}
		v.Numbers = append(v.Numbers, row)
	}
	v.shell = a.newShell(c, "security", a.static.T(a.lang(c), "console.nav.security"), nil)
	return a.writeConsole(c, status, "console/security", v)
}

func (a *API) setSecurity(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	var p account.Policy
	for _, l := range account.Limits {
		n, err := strconv.Atoi(form.Get(l.Name))
		if err != nil {
			n = -1 // out of every rule's limits
		}
		*p.Number(l.Name) = n
	}
	p.AdminsNeedCode = form.Get("admins_need_code") != ""
	p.OthersNeedCode = form.Get("everyone_needs_code") != ""
	if err := a.Accounts.SetPolicy(c.Request.Context(), a.actor(c), p); err != nil {
		if survey.KindOf(err) != survey.Invalid {
			return err
		}
		w := a.problem(c.Request.Context(), err)
		return a.showSecurity(c, w.Status, p, w)
	}
	c.Redirect(http.StatusSeeOther, "/security?done=1")
	return nil
}

// sessionsPage lists who is signed in, for administrators.
type sessionsPage struct {
	shell
	People []personSessions
}

type personSessions struct {
	Account, Login, Name string
	Self                 bool
	Sessions             []sessionRow
}

func (a *API) sessions(c *gin.Context) error {
	who, lang := a.actor(c), a.lang(c)
	open, err := a.Accounts.Sessions(c.Request.Context(), who, a.cookieOf(c.Request, sessionCookie), true)
	if err != nil {
		return err
	}
	v := sessionsPage{shell: a.newShell(c, "sessions", a.static.T(lang, "console.nav.sessions"), nil)}
	for _, s := range sessionRows(open) {
		if n := len(v.People); n == 0 || v.People[n-1].Account != s.Account {
			v.People = append(v.People, personSessions{Account: s.Account, Login: s.Login, Name: s.Name, Self: s.Account == who.Account})
		}
		p := &v.People[len(v.People)-1]
		p.Sessions = append(p.Sessions, s)
	}
	return a.writeConsole(c, http.StatusOK, "console/sessions", v)
}

// revokeSessions ends all sessions of a person, and with totp=1 their second
// factor too.
func (a *API) revokeSessions(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	do := a.Accounts.RevokeAll
	if form.Get("totp") == "1" {
		do = a.Accounts.ResetTOTP
	}
	if err := do(c.Request.Context(), a.actor(c), form.Get("account")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, cameFrom(c.Request, "/sessions"))
	return nil
}
