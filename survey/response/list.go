package response

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/questionnaire"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Arrival says that a response came in, and what became of it: never what was
// answered.
type Arrival struct {
	ID         string
	AreaCode   string
	Collector  string // code
	Channel    string
	Slot       int
	Mode       string
	Via        string
	Lang       string
	Status     string
	Reason     string
	ReceivedAt time.Time
}

// ListFilter narrows a list of arrivals. Zero fields do not.
type ListFilter struct {
	Area   string // and everything below
	Mode   string
	Status string
	Before *Mark // after the last of the page before
	Limit  int   // 0: 50
}

// Mark is a place in a list of arrivals, which goes from the newest to the oldest.
type Mark struct {
	At time.Time
	ID string
}

// Fewest is how many responses a list has at least: a shorter one would tell of
// single persons.
const Fewest = 5

// ErrFew means that the list is withheld because it holds fewer than Fewest.
var ErrFew = &survey.Error{Kind: survey.Conflict, Code: "too_few_to_show"}

// ErrNotFound means that there is no such response, or none that the actor sees.
var ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "response_not_found"}

// List returns the arrivals of a wave in the actor's places, the newest first, and
// whether there are more. Returns survey.ErrDenied to those who see no responses,
// area.ErrNotFound for a place outside theirs, and ErrFew.
func (s *Service) List(ctx context.Context, actor survey.Actor, w wave.Wave, f ListFilter) (list []Arrival, more bool, err error) {
	if !actor.Can(survey.SeeResponses) {
		return nil, false, survey.ErrDenied
	}
	if f.Area != "" && !actor.Sees(survey.SeeResponses, f.Area) {
		return nil, false, area.ErrNotFound
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	tops := actor.Places(survey.SeeResponses)
	if f.Area != "" {
		tops = []string{f.Area}
	}
	places, err := s.places(ctx, w, tops)
	if err != nil {
		return nil, false, err
	}
	list, err = arrivals(s.db.Read(ctx), w, places, f)
	if err != nil {
		return nil, false, err
	}
	if f.Before == nil && len(list) > 0 && len(list) < Fewest {
		return nil, false, ErrFew
	}
	more = len(list) > f.Limit
	list = list[:min(len(list), f.Limit)]
	return list, more, hideFew(s.db.Read(ctx), w, list)
}

// places returns the places to ask for responses of a wave: those below the tops,
// or "" for all when a top holds the whole wave.
func (s *Service) places(ctx context.Context, w wave.Wave, tops []string) ([]string, error) {
	var out []string
	for _, top := range tops {
		if survey.Within(top, w.AreaCode) {
			return []string{""}, nil
		}
		tree, err := s.deps.Areas.Tree(ctx, top)
		if err != nil {
			return nil, err
		}
		for _, x := range tree {
			if survey.Within(w.AreaCode, x.Code) {
				out = append(out, x.Code)
			}
		}
	}
	return out, nil
}

// hideFew leaves of arrivals from places with fewer than Fewest only the
// subdistrict: counted together they would tell how few there are.
func hideFew(r *gorm.DB, w wave.Wave, list []Arrival) error {
	few := map[string]bool{}
	for i := range list {
		x := &list[i]
		is, known := few[x.AreaCode]
		if !known {
			var fifth []string
			err := r.Table("responses").Where("wave_id = ? AND area_code = ?", w.ID, x.AreaCode).Offset(Fewest-1).Limit(1).Pluck("id", &fifth).Error
			if err != nil {
				return fmt.Errorf("list responses: %w", err)
			}
			is = len(fifth) == 0
			few[x.AreaCode] = is
		}
		if is && len(x.AreaCode) == 12 {
			x.AreaCode, x.Collector, x.Channel, x.Slot = x.AreaCode[:9]+"000", "", "", 0
		}
	}
	return nil
}

// Opened is a response with its answers.
type Opened struct {
	Arrival
	Wave          wave.Wave
	Area          area.Area
	Questionnaire *questionnaire.Definition
	Answers       questionnaire.Answers
}

// Read opens a single response. That somebody read it stays in the audit trail.
// Returns survey.ErrDenied to those who may not read answers, and ErrNotFound.
func (s *Service) Read(ctx context.Context, actor survey.Actor, id string) (Opened, error) {
	if !actor.Can(survey.ReadAnswers) {
		return Opened{}, survey.ErrDenied
	}
	r, err := responseByID(s.db.Read(ctx), id)
	if errors.Is(err, errUnknown) || err == nil && !actor.Sees(survey.ReadAnswers, r.AreaCode) {
		return Opened{}, ErrNotFound
	}
	if err != nil {
		return Opened{}, err
	}
	o := Opened{}
	if o.Wave, err = s.deps.Waves.ByID(ctx, r.WaveID); err != nil {
		return Opened{}, err
	}
	if o.Area, err = s.deps.Areas.ByCode(ctx, r.AreaCode); err != nil {
		return Opened{}, err
	}
	if o.Questionnaire, err = s.deps.Questionnaires.ByID(ctx, r.QuestionnaireID); err != nil {
		return Opened{}, err
	}
	var wrong []survey.Field
	if o.Answers, wrong = questionnaire.ParseAnswers([]byte(r.Answers)); len(wrong) > 0 {
		return Opened{}, survey.ErrInvalid.With(wrong...)
	}
	list, err := opened(s.db.Read(ctx), []Mark{{ID: r.ID}})
	if err != nil {
		return Opened{}, err
	}
	if len(list) == 0 { // it was erased in between
		return Opened{}, ErrNotFound
	}
	o.Arrival = list[0]
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		return event.Write(tx, actor, event.Entry{Kind: "response.read", Object: r.ID, Area: r.AreaCode})
	})
	return o, err
}

// arrivals returns the newest that the filter lets through, one more than its
// limit when there are so many. Each place is asked for its newest by the index on
// place and time, so that the work does not grow with the wave; without places to
// ask, the index by time serves at once.
func arrivals(r *gorm.DB, w wave.Wave, places []string, f ListFilter) ([]Arrival, error) {
	newest := func(place string) *gorm.DB {
		q := r.Session(&gorm.Session{NewDB: true}).Table("responses").Select("id, received_at").Where("wave_id = ?", w.ID)
		if place != "" {
			q = q.Where("area_code = ?", place)
		}
		if f.Mode != "" {
			q = q.Where("mode = ?", f.Mode)
		}
		if f.Status != "" {
			q = q.Where("status = ?", f.Status)
		}
		if f.Before != nil {
			q = q.Where("received_at <= ? AND (received_at < ? OR id < ?)", f.Before.At, f.Before.At, f.Before.ID)
		}
		return q.Order("received_at DESC, id DESC").Limit(f.Limit + 1)
	}
	var found []Mark
	for part := range slices.Chunk(places, 100) {
		either := make([]string, len(part))
		args := make([]any, len(part))
		for i, place := range part {
			either[i], args[i] = "SELECT * FROM (?) AS p"+strconv.Itoa(i), newest(place)
		}
		var some []Mark
		err := r.Raw("SELECT id, received_at AS at FROM ("+strings.Join(either, " UNION ALL ")+") AS newest ORDER BY received_at DESC, id DESC LIMIT ?", append(args, f.Limit+1)...).Scan(&some).Error
		if err != nil && !store.NotFound(err) {
			return nil, fmt.Errorf("list responses: %w", err)
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(x, y Mark) int { return cmp.Or(y.At.Compare(x.At), strings.Compare(y.ID, x.ID)) })
	return opened(r, found[:min(len(found), f.Limit+1)])
}

// opened returns the responses in the order of the marks.
func opened(r *gorm.DB, marks []Mark) ([]Arrival, error) {
	ids := make([]string, len(marks))
	for i, m := range marks {
		ids[i] = m.ID
	}
	var rows []Arrival
	err := r.Table("responses").
		Select("responses.id, responses.area_code, collectors.code AS collector, collectors.channel, collectors.slot, responses.mode, responses.via, responses.lang, responses.status, responses.reason, responses.received_at").
		Joins("JOIN collectors ON collectors.id = responses.collector_id").
		Where("responses.id IN ?", ids).Scan(&rows).Error
	if err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("list responses: %w", err)
	}
	slices.SortFunc(rows, func(x, y Arrival) int { return cmp.Or(y.ReceivedAt.Compare(x.ReceivedAt), strings.Compare(y.ID, x.ID)) })
	return rows, nil
}
