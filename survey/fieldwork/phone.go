package fieldwork

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Lease is how long a phone works without being heard of.
const Lease = 30 * 24 * time.Hour

// TokenPrefix tells people and scanners of source code what a leaked text is.
const TokenPrefix = "cyp_"

// longestName is how many characters a phone's name has at most.
const longestName = 100

// Errors of phones.
var (
	// ErrPhoneTaken means that another account works with the phone's id.
	ErrPhoneTaken = &survey.Error{Kind: survey.Conflict, Code: "phone_taken"}
	// ErrNoPhone means that there is no such phone, or none that the actor sees.
	ErrNoPhone = &survey.Error{Kind: survey.NotFound, Code: "phone_not_found"}
)

// Enrolled is what a phone gets when its worker signs in.
type Enrolled struct {
	Phone Phone
	First bool   // it was not known before
	Token string // shown this once
	Key   []byte
}

// Enrol signs a phone in for the actor: one that is known gets a new token and the
// key that it had. Returns survey.ErrInvalid, survey.ErrDenied, ErrPhoneLocked, or
// ErrPhoneTaken when the id is another account's.
func (s *Service) Enrol(ctx context.Context, actor survey.Actor, id, name string) (Enrolled, error) {
	if !actor.Can(survey.Interview) {
		return Enrolled{}, survey.ErrDenied
	}
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != 36 {
		return Enrolled{}, survey.ErrInvalid.With(survey.Field{Path: "id", Code: "field_wrong"})
	}
	id = parsed.String()
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > longestName {
		return Enrolled{}, survey.ErrInvalid.With(survey.Field{Path: "name", Code: "field_too_long", Args: map[string]any{"max": longestName}})
	}
	fresh, err := newPhoneKey()
	if err != nil {
		return Enrolled{}, err
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return Enrolled{}, err
	}
	var out Enrolled
	enrol := func(tx *store.Tx) error {
		out = Enrolled{Token: TokenPrefix + encode(random), Key: fresh}
		p, err := phoneByID(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), id)
		switch {
		case errors.Is(err, ErrNoPhone):
			out.First = true
			p = Phone{ID: id, AccountID: actor.Account, CreatedAt: tx.Now}
		case err != nil:
			return err
		case p.AccountID != actor.Account:
			return ErrPhoneTaken
		case p.LockedAt != nil:
			return ErrPhoneLocked
		default:
			if out.Key, err = s.phoneKey(p); err != nil {
				return err
			}
		}
		// Sealed with the present secret, so that an older one can be done away with.
		if p.KeySealed, err = s.keys[0].hide(id, out.Key); err != nil {
			return err
		}
		p.TokenHash, p.Name, p.SeenAt, p.LeaseUntil, p.SignedOutAt = tokenHash(out.Token), name, tx.Now, tx.Now.Add(Lease), nil
		if out.First {
			err = tx.Create(&p).Error
		} else {
			err = tx.Model(&Phone{}).Where("id = ?", id).Select("token_hash", "name", "seen_at", "lease_until", "signed_out_at", "key_sealed").Updates(&p).Error
		}
		if err != nil {
			return fmt.Errorf("enrol phone: %w", err)
		}
		out.Phone = p
		return event.Write(tx, actor, event.Entry{Kind: "field.phone_enrolled", Object: id, Payload: map[string]any{"name": name, "first": out.First}})
	}
	err = s.db.InTx(ctx, enrol)
	if store.IsDuplicate(err) { // the same phone signed in twice at once: now it is known
		err = s.db.InTx(ctx, enrol)
	}
	return out, err
}

func tokenHash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// phoneKey returns the key of what the phone keeps.
func (s *Service) phoneKey(p Phone) (key []byte, err error) {
	for _, k := range s.keys {
		if key, err = k.show(p.ID, p.KeySealed); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("key of phone %s: %w", p.ID, err)
}

// On is a phone with the person who works with it.
type On struct {
	Phone  Phone
	Worker survey.Actor
	Locked bool // the office has locked it, or the person may not interview any more
}

// Asks returns whose phone has the token. A locked one is told by Locked; it may
// still hand over what it holds. Returns ErrPhoneUnknown when the phone has to
// sign in again.
func (s *Service) Asks(ctx context.Context, token string, from account.Origin) (On, error) {
	if !strings.HasPrefix(token, TokenPrefix) {
		return On{}, ErrPhoneUnknown
	}
	r := s.db.Read(ctx)
	p, err := phoneByToken(r, tokenHash(token))
	if errors.Is(err, ErrNoPhone) || err == nil && p.SignedOutAt != nil {
		return On{}, ErrPhoneUnknown
	}
	if err != nil {
		return On{}, err
	}
	a, who, err := account.ByID(r, p.AccountID)
	if err != nil {
		return On{}, err
	}
	who.Via, who.From, who.Request = "phone", from.From, from.Request
	on := On{Phone: p, Worker: who, Locked: p.LockedAt != nil || a.DisabledAt != nil || !who.Can(survey.Interview)}
	now := s.clock()
	if !on.Locked && now.After(p.LeaseUntil) {
		return On{}, ErrPhoneUnknown
	}
	return on, nil
}

// Heard notes that a phone was heard of, and with how many records waiting and
// which offset of its clock when it said so. A locked phone's lease is not made
// longer by it.
func (s *Service) Heard(ctx context.Context, on *On, waiting *int, offset *time.Duration) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		set := map[string]any{"seen_at": tx.Now}
		if !on.Locked {
			on.Phone.LeaseUntil = tx.Now.Add(Lease)
			set["lease_until"] = on.Phone.LeaseUntil
		}
		if waiting != nil {
			set["waiting"] = *waiting
		}
		if offset != nil {
			set["offset_ms"] = offset.Milliseconds()
		}
		if err := tx.Model(&Phone{}).Where("id = ?", on.Phone.ID).Updates(set).Error; err != nil {
			return fmt.Errorf("note phone: %w", err)
		}
		return nil
	})
}

// SignOut ends a phone's token. Its key is kept, so that what waits on it can still
// be read when the same person signs in again.
func (s *Service) SignOut(ctx context.Context, on On, id string) error {
	if id != on.Phone.ID {
		return ErrNoPhone
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		r := tx.Model(&Phone{}).Where("id = ? AND signed_out_at IS NULL", id).Update("signed_out_at", tx.Now)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return event.Write(tx, on.Worker, event.Entry{Kind: "field.phone_signed_out", Object: id})
	})
}

// Lock locks a phone: it gets 403 from now on, forgets its key, and hands over what
// waits on it unread. Locking a locked phone changes nothing. Returns
// survey.ErrDenied, or ErrNoPhone when its worker belongs to none of the places
// where the actor manages field work.
func (s *Service) Lock(ctx context.Context, actor survey.Actor, id string) error {
	return s.setLock(ctx, actor, id, true)
}

// Unlock lets a phone sign in again.
func (s *Service) Unlock(ctx context.Context, actor survey.Actor, id string) error {
	return s.setLock(ctx, actor, id, false)
}

func (s *Service) setLock(ctx context.Context, actor survey.Actor, id string, lock bool) error {
	if !actor.Can(survey.ManageFieldwork) {
		return survey.ErrDenied
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := phoneByID(tx.DB, id)
		if err != nil {
			return err
		}
		a, _, err := account.ByID(tx.DB, p.AccountID)
		if err != nil {
			return err
		}
		if !actor.Sees(survey.ManageFieldwork, a.AreaCode) {
			return ErrNoPhone
		}
		q, kind := tx.Model(&Phone{}).Where("id = ? AND locked_at IS NULL", id), "field.phone_locked"
		set := map[string]any{"locked_at": tx.Now, "locked_by": actor.Account}
		if !lock {
			q, kind = tx.Model(&Phone{}).Where("id = ? AND locked_at IS NOT NULL", id), "field.phone_unlocked"
			set = map[string]any{"locked_at": nil, "locked_by": ""}
		}
		r := q.Updates(set)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return event.Write(tx, actor, event.Entry{Kind: kind, Object: id, Area: a.AreaCode, Payload: map[string]string{"login": a.Login, "name": p.Name}})
	})
}

// OwnedPhone is a phone with the person who works with it.
type OwnedPhone struct {
	Phone
	Login    string
	Worker   string // name
	AreaCode string // where the person belongs
}

// Phones returns the phones of people who belong to the places where the actor
// manages field work, by login.
func (s *Service) Phones(ctx context.Context, actor survey.Actor) ([]OwnedPhone, error) {
	if !actor.Can(survey.ManageFieldwork) {
		return nil, survey.ErrDenied
	}
	var out []OwnedPhone
	err := s.db.Read(ctx).Table("field_phones").Select("field_phones.*, accounts.login, accounts.name AS worker, accounts.area_code").
		Joins("JOIN accounts ON accounts.id = field_phones.account_id").Scopes(store.Within("accounts.area_code", actor.Places(survey.ManageFieldwork))).
		Order("accounts.login, field_phones.seen_at DESC").Limit(1000).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("list phones: %w", err)
	}
	return out, nil
}
