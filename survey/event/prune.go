package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/store"
)

// How long events are kept. The law asks for six months at least.
const (
	LeastDays   = 180
	DefaultDays = 3 * 365
	MostDays    = 100 * 365
)

// Kinds of events about the trail itself.
const (
	PruneAsked       = "audit.prune_asked"
	Pruned           = "audit.pruned"
	RetentionChanged = "audit.retention_changed"
)

// removal is the payload of Pruned: the last event that was removed, and how many.
type removal struct {
	Through int64  `json:"through"`
	MAC     string `json:"mac"`
	Removed int64  `json:"removed"`
	Older   int64  `json:"older"` // of them from before the chain
	Before  string `json:"before"`
	Days    int    `json:"days"`
}

const retention = "audit"

// ErrTrailWrong means that events that were to be removed after their time are not
// as they were written. They are left for whoever looks into it.
var ErrTrailWrong = errors.New("the trail is not as it was written; nothing was removed: run \"chengyin audit verify\"")

// Retention returns how many days events are kept.
func Retention(r *gorm.DB) (int, error) {
	var t []timer
	if err := r.Where("name = ?", retention).Find(&t).Error; err != nil {
		return 0, fmt.Errorf("read how long events are kept: %w", err)
	}
	if len(t) == 0 || t[0].Days == 0 {
		return DefaultDays, nil
	}
	return max(t[0].Days, LeastDays), nil
}

// SetRetention sets how many days events are kept. Returns survey.ErrInvalid for
// fewer than LeastDays, survey.ErrDenied to others than the security administrator.
func (s *Service) SetRetention(ctx context.Context, actor survey.Actor, days int) error {
	if !actor.Sees(survey.ManageSecurity, survey.Everywhere) {
		return survey.ErrDenied
	}
	if days < LeastDays || days > MostDays {
		return survey.ErrInvalid.With(survey.Field{Path: "days", Code: "field_out_of_range"})
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		was, err := Retention(tx.DB)
		if err != nil {
			return err
		}
		t := timer{Name: retention, Days: days}
		if err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.AssignmentColumns([]string{"days"})}).Create(&t).Error; err != nil {
			return err
		}
		return Append(tx, actor, RetentionChanged, "", map[string]int{"from": was, "to": days})
	})
}

// AskToPrune writes the event that removal follows, once a day and only when there
// is something to remove.
func AskToPrune(ctx context.Context, db *store.DB) error {
	days, err := Retention(db.Read(ctx))
	if err != nil {
		return err
	}
	var first []Event
	if err := db.Read(ctx).Order("at, id").Limit(1).Find(&first).Error; err != nil {
		return fmt.Errorf("look for old events: %w", err)
	}
	if len(first) == 0 || !first[0].At.Before(cutoff(db.Clock()(), days)) {
		return nil
	}
	_, err = Regularly(ctx, db, retention, 24*time.Hour, Entry{Kind: PruneAsked, Payload: map[string]int{"days": days}})
	return err
}

func cutoff(now time.Time, days int) time.Time { return now.AddDate(0, 0, -days) }

// Prune removes the events whose time is over, the oldest first, some at a time:
// each time a sealed note of the last one removed is left, from which Verify goes
// on, and an event about it. Returns ErrTrailWrong when they are not as written.
func Prune(ctx context.Context, db *store.DB) error {
	for {
		var more bool
		err := db.InTx(ctx, func(tx *store.Tx) (err error) {
			more, err = prune(ctx, tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove old events: %w", err)
		}
		if !more {
			return nil
		}
	}
}

func prune(ctx context.Context, tx *store.Tx) (more bool, err error) {
	var h []head
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("name = ?", chain).Find(&h).Error; err != nil || len(h) == 0 {
		return false, err
	}
	days, err := Retention(tx.DB)
	if err != nil {
		return false, err
	}
	from := head{Name: cut}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&from).Error; err != nil {
		return false, err
	}
	if err := tx.Where("name = ?", cut).Take(&from).Error; err != nil {
		return false, err
	}
	keys := newRing(tx.ChainKeys)
	if from.Seq > 0 && !keys.sealed(from) {
		return false, ErrTrailWrong
	}
	before := cutoff(tx.Now, days)
	told := removal{Before: before.Format(time.RFC3339), Days: days}

	// Those from before the chain first, then the chain from its beginning.
	ids, err := olderThan(tx, before)
	if err != nil {
		return false, err
	}
	through := from.Seq
	if len(ids) < batch {
		if through, err = lastToRemove(tx, from.Seq, h[0].Seq, before); err != nil {
			return false, err
		}
	}
	w := walker{keys: keys, last: Point{from.Seq, from.MAC}}
	var gone []string
	if through > from.Seq {
		if err := w.walk(ctx, tx.DB, through, func(e Event) { gone = append(gone, e.ID) }); err != nil {
			return false, err
		}
		if w.bad != nil || w.last.Seq != through {
			return false, ErrTrailWrong
		}
	}
	told.Through, told.MAC, told.Older, told.Removed = w.last.Seq, w.last.MAC, int64(len(ids)), int64(len(ids)+len(gone))
	if told.Removed == 0 {
		if from.Seal == "" { // nothing has ever been removed
			return false, tx.Where("name = ?", cut).Delete(&head{}).Error
		}
		return false, nil
	}
	gone = append(gone, ids...)
	if err := tx.Where("event_id IN ?", gone).Delete(&job{}).Error; err != nil {
		return false, err
	}
	if err := tx.Where("id IN ?", gone).Delete(&Event{}).Error; err != nil {
		return false, err
	}
	from.Seq, from.MAC, from.Older = w.last.Seq, w.last.MAC, from.Older+told.Older
	keys.seal(&from)
	if err := saveHead(tx, from); err != nil {
		return false, err
	}
	return len(gone) >= batch, Write(tx, scheduler, Entry{Kind: Pruned, Payload: told})
}

func olderThan(tx *store.Tx, before time.Time) (ids []string, err error) {
	err = tx.Model(&Event{}).Where("seq IS NULL AND at < ?", before).Order("at, id").Limit(batch).Pluck("id", &ids).Error
	return ids, err
}

// lastToRemove returns the number of the last event of the next batch: all up to
// it are over their time and have nothing left to be done, and the end of the chain
// stays.
func lastToRemove(tx *store.Tx, from, end int64, before time.Time) (int64, error) {
	last := min(from+batch, end-1)
	var kept []int64
	err := tx.Model(&Event{}).Where("seq > ? AND seq <= ? AND at >= ?", from, last, before).Order("seq").Limit(1).Pluck("seq", &kept).Error
	if err != nil {
		return 0, err
	}
	var open []int64
	err = tx.Model(&Event{}).Joins("JOIN event_jobs ON event_jobs.event_id = events.id").
		Where("events.seq > ? AND events.seq <= ? AND event_jobs.done_at IS NULL AND event_jobs.failed_at IS NULL", from, last).
		Order("events.seq").Limit(1).Pluck("events.seq", &open).Error
	if err != nil {
		return 0, err
	}
	for _, seq := range append(kept, open...) {
		last = min(last, seq-1)
	}
	return max(last, from), nil
}
