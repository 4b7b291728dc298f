package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/response"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Erasure is the proof that something was erased: how much of what, from when to
// when, and a digest of the ids by which an auditor who has a list can check it.
// The same stands in the trail of events.
type Erasure struct {
	ID        string     `gorm:"primaryKey" json:"-"`
	Class     string     `json:"class"`
	WaveID    string     `json:"wave,omitempty"`
	At        time.Time  `json:"-"`
	Items     int        `json:"count"`
	Oldest    *time.Time `json:"oldest,omitempty"`
	Newest    *time.Time `json:"newest,omitempty"`
	KeyID     string     `json:"key_destroyed,omitempty"`
	IDsSHA256 string     `gorm:"column:ids_sha256" json:"ids_sha256"`
}

// TableName is privacy_erasures.
func (Erasure) TableName() string { return "privacy_erasures" }

// Erased is the kind of the event of an erasure.
const Erased = "privacy.erased"

// most is how many batches a sweep erases of a class: the rest waits for the next,
// so that answers that come in do not wait for long.
const most = 20

// item is a row that is to be erased.
type item struct {
	ID string
	At time.Time
}

// Sweep notes which answers came from one phone and erases what is past its time,
// in batches. It may run at any time and in several processes.
func (s *Service) Sweep(ctx context.Context) error {
	days, err := s.Days(ctx)
	if err != nil {
		return err
	}
	var waves []wave.Wave
	if err := s.db.Read(ctx).Find(&waves).Error; err != nil {
		return err
	}
	now := s.now()
	errs := []error{s.flag(ctx)}
	for _, w := range waves {
		end := endOf(w)
		if !now.Before(end.AddDate(0, 0, days[Devices])) {
			errs = append(errs, s.eraseDevices(ctx, w.ID))
		}
		if !now.Before(end.AddDate(0, 0, days[Answers])) {
			errs = append(errs, s.repeat(ctx, Answers, w.ID, answersOf(w.ID), response.Remove),
				s.eraseSealedOf(ctx, w.ID))
		}
		if !now.Before(end.AddDate(0, 0, days[Visits])) {
			errs = append(errs, s.eraseVisits(ctx, w.ID))
		}
	}
	errs = append(errs,
		s.repeat(ctx, Sources, "", sourcesBefore(now.AddDate(0, 0, -days[Sources])), eraseSources),
		s.eraseSessions(ctx, now.AddDate(0, 0, -days[Sessions])),
		s.repeat(ctx, Visits, "", strayBefore(now.AddDate(0, 0, -days[Visits])), eraseStray),
		s.eraseFrames(ctx, waves, days[Frames]),
		s.repeat(ctx, Reports, "", reportsBefore(now.AddDate(0, 0, -days[Reports])), eraseReports),
		s.repeat(ctx, Reports, "", earlyBefore(now.AddDate(0, 0, -response.EarlyDays)), eraseEarly),
		s.repeat(ctx, Phones, "", phonesBefore(now.AddDate(0, 0, -days[Phones])), erasePhones))
	return errors.Join(errs...)
}

// endOf returns when a wave ends or ended.
func endOf(w wave.Wave) time.Time {
	if w.ClosedAt != nil && w.ClosedAt.Before(w.ClosesAt) {
		return *w.ClosedAt
	}
	return w.ClosesAt
}

// flag marks the responses of a wave that came from the same phone. It comes
// before the hashes go, and the mark stays with the response for its reviewer.
func (s *Service) flag(ctx context.Context) error {
	type phone struct{ WaveID, DeviceHash string }
	var phones []phone
	err := s.db.Read(ctx).Model(&response.Trace{}).Select("wave_id, device_hash").Where("device_hash <> ''").
		Group("wave_id, device_hash").Having("COUNT(*) > 1 AND MIN(reason) = ''").Limit(2000).Scan(&phones).Error
	if err != nil {
		return fmt.Errorf("look for phones that answered again: %w", err)
	}
	for _, p := range phones {
		err := s.db.InTx(ctx, func(tx *store.Tx) error {
			return tx.Model(&response.Trace{}).Where("wave_id = ? AND device_hash = ? AND reason = ''", p.WaveID, p.DeviceHash).Update("reason", response.DeviceRepeat).Error
		})
		if err != nil {
			return fmt.Errorf("mark the answers of a phone: %w", err)
		}
	}
	return nil
}

// eraseDevices destroys the key of a wave first: from then on nothing links a
// phone to a hash, whatever happens to the hashes. Then these go, too.
func (s *Service) eraseDevices(ctx context.Context, wave string) error {
	destroyed := false
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		destroyed = false
		var k response.WaveKey
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("wave_id = ?", wave).Take(&k).Error
		if store.NotFound(err) || err == nil && k.DestroyedAt != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.Model(&response.WaveKey{}).Where("wave_id = ?", wave).Updates(map[string]any{"sealed": "", "destroyed_at": tx.Now}).Error; err != nil {
			return err
		}
		destroyed = true
		return prove(tx, Devices, wave, k.KeyID, []item{{k.KeyID, k.CreatedAt}})
	})
	if err != nil {
		return fmt.Errorf("destroy the key of wave %s: %w", wave, err)
	}
	if destroyed {
		s.keys.Forget(wave)
	}
	return s.repeat(ctx, Devices, wave, devicesOf(wave), eraseHashes)
}

// repeat erases batch after batch of what find finds.
func (s *Service) repeat(ctx context.Context, class Class, wave string, find func(*gorm.DB) *gorm.DB, erase func(*store.Tx, []string) error) error {
	for range most {
		n := 0
		err := s.db.InTx(ctx, func(tx *store.Tx) error {
			var rows []item
			if err := tx.Scopes(find).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Limit(s.batch).Scan(&rows).Error; err != nil {
				return err
			}
			if n = len(rows); n == 0 {
				return nil
			}
			ids := make([]string, n)
			for i, r := range rows {
				ids[i] = r.ID
			}
			if err := erase(tx, ids); err != nil {
				return err
			}
			return prove(tx, class, wave, "", rows)
		})
		if err != nil {
			return fmt.Errorf("erase %s: %w", class, err)
		}
		if n < s.batch {
			break
		}
	}
	return nil
}

func answersOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&response.Response{}).Select("id, received_at AS at").Where("wave_id = ?", wave)
	}
}

func devicesOf(wave string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&response.Trace{}).Select("response_id AS id, received_at AS at").Where("wave_id = ? AND device_hash <> ''", wave)
	}
}

func sourcesBefore(t time.Time) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Model(&response.Trace{}).Select("response_id AS id, received_at AS at").Where("received_at <= ? AND source_net <> ''", t)
	}
}

func eraseHashes(tx *store.Tx, ids []string) error {
	if err := tx.Model(&response.Trace{}).Where("response_id IN ?", ids).Update("device_hash", "").Error; err != nil {
		return err
	}
	return dropEmpty(tx, ids)
}

func eraseSources(tx *store.Tx, ids []string) error {
	if err := tx.Model(&response.Trace{}).Where("response_id IN ?", ids).Update("source_net", "").Error; err != nil {
		return err
	}
	return dropEmpty(tx, ids)
}

// dropEmpty removes traces that tell nothing any more.
func dropEmpty(tx *store.Tx, ids []string) error {
	return tx.Where("response_id IN ? AND device_hash = '' AND source_net = '' AND reason = ''", ids).Delete(&response.Trace{}).Error
}

// eraseSessions removes sessions that ended before t. They are named by what their
// table knows them by, a hash.
func (s *Service) eraseSessions(ctx context.Context, t time.Time) error {
	find := func(q *gorm.DB) *gorm.DB {
		return q.Table("sessions").Select("token_hash AS id, expires_at AS at").Where("expires_at <= ?", t)
	}
	return s.repeat(ctx, Sessions, "", find, func(tx *store.Tx, ids []string) error {
		return tx.Exec("DELETE FROM sessions WHERE token_hash IN ?", ids).Error
	})
}

// prove writes the proof of an erasure into its table and into the trail.
func prove(tx *store.Tx, class Class, wave, key string, rows []item) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b item) int { return a.At.Compare(b.At) })
	oldest, newest := rows[0].At, rows[len(rows)-1].At
	e := Erasure{ID: id.String(), Class: string(class), WaveID: wave, At: tx.Now, Items: len(rows), Oldest: &oldest, Newest: &newest, KeyID: key, IDsSHA256: digest(rows)}
	if err := tx.Create(&e).Error; err != nil {
		return err
	}
	actor := survey.System
	actor.Via = "schedule"
	return event.Write(tx, actor, event.Entry{Kind: Erased, Object: e.ID, Payload: e})
}

// digest is the SHA-256 of the sorted ids, each followed by a line feed.
func digest(rows []item) string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	slices.Sort(ids)
	h := sha256.New()
	for _, id := range ids {
		io.WriteString(h, id+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}
