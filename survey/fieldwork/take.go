package fieldwork

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Why a record is kept in quarantine.
const (
	Malformed            = "malformed"
	HouseholdUnknown     = "household_unknown"
	WaveUnknown          = "wave_unknown"
	NotAssigned          = "not_assigned"
	Late                 = "late" // the wave has ended
	NotYet               = "not_yet"
	QuestionnaireUnknown = "questionnaire_unknown"
	SealedUnreadable     = "sealed_unreadable"
	AnswersInvalid       = "answers_invalid"
	TooYoung             = "too_young"
	HouseholdTwice       = "household_twice"
	OutcomeUnknown       = "outcome_unknown"
	ReserveEarly         = "reserve_early" // a reserve out of its turn
	AfterRefusal         = "after_refusal"
	PersonOther          = "person_other" // not the adult that was drawn
	PhoneLocked          = "phone_locked"

	// ReceiptReplaced is noted of an accepted record whose receipt another response
	// has: the response got one that was made here.
	ReceiptReplaced = "receipt_replaced"
)

// Reasons lists why records are kept in quarantine, in the order in which they are
// looked for.
var Reasons = []string{PhoneLocked, Malformed, OutcomeUnknown, WaveUnknown, HouseholdUnknown, NotYet, Late, QuestionnaireUnknown,
	SealedUnreadable, TooYoung, AnswersInvalid, PersonOther, NotAssigned, AfterRefusal, HouseholdTwice, ReserveEarly}

// Sent is a record as it arrives.
type Sent struct {
	ID      string
	Content string
}

// SealedSent is a record as a locked phone hands it over: the content under the
// phone's key, bound to the id.
type SealedSent struct{ ID, IV, Data string }

// Result is what became of a record. With a signature it is a receipt: the record
// is on the disk. Without one it is not, and has to be sent again.
type Result struct {
	ID         string
	Hash       string
	Status     string
	Reason     string
	ReceivedAt string
	Signature  string
	Failed     error // why it is not on the disk, for the log
}

// timeFormat is how a receipt writes when its record was received.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

// Most is how many records are taken at once.
const Most = 50

// Take stores what a phone sends and returns a receipt for each, in the same order.
// Each record is stored in a transaction of its own, in the order in which they
// were made. sentAt is the phone's clock. Returns survey.ErrInvalid naming records
// without a usable id, before anything is stored.
//
// When the error is nil, records whose result has no signature failed for a reason
// that lies here; the others are stored all the same.
func (s *Service) Take(ctx context.Context, on On, sentAt time.Time, sent []Sent) ([]Result, error) {
	if on.Locked {
		return nil, ErrPhoneLocked
	}
	arrivals := make([]arrival, len(sent))
	for i, x := range sent {
		arrivals[i] = arrival{id: x.ID, content: x.Content}
	}
	return s.takeAll(ctx, on, sentAt, arrivals)
}

// TakeSealed stores what a phone hands over as it keeps it, unread: a locked one
// cannot do otherwise. It is opened here and kept in quarantine.
func (s *Service) TakeSealed(ctx context.Context, on On, sentAt time.Time, sent []SealedSent) ([]Result, error) {
	key, err := s.phoneKey(on.Phone)
	if err != nil {
		return nil, err
	}
	arrivals := make([]arrival, len(sent))
	for i, x := range sent {
		a := arrival{id: x.ID, reason: PhoneLocked}
		if text, err := openOnPhone(key, x.ID, x.IV, x.Data); err == nil {
			a.content = string(text)
		} else {
			kept, err := json.Marshal(map[string]string{"iv": x.IV, "data": x.Data})
			if err != nil {
				return nil, err
			}
			a.content, a.reason = string(kept), SealedUnreadable
		}
		arrivals[i] = a
	}
	return s.takeAll(ctx, on, sentAt, arrivals)
}

// arrival is a record on its way to the disk.
type arrival struct {
	id      string
	content string
	reason  string // known before anybody looked at it

	account string
	phone   string
	via     string
	offset  time.Duration
	hash    string
	read    content
	fits    bool
}

func (s *Service) takeAll(ctx context.Context, on On, sentAt time.Time, list []arrival) ([]Result, error) {
	var wrong []survey.Field
	for i := range list {
		a := &list[i]
		id, err := uuid.Parse(a.id)
		if err != nil || len(a.id) != 36 || id == uuid.Nil {
			wrong = append(wrong, survey.Field{Path: fmt.Sprintf("records[%d].id", i), Code: "field_wrong"})
			continue
		}
		a.id = id.String()
	}
	if len(list) > Most {
		wrong = append(wrong, survey.Field{Path: "records", Code: "field_too_many", Args: map[string]any{"max": Most}})
	}
	if len(wrong) > 0 {
		return nil, survey.ErrInvalid.With(wrong...)
	}
	offset := sentAt.Sub(s.clock())
	order := make([]int, len(list))
	for i := range list {
		a := &list[i]
		order[i] = i
		a.account, a.phone, a.via, a.offset = on.Phone.AccountID, on.Phone.ID, ViaPhone, offset
		a.readIt()
	}
	slices.SortStableFunc(order, func(i, j int) int { return list[i].read.MadeAt.Compare(list[j].read.MadeAt) })
	out := make([]Result, len(list))
	var failed error
	for _, i := range order {
		r, err := s.take(ctx, list[i])
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("record %s: %w", list[i].id, err))
			r = Result{ID: list[i].id, Hash: list[i].hash, Failed: err}
		}
		out[i] = r
	}
	if failed != nil && !slices.ContainsFunc(out, func(r Result) bool { return r.Signature != "" }) {
		return nil, failed
	}
	return out, nil
}

func (a *arrival) readIt() {
	sum := sha256.Sum256([]byte(a.content))
	a.hash = hex.EncodeToString(sum[:])
	a.read, a.fits = readContent(a.content)
}

// take stores one record and returns its receipt.
func (s *Service) take(ctx context.Context, a arrival) (Result, error) {
	l, err := s.look(ctx, a)
	if err != nil {
		return Result{}, err
	}
	const tries = 5
	for i := 1; ; i++ {
		var out Result
		err := s.db.InTx(ctx, func(tx *store.Tx) (err error) {
			out, err = s.keep(tx, a, l)
			return err
		})
		if i == tries || !errors.Is(err, response.ErrMeanwhile) {
			return out, err
		}
	}
}

// looked is what is known of a record before its transaction.
type looked struct {
	reason   string
	wave     *wave.Wave
	drawn    *drawn
	rules    Rules
	prepared *response.Prepared // nil: no answers, or none that can be kept as a response
	drop     bool               // nothing is kept of the answers
}

// look finds out all that needs no transaction.
func (s *Service) look(ctx context.Context, a arrival) (l looked, err error) {
	doubt := func(reason string) {
		if l.reason == "" {
			l.reason = reason
		}
	}
	if a.reason != "" {
		doubt(a.reason)
	}
	if !a.fits {
		doubt(Malformed)
	}
	if o, known := OutcomeOf(a.read.Outcome); !known || o.Code == NotVisited {
		doubt(OutcomeUnknown)
	}
	if err := s.lookAtPlace(ctx, a, &l, doubt); err != nil {
		return l, err
	}
	if a.read.Interview == nil {
		return l, nil
	}
	return l, s.lookAtAnswers(ctx, a, &l, doubt)
}

// lookAtPlace finds the wave and the household.
func (s *Service) lookAtPlace(ctx context.Context, a arrival, l *looked, doubt func(string)) error {
	r := s.db.Read(ctx)
	w, err := s.deps.Waves.ByID(ctx, asID(a.read.Wave))
	switch {
	case errors.Is(err, wave.ErrNotFound):
		doubt(WaveUnknown)
	case err != nil:
		return err
	default:
		l.wave = &w
	}
	d, err := drawnUnit(r, asID(a.read.Home))
	switch {
	case errors.Is(err, ErrNotFound):
		doubt(HouseholdUnknown)
	case err != nil:
		return err
	case l.wave == nil || d.unit.WaveID != w.ID:
		doubt(HouseholdUnknown)
	default:
		l.drawn = &d
		plan := ""
		if d.home != nil {
			plan = d.home.PlanID
		}
		if l.rules, err = s.rulesOf(r, plan); err != nil {
			return err
		}
	}
	if l.wave != nil {
		switch now := s.clock(); {
		case !w.Started(now):
			doubt(NotYet)
		case w.Over(now):
			doubt(Late)
		}
	}
	return nil
}

// asID returns an id as columns of ids hold it, "" of anything else.
func asID(s string) string {
	id, err := uuid.Parse(s)
	if err != nil {
		return ""
	}
	return id.String()
}

// lookAtAnswers opens the answers and makes a response of them, whatever else there
// is to say of the record: the resident has a receipt and may have it deleted.
func (s *Service) lookAtAnswers(ctx context.Context, a arrival, l *looked, doubt func(string)) error {
	in := a.read.Interview
	if l.wave == nil || in.Questionnaire != l.wave.QuestionnaireID {
		doubt(QuestionnaireUnknown)
	}
	answers, readable := s.openAnswers(a.id, in.Sealed)
	if !readable {
		doubt(SealedUnreadable)
		return nil
	}
	if l.wave == nil || l.drawn == nil || in.Questionnaire != l.wave.QuestionnaireID {
		return nil
	}
	p, err := s.deps.Responses.PrepareVisit(ctx, response.Visit{ID: a.id, Wave: *l.wave, AreaCode: l.drawn.unit.AreaCode, Lang: in.Lang,
		Receipt: in.Receipt, StartedAt: put(in.StartedAt, a.offset), Answers: answers})
	if err != nil {
		return err
	}
	switch wrong := p.Definition().Check(answers); {
	case p.Definition().Stops(answers):
		doubt(TooYoung)
		l.drop = true
		return nil
	case slices.ContainsFunc(wrong, func(f survey.Field) bool { return a.read.Outcome != BrokenOff || f.Code != questionnaire.CodeRequired }):
		doubt(AnswersInvalid)
	}
	l.prepared = p
	if !personDrawn(*in, l.rules, picksOf(*l.drawn)) {
		doubt(PersonOther)
	}
	return nil
}

// openAnswers opens the answers of a record with the present secret or an older
// one.
func (s *Service) openAnswers(id, sealed string) (questionnaire.Answers, bool) {
	for _, k := range s.keys {
		text, err := k.open(id, sealed)
		if err != nil {
			continue
		}
		var read struct{ Answers json.RawMessage }
		if json.Unmarshal(text, &read) != nil {
			return nil, false
		}
		answers, wrong := questionnaire.ParseAnswers(read.Answers)
		return answers, len(wrong) == 0
	}
	return nil, false
}

// put puts a time of the phone's clock right.
func put(t *time.Time, offset time.Duration) *time.Time {
	if t == nil {
		return nil
	}
	right := t.Add(-offset)
	return &right
}

// keep stores a record in a transaction, with all that follows from it.
func (s *Service) keep(tx *store.Tx, a arrival, l looked) (Result, error) {
	// Whoever holds the household decides about it alone.
	if l.drawn != nil {
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", l.drawn.unit.ID).Take(&l.drawn.unit).Error; err != nil {
			return Result{}, fmt.Errorf("hold household: %w", err)
		}
	}
	old, known, err := recordByID(tx.DB, a.id)
	if err != nil {
		return Result{}, fmt.Errorf("look for record: %w", err)
	}
	if known {
		return s.keepAgain(tx, a, l, old)
	}
	if l.reason == "" {
		if l.reason, err = s.judge(tx, a, l); err != nil {
			return Result{}, err
		}
	}
	row := rowOf(tx, a, l)
	var unit *sample.Unit
	if row.Status == Accepted && row.Outcome == Interviewed {
		if unit, err = weigh(tx, *l.drawn, *row.Adults); err != nil {
			return Result{}, err
		}
	}
	kept, err := keepAnswers(tx, l, unit, row.Reason)
	if err != nil {
		return Result{}, err
	}
	if kept.ID != "" {
		row.ResponseID = &kept.ID
	} else if err := s.takeUpReports(tx, a, l); err != nil {
		return Result{}, err
	}
	if kept.Replaced && row.Status == Accepted {
		row.Reason = ReceiptReplaced
	}
	row.Content = stored(a.content, l.drop || kept.ID != "" || kept.Erased)
	receipt, err := s.receipt(a, row.Status, row.Reason, tx.Now)
	if err != nil {
		return Result{}, err
	}
	row.Signature = receipt.Signature
	if err := tx.Create(&row).Error; err != nil {
		return Result{}, meanwhile(err)
	}
	if row.Status == Accepted {
		err = restate(tx, *l.drawn, l.rules)
	}
	return receipt, err
}

// meanwhile makes a record that came in two ways at once be looked at again.
func meanwhile(err error) error {
	if store.IsDuplicate(err) {
		return response.ErrMeanwhile
	}
	return fmt.Errorf("store record: %w", err)
}

// receipt returns the signed receipt of a record.
func (s *Service) receipt(a arrival, status, reason string, at time.Time) (r Result, err error) {
	r = Result{ID: a.id, Hash: a.hash, Status: status, Reason: reason, ReceivedAt: at.UTC().Format(timeFormat)}
	r.Signature, err = s.keys[0].signReceipt(r)
	return r, err
}

// keepAgain settles a record whose id is known: it gets the receipt that it got
// before. Other content is kept beside the first, for review.
func (s *Service) keepAgain(tx *store.Tx, a arrival, l looked, old Record) (Result, error) {
	if old.Hash == a.hash {
		return Result{ID: old.ID, Hash: old.Hash, Status: old.Status, Reason: old.Reason, ReceivedAt: old.ReceivedAt.UTC().Format(timeFormat), Signature: old.Signature}, nil
	}
	rival, known, err := rivalOf(tx.DB, a.id, a.hash)
	if err != nil {
		return Result{}, fmt.Errorf("look for other content: %w", err)
	}
	if known {
		return Result{ID: rival.RecordID, Hash: rival.Hash, Status: Conflict, ReceivedAt: rival.ReceivedAt.UTC().Format(timeFormat), Signature: rival.Signature}, nil
	}
	kept, err := keepAnswers(tx, l, nil, Conflict)
	if err != nil {
		return Result{}, err
	}
	receipt, err := s.receipt(a, Conflict, "", tx.Now)
	if err != nil {
		return Result{}, err
	}
	rival = Rival{RecordID: a.id, Hash: a.hash, Content: stored(a.content, l.drop || kept.ID != "" || kept.Erased), PhoneID: a.phone, ReceivedAt: tx.Now, Signature: receipt.Signature}
	if err := tx.Create(&rival).Error; err != nil {
		return Result{}, meanwhile(err)
	}
	return receipt, nil
}

// keepAnswers keeps the response of a record, if it has one.
func keepAnswers(tx *store.Tx, l looked, unit *sample.Unit, reason string) (response.Kept, error) {
	if l.prepared == nil {
		return response.Kept{}, nil
	}
	if reason == "" {
		reason = "partial" // of an accepted visit that was broken off
	}
	return response.KeepVisit(tx, l.prepared, unit, reason)
}

// takeUpReports brings what the resident reported under the receipt of an interview
// whose answers could not be kept to where it took place.
func (s *Service) takeUpReports(tx *store.Tx, a arrival, l looked) error {
	if l.wave == nil || a.read.Interview == nil || !response.WellFormed(a.read.Interview.Receipt) {
		return nil
	}
	area := l.wave.AreaCode
	if l.drawn != nil {
		area = l.drawn.unit.AreaCode
	}
	return s.deps.Responses.TakeUpWithout(tx, a.read.Interview.Receipt, *l.wave, area)
}

// rowOf returns the row of a record, without what follows from its answers.
func rowOf(tx *store.Tx, a arrival, l looked) Record {
	row := Record{ID: a.id, WaveID: asID(a.read.Wave), UnitID: asID(a.read.Home), AccountID: a.account, PhoneID: a.phone, Via: a.via,
		Outcome: a.read.Outcome, MadeAt: tx.Now, OffsetMS: a.offset.Milliseconds(), ReceivedAt: tx.Now, Hash: a.hash, Status: Accepted, Reason: l.reason}
	if _, known := OutcomeOf(row.Outcome); !known {
		row.Outcome = ""
	}
	if l.reason != "" {
		row.Status = Quarantined
	}
	if l.drawn != nil {
		row.AreaCode = l.drawn.unit.AreaCode
	}
	if made := a.madeAt(); a.fits && made.Before(tx.Now) { // nobody has been at a door in the future
		row.MadeAt = made
	}
	if in := a.read.Interview; in != nil && in.Adults >= 1 && in.Adults <= mostAdults {
		row.Adults = &in.Adults
	}
	return row
}

// madeAt returns when the record was made, by our clock.
func (a arrival) madeAt() time.Time {
	return a.read.MadeAt.Add(-a.offset).UTC().Truncate(time.Microsecond)
}

// judge returns why a record that is all right in itself is not counted, "" when
// it is. The caller holds the household.
func (s *Service) judge(tx *store.Tx, a arrival, l looked) (string, error) {
	d := *l.drawn
	if a.via == ViaPhone {
		ok, err := mayVisit(tx, d, a.account)
		if err != nil {
			return "", err
		}
		if !ok {
			return NotAssigned, nil
		}
	}
	accepted, err := acceptedOf(tx.DB, d.unit.WaveID, []string{d.unit.ID})
	if err != nil {
		return "", err
	}
	before := accepted[d.unit.ID]
	made := a.madeAt()
	if slices.ContainsFunc(before, func(x Record) bool { return x.Outcome == Refused && x.MadeAt.Before(made) }) {
		return AfterRefusal, nil
	}
	if l.prepared != nil {
		twice := slices.ContainsFunc(before, func(x Record) bool { return x.Outcome == Interviewed })
		if !twice {
			if twice, err = response.HouseholdTaken(tx, d.unit.ID); err != nil {
				return "", err
			}
		}
		if twice {
			return HouseholdTwice, nil
		}
		if taken, err := response.IDTaken(tx, a.id); err != nil || taken {
			return Malformed, err
		}
	}
	if d.home != nil && d.home.Reserve && len(before) == 0 {
		homes, err := standings(tx.DB, d.unit.WaveID, d.home.PSU)
		if err != nil {
			return "", err
		}
		if !slices.Contains(Turn(homes, l.rules), d.unit.ID) {
			return ReserveEarly, nil
		}
	}
	return "", nil
}

// weigh sets the design weight of a household in which somebody was interviewed:
// 1 over its probability, times the adults of whom one was asked. Units that came
// from elsewhere keep theirs.
func weigh(tx *store.Tx, d drawn, adults int) (*sample.Unit, error) {
	u := d.unit
	if d.home == nil {
		return &u, nil
	}
	u.Weight = d.home.Base * float64(adults)
	if err := tx.Model(&sample.Unit{}).Where("id = ?", u.ID).Update("weight", u.Weight).Error; err != nil {
		return nil, fmt.Errorf("weigh household: %w", err)
	}
	return &u, nil
}

// restate makes anew where a household stands.
func restate(tx *store.Tx, d drawn, rules Rules) error {
	accepted, err := acceptedOf(tx.DB, d.unit.WaveID, []string{d.unit.ID})
	if err != nil {
		return err
	}
	return saveHomes(tx, []Home{homeFrom(d, StateOf(visitsOf(accepted[d.unit.ID]), rules))})
}

// Enter stores a record that was written on paper: its content as a phone would
// have written it, with the answers sealed to SealKey. Returns survey.ErrDenied, or
// ErrNotFound when the household lies in none of the places where the actor manages
// field work.
func (s *Service) Enter(ctx context.Context, actor survey.Actor, id, text string) (Result, error) {
	if !actor.Can(survey.ManageFieldwork) {
		return Result{}, survey.ErrDenied
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return Result{}, survey.ErrInvalid.With(survey.Field{Path: "id", Code: "field_wrong"})
	}
	a := arrival{id: parsed.String(), content: text, account: actor.Account, via: ViaPaper}
	a.readIt()
	d, err := drawnUnit(s.db.Read(ctx), asID(a.read.Home))
	if err == nil && !actor.Sees(survey.ManageFieldwork, d.unit.AreaCode) {
		err = ErrNotFound
	}
	if err != nil {
		return Result{}, err
	}
	return s.take(ctx, a)
}
