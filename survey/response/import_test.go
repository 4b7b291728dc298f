package response_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

// given is an answer that was given so long after the wave opened.
func given(w *apptest.World, code, household string, after time.Duration) response.Imported {
	issued := w.Wave.OpensAt.Add(after)
	started := issued.Add(time.Second)
	return response.Imported{
		Code: code, ID: uuid.NewString(), Lang: "zh", Via: response.ViaPage, Answers: apptest.Answers(nil), Household: household,
		IssuedAt: issued, StartedAt: &started, ReceivedAt: issued.Add(2 * time.Minute),
	}
}

func TestImportKeepsTheRulesOfSubmit(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		w.Advance(300 * time.Hour) // the wave is over now, and was not then
		poster, visits := w.Posters[apptest.North].Code, w.Visits.Code
		rows := []response.Imported{
			given(w, poster, "", time.Hour),
			given(w, strings.ToLower(poster), "", 2*time.Hour),
			given(w, visits, w.Homes[0].Household, time.Hour),
			given(w, visits, w.Homes[0].Household, 3*time.Hour), // again
			given(w, visits, "nowhere", time.Hour),
			given(w, poster, "", 250*time.Hour), // after the end
		}
		if err := w.Responses.Import(ctx, rows); err != nil {
			t.Fatal(err)
		}
		want := []string{"", "", "", "household_twice", "household_unknown", "late"}
		for i, row := range rows {
			var r response.Response
			if err := w.DB.Read(ctx).Where("id = ?", row.ID).Take(&r).Error; err != nil {
				t.Fatal(err)
			}
			if r.Reason != want[i] || (r.Status == response.Counted) != (want[i] == "") || !r.ReceivedAt.Equal(row.ReceivedAt) {
				t.Errorf("row %d: %s %q, received %s", i, r.Status, r.Reason, r.ReceivedAt)
			}
			if got, err := w.Responses.Receipt(ctx, r.Receipt); err != nil || got.ID != row.ID {
				t.Errorf("receipt of row %d: %+v, err %v", i, got, err)
			}
		}
		recounted(t, w)
		if err := w.Responses.Import(ctx, rows); err != nil {
			t.Errorf("the same again: %v", err)
		}
		if n := count(t, w, "responses"); n != int64(len(rows)) {
			t.Errorf("%d responses after importing twice", n)
		}
		recounted(t, w)
	})
}

func TestImportRefusesTheTransactionOfAWrongRow(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		poster := w.Posters[apptest.North].Code
		first := given(w, poster, "", time.Minute)
		if err := w.Responses.Import(ctx, []response.Imported{first}); err != nil {
			t.Fatal(err)
		}
		wrong, other, future, backward := given(w, poster, "", time.Minute), first, given(w, poster, "", 100*time.Hour), given(w, poster, "", time.Minute)
		wrong.Answers = apptest.Answers(questionnaire.Answers{"q1": "nonsense"})
		other.Answers = apptest.Answers(questionnaire.Answers{"q1": "unknown"})
		backward.ReceivedAt = backward.IssuedAt.Add(-time.Second)
		for name, c := range map[string]struct {
			row  response.Imported
			want error
		}{
			"wrong answers":                {wrong, response.ErrWrongAnswers},
			"other answers under an id":    {other, response.ErrDiffers},
			"received in the future":       {future, survey.ErrInvalid},
			"received before it was begun": {backward, survey.ErrInvalid},
		} {
			err := w.Responses.Import(ctx, []response.Imported{given(w, poster, "", time.Minute), c.row})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "answer 2") {
				t.Errorf("%s: %v", name, err)
			}
			if n := count(t, w, "responses") + count(t, w, "response_rivals"); n != 1 {
				t.Errorf("%s: %d rows are stored", name, n)
			}
		}
		recounted(t, w)
	})
}
