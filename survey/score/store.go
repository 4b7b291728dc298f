package score

import (
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey/area"
	"chengyin/survey/store"
	"chengyin/survey/tally"
	"chengyin/survey/wave"
	"chengyin/survey/weight"
)

// kept is how many runs of a wave stay, besides those that were published, for
// readers that are in the middle of one.
const kept = 3

// stamp returns a text that changes whenever anything changes that scores follow
// from. It costs a sum over the cells.
func stamp(r *gorm.DB, w wave.Wave, now time.Time) (string, error) {
	moves, err := tally.Moves(r, w.ID)
	if err != nil {
		return "", fmt.Errorf("stamp of wave %s: %w", w.Code, err)
	}
	revision, err := area.RevisionOf(r)
	if err != nil {
		return "", fmt.Errorf("stamp of wave %s: %w", w.Code, err)
	}
	field, err := weight.Stamp(r, w.ID)
	if err != nil {
		return "", err
	}
	if w.Over(now) {
		field += ", ended"
	}
	return fmt.Sprintf("%d moves, areas %d, %s", moves, revision, field), nil
}

func currentRun(r *gorm.DB, waveID string) (Run, error) {
	var out Run
	err := r.Where("wave_id = ? AND is_current", waveID).Order("as_of DESC").Take(&out).Error
	if store.NotFound(err) {
		return out, ErrNoRun
	}
	return out, err
}

// saveRun stores a run with its scores and makes it the current one; saved is
// false when a run of later inputs, which another process made, is current
// already. Runs that nobody can need are removed.
func saveRun(tx *store.Tx, run Run, scores []Score) (saved bool, err error) {
	current, err := currentRun(tx.DB, run.WaveID)
	if err == nil && current.AsOf.After(run.AsOf) {
		return false, nil
	}
	if err != nil && !isNoRun(err) {
		return false, err
	}
	if err := tx.Model(&Run{}).Where("wave_id = ? AND is_current", run.WaveID).Update("is_current", false).Error; err != nil {
		return false, fmt.Errorf("save run: %w", err)
	}
	if err := tx.Create(&run).Error; err != nil {
		return false, fmt.Errorf("save run: %w", err)
	}
	for i := range scores {
		scores[i].RunID = run.ID
	}
	if len(scores) > 0 {
		if err := tx.CreateInBatches(scores, 500).Error; err != nil {
			return false, fmt.Errorf("save scores: %w", err)
		}
	}
	var old []string
	err = tx.Model(&Run{}).Where("wave_id = ? AND published_at IS NULL AND NOT is_current", run.WaveID).
		Order("as_of DESC").Offset(kept-1).Limit(1000).Pluck("id", &old).Error
	if err != nil || len(old) == 0 {
		return err == nil, err
	}
	if err := tx.Where("run_id IN ?", old).Delete(&Score{}).Error; err != nil {
		return false, fmt.Errorf("remove old scores: %w", err)
	}
	err = tx.Where("id IN ?", old).Delete(&Run{}).Error
	return err == nil, err
}

// scoresOf returns the scores of a run below the tops that the query lets through.
func scoresOf(r *gorm.DB, runID string, tops []string, q Query) ([]Score, error) {
	s := r.Where("run_id = ?", runID).Scopes(store.Within("area_code", tops))
	if q.Parent != "" {
		s = s.Scopes(store.Within("area_code", []string{q.Parent}))
	}
	if q.Area != "" {
		s = s.Where("area_code = ?", q.Area)
	}
	if q.Level != "" {
		s = s.Where("level = ?", q.Level)
	}
	if q.Mode != "" {
		s = s.Where("mode = ?", q.Mode)
	}
	if q.Indicator != "" {
		s = s.Where("indicator IN ?", strings.Split(q.Indicator, ","))
	}
	var out []Score
	err := s.Order("area_code, indicator, mode").Find(&out).Error
	if store.NotFound(err) {
		return nil, nil
	}
	return out, err
}

func publish(tx *store.Tx, runID string) error {
	return tx.Model(&Run{}).Where("id = ? AND published_at IS NULL", runID).Update("published_at", tx.Now).Error
}
