package response

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/tally"
)

// Respondent acts for whoever holds a receipt. Where they came from is not kept.
var Respondent = survey.Actor{Account: "respondent", Login: "respondent", Name: "respondent", Via: "receipt"}

// Erase deletes the response with that receipt, as its respondent wishes: answers,
// other answers under its id and traces go, the tallies move back in the same
// transaction, and a tombstone keeps the answers from coming back when they are
// sent again. Runs that were published stay. Returns ErrNoReceipt, and ErrErased
// when it was deleted before.
func (s *Service) Erase(ctx context.Context, code string) error {
	code = collector.Normalise(code)
	if len(code) != receiptDigits {
		return ErrNoReceipt
	}
	hashes := s.receiptHashes(code)
	r, err := responseByReceipt(s.db.Read(ctx), code)
	if errors.Is(err, ErrNoReceipt) {
		return s.gone(ctx, hashes, err)
	}
	if err != nil {
		return err
	}
	d, recipe, err := s.asked(ctx, r)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error { return erase(tx, code, hashes[0], d, recipe) })
	if errors.Is(err, ErrNoReceipt) { // somebody was faster
		return s.gone(ctx, hashes, err)
	}
	return err
}

// gone returns ErrErased when a tombstone has the receipt, else what was found.
func (s *Service) gone(ctx context.Context, hashes []string, found error) error {
	_, err := tombstoneByReceipt(s.db.Read(ctx), hashes)
	if err == nil {
		return ErrErased
	}
	if errors.Is(err, ErrNoReceipt) {
		return found
	}
	return err
}

// asked returns what the answers of a response were counted by.
func (s *Service) asked(ctx context.Context, r Response) (*questionnaire.Definition, *indicator.Recipe, error) {
	w, err := s.deps.Waves.ByID(ctx, r.WaveID)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.deps.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return nil, nil, err
	}
	recipe, err := s.deps.Recipes.ByID(ctx, w.RecipeID)
	return d, recipe, err
}

// erase removes a response. It holds the response's row, so that whoever sends it
// again meanwhile waits and then finds the tombstone.
func erase(tx *store.Tx, receipt, hash string, d *questionnaire.Definition, recipe *indicator.Recipe) error {
	r, err := responseByReceipt(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), receipt)
	if err != nil {
		return err
	}
	if r.Status == Counted {
		rows, err := movedBy(tx.DB, r, d, recipe)
		if err != nil {
			return err
		}
		if err := tally.Back(tx, rows); err != nil {
			return err
		}
	}
	if err := tx.Create(&Tombstone{ResponseID: r.ID, ReceiptHash: hash, WaveID: r.WaveID, ErasedAt: tx.Now}).Error; err != nil {
		return err
	}
	if err := Remove(tx, []string{r.ID}); err != nil {
		return err
	}
	return event.Write(tx, Respondent, event.Entry{Kind: "response.erased", Object: r.ID, Area: r.AreaCode, Payload: map[string]string{"wave": r.WaveID, "by": "receipt"}})
}

// movedBy returns the rows by which a counted response moved the tallies.
func movedBy(r *gorm.DB, x Response, d *questionnaire.Definition, recipe *indicator.Recipe) ([]tally.Row, error) {
	var unit *sample.Unit
	if x.SampleUnitID != nil {
		unit = new(sample.Unit)
		if err := r.Where("id = ?", *x.SampleUnitID).Take(unit).Error; err != nil {
			return nil, err
		}
	}
	answers, wrong := questionnaire.ParseAnswers([]byte(x.Answers))
	if len(wrong) > 0 {
		return nil, survey.ErrInvalid.With(wrong...)
	}
	return tally.Of(tally.Answer{WaveID: x.WaveID, Mode: x.Mode, AreaCode: x.AreaCode, Unit: unit, Answers: answers}, d, recipe), nil
}

// Remove deletes responses with all that belongs to them. What residents reported
// stays without saying of which answers, and of the visits that brought them what
// became of these. It leaves the tallies as they are.
func Remove(tx *store.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := tx.Where("response_id IN ?", ids).Delete(&Rival{}).Error; err != nil {
		return err
	}
	if err := tx.Where("response_id IN ?", ids).Delete(&Trace{}).Error; err != nil {
		return err
	}
	if err := tx.Model(&Report{}).Where("response_id IN ?", ids).Update("response_id", "").Error; err != nil {
		return err
	}
	if err := stripRecords(tx, ids); err != nil {
		return err
	}
	return tx.Where("id IN ?", ids).Delete(&Response{}).Error
}

// receiptHashes returns what a tombstone may know a receipt by: by the present
// secret first, then by older ones.
func (s *Service) receiptHashes(receipt string) []string {
	out := make([]string, len(s.keys))
	for i, key := range s.keys {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("erased receipt:" + receipt))
		out[i] = hex.EncodeToString(m.Sum(nil))
	}
	return out
}
