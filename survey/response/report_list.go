package response

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// The states of a report.
const (
	ReportNew     = "new"
	ReportSeen    = "seen"
	ReportHandled = "handled"
)

// ReportStates lists them in their order.
var ReportStates = []string{ReportNew, ReportSeen, ReportHandled}

// State returns how far the office is with a report.
func (r Report) State() string {
	switch {
	case r.HandledAt != nil:
		return ReportHandled
	case r.SeenAt != nil:
		return ReportSeen
	}
	return ReportNew
}

// Group returns the group of the report's kind.
func (r Report) Group() string {
	for _, k := range ReportKinds {
		if k.Code == r.Kind {
			return k.Group
		}
	}
	return ""
}

// ReportFilter narrows a list of reports. Zero fields do not.
type ReportFilter struct {
	Area   string // and everything below
	Group  string
	State  string
	Before *Mark
	Limit  int // 0: 50
}

// ReportCount is how many interviews a community gave and what residents said of
// them.
type ReportCount struct {
	AreaCode                       string
	Interviews                     int64
	Confirmed, Disputed, Pressured int64
}

// LongestWord bounds what the office writes of a report, in characters.
const LongestWord = 200

// ErrReportNotFound means that there is no such report, or none that the actor sees.
var ErrReportNotFound = &survey.Error{Kind: survey.NotFound, Code: "report_not_found"}

// Reports returns what residents said of interviews of a wave in the actor's places,
// the newest first, and whether there are more. Of a community with fewer than Fewest
// interviews it names the subdistrict only: the household would be too easy to guess.
//
// Returns survey.ErrDenied, area.ErrNotFound for a place outside the actor's, and
// survey.ErrInvalid.
func (s *Service) Reports(ctx context.Context, actor survey.Actor, w wave.Wave, f ReportFilter) (list []Report, more bool, err error) {
	tops, err := reportTops(actor, f.Area)
	if err != nil {
		return nil, false, err
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	q := s.db.Read(ctx).Where("wave_id = ?", w.ID).Scopes(store.Within("area_code", tops))
	if f.Group != "" {
		kinds := kindsOf(f.Group)
		if len(kinds) == 0 {
			return nil, false, survey.ErrInvalid.With(survey.Field{Path: "kind", Code: "field_not_listed"})
		}
		q = q.Where("kind IN ?", kinds)
	}
	switch f.State {
	case "":
	case ReportNew:
		q = q.Where("seen_at IS NULL AND handled_at IS NULL")
	case ReportSeen:
		q = q.Where("seen_at IS NOT NULL AND handled_at IS NULL")
	case ReportHandled:
		q = q.Where("handled_at IS NOT NULL")
	default:
		return nil, false, survey.ErrInvalid.With(survey.Field{Path: "state", Code: "field_not_listed"})
	}
	if f.Before != nil {
		q = q.Where("at <= ? AND (at < ? OR id < ?)", f.Before.At, f.Before.At, f.Before.ID)
	}
	if err := q.Order("at DESC, id DESC").Limit(f.Limit + 1).Find(&list).Error; err != nil {
		return nil, false, fmt.Errorf("list reports: %w", err)
	}
	more = len(list) > f.Limit
	list = list[:min(len(list), f.Limit)]
	enough, err := interviews(s.db.Read(ctx), w, tops)
	if err != nil {
		return nil, false, err
	}
	for i, x := range list {
		if enough[x.AreaCode] < Fewest && len(survey.Prefix(x.AreaCode)) == 12 {
			list[i].AreaCode = x.AreaCode[:9] + "000"
		}
	}
	return list, more, nil
}

// ReportCounts returns the communities with at least Fewest interviews below a place,
// the actor's places when it is "", with what was reported of them, in the order of
// their codes.
func (s *Service) ReportCounts(ctx context.Context, actor survey.Actor, w wave.Wave, place string) ([]ReportCount, error) {
	tops, err := reportTops(actor, place)
	if err != nil {
		return nil, err
	}
	enough, err := interviews(s.db.Read(ctx), w, tops)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		AreaCode, Kind string
		N              int64
	}
	err = s.db.Read(ctx).Model(&Report{}).Select("area_code, kind, COUNT(*) AS n").Where("wave_id = ?", w.ID).
		Scopes(store.Within("area_code", tops)).Group("area_code, kind").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	by := map[string]*ReportCount{}
	var out []ReportCount
	for code, n := range enough {
		if n >= Fewest {
			by[code] = &ReportCount{AreaCode: code, Interviews: n}
		}
	}
	for _, r := range rows {
		c := by[r.AreaCode]
		if c == nil {
			continue
		}
		switch (Report{Kind: r.Kind}).Group() {
		case Confirmed:
			c.Confirmed += r.N
		case Disputed:
			c.Disputed += r.N
		case Pressure:
			c.Pressured += r.N
		}
	}
	for _, c := range by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b ReportCount) int { return strings.Compare(a.AreaCode, b.AreaCode) })
	return out, nil
}

// HandleReport notes that the office has seen a report, or what came of it: then it
// takes a word. Returns survey.ErrDenied, ErrReportNotFound and survey.ErrInvalid.
func (s *Service) HandleReport(ctx context.Context, actor survey.Actor, id, state, word string) error {
	if !actor.Can(survey.ReadReports) {
		return survey.ErrDenied
	}
	var r Report
	err := s.db.Read(ctx).Scopes(store.Within("area_code", actor.Places(survey.ReadReports))).Where("id = ?", id).Take(&r).Error
	if store.NotFound(err) {
		return ErrReportNotFound
	}
	if err != nil {
		return err
	}
	word = strings.TrimSpace(word)
	var wrong []survey.Field
	if state != ReportSeen && state != ReportHandled {
		wrong = append(wrong, survey.Field{Path: "state", Code: "field_not_listed"})
	}
	if state == ReportHandled && word == "" {
		wrong = append(wrong, survey.Field{Path: "word", Code: "field_missing"})
	}
	if utf8.RuneCountInString(word) > LongestWord || !utf8.ValidString(word) {
		wrong = append(wrong, survey.Field{Path: "word", Code: "too_long", Args: map[string]any{"max": LongestWord}})
	}
	if len(wrong) > 0 {
		return survey.ErrInvalid.With(wrong...)
	}
	w, err := s.deps.Waves.ByID(ctx, r.WaveID)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		var now Report
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", id).Take(&now).Error
		if store.NotFound(err) {
			return ErrReportNotFound // its time was over meanwhile
		}
		if err != nil {
			return err
		}
		change := map[string]any{}
		if now.SeenAt == nil {
			change["seen_at"], change["seen_by"] = tx.Now, actor.Account
		}
		if state == ReportHandled {
			change["handled_at"], change["handled_by"], change["word"] = tx.Now, actor.Account, strings.ReplaceAll(word, "\x00", "")
		}
		if len(change) == 0 {
			return nil
		}
		if err := tx.Model(&Report{}).Where("id = ?", id).Updates(change).Error; err != nil {
			return err
		}
		kind := "report.seen"
		if state == ReportHandled {
			kind = "report.handled"
		}
		return event.Write(tx, actor, event.Entry{Kind: kind, Object: id, Area: w.AreaCode, Payload: map[string]string{"wave": w.ID}})
	})
}

// reportTops returns the places whose reports are asked for.
func reportTops(actor survey.Actor, place string) ([]string, error) {
	if !actor.Can(survey.ReadReports) {
		return nil, survey.ErrDenied
	}
	if place == "" {
		return actor.Places(survey.ReadReports), nil
	}
	if !actor.Sees(survey.ReadReports, place) {
		return nil, area.ErrNotFound
	}
	return []string{place}, nil
}

// interviews returns how many visits of a wave each place below the tops answered.
func interviews(r *gorm.DB, w wave.Wave, tops []string) (map[string]int64, error) {
	var rows []struct {
		AreaCode string
		N        int64
	}
	err := r.Model(&Response{}).Select("area_code, COUNT(*) AS n").Where("wave_id = ? AND mode = ?", w.ID, collector.Visited).
		Scopes(store.Within("area_code", tops)).Group("area_code").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count interviews: %w", err)
	}
	out := make(map[string]int64, len(rows))
	for _, x := range rows {
		out[x.AreaCode] = x.N
	}
	return out, nil
}

func kindsOf(group string) (out []string) {
	for _, k := range ReportKinds {
		if k.Group == group {
			out = append(out, k.Code)
		}
	}
	return out
}

// MarkOf returns the place of a report in its list.
func (r Report) MarkOf() Mark { return Mark{At: r.At.In(time.UTC), ID: r.ID} }
