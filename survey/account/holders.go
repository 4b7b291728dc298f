package account

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// Holder is a person who has a permission: what a list to choose from needs.
type Holder struct{ ID, Login, Name, AreaCode string }

// HoldersOf returns the people who may sign in and have the permission in the place
// with that code, by name.
func HoldersOf(r *gorm.DB, p survey.Permission, code string) ([]Holder, error) {
	var rows []struct {
		ID, Login, Name, AreaCode, GrantArea, Permissions string
	}
	err := r.Table("grants").
		Select("accounts.id, accounts.login, accounts.name, accounts.area_code, grants.area_code AS grant_area, roles.permissions").
		Joins("JOIN accounts ON accounts.id = grants.account_id").Joins("JOIN roles ON roles.code = grants.role_code").
		Where("grants.granted_at IS NOT NULL AND grants.ended_at IS NULL AND grants.unit_code IS NULL AND accounts.disabled_at IS NULL AND grants.area_code IN ?", append(above([]string{code}), code)).
		Scan(&rows).Error
	if err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("list who may %s: %w", p, err)
	}
	var out []Holder
	for _, x := range rows {
		h := Holder{x.ID, x.Login, x.Name, x.AreaCode}
		if survey.Within(x.GrantArea, code) && slices.Contains(role{Permissions: x.Permissions}.permissions(), p) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b Holder) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Login, b.Login))
	})
	return out, nil
}
