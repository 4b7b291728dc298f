// Package event keeps what people did in the platform: who, when, what, to what.
// A row is written in the transaction of the change that it tells of.
package event

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/store"
)

// Event is one thing that happened.
type Event struct {
	ID      string `gorm:"primaryKey"`
	At      time.Time
	Kind    string
	Actor   string
	Object  string
	Payload string
}

// Append adds an event to the transaction. Kind is past tense with the package
// first ("collector.revoked"), object the id of what it happened to. The payload
// never carries answers.
func Append(tx *store.Tx, actor survey.Actor, kind, object string, payload any) error {
	p, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", kind, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("event %s: %w", kind, err)
	}
	e := Event{ID: id.String(), At: tx.Now, Kind: kind, Actor: actor.Login, Object: object, Payload: string(p)}
	if err := tx.Create(&e).Error; err != nil {
		return fmt.Errorf("append event %s: %w", kind, err)
	}
	return nil
}
