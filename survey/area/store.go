package area

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/store"
)

const batch = 200

func areaByCode(r *gorm.DB, code string) (Area, error) {
	var a Area
	err := r.Where("code = ?", code).Take(&a).Error
	if store.NotFound(err) {
		return a, ErrNotFound
	}
	return a, err
}

func children(r *gorm.DB, parent string, day time.Time) ([]Area, error) {
	q := r.Where("valid_to IS NULL OR valid_to > ?", day)
	if parent == "" {
		q = q.Where("parent_code IS NULL")
	} else {
		q = q.Where("parent_code = ?", parent)
	}
	var out []Area
	err := q.Order("code").Find(&out).Error
	return out, err
}

// TreeOf returns root and all places below it by code, as r sees them.
func TreeOf(r *gorm.DB, root string) ([]Area, error) {
	var out []Area
	err := r.Where("code LIKE ?", survey.Prefix(root)+"%").Order("code").Find(&out).Error
	return out, err
}

// PopulationOf returns the population below root by code, age and sex, as r sees it.
func PopulationOf(r *gorm.DB, root string) ([]Population, error) {
	var out []Population
	err := r.Where("area_code LIKE ?", survey.Prefix(root)+"%").Order("area_code, age, sex").Find(&out).Error
	return out, err
}

func units(r *gorm.DB, root string) ([]Unit, error) {
	var out []Unit
	err := r.Where("area_code LIKE ?", survey.Prefix(root)+"%").Order("code").Find(&out).Error
	return out, err
}

// save writes parents before children, and links to successors last, because
// foreign keys are checked row by row.
func save(tx *store.Tx, areas []Area, units []Unit, people []Population) error {
	areas = slices.Clone(areas)
	slices.SortFunc(areas, func(a, b Area) int {
		return cmp.Or(cmp.Compare(len(survey.Prefix(a.Code)), len(survey.Prefix(b.Code))), cmp.Compare(a.Code, b.Code))
	})
	var merged []Area
	for i, a := range areas {
		if a.SuccessorCode != nil {
			merged = append(merged, a)
			areas[i].SuccessorCode = nil
		}
	}
	upsert := clause.OnConflict{UpdateAll: true}
	if len(areas) > 0 {
		if err := tx.Clauses(upsert).CreateInBatches(areas, batch).Error; err != nil {
			return fmt.Errorf("save areas: %w", err)
		}
	}
	for _, a := range merged {
		if err := tx.Model(&Area{}).Where("code = ?", a.Code).Update("successor_code", *a.SuccessorCode).Error; err != nil {
			return fmt.Errorf("save successor of %s: %w", a.Code, err)
		}
	}
	if len(units) > 0 {
		if err := tx.Clauses(upsert).CreateInBatches(units, batch).Error; err != nil {
			return fmt.Errorf("save units: %w", err)
		}
	}
	if len(people) > 0 {
		if err := tx.Clauses(upsert).CreateInBatches(people, batch).Error; err != nil {
			return fmt.Errorf("save population: %w", err)
		}
	}
	return revise(tx)
}

// revision counts the changes of the tree and the population.
type revision struct {
	Name string `gorm:"primaryKey"`
	N    int64
}

// TableName is revisions.
func (revision) TableName() string { return "revisions" }

// areasRevision is the name of that count.
const areasRevision = "areas"

func revise(tx *store.Tx) error {
	r := tx.Model(&revision{}).Where("name = ?", areasRevision).Update("n", gorm.Expr("n + 1"))
	if r.Error == nil && r.RowsAffected == 0 {
		r = tx.Create(&revision{areasRevision, 1})
	}
	if r.Error != nil {
		return fmt.Errorf("count the change of the areas: %w", r.Error)
	}
	return nil
}

// RevisionOf returns how often the tree of places or the population was changed,
// as r sees it.
func RevisionOf(r *gorm.DB) (int64, error) {
	var out []revision
	err := r.Where("name = ?", areasRevision).Find(&out).Error
	if err != nil || len(out) == 0 {
		return 0, err
	}
	return out[0].N, nil
}
