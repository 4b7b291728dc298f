package privacy

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// eraseVisits takes out of a wave's field work what leads to a door: addresses and
// numbers of households, who was to visit them, and what was noted there. Outcomes,
// numbers of adults, probabilities and weights stay, so that rates and scores can be
// computed again.
func (s *Service) eraseVisits(ctx context.Context, wave string) error {
	for _, step := range []struct {
		find  func(*gorm.DB) *gorm.DB
		erase func(*store.Tx, []string) error
	}{{doorsOf(wave), eraseDoors}, {assignmentsOf(wave), eraseAssignments}, {notesOf(wave), eraseNotes}} {
		if err := s.repeat(ctx, Visits, wave, step.find, step.erase); err != nil {
			return err
		}
	}
	return nil
}

// withAddress narrows to households whose door is known.
func withAddress(q *gorm.DB) *gorm.DB { return q.Where("(building <> '' OR unit <> '' OR room <> '')") }

func doorsOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Table("sample_homes").Joins("JOIN waves ON waves.id = sample_homes.wave_id").
			Select("sample_homes.unit_id AS id, waves.opens_at AS at").Where("sample_homes.wave_id = ?", wave).Scopes(withAddress)
	}
}

// eraseDoors puts the id of the drawn household in the place of its number, which
// another list may lead to a door.
func eraseDoors(tx *store.Tx, ids []string) error {
	if err := tx.Model(&sample.Home{}).Where("unit_id IN ?", ids).Updates(map[string]any{"building": "", "unit": "", "room": ""}).Error; err != nil {
		return err
	}
	return tx.Model(&sample.Unit{}).Where("id IN ?", ids).Update("household", gorm.Expr("id")).Error
}

func assignmentsOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&fieldwork.Assignment{}).Select("unit_id AS id, assigned_at AS at").Where("wave_id = ?", wave)
	}
}

func eraseAssignments(tx *store.Tx, ids []string) error {
	return tx.Where("unit_id IN ?", ids).Delete(&fieldwork.Assignment{}).Error
}

func notesOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Table("field_records").Select("id, received_at AS at").Where("wave_id = ? AND erased_at IS NULL", wave)
	}
}

// eraseNotes leaves answers that became no response: they have the time of answers.
func eraseNotes(tx *store.Tx, ids []string) error { return strip(tx, ids, true) }

// sealedOf finds the records of a wave whose answers became no response.
func sealedOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Table("field_records").Select("id, received_at AS at").
			Where("wave_id = ? AND response_id IS NULL AND (content LIKE ? OR id IN (SELECT record_id FROM field_rivals WHERE content LIKE ?))", wave, `%"sealed"%`, `%"sealed"%`)
	}
}

// sealedEvery is how often a wave whose answers are erased is looked through for
// records that came since: there is no index to find them by.
const sealedEvery = 24 * time.Hour

// eraseSealedOf erases answers of a wave that became no response.
func (s *Service) eraseSealedOf(ctx context.Context, wave string) error {
	if last, ok := s.looked.Load(wave); ok && s.now().Sub(last.(time.Time)) < sealedEvery {
		return nil
	}
	err := s.repeat(ctx, Answers, wave, sealedOf(wave), eraseSealed)
	if err == nil {
		s.looked.Store(wave, s.now())
	}
	return err
}

func eraseSealed(tx *store.Tx, ids []string) error { return strip(tx, ids, false) }

// strayBefore finds records that were sent for no wave there is.
func strayBefore(t time.Time) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Table("field_records").Select("id, received_at AS at").Where("erased_at IS NULL AND received_at <= ? AND wave_id NOT IN (SELECT id FROM waves)", t)
	}
}

func eraseStray(tx *store.Tx, ids []string) error { return strip(tx, ids, false) }

// strip takes notes, and answers unless they may stay, out of records and of what
// else came under their ids.
func strip(tx *store.Tx, ids []string, answers bool) error {
	var records []struct {
		ID, Content string
		ResponseID  *string
	}
	if err := tx.Table("field_records").Select("id, content, response_id").Where("id IN ?", ids).Find(&records).Error; err != nil {
		return err
	}
	for _, x := range records {
		change := map[string]any{"content": response.StripRecord(x.Content, answers && x.ResponseID == nil), "erased_at": tx.Now}
		if err := tx.Table("field_records").Where("id = ?", x.ID).Updates(change).Error; err != nil {
			return err
		}
	}
	var rivals []fieldwork.Rival
	if err := tx.Where("record_id IN ?", ids).Find(&rivals).Error; err != nil {
		return err
	}
	for _, x := range rivals {
		err := tx.Model(&fieldwork.Rival{}).Where("record_id = ? AND hash = ?", x.RecordID, x.Hash).Update("content", response.StripRecord(x.Content, answers)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseFrames removes the households of frames that no wave has been drawn from for
// so many days. How many there were and the digest of them stay with the frame.
func (s *Service) eraseFrames(ctx context.Context, waves []wave.Wave, days int) error {
	var frames []sample.Frame
	if err := s.db.Read(ctx).Find(&frames).Error; err != nil {
		return err
	}
	last, err := lastUse(s.db.Read(ctx), waves)
	if err != nil {
		return err
	}
	for _, f := range frames {
		used := f.CreatedAt
		if t, ok := last[f.ID]; ok && t.After(used) {
			used = t
		}
		if s.now().Before(used.AddDate(0, 0, days)) {
			continue
		}
		find := func(q *gorm.DB) *gorm.DB {
			return q.Table("frame_homes").Joins("JOIN frames ON frames.id = frame_homes.frame_id").
				Select("frame_homes.household AS id, frames.created_at AS at").Where("frame_id = ?", f.ID).Order("frame_homes.household")
		}
		err := s.repeat(ctx, Frames, "", find, func(tx *store.Tx, ids []string) error {
			return tx.Where("frame_id = ? AND household IN ?", f.ID, ids).Delete(&sample.FrameHome{}).Error
		})
		if err != nil {
			return fmt.Errorf("frame %s: %w", f.ID, err)
		}
	}
	return nil
}

// lastUse returns for each frame the end of the last wave that has a plan on it.
func lastUse(r *gorm.DB, waves []wave.Wave) (map[string]time.Time, error) {
	var uses []struct{ FrameID, WaveID string }
	if err := r.Table("sample_plans").Distinct("frame_id, wave_id").Scan(&uses).Error; err != nil {
		return nil, err
	}
	ends := map[string]time.Time{}
	for _, w := range waves {
		ends[w.ID] = endOf(w)
	}
	out := map[string]time.Time{}
	for _, u := range uses {
		if end := ends[u.WaveID]; end.After(out[u.FrameID]) {
			out[u.FrameID] = end
		}
	}
	return out, nil
}

func reportsBefore(t time.Time) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&response.Report{}).Select("id, at").Where("at <= ?", t)
	}
}

func eraseReports(tx *store.Tx, ids []string) error {
	return tx.Where("id IN ?", ids).Delete(&response.Report{}).Error
}

// earlyBefore finds reports whose interview never came; they are named by their
// receipts' hashes.
func earlyBefore(t time.Time) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&response.EarlyReport{}).Select("receipt_hash AS id, at").Where("n = 1 AND at <= ?", t)
	}
}

func eraseEarly(tx *store.Tx, ids []string) error {
	return tx.Where("receipt_hash IN ?", ids).Delete(&response.EarlyReport{}).Error
}

func phonesBefore(t time.Time) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&fieldwork.Phone{}).Select("id, seen_at AS at").Where("seen_at <= ?", t)
	}
}

// erasePhones destroys with them the keys of what they keep.
func erasePhones(tx *store.Tx, ids []string) error {
	return tx.Where("id IN ?", ids).Delete(&fieldwork.Phone{}).Error
}
