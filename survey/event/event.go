// Package event keeps what happened in the platform: who, when, from where, what,
// to what, with which result. A row is written in the transaction of the change
// that it tells of, and is chained to the row before it, so that a row that is
// changed, removed or moved afterwards is found.
package event

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/store"
)

// The results of what was tried.
const (
	Done    = "done"
	Refused = "refused" // the person may not
	Failed  = "failed"  // it did not work: a wrong password, say
)

// Event is one thing that happened. Seq counts from 1 without gaps; rows that are
// older than the chain have none.
type Event struct {
	ID        string `gorm:"primaryKey"`
	Seq       *int64
	At        time.Time
	Kind      string
	Actor     string // login
	AccountID string
	Via       string // session, token, phone, command, schedule
	Source    string // network address that the request came from
	RequestID string
	Object    string // id of what it happened to
	AreaCode  string // where that lies, when it lies anywhere
	Result    string
	Payload   string // JSON; never answers, passwords or tokens
	KeyID     string // which key made the code
	MAC       string `gorm:"column:mac"`
}

// Began is the kind of the first event of a chain. Its payload says how many
// events are older than the chain.
const Began = "audit.began"

// Entry is what an event tells besides who did it and when.
type Entry struct {
	Kind    string // past tense with the package first: "collector.revoked"
	Object  string
	Area    string
	Result  string // "": Done
	Payload any
	Due     time.Time // when what follows is to be done; zero: at once
}

// Append adds an event about something that was done to the transaction.
func Append(tx *store.Tx, actor survey.Actor, kind, object string, payload any) error {
	return Write(tx, actor, Entry{Kind: kind, Object: object, Payload: payload})
}

// Write adds an event to the transaction, and a job when something follows it.
// Whoever writes one holds the end of the chain until the transaction ends.
func Write(tx *store.Tx, actor survey.Actor, e Entry) error {
	if err := write(tx, actor, e); err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	return nil
}

func write(tx *store.Tx, actor survey.Actor, e Entry) error {
	keys := newRing(tx.ChainKeys)
	h := head{Name: chain}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&h).Error; err != nil {
		return err
	}
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("name = ?", chain).Take(&h).Error; err != nil {
		return err
	}
	switch {
	case h.Seq == 0:
		var before int64
		if err := tx.Model(&Event{}).Where("seq IS NULL").Count(&before).Error; err != nil {
			return err
		}
		if _, err := link(tx, keys, &h, survey.System, Entry{Kind: Began, Payload: map[string]int64{"before": before}}); err != nil {
			return err
		}
	case !keys.sealed(h):
		// Going on would hide what was done to the end of the chain; stopping would
		// stop the platform. So the doubt becomes part of the chain.
		if _, err := link(tx, keys, &h, survey.System, Entry{Kind: Doubted, Result: Failed, Payload: doubt{h.Seq, h.MAC, h.KeyID, h.Seal}}); err != nil {
			return err
		}
	}
	row, err := link(tx, keys, &h, actor, e)
	if err != nil {
		return err
	}
	keys.seal(&h)
	if err := saveHead(tx, h); err != nil {
		return err
	}
	if tx.Follows == nil || !tx.Follows(e.Kind) {
		return nil
	}
	if e.Due.IsZero() {
		e.Due = tx.Now
	}
	return tx.Create(&job{EventID: row.ID, Kind: row.Kind, DueAt: e.Due, CreatedAt: tx.Now}).Error
}

// link stores the next event after h and moves h to it.
func link(tx *store.Tx, keys ring, h *head, actor survey.Actor, e Entry) (Event, error) {
	p, err := json.Marshal(e.Payload)
	if err != nil {
		return Event{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, err
	}
	if e.Result == "" {
		e.Result = Done
	}
	seq := h.Seq + 1
	row := Event{ID: id.String(), Seq: &seq, At: tx.Now, Kind: e.Kind, Actor: ascii(actor.Login, 64), AccountID: ascii(actor.Account, 36), Via: actor.Via,
		Source: ascii(actor.From, 64), RequestID: ascii(actor.Request, 36), Object: ascii(e.Object, 64), AreaCode: ascii(e.Area, 12), Result: e.Result, Payload: string(p),
		KeyID: keys.newest.id}
	row.MAC = row.mac(keys.newest.key, h.MAC)
	if err := tx.Create(&row).Error; err != nil {
		return Event{}, err
	}
	h.Seq, h.MAC = seq, row.MAC
	return row, nil
}

// ascii keeps of a text what its column holds.
func ascii(s string, most int) string {
	out := make([]byte, 0, min(len(s), most))
	for _, r := range s {
		if len(out) == most {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out)
}
