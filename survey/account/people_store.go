package account

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/store"
)

// accountSeen returns the account whose home lies where the actor has one of the
// permissions. Returns survey.ErrDenied or ErrPersonNotFound.
func accountSeen(r *gorm.DB, actor survey.Actor, id string, may ...survey.Permission) (Account, error) {
	if !actor.CanAny(may...) {
		return Account{}, survey.ErrDenied
	}
	var a Account
	err := r.Scopes(store.Within("area_code", actor.Places(may...))).Where("id = ?", id).Take(&a).Error
	if store.NotFound(err) {
		return Account{}, ErrPersonNotFound
	}
	return a, err
}

// accountsIn returns the accounts below tops that fit the filter, by login.
func accountsIn(r *gorm.DB, tops []string, f PeopleFilter) ([]Account, error) {
	q := r.Model(&Account{}).Scopes(store.Within("accounts.area_code", tops))
	if f.Area != "" {
		q = q.Scopes(store.Within("accounts.area_code", []string{f.Area}))
	}
	if text := strings.ToLower(strings.TrimSpace(f.Text)); text != "" {
		like := "%" + likeText(text) + "%"
		if isASCII(text) {
			q = q.Where("(LOWER(accounts.login) LIKE ? ESCAPE '!' OR LOWER(accounts.name) LIKE ? ESCAPE '!')", like, like)
		} else { // MySQL compares no column of ASCII with other characters
			q = q.Where("LOWER(accounts.name) LIKE ? ESCAPE '!'", like)
		}
	}
	switch f.State {
	case "active":
		q = q.Where("accounts.disabled_at IS NULL")
	case "disabled":
		q = q.Where("accounts.disabled_at IS NOT NULL")
	}
	if f.Role != "" {
		if !isASCII(f.Role) {
			return nil, nil
		}
		// A role that is held where the reader does not look does not count here.
		held := r.Table("grants").Select("grants.account_id").Joins("LEFT JOIN sector_units ON sector_units.code = grants.unit_code").
			Where("grants.role_code = ? AND grants.ended_at IS NULL", f.Role).Scopes(around("COALESCE(sector_units.area_code, grants.area_code)", tops))
		q = q.Where("accounts.id IN (?)", held)
	}
	if f.After != "" && isASCII(f.After) {
		q = q.Where("accounts.login > ?", f.After)
	}
	if f.Limit > 0 {
		q = q.Limit(f.Limit)
	}
	var out []Account
	if err := q.Order("accounts.login").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return out, nil
}

// likeText is a text in which LIKE finds no wildcards, with ! as the escape.
func likeText(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// isASCII reports whether a column of codes can hold the text.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' || r < ' ' })
}

// around narrows a query to places below tops and those that contain one of them.
func around(column string, tops []string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		below := store.Within(column, tops)(q.Session(&gorm.Session{NewDB: true}))
		return q.Where(below.Or(column+" IN ?", above(tops)))
	}
}

// above returns the codes of all places that contain one of tops.
func above(tops []string) []string {
	out := []string{survey.Everywhere}
	for _, top := range tops {
		for up := area.ParentOf(top); up != ""; up = area.ParentOf(up) {
			out = append(out, up)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// peopleOf puts grants and names to accounts.
func peopleOf(r *gorm.DB, actor survey.Actor, accounts []Account) ([]Person, error) {
	ids, codes := make([]string, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		ids[i], codes[i] = a.ID, a.AreaCode
	}
	grants, err := grantViews(r, func(q *gorm.DB) *gorm.DB {
		return q.Where("grants.account_id IN ? AND grants.ended_at IS NULL", ids)
	})
	if err != nil {
		return nil, err
	}
	names, err := placeNames(r, codes)
	if err != nil {
		return nil, err
	}
	tops := actor.Places(managing...)
	of := map[string][]GrantView{}
	for _, g := range grants {
		if touches(tops, g.At()) {
			of[g.AccountID] = append(of[g.AccountID], g)
		}
	}
	out := make([]Person, len(accounts))
	for i, a := range accounts {
		out[i] = Person{ID: a.ID, Login: a.Login, Name: a.Name, AreaCode: a.AreaCode, Area: names[a.AreaCode], Disabled: a.DisabledAt != nil, CreatedAt: a.CreatedAt, Grants: of[a.ID]}
	}
	return out, nil
}

// touches reports whether the place lies below one of tops or contains one.
func touches(tops []string, code string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return survey.Within(top, code) || survey.Within(code, top) })
}

// everywhere is how the place that contains all is called.
var everywhere = survey.Text{ZH: "全部地区", EN: "All places"}

// placeNames returns the names of places by code.
func placeNames(r *gorm.DB, codes []string) (map[string]survey.Text, error) {
	codes = slices.Clone(codes)
	slices.Sort(codes)
	out := map[string]survey.Text{survey.Everywhere: everywhere}
	for some := range slices.Chunk(slices.Compact(codes), 500) {
		var rows []area.Area
		if err := r.Where("code IN ?", some).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("load names of places: %w", err)
		}
		for _, x := range rows {
			out[x.Code] = x.Name()
		}
	}
	return out, nil
}

// homeWrong returns survey.ErrInvalid when the place is none of the actor's, in
// the same words whether it exists or not.
func homeWrong(r *gorm.DB, actor survey.Actor, code string) error {
	wrong := survey.ErrInvalid.With(survey.Field{Path: "area", Code: "field_not_listed"})
	if code == "" {
		return survey.ErrInvalid.With(survey.Field{Path: "area", Code: "field_missing"})
	}
	if !actor.Sees(survey.ManageAccounts, code) {
		return wrong
	}
	if ok, err := placeExists(r, code); err != nil || !ok {
		return orElse(err, wrong)
	}
	return nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func placeExists(r *gorm.DB, code string) (bool, error) {
	if code == survey.Everywhere {
		return true, nil
	}
	if !isASCII(code) {
		return false, nil
	}
	var n int64
	err := r.Model(&area.Area{}).Where("code = ?", code).Count(&n).Error
	return n > 0, err
}

// lockPowers makes those wait for each other who change what people may do, so
// that two changes that are right alone do not break a rule together. It holds the
// row of a role that is always there.
func lockPowers(tx *store.Tx) error {
	var x role
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("code = ?", "secadmin").Take(&x).Error
	if err != nil {
		return fmt.Errorf("lock the powers: %w", err)
	}
	return nil
}

// administrators returns the places in which somebody who may sign in makes
// accounts, and those in which somebody grants.
func administrators(r *gorm.DB) (map[survey.Permission][]string, error) {
	var rows []struct{ AreaCode, Permissions string }
	err := r.Table("grants").Select("grants.area_code, roles.permissions").
		Joins("JOIN roles ON roles.code = grants.role_code").Joins("JOIN accounts ON accounts.id = grants.account_id").
		Where("grants.granted_at IS NOT NULL AND grants.ended_at IS NULL AND accounts.disabled_at IS NULL AND grants.area_code <> ''").
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list administrators: %w", err)
	}
	out := map[survey.Permission][]string{}
	for _, x := range rows {
		for _, p := range (role{Permissions: x.Permissions}).permissions() {
			if slices.Contains(managing, p) {
				out[p] = append(out[p], x.AreaCode)
			}
		}
	}
	return out, nil
}

// staysManaged returns ErrLastAdministrator when a place that had somebody who
// makes accounts or grants before has nobody now.
func staysManaged(r *gorm.DB, before map[survey.Permission][]string) error {
	now, err := administrators(r)
	if err != nil {
		return err
	}
	for p, places := range before {
		for _, code := range places {
			if !inside(now[p], code) {
				return ErrLastAdministrator
			}
		}
	}
	return nil
}
