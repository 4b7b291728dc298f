package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

// responsesPage lists what came in from a place.
type responsesPage struct {
	shell
	Place   string
	Crumbs  []navLink
	Waves   []navLink
	Wave    waveLine
	Filters []filterLinks
	Rows    []arrivalRow
	Few     bool
	More    string // address of the next page
	Reads   bool   // this person may open single responses
}

type filterLinks struct {
	Name  string
	Links []navLink
}

type arrivalRow struct {
	When                            time.Time
	Place, Channel, Mode, Via, Lang string
	Status, StatusName, Reason      string
	Href                            string
}

func (a *API) responses(c *gin.Context) error {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	at, err := a.whereabouts(c)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return a.noWave(c, "responses")
	}
	before, err := readMark(c.Query("cursor"))
	if err != nil {
		return err
	}
	f := response.ListFilter{Area: at.place.Code, Mode: c.Query("mode"), Status: c.Query("status"), Before: before}
	list, more, err := a.Responses.List(ctx, who, at.wave, f)
	few := survey.KindOf(err) == survey.Conflict
	if err != nil && !few {
		return err
	}
	tree, err := a.Areas.Tree(ctx, at.place.Code)
	if err != nil {
		return err
	}
	p := responsesPage{Place: at.place.Name().In(lang), Few: few, Reads: who.Can(survey.ReadAnswers)}
	p.shell = a.newShell(c, "responses", a.static.T(lang, "console.nav.responses")+" · "+p.Place, at.query)
	p.Crumbs, p.Waves, p.Wave = a.crumbs(c, at, "/responses"), a.waveLinks(lang, at, "/responses"), a.waveLine(lang, at)
	p.Contact = at.wave.Contact
	p.Filters = []filterLinks{
		a.filterLinks(lang, at, "mode", f.Mode, "status", f.Status, "console.responses.by_mode", "console.mode.", []string{"visit", "scan"}),
		a.filterLinks(lang, at, "status", f.Status, "mode", f.Mode, "console.responses.by_status", "console.responses.status.", []string{response.Counted, response.Quarantined}),
	}
	p.Rows = a.arrivalRows(lang, list, tree, p.Reads)
	if more {
		next := at.with("cursor", writeMark(markOf(list[len(list)-1])))
		next = next.with("mode", f.Mode).with("status", f.Status)
		p.More = next.href("/responses")
	}
	return a.writeConsole(c, http.StatusOK, "console/responses", p)
}

// filterLinks offers the values of one filter and keeps the other.
func (a *API) filterLinks(lang string, at whereabouts, key, now, otherKey, other, name, words string, values []string) filterLinks {
	f := filterLinks{Name: a.static.T(lang, name)}
	at = at.with(otherKey, other)
	f.Links = append(f.Links, navLink{Name: a.static.T(lang, "console.responses.all"), Href: at.href("/responses"), Current: now == ""})
	for _, v := range values {
		f.Links = append(f.Links, navLink{Name: a.static.T(lang, words+v), Href: at.with(key, v).href("/responses"), Current: now == v})
	}
	return f
}

func (a *API) arrivalRows(lang string, list []response.Arrival, tree []area.Area, reads bool) []arrivalRow {
	names := map[string]string{}
	for _, x := range tree {
		names[x.Code] = x.Name().In(lang)
	}
	out := make([]arrivalRow, len(list))
	for i, x := range list {
		r := arrivalRow{When: hour(x.ReceivedAt), Place: names[x.AreaCode], Lang: a.static.T(lang, "console.responses.lang."+x.Lang), Status: x.Status,
			Mode: a.static.T(lang, "console.mode."+x.Mode), Via: a.static.T(lang, "console.responses.via."+x.Via), StatusName: a.static.T(lang, "console.responses.status."+x.Status)}
		if x.Channel != "" {
			r.Channel = a.static.T(lang, "console.channel."+x.Channel)
			if x.Slot != collector.FieldSlot {
				r.Channel += " " + a.static.T(lang, "console.collectors.slot", "n", strconv.Itoa(x.Slot))
			}
		}
		if x.Reason != "" {
			r.Reason = a.static.T(lang, "console.responses.reason."+x.Reason)
		}
		if reads {
			r.Href = "/responses/" + x.ID
		}
		out[i] = r
	}
	return out
}

// responsePage shows a single response with its answers.
type responsePage struct {
	shell
	Row     arrivalRow
	ID      string
	Wave    string
	Back    string
	Answers []answerRow
}

type answerRow struct{ Question, Answer string }

func (a *API) response(c *gin.Context) error {
	who, lang := a.actor(c), a.lang(c)
	o, err := a.Responses.Read(c.Request.Context(), who, c.Param("id"))
	if err != nil {
		return err
	}
	q := url.Values{"wave": {o.Wave.ID}, "area": {o.Area.Code}}
	p := responsePage{ID: o.ID, Wave: o.Wave.Name().In(lang), Back: "/responses?" + q.Encode()}
	p.shell = a.newShell(c, "responses", a.static.T(lang, "console.responses.one"), q)
	p.Row = a.arrivalRows(lang, []response.Arrival{o.Arrival}, []area.Area{o.Area}, false)[0]
	for _, x := range o.Questionnaire.Questions {
		v, given := o.Answers[x.ID]
		if !given {
			continue
		}
		p.Answers = append(p.Answers, answerRow{x.Text.In(lang), wordAnswer(x, v, lang)})
	}
	return a.writeConsole(c, http.StatusOK, "console/response", p)
}

// wordAnswer writes an answer as the respondent saw it.
func wordAnswer(q questionnaire.Question, v any, lang string) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if q.Type == questionnaire.Text {
			return v
		}
	}
	var words []string
	for _, code := range questionnaire.Chosen(v) {
		word := code
		for _, o := range q.Options {
			if o.Code == code {
				word = o.Text.In(lang)
			}
		}
		words = append(words, word)
	}
	if lang == "en" {
		return strings.Join(words, "; ")
	}
	return strings.Join(words, "；")
}
