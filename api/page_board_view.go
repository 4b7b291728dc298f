package api

import (
	"cmp"
	"encoding/json"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/encoding/simplifiedchinese"

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

// waveLine tells about the wave in one line.
type waveLine struct {
	Name, State string
	Opens, Ends time.Time
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

type placesTable struct {
	Heads []headView
	Rows  []rowView
	Flags []flagView // those that occur, explained
}

type headView struct {
	Name, Unit, Href string
	Sort             string // a value of aria-sort
	Axis             template.HTML
}

type rowView struct {
	Name, Code, Href string
	Figures          []figureView
	Flags            []flagView // those of every figure, said once
	value            map[string]float64
}

// differBox sets visits beside scans, for the indicators for which both may be
// shown.
type differBox struct {
	VisitKey, ScanKey template.HTML
	Pairs             []differView
}

// differView sets visits beside scans.
type differView struct {
	Name, Visit, Scan  string
	VisitBetween       string
	ScanBetween        string
	VisitN, ScanN      string
	Difference, Saying string
	Strip, Axis        template.HTML
}

type runView struct {
	ID, Short, Recipe, RecipeCode string
	Version                       int
	AsOf                          time.Time
	When                          string // AsOf to the second, in China
	Code                          string
}

type methodView struct {
	Mode, N, Total, Deff, NEff, Factors, Worst string
	Collapsed                                  []string
	Elsewhere                                  int // how many more were joined out of the reader's sight
	Problem                                    bool
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
	if s.NEff != nil {
		f.NEff = group(int(math.Round(*s.NEff)))
	}
	if s.Deff != nil {
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

// table sets the places one level down side by side: by code unless the reader
// asks otherwise, and without ranks, which the intervals would not bear out.
func (b *boardMaker) table() *placesTable {
	t := &placesTable{}
	shown := b.shown()
	by, down := strings.TrimPrefix(b.look.sort, "-"), strings.HasPrefix(b.look.sort, "-")
	head := func(name, unit, key string, axis template.HTML) {
		h := headView{Name: name, Unit: unit, Href: b.link(b.look.mode, key), Sort: "none", Axis: axis}
		figure := unit != "" // whose large values are asked for first
		switch {
		case key == by && down:
			h.Sort = "descending"
		case key == by:
			h.Sort = "ascending"
			h.Href = b.link(b.look.mode, "-"+key)
		case figure:
			h.Href = b.link(b.look.mode, "-"+key)
		}
		t.Heads = append(t.Heads, h)
	}
	head(b.t("console.board.code"), "", "", "")
	head(b.t("console.board.name"), "", "name", "")
	for _, ind := range shown {
		head(ind.Name.In(b.lang), b.unit(ind), ind.Code, chart.Axis())
	}
	at := map[string]int{}
	occurs := map[string]bool{}
	for _, s := range b.below.Scores {
		i, known := at[s.AreaCode]
		if !known {
			i = len(t.Rows)
			at[s.AreaCode] = i
			to := b.at.with("area", s.AreaCode)
			if b.look.mode != score.Combined {
				to = to.with("mode", b.look.mode)
			}
			t.Rows = append(t.Rows, rowView{Name: s.Area.Name().In(b.lang), Code: s.AreaCode, Href: to.href("/board"),
				Figures: make([]figureView, len(shown)), value: map[string]float64{}})
		}
		k := slices.IndexFunc(shown, func(ind indicator.Indicator) bool { return ind.Code == s.Indicator })
		if k < 0 {
			continue
		}
		f := b.figure(s)
		if b.look.mode == collector.Scanned { // it is said once, above
			f.Flags = slices.DeleteFunc(f.Flags, func(x flagView) bool { return x == b.flag(score.ModelBased) })
		}
		t.Rows[i].Figures[k] = f
		if f.Withheld == "" {
			t.Rows[i].value[s.Indicator] = *s.Estimate
			for _, name := range strings.Fields(s.Flags) {
				occurs[name] = true
			}
		}
	}
	for i := range t.Rows {
		t.Rows[i].gather()
	}
	for _, name := range []string{score.SmallSample, score.Wide, score.Borrowed, score.ModelBased} {
		if occurs[name] && (name != score.ModelBased || b.look.mode != collector.Scanned) {
			t.Flags = append(t.Flags, b.flag(name))
		}
	}
	sortRows(t.Rows, by, down)
	return t
}

// gather moves the flags that all figures of the row carry from them to the row.
func (r *rowView) gather() {
	var first *figureView
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Estimate != "" && first == nil {
			first = f
		}
	}
	if first == nil {
		return
	}
	for _, flag := range slices.Clone(first.Flags) {
		missing := func(f figureView) bool { return f.Estimate != "" && !slices.Contains(f.Flags, flag) }
		if slices.ContainsFunc(r.Figures, missing) {
			continue
		}
		r.Flags = append(r.Flags, flag)
		for i := range r.Figures {
			r.Figures[i].Flags = slices.DeleteFunc(r.Figures[i].Flags, func(x flagView) bool { return x == flag })
		}
	}
}

// sortRows orders places by code, name or value. Places whose value is withheld
// come last either way.
func sortRows(rows []rowView, by string, down bool) {
	name := map[string]string{}
	for _, r := range rows {
		name[r.Code] = pinyin(r.Name)
	}
	slices.SortStableFunc(rows, func(x, y rowView) int {
		var order int
		switch by {
		case "":
			order = cmp.Compare(x.Code, y.Code)
		case "name":
			order = cmp.Compare(name[x.Code], name[y.Code])
		default:
			vx, okx := x.value[by]
			vy, oky := y.value[by]
			if okx != oky {
				if okx {
					return -1
				}
				return 1
			}
			order = cmp.Compare(vx, vy)
		}
		if down {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(x.Code, y.Code))
	})
}

// pinyin returns a key that orders Chinese words as dictionaries do: the common
// characters of GBK stand in the order of their pronunciation.
func pinyin(s string) string {
	key, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		return s // a character that GBK does not have
	}
	return key
}

// differ sets the two modes beside each other. Returns nil when there is nothing
// to set side by side.
func (b *boardMaker) differ() *differBox {
	out := &differBox{VisitKey: chart.Key(collector.Visited, false), ScanKey: chart.Key(collector.Scanned, true)}
	for _, ind := range b.shown() {
		v, s := b.find(collector.Visited, ind.Code), b.find(collector.Scanned, ind.Code)
		vf, sf := b.figure(v), b.figure(s)
		if vf.Between == "" || sf.Between == "" || v.SE == nil || s.SE == nil {
			continue
		}
		unit := b.unit(ind)
		d := differView{Name: ind.Name.In(b.lang), Visit: vf.Estimate + unit, Scan: sf.Estimate + unit, VisitBetween: vf.Between, ScanBetween: sf.Between, VisitN: vf.N, ScanN: sf.N}
		// From the figures as they are printed, so that the reader can check it.
		diff := math.Round(*s.Estimate*10)/10 - math.Round(*v.Estimate*10)/10
		d.Difference = strconv.FormatFloat(math.Abs(diff), 'f', 1, 64)
		way := "higher"
		switch {
		case d.Difference == "0.0":
			way = "same"
		case diff < 0:
			way = "lower"
		}
		points := "console.points"
		if ind.Kind == indicator.Share {
			points = "console.percent_points"
		}
		d.Saying = b.t("console.differ."+way, "points", d.Difference+b.t(points))
		if math.Abs(*s.Estimate-*v.Estimate) <= 1.96*math.Hypot(*s.SE, *v.SE) {
			d.Saying += b.t("console.differ.chance")
		} else {
			d.Saying += b.t("console.differ.beyond")
		}
		d.Axis = chart.Axis()
		d.Strip = chart.Strip(b.t("console.differ.strip", "name", d.Name, "visit", d.Visit, "visit_between", vf.Between, "scan", d.Scan, "scan_between", sf.Between),
			chart.Mark{Class: collector.Visited, Name: b.t("console.mode.visit"), Value: *v.Estimate, Low: *v.Low, High: *v.High, ValueText: vf.Estimate, IntervalText: "[" + vf.Between + "]"},
			chart.Mark{Class: collector.Scanned, Name: b.t("console.mode.scan"), Value: *s.Estimate, Low: *s.Low, High: *s.High, ValueText: sf.Estimate, IntervalText: "[" + sf.Between + "]", Hollow: true})
		out.Pairs = append(out.Pairs, d)
	}
	if len(out.Pairs) == 0 {
		return nil
	}
	return out
}

// methods words how the answers of each mode were weighted.
func (b *boardMaker) methods(c *gin.Context) []methodView {
	var all []score.Weighting
	if err := json.Unmarshal([]byte(b.own.Run.Weighting), &all); err != nil {
		b.a.logFailure(c, err)
		return nil
	}
	names := map[string]string{}
	if tree, err := b.a.Areas.Tree(c.Request.Context(), b.at.wave.AreaCode); err == nil {
		for _, x := range tree {
			names[x.Code] = x.Name().In(b.lang)
		}
	}
	var out []methodView
	for _, w := range all {
		m := methodView{Mode: b.t("console.mode." + w.Mode), N: count(w.N), Problem: w.Problem != ""}
		if w.N >= smallest && w.Problem == "" {
			m.Total = group(int(math.Round(w.Total)))
			m.Deff = strconv.FormatFloat(w.KishDeff, 'f', 2, 64)
			m.NEff = group(int(math.Round(w.KishNEff)))
			m.Factors = significant(w.MinG) + " – " + significant(w.MedianG) + " – " + significant(w.MaxG)
			m.Worst = strconv.FormatFloat(100*w.Worst, 'g', 1, 64) + "%"
			for _, joined := range w.Collapsed {
				if !inSight(b.a.actor(c), joined, names) {
					m.Elsewhere++
					continue
				}
				m.Collapsed = append(m.Collapsed, b.joined(joined, names))
			}
		}
		out = append(out, m)
	}
	return out
}

// inSight reports whether the actor sees all places that were put together: that
// they were says that few people there answered.
func inSight(who survey.Actor, joined string, names map[string]string) bool {
	for _, p := range strings.Split(joined, "+") {
		if _, place := names[p]; place && !who.Sees(p) {
			return false
		}
	}
	return true
}

// joined words what was put together before weighting: codes of places, age
// bands or strata with "+" between them.
func (b *boardMaker) joined(text string, names map[string]string) string {
	parts := strings.Split(text, "+")
	for i, p := range parts {
		if name, ok := names[p]; ok {
			parts[i] = name
		} else if key := "console.value." + p; b.a.static.Has(b.lang, key) {
			parts[i] = b.t(key)
		}
	}
	return strings.Join(parts, " + ")
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

// crumbs lead from the top of the wave to the place. Places above the actor's
// own are named but not linked.
func (a *API) crumbs(c *gin.Context, at whereabouts, path string) []navLink {
	who, lang := a.actor(c), a.lang(c)
	var out []navLink
	for _, p := range at.path {
		l := navLink{Name: p.Name().In(lang), Current: p.Code == at.place.Code}
		if who.Sees(p.Code) && !l.Current {
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

func oneDecimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func significant(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

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
