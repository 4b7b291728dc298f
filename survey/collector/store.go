package collector

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

func collectorByCode(r *gorm.DB, code string) (Collector, error) {
	var c Collector
	err := r.Where("code = ?", code).Take(&c).Error
	if store.NotFound(err) {
		return c, ErrNotFound
	}
	return c, err
}

// collectorOfVisits returns the first collector for visits of a community.
func collectorOfVisits(r *gorm.DB, wave, area string) (Collector, error) {
	var c Collector
	err := r.Where("wave_id = ? AND area_code = ? AND channel = ?", wave, area, Visit).Order("number").Take(&c).Error
	if store.NotFound(err) {
		return c, ErrNotFound
	}
	return c, err
}

// collectors returns those below the tops or of the units that the filter lets
// through.
func collectors(r *gorm.DB, tops, units []string, f Filter) ([]Collector, error) {
	seen := r.Session(&gorm.Session{NewDB: true}).Scopes(store.Within("area_code", tops))
	if len(units) > 0 {
		seen = seen.Or("unit_code IN ?", units)
	}
	q := r.Where(seen)
	if f.Wave != "" {
		q = q.Where("wave_id = ?", f.Wave)
	}
	if f.Area != "" {
		q = q.Scopes(store.Within("area_code", []string{f.Area}))
	}
	if f.Channel != "" {
		q = q.Where("channel = ?", f.Channel)
	}
	if f.After != 0 {
		q = q.Where("number > ?", f.After)
	}
	var out []Collector
	err := q.Order("number").Limit(f.Limit).Find(&out).Error
	if store.NotFound(err) {
		return nil, nil
	}
	return out, err
}

// lastNumber returns the largest number given so far, after which more can be
// given.
func lastNumber(tx *store.Tx, more int) (int64, error) {
	var n int64
	err := tx.Model(&Collector{}).Select("COALESCE(MAX(number), 0)").Scan(&n).Error
	if err == nil && n+int64(more) > maxNumber {
		err = fmt.Errorf("collector numbers are used up")
	}
	return n, err
}

// known returns survey.ErrInvalid when there is no such area or unit.
func known(tx *store.Tx, specs []Spec) error {
	named := map[string][]string{} // by field
	for _, p := range specs {
		named["area"] = append(named["area"], p.Area)
		if p.Unit != nil {
			named["unit"] = append(named["unit"], *p.Unit)
		}
	}
	for field, table := range map[string]string{"area": "areas", "unit": "sector_units"} {
		slices.Sort(named[field])
		for codes := range slices.Chunk(slices.Compact(named[field]), 1000) {
			var found int64
			err := tx.Table(table).Where("code IN ?", codes).Count(&found).Error
			if err != nil && !store.NotFound(err) {
				return fmt.Errorf("look up %s: %w", table, err)
			}
			if found != int64(len(codes)) {
				return survey.ErrInvalid.With(survey.Field{Path: field, Code: "field_not_listed"})
			}
		}
	}
	return nil
}

type slot struct {
	area, channel string
	number        int
}

// slotTwice reports whether two of the specs want the same slot.
func slotTwice(specs []Spec) bool {
	seen := map[slot]bool{}
	for _, p := range specs {
		s := slot{p.Area, p.Channel, p.Slot}
		if seen[s] {
			return true
		}
		seen[s] = true
	}
	return false
}

// slotTaken reports whether the wave has a collector in one of the specs' slots.
func slotTaken(r *gorm.DB, wave string, specs []Spec) (bool, error) {
	for part := range slices.Chunk(specs, 200) {
		q := r.Session(&gorm.Session{NewDB: true}).Where("1 = 0")
		for _, p := range part {
			q = q.Or("area_code = ? AND channel = ? AND slot = ?", p.Area, p.Channel, p.Slot)
		}
		var n int64
		err := r.Model(&Collector{}).Where("wave_id = ?", wave).Where(q).Count(&n).Error
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

func insertCollectors(tx *store.Tx, rows []Collector) error {
	if len(rows) == 0 {
		return nil
	}
	err := tx.CreateInBatches(rows, 200).Error
	if store.IsDuplicate(err) {
		return ErrSlotTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("insert collectors: %w", err)
	}
	return nil
}

func revoke(tx *store.Tx, id, why string) (changed bool, err error) {
	r := tx.Model(&Collector{}).Where("id = ? AND revoked_at IS NULL", id).
		Updates(map[string]any{"revoked_at": tx.Now, "revoked_why": why})
	return r.RowsAffected > 0, r.Error
}

// visitsIn returns the communities in which the wave has the first collector for
// visits.
func visitsIn(tx *store.Tx, wave string) (map[string]bool, error) {
	var codes []string
	err := tx.Model(&Collector{}).Where("wave_id = ? AND channel = ? AND slot = 1", wave, Visit).Pluck("area_code", &codes).Error
	if err != nil {
		return nil, fmt.Errorf("look for collectors of visits: %w", err)
	}
	have := map[string]bool{}
	for _, c := range codes {
		have[c] = true
	}
	return have, nil
}
