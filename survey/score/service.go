package score

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/indicator"
	"chengyin/survey/store"
	"chengyin/survey/tally"
	"chengyin/survey/wave"
	"chengyin/survey/weight"
)

// Deps are the services that scores need.
type Deps struct {
	Areas   *area.Service
	Recipes *indicator.Service
	Waves   *wave.Service
}

// Service computes, keeps and reads scores.
type Service struct {
	db          *store.DB
	clock       survey.Clock
	deps        Deps
	codeVersion string

	refreshing sync.Mutex // one refresh at a time in this process
	mu         sync.Mutex
	seen       map[string]*watched // by wave
}

// watched is the run that watchers of a wave know of.
type watched struct {
	run     string
	changed chan struct{} // closed at the next change
	checked time.Time
}

// New returns the service on db. CodeVersion is written into every run.
func New(db *store.DB, clock survey.Clock, deps Deps, codeVersion string) *Service {
	return &Service{db: db, clock: clock, deps: deps, codeVersion: codeVersion, seen: map[string]*watched{}}
}

// Refresh computes the scores of the wave anew if anything has changed that they
// follow from.
func (s *Service) Refresh(ctx context.Context, waveID string) (changed bool, err error) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	w, err := s.deps.Waves.ByID(ctx, waveID)
	if err != nil {
		return false, err
	}
	recipe, err := s.deps.Recipes.ByID(ctx, w.RecipeID)
	if err != nil {
		return false, err
	}
	run, err := currentRun(s.db.Read(ctx), waveID)
	if err != nil && !isNoRun(err) {
		return false, err
	}
	now, err := stamp(s.db.Read(ctx), w, s.clock())
	if err != nil || (now == run.Stamp && run.CodeVersion == s.codeVersion) {
		return false, err
	}
	in, run, err := s.load(ctx, w, recipe)
	if err != nil {
		return false, err
	}
	scores, weightings, err := compute(in)
	if err != nil {
		return false, fmt.Errorf("scores of wave %s: %w", w.Code, err)
	}
	doc, err := json.Marshal(weightings)
	if err != nil {
		return false, err
	}
	run.Weighting = string(doc)
	err = s.db.InTx(ctx, func(tx *store.Tx) (err error) {
		changed, err = saveRun(tx, run, scores)
		return err
	})
	if err != nil || !changed {
		return false, err
	}
	s.tell(waveID, run.ID)
	return true, nil
}

// load reads, in one snapshot, all that the scores follow from.
func (s *Service) load(ctx context.Context, w wave.Wave, recipe *indicator.Recipe) (in input, _ Run, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return in, Run{}, err
	}
	run := Run{ID: id.String(), WaveID: w.ID, RecipeCode: recipe.Code, RecipeVersion: recipe.Version, CodeVersion: s.codeVersion, IsCurrent: true}
	err = s.db.Snapshot(ctx, func(r *gorm.DB) (err error) {
		run.AsOf = s.clock()
		if run.Stamp, err = stamp(r, w, run.AsOf); err != nil {
			return err
		}
		in, err = inputOf(r, w, recipe, run.AsOf)
		return err
	})
	if err != nil {
		return in, Run{}, err
	}
	run.InputHash = in.hash()
	return in, run, nil
}

// inputOf reads all that the scores of a wave follow from, as r sees it.
func inputOf(r *gorm.DB, w wave.Wave, recipe *indicator.Recipe, now time.Time) (in input, err error) {
	in.recipe = recipe
	psus, err := weight.Load(r, w.ID)
	if err != nil {
		return in, err
	}
	if in.field, err = weight.Factors(psus, weight.Options{Ended: w.Over(now)}); err != nil {
		return in, err
	}
	if in.rows, err = tally.Load(r, w.ID); err != nil {
		return in, err
	}
	if in.areas, err = area.TreeOf(r, w.AreaCode); err != nil {
		return in, err
	}
	in.population, err = area.PopulationOf(r, w.AreaCode)
	return in, err
}

// hash identifies the input: the same hash, recipe and code give the same scores.
func (in input) hash() string {
	h := sha256.New()
	for _, a := range in.areas {
		to := ""
		if a.SuccessorCode != nil {
			to = *a.SuccessorCode
		}
		io.WriteString(h, "area|"+a.Code+"|"+string(a.Level)+"|"+to+"\n")
	}
	for _, p := range in.population {
		io.WriteString(h, "population|"+p.AreaCode+"|"+p.Age+"|"+p.Sex+"|"+strconv.Itoa(p.Persons)+"\n")
	}
	b := make([]byte, 0, 256)
	for _, r := range in.rows {
		b = append(b[:0], "tally|"+r.Mode+"|"+r.Stratum+"|"+r.PSU+"|"+r.AreaCode+"|"+r.Age+"|"+r.Sex+"|"+r.Indicator...)
		b = strconv.AppendInt(append(b, '|'), r.N, 10)
		for _, x := range []float64{r.D, r.DD, r.DY, r.DYY, r.DDY, r.DDYY, r.DK} {
			b = strconv.AppendFloat(append(b, '|'), x, 'g', -1, 64)
		}
		h.Write(append(b, '\n'))
	}
	for _, k := range in.field.Keys() {
		io.WriteString(h, "factor|"+k.Stratum+"|"+k.PSU+"|"+strconv.FormatFloat(in.field.Of(k.Stratum, k.PSU), 'g', -1, 64)+"\n")
	}
	io.WriteString(h, "recipe|"+in.recipe.Code+"|"+strconv.Itoa(in.recipe.Version)+"\n")
	return hex.EncodeToString(h.Sum(nil))
}

// settled is how long after its end a wave is looked at as often as an open one.
// Later changes, such as a deletion or a new population table, are noticed within
// seldom.
const (
	settled = time.Hour
	seldom  = 30 * time.Second
)

// RefreshStale refreshes every wave whose scores are out of date. The schedule
// calls it twice a second.
func (s *Service) RefreshStale(ctx context.Context) error {
	waves, err := s.deps.Waves.All(ctx)
	if err != nil {
		return err
	}
	now := s.clock()
	var errs []error
	for _, w := range waves {
		s.mu.Lock()
		k := s.watch(w.ID)
		due := now.Sub(k.checked) >= seldom || now.Before(w.ClosesAt.Add(settled))
		if due {
			k.checked = now
		}
		known := k.run
		s.mu.Unlock()
		if !due || !w.Started(now) && known != "" {
			continue
		}
		if _, err := s.Refresh(ctx, w.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		// Another process may have made a run.
		run, err := currentRun(s.db.Read(ctx), w.ID)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.tell(w.ID, run.ID)
	}
	return errors.Join(errs...)
}

// Watch returns the id of the current run of a wave that this process knows of,
// and a channel that is closed when there is another.
func (s *Service) Watch(waveID string) (run string, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.watch(waveID)
	return k.run, k.changed
}

func (s *Service) watch(waveID string) *watched {
	k := s.seen[waveID]
	if k == nil {
		k = &watched{changed: make(chan struct{})}
		s.seen[waveID] = k
	}
	return k
}

func (s *Service) tell(waveID, run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.watch(waveID)
	if k.run == run {
		return
	}
	k.run = run
	close(k.changed)
	k.changed = make(chan struct{})
}

// Current returns the current run of a wave. Returns ErrNoRun.
func (s *Service) Current(ctx context.Context, waveID string) (Run, error) {
	return currentRun(s.db.Read(ctx), waveID)
}

// Scores returns the scores of a wave's current run that the actor may see.
// Returns survey.ErrDenied to roles that see no scores, wave.ErrNotFound,
// area.ErrNotFound for a place outside the actor's, and ErrNoRun.
func (s *Service) Scores(ctx context.Context, actor survey.Actor, q Query) (Board, error) {
	if !actor.Can(survey.SeeScores) {
		return Board{}, survey.ErrDenied
	}
	w, err := s.deps.Waves.Seen(ctx, actor, q.Wave)
	if err != nil {
		return Board{}, err
	}
	for _, code := range []string{q.Parent, q.Area} {
		if code != "" && !actor.Sees(survey.SeeScores, code) {
			return Board{}, area.ErrNotFound
		}
	}
	b := Board{Wave: w}
	if b.Recipe, err = s.deps.Recipes.ByID(ctx, w.RecipeID); err != nil {
		return Board{}, err
	}
	if b.Run, err = currentRun(s.db.Read(ctx), w.ID); err != nil {
		return Board{}, err
	}
	if b.Scores, err = scoresOf(s.db.Read(ctx), b.Run.ID, actor.Places(survey.SeeScores), q); err != nil {
		return Board{}, err
	}
	areas, err := s.deps.Areas.Tree(ctx, w.AreaCode)
	if err != nil {
		return Board{}, err
	}
	byCode := make(map[string]area.Area, len(areas))
	for _, a := range areas {
		byCode[a.Code] = a
	}
	for i := range b.Scores {
		b.Scores[i].Area = byCode[b.Scores[i].AreaCode]
	}
	return b, nil
}

// Publish keeps the wave's current run for good.
func (s *Service) Publish(ctx context.Context, actor survey.Actor, waveID string) (Run, error) {
	if !actor.Can(survey.ManageWaves) {
		return Run{}, survey.ErrDenied
	}
	w, err := s.deps.Waves.Seen(ctx, actor, waveID)
	if err != nil {
		return Run{}, err
	}
	if !actor.Sees(survey.ManageWaves, w.AreaCode) {
		return Run{}, survey.ErrDenied
	}
	var run Run
	err = s.db.InTx(ctx, func(tx *store.Tx) (err error) {
		if run, err = currentRun(tx.DB, w.ID); err != nil {
			return err
		}
		if err := publish(tx, run.ID); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "score.published", Object: run.ID, Area: w.AreaCode, Payload: map[string]string{"wave": w.Code, "input": run.InputHash}})
	})
	return run, err
}

func isNoRun(err error) bool { return errors.Is(err, ErrNoRun) }
