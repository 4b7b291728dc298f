package fieldwork

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/sample"
	"chengyin/survey/store"
)

// mostUnits is how many households are assigned at once.
const mostUnits = 5000

// Assigning says which households go to whom.
type Assigning struct {
	Wave    string
	Units   []string // ids; or
	PSU     string   // all of a PSU, without its reserve
	Account string   // id; "" takes the households back
}

// Assign gives households to a worker, also those that somebody else had, and
// returns how many changed hands. Returns survey.ErrDenied, ErrNotFound when one of
// the households is not in the wave or in none of the places where the actor manages
// field work, and survey.ErrInvalid when the worker may not interview there.
func (s *Service) Assign(ctx context.Context, actor survey.Actor, in Assigning) (changed int, err error) {
	if !actor.Can(survey.ManageFieldwork) {
		return 0, survey.ErrDenied
	}
	if len(in.Units) > mostUnits {
		return 0, survey.ErrInvalid.With(survey.Field{Path: "units", Code: "field_too_many", Args: map[string]any{"max": mostUnits}})
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		changed = 0
		list, err := unitsToAssign(tx.DB, in)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound
		}
		who, err := mayBeGiven(tx.DB, in.Account, list)
		for _, d := range list { // what one does not see comes before what is wrong with it
			if !actor.Sees(survey.ManageFieldwork, d.unit.AreaCode) {
				return ErrNotFound
			}
		}
		if err != nil {
			return err
		}
		if changed, err = s.assign(tx, actor, who, list); err != nil || changed == 0 {
			return err
		}
		areas := make([]string, len(list))
		for i, d := range list {
			areas[i] = d.unit.AreaCode
		}
		kind, payload := "field.assigned", map[string]any{"count": changed, "login": who.Login, "psu": in.PSU}
		if in.Account == "" {
			kind, payload = "field.unassigned", map[string]any{"count": changed, "psu": in.PSU}
		}
		return event.Write(tx, actor, event.Entry{Kind: kind, Object: in.Wave, Area: around(areas), Payload: payload})
	})
	return changed, err
}

// around returns the smallest place that contains all of the places.
func around(codes []string) string {
	top := codes[0]
	for slices.ContainsFunc(codes, func(c string) bool { return !survey.Within(top, c) }) {
		if top = area.ParentOf(top); top == "" {
			return ""
		}
	}
	return top
}

// unitsToAssign returns the households that are asked for, in the order of their
// ids.
func unitsToAssign(r *gorm.DB, in Assigning) ([]drawn, error) {
	wave := asID(in.Wave)
	var units []sample.Unit
	q := r.Where("sample_units.wave_id = ?", wave).Order("sample_units.id").Limit(mostUnits)
	wanted := 0
	if in.PSU != "" {
		q = q.Where("sample_units.psu = ? AND NOT EXISTS (SELECT 1 FROM sample_homes WHERE sample_homes.unit_id = sample_units.id AND sample_homes.reserve)", in.PSU)
	} else {
		ids := make([]string, len(in.Units))
		for i, id := range in.Units {
			ids[i] = asID(id)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if wanted = len(ids); wanted == 0 {
			return nil, nil
		}
		q = q.Where("sample_units.id IN ?", ids)
	}
	if err := q.Find(&units).Error; err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("load households: %w", err)
	}
	if len(units) < wanted {
		return nil, ErrNotFound
	}
	return withHomes(r, units)
}

// withHomes puts to units what was drawn about them.
func withHomes(r *gorm.DB, units []sample.Unit) ([]drawn, error) {
	out := make([]drawn, len(units))
	at := make(map[string]int, len(units))
	for i, u := range units {
		out[i].unit, at[u.ID] = u, i
	}
	for start := 0; start < len(units); start += 500 {
		var ids []string
		for _, u := range units[start:min(start+500, len(units))] {
			ids = append(ids, u.ID)
		}
		var homes []sample.Home
		if err := r.Where("unit_id IN ?", ids).Find(&homes).Error; err != nil {
			return nil, fmt.Errorf("load households: %w", err)
		}
		for i := range homes {
			out[at[homes[i].UnitID]].home = &homes[i]
		}
	}
	return out, nil
}

// mayBeGiven returns the worker, who must be allowed to interview in all places of
// the households.
func mayBeGiven(r *gorm.DB, id string, list []drawn) (survey.Actor, error) {
	if id == "" {
		return survey.Actor{}, nil
	}
	_, who, err := account.ByID(r, id)
	if errors.Is(err, survey.ErrNotFound) {
		return who, survey.ErrInvalid.With(survey.Field{Path: "account", Code: "field_not_listed"})
	}
	if err != nil {
		return who, err
	}
	for _, d := range list {
		if !who.Sees(survey.Interview, d.unit.AreaCode) {
			return who, survey.ErrInvalid.With(survey.Field{Path: "account", Code: "may_not_interview"})
		}
	}
	return who, nil
}

// assign writes the assignments, and where the households stand that nobody has
// looked at yet.
func (s *Service) assign(tx *store.Tx, actor survey.Actor, who survey.Actor, list []drawn) (changed int, err error) {
	for part := range slices.Chunk(list, 200) {
		ids := make([]string, len(part))
		for i, d := range part {
			ids[i] = d.unit.ID
		}
		var had []Assignment
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("unit_id IN ?", ids).Find(&had).Error; err != nil {
			return 0, fmt.Errorf("load assignments: %w", err)
		}
		holder := map[string]string{}
		for _, a := range had {
			holder[a.UnitID] = a.AccountID
		}
		var rows []Assignment
		var gone []string
		for _, d := range part {
			switch {
			case holder[d.unit.ID] == who.Account:
			case who.Account == "":
				gone = append(gone, d.unit.ID)
			default:
				rows = append(rows, Assignment{UnitID: d.unit.ID, WaveID: d.unit.WaveID, AreaCode: d.unit.AreaCode, AccountID: who.Account, AssignedBy: actor.Account, AssignedAt: tx.Now})
			}
		}
		changed += len(rows) + len(gone)
		if len(gone) > 0 {
			if err := tx.Where("unit_id IN ?", gone).Delete(&Assignment{}).Error; err != nil {
				return 0, fmt.Errorf("take households back: %w", err)
			}
		}
		if len(rows) > 0 {
			if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&rows).Error; err != nil {
				return 0, fmt.Errorf("assign households: %w", err)
			}
		}
		if err := s.begin(tx, part); err != nil {
			return 0, err
		}
	}
	return changed, nil
}

// begin makes the rows of households that nobody has visited.
func (s *Service) begin(tx *store.Tx, list []drawn) error {
	homes := make([]Home, len(list))
	for i, d := range list {
		plan := ""
		if d.home != nil {
			plan = d.home.PlanID
		}
		rules, err := s.rulesOf(tx.DB, plan)
		if err != nil {
			return err
		}
		homes[i] = homeFrom(d, StateOf(nil, rules))
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(homes, 200).Error; err != nil {
		return fmt.Errorf("begin households: %w", err)
	}
	return nil
}
