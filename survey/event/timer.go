package event

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"chengyin/survey/store"
)

// timer is something that the schedule asks for again and again.
type timer struct {
	Name    string `gorm:"primaryKey"`
	Days    int    // how long something is kept, for the timers that remove it; else 0
	AskedAt *time.Time
}

func (timer) TableName() string { return "event_timers" }

// Regularly writes the event when the last one under that name is at least so old.
// Of several servers that ask at the same time one writes it. Asked tells whether
// this one did.
func Regularly(ctx context.Context, db *store.DB, name string, every time.Duration, e Entry) (asked bool, err error) {
	// Most looks find that it is not yet time: those write nothing.
	now := db.Clock()()
	var have []timer
	if err := db.Read(ctx).Where("name = ?", name).Find(&have).Error; err != nil {
		return false, fmt.Errorf("look at the timer %s: %w", name, err)
	}
	if len(have) > 0 && have[0].AskedAt != nil && now.Sub(*have[0].AskedAt) < every {
		return false, nil
	}
	err = db.InTx(ctx, func(tx *store.Tx) error {
		asked = false
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&timer{Name: name}).Error; err != nil {
			return err
		}
		r := tx.Model(&timer{}).Where("name = ? AND (asked_at IS NULL OR asked_at <= ?)", name, tx.Now.Add(-every)).Update("asked_at", tx.Now)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		asked = true
		return Write(tx, scheduler, e)
	})
	if err != nil {
		return false, fmt.Errorf("ask for %s: %w", name, err)
	}
	return asked, nil
}
