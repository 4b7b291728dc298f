package api

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/fieldwork"
	"chengyin/survey/wave"
)

// buildingPage lists the households of a building and gives them to workers.
type buildingPage struct {
	shell
	Heading  string
	Back     string
	Place    string
	PSU      string
	Total    fieldwork.Progress
	Homes    []homeRow // to be worked on
	Reserve  []homeRow // whose turn has not come
	Workers  []choice
	Done     string
	Doubt    bool // what was done waits for review
	Action   string
	List     string
	Sheets   string
	Problem  string
	MayPaper bool // the wave has begun
}

// homeRow is a household as its manager sees it.
type homeRow struct {
	Unit, Door, Order, State, StateClass, Visits, Periods, Worker, Paper, Sheet string
	Reserve                                                                     bool
}

// seenBuilding reads wave and building from an address.
func (a *API) seenBuilding(c *gin.Context) (wave.Wave, []fieldwork.Household, error) {
	ctx, who := c.Request.Context(), a.actor(c)
	w, err := a.fieldWave(c)
	if err != nil {
		return w, nil, err
	}
	homes, err := a.Field.Households(ctx, who, w, c.Query("psu"))
	return w, homes, err
}

// fieldWave returns the wave that the address names, the newest when it names none.
func (a *API) fieldWave(c *gin.Context) (wave.Wave, error) {
	ctx, who := c.Request.Context(), a.actor(c)
	if id := c.Query("wave"); id != "" {
		return a.Waves.Seen(ctx, who, id)
	}
	all, err := a.Waves.List(ctx, who)
	if err != nil {
		return wave.Wave{}, err
	}
	if len(all) == 0 {
		return wave.Wave{}, wave.ErrNotFound
	}
	return all[0], nil
}

// buildingName is what people call the building of these households.
func buildingName(homes []fieldwork.Household) string {
	name := homes[0].Building
	if slices.ContainsFunc(homes, func(h fieldwork.Household) bool { return h.Building != name }) {
		name = ""
	}
	return cmp.Or(name, homes[0].PSU)
}

func (a *API) building(c *gin.Context) error { return a.showBuilding(c, http.StatusOK, "") }

func (a *API) showBuilding(c *gin.Context, status int, problem string) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	w, homes, err := a.seenBuilding(c)
	if err != nil {
		return err
	}
	place, err := a.Areas.ByCode(ctx, homes[0].AreaCode)
	if err != nil {
		return err
	}
	workers, err := a.Field.Workers(ctx, who, place.Code)
	if err != nil {
		return err
	}
	at := url.Values{"wave": {w.ID}, "area": {place.Code}}
	here := url.Values{"wave": {w.ID}, "psu": {homes[0].PSU}}
	p := buildingPage{Heading: buildingName(homes), Back: "/fieldwork?" + at.Encode(), Place: place.Name().In(lang), PSU: homes[0].PSU, Action: "/fieldwork/building?" + here.Encode(),
		List: "/fieldwork/list?" + here.Encode(), Sheets: "/fieldwork/questionnaire?" + here.Encode(), Problem: problem, MayPaper: w.Started(a.Clock())}
	p.shell = a.newShell(c, "fieldwork", p.Heading+" · "+p.Place, at)
	p.Contact = w.Contact
	p.Done, p.Doubt = a.doneLine(lang, c.Request.URL.Query())
	for _, x := range workers {
		p.Workers = append(p.Workers, choice{Value: x.ID, Name: workerName(x.Name, x.Login)})
	}
	held := slices.ContainsFunc(homes, func(h fieldwork.Household) bool { return h.AccountID != "" })
	for _, h := range homes {
		row := a.homeRow(lang, w, h)
		if h.Reserve && h.AccountID == "" && held {
			row.Worker = a.static.T(lang, "fieldwork.who_building")
		}
		if h.Due() {
			p.Homes = append(p.Homes, row)
		} else {
			p.Reserve = append(p.Reserve, row)
		}
	}
	return a.writeConsole(c, status, "console/building", p)
}

// workerName names a worker so that two of the same name can be told apart.
func workerName(name, login string) string {
	if name == "" || name == login {
		return login
	}
	return name + " (" + login + ")"
}

// homeRow tells where a household stands. A person's name is never among it: the
// frame knows none.
func (a *API) homeRow(lang string, w wave.Wave, h fieldwork.Household) homeRow {
	r := homeRow{Unit: h.UnitID, Door: h.Door(), Reserve: h.Reserve, State: a.static.T(lang, "field.outcome."+h.Outcome), Worker: workerName(h.Worker, h.Login)}
	if h.Position > 0 {
		r.Order = strconv.Itoa(h.Position)
	}
	if h.Outcome == fieldwork.NotVisited {
		r.State = a.static.T(lang, "fieldwork.state.not_visited")
	}
	o, _ := fieldwork.OutcomeOf(h.Outcome)
	switch {
	case h.Open && h.Visits > 0:
		r.StateClass = "waits"
	case !h.Open && o.Group != fieldwork.Complete && o.Group != fieldwork.Partial:
		r.StateClass = "revoked"
	}
	if r.Visits = "–"; h.Visits > 0 {
		r.Visits = a.static.T(lang, "fieldwork.visits", "n", h.Visits)
		var when []string
		for bit, name := range []string{"morning", "afternoon", "evening", "weekend"} {
			if h.Periods&(1<<bit) != 0 {
				when = append(when, a.static.T(lang, "fieldwork.period."+name))
			}
		}
		r.Periods = strings.Join(when, map[bool]string{true: ", ", false: "、"}[lang == "en"])
	}
	q := url.Values{"wave": {w.ID}, "unit": {h.UnitID}}
	r.Paper, r.Sheet = "/fieldwork/paper?"+q.Encode(), "/fieldwork/questionnaire?"+q.Encode()
	return r
}

// doneLine says what a form did that led here, and whether that waits for review.
// It reads only what it knows, because anybody can write an address.
func (a *API) doneLine(lang string, q url.Values) (string, bool) {
	switch done := q.Get("done"); done {
	case "assigned", "unassigned":
		n, err := strconv.Atoi(q.Get("n"))
		if err != nil || n < 0 {
			return "", false
		}
		return a.static.T(lang, "fieldwork.done."+done, "n", n), false
	case fieldwork.Accepted:
		return a.static.T(lang, "fieldwork.done.accepted"), false
	case fieldwork.Quarantined:
		if reason := q.Get("reason"); slices.Contains(fieldwork.Reasons, reason) {
			return a.static.T(lang, "fieldwork.done.quarantined", "why", a.static.T(lang, "fieldwork.reason."+reason)), true
		}
	case fieldwork.Conflict:
		return a.static.T(lang, "fieldwork.done.conflict"), true
	}
	return "", false
}

// assignForm gives households of a building to a worker, or takes them back: those
// that are ticked, or all of the building.
func (a *API) assignForm(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	w, homes, err := a.seenBuilding(c)
	if err != nil {
		return err
	}
	in := fieldwork.Assigning{Wave: w.ID, Units: form["unit"], Account: form.Get("account")}
	for _, id := range in.Units { // a form of this building says nothing of others
		if !slices.ContainsFunc(homes, func(h fieldwork.Household) bool { return h.UnitID == id }) {
			return fieldwork.ErrNotFound
		}
	}
	do := form.Get("do")
	var wrong []survey.Field
	switch do {
	case "all":
		in.Units, in.PSU = nil, homes[0].PSU
	case "some":
	case "back":
		in.Account = ""
	default:
		wrong = append(wrong, survey.Field{Path: "do", Code: "field_not_listed"})
	}
	if do != "back" && in.Account == "" {
		wrong = append(wrong, survey.Field{Path: "account", Code: "field_choose_worker"})
	}
	if do != "all" && len(in.Units) == 0 {
		wrong = append(wrong, survey.Field{Path: "unit", Code: "field_choose_household"})
	}
	var n int
	if err = survey.ErrInvalid.With(wrong...); len(wrong) == 0 {
		n, err = a.Field.Assign(c.Request.Context(), a.actor(c), in)
	}
	if survey.KindOf(err) == survey.Invalid && err != nil {
		p := a.problem(c.Request.Context(), err)
		said := []string{}
		for _, f := range p.Errors {
			said = append(said, f.Message)
		}
		return a.showBuilding(c, p.Status, strings.Join(said, " "))
	}
	if err != nil {
		return err
	}
	done := map[bool]string{true: "unassigned", false: "assigned"}[do == "back"]
	c.Redirect(http.StatusSeeOther, "/fieldwork/building?"+url.Values{"wave": {w.ID}, "psu": {homes[0].PSU}, "done": {done}, "n": {strconv.Itoa(n)}}.Encode())
	return nil
}

// reviewPage lists what is kept and not counted.
type reviewPage struct {
	shell
	Place  string
	Crumbs []navLink
	Waves  []navLink
	Wave   waveLine
	Rows   []doubtRow
	More   string
	Back   string
}

type doubtRow struct {
	Received, Made                                 time.Time
	Door, Place, What, Why, Means, Worker, Via, ID string
	Conflict                                       bool
}

const doubtsPerPage = 50

func (a *API) fieldReview(c *gin.Context) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	at, err := a.whereabouts(c, survey.ManageFieldwork)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "fieldwork")
	}
	before, err := readDoubtMark(c.Query("cursor"))
	if err != nil {
		return err
	}
	list, more, err := a.Field.Doubts(ctx, who, at.wave, at.place.Code, before, doubtsPerPage)
	if err != nil {
		return err
	}
	tree, err := a.Areas.Tree(ctx, at.place.Code)
	if err != nil {
		return err
	}
	p := reviewPage{Place: at.place.Name().In(lang), Back: at.href("/fieldwork")}
	p.shell = a.newShell(c, "fieldwork", a.static.T(lang, "fieldwork.review.title")+" · "+p.Place, at.query)
	p.Crumbs, p.Waves, p.Wave = a.crumbs(c, at, "/fieldwork/review"), a.waveLinks(lang, at, "/fieldwork/review"), a.waveLine(lang, at)
	p.Contact = at.wave.Contact
	for _, d := range list {
		p.Rows = append(p.Rows, a.doubtRow(lang, d, tree))
	}
	if more {
		p.More = at.with("cursor", writeDoubtMark(list[len(list)-1].Mark())).href("/fieldwork/review")
	}
	return a.writeConsole(c, http.StatusOK, "console/field_review", p)
}

func (a *API) doubtRow(lang string, d fieldwork.Doubt, tree []area.Area) doubtRow {
	r := doubtRow{Received: d.ReceivedAt, Made: d.MadeAt, Door: cmp.Or(d.Door(), a.static.T(lang, "fieldwork.review.no_door")), Worker: workerName(d.Worker, d.Login),
		Via: a.static.T(lang, "fieldwork.via."+d.Via), ID: d.ID, Conflict: d.Status == fieldwork.Conflict}
	for _, x := range tree {
		if x.Code == d.AreaCode {
			r.Place = x.Name().In(lang)
		}
	}
	if d.Phone != "" {
		r.Via += " · " + d.Phone
	}
	r.What = a.static.T(lang, "fieldwork.review.unknown_outcome")
	if o, known := fieldwork.OutcomeOf(d.Outcome); known && o.Code != fieldwork.NotVisited {
		r.What = a.static.T(lang, "field.outcome."+o.Code)
	}
	reason := d.Reason
	if r.Conflict {
		reason = "conflict"
	}
	if !r.Conflict && !slices.Contains(fieldwork.Reasons, reason) {
		reason = fieldwork.Malformed
	}
	r.Why, r.Means = a.static.T(lang, "fieldwork.reason."+reason), a.static.T(lang, "fieldwork.means."+reason)
	return r
}

// writeDoubtMark and readDoubtMark turn a place in the list into an opaque cursor
// and back.
func writeDoubtMark(m fieldwork.Mark) string {
	return base64.RawURLEncoding.EncodeToString([]byte(m.At.UTC().Format(time.RFC3339Nano) + " " + m.ID + " " + m.Hash))
}

func readDoubtMark(s string) (*fieldwork.Mark, error) {
	if s == "" {
		return nil, nil
	}
	wrong := survey.ErrInvalid.With(survey.Field{Path: "cursor", Code: "field_wrong"})
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, wrong
	}
	parts := strings.Split(string(raw), " ")
	if len(parts) != 3 {
		return nil, wrong
	}
	t, err := time.Parse(time.RFC3339Nano, parts[0])
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r < '-' || r > 'z' })
	}
	if err != nil || t.Year() < 2000 || t.Year() > 9999 || len(parts[1]) != 36 || !plain(parts[1]) || len(parts[2]) > 64 || !plain(parts[2]) {
		return nil, wrong
	}
	return &fieldwork.Mark{At: t.UTC(), ID: parts[1], Hash: parts[2]}, nil
}
