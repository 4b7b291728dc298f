package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// RoleView is a role as those see it who manage people or roles.
type RoleView struct {
	survey.Role
	Default bool
	Holders int // who hold it, of the people in the reader's places
}

// RoleChange is what may be changed of a role; nil leaves it as it is.
type RoleChange struct {
	Name        *survey.Text
	Permissions *[]survey.Permission
}

// Errors of roles.
var (
	ErrRoleNotFound = &survey.Error{Kind: survey.NotFound, Code: "role_not_found"}
	ErrRoleTaken    = &survey.Error{Kind: survey.Conflict, Code: "role_taken"}
	ErrRoleDefault  = &survey.Error{Kind: survey.Conflict, Code: "role_default"}
	ErrRoleInUse    = &survey.Error{Kind: survey.Conflict, Code: "role_in_use"}
)

// Roles returns all roles, those of the platform first. Returns survey.ErrDenied.
func (s *Service) Roles(ctx context.Context, actor survey.Actor) ([]RoleView, error) {
	may := append(slices.Clone(managing), survey.ManageSecurity)
	if !actor.CanAny(may...) {
		return nil, survey.ErrDenied
	}
	var out []RoleView
	err := s.db.Snapshot(ctx, func(r *gorm.DB) error {
		var rows []role
		if err := r.Order("code").Find(&rows).Error; err != nil {
			return fmt.Errorf("list roles: %w", err)
		}
		tops := actor.Places(may...)
		open, err := grantViews(r, func(q *gorm.DB) *gorm.DB {
			return q.Where("grants.granted_at IS NOT NULL AND grants.ended_at IS NULL").Scopes(store.Within("accounts.area_code", tops))
		})
		if err != nil {
			return err
		}
		holders := map[string]map[string]bool{}
		for _, g := range open {
			if touches(tops, g.At()) {
				if holders[g.RoleCode] == nil {
					holders[g.RoleCode] = map[string]bool{}
				}
				holders[g.RoleCode][g.AccountID] = true
			}
		}
		order := survey.RoleCodes()
		place := func(x role) int {
			if i := slices.Index(order, x.Code); i >= 0 && x.IsDefault {
				return i
			}
			return len(order)
		}
		slices.SortStableFunc(rows, func(a, b role) int { return place(a) - place(b) })
		for _, x := range rows {
			out = append(out, RoleView{Role: survey.Role{Code: x.Code, Name: survey.Text{ZH: x.NameZH, EN: x.NameEN}, Permissions: x.permissions()},
				Default: x.IsDefault, Holders: len(holders[x.Code])})
		}
		return nil
	})
	return out, err
}

// MayChangeRoles reports whether the actor may: roles are the whole
// installation's, so it takes somebody who looks after all of its places.
func (s *Service) MayChangeRoles(ctx context.Context, actor survey.Actor) (bool, error) {
	return coversAll(s.db.Read(ctx), actor.Places(survey.ManageSecurity))
}

// ManagesAll reports whether the actor manages people in all places.
func (s *Service) ManagesAll(ctx context.Context, actor survey.Actor) (bool, error) {
	return coversAll(s.db.Read(ctx), actor.Places(managing...))
}

// coversAll reports whether all places lie below tops.
func coversAll(r *gorm.DB, tops []string) (bool, error) {
	if len(tops) == 0 {
		return false, nil
	}
	var roots []string
	if err := r.Model(&area.Area{}).Where("parent_code IS NULL").Pluck("code", &roots).Error; err != nil {
		return false, fmt.Errorf("list the highest places: %w", err)
	}
	return !slices.ContainsFunc(roots, func(code string) bool { return !inside(tops, code) }), nil
}

func mustCoverAll(r *gorm.DB, actor survey.Actor) error {
	ok, err := coversAll(r, actor.Places(survey.ManageSecurity))
	if err == nil && !ok {
		return survey.ErrDenied
	}
	return err
}

var roleCode = regexp.MustCompile(`^[a-z][a-z0-9_]{1,31}$`)

// CreateRole adds a role of the city's own. Returns survey.ErrDenied,
// survey.ErrInvalid, ErrRoleTaken, or ErrSeparation when its permissions may not
// meet in one person.
func (s *Service) CreateRole(ctx context.Context, actor survey.Actor, in survey.Role) error {
	in.Name = trimmedText(in.Name)
	wrong := append(roleNameWrong(in.Name), permissionsWrong(in.Permissions)...)
	if !roleCode.MatchString(in.Code) {
		wrong = append(wrong, survey.Field{Path: "code", Code: "field_wrong"})
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := mustCoverAll(tx.DB, actor); err != nil {
			return err
		}
		if len(wrong) > 0 {
			return survey.ErrInvalid.With(wrong...)
		}
		if err := separated(in.Permissions); err != nil {
			return err
		}
		x := role{Code: in.Code, NameZH: in.Name.ZH, NameEN: in.Name.EN, Permissions: spelled(in.Permissions), CreatedAt: tx.Now}
		err := tx.Create(&x).Error
		if store.IsDuplicate(err) {
			return ErrRoleTaken.Because(err)
		}
		if err != nil {
			return fmt.Errorf("insert role: %w", err)
		}
		return event.Append(tx, actor, "role.created", x.Code, map[string]any{"after": x.told()})
	})
}

// ChangeRole renames a role of the city's own or changes what it lets people do,
// and ends the sessions of those who hold it. Returns survey.ErrDenied,
// ErrRoleNotFound, ErrRoleDefault, survey.ErrInvalid, ErrSeparation when the role or
// somebody who holds it would break the rule, or ErrLastAdministrator.
func (s *Service) ChangeRole(ctx context.Context, actor survey.Actor, code string, c RoleChange) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		x, err := ownRole(tx, actor, code)
		if err != nil {
			return err
		}
		before := x
		if c.Name != nil {
			name := trimmedText(*c.Name)
			if wrong := roleNameWrong(name); len(wrong) > 0 {
				return survey.ErrInvalid.With(wrong...)
			}
			x.NameZH, x.NameEN = name.ZH, name.EN
		}
		if c.Permissions != nil {
			if wrong := permissionsWrong(*c.Permissions); len(wrong) > 0 {
				return survey.ErrInvalid.With(wrong...)
			}
			x.Permissions = spelled(*c.Permissions)
		}
		if x == before {
			return nil
		}
		managed, err := administrators(tx.DB)
		if err != nil {
			return err
		}
		err = tx.Model(&role{}).Where("code = ?", code).Updates(map[string]any{"name_zh": x.NameZH, "name_en": x.NameEN, "permissions": x.Permissions}).Error
		if err != nil {
			return fmt.Errorf("change role: %w", err)
		}
		if err := separated(x.permissions()); err != nil {
			return err
		}
		var holders []string
		err = tx.Model(&Grant{}).Where("role_code = ? AND ended_at IS NULL", code).Distinct().Pluck("account_id", &holders).Error
		if err != nil {
			return fmt.Errorf("list who holds a role: %w", err)
		}
		for _, id := range holders {
			held, err := grantsOf(tx.DB, id)
			if err != nil {
				return err
			}
			var roles [][]survey.Permission
			for _, g := range held {
				roles = append(roles, g.Permissions)
			}
			if err := separated(roles...); err != nil {
				return err
			}
			if x.Permissions != before.Permissions {
				if _, err := RevokeSessions(tx, id); err != nil {
					return err
				}
			}
		}
		if err := staysManaged(tx.DB, managed); err != nil {
			return err
		}
		return event.Append(tx, actor, "role.changed", code, map[string]any{"before": before.told(), "after": x.told()})
	})
}

// RemoveRole removes a role of the city's own that nobody has ever been given.
// Returns survey.ErrDenied, ErrRoleNotFound, ErrRoleDefault or ErrRoleInUse.
func (s *Service) RemoveRole(ctx context.Context, actor survey.Actor, code string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		x, err := ownRole(tx, actor, code)
		if err != nil {
			return err
		}
		var n int64
		// Grants that have ended name their role too: the history stays readable.
		if err := tx.Model(&Grant{}).Where("role_code = ?", code).Count(&n).Error; err != nil {
			return err
		}
		if n > 0 {
			return ErrRoleInUse
		}
		if err := tx.Where("code = ?", code).Delete(&role{}).Error; err != nil {
			return fmt.Errorf("remove role: %w", err)
		}
		return event.Append(tx, actor, "role.removed", code, map[string]any{"before": x.told()})
	})
}

// ownRole returns a role that may be changed, with the powers locked.
func ownRole(tx *store.Tx, actor survey.Actor, code string) (role, error) {
	if err := lockPowers(tx); err != nil {
		return role{}, err
	}
	if err := mustCoverAll(tx.DB, actor); err != nil {
		return role{}, err
	}
	x, err := roleByCode(tx.DB, code)
	switch {
	case errors.Is(err, survey.ErrNotFound):
		return x, ErrRoleNotFound
	case err == nil && x.IsDefault:
		return x, ErrRoleDefault
	}
	return x, err
}

// told is the role as an event tells of it.
func (r role) told() map[string]string {
	return map[string]string{"name_zh": r.NameZH, "name_en": r.NameEN, "permissions": r.Permissions}
}

func trimmedText(t survey.Text) survey.Text {
	return survey.Text{ZH: strings.TrimSpace(t.ZH), EN: strings.TrimSpace(t.EN)}
}

func roleNameWrong(name survey.Text) []survey.Field {
	wrong := nameWrong("name.zh", name.ZH)
	if name.EN != "" {
		wrong = append(wrong, nameWrong("name.en", name.EN)...)
	}
	return wrong
}

func permissionsWrong(of []survey.Permission) []survey.Field {
	for _, p := range of {
		if !slices.Contains(survey.Permissions, p) {
			return []survey.Field{{Path: "permissions", Code: "field_not_listed"}}
		}
	}
	return nil
}

// spelled writes permissions as their column holds them: each once, in the order
// in which people read them.
func spelled(of []survey.Permission) string {
	var out []string
	for _, p := range survey.Permissions {
		if slices.Contains(of, p) {
			out = append(out, string(p))
		}
	}
	return strings.Join(out, " ")
}
