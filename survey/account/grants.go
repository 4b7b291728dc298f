package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// GrantView is a grant with the names of what it ties together.
type GrantView struct {
	Grant       `gorm:"embedded"`
	Role        survey.Text
	Permissions []survey.Permission
	Place       survey.Text // of a grant on places
	UnitName    survey.Text
	UnitArea    string
	Login, Name string // of the person
	Home        string
	HomeName    survey.Text
}

// At returns the place of the grant, or where its unit lies.
func (g GrantView) At() string {
	if g.UnitCode != nil {
		return g.UnitArea
	}
	return g.AreaCode
}

// counts returns the grant as the services see it.
func (g GrantView) counts() survey.Grant {
	out := survey.Grant{Role: g.RoleCode, Name: g.Role, Area: g.AreaCode, UnitArea: g.UnitArea, Permissions: g.Permissions}
	if g.UnitCode != nil {
		out.Unit = *g.UnitCode
	}
	return out
}

// grantViews loads grants with their names, by the time of asking.
func grantViews(r *gorm.DB, narrow func(*gorm.DB) *gorm.DB) ([]GrantView, error) {
	var rows []struct {
		Grant       `gorm:"embedded"`
		Permissions string
		RoleZH      string  `gorm:"column:role_zh"`
		RoleEN      string  `gorm:"column:role_en"`
		UnitZH      *string `gorm:"column:unit_zh"`
		UnitEN      *string `gorm:"column:unit_en"`
		UnitArea    *string
		Login, Name string
		Home        string
	}
	err := r.Table("grants").
		Select("grants.*, roles.permissions, roles.name_zh AS role_zh, roles.name_en AS role_en, sector_units.name_zh AS unit_zh, sector_units.name_en AS unit_en, " +
			"sector_units.area_code AS unit_area, accounts.login, accounts.name, accounts.area_code AS home").
		Joins("JOIN accounts ON accounts.id = grants.account_id").Joins("JOIN roles ON roles.code = grants.role_code").
		Joins("LEFT JOIN sector_units ON sector_units.code = grants.unit_code").
		Scopes(narrow).Order("grants.asked_at, grants.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load grants: %w", err)
	}
	var codes []string
	for _, x := range rows {
		codes = append(codes, x.AreaCode, x.Home)
	}
	names, err := placeNames(r, codes)
	if err != nil {
		return nil, err
	}
	out := make([]GrantView, len(rows))
	for i, x := range rows {
		g := GrantView{Grant: x.Grant, Role: survey.Text{ZH: x.RoleZH, EN: x.RoleEN}, Permissions: role{Permissions: x.Permissions}.permissions(),
			Place: names[x.AreaCode], Login: x.Login, Name: x.Name, Home: x.Home, HomeName: names[x.Home]}
		if x.UnitCode != nil && x.UnitArea != nil {
			g.UnitName, g.UnitArea = survey.Text{ZH: *x.UnitZH, EN: *x.UnitEN}, *x.UnitArea
		}
		out[i] = g
	}
	return out, nil
}

// Ask asks for a role for a person, on the places below place or on a unit. It
// counts when somebody else has granted it. Returns survey.ErrDenied,
// ErrPersonNotFound, survey.ErrInvalid, ErrOwnGrant, ErrGranted or ErrSeparation.
func (s *Service) Ask(ctx context.Context, actor survey.Actor, person, roleCode, place, unit string) (id string, err error) {
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := lockPowers(tx); err != nil {
			return err
		}
		a, err := accountSeen(tx.DB, actor, person, survey.ManageAccounts)
		if err != nil {
			return err
		}
		if a.ID == actor.Account {
			return ErrOwnGrant
		}
		id, err = ask(tx, actor, a, roleCode, place, unit)
		return err
	})
	return id, err
}

// ask stores a grant that waits. The actor manages the account.
func ask(tx *store.Tx, actor survey.Actor, a Account, roleCode, place, unit string) (string, error) {
	wrong := func(path string) error {
		return survey.ErrInvalid.With(survey.Field{Path: path, Code: "field_not_listed"})
	}
	if !isASCII(roleCode) {
		return "", wrong("role")
	}
	x, err := roleByCode(tx.DB, roleCode)
	if errors.Is(err, survey.ErrNotFound) {
		return "", wrong("role")
	}
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	g := Grant{ID: id.String(), AccountID: a.ID, RoleCode: x.Code, AskedBy: actor.Login, AskedAt: tx.Now}
	at := place
	switch {
	case unit != "" && place != "":
		return "", wrong("unit")
	case unit != "":
		u, err := unitByCode(tx.DB, unit)
		if errors.Is(err, survey.ErrNotFound) || err == nil && !actor.Sees(survey.ManageAccounts, u.AreaCode) {
			return "", wrong("unit")
		}
		if err != nil {
			return "", err
		}
		if duties, _ := survey.Duties(x.permissions()); len(duties) > 0 {
			return "", wrong("unit") // an administrator's places are a subtree
		}
		g.UnitCode, at = &u.Code, u.AreaCode
	case place == "":
		return "", survey.ErrInvalid.With(survey.Field{Path: "place", Code: "field_missing"})
	default:
		if ok, err := placeExists(tx.DB, place); err != nil || !ok || !actor.Sees(survey.ManageAccounts, place) {
			return "", orElse(err, wrong("place"))
		}
		g.AreaCode = place
	}
	open, err := grantViews(tx.DB, func(q *gorm.DB) *gorm.DB {
		return q.Where("grants.account_id = ? AND grants.ended_at IS NULL", a.ID)
	})
	if err != nil {
		return "", err
	}
	roles := [][]survey.Permission{x.permissions()}
	for _, o := range open {
		if o.RoleCode == g.RoleCode && o.AreaCode == g.AreaCode && same(o.UnitCode, g.UnitCode) {
			return "", ErrGranted
		}
		if o.RoleCode != g.RoleCode {
			roles = append(roles, o.Permissions)
		}
	}
	if err := separated(roles...); err != nil {
		return "", err
	}
	if err := insertGrant(tx, g); err != nil {
		return "", err
	}
	return g.ID, event.Write(tx, actor, event.Entry{Kind: "account.grant_asked", Object: a.ID, Area: at, Payload: grantPayload(g)})
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

func grantPayload(g Grant) map[string]string {
	p := map[string]string{"grant": g.ID, "role": g.RoleCode, "area": g.AreaCode, "asked_by": g.AskedBy}
	if g.UnitCode != nil {
		p["unit"] = *g.UnitCode
	}
	return p
}

func unitByCode(r *gorm.DB, code string) (area.Unit, error) {
	var u area.Unit
	if !isASCII(code) {
		return u, survey.ErrNotFound
	}
	err := r.Where("code = ?", code).Take(&u).Error
	if store.NotFound(err) {
		return u, survey.ErrNotFound
	}
	return u, err
}

// Waiting returns the grants that wait, of people and on places that are the
// actor's, by the time of asking. Returns survey.ErrDenied.
func (s *Service) Waiting(ctx context.Context, actor survey.Actor) ([]GrantView, error) {
	if !actor.CanAny(managing...) {
		return nil, survey.ErrDenied
	}
	tops := actor.Places(managing...)
	all, err := grantViews(s.db.Read(ctx), func(q *gorm.DB) *gorm.DB {
		return q.Where("grants.granted_at IS NULL AND grants.ended_at IS NULL").Scopes(store.Within("accounts.area_code", tops))
	})
	return slices.DeleteFunc(all, func(g GrantView) bool { return !inside(tops, g.At()) }), err
}

// Approve grants what was asked for. Returns survey.ErrDenied, ErrGrantNotFound
// when there is none, it waits no more or it lies outside, ErrOwnGrant, or
// ErrSeparation.
func (s *Service) Approve(ctx context.Context, actor survey.Actor, id string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := lockPowers(tx); err != nil {
			return err
		}
		g, err := grantSeen(tx.DB, actor, id, survey.ManageGrants)
		if err != nil {
			return err
		}
		switch {
		case g.State() != "asked":
			return ErrGrantNotFound
		case g.AccountID == actor.Account, g.AskedBy == actor.Login:
			return ErrOwnGrant
		}
		var a Account // also for those who change the account meanwhile
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", g.AccountID).Take(&a).Error; err != nil {
			return err
		}
		held, err := grantsOf(tx.DB, g.AccountID)
		if err != nil {
			return err
		}
		roles := [][]survey.Permission{g.Permissions}
		for _, h := range held {
			roles = append(roles, h.Permissions)
		}
		if err := separated(roles...); err != nil {
			return err
		}
		err = tx.Model(&Grant{}).Where("id = ?", g.ID).Updates(map[string]any{"granted_by": actor.Login, "granted_at": tx.Now}).Error
		if err != nil {
			return fmt.Errorf("grant: %w", err)
		}
		if _, err := RevokeSessions(tx, g.AccountID); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.granted", Object: g.AccountID, Area: g.At(), Payload: grantPayload(g.Grant)})
	})
}

// End ends a grant and the person's sessions, refuses one that waits, or takes
// back what the actor has asked for. Returns survey.ErrDenied, ErrGrantNotFound or
// ErrLastAdministrator.
func (s *Service) End(ctx context.Context, actor survey.Actor, id string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := lockPowers(tx); err != nil {
			return err
		}
		g, err := grantSeen(tx.DB, actor, id, managing...)
		if err != nil {
			return err
		}
		granting := actor.Sees(survey.ManageGrants, g.At()) && actor.Sees(survey.ManageGrants, g.Home)
		kind := "account.grant_ended"
		switch {
		case g.State() == "ended":
			return ErrGrantNotFound
		case g.State() == "asked" && g.AskedBy == actor.Login:
			kind = "account.grant_withdrawn"
		case !granting:
			return survey.ErrDenied
		case g.State() == "asked":
			kind = "account.grant_refused"
		}
		before, err := administrators(tx.DB)
		if err != nil {
			return err
		}
		err = tx.Model(&Grant{}).Where("id = ?", g.ID).Updates(map[string]any{"ended_by": actor.Login, "ended_at": tx.Now}).Error
		if err != nil {
			return fmt.Errorf("end grant: %w", err)
		}
		if err := staysManaged(tx.DB, before); err != nil {
			return err
		}
		if g.GrantedAt != nil {
			if _, err := RevokeSessions(tx, g.AccountID); err != nil {
				return err
			}
		}
		return event.Write(tx, actor, event.Entry{Kind: kind, Object: g.AccountID, Area: g.At(), Payload: grantPayload(g.Grant)})
	})
}

// grantSeen returns the grant when person and place both lie where the actor has
// one of the permissions. Returns survey.ErrDenied or ErrGrantNotFound.
func grantSeen(r *gorm.DB, actor survey.Actor, id string, may ...survey.Permission) (GrantView, error) {
	if !actor.CanAny(may...) {
		return GrantView{}, survey.ErrDenied
	}
	tops := actor.Places(may...)
	if !isASCII(id) {
		return GrantView{}, ErrGrantNotFound
	}
	list, err := grantViews(r, func(q *gorm.DB) *gorm.DB {
		return q.Where("grants.id = ?", id).Scopes(store.Within("accounts.area_code", tops))
	})
	if err != nil {
		return GrantView{}, err
	}
	if len(list) == 0 || !inside(tops, list[0].At()) {
		return GrantView{}, ErrGrantNotFound
	}
	return list[0], nil
}

// HasUnit reports whether there is a unit of that code in the actor's places.
func (s *Service) HasUnit(ctx context.Context, actor survey.Actor, code string) (bool, error) {
	u, err := unitByCode(s.db.Read(ctx), code)
	if errors.Is(err, survey.ErrNotFound) {
		return false, nil
	}
	return err == nil && (actor.Sees(survey.ManageAccounts, u.AreaCode) || actor.Sees(survey.ManageGrants, u.AreaCode)), err
}
