// Package wave keeps the waves: one version of a questionnaire, in the field for
// a place between two days, scored by one recipe.
package wave

import (
	"time"

	"chengyin/survey"
)

// Wave is one round of a survey. Questionnaire and recipe never change once the
// wave exists.
type Wave struct {
	ID              string `gorm:"primaryKey"`
	Code            string
	NameZH          string `gorm:"column:name_zh"`
	NameEN          string `gorm:"column:name_en"`
	AreaCode        string
	QuestionnaireID string
	RecipeID        string
	OpensAt         time.Time
	ClosesAt        time.Time
	ClosedAt        *time.Time // closed by hand before its time
	OwnerZH         string     `gorm:"column:owner_zh"`
	OwnerEN         string     `gorm:"column:owner_en"`
	Contact         string
	CreatedAt       time.Time
}

// Name returns the wave's name in both languages.
func (w Wave) Name() survey.Text { return survey.Text{ZH: w.NameZH, EN: w.NameEN} }

// Owner returns who asks, in both languages.
func (w Wave) Owner() survey.Text { return survey.Text{ZH: w.OwnerZH, EN: w.OwnerEN} }

// Started reports whether the wave has opened by now.
func (w Wave) Started(now time.Time) bool { return !now.Before(w.OpensAt) }

// Over reports whether the wave has ended by now.
func (w Wave) Over(now time.Time) bool {
	return !now.Before(w.ClosesAt) || (w.ClosedAt != nil && !now.Before(*w.ClosedAt))
}

// Open reports whether answers are counted now.
func (w Wave) Open(now time.Time) bool { return w.Started(now) && !w.Over(now) }
