package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/privacy"
)

// privacyView is the full text behind the notice.
type privacyView struct {
	frame
	Owner, Contact string
	Classes        []keptView
	Back           string
}

// keptView is a kind of data and how long it is kept.
type keptView struct{ Name, What, Until string }

// privacyPath returns where the full text stands, from a page that may belong to a
// code.
func privacyPath(page string, l look) string {
	if code, ok := strings.CutPrefix(page, "/q/"); ok && !strings.Contains(code, "/") {
		return "/q/" + url.PathEscape(code) + "/privacy" + l.query()
	}
	return "/privacy" + l.query()
}

// privacyPage says who keeps what of residents, why and for how long, from the
// settings that are followed now. Behind a code it names who asks.
func (a *API) privacyPage(c *gin.Context) error {
	l, ctx := a.look(c), c.Request.Context()
	days, err := a.Privacy.Days(ctx)
	if err != nil {
		return a.trouble(c, l, err)
	}
	v := privacyView{frame: newFrame(c.Request.URL.Path, l)}
	v.Privacy = ""
	if code := c.Param("code"); code != "" {
		sheet, err := a.Responses.Open(ctx, code)
		if err != nil {
			return a.noSheet(c, l, err)
		}
		v.Place, v.About = sheet.Area.Name().In(l.Lang), aboutSheet(a.static, sheet, l.Lang)
		v.Owner, v.Contact, v.Back = v.About.Owner, v.About.Contact, "/q/"+sheet.Collector.Code+l.query()
	}
	for _, class := range []privacy.Class{privacy.Answers, privacy.Visits, privacy.Frames, privacy.Reports, privacy.Devices, privacy.Sources, privacy.Aggregates, privacy.Audit} {
		key := "privacy." + string(class)
		v.Classes = append(v.Classes, keptView{a.static.T(l.Lang, key), a.static.T(l.Lang, key+".what"), a.until(class, days[class], l.Lang)})
	}
	return a.writePage(c, http.StatusOK, "respond/privacy", l, v)
}

// until says how long a class is kept.
func (a *API) until(class privacy.Class, days int, lang string) string {
	if class == privacy.Aggregates {
		return a.static.T(lang, "privacy.for_good")
	}
	n := a.static.T(lang, "privacy.days", "n", strconv.Itoa(days))
	if days%365 == 0 && days > 0 {
		n = a.static.T(lang, "privacy.years", "n", strconv.Itoa(days/365))
	}
	return a.static.T(lang, "privacy."+string(class)+".until", "time", n)
}

// centrePage is the privacy centre of the console.
type centrePage struct {
	shell
	MayChange bool
	Counts    bool
	Classes   []centreClass
	Deletions *centreDeletions
	Done      string
	Problem   string
}

type centreClass struct {
	Code, Name, What, Basis string
	Until, Rows, Next       string
	Days, Min, Max          int
	Change                  bool
	Last, Items, Period     string
	Digest, Key, Total      string
}

type centreDeletions struct{ All, Recent, Last, Masked, Repeat string }

func (a *API) privacyCentre(c *gin.Context) error { return a.showCentre(c, http.StatusOK, "") }

func (a *API) showCentre(c *gin.Context, status int, problem string) error {
	lang := a.lang(c)
	o, err := a.Privacy.Overview(c.Request.Context(), a.actor(c))
	if err != nil {
		return err
	}
	p := centrePage{MayChange: o.MayChange, Counts: o.Deletions != nil, Problem: problem}
	p.shell = a.newShell(c, "privacy-centre", a.static.T(lang, "console.nav.privacy-centre"), nil)
	for _, s := range o.States {
		p.Classes = append(p.Classes, a.centreClass(s, o.MayChange, lang))
	}
	if d := o.Deletions; d != nil {
		p.Deletions = &centreDeletions{All: strconv.FormatInt(d.All, 10), Recent: strconv.FormatInt(d.Recent, 10), Last: "–", Masked: strconv.FormatInt(d.Masked, 10), Repeat: strconv.FormatInt(d.Repeat, 10)}
		if d.Last != nil {
			p.Deletions.Last = when(*d.Last, lang)
		}
	}
	if class := privacy.Class(c.Query("changed")); class != "" && problem == "" {
		if _, ok := privacy.RuleOf(class); ok {
			p.Done = a.static.T(lang, "console.privacy.changed", "class", a.static.T(lang, "console.privacy.class."+string(class)))
		}
	}
	return a.writeConsole(c, status, "console/privacy", p)
}

func (a *API) centreClass(s privacy.State, mayChange bool, lang string) centreClass {
	key := "privacy." + string(s.Class)
	v := centreClass{
		Code: string(s.Class), Name: a.static.T(lang, "console.privacy.class."+string(s.Class)), What: a.static.T(lang, key+".what"), Basis: a.static.T(lang, key+".basis"),
		Until: a.until(s.Class, s.Days, lang), Rows: "–", Next: "–", Days: s.Days, Min: s.Min, Max: s.Max, Change: mayChange && !s.Fixed,
	}
	switch {
	case s.Few:
		v.Rows = count(1) // as everywhere that there are a few
	case s.Rows != nil:
		v.Rows = strconv.FormatInt(*s.Rows, 10)
	}
	if s.Next != nil {
		v.Next = when(*s.Next, lang)
	}
	if e := s.Last; e != nil {
		v.Last, v.Items, v.Digest, v.Key, v.Total = when(e.At, lang), strconv.Itoa(e.Items), e.IDsSHA256, e.KeyID, strconv.FormatInt(s.Total, 10)
		if e.Oldest != nil && e.Newest != nil {
			v.Period = when(*e.Oldest, lang) + " – " + when(*e.Newest, lang)
		}
	}
	return v
}

// setClock changes how long a class is kept.
func (a *API) setClock(c *gin.Context) error {
	lang, class := a.lang(c), privacy.Class(c.Param("class"))
	days, err := strconv.Atoi(strings.TrimSpace(c.PostForm("days")))
	if err != nil {
		days = -1
	}
	err = a.Privacy.Set(c.Request.Context(), a.actor(c), class, days)
	if survey.KindOf(err) == survey.Invalid && err != nil {
		p := a.problem(c.Request.Context(), err)
		text := p.Title
		if len(p.Errors) > 0 {
			text = a.static.T(lang, "console.privacy.wrong", "why", p.Errors[0].Message)
		}
		return a.showCentre(c, http.StatusUnprocessableEntity, text)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/privacy-centre?changed="+url.QueryEscape(string(class)))
	return nil
}
