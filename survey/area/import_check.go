package area

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chengyin/survey"
)

// checker goes through the rows of a file.
type checker struct {
	have  known
	actor survey.Actor
	today time.Time
	out   outcome
	found []located
}

// located is a problem and the number of its sheet, to be sorted by.
type located struct {
	RowProblem
	sheet int
}

// cursor is the row that is being checked.
type cursor struct {
	*checker
	sheet
	line
	place int // of the sheet in the file
	bad   bool
	was   bool // bad before the present pass over the rows
}

func (c *checker) each(sheets []sheet, f func(*cursor)) {
	for i, s := range sheets {
		for _, l := range s.rows {
			c.out.rows++
			f(&cursor{checker: c, sheet: s, line: l, place: i})
		}
	}
}

// wrong notes a problem of the row.
func (r *cursor) wrong(column, code, value string) {
	r.bad = true
	r.found = append(r.found, located{RowProblem{Sheet: r.sheet.name, Row: r.line.number, Column: column, Code: code, Value: short(value)}, r.place})
}

func (r *cursor) cell(column string) string { return r.get(r.line, column) }

const longestName = 100

// text returns a name, noting what is wrong with it.
func (r *cursor) text(column string, required bool) string {
	s := r.cell(column)
	switch {
	case s == "" && required:
		r.wrong(column, "name_missing", s)
	case strings.ContainsAny(s[:min(1, len(s))], "=+-@"):
		r.wrong(column, "formula", s) // a spreadsheet that opens our exports would run it
	case !utf8.ValidString(s), strings.ContainsFunc(s, unprintable):
		r.wrong(column, "characters_bad", s)
	case utf8.RuneCountInString(s) > longestName:
		r.wrong(column, "name_too_long", s)
	}
	return s
}

func unprintable(c rune) bool {
	return unicode.IsControl(c) || c == utf8.RuneError || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// days fills in the days between which something stands. Where the sheet has no
// such column, what is known stays; a new place without a day stands from today.
func (r *cursor) days(from *time.Time, to **time.Time, isNew bool) {
	if s := r.cell("valid_from"); s != "" {
		t, ok := r.date(s)
		if !ok {
			r.wrong("valid_from", "date_bad", s)
		}
		*from = t
	} else if isNew {
		*from = r.today
	}
	if !r.has("valid_to") {
		return
	}
	*to = nil
	if s := r.cell("valid_to"); s != "" {
		t, ok := r.date(s)
		switch {
		case !ok:
			r.wrong("valid_to", "date_bad", s)
		case !t.After(*from):
			r.wrong("valid_to", "ends_before_start", s)
		default:
			*to = &t
		}
	}
}

// placeRow is a row of places that is being checked.
type placeRow struct {
	*cursor
	area Area
}

var levelNames = map[Level][]string{
	City:        {"city", "市", "地级市", "城市"},
	District:    {"district", "区", "县", "区县", "区(县)", "县级市", "新区"},
	Subdistrict: {"subdistrict", "town", "街道", "镇", "乡", "乡镇", "街道(镇)", "镇街", "街道乡镇"},
	Community:   {"community", "village", "社区", "村", "居委会", "村委会", "社区(村)", "行政村", "居委", "村委"},
}

// places checks a list of places. A row may lean on another, as its parent or its
// successor; when that one is bad, so is the row.
func (c *checker) places(sheets []sheet) {
	rows := map[string]*placeRow{}
	var order []*placeRow
	c.each(sheets, func(r *cursor) {
		typed := r.cell("code")
		code := digits(typed)
		level, err := LevelOf(code)
		if err != nil {
			r.wrong("code", "code_bad", typed)
			r.text("name", true)
			return
		}
		if first, again := rows[code]; again {
			r.wrong("code", "duplicate", typed+" ("+strconv.Itoa(first.line.number)+")")
			return
		}
		old, known := c.have.areas[code]
		p := &placeRow{cursor: r, area: old}
		rows[code], order = p, append(order, p)
		p.area.Code, p.area.Level = code, level
		if p.area.NameZH = r.text("name", true); r.has("name_en") {
			p.area.NameEN = r.text("name_en", false)
		}
		r.days(&p.area.ValidFrom, &p.area.ValidTo, !known)
		if s := strings.ToLower(narrow(r.cell("level"))); s != "" && !slices.Contains(levelNames[level], s) {
			r.wrong("level", "level_wrong", r.cell("level"))
		}
		if r.has("successor") {
			p.area.SuccessorCode = nil
			if s := digits(r.cell("successor")); s != "" {
				p.area.SuccessorCode = &s
			}
		}
		p.area.ParentCode = nil
		if up := ParentOf(code); up != "" {
			p.area.ParentCode = &up
		}
		if !c.actor.Sees(survey.ManageAreas, code) {
			r.wrong("code", "area_outside", typed)
		}
	})
	c.lean(rows, order)
	for _, p := range order {
		if p.bad {
			continue
		}
		old, known := c.have.areas[p.area.Code]
		switch {
		case !known:
			c.out.fresh++
		case same(old, p.area):
			c.out.same++
			continue
		default:
			c.out.changed++
		}
		c.out.areas = append(c.out.areas, p.area)
	}
}

// lean checks parents and successors until nothing more is found: a bad row makes
// those bad that lean on it.
func (c *checker) lean(rows map[string]*placeRow, order []*placeRow) {
	at := func(code string) (Area, bool, bool) {
		if p, ok := rows[code]; ok {
			return p.area, true, p.was
		}
		a, ok := c.have.areas[code]
		return a, ok, false
	}
	for again := true; again; {
		again = false
		for _, p := range order {
			p.was = p.bad
		}
		for _, p := range order {
			if p.bad {
				continue
			}
			if up := p.area.ParentCode; up != nil {
				_, known, bad := at(*up)
				switch {
				case !known:
					p.wrong("code", "parent_unknown", *up)
				case bad:
					p.wrong("code", "parent_bad", *up)
				}
			}
			if to := p.area.SuccessorCode; to != nil {
				next, known, bad := at(*to)
				switch {
				case *to == p.area.Code:
					p.wrong("successor", "successor_self", *to)
				case !known:
					p.wrong("successor", "successor_unknown", *to)
				case bad:
					p.wrong("successor", "successor_bad", *to)
				case next.Level != p.area.Level:
					p.wrong("successor", "successor_level", *to)
				case p.area.ValidTo == nil:
					p.wrong("successor", "successor_without_end", *to)
				case circular(p.area.Code, at):
					p.wrong("successor", "successor_circle", *to)
				}
			}
			again = again || p.bad
		}
	}
}

// longestChain is how many successors or parents may follow each other. Without
// a bound a file could be made whose chains take hours to follow.
const longestChain = 50

// circular reports whether the successors of a place lead in a circle, or on for
// longer than longestChain.
func circular(code string, at func(string) (Area, bool, bool)) bool {
	for range longestChain {
		a, ok, _ := at(code)
		if !ok || a.SuccessorCode == nil {
			return false
		}
		code = *a.SuccessorCode
	}
	return true
}

func same(a, b Area) bool {
	return a.Code == b.Code && a.Level == b.Level && a.NameZH == b.NameZH && a.NameEN == b.NameEN &&
		equal(a.ParentCode, b.ParentCode) && equal(a.SuccessorCode, b.SuccessorCode) && a.ValidFrom.Equal(b.ValidFrom) && sameDay(a.ValidTo, b.ValidTo)
}

func equal(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

func sameDay(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
