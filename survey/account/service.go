package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Service signs people in and out.
type Service struct {
	db    *store.DB
	clock survey.Clock
	// decoy is compared when there is no such account, so that the answer takes
	// as long as for a wrong password.
	decoy string
	// keys are derived from the installation's secrets, the present one first.
	keys   [][]byte
	policy atomic.Pointer[read]
}

// New returns the service on db. The secret keys what is kept sealed; what older
// secrets have sealed is still read.
func New(db *store.DB, clock survey.Clock, secret []byte, older ...[]byte) *Service {
	s := &Service{db: db, clock: clock, decoy: hashPassword("")}
	for _, each := range append([][]byte{secret}, older...) {
		m := hmac.New(sha256.New, each)
		m.Write([]byte("accounts"))
		s.keys = append(s.keys, m.Sum(nil))
	}
	return s
}

// NewAccount is what it takes to make an account.
type NewAccount struct {
	Login, Name, Password string
	// Role, on the places below AreaCode or on the unit, is granted at once when
	// the platform itself makes the account, and otherwise asked for.
	Role, AreaCode string
	Unit           string
	// Temporary means that the password has to be changed at first use. It always
	// does when a person makes the account.
	Temporary bool
}

// Create makes accounts. Returns survey.ErrInvalid that names the wrong field.
func (s *Service) Create(ctx context.Context, actor survey.Actor, in ...NewAccount) error {
	p, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	byPerson := actor.Account != survey.System.Account
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
		if byPerson {
			if err := p.checkPassword(n.Login, n.Password); err != nil {
				return err
			}
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows[i] = Account{ID: id.String(), Login: n.Login, Name: n.Name, Role: n.Role, AreaCode: n.AreaCode, PasswordHash: hashPassword(n.Password), MustChange: n.Temporary || byPerson}
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		for i, a := range rows {
			if _, err := roleByCode(tx.DB, in[i].Role); errors.Is(err, survey.ErrNotFound) {
				return survey.ErrInvalid.With(survey.Field{Path: "role", Code: "field_not_listed"})
			} else if err != nil {
				return err
			}
			a.CreatedAt, a.PasswordAt = tx.Now, &tx.Now
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

// Any reports whether there is any account.
func (s *Service) Any(ctx context.Context) (bool, error) { return anyAccount(s.db.Read(ctx)) }
