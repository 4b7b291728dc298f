package area

import (
	"context"

	"chengyin/survey"
	"chengyin/survey/store"
)

// ErrNotFound means that there is no such place, or none that the actor sees.
var ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "area_not_found"}

// Service reads and imports places, units and population.
type Service struct {
	db *store.DB
}

// New returns the service on db.
func New(db *store.DB) *Service { return &Service{db: db} }

// ByCode returns the place with that code. Returns ErrNotFound.
func (s *Service) ByCode(ctx context.Context, code string) (Area, error) {
	return areaByCode(s.db.Read(ctx), code)
}

// Children returns the places directly below parent that stand today, by code;
// with parent "" the cities.
func (s *Service) Children(ctx context.Context, parent string) ([]Area, error) {
	return children(s.db.Read(ctx), parent, s.db.Clock()())
}

// Tree returns root and all places below it by code, those that were merged away
// too.
func (s *Service) Tree(ctx context.Context, root string) ([]Area, error) {
	return TreeOf(s.db.Read(ctx), root)
}

// Population returns the population of all communities below root by code, age
// and sex.
func (s *Service) Population(ctx context.Context, root string) ([]Population, error) {
	return PopulationOf(s.db.Read(ctx), root)
}

// Units returns the units of the sectors in the place root, by code.
func (s *Service) Units(ctx context.Context, root string) ([]Unit, error) {
	return units(s.db.Read(ctx), root)
}

// Save adds or renames places, units and population rows in one transaction.
func (s *Service) Save(ctx context.Context, areas []Area, units []Unit, people []Population) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error { return save(tx, areas, units, people) })
}
