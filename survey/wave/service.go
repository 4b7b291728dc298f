package wave

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// ErrNotFound means that there is no such wave, or none that the actor sees.
var ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "wave_not_found"}

// Service reads and makes waves.
type Service struct {
	db *store.DB
}

// New returns the service on db.
func New(db *store.DB) *Service { return &Service{db: db} }

// ByID returns the wave. Returns ErrNotFound.
func (s *Service) ByID(ctx context.Context, id string) (Wave, error) {
	return waveByID(s.db.Read(ctx), id)
}

// Seen returns the wave when one of the actor's places lies in it or it in one of
// them: a wave of the whole city is seen by a district, and a district's by the
// city. Returns ErrNotFound.
func (s *Service) Seen(ctx context.Context, actor survey.Actor, id string) (Wave, error) {
	w, err := s.ByID(ctx, id)
	if err == nil && !actor.Touches(w.AreaCode) {
		return Wave{}, ErrNotFound
	}
	return w, err
}

// List returns the waves that the actor may see, the newest first.
func (s *Service) List(ctx context.Context, actor survey.Actor) ([]Wave, error) {
	all, err := waves(s.db.Read(ctx))
	if err != nil {
		return nil, err
	}
	var out []Wave
	for _, w := range all {
		if actor.Touches(w.AreaCode) {
			out = append(out, w)
		}
	}
	return out, nil
}

// All returns all waves, the newest first: for the schedule.
func (s *Service) All(ctx context.Context) ([]Wave, error) { return waves(s.db.Read(ctx)) }

// Create makes a wave. Returns survey.ErrInvalid that names the wrong field.
func (s *Service) Create(ctx context.Context, actor survey.Actor, w Wave) (Wave, error) {
	if !actor.Sees(survey.ManageWaves, w.AreaCode) {
		return Wave{}, survey.ErrDenied
	}
	var wrong []survey.Field
	switch {
	case w.Code == "":
		wrong = append(wrong, survey.Field{Path: "code", Code: "field_missing"})
	case len(w.Code) > 64 || strings.ContainsFunc(w.Code, func(r rune) bool { return r <= ' ' || r > '~' }): // the column is ASCII
		wrong = append(wrong, survey.Field{Path: "code", Code: "field_wrong"})
	}
	if w.NameZH == "" {
		wrong = append(wrong, survey.Field{Path: "name", Code: "field_missing"})
	}
	const most = 200
	long := func(path string, texts ...string) {
		if slices.ContainsFunc(texts, func(s string) bool { return utf8.RuneCountInString(s) > most }) {
			wrong = append(wrong, survey.Field{Path: path, Code: "field_too_long", Args: map[string]any{"max": most}})
		}
	}
	long("name", w.NameZH, w.NameEN)
	long("owner", w.OwnerZH, w.OwnerEN)
	long("contact", w.Contact)
	if !w.ClosesAt.After(w.OpensAt) {
		wrong = append(wrong, survey.Field{Path: "closes_at", Code: "field_out_of_range"})
	}
	if len(wrong) > 0 {
		return Wave{}, survey.ErrInvalid.With(wrong...)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Wave{}, err
	}
	w.ID = id.String()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		w.CreatedAt = tx.Now
		if err := insertWave(tx, w); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "wave.created", Object: w.ID, Area: w.AreaCode, Payload: map[string]string{"code": w.Code}})
	})
	return w, err
}
