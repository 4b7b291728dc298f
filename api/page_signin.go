package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
)

// signInPage asks who is there. Whoever is signed in already goes on.
type signInPage struct {
	shell
	Next    string // where to go afterwards
	Login   string
	Problem string
	Code    bool // the second step: only the code is asked for
	SSO     bool // the city has a single sign-on
}

const maxSignIn = 16 << 10

func (a *API) signInPage(c *gin.Context) error {
	next := localPath(c.Query("next"), "/")
	if _, err := a.Accounts.Actor(c.Request.Context(), a.cookieOf(c.Request, sessionCookie)); err == nil {
		c.Redirect(http.StatusSeeOther, next)
		return nil
	}
	return a.showSignIn(c, http.StatusOK, signInPage{Next: next})
}

func (a *API) showSignIn(c *gin.Context, status int, v signInPage) error {
	v.SSO = a.sso != nil
	v.shell = a.newShell(c, "signin", a.static.T(a.lang(c), "console.signin.title"), nil)
	return a.writeConsole(c, status, "console/signin", v)
}

// signInForm opens a session. What is wrong is said beside the form, without
// telling which of the two words it was.
func (a *API) signInForm(c *gin.Context) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxSignIn)
	if err := c.Request.ParseForm(); err != nil {
		return survey.ErrMalformed.Because(err)
	}
	form := c.Request.PostForm
	next := form.Get("next")
	if next == "" {
		next = c.Query("next")
	}
	v := signInPage{Next: localPath(next, "/"), Login: form.Get("login")}
	e, err := a.Accounts.Enter(c.Request.Context(), account.Try{Login: v.Login, Password: form.Get("password"), Origin: originOf(c.Request.Context())})
	return a.entered(c, v, e, err)
}

// stepSeconds is how long a browser keeps the proof of the first step.
const stepSeconds = 5 * 60

// entered answers an attempt to sign in: with the session, with the question for
// the code, or with what was wrong beside the form.
func (a *API) entered(c *gin.Context, v signInPage, e account.Entry, err error) error {
	if errors.Is(err, account.ErrCodeNeeded) {
		a.setCookie(c, stepCookie, e.Step, stepSeconds)
		v.Code = true
		return a.showSignIn(c, http.StatusOK, v)
	}
	if err != nil {
		p := a.problem(c.Request.Context(), err)
		if p.Status >= http.StatusInternalServerError {
			return err
		}
		v.Problem = p.Title
		return a.showSignIn(c, p.Status, v)
	}
	a.setCookie(c, sessionCookie, e.Token, 0)
	a.setCookie(c, deviceCookie, e.Device, deviceSeconds)
	c.Redirect(http.StatusSeeOther, v.Next)
	return nil
}

// codeForm is the second step.
func (a *API) codeForm(c *gin.Context) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxSignIn)
	if err := c.Request.ParseForm(); err != nil {
		return survey.ErrMalformed.Because(err)
	}
	v := signInPage{Next: localPath(c.Request.PostForm.Get("next"), "/"), Code: true}
	e, err := a.Accounts.Continue(c.Request.Context(), a.cookieOf(c.Request, stepCookie), c.Request.PostForm.Get("code"), originOf(c.Request.Context()))
	if err == nil || errors.Is(err, account.ErrStepOver) {
		a.setCookie(c, stepCookie, "", 0)
		v.Code = false
	}
	return a.entered(c, v, e, err)
}

func (a *API) signOutForm(c *gin.Context) error {
	if token := a.cookieOf(c.Request, sessionCookie); token != "" {
		if err := a.Accounts.SignOut(c.Request.Context(), token); err != nil {
			return err
		}
	}
	a.setCookie(c, sessionCookie, "", 0)
	c.Redirect(http.StatusSeeOther, "/signin")
	return nil
}
