package sample

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// ByHousehold returns the drawn household. Returns ErrNotFound.
func ByHousehold(r *gorm.DB, waveID, household string) (Unit, error) {
	var u Unit
	err := r.Where("wave_id = ? AND household = ?", waveID, household).Take(&u).Error
	if store.NotFound(err) {
		return u, ErrNotFound
	}
	return u, err
}

func insertUnits(tx *store.Tx, units []Unit) error {
	if err := tx.CreateInBatches(units, 200).Error; err != nil {
		return fmt.Errorf("add sample units: %w", err)
	}
	return nil
}

// framesIn returns the complete lists in the places, the newest first.
func framesIn(r *gorm.DB, tops []string) ([]Frame, error) {
	var out []Frame
	err := r.Scopes(store.Within("area_code", tops)).Where("hash <> ''").Order("created_at DESC, id DESC").Limit(200).Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("list frames: %w", err)
	}
	return out, nil
}

func frameByID(r *gorm.DB, id string) (Frame, error) {
	var f Frame
	err := r.Where("id = ? AND hash <> ''", id).Take(&f).Error
	if store.NotFound(err) {
		return f, ErrFrameNotFound
	}
	return f, err
}

func abandonedFrames(r *gorm.DB, before time.Time) ([]string, error) {
	var out []string
	err := r.Model(&Frame{}).Where("hash = '' AND created_at < ?", before).Pluck("id", &out).Error
	if err != nil {
		return nil, fmt.Errorf("find frames that were given up: %w", err)
	}
	return out, nil
}

// removeFrameHomes removes some households of a list that was given up, and with
// the last ones the list; more reports whether some are left.
func removeFrameHomes(tx *store.Tx, frame string) (more bool, err error) {
	var some []string
	if err := tx.Model(&FrameHome{}).Where("frame_id = ?", frame).Limit(500).Pluck("household", &some).Error; err != nil {
		return false, fmt.Errorf("remove frame: %w", err)
	}
	if len(some) == 0 {
		return false, tx.Where("id = ? AND hash = ''", frame).Delete(&Frame{}).Error
	}
	return true, tx.Where("frame_id = ? AND household IN ?", frame, some).Delete(&FrameHome{}).Error
}

// insertFrameHomes adds households to a list. It writes its own statement: an
// import has hundreds of thousands of them.
func insertFrameHomes(tx *store.Tx, frame string, homes []FrameHome) error {
	const columns = 8
	const rows = 250
	for len(homes) > 0 {
		part := homes[:min(rows, len(homes))]
		homes = homes[len(part):]
		args := make([]any, 0, columns*len(part))
		for _, h := range part {
			args = append(args, frame, h.Household, h.AreaCode, h.Building, h.Unit, h.Room, h.Adults, h.Position)
		}
		values := strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?,?),", len(part)), ",")
		err := tx.Exec("INSERT INTO frame_homes (frame_id, household, area_code, building, unit, room, adults, position) VALUES "+values, args...).Error
		if err != nil {
			return fmt.Errorf("store households: %w", err)
		}
	}
	return nil
}

// homesOf returns the households of a list in a place, in its order.
func homesOf(r *gorm.DB, frame, top string) ([]FrameHome, error) {
	var out []FrameHome
	err := r.Where("frame_id = ?", frame).Scopes(store.Within("area_code", []string{top})).Order("position").Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("load frame: %w", err)
	}
	return out, nil
}

// clustersOf returns the entrances of a list in a place, in its order.
func clustersOf(r *gorm.DB, frame, top string) ([]Cluster, error) {
	var out []Cluster
	err := r.Table("frame_homes").Select("area_code, building, unit, COUNT(*) AS homes, COALESCE(SUM(adults), 0) AS adults, COUNT(adults) AS known, COALESCE(SUM(adults * adults), 0) AS squares").
		Where("frame_id = ?", frame).Scopes(store.Within("area_code", []string{top})).
		Group("area_code, building, unit").Order("MIN(position)").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("load frame: %w", err)
	}
	return out, nil
}

func insertPlan(tx *store.Tx, p Plan) error {
	if err := tx.Create(&p).Error; err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	return nil
}

func planByID(r *gorm.DB, id string) (Plan, error) {
	var p Plan
	err := r.Where("id = ?", id).Take(&p).Error
	if store.NotFound(err) {
		return p, ErrPlanNotFound
	}
	return p, err
}

// plansIn returns the plans of the places, the newest first.
func plansIn(r *gorm.DB, tops []string, wave string) ([]Plan, error) {
	q := r.Scopes(store.Within("area_code", tops))
	if wave != "" {
		q = q.Where("wave_id = ?", wave)
	}
	var out []Plan
	err := q.Order("created_at DESC, id DESC").Limit(200).Find(&out).Error
	if store.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return out, nil
}

// plansDrawn returns the plans of a wave whose draws still stand and lie in a place
// or contain it. Of some of their households the ids come too.
func plansDrawn(tx *store.Tx, wave, place string) ([]Plan, error) {
	var drawn []Plan
	err := tx.Where("wave_id = ? AND drawn_at IS NOT NULL AND id IN (?)", wave,
		tx.Session(&gorm.Session{NewDB: true}).Model(&Home{}).Select("DISTINCT plan_id").Where("wave_id = ?", wave)).Order("id").Find(&drawn).Error
	if err != nil {
		return nil, fmt.Errorf("look for draws: %w", err)
	}
	var out []Plan
	for _, p := range drawn {
		if survey.Within(p.AreaCode, place) || survey.Within(place, p.AreaCode) {
			out = append(out, p)
		}
	}
	return out, nil
}

func unitsOfPlan(r *gorm.DB, plan string) ([]string, error) {
	var out []string
	err := r.Model(&Home{}).Where("plan_id = ?", plan).Pluck("unit_id", &out).Error
	if err != nil {
		return nil, fmt.Errorf("load the units of plan %s: %w", plan, err)
	}
	return out, nil
}

// removeDraw removes the households of a draw; what belongs to them elsewhere is
// gone already.
func removeDraw(tx *store.Tx, units []string) error {
	for at := 0; at < len(units); at += 500 {
		part := units[at:min(at+500, len(units))]
		err := errors.Join(tx.Where("unit_id IN ?", part).Delete(&Home{}).Error, tx.Where("id IN ?", part).Delete(&Unit{}).Error)
		if err != nil {
			return fmt.Errorf("remove draw: %w", err)
		}
	}
	return nil
}

func insertHomes(tx *store.Tx, homes []Home) error {
	if err := tx.CreateInBatches(homes, 200).Error; err != nil {
		return fmt.Errorf("add drawn households: %w", err)
	}
	return nil
}

// markDrawn writes seed and result into the plan unless another draw was faster.
func markDrawn(tx *store.Tx, p Plan) error {
	r := tx.Model(&Plan{}).Where("id = ? AND drawn_at IS NULL", p.ID).
		Updates(map[string]any{"seed": p.Seed, "drawn_at": tx.Now, "drawn_by": p.DrawnBy, "result_hash": p.ResultHash})
	if r.Error != nil {
		return fmt.Errorf("mark plan as drawn: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return ErrPlanDrawn
	}
	return nil
}

// PlanHome is a household that a plan drew.
type PlanHome struct {
	Unit
	Home
}

// homesOfPlan returns the drawn households of a plan in a place, by community, PSU
// and position.
func homesOfPlan(r *gorm.DB, plan, top string) ([]PlanHome, error) {
	var homes []Home
	q := r.Where("plan_id = ?", plan)
	if top != "" {
		q = q.Scopes(store.Within("area_code", []string{top}))
	}
	if err := q.Order("area_code, psu, position").Find(&homes).Error; err != nil {
		return nil, fmt.Errorf("load draw: %w", err)
	}
	units := make(map[string]Unit, len(homes))
	for at := 0; at < len(homes); at += 500 {
		var ids []string
		for _, h := range homes[at:min(at+500, len(homes))] {
			ids = append(ids, h.UnitID)
		}
		var part []Unit
		if err := r.Where("id IN ?", ids).Find(&part).Error; err != nil {
			return nil, fmt.Errorf("load draw: %w", err)
		}
		for _, u := range part {
			units[u.ID] = u
		}
	}
	out := make([]PlanHome, len(homes))
	for i, h := range homes {
		out[i] = PlanHome{units[h.UnitID], h}
	}
	return out, nil
}
