package account

import (
	"fmt"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// ErrLoginTaken means that somebody else has the login name.
var ErrLoginTaken = &survey.Error{Kind: survey.Conflict, Code: "login_taken"}

func insertAccount(tx *store.Tx, a Account) error {
	err := tx.Create(&a).Error
	if store.IsDuplicate(err) {
		return ErrLoginTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	return nil
}

func accountByLogin(r *gorm.DB, login string) (Account, error) {
	var a Account
	err := r.Where("login = ?", login).Take(&a).Error
	if store.NotFound(err) {
		return a, survey.ErrNotFound
	}
	return a, err
}

// noteTry notes that a password was tried at an account that is not locked: a
// right one clears the failures, a wrong one is counted, and the last that is
// allowed locks the account and starts the count anew. Open is false, and nothing
// is noted, when the account is locked.
func noteTry(tx *store.Tx, id string, right bool) (open bool, err error) {
	change := map[string]any{"failures": gorm.Expr("failures + 1")}
	if right {
		change = map[string]any{"failures": 0, "locked_until": nil}
	}
	r := tx.Model(&Account{}).Where("id = ? AND (locked_until IS NULL OR locked_until <= ?)", id, tx.Now).Updates(change)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	err = tx.Model(&Account{}).Where("id = ? AND failures >= ?", id, maxFailures).
		Updates(map[string]any{"failures": 0, "locked_until": tx.Now.Add(lockFor)}).Error
	if err != nil {
		return false, fmt.Errorf("lock account: %w", err)
	}
	return true, nil
}

func insertSession(tx *store.Tx, s Session) error { return tx.Create(&s).Error }

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

func touchSession(tx *store.Tx, hash string) error {
	return tx.Model(&Session{}).Where("token_hash = ?", hash).Update("seen_at", tx.Now).Error
}

func deleteSession(tx *store.Tx, hash string) error {
	return tx.Where("token_hash = ?", hash).Delete(&Session{}).Error
}

func anyAccount(r *gorm.DB) (bool, error) {
	var n int64
	err := r.Model(&Account{}).Limit(1).Count(&n).Error
	return n > 0, err
}
