package fieldwork

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// placesIn returns the tops of the places to read of: those where the actor manages
// field work, or one of them. Returns survey.ErrDenied to those who manage none, and
// area.ErrNotFound for a place outside theirs.
func placesIn(actor survey.Actor, code string) ([]string, error) {
	switch {
	case !actor.Can(survey.ManageFieldwork):
		return nil, survey.ErrDenied
	case code == "":
		return actor.Places(survey.ManageFieldwork), nil
	case !actor.Sees(survey.ManageFieldwork, code):
		return nil, area.ErrNotFound
	}
	return []string{code}, nil
}

// Work returns how far the work of a wave is in a place, "" for all of the actor's,
// with the outcome rates for a given e, or one that follows from the households.
// Returns survey.ErrDenied, area.ErrNotFound, and survey.ErrInvalid for an e outside
// 0 to 1.
func (s *Service) Work(ctx context.Context, actor survey.Actor, w wave.Wave, code string, e *float64) (Work, error) {
	tops, err := placesIn(actor, code)
	if err != nil {
		return Work{}, err
	}
	if e != nil && !(*e >= 0 && *e <= 1) {
		return Work{}, survey.ErrInvalid.With(survey.Field{Path: "e", Code: "out_of_range", Args: map[string]any{"min": 0, "max": 1}})
	}
	r := s.db.Read(ctx)
	homes, err := householdsOf(r, w.ID, tops, "")
	if err != nil {
		return Work{}, err
	}
	rules, err := s.rulesFor(r, homes)
	if err != nil {
		return Work{}, err
	}
	return workOf(homes, rules, e), nil
}

// HandedOut notes in the audit trail that the actor took something of the work in a
// place out of the platform, as a file or on paper: "progress", "list" or
// "questionnaires" of so many households.
func (s *Service) HandedOut(ctx context.Context, actor survey.Actor, w wave.Wave, code, what string, homes int) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		return event.Write(tx, actor, event.Entry{Kind: "field.exported", Object: w.ID, Area: code, Payload: map[string]any{"what": what, "households": homes}})
	})
}

// rulesFor returns the rules of the households' plans.
func (s *Service) rulesFor(r *gorm.DB, homes []Household) (map[string]Rules, error) {
	out := map[string]Rules{}
	for _, h := range homes {
		if _, ok := out[h.PlanID]; ok {
			continue
		}
		var err error
		if out[h.PlanID], err = s.rulesOf(r, h.PlanID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Households returns the drawn households of a PSU, those of the reserve last.
// Returns survey.ErrDenied, and ErrNotFound when there are none that the actor sees.
func (s *Service) Households(ctx context.Context, actor survey.Actor, w wave.Wave, psu string) ([]Household, error) {
	tops, err := placesIn(actor, "")
	if err != nil {
		return nil, err
	}
	if psu == "" {
		return nil, ErrNotFound
	}
	r := s.db.Read(ctx)
	homes, err := householdsOf(r, w.ID, tops, psu)
	if err != nil {
		return nil, err
	}
	if len(homes) == 0 {
		return nil, ErrNotFound
	}
	rules, err := s.rulesFor(r, homes)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(homes, func(a, b Household) int { return a.Position - b.Position })
	takeTurns(homes, rules[homes[0].PlanID])
	return homes, nil
}

// HouseholdsOf returns the households of a place that a worker has, by building.
// Returns survey.ErrDenied, area.ErrNotFound.
func (s *Service) HouseholdsOf(ctx context.Context, actor survey.Actor, w wave.Wave, code, worker string) ([]Household, error) {
	tops, err := placesIn(actor, code)
	if err != nil {
		return nil, err
	}
	r := s.db.Read(ctx)
	homes, err := householdsOf(r, w.ID, tops, "")
	if err != nil {
		return nil, err
	}
	rules, err := s.rulesFor(r, homes)
	if err != nil {
		return nil, err
	}
	workOf(homes, rules, nil) // takes the turns
	return slices.DeleteFunc(homes, func(h Household) bool { return h.AccountID != worker }), nil
}

// Household returns a drawn household. Returns survey.ErrDenied, and ErrNotFound
// when the actor does not see it.
func (s *Service) Household(ctx context.Context, actor survey.Actor, w wave.Wave, unit string) (Household, error) {
	if !actor.Can(survey.ManageFieldwork) {
		return Household{}, survey.ErrDenied
	}
	var psu []string
	err := s.db.Read(ctx).Table("sample_units").Where("id = ? AND wave_id = ?", unit, w.ID).Pluck("psu", &psu).Error
	if err != nil && !store.NotFound(err) {
		return Household{}, fmt.Errorf("load household: %w", err)
	}
	if len(psu) == 0 {
		return Household{}, ErrNotFound
	}
	homes, err := s.Households(ctx, actor, w, psu[0])
	if err != nil {
		return Household{}, err
	}
	for _, h := range homes {
		if h.UnitID == unit {
			return h, nil
		}
	}
	return Household{}, ErrNotFound
}

// Workers returns who may be given households of a place, by name. Returns
// survey.ErrDenied, area.ErrNotFound.
func (s *Service) Workers(ctx context.Context, actor survey.Actor, code string) ([]account.Holder, error) {
	if _, err := placesIn(actor, code); err != nil {
		return nil, err
	}
	return account.HoldersOf(s.db.Read(ctx), survey.Interview, code)
}

// Doubt is a record that is kept and not counted, or other content that came under
// the id of one: that it came, and why it waits; never an answer.
type Doubt struct {
	ID         string // of the record
	Hash       string // of the other content; "" of a record in quarantine
	Status     string // Quarantined, Conflict
	Reason     string
	Outcome    string
	Via        string
	AreaCode   string // "" when the household is unknown
	UnitID     string
	Household  string
	Building   string
	Unit       string
	Room       string
	Login      string
	Worker     string
	Phone      string
	MadeAt     time.Time
	ReceivedAt time.Time
}

// Door names the door in a few words; "" when the household is unknown.
func (d Doubt) Door() string {
	return Household{Building: d.Building, Unit: d.Unit, Room: d.Room, Code: d.Household}.Door()
}

// Mark is a place in the list of doubts, which goes from the newest to the oldest.
type Mark struct {
	At   time.Time
	ID   string
	Hash string
}

// Mark returns the place behind the doubt.
func (d Doubt) Mark() Mark { return Mark{d.ReceivedAt, d.ID, d.Hash} }

// Doubts returns the records of a wave in a place that wait for somebody to look,
// the newest first, and whether there are more. Records of no household that we
// know are shown where their worker belongs. Returns survey.ErrDenied,
// area.ErrNotFound.
func (s *Service) Doubts(ctx context.Context, actor survey.Actor, w wave.Wave, code string, before *Mark, limit int) (list []Doubt, more bool, err error) {
	tops, err := placesIn(actor, code)
	if err != nil {
		return nil, false, err
	}
	r := s.db.Read(ctx)
	kept, err := doubts(r, w.ID, tops, before, limit+1, false)
	if err != nil {
		return nil, false, err
	}
	rivals, err := doubts(r, w.ID, tops, before, limit+1, true)
	if err != nil {
		return nil, false, err
	}
	list = append(kept, rivals...)
	slices.SortFunc(list, func(a, b Doubt) int {
		return cmp.Or(b.ReceivedAt.Compare(a.ReceivedAt), strings.Compare(b.ID, a.ID), strings.Compare(b.Hash, a.Hash))
	})
	more = len(list) > limit
	return list[:min(len(list), limit)], more, nil
}

// doubts returns records in quarantine, or the rivals of records.
func doubts(r *gorm.DB, waveID string, tops []string, before *Mark, most int, rivals bool) ([]Doubt, error) {
	const columns = "r.id, r.outcome, r.via, COALESCE(u.area_code, '') AS area_code, r.unit_id, COALESCE(u.household, '') AS household, COALESCE(h.building, '') AS building, COALESCE(h.unit, '') AS unit, COALESCE(h.room, '') AS room, COALESCE(p.login, '') AS login, COALESCE(p.name, '') AS worker, COALESCE(f.name, '') AS phone, r.made_at, "
	at, hash, phone := "r.received_at", "''", "r.phone_id"
	if rivals {
		at, hash, phone = "v.received_at", "v.hash", "v.phone_id"
	}
	q := r.Session(&gorm.Session{NewDB: true}).Table("field_records AS r")
	if rivals {
		q = q.Select(columns + "v.hash, 'conflict' AS status, '' AS reason, v.received_at").Joins("JOIN field_rivals AS v ON v.record_id = r.id").Where("v.reviewed_at IS NULL")
	} else {
		q = q.Select(columns+"'' AS hash, r.status, r.reason, r.received_at").Where("r.status = ?", Quarantined)
	}
	known := store.Within("u.area_code", tops)(r.Session(&gorm.Session{NewDB: true}))
	lost := store.Within("p.area_code", tops)(r.Session(&gorm.Session{NewDB: true}).Where("u.id IS NULL"))
	q = q.Joins("LEFT JOIN sample_units AS u ON u.id = r.unit_id").
		Joins("LEFT JOIN sample_homes AS h ON h.unit_id = u.id").
		Joins("LEFT JOIN accounts AS p ON p.id = r.account_id").
		Joins("LEFT JOIN field_phones AS f ON f.id = "+phone).
		Where("(r.wave_id = ? OR r.wave_id NOT IN (SELECT id FROM waves))", waveID).
		Where(r.Session(&gorm.Session{NewDB: true}).Where(known).Or(lost))
	if before != nil {
		q = q.Where(fmt.Sprintf("(%s < ? OR (%s = ? AND (r.id < ? OR (r.id = ? AND %s < ?))))", at, at, hash), before.At, before.At, before.ID, before.ID, before.Hash)
	}
	var out []Doubt
	if err := q.Order(at + " DESC, r.id DESC, " + hash + " DESC").Limit(most).Scan(&out).Error; err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("list records to review: %w", err)
	}
	return out, nil
}
