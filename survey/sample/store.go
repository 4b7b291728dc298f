package sample

import (
	"fmt"

	"gorm.io/gorm"

	"chengyin/survey/store"
)

// ByHousehold returns the drawn household. Returns ErrNotFound.
func ByHousehold(r *gorm.DB, waveID, household string) (Unit, error) {
	var u Unit
	err := r.Where("wave_id = ? AND household = ?", waveID, household).Take(&u).Error
	if store.NotFound(err) {
		return u, ErrNotFound
	}
	return u, err
}

func insertUnits(tx *store.Tx, units []Unit) error {
	if err := tx.CreateInBatches(units, 200).Error; err != nil {
		return fmt.Errorf("add sample units: %w", err)
	}
	return nil
}
