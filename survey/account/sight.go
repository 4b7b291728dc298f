package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/store"
)

// Sight is where a person may do one thing.
type Sight struct {
	Permission  survey.Permission
	Places      []SeenPlace // none inside another
	Units       []SeenUnit
	Communities int // in all the places, each once
}

// SeenPlace is a place with all below it.
type SeenPlace struct {
	Code        string
	Name        survey.Text
	Level       area.Level // "" of everywhere
	Communities int        // that stand today, itself included
}

// SeenUnit is a unit of a sector.
type SeenUnit struct {
	Code string
	Name survey.Text
}

// View is what a person sees, as far as it lies in the reader's places or above.
type View struct {
	Person Person
	As     survey.Actor // with the grants that the reader may know of
	Sights []Sight      // in the order of survey.Permissions, only those they have
}

// View answers what a person can see. Returns survey.ErrDenied or
// ErrPersonNotFound.
func (s *Service) View(ctx context.Context, actor survey.Actor, id string) (View, error) {
	var v View
	err := s.db.Snapshot(ctx, func(r *gorm.DB) error {
		a, err := accountSeen(r, actor, id, managing...)
		if err != nil {
			return err
		}
		list, err := peopleOf(r, actor, []Account{a})
		if err != nil {
			return err
		}
		v = View{Person: list[0], As: survey.Actor{Account: a.ID, Login: a.Login, Name: a.Name}}
		units := map[string]survey.Text{}
		for _, g := range v.Person.Active() {
			v.As.Grants = append(v.As.Grants, g.counts())
			if g.UnitCode != nil {
				units[*g.UnitCode] = g.UnitName
			}
		}
		known := map[string]SeenPlace{}
		for _, p := range survey.Permissions {
			if !v.As.Can(p) {
				continue
			}
			x := Sight{Permission: p}
			for _, code := range v.As.Places(p) {
				place, ok := known[code]
				if !ok {
					if place, err = seenPlace(r, code, s.clock()); err != nil {
						return err
					}
					known[code] = place
				}
				x.Places = append(x.Places, place)
				x.Communities += place.Communities
			}
			for _, code := range v.As.Units(p) {
				x.Units = append(x.Units, SeenUnit{code, units[code]})
			}
			v.Sights = append(v.Sights, x)
		}
		return nil
	})
	return v, err
}

func seenPlace(r *gorm.DB, code string, now time.Time) (SeenPlace, error) {
	names, err := placeNames(r, []string{code})
	if err != nil {
		return SeenPlace{}, err
	}
	p := SeenPlace{Code: code, Name: names[code]}
	if level, err := area.LevelOf(code); err == nil {
		p.Level = level
	}
	var n int64
	err = r.Model(&area.Area{}).Scopes(store.Within("code", []string{code})).
		Where("level = ? AND (valid_to IS NULL OR valid_to > ?)", area.Community, now).Count(&n).Error
	p.Communities = int(n)
	return p, err
}

// Seer is somebody who may do something in a place.
type Seer struct {
	Person      Person
	Permissions []survey.Permission
	Through     []GrantView // the grants that give it
}

// WhoSees answers who of the people in the actor's places may do anything in a
// place, by login. Those who may not sign in are left out. Returns
// survey.ErrDenied, and area.ErrNotFound when the place lies outside.
func (s *Service) WhoSees(ctx context.Context, actor survey.Actor, code string) ([]Seer, error) {
	if !actor.CanAny(managing...) {
		return nil, survey.ErrDenied
	}
	if !inside(actor.Places(managing...), code) {
		return nil, area.ErrNotFound
	}
	if ok, err := placeExists(s.db.Read(ctx), code); err != nil || !ok {
		return nil, orElse(err, area.ErrNotFound)
	}
	people, err := s.People(ctx, actor, PeopleFilter{State: "active"})
	if err != nil {
		return nil, err
	}
	var out []Seer
	for _, p := range people {
		x := Seer{Person: p}
		for _, g := range p.Active() {
			if len(g.Permissions) > 0 && survey.Within(g.AreaCode, code) {
				x.Through = append(x.Through, g)
				x.Permissions = append(x.Permissions, g.Permissions...)
			}
		}
		if len(x.Through) == 0 {
			continue
		}
		slices.SortFunc(x.Permissions, func(a, b survey.Permission) int {
			return slices.Index(survey.Permissions, a) - slices.Index(survey.Permissions, b)
		})
		x.Permissions = slices.Compact(x.Permissions)
		out = append(out, x)
	}
	return out, nil
}

// FindPlaces returns places of the actor by code or by a part of the name, the
// highest first: to choose from. Without a text, the highest places. Returns
// survey.ErrDenied.
func (s *Service) FindPlaces(ctx context.Context, actor survey.Actor, text string, most int) ([]area.Area, error) {
	if !actor.CanAny(managing...) {
		return nil, survey.ErrDenied
	}
	q := s.db.Read(ctx).Scopes(store.Within("code", actor.Places(managing...))).
		Where("valid_to IS NULL OR valid_to > ?", s.clock())
	if text != "" {
		like := "%" + likeText(text) + "%"
		if isASCII(text) {
			q = q.Where("(code LIKE ? ESCAPE '!' OR LOWER(name_en) LIKE LOWER(?) ESCAPE '!')", likeText(text)+"%", like)
		} else {
			q = q.Where("name_zh LIKE ? ESCAPE '!'", like)
		}
	}
	var out []area.Area
	err := q.Order("CASE level WHEN 'city' THEN 0 WHEN 'district' THEN 1 WHEN 'subdistrict' THEN 2 ELSE 3 END, code").Limit(most).Find(&out).Error
	return out, err
}

// PlaceNamed returns the code of a place of the actor that is written as its code
// or its name. Returns survey.ErrInvalid with the path when there is none, or
// more than one, of that name among the actor's places.
func (s *Service) PlaceNamed(ctx context.Context, actor survey.Actor, path, text string) (string, error) {
	wrong := func(code string) error {
		return survey.ErrInvalid.With(survey.Field{Path: path, Code: code})
	}
	code, _, _ := strings.Cut(strings.TrimSpace(text), " ") // "990102001001 听荷社区", as a list offers it
	if len(code) == 12 && strings.Trim(code, "0123456789") == "" {
		return code, nil
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", wrong("field_missing")
	}
	list, err := s.FindPlaces(ctx, actor, text, 1000)
	if err != nil {
		return "", err
	}
	list = slices.DeleteFunc(list, func(a area.Area) bool { return a.NameZH != text && !strings.EqualFold(a.NameEN, text) })
	switch len(list) {
	case 0:
		return "", wrong("field_not_listed")
	case 1:
		return list[0].Code, nil
	}
	return "", wrong("place_ambiguous")
}
