package area

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chengyin/survey"
)

var unitCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

var kindNames = map[string]string{
	"机关": "government", "机关单位": "government", "机关事业单位": "government", "党政机关": "government",
	"社区": "community", "村": "community", "企业": "enterprise", "学校": "school", "窗口": "window", "窗口单位": "window", "窗口行业": "window",
}

type unitRow struct {
	*cursor
	unit  Unit
	depth int // of its parents, so that they are stored first
}

// sectorUnits checks a list of offices, schools, firms and service halls.
func (c *checker) sectorUnits(sheets []sheet) {
	rows := map[string]*unitRow{}
	var order []*unitRow
	c.each(sheets, func(r *cursor) {
		code := narrow(r.cell("code"))
		if !unitCode.MatchString(code) {
			r.wrong("code", "unit_code_bad", r.cell("code"))
			return
		}
		if first, again := rows[code]; again {
			r.wrong("code", "duplicate", code+" ("+strconv.Itoa(first.line.number)+")")
			return
		}
		old, known := c.have.units[code]
		u := &unitRow{cursor: r, unit: old}
		rows[code], order = u, append(order, u)
		u.unit.Code = code
		typed := strings.ToLower(r.cell("kind"))
		if u.unit.Kind = typed; kindNames[typed] != "" {
			u.unit.Kind = kindNames[typed]
		}
		if !slices.Contains(UnitKinds, u.unit.Kind) {
			r.wrong("kind", "kind_unknown", r.cell("kind"))
		}
		if u.unit.NameZH = r.text("name", true); r.has("name_en") {
			u.unit.NameEN = r.text("name_en", false)
		}
		u.unit.AreaCode = r.areaCode()
		if r.has("parent") {
			u.unit.ParentCode = nil
			if p := narrow(r.cell("parent")); p != "" {
				u.unit.ParentCode = &p
			}
		}
		r.days(&u.unit.ValidFrom, &u.unit.ValidTo, !known)
	})
	c.leanUnits(rows, order)
	slices.SortStableFunc(order, func(a, b *unitRow) int { return a.depth - b.depth })
	for _, u := range order {
		if u.bad {
			continue
		}
		old, known := c.have.units[u.unit.Code]
		switch {
		case !known:
			c.out.fresh++
		case sameUnit(old, u.unit):
			c.out.same++
			continue
		default:
			c.out.changed++
		}
		c.out.units = append(c.out.units, u.unit)
	}
}

// areaCode returns the code of the row's place, noting what is wrong with it.
func (r *cursor) areaCode() string {
	code := digits(r.cell("area"))
	_, known := r.have.areas[code]
	switch {
	case !known:
		r.wrong("area", "area_unknown", r.cell("area"))
	case !r.actor.Sees(survey.ManageAreas, code):
		r.wrong("area", "area_outside", r.cell("area"))
	}
	return code
}

// leanUnits checks parents, as lean does for places.
func (c *checker) leanUnits(rows map[string]*unitRow, order []*unitRow) {
	parent := func(code string) (up *string, known, bad bool) {
		if u, ok := rows[code]; ok {
			return u.unit.ParentCode, true, u.was
		}
		u, ok := c.have.units[code]
		return u.ParentCode, ok, false
	}
	for again := true; again; {
		again = false
		for _, u := range order {
			u.was = u.bad
		}
		for _, u := range order {
			if u.bad || u.unit.ParentCode == nil {
				continue
			}
			up := *u.unit.ParentCode
			_, known, bad := parent(up)
			switch {
			case !known:
				u.wrong("parent", "parent_unknown", up)
			case bad:
				u.wrong("parent", "parent_bad", up)
			default:
				u.depth = 0
				for p := u.unit.ParentCode; p != nil && u.depth <= longestChain; p, _, _ = parent(*p) {
					u.depth++
				}
				if u.depth > longestChain {
					u.wrong("parent", "parent_circle", up)
				}
			}
			again = again || u.bad
		}
	}
}

func sameUnit(a, b Unit) bool {
	return a.Code == b.Code && a.Kind == b.Kind && a.NameZH == b.NameZH && a.NameEN == b.NameEN && a.AreaCode == b.AreaCode &&
		equal(a.ParentCode, b.ParentCode) && a.ValidFrom.Equal(b.ValidFrom) && sameDay(a.ValidTo, b.ValidTo)
}
