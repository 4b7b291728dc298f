// Package privacy keeps the clocks of what is stored about residents: how long each
// class of data stays, erasing it when its time is over, and the proof that it was
// erased.
package privacy

import (
	"context"
	"strconv"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Class is a kind of data with a clock of its own.
type Class string

// The classes of data.
const (
	Devices    Class = "devices"    // keyed hashes of phones' tokens, and the keys
	Sources    Class = "sources"    // networks that answers came from
	Answers    Class = "answers"    // single responses
	Visits     Class = "visits"     // doors of drawn households, who was to visit them, what was noted there
	Frames     Class = "frames"     // addresses that samples are drawn from
	Reports    Class = "reports"    // what residents said of interviews
	Phones     Class = "phones"     // of those who visit, with their keys
	Sessions   Class = "sessions"   // of people who sign in
	Audit      Class = "audit"      // what people did
	Aggregates Class = "aggregates" // tallies and scores
)

// Rule says how long a class may be kept.
type Rule struct {
	Class Class
	Days  int // unless changed; 0: for good
	Min   int
	Max   int
	// Fixed clocks are not changed here.
	Fixed bool
}

// Rules lists the classes in the order in which people read them. Devices, answers
// and visits are counted from the end of their wave, frames from that of the last
// wave that was drawn from them, sources and reports from their arrival, sessions
// from their end, phones from when they were last heard of.
var Rules = []Rule{
	{Class: Devices, Days: 60, Min: 30, Max: 90},
	{Class: Sources, Days: 30, Min: 1, Max: 30},
	{Class: Answers, Days: 730, Min: 730, Max: 3650},
	{Class: Visits, Days: 90, Min: 30, Max: 365},
	{Class: Frames, Days: 365, Min: 90, Max: 1095},
	{Class: Reports, Days: 365, Min: 180, Max: 730},
	{Class: Phones, Days: 180, Min: 90, Max: 365},
	{Class: Sessions, Days: 7, Min: 0, Max: 90},
	{Class: Audit, Days: 180, Min: 180, Fixed: true},
	{Class: Aggregates, Fixed: true},
}

// RuleOf returns the rule of a class.
func RuleOf(c Class) (Rule, bool) {
	for _, r := range Rules {
		if r.Class == c {
			return r, true
		}
	}
	return Rule{}, false
}

// clock is a clock that was changed.
type clock struct {
	Class     string `gorm:"primaryKey"`
	Days      int
	ChangedAt time.Time
}

func (clock) TableName() string { return "privacy_clocks" }

// Forgetter drops the key of a wave from memory.
type Forgetter interface{ Forget(wave string) }

// Service keeps the clocks.
type Service struct {
	db    *store.DB
	now   survey.Clock
	keys  Forgetter
	batch int

	looked sync.Map // when a wave was last looked through, by id
}

// New returns the service on db.
func New(db *store.DB, now survey.Clock, keys Forgetter) *Service {
	return &Service{db: db, now: now, keys: keys, batch: 500}
}

// Days returns how many days each class is kept; 0 is for good.
func (s *Service) Days(ctx context.Context) (map[Class]int, error) { return daysOf(s.db.Read(ctx)) }

func daysOf(r *gorm.DB) (map[Class]int, error) {
	var changed []clock
	if err := r.Find(&changed).Error; err != nil {
		return nil, err
	}
	out := map[Class]int{}
	for _, rule := range Rules {
		out[rule.Class] = rule.Days
	}
	for _, c := range changed {
		if rule, ok := RuleOf(Class(c.Class)); ok && !rule.Fixed {
			out[rule.Class] = min(max(c.Days, rule.Min), rule.Max) // a version with other bounds wins
		}
	}
	var err error
	out[Audit], err = event.Retention(r)
	return out, err
}

// Set changes how many days a class is kept. The clocks are those of the whole
// installation, so it takes somebody who answers for all waves. Returns
// survey.ErrDenied, or survey.ErrInvalid outside the bounds of the class.
func (s *Service) Set(ctx context.Context, actor survey.Actor, class Class, days int) error {
	if !actor.Can(survey.ManagePrivacy) {
		return survey.ErrDenied
	}
	var areas []string
	if err := s.db.Read(ctx).Table("waves").Distinct().Pluck("area_code", &areas).Error; err != nil {
		return err
	}
	for _, a := range areas {
		if !actor.Sees(survey.ManagePrivacy, a) {
			return survey.ErrDenied
		}
	}
	rule, ok := RuleOf(class)
	if !ok || rule.Fixed {
		return survey.ErrInvalid.With(survey.Field{Path: "class", Code: "field_not_listed"})
	}
	if days < rule.Min || days > rule.Max {
		return survey.ErrInvalid.With(survey.Field{Path: "days", Code: "out_of_range", Args: map[string]any{"min": rule.Min, "max": rule.Max}})
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		was, err := daysOf(tx.DB)
		if err != nil || was[class] == days {
			return err
		}
		c := clock{Class: string(class), Days: days, ChangedAt: tx.Now}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&c).Error; err != nil {
			return err
		}
		return event.Append(tx, actor, "privacy.clock_changed", string(class), map[string]string{"from": strconv.Itoa(was[class]), "to": strconv.Itoa(days)})
	})
}
