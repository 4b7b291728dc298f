package fieldwork

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Deps are the services that field work needs.
type Deps struct {
	Questionnaires *questionnaire.Service
	Waves          *wave.Service
	Responses      *response.Service
	Older          [][]byte // secrets that were in use before: phones may still seal to their keys
}

// Service gives households to workers and takes the records of their visits in.
type Service struct {
	db    *store.DB
	clock survey.Clock
	deps  Deps
	keys  []keys // the newest first

	mu    sync.Mutex
	rules map[string]Rules // by plan; a plan that was drawn does not change
}

// New returns the service on db. Its keys are derived from secret.
func New(db *store.DB, clock survey.Clock, secret []byte, deps Deps) (*Service, error) {
	s := &Service{db: db, clock: clock, deps: deps, rules: map[string]Rules{}}
	for _, each := range slices.Concat([][]byte{secret}, deps.Older) {
		k, err := newKeys(each)
		if err != nil {
			return nil, fmt.Errorf("keys of field work: %w", err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// SealKey returns the public key to which answers are sealed.
func (s *Service) SealKey() string { return s.keys[0].sealKey() }

// SignKeys returns the public keys of genuine receipts, the newest first.
func (s *Service) SignKeys() ([]string, error) {
	out := make([]string, len(s.keys))
	for i, k := range s.keys {
		var err error
		if out[i], err = k.signKey(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rulesOf returns what a plan says of visits, under "rules" in its spec. What it
// leaves open is as usual.
func (s *Service) rulesOf(r *gorm.DB, plan string) (Rules, error) {
	if plan == "" {
		return UsualRules, nil
	}
	s.mu.Lock()
	rules, ok := s.rules[plan]
	s.mu.Unlock()
	if ok {
		return rules, nil
	}
	var specs []string
	if err := r.Table("sample_plans").Where("id = ?", plan).Pluck("spec", &specs).Error; err != nil {
		return Rules{}, fmt.Errorf("load plan: %w", err)
	}
	rules = UsualRules
	if len(specs) > 0 {
		rules = ReadRules([]byte(specs[0]))
		s.mu.Lock()
		s.rules[plan] = rules
		s.mu.Unlock()
	}
	return rules, nil
}

// ReadRules returns the rules of a plan's spec. What it leaves open, or says in a
// way that means nothing, is as usual.
func ReadRules(spec []byte) Rules {
	var read struct{ Rules Rules }
	if json.Unmarshal(spec, &read) != nil {
		return UsualRules
	}
	out := read.Rules
	if out.Visits < 1 || out.Visits > 20 {
		out.Visits = UsualRules.Visits
	}
	if !slices.Contains([]string{ReplaceNever, ReplaceNotEligible, ReplaceClosed}, out.Replace) {
		out.Replace = UsualRules.Replace
	}
	if out.Select != SelectKish && out.Select != SelectBirthday {
		out.Select = UsualRules.Select
	}
	return out
}

// RulesOf returns the rules of the household's plan.
func (s *Service) RulesOf(ctx context.Context, plan string) (Rules, error) {
	return s.rulesOf(s.db.Read(ctx), plan)
}
