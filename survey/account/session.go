package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Session is a signed-in browser. The token itself is only in its cookie.
type Session struct {
	TokenHash string `gorm:"primaryKey"`
	AccountID string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Source    string // network address that it began at
	Agent     string // what it began with: "Chrome, Windows"
	Method    string
}

// How a session began.
const (
	byPassword = "password"
	byProvider = "provider" // the city's single sign-on
)

// openSession begins a session with a token that nobody had before. The person's
// oldest sessions give way when there are more than the policy allows.
func openSession(tx *store.Tx, p Policy, a Account, token string, from Origin, method string) error {
	s := Session{TokenHash: tokenHash(token), AccountID: a.ID, CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: tx.Now.Add(p.absolute()),
		Source: ascii(from.From), Agent: ascii(from.Agent), Method: method}
	if err := tx.Create(&s).Error; err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	// What is over goes first, and what the browser had before: nobody is signed in
	// twice in one browser, and a token that was planted there is worth nothing.
	if from.Session != "" {
		if err := tx.Where("token_hash = ?", tokenHash(from.Session)).Delete(&Session{}).Error; err != nil {
			return fmt.Errorf("end old session: %w", err)
		}
	}
	if err := tx.Where("account_id = ? AND (expires_at < ? OR seen_at < ?)", a.ID, tx.Now, tx.Now.Add(-p.idle())).Delete(&Session{}).Error; err != nil {
		return fmt.Errorf("end old sessions: %w", err)
	}
	var hashes []string
	if err := tx.Model(&Session{}).Where("account_id = ?", a.ID).Order("created_at DESC").Limit(p.Sessions+100).Pluck("token_hash", &hashes).Error; err != nil {
		return fmt.Errorf("count sessions: %w", err)
	}
	if len(hashes) <= p.Sessions {
		return nil
	}
	var over []string
	left := p.Sessions - 1
	for _, h := range hashes {
		switch {
		case h == s.TokenHash:
		case left > 0:
			left--
		default:
			over = append(over, h)
		}
	}
	return tx.Where("token_hash IN ?", over).Delete(&Session{}).Error
}

// ascii keeps of a text what its column holds.
func ascii(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r < ' ' || r > '~' {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out[:min(len(out), 64)])
}

// RevokeSessions ends all sessions of an account and returns how many there were:
// for whatever changes what its holder may do, or who can be its holder.
func RevokeSessions(tx *store.Tx, accountID string) (int, error) {
	r := tx.Where("account_id = ?", accountID).Delete(&Session{})
	if r.Error != nil {
		return 0, fmt.Errorf("revoke sessions: %w", r.Error)
	}
	return int(r.RowsAffected), nil
}

func sessionByHash(r *gorm.DB, hash string) (Session, Account, error) {
	var s Session
	var a Account
	err := r.Where("token_hash = ?", hash).Take(&s).Error
	if err == nil {
		err = r.Where("id = ?", s.AccountID).Take(&a).Error
	}
	if store.NotFound(err) {
		return s, a, survey.ErrNotFound
	}
	return s, a, err
}

// Actor returns who holds the session token. Returns survey.ErrUnauthorized when
// the session is unknown, over or idle for too long. What the person may do is
// read anew each time, so that a grant that ended counts for nothing at once.
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
	p, err := s.Policy(ctx)
	if err != nil {
		return survey.Actor{}, err
	}
	now := s.clock()
	// A policy that became stricter counts for sessions that began before it.
	if a.DisabledAt != nil || now.After(session.ExpiresAt) || now.Sub(session.CreatedAt) > p.absolute() || now.Sub(session.SeenAt) > p.idle() {
		return survey.Actor{}, survey.ErrUnauthorized
	}
	if now.Sub(session.SeenAt) > time.Minute {
		if err := s.db.InTx(ctx, func(tx *store.Tx) error {
			return tx.Model(&Session{}).Where("token_hash = ?", session.TokenHash).Update("seen_at", tx.Now).Error
		}); err != nil {
			return survey.Actor{}, err
		}
	}
	who, err := actorOf(s.db.Read(ctx), a)
	if err != nil {
		return survey.Actor{}, err
	}
	who.Must = p.must(a, session.Method, who.Grants, now)
	return who, nil
}

// must returns what the person has to do before anything else. Who came through
// the city's single sign-on has no password here to change.
func (p Policy) must(a Account, method string, grants []survey.Grant, now time.Time) string {
	since := a.CreatedAt
	if a.PasswordAt != nil {
		since = *a.PasswordAt
	}
	old := p.PasswordDays > 0 && now.Sub(since) > time.Duration(p.PasswordDays)*day
	switch {
	case method == byPassword && (a.MustChange || old):
		return "password"
	case a.TOTPSince == nil && p.needsCode(grants):
		return "totp"
	}
	return ""
}

// SignOut ends the session. An unknown token is nothing to sign out.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		var ended Session
		err := tx.Where("token_hash = ?", tokenHash(token)).Take(&ended).Error
		if store.NotFound(err) {
			return nil
		}
		if err == nil {
			err = tx.Where("token_hash = ?", ended.TokenHash).Delete(&Session{}).Error
		}
		var a Account
		if err == nil {
			a, err = accountByID(tx.DB, ended.AccountID)
		}
		if err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
		return event.Append(tx, survey.Actor{Account: a.ID, Login: a.Login, Via: "session", From: ended.Source}, "account.signed_out", a.ID, nil)
	})
}

// OpenSession is a session as people see it in a list.
type OpenSession struct {
	ID      string
	Account string // id
	Login   string
	Name    string
	Began   time.Time
	Seen    time.Time
	Source  string
	Agent   string
	This    bool // the one that asks
}

// shown is how much of a hash names a session: enough to tell them apart.
const shown = 32

// Sessions returns the sessions that are open: the actor's own, or of everybody
// who belongs to a place where the actor manages accounts or security.
func (s *Service) Sessions(ctx context.Context, actor survey.Actor, token string, all bool) ([]OpenSession, error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	q := s.db.Read(ctx).Table("sessions").Select("sessions.*, accounts.login, accounts.name").Joins("JOIN accounts ON accounts.id = sessions.account_id").
		Where("sessions.expires_at >= ? AND sessions.seen_at >= ? AND accounts.disabled_at IS NULL", now, now.Add(-p.idle()))
	if all {
		q = q.Scopes(store.Within("accounts.area_code", actor.Places(survey.ManageAccounts, survey.ManageSecurity)))
	} else {
		q = q.Where("sessions.account_id = ?", actor.Account)
	}
	var rows []struct {
		Session
		Login, Name string
	}
	if err := q.Order("accounts.login, sessions.seen_at DESC").Limit(1000).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	out := make([]OpenSession, len(rows))
	for i, r := range rows {
		out[i] = OpenSession{ID: r.TokenHash[:shown], Account: r.AccountID, Login: r.Login, Name: r.Name, Began: r.CreatedAt, Seen: r.SeenAt, Source: r.Source, Agent: r.Agent,
			This: token != "" && r.TokenHash == tokenHash(token)}
	}
	return out, nil
}

// RevokeOwn ends one of the actor's own sessions, or with id "" all of them.
// Returns survey.ErrNotFound when there is no such session of theirs.
func (s *Service) RevokeOwn(ctx context.Context, actor survey.Actor, id string) error {
	if id != "" && len(id) != shown {
		return survey.ErrNotFound
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		q := tx.Where("account_id = ?", actor.Account)
		if id != "" {
			q = q.Where("SUBSTR(token_hash, 1, ?) = ?", shown, id)
		}
		r := q.Delete(&Session{})
		if r.Error != nil {
			return fmt.Errorf("revoke session: %w", r.Error)
		}
		if id != "" && r.RowsAffected == 0 {
			return survey.ErrNotFound
		}
		return event.Append(tx, actor, "account.sessions_revoked", actor.Account, map[string]any{"login": actor.Login, "sessions": r.RowsAffected})
	})
}

// RevokeAll ends all sessions of a person in a place where the actor manages
// accounts or security. Others do not exist.
func (s *Service) RevokeAll(ctx context.Context, actor survey.Actor, accountID string) error {
	a, err := s.managed(ctx, actor, accountID, survey.ManageAccounts, survey.ManageSecurity)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := RevokeSessions(tx, a.ID)
		if err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.sessions_revoked", Object: a.ID, Area: a.AreaCode, Payload: map[string]any{"login": a.Login, "sessions": n}})
	})
}
