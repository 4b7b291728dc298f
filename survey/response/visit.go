package response

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/mask"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/tally"
	"chengyin/survey/wave"
)

// ViaField is the way of interviews that field work brings in, each with the record
// of its visit.
const ViaField = "field"

// Visit is an interview at a door, as field work hands it over.
type Visit struct {
	ID        string // of its record
	Wave      wave.Wave
	AreaCode  string
	Lang      string
	Receipt   string // that the phone made; "" or a taken one gives way to one made here
	StartedAt *time.Time
	Answers   questionnaire.Answers
}

// Prepared is a Visit with everything that can be made before the transaction.
type Prepared struct {
	row        Response
	answers    questionnaire.Answers
	definition *questionnaire.Definition
	recipe     *indicator.Recipe
	spare      string // the receipt that is made here
	hashes     []string
}

// Definition returns what was asked.
func (p *Prepared) Definition() *questionnaire.Definition { return p.definition }

// IsReceipt reports whether the text has the form of a receipt's code, as it is
// stored.
func IsReceipt(text string) bool {
	return len(text) == receiptDigits && strings.Trim(text, alphabet) == ""
}

// PrepareVisit makes a visit's response ready to be kept in the transaction that stores
// its record. All texts are masked, those too that the questionnaire does not know.
func (s *Service) PrepareVisit(ctx context.Context, v Visit) (*Prepared, error) {
	id, err := uuid.Parse(v.ID)
	if err != nil {
		return nil, ErrTicket.Because(err)
	}
	p := &Prepared{}
	if p.definition, err = s.deps.Questionnaires.ByID(ctx, v.Wave.QuestionnaireID); err != nil {
		return nil, err
	}
	if p.recipe, err = s.deps.Recipes.ByID(ctx, v.Wave.RecipeID); err != nil {
		return nil, err
	}
	c, err := s.deps.Collectors.OfVisits(ctx, v.Wave, v.AreaCode)
	if err != nil {
		return nil, err
	}
	answers, masked := withoutIdentityAnywhere(p.definition, v.Answers)
	canonical := answers.Canonical()
	hash := sha256.Sum256(canonical)
	p.answers = answers
	p.spare = receiptOf(s.keys[0], id.String())
	p.row = Response{
		ID: id.String(), WaveID: v.Wave.ID, CollectorID: c.ID, AreaCode: v.AreaCode, QuestionnaireID: v.Wave.QuestionnaireID,
		Mode: collector.Visited, Via: ViaField, Lang: v.Lang, Answers: string(canonical), AnswersHash: hex.EncodeToString(hash[:]),
		Masked: masked, Receipt: v.Receipt, StartedAt: plausible(v.StartedAt),
	}
	if p.row.Lang != "en" {
		p.row.Lang = "zh"
	}
	if !IsReceipt(p.row.Receipt) {
		p.row.Receipt = p.spare
	}
	p.hashes = s.receiptHashes(p.row.Receipt)
	return p, nil
}

// withoutIdentityAnywhere is withoutIdentity for answers that may not fit their
// questionnaire: what is no option's code is a text, wherever it stands.
func withoutIdentityAnywhere(d *questionnaire.Definition, a questionnaire.Answers) (questionnaire.Answers, int) {
	out, items := withoutIdentity(d, a)
	if len(d.Check(a)) == 0 {
		return out, items
	}
	out = maps.Clone(out)
	for id, v := range out {
		switch v := v.(type) {
		case string:
			masked, n := mask.Text(v)
			out[id], items = masked, items+n
		case []string:
			list := make([]string, len(v))
			for i, x := range v {
				masked, n := mask.Text(x)
				list[i], items = masked, items+n
			}
			out[id] = list
		}
	}
	return out, items
}

// Kept is what became of a visit's response.
type Kept struct {
	ID       string // "" when nothing was kept
	Receipt  string
	Replaced bool // the phone's receipt was taken
	Erased   bool // its respondent had it deleted before
}

// ErrMeanwhile means that somebody took the household, the receipt or the id since
// the transaction looked: it is to be run again.
var ErrMeanwhile = errors.New("somebody was faster")

// HouseholdTaken reports whether a counted response of the household is stored.
// The caller holds the household.
func HouseholdTaken(tx *store.Tx, unitID string) (bool, error) {
	var found []string
	err := tx.Model(&Response{}).Where("sample_unit_id = ?", unitID).Limit(1).Pluck("id", &found).Error
	return len(found) > 0, err
}

// IDTaken reports whether a response that no visit brought has the id, or had it
// before it was deleted: a new visit cannot.
func IDTaken(tx *store.Tx, id string) (bool, error) {
	erased, err := erasedOf(tx.DB, []string{id})
	if err != nil || erased[id] {
		return true, err
	}
	if _, err = responseByID(tx.DB, id); errors.Is(err, errUnknown) {
		return false, nil
	}
	return true, err
}

// KeepVisit stores a prepared response in the transaction of its record and moves
// the tallies by it. With a unit it is counted with that unit's weight; without one
// it is kept in quarantine for the reason. Other answers under the id of a visit's
// response are kept beside it, as of any response.
//
// Returns ErrMeanwhile.
func KeepVisit(tx *store.Tx, p *Prepared, unit *sample.Unit, reason string) (Kept, error) {
	erased, err := erasedOf(tx.DB, []string{p.row.ID})
	if err != nil || erased[p.row.ID] {
		return Kept{Erased: erased[p.row.ID]}, err
	}
	old, err := responseByID(tx.DB, p.row.ID)
	switch {
	case err == nil && old.Via != ViaField:
		return Kept{}, nil
	case err == nil:
		if old.AnswersHash != p.row.AnswersHash {
			err = insertRival(tx, Rival{ResponseID: old.ID, AnswersHash: p.row.AnswersHash, Answers: p.row.Answers, Via: ViaField, ReceivedAt: tx.Now})
		}
		return Kept{ID: old.ID, Receipt: old.Receipt}, err
	case !errors.Is(err, errUnknown):
		return Kept{}, err
	}
	row := p.row
	row.Status, row.Reason, row.ReceivedAt, row.IssuedAt = Quarantined, reason, tx.Now, tx.Now
	if unit != nil {
		row.Status, row.Reason, row.SampleUnitID = Counted, "", &unit.ID
	}
	out := Kept{ID: row.ID}
	taken, err := receiptTaken(tx, row.Receipt, p.hashes)
	if err != nil {
		return Kept{}, err
	}
	if taken {
		row.Receipt, out.Replaced = p.spare, true
	}
	out.Receipt = row.Receipt
	if err := tx.Create(&row).Error; err != nil {
		if store.IsDuplicate(err) {
			err = ErrMeanwhile
		}
		return Kept{}, err
	}
	if unit == nil {
		return out, nil
	}
	return out, tally.Move(tx, tally.Of(tally.Answer{WaveID: row.WaveID, Mode: row.Mode, AreaCode: row.AreaCode, Unit: unit, Answers: p.answers}, p.definition, p.recipe))
}

// receiptTaken reports whether a response has the receipt, or had it before it was
// deleted.
func receiptTaken(tx *store.Tx, receipt string, hashes []string) (bool, error) {
	if _, err := responseByReceipt(tx.DB, receipt); !errors.Is(err, ErrNoReceipt) {
		return err == nil, err
	}
	_, err := tombstoneByReceipt(tx.DB, hashes)
	if errors.Is(err, ErrNoReceipt) {
		return false, nil
	}
	return err == nil, err
}
