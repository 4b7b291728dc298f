package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// APIToken lets another system do a part of what its owner may do. The token
// itself is shown once and kept as its hash.
type APIToken struct {
	ID          string `gorm:"primaryKey"`
	AccountID   string
	Name        string // which system it is for
	TokenHash   string
	Permissions string // separated by spaces
	AreaCode    string // top of the places that it is for
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      *time.Time
	UsedFrom    string
	RevokedBy   string
	RevokedAt   *time.Time
}

// TableName is the table of tokens.
func (APIToken) TableName() string { return "api_tokens" }

// May lists what the token is for.
func (t APIToken) May() []survey.Permission { return role{Permissions: t.Permissions}.permissions() }

// State returns "open", "expired" or "revoked".
func (t APIToken) State(now time.Time) string {
	switch {
	case t.RevokedAt != nil:
		return "revoked"
	case now.After(t.ExpiresAt):
		return "expired"
	}
	return "open"
}

// TokenPermissions are what a token may be given. Accounts, grants, rules, the
// audit trail, erasure and further tokens stay with people.
var TokenPermissions = []survey.Permission{
	survey.SeeScores, survey.SeeResponses, survey.ReadAnswers, survey.ExportResponses, survey.ManageCollectors, survey.ManageAreas, survey.ManageWaves,
}

const (
	// tokenPrefix tells people and scanners of source code what a leaked text is.
	tokenPrefix  = "cyt_"
	maxTokenDays = 366
)

// NewAPIToken is what it takes to make a token.
type NewAPIToken struct {
	Name        string
	Permissions []survey.Permission
	Area        string
	Days        int
}

// CreateToken makes a token for another system and returns it, which happens once.
// Its permissions must be the actor's own in its place. Returns survey.ErrInvalid
// that names what is wrong.
func (s *Service) CreateToken(ctx context.Context, actor survey.Actor, in NewAPIToken) (token string, t APIToken, err error) {
	if !actor.Can(survey.ManageTokens) {
		return "", t, survey.ErrDenied
	}
	in.Name = strings.TrimSpace(in.Name)
	var wrong []survey.Field
	if in.Name == "" {
		wrong = append(wrong, survey.Field{Path: "name", Code: "field_missing"})
	}
	if len([]rune(in.Name)) > 100 {
		wrong = append(wrong, survey.Field{Path: "name", Code: "field_too_long"})
	}
	if in.Days < 1 || in.Days > maxTokenDays {
		wrong = append(wrong, survey.Field{Path: "days", Code: "field_not_between", Args: map[string]any{"min": 1, "max": maxTokenDays}})
	}
	if !actor.Sees(survey.ManageTokens, in.Area) {
		wrong = append(wrong, survey.Field{Path: "area", Code: "area_outside"})
	}
	if len(in.Permissions) == 0 {
		wrong = append(wrong, survey.Field{Path: "permissions", Code: "field_missing"})
	}
	var may []string
	for _, p := range TokenPermissions { // in their order, each once
		if slices.Contains(in.Permissions, p) {
			may = append(may, string(p))
		}
	}
	for _, p := range in.Permissions {
		if !slices.Contains(TokenPermissions, p) || !actor.Sees(p, in.Area) {
			wrong = append(wrong, survey.Field{Path: "permissions", Code: "field_not_listed"})
			break
		}
	}
	if len(wrong) > 0 {
		return "", t, survey.ErrInvalid.With(wrong...)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", t, err
	}
	token = tokenPrefix + newToken()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		t = APIToken{ID: id.String(), AccountID: actor.Account, Name: in.Name, TokenHash: tokenHash(token), Permissions: strings.Join(may, " "), AreaCode: in.Area,
			CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Duration(in.Days) * day)}
		if err := tx.Create(&t).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.token_created", Object: t.ID, Area: in.Area,
			Payload: map[string]string{"name": in.Name, "permissions": t.Permissions, "expires": t.ExpiresAt.Format(time.RFC3339)}})
	})
	return token, t, err
}

// OwnedToken is a token with the login of its owner.
type OwnedToken struct {
	APIToken
	Login string
}

// Tokens returns the tokens of the places where the actor manages tokens, the
// newest first.
func (s *Service) Tokens(ctx context.Context, actor survey.Actor) ([]OwnedToken, error) {
	var out []OwnedToken
	err := s.db.Read(ctx).Table("api_tokens").Select("api_tokens.*, accounts.login").Joins("JOIN accounts ON accounts.id = api_tokens.account_id").
		Scopes(store.Within("api_tokens.area_code", actor.Places(survey.ManageTokens))).Order("api_tokens.created_at DESC, api_tokens.id").Limit(500).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// RevokeToken ends a token of a place where the actor manages tokens. Others do
// not exist; one that is revoked stays as it is.
func (s *Service) RevokeToken(ctx context.Context, actor survey.Actor, id string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		var t APIToken
		err := tx.Where("id = ?", id).Take(&t).Error
		if store.NotFound(err) || err == nil && !actor.Sees(survey.ManageTokens, t.AreaCode) {
			return survey.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("load token: %w", err)
		}
		r := tx.Model(&APIToken{}).Where("id = ? AND revoked_at IS NULL", id).Updates(map[string]any{"revoked_at": tx.Now, "revoked_by": actor.Login})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.token_revoked", Object: id, Area: t.AreaCode, Payload: map[string]string{"name": t.Name}})
	})
}

// TokenActor returns who a token speaks for: its owner with what the token is for
// and the owner may still do there. Returns survey.ErrUnauthorized when it is
// unknown, expired or revoked, or its owner's account is disabled. Request marks
// the last use, which an event tells of the first time.
func (s *Service) TokenActor(ctx context.Context, token string, from Origin) (survey.Actor, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	r := s.db.Read(ctx)
	var t APIToken
	err := r.Where("token_hash = ?", tokenHash(token)).Take(&t).Error
	if store.NotFound(err) {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	if err != nil {
		return survey.Actor{}, fmt.Errorf("load token: %w", err)
	}
	now := s.clock()
	a, err := accountByID(r, t.AccountID)
	if errors.Is(err, survey.ErrNotFound) || err == nil && (a.DisabledAt != nil || t.State(now) != "open") {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	if err != nil {
		return survey.Actor{}, err
	}
	who, err := actorOf(r, a)
	if err != nil {
		return survey.Actor{}, err
	}
	who.Via, who.From, who.Request = "token", from.From, from.Request
	who.Grants = t.narrow(who.Grants)
	if t.UsedAt != nil && now.Sub(*t.UsedAt) < time.Minute {
		return who, nil
	}
	return who, s.db.InTx(ctx, func(tx *store.Tx) error {
		first := tx.Model(&APIToken{}).Where("id = ? AND used_at IS NULL", t.ID).Updates(map[string]any{"used_at": tx.Now, "used_from": ascii(from.From)})
		if first.Error != nil {
			return fmt.Errorf("note use of token: %w", first.Error)
		}
		if first.RowsAffected == 0 {
			return tx.Model(&APIToken{}).Where("id = ?", t.ID).Updates(map[string]any{"used_at": tx.Now, "used_from": ascii(from.From)}).Error
		}
		return event.Write(tx, who, event.Entry{Kind: "account.token_first_used", Object: t.ID, Area: t.AreaCode, Payload: map[string]string{"name": t.Name}})
	})
}

// narrow returns what of the grants the token is for.
func (t APIToken) narrow(grants []survey.Grant) []survey.Grant {
	var out []survey.Grant
	may := t.May()
	for _, g := range grants {
		switch {
		case survey.Within(g.Area, t.AreaCode):
			g.Area = t.AreaCode
		case survey.Within(t.AreaCode, g.Area):
		default:
			continue // elsewhere, or on a unit
		}
		g.Permissions = slices.DeleteFunc(slices.Clone(g.Permissions), func(p survey.Permission) bool {
			return !slices.Contains(may, p) || !slices.Contains(TokenPermissions, p)
		})
		if len(g.Permissions) > 0 {
			out = append(out, g)
		}
	}
	return out
}
