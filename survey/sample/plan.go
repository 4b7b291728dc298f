package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Plan is a sampling plan for a wave and a place, and its draw.
type Plan struct {
	ID         string `gorm:"primaryKey"`
	WaveID     string
	FrameID    string
	AreaCode   string
	Spec       string // JSON of a Spec
	Seed       string // 32 hexadecimal digits; "" until it is known
	CreatedBy  string
	CreatedAt  time.Time
	DrawnAt    *time.Time
	DrawnBy    string
	ResultHash string // of what was drawn
}

// TableName is sample_plans.
func (Plan) TableName() string { return "sample_plans" }

// ParseSpec reads what a plan stores.
func (p Plan) ParseSpec() (Spec, error) {
	var s Spec
	if err := json.Unmarshal([]byte(p.Spec), &s); err != nil {
		return s, fmt.Errorf("read the spec of plan %s: %w", p.ID, err)
	}
	return s, nil
}

// Errors of plans.
var (
	// ErrPlanNotFound means that there is no such plan, or none that the actor sees.
	ErrPlanNotFound = &survey.Error{Kind: survey.NotFound, Code: "plan_not_found"}
	// ErrPlanDrawn means that the plan has been drawn; another draw needs another plan.
	ErrPlanDrawn = &survey.Error{Kind: survey.Conflict, Code: "plan_drawn"}
	// ErrPlanOpen means that the plan has not been drawn.
	ErrPlanOpen = &survey.Error{Kind: survey.Conflict, Code: "plan_open"}
	// ErrDrawnBefore means that households of the place are drawn for the wave already,
	// and nobody said that this draw shall replace them, or it cannot because that draw
	// was for a larger place.
	ErrDrawnBefore = &survey.Error{Kind: survey.Conflict, Code: "sample_drawn_before"}
	// ErrVisited means that somebody has been at a door of the draw that was to be
	// replaced.
	ErrVisited = &survey.Error{Kind: survey.Conflict, Code: "sample_visited"}
	// ErrHouseholdTwice means that a household is drawn for the wave already, from
	// elsewhere.
	ErrHouseholdTwice = &survey.Error{Kind: survey.Conflict, Code: "sample_household_twice"}
	// ErrFrameErased means that the list's households were erased, or some of them:
	// their time is over.
	ErrFrameErased = &survey.Error{Kind: survey.Gone, Code: "frame_erased"}
	// ErrFrameChanged means that the stored list is not what was imported.
	ErrFrameChanged = &survey.Error{Kind: survey.Conflict, Code: "frame_changed"}
)

// NewPlan is what a plan is made from.
type NewPlan struct {
	Wave  string
	Frame string
	Area  string // place to draw in
	Spec  Spec
}

// Preview says what a plan would give, without storing it. Returns survey.ErrDenied,
// ErrFrameNotFound, survey.ErrInvalid that names the wrong field, and ErrEmptyFrame.
func (s *Service) Preview(ctx context.Context, actor survey.Actor, in NewPlan) (Sizes, error) {
	if _, _, err := s.check(ctx, actor, in); err != nil {
		return Sizes{}, err
	}
	clusters, err := clustersOf(s.db.Read(ctx), in.Frame, in.Area)
	if err != nil {
		return Sizes{}, err
	}
	return SizesOf(fold(clusters, in.Spec.Stage), in.Spec)
}

// check looks whether the actor may plan that, and whether it can be drawn.
func (s *Service) check(ctx context.Context, actor survey.Actor, in NewPlan) (wave.Wave, Frame, error) {
	if !actor.Can(survey.ManageSamples) {
		return wave.Wave{}, Frame{}, survey.ErrDenied
	}
	f, err := s.Frame(ctx, actor, in.Frame)
	if err != nil {
		return wave.Wave{}, f, err
	}
	w, err := s.deps.Waves.Seen(ctx, actor, in.Wave)
	if err != nil {
		return w, f, err
	}
	switch {
	case !actor.Sees(survey.ManageSamples, in.Area), !survey.Within(w.AreaCode, in.Area):
		return w, f, survey.ErrInvalid.With(survey.Field{Path: "area", Code: "area_outside"})
	case w.Over(s.db.Clock()()):
		return w, f, survey.ErrInvalid.With(survey.Field{Path: "wave", Code: "plan_wave_over"})
	}
	return w, f, in.Spec.Check()
}

// Create stores a plan, with the event "plan.created". Returns what Preview returns.
func (s *Service) Create(ctx context.Context, actor survey.Actor, in NewPlan) (Plan, error) {
	if _, err := s.Preview(ctx, actor, in); err != nil {
		return Plan{}, err
	}
	spec, err := json.Marshal(in.Spec)
	if err != nil {
		return Plan{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{ID: id.String(), WaveID: in.Wave, FrameID: in.Frame, AreaCode: in.Area, Spec: string(spec), CreatedBy: actor.Account}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p.CreatedAt = tx.Now
		if err := insertPlan(tx, p); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "plan.created", Object: p.ID, Area: p.AreaCode, Payload: map[string]any{"wave": p.WaveID, "frame": p.FrameID, "spec": in.Spec}})
	})
	return p, err
}

// Plans returns the plans in the actor's places, the newest first; of one wave unless
// wave is "".
func (s *Service) Plans(ctx context.Context, actor survey.Actor, wave string) ([]Plan, error) {
	if !actor.Can(survey.ManageSamples) {
		return nil, survey.ErrDenied
	}
	return plansIn(s.db.Read(ctx), actor.Places(survey.ManageSamples), wave)
}

// Plan returns one of them. Returns ErrPlanNotFound.
func (s *Service) Plan(ctx context.Context, actor survey.Actor, id string) (Plan, error) {
	if !actor.Can(survey.ManageSamples) {
		return Plan{}, survey.ErrDenied
	}
	p, err := planByID(s.db.Read(ctx), id)
	if err == nil && !actor.Sees(survey.ManageSamples, p.AreaCode) {
		return Plan{}, ErrPlanNotFound
	}
	return p, err
}

// SizesOfPlan says what a plan that is stored gives.
func (s *Service) SizesOfPlan(ctx context.Context, p Plan) (Sizes, error) {
	spec, err := p.ParseSpec()
	if err != nil {
		return Sizes{}, err
	}
	clusters, err := clustersOf(s.db.Read(ctx), p.FrameID, p.AreaCode)
	if err != nil {
		return Sizes{}, err
	}
	return SizesOf(fold(clusters, spec.Stage), spec)
}

// PlanHomes returns the drawn households of a plan in a place of it, all for "", by
// community, PSU and position.
func (s *Service) PlanHomes(ctx context.Context, p Plan, place string) ([]PlanHome, error) {
	return homesOfPlan(s.db.Read(ctx), p.ID, place)
}

// FrameOfPlan returns the list that a plan draws from.
func (s *Service) FrameOfPlan(ctx context.Context, p Plan) (Frame, error) {
	return frameByID(s.db.Read(ctx), p.FrameID)
}
