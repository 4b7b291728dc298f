package api

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/poster"
	"chengyin/survey/wave"
)

// mostPosters is how many posters one form makes, mostSheets how many pages one
// print has.
const (
	mostPosters = 50
	mostSheets  = 500
	maxConsole  = 64 << 10 // of a posted form
)

// collectorsPage lists the codes of a place: all of them in a subdistrict or
// community, their number by place above.
type collectorsPage struct {
	shell
	Place       string
	Crumbs      []navLink
	Waves       []navLink
	Wave        waveLine
	Board       string
	Sheets      string // address of all posters of the place as one print
	Places      []placeCodes
	Groups      []codeGroup
	MayManage   bool
	Communities []area.Area
	Lang        string
	Action      string // where the forms go
	Problem     string
	In          createForm
}

// placeCodes counts the codes of a place.
type placeCodes struct {
	Name, Href, Sheets    string
	Posters, Live, Others int
}

type codeGroup struct {
	Name  string
	Codes []codeView
}

type codeView struct {
	Code, Pretty, Channel, Place, State, StateName, Why string
	Slot                                                int
	Link, Sheet, PNG, SVG, Revoke                       string // "" where there is none
}

// createForm is what the form for new posters holds.
type createForm struct{ Area, Count, Place string }

func (a *API) collectors(c *gin.Context) error {
	return a.showCollectors(c, http.StatusOK, createForm{Count: "1"}, "")
}

func (a *API) showCollectors(c *gin.Context, status int, in createForm, problem string) error {
	who, lang := a.actor(c), a.lang(c)
	if !who.Can(survey.ManageCollectors) && !who.Can(survey.SeeScores) {
		return survey.ErrDenied
	}
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "collectors")
	}
	ctx := c.Request.Context()
	list, err := a.allCollectors(ctx, who, at.wave.ID, at.place.Code)
	if err != nil {
		return err
	}
	tree, err := a.Areas.Tree(ctx, at.place.Code)
	if err != nil {
		return err
	}
	p := collectorsPage{Place: at.place.Name().In(lang), Lang: lang, Board: at.href("/board"), Action: at.href("/collectors"), In: in, Problem: problem}
	p.shell = a.newShell(c, "collectors", a.static.T(lang, "console.nav.collectors")+" · "+p.Place, at.query)
	p.Contact = at.wave.Contact
	p.Crumbs, p.Waves, p.Wave = a.crumbs(c, at, "/collectors"), a.waveLinks(lang, at, "/collectors"), a.waveLine(lang, at)
	now := a.Clock()
	for _, x := range tree {
		if x.Level == area.Community && (x.ValidTo == nil || now.Before(*x.ValidTo)) {
			p.Communities = append(p.Communities, x)
		}
	}
	p.MayManage = who.Can(survey.ManageCollectors) && len(p.Communities) > 0 && !at.wave.Over(now)
	if slices.ContainsFunc(list, func(k collector.Collector) bool { return k.Channel == collector.Poster && k.RevokedAt == nil }) {
		p.Sheets = at.href("/sheets")
	}
	if at.place.Level == area.Subdistrict || at.place.Level == area.Community {
		p.Groups = a.codeGroups(c, at.wave, list, tree)
	} else {
		p.Places = placesWithCodes(at, list, tree, lang)
	}
	return a.writeConsole(c, status, "console/collectors", p)
}

// allCollectors reads every collector of a place, page by page.
func (a *API) allCollectors(ctx context.Context, who survey.Actor, waveID, place string) ([]collector.Collector, error) {
	const page = 1000
	var all []collector.Collector
	f := collector.Filter{Wave: waveID, Area: place, Limit: page}
	for {
		list, err := a.Collectors.List(ctx, who, f)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if len(list) < page {
			return all, nil
		}
		f.After = list[len(list)-1].Number
	}
}

// placesWithCodes counts the codes of each place directly below.
func placesWithCodes(at whereabouts, list []collector.Collector, tree []area.Area, lang string) []placeCodes {
	var out []placeCodes
	for _, x := range tree {
		if x.ParentCode == nil || *x.ParentCode != at.place.Code {
			continue
		}
		to := at.with("area", x.Code)
		p := placeCodes{Name: x.Name().In(lang), Href: to.href("/collectors")}
		for _, k := range list {
			switch {
			case !strings.HasPrefix(k.AreaCode, survey.Prefix(x.Code)):
			case k.Channel != collector.Poster:
				p.Others++
			case k.RevokedAt == nil:
				p.Posters, p.Live = p.Posters+1, p.Live+1
			default:
				p.Posters++
			}
		}
		if p.Live > 0 {
			p.Sheets = to.href("/sheets")
		}
		out = append(out, p)
	}
	return out
}

// codeGroups lists codes by community, posters first.
func (a *API) codeGroups(c *gin.Context, w wave.Wave, list []collector.Collector, tree []area.Area) []codeGroup {
	who, lang, now := a.actor(c), a.lang(c), a.Clock()
	list = slices.DeleteFunc(slices.Clone(list), func(k collector.Collector) bool { return k.Slot == collector.FieldSlot }) // hangs nowhere
	slices.SortStableFunc(list, func(x, y collector.Collector) int {
		return cmp.Or(cmp.Compare(x.AreaCode, y.AreaCode), slices.Index(collector.Channels, x.Channel)-slices.Index(collector.Channels, y.Channel), x.Slot-y.Slot)
	})
	name := map[string]string{}
	for _, x := range tree {
		name[x.Code] = x.Name().In(lang)
	}
	var out []codeGroup
	for i, k := range list {
		if i == 0 || list[i-1].AreaCode != k.AreaCode {
			out = append(out, codeGroup{Name: name[k.AreaCode]})
		}
		state := k.StateAt(w, now)
		v := codeView{
			Code: k.Code, Pretty: collector.Pretty(k.Code), Channel: a.static.T(lang, "console.channel."+k.Channel), Slot: k.Slot, Place: k.Place,
			State: string(state), StateName: a.static.T(lang, "console.state."+string(state)), Why: k.RevokedWhy,
			Link: "/q/" + k.Code, PNG: "/collectors/" + k.Code + "/qr.png", SVG: "/collectors/" + k.Code + "/qr.svg",
		}
		if k.RevokedAt == nil {
			if k.Channel == collector.Poster {
				v.Sheet = "/collectors/" + k.Code + "/sheet"
			}
			if who.Can(survey.ManageCollectors) {
				v.Revoke = "/collectors/" + k.Code + "/revoke"
			}
		}
		g := &out[len(out)-1]
		g.Codes = append(g.Codes, v)
	}
	return out
}

// form reads a posted form of the console.
func (a *API) form(c *gin.Context) (url.Values, error) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxConsole)
	if err := c.Request.ParseForm(); err != nil {
		return nil, survey.ErrMalformed.Because(err)
	}
	return c.Request.PostForm, nil
}

// createCollectors makes posters for a community, numbered on from those there
// are, those that were revoked included: a number on a wall is never used twice.
func (a *API) createCollectors(c *gin.Context) error {
	who := a.actor(c)
	if !who.Can(survey.ManageCollectors) {
		return survey.ErrDenied
	}
	form, err := a.form(c)
	if err != nil {
		return err
	}
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return wave.ErrNotFound
	}
	in := createForm{Area: form.Get("area"), Count: form.Get("count"), Place: strings.TrimSpace(form.Get("place"))}
	n, err := strconv.Atoi(in.Count)
	if err != nil || n < 1 || n > mostPosters {
		return a.refuseCollectors(c, in, survey.ErrInvalid.With(survey.Field{Path: "count", Code: "out_of_range", Args: map[string]any{"min": 1, "max": mostPosters}}))
	}
	if level, err := area.LevelOf(in.Area); err != nil || level != area.Community {
		return a.refuseCollectors(c, in, survey.ErrInvalid.With(survey.Field{Path: "area", Code: "unknown_option"}))
	}
	there, err := a.allCollectors(c.Request.Context(), who, at.wave.ID, in.Area)
	if err != nil {
		return err
	}
	last := 0
	for _, k := range there {
		if k.Channel == collector.Poster {
			last = max(last, k.Slot)
		}
	}
	specs := make([]collector.Spec, n)
	for i := range specs {
		specs[i] = collector.Spec{Area: in.Area, Channel: collector.Poster, Slot: last + 1 + i, Place: in.Place}
	}
	if _, err := a.Collectors.Create(c.Request.Context(), who, at.wave, specs); err != nil {
		return a.refuseCollectors(c, in, err)
	}
	c.Redirect(http.StatusSeeOther, at.href("/collectors"))
	return nil
}

// refuseCollectors shows the form again and says beside it what is wrong.
func (a *API) refuseCollectors(c *gin.Context, in createForm, err error) error {
	p := a.problem(c.Request.Context(), err)
	if p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusConflict {
		return err
	}
	said := p.Title
	for _, f := range p.Errors {
		said += " " + f.Message
	}
	return a.showCollectors(c, p.Status, in, said)
}

func (a *API) revokeCollector(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	why := strings.TrimSpace(form.Get("why"))
	switch {
	case why == "":
		return survey.ErrInvalid.With(survey.Field{Path: "why", Code: "required"})
	case len([]rune(why)) > 200:
		return survey.ErrInvalid.With(survey.Field{Path: "why", Code: "too_long", Args: map[string]any{"max": 200}})
	}
	if err := a.Collectors.Revoke(c.Request.Context(), a.actor(c), c.Param("code"), why); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, cameFrom(c.Request, "/collectors"))
	return nil
}

// sheetsPage is posters ready to be printed, a page each.
type sheetsPage struct {
	shell
	Place  string
	Back   string
	Posts  []sheetView
	TooFew bool // there are more than were put on the page
}

type sheetView struct {
	QR                            template.HTML
	TitleZH, TitleEN              string
	OwnerZH, OwnerEN, Contact     string
	CommunityZH, CommunityEN      string
	Slot                          int
	Place, Pretty, Typed, Service string
}

func (a *API) sheet(c *gin.Context) error {
	k, err := a.seenCollector(c)
	if err != nil {
		return err
	}
	w, err := a.Waves.Seen(c.Request.Context(), a.actor(c), k.WaveID)
	if err != nil {
		return err
	}
	back := "/collectors?" + url.Values{"wave": {w.ID}, "area": {k.AreaCode}}.Encode()
	return a.showSheets(c, w, []collector.Collector{k}, back, false)
}

// sheets prints all posters of a place that are not revoked.
func (a *API) sheets(c *gin.Context) error {
	who := a.actor(c)
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return wave.ErrNotFound
	}
	all, err := a.allCollectors(c.Request.Context(), who, at.wave.ID, at.place.Code)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(k collector.Collector) bool { return k.Channel != collector.Poster || k.RevokedAt != nil })
	slices.SortStableFunc(all, func(x, y collector.Collector) int {
		return cmp.Or(cmp.Compare(x.AreaCode, y.AreaCode), x.Slot-y.Slot)
	})
	more := len(all) > mostSheets
	if more {
		all = all[:mostSheets]
	}
	return a.showSheets(c, at.wave, all, at.href("/collectors"), more)
}

func (a *API) showSheets(c *gin.Context, w wave.Wave, list []collector.Collector, back string, more bool) error {
	ctx, lang := c.Request.Context(), a.lang(c)
	q, err := a.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return err
	}
	p := sheetsPage{Back: back, TooFew: more}
	p.shell = a.newShell(c, "collectors", a.static.T(lang, "console.sheet.title"), nil)
	places := map[string]area.Area{}
	for _, k := range list {
		at, ok := places[k.AreaCode]
		if !ok {
			if at, err = a.Areas.ByCode(ctx, k.AreaCode); err != nil {
				return err
			}
			places[k.AreaCode] = at
		}
		svg, err := poster.SVG(poster.URL(a.publicURL, k.Code))
		if err != nil {
			return err
		}
		p.Posts = append(p.Posts, sheetView{
			QR: template.HTML(svg), TitleZH: q.Title.ZH, TitleEN: q.Title.EN,
			OwnerZH: w.OwnerZH, OwnerEN: w.OwnerEN, Contact: w.Contact, CommunityZH: at.NameZH, CommunityEN: at.NameEN,
			Slot: k.Slot, Place: k.Place, Pretty: collector.Pretty(k.Code), Typed: poster.Typed(a.publicURL, collector.Pretty(k.Code)),
		})
	}
	return a.writeConsole(c, http.StatusOK, "console/sheet", p)
}
