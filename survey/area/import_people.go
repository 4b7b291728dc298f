package area

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

var ageNames = map[string]string{
	"18-29": "a18", "30-39": "a30", "40-49": "a40", "50-59": "a50", "60-69": "a60", "70+": "a70", "70及以上": "a70", "70以上": "a70",
}

var sexNames = map[string]string{"男": "m", "男性": "m", "male": "m", "女": "f", "女性": "f", "female": "f"}

// mostPersons of an age band and sex live in no community.
const mostPersons = 1_000_000

// population checks a table of the adults of communities by age band and sex.
func (c *checker) population(sheets []sheet) {
	rows := map[Population]int{} // by key
	c.each(sheets, func(r *cursor) {
		p := Population{AreaCode: r.areaCode(), Age: r.age(), Sex: r.sex()}
		if a, known := c.have.areas[p.AreaCode]; known && a.Level != Community {
			r.wrong("area", "level_wrong", r.cell("area"))
		}
		persons := r.persons()
		if r.bad {
			return
		}
		if first, again := rows[p]; again {
			r.wrong("area", "duplicate", r.cell("area")+" ("+strconv.Itoa(first)+")")
			return
		}
		rows[p] = r.line.number
		old, known := c.have.people[p]
		p.Persons, p.Source = persons, old.Source
		if r.has("source") {
			p.Source = r.text("source", false)
		}
		switch {
		case r.bad:
			return
		case !known:
			c.out.fresh++
		case old == p:
			c.out.same++
			return
		default:
			c.out.changed++
		}
		c.out.people = append(c.out.people, p)
	})
}

func (r *cursor) age() string {
	typed := r.cell("age")
	s := strings.NewReplacer("岁", "", " ", "", "—", "-", "–", "-", "~", "-", "至", "-", "(", "", ")", "").Replace(strings.ToLower(narrow(typed)))
	if ageNames[s] != "" {
		s = ageNames[s]
	}
	if !slices.Contains(Ages, s) {
		r.wrong("age", "age_unknown", typed)
	}
	return s
}

func (r *cursor) sex() string {
	typed := r.cell("sex")
	s := strings.ToLower(narrow(typed))
	if sexNames[s] != "" {
		s = sexNames[s]
	}
	if !slices.Contains(Sexes, s) {
		r.wrong("sex", "sex_unknown", typed)
	}
	return s
}

func (r *cursor) persons() int {
	typed := r.cell("persons")
	v, err := strconv.ParseFloat(narrow(typed), 64)
	switch {
	case typed == "":
		r.wrong("persons", "persons_missing", typed)
	case err != nil || v != math.Trunc(v): // NaN too
		r.wrong("persons", "persons_not_whole", typed)
	case v < 0:
		r.wrong("persons", "persons_negative", typed)
	case v > mostPersons:
		r.wrong("persons", "persons_too_many", typed)
	default:
		return int(v)
	}
	return 0
}
