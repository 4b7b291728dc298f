package collector

import (
	"fmt"

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

func collectors(r *gorm.DB, scope string, f Filter) ([]Collector, error) {
	q := r.Where("area_code LIKE ?", survey.Prefix(scope)+"%")
	if f.Wave != "" {
		q = q.Where("wave_id = ?", f.Wave)
	}
	if f.Area != "" {
		q = q.Where("area_code LIKE ?", survey.Prefix(f.Area)+"%")
	}
	if f.Channel != "" {
		q = q.Where("channel = ?", f.Channel)
	}
	if f.After != 0 {
		q = q.Where("number > ?", f.After)
	}
	var out []Collector
	err := q.Order("number").Limit(f.Limit).Find(&out).Error
	return out, err
}

func lastNumber(tx *store.Tx) (int64, error) {
	var n int64
	err := tx.Model(&Collector{}).Select("COALESCE(MAX(number), 0)").Scan(&n).Error
	if err == nil && n >= maxNumber {
		err = fmt.Errorf("collector numbers are used up")
	}
	return n, err
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
