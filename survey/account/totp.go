package account

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Errors of the second factor.
var (
	// ErrCodeNeeded means that login and password are right and the code of the
	// second factor is missing.
	ErrCodeNeeded = &survey.Error{Kind: survey.Unauthorized, Code: "totp_needed"}
	ErrCodeWrong  = &survey.Error{Kind: survey.Unauthorized, Code: "totp_wrong"}
	// ErrStepOver means that the second step of signing in came too late.
	ErrStepOver = &survey.Error{Kind: survey.Unauthorized, Code: "sign_in_step_over"}
	// ErrTOTPExists means that the person has a second factor already.
	ErrTOTPExists = &survey.Error{Kind: survey.Conflict, Code: "totp_exists"}
	// ErrTOTPKept means that the rules of the installation ask for the second factor.
	ErrTOTPKept = &survey.Error{Kind: survey.Conflict, Code: "totp_kept"}
	errTOTPCode = &survey.Error{Kind: survey.Invalid, Code: "totp_wrong", Fields: []survey.Field{{Path: "code", Code: "field_totp_wrong"}}}
)

const (
	totpPeriod    = 30 // seconds, as every authenticator has it
	recoveryCodes = 10
)

// recoveryCode is a code that replaces a second factor once.
type recoveryCode struct {
	CodeHash  string `gorm:"primaryKey"`
	AccountID string
	UsedAt    *time.Time
}

// sealer returns the cipher for one purpose. What it seals can be read only by
// who has the installation's secret.
func sealer(key []byte, purpose string) cipher.AEAD {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("seal\x00" + purpose))
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		panic("account: " + err.Error()) // the key always has 32 bytes
	}
	c, err := cipher.NewGCM(block)
	if err != nil {
		panic("account: " + err.Error())
	}
	return c
}

// Seal encrypts a text for a purpose.
func (s *Service) Seal(purpose, text string) string {
	c := sealer(s.keys[0], purpose)
	nonce := make([]byte, c.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(c.Seal(nonce, nonce, []byte(text), nil))
}

// Unseal returns what was sealed for the purpose, and whether it was.
func (s *Service) Unseal(purpose, sealed string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", false
	}
	for _, key := range s.keys {
		c := sealer(key, purpose)
		if len(raw) < c.NonceSize() {
			return "", false
		}
		if text, err := c.Open(nil, raw[:c.NonceSize()], raw[c.NonceSize():], nil); err == nil {
			return string(text), true
		}
	}
	return "", false
}

// stepAt returns the step of a code that is right at that time, 0 when it is not:
// the present one, or the one before or after, because clocks differ.
func stepAt(secret, code string, now time.Time) int64 {
	at := now.Unix() / totpPeriod
	found := int64(0)
	for _, step := range []int64{at - 1, at, at + 1} {
		want, err := hotp.GenerateCode(secret, uint64(step))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found
}

// tidy removes what people put between the characters of a code.
func tidy(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(code))
}

// useCode uses up a code of the account's second factor, or one of its recovery
// codes: each counts once. The unread steps before a used one are used with it.
func (s *Service) useCode(tx *store.Tx, a Account, code string) (right, recovery bool, err error) {
	code = tidy(code)
	secret, ok := s.Unseal("totp "+a.ID, a.TOTPSecret)
	if !ok {
		return false, false, fmt.Errorf("the second factor of account %s cannot be read with this secret", a.ID)
	}
	if step := stepAt(secret, code, tx.Now); step > 0 {
		r := tx.Model(&Account{}).Where("id = ? AND totp_step < ?", a.ID, step).Update("totp_step", step)
		return r.RowsAffected == 1, false, r.Error
	}
	r := tx.Model(&recoveryCode{}).Where("code_hash IN ? AND account_id = ? AND used_at IS NULL", s.keyedAll("recovery "+a.ID, code), a.ID).Update("used_at", tx.Now)
	return r.RowsAffected == 1, r.RowsAffected == 1, r.Error
}

// Enrolment is a second factor that waits for its first code.
type Enrolment struct {
	Secret string // base32, to be typed
	URL    string // the same for a QR code
}

// Enrol begins a second factor for the actor, or shows the one that was begun.
// Returns ErrTOTPExists when there is one already.
func (s *Service) Enrol(ctx context.Context, actor survey.Actor) (Enrolment, error) {
	var secret string
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		a, err := accountByID(tx.DB, actor.Account)
		if err != nil {
			return err
		}
		if a.TOTPSince != nil {
			return ErrTOTPExists
		}
		if known, ok := s.Unseal("totp "+a.ID, a.TOTPSecret); ok {
			secret = known
			return nil
		}
		raw := make([]byte, 20)
		rand.Read(raw)
		secret = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
		return tx.Model(&Account{}).Where("id = ?", a.ID).Updates(map[string]any{"totp_secret": s.Seal("totp "+a.ID, secret), "totp_step": 0}).Error
	})
	if err != nil {
		return Enrolment{}, err
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return Enrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Chengyin", AccountName: actor.Login, Secret: raw, Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, fmt.Errorf("enrol: %w", err)
	}
	return Enrolment{secret, key.URL()}, nil
}

// ConfirmTOTP ends the enrolment with the first code and returns the recovery
// codes, which are not shown again.
func (s *Service) ConfirmTOTP(ctx context.Context, actor survey.Actor, code string) (codes []string, err error) {
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		a, err := accountByID(tx.DB, actor.Account)
		if err != nil {
			return err
		}
		secret, ok := s.Unseal("totp "+a.ID, a.TOTPSecret)
		switch {
		case a.TOTPSince != nil:
			return ErrTOTPExists
		case !ok:
			return errTOTPCode
		}
		step := stepAt(secret, tidy(code), tx.Now)
		if step == 0 {
			return errTOTPCode
		}
		if err := tx.Model(&Account{}).Where("id = ?", a.ID).Updates(map[string]any{"totp_since": tx.Now, "totp_step": step}).Error; err != nil {
			return fmt.Errorf("confirm second factor: %w", err)
		}
		if codes, err = s.newRecoveryCodes(tx, a.ID); err != nil {
			return err
		}
		return event.Append(tx, actor, "account.totp_enrolled", a.ID, nil)
	})
	return codes, err
}

// newRecoveryCodes replaces the account's recovery codes.
func (s *Service) newRecoveryCodes(tx *store.Tx, accountID string) ([]string, error) {
	if err := tx.Where("account_id = ?", accountID).Delete(&recoveryCode{}).Error; err != nil {
		return nil, fmt.Errorf("replace recovery codes: %w", err)
	}
	out := make([]string, recoveryCodes)
	for i := range out {
		raw := make([]byte, 10)
		rand.Read(raw)
		c := base32.StdEncoding.EncodeToString(raw) // 80 bits in 16 characters
		out[i] = c[:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:]
		if err := tx.Create(&recoveryCode{CodeHash: s.keyed("recovery "+accountID, c), AccountID: accountID}).Error; err != nil {
			return nil, fmt.Errorf("replace recovery codes: %w", err)
		}
	}
	return out, nil
}

// proven runs f when the code of the actor's second factor is right, and counts it
// as a failed sign-in when it is not.
func (s *Service) proven(ctx context.Context, actor survey.Actor, code string, from Origin, f func(tx *store.Tx, a Account) error) error {
	p, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	a, err := accountByID(s.db.Read(ctx), actor.Account)
	if err != nil {
		return err
	}
	if a.TOTPSince == nil {
		return survey.ErrNotFound
	}
	err = s.judgeWith(ctx, p, a, from, func(tx *store.Tx) (bool, error) {
		right, _, err := s.useCode(tx, a, code)
		return right, err
	}, func(tx *store.Tx) error { return f(tx, a) })
	if errors.Is(err, ErrSignIn) {
		return errTOTPCode
	}
	return err
}

// RenewRecoveryCodes replaces the actor's recovery codes. It takes a code of the
// second factor.
func (s *Service) RenewRecoveryCodes(ctx context.Context, actor survey.Actor, code string, from Origin) (codes []string, err error) {
	err = s.proven(ctx, actor, code, from, func(tx *store.Tx, a Account) (err error) {
		if codes, err = s.newRecoveryCodes(tx, a.ID); err != nil {
			return err
		}
		return event.Append(tx, actor, "account.recovery_codes_renewed", a.ID, nil)
	})
	return codes, err
}

// DropTOTP ends the actor's second factor. It takes a code of it. Returns
// ErrTOTPKept when the rules ask for one.
func (s *Service) DropTOTP(ctx context.Context, actor survey.Actor, code string, from Origin) error {
	p, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	if p.needsCode(actor.Grants) {
		return ErrTOTPKept
	}
	return s.proven(ctx, actor, code, from, func(tx *store.Tx, a Account) error {
		if err := clearTOTP(tx, a.ID); err != nil {
			return err
		}
		return event.Append(tx, actor, "account.totp_dropped", a.ID, nil)
	})
}

// ResetTOTP ends the second factor of a person who has lost it, and all their
// sessions. The person must belong to a place where the actor manages accounts or
// security; others do not exist.
func (s *Service) ResetTOTP(ctx context.Context, actor survey.Actor, accountID string) error {
	a, err := s.managed(ctx, actor, accountID, survey.ManageAccounts, survey.ManageSecurity)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := clearTOTP(tx, a.ID); err != nil {
			return err
		}
		if _, err := RevokeSessions(tx, a.ID); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.totp_reset", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login}})
	})
}

func clearTOTP(tx *store.Tx, accountID string) error {
	if err := tx.Model(&Account{}).Where("id = ?", accountID).Updates(map[string]any{"totp_secret": "", "totp_since": nil, "totp_step": 0}).Error; err != nil {
		return fmt.Errorf("end second factor: %w", err)
	}
	return tx.Where("account_id = ?", accountID).Delete(&recoveryCode{}).Error
}

// Factor is what a person's own page says of the second factor.
type Factor struct {
	Since    *time.Time // nil: none
	Needed   bool       // by the rules
	Recovery int        // recovery codes that are left
}

// Factor returns the state of the actor's second factor.
func (s *Service) Factor(ctx context.Context, actor survey.Actor) (Factor, error) {
	p, err := s.Policy(ctx)
	if err != nil {
		return Factor{}, err
	}
	r := s.db.Read(ctx)
	a, err := accountByID(r, actor.Account)
	if err != nil {
		return Factor{}, err
	}
	n, err := unusedRecoveryCodes(r, a.ID)
	return Factor{Since: a.TOTPSince, Needed: p.needsCode(actor.Grants), Recovery: n}, err
}

func unusedRecoveryCodes(r *gorm.DB, accountID string) (int, error) {
	var n int64
	err := r.Model(&recoveryCode{}).Where("account_id = ? AND used_at IS NULL", accountID).Count(&n).Error
	return int(n), err
}
