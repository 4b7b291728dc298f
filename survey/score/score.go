// Package score turns the tallies of a wave into weighted estimates for every
// place, and keeps them as runs: a run is computed as a whole, never changed, and
// names the inputs, the recipe and the code that made it.
package score

import (
	"time"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/wave"
	"chengyin/survey/weight"
)

// Combined is the mode of an estimate from visits and scans together.
const Combined = "combined"

// Modes lists the modes of an estimate, the headline first.
var Modes = []string{Combined, collector.Visited, collector.Scanned}

// Run is one computation of all scores of a wave.
type Run struct {
	ID            string `gorm:"primaryKey"`
	WaveID        string
	AsOf          time.Time
	Stamp         string // of the tallies, places and population that were read
	InputHash     string // SHA-256 over tallies, factors of PSUs, places, population and recipe
	RecipeCode    string
	RecipeVersion int
	CodeVersion   string
	Weighting     string // JSON of []Weighting
	IsCurrent     bool
	PublishedAt   *time.Time
}

// TableName is score_runs.
func (Run) TableName() string { return "score_runs" }

// Weighting tells how the answers of a mode were weighted.
type Weighting struct {
	Mode      string   `json:"mode"`
	N         int      `json:"n"`
	Total     float64  `json:"total"` // population the weights add up to
	KishDeff  float64  `json:"kish_deff"`
	KishNEff  float64  `json:"kish_n_eff"`
	MinG      float64  `json:"min_g"`
	MedianG   float64  `json:"median_g"`
	MaxG      float64  `json:"max_g"`
	Sweeps    int      `json:"sweeps"`
	Worst     float64  `json:"worst"`     // largest |margin/target - 1|
	Collapsed []string `json:"collapsed"` // categories that were joined because too few answered
	Problem   string   `json:"problem,omitempty"`

	Field *weight.Report `json:"field,omitempty"` // of visits: how those interviewed stand for the others
}

// Score is one estimate. Numbers are on 0..100; nil where there is none.
type Score struct {
	RunID     string `gorm:"primaryKey"`
	AreaCode  string `gorm:"primaryKey"`
	Indicator string `gorm:"primaryKey"`
	Mode      string `gorm:"primaryKey"`
	Level     area.Level
	N         int
	NEff      *float64 `gorm:"column:n_eff"`
	Estimate  *float64
	SE        *float64 `gorm:"column:se"`
	Low       *float64
	High      *float64
	Deff      *float64
	DF        *float64 `gorm:"column:df"`
	DKShare   *float64 `gorm:"column:dk_share"`
	Method    string
	Reason    string // why it is suppressed; "" when it is not
	Flags     string // blank-separated: see the constants

	Area area.Area `gorm:"-"`
}

// Suppressed reports whether the estimate is withheld.
func (s Score) Suppressed() bool { return s.Reason != "" }

// Why an estimate is withheld.
const (
	TooFew     = "too_few"     // fewer answers than the recipe's minimum
	NoAnswers  = "no_answers"  // none at all
	NotWeighed = "not_weighed" // the weighting failed; the run says why
)

// Flags that a reader should see beside an estimate.
const (
	SmallSample = "small_sample" // n below 30
	Wide        = "wide"         // interval wider than 30 points
	Borrowed    = "borrowed"     // few PSUs: the variance leans on the whole wave's design effect
	ModelBased  = "model_based"  // scans only: holds if taking part depends on community, age and sex alone
)

// Board is what a page of scores needs.
type Board struct {
	Run    Run
	Wave   wave.Wave
	Recipe *indicator.Recipe
	Scores []Score
}

// Query says which scores are wanted. Empty fields do not narrow; Parent is the
// code of a place, whose descendants of the level are returned.
type Query struct {
	Wave      string
	Level     area.Level
	Parent    string
	Area      string // exactly this place
	Mode      string
	Indicator string
}

// Errors of this package.
var (
	// ErrNoRun means that the wave has no scores yet.
	ErrNoRun = &survey.Error{Kind: survey.NotFound, Code: "scores_not_ready"}
)
