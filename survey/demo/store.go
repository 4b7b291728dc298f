package demo

import (
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"chengyin/survey/account"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

var errEmpty = errors.New("the database is empty")

// madeBefore returns how the demo in this database was made, errEmpty when
// nothing is there, ErrUnfinished when filling was interrupted and ErrNotEmpty
// when something else is there.
func madeBefore(r *gorm.DB) (made, error) {
	var m made
	var e event.Event
	err := r.Where("kind = ?", filled).Take(&e).Error
	if err == nil {
		if err := json.Unmarshal([]byte(e.Payload), &m); err != nil {
			return m, fmt.Errorf("read event %s: %w", filled, err)
		}
		return m, nil
	}
	if !store.NotFound(err) {
		return m, err
	}
	var n int64
	if err := r.Model(&event.Event{}).Where("kind = ?", begun).Count(&n).Error; err != nil {
		return m, err
	}
	if n > 0 {
		return m, ErrUnfinished
	}
	for _, table := range []any{&area.Area{}, &account.Account{}, &wave.Wave{}} {
		if err := r.Model(table).Count(&n).Error; err != nil {
			return m, err
		}
		if n > 0 {
			return m, ErrNotEmpty
		}
	}
	return m, errEmpty
}

// openHousehold returns a household of the place that was drawn and not
// interviewed, "" when there is none.
func openHousehold(r *gorm.DB, waveID, place string) (string, error) {
	var u sample.Unit
	err := r.Where("wave_id = ? AND area_code = ? AND id IN (SELECT unit_id FROM field_homes WHERE wave_id = ? AND is_open AND NOT reserve)", waveID, place, waveID).
		Order("household").Take(&u).Error
	if store.NotFound(err) {
		return "", nil
	}
	return u.Household, err
}
