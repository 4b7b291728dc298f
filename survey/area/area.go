// Package area keeps the trees that results are read by: places (属地) by their
// 12-digit 统计用区划代码, and the offices, schools and firms of a sector (行业),
// with the number of adults who live in each community.
package area

import (
	"fmt"
	"strings"
	"time"

	"chengyin/survey"
)

// Level is the rank of a place.
type Level string

// The levels, from the top.
const (
	City        Level = "city"
	District    Level = "district"
	Subdistrict Level = "subdistrict"
	Community   Level = "community"
)

// Levels lists the levels from the top.
var Levels = []Level{City, District, Subdistrict, Community}

// Below returns the next level down, "" below a community.
func (l Level) Below() Level {
	for i, x := range Levels[:len(Levels)-1] {
		if x == l {
			return Levels[i+1]
		}
	}
	return ""
}

// Area is a place. It is valid from a day to the day before ValidTo; one that
// was merged into another names its successor, and its results follow.
type Area struct {
	Code          string `gorm:"primaryKey"`
	ParentCode    *string
	Level         Level
	NameZH        string `gorm:"column:name_zh"`
	NameEN        string `gorm:"column:name_en"`
	ValidFrom     time.Time
	ValidTo       *time.Time
	SuccessorCode *string
}

// Name returns the area's name in both languages.
func (a Area) Name() survey.Text { return survey.Text{ZH: a.NameZH, EN: a.NameEN} }

// LevelOf returns the level that the zeros of a 12-digit code tell: two digits
// of province and two of city, then two of district, three of subdistrict or
// town, three of the committee.
func LevelOf(code string) (Level, error) {
	if len(code) != 12 || strings.Trim(code, "0123456789") != "" {
		return "", fmt.Errorf("area code %q: not 12 digits", code)
	}
	switch len(survey.Prefix(code)) {
	case 4:
		return City, nil
	case 6:
		return District, nil
	case 9:
		return Subdistrict, nil
	case 12:
		return Community, nil
	}
	return "", fmt.Errorf("area code %q: of no city or below", code)
}

// ParentOf returns the code of the place above, "" above a city.
func ParentOf(code string) string {
	var n int
	switch len(survey.Prefix(code)) {
	case 12:
		n = 9
	case 9:
		n = 6
	case 6:
		n = 4
	default:
		return ""
	}
	return code[:n] + strings.Repeat("0", 12-n)
}

// The age bands and sexes of the population table, the margins of weighting.
// People under 18 are not surveyed.
var (
	Ages  = []string{"a18", "a30", "a40", "a50", "a60", "a70"}
	Sexes = []string{"m", "f"}
)

// Population is the number of persons of an age band and sex in a community.
type Population struct {
	AreaCode string `gorm:"primaryKey"`
	Age      string `gorm:"primaryKey"`
	Sex      string `gorm:"primaryKey"`
	Persons  int
	Source   string
}

// TableName is population.
func (Population) TableName() string { return "population" }

// The kinds of units in the tree of sectors.
var UnitKinds = []string{"government", "community", "enterprise", "school", "window"}

// Unit is an office, community, firm, school or service hall in the tree of
// sectors.
type Unit struct {
	Code          string `gorm:"primaryKey"`
	ParentCode    *string
	Kind          string
	NameZH        string `gorm:"column:name_zh"`
	NameEN        string `gorm:"column:name_en"`
	AreaCode      string
	ValidFrom     time.Time
	ValidTo       *time.Time
	SuccessorCode *string
}

// TableName is sector_units.
func (Unit) TableName() string { return "sector_units" }

// Name returns the unit's name in both languages.
func (u Unit) Name() survey.Text { return survey.Text{ZH: u.NameZH, EN: u.NameEN} }

// Successors maps the code of each place that was merged away to the place that
// holds its results now, following chains. Places that stand are not in it.
func Successors(areas []Area) map[string]string {
	next := map[string]string{}
	for _, a := range areas {
		if a.ValidTo != nil && a.SuccessorCode != nil {
			next[a.Code] = *a.SuccessorCode
		}
	}
	out := map[string]string{}
	for code := range next {
		to := code
		for steps := 0; steps <= len(next); steps++ {
			n, ok := next[to]
			if !ok {
				break
			}
			to = n
		}
		out[code] = to
	}
	return out
}
