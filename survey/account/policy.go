package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Policy holds the rules of signing in. They are data: the security administrator
// sets them, within limits that no office may loosen further.
type Policy struct {
	PasswordLength  int  `json:"password_length"`     // characters
	PasswordClasses int  `json:"password_classes"`    // of small letters, capitals, digits and others
	PasswordHistory int  `json:"password_history"`    // past passwords that must not come back
	PasswordDays    int  `json:"password_days"`       // after which a password must be changed; 0: never
	IdleMinutes     int  `json:"idle_minutes"`        // without use, after which a session ends
	AbsoluteHours   int  `json:"absolute_hours"`      // after which a session ends however much it is used
	Failures        int  `json:"failures"`            // in a row that lock
	LockMinutes     int  `json:"lock_minutes"`        // for which they lock
	Sessions        int  `json:"sessions"`            // of one person at the same time; the oldest give way
	AdminsNeedCode  bool `json:"admins_need_code"`    // the three administrators need a second factor
	OthersNeedCode  bool `json:"everyone_needs_code"` // everybody else too
}

// DefaultPolicy is what an installation begins with: what 等保 2.0 level 3 asks for.
var DefaultPolicy = Policy{
	PasswordLength: 8, PasswordClasses: 3, PasswordHistory: 3, PasswordDays: 90,
	IdleMinutes: 30, AbsoluteHours: 12, Failures: 5, LockMinutes: 10, Sessions: 20, AdminsNeedCode: true,
}

// Limit is the range of one rule of a Policy.
type Limit struct {
	Name     string
	Min, Max int
}

// Limits are the ranges of the rules that are numbers, in the order in which
// people read them.
var Limits = []Limit{
	{"password_length", 8, 64}, {"password_classes", 1, 4}, {"password_history", 0, 24}, {"password_days", 0, 730},
	{"idle_minutes", 10, 30}, {"absolute_hours", 1, 24}, {"failures", 3, 10}, {"lock_minutes", 10, 1440}, {"sessions", 1, 1000},
}

// Number returns the rule with that name, nil when there is none.
func (p *Policy) Number(name string) *int {
	switch name {
	case "password_length":
		return &p.PasswordLength
	case "password_classes":
		return &p.PasswordClasses
	case "password_history":
		return &p.PasswordHistory
	case "password_days":
		return &p.PasswordDays
	case "idle_minutes":
		return &p.IdleMinutes
	case "absolute_hours":
		return &p.AbsoluteHours
	case "failures":
		return &p.Failures
	case "lock_minutes":
		return &p.LockMinutes
	case "sessions":
		return &p.Sessions
	}
	return nil
}

// check returns survey.ErrInvalid that names every rule outside of its limits.
func (p Policy) check() error {
	var wrong []survey.Field
	for _, l := range Limits {
		if n := *p.Number(l.Name); n < l.Min || n > l.Max {
			wrong = append(wrong, survey.Field{Path: l.Name, Code: "field_not_between", Args: map[string]any{"min": l.Min, "max": l.Max}})
		}
	}
	if len(wrong) > 0 {
		return survey.ErrInvalid.With(wrong...)
	}
	return nil
}

func (p Policy) idle() time.Duration     { return time.Duration(p.IdleMinutes) * time.Minute }
func (p Policy) absolute() time.Duration { return time.Duration(p.AbsoluteHours) * time.Hour }
func (p Policy) lock() time.Duration     { return time.Duration(p.LockMinutes) * time.Minute }

// needsCode reports whether a person with these grants needs a second factor.
func (p Policy) needsCode(grants []survey.Grant) bool {
	if p.OthersNeedCode {
		return true
	}
	for _, g := range grants {
		for _, may := range g.Permissions {
			if p.AdminsNeedCode && may.Duty() != "" {
				return true
			}
		}
	}
	return false
}

// setting is a row of the table of settings.
type setting struct {
	Name      string `gorm:"primaryKey"`
	Value     string // JSON
	ChangedBy string
	ChangedAt time.Time
}

const securitySetting = "security"

// fresh is for how long a policy that was read counts without being read again:
// another server may have changed it.
const fresh = 2 * time.Second

// read is a policy and when it was read.
type read struct {
	Policy
	at time.Time
}

// Policy returns the rules that count now.
func (s *Service) Policy(ctx context.Context) (Policy, error) {
	if r := s.policy.Load(); r != nil && time.Since(r.at) < fresh {
		return r.Policy, nil
	}
	p, err := loadPolicy(s.db.Read(ctx))
	if err == nil {
		s.policy.Store(&read{p, time.Now()})
	}
	return p, err
}

func loadPolicy(r *gorm.DB) (Policy, error) {
	p := DefaultPolicy
	var row setting
	err := r.Where("name = ?", securitySetting).Take(&row).Error
	if store.NotFound(err) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(row.Value), &p)
	}
	if err != nil {
		return p, fmt.Errorf("load the rules of signing in: %w", err)
	}
	return p, nil
}

// SetPolicy changes the rules, which takes a security administrator of all places.
// Returns survey.ErrInvalid that names what is out of
// its limits. The event tells what was and what is.
func (s *Service) SetPolicy(ctx context.Context, actor survey.Actor, p Policy) error {
	if !actor.Sees(survey.ManageSecurity, survey.Everywhere) {
		return survey.ErrDenied // the rules are the whole installation's
	}
	if err := p.check(); err != nil {
		return err
	}
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		before, err := loadPolicy(tx.DB)
		if err != nil || before == p {
			return err
		}
		row := setting{Name: securitySetting, Value: string(value), ChangedBy: actor.Login, ChangedAt: tx.Now}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("save the rules of signing in: %w", err)
		}
		return event.Append(tx, actor, "account.policy_changed", securitySetting, map[string]Policy{"before": before, "after": p})
	})
	s.policy.Store(nil)
	return err
}
