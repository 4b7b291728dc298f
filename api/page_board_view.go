package api

import (
	"cmp"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/static/chart"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/score"
)

// boardLook is how the reader wants the board to look.
type boardLook struct {
	mode string
	sort string // "" by code, "name", or an indicator's code; "-" before it turns it round
}

// boardPage is the board.
type boardPage struct {
	shell
	Place      string
	PlaceCode  string
	Level      string // of the places below
	Crumbs     []navLink
	Waves      []navLink
	Wave       waveLine
	Modes      []navLink
	ModeNote   string
	Empty      *emptyBoard
	Cards      []cardView
	Table      *placesTable
	Differ     *differBox
	Run        runView
	Methods    []methodView
	Notes      []noteView
	Collectors string // address of the place's posters
}

// emptyBoard says what to do while there is nothing to show.
type emptyBoard struct {
	Posters, Places string // addresses; "" for those who may not
	NoPopulation    bool
}

// figureView is one estimate as it is shown. Numbers are words already; they are ""
// where nothing may be shown.
type figureView struct {
	Area, Indicator   string
	Name, Unit        string
	Estimate, Between string
	N, NEff, Deff, DK string
	Withheld          string // why there is no estimate
	Flags             []flagView
	Strip             template.HTML
	Axis              template.HTML // of the strip; in a table it stands in the head
}

type flagView struct{ Name, Why string }

type cardView struct {
	figureView
	Note      string
	From      string // which samples the combined figure comes from
	Companion *figureView
}

type runView struct {
	ID, Short, Recipe, RecipeCode string
	Version                       int
	AsOf                          time.Time
	When                          string // AsOf to the second, in China
	Code                          string
}

type noteView struct{ Name, Note string }

// newBoardPage words and draws the figures. A board without a recipe is one of a
// wave that has no run yet.
func (a *API) newBoardPage(c *gin.Context, at whereabouts, look boardLook, own, below score.Board) boardPage {
	lang := a.lang(c)
	b := boardMaker{a: a, lang: lang, at: at, look: look, recipe: own.Recipe, own: own, below: below}
	p := boardPage{Place: at.place.Name().In(lang), PlaceCode: at.place.Code, Collectors: at.href("/collectors")}
	p.shell = a.newShell(c, "board", p.Place+" · "+at.wave.Name().In(lang), at.query)
	p.Live, p.RunID, p.Contact = true, own.Run.ID, at.wave.Contact
	p.Events = "/board/events?" + url.Values{"wave": {at.wave.ID}}.Encode()
	p.Crumbs = a.crumbs(c, at, "/board")
	p.Waves = a.waveLinks(lang, at, "/board")
	p.Wave = a.waveLine(lang, at)
	if next := at.place.Level.Below(); next != "" {
		p.Level = a.static.T(lang, "console.level."+string(next))
	}
	if own.Recipe == nil || b.answers() == 0 {
		p.Empty = a.emptyBoard(c, at)
		return p
	}
	p.Modes, p.ModeNote = b.modes(), b.t("console.mode."+look.mode+".note")
	p.Cards = b.cards()
	if at.place.Level != area.Community {
		p.Table = b.table()
	}
	p.Differ = b.differ()
	p.Run = runView{ID: own.Run.ID, Short: own.Run.ID[max(0, len(own.Run.ID)-8):], Recipe: own.Recipe.Title.In(lang),
		RecipeCode: own.Run.RecipeCode, Version: own.Run.RecipeVersion, AsOf: own.Run.AsOf,
		When: own.Run.AsOf.In(static.China).Format(time.DateTime), Code: own.Run.CodeVersion}
	p.Methods = b.methods(c)
	for _, ind := range own.Recipe.Indicators {
		p.Notes = append(p.Notes, noteView{ind.Name.In(lang), ind.Note.In(lang)})
	}
	return p
}

// boardMaker holds what the parts of a board are made from.
type boardMaker struct {
	a          *API
	lang       string
	at         whereabouts
	look       boardLook
	recipe     *indicator.Recipe
	own, below score.Board
}

func (b *boardMaker) t(key string, args ...any) string { return b.a.static.T(b.lang, key, args...) }

// answers is the largest number of answers to any indicator in any mode.
func (b *boardMaker) answers() int {
	n := 0
	for _, s := range b.own.Scores {
		n = max(n, s.N)
	}
	return n
}

func (b *boardMaker) find(mode, ind string) score.Score {
	for _, s := range b.own.Scores {
		if s.Mode == mode && s.Indicator == ind {
			return s
		}
	}
	return score.Score{AreaCode: b.at.place.Code, Indicator: ind, Mode: mode, Reason: score.NoAnswers}
}

// figure words a score. What is withheld leaves no number behind, and counts
// below smallest are told as such.
func (b *boardMaker) figure(s score.Score) figureView {
	ind := b.indicator(s.Indicator)
	f := figureView{Area: s.AreaCode, Indicator: s.Indicator, Name: ind.Name.In(b.lang), Unit: b.unit(ind), N: count(s.N)}
	told := !slices.Contains(strings.Fields(s.Flags), score.NWithheld)
	switch {
	case told:
	case s.N < smallest:
		f.N = count(1) // as those who have a few
	default:
		f.N, f.NEff, f.Deff = b.t("console.n_withheld"), "–", "–"
	}
	if s.Suppressed() || s.Estimate == nil || s.N < smallest {
		f.Withheld = b.t("console.withheld."+cmp.Or(s.Reason, score.TooFew), "n", max(b.recipe.MinN, smallest))
		return f
	}
	f.Estimate = oneDecimal(*s.Estimate)
	m := chart.Mark{Class: s.Mode, Value: *s.Estimate, NoInterval: true, Hollow: s.Mode == collector.Scanned, ValueText: f.Estimate}
	if s.Low != nil && s.High != nil {
		f.Between = oneDecimal(*s.Low) + "–" + oneDecimal(*s.High)
		m.Low, m.High, m.NoInterval, m.IntervalText = *s.Low, *s.High, false, "["+f.Between+"]"
	}
	if s.NEff != nil && told {
		f.NEff = group(int(math.Round(*s.NEff)))
	}
	if s.Deff != nil && told {
		f.Deff = strconv.FormatFloat(*s.Deff, 'f', 2, 64)
	}
	if s.DKShare != nil {
		f.DK = oneDecimal(*s.DKShare) + "%"
	}
	for _, name := range strings.Fields(s.Flags) {
		f.Flags = append(f.Flags, b.flag(name))
	}
	f.Strip = chart.Strip(b.t("console.strip", "name", f.Name, "value", f.Estimate+f.Unit, "between", f.Between), m)
	return f
}

func (b *boardMaker) flag(name string) flagView {
	return flagView{b.t("console.flag." + name), b.t("console.flag." + name + ".why")}
}

func (b *boardMaker) indicator(code string) indicator.Indicator {
	for _, ind := range b.recipe.Indicators {
		if ind.Code == code {
			return ind
		}
	}
	return indicator.Indicator{Code: code}
}

func (b *boardMaker) unit(ind indicator.Indicator) string {
	if ind.Kind == indicator.Share {
		return "%"
	}
	return b.t("console.points")
}

// shown lists the indicators with a column of their own.
func (b *boardMaker) shown() []indicator.Indicator {
	var out []indicator.Indicator
	for _, ind := range b.recipe.Indicators {
		if ind.Companion == "" {
			out = append(out, ind)
		}
	}
	return out
}

func (b *boardMaker) modes() []navLink {
	var out []navLink
	for _, m := range score.Modes {
		out = append(out, navLink{Name: b.t("console.mode." + m), Href: b.link(m, b.look.sort), Current: m == b.look.mode})
	}
	return out
}

// link is the address of this board in another mode or order.
func (b *boardMaker) link(mode, sort string) string {
	at := b.at
	if mode != score.Combined {
		at = at.with("mode", mode)
	}
	if sort != "" {
		at = at.with("sort", sort)
	}
	return at.href("/board")
}

func (b *boardMaker) cards() []cardView {
	var out []cardView
	for _, ind := range b.shown() {
		s := b.find(b.look.mode, ind.Code)
		card := cardView{figureView: b.figure(s), Note: ind.Note.In(b.lang)}
		card.Axis = chart.Axis()
		if from, _, ok := strings.Cut(s.Method, ":"); ok && b.look.mode == score.Combined && !s.Suppressed() {
			card.From = b.t("console.from." + from)
		}
		for _, other := range b.recipe.Indicators {
			if other.Companion == ind.Code {
				f := b.figure(b.find(b.look.mode, other.Code))
				card.Companion = &f
				break
			}
		}
		out = append(out, card)
	}
	return out
}

// emptyBoard is what a wave without answers shows.
func (a *API) emptyBoard(c *gin.Context, at whereabouts) *emptyBoard {
	e := &emptyBoard{}
	who := a.actor(c)
	if who.Can(survey.ManageCollectors) {
		e.Posters = at.href("/collectors")
	}
	if who.Can(survey.ManageAreas) {
		e.Places = "/areas?" + url.Values{"parent": {at.place.Code}}.Encode()
	}
	if people, err := a.Areas.Population(c.Request.Context(), at.place.Code); err == nil {
		e.NoPopulation = len(people) == 0
	}
	return e
}

func oneDecimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// count tells a number of answers, unless it is so small that it might point to
// somebody.
func count(n int) string {
	if n > 0 && n < smallest {
		return "<" + strconv.Itoa(smallest)
	}
	return group(n)
}

// group writes a number with a comma at each thousand.
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
