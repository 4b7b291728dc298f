package account

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// Grant gives an account a role on a subtree of places or on a unit. It is asked
// for by one person and counts when another has granted it: nobody makes an
// account and gives it power alone.
type Grant struct {
	ID        string `gorm:"primaryKey"`
	AccountID string
	RoleCode  string
	AreaCode  string  // "" of a grant on a unit
	UnitCode  *string // of a sector
	AskedBy   string
	AskedAt   time.Time
	GrantedBy string
	GrantedAt *time.Time
	EndedBy   string
	EndedAt   *time.Time
}

// State returns "asked", "granted" or "ended".
func (g Grant) State() string {
	switch {
	case g.EndedAt != nil:
		return "ended"
	case g.GrantedAt != nil:
		return "granted"
	}
	return "asked"
}

// role is a row of the table of roles.
type role struct {
	Code        string `gorm:"primaryKey"`
	NameZH      string `gorm:"column:name_zh"`
	NameEN      string `gorm:"column:name_en"`
	Permissions string // separated by spaces
	IsDefault   bool
	CreatedAt   time.Time
}

// permissions returns those that this version of the program knows.
func (r role) permissions() []survey.Permission {
	var out []survey.Permission
	for _, p := range strings.Fields(r.Permissions) {
		if slices.Contains(survey.Permissions, survey.Permission(p)) {
			out = append(out, survey.Permission(p))
		}
	}
	return out
}

// Errors of granting.
var (
	ErrGrantNotFound = &survey.Error{Kind: survey.NotFound, Code: "grant_not_found"}
	// ErrSeparation means that one person would hold two of the three
	// administrators' duties (三员分离), or one of them and anything else.
	ErrSeparation = &survey.Error{Kind: survey.Conflict, Code: "grant_separation"}
	// ErrOwnGrant means that somebody would give power to themselves, or grant
	// what they have asked for.
	ErrOwnGrant = &survey.Error{Kind: survey.Conflict, Code: "grant_own"}
	ErrGranted  = &survey.Error{Kind: survey.Conflict, Code: "grant_exists"}
)

// grantsOf returns what the account may do where, as the services see it.
func grantsOf(r *gorm.DB, accountID string) ([]survey.Grant, error) {
	var rows []struct {
		RoleCode, AreaCode, Permissions string
		NameZH                          string `gorm:"column:name_zh"`
		NameEN                          string `gorm:"column:name_en"`
		UnitCode, UnitArea              *string
	}
	err := r.Table("grants").
		Select("grants.role_code, grants.area_code, grants.unit_code, roles.permissions, roles.name_zh, roles.name_en, sector_units.area_code AS unit_area").
		Joins("JOIN roles ON roles.code = grants.role_code").
		Joins("LEFT JOIN sector_units ON sector_units.code = grants.unit_code").
		Where("grants.account_id = ? AND grants.granted_at IS NOT NULL AND grants.ended_at IS NULL", accountID).
		Order("grants.granted_at, grants.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load grants: %w", err)
	}
	out := make([]survey.Grant, len(rows))
	for i, x := range rows {
		out[i] = survey.Grant{Role: x.RoleCode, Name: survey.Text{ZH: x.NameZH, EN: x.NameEN}, Area: x.AreaCode, Permissions: role{Permissions: x.Permissions}.permissions()}
		if x.UnitCode != nil {
			out[i].Unit = *x.UnitCode
		}
		if x.UnitArea != nil {
			out[i].UnitArea = *x.UnitArea
		}
	}
	return out, nil
}

// actorOf returns the account as the services see it.
func actorOf(r *gorm.DB, a Account) (survey.Actor, error) {
	grants, err := grantsOf(r, a.ID)
	return survey.Actor{Account: a.ID, Login: a.Login, Name: a.Name, Grants: grants, Via: "session"}, err
}

// ByID returns an account and what it may do now: for services that give work to
// somebody, or take it from a machine that somebody has signed in with. A disabled
// account may do nothing. Returns survey.ErrNotFound.
func ByID(r *gorm.DB, id string) (Account, survey.Actor, error) {
	a, err := accountByID(r, id)
	if err != nil || a.DisabledAt != nil {
		return a, survey.Actor{Account: a.ID, Login: a.Login, Name: a.Name}, err
	}
	who, err := actorOf(r, a)
	return a, who, err
}

// separated returns ErrSeparation when roles with these permissions may not meet
// in one person.
func separated(roles ...[]survey.Permission) error {
	duties, other := survey.Duties(slices.Concat(roles...))
	if len(duties) > 1 || len(duties) == 1 && other {
		return ErrSeparation
	}
	// A role without permissions, as a worker's, is still another role.
	if len(duties) == 1 && slices.ContainsFunc(roles, func(p []survey.Permission) bool { return len(p) == 0 }) {
		return ErrSeparation
	}
	return nil
}

func insertGrant(tx *store.Tx, g Grant) error {
	if err := tx.Create(&g).Error; err != nil {
		return fmt.Errorf("insert grant: %w", err)
	}
	return nil
}

func roleByCode(r *gorm.DB, code string) (role, error) {
	var x role
	err := r.Where("code = ?", code).Take(&x).Error
	if store.NotFound(err) {
		return x, survey.ErrNotFound
	}
	return x, err
}
