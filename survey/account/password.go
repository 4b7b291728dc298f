package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// maxPassword is longer than any password manager makes one; a limit keeps the
// work of hashing bounded.
const maxPassword = 128

// common are what guessers try first: passwords that meet the usual rules only in
// their letters. What is left of a password without digits and signs is compared.
var common = strings.Fields(`password passwort passw pass admin administrator root test welcome letmein qwerty qwertyuiop qwer asdf asdfgh zxcvbn abc abcd abcdef
iloveyou monkey dragon master login user guest woaini mima guanliyuan chengyin wenming chuangcheng zhengfu shequ changeme default hello aa aaa`)

// ErrWrongPassword means that the present password, which a change asks for, is
// not right.
var ErrWrongPassword = &survey.Error{Kind: survey.Invalid, Code: "password_wrong", Fields: []survey.Field{{Path: "old", Code: "field_password_wrong"}}}

// checkPassword returns what is wrong with a password that somebody chose.
func (p Policy) checkPassword(login, password string) error {
	field := survey.Field{Path: "password"}
	switch n := len([]rune(password)); {
	case n < p.PasswordLength:
		field.Code, field.Args = "field_too_short", map[string]any{"min": p.PasswordLength}
	case n > maxPassword:
		field.Code = "field_too_long"
	case classes(password) < p.PasswordClasses:
		field.Code, field.Args = "field_password_classes", map[string]any{"min": p.PasswordClasses}
	case len(login) > 2 && strings.Contains(strings.ToLower(password), strings.ToLower(login)):
		field.Code = "field_password_login"
	case tooCommon(password):
		field.Code = "field_password_common"
	default:
		return nil
	}
	return survey.ErrInvalid.With(field)
}

// classes counts which of small letters, capitals, digits and other characters
// the password has.
func classes(password string) int {
	var small, capital, digit, other int
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			small = 1
		case unicode.IsUpper(r):
			capital = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return small + capital + digit + other
}

// tooCommon reports whether a password is one of those that guessers begin with:
// a common word with figures and signs around it or in place of letters, or a few
// characters repeated.
func tooCommon(password string) bool {
	seen := map[rune]bool{}
	for _, r := range password {
		seen[r] = true
	}
	if len(seen) < 5 {
		return true
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, s)
	}
	small := strings.ToLower(password)
	// The figures and signs around a word are not letters of it.
	core := strings.TrimFunc(small, func(r rune) bool { return !unicode.IsLetter(r) })
	read := strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "@", "a", "$", "s", "!", "i").Replace(core)
	return slices.Contains(common, letters(small)) || slices.Contains(common, letters(read))
}

// pastPassword is a password that was replaced.
type pastPassword struct {
	ID           string `gorm:"primaryKey"`
	AccountID    string
	PasswordHash string
	EndedAt      time.Time
}

func pastPasswords(r *gorm.DB, accountID string, most int) (out []string, err error) {
	err = r.Model(&pastPassword{}).Where("account_id = ?", accountID).Order("ended_at DESC, id DESC").Limit(most).Pluck("password_hash", &out).Error
	return out, err
}

// setPassword replaces the account's password, keeps the old one's hash for as
// long as the policy needs it, and ends all sessions. Returns ErrSignIn when the
// password was changed by somebody else meanwhile.
func setPassword(tx *store.Tx, p Policy, a Account, hash string, must bool) error {
	r := tx.Model(&Account{}).Where("id = ? AND password_hash = ?", a.ID, a.PasswordHash).
		Updates(map[string]any{"password_hash": hash, "password_at": tx.Now, "must_change": must})
	if r.Error != nil {
		return fmt.Errorf("change password: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return ErrSignIn
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if err := tx.Create(&pastPassword{ID: id.String(), AccountID: a.ID, PasswordHash: a.PasswordHash, EndedAt: tx.Now}).Error; err != nil {
		return fmt.Errorf("keep past password: %w", err)
	}
	var keep []string
	if err := tx.Model(&pastPassword{}).Where("account_id = ?", a.ID).Order("ended_at DESC, id DESC").Limit(max(p.PasswordHistory, 1)).Pluck("id", &keep).Error; err != nil {
		return fmt.Errorf("keep past password: %w", err)
	}
	if err := tx.Where("account_id = ? AND id NOT IN ?", a.ID, keep).Delete(&pastPassword{}).Error; err != nil {
		return fmt.Errorf("forget past passwords: %w", err)
	}
	_, err = RevokeSessions(tx, a.ID)
	return err
}

// ChangePassword changes the actor's own password. All their sessions end, and a
// new one begins whose token is returned. A wrong present password counts as a
// failed sign-in, so that who finds a browser open cannot guess on.
func (s *Service) ChangePassword(ctx context.Context, actor survey.Actor, old, password string, from Origin) (token string, err error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return "", err
	}
	a, err := accountByID(s.db.Read(ctx), actor.Account)
	if err != nil {
		return "", err
	}
	if err := s.judge(ctx, p, a, from, passwordMatches(a.PasswordHash, old)); err != nil {
		if errors.Is(err, ErrSignIn) {
			return "", ErrWrongPassword
		}
		return "", err
	}
	if err := p.checkPassword(a.Login, password); err != nil {
		return "", err
	}
	past, err := pastPasswords(s.db.Read(ctx), a.ID, max(p.PasswordHistory-1, 0))
	if err != nil {
		return "", err
	}
	// The present one is the first that must not come back, whatever the rules say:
	// a change that changes nothing is none.
	for _, hash := range append([]string{a.PasswordHash}, past...) {
		if passwordMatches(hash, password) {
			return "", survey.ErrInvalid.With(survey.Field{Path: "password", Code: "field_password_used"})
		}
	}
	hash := hashPassword(password)
	token = newToken()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := setPassword(tx, p, a, hash, false); err != nil {
			return err
		}
		if err := openSession(tx, p, a, token, from, byPassword); err != nil {
			return err
		}
		return event.Append(tx, actor, "account.password_changed", a.ID, nil)
	})
	return token, err
}

// ResetPassword gives a person a password that they have to change when they sign
// in with it, and ends all their sessions. The person must belong to a place where
// the actor manages accounts; others do not exist.
func (s *Service) ResetPassword(ctx context.Context, actor survey.Actor, accountID, password string) error {
	a, err := s.managed(ctx, actor, accountID, survey.ManageAccounts)
	if err != nil {
		return err
	}
	p, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	if err := p.checkPassword(a.Login, password); err != nil {
		return err
	}
	hash := hashPassword(password)
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := setPassword(tx, p, a, hash, true); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.password_reset", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login}})
	})
}

// managed returns an account that belongs to a place where the actor has one of
// the permissions, and is not the actor's own. Returns survey.ErrNotFound.
func (s *Service) managed(ctx context.Context, actor survey.Actor, accountID string, may ...survey.Permission) (Account, error) {
	a, err := accountByID(s.db.Read(ctx), accountID)
	if err != nil {
		return a, err
	}
	if a.ID == actor.Account || !slices.ContainsFunc(may, func(p survey.Permission) bool { return actor.Sees(p, a.AreaCode) }) {
		return a, survey.ErrNotFound
	}
	return a, nil
}
