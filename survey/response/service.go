package response

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/mask"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/tally"
	"chengyin/survey/wave"
)

// Deps are the services that a response needs.
type Deps struct {
	Areas          *area.Service
	Questionnaires *questionnaire.Service
	Recipes        *indicator.Service
	Waves          *wave.Service
	Collectors     *collector.Service
	Samples        *sample.Service
	Older          [][]byte // secrets that keyed tickets before; phones may still hold some
}

// Service opens questionnaires and takes answers in.
type Service struct {
	db    *store.DB
	clock survey.Clock
	keys  [][]byte // the newest first
	deps  Deps
	queue *committer

	mu       sync.Mutex
	known    map[string]fieldwork
	waveKeys map[string][]byte
}

// New returns the service on db. Tickets and receipts are keyed by secret.
func New(db *store.DB, clock survey.Clock, secret []byte, deps Deps) *Service {
	return &Service{db: db, clock: clock, keys: slices.Concat([][]byte{secret}, deps.Older), deps: deps, queue: newCommitter(db), known: map[string]fieldwork{}, waveKeys: map[string][]byte{}}
}

// fieldwork is what stands behind a code. Questionnaire and recipe never change;
// collector and wave may, so the rest is looked up again after fresh.
type fieldwork struct {
	collector     collector.Collector
	wave          wave.Wave
	area          area.Area
	questionnaire *questionnaire.Definition
	recipe        *indicator.Recipe
	read          time.Time
}

// fresh is how long a revocation may take to be noticed by another process.
const fresh = time.Second

// most is how many codes are remembered at a time.
const most = 20_000

func (s *Service) behind(ctx context.Context, code string) (f fieldwork, err error) {
	code = collector.Normalise(code)
	now := s.clock()
	s.mu.Lock()
	f, ok := s.known[code]
	s.mu.Unlock()
	if ok && now.Sub(f.read) < fresh && !now.Before(f.read) {
		return f, nil
	}
	f = fieldwork{read: now}
	if f.collector, err = s.deps.Collectors.ByCode(ctx, code); err != nil {
		return f, err
	}
	if f.wave, err = s.deps.Waves.ByID(ctx, f.collector.WaveID); err != nil {
		return f, err
	}
	if f.area, err = s.deps.Areas.ByCode(ctx, f.collector.AreaCode); err != nil {
		return f, err
	}
	if f.questionnaire, err = s.deps.Questionnaires.ByID(ctx, f.wave.QuestionnaireID); err != nil {
		return f, err
	}
	if f.recipe, err = s.deps.Recipes.ByID(ctx, f.wave.RecipeID); err != nil {
		return f, err
	}
	s.mu.Lock()
	if len(s.known) >= most {
		clear(s.known)
	}
	s.known[code] = f
	s.mu.Unlock()
	return f, nil
}

// Open returns what is needed to ask the questions of a collector, with a new
// ticket when it takes answers. It writes nothing. Returns collector.ErrNotFound.
func (s *Service) Open(ctx context.Context, code string) (Sheet, error) {
	f, err := s.behind(ctx, code)
	if err != nil {
		return Sheet{}, err
	}
	now := s.clock()
	sheet := Sheet{Collector: f.collector, State: f.collector.StateAt(f.wave, now), Wave: f.wave, Area: f.area, Questionnaire: f.questionnaire}
	if sheet.State == collector.Open {
		sheet.Ticket, err = newTicket(s.keys[0], f.collector.Number, now)
	}
	return sheet, err
}

// Submit stores the answers exactly once and returns their receipt; first is
// false when they were stored before. When Submit returns nil the answers are on
// the disk.
//
// Returns collector.ErrNotFound, ErrTicket, ErrTooYoung, ErrWrongAnswers naming
// every wrong answer, ErrErased when they were deleted since, or ErrDiffers, together with the first receipt, when the id is known
// with other answers.
func (s *Service) Submit(ctx context.Context, in Submission) (receipt Receipt, first bool, err error) {
	f, err := s.behind(ctx, in.Code)
	if err != nil {
		return Receipt{}, false, err
	}
	now := s.clock()
	issued, err := readTicket(s.keys, in.Ticket, in.ID, f.collector.Number, now)
	if err != nil {
		return Receipt{}, false, err
	}
	if f.questionnaire.Stops(in.Answers) {
		return Receipt{}, false, ErrTooYoung
	}
	if wrong := f.questionnaire.Check(in.Answers); len(wrong) > 0 {
		return Receipt{}, false, ErrWrongAnswers.With(wrong...)
	}
	it, err := s.prepare(ctx, f, in, issued, now)
	if err != nil {
		return Receipt{}, false, err
	}
	stored, err := s.queue.put(ctx, it)
	if err != nil && !errors.Is(err, ErrDiffers) {
		return Receipt{}, false, err
	}
	receipt = Receipt{Code: Pretty(stored.Receipt), ID: stored.ID, ReceivedAt: stored.ReceivedAt, Status: stored.Status, Mode: stored.Mode, Wave: f.wave, Area: f.area}
	return receipt, it.first, err
}

// prepare makes everything that can be made before the transaction.
func (s *Service) prepare(ctx context.Context, f fieldwork, in Submission, issued, now time.Time) (*item, error) {
	answers, masked := withoutIdentity(f.questionnaire, in.Answers)
	canonical := answers.Canonical()
	hash := sha256.Sum256(append(canonical, "|"+in.Household...))
	id, err := uuid.Parse(in.ID)
	if err != nil {
		return nil, ErrTicket.Because(err)
	}
	r := Response{
		ID: id.String(), WaveID: f.wave.ID, CollectorID: f.collector.ID, AreaCode: f.collector.AreaCode, QuestionnaireID: f.wave.QuestionnaireID,
		Mode: f.collector.Mode(), Via: in.Via, Lang: in.Lang, Answers: string(canonical), AnswersHash: hex.EncodeToString(hash[:]),
		Masked: masked, Status: Counted, Receipt: receiptOf(s.keys[0], id.String()), IssuedAt: issued, StartedAt: plausible(in.StartedAt), ReceivedAt: now,
	}
	if r.Lang != "en" {
		r.Lang = "zh"
	}
	var unit *sample.Unit
	if r.Mode == collector.Visited {
		u, err := s.deps.Samples.ByHousehold(ctx, f.wave.ID, in.Household)
		switch {
		case err == nil:
			unit, r.SampleUnitID, r.AreaCode = &u, &u.ID, u.AreaCode
		case errors.Is(err, sample.ErrNotFound):
			r.Status, r.Reason = Quarantined, "household_unknown"
		default:
			return nil, err
		}
	}
	if why := doubt(f.collector.StateAt(f.wave, now), now.Sub(issued)); why != "" {
		r.Status, r.Reason = Quarantined, why
		r.SampleUnitID = nil // the household may still be interviewed in time
	}
	it := &item{sent: r, done: make(chan struct{})}
	if it.trace, err = s.trace(ctx, f, in, r); err != nil {
		return nil, err
	}
	if r.Status == Counted {
		it.tallies = tally.Of(tally.Answer{WaveID: r.WaveID, Mode: r.Mode, AreaCode: r.AreaCode, Unit: unit, Answers: answers}, f.questionnaire, f.recipe)
	}
	return it, nil
}

// withoutIdentity returns the answers with open texts as they are stored, and how
// many items were masked in them. It comes before the hash, so that sending the
// same text again is the same response.
func withoutIdentity(d *questionnaire.Definition, a questionnaire.Answers) (questionnaire.Answers, int) {
	out, items := a, 0
	for i := range d.Questions {
		q := &d.Questions[i]
		text, ok := a[q.ID].(string)
		if q.Type != questionnaire.Text || !ok {
			continue
		}
		if masked, n := mask.Text(text); n > 0 {
			if items == 0 {
				out = maps.Clone(a)
			}
			out[q.ID], items = masked, items+n
		}
	}
	return out, items
}

// plausible returns a time of the respondent's clock as it is stored, nil when
// that clock has lost the century: not every database could keep it, and the
// answers matter more.
func plausible(t *time.Time) *time.Time {
	if t == nil || t.Year() < 2000 || t.Year() > 2100 {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}

// doubt returns why an answer is kept in quarantine instead of being counted.
func doubt(state collector.State, age time.Duration) string {
	switch {
	case state == collector.Closed:
		return "late"
	case state != collector.Open:
		return string(state)
	case age > ticketLife:
		return "ticket_stale"
	}
	return ""
}

// Receipt returns the receipt with that code, however it was typed. Returns
// ErrNoReceipt, or ErrErased when the answers were deleted with it.
func (s *Service) Receipt(ctx context.Context, code string) (Receipt, error) {
	code = collector.Normalise(code)
	if len(code) != receiptDigits {
		return Receipt{}, ErrNoReceipt
	}
	r, err := responseByReceipt(s.db.Read(ctx), code)
	if errors.Is(err, ErrNoReceipt) {
		if _, gone := tombstoneByReceipt(s.db.Read(ctx), s.receiptHashes(code)); gone == nil {
			return Receipt{}, ErrErased
		}
	}
	if err != nil {
		return Receipt{}, err
	}
	w, err := s.deps.Waves.ByID(ctx, r.WaveID)
	if err != nil {
		return Receipt{}, err
	}
	a, err := s.deps.Areas.ByCode(ctx, r.AreaCode)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Code: Pretty(r.Receipt), ID: r.ID, ReceivedAt: r.ReceivedAt, Status: r.Status, Mode: r.Mode, Wave: w, Area: a}, nil
}

// Recount computes the tallies of a wave anew from its counted answers, without
// storing them: what the stored ones must be equal to while the answers are kept.
// When their time is over and they were erased, only the stored ones are left, which
// is why they are never made anew from this.
func (s *Service) Recount(ctx context.Context, waveID string) ([]tally.Row, error) {
	w, err := s.deps.Waves.ByID(ctx, waveID)
	if err != nil {
		return nil, err
	}
	d, err := s.deps.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return nil, err
	}
	recipe, err := s.deps.Recipes.ByID(ctx, w.RecipeID)
	if err != nil {
		return nil, err
	}
	var rows []tally.Row
	err = EachCounted(s.db.Read(ctx), waveID, func(r Response, u *sample.Unit) error {
		answers, wrong := questionnaire.ParseAnswers([]byte(r.Answers))
		if len(wrong) > 0 {
			return survey.ErrInvalid.With(wrong...)
		}
		rows = append(rows, tally.Of(tally.Answer{WaveID: r.WaveID, Mode: r.Mode, AreaCode: r.AreaCode, Unit: u, Answers: answers}, d, recipe)...)
		if len(rows) > 50_000 {
			rows = tally.Merge(rows)
		}
		return nil
	})
	return tally.Merge(rows), err
}
