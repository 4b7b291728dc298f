package fieldwork

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey/sample"
	"chengyin/survey/store"
)

func phoneByID(r *gorm.DB, id string) (Phone, error) {
	var p Phone
	err := r.Where("id = ?", id).Take(&p).Error
	if store.NotFound(err) {
		return p, ErrNoPhone
	}
	return p, err
}

func phoneByToken(r *gorm.DB, hash string) (Phone, error) {
	var p Phone
	err := r.Where("token_hash = ?", hash).Take(&p).Error
	if store.NotFound(err) {
		return p, ErrNoPhone
	}
	return p, err
}

// recordByID returns the record with that id, and whether there is one.
func recordByID(r *gorm.DB, id string) (Record, bool, error) {
	var x Record
	err := r.Where("id = ?", id).Take(&x).Error
	if store.NotFound(err) {
		return x, false, nil
	}
	return x, err == nil, err
}

func rivalOf(r *gorm.DB, id, hash string) (Rival, bool, error) {
	var x Rival
	err := r.Where("record_id = ? AND hash = ?", id, hash).Take(&x).Error
	if store.NotFound(err) {
		return x, false, nil
	}
	return x, err == nil, err
}

// drawn is a household with what was drawn about it; the home is nil of units that
// came from elsewhere.
type drawn struct {
	unit sample.Unit
	home *sample.Home
}

// drawnUnit returns a household, or ErrNotFound.
func drawnUnit(r *gorm.DB, id string) (d drawn, err error) {
	err = r.Where("id = ?", id).Take(&d.unit).Error
	if store.NotFound(err) {
		return d, ErrNotFound
	}
	if err != nil {
		return d, fmt.Errorf("load household: %w", err)
	}
	d.home, err = homeOf(r, id)
	return d, err
}

func homeOf(r *gorm.DB, id string) (*sample.Home, error) {
	var h sample.Home
	err := r.Where("unit_id = ?", id).Take(&h).Error
	if store.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load household: %w", err)
	}
	return &h, nil
}

// acceptedOf returns the accepted records of households by their unit, without
// their content.
func acceptedOf(r *gorm.DB, wave string, units []string) (map[string][]Record, error) {
	out := map[string][]Record{}
	for start := 0; start < len(units); start += 500 {
		var rows []Record
		err := r.Select("id, unit_id, account_id, outcome, adults, made_at").
			Where("wave_id = ? AND unit_id IN ? AND status = ?", wave, units[start:min(start+500, len(units))], Accepted).
			Order("made_at, id").Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("load visits: %w", err)
		}
		for _, x := range rows {
			out[x.UnitID] = append(out[x.UnitID], x)
		}
	}
	return out, nil
}

// visitsOf makes of records what a state follows from.
func visitsOf(records []Record) []Visit {
	out := make([]Visit, len(records))
	for i, x := range records {
		out[i] = Visit{ID: x.ID, At: x.MadeAt, Outcome: x.Outcome, Adults: x.Adults}
		out[i].Period, out[i].Weekend = PeriodOf(x.MadeAt)
	}
	return out
}

// saveHomes stores where households stand.
func saveHomes(tx *store.Tx, homes []Home) error {
	if len(homes) == 0 {
		return nil
	}
	err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(homes, 200).Error
	if err != nil {
		return fmt.Errorf("save where households stand: %w", err)
	}
	return nil
}

// homeFrom returns the row of a household that stands like that.
func homeFrom(d drawn, s State) Home {
	h := Home{UnitID: d.unit.ID, WaveID: d.unit.WaveID, AreaCode: d.unit.AreaCode, Stratum: d.unit.Stratum, PSU: d.unit.PSU,
		IsOpen: s.Open, Outcome: s.Outcome, Visits: s.Visits, Periods: s.Periods, LastAt: s.LastAt, Adults: s.Adults}
	if d.home != nil {
		h.Reserve = d.home.Reserve
	}
	return h
}

// mayVisit reports whether an account was given the household, or, when it is one
// of the reserve that nobody was given, another of its PSU.
func mayVisit(tx *store.Tx, d drawn, account string) (bool, error) {
	var given []Assignment
	if err := tx.Where("unit_id = ?", d.unit.ID).Limit(1).Find(&given).Error; err != nil {
		return false, fmt.Errorf("look for assignment: %w", err)
	}
	if len(given) > 0 {
		return given[0].AccountID == account, nil
	}
	if d.home == nil || !d.home.Reserve {
		return false, nil
	}
	var n int64
	err := tx.Table("assignments").Joins("JOIN sample_homes ON sample_homes.unit_id = assignments.unit_id").
		Where("sample_homes.wave_id = ? AND sample_homes.psu = ? AND assignments.account_id = ?", d.unit.WaveID, d.home.PSU, account).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look for assignment: %w", err)
	}
	return n > 0, nil
}

// standings returns where the drawn households of a PSU stand, by position.
func standings(r *gorm.DB, wave, psu string) ([]Standing, error) {
	var rows []struct {
		UnitID  string
		Reserve bool
		IsOpen  *bool
		Outcome *string
	}
	err := r.Table("sample_homes").Select("sample_homes.unit_id, sample_homes.reserve, field_homes.is_open, field_homes.outcome").
		Joins("LEFT JOIN field_homes ON field_homes.unit_id = sample_homes.unit_id").
		Where("sample_homes.wave_id = ? AND sample_homes.psu = ?", wave, psu).Order("sample_homes.position").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load PSU: %w", err)
	}
	out := make([]Standing, len(rows))
	for i, x := range rows {
		out[i] = Standing{ID: x.UnitID, Reserve: x.Reserve, Open: true, Outcome: NotVisited}
		if x.Outcome != nil {
			out[i].Open, out[i].Outcome = *x.IsOpen, *x.Outcome
		}
	}
	return out, nil
}
