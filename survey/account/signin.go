package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Try is an attempt to sign in.
type Try struct {
	Login, Password string
	Code            string // of the second factor; "" when it is asked for afterwards
	Origin          Origin
}

// Entry is what a successful attempt gives.
type Entry struct {
	Token  string // of the session, for its cookie
	Who    survey.Actor
	Device string // mark for the browser
	Step   string // with ErrCodeNeeded: proof of the first step, for Continue
}

// stepLife is how long the second step of signing in may take.
const stepLife = 5 * time.Minute

// SignIn opens a session for login and password and returns its token, for who
// has no browser to tell of. See Enter.
func (s *Service) SignIn(ctx context.Context, login, password string) (token string, who survey.Actor, err error) {
	e, err := s.Enter(ctx, Try{Login: login, Password: password})
	return e.Token, e.Who, err
}

// Enter opens a session. Returns ErrSignIn when login or password is wrong,
// ErrLocked after too many failures, ErrTemporaryOver when the password was to be
// changed within a week and was not, ErrCodeNeeded when a second step is to follow
// and ErrCodeWrong when its code is wrong.
func (s *Service) Enter(ctx context.Context, in Try) (Entry, error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return Entry{}, err
	}
	places := s.places(in.Login, in.Origin)
	if shut, err := s.shut(s.db.Read(ctx), s.clock(), places); err != nil || shut {
		if err == nil {
			err = ErrLocked
		}
		return Entry{}, err
	}
	a, err := accountByLogin(s.db.Read(ctx), in.Login)
	if errors.Is(err, survey.ErrNotFound) {
		// It takes as long as at a login that exists, the note on the disk included.
		// The login is not noted: it may be a password in the wrong field.
		passwordMatches(s.decoy, limited(in.Password))
		open := false
		err := s.db.InTx(ctx, func(tx *store.Tx) (err error) {
			if open, err = s.note(tx, p, Account{}, in.Origin, places, false); err != nil || !open {
				return err
			}
			return event.Write(tx, in.Origin.actor(Account{}), event.Entry{Kind: "account.sign_in_failed", Result: event.Failed})
		})
		switch {
		case err != nil:
			return Entry{}, err
		case !open:
			return Entry{}, ErrLocked
		}
		return Entry{}, ErrSignIn
	}
	if err != nil {
		return Entry{}, err
	}
	right := passwordMatches(a.PasswordHash, limited(in.Password)) && a.DisabledAt == nil
	if right && a.temporaryOver(s.clock()) {
		return Entry{}, ErrTemporaryOver // only who knows it is told
	}
	if right && a.TOTPSince != nil && in.Code == "" {
		// Others may have used the failures up while this password was hashed. Then
		// nobody learns that it was right.
		shut, err := s.shut(s.db.Read(ctx), s.clock(), s.places(a.Login, in.Origin))
		if err != nil {
			return Entry{}, err
		}
		if shut {
			return Entry{}, ErrLocked
		}
		return Entry{Step: s.Seal("step", stepText(a, byPassword, s.clock()))}, ErrCodeNeeded
	}
	return s.enter(ctx, p, a, in.Origin, right, in.Code, byPassword)
}

// temporaryLife is how long a password that somebody else has chosen waits for its
// first use. It may have been written on a slip.
const temporaryLife = 7 * 24 * time.Hour

// temporaryOver reports whether the account's password was to be changed at first
// use, and has waited too long for that.
func (a Account) temporaryOver(now time.Time) bool {
	since := a.CreatedAt
	if a.PasswordAt != nil {
		since = *a.PasswordAt
	}
	return a.MustChange && now.Sub(since) > temporaryLife
}

// limited keeps the work of hashing bounded.
func limited(password string) string { return password[:min(len(password), 4*maxPassword)] }

// stepText is what the proof of the first step holds. It dies with the password.
func stepText(a Account, method string, now time.Time) string {
	return strings.Join([]string{a.ID, method, now.Add(stepLife).UTC().Format(time.RFC3339), tokenHash(a.PasswordHash)}, " ")
}

// Continue opens a session for whoever has done the first step and has a code of
// the second factor or a recovery code. Returns ErrStepOver when the first step is
// too long ago, ErrCodeWrong or ErrLocked.
func (s *Service) Continue(ctx context.Context, step, code string, from Origin) (Entry, error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return Entry{}, err
	}
	text, ok := s.Unseal("step", step)
	part := strings.Fields(text)
	if !ok || len(part) != 4 {
		return Entry{}, ErrStepOver
	}
	until, err := time.Parse(time.RFC3339, part[2])
	if err != nil || s.clock().After(until) {
		return Entry{}, ErrStepOver
	}
	a, err := accountByID(s.db.Read(ctx), part[0])
	if err != nil || tokenHash(a.PasswordHash) != part[3] || a.DisabledAt != nil || a.TOTPSince == nil {
		return Entry{}, ErrStepOver
	}
	if shut, err := s.shut(s.db.Read(ctx), s.clock(), s.places(a.Login, from)); err != nil || shut {
		if err == nil {
			err = ErrLocked
		}
		return Entry{}, err
	}
	return s.enter(ctx, p, a, from, true, code, part[1])
}

// enter judges the attempt and opens the session. With a second factor the code
// has to be right too.
func (s *Service) enter(ctx context.Context, p Policy, a Account, from Origin, first bool, code, method string) (Entry, error) {
	e := Entry{Token: newToken(), Device: s.newDevice(a.Login)}
	if s.deviceOf(a.Login, from.Device) != "" {
		e.Device = from.Device
	}
	recovery := false
	err := s.judgeWith(ctx, p, a, from, func(tx *store.Tx) (right bool, err error) {
		if !first || a.TOTPSince == nil {
			return first, nil
		}
		right, recovery, err = s.useCode(tx, a, code)
		return right, err
	}, func(tx *store.Tx) error {
		if err := openSession(tx, p, a, e.Token, from, method); err != nil {
			return err
		}
		if recovery {
			if err := event.Write(tx, from.actor(a), event.Entry{Kind: "account.recovery_code_used", Object: a.ID, Area: a.AreaCode}); err != nil {
				return err
			}
		}
		return event.Write(tx, from.actor(a), event.Entry{Kind: "account.signed_in", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"method": method, "with": from.Agent}})
	})
	if errors.Is(err, ErrSignIn) && first && a.TOTPSince != nil {
		err = ErrCodeWrong
	}
	if err != nil {
		return Entry{}, err
	}
	if e.Who, err = actorOf(s.db.Read(ctx), a); err != nil {
		return Entry{}, err
	}
	e.Who.From, e.Who.Request = from.From, from.Request
	e.Who.Must = p.must(a, method, e.Who.Grants, s.clock())
	return e, nil
}

// judge counts whether a secret of the account was right. Returns ErrSignIn when it
// was not and ErrLocked after too many failures.
func (s *Service) judge(ctx context.Context, p Policy, a Account, from Origin, right bool) error {
	return s.judgeWith(ctx, p, a, from, func(*store.Tx) (bool, error) { return right, nil }, func(*store.Tx) error { return nil })
}

// judgeWith asks whether a secret was right, counts that, and runs then in the
// same transaction when it was.
func (s *Service) judgeWith(ctx context.Context, p Policy, a Account, from Origin, ask func(*store.Tx) (bool, error), then func(*store.Tx) error) error {
	places := s.places(a.Login, from)
	var right, open bool
	err := s.db.InTx(ctx, func(tx *store.Tx) (err error) {
		// The counts first: nothing is used up while they are shut.
		if shut, err := s.shut(tx.DB, tx.Now, places); err != nil || shut {
			open = !shut
			return err
		}
		if right, err = ask(tx); err != nil {
			return err
		}
		if open, err = s.note(tx, p, a, from, places, right); err != nil {
			return err
		}
		if !open {
			return errShut // what ask has used up is given back
		}
		if !right {
			return event.Write(tx, from.actor(a), event.Entry{Kind: "account.sign_in_failed", Object: a.ID, Area: a.AreaCode, Result: event.Failed})
		}
		return then(tx)
	})
	switch {
	case errors.Is(err, errShut) || err == nil && !open:
		return ErrLocked
	case err != nil:
		return err
	case !right:
		return ErrSignIn
	}
	return nil
}

var errShut = errors.New("account: shut")

// identity ties a person at the city's single sign-on to an account.
type identity struct {
	SubjectHash string `gorm:"primaryKey"`
	AccountID   string
	LinkedAt    time.Time
}

// EnterAs opens a session for somebody whom the city's single sign-on has
// recognised: the account that is linked with this subject of the issuer, else the
// one with that login, which is linked from then on. It never makes an account and
// never gives power. Returns ErrSignIn when there is no such account or it is
// disabled, ErrCodeNeeded when the account has a second factor.
func (s *Service) EnterAs(ctx context.Context, issuer, subject, login string, from Origin) (Entry, error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return Entry{}, err
	}
	hash := tokenHash(issuer + "\x00" + subject)
	var a Account
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		var link identity
		err := tx.Where("subject_hash = ?", hash).Take(&link).Error
		switch {
		case err == nil:
			a, err = accountByID(tx.DB, link.AccountID)
			return err
		case !store.NotFound(err):
			return fmt.Errorf("load identity: %w", err)
		}
		if a, err = accountByLogin(tx.DB, login); err != nil {
			return err
		}
		// An account that another subject holds is not handed on with the name. Whoever
		// comes at the same time waits for the account, and sees then who holds it.
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", a.ID).Take(&a).Error; err != nil {
			return fmt.Errorf("load account: %w", err)
		}
		var held []string
		if err := tx.Model(&identity{}).Where("account_id = ?", a.ID).Pluck("subject_hash", &held).Error; err != nil {
			return fmt.Errorf("load identity: %w", err)
		}
		if slices.Contains(held, hash) {
			return nil
		}
		if len(held) > 0 {
			return survey.ErrNotFound
		}
		if a.DisabledAt != nil {
			return nil // refused below, and not linked
		}
		if err := tx.Create(&identity{SubjectHash: hash, AccountID: a.ID, LinkedAt: tx.Now}).Error; err != nil {
			return fmt.Errorf("link identity: %w", err)
		}
		return event.Write(tx, from.actor(a), event.Entry{Kind: "account.identity_linked", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"issuer": issuer}})
	})
	if errors.Is(err, survey.ErrNotFound) || err == nil && a.DisabledAt != nil {
		if err := s.db.InTx(ctx, func(tx *store.Tx) error {
			return event.Write(tx, from.actor(a), event.Entry{Kind: "account.sign_in_failed", Object: a.ID, Area: a.AreaCode, Result: event.Failed, Payload: map[string]string{"method": byProvider}})
		}); err != nil {
			return Entry{}, err
		}
		return Entry{}, ErrSignIn
	}
	if err != nil {
		return Entry{}, err
	}
	if a.TOTPSince != nil {
		return Entry{Step: s.Seal("step", stepText(a, byProvider, s.clock()))}, ErrCodeNeeded
	}
	return s.enter(ctx, p, a, from, true, "", byProvider)
}
