package api

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/response"
)

// deleteView asks whether answers shall be deleted.
type deleteView struct {
	frame
	Code, Action, Back string
}

// deletePage asks before answers are deleted. It writes nothing, so that previews
// and scanners do no harm.
func (a *API) deletePage(c *gin.Context) error {
	l := a.look(c)
	receipt, err := a.Responses.Receipt(c.Request.Context(), c.Param("receipt"))
	if err != nil {
		return a.noReceipt(c, l, err)
	}
	path := receiptPath(receipt)
	v := deleteView{frame: newFrame(path+"/delete", l), Code: receipt.Code, Action: path + "/delete" + l.query(), Back: path + l.query()}
	v.Place, v.About = receipt.Area.Name().In(l.Lang), aboutWave(receipt.Wave, l.Lang)
	v.About.Until = ""
	return a.writePage(c, http.StatusOK, "respond/delete", l, v)
}

// deleteForm deletes the answers of a receipt.
func (a *API) deleteForm(c *gin.Context) error {
	l, ctx := a.look(c), c.Request.Context()
	net := infoOf(ctx).net
	if !a.deletions.may(net, a.Clock()) {
		f := newFrame(c.Request.URL.Path, l)
		return a.writePage(c, http.StatusTooManyRequests, "respond/state", l, newStateView(a.static, "too_many", f, l.Lang))
	}
	err := a.Responses.Erase(ctx, c.Param("receipt"))
	if errors.Is(err, response.ErrNoReceipt) {
		a.deletions.missed(net, a.Clock())
	}
	if err != nil {
		return a.noReceipt(c, l, err)
	}
	hide(c)
	c.Redirect(http.StatusSeeOther, strings.TrimSuffix(c.Request.URL.Path, "/delete")+l.query())
	return nil
}

// noReceipt says that there is no such receipt, or that its answers were deleted.
func (a *API) noReceipt(c *gin.Context, l look, err error) error {
	switch {
	case errors.Is(err, response.ErrErased):
		return a.erasedPage(c, l)
	case survey.KindOf(err) == survey.NotFound:
		v := newStateView(a.static, "no_receipt", newFrame(c.Request.URL.Path, l), l.Lang)
		if code := c.Param("receipt"); response.WellFormed(code) {
			v.Report = "/r/" + response.Pretty(collector.Normalise(code)) + "/report" + l.query()
		}
		return a.writePage(c, http.StatusNotFound, "respond/state", l, v)
	}
	return a.trouble(c, l, err)
}

// erasedPage says that the answers were deleted as their respondent wished.
func (a *API) erasedPage(c *gin.Context, l look) error {
	f := newFrame(c.Request.URL.Path, l)
	if c.Request.Method == http.MethodPost {
		f.LangLink, f.LargeLink = "", ""
	}
	return a.writePage(c, http.StatusGone, "respond/state", l, newStateView(a.static, "erased", f, l.Lang))
}

// guesses counts wrong receipts by the network that they come from, so that nobody
// deletes answers by trying numbers. Right ones cost nothing: many people may share
// an address.
type guesses struct {
	mu    sync.Mutex
	since time.Time
	by    map[string]int
}

const (
	guessesAllowed = 20
	guessesWindow  = 10 * time.Minute
)

// may reports whether the network has guesses left.
func (g *guesses) may(net string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.since) >= guessesWindow || g.by == nil {
		g.since, g.by = now, map[string]int{}
	}
	return g.by[net] < guessesAllowed
}

func (g *guesses) missed(net string, now time.Time) {
	g.may(net, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.by[net]++
}
