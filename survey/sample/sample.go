// Package sample keeps lists of households (frames), plans of how to draw from them,
// and the households that were drawn for a wave, each with its stratum, its PSU and
// the design weight that its inclusion probability gives.
package sample

import (
	"context"
	"fmt"
	"math"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Unit is a drawn household. Weight is the design weight of the adult who is
// interviewed there: 1/probability of the household times the adults in it.
type Unit struct {
	ID        string `gorm:"primaryKey"`
	WaveID    string
	AreaCode  string // community
	Stratum   string
	PSU       string `gorm:"column:psu"` // unique in the wave, not only in its stratum
	Household string
	Weight    float64
}

// TableName is sample_units.
func (Unit) TableName() string { return "sample_units" }

// ErrNotFound means that the household was not drawn for the wave.
var ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "sample_unit_not_found"}

// Deps are the services that samples need, and what follows a draw in field work.
type Deps struct {
	Waves      *wave.Service
	Collectors *collector.Service
	// Open tells field work of households that were drawn.
	Open func(tx *store.Tx, units []Unit, homes []Home) error
	// Drop takes units back from field work; it returns ErrVisited when somebody has
	// been at one of their doors.
	Drop func(tx *store.Tx, units []string) error
}

// Service keeps lists of households, plans and the drawn households.
type Service struct {
	db   *store.DB
	deps Deps
	jobs jobs
}

// New returns the service on db.
func New(db *store.DB, deps Deps) *Service { return &Service{db: db, deps: deps} }

// Add stores drawn households. The caller has given them ids. Returns
// survey.ErrInvalid when a weight is no positive number.
func (s *Service) Add(ctx context.Context, units []Unit) error {
	if len(units) == 0 {
		return nil
	}
	for _, u := range units {
		if !(u.Weight > 0) || math.IsInf(u.Weight, 1) {
			return survey.ErrInvalid.With(survey.Field{Path: "weight", Code: "field_out_of_range"})
		}
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error { return insertUnits(tx, units) })
}

// AddHomes stores what was drawn about units that are here already.
func (s *Service) AddHomes(ctx context.Context, homes []Home) error {
	if len(homes) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.CreateInBatches(homes, 200).Error; err != nil {
			return fmt.Errorf("add what was drawn: %w", err)
		}
		return nil
	})
}

// ByHousehold returns the drawn household. Returns ErrNotFound.
func (s *Service) ByHousehold(ctx context.Context, waveID, household string) (Unit, error) {
	return ByHousehold(s.db.Read(ctx), waveID, household)
}
