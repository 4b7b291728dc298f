package api

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/wave"
)

// whereabouts is the wave and the place that a page of the console is about.
type whereabouts struct {
	waves []wave.Wave // all that the actor sees, the newest first
	wave  wave.Wave
	place area.Area
	path  []area.Area // from the top of the wave down to place
	top   string      // code of the highest place that the actor sees in the wave
	query url.Values  // wave and area, as links carry them
	may   []survey.Permission
}

// with returns the whereabouts with one value of the query replaced.
func (at whereabouts) with(key, value string) whereabouts {
	q := url.Values{}
	for k, v := range at.query {
		q[k] = v
	}
	q.Set(key, value)
	at.query = q
	return at
}

func (at whereabouts) href(path string) string { return path + "?" + at.query.Encode() }

// whereabouts reads wave and place from the request: by default the newest wave
// and the highest place in it where the actor has one of the permissions, or one
// of placed when none is given. Without any wave it returns no waves.
// Returns wave.ErrNotFound and area.ErrNotFound, also for what lies outside the
// actor's place or the wave's.
func (a *API) whereabouts(c *gin.Context, may ...survey.Permission) (whereabouts, error) {
	if len(may) == 0 {
		may = placed
	}
	ctx, who := c.Request.Context(), a.actor(c)
	at := whereabouts{may: may}
	var err error
	if at.waves, err = a.Waves.List(ctx, who); err != nil {
		return at, err
	}
	if len(at.waves) == 0 {
		if c.Query("wave") != "" {
			return at, wave.ErrNotFound
		}
		return at, nil
	}
	at.wave = at.waves[0]
	if id := c.Query("wave"); id != "" {
		if at.wave, err = a.Waves.Seen(ctx, who, id); err != nil {
			return at, err
		}
	}
	at.top = at.wave.AreaCode
	if !at.sees(who, at.top) {
		at.top = homeIn(who, at.wave.AreaCode, may)
	}
	code := c.Query("area")
	if code == "" {
		code = at.top
	}
	if !at.sees(who, code) || !survey.Within(at.wave.AreaCode, code) {
		return at, area.ErrNotFound
	}
	if at.place, err = a.Areas.ByCode(ctx, code); err != nil {
		return at, err
	}
	at.path = []area.Area{at.place}
	for p := at.place; p.ParentCode != nil && p.Code != at.wave.AreaCode; {
		if p, err = a.Areas.ByCode(ctx, *p.ParentCode); err != nil {
			return at, err
		}
		at.path = append([]area.Area{p}, at.path...)
	}
	at.query = url.Values{"wave": {at.wave.ID}, "area": {at.place.Code}}
	return at, nil
}

// placed are the permissions whose pages are about a place of a wave.
var placed = []survey.Permission{survey.SeeScores, survey.ManageCollectors, survey.ReadReports}

// sees reports whether the actor has one of the permissions in the place.
func (at whereabouts) sees(who survey.Actor, code string) bool {
	return slices.ContainsFunc(at.may, func(p survey.Permission) bool { return who.Sees(p, code) })
}

// homeIn returns the highest of the actor's places in the wave's.
func homeIn(who survey.Actor, waveArea string, may []survey.Permission) string {
	best := ""
	for _, code := range who.Places(may...) {
		if survey.Within(waveArea, code) && (best == "" || len(survey.Prefix(code)) < len(survey.Prefix(best))) {
			best = code
		}
	}
	return best
}

// waveLine tells about the wave in one line.
type waveLine struct {
	Name, State string
	Opens, Ends time.Time
}

// crumbs lead from the top of the wave to the place. Places above the actor's
// own are named but not linked.
func (a *API) crumbs(c *gin.Context, at whereabouts, path string) []navLink {
	who, lang := a.actor(c), a.lang(c)
	var out []navLink
	for _, p := range at.path {
		l := navLink{Name: p.Name().In(lang), Current: p.Code == at.place.Code}
		if at.sees(who, p.Code) && !l.Current {
			l.Href = at.with("area", p.Code).href(path)
		}
		out = append(out, l)
	}
	return out
}

// waveLinks lead to the same place in other waves, or to the top of those that
// are elsewhere.
func (a *API) waveLinks(lang string, at whereabouts, path string) []navLink {
	var out []navLink
	for _, w := range at.waves {
		q := url.Values{"wave": {w.ID}}
		if w.AreaCode == at.wave.AreaCode {
			q.Set("area", at.place.Code)
		}
		out = append(out, navLink{Name: w.Name().In(lang), Href: path + "?" + q.Encode(), Current: w.ID == at.wave.ID})
	}
	return out
}

func (a *API) waveLine(lang string, at whereabouts) waveLine {
	state := a.viewWave(at.wave).State
	ends := at.wave.ClosesAt
	if at.wave.ClosedAt != nil && at.wave.ClosedAt.Before(ends) {
		ends = *at.wave.ClosedAt
	}
	return waveLine{Name: at.wave.Name().In(lang), State: a.static.T(lang, "console.wave."+state), Opens: at.wave.OpensAt, Ends: ends}
}

// noWave is the page of those whose places have no wave yet.
func (a *API) noWave(c *gin.Context, section string) error {
	lang := a.lang(c)
	v := messagePage{Heading: a.static.T(lang, "console.board.no_wave"), Text: a.static.T(lang, "console.board.no_wave_text")}
	v.shell = a.newShell(c, section, v.Heading, nil)
	return a.writeConsole(c, http.StatusOK, "console/message", v)
}
