// Package event keeps what happened in the platform: who, when, from where, what,
// to what, with which result. A row is written in the transaction of the change
// that it tells of, and is chained to the row before it, so that a row that is
// changed, removed or moved afterwards is found.
package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	Via       string // session, token, command, schedule
	Source    string // network address that the request came from
	RequestID string
	Object    string // id of what it happened to
	AreaCode  string // where that lies, when it lies anywhere
	Result    string
	Payload   string // JSON; never answers, passwords or tokens
	MAC       string `gorm:"column:mac"`
}

// head is the end of the chain.
type head struct {
	Name string `gorm:"primaryKey"`
	Seq  int64
	MAC  string `gorm:"column:mac"`
}

func (head) TableName() string { return "event_heads" }

const chain = "chain"

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
}

// Append adds an event about something that was done to the transaction.
func Append(tx *store.Tx, actor survey.Actor, kind, object string, payload any) error {
	return Write(tx, actor, Entry{Kind: kind, Object: object, Payload: payload})
}

// Write adds an event to the transaction. Whoever writes one holds the end of the
// chain until the transaction ends.
func Write(tx *store.Tx, actor survey.Actor, e Entry) error {
	h := head{Name: chain}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&h).Error; err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("name = ?", chain).Take(&h).Error; err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	if h.Seq == 0 {
		var before int64
		if err := tx.Model(&Event{}).Count(&before).Error; err != nil {
			return fmt.Errorf("begin the chain of events: %w", err)
		}
		if err := link(tx, &h, survey.System, Entry{Kind: Began, Payload: map[string]int64{"before": before}}); err != nil {
			return err
		}
	}
	if err := link(tx, &h, actor, e); err != nil {
		return err
	}
	err := tx.Model(&head{}).Where("name = ?", chain).Updates(map[string]any{"seq": h.Seq, "mac": h.MAC}).Error
	if err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	return nil
}

// link stores the next event after h and moves h to it.
func link(tx *store.Tx, h *head, actor survey.Actor, e Entry) error {
	p, err := json.Marshal(e.Payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Kind, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Kind, err)
	}
	if e.Result == "" {
		e.Result = Done
	}
	seq := h.Seq + 1
	row := Event{ID: id.String(), Seq: &seq, At: tx.Now, Kind: e.Kind, Actor: ascii(actor.Login, 64), AccountID: ascii(actor.Account, 36), Via: actor.Via,
		Source: ascii(actor.From, 64), RequestID: ascii(actor.Request, 36), Object: ascii(e.Object, 64), AreaCode: ascii(e.Area, 12), Result: e.Result, Payload: string(p)}
	row.MAC = row.mac(tx.ChainKey, h.MAC)
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	h.Seq, h.MAC = seq, row.MAC
	return nil
}

// mac returns the code that ties the event to the one before it. Without the key
// nobody can make one.
func (e Event) mac(key []byte, before string) string {
	var seq int64
	if e.Seq != nil {
		seq = *e.Seq
	}
	fields, err := json.Marshal([]any{before, seq, e.ID, e.At.UnixMicro(), e.Kind, e.Actor, e.AccountID, e.Via, e.Source, e.RequestID, e.Object, e.AreaCode, e.Result, e.Payload})
	if err != nil {
		panic("event: " + err.Error()) // texts and numbers can always be written
	}
	m := hmac.New(sha256.New, key)
	m.Write(fields)
	return hex.EncodeToString(m.Sum(nil))
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
