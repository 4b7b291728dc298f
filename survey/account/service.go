package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// How long a session lives, and when an account is locked.
const (
	idleLimit     = 30 * time.Minute
	absoluteLimit = 12 * time.Hour
	maxFailures   = 5
	lockFor       = 10 * time.Minute
)

// Service signs people in and out.
type Service struct {
	db    *store.DB
	clock survey.Clock
	// decoy is compared when there is no such account, so that the answer takes
	// as long as for a wrong password.
	decoy string
}

// New returns the service on db.
func New(db *store.DB, clock survey.Clock) *Service {
	return &Service{db: db, clock: clock, decoy: hashPassword("")}
}

// NewAccount is what it takes to make an account.
type NewAccount struct {
	Login, Name, Password string
	// Role, on the places below AreaCode or on the unit, is granted at once when
	// the platform itself makes the account, and otherwise asked for.
	Role, AreaCode string
	Unit           string
}

// Create makes accounts. Returns survey.ErrInvalid that names the wrong field.
func (s *Service) Create(ctx context.Context, actor survey.Actor, in ...NewAccount) error {
	rows := make([]Account, len(in))
	for i, n := range in {
		switch {
		case n.Login == "":
			return survey.ErrInvalid.With(survey.Field{Path: "login", Code: "field_missing"})
		case len(n.Login) > 64:
			return survey.ErrInvalid.With(survey.Field{Path: "login", Code: "field_too_long"})
		case strings.ContainsFunc(n.Login, func(r rune) bool { return r <= ' ' || r > '~' }): // the column is ASCII
			return survey.ErrInvalid.With(survey.Field{Path: "login", Code: "field_wrong"})
		case len([]rune(n.Name)) > 200:
			return survey.ErrInvalid.With(survey.Field{Path: "name", Code: "field_too_long"})
		case len(n.AreaCode) != 12:
			return survey.ErrInvalid.With(survey.Field{Path: "area", Code: "field_missing"})
		case len(n.Password) < 8:
			return survey.ErrInvalid.With(survey.Field{Path: "password", Code: "field_too_short", Args: map[string]any{"min": 8}})
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows[i] = Account{ID: id.String(), Login: n.Login, Name: n.Name, Role: n.Role, AreaCode: n.AreaCode, PasswordHash: hashPassword(n.Password)}
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		for i, a := range rows {
			if _, err := roleByCode(tx.DB, in[i].Role); errors.Is(err, survey.ErrNotFound) {
				return survey.ErrInvalid.With(survey.Field{Path: "role", Code: "field_not_listed"})
			} else if err != nil {
				return err
			}
			a.CreatedAt = tx.Now
			if err := insertAccount(tx, a); err != nil {
				return err
			}
			if err := event.Write(tx, actor, event.Entry{Kind: "account.created", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login}}); err != nil {
				return err
			}
			if err := firstGrant(tx, actor, a, in[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// firstGrant gives or asks for the role of a new account.
func firstGrant(tx *store.Tx, actor survey.Actor, a Account, in NewAccount) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	g := Grant{ID: id.String(), AccountID: a.ID, RoleCode: in.Role, AreaCode: in.AreaCode, AskedBy: actor.Login, AskedAt: tx.Now}
	if in.Unit != "" {
		g.AreaCode, g.UnitCode = "", &in.Unit
	}
	kind := "account.grant_asked"
	if actor.Account == survey.System.Account {
		kind, g.GrantedBy, g.GrantedAt = "account.granted", actor.Login, &tx.Now
	}
	if err := insertGrant(tx, g); err != nil {
		return err
	}
	return event.Write(tx, actor, event.Entry{Kind: kind, Object: a.ID, Area: in.AreaCode, Payload: map[string]string{"role": in.Role, "area": g.AreaCode, "unit": in.Unit}})
}

// SignIn opens a session and returns its token. Returns ErrSignIn when login or
// password is wrong, ErrLocked after too many failures.
func (s *Service) SignIn(ctx context.Context, login, password string) (token string, who survey.Actor, err error) {
	a, err := accountByLogin(s.db.Read(ctx), login)
	if errors.Is(err, survey.ErrNotFound) {
		// It takes as long as at a login that exists, the note on the disk included.
		// The login is not noted: it may be a password in the wrong field.
		passwordMatches(s.decoy, password)
		if err := s.db.InTx(ctx, func(tx *store.Tx) error {
			return event.Append(tx, survey.Actor{}, "account.sign_in_failed", "", nil)
		}); err != nil {
			return "", survey.Actor{}, err
		}
		return "", survey.Actor{}, ErrSignIn
	}
	if err != nil {
		return "", survey.Actor{}, err
	}
	if a.LockedUntil != nil && s.clock().Before(*a.LockedUntil) {
		return "", survey.Actor{}, ErrLocked
	}
	right := passwordMatches(a.PasswordHash, password) && a.DisabledAt == nil
	token = newToken()
	var locked bool
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		// Others may have tried at the same time and used up the failures: then
		// nobody learns whether the password was right.
		open, err := noteTry(tx, a.ID, right)
		locked = !open
		if err != nil || locked {
			return err
		}
		if !right {
			return event.Append(tx, survey.Actor{Login: login}, "account.sign_in_failed", a.ID, nil)
		}
		if err := insertSession(tx, Session{TokenHash: tokenHash(token), AccountID: a.ID, CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: tx.Now.Add(absoluteLimit)}); err != nil {
			return err
		}
		return event.Append(tx, survey.Actor{Account: a.ID, Login: a.Login}, "account.signed_in", a.ID, nil)
	})
	switch {
	case err != nil:
		return "", survey.Actor{}, err
	case locked:
		return "", survey.Actor{}, ErrLocked
	case !right:
		return "", survey.Actor{}, ErrSignIn
	}
	who, err = actorOf(s.db.Read(ctx), a)
	return token, who, err
}

// Actor returns who holds the session token. Returns survey.ErrUnauthorized when
// the session is unknown, over or idle for too long.
func (s *Service) Actor(ctx context.Context, token string) (survey.Actor, error) {
	if token == "" {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	session, a, err := sessionByHash(s.db.Read(ctx), tokenHash(token))
	if errors.Is(err, survey.ErrNotFound) {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	if err != nil {
		return survey.Actor{}, err
	}
	now := s.clock()
	if a.DisabledAt != nil || now.After(session.ExpiresAt) || now.Sub(session.SeenAt) > idleLimit {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	if now.Sub(session.SeenAt) > time.Minute {
		if err := s.db.InTx(ctx, func(tx *store.Tx) error { return touchSession(tx, session.TokenHash) }); err != nil {
			return survey.Actor{}, err
		}
	}
	return actorOf(s.db.Read(ctx), a)
}

// SignOut ends the session. An unknown token is nothing to sign out.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error { return deleteSession(tx, tokenHash(token)) })
}

// Any reports whether there is any account.
func (s *Service) Any(ctx context.Context) (bool, error) { return anyAccount(s.db.Read(ctx)) }
