package indicator

import (
	"gorm.io/gorm"

	"chengyin/survey/store"
)

func insert(tx *store.Tx, row *Stored) error { return tx.Create(row).Error }

func byID(r *gorm.DB, id string) (Stored, error) {
	var row Stored
	err := r.Where("id = ?", id).Take(&row).Error
	return row, err
}

func byVersion(r *gorm.DB, code string, version int) (Stored, error) {
	var row Stored
	err := r.Where("code = ? AND version = ?", code, version).Take(&row).Error
	return row, err
}

func all(r *gorm.DB) ([]Stored, error) {
	var rows []Stored
	err := r.Order("code, version DESC").Find(&rows).Error
	return rows, err
}
