package api

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"

	"chengyin/static/chart"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/score"
)

// placesTable sets the places one level down side by side.
type placesTable struct {
	Heads []headView
	Rows  []rowView
	Flags []flagView // those that occur, explained
}

// headView is the head of a column, and the order of rows that it offers.
type headView struct {
	Name, Unit, Href string
	Sort             string // a value of aria-sort
	Axis             template.HTML
}

// rowView is a place with a figure for each indicator.
type rowView struct {
	Name, Code, Href string
	Figures          []figureView
	Flags            []flagView // those of every figure, said once
	value            map[string]float64
}

// table lists places by code unless the reader asks otherwise, and without ranks,
// which the intervals would not bear out.
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
	for _, name := range []string{score.SmallSample, score.Wide, score.Borrowed, score.ModelBased, score.NWithheld} {
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
