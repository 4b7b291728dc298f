package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/account"
)

// grantsPage lists what waits to be granted.
type grantsPage struct {
	shell
	Rows       []grantLine
	MayApprove bool // any of them
	Problems   []string
	Done       string
}

func (a *API) grants(c *gin.Context) error { return a.showGrants(c, http.StatusOK, nil, 0) }

func (a *API) showGrants(c *gin.Context, status int, problems []string, done int) error {
	who, lang := a.actor(c), a.lang(c)
	list, err := a.Accounts.Waiting(c.Request.Context(), who)
	if err != nil {
		return err
	}
	p := grantsPage{Problems: problems}
	if done > 0 {
		p.Done = a.static.T(lang, "people.grants.done", "n", done)
	}
	for _, g := range list {
		l := a.grantLine(who, lang, g)
		p.MayApprove = p.MayApprove || l.MayApprove
		p.Rows = append(p.Rows, l)
	}
	p.shell = a.newShell(c, "grants", a.static.T(lang, "people.grants.title"), nil)
	return a.writeConsole(c, status, "console/grants", p)
}

// mostApproved is how many grants one click approves.
const mostApproved = 200

// approveGrants grants what was ticked, each by itself: one that is refused does
// not keep the others waiting.
func (a *API) approveGrants(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	waiting, err := a.Accounts.Waiting(ctx, who)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, g := range waiting {
		names[g.ID] = g.Name + " · " + g.Role.In(lang)
	}
	ids := form["grant"]
	if len(ids) == 0 || len(ids) > mostApproved {
		return a.showGrants(c, http.StatusUnprocessableEntity, []string{a.static.T(lang, "people.grants.none_ticked")}, 0)
	}
	done := 0
	var problems []string
	for _, id := range ids {
		err := a.Accounts.Approve(ctx, who, id)
		if err == nil {
			done++
			continue
		}
		if _, ours := names[id]; !ours || errors.Is(err, account.ErrGrantNotFound) {
			return err
		}
		_, said, err := a.said(c, err)
		if err != nil {
			return err
		}
		problems = append(problems, names[id]+a.static.T(lang, "people.colon")+said)
	}
	if len(problems) > 0 {
		return a.showGrants(c, http.StatusConflict, problems, done)
	}
	return a.showGrants(c, http.StatusOK, nil, done)
}

func (a *API) endGrant(c *gin.Context) error {
	err := a.Accounts.End(c.Request.Context(), a.actor(c), c.Param("id"))
	if err != nil && survey.KindOf(err) != survey.Conflict {
		return err
	}
	if err != nil {
		_, said, err := a.said(c, err)
		if err != nil {
			return err
		}
		return a.showGrants(c, http.StatusConflict, []string{said}, 0)
	}
	c.Redirect(http.StatusSeeOther, cameFrom(c.Request, "/grants"))
	return nil
}
