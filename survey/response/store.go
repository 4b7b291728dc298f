package response

import (
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey/sample"
	"chengyin/survey/store"
)

var errUnknown = errors.New("no response with that id")

// insertResponses stores new rows in one statement: all or, when one meets a
// unique key, none.
func insertResponses(tx *store.Tx, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	rows := make([]Response, len(items))
	for i, it := range items {
		rows[i] = it.row
	}
	if err := tx.Create(&rows).Error; err != nil {
		return err
	}
	for i, it := range items {
		it.stored, it.first = rows[i], true
	}
	return nil
}

func responseByID(r *gorm.DB, id string) (Response, error) {
	var out Response
	err := r.Where("id = ?", id).Take(&out).Error
	if store.NotFound(err) {
		return out, errUnknown
	}
	return out, err
}

func responseByReceipt(r *gorm.DB, receipt string) (Response, error) {
	var out Response
	err := r.Where("receipt = ?", receipt).Take(&out).Error
	if store.NotFound(err) {
		return out, ErrNoReceipt
	}
	return out, err
}

// insertTraces keeps what is known of how new responses came in.
func insertTraces(tx *store.Tx, batch []*item) error {
	var rows []Trace
	for _, it := range batch {
		if it.first && it.trace.DeviceHash+it.trace.SourceNet != "" {
			rows = append(rows, it.trace)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Create(&rows).Error
}

// erasedOf returns which of the ids belong to deleted responses.
func erasedOf(r *gorm.DB, ids []string) (map[string]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []string
	if err := r.Model(&Tombstone{}).Where("response_id IN ?", ids).Pluck("response_id", &found).Error; err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(found))
	for _, id := range found {
		out[id] = true
	}
	return out, nil
}

// tombstoneByReceipt returns what stands in the place of a deleted response, or
// ErrNoReceipt.
func tombstoneByReceipt(r *gorm.DB, hashes []string) (Tombstone, error) {
	var out Tombstone
	err := r.Where("receipt_hash IN ?", hashes).Take(&out).Error
	if store.NotFound(err) {
		return out, ErrNoReceipt
	}
	return out, err
}

func waveKeyOf(r *gorm.DB, wave string) (WaveKey, error) {
	var out WaveKey
	err := r.Where("wave_id = ?", wave).Take(&out).Error
	return out, err
}

// insertRival keeps other answers once, however often they are sent.
func insertRival(tx *store.Tx, r Rival) error {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error; err != nil {
		return fmt.Errorf("keep rival answers: %w", err)
	}
	return nil
}

// EachCounted calls f with every counted response of a wave, and the household of
// a visit, as r sees them. They come by receipt: an order that tells nothing, as
// that by id would of the time.
func EachCounted(r *gorm.DB, wave string, f func(Response, *sample.Unit) error) error {
	const page = 2000
	last := ""
	for {
		var rows []Response
		err := r.Where("wave_id = ? AND status = ? AND receipt > ?", wave, Counted, last).Order("receipt").Limit(page).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]string, 0, len(rows))
		for _, x := range rows {
			if x.SampleUnitID != nil {
				ids = append(ids, *x.SampleUnitID)
			}
		}
		units := map[string]*sample.Unit{}
		if len(ids) > 0 {
			var found []sample.Unit
			if err := r.Where("id IN ?", ids).Find(&found).Error; err != nil {
				return err
			}
			for i := range found {
				units[found[i].ID] = &found[i]
			}
		}
		for _, x := range rows {
			var u *sample.Unit
			if x.SampleUnitID != nil {
				u = units[*x.SampleUnitID]
			}
			if err := f(x, u); err != nil {
				return err
			}
		}
		last = rows[len(rows)-1].Receipt
	}
}
