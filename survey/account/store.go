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

func accountByID(r *gorm.DB, id string) (Account, error) {
	var a Account
	err := r.Where("id = ?", id).Take(&a).Error
	if store.NotFound(err) {
		return a, survey.ErrNotFound
	}
	return a, err
}

func anyAccount(r *gorm.DB) (bool, error) {
	var n int64
	err := r.Model(&Account{}).Limit(1).Count(&n).Error
	return n > 0, err
}
