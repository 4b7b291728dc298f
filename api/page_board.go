package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/score"
)

// board shows the figures of a place and of the places one level down.
func (a *API) board(c *gin.Context) error {
	who := a.actor(c)
	if !who.Can(survey.SeeScores) {
		return a.noFigures(c)
	}
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "board")
	}
	if to := at.place.SuccessorCode; to != nil && at.place.ValidTo != nil && !a.Clock().Before(*at.place.ValidTo) {
		c.Redirect(http.StatusSeeOther, at.with("area", *to).href("/board"))
		return nil
	}
	look := boardLook{mode: c.Query("mode"), sort: c.Query("sort")}
	if !slices.Contains(score.Modes, look.mode) {
		look.mode = score.Combined
	}
	own, below, err := a.figures(c.Request.Context(), who, at, look.mode)
	if err != nil && !errors.Is(err, score.ErrNoRun) {
		return err
	}
	return a.writeConsole(c, http.StatusOK, "console/board", a.newBoardPage(c, at, look, own, below))
}

// figures reads the place's own figures in all modes and those of the places one
// level down in one mode, both of the same run.
func (a *API) figures(ctx context.Context, who survey.Actor, at whereabouts, mode string) (own, below score.Board, err error) {
	for range 5 {
		own, err = a.Scores.Scores(ctx, who, score.Query{Wave: at.wave.ID, Area: at.place.Code})
		if err != nil {
			return own, below, err
		}
		next := at.place.Level.Below()
		if next == "" {
			return own, score.Board{}, nil
		}
		below, err = a.Scores.Scores(ctx, who, score.Query{Wave: at.wave.ID, Level: next, Parent: at.place.Code, Mode: mode})
		if err != nil || below.Run.ID == own.Run.ID {
			return own, below, err
		}
	}
	return own, below, fmt.Errorf("the scores of wave %s change faster than they can be read", at.wave.Code)
}

// noFigures tells the roles that see no figures that this is meant so.
func (a *API) noFigures(c *gin.Context) error {
	lang := a.lang(c)
	v := messagePage{Heading: a.static.T(lang, "console.board.no_figures"), Text: a.static.T(lang, "console.board.no_figures_text")}
	if a.actor(c).CanAny(survey.ManageAccounts, survey.ManageGrants, survey.ManageSecurity, survey.ReadAudit) {
		v.Text = a.static.T(lang, "console.board.no_figures_admin")
	}
	v.shell = a.newShell(c, "board", v.Heading, nil)
	return a.writeConsole(c, http.StatusForbidden, "console/message", v)
}

// heartbeat is how often a silent stream of events shows that it is alive.
// Proxies cut connections that are silent for half a minute.
const heartbeat = 15 * time.Second

// boardEvents tells a page when its wave has newer figures: an event "run" with
// the run's id, at once and after every change, for as long as the reader
// listens. The figures themselves are fetched like any page.
func (a *API) boardEvents(c *gin.Context) error {
	ctx, who := c.Request.Context(), a.actor(c)
	if !who.Can(survey.SeeScores) {
		return survey.ErrDenied
	}
	w, err := a.Waves.Seen(ctx, who, c.Query("wave"))
	if err != nil {
		return err
	}
	// The server's limits on reading and writing are for pages.
	rc := http.NewResponseController(c.Writer)
	if err := errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})); err != nil {
		return fmt.Errorf("keep the connection for events: %w", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // for a proxy that collects answers
	c.Writer.WriteHeader(http.StatusOK)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	message, last := "retry: 2000\n\n", ""
	for {
		run, changed := a.Scores.Watch(w.ID)
		if run != "" && run != last {
			last = run
			message += "event: run\nid: " + run + "\ndata: " + run + "\n\n"
		}
		if message != "" {
			if _, err := io.WriteString(c.Writer, message); err != nil {
				return nil // the reader has left
			}
			c.Writer.Flush()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			message = ""
		case <-ticker.C:
			message = ": alive\n\n"
		}
	}
}
