package fieldwork

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/wave"
)

// Pack is all that a phone needs without signal.
type Pack struct {
	Waves          []PackWave
	Questionnaires map[string]*questionnaire.Definition
	Homes          []PackHome
}

// PackWave is a wave with the rules of its visits.
type PackWave struct {
	Wave  wave.Wave
	Rules Rules
}

// PackHome is a household that the worker visits, or may visit when its turn comes.
type PackHome struct {
	ID, Wave, Area       string
	AreaName             survey.Text
	PSU                  string
	Position             int
	Reserve              bool
	Building, Unit, Room string
	Adults               *int // as the frame says
	Picks                string
	Rules                *Rules // of its plan, where they are not those of the wave in the pack
	Records              []PackRecord
}

// PackRecord is an accepted record of whoever made it.
type PackRecord struct {
	Visit
	Mine bool
}

// Pack returns what the worker needs: the waves that are not over in which they
// have households, these, the reserve of their PSUs that nobody else was given, and
// what came of all visits there. The number of queries does not grow with the
// number of households.
func (s *Service) Pack(ctx context.Context, worker survey.Actor) (Pack, error) {
	if !worker.Can(survey.Interview) {
		return Pack{}, survey.ErrDenied
	}
	out := Pack{Questionnaires: map[string]*questionnaire.Definition{}}
	now := s.clock()
	var homes []drawn
	visits := map[string][]Record{}
	names := map[string]survey.Text{}
	var waves []wave.Wave
	err := s.db.Snapshot(ctx, func(r *gorm.DB) error {
		own, err := unitsOf(r, worker.Account)
		if err != nil {
			return err
		}
		var ids []string
		for _, d := range own {
			ids = append(ids, d.unit.WaveID)
		}
		slices.Sort(ids)
		if waves, err = wavesBy(r, slices.Compact(ids)); err != nil {
			return err
		}
		waves = slices.DeleteFunc(waves, func(w wave.Wave) bool { return w.Over(now) })
		for _, w := range waves {
			mine := slices.DeleteFunc(slices.Clone(own), func(d drawn) bool { return d.unit.WaveID != w.ID })
			reserve, err := reserveOf(r, w.ID, mine)
			if err != nil {
				return err
			}
			mine = append(mine, reserve...)
			units := make([]string, len(mine))
			for i, d := range mine {
				units[i] = d.unit.ID
			}
			found, err := acceptedOf(r, w.ID, units)
			if err != nil {
				return err
			}
			for id, list := range found {
				visits[id] = list
			}
			homes = append(homes, mine...)
		}
		names, err = namesOf(r, homes)
		return err
	})
	if err != nil {
		return Pack{}, err
	}
	plans := map[string]string{} // by wave
	for _, d := range homes {
		if d.home != nil && plans[d.unit.WaveID] == "" {
			plans[d.unit.WaveID] = d.home.PlanID
		}
	}
	usual := map[string]Rules{} // by wave
	for _, w := range waves {
		rules, err := s.rulesOf(s.db.Read(ctx), plans[w.ID])
		if err != nil {
			return Pack{}, err
		}
		usual[w.ID] = rules
		out.Waves = append(out.Waves, PackWave{w, rules})
		if out.Questionnaires[w.QuestionnaireID], err = s.deps.Questionnaires.ByID(ctx, w.QuestionnaireID); err != nil {
			return Pack{}, err
		}
	}
	at := map[string]int{} // last position of units that came from elsewhere, by wave and PSU
	for _, d := range homes {
		h := packHome(d, names[d.unit.AreaCode])
		if d.home == nil {
			at[h.Wave+h.PSU]++
			h.Position = at[h.Wave+h.PSU]
		} else if d.home.PlanID != plans[h.Wave] {
			rules, err := s.rulesOf(s.db.Read(ctx), d.home.PlanID)
			if err != nil {
				return Pack{}, err
			}
			if rules != usual[h.Wave] {
				h.Rules = &rules
			}
		}
		for i, v := range visitsOf(visits[h.ID]) {
			h.Records = append(h.Records, PackRecord{v, visits[h.ID][i].AccountID == worker.Account})
		}
		out.Homes = append(out.Homes, h)
	}
	slices.SortStableFunc(out.Homes, func(a, b PackHome) int {
		return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Area, b.Area), cmp.Compare(a.PSU, b.PSU), cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func packHome(d drawn, name survey.Text) PackHome {
	h := PackHome{ID: d.unit.ID, Wave: d.unit.WaveID, Area: d.unit.AreaCode, AreaName: name, PSU: d.unit.PSU, Picks: picksOf(d)}
	if d.home == nil {
		h.Building, h.Room = d.unit.PSU, d.unit.Household
		return h
	}
	h.Position, h.Reserve, h.Building, h.Unit, h.Room, h.Adults = d.home.Position, d.home.Reserve, d.home.Building, d.home.Unit, d.home.Room, d.home.FrameAdults
	return h
}

// unitsOf returns the households that an account was given.
func unitsOf(r *gorm.DB, account string) ([]drawn, error) {
	var units []sample.Unit
	err := r.Table("sample_units").Select("sample_units.*").Joins("JOIN assignments ON assignments.unit_id = sample_units.id").
		Where("assignments.account_id = ?", account).Order("sample_units.id").Scan(&units).Error
	if err != nil {
		return nil, fmt.Errorf("load households: %w", err)
	}
	return withHomes(r, units)
}

// reserveOf returns the reserve of the PSUs of households, without what somebody
// was given.
func reserveOf(r *gorm.DB, wave string, own []drawn) ([]drawn, error) {
	var psus []string
	for _, d := range own {
		if d.home != nil {
			psus = append(psus, d.home.PSU)
		}
	}
	slices.Sort(psus)
	var units []sample.Unit
	for part := range slices.Chunk(slices.Compact(psus), 500) {
		var some []sample.Unit
		err := r.Table("sample_units").Select("sample_units.*").Joins("JOIN sample_homes ON sample_homes.unit_id = sample_units.id").
			Joins("LEFT JOIN assignments ON assignments.unit_id = sample_units.id").
			Where("sample_homes.wave_id = ? AND sample_homes.psu IN ? AND sample_homes.reserve AND assignments.unit_id IS NULL", wave, part).
			Order("sample_units.id").Scan(&some).Error
		if err != nil {
			return nil, fmt.Errorf("load reserve: %w", err)
		}
		units = append(units, some...)
	}
	return withHomes(r, units)
}

func wavesBy(r *gorm.DB, ids []string) ([]wave.Wave, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var out []wave.Wave
	if err := r.Where("id IN ?", ids).Order("opens_at, id").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("load waves: %w", err)
	}
	return out, nil
}

// namesOf returns the names of the communities of households.
func namesOf(r *gorm.DB, homes []drawn) (map[string]survey.Text, error) {
	var codes []string
	for _, d := range homes {
		codes = append(codes, d.unit.AreaCode)
	}
	slices.Sort(codes)
	out := map[string]survey.Text{}
	for part := range slices.Chunk(slices.Compact(codes), 500) {
		var rows []area.Area
		if err := r.Where("code IN ?", part).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("load places: %w", err)
		}
		for _, x := range rows {
			out[x.Code] = survey.Text{ZH: x.NameZH, EN: x.NameEN}
		}
	}
	return out, nil
}
