package privacy

import (
	"context"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// State is what the privacy centre shows of a class.
type State struct {
	Rule
	Days  int        // now
	Rows  *int64     // nil: not for this reader, or few
	Few   bool       // of answers, their traces or reports, there are 1 to 4 in the reader's places
	Next  *time.Time // when the next of it is due; nil: nothing is, or for good
	Last  *Erasure   // the last erasure, with its proof
	Total int64      // items erased so far
}

// Overview is the privacy centre.
type Overview struct {
	States    []State
	MayChange bool
	Deletions *Deletions // nil: not for this reader
}

// Deletions are the requests of residents.
type Deletions struct {
	All    int64
	Recent int64 // of the last 30 days
	Last   *time.Time
	Masked int64 // items taken out of open texts before they were stored
	Repeat int64 // responses that share a phone with another
}

// Overview returns the privacy centre as far as the actor may see it: rows of their
// places to those who answer for privacy, the clocks alone to the security
// administrator. Returns survey.ErrDenied to others.
func (s *Service) Overview(ctx context.Context, actor survey.Actor) (Overview, error) {
	counts := actor.Can(survey.ManagePrivacy)
	if !counts && !actor.Can(survey.ManageSecurity) {
		return Overview{}, survey.ErrDenied
	}
	r := s.db.Read(ctx)
	days, err := daysOf(r)
	if err != nil {
		return Overview{}, err
	}
	var out Overview
	var waves, mine []wave.Wave
	if err := r.Find(&waves).Error; err != nil {
		return Overview{}, err
	}
	for _, w := range waves {
		if actor.Sees(survey.ManagePrivacy, w.AreaCode) {
			mine = append(mine, w)
		}
	}
	out.MayChange = counts && len(mine) == len(waves)
	for _, rule := range Rules {
		st := State{Rule: rule, Days: days[rule.Class]}
		if counts {
			if err := s.count(r, actor, mine, &st); err != nil {
				return Overview{}, err
			}
		}
		if err := lastOf(r, &st, mine, counts); err != nil {
			return Overview{}, err
		}
		out.States = append(out.States, st)
	}
	if counts {
		d, err := s.deletions(r, actor, mine)
		if err != nil {
			return Overview{}, err
		}
		out.Deletions = &d
	}
	return out, nil
}

// count fills in how much of a class is kept and when the next of it is due.
func (s *Service) count(r *gorm.DB, actor survey.Actor, mine []wave.Wave, st *State) error {
	var n int64
	places := store.Within("responses.area_code", actor.Places(survey.ManagePrivacy))
	traces := func() *gorm.DB {
		return r.Table("response_traces").Joins("JOIN responses ON responses.id = response_traces.response_id").Scopes(places)
	}
	var err error
	switch st.Class {
	case Devices:
		err = traces().Where("device_hash <> ''").Count(&n).Error
		st.Next = s.due(mine, st.Days)
	case Sources:
		q := traces().Where("source_net <> ''")
		if err = q.Count(&n).Error; err == nil && n > 0 {
			var first []response.Trace
			err = traces().Where("source_net <> ''").Select("response_traces.received_at").Order("response_traces.received_at").Limit(1).Scan(&first).Error
			if err == nil && len(first) > 0 {
				t := first[0].ReceivedAt.AddDate(0, 0, st.Days)
				st.Next = &t
			}
		}
	case Answers:
		err = r.Table("responses").Scopes(places).Count(&n).Error
		st.Next = s.due(mine, st.Days)
	case Visits:
		err = r.Model(&sample.Home{}).Scopes(store.Within("area_code", actor.Places(survey.ManagePrivacy)), withAddress).Count(&n).Error
		st.Next = s.due(mine, st.Days)
	case Frames:
		err = r.Model(&sample.FrameHome{}).Scopes(store.Within("area_code", actor.Places(survey.ManagePrivacy))).Count(&n).Error
	case Reports:
		err = r.Model(&response.Report{}).Scopes(store.Within("area_code", actor.Places(survey.ManagePrivacy))).Count(&n).Error
	case Phones:
		err = r.Model(&fieldwork.Phone{}).Count(&n).Error
	case Sessions:
		err = r.Table("sessions").Count(&n).Error
	case Audit:
		err = r.Table("events").Count(&n).Error
	case Aggregates:
		err = r.Table("tallies").Scopes(store.Within("area_code", actor.Places(survey.ManagePrivacy))).Count(&n).Error
	}
	if n == 0 {
		st.Next = nil
	}
	if st.Class == Devices || st.Class == Sources || st.Class == Answers || st.Class == Reports {
		st.Few = n > 0 && n < response.Fewest
	}
	if !st.Few {
		st.Rows = &n
	}
	return err
}

// due returns when the first of the waves whose time is not over reaches it.
func (s *Service) due(waves []wave.Wave, days int) *time.Time {
	var next *time.Time
	for _, w := range waves {
		t := endOf(w).AddDate(0, 0, days)
		if t.After(s.now()) && (next == nil || t.Before(*next)) {
			next = &t
		}
	}
	return next
}

// lastOf fills in what was erased of a class. Whoever answers for the privacy of some
// waves sees the proofs of these, and those that are of no wave.
func lastOf(r *gorm.DB, st *State, mine []wave.Wave, narrow bool) error {
	of := func() *gorm.DB {
		q := r.Model(&Erasure{}).Where("class = ?", string(st.Class))
		if narrow {
			q = q.Where("wave_id IN ?", append(idsOf(mine), ""))
		}
		return q
	}
	var last []Erasure
	if err := of().Order("at DESC, id DESC").Limit(1).Find(&last).Error; err != nil {
		return err
	}
	if len(last) > 0 {
		st.Last = &last[0]
	}
	return of().Select("COALESCE(SUM(items), 0)").Scan(&st.Total).Error
}

func idsOf(waves []wave.Wave) []string {
	out := make([]string, len(waves))
	for i, w := range waves {
		out[i] = w.ID
	}
	return out
}

func (s *Service) deletions(r *gorm.DB, actor survey.Actor, mine []wave.Wave) (d Deletions, err error) {
	stones := func() *gorm.DB { return r.Model(&response.Tombstone{}).Where("wave_id IN ?", idsOf(mine)) }
	if err = stones().Count(&d.All).Error; err != nil {
		return d, err
	}
	if err = stones().Where("erased_at > ?", s.now().AddDate(0, 0, -30)).Count(&d.Recent).Error; err != nil {
		return d, err
	}
	var last []response.Tombstone
	if err = stones().Order("erased_at DESC").Limit(1).Find(&last).Error; err != nil {
		return d, err
	}
	if len(last) > 0 {
		d.Last = &last[0].ErasedAt
	}
	places := store.Within("responses.area_code", actor.Places(survey.ManagePrivacy))
	if err = r.Table("responses").Scopes(places).Select("COALESCE(SUM(masked), 0)").Scan(&d.Masked).Error; err != nil {
		return d, err
	}
	err = r.Table("response_traces").Joins("JOIN responses ON responses.id = response_traces.response_id").Scopes(places).
		Where("response_traces.reason = ?", response.DeviceRepeat).Count(&d.Repeat).Error
	return d, err
}
