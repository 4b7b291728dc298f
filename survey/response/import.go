package response

import (
	"context"
	"fmt"
	"time"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/store"
)

// Imported is an answer that was given elsewhere or earlier, with the times at
// which that happened.
type Imported struct {
	Code       string // the collector's
	ID         string // UUID
	Lang       string
	Via        string
	Answers    questionnaire.Answers
	Household  string // of a visit: the drawn household
	IssuedAt   time.Time
	StartedAt  *time.Time
	ReceivedAt time.Time
}

// importBatch is how many answers share a transaction.
const importBatch = 500

// Import stores answers under the rules of Submit, with two differences: nobody
// holds a ticket for them, and what was late is judged by ReceivedAt. It stores
// in transactions of importBatch, so after an error the first of them may be in;
// importing the same rows again is then harmless, because an id is stored once.
// Rows of the same place should stand together: their tallies then move together.
//
// Returns collector.ErrNotFound, or ErrWrongAnswers of the first row that is
// wrong, or ErrDiffers when an id is known with other answers; nothing of that
// row's transaction is stored then.
func (s *Service) Import(ctx context.Context, rows []Imported) error {
	known := map[string]fieldwork{}
	for start := 0; start < len(rows); start += importBatch {
		part := rows[start:min(start+importBatch, len(rows))]
		batch := make([]*item, len(part))
		for i, r := range part {
			it, err := s.imported(ctx, known, r)
			if err != nil {
				return fmt.Errorf("import answer %d: %w", start+i+1, err)
			}
			batch[i] = it
		}
		err := s.db.InTx(ctx, func(tx *store.Tx) error {
			if err := keep(tx, batch); err != nil {
				return err
			}
			for i, it := range batch {
				if it.err != nil {
					return fmt.Errorf("import answer %d: %w", start+i+1, it.err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// imported makes the item of one row. Known remembers what stands behind codes.
func (s *Service) imported(ctx context.Context, known map[string]fieldwork, r Imported) (*item, error) {
	code := collector.Normalise(r.Code)
	f, ok := known[code]
	if !ok {
		var err error
		if f, err = s.behind(ctx, code); err != nil {
			return nil, err
		}
		known[code] = f
	}
	switch {
	case r.ReceivedAt.Before(r.IssuedAt):
		return nil, survey.ErrInvalid.With(survey.Field{Path: "received_at", Code: "out_of_range"})
	case r.ReceivedAt.After(s.clock()):
		return nil, survey.ErrInvalid.With(survey.Field{Path: "received_at", Code: "out_of_range"})
	}
	if f.questionnaire.Stops(r.Answers) {
		return nil, ErrTooYoung
	}
	if wrong := f.questionnaire.Check(r.Answers); len(wrong) > 0 {
		return nil, ErrWrongAnswers.With(wrong...)
	}
	in := Submission{Code: code, ID: r.ID, Lang: r.Lang, Via: r.Via, StartedAt: r.StartedAt, Answers: r.Answers, Household: r.Household}
	return s.prepare(ctx, f, in, r.IssuedAt, r.ReceivedAt)
}
