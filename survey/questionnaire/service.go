package questionnaire

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

// ErrPublished says that this version of the questionnaire is published with
// another content. A change needs a new version.
var ErrPublished = &survey.Error{Kind: survey.Conflict, Code: "questionnaire_published"}

// Stored is a published version as it stands in the database.
type Stored struct {
	ID          string `gorm:"primaryKey"`
	Code        string
	Version     int
	Definition  string // JSON
	PublishedAt time.Time
}

// TableName names the table for GORM.
func (Stored) TableName() string { return "questionnaires" }

// Service publishes questionnaires and finds published ones.
type Service struct {
	db    *store.DB
	clock survey.Clock
	byID  sync.Map // id -> *Definition; a published version never changes
}

// New returns a Service on db.
func New(db *store.DB, clock survey.Clock) *Service { return &Service{db: db, clock: clock} }

// Publish stores a version of a questionnaire for good and returns its id.
// Publishing the same content again returns the same id; other content under
// the same code and version is ErrPublished; a definition that breaks a rule is
// survey.ErrInvalid.
func (s *Service) Publish(ctx context.Context, d *Definition) (string, error) {
	if wrong := d.Validate(); len(wrong) > 0 {
		return "", survey.ErrInvalid.With(wrong...)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write questionnaire %s v%d: %w", d.Code, d.Version, err)
	}
	if len(text) > maxDefinitionBytes {
		return "", survey.ErrInvalid.With(survey.Field{Path: "definition", Code: CodeTooLarge, Args: map[string]any{"max": maxDefinitionBytes}})
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("id of questionnaire %s v%d: %w", d.Code, d.Version, err)
	}
	row := Stored{ID: id.String(), Code: d.Code, Version: d.Version, Definition: string(text), PublishedAt: s.clock()}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := insert(tx, &row); err != nil {
			return err
		}
		return event.Append(tx, survey.System, "questionnaire.published", row.ID, map[string]any{"code": d.Code, "version": d.Version})
	})
	switch {
	case err == nil:
		return row.ID, nil
	case !store.IsDuplicate(err):
		return "", fmt.Errorf("publish questionnaire %s v%d: %w", d.Code, d.Version, err)
	}
	first, err := byVersion(s.db.Read(ctx), d.Code, d.Version)
	if err != nil {
		return "", fmt.Errorf("load questionnaire %s v%d: %w", d.Code, d.Version, err)
	}
	if first.Definition != row.Definition {
		return "", ErrPublished
	}
	return first.ID, nil
}

// ByID returns the published version with that id, survey.ErrNotFound when
// there is none. The definition is shared: read it, do not change it.
func (s *Service) ByID(ctx context.Context, id string) (*Definition, error) {
	if d, ok := s.byID.Load(id); ok {
		return d.(*Definition), nil
	}
	if uuid.Validate(id) != nil { // MySQL does not compare the ASCII column with other characters
		return nil, survey.ErrNotFound.Because(fmt.Errorf("questionnaire %q", id))
	}
	row, err := byID(s.db.Read(ctx), id)
	if store.NotFound(err) {
		return nil, survey.ErrNotFound.Because(fmt.Errorf("questionnaire %q", id))
	}
	if err != nil {
		return nil, fmt.Errorf("load questionnaire %q: %w", id, err)
	}
	d := new(Definition)
	if err := json.Unmarshal([]byte(row.Definition), d); err != nil { // not Parse: rules may have become stricter since
		return nil, fmt.Errorf("read questionnaire %q: %w", id, err)
	}
	kept, _ := s.byID.LoadOrStore(id, d)
	return kept.(*Definition), nil
}

// List returns all published versions by code, newest version first.
func (s *Service) List(ctx context.Context) ([]Stored, error) {
	rows, err := all(s.db.Read(ctx))
	if err != nil {
		return nil, fmt.Errorf("list questionnaires: %w", err)
	}
	return rows, nil
}
