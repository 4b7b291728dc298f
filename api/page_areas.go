package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/area"
)

// areasPage shows the places below a place with their people and units.
type areasPage struct {
	shell
	Place  string
	Code   string
	Crumbs []navLink
	Board  string
	People string // adults in the whole place; "" when nobody has entered them
	Rows   []areaRow
	Leaf   bool // there is no level below
	Units  []unitKind
	Bands  []bandRow
	Import *importView // nil for those who may not
}

type areaRow struct {
	Name, Code, Level, Href string
	People                  string
	Share                   string // of the people of the whole place
	Communities             int
	Gone                    string // where it was merged into
}

type unitKind struct {
	Name  string
	Count int
	List  []area.Unit
}

// bandRow is the people of an age band.
type bandRow struct{ Age, Men, Women, All, Share string }

func (a *API) areas(c *gin.Context) error {
	p, err := a.newAreasPage(c)
	if err != nil {
		return err
	}
	return a.writeConsole(c, http.StatusOK, "console/areas", p)
}

func (a *API) newAreasPage(c *gin.Context) (areasPage, error) {
	who, lang, ctx := a.actor(c), a.lang(c), c.Request.Context()
	var p areasPage
	if !who.Can(survey.SeeScores) && !who.Can(survey.ManageAreas) {
		return p, survey.ErrDenied
	}
	code := c.Query("parent")
	if code == "" {
		code = c.Query("area") // as links from the other pages say it
	}
	if code == "" {
		code = who.Home(survey.SeeScores, survey.ManageAreas)
		if survey.Prefix(code) == "" { // everything
			cities, err := a.Areas.Children(ctx, "")
			if err != nil {
				return p, err
			}
			if len(cities) == 1 {
				code = cities[0].Code
			}
		}
	}
	if !who.Sees(survey.SeeScores, code) && !who.Sees(survey.ManageAreas, code) {
		return p, area.ErrNotFound
	}
	top, err := a.Areas.ByCode(ctx, code)
	known := err == nil
	if errors.Is(err, area.ErrNotFound) && code == who.Home(survey.SeeScores, survey.ManageAreas) {
		// The place that all of this person's lie in may be no place itself, or not
		// have been imported yet; and here is where to import.
		top, err = area.Area{Code: code, NameZH: code, NameEN: code}, nil
		if survey.Prefix(code) == "" {
			top.NameZH, top.NameEN = a.static.T("zh", "console.areas.everything"), a.static.T("en", "console.areas.everything")
		}
	}
	if err != nil {
		return p, err
	}
	tree, err := a.Areas.Tree(ctx, code)
	if err != nil {
		return p, err
	}
	people, err := a.Areas.Population(ctx, code)
	if err != nil {
		return p, err
	}
	units, err := a.Areas.Units(ctx, code)
	if err != nil {
		return p, err
	}
	p.Place, p.Code = top.Name().In(lang), top.Code
	links := url.Values{}
	if known {
		links.Set("area", code)
	}
	p.shell = a.newShell(c, "areas", a.static.T(lang, "console.nav.areas")+" · "+p.Place, links)
	if who.Can(survey.SeeScores) && known {
		p.Board = "/board?" + url.Values{"area": {code}}.Encode()
	}
	if p.Crumbs, err = a.areaCrumbs(ctx, who, top, lang); err != nil {
		return p, err
	}
	p.Rows = a.areaRows(lang, top, tree, people)
	p.Leaf = top.Level == area.Community
	p.Bands = a.bandRows(lang, people)
	total := 0
	for _, x := range people {
		total += x.Persons
	}
	if total > 0 {
		p.People = group(total)
	}
	for _, kind := range area.UnitKinds {
		k := unitKind{Name: a.static.T(lang, "console.unit."+kind)}
		for _, u := range units {
			if u.Kind == kind {
				k.Count++
				k.List = append(k.List, u)
			}
		}
		p.Units = append(p.Units, k)
	}
	p.Import = a.newImport(c, code)
	return p, nil
}

// areaCrumbs lead from the highest place to this one.
func (a *API) areaCrumbs(ctx context.Context, who survey.Actor, at area.Area, lang string) ([]navLink, error) {
	out := []navLink{{Name: at.Name().In(lang), Current: true}}
	for at.ParentCode != nil {
		var err error
		if at, err = a.Areas.ByCode(ctx, *at.ParentCode); err != nil {
			return nil, err
		}
		l := navLink{Name: at.Name().In(lang)}
		if who.Sees(survey.SeeScores, at.Code) || who.Sees(survey.ManageAreas, at.Code) {
			l.Href = "/areas?parent=" + at.Code
		}
		out = append([]navLink{l}, out...)
	}
	return out, nil
}

// areaRows lists the places directly below top.
func (a *API) areaRows(lang string, top area.Area, tree []area.Area, people []area.Population) []areaRow {
	name := map[string]string{}
	for _, x := range tree {
		name[x.Code] = x.Name().In(lang)
	}
	total := 0
	for _, x := range people {
		total += x.Persons
	}
	parent := top.Code
	if survey.Prefix(parent) == "" {
		parent = "" // of cities
	}
	now := a.Clock()
	var out []areaRow
	for _, x := range tree {
		if x.ParentCode == nil && parent != "" || x.ParentCode != nil && *x.ParentCode != parent {
			continue
		}
		r := areaRow{Name: name[x.Code], Code: x.Code, Level: a.static.T(lang, "console.level."+string(x.Level))}
		below := survey.Prefix(x.Code)
		n := 0
		for _, q := range people {
			if strings.HasPrefix(q.AreaCode, below) {
				n += q.Persons
			}
		}
		if n > 0 {
			r.People, r.Share = group(n), oneDecimal(100*float64(n)/float64(total))+"%"
		}
		for _, y := range tree {
			if y.Level == area.Community && strings.HasPrefix(y.Code, below) && (y.ValidTo == nil || now.Before(*y.ValidTo)) {
				r.Communities++
			}
		}
		if x.ValidTo != nil && !now.Before(*x.ValidTo) {
			r.Gone = a.static.T(lang, "console.areas.gone")
			if x.SuccessorCode != nil {
				r.Gone = a.static.T(lang, "console.areas.merged", "into", name[*x.SuccessorCode])
			}
		}
		if x.Level != area.Community {
			r.Href = "/areas?parent=" + x.Code
		}
		out = append(out, r)
	}
	return out
}

// bandRows adds up the people by age band and sex: the totals that weights are
// made to meet.
func (a *API) bandRows(lang string, people []area.Population) []bandRow {
	sum := map[string]int{}
	total := 0
	for _, x := range people {
		sum[x.Age+x.Sex] += x.Persons
		total += x.Persons
	}
	if total == 0 {
		return nil
	}
	var out []bandRow
	for _, age := range area.Ages {
		all := sum[age+"m"] + sum[age+"f"]
		out = append(out, bandRow{Age: a.static.T(lang, "console.value."+age), Men: group(sum[age+"m"]), Women: group(sum[age+"f"]), All: group(all),
			Share: oneDecimal(100*float64(all)/float64(total)) + "%"})
	}
	return out
}
