package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
)

// signInPage asks who is there. Whoever is signed in already goes on.
type signInPage struct {
	shell
	Next    string // where to go afterwards
	Login   string
	Problem string
}

const maxSignIn = 16 << 10

func (a *API) signInPage(c *gin.Context) error {
	next := localPath(c.Query("next"), "/")
	token, _ := c.Cookie(sessionCookie)
	if _, err := a.Accounts.Actor(c.Request.Context(), token); err == nil {
		c.Redirect(http.StatusSeeOther, next)
		return nil
	}
	return a.showSignIn(c, http.StatusOK, signInPage{Next: next})
}

func (a *API) showSignIn(c *gin.Context, status int, v signInPage) error {
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
	token, _, err := a.Accounts.SignIn(c.Request.Context(), v.Login, form.Get("password"))
	if err != nil {
		p := a.problem(c.Request.Context(), err)
		if p.Status >= http.StatusInternalServerError {
			return err
		}
		v.Problem = p.Title
		return a.showSignIn(c, p.Status, v)
	}
	k := a.sessionCookie(token)
	http.SetCookie(c.Writer, &k)
	c.Redirect(http.StatusSeeOther, v.Next)
	return nil
}

func (a *API) signOutForm(c *gin.Context) error {
	if token, err := c.Cookie(sessionCookie); err == nil {
		if err := a.Accounts.SignOut(c.Request.Context(), token); err != nil {
			return err
		}
	}
	k := a.sessionCookie("")
	http.SetCookie(c.Writer, &k)
	c.Redirect(http.StatusSeeOther, "/signin")
	return nil
}
