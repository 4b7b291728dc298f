package fieldwork

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"chengyin/survey/store"
)

// householdRow is a drawn household as it is read: what was drawn, who has it, what its
// records add up to.
type householdRow struct {
	ID, AreaCode, Stratum, PSU, Household string
	Weight                                float64
	Reserve                               *bool
	Position                              *int
	Base                                  *float64
	PlanID, Building, Unit, Room, Picks   *string
	AccountID, Login, Name                *string
	IsOpen                                *bool
	Outcome                               *string
	Visits, Periods, Adults               *int
	Answered                              *string
}

// householdsOf returns the drawn households of a wave in the places below tops, in
// the order of place, PSU and position: of one PSU only when it is given. It asks
// once, whatever the number of households.
func householdsOf(r *gorm.DB, waveID string, tops []string, psu string) ([]Household, error) {
	q := r.Table("sample_units AS u").
		Select("u.id, u.area_code, u.stratum, u.psu, u.household, u.weight, "+
			"h.plan_id, h.reserve, h.position, h.base, h.building, h.unit, h.room, h.picks, "+
			"a.account_id, p.login, p.name, f.is_open, f.outcome, f.visits, f.periods, f.adults, x.id AS answered").
		Joins("LEFT JOIN sample_homes AS h ON h.unit_id = u.id").
		Joins("LEFT JOIN field_homes AS f ON f.unit_id = u.id").
		Joins("LEFT JOIN assignments AS a ON a.unit_id = u.id").
		Joins("LEFT JOIN accounts AS p ON p.id = a.account_id").
		Joins("LEFT JOIN responses AS x ON x.sample_unit_id = u.id").
		Where("u.wave_id = ?", waveID).Scopes(store.Within("u.area_code", tops))
	if psu != "" {
		q = q.Where("u.psu = ?", psu)
	}
	var rows []householdRow
	if err := q.Scan(&rows).Error; err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("load households: %w", err)
	}
	out := make([]Household, len(rows))
	for i, x := range rows {
		out[i] = x.household()
	}
	slices.SortFunc(out, func(a, b Household) int {
		return cmp.Or(strings.Compare(a.AreaCode, b.AreaCode), compareNatural(a.Building, b.Building), compareNatural(a.PSU, b.PSU), a.Position-b.Position, compareNatural(a.Code, b.Code))
	})
	return out, nil
}

func (x householdRow) household() Household {
	h := Household{UnitID: x.ID, AreaCode: x.AreaCode, Stratum: x.Stratum, PSU: x.PSU, Code: x.Household, Base: x.Weight, Open: true, Outcome: NotVisited, Adults: x.Adults}
	set(&h.PlanID, x.PlanID)
	set(&h.Reserve, x.Reserve)
	set(&h.Position, x.Position)
	set(&h.Base, x.Base)
	set(&h.Building, x.Building)
	set(&h.Unit, x.Unit)
	set(&h.Room, x.Room)
	set(&h.picks, x.Picks)
	set(&h.AccountID, x.AccountID)
	set(&h.Login, x.Login)
	set(&h.Worker, x.Name)
	set(&h.Open, x.IsOpen)
	set(&h.Outcome, x.Outcome)
	set(&h.Visits, x.Visits)
	set(&h.Periods, x.Periods)
	if x.Answered != nil && h.group() != Complete && h.group() != Partial { // by a code for visits, without a record of the visit
		h.Open, h.Outcome, h.Visits = false, Interviewed, max(h.Visits, 1)
	}
	return h
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// compareNatural orders texts as people read them: 2号楼 before 10号楼.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digitsOf(a), digitsOf(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(len(x)-len(y), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digitsOf is how many digits the text begins with.
func digitsOf(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
