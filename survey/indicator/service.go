package indicator

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// ErrPublished says that this version of the recipe is published with
// another content. A change needs a new version.
var ErrPublished = &survey.Error{Kind: survey.Conflict, Code: "recipe_published"}

// Stored is a published version as it stands in the database.
type Stored struct {
	ID          string `gorm:"primaryKey"`
	Code        string
	Version     int
	Definition  string // JSON
	PublishedAt time.Time
}

// TableName names the table for GORM.
func (Stored) TableName() string { return "recipes" }

// Service publishes recipes and finds published ones.
type Service struct {
	db    *store.DB
	clock survey.Clock
	byID  sync.Map // id -> *Recipe; a published version never changes
}

// New returns a Service on db.
func New(db *store.DB, clock survey.Clock) *Service { return &Service{db: db, clock: clock} }

// Publish stores a version of a recipe for good and returns its id.
// Publishing the same content again returns the same id; other content under
// the same code and version is ErrPublished; a recipe that breaks a rule is
// survey.ErrInvalid.
func (s *Service) Publish(ctx context.Context, r *Recipe) (string, error) {
	if wrong := r.Validate(); len(wrong) > 0 {
		return "", survey.ErrInvalid.With(wrong...)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write recipe %s v%d: %w", r.Code, r.Version, err)
	}
	if len(text) > maxRecipeBytes {
		return "", survey.ErrInvalid.With(tooLarge)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("id of recipe %s v%d: %w", r.Code, r.Version, err)
	}
	row := Stored{ID: id.String(), Code: r.Code, Version: r.Version, Definition: string(text), PublishedAt: s.clock()}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := insert(tx, &row); err != nil {
			return err
		}
		return event.Append(tx, survey.System, "recipe.published", row.ID, map[string]any{"code": r.Code, "version": r.Version})
	})
	switch {
	case err == nil:
		return row.ID, nil
	case !store.IsDuplicate(err):
		return "", fmt.Errorf("publish recipe %s v%d: %w", r.Code, r.Version, err)
	}
	first, err := byVersion(s.db.Read(ctx), r.Code, r.Version)
	if err != nil {
		return "", fmt.Errorf("load recipe %s v%d: %w", r.Code, r.Version, err)
	}
	if first.Definition != row.Definition {
		return "", ErrPublished
	}
	return first.ID, nil
}

// ByID returns the published version with that id, survey.ErrNotFound when
// there is none. The recipe is shared: read it, do not change it.
func (s *Service) ByID(ctx context.Context, id string) (*Recipe, error) {
	if r, ok := s.byID.Load(id); ok {
		return r.(*Recipe), nil
	}
	if uuid.Validate(id) != nil { // MySQL does not compare the ASCII column with other characters
		return nil, survey.ErrNotFound.Because(fmt.Errorf("recipe %q", id))
	}
	row, err := byID(s.db.Read(ctx), id)
	if store.NotFound(err) {
		return nil, survey.ErrNotFound.Because(fmt.Errorf("recipe %q", id))
	}
	if err != nil {
		return nil, fmt.Errorf("load recipe %q: %w", id, err)
	}
	r := new(Recipe)
	if err := json.Unmarshal([]byte(row.Definition), r); err != nil { // not Parse: rules may have become stricter since
		return nil, fmt.Errorf("read recipe %q: %w", id, err)
	}
	kept, _ := s.byID.LoadOrStore(id, r)
	return kept.(*Recipe), nil
}

// List returns all published versions by code, newest version first.
func (s *Service) List(ctx context.Context) ([]Stored, error) {
	rows, err := all(s.db.Read(ctx))
	if err != nil {
		return nil, fmt.Errorf("list recipes: %w", err)
	}
	return rows, nil
}
