package wave

import (
	"fmt"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// ErrCodeTaken means that another wave has the code.
var ErrCodeTaken = &survey.Error{Kind: survey.Conflict, Code: "wave_code_taken"}

func insertWave(tx *store.Tx, w Wave) error {
	err := tx.Create(&w).Error
	if store.IsDuplicate(err) {
		return ErrCodeTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("insert wave: %w", err)
	}
	return nil
}

func waveByID(r *gorm.DB, id string) (Wave, error) {
	var w Wave
	err := r.Where("id = ?", id).Take(&w).Error
	if store.NotFound(err) {
		return w, ErrNotFound
	}
	return w, err
}

func waves(r *gorm.DB) ([]Wave, error) {
	var out []Wave
	err := r.Order("opens_at DESC, id DESC").Find(&out).Error
	return out, err
}
